//! What a page declares about itself: `title`, `meta`, JSON-LD, `link rel=canonical`.

use scraper::{Html, Node};
use serde_json::Value;

use super::blocks::{is_blank, tidy};

/// A page's declarations, in page order.
#[derive(Debug, Default)]
pub struct Meta {
    /// Text of the first `title` that has any.
    pub title: String,
    /// Lower-case, trimmed name (`name`, `property` or `itemprop`) and content of every `meta` that has both.
    pub metas: Vec<(String, String)>,
    /// Value of `link rel=canonical`.
    pub canonical: Option<String>,
    /// Value of `base href`.
    pub base: Option<String>,
    /// Value of `html lang`.
    pub lang: Option<String>,
    /// JSON-LD blocks, undecodable ones left out.
    pub json_ld: Vec<Value>,
    /// `datetime` of the first `time` element.
    pub time: Option<String>,
    /// `meta http-equiv=refresh`.
    pub refresh: bool,
    /// `body` says that it is a page of a forum's portal, which is no thread.
    pub portal: bool,
}

/// Largest JSON-LD block that is read, in bytes.
const MAX_JSON: usize = 512 * 1024;

impl Meta {
    /// Reads a page's declarations.
    pub fn of(html: &Html) -> Self {
        let mut meta = Self::default();
        for node in html.tree.nodes() {
            let Node::Element(e) = node.value() else { continue };
            match e.name() {
                "html" if meta.lang.is_none() => {
                    meta.lang = e.attrs().find(|(n, _)| *n == "lang").map(|(_, v)| v.trim().to_owned());
                }
                "title" if meta.title.is_empty() => {
                    for child in node.children() {
                        if let Node::Text(t) = child.value() {
                            meta.title = tidy(t);
                        }
                    }
                }
                "body" => meta.portal |= e.attrs().any(|(n, v)| n == "id" && v == "nv_portal"),
                "meta" => meta.add(e),
                "link" => {
                    let rel = e.attrs().any(|(n, v)| n == "rel" && v.eq_ignore_ascii_case("canonical"));
                    if rel && meta.canonical.is_none() {
                        meta.canonical = e.attrs().find(|(n, _)| *n == "href").map(|(_, v)| v.trim().to_owned());
                    }
                }
                "base" if meta.base.is_none() => {
                    meta.base = e.attrs().find(|(n, _)| *n == "href").map(|(_, v)| v.trim().to_owned());
                }
                "time" if meta.time.is_none() => {
                    meta.time = e.attrs().find(|(n, _)| *n == "datetime").map(|(_, v)| v.trim().to_owned());
                }
                "script" => {
                    let is_ld =
                        e.attrs().any(|(n, v)| n == "type" && v.trim().eq_ignore_ascii_case("application/ld+json"));
                    if is_ld {
                        for child in node.children() {
                            if let Node::Text(t) = child.value() {
                                meta.add_json(t);
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        meta
    }

    fn add(&mut self, e: &scraper::node::Element) {
        let (mut name, mut content) = (None, None);
        for (key, value) in e.attrs() {
            match key {
                "name" | "property" | "itemprop" => name = Some(value),
                "content" => content = Some(value),
                "http-equiv" if value.eq_ignore_ascii_case("refresh") => self.refresh = true,
                _ => {}
            }
        }
        if let (Some(name), Some(content)) = (name, content) {
            let content = content.trim_matches(is_blank);
            if !content.is_empty() {
                self.metas.push((name.trim().to_ascii_lowercase(), content.to_owned()));
            }
        }
    }

    fn add_json(&mut self, text: &str) {
        if text.len() > MAX_JSON {
            return;
        }
        // Newsrooms put raw line breaks into strings; JSON forbids them.
        let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let clean = clean.trim().trim_end_matches(';');
        if let Ok(value) = serde_json::from_str(clean) {
            self.json_ld.push(value);
        }
    }

    /// Content of the first `meta` with this name that is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.metas.iter().find(|(n, _)| n == name).map(|(_, c)| c.as_str())
    }

    /// The first value under a key of an article-like JSON-LD object, looking into `@graph` and lists.
    pub fn json_ld(&self, key: &str) -> Option<&Value> {
        self.json_ld.iter().find_map(|v| find_ld(v, key, 0))
    }

    /// As [`Meta::json_ld`], as text.
    pub fn json_ld_text(&self, key: &str) -> Option<&str> {
        self.json_ld(key).and_then(Value::as_str).map(str::trim).filter(|s| !s.is_empty())
    }
}

fn find_ld<'a>(value: &'a Value, key: &str, depth: u8) -> Option<&'a Value> {
    if depth > 4 {
        return None;
    }
    match value {
        Value::Array(items) => items.iter().find_map(|v| find_ld(v, key, depth + 1)),
        Value::Object(map) => {
            let article = map.get("@type").is_none_or(is_article_type) || map.contains_key("headline");
            if article && let Some(found) = map.get(key) {
                return Some(found);
            }
            map.get("@graph").or_else(|| map.get("mainEntity")).and_then(|v| find_ld(v, key, depth + 1))
        }
        _ => None,
    }
}

fn is_article_type(value: &Value) -> bool {
    match value {
        Value::String(s) => {
            s.ends_with("Article") || s.ends_with("Posting") || s == "WebPage" || s.ends_with("VideoObject")
        }
        Value::Array(items) => items.iter().any(is_article_type),
        _ => false,
    }
}
