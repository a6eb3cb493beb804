//! The receiver as the internet sees it through a tunnel: behind a random path prefix. Requests without it get a 404
//! and are counted, but not shown, captured or forwarded. One path below it is for checks of the tunnel.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use http::request::Parts;
use tokio::sync::watch;

use super::CHECK_PATH;
use crate::{
    engine::{
        entropy::{EntropyError, random_hex},
        receive::{Receiver, ReceiverSettings},
    },
    net::receiver::{Handler, Outgoing, ReceiveError, ReceivedRequest},
    webhook::{called_url::PublicUrl, record::Response, request::Headers},
};

/// The number of random bytes in the prefix.
const PREFIX_BYTES: usize = 10;

/// A new path prefix, such as `/t-0123456789abcdef0123`.
///
/// # Errors
///
/// If the operating system provides no randomness.
pub fn new_prefix() -> Result<String, EntropyError> {
    Ok(format!("/t-{}", random_hex::<PREFIX_BYTES>()?))
}

/// Passes requests from a tunnel on to a receiver.
pub struct Entrance {
    receiver: Arc<Receiver>,
    prefix: String,
    url: watch::Receiver<PublicUrl>,
    accepts_development: bool,
    strangers: Arc<AtomicU64>,
}

impl Entrance {
    /// An entrance to a receiver. `prefix` is the path below the tunnel's `url` that leads to it.
    #[must_use]
    pub fn new(
        receiver: Arc<Receiver>,
        prefix: String,
        url: watch::Receiver<PublicUrl>,
        accepts_development: bool,
    ) -> Self {
        Self { receiver, prefix, url, accepts_development, strangers: Arc::default() }
    }

    /// The number of requests that did not have the prefix.
    #[must_use]
    pub fn strangers(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.strangers)
    }

    /// The settings for requests that come through the tunnel.
    fn settings(&self) -> ReceiverSettings {
        let public_url = format!("{}{}", *self.url.borrow(), self.prefix).parse().ok();
        let accepts_development = self.accepts_development;
        ReceiverSettings { public_url, accepts_development, ..ReceiverSettings::clone(&self.receiver.settings()) }
    }
}

/// A target without the prefix; `None` if it doesn't have it.
fn without_prefix(target: &str, prefix: &str) -> Option<String> {
    match target.strip_prefix(prefix)? {
        rest if rest.starts_with('/') => Some(rest.to_owned()),
        rest if rest.is_empty() || rest.starts_with('?') => Some(format!("/{rest}")),
        _ => None,
    }
}

impl Handler for Entrance {
    fn screen(&self, head: &Parts) -> Option<Response> {
        let empty = |status| Some(Response { status, headers: Headers::new(), body: bytes::Bytes::new() });
        match without_prefix(head.uri.path(), &self.prefix).as_deref() {
            Some(CHECK_PATH) => empty(204),
            Some(_) => self.receiver.screen(head),
            None => {
                self.strangers.fetch_add(1, Ordering::Relaxed);
                empty(404)
            }
        }
    }

    async fn handle(&self, mut received: ReceivedRequest) -> Outgoing {
        if let Some(target) = without_prefix(&received.request.target, &self.prefix) {
            received.request.target = target;
        }
        self.receiver.receive(received, Arc::new(self.settings())).await
    }

    fn on_error(&self, error: ReceiveError) {
        let is_strangers = match &error {
            ReceiveError::Accept(_) | ReceiveError::Panic(_) => false,
            ReceiveError::Malformed { .. } => true,
            ReceiveError::BodyTooLarge { request, .. }
            | ReceiveError::Incomplete { request, .. }
            | ReceiveError::Refused { request, .. }
            | ReceiveError::Browser { request, .. } => !request.contains(&self.prefix),
        };
        if is_strangers {
            self.strangers.fetch_add(1, Ordering::Relaxed);
        } else {
            self.receiver.on_error(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_random_and_safe_in_a_path() {
        let (one, other) = (new_prefix().unwrap(), new_prefix().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), "/t-".len() + 2 * PREFIX_BYTES);
        assert!(one["/t-".len()..].bytes().all(|byte| byte.is_ascii_hexdigit()), "{one}");
    }

    #[test]
    fn the_prefix_is_removed_where_it_is_a_whole_segment() {
        for (target, expected) in [
            ("/t-1/cyanite?x=1", Some("/cyanite?x=1")),
            ("/t-1", Some("/")),
            ("/t-1?x", Some("/?x")),
            ("/t-1/", Some("/")),
            ("/t-1//a", Some("//a")),
            ("/t-12/cyanite", None),
            ("/cyanite/t-1", None),
            ("/T-1/cyanite", None),
            ("/", None),
            ("*", None),
        ] {
            assert_eq!(without_prefix(target, "/t-1").as_deref(), expected, "{target}");
        }
    }
}
