//! What kind of page it is, where that is not an article: lists, forums, searches, challenges, soft 404s, stubs.

use std::sync::LazyLock;

use url::Url;

use super::Rejection;
use super::blocks::{self, Blocks};
use super::generic::{self, Choice};
use super::hints::Hints;
use super::meta::Meta;
use super::tidy::Body;
use super::title::{self, Headline};
use crate::pattern::Pattern;
use crate::record::Reason;

fn rejection(reason: Reason, detail: impl Into<String>) -> Option<Rejection> {
    Some(Rejection { reason, detail: detail.into() })
}

/// Pages that say of themselves that they are no article, before anything is extracted.
pub fn frame_page(
    url: Option<&Url>,
    meta: &Meta,
    blocks: &Blocks<'_>,
    headline: Option<&Headline>,
    markup: &str,
) -> Option<Rejection> {
    let text: u32 = blocks.lines.iter().filter(|l| !l.hidden).map(|l| l.chars).sum();
    // A headline, its date and a sentence make an article, whatever it speaks of.
    let reports = headline.is_some_and(|h| h.agrees && dated_near(blocks, h) && has_sentence_below(blocks, h));
    if text < 400
        && !reports
        && let Some(word) = soft_404(meta, blocks, headline)
    {
        return rejection(Reason::SoftNotFound, format!("the page says `{word}`"));
    }
    if text < 200
        && !reports
        && let Some(word) = challenge(meta, blocks)
    {
        return rejection(Reason::Challenge, format!("the page says `{word}`"));
    }
    if text < 200
        && let Some(name) = challenge_script(markup)
    {
        return rejection(Reason::Challenge, format!("next to no text, and a script of a firewall (`{name}`)"));
    }
    let declared = &meta.title;
    let results = ["搜索结果", "站内搜索", "Search results"].iter().any(|w| declared.contains(w))
        || ["的搜索", "搜索_"].iter().any(|w| declared.contains(w)) && url.is_none_or(is_search)
        || url.is_some_and(is_search) && declared.contains("搜索");
    if results && !reports {
        return rejection(Reason::Search, format!("titled `{declared}`"));
    }
    let generator = meta.get("generator").unwrap_or_default();
    // Discuz! makes portals with articles too, and says so of their `body`.
    if ["Discuz!", "phpwind"].iter().any(|w| declared.contains(w) || generator.contains(w)) && !meta.portal {
        return rejection(Reason::Forum, format!("titled `{declared}`, made by `{generator}`"));
    }
    None
}

fn is_search(url: &Url) -> bool {
    url.path().contains("search") || url.host_str().is_some_and(|h| h.starts_with("search.") || h.starts_with("so."))
}

/// A sentence below the headline that does not speak to the reader of this page.
fn has_sentence_below(blocks: &Blocks<'_>, headline: &Headline) -> bool {
    let from = headline.line.map_or(0, |at| at + headline.lines.max(1));
    blocks.lines.iter().skip(from).any(|l| {
        !l.hidden
            && l.chars >= 14
            && l.link_share() < 0.3
            && generic::ends_sentence(&l.text)
            && !l.hints.intersects(Hints::FRAME)
            && says_missing(&l.text).is_none()
            && !is_footer(&l.text)
    })
}

/// What an error page says to its reader, if a line does: 您访问的页面不存在或已被删除.
pub fn says_missing(text: &str) -> Option<String> {
    static MISSING: LazyLock<Pattern> = LazyLock::new(|| {
        Pattern::later(
            r"(?:(?:您|你)(?:所)?(?:要)?(?:访问|查看|浏览|请求|查找|阅读)的?.{0,8}|(?:抱歉|对不起|很遗憾|sorry).{0,12}|^.{0,6})(?:页面|网页|文章|内容|信息|链接|帖子|新闻|page).{0,10}(?:不存在|找不到|未找到|没有找到|已(?:经)?(?:被)?(?:删除|移除|下线|失效)|not (?:be )?found|does not exist)",
        )
    });
    let found = MISSING.find(text)?;
    (text.chars().count() <= 60).then(|| found.as_str().chars().take(30).collect())
}

/// A line of a page's footer: who runs the site, under which licence, where to complain.
pub(super) fn is_footer(text: &str) -> bool {
    const WORDS: [&str; 18] = [
        "版权所有",
        "ICP备",
        "ICP证",
        "公网安备",
        "许可证",
        "举报电话",
        "举报邮箱",
        "主办单位",
        "承办单位",
        "技术支持",
        "备案号",
        "法律顾问",
        "邮编",
        "传真",
        "All Rights Reserved",
        "All rights reserved",
        "Copyright",
        "©",
    ];
    WORDS.iter().any(|w| text.contains(w))
}

