//! How sure the extractor was of a site's articles: a histogram, and those it was least sure of.

use std::fmt;

use serde::Serialize;

/// Articles that a report names.
const LEAST_SURE: usize = 5;

/// Confidence below which an article is named as one to look at.
const UNSURE: f32 = 0.5;

/// The confidence in articles that were written.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ConfidenceReport {
    /// Articles by tenth: the first are those below 0.1, the last those of 0.9 and more.
    pub tenths: [u64; 10],
    /// Address and confidence of those below 0.5, the least sure first, five at most.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub least_sure: Vec<(String, f32)>,
}

impl ConfidenceReport {
    /// Counts an article.
    pub fn note(&mut self, url: &str, confidence: f32) {
        self.tenths[((confidence * 10.0) as usize).min(9)] += 1;
        if confidence < UNSURE {
            self.name(url, confidence);
        }
    }

    /// Adds the articles of another.
    pub fn add(&mut self, other: &Self) {
        self.tenths.iter_mut().zip(other.tenths).for_each(|(mine, theirs)| *mine += theirs);
        other.least_sure.iter().for_each(|(url, confidence)| self.name(url, *confidence));
    }

    /// True if no article was counted.
    pub fn is_empty(&self) -> bool {
        self.tenths == [0; 10]
    }

    /// Articles of which the extractor is not sure.
    pub fn unsure(&self) -> u64 {
        self.tenths[..5].iter().sum()
    }

    fn name(&mut self, url: &str, confidence: f32) {
        let at = self.least_sure.partition_point(|(_, c)| *c <= confidence);
        if at < LEAST_SURE {
            self.least_sure.insert(at, (url.to_owned(), confidence));
            self.least_sure.truncate(LEAST_SURE);
        }
    }
}

impl fmt::Display for ConfidenceReport {
    /// Writes the tenths that hold articles, the surest first: `0.9 and more: 12, 0.6 to 0.7: 1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let filled = self.tenths.iter().enumerate().rev().filter(|(_, n)| **n > 0);
        for (i, (tenth, n)) in filled.enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            match tenth {
                9 => write!(f, "{comma}0.9 and more: {n}")?,
                0 => write!(f, "{comma}below 0.1: {n}")?,
                _ => write!(f, "{comma}0.{tenth} to 0.{}: {n}", tenth + 1)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_sure_are_named() {
        let mut report = ConfidenceReport::default();
        assert!(report.is_empty());
        for n in 0..20u8 {
            report.note(&format!("https://a.example/{n}"), 0.95 - f32::from(n) * 0.05);
        }
        let mut all = ConfidenceReport::default();
        all.add(&report);
        all.add(&report);
        assert_eq!(all.tenths.iter().sum::<u64>(), 40);
        assert_eq!(all.least_sure.len(), LEAST_SURE);
        assert_eq!(all.least_sure[0].0, "https://a.example/19");
        let mut one = ConfidenceReport::default();
        one.note("https://a.example/", 1.0);
        one.note("https://a.example/", 0.61);
        assert_eq!(one.to_string(), "0.9 and more: 1, 0.6 to 0.7: 1");
        assert_eq!((one.unsure(), one.least_sure.len()), (0, 0));
    }
}
