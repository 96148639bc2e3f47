//! `jingwen learn` on invented sites that nothing was tuned on, each with a difficulty: a GBK page whose paragraphs are
//! lines between `br`; a hot list inside the container; a summary by a machine inside it. Learnt from four pages, the
//! fifth must come out exactly as it was written.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What a page was made from: what must come out again.
struct Story {
    title: String,
    lines: Vec<String>,
    day: usize,
    reporter: &'static str,
}

const PLACES: [&str; 5] = ["沙井老街", "坝光村口", "南头码头", "甘坑小学", "葵涌渔港"];
const THINGS: [&str; 5] = ["旧书摊", "龙舟队", "共享雨棚", "夜校的木工班", "候鸟观测站"];
const REPORTERS: [&str; 5] = ["黎小满", "岑望舒", "戴晚晴", "庄以宁", "费知秋"];

fn story(n: usize) -> Story {
    let (place, thing) = (PLACES[n], THINGS[(n * 2 + 1) % 5]);
    let all = [
        format!(
            "天刚亮，{place}的路灯还没有熄，{thing}前面已经站了{}个人，带头的是退休的电工老{}。",
            n + 7,
            ["梁", "区", "麦", "祝", "冼"][n]
        ),
        format!(
            "“去年这时候还没人相信它能办起来。”老{}指着墙上的一张图说，图上画着{}条线，每一条都是邻居们自己走出来的。",
            ["梁", "区", "麦", "祝", "冼"][n],
            n + 3
        ),
        format!("记者在{place}看了一整天：上午来的多是老人，中午换成附近写字楼的年轻人，到了傍晚，孩子们占了大半。"),
        format!(
            "管账的阿{}把本子摊开，{}月份一共收入{}元，支出里最大的一笔是修屋顶，其次是给大家买热水。",
            ["珍", "芬", "兰", "萍", "娟"][n],
            n + 1,
            1200 + n * 317
        ),
        format!("街道的工作人员介绍，{thing}不是谁安排的，街道只做了一件事，就是把那间空了{}年的库房打开。", n + 4),
        format!("有人问{thing}会不会开着开着就没有了？没有人马上回答，过了{}分钟，有人把灯打开了。", n + 2),
        format!("按照计划，{thing}下个月要搬到{place}东头的院子里，地方大{}倍，树也更多。", n + 2),
    ];
    Story {
        title: format!("{place}来了{thing} 街坊们说这回要长久办下去"),
        lines: all.into_iter().take(5 + n % 3).collect(),
        day: 11 + n,
        reporter: REPORTERS[n],
    }
}

/// Headlines of other stories, other ones on each page.
fn others(n: usize, count: usize) -> String {
    let topics = ["地铁延长线", "荔枝开摘", "图书馆夜场", "海堤步道", "旧改征询", "公交快线", "台风预案"];
    (0..count)
        .map(|i| {
            format!(
                "<li><a href='/x/{}.html'>{}又有新消息 今年第{}次</a></li>",
                n * 40 + i,
                topics[(n + i * 3) % 7],
                n + i + 2
            )
        })
        .collect()
}

/// Tables, GBK, lines between `br`.
fn tables(n: usize, s: &Story) -> String {
    let body: String = s.lines.iter().map(|l| format!("\u{3000}\u{3000}{l}<br><br>")).collect();
    format!(
        "<html><head><meta http-equiv=Content-Type content='text/html; charset=gb2312'><title>{t}--沙河日报网</title></head><body>\
         <table width=980><tr><td><a href=/>首页</a> | <a href=/bd/>本地</a> | <a href=/ms/>民生</a></td></tr></table>\
         <table width=980><tr><td width=660><table width=100%><tr><td class=bigtitle align=center>{t}</td></tr>\
         <tr><td class=fbt align=center>2026年03月{d}日 09:1{n} 来源：沙河日报 作者：{r}</td></tr>\
         <tr><td id=fontzoom class=f14>{body}</td></tr><tr><td align=right>【打印】【关闭】</td></tr></table></td>\
         <td width=300><ul>{o}</ul></td></tr></table>\
         <table width=980><tr><td>沙河日报社版权所有 未经书面授权不得转载 粤ICP备00000000号</td></tr></table></body></html>",
        t = s.title,
        d = s.day,
        r = s.reporter,
        o = others(n, 9)
    )
}

/// A hot list, a share bar and a QR code inside the container; names made by a build.
fn hot(n: usize, s: &Story) -> String {
    let half = s.lines.len() / 2;
    let p = |lines: &[String]| lines.iter().map(|l| format!("<p>{l}</p>")).collect::<String>();
    format!(
        "<!DOCTYPE html><html lang=zh><head><meta charset=utf-8><title>{t} - 海晏新闻</title></head><body>\
         <header class='top_h8s{n}k'><nav><a href='/'>海晏新闻</a><a href='/shi/'>市井</a></nav></header><main>\
         <h1 class='headline_q{n}Zz1'>{t}</h1><div class='bar'><time>2026-03-{d} 10:2{n}</time><span class='from'>来源：海晏新闻</span></div>\
         <div id='story' class='story_8f{n}aC'>{a}<div class='rank-box'><h4>大家都在看</h4><ol>{o}</ol></div>{b}\
         <div class='share-row'><span>分享到</span><a>微信</a><a>微博</a></div>\
         <div class='qr'>扫一扫，把这条新闻带走</div></div>\
         <div class='comments'><p>网友{n}号：写得真好，希望多去看看。</p></div></main>\
         <footer>海晏传媒 版权所有</footer></body></html>",
        t = s.title,
        d = s.day,
        o = others(n, 6),
        a = p(&s.lines[..half]),
        b = p(&s.lines[half..])
    )
}

