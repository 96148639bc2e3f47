//! What a page declares about itself: `title`, `meta`, JSON-LD, `link rel=canonical`.

use scraper::{Html, Node};
use serde_json::{Map, Value};

use super::blocks::{is_blank, tidy};

/// A page's declarations, in page order.
#[derive(Debug, Default)]
pub struct Meta {
    /// Text of the first `title` that has any.
    pub title: String,
    /// Lower-case, trimmed name (`name`, `property` or `itemprop`) and content of every `meta` that has both.
    pub metas: Vec<(String, String)>,
    /// Host of the page's address, as far as it is known.
    pub host: Option<String>,
    /// Value of `link rel=canonical`.
    pub canonical: Option<String>,
    /// Value of `base href`.
    pub base: Option<String>,
    /// Value of `html lang`.
    pub lang: Option<String>,
    /// JSON-LD blocks, undecodable ones left out.
    pub json_ld: Vec<Value>,
    /// `datetime` of the first `time` element below the first heading, else of the first; one marked as that of publication
    /// before any.
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
        let (mut headed, mut rank) = (false, 0);
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
                "h1" => headed = true,
                "time" if rank < 3 => {
                    let here = if says_published(e) { 3 } else { 1 + u8::from(headed) };
                    let value = e.attrs().find(|(n, _)| *n == "datetime").map(|(_, v)| v.trim());
                    if let Some(value) = value.filter(|v| here > rank && !v.is_empty() && !says_modified(e)) {
                        (meta.time, rank) = (Some(value.to_owned()), here);
                    }
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
        let clean = unwrap(&clean);
        // … and a comma behind the last value.
        let value = serde_json::from_str(clean).or_else(|_| serde_json::from_str(&without_last_commas(clean)));
        if let Ok(value) = value {
            self.json_ld.push(value);
        }
    }

    /// False where the page declares that its article has to be paid for (schema.org, `isAccessibleForFree`).
    pub fn is_free(&self) -> bool {
        let paid = |value: &Value| match value {
            Value::Bool(free) => !free,
            Value::String(text) => text.eq_ignore_ascii_case("false"),
            _ => false,
        };
        !self.json_ld("isAccessibleForFree").is_some_and(paid)
    }

    /// Content of the first `meta` with this name that is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.metas.iter().find(|(n, _)| n == name).map(|(_, c)| c.as_str())
    }

    /// A key of the JSON-LD object that describes this article: one of an article's type before a page's, and the one whose
    /// headline the page has before another article's. Lists, `@graph` and `mainEntity` are looked into.
    pub fn json_ld(&self, key: &str) -> Option<&Value> {
        let mut nodes: Vec<(i32, &Map<String, Value>)> = Vec::new();
        self.json_ld.iter().for_each(|v| collect(v, &self.title, &mut nodes, 0));
        nodes.sort_by_key(|(rank, _)| -rank);
        let best = nodes.first()?.0;
        // Where an article has this page's headline, what others say is of no interest.
        let own = nodes.into_iter().filter(|(rank, _)| best < OWN || *rank >= OWN || *rank <= PAGE);
        own.filter_map(|(_, map)| map.get(key)).find(|v| !v.is_null())
    }

    /// As [`Meta::json_ld`], as text.
    pub fn json_ld_text(&self, key: &str) -> Option<&str> {
        self.json_ld(key).and_then(Value::as_str).map(str::trim).filter(|s| !s.is_empty())
    }

    /// Names of the persons that JSON-LD gives as authors.
    pub fn json_ld_authors(&self) -> Vec<String> {
        let name = |v: &Value| -> Option<String> {
            let map = v.as_object()?;
            let person = map.get("@type").is_none_or(|t| t == "Person");
            let name = map.get("name")?.as_str()?.trim();
            (person && !name.is_empty() && name.chars().count() <= 40).then(|| name.to_owned())
        };
        match self.json_ld("author") {
            Some(Value::Array(all)) => all.iter().filter_map(name).collect(),
            Some(one) => name(one).into_iter().collect(),
            None => Vec::new(),
        }
    }
}

