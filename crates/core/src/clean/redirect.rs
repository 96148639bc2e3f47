//! Pages that send the browser on by themselves: `meta http-equiv=refresh`, a script that sets `location` on an otherwise empty
//! page, a frame that is all there is.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use regex::Regex;
use url::Url;

use super::dom::{Attributes, Scanner, Tag, Token, attribute_text};
use super::links::Base;
use super::scripted;

/// Longest wait that is a redirect, in seconds. Pages that reload themselves say minutes.
const MAX_WAIT: f64 = 10.0;
/// Most characters of text on a page that counts as empty beside its script or frame.
const MAX_TEXT: usize = 150;
/// Largest page that is looked at for scripts and frames, in bytes: an empty one is small.
const MAX_PAGE: usize = 64 << 10;

/// What sends the browser on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectKind {
    /// `meta http-equiv=refresh`, or the header of that name.
    Refresh,
    /// A script that sets `location`.
    Script,
    /// A frame.
    Frame,
}

impl RedirectKind {
    /// As messages name it.
    pub fn as_str(self) -> &'static str {
        match self {
            RedirectKind::Refresh => "refresh",
            RedirectKind::Script => "a script",
            RedirectKind::Frame => "a frame",
        }
    }
}

/// Where a page sends the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserRedirect {
    /// Address.
    pub to: Url,
    /// What sends it.
    pub kind: RedirectKind,
}

/// Where a page sends the browser by `meta http-equiv=refresh`, wherever that stands in it but in a `noscript`, which is for
/// browsers that cannot show the page, or a `template`, which does nothing.
pub fn by_refresh(markup: &str, base: &Base<'_>) -> Option<BrowserRedirect> {
    // `refresh`, `Refresh` and `REFRESH`, by what they share: nearly no page has the word.
    static ENDS: LazyLock<[Finder<'static>; 2]> = LazyLock::new(|| [Finder::new("efresh"), Finder::new("EFRESH")]);
    ENDS.iter().find_map(|end| end.find(markup.as_bytes()))?;
    let mut scanner = Scanner::new(markup);
    while let Some(token) = scanner.next_token() {
        let Token::Start(tag) = token else { continue };
        match tag.name.as_str() {
            name @ ("script" | "style" | "title" | "textarea" | "xmp" | "noscript" | "template") => {
                scanner.raw_text(name);
            }
            "meta" => {
                if let Some(to) = refresh_of(&tag).and_then(|content| refresh_target(&content, base)) {
                    return Some(BrowserRedirect { to, kind: RedirectKind::Refresh });
                }
            }
            _ => {}
        }
    }
    None
}

/// Where a page sends the browser that shows next to nothing itself: by a refresh in its `noscript`, by a script, or by the frame
/// that it consists of.
pub fn by_script_or_frame(markup: &str, base: &Base<'_>) -> Option<BrowserRedirect> {
    if markup.len() > MAX_PAGE {
        return None;
    }
    let page = Bare::of(markup);
    if page.text > MAX_TEXT {
        return None;
    }
    if let Some(redirect) = page.noscripts.iter().find_map(|markup| by_refresh(markup, base)) {
        return Some(redirect);
    }
    let script = page.scripts.iter().find_map(|script| assigned(script)).and_then(|to| base.resolve(&to));
    let found =
        script.map(|to| (to, RedirectKind::Script)).or_else(|| Some((page.frame(base)?, RedirectKind::Frame)))?;
    let (to, kind) = found;
    (!is_same_page(&to, base.url)).then_some(BrowserRedirect { to, kind })
}

/// The address of a `Refresh:` header or the `content` of its `meta`; `None` where it names none, or this page, or waits too
/// long (HTML standard, "shared declarative refresh steps").
pub fn refresh_target(content: &str, base: &Base<'_>) -> Option<Url> {
    let content = content.trim_start();
    let digits = content.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(content.len());
    let wait: f64 = content[..digits].parse().unwrap_or(0.0);
    let rest = content[digits..].trim_start();
    let rest = rest.strip_prefix([';', ',']).unwrap_or(rest).trim_start();
    let named = rest
        .get(..3)
        .filter(|name| name.eq_ignore_ascii_case("url"))
        .and_then(|_| rest[3..].trim_start().strip_prefix('='));
    if named.is_none() && digits == 0 || wait > MAX_WAIT {
        return None;
    }
    let address = named.unwrap_or(rest).trim();
    let address = match address.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        Some(quote) => address[1..].split(quote).next().unwrap_or_default(),
        None => address,
    };
    base.resolve(address).filter(|to| !is_same_page(to, base.url))
}

