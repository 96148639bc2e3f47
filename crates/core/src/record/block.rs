//! The blocks of a body.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A block of a body. The blocks of a record, figures left out, hold the lines of its `text` in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Block {
    /// Running text.
    Paragraph {
        /// One line.
        text: String,
    },
    /// A heading of a part of the text.
    Heading {
        /// 1 to 6, as the page has it.
        level: u8,
        /// One line.
        text: String,
    },
    /// An item of a list.
    ListItem {
        /// The list is numbered.
        ordered: bool,
        /// 1 for a list that stands in no other one.
        depth: u8,
        /// A line for each paragraph of the item.
        text: String,
    },
    /// A table of data.
    Table {
        /// The cells of the head, where the table has one.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        header: Vec<String>,
        /// The cells of each other row.
        rows: Vec<Vec<String>>,
    },
    /// A quotation that the page sets apart.
    Quote {
        /// A line for each paragraph.
        text: String,
    },
    /// Code, with its line breaks and indentation.
    Code {
        /// The lines.
        text: String,
    },
    /// Verse, or other text whose line breaks matter.
    Verse {
        /// The lines.
        text: String,
    },
    /// A picture.
    Figure {
        /// Absolute address.
        src: String,
        /// The caption beneath it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caption: Option<String>,
        /// What the page says for those who do not see it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alt: Option<String>,
    },
    /// What one person says in an interview, where the page marks up who speaks.
    Turn {
        /// Who speaks.
        speaker: String,
        /// The whole line, with the speaker in front.
        text: String,
    },
    /// A formula that stands alone.
    Formula {
        /// As a reader would type it.
        text: String,
    },
}

impl Block {
    /// Returns the lines of `text` that the block holds, joined by line breaks; `None` for a figure.
    pub fn text(&self) -> Option<String> {
        match self {
            Block::Figure { .. } => None,
            Block::Table { header, rows } => {
                let head = (!header.is_empty()).then_some(header);
                let lines: Vec<String> = head.into_iter().chain(rows).map(|cells| row_text(cells)).collect();
                Some(lines.join("\n"))
            }
            Block::Paragraph { text }
            | Block::Heading { text, .. }
            | Block::ListItem { text, .. }
            | Block::Quote { text }
            | Block::Code { text }
            | Block::Verse { text }
            | Block::Turn { text, .. }
            | Block::Formula { text } => Some(text.clone()),
        }
    }

    pub(super) fn drop_control_characters(&mut self) {
        let clean = |text: &mut String| text.retain(|c| !c.is_control() || matches!(c, '\n' | '\t'));
        match self {
            Block::Paragraph { text }
            | Block::Heading { text, .. }
            | Block::ListItem { text, .. }
            | Block::Quote { text }
            | Block::Code { text }
            | Block::Verse { text }
            | Block::Formula { text } => clean(text),
            Block::Turn { speaker, text } => [speaker, text].into_iter().for_each(clean),
            Block::Table { header, rows } => header.iter_mut().chain(rows.iter_mut().flatten()).for_each(clean),
            Block::Figure { src, caption, alt } => {
                [Some(src), caption.as_mut(), alt.as_mut()].into_iter().flatten().for_each(clean);
            }
        }
    }
}

/// The line of `text` that a row is: its cells parted by tabs, without the empty ones at both ends.
pub fn row_text(cells: &[String]) -> String {
    cells.join("\t").trim_matches(crate::text::is_blank).to_owned()
}
