//! `jingwen check`, `test` and `sites` through the real binary, on selector files of our own.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

const SITE: &str = r#"name = "例报"
hosts = ["www.example.com"]

[[template]]
name = "a"
when = { has = ["div.body"] }
title = "h1.t"
body = "div.body"
remove = [".ad"]
published = ".d"
source = { css = ".s", strip = "来源：" }

[[test]]
page = "a.html"
url = "https://www.example.com/a/1.htm"
template = "a"
title = "海边的新路通车了"
source = "例报"
published = "2024-05-06T07:08:00+08:00"
contains = ["早上七点"]
excludes = ["扫码下载"]
chars = [60, 400]
"#;

const PAGE: &str = r#"<!doctype html><html><head><meta charset="utf-8"><title>海边的新路通车了_例报</title></head><body>
<h1 class="t">海边的新路通车了</h1><p class="m"><span class="d">2024-05-06 07:08</span> <span class="s">来源：例报</span></p>
<div class="body"><p>早上七点，第一辆公交车从海边的新路上开过，车上坐满了去上班的人，司机笑着按了两声喇叭。</p>
<p>住在附近的居民说，从前到市里要走一个小时，如今只要二十分钟，孩子们上学也不用再绕过那座山。</p>
<p>工程用了三年时间，其间遇到两次台风，工人们在雨停后的第二天就回到了工地上，没有误期。</p>
<div class="ad">扫码下载客户端看更多新闻</div></div></body></html>"#;

fn setup(site: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("pages")).unwrap();
    fs::write(dir.path().join("ex.toml"), site).unwrap();
    fs::write(dir.path().join("pages/a.html"), PAGE).unwrap();
    dir
}

fn jingwen(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let out = Command::new(cargo_bin("jingwen")).args(args).current_dir(dir).env("NO_COLOR", "1").output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.code().unwrap_or(-1), text(&out.stdout), text(&out.stderr))
}

#[test]
fn a_good_file_passes_check_and_test() {
    let dir = setup(SITE);
    let (code, out, err) = jingwen(dir.path(), &["check", "ex.toml"]);
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    assert!(err.contains("1 selector file: 0 errors, 0 warnings"), "{err}");
    let (code, out, err) = jingwen(dir.path(), &["test", "ex.toml"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("1 passed, 0 failed"), "{out}");
}

#[test]
fn check_shows_place_caret_and_fix_and_exits_with_2() {
    let dir = setup(&SITE.replace("title = \"h1.t\"", "titl = \"h1.t\""));
    let (code, _, err) = jingwen(dir.path(), &["check", "ex.toml"]);
    assert_eq!(code, 2);
    for part in ["ex.toml:7:1", "titl = \"h1.t\"", "unknown key", "did you mean `title`?", "1 error"] {
        assert!(err.contains(part), "no {part:?} in\n{err}");
    }
    let (code, out, _) = jingwen(dir.path(), &["check", "--format", "json", "ex.toml"]);
    let list: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 2);
    assert_eq!((&list[0]["line"], &list[0]["column"], &list[0]["text"]), (&7.into(), &1.into(), &"titl".into()));
    let (_, out, _) = jingwen(dir.path(), &["check", "--format", "github", "ex.toml"]);
    assert!(out.starts_with("::error file=ex.toml,line=7,endLine=7,col=1,endColumn=5,title=unknown-key::"), "{out}");
}

#[test]
fn broken_files_stop_every_command_with_2_and_all_errors() {
    let dir = setup("hosts = [\"https://a.cn\"]\ntimezone = \"X\"\n");
    for args in [&["test", "ex.toml"][..], &["sites", "--selectors", "."]] {
        let (code, _, err) = jingwen(dir.path(), args);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains("bad-host") && err.contains("bad-timezone"), "{err}");
    }
}

