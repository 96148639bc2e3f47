//! Cleaning of news pages: HTML in, the article as a record out.
//!
//! [`clean::clean`] is the entry; [`sites::Sites`] holds the selector files, and [`record::Record`] is what comes out.
//! Nothing here asks the network, keeps state on disk, or knows of the command line.

pub mod clean;
pub mod pattern;
pub mod record;
pub mod schedule;
pub mod sites;
pub mod text;
pub mod units;
pub mod urls;
