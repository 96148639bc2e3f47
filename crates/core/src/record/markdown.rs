//! A record as Markdown (GitHub's dialect) with front matter in YAML.

use std::fmt::Write;

use super::{Block, Record};

impl Record {
    /// Returns the record as a Markdown document: front matter, then its blocks; its lines as paragraphs where it has none.
    pub fn to_markdown(&self) -> String {
        let mut out = self.front_matter();
        let mut writer = Writer { out: &mut out, numbers: Vec::new() };
        if self.blocks.is_empty() {
            self.text.lines().for_each(|line| writer.paragraph(line));
        }
        self.blocks.iter().for_each(|block| writer.block(block));
        out
    }

    fn front_matter(&self) -> String {
        let mut out = "---\n".to_owned();
        let author = match &self.authors[..] {
            [] => None,
            [one] => Some(serde_json::Value::from(one.as_str())),
            many => Some(many.to_vec().into()),
        };
        let of = |text: &Option<String>| text.as_deref().map(serde_json::Value::from);
        let fields = [
            ("title", of(&self.title)),
            ("date", of(&self.published_at)),
            ("author", author),
            ("source", of(&self.source)),
            ("url", of(&self.canonical_url).or_else(|| of(&self.url))),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                // A value of JSON is one of YAML.
                let _ = writeln!(out, "{name}: {value}");
            }
        }
        out.push_str("---\n\n");
        out
    }
}

struct Writer<'o> {
    out: &'o mut String,
    /// Number of the last item at each depth of the list under way; empty outside of lists.
    numbers: Vec<u32>,
}

impl Writer<'_> {
    fn block(&mut self, block: &Block) {
        if let Block::ListItem { ordered, depth, text } = block {
            return self.item(*ordered, usize::from(*depth), text);
        }
        self.numbers.clear();
        match block {
            Block::Paragraph { text } | Block::Turn { text, .. } | Block::Formula { text } => self.paragraph(text),
            Block::Heading { level, text } => {
                let level = usize::from((*level).clamp(1, 6));
                let _ = write!(self.out, "{} {}\n\n", "#".repeat(level), escape(text));
            }
            Block::Quote { text } => {
                let lines: Vec<String> = text.lines().map(|line| format!("> {}", escape(line))).collect();
                let _ = write!(self.out, "{}\n\n", lines.join("\n>\n"));
            }
            Block::Verse { text } => {
                let lines: Vec<String> = text.lines().filter(|l| !l.trim().is_empty()).map(escape).collect();
                let _ = write!(self.out, "{}\n\n", lines.join("\\\n"));
            }
            Block::Code { text } => {
                let fence = "`".repeat(longest_run(text, '`').max(2) + 1);
                let _ = write!(self.out, "{fence}\n{text}\n{fence}\n\n");
            }
            Block::Table { header, rows } => self.table(header, rows),
            Block::Figure { src, caption, alt } => self.figure(src, caption.as_deref(), alt.as_deref()),
            Block::ListItem { .. } => {}
        }
    }

    fn paragraph(&mut self, text: &str) {
        let _ = write!(self.out, "{}\n\n", escape(text));
    }

    fn item(&mut self, ordered: bool, depth: usize, text: &str) {
        // Deeper by more than one would be code.
        let depth = depth.clamp(1, self.numbers.len() + 1);
        let last = self.numbers.get(depth - 1).copied().unwrap_or_default();
        self.numbers.truncate(depth - 1);
        // Two digits at most, so that what stands below is indented enough; a reader's program counts by itself.
        let number = (last + 1).min(99);
        self.numbers.push(number);
        let marker = if ordered { format!("{number}. ") } else { "- ".to_owned() };
        let indent = " ".repeat(4 * (depth - 1));
        let inner = " ".repeat(indent.len() + marker.len());
        for (n, line) in text.lines().enumerate() {
            let lead = if n == 0 { format!("{indent}{marker}") } else { inner.clone() };
            let _ = write!(self.out, "{lead}{}\n\n", escape(line));
        }
    }

    fn table(&mut self, header: &[String], rows: &[Vec<String>]) {
        let width = rows.iter().map(Vec::len).chain([header.len()]).max().unwrap_or_default();
        let row = |out: &mut String, cells: &[String]| {
            let cells = (0..width).map(|n| cells.get(n).map(|c| escape(c)).unwrap_or_default());
            let _ = writeln!(out, "| {} |", cells.collect::<Vec<_>>().join(" | "));
        };
        row(self.out, header);
        let _ = writeln!(self.out, "|{}", " --- |".repeat(width));
        rows.iter().for_each(|cells| row(self.out, cells));
        self.out.push('\n');
    }

    fn figure(&mut self, src: &str, caption: Option<&str>, alt: Option<&str>) {
        let src = src.replace('\\', "%5C").replace('<', "%3C").replace('>', "%3E").replace(['\n', '\r'], "");
        let _ = write!(self.out, "![{}](<{src}>)\n\n", alt.map(escape).unwrap_or_default());
        if let Some(caption) = caption {
            let _ = write!(self.out, "*{}*\n\n", escape(caption));
        }
    }
}

/// Writes a line so that Markdown reads it as text: a backslash before every sign that may mean something.
fn escape(line: &str) -> String {
    let line = line.trim();
    let mut out = String::with_capacity(line.len() + 8);
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    for (at, c) in line.char_indices() {
        let means = match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '~' | '|' | '&' | '#' | '$' => true,
            '+' | '-' | '=' => at == 0,
            '.' | ')' => at == digits && digits > 0,
            _ => false,
        };
        if means {
            out.push('\\');
        }
        out.push(if c == '\n' || c == '\t' { ' ' } else { c });
    }
    out
}

