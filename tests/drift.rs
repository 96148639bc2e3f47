//! Drift through the real binary: redesigns of an invented site are noticed within 20 pages, varied pages raise no alarm, and
//! what `--propose` prints mends the file.

mod support;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::{Value, json};

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn new(n: usize) -> Self {
        let mut dice = Self(n as u64 * 2_654_435_761 + 88_172_645_463_325_252);
        dice.below(7);
        dice
    }

    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % n
    }

    fn percent(&mut self, p: usize) -> bool {
        self.below(100) < p
    }
}

const FILE: &str = r##"name  = "海湾早报"
hosts = ["news.haiwan.example"]

[crawl]
seeds    = ["http://news.haiwan.example/"]
articles = ['/c/\d{4}-\d{2}/\d{2}/\d+(_\d+)?\.htm$']

# Pictures come with few words.
[[template]]
name  = "photo"
kind  = "gallery"
when  = { has = [".album .pic"] }
title = "h1"
body  = ".album .words"

[[template]]
name  = "2024"
when  = { has = [".story .txt"] }
title = ".story h1"
body  = ".story .txt"
remove = [".share"]
published = [{ css = ".info", capture = '(\d{4}-\d{2}-\d{2} \d{2}:\d{2})' }, { url = '/(\d{4}-\d{2}/\d{2})/' }]
source    = { css = ".info", capture = '来源[:：]\s*(\S+)' }
authors   = { css = ".author", strip = ["作者："] }
next      = { css = ".pages a.next", max = 3 }
require   = { min_chars = 20, fields = ["title"] }

[[template]]
name = "video"
kind = "skip"
when = { has = ["#player"] }
"##;

#[derive(Clone, Copy, PartialEq, Debug)]
enum Change {
    None,
    Renamed,
    HotList,
    DateFormat,
    Paging,
    Half,
    Json,
    AiSummary,
}

const PLACES: [&str; 8] = ["梅香街", "荷坳路", "石厦巷", "银湖道", "红树里", "梧桐坊", "盐田港", "莲花山"];

fn url(n: usize) -> String {
    format!("http://news.haiwan.example/c/2026-0{}/{:02}/{}.htm", n % 9 + 1, n % 28 + 1, 1000 + n)
}

/// The sentences of page `n`: from one to forty, mostly few.
fn sentences(n: usize) -> Vec<String> {
    let mut dice = Dice::new(n);
    let most = [1, 2, 3, 5, 8, 12, 20, 40][dice.below(8)];
    (0..1 + dice.below(most))
        .map(|i| {
            let (place, other) = (PLACES[dice.below(8)], PLACES[dice.below(8)]);
            format!(
                "{place}的第{}户人家{}点钟开了门，说起第{n}回的事，去{other}的人比上回多了{}成，第{i}位街坊点了点头。",
                dice.below(900),
                dice.below(23) + 1,
                dice.below(9) + 1
            )
        })
        .collect()
}

