//! JWTs, and the keys and certificates that verify them, against tokens of Python's cryptography:
//! `tests/vectors/tokens.json`.

use serde_json::{Value, json};

use crate::harness::{Dir, text};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../vectors/tokens.json")).unwrap()
}

const PLAID: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/documented/plaid");

/// Writes the capture of a delivery with this token, which was received a second after the vectors' time.
fn capture(dir: &Dir, token: &str) {
    let vectors = vectors();
    let request = json!({
        "method": "POST", "target": "/plaid", "headers": [["plaid-verification", token]], "body": vectors["body"],
    });
    dir.write("capture.json", json!({"received_at": "2026-07-01T10:00:01Z", "request": request}).to_string());
}

/// The verdict on a token, or else the message of the rejection.
fn verdict(dir: &Dir, token: &str, secret: &str) -> String {
    capture(dir, token);
    let verify = ["--providers", PLAID, "verify", "capture.json", "--json", "--secret", secret];
    let line = dir.hookdev().args(verify).ends().1.line();
    match &line["rejection"] {
        Value::Null => text(&line, "/verdict").to_owned(),
        rejection => text(rejection, "/message").to_owned(),
    }
}

#[test]
fn a_token_is_verified_with_the_key_that_it_names() {
    let (dir, vectors) = (Dir::new(), vectors());
    dir.write("jwks.json", vectors["jwks"].to_string());
    dir.write("a.json", json!({"keys": [vectors["jwks"]["keys"][0]]}).to_string());
    let mut without_id = vectors["jwks"]["keys"][0].clone();
    without_id.as_object_mut().unwrap().remove("kid");
    dir.write("without-id.json", without_id.to_string());
    let other = "the token isn't signed with the configured secret";
    for (token, secret, expected) in [
        ("a", "jwks.json", "verified"),
        ("without-kid", "jwks.json", "verified"),
        ("a", "without-id.json", "verified"),
        ("b-by-a", "without-id.json", "verified"),
        ("b-by-a", "jwks.json", other),
        ("b-by-a", "a.json", other),
    ] {
        let found = verdict(&dir, text(&vectors["tokens"], &format!("/{token}")), &format!("plaid=file:{secret}"));
        assert_eq!(found, expected, "{token} with {secret}");
    }
}

#[test]
fn the_key_that_signed_a_token_in_place_of_the_named_one_is_found() {
    let (dir, vectors) = (Dir::new(), vectors());
    dir.write("jwks.json", vectors["jwks"].to_string());
    dir.write("a.json", json!({"keys": [vectors["jwks"]["keys"][0]]}).to_string());
    capture(&dir, text(&vectors, "/tokens/b-by-a"));
    for secret in ["file:jwks.json", "file:a.json"] {
        let verify = ["--providers", PLAID, "verify", "capture.json", "--json", "--secret", secret];
        let line = dir.hookdev().args(verify).exits(1).line();
        assert_eq!(line["findings"][0]["code"], "wrong-key-id", "{line}");
        assert_eq!(line["findings"][0]["message"], "the token names the key `b`, but is signed with the key `a`");
    }
}

#[test]
fn a_key_is_read_from_the_response_of_an_api() {
    let (dir, vectors) = (Dir::new(), vectors());
    // The form of Plaid's /webhook_verification_key/get.
    dir.write("key.json", json!({"key": vectors["jwks"]["keys"][0], "request_id": "RZ6Omi1bzzwDaLo"}).to_string());
    assert_eq!(verdict(&dir, text(&vectors, "/tokens/a"), "plaid=file:key.json"), "verified");
    let line = |token: &str| {
        capture(&dir, text(&vectors["tokens"], &format!("/{token}")));
        let verify = ["--providers", PLAID, "verify", "capture.json", "--json", "--secret", "file:key.json"];
        dir.hookdev().args(verify).exits(1).line()
    };
    assert_eq!(line("b-by-a")["findings"][0]["code"], "wrong-key-id");
}

#[test]
fn a_token_of_another_algorithm_is_named() {
    let (dir, vectors) = (Dir::new(), vectors());
    dir.write("jwks.json", vectors["jwks"].to_string());
    for (token, name) in [("none", "none"), ("hs256", "HS256"), ("rs256", "RS256")] {
        let expected = format!("the token's header names the algorithm `{name}`; only ES256 is accepted");
        assert_eq!(verdict(&dir, text(&vectors["tokens"], &format!("/{token}")), "plaid=file:jwks.json"), expected);
    }
    let whole = text(&vectors, "/tokens/a");
    let message =
        "invalid `plaid-verification` header: it is not a complete JWT, which has three parts separated by dots";
    assert_eq!(verdict(&dir, &whole[..120], "plaid=file:jwks.json"), message);
}

