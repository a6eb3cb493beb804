//! Providers that are not built in, written from their documents alone: `tests/documented`.

use std::path::Path;

use crate::harness::{Dir, Endpoint, get, respond};

/// Checks that the capture of a provider verifies, and with a changed body does not.
fn verifies(name: &str, secret: &str, url: Option<&str>) {
    let dir = Dir::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documented").join(name);
    let root = root.to_str().unwrap();
    dir.hookdev().args(["providers", "check", root]).exits(0).prints("passed");
    let capture = std::fs::read_to_string(format!("{root}/capture.json")).unwrap();
    // In a form, the brace is escaped.
    let changed = capture.replacen("{\\\"", "{ \\\"", 1).replacen("=%5B%7B", "=%5B+%7B", 1);
    dir.write("changed.json", changed);
    let verify = |file: &str| {
        let command = dir.hookdev().args(["--providers", root, "verify", file, "--provider", name, "--json"]);
        command.args(["--secret", secret]).args(url.iter().flat_map(|url| ["--url", url]))
    };
    let line = verify(&format!("{root}/capture.json")).exits(0).line();
    assert_eq!((&line["verdict"], &line["rejection"]), (&"verified".into(), &serde_json::Value::Null), "{line}");
    let line = verify("changed.json").exits(1).line();
    assert_eq!(line["rejection"]["code"], "no-matching-signature", "{line}");
}

#[test]
fn a_signature_over_the_body_followed_by_the_url() {
    verifies("trello", "trello-app-secret", Some("https://example.com/hook?board=1"));
}

#[test]
fn a_signature_over_an_rfc_3339_time_and_the_body() {
    verifies("zendesk", "zendesk-signing-secret", None);
}

#[test]
fn a_jwt_with_the_hash_of_the_body() {
    let key = concat!("file:", env!("CARGO_MANIFEST_DIR"), "/tests/documented/plaid/key.pem");
    verifies("plaid", key, None);
}

#[test]
fn sorted_form_fields_with_a_list_of_events_in_one_of_them() {
    verifies("mandrill", "mandrill-webhook-key", Some("https://example.com/hook?board=1"));
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/documented/mandrill");
    let dir = Dir::new();
    let capture = format!("{root}/capture.json");
    let verify = ["--providers", root, "verify", &capture, "--url", "https://example.com/hook?board=1", "--json"];
    let line = dir.hookdev().args(verify).args(["--secret", "mandrill-webhook-key"]).exits(0).line();
    assert_eq!(line["event"], "mandrill.send", "{line}");
}

#[test]
fn ed25519_with_a_public_key_in_base64() {
    // The key's first byte is a brace, as that of a JWKS.
    verifies("telnyx", "e0czfzyCe4uREbvYZCLA6kbLf8x2mpdYhFZ738iGviw=", None);
}

#[test]
fn two_signatures_with_a_key_each_over_an_rfc_3339_time_with_an_offset() {
    // A delivery of Box's own library; see tests/vectors/more_signatures.json.
    verifies("box", "SamplePrimaryKey", None);
    verifies("box", "SampleSecondaryKey", None);
}

#[test]
fn a_whole_value_for_each_of_two_secrets() {
    verifies("persona", "wbhsec_new", None);
    verifies("persona", "wbhsec_old", None);
    // A handler that reads only one value fails while a secret is replaced.
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/documented/persona");
    let dir = Dir::new();
    let listener = dir.listen().args(["--providers", root]).starts();
    let check = ["--providers", root, "check", "--provider", "persona", "--case", "signature-rotated"];
    dir.hookdev().args(check).args(["--to", &listener.url("/persona")]).exits(0).prints("plus an invalid signature");
}