fn page(n: usize, change: Change) -> String {
    let mut dice = Dice::new(n + 77_777);
    let title = format!("{}第{n}回办起街坊集市 来的人比去年多了一倍", PLACES[n % 8]);
    let all = sentences(n);
    let head = format!(
        "<html><head><meta charset='utf-8'><title>{title}_海湾早报</title></head><body><div class='nav'><a href='/'>首页</a></div>"
    );
    let foot = "<div class='foot'>海湾早报版权所有</div></body></html>";
    if dice.percent(3) {
        return format!("{head}<h1>{title}</h1><div id='player'></div>{foot}");
    }
    if dice.percent(6) {
        let words = all.join("");
        return format!(
            "{head}<h1>{title}</h1><div class='album'><div class='pic'></div><div class='words'><p>{words}</p></div></div>{foot}"
        );
    }
    if dice.percent(4) {
        // A layout that no template knows has always been there.
        let words: String = all.iter().map(|s| format!("<p>{s}</p>")).collect();
        return format!("{head}<div class='special'><h1>{title}</h1><p>2026-03-02 10:00</p>{words}</div>{foot}");
    }
    let new = change == Change::Half && n.is_multiple_of(2);
    let mut body = String::new();
    if change == Change::AiSummary {
        body += "<div class='ai-digest'><p>AI摘要：机器替你读完了全文，说的是街坊集市。</p></div>";
    }
    for (i, sentence) in all.iter().enumerate() {
        if i > 2 && dice.percent(10) {
            body += &format!("<h3>{}的早上</h3>", PLACES[dice.below(8)]);
        }
        body += &format!("<p>{sentence}</p>");
        if dice.percent(8) {
            body += "<figure class='pic'><img src='/a.jpg'><figcaption>街坊集市</figcaption></figure>";
        }
    }
    if dice.percent(2) {
        body += "<table class='prices'><tr><td>菜价</td><td>三块五</td></tr></table>";
    }
    if dice.percent(50) {
        body += "<div class='share'>分享到</div>";
    }
    if change == Change::HotList {
        let items: String = (0..6)
            .map(|i| format!("<li><a href='/c/2026-01/01/{i}.htm'>街坊都在看的第{}条</a></li>", n * 6 + i))
            .collect();
        body += &format!("<div class='hot-rank'><h4>今日热榜</h4><ul>{items}</ul></div>");
    }
    let (date, time) = (format!("2026-0{}-{:02}", n % 9 + 1, n % 28 + 1), format!("{:02}:{:02}", n % 24, n % 60));
    let date = match change {
        Change::DateFormat => format!("{}月{}日 {time}", n % 9 + 1, n % 28 + 1),
        _ => format!("{date} {time}"),
    };
    let source = if dice.percent(80) { "<span>来源：海湾早报</span>" } else { "" };
    let author = if dice.percent(40) { "<span class='author'>作者：林小满</span>" } else { "" };
    let pages = match (dice.percent(25), change) {
        (false, _) => String::new(),
        (true, Change::Paging) => {
            format!("<div class='pagination'><a class='pn' href='{}_2.htm'>下一页</a></div>", 1000 + n)
        }
        (true, _) => format!("<div class='pages'><a class='next' href='{}_2.htm'>下一页</a></div>", 1000 + n),
    };
    let (story, txt) = match (new, change) {
        (true, _) => ("post", "post-main"),
        (_, Change::Renamed) => ("story", "rich-text"),
        _ => ("story", "txt"),
    };
    if change == Change::Json {
        let data = json!({ "content": body });
        return format!(
            "{head}<div class='story'><h1>{title}</h1><div class='info'>{date} {source}</div><div class='txt'></div></div><script>window.__DATA__ = {data}</script>{foot}"
        );
    }
    format!(
        "{head}<div class='{story}'><h1>{title}</h1><div class='info'>{date} {source} {author}</div>\
         <div class='{txt}'>{body}</div>{pages}</div>{foot}"
    )
}

struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("selectors")).unwrap();
        fs::write(dir.path().join("selectors/haiwan.toml"), FILE).unwrap();
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_jingwen")).current_dir(self.dir.path()).args(args).output().unwrap()
    }

    /// Cleans pages, numbered so, in one go.
    fn feed(&self, pages: std::ops::Range<usize>, change: Change) -> Vec<Value> {
        self.feed_pages(pages.map(|n| (n, page(n, change))))
    }

    fn feed_pages(&self, pages: impl Iterator<Item = (usize, String)>) -> Vec<Value> {
        let line = |(n, html): (usize, String)| {
            let at = jiff::Timestamp::from_second(1_770_000_000 + n as i64 * 60).unwrap().to_string();
            json!({ "id": n.to_string(), "url": url(n), "html": html, "fetched_at": at }).to_string()
        };
        let lines: Vec<String> = pages.map(line).collect();
        fs::write(self.path("pages.jsonl"), lines.join("\n")).unwrap();
        let out = self.run(&["clean", "--selectors", "selectors", "--state", "state", "--pages", "pages.jsonl"]);
        assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }

    fn drift(&self) -> Vec<Value> {
        let out = self.run(&["drift", "--state", "state", "--selectors", "selectors", "--format", "json"]);
        let open: Vec<Value> = serde_json::from_slice(&out.stdout)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&out.stderr)));
        assert_eq!(out.status.code(), Some(if open.is_empty() { 0 } else { 3 }));
        open
    }
}

