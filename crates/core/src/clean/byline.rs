//! Who made the article: editors by role, authors, source, from the lines that newsrooms write them in.

use std::sync::LazyLock;

use indexmap::IndexMap;
use memchr::memchr2;

use super::blocks::{Blocks, Line};
use super::hints::Hints;
use super::meta::Meta;
use super::roles::{self, AUTHOR_ROLES, CREDITS};
use super::script::simplified;
use super::tidy::Body;
use super::title::Headline;
use crate::pattern::Pattern;

/// What stands where a name would, and names nobody.
const NOBODY: [&str; 10] = ["未知", "佚名", "匿名", "网络", "本站", "本网", "admin", "不详", "摄影报道", "报道"];

/// What one line said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Staff {
    /// Editorial role to names.
    pub editors: IndexMap<String, Vec<String>>,
    /// Authors.
    pub authors: Vec<String>,
    /// 来源.
    pub source: Option<String>,
}

impl Staff {
    /// Adds what another line said; names already known stay where they are.
    pub fn merge(&mut self, other: Staff) {
        for (role, names) in other.editors {
            let known = self.editors.entry(role).or_default();
            for name in names {
                if !known.contains(&name) {
                    known.push(name);
                }
            }
        }
        for name in other.authors {
            if !self.authors.contains(&name) {
                self.authors.push(name);
            }
        }
        if self.source.is_none() {
            self.source = other.source;
        }
    }

    /// True if nothing was said.
    pub fn is_empty(&self) -> bool {
        self.editors.is_empty() && self.authors.is_empty() && self.source.is_none()
    }
}

/// Longest line that can be a staff line, in characters.
const MAX_STAFF: usize = 160;

/// Reads a line that holds nothing but roles and names: `编辑 张克 审读 张蕾`, `【责任编辑:王頔】`, `来源：新华社 作者：李在山`.
///
/// `None` if anything in it is not a role or a plausible name.
pub fn staff_line(line: &str) -> Option<Staff> {
    if line.len() > MAX_STAFF * 3 || line.len() < 6 {
        return None;
    }
    let trimmed = strip_brackets(line.trim());
    // 本文来源 is no 文 of somebody's.
    let trimmed = trimmed.strip_prefix("本文").filter(|rest| rest.starts_with("来源")).unwrap_or(trimmed);
    // Roles stand first, or behind the name of a desk; further on they need not be looked for.
    let simple = simplified(trimmed);
    let head = simple.char_indices().nth(40).map_or(simple.as_ref(), |(at, _)| &simple[..at]);
    let first = roles::find_at(head, 0)?;
    if let Some(staff) = name_before_role(line, trimmed, first.clone()) {
        return Some(staff);
    }
    if first.start > 0 && !is_desk(&trimmed[..first.start]) {
        return None;
    }
    let mut staff = Staff::default();
    let mut roles: Vec<String> = Vec::new();
    let mut at = first.start;
    // 图/某图库: the credit of a picture.
    if &head[first.clone()] == "图" {
        return None;
    }
    loop {
        let m = at..at + roles::at_start(&simple[at..])?;
        roles.push(trimmed[m.clone()].chars().filter(|c| !super::blocks::is_blank(*c)).collect());
        let after = &trimmed[m.end..];
        let rest = after.trim_start_matches(is_separator);
        let separated = rest.len() < after.len();
        at = trimmed.len() - rest.len();
        // `校对/审读 王小明`: two roles of one person.
        if let Some(next) = roles::at_start(&simple[at..])
            && !rest.is_empty()
            && is_role_word(&rest[next..])
        {
            if roles.len() > 4 {
                return None;
            }
            continue;
        }
        if !separated && !rest.is_empty() && !staff.is_empty() {
            return None;
        }
        if !separated {
            return None;
        }
        let end = next_role(&simple[at..]);
        let value = rest[..end].trim_matches(is_separator);
        add(&mut staff, &mut roles, value)?;
        at += end;
        if trimmed[at..].trim_matches(is_separator).is_empty() {
            return (!staff.is_empty()).then_some(staff);
        }
    }
}

