//! Public and private keys from files, and the schemes that use them, against signatures of openssl, and of Python's
//! cryptography and `PyJWT`, which `tests/vectors/keys.json` records.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::harness::{Dir, text};

/// The recorded keys and signatures.
fn vectors() -> Value {
    serde_json::from_str(include_str!("../../vectors/keys.json")).unwrap()
}

/// A scheme, and the name of its key in the vectors; `None` for a shared secret.
const SCHEMES: [(&str, Option<&str>); 6] = [
    ("ed25519", Some("ed25519")),
    ("ecdsa-p256", Some("p256")),
    ("rsa-sha256", Some("rsa")),
    ("jwt-hs256", None),
    ("jwt-es256", Some("p256")),
    ("jwt-rs256", Some("rsa")),
];

/// Writes a provider with one scheme, and the files of its keys.
fn acme(dir: &Dir, algorithm: &str, key: Option<&str>, vectors: &Value) {
    let signing = if algorithm.starts_with("jwt") {
        "signature = { header = 'authorization', value = '{jwt}' }\n\
         claims = { iss = 'acme', sha256 = '{sha256-base64:body}' }"
    } else {
        "content = '{timestamp}.{body}'\n\
         signature = { header = 'x-signature', value = '{base64}' }\n\
         timestamp = { header = 'x-timestamp', tolerance = '5m' }"
    };
    let development = if let Some(key) = key {
        let text = |form: &str| text(vectors, &format!("/keys/{key}/{form}")).to_owned();
        for form in ["private", "public", "certificate"] {
            dir.write(&format!("{form}.pem"), text(form));
        }
        dir.write("jwks.json", vectors["jwks"].to_string());
        format!("{{ public = '''{}''', private = '''{}''' }}", text("public"), text("private"))
    } else {
        dir.write("secret", vectors["secret"].as_str().unwrap());
        "'hookdev-development-secret-acme'".to_owned()
    };
    let manifest = format!(
        "name = 'acme'\ntitle = 'Acme'\nabout = 'A test'\n[secret]\ndevelopment = {development}\n\
         [[scheme]]\nname = 'v1'\nalgorithm = '{algorithm}'\n{signing}\n\
         [delivery]\nsuccess = ['2xx']\n[recognise]\nevent = 'type'\n[[event]]\nname = 'ping'\nabout = 'A test'\n"
    );
    dir.write("providers/acme/provider.toml", manifest);
    dir.write("providers/acme/events/ping.json", vectors["body"].as_str().unwrap());
}

/// A line with a capture that carries a signature of the vectors, received this many seconds after it was made.
fn signed(algorithm: &str, signature: &str, body: &str, age: i64, vectors: &Value) -> String {
    let timestamp = vectors["timestamp"].as_i64().unwrap();
    let headers = if algorithm.starts_with("jwt") {
        json!([["content-type", "application/json"], ["authorization", signature]])
    } else {
        json!([
            ["content-type", "application/json"],
            ["x-signature", signature],
            ["x-timestamp", timestamp.to_string()]
        ])
    };
    let request = json!({"method": "POST", "target": "/acme", "headers": headers, "body": body});
    let received_at = jiff::Timestamp::from_second(timestamp + age).unwrap().to_string();
    format!("{}\n", json!({"kind": "delivery", "hookdev": 1, "received_at": received_at, "request": request}))
}

/// The verdicts of `verify` on captures, with the secret in this file.
fn verdicts(dir: &Dir, captures: &str, file: &str) -> Vec<String> {
    dir.write("captures.ndjson", captures);
    let secret = format!("acme=file:{file}");
    let arguments =
        ["verify", "captures.ndjson", "--providers", "providers", "--secret", &secret, "--json", "--no-config"];
    let (_, finished) = dir.hookdev().args(arguments).ends();
    let verdict = |line: &Value| {
        let rejection = line["rejection"]["code"].as_str();
        rejection.map_or_else(|| text(line, "/verdict").to_owned(), str::to_owned)
    };
    finished.lines().iter().map(verdict).collect()
}

