//! Broken selector files: each problem is told once, at the right place, with the fix.
//!
//! `¦` in a file stands right before the place that must be pointed at, and is taken out before the file is read.

use jingwen::sites::{Origin, Problem, Severity, SourceFile, lint};

fn file(id: &str, text: &str) -> SourceFile {
    SourceFile { id: id.to_owned(), name: format!("{id}.toml"), origin: Origin::Builtin, text: text.into() }
}

fn check(files: Vec<SourceFile>) -> Vec<Problem> {
    let page_exists = |_: &SourceFile, page: &str| Some(page != "missing.html");
    lint::check(files, &page_exists)
}

/// What stands before a case's own lines, unless it brings its own `hosts`.
const HEAD: &str = "name = \"例\"\nhosts = [\"www.example.com\"]\n";

/// A template that is fine, for cases that are about something else.
const BODY: &str = "\n[[template]]\nname = \"a\"\nbody = \".b\"\n";

/// A test that is fine.
const TEST: &str =
    "\n[[test]]\npage = \"a.html\"\nurl = \"https://www.example.com/1.htm\"\ntemplate = \"a\"\ncontains = \"字\"\n";

/// Code, the file, and a part of the help.
const ERRORS: &[(&str, &str, &str)] = &[
    // TOML itself
    ("bad-toml", "name = \"例\"\nhosts = [\"a.cn\"]\n¦hosts = [\"b.cn\"]\n", "each key once"),
    ("bad-toml", "hosts = [\"a.cn\"]\n[crawl]\nlists = [\"node_¦\\d+\"]\n", "single quotes"),
    ("bad-toml", "hosts = [\"a.cn\"\n¦name = \"例\"\n", "toml.io"),
    // keys and types
    ("unknown-key", "¦titel = \"h1\"\nhosts = [\"a.cn\"]", "known here: "),
    ("unknown-key", "[[template]]\nname = \"a\"\nbody = \".b\"\n¦titl = \"h1\"\n", "did you mean `title`?"),
    ("unknown-key", "[[template]]\nname = \"a\"\nbody = \".b\"\n¦author = \"h1\"\n", "did you mean `authors`?"),
    ("unknown-key", "[[¦templates]]\nname = \"a\"\nbody = \".b\"\n", "did you mean `template`?"),
    ("unknown-key", "[crawl]\n¦seed = \"https://www.example.com/\"\n", "did you mean `seeds`?"),
    ("unknown-key", "[[template]]\nname = \"a\"\nbody = [{ ¦xpath = \"//div\" }]\n", "XPath is not read"),
    ("unknown-key", "¦seeds = [\"https://www.example.com/\"]\n", "belongs into `[crawl]`"),
    ("unknown-key", "[[template]]\nname = \"a\"\nbody = \".b\"\nwhen = { ¦hast = [\"h1\"] }\n", "did you mean `has`?"),
    ("unknown-word", "confidence = ¦\"hihg\"\n", "did you mean `high`?"),
    ("unknown-word", "[[template]]\nname = \"a\"\nkind = ¦\"artikel\"\nbody = \".b\"\n", "did you mean `article`?"),
    ("unknown-word", "[[line]]\nmatch = \"x\"\naction = ¦\"remove\"\n", "one of `drop`, `cut`, `strip`"),
    ("unknown-word", "[crawl]\non_status = { \"429\" = ¦\"wait\" }\n", "one of `block`, `backoff`, `reject`, `retry`"),
    ("unknown-word", "[[template]]\nname = \"a\"\nbody = { css = \".b\", pick = ¦\"last\" }\n", "one of `first`"),
    ("wrong-type", "[[template]]\nname = \"a\"\nbody = ¦7\n", "a string or a table or a list"),
    ("wrong-type", "[[line]]\nmatch = \"x\"\nwithin_last = ¦\"6\"\n", "a whole number"),
    ("wrong-type", "common = ¦\"no\"\n", "true or false"),
    ("number-range", "[[line]]\nmatch = \"x\"\nwithin_last = ¦-1\n", "a number from 0"),
    // hosts, zone, charset
    ("missing-hosts", "¦name = \"例\"\n", "hosts = "),
    ("bad-host", "hosts = [¦\"https://www.example.com/\"]", "write the name alone: \"www.example.com\""),
    ("bad-host", "hosts = [\"a.cn\", ¦\"www.example.com:8080\"]", "stands for every port"),
    ("bad-host", "hosts = [¦\"www.*.com\"]", "only at the front"),
    ("bad-host", "hosts = [¦\".example.com\"]", "write \"*.example.com\""),
    ("bad-timezone", "timezone = ¦\"Asia/Shanghia\"\n", "did you mean \"Asia/Shanghai\"?"),
    ("bad-timezone", "timezone = ¦\"Asia/Beijing\"\n", "\"Asia/Shanghai\""),
    ("bad-charset", "charset = ¦\"utf-88\"\n", "did you mean \"utf-8\"?"),
    // extends
    ("extends-unknown", "extends = ¦\"othr\"\n", "did you mean `other`?"),
    ("extends-cycle", "extends = ¦\"broken\"\n", "stand alone"),
    // CSS
    ("bad-css", "[[template]]\nname = \"a\"\nbody = \".b\"\ntitle = \"h1¦::text\"\n", "leave `::text` out"),
    ("bad-css", "[[template]]\nname = \"a\"\nbody = \".b\"\ntitle = ['h1', 'a¦:contains(\"x\")']\n", "`capture`"),
    ("bad-css", "[[template]]\nname = \"a\"\nbody = ¦\"//div[@id='b']\"\n", "write `div#b`"),
    ("bad-css", "[[template]]\nname = \"a\"\nbody = \".b\"\nremove = [\".c ¦>\"]\n", "take the last sign out"),
    ("bad-css", "[[template]]\nname = \"a\"\nbody = \".b\"\nremove = [¦\".c:not(.d\"]\n", "write the `)`"),
    ("bad-css", "[[template]]\nname = \"a\"\nbody = \".b\"\nremove = [\".c\", ¦\"\"]\n", "take the entry out"),
    ("bad-css", "[[template]]\nname = \"a\"\nbody = \".b\"\nremove = \"div¦.2col\"\n", "[class~=\"2col\"]"),
    ("bad-css", "[[template]]\nname = \"a\"\nbody = \".b\"\nremove = \"p¦:focus-within\"\n", "there are :not"),
    ("bad-css", "[[template]]\nname = \"a\"\nbody = \"div¦:eq(2)\"\n", ":nth-of-type"),
    // regexes
    ("bad-regex", "[[line]]\nmatch = 'a¦(b'\n", "close the group"),
    ("bad-regex", "[[line]]\nmatch = '¦(?<=a)b'\n", "look-behind are not supported"),
    ("bad-regex", "[crawl]\ndeny = ['/a', 'b¦[']\n", "close the class"),
    (
        "bad-regex",
        "[[template]]\nname = \"a\"\nbody = \".b\"\nsource = { css = \".s\", capture = '(a)¦\\1' }\n",
        "backreferences",
    ),
    (
        "bad-regex",
        "[[template]]\nname = \"a\"\nbody = \".b\"\nsource = { css = \".s\", strip = '/a¦(/' }\n",
        "close the group",
    ),
    ("matches-everything", "[[line]]\nmatch = ¦'.*'\n", "have in common"),
    ("matches-everything", "[crawl]\narticles = [¦'https?://']\n", "have in common"),
    ("matches-nothing", "[crawl]\narticles = ['¦^/news/\\d+\\.htm$']\n", "leave `^` out"),
    // crawl
    ("bad-rate", "[crawl]\nrate = ¦\"0/s\"\n", "above zero"),
    ("bad-rate", "[crawl]\nrate = ¦\"3s\"\n", "\"1/3s\""),
    ("bad-duration", "[crawl]\nrefresh = ¦\"15 minutes\"\n", "\"15m\""),
    ("bad-hours", "[crawl]\nquiet = ¦\"at night\"\n", "\"00:00-06:30\""),
    ("zero", "[crawl]\nper_day = ¦0\n", "1 or more"),
    ("bad-url", "[crawl]\nseeds = [¦\"www.example.com\"]\n", "\"https://www.example.com\""),
    ("bad-url", "[crawl]\nsitemaps = [¦\"ftp://www.example.com/sitemap.xml\"]\n", "https://"),
    ("bad-status", "[crawl]\non_status = { \"4o5\" = ¦\"block\" }\n", "\"429\""),
    ("bad-schedule", "[crawl]\nschedule = ¦\"every hour\"\n", "five fields"),
    ("bad-path", "[crawl]\nlists = [{ url = '/api/', json = \"¦$.data[*].url\" }]\n", "leave `$` out"),
    ("seed-elsewhere", "[crawl]\nseeds = [¦\"https://news.example.com/\"]\n", "add \"news.example.com\" to `hosts`"),
    ("seed-denied", "[crawl]\nseeds = [¦\"https://www.example.com/a/\"]\ndeny = ['/a/']\n", "narrow the regex"),
    ("unknown-group", "[crawl]\nrewrite = [{ from = '/(\\d+)/', to = '/¦$1a/' }]\n", "write `${1}a`"),
    ("missing-key", "[crawl]\nrewrite = [¦{ from = '/(\\d+)/' }]\n", "to = "),
    ("zero", "[crawl]\nconcurrency = ¦0\n", "1 or more"),
    // templates
    ("missing-body", "¦[[template]]\nname = \"a\"\ntitle = \"h1\"\n", "add body = "),
    ("missing-name", "¦[[template]]\nbody = \".b\"\n", "add name = "),
    (
        "duplicate-template",
        "[[template]]\nname = \"a\"\nbody = \".b\"\n[[template]]\nname = ¦\"a\"\nbody = \".c\"\n",
        "name of its own",
    ),
    (
        "shadowed-template",
        "[[template]]\nname = \"a\"\nbody = [\".b\", \".c\"]\n¦[[template]]\nname = \"z\"\nbody = \".c\"\nwhen = { has = [\"h1\"] }\n",
        "swap the two",
    ),
    (
        "shadowed-template",
        "[[template]]\nname = \"a\"\nkind = \"skip\"\n¦[[template]]\nname = \"z\"\nbody = \".c\"\n",
        "what only its pages have",
    ),
    (
        "when-contradicts",
        "[[template]]\nname = \"a\"\nbody = \".b\"\nwhen = { has = [\".x\"], lacks = [¦\".x\"] }\n",
        "take it out of",
    ),
    ("removed-by-remove", "[[template]]\nname = \"a\"\nbody = ¦\".b\"\nremove = [\".b\"]\n", "`keep`"),
    ("removed-by-remove", "remove = \".c\"\n[[template]]\nname = \"a\"\nbody = [\".b\", ¦\"div.c.d\"]\n", "`keep`"),
    (
        "step-reads-nothing",
        "[[template]]\nname = \"a\"\nbody = \".b\"\ntitle = ¦{ pick = \"first\" }\n",
        "add one of css",
    ),
    (
        "step-reads-twice",
        "[[template]]\nname = \"a\"\nbody = \".b\"\ntitle = ¦{ css = \"h1\", meta = \"og:title\" }\n",
        "a list of steps",
    ),
    (
        "key-without-css",
        "[[template]]\nname = \"a\"\nbody = \".b\"\ntitle = { meta = \"t\", attr = ¦\"href\" }\n",
        "read by `css`",
    ),
    (
        "bad-date-format",
        "[[template]]\nname = \"a\"\nbody = \".b\"\npublished = { css = \".d\", format = ¦\"yyyy-MM-dd HH:mm\" }\n",
        "write \"%Y-%m-%d %H:%M\"",
    ),
    (
        "bad-date-format",
        "[[template]]\nname = \"a\"\nbody = \".b\"\npublished = { css = \".d\", format = ¦\"%Y年%o月\" }\n",
        "strptime",
    ),
    ("bad-date", "[[template]]\nname = \"a\"\nbody = \".b\"\nsince = ¦\"2016\"\n", "2016-01-01"),
    (
        "until-before-since",
        "[[template]]\nname = \"a\"\nbody = \".b\"\nsince = 2020-01-01\nuntil = ¦2016-01-01\n",
        "swap",
    ),
    ("missing-key", "[[template]]\nname = \"a\"\nbody = \".b\"\nnext = ¦{ max = 5 }\n", "add css"),
    (
        "unknown-field",
        "[[template]]\nname = \"a\"\nbody = \".b\"\nrequire = { fields = [¦\"titel\"] }\n",
        "did you mean \"title\"?",
    ),
    // line rules
    ("missing-key", "¦[[line]]\naction = \"drop\"\n", "add match"),
    ("zero", "[[line]]\nmatch = '^编辑'\nwithin_last = ¦0\n", "1 or more"),
    ("capture-without-group", "[[line]]\nmatch = '^编辑'\ncapture = ¦'编辑\\s+(\\S+)'\n", "(?P<编辑>"),
    // tests
    (
        "test-without-page",
        "¦[[test]]\nurl = \"https://www.example.com/1\"\ntitle = \"x\"\ncontains = \"x\"\n",
        "add page",
    ),
    (
        "page-missing",
        "[[test]]\npage = ¦\"missing.html\"\nurl = \"https://www.example.com/1\"\ncontains = \"x\"\n",
        "save the page there",
    ),
    ("test-without-url", "¦[[test]]\npage = \"a.html\"\ncontains = \"x\"\n", "add url"),
    (
        "unknown-template",
        "[[template]]\nname = \"2016\"\nbody = \".b\"\n[[test]]\npage = \"a.html\"\nurl = \"https://www.example.com/1\"\ntemplate = ¦\"2106\"\ncontains = \"x\"\n",
        "did you mean \"2016\"?",
    ),
    (
        "test-elsewhere",
        "[[test]]\npage = \"a.html\"\nurl = ¦\"https://news.example.com/1\"\ncontains = \"x\"\n",
        "add \"news.example.com\"",
    ),
    (
        "bad-chars",
        "[[test]]\npage = \"a.html\"\nurl = \"https://www.example.com/1\"\ncontains = \"x\"\nchars = ¦[400]\n",
        "two numbers",
    ),
    (
        "bad-date",
        "[[test]]\npage = \"a.html\"\nurl = \"https://www.example.com/1\"\ncontains = \"x\"\npublished = ¦\"2019-04-26 09:30\"\n",
        "with offset",
    ),
    (
        "test-contradicts",
        "[[test]]\npage = \"a.html\"\nurl = \"https://www.example.com/1\"\ntitle = \"x\"\nrejected = ¦\"list\"\n",
        "take `rejected` out",
    ),
];

