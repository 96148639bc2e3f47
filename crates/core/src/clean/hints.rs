//! What the names of elements say: ids and class names, in English and pinyin, as Chinese newsrooms write them.

use scraper::node::Element;

/// A set of hints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Hints(u16);

impl Hints {
    /// Readers' comments.
    pub const COMMENT: Hints = Hints(1);
    /// Navigation, breadcrumbs, menus, tool bars.
    pub const NAV: Hints = Hints(1 << 1);
    /// Footer, copyright, ICP lines.
    pub const FOOT: Hints = Hints(1 << 2);
    /// Related links, hot lists, recommendations, side columns.
    pub const RELATED: Hints = Hints(1 << 3);
    /// Share menus, QR codes, app prompts.
    pub const SHARE: Hints = Hints(1 << 4);
    /// Advertisements.
    pub const AD: Hints = Hints(1 << 5);
    /// Time, source, author, editor: about the article, not of it.
    pub const META: Hints = Hints(1 << 6);
    /// Captions.
    pub const CAPTION: Hints = Hints(1 << 7);
    /// The article or its body.
    pub const BODY: Hints = Hints(1 << 8);
    /// Summary boxes above the text.
    pub const SUMMARY: Hints = Hints(1 << 9);
    /// Headline.
    pub const TITLE: Hints = Hints(1 << 10);

    /// One of the answers of a survey, behind the button that picks it.
    pub const ANSWER: Hints = Hints(1 << 11);

    /// No hint.
    pub const fn empty() -> Self {
        Hints(0)
    }

    /// Both sets together.
    pub const fn union(self, other: Self) -> Self {
        Hints(self.0 | other.0)
    }

    /// True if all of `other` are in it.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// True if any of `other` is in it.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// What is in both sets.
    pub const fn and(self, other: Self) -> Self {
        Hints(self.0 & other.0)
    }

    /// This set without `other`.
    pub const fn without(self, other: Self) -> Self {
        Hints(self.0 & !other.0)
    }

    /// Everything that is frame, not article.
    pub const FRAME: Hints =
        Hints(Self::COMMENT.0 | Self::NAV.0 | Self::FOOT.0 | Self::RELATED.0 | Self::SHARE.0 | Self::AD.0);
}

/// What an element's tag and attributes say.
#[derive(Debug, Clone, Copy, Default)]
pub struct Said {
    /// Hints of its tag, id and classes.
    pub hints: Hints,
    /// An attribute or inline style hides it.
    pub hides: bool,
    /// Its text is centred by an attribute or inline style.
    pub centred: bool,
    /// An inline style keeps its line breaks.
    pub keeps_breaks: bool,
}

/// Reads an element's tag and attributes.
pub fn of(e: &Element) -> Said {
    let mut said = Said {
        hints: match e.name() {
            "nav" => Hints::NAV,
            "aside" => Hints::RELATED,
            "footer" => Hints::FOOT,
            "figcaption" => Hints::CAPTION,
            "article" => Hints::BODY,
            _ => Hints::empty(),
        },
        hides: false,
        centred: e.name() == "center",
        keeps_breaks: false,
    };
    for (name, value) in e.attrs() {
        match name {
            "id" | "class" => said.hints = said.hints.union(of_names(value)),
            "hidden" => said.hides = true,
            "style" => {
                said.hides |= hides_by_style(value);
                said.centred |= value.contains("center");
                said.keeps_breaks |= keeps_breaks(value);
            }
            "align" => said.centred |= value.eq_ignore_ascii_case("center"),
            "itemprop" if value == "articleBody" => said.hints = said.hints.union(Hints::BODY),
            _ => {}
        }
    }
    said
}

/// `display: none`, a font of no size, text far outside of the page.
fn hides_by_style(style: &str) -> bool {
    declarations(style).any(|(name, value)| match name.as_str() {
        "display" => value.starts_with("none"),
        "visibility" => value.starts_with("hidden"),
        "font-size" => is_zero(&value),
        "opacity" => value == "0",
        "left" | "top" | "text-indent" | "margin-left" => {
            value.strip_prefix('-').is_some_and(|v| v.bytes().take_while(u8::is_ascii_digit).count() >= 4)
        }
        _ => false,
    })
}

/// `white-space: pre`, `pre-wrap`, `pre-line`, `break-spaces`
fn keeps_breaks(style: &str) -> bool {
    style.contains("hite-space")
        && declarations(style)
            .any(|(name, value)| name == "white-space" && (value.starts_with("pre") || value.starts_with("break")))
}

fn is_zero(value: &str) -> bool {
    let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
    !digits.is_empty() && digits.bytes().all(|b| matches!(b, b'0' | b'.'))
}

/// Names and values of an inline style, in lower case.
fn declarations(style: &str) -> impl Iterator<Item = (String, String)> + '_ {
    style.split(';').filter_map(|one| {
        let (name, value) = one.split_once(':')?;
        Some((name.trim().to_ascii_lowercase(), value.trim().to_ascii_lowercase()))
    })
}

