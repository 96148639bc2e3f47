//! The way of a page through the cleaner, step by step.

use std::borrow::Cow;

use ego_tree::NodeId;
use scraper::Html;
use sha2::{Digest, Sha256};
use url::Url;

use super::binary::NotText;
use super::blocks;
use super::blocks::Blocks;
use super::byline::Staff;
use super::confidence::{Extraction, Signals, doubt, is_below, judge};
use super::date::{self, Context, When};
use super::dom::Keep;
use super::extract::{self, Extracted};
use super::frames::{Known, Outline};
use super::meta::Meta;
use super::mojibake::Damage;
use super::steps::Source;
use super::title::Headline;
use super::{
    Body, Cleaned, Options, Page, PageKind, Rejection, binary, by_name, byline, decode, dom, embedded, generic, links,
    mojibake, published, redirect, structure, tidy, title, truncated, trust, watch,
};
use crate::record::{Doubt, Image, Kind, Method, Provenance, Reason, Record};
use crate::sites::plan::{Index, Plan};
use crate::sites::{LineRule, Site, Sites, TemplateKind};
use crate::text::squashed;
use crate::urls::{CanonicalUrl, hex};

/// Least characters of a body that the generic extractor believes.
const MIN_BODY: usize = 25;

/// Least characters of text of its own that a gallery or video must have to be written.
const MIN_OWN_TEXT: usize = 20;

/// Most characters of a body that may be what an error page says.
const SHORT: usize = 120;

/// Least links of a page that is believed to be the list that it was asked for as.
const MANY_LINKS: usize = 8;

pub(super) fn clean(page: &Page<'_>, sites: &Sites, options: &Options) -> Cleaned {
    let mut out = match page.body {
        Body::Html(_) | Body::Markup(_) => html(page, sites, options),
        Body::Text(text) => readable(text, |text| super::flat::clean(page, text, sites, options)),
    };
    if let Ok(record) = &mut out.article {
        record.drop_control_characters();
    }
    if let Some(rejection) = out.article.as_ref().ok().and_then(|r| is_below(r, options.min_confidence)) {
        out.article = Err(rejection);
    }
    out
}

/// A page that gave no article.
pub(super) fn reject(reason: Reason, detail: String) -> Cleaned {
    Cleaned {
        kind: PageKind::Other,
        article: Err(Rejection { reason, detail }),
        links: Vec::new(),
        links_left_out: 0,
        next: None,
        redirect: None,
        whole: None,
        declared_canonical: None,
        template: None,
        hits: Vec::new(),
        outline: None,
        signals: None,
        watched: None,
    }
}

/// Everything about a page that both ways of extraction need.
struct Ready<'a> {
    page: &'a Page<'a>,
    /// Its markup as it was written.
    markup: &'a str,
    html: &'a Html,
    meta: &'a Meta,
    site: Option<&'a Site>,
    sites: &'a Sites,
    charset: String,
    context: Context,
    frames: &'a Known,
    blocks: bool,
    outline: bool,
}

/// What a page shows of its article.
struct Shown {
    title: Option<String>,
    published: Option<When>,
    source: Option<String>,
}

fn html(page: &Page<'_>, sites: &Sites, options: &Options) -> Cleaned {
    let bytes = match page.body {
        Body::Html(bytes) => bytes,
        Body::Markup(text) | Body::Text(text) => text.as_bytes(),
    };
    if bytes.trim_ascii().is_empty() {
        return reject(Reason::Empty, format!("{} bytes, all white space", bytes.len()));
    }
    if let Some(what) = binary::not_text(bytes).filter(|_| matches!(page.body, Body::Html(_))) {
        return match what {
            NotText::Format(format) => reject(Reason::Binary, format!("not a page: {format}")),
            NotText::Control => reject(Reason::Binary, "no text: bytes of no known format".to_owned()),
            NotText::Garbled => reject(Reason::Garbled, "text in no encoding, without any markup".to_owned()),
        };
    }
    let site = page.url.and_then(|u| sites.for_url(u)).filter(|_| !options.generic_only);
    let decoded = match page.body {
        Body::Html(bytes) => decode::decode(bytes, page.content_type, site.and_then(|s| s.charset)),
        Body::Markup(text) | Body::Text(text) => {
            decode::Decoded { text: Cow::Borrowed(text), encoding: encoding_rs::UTF_8 }
        }
    };
    readable(&decoded.text, |text| document(page, sites, options, text, decoded.encoding))
}

