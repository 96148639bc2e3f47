//! How sure the extractor is of a text: the chance that it is the article, from what was measured on the way.
//!
//! A logistic model over [`Signals`]. `scripts/fit-confidence.py` fits its weights and writes them to `weights.rs`.

mod language;
mod signals;
mod views;
mod weights;

use memchr::memmem;

use super::Rejection;
use super::blocks::Blocks;
use super::generic::Choice;
use super::meta::Meta;
use super::mojibake;
use super::tidy::Body;
use super::title::Headline;
use crate::record::{Doubt, Reason, Record};
use crate::text::squashed;
pub use signals::Signals;

/// What was extracted from a page by the generic extractor.
#[derive(Clone, Copy)]
pub struct Extraction<'e, 'a> {
    /// The page's lines.
    pub blocks: &'e Blocks<'a>,
    /// The container.
    pub choice: &'e Choice,
    /// The body made of it.
    pub body: &'e Body,
    /// The headline.
    pub headline: Option<&'e Headline>,
}

impl Signals {
    /// Measures a text alone.
    pub fn of_text(record: &Record, linked: u32) -> Self {
        let mut out = Self::default();
        language::measure(&record.text, linked, &mut out);
        out.dated = if record.published_at.is_some() { 1.0 } else { 0.0 };
        out
    }

    /// Measures a text, its container, and other views of the page.
    pub fn of_page(from: Extraction<'_, '_>, meta: &Meta, record: &Record) -> Self {
        let mut out = Self::of_text(record, from.body.linked);
        views::Kept::new(from.blocks, from.choice, &from.body.lines).measure(from.headline, &mut out);
        out.declared(meta, record);
        out
    }

    /// Compares the text with what the page declares of it.
    fn declared(&mut self, meta: &Meta, record: &Record) {
        let text = squashed(&record.text);
        if let Some(declared) = meta.json_ld_text("articleBody") {
            let (a, b) = (squashed(declared).len() as f32, text.len() as f32);
            if a >= 200.0 {
                self.declared_length = a.min(b) / a.max(b);
            }
        }
        let description = ["og:description", "description", "twitter:description"].iter().find_map(|n| meta.get(n));
        if let Some(description) = description {
            self.description = found_in(&text, &squashed(description), 12);
        }
        if let Some(title) = &record.title {
            let words = words(title);
            if !words.is_empty() {
                let found =
                    words.iter().filter(|w| memmem::find(record.text.as_bytes(), w.as_bytes()).is_some()).count();
                self.headline_words = found as f32 / words.len() as f32;
            }
        }
    }

    /// The chance, between 0 and 1, that the text is the article.
    pub fn confidence(&self) -> f32 {
        let mut sum = weights::INTERCEPT;
        for ((name, value), weight) in self.named().zip(&weights::WEIGHTS) {
            debug_assert_eq!(name, weight.name);
            if value.is_finite() {
                let z = ((value - weight.mean) / weight.scale).clamp(-4.0, 4.0);
                sum += weight.weight * z + weight.low * (-1.0 - z).max(0.0) + weight.high * (z - 1.0).max(0.0);
            }
        }
        1.0 / (1.0 + (-sum).exp())
    }
}

/// Writes the confidence and the doubts into a record.
pub fn judge(record: &mut Record, signals: &Signals) {
    // Three digits say all that the model knows.
    record.confidence = Some((signals.confidence() * 1000.0).round() / 1000.0);
    let others_disagree = signals.paragraphs_kept < 0.5
        || signals.body_kept < 0.3
        || signals.paragraphs_hold < 0.5 && signals.body_holds < 0.5;
    let doubts = [
        (mojibake::lost_share(&record.text) > 0.0, Doubt::Garbled),
        (signals.linked >= 0.4, Doubt::MostlyLinks),
        (signals.headline_above == 0.0 || signals.headline_skips >= 0.3, Doubt::OutsideHeadlineContainer),
        (signals.footer >= 0.2, Doubt::FooterLike),
        (signals.share_of_page < 0.25, Doubt::ShareOfPage),
        (signals.rival >= 0.7, Doubt::RivalContainer),
        (others_disagree, Doubt::ViewsDisagree),
        (record.title.is_none(), Doubt::NoTitle),
        (record.published_at.is_none(), Doubt::NoDate),
        (record.truncated, Doubt::Truncated),
    ];
    for (_, of) in doubts.into_iter().filter(|(holds, _)| *holds) {
        doubt(record, of);
    }
}

