//! The measurements that the confidence is computed from.

/// Declares the struct and the list of its names together, so that a table of weights can name each of them.
macro_rules! signals {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Measurements of a page and of what was extracted from it. One that could not be taken is NaN, and counts as the
        /// mean of the pages that the weights were fitted to.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Signals {
            $($(#[$doc])* pub $name: f32,)*
        }

        impl Default for Signals {
            fn default() -> Self {
                Self { $($name: f32::NAN,)* }
            }
        }

        impl Signals {
            /// Name and value of each, in a fixed order.
            pub fn named(&self) -> impl Iterator<Item = (&'static str, f32)> {
                [$((stringify!($name), self.$name),)*].into_iter()
            }
        }
    };
}

signals! {
    // The text.
    /// Logarithm of the length in Chinese characters; a Latin letter counts as 0.4 of one.
    length,
    /// Logarithm of the number of lines.
    lines,
    /// Share of the text in lines of Latin letters.
    latin,
    /// Share of the text in lines that end a sentence.
    ends,
    /// Share of the lines that end a sentence.
    lines_ending,
    /// Share of the lines that are shorter than a sentence.
    short_lines,
    /// Share of the text in its longest line.
    longest,
    /// Full stops in 100 characters.
    stops,
    /// Commas and the like in 100 characters.
    pauses,
    /// Digits in 100 characters.
    digits,
    /// Signs that sentences hardly have (`|`, `›`, `$`, `#`) in 100 characters.
    odd_signs,
    /// 1 where the last line ends a sentence.
    last_ends,
    /// Share of the text in lines that stand twice in it.
    repeated,
    /// Share of the text in lines of a footer.
    footer,
    /// Share of the lines with a date in them and no sentence.
    dated_lines,
    /// Share of the text inside links.
    linked,

    // The container.
    /// Logarithm of the container's value.
    value,
    /// Value of the best run of lines outside of the container, as a share of the container's.
    rival,
    /// Value of all text above the container, as a share of the container's.
    above,
    /// Value of all text below the container, as a share of the container's.
    below,
    /// Value of text that was cut inside the container, as a share of the container's.
    cut_value,
    /// Share of the container's lines that were cut.
    cut_lines,
    /// Longest row of cut lines between two lines that were kept, as a logarithm.
    hole,
    /// Share of the page's text outside of links that was kept.
    share_of_page,
    /// Share of the page's lines that are links.
    page_links,
    /// Logarithm of the number of the page's lines.
    page_lines,
    /// Share of the text that stands in one element with most of it.
    home,
    /// Number of elements that paragraphs stand in, by the number of paragraphs.
    homes,
    /// Share of the text in list items.
    items,
    /// Share of the lines that are headings.
    headings,
    /// Share of the text in elements that are named as comments, menus, or related articles.
    framed,
    /// Share of the text in elements that are named as the article or its body.
    named_body,
    /// Text below the headline that is not linked, not of a frame and not kept, as a share of the text.
    left,
    /// Headings below the headline that stand outside of the text, as a share of all.
    headings_left,
    /// Text of list items inside the container that was cut, as a share of the text.
    items_left,
    /// Share of the lines with a link.
    link_lines,
    /// Share of the text in elements of the commonest shape.
    shape,
    /// Mean length of the last third of the lines, as a share of that of all.
    tail,
    /// Logarithm of the page's text outside of links.
    page_text,
    /// Value of readers' comments on the page, as a share of the container's.
    comments,

    // Other views of the page.
    /// Share of the text that the element with most paragraphs below it holds.
    paragraphs_hold,
    /// Share of that element's text that was kept.
    paragraphs_kept,
    /// Share of the text that the largest element named as the article's body holds.
    body_holds,
    /// Share of that element's text that was kept.
    body_kept,
    /// Length of the article that the page declares, or of this text, whichever is shorter, as a share of the other.
    declared_length,
    /// Share of the declared description that stands in the text.
    description,
    /// Share of the headline's words that stand in the text.
    headline_words,

    // The headline.
    /// 1 where the visible headline and the declared one agree.
    headline_agrees,
    /// 1 where the headline stands above the text.
    headline_above,
    /// Logarithm of the number of lines between headline and text.
    headline_gap,
    /// Value of text between headline and text, as a share of the container's.
    headline_skips,
    /// 1 where a date of publication was found.
    dated,
}
