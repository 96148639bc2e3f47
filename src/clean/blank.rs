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
        if has_any(line, |b| b <= b' ' || b == 0x7f) || has_odd(line) || ideographic_spaces(line) > 0 {
            out.extend(line.chars().filter(|c| !is_blank(*c)));
        } else {
            out.push_str(line);
        }
    }
    out
}

/// True if a text has control characters, line breaks apart.
pub fn has_control(text: &str) -> bool {
    has_any(text, |b| (b < b' ' && b != b'\n') || b == 0x7f)
        || has_odd(text) && text.contains(|c: char| c.is_control() && c != '\n')
}

/// True if nothing is to be tidied within a text.
pub fn is_tidy(text: &str) -> bool {
    !has_any(text, |b| b < b' ' || b == 0x7f)
        && !has_any_pair(text.as_bytes())
        && (!has_odd(text) || text.chars().all(|c| !is_blank(c) || matches!(c, ' ' | '\u{3000}' | '\u{a0}')))
}

/// Two blanks side by side.
fn has_any_pair(bytes: &[u8]) -> bool {
    bytes.iter().zip(bytes.get(1..).unwrap_or_default()).fold(false, |found, (a, b)| found | (*a == b' ' && *b == b' '))
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

/// True if a text has a byte of a kind. Looks at all of it, for the same reason.
fn has_any(text: &str, is: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(false, |found, b| found | is(b))
}

/// Three bytes in a row, wherever they stand.
fn threes(text: &str) -> impl Iterator<Item = ((&[u8], &[u8]), &[u8])> {
    let bytes = text.as_bytes();
    let from = |n: usize| bytes.get(n..).unwrap_or_default().chunks(192);
    from(0).zip(from(1)).zip(from(2))
}

fn ideographic_spaces(text: &str) -> usize {
    let is = |((a, b), c): ((&u8, &u8), &u8)| u8::from((*a == 0xe3) & (*b == 0x80) & (*c == 0x80));
    threes(text).map(|((a, b), c)| usize::from(a.iter().zip(b).zip(c).map(is).sum::<u8>())).sum()
}

/// False only if a text has no blank characters beyond ASCII but ideographic spaces, which begin every other paragraph.
fn has_odd(text: &str) -> bool {
    // U+0080 to U+00BF; U+1680; U+2000 to U+200F and U+2028 to U+203F, which leaves dashes, quotes and dots out; U+2040 to
    // U+207F; U+FEC0 to U+FEFF.
    let odd = |((a, b), c): ((&u8, &u8), &u8)| {
        (*a == 0xc2)
            | ((*a == 0xe1) & (*b == 0x9a))
            | ((*a == 0xe2) & (((*b == 0x80) & (c.wrapping_sub(0x90) > 0x17)) | (*b == 0x81)))
            | ((*a == 0xef) & (*b == 0xbb))
    };
    threes(text).any(|((a, b), c)| a.iter().zip(b).zip(c).fold(false, |found, three| found | odd(three)))
        // Two bytes at the end are no three.
        || text.as_bytes().iter().rev().nth(1) == Some(&0xc2)
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
            let long = text.repeat(40);
            proptest::prop_assert_eq!(visible(&long) as usize, long.chars().filter(|c| !is_blank(*c)).count());
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
