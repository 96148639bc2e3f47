//! Cleaning: a page's bytes in, a value out. Pure: no clock, no files, no network, no globals.
//!
//! The way of a page: `decode` (bytes to text) → `dom` (text to tree) → `extract` (a template's selectors) or
//! `generic` (no template) → `lines` (what newsrooms leave inside the container) → [`Record`].

mod anchor;
pub mod binary;
pub mod blocks;
mod by_name;
pub mod byline;
pub mod confidence;
pub mod date;
pub mod decode;
mod embedded;
mod endings;
pub mod extract;
mod flat;
pub mod frames;
pub mod generic;
pub mod hints;
pub mod kind;
pub mod language;
pub mod lately;
pub mod line_rules;
pub mod links;
mod marker;
mod math;
pub mod meta;
pub mod mojibake;
mod months;
pub mod noise;
mod pictures;
mod pipeline;
pub mod published;
pub mod redirect;
mod roles;
mod script;
pub mod scripted;
mod site_name;
pub mod steps;
mod structure;
mod table;
pub mod tidy;
pub mod title;
mod truncated;
pub mod trust;
mod verdict;
pub mod watch;
mod western;

pub use jingwen_dom as dom;
pub use pipeline::text_hash;

use std::sync::Arc;

use jiff::Timestamp;
use url::Url;

use crate::record::{Kind, Reason, Record};
use crate::sites::Sites;

/// One page as it came.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// Address after redirects, if known.
    pub url: Option<&'a Url>,
    /// The content.
    pub body: Body<'a>,
    /// Value of the `Content-Type` header, if there was one.
    pub content_type: Option<&'a str>,
    /// When it was fetched: relative times (3小时前) are resolved against it, and only then.
    pub fetched_at: Option<Timestamp>,
}

/// A page's content.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    /// HTML, undecoded.
    Html(&'a [u8]),
    /// HTML that someone decoded before.
    Markup(&'a str),
    /// Lines of text that someone flattened before; no markup left.
    Text(&'a str),
}

/// How to clean.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Ignore selector files.
    pub generic_only: bool,
    /// Note what drift is told by ([`Cleaned::watched`]).
    pub watch: bool,
    /// Read the page's links, and with them the next page of an article; they cost a fifth of a page's time.
    pub links: bool,
    /// The page is known to be a list, of which nothing but its links is wanted: if it has many, nothing else is looked at.
    pub list: bool,
    /// Links handled lately, which are left out of [`Cleaned::links`]; those handled now are to be noted by their keys.
    pub lately: Option<Arc<lately::Lately>>,
    /// Give the body as blocks too ([`Record::blocks`]).
    pub blocks: bool,
    /// Reject articles whose confidence is below this.
    pub min_confidence: Option<f32>,
    /// Give what the page shows ([`Cleaned::outline`]), for learning what repeats on a site's pages.
    pub outline: bool,
    /// What repeats on the site's pages, as far as it is known: for the generic extractor and flattened text.
    pub frames: frames::Known,
}

/// A link found on a page, absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Absolute address, fragment removed, otherwise as the page wrote it.
    pub url: Url,
    /// The link's text.
    pub text: String,
    /// What it is known by in [`lately::Lately`].
    pub key: u64,
}

/// What a page turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageKind {
    /// Something with text of its own.
    Content(Kind),
    /// A page of links.
    List,
    /// None of these.
    Other,
}

/// Why a page gave no article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The class of reason.
    pub reason: Reason,
    /// What exactly was seen, for a person.
    pub detail: String,
}

/// How often a field's selectors were looked for and found, for drift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldHit {
    /// `title`, `body`, `published`, …
    pub field: &'static str,
    /// Index of the step that gave the value; `None` if no step did.
    pub step: Option<usize>,
}

/// Everything that one page gave.
#[derive(Debug, Clone)]
pub struct Cleaned {
    /// What the page is.
    pub kind: PageKind,
    /// The article, or why there is none.
    pub article: Result<Box<Record>, Rejection>,
    /// Every link of the page, in page order, each address once.
    pub links: Vec<Link>,
    /// Links beyond the [`links::MAX_LINKS`] that are taken of one page.
    pub links_left_out: u64,
    /// The next page of a paginated article.
    pub next: Option<Url>,
    /// Where the page sends the browser, which then shows that page in its place.
    pub redirect: Option<redirect::BrowserRedirect>,
    /// A twin that holds the whole article on one page.
    pub whole: Option<Url>,
    /// Address the page declares as its canonical one.
    pub declared_canonical: Option<Url>,
    /// Name of the template that matched.
    pub template: Option<String>,
    /// Hits of the template's fields.
    pub hits: Vec<FieldHit>,
    /// What the page shows, for learning what repeats, if asked for; of pages that no template fits.
    pub outline: Option<frames::Outline>,
    /// What the confidence in the article was computed from.
    pub signals: Option<Box<confidence::Signals>>,
    /// What drift is told by, if asked for, on pages of a site with a selector file.
    pub watched: Option<Box<watch::Watched>>,
}

/// Has the generic extractor make what it makes when it is first used: some hundred KiB, some ten milliseconds. For a
/// program that is to take at its start what it will take in a year, when one of its sites is redesigned.
pub fn warm() {
    const PAGE: &str = "<html><head><meta charset=utf-8><title>海湾市推出便民措施_海湾网</title></head><body><div class=nav><a href=/>首页</a>\
        </div><h1>海湾市推出便民措施</h1><div class=info>2026-01-02 10:20 来源：海湾日报 作者：张三 责任编辑：李四</div><div class=article>\
        <p>本报讯（记者 张三 通讯员 王五）1月2日，海湾市推出十项便民措施，市民可在网上办理，窗口照常开放。</p>\
        <p>据介绍，这些措施从即日起施行，涉及交通、医疗和教育；“办事不再跑两趟”，一位市民说。</p>\
        <p>图为市民在窗口办事。海湾日报记者 李四 摄</p><p>编辑 李四 审读 王五 二审 赵六 三审 张三</p><p>【相关阅读】</p></div>\
        <div class=hot><h3>热榜</h3><ul><li><a href=/1.htm>海湾市今天多云转晴，气温有所回升</a></li></ul></div>\
        <div class=foot>海湾网版权所有 备案号 举报电话 12345</div></body></html>";
    let page = Page { url: None, body: Body::Markup(PAGE), content_type: None, fetched_at: None };
    clean(&page, &Sites::default(), &Options { links: true, ..Options::default() });
}

/// Cleans one page.
pub fn clean(page: &Page<'_>, sites: &Sites, options: &Options) -> Cleaned {
    pipeline::clean(page, sites, options)
}
