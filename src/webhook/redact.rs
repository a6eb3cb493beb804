//! Redaction: hides credentials in headers and tokens in URLs when a request is shown or shared. Only
//! copies are redacted, never what is sent or forwarded, and never a body.
//!
//! Of the headers, only those on a list are kept, because no list of the names of credentials is complete. Signatures
//! are kept: they are not secret, and nothing could be verified without them.

use super::url_redaction::is_credential;
pub use super::url_redaction::{in_text, invalid_url, query, tokens, without_user};
use super::{
    diagnose::Finding,
    provider::Provider,
    record::{Attempt, Delivery, ForwardFailure, Forwarded, Response},
    remedy::{Remedy, Warning},
    request::{HeaderField, HeaderName, HeaderValue, Headers, Request},
    response::Clue,
    words::REDACTED,
};

/// The headers that are kept for every provider, because they only describe the body and the connection. The headers in
/// the provider's manifest are kept too.
pub const KEPT_HEADERS: [&str; 27] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "allow",
    "cache-control",
    "connection",
    "content-digest",
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "digest",
    "expect",
    "host",
    "keep-alive",
    "last-modified",
    "repr-digest",
    "retry-after",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "user-agent",
    "vary",
];

/// Redacts the values of all headers that are not known to be harmless: [`KEPT_HEADERS`], and those that the provider's
/// manifest names.
#[must_use]
pub fn headers(headers: &Headers, provider: Option<&Provider>) -> Headers {
    let redacted = |(name, value): &HeaderField| {
        // A user and a password in `host`, which no client sends.
        let has_user = name.name() == "host" && value.as_bytes().contains(&b'@');
        let is_kept = is_kept(name.name(), provider) && !has_user;
        let value = if is_kept { value.clone() } else { HeaderValue::from_static(REDACTED) };
        (name.clone(), value)
    };
    headers.iter().map(redacted).collect()
}

fn is_kept(name: &HeaderName, provider: Option<&Provider>) -> bool {
    let sends_secret = |provider: &Provider| provider.sends_secret_in(name);
    if provider.is_some_and(sends_secret) {
        return false;
    }
    let is_named =
        |provider: &Provider| provider.signs_in(name) || provider.names_header(name) && !is_credential(name.as_str());
    KEPT_HEADERS.contains(&name.as_str()) || provider.is_some_and(is_named)
}

/// Redacts a request of a provider for sharing. Its body stays the same, to the byte.
#[must_use]
pub fn request(request: &Request, provider: Option<&Provider>) -> Request {
    Request {
        method: request.method.clone(),
        target: query(&request.target).into_owned(),
        headers: headers(&request.headers, provider),
        body: request.body.clone(),
    }
}

/// Whether part of a request was redacted.
#[must_use]
pub fn is_redacted(request: &Request) -> bool {
    request.target.contains(REDACTED) || request.headers.iter().any(|(_, value)| value == REDACTED)
}

/// Redacts a delivery for sharing.
#[must_use]
pub fn delivery(delivery: &Delivery) -> Delivery {
    let mut redacted = Delivery {
        request: request(&delivery.request, delivery.assessment.provider.as_deref()),
        forwards: delivery.forwards.iter().map(forwarded).collect(),
        not_forwarded: delivery.not_forwarded.as_ref().map(warning),
        ..delivery.clone()
    };
    let url = &mut redacted.assessment.url;
    *url = url.as_deref().map(|url| query(url).into_owned());
    redacted.assessment.findings = findings(&delivery.assessment.findings);
    redacted.assessment.warnings = delivery.assessment.warnings.iter().map(warning).collect();
    redacted
}

/// Findings without the query values of the URLs in them.
#[must_use]
pub fn findings(findings: &[Finding]) -> Vec<Finding> {
    findings.iter().map(finding).collect()
}

fn finding(finding: &Finding) -> Finding {
    Finding {
        code: finding.code,
        message: in_text(&finding.message),
        remedy: remedy(&finding.remedy),
        detail: finding.detail.as_deref().map(in_text),
    }
}

fn warning(warning: &Warning) -> Warning {
    Warning {
        message: in_text(&warning.message),
        remedy: warning.remedy.as_ref().map(remedy),
        is_guess: warning.is_guess,
    }
}

fn remedy(remedy: &Remedy) -> Remedy {
    match remedy {
        Remedy::CorrectUrl { url } => Remedy::CorrectUrl { url: query(url).into_owned() },
        Remedy::Advice(text) => Remedy::Advice(in_text(text).into()),
        other => other.clone(),
    }
}

