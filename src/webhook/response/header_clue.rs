//! Detects from a response that the handler looks for a header under a different name, or doesn't find one that was
//! sent.

use super::readable;
use crate::webhook::request::Headers;

/// The longest response that is searched, in bytes. A page or a stack trace names many headers.
const LONGEST: usize = 2000;

/// The longest name of a header that is looked for, in bytes.
const LONGEST_NAME: usize = 64;

/// What a response says about a missing header, in lower case.
const MISSING: &[&str] = &["missing", "required", "not found", "not present", "absent", "without", "no ", "keyerror"];

/// Parts of the names of headers with which webhooks are verified, in lower case.
const TELLING: &[&str] = &["signature", "webhook", "hmac", "timestamp"];

/// Headers that most requests have.
const USUAL: &[&str] =
    &["accept", "accept-encoding", "connection", "content-length", "content-type", "host", "user-agent"];

/// What to do if a response says that a header is missing that was not sent.
pub(super) fn advice(body: &[u8], sent: &Headers) -> Option<String> {
    let text = readable(body.get(..body.len().min(LONGEST + 1)).filter(|body| body.len() <= LONGEST)?)?;
    let lower = text.to_ascii_lowercase();
    if !MISSING.iter().any(|word| lower.contains(word)) {
        return None;
    }
    if let Some(name) = sent_signature(&lower, sent) {
        return Some(format!(
            "the response says that the signature is missing, but it was sent in `{name}`: read that header. {SPELLING}"
        ));
    }
    if let Some(name) = sent_header(&lower, sent) {
        return Some(format!("the response says that `{name}` is missing, but it was sent. {SPELLING}"));
    }
    let wanted = words(&text).find(|word| name(word).is_some_and(|name| !sent.contains(&name)))?;
    let own: Vec<&str> = sent.iter().map(|(name, _)| name.spelling()).filter(|name| !is_usual(name)).collect();
    let instead = if own.is_empty() {
        "the provider sends no headers of its own".to_owned()
    } else {
        format!("read the provider's own headers: {}", own.join(", "))
    };
    Some(format!("the handler asks for the header `{wanted}`, which was not sent: {instead}"))
}

/// Responses of handlers that find no signature, in lower case.
const NO_SIGNATURE: &[&str] =
    &["missing signature", "no signature", "signature missing", "signature is missing", "signature header is missing"];

/// Why a handler may not find a header that was sent.
const SPELLING: &str = "In Node, the names in req.headers are in lower case; Rack and PHP write HTTP_X_NAME. If the name is right, a proxy in front of the handler removes the header: proxy_set_header X \"\" and proxy_pass_request_headers off do that in nginx, and underscores_in_headers off if the name has a `_`";

/// The words allowed between the name of a header and the statement that it is missing.
const BETWEEN: [&str; 7] = ["a", "header", "http", "is", "required", "the", "was"];

/// What `FastAPI` says before the name of a header that is missing, in lower case.
const FASTAPI: &str = r#""type":"missing","loc":["header","#;

/// What a response says about a header that is present, in lower case.
const PRESENT: [&str; 4] = ["invalid", "wrong", "match", "malformed"];

/// The header that a response says is missing, although it was sent; `None` if it may mean that its value is wrong.
fn sent_header<'h>(lower: &str, sent: &'h Headers) -> Option<&'h str> {
    // Each member of a JSON object is a separate statement.
    let members = lower.replace(FASTAPI, "missing ");
    let missed = members.split([',', '{', '}']).find_map(|text| missing(text, sent))?;
    let may_be_wrong = PRESENT.iter().any(|text| lower.contains(text));
    let mut names = sent.iter().map(|(name, _)| name.spelling());
    names.find(|name| name.eq_ignore_ascii_case(&missed)).filter(|_| !may_be_wrong)
}

/// The name of a header that was sent, if the words next to it say that it is missing.
fn missing(text: &str, sent: &Headers) -> Option<String> {
    let words: Vec<&str> = words(text).filter(|word| !word.is_empty()).collect();
    let is_content = |word: &&&str| !BETWEEN.contains(*word);
    words.iter().enumerate().find_map(|(at, word)| {
        let before = words[..at].iter().rev().find(is_content);
        let mut after = words[at + 1..].iter().filter(is_content);
        let is_missing = before.is_some_and(|word| matches!(*word, "missing" | "keyerror"))
            || match after.next() {
                Some(&("missing" | "absent")) => true,
                Some(&"not") => matches!(after.next(), Some(&("found" | "present"))),
                _ => false,
            };
        name(word).filter(|name| is_missing && sent.contains(name))
    })
}

