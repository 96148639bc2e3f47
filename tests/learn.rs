//! `jingwen learn`: pages of our own writing in, a selector file out that checks clean, passes its own tests and cleans
//! pages that it has never seen.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;

fn jingwen(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jingwen")).args(args).current_dir(std::env::temp_dir()).output().unwrap()
}

fn ok(args: &[&str]) -> String {
    let out = jingwen(args);
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

const STREETS: [&str; 6] = ["梅香街", "荷坳路", "石厦巷", "银湖道", "红树里", "梧桐坊"];

/// A page of an invented site; `n` makes the article, `layout` the frame around it.
fn page(n: usize, layout: &str) -> String {
    let street = STREETS[n % STREETS.len()];
    let title = format!("{street}第{n}个社区食堂今天开张 老人走路十分钟就能吃上热饭");
    let paragraphs: String = (0..5 + n)
        .map(|i| {
            format!(
                "<p>{street}的第{i}张桌子上午十点就坐了人，管食堂的第{}位师傅说，开张头{}天，来吃饭的人比预想的多出{}成，菜量也跟着加了。</p>",
                n * 3 + i,
                i + 2,
                n + i
            )
        })
        .collect();
    let hot: String = (0..8)
        .map(|i| format!("<li><a href='/a/{i}.html'>热榜里的第{}条新闻说的是另一件事</a></li>", n * 8 + i))
        .collect();
    let frame = format!(
        "<div class='nav'><a href='/'>首页</a> <a href='/news/'>新闻</a></div><ul class='hot'>{hot}</ul>\
         <div class='foot'>鹏湾晚报版权所有 粤ICP备0000号</div>"
    );
    let date = format!("2026-0{}-1{} 0{}:30", n % 8 + 1, n % 9, n % 9);
    let article = match layout {
        "new" => format!(
            "<h1 class='tit-main'>{title}</h1><div class='meta-line'><span class='src'>来源：鹏湾晚报</span> <span class='pub'>{date}</span></div>\
             <div class='art-body css-1x{n}y2z'>{paragraphs}\
             <div class='app-card'>打开鹏湾客户端，{street}的更多故事等你来看</div>\
             <p>本文由鹏湾晚报编辑部整理，线索请拨打街坊热线。</p></div>"
        ),
        _ => format!(
            "<table id='main'><tr><td class='bt'>{title}</td></tr><tr><td class='sj'>{date}</td></tr>\
             <tr><td class='zw'>{paragraphs}</td></tr></table>"
        ),
    };
    format!(
        "<!DOCTYPE html><html><head><meta charset='utf-8'><title>{title}_鹏湾晚报</title>\
         <link rel='canonical' href='https://news.wanbao.example/{layout}/2026-0{}/{}.html'></head><body>{frame}{article}</body></html>",
        n % 8 + 1,
        1000 + n
    )
}

fn save(dir: &Path, name: &str, html: &str) -> String {
    let path = dir.join(name);
    fs::write(&path, html).unwrap();
    path.to_string_lossy().into_owned()
}

fn clean(selectors: &Path, url: &str, page: &str) -> Value {
    let answer = ok(&["clean", "--selectors", &selectors.to_string_lossy(), "--url", url, page]);
    serde_json::from_str(&answer).unwrap()
}

#[test]
fn two_layouts_are_told_apart_and_unseen_pages_come_out_clean() {
    let dir = tempfile::tempdir().unwrap();
    let mut pages: Vec<String> = (0..4).map(|n| save(dir.path(), &format!("n{n}.html"), &page(n, "new"))).collect();
    pages.extend((4..7).map(|n| save(dir.path(), &format!("o{n}.html"), &page(n, "old"))));
    let out = dir.path().join("out");
    let mut args = vec!["learn", "--out", out.to_str().unwrap()];
    args.extend(pages.iter().map(String::as_str));
    ok(&args);
    let file = out.join("wanbao.toml");
    let toml = fs::read_to_string(&file).unwrap();
    let file = file.to_str().unwrap();

    assert!(toml.contains("body = \".art-body\"") && toml.contains(".zw"), "{toml}");
    assert!(!toml.contains("css-1x"), "a name made by the build is no selector\n{toml}");
    assert!(toml.contains("hosts = [\"news.wanbao.example\"]") && toml.contains("name = \"鹏湾晚报\""), "{toml}");
    let problems = ok(&["check", "--format", "json", file]);
    assert_eq!(problems.trim(), "[]", "{toml}");
    let tested = ok(&["test", file]);
    assert!(tested.contains("7 passed, 0 failed"), "{tested}");

    // Pages that it has never seen, of both layouts.
    let unseen = save(dir.path(), "unseen.html", &page(8, "new"));
    let record = clean(&out, "https://news.wanbao.example/new/2026-01/1008.html", &unseen);
    assert_eq!(record["template"], "art-body", "{record}");
    let text = record["text"].as_str().unwrap();
    assert_eq!(text.lines().count(), 13, "{text}");
    assert!(!text.contains("客户端") && !text.contains("编辑部整理") && !text.contains("热榜"), "{text}");
    assert_eq!(record["source"], "鹏湾晚报");
    assert_eq!(record["published_at"], "2026-01-18T08:30:00+08:00");
    let unseen = save(dir.path(), "unseen-old.html", &page(9, "old"));
    let record = clean(&out, "https://news.wanbao.example/old/2026-02/1009.html", &unseen);
    assert_eq!((&record["template"], record["text"].as_str().unwrap().lines().count()), (&"zw".into(), 14));

    // A layout that it does not know is left to the generic extractor.
    let other = page(10, "old").replace("class='zw'", "class='neirong'");
    let other = save(dir.path(), "other.html", &other);
    let record = clean(&out, "https://news.wanbao.example/old/2026-03/1010.html", &other);
    assert_eq!((&record["template"], &record["method"]), (&Value::Null, &"generic".into()));
    assert!(record["text"].as_str().unwrap().lines().count() >= 14);
}

#[test]
fn pages_that_teach_nothing_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let links: String = (0..60).map(|i| format!("<li><a href='/{i}.html'>第{i}条新闻的标题在这里</a></li>")).collect();
    let list = save(
        dir.path(),
        "list.html",
        &format!("<html><head><title>新闻</title></head><body><ul>{links}</ul></body></html>"),
    );
    let out = jingwen(&["learn", &list]);
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("holds an article"), "{out:?}");

    let nowhere = page(1, "new").replace("<link rel='canonical'", "<link rel='other'");
    let nowhere = save(dir.path(), "nowhere.html", &nowhere);
    let out = jingwen(&["learn", &nowhere]);
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("--url-prefix"), "{out:?}");
    let toml = ok(&["learn", &nowhere, &nowhere, "--url-prefix", "https://www.wanbao.example/"]);
    assert!(toml.contains("hosts = [\"www.wanbao.example\"]") && toml.contains("duplicate"), "{toml}");
}