#[test]
fn public_keys_in_every_form_of_file_verify_what_other_programs_sign() {
    let vectors = vectors();
    let body = vectors["body"].as_str().unwrap();
    for (algorithm, key) in SCHEMES {
        let dir = Dir::new();
        acme(&dir, algorithm, key, &vectors);
        let made_by = if algorithm.starts_with("jwt") { "tokens" } else { "openssl" };
        let signatures = ["signatures", made_by].map(|of| text(&vectors, &format!("/{of}/{algorithm}")));
        let captures: String = signatures
            .iter()
            .flat_map(|signature| [0, 900].map(|age| signed(algorithm, signature, body, age, &vectors)))
            .collect();
        let expected = ["verified", "timestamp-too-old"].repeat(2);
        let files: &[_] = match key {
            Some(_) => &["public.pem", "certificate.pem", "jwks.json", "private.pem"],
            None => &["secret"],
        };
        for file in files {
            assert_eq!(verdicts(&dir, &captures, file), expected, "{algorithm} with {file}");
        }
    }
}

#[test]
fn a_private_key_in_a_file_signs_as_other_programs_do() {
    let vectors = vectors();
    for (algorithm, key) in SCHEMES {
        let dir = Dir::new();
        acme(&dir, algorithm, key, &vectors);
        dir.write("body.json", vectors["body"].as_str().unwrap());
        let secret = if key.is_some() { "acme=file:private.pem" } else { "acme=file:secret" };
        let arguments = ["send", "acme.ping", "--data", "body.json", "--print", "json", "--now", "1772000000"];
        let more = ["--providers", "providers", "--secret", secret, "--no-config"];
        let request = dir.hookdev().args(arguments).args(more).exits(0).line();
        let header = if algorithm.starts_with("jwt") { "authorization" } else { "x-signature" };
        let headers = request["headers"].as_array().unwrap();
        let signature = headers.iter().find(|field| field[0] == json!(header)).unwrap()[1].clone();
        assert_eq!(signature, vectors["signatures"][algorithm], "{algorithm}");
    }
}

#[test]
fn a_public_key_can_verify_but_not_sign() {
    let vectors = vectors();
    for (algorithm, key) in SCHEMES.into_iter().filter(|(_, key)| key.is_some()) {
        let dir = Dir::new();
        acme(&dir, algorithm, key, &vectors);
        for file in ["public.pem", "certificate.pem", "jwks.json"] {
            let secret = format!("acme=file:{file}");
            let arguments = ["send", "acme.ping", "--print", "json", "--providers", "providers", "--secret", &secret];
            dir.hookdev().args(arguments).arg("--no-config").exits(2).stdout("").stderr(
                "error: Acme's secret is a public key, which can verify deliveries but not sign them\n\
                 hint: pass a private key with --secret acme=SOURCE\n",
            );
        }
    }
}

/// A provider with one shared secret, `secret`, and this manifest after its first lines.
fn shared(dir: &Dir, secret: &str, rest: &str, fixture: &str) {
    let manifest = format!(
        "name = 'acme'\ntitle = 'Acme'\nabout = 'A test'\n[secret]\ndevelopment = '{secret}'\n{rest}\n\
         [[event]]\nname = 'ping'\nabout = 'A test'\nmatch = {{ type = 'ping' }}\n"
    );
    dir.write("providers/acme/provider.toml", manifest);
    dir.write("providers/acme/events/ping.json", fixture);
}

/// The request that `send` makes, and its body.
fn sent(dir: &Dir, more: &[&str]) -> (Value, Vec<u8>) {
    let arguments = ["send", "acme.ping", "--print", "json", "--providers", "providers", "--no-config"];
    let request = dir.hookdev().args(arguments).args(more).exits(0).line();
    let body = match request["body"].as_str() {
        Some(text) => text.as_bytes().to_vec(),
        None => BASE64_STANDARD.decode(text(&request, "/body_base64")).unwrap(),
    };
    (request, body)
}

