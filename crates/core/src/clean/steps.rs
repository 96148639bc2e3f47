//! Reading values by the steps of a selector file.

use std::borrow::Cow;

use ego_tree::NodeId;
use scraper::{ElementRef, Html, Node};
use serde_json::Value;
use url::Url;

use super::blocks::{self, text_of, tidy};
use super::meta::Meta;
use crate::pattern::Pattern;
use crate::sites::plan::{self, Index};
use crate::sites::{Css, Pick, Read, Step};

/// What steps read from.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The tree.
    pub html: &'a Html,
    /// The page's declarations.
    pub meta: &'a Meta,
    /// The page's address.
    pub url: Option<&'a Url>,
    /// Where the elements are that the site's selectors may match; without it every element is tried.
    pub index: Option<&'a Index<'a>>,
}

impl<'a> Source<'a> {
    /// The elements that a selector matches, in page order.
    pub fn select(&self, css: &'a Css) -> impl Iterator<Item = ElementRef<'a>> {
        plan::select(self.html, self.index, css)
    }

    /// The elements that a selector matches inside these elements, or also outside where that costs nothing.
    pub fn select_inside(&self, css: &'a Css, inside: &'a [NodeId]) -> impl Iterator<Item = NodeId> {
        plan::select_inside(self.html, self.index, css, inside)
    }
}

/// What a step for a body found.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Elements of the page.
    Nodes(Vec<NodeId>),
    /// A string that holds markup.
    Markup(String),
    /// Plain text.
    Text(String),
}

/// Most texts that one step gives.
const MAX_VALUES: usize = 200;

/// The texts a step gives, checked and cut; empty ones left out.
pub fn texts(step: &Step, from: &Source<'_>) -> Vec<String> {
    raw(step, from)
        .into_iter()
        .map(|text| if step.html { markup_text(&text) } else { text })
        .filter_map(|text| finish(step, &text))
        .take(MAX_VALUES)
        .collect()
}

/// As [`texts`], without `capture`: for steps whose named groups are roles.
pub fn texts_before_capture(step: &Step, from: &Source<'_>) -> Vec<String> {
    raw(step, from).into_iter().map(|text| if step.html { markup_text(&text) } else { text }).collect()
}

/// Strips, captures and trims a value; `None` if nothing is left or `capture` does not match.
pub fn finish(step: &Step, text: &str) -> Option<String> {
    let mut text = Cow::Borrowed(text);
    for strip in &step.strip {
        if let Cow::Owned(cut) = strip.without(&text) {
            text = Cow::Owned(cut);
        }
    }
    let text = match &step.capture {
        None => text.into_owned(),
        Some(capture) => group(capture, &text)?,
    };
    let text = text.trim_matches(blocks::is_blank);
    (!text.is_empty()).then(|| text.to_owned())
}

/// The first group that matched, or the whole match.
fn group(regex: &Pattern, text: &str) -> Option<String> {
    let c = regex.captures(text)?;
    c.iter().skip(1).flatten().next().or_else(|| c.get(0)).map(|m| m.as_str().to_owned())
}

fn raw(step: &Step, from: &Source<'_>) -> Vec<String> {
    match &step.read {
        Read::Css { selector, attr } => {
            let texts: Vec<String> = from
                .select(selector)
                .filter_map(|e| match attr {
                    Some(attr) => e.attr(attr).map(|v| v.trim().to_owned()),
                    None => Some(text_of(e)),
                })
                .filter(|t| !t.is_empty())
                .take(MAX_VALUES)
                .collect();
            pick(step.pick, texts)
        }
        Read::Meta(name) => from.meta.get(&name.trim().to_lowercase()).map(|v| vec![tidy(v)]).unwrap_or_default(),
        Read::JsonLd(path) => {
            let (key, rest) = path.split_once('.').unwrap_or((path, ""));
            let (key, index) = key.split_once('[').map_or((key, ""), |(k, _)| (k, &key[k.len()..]));
            from.meta.json_ld(key).map(|v| at_path(v, &format!("{index}.{rest}"))).unwrap_or_default()
        }
        Read::Json { script, after, path } => json(from.html, script.as_ref(), after.as_deref())
            .iter()
            .map(|v| at_path(v, path))
            .find(|v| !v.is_empty())
            .unwrap_or_default(),
        Read::Script(regex) => scripts(from.html).filter_map(|text| group(regex, text)).take(1).collect(),
        Read::Url(regex) => from.url.and_then(|u| group(regex, u.as_str())).into_iter().collect(),
        Read::Value(value) => vec![value.clone()],
    }
}

fn pick(pick: Pick, mut texts: Vec<String>) -> Vec<String> {
    match pick {
        Pick::All => texts,
        Pick::First => {
            texts.truncate(1);
            texts
        }
        Pick::Only if texts.len() == 1 => texts,
        Pick::Only => Vec::new(),
        Pick::Longest => texts.into_iter().max_by_key(|t| t.chars().count()).into_iter().collect(),
    }
}

