//! Explanations of rejected captures: a cause is reported if recomputing the signature proves it, and no
//! output contains the secret or the expected signature.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::{Sha256, Sha512};

use crate::harness::{CYANITE, Dir, Finished, TestCommand, gzip, keys, text};

const SECRET: &str = "topsecret-of-cyanite";
/// After the prefix, `topsecret-of-aspect` in base64.
const ASPECT: &str = "whsec_dG9wc2VjcmV0LW9mLWFzcGVjdA==";

fn sha512(secret: &str, body: &[u8]) -> Vec<u8> {
    Hmac::<Sha512>::new_from_slice(secret.as_bytes()).unwrap().chain_update(body).finalize().into_bytes().to_vec()
}

fn sha256(secret: impl AsRef<[u8]>, content: &[u8]) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(secret.as_ref()).unwrap().chain_update(content).finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// Runs `verify` on a body with these headers and the secrets above.
#[track_caller]
fn verify(provider: &str, headers: &[(&str, &str)], body: &[u8], format: &str, exit: i32) -> Finished {
    let dir = Dir::new();
    let flags = headers.iter().flat_map(|(name, value)| ["--header".to_owned(), format!("{name}: {value}")]);
    let secrets = [format!("cyanite={SECRET}"), format!("aspect={ASPECT}")];
    let secrets = secrets.iter().flat_map(|secret| ["--secret", secret]);
    let command = ["verify", "--body", "-", "--provider", provider, "--at", "1735732800", "--format", format];
    dir.hookdev().args(command).args(flags).args(secrets).stdin(body).exits(exit)
}

/// Asserts that the first finding is this one in every format, and that no output contains the secret or
/// the expected signature.
#[track_caller]
fn found(code: &str, provider: &str, headers: &[(&str, &str)], body: &[u8], expected: &str) {
    let line = verify(provider, headers, body, "json", 1).line();
    assert_eq!(text(&line, "/verdict"), "rejected");
    assert_eq!(line["findings"][0]["code"], code, "{line}");
    let expected_keys: &[&str] =
        if code == "unexplained" { &["code", "detail", "hint", "message"] } else { &["code", "hint", "message"] };
    assert_eq!(keys(&line["findings"][0]), expected_keys);
    for format in ["pretty", "json", "junit", "github", "sarif"] {
        let finished = verify(provider, headers, body, format, 1);
        assert!(finished.text().contains(code), "{format}: {finished}");
        for hidden in [SECRET, &ASPECT["whsec_".len()..], "topsecret-of-aspect", expected] {
            assert!(!finished.text().contains(hidden), "{hidden} leaked:\n{finished}");
            assert!(!finished.stderr.contains(hidden), "{hidden} leaked:\n{finished}");
        }
    }
}

/// Asserts the finding for a body that was changed after signing.
#[track_caller]
fn changed(code: &str, signed: &[u8], received: &[u8], more: &[(&str, &str)]) {
    let signature = hex(&sha512(SECRET, signed));
    let headers: Vec<(&str, &str)> = [("signature", signature.as_str())].iter().chain(more).copied().collect();
    found(code, "cyanite", &headers, received, &hex(&sha512(SECRET, received)));
}

/// Asserts the finding for an unchanged body with this signature.
#[track_caller]
fn signed(code: &str, signature: &str) {
    let body = CYANITE.as_bytes();
    found(code, "cyanite", &[("signature", signature)], body, &hex(&sha512(SECRET, body)));
}

