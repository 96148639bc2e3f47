//! The items of a feed or a sitemap, each with its fields, out of markup that may be broken anywhere.
//!
//! What is broken costs the item that it is in: an item ends where the next one begins, whether it is closed or not.

use super::markup::{Tag, Token, Tokens, attribute, local, prefix, unescape};

/// Longest text of one field that is kept, in bytes.
const MAX_TEXT: usize = 8192;
/// Most fields of one item.
const MAX_FIELDS: usize = 256;
/// Most open elements within an item.
const MAX_DEPTH: usize = 64;

/// What an item is named, and which of its fields are read.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// Names of items, without prefix.
    pub items: &'static [&'static str],
    /// Names of fields whose text is kept, without prefix.
    pub fields: &'static [&'static str],
}

/// An item.
#[derive(Debug, Default)]
pub struct Item<'a> {
    /// Name as written.
    pub name: &'a str,
    /// What stands in its tag.
    pub attributes: &'a str,
    /// Its fields, in order.
    pub fields: Vec<Field<'a>>,
    /// True if its end was not there.
    pub is_cut: bool,
}

/// A field of an item.
#[derive(Debug)]
pub struct Field<'a> {
    /// Name as written.
    pub name: &'a str,
    /// What stands in its tag.
    pub attributes: &'a str,
    /// Names of the elements between the item and the field.
    pub parent: Option<&'a str>,
    /// Its text, decoded.
    pub text: String,
}

impl<'a> Item<'a> {
    /// Fields of a name, whatever prefix and case; those that stand in the item itself.
    pub fn direct<'s>(&'s self, name: &'static str) -> impl Iterator<Item = &'s Field<'a>> {
        self.fields.iter().filter(move |field| field.parent.is_none() && field.is(name))
    }

    /// Fields of a name, wherever they stand.
    pub fn all<'s>(&'s self, name: &'static str) -> impl Iterator<Item = &'s Field<'a>> {
        self.fields.iter().filter(move |field| field.is(name))
    }

    /// True if a field has the item's own prefix.
    pub fn owns(&self, field: &Field<'_>) -> bool {
        prefix(self.name) == prefix(field.name)
    }
}

impl<'a> Field<'a> {
    /// True for this name, whatever prefix and case.
    pub fn is(&self, name: &str) -> bool {
        local(self.name).eq_ignore_ascii_case(name)
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<std::borrow::Cow<'a, str>> {
        attribute(self.attributes, name)
    }
}

/// The items of a document.
pub struct Items<'a> {
    tokens: Tokens<'a>,
    form: Form,
    /// Prefix of the document's root, which its items have as well, or none.
    root: &'a str,
    /// The item that is open.
    open: Option<Open<'a>>,
}

struct Open<'a> {
    item: Item<'a>,
    /// Open elements: name, and the field that its text goes to.
    stack: Vec<(&'a str, Option<usize>)>,
    /// It has no content and needs no end.
    is_empty: bool,
    /// The last token was text: at the end of the document, the field it belongs to is cut off.
    in_text: bool,
}

impl<'a> Items<'a> {
    /// The items of a document whose root has this name; `tokens` are those after the root's tag.
    pub fn new(tokens: Tokens<'a>, root: &'a str, form: Form) -> Self {
        Self { tokens, form, root: prefix(root), open: None }
    }

    fn is_item(&self, name: &str) -> bool {
        let own = prefix(name);
        (own.is_empty() || own == self.root)
            && self.form.items.iter().any(|item| local(name).eq_ignore_ascii_case(item))
    }

    fn begin(&mut self, tag: &Tag<'a>) -> Option<Item<'a>> {
        let item = Item { name: tag.name, attributes: tag.attributes, ..Item::default() };
        let open = Open { item, stack: Vec::new(), is_empty: tag.is_empty, in_text: false };
        self.open.replace(open).map(Open::without_end)
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        while let Some(token) = self.tokens.next() {
            if let Token::Start(tag) = token
                && self.is_item(tag.name)
            {
                match self.begin(&tag) {
                    Some(before) => return Some(before),
                    None => continue,
                }
            }
            match (token, &mut self.open) {
                (Token::End(name), Some(open)) if name.eq_ignore_ascii_case(open.item.name) => {
                    return self.open.take().map(|open| open.item);
                }
                (Token::Start(tag), Some(open)) => open.start(&tag, self.form.fields),
                (Token::End(name), Some(open)) => open.end(name),
                (Token::Text(text), Some(open)) => open.text(&unescape(text)),
                (Token::Data(text), Some(open)) => open.text(text),
                (_, None) => {}
            }
        }
        let mut open = self.open.take()?;
        if let Some((_, Some(field))) = open.stack.last().filter(|_| open.in_text) {
            open.item.fields.truncate(*field);
        }
        Some(open.without_end())
    }
}

impl<'a> Open<'a> {
    fn without_end(mut self) -> Item<'a> {
        self.item.is_cut = !self.is_empty;
        self.item
    }

    fn start(&mut self, tag: &Tag<'a>, wanted: &[&str]) {
        self.in_text = false;
        let is_wanted = wanted.iter().any(|name| local(tag.name).eq_ignore_ascii_case(name));
        let field = (is_wanted && self.item.fields.len() < MAX_FIELDS).then(|| {
            let parent = self.stack.last().map(|(name, _)| *name);
            let field = Field { name: tag.name, attributes: tag.attributes, parent, text: String::new() };
            self.item.fields.push(field);
            self.item.fields.len() - 1
        });
        if !tag.is_empty && self.stack.len() < MAX_DEPTH {
            self.stack.push((tag.name, field));
        }
    }

    fn end(&mut self, name: &str) {
        self.in_text = false;
        if let Some(at) = self.stack.iter().rposition(|(open, _)| open.eq_ignore_ascii_case(name)) {
            self.stack.truncate(at);
        }
    }

    fn text(&mut self, text: &str) {
        self.in_text = true;
        let field = match self.stack.last() {
            Some((_, field)) => *field,
            // `<link/>http://…`: an HTML writer closed the link before its text.
            None => self.item.fields.len().checked_sub(1).filter(|last| {
                let last = &self.item.fields[*last];
                last.is("link") && last.parent.is_none() && last.text.is_empty() && last.attribute("href").is_none()
            }),
        };
        let Some(field) = field.and_then(|field| self.item.fields.get_mut(field)) else { return };
        if field.text.len() + text.len() <= MAX_TEXT {
            field.text.push_str(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(text: &str) -> Vec<String> {
        let form = Form { items: &["item"], fields: &["link"] };
        let items = Items::new(Tokens::new(text), "rss", form);
        items.flat_map(|item| item.fields.into_iter().map(|f| f.text.trim().to_owned()).collect::<Vec<_>>()).collect()
    }

    #[test]
    fn broken_markup_costs_its_item() {
        for (text, expected) in [
            ("<item><link>1</link></item><item><link>2</link></item>", &["1", "2"][..]),
            ("<item><link>1</link><item><link>2</link></item>", &["1", "2"]),
            ("<item><link>1</item><item><link>2</link></item>", &["1", "2"]),
            ("<item><t>x<b>y</t><link>1</link></item>", &["1"]),
            ("<item><link>1</link></item><item><link>2", &["1"]),
            ("<item><link>1</link></item><item><link>2</l", &["1", "2"]),
            ("<item><link/>1<t>x</t></item>", &["1"]),
            ("<ITEM><LINK>1</Link></Item>", &["1"]),
        ] {
            assert_eq!(links(text), expected, "{text}");
        }
    }
}
