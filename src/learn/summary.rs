//! Summaries by a machine, which stand in the container and read like a first paragraph.

use std::collections::HashSet;

use super::study::Study;
use super::text::squash;

/// Takes summaries by a machine out of the taught bodies: on one page they look like a first paragraph.
pub fn unteach(studies: &mut [Study]) {
    for study in studies {
        let labels: Vec<usize> = (0..study.lines.len()).filter(|&i| is_machine_label(&study.lines[i].text)).collect();
        let found: HashSet<usize> = labels.into_iter().filter_map(|l| summary_at(study, l)).flatten().collect();
        let squashed: HashSet<String> = found.iter().map(|&i| study.lines[i].squashed.clone()).collect();
        for i in found {
            study.lines[i].body = false;
        }
        if !squashed.is_empty() {
            let kept: Vec<&str> = study.text.lines().filter(|l| !squashed.contains(&squash(l))).collect();
            study.text = kept.join("\n");
        }
    }
}

/// The lines of the tightest element that begins with this label and holds more than it, if that is not the article.
fn summary_at(study: &Study, label: usize) -> Option<std::ops::Range<usize>> {
    let range = (0..study.elems.len())
        .map(|e| study.range(e))
        .filter(|r| r.start == label && r.len() > 1)
        .min_by_key(std::iter::ExactSizeIterator::len)?;
    let body: u32 = range.clone().filter(|&i| study.lines[i].body).map(|i| study.lines[i].chars).sum();
    // More than that is the article, and the label stands bare before it.
    (body > 0 && body * 5 <= study.body_chars() * 2).then_some(range)
}

/// `AI摘要`, `【智能导读】`: a heading of its own, no sentence.
fn is_machine_label(line: &str) -> bool {
    const BY: [&str; 5] = ["AI", "Ai", "人工智能", "智能", "大模型"];
    const WHAT: [&str; 8] = ["摘要", "总结", "總結", "导读", "導讀", "速览", "概要", "看点"];
    let line = squash(line);
    let bare = line.trim_matches(|c: char| !c.is_alphanumeric());
    BY.iter().filter_map(|by| bare.strip_prefix(by)).any(|rest| WHAT.contains(&rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_told_from_sentences() {
        for label in ["AI摘要", "【智能导读】", "AI 总结：", "人工智能概要"] {
            assert!(is_machine_label(label), "{label}");
        }
        for line in ["智能手机摘要", "摘要", "AI总结会议在深圳召开，十位代表发言", "智能制造"]
        {
            assert!(!is_machine_label(line), "{line}");
        }
    }
}
