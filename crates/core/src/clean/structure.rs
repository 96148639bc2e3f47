//! The body as blocks: what the elements around its lines say that they are.

use std::collections::HashMap;

use ego_tree::NodeRef;
use scraper::node::Element;
use scraper::{Html, Node};

use super::blocks::{Blocks, Line, Tag};
use super::generic::ends_sentence;
use super::tidy::Body;
use crate::record::{Block, Image};

/// A picture of the body, and where it stands.
#[derive(Debug, Clone)]
pub struct Placed {
    /// Address and caption.
    pub image: Image,
    /// Number of the page's lines before it.
    pub before: u32,
    /// What the page says for those who do not see it.
    pub alt: Option<String>,
}

/// Returns the blocks of a body, with its pictures where they stand. `html` is the tree that the lines were made from; a text
/// without one is paragraphs.
pub fn blocks(html: Option<&Html>, page: &Blocks<'_>, body: &Body, pictures: &[Placed]) -> Vec<Block> {
    let mut lines: Vec<Part<'_>> = body
        .paragraphs
        .iter()
        .zip(&body.lines)
        .map(|(text, at)| Part { at: *at, text, place: Place::of(html, page, &page.lines[*at as usize]) })
        .collect();
    mark_verse(&mut lines, page);
    mark_turns(&mut lines, page);
    let mut out: Vec<Block> = Vec::with_capacity(lines.len());
    let mut pictures = pictures.iter().peekable();
    let mut last: Option<&Place> = None;
    for part in &lines {
        while let Some(picture) = pictures.next_if(|p| p.before <= part.at) {
            out.push(figure(picture));
            last = None;
        }
        let joined = last.is_some_and(|l| l.is_same(&part.place))
            && out.last_mut().is_some_and(|block| join(block, part, &page.lines[part.at as usize]));
        if !joined {
            out.push(block(part, &page.lines[part.at as usize]));
        }
        last = Some(&part.place);
    }
    out.extend(pictures.map(figure));
    out
}

/// Gives each figure the caption that its picture has in the record.
pub fn set_captions(blocks: &mut [Block], images: &[Image]) {
    for block in blocks {
        if let Block::Figure { src, caption, .. } = block {
            *caption = images.iter().find(|i| i.src == *src).and_then(|i| i.caption.clone());
        }
    }
}

fn figure(picture: &Placed) -> Block {
    Block::Figure { src: picture.image.src.clone(), caption: picture.image.caption.clone(), alt: picture.alt.clone() }
}

/// A line of the body.
struct Part<'b> {
    /// Index of the page's line.
    at: u32,
    text: &'b str,
    place: Place,
}

/// What the elements around a line make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Paragraph,
    Heading(u8),
    Item {
        ordered: bool,
        depth: u8,
    },
    Row {
        is_head: bool,
    },
    Quote,
    Code,
    Verse,
    /// Bytes of the line that name the speaker.
    Turn(usize),
    Formula,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    what: What,
    /// The element that all lines of one block stand in.
    inside: u32,
}

impl Place {
    /// One block holds both lines.
    fn is_same(&self, next: &Place) -> bool {
        let joins = match (self.what, next.what) {
            (What::Row { is_head: above }, What::Row { is_head }) => above || !is_head,
            (a, b) => a == b && matches!(a, What::Item { .. } | What::Quote | What::Code | What::Verse),
        };
        joins && self.inside == next.inside
    }

