//! What pages, feeds and lists say: links as sites write them, pages that send the browser on, bytes that are not text.

mod support;

use support::{Answer, Bench, Hit, Server, article, list, page, stderr, with};

const FAST: &str = "[politeness]\nrate = \"500/s\"\nconcurrency = 4\n";

/// A page of which no header says the charset.
fn bytes(body: impl Into<Vec<u8>>) -> Answer {
    Answer::Page { status: 200, headers: vec![("Content-Type".into(), "text/html".into())], body: body.into() }
}

fn number(path: &str) -> usize {
    path.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

/// A site whose home page is this, and whose articles are `/a_N.htm`; `other` answers first.
fn site(home: Vec<u8>, other: impl Fn(&Hit) -> Option<Answer> + Send + Sync + 'static) -> Server {
    Server::start(move |hit, _| match other(hit) {
        Some(answer) => answer,
        None => match hit.path.as_str() {
            "/" => bytes(home.clone()),
            path if path.starts_with("/a_") => page(200, article(number(path))),
            _ => page(404, ""),
        },
    })
}

fn home(markup: &str) -> Vec<u8> {
    format!("<html><head><meta charset=utf-8></head><body>{markup}</body></html>").into_bytes()
}

#[test]
fn a_path_that_begins_like_a_host_is_asked_of_its_own() {
    let links =
        ["http://a.test//evil.test/a_1.htm", "http://a.test///evil.test/a_2.htm", "http://a.test/\\evil.test/a_3.htm"];
    let answer = |hit: &Hit| hit.path.ends_with(".htm").then(|| page(200, article(number(&hit.path))));
    let server = site(list(links.map(str::to_owned)).into_bytes(), answer);
    let bench = Bench::new(&server, &["a.test", "evil.test"], "", FAST);
    bench.write("selectors/local.toml", &support::selectors(&["a.test"], ""));
    for _ in 0..2 {
        let output = bench.crawl();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    assert!(server.hits().iter().all(|hit| hit.host == "a.test"), "{:?}", server.hits());
    assert!(bench.urls().iter().all(|url| url.starts_with("http://a.test/")), "{:?}", bench.urls());
    assert!(bench.urls().contains(&links[0].to_owned()), "{:?}", bench.urls());
}

#[test]
fn links_beside_the_href_of_an_anchor_are_followed() {
    let markup = "<li data-href=/a_1.htm>一</li><p onclick=\"location.href='/a_2.htm'\">二</p>\
        <a href=\"javascript:window.open('/a_3.htm')\">三</a><select><option value=/a_4.htm>四</option></select>\
        <noscript><a href=/a_5.htm>五</a></noscript><a href=http://A.TEST./a_6.htm>六</a><!-- <a href=/a_7.htm>七</a> -->";
    let server = site(home(markup), |_| None);
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    bench.crawl();
    let expected: Vec<String> = (1..=6).map(|n| format!("http://a.test/a_{n}.htm")).collect();
    assert_eq!(bench.urls(), expected);
}

#[test]
fn queries_and_locations_are_sent_in_the_encoding_of_the_page() {
    let markup = "<meta charset=gb2312><a href='/a_1.htm?lm=深圳'>海湾市推出便民措施</a><a href=/a_2.htm>二</a>";
    let (gbk, _, _) = encoding_rs::GBK.encode(markup);
    let server = site(gbk.into_owned(), |hit| match hit.path.as_str() {
        "/a_2.htm" => {
            let raw = b"HTTP/1.1 302 Found\r\nLocation: /a_3.htm?x=\xc9\xee\r\nContent-Length: 0\r\n\r\n";
            Some(Answer::Raw(raw.to_vec()))
        }
        _ => None,
    });
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    let rules = support::selectors(&["a.test"], "").replace("\\.htm$']", "\\.htm']");
    bench.write("selectors/local.toml", &rules);
    bench.crawl();
    let asked = server.paths();
    assert!(asked.contains(&"/a_1.htm?lm=%C9%EE%DB%DA".to_owned()), "{asked:?}");
    assert!(asked.contains(&"/a_3.htm?x=%C9%EE".to_owned()), "{asked:?}");
}

#[test]
fn pages_that_send_the_browser_on_are_followed_as_redirects_are() {
    let links = (1..=7).map(|n| format!("/a_{n}.htm"));
    let server = site(list(links).into_bytes(), |hit| {
        Some(match hit.path.as_str() {
            "/a_1.htm" => page(200, "<meta http-equiv=refresh content='0;url=/a_11.htm'>"),
            "/a_2.htm" => with(page(200, "<p>正在跳转</p>"), "Refresh", "0; url=/a_12.htm"),
            "/a_3.htm" => page(200, "<script>location.href = '/a_13.htm';</script>"),
            "/a_4.htm" => page(200, "<frameset rows='0,*'><frame src=about:blank><frame src=/a_14.htm></frameset>"),
            "/a_5.htm" => page(200, "<meta http-equiv=refresh content='0;url=http://b.test/a_15.htm'>"),
            "/a_6.htm" => page(200, "<meta http-equiv=refresh content='0;url=/'>"),
            "/a_7.htm" => page(200, format!("<meta http-equiv=refresh content='300'>{}", article(7))),
            _ => return None,
        })
    });
    let bench = Bench::new(&server, &["a.test", "b.test"], "", FAST);
    bench.write("selectors/local.toml", &support::selectors(&["a.test"], ""));
    bench.crawl();
    let expected = ["a_11", "a_12", "a_13", "a_14", "a_7"].map(|name| format!("http://a.test/{name}.htm"));
    assert_eq!(bench.urls(), expected);
    let rejected = bench.lines("rejected.jsonl");
    let detail = |path: &str| {
        let found = rejected.iter().find(|line| support::path_of(line["url"].as_str().unwrap()) == path);
        found.map(|line| format!("{}: {}", line["reason"].as_str().unwrap(), line["detail"].as_str().unwrap()))
    };
    assert!(
        detail("/a_5.htm").is_some_and(|why| why.starts_with("redirect: ") && why.contains("http://b.test/a_15.htm"))
    );
    assert!(detail("/a_6.htm").is_some_and(|why| why.starts_with("redirect: leads to a list")));
    assert!(server.hits().iter().all(|hit| hit.host == "a.test"));
}

#[test]
fn bytes_that_are_not_text_are_no_article() {
    let server = site(list((1..=4).map(|n| format!("/a_{n}.htm"))).into_bytes(), |hit| {
        Some(match hit.path.as_str() {
            "/a_1.htm" => bytes([b"\xff\xd8\xff\xe0\x00\x10JFIF\x00".as_slice(), &[0x80; 4000]].concat()),
            "/a_2.htm" => {
                bytes((0..9000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect::<Vec<u8>>())
            }
            "/a_3.htm" => with(bytes(b"%PDF-1.4".to_vec()), "Content-Type", "application/pdf"),
            "/a_4.htm" => page(200, article(4).replace('，', "，\0")),
            _ => return None,
        })
    });
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    bench.crawl();
    assert_eq!(bench.urls(), ["http://a.test/a_4.htm"]);
    let rejected = bench.rejected();
    assert_eq!([1, 2, 3].map(|n| rejected[&format!("/a_{n}.htm")].clone()), ["binary", "binary", "binary"]);
}

#[test]
fn a_host_in_chinese_characters_is_one_host() {
    let name = "新闻.海港.中国";
    let puny = url::Url::parse(&format!("http://{name}/")).unwrap().host_str().unwrap().to_owned();
    let links = [
        format!("http://{name}/a_1.htm"),
        format!("http://{puny}./a_2.htm"),
        format!("http://{}/a_3.htm", name.replace('.', "。")),
    ];
    let server = site(list(links).into_bytes(), |_| None);
    for hosts in [name, "*.海港.中国", &puny.to_uppercase()] {
        let bench = Bench::new(&server, &[name], "", FAST);
        let text = support::selectors(&[name], "")
            .replace(&format!("hosts = [\"{name}\"]"), &format!("hosts = [\"{hosts}\"]"));
        bench.write("selectors/local.toml", &text);
        let check = bench.run(&["check", "selectors/local.toml"]);
        assert_eq!(check.status.code(), Some(0), "{hosts}: {}", stderr(&check));
        bench.crawl();
        assert_eq!(bench.urls().len(), 3, "{hosts}: {:?}", server.paths());
        server.clear();
    }
}

#[test]
fn a_list_that_gives_nothing_is_reported_with_the_reason() {
    let server = site(home("<a href=/a_1.htm>海湾市推出便民措施</a>"), |hit| {
        Some(match hit.path.as_str() {
            "/feed.xml" => page(200, "<html><body>栏目已下线</body></html>"),
            "/map.xml" => page(200, "<urlset><url><lastmod>2026-11-20</lastmod></url></urlset>"),
            "/list_1.htm" => page(200, "{\"code\":500,\"msg\":\"sign error\"}"),
            _ => return None,
        })
    });
    let crawl = "feeds = [\"http://a.test/feed.xml\"]\nsitemaps = [\"http://a.test/map.xml\"]";
    let bench = Bench::new(&server, &["a.test"], crawl, FAST);
    let text = support::selectors(&["a.test"], crawl)
        .replace("lists = ['/list_\\d+\\.htm$']", "lists = [{ url = '/list_\\d+\\.htm$', json = \"data[].url\" }]")
        .replace("seeds = [\"http://a.test/\"]", "seeds = [\"http://a.test/\", \"http://a.test/list_1.htm\"]");
    bench.write("selectors/local.toml", &text);
    let output = bench.run(&["crawl"]);
    assert_eq!(output.status.code(), Some(3));
    let said = stderr(&output);
    for (path, why) in [
        ("/feed.xml", "not a list (a page of HTML)"),
        ("/map.xml", "1 item without an address"),
        ("/list_1.htm", "no match (`data[].url`: no `data` in an object with `code`, `msg`)"),
    ] {
        assert!(said.lines().any(|line| line.contains(path) && line.contains(why)), "{path}: {said}");
    }
}

#[test]
fn a_feed_among_the_seeds_is_read_as_one() {
    let feed =
        "<?xml version=\"1.0\"?><rss><channel><item><title>A & B</title><link>/a_1.htm</link></item></channel></rss>";
    let server = site(feed.as_bytes().to_vec(), |_| None);
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    bench.crawl();
    assert_eq!(bench.urls(), ["http://a.test/a_1.htm"]);
}

#[test]
fn what_a_path_into_json_does_not_know_is_refused_with_its_place() {
    let server = site(Vec::new(), |_| None);
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    for (list, place) in [
        ("{ url = '/list', json = 'data[*].url' }", "data[*].url"),
        ("{ url = '/list', json = ['a[].url', '$.b'] }", "$.b"),
        ("{ url = '/list', json = 'data[]', link = 'https://a.test/x.htm' }", "https://a.test/x.htm"),
        ("{ url = '/list', link = 'https://a.test/{id}.htm' }", "link"),
    ] {
        let text =
            support::selectors(&["a.test"], "").replace("lists = ['/list_\\d+\\.htm$']", &format!("lists = [{list}]"));
        bench.write("selectors/local.toml", &text);
        let check = bench.run(&["check", "selectors/local.toml"]);
        let said = stderr(&check) + &String::from_utf8_lossy(&check.stdout);
        assert_eq!(check.status.code(), Some(2), "{list}: {said}");
        assert!(said.contains(place) && said.contains("local.toml:5:"), "{list}: {said}");
    }
}

#[test]
fn links_beyond_the_most_of_one_page_are_counted_and_the_page_is_named() {
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/" => {
            page(200, list((1..=5_003).map(|n| format!("http://elsewhere.test/{n}")).chain(["/a_1.htm".to_owned()])))
        }
        _ => page(404, ""),
    });
    let bench = Bench::new(&server, &["a.test"], "", "[politeness]\nrate = \"200/s\"\n");
    let output = bench.run(&["crawl"]);
    let said = stderr(&output);
    assert!(said.contains("local: 4 links are beyond those that are taken of one page"), "{said}");
    assert!(
        said.contains("list http://a.test/ could not be used as a whole: 4 of its links are beyond the 5000"),
        "{said}"
    );
}

