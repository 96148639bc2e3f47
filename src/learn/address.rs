//! Addresses: where pages say they come from, the hosts of the site, and the form of its articles' addresses.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use url::Url;

use crate::clean::meta::Meta;
use crate::urls::registered;

/// The address that a page declares: its canonical link, `og:url`, or what a browser wrote into it on saving.
pub fn declared(text: &str, meta: &Meta) -> Option<Url> {
    #[allow(clippy::expect_used, reason = "a constant pattern")]
    static SAVED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"<!--\s*saved from url=\(\d+\)(\S+)|Page saved with SingleFile\s+url:\s*(\S+)")
            .expect("a constant pattern")
    });
    let mut head = text.len().min(4096);
    while !text.is_char_boundary(head) {
        head -= 1;
    }
    let saved = SAVED.captures(&text[..head]).and_then(|c| c.get(1).or_else(|| c.get(2)).map(|m| m.as_str()));
    [meta.canonical.as_deref(), meta.get("og:url"), saved].into_iter().flatten().find_map(usable)
}

/// A web address of a page, not of a whole site.
fn usable(text: &str) -> Option<Url> {
    let text = text.trim();
    let url = match text.strip_prefix("//") {
        Some(rest) => Url::parse(&format!("https://{rest}")),
        None => Url::parse(text),
    };
    url.ok().filter(|u| matches!(u.scheme(), "http" | "https") && u.host_str().is_some() && u.path().len() > 1)
}

/// Hosts for `hosts`: each as it is; where several are of one owner, all below it.
pub fn hosts<'a>(urls: impl Iterator<Item = &'a Url>) -> Vec<String> {
    let mut by_owner: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for host in urls.filter_map(Url::host_str) {
        let list = by_owner.entry(registered(host)).or_default();
        if !list.contains(&host) {
            list.push(host);
        }
    }
    let mut out = Vec::new();
    for (owner, mut list) in by_owner {
        list.sort_unstable();
        if list.len() > 1 && owner.contains('.') {
            out.push(format!("*.{owner}"));
            out.extend(list.contains(&owner).then(|| owner.to_owned()));
        } else {
            out.extend(list.into_iter().map(str::to_owned));
        }
    }
    out
}

/// Regexes for the addresses of articles: one for each form that was seen, with the number of addresses it matches.
pub fn patterns(urls: &[&Url]) -> Vec<(String, usize)> {
    let mut groups: BTreeMap<String, Vec<&Url>> = BTreeMap::new();
    for url in urls {
        groups.entry(form(url)).or_default().push(url);
    }
    let mut out: Vec<(String, usize)> = groups.into_values().filter_map(|g| Some((pattern(&g)?, g.len()))).collect();
    out.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    out.dedup_by(|a, b| a.0 == b.0);
    out
}

/// What addresses of one form have in common: owner, number of parts, ending.
fn form(url: &Url) -> String {
    let parts: Vec<&str> = url.path_segments().into_iter().flatten().collect();
    let ending = parts.last().and_then(|l| l.rsplit_once('.')).map_or("", |(_, e)| e);
    // Where numbers stand tells forms apart better than words do.
    let shape: String = parts.iter().map(|p| if p.bytes().any(|b| b.is_ascii_digit()) { '9' } else { 'a' }).collect();
    format!("{} {shape} {ending} {}", registered(url.host_str().unwrap_or_default()), url.query().is_some())
}