/// Hints of one attribute value: its words, split at everything that is no letter or digit and at capitals.
fn of_names(value: &str) -> Hints {
    let mut hints = Hints::empty();
    let mut word = [0u8; 24];
    let mut len = 0usize;
    let mut lower = false;
    for &byte in value.as_bytes().iter().take(200) {
        let upper = byte.is_ascii_uppercase();
        if !byte.is_ascii_alphabetic() || (upper && lower) {
            hints = hints.union(of_word(&word[..len]));
            len = 0;
        }
        lower = byte.is_ascii_lowercase();
        if byte.is_ascii_alphabetic() && len < word.len() {
            word[len] = byte.to_ascii_lowercase();
            len += 1;
        }
    }
    hints.union(of_word(&word[..len]))
}

/// Hints of one lower-case word.
fn of_word(word: &[u8]) -> Hints {
    match word {
        b"comment" | b"comments" | b"pinglun" | b"reply" | b"replies" | b"discuss" | b"gentie" | b"tie" | b"cmt"
        | b"cmnt" | b"disqus" | b"liuyan" | b"remark" | b"forum" | b"bbs" | b"changyan" | b"ugc" => Hints::COMMENT,
        b"nav" | b"navi" | b"navbar" | b"navigation" | b"menu" | b"crumb" | b"crumbs" | b"breadcrumb"
        | b"breadcrumbs" | b"topbar" | b"toolbar" | b"mianbao" | b"daohang" | b"weizhi" | b"position" | b"login"
        | b"pager" | b"pagination" | b"pages" | b"fenye" | b"searchbox" | b"subnav" | b"topnav" | b"mainnav" => {
            Hints::NAV
        }
        b"footer" | b"foot" | b"copyright" | b"beian" | b"bottom" | b"friendlink" | b"links" | b"youlian"
        | b"siteinfo" | b"cookie" | b"cookies" | b"gdpr" | b"consent" | b"modal" | b"popup" => Hints::FOOT,
        b"related" | b"relate" | b"relation" | b"relevant" | b"recommend" | b"recommends" | b"recommendation"
        | b"recom" | b"rec" | b"tuijian" | b"hot" | b"hots" | b"rank" | b"ranking" | b"paihang" | b"sidebar"
        | b"aside" | b"side" | b"xiangguan" | b"xgyd" | b"guess" | b"more" | b"hotnews" | b"hotlist" | b"topic"
        | b"topics" | b"latest" | b"popular" | b"promo" | b"promote" | b"widget" | b"feed" | b"slider"
        | b"carousel" | b"ticker" | b"rbox" | b"outbrain" | b"taboola" | b"readmore" | b"tags" | b"tag"
        | b"keywords" | b"rank-list" => Hints::RELATED,
        b"share" | b"bdsharebuttonbox" | b"bdshare" | b"sharebox" | b"fenxiang" | b"social" | b"qrcode" | b"ewm"
        | b"erweima" | b"weixin" | b"wechat" | b"qr" | b"download" | b"like" | b"likes" | b"zan" | b"dashang"
        | b"reward" | b"follow" | b"subscribe" | b"newsletter" | b"fontsize" | b"toapp" | b"openapp" | b"vote" => {
            Hints::SHARE
        }
        b"ad" | b"ads" | b"adv" | b"advert" | b"advertisement" | b"adbox" | b"guanggao" | b"gg" | b"sponsor"
        | b"sponsored" | b"adsame" | b"adsbygoogle" | b"dfp" => Hints::AD,
        b"info" | b"meta" | b"source" | b"laiyuan" | b"author" | b"authors" | b"byline" | b"editor" | b"bianji"
        | b"zebian" | b"edit" | b"time" | b"date" | b"pubtime" | b"datetime" | b"statement" | b"shengming"
        | b"disclaimer" | b"origin" | b"credit" | b"emit" => Hints::META,
        b"caption" | b"descr" | b"picdesc" | b"imgdesc" | b"tuzhu" | b"pictext" | b"pictit" | b"imgtitle"
        | b"imgnote" | b"figcaption" | b"picnote" | b"legend" => Hints::CAPTION,
        b"summary" | b"abstract" | b"zhaiyao" | b"daodu" | b"lead" | b"digest" | b"intro" | b"brief" | b"tiyao" => {
            Hints::SUMMARY
        }
        b"article" | b"content" | b"contents" | b"contenttext" | b"articlebody" | b"articletext" | b"maincontent"
        | b"zhengwen" | b"neirong" | b"detail" | b"details" | b"entry" | b"post" | b"story" | b"trs" | b"newstext"
        | b"artibody" | b"txt" | b"endtext" | b"ozoom" => Hints::BODY,
        b"title" | b"headline" | b"tit" | b"biaoti" => Hints::TITLE,
        _ => Hints::empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_at_dashes_digits_and_capitals() {
        assert!(of_names("js_comment-list2").contains(Hints::COMMENT));
        assert!(of_names("articleContent").contains(Hints::BODY));
        assert!(of_names("hotNews").contains(Hints::RELATED));
        assert_eq!(of_names("shadow loading"), Hints::empty());
    }

    #[test]
    fn styles_hide() {
        assert!(hides_by_style("color:red; DISPLAY : none".to_ascii_lowercase().as_str()));
        assert!(!hides_by_style("display:block"));
    }
}