/// Adds a doubt, once, in the order of [`Doubt`].
pub fn doubt(record: &mut Record, doubt: Doubt) {
    if let Err(at) = record.doubts.binary_search(&doubt) {
        record.doubts.insert(at, doubt);
    }
}

/// Returns the rejection of a record of too little confidence.
pub fn is_below(record: &Record, least: Option<f32>) -> Option<Rejection> {
    let (confidence, least) = (record.confidence?, least?);
    if confidence >= least {
        return None;
    }
    let doubts: Vec<&str> = record.doubts.iter().map(|d| d.as_str()).collect();
    let doubts = if doubts.is_empty() { "no doubts".to_owned() } else { doubts.join(", ") };
    let detail = format!("confidence {confidence} is below {least}: {doubts}");
    Some(Rejection { reason: Reason::LowConfidence, detail })
}

/// Share of the pieces of a text, of so many bytes or somewhat more each, that another one holds.
fn found_in(text: &str, part: &str, size: usize) -> f32 {
    let (mut found, mut all, mut from) = (0, 0, 0);
    while all < 12 && from + size <= part.len() {
        let mut end = from + size;
        while !part.is_char_boundary(end) {
            end += 1;
        }
        found += usize::from(memmem::find(text.as_bytes(), &part.as_bytes()[from..end]).is_some());
        all += 1;
        from = end;
    }
    if all == 0 { f32::NAN } else { found as f32 / all as f32 }
}

/// Words of a headline: two Chinese characters, or four letters and more.
fn words(title: &str) -> Vec<&str> {
    let mut out = Vec::new();
    for part in title.split(|c: char| !c.is_alphanumeric()).filter(|p| !p.is_empty()) {
        if part.is_ascii() {
            out.extend((part.len() >= 4).then_some(part));
            continue;
        }
        let starts: Vec<usize> = part.char_indices().map(|(at, _)| at).chain([part.len()]).collect();
        out.extend(starts.windows(3).step_by(2).map(|w| &part[w[0]..w[2]]));
    }
    out.truncate(16);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_measurement_has_its_weight() {
        let names: Vec<_> = Signals::default().named().map(|(name, _)| name).collect();
        let weighed: Vec<_> = weights::WEIGHTS.iter().map(|w| w.name).collect();
        assert_eq!(names, weighed, "run scripts/fit-confidence.py --write");
    }

    #[test]
    fn what_was_not_measured_counts_as_the_mean() {
        let mut signals = Signals::default();
        let neutral = signals.confidence();
        assert!(neutral > 0.5 && neutral < 1.0);
        signals.share_of_page = 0.0;
        signals.paragraphs_kept = 0.0;
        signals.footer = 1.0;
        assert!(signals.confidence() < 0.1);
    }

    #[test]
    fn doubts_are_named_once_and_in_order() {
        let mut record = Record { title: Some("桥".to_owned()), ..Record::default() };
        let signals = Signals { linked: 0.5, footer: 0.3, ..Signals::default() };
        doubt(&mut record, Doubt::SelectorFallback);
        judge(&mut record, &signals);
        doubt(&mut record, Doubt::NoDate);
        let expected = [Doubt::MostlyLinks, Doubt::FooterLike, Doubt::NoDate, Doubt::SelectorFallback];
        assert_eq!(record.doubts, expected);
        let rejection = is_below(&Record { confidence: Some(0.25), ..record.clone() }, Some(0.5));
        let detail = rejection.map(|r| r.detail).unwrap_or_default();
        assert_eq!(detail, "confidence 0.25 is below 0.5: mostly-links, footer-like, no-date, selector-fallback");
        assert!(is_below(&record, None).is_none());
    }
}
