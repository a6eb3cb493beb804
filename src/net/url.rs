//! The URLs of endpoints.

use std::{borrow::Cow, net::IpAddr};

use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use reqwest::Url;
use url::{ParseError, Position};

use crate::webhook::redact;

/// Text that is not the URL of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid URL `{url}`: {problem}")]
pub struct InvalidUrl {
    /// The text, without credentials.
    url: String,
    problem: String,
}

/// Parses an `http://` or `https://` URL. On this machine and in its own network, `http://` may be left out, as in
/// `localhost:3000/hooks` and `app:3000`, and so may `localhost`, as in `:3000/hooks` and `3000`.
///
/// # Errors
///
/// If it is not such a URL. The message says how to write it.
pub fn parse_url(text: &str) -> Result<Url, InvalidUrl> {
    let shown = redact::invalid_url(text);
    let invalid = |problem: String| InvalidUrl { url: shown.clone().into_owned(), problem };
    let text = completed(text).map_or(Cow::Borrowed(text), Cow::Owned);
    let url = Url::parse(&text).map_err(|error| {
        let is_host =
            text.split(['/', '?', '#']).next().is_some_and(|host| host.contains('.') && !host.starts_with('.'));
        if is_host && error == ParseError::RelativeUrlWithoutBase && !text.contains("://") {
            invalid(format!("use https://{shown}"))
        } else {
            invalid(format!("{error}; use http://HOST:PORT/PATH"))
        }
    })?;
    match url.scheme() {
        "http" | "https" if url.host_str().is_some() => Ok(url),
        // A host and a port, not a scheme and a path.
        _ if url.path().starts_with(|first: char| first.is_ascii_digit()) && !text.contains("://") => {
            Err(invalid(format!("use https://{shown}")))
        }
        _ => Err(invalid("only http:// and https:// are supported".to_owned())),
    }
}

/// The URL meant by text without a scheme. `None` if it has one, or if its host may be another machine: requests there
/// should be encrypted, so the scheme must be explicit.
fn completed(text: &str) -> Option<String> {
    let authority = text.split(['/', '?', '#']).next()?;
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, port),
        None if authority.bytes().all(|byte| byte.is_ascii_digit()) => {
            return completed(&format!(":{text}"));
        }
        None => (authority, "80"),
    };
    port.parse::<u16>().ok().filter(|port| *port > 0)?;
    let has_port = host.len() < authority.len();
    let is_label = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_local = match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(address) => address.is_loopback() || address.is_unspecified(),
        // A name without a dot belongs to a local network, such as that of containers.
        Err(_) => {
            host == "localhost"
                || host.ends_with(".localhost")
                || has_port && !host.is_empty() && host.bytes().all(is_label)
        }
    };
    match host {
        "" if has_port => Some(format!("http://localhost{text}")),
        _ if is_local => Some(format!("http://{text}")),
        _ => None,
    }
}

/// The path of a URL, with its query followed by that of a request target, which is kept as written. The sender's
/// parameters can't replace the URL's: those with the same name are left out.
#[must_use]
pub fn target_with_query(url: &Url, target: &str) -> String {
    let Some((_, query)) = target.split_once('?') else { return path_and_query(url) };
    let path = url.path();
    let Some(own) = url.query().filter(|own| !own.is_empty()) else { return format!("{path}?{query}") };
    let names: Vec<String> = own.split('&').map(name).collect();
    let others = query.split('&').filter(|parameter| !names.contains(&name(parameter)));
    format!("{path}?{}", std::iter::once(own).chain(others).collect::<Vec<_>>().join("&"))
}

/// The decoded name of a query parameter.
fn name(parameter: &str) -> String {
    form_urlencoded::parse(parameter.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

/// The value of `authorization` for the user and password of a URL, if it has any.
#[must_use]
pub fn credentials(url: &Url) -> Option<String> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut credentials = percent_decode_str(url.username()).collect::<Vec<u8>>();
    credentials.push(b':');
    credentials.extend(percent_decode_str(url.password().unwrap_or_default()));
    Some(format!("Basic {}", STANDARD.encode(credentials)))
}

/// The path and query of a URL, which form the target of a request line.
#[must_use]
pub fn path_and_query(url: &Url) -> String {
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

/// A URL with this path and query as written; a [`Url`] would encode some of their characters.
#[must_use]
pub fn with_target(url: &Url, target: &str) -> String {
    format!("{}{target}", &url[..Position::BeforePath])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_url_says_how_to_write_it() {
        let message = |text| parse_url(text).unwrap_err().to_string();
        assert_eq!(message("example.com:3000"), "invalid URL `example.com:3000`: use https://example.com:3000");
        assert_eq!(message("example.com/a"), "invalid URL `example.com/a`: use https://example.com/a");
        assert_eq!(message("10.0.0.5:80"), "invalid URL `10.0.0.5:80`: use https://10.0.0.5:80");
        assert_eq!(message("unix:/a.sock"), "invalid URL `unix:/a.sock`: only http:// and https:// are supported");
        assert_eq!(message("/hooks"), "invalid URL `/hooks`: relative URL without a base; use http://HOST:PORT/PATH");
        assert_eq!(message("ftp://a/"), "invalid URL `ftp://a/`: only http:// and https:// are supported");
    }

    #[test]
    fn a_url_on_this_machine_needs_no_scheme_and_no_host() {
        for (text, url) in [
            ("localhost:3000/x", "http://localhost:3000/x"),
            ("localhost/x", "http://localhost/x"),
            ("hooks.localhost:3000", "http://hooks.localhost:3000/"),
            ("127.0.0.1:3000/x?a=b://c", "http://127.0.0.1:3000/x?a=b://c"),
            ("127.0.0.1:3000", "http://127.0.0.1:3000/"),
            ("[::1]:3000/x", "http://[::1]:3000/x"),
            ("app:3000/x", "http://app:3000/x"),
            (":3000/x", "http://localhost:3000/x"),
            ("3100", "http://localhost:3100/"),
            ("3100/x?a=b", "http://localhost:3100/x?a=b"),
        ] {
            assert_eq!(parse_url(text).map(String::from), Ok(url.to_owned()), "{text}");
        }
        for text in ["0", "65536", ":x", ":", "", "a@localhost:1", "user:3000@host/x", "app", "10.0.0.5:80", "b.c:80"] {
            assert!(parse_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_query_of_the_request_is_appended_as_written() {
        let url = Url::parse("http://localhost:3000/hooks?a=b").unwrap();
        assert_eq!(target_with_query(&url, "/x?token=1"), "/hooks?a=b&token=1");
        assert_eq!(target_with_query(&url, "/x"), "/hooks?a=b");
        assert_eq!(target_with_query(&url, "/x?c='\"<>|%2f"), "/hooks?a=b&c='\"<>|%2f");
        let url = Url::parse("http://user@localhost:3000/hooks").unwrap();
        let target = target_with_query(&url, "/x?c='\"<>|%2f");
        assert_eq!(with_target(&url, &target), "http://user@localhost:3000/hooks?c='\"<>|%2f");
    }

    #[test]
    fn the_request_does_not_replace_a_parameter_of_the_url() {
        let url = Url::parse("http://localhost:3000/hooks?token=mine&b").unwrap();
        let target = target_with_query(&url, "/x?token=1&c=%2F+&%74oken=2&b=3&tokens=4&token");
        assert_eq!(target, "/hooks?token=mine&b&c=%2F+&tokens=4");
    }
}