#[test]
fn a_token_in_a_field_of_the_body() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/documented/figma");
    let dir = Dir::new();
    dir.hookdev().args(["providers", "check", root]).exits(0);
    let capture = format!("{root}/capture.json");
    let verify = |secret: &str| {
        dir.hookdev().args([
            "--providers",
            root,
            "verify",
            &capture,
            "--provider",
            "figma",
            "--json",
            "--secret",
            secret,
        ])
    };
    let line = verify("figma-passcode").exits(0).line();
    assert_eq!((&line["verdict"], &line["event"]), (&"verified".into(), &"figma.FILE_UPDATE".into()), "{line}");
    assert_eq!(verify("another").exits(1).line()["verdict"], "rejected");
    // A token covers nothing but itself.
    dir.write("changed.json", std::fs::read_to_string(&capture).unwrap().replace("Checkout flow", "Another"));
    let changed = ["--providers", root, "verify", "changed.json", "--provider", "figma", "--secret", "figma-passcode"];
    dir.hookdev().args(changed).exits(0);
}

#[test]
fn a_get_handshake_with_a_token_and_a_list_of_events_below_a_path() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/documented/okta");
    let dir = Dir::new();
    dir.hookdev().args(["providers", "check", root]).exits(0);
    for (file, event) in [("capture", "okta.user.lifecycle.create"), ("handshake", "okta.verification")] {
        let capture = format!("{root}/{file}.json");
        let verify = |secret| {
            let verify = ["--providers", root, "verify", &capture, "--provider", "okta", "--json", "--secret", secret];
            dir.hookdev().args(verify)
        };
        let line = verify("okta-shared-secret").exits(0).line();
        assert_eq!((&line["verdict"], &line["event"]), (&"verified".into(), &event.into()), "{line}");
        assert_eq!(verify("another").exits(1).line()["verdict"], "rejected");
    }
}

#[test]
fn a_signature_in_uppercase_hexadecimal() {
    // The delivery and the key of the test `testIsValidCamelCase` of stymiee/authnetjson.
    let key = "52CB4A002C634B84E397DC8A218E1A160BA7CAB7CBE4C05B35E9CBB05E14FE4A2385812E980CCF97D177F17863CE214D1BE6CE8E1E894487AACF3609C1A5FE17";
    verifies("authorize-net", key, None);
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/documented/authorize-net");
    let dir = Dir::new();
    let capture = std::fs::read_to_string(format!("{root}/capture.json")).unwrap();
    let (before, signature) = capture.split_once("sha512=").unwrap();
    let (signature, rest) = signature.split_at(128);
    dir.write("lower.json", format!("{before}sha512={}{rest}", signature.to_lowercase()));
    let verify = ["--providers", root, "verify", "lower.json", "--json", "--secret", key];
    let line = dir.hookdev().args(verify).exits(1).line();
    assert_eq!(line["findings"][0]["code"], "signature-case", "{line}");
    let message =
        "the signature is right, but in lowercase; Authorize.Net sends uppercase, and handlers compare the text";
    assert_eq!(line["findings"][0]["message"], message);
}

#[test]
fn joined_fields_of_an_item_under_a_hexadecimal_key() {
    // A notification of Adyen's own library; see tests/vectors/more_signatures.json.
    let key = "DFB1EB5485895CFA84146406857104ABB4CBCABDC8AAF103A624C8F6A3EAAB00";
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/documented/adyen");
    let dir = Dir::new();
    dir.hookdev().args(["providers", "check", root]).exits(0);
    let capture = std::fs::read_to_string(format!("{root}/capture.json")).unwrap();
    let verify = |old: &str, new: &str, code| {
        assert_eq!(capture.matches(old).count(), 1, "{old}");
        dir.write("changed.json", capture.replace(old, new));
        let verify = ["--providers", root, "verify", "changed.json", "--provider", "adyen", "--json", "--secret", key];
        dir.hookdev().args(verify).exits(code).line()
    };
    assert_eq!(verify("VISA", "VISA", 0)["event"], "adyen.REPORT_AVAILABLE");
    // Not one of the eight fields that are signed.
    assert_eq!(verify("VISA", "AMEX", 0)["verdict"], "verified");
    assert_eq!(verify(":1000}", ":1001}", 1)["rejection"]["code"], "no-matching-signature");
    // Each item of a list has a signature of its own.
    let items = capture.find("[{").unwrap() + 1..capture.rfind("}]").unwrap() + 1;
    let second = capture[items].to_owned();
    let line = verify(&second, &format!("{second},{second}"), 0);
    let warning = "only the first of 2 events is verified; verify each event by its own signature";
    assert_eq!(line["warnings"], serde_json::json!([warning]));
}