#[test]
fn an_archive_teaches_too_and_nothing_is_overwritten() {
    let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/site.warc.gz");
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let args = [
        "learn",
        "--from-archive",
        archive.to_str().unwrap(),
        "--site",
        "news.pengwan.example",
        "--out",
        out.to_str().unwrap(),
    ];
    ok(&args);
    let file = out.join("pengwan.toml");
    let toml = fs::read_to_string(&file).unwrap();
    assert!(toml.contains("articles = ["), "{toml}");
    let file = file.to_str().unwrap();
    let problems = ok(&["check", "--format", "json", file]);
    assert_eq!(problems.trim(), "[]", "{toml}");
    let tested = ok(&["test", file]);
    assert!(tested.contains("0 failed"), "{tested}\n{toml}");
    let again = jingwen(&args);
    assert_eq!(again.status.code(), Some(2), "{again:?}");
}

/// Answers a few requests on loopback, then ends; `None` is 404.
fn serve(
    requests: usize,
    answer: impl Fn(&str) -> Option<String> + Send + 'static,
) -> (u16, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for stream in listener.incoming().take(requests) {
            let mut stream = stream.unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let (status, body) = answer(&path).map_or(("404 Not Found", String::new()), |b| ("200 OK", b));
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            asked.push(path);
        }
        asked
    });
    (port, server)
}

#[test]
fn live_pages_are_fetched_politely_and_never_from_private_addresses_unasked() {
    let robots = "User-agent: *\nDisallow: /private/\n";
    let (port, server) = serve(4, move |path| match path {
        "/robots.txt" => Some(robots.to_owned()),
        "/a/1.html" => Some(page(1, "new")),
        "/a/2.html" => Some(page(2, "new")),
        _ => None,
    });
    let dir = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_jingwen")).args(args).current_dir(dir.path()).output().unwrap()
    };
    let at = |path: &str| format!("http://127.0.0.1:{port}{path}");
    let refused = run(&["learn", &at("/a/1.html")]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("loopback"), "{refused:?}");

    fs::write(dir.path().join("jingwen.toml"), "[http]\nallow_private = [\"127.0.0.1/32\"]\n").unwrap();
    let learnt = run(&["learn", &at("/a/1.html"), &at("/a/2.html")]);
    assert!(learnt.status.success(), "{learnt:?}");
    let toml = String::from_utf8_lossy(&learnt.stdout).into_owned();
    assert!(toml.contains("body = \".art-body\""), "{toml}");
    let denied = run(&["inspect", &at("/private/1.html")]);
    assert_eq!(denied.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&denied.stderr).contains("robots.txt does not"), "{denied:?}");
    assert_eq!(server.join().unwrap(), ["/robots.txt", "/a/1.html", "/a/2.html", "/robots.txt"]);
}

/// On real pages, where they are: the learnt file checks clean, and on the page left out it is not below the generic extractor.
#[test]
fn leaving_one_page_out() {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/zh/pages");
    if !pages.is_dir() {
        eprintln!("skipped: no pages at {}", pages.display());
        return;
    }
    let at = |id: &str| -> String { pages.join(format!("{id}.html.gz")).to_string_lossy().into_owned() };
    for (site, host, left) in [("guancha", "www.guancha.cn", 3), ("qq", "new.qq.com", 4)] {
        let dir = tempfile::tempdir().unwrap();
        let out: PathBuf = dir.path().join("out");
        let prefix = format!("https://{host}/");
        let others: Vec<String> = (1..=4)
            .filter(|n| *n != left)
            .map(|n| at(&format!("{site}-{n}")))
            .filter(|p| Path::new(p).exists())
            .collect();
        let mut args = vec!["learn", "--out", out.to_str().unwrap(), "--url-prefix", &prefix];
        args.extend(others.iter().map(String::as_str));
        ok(&args);
        let file = out.join(format!("{site}.toml"));
        assert_eq!(ok(&["check", "--format", "json", file.to_str().unwrap()]).trim(), "[]");
        let unseen = at(&format!("{site}-{left}"));
        let learnt = clean(&out, &prefix, &unseen);
        let generic: Value = serde_json::from_str(&ok(&["clean", "--generic", "--url", &prefix, &unseen])).unwrap();
        let (a, b) = (learnt["text"].as_str().unwrap(), generic["text"].as_str().unwrap());
        assert_eq!(learnt["method"], "selectors", "{site}");
        assert_eq!(a, b, "{site}");
    }
}
