//! Titles, dates, authors and sources of pages that state them in many ways.

use jingwen::clean::{Body, Options, Page, clean};
use jingwen::record::Record;
use jingwen::sites::{Sites, SourceFile};
use url::Url;

const TEXT: &str = "<p>The wall around the old harbour was repaired stone by stone, and the masons worked from the first light \
    until the tide came back in the afternoon.</p><p>Nobody in the village had seen the foundations before, which were laid on \
    oak trunks that are still as hard as they were three hundred years ago.</p><p>The council says that the path on top opens \
    again in the spring, when the railings have been painted and the lamps are tested.</p>";

const HAN: &str = "<p>青石镇的三座木桥上月全部修好，最长的一座四十二米，能走拖拉机，也能走校车，镇里为此筹了两年的钱。</p>\
    <p>桥面用的是后山的老杉木，木匠师傅说，刷两遍桐油能用三十年，每年汛期前还要再查一遍榫头。</p>";

fn read(url: &str, html: &str, sites: &Sites, generic_only: bool) -> Box<Record> {
    let url = Url::parse(url).ok();
    let page = Page { url: url.as_ref(), body: Body::Html(html.as_bytes()), content_type: None, fetched_at: None };
    let cleaned = clean(&page, sites, &Options { generic_only, ..Options::default() });
    cleaned.article.unwrap_or_else(|e| panic!("{e:?}: {html}"))
}

/// A page in English: what its head declares, and what stands above and below its text.
fn english(head: &str, above: &str, below: &str) -> Box<Record> {
    let html = format!(
        "<html lang=en><head>{head}</head><body><nav><a href=/>Home</a> <a href=/news>News</a></nav><main>{above}{TEXT}{below}</main>\
         <footer><p>All rights reserved, Harbour Times</p></footer></body></html>"
    );
    read("https://www.harbour-times.example/news/wall", &html, &Sites::builtin(), true)
}

#[test]
fn a_parts_heading_is_not_the_headline() {
    let record = english(
        "<title>Harbour wall repaired: what it took | Harbour Times</title>",
        "<h1>What it took to get the old harbour wall repaired</h1>",
        "<h2>Harbour wall</h2><p>The stones come from the quarry behind the hill, as they did when the wall was built.</p>",
    );
    assert_eq!(record.title.as_deref(), Some("What it took to get the old harbour wall repaired"));
}

#[test]
fn the_sites_name_is_cut_off_the_declared_title_by_evidence() {
    for (title, want) in [
        ("Masons repair the harbour wall | Local news | Harbour Times", "Masons repair the harbour wall"),
        ("Masons repair the harbour wall - The Harbour Times", "Masons repair the harbour wall"),
        ("Harbour Times - Masons repair the harbour wall", "Masons repair the harbour wall"),
        ("Masons repair the harbour wall - and nobody else", "Masons repair the harbour wall - and nobody else"),
    ] {
        let record = english(&format!("<title>{title}</title>"), "<h1>Harbour Times</h1>", "");
        assert_eq!(record.title.as_deref(), Some(want));
    }
}

#[test]
fn a_headline_in_capitals_or_with_a_rubric_is_spelled_as_declared() {
    for shown in ["MASONS REPAIR THE HARBOUR WALL", "Blog: Masons repair the harbour wall"] {
        let record = english("<title>Masons repair the harbour wall</title>", &format!("<h1>{shown}</h1>"), "");
        assert_eq!(record.title.as_deref(), Some("Masons repair the harbour wall"), "{shown}");
    }
}

#[test]
fn dates_of_publication() {
    let head = "<title>Masons repair the harbour wall</title>";
    for (above, below, want) in [
        ("<div>Published on May 3, 2026 Updated on June 9, 2026</div>", "", "2026-05-03"),
        ("<div>3 May 2026 - Updated 9 June 2026</div>", "", "2026-05-03"),
        ("<div class='footer popup'>May 3, 2026</div>", "", "2026-05-03"),
        ("<p>03 May 2026. 8 minutes read</p>", "", "2026-05-03"),
        ("", "<p>3 May 2026</p>", "2026-05-03"),
        ("", "<p>This article was originally published on 3 May 2026 and has been checked since.</p>", "2026-05-03"),
    ] {
        let record = english(head, &format!("<h1>Masons repair the harbour wall</h1>{above}"), below);
        assert_eq!(record.published_at.as_deref(), Some(want), "{above}{below}");
    }
    let updated = english(head, "<h1>Masons repair the harbour wall</h1><div>Updated 9 June 2026</div>", "");
    assert_eq!((updated.published_at, updated.modified_at.as_deref()), (None, Some("2026-06-09")));
}

