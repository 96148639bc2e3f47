//! RSS of all versions, Atom, JSON Feed.

use serde_json::Value;
use url::Url;

use super::date::timestamp;
use super::items::{Field, Form, Item, Items};
use super::markup::{Tag, Tokens, attribute};
use super::{Entry, ListOutcome, ListProblem, Source};

const FORM: Form = Form {
    items: &["item", "entry"],
    fields: &[
        "link",
        "origlink",
        "guid",
        "id",
        "pubdate",
        "date",
        "published",
        "issued",
        "created",
        "updated",
        "modified",
    ],
};

/// Names of the date of publication, the best first.
const PUBLISHED: &[&str] = &["pubdate", "published", "issued", "date", "created"];
/// … and of the last change.
const CHANGED: &[&str] = &["updated", "modified"];

/// Reads a feed whose root element this is.
pub fn read(tokens: Tokens<'_>, root: &Tag<'_>, source: &Source<'_>) -> ListOutcome {
    let mut out = ListOutcome::default();
    let base = based(source.base, root.attributes);
    for item in Items::new(tokens, root.name, FORM) {
        let base = based(&base, item.attributes);
        let Some((base, address)) = address(&item, &base) else {
            match item.is_cut {
                true => out.problems.add(ListProblem::Broken, "an item without its end"),
                false => out.problems.add(ListProblem::NoAddress, ""),
            }
            continue;
        };
        let date = |names: &[&'static str]| {
            names.iter().flat_map(|name| item.all(name)).find_map(|field| timestamp(&field.text))
        };
        let changed = date(CHANGED);
        out.add(&base, &address, |url| Entry { url, at: date(PUBLISHED).or(changed), changed, is_sitemap: false });
    }
    out.settled("a feed without items")
}

/// The address that relative ones count from, as `xml:base` changes it.
fn based(base: &Url, attributes: &str) -> Url {
    attribute(attributes, "xml:base").and_then(|to| base.join(to.trim()).ok()).unwrap_or_else(|| base.clone())
}

/// An item's address as written, and what it counts from: its link; without one a guid or id that is an address.
fn address(item: &Item<'_>, base: &Url) -> Option<(Url, String)> {
    // Where a service counts clicks, `link` is the service's.
    let original = item.direct("origlink").map(|field| plain(&field.text)).find(|text| is_address(text));
    if let Some(original) = original {
        return Some((base.clone(), original));
    }
    // Other vocabularies have links too: `atom:link` in RSS is the feed's own.
    let own = |field: &&Field<'_>| item.owns(field);
    let is_page = |field: &Field<'_>| {
        field.attribute("rel").is_none_or(|rel| rel.trim().is_empty() || rel.trim().eq_ignore_ascii_case("alternate"))
    };
    let links = item.direct("link").filter(own).chain(item.direct("link").filter(|field| !item.owns(field)));
    // One in another form of the article (JSON, an app's) is the last resort.
    let is_html = |field: &&Field<'_>| field.attribute("type").is_none_or(|kind| kind.contains("html"));
    let (pages, others): (Vec<_>, Vec<_>) = links.filter(|field| is_page(field)).partition(is_html);
    let links = pages.into_iter().chain(others).chain(item.all("link").filter(|field| field.parent.is_some()));
    for link in links {
        let text = link.text.trim();
        let to = match link.attribute("href") {
            Some(href) if !href.trim().is_empty() => href.trim().to_owned(),
            // Links in the HTML of a description have no text that is an address.
            _ if text.is_empty() || link.parent.is_some() && !is_address(text) => continue,
            _ => plain(text),
        };
        return Some((based(base, link.attributes), to));
    }
    let is_permanent =
        |field: &&Field<'_>| field.attribute("isPermaLink").is_none_or(|is| !is.trim().eq_ignore_ascii_case("false"));
    let is_path = |field: &&Field<'_>| field.attribute("isPermaLink").is_some() && field.text.trim().starts_with('/');
    if let Some(path) = item.direct("guid").filter(is_permanent).find(is_path) {
        return Some((base.clone(), path.text.trim().to_owned()));
    }
    let named = item.direct("guid").filter(is_permanent).chain(item.direct("id").filter(own));
    let named = named.map(|field| plain(&field.text)).find(|text| is_address(text));
    let about = || attribute(item.attributes, "rdf:about").map(|about| about.trim().to_owned());
    named.or_else(|| about().filter(|text| is_address(text))).map(|to| (base.clone(), to))
}

/// A link's text, without a CDATA section that was escaped.
fn plain(text: &str) -> String {
    let text = text.trim();
    text.strip_prefix("<![CDATA[").map_or(text, |inner| inner.trim_end_matches("]]>")).trim().to_owned()
}

fn is_address(text: &str) -> bool {
    let starts = |with: &str| text.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with));
    (starts("http://") || starts("https://")) && !text.contains(char::is_whitespace)
}

/// Reads a JSON Feed; `None` if it is not one.
pub fn json(value: &Value, source: &Source<'_>) -> Option<ListOutcome> {
    let items = value.get("items")?.as_array()?;
    let mut out = ListOutcome::default();
    for item in items {
        let text = |name: &str| item.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        let address = text("url").or_else(|| text("external_url")).or_else(|| text("id").filter(|id| is_address(id)));
        let changed = text("date_modified").and_then(timestamp);
        let at = text("date_published").and_then(timestamp).or(changed);
        out.add(source.base, address.unwrap_or_default(), |url| Entry { url, at, changed, is_sitemap: false });
    }
    Some(out.settled("a feed without items"))
}
