//! Wrong configuration and wrong usage: exit code 2, the place, what to do, and nothing fetched.

mod support;

use support::{Bench, Server, page, stderr};

/// Text of jingwen.toml, and what the message must say.
const BROKEN: [(&str, &[&str]); 20] = [
    ("selector = \"selectors\"\n", &["jingwen.toml:1:1", "unknown field", "did you mean `selectors`?"]),
    (
        "sites = [\"lokal\"]\nselectors = \"selectors\"\n",
        &["jingwen.toml:1:", "no site is called `lokal`", "did you mean `local`?"],
    ),
    ("sites = \"local\"\n", &["jingwen.toml:1:9", "invalid type"]),
    ("selectors = \"nowhere\"\n", &["jingwen.toml:1:", "there is no folder", "built-in"]),
    ("[http\n", &["jingwen.toml:1:"]),
    ("[https]\n", &["jingwen.toml:1:", "did you mean `http`?"]),
    ("\n[http]\ntimout = \"30s\"\n", &["jingwen.toml:3:1", "did you mean `timeout`?"]),
    ("[http]\ntimeout = 30\n", &["jingwen.toml:2:11", "expected a"]),
    ("[http]\ntimeout = \"30\"\n", &["jingwen.toml:2:11", "a number and a unit"]),
    ("[http]\nmax_body = \"10 MegaByte\"\n", &["jingwen.toml:2:12", "\"10MiB\""]),
    ("[http]\nallow_private = [\"localhost\"]\n", &["jingwen.toml:2:", "\"127.0.0.0/8\""]),
    ("[http]\nresolve = { \"a.test\" = \"localhost:80\" }\n", &["jingwen.toml:2:", "\"127.0.0.1:8080\""]),
    ("[http]\nuser_agent = \"爬虫\"\n", &["jingwen.toml:2:14", "ASCII"]),
    ("[http]\nuser_agent = \"\"\n", &["jingwen.toml:2:14", "robots.txt"]),
    ("[politeness]\nrate = \"1 per second\"\n", &["jingwen.toml:2:8", "\"1/3s\""]),
    ("[politeness]\nrate = \"0/s\"\n", &["jingwen.toml:2:8", "requests per time"]),
    ("[politeness]\nconcurrency = 0\n", &["jingwen.toml:2:15", "1 to 1000"]),
    ("[politeness]\nrespect_robots = \"yes\"\n", &["jingwen.toml:2:18", "expected a boolean"]),
    ("[output]\ndirectory = \"out\"\n", &["jingwen.toml:2:1", "unknown field", "dir"]),
    ("[state]\ndir = \"a\"\ndir = \"b\"\n", &["jingwen.toml:3:1", "duplicate key"]),
];