/// A `time` that is marked as that of publication: `itemprop=datePublished`, `class="entry-date published"`.
fn says_published(e: &scraper::node::Element) -> bool {
    names(e).any(|v| ["datepublished", "published", "pubdate", "entry-date"].iter().any(|w| v.contains(w)))
        && !says_modified(e)
}

/// A `time` that is marked as that of the last change.
fn says_modified(e: &scraper::node::Element) -> bool {
    let mut all = names(e);
    let marked = all.any(|v| ["updated", "modified"].iter().any(|w| v.contains(w)));
    // WordPress marks one time as both where nothing changed.
    marked && !names(e).any(|v| v.contains("published"))
}

fn names(e: &scraper::node::Element) -> impl Iterator<Item = String> + '_ {
    e.attrs().filter(|(n, _)| matches!(*n, "class" | "itemprop")).map(|(_, v)| v.to_ascii_lowercase())
}

/// Rank of an object that describes the page, and least rank of an article with this page's headline.
const PAGE: i32 = 1;
const OWN: i32 = 10;

fn collect<'a>(value: &'a Value, title: &str, nodes: &mut Vec<(i32, &'a Map<String, Value>)>, depth: u8) {
    if depth > 4 {
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|v| collect(v, title, nodes, depth + 1)),
        Value::Object(map) => {
            let kind = map.get("@type");
            let rank = match kind {
                Some(t) if is_article_type(t) => 3,
                Some(t) if is_page_type(t) => PAGE,
                _ if map.contains_key("headline") => 2,
                None => 0,
                Some(_) => -1,
            };
            if rank >= 0 {
                let headline =
                    map.get("headline").or_else(|| map.get("name")).and_then(Value::as_str).unwrap_or_default();
                let (own, page) = (super::title::squash(headline), super::title::squash(title));
                let agrees = rank >= 2
                    && own.chars().count() >= 4
                    && (page.contains(&own) || own.contains(&page) && !page.is_empty());
                nodes.push((if agrees { rank + OWN } else { rank }, map));
            }
            for key in ["@graph", "mainEntity", "mainEntityOfPage"] {
                map.get(key).into_iter().for_each(|v| collect(v, title, nodes, depth + 1));
            }
        }
        _ => {}
    }
}

/// The JSON inside a comment or a `CDATA` section.
fn unwrap(text: &str) -> &str {
    let mut text = text.trim();
    for (open, close) in [("<!--", "-->"), ("//<![CDATA[", "//]]>"), ("<![CDATA[", "]]>"), ("/*<![CDATA[*/", "/*]]>*/")]
    {
        if let Some(rest) = text.strip_prefix(open) {
            text = rest.trim().strip_suffix(close).unwrap_or(rest).trim();
        }
    }
    text.trim_end_matches(';').trim()
}

/// The text without commas before a closing bracket, those inside strings left as they are.
fn without_last_commas(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut inside, mut escaped) = (false, false);
    for c in text.chars() {
        if matches!(c, '}' | ']') && !inside {
            let end = out.trim_end().len();
            if out[..end].ends_with(',') {
                out.truncate(end - 1);
            }
        }
        inside ^= c == '"' && !escaped;
        escaped = inside && c == '\\' && !escaped;
        out.push(c);
    }
    out
}

fn is_article_type(value: &Value) -> bool {
    match value {
        Value::String(s) => s.ends_with("Article") || s.ends_with("Posting") || s == "Report" || s == "Review",
        Value::Array(items) => items.iter().any(is_article_type),
        _ => false,
    }
}

fn is_page_type(value: &Value) -> bool {
    match value {
        Value::String(s) => s.ends_with("Page") || s.ends_with("VideoObject"),
        Value::Array(items) => items.iter().any(is_page_type),
        _ => false,
    }
}
