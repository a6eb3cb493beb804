//! Handlers that verify in another way than their provider signs, and so accept no delivery of its own.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::{
    ASPECT_SECRET, Handler, Reply, Report, check, fails,
    handler::{cyanite_signed, is_cyanite_test},
};
use crate::harness::{Dir, Message, hex, text};

/// A delivery of GitHub's, as a handler with one mistake sees it: `expected` makes the text of the signature header.
fn github(expected: impl Fn(&[u8]) -> String + Send + Sync + 'static) -> Handler {
    Handler::new(move |message| {
        let given = message.header("x-hub-signature-256").unwrap_or_default();
        Reply::Status(if given == expected(&message.body) { 200 } else { 401 })
    })
}

const GITHUB_SECRET: &[u8] = b"what GitHub and the handler share";

fn mac<M: Mac + KeyInit>(key: &[u8], body: &[u8]) -> Vec<u8> {
    <M as KeyInit>::new_from_slice(key).unwrap().chain_update(body).finalize().into_bytes().to_vec()
}

fn sha256(key: &[u8], body: &[u8]) -> String {
    format!("sha256={}", hex(mac::<Hmac<Sha256>>(key, body)))
}

/// A hash without a key.
fn hash(pieces: &[&[u8]]) -> String {
    format!("sha256={}", hex(Sha256::digest(pieces.concat())))
}

/// The body as a handler writes it that parses it into a sorted map first.
fn sorted(body: &[u8]) -> Vec<u8> {
    let payload: BTreeMap<String, Sorted> = serde_json::from_slice(body).unwrap();
    serde_json::to_vec(&payload).unwrap()
}

/// A value whose objects have sorted keys.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Sorted {
    Object(BTreeMap<String, Self>),
    Array(Vec<Self>),
    Other(serde_json::Value),
}

/// The hint of the first delivery, which the handler does not accept.
#[track_caller]
fn hint_for(handler: &Handler) -> String {
    let dir = Dir::new();
    let run =
        check(&dir, &handler.url("/github")).env("GITHUB_WEBHOOK_SECRET", std::str::from_utf8(GITHUB_SECRET).unwrap());
    let report = Report::of(&run.exits(1));
    assert_eq!(report.failed(), ["event-accepted"]);
    let failed = report.cases.iter().find(|case| case["outcome"] == "failed").expect("a failed case");
    text(failed, "/hint").to_owned()
}

#[test]
fn one_that_verifies_in_another_way_accepts_nothing_and_is_told_what_differs() {
    let hints: Vec<(Handler, &str)> = vec![
        (github(|body| sha256(b"", body)), "verifies with an empty secret, so the variable"),
        (github(|body| sha256(b"undefined", body)), "the text `undefined` as its secret"),
        (github(|body| sha256(b"what GitHub and the handler share\n", body)), "secret ends with a newline"),
        (github(|body| sha256(b"\"what GitHub and the handler share\"", body)), "secret has quotes (\") around it"),
        (github(|body| sha256(b"hookdev-development-secret-github", body)), "the public development secret"),
        (
            github(|body| format!("sha256={}", hex(mac::<Hmac<Sha1>>(GITHUB_SECRET, body)))),
            "verifies an HMAC-SHA1, but the provider signs with HMAC-SHA256",
        ),
        (
            github(|body| hex(mac::<Hmac<Sha256>>(GITHUB_SECRET, body))),
            "expects `{hex}` in `x-hub-signature-256`, but the provider sends `sha256={hex}`",
        ),
        (
            github(|body| format!("sha256={}", BASE64_STANDARD.encode(mac::<Hmac<Sha256>>(GITHUB_SECRET, body)))),
            "expects `sha256={base64}`",
        ),
        (github(|_| sha256(GITHUB_SECRET, b"")), "verifies an empty body"),
        (github(|_| sha256(GITHUB_SECRET, b"[object Object]")), "verifies the text `[object Object]`"),
        (github(|body| sha256(GITHUB_SECRET, &[b"b'", body, b"'"].concat())), "verifies the text of a bytes object"),
        (
            github(|body| format!("sha1={}", hex(mac::<Hmac<Sha1>>(GITHUB_SECRET, body)))),
            "verifies an HMAC-SHA1, but the provider signs with HMAC-SHA256",
        ),
        (
            github(|body| format!("sha256={}", BASE64_STANDARD.encode(hex(mac::<Hmac<Sha256>>(GITHUB_SECRET, body))))),
            "expects the base64 of the hexadecimal text in `x-hub-signature-256`",
        ),
        (
            github(|body| format!("sha256={}", hex(mac::<Hmac<Sha256>>(GITHUB_SECRET, body)).to_ascii_uppercase())),
            "expects hexadecimal in upper case",
        ),
        (github(|body| hash(&[GITHUB_SECRET, body])), "a plain SHA-256 of {secret}{body}, but"),
        (github(|body| hash(&[body, GITHUB_SECRET])), "a plain SHA-256 of {body}{secret}, but"),
        (github(|body| hash(&[body])), "a plain SHA-256 of {body}, but"),
    ];
    for (handler, part) in hints {
        let hint = hint_for(&handler);
        assert!(hint.contains(part), "{part}: {hint}");
    }
}