fn signs(open: &[Value]) -> Vec<String> {
    open.iter().map(|w| format!("{} {}", w["kind"].as_str().unwrap(), w["field"].as_str().unwrap())).collect()
}

/// Feeds 150 pages as they were and 20 changed ones, and gives what is told.
fn after(change: Change) -> (Bench, Vec<Value>) {
    let bench = Bench::new();
    bench.feed(0..150, Change::None);
    assert_eq!(bench.drift(), Vec::<Value>::new());
    bench.feed(150..170, change);
    let open = bench.drift();
    for warning in &open {
        assert_eq!(warning["site"], "haiwan");
        let evidence = warning["evidence"].as_array().unwrap();
        assert!(!evidence.is_empty(), "{warning}");
        assert!(evidence.iter().all(|url| url.as_str().unwrap().starts_with("http://news.haiwan.example/c/")));
        let since: jiff::Timestamp = warning["since"].as_str().unwrap().parse().unwrap();
        let page = (since.as_second() - 1_770_000_000) / 60;
        assert!((140..170).contains(&page), "since page {page}: {warning}");
    }
    (bench, open)
}

#[test]
fn a_renamed_container_is_noticed() {
    let (_bench, open) = after(Change::Renamed);
    assert_eq!(signs(&open), ["no-template body"], "{open:#?}");
    assert_eq!(open[0]["template"], "2024");
    assert_eq!(open[0]["looked_for"], ".story .txt");
    assert!(open[0]["written"].as_str().unwrap().contains("haiwan.toml:"), "{open:#?}");
}

#[test]
fn a_hot_list_in_the_body_is_noticed() {
    let (_bench, open) = after(Change::HotList);
    let block = open.iter().find(|w| w["kind"] == "new-block").unwrap_or_else(|| panic!("{open:#?}"));
    assert!(block["looked_for"].as_str().unwrap().contains("div.hot-rank"), "{open:#?}");
    assert!(open.iter().filter(|w| w["kind"] == "new-block").count() == 1, "one box is told once: {open:#?}");
}

#[test]
fn another_form_of_dates_is_noticed() {
    let (_bench, open) = after(Change::DateFormat);
    assert!(open.iter().any(|w| w["field"] == "published"), "{open:#?}");
    assert_eq!(open.len(), 1, "one change is told once: {open:#?}");
}

#[test]
fn other_paging_is_noticed() {
    let (_bench, open) = after(Change::Paging);
    assert_eq!(signs(&open), ["paging next"], "{open:#?}");
    assert_eq!(open[0]["looked_for"], ".pages a.next");
}

#[test]
fn a_new_layout_on_half_of_the_pages_is_noticed() {
    let (_bench, open) = after(Change::Half);
    assert!(open.iter().any(|w| w["kind"] == "new-layout" || w["kind"] == "no-template"), "{open:#?}");
}

#[test]
fn a_body_that_went_into_a_script_is_noticed() {
    let (_bench, open) = after(Change::Json);
    assert_eq!(signs(&open), ["no-template body"], "{open:#?}");
}

#[test]
fn a_summary_by_a_machine_in_the_container_is_noticed() {
    let (_bench, open) = after(Change::AiSummary);
    let block = open.iter().find(|w| w["kind"] == "new-block").unwrap_or_else(|| panic!("{open:#?}"));
    assert!(block["looked_for"].as_str().unwrap().contains("div.ai-digest"), "{open:#?}");
}

