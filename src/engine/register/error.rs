//! Why an endpoint can't be registered or removed, and how much of a call and its response is shown.

use std::io;

use reqwest::Url;
use serde_json::Value;

use super::{Account, values};
use crate::{
    engine::entropy::EntropyError,
    net::url::parse_url,
    store::journal::JournalEntry,
    webhook::{
        provider::registration::{ApiCall, CallValues},
        redact,
    },
};

/// Why an endpoint can't be registered or removed.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The journal can't be used, so nothing is called.
    #[error("can't write the journal of registrations")]
    Journal(#[source] io::Error),
    /// The operating system provides no randomness for the mark.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// A call can't be made with these values.
    #[error("can't make the call: {0}")]
    Invalid(String),
    /// The API could not be reached.
    #[error("{method} {url}: {problem}")]
    Unreachable {
        method: String,
        url: String,
        /// What went wrong.
        problem: String,
        /// Whether the call may have arrived all the same.
        may_have_arrived: bool,
    },
    /// The API responded with a status that doesn't mean success.
    #[error("{method} {url}: the API responded {status}{detail}")]
    Refused {
        method: String,
        url: String,
        status: u16,
        /// The beginning of the body, after a colon.
        detail: String,
    },
    /// The response lacks what a later call needs.
    #[error("{method} {url}: the response has no usable {what}")]
    Incomplete {
        method: String,
        url: String,
        /// What is missing.
        what: &'static str,
    },
    /// The response is not what the API documents, so it says nothing about what is there.
    #[error("{method} {url}: expected {expected} in the response, but it is {actual}")]
    Unexpected {
        method: String,
        url: String,
        /// What should be in it, and where.
        expected: String,
        /// What came instead.
        actual: String,
    },
    /// Another process has set the same value.
    #[error("another hookdev has registered {0}")]
    InUse(String),
}

impl RegisterError {
    /// Whether the API could not be reached.
    #[must_use]
    pub const fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    /// Whether the call may have had an effect at the provider, though it did not succeed. A 4xx says that it had none,
    /// unless the server may have stopped waiting for a call that it had passed on.
    #[must_use]
    pub fn may_have_had_effect(&self) -> bool {
        match self {
            Self::Unreachable { method, may_have_arrived, .. } => *may_have_arrived && method != "GET",
            Self::Refused { method, status, .. } => {
                method != "GET" && (!matches!(status, 400..=499) || matches!(status, 408 | 425 | 429))
            }
            Self::Incomplete { .. } => true,
            _ => false,
        }
    }
}

/// The error of a response that lacks what a later call needs.
pub(super) fn incomplete(account: &Account, call: &ApiCall, entry: &JournalEntry, what: &'static str) -> RegisterError {
    RegisterError::Incomplete { method: call.method.to_string(), url: called(account, call, entry), what }
}

/// The error of a response that does not have this at a JSON pointer.
pub(super) fn unexpected(
    account: &Account,
    call: &ApiCall,
    entry: &JournalEntry,
    (what, pointer): (&str, &str),
    body: &[u8],
) -> RegisterError {
    let place = if pointer.is_empty() { String::new() } else { format!(" at {pointer}") };
    RegisterError::Unexpected {
        method: call.method.to_string(),
        url: called(account, call, entry),
        expected: format!("{what}{place}"),
        actual: outline(body, &values(entry, account, "")),
    }
}

/// The URL of a call that was made, for messages.
fn called(account: &Account, call: &ApiCall, entry: &JournalEntry) -> String {
    let url = format!("{}{}", account.api, call.path.fill(&values(entry, account, "")));
    // The call was made, so its URL is valid.
    parse_url(&url).map_or_else(|error| error.to_string(), |url| shown(&url))
}

/// What a response's body is. Values of JSON are left out, because the secrets of other endpoints may be among them.
fn outline(body: &[u8], values: &CallValues<'_>) -> String {
    const MAX_KEYS: usize = 5;
    match serde_json::from_slice(body) {
        Err(_) if body.is_empty() => "empty".to_owned(),
        Err(_) => format!("not JSON{}", detail(body, values)),
        Ok(Value::Object(object)) if object.is_empty() => "an empty object".to_owned(),
        Ok(Value::Object(object)) => {
            let keys: Vec<String> = object.keys().take(MAX_KEYS).map(|key| format!("`{key}`")).collect();
            let more = if object.len() > MAX_KEYS { ", ..." } else { "" };
            format!("an object with {}{more}", keys.join(", "))
        }
        Ok(Value::Array(_)) => "an array".to_owned(),
        Ok(Value::String(_)) => "a string".to_owned(),
        Ok(value) => value.to_string(),
    }
}

/// A URL for messages, without its query and password.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    redact::without_user(url.as_str()).into_owned()
}

/// The beginning of a body, after a colon, without anything secret that it repeats.
pub(super) fn detail(body: &[u8], values: &CallValues<'_>) -> String {
    let text: String = String::from_utf8_lossy(body).chars().filter(|c| !c.is_control()).take(200).collect();
    let repeats = [values.key, values.new_secret].iter().any(|secret| !secret.is_empty() && text.contains(secret));
    if text.is_empty() || repeats { String::new() } else { format!(": {text}") }
}