#[test]
fn a_changed_body_is_explained_by_what_changed() {
    let spaced = CYANITE.replace(',', ", ").replace(':', ": ");
    changed("body-reserialised", spaced.as_bytes(), CYANITE.as_bytes(), &[]);
    changed("body-reserialised", CYANITE.as_bytes(), spaced.as_bytes(), &[]);
    changed("body-trailing-newline", CYANITE.as_bytes(), format!("{CYANITE}\n").as_bytes(), &[]);
    changed("body-trailing-newline", format!("{CYANITE}\n").as_bytes(), CYANITE.as_bytes(), &[]);
    changed("body-line-endings", b"{\n\"a\": 1\n}", b"{\r\n\"a\": 1\r\n}", &[]);
    changed("body-bom", CYANITE.as_bytes(), format!("\u{feff}{CYANITE}").as_bytes(), &[]);
    changed("body-reencoded", br#"{"a":"\u00e9"}"#, "{\"a\":\"é\"}".as_bytes(), &[]);
    changed("body-truncated", CYANITE.as_bytes(), &CYANITE.as_bytes()[..CYANITE.len() - 1], &[]);
}

#[test]
fn a_signature_of_the_body_before_compression_verifies_with_a_warning() {
    let signature = hex(&sha512(SECRET, CYANITE.as_bytes()));
    let headers = [("signature", signature.as_str()), ("content-encoding", "gzip")];
    let line = verify("cyanite", &headers, &gzip(CYANITE.as_bytes()), "json", 0).line();
    assert_eq!(text(&line, "/verdict"), "verified");
    let warning = "the signature covers the body before its content-encoding; decompress the body before you verify it";
    assert_eq!(line["warnings"], json!([warning]));
}

#[test]
fn another_secret_is_explained_by_where_it_is_from() {
    let signature = |secret: &str| hex(&sha512(secret, CYANITE.as_bytes()));
    signed("secret-whitespace", &signature(&format!("{SECRET}\n")));
    signed("secret-quoted", &signature(&format!("\"{SECRET}\"")));
    signed("secret-development", &signature("hookdev-development-secret-cyanite"));
    signed("secret-of-other-provider", &signature("topsecret-of-aspect"));
    signed("unexplained", &signature("nobody's"));
}

#[test]
fn a_shadowed_secret_is_named_with_the_one_that_overrides_it() {
    let dir = Dir::new();
    dir.write("hookdev.toml", "env_file = \".env\"\n[provider.cyanite]\nsecret = [\"file:old\", \"file:older\"]\n");
    dir.write("old", "the-old-one");
    dir.write("older", "the-older-one");
    dir.write(".env", "CYANITE_WEBHOOK_SECRET=of-the-env-file\n");
    let flag = ["--secret", "cyanite=of-the-flag"];
    let hidden = ["the-old-one", "the-older-one", "of-the-env-file", "of-the-environment", "of-the-flag"];
    let environment = "env:CYANITE_WEBHOOK_SECRET";
    for (signed_with, origin, above) in [
        ("the-old-one", "file:old", "--secret"),
        ("the-older-one", "file:older", "--secret"),
        ("of-the-environment", environment, "--secret"),
        ("of-the-env-file", "env:CYANITE_WEBHOOK_SECRET from the env file", "--secret"),
        ("the-older-one", "file:older", environment),
        ("of-the-env-file", "env:CYANITE_WEBHOOK_SECRET from the env file", environment),
        ("of-the-env-file", "env:CYANITE_WEBHOOK_SECRET from the env file", "the config"),
    ] {
        let signature = format!("signature: {}", hex(&sha512(signed_with, CYANITE.as_bytes())));
        let set = |command: TestCommand| {
            let command = if above == "--secret" { command.args(flag) } else { command };
            if above == "the config" { command } else { command.env("CYANITE_WEBHOOK_SECRET", "of-the-environment") }
        };
        let verify = ["verify", "--body", "-", "--provider", "cyanite", "--json", "--header", &signature];
        let finished = set(dir.hookdev()).args(verify).stdin(CYANITE).exits(1);
        let line = finished.line();
        assert_eq!((text(&line, "/verdict"), &line["secret"]), ("rejected", &serde_json::Value::Null));
        let message = format!("the signature matches the secret from {origin}, which {above} overrides");
        assert_eq!(text(&line, "/findings/0/message"), message);
        assert_eq!(text(&line, "/findings/0/code"), "secret-superseded");
        assert!(hidden.iter().all(|hidden| !finished.to_string().contains(hidden)), "{finished}");

        let mut listener = set(dir.listen()).starts();
        let (response, delivery, findings) = listener.explains("/cyanite", &[("signature", &signature[11..])], CYANITE);
        assert_eq!((response.status(), response.text()), (401, "rejected\n"));
        assert_eq!(text(&findings, "/0/message"), message);
        let printed = format!("{delivery}{findings}");
        assert!(hidden.iter().all(|hidden| !printed.contains(hidden)), "{printed}");
    }
}

#[test]
fn a_signature_in_another_encoding_is_explained() {
    let right = sha512(SECRET, CYANITE.as_bytes());
    signed("signature-case", &hex(&right).to_uppercase());
    signed("signature-truncated", &hex(&right)[..64]);
    signed("wrong-encoding", &BASE64_STANDARD.encode(&right));
    signed("wrong-algorithm", &hex(&sha256(SECRET, CYANITE.as_bytes())));
}

#[test]
fn mistakes_in_a_delivery_from_aspect_are_explained() {
    let body = br#"{"event_type":"task.failed"}"#;
    let headers = |time: &'static str, signature: Vec<u8>| {
        let signature = format!("v1,{}", BASE64_STANDARD.encode(signature));
        [
            ("svix-id".to_owned(), "msg_1".to_owned()),
            ("svix-timestamp".into(), time.into()),
            ("svix-signature".into(), signature),
        ]
    };
    let content = |time: &str| [format!("msg_1.{time}.").as_bytes(), body].concat();
    let key = "topsecret-of-aspect";
    let right = BASE64_STANDARD.encode(sha256(key, &content("1735732800")));
    let behind_prefix = &ASPECT["whsec_".len()..];
    // As Node's `Buffer.from(secret, 'base64')` reads the whole text, where `_` is `/`.
    let with_prefix = BASE64_STANDARD.decode(ASPECT.trim_end_matches('=').replace('_', "/")).unwrap();
    for (code, time, signature) in [
        ("wrong-signed-content", "1735732800", sha256(key, body)),
        ("secret-not-decoded", "1735732800", sha256(behind_prefix, &content("1735732800"))),
        ("secret-not-decoded", "1735732800", sha256(ASPECT, &content("1735732800"))),
        ("secret-prefix", "1735732800", sha256(with_prefix, &content("1735732800"))),
        ("timestamp-unit", "1735732800000", sha256(key, &content("1735732800000"))),
    ] {
        let headers = headers(time, signature);
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        found(code, "aspect", &headers, body, &right);
    }
}

