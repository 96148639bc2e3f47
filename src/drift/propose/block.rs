//! A block that came into the container: out of it by `remove`, and a line that it begins with by a line rule.

use scraper::{ElementRef, Html, Selector};

use super::{Draft, Problem, look, text};
use crate::clean::{decode, dom};
use crate::drift::warning::Warning;
use crate::learn::Input;

/// Takes new kinds of blocks out of a template's container.
pub fn propose(draft: &mut Draft<'_>, warning: &Warning, pages: &[Input]) -> Result<String, Problem> {
    let name = warning.template.clone().unwrap_or_default();
    let sites = draft.compile(None)?;
    let kinds: Vec<&str> = warning.looked_for.split(" | ").collect();
    let shows = |page: &&Input| {
        let cleaned = look(page, &sites);
        cleaned.template.as_deref() == Some(&name)
            && cleaned.watched.is_some_and(|w| w.kinds.iter().any(|k| kinds.contains(&k.as_str())))
    };
    let odd: Vec<&Input> = pages.iter().filter(shows).collect();
    if odd.is_empty() {
        return Err(Problem::NoPages(pages.len()));
    }
    let owner = draft.owner(&name).ok_or_else(|| Problem::NoTemplate(name.clone()))?;
    let old = draft.text(&owner).unwrap_or_default().to_owned();
    let block = text::block(&old, &name).ok_or_else(|| Problem::NoTemplate(name.clone()))?;
    let trees: Vec<Html> = odd
        .iter()
        .map(|page| {
            let decoded = decode::decode(&page.bytes, page.content_type.as_deref(), None);
            dom::document(&decoded.text, &dom::Keep { all: true, ..dom::Keep::default() })
        })
        .collect();
    let container = body_of(&old[block.clone()]);
    let elements: Vec<String> =
        kinds.iter().filter(|k| !k.starts_with('“')).filter_map(|k| selector(k, container.as_deref())).collect();
    let elements = outermost(elements, &trees);
    let mut new = with_removed(&old, &name, &elements);
    let mut texts = without(draft, &owner, &new, &odd)?;
    // What the elements did not take along needs a rule of its own.
    let labels: Vec<&str> = kinds.iter().filter_map(|k| k.strip_prefix('“')?.strip_suffix('”')).collect();
    let left: Vec<&str> = labels
        .into_iter()
        .filter(|label| !label.contains('0'))
        .filter(|label| texts.iter().flat_map(|t| t.lines()).any(|line| squashed(line).starts_with(label)))
        .collect();
    if !left.is_empty() {
        new = with_line_rules(&new, &name, &left);
        texts = without(draft, &owner, &new, &odd)?;
    }
    let fits = texts.len();
    draft.texts.insert(owner, new);
    let what: Vec<String> = elements.into_iter().chain(left.into_iter().map(|l| format!("lines with “{l}”"))).collect();
    Ok(format!(
        "out of the container of `{name}`: {}; seen on {} pages, {fits} of them still give a text",
        what.join(", "),
        odd.len()
    ))
}

/// Texts that the pages give with a changed file.
fn without(draft: &Draft<'_>, owner: &str, text: &str, pages: &[&Input]) -> Result<Vec<String>, Problem> {
    let sites = draft.compile(Some((owner, text)))?;
    Ok(pages.iter().filter_map(|p| look(p, &sites).article.ok()).map(|record| record.text).collect())
}

fn squashed(line: &str) -> String {
    line.chars().filter(|c| !c.is_whitespace()).collect()
}

/// The container's selector, if it is a plain one.
fn body_of(block: &str) -> Option<String> {
    let table: toml::Table = toml::from_str(block).ok()?;
    let body = table.get("template")?.get(0)?.get("body")?.clone();
    let first = body.as_array().and_then(|all| all.first().cloned()).unwrap_or(body);
    first.as_str().or_else(|| first.get("css")?.as_str()).map(str::to_owned)
}

/// A kind as a selector; one without a name of its own only inside the container.
fn selector(kind: &str, container: Option<&str>) -> Option<String> {
    match kind.contains(['.', '#']) {
        true => Some(kind.to_owned()),
        false => container.filter(|c| !c.contains(',')).map(|c| format!("{c} {kind}")),
    }
}

/// Those that find something and do not stand inside what another one finds.
fn outermost(all: Vec<String>, trees: &[Html]) -> Vec<String> {
    let parsed: Vec<(String, Selector)> =
        all.into_iter().filter_map(|css| Selector::parse(&css).ok().map(|s| (css, s))).collect();
    let found = |s: &Selector| trees.iter().flat_map(|t| t.select(s)).map(|e| (e.id(), e)).collect::<Vec<_>>();
    let within = |e: ElementRef<'_>, outer: &Selector| {
        e.ancestors().filter_map(ElementRef::wrap).any(|above| outer.matches(&above))
    };
    parsed
        .iter()
        .filter(|(css, own)| {
            let elements = found(own);
            let covered = |outer: &Selector| elements.iter().all(|(_, e)| within(*e, outer));
            !elements.is_empty() && !parsed.iter().any(|(other, outer)| other != css && covered(outer))
        })
        .map(|(css, _)| css.clone())
        .collect()
}

/// The file with these in the template's `remove`.
fn with_removed(old: &str, template: &str, selectors: &[String]) -> String {
    let (mut out, Some(block)) = (old.to_owned(), text::block(old, template)) else { return old.to_owned() };
    if selectors.is_empty() {
        return out;
    }
    let quoted: Vec<String> = selectors.iter().map(|css| toml::Value::from(css.as_str()).to_string()).collect();
    let quoted = quoted.join(", ");
    match text::key(old, &block, "remove") {
        Some((_, value)) if old[value..].starts_with('[') => {
            let empty = old[value + 1..].trim_start().starts_with(']');
            out.insert_str(value + 1, &if empty { quoted } else { format!("{quoted}, ") });
        }
        Some((_, value)) => {
            let end = old[value..].find('\n').map_or(old.len(), |n| value + n);
            let one = old[value..end].trim_end();
            out.replace_range(value..value + one.len(), &format!("[{quoted}, {one}]"));
        }
        None => {
            let at =
                text::key(old, &block, "body").or_else(|| text::key(old, &block, "name")).map_or(block.end, |k| k.0);
            out.insert_str(at, &format!("remove = [{quoted}]\n"));
        }
    }
    out
}

/// The file with line rules at the end of the template.
fn with_line_rules(old: &str, template: &str, labels: &[&str]) -> String {
    let (mut out, Some(block)) = (old.to_owned(), text::block(old, template)) else { return old.to_owned() };
    let at = text::end_of_block(old, &block);
    let rules: String = labels
        .iter()
        .map(|label| {
            // White space inside of the label was not noted.
            let pattern: Vec<String> = label.chars().map(|c| regex::escape(&c.to_string())).collect();
            let pattern = toml::Value::from(format!("^{}", pattern.join(r"\s*")));
            format!("\n[[template.line]]\nmatch = {pattern}\naction = \"drop\"")
        })
        .collect();
    out.insert_str(at, &rules);
    out
}
