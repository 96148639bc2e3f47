//! A page as lines: what a reader sees, one line a block, with what the tree says about each.
//!
//! One walk over the tree makes both the lines and a table of elements in which every element knows the range of
//! lines inside it; everything that chooses or cuts works on these two lists and needs no tree.

use std::borrow::Cow;

use ego_tree::NodeId;
use ego_tree::iter::Edge;
use scraper::{ElementRef, Html, Node};

use super::hints::{self, Hints};
use super::{anchor as links, math, pictures, table};
use crate::text::is_tidy;
pub use crate::text::{is_blank, push_tidy, visible};

/// An element that was walked, in document order.
#[derive(Debug, Clone)]
pub struct Elem {
    /// Its node.
    pub node: NodeId,
    /// Index of its parent in the table; its own index for the root.
    pub parent: u32,
    /// Tag.
    pub tag: Tag,
    /// What its names say.
    pub hints: Hints,
    /// Lines inside it: `first..end`.
    pub first: u32,
    /// See `first`.
    pub end: u32,
    /// Depth below the root of the walk.
    pub depth: u16,
    /// Elements inside it are those with an index above its own and below this.
    pub until: u32,
    /// Text is centred by an attribute or inline style.
    pub centred: bool,
}

impl<'a> Blocks<'a> {
    /// Lines of a text that has no markup: each its own block, all of one parent.
    pub fn of_text(text: &'a str) -> Self {
        let mut out = Self::default();
        let tree = ego_tree::Tree::new(());
        let root = tree.root().id();
        let elem = |parent, tag, at| Elem {
            node: root,
            parent,
            tag,
            hints: Hints::empty(),
            first: at,
            end: at + 1,
            depth: u16::from(tag == Tag::P),
            until: at + 2,
            centred: false,
        };
        out.elems.push(elem(0, Tag::Body, 0));
        for line in text.lines() {
            let text = join(&[line]);
            let chars = visible(&text);
            if chars == 0 {
                continue;
            }
            let at = out.lines.len() as u32;
            out.elems.push(elem(0, Tag::P, at));
            out.lines.push(Line { text, chars, block: at + 1, ..empty_line() });
        }
        out.elems[0].end = out.lines.len() as u32;
        out.elems[0].until = out.elems.len() as u32;
        out
    }
}

/// A picture, and where it stands among the lines.
#[derive(Debug, Clone)]
pub struct Picture<'a> {
    /// Address as the page writes it, lazy-loading attributes first.
    pub src: &'a str,
    /// Index of the element it stands in.
    pub elem: u32,
    /// Number of lines before it.
    pub before: u32,
    /// What the page says for those who do not see it.
    pub alt: Option<&'a str>,
}

/// Tags that matter to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tag {
    /// `p`
    P,
    /// `h1` to `h6`
    H(u8),
    /// `li`, `dd`, `dt`
    Item,
    /// `td`, `th`
    Cell,
    /// `tr` of a table of data: its cells are one line, parted by tabs
    Row,
    /// `pre`: line breaks are kept
    Pre,
    /// `div`, `section`, `article`, … and all other blocks
    Block,
    /// `figcaption`
    Caption,
    /// `a`
    Link,
    /// `b`, `strong`
    Strong,
    /// `html` or `body`
    Body,
    /// All other inline elements
    Inline,
}

/// A line of the page.
#[derive(Debug, Clone)]
pub struct Line<'a> {
    /// Text, trimmed, runs of white space made one blank.
    pub text: Cow<'a, str>,
    /// Index of the block element that it belongs to.
    pub block: u32,
    /// Characters that are no white space.
    pub chars: u32,
    /// Of these, inside links.
    pub linked: u32,
    /// Of these, inside `b`, `strong`, `h1` to `h6`.
    pub strong: u32,
    /// Of these, inside an inline element whose name speaks of captions.
    pub caption: u32,
    /// Hidden by an attribute or inline style.
    pub hidden: bool,
    /// Hints of all elements around it together.
    pub hints: Hints,
    /// Number of links in it.
    pub links: u16,
    /// It stands on other pages of the site too.
    pub repeated: bool,
    /// A line of code, whose indentation is kept.
    pub code: bool,
    /// Of the characters, inside links to attached files.
    pub attached: u32,
}

