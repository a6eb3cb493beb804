//! Whom the headers of a request or response are for: the endpoint, or one connection.

use http::header::HOST;
use reqwest::Url;

use super::host;
use crate::webhook::request::{HeaderField, HeaderValue, Headers};

/// Headers that belong to one connection.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What a header is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It names the endpoint's host.
    Host,
    /// It is the body's `content-length`, which the client sets.
    Length,
    /// It belongs to one connection.
    Connection,
    /// It is for the endpoint, or for the sender of the request.
    Endpoint,
}

/// Whether a header of this name (in lower case) belongs to the connection, so that the user can't set it.
#[must_use]
pub fn is_hop_by_hop(name: &str) -> bool {
    name == "content-length" || HOP_BY_HOP.contains(&name)
}

/// All headers with what they are for. Those that `connection` lists belong to one connection.
pub(super) fn purposes(headers: &Headers) -> impl Iterator<Item = (&HeaderField, Purpose)> {
    let listed: Vec<String> = headers
        .all("connection")
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    headers.iter().map(move |field| {
        let purpose = match field.0.as_str() {
            "host" => Purpose::Host,
            "content-length" => Purpose::Length,
            name if HOP_BY_HOP.contains(&name) || listed.iter().any(|other| other == name) => Purpose::Connection,
            _ => Purpose::Endpoint,
        };
        (field, purpose)
    })
}

/// The headers for the endpoint, or for the sender of the request: all but those of one connection, `host` and
/// `content-length`.
pub fn end_to_end(headers: &Headers) -> impl Iterator<Item = &HeaderField> {
    purposes(headers).filter(|&(_, purpose)| purpose == Purpose::Endpoint).map(|(field, _)| field)
}

/// The headers to give to another client for the same request: all but those of one connection and `content-length`,
/// which clients set themselves.
pub fn for_other_clients(headers: &Headers) -> impl Iterator<Item = &HeaderField> {
    purposes(headers)
        .filter(|(_, purpose)| matches!(purpose, Purpose::Endpoint | Purpose::Host))
        .map(|(field, _)| field)
}

/// Replaces a `host` header with the host of a URL. Adds none if there is none.
pub fn set_host(headers: &mut Headers, url: &Url) {
    if headers.contains("host") {
        match HeaderValue::from_str(host(url)) {
            Ok(value) => headers.set(&HOST, value),
            Err(_) => headers.remove("host"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::request::FieldName;

    #[test]
    fn headers_of_the_connection_are_not_passed_on() {
        let fields = [
            ("Host", "a"),
            ("connection", "close, X-Mine"),
            ("x-mine", "1"),
            ("trailer", "x-yours"),
            ("X-Yours", "2"),
            ("x-yours", "3"),
            ("content-length", "4"),
        ];
        let fields = fields.into_iter().map(|(n, v)| (FieldName::new(n).unwrap(), HeaderValue::from_static(v)));
        let headers: Headers = fields.collect();
        let passed: Vec<_> = end_to_end(&headers).map(|(n, v)| (n.spelling(), v.to_str().unwrap())).collect();
        assert_eq!(passed, [("X-Yours", "2"), ("x-yours", "3")]);
        let others: Vec<_> = for_other_clients(&headers).map(|(n, _)| n.spelling()).collect();
        assert_eq!(others, ["Host", "X-Yours", "x-yours"]);
    }
}
