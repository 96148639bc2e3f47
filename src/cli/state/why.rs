//! `jingwen state why`: what became of an address, in sentences.

use crate::frontier::Millis;
use crate::frontier::admin::{AddressState, QueuedAddress};
use crate::retry::History;
use crate::urls::CanonicalUrl;

use super::time;

/// The answer for a person.
pub fn text(url: &CanonicalUrl, state: &AddressState, now: Millis) -> String {
    let mut text = format!("{url}\n");
    let mut add = |line: String| text.push_str(&format!("  {line}\n"));
    if let Some(queued) = &state.queued {
        add(waiting(queued, now));
        if let Some(requested) = &queued.requested {
            add(format!("redirected from {requested}"));
        }
        failures(&queued.history).into_iter().for_each(&mut add);
    }
    if let Some(at) = state.written_at {
        add(format!("an article was written first at {}", time(at)));
    }
    if let Some(ending) = &state.ending {
        let verb = if ending.reason == "redirect" { "ended" } else { "rejected" };
        add(format!("{verb} at {}: {}: {}", time(ending.at), ending.reason, ending.detail));
        match ending.revisit_at {
            Some(at) => add(format!("a link to it after {} has it looked at again", time(at))),
            None if state.is_done => add("it is not looked at again; `jingwen state forget` makes it new".to_owned()),
            None => {}
        }
    } else if state.is_done && state.written_at.is_none() {
        add("done: its article was written more than a month ago, or it is a further page of another address"
            .to_owned());
    }
    if let Some(published) = state.left_out {
        add(format!("left out by --since: published {}; a run with a wider window takes it up", time(published)));
    }
    if let Some(host) = state.host.as_ref().filter(|host| host.until > now && !state.is_done) {
        let why = host.why.as_deref().unwrap_or("it asked to wait");
        add(format!("its host is held until {}: {why}", time(host.until)));
    }
    if state.queued.is_none() && !state.is_done && state.left_out.is_none() {
        add("unknown: no list has named it, or a rule left it out (`jingwen explain URL` says which)".to_owned());
    }
    text
}

fn waiting(queued: &QueuedAddress, now: Millis) -> String {
    let kind = format!("{:?}", queued.kind).to_lowercase();
    let when = if queued.due <= now { "now".to_owned() } else { format!("at {}", time(queued.due)) };
    let last = if queued.visited > 0 { format!(", last visited {}", time(queued.visited)) } else { String::new() };
    format!("queued ({kind}, {} links from a seed{last}); due {when}", queued.depth)
}

fn failures(history: &History) -> Vec<String> {
    if history.count == 0 {
        return Vec::new();
    }
    let mut lines = vec![format!("{} failures since {}:", history.count, time(history.first))];
    lines.extend(history.latest.iter().map(|failure| format!("  {}  {}", time(failure.at), failure.what)));
    lines
}
