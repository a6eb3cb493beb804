//! The signature schemes of well-known providers, each in a manifest alone.

use serde_json::Value;

use super::{SECRET, manifest, write};
use crate::harness::{Dir, text};

/// The signed body. The expected signatures were computed with Python's `hmac`.
const BODY: &str = r#"{"type":"made","id":"evt_1"}"#;

/// Asserts that `BODY` is signed with these headers at noon on 2025-01-01, that it verifies and nothing
/// else does, and that a listener verifies a send.
#[track_caller]
fn signs(secret: &str, scheme: &str, expected: &[(&str, &str)]) {
    let dir = Dir::new();
    write(&dir, &manifest(secret, &format!("[[scheme]]\nname = \"only\"\n{scheme}")));
    dir.write("body", BODY);
    let own = ["--providers", "acme"];
    let pinned = ["--data", "body", "--print", "json", "--now", "2025-01-01T12:00:00.123Z", "--id", "evt_1"];
    let printed = dir.hookdev().args(["send", "acme.made"]).args(own).args(pinned).exits(0).line();
    let headers: Vec<(&str, &str)> = printed["headers"].as_array().unwrap()[2..]
        .iter()
        .map(|header| (text(header, "/0"), text(header, "/1")))
        .collect();
    assert_eq!(headers, expected);

    let verify = |body: &str| {
        let headers = expected.iter().map(|(name, value)| format!("{name}: {value}"));
        let flags = headers.flat_map(|header| ["--header".to_owned(), header]);
        dir.write("received", body);
        let at = ["--provider", "acme", "--at", "2025-01-01T12:00:30Z", "--json"];
        dir.hookdev().args(["verify", "--body", "received"]).args(flags).args(own).args(at)
    };
    let line = verify(BODY).exits(0).line();
    assert_eq!(
        (text(&line, "/verdict"), text(&line, "/event"), text(&line, "/secret")),
        ("verified", "acme.made", "development")
    );
    if !scheme.contains("token") {
        let line = verify(&format!("{BODY} ")).exits(1).line();
        assert_eq!(text(&line, "/rejection/code"), "no-matching-signature");
    }

    let mut listener = dir.listen().args(own).starts();
    dir.send("acme.made", listener.url("/hooks")).args(own).exits(0);
    let delivery = listener.next();
    assert_eq!((text(&delivery, "/verdict"), text(&delivery, "/event")), ("verified", "acme.made"));
}

#[test]
fn a_manifest_can_sign_as_github_does() {
    signs(
        SECRET,
        r#"algorithm = "hmac-sha256"
content = "{body}"
signature = { header = "X-Hub-Signature-256", value = "sha256={hex}" }"#,
        &[("x-hub-signature-256", "sha256=8aabee867f3e69075d3c5fcbb1619aed0c2f0d282fba46434b126ae69762eb0e")],
    );
}

#[test]
fn a_manifest_can_sign_as_stripe_does() {
    signs(
        SECRET,
        r#"algorithm = "hmac-sha256"
content = "{timestamp}.{body}"
signature = { header = "Stripe-Signature", value = "t={timestamp},v1={hex}", separator = "," }
timestamp = { unit = "s", tolerance = "5m" }"#,
        &[("stripe-signature", "t=1735732800,v1=9f3db0a588a265292485b6c6212bdfb5a172f8d91e56e65d88d8f2de3d8d525b")],
    );
}

#[test]
fn a_manifest_can_sign_as_slack_does() {
    signs(
        SECRET,
        r#"algorithm = "hmac-sha256"
content = "v0:{timestamp}:{body}"
signature = { header = "X-Slack-Signature", value = "v0={hex}" }
timestamp = { header = "X-Slack-Request-Timestamp", unit = "s", tolerance = "5m" }"#,
        &[
            ("x-slack-request-timestamp", "1735732800"),
            ("x-slack-signature", "v0=079890f44d7f93e6faf7b4ff0b14b81831d736735f5959c0c6187af5be9a530a"),
        ],
    );
}