#[test]
fn what_is_declared_goes_by_trust() {
    let ld = r#"<script type="application/ld+json">{"@type":"NewsArticle","datePublished":"2026-05-03"}</script>"#;
    let head = format!("<title>Masons repair the harbour wall</title>{ld}");
    let other =
        "<h1>Masons repair the harbour wall</h1><p>In the <time datetime='2026-06-09T10:00:00Z'>news</time></p>";
    assert_eq!(english(&head, other, "").published_at.as_deref(), Some("2026-05-03"));
    // The page's own `time` stands below its heading, or is marked.
    let times =
        "<time datetime=2026-01-01>x</time><h1>Masons repair the harbour wall</h1><time datetime=2026-05-03>x</time>";
    assert_eq!(
        english("<title>Masons repair the harbour wall</title>", times, "").published_at.as_deref(),
        Some("2026-05-03")
    );
}

#[test]
fn authors_of_by_lines() {
    let head = "<title>Masons repair the harbour wall</title><meta name=author content='Harbour Times'>";
    let above = "<h1>Masons repair the harbour wall</h1><div>By Anne Smith and Juan Ortega, staff writers</div>";
    assert_eq!(english(head, above, "").authors, ["Anne Smith", "Juan Ortega"]);
    assert!(english(head, "<h1>Masons repair the harbour wall</h1>", "").authors.is_empty());
}

#[test]
fn a_template_that_finds_no_date_leaves_it_to_the_page() {
    let text = "name=\"青石新闻\"\nhosts=[\"news.qingshi.example\"]\ncommon=false\n\
        [[template]]\nname=\"t\"\ntitle=\"h1\"\nbody=\".article\"\n";
    let origin = jingwen::sites::Origin::Builtin;
    let file = SourceFile { id: "qingshi".to_owned(), name: "qingshi.toml".to_owned(), origin, text: text.into() };
    let sites = Sites::compile(vec![file]).unwrap_or_else(|e| panic!("{e:?}"));
    let html = format!(
        "<html lang=zh-CN><head><title>三座木桥修好通车_青石新闻</title></head><body><h1>三座木桥修好通车</h1>\
         <div class=i>2026-03-02 08:15 来源：青石日报</div><div class=article>{HAN}</div>\
         <ul><li><a href=/1>河堤公园本周末试开放</a> 2026-03-04</li></ul></body></html>"
    );
    let record = read("https://news.qingshi.example/7.htm", &html, &sites, false);
    assert_eq!(record.published_at.as_deref(), Some("2026-03-02T08:15:00+08:00"));
    assert_eq!(record.source.as_deref(), Some("青石日报"));
}

#[test]
fn staff_behind_teasers_and_beside_dates() {
    let page = |info: &str, below: &str| {
        let html = format!(
            "<html lang=zh-CN><head><title>三座木桥修好通车_青石新闻</title></head><body><div class=main><h1>三座木桥修好通车</h1>\
             <div>{info}</div><div class=article>{HAN}{HAN}</div>{below}</div></body></html>"
        );
        read("https://news.qingshi.example/7.htm", &html, &Sites::builtin(), true)
    };
    let record = page("2026-03-02 08:15 青石日报", "<div>发布日期：2026-03-02 责任编辑：王小明</div>");
    assert_eq!(record.source.as_deref(), Some("青石日报"));
    assert_eq!(record.editors.get("责任编辑").map(Vec::as_slice), Some(["王小明".to_owned()].as_slice()));
    assert_eq!(page("发布时间：18-03-0823:16", "").published_at.as_deref(), Some("2018-03-08T23:16:00+08:00"));
}
