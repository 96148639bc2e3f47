//! Who may press buttons: whoever has the token, by `Authorization: Bearer` or by a session that it opened.
//!
//! A session's cookie is sent by forms of this site only (`SameSite=Strict`), and each form carries a secret of the
//! session besides, so that no other page can press a button in its holder's name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use axum::response::{IntoResponse, Response};
use hmac::{Hmac, KeyInit, Mac};
use maud::html;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::words::Words;
use super::{App, Shared, layout};
use crate::lock::lock;
use crate::urls::hex;

const COOKIE_NAME: &str = "jingwen";
/// How long a session lasts after it was last used.
const LASTS: Duration = Duration::from_secs(12 * 3600);
/// Most sessions at a time; the oldest makes room.
const MOST: usize = 1_000;
/// Every wrong token makes the next answer later, up to this.
const SLOWEST: Duration = Duration::from_secs(3);

/// Open sessions; they end with the process.
#[derive(Default)]
pub struct Sessions {
    open: Mutex<BTreeMap<String, Session>>,
    wrong: Mutex<u32>,
}

struct Session {
    /// What its forms carry.
    secret: String,
    used: Instant,
    /// Under which token it was opened: another one closes it.
    token: [u8; 32],
}

fn random() -> String {
    let mut bytes = [0; 24];
    // Without randomness there must be no session; an empty name never fits.
    match getrandom::fill(&mut bytes) {
        Ok(()) => hex(&bytes),
        Err(_) => String::new(),
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Compares by a keyed hash of both, so that the time it takes tells nothing.
fn same(a: &str, b: &str) -> bool {
    let key = digest(&random());
    let mac = |text: &str| {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&key).ok()?;
        mac.update(text.as_bytes());
        Some(mac)
    };
    match (mac(a), mac(b)) {
        (Some(a), Some(b)) => a.verify_slice(&b.finalize().into_bytes()).is_ok(),
        _ => false,
    }
}

impl Sessions {
    fn open(&self, token: &str) -> Option<String> {
        let (id, secret) = (random(), random());
        if id.is_empty() || secret.is_empty() {
            return None;
        }
        let mut open = lock(&self.open);
        open.retain(|_, session| session.used.elapsed() < LASTS);
        if open.len() >= MOST
            && let Some(oldest) = open.iter().min_by_key(|(_, session)| session.used).map(|(id, _)| id.clone())
        {
            open.remove(&oldest);
        }
        open.insert(id.clone(), Session { secret, used: Instant::now(), token: digest(token) });
        Some(id)
    }

    /// Waits before the answer to a wrong token, the longer the more of them came.
    async fn delay(&self) {
        let wrong = {
            let mut wrong = lock(&self.wrong);
            *wrong = wrong.saturating_add(1);
            *wrong
        };
        tracing::warn!("somebody gave a wrong token on the status page");
        tokio::time::sleep((Duration::from_millis(250) * wrong.min(100)).min(SLOWEST)).await;
    }

    /// The secret of the session that a request belongs to.
    pub fn secret(&self, headers: &HeaderMap, token: Option<&str>) -> Option<String> {
        let id = cookie(headers)?;
        let mut open = lock(&self.open);
        let session = open.get_mut(&id)?;
        if session.used.elapsed() >= LASTS || digest(token?) != session.token {
            open.remove(&id);
            return None;
        }
        session.used = Instant::now();
        Some(session.secret.clone())
    }
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|text| text.split(';')).find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == COOKIE_NAME).then(|| value.to_owned())
    })
}

/// What a button's form carries.
#[derive(Deserialize, Default)]
pub struct Pressed {
    /// The session's secret.
    #[serde(default)]
    pub csrf: String,
}

/// Why a button must not be pressed.
pub enum Refused {
    /// No token is set.
    Switched,
    /// Not logged in.
    Unknown,
    /// The form is not ours, or is too old.
    Forged,
}

/// Whether a request may press a button.
pub async fn may(app: &App, headers: &HeaderMap, pressed: &Pressed) -> Result<(), Refused> {
    let live = app.daemon.live();
    let Some(token) = live.token.as_deref() else { return Err(Refused::Switched) };
    if let Some(given) = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) {
        // A browser adds this header for nobody, so there is nothing to forge.
        return match given.strip_prefix("Bearer ").is_some_and(|given| same(given.trim(), token)) {
            true => Ok(()),
            false => {
                app.sessions.delay().await;
                Err(Refused::Unknown)
            }
        };
    }
    match app.sessions.secret(headers, Some(token)) {
        None => Err(Refused::Unknown),
        Some(secret) if same(&secret, &pressed.csrf) => Ok(()),
        Some(_) => Err(Refused::Forged),
    }
}

/// The answer to who may not.
pub fn refused(app: &App, headers: &HeaderMap, why: &Refused) -> Response {
    let words = Words::of(headers);
    let (status, text) = match why {
        Refused::Switched => (StatusCode::FORBIDDEN, words.no_token_set),
        Refused::Unknown => (StatusCode::UNAUTHORIZED, words.log_in_first),
        Refused::Forged => (StatusCode::FORBIDDEN, words.form_too_old),
    };
    let body = html! { p { (text) } p { a href="/login" { (words.log_in) } } };
    (status, layout::page(app, headers, words.not_allowed, body)).into_response()
}

/// `GET /login`.
pub async fn form(State(app): Shared, headers: HeaderMap) -> Response {
    shown(&app, &headers, None).into_response()
}

fn shown(app: &App, headers: &HeaderMap, wrong: Option<&str>) -> maud::Markup {
    let words = Words::of(headers);
    let body = html! {
        @if let Some(wrong) = wrong { p.bad role="alert" { (wrong) } }
        @if app.daemon.live().token.is_none() {
            p { (words.no_token_set) }
        } @else {
            form method="post" action="/login" {
                label for="token" { (words.token) }
                input id="token" name="token" type="password" autocomplete="current-password" required;
                button { (words.log_in) }
            }
        }
    };
    layout::page(app, headers, words.log_in, body)
}

/// What the login form carries.
#[derive(Deserialize)]
pub struct Given {
    token: String,
}

/// `POST /login`.
pub async fn login(State(app): Shared, headers: HeaderMap, Form(given): Form<Given>) -> Response {
    let live = app.daemon.live();
    let good = live.token.as_deref().filter(|token| same(given.token.trim(), token));
    let Some(id) = good.and_then(|token| app.sessions.open(token)) else {
        app.sessions.delay().await;
        let words = Words::of(&headers);
        return (StatusCode::UNAUTHORIZED, shown(&app, &headers, Some(words.wrong_token))).into_response();
    };
    *lock(&app.sessions.wrong) = 0;
    let cookie = format!("{COOKIE_NAME}={id}; HttpOnly; SameSite=Strict; Path=/; Max-Age={}", LASTS.as_secs());
    (StatusCode::SEE_OTHER, [(LOCATION, "/".to_owned()), (SET_COOKIE, cookie)]).into_response()
}

/// `POST /logout`.
pub async fn logout(State(app): State<Arc<App>>, headers: HeaderMap, Form(pressed): Form<Pressed>) -> Response {
    if let Err(why) = may(&app, &headers, &pressed).await {
        return refused(&app, &headers, &why);
    }
    if let Some(id) = cookie(&headers) {
        lock(&app.sessions.open).remove(&id);
    }
    let gone = format!("{COOKIE_NAME}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0");
    (StatusCode::SEE_OTHER, [(LOCATION, "/".to_owned()), (SET_COOKIE, gone)]).into_response()
}