fn is_same_page(one: &Url, other: &Url) -> bool {
    one[..url::Position::AfterQuery] == other[..url::Position::AfterQuery]
}

fn refresh_of(tag: &Tag<'_>) -> Option<String> {
    let value = |name: &str| {
        let found = Attributes::new(tag.attributes).find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| attribute_text(value).into_owned())
    };
    value("http-equiv").filter(|name| name.trim().eq_ignore_ascii_case("refresh"))?;
    value("content")
}

/// What is left of a page without its text.
#[derive(Default)]
struct Bare<'a> {
    /// Characters of visible text.
    text: usize,
    scripts: Vec<std::borrow::Cow<'a, str>>,
    noscripts: Vec<&'a str>,
    /// Addresses of frames as written, none for those without.
    frames: Vec<Option<String>>,
    /// Shares of a frameset.
    shares: Option<String>,
}

impl<'a> Bare<'a> {
    fn of(markup: &'a str) -> Self {
        let mut page = Self::default();
        let mut scanner = Scanner::new(markup);
        while let Some(token) = scanner.next_token() {
            match token {
                Token::Text(text) => page.text += text.chars().filter(|c| !c.is_whitespace()).count(),
                Token::Start(tag) => match tag.name.as_str() {
                    "script" => page.scripts.push(scanner.raw_text("script").into()),
                    "noscript" => page.noscripts.push(scanner.raw_text("noscript")),
                    name @ ("style" | "title" | "template" | "noframes" | "textarea" | "select") => {
                        scanner.raw_text(name);
                    }
                    "frame" | "iframe" => {
                        page.frames.push(attribute(&tag, &["src"]));
                        if tag.name.as_str() == "iframe" && !tag.self_closing {
                            scanner.raw_text("iframe");
                        }
                    }
                    "frameset" if page.shares.is_none() => page.shares = attribute(&tag, &["rows", "cols"]),
                    "body" => page.scripts.extend(attribute(&tag, &["onload"]).map(Into::into)),
                    _ => {}
                },
                _ => {}
            }
        }
        page
    }

    /// The frame that matters: of several the one with the largest share, else the first with an address.
    fn frame(&self, base: &Base<'_>) -> Option<Url> {
        let resolve = |frame: &Option<String>| base.resolve(frame.as_deref()?);
        let share = |text: &str| match text.trim() {
            "*" => f64::MAX,
            text => text.trim_end_matches(['%', '*']).parse().unwrap_or(0.0),
        };
        let main = self.shares.as_ref().and_then(|shares| {
            let shares = shares.split(',').map(share).enumerate();
            shares.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(n, _)| n)
        });
        let main = main.and_then(|n| self.frames.get(n)).and_then(resolve);
        main.or_else(|| self.frames.iter().find_map(resolve))
    }
}

fn attribute(tag: &Tag<'_>, names: &[&str]) -> Option<String> {
    let is_wanted = |key: &str| names.iter().any(|name| key.eq_ignore_ascii_case(name));
    Attributes::new(tag.attributes).find(|(key, _)| is_wanted(key)).map(|(_, value)| attribute_text(value).into_owned())
}

