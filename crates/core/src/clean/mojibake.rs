//! Text that was decoded in a wrong encoding once and saved like that: `浣犲ソ` and `ä½\u{a0}å¥½` for 你好, `â€™` for ’.
//!
//! The bytes of the page are in order then, so that no decoder notices. A run of characters is believed to be such text where
//! writing it in the wrong encoding gives bytes that are valid in the right one, and these read as Chinese or English. Where that
//! gives back every byte, the page is repaired; where bytes are lost, nobody can.

use encoding_rs::{GBK, WINDOWS_1252};

/// The way in which a text was damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// UTF-8, read as GBK.
    Utf8AsGbk,
    /// UTF-8, read as Latin-1 or Windows-1252.
    Utf8AsLatin,
    /// GBK, read as Latin-1 or Windows-1252.
    GbkAsLatin,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Kind::Utf8AsGbk => "UTF-8 that was read as GBK",
            Kind::Utf8AsLatin => "UTF-8 that was read as Latin-1",
            Kind::GbkAsLatin => "GBK that was read as Latin-1",
        }
    }
}

/// What was found of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// It is not mojibake.
    None,
    /// The page with every run repaired that can be.
    Repaired {
        /// The markup.
        markup: String,
        /// Some runs are lost.
        is_partial: bool,
    },
    /// Most of it is mojibake of which bytes are lost; what exactly, for a person.
    Lost(String),
}

/// Characters that text read in a wrong encoding is full of, and other text hardly ever holds: what the Chinese comma, the full
/// stop, 的, the Latin apostrophe and the replacement character become.
const MARKS: [&str; 8] = ["锛", "銆", "鐨", "鈥", "â€", "Ã", "锟斤拷", "\u{fffd}"];

/// Returns true if a text may be mojibake, so that it is worth a closer look. It takes no more than a few searches.
pub fn is_suspect(text: &str) -> bool {
    let latin = || memchr::memchr2_iter(0xc2, 0xc3, text.as_bytes()).count() * 10 > text.len();
    MARKS.iter().any(|m| memchr::memmem::find(text.as_bytes(), m.as_bytes()).is_some()) || latin()
}

/// Share of a text, in characters, that is lost: replacement characters, and what they become when they are read as GBK.
pub fn lost_share(text: &str) -> f64 {
    let count = |mark: &str| memchr::memmem::find_iter(text.as_bytes(), mark.as_bytes()).count();
    match count("\u{fffd}") + 3 * count("锟斤拷") {
        0 => 0.0,
        lost => lost as f64 / text.chars().count().max(1) as f64,
    }
}

/// Least length of a text between two tags that says something about the page, in characters.
const LONG: usize = 16;

/// Least characters beyond ASCII that have to speak for mojibake.
const LEAST: usize = 6;

/// Looks for mojibake in a page, and repairs it where that is certain.
pub fn repair(markup: &str) -> Damage {
    for kind in [Kind::Utf8AsGbk, Kind::Utf8AsLatin, Kind::GbkAsLatin] {
        let found = Found::of(markup, kind);
        let read = if kind == Kind::GbkAsLatin { found.exact } else { found.near };
        if read < LEAST || read * 2 < found.all || kind == Kind::GbkAsLatin && !reads_as_chinese(&found.text) {
            continue;
        }
        // A run that is cut in two by a tag has lost its character there.
        if found.exact * 50 < found.near * 49 {
            let lost = found.near - found.exact;
            return Damage::Lost(format!(
                "{}; {lost} of {} characters stand in runs with bytes lost",
                kind.as_str(),
                found.near
            ));
        }
        return Damage::Repaired { markup: replaced(markup, kind), is_partial: found.exact < found.near };
    }
    Damage::None
}

/// Characters beyond ASCII in the long texts of a page.
#[derive(Debug, Default)]
struct Found {
    all: usize,
    /// In runs that read as mojibake.
    near: usize,
    /// … and give back every byte.
    exact: usize,
    /// What GBK that was read as Latin-1 gives: any two such characters are bytes of some Chinese one.
    text: String,
}

