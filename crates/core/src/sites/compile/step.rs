//! Fields and their steps.

use std::ops::Range;
use std::sync::Arc;

use super::Cx;
use crate::pattern::Pattern;
use crate::sites::at::{At, StrOr};
use crate::sites::model::{self, HasFields};
use crate::sites::{Fields, Pick, Read, Step, pattern};

impl Cx<'_> {
    pub(super) fn fields(&mut self, model: &impl HasFields) -> Fields {
        let mut fields = Fields::default();
        for (name, steps) in model.fields() {
            let compiled: Vec<Step> = steps.iter().filter_map(|step| self.step(step, name)).collect();
            if let Some(field) = fields.get_mut(name) {
                *field = compiled;
            }
        }
        fields
    }

    fn step(&mut self, step: &At<model::Step>, field: &str) -> Option<Step> {
        let table = match &step.value {
            StrOr::Str(text) => {
                let text = At { value: text.clone(), span: step.span.clone() };
                let selector = self.css(&text)?;
                return Some(Step {
                    read: Read::Css { selector, attr: None },
                    pick: Pick::default(),
                    strip: Vec::new(),
                    capture: None,
                    format: None,
                    html: false,
                });
            }
            StrOr::Table(table) => table,
        };
        if let (Some(format), false) = (&table.format, matches!(field, "published" | "modified")) {
            self.error(
                &format.span,
                "format-without-date",
                format!("`format` says nothing about `{field}`"),
                "`format` is for `published` and `modified`",
            );
        }
        let format = table.format.as_ref().filter(|f| self.date_format(f)).map(|f| f.value.clone());
        let strip = table.strip.iter().filter_map(|s| self.strip(s)).collect();
        let capture = table.capture.as_ref().map(|c| self.regex(c));
        let read = self.read(table, &step.span)?;
        Some(Step {
            read,
            pick: table.pick.as_ref().map(|p| p.value).unwrap_or_default(),
            strip,
            capture: match capture {
                Some(capture) => Some(capture?),
                None => None,
            },
            format,
            html: table.html,
        })
    }

    fn read(&mut self, table: &model::StepTable, span: &Range<usize>) -> Option<Read> {
        let sources = [
            ("css", &table.css),
            ("meta", &table.meta),
            ("jsonld", &table.jsonld),
            ("json", &table.json),
            ("script", &table.script),
            ("url", &table.url),
            ("value", &table.value),
        ];
        let given: Vec<&str> = sources.iter().filter(|(_, v)| v.is_some()).map(|&(k, _)| k).collect();
        match given[..] {
            [_] | ["css", "json"] => {}
            [] => {
                self.missing(
                    span,
                    "step-reads-nothing",
                    "the step does not say where to read",
                    "add one of css, meta, jsonld, json, script, url, value",
                );
                return None;
            }
            _ => {
                let list = given.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(" and ");
                let help = "write a list of steps, [{ … }, { … }]: the first that gives a value wins";
                self.error(span, "step-reads-twice", format!("the step reads from {list}"), help);
                return None;
            }
        }
        let css_only = [("attr", table.attr.as_ref().map(|a| &a.span)), ("pick", table.pick.as_ref().map(|p| &p.span))];
        for (key, at) in css_only {
            if let (Some(at), false) = (at, given == ["css"]) {
                self.error(at, "key-without-css", format!("`{key}` goes with `css`"), "take it out, or read by `css`");
            }
        }
        if let (Some(after), None) = (&table.after, &table.json) {
            self.error(
                &after.span,
                "after-without-json",
                "`after` goes with `json`",
                "add json = \"path\", or use script = 'regex' alone",
            );
        }
        for (_, text) in sources {
            if let Some(text) = text.as_ref().filter(|t| t.trim().is_empty()) {
                self.error(&text.span, "empty", "nothing is said here", "write where to read, or take the entry out");
                return None;
            }
        }
        if let Some(path) = &table.json {
            self.json_path(path);
            let script = table.css.as_ref().map(|css| self.css(css));
            let after = table.after.as_ref().map(|after| self.regex(after));
            return Some(Read::Json {
                script: script.map_or(Some(None), |s| s.map(Some))?,
                after: after.map_or(Some(None), |a| a.map(Some))?,
                path: path.value.clone(),
            });
        }
        if let Some(css) = &table.css {
            return Some(Read::Css { selector: self.css(css)?, attr: table.attr.as_ref().map(|a| a.value.clone()) });
        }
        if let Some(meta) = &table.meta {
            return Some(Read::Meta(meta.trim().to_owned()));
        }
        if let Some(path) = &table.jsonld {
            self.json_path(path);
            return Some(Read::JsonLd(path.value.clone()));
        }
        if let Some(script) = &table.script {
            return self.regex(script).map(Read::Script);
        }
        if let Some(url) = &table.url {
            return self.regex(url).map(Read::Url);
        }
        table.value.as_ref().map(|value| Read::Value(value.value.clone()))
    }

    /// Literal text, or a regex between slashes.
    fn strip(&mut self, text: &At<String>) -> Option<Arc<Pattern>> {
        match text.strip_prefix('/').and_then(|t| t.strip_suffix('/')).filter(|t| !t.is_empty()) {
            Some(inner) => {
                let regex = pattern::shared(self.file, inner, &text.span, self.patterns, self.problems)?;
                if !self.patterns.trusts(self.file)
                    && regex.is_match("")
                    && regex.find("净文a1").is_some_and(|m| m.as_str() == "净文a1")
                {
                    self.error(
                        &text.span,
                        "matches-everything",
                        "the regex takes everything out",
                        "match only what is to go",
                    );
                }
                Some(regex)
            }
            None => pattern::shared(self.file, &regex::escape(text), &text.span, self.patterns, self.problems),
        }
    }

    /// Whether a date's pattern is one: it is tried on a day of our own.
    fn date_format(&mut self, format: &At<String>) -> bool {
        let help = if !format.contains('%') {
            let guess = format
                .replace("yyyy", "%Y")
                .replace("YYYY", "%Y")
                .replace("MM", "%m")
                .replace("dd", "%d")
                .replace("DD", "%d")
                .replace("HH", "%H")
                .replace("hh", "%H")
                .replace("mm", "%M")
                .replace("ss", "%S");
            if guess == format.value {
                "a pattern like \"%Y年%m月%d日 %H:%M\"".to_owned()
            } else {
                format!("write \"{guess}\"")
            }
        } else {
            let sample = jiff::civil::date(2024, 5, 6).at(7, 8, 9, 0).to_zoned_datetime(jiff::tz::TimeZone::UTC);
            let tried = sample
                .map_err(|e| e.to_string())
                .and_then(|day| jiff::fmt::strtime::format(&format.value, &day).map_err(|e| e.to_string()))
                .and_then(|text| jiff::fmt::strtime::parse(&format.value, text).map_err(|e| e.to_string()));
            match tried {
                Ok(_) => return true,
                Err(error) => format!("{error}; the signs are those of strptime: %Y %m %d %H %M %S"),
            }
        };
        self.error(&format.span, "bad-date-format", format!("`{}` is not a date format", format.value), help);
        false
    }
}
