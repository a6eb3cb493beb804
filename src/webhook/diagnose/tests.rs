//! Each hypothesis against a request for which it holds, and requests that must stay unexplained.

mod bodies;
mod combined;
mod documents;
mod fields;
mod search;
mod secrets;
mod signatures;
mod times;
mod urls;

use std::{cell::Cell, time::Duration};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::{HeaderName, HeaderValue, Method};
use proptest::prelude::*;

use super::{body::order::MemberOrder, *};
use crate::webhook::{
    keyring::{SecretSource, ShadowedSecret},
    request::Headers,
    signature::{Algorithm, Verdict, grammar::TextEncoding, key::Key, secret::decode_hex},
    time::{Timestamp, Tolerance},
};

const CYANITE: &str = "a cyanite secret of this test";
const JEWELMUSIC: &str = "a jewelmusic secret of this test";
const ASPECT: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BODY: &str = r#"{"version":"2","resource":{"type":"LibraryTrack","id":"999"},"event":{"type":"AudioAnalysisV6","status":"finished"}}"#;
const TIME: i64 = 1_735_732_800;

/// The built-in providers and the configured secrets of one test.
struct World {
    catalog: Catalog,
    keyring: Keyring,
}

impl World {
    fn new(secrets: &[(&str, &str)]) -> Self {
        let (catalog, mut keyring) = (Catalog::builtin(), Keyring::default());
        for (provider, text) in secrets {
            let format = &catalog.get(provider).unwrap().secret.as_ref().unwrap().format;
            keyring.add(provider, SigningSecret::parse(text, format).unwrap(), SecretSource::Flag);
        }
        Self { catalog, keyring }
    }

    fn usual() -> Self {
        Self::new(&[("cyanite", CYANITE), ("aspect", ASPECT), ("jewelmusic", JEWELMUSIC)])
    }

    fn findings(&self, provider: &str, request: &Request) -> Vec<Finding> {
        let provider = self.catalog.get(provider).unwrap();
        let receipt = Receipt::from(Some(Timestamp::from_unix_seconds(TIME)));
        let verdict = provider.verify(self.keyring.secrets(&provider.name), request, None, receipt);
        let Verdict::Rejected(rejection) = verdict else { panic!("it was not rejected: {verdict:?}") };
        let (catalog, keyring) = (&self.catalog, &self.keyring);
        diagnose(&RejectedRequest {
            rejection: &rejection,
            receipt,
            ..case_of(provider, request, &rejection, catalog, keyring)
        })
    }

    /// The findings for a request with this receipt.
    fn findings_with(&self, provider: &str, request: &Request, receipt: Receipt<'_>) -> Vec<Finding> {
        let provider = self.catalog.get(provider).unwrap();
        let verdict = provider.verify(self.keyring.secrets(&provider.name), request, None, receipt);
        let rejection = verdict.rejection().unwrap();
        let (catalog, keyring) = (&self.catalog, &self.keyring);
        diagnose(&RejectedRequest { receipt, ..case_of(provider, request, rejection, catalog, keyring) })
    }

    fn codes(&self, provider: &str, request: &Request) -> Vec<&'static str> {
        self.findings(provider, request).iter().map(|finding| finding.code.as_str()).collect()
    }
}

/// A rejected request about which nothing more is known.
fn case_of<'a>(
    provider: &'a Provider,
    request: &'a Request,
    rejection: &'a Rejection,
    catalog: &'a Catalog,
    keyring: &'a Keyring,
) -> RejectedRequest<'a> {
    RejectedRequest { provider, request, rejection, receipt: Receipt::default(), clock: Clock::Live, catalog, keyring }
}

fn mac(algorithm: Algorithm, key: &[u8], content: &[u8]) -> Vec<u8> {
    Key::new(algorithm, key).unwrap().sign([content]).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    TextEncoding::Hex.encode(bytes)
}

fn request(headers: &[(&str, &str)], body: &[u8]) -> Request {
    let field =
        |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), HeaderValue::try_from(*value).unwrap());
    let headers: Headers = headers.iter().map(field).collect();
    Request { method: Method::POST, target: "/".to_owned(), headers, body: Bytes::copy_from_slice(body) }
}

fn cyanite_signature(key: &[u8], signed: &[u8]) -> String {
    hex(&mac(Algorithm::HmacSha512, key, signed))
}

/// The findings for a delivery from Cyanite whose signed body differs from the received one.
fn changed(signed: &[u8], received: &[u8], headers: &[(&str, &str)]) -> Vec<&'static str> {
    let signature = cyanite_signature(CYANITE.as_bytes(), signed);
    let headers = [&[("signature", signature.as_str())], headers].concat();
    World::usual().codes("cyanite", &request(&headers, received))
}

fn svix(key: &[u8], algorithm: Algorithm, content: &str) -> String {
    format!("v1,{}", STANDARD.encode(mac(algorithm, key, content.as_bytes())))
}

fn aspect_request(signature: &str, timestamp: &str) -> Request {
    let headers = [("svix-id", "msg_1"), ("svix-timestamp", timestamp), ("svix-signature", signature)];
    request(&headers, BODY.as_bytes())
}

fn aspect_content(timestamp: &str) -> String {
    format!("msg_1.{timestamp}.{BODY}")
}

fn aspect_key() -> Vec<u8> {
    STANDARD.decode(&ASPECT[6..]).unwrap()
}

#[track_caller]
fn each_changed(code: &str, cases: &[(&[u8], &[u8])]) {
    for (signed, received) in cases {
        let found = changed(signed, received, &[]);
        assert_eq!(found.first(), Some(&code), "{:?} {found:?}", String::from_utf8_lossy(received));
    }
}