    fn of(html: Option<&Html>, page: &Blocks<'_>, line: &Line<'_>) -> Self {
        let at = line.block;
        let Some(html) = html else { return Place { what: What::Paragraph, inside: at } };
        let above = Above { html, page, at };
        let element = |name: &str| above.find(|e, _| e.name() == name);
        let pre = above.find(|_, tag| tag == Tag::Pre);
        if line.code {
            return Place { what: What::Code, inside: pre.unwrap_or(at) };
        }
        if page.elems[at as usize].tag == Tag::Row {
            let is_head = element("thead").is_some() || above.cells_are_heads();
            return Place { what: What::Row { is_head }, inside: element("table").unwrap_or(at) };
        }
        let item = above.find(|e, tag| tag == Tag::Item && matches!(e.name(), "li" | "dd" | "dt"));
        let quote = element("blockquote");
        if let Some((level, inside)) = above.heading() {
            return Place { what: What::Heading(level), inside };
        }
        // Of an item and a quotation around a line, the inner one says what it is.
        if let Some(item) = item.filter(|item| quote.is_none_or(|quote| quote < *item)) {
            return Place { what: above.item(), inside: item };
        }
        if let Some(inside) = quote {
            return Place { what: What::Quote, inside };
        }
        if let Some(inside) = pre {
            return Place { what: What::Verse, inside };
        }
        let what = if above.is_formula() { What::Formula } else { What::Paragraph };
        Place { what, inside: at }
    }
}

/// The elements around a line, from the inside out.
struct Above<'h, 'p, 'a> {
    html: &'h Html,
    page: &'p Blocks<'a>,
    at: u32,
}

impl<'h> Above<'h, '_, '_> {
    fn chain(&self) -> impl Iterator<Item = (u32, Tag, &'h Element)> {
        let mut next = Some(self.at);
        std::iter::from_fn(move || {
            let at = next?;
            let elem = &self.page.elems[at as usize];
            next = (elem.parent != at).then_some(elem.parent);
            Some((at, elem.tag, self.html.tree.get(elem.node)))
        })
        .filter_map(|(at, tag, node)| Some((at, tag, node?.value().as_element()?)))
    }

    fn find(&self, is: impl Fn(&Element, Tag) -> bool) -> Option<u32> {
        self.chain().find(|(_, tag, e)| is(e, *tag)).map(|(at, ..)| at)
    }

    fn heading(&self) -> Option<(u8, u32)> {
        self.chain().find_map(|(at, tag, _)| match tag {
            Tag::H(level) => Some((level, at)),
            _ => None,
        })
    }

    /// The list that the line is an item of, and how many lists it stands in.
    fn item(&self) -> What {
        let mut lists = self.chain().filter(|(_, _, e)| matches!(e.name(), "ul" | "ol" | "dl" | "menu"));
        let ordered = lists.next().is_some_and(|(_, _, e)| e.name() == "ol");
        What::Item { ordered, depth: u8::try_from(lists.count() + 1).unwrap_or(u8::MAX) }
    }

    fn node(&self) -> Option<NodeRef<'h, Node>> {
        self.html.tree.get(self.page.elems[self.at as usize].node)
    }

    /// All cells of the row are `th`, and no row stands above it.
    fn cells_are_heads(&self) -> bool {
        let Some(row) = self.node() else { return false };
        let name = |n: &NodeRef<'_, Node>| n.value().as_element().map(|e| e.name().to_owned());
        let is_first = !row.prev_siblings().any(|n| name(&n).as_deref() == Some("tr"));
        let mut cells = row.children().filter_map(|n| name(&n)).filter(|n| n == "td" || n == "th").peekable();
        is_first && cells.peek().is_some() && cells.all(|n| n == "th")
    }

    /// Nothing stands in the element but a formula.
    fn is_formula(&self) -> bool {
        let Some(node) = self.node() else { return false };
        let is_math = |n: NodeRef<'_, Node>| n.value().as_element().is_some_and(is_math);
        let mut found = false;
        for inner in node.descendants() {
            found |= is_math(inner);
            if let Node::Text(t) = inner.value()
                && t.chars().any(char::is_alphanumeric)
                && !inner.ancestors().take(32).any(is_math)
            {
                return false;
            }
        }
        found
    }
}

