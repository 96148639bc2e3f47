//! Selector files: what is read, what is inherited, and which host belongs to which.

use std::time::Duration;

use jingwen::sites::{LineAction, Origin, Pick, Read, Sites, SourceFile, StatusAction, TemplateKind, WholeRule};

fn file(id: &str, text: &str) -> SourceFile {
    SourceFile { id: id.to_owned(), name: format!("{id}.toml"), origin: Origin::Builtin, text: text.into() }
}

fn compile(files: &[(&str, &str)]) -> Sites {
    match Sites::compile(files.iter().map(|(id, text)| file(id, text)).collect()) {
        Ok(sites) => sites,
        Err(errors) => panic!("{:?}", miette::Report::new(errors)),
    }
}

/// Every key of the format once, as SELECTORS.md shows it.
const FULL: &str = r##"
name     = "示例新闻网"
outlet   = "示例报业集团"
hosts    = ["www.example.com", "*.news.example.com"]
names    = { "paper.news.example.com" = "示例日报" }
timezone = "Asia/Shanghai"
charset  = "gb2312"
language = "zh-CN"
confidence = "high"
remove   = ".ad"

[fields]
source = { meta = "source" }

[crawl]
seeds    = ["https://www.example.com/", "https://www.example.com/node_31100.htm"]
feeds    = "https://www.example.com/rss.xml"
sitemaps = []
lists    = ['node_\d+(_\d+)?\.htm$', { url = '/api/list', json = "data[].URL" }]
articles = ['/content/\d{4}-\d{2}/\d{2}/content_\d+\.htm$']
deny     = ['/ranking/']
rewrite  = [{ from = '/content/mb/', to = '/content/' }]
drop_query = ["cxid", "token", "chanid"]
links    = ".list a"
rate     = "1/3s"
concurrency = 1
refresh  = "15m"
schedule = "*/20 6-23 * * *"
on_status = { "405" = "block", "429" = "backoff" }

[[template]]
name  = "2016"
kind  = "article"
when  = { url = ['/content/'], has = ["h1.h1-news", ".article-content"], lacks = [] }
since = 2016-01-01
title = "h1.h1-news"
body  = [".article-content.new_txt", { css = ".article-content", pick = "longest" }]
remove = ["#qrcodeWrap", ".emit"]
keep   = []
captions = "p.caption"
published = [{ css = ".share-date", capture = '(\d{4}-\d{2}-\d{2} \d{2}:\d{2})', format = "%Y-%m-%d %H:%M" }, { url = '/(\d{4}-\d{2}/\d{2})/' }]
source    = { css = ".share-date span.ml10", strip = ["来源：", '/\s+$/'] }
editors   = { css = ".emit span.r", capture = '责任编辑[:：]\s*(?P<责任编辑>[^\]】]+)' }
next      = { css = ".pages .page-next a", max = 30 }
whole     = { css = "a", text = "全文阅读" }
require   = { min_chars = 40, fields = ["title"], max_link_density = 0.5, forbid = ['^延伸阅读'] }

[[template.line]]
match = '^责编'

[[template]]
name = "json"
body = { json = "detail.content", after = 'window\._CONFIG\s*=', html = true }
whole = { from = '\.shtml$', to = '_s.shtml' }
next = ".next a"

[[line]]
match  = '^编辑\s+\S+'
action = "cut"
capture = '编辑\s+(?P<编辑>\S+)'
within_last = 6

[[test]]
page = "a.html"
url  = "https://www.example.com/content/2019-04/26/content_1.htm"
template = "2016"
published = 2019-04-26T09:30:00+08:00
editors = { "责任编辑" = "甲乙", "审读" = ["丙", "丁"] }
contains = ["…"]
chars = [400, 4000]
"##;

#[test]
fn every_key_is_read() {
    let sites = compile(&[("full", FULL)]);
    let site = &sites.all()[0];
    assert_eq!((site.id.as_str(), site.name.as_str()), ("full", "示例新闻网"));
    assert_eq!(site.charset.map(|c| c.name()), Some("GBK"));
    assert_eq!(site.crawl.interval, Some(Duration::from_secs(3)));
    assert_eq!(site.crawl.refresh, Some(Duration::from_secs(900)));
    assert_eq!(site.crawl.on_status[&405], StatusAction::Block);
    assert_eq!(site.crawl.lists[1].json.as_ref().unwrap().paths[0].as_str(), "data[].URL");
    assert_eq!(site.crawl.feeds.len(), 1);
    assert_eq!(site.crawl.urls.keep_query, None);

    let [first, second] = &site.templates[..] else { panic!("{:?}", site.templates) };
    assert_eq!(first.kind, TemplateKind::Article);
    assert_eq!(first.when.has.len(), 2);
    assert_eq!(first.since, Some(jiff::civil::date(2016, 1, 1)));
    assert_eq!(first.fields.body[1].pick, Pick::Longest);
    assert!(first.fields.source[0].strip[1].is_match("深圳 "));
    assert!(matches!(&first.fields.source[1].read, Read::Meta(name) if name == "source"), "the file's own fallback");
    assert_eq!(first.remove.len(), 3, "own and the file's");
    assert_eq!(first.next.as_ref().map(|n| n.max), Some(30));
    assert_eq!(first.lines.len(), 1);
    assert!(matches!(second.whole, Some(WholeRule::Url { .. })));
    assert!(matches!(&second.fields.body[0].read, Read::Json { after: Some(_), script: None, .. }));
    assert!(second.fields.body[0].html);
    assert_eq!(second.next.as_ref().map(|n| n.max), Some(20));

    assert_eq!(site.lines[0].action, LineAction::Cut);
    let line = FULL.lines().position(|l| l == "[[line]]").unwrap() + 1;
    assert_eq!(site.lines[0].origin, format!("full.toml:{line}"));
    assert_eq!(site.tests[0].expect.chars.as_ref().map(|c| c.value.clone()), Some(vec![400, 4000]));
    assert_eq!(
        site.tests[0].expect.published.as_ref().map(|p| p.0.clone()),
        Some("2019-04-26T09:30:00+08:00".to_owned())
    );
}

