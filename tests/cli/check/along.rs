//! Providers whose schemes have secrets of their own: what `check` and `send --tamper` send is judged by the scheme
//! that signs, and every signature that is sent along is forged too.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Handler, Reply, Report, check};
use crate::harness::{Dir, Message, TestCommand, hex, text};

/// The first signature covers a timestamp, the second one doesn't.
const TWO: &str = r#"
name = "two"
title = "Two"
about = "Two signatures"
[secret]
env = "TWO_KEY"
development = "hookdev-development-secret-two"
[[scheme]]
name = "v1"
algorithm = "hmac-sha256"
content = "{timestamp}.{body}"
signature = { header = "x-sig", value = "{hex}" }
timestamp = { header = "x-time", tolerance = "5m" }
[[scheme]]
name = "v2"
algorithm = "hmac-sha256"
content = "{body}"
signature = { header = "x-sig2", value = "{hex}" }
sent_along = true
secret = { env = "TWO_TWO", development = "hookdev-development-secret-two-two" }
[delivery]
success = ["2xx"]
[[event]]
name = "a"
about = "An event"
present = ["token"]
"#;

const MINI: &str = r#"
name = "mini"
title = "Mini"
about = "A JWT alone"
[secret]
env = "MINI_KEY"
development = "k:hookdev-development-secret-mini"
[[scheme]]
name = "hs"
algorithm = "jwt-hs256"
signature = { header = "authorization", value = "Bearer {jwt}" }
claims = { body_sha = "{sha256-base64:body}", iss = "{key}" }
timestamp = { tolerance = "5m" }
[delivery]
success = ["2xx"]
[[event]]
name = "a"
about = "An event"
present = ["token"]
"#;

const FIXTURE: &str = r#"{"token":"t","mac":"x"}"#;

/// What only its own variable sets.
const OWN: (&str, &str) = ("TWO_TWO", "a secret of this test");

fn dir(name: &str, manifest: &str) -> Dir {
    let dir = Dir::new();
    dir.write(&format!("{name}/provider.toml"), manifest);
    dir.write(&format!("{name}/events/a.json"), FIXTURE);
    dir
}

fn mac(secret: &str, parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap()
}

fn reply(is_genuine: bool) -> Reply {
    Reply::Status(if is_genuine { 200 } else { 401 })
}

/// Whether the second signature is right, without hookdev's code.
fn second(message: &Message, secret: &str) -> bool {
    message.header("x-sig2") == Some(hex(mac(secret, &[&message.body])).as_str())
}

fn first(message: &Message) -> bool {
    let (Some(time), Some(given)) = (message.header("x-time"), message.header("x-sig")) else { return false };
    let expected = hex(mac("hookdev-development-secret-two", &[time.as_bytes(), b".", &message.body]));
    given == expected && time.parse::<i64>().is_ok_and(|time| (now() - time).abs() <= 300)
}

/// Whether a token is right, without hookdev's code.
fn token(message: &Message) -> bool {
    let claims = || -> Option<Value> {
        let (signed, given) = message.header("authorization")?.strip_prefix("Bearer ")?.rsplit_once('.')?;
        let right = mac("hookdev-development-secret-mini", &[signed.as_bytes()]);
        (URL_SAFE_NO_PAD.decode(given).ok()? == right).then_some(())?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(signed.split_once('.')?.1).ok()?).ok()
    };
    claims().is_some_and(|claims| {
        claims["body_sha"] == STANDARD.encode(Sha256::digest(&message.body))
            && claims["iss"] == "k"
            && claims["nbf"].as_i64().is_some_and(|start| start <= now() + 10)
            && claims["exp"].as_i64().is_some_and(|end| now() < end + 10)
    })
}

#[test]
fn a_handler_may_verify_any_of_the_signatures_that_are_sent() {
    let dir = dir("two", TWO);
    for handler in [
        Handler::new(|message| reply(first(message))),
        Handler::new(|message| reply(second(message, "hookdev-development-secret-two-two"))),
    ] {
        let finished = check(&dir, &handler.url("/two")).args(["--providers", "two"]).exits(0);
        let report = Report::of(&finished);
        assert_eq!(report.skipped(), ["signature-rotated", "version-unknown"], "{finished}");
    }
}