impl Found {
    fn of(markup: &str, kind: Kind) -> Self {
        let mut found = Self::default();
        for text in texts(markup).filter(|t| t.chars().take(LONG).count() == LONG) {
            for run in runs(text, kind) {
                let chars = run.chars().count();
                match restored(run, kind) {
                    Restored::All(text) => {
                        found.exact += chars;
                        found.near += chars;
                        if kind == Kind::GbkAsLatin {
                            found.text.push_str(&text);
                        }
                    }
                    Restored::Part => found.near += chars,
                    // A character whose second byte is ASCII is cut in two.
                    Restored::None if kind == Kind::GbkAsLatin => found.near += chars,
                    Restored::None => {}
                }
            }
            found.all += text.chars().filter(|c| !c.is_ascii() && !c.is_whitespace()).count();
        }
        found
    }
}

/// The texts between tags, without those of scripts and styles.
fn texts(markup: &str) -> impl Iterator<Item = &str> {
    let mut skip: Option<&str> = None;
    markup.split('<').filter_map(move |piece| {
        let (tag, text) = piece.split_once('>').unwrap_or(("", piece));
        let opens = |name: &str| tag.get(..name.len()).is_some_and(|t| t.eq_ignore_ascii_case(name));
        match skip {
            Some(name) if tag.strip_prefix('/').is_some_and(|t| t.eq_ignore_ascii_case(name)) => skip = None,
            Some(_) => return None,
            None => skip = ["script", "style"].into_iter().find(|name| opens(name)),
        }
        (skip.is_none()).then_some(text)
    })
}

/// Runs of characters that can come from one wrong reading: any beyond ASCII, or those of Windows-1252.
fn runs(text: &str, kind: Kind) -> impl Iterator<Item = &str> {
    text.split(move |c: char| match kind {
        Kind::Utf8AsGbk => c.is_ascii() || c == '\u{fffd}',
        Kind::Utf8AsLatin | Kind::GbkAsLatin => c.is_ascii() || latin_byte(c).is_none(),
    })
    .filter(|run| !run.is_empty())
}

enum Restored {
    /// The text as it was.
    All(String),
    /// It reads as mojibake, and bytes are missing at its end.
    Part,
    /// It is not mojibake.
    None,
}

fn restored(run: &str, kind: Kind) -> Restored {
    let latin = || run.chars().map(latin_byte).collect::<Option<Vec<u8>>>();
    match kind {
        Kind::Utf8AsGbk => {
            let readings = gbk_bytes(run);
            let mut whole = readings.iter().filter(|bytes| std::str::from_utf8(bytes).is_ok());
            match (whole.next(), whole.next()) {
                (Some(bytes), None) => of_utf8(bytes, kind),
                // Nobody knows which of them stood there.
                (Some(_), Some(_)) => Restored::Part,
                (None, _) => readings.first().map_or(Restored::None, |bytes| of_utf8(bytes, kind)),
            }
        }
        Kind::Utf8AsLatin => latin().map_or(Restored::None, |bytes| of_utf8(&bytes, kind)),
        Kind::GbkAsLatin => {
            let Some(bytes) = latin() else { return Restored::None };
            match GBK.decode_without_bom_handling_and_without_replacement(&bytes) {
                Some(text) if run.chars().nth(3).is_some() && text.chars().all(is_chinese) => {
                    Restored::All(text.into_owned())
                }
                _ => Restored::None,
            }
        }
    }
}

fn of_utf8(bytes: &[u8], kind: Kind) -> Restored {
    let is_plain =
        |c: char| is_chinese(c) || is_punctuation(c) || kind == Kind::Utf8AsLatin && is_latin(c) || c.is_ascii();
    match std::str::from_utf8(bytes) {
        Ok(text) if text.chars().all(is_plain) => Restored::All(text.to_owned()),
        Err(e) if e.error_len().is_none() && e.valid_up_to() >= 6 => {
            let text = std::str::from_utf8(&bytes[..e.valid_up_to()]).unwrap_or_default();
            if text.chars().all(is_plain) { Restored::Part } else { Restored::None }
        }
        _ => Restored::None,
    }
}

