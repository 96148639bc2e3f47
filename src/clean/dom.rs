//! Text to tree.

use scraper::Html;

/// Parses a document.
pub fn document(text: &str) -> Html {
    Html::parse_document(text)
}

/// Parses a piece of markup.
pub fn fragment(text: &str) -> Html {
    Html::parse_document(text)
}