#[test]
fn warnings_alone_exit_with_0() {
    let dir = setup(&SITE.replace("name = \"例报\"\n", ""));
    let (code, _, err) = jingwen(dir.path(), &["check", "ex.toml"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("0 errors, 1 warning"), "{err}");
}

#[test]
fn failures_show_what_is_missing_and_what_is_too_much() {
    let site = SITE
        .replace("remove = [\".ad\"]\n", "")
        .replace("早上七点", "孩子们上学再也不用绕过那座山")
        .replace("title = \"海边的新路通车了\"", "title = \"另一个题目\"")
        .replace("扫码下载", "第一辆公交车");
    let dir = setup(&site);
    let (code, out, _) = jingwen(dir.path(), &["test", "ex.toml", "--junit", "out.xml"]);
    assert_eq!(code, 3, "{out}");
    for part in [
        "ex.toml:12",
        "另一个题目",
        "海边的新路通车了",
        "nearest line",
        "绕过那座山",
        "line 1 of",
        "too much",
        "1 failed",
    ] {
        assert!(out.contains(part), "no {part:?} in\n{out}");
    }
    let xml = fs::read_to_string(dir.path().join("out.xml")).unwrap();
    assert!(xml.contains("failures=\"1\"") && xml.contains("<failure message=\"title, contains, excludes\">"), "{xml}");
    let (_, out, _) = jingwen(dir.path(), &["test", "ex.toml", "--format", "json"]);
    let list: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(list[0]["verdict"], "failed");
    assert_eq!(list[0]["differences"][0]["what"], "title");
}

#[test]
fn a_missing_page_is_a_failure() {
    let dir = setup(&SITE.replace("a.html", "gone.html"));
    let (code, out, _) = jingwen(dir.path(), &["test", "ex.toml"]);
    assert_eq!(code, 3);
    assert!(out.contains("there is no `gone.html`"), "{out}");
}

#[test]
fn update_writes_what_came_out_and_leaves_the_rest() {
    let test = "[[test]] # mine\npage = \"a.html\" # the page\nurl = \"https://www.example.com/a/1.htm\"\n";
    let site = format!("{}{test}", &SITE[..SITE.find("[[test]]").unwrap()]);
    let dir = setup(&site);
    let (code, _, err) = jingwen(dir.path(), &["test", "--update", "ex.toml"]);
    assert_eq!(code, 0, "{err}");
    let text = fs::read_to_string(dir.path().join("ex.toml")).unwrap();
    assert!(text.starts_with(&site[..site.find("[[test]]").unwrap()]));
    for part in [
        "# mine",
        "# the page",
        "title = \"海边的新路通车了\"",
        "template = \"a\"",
        "source = \"例报\"",
        "contains = [\"早上七点",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    let (code, out, err) = jingwen(dir.path(), &["test", "ex.toml"]);
    assert_eq!(code, 0, "{out}{err}{text}");

    fs::write(dir.path().join("ex.toml"), SITE.replace("title = \"海边的新路通车了\"", "title = \"旧\"")).unwrap();
    jingwen(dir.path(), &["test", "--update", "ex.toml"]);
    assert_eq!(fs::read_to_string(dir.path().join("ex.toml")).unwrap(), SITE);
}

#[test]
fn watch_runs_again_when_a_file_is_saved() {
    let dir = setup(SITE);
    let log = dir.path().join("log");
    let mut child = Command::new(cargo_bin("jingwen"))
        .args(["test", "--watch", "ex.toml"])
        .current_dir(dir.path())
        .stdout(fs::File::create(&log).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let saw = |what: &str| {
        let end = Instant::now() + Duration::from_secs(20);
        while Instant::now() < end {
            if fs::read_to_string(&log).unwrap().contains(what) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    };
    let first = saw("1 passed");
    std::thread::sleep(Duration::from_millis(400));
    fs::write(dir.path().join("ex.toml"), SITE.replace("title = \"海边的新路通车了\"", "title = \"旧\"")).unwrap();
    let second = saw("1 failed");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(first && second, "{}", fs::read_to_string(&log).unwrap());
}

#[test]
fn sites_lists_what_is_known() {
    let dir = setup(SITE);
    let (code, out, err) = jingwen(dir.path(), &["sites", "--selectors", "ex.toml"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("ID ") && out.contains("例报"), "{out}");
    let (_, out, _) = jingwen(dir.path(), &["sites", "--selectors", "ex.toml", "--format", "json"]);
    let list: serde_json::Value = serde_json::from_str(&out).unwrap();
    let ours = list.as_array().unwrap().iter().find(|s| s["id"] == "ex").unwrap();
    assert_eq!((&ours["templates"][0]["name"], &ours["tests"]), (&"a".into(), &1.into()));
}

#[test]
fn shipped_files_have_no_errors() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (code, out, err) = jingwen(root, &["check", "--format", "json"]);
    let problems: serde_json::Value = serde_json::from_str(&out).unwrap();
    let errors: Vec<_> = problems.as_array().unwrap().iter().filter(|p| p["severity"] == "error").collect();
    assert_eq!(code, 0, "{errors:#?}{err}");
}

#[test]
fn shipped_files_pass_their_own_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (code, out, err) = jingwen(root, &["test"]);
    assert_eq!(code, 0, "{out}{err}");
}
