//! Spoilt pages through the real binary: every one is answered, in order, by one line of JSON without control characters,
//! and nothing panics or takes for ever.
//!
//! 300 pages by default; `JINGWEN_MUTATED=2000` takes more, and `JINGWEN_BIN` names another binary (an optimised one).

#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/mutate.rs"]
mod mutate;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use corpus::{own, real, setting};
use jingwen::clean::{self, Body, Options, Page};
use jingwen::sites::Sites;
use mutate::{Dice, PIECES, TAGS};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

fn binary() -> PathBuf {
    std::env::var_os("JINGWEN_BIN").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_jingwen")), PathBuf::from)
}

/// Pages on disk, and the list of them that `--pages` reads.
struct Batch {
    dir: TempDir,
    list: String,
    ids: Vec<String>,
}

impl Batch {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), list: String::new(), ids: Vec::new() }
    }

    fn add(&mut self, id: String, url: Option<&str>, page: &[u8]) {
        let file = format!("{}.html", self.ids.len());
        fs::write(self.dir.path().join(&file), page).unwrap();
        self.list.push_str(&format!("{}\n", json!({ "id": id, "url": url, "file": file })));
        self.ids.push(id);
    }

    fn clean(&self, flags: &[&str]) -> (Output, Duration) {
        let list = self.dir.path().join("pages.jsonl");
        fs::write(&list, &self.list).unwrap();
        let begun = Instant::now();
        let out = Command::new(binary()).args(["clean", "--pages"]).arg(&list).args(flags).output().unwrap();
        (out, begun.elapsed())
    }

    /// Cleans, and checks every answer.
    fn check(&self, flags: &[&str], most: Duration) -> Vec<Value> {
        let (out, took) = self.clean(flags);
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(!said.contains("panicked"), "{said}");
        assert_eq!(out.status.code(), Some(0), "{said}");
        assert!(took < most, "{took:?} for {} pages, {most:?} allowed", self.ids.len());
        let text = String::from_utf8(out.stdout).expect("UTF-8");
        let answers: Vec<Value> =
            text.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l:.200}"))).collect();
        let ids: Vec<&str> = answers.iter().map(|a| a["id"].as_str().unwrap_or_default()).collect();
        assert_eq!(ids, self.ids);
        answers.iter().for_each(assert_sound);
        let articles = answers.iter().filter(|a| a.get("rejected").is_none()).count();
        eprintln!("{flags:?}: {} pages, {articles} articles, {took:.1?}", answers.len());
        answers
    }
}

/// An answer is a record or a reject, and no text in it has a control character (line breaks part paragraphs, tabs the cells of
/// a table).
fn assert_sound(answer: &Value) {
    if answer.get("rejected").is_none() {
        assert!(!answer["text"].as_str().unwrap_or_default().trim().is_empty(), "{answer}");
    } else {
        assert!(answer["rejected"].is_string() && answer["detail"].is_string(), "{answer}");
    }
    each_text("", answer, &mut |path, text| {
        let bad = text.chars().find(|c| c.is_control() && !(matches!(c, '\n' | '\t') && path == "/text"));
        assert_eq!(bad, None, "{path} of {}: {text:?}", answer["id"]);
    });
}

fn each_text(path: &str, value: &Value, take: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::String(text) => take(path, text),
        Value::Array(all) => all.iter().for_each(|v| each_text(&format!("{path}[]"), v, take)),
        Value::Object(all) => {
            for (key, v) in all {
                take("key", key);
                each_text(&format!("{path}/{key}"), v, take);
            }
        }
        _ => {}
    }
}

#[test]
fn spoilt_pages_are_answered_one_by_one() {
    let n = setting("JINGWEN_MUTATED", 300);
    let pages: Vec<_> = own().into_iter().chain(real()).collect();
    let mut batch = Batch::new();
    for k in 0..n {
        let page = &pages[k % pages.len()];
        let mut dice = Dice::new(k as u64);
        let mut bytes = page.bytes.clone();
        for _ in 0..1 + dice.below(3) {
            bytes = mutate::bytes(&bytes, &mut dice);
        }
        batch.add(format!("{}#{k}", page.name), page.url.as_deref(), &bytes);
    }
    // A debug build takes 0.1 s a page here; machines differ.
    let most = Duration::from_secs(60 + n as u64);
    let one = batch.check(&[], most);
    let two = batch.check(&["--threads", "2"], most);
    assert_eq!(one, two, "threads change nothing");
    batch.check(&["--generic"], most);
    assert!(one.iter().filter(|a| a.get("rejected").is_none()).count() * 4 > n, "most pages survive");
}

const ARTICLE: &str = "<h1>海边的新路今天通车了</h1><p>早上七点，第一辆公交车从海边的新路上开过，车上坐满了去上班的人，司机按了两声喇叭。</p>\
                       <p>住在附近的居民说，从前到市里要走一个小时，如今只要二十分钟，孩子们上学也不用再绕过那座山。</p>";

