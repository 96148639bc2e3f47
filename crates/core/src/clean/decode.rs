//! Bytes to text, as the WHATWG encoding standard does it, with one addition: a wrong label is noticed.
//!
//! Order: byte order mark, the site file's `charset`, HTTP header, `meta`, detection. One real page in eight says
//! gb2312 and is UTF-8 (saved, re-encoded or proxied), so a legacy label is only believed if the bytes are not
//! valid UTF-8; and a UTF-8 label only if most of them are.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};

/// Decoded text and how it was decoded.
#[derive(Debug)]
pub struct Decoded<'a> {
    /// The text; undecodable bytes are U+FFFD.
    pub text: Cow<'a, str>,
    /// The encoding used.
    pub encoding: &'static Encoding,
}

impl Decoded<'_> {
    /// WHATWG label in lower case.
    pub fn label(&self) -> String {
        self.encoding.name().to_ascii_lowercase()
    }
}

/// How many bytes are looked at for `meta charset`; the standard says 1024, real pages put scripts before it.
const PRESCAN: usize = 4096;

/// Decodes a page.
pub fn decode<'a>(bytes: &'a [u8], content_type: Option<&str>, forced: Option<&'static Encoding>) -> Decoded<'a> {
    if let Some((encoding, skip)) = Encoding::for_bom(bytes) {
        return with(encoding, &bytes[skip..]);
    }
    // No other encoding has a NUL beside the first sign of its markup.
    match bytes {
        [b'<', 0, ..] => return with(encoding_rs::UTF_16LE, bytes),
        [0, b'<', ..] => return with(encoding_rs::UTF_16BE, bytes),
        _ => {}
    }
    if let Some(encoding) = forced {
        return with(encoding, bytes);
    }
    let declared = content_type.and_then(header_charset).or_else(|| meta_charset(bytes));
    if let Ok(text) = simdutf8::basic::from_utf8(bytes)
        && declared.is_none_or(|d| d == UTF_8 || d.is_ascii_compatible() && !text.is_ascii())
    {
        return Decoded { text: Cow::Borrowed(text), encoding: UTF_8 };
    }
    match declared {
        Some(encoding) if encoding == UTF_8 => {
            let (valid, errors) = utf8_profile(bytes);
            if errors == 0 || valid >= errors * 4 {
                return with(UTF_8, bytes);
            }
        }
        Some(encoding) if encoding.is_ascii_compatible() && is_cut_utf8(bytes) => return with(UTF_8, bytes),
        Some(encoding) => {
            let decoded = with(encoding, bytes);
            let other = [encoding_rs::GB18030, encoding_rs::BIG5]
                .into_iter()
                .find(|o| is_rather(o, encoding, bytes, &decoded.text));
            if let Some(other) = other {
                return with(other, bytes);
            }
            if !is_garbled(&decoded.text) {
                return decoded;
            }
        }
        None => {
            let (valid, errors) = utf8_profile(bytes);
            if errors == 0 || valid >= errors * 20 {
                return with(UTF_8, bytes);
            }
        }
    }
    with(detect(bytes), bytes)
}

fn with<'a>(encoding: &'static Encoding, bytes: &'a [u8]) -> Decoded<'a> {
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    Decoded { text, encoding }
}

/// True if bytes that are labelled as one of the two Chinese encodings are the other, by how often the commonest characters
/// of the language stand in the text.
fn is_rather(other: &'static Encoding, labelled: &'static Encoding, bytes: &[u8], text: &str) -> bool {
    let simplified = |e: &'static Encoding| e == encoding_rs::GBK || e == encoding_rs::GB18030;
    let swapped =
        simplified(labelled) && other == encoding_rs::BIG5 || labelled == encoding_rs::BIG5 && simplified(other);
    if !swapped || common_share(text) >= 0.04 {
        return false;
    }
    let sample = &bytes[..bytes.len().min(256 * 1024)];
    let decoded = with(other, sample);
    !is_garbled(&decoded.text) && common_share(&decoded.text) >= 0.04
}