/// Most signs with two codes in a run that are looked at; pages with more are made to cost time.
const MOST_DOUBLE: usize = 64;

/// Most readings of a run that are followed at a time.
const MOST_READINGS: usize = 8;

/// The bytes that a run can come from in GBK, as far as they begin as UTF-8 does. Two signs have two codes there.
fn gbk_bytes(run: &str) -> Vec<Vec<u8>> {
    const DOUBLE: [(char, [&[u8]; 2]); 2] =
        [('€', [&[0x80], &[0xa2, 0xe3]]), ('\u{3000}', [&[0xa1, 0xa1], &[0xa3, 0xa0]])];
    let begins_well = |bytes: &Vec<u8>| std::str::from_utf8(bytes).map_or_else(|e| e.error_len().is_none(), |_| true);
    let codes = |c: char| DOUBLE.iter().find(|(of, _)| *of == c).map(|(_, codes)| codes);
    let mut readings: Vec<Vec<u8>> = vec![Vec::new()];
    for (n, part) in run.split_inclusive(|c| codes(c).is_some()).enumerate() {
        let sign = part.chars().next_back().and_then(codes);
        let plain = if sign.is_some() { part.trim_end_matches(|c| codes(c).is_some()) } else { part };
        let (bytes, _, failed) = GBK.encode(plain);
        if failed || n > MOST_DOUBLE {
            return Vec::new();
        }
        readings.iter_mut().for_each(|reading| reading.extend_from_slice(&bytes));
        if let Some(codes) = sign {
            let both = |reading: &Vec<u8>| codes.map(|code| [&reading[..], code].concat());
            readings = readings.iter().flat_map(both).collect();
        }
        readings.retain(begins_well);
        readings.truncate(MOST_READINGS);
    }
    readings
}

/// The byte that a character is in Windows-1252 or, of those that it leaves out, in Latin-1.
fn latin_byte(c: char) -> Option<u8> {
    match u32::from(c) {
        byte @ 0x80..=0xff => u8::try_from(byte).ok(),
        0x152..=0x2122 => {
            let mut buffer = [0; 4];
            let (bytes, _, failed) = WINDOWS_1252.encode(c.encode_utf8(&mut buffer));
            (!failed && bytes.len() == 1).then(|| bytes[0])
        }
        _ => None,
    }
}

/// One character in 25 is among the commonest; in characters made of chance, hardly any is.
fn reads_as_chinese(text: &str) -> bool {
    const COMMON: &str = "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过";
    let common = text.chars().filter(|c| COMMON.contains(*c)).count();
    common * 25 >= text.chars().filter(|c| *c >= '\u{4e00}').count()
}

/// A Chinese character or sign.
fn is_chinese(c: char) -> bool {
    matches!(c, '\u{3000}'..='\u{303f}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}')
        || is_punctuation(c)
}

/// Quotation marks, dashes, the ellipsis, the middle dot, the euro and trade mark signs.
fn is_punctuation(c: char) -> bool {
    matches!(c, '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{203a}' | '\u{b7}' | '\u{20ac}' | '\u{2122}')
}

/// A letter or sign of the languages of western Europe.
fn is_latin(c: char) -> bool {
    matches!(c, '\u{a0}'..='\u{17f}')
}

fn replaced(markup: &str, kind: Kind) -> String {
    let mut out = String::with_capacity(markup.len());
    let mut from = 0;
    for run in runs(markup, kind) {
        let at = run.as_ptr() as usize - markup.as_ptr() as usize;
        out.push_str(&markup[from..at]);
        match restored(run, kind) {
            Restored::All(text) => out.push_str(&text),
            Restored::Part | Restored::None => out.push_str(run),
        }
        from = at + run.len();
    }
    out.push_str(&markup[from..]);
    out
}

#[cfg(test)]
mod tests {
    use encoding_rs::{Encoding, UTF_8};
    use proptest::prelude::*;

    use super::*;