/// Share of a text's characters beyond which what could not be decoded makes it worthless.
const MAX_LOST: f64 = 0.05;

/// Cleans a page, and once more with its mojibake repaired where that is what it holds. Only a page whose text, or whose lack
/// of one, is suspicious is looked at.
fn readable(markup: &str, clean: impl Fn(&str) -> Cleaned) -> Cleaned {
    let mut out = clean(markup);
    let is_suspect = match &out.article {
        Ok(record) => mojibake::is_suspect(&record.text) || record.title.as_deref().is_some_and(mojibake::is_suspect),
        Err(_) => out.kind == PageKind::Other && mojibake::is_suspect(markup),
    };
    if !is_suspect {
        return out;
    }
    match mojibake::repair(markup) {
        Damage::Repaired { markup, is_partial } => {
            out = clean(&markup);
            if let Ok(record) = out.article.as_mut()
                && is_partial
            {
                doubt(record, Doubt::Garbled);
            }
        }
        Damage::Lost(detail) => return reject(Reason::Garbled, detail),
        Damage::None => {}
    }
    let lost = out.article.as_ref().map_or(0.0, |record| mojibake::lost_share(&record.text));
    if lost > MAX_LOST {
        return reject(Reason::Garbled, format!("{:.0} % of the text could not be decoded", lost * 100.0));
    }
    out
}

/// Cleans a page that was decoded.
fn document(
    page: &Page<'_>,
    sites: &Sites,
    options: &Options,
    text: &str,
    encoding: &'static encoding_rs::Encoding,
) -> Cleaned {
    let site = page.url.and_then(|u| sites.for_url(u)).filter(|_| !options.generic_only);
    let plan = site.map(|s| s.plan.get_or_init(|| Plan::of(s)));
    let plain = Keep { no_links: !options.links, ..Keep::default() };
    let keep = plan.map_or(&plain, |p| if options.links { &p.keep } else { &p.keep_no_links });
    let html = dom::document(text, keep);
    let mut meta = Meta::of(&html);
    meta.host = page.url.and_then(Url::host_str).map(str::to_owned);
    // A base that is not an address of the web is none (HTML standard, "set the frozen base URL").
    let declared = |u: &Url| links::resolve(u, meta.base.as_deref()?);
    let base = page.url.map(|u| declared(u).unwrap_or_else(|| u.clone()));
    let ready = Ready {
        page,
        markup: text,
        html: &html,
        meta: &meta,
        site: site.map(|s| &**s),
        sites,
        charset: encoding.name().to_ascii_lowercase(),
        context: context(page, site.map(|s| &**s), &meta, is_chinese(text, &meta)),
        frames: &options.frames,
        blocks: options.blocks,
        outline: options.outline,
    };
    let base = base.as_ref().map(|url| links::Base { url, encoding });
    let refresh = base.as_ref().and_then(|base| redirect::by_refresh(text, base));
    if let Some(base) = base.as_ref().filter(|_| options.links && options.list) {
        let links = page_links(&ready, base, options);
        // What has none may be an error page, or a firewall's, which is told by its text.
        if links.links.len() >= MANY_LINKS {
            let mut out = reject(Reason::List, format!("asked for as a list, and has {} links", links.links.len()));
            out.kind = PageKind::List;
            (out.links, out.links_left_out) = (links.links, links.left_out);
            out.redirect = refresh;
            return out;
        }
    }
    let mut misfits = options.watch.then(Vec::new);
    let mut out = ready.by_templates(&mut misfits).unwrap_or_else(|| ready.generic());
    if let Some(misfits) = misfits.filter(|_| site.is_some()) {
        out.watched.get_or_insert_default().misfits = misfits;
    }
    if let Some(base) = base.as_ref().filter(|_| options.links) {
        let links = page_links(&ready, base, options);
        (out.links, out.links_left_out) = (links.links, links.left_out);
        if out.next.is_none() {
            out.next = links::next_page(&html, base);
        }
    }
    out.redirect = refresh.or_else(|| {
        // One link may say where to go on if the browser does not.
        let is_empty = out.article.is_err() && out.links.len() <= 1;
        base.as_ref().filter(|_| is_empty).and_then(|base| redirect::by_script_or_frame(text, base))
    });
    if let (Some(redirect), Err(rejection)) = (&out.redirect, &mut out.article) {
        rejection.detail.push_str(&format!("; {} leads to {}", redirect.kind.as_str(), redirect.to));
    }
    out.declared_canonical = canonical(page.url, &meta);
    out
}