impl Line<'_> {
    /// Most of its characters take one byte.
    pub fn is_latin(&self) -> bool {
        self.text.len() < self.chars as usize * 3 / 2
    }

    /// Share of the characters inside links.
    pub fn link_share(&self) -> f32 {
        if self.chars == 0 { 0.0 } else { self.linked as f32 / self.chars as f32 }
    }
}

/// A page as lines.
#[derive(Debug, Default)]
pub struct Blocks<'a> {
    /// Elements in document order.
    pub elems: Vec<Elem>,
    /// Lines in document order.
    pub lines: Vec<Line<'a>>,
    /// Pictures in document order.
    pub pictures: Vec<Picture<'a>>,
}

struct Open {
    elem: u32,
    block: u32,
    links: u16,
    strong: u16,
    captions: u16,
    hidden: bool,
    /// Hidden by an inline element: text that copyists are to stumble over.
    hidden_inline: bool,
    /// Line breaks are kept.
    breaks: Breaks,
    /// Inside a row of data, whose cells are parted by tabs.
    in_row: bool,
    raised: bool,
    /// Inside a link to a file that is attached.
    attached: bool,
    hints: Hints,
}

/// What becomes of the line breaks of an element's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Breaks {
    /// They are blanks.
    Collapse,
    /// They end lines.
    Keep,
    /// They end lines, and indentation is kept.
    Code,
}

/// Longest answer of a survey, in characters.
const MAX_ANSWER: u32 = 60;

struct Builder<'a> {
    out: Blocks<'a>,
    parts: Vec<Cow<'a, str>>,
    line: Line<'a>,
    /// Cells of a row before the one under way: bytes of the joined text.
    cells: String,
    /// A button that picks an answer stands before the line under way.
    answer: bool,
}

impl<'a> Builder<'a> {
    fn flush(&mut self) {
        let line = std::mem::replace(&mut self.line, empty_line());
        if line.chars == 0 {
            self.parts.clear();
            return;
        }
        let text = if line.code { join_code(&self.parts) } else { join_parts(&self.parts) };
        self.parts.clear();
        if !text.is_empty() {
            let hints = self.answered(&line);
            self.out.lines.push(Line { text, hints, ..line });
        }
    }

    fn answered(&mut self, line: &Line<'_>) -> Hints {
        let is_answer = std::mem::take(&mut self.answer) && line.chars <= MAX_ANSWER;
        if is_answer { line.hints.union(Hints::ANSWER) } else { line.hints }
    }

    /// Ends the cell of a row: what follows is parted from it by a tab.
    fn end_cell(&mut self) {
        let text = join_parts(&self.parts);
        self.parts.clear();
        self.cells.push_str(&text.replace('\t', " "));
        self.cells.push('\t');
    }

    /// Ends a row, whose cells become one line.
    fn end_row(&mut self) {
        if !self.parts.is_empty() {
            self.end_cell();
        }
        let cells = std::mem::take(&mut self.cells);
        let line = std::mem::replace(&mut self.line, empty_line());
        let text = cells.strip_suffix('\t').unwrap_or(&cells);
        if line.chars > 0 {
            let hints = self.answered(&line);
            self.out.lines.push(Line { text: Cow::Owned(text.to_owned()), hints, ..line });
        }
    }

    fn text(&mut self, text: impl Into<Cow<'a, str>>, open: &Open) {
        if open.hidden_inline {
            return;
        }
        let text = text.into();
        if open.breaks == Breaks::Collapse || open.in_row {
            return self.piece(text, open);
        }
        for (n, piece) in text.split('\n').enumerate() {
            if n > 0 {
                self.flush();
            }
            self.piece(Cow::Owned(piece.trim_end_matches('\r').to_owned()), open);
        }
    }