/// A page that has not loaded yet says so, and no more.
fn is_loading(text: &str) -> bool {
    text.chars().count() <= 40
        && [
            "加载中",
            "正在加载",
            "载入中",
            "请稍候",
            "请稍后",
            "Loading",
            "loading",
            "启用JavaScript",
            "enable JavaScript",
        ]
        .iter()
        .any(|w| text.contains(w))
}

fn soft_404(meta: &Meta, blocks: &Blocks<'_>, headline: Option<&Headline>) -> Option<&'static str> {
    const WORDS: &[&str] = &[
        "页面不存在",
        "页面未找到",
        "页面没有找到",
        "页面找不到",
        "找不到页面",
        "无法找到",
        "网页不存在",
        "您访问的页面",
        "你访问的页面",
        "您要查看的",
        "您查看的",
        "文章不存在",
        "内容不存在",
        "该内容已",
        "该文章已",
        "已被删除",
        "已删除",
        "信息不存在",
        "404 Not Found",
        "Not Found",
        "Page not found",
        "系统繁忙",
        "服务器错误",
        "502 Bad Gateway",
        "503 Service",
    ];
    let head = headline.map(|h| h.text.as_str()).unwrap_or_default();
    let mut said = [meta.title.as_str(), head]
        .into_iter()
        .chain(blocks.lines.iter().filter(|l| l.chars < 60).map(|l| l.text.as_ref()));
    said.find_map(|t| WORDS.iter().find(|w| t.contains(**w)).copied()).or_else(|| {
        let t = meta.title.trim();
        (t.starts_with("404") || t.starts_with("出错") || t == "Error").then_some("404")
    })
}

fn challenge(meta: &Meta, blocks: &Blocks<'_>) -> Option<&'static str> {
    const WORDS: &[&str] = &[
        "Just a moment",
        "请稍候",
        "安全验证",
        "人机验证",
        "滑动验证",
        "访问验证",
        "验证码",
        "请开启JavaScript",
        "请启用JavaScript",
        "enable JavaScript",
        "Checking your browser",
        "访问被拦截",
        "访问被阻断",
        "您的访问被",
        "请求被拦截",
        "Access Denied",
        "Forbidden",
        "频繁",
        "异常访问",
    ];
    [meta.title.as_str()]
        .into_iter()
        .chain(blocks.lines.iter().map(|l| l.text.as_ref()))
        .find_map(|t| WORDS.iter().find(|w| t.contains(**w)).copied())
}

/// A name that only a firewall's scripts have.
fn challenge_script(markup: &str) -> Option<&'static str> {
    const NAMES: &[&str] = &[
        "acw_sc__v2",
        "_waftokenid",
        "__jsl_clearance",
        "_$jsvmprt",
        "cf-chl",
        "WZWS",
        "punish-component",
        "/_sec/cp_challenge",
    ];
    // Such pages are scripts and hardly anything else, but no larger than this.
    NAMES.iter().find(|name| markup.len() < 256 << 10 && markup.contains(**name)).copied()
}

/// Says why the choice of the generic extractor is no article, if it is none. `declared`: see [`declares_article`].
pub fn no_article(
    blocks: &Blocks<'_>,
    choice: &Choice,
    body: &Body,
    headline: Option<&Headline>,
    declared: bool,
    min: usize,
) -> Option<Rejection> {
    let chars = body.chars();
    let of = |is: fn(&str) -> bool| -> usize {
        body.paragraphs.iter().filter(|p| is(p)).map(|p| blocks::visible(p) as usize).sum()
    };
    if chars > 0 && of(is_footer) * 2 > chars {
        return rejection(Reason::NoBody, "nothing but the page's footer");
    }
    let next = blocks.lines.iter().skip(choice.end).take(2).any(|l| is_footer(&l.text));
    if next && body.paragraphs.len() == 1 && !headline_above(headline, choice) {
        return rejection(Reason::NoBody, "one paragraph above the page's footer, and no headline above it");
    }
    if chars > 0 && of(is_loading) * 2 > chars {
        return rejection(Reason::NoBody, "the page has not loaded its text");
    }
    if chars < 120
        && let Some(said) = body.paragraphs.iter().find_map(|p| says_missing(p))
    {
        return rejection(Reason::SoftNotFound, format!("the page says `{said}`"));
    }
    let dated = headline.is_some_and(|h| dated_near(blocks, h));
    let titled = headline.is_some_and(|h| h.agrees && title::squash(&h.text).chars().count() >= 5);
    // A flash is one sentence; verse has lines, and need not have one.
    let whole = body.paragraphs.len() >= 3 || body.paragraphs.iter().any(|p| generic::ends_sentence(p));
    let flash = chars >= 12 && dated && titled && whole;
    if chars < min && !flash {
        let lines = blocks.lines.len();
        let linked = blocks.lines.iter().filter(|l| l.link_share() > 0.5).count();
        if lines > 30 && linked * 2 > lines {
            return rejection(Reason::List, format!("{linked} of {lines} lines are links, {chars} characters of body"));
        }
        return rejection(
            if chars == 0 { Reason::NoBody } else { Reason::TooShort },
            format!("{chars} characters of body"),
        );
    }
    if dated && titled {
        return None;
    }
    let plain: u32 =
        blocks.lines.iter().filter(|l| !l.hidden && l.link_share() < 0.5 && l.chars >= 20).map(|l| l.chars).sum();
    let share = chars as f64 / f64::from(plain.max(1));
    let linked = blocks.lines.iter().filter(|l| l.link_share() > 0.5).count();
    let inside = &blocks.lines[choice.first..choice.end];
    let links_inside = inside.iter().filter(|l| l.link_share() > 0.3).count();
    // Teasers: every long line of the container comes with a link of its own.
    let teasers = inside.iter().filter(|l| l.chars >= 20 && l.links > 0).count() * 2 > body.paragraphs.len()
        && body.paragraphs.len() > 3;
    // Links stand inside the paragraphs of many an English article; but a list's teaser is hardly ever two sentences.
    // In characters as Latin ones count: a Chinese one says as much as two and a half of them.
    let weight = |p: &str| if p.len() < blocks::visible(p) as usize * 3 / 2 { 2 } else { 5 };
    let prose: usize = body
        .paragraphs
        .iter()
        .filter(|p| generic::punctuation(p).stops >= 2)
        .map(|p| blocks::visible(p) as usize * weight(p) / 2)
        .sum();
    let whole: usize = body.paragraphs.iter().map(|p| blocks::visible(p) as usize * weight(p) / 2).sum();
    let evidence = f64::from(u8::from(dated))
        + f64::from(u8::from(titled))
        + if declared { 0.6 } else { 0.0 }
        + if chars >= 300 { 0.6 } else { 0.0 }
        + if prose >= 500 && prose * 2 >= whole { 0.8 } else { 0.0 }
        + if prose >= 2000 { 0.6 } else { 0.0 }
        // Short sentences, a paragraph each, and hundreds of comments below them.
        + if declared && whole >= 1500 && body.linked as usize * 5 < chars { 0.5 } else { 0.0 }
        + share.min(1.0);
    let against = if linked > 60 { 0.5 } else { 0.0 }
        + if links_inside * 2 > inside.len() { 0.6 } else { 0.0 }
        + if teasers { 0.6 } else { 0.0 };
    if evidence - against < 1.0 {
        return rejection(
            Reason::List,
            format!(
                "{linked} of {} lines are links; no headline with a date above {chars} characters of text",
                blocks.lines.len()
            ),
        );
    }
    None
}

/// A headline stands above the choice.
fn headline_above(headline: Option<&Headline>, choice: &Choice) -> bool {
    headline.and_then(|h| h.line).is_some_and(|at| at <= choice.first)
}

/// The page says that it is an article: by its type, a time of publication, or an address with a day and a number in it.
pub fn declares_article(url: Option<&Url>, meta: &Meta) -> bool {
    let typed =
        meta.get("og:type").is_some_and(|t| t.eq_ignore_ascii_case("article") || t.eq_ignore_ascii_case("news"));
    let timed = || {
        ["article:published_time", "og:release_date", "publishdate", "pubdate"]
            .iter()
            .any(|name| meta.get(name).is_some())
            || meta.json_ld("datePublished").is_some()
    };
    let dated = || {
        url.is_some_and(|u| {
            let name = u.path().rsplit('/').next().unwrap_or_default();
            super::date::in_url(u.path()).is_some() && name.bytes().filter(u8::is_ascii_digit).count() >= 4
        })
    };
    typed || timed() || dated()
}

/// A date or a source stands in the lines after the headline.
fn dated_near(blocks: &Blocks<'_>, headline: &Headline) -> bool {
    let Some(at) = headline.line else { return false };
    blocks.lines.iter().skip(at + headline.lines.max(1)).take(12).any(is_info)
}

/// A line with a date or a source, as it stands below a headline.
pub(super) fn is_info(l: &blocks::Line<'_>) -> bool {
    !l.hidden
        && l.chars < 100
        && !l.hints.contains(Hints::COMMENT)
        && (l.text.contains("来源") || has_date(&l.text) || super::byline::staff_line(&l.text).is_some())
        && generic::punctuation(&l.text).stops == 0
}

pub(super) fn has_date(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    digits >= 4 && super::date::find(text, &super::date::Context::default()).is_some()
        || ["小时前", "分钟前", "昨天", "今天"].iter().any(|w| text.contains(w))
        || digits >= 6 && text.contains(':') && text.contains('-')
}