/// `（王小明 编辑）`: a name before the role, in brackets.
fn name_before_role(line: &str, inside: &str, role: std::ops::Range<usize>) -> Option<Staff> {
    let name = inside[..role.start].trim();
    let is_name = (2..=4).contains(&name.chars().count()) && name.chars().all(is_han);
    let bracketed = line.trim().starts_with(['（', '(', '【']) && role.end == inside.len();
    let simple = simplified(&inside[role.clone()]).into_owned();
    let edits = !AUTHOR_ROLES.contains(&simple.as_str()) && !CREDITS.contains(&simple.as_str());
    (is_name && bracketed && edits).then(|| {
        let editors = IndexMap::from([(inside[role].to_owned(), vec![name.to_owned()])]);
        Staff { editors, ..Staff::default() }
    })
}

/// `中青报·中青网记者`: an outlet before the role.
fn is_desk(prefix: &str) -> bool {
    let prefix = prefix.trim();
    prefix.chars().count() <= 14
        && !prefix.contains(['，', '。', '：', ':', '、', '；', '？', '！', ',', '(', '（', '“'])
        && (prefix.ends_with(['报', '网', '社', '台', '·', '》', '闻', '视', '道', '刊', '端', '本'])
            || prefix.ends_with("特约"))
}

/// An outlet, a role and a name, and no more: `《海边周刊》作者 王小明`. No turn of an interview is written so.
pub fn is_desk_byline(line: &str) -> bool {
    let line = line.trim();
    let simple = simplified(line);
    let Some(role) = roles::find_at(&simple, 0).filter(|role| role.start > 0) else { return false };
    let name = line[role.end..].trim();
    is_desk(&line[..role.start])
        && AUTHOR_ROLES.contains(&&simple[role])
        && (2..=4).contains(&name.chars().filter(|c| is_han(*c)).count())
        && name.chars().all(|c| is_han(c) || super::blocks::is_blank(c) || c == '·')
}

/// Editors of a line that names them among other things: `发布日期：2026-03-06 责任编辑：王小明`.
fn labelled_editors(line: &str) -> Option<Staff> {
    let at = ["责任编辑", "責任編輯", "责编", "编辑"].iter().find_map(|w| line.find(w))?;
    staff_line(&line[at..]).filter(|staff| !staff.editors.is_empty())
}

/// An outlet beside the date below the headline, known by the word that such names end with: `2026-03-06 10:30 海边日报`.
fn source_beside_date(line: &str) -> Option<String> {
    const OUTLETS: [&str; 16] = [
        "日报",
        "晚报",
        "时报",
        "早报",
        "晨报",
        "都市报",
        "青年报",
        "商报",
        "新闻网",
        "在线",
        "通讯社",
        "新华社",
        "电视台",
        "广播网",
        "周刊",
        "客户端",
    ];
    let clock = |c: char| {
        c.is_ascii_digit() || matches!(c, '-' | '/' | '.' | ':' | '：' | '年' | '月' | '日' | ' ' | '\u{3000}')
    };
    let name = line.trim_matches(clock);
    let n = name.chars().count();
    let is_outlet = OUTLETS.iter().any(|w| name.ends_with(w)) || name.ends_with('网') && (3..=8).contains(&n);
    let dated = line.chars().filter(char::is_ascii_digit).count() >= 6;
    // 10:30:2839网: where the clock ends and the name begins is not known.
    let glued = line.find(name).is_some_and(|at| line[..at].ends_with(|c: char| c.is_ascii_digit()));
    (is_outlet && dated && !glued && (2..=14).contains(&n) && name.chars().all(char::is_alphanumeric))
        .then(|| name.to_owned())
}

fn is_separator(c: char) -> bool {
    super::blocks::is_blank(c)
        || matches!(
            c,
            ':' | '：' | '|' | '｜' | '/' | '／' | '丨' | '│' | '·' | '；' | ';' | '，' | ',' | '、' | '-' | '—'
        )
}

fn strip_brackets(line: &str) -> &str {
    let inner = line.trim_matches(|c: char| {
        super::blocks::is_blank(c)
            || matches!(
                c,
                '[' | ']'
                    | '【'
                    | '】'
                    | '（'
                    | '）'
                    | '('
                    | ')'
                    | '〔'
                    | '〕'
                    | '「'
                    | '」'
                    | '<'
                    | '>'
                    | '《'
                    | '■'
                    | '●'
                    | '◆'
                    | '□'
                    | '▲'
                    | '△'
                    | '*'
            )
    });
    inner.trim()
}

fn is_role_word(after: &str) -> bool {
    // Many names begin like roles: 文, 图, 摄, 视觉中国.
    after.is_empty() || after.starts_with(is_separator)
}