#[test]
fn a_proven_cause_replaces_the_guess_at_another_provider() {
    let body = br#"{"event_type":"task.failed"}"#;
    let content = [b"msg_1.1735732800.".as_slice(), body].concat();
    for (key, guesses) in [("topsecret-of-aspect", 0), ("another", 1)] {
        let signature = format!("v1,{}", BASE64_STANDARD.encode(sha256(key, &content)));
        // Kie.ai signs in this header.
        let signature = ("x-webhook-signature", signature.as_str());
        let headers = [("x-webhook-id", "msg_1"), ("x-webhook-timestamp", "1735732800"), signature];
        let line = verify("aspect", &headers, body, "json", 1).line();
        assert_eq!(line["findings"][0]["code"] == "header-renamed", guesses == 0, "{line}");
        let warnings = line["warnings"].to_string();
        assert_eq!(warnings.matches("it looks like Kie.ai; was it sent to the right URL?").count(), guesses, "{line}");
    }
}

#[test]
fn a_delivery_to_the_wrong_provider_is_explained() {
    let body = r#"{"id":"evt_1","type":"release.created","created":1,"data":{}}"#;
    let signature = format!("sha256={}", hex(&sha256("hookdev-development-secret-jewelmusic", body.as_bytes())));
    let expected = hex(&sha512(SECRET, body.as_bytes()));
    let headers = [("x-jewelmusic-signature", signature.as_str()), ("x-jewelmusic-event", "release.created")];
    found("scheme-of-other-provider", "cyanite", &headers, body.as_bytes(), &expected);
}

