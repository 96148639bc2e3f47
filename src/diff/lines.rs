//! Which lines of a text went and which came.

use serde::Serialize;

/// A line that is only in one of two texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "edit", content = "line")]
pub enum Edit {
    /// Only in the old text.
    Gone(String),
    /// Only in the new text.
    New(String),
}

/// Most pairs of lines that are compared; beyond it, everything between the common beginning and end counts as changed.
const MAX_PAIRS: usize = 4_000_000;

/// The lines that are not in both texts, in order; of a changed place the old lines first.
pub fn edits(old: &str, new: &str) -> Vec<Edit> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[head..], &new[head..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    let gone = |line: &&str| Edit::Gone((*line).to_owned());
    let came = |line: &&str| Edit::New((*line).to_owned());
    if old.len().saturating_mul(new.len()) > MAX_PAIRS {
        return old.iter().map(gone).chain(new.iter().map(came)).collect();
    }
    // Length of the longest common run of lines from each pair on.
    let width = new.len() + 1;
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = if old[i] == new[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let mut out = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            (i, j) = (i + 1, j + 1);
        } else if i < old.len() && (j == new.len() || common[(i + 1) * width + j] >= common[i * width + j + 1]) {
            out.push(gone(&old[i]));
            i += 1;
        } else {
            out.push(came(&new[j]));
            j += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(old: &str, new: &str) -> String {
        let show = |e: Edit| match e {
            Edit::Gone(l) => format!("-{l}"),
            Edit::New(l) => format!("+{l}"),
        };
        edits(old, new).into_iter().map(show).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn only_what_differs_is_told() {
        assert_eq!(show("一\n二\n三", "一\n二\n三"), "");
        assert_eq!(show("一\n二\n三", "一\n三"), "-二");
        assert_eq!(show("一\n三", "一\n二\n三\n四"), "+二 +四");
        assert_eq!(show("一\n二\n三", "一\n2\n三"), "-二 +2");
        assert_eq!(show("", "一"), "+一");
        assert_eq!(show("甲\n一\n二", "一\n二\n乙"), "-甲 +乙");
    }
}