/// Byte offset of the next role that follows a separator, or the end.
fn next_role(text: &str) -> usize {
    let mut at = 0;
    while let Some(m) = roles::find_at(text, at) {
        let before = text[..m.start].chars().next_back();
        let after = &text[m.end..];
        let opens =
            before.is_none_or(|c| is_separator(c) || matches!(c, '[' | '【' | '（' | '(' | ']' | '】' | ')' | '）'));
        if opens && m.start > 0 && (after.starts_with(is_separator)) {
            // The bracket before a role belongs to neither.
            let end = text[..m.start].trim_end_matches(['[', '【', '（', '(', ']', '】', ')', '）']).len();
            let _ = end;
            return m.start;
        }
        at = m.end;
    }
    text.len()
}

fn add(staff: &mut Staff, roles: &mut Vec<String>, value: &str) -> Option<()> {
    let value =
        value.trim_matches(|c: char| is_separator(c) || matches!(c, '[' | ']' | '【' | '】' | '（' | '）' | '(' | ')'));
    let taken = std::mem::take(roles);
    for role in &taken {
        let simple = simplified(role);
        if CREDITS.contains(&simple.as_ref()) {
            continue;
        }
        if simple.starts_with("来源") || simple == "稿源" {
            let source = source_value(value)?;
            staff.source.get_or_insert(source);
            continue;
        }
        let names = names(value);
        if value.is_empty() {
            // «责任编辑：» with nothing behind it is a staff line all the same.
            continue;
        }
        if names.is_empty() {
            return None;
        }
        if AUTHOR_ROLES.contains(&simple.as_ref()) {
            for name in names {
                if !NOBODY.contains(&name.as_str()) && !staff.authors.contains(&name) {
                    staff.authors.push(name);
                }
            }
        } else {
            staff.editors.entry(role.clone()).or_default().extend(names);
        }
    }
    if staff.is_empty() && value.is_empty() {
        // Nothing named yet; keep the line as a staff line by recording an empty role.
        for role in taken {
            if !AUTHOR_ROLES.contains(&role.as_str()) && !CREDITS.contains(&role.as_str()) {
                staff.editors.entry(role).or_default();
            }
        }
    }
    Some(())
}

/// Splits names: at `、，,/ ;`, and at blanks where that leaves whole names (方 敏 is one name). Titles are cut off.
///
/// Empty if any of them cannot be a name.
pub fn names(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for part in text.split(['、', '，', ',', '/', '／', ';', '；', '|', '｜', '丨']) {
        let words: Vec<&str> = part.split(super::blocks::is_blank).filter(|w| !w.is_empty()).collect();
        let mut i = 0;
        while i < words.len() {
            // 南都记者 甲, 某网专栏作者 乙: the desk is no name.
            let is_desk = ["记者", "作者", "通讯员", "评论员", "撰稿人"].iter().any(|w| words[i].ends_with(w));
            if is_desk && i + 1 < words.len() {
                i += 1;
                continue;
            }
            let mut name = words[i].to_owned();
            // 方 敏: two single characters are one name.
            if is_one_han(words[i]) && words.get(i + 1).is_some_and(|w| is_one_han(w)) {
                name.push_str(words[i + 1]);
                i += 1;
            }
            // 黄忆南 PN269: the staff code stays with its name. Anne Smith: so does a Latin surname.
            else if words.get(i + 1).is_some_and(|w| is_code(w) || (is_latin(words[i]) && is_latin(w))) {
                name.push(' ');
                name.push_str(words[i + 1]);
                i += 1;
            }
            i += 1;
            // 记者王敬照
            if let Some(rest) = name.strip_prefix("记者").filter(|rest| (2..=4).contains(&rest.chars().count())) {
                name = rest.to_owned();
            }
            if !is_name(&name) {
                return Vec::new();
            }
            if !out.contains(&name) {
                out.push(name);
            }
        }
    }
    out
}

fn is_one_han(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(is_han) && chars.next().is_none()
}

/// A Chinese character.
pub fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

fn is_latin(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, '.' | '\'' | '-'))
}

fn is_code(word: &str) -> bool {
    let letters = word.chars().take_while(char::is_ascii_uppercase).count();
    (1..=4).contains(&letters) && word.len() > letters && word[letters..].bytes().all(|b| b.is_ascii_digit())
}

