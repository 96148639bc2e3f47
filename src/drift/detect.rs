//! One page more: what it adds to the memory, and whether something changed.

use crate::clean::watch::Misfit;
use crate::record::Precision;
use crate::sites::Site;

use super::looked::Words;
use super::observe::Observation;
use super::rate::{Bar, Change, Rate, Way};
use super::spread::{Spread, bin_of_length, bin_of_share, length_of_bin};
use super::state::{Lack, Open, SiteState, TemplateState, Trail};
use super::warning::{EVIDENCE, Kind, Warning};

/// A selector that found something finds nothing. Half as often at least, as half of the pages may be in a new layout.
const MISSED: Bar = Bar { way: Way::Fall, evidence: 12.5, odd: 6, before: 20.0, from: 0.1, to: 0.7 };
/// Pages go to another template: with the sections of a site that changes by itself, so much more is asked.
const SHARE: Bar = Bar { way: Way::Fall, evidence: 20.0, odd: 10, before: 40.0, from: 0.3, to: 0.3 };
/// Counted on pages that have a next one, which are few; a page that says 下一页 where the rule finds nothing is strong.
const PAGING: Bar = Bar { way: Way::Fall, evidence: 8.0, odd: 3, before: 10.0, from: 0.3, to: 0.5 };
/// A kind of block that was never there is on most pages.
const NEW: Bar = Bar { way: Way::Rise, evidence: 14.0, odd: 8, before: 30.0, from: 0.01, to: 0.4 };
/// As [`NEW`], for the form of dates, of which there are few.
const FORM: Bar = Bar { before: 20.0, odd: 6, ..NEW };

/// Least bins by which the middle length differs: three are a doubling.
const LENGTH_BINS: usize = 3;
/// Least twentieths by which the middle share of links differs.
const LINKED_BINS: usize = 3;
/// Pages without any that fits before that is told of a new file.
const NEVER: f64 = 30.0;
/// Most kinds of blocks remembered for a template.
const MOST_KINDS: usize = 300;
/// Reasons remembered of pages that fitted no template.
const MOST_LACKS: usize = 20;

/// What a page brought.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Told for the first time.
    pub new: Vec<Warning>,
    /// The page shows something that is told or suspected.
    pub odd: bool,
    /// The next pages may show something: they are worth keeping.
    pub suspicious: bool,
}

/// The bar of a rate by its name.
fn bar_of(name: &str) -> &'static Bar {
    match name {
        "share" => &SHARE,
        "paging" => &PAGING,
        _ if name.starts_with("kind:") => &NEW,
        _ if name.starts_with("date:") => &FORM,
        _ => &MISSED,
    }
}

impl SiteState {
    /// Notes a page. With another selector file than before, everything begins anew.
    pub fn observe(&mut self, seen: &Observation) -> Outcome {
        if self.hash != seen.site.hash {
            *self = Self::new(&seen.site);
        }
        let mut round = Round { site: &seen.site, seen, out: Outcome::default(), raised: Vec::new() };
        self.trail.push(seen.at, &seen.url);
        self.fits.push(seen.template.is_some());
        match &seen.template {
            None => self.note_lack(seen),
            Some(name) => self.note_page(name, seen),
        }
        self.check(&mut round);
        self.close_what_is_over(&mut round);
        self.tell(&mut round);
        round.out.suspicious |= !self.open.is_empty();
        round.out
    }

    fn note_lack(&mut self, seen: &Observation) {
        // The template that most pages are of came nearest; before there is one, that whose container is missing.
        let weight = |name: &str| self.templates.get(name).map_or(0.0, |t| t.pages);
        let nearest = seen.watched.misfits.iter().max_by(|a, b| {
            let probe = |m: &Misfit| !m.key.starts_with("when.");
            weight(&a.template).total_cmp(&weight(&b.template)).then(probe(a).cmp(&probe(b)))
        });
        let Some(near) = nearest else { return };
        if self.misfits.len() == MOST_LACKS {
            self.misfits.pop_front();
        }
        self.misfits.push_back(Lack {
            template: near.template.clone(),
            key: near.key.to_owned(),
            at: near.at,
            why: near.why.clone(),
        });
    }

