//! Traditional characters of the words that newsrooms use about an article, so that one set of patterns reads both scripts.

use std::borrow::Cow;
use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use super::byline::is_han;

/// Traditional characters, and the simplified ones at the same places.
const TRADITIONAL: &str = "來編輯責審監製總記員寫攝圖資閱讀關聞報導熱門點擊薦歡專題標籤鍵詞評論應網頁視頻廣轉載請繼續權聲經許發佈時間電訊臉書現場綜開訂掃碼連鏈結";
const SIMPLIFIED: &str = "来编辑责审监制总记员写摄图资阅读关闻报导热门点击荐欢专题标签键词评论应网页视频广转载请继续权声经许发布时间电讯脸书现场综开订扫码连链结";

/// The text with these characters simplified; every other character and all byte positions stay as they are.
pub fn simplified(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.chars().any(|c| simple(c).is_some()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| simple(c).unwrap_or(c)).collect())
}

fn simple(c: char) -> Option<char> {
    static TABLE: LazyLock<FxHashMap<char, char>> =
        LazyLock::new(|| TRADITIONAL.chars().zip(SIMPLIFIED.chars()).filter(|(t, s)| t != s).collect());
    if is_han(c) { TABLE.get(&c).copied() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_stay() {
        assert_eq!(TRADITIONAL.chars().count(), SIMPLIFIED.chars().count());
        for (t, s) in TRADITIONAL.chars().zip(SIMPLIFIED.chars()) {
            assert_eq!(t.len_utf8(), s.len_utf8(), "{t}");
        }
        assert_eq!(simplified("責任編輯：張三"), "责任编辑：張三");
        assert!(matches!(simplified("图书馆"), Cow::Borrowed(_)));
    }
}