#[test]
fn a_manifest_can_sign_as_shopify_does() {
    signs(
        SECRET,
        r#"algorithm = "hmac-sha256"
content = "{body}"
signature = { header = "X-Shopify-Hmac-Sha256", value = "{base64}" }"#,
        &[("x-shopify-hmac-sha256", "iqvuhn8+aQddPF/LsWGa7QwvDSgvukZDSxJq5pdi6w4=")],
    );
}

#[test]
fn a_manifest_can_sign_as_webflow_does_in_milliseconds() {
    signs(
        SECRET,
        r#"algorithm = "hmac-sha256"
content = "{timestamp}:{body}"
signature = { header = "x-webflow-signature", value = "{hex}" }
timestamp = { header = "x-webflow-timestamp", unit = "ms", tolerance = "5m" }"#,
        &[
            ("x-webflow-timestamp", "1735732800123"),
            ("x-webflow-signature", "75a1cb11cfee40957dca1bf57dc5e0063450429f17b70bb566adf142f521dda7"),
        ],
    );
}

#[test]
fn a_manifest_can_sign_as_vercel_does_with_sha1() {
    signs(
        SECRET,
        r#"algorithm = "hmac-sha1"
content = "{body}"
signature = { header = "x-vercel-signature", value = "{hex}" }"#,
        &[("x-vercel-signature", "72a5668ab3e72e6aeb53cc6921cccf2d2f7ce257")],
    );
}

#[test]
fn a_manifest_can_sign_with_sha384_and_a_hex_secret() {
    signs(
        "encoding = \"hex\"\ndevelopment = \"00ff10\"",
        r#"algorithm = "hmac-sha384"
content = "{body}"
signature = { header = "x-acme", value = "{hex}" }"#,
        &[(
            "x-acme",
            "c70ffcf759e656254d212a901d81d730bc8253fb1f72277069cda717cf446e5cb839f438ffc136ea2be16ce120fd21b9",
        )],
    );
}

#[test]
fn a_manifest_can_use_a_static_token() {
    signs(
        SECRET,
        r#"algorithm = "token"
content = "{body}"
signature = { header = "X-Gitlab-Token", value = "{token}" }"#,
        &[("x-gitlab-token", "acme-secret")],
    );
}

/// The texts between backticks in a cell of a table.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn each_scheme_in_the_table_of_the_page_signs_as_its_provider_does() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/providers.md")).unwrap();
    let rows = page.lines().skip_while(|line| !line.starts_with("| like |")).skip(2);
    let rows: Vec<Vec<&str>> =
        rows.take_while(|line| line.starts_with('|')).map(|row| row.split(" | ").collect()).collect();
    // Computed with Python's `hmac`.
    let expected: [(&str, &[(&str, &str)]); 6] = [
        ("GitHub", &[("x-a", "sha256=8aabee867f3e69075d3c5fcbb1619aed0c2f0d282fba46434b126ae69762eb0e")]),
        ("Shopify", &[("x-a", "iqvuhn8+aQddPF/LsWGa7QwvDSgvukZDSxJq5pdi6w4=")]),
        ("Stripe", &[("x-a", "t=1735732800,v1=9f3db0a588a265292485b6c6212bdfb5a172f8d91e56e65d88d8f2de3d8d525b")]),
        (
            "Slack",
            &[
                ("x-slack-request-timestamp", "1735732800"),
                ("x-a", "v0=079890f44d7f93e6faf7b4ff0b14b81831d736735f5959c0c6187af5be9a530a"),
            ],
        ),
        (
            "Svix, Standard Webhooks",
            &[
                ("webhook-id", "evt_1"),
                ("webhook-timestamp", "1735732800"),
                ("x-a", "v1,yzYFGNGmdW3FZ+nWcmay9hhvGL+8DESYh/kHCYd5U50="),
            ],
        ),
        ("a static token", &[("x-a", "acme-secret")]),
    ];
    let likes: Vec<&str> = rows.iter().map(|row| row[0].trim_start_matches("| ")).collect();
    assert_eq!(likes, expected.map(|(like, _)| like));
    for (row, (_, headers)) in rows.iter().zip(expected) {
        let content = quoted(row[2])[0];
        let also = quoted(row[3]);
        let (of_scheme, of_secret) = also.split_at(also.iter().position(|it| *it == "[secret]").unwrap_or(also.len()));
        let algorithm =
            if of_scheme.iter().any(|it| it.starts_with("algorithm")) { "" } else { "algorithm = \"hmac-sha256\"" };
        let signature = format!("signature = {{ header = \"x-a\", value = {} }}", quoted(row[1]).join(", "));
        let scheme = format!("{algorithm}\ncontent = {content}\n{signature}\n{}", of_scheme.join("\n"));
        match of_secret {
            [] => signs(SECRET, &scheme, headers),
            [_, format @ ..] => {
                // The same key, as the prefix and the encoding write it.
                let secret = format!("development = \"whsec_YWNtZS1zZWNyZXQ=\"\n{}", format.join("\n"));
                signs(&secret, &scheme, headers);
            }
        }
    }
}