#[test]
fn broken_configuration_is_explained_and_fetches_nothing() {
    let server = Server::start(|_, _| page(200, ""));
    let bench = Bench::new(&server, &["a.test"], "", "");
    for (text, words) in BROKEN {
        bench.write("jingwen.toml", text);
        let output = bench.run(&["crawl", "--out", "o", "--state", "s"]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{text}\n{said}");
        // Terminals wrap long lines; words are looked for without regard to that.
        let flat = said.replace(['│', '\n'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
        for word in words {
            assert!(flat.contains(word), "`{word}` is not in the message about\n{text}\n{said}");
        }
        assert!(!bench.path("s").exists() && !bench.path("o").exists(), "{text}");
    }
    assert!(server.hits().is_empty());
}

#[test]
fn broken_selector_files_and_wrong_usage_fetch_nothing() {
    let server = Server::start(|_, _| page(200, ""));
    let bench = Bench::new(&server, &["a.test"], "", "");
    for args in [
        &["crawl", "sznewz"][..],
        &["crawl", "ftp://a.test/"],
        &["crawl", "http://"],
        &["crawl", "--rate", "fast"],
        &["crawl", "--since", "yesterday"],
        &["crawl", "--allow-private", "lan"],
        &["crawl", "--replay", "nothing.warc.gz"],
        &["crawl", "--config", "nothing.toml"],
        &["crawl", "--selectors", "nothing"],
        &["crawl", "--limit", "-1"],
    ] {
        let output = bench.run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stderr(&output));
    }
    for (from, to, words) in [
        ("hosts =", "host =", "hosts"),
        ("title = \"h1\"", "title = \"h1[\"", "h1["),
        ("articles = ['", "articles = ['(", "local.toml:6"),
        ("seeds =", "seed =", "seeds"),
    ] {
        bench.write("selectors/local.toml", &support::selectors(&["a.test"], "").replace(from, to));
        let output = bench.run(&["crawl"]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{to}: {said}");
        assert!(said.contains("local.toml") && said.contains(words), "{to}: {said}");
    }
    assert!(server.hits().is_empty());
}

/// A program without the driver says so, and does not fall back on a state of its own.
#[cfg(not(feature = "postgres"))]
#[test]
fn a_shared_frontier_that_was_not_built_in_is_refused() {
    let server = Server::start(|_, _| page(200, ""));
    let shared = "[state]\npostgres = \"postgres://me:s3cret@db/news\"";
    let bench = Bench::new(&server, &["a.test"], "schedule = \"every 1h\"", shared);
    for command in [&["crawl"][..], &["daemon", "--listen", "127.0.0.1:0"], &["state"]] {
        let output = bench.run(command);
        let flat = stderr(&output).replace(['│', '\n'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(output.status.code(), Some(2), "{command:?}: {flat}");
        assert!(flat.contains("was built without that") && flat.contains("--features postgres"), "{flat}");
        assert!(flat.contains("[state] postgres") && !flat.contains("s3cret"), "{flat}");
    }
    assert!(!bench.path("state/frontier.sqlite").exists() && server.hits().is_empty());
}

#[test]
fn output_that_cannot_be_written_is_said_before_anything_is_fetched() {
    let server = Server::start(|_, _| page(200, ""));
    let bench = Bench::new(&server, &["a.test"], "", "");
    bench.write("file", "no folder");
    let output = bench.run(&["crawl", "--out", "file/out"]);
    assert!(matches!(output.status.code(), Some(1 | 2)), "{}", stderr(&output));
    assert!(stderr(&output).contains("cannot open"), "{}", stderr(&output));
    std::fs::create_dir(bench.path("out")).unwrap();
    bench.write("out/articles.jsonl", "a torn line");
    let output = bench.run(&["crawl"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(server.hits().is_empty());
}

#[test]
fn a_start_that_init_writes_is_valid_and_never_overwritten() {
    let bench = Bench::empty();
    let output = bench.run(&["init", "mine"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let again = bench.run(&["init", "mine"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(stderr(&again).contains("is there already"), "{}", stderr(&again));
    // Valid: the only thing wrong is the site asked for.
    let output = bench.run(&["crawl", "--config", "mine/jingwen.toml", "no-such-site"]);
    assert!(stderr(&output).contains("no site is called `no-such-site`"), "{}", stderr(&output));
}

#[test]
fn explain_says_what_applies() {
    let bench = Bench::empty();
    bench
        .write("selectors/local.toml", &support::selectors(&["a.test"], "deny = ['/ranking/']\ndrop_query = ['cxid']"));
    bench.write("robots.txt", "User-agent: mine\nDisallow: /a_\nAllow: /a_1.htm$\nCrawl-delay: 3\n");
    let explain = |url: &str| -> serde_json::Value {
        let output = bench.run(&[
            "explain",
            "--selectors",
            "selectors",
            "--robots-file",
            "robots.txt",
            "--user-agent",
            "mine/1.0",
            url,
        ]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let said = explain("http://A.test:80/a_1.htm?cxid=3&utm_source=x#top");
    assert_eq!(said["canonical_url"], "http://a.test/a_1.htm");
    assert_eq!((said["host_key"].as_str(), said["site"].as_str()), (Some("a.test:80"), Some("local")));
    assert_eq!(
        (said["article"].as_bool(), said["list"].as_bool(), said["template"].as_str()),
        (Some(true), Some(false), Some("main"))
    );
    // The address as typed has a query, which the pattern with `$` does not match.
    assert_eq!((said["robots"]["allowed"].as_bool(), said["robots"]["line"].as_u64()), (Some(false), Some(2)));
    let said = explain("http://a.test/a_1.htm");
    assert_eq!((said["robots"]["allowed"].as_bool(), said["robots"]["line"].as_u64()), (Some(true), Some(3)));
    assert_eq!(said["robots"]["crawl_delay"], 3.0);
    assert_eq!(explain("http://a.test/ranking/a_1.htm")["denied"], true);
    assert_eq!(explain("http://other.test/x")["site"], serde_json::Value::Null);
}
