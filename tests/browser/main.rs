//! The inspector's page in a real Chromium, driven through chromedriver: what it shows, what its keys do, what it keeps
//! out, and that people can use it. `looks::screenshots` saves its pictures below `target/inspector/`.
//!
//! Without chromium and chromedriver the tests are skipped with a message, unless `HOOKDEV_CI` is set. Nothing here
//! sleeps: the page itself reports when a condition holds, and a test fails if it does not within [`PATIENCE`].

// An unwrap here fails its test.
#![allow(clippy::unwrap_used)]

mod browser;
mod connection;
mod explanations;
mod isolation;
mod keyboard;
mod list;
mod looks;
#[path = "../machine/mod.rs"]
mod machine;
#[path = "../packages/mod.rs"]
mod packages;
mod payloads;
mod program;
mod resend;
mod sources;

use std::time::Duration;

/// How long anything may take before a test fails: far longer than needed.
const PATIENCE: Duration = Duration::from_secs(240);
