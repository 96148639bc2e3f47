//! Templates and line rules.

use jiff::civil::Date;

use super::{Cx, Parts};
use crate::sites::at::{At, DateText, StrOr};
use crate::sites::model;
use crate::sites::problem::did_you_mean;
use crate::sites::{Fields, LineRule, NextRule, Require, Template, TemplateKind, When, WholeRule};

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
            strict: template.strict,
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
            && !self.patterns.trusts(self.file)
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
            is_common: self.file.id == crate::sites::load::COMMON,
        })
    }
}