    fn piece(&mut self, text: Cow<'a, str>, open: &Open) {
        let text = if open.raised { Cow::Owned(raise(&text)) } else { text };
        let chars = visible(&text);
        if chars > 0 {
            if self.line.chars == 0 {
                self.line.block = open.block;
                self.line.hints = open.hints;
                self.line.hidden = open.hidden;
                self.line.code = open.breaks == Breaks::Code;
            } else if !open.hidden {
                self.line.hidden = false;
            }
            self.line.chars += chars;
            if open.links > 0 {
                self.line.linked += chars;
            }
            if open.attached {
                self.line.attached += chars;
            }
            if open.strong > 0 {
                self.line.strong += chars;
            }
            if open.captions > 0 {
                self.line.caption += chars;
            }
        }
        if chars > 0 || !self.parts.is_empty() || open.breaks == Breaks::Code {
            self.parts.push(text);
        }
    }
}

/// Numbers above the line: `10^9` reads as what it is, `109` does not. Other raised text is left as it is.
fn raise(text: &str) -> String {
    const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let number = text.trim();
    let is_number = number.chars().any(|c| c.is_ascii_digit())
        && number.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '+' | '−' | '–'));
    if !is_number {
        return text.to_owned();
    }
    let up = |c: char| match c {
        '+' => '⁺',
        '-' | '−' | '–' => '⁻',
        c => c.to_digit(10).map_or(c, |d| RAISED[d as usize]),
    };
    number.chars().map(up).collect()
}

fn empty_line<'a>() -> Line<'a> {
    Line {
        text: Cow::Borrowed(""),
        block: 0,
        chars: 0,
        linked: 0,
        strong: 0,
        caption: 0,
        hidden: false,
        hints: Hints::empty(),
        links: 0,
        repeated: false,
        code: false,
        attached: 0,
    }
}

/// Joins text pieces: trimmed, runs of white space made one blank, nothing invisible.
fn join<'a>(parts: &[&'a str]) -> Cow<'a, str> {
    if let [one] = parts {
        let trimmed = one.trim_matches(is_blank);
        if is_tidy(trimmed) {
            return Cow::Borrowed(trimmed);
        }
    }
    let mut out = String::with_capacity(parts.iter().map(|p| p.len()).sum());
    for part in parts {
        push_tidy(&mut out, part);
    }
    out.truncate(out.trim_end_matches(is_blank).len());
    Cow::Owned(out)
}

fn join_parts<'a>(parts: &[Cow<'a, str>]) -> Cow<'a, str> {
    if let [Cow::Borrowed(one)] = parts {
        return join(&[one]);
    }
    let all: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
    Cow::Owned(join(&all).into_owned())
}

/// A line of code: nothing is tidied but its end.
fn join_code<'a>(parts: &[Cow<'a, str>]) -> Cow<'a, str> {
    let mut out: String = parts.iter().map(AsRef::as_ref).collect();
    out.truncate(out.trim_end().len());
    Cow::Owned(out)
}

/// Tidies a text on its own.
pub fn tidy(text: &str) -> String {
    join(&[text]).into_owned()
}

/// The text of an element as one tidy line, scripts and styles left out.
pub fn text_of(element: ElementRef<'_>) -> String {
    let mut out = String::new();
    let mut skip = 0usize;
    for edge in element.traverse() {
        match edge {
            Edge::Open(node) => match node.value() {
                Node::Element(e) if is_skipped(e.name()) && node.id() != element.id() => skip += 1,
                Node::Element(e) if !out.is_empty() && (e.name() == "br" || tag_of(e.name()).is_block()) => {
                    push_tidy(&mut out, " ");
                }
                Node::Text(t) if skip == 0 => push_tidy(&mut out, t),
                _ => {}
            },
            Edge::Close(node) => {
                if let Node::Element(e) = node.value()
                    && is_skipped(e.name())
                    && node.id() != element.id()
                {
                    skip = skip.saturating_sub(1);
                }
            }
        }
    }
    out.trim_matches(is_blank).to_owned()
}

impl Tag {
    /// Ends a line.
    pub fn is_block(self) -> bool {
        !matches!(self, Tag::Link | Tag::Strong | Tag::Inline)
    }
}

