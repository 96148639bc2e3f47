//! What a site's page shows of its lists, and of what its last run did not follow.

use std::collections::BTreeMap;
use std::fmt::Display;

use maud::{Markup, html};

use super::search::outside;
use super::words::{Words, clock};
use crate::crawl::report::SiteReport;
use crate::daemon::lists::{FaultyLists, ListFault};
use crate::daemon::live::Live;

/// Lists that fail, give nothing or are broken.
pub fn table(words: &Words, live: &Live, id: &str, lists: &FaultyLists) -> Markup {
    html! {
        section {
            h2 { (words.lists) }
            @if lists.iter().next().is_none() { p { (words.all_lists_well) } } @else {
                div.wide role="region" aria-label=(words.lists) tabindex="0" {
                    table {
                        thead { tr {
                            th scope="col" { (words.address) }
                            th scope="col" { (words.what) }
                            th scope="col" { (words.since) }
                            th scope="col" { (words.reason) }
                        } }
                        tbody {
                            @for (url, list) in lists.iter() {
                                tr {
                                    td.text {
                                        (outside(url, url))
                                        @if list.is_seed { " · " (words.starting_point) }
                                    }
                                    td { (fault(words, list.fault)) }
                                    td { (clock(list.since, &live.zone(id))) }
                                    td.text { (list.why) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn fault(words: &Words, fault: ListFault) -> &'static str {
    match fault {
        ListFault::Failed => words.list_failed,
        ListFault::Empty => words.list_empty,
        ListFault::Redirected => words.list_redirected,
        ListFault::Partial => words.list_partial,
    }
}

/// What a run counted beside articles and rejects.
pub fn last_run(words: &Words, counts: &SiteReport) -> Markup {
    let numbers = [(words.postponed, counts.postponed), (words.revisited, counts.revisited)];
    let numbers: Vec<_> = numbers.into_iter().filter(|(_, n)| *n > 0).collect();
    let is_shown =
        !(numbers.is_empty() && counts.waiting.is_empty() && counts.left.is_empty() && counts.resting.is_empty());
    html! {
        @if is_shown {
            section {
                h2 { (words.last_run_counts) }
                dl.facts {
                    @if !counts.waiting.is_empty() { dt { (words.retried) } dd { (by_reason(&counts.waiting)) } }
                    @for (what, n) in &numbers { dt { (what) } dd { (n) } }
                    @if !counts.left.is_empty() { dt { (words.left_out) } dd { (by_reason(&counts.left)) } }
                    @for (host, why) in &counts.resting { dt { (words.resting) } dd { (host) ": " (why) } }
                }
            }
        }
    }
}

fn by_reason<K: Display>(counts: &BTreeMap<K, u64>) -> String {
    counts.iter().map(|(reason, n)| format!("{reason} {n}")).collect::<Vec<_>>().join(", ")
}