fn context(page: &Page<'_>, site: Option<&Site>, meta: &Meta, is_chinese: bool) -> Context {
    let shanghai = || if is_chinese { date::shanghai() } else { jiff::tz::TimeZone::UTC };
    Context {
        zone: site.map_or_else(shanghai, |s| s.timezone.clone()),
        fetched_at: page.fetched_at,
        url_date: page.url.and_then(|u| date::in_url(u.path())),
        is_local: site.is_some() || is_chinese,
        day_first: meta.lang.as_deref().is_some_and(puts_day_first),
    }
}

/// True for the languages of which no country but the United States, the Philippines and Canada writes the month first.
fn puts_day_first(lang: &str) -> bool {
    const MONTH_FIRST: [&str; 6] = ["en", "en-us", "en-ph", "en-ca", "zh", "ja"];
    let lang = lang.to_ascii_lowercase().replace('_', "-");
    !lang.is_empty() && !MONTH_FIRST.contains(&lang.as_str()) && !lang.starts_with("zh-")
}

/// A page in Chinese, whose times without a zone are those of the mainland: by its title, or its commonest character.
fn is_chinese(markup: &str, meta: &Meta) -> bool {
    const COMMON: usize = 3;
    meta.title.chars().any(byline::is_han)
        || memchr::memmem::find_iter(markup.as_bytes(), "的".as_bytes()).take(COMMON).count() == COMMON
}

fn page_links(ready: &Ready<'_>, base: &links::Base<'_>, options: &Options) -> links::PageLinks {
    let list = ready.site.map(|s| &s.crawl).filter(|rules| !rules.links.is_empty() && rules.is_list(ready.page.url));
    match list {
        Some(rules) => links::selected(ready.html, &rules.links, base),
        None => links::links(ready.html, ready.markup, base, options.lately.as_deref()),
    }
}

fn canonical(url: Option<&Url>, meta: &Meta) -> Option<Url> {
    let href = meta.canonical.as_deref().or_else(|| meta.get("og:url"))?;
    match url {
        Some(base) => base.join(href).ok(),
        None => Url::parse(href).ok(),
    }
}