fn is_name(text: &str) -> bool {
    let n = text.chars().count();
    let han = text.chars().filter(|c| is_han(*c)).count();
    let limit = if han * 2 > n { 8 } else { 24 };
    n > 0
        && n <= limit
        && !text.contains([
            '。', '？', '！', '?', '!', '“', '”', '《', '》', '：', ':', '…', '=', '\u{fffd}', '】', '【', ']', '[',
            '>',
        ])
        && !text.chars().all(|c| c.is_ascii_digit())
}

/// A source as the page words it, without what often stands behind it; `None` if it is no source.
pub fn source_value(text: &str) -> Option<String> {
    static END: LazyLock<Pattern> = LazyLock::new(|| {
        Pattern::later(
            r"[ \u{3000}\u{a0}|｜]+(?:作者|记者|编辑|责任编辑|责编|时间|发布|日期|阅读|浏览|点击|评论|字号|字体|分享|打印|收藏|关注|举报|订阅|我要|大字|小字|人气|热度|转载|\d{4}[-年/]|\d{1,2}[-:]\d|[(（]?\d+[)）]?$).*|(?:举报|打印|分享到.*|字号.*|我有话说.*|参与互动.*|责任编辑[:：].*|作者[:：].*|编辑[:：].*|发布时间[:：].*|发布日期[:：].*|时间[:：].*|\d{4}[-年]\d{1,2}[-月]\d{1,2}.*|[(（]记者.*|[ \u{3000}](?:摄影|文图|图文)[:：／/].*)$",
        )
    });
    let text = text.trim_matches(is_separator);
    let text = END.replace(text, "");
    let text = text
        .trim_matches(|c: char| is_separator(c) && c != '-' || matches!(c, '(' | '（' | '[' | '【'))
        .trim_start_matches([')', '）', ']', '】']);
    let text = without_open_bracket(text);
    let n = text.chars().count();
    (n > 0 && n <= 40 && !text.contains(['。', '？', '！'])).then(|| text.to_owned())
}

/// The text without a closing bracket that nothing opens.
fn without_open_bracket(text: &str) -> &str {
    let pairs = [('(', ')'), ('（', '）'), ('[', ']'), ('【', '】')];
    let stray = pairs.iter().find(|(open, close)| text.ends_with(*close) && !text.contains(*open));
    stray.map_or(text, |(_, close)| text.trim_end_matches(*close).trim_end_matches(is_separator))
}

/// 来源 in a line that holds other things too: `2019年06月15日08:18  来源：人民网-文化频道 分享到：`.
pub fn source_in(line: &str) -> Option<String> {
    static SOURCE: LazyLock<Pattern> = LazyLock::new(|| {
        Pattern::later(
            r"(?:来源|來源|稿源|出处|消息来源|新闻来源|文章来源)(?:于|自)?[ \u{3000}]*[:：|｜丨][ \u{3000}]*(?P<s>.+)$",
        )
    });
    let c = SOURCE.captures(line)?;
    source_value(&c["s"])
}

/// Authors that a body's first or last lines name: `（记者 陈智）`, `【文/观察者网专栏作者 王文】`, `本报记者 方敏`.
pub fn authors_in(line: &str) -> Vec<String> {
    static INSIDE: LazyLock<Pattern> = LazyLock::new(|| {
        Pattern::later(
            r"^[（(【\[]\s*(?P<lead>[^（()）【】\[\]。，：:]{0,18}?)(?P<role>记者|作者|通讯员|文[/／|｜]|文字?[:：]|撰文|采写|特约评论员|评论员)(?:[/／][^ \u{3000}：:]{1,4})?[:： \u{3000}]*(?P<names>[^（()）【】\[\]。]{2,60})[）)】\]]",
        )
    });
    static DATELINE: LazyLock<Pattern> = LazyLock::new(|| {
        Pattern::later(r"^(?:[^，。]{0,24}?)(?:电|讯)\s*[（(](?:记者\s*)?(?P<names>[^（()）。]{2,40})[）)]")
    });
    static CREDIT: LazyLock<Pattern> =
        LazyLock::new(|| Pattern::later(r"^[（(](?P<names>[^（()）。，]{2,12}?)\s*摄[）)]"));
    let named = |regex: &Pattern, text: &str| {
        let found = loose_names(&regex.captures(text)?["names"]);
        (!found.is_empty()).then_some(found)
    };
    // Only a bracket is worth a look, and few lines have one.
    let has_bracket = memchr2(b'(', b'[', line.as_bytes()).is_some() || line.contains("（") || line.contains("【");
    if !has_bracket {
        return Vec::new();
    }
    let inside = |regex| line.match_indices(['（', '(', '【', '[']).find_map(|(at, _)| named(regex, &line[at..]));
    inside(&INSIDE).or_else(|| named(&DATELINE, line)).or_else(|| inside(&CREDIT)).unwrap_or_default()
}

