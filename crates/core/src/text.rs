//! White space and characters that show nothing.
//!
//! Every line of a page is counted and tidied several times, and hardly any has such a character within. So they are not
//! looked for one character at a time, but by comparing many bytes at once, in loops that the compiler can turn into
//! such instructions.

/// White space, and characters that show nothing.
pub fn is_blank(c: char) -> bool {
    // What most text is made of is known at once: beyond the ideographic space there is nothing else.
    if c > '\u{3000}' {
        return c == '\u{feff}';
    }
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}' | '\u{2028}'..='\u{202e}')
}

fn is_invisible(c: char) -> bool {
    is_blank(c) && !c.is_whitespace()
}

/// Characters that are not blank.
pub fn visible(text: &str) -> u32 {
    if !has_blank(text) {
        return text.chars().count() as u32;
    }
    if has_odd(text) {
        return text.chars().filter(|c| !is_blank(*c)).count() as u32;
    }
    (text.chars().count() - count(text, |b| b <= b' ' || b == 0x7f) - ideographic_spaces(text)) as u32
}

/// The text without its blank characters.
pub fn squashed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Paragraphs have next to none within.
    for line in text.split('\n').map(|line| line.trim_matches(is_blank)) {
        if has_blank(line) {
            out.extend(line.chars().filter(|c| !is_blank(*c)));
        } else {
            out.push_str(line);
        }
    }
    out
}

/// True if a text has control characters, line breaks apart.
pub fn has_control(text: &str) -> bool {
    has_any(text, |a, b, _| ((a < b' ') & (a != b'\n')) | (a == 0x7f) | ((a == 0xc2) & (b < 0xa0)))
}

/// True if nothing is to be tidied within a text.
pub fn is_tidy(text: &str) -> bool {
    let (control, double) = (|a: u8| (a < b' ') | (a == 0x7f), |a: u8, b: u8| (a == b' ') & (b == b' '));
    !has_any(text, |a, b, c| control(a) | double(a, b) | is_odd(a, b, c))
        || !has_any(text, |a, b, _| control(a) | double(a, b))
            && text.chars().all(|c| !is_blank(c) || matches!(c, ' ' | '\u{3000}' | '\u{a0}'))
}

/// Appends text to a line: runs of ASCII white space become one blank, invisible characters go.
pub fn push_tidy(out: &mut String, text: &str) {
    if !text.starts_with([' ', '\u{3000}', '\u{a0}']) && is_tidy(text) {
        out.push_str(text);
        return;
    }
    for c in text.chars() {
        match c {
            c if is_invisible(c) && !matches!(c, '\t' | '\n' | '\r' | '\x0b' | '\x0c') => {}
            '\u{3000}' | '\u{a0}' => {
                if !out.is_empty() {
                    out.push(c);
                }
            }
            c if c.is_whitespace() => {
                if !out.is_empty() && !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c => out.push(c),
        }
    }
}

/// Bytes of a kind. In pieces whose count fits a byte, which the compiler turns into instructions over many bytes.
fn count(text: &str, is: impl Fn(u8) -> bool) -> usize {
    text.as_bytes().chunks(192).map(|piece| usize::from(piece.iter().map(|b| u8::from(is(*b))).sum::<u8>())).sum()
}

/// True if there is a byte that is of a kind together with the two behind it; zeros stand behind the last one.
#[inline]
fn has_any(text: &str, is: impl Fn(u8, u8, u8) -> bool) -> bool {
    #[cfg(target_arch = "x86_64")]
    if text.len() >= 64 && std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: this processor has the instructions.
        #[allow(unsafe_code)]
        return unsafe { has_any_wide(text.as_bytes(), is) };
    }
    has_any_by::<16>(text.as_bytes(), is)
}

/// The same with instructions that most processors have and a program may not count on.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn has_any_wide(bytes: &[u8], is: impl Fn(u8, u8, u8) -> bool) -> bool {
    has_any_by::<32>(bytes, is)
}

/// The same, so many bytes at a time: as many as one instruction compares.
#[inline(always)]
fn has_any_by<const PIECE: usize>(bytes: &[u8], is: impl Fn(u8, u8, u8) -> bool) -> bool {
    let threes =
        |a: &[u8], b: &[u8], c: &[u8]| a.iter().zip(b).zip(c).fold(false, |found, ((a, b), c)| found | is(*a, *b, *c));
    let piece = |at: usize| {
        let from = |at: usize| bytes.get(at..).and_then(<[u8]>::first_chunk::<PIECE>);
        matches!((from(at), from(at + 1), from(at + 2)), (Some(a), Some(b), Some(c)) if threes(a, b, c))
    };
    let found = match bytes.len().checked_sub(PIECE + 2) {
        None => bytes.windows(3).any(|three| threes(&three[..1], &three[1..2], &three[2..])),
        // The last piece goes back over some of the one before it.
        Some(last) => (0..last).step_by(PIECE).any(piece) || piece(last),
    };
    found
        || match bytes {
            [.., a, b] => is(*a, *b, 0) || is(*b, 0, 0),
            [a] => is(*a, 0, 0),
            [] => false,
        }
}