    fn note_page(&mut self, name: &str, seen: &Observation) {
        let fitted = self.fits.hits() - 1.0;
        if !self.templates.contains_key(name) {
            let share = Rate::never(fitted);
            self.templates.insert(name.to_owned(), TemplateState { share, ..TemplateState::default() });
        }
        for (other, template) in &mut self.templates {
            template.share.push(other == name);
        }
        if let Some(template) = self.templates.get_mut(name) {
            template.note(seen);
        }
    }

    /// Looks for changes that were not told yet.
    fn check(&mut self, round: &mut Round<'_>) {
        if let Some(change) = round.judge(&self.fits, &MISSED) {
            self.fits.freeze(&change);
            let kind = if change.after <= change.before * 0.2 { Kind::NoTemplate } else { Kind::NewLayout };
            let warning = self.without_template(round, kind, change.pages, says(&change));
            round.raise(warning, "fits");
        } else if !self.never_told && self.fits.hits() == 0.0 && self.fits.pages() >= NEVER {
            self.never_told = true;
            let pages = self.fits.pages() as usize;
            let detail = format!("none of {pages} pages fitted a template");
            let warning = self.without_template(round, Kind::NoTemplate, pages - 1, detail);
            self.fits.freeze_as_never();
            round.raise(warning, "fits");
        }
        let Some(name) = &round.seen.template else { return };
        for (other, template) in &mut self.templates {
            if other != name
                && let Some(change) = round.judge(&template.share, &SHARE)
            {
                template.share.freeze(&change);
                let looked = round.words(other, "when.has", None);
                let detail = format!("{} of the pages that fit one, now `{name}`", says(&change));
                let mut warning = round.warning(other, "when.has", Kind::TemplateShare, looked, detail);
                shown(&mut warning, &self.trail, change.pages, |ago| !template.share.was(ago));
                round.raise(warning, "share");
            }
        }
        if let Some(template) = self.templates.get_mut(name) {
            template.check(name, round);
        }
    }

    /// A warning about pages that fit no template: what they lacked says what to look at.
    fn without_template(&self, round: &Round<'_>, kind: Kind, pages: usize, detail: String) -> Warning {
        let commonest = |lack: &&Lack| {
            let same = |l: &&Lack| (&l.template, &l.key, l.at) == (&lack.template, &lack.key, lack.at);
            self.misfits.iter().filter(same).count()
        };
        let (template, key, at, why) = match self.misfits.iter().rev().max_by_key(commonest) {
            Some(lack) => (lack.template.clone(), lack.key.as_str(), lack.at, format!("; {}: {}", lack.key, lack.why)),
            None => {
                let most = self.templates.iter().max_by(|a, b| a.1.pages.total_cmp(&b.1.pages));
                let name = most.map(|(name, _)| name.clone()).or(round.site.templates.first().map(|t| t.name.clone()));
                (name.unwrap_or_default(), "when", 0, String::new())
            }
        };
        let looked = match key {
            "when.has" | "when.lacks" => round.words(&template, key, Some(at)),
            "when" | "require" => round.words(&template, "when.has", None),
            _ => round.words(&template, key, None),
        };
        let detail = format!("a template fitted {detail}{why}").replace("a template fitted none", "none");
        let mut warning = round.warning(&template, key, kind, looked, detail);
        shown(&mut warning, &self.trail, pages, |ago| !self.fits.was(ago));
        warning
    }

    /// Takes out what is as it was again, and adds evidence to the rest.
    fn close_what_is_over(&mut self, round: &mut Round<'_>) {
        let Self { open, fits, templates, .. } = self;
        open.retain_mut(|told| {
            let mut odd = false;
            told.on.retain(|name| {
                if name == "fits" {
                    odd |= !fits.was(0);
                    return !fits.is_over(Way::Fall);
                }
                let Some(template) = told.warning.template.as_ref().and_then(|t| templates.get_mut(t)) else {
                    return true;
                };
                if name == "share" {
                    odd |= !template.share.was(0);
                    return !template.share.is_over(Way::Fall);
                }
                if round.seen.template != told.warning.template {
                    return true;
                }
                if let Some(spread) = template.spreads.get_mut(name) {
                    odd = true;
                    return !spread.is_over(LENGTH_BINS);
                }
                let way = bar_of(name).way;
                template.rates.get_mut(name).is_none_or(|rate| {
                    odd |= rate.was(0) == (way == Way::Rise);
                    !rate.is_over(way)
                })
            });
            if odd {
                round.out.odd = true;
                told.warning.add_evidence(&round.seen.url);
            }
            !told.on.is_empty()
        });
    }

