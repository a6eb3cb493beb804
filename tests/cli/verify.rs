//! `hookdev verify`.

mod entries;
mod findings;
mod forms;
mod freshness;
mod reports;
mod requirements;
mod watch;

use crate::harness::{CYANITE, CYANITE_HEADERS, capture};

/// A capture that verifies.
fn good() -> String {
    format!("{}\n", capture(&CYANITE_HEADERS, CYANITE))
}

/// A capture that is rejected.
fn tampered() -> String {
    format!("{}\n", capture(&CYANITE_HEADERS, CYANITE.replace("999", "998")))
}
