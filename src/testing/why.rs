//! Why a template that was expected did not win: the question one has when its test fails.

use scraper::selector::ToCss;
use url::Url;

use crate::clean::date::{self, Context};
use crate::clean::meta::Meta;
use crate::clean::steps::Source;
use crate::clean::{decode, dom, extract};
use crate::sites::{Site, SiteTest};

/// The reason, if it can be told.
pub fn why(site: &Site, test: &SiteTest, bytes: &[u8], url: Option<&Url>, won: Option<&str>) -> Option<String> {
    let name = &test.expect.template.as_ref()?.value;
    let position = |name: &str| site.templates.iter().position(|t| t.name == name);
    let template = &site.templates[position(name)?];
    if let Some(winner) = won.filter(|w| position(w) < position(name)) {
        return Some(format!("`{winner}` comes first and fits as well: say in its `when` what only its pages have"));
    }
    let decoded = decode::decode(bytes, None, site.charset);
    let html = dom::document(&decoded.text, &dom::Keep { all: true, ..dom::Keep::default() });
    let meta = Meta::of(&html);
    let from = Source { html: &html, meta: &meta, url, index: None };
    let when = &template.when;
    let address = url.map(Url::as_str).unwrap_or_default();
    if !when.url.is_empty() && !when.url.iter().any(|r| r.is_match_of_address(address)) {
        return Some(format!("`{name}`: no regex of `when.url` matches the address"));
    }
    let finds = |s: &&crate::sites::Css| html.select(s).next().is_some();
    if let Some(has) = when.has.iter().find(|s| !finds(s)) {
        return Some(format!("`{name}`: `{}` in `when.has` finds nothing", has.to_css_string()));
    }
    if let Some(lacks) = when.lacks.iter().find(finds) {
        return Some(format!("`{name}`: `{}` in `when.lacks` finds something", lacks.to_css_string()));
    }
    let context = Context {
        zone: site.timezone.clone(),
        fetched_at: test.expect.fetched.as_ref().and_then(|f| f.value.0.parse().ok()),
        url_date: url.and_then(|u| date::in_url(u.path())),
        is_local: true,
        day_first: false,
    };
    extract::apply(site, template, &from, &context).err().map(|why| format!("`{name}`: {why}"))
}
