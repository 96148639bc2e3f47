//! Traditional characters of the words that newsrooms use about an article, so that one set of patterns reads both scripts.

use std::borrow::Cow;
use std::sync::LazyLock;

use rustc_hash::FxHashMap;

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

/// The characters that change.
struct Table {
    /// One bit for the low bits of each of them: nearly every other character is told by it alone.
    low: [u64; 64],
    all: FxHashMap<char, char>,
}

fn low(c: char) -> (usize, u64) {
    let bits = u32::from(c) & 0xfff;
    ((bits >> 6) as usize, 1 << (bits & 63))
}

fn simple(c: char) -> Option<char> {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        let mut table = Table { low: [0; 64], all: FxHashMap::default() };
        for (from, to) in TRADITIONAL.chars().zip(SIMPLIFIED.chars()).filter(|(t, s)| t != s) {
            let (word, bit) = low(from);
            table.low[word] |= bit;
            table.all.insert(from, to);
        }
        table
    });
    let (word, bit) = low(c);
    if TABLE.low[word] & bit == 0 { None } else { TABLE.all.get(&c).copied() }
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
