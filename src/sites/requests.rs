//! What goes along with requests to a site's hosts, and to no others.

use std::path::PathBuf;

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
