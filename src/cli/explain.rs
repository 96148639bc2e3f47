//! `jingwen explain`.

use std::io::Write;
use std::path::PathBuf;

use miette::miette;
use serde_json::{Value, json};
use url::Url;

use super::{Failure, Outcome, check_config, exit, live};
use crate::crawl::discover::{Period, Scope};
use crate::crawl::robots::{Robots, path_of};
use crate::frontier::Kind;
use crate::sites::requests::product_token;
use crate::sites::{Site, Sites};
use crate::urls::{CanonicalUrl, HostKey};

/// Say what would happen to an address: canonical form, selector file, template, robots.txt (asked for, unless `--offline`).
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  jingwen explain --robots-file robots.txt 'https://www.sznews.com/news/?utm_source=x'"
)]
pub struct Args {
    /// The address.
    url: String,
    /// A robots.txt to judge the address by.
    #[arg(long, value_name = "FILE")]
    robots_file: Option<PathBuf>,
    /// Judge robots.txt as this user agent [default: the configuration's]
    #[arg(long, value_name = "UA")]
    user_agent: Option<String>,
    /// Folder or file with selector files that add to and override the built-in ones [default: those of jingwen.toml, if there]
    #[arg(long, value_name = "DIR")]
    selectors: Vec<PathBuf>,
    /// Do not ask the host for its robots.txt.
    #[arg(long)]
    offline: bool,
}

impl Args {
    pub fn run(self) -> Outcome {
        let url = Url::parse(&self.url).map_err(|e| {
            Failure::usage(miette!(help = "write it with http:// or https://", "`{}` is no address: {e}", self.url))
        })?;
        let key = HostKey::new(&url).ok_or_else(|| {
            Failure::usage(miette!(
                help = "only http and https addresses are crawled",
                "`{}` cannot be crawled",
                self.url
            ))
        })?;
        let sites = Sites::load(&check_config::folders(&self.selectors)?)
            .map_err(|e| Failure::usage(miette::Report::new(e)))?;
        let site = sites.for_url(&url).cloned();
        let canonical = CanonicalUrl::new(&url, site.as_ref().map(|site| &site.crawl.urls));
        let mut answer = json!({
            "url": self.url,
            "canonical_url": canonical.as_str(),
            "id": canonical.id(),
            "host_key": key.as_str(),
            "site": site.as_ref().map(|site| &site.id),
            "file": site.as_ref().map(|site| &site.file),
        });
        if let Some(site) = &site {
            explain_site(&mut answer, site, &canonical);
        }
        let scope = Scope {
            chosen: site.iter().map(|site| site.id.clone()).collect(),
            open: std::collections::HashSet::new(),
            period: Period::default(),
            sites: std::sync::Arc::new(sites),
        };
        let kind = scope.kind(&canonical);
        answer["article"] = (kind == Ok(Kind::Article)).into();
        answer["list"] = (kind == Ok(Kind::List)).into();
        answer["denied"] = (kind == Err(crate::crawl::discover::Why::Denied)).into();
        let user_agent = self.user_agent.as_deref().unwrap_or("jingwen");
        // The address as it was typed: what a site's file says about it is not to be hidden by our own tidying.
        let path = path_of(&self.url);
        if let Some(file) = &self.robots_file {
            let bytes =
                std::fs::read(file).map_err(|e| Failure::usage(miette!("cannot read {}: {e}", file.display())))?;
            answer["robots"] = robots(&bytes, user_agent, &path);
        } else if !self.offline {
            answer["robots"] = match live::robots(&url, self.user_agent.as_deref())? {
                (token, Ok(bytes)) => robots(&bytes, &token, &path),
                (_, Err(why)) => json!({ "unavailable": why }),
            };
        }
        let mut out = anstream::stdout().lock();
        writeln!(out, "{answer:#}").map_err(|e| Failure::unexpected(miette!("cannot write: {e}")))?;
        Ok(exit::DONE)
    }
}

/// Templates whose `when.url` permits this address, in the order they are tried. Which one wins depends on the page.
fn explain_site(answer: &mut Value, site: &Site, canonical: &CanonicalUrl) {
    let may: Vec<&str> = site
        .templates
        .iter()
        .filter(|t| t.when.url.is_empty() || t.when.url.iter().any(|rule| rule.is_match_of_address(canonical.as_str())))
        .map(|t| t.name.as_str())
        .collect();
    answer["template"] = may.first().copied().into();
    answer["templates"] = may.into();
}

fn robots(bytes: &[u8], user_agent: &str, path: &str) -> Value {
    let robots = Robots::parse(bytes, product_token(user_agent));
    let verdict = robots.check(path);
    let rule = verdict.rule.map(|rule| {
        let name = if rule.allow { "Allow" } else { "Disallow" };
        format!("{name}: {}", rule.pattern)
    });
    json!({
        "allowed": verdict.allowed,
        "rule": rule,
        "line": verdict.rule.map(|rule| rule.line),
        "crawl_delay": robots.crawl_delay,
        "sitemaps": robots.sitemaps,
    })
}
