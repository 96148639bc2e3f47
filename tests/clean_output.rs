//! What `clean` writes: confidence and doubts, blocks, Markdown and text, repaired mojibake.

mod support;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use support::{Bench, Server, article, list, page, stderr};

const PARAGRAPHS: [&str; 3] = [
    "望海区的老街不到四百米，十年前只剩两家修船铺还开着门，如今沿街挂起了六十三块招牌，游客从码头走到晒网场。",
    "镇里把十七间公房统一收回，按手艺类、餐饮类、零售类分别定价，手艺类只收成本，店主们心里有了底。",
    "修船铺的第三代学徒今年二十四岁，他说自己留下来不是因为情怀，而是订单已经排到了明年五月。",
];

fn html(body: &str, behind: &str) -> String {
    format!(
        "<!DOCTYPE html><html lang=zh-CN><head><meta charset=utf-8><title>老街十年_望海网</title></head><body>\
         <div class=nav><a href=/>首页</a><a href=/news/>要闻</a></div><h1>老街十年</h1>\
         <div class=info>2026-03-02 08:15 来源：望海日报</div><div class=article>{body}</div>{behind}\
         <div class=foot><p>望海网版权所有 粤ICP备00000000号</p></div></body></html>"
    )
}

fn paragraphs() -> String {
    PARAGRAPHS.iter().map(|p| format!("<p>{p}</p>")).collect()
}

fn clean(folder: &Path, page: &str, more: &[&str]) -> Output {
    let file = folder.join("page.html");
    std::fs::write(&file, page).unwrap();
    let url = "https://news.wanghai.example/2026-03/02/c_1.htm";
    Command::new(env!("CARGO_BIN_EXE_jingwen"))
        .args(["clean", "--generic", "--url", url])
        .args(more)
        .arg(&file)
        .output()
        .unwrap()
}

fn record(page: &str, more: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    serde_json::from_slice(&clean(folder.path(), page, more).stdout).unwrap()
}