#[test]
fn one_that_sorts_the_keys_verifies_reserialised_json() {
    let hint = hint_for(&github(|body| sha256(GITHUB_SECRET, &sorted(body))));
    let start = "the handler accepts the same delivery without whitespace, keys sorted, as JavaScript's JSON.stringify writes it: it verifies re-serialised JSON";
    assert!(hint.starts_with(start), "{hint}");
}

#[test]
fn one_with_two_mistakes_is_told_both() {
    let base64 = |body: &[u8]| format!("sha256={}", BASE64_STANDARD.encode(mac::<Hmac<Sha256>>(GITHUB_SECRET, body)));
    for (handler, parts) in [
        (github(move |body| base64(&sorted(body))), ["First: the handler expects `sha256={base64}`", "keys sorted"]),
        (
            github(|body| sha256(b"undefined", &sorted(body))),
            ["First: the handler verifies with the text `undefined`", "keys sorted"],
        ),
        (
            github(|body| format!("sha256={}", BASE64_STANDARD.encode(mac::<Hmac<Sha1>>(GITHUB_SECRET, body)))),
            ["First: the handler verifies an HMAC-SHA1", "Second: the handler expects `sha256={base64}`"],
        ),
        (github(|body| hash(&[GITHUB_SECRET, &sorted(body)])), ["a plain SHA-256 of {secret}{body}", "keys sorted"]),
    ] {
        let hint = hint_for(&handler);
        assert!(hint.starts_with("the handler makes two mistakes. "), "{hint}");
        assert!(parts.iter().all(|part| hint.contains(part)), "{parts:?}: {hint}");
    }
}

#[test]
fn one_that_reads_another_header() {
    let handler = |name: &'static str, expected: fn(&[u8]) -> String| {
        Handler::new(move |message| {
            let is_genuine = message.header(name) == Some(&*expected(&message.body));
            Reply::Status(if is_genuine { 200 } else { 401 })
        })
    };
    let hint = hint_for(&handler("x-signature", |body| sha256(GITHUB_SECRET, body)));
    assert!(
        hint.starts_with("the handler reads another header: ") && hint.ends_with("read `x-hub-signature-256`"),
        "{hint}"
    );
    let sha1 = |body: &[u8]| format!("sha1={}", hex(mac::<Hmac<Sha1>>(GITHUB_SECRET, body)));
    let hint = hint_for(&handler("x-hub-signature", sha1));
    assert!(
        hint.contains("First: the handler verifies an HMAC-SHA1") && hint.contains("reads another header"),
        "{hint}"
    );
}