/// Length of the longest run of a character.
fn longest_run(text: &str, of: char) -> usize {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == of { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

    use super::*;

    /// The text that a Markdown parser reads, one line a block; cells are parted by tabs.
    fn read_back(markdown: &str) -> String {
        let body = markdown.split_once("\n---\n\n").unwrap().1;
        let (mut out, mut hidden) = (String::new(), 0);
        let line = |out: &mut String| {
            if !out.is_empty() && !out.ends_with('\n') {
                out.push('\n');
            }
        };
        for event in Parser::new_ext(body, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
            match event {
                Event::Start(Tag::Image { .. } | Tag::Emphasis) => hidden += 1,
                Event::End(TagEnd::Image | TagEnd::Emphasis) => hidden -= 1,
                Event::Text(text) | Event::Code(text) if hidden == 0 => out.push_str(&text),
                Event::SoftBreak | Event::HardBreak => out.push('\n'),
                Event::Start(Tag::Item)
                | Event::End(TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::CodeBlock) => {
                    line(&mut out);
                }
                Event::End(TagEnd::TableCell) => out.push('\t'),
                Event::End(TagEnd::TableRow | TagEnd::TableHead) => out.push('\n'),
                _ => {}
            }
        }
        let lines: Vec<&str> = out.lines().map(|l| l.trim_matches('\t')).filter(|l| !l.is_empty()).collect();
        lines.join("\n")
    }

    fn record(blocks: Vec<Block>) -> Record {
        let text = blocks.iter().filter_map(Block::text).collect::<Vec<_>>().join("\n");
        Record { text, blocks, title: Some("\"桥\": a\\b".to_owned()), ..Record::default() }
    }

    #[test]
    fn front_matter_holds_the_fields() {
        let record = Record {
            title: Some("三座\"木桥\"".to_owned()),
            published_at: Some("2026-03-02T08:15:00+08:00".to_owned()),
            authors: vec!["张三".to_owned(), "李四".to_owned()],
            source: Some("海湾日报".to_owned()),
            url: Some("https://www.haiwan.example/1.htm".to_owned()),
            text: "桥修好了。".to_owned(),
            ..Record::default()
        };
        let expected = "---\ntitle: \"三座\\\"木桥\\\"\"\ndate: \"2026-03-02T08:15:00+08:00\"\nauthor: [\"张三\",\"李四\"]\n\
                        source: \"海湾日报\"\nurl: \"https://www.haiwan.example/1.htm\"\n---\n\n桥修好了。\n\n";
        assert_eq!(record.to_markdown(), expected);
    }

    #[test]
    fn blocks_are_written_in_their_own_form() {
        let text = |t: &str| t.to_owned();
        let row = |a: &str, b: &str| vec![a.to_owned(), b.to_owned()];
        let blocks = vec![
            Block::Heading { level: 2, text: text("木料") },
            Block::ListItem { ordered: true, depth: 1, text: text("选料") },
            Block::ListItem { ordered: false, depth: 2, text: text("杉木") },
            Block::ListItem { ordered: true, depth: 1, text: text("上漆") },
            Block::Table { header: row("桥", "长"), rows: vec![row("东桥", "12|3")] },
            Block::Quote { text: text("急不得。") },
            Block::Code { text: text("a ``` b") },
            Block::Verse { text: text("山高\n水长") },
            Block::Figure { src: text("https://a.example/1.jpg"), caption: Some(text("木桥")), alt: None },
        ];
        let markdown = record(blocks).to_markdown();
        for part in [
            "## 木料\n",
            "\n1. 选料\n\n    - 杉木\n",
            "| 桥 | 长 |\n| --- | --- |\n| 东桥 | 12\\|3 |\n",
            "> 急不得。\n",
            "````\na ``` b\n````\n",
            "山高\\\n水长\n",
            "![](<https://a.example/1.jpg>)\n\n*木桥*\n",
        ] {
            assert!(markdown.contains(part), "{part}\n{markdown}");
        }
    }

    /// Lines of anything that a line of text may hold: no blanks at its ends, none in a row.
    fn lines() -> impl Strategy<Value = String> {
        "[一-龥a-z0-9#*_`~|<>&\\[\\]()!.+=:$\\\\-]{1,12}( [一-龥a-z0-9#*_`~|<>&\\[\\]()!.+=:$\\\\-]{1,8}){0,3}"
    }

    fn block() -> impl Strategy<Value = Block> {
        let cell = || lines();
        prop_oneof![
            lines().prop_map(|text| Block::Paragraph { text }),
            (1u8..=6, lines()).prop_map(|(level, text)| Block::Heading { level, text }),
            (any::<bool>(), 1u8..4, lines()).prop_map(|(ordered, depth, text)| Block::ListItem {
                ordered,
                depth,
                text
            }),
            lines().prop_map(|text| Block::Quote { text }),
            prop::collection::vec(lines(), 1..4).prop_map(|l| Block::Verse { text: l.join("\n") }),
            prop::collection::vec(lines(), 1..4).prop_map(|l| Block::Code { text: l.join("\n") }),
            (prop::collection::vec(cell(), 2..3), prop::collection::vec(prop::collection::vec(cell(), 2..3), 1..4))
                .prop_map(|(header, rows)| Block::Table { header, rows }),
        ]
    }

    proptest! {
        #[test]
        fn a_parser_reads_the_same_text(blocks in prop::collection::vec(block(), 1..8)) {
            let record = record(blocks);
            let markdown = record.to_markdown();
            prop_assert_eq!(read_back(&markdown), record.text, "{}", markdown);
        }
    }
}
