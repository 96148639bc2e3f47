//! Selector files of other tools become files that `check` finds nothing wrong with, and nothing of them is lost silently.

use jingwen::sites::import::ftr;
use jingwen::sites::{Origin, Severity, Sites, SourceFile, lint};

const FTR: &str = r#"# A comment.
title: //h1[@class='headline']
title: //meta[@property="og:title"]/@content
body: //div[@id='story'] | //div[contains(concat(' ',normalize-space(@class),' '),' gallery ')]
author: substring-after(//p[contains(@class, 'by')], 'By ')
date: //time/@datetime

strip: //div[@class='share bar']
strip: //p[contains(., 'Read more')]
strip_id_or_class: newsletter
strip_image_src: /ads/
native_ad_clue: //div[@class="sponsored"]
next_page_link: //a[contains(text(), 'Next (2)')]
single_page_link: //a[@rel='print']/@href
prune: no
find_string: <br/>
replace_string: </p><p>
titl: //h2

test_url: https://www.example.com/a/1
test_contains: first words
test_contains: last words
"#;

#[test]
fn what_has_a_counterpart_is_carried_over() {
    let imported = ftr("example.com", FTR);
    let file = SourceFile {
        id: "example".to_owned(),
        name: "example.toml".to_owned(),
        origin: Origin::Builtin,
        text: imported.toml.as_str().into(),
    };
    let sites =
        Sites::compile(vec![file]).unwrap_or_else(|e| panic!("{:?}\n{}", miette::Report::new(e), imported.toml));
    let site = &sites.all()[0];
    assert_eq!(site.hosts, ["example.com", "www.example.com"]);
    let [advertisement, template] = &site.templates[..] else { panic!("{}", imported.toml) };
    assert_eq!(advertisement.when.has.len(), 1);
    assert_eq!((template.fields.title.len(), template.fields.body.len(), template.remove.len()), (2, 1, 3));
    assert_eq!(template.fields.authors[0].capture.as_ref().map(|c| c.as_str()), Some("By (.*)"));
    let next = template.next.as_ref().unwrap();
    assert!(next.text.as_ref().unwrap().is_match("Next (2)"));
    for part in [
        "{ meta = \"og:title\" }",
        "div#story, div.gallery",
        "attr = \"datetime\"",
        "# contains = [\"first words\", \"last words\"]",
    ] {
        assert!(imported.toml.contains(part), "no {part:?} in\n{}", imported.toml);
    }
}

#[test]
fn what_has_none_stands_in_a_comment_with_the_reason() {
    let imported = ftr("example.com", FTR);
    let lines: Vec<usize> = imported.dropped.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [9, 15, 16, 17, 18]);
    assert_eq!(imported.carried, 14);
    for part in
        ["line 9: strip: //p[contains(., 'Read more')]", "line 18: titl: //h2", "did it mean `title`?", "[[line]]"]
    {
        assert!(imported.toml.contains(part), "no {part:?} in\n{}", imported.toml);
    }
}

#[test]
fn the_result_passes_the_check() {
    for (stem, text) in
        [("example.com", FTR), (".example.org", "title: //h1\nstrip: //aside\nnative_ad_clue: //b"), ("www.a.cn", "")]
    {
        let imported = ftr(stem, text);
        let file = SourceFile {
            id: "imported".to_owned(),
            name: "imported.toml".to_owned(),
            origin: Origin::Builtin,
            text: imported.toml.as_str().into(),
        };
        let problems = lint::check(vec![file], &|_, _| None);
        let errors: Vec<_> = problems.iter().filter(|p| p.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{errors:#?}\n{}", imported.toml);
    }
}