/// The line of `verify` for a body with a header; asserts the exit code.
#[track_caller]
fn verify(dir: &Dir, body: &str, header: &str, exit: i32) -> Value {
    dir.write("received", body);
    let command =
        ["verify", "--body", "received", "--provider", "acme", "--providers", "acme", "--json", "--header", header];
    dir.hookdev().args(command).args(["--at", "2025-01-01T12:00:00Z"]).exits(exit).line()
}

#[test]
fn any_signature_in_a_list_may_match_and_other_versions_are_skipped() {
    let dir = Dir::new();
    let scheme = r#"[[scheme]]
name = "stripe"
algorithm = "hmac-sha256"
content = "{timestamp}.{body}"
signature = { header = "Stripe-Signature", value = "t={timestamp},v1={hex}", separator = "," }
timestamp = { tolerance = { past = "5m", future = "1m" } }"#;
    write(&dir, &manifest(SECRET, scheme));
    let right = "9f3db0a588a265292485b6c6212bdfb5a172f8d91e56e65d88d8f2de3d8d525b";
    let wrong = "0".repeat(64);
    for value in [
        format!("t=1735732800,v1={wrong},v1={right}"),
        format!("t=1735732800,v0={wrong},v1={right},v2=x"),
        format!("v1={right}, t=1735732800"),
    ] {
        assert_eq!(
            text(&verify(&dir, BODY, &format!("Stripe-Signature: {value}"), 0), "/verdict"),
            "verified",
            "{value}"
        );
    }
    for (value, code) in [
        (format!("t=1735732800,v1={wrong}"), "no-matching-signature"),
        (format!("t=1735732800,v0={right}"), "unsupported-version"),
        (format!("v1={right}"), "malformed-header"),
        (format!("t=1735732800,t=1735732801,v1={right}"), "malformed-header"),
        (format!("t=1735732800.0,v1={right}"), "malformed-header"),
        (format!("t=1735732801,v1={right}"), "no-matching-signature"),
    ] {
        let line = verify(&dir, BODY, &format!("Stripe-Signature: {value}"), 1);
        assert_eq!(text(&line, "/rejection/code"), code, "{value}");
    }
}

#[test]
fn the_first_of_two_schemes_signs_and_either_verifies() {
    let dir = Dir::new();
    let schemes = r#"[[scheme]]
name = "new"
algorithm = "hmac-sha256"
content = "{body}"
signature = { header = "x-new", value = "{hex}" }

[[scheme]]
name = "old"
algorithm = "hmac-sha1"
content = "{body}"
signature = { header = "x-old", value = "{hex}" }"#;
    write(&dir, &manifest(SECRET, schemes));
    let new = "X-New: 8aabee867f3e69075d3c5fcbb1619aed0c2f0d282fba46434b126ae69762eb0e";
    for header in [new, "X-Old: 72a5668ab3e72e6aeb53cc6921cccf2d2f7ce257"] {
        assert_eq!(text(&verify(&dir, BODY, header, 0), "/verdict"), "verified");
    }
    let printed = dir.hookdev().args(["send", "acme.made", "--print", "http", "--providers", "acme"]).exits(0);
    assert!(printed.text().contains("\r\nx-new: ") && !printed.text().contains("x-old"), "{printed}");
}

