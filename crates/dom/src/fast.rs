//! The quick way from text to tree, for pages whose tags nest as tags should.
//!
//! It is the tree construction stage of the HTML standard without the parts that mend misnested markup: the list of
//! active formatting elements, the adoption agency, foster parenting, foreign content. Where a page needs one of them,
//! [`Irregular`] is the answer and the full parser takes over; so the tree is always the one the full parser makes, less
//! what cleaning never looks at (scripts not asked for, styles, comments, attributes that nothing reads).

use std::borrow::Cow;

use ego_tree::{NodeId, Tree};
use html5ever::{Attribute, LocalName, QualName, local_name, ns};
use scraper::node::{Element, Text};
use scraper::{Html, Node, StrTendril};

use super::entities;
use super::scan::{Attributes, Name, Scanner, Tag, Token};
use super::{Keep, Limits, wants_script};

/// Most nodes that room is made for at once; a page of more grows as it is read.
const MOST_PLANNED: usize = 1 << 14;

/// Why the quick way cannot build this page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Irregular(pub &'static str);

/// An open element.
struct Open<'a> {
    node: NodeId,
    name: Name<'a>,
    kind: Kind,
    /// A `p` is open in button scope.
    p_in_scope: bool,
}

/// What the tree builder must know of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `div`, `section`, …: closes an open `p`; end tags look for it in scope.
    Block,
    P,
    Heading,
    Li,
    /// `dd`, `dt`
    Dd,
    Formatting,
    /// Any other element that is not special in the standard.
    Ordinary,
    Table,
    /// `tbody`, `thead`, `tfoot`
    Section,
    Row,
    Cell,
    /// Special, and no scope ends at it (`body`, `form`, `button`, …).
    Special,
    /// `object`, `marquee`, `applet`: scopes end at it.
    Boundary,
    Html,
}

impl Kind {
    /// Scopes end here.
    fn bounds(self) -> bool {
        matches!(self, Kind::Table | Kind::Cell | Kind::Boundary | Kind::Html)
    }

    /// "Special" in the standard.
    fn special(self) -> bool {
        !matches!(self, Kind::Formatting | Kind::Ordinary)
    }

    /// Its end tag may be left out: closed by "generate implied end tags".
    fn implied(self) -> bool {
        matches!(self, Kind::P | Kind::Li | Kind::Dd)
    }
}

/// What a start tag means to the tree builder.
enum Start {
    Element(Kind),
    Void,
    /// Raw text that is left out with its element.
    Drop,
    /// An element of which nothing is read, left out to its end tag.
    Skip,
    Script,
    /// `title`, `textarea`: text with character references, no tags.
    Text,
    /// Belongs into `head`.
    Meta,
    Structure,
    Irregular(&'static str),
}

fn start(name: &str) -> Start {
    use Start as S;
    S::Element(match name {
        "div" | "section" | "article" | "aside" | "address" | "blockquote" | "center" | "details" | "dialog"
        | "dir" | "dl" | "fieldset" | "figcaption" | "figure" | "footer" | "header" | "hgroup" | "main" | "menu"
        | "nav" | "ol" | "search" | "summary" | "ul" | "pre" | "listing" => Kind::Block,
        "p" => Kind::P,
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => Kind::Heading,
        "li" => Kind::Li,
        "dd" | "dt" => Kind::Dd,
        "a" | "b" | "big" | "code" | "em" | "font" | "i" | "s" | "small" | "strike" | "strong" | "tt" | "u" => {
            Kind::Formatting
        }
        "table" => Kind::Table,
        "tbody" | "thead" | "tfoot" => Kind::Section,
        "tr" => Kind::Row,
        "td" | "th" => Kind::Cell,
        "form" | "button" => Kind::Special,
        "object" | "marquee" | "applet" => Kind::Boundary,
        "br" | "img" | "input" | "hr" | "area" | "embed" | "wbr" | "param" | "source" | "track" => return S::Void,
        "script" => return S::Script,
        "style" | "noscript" | "iframe" | "noembed" | "noframes" => return S::Drop,
        "svg" | "select" | "template" => return S::Skip,
        "title" | "textarea" => return S::Text,
        "meta" | "link" | "base" | "basefont" | "bgsound" => return S::Meta,
        "html" | "head" | "body" => return S::Structure,
        "math" | "nobr" | "frameset" | "frame" | "caption" | "colgroup" | "col" | "ruby" | "rb" | "rt" | "rp"
        | "rtc" | "xmp" | "plaintext" | "image" | "keygen" | "isindex" | "option" | "optgroup" => {
            return S::Irregular("element with rules of its own");
        }
        _ => Kind::Ordinary,
    })
}

struct Builder<'k> {
    html: Html,
    stack: Vec<Open<'k>>,
    head: Option<NodeId>,
    body: Option<NodeId>,
    keep: &'k Keep,
    limits: Limits,
    elements: usize,
    quirks: bool,
    in_form: bool,
}