const WARNINGS: &[(&str, &str, &str)] = &[
    ("missing-name", "¦hosts = [\"a.cn\"]\n", "as its readers know it"),
    (
        "unknown-element",
        "[[template]]\nname = \"a\"\nbody = \".b\"\nremove = [\"¦content p\"]\n",
        "a class is `.content`",
    ),
    ("unknown-role", "[[line]]\nmatch = '^编辑'\ncapture = '(?P<¦editor>\\S+)'\n", "as on the page"),
    ("cut-without-limit", "[[line]]\nmatch = ¦'^编辑\\s'\naction = \"cut\"\n", "within_last = 6"),
    (
        "strip-literal",
        "[[template]]\nname = \"a\"\nbody = \".b\"\nsource = { css = \".s\", strip = ¦'来源[:：]' }\n",
        "'/来源[:：]/'",
    ),
    (
        "never-tried",
        "[[template]]\nname = \"a\"\nbody = \".b\"\nsource = [{ value = \"x\" }, ¦\".s\"]\n",
        "constant last",
    ),
    ("unused-field", "[[template]]\nname = \"a\"\nkind = \"list\"\nbody = ¦\".b\"\n", "change `kind`"),
    ("template-without-test", "[[template]]\nname = ¦\"new\"\nbody = \".n\"\n", "add a [[test]]"),
    ("list-and-article", "[crawl]\nlists = [¦'/a/\\d+']\narticles = ['/a/\\d+\\.htm$']\n", "narrow"),
    ("impolite-rate", "[crawl]\nrate = ¦\"100/s\"\n", "quick enough"),
    ("duplicate", "remove = [\".a\", \".c\", ¦\".a\"]\n", "take one of them out"),
    ("name-without-host", "names = { \"x.cn\" = ¦\"甲\" }\n", "add it to `hosts`"),
    (
        "test-no-article",
        "[crawl]\narticles = ['/a/\\d+']\n[[test]]\npage = \"a.html\"\nurl = ¦\"https://www.example.com/b/1\"\ncontains = \"x\"\n",
        "widen",
    ),
    (
        "capture-without-role",
        "[[template]]\nname = \"a\"\nbody = \".b\"\neditors = { css = \".e\", capture = ¦'编辑：(.*)' }\n",
        "name the role",
    ),
    ("drop-and-keep", "[crawl]\nkeep_query = [\"id\"]\ndrop_query = [¦\"x\"]\n", "take `drop_query` out"),
];

