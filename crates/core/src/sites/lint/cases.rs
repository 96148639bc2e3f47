//! `[[test]]`: tests that cannot run, cannot pass, or say nothing; templates without one.

use url::Url;

use super::{Lint, PageExists, covers};
use crate::sites::at::At;
use crate::sites::model;
use crate::sites::problem::did_you_mean;

impl Lint<'_> {
    pub(super) fn cases(&mut self, page_exists: PageExists<'_>) {
        let model = &self.parsed.model;
        let site = self.sites.by_id(self.id).cloned();
        let templates: Vec<&str> = site.iter().flat_map(|s| &s.templates).map(|t| t.name.as_str()).collect();
        for test in &model.test {
            self.case(test, &templates, page_exists);
        }
        if !self.is_site() {
            return;
        }
        for template in &model.template {
            let Some(name) = &template.name else { continue };
            if !model.test.iter().any(|t| t.template.as_ref().is_some_and(|n| n.value == name.value)) {
                let help = format!(
                    "add a [[test]] with template = \"{}\": `jingwen test --update` fills in the rest",
                    name.value
                );
                self.warn(
                    &name.span,
                    "template-without-test",
                    format!("no test covers template `{}`", name.value),
                    help,
                );
            }
        }
    }

    fn case(&mut self, test: &At<model::Test>, templates: &[&str], page_exists: PageExists<'_>) {
        match &test.page {
            None => self.error(
                &test.span,
                "test-without-page",
                "the test names no page",
                "add page = \"file in tests/pages/\"",
            ),
            Some(page) => {
                if page_exists(self.source(), page) == Some(false) {
                    let help = "save the page there, or name another one";
                    self.error(&page.span, "page-missing", format!("there is no page `{}`", page.value), help);
                }
            }
        }
        self.case_url(test);
        if let Some(name) = test.template.as_ref().filter(|n| !templates.contains(&n.as_str())) {
            let help = match did_you_mean(name, templates.iter().copied()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None if templates.is_empty() => "the file has no templates".to_owned(),
                None => format!("one of {}", templates.join(", ")),
            };
            self.error(&name.span, "unknown-template", format!("there is no template `{}`", name.value), help);
        }
        for date in [&test.published, &test.modified].into_iter().flatten() {
            let text = &date.value.0;
            if text.parse::<jiff::civil::Date>().is_err()
                || (text.len() > 10 && text.parse::<jiff::Timestamp>().is_err())
            {
                let help = "with offset \"2019-04-26T09:30:00+08:00\", or a day \"2019-04-26\"";
                self.error(&date.span, "bad-date", format!("`{text}` is not a date as records write it"), help);
            }
        }
        if let Some(fetched) = test.fetched.as_ref().filter(|f| f.value.0.parse::<jiff::Timestamp>().is_err()) {
            let help = "an instant with offset: \"2024-05-01T12:00:00+08:00\"";
            self.error(&fetched.span, "bad-date", format!("`{}` is not an instant", fetched.value.0), help);
        }
        if let Some(chars) = &test.chars
            && !matches!(chars[..], [least, most] if least <= most)
        {
            self.error(&chars.span, "bad-chars", "`chars` is least and most", "two numbers: chars = [400, 4000]");
        }
        for text in &test.contains {
            if test.excludes.iter().any(|e| text.contains(e.as_str())) {
                let help = "take it out of `contains` or of `excludes`";
                self.error(&text.span, "test-contradicts", "this text must be there and must not", help);
            }
        }
        self.case_says(test);
    }

    fn case_url(&mut self, test: &At<model::Test>) {
        let model = &self.parsed.model;
        let Some(text) = &test.url else {
            let help = "add url = \"https://…\": site and template are chosen by it";
            self.error(&test.span, "test-without-url", "the test names no address", help);
            return;
        };
        let url = match Url::parse(text) {
            Ok(url) if url.has_host() => url,
            _ => {
                let message = format!("`{}` is not an address", text.value);
                self.error(&text.span, "bad-url", message, "write it in full: \"https://www.example.com/…\"");
                return;
            }
        };
        let host = url.host_str().unwrap_or_default();
        if self.is_site() && !model.hosts.is_empty() && !model.hosts.iter().any(|h| covers(h, host)) {
            let help = format!("add \"{host}\" to `hosts`, or mend the address");
            self.error(&text.span, "test-elsewhere", format!("the test's host `{host}` is not on `hosts`"), help);
        }
        let Some(crawl) = &model.crawl else { return };
        let matches = |p: &At<String>| self.compiled(p).is_some_and(|r| r.is_match(text));
        if test.rejected.is_some() {
            return;
        }
        if crawl.deny.iter().any(matches) {
            self.warn(&text.span, "test-denied", "the crawl denies this page", "narrow `deny`, or test another page");
        } else if !crawl.articles.is_empty() && crawl.rewrite.is_empty() && !crawl.articles.iter().any(matches) {
            let help = "widen `articles`, or mend the address: the crawl would not know this page for an article";
            self.warn(&text.span, "test-no-article", "no regex of `articles` matches this address", help);
        }
    }

    /// Tests that expect nothing, or an article and none.
    fn case_says(&mut self, test: &At<model::Test>) {
        let text = test.title.is_some()
            || test.published.is_some()
            || test.modified.is_some()
            || test.source.is_some()
            || test.section.is_some()
            || test.summary.is_some()
            || test.authors.is_some()
            || test.editors.is_some()
            || test.chars.is_some()
            || test.kind.is_some()
            || !test.contains.is_empty();
        if let Some(rejected) = test.rejected.as_ref().filter(|_| text) {
            let help = "a page that gives no article has no title or text: take `rejected` out, or the rest";
            self.error(&rejected.span, "test-contradicts", "the page is to give an article and none", help);
        }
        if !text
            && test.rejected.is_none()
            && test.next.is_none()
            && test.template.is_none()
            && test.excludes.is_empty()
        {
            let help = "add title, contains and excludes; `jingwen test --update` fills them in";
            self.warn(&test.span, "test-says-nothing", "the test expects nothing", help);
        } else if test.contains.is_empty() && test.rejected.is_none() && test.chars.is_none() {
            let help = "add contains = [\"first words\", \"last words\"] and excludes = [\"noise\"]";
            self.warn(&test.span, "test-without-text", "the test says nothing about the text", help);
        }
    }
}