#[test]
fn hostile_pages_stay_within_their_time() {
    let mut batch = Batch::new();
    let mut add =
        |id: &str, page: String| batch.add(id.into(), Some("https://www.example.com/a/1.htm"), page.as_bytes());
    for open in [
        "<div>",
        "<b>",
        "<a>",
        "<table>",
        "<table><tr><td>",
        "<ul><li>",
        "<svg>",
        "<form>",
        "<button>",
        "<p><b>",
        "<i><div>",
    ] {
        add(&format!("100,000 nested {open}"), format!("{}{ARTICLE}", open.repeat(100_000)));
    }
    add("100,000 end tags", format!("{}{ARTICLE}", "</div></p></b>".repeat(100_000)));
    add("100,000 attributes", format!("<p{}>{ARTICLE}", (0..100_000).map(|n| format!(" a{n}=1")).collect::<String>()));
    add("one attribute 100,000 times", format!("<p{}>{ARTICLE}", " class=a".repeat(100_000)));
    add("an attribute of 5 MiB", format!("<p class='{}'>{ARTICLE}", "a ".repeat(5 << 19)));
    add("100,000 comments", format!("{}{ARTICLE}", "<!-- -- --!-->".repeat(100_000)));
    add("unfinished comments", format!("{ARTICLE}{}", "<!--".repeat(100_000)));
    add("unfinished tags", format!("{ARTICLE}{}", "<a b='".repeat(100_000)));
    add("unfinished raw text", format!("{ARTICLE}{}", "<script><style><textarea>".repeat(100_000)));
    add("100,000 references", format!("{ARTICLE}<p>{}", "&notit;&#x1F600;&amp".repeat(100_000)));
    add("quotes without end", format!("{ARTICLE}<p {}>", "'\"=".repeat(100_000)));
    add("one line of 5 MiB", format!("{ARTICLE}<p>{}", "字，".repeat(5 << 17)));
    add("400,000 short lines", format!("{ARTICLE}{}", "短<br>".repeat(400_000)));
    add("200,000 links", format!("{ARTICLE}{}", "<li><a href=/x>标题是这一条</a>".repeat(200_000)));
    add("100,000 staff lines", format!("{ARTICLE}{}", "<p>责任编辑：林晓舟</p>".repeat(100_000)));
    add("100,000 dates", format!("{ARTICLE}{}", "<p>2024-05-06 07:08 来源：例报</p>".repeat(100_000)));
    add("JSON-LD of brackets", format!("<script type='application/ld+json'>{}</script>{ARTICLE}", "[".repeat(500_000)));
    add("1 MiB of NUL", format!("{ARTICLE}{}", "\0".repeat(1 << 20)));
    add("only NUL", "\0".repeat(1 << 20));
    add("nothing but <", "<".repeat(1 << 20));
    let answers = batch.check(&[], Duration::from_secs(240));
    let lost: Vec<&str> =
        answers.iter().filter(|a| a.get("rejected").is_some()).map(|a| a["id"].as_str().unwrap_or_default()).collect();
    eprintln!("rejected: {lost:?}");
}

#[test]
fn fifty_mebibytes_are_one_page() {
    let mut batch = Batch::new();
    let paragraph = "<p>早上七点，第一辆公交车从海边的新路上开过，车上坐满了去上班的人。</p>\n";
    let page = [ARTICLE, &paragraph.repeat((50 << 20) / paragraph.len())].concat();
    batch.add("50 MiB".into(), None, page.as_bytes());
    batch.check(&[], Duration::from_secs(180));
}

#[test]
fn too_large_a_file_is_refused_and_the_next_page_is_not() {
    let mut batch = Batch::new();
    batch.add("large".into(), None, &vec![b'a'; (64 << 20) + 1]);
    batch.add("small".into(), None, ARTICLE.as_bytes());
    let (out, _) = batch.clean(&[]);
    assert_eq!(out.status.code(), Some(3));
    let text = String::from_utf8(out.stdout).unwrap();
    let answers: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!((answers[0]["rejected"].as_str(), answers.len()), (Some("bad-input"), 2));
    assert!(answers[1].get("rejected").is_none());
    assert!(Path::new(&binary()).exists());
}

static SITES: LazyLock<Sites> = LazyLock::new(Sites::builtin);

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => proptest::sample::select(TAGS).prop_map(ToOwned::to_owned),
        2 => proptest::sample::select(PIECES).prop_map(ToOwned::to_owned),
        2 => proptest::sample::select(&[
            "早上七点，第一辆公交车从海边的新路上开过，车上坐满了去上班的人。",
            "责任编辑：林晓舟",
            "来源：例报 2024-05-06 07:08",
            "（原标题：海边的新路通车）",
            "It was raining, and the road by the sea was closed. Nobody came.",
            "相关阅读",
            "本报记者 谢清和 摄",
        ][..]).prop_map(ToOwned::to_owned),
        1 => "\\PC{0,12}",
        1 => proptest::collection::vec(any::<char>(), 0..8).prop_map(String::from_iter),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any markup, and any text, is an article or a reject, the same twice, without control characters.
    #[test]
    fn any_short_markup_is_answered(pieces in proptest::collection::vec(piece(), 0..60), sznews: bool, flat: bool) {
        let text = pieces.concat();
        let url = Url::parse(if sznews { "https://www.sznews.com/news/content/2024-05/06/content_1.htm" } else { "https://a.test/" }).unwrap();
        let body = if flat { Body::Text(&text) } else { Body::Html(text.as_bytes()) };
        let page = Page { url: Some(&url), body, content_type: None, fetched_at: None };
        let options = Options { links: true, ..Options::default() };
        let found = clean::clean(&page, &SITES, &options);
        let again = clean::clean(&page, &SITES, &options);
        prop_assert_eq!(format!("{found:?}"), format!("{again:?}"));
        for link in &found.links {
            prop_assert!(!link.text.chars().any(char::is_control), "{:?}", link);
        }
        match found.article {
            Ok(record) => assert_sound(&serde_json::to_value(&record).unwrap()),
            Err(why) => prop_assert!(!why.detail.is_empty() && !why.detail.chars().any(char::is_control), "{:?}", why),
        }
    }
}
