//! The text of a list: unpacked, decoded by what its bytes are, byte order marks taken off.

use std::borrow::Cow;

use encoding_rs::{BIG5, Encoding, GB18030, GBK, UTF_8, UTF_16BE, UTF_16LE};

use super::super::unpack::{GZIP, unpack};
use super::Source;
use crate::clean::decode;

/// Bytes of a list that are read, unpacked; the sitemap protocol's own limit. What follows is ignored.
pub const MAX_BYTES: usize = 50 << 20;

/// Unpacks a body that is gzip, whatever its header says, as far as that goes; and what is wrong with its end.
pub fn unpacked(body: &[u8]) -> (Cow<'_, [u8]>, Option<String>) {
    if !body.starts_with(GZIP) {
        return (Cow::Borrowed(body), None);
    }
    let out = unpack(body.to_vec(), "gzip", MAX_BYTES as u64);
    (Cow::Owned(out.body), out.cut)
}

/// Decodes a list. What is declared is believed only as far as the bytes agree: it is often wrong, and the addresses are
/// what counts.
pub fn decoded<'a>(bytes: &'a [u8], source: &Source<'_>) -> Cow<'a, str> {
    let text = match Encoding::for_bom(bytes).map(|(encoding, skip)| (encoding, &bytes[skip..])) {
        Some((encoding, rest)) => encoding.decode_without_bom_handling(rest).0,
        None => without_mark(bytes, source.content_type),
    };
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(trimmed(text)),
        Cow::Owned(text) if trimmed(&text).len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(trimmed(&text).to_owned()),
    }
}

/// Without white space and byte order marks at its beginning, of which there may be several.
fn trimmed(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

fn without_mark<'a>(bytes: &'a [u8], content_type: Option<&str>) -> Cow<'a, str> {
    // Every list begins with ASCII; a NUL beside its first character is UTF-16's.
    match bytes {
        [0, c, ..] if *c != 0 => return UTF_16BE.decode_without_bom_handling(bytes).0,
        [c, 0, ..] if *c != 0 => return UTF_16LE.decode_without_bom_handling(bytes).0,
        _ => {}
    }
    if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let named = content_type.and_then(charset).or_else(|| declaration(bytes)).and_then(encoding);
    match named {
        Some(encoding) if encoding.is_ascii_compatible() && encoding != UTF_8 => {
            encoding.decode_without_bom_handling(bytes).0
        }
        Some(_) => decode::decode(bytes, Some("text/xml; charset=utf-8"), None).text,
        // The encodings of Chinese sites; Western ones take any bytes, so they come last.
        None => [GB18030, BIG5]
            .into_iter()
            .find_map(|encoding| encoding.decode_without_bom_handling_and_without_replacement(bytes))
            .unwrap_or_else(|| decode::decode(bytes, None, None).text),
    }
}

fn encoding(label: &[u8]) -> Option<&'static Encoding> {
    Encoding::for_label(label).map(|encoding| if encoding == GBK { GB18030 } else { encoding })
}

/// The `charset` of a `Content-Type`.
fn charset(content_type: &str) -> Option<&[u8]> {
    let at = content_type.to_ascii_lowercase().find("charset=")? + "charset=".len();
    Some(word(content_type.as_bytes().get(at..)?))
}

/// The `encoding` of an XML declaration, anywhere in the first bytes: something may stand before it.
fn declaration(bytes: &[u8]) -> Option<&[u8]> {
    let head = &bytes[..bytes.len().min(1024)];
    let start = memchr::memmem::find(head, b"<?xml")?;
    let declaration = &head[start..];
    let declaration = &declaration[..memchr::memchr(b'>', declaration)?];
    let at = memchr::memmem::find(declaration, b"encoding")? + "encoding".len();
    let value = declaration[at..].trim_ascii_start().strip_prefix(b"=")?;
    Some(word(value.trim_ascii_start()))
}

/// A label, without its quotes.
fn word(value: &[u8]) -> &[u8] {
    let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value);
    let end = value.iter().position(|b| !(b.is_ascii_alphanumeric() || b"-_:.".contains(b))).unwrap_or(value.len());
    &value[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use url::Url;

    fn text(bytes: &[u8], content_type: Option<&str>) -> String {
        let base = Url::parse("http://a.example/list").unwrap();
        decoded(bytes, &Source { body: bytes, content_type, base: &base }).into_owned()
    }

    #[test]
    fn bytes_are_decoded_by_what_they_are() {
        let markup = "<a>海湾市的新闻，深圳</a>";
        let gbk = |text: &str| GBK.encode(text).0.into_owned();
        let declared = |label: &str| format!("<?xml version='1.0' encoding=\"{label}\"?>{markup}");
        assert_eq!(text(markup.as_bytes(), None), markup);
        assert_eq!(text(declared("gb2312").as_bytes(), None), declared("gb2312"));
        assert_eq!(text(&gbk(&declared("gb2312")), None), declared("gb2312"));
        assert_eq!(text(&gbk(&declared("UTF-8")), None), declared("UTF-8"));
        assert_eq!(text(&gbk(markup), None), markup);
        assert_eq!(text(&gbk(markup), Some("text/xml; charset=utf-8")), markup);
        assert_eq!(text(&gbk(markup), Some("text/xml; charset=\"GB2312\"")), markup);
        let big5 = "<a>香港報紙</a>";
        assert_eq!(text(&BIG5.encode(big5).0, Some("text/xml; charset=Big5")), big5);
        // Characters whose second byte is a backslash.
        assert_eq!(text(&gbk("{\"t\":\"誠\"}"), None), "{\"t\":\"誠\"}");
    }

    #[test]
    fn marks_and_wide_characters() {
        let marked = |text: &str| format!("\u{feff}\u{feff}\r\n {text}");
        assert_eq!(text(marked("<a>").as_bytes(), None), "<a>");
        let wide = |text: &str, f: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(f).collect::<Vec<u8>>();
        for f in [u16::to_le_bytes as fn(u16) -> [u8; 2], u16::to_be_bytes] {
            assert_eq!(text(&wide("<a>海</a>", f), None), "<a>海</a>");
            assert_eq!(text(&wide("\u{feff}<a>海</a>", f), None), "<a>海</a>");
        }
    }
}
