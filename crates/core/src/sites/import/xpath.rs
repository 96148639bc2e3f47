//! XPath to CSS: the part of XPath that site configurations use and that has a CSS form.

use std::fmt::Write as _;

/// What an XPath reads, in our words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// CSS selector; of a union, its parts joined by commas.
    pub css: String,
    /// The attribute read, if the path ends in one.
    pub attr: Option<String>,
    /// A regex for the text that the element must hold (`contains(., '…')`), which CSS cannot say.
    pub text: Option<String>,
    /// Regex that takes the part of the value that `substring-before` and `substring-after` would.
    pub capture: Option<String>,
}

/// The CSS form of an XPath, or why there is none.
pub fn css(xpath: &str) -> Result<Found, String> {
    let mut parser = Parser { rest: xpath.trim() };
    let found = parser.value()?;
    parser.blank();
    if !parser.rest.is_empty() {
        return Err(format!("`{}` has no CSS form", parser.rest));
    }
    if scraper::Selector::parse(&found.css).is_err() {
        return Err("its CSS form is none".to_owned());
    }
    Ok(found)
}

/// A quoted CSS string.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn blank(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, token: &str) -> bool {
        self.blank();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn need(&mut self, token: &str) -> Result<(), String> {
        if self.take(token) { Ok(()) } else { Err(format!("expected `{token}` before `{}`", self.rest)) }
    }

    fn name(&mut self) -> Option<&'a str> {
        self.blank();
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || "-_.".contains(c))).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!name.is_empty()).then_some(name)
    }

    fn string(&mut self) -> Result<String, String> {
        self.blank();
        let quote = self.rest.chars().next().filter(|c| *c == '"' || *c == '\'').ok_or("expected a string")?;
        let end = self.rest[1..].find(quote).ok_or("the string does not end")?;
        let text = self.rest[1..=end].to_owned();
        self.rest = &self.rest[end + 2..];
        Ok(text)
    }

    /// A union of paths, or a function over one.
    fn value(&mut self) -> Result<Found, String> {
        for (function, after) in [("substring-after(", true), ("substring-before(", false)] {
            if self.take(function) {
                let mut found = self.value()?;
                self.need(",")?;
                let part = regex::escape(&self.string()?);
                self.need(")")?;
                found.capture = Some(match (found.capture.take(), after) {
                    (None, true) => format!("{part}(.*)"),
                    (None, false) => format!("^(.*?){part}"),
                    // What follows one text and comes before another.
                    (Some(inner), false) if inner.ends_with("(.*)") => {
                        format!("{}(.*?){part}", inner.trim_end_matches("(.*)"))
                    }
                    _ => return Err("nested functions".to_owned()),
                });
                return Ok(found);
            }
        }
        if self.take("normalize-space(") || self.take("string(") {
            let found = self.value()?;
            self.need(")")?;
            return Ok(found);
        }
        let mut all = self.path()?;
        while self.take("|") {
            let next = self.path()?;
            if next.attr != all.attr || next.text != all.text {
                return Err("the parts of the union read different things".to_owned());
            }
            let _ = write!(all.css, ", {}", next.css);
        }
        Ok(all)
    }

    fn path(&mut self) -> Result<Found, String> {
        if self.take("(") {
            let inner = self.value()?;
            self.need(")")?;
            // The first of all is what a step takes anyway.
            if self.take("[1]") || !self.rest.trim_start().starts_with(['[', '/']) {
                return Ok(inner);
            }
            return Err("a position among all that was found has no CSS form".to_owned());
        }
        let mut found = Found { css: String::new(), attr: None, text: None, capture: None };
        let _ = self.take(".");
        let mut first = true;
        loop {
            let descends = self.take("//");
            if !descends && !self.take("/") {
                if !first {
                    break;
                }
                if self.rest.is_empty() {
                    return Err("nothing is named".to_owned());
                }
            }
            if found.attr.is_some() {
                return Err("something follows the attribute".to_owned());
            }
            self.step(&mut found, descends || first)?;
            first = false;
        }
        Ok(found)
    }

    /// One step of a path: `div[@class="a"]`, `parent::div`, `@href`, `text()`.
    fn step(&mut self, found: &mut Found, descends: bool) -> Result<(), String> {
        if found.text.is_some() {
            return Err("what stands inside an element with a certain text has no CSS form".to_owned());
        }
        if self.take("text()") {
            return Ok(());
        }
        if self.take("@") {
            found.attr = Some(self.name().ok_or("an attribute without a name")?.to_owned());
            return Ok(());
        }
        if self.take("..") {
            found.css = format!("*:has(> {})", found.css);
            return Ok(());
        }
        let axes = ["parent", "ancestor", "following-sibling", "descendant", "descendant-or-self", "child", "self"];
        let axis = axes.into_iter().find(|axis| self.take(&format!("{axis}::"))).unwrap_or("");
        if self.rest.contains("::")
            && self.rest.split("::").next().is_some_and(|a| a.chars().all(|c| c.is_alphabetic() || c == '-'))
        {
            return Err(format!("the axis `{}` has no CSS form", self.rest.split("::").next().unwrap_or_default()));
        }
        let (compound, text, position) = self.compound()?;
        let before = std::mem::take(&mut found.css);
        found.text = text;
        found.css = match axis {
            "" | "child" | "descendant" | "descendant-or-self" if before.is_empty() => compound,
            "descendant" | "descendant-or-self" => format!("{before} {compound}"),
            "" | "child" if descends => format!("{before} {compound}"),
            "" | "child" => format!("{before} > {compound}"),
            "following-sibling" if position.is_some() => {
                return Err("a position among siblings has no CSS form".to_owned());
            }
            "following-sibling" => format!("{before} ~ {compound}"),
            "self" => return Err("the axis `self` has no CSS form".to_owned()),
            _ if position.is_some_and(|n| n != 1) => {
                return Err("a position among ancestors has no CSS form".to_owned());
            }
            "parent" => format!("{compound}:has(> {before})"),
            // Without a position all ancestors are meant; the first of them has no CSS form.
            _ if position.is_some() => return Err("the nearest of several ancestors has no CSS form".to_owned()),
            _ => format!("{compound}:has({before})"),
        };
        if position.is_some() && matches!(axis, "descendant" | "descendant-or-self") {
            return Err("a position among descendants has no CSS form".to_owned());
        }
        Ok(())
    }

    /// A name and its predicates; the text asked for, and the position, if one was named.
    fn compound(&mut self) -> Result<(String, Option<String>, Option<u32>), String> {
        let name = if self.take("*") {
            String::new()
        } else {
            self.name().ok_or_else(|| format!("`{}` names no element", self.rest))?.to_lowercase()
        };
        if self.rest.starts_with('(') {
            return Err(format!("the function `{name}` has no CSS form"));
        }
        let (mut css, mut text, mut position) = (String::new(), None, None);
        while self.take("[") {
            self.blank();
            let number: String = self.rest.chars().take_while(char::is_ascii_digit).collect();
            let last = self.take("last()");
            if last || !number.is_empty() {
                self.rest = &self.rest[number.len()..];
                if !css.is_empty() || position.is_some() {
                    return Err("a position among those that match has no CSS form".to_owned());
                }
                let kind = if name.is_empty() { "child" } else { "of-type" };
                position = number.parse().ok();
                css.push_str(&match position {
                    Some(1) => format!(":first-{kind}"),
                    Some(n) if name.is_empty() => format!(":nth-child({n})"),
                    Some(n) => format!(":nth-of-type({n})"),
                    None => format!(":last-{kind}"),
                });
            } else {
                match self.either()? {
                    Condition::Css(part) => css.push_str(&part),
                    Condition::Text(part) if text.is_none() => text = Some(part),
                    Condition::Text(_) => return Err("several texts".to_owned()),
                }
            }
            self.need("]")?;
        }
        let whole = format!("{name}{css}");
        Ok((if whole.is_empty() { "*".to_owned() } else { whole }, text, position))
    }

    /// `a or b`.
    fn either(&mut self) -> Result<Condition, String> {
        let first = self.both()?;
        let mut parts = vec![first];
        while self.word("or") {
            parts.push(self.both()?);
        }
        if parts.len() == 1 {
            return parts.pop().ok_or_else(String::new);
        }
        let css = parts
            .into_iter()
            .map(|part| match part {
                Condition::Css(css) => Ok(css),
                Condition::Text(_) => Err("a text in `or` has no CSS form".to_owned()),
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Condition::Css(format!(":is({})", css.join(", "))))
    }

    /// `a and b`.
    fn both(&mut self) -> Result<Condition, String> {
        let mut css = String::new();
        let mut text = None;
        loop {
            match self.condition()? {
                Condition::Css(part) => css.push_str(&part),
                Condition::Text(part) => text = Some(part),
            }
            if !self.word("and") {
                break;
            }
        }
        match text {
            None => Ok(Condition::Css(css)),
            Some(text) if css.is_empty() => Ok(Condition::Text(text)),
            Some(_) => Err("a text in `and` has no CSS form".to_owned()),
        }
    }

    fn word(&mut self, word: &str) -> bool {
        self.blank();
        let whole = self.rest.strip_prefix(word).is_some_and(|rest| rest.starts_with([' ', '(', '@']));
        whole && self.take(word)
    }

    fn condition(&mut self) -> Result<Condition, String> {
        if self.take("(") {
            let inner = self.either()?;
            self.need(")")?;
            return Ok(inner);
        }
        if self.take("not(") || self.take("not (") {
            let inner = self.either()?;
            self.need(")")?;
            return match inner {
                Condition::Css(css) => Ok(Condition::Css(format!(":not({css})"))),
                Condition::Text(_) => Err("the absence of a text has no CSS form".to_owned()),
            };
        }
        if self.take("contains(") {
            return self.contains();
        }
        for (function, sign) in [("starts-with(", "^="), ("ends-with(", "$=")] {
            if self.take(function) {
                self.need("@").map_err(|_| "how a text begins has no CSS form".to_owned())?;
                let name = self.name().ok_or("an attribute without a name")?.to_owned();
                self.need(",")?;
                let value = self.string()?;
                self.need(")")?;
                return Ok(Condition::Css(format!("[{name}{sign}{}]", quoted(&value))));
            }
        }
        if self.take("@") {
            let name =
                if self.take("*") { return Err("any attribute has no CSS form".to_owned()) } else { self.name() };
            let name = name.ok_or("an attribute without a name")?.to_owned();
            if self.take("!=") {
                return Ok(Condition::Css(format!("[{name}]:not({})", equals(&name, &self.string()?))));
            }
            if self.take("=") {
                return Ok(Condition::Css(equals(&name, &self.string()?)));
            }
            return Ok(Condition::Css(format!("[{name}]")));
        }
        for own in ["text()", "normalize-space(text())", "normalize-space(.)", "normalize-space()", ".=", ". ="] {
            if self.take(own) {
                if !own.ends_with('=') {
                    self.need("=").map_err(|_| "that there is a text has no CSS form".to_owned())?;
                }
                let text = self.string()?;
                return Ok(Condition::Text(format!(r"^\s*{}\s*$", regex::escape(&text))));
            }
        }
        if self.rest.trim_start().starts_with("normalize-space") {
            return Err("a text has no CSS form".to_owned());
        }
        // A path: what must be inside.
        let inside = self.take(".//") || self.take("descendant::");
        if !inside && self.rest.trim_start().starts_with(['/', '.', '"', '\'']) {
            return Err(format!("`{}` has no CSS form", self.rest));
        }
        let mut found = Found { css: String::new(), attr: None, text: None, capture: None };
        self.step(&mut found, true)?;
        loop {
            let descends = self.take("//");
            if !descends && !self.take("/") {
                break;
            }
            self.step(&mut found, descends)?;
        }
        if found.text.is_some() {
            return Err("a text inside has no CSS form".to_owned());
        }
        if let Some(attr) = found.attr {
            let _ = write!(found.css, "[{attr}]");
        }
        Ok(Condition::Css(if inside { format!(":has({})", found.css) } else { format!(":has(> {})", found.css) }))
    }

    /// The rest of `contains(…)`.
    fn contains(&mut self) -> Result<Condition, String> {
        if self.take("concat(") {
            // The idiom for "has this class": contains(concat(' ', normalize-space(@class), ' '), ' name ').
            let space = self.string()?;
            self.need(",")?;
            let normalized = self.take("normalize-space(");
            self.need("@")?;
            let name = self.name().ok_or("an attribute without a name")?.to_owned();
            if normalized {
                self.need(")")?;
            }
            self.need(",")?;
            self.string()?;
            self.need(")")?;
            self.need(",")?;
            let value = self.string()?;
            self.need(")")?;
            if !space.trim().is_empty() {
                return Err("an odd `concat`".to_owned());
            }
            let value = value.trim();
            let css = if name == "class" { classes(value) } else { format!("[{name}~={}]", quoted(value)) };
            return Ok(Condition::Css(css));
        }
        if self.take("@") {
            let name = self.name().ok_or("an attribute without a name")?.to_owned();
            self.need(",")?;
            let value = self.string()?;
            self.need(")")?;
            return Ok(Condition::Css(format!("[{name}*={}]", quoted(&value))));
        }
        if self.take("text()")
            || self.take(".")
            || self.take("normalize-space(.)")
            || self.take("normalize-space(text())")
        {
            self.need(",")?;
            let value = self.string()?;
            self.need(")")?;
            return Ok(Condition::Text(regex::escape(&value)));
        }
        Err(format!("`contains({}` has no CSS form", self.rest))
    }
}

