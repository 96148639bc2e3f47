//! The report: one HTML file that needs nothing else, runs nothing and loads nothing.
//!
//! Pages are hostile until shown otherwise: everything of theirs is escaped, nothing of theirs becomes a link or an address,
//! and a policy in the report forbids scripts and any request to the network.

use std::fmt::Write as _;

use super::trace::method;
use super::{Fate, Inspection};

const STYLE: &str = include_str!("report.css");

/// Makes the report.
pub fn report(i: &Inspection) -> String {
    let mut out = String::with_capacity(i.lines.len() * 200 + 8192);
    let title = i.cleaned.article.as_ref().ok().and_then(|r| r.title.as_deref()).unwrap_or(&i.name);
    // Writing to a String cannot fail, so results are dropped here and below.
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{} · jingwen inspect</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
        escape(title)
    );
    head(&mut out, i);
    lines(&mut out, i);
    record(&mut out, i);
    templates(&mut out, i);
    hits(&mut out, i);
    out.push_str("</body>\n</html>\n");
    out
}

fn head(out: &mut String, i: &Inspection) {
    let count = |fate: Fate| i.lines.iter().filter(|l| l.fate == fate).count();
    let _ = write!(out, "<header>\n<h1>{}</h1>\n<dl>\n", escape(&i.name));
    let mut row = |key: &str, value: &str| {
        let _ = writeln!(out, "<dt>{key}</dt><dd>{}</dd>", escape(value));
    };
    row("address", i.url.as_deref().unwrap_or("not known: no selector file can apply (--url says it)"));
    match &i.site {
        Some((id, file)) => row("site", &format!("{id} ({file})")),
        None => row("site", "no selector file covers it"),
    }
    let outcome = match &i.cleaned.article {
        Ok(r) => format!(
            "{} by {}, {} characters",
            format!("{:?}", r.kind).to_lowercase(),
            method(&i.cleaned),
            r.text.chars().filter(|c| !c.is_whitespace()).count()
        ),
        Err(r) => format!("no article: {} ({})", r.reason, r.detail),
    };
    row("outcome", &outcome);
    row("template", i.cleaned.template.as_deref().unwrap_or("none"));
    row("container", &i.container);
    let ms = |d: std::time::Duration| format!("{:.2} ms", d.as_secs_f64() * 1000.0);
    row(
        "time",
        &format!(
            "{} for the record; here, with everything kept: decoding {}, parsing {} ({} characters)",
            ms(i.timings.clean),
            ms(i.timings.decode),
            ms(i.timings.parse),
            i.chars
        ),
    );
    let _ = write!(
        out,
        "</dl>\n</header>\n<input type=\"checkbox\" id=\"only\"><label for=\"only\">hide what is outside of the container</label>\n\
         <p class=\"legend\"><span class=\"kept\">kept {}</span> <span class=\"trimmed\">kept in part {}</span> <span class=\"read\">read as something else {}</span> \
         <span class=\"cut\">cut {}</span> <span class=\"outside\">outside {}</span></p>\n",
        count(Fate::Kept),
        count(Fate::Trimmed),
        count(Fate::Read),
        count(Fate::Cut),
        count(Fate::Outside)
    );
}

fn lines(out: &mut String, i: &Inspection) {
    out.push_str("<table class=\"lines\">\n<thead><tr><th>text</th><th>rule</th><th>score</th><th>element</th></tr></thead>\n<tbody>\n");
    for line in &i.lines {
        let class = match line.fate {
            Fate::Kept => "kept",
            Fate::Trimmed => "trimmed",
            Fate::Read => "read",
            Fate::Cut => "cut",
            Fate::Outside => "outside",
        };
        let origin = line.origin.as_deref().map(|o| format!(" <small>{}</small>", escape(o))).unwrap_or_default();
        let _ = writeln!(
            out,
            "<tr class=\"{class}\"><td>{}</td><td>{}{origin}</td><td class=\"n\">{:.0}</td><td class=\"place\">{}</td></tr>",
            escape(&line.text),
            escape(&line.rule),
            line.score,
            escape(&line.place)
        );
    }
    out.push_str("</tbody>\n</table>\n");
    if !i.unplaced.is_empty() {
        out.push_str("<h2>Body that stands in a script</h2>\n<table class=\"lines\"><tbody>\n");
        for line in &i.unplaced {
            let _ = writeln!(out, "<tr class=\"kept\"><td>{}</td></tr>", escape(line));
        }
        out.push_str("</tbody></table>\n");
    }
}

fn record(out: &mut String, i: &Inspection) {
    out.push_str("<h2>Record</h2>\n");
    let json = match &i.cleaned.article {
        Ok(record) => serde_json::to_string_pretty(record),
        Err(r) => serde_json::to_string_pretty(&serde_json::json!({ "rejected": r.reason, "detail": r.detail })),
    };
    let _ = writeln!(out, "<pre>{}</pre>", escape(&json.unwrap_or_else(|e| format!("cannot be shown: {e}"))));
}

fn templates(out: &mut String, i: &Inspection) {
    if i.tried.is_empty() {
        return;
    }
    out.push_str("<h2>Templates</h2>\n<table>\n<tbody>\n");
    for t in &i.tried {
        let _ = writeln!(
            out,
            "<tr class=\"{}\"><td>{}</td><td>{}</td></tr>",
            if t.won { "kept" } else { "outside" },
            escape(&t.template),
            escape(&t.why)
        );
    }
    out.push_str("</tbody>\n</table>\n");
}

fn hits(out: &mut String, i: &Inspection) {
    if i.hits.is_empty() {
        return;
    }
    out.push_str(
        "<h2>Selectors of the file</h2>\n<table>\n<thead><tr><th>template</th><th>key</th><th>selector or step</th><th>found</th><th>first</th></tr></thead>\n<tbody>\n",
    );
    for h in &i.hits {
        let _ = writeln!(
            out,
            "<tr class=\"{}\"><td>{}</td><td>{}</td><td><code>{}</code></td><td class=\"n\">{}</td><td>{}</td></tr>",
            if h.found > 0 { "hit" } else { "miss" },
            escape(&h.template),
            escape(h.key),
            escape(&h.rule),
            h.found,
            escape(&h.sample)
        );
    }
    out.push_str("</tbody>\n</table>\n");
}

/// Text for HTML, in elements and attributes. Characters that could turn the reading direction around are shown as such.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => {
                out.push('\u{fffd}')
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_page_is_markup() {
        assert_eq!(escape("<a href=\"x\">'&\u{0}\u{202e}"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;\u{fffd}\u{fffd}");
    }
}
