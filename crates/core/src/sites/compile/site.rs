//! What makes a file a site: name, hosts, zone, and its tests.

use std::sync::OnceLock;

use jiff::tz::TimeZone;

use super::Cx;
use crate::sites::at::At;
use crate::sites::model;
use crate::sites::problem::did_you_mean;
use crate::sites::{CrawlRules, Site, SiteTest};
use crate::urls::{host_name, host_pattern};

/// Zones of the sites that the format was made for, for suggestions.
const ZONES: [&str; 8] = [
    "Asia/Shanghai",
    "Asia/Hong_Kong",
    "Asia/Macau",
    "Asia/Taipei",
    "Asia/Singapore",
    "Asia/Urumqi",
    "America/New_York",
    "UTC",
];

impl Cx<'_> {
    /// The site, still without what it inherits.
    pub(super) fn site(&mut self, model: &model::File) -> Site {
        for host in &model.hosts {
            self.host(host);
        }
        if model.hosts.is_empty() {
            self.missing(
                &(0..0),
                "missing-hosts",
                "the file says nothing of its hosts",
                "add hosts = [\"www.example.com\"]; a file that others only extend has a name that begins with `_`",
            );
        }
        let crawl = match &model.crawl {
            Some(crawl) => self.crawl(crawl),
            None => CrawlRules::default(),
        };
        Site {
            id: self.file.id.clone(),
            file: self.file.name.clone(),
            hash: String::new(),
            name: model.name.as_ref().map_or_else(|| self.file.id.clone(), |n| n.value.clone()),
            outlet: model.outlet.as_ref().map(|o| o.value.clone()),
            hosts: model.hosts.iter().map(|host| host_pattern(host)).collect(),
            names: model.names.iter().map(|(host, name)| (host_pattern(host), name.value.clone())).collect(),
            timezone: model.timezone.as_ref().map_or_else(shanghai, |t| self.timezone(t)),
            charset: model.charset.as_ref().and_then(|c| self.charset(c)),
            language: model.language.as_ref().map(|l| l.value.clone()),
            confidence: model.confidence.unwrap_or_default(),
            crawl,
            templates: Vec::new(),
            lines: Vec::new(),
            origin: self.file.origin.clone(),
            tests: Vec::new(),
            plan: OnceLock::new(),
        }
    }

    pub(super) fn tests(&mut self, model: &model::File) -> Vec<SiteTest> {
        let test = |test: &At<model::Test>| SiteTest {
            expect: test.value.clone(),
            span: test.span.clone(),
            line: self.file.line_column(test.span.start).0,
        };
        model.test.iter().map(test).collect()
    }

    fn host(&mut self, host: &At<String>) {
        let bare = host.strip_prefix("*.").or_else(|| host.strip_prefix("*。")).unwrap_or(host);
        let help = if host.contains("://") {
            let name = host.split("://").nth(1).and_then(|rest| rest.split(['/', ':']).next()).unwrap_or_default();
            format!("write the name alone: \"{name}\"")
        } else if host.contains('/') {
            format!(
                "write the name alone: \"{}\"; paths go into `when` and [crawl]",
                host.split('/').next().unwrap_or_default()
            )
        } else if host.contains(':') {
            format!("write \"{}\": a name stands for every port", host.split(':').next().unwrap_or_default())
        } else if host.starts_with('.') {
            format!("write \"*{}\"", host.value)
        } else if bare.contains('*') {
            "a `*` stands only at the front: \"*.example.com\"".to_owned()
        } else if bare.trim().is_empty() || bare.trim() != bare || bare.contains(char::is_whitespace) {
            "a name like \"www.example.com\", without blanks".to_owned()
        } else if host_name(bare).is_none_or(|name| !name.contains('.') && name != "localhost") {
            "a name like \"www.example.com\"".to_owned()
        } else {
            return;
        };
        self.error(&host.span, "bad-host", format!("`{}` is not a host name", host.value), help);
    }

    fn timezone(&mut self, name: &At<String>) -> TimeZone {
        match TimeZone::get(name) {
            Ok(zone) => zone,
            // A machine without a zone database knows no names; the commonest zone needs none.
            Err(_) if ["Asia/Shanghai", "Asia/Hong_Kong", "Asia/Taipei", "Asia/Macau"].contains(&name.as_str()) => {
                shanghai()
            }
            Err(_) => {
                let help = match did_you_mean(name, ZONES) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None if ["CST", "GMT+8", "UTC+8", "+08:00", "Beijing", "Asia/Beijing", "PRC"]
                        .contains(&name.as_str()) =>
                    {
                        "Beijing's zone is called \"Asia/Shanghai\"".to_owned()
                    }
                    None => "an IANA name like \"Asia/Shanghai\"".to_owned(),
                };
                self.error(&name.span, "bad-timezone", format!("there is no time zone `{}`", name.value), help);
                shanghai()
            }
        }
    }

    fn charset(&mut self, label: &At<String>) -> Option<&'static encoding_rs::Encoding> {
        let found = encoding_rs::Encoding::for_label(label.as_bytes());
        if found.is_none() {
            let near =
                did_you_mean(label, ["utf-8", "gbk", "gb2312", "gb18030", "big5", "utf-16le", "shift_jis", "euc-kr"]);
            let help = match near {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => "a label like \"utf-8\", \"gb18030\" or \"big5\" (https://encoding.spec.whatwg.org/#names-and-labels)".to_owned(),
            };
            self.error(&label.span, "bad-charset", format!("there is no charset `{}`", label.value), help);
        }
        found
    }
}

/// The zone of sites that name none. China has had one offset and no summer time since 1991.
fn shanghai() -> TimeZone {
    TimeZone::get("Asia/Shanghai").unwrap_or_else(|_| TimeZone::fixed(jiff::tz::offset(8)))
}