/// The words of a text that may be names of headers.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').filter(|word| word.len() <= LONGEST_NAME)
}

/// The header with the signature, if the response says only that there is none.
fn sent_signature<'h>(lower: &str, sent: &'h Headers) -> Option<&'h str> {
    let names_none = !words(lower).any(|word| name(word).is_some());
    let is_missing = NO_SIGNATURE.iter().any(|text| lower.contains(text));
    let mut names = sent.iter().map(|(name, _)| name.spelling());
    names.find(|name| name.to_ascii_lowercase().contains("signature")).filter(|_| is_missing && names_none)
}

/// The name of a header that a word is likely to mean, in lower case. Frameworks have names of their own for it
/// (`HTTP_X_SIGNATURE`, `x_signature`).
fn name(word: &str) -> Option<String> {
    let name = word.to_ascii_lowercase().replace('_', "-");
    let name = name.strip_prefix("http-").unwrap_or(&name).trim_matches('-');
    let is_telling = name.starts_with("x-") || TELLING.iter().any(|part| name.contains(part));
    (name.contains('-') && is_telling).then(|| name.to_owned())
}

fn is_usual(name: &str) -> bool {
    USUAL.iter().any(|usual| usual.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_that_was_sent_and_not_found_is_named() {
        for body in [&b"missing signature"[..], b"{\"error\":\"No signature\"}"] {
            let advice = advice(body, &sent()).unwrap();
            assert!(advice.contains("it was sent in `svix-signature`"), "{advice}");
        }
        assert_eq!(advice(b"bad signature", &sent()), None);
    }

    fn sent() -> Headers {
        [("host", "localhost"), ("content-type", "application/json"), ("svix-id", "msg_1"), ("svix-signature", "v1,x")]
            .iter()
            .map(|(name, value)| (*name, *value))
            .fold(Headers::new(), |mut headers, (name, value)| {
                headers.push(http::HeaderName::from_static(name), value.parse().unwrap());
                headers
            })
    }

    #[test]
    fn a_header_that_was_not_sent_is_named_with_those_that_were() {
        for (body, named) in [
            ("missing X-Aspect-Signature header", "X-Aspect-Signature"),
            (r#"{"error":"No x-hub-signature-256 found"}"#, "x-hub-signature-256"),
            (r#"{"detail":[{"type":"missing","loc":["header","x-signature"],"msg":"Field required"}]}"#, "x-signature"),
            ("KeyError: 'HTTP_X_SIGNATURE'", "HTTP_X_SIGNATURE"),
            ("Webhook-Signature is required", "Webhook-Signature"),
        ] {
            assert_eq!(
                advice(body.as_bytes(), &sent()).unwrap(),
                format!(
                    "the handler asks for the header `{named}`, which was not sent: read the provider's own headers: svix-id, svix-signature"
                ),
                "{body}"
            );
        }
    }

    #[test]
    fn a_header_that_was_sent_under_this_name_may_be_removed_on_the_way() {
        for body in [
            "missing svix-signature header",
            "Missing HTTP_SVIX_SIGNATURE",
            "missing the header svix-signature",
            "KeyError: 'svix-signature'",
            "svix-signature is missing",
            "The svix-signature header was not found",
            "svix-signature: not present",
            r#"{"detail":[{"type":"missing","loc":["header","svix-signature"],"msg":"Field required","input":null}]}"#,
        ] {
            let advice = advice(body.as_bytes(), &sent()).unwrap();
            assert!(
                advice.starts_with("the response says that `svix-signature` is missing, but it was sent. ")
                    && advice.contains("a proxy in front of the handler removes the header"),
                "{advice}"
            );
        }
    }

    #[test]
    fn other_responses_name_no_header() {
        for body in [
            "missing or invalid svix-signature header",
            "webhook secret not found; cannot verify svix-signature",
            r#"{"error":"repository not found","event":"svix-signature: push"}"#,
            r#"{"error":"missing field repository.id","svix-signature":"123"}"#,
            r#"{"error":"id missing","svix-signature":"123"}"#,
            r#"{"message":"The request is missing","svix-signature":"123"}"#,
            "invalid signature",
            "no such user",
            "the X-Aspect-Signature header does not match",
            "missing e-mail",
            "",
        ] {
            assert_eq!(advice(body.as_bytes(), &sent()), None, "{body}");
        }
        let page = format!("missing x-signature {}", "a ".repeat(LONGEST));
        assert_eq!(advice(page.as_bytes(), &sent()), None);
    }
}
