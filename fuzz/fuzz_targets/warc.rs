#![no_main]
//! Archives, gzipped by record or not.

use std::io::Write;

use jingwen::crawl::warc::Archive;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    if let Ok(archive) = Archive::open(file.path(), 1 << 20) {
        let _ = archive.urls().count();
    }
});
