//! Traditional characters of the words that newsrooms use about an article, so that one set of patterns reads both scripts.

use std::borrow::Cow;
use std::sync::LazyLock;

use rustc_hash::FxHashMap;

/// Traditional characters, and the simplified ones at the same places.
const TRADITIONAL: &str = "來編輯責審監製總記員寫攝圖資閱讀關聞報導熱門點擊薦歡專題標籤鍵詞評論應網頁視頻廣轉載請繼續權聲經許發佈時間電訊臉書們專粉絲現場綜開訂掃碼連鏈結";
const SIMPLIFIED: &str = "来编辑责审监制总记员写摄图资阅读关闻报导热门点击荐欢专题标签键词评论应网页视频广转载请继续权声经许发布时间电讯脸书们专粉丝现场综开订扫码连链结";

/// What is known of a few characters.
///
/// A bit for the low bits of each tells nearly every other character at once.
pub struct Few<T> {
    low: [u64; 64],
    all: FxHashMap<char, T>,
}

impl<T> Few<T> {
    /// What is known of a character.
    pub fn get(&self, c: char) -> Option<&T> {
        let (word, bit) = place(c);
        if self.low[word] & bit == 0 { None } else { self.all.get(&c) }
    }
}

impl<T> FromIterator<(char, T)> for Few<T> {
    fn from_iter<I: IntoIterator<Item = (char, T)>>(known: I) -> Self {
        let all: FxHashMap<char, T> = known.into_iter().collect();
        let mut low = [0; 64];
        all.keys().map(|c| place(*c)).for_each(|(word, bit)| low[word] |= bit);
        Self { low, all }
    }
}

/// Word and bit of a character.
fn place(c: char) -> (usize, u64) {
    let low = u32::from(c) & 0xfff;
    ((low >> 6) as usize, 1 << (low & 63))
}

/// The text with these characters simplified; every other character and all byte positions stay as they are.
pub fn simplified(text: &str) -> Cow<'_, str> {
    static TABLE: LazyLock<Few<char>> =
        LazyLock::new(|| TRADITIONAL.chars().zip(SIMPLIFIED.chars()).filter(|(t, s)| t != s).collect());
    let table = &*TABLE;
    if text.is_ascii() || !text.chars().any(|c| table.get(c).is_some()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| *table.get(c).unwrap_or(&c)).collect())
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