#[test]
fn one_that_throws_if_lengths_differ_is_told_what_differs() {
    let handler = |refusal: u16| {
        Handler::new(move |message| {
            let given = message.header("x-hub-signature-256").unwrap_or_default();
            let expected = hex(mac::<Hmac<Sha256>>(GITHUB_SECRET, &message.body));
            Reply::Status(match given == expected {
                true => 200,
                false if given.len() == expected.len() => refusal,
                false => 500,
            })
        })
    };
    for refusal in [401, 500] {
        assert!(hint_for(&handler(refusal)).contains("the handler expects `{hex}`"), "{refusal}");
    }
}

#[test]
fn one_with_another_secret_is_asked_about_secret_and_header_alone() {
    let hint = hint_for(&github(|body| sha256(b"another", body)));
    assert!(hint.contains("env:GITHUB_WEBHOOK_SECRET: does the handler use the same one?"), "{hint}");
    assert!(hint.contains("check that it reads `x-hub-signature-256`, that no proxy in front of it removes that header, and that it verifies the raw body"), "{hint}");
}

#[test]
fn a_rate_limit_is_no_judgement_on_the_usual_mistakes() {
    let requests = AtomicUsize::new(0);
    let limited =
        Handler::new(move |_| Reply::Status(if requests.fetch_add(1, Ordering::Relaxed) < 6 { 401 } else { 429 }));
    let hint = hint_for(&limited);
    assert!(hint.contains("verify something other than") && !hint.contains("were tried"), "{hint}");
}

#[test]
fn one_that_signs_other_content_or_does_not_decode_the_secret() {
    let text = ASPECT_SECRET.as_bytes();
    let decoded = BASE64_STANDARD.decode(&ASPECT_SECRET["whsec_".len()..]).unwrap();
    let svix = |key: Vec<u8>, content: fn(&Message) -> Vec<u8>| {
        Handler::new(move |message| {
            let expected = format!("v1,{}", BASE64_STANDARD.encode(mac::<Hmac<Sha256>>(&key, &content(message))));
            Reply::Status(if message.header("svix-signature") == Some(&*expected) { 200 } else { 401 })
        })
    };
    let whole = |message: &Message| {
        let header = |name| message.header(name).unwrap_or_default().as_bytes();
        [header("svix-id"), b".", header("svix-timestamp"), b".", &message.body].concat()
    };
    let body = |message: &Message| message.body.clone();
    let undecoded = "uses the text of the secret as the key: the key is the text after whsec_, decoded from base64";
    for (handler, part) in [
        (svix(text.to_vec(), whole), undecoded),
        (svix(text["whsec_".len()..].to_vec(), whole), undecoded),
        (svix(text.to_vec(), body), "First: the handler uses the text of the secret as the key"),
        (svix(decoded, body), "a signature of {body}, but the provider signs {id}.{timestamp}.{body}"),
    ] {
        fails(&handler, "/aspect", &["event-accepted"], part);
    }
}

#[test]
fn one_that_takes_the_timestamp_for_milliseconds() {
    let handler = Handler::new(|message| {
        let header = |name| message.header(name).unwrap_or_default();
        let key = BASE64_STANDARD.decode(&ASPECT_SECRET["whsec_".len()..]).unwrap();
        let content = [header("svix-id").as_bytes(), b".", header("svix-timestamp").as_bytes(), b".", &message.body];
        let expected = format!("v1,{}", BASE64_STANDARD.encode(mac::<Hmac<Sha256>>(&key, &content.concat())));
        // Milliseconds have 13 digits until the year 2286.
        let is_fresh = header("svix-timestamp").len() == 13;
        Reply::Status(if is_fresh && header("svix-signature") == expected { 200 } else { 400 })
    });
    let hint = "with its timestamp in milliseconds, but the provider sends seconds: compare with Date.now() / 1000";
    fails(&handler, "/aspect", &["event-accepted"], hint);
}

