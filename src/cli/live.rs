//! Single pages from the network, for commands that look at a few: the crawl's fetcher, guard and robots.txt, one request
//! a second to a host.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use miette::miette;
use tokio::runtime::Runtime;
use url::Url;

use super::Failure;
use crate::config::Config;
use crate::crawl::fetch::{Fetch, Http, HttpError, Request, Response};
use crate::crawl::robots::{self, Robots, path_of};
use crate::crawl::setup::{client_options, guard};
use crate::learn::Input;
use crate::sites::Sites;
use crate::sites::requests::product_token;

/// Most redirects that are followed.
const MAX_REDIRECTS: usize = 10;

/// Least time between two requests.
const PAUSE: Duration = Duration::from_secs(1);

/// Fetches pages, as `jingwen.toml` (if there is one here) says of the user agent, limits and private addresses.
///
/// # Errors
///
/// The first page that cannot be had, or that robots.txt does not allow.
pub fn fetch(addresses: &[&str]) -> Result<Vec<Input>, Failure> {
    let (runtime, mut session) = Session::open()?;
    runtime.block_on(async {
        let mut out = Vec::new();
        for address in addresses {
            out.push(session.page(address).await?);
        }
        Ok(out)
    })
}

/// The robots.txt of an address's host: the name it calls us by, and its bytes or why there are none.
///
/// # Errors
///
/// A client that cannot be set up.
pub fn robots(url: &Url, user_agent: Option<&str>) -> Result<(String, Result<Vec<u8>, String>), Failure> {
    let (runtime, session) = Session::open()?;
    let token = user_agent.map_or(session.token.clone(), |name| product_token(name).to_owned());
    let Ok(mut at) = url.join("/robots.txt") else { return Ok((token, Err("it has no host".to_owned()))) };
    let answer = runtime.block_on(async {
        for _ in 0..=MAX_REDIRECTS {
            let request = Request { truncate: Some(robots::MAX_BYTES), ..Request::new(&at) };
            let answer = session.http.fetch(request).await.map_err(|error| error.to_string())?;
            match (answer.status, answer.location) {
                (200..=299, _) => return Ok(answer.body),
                (300..=399, Some(Ok(to))) => at = to,
                // RFC 9309, 2.3.1.3: where there is none, all is allowed.
                (300..=428 | 430..=499, _) => return Ok(Vec::new()),
                (status, _) => {
                    return Err(format!("status {status}: until it can be had, nothing is asked of the host"));
                }
            }
        }
        Ok(Vec::new())
    });
    Ok((token, answer))
}

struct Session {
    http: Http,
    token: String,
    respect: bool,
    /// By scheme, host and port.
    robots: HashMap<String, Robots>,
    asked: bool,
}

impl Session {
    /// A client, as `jingwen.toml` (if there is one here) asks for it.
    fn open() -> Result<(Runtime, Self), Failure> {
        let path = Path::new("jingwen.toml");
        let config = if path.is_file() { Config::load(path).map_err(Failure::usage)?.0 } else { Config::default() };
        let sites = Arc::new(Sites::load(config.selectors.as_slice()).map_err(Failure::usage)?);
        let failed = |error: HttpError| Failure::usage(miette!("{error}"));
        let options = client_options(&config).map_err(failed)?;
        let http = Http::new(&options, guard(&config, &[]), sites).map_err(failed)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Failure::unexpected(miette!("cannot start: {e}")))?;
        let session = Self {
            http,
            token: product_token(&options.user_agent).to_owned(),
            respect: config.politeness.respect_robots,
            robots: HashMap::new(),
            asked: false,
        };
        Ok((runtime, session))
    }

    async fn page(&mut self, address: &str) -> Result<Input, Failure> {
        let mut url = Url::parse(address).map_err(|e| Failure::usage(miette!("`{address}` is no address: {e}")))?;
        for _ in 0..=MAX_REDIRECTS {
            if self.respect {
                self.permitted(&url).await?;
            }
            let answer = self.get(&url, None).await?;
            if answer.is_redirect() {
                match answer.location {
                    Some(Ok(to)) => url = to,
                    Some(Err(to)) => return Err(failed(&url, &format!("it redirects to `{to}`, which is no address"))),
                    None => {}
                }
                continue;
            }
            if answer.status != 200 {
                return Err(failed(&url, &format!("status {}", answer.status)));
            }
            if answer.is_binary() {
                return Err(failed(&url, &format!("it is {}", answer.content_type.unwrap_or_default())));
            }
            return Ok(Input {
                name: url.to_string(),
                bytes: answer.body,
                url: Some(url),
                content_type: answer.content_type,
                fetched_at: Some(answer.at),
            });
        }
        Err(failed(&url, "too many redirects"))
    }

    /// Asks robots.txt of the host, once.
    async fn permitted(&mut self, url: &Url) -> Result<(), Failure> {
        let origin = url.origin().ascii_serialization();
        if !self.robots.contains_key(&origin) {
            let at = url.join("/robots.txt").map_err(|e| failed(url, &e.to_string()))?;
            let answer = self.get(&at, Some(robots::MAX_BYTES)).await?;
            let rules = match answer.status {
                200..=299 => Robots::parse(&answer.body, &self.token),
                // RFC 9309: where there is none, all is allowed; where it cannot be had, nothing is.
                300..=499 => Robots::parse(b"", &self.token),
                status => return Err(failed(url, &format!("robots.txt cannot be had (status {status})"))),
            };
            self.robots.insert(origin.clone(), rules);
        }
        match self.robots.get(&origin).is_none_or(|r| r.check(&path_of(url.as_str())).allowed) {
            true => Ok(()),
            false => Err(failed(url, "robots.txt does not allow it; save the page by hand instead")),
        }
    }

    async fn get(&mut self, url: &Url, truncate: Option<usize>) -> Result<Response, Failure> {
        if std::mem::replace(&mut self.asked, true) {
            tokio::time::sleep(PAUSE).await;
        }
        self.http.fetch(Request { truncate, ..Request::new(url) }).await.map_err(|e| failed(url, &e.to_string()))
    }
}

fn failed(url: &Url, why: &str) -> Failure {
    Failure::usage(miette!("cannot fetch {url}: {why}"))
}
