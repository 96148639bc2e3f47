//! What goes along with requests to a site's hosts, and to no others.

use std::path::PathBuf;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Compiled from the keys of `[crawl]` that concern requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRules {
    /// Headers beside the usual ones: name and value.
    pub headers: Vec<(String, String)>,
    /// Cookies sent from the start: name and value.
    pub cookies: Vec<(String, String)>,
    /// Cookies that the site sets are kept for the run and sent back.
    pub keep_cookies: bool,
    /// In place of the configured user agent; robots.txt is read by its name.
    pub user_agent: Option<String>,
    /// Certificates are not checked.
    pub accept_invalid_certs: bool,
    /// Basic authentication.
    pub auth: Option<Auth>,
}

/// A user agent: visible ASCII with a product token in front.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct UserAgent(pub String);

impl TryFrom<String> for UserAgent {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if !text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
            return Err("a user agent can hold only visible ASCII characters".into());
        }
        match product_token(&text) {
            "" => {
                Err("a user agent begins with a name that robots.txt can call it by: \"my-crawler/1.0 (+https://…)\""
                    .into())
            }
            _ => Ok(Self(text)),
        }
    }
}

impl From<UserAgent> for String {
    fn from(value: UserAgent) -> String {
        value.0
    }
}

impl FromStr for UserAgent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::try_from(text.to_owned())
    }
}

/// The product token of a user agent: `jingwen` of `jingwen/0.1 (+https://…)`.
pub fn product_token(user_agent: &str) -> &str {
    let end = user_agent.find(|c: char| !(c.is_ascii_alphabetic() || c == '-' || c == '_'));
    &user_agent[..end.unwrap_or(user_agent.len())]
}

/// Name and password for basic authentication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// Name.
    pub user: String,
    /// Where the password is.
    pub password: Secret,
}

/// Where a secret is; never in the file itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// In a variable of the environment.
    Variable(String),
    /// In a file, alone.
    File(PathBuf),
}

/// Why a secret could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Not set.
    #[error("the password of `auth` is not there: the environment has no `{0}`; set it, or take `auth` out")]
    Variable(String),
    /// Not readable.
    #[error("cannot read the password of `auth` from {path}: {source}; make the file, readable by this user")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Default for RequestRules {
    fn default() -> Self {
        Self {
            headers: Vec::new(),
            cookies: Vec::new(),
            keep_cookies: true,
            user_agent: None,
            accept_invalid_certs: false,
            auth: None,
        }
    }
}

impl Secret {
    /// Reads the secret, without the white space around it.
    ///
    /// # Errors
    ///
    /// Where it should be and is not.
    pub fn read(&self) -> Result<String, SecretError> {
        let text = match self {
            Self::Variable(name) => std::env::var(name).map_err(|_| SecretError::Variable(name.clone()))?,
            Self::File(path) => {
                std::fs::read_to_string(path).map_err(|source| SecretError::File { path: path.clone(), source })?
            }
        };
        Ok(text.trim().to_owned())
    }
}
