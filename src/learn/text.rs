//! Comparing texts: how far two bodies agree.

use std::collections::HashMap;

use crate::clean::blocks::is_blank;

/// A text without white space.
pub fn squash(text: &str) -> String {
    text.chars().filter(|c| !is_blank(*c)).collect()
}

/// Agreement of two texts, 0 to 1: the F1 of their runs of four characters.
pub fn agreement(a: &str, b: &str) -> f64 {
    let (a, b) = (shingles(a), shingles(b));
    let total: u32 = a.values().sum::<u32>() + b.values().sum::<u32>();
    if total == 0 {
        return 1.0;
    }
    let both: u32 = a.iter().map(|(k, n)| (*n).min(b.get(k).copied().unwrap_or(0))).sum();
    f64::from(both) * 2.0 / f64::from(total)
}

fn shingles(text: &str) -> HashMap<[char; 4], u32> {
    let chars: Vec<char> = text.chars().filter(|c| !is_blank(*c)).collect();
    let mut out = HashMap::new();
    if chars.is_empty() {
        return out;
    }
    for at in 0..chars.len().saturating_sub(3).max(1) {
        let mut key = ['\0'; 4];
        for (to, from) in key.iter_mut().zip(&chars[at..]) {
            *to = *from;
        }
        *out.entry(key).or_insert(0) += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreement_is_one_for_the_same_and_none_for_others() {
        assert!((agreement("一二三四五六", "一二三 四五六") - 1.0).abs() < 1e-9);
        assert!(agreement("一二三四五六", "甲乙丙丁戊己") < 1e-9);
        assert!((agreement("", "") - 1.0).abs() < 1e-9);
        assert!(agreement("", "一") < 1e-9);
    }
}