enum Condition {
    Css(String),
    Text(String),
}

/// `[name="value"]`, or shorter where that says the same to a reader.
fn equals(name: &str, value: &str) -> String {
    match name {
        "id" if is_identifier(value) => format!("#{value}"),
        "class" => classes(value),
        _ => format!("[{name}={}]", quoted(value)),
    }
}

/// `.a.b`: wider than the same words in the same order, as the site's next change will want it.
fn classes(value: &str) -> String {
    let names: Vec<&str> = value.split_whitespace().collect();
    if names.is_empty() || !names.iter().all(|n| is_identifier(n)) {
        return format!("[class={}]", quoted(value));
    }
    names.iter().map(|n| format!(".{n}")).collect()
}

fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '-' || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_a_css_form() {
        for (xpath, expected) in [
            ("//div[@id='a']", "div#a"),
            ("//div[@class=\"a b\"]", "div.a.b"),
            ("//div[contains(@class, 'a')]/p", "div[class*=\"a\"] > p"),
            ("//div[contains(concat(' ',normalize-space(@class),' '),' x-y ')]", "div.x-y"),
            ("//*[@itemprop='articleBody']//p[2]", "[itemprop=\"articleBody\"] p:nth-of-type(2)"),
            ("//article[1] | //main", "article:first-of-type, main"),
            ("//a[@rel]/parent::div", "div:has(> a[rel])"),
            ("//address/ancestor::div", "div:has(address)"),
            ("//div[not(@class)]", "div:not([class])"),
            ("//p[@class='a' or @id='b']", "p:is(.a, #b)"),
            ("//p[@class='a' and @id='b']", "p.a#b"),
            ("//div[.//img]", "div:has(img)"),
            ("//div[h2]/following-sibling::p", "div:has(> h2) ~ p"),
            ("//*[(@id = \"x\")]", "#x"),
            ("(//h1)[1]", "h1"),
            ("//li[last()]", "li:last-of-type"),
            ("//img[starts-with(@src, '/ad')]", "img[src^=\"/ad\"]"),
        ] {
            assert_eq!(css(xpath).map(|f| f.css).as_deref(), Ok(expected), "{xpath}");
        }
    }

    #[test]
    fn what_css_cannot_say_is_said_apart() {
        let found = css("//a[contains(text(), '下一页')]").unwrap();
        assert_eq!((found.css.as_str(), found.text.as_deref()), ("a", Some("下一页")));
        let found = css("//a[text()='下一页']").unwrap();
        assert_eq!((found.css.as_str(), found.text.as_deref()), ("a", Some(r"^\s*下一页\s*$")));
        assert_eq!(css("//time/@datetime").unwrap().attr.as_deref(), Some("datetime"));
        let found = css("substring-before(substring-after(//p[@class='d'], 'am '), ' um')").unwrap();
        assert_eq!(found.capture.as_deref(), Some("am (.*?) um"));
    }

    #[test]
    fn paths_without_a_css_form() {
        for xpath in [
            "//p[text()]",
            "//h1/following-sibling::div[2]",
            "//a/ancestor::div[1]",
            "//div[@class='a'][2]",
            "//p/preceding::h1",
            "//p[@a='b",
            "count(//p)",
            "",
            "//",
        ] {
            assert!(css(xpath).is_err(), "{xpath}: {:?}", css(xpath));
        }
    }
}
