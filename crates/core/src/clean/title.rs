//! The headline, as a reader sees it.

use super::blocks::{Blocks, Tag};
use super::byline::is_han;
use super::hints::Hints;
use super::meta::Meta;
use super::site_name as site;

/// A headline, and where it stands among the page's lines if it is visible there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headline {
    /// The text.
    pub text: String,
    /// First line of it.
    pub line: Option<usize>,
    /// Lines it takes.
    pub lines: usize,
    /// The visible headline and the declared one agree.
    pub agrees: bool,
}

/// Text without white space and punctuation, lower case: for comparing headlines.
pub fn squash(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(|c| match c {
            '０'..='９' => char::from_u32(c as u32 - '０' as u32 + '0' as u32).unwrap_or(c).to_lowercase(),
            c => c.to_lowercase(),
        })
        .collect()
}

/// Least characters (squashed) of a heading that can be believed to be the headline.
const MIN_CHARS: usize = 4;

/// … and most.
const MAX_CHARS: usize = 200;

/// Chooses the headline.
pub fn choose(blocks: &Blocks<'_>, meta: &Meta) -> Option<Headline> {
    if declares_no_headline(meta)
        && let Some(headline) = above_the_date(blocks)
    {
        return Some(headline);
    }
    let declared = squash(&meta.title);
    let og = meta.get("og:title").or_else(|| meta.json_ld_text("headline")).map(squash).unwrap_or_default();
    let stripped = declared_title(meta).map(|t| squash(&t)).unwrap_or_default();
    let whole = stripped.chars().count();
    let mut best: Option<(i64, Headline)> = None;
    for elem in &blocks.elems {
        let lines = &blocks.lines[elem.first as usize..(elem.end.max(elem.first)) as usize];
        let heading = match elem.tag {
            Tag::H(n) => 24 - i64::from(n) * 4,
            _ if elem.hints.contains(Hints::TITLE) => 8,
            _ => continue,
        };
        if lines.is_empty() || lines.len() > 3 || lines.iter().any(|l| l.hidden) {
            continue;
        }
        let text = lines.iter().map(|l| l.text.as_ref()).collect::<Vec<_>>().join(" ");
        let squashed = squash(&text);
        let n = squashed.chars().count();
        if !(MIN_CHARS..=MAX_CHARS).contains(&n) || squashed != stripped && site::names_site(&text, meta) {
            continue;
        }
        let mut score = heading;
        let said = |whole: &str| {
            !whole.is_empty()
                && (whole.contains(&squashed) || (n >= 8 && squashed.contains(whole) && whole.chars().count() * 2 > n))
        };
        // A word or two of the declared title are a rubric's name, or a part's heading.
        let agrees =
            (said(&declared) || said(&og) || lines.len() == 1 && said(&stripped)) && n * 5 >= whole.min(60) * 2;
        if agrees {
            score += 40 + (n.min(60) as i64);
            if og == squashed || declared == squashed {
                score += 10;
            }
            if declared.starts_with(&squashed) {
                score += 6;
            }
        } else if !declared.is_empty() {
            score += (overlap(&squashed, &declared) * 40.0) as i64 - 20;
        }
        let text = own_words(lines.iter().map(|l| l.text.as_ref()), [&declared, &og]).unwrap_or(text);
        let linked: u32 = lines.iter().map(|l| l.linked).sum();
        let chars: u32 = lines.iter().map(|l| l.chars).sum();
        if linked * 2 > chars {
            score -= 25;
        }
        if lines[0].hints.intersects(Hints::RELATED.union(Hints::COMMENT).union(Hints::FOOT)) {
            score -= 12;
        }
        // On equal terms the first wins.
        if best.as_ref().is_none_or(|(s, _)| score > *s) {
            best = Some((score, Headline { text, line: Some(elem.first as usize), lines: lines.len(), agrees }));
        }
    }
    match &best {
        Some((score, headline)) if headline.agrees && *score >= 40 => {
            let whole = [&stripped, &declared, &og].into_iter().any(|d| *d == squash(&headline.text));
            let first = (!whole).then(|| first_heading(blocks, meta)).flatten();
            // A part's heading may agree too.
            let above = first.filter(|h| !is_first_rank(blocks, headline) && h.line < headline.line);
            return above.or_else(|| best.map(|(_, h)| Headline { text: as_declared(h.text, meta), ..h }));
        }
        _ => {}
    }
    if let Some(headline) = first_heading(blocks, meta).filter(|h| !is_mostly_han(&h.text)) {
        return Some(headline);
    }
    // A headline that is no heading: a line that the declared title begins or ends with.
    if let Some(headline) = plain_line(blocks, &declared).or_else(|| plain_line(blocks, &og)) {
        return Some(headline);
    }
    if let Some(headline) = first_heading(blocks, meta) {
        return Some(headline);
    }
    let declared_text = declared_title(meta);
    // A lower heading that shares little with the declared title is a part's.
    let leads = |h: &Headline| is_mostly_han(&h.text) || is_first_rank(blocks, h);
    if let Some((score, headline)) = best
        && (score >= 16 && leads(&headline) || declared_text.is_none())
        && !is_generic_heading(&headline.text)
    {
        return Some(headline);
    }
    declared_text.map(|text| Headline { text, line: None, lines: 0, agrees: false })
}

