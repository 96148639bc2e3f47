//! The status page, health checks and metrics.
//!
//! Server-rendered, one style sheet, no script. What is shown is in the model already, or is a few indexed rows; nothing
//! is counted on view.

mod auth;
mod health;
mod layout;
mod lists;
mod overview;
mod search;
mod serve;
mod site;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::auth::Sessions;
use self::serve::OwnNames;
use self::words::Words;
use super::Daemon;

/// What a page may do: show itself, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; frame-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'self'";

/// What the handlers share.
struct App {
    daemon: Arc<Daemon>,
    sessions: Sessions,
}

type Shared = State<Arc<App>>;

/// Serves until it is told to end; answers under way are finished.
pub async fn serve(daemon: Arc<Daemon>, listener: TcpListener, closing: CancellationToken) {
    let config = daemon.live().config.daemon.clone();
    let names = OwnNames { listen: listener.local_addr().unwrap_or(config.listen), hosts: config.hosts };
    let app = Arc::new(App { daemon, sessions: Sessions::default() });
    let routes = Router::new()
        .route("/", get(overview::page))
        .route("/search", get(search::page))
        .route("/notices", get(search::notices))
        .route("/sites/{id}", get(site::page))
        .route("/sites/{id}/last", get(site::last))
        .route("/sites/{id}/last/report", get(site::report))
        .route("/sites/{id}/{action}", post(site::act))
        .route("/reload", post(site::reload))
        .route("/login", get(auth::form).post(auth::login))
        .route("/logout", post(auth::logout))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .route("/style.css", get(style))
        .fallback(missing)
        .layer(from_fn_with_state(names, serve::own_names))
        .layer(from_fn(secured))
        .with_state(app);
    serve::serve(listener, routes, closing).await;
}

/// Puts the headers on every answer that keep a page from doing what it should not.
async fn secured(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut unless_set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    unless_set(CONTENT_SECURITY_POLICY, POLICY);
    unless_set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    unless_set(REFERRER_POLICY, "no-referrer");
    unless_set(CACHE_CONTROL, "no-store");
    response
}

async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "max-age=3600")], include_str!("style.css"))
}

async fn missing(headers: HeaderMap, State(app): Shared) -> Response {
    let words = Words::of(&headers);
    let body = maud::html! { p { (words.no_such_page) } };
    (StatusCode::NOT_FOUND, layout::page(&app, &headers, words.no_such_page, body)).into_response()
}

/// What went wrong while a page was made.
struct Trouble(String);

impl<E: std::error::Error> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        tracing::error!("a page could not be made: {}", self.0);
        (StatusCode::INTERNAL_SERVER_ERROR, self.0).into_response()
    }
}
