//! The vocabulary of these tests: a directory for each test, the program as a command that
//! reads like prose, a listener, a scripted endpoint, and HTTP/1.1 byte by byte.
//!
//! Nothing here sleeps to wait for something. Everything awaited arrives over a channel or a socket, and the test fails
//! if it does not arrive within [`PATIENCE`].

mod command;
mod dir;
mod endpoint;
mod gate;
mod listener;
mod raw;
pub mod schema;
mod tls;
mod transcript;
mod wire;

use std::{io::Write, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

#[cfg(unix)]
pub use self::listener::UNTIL_END;
pub use self::{
    command::{Finished, TestCommand},
    dir::Dir,
    endpoint::{Endpoint, Turn, break_off, hang, hang_up, not_http, respond},
    gate::Gate,
    listener::{BackgroundRun, Listener},
    raw::{RawEndpoint, TunnelProxy},
    wire::{Connection, Message, get, post, request},
};

/// How long anything may take before a test fails: far longer than needed, even if many tests share one slow machine.
pub const PATIENCE: Duration = Duration::from_secs(240);

/// Cyanite's documented `v2.finished`.
pub const CYANITE: &str = r#"{"version":"2","resource":{"type":"LibraryTrack","id":"999"},"event":{"type":"AudioAnalysisV6","status":"finished"}}"#;

/// The signature of [`CYANITE`] under the development secret, computed with Python's `hmac`.
pub const CYANITE_SIGNATURE: &str = "13a7442bbf01174251ab1d2f5e8d2cc1a19c0063f4886076e48e169059b228671f052a708ba81b848b82380ee97f7a90333e0ac285c6174179d268578caaa276";

/// The headers under which [`CYANITE`] is genuine.
pub const CYANITE_HEADERS: [(&str, &str); 2] = [("content-type", "application/json"), ("signature", CYANITE_SIGNATURE)];

/// Auphonic's documented form.
pub const AUPHONIC: &str = "status=3&status_string=Done&uuid=zeigtvDv8jH6NaK52Z5eXH";

/// A capture of a request to `/cyanite` with these headers and this body.
pub fn capture(headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Value {
    let body = BASE64_STANDARD.encode(body);
    json!({"request": {"method": "POST", "target": "/cyanite", "headers": headers, "body_base64": body}})
}

/// The warning of `listen` where no secret is set.
pub const NO_SECRETS: &str =
    "warning: using the public development secrets for all providers; pass yours with --secret PROVIDER=SOURCE\n";

/// The warning of `send` and `check` where Cyanite's secret is not set.
pub const PUBLIC_SECRET: &str =
    "warning: using the public development secret for cyanite; set CYANITE_WEBHOOK_SECRET to use yours\n";

/// The warning of `verify` about requests that only Cyanite's development secret verified.
pub fn development_warning(requests: usize) -> String {
    let requests = if requests == 1 { "1 request was".to_owned() } else { format!("{requests} requests were") };
    format!(
        "warning: {requests} verified with the public development secret of cyanite, with which anyone can sign; \
         set CYANITE_WEBHOOK_SECRET to use yours\n"
    )
}

/// Lower-case hexadecimal.
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    let digits = bytes.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// The bytes, compressed.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The keys of an object, sorted.
#[track_caller]
pub fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = object.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// Whether a text is a time that something took, such as `4.1 ms` or, on a busy machine, `1.04 s`.
pub fn is_elapsed(text: &str) -> bool {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    unit.len() < text.len() && [" ms", " s"].contains(&unit)
}

/// A text of JSON at a place such as `/request/body`.
#[track_caller]
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("a text at {pointer} of {value}"))
}

/// A request that `send` would make.
pub struct Signed {
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Signed {
    /// What `send EVENT` with these options sends.
    #[track_caller]
    pub fn new(dir: &Dir, event: &str, options: &[&str]) -> Self {
        Self::of(&dir.hookdev().args(["send", event, "--print", "json"]).args(options).exits(0).line())
    }

    /// The request of a line that `send --print json` printed.
    #[track_caller]
    pub fn of(line: &Value) -> Self {
        let pairs = line["headers"].as_array().unwrap().iter();
        let headers = pairs.map(|pair| (text(pair, "/0").to_owned(), text(pair, "/1").to_owned())).collect();
        Self { headers, body: text(line, "/body").as_bytes().to_vec() }
    }

    /// Its headers.
    pub fn headers(&self) -> Vec<(&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// The same with another value of a header.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let field = self.headers.iter_mut().find(|(other, _)| other == name).expect("a header to change");
        value.clone_into(&mut field.1);
        self
    }

    /// The same without a header.
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self
    }
}
