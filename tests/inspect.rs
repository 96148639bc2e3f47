//! `jingwen inspect`: the report says what is kept, what is cut and by which rule, and is harmless whatever the page holds.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn inspect(args: &[&str]) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_jingwen"))
        .arg("inspect")
        .args(args)
        .current_dir(std::env::temp_dir())
        .output()
        .unwrap();
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// Class and rule of the line whose text begins so.
fn line(report: &str, text: &str) -> (String, String) {
    let row =
        report.lines().find(|l| l.contains(&format!("\"><td>{text}"))).unwrap_or_else(|| panic!("no line {text}"));
    let class = row.split('"').nth(1).unwrap().to_owned();
    let rule = row.split("<td>").nth(2).unwrap().split("</td>").next().unwrap().to_owned();
    (class, rule)
}

fn example() -> String {
    let root = root();
    let page = root.join("examples/selectors/pages/content_1009.html");
    let selectors = root.join("examples/selectors");
    inspect(&[
        page.to_str().unwrap(),
        "--url",
        "https://news.pengwan.example/content/2026-02/26/content_1009.htm",
        "--selectors",
        selectors.to_str().unwrap(),
    ])
}

#[test]
fn each_line_says_what_became_of_it_and_why() {
    let report = example();
    assert!(report.contains("Content-Security-Policy") && report.contains("default-src 'none'"));
    assert!(!report.contains("<script"), "the report runs nothing");
    let (class, rule) = line(&report, "鹏湾港首次一天装满三条");
    assert_eq!((class.as_str(), rule.as_str()), ("read", "headline"));
    assert_eq!(line(&report, "昨天傍晚，最后一只集装箱吊上甲板").0, "kept");
    let (class, rule) = line(&report, "来源：鹏湾日报");
    assert!(class == "read" && rule.contains("published") && rule.contains("source"), "{class} {rule}");
    assert_eq!(line(&report, "编辑").0, "read");
    let kept = report.matches("<tr class=\"kept\"><td>").count();
    assert!(kept >= 4, "{kept}");
    // The record, the templates that were tried, and what each selector finds.
    assert!(report.contains("&quot;published_at&quot;") && report.contains("not tried: another won before it"));
    assert!(report.contains("<code>#content .txt</code>"));
}

#[test]
fn line_rules_and_removals_are_named_with_their_place() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(
        dir.path().join("probe.toml"),
        "name = \"probe\"\nhosts = [\"probe.example\"]\n[[template]]\nname = \"t\"\nbody = \".b\"\nremove = [\".promo\"]\n\
         [[line]]\nmatch = '^结束了'\naction = \"cut\"\nwithin_last = 3\n[[line]]\nmatch = '（街坊供稿）$'\naction = \"strip\"\nwithin_last = 9\n",
    )
    .unwrap();
    let long = "海边的居民早上六点就在码头上排起了队，等第一班开往岛上的船，也等报亭开门。";
    let page = dir.path().join("page.html");
    fs::write(
        &page,
        format!(
            "<html><head><title>码头清晨的一班船终于恢复了</title></head><body><div class='nav'>首页 新闻</div><h1>码头清晨的一班船终于恢复了</h1>\
             <div class='b'><p>{long}一</p><div class='promo'><p>这里推介另一个栏目，请移步去看看那边的内容。</p></div><p>{long}二（街坊供稿）</p>\
             <p>结束了本期的内容，感谢大家耐心阅读到这里。</p><p>{long}三</p></div></body></html>"
        ),
    )
    .unwrap();
    let report = inspect(&[
        page.to_str().unwrap(),
        "--url",
        "https://probe.example/1",
        "--selectors",
        dir.path().to_str().unwrap(),
    ]);
    let (class, rule) = line(&report, "这里推介");
    assert!(class == "cut" && rule.contains("remove `.promo`") && rule.contains("probe.toml:6"), "{class} {rule}");
    let (class, rule) = line(&report, "结束了本期");
    assert!(class == "cut" && rule.contains("line rule, cut") && rule.contains("probe.toml:7"), "{class} {rule}");
    let rows: Vec<&str> = report.lines().filter(|l| l.contains("海边的居民") && l.starts_with("<tr")).collect();
    assert!(rows[0].contains("class=\"kept\""), "{}", rows[0]);
    assert!(rows[1].contains("class=\"trimmed\"") && rows[1].contains("strip"), "{}", rows[1]);
    assert!(rows[2].contains("class=\"cut\"") && rows[2].contains("after a line"), "{}", rows[2]);
    assert_eq!(line(&report, "首页 新闻").0, "outside");
}