/// The address that a script assigns to `location`: written there, or in a variable that is set to it.
fn assigned(script: &str) -> Option<String> {
    static VARIABLE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"\blocation(?:\.href)?\s*=\s*([A-Za-z_$][\w$]*)\s*(?:[;\n}]|$)|\blocation\.(?:assign|replace)\s*\(\s*([A-Za-z_$][\w$]*)\s*\)")
            .ok()
    });
    if let Some(address) = scripted::navigation(script).first() {
        return Some((*address).to_owned());
    }
    let found = VARIABLE.as_ref()?.captures(script)?;
    let name = found.get(1).or(found.get(2))?.as_str();
    let value =
        Regex::new(&format!(r#"\b{}\s*=\s*(?:'([^'\s]+)'|"([^"\s]+)")\s*(?:[;,\n]|$)"#, regex::escape(name))).ok()?;
    let value = value.captures(script)?;
    Some(value.get(1).or(value.get(2))?.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base_url() -> Url {
        Url::parse("http://a.example/x/1.htm").unwrap()
    }

    fn target(content: &str) -> Option<String> {
        refresh_target(content, &Base::utf8(&base_url())).map(|url| url.to_string())
    }

    #[test]
    fn refreshes() {
        let to = Some("http://a.example/2.htm");
        for content in [
            "0; url=/2.htm",
            "0;URL=/2.htm",
            "0;URL='/2.htm'",
            " 3 , url = \"/2.htm\" x",
            "0 ; URL = /2.htm ",
            "0.5;/2.htm",
            "0 /2.htm",
            "url=/2.htm",
            ";url=/2.htm",
        ] {
            assert_eq!(target(content).as_deref(), to, "{content}");
        }
        for content in ["300", "0", "600; url=/2.htm", "0; url=1.htm", "0; url=#a", "0;url=javascript:x()", "", "x"] {
            assert_eq!(target(content), None, "{content}");
        }
    }

    fn refreshed(markup: &str) -> Option<String> {
        by_refresh(markup, &Base::utf8(&base_url())).map(|found| found.to.to_string())
    }

    #[test]
    fn meta_wherever_it_stands() {
        let to = Some("http://a.example/2.htm");
        for markup in [
            "<META HTTP-EQUIV=REFRESH CONTENT=0;URL=/2.htm>",
            "<meta content='0;url=/2.htm' http-equiv='Refresh'/>",
            "<body><p>x<meta http-equiv=\"refresh\" content=\"0; url=/2.htm\">",
        ] {
            assert_eq!(refreshed(markup).as_deref(), to, "{markup}");
        }
        assert_eq!(refreshed("<!-- <meta http-equiv=refresh content='0;url=/2.htm'> -->"), None);
        assert_eq!(refreshed("<script>'<meta http-equiv=refresh content=\"0;url=/2.htm\">'</script>"), None);
        assert_eq!(refreshed("<template><meta http-equiv=refresh content='0;url=/2.htm'></template>"), None);
        let markup = "<meta http-equiv=refresh content='0;url=/2.htm?a=1&amp;b=2'>";
        assert_eq!(refreshed(markup).as_deref(), Some("http://a.example/2.htm?a=1&b=2"));
    }

    fn sent(markup: &str) -> Option<(String, RedirectKind)> {
        by_script_or_frame(markup, &Base::utf8(&base_url())).map(|found| (found.to.path().to_owned(), found.kind))
    }

    #[test]
    fn scripts_and_frames_of_empty_pages() {
        for markup in [
            "<script>window.location.href=\"/2.htm\";</script>",
            "<script>setTimeout(\"top.location='/2.htm'\", 3000)</script><p>正在跳转",
            "<script>location.replace('/2.htm')</script>",
            "<script>document.location = `/2.htm`</script>",
            "<script>var url = '/2.htm'; location.href = url;</script>",
            "<body onload=\"location.href='/2.htm'\">",
        ] {
            assert_eq!(sent(markup), Some(("/2.htm".to_owned(), RedirectKind::Script)), "{markup}");
        }
        let noscript = "<script>location='/3.htm'</script><noscript><meta http-equiv=refresh content=\"0;URL='/2.htm'\"></noscript>";
        assert_eq!(sent(noscript), Some(("/2.htm".to_owned(), RedirectKind::Refresh)));
        assert_eq!(refreshed(noscript), None, "not where the page shows something");
        for markup in [
            "<frameset rows=\"0,*\"><frame src=\"about:blank\"><frame src=\"/2.htm\"></frameset>",
            "<frameset cols='200,*'><frame src=/left.htm><frame src=/2.htm></frameset>",
            "<frameset cols='20%,80%'><frame src=/left.htm><frame src=/2.htm></frameset><noframes>x</noframes>",
            "<iframe src=\"/2.htm\" width=\"100%\"></iframe>",
        ] {
            assert_eq!(sent(markup), Some(("/2.htm".to_owned(), RedirectKind::Frame)), "{markup}");
        }
        let text = "海湾市推出便民措施，市民叫好。".repeat(20);
        for markup in [
            format!("<p>{text}</p><iframe src=/2.htm></iframe>"),
            "<script>location.href='/a/' + id</script>".to_owned(),
            "<script>location.href='#top'</script>".to_owned(),
            "<iframe src='1.htm'></iframe>".to_owned(),
            "<p>x</p>".to_owned(),
        ] {
            assert_eq!(sent(&markup), None, "{markup}");
        }
    }
}
