//! Selector files of other tools, turned into ours as far as it goes.

mod ftr;
mod xpath;

pub use ftr::{Imported, ftr};