#[test]
fn a_header_can_be_part_of_the_signed_content() {
    let dir = Dir::new();
    let scheme = r#"[[scheme]]
name = "extra"
algorithm = "hmac-sha256"
content = "POST-ish|{header:x-extra}|{body}"
signature = { header = "x-acme", value = "{hex}" }"#;
    write(&dir, &manifest(SECRET, scheme));
    dir.write("body", BODY);
    let command =
        ["send", "acme.made", "--providers", "acme", "--data", "body", "--header", "X-Extra: extra", "--print", "http"];
    let message = dir.hookdev().args(command).exits(0);
    let message = message.prints("\r\nx-acme: 1618c4a20c73d8d8548ce2928100fdd81e212f9ae2697da1f3688fc0ed75fd6f\r\n");
    let verify = |message: String| dir.hookdev().args(["verify", "-", "--providers", "acme"]).stdin(message);
    verify(message.text().to_owned()).exits(0);
    verify(message.text().replace("X-Extra: extra", "X-Extra: other")).exits(1).prints("no-matching-signature");
}

/// The public vectors, each with the scheme of its provider.
#[test]
fn the_public_vectors_verify_and_variations_do_not() {
    let file: Value = serde_json::from_str(include_str!("../../vectors/signatures.json")).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 4);
    for vector in vectors {
        let scheme = match text(vector, "/id") {
            "github" => {
                r#"algorithm = "hmac-sha256"
content = "{body}"
signature = { header = "x-hub-signature-256", value = "sha256={hex}" }"#
            }
            "slack" => {
                r#"algorithm = "hmac-sha256"
content = "v0:{timestamp}:{body}"
signature = { header = "x-slack-signature", value = "v0={hex}" }
timestamp = { header = "x-slack-request-timestamp", tolerance = "5m" }"#
            }
            "svix-js" | "svix-rust" => {
                r#"algorithm = "hmac-sha256"
content = "{id}.{timestamp}.{body}"
signature = { header = "svix-signature", value = "v1,{base64}", separator = " " }
id = { header = "svix-id" }
timestamp = { header = "svix-timestamp", tolerance = "5m" }"#
            }
            other => panic!("no scheme for `{other}`"),
        };
        let secret = if text(vector, "/secret").starts_with("whsec_") {
            "encoding = \"base64\"\nprefix = \"whsec_\"\ndevelopment = \"whsec_AAAA\""
        } else {
            SECRET
        };
        let dir = Dir::new();
        write(&dir, &manifest(secret, &format!("[[scheme]]\nname = \"only\"\n{scheme}")));
        let verify = |body: &str, secret: &str, later: i64| {
            dir.write("body", body);
            let headers = vector["headers"].as_object().unwrap().iter();
            let headers = headers.map(|(name, value)| format!("{name}: {}", value.as_str().unwrap()));
            let flags = headers.flat_map(|header| ["--header".to_owned(), header]);
            let secret = format!("acme={secret}");
            let own = ["--providers", "acme", "--provider", "acme", "--json", "--secret", &secret];
            let command = dir.hookdev().args(["verify", "--body", "body"]).args(flags).args(own);
            let (_, finished) = match vector["at"].as_i64() {
                Some(at) => command.args(["--at", &(at + later).to_string()]).ends(),
                None => command.ends(),
            };
            let line = finished.line();
            text(&line, if line["rejection"].is_null() { "/verdict" } else { "/rejection/code" }).to_owned()
        };
        let (id, body, secret) = (text(vector, "/id"), text(vector, "/body"), text(vector, "/secret"));
        assert_eq!(verify(body, secret, 0), "verified", "{id}");
        assert_eq!(verify(&format!("{body}\n"), secret, 0), "no-matching-signature", "{id}");
        let other = secret.replace(['8', 'E', 'Q'], "A");
        assert_eq!(verify(body, &other, 0), "no-matching-signature", "{id}");
        if vector["at"].is_i64() {
            assert_eq!(verify(body, secret, 300), "verified", "{id}");
            assert_eq!(verify(body, secret, 301), "timestamp-too-old", "{id}");
            assert_eq!(verify(body, secret, -301), "timestamp-too-new", "{id}");
        }
    }
}

