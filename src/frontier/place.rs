//! Where the frontier is: in the state folder, or in a PostgreSQL that many workers share. Passwords are never shown.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::units::Span;
use crate::urls::hex;

/// Names the shared frontier in the environment; wins over the configuration.
pub const VARIABLE: &str = "JINGWEN_POSTGRES";
/// Names a file with its password; likewise.
pub const PASSWORD_VARIABLE: &str = "JINGWEN_POSTGRES_PASSWORD_FILE";
/// The file in the state folder that holds the worker's identity.
const IDENTITY: &str = "worker";
/// What stands in place of a password.
const HIDDEN: u8 = b'*';

/// Why it cannot be told where the frontier is.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// An address that is none.
    #[error("the address of the frontier ({from}) cannot be used: {why}; write \"postgres://user@host/database\"")]
    Address {
        /// Where it stands.
        from: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The file with the password.
    #[error("cannot read the password of the frontier from {path}: {source}")]
    Password {
        /// File.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file with the worker's identity.
    #[error(
        "cannot keep this worker's identity in {path}: {source}; it holds 16 hexadecimal digits, and its folder must be \
         writable"
    )]
    Identity {
        /// File.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// This program has no driver.
    #[error(
        "the frontier is to be in PostgreSQL ({from}), and this jingwen was built without that; build it with `cargo \
         build --release --features postgres`, or take the setting out to keep the frontier in the state folder"
    )]
    NotBuilt {
        /// Where that is said.
        from: &'static str,
    },
}

/// Address of a PostgreSQL database, `postgres://user@host/database`. Shown without its password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Address(Url);

impl Address {
    /// With the password in it, if it has one.
    pub fn url(&self) -> &Url {
        &self.0
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        // The text itself is left out of the message, for it may hold a password.
        let url = Url::parse(&text).map_err(|error| format!("it is no address ({error})"))?;
        match url.scheme() {
            "postgres" | "postgresql" => Ok(Self(url)),
            other => Err(format!("it begins with `{other}:` and not with `postgres:`")),
        }
    }
}

impl From<Address> for String {
    fn from(address: Address) -> String {
        address.0.into()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        // Only an address without a host refuses it, and that has no password. Parameters may hold one as well.
        let _ = url.set_password(None);
        url.set_query(None);
        write!(f, "{url}")
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// A text with the passwords of addresses in it hidden; everything else stays at its place.
pub fn without_passwords(text: &str) -> String {
    let is_database = |before: &str| before.ends_with("postgres") || before.ends_with("postgresql");
    let mut bytes = text.as_bytes().to_vec();
    for (scheme, _) in text.match_indices("://") {
        let start = scheme + 3;
        let rest = &text[start..];
        let rest = &rest[..rest.find(['"', '\'', '\n']).unwrap_or(rest.len())];
        if let Some((user, _)) = rest.rsplit_once('@')
            && let Some(colon) = user.find(':')
        {
            bytes[start + colon + 1..start + user.len()].fill(HIDDEN);
        }
        // Of a database's address the parameters may hold one as well.
        if let Some(question) = rest.find('?').filter(|_| is_database(&text[..scheme])) {
            bytes[start + question + 1..start + rest.len()].fill(HIDDEN);
        }
    }
    // Whole characters were overwritten with ASCII.
    String::from_utf8(bytes).unwrap_or_default()
}

/// `[state]`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StateConfig {
    /// Folder for the crawl's memory: `frontier.sqlite`, or, with `postgres`, what is this worker's own.
    pub dir: PathBuf,
    /// Keep the frontier in PostgreSQL, where many workers share it: `"postgres://user@host/database"`. The environment's
    /// `JINGWEN_POSTGRES` wins. Needs a build with the feature `postgres`.
    pub postgres: Option<Address>,
    /// A file that holds the password for `postgres`; the environment's `JINGWEN_POSTGRES_PASSWORD_FILE` wins.
    pub password_file: Option<PathBuf>,
    /// How long a worker that has died or stands still keeps its hosts from the others: `"10m"`. A worker that lives
    /// renews its leases five times in it.
    pub lease: LeaseTime,
}

impl Default for StateConfig {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("state"),
            postgres: None,
            password_file: None,
            lease: LeaseTime(Duration::from_secs(600)),
        }
    }
}

/// How long a lease lasts, a second or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Span", into = "Span")]
#[schemars(with = "Span")]
pub struct LeaseTime(pub Duration);

impl TryFrom<Span> for LeaseTime {
    type Error = String;

    fn try_from(span: Span) -> Result<Self, String> {
        match span.0 >= Duration::from_secs(1) {
            true => Ok(Self(span.0)),
            false => Err(format!("a lease lasts a second or more, not {span}")),
        }
    }
}