fn tag_of(name: &str) -> Tag {
    match name {
        "p" => Tag::P,
        "h1" => Tag::H(1),
        "h2" => Tag::H(2),
        "h3" => Tag::H(3),
        "h4" => Tag::H(4),
        "h5" => Tag::H(5),
        "h6" => Tag::H(6),
        "li" | "dd" | "dt" => Tag::Item,
        "td" | "th" => Tag::Cell,
        "pre" | "listing" | "xmp" => Tag::Pre,
        "figcaption" => Tag::Caption,
        "a" => Tag::Link,
        "b" | "strong" => Tag::Strong,
        "body" | "html" => Tag::Body,
        "address" | "article" | "aside" | "blockquote" | "center" | "details" | "dialog" | "div" | "dl"
        | "fieldset" | "figure" | "footer" | "form" | "header" | "hr" | "main" | "nav" | "ol" | "section"
        | "summary" | "table" | "tbody" | "tfoot" | "thead" | "tr" | "ul" | "hgroup" | "search" | "legend"
        | "caption" | "founder-content" => Tag::Block,
        _ => Tag::Inline,
    }
}

fn is_skipped(name: &str) -> bool {
    matches!(
        name,
        "script"
            | "style"
            | "noscript"
            | "template"
            | "head"
            | "iframe"
            | "svg"
            | "math"
            | "select"
            | "option"
            | "object"
            | "embed"
            | "textarea"
            | "canvas"
            | "video"
            | "audio"
            | "button"
            | "map"
            | "title"
            | "rt"
            | "rp"
            | "rtc"
            | "del"
            | "s"
            | "strike"
    )
}

/// Walks the tree below `root` and makes its lines. Nodes for which `cut` holds are left out with all they contain.
pub fn blocks<'a>(html: &'a Html, root: NodeId, cut: &dyn Fn(NodeId) -> bool) -> Blocks<'a> {
    let mut b =
        Builder { out: Blocks::default(), parts: Vec::new(), line: empty_line(), cells: String::new(), answer: false };
    let Some(root) = html.tree.get(root) else { return b.out };
    let mut stack: Vec<Open> = Vec::with_capacity(64);
    let mut skip = 0usize;
    for edge in root.traverse() {
        match edge {
            Edge::Open(node) => match node.value() {
                Node::Element(e) => {
                    let name = e.name();
                    if skip == 0 && name == "math" {
                        formula(&mut b, &stack, node);
                    }
                    if skip > 0 || is_skipped(name) || (!stack.is_empty() && cut(node.id())) {
                        skip += 1;
                        continue;
                    }
                    void(&mut b, &stack, e);
                    open(&mut b, &mut stack, node, e);
                }
                Node::Text(t) if skip == 0 => {
                    if let Some(open) = stack.last() {
                        b.text(&**t, open);
                    }
                }
                _ => {}
            },
            Edge::Close(node) if node.value().is_element() => {
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                if let Some(open) = stack.pop() {
                    close(&mut b, &stack, &open);
                }
            }
            Edge::Close(_) => {}
        }
    }
    b.flush();
    b.out
}

/// What an element without text of its own adds: a line's end, a picture.
fn void<'a>(b: &mut Builder<'a>, stack: &[Open], e: &'a scraper::node::Element) {
    match e.name() {
        "br" if stack.last().is_some_and(|o| o.in_row) => b.parts.push(Cow::Borrowed(" ")),
        "br" => b.flush(),
        "input" => b.answer |= e.attr("type").is_some_and(|t| t.eq_ignore_ascii_case("radio")),
        "img" | "amp-img" => {
            if let (Some(text), Some(open)) = (pictures::spoken(e), stack.last()) {
                b.text(text, open);
            } else {
                picture(b, stack, pictures::source(e), e.attr("alt"));
            }
        }
        "source" => picture(b, stack, pictures::of_source(e), None),
        "div" | "a" | "span" | "p" => picture(b, stack, pictures::background(e), None),
        _ => {}
    }
}

fn formula<'a>(b: &mut Builder<'a>, stack: &[Open], node: ego_tree::NodeRef<'a, Node>) {
    if let Some(open) = stack.last() {
        b.text(math::text(node), open);
    }
}

