//! Manifests: an invalid one is reported with its position, and with a valid one, signed requests verify.

use bytes::Bytes;
use hookdev::webhook::{
    request::{Headers, Method, Request},
    signature::SigningSecret,
    time::Timestamp,
};

use super::{assert_printable, provider};

const BODY: &[u8] = b"{\"type\":\"ping\"}";

/// A manifest of any text.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let loaded = match provider(text) {
        Ok(loaded) => loaded,
        Err(error) => return assert_printable(&hookdev::render::text::printable(&error)),
    };
    let Some(rule) = &loaded.secret else { return assert!(loaded.schemes.is_empty()) };
    let secret = [SigningSecret::parse(&rule.development, &rule.format).expect("it was checked when it was loaded")];
    let time = Timestamp::from_unix_seconds(1_735_732_800);
    for scheme in &loaded.schemes {
        let (headers, body) = (Headers::new(), Bytes::from_static(BODY));
        let mut request = Request { method: Method::POST, target: "/".to_owned(), headers, body };
        assert!(scheme.sign_request(&secret[0], &mut request, "msg_1", time), "a secret signs");
        let verdict = scheme.verify(&secret, &request, Some(time).into());
        assert!(verdict.is_ok(), "{verdict:?} of {request:?} by {scheme:?}\n{text}");
    }
}