    /// Puts what is new beside what is open; one change is told once, by its clearest sign.
    fn tell(&mut self, round: &mut Round<'_>) {
        let mut raised = std::mem::take(&mut round.raised);
        raised.sort_by_key(|(warning, _)| is_of_date(warning.kind));
        for (warning, name) in raised {
            let pages = warning.template.as_ref().and_then(|t| self.templates.get(t)).map_or(0.0, |t| t.pages);
            let lately = |o: &Open| pages - o.told_at <= NEVER;
            let known = self.open.iter_mut().find(|o| same_place(&o.warning, &warning) && lately(o));
            let Some(known) = known else {
                round.out.new.push(warning.clone());
                self.open.push(Open { warning, on: vec![name], told_at: pages });
                continue;
            };
            // A further sign of the same change: another block of the same box, another step of the same field.
            let before = known.warning.clone();
            if warning.kind == Kind::NewBlock {
                known.warning.looked_for.push_str(" | ");
                known.warning.looked_for.push_str(&warning.looked_for);
            } else if is_of_date(before.kind) && !is_of_date(warning.kind) {
                known.warning = Warning { new: before.new, ..warning };
            }
            known.on.push(name);
            if let Some(told) = round.out.new.iter_mut().find(|w| **w == before) {
                told.clone_from(&known.warning);
            }
        }
    }
}

fn is_of_date(kind: Kind) -> bool {
    matches!(kind, Kind::DateFormat | Kind::DatePrecision)
}

/// True if both are about the same thing. Whatever is wrong with a date is one thing.
fn same_place(a: &Warning, b: &Warning) -> bool {
    let kind = |w: &Warning| if w.field == "published" { Kind::SelectorMissed } else { w.kind };
    (&a.template, &a.field, kind(a)) == (&b.template, &b.field, kind(b))
}
/// One page's round through all that is watched.
struct Round<'a> {
    site: &'a Site,
    seen: &'a Observation,
    out: Outcome,
    /// With the name of the rate or spread each hangs on.
    raised: Vec<(Warning, String)>,
}

impl Round<'_> {
    /// A change that is to be told; what is only suspected is noted.
    fn judge(&mut self, rate: &Rate, bar: &Bar) -> Option<Change> {
        let change = rate.clearest(bar)?;
        if change.is_suspicious(bar) {
            (self.out.suspicious, self.out.odd) = (true, true);
        }
        change.passes(bar).then_some(change)
    }

    fn raise(&mut self, warning: Warning, on: &str) {
        self.raised.push((warning, on.to_owned()));
    }

    fn words(&self, template: &str, key: &str, at: Option<usize>) -> String {
        Words::of(self.site).under(&self.site.id, template, key, at)
    }

    fn warning(&self, template: &str, field: &str, kind: Kind, looked_for: String, detail: String) -> Warning {
        let written = self.site.templates.iter().find(|t| t.name == template).map(|t| t.origin.clone());
        Warning {
            site: self.site.id.clone(),
            template: Some(template.to_owned()).filter(|t| !t.is_empty()),
            field: field.to_owned(),
            kind,
            since: String::new(),
            evidence: Vec::new(),
            looked_for,
            detail,
            written,
            new: true,
        }
    }
}

/// Says since when, and which pages show it.
fn shown(warning: &mut Warning, trail: &Trail, pages: usize, odd: impl Fn(usize) -> bool) {
    warning.since = trail.time(pages.saturating_sub(1));
    let urls = (0..pages).filter(|ago| odd(*ago)).filter_map(|ago| trail.url(ago)).take(EVIDENCE);
    warning.evidence = urls.map(str::to_owned).collect();
    warning.evidence.reverse();
}