/// Share of the commonest characters among the Chinese ones of a text; some 0.1 in real text, next to 0 in mojibake.
fn common_share(text: &str) -> f64 {
    const COMMON: &str = "的一是在不了有和人这這中大为為上个個国國日月年新来來说說到以地";
    let (mut common, mut all) = (0usize, 0usize);
    for c in text.chars().filter(|c| *c > '\u{2e80}').take(20_000) {
        all += 1;
        common += usize::from(COMMON.contains(c));
    }
    if all < 40 { 1.0 } else { common as f64 / all as f64 }
}

/// UTF-8 but for its last character, which the end of input cuts off, and not ASCII.
fn is_cut_utf8(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|e| e.error_len().is_none() && !bytes[..e.valid_up_to()].is_ascii())
}

/// Multi-byte UTF-8 sequences, and places that are not UTF-8. A sequence cut off by the end of input is no error.
fn utf8_profile(bytes: &[u8]) -> (usize, usize) {
    let (mut rest, mut errors, mut valid) = (bytes, 0, 0);
    loop {
        let (good, skip) = match std::str::from_utf8(rest) {
            Ok(_) => (rest, None),
            Err(e) => (&rest[..e.valid_up_to()], e.error_len()),
        };
        valid += good.iter().filter(|&&b| b >= 0xc2).count();
        let Some(skip) = skip else { return (valid, errors) };
        errors += 1;
        rest = &rest[good.len() + skip..];
        if errors > 10_000 {
            return (valid, errors);
        }
    }
}

/// More than one replacement character in a hundred characters that are not ASCII.
fn is_garbled(text: &str) -> bool {
    let (mut bad, mut other) = (0usize, 0usize);
    for c in text.chars().filter(|c| !c.is_ascii()) {
        if c == '\u{fffd}' {
            bad += 1;
        } else {
            other += 1;
        }
    }
    bad > 3 && bad * 100 > other
}

fn detect(bytes: &[u8]) -> &'static Encoding {
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
    // Markup says nothing about the encoding, and 64 KiB are plenty.
    let sample = &bytes[..bytes.len().min(64 * 1024)];
    detector.feed(sample, true);
    let guess = detector.guess(None, chardetng::Utf8Detection::Allow);
    // One stray byte is enough for the detector to rule GBK out; what is left then is a Western code page.
    if guess.is_single_byte() && is_mostly_gb2312(sample) { encoding_rs::GB18030 } else { guess }
}

/// Nine in ten bytes beyond ASCII stand in pairs that are characters or punctuation of GB 2312's first level.
pub(super) fn is_mostly_gb2312(bytes: &[u8]) -> bool {
    let (mut paired, mut other, mut at) = (0usize, 0usize, 0);
    while at < bytes.len() {
        let trail = bytes.get(at + 1).is_some_and(|b| (0xa1..=0xfe).contains(b));
        match bytes[at] {
            0..=0x7f => at += 1,
            0xa1..=0xa3 | 0xb0..=0xd7 if trail => {
                paired += 2;
                at += 2;
            }
            0xd8..=0xf7 if trail => at += 2,
            _ => {
                other += 1;
                at += 1;
            }
        }
    }
    paired >= 40 && paired >= other * 9
}

fn header_charset(content_type: &str) -> Option<&'static Encoding> {
    let lower = content_type.to_ascii_lowercase();
    let at = lower.find("charset=")? + "charset=".len();
    label(lower[at..].trim_start_matches([' ', '"', '\'']).as_bytes())
}

fn meta_charset(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(PRESCAN)];
    let mut from = 0;
    while let Some(at) = find_ignore_case(&head[from..], b"<meta") {
        let start = from + at;
        let end = memchr::memchr(b'>', &head[start..]).map_or(head.len(), |n| start + n);
        let tag = &head[start..end];
        if let Some(at) = find_ignore_case(tag, b"charset") {
            let value = tag[at + 7..].trim_ascii_start();
            if let Some(value) = value.strip_prefix(b"=") {
                let value = value.trim_ascii_start();
                let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value);
                if let Some(encoding) = label(value) {
                    // A page that could be read this far is not UTF-16, whatever it says.
                    let wide = encoding == encoding_rs::UTF_16BE || encoding == encoding_rs::UTF_16LE;
                    return Some(if wide { UTF_8 } else { encoding });
                }
            }
        }
        from = end;
    }
    None
}