#[test]
fn a_signature_that_is_sent_along_is_forged_too() {
    let dir = dir("two", TWO);
    let handler = Handler::new(|message| {
        let expected = hex(mac("hookdev-development-secret-two-two", &[&message.body]));
        let given = message.header("x-sig2").unwrap_or_default();
        reply(given.len() >= 32 && expected.starts_with(given))
    });
    let finished = check(&dir, &handler.url("/two")).args(["--providers", "two"]).exits(1);
    assert_eq!(Report::of(&finished).failed(), ["signature-truncated"], "{finished}");
    let handler = Handler::new(|message| reply(message.header("x-sig2").is_some_and(|given| given.len() == 64)));
    let finished = check(&dir, &handler.url("/two")).args(["--providers", "two"]).exits(1);
    assert_eq!(Report::of(&finished).failed(), ["body-tampered", "secret-wrong", "signature-garbage"], "{finished}");
}

#[test]
fn a_secret_of_a_later_scheme_decides_which_cases_there_are() {
    let dir = dir("two", TWO);
    let handler = Handler::new(|message| reply(second(message, OWN.1) && message.header("x-sig").is_none()));
    let finished = check(&dir, &handler.url("/two")).args(["--providers", "two"]).env(OWN.0, OWN.1).exits(0);
    let report = Report::of(&finished);
    let skipped = [
        "header-missing",
        "timestamp-garbage",
        "timestamp-stale",
        "timestamp-future",
        "signature-rotated",
        "version-unknown",
    ];
    assert_eq!(report.skipped(), skipped, "{finished}");
    let refusing = Handler::new(|_| Reply::Status(401));
    let finished = check(&dir, &refusing.url("/two")).args(["--providers", "two"]).env(OWN.0, OWN.1).exits(1);
    let hint = text(Report::of(&finished).event("two.a"), "/hint").to_owned();
    assert!(hint.contains("`x-sig2`") && !hint.contains("`x-sig`"), "{hint}");
}

#[test]
fn a_timestamp_that_is_a_claim_of_a_token_is_not_replaced_with_garbage() {
    let dir = dir("mini", MINI);
    let handler = Handler::new(|message| reply(token(message)));
    let finished = check(&dir, &handler.url("/mini")).args(["--providers", "mini"]).exits(0);
    let report = Report::of(&finished);
    let skipped = ["header-missing", "timestamp-garbage", "signature-rotated", "version-unknown"];
    assert_eq!(report.skipped(), skipped, "{finished}");
    let why = "Mini sends its timestamp in the claims of a JWT, which can only hold a time";
    assert_eq!(text(report.case("timestamp-garbage"), "/message"), why);
}

/// The headers of a forgery whose names start with `x-`.
fn forged(command: TestCommand, tamper: &str) -> Value {
    let args = ["--providers", "two", "send", "two.a", "--now", "1735732800", "--print", "json", "--tamper", tamper];
    let line = command.args(args).exits(0).line();
    let headers = line["headers"].as_array().unwrap().iter();
    headers.filter(|header| text(header, "/0").starts_with("x-")).cloned().collect()
}

#[test]
fn tampering_changes_every_signature_and_leaves_out_those_that_would_be_right() {
    let dir = dir("two", TWO);
    let flipped = |mut mac: Vec<u8>| {
        mac[0] ^= 1;
        hex(mac)
    };
    let signed = |time: &str| mac("hookdev-development-secret-two", &[time.as_bytes(), b".", FIXTURE.as_bytes()]);
    let both = json!([
        ["x-time", "1735732800"],
        ["x-sig", flipped(signed("1735732800"))],
        ["x-sig2", flipped(mac("hookdev-development-secret-two-two", &[FIXTURE.as_bytes()]))],
    ]);
    assert_eq!(forged(dir.hookdev(), "signature"), both);
    // Twice the tolerance ago. The second signature covers no time.
    let stale = json!([["x-time", "1735732200"], ["x-sig", hex(signed("1735732200"))]]);
    assert_eq!(forged(dir.hookdev(), "stale"), stale);
    let own = json!([["x-sig2", flipped(mac(OWN.1, &[FIXTURE.as_bytes()]))]]);
    assert_eq!(forged(dir.hookdev().env(OWN.0, OWN.1), "signature"), own);
    let stale = ["--providers", "two", "send", "two.a", "--tamper", "stale"];
    dir.hookdev().args(stale).env(OWN.0, OWN.1).exits(2).says("Two does not sign a timestamp");
}

#[test]
fn the_warning_names_the_variable_of_the_public_secret() {
    let dir = dir("two", TWO);
    let send = |name: &str, secret: &str| {
        dir.hookdev().args(["--providers", "two", "send", "two.a", "--print", "http"]).env(name, secret).exits(0)
    };
    send("TWO_TWO", "hookdev-development-secret-two-two").says("for two; set TWO_TWO to use yours");
    send("TWO_KEY", "hookdev-development-secret-two").says("for two; set TWO_KEY to use yours");
}
