//! Redaction: hides credentials in headers and tokens in URLs when a request is shown or shared. Only
//! copies are redacted, never what is sent or forwarded, and never a body.
//!
//! Signatures are kept: they are not secret, and nothing could be verified without them.

use std::borrow::Cow;

use super::{
    record::{Attempt, Delivery, Forwarded, Response},
    request::{HeaderName, HeaderValue, Headers, Request},
};

/// The text in place of a redacted value.
pub const MARK: &str = "[redacted]";

/// Words in the names of headers and parameters that carry credentials.
const WORDS: [&str; 19] = [
    "apikey",
    "auth",
    "authorisation",
    "authorization",
    "bearer",
    "cookie",
    "cookies",
    "credential",
    "credentials",
    "jwt",
    "key",
    "pass",
    "passwd",
    "password",
    "pwd",
    "secret",
    "session",
    "sid",
    "token",
];

/// Words for URL parameters only: a signed URL is a credential, a signed body is not.
const OF_URLS: [&str; 4] = ["hmac", "sig", "sign", "signature"];

/// Endings of names written as one word.
const ENDS: [&str; 5] = ["apikey", "password", "secret", "token", "signature"];

/// Headers whose names only look like those of credentials.
const HARMLESS: [&str; 4] = ["idempotency-key", "sec-websocket-key", "sec-websocket-key1", "sec-websocket-key2"];

/// What is hidden in a URL's query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hidden {
    /// The values of parameters that look like tokens.
    Tokens,
    /// Every value.
    AllValues,
}

/// Whether a header carries a credential, judging by its lower-case name.
#[must_use]
pub fn is_credential(header: &str) -> bool {
    let ends = || ENDS[..4].iter().any(|end| header.ends_with(end));
    !HARMLESS.contains(&header) && (words(header).iter().any(|word| WORDS.contains(&word.as_str())) || ends())
}

/// Redacts a URL or request target for display: the user and password, and the values of parameters that
/// look like tokens. Tokens in the path can't be recognised and stay.
#[must_use]
pub fn tokens(url: &str) -> Cow<'_, str> {
    hide(url, Hidden::Tokens)
}

/// Redacts a URL or request target for sharing: the user and password, and every value of the query.
#[must_use]
pub fn query(url: &str) -> Cow<'_, str> {
    hide(url, Hidden::AllValues)
}

/// Redacts the values of headers that carry credentials.
#[must_use]
pub fn headers(headers: &Headers) -> Headers {
    let hidden = |(name, value): &(HeaderName, HeaderValue)| {
        let value = if is_credential(name.as_str()) { HeaderValue::from_static(MARK) } else { value.clone() };
        (name.clone(), value)
    };
    headers.iter().map(hidden).collect()
}

/// Redacts a request for sharing. Its body stays the same, to the byte.
#[must_use]
pub fn request(request: &Request) -> Request {
    Request {
        method: request.method.clone(),
        target: query(&request.target).into_owned(),
        headers: headers(&request.headers),
        body: request.body.clone(),
    }
}

/// Whether part of a request was redacted.
#[must_use]
pub fn is_redacted(request: &Request) -> bool {
    request.target.contains(MARK) || request.headers.iter().any(|(_, value)| value == MARK)
}

/// Redacts a delivery for sharing.
#[must_use]
pub fn delivery(delivery: &Delivery) -> Delivery {
    let forwarded = |forwarded: &Forwarded| Forwarded {
        url: query(&forwarded.url).into_owned(),
        outcome: forwarded.outcome.as_ref().map(response).map_err(Clone::clone),
        elapsed: forwarded.elapsed,
    };
    Delivery {
        request: request(&delivery.request),
        forwards: delivery.forwards.iter().map(forwarded).collect(),
        ..delivery.clone()
    }
}

/// Redacts an attempt for sharing.
#[must_use]
pub fn attempt(attempt: &Attempt) -> Attempt {
    let url = query(&attempt.url).into_owned();
    Attempt { url, response: attempt.response.as_ref().map(response), ..attempt.clone() }
}

fn response(response: &Response) -> Response {
    Response { headers: headers(&response.headers), ..response.clone() }
}

fn hide(url: &str, hidden: Hidden) -> Cow<'_, str> {
    let url = without_user(url);
    let Some((before, rest)) = url.split_once('?') else { return url };
    let (pairs, fragment) = rest.split_once('#').map_or((rest, None), |(pairs, fragment)| (pairs, Some(fragment)));
    let shown: Vec<Cow<'_, str>> = pairs.split('&').map(|pair| hide_pair(pair, hidden)).collect();
    if shown.iter().all(|pair| matches!(pair, Cow::Borrowed(_))) {
        return url;
    }
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    Cow::Owned(format!("{before}?{}{fragment}", shown.join("&")))
}

fn hide_pair(pair: &str, hidden: Hidden) -> Cow<'_, str> {
    match pair.split_once('=') {
        Some((_, "")) => Cow::Borrowed(pair),
        Some((name, _)) if hidden == Hidden::AllValues || names_token(name) => Cow::Owned(format!("{name}={MARK}")),
        None if hidden == Hidden::AllValues && !pair.is_empty() => Cow::Owned(MARK.to_owned()),
        _ => Cow::Borrowed(pair),
    }
}

