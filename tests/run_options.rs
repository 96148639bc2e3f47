//! Options of a run, on the command line, in the environment, in the configuration and in a site's file.

mod support;

use std::fs;
use std::process::Output;
use std::time::Duration;

use support::{Bench, Server, article, list, page, stderr, wait};

const FAST: &str = "[politeness]\nrate = \"100/s\"\npatience = \"1s\"\n";

fn number(path: &str) -> usize {
    path.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

fn site() -> Server {
    Server::start(|hit, _| match hit.path.as_str() {
        "/" => page(200, list((1..=9).map(|n| format!("/a_{n}.htm")))),
        path if path.starts_with("/a_") => {
            let n = number(path);
            page(200, article(n).replace("2026-11-20 10:00", &format!("2026-11-0{n} 10:00")))
        }
        _ => page(404, ""),
    })
}

fn run_with(bench: &Bench, args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = bench.command(args);
    command.envs(variables.iter().copied());
    wait(command.spawn().unwrap(), Duration::from_secs(60))
}

fn pages(server: &Server) -> usize {
    server.paths().iter().filter(|path| *path != "/robots.txt").count()
}

#[test]
fn a_run_ends_after_so_many_pages_and_the_next_goes_on() {
    let server = site();
    for (crawl, config, args) in [
        ("", FAST.to_owned(), &["crawl", "--max-pages", "4"][..]),
        ("", format!("{FAST}[crawl]\nmax_pages = 4\n"), &["crawl"]),
        ("max_pages = 4", format!("{FAST}[crawl]\nmax_pages = 7\n"), &["crawl"]),
    ] {
        server.clear();
        let bench = Bench::new(&server, &["a.test"], crawl, &config);
        let output = bench.run(args);
        assert_eq!((output.status.code(), pages(&server)), (Some(0), 4), "{}", stderr(&output));
        assert_eq!(bench.articles().len(), 3);
        bench.run(&["crawl", "--max-pages", "100"]);
        assert_eq!(bench.articles().len(), 9);
    }
}

#[test]
fn a_run_ends_after_its_time() {
    let server = site();
    let bench = Bench::new(&server, &["a.test"], "", "[politeness]\nrate = \"2/s\"\n");
    let output = bench.run_for(&["crawl", "--max-time", "1500ms"], 10);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!((1..=5).contains(&pages(&server)), "{}", pages(&server));
}

#[test]
fn only_articles_of_a_period_are_written() {
    let server = site();
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    let output = bench.run(&["crawl", "--since", "2026-11-03", "--until", "2026-11-05"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let urls: Vec<usize> = bench.urls().iter().map(|url| number(url)).collect();
    assert_eq!(urls, [3, 4, 5]);
}

#[test]
fn a_dry_run_asks_nothing_and_changes_nothing() {
    let server = site();
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    let output = bench.run(&["crawl", "--dry-run"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("http://a.test/\ta seed of ") && said.contains("local.toml"), "{said}");
    assert!(server.hits().is_empty() && !bench.path("state").exists() && !bench.path("out").exists());
    bench.run(&["crawl", "--max-pages", "2"]);
    let before = fs::read(bench.path("state/frontier.sqlite")).unwrap();
    let asked = server.hits().len();
    let output = bench.run(&["crawl", "--dry-run"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(said.lines().filter(|line| line.contains("/a_")).count(), 8, "{said}");
    assert_eq!((server.hits().len(), fs::read(bench.path("state/frontier.sqlite")).unwrap() == before), (asked, true));
}

#[test]
fn articles_go_to_stdout_where_that_is_asked_for() {
    let server = site();
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    let output = bench.run(&["crawl", "--out", "-", "-q"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let lines = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(lines.lines().count(), 9, "{lines}");
    assert!(
        lines.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok_and(|v| v["url"].is_string()))
    );
    assert_eq!(stderr(&output), "", "said less");
    assert!(!bench.path("out").exists() && !bench.path("-").exists());
    let again = bench.run(&["crawl", "--out", "-", "-q"]);
    assert_eq!(again.stdout, b"", "each article once");
}

#[test]
fn log_lines_go_to_a_file_and_options_come_from_the_environment() {
    let server = site();
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    let variables = [
        ("JINGWEN_LIMIT", "2"),
        ("JINGWEN_LOG_FILE", "crawl.log"),
        ("JINGWEN_OUT", "elsewhere"),
        ("JINGWEN_DUE", "no"),
    ];
    let output = run_with(&bench, &["crawl", "-v"], &variables);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let written = fs::read_to_string(bench.path("elsewhere/articles.jsonl")).unwrap();
    assert_eq!(written.lines().count(), 2);
    assert!(fs::read_to_string(bench.path("crawl.log")).unwrap().contains("fetched"));
    assert!(!stderr(&output).contains("fetched url"), "{}", stderr(&output));
    // The command line wins.
    let output = run_with(&bench, &["crawl", "--limit", "5"], &variables);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let written = fs::read_to_string(bench.path("elsewhere/articles.jsonl")).unwrap();
    assert_eq!(written.lines().count(), 7);
    let wrong = run_with(&bench, &["crawl"], &[("JINGWEN_RATE", "fast")]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn without_sites_all_of_the_own_folder_are_crawled() {
    let server = site();
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    bench.write("selectors/other.toml", &support::selectors(&["b.test"], ""));
    bench.configure(&server, &["a.test", "b.test"], FAST);
    let text = fs::read_to_string(bench.path("jingwen.toml")).unwrap();
    bench.write("jingwen.toml", &text.replace("sites = [\"local\"]\n", ""));
    bench.crawl();
    assert_eq!(bench.articles().len(), 18);
}

#[test]
fn what_would_let_nothing_through_is_an_error_of_the_configuration() {
    let server = site();
    for (text, place) in [
        ("[http]\ntimeout = \"0s\"\n", "jingwen.toml:2:11"),
        ("[http]\nconnect_timeout = \"0ms\"\n", "jingwen.toml:2:19"),
        ("[http]\nmax_body = \"0B\"\n", "jingwen.toml:2:12"),
        ("[http]\nin_flight = 0\n", "jingwen.toml:2:13"),
        ("[output]\nrotate_size = \"0MiB\"\n", "jingwen.toml:2:15"),
        ("[crawl]\nsince = \"0d\"\n", "jingwen.toml:2:9"),
        ("[crawl]\nrecheck = \"0s\"\n", "jingwen.toml:2:11"),
        ("[crawl]\nlimit = 0\n", "jingwen.toml:2:9"),
        ("[http]\nproxy = \"ftp://a.test\"\n", "jingwen.toml:2:9"),
        ("[http]\nip = \"5\"\n", "jingwen.toml:2:6"),
    ] {
        let bench = Bench::new(&server, &["a.test"], "", "");
        bench.write("jingwen.toml", text);
        for command in ["crawl", "check"] {
            let output = bench.run(&[command]);
            assert!(output.status.code() == Some(2) && stderr(&output).contains(place), "{text}{}", stderr(&output));
        }
    }
}

#[test]
fn no_message_is_long_whatever_the_file_holds() {
    let server = site();
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    let many = "[".repeat(20_000);
    let long = format!("name = \"{}\"\n", "长".repeat(20_000));
    let lines = format!("x = [\n{}", "\"a\",\n".repeat(20_000));
    for text in [many.as_str(), long.as_str(), lines.as_str()] {
        bench.write("selectors/broken.toml", text);
        for format in ["text", "json", "github"] {
            let output = bench.run(&["check", "--format", format]);
            let said = output.stderr.len() + output.stdout.len();
            assert!(output.status.code() == Some(2) && said < 3 * 4096, "{format}: {said} bytes");
        }
        let output = bench.run(&["crawl"]);
        assert!(output.status.code() == Some(2) && output.stderr.len() < 2 * 4096, "{}", output.stderr.len());
        fs::remove_file(bench.path("selectors/broken.toml")).unwrap();
        bench.write("broken.toml", text);
        let output = bench.run(&["crawl", "--config", "broken.toml"]);
        assert!(output.status.code() == Some(2) && output.stderr.len() <= 4200, "{}", output.stderr.len());
    }
}

#[test]
fn explain_asks_for_robots_txt_unless_told_not_to() {
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/robots.txt" => page(200, "User-agent: *\nDisallow: /private/\n"),
        _ => page(404, ""),
    });
    let bench = Bench::new(&server, &["a.test"], "", FAST);
    let output = bench.run(&["explain", "http://a.test/private/1.htm"]);
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (said["robots"]["allowed"].as_bool(), said["robots"]["line"].as_u64()),
        (Some(false), Some(2)),
        "{said}"
    );
    assert_eq!(server.paths(), ["/robots.txt"]);
    server.clear();
    let output = bench.run(&["explain", "--offline", "http://a.test/private/1.htm"]);
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(said.get("robots").is_none() && server.hits().is_empty(), "{said}");
}