/// What `verify` says of a sent request.
fn verified(dir: &Dir, request: &Value) -> String {
    let mut capture = json!({"request": request});
    capture["request"]["target"] = json!("/acme");
    dir.write("capture.json", capture.to_string());
    let arguments = ["verify", "capture.json", "--providers", "providers", "--json", "--no-config"];
    text(&dir.hookdev().args(arguments).ends().1.line(), "/verdict").to_owned()
}

/// HMAC-SHA256 of `{"type":"ping","n":1}` under `before-compression`, by Python's hmac.
const BEFORE_COMPRESSION: &str = "b3a93046ee89304aca33bbc7837436c077e3347e28a5a64522de51d4428c19b0";

#[test]
fn a_signature_of_the_body_before_compression_is_sent_with_the_compressed_body() {
    let dir = Dir::new();
    let manifest = "[[scheme]]\nname = 'v1'\nalgorithm = 'hmac-sha256'\ncontent = '{body}'\nencoded = 'before-compression'\n\
         signature = { header = 'x-signature', value = '{hex}' }\n\
         [delivery]\nsuccess = ['2xx']\nheaders = { content-encoding = 'gzip' }";
    shared(&dir, "before-compression", manifest, r#"{"type":"ping","n":1}"#);
    let (request, body) = sent(&dir, &[]);
    let headers = request["headers"].as_array().unwrap();
    assert!(headers.contains(&json!(["x-signature", BEFORE_COMPRESSION])), "{request}");
    let mut plain = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(body.as_slice()), &mut plain).unwrap();
    assert_eq!(plain, r#"{"type":"ping","n":1}"#);
    assert_eq!(verified(&dir, &request), "verified");
}

/// HMAC-SHA384 of [`FIELD`] under `form-secret`, by Python's hmac.
const OF_FIELD: &str =
    "2327644e353022289f365a82a4dee9ff7ded8524ab99f80f79edfb8654eefc412571105fa14d8a902c57a4dd168183a2";
const FIELD: &str = r#"{"ok":"DONE","id":"ä b&c=d"}"#;

#[test]
fn the_signature_of_a_form_field_is_sent_and_read_in_a_multipart_form() {
    let dir = Dir::new();
    let manifest = "[[scheme]]\nname = 'v1'\nalgorithm = 'hmac-sha384'\ncontent = '{form:payload}'\n\
         signature = { form = 'signature', value = 'sha384:{hex}' }\n\
         [delivery]\nsuccess = ['2xx']\nencodings = [ { type = 'multipart/form-data' } ]\n\
         [recognise]\npayload = 'form:payload'";
    shared(&dir, "form-secret", manifest, FIELD);
    let manifest = dir.read("providers/acme/provider.toml").replace("type = 'ping'", "ok = 'DONE'");
    dir.write("providers/acme/provider.toml", manifest);
    let (request, body) = sent(&dir, &[]);
    let body = String::from_utf8(body).unwrap();
    let part =
        |name: &str, value: &str| format!("Content-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n--");
    assert!(body.contains(&part("payload", FIELD)), "{body}");
    assert!(body.contains(&part("signature", &format!("sha384:{OF_FIELD}"))), "{body}");
    assert_eq!(verified(&dir, &request), "verified");
    // As other programs write it: the signature first, and each part with its type.
    let body = format!(
        "--b\r\ncontent-disposition: form-data; name=signature\r\ncontent-type: text/plain\r\n\r\nsha384:{OF_FIELD}\r\n\
         --b\r\ncontent-disposition: form-data; name=\"payload\"\r\ncontent-type: application/json\r\n\r\n{FIELD}\r\n--b--\r\n"
    );
    let request = |body: &str| json!({"method": "POST", "headers": [["content-type", "multipart/form-data; boundary=b"]], "body": body});
    assert_eq!(verified(&dir, &request(&body)), "verified");
    assert_eq!(verified(&dir, &request(&body.replace("DONE", "DONF"))), "rejected");
}
