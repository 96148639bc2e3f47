//! `jingwen check` on broken configurations: all problems at once, each with its place and the fix.

use std::fs;
use std::process::Command;

use assert_cmd::cargo::cargo_bin;

/// What `check` says of a `jingwen.toml`: exit code, and `line:column code help` of each error in it.
fn check(text: &str) -> (i32, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("jingwen.toml"), text).unwrap();
    let out = Command::new(cargo_bin("jingwen"))
        .args(["check", "--format", "json"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    let list: serde_json::Value =
        serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&out.stderr)));
    let told = list.as_array().unwrap().iter().filter(|p| p["file"] == "jingwen.toml").map(|p| {
        format!(
            "{}:{} {} {}",
            p["line"],
            p["column"],
            p["code"].as_str().unwrap(),
            p["help"].as_str().unwrap_or_default()
        )
    });
    (out.status.code().unwrap_or(-1), told.collect())
}

#[test]
fn a_good_configuration_has_no_problems() {
    let (code, told) = check("[politeness]\nrate = \"1/3s\"\n[http]\ntimeout = \"20s\"\nmax_body = \"5MiB\"\n");
    assert_eq!((code, told), (0, vec![]));
}

#[test]
fn every_problem_is_told_with_place_and_fix() {
    for (text, wanted) in [
        ("[htp]\ntimeout = \"30s\"\n", vec!["1:2 unknown-key did you mean `http`?"]),
        (
            "[politeness]\nraet = \"1/s\"\n[http]\ntimeuot = \"3s\"\n",
            vec!["2:1 unknown-key did you mean `rate`?", "4:1 unknown-key did you mean `timeout`?"],
        ),
        ("timeout = \"3s\"\n", vec!["1:1 unknown-key `timeout` belongs into `[http]`"]),
        ("[politeness]\nrespect_robots = \"no\"\n", vec!["2:18 wrong-type write true or false"]),
        ("[politeness]\nrate = \"fast\"\n", vec!["2:8 bad-config"]),
        ("[http\ntimeout = \"3s\"\n", vec!["1:6 bad-config"]),
        ("sites = \"sznews\"\n", vec!["1:9 wrong-type write a list"]),
        ("selectors = \"nowhere\"\n", vec!["1:1 bad-config"]),
    ] {
        let (code, told) = check(text);
        assert_eq!(code, 2, "{text}");
        assert_eq!(told.len(), wanted.len(), "{text}{told:#?}");
        for (told, wanted) in told.iter().zip(wanted) {
            assert!(told.starts_with(wanted), "{text}{told:?} is not {wanted:?}");
        }
    }
}