#[test]
fn the_mac_of_a_challenge_in_base64() {
    // The app's secret and the token of X's own examples, github.com/jcipriano's gists; the MAC is by Python's `hmac`.
    let secret = "z3ZX4v7mAAUGykl3EcmkqbartmuW8VFOOzCloLx9Q45P0hLrFu";
    verifies("x", secret, None);
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/documented/x");
    let dir = Dir::new();
    let listener = dir.listen().args(["--providers", root, "--secret", &format!("x={secret}")]).starts();
    let response = get(&listener.url("/x?crc_token=9b4507b3-9040-4669-9ca3-6b94edb50553"));
    let expected = r#"{"response_token":"sha256=Cytd4Sq+NvEcV3MMrXxWJGJx5A+y/lXzzU2Maartkx8="}"#;
    assert_eq!((response.status(), response.text()), (200, expected));
    // What could be a body is not signed for anyone.
    for body in [
        "%7B%22id%22%3A1%7D",
        "%7B%7D",
        "123",
        "-1",
        "true",
        "null",
        "a.b",
        "a%20b",
        "a%3Db",
        "===",
        "",
        &"a".repeat(257),
    ] {
        let response = get(&listener.url(&format!("/x?crc_token={body}")));
        assert_eq!((response.status(), response.text()), (401, "rejected\n"), "{body}");
    }
}

#[test]
fn a_header_for_the_signature_of_each_key() {
    verifies("docusign", "docusign-key-one=", None);
    verifies("docusign", "docusign-key-two=", None);
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/documented/box");
    let dir = Dir::new();
    let pinned = ["--now", "2026-03-02T09:18:45Z", "--id", "0b0e5c1a-1111-4222-8333-444455556666"];
    let send = || {
        let send = ["--providers", root, "send", "box.COMMENT.CREATED", "--print", "json"];
        dir.hookdev().args(send).args(pinned)
    };
    let signatures = |line: &serde_json::Value| -> Vec<String> {
        let headers = line["headers"].as_array().unwrap().iter();
        let signatures = headers.filter(|header| header[0].as_str().unwrap().starts_with("box-signature-"));
        let values = signatures.filter(|header| header[1].as_str().unwrap().ends_with('='));
        values.map(|header| format!("{} {}", header[0].as_str().unwrap(), header[1].as_str().unwrap())).collect()
    };
    // By Python's `hmac`, with the two development keys.
    let primary = "box-signature-primary +QvvMqaMkqCTNfKo3laVv+2Wjfr/qKt238Qkvp735ds=";
    let secondary = "box-signature-secondary Kn9M/5pJRdVdX9iKSKLvVe3IJzWCVyeET/ho1a3TPxs=";
    assert_eq!(signatures(&send().exits(0).line()), [primary, secondary]);
    // A key that isn't given doesn't sign.
    let one = send().args(["--secret", "hookdev-development-secret-box"]).exits(0).line();
    assert_eq!(signatures(&one), [primary]);
    // A capture that is signed again has no signature of its former time.
    let capture = format!("{root}/capture.json");
    let again = ["--providers", root, "send", &capture, "--resign", "--print", "json", "--secret", "SamplePrimaryKey"];
    let again = dir.hookdev().args(again).args(["--to", "http://127.0.0.1:9/box", "--now", "2026-03-02T09:18:45Z"]);
    let again = again.exits(0).line();
    let names: Vec<&str> =
        again["headers"].as_array().unwrap().iter().filter_map(|header| header[0].as_str()).collect();
    assert!(names.contains(&"box-signature-primary") && !names.contains(&"box-signature-secondary"), "{again}");
    // A forgery must not have a second, right signature: one bit of each is flipped.
    let forged = send().args(["--tamper", "signature"]).exits(0).line();
    let wrong = [primary.replace(" +Q", " +A"), secondary.replace(" Kn", " K3")];
    assert_eq!(signatures(&forged), wrong, "{forged}");
    dir.hookdev()
        .args(["--providers", root, "events", "box"])
        .exits(0)
        .prints("secret from BOX_PRIMARY_KEY, else")
        .prints("secret from BOX_SECONDARY_KEY, else");
}