/// The first heading of the first rank that shares words with the declared title: `A guide to …`, declared as `… explained`.
fn first_heading(blocks: &Blocks<'_>, meta: &Meta) -> Option<Headline> {
    let headline = meta.json_ld_text("headline").unwrap_or_default();
    let declared = format!("{} {} {headline}", meta.get("og:title").unwrap_or_default(), meta.title);
    blocks.elems.iter().filter(|e| e.tag == Tag::H(1)).find_map(|e| {
        let lines = blocks.lines.get(e.first as usize..e.end.max(e.first) as usize)?;
        let odd = |l: &super::blocks::Line<'_>| l.hidden || l.link_share() > 0.5;
        if lines.is_empty() || lines.len() > 3 || lines.iter().any(odd) {
            return None;
        }
        let text = lines.iter().map(|l| l.text.as_ref()).collect::<Vec<_>>().join(" ");
        let n = squash(&text).chars().count();
        let fits = (8..=MAX_CHARS).contains(&n) && !site::names_site(&text, meta) && !is_generic_heading(&text);
        let shares = fits && shared(&text, &declared) >= 0.3;
        shares.then_some(Headline { text, line: Some(e.first as usize), lines: lines.len(), agrees: false })
    })
}

fn is_first_rank(blocks: &Blocks<'_>, headline: &Headline) -> bool {
    headline.line.is_some_and(|at| blocks.elems.iter().any(|e| e.tag == Tag::H(1) && e.first as usize == at))
}

/// Share of a text's words that another has; of its pairs of characters, if it is Chinese.
fn shared(text: &str, other: &str) -> f32 {
    if is_mostly_han(text) {
        return overlap(&squash(text), &squash(other));
    }
    let words = |s: &str| -> Vec<String> { s.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase).collect() };
    let (own, other) = (words(text), words(other));
    let known = own.iter().filter(|w| !w.is_empty() && other.contains(w)).count();
    known as f32 / own.iter().filter(|w| !w.is_empty()).count().max(1) as f32
}

/// The declared spelling of a headline that the page sets in capitals, or with a date, a rubric or a by-line around it.
fn as_declared(text: String, meta: &Meta) -> String {
    let Some(declared) = declared_title(meta) else { return text };
    let (shown, whole) = (squash(&text), squash(&declared));
    let shouts = |s: &str| s.contains(' ') && s.chars().any(char::is_uppercase) && !s.chars().any(char::is_lowercase);
    if shown == whole {
        return if shouts(&text) && !shouts(&declared) { declared } else { text };
    }
    let rubric =
        |rest: &str| rest.len() <= 60 && rest.trim_end().ends_with([':', '|', '/']) || super::kind::has_date(rest);
    let behind = || text.strip_suffix(declared.as_str()).is_some_and(rubric);
    let before = || shown.starts_with(&whole) && text.get(declared.len()..).is_some_and(super::kind::has_date);
    let long = whole.chars().count() >= 12 && !is_mostly_han(&text);
    if long && (behind() || before()) { declared } else { text }
}

/// True if what the page declares as its title names the site, or the kind of page, and no article.
fn declares_no_headline(meta: &Meta) -> bool {
    const PAGES: [&str; 24] = [
        "新闻详情",
        "详情",
        "详情页",
        "详细",
        "正文",
        "新闻正文",
        "文章",
        "文章详情",
        "文章正文",
        "内容",
        "内容页",
        "内容详情",
        "资讯详情",
        "新闻",
        "新闻中心",
        "首页",
        "无标题文档",
        "新闻内容",
        "信息详情",
        "公告详情",
        "通知公告",
        "untitled",
        "home",
        "document",
    ];
    const SITES: [&str; 12] = [
        "数字报",
        "电子报",
        "电子版",
        "数字报刊",
        "门户网站",
        "官方网站",
        "官网",
        "新闻网",
        "日报",
        "晚报",
        "在线",
        "客户端",
    ];
    let Some(declared) = meta.get("og:title").or(Some(&meta.title)).map(str::trim) else { return true };
    let first = declared.split(['_', '|', '｜', '-', '—', '–']).next().unwrap_or_default().trim();
    let squashed = squash(first);
    let n = squashed.chars().count();
    let names_site = meta.get("og:site_name").is_some_and(|site| squash(site) == squash(declared)) && n <= 24;
    n == 0
        || names_site
        || PAGES.contains(&squashed.as_str())
        || n <= 14 && SITES.iter().any(|w| first.ends_with(w))
        || n <= 6 && (first.ends_with('网') || first.ends_with('报'))
}

