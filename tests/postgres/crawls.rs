//! The real binary: several workers over one site, that die, stand still, and lose the database.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::config::flat;
use crate::server::{Postgres, numbers};
use crate::support::{Bench, Hit, Server, article, list, page, stderr, wait};

const HOSTS: [&str; 6] = ["a.test", "b.test", "c.test", "d.test", "e.test", "f.test"];

/// A site of several hosts, each with a start page, two lists and articles of its own; answers take a moment.
pub struct Site {
    pub server: Server,
    hosts: &'static [&'static str],
    per_host: usize,
}

impl Site {
    pub fn new(hosts: &'static [&'static str], per_host: usize) -> Self {
        let server = Server::start(move |hit, _| {
            let Some(host) = hosts.iter().position(|host| *host == hit.host) else { return page(404, "") };
            let number: usize = hit.path.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0);
            let link = |n: usize| format!("/a_{}.htm", (host + 1) * 10_000 + n);
            let answer = match hit.path.as_str() {
                "/" => page(200, list((1..=2).map(|n| format!("/list_{n}.htm")))),
                "/list_1.htm" => page(200, list((0..per_host / 2).map(link))),
                "/list_2.htm" => page(200, list((per_host / 2..per_host).map(link))),
                path if path.starts_with("/a_") => page(200, article(number)),
                _ => page(404, ""),
            };
            crate::support::Answer::Late(Duration::from_millis(10), Box::new(answer))
        });
        Self { server, hosts, per_host }
    }

    /// A worker with folders of its own; `rate` in requests a second.
    pub fn worker(&self, url: &str, rate: u32, more: &str) -> Bench {
        let config = format!(
            "in_flight = 3---[politeness]\nrate = \"{rate}/s\"\n[state]\npostgres = \"{url}\"\nlease = \"3s\"\n{more}"
        );
        Bench::new(&self.server, self.hosts, "", &config)
    }

    pub fn articles(&self) -> usize {
        self.hosts.len() * self.per_host
    }

    /// Every article once over all outputs; gives each output's share.
    pub fn check(&self, workers: &[&Bench]) -> Vec<usize> {
        let all: Vec<String> = workers.iter().flat_map(|worker| worker.urls()).collect();
        let once: BTreeSet<&String> = all.iter().collect();
        let twice: Vec<_> = once.iter().filter(|url| all.iter().filter(|other| other == *url).count() > 1).collect();
        assert!(twice.is_empty(), "written twice: {twice:?}");
        assert_eq!(once.len(), self.articles(), "articles are missing");
        workers.iter().map(|worker| worker.urls().len()).collect()
    }

    /// Lines of a worker's finished parts and of the file that is being written.
    fn lines(&self, worker: &Bench) -> Vec<String> {
        let names = fs::read_dir(worker.path("out")).into_iter().flatten().flatten().map(|entry| entry.path());
        let names = names.filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("articles") && name.ends_with(".jsonl")
        });
        names
            // One that is renamed meanwhile is read under its new name the next time.
            .flat_map(|path| {
                fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect::<Vec<_>>()
            })
            .collect()
    }

    /// Articles of a worker so far, about: a file that is cut meanwhile may be read twice.
    pub fn written(&self, worker: &Bench) -> usize {
        let lines = self.lines(worker);
        lines
            .iter()
            .filter_map(|line| line.split_once("\"url\":"))
            .map(|(_, rest)| rest.split('"').nth(1))
            .collect::<BTreeSet<_>>()
            .len()
    }

    /// Every article once, over all parts.
    pub fn check_parts(&self, worker: &Bench) {
        let lines = self.lines(worker);
        let urls: Vec<String> = lines
            .iter()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["url"].as_str().unwrap().to_owned())
            .collect();
        let once: BTreeSet<&String> = urls.iter().collect();
        assert_eq!((urls.len(), once.len()), (self.articles(), self.articles()), "lines, and articles among them");
        assert!(worker.path("out/articles-000002.jsonl").is_file(), "no parts were cut off");
    }

    /// From the server's own log: never two requests to a host at a time, and never sooner after each other than the
    /// rate allows. Gives the shortest gap.
    fn check_pace(&self, rate: u32) -> Duration {
        let interval = Duration::from_secs(1) / rate;
        let mut by_host: BTreeMap<String, Vec<Hit>> = BTreeMap::new();
        for hit in self.server.hits() {
            by_host.entry(hit.host.clone()).or_default().push(hit);
        }
        let mut shortest = Duration::MAX;
        for (host, hits) in by_host {
            for pair in hits.windows(2) {
                let gap = pair[1].at - pair[0].at;
                assert!(pair[0].over.is_none_or(|over| over <= pair[1].at), "{host} was asked by two at a time");
                assert!(gap >= interval.mul_f64(0.9), "{host}: {gap:?} between {} and {}", pair[0].path, pair[1].path);
                shortest = shortest.min(gap);
            }
        }
        shortest
    }

    /// How often each address was asked for.
    fn asked(&self) -> BTreeMap<String, usize> {
        let mut asked = BTreeMap::new();
        for hit in self.server.hits() {
            *asked.entry(format!("{}{}", hit.host, hit.path)).or_default() += 1;
        }
        asked
    }

    fn lists_asked_twice(&self) -> Vec<String> {
        let is_list = |address: &String| address.ends_with('/') || address.contains("/list_");
        self.asked().into_iter().filter(|(address, n)| *n > 1 && is_list(address)).map(|(address, _)| address).collect()
    }

    pub fn until_asked(&self, times: usize) {
        let begun = Instant::now();
        while self.server.hits().len() < times {
            assert!(begun.elapsed() < Duration::from_secs(30), "only {} requests came", self.server.hits().len());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn start(worker: &Bench) -> Child {
    worker.command(&["crawl"]).spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// Runs to the end with exit code 0.
fn done(child: Child) {
    let output = wait(child, Duration::from_secs(60));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn one_worker_writes_what_the_embedded_frontier_gives() {
    let Some(postgres) = Postgres::shared() else { return };
    let site = Site::new(&HOSTS[..2], 20);
    let embedded = Bench::new(&site.server, site.hosts, "", "[politeness]\nrate = \"500/s\"\n");
    let shared = site.worker(&postgres.database(), 500, "");
    embedded.crawl();
    shared.crawl();
    let lines = |bench: &Bench| {
        let mut lines = bench.articles();
        lines.iter_mut().for_each(|line| drop(line.as_object_mut().unwrap().remove("fetched_at")));
        lines.sort_by_key(|line| line["id"].as_str().unwrap().to_owned());
        lines
    };
    assert_eq!(lines(&embedded), lines(&shared));
    assert_eq!(site.check(&[&shared]), [40]);
    // Once more: no article again, lists are asked whether they have changed.
    site.server.clear();
    shared.crawl();
    assert_eq!(site.check(&[&shared]), [40]);
    assert!(site.server.paths().iter().all(|path| !path.starts_with("/a_")), "{:?}", site.server.paths());
    assert_eq!(site.server.paths().iter().filter(|path| path.starts_with("/list_")).count(), 4);
}

#[test]
fn two_workers_at_once_share_the_hosts_and_keep_the_pace_together() {
    let Some(postgres) = Postgres::shared() else { return };
    let (site, rate) = (Site::new(&HOSTS, 24), 20);
    let url = postgres.database();
    let (one, two) = (site.worker(&url, rate, ""), site.worker(&url, rate, ""));
    let children = [start(&one), start(&two)];
    children.into_iter().for_each(done);
    let shares = site.check(&[&one, &two]);
    assert!(shares.iter().all(|share| *share > 0), "{shares:?}");
    let shortest = site.check_pace(rate);
    assert!(site.lists_asked_twice().is_empty(), "{:?}", site.lists_asked_twice());
    let twice = site.asked().into_values().filter(|n| *n > 1).count();
    assert_eq!(twice, 0, "nothing at all is asked for twice, robots.txt included");
    println!(
        "two workers: {shares:?} articles, shortest gap at a host {shortest:?} of {:?}",
        Duration::from_secs(1) / rate
    );
}

#[test]
fn the_hosts_of_a_killed_worker_are_taken_over_at_their_deadline() {
    let Some(postgres) = Postgres::shared() else { return };
    let (site, rate) = (Site::new(&HOSTS[..4], 40), 20);
    let url = postgres.database();
    let (one, two) = (site.worker(&url, rate, ""), site.worker(&url, rate, ""));
    let mut first = start(&one);
    site.until_asked(20);
    let second = start(&two);
    site.until_asked(60);
    first.kill().unwrap();
    first.wait().unwrap();
    let killed = Instant::now();
    let of_first = numbers(&url, "SELECT count(*) FROM host WHERE leased GROUP BY worker ORDER BY 1 DESC");
    done(second);
    // All is done now, though the first one's last lines may have to be cut off yet.
    assert_eq!(numbers(&url, "SELECT count(*) FROM url WHERE visited = 0"), [0]);
    assert_eq!(numbers(&url, "SELECT count(*) FROM host WHERE leased"), [0]);
    one.crawl();
    let shares = site.check(&[&one, &two]);
    let again = site.asked().iter().filter(|(path, n)| path.contains("/a_") && **n > 1).count();
    assert!(again <= 3, "{again} articles were fetched again by one kill with three requests under way");
    site.check_pace(rate);
    println!(
        "killed with {of_first:?} hosts leased: all done {:?} later; {shares:?} articles, {again} fetched again",
        killed.elapsed()
    );
}

#[test]
fn killed_again_and_again_both_workers_write_every_article_once() {
    let Some(postgres) = Postgres::shared() else { return };
    let (site, rate) = (Site::new(&HOSTS, 60), 200);
    let url = postgres.database();
    let (one, two) = (site.worker(&url, rate, ""), site.worker(&url, rate, ""));
    let mut kills = 0;
    for round in 0..6_u64 {
        let mut children = [start(&one), start(&two)];
        site.until_asked(site.server.hits().len() + 10);
        std::thread::sleep(Duration::from_millis(round * 37 % 200));
        for child in &mut children {
            kills += usize::from(child.try_wait().unwrap().is_none());
            child.kill().unwrap();
            child.wait().unwrap();
        }
        if numbers(&url, "SELECT count(*) FROM seen")[0] as usize >= site.articles() {
            break;
        }
    }
    let children = [start(&one), start(&two)];
    children.into_iter().for_each(done);
    let shares = site.check(&[&one, &two]);
    let again: usize =
        site.asked().iter().filter(|(path, _)| path.contains("/a_")).map(|(_, n)| n.saturating_sub(1)).sum();
    println!("{kills} kills: {shares:?} articles, {again} fetched again, 0 lost, 0 doubled");
}

#[test]
fn a_worker_that_stood_still_for_longer_than_its_lease_doubles_nothing() {
    let Some(postgres) = Postgres::shared() else { return };
    let (site, rate) = (Site::new(&HOSTS[..3], 60), 20);
    let url = postgres.database();
    let (one, two) = (site.worker(&url, rate, ""), site.worker(&url, rate, ""));
    let first = start(&one);
    site.until_asked(30);
    let second = start(&two);
    signal(&first, "-STOP");
    std::thread::sleep(Duration::from_secs(5));
    signal(&first, "-CONT");
    let output = wait(first, Duration::from_secs(60));
    let code = output.status.code();
    // With nothing fetched and uncommitted when it was stopped, there is nothing to refuse.
    let fenced = flat(&stderr(&output)).contains("was lost to another worker, because this process stood still");
    assert!(code == Some(0) || code == Some(1) && fenced, "{code:?}: {}", stderr(&output));
    done(second);
    one.crawl();
    let shares = site.check(&[&one, &two]);
    assert!(shares[1] > 0);
    site.check_pace(rate);
    println!("stopped for 5 s with leases of 3 s: exit code {code:?}, fenced: {fenced}; {shares:?} articles");
}

#[test]
fn a_database_that_goes_away_stops_the_crawl_and_nothing_is_lost() {
    let Some(mut postgres) = Postgres::start() else { return };
    let site = Site::new(&HOSTS[..3], 60);
    let url = postgres.database();
    let worker = site.worker(&url, 100, "");
    let mut stops = 0;
    for round in 0..2_u64 {
        let child = start(&worker);
        site.until_asked(site.server.hits().len() + 20);
        std::thread::sleep(Duration::from_millis(round * 29));
        postgres.down();
        let output = wait(child, Duration::from_secs(60));
        if output.status.code() != Some(0) {
            stops += 1;
            assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
            let said = flat(&stderr(&output));
            assert!(said.contains("crawling has stopped"), "{said}");
            assert!(!said.contains(crate::server::PASSWORD), "{said}");
        }
        postgres.up();
    }
    assert!(stops >= 2, "the crawl was over too soon");
    worker.crawl();
    assert_eq!(site.check(&[&worker]), [site.articles()]);
    println!("the database was ended {stops} times in the middle: {} articles, each once", site.articles());
}

#[test]
fn daemons_with_one_schedule_ask_for_a_list_once() {
    let Some(postgres) = Postgres::shared() else { return };
    let site = Site::new(&HOSTS, 12);
    let url = postgres.database();
    let workers = [(); 2].map(|()| {
        let worker = site.worker(&url, 50, "[daemon]\njitter = \"0s\"\nlisten = \"127.0.0.1:0\"\n");
        let text = fs::read_to_string(worker.path("jingwen.toml")).unwrap();
        worker.write("jingwen.toml", &format!("schedule = \"every 2s\"\n{text}"));
        worker
    });
    let start = |worker: &Bench| {
        let log = fs::File::create(worker.path("log")).unwrap();
        worker.command(&["daemon"]).stdout(Stdio::null()).stderr(log).spawn().unwrap()
    };
    let mut children: Vec<Child> = workers.iter().map(start).collect();
    let begun = Instant::now();
    while workers.iter().map(|worker| worker.urls().len()).sum::<usize>() < site.articles() {
        let log = || fs::read_to_string(workers[0].path("log")).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", log());
        std::thread::sleep(Duration::from_millis(50));
    }
    // A few rounds more.
    std::thread::sleep(Duration::from_secs(5));
    for (child, worker) in children.iter_mut().zip(&workers) {
        signal(child, "-TERM");
        let code = crate::support::wait_plain(child, Duration::from_secs(30));
        assert_eq!(code, Some(0), "{}", fs::read_to_string(worker.path("log")).unwrap());
    }
    let shares = site.check(&[&workers[0], &workers[1]]);
    site.check_pace(50);
    assert!(site.lists_asked_twice().is_empty(), "{:?}", site.asked());
    println!("two daemons: {shares:?} articles, no list asked for twice");
}

#[test]
fn a_day_s_requests_are_shared() {
    let Some(postgres) = Postgres::shared() else { return };
    let site = Site::new(&HOSTS[..4], 30);
    let url = postgres.database();
    let workers = [(); 2].map(|()| {
        let worker = site.worker(&url, 20, "");
        let text = fs::read_to_string(worker.path("jingwen.toml")).unwrap();
        worker.write("jingwen.toml", &text.replace("[politeness]", "[politeness]\nper_day = 60"));
        worker
    });
    let children: Vec<Child> = workers.iter().map(start).collect();
    for child in children {
        // Hosts at rest are no failure.
        let output = wait(child, Duration::from_secs(60));
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    let asked = site.server.hits().len();
    // What both ask between two commits can be too much.
    assert!((60..=70).contains(&asked), "{asked} requests");
    let pages: usize = workers.iter().map(|worker| worker.urls().len()).sum();
    println!("60 requests a day, two workers: {asked} requests, {pages} articles");
}

/// Replicas that share a volume and know nothing of each other: each takes a free folder, and a new one goes on in the
/// folder of the dead.
#[test]
fn replicas_with_one_volume_keep_out_of_each_other_s_way() {
    let Some(postgres) = Postgres::shared() else { return };
    let site = Site::new(&HOSTS, 30);
    let replica = site.worker(&postgres.database(), 50, "");
    let start = || replica.command(&["crawl", "--slots", "workers"]).spawn().unwrap();
    let (mut first, second) = (start(), start());
    site.until_asked(60);
    first.kill().unwrap();
    first.wait().unwrap();
    let third = start();
    done(second);
    done(third);
    let mut folders: Vec<_> =
        fs::read_dir(replica.path("workers")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    folders.sort();
    assert_eq!(folders, ["1", "2"]);
    let read = |folder| fs::read_to_string(replica.path("workers").join(folder).join("out/articles.jsonl")).unwrap();
    let urls: Vec<String> = folders
        .iter()
        .flat_map(|folder| read(folder).lines().map(str::to_owned).collect::<Vec<_>>())
        .map(|line| serde_json::from_str::<serde_json::Value>(&line).unwrap()["url"].as_str().unwrap().to_owned())
        .collect();
    let once: BTreeSet<&String> = urls.iter().collect();
    assert_eq!((urls.len(), once.len()), (site.articles(), site.articles()));
}
