//! Pages that are not HTML and only lead to others: sitemaps, feeds, JSON lists. Bytes in, links out.

use jiff::{Timestamp, ToSpan};
use quick_xml::Reader;
use quick_xml::events::Event;
use url::Url;

use super::inflate;

/// Addresses taken from one sitemap; the protocol's own limit.
pub const MAX_LOCS: usize = 50_000;
/// Most that a compressed sitemap may unfold to; the protocol's own limit.
const MAX_UNFOLDED: u64 = 50 << 20;
/// Longest text of one element that is kept.
const MAX_TEXT: usize = 8192;

/// A link of a list, with the date that the list gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Address.
    pub url: Url,
    /// Published or last changed.
    pub at: Option<Timestamp>,
    /// Last changed, at the latest: where only a day is given, its end.
    pub changed: Option<Timestamp>,
    /// True for an index's link to another sitemap.
    pub is_sitemap: bool,
}

/// Why a list could not be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ListError {
    /// Not XML.
    #[error("no XML: {0}")]
    Xml(String),
    /// Not a feed.
    #[error("no feed: {0}")]
    Feed(String),
    /// Not JSON, or not of the shape that the selector file says.
    #[error("no JSON list: {0}")]
    Json(String),
    /// Compressed, and damaged or too large.
    #[error("cannot be unpacked: {0}")]
    Gzip(String),
}

/// Reads a sitemap, an index of sitemaps, a news sitemap, a list of addresses in plain text, or a feed in a sitemap's
/// place. Entities other than XML's own five are never expanded.
pub fn sitemap(body: &[u8], base: &Url) -> Result<Vec<Entry>, ListError> {
    let unpacked;
    let body = if body.starts_with(&[0x1f, 0x8b]) {
        unpacked = gunzip(body)?;
        &unpacked[..]
    } else {
        body
    };
    let start = body.trim_ascii_start();
    let start = start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(start);
    if !start.starts_with(b"<") {
        return Ok(plain(body, base));
    }
    let head = &start[..start.len().min(1024)];
    if memchr::memmem::find(head, b"<rss").is_some() || memchr::memmem::find(head, b"<feed").is_some() {
        return feed(body, base);
    }
    xml(start, base)
}

