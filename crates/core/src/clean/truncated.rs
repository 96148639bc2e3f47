//! Whether a page ends its text with a door: the rest is behind an app, a login or a payment.

use super::generic::ends_sentence;
use super::meta::Meta;

/// What stands behind the last line of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fold {
    /// A button that shows the rest. It is often there where all of the text is on the page.
    Button,
    /// A line that says what the rest costs: an app, a login, a subscription.
    Door,
}

/// Words for the rest of a text.
const REST: [&str; 17] = [
    "全文",
    "剩余",
    "余下",
    "完整内容",
    "完整文章",
    "完整报道",
    "后续内容",
    "继续阅读",
    "更多内容请",
    "full article",
    "full story",
    "entire article",
    "rest of this",
    "rest of the",
    "continue reading",
    "keep reading",
    "read this article",
];

/// Words for what it costs.
const PRICE: [&str; 21] = [
    "app",
    "客户端",
    "登录",
    "登陆",
    "登入",
    "注册",
    "付费",
    "支付",
    "购买",
    "订阅",
    "訂閱",
    "会员",
    "會員",
    "解锁",
    "subscri",
    "sign in",
    "log in",
    "sign up",
    "register",
    "member",
    "unlock",
];

/// What a button says that shows the rest.
const BUTTON: [&str; 14] = [
    "展开全文",
    "阅读全文",
    "查看全文",
    "閱讀全文",
    "展开剩余",
    "点击展开",
    "展开阅读",
    "显示全文",
    "继续阅读",
    "continue reading",
    "keep reading",
    "read the full",
    "read full",
    "read the rest",
];

/// Longest line that is one of these, in characters.
const LONGEST: usize = 80;

/// Lines behind the last one that are looked at.
const LINES: usize = 6;

/// Returns what stands behind a text, `last` being its last line.
pub fn fold<'l>(last: Option<&'l str>, after: impl Iterator<Item = &'l str>) -> Option<Fold> {
    let mut best = None;
    let mut button = false;
    for line in last.into_iter().chain(after.take(LINES)).filter(|line| line.chars().nth(LONGEST).is_none()) {
        let line = line.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|w| line.contains(w));
        // The text goes on below an advertisement.
        if has(&["below", "advertisement"]) {
            continue;
        }
        // 剩余60%: the page counts what it does not show.
        let counted = has(&["剩余", "余下", "remaining"]) && line.contains(['%', '％']);
        let is_button = has(&BUTTON);
        if counted || has(&REST) && has(&PRICE) || button && has(&PRICE) {
            return Some(Fold::Door);
        }
        if is_button {
            best = Some(Fold::Button);
        }
        button = is_button;
    }
    best
}

/// Returns true if the rest of a text is not on its page. Behind a button it is missing where the text breaks off, or the page
/// says that it is not free.
pub fn is_truncated(fold: Option<Fold>, text: &str, meta: &Meta) -> bool {
    match fold {
        None => false,
        Some(Fold::Door) => true,
        Some(Fold::Button) => breaks_off(text) || !meta.is_free(),
    }
}

/// The last line that is not such a button itself ends in the middle of a sentence.
fn breaks_off(text: &str) -> bool {
    let is_button =
        |line: &&str| BUTTON.iter().any(|w| line.to_ascii_lowercase().contains(w)) && line.chars().count() <= 16;
    let Some(last) = text.lines().rev().find(|line| !is_button(line)) else { return false };
    let last = last.trim_end();
    last.ends_with('…') || last.ends_with("...") || !ends_sentence(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(last: &str, after: &[&str]) -> bool {
        is_truncated(fold(Some(last), after.iter().copied()), last, &Meta::default())
    }

    #[test]
    fn doors_and_buttons() {
        let whole = "镇里把十七间公房统一收回，按手艺类分别定价。";
        let broken = "镇里把十七间公房统一收回，按手艺类分别定价，租期";
        for after in [
            &["打开APP阅读全文"][..],
            &["剩余60%，点击展开"],
            &["本文为付费内容，订阅后可阅读全文"],
            &["Subscribe to continue reading"],
            &["Continue reading", "Already a member? Log in"],
            &["登录后查看全文"],
        ] {
            assert!(found(whole, after), "{after:?}");
        }
        assert!(found(broken, &["展开全文"]) && found("He said that the rest...", &["Read the full story"]));
        for after in [
            &["展开全文"][..],
            &["下载APP，看更多新闻"],
            &["Subscribe to our newsletter", "Read more"],
            &["相关阅读", "老街修好了"],
            &["Advertisement - Continue Reading Below", "Log in"],
            &[],
        ] {
            assert!(!found(whole, after), "{after:?}");
        }
    }
}
