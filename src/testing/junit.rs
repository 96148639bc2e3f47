//! JUnit XML, which CI servers show as a table of tests.

use std::fmt::Write as _;
use std::time::Duration;

use quick_xml::escape::escape;

use super::{Run, Verdict};

/// The runs as JUnit XML: a suite per selector file.
pub fn junit(runs: &[Run]) -> String {
    // Writing to a String cannot fail, so results are dropped here.
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for suite in runs.chunk_by(|a, b| a.site.file == b.site.file) {
        let Some(first) = suite.first() else { continue };
        let count = |wanted: fn(&Verdict) -> bool| suite.iter().filter(|r| wanted(&r.verdict)).count();
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\" time=\"{:.3}\">",
            escape(&first.site.file),
            suite.len(),
            count(|v| matches!(v, Verdict::Failed(_))),
            count(|v| matches!(v, Verdict::Skipped(_))),
            suite.iter().map(|r| r.took).sum::<Duration>().as_secs_f64(),
        );
        for run in suite {
            let _ = write!(
                xml,
                "    <testcase classname=\"{}\" name=\"{}\" file=\"{}\" line=\"{}\" time=\"{:.3}\"",
                escape(&run.site.id),
                escape(run.page()),
                escape(&run.site.file),
                run.test.line,
                run.took.as_secs_f64(),
            );
            match &run.verdict {
                Verdict::Passed => xml.push_str("/>\n"),
                Verdict::Skipped(why) => {
                    let _ = writeln!(xml, "><skipped message=\"{}\"/></testcase>", escape(why));
                }
                Verdict::Failed(differences) => {
                    let what = differences.iter().map(|d| d.what.as_str()).collect::<Vec<_>>().join(", ");
                    let _ = write!(xml, ">\n      <failure message=\"{}\">", escape(what));
                    for d in differences {
                        let line = [
                            Some(d.what.clone()),
                            d.expected.as_ref().map(|e| format!("  expected  {e}")),
                            d.found.as_ref().map(|f| format!("  found     {f}")),
                            d.note.as_ref().map(|n| format!("  {n}")),
                        ];
                        for line in line.into_iter().flatten() {
                            let _ = writeln!(xml, "{}", escape(line));
                        }
                    }
                    xml.push_str("</failure>\n    </testcase>\n");
                }
            }
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}
