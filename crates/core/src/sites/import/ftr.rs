//! fivefilters/ftr-site-config: `title: //h1`, `strip_id_or_class: share`, one directive a line.
//!
//! Every line is carried over or stands in the result as a comment that says why it could not be.

use std::fmt::Write as _;

use super::xpath::{self, Found};
use crate::sites::problem::did_you_mean;

/// A selector file made from another tool's.
#[derive(Debug)]
pub struct Imported {
    /// The file, as TOML.
    pub toml: String,
    /// Lines that were carried over.
    pub carried: usize,
    /// Lines that could not be, with the reason: they stand in the file as comments.
    pub dropped: Vec<(usize, String)>,
}

/// Directives that say how their program works, or what markup it should keep: nothing is lost with them.
const NEEDLESS: &[(&str, &str)] = &[
    ("tidy", "pages are parsed as browsers do"),
    ("prune", "the body is taken as selected; name in `remove` what is noise"),
    ("parser", "pages are parsed as browsers do"),
    ("autodetect_on_failure", "the generic extractor steps in by itself"),
    ("autodetect_next_page", "say the link in `next`"),
    ("insert_detected_image", "pictures are found in the body"),
    ("skip_json_ld", "JSON-LD is read only where a step says so"),
    ("strip_attr", "text has no attributes"),
    ("post_strip_attr", "text has no attributes"),
    ("strip_comments", "comments are never text"),
    ("convert_double_br_tags", "`br` ends a paragraph anyway"),
    ("wrap_in", "text has no elements"),
    ("dissolve", "text has no elements"),
    ("move_into", "text has no elements"),
    ("footnotes", "links of the text are not kept"),
    ("src_lazy_load_attr", "lazy pictures are found anyway"),
    ("single_page_link_in_feed", "feeds are read for addresses alone"),
];

/// Directives that matter and have no counterpart.
const IMPOSSIBLE: &[(&str, &str)] = &[
    ("find_string", "markup is not rewritten before it is parsed; try `strip` on a field"),
    ("replace_string", "markup is not rewritten before it is parsed; try `strip` on a field"),
    ("http_header", "headers are the same for all sites: [http] in jingwen.toml"),
    ("requires_login", "there are no logins"),
    ("login_uri", "there are no logins"),
    ("login_username_field", "there are no logins"),
    ("login_password_field", "there are no logins"),
    ("login_extra_fields", "there are no logins"),
    ("not_logged_in_xpath", "there are no logins"),
    ("if_page_contains", "say it in `when` of a template of its own"),
    ("skip_id_or_class", "name it in `keep` by hand"),
];

const CARRIED: [&str; 13] = [
    "title",
    "body",
    "author",
    "date",
    "strip",
    "strip_id_or_class",
    "strip_image_src",
    "native_ad_clue",
    "next_page_link",
    "single_page_link",
    "test_url",
    "test_contains",
    "if_page_contains",
];

/// Turns a file of fivefilters/ftr-site-config into a selector file. `stem` is its name without `.txt`, which is the host.
pub fn ftr(stem: &str, text: &str) -> Imported {
    let mut file = Draft::default();
    let mut dropped = Vec::new();
    let mut carried = 0;
    for (i, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match file.line(line) {
            Ok(()) => carried += 1,
            Err(why) => {
                file.comments.push(format!("line {}: {line}\n  {why}", i + 1));
                dropped.push((i + 1, why));
            }
        }
    }
    Imported { toml: file.toml(stem), carried, dropped }
}

#[derive(Default)]
struct Draft {
    title: Vec<String>,
    body: Vec<String>,
    authors: Vec<String>,
    published: Vec<String>,
    remove: Vec<String>,
    advertisements: Vec<String>,
    next: Option<String>,
    whole: Option<String>,
    tests: Vec<(String, Vec<String>)>,
    comments: Vec<String>,
}

