//! The `standardwebhooks` crate, by Svix.

use std::{collections::BTreeMap, path::Path};

use hookdev::{
    store::providers,
    webhook::{
        provider::{
            Provider,
            compose::{AttemptParams, BodySource, SendContext},
        },
        request::{HeaderField, HeaderName, Headers, Request},
        signature::{SigningSecret, Verdict},
        time::Timestamp,
    },
};
use http::HeaderMap;
use proptest::prelude::*;
use standardwebhooks::Webhook;

use super::{
    SECRET,
    acme::{at, carrying, field, secrets, signing},
    now,
};

/// Standard Webhooks with its unbranded header names.
fn unbranded() -> Provider {
    signing(
        "encoding = 'base64'\nprefix = 'whsec_'\ndevelopment = 'whsec_AAAA'",
        r#"
[[scheme]]
name = "standard"
algorithm = "hmac-sha256"
content = "{id}.{timestamp}.{body}"
signature = { header = "webhook-signature", value = "v1,{base64}", separator = " " }
id = { header = "webhook-id" }
timestamp = { header = "webhook-timestamp", tolerance = "5m" }
"#,
    )
}

fn aspect() -> Provider {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/aspect");
    providers::read(&dir).expect("a provider").remove(0)
}

fn library() -> Webhook {
    Webhook::new(SECRET).expect("a secret")
}

/// The library's verdict: `verified`, or its error.
fn library_says(request: &Request) -> String {
    let named = |(name, value): &HeaderField| (renamed(name.name(), "svix-", "webhook-"), value.clone());
    let headers: HeaderMap = request.headers.iter().map(named).collect();
    library().verify(&request.body, &headers).map_or_else(|error| error.to_string(), |()| "verified".to_owned())
}

fn renamed(name: &HeaderName, from: &str, to: &str) -> HeaderName {
    name.as_str().replace(from, to).parse().expect("a header name")
}

/// hookdev's verdict: `verified`, or the rejection code.
fn hookdev_says(provider: &Provider, request: &Request, received: i64) -> &'static str {
    match provider.verify(&secrets(provider, &[SECRET]), request, None, at(received)) {
        Verdict::Rejected(rejection) => rejection.reason.code(),
        verdict => verdict.name(),
    }
}

/// The `webhook-` headers that the library would send.
fn signed_by_the_library(id: &str, time: i64, body: &str) -> Request {
    let signature = library().sign(id, time, body.as_bytes()).expect("a signature");
    let fields = [("webhook-id", id), ("webhook-timestamp", &time.to_string()), ("webhook-signature", &signature)];
    carrying(fields.map(|(name, text)| field(name, text)), body.to_owned())
}

fn signed_by_hookdev(id: &str, time: i64, body: &str) -> Request {
    let provider = unbranded();
    let time = Timestamp::from_unix_seconds(time);
    let mut request = carrying([], body.to_owned());
    assert!(
        provider.schemes[0].sign_request(&secrets(&provider, &[SECRET])[0], &mut request, id, time),
        "a secret signs"
    );
    request
}

/// Bodies that are text, as the library requires: empty, arbitrary, emoji, and JSON whose spelling matters.
fn body() -> impl Strategy<Value = String> {
    let spellings = [
        "",
        "{}",
        "\u{1f980}\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
        r#"{"a": 1.0, "b":1e2 ,"c":"\u00e9","d":123456789012345678901234567890}"#,
        "\u{feff}{}",
        "a\0b\r\n",
    ];
    prop_oneof![prop::sample::select(spellings.to_vec()).prop_map(str::to_owned), "\\PC*", any::<String>()]
}

proptest! {
    #[test]
    fn the_library_verifies_what_hookdev_signs(id in "[!-~]{1,40}", body in body(), age in -290_i64..290) {
        prop_assert_eq!(library_says(&signed_by_hookdev(&id, now() - age, &body)), "verified");
    }

    #[test]
    fn hookdev_verifies_what_the_library_signs(id in "[!-~]{1,40}", body in body(), age in -300_i64..=300) {
        let now = now();
        let request = signed_by_the_library(&id, now - age, &body);
        prop_assert_eq!(hookdev_says(&unbranded(), &request, now), "verified");
        // Aspect's headers have Svix's names; the unbranded ones count if Svix's are missing.
        prop_assert_eq!(hookdev_says(&aspect(), &request, now), "verified");
        let branded = request.headers.iter().map(|(name, value)| (renamed(name.name(), "webhook-", "svix-"), value.clone()));
        prop_assert_eq!(hookdev_says(&aspect(), &carrying(branded, request.body.clone()), now), "verified");
    }

    #[test]
    fn both_sign_alike_at_any_time(id in "[!-~]{1,40}", body in body(), time in any::<i64>()) {
        // hookdev counts in milliseconds.
        let time = time / 1000;
        prop_assert_eq!(signed_by_hookdev(&id, time, &body), signed_by_the_library(&id, time, &body));
    }

    #[test]
    fn the_library_verifies_whatever_hookdev_does(signatures in prop::collection::vec(entry(), 1..5), header in 0_usize..3) {
        let now = now();
        let mut request = signed_by_the_library("msg_1", now, "{}");
        let genuine = request.headers.text("webhook-signature").expect("a signature").into_owned();
        let value = signatures.concat().replace("GENUINE", &genuine);
        let names = ["webhook-signature", "webhook-id", "webhook-timestamp"];
        let value = match header {
            0 => value,
            1 => value.replace(&genuine, "msg_1"),
            _ => value.replace(&genuine, &now.to_string()),
        };
        let (name, value) = field(names[header], &value);
        request.headers.set(&name, value);
        if hookdev_says(&unbranded(), &request, now) == "verified" {
            prop_assert_eq!(library_says(&request), "verified");
        }
    }
}

