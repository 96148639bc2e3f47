use std::io::Write;

use super::*;

fn base() -> Url {
    Url::parse("http://a.example/x/list").unwrap()
}

fn read_text(body: impl AsRef<[u8]>) -> ListOutcome {
    let base = base();
    read(&Source { body: body.as_ref(), content_type: None, base: &base })
}

/// The paths of what a list gave.
fn paths(out: &ListOutcome) -> Vec<String> {
    out.entries.iter().map(|entry| entry.url[url::Position::BeforePath..].to_owned()).collect()
}

fn from_json(path: &[&str], link: Option<&str>, body: &str) -> ListOutcome {
    let base = base();
    let paths = path.iter().map(|path| JsonPath::parse(path).unwrap()).collect();
    let rule = JsonRule { paths, link: link.map(|link| LinkTemplate::parse(link).unwrap()) };
    read_json(&Source { body: body.as_bytes(), content_type: None, base: &base }, &rule)
}

use crate::sites::{JsonPath, JsonRule, LinkTemplate};

const NEWS: &str = r#"<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
    xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url><loc> http://a.example/1.htm?a=1&amp;b=2 </loc>
    <image:image><image:loc>http://a.example/1.jpg</image:loc></image:image>
    <news:news><news:publication_date>2026-11-20T08:00:00+08:00</news:publication_date></news:news></url>
    <url><loc><![CDATA[/2.htm]]></loc><lastmod>2026-11-21</lastmod></url></urlset>"#;

