//! Templates, steps and line rules.

use std::ops::Range;

use jiff::civil::Date;
use regex::Regex;

use super::{Cx, Parts};
use crate::sites::at::{At, DateText, StrOr};
use crate::sites::model::{self, HasFields};
use crate::sites::problem::did_you_mean;
use crate::sites::{
    Fields, LineRule, NextRule, Pick, Read, Require, Step, Template, TemplateKind, When, WholeRule, pattern,
};

/// Most pages of one article, unless a file says otherwise.
const MAX_PAGES: u32 = 20;

impl Cx<'_> {
    /// What a file says of its own, apart from what makes it a site.
    pub(super) fn parts(&mut self, model: &model::File) -> Parts {
        Parts {
            templates: model
                .template
                .iter()
                .enumerate()
                .map(|(i, t)| (self.template(t, i, model), t.span.clone()))
                .collect(),
            lines: model.line.iter().filter_map(|l| self.line(l)).collect(),
            fields: self.fields(&model.fields),
            remove: self.css_list(&model.remove),
        }
    }

    fn template(&mut self, template: &At<model::Template>, index: usize, file: &model::File) -> Template {
        let name = match &template.name {
            Some(name) if !name.trim().is_empty() => {
                if let Some(other) =
                    file.template[..index].iter().find(|t| t.name.as_ref().is_some_and(|n| n.value == name.value))
                {
                    let place = self.file.line_column(other.span.start).0;
                    self.error(
                        &name.span,
                        "duplicate-template",
                        format!("there are two templates `{}`", name.value),
                        format!("give it a name of its own; the other one is in line {place}"),
                    );
                }
                name.value.clone()
            }
            _ => {
                self.missing(
                    &template.span,
                    "missing-name",
                    "the template has no name",
                    "add name = \"2024\": records and reports show it",
                );
                format!("#{}", index + 1)
            }
        };
        let (since, until) = (self.day(template.since.as_ref()), self.day(template.until.as_ref()));
        if let (Some(from), Some(to), Some(at)) = (since, until, &template.until)
            && from > to
        {
            self.error(&at.span, "until-before-since", "`until` is before `since`", "swap the two");
        }
        Template {
            name,
            kind: template.kind,
            when: When {
                url: self.regex_list(&template.when.url),
                has: self.css_list(&template.when.has),
                lacks: self.css_list(&template.when.lacks),
            },
            since,
            until,
            fields: self.fields(&template.value),
            remove: self.css_list(&template.remove),
            keep: self.css_list(&template.keep),
            captions: self.css_list(&template.captions),
            next: template.next.as_ref().and_then(|n| self.next(n)),
            whole: template.whole.as_ref().and_then(|w| self.whole(w)),
            require: self.require(&template.require, template.kind),
            lines: template.line.iter().filter_map(|l| self.line(l)).collect(),
            origin: self.place(&template.span),
        }
    }

    fn day(&mut self, text: Option<&At<DateText>>) -> Option<Date> {
        let text = text?;
        let day = text.0.parse::<Date>().ok();
        if day.is_none() {
            self.error(&text.span, "bad-date", format!("`{}` is not a day", text.0), "a day like 2016-01-01");
        }
        day
    }

    fn fields(&mut self, model: &impl HasFields) -> Fields {
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
    fn strip(&mut self, text: &At<String>) -> Option<Regex> {
        match text.strip_prefix('/').and_then(|t| t.strip_suffix('/')).filter(|t| !t.is_empty()) {
            Some(inner) => {
                let regex = pattern::regex_at(self.file, inner, &text.span, self.problems)?;
                if regex.is_match("") && regex.find("净文a1").is_some_and(|m| m.len() == "净文a1".len()) {
                    self.error(
                        &text.span,
                        "matches-everything",
                        "the regex takes everything out",
                        "match only what is to go",
                    );
                }
                Some(regex)
            }
            None => {
                let at = At { value: regex::escape(text), span: text.span.clone() };
                self.regex(&at)
            }
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

    fn next(&mut self, next: &At<StrOr<model::NextTable>>) -> Option<NextRule> {
        match &next.value {
            StrOr::Str(text) => {
                let css = At { value: text.clone(), span: next.span.clone() };
                Some(NextRule { css: self.css(&css)?, text: None, max: MAX_PAGES })
            }
            StrOr::Table(table) => {
                let Some(css) = &table.css else {
                    self.missing(
                        &next.span,
                        "missing-key",
                        "`next` needs `css`",
                        "add css = \"CSS of the link to the next page\"",
                    );
                    return None;
                };
                if let Some(max) = table.max.as_ref().filter(|m| m.value < 2) {
                    self.error(
                        &max.span,
                        "zero",
                        "`max` counts all pages, the first included",
                        "2 or more, or take `next` out",
                    );
                }
                let text = table.text.as_ref().map(|t| self.regex(t));
                Some(NextRule {
                    css: self.css(css)?,
                    text: text.map_or(Some(None), |t| t.map(Some))?,
                    max: table.max.as_ref().map_or(MAX_PAGES, |m| m.value),
                })
            }
        }
    }

    fn whole(&mut self, whole: &At<StrOr<model::WholeTable>>) -> Option<WholeRule> {
        let table = match &whole.value {
            StrOr::Str(text) => {
                let css = At { value: text.clone(), span: whole.span.clone() };
                return Some(WholeRule::Link { css: self.css(&css)?, text: None });
            }
            StrOr::Table(table) => table,
        };
        match (&table.css, &table.from, &table.to) {
            (Some(css), None, None) => {
                let text = table.text.as_ref().map(|t| self.regex(t));
                Some(WholeRule::Link { css: self.css(css)?, text: text.map_or(Some(None), |t| t.map(Some))? })
            }
            (None, Some(from), Some(to)) => {
                let from = self.regex(from)?;
                self.check_groups(&from, to);
                Some(WholeRule::Url { from, to: to.value.clone() })
            }
            _ => {
                self.missing(
                    &whole.span,
                    "missing-key",
                    "`whole` needs `css`, or `from` and `to`",
                    "{ css = \"a\", text = \"全文阅读\" } or { from = '\\.shtml$', to = '_s.shtml' }",
                );
                None
            }
        }
    }

    fn require(&mut self, model: &model::RequireTable, kind: TemplateKind) -> Require {
        let mut fields = Vec::new();
        for name in &model.fields {
            if Fields::NAMES.contains(&name.as_str()) {
                fields.push(name.value.clone());
            } else {
                let help = match did_you_mean(name, Fields::NAMES) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => format!("one of {}", Fields::NAMES.join(", ")),
                };
                self.error(&name.span, "unknown-field", format!("there is no field `{}`", name.value), help);
            }
        }
        if let Some(density) = model.max_link_density.as_ref().filter(|d| !(0.0..=1.0).contains(&d.value)) {
            self.error(
                &density.span,
                "number-range",
                "`max_link_density` is a share of the characters",
                "a number from 0 to 1",
            );
        }
        if let (Some(min), TemplateKind::List | TemplateKind::Skip) = (&model.min_chars, kind) {
            self.error(
                &min.span,
                "require-without-body",
                "pages of this kind have no body to require anything of",
                "take `min_chars` out",
            );
        }
        Require {
            min_chars: model.min_chars.as_ref().map_or(0, |n| n.value as usize),
            fields,
            max_link_density: model.max_link_density.as_ref().map(|d| d.value),
            forbid: self.regex_list(&model.forbid),
        }
    }

    fn line(&mut self, line: &At<model::Line>) -> Option<LineRule> {
        let Some(text) = &line.pattern else {
            self.missing(&line.span, "missing-key", "the line rule has no `match`", "add match = '^regex on the line'");
            return None;
        };
        for (key, number) in
            [("within_last", &line.within_last), ("within_first", &line.within_first), ("max_chars", &line.max_chars)]
        {
            if let Some(number) = number.as_ref().filter(|n| n.value == 0) {
                self.error(&number.span, "zero", format!("`{key}` of 0 never applies"), "1 or more, or take it out");
            }
        }
        let capture = line.capture.as_ref().map(|c| (self.regex(c), c));
        if let Some((Some(regex), at)) = &capture
            && regex.capture_names().flatten().next().is_none()
        {
            let help = "name what is to be kept: '编辑\\s+(?P<编辑>\\S+)'";
            self.error(
                &at.span,
                "capture-without-group",
                "`capture` of a line rule keeps named groups, and there is none",
                help,
            );
        }
        let size = |n: &Option<At<u32>>| n.as_ref().map(|n| n.value as usize);
        Some(LineRule {
            pattern: self.regex(text)?,
            action: line.action.as_ref().map_or(crate::sites::LineAction::Drop, |a| a.value),
            capture: capture.and_then(|(regex, _)| regex),
            within_last: size(&line.within_last),
            within_first: size(&line.within_first),
            max_chars: size(&line.max_chars),
            origin: self.place(&line.span),
        })
    }
}
