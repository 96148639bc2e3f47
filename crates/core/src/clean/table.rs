//! Tables of data, told from tables that lay a page out.

use ego_tree::NodeRef;
use scraper::Node;

/// Longest cell of a table of data, in characters.
const LONG_CELL: usize = 120;

/// True if a row's cells are data, which belong on one line: two or more, short, without a table, list or several
/// paragraphs inside, and hardly any link.
pub fn is_data_row(row: NodeRef<'_, Node>) -> bool {
    let (mut cells, mut chars, mut linked) = (0, 0, 0);
    for cell in row.children() {
        let Node::Element(e) = cell.value() else { continue };
        if !matches!(e.name(), "td" | "th") {
            continue;
        }
        let Some((own, of_links)) = measure(cell) else { return false };
        cells += 1;
        chars += own;
        linked += of_links;
    }
    cells >= 2 && chars > 0 && linked * 2 <= chars && !is_layout(row)
}

/// Characters of a cell, and of them those inside links; `None` if it holds more than a value.
fn measure(cell: NodeRef<'_, Node>) -> Option<(usize, usize)> {
    let (mut chars, mut linked, mut paragraphs) = (0, 0, 0);
    for node in cell.descendants() {
        match node.value() {
            Node::Element(e) => match e.name() {
                "table" | "ul" | "ol" | "h1" | "h2" | "form" | "script" | "iframe" => return None,
                "p" | "div" => paragraphs += 1,
                _ => {}
            },
            Node::Text(t) => {
                let here = t.chars().filter(|c| !c.is_whitespace()).count();
                chars += here;
                let is_link = |n: NodeRef<'_, Node>| n.value().as_element().is_some_and(|e| e.name() == "a");
                if here > 0 && node.ancestors().take(4).any(is_link) {
                    linked += here;
                }
                if chars > LONG_CELL {
                    return None;
                }
            }
            _ => {}
        }
    }
    (paragraphs <= 3).then_some((chars, linked))
}

/// The table holds another one, or a heading of the page: it places things.
fn is_layout(row: NodeRef<'_, Node>) -> bool {
    let is = |n: &NodeRef<'_, Node>, name: &str| n.value().as_element().is_some_and(|e| e.name() == name);
    let Some(table) = row.ancestors().take(3).find(|n| is(n, "table")) else { return false };
    let rows = table.children().flat_map(|n| if is(&n, "tr") { vec![n] } else { n.children().collect() });
    rows.filter(|n| is(n, "tr")).take(2).count() < 2
}