/// Authors of a line that names them among other things: `2019-09-26 12:11来源：证券时报网作者：李在山`.
pub fn labelled_authors(line: &str) -> Vec<String> {
    static LABEL: LazyLock<Pattern> = LazyLock::new(|| {
        Pattern::later(
            r"(?:作者|撰文|撰稿|采写|文字记者)[ \u{3000}]*[:：][ \u{3000}]*(?P<names>[^：:（()）【】\[\]。]{2,40})",
        )
    });
    let Some(c) = LABEL.captures(line) else { return Vec::new() };
    // Up to the next label, or what else stands on such a line.
    let names = &c["names"];
    let end = ["来源", "责任", "责编", "编辑", "时间", "发布", "阅读", "浏览", "评论", "字号", "19", "20"]
        .iter()
        .filter_map(|w| names.find(w))
        .min()
        .unwrap_or(names.len());
    loose_names(&names[..end]).into_iter().filter(|n| !NOBODY.contains(&n.as_str())).collect()
}

/// Names among which other words may stand: `陈智 整合`, `观察者网专栏作者 王文`, `方敏北京大学经济学院教授`.
pub fn loose_names(text: &str) -> Vec<String> {
    static NOISE: LazyLock<Pattern> = LazyLock::new(|| {
        Pattern::later(
            r"^(?:实习生|实习记者|见习记者|记者|通讯员|作者|特约|首席|文|图|文图|图文|摄影|摄|报道|整合|整理|编译|综合|摄影报道|文/图|图/文|通讯|等|[Bb]y|BY)$",
        )
    });
    static PREFIX: LazyLock<Pattern> = LazyLock::new(|| {
        Pattern::later(r"^(?:.{0,14}(?:记者|作者|通讯员|评论员|实习生)|文字?[/／:：]|图[/／:：]|文图[/／:：]?)")
    });
    let mut out = Vec::new();
    let mut words: Vec<String> = Vec::new();
    for group in text.split(['、', '，', ',', '/', '／', ';', '；', '|', '｜', ':', '：']) {
        // Anne Smith: a blank between Latin words parts no names.
        let mut latin = false;
        for part in group.split([' ', '\u{3000}', '\u{a0}']).filter(|part| !part.is_empty()) {
            let part = PREFIX.replace(part, "");
            if part.is_empty() || NOISE.is_match(&part) {
                latin = false;
                continue;
            }
            let (was_latin, one_han) = (latin, is_one_han(&part));
            latin = is_latin(&part);
            match words.last_mut() {
                // 方 敏
                Some(last) if one_han && is_one_han(last) => last.push_str(&part),
                Some(last) if latin && was_latin => {
                    last.push(' ');
                    last.push_str(&part);
                }
                _ => words.push(part.into_owned()),
            }
        }
    }
    for word in words {
        let han = word.chars().all(|c| is_han(c) || c == '·');
        let n = word.chars().count();
        let name = if han && (2..=4).contains(&n)
            || (!han && word.split(' ').all(is_latin) && n >= 3)
            || (word.contains('·') && n <= 12)
        {
            word
        } else if han && n > 4 && has_title(&word) {
            // 方敏北京大学经济学院教授: the title follows the name without a blank.
            word.chars().take(2).collect()
        } else {
            continue;
        };
        if !out.contains(&name) {
            out.push(name);
        }
    }
    out
}

