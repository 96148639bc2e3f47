//! Content encodings, as servers really send them: believed where the bytes bear them out.
//!
//! A body that is said to be packed and is plain text is plain text; one that is packed and does not say so is unpacked.
//! What came before an error is kept, with the error, because only who reads it can tell whether something is missing.

use std::io::{self, Read};

use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};

/// First bytes of a member of a gzip file (RFC 1952, 2.3.1): magic and the only method.
pub const GZIP: &[u8] = b"\x1f\x8b\x08";
/// First bytes of a zstd frame (RFC 8878, 3.1.1).
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";
/// Bytes at the front that tell text from packed data: among so many, packed data has a control character in all but
/// one case of two thousand.
const FRONT: usize = 64;
/// Encodings taken off one body at most, said or not. Servers with a cache in front pack twice at times.
const LAYERS: usize = 3;

/// A body without its encodings.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// The bytes.
    pub body: Vec<u8>,
    /// What is wrong with the end, where something is: more may have been meant to follow.
    pub cut: Option<String>,
    /// It is longer than permitted; what is beyond is not there.
    pub is_too_long: bool,
}

impl Unpacked {
    /// A body as it came.
    pub fn plain(body: Vec<u8>) -> Self {
        Self { body, ..Self::default() }
    }
}

/// Takes the encodings off a body that `Content-Encoding` names, and gzip where it names none; of what they hold, `most`
/// bytes.
pub fn unpack(body: Vec<u8>, encodings: &str, most: u64) -> Unpacked {
    let mut out = Unpacked::plain(body);
    // The last one named was put on last (RFC 9110, 8.4).
    for encoding in encodings.rsplit(',').map(str::trim).filter(|name| !name.is_empty()).take(LAYERS) {
        take_off(&mut out, encoding, most);
    }
    // At times a cache packs once more and does not say so.
    for _ in 0..LAYERS {
        if !out.body.starts_with(GZIP) {
            break;
        }
        take_off(&mut out, "gzip", most);
    }
    out
}

fn take_off(out: &mut Unpacked, encoding: &str, most: u64) {
    let body = out.body.as_slice();
    let encoding = encoding.to_ascii_lowercase();
    let (mut plain, error) = if body.starts_with(GZIP) {
        gunzip(body, most)
    } else if body.starts_with(ZSTD) {
        unzstd(body, most)
    } else if is_text(body) {
        return;
    } else {
        match encoding.as_str() {
            "gzip" | "x-gzip" | "deflate" => inflate_raw(body, most),
            "br" => drain(brotli_decompressor::Decompressor::new(body, 4096), most),
            // `identity`, a charset, or a name that nobody knows.
            _ => return,
        }
    };
    if plain.is_empty() && error.is_some() {
        // Not what it says it is.
        return;
    }
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    out.is_too_long |= plain.len() > most;
    plain.truncate(most);
    out.body = plain;
    out.cut = error.map(|error| error.to_string()).or(out.cut.take());
}

/// Unpacks all members; what follows the last one and is not a member is ignored, as browsers do.
fn gunzip(packed: &[u8], most: u64) -> (Vec<u8>, Option<io::Error>) {
    let (mut rest, mut plain) = (packed, Vec::new());
    while rest.starts_with(GZIP) && plain.len() as u64 <= most {
        let left = most - plain.len() as u64;
        let (member, error) = drain(GzDecoder::new(&mut rest), left);
        plain.extend_from_slice(&member);
        if error.is_some() {
            return (plain, error);
        }
    }
    (plain, None)
}

fn unzstd(packed: &[u8], most: u64) -> (Vec<u8>, Option<io::Error>) {
    match zstd::Decoder::new(packed) {
        Ok(decoder) => drain(decoder, most),
        Err(error) => (Vec::new(), Some(error)),
    }
}

/// `deflate` is zlib by the standard (RFC 9110, 8.4.1.2) and raw deflate from many servers.
fn inflate_raw(packed: &[u8], most: u64) -> (Vec<u8>, Option<io::Error>) {
    let is_zlib = matches!(packed, [a, b, ..] if a & 0x0f == 8 && u16::from_be_bytes([*a, *b]).is_multiple_of(31));
    if is_zlib {
        let (plain, error) = drain(ZlibDecoder::new(packed), most);
        if !plain.is_empty() || error.is_none() {
            return (plain, error);
        }
    }
    drain(DeflateDecoder::new(packed), most)
}

/// Reads to the end, or one byte beyond what is permitted; what came before an error is kept.
fn drain(from: impl Read, most: u64) -> (Vec<u8>, Option<io::Error>) {
    let mut plain = Vec::new();
    let error = from.take(most.saturating_add(1)).read_to_end(&mut plain).err();
    (plain, error)
}

/// True where the first bytes have no control characters beside those of texts. UTF-16 has, and begins with its mark.
fn is_text(body: &[u8]) -> bool {
    body.starts_with(b"\xff\xfe")
        || body.starts_with(b"\xfe\xff")
        || !body.iter().take(FRONT).any(|b| matches!(b, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f))
}