fn pattern(urls: &[&Url]) -> Option<String> {
    let first = urls.first()?;
    let mut hosts: Vec<&str> = urls.iter().filter_map(|u| u.host_str()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let host = match hosts[..] {
        [one] => escape(one),
        _ => format!(r"(?:[\w-]+\.)*{}", escape(registered(hosts.first()?))),
    };
    let mut out = format!("^https?://{host}");
    let parts: Vec<Vec<&str>> = urls.iter().map(|u| u.path_segments().into_iter().flatten().collect()).collect();
    for i in 0..first.path_segments().into_iter().flatten().count() {
        let column: Vec<&str> = parts.iter().filter_map(|p| p.get(i).copied()).collect();
        out.push('/');
        out.push_str(&part(&column));
    }
    if let Some(query) = first.query() {
        let key = query.split('=').next().unwrap_or_default();
        out.push_str(&format!(r"\?(?:.*&)?{}=", escape(key)));
    } else {
        out.push('$');
    }
    // A path that says nothing is no pattern of articles.
    (first.path().len() > 1).then_some(out)
}

/// A text as a regex; a dash outside of brackets needs no backslash and reads better without.
fn escape(text: &str) -> String {
    regex::escape(text).replace(r"\-", "-")
}

/// One part of the path, as a regex for all of its values.
fn part(values: &[&str]) -> String {
    let shapes: Vec<String> = values.iter().map(|v| shape(v)).collect();
    if shapes.iter().all(|s| *s == shapes[0]) {
        return shapes[0].clone();
    }
    let ending =
        values[0].rsplit_once('.').map(|(_, e)| e).filter(|e| values.iter().all(|v| v.ends_with(&format!(".{e}"))));
    let stems: Vec<&str> = values.iter().map(|v| ending.map_or(*v, |e| &v[..v.len() - e.len() - 1])).collect();
    // `node_` of `node_caijing`, `node_shenzhen`.
    let head = stems[0].rfind(['_', '-']).map(|at| &stems[0][..=at]).filter(|h| {
        h.bytes().all(|b| !b.is_ascii_digit()) && stems.iter().all(|s| s.len() > h.len() && s.starts_with(h))
    });
    let head = head.unwrap_or_default();
    let stems: Vec<&str> = stems.iter().map(|s| &s[head.len()..]).collect();
    let stem = if stems.iter().all(|s| s.bytes().all(|b| b.is_ascii_digit())) {
        r"\d+".to_owned()
    } else if stems.iter().all(|s| s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')) {
        r"\w+".to_owned()
    } else {
        "[^/]+".to_owned()
    };
    let head = escape(head);
    match ending {
        Some(e) => format!("{head}{stem}\\.{}", escape(e)),
        None => format!("{head}{stem}"),
    }
}

/// A value with its numbers as `\d+` (of years and days as `\d{4}`, `\d{2}`), and mixed codes as `\w+`.
fn shape(value: &str) -> String {
    let (stem, ending) = match value.rsplit_once('.') {
        Some((stem, ending)) if !ending.bytes().all(|b| b.is_ascii_digit()) => (stem, format!("\\.{}", escape(ending))),
        _ => (value, String::new()),
    };
    let mut out = String::new();
    for piece in stem.split_inclusive(['-', '_', '.']) {
        let (word, separator) = match piece.strip_suffix(['-', '_', '.']) {
            Some(word) => (word, escape(&piece[word.len()..])),
            None => (piece, String::new()),
        };
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        let mixed = digits > 0 && digits < word.len() && word.len() >= 6;
        if mixed && word.bytes().all(|b| b.is_ascii_alphanumeric()) {
            out.push_str(r"\w+");
        } else if digits == word.len() && digits > 0 {
            match digits {
                4 => out.push_str(&format!(r"\d{{{digits}}}")),
                // A day written together; other numbers of eight digits are counters.
                8 if word.starts_with("19") || word.starts_with("20") => out.push_str(r"\d{8}"),
                2 => out.push_str(r"\d{2}"),
                _ => out.push_str(r"\d+"),
            }
        } else {
            let mut number = false;
            for c in word.chars() {
                if c.is_ascii_digit() {
                    if !number {
                        out.push_str(r"\d+");
                    }
                    number = true;
                } else {
                    number = false;
                    out.push_str(&escape(&c.to_string()));
                }
            }
        }
        out.push_str(&separator);
    }
    out + &ending
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(texts: &[&str]) -> Vec<Url> {
        texts.iter().map(|t| Url::parse(t).unwrap()).collect()
    }

    #[test]
    fn addresses_of_articles() {
        for (texts, want) in [
            (
                &[
                    "https://www.sznews.com/news/content/2019-04/26/content_21699029.htm",
                    "https://www.sznews.com/news/content/2020-11/02/content_2.htm",
                ][..],
                r"^https?://www\.sznews\.com/news/content/\d{4}\x2d\d{2}/\d{2}/content_\d+\.htm$",
            ),
            (
                &[
                    "https://www.163.com/dy/article/G33O1QTA05372UZS.html",
                    "https://www.163.com/dy/article/J2PBDVUF0511A6N9.html",
                ][..],
                r"^https?://www\.163\.com/dy/article/\w+\.html$",
            ),
            (
                &[
                    "http://politics.people.com.cn/n1/2024/0424/c1001-40223222.html",
                    "http://finance.people.com.cn/n1/2024/0510/c1004-40232587.html",
                ][..],
                r"^https?://(?:[\w-]+\.)*people\.com\.cn/n\d+/\d{4}/\d{4}/c\d+\x2d\d+\.html$",
            ),
        ] {
            let urls = urls(texts);
            let found = patterns(&urls.iter().collect::<Vec<_>>());
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(found[0].0.replace(r"\-", "-"), want.replace(r"\x2d", "-"));
            let regex = Regex::new(&found[0].0).unwrap();
            assert!(urls.iter().all(|u| regex.is_match(u.as_str())));
        }
    }

    #[test]
    fn hosts_of_one_owner_are_put_together() {
        let urls = urls(&["http://a.people.com.cn/1", "http://b.people.com.cn/1", "http://www.guancha.cn/1"]);
        assert_eq!(hosts(urls.iter()), ["www.guancha.cn", "*.people.com.cn"]);
    }
}