/// A formula, or a picture of one.
fn is_math(e: &Element) -> bool {
    let names = e.attr("class").unwrap_or_default();
    let is_image = e.name() == "img" && super::pictures::spoken(e).is_some();
    e.name() == "math"
        || names.contains("katex")
        || names.contains("MathJax")
        || is_image && ["latex", "formula", "equation", "math"].iter().any(|n| names.contains(n))
}

/// Longest line of verse, in characters.
const VERSE_LINE: u32 = 24;

/// Least lines of one element, parted by `br`, that are verse where all of them are short.
const VERSE_LINES: usize = 3;

/// Marks the short lines of an element that `br` parts.
fn mark_verse(lines: &mut [Part<'_>], page: &Blocks<'_>) {
    let mut from = 0;
    while from < lines.len() {
        let block = page.lines[lines[from].at as usize].block;
        let same = |p: &Part<'_>| page.lines[p.at as usize].block == block && p.place.what == What::Paragraph;
        let end = from + lines[from..].iter().take_while(|p| same(p)).count();
        let short = |p: &Part<'_>| page.lines[p.at as usize].chars <= VERSE_LINE;
        if end - from >= VERSE_LINES && lines[from..end].iter().all(short) {
            lines[from..end].iter_mut().for_each(|p| p.place.what = What::Verse);
        }
        from = end.max(from + 1);
    }
    mark_stanzas(lines, page);
}

/// Least lines of verse that stand in an element each, and of which at most half end a sentence.
const STANZA: usize = 4;

/// Marks the short lines that stand below one element, each in an element of its own.
fn mark_stanzas(lines: &mut [Part<'_>], page: &Blocks<'_>) {
    let parent = |p: &Part<'_>| page.elems[page.lines[p.at as usize].block as usize].parent;
    let is_short = |p: &Part<'_>| {
        let line = &page.lines[p.at as usize];
        let is_item = p.text.starts_with(|c: char| c.is_numeric() || "（(•·-一二三四五六七八九十".contains(c));
        p.place.what == What::Paragraph && line.chars <= VERSE_LINE && line.links == 0 && line.strong == 0 && !is_item
    };
    let mut from = 0;
    while from < lines.len() {
        let inside = parent(&lines[from]);
        let end = from + lines[from..].iter().take_while(|p| is_short(p) && parent(p) == inside).count();
        let ending = lines[from..end].iter().filter(|p| ends_sentence(p.text)).count();
        if end - from >= STANZA && ending * 2 <= end - from {
            lines[from..end].iter_mut().for_each(|p| p.place = Place { what: What::Verse, inside });
        }
        from = end.max(from + 1);
    }
}

/// Longest name of a speaker, in characters.
const SPEAKER: usize = 12;

/// Marks the turns of an interview: the speaker stands in front, in bold or in several lines of the same form.
fn mark_turns(lines: &mut [Part<'_>], page: &Blocks<'_>) {
    let speakers: Vec<Option<usize>> =
        lines.iter().map(|p| speaker(p.text).filter(|_| p.place.what == What::Paragraph)).collect();
    let name = |i: usize| speakers[i].map(|n| &lines[i].text[..n]);
    let mut times: HashMap<&str, usize> = HashMap::new();
    for own in (0..lines.len()).filter_map(name) {
        *times.entry(own).or_default() += 1;
    }
    let is_speaker = |i: usize| {
        let is_bold = lines.get(i).is_some_and(|l| page.lines[l.at as usize].strong > 0);
        (i < lines.len()).then(|| name(i)).flatten().is_some_and(|own| is_bold || times[own] >= 2)
    };
    // `优点：` and `缺点：` in front of lines are not speakers.
    if !(0..lines.len()).filter_map(name).any(asks) {
        return;
    }
    // Who answers once stands beside who asks.
    let beside = |i: usize| i > 0 && is_speaker(i - 1) || is_speaker(i + 1);
    let turns: Vec<usize> = (0..lines.len()).filter(|&i| name(i).is_some() && (is_speaker(i) || beside(i))).collect();
    if turns.len() < 3 {
        return;
    }
    for i in turns {
        if let Some(n) = speakers[i] {
            lines[i].place.what = What::Turn(n);
        }
    }
}

/// Bytes of a line that name who speaks: `记者：…`, `Q: …`.
fn speaker(text: &str) -> Option<usize> {
    let at = text.find(['：', ':'])?;
    let name = &text[..at];
    let rest = text[at..].trim_start_matches(['：', ':']);
    let is_name = !name.is_empty()
        && name.chars().count() <= SPEAKER
        && name.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '·' | '.' | '-'));
    (is_name && !rest.trim().is_empty()).then_some(at)
}

