//! Places in a selector file's text, so that a change leaves the rest as a person wrote it.

use std::ops::Range;

/// Bytes from a template's `[[template]]` to the next header that is not its own.
pub fn block(text: &str, template: &str) -> Option<Range<usize>> {
    let starts: Vec<usize> = lines(text).filter(|(_, line)| header(line).is_some()).map(|(at, _)| at).collect();
    let own = |at: usize| header(&text[at..]).is_some_and(|h| h.starts_with("template."));
    for (n, &start) in starts.iter().enumerate() {
        if header(&text[start..]) != Some("template") {
            continue;
        }
        let end = starts[n + 1..].iter().copied().find(|at| !own(*at)).unwrap_or(text.len());
        let named = toml::from_str::<toml::Table>(&text[start..end]).ok().is_some_and(|table| {
            table.get("template").and_then(|t| t.get(0)?.get("name")?.as_str()).is_some_and(|name| name == template)
        });
        if named {
            return Some(start..end);
        }
    }
    None
}

/// Where the first template stands, its comments included; the end of the text if there is none.
pub fn first_template(text: &str) -> usize {
    let mut comment = None;
    for (at, line) in lines(text) {
        if header(line) == Some("template") {
            return comment.unwrap_or(at);
        }
        comment = line.starts_with('#').then(|| comment.unwrap_or(at));
    }
    text.len()
}

/// Where further tables of a template's block may stand: behind its last line that is neither empty nor a comment.
pub fn end_of_block(text: &str, block: &Range<usize>) -> usize {
    let inside = &text[block.clone()];
    let last = lines(inside).filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#')).last();
    last.map_or(block.end, |(at, line)| block.start + at + line.len())
}

/// Bytes of a key's line in a template's block: where it begins, and where its value does.
pub fn key(text: &str, block: &Range<usize>, name: &str) -> Option<(usize, usize)> {
    let inside = &text[block.clone()];
    // Keys of the template itself stand before its tables.
    let own = lines(inside).skip(1).find(|(_, line)| header(line).is_some()).map_or(inside.len(), |(at, _)| at);
    lines(&inside[..own]).find_map(|(at, line)| {
        let rest = line.trim_start().strip_prefix(name)?.trim_start().strip_prefix('=')?.trim_start();
        Some((block.start + at, block.start + at + line.len() - rest.len()))
    })
}

/// Lines with where they begin, without their ends.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        (start, line.trim_end_matches(['\n', '\r']))
    })
}

/// `template.line` of `[[template.line]]`, at the beginning of a line.
fn header(line: &str) -> Option<&str> {
    let line = line.lines().next().unwrap_or_default();
    let rest = line.strip_prefix('[')?;
    rest.trim_start_matches('[').split(']').next().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "name = \"x\"\n\n# About a.\n[[template]]\nname = \"a\"\nbody = \".a\"\n[[template.line]]\nmatch = '^x'\n\
                        \n# About b.\n[[template]]\nname = \"b\"\nremove = [\".r\"]\n\n[[test]]\npage = \"p\"\n";

    #[test]
    fn places() {
        let a = block(TEXT, "a").unwrap();
        assert!(TEXT[a.clone()].starts_with("[[template]]\nname = \"a\"") && TEXT[a.clone()].ends_with("# About b.\n"));
        assert!(TEXT[..end_of_block(TEXT, &a)].ends_with("match = '^x'"));
        assert_eq!(key(TEXT, &a, "match"), None);
        let b = block(TEXT, "b").unwrap();
        let (line, value) = key(TEXT, &b, "remove").unwrap();
        assert!(TEXT[line..].starts_with("remove") && TEXT[value..].starts_with("[\".r\"]"));
        assert!(TEXT[first_template(TEXT)..].starts_with("# About a."));
        assert_eq!(block(TEXT, "c"), None);
    }
}