impl Ready<'_> {
    /// The first template that fits; `None` if there is none, and the generic extractor must do.
    fn by_templates(&self, misfits: &mut Option<Vec<watch::Misfit>>) -> Option<Cleaned> {
        let site = self.site?;
        let index = site.plan.get().map(|plan| Index::new(self.html, plan));
        let from = Source { html: self.html, meta: self.meta, url: self.page.url, index: index.as_ref() };
        for template in &site.templates {
            if !extract::applies(&template.when, &from) {
                misfits.iter_mut().for_each(|m| m.extend(watch::does_not_apply(template, &from)));
                continue;
            }
            let kind = match template.kind {
                TemplateKind::List => {
                    let mut out =
                        reject(Reason::List, format!("template `{}` of {} is a list", template.name, site.file));
                    out.kind = PageKind::List;
                    out.template = Some(template.name.clone());
                    return Some(out);
                }
                TemplateKind::Skip => {
                    let mut out =
                        reject(Reason::Skipped, format!("template `{}` of {} says skip", template.name, site.file));
                    out.template = Some(template.name.clone());
                    return Some(out);
                }
                TemplateKind::Article => Kind::Article,
                TemplateKind::Gallery => Kind::Gallery,
                TemplateKind::Video => Kind::Video,
            };
            match extract::apply(site, template, &from, &self.context) {
                Ok(found) => {
                    let watched = misfits.as_ref().map(|_| Box::new(watch::Watched::of(template, &found, &from)));
                    let blocks =
                        if self.blocks { extract::structure(site, template, &from, &found) } else { Vec::new() };
                    let mut out = self.extracted(site, &template.name, kind, found);
                    if let Ok(record) = &mut out.article {
                        record.blocks = blocks;
                        structure::set_captions(&mut record.blocks, &record.images);
                    }
                    out.watched = watched;
                    return Some(out);
                }
                Err(why) => {
                    tracing::debug!(template = template.name, why, "template does not fit");
                    misfits.iter_mut().for_each(|m| m.push(watch::does_not_fit(template, &why, &from)));
                }
            }
        }
        None
    }

    fn extracted(&self, site: &Site, template: &str, kind: Kind, found: Extracted) -> Cleaned {
        let mut out = reject(Reason::NoBody, String::new());
        out.kind = PageKind::Content(kind);
        out.template = Some(template.to_owned());
        out.next.clone_from(&found.next);
        out.whole.clone_from(&found.whole);
        out.hits = found.hits;
        let own = (kind != Kind::Article).then_some(found.chars);
        if let Some(chars) = own.filter(|chars| *chars < MIN_OWN_TEXT) {
            let reason = if kind == Kind::Gallery { Reason::Gallery } else { Reason::Video };
            out.article = Err(Rejection { reason, detail: format!("{chars} characters of text of its own") });
            return out;
        }
        if found.chars < SHORT
            && let Some(said) = found.body.paragraphs.iter().find_map(|p| super::kind::says_missing(p))
        {
            let detail = format!("template `{template}` of {} matched, and the page says `{said}`", site.file);
            out.article = Err(Rejection { reason: Reason::SoftNotFound, detail });
            return out;
        }
        let mut record = self.record(found.body.text());
        record.title = found.title;
        record.kind = kind;
        record.method = Method::Selectors;
        record.template = Some(template.to_owned());
        record.provenance.selectors = Some(site.file.clone());
        record.provenance.selectors_hash = Some(site.hash.clone());
        record.summary = found.summary;
        record.section = found.section;
        record.keywords = found.keywords;
        record.images = with_captions(found.images, &found.body.captions);
        let shown = found.published.is_none().then(|| self.shown(&record.text));
        let published = found.published.or_else(|| shown.as_ref().and_then(|s| s.published));
        let modified = found.modified.or_else(|| published::declared_modified(self.meta, &self.context));
        self.dates(&mut record, published, modified.filter(|m| Some(*m) != published));
        let host_name = self.page.url.and_then(Url::host_str).and_then(|h| site.names.get(h));
        staff_into(&mut record, found.staff);
        if let Some(shown) = shown {
            record.title = record.title.or(shown.title);
            record.source = record.source.or(shown.source);
        }
        if record.source.is_none() {
            record.source = host_name.cloned();
        }
        record.truncated = truncated::is_truncated(found.body.fold, &record.text, self.meta);
        let signals = Signals::of_text(&record, found.body.linked);
        judge(&mut record, &signals);
        out.signals = Some(Box::new(signals));
        out.article = Ok(Box::new(record));
        out
    }

    /// Title, date and source as the generic extractor reads them, for a template whose steps give no date.
    fn shown(&self, text: &str) -> Shown {
        let all = blocks::blocks(self.html, root(self.html), &|_| false);
        let headline = title::choose(&all, self.meta);
        let is_body = |l: &blocks::Line<'_>| memchr::memmem::find(text.as_bytes(), l.text.trim().as_bytes()).is_some();
        let long = |l: &&blocks::Line<'_>| l.chars >= 8;
        let first = all.lines.iter().position(|l| long(&l) && is_body(l)).unwrap_or(all.lines.len());
        let end = all.lines.iter().rposition(|l| long(&l) && is_body(l)).map_or(first, |at| at + 1);
        let published = published::find(&all, self.meta, headline.as_ref(), first..end, &self.context);
        let staff = byline::near(&all, &tidy::Body::default(), headline.as_ref(), first, end, self.meta);
        Shown { published, source: staff.source, title: headline.map(|h| h.text) }
    }

    fn dates(&self, record: &mut Record, published: Option<When>, modified: Option<When>) {
        // Of a time in an unknown zone, the day is known.
        let known = |w: When| if self.context.is_local || w.offset.is_some() { w } else { When { time: None, ..w } };
        let (published, modified) = (published.map(known), modified.map(known));
        record.published_at = published.map(|w| w.to_rfc3339(&self.context.zone));
        record.published_precision = published.map(|w| w.precision());
        record.modified_at = modified.map(|w| w.to_rfc3339(&self.context.zone));
    }

    /// The article without a selector file.
    fn generic(&self) -> Cleaned {
        let mut all = blocks::blocks(self.html, root(self.html), &|_| false);
        self.frames.mark(self.page.url, &mut all.lines);
        trust::reveal(&mut all);
        trust::disbelieve(&mut all, None);
        let headline = title::choose(&all, self.meta);
        trust::disbelieve(&mut all, headline.as_ref().filter(|h| h.agrees).and_then(|h| h.line));
        let shown = headline.as_ref().map_or("", |h| &h.text);
        let outline = if self.outline { Outline::new(self.page.url, shown, &all.lines) } else { None };
        let shown = headline.as_ref().map(|h| h.text.clone());
        let mut out = self.of_lines(&all, headline);
        let unread = |r: &Rejection| matches!(r.reason, Reason::NoBody | Reason::TooShort | Reason::List);
        if out.article.as_ref().err().is_some_and(unread)
            && let Some((record, signals)) = self.embedded(shown)
        {
            out.signals = Some(Box::new(signals));
            out.kind = PageKind::Content(Kind::Article);
            out.article = Ok(Box::new(record));
        }
        out.outline = outline;
        if let (Ok(record), Some(_)) = (&mut out.article, self.site) {
            doubt(record, Doubt::SelectorFallback);
        }
        out
    }

    /// The article that the page carries in its data, where it shows none.
    fn embedded(&self, headline: Option<String>) -> Option<(Record, Signals)> {
        let found = embedded::find(self.markup, self.meta)?;
        let squashed = headline.as_deref().map(title::squash).unwrap_or_default();
        let html = found.is_markup.then(|| dom::fragment(&found.text));
        let all = match &html {
            Some(html) => blocks::blocks(html, root(html), &|_| false),
            None => Blocks::of_text(&found.text),
        };
        let body = tidy::tidy(&all, 0, all.lines.len(), &squashed, false, &[]);
        if body.chars() < MIN_BODY {
            return None;
        }
        let mut record = self.record(body.text());
        if self.blocks {
            record.blocks = structure::blocks(html.as_ref(), &all, &body, &[]);
        }
        record.title = headline.or(found.title);
        record.keywords = keywords(self.meta);
        let declared = published::declared(self.meta, &self.context);
        self.dates(&mut record, declared.or_else(|| published::from_url(&self.context)), None);
        let mut staff = body.staff;
        if staff.authors.is_empty() {
            staff.authors = self.meta.json_ld_authors();
        }
        staff_into(&mut record, staff);
        let signals = Signals::of_text(&record, body.linked);
        judge(&mut record, &signals);
        Some((record, signals))
    }

    fn of_lines(&self, all: &Blocks<'_>, headline: Option<Headline>) -> Cleaned {
        if let Some(rejection) = super::kind::frame_page(self.page.url, self.meta, all, headline.as_ref(), self.markup)
        {
            let mut out = reject(rejection.reason, rejection.detail);
            if rejection.reason == Reason::List {
                out.kind = PageKind::List;
            }
            return out;
        }
        let Some(choice) = generic::choose(all, headline.as_ref()) else {
            return reject(Reason::NoBody, "the page shows no text".to_owned());
        };
        let (first, end) = (choice.first, choice.end);
        let squashed = headline.as_ref().map(|h| title::squash(&h.text)).unwrap_or_default();
        let rules: Vec<&LineRule> = self.sites.common.lines.iter().collect();
        let body = tidy::tidy(all, first, end, &squashed, true, &rules);
        let declared = super::kind::declares_article(self.page.url, self.meta);
        if let Some(rejection) = super::kind::no_article(all, &choice, &body, headline.as_ref(), declared, MIN_BODY) {
            let mut out = reject(rejection.reason, rejection.detail);
            if rejection.reason == Reason::List {
                out.kind = PageKind::List;
            }
            return out;
        }
        let mut record = self.record(body.text());
        record.title = headline.as_ref().map(|h| h.text.clone());
        record.keywords = keywords(self.meta);
        let pictures = extract::placed(all, choice.elem, first..=end, self.page.url, &body);
        if self.blocks {
            record.blocks = structure::blocks(Some(self.html), all, &body, &pictures);
        }
        record.images = pictures.into_iter().map(|p| p.image).collect();
        let published = published::find(all, self.meta, headline.as_ref(), first..end, &self.context);
        let modified = published::modified(all, self.meta, headline.as_ref(), &self.context);
        self.dates(&mut record, published, modified.filter(|m| Some(*m) != published));
        let mut staff = byline::near(all, &body, headline.as_ref(), first, end, self.meta);
        if staff.authors.is_empty() {
            let of_outlet = |name: &String| staff.source.as_ref() == Some(name);
            staff.authors = self.meta.json_ld_authors().into_iter().filter(|n| !of_outlet(n)).collect();
        }
        if staff.authors.is_empty() && !title::is_mostly_han(&record.text) {
            staff.authors = by_name::authors(all, headline.as_ref(), self.meta);
        }
        staff_into(&mut record, staff);
        record.truncated = truncated::is_truncated(body.fold, &record.text, self.meta);
        let headline = headline.as_ref();
        let extraction = Extraction { blocks: all, choice: &choice, body: &body, headline };
        let signals = Signals::of_page(extraction, self.meta, &record);
        judge(&mut record, &signals);
        let mut out = reject(Reason::NoBody, String::new());
        out.signals = Some(Box::new(signals));
        out.kind = PageKind::Content(Kind::Article);
        out.article = Ok(Box::new(record));
        out
    }

    /// A record with what does not depend on the way of extraction.
    fn record(&self, text: String) -> Record {
        let mut record = record(self.page, text, self.site);
        record.charset = Some(self.charset.clone());
        record.site = self.site.map(|s| s.id.clone());
        record.language =
            self.site.and_then(|s| s.language.clone()).or_else(|| super::language::of(&record.text, self.meta));
        record
    }
}