/// A summary by a machine before the body, paragraphs in `div`, the editors' line after it, all in one container.
fn summary(n: usize, s: &Story) -> String {
    let body: String = s.lines.iter().map(|l| format!("<div class='para'>{l}</div>")).collect();
    format!(
        "<!DOCTYPE html><html><head><meta charset=utf-8><title>{t}_观塘晨报</title></head><body>\
         <div class='hd'><a href='/'>观塘晨报</a></div><div class='wrap'><h2 class='art-title'>{t}</h2>\
         <p class='art-meta'><span class='t'>2026-03-{d} 08:0{n}:30</span> <span class='s'>观塘晨报</span></p>\
         <article class='art-main'><div class='ai-brief'><b>AI摘要</b><div>本文讲述了{place}的居民如何办起{thing}，共{c}个要点，由大模型生成，仅供参考。</div></div>\
         {body}<div class='para'>（责任编辑：{r}）</div></article>\
         <aside><h3>相关阅读</h3><ul>{o}</ul></aside></div><div class='ft'>观塘晨报社 备案号 粤B2-00000</div></body></html>",
        t = s.title,
        d = s.day,
        r = s.reporter,
        o = others(n, 5),
        place = PLACES[n],
        thing = THINGS[(n * 2 + 1) % 5],
        c = n + 3
    )
}

fn run(args: &[&str]) -> String {
    let out =
        Command::new(env!("CARGO_BIN_EXE_jingwen")).args(args).current_dir(std::env::temp_dir()).output().unwrap();
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// Learns from pages 0 to 3 and gives the file and the record of page 4.
fn learn(dir: &Path, host: &str, make: impl Fn(usize) -> Vec<u8>) -> (String, Value) {
    let address = |n: usize| format!("https://{host}/2026/03/{}.html", 5100 + n);
    let pages: Vec<String> = (0..5)
        .map(|n| {
            let path = dir.join(format!("{}.html", 5100 + n));
            fs::write(&path, make(n)).unwrap();
            path.to_string_lossy().into_owned()
        })
        .collect();
    let (out, prefix) = (dir.join("out"), format!("https://{host}/2026/03/"));
    let mut args = vec!["learn", "--url-prefix", &prefix, "--out", out.to_str().unwrap()];
    args.extend(pages[..4].iter().map(String::as_str));
    run(&args);
    let file =
        fs::read_dir(&out).unwrap().map(|e| e.unwrap().path()).find(|p| p.extension().is_some_and(|e| e == "toml"));
    let file = file.unwrap();
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(run(&["check", "--format", "json", file.to_str().unwrap()]).trim(), "[]", "{text}");
    assert!(run(&["test", file.to_str().unwrap()]).contains("4 passed, 0 failed"), "{text}");
    let record = run(&["clean", "--selectors", out.to_str().unwrap(), "--url", &address(4), &pages[4]]);
    (text, serde_json::from_str(&record).unwrap())
}

fn expect(file: &str, record: &Value, published: &str) {
    let s = story(4);
    assert_eq!(record["method"], "selectors", "{file}\n{record}");
    assert_eq!(record["title"], s.title.as_str(), "{file}");
    assert_eq!(record["text"].as_str().unwrap(), s.lines.join("\n"), "{file}");
    assert_eq!(record["published_at"], published, "{file}");
}

#[test]
fn a_gbk_site_of_tables_with_lines_between_br() {
    let dir = tempfile::tempdir().unwrap();
    let (file, record) =
        learn(dir.path(), "www.shahe.example", |n| encoding_rs::GBK.encode(&tables(n, &story(n))).0.into_owned());
    assert!(file.contains("#fontzoom"), "{file}");
    expect(&file, &record, "2026-03-15T09:14:00+08:00");
    assert_eq!(record["source"], "沙河日报", "{file}");
}

#[test]
fn a_hot_list_in_the_container() {
    let dir = tempfile::tempdir().unwrap();
    let (file, record) = learn(dir.path(), "news.haiyan.example", |n| hot(n, &story(n)).into_bytes());
    assert!(!file.contains("story_8f") && !file.contains("headline_q0"), "{file}");
    expect(&file, &record, "2026-03-15T10:24:00+08:00");
}

#[test]
fn a_summary_by_a_machine_in_the_container() {
    let dir = tempfile::tempdir().unwrap();
    let (file, record) = learn(dir.path(), "m.guantang.example", |n| summary(n, &story(n)).into_bytes());
    expect(&file, &record, "2026-03-15T08:04:30+08:00");
    assert_eq!(record["editors"]["责任编辑"][0], story(4).reporter, "{file}\n{record}");
}
