//! The detector on simulated pages: how soon a change is told, and how often one is told that is none.

use std::sync::Arc;

use super::*;
use crate::clean::FieldHit;
use crate::clean::watch::Watched;
use crate::record::Precision;
use crate::sites::{Origin, Site, SourceFile};

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..8 {
            dice.unit();
        }
        dice
    }

    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Of a normal distribution.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

fn site() -> Arc<Site> {
    let text = "name = \"某网\"\nhosts = [\"a.example\"]\n[[template]]\nname = \"main\"\ntitle = \"h1\"\nbody = [\".a\", \".b\"]\n\
                published = [\".t\", \".u\"]\nnext = \".next\"\n[[template]]\nname = \"rare\"\ntitle = \"h1\"\nbody = \".r\"\n";
    let file = SourceFile { id: "some".into(), name: "some.toml".into(), origin: Origin::Builtin, text: text.into() };
    Sites::compile(vec![file]).unwrap().by_id("some").unwrap().clone()
}

/// A site's habits: how often each thing is so.
struct Habits {
    fits: f64,
    rare: f64,
    fields: [f64; 6],
    first_step: f64,
    paged: f64,
    timed: f64,
    kinds: Vec<f64>,
    length: (f64, f64),
}

impl Habits {
    fn some(dice: &mut Dice) -> Self {
        let mut fields = [0.0; 6];
        fields.iter_mut().for_each(|f| *f = if dice.chance(0.5) { 0.9 + dice.unit() / 10.0 } else { dice.unit() });
        Self {
            fits: 0.6 + dice.unit() * 0.4,
            rare: dice.unit() * 0.3,
            fields,
            first_step: dice.unit(),
            paged: dice.unit() * 0.5,
            timed: dice.unit(),
            kinds: (0..40).map(|_| dice.unit().powi(3)).collect(),
            length: (5.0 + dice.unit() * 3.0, 0.3 + dice.unit()),
        }
    }

    fn page(&self, n: usize, site: &Arc<Site>, dice: &mut Dice) -> Observation {
        const FIELDS: [&str; 6] = ["title", "summary", "section", "source", "editors", "authors"];
        let template = dice.chance(self.fits).then(|| if dice.chance(self.rare) { "rare" } else { "main" }.to_owned());
        let mut hits: Vec<FieldHit> = Vec::new();
        let step = usize::from(!dice.chance(self.first_step));
        if template.is_some() {
            for (field, p) in FIELDS.iter().zip(self.fields) {
                hits.push(FieldHit { field, step: dice.chance(p).then_some(0) });
            }
            hits.push(FieldHit { field: "body", step: Some(step) });
            hits.push(FieldHit { field: "published", step: Some(usize::from(!dice.chance(self.first_step))) });
        }
        let next = dice.chance(self.paged);
        let kinds = self.kinds.iter().enumerate().filter(|(_, p)| dice.unit() < **p).map(|(k, _)| format!("div.k{k}"));
        let mut kinds: Vec<String> = kinds.collect();
        kinds.push(format!("“小标题{n}”"));
        Observation {
            site: Arc::clone(site),
            url: format!("https://a.example/{n}"),
            at: n as i64 * 60,
            chars: Some((self.length.0 + self.length.1 * dice.normal()).exp() as usize),
            precision: Some(if dice.chance(self.timed) { Precision::Minute } else { Precision::Day }),
            next,
            watched: Watched {
                misfits: Vec::new(),
                kinds,
                chars: None,
                linked: (dice.unit() - 0.7).max(0.0),
                date_form: Some(if dice.chance(0.9) { "0-0-0 0:0" } else { "0年0月0日" }.to_owned()),
                next: template.is_some().then_some(next && dice.chance(0.98)),
            },
            template,
            hits,
            raw: None,
        }
    }
}

#[test]
fn pages_that_vary_raise_no_alarm() {
    let site = site();
    // `JINGWEN_DRIFT_RUNS=1000 cargo test --release drift::tests -- --nocapture` for the figure in docs/drift.md.
    let runs: u64 = std::env::var("JINGWEN_DRIFT_RUNS").ok().and_then(|n| n.parse().ok()).unwrap_or(4);
    let mut alarms = 0;
    for run in 0..runs {
        let mut dice = Dice::new(run + 1);
        let habits = Habits::some(&mut dice);
        let mut state = SiteState::default();
        for n in 0..2000 {
            let page = habits.page(n, &site, &mut dice);
            for warning in state.observe(&page).new {
                println!("run {run}, page {n}: {warning}");
                alarms += 1;
            }
        }
    }
    println!("{alarms} alarms in {runs} runs of 2,000 pages");
    assert!(alarms as u64 <= runs / 20, "{alarms} alarms in {runs} runs");
}

#[test]
fn a_field_that_vanishes_is_told_within_twenty_pages() {
    let site = site();
    let (mut late, mut total) = (Vec::new(), 0);
    for run in 0..20 {
        let mut dice = Dice::new(run + 101);
        let mut habits = Habits::some(&mut dice);
        habits.fits = 0.97;
        habits.rare = 0.02;
        habits.fields[3] = 0.6 + 0.02 * run as f64;
        let mut state = SiteState::default();
        (0..200).for_each(|n| drop(state.observe(&habits.page(n, &site, &mut dice))));
        habits.fields[3] = 0.0;
        let told = (200..260).position(|n| {
            let new = state.observe(&habits.page(n, &site, &mut dice)).new;
            new.iter().any(|w| w.kind == Kind::SelectorMissed && w.field == "source")
        });
        total += told.map_or(60, |n| n + 1);
        if told.is_none_or(|n| n >= 20) {
            late.push((run, told));
        }
    }
    println!("told after {} pages on average; late: {late:?}", total / 20);
    assert!(late.is_empty(), "{late:?}");
}

#[test]
fn texts_that_shrink_or_swell_are_told() {
    let site = site();
    for (factor, kind) in [(-1.6, Kind::TextShrank), (1.6, Kind::TextSwelled)] {
        let mut dice = Dice::new(7);
        let mut habits = Habits::some(&mut dice);
        (habits.fits, habits.rare, habits.length) = (1.0, 0.0, (6.5, 0.6));
        let mut state = SiteState::default();
        (0..200).for_each(|n| drop(state.observe(&habits.page(n, &site, &mut dice))));
        habits.length.0 += factor;
        let told =
            (200..220).any(|n| state.observe(&habits.page(n, &site, &mut dice)).new.iter().any(|w| w.kind == kind));
        assert!(told, "{kind:?}");
    }
}

#[test]
fn a_state_survives_being_written_and_stays_small() {
    let site = site();
    let mut dice = Dice::new(3);
    let habits = Habits::some(&mut dice);
    let mut state = SiteState::default();
    (0..1500).for_each(|n| drop(state.observe(&habits.page(n, &site, &mut dice))));
    let text = serde_json::to_string(&state).unwrap();
    assert!(text.len() < 120_000, "{} bytes", text.len());
    let again: SiteState = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&again).unwrap(), text);
}