/// Editors, authors and source of a page without a selector file: what the body's lines said, and the lines about it.
pub fn near(
    blocks: &Blocks<'_>,
    body: &Body,
    headline: Option<&Headline>,
    first: usize,
    end: usize,
    meta: &Meta,
) -> Staff {
    let mut staff = body.staff.clone();
    let from = headline.and_then(|h| h.line).unwrap_or(first).min(first);
    let said = |lines: &[Line<'_>]| {
        let mut staff = Staff::default();
        let frame = Hints::COMMENT.union(Hints::RELATED);
        for line in lines.iter().filter(|l| l.chars <= 120 && !l.hints.intersects(frame)) {
            if let Some(said) = staff_line(&line.text) {
                staff.merge(said);
                continue;
            }
            if staff.source.is_none() {
                staff.source = source_in(&line.text).or_else(|| source_beside_date(&line.text));
            }
            if staff.editors.is_empty()
                && let Some(said) = labelled_editors(&line.text)
            {
                staff.merge(said);
            }
            if staff.authors.is_empty() {
                staff.authors = labelled_authors(&line.text);
            }
        }
        staff
    };
    let mut above = said(&blocks.lines[from..first.max(from)]);
    let below = said(&blocks.lines[end..blocks.lines.len().min(end + 12)]);
    // What stands under the headline is the source; below the text, others may be thanked.
    if above.source.is_some() {
        staff.source = above.source.take();
    }
    if !staff.authors.is_empty() {
        above.authors.clear();
    }
    let known = !staff.authors.is_empty() || !above.authors.is_empty();
    staff.merge(above);
    staff.merge(Staff { authors: if known { Vec::new() } else { below.authors.clone() }, ..below });
    if staff.source.is_none() {
        staff.source = ["mediaid", "source", "contentsource", "og:article:author"]
            .iter()
            .find_map(|name| meta.get(name))
            .and_then(|v| source_in(v).or_else(|| source_value(v)));
    }
    staff
}

