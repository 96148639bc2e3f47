//! Which rule let noise through, or cut what should be there: the question one has when `contains` or `excludes` fails.

use url::Url;

use super::compare::Difference;
use crate::clean::{Body, Page};
use crate::inspect::{self, Fate, Shown};
use crate::sites::Sites;
use crate::sites::load::Set;

/// Adds to differences of the text where on the page it stands and what decided about it.
pub fn blame(differences: &mut [Difference], sites: &Sites, files: &Set, bytes: &[u8], url: Option<&Url>) {
    if !differences.iter().any(|d| matches!(d.what.as_str(), "contains" | "excludes")) {
        return;
    }
    let page = Page { url, body: Body::Html(bytes), content_type: None, fetched_at: None };
    let seen = inspect::inspect("", &page, sites, files, false);
    for difference in differences {
        let said = match difference.what.as_str() {
            "contains" => difference.expected.as_deref().and_then(|wanted| missing(&seen.lines, wanted)),
            "excludes" => difference.expected.as_deref().and_then(|e| {
                let unwanted = e.strip_prefix("no “")?.strip_suffix('”')?;
                let line = seen.lines.iter().find(|l| is_in_text(l) && l.text.contains(unwanted))?;
                Some(format!("it stands in `{}` and no rule takes it out ({})", line.place, seen.container))
            }),
            _ => None,
        };
        if let Some(said) = said {
            difference.note = Some(match difference.note.take() {
                Some(note) => format!("{note}; {said}"),
                None => said,
            });
        }
    }
}

fn is_in_text(line: &Shown) -> bool {
    matches!(line.fate, Fate::Kept | Fate::Trimmed)
}

/// What became of a line that should be in the text.
fn missing(lines: &[Shown], wanted: &str) -> Option<String> {
    let line = lines.iter().find(|l| !is_in_text(l) && l.text.contains(wanted))?;
    let origin = line.origin.as_deref().map(|o| format!(", {o}")).unwrap_or_default();
    Some(format!("on the page it is in `{}`: {}{origin}", line.place, line.rule))
}