/// A page that attacks whoever looks at it: its markup, its names, its addresses and its head.
fn hostile() -> String {
    let attack = "<script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">";
    let escaped = attack.replace('<', "&lt;");
    let long = "海边的居民早上六点就在码头上排起了队，等第一班开往岛上的船，也等报亭开门。";
    format!(
        "<html><head><title>{escaped}码头</title><meta property='og:title' content=\"{}\"><base href='javascript:alert(1)'></head>\
         <body><h1>{escaped}码头清晨的一班船终于恢复了</h1>{attack}\
         <div class=\"b &quot;&gt;&lt;script&gt;document.title='pwned'&lt;/script&gt;\" id='&lt;/style&gt;&lt;script&gt;'><p>{long}{escaped}</p>\
         <p>{long}\u{202e}倒着写的字</p><p><a href=\"javascript:document.title='pwned'\">{long}点这里</a>{long}{long}</p></div></body></html>",
        attack.replace('"', "&quot;").replace('<', "&lt;")
    )
}

#[test]
fn hostile_pages_are_shown_and_not_run() {
    let dir = tempfile::tempdir().unwrap();
    let page = dir.path().join("hostile.html");
    fs::write(&page, hostile()).unwrap();
    let report = inspect(&[page.to_str().unwrap(), "--url", "https://hostile.example/?q=<script>alert(1)</script>"]);
    for bad in ["<script", "<img", "<a ", "<base", "<iframe", "<link", "</style><", "\u{202e}"] {
        let n = report.matches(bad).count();
        assert_eq!(n, 0, "{bad}");
    }
    assert!(report.contains("&lt;script&gt;"));
    for empty in ["", " ", "<", "\u{0}", "<!--", "<p"] {
        fs::write(&page, empty).unwrap();
        assert!(inspect(&[page.to_str().unwrap()]).contains("no article"));
    }
}

/// A real browser shows the report: nothing of the page runs, and a picture of it is left for whoever looks at the test run.
#[test]
fn chromium_shows_it() {
    let Some(chromium) = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok_and(|o| o.status.success()))
    else {
        eprintln!("skipped: there is no Chromium here");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let shots = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let shown = |name: &str, report: &str| -> String {
        let file = dir.path().join(format!("{name}.html"));
        fs::write(&file, report).unwrap();
        let shot = shots.join(format!("inspect-{name}.png"));
        let _ = fs::remove_file(&shot);
        let run = |more: &[&str]| {
            let mut child = Command::new("timeout");
            child.args(["60", chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]);
            child.arg(format!("--user-data-dir={}", dir.path().join("profile").display()));
            child.args(["--window-size=1280,1600", "--virtual-time-budget=2000"]).args(more);
            child.arg(format!("file://{}", file.display())).output().unwrap()
        };
        let out = run(&[&format!("--screenshot={}", shot.display())]);
        assert!(shot.exists(), "no screenshot: {}", String::from_utf8_lossy(&out.stderr));
        assert!(fs::metadata(&shot).unwrap().len() > 10_000, "the screenshot is empty");
        eprintln!("screenshot: {}", shot.display());
        String::from_utf8_lossy(&run(&["--dump-dom"]).stdout).into_owned()
    };
    let dom = shown("example", &example());
    assert!(dom.contains("最后一只集装箱吊上甲板") && dom.contains("Record"), "{dom}");

    let page = dir.path().join("page.html");
    fs::write(&page, hostile()).unwrap();
    let dom = shown("hostile", &inspect(&[page.to_str().unwrap(), "--url", "https://hostile.example/1"]));
    assert!(!dom.contains("<title>pwned"), "the page's script ran");
    assert!(dom.contains("jingwen inspect</title>"), "{}", &dom[..dom.len().min(2000)]);
}