#[test]
fn aspect_verifies_the_public_vectors_of_svix() {
    let file: Value = serde_json::from_str(include_str!("../../vectors/signatures.json")).unwrap();
    let vectors = file["vectors"].as_array().unwrap().iter().filter(|vector| vector["scheme"] == "svix");
    assert_eq!(vectors.clone().count(), 2);
    for vector in vectors {
        let dir = Dir::new();
        dir.write("body", text(vector, "/body"));
        let headers = vector["headers"].as_object().unwrap().iter();
        let headers = headers.map(|(name, value)| format!("{name}: {}", value.as_str().unwrap()));
        let flags = headers.flat_map(|header| ["--header".to_owned(), header]);
        let at = vector["at"].to_string();
        let secret = format!("aspect={}", text(vector, "/secret"));
        let command = ["verify", "--body", "body", "--at", &at, "--secret", &secret, "--json"];
        let line = dir.hookdev().args(command).args(flags).exits(0).line();
        assert_eq!((text(&line, "/provider"), text(&line, "/verdict")), ("aspect", "verified"));
    }
}

#[test]
fn a_timestamp_may_be_an_http_date() {
    let scheme = r#"algorithm = "hmac-sha256"
content = "{timestamp}\n{body}"
signature = { header = "x-signature", value = "{hex}" }
timestamp = { header = "date", unit = "http-date", tolerance = "5m" }"#;
    let signature = "34b3b981c84c5aaf525fb8a5df294fafad35f63f99ebbfd0258ae7c14ad45f71";
    signs(SECRET, scheme, &[("date", "Wed, 01 Jan 2025 12:00:00 GMT"), ("x-signature", signature)]);

    let dir = Dir::new();
    write(&dir, &manifest(SECRET, &format!("[[scheme]]\nname = \"only\"\n{scheme}")));
    dir.write("received", BODY);
    let verify = |date: &str, signature: &str, code| {
        let [date, signature] = [format!("date: {date}"), format!("x-signature: {signature}")];
        let headers = ["--header", &date, "--header", &signature, "--provider", "acme", "--at", "2025-01-01T12:00:30Z"];
        let verify = ["--providers", "acme", "verify", "--body", "received", "--json"];
        dir.hookdev().args(verify).args(headers).exits(code).line()
    };
    // That of RFC 2822 has an offset, and is signed as it was sent.
    let offset = "8e22529d359c417c9d093e7492547787882f417a9520c0aeb6d8879ef1947306";
    assert_eq!(text(&verify("Wed, 01 Jan 2025 13:00:00 +0100", offset, 0), "/verdict"), "verified");
    let old = "d8c17e854adf5d90fae54076b0c39d84f0c88a62847c4a2aec144678710f4104";
    let line = verify("Wed, 01 Jan 2025 11:50:00 GMT", old, 1);
    assert_eq!(text(&line, "/rejection/code"), "timestamp-too-old");
    let line = verify("2025-01-01T12:00:00Z", signature, 1);
    let message = text(&line, "/rejection/message").to_owned();
    assert!(message.contains("the timestamp is not an HTTP date"), "{message}");

    let print = ["--providers", "acme", "send", "acme.made", "--to", "http://127.0.0.1:9/", "--print"];
    let script = |format: &str| dir.hookdev().args(print).arg(format).exits(0).text().to_owned();
    let (k6, locust) = (script("k6"), script("locust"));
    assert!(k6.contains("const timestamp = new Date(request.now).toUTCString();"), "{k6}");
    assert!(locust.contains("import email.utils\nimport hashlib\n"), "{locust}");
    assert!(locust.contains("timestamp = email.utils.formatdate(request.now, usegmt=True)"), "{locust}");
}
