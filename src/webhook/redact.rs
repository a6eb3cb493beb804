//! What is hidden of a request where it is shown or kept for others: credentials in headers, and
//! tokens in a URL. Only copies are redacted, never what is sent or forwarded, and never a body.
//!
//! Signatures stay: they are no secret, and without them nothing could be verified.

use std::borrow::Cow;

use super::{
    record::{Attempt, Delivery, Forwarded, Response},
    request::{HeaderName, HeaderValue, Headers, Request},
};

/// What stands where something was.
pub const MARK: &str = "[redacted]";

/// Words of a name under which a credential stands. `key` alone is too common for all names.
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

/// Words of a URL's parameters only: a signed URL is a credential, and a signed body is none.
const OF_URLS: [&str; 4] = ["hmac", "sig", "sign", "signature"];

/// How a name ends that is written as one word.
const ENDS: [&str; 5] = ["apikey", "password", "secret", "token", "signature"];

/// Headers whose names only look so.
const HARMLESS: [&str; 4] = ["idempotency-key", "sec-websocket-key", "sec-websocket-key1", "sec-websocket-key2"];

/// How much of a URL's query is hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Query {
    /// The values under names that look like those of tokens.
    Tokens,
    /// Every value.
    All,
}

/// Whether a header (in lower case) carries a credential, as far as its name tells.
#[must_use]
pub fn is_credential(header: &str) -> bool {
    let ends = || ENDS[..4].iter().any(|end| header.ends_with(end));
    !HARMLESS.contains(&header) && (words(header).iter().any(|word| WORDS.contains(&word.as_str())) || ends())
}

/// A URL, or the target of a request, as people see it: without user and password, and without
/// the values of parameters that look like tokens. A path is kept, as nothing tells a token in it.
#[must_use]
pub fn seen(url: &str) -> Cow<'_, str> {
    hide(url, Query::Tokens)
}

/// A URL, or the target of a request, as others may have it: without user and password, and
/// without any value of its query.
#[must_use]
pub fn shared(url: &str) -> Cow<'_, str> {
    hide(url, Query::All)
}

/// Headers without the values of credentials.
#[must_use]
pub fn headers(headers: &Headers) -> Headers {
    let hidden = |(name, value): &(HeaderName, HeaderValue)| {
        let value = if is_credential(name.as_str()) { HeaderValue::from_static(MARK) } else { value.clone() };
        (name.clone(), value)
    };
    headers.iter().map(hidden).collect()
}

/// A request as others may have it. Its body is the same, to the byte.
#[must_use]
pub fn request(request: &Request) -> Request {
    Request {
        method: request.method.clone(),
        target: shared(&request.target).into_owned(),
        headers: headers(&request.headers),
        body: request.body.clone(),
    }
}

/// Whether something of a request was redacted.
#[must_use]
pub fn is_redacted(request: &Request) -> bool {
    request.target.contains(MARK) || request.headers.iter().any(|(_, value)| value == MARK)
}

/// A delivery as others may have it.
#[must_use]
pub fn delivery(delivery: &Delivery) -> Delivery {
    let forwarded = |forwarded: &Forwarded| Forwarded {
        url: shared(&forwarded.url).into_owned(),
        outcome: forwarded.outcome.as_ref().map(response).map_err(Clone::clone),
        elapsed: forwarded.elapsed,
    };
    Delivery {
        request: request(&delivery.request),
        forwards: delivery.forwards.iter().map(forwarded).collect(),
        ..delivery.clone()
    }
}

/// An attempt as others may have it.
#[must_use]
pub fn attempt(attempt: &Attempt) -> Attempt {
    let url = shared(&attempt.url).into_owned();
    Attempt { url, response: attempt.response.as_ref().map(response), ..attempt.clone() }
}

fn response(response: &Response) -> Response {
    Response { headers: headers(&response.headers), ..response.clone() }
}

fn hide(url: &str, query: Query) -> Cow<'_, str> {
    let url = without_user(url);
    let Some((before, rest)) = url.split_once('?') else { return url };
    let (pairs, fragment) = rest.split_once('#').map_or((rest, None), |(pairs, behind)| (pairs, Some(behind)));
    let hidden: Vec<Cow<'_, str>> = pairs.split('&').map(|pair| hide_pair(pair, query)).collect();
    if hidden.iter().all(|pair| matches!(pair, Cow::Borrowed(_))) {
        return url;
    }
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    Cow::Owned(format!("{before}?{}{fragment}", hidden.join("&")))
}

fn hide_pair(pair: &str, query: Query) -> Cow<'_, str> {
    match pair.split_once('=') {
        Some((_, "")) => Cow::Borrowed(pair),
        Some((name, _)) if query == Query::All || names_token(name) => Cow::Owned(format!("{name}={MARK}")),
        None if query == Query::All && !pair.is_empty() => Cow::Owned(MARK.to_owned()),
        _ => Cow::Borrowed(pair),
    }
}

/// A URL without `user:password@`.
fn without_user(url: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = url.split_once("://") else { return Cow::Borrowed(url) };
    // What stands behind a path is no scheme's.
    if scheme.contains(['/', '?', '#']) {
        return Cow::Borrowed(url);
    }
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => Cow::Owned(format!("{scheme}://{MARK}{}", &rest[at..])),
        None => Cow::Borrowed(url),
    }
}

/// Whether a parameter's name, which may be percent-encoded, looks like that of a token.
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
    fn the_headers_of_credentials_are_known_and_those_of_signatures_are_not() {
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
    fn people_see_no_token_of_a_query_and_no_password() {
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
            assert_eq!(seen(url), expected);
        }
    }

    #[test]
    fn others_have_no_value_of_a_query() {
        assert_eq!(
            shared("http://a:b@host/x?page=2&k=&t=1#f"),
            "http://[redacted]@host/x?page=[redacted]&k=&t=[redacted]#f"
        );
        assert_eq!(shared("/hooks?3f2a9c"), "/hooks?[redacted]");
        assert_eq!(shared("/hooks/3f2a9c?"), "/hooks/3f2a9c?");
    }

    #[test]
    fn a_request_keeps_its_body_and_the_order_of_its_headers() {
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
        fn no_value_is_left_and_the_path_is(path in "/[a-z/@]{0,9}", name in "[a-z=&%]{0,9}", value in "[A-Z?=]{1,9}") {
            let hidden = shared(&format!("{path}?{name}={value}")).into_owned();
            prop_assert_eq!(hidden.split_once('?').map(|(path, _)| path.to_owned()), Some(path));
            prop_assert!(!hidden.contains(|c: char| c.is_ascii_uppercase()), "{hidden}");
        }

        #[test]
        fn what_is_redacted_stays_so(url in any::<String>()) {
            let once = shared(&url).into_owned();
            prop_assert_eq!(shared(&once), once.as_str());
        }
    }
}