#[test]
fn two_thousand_varied_pages_raise_no_alarm() {
    let bench = Bench::new();
    bench.feed(0..2000, Change::None);
    let open = bench.drift();
    assert_eq!(open, Vec::<Value>::new(), "{open:#?}");
}

/// A list that grows by sixty articles with each stage, and articles that are in a new layout from the hundredth on.
fn site(hit: &support::Hit, articles: usize) -> support::Answer {
    let path = hit.path.split('?').next().unwrap_or_default();
    match path.strip_prefix("/a_").and_then(|rest| rest.strip_suffix(".htm")).and_then(|n| n.parse::<usize>().ok()) {
        Some(n) if n > 100 => support::page(200, support::article(n).replace("class=\"art\"", "class=\"story-text\"")),
        Some(n) => support::page(200, support::article(n)),
        None if path == "/" => support::page(200, support::list((1..=articles).map(|n| format!("/a_{n}.htm")))),
        None => support::page(404, "nothing"),
    }
}

#[test]
fn a_crawl_tells_and_a_restart_remembers() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    let articles = Arc::new(AtomicUsize::new(60));
    let now = articles.clone();
    let server = support::Server::start(move |hit, _| site(hit, now.load(Ordering::Relaxed)));
    let bench = support::Bench::new(
        &server,
        &["a.test"],
        "refresh = \"1ms\"",
        "[politeness]\nrate = \"500/s\"\nconcurrency = 1\n",
    );
    bench.crawl();
    articles.store(100, Ordering::Relaxed);
    bench.crawl();
    assert_eq!(bench.run(&["drift"]).status.code(), Some(0));

    articles.store(120, Ordering::Relaxed);
    let output = bench.run(&["crawl"]);
    let said = support::stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("drift, new: local: no-template: body of `main`"), "{said}");
    // Told once as new; it stays open, and so does the exit code where the site's pages are seen again.
    articles.store(122, Ordering::Relaxed);
    let output = bench.run(&["crawl"]);
    let said = support::stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("drift: local: no-template") && !said.contains("drift, new"), "{said}");
    let output = bench.run(&["drift"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("looked for: div.art\n") && said.contains("http://a.test/a_1"), "{said}");

    // Acknowledged: what the pages look like now is normal.
    assert_eq!(bench.run(&["drift", "--forget", "local"]).status.code(), Some(0));
    assert_eq!(bench.run(&["drift"]).status.code(), Some(0));
    articles.store(160, Ordering::Relaxed);
    bench.crawl();
}

#[test]
fn what_is_normal_again_is_closed_and_a_mended_file_begins_anew() {
    let (bench, open) = after(Change::Renamed);
    assert_eq!(open[0]["new"], true);
    assert!(bench.drift()[0].get("new").is_none(), "told before");
    bench.feed(170..200, Change::None);
    assert_eq!(bench.drift(), Vec::<Value>::new());

    bench.feed(200..220, Change::Renamed);
    assert_eq!(bench.drift().len(), 1);
    fs::write(bench.path("selectors/haiwan.toml"), FILE.replace(".txt", ".rich-text")).unwrap();
    assert_eq!(bench.drift(), Vec::<Value>::new());
    bench.feed(220..300, Change::Renamed);
    assert_eq!(bench.drift(), Vec::<Value>::new());
}

#[test]
fn a_file_that_never_fits_is_told() {
    let bench = Bench::new();
    fs::write(
        bench.path("selectors/haiwan.toml"),
        FILE.replace(".txt", ".never").replace(".pic", ".x").replace("#player", "#y"),
    )
    .unwrap();
    bench.feed(0..40, Change::None);
    let open = bench.drift();
    assert_eq!(signs(&open), ["no-template body"], "{open:#?}");
    assert_eq!(bench.run(&["drift", "--state", "state", "--forget", "haiwan"]).status.code(), Some(0));
    bench.feed(40..120, Change::None);
    assert_eq!(bench.drift(), Vec::<Value>::new());
}