/// Lines below a heading in which its date or source must stand.
const INFO_BELOW: usize = 6;

/// The heading with a date or source right below it, on a page that declares no headline.
fn above_the_date(blocks: &Blocks<'_>) -> Option<Headline> {
    let mut best: Option<(i64, Headline)> = None;
    for elem in &blocks.elems {
        let (first, end) = (elem.first as usize, elem.end.max(elem.first) as usize);
        let lines = &blocks.lines[first..end];
        let rank = match elem.tag {
            Tag::H(n) => 24 - i64::from(n) * 4,
            _ if elem.hints.contains(Hints::TITLE) => 8,
            _ => continue,
        };
        let odd = |l: &super::blocks::Line<'_>| l.hidden || l.link_share() > 0.5 || l.hints.intersects(Hints::FRAME);
        if lines.is_empty() || lines.len() > 3 || lines.iter().any(odd) {
            continue;
        }
        let text = lines.iter().map(|l| l.text.as_ref()).collect::<Vec<_>>().join(" ");
        let n = squash(&text).chars().count();
        if !(MIN_CHARS..=80).contains(&n) || is_generic_heading(&text) {
            continue;
        }
        let below = || blocks.lines.iter().skip(end).take(INFO_BELOW);
        let dated = below().any(super::kind::is_info);
        let text_follows = blocks.lines.iter().skip(end).take(INFO_BELOW * 2).any(|l| l.chars >= 20 && l.links == 0);
        if !text_follows {
            continue;
        }
        let score = rank + if dated { 40 } else { 0 };
        if best.as_ref().is_none_or(|(s, _)| score > *s) {
            best = Some((score, Headline { text, line: Some(first), lines: lines.len(), agrees: true }));
        }
    }
    best.map(|(_, headline)| headline)
}

/// The headline among the lines of a heading that holds more (the button of a voice, a badge): what is declared too.
fn own_words<'a>(lines: impl Iterator<Item = &'a str> + Clone, declared: [&String; 2]) -> Option<String> {
    const BADGES: [&str; 4] = ["原创", "置顶", "转载", "首发"];
    let several = lines.clone().nth(1).is_some();
    let is_declared = |text: &str| {
        let squashed = squash(text);
        squashed.chars().count() >= 8 && declared.iter().any(|d| d.starts_with(&squashed))
    };
    let plain = |line: &'a str| {
        let badge = BADGES.iter().find_map(|b| line.strip_prefix(b)).filter(|rest| is_declared(rest));
        match badge {
            Some(rest) => Some(rest.trim()),
            None => (several && is_declared(line)).then_some(line),
        }
    };
    let mut found = lines.clone().filter_map(plain);
    let first = found.next()?;
    // A headline that is set in two lines is declared as a whole.
    let all: String = lines.map(squash).collect();
    let whole = several && declared.iter().any(|d| d.starts_with(&all));
    (!whole).then(|| first.to_owned())
}

fn plain_line(blocks: &Blocks<'_>, declared: &str) -> Option<Headline> {
    let n = declared.chars().count();
    if n < 8 {
        return None;
    }
    blocks
        .lines
        .iter()
        .enumerate()
        .filter(|(_, l)| !l.hidden && l.link_share() < 0.5 && (8..=120).contains(&l.chars))
        .filter(|(_, l)| !l.hints.intersects(Hints::COMMENT.union(Hints::RELATED)))
        .find_map(|(i, l)| {
            let text = without_counter(l.text.trim());
            let squashed = squash(text);
            let chars = squashed.chars().count();
            // Some sites put their own name before the headline.
            let is_headline = declared.starts_with(&squashed) && chars * 10 >= n * 4
                || declared.ends_with(&squashed) && chars * 2 >= n;
            (chars >= 8 && is_headline).then(|| Headline {
                text: text.to_owned(),
                line: Some(i),
                lines: 1,
                agrees: true,
            })
        })
}

/// A gallery's headline without which of its pictures is shown: `… (5/7)`.
fn without_counter(text: &str) -> &str {
    let counted =
        |t: &str| t.rfind(['(', '（']).filter(|at| super::noise::is_counter(t[*at..].trim_matches(['(', '（'])));
    let inner = text.strip_suffix([')', '）']);
    inner.and_then(|t| Some(t[..counted(t)?].trim_end())).unwrap_or(text)
}

