//! `[crawl]`: seeds that are elsewhere, patterns that get in each other's way.

use std::time::Duration;

use regex::Regex;
use url::Url;

use super::regexes::{Against, example};
use super::{Lint, covers};
use crate::sites::at::{At, Many, StrOr};
use crate::sites::problem::Problem;
use crate::units::Rate;

/// A shorter time between two requests to a news site is hardly meant so.
const IMPOLITE: Duration = Duration::from_millis(100);

impl Lint<'_> {
    pub(super) fn crawl(&mut self) {
        let Some(crawl) = &self.parsed.model.crawl else { return };
        self.seeds(&crawl.seeds, &crawl.deny);
        let lists: Vec<At<String>> = crawl
            .lists
            .iter()
            .filter_map(|list| match &list.value {
                StrOr::Str(text) => Some(At { value: text.clone(), span: list.span.clone() }),
                StrOr::Table(table) => table.url.clone(),
            })
            .collect();
        let lists = Many(lists);
        self.regexes("lists", &lists, Against::Address);
        self.regexes("articles", &crawl.articles, Against::Address);
        self.regexes("deny", &crawl.deny, Against::Address);
        for rewrite in &crawl.rewrite {
            if let Some(from) = &rewrite.from {
                self.regex("rewrite", from, Against::Address);
            }
        }
        self.overlap(&lists, &crawl.articles);
        self.duplicates("seeds", &crawl.seeds);
        self.duplicates("links", &crawl.links);
        self.tags("links", &crawl.links);
        if let (Some(_), Some(first)) = (&crawl.keep_query, crawl.drop_query.first()) {
            let help = "`keep_query` drops all others: take `drop_query` out";
            self.warn(&first.span, "drop-and-keep", "`drop_query` says nothing beside `keep_query`", help);
        }
        if let Some(rate) = crawl.rate.as_ref().filter(|r| r.parse::<Rate>().is_ok_and(|r| r.interval < IMPOLITE)) {
            let help = "\"1/s\" is quick enough for most sites; for a server of your own say it on the command line";
            self.warn(&rate.span, "impolite-rate", "more than ten requests a second to one host", help);
        }
    }

    fn seeds(&mut self, seeds: &Many<String>, deny: &Many<String>) {
        let model = &self.parsed.model;
        let denied: Vec<(&At<String>, Regex)> = deny.iter().filter_map(|d| Some((d, self.compiled(d)?))).collect();
        for seed in seeds {
            let Some(host) = Url::parse(seed).ok().and_then(|u| u.host_str().map(str::to_owned)) else { continue };
            if !model.hosts.is_empty() && !model.hosts.iter().any(|h| covers(h, &host)) {
                let help =
                    format!("add \"{host}\" to `hosts`, or take the seed out: no rule of this file applies there");
                self.error(&seed.span, "seed-elsewhere", format!("the seed's host `{host}` is not on `hosts`"), help);
            }
            if let Some((pattern, _)) = denied.iter().find(|(_, regex)| regex.is_match(seed)) {
                let problem = Problem::error(
                    self.source(),
                    seed.span.clone(),
                    "seed-denied",
                    format!("`deny` forbids the seed `{}`", seed.value),
                );
                let problem =
                    problem.also(pattern.span.clone(), "by this").help("take the seed out, or narrow the regex");
                self.problems.push(problem);
            }
        }
    }

    /// An address that is list and article at once is a regex too wide.
    fn overlap(&mut self, lists: &Many<String>, articles: &Many<String>) {
        for (list, article) in lists.iter().flat_map(|l| articles.iter().map(move |a| (l, a))) {
            let (Some(list_regex), Some(article_regex)) = (self.compiled(list), self.compiled(article)) else {
                continue;
            };
            // Those that match everything are told of already.
            let shared = [example(list), example(article)]
                .into_iter()
                .flatten()
                .find(|text| !text.is_empty() && list_regex.is_match(text) && article_regex.is_match(text));
            if let Some(text) = shared.filter(|t| t.len() > 3) {
                let problem = Problem::warning(
                    self.source(),
                    list.span.clone(),
                    "list-and-article",
                    format!("an address with `{text}` in it is list and article at once"),
                );
                let problem = problem
                    .also(article.span.clone(), "an article by this")
                    .help("narrow one of the two, with `$` at its end for example");
                self.problems.push(problem);
            }
        }
    }
}
