//! Which headers belong to one connection and are not passed on.

use http::{HeaderName, HeaderValue};

use crate::webhook::request::Headers;

/// Headers that belong to one connection, and the two that the client sets: `host` and `content-length`.
const HOP_BY_HOP: [&str; 11] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Whether a header of this name (in lower case) is for the connection alone, so that no user can set it.
#[must_use]
pub fn is_hop_by_hop(name: &str) -> bool {
    name != "host" && HOP_BY_HOP.contains(&name)
}

/// The headers that are for the endpoint: without those of one connection, among them the ones that `connection` lists.
pub fn end_to_end(headers: &Headers) -> impl Iterator<Item = &(HeaderName, HeaderValue)> {
    let listed: Vec<String> = headers
        .all("connection")
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    headers.iter().filter(move |(name, _)| {
        let name = name.as_str();
        !HOP_BY_HOP.contains(&name) && !listed.iter().any(|other| other == name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_the_connection_are_not_passed_on() {
        let fields = [
            ("host", "a"),
            ("connection", "close, X-Mine"),
            ("x-mine", "1"),
            ("trailer", "x-yours"),
            ("x-yours", "2"),
            ("x-yours", "3"),
        ];
        let headers: Headers =
            fields.into_iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect();
        let passed: Vec<_> = end_to_end(&headers).map(|(n, v)| (n.as_str(), v.to_str().unwrap())).collect();
        assert_eq!(passed, [("x-yours", "2"), ("x-yours", "3")]);
    }
}