#[test]
fn an_event_that_is_recognised_by_a_field_that_it_has() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/documented/telegram");
    let dir = Dir::new();
    dir.hookdev().args(["providers", "check", root]).exits(0);
    let capture = std::fs::read_to_string(format!("{root}/capture.json")).unwrap();
    // `message` is null, which is no message.
    for (old, new, event) in [
        ("message", "message", "telegram.callback_query"),
        (r#"\"message\":null"#, r#"\"message\":{}"#, "telegram.message"),
        ("callback_query", "inline_query", ""),
    ] {
        dir.write("changed.json", capture.replace(old, new));
        let verify = ["--providers", root, "verify", "changed.json", "--json", "--secret", "telegram-secret_token"];
        let command = dir.hookdev().args(verify).args(["--provider", "telegram"]);
        let line = command.exits(0).line();
        assert_eq!(
            (&line["verdict"], line["event"].as_str().unwrap_or_default()),
            (&"verified".into(), event),
            "{line}"
        );
    }
    // An unknown update has a field of another name, not a `message` that is null.
    let endpoint = Endpoint::new([respond(200)]);
    let check = ["--providers", root, "check", "--provider", "telegram", "--case", "event-unknown", "--to"];
    dir.hookdev().args(check).arg(endpoint.url("/")).exits(0);
    endpoint.next();
    let body: serde_json::Value = serde_json::from_str(endpoint.next().text()).unwrap();
    assert_eq!((body.get("message"), body["hookdev.unknown"]["message_id"].as_i64()), (None, Some(41)), "{body}");
    for id in ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"] {
        let send = ["--providers", root, "send", "telegram.message", "--print", "json", "--id", id];
        let line = dir.hookdev().args(send).args(["--now", "2026-03-02T09:18:45Z"]).exits(0).line();
        let body: serde_json::Value = serde_json::from_str(line["body"].as_str().unwrap()).unwrap();
        assert!(body["update_id"].is_number(), "{body}");
    }
}

/// Verifies the capture of a provider that signs nothing of its payload, whose event is thus read all the same.
fn verifies_unsigned(name: &str, secret: &str, event: &str) {
    let dir = Dir::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documented").join(name);
    let root = root.to_str().unwrap();
    dir.hookdev().args(["providers", "check", root]).exits(0).prints("passed");
    let capture = format!("{root}/capture.json");
    let verify = |secret: &str| {
        let verify = ["--providers", root, "verify", &capture, "--provider", name, "--json", "--secret", secret];
        dir.hookdev().args(verify)
    };
    let line = verify(secret).exits(0).line();
    assert_eq!((&line["verdict"], &line["event"]), (&"verified".into(), &event.into()), "{line}");
    assert_eq!(verify("another").exits(1).line()["verdict"], "rejected");
}

#[test]
fn an_id_and_an_event_in_the_query() {
    verifies_unsigned("speechmatics", "speechmatics-token", "speechmatics.success");
}

#[test]
fn a_signature_over_two_fields_of_a_form() {
    verifies_unsigned("mailgun-routes", "mailgun-signing-key", "mailgun-routes.received");
}
