#![no_main]
//! Any text is a selector file or a list of problems, each with a place in the file.

use jingwen::sites::{Origin, SiteErrors, Sites, SourceFile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let file = SourceFile { id: "fuzz".into(), name: "fuzz.toml".into(), origin: Origin::Builtin, text: text.into() };
    if let Err(SiteErrors::Invalid(problems)) = Sites::compile(vec![file]) {
        assert!(!problems.is_empty());
        for problem in problems {
            let (line, column) = problem.line_column();
            assert!(line >= 1 && column >= 1);
        }
    }
});