fn xml(body: &[u8], base: &Url) -> Result<Vec<Entry>, ListError> {
    let body = String::from_utf8_lossy(body);
    let mut reader = Reader::from_str(&body);
    reader.config_mut().check_end_names = false;
    let mut entries = Vec::new();
    let mut text = String::new();
    let (mut loc, mut at, mut changed, mut in_sitemap) = (None, None, None, false);
    while entries.len() < MAX_LOCS {
        match reader.read_event().map_err(|e| ListError::Xml(e.to_string()))? {
            Event::Start(tag) => {
                text.clear();
                match tag.local_name().as_ref() {
                    "url" => (loc, at, changed, in_sitemap) = (None, None, None, false),
                    "sitemap" => (loc, at, changed, in_sitemap) = (None, None, None, true),
                    _ => {}
                }
            }
            Event::Text(piece) if text.len() < MAX_TEXT => text.push_str(&piece),
            Event::CData(piece) if text.len() < MAX_TEXT => text.push_str(&piece),
            Event::GeneralRef(name) => {
                let known = match name.as_ref() {
                    "amp" => Some('&'),
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => name.resolve_char_ref().ok().flatten(),
                };
                text.extend(known);
            }
            Event::End(tag) => {
                match tag.local_name().as_ref() {
                    // An image's loc comes after the page's own.
                    "loc" if loc.is_none() => loc = base.join(text.trim()).ok(),
                    "publication_date" => at = date(text.trim()).or(at),
                    "lastmod" => {
                        at = at.or_else(|| date(text.trim()));
                        changed = latest(text.trim());
                    }
                    "url" | "sitemap" => {
                        entries.extend(loc.take().map(|url| Entry { url, at, changed, is_sitemap: in_sitemap }));
                    }
                    _ => {}
                }
                text.clear();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    Ok(entries)
}

fn plain(body: &[u8], base: &Url) -> Vec<Entry> {
    String::from_utf8_lossy(body)
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("http"))
        .filter_map(|line| base.join(line).ok())
        .map(|url| Entry { url, at: None, changed: None, is_sitemap: false })
        .take(MAX_LOCS)
        .collect()
}

fn gunzip(body: &[u8]) -> Result<Vec<u8>, ListError> {
    let out = inflate::piece_by_piece(body, MAX_UNFOLDED + 1).map_err(|e| ListError::Gzip(e.to_string()))?;
    match out.len() as u64 > MAX_UNFOLDED {
        true => Err(ListError::Gzip(format!("more than {MAX_UNFOLDED} bytes"))),
        false => Ok(out),
    }
}

/// Reads RSS, Atom or JSON Feed.
pub fn feed(body: &[u8], base: &Url) -> Result<Vec<Entry>, ListError> {
    let feed = feed_rs::parser::parse(body).map_err(|e| ListError::Feed(e.to_string()))?;
    let entries = feed.entries.into_iter().take(MAX_LOCS).filter_map(|entry| {
        let at = entry.published.or(entry.updated).and_then(|t| Timestamp::from_second(t.timestamp()).ok());
        let is_page = |link: &&feed_rs::model::Link| link.rel.as_deref().is_none_or(|rel| rel == "alternate");
        let link = entry.links.iter().find(is_page)?;
        let changed = entry.updated.and_then(|t| Timestamp::from_second(t.timestamp()).ok());
        Some(Entry { url: base.join(link.href.trim()).ok()?, at, changed, is_sitemap: false })
    });
    Ok(entries.collect())
}

/// Reads addresses out of JSON by a path like `data[].URL`; a JSONP wrapper is looked through.
pub fn json(body: &[u8], path: &str, base: &Url) -> Result<Vec<Entry>, ListError> {
    let text = String::from_utf8_lossy(body);
    let start = text.find(['{', '[']).ok_or_else(|| ListError::Json("neither object nor array".into()))?;
    let end = text.rfind(['}', ']']).map_or(text.len(), |at| at + 1);
    let inner = text.get(start..end).unwrap_or_default();
    let value: serde_json::Value = serde_json::from_str(inner).map_err(|e| ListError::Json(e.to_string()))?;
    let mut found = vec![&value];
    for step in path.split('.').filter(|step| !step.is_empty()) {
        let (name, each) = match step.strip_suffix("[]") {
            Some(name) => (name, true),
            None => (step, false),
        };
        if !name.is_empty() {
            found = found.into_iter().filter_map(|v| v.get(name)).collect();
        }
        if each {
            found = found.into_iter().filter_map(|v| v.as_array()).flatten().collect();
        }
    }
    let urls = found.into_iter().filter_map(|v| v.as_str()).filter_map(|text| base.join(text.trim()).ok());
    Ok(urls.map(|url| Entry { url, at: None, changed: None, is_sitemap: false }).take(MAX_LOCS).collect())
}

/// A W3C date: whole, or only the day (taken as its start in China, where these sites are).
pub fn date(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let day: jiff::civil::Date = text.get(..10)?.parse().ok()?;
    jiff::tz::TimeZone::fixed(jiff::tz::offset(8)).to_timestamp(day.at(0, 0, 0, 0)).ok()
}

/// The end of what a W3C date names: that moment, or the end of the day.
fn latest(text: &str) -> Option<Timestamp> {
    let at = date(text)?;
    match text.parse::<Timestamp>() {
        Ok(at) => Some(at),
        Err(_) => at.checked_add(24.hours()).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn base() -> Url {
        Url::parse("http://a.example/sitemap.xml").unwrap()
    }

    fn urls(entries: &[Entry]) -> Vec<&str> {
        entries.iter().map(|e| e.url.as_str()).collect()
    }

    const NEWS: &str = r#"<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
        xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url><loc> http://a.example/1.htm?a=1&amp;b=2 </loc>
        <image:image><image:loc>http://a.example/1.jpg</image:loc></image:image>
        <news:news><news:publication_date>2026-11-20T08:00:00+08:00</news:publication_date></news:news></url>
        <url><loc><![CDATA[/2.htm]]></loc><lastmod>2026-11-21</lastmod></url></urlset>"#;

    #[test]
    fn sitemaps_of_each_kind() {
        let entries = sitemap(NEWS.as_bytes(), &base()).unwrap();
        assert_eq!(urls(&entries), ["http://a.example/1.htm?a=1&b=2", "http://a.example/2.htm"]);
        assert_eq!(entries[0].at, Some("2026-11-20T00:00:00Z".parse().unwrap()));
        assert_eq!(entries[1].at, Some("2026-11-20T16:00:00Z".parse().unwrap()));

        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(NEWS.as_bytes()).unwrap();
        assert_eq!(sitemap(&packed.finish().unwrap(), &base()).unwrap().len(), 2);

        let index = "<sitemapindex><sitemap><loc>http://a.example/s1.xml</loc></sitemap></sitemapindex>";
        assert!(sitemap(index.as_bytes(), &base()).unwrap()[0].is_sitemap);
        let text = "http://a.example/1.htm\n\nhttp://a.example/2.htm\n";
        assert_eq!(sitemap(text.as_bytes(), &base()).unwrap().len(), 2);
    }

    #[test]
    fn an_entity_bomb_stays_folded() {
        let mut bomb = String::from("<?xml version=\"1.0\"?><!DOCTYPE u [<!ENTITY a \"aaaaaaaaaa\">");
        for c in 'b'..='j' {
            let before = char::from(c as u8 - 1);
            bomb.push_str(&format!("<!ENTITY {c} \"{}\">", format!("&{before};").repeat(10)));
        }
        bomb.push_str("]><urlset><url><loc>http://a.example/&j;1.htm</loc></url></urlset>");
        assert_eq!(urls(&sitemap(bomb.as_bytes(), &base()).unwrap()), ["http://a.example/1.htm"]);
    }

    #[test]
    fn feeds() {
        let rss = "<rss version=\"2.0\"><channel><title>要闻</title><item><title>一</title>\
                   <link>http://a.example/1.htm</link><pubDate>Fri, 20 Nov 2026 08:00:00 +0800</pubDate></item></channel></rss>";
        let entries = feed(rss.as_bytes(), &base()).unwrap();
        assert_eq!(urls(&entries), ["http://a.example/1.htm"]);
        assert_eq!(entries[0].at, Some("2026-11-20T00:00:00Z".parse().unwrap()));
        assert_eq!(sitemap(rss.as_bytes(), &base()).unwrap(), entries);
    }

    #[test]
    fn json_lists() {
        let body = br#"callback({"data":[{"URL":"/1.htm"},{"URL":"http://b.example/2.htm"},{"x":1}]});"#;
        let entries = json(body, "data[].URL", &base()).unwrap();
        assert_eq!(urls(&entries), ["http://a.example/1.htm", "http://b.example/2.htm"]);
        assert!(json(b"<html>", "data[].URL", &base()).is_err());
    }
}