    /// A text whose bytes were read as another encoding.
    fn damage(text: &str, right: &'static Encoding, wrong: &'static Encoding) -> String {
        wrong.decode_without_bom_handling(&right.encode(text).0).0.into_owned()
    }

    fn page(text: &str) -> String {
        format!("<html><head><title>{text}</title></head><body><p class=\"a\">{text}</p></body></html>")
    }

    // An even number of bytes of UTF-8 between two ASCII characters, so that no byte is lost.
    const CHINESE: &str = "青石镇今年修好了三座木桥，每座都能走拖拉机";
    const ENGLISH: &str = "It’s the miller’s cat – the one that “sleeps” by the café’s door.";

    #[test]
    fn mojibake_is_repaired() {
        for (text, right, wrong) in [
            (&CHINESE[..60], UTF_8, GBK),
            (CHINESE, UTF_8, WINDOWS_1252),
            (CHINESE, GBK, WINDOWS_1252),
            (ENGLISH, UTF_8, WINDOWS_1252),
        ] {
            let damaged = page(&damage(text, right, wrong));
            assert!(is_suspect(&damaged), "{damaged}");
            assert_eq!(repair(&damaged), Damage::Repaired { markup: page(text), is_partial: false }, "{damaged}");
        }
        let latin1: String = CHINESE.bytes().map(char::from).collect();
        assert_eq!(repair(&page(&latin1)), Damage::Repaired { markup: page(CHINESE), is_partial: false });
    }

    #[test]
    fn lost_bytes_are_reported() {
        let damaged = damage(&format!("{CHINESE}。"), UTF_8, GBK);
        assert!(damaged.contains('\u{fffd}'), "{damaged}");
        assert!(matches!(repair(&page(&damaged)), Damage::Lost(_)), "{damaged}");
        assert!(lost_share("锟斤拷锟斤拷 abc") > 0.5 && lost_share(CHINESE) == 0.0);
    }

    #[test]
    fn correct_text_is_left_as_it_is() {
        for text in [
            CHINESE,
            ENGLISH,
            "联通公司与中国移动的套餐，究竟哪一个更便宜？",
            "São Paulo, Ångström, naïve façades, l’été à Orléans, Größe und Maß, ÀÉÎÕÜ",
            "程序员常见的乱码有“锟斤拷”“烫烫烫”和“浣犲ソ”，它们各有来历，这篇文章逐一说明。",
            "「臺灣鐵路」今日恢復行駛，旅客可於車站改票。",
            "ÐŸÑ€Ð¸ is how Cyrillic looks when it is read wrongly, and this is a sentence about it in plain English.",
        ] {
            assert_eq!(repair(&page(text)), Damage::None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_repaired_is_what_was_damaged(
            text in "[一-龥，。]{20,60}",
            common in "[的一是在了有和人这中大为上个国青石镇今年修好三座木桥每都能走拖拉机，。]{20,60}",
            which in 0..3usize,
        ) {
            // GBK beyond GB 2312 has bytes of ASCII.
            let text = if which == 2 { common } else { text };
            let (right, wrong) = [(UTF_8, GBK), (UTF_8, WINDOWS_1252), (GBK, WINDOWS_1252)][which];
            let damaged = page(&damage(&text, right, wrong));
            let is_lossy = lost_share(&damaged) > 0.0 || damaged.contains('\u{3000}');
            match repair(&damaged) {
                Damage::Repaired { markup, is_partial: false } => prop_assert_eq!(markup, page(&text)),
                Damage::Repaired { .. } | Damage::Lost(_) => prop_assert!(is_lossy),
                Damage::None => prop_assert!(which == 0 && is_lossy, "{}", damaged),
            }
        }

        #[test]
        fn chinese_text_is_left_as_it_is(text in "[一-龥，。、：A-Za-z0-9 ]{20,80}") {
            prop_assert_eq!(repair(&page(&text)), Damage::None);
        }

        #[test]
        fn latin_text_is_left_as_it_is(text in "[a-zA-Zéèüößñçåø’“”– ]{20,80}") {
            prop_assert_eq!(repair(&page(&text)), Damage::None);
        }
    }
}
