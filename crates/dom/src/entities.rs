//! Character references that occur in news pages. All others are left to the full parser.

use std::borrow::Cow;

/// A reference that this module does not decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unknown;

/// Names with a semicolon that are decoded here.
fn named(name: &str) -> Option<&'static str> {
    Some(match name {
        "nbsp" => "\u{a0}",
        "amp" | "AMP" => "&",
        "lt" | "LT" => "<",
        "gt" | "GT" => ">",
        "quot" | "QUOT" => "\"",
        "apos" => "'",
        "ldquo" => "“",
        "rdquo" => "”",
        "lsquo" => "‘",
        "rsquo" => "’",
        "sbquo" => "‚",
        "bdquo" => "„",
        "laquo" => "«",
        "raquo" => "»",
        "lsaquo" => "‹",
        "rsaquo" => "›",
        "hellip" => "…",
        "mdash" => "—",
        "ndash" => "–",
        "middot" => "·",
        "bull" => "•",
        "copy" => "©",
        "reg" => "®",
        "trade" => "™",
        "times" => "×",
        "divide" => "÷",
        "deg" => "°",
        "plusmn" => "±",
        "permil" => "‰",
        "ensp" => "\u{2002}",
        "emsp" => "\u{2003}",
        "thinsp" => "\u{2009}",
        "zwj" => "\u{200d}",
        "zwnj" => "\u{200c}",
        "shy" => "\u{ad}",
        "yen" => "¥",
        "euro" => "€",
        "pound" => "£",
        "cent" => "¢",
        "sect" => "§",
        "para" => "¶",
        "larr" => "←",
        "uarr" => "↑",
        "rarr" => "→",
        "darr" => "↓",
        "le" => "≤",
        "ge" => "≥",
        "ne" => "≠",
        "asymp" => "≈",
        "infin" => "∞",
        "alpha" => "α",
        "beta" => "β",
        "mu" => "μ",
        "micro" => "µ",
        "Omega" => "Ω",
        "eacute" => "é",
        "egrave" => "è",
        "aacute" => "á",
        "agrave" => "à",
        "uuml" => "ü",
        "ouml" => "ö",
        "auml" => "ä",
        "oacute" => "ó",
        "iacute" => "í",
        "ntilde" => "ñ",
        "ccedil" => "ç",
        "acute" => "´",
        "cedil" => "¸",
        "uml" => "¨",
        "macr" => "¯",
        "iexcl" => "¡",
        "iquest" => "¿",
        "ordm" => "º",
        "sup2" => "²",
        "sup3" => "³",
        "frac12" => "½",
        "frac14" => "¼",
        "frac34" => "¾",
        _ => return None,
    })
}

/// Names that the standard also knows without a semicolon.
const LEGACY: &[&str] = &[
    "AElig", "AMP", "Aacute", "Acirc", "Agrave", "Aring", "Atilde", "Auml", "COPY", "Ccedil", "ETH", "Eacute", "Ecirc",
    "Egrave", "Euml", "GT", "Iacute", "Icirc", "Igrave", "Iuml", "LT", "Ntilde", "Oacute", "Ocirc", "Ograve", "Oslash",
    "Otilde", "Ouml", "QUOT", "REG", "THORN", "Uacute", "Ucirc", "Ugrave", "Uuml", "Yacute", "aacute", "acirc",
    "acute", "aelig", "agrave", "amp", "aring", "atilde", "auml", "brvbar", "ccedil", "cedil", "cent", "copy",
    "curren", "deg", "divide", "eacute", "ecirc", "egrave", "eth", "euml", "frac12", "frac14", "frac34", "gt",
    "iacute", "icirc", "iexcl", "igrave", "iquest", "iuml", "laquo", "lt", "macr", "micro", "middot", "nbsp", "not",
    "ntilde", "oacute", "ocirc", "ograve", "ordf", "ordm", "oslash", "otilde", "ouml", "para", "plusmn", "pound",
    "quot", "raquo", "reg", "sect", "shy", "sup1", "sup2", "sup3", "szlig", "thorn", "times", "uacute", "ucirc",
    "ugrave", "uml", "uuml", "yacute", "yen", "yuml",
];

/// Decodes the references of a text, or of an attribute's value, where `&name=` is no reference.
pub fn decode(text: &str, in_attribute: bool) -> Result<Cow<'_, str>, Unknown> {
    let Some(first) = memchr::memchr(b'&', text.as_bytes()) else { return Ok(Cow::Borrowed(text)) };
    let mut out = String::with_capacity(text.len());
    out.push_str(&text[..first]);
    let mut at = first;
    loop {
        let rest = &text[at + 1..];
        let used = reference(rest, in_attribute, &mut out)?;
        at += 1 + used;
        match memchr::memchr(b'&', &text.as_bytes()[at..]) {
            None => {
                out.push_str(&text[at..]);
                return Ok(Cow::Owned(out));
            }
            Some(n) => {
                out.push_str(&text[at..at + n]);
                at += n;
            }
        }
    }
}

/// Decodes the reference behind an `&`; gives the bytes used.
fn reference(rest: &str, in_attribute: bool, out: &mut String) -> Result<usize, Unknown> {
    if let Some(number) = rest.strip_prefix('#') {
        return numeric(number, out).map(|n| n + 1);
    }
    let len = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let name = &rest[..len];
    if len == 0 {
        out.push('&');
        return Ok(0);
    }
    if rest[len..].starts_with(';') {
        let value = named(name).ok_or(Unknown)?;
        out.push_str(value);
        return Ok(len + 1);
    }
    let legacy = LEGACY
        .iter()
        .any(|l| if in_attribute { *l == name && !rest[len..].starts_with('=') } else { name.starts_with(l) });
    if legacy {
        return Err(Unknown);
    }
    out.push('&');
    Ok(0)
}

fn numeric(number: &str, out: &mut String) -> Result<usize, Unknown> {
    let (digits, radix, skip) = match number.strip_prefix(['x', 'X']) {
        Some(hex) => (hex, 16, 1),
        None => (number, 10, 0),
    };
    let len = digits.bytes().take_while(|b| (*b as char).is_digit(radix)).count();
    if len == 0 || len > 8 || !digits[len..].starts_with(';') {
        return Err(Unknown);
    }
    let code = u32::from_str_radix(&digits[..len], radix).map_err(|_| Unknown)?;
    // 0x80 to 0x9f stand for windows-1252; controls and surrogates have rules of their own.
    if code < 0x20 && code != 0x0a && code != 0x09 || (0x7f..0xa0).contains(&code) {
        return Err(Unknown);
    }
    out.push(char::from_u32(code).ok_or(Unknown)?);
    Ok(skip + len + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        assert_eq!(decode("a&nbsp;b &amp; c&#8226;&#x4e2d; d & e", false).as_deref(), Ok("a\u{a0}b & c•中 d & e"));
        assert_eq!(decode("?a=1&b=2&copy=3", true).as_deref(), Ok("?a=1&b=2&copy=3"));
        assert_eq!(decode("&copy 2020", false), Err(Unknown));
        assert_eq!(decode("&notin;", false), Err(Unknown));
        assert_eq!(decode("&#150;", false), Err(Unknown));
        assert!(matches!(decode("plain", false), Ok(Cow::Borrowed(_))));
    }
}