impl Draft {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let (key, value) = line.split_once(':').ok_or("not a directive: `name: value`")?;
        let (key, value) = (key.trim().to_lowercase(), value.trim());
        let bare = key.split('(').next().unwrap_or_default();
        if let Some((_, why)) = NEEDLESS.iter().chain(IMPOSSIBLE).find(|(name, _)| *name == bare) {
            return Err((*why).to_owned());
        }
        if value.is_empty() {
            return Err("says nothing".to_owned());
        }
        match key.as_str() {
            "title" => push(&mut self.title, step(value, false)?),
            "body" => push(&mut self.body, step(value, value.contains('|'))?),
            "author" => push(&mut self.authors, step(value, true)?),
            "date" => push(&mut self.published, step(value, false)?),
            "strip" => push(&mut self.remove, element(value)?),
            "strip_id_or_class" => {
                let part = xpath::quoted(value.trim_matches(['"', '\'']));
                push(&mut self.remove, format!("[id*={part}], [class*={part}]"));
            }
            "strip_image_src" => {
                push(&mut self.remove, format!("img[src*={}]", xpath::quoted(value.trim_matches(['"', '\'']))))
            }
            "native_ad_clue" => push(&mut self.advertisements, element(value)?),
            "next_page_link" => once(&mut self.next, link(value)?)?,
            "single_page_link" => once(&mut self.whole, link(value)?)?,
            "test_url" => self.tests.push((value.to_owned(), Vec::new())),
            "test_contains" => {
                let (_, texts) = self.tests.last_mut().ok_or("there is no `test_url` above it")?;
                texts.push(value.to_owned());
            }
            _ => {
                return Err(match did_you_mean(&key, CARRIED) {
                    Some(near) => format!("not a directive; did it mean `{near}`?"),
                    None => "not a directive that is known".to_owned(),
                });
            }
        }
        Ok(())
    }

    fn toml(&self, stem: &str) -> String {
        // Writing to a String cannot fail, so results are dropped here.
        let mut out = String::from("#:schema ../schema/selectors.schema.json\n");
        let host = stem.trim_start_matches('.').to_lowercase();
        let hosts: Vec<String> = if stem.starts_with('.') {
            vec![host.clone(), format!("*.{host}")]
        } else if let Some(bare) = host.strip_prefix("www.") {
            vec![host.clone(), bare.to_owned()]
        } else {
            vec![host.clone(), format!("www.{host}")]
        };
        let _ = writeln!(out, "# Imported from fivefilters/ftr-site-config, {stem}.txt: look it over, and add tests.");
        let _ = writeln!(out, "name = {}\nhosts = {}\nconfidence = \"low\"", string(&host), strings(&hosts));
        let remove = |out: &mut String| {
            if !self.remove.is_empty() {
                let _ = writeln!(out, "remove = {}", strings(&self.remove));
            }
        };
        if self.body.is_empty() {
            remove(&mut out);
        }
        for comment in &self.comments {
            let _ = writeln!(out, "\n# Not carried over, {}", comment.replace('\n', "\n# "));
        }
        if !self.advertisements.is_empty() {
            let _ = writeln!(out, "\n[[template]]\nname = \"advertisement\"\nkind = \"skip\"");
            let css = self.advertisements.join(", ");
            let _ = writeln!(out, "when = {{ has = [{}] }}", string(&css));
        }
        let steps = |out: &mut String, key: &str, steps: &[String]| {
            if !steps.is_empty() {
                let _ = writeln!(out, "{key} = {}", list(steps));
            }
        };
        if self.body.is_empty() {
            let _ = writeln!(out, "\n# The original names no body: the generic extractor finds it.");
            let _ = writeln!(out, "[fields]");
        } else {
            let _ = writeln!(out, "\n[[template]]\nname = \"imported\"");
        }
        steps(&mut out, "title", &self.title);
        steps(&mut out, "body", &self.body);
        steps(&mut out, "authors", &self.authors);
        steps(&mut out, "published", &self.published);
        if !self.body.is_empty() {
            remove(&mut out);
            for (key, value) in [("next", &self.next), ("whole", &self.whole)] {
                if let Some(value) = value {
                    let _ = writeln!(out, "{key} = {value}");
                }
            }
        }
        for (url, texts) in &self.tests {
            let _ = writeln!(out, "\n# Save the page into pages/, name it here, and run `jingwen test --update`:");
            let _ = writeln!(out, "# [[test]]\n# page = \"\"\n# url = {}", string(url));
            if !texts.is_empty() {
                let _ = writeln!(out, "# contains = {}", strings(texts).replace('\n', "\n# "));
            }
        }
        out
    }
}

fn push(list: &mut Vec<String>, item: String) {
    if !list.contains(&item) {
        list.push(item);
    }
}

fn once(slot: &mut Option<String>, value: String) -> Result<(), String> {
    if slot.is_some() {
        return Err("there can be one; the first was taken".to_owned());
    }
    *slot = Some(value);
    Ok(())
}

/// An XPath of elements, as CSS.
fn element(value: &str) -> Result<String, String> {
    match xpath::css(value)? {
        Found { css, attr: None, text: None, capture: None } => Ok(css),
        Found { text: Some(_), .. } => Err("elements cannot be selected by their text; use a [[line]] rule".to_owned()),
        _ => Err("not an element".to_owned()),
    }
}

/// An XPath of a link, as `next` and `whole` have it.
fn link(value: &str) -> Result<String, String> {
    let found = xpath::css(value)?;
    if found.capture.is_some() || found.attr.as_ref().is_some_and(|a| a != "href") {
        return Err("not a link".to_owned());
    }
    Ok(match found.text {
        Some(text) => format!("{{ css = {}, text = {} }}", string(&found.css), string(&text)),
        None => string(&found.css),
    })
}

/// An XPath of a value, as a step.
fn step(value: &str, all: bool) -> Result<String, String> {
    let found = xpath::css(value)?;
    if found.text.is_some() {
        return Err("elements cannot be selected by their text; use `capture`".to_owned());
    }
    let mut table = Vec::new();
    match meta(&found) {
        Some(name) => table.push(format!("meta = {}", string(name))),
        None => {
            table.push(format!("css = {}", string(&found.css)));
            if let Some(attr) = &found.attr {
                table.push(format!("attr = {}", string(attr)));
            }
            if all {
                table.push("pick = \"all\"".to_owned());
            }
        }
    }
    if let Some(capture) = &found.capture {
        table.push(format!("capture = {}", string(capture)));
    }
    Ok(if table.len() == 1 && found.attr.is_none() {
        string(&found.css)
    } else {
        format!("{{ {} }}", table.join(", "))
    })
}

/// The name in `meta[property="…"]` whose `content` is read.
fn meta(found: &Found) -> Option<&str> {
    let inner = found.css.strip_prefix("meta[")?.strip_suffix("\"]")?;
    let (key, name) = inner.split_once("=\"")?;
    let plain = ["name", "property", "itemprop"].contains(&key) && !name.contains(['"', '[', ',']);
    (plain && found.attr.as_deref() == Some("content")).then_some(name)
}

fn string(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn strings(items: &[String]) -> String {
    list(&items.iter().map(|i| string(i)).collect::<Vec<_>>())
}

fn list(items: &[String]) -> String {
    match items {
        [one] => format!("[{one}]"),
        several if several.iter().map(String::len).sum::<usize>() < 90 => format!("[{}]", several.join(", ")),
        several => format!("[\n{}]", several.iter().map(|i| format!("  {i},\n")).collect::<String>()),
    }
}
