//! Which links are followed, and as what: by the site's rules, or by their looks where there are none.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use regex::Regex;
use url::Url;

use super::traps;
use crate::frontier::Kind;
use crate::sites::{Site, Sites};
use crate::urls::{CanonicalUrl, MAX_URL, registered};

/// What a run covers.
#[derive(Debug)]
pub struct Scope {
    /// All selector files.
    pub sites: Arc<Sites>,
    /// Ids of the sites crawled; hosts that a file covers are followed only if it is among these.
    pub chosen: BTreeSet<String>,
    /// Registered names of hosts without a selector file that were asked for by hand.
    pub open: HashSet<String>,
    /// Leave out what is older or newer.
    pub period: Period,
}

/// The time that articles are wanted of.
#[derive(Debug, Clone, Default)]
pub struct Period {
    /// Leave out what is older, where the site says nothing.
    pub since: Option<Timestamp>,
    /// The same for sites that say something.
    pub since_of: HashMap<String, Timestamp>,
    /// Leave out what is newer.
    pub until: Option<Timestamp>,
}

/// What a link is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// To be followed.
    Follow(CanonicalUrl, Kind),
    /// Not, and why.
    Leave(Why),
}

/// Why a link is not followed; counted, for the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// Of a site that is not crawled.
    OffSite,
    /// The site's file denies it.
    Denied,
    /// The site's file names it neither a list nor an article.
    NoRule,
    /// Not http, or no sensible address.
    NoPage,
    /// Older than `--since`.
    Old,
    /// Newer than `--until`.
    New,
    /// It would lead ever further: see `traps`.
    Trap,
    /// It stands on a page, far from any list, whose text was written before.
    SameText,
    /// The page has more links than are taken of one page.
    PageLimit,
}

impl Why {
    /// As the report has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Why::OffSite => "off-site",
            Why::Denied => "denied",
            Why::NoRule => "no-rule",
            Why::NoPage => "no-page",
            Why::Old => "old",
            Why::New => "new",
            Why::Trap => "trap",
            Why::SameText => "same-text",
            Why::PageLimit => "page-limit",
        }
    }
}

impl Scope {
    /// The selector file that covers an address and is crawled.
    pub fn site(&self, url: &Url) -> Option<&Arc<Site>> {
        self.sites.for_url(url).filter(|site| self.chosen.contains(&site.id))
    }

    /// True for hosts that this run may ask.
    pub fn covers(&self, url: &Url) -> bool {
        match self.sites.for_url(url) {
            Some(site) => self.chosen.contains(&site.id),
            None => url.host_str().is_some_and(|host| self.open.contains(registered(host))),
        }
    }

    /// Canonical form under the rules of the site that covers an address.
    pub fn canonical(&self, url: &Url) -> CanonicalUrl {
        CanonicalUrl::new(url, self.sites.for_url(url).map(|site| &site.crawl.urls))
    }

    /// Decides about a link.
    pub fn sort(&self, url: &Url) -> Link {
        if !matches!(url.scheme(), "http" | "https") || url.as_str().len() > MAX_URL {
            return Link::Leave(Why::NoPage);
        }
        if !self.covers(url) {
            return Link::Leave(Why::OffSite);
        }
        let canonical = self.canonical(url);
        // A rewrite may lead to another host.
        if !self.covers(canonical.url()) {
            return Link::Leave(Why::OffSite);
        }
        if traps::shape(canonical.url()) {
            return Link::Leave(Why::Trap);
        }
        match self.kind(&canonical) {
            Ok(kind) => Link::Follow(canonical, kind),
            Err(why) => Link::Leave(why),
        }
    }

    /// What a canonical address is, by the rules or its looks.
    pub fn kind(&self, canonical: &CanonicalUrl) -> Result<Kind, Why> {
        let text = canonical.as_str();
        let Some(site) = self.site(canonical.url()) else { return by_looks(canonical) };
        let rules = &site.crawl;
        if rules.deny.iter().any(|rule| rule.is_match_of_address(text)) {
            return Err(Why::Denied);
        }
        if rules.articles.iter().any(|rule| rule.is_match_of_address(text)) {
            return Ok(Kind::Article);
        }
        if rules.is_list(Some(canonical.url())) {
            return Ok(Kind::List);
        }
        if rules.articles.is_empty() {
            return by_looks(canonical);
        }
        Err(Why::NoRule)
    }

    /// The time that articles of a host are wanted of: from the first up to the second.
    pub fn window(&self, url: &Url) -> (Option<Timestamp>, Option<Timestamp>) {
        let period = &self.period;
        let own = || self.site(url).and_then(|site| period.since_of.get(&site.id)).copied();
        let since = if period.since_of.is_empty() { period.since } else { own().or(period.since) };
        (since, period.until)
    }

    /// Why something of this time is left out, if it is.
    pub fn outside(&self, url: &Url, at: Option<Timestamp>) -> Option<Why> {
        let at = at?;
        let (since, until) = self.window(url);
        if since.is_some_and(|since| at < since) {
            return Some(Why::Old);
        }
        until.filter(|until| at >= *until).map(|_| Why::New)
    }
}

/// News articles mostly carry a date or a long number in their address, lists do not.
fn by_looks(canonical: &CanonicalUrl) -> Result<Kind, Why> {
    static PAGE: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?i)\d[^/]*\.(?:s?html?|jhtml|php|aspx?|jsp)$").ok());
    static NUMBER: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?:19|20)\d\d[-/_]?(?:0[1-9]|1[0-2])[-/_]?[0-3]\d|\d{5,}").ok());
    static OTHER: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)\.(?:jpe?g|png|gif|webp|svg|ico|css|js|json|xml|pdf|docx?|xlsx?|pptx?|zip|rar|apk|exe|mp[34]|m3u8|flv)$").ok()
    });
    let hit = |regex: &LazyLock<Option<Regex>>, text: &str| regex.as_ref().is_some_and(|r| r.is_match(text));
    let path = canonical.url().path();
    if hit(&OTHER, path) {
        return Err(Why::NoPage);
    }
    match hit(&PAGE, path) || hit(&NUMBER, canonical.path_and_query()) {
        true => Ok(Kind::Article),
        false => Err(Why::NoRule),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(host: &str) -> Scope {
        Scope {
            sites: Arc::new(Sites::default()),
            chosen: BTreeSet::new(),
            open: [host.to_owned()].into(),
            period: Period::default(),
        }
    }

    fn sorted(scope: &Scope, url: &str) -> Result<Kind, Why> {
        match scope.sort(&Url::parse(url).unwrap()) {
            Link::Follow(_, kind) => Ok(kind),
            Link::Leave(why) => Err(why),
        }
    }

    #[test]
    fn looks() {
        let scope = open("a.example");
        for (url, expected) in [
            ("http://www.a.example/2026-11/20/content_123.htm", Ok(Kind::Article)),
            ("http://a.example/seed-1.html", Ok(Kind::Article)),
            ("http://a.example/detail/31234567", Ok(Kind::Article)),
            ("http://a.example/news?id=31234567", Ok(Kind::Article)),
            ("http://a.example/", Err(Why::NoRule)),
            ("http://a.example/about.html", Err(Why::NoRule)),
            ("http://a.example/20261120.jpg", Err(Why::NoPage)),
            ("http://b.example/20261120.htm", Err(Why::OffSite)),
            ("mailto:a@a.example", Err(Why::NoPage)),
        ] {
            assert_eq!(sorted(&scope, url), expected, "{url}");
        }
    }
}
