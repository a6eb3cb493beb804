//! Verification: published requests verify, and variations of them do not.

#[path = "../acme/mod.rs"]
mod acme;
#[path = "../vectors/mod.rs"]
mod vectors;

mod changed_bytes;
mod encodings;
mod headers;
mod more;
mod other_bodies;
mod published;
mod times;
mod two_schemes;

use hookdev::webhook::{
    payload::Payload,
    place::Lookup,
    provider::{Provider, event::EventName},
    request::Request,
    signature::{
        Claim, Freshness, Reason, Receipt, Rejection, SigningInput, SigningSecret, Unmatched, Verdict, Verified,
    },
    time::{Skew, Timestamp, Tolerance},
};

use acme::{at, carrying, field, fields, post, secrets, signing};

/// The scheme of Svix and of Standard Webhooks.
const SVIX: &str = r#"
[[scheme]]
name = "svix"
algorithm = "hmac-sha256"
content = "{id}.{timestamp}.{body}"
signature = { header = ["svix-signature", "webhook-signature"], value = "v1,{base64}", separator = " " }
id = { header = ["svix-id", "webhook-id"] }
timestamp = { header = ["svix-timestamp", "webhook-timestamp"], tolerance = "5m" }
"#;

const TOKEN: &str = r#"
[[scheme]]
name = "token"
algorithm = "token"
content = "{body}"
signature = { header = "x-token", value = "{token}" }
"#;

const BASE64_SECRET: &str = "encoding = 'base64'\nprefix = 'whsec_'\ndevelopment = 'whsec_AAAA'";
const TEXT_SECRET: &str = "development = 'key'";

fn svix() -> Provider {
    signing(BASE64_SECRET, SVIX)
}

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const SENT: i64 = 1_614_265_330;
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
/// 32 bytes that are not the MAC, from the tests of the `standardwebhooks` crate.
const WRONG: &str = "v1,tFtCZ5RDCPxzWQRWXWPgrCgE2frDBe9gjpbWQxnVfsQ=";
const BODY: &str = r#"{"test": 2432232314}"#;

/// The published request `svix-js`, with one of its headers replaced if given.
fn published(replaced: Option<(&str, &str)>) -> Request {
    let headers = [("svix-id", ID), ("svix-timestamp", "1614265330"), ("svix-signature", SIGNATURE)];
    let text = |name: &str, own| replaced.filter(|(other, _)| *other == name).map_or(own, |(_, text)| text);
    post(&headers.map(|(name, own)| (name, text(name, own))), BODY)
}

fn verified(scheme: &str, secret: usize, freshness: Freshness) -> Verdict {
    Verdict::Verified(Verified { scheme: scheme.into(), secret, freshness, before_compression: false })
}

fn rejected(scheme: &str, reason: Reason) -> Verdict {
    Verdict::Rejected(Rejection { scheme: scheme.into(), reason })
}

fn no_match(signatures: usize, secrets: usize) -> Reason {
    Reason::NoMatchingSignature { signatures, secrets, what: Unmatched::Signature }
}

fn malformed(header: &str, problem: &'static str) -> Reason {
    Reason::MalformedHeader { header: header.to_owned(), problem: problem.into() }
}

fn missing(names: &[&str]) -> Reason {
    Reason::MissingHeader { names: names.iter().map(|&name| name.to_owned()).collect() }
}

fn unsupported(header: &str, versions: &[&str]) -> Reason {
    Reason::UnsupportedVersion {
        header: header.to_owned(),
        versions: versions.iter().map(|&version| version.to_owned()).collect(),
    }
}

fn ambiguous(header: &str, times: usize) -> Reason {
    Reason::AmbiguousHeader { header: header.to_owned(), times }
}

/// This many milliseconds before the time of receipt, or after it if negative.
fn age(millis: i64) -> Skew {
    Timestamp::from_unix_millis(0).skew_from(Timestamp::from_unix_millis(millis))
}

/// An unknown time of receipt.
const UNKNOWN: Receipt<'static> = Receipt { at: None, tolerance: None, url: None };

/// The verdict, with the event that the body names.
fn judge(provider: &Provider, secrets: &[SigningSecret], request: &Request, receipt: Receipt<'_>) -> Verdict {
    let payload = Payload::parse(request, &request.body);
    let event = provider.event_of(&Lookup::of(request, &payload));
    provider.verify(secrets, request, event.as_ref().and_then(EventName::listed), receipt)
}