fn root(html: &Html) -> NodeId {
    html.tree.root().id()
}

fn keywords(meta: &Meta) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let words = meta.get("keywords").unwrap_or_default();
    for word in words.split([',', '，', '、', ';', '；', '|', ' ']).map(str::trim) {
        if !word.is_empty() && word.chars().count() <= 20 && out.len() < 20 && !out.iter().any(|o| o == word) {
            out.push(word.to_owned());
        }
    }
    out
}

/// Captions that a selector named belong to pictures in order; with as many of both, each to its own.
fn with_captions(mut images: Vec<Image>, captions: &[String]) -> Vec<Image> {
    if images.iter().any(|i| i.caption.is_some()) {
        return images;
    }
    for (image, caption) in images.iter_mut().zip(captions) {
        image.caption = Some(caption.clone());
    }
    images
}

fn staff_into(record: &mut Record, staff: Staff) {
    record.authors = staff.authors;
    record.source = staff.source;
    record.editors = staff.editors;
    record.editors.retain(|_, names| !names.is_empty());
}

/// A record of a text.
pub(super) fn record(page: &Page<'_>, text: String, site: Option<&Site>) -> Record {
    let canonical = page.url.map(|u| CanonicalUrl::new(u, site.map(|s| &s.crawl.urls)));
    let squashed = squashed(&text);
    Record {
        id: canonical.as_ref().map_or_else(|| hash(&squashed), CanonicalUrl::id),
        url: page.url.map(ToString::to_string),
        canonical_url: canonical.map(|c| c.as_str().to_owned()),
        text_hash: hash(&squashed),
        text,
        pages: 1,
        provenance: Provenance {
            program: concat!("jingwen/", env!("CARGO_PKG_VERSION")).to_owned(),
            ..Provenance::default()
        },
        fetched_at: page.fetched_at.map(|t| t.to_string()),
        ..Record::default()
    }
}

/// First 32 hexadecimal digits of the SHA-256 of a text without white space.
pub fn text_hash(text: &str) -> String {
    hash(&squashed(text))
}

fn hash(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes())[..16])
}