#[test]
fn a_verified_capture_has_no_findings() {
    let signature = hex(&sha512(SECRET, CYANITE.as_bytes()));
    let line = verify("cyanite", &[("signature", &signature)], CYANITE.as_bytes(), "json", 0).line();
    assert_eq!(line["findings"], serde_json::json!([]));
}

#[test]
fn listen_reports_the_cause_to_the_developer_but_not_to_the_sender() {
    let dir = Dir::new();
    let mut listener = dir.listen().args(["--secret", &format!("cyanite={SECRET}")]).starts();
    let signature = hex(&sha512(SECRET, format!("{CYANITE}\n").as_bytes()));
    let (response, _, findings) = listener.explains("/cyanite", &[("signature", &signature)], CYANITE);
    assert_eq!((response.status(), response.text()), (401, "rejected\n"));
    assert_eq!(text(&findings, "/0/code"), "body-trailing-newline");
    assert_eq!(keys(&findings[0]), ["code", "hint", "message"]);
}

#[test]
fn each_file_is_a_bare_body_with_the_given_headers() {
    let dir = Dir::new();
    let form = "a=1&b=x%20y";
    dir.write("body.json", CYANITE);
    dir.write("form.txt", form);
    std::fs::create_dir_all(dir.join("bodies/deeper")).unwrap();
    dir.write("bodies/one.json", CYANITE);
    dir.write("bodies/deeper/two.bin", format!("{CYANITE}\n"));
    dir.write("bodies/.hidden", "x");
    let verify = |paths: &[&str], signed: &str, exit| {
        let header = format!("Signature: {}", hex(&sha512(SECRET, signed.as_bytes())));
        let secret = format!("cyanite={SECRET}");
        let options = ["--provider", "cyanite", "--header", &header, "--header", "X-More: 1", "--secret", &secret];
        dir.hookdev().arg("verify").args(paths).args(options).exits(exit)
    };
    verify(&["body.json"], CYANITE, 0).prints("verified").stderr("1 request: 1 verified\n");
    verify(&["form.txt"], form, 0).prints("verified");
    verify(&["body.json", "form.txt"], CYANITE, 1).stderr("2 requests: 1 verified, 1 rejected\n");
    verify(&["bodies"], CYANITE, 1)
        .prints("bodies/deeper/two.bin\n")
        .prints("body-trailing-newline: ")
        .prints("bodies/one.json  (secret: flag)\n")
        .stderr("2 requests: 1 verified, 1 rejected; 1 file skipped\n");
    verify(&["form.txt"], "a=1&b=x+y", 1).prints("body-reencoded: ");
}

#[test]
fn what_was_tried_is_listed_with_verbose_and_in_json() {
    let headers = ["--header".to_owned(), format!("Signature: {}", hex(&sha512("another", CYANITE.as_bytes())))];
    let secret = format!("cyanite={SECRET}");
    let run = |flag: &[&str]| {
        let dir = Dir::new();
        let command = ["verify", "-", "--provider", "cyanite", "--secret", &secret];
        dir.hookdev().args(command).args(&headers).args(flag).stdin(CYANITE).exits(1)
    };
    let hint = "  hint: compare the secret with the one";
    let short = run(&[]).prints(hint);
    assert!(!short.text().contains("detail: "), "{short}");
    run(&["-v"]).prints(hint).prints("  detail: tried: changes to the body ");
    let line = run(&["--json"]).line();
    assert_eq!(keys(&line["findings"][0]), ["code", "detail", "hint", "message"]);
}

