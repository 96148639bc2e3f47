//! What `contrib/` holds fits the program: metrics that are documented, rules that Prometheus takes and that fire, units that
//! systemd takes, manifests whose parts fit each other. What a tool is needed for and missing is said and left out.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Bench, Server, article, list, page};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// Runs a tool in the repository; none where it is not installed.
fn run(program: &str, arguments: &[&str]) -> Option<String> {
    match Command::new(program).args(arguments).current_dir(root()).output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{program} {arguments:?}: {said}");
            Some(said)
        }
        Err(error) => {
            eprintln!("skipped: {program} is not here ({error})");
            None
        }
    }
}

/// Every name of a metric in a text.
fn metrics(text: &str) -> BTreeSet<String> {
    let names = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    names.filter(|name| name.starts_with("jingwen_") || name.starts_with("process_")).map(str::to_owned).collect()
}

/// Names in the table of docs/metrics.md with their labels.
fn documented() -> Vec<(String, Vec<String>)> {
    let text = read("docs/metrics.md");
    let ticked = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        (ticked(cells[1]).remove(0), ticked(cells[3]))
    })
    .collect()
}

fn is_documented(name: &str, known: &BTreeSet<String>) -> bool {
    let parts = ["_bucket", "_sum", "_count"].iter().filter_map(|end| name.strip_suffix(end));
    known.contains(name) || parts.into_iter().any(|name| known.contains(name))
}

#[test]
fn every_metric_in_use_is_documented_and_every_documented_one_is_shown() {
    let rows = documented();
    let known: BTreeSet<String> = rows.iter().map(|(name, _)| name.clone()).collect();
    assert!(known.len() == rows.len() && known.len() > 30, "{known:?}");
    let dashboard = metrics(&read("contrib/grafana/jingwen.json"));
    for (file, names) in [
        ("jingwen.json", &dashboard),
        ("alerts.yml", &metrics(&read("contrib/prometheus/alerts.yml"))),
        ("alerts.test.yml", &metrics(&read("contrib/prometheus/alerts.test.yml"))),
    ] {
        let unknown: Vec<_> = names.iter().filter(|name| !is_documented(name, &known)).collect();
        assert!(unknown.is_empty(), "{file} has metrics that docs/metrics.md does not: {unknown:?}");
    }
    let shown: BTreeSet<String> = dashboard.iter().map(|name| name.trim_end_matches("_bucket").to_owned()).collect();
    let missing: Vec<_> = known.difference(&shown).collect();
    assert!(missing.is_empty(), "the dashboard does not show {missing:?}");
}

fn ask(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer.split_once("\r\n\r\n")?.1.to_owned())
}

