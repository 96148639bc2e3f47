//! Reports to hooks what is wrong with lists and with output files, and that it is over.

use serde_json::json;

use super::Daemon;
use super::lists::{ListChange, ListFault};
use crate::notify::{Event, EventKind};

impl Daemon {
    /// Reports lists that began or ceased to fail or to give nothing: one event for all of a run of each kind.
    pub(super) async fn report_lists(&self, site: &str, changes: Vec<ListChange>) {
        for kind in [EventKind::ListFailed, EventKind::ListEmpty, EventKind::ListRecovered] {
            let mut of_kind: Vec<&ListChange> = changes.iter().filter(|change| event_kind(change) == kind).collect();
            of_kind.sort_by_key(|change| !change.list.is_seed);
            if let Some(first) = of_kind.first() {
                self.tell(self.event(site, kind, first, &of_kind)).await;
            }
        }
    }

    fn event(&self, site: &str, kind: EventKind, first: &ListChange, all: &[&ListChange]) -> Event {
        let live = self.live();
        let file = live.site(site).map_or("the selector file", |site| site.file.as_str());
        let verb = if kind == EventKind::ListRecovered { "gave something again" } else { first.list.fault.verb() };
        let more = match all.len() - 1 {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let since = all.iter().map(|change| change.list.since).min().unwrap_or(first.list.since);
        let silence = match kind {
            EventKind::ListRecovered => "leave `list-recovered` out of the hook's `kinds`".to_owned(),
            EventKind::ListEmpty => format!(
                "open it in a browser; if it lists articles, correct `articles` or `lists` in {file} (`jingwen explain URL` says \
                 what becomes of a link); if it is rightly empty, take it out of {file}"
            ),
            _ => format!(
                "open it in a browser; if it moved, correct `seeds`, `feeds` or `sitemaps` in {file}, or take it out"
            ),
        };
        let list = |change: &&ListChange| {
            let ListChange { url, list } = change;
            json!({ "url": url, "why": list.why, "starting_point": list.is_seed, "since": list.since })
        };
        Event {
            site: Some(site.to_owned()),
            detail: first.list.why.clone(),
            looked_for: Some(format!("articles and lists linked from {}", first.url)),
            since: Some(since.to_string()),
            evidence: all.iter().map(|change| format!("{}: {}", change.url, change.list.why)).collect(),
            silence,
            data: json!({ "lists": all.iter().map(list).collect::<Vec<_>>() }),
            // It names the list, so that another one's trouble within the same hour is another message.
            ..Event::new(kind, format!("{site}: list {}{more} {verb}", first.url))
        }
    }

    /// Reports, each once, what other programs did to the output files.
    pub(super) async fn report_touched_output(&self) {
        let touched = self.store.outputs.lock().await.touched.clone();
        for (name, touched) in touched {
            let before = crate::lock::lock(&self.touches_reported).insert(name, touched.times);
            if before == Some(touched.times) {
                continue;
            }
            self.tell(Event {
                detail: touched.what.clone(),
                looked_for: Some(format!("{} as it was written last", self.store.out.join(name).display())),
                since: Some(touched.at.to_string()),
                silence: "let nothing but jingwen touch the output folder: `rotate_size` or `rotate_every` under [output] cut it \
                          into parts that never change"
                    .to_owned(),
                data: json!({ "file": name, "times": touched.times }),
                ..Event::new(EventKind::OutputTouched, touched.what)
            })
            .await;
        }
    }
}

fn event_kind(change: &ListChange) -> EventKind {
    match change.list.fault {
        _ if change.list.is_over => EventKind::ListRecovered,
        ListFault::Failed => EventKind::ListFailed,
        ListFault::Empty | ListFault::Redirected | ListFault::Partial => EventKind::ListEmpty,
    }
}