/// Builds the tree.
///
/// # Errors
///
/// [`Irregular`] if the page needs the full parser.
pub fn build<'k>(text: &'k str, keep: &'k Keep, limits: Limits) -> Result<Html, Irregular> {
    if memchr::memchr(0, text.as_bytes()).is_some() {
        return Err(Irregular("NUL"));
    }
    let mut html = Html::new_document();
    // Grown by doubling, the list of nodes would be copied several times.
    let nodes = memchr::memchr_iter(b'<', text.as_bytes()).count().min(MOST_PLANNED);
    html.tree = Tree::with_capacity(Node::Document, nodes + 16);
    let root = html.tree.root().id();
    let node = Node::Element(Element::new(qual("html"), Vec::new()));
    let id = html.tree.get_mut(root).map(|mut r| r.append(node).id()).ok_or(Irregular("no root"))?;
    let mut b = Builder {
        html,
        stack: Vec::with_capacity(64),
        head: None,
        body: None,
        keep,
        limits,
        elements: 0,
        quirks: true,
        in_form: false,
    };
    b.stack.push(Open { node: id, name: Name::of("html"), kind: Kind::Html, p_in_scope: false });
    let mut scanner = Scanner::new(text);
    let mut first = true;
    while let Some(token) = scanner.next_token() {
        match token {
            Token::Doctype(plain) => {
                if first {
                    b.quirks = !plain;
                }
            }
            Token::Text(text) => b.text(text)?,
            Token::Start(ref tag) => b.start(tag, &mut scanner)?,
            Token::End(ref name) => b.end(name.as_str())?,
        }
        first &= matches!(token, Token::Text(t) if t.trim().is_empty());
    }
    if scanner.position() < text.len() {
        return Err(Irregular("tag without an end"));
    }
    if b.head.is_none() {
        b.open_head()?;
    }
    if b.body.is_none() {
        b.open_body(&[])?;
    }
    Ok(b.html)
}

fn qual(name: &str) -> QualName {
    QualName::new(None, ns!(html), local(name))
}

/// Interned names: those that make up most of a page without a look-up.
fn local(name: &str) -> LocalName {
    match name {
        "div" => local_name!("div"),
        "p" => local_name!("p"),
        "a" => local_name!("a"),
        "span" => local_name!("span"),
        "li" => local_name!("li"),
        "ul" => local_name!("ul"),
        "img" => local_name!("img"),
        "br" => local_name!("br"),
        "strong" => local_name!("strong"),
        "td" => local_name!("td"),
        "tr" => local_name!("tr"),
        "em" => local_name!("em"),
        "i" => local_name!("i"),
        "b" => local_name!("b"),
        "script" => local_name!("script"),
        "link" => local_name!("link"),
        "meta" => local_name!("meta"),
        "class" => local_name!("class"),
        "id" => local_name!("id"),
        "href" => local_name!("href"),
        "src" => local_name!("src"),
        "style" => local_name!("style"),
        "name" => local_name!("name"),
        "content" => local_name!("content"),
        other => LocalName::from(other),
    }
}

