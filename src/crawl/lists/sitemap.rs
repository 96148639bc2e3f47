//! Sitemaps, indexes of sitemaps, news sitemaps, and lists of addresses in plain text.

use super::date::{latest, timestamp};
use super::items::{Field, Form, Item, Items};
use super::markup::{Tokens, local};
use super::{Entry, ListOutcome, ListProblem, Source};

const FORM: Form =
    Form { items: &["url", "sitemap"], fields: &["loc", "lastmod", "publication_date", "pubtime", "image", "video"] };

/// Reads a sitemap whose root element has this name.
pub fn read(tokens: Tokens<'_>, root: &str, source: &Source<'_>) -> ListOutcome {
    let mut out = ListOutcome::default();
    for item in Items::new(tokens, root, FORM) {
        let Some(address) = address(&item) else {
            // One that the end of the document cuts off.
            match item.is_cut {
                true => out.problems.add(ListProblem::Broken, "an item without its end"),
                false => out.problems.add(ListProblem::NoAddress, ""),
            }
            continue;
        };
        let text = |name| item.all(name).map(|field| field.text.trim()).find(|text| !text.is_empty());
        let lastmod = text("lastmod");
        let published = text("publication_date").or_else(|| text("pubtime"));
        let is_sitemap = local(item.name).eq_ignore_ascii_case("sitemap");
        out.add(source.base, address, |url| Entry {
            url,
            at: published.and_then(timestamp).or_else(|| lastmod.and_then(timestamp)),
            changed: lastmod.and_then(latest),
            is_sitemap,
        });
    }
    out.settled("a sitemap without addresses")
}

/// The page's address: the item's own `loc`. Pictures and films have one as well, in a namespace or an element of theirs.
fn address<'i>(item: &'i Item<'_>) -> Option<&'i str> {
    let is_page = |field: &&Field<'_>| {
        item.owns(field)
            && !field.text.trim().is_empty()
            && field.parent.is_none_or(|parent| {
                let parent = local(parent);
                !parent.eq_ignore_ascii_case("image") && !parent.eq_ignore_ascii_case("video")
            })
    };
    item.direct("loc").find(is_page).or_else(|| item.all("loc").find(is_page)).map(|field| field.text.trim())
}

/// Reads a list of addresses in plain text, one a line; `None` if it has none.
pub fn plain(text: &str, source: &Source<'_>) -> Option<ListOutcome> {
    let mut out = ListOutcome::default();
    for line in text.lines() {
        let Some(word) = line.trim_start_matches('\u{feff}').split_ascii_whitespace().next() else { continue };
        let is_address = ["http://", "https://", "//"]
            .iter()
            .any(|start| word.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)));
        match is_address {
            true => out.add(source.base, word, Entry::new),
            false => out.problems.add(ListProblem::BadAddress, format!("the first is `{word}`")),
        }
    }
    (!out.entries.is_empty()).then_some(out)
}