/// Proposes for what is open, applies it as `patch` does, and gives the diff.
fn mend(bench: &Bench) -> String {
    let out = bench.run(&[
        "drift",
        "haiwan",
        "--state",
        "state",
        "--selectors",
        "selectors",
        "--propose",
        "--out",
        "proposed",
    ]);
    let (diff, notes) =
        (String::from_utf8_lossy(&out.stdout).into_owned(), String::from_utf8_lossy(&out.stderr).into_owned());
    assert_eq!(out.status.code(), Some(3), "{notes}");
    assert!(diff.starts_with("--- a/selectors/haiwan.toml\n+++ b/selectors/haiwan.toml\n@@"), "{diff}\n{notes}");
    let proposed = fs::read_to_string(bench.path("proposed/haiwan.toml")).unwrap_or_else(|e| panic!("{e}: {notes}"));
    // `patch` is on most machines; where it is not, the file that --out wrote is taken.
    fs::write(bench.path("p.diff"), &diff).unwrap();
    let patched = Command::new("patch").current_dir(bench.dir.path()).args(["-p1", "-s", "-i", "p.diff"]).status();
    match patched {
        Ok(status) => {
            assert!(status.success(), "{diff}");
            assert_eq!(fs::read_to_string(bench.path("selectors/haiwan.toml")).unwrap(), proposed);
        }
        Err(error) => {
            eprintln!("patch is not here ({error})");
            fs::write(bench.path("selectors/haiwan.toml"), proposed).unwrap();
        }
    }
    let check = bench.run(&["check", "selectors/haiwan.toml"]);
    assert!(check.status.success(), "{}{diff}", String::from_utf8_lossy(&check.stderr));
    diff
}

/// What pages give as they were, by the file as it was.
fn as_they_were(pages: std::ops::Range<usize>) -> Vec<Value> {
    Bench::new().feed(pages, Change::None)
}

/// Fields that must be the same again.
const FIELDS: [&str; 6] = ["title", "text", "published_at", "source", "authors", "kind"];

#[test]
fn a_proposal_mends_a_renamed_container() {
    let (bench, _) = after(Change::Renamed);
    let diff = mend(&bench);
    assert!(diff.contains("+body = \".rich-text\"") && !diff.lines().any(|l| l.starts_with("-[")), "{diff}");
    let (old, new) = (as_they_were(200..300), bench.feed(200..300, Change::Renamed));
    for (was, is) in old.iter().zip(&new) {
        FIELDS.iter().for_each(|f| assert_eq!(was[f], is[f], "{f} of {is}\n{diff}"));
        assert_eq!(
            was["template"].as_str().map(|t| t.replace("2024", "2024-2")),
            is["template"].as_str().map(str::to_owned)
        );
    }
    assert_eq!(bench.drift(), Vec::<Value>::new());
}

#[test]
fn a_proposal_takes_a_hot_list_out_of_the_body() {
    let (bench, _) = after(Change::HotList);
    let diff = mend(&bench);
    assert!(diff.contains("remove = [\"div.hot-rank\", \".share\"]"), "{diff}");
    let (old, new) = (as_they_were(200..300), bench.feed(200..300, Change::HotList));
    for (was, is) in old.iter().zip(&new) {
        FIELDS.iter().for_each(|f| assert_eq!(was[f], is[f], "{f} of {is}\n{diff}"));
    }
}

#[test]
fn a_proposal_takes_a_summary_by_a_machine_out() {
    let (bench, _) = after(Change::AiSummary);
    let diff = mend(&bench);
    let (old, new) = (as_they_were(200..240), bench.feed(200..240, Change::AiSummary));
    for (was, is) in old.iter().zip(&new) {
        FIELDS.iter().for_each(|f| assert_eq!(was[f], is[f], "{f} of {is}\n{diff}"));
    }
}
