//! Signatures that are sent together: each is valid for the request as it is sent. The expected values were computed
//! with Python's `hashlib` and `hmac`.

use serde_json::json;

use super::{SECRET, manifest, write};
use crate::harness::Dir;

/// The provider `acme` whose second scheme is this one, and a body.
fn acme(second: &str) -> Dir {
    let dir = Dir::new();
    let first = "[[scheme]]\nname = \"one\"\nalgorithm = \"hmac-sha256\"\ncontent = \"{body}\"\n\
                 signature = { header = \"x-one\", value = \"{hex}\" }";
    let second = format!(
        "[[scheme]]\nname = \"two\"\nalgorithm = \"hmac-sha256\"\nsent_along = true\n\
         secret = {{ env = \"ACME_TWO\", development = \"acme-two\" }}\n{second}"
    );
    write(&dir, &manifest(SECRET, &format!("{first}\n{second}")));
    dir.write("body", r#"{"type":"made","id":"evt_1"}"#);
    dir
}

/// The request, as JSON, that a provider sends whose second scheme is this one.
fn sent(second: &str) -> serde_json::Value {
    let dir = acme(second);
    let to = ["--to", "https://hooks.example.com/in", "--print", "json"];
    dir.hookdev().args(["--providers", "acme", "send", "acme.made", "--data", "body"]).args(to).exits(0).line()
}

#[test]
fn a_hash_is_written_into_the_url_for_a_signature_that_is_sent_along() {
    let sent = sent(
        "content = \"{url}\"\nsignature = { header = \"x-two\", value = \"{hex}\" }\n\
         claims = { \"query:hash\" = \"{sha256:body}\" }",
    );
    let hash = "cc34b1b2bf55023fa18f5a2d853d2f6f8b1575aede553f14c3f9537e0839c329";
    assert_eq!(sent["url"], json!(format!("https://hooks.example.com/in?hash={hash}")));
    let (one, two) = (
        "8aabee867f3e69075d3c5fcbb1619aed0c2f0d282fba46434b126ae69762eb0e",
        "f93c4ec8a7e7f3e2b078f7d4afe0cc043f0b6fdedb56462fe888b0f87b34cd2e",
    );
    assert_eq!(sent["headers"].as_array().unwrap()[2..], [json!(["x-one", one]), json!(["x-two", two])]);
}

#[test]
fn a_signature_in_the_body_is_written_before_the_body_is_signed() {
    let sent = sent("content = \"{body:id}\"\nsignature = { body = \"mac\", value = \"{hex}\" }\nsigns_body = false");
    let mac = "dfead5789165a6c74aadb1c899ba8c9b8d07160d397929c9a73f055f9dea692b";
    assert_eq!(sent["body"], json!(format!(r#"{{"type":"made","id":"evt_1","mac":"{mac}"}}"#)));
    let one = "1212c18980d81bacfa703279159858242c8175d87d5bcc336c7f274cccbfad44";
    assert_eq!(sent["headers"].as_array().unwrap()[2..], [json!(["x-one", one])]);
}

#[test]
fn signatures_are_written_in_the_order_of_the_manifest_whatever_secret_comes_first() {
    let dir = acme("content = \"{header:x-one}.{body}\"\nsignature = { header = \"x-two\", value = \"{hex}\" }");
    let send = dir.hookdev().args(["--providers", "acme", "send", "acme.made", "--data", "body", "--print", "json"]);
    let secrets = ["--secret", "env:ACME_TWO", "--secret", "env:ACME_WEBHOOK_SECRET"];
    let send = send.args(secrets).env("ACME_WEBHOOK_SECRET", "first").env("ACME_TWO", "second");
    let (one, two) = (
        "93747a08afbfc59aa293ee6e453ab516d2245f0548bbd2f749ea8e64e2dc4245",
        "4a93f2bac0a54ce5670bcce401ab8d1407763cca3cc7b25f7919bec1d000c672",
    );
    let request = send.exits(0).line();
    assert_eq!(request["headers"].as_array().unwrap()[2..], [json!(["x-one", one]), json!(["x-two", two])]);
}

#[test]
fn a_handshake_is_signed_by_the_first_scheme_with_the_secret_that_it_hands_over_and_nothing_is_sent_along() {
    let dir = acme("content = \"{body}\"\nsignature = { header = \"x-two\", value = \"{hex}\" }");
    let own = dir.read("acme/provider.toml");
    let handshake = "[[handshake]]\nname = \"hello\"\nabout = \"Hands over\"\nsecret = \"header:x-new\"\n\
                     headers = { x-new = \"aaaa\" }\nrespond = { headers = { x-new = \"{header:x-new}\" } }\n";
    dir.write("acme/provider.toml", format!("{own}\n{handshake}"));
    // Python: hmac.new(b"aaaa", b"", "sha256")
    let by_itself = "8cc26ca5c20b3e48d2a07c6cd72f9f4f3d55d1544082dc5a221b5ee41732a21a";
    let mut listener = dir.listen().args(["--providers", "acme"]).env("ACME_TWO", "second").starts();
    for variables in [&[][..], &[("ACME_TWO", "second")]] {
        let send = dir.send("acme.hello", listener.url("/acme")).args(["--providers", "acme"]);
        variables.iter().fold(send, |send, (name, value)| send.env(name, value)).exits(0);
        let delivery = listener.next();
        assert_eq!(delivery["verdict"], "unsigned", "{delivery}");
        let headers = delivery["request"]["headers"].as_array().unwrap();
        let signatures: Vec<_> =
            headers.iter().filter(|header| ["x-one", "x-two"].iter().any(|name| header[0] == *name)).collect();
        assert_eq!(signatures, [&json!(["x-one", by_itself])], "{delivery}");
    }
}

#[test]
fn a_script_writes_a_signature_in_the_query_before_the_url_is_signed() {
    let dir = acme("content = \"{body}\"\nsignature = { query = \"s\", value = \"{hex}\" }");
    for format in ["k6", "locust"] {
        let send = ["--providers", "acme", "send", "acme.made", "--data", "body", "--to", "http://127.0.0.1:9/"];
        let script = dir.hookdev().args(send).args(["--print", format]).exits(0).text().to_owned();
        assert!(script.contains("sign_acme_one(sign_acme("), "{script}");
    }
}
