//! A text with places that an event fills: `{site}: {title}`.

use serde::{Deserialize, Serialize};

/// A place in a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The event's title.
    Title,
    /// Its site.
    Site,
    /// Its kind.
    Kind,
    /// When it happened.
    At,
    /// Its detail.
    Detail,
    /// What was looked for.
    LookedFor,
    /// Since when.
    Since,
    /// The evidence, a line each.
    Evidence,
    /// How to silence it.
    Silence,
    /// How often the same happened since it was last told.
    Repeated,
}

const PLACES: [(&str, Place); 10] = [
    ("title", Place::Title),
    ("site", Place::Site),
    ("kind", Place::Kind),
    ("at", Place::At),
    ("detail", Place::Detail),
    ("looked_for", Place::LookedFor),
    ("since", Place::Since),
    ("evidence", Place::Evidence),
    ("silence", Place::Silence),
    ("repeated", Place::Repeated),
];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(Place),
}

/// A template that is known to be right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

impl TryFrom<String> for Template {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                plain.push_str(brace);
                rest = after;
                continue;
            }
            let Some((name, after)) = rest.split_once('}').filter(|_| brace == "{") else {
                return Err(format!("a `{brace}` stands alone in the template; write `{brace}{brace}` for a brace"));
            };
            let name = name.trim();
            let Some((_, place)) = PLACES.iter().find(|(known, _)| *known == name) else {
                let known = PLACES.map(|(known, _)| known);
                return Err(match crate::sites::did_you_mean(name, known.iter().copied()) {
                    Some(near) => {
                        format!("the template has a place `{{{name}}}` that is not known; did you mean `{{{near}}}`?")
                    }
                    None => format!(
                        "the template has a place `{{{name}}}` that is not known; known are {{{}}}",
                        known.join("}, {")
                    ),
                });
            };
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::Place(*place));
            rest = after;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self { text, parts })
    }
}

impl From<Template> for String {
    fn from(template: Template) -> String {
        template.text
    }
}

impl Template {
    /// The text with each place filled.
    pub fn fill(&self, value: impl Fn(Place) -> String) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Place(place) => value(*place),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> Result<Template, String> {
        Template::try_from(text.to_owned())
    }

    #[test]
    fn places_are_filled_and_doubled_braces_are_braces() {
        let filled = template("{{{site}}}: { title }！").unwrap().fill(|place| format!("<{place:?}>"));
        assert_eq!(filled, "{<Site>}: <Title>！");
        assert_eq!(template("").unwrap().fill(|_| "x".into()), "");
    }

    #[test]
    fn what_is_wrong_is_said_with_the_way_out() {
        assert!(template("{tittle}").unwrap_err().contains("did you mean `{title}`?"));
        assert!(template("{colour}").unwrap_err().contains("{looked_for}"));
        assert!(template("{site").unwrap_err().contains("`{{`"));
        assert!(template("site}").unwrap_err().contains("`}}`"));
    }
}