fn find_ignore_case(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|w| w.eq_ignore_ascii_case(needle))
}

fn label(bytes: &[u8]) -> Option<&'static Encoding> {
    let end = bytes.iter().position(|b| !(b.is_ascii_alphanumeric() || b"-_:.".contains(b))).unwrap_or(bytes.len());
    Encoding::for_label(&bytes[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::{GB18030, GBK, WINDOWS_1252};

    const TEXT: &str = "<meta charset=gb2312><p>深圳地铁四条新线本周开始空载试跑，市民可以期待。</p>";

    #[test]
    fn a_stray_byte_does_not_make_chinese_western() {
        let text = "深圳地铁四条新线本周开始空载试跑，市民可以期待。图书馆将于下周开放。".repeat(3);
        let (bytes, _, _) = GBK.encode(&text);
        let mut bytes = bytes.into_owned();
        bytes.extend_from_slice(b"\xb0\x20\xff<p>");
        bytes.extend_from_slice(&GBK.encode(&text).0);
        assert_eq!(decode(&bytes, None, None).encoding, GB18030);
        let western =
            "Le garçon a été très fâché; où êtes-vous, Zoë? L’été à Málaga: señor, déjà vu, naïveté.".repeat(4);
        let (bytes, _, _) = WINDOWS_1252.encode(&western);
        assert!(decode(&bytes, None, None).encoding.is_single_byte());
    }

    #[test]
    fn gb2312_is_decoded_as_gb18030() {
        let (bytes, _, _) = GB18030.encode(TEXT);
        let d = decode(&bytes, None, None);
        assert_eq!((d.text.as_ref(), d.encoding), (TEXT, GBK));
    }

    #[test]
    fn a_wrong_legacy_label_is_noticed() {
        let d = decode(TEXT.as_bytes(), Some("text/html; charset=GBK"), None);
        assert_eq!((d.text.as_ref(), d.encoding), (TEXT, UTF_8));
    }

    #[test]
    fn a_wrong_utf8_label_is_noticed() {
        let (bytes, _, _) = GB18030.encode(TEXT);
        let d = decode(&bytes, Some("text/html; charset=utf-8"), None);
        assert_eq!(d.text.as_ref(), TEXT);
    }

    #[test]
    fn one_stray_byte_changes_nothing() {
        let mut bytes = TEXT.replace("gb2312", "utf-8").into_bytes();
        bytes.extend(b"\xff");
        assert_eq!(decode(&bytes, None, None).encoding, UTF_8);
        bytes.truncate(bytes.len() - 3);
        assert_eq!(decode(&bytes, None, None).encoding, UTF_8);
    }

    #[test]
    fn utf16_without_a_mark_is_seen_by_its_markup() {
        for f in [u16::to_le_bytes as fn(u16) -> [u8; 2], u16::to_be_bytes] {
            let bytes: Vec<u8> = TEXT.encode_utf16().flat_map(f).collect();
            assert_eq!(decode(&bytes, Some("text/html; charset=utf-8"), None).text.as_ref(), TEXT);
        }
    }

    #[test]
    fn no_label_is_detected() {
        let text = TEXT.replace("<meta charset=gb2312>", "").repeat(5);
        let (bytes, _, _) = GB18030.encode(&text);
        assert_eq!(decode(&bytes, None, None).text.as_ref(), text);
    }

    #[test]
    fn the_byte_order_mark_wins() {
        let bytes = [b"\xef\xbb\xbf".as_slice(), TEXT.as_bytes()].concat();
        let d = decode(&bytes, Some("text/html; charset=gbk"), None);
        assert_eq!((d.text.as_ref(), d.encoding), (TEXT, UTF_8));
    }
}