/// Names of who asks in an interview.
fn asks(name: &str) -> bool {
    const NAMES: [&str; 12] = [
        "问",
        "提问",
        "主持人",
        "编辑",
        "采访者",
        "网友",
        "Q",
        "Question",
        "Interviewer",
        "Host",
        "Moderator",
        "Reporter",
    ];
    NAMES.contains(&name) || name.ends_with("记者")
}

fn block(part: &Part<'_>, line: &Line<'_>) -> Block {
    let text = part.text.to_owned();
    match part.place.what {
        What::Paragraph => Block::Paragraph { text },
        What::Heading(level) => Block::Heading { level, text },
        What::Item { ordered, depth } => Block::ListItem { ordered, depth, text },
        What::Row { is_head: true } => Block::Table { header: cells(part.text, line), rows: Vec::new() },
        What::Row { is_head: false } => Block::Table { header: Vec::new(), rows: vec![cells(part.text, line)] },
        What::Quote => Block::Quote { text },
        What::Code => Block::Code { text },
        What::Verse => Block::Verse { text },
        What::Turn(n) => Block::Turn { speaker: part.text[..n].to_owned(), text },
        What::Formula => Block::Formula { text },
    }
}

/// Puts a line behind those of a block; false if the block cannot hold it.
fn join(block: &mut Block, part: &Part<'_>, line: &Line<'_>) -> bool {
    match block {
        Block::Table { rows, .. } => rows.push(cells(part.text, line)),
        Block::ListItem { text, .. } | Block::Quote { text } | Block::Code { text } | Block::Verse { text } => {
            text.push('\n');
            text.push_str(part.text);
        }
        _ => return false,
    }
    true
}