#[test]
fn the_tolerance_of_a_manifest_limits_the_age_of_a_token() {
    let (dir, vectors) = (Dir::new(), vectors());
    dir.write("jwks.json", vectors["jwks"].to_string());
    for (token, expected) in [
        ("299 s old", "verified"),
        ("301 s old", "the signature matches, but is 5 min 2 s old; the tolerance is 5 min"),
    ] {
        assert_eq!(verdict(&dir, text(&vectors["tokens"], &format!("/{token}")), "plaid=file:jwks.json"), expected);
    }
}

#[test]
fn an_expired_token_is_called_expired() {
    // Valid from 1000 to 1100, by Python's hmac with the key `sec`.
    let token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiAia2V5IiwgImV4cCI6IDExMDAsICJuYmYiOiAxMDAwLCAic2hhMjU2IjogInc5TlYwdUxIalNPTjhQN2Vvbm5rS1hESFk0SUNPUmVmYkhEQ3ZpS0lnWDg9In0.RGkaH1wuQEq2s65z1gUGxwcAnxGh3-IzsvNp1xsqJek";
    let dir = Dir::new();
    let body = r#"{"event":"room_started"}"#;
    let request = json!({"method": "POST", "target": "/livekit", "headers": [["authorization", token]], "body": body});
    dir.write("capture.json", json!({"request": request}).to_string());
    let secret = ["--secret", "livekit=key:sec"];
    let verify = |at| dir.hookdev().args(["verify", "capture.json", "--json", "--at", at]).args(secret);
    // The payload is only a part of one.
    assert_eq!(text(&verify("1109").exits(1).line(), "/verdict"), "verified");
    let rejection = &verify("1110").exits(1).line()["rejection"];
    let message = "the token's signature matches, but the token expired 10 s ago";
    assert_eq!(*rejection, json!({"code": "timestamp-too-old", "message": message}));
    let limited = verify("1110").args(["--tolerance", "1m"]).exits(1).line();
    let message = "the signature matches, but is 1 min 50 s old; the tolerance is 1 min";
    assert_eq!(text(&limited, "/rejection/message"), message);
}

#[test]
fn a_token_whose_times_are_out_of_bounds_is_not_valid_for_ever() {
    // HMAC-SHA256 with the key `secret`, by Python's hmac.
    for token in [
        // nbf -9223372036854775808, exp 0
        "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJtaW5lIiwic2hhMjU2IjoiUkJOdm8xV3paNG9SUnEwVzkraGtucFQ3VDhJZjUzNkRFTUJnOWh5cS80bz0iLCJuYmYiOi05MjIzMzcyMDM2ODU0Nzc1ODA4LCJleHAiOjB9.bVsjLIX_59wjl8VLMUNGRx9AqlZkJvJKOp23KAiXlKo",
        // nbf -1e300, exp 0
        "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJtaW5lIiwic2hhMjU2IjoiUkJOdm8xV3paNG9SUnEwVzkraGtucFQ3VDhJZjUzNkRFTUJnOWh5cS80bz0iLCJuYmYiOi0xZTMwMCwiZXhwIjowfQ.zYUeaYvvU7Mu7cCy07D2jmKlrqin0r8FohF4DUIIY1k",
        // nbf 1782900000, exp -1e300
        "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJtaW5lIiwic2hhMjU2IjoiUkJOdm8xV3paNG9SUnEwVzkraGtucFQ3VDhJZjUzNkRFTUJnOWh5cS80bz0iLCJuYmYiOjE3ODI5MDAwMDAsImV4cCI6LTFlMzAwfQ.oxFxVBDyJz1LHF0kabFgoeFWLTgdmL2RON0uC1aKQk8",
    ] {
        let dir = Dir::new();
        let request =
            json!({"method": "POST", "target": "/livekit", "headers": [["authorization", token]], "body": "{}"});
        dir.write("capture.json", json!({"request": request}).to_string());
        let verify =
            dir.hookdev().args(["verify", "capture.json", "--at", "now", "--json", "--secret", "livekit=mine:secret"]);
        assert_eq!(text(&verify.exits(1).line(), "/rejection/code"), "timestamp-too-old", "{token}");
    }
}