#[test]
fn hosts_and_patterns_are_meant_in_any_form() {
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/robots.txt" => page(200, ""),
        "/" => page(
            200,
            list(["/时事/1.htm", "/%E6%97%B6%E4%BA%8B/2.htm", "/时事/旧/3.htm", "/sport/4.htm"].map(str::to_owned)),
        ),
        path if path.ends_with(".htm") => page(200, article(number(path))),
        _ => page(404, ""),
    });
    for host in ["新闻港.TEST", "xn--efv02qix8a.test"] {
        let bench = Bench::empty();
        let file = support::selectors(&[host], "deny = ['新闻港.test/时事/旧/']");
        bench.write(
            "selectors/local.toml",
            &file.replace("'/a_\\d+(_\\d+)?\\.htm$'", "'新闻港\\.test/时事/(旧/)?\\d\\.htm$'"),
        );
        bench.configure(&server, &[host], FAST);
        let output = bench.crawl();
        let paths: Vec<String> = bench.urls().iter().map(|url| support::path_of(url)).collect();
        assert_eq!(paths, ["/%E6%97%B6%E4%BA%8B/1.htm", "/%E6%97%B6%E4%BA%8B/2.htm"], "{}", stderr(&output));
        for name in ["新闻港.test", "XN--EFV02QIX8A.Test.", "新闻港。test:80", "http://新闻港.test"] {
            let output = bench.run(&["state", "unblock", name]);
            assert_eq!(output.status.code(), Some(0), "{name}: {}", stderr(&output));
        }
        let output = bench.run(&["state", "forget", "新闻港.TEST"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        bench.crawl();
        assert_eq!(bench.articles().len(), 4, "all of it was forgotten");
    }
}

#[test]
fn an_article_for_browsers_with_scripts_is_read_where_it_stands() {
    let noscript = "<noscript><meta http-equiv=refresh content='0;url=/enable-scripts.htm'></noscript>";
    let template = "<template><meta http-equiv=refresh content='0;url=/other.htm'></template>";
    let server = site(list(["/a_1.htm".to_owned(), "/a_2.htm".to_owned()]).into_bytes(), move |hit| {
        let head = if hit.path == "/a_1.htm" { noscript } else { template };
        let is_article = hit.path.starts_with("/a_");
        is_article.then(|| page(200, article(number(&hit.path)).replace("</head>", &format!("{head}</head>"))))
    });
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    bench.crawl();
    assert_eq!(bench.urls(), ["http://a.test/a_1.htm", "http://a.test/a_2.htm"]);
    assert!(server.paths().iter().all(|path| path.len() < 13), "{:?}", server.paths());
}
