//! A request in the formats of other tools: a `curl` command for a POSIX shell, and a target for vegeta.

use std::{borrow::Cow, fmt::Write};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{json::line, shell, text};
use crate::webhook::request::{self, Headers, Request};

/// The longest body that is written as part of a command, in bytes. Linux rejects arguments of 128 KiB.
const MAX_ARGUMENT: usize = 64 << 10;

/// From this size in bytes, curl sends `expect: 100-continue` first, unless the command says otherwise.
const EXPECT_CONTINUE_SIZE: usize = 1 << 20;

/// Headers that curl adds by itself, and the size of the body, in bytes, from which it does.
const ADDED_BY_CURL: [(&str, usize); 4] =
    [("accept", 0), ("user-agent", 0), ("content-type", 0), ("expect", EXPECT_CONTINUE_SIZE)];

/// Appends a command that sends the same method, headers and body bytes, and prints the response with its status and
/// headers, without a progress meter.
///
/// A body of visible text is part of the command, unless it is long. Any other is piped from `printf`, because no
/// argument can hold a NUL, and a terminal obeys other control characters.
pub fn curl(request: &Request, url: &str, out: &mut String) {
    let is_argument = |text: &&str| text.len() <= MAX_ARGUMENT && is_visible(text);
    let text = std::str::from_utf8(&request.body).ok().filter(is_argument);
    if text.is_none() {
        push_printf(&request.body, out);
        out.push_str(" | ");
    }
    // curl would expand these into several URLs.
    let globoff = if url.contains(['[', ']', '{', '}']) { "--globoff " } else { "" };
    let _ = write!(
        out,
        "curl -sS -i {globoff}--request {} --url {}",
        shell::word(request.method.as_str()),
        shell::word(url)
    );
    for (name, value) in &request.headers {
        out.push_str(" \\\n  --header ");
        match value.to_str() {
            // To curl, `name:` means "don't send this header" and `name;` "send it empty".
            Ok("") => out.push_str(&shell::word(&format!("{name};"))),
            Ok(value) if is_visible(value) => out.push_str(&shell::word(&format!("{name}: {value}"))),
            // A tab, or most likely Latin-1, which as text in the command would be sent as UTF-8.
            _ => {
                out.push_str("\"$(");
                push_printf(&[name.spelling().as_bytes(), b": ", value.as_bytes()].concat(), out);
                out.push_str(")\"");
            }
        }
    }
    let added = ADDED_BY_CURL.iter().filter(|(_, from)| request.body.len() >= *from).map(|(name, _)| name);
    for name in added.filter(|name| !request.headers.contains(name)) {
        let _ = write!(out, " \\\n  --header '{name}:'");
    }
    match text {
        // curl reads a file if a body starts with @.
        Some(text) if !text.starts_with('@') => {
            let _ = write!(out, " \\\n  --data-binary {}", shell::word(text));
        }
        Some(text) => {
            let _ = write!(out, " \\\n  --data-raw {}", shell::word(text));
        }
        None => out.push_str(" \\\n  --data-binary @-"),
    }
    out.push('\n');
}

/// Whether text can be shown on a screen without loss.
fn is_visible(text: &str) -> bool {
    text.split('\n').all(|line| matches!(text::printable(line), Cow::Borrowed(_)))
}

/// Appends a command for a POSIX shell that writes exactly these bytes.
fn push_printf(bytes: &[u8], out: &mut String) {
    out.push_str("printf '");
    for byte in bytes {
        let _ = write!(out, "\\{byte:03o}");
    }
    out.push('\'');
}

/// A target of vegeta's JSON format; its schema is `lib/target.schema.json` in vegeta's repository.
#[derive(Serialize)]
struct VegetaTarget<'a> {
    method: &'a str,
    url: &'a str,
    body: String,
    header: HeaderMap<'a>,
}

/// Header values by name. Go sends names as given, but recognises only its own capitalisation: with any other, it would
/// send its own `User-Agent` in addition to the provider's.
struct HeaderMap<'a>(&'a Headers);

impl Serialize for HeaderMap<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (place, (name, _)) in self.0.iter().enumerate() {
            if self.0.iter().take(place).all(|(earlier, _)| earlier != name) {
                let values: Vec<_> = self.0.all(name.as_str()).map(request::text).collect();
                map.serialize_entry(&title_case(name.as_str()), &values)?;
            }
        }
        map.end()
    }
}

/// A header's name in Go's capitalisation: `Content-Type`.
fn title_case(name: &str) -> String {
    let mut first = true;
    let cased = name.chars().map(|letter| {
        let cased = if first { letter.to_ascii_uppercase() } else { letter };
        first = letter == '-';
        cased
    });
    cased.collect()
}

/// Appends a target for `vegeta attack -format json`, as one line.
pub fn vegeta(request: &Request, url: &str, out: &mut Vec<u8>) {
    let target = VegetaTarget {
        method: request.method.as_str(),
        url,
        body: STANDARD.encode(&request.body),
        header: HeaderMap(&request.headers),
    };
    line(&target, out);
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::webhook::request::{HeaderName, HeaderValue, Headers, Method};

    fn request(body: &'static [u8]) -> Request {
        let mut headers = Headers::new();
        headers.push(HeaderName::from_static("x-a"), HeaderValue::from_static("it's"));
        Request { method: Method::POST, target: "/a?b=1".into(), headers, body: Bytes::from_static(body) }
    }

    fn curl_of(body: &'static [u8]) -> String {
        let mut out = String::new();
        curl(&request(body), "http://localhost:1/a?b=1", &mut out);
        out
    }

    #[test]
    fn quotes_are_escaped_for_the_shell() {
        assert_eq!(
            curl_of(b"{\"a\":'b'}"),
            "curl -sS -i --request POST --url 'http://localhost:1/a?b=1' \\\n  --header 'x-a: it'\\''s' \\\n  --header 'accept:' \\\n  --header 'user-agent:' \\\n  --header 'content-type:' \\\n  --data-binary '{\"a\":'\\''b'\\''}'\n"
        );
    }

    #[test]
    fn bytes_that_are_not_text_go_through_printf() {
        assert!(curl_of(b"a\0\xff").starts_with("printf '\\141\\000\\377' | curl -sS -i "));
        assert!(curl_of(b"@file").ends_with("--data-raw @file\n"));
    }

    #[test]
    fn a_header_outside_ascii_goes_through_printf() {
        let mut request = request(b"");
        request.headers.set(&HeaderName::from_static("x-a"), HeaderValue::from_bytes(b"\xeb").unwrap());
        let mut out = String::new();
        curl(&request, "http://localhost:1/", &mut out);
        assert!(out.contains(" --header \"$(printf '\\170\\055\\141\\072\\040\\353')\" "), "{out}");
    }
}
