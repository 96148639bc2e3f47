//! The keys of `[crawl]` that concern requests.

use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use http::header::{HeaderName, HeaderValue};

use super::Cx;
use crate::sites::at::At;
use crate::sites::model;
use crate::sites::problem::Origin;
use crate::sites::requests::{Auth, RequestRules, Secret, UserAgent};

/// Headers that have a key of their own, or that only the program can set: name, and what to do.
const RESERVED: &[(&str, &str)] = &[
    ("cookie", "write `cookies = { name = \"value\" }`"),
    ("user-agent", "write `user_agent = \"…\"`"),
    ("authorization", "write `auth = { user = \"…\", password_env = \"…\" }`, so that the secret is not in the file"),
    ("host", "it is the address's own; leave it out"),
    ("accept-encoding", "the program asks for what it can unpack; leave it out"),
    ("if-none-match", "the program sends it where it knows a page; leave it out"),
    ("if-modified-since", "the program sends it where it knows a page; leave it out"),
    ("range", "pages are read as a whole; leave it out"),
    ("connection", "it belongs to the connection; leave it out"),
    ("content-length", "requests have no body; leave it out"),
    ("transfer-encoding", "requests have no body; leave it out"),
];

/// What the names of variables with passwords begin with.
const VARIABLES: &str = "JINGWEN_AUTH_";

/// True for paths that lead nowhere but down.
fn is_below(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

impl Cx<'_> {
    pub(super) fn requests(&mut self, model: &model::Crawl) -> RequestRules {
        let mut rules = RequestRules {
            headers: self.headers(model),
            accept_invalid_certs: model.accept_invalid_certs,
            auth: model.auth.as_ref().and_then(|auth| self.auth(auth)),
            ..RequestRules::default()
        };
        if let Some(cookies) = &model.cookies {
            rules.keep_cookies = !matches!(cookies.value, model::Cookies::Switch(false));
            rules.cookies = self.cookies(cookies);
        }
        rules.user_agent = model.user_agent.as_ref().map(|text| {
            if let Err(message) = text.parse::<UserAgent>() {
                self.error(&text.span, "bad-user-agent", message, "\"my-crawler/1.0 (+https://…)\"");
            }
            text.value.clone()
        });
        rules
    }

    fn headers(&mut self, model: &model::Crawl) -> Vec<(String, String)> {
        for (name, value) in &model.headers {
            let lower = name.to_ascii_lowercase();
            if HeaderName::from_bytes(name.as_bytes()).is_err() {
                let help = "letters, digits and `-`: \"X-Requested-With\"";
                self.error(&value.span, "bad-header", format!("`{name}` is not the name of a header"), help);
            } else if let Some((_, help)) = RESERVED.iter().find(|(reserved, _)| *reserved == lower) {
                self.error(&value.span, "bad-header", format!("`{name}` cannot be set under `headers`"), *help);
            } else if HeaderValue::from_str(value).is_err() {
                let help = "visible ASCII characters, in one line";
                self.error(&value.span, "bad-header", format!("the value of `{name}` cannot be sent"), help);
            }
        }
        model.headers.iter().map(|(name, value)| (name.clone(), value.value.clone())).collect()
    }

    fn cookies(&mut self, cookies: &At<model::Cookies>) -> Vec<(String, String)> {
        let pairs: Vec<(String, String)> = match &cookies.value {
            model::Cookies::Switch(_) => return Vec::new(),
            model::Cookies::Table(table) => table.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
            model::Cookies::Text(text) => text
                .split(';')
                .map(str::trim)
                .filter(|pair| !pair.is_empty())
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
                .collect(),
        };
        let is_sound = |(name, value): &&(String, String)| {
            let has = |text: &str, signs: &[char]| text.contains(signs);
            HeaderName::from_bytes(name.as_bytes()).is_ok()
                && HeaderValue::from_str(value).is_ok()
                && !has(value, &[';', ',', ' '])
        };
        if let Some((name, _)) = pairs.iter().find(|pair| !is_sound(pair)) {
            let help = "a name and a value without blanks, `;` and `,`: \"age=ok; region=sz\"";
            self.error(&cookies.span, "bad-cookie", format!("the cookie `{name}` cannot be sent"), help);
        }
        pairs
    }

    fn auth(&mut self, auth: &At<model::Auth>) -> Option<Auth> {
        let password = match (&auth.password_env, &auth.password_file) {
            (Some(name), None) if name.starts_with(VARIABLES) => Some(Secret::Variable(name.value.clone())),
            (Some(name), None) => {
                let help = format!(
                    "call the variable {VARIABLES}…: selector files are passed around, and must not reach others"
                );
                self.error(&name.span, "bad-auth", format!("`auth` cannot use the variable `{}`", name.value), help);
                return None;
            }
            (None, Some(file)) if is_below(Path::new(&file.value)) => {
                Some(Secret::File(self.beside(Path::new(&file.value))))
            }
            (None, Some(file)) => {
                let help =
                    "name a file in this file's folder: selector files are passed around, and must not reach others";
                self.error(&file.span, "bad-auth", format!("`auth` cannot use the file `{}`", file.value), help);
                return None;
            }
            _ => None,
        };
        match (&auth.user, password) {
            (Some(user), Some(password)) if !user.contains(':') => Some(Auth { user: user.value.clone(), password }),
            _ => {
                let help = "{ user = \"name\", password_env = \"JINGWEN_AUTH_NAME\" }, or password_file = \"path\"; the password itself does \
                    not belong into the file";
                let span: &Range<usize> = &auth.span;
                self.error(span, "bad-auth", "`auth` needs a `user`, and where its password is".to_owned(), help);
                None
            }
        }
    }

    /// A path in the file, from the file's folder.
    fn beside(&self, path: &Path) -> PathBuf {
        match &self.file.origin {
            Origin::File(file) => file.parent().unwrap_or(Path::new("")).join(path),
            Origin::Builtin => path.to_owned(),
        }
    }
}