impl<'k> Builder<'k> {
    fn current(&self) -> &Open<'k> {
        // The first entry, `html`, is never popped.
        &self.stack[self.stack.len() - 1]
    }

    fn append(&mut self, parent: NodeId, node: Node) -> Result<NodeId, Irregular> {
        self.html.tree.get_mut(parent).map(|mut p| p.append(node).id()).ok_or(Irregular("lost node"))
    }

    fn open_head(&mut self) -> Result<(), Irregular> {
        let html = self.stack[0].node;
        self.head = Some(self.append(html, Node::Element(Element::new(qual("head"), Vec::new())))?);
        Ok(())
    }

    fn open_body(&mut self, attributes: &[Attribute]) -> Result<(), Irregular> {
        if self.head.is_none() {
            self.open_head()?;
        }
        let html = self.stack[0].node;
        let node = self.append(html, Node::Element(Element::new(qual("body"), attributes.to_vec())))?;
        self.body = Some(node);
        self.stack.push(Open { node, name: Name::of("body"), kind: Kind::Special, p_in_scope: false });
        Ok(())
    }

    /// Opens `head` and `body` if content comes without them.
    fn ensure_body(&mut self) -> Result<(), Irregular> {
        if self.body.is_none() { self.open_body(&[]) } else { Ok(()) }
    }

    fn text(&mut self, text: &str) -> Result<(), Irregular> {
        let blank = text.bytes().all(|b| b.is_ascii_whitespace());
        if self.body.is_none() {
            if blank {
                return Ok(());
            }
            self.ensure_body()?;
        }
        if matches!(self.current().kind, Kind::Table | Kind::Section | Kind::Row) {
            return if blank { Ok(()) } else { Err(Irregular("text in a table")) };
        }
        if blank {
            // However much of it, it shows as one blank.
            return self.push_text(" ");
        }
        let text = entities::decode(text, false).map_err(|_| Irregular("character reference"))?;
        self.push_text(&text)
    }

    /// Appends text to the current element; neighbouring texts are one node.
    fn push_text(&mut self, text: &str) -> Result<(), Irregular> {
        let parent = self.current().node;
        let mut parent = self.html.tree.get_mut(parent).ok_or(Irregular("lost node"))?;
        if let Some(mut last) = parent.last_child()
            && let Node::Text(t) = last.value()
        {
            t.text.push_slice(text);
            return Ok(());
        }
        parent.append(Node::Text(Text { text: StrTendril::from(text) }));
        Ok(())
    }

    fn attributes(&self, name: &str, text: &str) -> Result<Vec<Attribute>, Irregular> {
        let mut out: Vec<Attribute> = Vec::new();
        for (key, value) in Attributes::new(text) {
            let key: Cow<'_, str> =
                if key.bytes().any(|b| b.is_ascii_uppercase()) { key.to_ascii_lowercase().into() } else { key.into() };
            if !self.keep.attribute(name, &key) {
                continue;
            }
            let local = local(&key);
            if out.iter().any(|a| a.name.local == local) {
                continue;
            }
            let value = super::kept_value(self.keep, name, &key, value);
            let value = entities::decode(value, true).map_err(|_| Irregular("character reference"))?;
            out.push(Attribute {
                name: QualName::new(None, ns!(), local),
                value: html5ever::tendril::StrTendril::from(&*value),
            });
            if out.len() >= self.limits.attributes {
                break;
            }
        }
        Ok(out)
    }

    fn push(&mut self, tag: &Tag<'k>, kind: Kind) -> Result<(), Irregular> {
        self.elements += 1;
        if self.elements > self.limits.elements || self.stack.len() >= self.limits.depth {
            return Err(Irregular("over a limit"));
        }
        let name = tag.name.as_str();
        let attributes = self.attributes(name, tag.attributes)?;
        let above = self.current();
        let p_in_scope = match kind {
            Kind::P => true,
            _ if kind.bounds() || name == "button" => false,
            _ => above.p_in_scope,
        };
        let parent = above.node;
        let node = self.append(parent, Node::Element(Element::new(qual(name), attributes)))?;
        self.stack.push(Open { node, name: tag.name.clone(), kind, p_in_scope });
        Ok(())
    }

    fn void(&mut self, tag: &Tag<'k>) -> Result<(), Irregular> {
        self.push(tag, Kind::Ordinary)?;
        self.stack.pop();
        Ok(())
    }

    /// Pops down to `to` entries. An unclosed formatting element would live on: that is the full parser's work.
    fn pop_to(&mut self, to: usize) -> Result<(), Irregular> {
        if self.stack[to..].iter().any(|o| o.kind == Kind::Formatting) {
            return Err(Irregular("formatting element left open"));
        }
        for open in self.stack.drain(to..) {
            if open.name.as_str() == "form" {
                self.in_form = false;
            }
        }
        Ok(())
    }

    fn close_p(&mut self) -> Result<(), Irregular> {
        if !self.current().p_in_scope {
            return Ok(());
        }
        match self.stack.iter().rposition(|o| o.kind == Kind::P) {
            Some(at) => self.pop_to(at),
            None => Ok(()),
        }
    }

    fn start(&mut self, tag: &Tag<'k>, scanner: &mut Scanner<'k>) -> Result<(), Irregular> {
        let name = tag.name.as_str();
        match start(name) {
            Start::Irregular(why) => Err(Irregular(why)),
            Start::Structure => self.structure(tag),
            Start::Drop => {
                if name == "noscript" || name == "style" || self.body.is_some() {
                    scanner.raw_text(name);
                    return Ok(());
                }
                self.ensure_body()?;
                scanner.raw_text(name);
                Ok(())
            }
            Start::Skip => {
                if name != "template" {
                    self.ensure_body()?;
                    self.no_table()?;
                }
                skip(name, tag.self_closing, scanner)
            }
            Start::Script => self.script(tag, scanner),
            Start::Meta => {
                if self.body.is_none() {
                    if self.head.is_none() {
                        self.open_head()?;
                    }
                    let attributes = self.attributes(name, tag.attributes)?;
                    let head = self.head.ok_or(Irregular("lost node"))?;
                    self.append(head, Node::Element(Element::new(qual(name), attributes)))?;
                    return Ok(());
                }
                self.no_table()?;
                self.void(tag)
            }
            Start::Text => self.text_element(tag, scanner),
            Start::Void => {
                self.ensure_body()?;
                self.no_table()?;
                if name == "hr" {
                    self.close_p()?;
                }
                self.void(tag)
            }
            Start::Element(kind) => {
                self.ensure_body()?;
                self.element(tag, kind)
            }
        }
    }

    fn structure(&mut self, tag: &Tag<'k>) -> Result<(), Irregular> {
        match tag.name.as_str() {
            "html" => {
                if self.head.is_some() || self.body.is_some() {
                    return self.add_missing("html", self.stack[0].node, tag.attributes);
                }
                let attributes = self.attributes("html", tag.attributes)?;
                let root = self.stack[0].node;
                if let Some(mut node) = self.html.tree.get_mut(root) {
                    *node.value() = Node::Element(Element::new(qual("html"), attributes));
                }
                Ok(())
            }
            "head" => {
                if self.head.is_none() && self.body.is_none() {
                    self.open_head()?;
                }
                Ok(())
            }
            _ => {
                if let Some(body) = self.body {
                    return self.add_missing("body", body, tag.attributes);
                }
                let attributes = self.attributes("body", tag.attributes)?;
                self.open_body(&attributes)
            }
        }
    }

    /// A second `<html>` or `<body>` only adds the attributes that the first does not have.
    fn add_missing(&mut self, name: &str, node: NodeId, text: &str) -> Result<(), Irregular> {
        let attributes = self.attributes(name, text)?;
        let mut node = self.html.tree.get_mut(node).ok_or(Irregular("lost node"))?;
        if let Node::Element(element) = node.value() {
            for attribute in attributes {
                if let Err(at) = element.attrs.binary_search_by(|(name, _)| name.cmp(&attribute.name)) {
                    element.attrs.insert(at, (attribute.name, attribute.value));
                }
            }
        }
        Ok(())
    }

    fn script(&mut self, tag: &Tag<'k>, scanner: &mut Scanner<'_>) -> Result<(), Irregular> {
        let text = scanner.script_text().ok_or(Irregular("script in a script"))?;
        if !wants_script(self.keep, tag.attributes) {
            return Ok(());
        }
        if self.body.is_none() && self.head.is_none() {
            self.open_head()?;
        }
        let attributes = self.attributes("script", tag.attributes)?;
        let parent = if self.body.is_none() { self.head.ok_or(Irregular("lost node"))? } else { self.current().node };
        let node = self.append(parent, Node::Element(Element::new(qual("script"), attributes)))?;
        if !text.is_empty() {
            self.append(node, Node::Text(Text { text: StrTendril::from(text) }))?;
        }
        Ok(())
    }

    fn text_element(&mut self, tag: &Tag<'k>, scanner: &mut Scanner<'_>) -> Result<(), Irregular> {
        let name = tag.name.as_str();
        let raw = scanner.raw_text(name);
        let text = entities::decode(raw, false).map_err(|_| Irregular("character reference"))?;
        let parent = if name == "title" && self.body.is_none() {
            if self.head.is_none() {
                self.open_head()?;
            }
            self.head.ok_or(Irregular("lost node"))?
        } else {
            self.ensure_body()?;
            self.no_table()?;
            self.current().node
        };
        let attributes = self.attributes(name, tag.attributes)?;
        let node = self.append(parent, Node::Element(Element::new(qual(name), attributes)))?;
        // A line break right behind `<textarea>` is not part of its text.
        let text = if name == "textarea" { text.strip_prefix('\n').unwrap_or(&text) } else { &text };
        if !text.is_empty() {
            self.append(node, Node::Text(Text { text: StrTendril::from(text) }))?;
        }
        Ok(())
    }

    /// Directly inside a table, rows and cells alone are in place.
    fn no_table(&self) -> Result<(), Irregular> {
        if matches!(self.current().kind, Kind::Table | Kind::Section | Kind::Row) {
            return Err(Irregular("content between cells"));
        }
        Ok(())
    }

    fn element(&mut self, tag: &Tag<'k>, kind: Kind) -> Result<(), Irregular> {
        match kind {
            Kind::Section | Kind::Row | Kind::Cell => return self.table_part(tag, kind),
            _ => self.no_table()?,
        }
        match kind {
            Kind::Block | Kind::P => self.close_p()?,
            Kind::Heading => {
                self.close_p()?;
                if self.current().kind == Kind::Heading {
                    self.stack.pop();
                }
            }
            Kind::Li | Kind::Dd => {
                self.close_items(kind)?;
                self.close_p()?;
            }
            Kind::Formatting if tag.name.as_str() == "a" && self.stack.iter().any(|o| o.name.as_str() == "a") => {
                return Err(Irregular("link in a link"));
            }
            Kind::Table if self.current().p_in_scope && self.quirks => return Err(Irregular("table in a paragraph")),
            Kind::Table if self.current().p_in_scope => self.close_p()?,
            Kind::Special => match tag.name.as_str() {
                "form" if self.in_form => return Err(Irregular("form in a form")),
                "form" => {
                    self.close_p()?;
                    self.in_form = true;
                }
                _ => {
                    if self.stack.iter().any(|o| o.name.as_str() == "button") {
                        return Err(Irregular("button in a button"));
                    }
                }
            },
            _ => {}
        }
        self.push(tag, kind)
    }

    /// A new list item closes the one before it.
    fn close_items(&mut self, kind: Kind) -> Result<(), Irregular> {
        for at in (0..self.stack.len()).rev() {
            let open = &self.stack[at];
            if open.kind == kind {
                return self.pop_to(at);
            }
            // `address`, `div` and `p` are looked through.
            if open.kind.special() && open.kind != Kind::P && !matches!(open.name.as_str(), "div" | "address") {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Position of the innermost table.
    fn table(&self) -> Result<Option<usize>, Irregular> {
        let at = self.stack.iter().rposition(|o| matches!(o.kind, Kind::Table | Kind::Boundary));
        match at.filter(|at| self.stack[*at].kind == Kind::Boundary) {
            Some(at) if self.stack[..at].iter().any(|o| o.kind == Kind::Table) => Err(Irregular("object in a table")),
            Some(_) => Ok(None),
            None => Ok(at),
        }
    }

    fn table_part(&mut self, tag: &Tag<'k>, kind: Kind) -> Result<(), Irregular> {
        // Parts of a table outside of one are dropped.
        let Some(table) = self.table()? else { return Ok(()) };
        let part = |b: &Self, k: Kind| b.stack[table..].iter().position(|o| o.kind == k).map(|n| table + n);
        match kind {
            Kind::Section => {
                self.pop_to(table + 1)?;
                self.push(tag, kind)
            }
            Kind::Row => {
                match part(self, Kind::Section) {
                    Some(section) => self.pop_to(section + 1)?,
                    None => {
                        self.pop_to(table + 1)?;
                        self.imply("tbody", Kind::Section)?;
                    }
                }
                self.push(tag, kind)
            }
            _ => {
                match part(self, Kind::Row) {
                    Some(row) => self.pop_to(row + 1)?,
                    None => {
                        match part(self, Kind::Section) {
                            Some(section) => self.pop_to(section + 1)?,
                            None => {
                                self.pop_to(table + 1)?;
                                self.imply("tbody", Kind::Section)?;
                            }
                        }
                        self.imply("tr", Kind::Row)?;
                    }
                }
                self.push(tag, kind)
            }
        }
    }

    fn imply(&mut self, name: &'static str, kind: Kind) -> Result<(), Irregular> {
        self.push(&Tag { name: Name::of(name), attributes: "", self_closing: false }, kind)
    }

    fn end(&mut self, name: &str) -> Result<(), Irregular> {
        if self.body.is_none() {
            // `</head>` and strays before the body change nothing, but `</br>` and `</p>` make elements.
            return if matches!(name, "br" | "p" | "body" | "html") && name != "head" {
                Err(Irregular("end tag before the body"))
            } else {
                Ok(())
            };
        }
        let kind = match start(name) {
            Start::Element(kind) => kind,
            Start::Void if name == "br" => return Err(Irregular("</br>")),
            Start::Void | Start::Meta | Start::Structure | Start::Drop | Start::Text | Start::Script => return Ok(()),
            Start::Skip => return Ok(()),
            Start::Irregular(why) => return Err(Irregular(why)),
        };
        let between = matches!(self.current().kind, Kind::Table | Kind::Section | Kind::Row);
        if between && !matches!(kind, Kind::Table | Kind::Section | Kind::Row | Kind::Cell) {
            return Err(Irregular("end tag between cells"));
        }
        match kind {
            Kind::P => {
                if !self.current().p_in_scope {
                    // An empty paragraph comes of it.
                    self.imply("p", Kind::P)?;
                }
                self.close_p()
            }
            Kind::Heading => self.end_in_scope(|o| o.kind == Kind::Heading),
            Kind::Li => {
                // List item scope: `ol` and `ul` bound it too.
                let at = self
                    .stack
                    .iter()
                    .rposition(|o| o.kind == Kind::Li || o.kind.bounds() || matches!(o.name.as_str(), "ul" | "ol"));
                match at.filter(|at| self.stack[*at].kind == Kind::Li) {
                    Some(at) => self.pop_to(at),
                    None => Ok(()),
                }
            }
            Kind::Dd | Kind::Block | Kind::Boundary => self.end_in_scope(|o| o.name.as_str() == name),
            Kind::Special if name == "form" => self.end_form(),
            Kind::Special => self.end_in_scope(|o| o.name.as_str() == name),
            Kind::Formatting => self.end_formatting(name),
            Kind::Table => match self.table()? {
                Some(at) => self.pop_to(at),
                None => Ok(()),
            },
            Kind::Section | Kind::Row | Kind::Cell => self.end_table_part(name, kind),
            Kind::Ordinary => self.end_ordinary(name),
            Kind::Html => Ok(()),
        }
    }

    fn end_in_scope(&mut self, is: impl Fn(&Open<'k>) -> bool) -> Result<(), Irregular> {
        for at in (0..self.stack.len()).rev() {
            if is(&self.stack[at]) {
                return self.pop_to(at);
            }
            if self.stack[at].kind.bounds() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn end_form(&mut self) -> Result<(), Irregular> {
        if !self.in_form {
            return Ok(());
        }
        let top = self.stack.iter().rposition(|o| !o.kind.implied()).unwrap_or(0);
        if self.stack[top].name.as_str() != "form" {
            return Err(Irregular("form closed inside another element"));
        }
        self.pop_to(top)
    }

    fn end_formatting(&mut self, name: &str) -> Result<(), Irregular> {
        if self.current().name.as_str() == name {
            self.stack.pop();
            return Ok(());
        }
        if self.stack.iter().any(|o| o.name.as_str() == name) {
            return Err(Irregular("formatting element closed out of order"));
        }
        // None open: nothing happens.
        Ok(())
    }

    fn end_ordinary(&mut self, name: &str) -> Result<(), Irregular> {
        for at in (0..self.stack.len()).rev() {
            if self.stack[at].name.as_str() == name {
                return self.pop_to(at);
            }
            if self.stack[at].kind.special() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn end_table_part(&mut self, name: &str, kind: Kind) -> Result<(), Irregular> {
        let Some(table) = self.table()? else { return Ok(()) };
        match self.stack[table..].iter().rposition(|o| o.kind == kind && o.name.as_str() == name) {
            Some(n) => self.pop_to(table + n),
            None => Ok(()),
        }
    }
}

/// Leaves an element out to its end tag. What would end it early is irregular.
fn skip(name: &str, self_closing: bool, scanner: &mut Scanner<'_>) -> Result<(), Irregular> {
    if self_closing && name == "svg" {
        return Ok(());
    }
    if name == "svg" {
        return skip_svg(scanner);
    }
    let mut depth = 1usize;
    while let Some(token) = scanner.next_token() {
        match token {
            Token::Start(tag) => {
                let inner = tag.name.as_str();
                if inner == name {
                    if name == "select" {
                        return Err(Irregular("select in a select"));
                    }
                    depth += usize::from(!tag.self_closing);
                    continue;
                }
                match name {
                    "select" if !matches!(inner, "option" | "optgroup" | "hr" | "span" | "b" | "i" | "font") => {
                        return Err(Irregular("content in a select"));
                    }
                    "template" if matches!(inner, "script" | "style" | "textarea" | "title") => {
                        return Err(Irregular("raw text in a template"));
                    }
                    _ => {}
                }
            }
            Token::End(end) => {
                let inner = end.as_str();
                if inner == name {
                    depth -= 1;
                    if depth == 0 {
                        return Ok(());
                    }
                } else if matches!(inner, "table" | "body" | "html") {
                    return Err(Irregular("end tag in a skipped element"));
                }
            }
            Token::Text(_) | Token::Doctype(_) => {}
        }
    }
    Err(Irregular("element without an end"))
}

/// Leaves an `svg` out. An end tag closes the innermost element of its name; one that has none inside is HTML's.
fn skip_svg(scanner: &mut Scanner<'_>) -> Result<(), Irregular> {
    let mut open: Vec<Name<'_>> = Vec::new();
    while let Some(token) = scanner.next_token() {
        match token {
            Token::Start(tag) => {
                let inner = tag.name.as_str();
                if breaks_out(inner) || matches!(inner, "foreignobject" | "desc" | "script") {
                    return Err(Irregular("HTML in SVG"));
                }
                if matches!(inner, "style" | "title") && !tag.self_closing {
                    scanner.raw_text(inner);
                } else if !tag.self_closing {
                    open.push(tag.name);
                }
            }
            Token::End(end) => match open.iter().rposition(|name| *name == end) {
                Some(at) => open.truncate(at),
                None if end.as_str() == "svg" => return Ok(()),
                None => return Err(Irregular("end tag in a skipped element")),
            },
            Token::Text(_) | Token::Doctype(_) => {}
        }
    }
    Err(Irregular("element without an end"))
}

/// HTML elements that end SVG.
fn breaks_out(name: &str) -> bool {
    matches!(
        name,
        "b" | "big"
            | "blockquote"
            | "body"
            | "br"
            | "center"
            | "code"
            | "dd"
            | "div"
            | "dl"
            | "dt"
            | "em"
            | "embed"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "head"
            | "hr"
            | "i"
            | "img"
            | "li"
            | "listing"
            | "menu"
            | "meta"
            | "nobr"
            | "ol"
            | "p"
            | "pre"
            | "ruby"
            | "s"
            | "small"
            | "span"
            | "strong"
            | "strike"
            | "sub"
            | "sup"
            | "table"
            | "tt"
            | "u"
            | "ul"
            | "var"
            | "font"
    )
}
