//! Measurements of the text alone.

use rustc_hash::FxHashSet;

use super::Signals;
use super::views::ratio;
use crate::clean::blocks::visible;
use crate::clean::generic::{ends_sentence, punctuation};
use crate::clean::kind;

/// Weight below which a line is too short for a sentence.
const SHORT: f32 = 12.0;

pub(super) fn measure(text: &str, linked: u32, out: &mut Signals) {
    let (mut all, mut latin, mut ends, mut longest, mut footer, mut repeated) = (0.0_f32, 0.0, 0.0, 0.0_f32, 0.0, 0.0);
    let (mut lines, mut ending, mut short, mut dated, mut chars) = (0u32, 0u32, 0u32, 0u32, 0u32);
    let (mut stops, mut pauses) = (0u32, 0u32);
    let mut seen = FxHashSet::default();
    let mut last_ends = false;
    for line in text.lines() {
        let n = visible(line);
        let is_latin = line.len() < n as usize * 3 / 2;
        let weight = n as f32 * if is_latin { 0.4 } else { 1.0 };
        let p = punctuation(line);
        last_ends = ends_sentence(line);
        lines += 1;
        chars += n;
        all += weight;
        longest = longest.max(weight);
        stops += p.stops;
        pauses += p.pauses;
        latin += if is_latin { weight } else { 0.0 };
        ends += if last_ends { weight } else { 0.0 };
        ending += u32::from(last_ends);
        short += u32::from(weight < SHORT);
        repeated += if seen.insert(line) { 0.0 } else { weight };
        if n <= 100 {
            footer += if kind::is_footer(line) { weight } else { 0.0 };
            dated += u32::from(n <= 60 && p.stops == 0 && kind::has_date(line));
        }
    }
    out.length = (1.0 + all).ln();
    out.lines = (1.0 + lines as f32).ln();
    out.latin = ratio(latin, all);
    out.ends = ratio(ends, all);
    out.lines_ending = ratio(ending as f32, lines as f32);
    out.short_lines = ratio(short as f32, lines as f32);
    out.longest = ratio(longest, all);
    out.stops = ratio(stops as f32 * 100.0, all).min(20.0);
    out.pauses = ratio(pauses as f32 * 100.0, all).min(20.0);
    out.last_ends = if last_ends { 1.0 } else { 0.0 };
    out.footer = ratio(footer, all);
    out.repeated = ratio(repeated, all);
    out.dated_lines = ratio(dated as f32, lines as f32);
    out.linked = ratio(linked as f32, chars as f32);
    let bytes = text.as_bytes();
    out.digits = ratio(bytes.iter().filter(|b| b.is_ascii_digit()).count() as f32 * 100.0, all).min(40.0);
    let odd = |b: &&u8| matches!(b, b'|' | b'>' | b'<' | b'$' | b'#' | b'=' | b'{' | b'}' | b'/' | b'_' | b'\t');
    out.odd_signs = ratio(bytes.iter().filter(odd).count() as f32 * 100.0, all).min(20.0);
}
