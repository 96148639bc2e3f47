//! Whether bytes are text at all.
//!
//! What a server says about them counts for nothing: pictures come as `text/html`, and packed pages without a word. Every
//! encoding of the web is read by ASCII for its markup, and writes no control characters beside line breaks; so the magic
//! numbers of common formats, the share of control characters, and markup that is not there tell the rest.

use encoding_rs::{BIG5, EUC_JP, EUC_KR, GB18030, SHIFT_JIS};

use super::decode::is_mostly_gb2312;

/// Bytes that are looked at: at the beginning, and as many in the middle.
const SAMPLE: usize = 4096;
/// Fewest bytes by which shares are judged.
const MIN_SAMPLE: usize = 64;
/// Control characters of random bytes are one in nine, those of broken pages one in some hundred.
const MAX_CONTROL_SHARE: f64 = 0.07;
/// Longest run of bytes without white space that a text is believed to have; encoded bytes have no other.
const MAX_WORD: usize = 4096;

/// Beginnings of files that are not text: where they stand, and what they are.
const MAGIC: &[(usize, &[u8], &str)] = &[
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (0, b"GIF87a", "a GIF picture"),
    (0, b"GIF89a", "a GIF picture"),
    (8, b"WEBPVP8", "a WebP picture"),
    (8, b"AVI LIST", "a film (AVI)"),
    (8, b"WAVEfmt ", "a sound (WAV)"),
    (0, b"II*\0", "a TIFF picture"),
    (0, b"MM\0*", "a TIFF picture"),
    (0, b"\0\0\x01\0", "an icon"),
    (0, b"%PDF-", "a PDF document"),
    (0, b"%!PS", "a PostScript document"),
    (0, b"{\\rtf", "an RTF document"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"PK\x05\x06", "a ZIP archive"),
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"\x1f\x8b", "packed by gzip"),
    (0, b"BZh91AY&SY", "packed by bzip2"),
    (0, b"\xfd7zXZ\0", "packed by xz"),
    (0, b"\x28\xb5\x2f\xfd", "packed by zstd"),
    (0, b"MSCF\0\0\0\0", "a CAB archive"),
    (257, b"ustar", "a TAR archive"),
    (0, b"\x7fELF", "a program"),
    (0, b"\xca\xfe\xba\xbe", "a program"),
    (0, b"\0asm", "a program"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document"),
    (0, b"SQLite format 3\0", "a database"),
    (4, b"ftyp", "a film (MP4)"),
    (0, b"ID3\x02", "a sound (MP3)"),
    (0, b"ID3\x03", "a sound (MP3)"),
    (0, b"ID3\x04", "a sound (MP3)"),
    (0, b"\x1a\x45\xdf\xa3", "a film (Matroska)"),
    (0, b"FLV\x01", "a film (FLV)"),
    (0, b"OggS\0", "a sound or film (Ogg)"),
    (0, b"fLaC\0", "a sound (FLAC)"),
    (0, b"8BPS\0\x01", "a Photoshop picture"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a film (Windows Media)"),
    (0, b"MZ\x90\0", "a program"),
    (0, b"LZIP\x01", "packed by lzip"),
    (0, b"wOFF", "a font"),
    (0, b"wOF2", "a font"),
];

/// What bytes are that are not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotText {
    /// A known format, by its magic number.
    Format(&'static str),
    /// Too many control characters for a text.
    Control,
    /// In no encoding, or encoded bytes: without any markup, and without a word.
    Garbled,
}

/// Says what a body is if it is not text.
pub fn not_text(bytes: &[u8]) -> Option<NotText> {
    let is_magic =
        |(at, magic, _): &&(usize, &[u8], &str)| bytes.get(*at..).is_some_and(|rest| rest.starts_with(magic));
    if let Some((_, _, what)) = MAGIC.iter().find(is_magic) {
        return Some(NotText::Format(what));
    }
    // Some servers fill the last block of a file with NULs.
    let end = bytes.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
    let bytes = &bytes[..end];
    if bytes.len() < MIN_SAMPLE || is_wide(bytes) {
        return None;
    }
    let middle = &bytes[bytes.len() / 2..];
    if [bytes, middle].into_iter().any(|part| control_share(part) > MAX_CONTROL_SHARE) {
        return Some(NotText::Control);
    }
    is_garbled(bytes).then_some(NotText::Garbled)
}

/// UTF-16, by its byte order mark or the first sign of its markup: every other byte of it may be NUL.
fn is_wide(bytes: &[u8]) -> bool {
    matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'<', 0, ..] | [0, b'<', ..])
}

fn control_share(bytes: &[u8]) -> f64 {
    let sample = &bytes[..bytes.len().min(SAMPLE)];
    let control = sample.iter().filter(|b| (**b < 0x20 && !matches!(**b, b'\t' | b'\n' | b'\r' | 0x0c)) || **b == 0x7f);
    control.count() as f64 / sample.len().max(MIN_SAMPLE) as f64
}