fn picture<'a>(b: &mut Builder<'a>, stack: &[Open], src: Option<&'a str>, alt: Option<&'a str>) {
    if let (Some(src), Some(open)) = (src, stack.last())
        && !open.hidden
    {
        // A line under way ends with the picture in it; what follows in the same block may be its caption.
        let before = b.out.lines.len() as u32 + u32::from(b.line.chars > 0);
        b.out.pictures.push(Picture { src, elem: open.elem, before, alt });
    }
}

fn close(b: &mut Builder<'_>, stack: &[Open], open: &Open) {
    let at = open.elem as usize;
    let tag = b.out.elems[at].tag;
    match tag {
        Tag::Row if open.in_row => b.end_row(),
        Tag::Cell if open.in_row => b.end_cell(),
        _ if tag.is_block() && open.in_row => b.parts.push(Cow::Borrowed(" ")),
        _ if tag.is_block() => b.flush(),
        // What comes after a closed `pre` in the same element is not its text.
        _ if open.breaks != stack.last().map_or(Breaks::Collapse, |o| o.breaks) => b.flush(),
        _ => {}
    }
    b.out.elems[at].end = b.out.lines.len() as u32;
    b.out.elems[at].until = b.out.elems.len() as u32;
}

fn open<'a>(
    b: &mut Builder<'a>,
    stack: &mut Vec<Open>,
    node: ego_tree::NodeRef<'a, Node>,
    e: &'a scraper::node::Element,
) {
    let above = stack.last();
    let mut tag = tag_of(e.name());
    if e.name() == "tr" && table::is_data_row(node) {
        tag = Tag::Row;
    }
    let in_row = tag == Tag::Row || above.is_some_and(|o| o.in_row);
    if tag.is_block() && (!in_row || tag == Tag::Row) {
        b.flush();
    }
    let own = hints::of(e);
    let index = b.out.elems.len() as u32;
    let parent = above.map_or(index, |o| o.elem);
    b.out.elems.push(Elem {
        node: node.id(),
        parent,
        tag,
        hints: own.hints,
        first: b.out.lines.len() as u32,
        end: 0,
        depth: stack.len().min(u16::MAX as usize) as u16,
        until: index + 1,
        centred: own.centred,
    });
    let is_link = tag == Tag::Link && links::is_link(e);
    let strong = matches!(tag, Tag::Strong | Tag::H(_));
    let caption = own.hints.contains(Hints::CAPTION) || tag == Tag::Caption;
    // A button leads nowhere, but says that the line is no sentence.
    if is_link || tag == Tag::Link && e.attr("href").is_some() {
        b.line.links = b.line.links.saturating_add(1);
    }
    let block = match above {
        Some(above) if in_row && tag != Tag::Row || !tag.is_block() => above.block,
        _ => index,
    };
    let breaks = match tag {
        Tag::Pre if is_code(node) => Breaks::Code,
        Tag::Pre => Breaks::Keep,
        _ if own.keeps_breaks => Breaks::Keep,
        _ => above.map_or(Breaks::Collapse, |o| o.breaks),
    };
    stack.push(Open {
        elem: index,
        block,
        links: above.map_or(0, |o| o.links) + u16::from(is_link),
        strong: above.map_or(0, |o| o.strong) + u16::from(strong),
        captions: above.map_or(0, |o| o.captions) + u16::from(caption),
        hidden: above.is_some_and(|o| o.hidden) || own.hides,
        hidden_inline: above.is_some_and(|o| o.hidden_inline) || own.hides && !tag.is_block(),
        breaks,
        in_row,
        raised: e.name() == "sup",
        attached: above.is_some_and(|o| o.attached) || is_link && links::is_attachment(e),
        hints: above.map_or(Hints::empty(), |o| o.hints).union(own.hints),
    });
}

/// A `pre` with code in it: a `code` element, or text in Latin letters.
fn is_code(node: ego_tree::NodeRef<'_, Node>) -> bool {
    let (mut latin, mut other) = (0usize, 0usize);
    for node in node.descendants() {
        match node.value() {
            Node::Element(e) if e.name() == "code" => return true,
            Node::Text(t) => {
                let ascii = t.bytes().filter(u8::is_ascii_alphanumeric).count();
                latin += ascii;
                other += t.len() - t.bytes().filter(u8::is_ascii).count();
            }
            _ => {}
        }
    }
    latin > other
}
