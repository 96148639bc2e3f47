//! The shared frontier, on a PostgreSQL of our own: its rules, its plans, and workers that crawl from it at once, die, stand
//! still, and lose the database. Where no server is installed, that is said and everything is left out.
#![cfg(feature = "postgres")]

#[path = "../support/mod.rs"]
mod support;

mod config;
mod crawls;
mod cut;
mod growth;
mod plans;
mod rules;
mod server;
mod sharing;
