//! `hookdev verify`.

mod entries;
mod findings;
mod forms;
mod freshness;
mod reports;
mod requirements;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::harness::{CYANITE, CYANITE_HEADERS};

/// A capture of Cyanite's with this body.
fn capture(body: impl AsRef<[u8]>) -> Value {
    let headers = CYANITE_HEADERS.map(|(name, value)| json!([name, value]));
    let body = BASE64_STANDARD.encode(body);
    json!({"request": {"method": "POST", "target": "/cyanite", "headers": headers, "body_base64": body}})
}

/// A capture that verifies.
fn good() -> String {
    format!("{}\n", capture(CYANITE))
}

/// A capture that is rejected.
fn tampered() -> String {
    format!("{}\n", capture(CYANITE.replace("999", "998")))
}
