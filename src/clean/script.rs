//! Traditional characters of the words that newsrooms use about an article, so that one set of patterns reads both scripts.

use std::borrow::Cow;
use std::sync::LazyLock;

use rustc_hash::FxHashMap;

/// Traditional characters, and the simplified ones at the same places.
const TRADITIONAL: &str = "來編輯責審監製總記員寫攝圖資閱讀關聞報導熱門點擊薦歡專題標籤鍵詞評論應網頁視頻廣轉載請繼續權聲經許發佈時間電訊臉書現場綜開訂掃碼連鏈結";
const SIMPLIFIED: &str = "来编辑责审监制总记员写摄图资阅读关闻报导热门点击荐欢专题标签键词评论应网页视频广转载请继续权声经许发布时间电讯脸书现场综开订扫码连链结";

/// Characters, as a bit for the low bits of each: tells nearly every other one at once.
pub struct Few([u64; 64]);

impl Few {
    /// Of these characters.
    pub fn of(chars: impl Iterator<Item = char>) -> Self {
        let mut bits = [0; 64];
        chars.map(Self::place).for_each(|(word, bit)| bits[word] |= bit);
        Self(bits)
    }

    /// False only if it is none of them.
    pub fn may_be(&self, c: char) -> bool {
        let (word, bit) = Self::place(c);
        self.0[word] & bit != 0
    }

    fn place(c: char) -> (usize, u64) {
        let low = u32::from(c) & 0xfff;
        ((low >> 6) as usize, 1 << (low & 63))
    }
}

/// The characters that change, and what to.
struct Table {
    few: Few,
    all: FxHashMap<char, char>,
}

impl Table {
    fn simple(&self, c: char) -> Option<char> {
        if self.few.may_be(c) { self.all.get(&c).copied() } else { None }
    }
}

/// The text with these characters simplified; every other character and all byte positions stay as they are.
pub fn simplified(text: &str) -> Cow<'_, str> {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        let pairs = || TRADITIONAL.chars().zip(SIMPLIFIED.chars()).filter(|(t, s)| t != s);
        Table { few: Few::of(pairs().map(|(t, _)| t)), all: pairs().collect() }
    });
    let table = &*TABLE;
    if text.is_ascii() || !text.chars().any(|c| table.simple(c).is_some()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| table.simple(c).unwrap_or(c)).collect())
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
