//! Requests with known verdicts, as `vectors.json` of a provider directory holds them.
#![allow(dead_code, reason = "each test program needs a part of it")]

use base64::{Engine, engine::general_purpose::STANDARD};
use hookdev::webhook::{
    provider::{Provider, files},
    request::{self, FieldName, Headers, Request},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    basis: Option<String>,
    count: usize,
    vectors: Vec<Vector>,
}

/// A request and its expected verdict.
#[derive(Deserialize)]
pub struct Vector {
    /// Its name in the file.
    pub id: String,
    /// Where its signature comes from, in words.
    pub source: String,
    /// The configured secrets, as the provider writes them.
    pub secrets: Vec<String>,
    /// When it was received.
    pub at: Option<i64>,
    request: Message,
    /// `verified`, `rejected` or `unsigned`.
    pub verdict: String,
    /// The scheme that verifies it.
    pub scheme: Option<String>,
    /// The event, without the provider's name.
    pub event: Option<String>,
    /// `valid`, `invalid` or `unknown`.
    pub payload: String,
}

#[derive(Deserialize)]
struct Message {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
    body_base64: Option<String>,
}

/// The vectors of a provider's directory; empty if it has no such file.
pub fn of(provider: &Provider) -> Vec<Vector> {
    read(provider).map(|file| file.vectors).unwrap_or_default()
}

/// What the file says its signatures rest on: `published`, `code` or `rule`.
pub fn basis(provider: &Provider) -> Option<String> {
    read(provider)?.basis
}

fn read(provider: &Provider) -> Option<File> {
    let text = provider.files().get(files::VECTORS)?;
    let file: File = serde_json::from_str(text).unwrap_or_else(|error| panic!("{}: {error}", provider.name));
    assert_eq!(file.vectors.len(), file.count, "the vectors of {}", provider.name);
    Some(file)
}

impl Vector {
    /// The request itself.
    pub fn request(&self) -> Request {
        let Message { method, target, headers, body, body_base64 } = &self.request;
        let field = |(name, text): &(String, String)| {
            (FieldName::new(name).expect("a header name"), request::value(text).expect("a header value"))
        };
        let body = match (body, body_base64) {
            (Some(text), None) => text.clone().into_bytes(),
            (None, Some(text)) => STANDARD.decode(text).expect("base64"),
            _ => panic!("{}: either `body` or `body_base64`", self.id),
        };
        Request {
            method: method.parse().expect("a method"),
            target: target.clone(),
            headers: headers.iter().map(field).collect::<Headers>(),
            body: body.into(),
        }
    }
}