impl From<LeaseTime> for Span {
    fn from(value: LeaseTime) -> Span {
        Span(value.0)
    }
}

/// Where the frontier is, and how its leases are.
#[derive(Debug, Clone)]
pub struct Place {
    /// The shared one; none: in the state folder.
    pub shared: Option<Shared>,
    /// How long a lease lasts.
    pub lease: Duration,
}

/// A frontier that many workers share.
#[derive(Clone)]
pub struct Shared {
    /// Its address.
    pub address: Address,
    /// Its password, where the address has none.
    pub password: Option<String>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shared({})", self.address)
    }
}

impl Place {
    /// As the configuration and the environment say.
    ///
    /// # Errors
    ///
    /// What is wrong with the address, or with the file that holds the password.
    pub fn of(config: &StateConfig) -> Result<Self, PlaceError> {
        let named = std::env::var(VARIABLE).ok().filter(|text| !text.is_empty());
        let (address, from) = match named {
            Some(text) => {
                let address = Address::try_from(text).map_err(|why| PlaceError::Address { from: VARIABLE, why })?;
                (Some(address), VARIABLE)
            }
            None => (config.postgres.clone(), "[state] postgres"),
        };
        let Some(address) = address else { return Ok(Self { shared: None, lease: config.lease.0 }) };
        if cfg!(not(feature = "postgres")) {
            return Err(PlaceError::NotBuilt { from });
        }
        let file = std::env::var_os(PASSWORD_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        let password = match &file.or_else(|| config.password_file.clone()) {
            Some(path) => {
                let text = fs::read_to_string(path);
                let text = text.map_err(|source| PlaceError::Password { path: path.clone(), source })?;
                Some(text.trim_end_matches(['\r', '\n']).to_owned())
            }
            None => None,
        };
        Ok(Self { shared: Some(Shared { address, password }), lease: config.lease.0 })
    }
}

/// The identity of the worker whose state is in a folder: random, and kept in a file, so that it outlives the process as
/// the output does that belongs to it.
///
/// # Errors
///
/// What the system said to reading or writing the file.
pub fn identity(folder: &Path) -> Result<i64, PlaceError> {
    let path = folder.join(IDENTITY);
    let failed = |source| PlaceError::Identity { path: path.clone(), source };
    match fs::read_to_string(&path) {
        Ok(text) => {
            let number = u64::from_str_radix(text.trim(), 16);
            number.map(u64::cast_signed).map_err(|error| failed(io::Error::other(error)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut bytes = [0; 8];
            getrandom::fill(&mut bytes).map_err(|error| failed(io::Error::other(error)))?;
            let tmp = folder.join(".worker.tmp");
            let write = || {
                let mut file = fs::File::create(&tmp)?;
                writeln!(file, "{}", hex(&bytes))?;
                file.sync_all()?;
                fs::rename(&tmp, &path)?;
                fs::File::open(folder)?.sync_all()
            };
            write().map_err(failed)?;
            Ok(i64::from_be_bytes(bytes))
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        let address = Address::try_from("postgres://crawler:s3cret@db.example:5433/news?password=s3cret".to_owned());
        let shared = Shared { address: address.unwrap(), password: Some("s3cret".into()) };
        for text in [format!("{shared:?}"), shared.address.to_string(), format!("{:?}", shared.address)] {
            assert!(text.contains("postgres://crawler@db.example:5433/news") && !text.contains("s3cret"), "{text}");
        }
        for text in ["mysql://a:s3cret@b/c", "postgres//a:s3cret@b", "postgres://a:s3cret@b:port/c"] {
            let error = Address::try_from(text.to_owned()).unwrap_err();
            assert!(!error.contains("s3cret"), "{error}");
        }
        let text = "y = \"mysql://a:s3@b\"\n\
             [state]\npostgres = \"postgres://a:s3@cret密@b/c\"\nx = 'postgresql://a@b/c?password=s3' # postgres\n";
        let hidden = without_passwords(text);
        assert_eq!(hidden.len(), text.len());
        assert!(hidden.starts_with("y = \"mysql://a:**@b\"\n"), "{hidden}");
        assert!(
            hidden.contains("\"postgres://a:**********@b/c\"\nx = 'postgresql://a@b/c?***********' # postgres"),
            "{hidden}"
        );
    }

    #[test]
    fn an_identity_outlives_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let worker = identity(folder.path()).unwrap();
        assert_eq!(identity(folder.path()).unwrap(), worker);
        assert_ne!(identity(tempfile::tempdir().unwrap().path()).unwrap(), worker);
        fs::write(folder.path().join("worker"), "not hexadecimal").unwrap();
        assert!(matches!(identity(folder.path()), Err(PlaceError::Identity { .. })));
    }
}