#[test]
fn verify_and_listen_warn_about_a_private_key() {
    let (dir, vectors) = (Dir::new(), vectors());
    let warning = "warning: the key from file:private.pem is private: anyone who can read it can sign deliveries; to verify, \
        use the public key\n";
    dir.write("private.pem", text(&vectors, "/private"));
    dir.write("jwks.json", vectors["jwks"].to_string());
    capture(&dir, text(&vectors, "/tokens/a"));
    let verify = || dir.hookdev().args(["--providers", PLAID, "verify", "capture.json"]);
    verify().args(["--secret", "plaid=file:private.pem"]).exits(0).says(warning);
    let quiet = verify().args(["--secret", "plaid=file:jwks.json"]).exits(0);
    assert!(!quiet.stderr.contains("warning"), "{}", quiet.stderr);
    dir.hookdev()
        .args(["--providers", PLAID, "listen", "--addr", "127.0.0.1:0", "--secret", "plaid=file:private.pem"])
        .args(["--", "true"])
        .exits(0)
        .says(warning);
}

#[test]
fn an_expired_certificate_is_noted() {
    let (dir, vectors) = (Dir::new(), vectors());
    dir.write(
        "acme/provider.toml",
        "name = 'acme'\ntitle = 'Acme'\nabout = 'A test'\n[secret]\nenv = 'ACME_KEY'\n\
         development = { public = '''PUBLIC''', private = '''PRIVATE''' }\n\
         [[scheme]]\nname = 'v1'\nalgorithm = 'rsa-sha256'\ncontent = '{body}'\n\
         signature = { header = 'x-signature', value = '{base64}' }\n\
         [delivery]\nsuccess = ['2xx']\n[recognise]\nevent = 'type'\n[[event]]\nname = 'ping'\nabout = 'A test'\n"
            .replace("PUBLIC", text(&rsa(), "/keys/rsa/public"))
            .replace("PRIVATE", text(&rsa(), "/keys/rsa/private")),
    );
    dir.write("acme/events/ping.json", r#"{"type":"ping"}"#);
    dir.write("capture.json", r#"{"request": {"method": "POST", "target": "/acme", "headers": [], "body": "{}"}}"#);
    let verify = |file: &str, certificates: &str| {
        dir.write(file, text(&vectors["certificates"], &format!("/{certificates}")));
        let secret = format!("acme=file:{file}");
        dir.hookdev().args(["--providers", "acme", "verify", "capture.json", "--secret", &secret]).exits(1)
    };
    verify("old.pem", "until 2021")
        .says("note: the certificate from file:old.pem expired at 2021-01-01T00:00:00Z; hookdev still uses its key\n");
    let valid = verify("new.pem", "until 2055");
    assert!(!valid.stderr.contains("certificate"), "{}", valid.stderr);
}

/// Keys that fit together.
fn rsa() -> Value {
    serde_json::from_str(include_str!("../../vectors/keys.json")).unwrap()
}

#[test]
fn a_key_file_for_every_provider_is_used_where_keys_are() {
    let (dir, vectors) = (Dir::new(), vectors());
    dir.write("jwks.json", format!("{:#}\n", vectors["jwks"]));
    capture(&dir, text(&vectors, "/tokens/a"));
    let verify = ["--providers", PLAID, "verify", "capture.json", "--json", "--secret", "file:jwks.json"];
    let run = dir.hookdev().args(verify).exits(0);
    assert_eq!(run.line()["verdict"], "verified");
    let notes = &run.stderr;
    assert_eq!(notes.matches("note: ").count(), 1, "{notes}");
    assert!(notes.contains("so their deliveries will be rejected; use --secret PROVIDER=SOURCE"), "{notes}");
}

#[test]
fn a_wrong_static_token_is_not_explained_by_the_body() {
    let dir = Dir::new();
    let headers = json!([["x-gitlab-token", "another"], ["x-gitlab-event", "Push Hook"]]);
    let request =
        json!({"method": "POST", "target": "/gitlab", "headers": headers, "body": "{\"object_kind\":\"push\"}"});
    dir.write("capture.json", json!({ "request": request }).to_string());
    let verify = |secrets: &[&str]| {
        let line = dir.hookdev().args(["verify", "capture.json", "--json"]).args(secrets).exits(1).line();
        let finding = text(&line, "/findings/0/message").to_owned();
        assert!(finding.ends_with("tried): most likely a different secret"), "{finding}");
        assert_eq!(text(&line, "/findings/0/hint"), "compare the secret with the one in the provider's dashboard");
        text(&line, "/rejection/message").to_owned()
    };
    assert_eq!(verify(&["--secret", "gitlab=one"]), "the token is not the configured secret");
    let two = ["--secret", "gitlab=one", "--secret", "gitlab=two"];
    assert_eq!(verify(&two), "the token matches none of the 2 configured secrets");
}
