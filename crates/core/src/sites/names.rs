//! Which ids and classes last: names that a person gave, and not a build.

/// A name that a person gave: neither made by a build nor by an article's number.
pub fn is_stable(name: &str) -> bool {
    (2..=40).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        && name.bytes().filter(u8::is_ascii_alphabetic).count() >= 2
        && longest_number(name) <= 3
        && !["css-", "sc-", "jsx-", "data-v-", "svelte-", "emotion-"].iter().any(|p| name.starts_with(p))
        && !name.split(['-', '_']).any(is_hash)
}

fn longest_number(name: &str) -> usize {
    name.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0)
}

/// `bH1VR`, `3kX9z`, `mGhSx`: letters and digits, or small and capital letters, in no order a person would choose.
fn is_hash(token: &str) -> bool {
    let class = |b: u8| match b {
        b'0'..=b'9' => 0,
        b'A'..=b'Z' => 1,
        _ => 2,
    };
    let bytes = token.as_bytes();
    if bytes.len() < 4 || bytes.len() > 24 {
        return false;
    }
    let changes = bytes.windows(2).filter(|w| class(w[0]) != class(w[1])).count();
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = bytes.len() - digits;
    // `post2col` has two changes as well, so a digit among letters needs a third sign.
    digits > 0 && letters > 0 && changes >= 3
        || bytes.len() <= 9 && changes >= 4
        || digits >= 2 && letters >= 1 && bytes[0].is_ascii_digit()
        || digits > 0 && changes >= 2 && bytes.len() >= 5 && bytes.len() <= 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_people_and_of_builds() {
        for name in
            ["endText", "post_body", "article-content", "epContentLeft", "h1-news", "rm_txt_con", "box01", "col-300"]
        {
            assert!(is_stable(name), "{name}");
        }
        for name in ["index_main_bH1VR", "css-1a2b3c", "sc-bdVaJa", "article_12345678", "1a", "_3kX9z", "净文", "a b"]
        {
            assert!(!is_stable(name), "{name}");
        }
    }
}
