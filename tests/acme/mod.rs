//! Acme, a provider defined by the tests, so that nothing depends on a built-in one.
#![allow(dead_code, reason = "each test program needs a part of it")]

use std::borrow::Cow;

use bytes::Bytes;
use hookdev::webhook::{
    place::Place,
    provider::{Provider, files::ProviderFiles, manifest::DirectoryMistake},
    request::{self, HeaderName, HeaderValue, Headers, Method, Request},
    signature::{Receipt, SigningSecret},
    time::Timestamp,
};

/// Reads a manifest as that of a directory `acme` with these files beside it.
pub fn load(manifest: &str, files: &[(&'static str, &'static str)]) -> Result<Provider, DirectoryMistake> {
    let beside = files.iter().map(|(path, text)| (Cow::Borrowed(*path), Cow::Borrowed(*text)));
    let manifest = (Cow::Borrowed("provider.toml"), Cow::Owned(manifest.to_owned()));
    Provider::load(ProviderFiles::new("acme", [manifest].into_iter().chain(beside).collect()))
}

/// A provider that signs: `secret` are the lines of `[secret]`, `schemes` one `[[scheme]]` or several, headings
/// included.
#[track_caller]
pub fn signing(secret: &str, schemes: &str) -> Provider {
    let manifest = format!(
        "name = 'acme'\ntitle = 'Acme'\nabout = 'A test'\n[secret]\n{secret}\n{schemes}\n\
         [delivery]\nsuccess = ['2xx']\n[recognise]\nevent = 'type'\n[[event]]\nname = 'ping'\nabout = 'An event'\n"
    );
    match load(&manifest, &[("events/ping.json", "{\n  \"type\": \"ping\"\n}\n")]) {
        Ok(provider) => provider,
        Err(error) => panic!("{error}\n{manifest}"),
    }
}

/// Secrets in the provider's format.
#[track_caller]
pub fn secrets(provider: &Provider, texts: &[&str]) -> Vec<SigningSecret> {
    let format = &provider.secret.as_ref().expect("a provider that signs").format;
    texts.iter().map(|text| SigningSecret::parse(text, format).expect("a secret of the provider's form")).collect()
}

/// A `POST` of these headers and this body.
pub fn post(fields: &[(&str, &str)], body: impl Into<Bytes>) -> Request {
    carrying(fields.iter().map(|(name, text)| field(name, text)), body)
}

/// A `POST` of these parsed headers.
pub fn carrying(fields: impl IntoIterator<Item = (HeaderName, HeaderValue)>, body: impl Into<Bytes>) -> Request {
    let headers: Headers = fields.into_iter().collect();
    Request { method: Method::POST, target: "/acme".to_owned(), headers, body: body.into() }
}

/// A header from texts.
pub fn field(name: &str, text: &str) -> (HeaderName, HeaderValue) {
    (name.parse().expect("a header name"), request::value(text).expect("a header value"))
}

/// Receipt at a time in Unix seconds, or at an unknown time.
pub fn at(seconds: impl Into<Option<i64>>) -> Receipt<'static> {
    seconds.into().map(Timestamp::from_unix_seconds).into()
}

/// Header fields from the values that a scheme made.
pub fn fields(signed: Vec<(&Place, String)>) -> Vec<(HeaderName, HeaderValue)> {
    let field = |(place, value): (&Place, String)| match place {
        Place::Header(name) => (name.clone(), request::value(&value).expect("a header value")),
        other => panic!("{other} isn't a header"),
    };
    signed.into_iter().map(field).collect()
}
