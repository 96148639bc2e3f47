//! What in a declared title names the site, and not the article.

use super::byline::is_han;
use super::meta::Meta;
use super::title::{last_separator, squash, strip_suffix};

/// Least characters of a name that is looked for inside another.
const MIN_INSIDE: usize = 4;

/// True if a text names the site: as the page declares it, as its host does, or by the first letters of its words.
pub fn names_site(text: &str, meta: &Meta) -> bool {
    let name = squash(text);
    if name.is_empty() {
        return false;
    }
    let publisher = meta.json_ld("publisher").and_then(|p| p.get("name")).and_then(serde_json::Value::as_str);
    let declared = ["og:site_name", "application-name", "apple-mobile-web-app-title"].into_iter();
    let mut declared = declared.filter_map(|key| meta.get(key)).chain(publisher).map(squash).filter(|d| !d.is_empty());
    let agrees = |d: &String| {
        let (n, d_n) = (name.chars().count(), d.chars().count());
        *d == name || d_n >= MIN_INSIDE && name.contains(d) && n <= d_n * 3 || n >= MIN_INSIDE && d.contains(&name)
    };
    declared.any(|d| agrees(&d)) || meta.host.as_deref().is_some_and(|host| names_host(text, &name, host))
}

fn names_host(text: &str, name: &str, host: &str) -> bool {
    let host = host.strip_prefix("www.").unwrap_or(host);
    let labels: Vec<&str> = host.split('.').collect();
    let own = &labels[..labels.len().saturating_sub(1)];
    let n = name.chars().count();
    let whole: String = squash(host);
    if name == whole || n >= MIN_INSIDE && own.iter().any(|label| squash(label).contains(name)) {
        return true;
    }
    if own.iter().any(|label| label.len() >= MIN_INSIDE && name.contains(&squash(label)) && n <= label.len() * 3) {
        return true;
    }
    // University of Somewhere: uos.example
    let words = text.split(|c: char| !c.is_alphanumeric());
    let initials: String = words.filter_map(|w| w.chars().next()).filter(|c| c.is_uppercase()).collect();
    let initials = initials.to_lowercase();
    initials.len() >= 3 && own.contains(&initials.as_str())
}

/// Cuts the site's name off both ends of a declared title, and what [`strip_suffix`] knows by its wording.
pub fn without_site(title: &str, meta: &Meta) -> String {
    let mut text = title.trim();
    for _ in 0..4 {
        let Some((at, len)) = last_separator(text) else { break };
        let (head, tail) = (text[..at].trim_end(), text[at + len..].trim());
        let bar = text[at..].starts_with(['|', '｜', '»', '•']);
        if squash(head).chars().count() < 3 || !(names_site(tail, meta) || bar && is_label(head, tail)) {
            break;
        }
        text = head;
    }
    if let Some((at, c)) = text.char_indices().find(|(_, c)| matches!(c, '|' | '｜' | '-' | '–' | '—' | '»'))
        && text[..at].ends_with(' ')
        && names_site(&text[..at], meta)
        && squash(&text[at + c.len_utf8()..]).chars().count() >= 8
    {
        return without_site(&text[at + c.len_utf8()..], meta);
    }
    if text.chars().any(is_han) {
        strip_suffix(text)
    } else {
        text.trim_end_matches([' ', '|', '-', '–', '—']).to_owned()
    }
}

/// A few words behind a bar, in Latin letters: a site's or a section's name.
fn is_label(head: &str, tail: &str) -> bool {
    let words = |s: &str| s.split_whitespace().count();
    !tail.chars().any(is_han) && words(tail) <= 5 && words(head) >= 3 && words(head) >= words(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(host: &str, name: &str) -> Meta {
        let metas = vec![("og:site_name".to_owned(), name.to_owned())];
        Meta { host: Some(host.to_owned()), metas, ..Meta::default() }
    }

    #[test]
    fn names_of_sites() {
        let meta = meta("www.harbour-times.example", "The Harbour Times");
        for text in ["Harbour Times", "The Harbour Times", "harbour-times.example"] {
            assert!(names_site(text, &meta), "{text}");
        }
        assert!(!names_site("Harbour wall repaired before the winter storms", &meta));
        assert!(names_site("University of Tall Trees", &self::meta("utt.example", "")));
    }

    #[test]
    fn declared_titles() {
        let meta = meta("harbour-times.example", "Harbour Times");
        for (title, want) in [
            ("Wall repaired before storms | News | Harbour Times", "Wall repaired before storms"),
            ("Wall repaired - Harbour Times", "Wall repaired"),
            ("Harbour Times - Wall repaired before storms", "Wall repaired before storms"),
            ("Notes on a wall - Part 1", "Notes on a wall - Part 1"),
            ("Four reasons to visit - and one not to", "Four reasons to visit - and one not to"),
            ("深圳地铁四条新线本周试跑_深圳新闻网", "深圳地铁四条新线本周试跑"),
        ] {
            assert_eq!(without_site(title, &meta), want);
        }
    }
}