/// True if a text has a blank character, or one of few others that take as long to tell.
pub fn has_blank(text: &str) -> bool {
    has_any(text, |a, b, c| (a <= b' ') | (a == 0x7f) | is_ideographic_space(a, b, c) | is_odd(a, b, c))
}

/// False only if a text has no blank characters beyond ASCII but ideographic spaces, which begin every other paragraph.
fn has_odd(text: &str) -> bool {
    has_any(text, is_odd)
}

fn ideographic_spaces(text: &str) -> usize {
    let bytes = text.as_bytes();
    let from = |n: usize| bytes.get(n..).unwrap_or_default().chunks(192);
    let is = |((a, b), c): ((&u8, &u8), &u8)| u8::from(is_ideographic_space(*a, *b, *c));
    let threes = from(0).zip(from(1)).zip(from(2));
    threes.map(|((a, b), c)| usize::from(a.iter().zip(b).zip(c).map(is).sum::<u8>())).sum()
}

fn is_ideographic_space(a: u8, b: u8, c: u8) -> bool {
    (a == 0xe3) & (b == 0x80) & (c == 0x80)
}

/// U+0080 to U+00BF; U+1680; U+2000 to U+200F and U+2028 to U+203F, which leaves dashes, quotes and dots out; U+2040 to
/// U+207F; U+FEC0 to U+FEFF.
fn is_odd(a: u8, b: u8, c: u8) -> bool {
    (a == 0xc2)
        | ((a == 0xe1) & (b == 0x9a))
        | ((a == 0xe2) & (((b == 0x80) & (c.wrapping_sub(0x90) > 0x17)) | (b == 0x81)))
        | ((a == 0xef) & (b == 0xbb))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_blank_character_is_found() {
        for c in ('\u{80}'..=char::MAX).filter(|c| is_blank(*c)) {
            for text in [format!("{c}"), format!("甲{c}"), format!("{c}a"), format!("甲{c}乙丙")] {
                assert!(has_odd(&text) || ideographic_spaces(&text) == 1, "{c:?}");
            }
        }
        assert!(!has_odd("“甲”，乙——《丙》……a b。！　"));
        assert!(('\0'..'\u{80}').all(|c| is_blank(c) == (c <= ' ' || c == '\x7f')));
    }

    proptest::proptest! {
        /// As one would do it character by character.
        #[test]
        fn as_character_by_character(text in "[甲。，“a1 \\n\\t\\x7f\u{3000}\u{a0}\u{ad}\u{85}\u{200b}\u{feff}\u{1680}é《]{0,12}") {
            let chars = || text.chars();
            for long in [text.repeat(40), format!("{}{text}", "甲乙".repeat(9)), format!("{text}{}", "ab".repeat(13))] {
                proptest::prop_assert_eq!(visible(&long) as usize, long.chars().filter(|c| !is_blank(*c)).count());
                proptest::prop_assert_eq!(squashed(&long), long.chars().filter(|c| !is_blank(*c)).collect::<String>());
                proptest::prop_assert_eq!(has_control(&long), long.chars().any(|c| c.is_control() && c != '\n'));
            }
            proptest::prop_assert_eq!(visible(&text) as usize, chars().filter(|c| !is_blank(*c)).count());
            proptest::prop_assert_eq!(squashed(&text), chars().filter(|c| !is_blank(*c)).collect::<String>());
            proptest::prop_assert_eq!(has_control(&text), chars().any(|c| c.is_control() && c != '\n'));
            let mut slow = String::from("x");
            chars().for_each(|c| push_tidy(&mut slow, c.encode_utf8(&mut [0; 4])));
            let mut quick = String::from("x");
            push_tidy(&mut quick, &text);
            proptest::prop_assert_eq!(quick, slow);
            let line: String = text.trim_matches(is_blank).into();
            let mut tidied = String::new();
            line.chars().for_each(|c| push_tidy(&mut tidied, c.encode_utf8(&mut [0; 4])));
            proptest::prop_assert_eq!(is_tidy(&line), tidied == line, "{:?}", line);
        }
    }
}
