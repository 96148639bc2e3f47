//! What each stage of cleaning costs, over all pages at hand: those of `tests/pages`, and real ones where they lie beside the
//! repository. `cargo bench --bench stages`; figures are for one pass over all pages, and mean something only beside others
//! of the same run.

#[path = "../tests/support/corpus.rs"]
mod corpus;

use std::sync::LazyLock;

use divan::{Bencher, counter::BytesCount};
use jingwen::clean::dom::{self, Keep, Limits};
use jingwen::clean::{Body, Options, Page, blocks, clean, decode, meta};
use jingwen::sites::Sites;
use scraper::Html;
use url::Url;

struct Saved {
    url: Option<Url>,
    bytes: Vec<u8>,
    text: String,
}

static PAGES: LazyLock<Vec<Saved>> = LazyLock::new(|| {
    let mut pages = corpus::real();
    if pages.is_empty() {
        pages = corpus::own();
    }
    let read = |page: corpus::Saved| Saved {
        url: page.url.and_then(|u| Url::parse(&u).ok()),
        text: decode::decode(&page.bytes, None, None).text.into_owned(),
        bytes: page.bytes,
    };
    pages.into_iter().map(read).collect()
});
static SITES: LazyLock<Sites> = LazyLock::new(Sites::builtin);

fn main() {
    divan::main();
}

fn trees() -> Vec<Html> {
    PAGES.iter().map(|p| dom::document(&p.text, &Keep::default())).collect()
}

fn size() -> BytesCount {
    BytesCount::new(PAGES.iter().map(|p| p.bytes.len()).sum::<usize>())
}

/// Bytes to text.
#[divan::bench]
fn decode_bytes(bencher: Bencher<'_, '_>) {
    bencher
        .counter(size())
        .bench_local(|| PAGES.iter().map(|p| decode::decode(&p.bytes, None, None).text.len()).sum::<usize>());
}

/// Text to tree, without what no rule can ask for.
#[divan::bench]
fn tree(bencher: Bencher<'_, '_>) {
    bencher.counter(size()).bench_local(|| {
        PAGES.iter().map(|p| dom::document(&p.text, &Keep::default()).tree.nodes().len()).sum::<usize>()
    });
}

/// The same by html5ever alone, for comparison.
#[divan::bench]
fn tree_by_html5ever(bencher: Bencher<'_, '_>) {
    bencher.counter(size()).bench_local(|| {
        PAGES.iter().map(|p| dom::full(&p.text, &Keep::default(), Limits::default()).tree.nodes().len()).sum::<usize>()
    });
}

/// Tree to lines.
#[divan::bench]
fn lines(bencher: Bencher<'_, '_>) {
    let trees = trees();
    bencher.counter(size()).bench_local(|| {
        trees.iter().map(|html| blocks::blocks(html, html.tree.root().id(), &|_| false).lines.len()).sum::<usize>()
    });
}

/// `meta` and JSON-LD.
#[divan::bench]
fn declared(bencher: Bencher<'_, '_>) {
    let trees = trees();
    bencher
        .counter(size())
        .bench_local(|| trees.iter().filter(|html| meta::Meta::of(html).get("og:title").is_some()).count());
}

fn whole(options: &Options, markup: bool) -> usize {
    let one = |page: &Saved| {
        let body = if markup { Body::Markup(&page.text) } else { Body::Html(&page.bytes) };
        let page = Page { url: page.url.as_ref(), body, content_type: None, fetched_at: None };
        usize::from(clean(&page, &SITES, options).article.is_ok())
    };
    PAGES.iter().map(one).sum()
}

/// Everything, with selector files.
#[divan::bench(args = [false, true])]
fn clean_with_selector_files(bencher: Bencher<'_, '_>, links: bool) {
    let options = Options { links, ..Options::default() };
    whole(&options, false);
    bencher.counter(size()).bench_local(|| whole(&options, false));
}

/// Everything, without.
#[divan::bench]
fn clean_generic(bencher: Bencher<'_, '_>) {
    let options = Options { generic_only: true, ..Options::default() };
    whole(&options, false);
    bencher.counter(size()).bench_local(|| whole(&options, false));
}

/// Selector files: compiled when first needed, and all of them.
#[divan::bench]
fn sites_ready(bencher: Bencher<'_, '_>) {
    bencher.bench_local(Sites::builtin);
}