fn says(change: &Change) -> String {
    let percent = |share: f64| (share * 100.0).round() as u32;
    format!("{} % before, {} % of the last {} pages", percent(change.before), percent(change.after), change.pages)
}

impl TemplateState {
    fn note(&mut self, seen: &Observation) {
        self.trail.push(seen.at, &seen.url);
        for hit in &seen.hits {
            self.note_field(hit.field, hit.step);
        }
        if let Some(by_rule) = seen.watched.next {
            self.rates.entry("next".into()).or_default().push(by_rule);
            if seen.next {
                self.note_some("paging", by_rule, seen);
            }
        }
        if let Some(precision) = seen.precision.filter(|p| *p != Precision::Relative) {
            self.note_some("minute", precision == Precision::Minute, seen);
        }
        self.note_kinds("kind:", seen.watched.kinds.iter().map(String::as_str));
        self.note_kinds("date:", seen.watched.date_form.as_deref().into_iter());
        if let Some(chars) = seen.chars {
            self.spreads.entry("length".into()).or_default().push(bin_of_length(chars));
        }
        self.spreads.entry("linked".into()).or_default().push(bin_of_share(seen.watched.linked));
        self.pages += 1.0;
    }

    /// A field, and each of its steps: whether it or one before it gave the value.
    fn note_field(&mut self, field: &str, step: Option<usize>) {
        let whole = format!("field:{field}");
        // Done for a dozen fields of each page, of which nearly all have their rates: one text serves for all names.
        let mut name = format!("step:{field}:0");
        for at in 0..8_u8 {
            name.pop();
            name.push(char::from(b'0' + at));
            let is_there = step.is_some_and(|step| step <= usize::from(at));
            match self.rates.get_mut(&name) {
                Some(rate) => rate.push(is_there),
                None if step.is_none_or(|step| step >= 8 || step < usize::from(at)) => break,
                None => {
                    // Until now no later step gave a value, so this one was all there was.
                    let mut rate = self.rates.get(&whole).cloned().unwrap_or_default();
                    rate.push(is_there);
                    self.rates.insert(name.clone(), rate);
                }
            }
        }
        match self.rates.get_mut(&whole) {
            Some(rate) => rate.push(step.is_some()),
            None => self.rates.entry(whole).or_default().push(step.is_some()),
        }
    }

    /// What is not looked at on every page has a trail of its own.
    fn note_some(&mut self, name: &str, hit: bool, seen: &Observation) {
        self.rates.entry(name.into()).or_default().push(hit);
        self.trails.entry(name.into()).or_default().push(seen.at, &seen.url);
    }

