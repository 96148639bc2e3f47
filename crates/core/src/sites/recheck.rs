//! How far back corrections of articles are looked for.

use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::Span;

/// How long a crawl remembers an article after it was written.
pub const REMEMBERED: Duration = Duration::from_secs(31 * 86_400);

/// How far back corrections are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Span", into = "Span")]
#[schemars(with = "Span")]
pub struct RecheckAge(pub Duration);

impl TryFrom<Span> for RecheckAge {
    type Error = String;

    fn try_from(span: Span) -> Result<Self, String> {
        match span.0 {
            age if age.is_zero() => Err("0 would look at nothing again; leave `recheck` out".to_owned()),
            age if age > REMEMBERED => {
                Err(format!("articles are remembered for {}, not for {span}; write \"31d\" or less", Span(REMEMBERED)))
            }
            age => Ok(Self(age)),
        }
    }
}

impl FromStr for RecheckAge {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::try_from(text.parse::<Span>().map_err(|error| error.to_string())?)
    }
}

impl From<RecheckAge> for Span {
    fn from(value: RecheckAge) -> Span {
        Span(value.0)
    }
}
