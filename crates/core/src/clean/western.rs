//! Lines of European newsrooms: what `noise` knows of Chinese ones, for texts in other scripts.

use std::sync::LazyLock;

use super::noise::Class;
use crate::pattern::Pattern;

/// Longest line that its beginning can condemn, in characters.
const MAX_LINE: u32 = 220;

/// Longest heading of a list.
const MAX_HEAD: u32 = 60;

/// A pattern for each word of the list.
struct Patterns {
    related: Pattern,
    comments: Pattern,
    reply: Pattern,
    widget: Pattern,
    prompt: Pattern,
    notice: Pattern,
    meta: Pattern,
    caption: Pattern,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let all = |class: &str| {
        let lines = include_str!("western.txt").lines().filter(|l| !l.starts_with('#'));
        let own: Vec<&str> =
            lines.filter_map(|l| l.split_once(' ').filter(|(c, _)| *c == class)).map(|(_, p)| p).collect();
        Pattern::later(format!("(?i)^(?:{})", own.join("|")))
    };
    Patterns {
        related: all("related"),
        comments: all("comments"),
        reply: all("reply"),
        widget: all("widget"),
        prompt: all("prompt"),
        notice: all("notice"),
        meta: all("meta"),
        caption: all("caption"),
    }
});

/// Says what a line without a Chinese character is, if its wording tells.
pub fn classify(text: &str, chars: u32) -> Option<Class> {
    if chars > MAX_LINE {
        return None;
    }
    let p = &*PATTERNS;
    let text = text.trim_start_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '©' | '('));
    let class = if chars <= MAX_HEAD && p.related.is_match(text) {
        Class::RelatedHead
    } else if chars <= MAX_HEAD && p.comments.is_match(text) {
        Class::CommentHead
    } else if chars <= MAX_HEAD && p.reply.is_match(text) {
        Class::Reply
    } else if p.widget.is_match(text) || p.prompt.is_match(text) {
        Class::Prompt
    } else if p.notice.is_match(text) {
        Class::Notice
    } else if p.meta.is_match(text) {
        Class::Meta
    } else if p.caption.is_match(text) {
        Class::Caption
    } else {
        return None;
    };
    Some(class)
}

/// A label of a page's own controls, which no sentence is made of.
pub fn is_widget(text: &str) -> bool {
    PATTERNS.widget.is_match(text.trim_start_matches(|c: char| !c.is_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(text: &str) -> Option<Class> {
        classify(text, super::super::blocks::visible(text))
    }

    #[test]
    fn lines_about_the_text() {
        for (text, want) in [
            ("Related articles", Class::RelatedHead),
            ("You might also like:", Class::RelatedHead),
            ("Lesen Sie auch:", Class::RelatedHead),
            ("Читайте также", Class::RelatedHead),
            ("12 Comments", Class::CommentHead),
            ("Leave a Reply", Class::CommentHead),
            ("Anne says:", Class::Reply),
            ("3 hours ago", Class::Reply),
            ("Subscribe to our newsletter and never miss a wall.", Class::Prompt),
            ("Share this article", Class::Prompt),
            ("By signing up, you agree to our terms and our privacy policy.", Class::Prompt),
            ("© 2026 Harbour Times", Class::Notice),
            ("This post contains affiliate links.", Class::Notice),
            ("Last updated on May 3, 2026", Class::Meta),
            ("By Anne Smith", Class::Meta),
            ("8 min read", Class::Meta),
            ("Photo: Anne Smith", Class::Caption),
            ("The old wall at low tide. Anne Smith/Getty Images", Class::Caption),
        ] {
            assert_eq!(class(text), Some(want), "{text}");
        }
    }

    #[test]
    fn sentences() {
        for text in [
            "Related questions were put to the council, which did not answer them.",
            "By the end of the week the wall was dry.",
            "Comments by the mayor were not well received.",
            "Share prices fell after the storm.",
            "Photographs of the wall were found in the attic.",
            "Follow the path along the wall until you see the lamp.",
            "Published studies say the opposite.",
            "Images of the storm went around the world.",
        ] {
            assert_eq!(class(text), None, "{text}");
        }
    }
}
