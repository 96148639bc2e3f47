//! Cleaning of news pages: HTML in, the article as a record out.
//!
//! [`clean`](clean()) is a function of its arguments: a [`Page`], the selector files ([`Sites`]) and [`Options`] in, a
//! [`Cleaned`] out, with the article as a [`Record`] or the [`Rejection`] that says why there is none. Nothing here asks
//! the network, keeps state on disk, or knows of a command line.
//!
//! ```
//! use jingwen_core::{Body, Options, Page, Sites, clean};
//!
//! let html = "<html><head><title>海湾市推出便民措施</title></head><body><h1>海湾市推出便民措施</h1>
//!     <p>海湾市昨天推出十项便民措施，市民可在网上办理，窗口照常开放。</p>
//!     <p>“办事不再跑两趟”，一位市民说，这些措施从即日起施行。</p>
//!     <p>责任编辑：李四</p></body></html>";
//! let page = Page { url: None, body: Body::Markup(html), content_type: None, fetched_at: None };
//! let cleaned = clean(&page, &Sites::builtin(), &Options::default());
//! let record = cleaned.article.expect("an article");
//! assert_eq!(record.title.as_deref(), Some("海湾市推出便民措施"));
//! assert!(record.text.ends_with("这些措施从即日起施行。"));
//! assert_eq!(record.editors["责任编辑"], ["李四"]);
//! ```
//!
//! A page that holds no article says so:
//!
//! ```
//! use jingwen_core::{Body, Options, Page, Reason, Sites, clean};
//!
//! let page = Page { url: None, body: Body::Html(b"\xff\xd8\xff\xe0\0\x10JFIF"), content_type: None, fetched_at: None };
//! let rejection = clean(&page, &Sites::default(), &Options::default()).article.unwrap_err();
//! assert_eq!(rejection.reason, Reason::Binary);
//! ```
//!
//! Selector files are read from folders, and add to those that are embedded; [`Sites::for_url`] gives the one that a page
//! is cleaned by:
//!
//! ```
//! use jingwen_core::Sites;
//!
//! let sites = Sites::builtin();
//! let url = "https://www.sznews.com/news/content/2026-01/01/content_1.htm".parse().unwrap();
//! assert!(sites.for_url(&url).is_some());
//! ```

pub mod clean;
pub mod pattern;
pub mod record;
pub mod schedule;
pub mod sites;
pub mod text;
pub mod units;
pub mod urls;

pub use clean::{Body, Cleaned, Link, Options, Page, PageKind, Rejection, clean};
pub use record::{Reason, Record};
pub use sites::{SiteErrors, Sites};
pub use urls::CanonicalUrl;