/// The whole file of a case, and where the mark stood.
fn prepare(code: &str, case: &str) -> (String, (usize, usize)) {
    let bare = case.starts_with("name =") || case.contains("hosts = [") || code == "missing-hosts";
    let mut text =
        if bare { case.to_owned() } else { format!("name = \"例\"\n{}{case}", &HEAD["name = \"例\"\n".len()..]) };
    let mark = text.find('¦').expect("a mark");
    text.remove(mark);
    let before = &text[..mark];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (text, (line, column))
}

fn expect(severity: Severity, code: &str, case: &str, help: &str) -> Result<(), String> {
    let (text, place) = prepare(code, case);
    let mut files = vec![file("broken", &text), file("other", "name = \"o\"\nhosts = [\"other.example.net\"]")];
    if code == "duplicate" {
        files.push(file("_common", ""));
    }
    let problems = check(files);
    let at: Vec<_> = problems.iter().filter(|p| p.file.id == "broken" && p.severity == severity).collect();
    let told = || {
        problems
            .iter()
            .map(|p| format!("{:?} {} {:?} {:?}", p.line_column(), p.code, p.message, p.help))
            .collect::<Vec<_>>()
    };
    let found: Vec<_> = at.iter().filter(|p| p.code == code).collect();
    let fail = |what: String| Err(format!("{code}: {what} in\n{text}\n{:#?}", told()));
    let [problem] = found[..] else { return fail(format!("told {} times", found.len())) };
    if problem.line_column() != place {
        return fail(format!("at {:?}, not {place:?}", problem.line_column()));
    }
    if !problem.help.as_ref().is_some_and(|h| h.contains(help)) {
        return fail(format!("the help does not say {help:?}"));
    }
    // One mistake, one error.
    if severity == Severity::Error && at.len() != 1 { fail("other errors".to_owned()) } else { Ok(()) }
}