#[test]
fn a_record_says_how_sure_it_is() {
    let sure = record(&html(&paragraphs(), ""), &[]);
    assert!(sure["confidence"].as_f64().unwrap() > 0.5, "{sure}");
    assert_eq!(sure["doubts"], serde_json::json!([]));
    assert!(sure.get("blocks").is_none() && sure.get("truncated").is_none());
    // What remains of the page is longer, and the headline stands elsewhere.
    let rest: String = (0..30).map(|n| format!("<div class=c{n}><p>{}</p></div>", PARAGRAPHS[n % 3])).collect();
    let unsure = record(&html("<p>老街今天开门，游客很多。</p>", &rest), &[]);
    assert!(unsure["confidence"].as_f64().unwrap() < sure["confidence"].as_f64().unwrap(), "{unsure}");

    let rejected = record(&html(&paragraphs(), ""), &["--min-confidence", "1"]);
    assert_eq!(rejected["rejected"], "low-confidence", "{rejected}");
    let folder = tempfile::tempdir().unwrap();
    let out = clean(folder.path(), "", &["--min-confidence", "2"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(stderr(&out).contains("not a number between 0 and 1"), "{}", stderr(&out));
}

#[test]
fn a_page_that_ends_at_a_door_is_truncated() {
    let whole = record(&html(&paragraphs(), "<div><a href=javascript:;>展开全文</a></div>"), &[]);
    assert!(whole.get("truncated").is_none(), "{whole}");
    let cut = record(&html(&paragraphs(), "<div class=open><a href=javascript:;>打开APP阅读全文</a></div>"), &[]);
    assert_eq!((&cut["truncated"], &cut["doubts"]), (&Value::Bool(true), &serde_json::json!(["truncated"])), "{cut}");
}

#[test]
fn blocks_and_markdown_keep_the_structure() {
    let body = format!(
        "{}<h2>租金</h2><table><tr><th>类别</th><th>租金</th></tr><tr><td>手艺</td><td>12元</td></tr></table>\
         <ol><li>先到窗口登记，再交租金。</li><li>三日后领取钥匙，逾期作废。</li></ol><p>{}</p>",
        paragraphs(),
        PARAGRAPHS[0].replace("老街", "新街")
    );
    let page = html(&body, "");
    let with = record(&page, &["--blocks"]);
    let text: Vec<String> = with["blocks"].as_array().unwrap().iter().map(block_text).collect();
    assert_eq!(text.join("\n"), with["text"].as_str().unwrap());
    let kinds: Vec<&str> = with["blocks"].as_array().unwrap().iter().map(|b| b["type"].as_str().unwrap()).collect();
    let expected = ["paragraph", "paragraph", "paragraph", "heading", "table", "list-item", "list-item", "paragraph"];
    assert_eq!(kinds, expected);
    assert_eq!(record(&page, &[])["text"], with["text"]);

    let folder = tempfile::tempdir().unwrap();
    let markdown = String::from_utf8(clean(folder.path(), &page, &["--format", "markdown"]).stdout).unwrap();
    assert!(
        markdown.starts_with("---\ntitle: \"老街十年\"\ndate: \"2026-03-02T08:15:00+08:00\"\nsource: \"望海日报\"\n"),
        "{markdown}"
    );
    assert!(markdown.contains("## 租金\n\n| 类别 | 租金 |\n| --- | --- |\n| 手艺 | 12元 |\n"), "{markdown}");
    let text = String::from_utf8(clean(folder.path(), &page, &["--format", "text"]).stdout).unwrap();
    assert_eq!(text, format!("{}\n\n", with["text"].as_str().unwrap()));
    let out = clean(folder.path(), &html("", ""), &["--format", "text"]);
    assert!(out.stdout.is_empty() && stderr(&out).contains("page.html: rejected: "), "{}", stderr(&out));
}

fn block_text(block: &Value) -> String {
    let cells = |row: &Value| -> String {
        row.as_array().unwrap().iter().map(|c| c.as_str().unwrap()).collect::<Vec<_>>().join("\t")
    };
    match block.get("text") {
        Some(text) => text.as_str().unwrap().to_owned(),
        None => {
            let head = block.get("header").map(cells);
            head.into_iter().chain(block["rows"].as_array().unwrap().iter().map(cells)).collect::<Vec<_>>().join("\n")
        }
    }
}

#[test]
fn mojibake_is_repaired_or_refused() {
    let page = html(&paragraphs(), "");
    let right = record(&page, &[]);
    // Read as Latin-1 and saved as UTF-8: every byte is there.
    let latin: String = page.bytes().map(char::from).collect();
    assert_eq!(record(&latin, &[])["text"], right["text"]);
    assert_eq!(record(&latin, &[])["title"], right["title"]);
    // Read as GBK, the last byte of each text with an odd number of bytes is lost.
    let (gbk, ..) = encoding_rs::GBK.decode(page.as_bytes());
    let refused = record(&gbk, &[]);
    assert_eq!(refused["rejected"], "garbled", "{refused}");
}

#[test]
fn a_crawl_rejects_what_it_is_not_sure_of_and_reports_the_rest() {
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/robots.txt" => page(404, ""),
        "/" => page(200, list((1..=4).map(|n| format!("/a_{n}.htm")))),
        path => page(200, article(path.bytes().filter(u8::is_ascii_digit).map(|b| usize::from(b - b'0')).sum())),
    });
    let config = "[politeness]\nrate = \"200/s\"\n[clean]\nblocks = true\n";
    let bench = Bench::new(&server, &["a.test"], "", config);
    bench.crawl();
    let articles = bench.articles();
    assert_eq!(articles.len(), 4);
    assert!(articles.iter().all(|a| a["confidence"].is_number() && a["blocks"].is_array()), "{articles:?}");

    let bench = Bench::new(&server, &["a.test"], "", "[politeness]\nrate = \"200/s\"\n[clean]\nmin_confidence = 1.0\n");
    let output = bench.crawl();
    assert!(bench.articles().is_empty());
    assert!(bench.rejected().values().all(|reason| reason == "low-confidence"), "{:?}", bench.rejected());
    assert!(stderr(&output).contains("low-confidence 4"), "{}", stderr(&output));
}

/// Hosts without a selector file: what earlier pages showed does not change later ones.
#[test]
fn a_crawl_in_another_order_gives_the_same_records() {
    let records = |reversed: bool| {
        let server = Server::start(move |hit, _| match hit.path.as_str() {
            "/robots.txt" => page(404, ""),
            "/" => {
                let mut links: Vec<String> = (1..=40).map(|n| format!("/2026-03/02/content_{n}.htm")).collect();
                if reversed {
                    links.reverse();
                }
                page(200, list(links))
            }
            path => {
                let n: String = path.rsplit('_').next().unwrap().chars().filter(char::is_ascii_digit).collect();
                let own = format!("<p>第{n}座桥昨天修好，桥长{n}十米，能走校车，镇里派了两个人守夜，汛期加人。</p>");
                let same = "<p>镇交通站说，每座桥都有人守，汛期每小时记一次水位。</p>";
                page(200, html(&format!("{own}{same}"), "").replace("老街十年", &format!("第{n}座桥修好通车")))
            }
        });
        let bench = Bench::new(&server, &["b.test"], "", "[politeness]\nrate = \"500/s\"\n");
        let start = "http://a.test/";
        bench.configure(&server, &["a.test", "b.test"], "[politeness]\nrate = \"500/s\"\n");
        let output = bench.run(&["crawl", start]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let mut lines: Vec<Value> = bench.articles();
        for line in &mut lines {
            line.as_object_mut().unwrap().remove("fetched_at");
        }
        lines.sort_by_key(|line| line["url"].to_string());
        lines
    };
    let first = records(false);
    assert_eq!(first.len(), 40);
    assert!(first.iter().all(|a| a["text"].as_str().unwrap().contains("汛期每小时记一次水位")));
    assert_eq!(first, records(true));
}
