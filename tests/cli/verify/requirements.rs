//! What `--require` adds.

use super::{good, tampered};
use serde_json::{Value, json};

use crate::harness::{Dir, Signed, TestCommand, capture};

const TEST: &str = "POST /cyanite HTTP/1.1\r\n\r\n{\"type\":\"TEST\",\"data\":null}";

fn verify(dir: &Dir, file: &str, require: &str) -> TestCommand {
    dir.hookdev().args(["verify", file, "--require", require])
}

#[test]
fn a_signature_can_be_required_even_of_unsigned_events() {
    let dir = Dir::new();
    let signed = Signed::new(&dir, "cyanite.v2.finished", &["--secret", "mine"]);
    dir.write("good.json", capture(&signed.headers(), &signed.body).to_string());
    dir.write("test.http", TEST);
    verify(&dir, "good.json", "signature").args(["--secret", "cyanite=mine"]).exits(0);
    verify(&dir, "test.http", "signature")
        .exits(1)
        .stdout("unsigned      cyanite.v1.test  test.http\n  required: a valid signature\n");
}

#[test]
fn a_checked_timestamp_can_be_required() {
    let dir = Dir::new();
    dir.write("good.json", good());
    verify(&dir, "good.json", "freshness").exits(1).prints("  required: a signed timestamp\n");
    let message = dir.hookdev().args(["send", "aspect.task.failed", "--print", "http"]).exits(0).stdout;
    dir.write("aspect.http", message);
    verify(&dir, "aspect.http", "freshness")
        .exits(1)
        .prints("  required: a time of receipt to check the timestamp against (--at sets one)\n");
    verify(&dir, "aspect.http", "freshness").args(["--at", "now"]).exits(0);
}

#[test]
fn a_schema_can_be_required() {
    let dir = Dir::new();
    let printed = ["send", "jewelmusic.release.live", "--set", "type=release.unheard", "--print", "json"];
    dir.write("unlisted.json", dir.hookdev().args(printed).exits(0).stdout);
    dir.hookdev().args(["verify", "unlisted.json"]).exits(0);
    verify(&dir, "unlisted.json", "schema")
        .exits(1)
        .prints("  required: a payload that can be checked against a schema\n");
    dir.write("good.json", good());
    verify(&dir, "good.json", "schema").exits(0);
}

#[test]
fn a_payload_that_cannot_be_read_is_not_checked() {
    // printf hello | openssl dgst -sha256 -hmac s3cret
    let signature = "x-hub-signature-256: sha256=e5a01537481fa0b2c697f787c7aff885412cf0760d08e08502259b39d2d6ae68";
    let headers =
        ["--header", "x-github-event: push", "--header", "content-type: application/json", "--header", signature];
    let verify = |args: &[&str], code| {
        let command = ["verify", "-", "--secret", "github=s3cret"];
        Dir::new().hookdev().args(command).args(headers).args(args).stdin("hello").exits(code)
    };
    verify(&[], 0).prints("  payload not checked: it can't be read\n");
    verify(&["--require", "schema"], 1).prints("  required: a payload that can be checked against a schema\n");
}

#[test]
fn several_requirements_combine() {
    let dir = Dir::new();
    dir.write("test.http", TEST);
    for options in [&["--require", "signature,freshness"][..], &["--require", "signature", "--require", "freshness"]] {
        let finished = dir.hookdev().args(["verify", "test.http"]).args(options).exits(1);
        finished.prints("  required: a valid signature\n  required: a signed timestamp\n");
    }
}

#[test]
fn json_names_what_is_missing() {
    let dir = Dir::new();
    dir.write("test.http", TEST);
    dir.write("good.json", good());
    let message = dir.hookdev().args(["send", "aspect.task.failed", "--print", "http"]).exits(0).stdout;
    dir.write("aspect.http", message);
    let unlisted = ["send", "jewelmusic.release.live", "--set", "type=release.unheard", "--print", "json"];
    dir.write("unlisted.json", dir.hookdev().args(unlisted).exits(0).stdout);
    let missing = |file, require, exit| -> Value {
        verify(&dir, file, require).arg("--json").exits(exit).line()["missing"].clone()
    };
    assert_eq!(missing("test.http", "signature,freshness", 1), json!(["signature", "timestamp"]));
    assert_eq!(missing("good.json", "freshness", 1), json!(["timestamp"]));
    assert_eq!(missing("aspect.http", "freshness", 1), json!(["receipt-time"]));
    assert_eq!(missing("unlisted.json", "schema", 1), json!(["schema"]));
    assert_eq!(missing("good.json", "schema", 0), json!([]));
}

#[test]
fn an_unknown_requirement_is_an_error_that_lists_the_known_ones() {
    let dir = Dir::new();
    dir.write("bad.json", tampered());
    verify(&dir, "bad.json", "signatur").exits(2).says("signature, freshness, schema").says("similar value");
}