fn has_title(word: &str) -> bool {
    ["教授", "研究员", "主任", "院长", "所长", "书记", "学者", "主席", "会长", "博士", "评论员", "分析师"]
        .iter()
        .any(|t| word.ends_with(t))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn editors(line: &str) -> Vec<(String, Vec<String>)> {
        staff_line(line).map(|s| s.editors.into_iter().collect()).unwrap_or_default()
    }

    fn one(role: &str, names: &[&str]) -> (String, Vec<String>) {
        (role.to_owned(), names.iter().map(|n| (*n).to_owned()).collect())
    }

    #[test]
    fn the_four_roles_without_colons() {
        assert_eq!(
            editors("编辑 张克 审读 张蕾 二审 郑蔚珩 三审 张颖"),
            [one("编辑", &["张克"]), one("审读", &["张蕾"]), one("二审", &["郑蔚珩"]), one("三审", &["张颖"])]
        );
    }

    #[test]
    fn forms() {
        assert_eq!(editors("责任编辑：杨倩_NF4425"), [one("责任编辑", &["杨倩_NF4425"])]);
        assert_eq!(editors("【责任编辑:王頔】"), [one("责任编辑", &["王頔"])]);
        assert_eq!(editors("(责编：汤诗瑶、丁涛)"), [one("责编", &["汤诗瑶", "丁涛"])]);
        assert_eq!(editors("[ 责编：杨煜 ]"), [one("责编", &["杨煜"])]);
        assert_eq!(editors("责任编辑： 焦鹏"), [one("责任编辑", &["焦鹏"])]);
        assert_eq!(editors("监 制：邹 明"), [one("监制", &["邹明"])]);
        assert_eq!(editors("责任编辑：黄忆南 PN269"), [one("责任编辑", &["黄忆南 PN269"])]);
        assert_eq!(editors("(王小明 編輯)"), [one("編輯", &["王小明"])]);
        assert_eq!(editors("编辑|李四 校对|王五"), [one("编辑", &["李四"]), one("校对", &["王五"])]);
        assert_eq!(editors("编辑：李四/审核：王五"), [one("编辑", &["李四"]), one("审核", &["王五"])]);
        assert_eq!(editors("校对/审读 王小明"), [one("校对", &["王小明"]), one("审读", &["王小明"])]);
        assert_eq!(editors("责任编辑：棒棒不是糖"), [one("责任编辑", &["棒棒不是糖"])]);
    }

    #[test]
    fn authors_and_source() {
        let staff = staff_line("采写：南都见习记者 林子沛").unwrap_or_default();
        assert_eq!(staff.authors, ["林子沛"]);
        assert_eq!(staff_line("中青报·中青网记者 魏其濛").unwrap_or_default().authors, ["魏其濛"]);
        let staff = staff_line("本文来源：某某周刊 责任编辑：王明").unwrap_or_default();
        assert_eq!((staff.source.as_deref(), staff.authors.len()), (Some("某某周刊"), 0));
        assert_eq!(staff_line("文/某某网专栏作者 王文").unwrap_or_default().authors, ["王文"]);
        let staff = staff_line("来源：深圳特区报 作者：李在山").unwrap_or_default();
        assert_eq!((staff.source.as_deref(), staff.authors), (Some("深圳特区报"), vec!["李在山".to_owned()]));
    }

    #[test]
    fn authors_among_other_things() {
        assert_eq!(labelled_authors("2019-09-26 12:11来源：证券时报网作者：李在山"), ["李在山"]);
        assert_eq!(labelled_authors("作者：李在山 来源：证券时报网"), ["李在山"]);
        assert_eq!(labelled_authors("（作者：方敏北京大学经济学院教授）"), ["方敏"]);
        assert!(labelled_authors("作者：佚名").is_empty());
        assert_eq!(staff_line("作者： 记者王敬照").unwrap_or_default().authors, ["王敬照"]);
        assert_eq!(
            editors("栏目主编：王小明 文字编辑：李小红 题图来源：视觉中国 图片编辑：张大海"),
            [one("栏目主编", &["王小明"]), one("文字编辑", &["李小红"]), one("图片编辑", &["张大海"])]
        );
        assert_eq!(editors("責任編輯：王小明"), [one("責任編輯", &["王小明"])]);
        assert!(editors("编辑:刘欢】返回搜狐，查看更多").is_empty());
    }

    #[test]
    fn sentences_are_no_staff_lines() {
        for line in [
            "编辑部的故事从这里开始。",
            "审核通过后，企业可以领取补贴。",
            "记者 今天上午从市政府获悉，新线即将开通。",
            "来源广泛的资金支持了这个项目，项目负责人说。",
            "文化是城市的灵魂",
            "图书馆",
        ] {
            assert_eq!(staff_line(line), None, "{line}");
        }
    }

    #[test]
    fn names_in_running_text() {
        assert_eq!(authors_in("长江网10月4日讯（记者陈智 整合） 国庆中秋长假过半"), ["陈智"]);
        assert_eq!(authors_in("（总台央视记者 奚丹霓 张赛）"), ["奚丹霓", "张赛"]);
        assert_eq!(authors_in("【文/观察者网专栏作者 王文】"), ["王文"]);
        assert_eq!(authors_in("新华社北京5月19日电（刘艺、杨吉）中国科学院专家"), ["刘艺", "杨吉"]);
        assert_eq!(authors_in("(作者：方敏北京大学经济学院教授)"), ["方敏"]);
        assert!(authors_in("会议强调（见图），要加快建设。").is_empty());
    }

    #[test]
    fn loose_names_keep_latin_names_whole() {
        assert_eq!(loose_names("Anne Smith"), ["Anne Smith"]);
        assert_eq!(loose_names("By Anne Smith, Juan P. Ortega"), ["Anne Smith", "Juan P. Ortega"]);
        assert_eq!(loose_names("作者：方 敏 Anne Smith 整理"), ["方敏", "Anne Smith"]);
        assert_eq!(loose_names("陈智、Anne Smith/Bob Lee"), ["陈智", "Anne Smith", "Bob Lee"]);
    }

    #[test]
    fn sources() {
        assert_eq!(source_in("2019年06月15日08:18  来源：人民网-文化频道").as_deref(), Some("人民网-文化频道"));
        assert_eq!(source_in("来源：新京报 举报").as_deref(), Some("新京报"));
        assert_eq!(source_in("来源于：东区办事处").as_deref(), Some("东区办事处"));
        assert_eq!(source_in("来源：海边[整理]").as_deref(), Some("海边[整理]"));
        assert_eq!(source_in("（来源：海边日报）").as_deref(), Some("海边日报"));
        assert_eq!(source_beside_date("2026-03-06 10:30:28 海边日报").as_deref(), Some("海边日报"));
        assert_eq!(source_beside_date("2026-03-06 10:30 青石镇"), None);
        assert!(is_desk_byline("《海边周刊》作者 王小明"));
        assert!(!is_desk_byline("记者：您怎么看？"));
        assert!(!is_desk_byline("海边日报记者走进了这家书店"));
        assert!(labelled_editors("发布日期：2026-03-06 责任编辑：王小明").is_some());
        assert_eq!(source_in("2024-05-15 08:58:52来源：新华网").as_deref(), Some("新华网"));
    }
}
