//! Cleans one page and prints its record as JSON.
//!
//!     cargo run -p jingwen-core --example clean -- PAGE.html [URL]

use std::error::Error;

use jingwen_core::{Body, Options, Page, Sites, clean};
use url::Url;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("which page? clean PAGE.html [URL]")?;
    let url = arguments.next().map(|text| Url::parse(&text)).transpose()?;
    let html = std::fs::read(&path).map_err(|error| format!("cannot read {path}: {error}"))?;
    let page = Page { url: url.as_ref(), body: Body::Html(&html), content_type: None, fetched_at: None };
    match clean(&page, &Sites::builtin(), &Options::default()).article {
        Ok(record) => println!("{}", serde_json::to_string_pretty(&record)?),
        Err(rejection) => return Err(format!("{path} gave no article: {}", rejection.detail).into()),
    }
    Ok(())
}