#[test]
fn a_header_that_several_providers_use_is_described_as_such() {
    let named = |args: &[&str], header: &str| {
        let dir = Dir::new();
        let command = ["verify", "-", "--json", "--header", header];
        let line = dir.hookdev().args(command).args(args).stdin("{\"ref\":\"refs/heads/main\"}").exits(1).line();
        line["warnings"].as_array().unwrap().iter().map(|warning| warning.as_str().unwrap().to_owned()).next()
    };
    let header = "x-hub-signature-256: abc";
    let warning = named(&[], header).expect("a warning");
    let start =
        "taken for WhatsApp because of `x-hub-signature-256`, which is also a header of GitHub; send it to a path";
    assert!(warning.starts_with(start), "{warning}");
    assert_eq!(named(&["--provider", "whatsapp"], header), None);
    // No other provider has it.
    assert_eq!(named(&[], "x-shopify-hmac-sha256: abc"), None);
}

#[test]
fn the_users_secret_distinguishes_providers_with_the_same_headers() {
    // The example in Svix's documentation on manual verification.
    let secret = "whsec_plJ3nmyCDGBKInavdOK15jsl";
    let signature = "svix-signature: v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=";
    let svix =
        ["--header", "svix-id: msg_loFOjxBNrRLzqYUf", "--header", "svix-timestamp: 1731705121", "--header", signature];
    let verify = |body: &str, headers: &[&str], secrets: &[String], exit: i32| {
        let command = ["verify", "-", "--json", "--at", "1731705121"];
        let secrets = secrets.iter().flat_map(|secret| ["--secret", secret]);
        let finished = Dir::new().hookdev().args(command).args(headers).args(secrets).stdin(body).exits(exit);
        let line = finished.line();
        [text(&line, "/verdict").to_owned(), line["provider"].as_str().unwrap_or_default().to_owned()]
    };
    let ping = r#"{"event_type":"ping","data":{"success":true}}"#;
    for name in ["aspect", "clerk", "resend", "svix"] {
        let secrets = [format!("{name}={secret}"), "replicate=whsec_AAAA".to_owned()];
        assert_eq!(verify(ping, &svix, &secrets, 0), ["verified", name]);
    }
    // A documented event is its provider's, whose secret is missing, if the only secret doesn't verify it.
    let created = r#"{"type":"user.created","object":"event","data":{"id":"user_1"}}"#;
    assert_eq!(verify(created, &svix, &["resend=whsec_AAAA".to_owned()], 1), ["rejected", "clerk"]);
    // The only secret is a wrong one.
    assert_eq!(verify(ping, &svix, &["clerk=whsec_AAAA".to_owned()], 1), ["rejected", "clerk"]);
    let several = ["clerk=whsec_AAAA".to_owned(), "svix=whsec_AAAA".to_owned()];
    assert_eq!(verify(ping, &svix, &several, 1), ["rejected", "aspect"]);
    // Python's hmac, by hand: HS256 over this header, these claims and the SHA-256 of this body.
    let token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJrZXkiLCJuYmYiOjE3MzE3MDUxMjEsImV4cCI6MTczMTcwNTQyMSwic2hhMjU2IjoiREN4K3R1bU5FR2VRaS81aGF2aVhjaSs0eC8vbmpiYUtkcGU2cnNmeGFpYz0ifQ.DgSvT_VxBxJvYzUxuWHa3Xbjnio6zhnoopWVqdLHesk";
    let (body, header) = (r#"{"event":"track_published"}"#, format!("authorization: {token}"));
    let livekit = |secret: &str, exit| verify(body, &["--header", &header], &[format!("livekit=key:{secret}")], exit);
    assert_eq!(livekit("livekit-secret", 1), ["verified", "livekit"]);
    assert_eq!(livekit("another-secret", 1), ["unrecognised", ""]);
}