/// The cells of a row: those of the page's line, whose empty ones at both ends the text leaves out.
fn cells(text: &str, line: &Line<'_>) -> Vec<String> {
    let whole = line.text.trim_matches(super::blocks::is_blank) == text;
    let row = if whole { line.text.as_ref() } else { text };
    row.split('\t').map(ToOwned::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clean::{Options, Page, clean};
    use crate::sites::Sites;

    fn of(body: &str) -> Vec<Block> {
        let html = format!(
            "<html><head><meta charset=utf-8><title>海湾市修好三座木桥_海湾网</title></head><body><h1>海湾市修好三座木桥</h1>\
             <div class=info>2026-03-02 08:15 来源：海湾日报</div><div class=article>\
             <p>海湾市今年修好了三座木桥，每座都能走拖拉机，村里人说能用三十年。</p>{body}\
             <p>桥面用的是山上伐下的老杉木，孩子们上学不再绕路，老人也愿意出门。</p></div></body></html>"
        );
        let page = Page { url: None, body: crate::clean::Body::Markup(&html), content_type: None, fetched_at: None };
        let options = Options { blocks: true, ..Options::default() };
        let record = clean(&page, &Sites::default(), &options).article.unwrap();
        let joined: Vec<String> = record.blocks.iter().filter_map(Block::text).collect();
        assert_eq!(joined.join("\n"), record.text);
        let end = record.blocks.len() - 1;
        record.blocks[1..end].to_vec()
    }

    fn text(text: &str) -> String {
        text.to_owned()
    }

    #[test]
    fn headings_quotes_and_code() {
        let blocks = of(
            "<h3>木料从哪里来</h3><blockquote><p>木头会说话，听懂了就会修，听不懂的人修不了桥。</p><p>急不得，木头要晾，漆要干，人也要歇一歇。</p></blockquote>\
                         <pre><code>fn main() {\n    bridge();\n}</code></pre>",
        );
        let expected = [
            Block::Heading { level: 3, text: text("木料从哪里来") },
            Block::Quote {
                text: text("木头会说话，听懂了就会修，听不懂的人修不了桥。\n急不得，木头要晾，漆要干，人也要歇一歇。"),
            },
            Block::Code { text: text("fn main() {\n    bridge();\n}") },
        ];
        assert_eq!(blocks, expected);
    }

    #[test]
    fn lists_have_order_and_depth() {
        let blocks = of(
            "<ol><li>先选木料，再量尺寸。<ul><li>老杉木最好，不易变形。</li></ul></li><li>最后上漆，晾上三天。</li></ol>",
        );
        let item = |ordered, depth, t: &str| Block::ListItem { ordered, depth, text: text(t) };
        let expected = [
            item(true, 1, "先选木料，再量尺寸。"),
            item(false, 2, "老杉木最好，不易变形。"),
            item(true, 1, "最后上漆，晾上三天。"),
        ];
        assert_eq!(blocks, expected);
    }

    #[test]
    fn tables_keep_empty_cells() {
        let row = |cells: &[&str]| cells.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>();
        let blocks =
            of("<table><tr><th></th><th>长度</th><th>工期</th></tr><tr><td>东桥</td><td>12米</td><td></td></tr>\
                         <tr><td>西桥</td><td></td><td>30天</td></tr></table>");
        let rows = vec![row(&["东桥", "12米", ""]), row(&["西桥", "", "30天"])];
        assert_eq!(blocks, [Block::Table { header: row(&["", "长度", "工期"]), rows }]);
    }

    #[test]
    fn verse_and_turns() {
        let blocks = of("<p>山高水长<br>木桥横江<br>行人过处<br>月满东窗</p>");
        assert_eq!(blocks, [Block::Verse { text: text("山高水长\n木桥横江\n行人过处\n月满东窗") }]);
        let blocks =
            of("<p>记者：这座桥修了多久？</p><p>林守成：前后修了三个月，中间停了两次工。</p><p>记者：为什么停工？</p>");
        assert!(matches!(&blocks[0], Block::Turn { speaker, .. } if speaker == "记者"), "{blocks:?}");
        assert!(matches!(&blocks[1], Block::Turn { speaker, .. } if speaker == "林守成"), "{blocks:?}");
    }

    #[test]
    fn verse_in_elements_and_labels_that_are_no_speakers() {
        let blocks = of("<div><p>山高水长</p><p>木桥横江</p><p>行人过处</p><p>月满东窗</p></div>");
        assert_eq!(blocks, [Block::Verse { text: text("山高水长\n木桥横江\n行人过处\n月满东窗") }]);
        let pair = "<p>优点：结实，能走拖拉机，三十年不坏。</p><p>缺点：木料难找，工期也长，要晾三个月。</p>";
        assert!(of(&pair.repeat(2)).iter().all(|b| matches!(b, Block::Paragraph { .. })));
    }

    #[test]
    fn pictures_stand_where_they_stood() {
        let blocks = of(
            "<p><img src=/s/blank.gif data-src=https://img.haiwan.example/a.jpg alt=木桥></p><p class=caption>图为修好的木桥。</p>\
                         <p>西桥的工期最短，一个月就能通车，附近三个村子都用得上。</p>",
        );
        let src = text("https://img.haiwan.example/a.jpg");
        let figure = Block::Figure { src, caption: Some(text("图为修好的木桥。")), alt: Some(text("木桥")) };
        assert_eq!(blocks[0], figure);
        assert_eq!(blocks.len(), 2);
    }
}