#[test]
fn sitemaps_of_each_kind() {
    let out = read_text(NEWS);
    assert_eq!(paths(&out), ["/1.htm?a=1&b=2", "/2.htm"]);
    assert!(out.problems.is_empty());
    assert_eq!(out.entries[0].at, Some("2026-11-20T00:00:00Z".parse().unwrap()));
    assert_eq!(out.entries[1].at, Some("2026-11-20T16:00:00Z".parse().unwrap()));
    assert_eq!(out.entries[1].changed, Some("2026-11-21T16:00:00Z".parse().unwrap()));

    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(NEWS.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    assert_eq!(paths(&read_text(&packed)).len(), 2);
    let cut = read_text(&packed[..packed.len() - 20]);
    assert!(cut.problems.has(ListProblem::Packed), "{}", cut.problems);

    let index = "<sitemapindex><sitemap><loc>http://a.example/s1.xml</loc></sitemap></sitemapindex>";
    assert!(read_text(index).entries[0].is_sitemap);
    let text = "\u{feff}http://a.example/1.htm\r\n\r\nHTTP://a.example/2.htm 2026-11-20\n";
    assert_eq!(paths(&read_text(text)), ["/1.htm", "/2.htm"]);
}

#[test]
fn broken_sitemaps_give_what_can_be_read() {
    for (body, expected) in [
        ("<urlset><url><loc>/1?x=1&y=2&copy=3</loc></url></urlset>", &["/1?x=1&y=2&copy=3"][..]),
        ("<urlset><url><loc>/1</loc><x>1&ordm; < 2</x></url><url><loc>/2</loc></url>", &["/1", "/2"]),
        ("<urlset><url><loc>/1</loc></url><url><loc>/2</lo", &["/1", "/2"]),
        ("<urlset><url><loc>/1</loc></url><url><loc>/2", &["/1"]),
        ("<urlset><url><loc>/1</loc><url><loc>/2</loc></urls><url><loc>/3</loc></url>", &["/1", "/2", "/3"]),
        ("<urlset><url><loc>/1</url><url><loc>/2</loc></url>", &["/1", "/2"]),
        ("Notice: x in <b>/map.php</b>\n<?xml version='1.0'?><urlset><url><loc>/1</loc></url></urlset>", &["/1"]),
        ("<s:urlset><s:url><i:loc>/1.jpg</i:loc><s:loc>/1</s:loc></s:url></s:urlset>", &["/1"]),
        ("<urlset><url><video:video><video:loc>/1.mp4</video:loc></video:video><loc>/1</loc></url></urlset>", &["/1"]),
        ("<URLSET><URL><LOC>/1</LOC></URL></URLSET>", &["/1"]),
        ("<urlset><url><loc>//b.example/1</loc></url></urlset>", &["/1"]),
    ] {
        assert_eq!(paths(&read_text(body)), expected, "{body}");
    }
}

#[test]
fn an_entity_bomb_stays_folded() {
    let mut bomb = String::from("<?xml version=\"1.0\"?><!DOCTYPE u [<!ENTITY a \"aaaaaaaaaa\">");
    for c in 'b'..='j' {
        let before = char::from(c as u8 - 1);
        bomb.push_str(&format!("<!ENTITY {c} \"{}\">", format!("&{before};").repeat(10)));
    }
    bomb.push_str("]><urlset><url><loc>http://a.example/&j;1.htm</loc></url></urlset>");
    assert_eq!(paths(&read_text(bomb)), ["/&j;1.htm"]);
}

#[test]
fn feeds() {
    let rss = "<rss version=\"2.0\"><channel><title>要闻</title><link>http://a.example/</link><item><title>一</title>\
               <atom:link rel=\"self\" href=\"/feed\"/><link>http://a.example/1.htm</link>\
               <pubDate>Fri, 20 Nov 2026 08:00:00 +0800</pubDate></item></channel></rss>";
    let out = read_text(rss);
    assert_eq!(paths(&out), ["/1.htm"]);
    assert_eq!(out.entries[0].at, Some("2026-11-20T00:00:00Z".parse().unwrap()));
    assert_eq!(out.entries[0].changed, None);
    for (body, expected) in [
        ("<rss><item><guid>http://a.example/1</guid></item>", &["/1"][..]),
        ("<rss><item><link></link><guid isPermaLink='false'>http://a.example/1</guid></item>", &[]),
        ("<rss><item><guid isPermaLink='true'>/1</guid></item>", &["/1"]),
        ("<rss><item><link>http://a.example/&#11;1</link></item>", &["/1"]),
        ("<feed><entry><link type='application/json' href='/1.json'/><link href='/1'/></entry></feed>", &["/1"]),
        ("<rss><item><guid>12</guid><link>1?a=1&b=2</link></item>", &["/x/1?a=1&b=2"]),
        ("<rss><item><link>http://a.example/1?a=1&amp;amp;b=2</link></item>", &["/1?a=1&b=2"]),
        (
            "<rss><item><description><p>x<br><a href=/no>y</a><link href=/no></description><link>/1</link></item>",
            &["/1"],
        ),
        ("<rss><item><title>a <b>b</title><link>/1</link></item><item><link>/2</link></item>", &["/1", "/2"]),
        (
            "<rss><item><title><![CDATA[a</title><link>/1</link></item><item><title><![CDATA[b]]></title><link>/2</link></item>",
            &["/1", "/2"],
        ),
        ("<rdf:RDF><item rdf:about='http://a.example/1'><title>x</title></item></rdf:RDF>", &["/1"]),
        ("<feed xml:base='http://a.example/y/'><entry xml:base='z/'><link href='1'/></entry></feed>", &["/y/z/1"]),
        ("<feed><entry><link rel='edit' href='/e'/><link rel='alternate' href='/1'/></entry></feed>", &["/1"]),
        (
            "<feed><entry><source><id>http://a.example/s</id></source><id>http://a.example/1</id></entry></feed>",
            &["/1"],
        ),
        (
            "<rss><item><link>http://c.example/r/1</link><f:origLink>http://a.example/1</f:origLink></item></rss>",
            &["/1"],
        ),
        ("<a:feed><a:entry><a:link href='/1'/></a:entry></a:feed>", &["/1"]),
        ("{\"items\":[{\"id\":\"1\",\"url\":\"/1\"},{\"id\":\"http://a.example/2\"},{\"id\":\"3\"}]}", &["/1", "/2"]),
    ] {
        assert_eq!(paths(&read_text(body)), expected, "{body}");
    }
}

#[test]
fn a_list_that_gives_nothing_says_why() {
    for (body, expected) in [
        ("", "empty"),
        (" \u{feff}\n", "empty"),
        ("<urlset></urlset>", "no items (a sitemap without addresses)"),
        ("<rss><channel></channel></rss>", "no items (a feed without items)"),
        ("<rss><item><title>1</title></item><item/></rss>", "2 items without an address"),
        (
            "<rss><item><link>mailto:a@a.example</link></item></rss>",
            "1 item whose address cannot be fetched (the first is `mailto:a@a.example`)",
        ),
        ("<!DOCTYPE html><html><body>404</body></html>", "not a list (a page of HTML)"),
        ("Forbidden by rule", "not a list (neither feed nor sitemap: `Forbidden by rule`)"),
        ("\x1f\u{8b}x", "not a list (neither feed nor sitemap: `\x1f\u{8b}x`)"),
        ("{\"code\":500}", "not a list (neither feed nor sitemap: `{\"code\":500}`)"),
    ] {
        let out = read_text(body);
        assert!(out.is_failure(), "{body}");
        assert_eq!(out.problems.to_string(), expected, "{body}");
    }
    let page = read_text("<html><body><a href=/1>一</a></body></html>");
    assert!(!page.is_failure() && page.problems.has(ListProblem::OtherFormat));
}

#[test]
fn what_a_body_is_shows_in_its_root() {
    for body in ["<?xml version='1.0'?>\n<!-- x --><rss>", "\u{feff} <urlset>", "<feed xmlns='x'>"] {
        assert!(is_list(body.as_bytes()), "{body}");
    }
    for body in ["<html><!-- <rss> -->", "<?xml version='1.0'?><html>", "", "rss"] {
        assert!(!is_list(body.as_bytes()), "{body}");
    }
}

#[test]
fn lists_in_json() {
    let body = r#"callback({"data":[{"URL":"/1.htm"},{"URL":"http://b.example/2.htm"},{"x":1},null,{"URL":""}]});"#;
    let out = from_json(&["data[].URL"], None, body);
    assert_eq!(paths(&out), ["/1.htm", "/2.htm"]);
    assert_eq!(out.problems.to_string(), "1 item without an address");
    let escaped = from_json(&["u"], None, r#"{"u":"/1?a=1&amp;b=2"}"#);
    assert_eq!(paths(&escaped), ["/1?a=1&b=2"]);
    let two = from_json(&["a[]", "b[].u"], None, r#"{"a":["/1"],"b":[{"u":"/2"}]}"#);
    assert_eq!(paths(&two), ["/1", "/2"]);
    let html =
        from_json(&["html"], None, r#"{"html":"<ul><li><a href=\"/1\">一</a></li><li><a href='2'>二</a></ul>"}"#);
    assert_eq!(paths(&html), ["/1", "/x/2"]);
    let ids = r#"{"data":[{"id":7,"n":"x"},{"id":"8"},{"n":"y"}]}"#;
    let out = from_json(&["data[]"], Some("https://c.example/a/{id}.html"), ids);
    assert_eq!((paths(&out), out.problems.skipped()), (vec!["/a/7.html".to_owned(), "/a/8.html".to_owned()], 1));
    assert_eq!(paths(&from_json(&["data[].id"], Some("/a/{id}.html"), ids)), ["/a/7.html", "/a/8.html"]);
    let script = "var a = {x: 1}; var list = [{u: '/1', t: '它\\'s'}, {u: '/2',}];";
    assert_eq!(paths(&from_json(&["[].u"], None, script)), ["/1", "/2"]);
    let cut = from_json(&["data[].u"], None, r#"{"data":[{"u":"/1"},{"u":"/2"},{"u":"/3"#);
    assert_eq!(paths(&cut), ["/1", "/2"]);
    assert!(cut.problems.has(ListProblem::Broken));
}

#[test]
fn a_path_that_leads_nowhere_is_named() {
    for (body, expected) in [
        (r#"{"data":[{"link":"/1"}]}"#, "no match (`data[].url`: no `url` in an object with `link`)"),
        (r#"{"code":500,"msg":"sign error"}"#, "no match (`data[].url`: no `data` in an object with `code`, `msg`)"),
        (r#"{"data":[]}"#, "no items (the list at `data[].url` is empty)"),
        (r#"{"data":[{"url":["/1"]}]}"#, "1 item without an address (`data[].url` leads to a list of 1)"),
        ("<html>请登录</html>", "not a list (neither object nor array in it: `<html>请登录</html>`)"),
        ("", "empty"),
    ] {
        let out = from_json(&["data[].url"], None, body);
        assert!(out.is_failure());
        assert_eq!(out.problems.to_string(), expected, "{body}");
    }
}