#[test]
fn one_that_fails_after_it_has_verified_is_not_asked_about_its_secret() {
    let handler = |refusal: Reply, failure: Reply| {
        Handler::new(move |message| {
            let given = message.header("x-hub-signature-256").unwrap_or_default();
            if given == sha256(GITHUB_SECRET, &message.body) { failure } else { refusal }
        })
    };
    let after = |status| {
        format!(
            "the handler verifies this delivery: it responds {status} to the same one signed with another secret. What it does after that fails: "
        )
    };
    let unhandled = Reply::Says(400, b"unhandled event");
    for (refusal, failure, status, cause) in [
        (Reply::Status(401), unhandled, 401, "it may not handle this event (respond 200 anyway)"),
        (Reply::Says(400, b"wrong signature"), unhandled, 400, "it may not handle this event"),
        (Reply::Status(401), Reply::Status(500), 401, "find the exception in the handler's log"),
    ] {
        let hint = hint_for(&handler(refusal, failure));
        assert!(hint.starts_with(&after(status)) && hint.contains(cause), "{hint}");
    }
}

#[test]
fn one_that_verifies_only_the_first_piece_of_the_body() {
    let handler = Handler::new(|message| {
        let signed = cyanite_signed(message, &message.body[..message.body.len().min(4096)]);
        Reply::Status(if signed || is_cyanite_test(message) { 200 } else { 401 })
    });
    fails(&handler, "/cyanite", &["body-large"], "io.ReadAll in Go");
}

#[test]
fn one_that_alters_the_body_in_an_unknown_way_is_told_that_only_the_body_is_wrong() {
    let start = |body: &[u8]| sha256(GITHUB_SECRET, &body[..body.len().min(1000)]);
    // As str() of a dictionary in Python, and as PHP's json_encode(json_decode($body, true)) writes empty objects.
    let quoted = |body: &[u8]| sha256(GITHUB_SECRET, String::from_utf8_lossy(body).replace('"', "'").as_bytes());
    let listed = |body: &[u8]| sha256(GITHUB_SECRET, String::from_utf8_lossy(body).replace('{', "[").as_bytes());
    for handler in [github(start), github(quoted), github(listed)] {
        let hint = hint_for(&handler);
        assert!(hint.contains("so the secret, the algorithm and the header are right"), "{hint}");
        assert!(hint.contains("io.ReadAll in Go") && hint.contains("await request.body()"), "{hint}");
    }
}

#[test]
fn one_that_redirects_what_it_accepts_is_told_why_it_refuses_the_rest() {
    let handler = Handler::new(|message| {
        let expected = format!("sha256={}", BASE64_STANDARD.encode(mac::<Hmac<Sha256>>(GITHUB_SECRET, &message.body)));
        let is_genuine = message.header("x-hub-signature-256") == Some(&*expected);
        if is_genuine { Reply::Redirect } else { Reply::Status(401) }
    });
    let hint = hint_for(&handler);
    assert!(hint.starts_with("the handler expects `sha256={base64}` in `x-hub-signature-256`"), "{hint}");
}

#[test]
fn one_that_trims_the_body() {
    let handler = Handler::new(|message| {
        let signed = cyanite_signed(message, message.body.trim_ascii());
        Reply::Status(if is_cyanite_test(message) || signed { 200 } else { 401 })
    });
    let report = fails(&handler, "/cyanite", &["body-reserialised"], ".trim() in JavaScript");
    let message = text(report.case("body-reserialised"), "/message");
    assert!(message.starts_with("whitespace before and after the body: "), "{message}");
}

#[test]
fn one_that_redirects_is_told_where_to() {
    let handler = Handler::new(|_| Reply::Redirect);
    let hint = "your handler redirects to http://127.0.0.1:1/elsewhere: respond at this URL without a redirect";
    fails(&handler, "/cyanite", &["event-accepted"], hint);
}