/// Words that head a part of a page.
fn is_generic_heading(text: &str) -> bool {
    text.chars().count() < 6
        || ["导航", "频道", "首页", "推荐", "热点", "排行", "评论", "专题", "相关", "登录"]
            .iter()
            .any(|w| text.contains(w))
            && text.chars().count() < 12
}

/// The declared title without the site's suffix.
pub fn declared_title(meta: &Meta) -> Option<String> {
    if let Some(og) = meta.get("og:title").filter(|t| !t.is_empty()) {
        return Some(site::without_site(og, meta));
    }
    (!meta.title.is_empty()).then(|| site::without_site(&meta.title, meta))
}

/// Cuts `_新浪网`, ` - 深圳新闻网`, `|栏目` off the end of a title, as long as more is left than is cut.
pub fn strip_suffix(title: &str) -> String {
    let mut text = title.trim();
    for _ in 0..4 {
        let Some((at, len)) = last_separator(text) else { break };
        let (head, tail) = (text[..at].trim_end(), text[at + len..].trim());
        let (h, t) = (head.chars().count(), tail.chars().count());
        let site = t <= 12 || tail.ends_with(['网', '报', '社', '台', '频', '道', '端', '闻']) && t <= 20;
        if h < 4 || !site || h < t && h < 8 {
            break;
        }
        // «A-B» inside a headline: only a separator with blanks, `_` or `|` is safe before Latin text.
        text = head;
    }
    text.trim_end_matches(|c: char| matches!(c, '_' | '-' | '|' | '—' | '–' | '·') || c.is_whitespace()).to_owned()
}

pub(super) fn last_separator(text: &str) -> Option<(usize, usize)> {
    text.char_indices().rev().find_map(|(i, c)| {
        let separates = match c {
            '_' | '|' | '｜' | '丨' | '»' | '•' => true,
            '-' | '–' | '—' | '－' => {
                let before = text[..i].chars().next_back();
                let after = text[i + c.len_utf8()..].chars().next();
                // 冠-19, AI-2: part of a word.
                !(before.is_some_and(|b| b.is_ascii_alphanumeric()) && after.is_some_and(|a| a.is_ascii_alphanumeric()))
                    && after.is_some_and(|a| a != '-' && a != '—')
                    && before.is_some_and(|b| b != '-' && b != '—')
            }
            _ => false,
        };
        separates.then_some((i, c.len_utf8()))
    })
}

/// Share of the pairs of neighbouring characters of `a` that `b` has too.
pub fn overlap(a: &str, b: &str) -> f32 {
    let pairs = |s: &str| s.chars().zip(s.chars().skip(1)).collect::<Vec<_>>();
    let (a, b) = (pairs(a), pairs(b));
    if a.is_empty() {
        return 0.0;
    }
    a.iter().filter(|p| b.contains(p)).count() as f32 / a.len() as f32
}

/// True if most letters are Chinese.
pub fn is_mostly_han(text: &str) -> bool {
    let (mut han, mut other) = (0usize, 0usize);
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        if is_han(c) {
            han += 1;
        } else {
            other += 1;
        }
    }
    han * 2 >= other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_that_holds_more_than_the_headline() {
        let declared = squash("深圳地铁四条新线本周试跑_深圳新闻网");
        let words = |lines: &[&str]| own_words(lines.iter().copied(), [&declared, &String::new()]);
        let want = Some("深圳地铁四条新线本周试跑".to_owned());
        assert_eq!(words(&["深圳地铁四条新线本周试跑", "播报文章", "语音播报文章，释放双眼"]), want);
        assert_eq!(words(&["原创深圳地铁四条新线本周试跑"]), want);
        assert_eq!(words(&["深圳地铁四条新线", "本周试跑"]), None);
        assert_eq!(words(&["深圳地铁四条新线本周试跑"]), None);
    }

    #[test]
    fn a_gallerys_counter_is_no_part_of_the_headline() {
        assert_eq!(without_counter("十二只熊猫幼仔开始群体生活 (5/7)"), "十二只熊猫幼仔开始群体生活");
        assert_eq!(without_counter("话剧巡演结束（图）"), "话剧巡演结束（图）");
    }

    #[test]
    fn suffixes() {
        for (title, want) in [
            ("深圳地铁四条新线本周试跑_深圳新闻网", "深圳地铁四条新线本周试跑"),
            ("多地项目连环爆雷_网易财经", "多地项目连环爆雷"),
            ("新线试跑-新闻中心-南方网", "新线试跑"),
            ("新线试跑 | 读特 - 深圳特区报", "新线试跑"),
            ("新冠COVID-19疫情最新消息", "新冠COVID-19疫情最新消息"),
            ("促进航天技术惠及人民——论坛贺信", "促进航天技术惠及人民——论坛贺信"),
        ] {
            assert_eq!(strip_suffix(title), want);
        }
    }
}
