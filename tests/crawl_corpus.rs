//! Real input over real HTTP: stored pages served under their real host names. Skipped, saying so, where the corpus
//! (`../shared/corpus` beside the repository) is absent.

mod support;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use jingwen::sites::Sites;
use jingwen::urls::CanonicalUrl;
use serde_json::Value;
use support::{Answer, Bench, Server, page, stderr};
use url::Url;

fn corpus() -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    if dir.is_dir() {
        return Some(dir);
    }
    println!("skipped: {} is absent", dir.display());
    None
}

fn html(body: Vec<u8>) -> Answer {
    // No charset, so that the bytes have to say it.
    Answer::Page { status: 200, headers: vec![("Content-Type".into(), "text/html".into())], body }
}

#[test]
fn every_stored_article_comes_home_or_is_named() {
    let Some(corpus) = corpus() else { return };
    let sites = Sites::builtin();
    let mut pages: HashMap<String, Vec<u8>> = HashMap::new();
    let mut wanted = Vec::new();
    for entry in fs::read_dir(corpus.join("zh/gold")).unwrap() {
        let gold: Value = serde_json::from_slice(&fs::read(entry.unwrap().path()).unwrap()).unwrap();
        let id = gold["id"].as_str().unwrap();
        let host = gold["site"].as_str().unwrap();
        let url = gold["url"].as_str().map_or_else(|| format!("http://{host}/stored/{id}.html"), str::to_owned);
        let url = Url::parse(&url.replacen("https://", "http://", 1)).unwrap();
        let canonical = CanonicalUrl::new(&url, sites.for_url(&url).map(|site| &site.crawl.urls));
        let mut body = Vec::new();
        let file = fs::File::open(corpus.join(format!("zh/pages/{id}.html.gz"))).unwrap();
        flate2::read::MultiGzDecoder::new(file).read_to_end(&mut body).unwrap();
        pages.insert(canonical.url()[url::Position::BeforeHost..].to_owned(), body);
        if gold["is_article"] == true {
            wanted.push((id.to_owned(), canonical));
        }
    }
    let hosts: BTreeSet<String> = wanted.iter().map(|(_, url)| url.url().host_str().unwrap().to_owned()).collect();
    let urls: Vec<String> = wanted.iter().map(|(_, url)| url.to_string()).collect();
    let server = Server::start(move |hit, _| match pages.get(&format!("{}{}", hit.host, hit.path)) {
        Some(body) => html(body.clone()),
        None => page(404, ""),
    });
    let bench = Bench::empty();
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    bench.configure(&server, &hosts, "[politeness]\nrate = \"100/s\"\n");
    let text = fs::read_to_string(bench.path("jingwen.toml")).unwrap();
    bench.write("jingwen.toml", &text.replace("sites = [\"local\"]", "sites = []"));
    let mut args = vec!["crawl"];
    args.extend(urls.iter().map(String::as_str));
    let output = bench.run_for(&args, 120);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{}", stderr(&output));
    let got: BTreeSet<String> =
        bench.articles().iter().map(|a| a["canonical_url"].as_str().unwrap().to_owned()).collect();
    let named: HashMap<String, String> = bench
        .lines("rejected.jsonl")
        .iter()
        .map(|r| (r["url"].as_str().unwrap().to_owned(), format!("{}: {}", r["reason"], r["detail"])))
        .collect();
    let mut missing = Vec::new();
    for (id, url) in &wanted {
        match (got.contains(url.as_str()), named.get(url.as_str())) {
            (true, _) => {}
            (false, Some(why)) => println!("{id}: {why}"),
            (false, None) => missing.push(format!("{id} {url}")),
        }
    }
    assert!(missing.is_empty(), "neither written nor named: {missing:?}\n{}", stderr(&output));
    assert!(got.len() * 10 >= wanted.len() * 9, "{} of {} articles", got.len(), wanted.len());
    println!("{} of {} articles written", got.len(), wanted.len());
}

#[test]
fn a_section_page_gives_its_six_articles() {
    let Some(corpus) = corpus() else { return };
    let pages = corpus.join("seed-style/pages");
    let server = Server::start(move |hit, _| match fs::read(pages.join(hit.path.trim_start_matches('/'))) {
        Ok(body) => html(body),
        Err(_) => page(404, ""),
    });
    let bench = Bench::empty();
    let start = format!("http://{}/seed-7.html", server.addr);
    let output = bench.run(&["crawl", "--allow-private", "127.0.0.0/8", "--rate", "100/s", &start]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let articles = bench.articles();
    assert_eq!(articles.len(), 6, "{:?} {:?}", bench.urls(), bench.rejected());
    for article in &articles {
        let id = support::path_of(article["url"].as_str().unwrap()).trim_matches('/').replace(".html", "");
        let gold = |id: &str| -> Value {
            serde_json::from_slice(&fs::read(corpus.join(format!("seed-style/gold/{id}.json"))).unwrap()).unwrap()
        };
        let first = gold(&id);
        assert_eq!(article["title"], first["title"], "{id}");
        let mut body: Vec<String> = strings(&first["body"]);
        if id == "seed-3a" {
            body.extend(strings(&gold("seed-3b")["body"]));
            assert_eq!(article["pages"], 2);
        }
        // Whether anything else got in is for the tests of cleaning; here it counts that all parts are home.
        let text: Vec<&str> = article["text"].as_str().unwrap().lines().collect();
        assert!(body.iter().all(|paragraph| text.contains(&paragraph.as_str())), "{id}: {text:?}");
    }
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|s| s.as_str().unwrap().to_owned()).collect()
}