/// True where a body whose end may be missing is all there: the document's last tag was closed.
pub fn is_whole(body: &[u8]) -> bool {
    /// Servers append scripts and comments behind it.
    const TAIL: usize = 2 << 10;
    const ENDS: [&[u8]; 6] = [b"</html", b"</rss", b"</feed", b"</urlset", b"</sitemapindex", b"</rdf:rdf"];
    let body = body.trim_ascii_end();
    let tail = body[body.len().saturating_sub(TAIL)..].to_ascii_lowercase();
    if ENDS.iter().any(|end| memchr::memmem::rfind(&tail, end).is_some_and(|at| tail[at..].contains(&b'>'))) {
        return true;
    }
    matches!(body.first(), Some(b'{' | b'[')) && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    const PAGE: &[u8] =
        "<!DOCTYPE html><html><p>深圳新闻网讯 今天上午，市民中心广场举行了升旗仪式。</p></html>".as_bytes();

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut out = GzEncoder::new(Vec::new(), Compression::default());
        out.write_all(plain).unwrap();
        out.finish().unwrap()
    }

    fn zlib(plain: &[u8]) -> Vec<u8> {
        let mut out = ZlibEncoder::new(Vec::new(), Compression::default());
        out.write_all(plain).unwrap();
        out.finish().unwrap()
    }

    fn deflate(plain: &[u8]) -> Vec<u8> {
        let mut out = DeflateEncoder::new(Vec::new(), Compression::default());
        out.write_all(plain).unwrap();
        out.finish().unwrap()
    }

    /// One stored meta-block and an empty last one (RFC 7932, 9.2).
    fn brotli(plain: &[u8]) -> Vec<u8> {
        let head = (u32::try_from(plain.len()).unwrap() - 1) << 4 | 1 << 20;
        [&head.to_le_bytes()[..3], plain, b"\x03"].concat()
    }

    #[test]
    fn bodies_are_read_as_what_they_are() {
        let zstd = zstd::encode_all(PAGE, 0).unwrap();
        for (name, body, encoding) in [
            ("plain", PAGE.to_vec(), ""),
            ("gzip", gzip(PAGE), "gzip"),
            ("gzip in capitals", gzip(PAGE), "GZIP"),
            ("x-gzip", gzip(PAGE), "x-gzip"),
            ("gzip that does not say so", gzip(PAGE), ""),
            ("gzip under another label", gzip(PAGE), "deflate"),
            ("gzip twice, said once", gzip(&gzip(PAGE)), "gzip"),
            ("gzip twice, said twice", gzip(&gzip(PAGE)), "gzip, gzip"),
            ("zlib", zlib(PAGE), "deflate"),
            ("zlib under the label gzip", zlib(PAGE), "gzip"),
            ("raw deflate", deflate(PAGE), "deflate"),
            ("zstd", zstd, "zstd"),
            ("brotli", brotli(PAGE), "br"),
            ("says gzip, is plain", PAGE.to_vec(), "gzip"),
            ("says deflate, is plain", PAGE.to_vec(), "deflate"),
            ("says br, is plain", PAGE.to_vec(), "br"),
            ("a charset", PAGE.to_vec(), "UTF-8"),
            ("identity in between", gzip(PAGE), "identity, gzip"),
            ("junk behind", [gzip(PAGE), b"\0\0\0junk".to_vec()].concat(), "gzip"),
        ] {
            assert_eq!(unpack(body, encoding, 1 << 20), Unpacked::plain(PAGE.to_vec()), "{name}");
        }
        let members = [gzip(&PAGE[..30]), gzip(&PAGE[30..])].concat();
        assert_eq!(unpack(members, "gzip", 1 << 20).body, PAGE);
    }

    #[test]
    fn what_came_before_an_error_is_kept_and_marked() {
        let packed = gzip(PAGE);
        for end in [packed.len() - 8, packed.len() - 1, packed.len() / 2] {
            let out = unpack(packed[..end].to_vec(), "gzip", 1 << 20);
            assert!(out.cut.is_some() && PAGE.starts_with(&out.body), "{end}");
            assert_eq!(is_whole(&out.body), end > packed.len() / 2 + 9, "{end}");
        }
    }

    #[test]
    fn limits_hold_for_what_is_unpacked() {
        let bomb = gzip(&vec![b' '; 1 << 20]);
        for encoding in ["gzip", ""] {
            let out = unpack(bomb.clone(), encoding, 1 << 16);
            assert!(out.is_too_long && out.body.len() == 1 << 16, "{encoding}");
        }
        assert!(!unpack(bomb, "gzip", 1 << 20).is_too_long);
    }

    #[test]
    fn documents_that_are_all_there() {
        for (text, whole) in [
            ("<html>a</html>", true),
            ("<html>a</HTML >\n<!-- cached -->\n", true),
            ("<html><p>a</p>", false),
            ("<html>a</html", false),
            ("<rss><channel/></rss>", true),
            ("{\"a\":[1]}", true),
            ("{\"a\":[1", false),
            ("", false),
        ] {
            assert_eq!(is_whole(text.as_bytes()), whole, "{text}");
        }
    }
}
