//! The URL that a provider called, for schemes that sign it: as a request states it, or from the public URL of a
//! receiver behind a proxy or a tunnel.

use std::{fmt, str::FromStr};

use super::request::Request;

/// The URL that a request says it was sent to.
///
/// Behind a proxy, scheme and host come from `X-Forwarded-Proto` and `X-Forwarded-Host`, or from `Forwarded` (RFC
/// 7239); otherwise the scheme is `http` and the host comes from `Host`. A sender that forges them gains nothing,
/// because the signature must still match.
#[must_use]
pub fn of(request: &Request) -> String {
    let scheme = forwarded(request, "x-forwarded-proto", "proto").map(|scheme| scheme.to_ascii_lowercase());
    let scheme = scheme.filter(|scheme| matches!(scheme.as_str(), "http" | "https"));
    let host = forwarded(request, "x-forwarded-host", "host");
    let host = host.or_else(|| request.headers.text("host").map(|host| host.trim().to_owned()));
    let host = host.filter(|host| !host.is_empty());
    let (scheme, host) = (scheme.as_deref().unwrap_or("http"), host.as_deref().unwrap_or(LOCAL));
    format!("{scheme}://{host}{}", request.target)
}

/// Whether a URL leads to this machine, so that no provider can call it.
#[must_use]
pub fn is_local(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let host = authority.rsplit_once(':').map_or(authority, |(host, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { host } else { authority }
    });
    host == LOCAL || host == "[::1]" || host == "0.0.0.0" || host == "host.docker.internal" || host.starts_with("127.")
}

/// The host of a request that names none.
const LOCAL: &str = "localhost";

/// The first value of a header that proxies add, or of a parameter of `Forwarded`.
pub(in crate::webhook) fn forwarded(request: &Request, header: &str, parameter: &str) -> Option<String> {
    let first = |value: &str| value.split(',').next().unwrap_or_default().trim().to_owned();
    if let Some(value) = request.headers.text(header) {
        return Some(first(&value)).filter(|value| !value.is_empty());
    }
    let standard = first(&request.headers.text("forwarded")?);
    let mut parameters = standard.split(';').filter_map(|part| part.trim().split_once('='));
    let (_, value) = parameters.find(|(name, _)| name.eq_ignore_ascii_case(parameter))?;
    Some(value.trim_matches('"').to_owned()).filter(|value| !value.is_empty())
}

/// The URL at which providers reach a receiver, such as `https://dev.example` or `https://dev.example/hooks`. It has no
/// query, and its path doesn't end with a slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    /// Scheme, host and port.
    origin: String,
    path: String,
}

impl PublicUrl {
    /// The URL that the provider called to send a request here. If the request's path already begins with this URL's
    /// path, that is not repeated: the proxy may or may not strip it.
    #[must_use]
    pub fn of(&self, request: &Request) -> String {
        let target = &request.target;
        let rest = target.strip_prefix(&self.path);
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?'])) {
            return format!("{}{target}", self.origin);
        }
        format!("{self}{target}")
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

impl FromStr for PublicUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((scheme, rest)) = text.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
        else {
            return Err("it must start with https:// or http://");
        };
        if rest.contains(['?', '#', '@']) {
            return Err("it must not have a query, a fragment or a user");
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.is_empty() {
            return Err("it has no host");
        }
        Ok(Self { origin: format!("{scheme}://{authority}"), path: path.trim_end_matches('/').to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::webhook::request::{FieldName, Headers, Method};

    fn request(target: &str, headers: &[(&str, &str)]) -> Request {
        let headers: Headers =
            headers.iter().map(|(name, value)| (FieldName::new(name).unwrap(), value.parse().unwrap())).collect();
        Request { method: Method::POST, target: target.to_owned(), headers, body: Bytes::new() }
    }

    #[test]
    fn the_url_of_a_request_is_the_one_that_the_proxy_was_called_with() {
        for (headers, expected) in [
            (&[("Host", "a.example:8080")][..], "http://a.example:8080/t?x=1"),
            (&[("Host", "a.example"), ("X-Forwarded-Proto", "https")], "https://a.example/t?x=1"),
            (&[("Host", "a"), ("X-Forwarded-Proto", "https, http"), ("X-Forwarded-Host", "b, a")], "https://b/t?x=1"),
            (&[("Host", "a"), ("Forwarded", "for=1.2.3.4;proto=https;host=\"b:8443\", for=x")], "https://b:8443/t?x=1"),
            (&[("Host", "a"), ("X-Forwarded-Proto", "ws")], "http://a/t?x=1"),
            (&[], "http://localhost/t?x=1"),
        ] {
            assert_eq!(of(&request("/t?x=1", headers)), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_url_of_this_machine_is_recognised() {
        for url in ["http://localhost/a", "http://127.0.0.1:4400/a", "https://[::1]:8443", "http://0.0.0.0?x"] {
            assert!(is_local(url), "{url}");
        }
        for url in ["https://localhost.run/a", "http://10.0.0.1/", "https://a.example/localhost", "http://[fe80::1]/"] {
            assert!(!is_local(url), "{url}");
        }
    }

    #[test]
    fn a_public_url_comes_before_the_target_unless_the_target_begins_with_its_path() {
        let of = |url: &str, target: &str| url.parse::<PublicUrl>().unwrap().of(&request(target, &[]));
        assert_eq!(of("https://d.example", "/twilio?a=1"), "https://d.example/twilio?a=1");
        assert_eq!(of("https://d.example/", "/"), "https://d.example/");
        assert_eq!(of("https://d.example/x/", "/twilio"), "https://d.example/x/twilio");
        assert_eq!(of("https://d.example:8443/twilio", "/twilio/?a"), "https://d.example:8443/twilio/?a");
        assert_eq!(of("https://d.example/tw", "/twilio"), "https://d.example/tw/twilio");
    }

    #[test]
    fn a_public_url_has_a_scheme_and_a_host_and_no_query() {
        let error = |text: &str| text.parse::<PublicUrl>().unwrap_err();
        assert_eq!(error("d.example"), "it must start with https:// or http://");
        assert_eq!(error("ftp://d.example"), "it must start with https:// or http://");
        assert_eq!(error("https:///x"), "it has no host");
        assert_eq!(error("https://d.example/?a"), "it must not have a query, a fragment or a user");
    }
}