/// A URL without `user:password@`.
fn without_user(url: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = url.split_once("://") else { return Cow::Borrowed(url) };
    // A `://` after the path does not follow a scheme.
    if scheme.contains(['/', '?', '#']) {
        return Cow::Borrowed(url);
    }
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => Cow::Owned(format!("{scheme}://{MARK}{}", &rest[at..])),
        None => Cow::Borrowed(url),
    }
}

/// Whether a parameter's name, which may be percent-encoded, looks like the name of a token.
fn names_token(name: &str) -> bool {
    let name = form_urlencoded::parse(name.as_bytes()).next().map(|(name, _)| name).unwrap_or_default();
    let known = |word: &String| WORDS.contains(&word.as_str()) || OF_URLS.contains(&word.as_str());
    let lower = name.to_ascii_lowercase();
    words(&name).iter().any(known) || ENDS.iter().any(|end| lower.ends_with(end))
}

/// The words of `access_token`, `X-Api-Key` or `accessToken`, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || c.is_ascii_uppercase() && was_lower {
            words.push(String::new());
        }
        if c.is_alphanumeric() {
            words.last_mut().into_iter().for_each(|word| word.push(c.to_ascii_lowercase()));
        }
        was_lower = c.is_ascii_lowercase();
    }
    words
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::webhook::request::Method;

    #[test]
    fn headers_with_credentials_are_recognised_and_signatures_are_not() {
        for name in [
            "authorization",
            "proxy-authorization",
            "cookie",
            "set-cookie",
            "x-api-key",
            "x-auth-token",
            "x-access-token",
            "apikey",
            "ocp-apim-subscription-key",
            "x-accesstoken",
            "x-client-secret",
            "x-session-id",
        ] {
            assert!(is_credential(name), "{name}");
        }
        for name in [
            "signature",
            "svix-signature",
            "svix-id",
            "svix-timestamp",
            "x-acme-signature",
            "x-hub-signature-256",
            "content-type",
            "idempotency-key",
            "www-authenticate",
            "user-agent",
            "keep-alive",
            "x-monkey",
        ] {
            assert!(!is_credential(name), "{name}");
        }
    }

    #[test]
    fn tokens_in_a_query_and_passwords_are_redacted_for_display() {
        let cases = [
            ("/hooks?token=abc&page=2", "/hooks?token=[redacted]&page=2"),
            ("/hooks?page=2&accessToken=a&api_key=b#x", "/hooks?page=2&accessToken=[redacted]&api_key=[redacted]#x"),
            ("/hooks?%74oken=abc", "/hooks?%74oken=[redacted]"),
            (
                "/hooks?X-Amz-Signature=0a&sig=1&SECRET=2",
                "/hooks?X-Amz-Signature=[redacted]&sig=[redacted]&SECRET=[redacted]",
            ),
            ("/hooks?token=a=b?c", "/hooks?token=[redacted]"),
            ("/hooks?token=", "/hooks?token="),
            ("/hooks?token", "/hooks?token"),
            ("/token/abc?design=1", "/token/abc?design=1"),
            ("http://me:pass@host:80/a?b=c", "http://[redacted]@host:80/a?b=c"),
            ("http://me@host", "http://[redacted]@host"),
            ("http://host/@a?to=http://x@y", "http://host/@a?to=http://x@y"),
            ("/to?url=http://me:pass@host", "/to?url=http://me:pass@host"),
            ("", ""),
            ("*", "*"),
        ];
        for (url, expected) in cases {
            assert_eq!(tokens(url), expected);
        }
    }

    #[test]
    fn every_query_value_is_redacted_for_sharing() {
        assert_eq!(
            query("http://a:b@host/x?page=2&k=&t=1#f"),
            "http://[redacted]@host/x?page=[redacted]&k=&t=[redacted]#f"
        );
        assert_eq!(query("/hooks?3f2a9c"), "/hooks?[redacted]");
        assert_eq!(query("/hooks/3f2a9c?"), "/hooks/3f2a9c?");
    }

    #[test]
    fn a_redacted_request_keeps_its_body_and_header_order() {
        let field = |n: &'static str, v: &'static str| (HeaderName::from_static(n), HeaderValue::from_static(v));
        let original = Request {
            method: Method::POST,
            target: "/a?token=t".into(),
            headers: [field("cookie", "a=b"), field("signature", "00"), field("cookie", "c=d")].into_iter().collect(),
            body: Bytes::from_static(b"{\"token\":\"t\"}"),
        };
        let expected = Request {
            method: Method::POST,
            target: "/a?token=[redacted]".into(),
            headers: [field("cookie", MARK), field("signature", "00"), field("cookie", MARK)].into_iter().collect(),
            body: Bytes::from_static(b"{\"token\":\"t\"}"),
        };
        assert_eq!(request(&original), expected);
        assert!(is_redacted(&expected) && !is_redacted(&original));
    }

    proptest! {
        #[test]
        fn every_value_is_redacted_and_the_path_stays(path in "/[a-z/@]{0,9}", name in "[a-z=&%]{0,9}", value in "[A-Z?=]{1,9}") {
            let hidden = query(&format!("{path}?{name}={value}")).into_owned();
            prop_assert_eq!(hidden.split_once('?').map(|(path, _)| path.to_owned()), Some(path));
            prop_assert!(!hidden.contains(|c: char| c.is_ascii_uppercase()), "{hidden}");
        }

        #[test]
        fn redacting_twice_changes_nothing(url in any::<String>()) {
            let once = query(&url).into_owned();
            prop_assert_eq!(query(&once), once.as_str());
        }
    }
}