/// What the report says is kept is what the record holds, on every page that a selector file is tested with.
#[test]
fn the_report_tells_what_the_record_holds() {
    use jingwen::clean::{Body, Page};
    use jingwen::inspect::{Fate, inspect};
    use jingwen::sites::select::Selection;
    use jingwen::sites::{Sites, SourceFile, load};

    let selection = Selection::new(&[root().join("selectors")], &[]).unwrap();
    let files = load::parse(selection.files.iter().map(SourceFile::copy).collect(), &mut Vec::new());
    let sites = Sites::compile(selection.files).unwrap();
    let mut pages = 0;
    for parsed in files.values() {
        for test in &parsed.model.test {
            let (Some(page), Some(url)) = (&test.page, &test.url) else { continue };
            let Ok(bytes) = fs::read(root().join("tests/pages").join(&page.value)) else { continue };
            let url = url::Url::parse(url).unwrap();
            for generic in [false, true] {
                let page = Page { url: Some(&url), body: Body::Html(&bytes), content_type: None, fetched_at: None };
                let seen = inspect(&test.page.as_ref().unwrap().value, &page, &sites, &files, generic);
                let Ok(record) = &seen.cleaned.article else {
                    assert!(seen.lines.iter().all(|l| !matches!(l.fate, Fate::Kept | Fate::Trimmed)), "{}", seen.name);
                    continue;
                };
                pages += 1;
                let kept = seen.lines.iter().filter(|l| matches!(l.fate, Fate::Kept | Fate::Trimmed)).count();
                let wanted = record.text.lines().count();
                assert_eq!(kept + seen.unplaced.len(), wanted, "{} generic {generic}\n{}", seen.name, record.text);
            }
        }
    }
    assert!(pages > 100, "{pages}");
}

/// `jingwen test` says where noise stands, and what took away what should be there.
#[test]
fn failing_tests_name_the_rule() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("pages")).unwrap();
    let long = "海边的居民早上六点就在码头上排起了队，等第一班开往岛上的船，也等报亭开门。";
    fs::write(
        dir.path().join("pages/p.html"),
        format!(
            "<html><head><title>码头清晨的一班船终于恢复了</title></head><body><h1>码头清晨的一班船终于恢复了</h1><div class='b'><p>{long}一</p>\
             <div class='promo'><p>这里推介另一个栏目，请移步去看看那边的内容。</p></div><div class='side'><p>{long}二</p></div></div></body></html>"
        ),
    )
    .unwrap();
    let file = dir.path().join("probe.toml");
    fs::write(
        &file,
        "name = \"probe\"\nhosts = [\"probe.example\"]\n[[template]]\nname = \"t\"\nbody = \".b\"\nremove = [\".side\"]\n[[test]]\npage = \"p.html\"\n\
         url = \"https://probe.example/1\"\ntemplate = \"t\"\ncontains = [\"也等报亭开门。二\"]\nexcludes = [\"推介另一个栏目\"]\n",
    )
    .unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_jingwen")).arg("test").arg(&file).output().unwrap();
    assert_eq!(out.status.code(), Some(3));
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(said.contains("`div.promo › p` and no rule takes it out"), "{said}");
    assert!(said.contains("`div.side › p`: remove `.side`") && said.contains("probe.toml:6"), "{said}");
}