/// What a daemon that has crawled a site tells at /metrics.
fn told() -> String {
    let server = Server::start(|hit, _| match hit.path.as_str() {
        "/robots.txt" => page(200, ""),
        "/" => page(200, list(["/a_1.htm", "/a_2.htm", "/a_404.htm", "http://elsewhere.test/"].map(str::to_owned))),
        "/a_1.htm" => page(200, article(1)),
        "/a_2.htm" => page(200, article(2)),
        // Without an article; one that is missing would be tried for days.
        "/a_404.htm" => page(200, "<html><body><p>短</p></body></html>"),
        _ => page(404, ""),
    });
    let bench = Bench::new(
        &server,
        &["news.example"],
        "rate = \"100/s\"\nschedule = \"every 1s\"",
        "[daemon]\njitter = \"0s\"\n[[notify]]\nname = \"ops\"\ncommand = [\"true\"]\nkinds = [\"run\"]\n",
    );
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let log = fs::File::create(bench.path("log")).unwrap();
    let mut daemon =
        bench.command(&["daemon", "--listen", &address.to_string()]).stderr(Stdio::from(log)).spawn().unwrap();
    let begun = Instant::now();
    let text = loop {
        let text = ask(address, "/metrics").unwrap_or_default();
        let done = [
            "jingwen_runs_total{site=\"local\",outcome=\"done\"}",
            "jingwen_notifications_total{hook=\"ops\",result=\"sent\"}",
            "jingwen_rejected_total{",
        ];
        let is_so = |start: &str| text.lines().any(|l| l.starts_with(start) && !l.ends_with(" 0"));
        if done.into_iter().all(is_so) || begun.elapsed() > Duration::from_secs(30) {
            break text;
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    assert!(text.contains("outcome=\"done\""), "{text}\n{}", fs::read_to_string(bench.path("log")).unwrap());
    text
}

#[test]
fn the_daemon_tells_what_is_documented() {
    let text = told();
    let known: BTreeMap<String, Vec<String>> = documented().into_iter().collect();
    let kinds: BTreeMap<&str, &str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    let guide = read("docs/metrics.md");
    for (name, kind) in &kinds {
        assert!(guide.contains(&format!("| `{name}` | {kind} |")), "{name} is not documented as {kind}");
    }
    // There is nothing to say of these where all is well, or before a few days have passed.
    let silent_at_first =
        ["jingwen_silence_expected_articles", "jingwen_starting_points_without_links_since_timestamp_seconds"];
    let is_missing = |name: &&String| !kinds.contains_key(name.as_str()) && !silent_at_first.contains(&name.as_str());
    let missing: Vec<_> = known.keys().filter(is_missing).collect();
    assert!(missing.is_empty(), "documented and not told: {missing:?}\n{text}");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, rest) = line.split_at(line.find(['{', ' ']).unwrap());
        let name = ["_bucket", "_sum", "_count"]
            .iter()
            .filter_map(|end| name.strip_suffix(end))
            .find(|name| kinds.get(name) == Some(&"histogram"))
            .unwrap_or(name);
        let labels = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("", |(labels, _)| labels);
        let labels: Vec<&str> =
            labels.split(',').filter_map(|l| Some(l.split_once('=')?.0)).filter(|l| *l != "le").collect();
        let wanted: Vec<&str> = known[name].iter().map(String::as_str).collect();
        assert_eq!(labels, wanted, "{line}");
    }
    let mut promtool = match Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).spawn() {
        Ok(promtool) => promtool,
        Err(error) => return eprintln!("skipped: promtool is not here ({error})"),
    };
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(promtool.wait().unwrap().success(), "{text}");
}

/// As the text format and its conventions want it.
#[test]
fn names_of_metrics_say_their_kind_and_unit() {
    for line in read("docs/metrics.md").lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let (name, kind, unit) = (cells[1].trim_matches('`'), cells[2], cells[5]);
        assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
        assert_eq!(matches!(unit, "seconds" | "time"), name.ends_with("_seconds"), "{line}");
        assert_eq!(unit == "bytes", name.trim_end_matches("_total").ends_with("_bytes"), "{line}");
    }
}

#[test]
fn the_dashboard_is_whole() {
    let dashboard: Value = serde_json::from_str(&read("contrib/grafana/jingwen.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<i64> = panels.iter().map(|panel| panel["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "two panels have one number");
    let variables: Vec<&str> =
        dashboard["templating"]["list"].as_array().unwrap().iter().map(|v| v["name"].as_str().unwrap()).collect();
    let mut taken = BTreeSet::new();
    for panel in panels {
        let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        for (x, y) in (at("x")..at("x") + at("w")).flat_map(|x| (at("y")..at("y") + at("h")).map(move |y| (x, y))) {
            assert!(x < 24 && taken.insert((x, y)), "{} lies on another panel", panel["title"]);
        }
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expression = target["expr"].as_str().unwrap();
            for variable in expression.split('$').skip(1) {
                let name: String = variable.chars().take_while(char::is_ascii_alphanumeric).collect();
                assert!(variables.contains(&name.as_str()), "${name} is no variable: {expression}");
            }
            // Prometheus itself has the last word on the expression.
            let plain = expression.replace("$job", ".*").replace("$instance", ".*").replace("$site", ".*");
            let rule = format!("groups: [{{name: a, rules: [{{record: 'a', expr: {}}}]}}]", Value::from(plain));
            let file = tempfile::NamedTempFile::new().unwrap();
            fs::write(file.path(), rule).unwrap();
            if run("promtool", &["check", "rules", &file.path().display().to_string()]).is_none() {
                return;
            }
        }
    }
}

