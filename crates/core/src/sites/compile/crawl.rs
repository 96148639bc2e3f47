//! `[crawl]`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use regex::Regex;
use url::Url;

use super::Cx;
use crate::pattern::Pattern;
use crate::schedule::{self, Schedule};
use crate::sites::at::{At, Many, StrOr};
use crate::sites::json_path::BadPath;
use crate::sites::recheck::RecheckAge;
use crate::sites::{CrawlRules, JsonPath, JsonRule, LinkTemplate, ListRule, StatusAction, model, pattern};
use crate::units::{Hours, Rate, Span};
use crate::urls::UrlRules;

impl Cx<'_> {
    pub(super) fn crawl(&mut self, model: &model::Crawl) -> CrawlRules {
        CrawlRules {
            seeds: self.urls(&model.seeds, "seeds"),
            feeds: self.urls(&model.feeds, "feeds"),
            sitemaps: self.urls(&model.sitemaps, "sitemaps"),
            lists: model.lists.iter().filter_map(|l| self.list(l)).collect(),
            articles: self.regex_list(&model.articles),
            deny: self.regex_list(&model.deny),
            urls: UrlRules {
                rewrite: model.rewrite.iter().filter_map(|r| self.rewrite(r)).collect(),
                drop_query: model.drop_query.iter().map(|k| k.value.clone()).collect(),
                keep_query: model.keep_query.as_ref().map(|keys| keys.iter().map(|k| k.value.clone()).collect()),
            },
            links: self.css_list(&model.links),
            interval: model.rate.as_ref().and_then(|rate| {
                let interval = rate.parse::<Rate>().ok().map(|r| r.interval);
                if interval.is_none() {
                    let zero = rate.trim_start().starts_with('0');
                    let help = if zero {
                        "a rate above zero; a site that is not to be crawled is left out of `sites` in jingwen.toml"
                    } else {
                        "requests per time: \"1/s\", \"1/3s\", \"20/m\""
                    };
                    self.error(&rate.span, "bad-rate", format!("`{}` is not a rate", rate.value), help);
                }
                interval
            }),
            concurrency: model.concurrency.as_ref().map(|n| {
                if n.value == 0 {
                    self.error(&n.span, "zero", "`concurrency` of 0 would never fetch", "1 or more");
                }
                n.value
            }),
            quiet: model.quiet.iter().filter_map(|hours| self.hours(hours)).collect(),
            per_day: model.per_day.as_ref().map(|n| self.not_zero(n, "per_day")),
            refresh: model.refresh.as_ref().and_then(|text| self.duration(text)),
            on_status: self.on_status(&model.on_status),
            schedule: model.schedule.as_ref().map(|s| self.schedule(s)),
            since: model.since.as_ref().and_then(|text| self.duration(text)),
            recheck: model.recheck.as_ref().and_then(|text| self.recheck(text)),
            limit: model.limit.as_ref().map(|n| self.not_zero(n, "limit")),
            max_pages: model.max_pages.as_ref().map(|n| self.not_zero(n, "max_pages")),
            requests: self.requests(model),
        }
    }

    fn not_zero(&mut self, n: &At<u64>, key: &str) -> u64 {
        if n.value == 0 {
            self.error(&n.span, "zero", format!("`{key}` of 0 would never fetch"), "1 or more");
        }
        n.value
    }

    fn duration(&mut self, text: &At<String>) -> Option<Duration> {
        let duration = text.parse::<Span>().ok().map(|s| s.0).filter(|d| !d.is_zero());
        if duration.is_none() {
            let message = format!("`{}` is not a duration", text.value);
            self.error(&text.span, "bad-duration", message, "\"90s\", \"15m\", \"6h\", \"1d\"");
        }
        duration
    }

    fn recheck(&mut self, text: &At<String>) -> Option<Duration> {
        match text.parse::<RecheckAge>() {
            Ok(age) => Some(age.0),
            Err(message) => {
                self.error(&text.span, "bad-duration", message, "\"48h\"");
                None
            }
        }
    }

    fn hours(&mut self, text: &At<String>) -> Option<Hours> {
        let hours = text.parse::<Hours>().ok();
        if hours.is_none() {
            self.error(
                &text.span,
                "bad-hours",
                format!("`{}` are no hours of a day", text.value),
                "when they begin and end: \"00:00-06:30\", \"22:30-06:00\"",
            );
        }
        hours
    }

    fn urls(&mut self, list: &Many<String>, key: &str) -> Vec<Url> {
        list.iter()
            .filter_map(|text| {
                let help = match Url::parse(text) {
                    Ok(url) if matches!(url.scheme(), "http" | "https") => return Some(url),
                    Ok(url) if url.scheme() == "file" => {
                        "only http and https are fetched; saved pages go to `jingwen clean`".to_owned()
                    }
                    Ok(_) | Err(url::ParseError::RelativeUrlWithoutBase) => {
                        format!(
                            "write it in full: \"https://{}\"",
                            text.trim_start_matches('/').trim_start_matches("https:").trim_start_matches("http:")
                        )
                    }
                    Err(error) => error.to_string(),
                };
                self.error(
                    &text.span,
                    "bad-url",
                    format!("`{}` in `{key}` is not an http(s) address", text.value),
                    help,
                );
                None
            })
            .collect()
    }

    fn list(&mut self, list: &At<StrOr<model::JsonList>>) -> Option<ListRule> {
        match &list.value {
            StrOr::Str(text) => {
                let url = pattern::shared(self.file, text, &list.span, self.patterns, self.problems)?;
                Some(ListRule { url, json: None })
            }
            StrOr::Table(table) => {
                let Some(url) = &table.url else {
                    self.missing(&list.span, "missing-key", "a list needs `url`", "add url = 'regex over the address'");
                    return None;
                };
                let json = self.json_rule(table);
                Some(ListRule { url: self.regex(url)?, json })
            }
        }
    }

    fn json_rule(&mut self, table: &model::JsonList) -> Option<Arc<JsonRule>> {
        let mut paths = Vec::new();
        for path in &table.json {
            match JsonPath::parse(path) {
                Ok(path) => paths.push(path),
                Err(bad) => self.bad_path(path, bad, "a path into JSON"),
            }
        }
        let link = table.link.as_ref().and_then(|text| match LinkTemplate::parse(text) {
            Ok(link) => Some(link),
            Err(bad) => {
                self.bad_path(text, bad, "an address made of an item's values");
                None
            }
        });
        if let (Some(text), true) = (&table.link, table.json.is_empty()) {
            let help = "add json = 'data[]', the path to the items that the address is made of";
            self.error(&text.span, "link-without-json", "`link` goes with `json`", help);
        }
        (!paths.is_empty()).then(|| Arc::new(JsonRule { paths, link }))
    }

    fn bad_path(&mut self, text: &At<String>, bad: BadPath, what: &str) {
        let span = pattern::inside(self.file, &text.span, text, bad.at);
        self.error(&span, "bad-path", format!("`{}` is not {what}", text.value), bad.help);
    }

    fn rewrite(&mut self, rule: &At<model::Rewrite>) -> Option<(Arc<Pattern>, String)> {
        let (Some(from), Some(to)) = (&rule.from, &rule.to) else {
            self.missing(
                &rule.span,
                "missing-key",
                "a rewrite needs `from` and `to`",
                "{ from = 'regex', to = 'what is put in its place' }",
            );
            return None;
        };
        let regex = self.regex(from)?;
        self.check_groups(&regex, to);
        Some((regex, to.value.clone()))
    }

    /// That the groups a replacement names are there: one that is not would be replaced by nothing.
    pub(super) fn check_groups(&mut self, regex: &Pattern, to: &At<String>) {
        if self.patterns.trusts(self.file) {
            return;
        }
        let Ok(reference) = Regex::new(r"\$(?:\{([^}]*)\}|([0-9A-Za-z_]+))") else { return };
        for found in reference.captures_iter(&to.value.replace("$$", "  ")) {
            let Some(name) = found.get(1).or(found.get(2)) else { continue };
            let known = match name.as_str().parse::<usize>() {
                Ok(n) => n < regex.capture_names().count(),
                Err(_) => regex.capture_names().flatten().any(|n| n == name.as_str()),
            };
            if !known {
                let digits: String = name.as_str().chars().take_while(char::is_ascii_digit).collect();
                let rest = &name.as_str()[digits.len()..];
                let help = if !digits.is_empty() && !rest.is_empty() {
                    format!("`${}` is read as one name; write `${{{digits}}}{rest}`", name.as_str())
                } else {
                    format!("`from` has {} group(s)", regex.capture_names().count() - 1)
                };
                let whole = found.get(0).map_or(0..0, |m| m.range());
                let span = pattern::inside(self.file, &to.span, to, whole);
                self.error(&span, "unknown-group", format!("there is no group `{}` in `from`", name.as_str()), help);
            }
        }
    }

    fn on_status(&mut self, model: &BTreeMap<String, At<StatusAction>>) -> BTreeMap<u16, StatusAction> {
        let mut map = BTreeMap::new();
        for (text, action) in model {
            match text.parse::<u16>() {
                Ok(status) if (100..=599).contains(&status) && status != 200 => {
                    map.insert(status, action.value);
                }
                _ => self.error(
                    &action.span,
                    "bad-status",
                    format!("`{text}` is not an HTTP status to react to"),
                    "100 to 599, and not 200, in quotes: \"429\"",
                ),
            }
        }
        map
    }

    fn schedule(&mut self, text: &At<String>) -> String {
        if let Err(error) = Schedule::parse(text, &TimeZone::UTC) {
            self.error(&text.span, "bad-schedule", error.to_string(), schedule::HELP);
        }
        text.value.clone()
    }

    /// A path into JSON: `data.list[0].url`, `data[].URL`.
    pub(super) fn json_path(&mut self, path: &At<String>) {
        if self.patterns.trusts(self.file) {
            return;
        }
        let Ok(form) = Regex::new(r"^(?:\[\d*\])*(?:[\w@:$-]+(?:\[\d*\])*)?(?:\.[\w@:$-]+(?:\[\d*\])*)*$") else {
            return;
        };
        let help = if path.trim().is_empty() {
            "names joined by dots: `data.list[].url`"
        } else if path.starts_with("$.") {
            "leave `$.` out: the path begins at the top"
        } else if path.contains("[*]") {
            "write `[]` for every item"
        } else if path.starts_with('/') {
            "write names joined by dots, not slashes"
        } else if form.is_match(path) {
            return;
        } else {
            "names joined by dots, `[0]` for an item, `[]` for every item: `data.list[].url`"
        };
        self.error(&path.span, "bad-path", format!("`{}` is not a path into JSON", path.value), help);
    }
}
