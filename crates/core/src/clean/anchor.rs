//! Which `a` elements lead elsewhere, and which lead to an attached file.

use jingwen_dom::file_ending;
use scraper::node::Element;

/// An `a` that leads somewhere: not a mark in the text (`name`, `id` without an address), not a button (`javascript:`).
pub fn is_link(e: &Element) -> bool {
    match e.attr("href") {
        Some(href) => {
            let href = href.trim();
            !href.get(..11).is_some_and(|scheme| scheme.eq_ignore_ascii_case("javascript:"))
        }
        // Addresses are left out of the tree where nobody asks for them; an anchor has a name in their place.
        None => e.attr("name").is_none() && e.attr("id").is_none(),
    }
}

/// A link to a document or an archive.
pub fn is_attachment(e: &Element) -> bool {
    e.attr("href").is_some_and(|href| file_ending(href).is_some())
}