#[test]
fn exact_hosts_win_and_longer_wildcards() {
    let sites = compile(&[
        ("a", "hosts = [\"*.example.com\"]"),
        ("b", "hosts = [\"*.news.example.com\"]"),
        ("c", "hosts = [\"www.news.example.com\"]"),
    ]);
    let id = |host| sites.for_host(host).map(|s| s.id.as_str());
    assert_eq!(id("x.example.com"), Some("a"));
    assert_eq!(id("x.news.example.com"), Some("b"));
    assert_eq!(id("www.news.example.com"), Some("c"));
    assert_eq!(id("example.com"), None);
    assert_eq!(id("badexample.com"), None);
}

#[test]
fn templates_and_rules_are_inherited_own_first() {
    let sites = compile(&[
        (
            "_family",
            "remove = '.far'\n[[template]]\nname = 'old'\nbody = '.old'\n[[template]]\nname = 'new'\nbody = '.new'\n[[line]]\nmatch = 'family'",
        ),
        (
            "child",
            "hosts = ['a.example.com']\nextends = '_family'\n[[template]]\nname = 'new'\nbody = '.mine'\n[[line]]\nmatch = 'own'",
        ),
        ("_common", "[fields]\nsource = '#source_baidu'\n[[line]]\nmatch = 'common'"),
        ("alone", "hosts = ['b.example.com']\ncommon = false\n[[template]]\nname = 'x'\nbody = '.x'"),
    ]);
    assert_eq!(sites.all().len(), 2, "files that begin with _ are no sites");
    let child = sites.by_id("child").unwrap();
    let names: Vec<_> = child.templates.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["new", "old"]);
    assert_eq!(child.templates[0].origin, "child.toml:3");
    assert_eq!(child.templates[1].origin, "_family.toml:2");
    let lines: Vec<_> = child.lines.iter().map(|l| l.pattern.as_str()).collect();
    assert_eq!(lines, ["own", "family", "common"]);
    assert_eq!(child.templates[1].fields.source.len(), 1);
    assert_eq!(child.templates[0].remove.len(), 1);
    let alone = sites.by_id("alone").unwrap();
    assert!(alone.lines.is_empty() && alone.templates[0].fields.source.is_empty());
    assert_eq!(sites.common.lines.len(), 1);
}

#[test]
fn later_files_take_the_place_of_earlier_ones() {
    let sites = compile(&[("a", "hosts = ['old.example.com']"), ("a", "hosts = ['new.example.com']")]);
    assert_eq!(sites.all().len(), 1);
    assert!(sites.for_host("old.example.com").is_none());
}

#[test]
fn the_hash_covers_what_is_extended() {
    let hash = |family: &str| {
        let sites = compile(&[("_f", family), ("a", "hosts = ['a.example.com']\nextends = '_f'")]);
        sites.all()[0].hash.clone()
    };
    assert_eq!(hash("").len(), 16);
    assert_ne!(hash(""), hash("remove = '.x'"));
}

#[test]
fn the_embedded_files_are_valid() {
    let sites = match Sites::compile(jingwen::sites::load::builtin()) {
        Ok(sites) => sites,
        Err(errors) => panic!("{:?}", miette::Report::new(errors)),
    };
    // What is compiled when it is needed is the same.
    let lazily = Sites::builtin();
    assert_eq!(lazily.ids().collect::<Vec<_>>(), sites.ids().collect::<Vec<_>>());
    assert_eq!(lazily.common.lines.len(), sites.common.lines.len());
    for site in sites.all() {
        let other = lazily.by_id(&site.id).expect("compiles");
        assert_eq!((&other.hash, &other.hosts, &other.name), (&site.hash, &site.hosts, &site.name));
        assert_eq!((other.templates.len(), other.lines.len()), (site.templates.len(), site.lines.len()));
        for host in &site.hosts {
            let host = host.replace('*', "a");
            assert_eq!(lazily.id_for_host(&host), sites.id_for_host(&host), "{host}");
        }
    }
}