fn expect_all(severity: Severity, cases: &[(&str, &str, &str)]) {
    let failed: Vec<_> =
        cases.iter().filter_map(|(code, case, help)| expect(severity, code, case, help).err()).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn errors_are_told_at_their_place_with_the_fix() {
    assert!(ERRORS.len() >= 40);
    expect_all(Severity::Error, ERRORS);
}

#[test]
fn warnings_are_told_at_their_place_with_the_fix() {
    expect_all(Severity::Warning, WARNINGS);
}

#[test]
fn a_good_file_has_no_problems() {
    let problems = check(vec![file("good", &format!("{HEAD}{BODY}{TEST}"))]);
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn all_problems_of_all_files_are_told_at_once() {
    let one = format!(
        "{HEAD}timezone = \"X\"\ntitel = 1\n[crawl]\nrate = \"0/s\"\n[[template]]\nname = \"a\"\nbody = \"p::text\"\n[[line]]\nmatch = '('\n"
    );
    let two = "name = \"b\"\nhosts = [\"https://b.cn\"]\ncharset = \"x\"\n";
    let codes: Vec<_> = check(vec![file("a", &one), file("b", two)])
        .iter()
        .filter(|p| p.severity == Severity::Error)
        .map(|p| (p.file.id.clone(), p.code))
        .collect();
    let expected = ["bad-timezone", "unknown-key", "bad-rate", "bad-css", "bad-regex"].map(|c| ("a".to_owned(), c));
    assert_eq!(codes[..5], expected);
    assert_eq!(codes[5..], [("b".to_owned(), "bad-host"), ("b".to_owned(), "bad-charset")]);
}

#[test]
fn hosts_belong_to_one_file() {
    let problems = check(vec![
        file("a", "name = \"a\"\nhosts = [\"www.example.com\"]"),
        file("b", "name = \"b\"\nhosts = [\"b.example.com\", \"WWW.example.com\"]"),
    ]);
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert_eq!((problems[0].code, problems[0].line_column()), ("host-claimed-twice", (2, 27)));
    assert!(problems[0].label.contains("a.toml"));
}

#[test]
fn circles_of_several_files_are_found() {
    let problems = check(vec![
        file("a", "name = \"a\"\nhosts = [\"a.cn\"]\nextends = \"b\""),
        file("b", "name = \"b\"\nhosts = [\"b.cn\"]\nextends = \"a\""),
    ]);
    let codes: Vec<_> = problems.iter().map(|p| (p.code, p.line_column())).collect();
    assert_eq!(codes, [("extends-cycle", (3, 11)); 2]);
    assert!(problems[0].message.contains("`a` → `b` → `a`"), "{}", problems[0].message);
}

/// Slips of the keyboard anywhere in a file: told or harmless, never a panic, and every place is inside of the file.
#[test]
fn no_slip_makes_the_check_panic() {
    let good = format!(
        "{HEAD}remove = '.x'\n[crawl]\nseeds = 'https://www.example.com/'\nlists = ['/列表/', {{ url = '/a', json = 'd[].u' }}]\nrate = '1/s'\n\
         rewrite = [{{ from = '(a)', to = '$1' }}]\non_status = {{ \"429\" = 'backoff' }}\n{BODY}since = 2020-01-01\nnext = {{ css = 'a', max = 3 }}\n\
         published = {{ css = '.日', format = '%Y年%m月%d日' }}\nsource = {{ meta = 'source', strip = ['来源：', '/\\s+/'] }}\n[[line]]\nmatch = '^编辑\\s'\n\
         capture = '编辑\\s(?P<编辑>\\S+)'\nwithin_last = 3\n{TEST}"
    );
    assert!(check(vec![file("good", &good)]).iter().all(|p| p.severity == Severity::Warning));
    let places: Vec<(usize, char)> = good.char_indices().collect();
    for (n, &(at, c)) in places.iter().enumerate().filter(|(n, _)| n % 5 == 0) {
        let (before, after) = (&good[..at], &good[at + c.len_utf8()..]);
        let slip = ["", "\"", "'", "[", "(", "净", "\\", "\n", "*"][n / 5 % 9];
        for problem in check(vec![file("slip", &format!("{before}{slip}{after}"))]) {
            assert!(
                problem.span.end <= problem.file.text.len() && problem.file.text.is_char_boundary(problem.span.start)
            );
            assert!(!format!("{:?}", miette::Report::new(problem)).is_empty());
        }
    }
}