/// Without one tag that pages have, and neither UTF-8 nor Chinese by its bytes; or without white space.
fn is_garbled(bytes: &[u8]) -> bool {
    let sample = &bytes[..bytes.len().min(SAMPLE * 4)];
    if has_tag(sample) {
        return false;
    }
    match std::str::from_utf8(sample) {
        Ok(text) => is_encoded(text),
        // Cut off by the end of the sample.
        Err(error) if error.error_len().is_none() => false,
        Err(_) => {
            !(is_mostly_ascii(sample) || is_mostly_utf8(sample) || is_mostly_gb2312(sample) || is_east_asian(sample))
        }
    }
}

/// Western text; of random bytes that are printable more than half are beyond ASCII.
fn is_mostly_ascii(bytes: &[u8]) -> bool {
    bytes.iter().filter(|b| !b.is_ascii()).count() * 4 < bytes.len()
}

/// Whole in one of the encodings of the region, which random bytes never are.
fn is_east_asian(bytes: &[u8]) -> bool {
    // The end may fall into a character.
    let ends = || (0..4).map(|cut| &bytes[..bytes.len() - cut]);
    [GB18030, BIG5, SHIFT_JIS, EUC_JP, EUC_KR]
        .into_iter()
        .any(|encoding| ends().any(|part| encoding.decode_without_bom_handling_and_without_replacement(part).is_some()))
}

/// Base64 and its like: ASCII without white space for longer than any line of a text, and no structure.
fn is_encoded(text: &str) -> bool {
    text.len() >= MAX_WORD
        && text
            .bytes()
            .take(MAX_WORD)
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'-' | b'_'))
}

fn is_mostly_utf8(bytes: &[u8]) -> bool {
    let (mut valid, mut errors) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        valid += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        errors += usize::from(!chunk.invalid().is_empty());
    }
    valid > errors
}

/// Whether a tag stands there that any page has. Random bytes have none of them.
fn has_tag(bytes: &[u8]) -> bool {
    const TAGS: &[&[u8]] = &[
        b"html",
        b"head",
        b"body",
        b"meta",
        b"title",
        b"script",
        b"div",
        b"span",
        b"table",
        b"!doctype",
        b"?xml",
        b"br>",
        b"br/",
        b"br /",
        b"p>",
        b"p ",
        b"/p>",
        b"td",
        b"a href",
        b"img ",
        b"ul>",
        b"li>",
        b"h1",
        b"h2",
        b"font",
        b"center",
        b"iframe",
        b"frameset",
        b"link ",
        b"article",
    ];
    memchr::memchr_iter(b'<', bytes).any(|at| {
        let rest = &bytes[at + 1..];
        TAGS.iter().any(|tag| rest.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes without order, the same each time (an xorshift generator).
    fn noise(n: usize) -> Vec<u8> {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        };
        (0..n).map(|_| next()).collect()
    }

    fn page(text: &str) -> String {
        format!("<html><head><title>{text}</title></head><body><p>{}</p></body></html>", text.repeat(30))
    }

    #[test]
    fn bytes_without_text() {
        for (_, magic, what) in MAGIC.iter().filter(|(at, _, _)| *at == 0) {
            assert_eq!(not_text(magic), Some(NotText::Format(what)));
        }
        assert_eq!(not_text(b"\0\0\0\x20ftypisom"), Some(NotText::Format("a film (MP4)")));
        assert_eq!(not_text(&noise(30_000)), Some(NotText::Control));
        let printable: Vec<u8> = noise(30_000).into_iter().filter(|b| *b >= 0x20).collect();
        assert!(not_text(&printable).is_some());
        let printable: Vec<u8> = printable.into_iter().filter(|b| *b != 0x7f).collect();
        assert_eq!(not_text(&printable), Some(NotText::Garbled));
        let base64: Vec<u8> = noise(30_000).into_iter().filter(u8::is_ascii_alphanumeric).collect();
        assert_eq!(not_text(&base64), Some(NotText::Garbled));
    }

    #[test]
    fn text_of_any_kind() {
        let text = "海湾市推出便民措施，市民叫好。";
        let mut broken = page(text).into_bytes();
        broken[200] = 0xff;
        let utf16: Vec<u8> =
            std::iter::once(0xfeff).chain(page(text).encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let gbk = |text: &str| encoding_rs::GBK.encode(text).0.into_owned();
        for bytes in [
            page(text).into_bytes(),
            page(&text.replace('，', "，\0")).into_bytes(),
            page(&text.replace('，', "，\x0b\x1f")).into_bytes(),
            broken,
            utf16,
            gbk(&page(text)),
            gbk(&text.repeat(30)),
            text.repeat(30).into_bytes(),
            encoding_rs::BIG5.encode(&page("香港報紙今天出版")).0.into_owned(),
            encoding_rs::WINDOWS_1252.encode(&page("Le garçon a été très fâché")).0.into_owned(),
            encoding_rs::BIG5.encode(&"香港報紙今天出版".repeat(40)).0.into_owned(),
            encoding_rs::WINDOWS_1252.encode(&"Le garçon a été très fâché. ".repeat(40)).0.into_owned(),
            [page(text).as_bytes(), &[0; 4000]].concat(),
            b"Not found".to_vec(),
            Vec::new(),
        ] {
            assert_eq!(not_text(&bytes), None, "{}", String::from_utf8_lossy(&bytes));
        }
    }
}