/// What a step for a body finds.
pub fn content(step: &Step, from: &Source<'_>) -> Option<Content> {
    if let Read::Css { selector, attr: None } = &step.read
        && !step.html
        && step.capture.is_none()
    {
        // How much of it counts only where the longest is wanted.
        let most = if step.pick == Pick::Longest { 100_000 } else { 1 };
        let mut nodes: Vec<(NodeId, u32)> =
            from.select(selector).map(|e| (e.id(), visible_text(e, most))).filter(|(_, n)| *n > 0).collect();
        match step.pick {
            Pick::First => nodes.truncate(1),
            Pick::Only if nodes.len() != 1 => nodes.clear(),
            Pick::Longest => nodes = nodes.into_iter().max_by_key(|(_, n)| *n).into_iter().collect(),
            Pick::All => drop_nested(from.html, &mut nodes),
            Pick::Only => {}
        }
        let nodes: Vec<NodeId> = nodes.into_iter().map(|(id, _)| id).collect();
        return (!nodes.is_empty()).then_some(Content::Nodes(nodes));
    }
    let values: Vec<String> = raw(step, from).iter().filter_map(|t| finish(step, t)).collect();
    if values.is_empty() {
        return None;
    }
    let joined = values.join("\n");
    Some(if step.html { Content::Markup(unescape(&joined)) } else { Content::Text(joined) })
}

/// An element inside another of the list would give its text twice.
fn drop_nested(html: &Html, nodes: &mut Vec<(NodeId, u32)>) {
    let ids: Vec<NodeId> = nodes.iter().map(|(id, _)| *id).collect();
    nodes.retain(|(id, _)| html.tree.get(*id).is_some_and(|n| !n.ancestors().any(|a| ids.contains(&a.id()))));
}

/// Characters that show, up to about `most`.
fn visible_text(e: ElementRef<'_>, most: u32) -> u32 {
    let mut chars = 0;
    for node in e.descendants() {
        if let Node::Text(t) = node.value()
            && !node
                .parent()
                .and_then(|p| p.value().as_element().map(|e| matches!(e.name(), "script" | "style")))
                .unwrap_or(false)
        {
            chars += blocks::visible(t);
            if chars >= most {
                break;
            }
        }
    }
    chars
}

/// Markup that was escaped once more (`&lt;p&gt;` in a textarea) is unescaped.
fn unescape(text: &str) -> String {
    if text.contains('<') || !text.contains("&lt;") {
        return text.to_owned();
    }
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}

fn markup_text(text: &str) -> String {
    let html = super::dom::fragment(&unescape(text));
    text_of(html.root_element())
}

/// The texts of all scripts.
fn scripts(html: &Html) -> impl Iterator<Item = &str> {
    html.tree.nodes().filter_map(|n| match n.value() {
        Node::Element(e) if e.name() == "script" => n.first_child().and_then(|c| match c.value() {
            Node::Text(t) => Some(&**t),
            _ => None,
        }),
        _ => None,
    })
}

/// JSON values of the scripts that are asked for.
fn json(html: &Html, script: Option<&Css>, after: Option<&Pattern>) -> Vec<Value> {
    let chosen: Vec<&str> = match script {
        Some(selector) => html
            .select(selector)
            .filter_map(|e| e.first_child().and_then(|c| c.value().as_text().map(|t| &**t)))
            .collect(),
        None => scripts(html).collect(),
    };
    chosen
        .into_iter()
        .filter_map(|text| {
            let text = match after {
                Some(after) => &text[after.find(text)?.end()..],
                None => text,
            };
            first_json(text)
        })
        .collect()
}

/// The JSON value that a text begins with; what stands behind it (`;`, more script) does not matter.
fn first_json(text: &str) -> Option<Value> {
    let text = text.trim_start();
    if !text.starts_with(['{', '[', '"']) {
        return None;
    }
    serde_json::Deserializer::from_str(text).into_iter::<Value>().next()?.ok()
}

/// Texts at a path: `a.b`, `a[0].b`, `a[].b` (all items). Numbers and booleans count as text.
pub fn at_path(value: &Value, path: &str) -> Vec<String> {
    let mut here: Vec<&Value> = vec![value];
    for part in path.split('.').filter(|p| !p.is_empty()) {
        let (key, indices) = part.split_once('[').map_or((part, None), |(k, i)| (k, Some(i)));
        if !key.is_empty() {
            here = here.into_iter().filter_map(|v| v.get(key)).collect();
        }
        for index in indices.into_iter().flat_map(|i| i.split('[')).map(|i| i.trim_end_matches(']')) {
            here = match index.parse::<usize>() {
                Ok(n) => here.into_iter().filter_map(|v| v.get(n)).collect(),
                Err(_) => here.into_iter().filter_map(Value::as_array).flatten().collect(),
            };
        }
    }
    here.into_iter().filter_map(text_value).filter(|t| !t.trim().is_empty()).collect()
}

fn text_value(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        Value::Object(map) => map.get("name").or_else(|| map.get("@value")).and_then(text_value),
        Value::Array(items) => items.first().and_then(text_value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let v: Value = serde_json::json!({"a": {"b": [{"c": "x"}, {"c": 2}]}, "t": "y"});
        assert_eq!(at_path(&v, "a.b[].c"), ["x", "2"]);
        assert_eq!(at_path(&v, "a.b[1].c"), ["2"]);
        assert_eq!(at_path(&v, "t"), ["y"]);
        assert!(at_path(&v, "a.z").is_empty());
    }

    #[test]
    fn json_with_script_behind_it() {
        assert_eq!(first_json(" {\"a\":1}; window.x = 2").map(|v| at_path(&v, "a")), Some(vec!["1".to_owned()]));
        assert_eq!(first_json("var x"), None);
    }
}