/// Parts of header values, of which `GENUINE` is the right one.
fn entry() -> impl Strategy<Value = &'static str> {
    let pieces = [
        "GENUINE", "GENUINE", " GENUINE", "GENUINE ", "v1,", "v1", "v2,", ",", " ", "\t", "=", "0", "+", "AAAA",
        "\u{a0}",
    ];
    prop::sample::select(pieces.to_vec())
}

#[test]
fn the_library_verifies_every_event_of_aspect() {
    let provider = aspect();
    let secret: SigningSecret = secrets(&provider, &[SECRET]).remove(0);
    for event in &provider.events {
        let time = Timestamp::from_unix_seconds(now());
        let moment = SendContext { now: time, id: None, entropy: [1; 32] };
        let draft = provider.draft(event, BodySource::Fixture(None, &[]), &moment).expect("a draft");
        let attempt = AttemptParams {
            encoding: &provider.delivery.encodings[0],
            target: "/aspect",
            now: time,
            secret: Some(&secret),
            sent_along: &[],
            own_headers: &Headers::new(),
        };
        assert_eq!(library_says(&provider.request(&draft, &attempt)), "verified", "{}", event.full_name);
    }
}

#[test]
fn both_reject_the_same_requests_for_the_same_reasons() {
    let now = now();
    let request = || signed_by_the_library("msg_1", now, "{}");
    let without = |name: &str| {
        let mut request = request();
        request.headers.remove(name);
        request
    };
    let with = |name: &str, text: &str| {
        let mut request = request();
        let (name, value) = field(name, text);
        request.headers.set(&name, value);
        request
    };
    let signature = request().headers.text("webhook-signature").expect("a signature").into_owned();
    let other_body = Request { body: "[]".into(), ..request() };
    let cases = BTreeMap::from([
        ("untouched", (request(), "verified", "verified")),
        ("another body", (other_body, "signature invalid", "no-matching-signature")),
        ("another id", (with("webhook-id", "msg_2"), "signature invalid", "no-matching-signature")),
        // Far enough from the limit for the time between two readings of the clock.
        (
            "stale",
            (signed_by_the_library("msg_1", now - 400, "{}"), "signature timestamp too old", "timestamp-too-old"),
        ),
        (
            "from the future",
            (signed_by_hookdev("msg_1", now + 400, "{}"), "signature timestamp too far in future", "timestamp-too-new"),
        ),
        ("no id", (without("webhook-id"), "missing header id", "missing-header")),
        ("no timestamp", (without("webhook-timestamp"), "missing header timestamp", "missing-header")),
        ("no signature", (without("webhook-signature"), "missing header signature", "missing-header")),
        ("a word as the time", (with("webhook-timestamp", "now"), "failed to parse timestamp", "malformed-header")),
        (
            "a fraction",
            (with("webhook-timestamp", &format!("{now}.0")), "failed to parse timestamp", "malformed-header"),
        ),
        (
            "another version",
            (with("webhook-signature", &signature.replace("v1,", "v2,")), "signature invalid", "unsupported-version"),
        ),
        (
            "no version",
            (with("webhook-signature", &signature.replace("v1,", "")), "signature invalid", "malformed-header"),
        ),
        (
            "unpadded",
            (with("webhook-signature", signature.trim_end_matches('=')), "signature invalid", "malformed-header"),
        ),
        (
            "a tab after it",
            (with("webhook-signature", &format!("{signature}\tx")), "signature invalid", "malformed-header"),
        ),
    ]);
    for (what, (request, library, hookdev)) in cases {
        assert_eq!((&*library_says(&request), hookdev_says(&unbranded(), &request, now)), (library, hookdev), "{what}");
    }
}
