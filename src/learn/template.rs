//! From groups of pages to templates that have been tried.

use std::collections::{HashMap, HashSet};

use super::container::{self, Group};
use super::draft::{Draft, Score, list, quoted};
use super::study::Study;
use super::text::{agreement, squash};
use super::{fields, noise, trial};
use crate::sites::SiteErrors;

/// Most that a template may agree less with a taught body than the generic extractor does.
const TOLERANCE: f64 = 0.01;

/// Agreement below which a template is no help on a page.
const LEAST: f64 = 0.9;

/// What a draft is tried on.
pub struct Trial<'a> {
    /// Stem of the file.
    pub id: &'a str,
    /// Hosts it is for.
    pub hosts: &'a [String],
    /// The pages.
    pub studies: &'a [Study],
}

/// What a draft gave on a page.
struct Given {
    text: String,
    template: bool,
    published: Option<String>,
    source: Option<String>,
    editors: usize,
}

impl Trial<'_> {
    /// Templates that do at least as well as the generic extractor, and those that do not.
    ///
    /// # Errors
    ///
    /// A draft that cannot be compiled, which would be our mistake.
    pub fn templates(&self) -> Result<(Vec<Draft>, Vec<Draft>), SiteErrors> {
        let (mut good, mut bad): (Vec<Draft>, Vec<Draft>) = (Vec::new(), Vec::new());
        let worse = |s: &Score| s.agreement < s.generic - TOLERANCE || s.agreement < LEAST;
        for mut group in container::groups(self.studies) {
            let mut draft = self.draft(&group)?;
            let (not, own): (Vec<usize>, Vec<usize>) = {
                let (w, b): (Vec<&Score>, Vec<&Score>) = draft.scores.iter().partition(|s| worse(s));
                (w.iter().map(|s| s.page).collect(), b.iter().map(|s| s.page).collect())
            };
            // Pages on which it does worse than the generic extractor are of another layout: without them, once more.
            if !not.is_empty() && !own.is_empty() {
                group.pages = own;
                group.wrong.extend(not);
                draft = self.draft(&group)?;
            }
            draft.name = unique(&draft.name, &good);
            draft.contested = group.contested;
            if draft.contested || draft.scores.iter().any(worse) { bad.push(draft) } else { good.push(draft) }
        }
        self.keep_apart(&mut good)?;
        Ok((good, bad))
    }

    /// A template for a group of pages.
    fn draft(&self, group: &Group) -> Result<Draft, SiteErrors> {
        let shortest = group.pages.iter().map(|&p| self.studies[p].body_chars()).min().unwrap_or(0);
        let mut draft = Draft {
            name: name_of(&group.css),
            pages: group.pages.clone(),
            has: vec![group.css.clone()],
            body: group.css.clone(),
            strict: true,
            min_chars: (shortest as usize / 4).clamp(20, 60),
            ..Draft::default()
        };
        fields::learn(&mut draft, self.studies);
        if let Some(css) = draft.title.first().filter(|t| t.right == draft.pages.len()).and_then(|t| plain_css(&t.toml))
        {
            draft.has.push(css);
        }
        // Where the container's selector finds something else on other pages, it needs what those lack.
        if !group.wrong.is_empty() {
            let mark = noise::marks(self.studies, &group.pages, &group.wrong);
            draft.has.extend(mark.filter(|m| !draft.has.contains(m)));
        }
        let given = self.try_out(&draft)?;
        let surplus = self.surplus(&draft, &given);
        let sets = surplus.iter().map(|(p, l)| (*p, l.iter().map(|l| squash(l)).collect::<HashSet<_>>())).collect();
        noise::removals(&mut draft, self.studies, &sets);
        let given = self.try_out(&draft)?;
        let surplus = self.surplus(&draft, &given);
        draft.doubtful = noise::lines(&mut draft, self.studies, &surplus);
        self.drop_bad_fields(&mut draft)?;
        let given = self.try_out(&draft)?;
        draft.scores = self.scores(&draft, &given);
        Ok(draft)
    }

    /// Runs the cleaner with this template alone on its pages.
    fn try_out(&self, draft: &Draft) -> Result<HashMap<usize, Given>, SiteErrors> {
        let toml = format!("name = {}\nhosts = {}\n{}", quoted(self.id), list(self.hosts), draft.bare());
        let sites = trial::compile(self.id, &toml)?;
        let mut out = HashMap::new();
        for &page in &draft.pages {
            let study = &self.studies[page];
            let cleaned = trial::run(&sites, &study.input, study.url.as_ref());
            let template = cleaned.template.is_some();
            if let Ok(record) = cleaned.article {
                out.insert(
                    page,
                    Given {
                        template,
                        text: record.text,
                        published: record.published_at,
                        source: record.source,
                        editors: record.editors.len(),
                    },
                );
            }
        }
        Ok(out)
    }

    /// Lines, per page, that the template gave and that are not taught.
    fn surplus(&self, draft: &Draft, given: &HashMap<usize, Given>) -> HashMap<usize, Vec<String>> {
        draft
            .pages
            .iter()
            .filter_map(|p| {
                let given = given.get(p).filter(|g| g.template)?;
                let taught = squash(&self.studies[*p].text);
                let lines = given.text.lines().filter(|l| !taught.contains(&squash(l)));
                Some((*p, lines.map(str::to_owned).collect()))
            })
            .collect()
    }

    fn scores(&self, draft: &Draft, given: &HashMap<usize, Given>) -> Vec<Score> {
        let score = |&page: &usize| {
            let study = &self.studies[page];
            let agreed = given.get(&page).filter(|g| g.template).map_or(0.0, |g| agreement(&g.text, &study.text));
            Score { page, agreement: agreed, generic: agreement(&study.record.text, &study.text) }
        };
        draft.pages.iter().map(score).collect()
    }

    /// Takes out steps that make a field worse than it is without them.
    fn drop_bad_fields(&self, draft: &mut Draft) -> Result<(), SiteErrors> {
        let given = self.try_out(draft)?;
        let worse = |field: &dyn Fn(&Given) -> Option<String>, taught: &dyn Fn(&Study) -> Option<String>| {
            draft.pages.iter().any(|p| {
                let wanted = taught(&self.studies[*p]);
                wanted.is_some() && given.get(p).is_some_and(|g| g.template && field(g) != wanted)
            })
        };
        let published = worse(&|g| g.published.clone(), &|s| s.record.published_at.clone());
        let source = worse(&|g| g.source.clone(), &|s| s.record.source.clone());
        let editors = worse(&|g| Some(g.editors.to_string()), &|s| {
            (!s.record.editors.is_empty()).then(|| s.record.editors.len().to_string())
        });
        // A headline may differ in a blank or a suffix; its step was checked against the text itself.
        if published {
            draft.published.clear();
        }
        if source {
            draft.source.clear();
        }
        if editors {
            draft.editors.clear();
        }
        Ok(())
    }

    /// Makes sure that on each page its own template wins.
    fn keep_apart(&self, drafts: &mut [Draft]) -> Result<(), SiteErrors> {
        if drafts.len() < 2 {
            return Ok(());
        }
        // The one that asks for most comes first.
        drafts.sort_by_key(|d| (std::cmp::Reverse(d.has.len()), std::cmp::Reverse(d.pages.len())));
        for _ in 0..drafts.len() {
            let toml: String = drafts.iter().map(Draft::bare).collect();
            let sites =
                trial::compile(self.id, &format!("name = {}\nhosts = {}\n{toml}", quoted(self.id), list(self.hosts)))?;
            let mut changed = false;
            for at in 0..drafts.len() {
                for page in drafts[at].pages.clone() {
                    let study = &self.studies[page];
                    let Some(won) = trial::run(&sites, &study.input, study.url.as_ref()).template else { continue };
                    let Some(winner) = drafts.iter().position(|d| d.name == won).filter(|&w| w != at) else { continue };
                    // What the rightful one's container is called, the usurper must not have.
                    let lacks = drafts[at].body.clone();
                    let own = scraper::Selector::parse(&lacks).is_ok_and(|s| {
                        drafts[winner].pages.iter().any(|&p| self.studies[p].html.select(&s).next().is_some())
                    });
                    if !own && !drafts[winner].lacks.contains(&lacks) {
                        drafts[winner].lacks.push(lacks);
                        changed = true;
                    } else if winner < at {
                        drafts.swap(winner, at);
                        changed = true;
                    }
                }
            }
            if !changed {
                break;
            }
        }
        Ok(())
    }
}

/// The selector of a step that is nothing but one.
fn plain_css(toml: &str) -> Option<String> {
    toml.strip_prefix('"')?.strip_suffix('"').filter(|css| !css.contains(['"', '\\'])).map(str::to_owned)
}

/// A name for a template: what its container is called.
fn name_of(css: &str) -> String {
    let last = css.split([' ', '>']).next_back().unwrap_or(css);
    let name: String = last
        .trim_start_matches("[class*=")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { ' ' })
        .collect();
    let name = name.split_whitespace().next_back().unwrap_or("layout").trim_matches(['-', '_']);
    if name.is_empty() { "layout".to_owned() } else { name.to_owned() }
}

fn unique(name: &str, others: &[Draft]) -> String {
    let taken = |n: &str| others.iter().any(|d| d.name == n);
    if !taken(name) {
        return name.to_owned();
    }
    (2..).map(|n| format!("{name}-{n}")).find(|n| !taken(n)).unwrap_or_else(|| name.to_owned())
}