/// A forward without credentials.
#[must_use]
pub fn forwarded(forwarded: &Forwarded) -> Forwarded {
    Forwarded {
        url: query(&forwarded.url).into_owned(),
        outcome: forwarded.outcome.as_ref().map(response).map_err(failure),
        elapsed: forwarded.elapsed,
    }
}

fn failure(failure: &ForwardFailure) -> ForwardFailure {
    ForwardFailure { kind: failure.kind, message: in_text(&failure.message) }
}

/// Redacts an attempt for sharing.
#[must_use]
pub fn attempt(attempt: &Attempt) -> Attempt {
    Attempt {
        url: query(&attempt.url).into_owned(),
        reason: in_text(&attempt.reason),
        remedy: attempt.remedy.as_ref().map(remedy),
        response: attempt.response.as_ref().map(response),
        clue: attempt.clue.as_ref().map(|clue| Clue { advice: in_text(&clue.advice).into(), ..clue.clone() }),
        ..attempt.clone()
    }
}

fn response(response: &Response) -> Response {
    Response { headers: headers(&response.headers, None), ..response.clone() }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::webhook::{diagnose::Code, provider::catalog::Catalog, request::Method};

    fn field(name: &'static str, value: &'static str) -> (HeaderName, HeaderValue) {
        (HeaderName::from_static(name), HeaderValue::from_static(value))
    }

    /// The names of headers that keep their values in a provider's requests.
    fn kept(provider: Option<&str>, names: &[&'static str]) -> Vec<String> {
        let catalog = Catalog::builtin();
        let provider = provider.map(|name| catalog.get(name).unwrap().as_ref());
        let all: Headers = names.iter().map(|name| field(name, "value")).collect();
        let kept = headers(&all, provider).into_iter().filter(|(_, value)| value == "value");
        kept.map(|(name, _)| name.to_string()).collect()
    }

    #[test]
    fn only_headers_that_sign_describe_the_body_or_are_in_the_manifest_keep_their_values() {
        let names = [
            "content-type",
            "svix-signature",
            "webhook-signature",
            "svix-id",
            "webhook-timestamp",
            "x-jewelmusic-event",
            "x-jewelmusic-signature",
            "user-agent",
        ];
        assert_eq!(
            kept(Some("aspect"), &names),
            ["content-type", "svix-signature", "webhook-signature", "svix-id", "webhook-timestamp", "user-agent"]
        );
        let jewelmusic = ["content-type", "x-jewelmusic-event", "x-jewelmusic-signature", "user-agent"];
        assert_eq!(kept(Some("jewelmusic"), &names), jewelmusic);
        assert_eq!(kept(None, &names), ["content-type", "user-agent"]);
        assert_eq!(kept(None, &KEPT_HEADERS), KEPT_HEADERS);
    }

    #[test]
    fn no_credential_keeps_its_value_whatever_its_header_is_called() {
        let names = [
            "authorization",
            "proxy-authorization",
            "authentication",
            "authentication-info",
            "cookie",
            "set-cookie",
            "dpop",
            "referer",
            "location",
            "x-original-url",
            "x-forwarded-uri",
            "x-forwarded-client-cert",
            "x-amzn-oidc-data",
            "x-api-key",
            "x-basicauth",
            "x-authkey",
            "x-secretkey",
            "x-accesskey",
            "x-privatekey",
            "x-userpass",
            "x-creds",
            "x-passphrase",
            "x-otp",
            "x-phpsessid",
            "x-jsessionid",
            "sec-websocket-key",
            "sec-websocket-protocol",
            "traceparent",
            "x-acme-signature",
            "x",
        ];
        for provider in [None, Some("cyanite"), Some("aspect"), Some("jewelmusic"), Some("auphonic")] {
            assert_eq!(kept(provider, &names), [""; 0], "{provider:?}");
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
            ("http:me:pass@host/a", "http:[redacted]@host/a"),
            ("HTTPS:\\\\me:pass@host/a", "HTTPS:\\\\[redacted]@host/a"),
            ("http:\n//me:pass@host/a", "http:\n//[redacted]@host/a"),
            ("me:pass@host:80/a@b", "[redacted]@host:80/a@b"),
            ("localhost:80/a@b", "localhost:80/a@b"),
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
            "http://[redacted]@host/x?page=[redacted]&[redacted]&t=[redacted]#f"
        );
        assert_eq!(query("/hooks?aG9va2Rldg=="), "/hooks?[redacted]");
        assert_eq!(query("/hooks?3f2a9c"), "/hooks?[redacted]");
        assert_eq!(query("/hooks/3f2a9c?"), "/hooks/3f2a9c?");
    }

    #[test]
    fn an_invalid_url_shows_no_part_of_a_password() {
        let cases = [
            ("http://me:pa/s?s#w@rd@host:x/a?b=c", "http://[redacted]@host:x/a?b=[redacted]"),
            ("me:pa/ss@host:80/?token=t", "[redacted]@host:80/?token=[redacted]"),
            ("localhost:80/?token=t", "localhost:80/?token=[redacted]"),
            ("http://localhost:80", "http://localhost:80"),
        ];
        for (text, expected) in cases {
            assert_eq!(invalid_url(text), expected);
        }
    }

    #[test]
    fn a_host_keeps_its_value_without_a_user() {
        let shown = |host: &'static str| {
            let field = (HeaderName::from_static("host"), HeaderValue::from_static(host));
            let redacted = headers(&std::iter::once(field).collect(), None);
            redacted.text("host").unwrap().into_owned()
        };
        assert_eq!((shown("h:1"), shown("user:SECRET@h")), ("h:1".to_owned(), REDACTED.to_owned()));
    }

    #[test]
    fn a_text_keeps_no_user_and_no_query_value_of_the_urls_in_it() {
        let cases = [
            (
                "covers `https://a:b@h.example/in?own=a`, not http://h.example/in?own=a&b (only with `x`)",
                "covers `https://[redacted]@h.example/in?own=[redacted]`, not http://h.example/in?own=[redacted]&[redacted] (only with `x`)",
            ),
            ("POST /hooks?id=s timed out", "POST /hooks?id=[redacted] timed out"),
            (
                "redirects to http://h/a?b=c: use (/d?e=f), \"http://u@h\".",
                "redirects to http://h/a?b=[redacted]: use (/d?e=[redacted]), \"http://[redacted]@h\".",
            ),
            ("what? either/or, 1/2 and\n a ? b", "what? either/or, 1/2 and\n a ? b"),
        ];
        for (text, expected) in cases {
            assert_eq!(in_text(text), expected);
            assert_eq!(in_text(expected), expected);
        }
    }

    #[test]
    fn no_part_of_a_finding_keeps_a_query_value() {
        let url = "https://h.example/in?own=a";
        let finding = |url: &str| Finding {
            code: Code::WrongUrl,
            message: format!("the signature covers {url}"),
            remedy: Remedy::CorrectUrl { url: url.to_owned() },
            detail: Some(format!("tried: {url}")),
        };
        assert_eq!(findings(&[finding(url)]), [finding("https://h.example/in?own=[redacted]")]);
    }

    #[test]
    fn a_redacted_request_keeps_its_body_and_header_order() {
        let original = Request {
            method: Method::POST,
            target: "/a?token=t".into(),
            headers: [field("cookie", "a=b"), field("signature", "00"), field("cookie", "c=d")].into_iter().collect(),
            body: Bytes::from_static(b"{\"token\":\"t\"}"),
        };
        let expected = Request {
            method: Method::POST,
            target: "/a?token=[redacted]".into(),
            headers: [field("cookie", REDACTED), field("signature", "00"), field("cookie", REDACTED)]
                .into_iter()
                .collect(),
            body: Bytes::from_static(b"{\"token\":\"t\"}"),
        };
        let catalog = Catalog::builtin();
        assert_eq!(request(&original, catalog.get("cyanite").map(AsRef::as_ref)), expected);
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
        fn no_text_shows_a_value_of_a_url_in_it(before in "[a-z (`\"']{0,9}[ :,=<\\[]", value in "[A-Z?=:/'\",.)]{0,9}[A-Z]", after in "[ `,.:;)][a-z `]{0,9}") {
            for url in [format!("http://h/a?b={value}"), format!(" </a?b={value}"), format!("http://{}@h/", value.replace(['/', '?'], ""))] {
                let hidden = in_text(&format!("{before}{url}{after}"));
                prop_assert!(!hidden.contains(|c: char| c.is_ascii_uppercase()), "{hidden}");
            }
        }

        #[test]
        fn redacting_twice_changes_nothing(url in any::<String>()) {
            let once = query(&url).into_owned();
            prop_assert_eq!(query(&once), once.as_str());
        }
    }
}
