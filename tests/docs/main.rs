//! The README and the pages in `docs/` are true: their console blocks print what they show, their links lead somewhere,
//! their commands are ones that the program knows, and the book has every page.
#![allow(clippy::unwrap_used)] // all of it is test code, outside of test functions too

mod book;
mod commands;
mod config_keys;
#[cfg(unix)]
mod follow;
mod links;
#[path = "../machine/mod.rs"]
mod machine;
#[cfg(unix)]
#[path = "../packages/mod.rs"]
mod packages;
#[path = "../pages/mod.rs"]
mod pages;
mod text;