    fn note_kinds<'a>(&mut self, prefix: &str, kinds: impl Iterator<Item = &'a str>) {
        let mut here: Vec<&str> = kinds.collect();
        here.sort_unstable();
        here.dedup();
        let mut known = vec![false; here.len()];
        for (name, rate) in self.rates.range_mut(prefix.to_owned()..) {
            let Some(kind) = name.strip_prefix(prefix) else { break };
            let at = here.binary_search(&kind);
            rate.push(at.is_ok());
            if let Ok(at) = at {
                known[at] = true;
            }
        }
        if known.iter().all(|known| *known) {
            return;
        }
        for (kind, _) in here.iter().zip(known).filter(|(_, known)| !known) {
            let mut rate = Rate::never(self.pages);
            rate.push(true);
            self.rates.insert(format!("{prefix}{kind}"), rate);
        }
        while self.rates.keys().filter(|k| k.starts_with(prefix)).count() > MOST_KINDS {
            // The rarest that this page does not have; `hits` are few, so the order is total.
            let rare = |(_, rate): &(&String, &Rate)| !rate.was(0) && !rate.is_frozen();
            let of_kind = self.rates.iter().filter(|(k, _)| k.starts_with(prefix)).filter(rare);
            let Some(rarest) = of_kind.min_by(|a, b| a.1.hits().total_cmp(&b.1.hits())).map(|(k, _)| k.clone()) else {
                break;
            };
            self.rates.remove(&rarest);
        }
    }

    fn check(&mut self, name: &str, round: &mut Round<'_>) {
        let changes: Vec<(String, Change)> = self
            .rates
            .iter()
            .filter_map(|(key, rate)| round.judge(rate, bar_of(key)).map(|c| (key.clone(), c)))
            .collect();
        let has = |key: &str| changes.iter().any(|(k, _)| k == key);
        let mut told: Vec<(String, Change)> = Vec::new();
        for (key, change) in &changes {
            let Some(rate) = self.rates.get(key) else { continue };
            let detail = says(change);
            let (front, rest) = key.split_once(':').unwrap_or((key, ""));
            let mut warning = match front {
                "field" => {
                    let looked = round.words(name, rest, None);
                    round.warning(name, rest, Kind::SelectorMissed, looked, format!("a value on {detail}"))
                }
                "step" => {
                    let (field, at) = rest.split_once(':').unwrap_or((rest, "0"));
                    let at = at.parse().unwrap_or(0);
                    // The whole field says more, and an earlier step is the one that a later one stands in for.
                    if has(&format!("field:{field}")) || at > 0 && has(&format!("step:{field}:{}", at - 1)) {
                        continue;
                    }
                    let looked = round.words(name, field, Some(at));
                    let detail = format!("step {} gave the value on {detail}; later steps stand in", at + 1);
                    round.warning(name, field, Kind::SelectorMissed, looked, detail)
                }
                "next" if has("paging") => continue,
                "next" | "paging" => {
                    let looked = round.words(name, "next", None);
                    let of = if front == "paging" { " that have a next one" } else { "" };
                    round.warning(name, "next", Kind::Paging, looked, format!("found on {detail}{of}"))
                }
                "minute" => {
                    let looked = round.words(name, "published", None);
                    let detail = format!("a time of day on {detail} with a date");
                    round.warning(name, "published", Kind::DatePrecision, looked, detail)
                }
                "date" => {
                    let detail = format!("written `{rest}` on {detail}");
                    round.warning(name, "published", Kind::DateFormat, round.words(name, "published", None), detail)
                }
                _ => {
                    let detail = format!("in the container of {detail}");
                    round.warning(name, "body", Kind::NewBlock, rest.to_owned(), detail)
                }
            };
            let odd = bar_of(key).way == Way::Rise;
            let trail = self.trails.get(key).unwrap_or(&self.trail);
            shown(&mut warning, trail, change.pages, |ago| rate.was(ago) == odd);
            round.raise(warning, key);
            told.push((key.clone(), *change));
        }
        for (key, change) in told {
            self.rates.entry(key).and_modify(|rate| rate.freeze(&change));
        }
        self.check_spreads(name, round);
    }

    fn check_spreads(&mut self, name: &str, round: &mut Round<'_>) {
        let Self { spreads, trail, .. } = self;
        for (key, spread) in spreads.iter_mut() {
            let Some((shift, kind, detail)) = shifted(key, spread) else { continue };
            spread.freeze(&shift);
            let mut warning = round.warning(name, "body", kind, round.words(name, "body", None), detail);
            shown(&mut warning, trail, shift.pages, |_| true);
            round.raise(warning, key);
        }
    }
}

fn shifted(key: &str, spread: &Spread) -> Option<(super::spread::Shift, Kind, String)> {
    if key == "length" {
        let shift = spread.shift(LENGTH_BINS)?;
        let kind = if shift.after < shift.before { Kind::TextShrank } else { Kind::TextSwelled };
        let (before, after) = (length_of_bin(shift.before), length_of_bin(shift.after));
        return Some((
            shift,
            kind,
            format!("about {before} characters before, {after} on the last {} pages", shift.pages),
        ));
    }
    let shift = spread.shift(LINKED_BINS).filter(|s| s.after > s.before)?;
    let detail = format!(
        "about {} % inside links before, {} % on the last {} pages",
        shift.before * 5,
        shift.after * 5,
        shift.pages
    );
    Some((shift, Kind::LinkDensity, detail))
}
