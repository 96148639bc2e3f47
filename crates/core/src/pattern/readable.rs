//! Addresses as people read them, for patterns that are written so.

/// An address as people read it: its host's labels and the characters of its path and query as they are, not as Punycode and
/// escapes. `None` where that is the same. Escaped ASCII characters stay: unescaped, they would mean something else.
pub(super) fn readable(address: &str) -> Option<String> {
    let has_escapes = address
        .as_bytes()
        .windows(2)
        .any(|pair| pair[0] == b'%' && matches!(pair[1], b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F'));
    if !has_escapes && !address.contains("xn--") {
        return None;
    }
    let (scheme, rest) = address.split_once("://")?;
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let text = format!("{scheme}://{}{}", idna::domain_to_unicode(host).0, unescape(path));
    (text != address).then_some(text)
}

/// A text with those escapes undone that stand for characters beyond ASCII, in UTF-8.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = after.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|byte| !byte.is_ascii()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    // In another encoding they say nothing to a pattern.
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_beyond_ascii_and_punycode_are_undone() {
        let address = "http://xn--efvy88h.example/%E6%97%B6%E4%BA%8B/a%2Fb.htm";
        assert_eq!(readable(address).as_deref(), Some("http://新闻.example/时事/a%2Fb.htm"));
        assert_eq!(readable("http://a.example/%2F"), None);
    }
}
