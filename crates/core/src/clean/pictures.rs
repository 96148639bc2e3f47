//! The address of a picture, where lazy loading hides it, and pictures that stand for text.

use jingwen_dom::PICTURE_SOURCES as SOURCES;
use scraper::node::Element;

/// Attributes with several addresses, each with a width or density.
pub const SETS: &[&str] = &["data-srcset", "data-lazy-srcset", "srcset"];

/// The address of an `img`; `None` if it is a dot that counts readers.
pub fn source(e: &Element) -> Option<&str> {
    let tiny =
        |name| e.attr(name).and_then(|v| v.trim().trim_end_matches("px").parse::<u32>().ok()).is_some_and(|n| n <= 2);
    if tiny("width") || tiny("height") {
        return None;
    }
    let plain =
        SOURCES.iter().filter_map(|s| e.attr(s)).map(str::trim).find(|v| !v.is_empty() && !v.starts_with("data:"));
    // A placeholder is all that `src` holds where a set is given.
    let lazy = SOURCES[..SOURCES.len() - 1].iter().any(|s| e.attr(s).is_some_and(|v| !v.trim().is_empty()));
    let set = SETS.iter().find_map(|s| e.attr(s)).and_then(largest);
    if lazy { plain } else { set.or(plain) }
}

/// The address of a `source` of a `picture` element.
pub fn of_source(e: &Element) -> Option<&str> {
    let kind = e.attr("type").unwrap_or_default();
    let of_picture = kind.is_empty() || kind.starts_with("image/");
    SETS.iter().filter(|_| of_picture).find_map(|s| e.attr(s)).and_then(largest)
}

/// The picture that an element without an `img` shows by its style.
pub fn background(e: &Element) -> Option<&str> {
    let style = e.attr("style").filter(|s| s.contains("background"))?;
    let (_, rest) = style.split_once("url(")?;
    let address = rest.split(')').next()?.trim().trim_matches(['"', '\'']);
    (!address.is_empty() && !address.starts_with("data:")).then_some(address)
}

/// The widest of several addresses, `a.jpg 400w, b.jpg 800w`; the first where they are for screens of several densities.
fn largest(set: &str) -> Option<&str> {
    let parts = || set.split(", ").map(str::trim).filter(|p| !p.is_empty() && !p.starts_with("data:"));
    let width =
        |part: &str| -> Option<u32> { part.rsplit(char::is_whitespace).next()?.strip_suffix('w')?.parse().ok() };
    let widest = parts().filter(|p| width(p).is_some()).max_by_key(|p| width(p));
    let address = widest.or_else(|| parts().next())?.split_whitespace().next()?;
    Some(address.trim_end_matches(','))
}

/// Text that a picture stands for: an emoji, a formula.
pub fn spoken(e: &Element) -> Option<&str> {
    let alt = e.attr("alt").map(str::trim).filter(|a| !a.is_empty())?;
    let names = e.attr("class").unwrap_or_default();
    let address = e.attr("src").unwrap_or_default();
    let has = |words: &[&str]| words.iter().any(|w| names.contains(w) || address.contains(w));
    let symbols = alt.chars().count() <= 12 && alt.chars().all(|c| !c.is_alphanumeric() && !c.is_ascii());
    let emoji = symbols || has(&["emoji", "emoticon", "smilie"]) && alt.chars().count() <= 12;
    let formula = has(&["latex", "formula", "equation", "math", "tex-image"]) && alt.len() <= 400;
    (emoji || formula).then_some(alt)
}