#[test]
fn the_alert_rules_are_right_and_fire() {
    if run("promtool", &["check", "rules", "--lint=all", "--lint-fatal", "contrib/prometheus/alerts.yml"]).is_some() {
        run("promtool", &["test", "rules", "contrib/prometheus/alerts.test.yml"]);
    }
    let (rules, tests) = (read("contrib/prometheus/alerts.yml"), read("contrib/prometheus/alerts.test.yml"));
    let guide = read("docs/operations.md");
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() >= 10, "{alerts:?}");
    for alert in alerts {
        assert!(tests.contains(&format!("alertname: {alert}\n")), "{alert} is not shown to fire");
        assert!(guide.contains(&format!("### {alert}\n")), "docs/operations.md does not say what to do on {alert}");
        assert!(rules.contains(&format!("docs/operations.md#{}\n", alert.to_lowercase())), "{alert} leads nowhere");
    }
}

/// With the path of this program in place of the one it is installed to.
#[test]
fn the_units_are_right() {
    let dir = tempfile::tempdir().unwrap();
    let mut units: Vec<PathBuf> = Vec::new();
    for name in ["jingwen.service", "jingwen-crawl.service", "jingwen-crawl.timer"] {
        let path = dir.path().join(name);
        let text = read(&format!("contrib/systemd/{name}"));
        fs::write(&path, text.replace("/usr/local/bin/jingwen", env!("CARGO_BIN_EXE_jingwen"))).unwrap();
        units.push(path);
    }
    let paths: Vec<&str> = units.iter().map(|path| path.to_str().unwrap()).collect();
    let verify = [&["verify", "--man=no", "--recursive-errors=one"], paths.as_slice()].concat();
    if run("systemd-analyze", &verify).is_some() {
        for service in &paths[..2] {
            run("systemd-analyze", &["security", "--offline=true", "--threshold=20", service]);
        }
    }
    for line in
        read("contrib/systemd/jingwen.service").lines().chain(read("contrib/systemd/jingwen-crawl.service").lines())
    {
        if let Some(command) = line.strip_prefix("ExecStart=/usr/local/bin/jingwen ") {
            takes(&command.split(' ').collect::<Vec<_>>());
        }
    }
}

/// The program knows these arguments: `--help` after them is help and no complaint.
fn takes(arguments: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_jingwen")).args(arguments).arg("--help").output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let help = String::from_utf8_lossy(&output.stdout).into_owned();
    for flag in arguments.iter().filter(|argument| argument.starts_with("--")) {
        assert!(help.contains(flag), "`jingwen {}` has no {flag}", arguments[0]);
    }
}

#[test]
fn the_manifests_fit_each_other() {
    let script = "scripts/check-manifests.py";
    let has_yaml = |python: &str| {
        Command::new(python).args(["-c", "import yaml"]).output().is_ok_and(|output| output.status.success())
    };
    match ["python3", "/usr/bin/python3"].into_iter().find(|python| has_yaml(python)) {
        Some(python) => {
            let said = run(python, &[script, "--commands"]).unwrap_or_default();
            let commands: Vec<Vec<String>> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
            assert!(commands.len() >= 4, "{said}");
            for command in &commands {
                takes(&command.iter().map(String::as_str).collect::<Vec<_>>());
            }
        }
        None => eprintln!("skipped: no python3 with yaml is here"),
    }
}
