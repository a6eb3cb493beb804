//! `--print vegeta`: targets of its JSON format, as `lib/target.schema.json` and `lib/targets_json.go` of vegeta have
//! it.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::printed;
use crate::harness::{CYANITE, CYANITE_HEADERS, CYANITE_SIGNATURE, Dir, capture, keys, post, text};

#[test]
fn a_target_is_the_signed_request() {
    let expected = json!({
        "method": "POST",
        "url": "http://127.0.0.1:4400/cyanite",
        "body": BASE64_STANDARD.encode(CYANITE),
        // Go recognises names only in this case, and sends others in addition to its own.
        "header": {
            "Content-Type": ["application/json"],
            "User-Agent": [format!("hookdev/{}", env!("CARGO_PKG_VERSION"))],
            "Signature": [CYANITE_SIGNATURE],
        },
    });
    assert_eq!(printed(&Dir::new(), "cyanite.v2.finished", "vegeta").exits(0).line(), expected);
}

#[test]
fn a_repeated_header_keeps_all_its_values() {
    let dir = Dir::new();
    let headers = [&CYANITE_HEADERS[..], &[("x-tag", "b"), ("x-other", "c"), ("x-tag", "a"), ("host", "a")]].concat();
    dir.write("one.json", capture(&headers, CYANITE).to_string());
    let target = printed(&dir, "one.json", "vegeta").exits(0).line();
    assert_eq!(keys(&target), ["body", "header", "method", "url"]);
    assert_eq!(keys(&target["header"]), ["Content-Type", "Signature", "X-Other", "X-Tag"]);
    assert_eq!(target["header"]["X-Tag"], json!(["b", "a"]));
}

#[test]
fn each_target_is_genuine() {
    let dir = Dir::new();
    let mut listener = dir.listen().starts();
    let send = dir.hookdev().args(["send", "aspect.task.completed", "--print", "vegeta", "--repeat", "5"]);
    let targets = send.exits(0).lines();
    assert_eq!(targets.len(), 5);
    for target in targets {
        let header = target["header"].as_object().unwrap().iter();
        let headers: Vec<(&str, &str)> = header.map(|(name, values)| (name.as_str(), text(values, "/0"))).collect();
        post(&listener.url("/aspect"), &headers, BASE64_STANDARD.decode(text(&target, "/body")).unwrap());
        assert_eq!(listener.next()["verdict"], Value::from("verified"));
    }
}
