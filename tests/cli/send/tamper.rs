//! Deliveries that a handler must reject.

use serde_json::Value;

use crate::{
    harness::{CYANITE, CYANITE_SIGNATURE, Dir, Endpoint, Message, PUBLIC_SECRET, respond, text},
    machine::Port,
};

/// Cyanite's delivery, tampered with this way, at an endpoint that responds 401.
#[track_caller]
fn sent(tamper: &str) -> (Value, Message) {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(401)]));
    let command = dir.send("cyanite.v2.finished", endpoint.url("/")).args(["--tamper", tamper, "--json"]);
    (command.exits(0).line(), endpoint.next())
}

#[test]
fn a_refused_forgery_is_a_success() {
    let (attempt, _) = sent("body");
    assert_eq!((text(&attempt, "/outcome"), &attempt["status"], &attempt["of"]), ("refused", &401.into(), &1.into()));
    assert_eq!(text(&attempt, "/reason"), "refused, as it should be: the body was changed after signing");
}

#[test]
fn each_kind_of_tampering_changes_one_thing() {
    let (_, body) = sent("body");
    assert_eq!(body.header("signature"), Some(CYANITE_SIGNATURE));
    assert_eq!(body.text(), CYANITE.replace("999", "990"));

    let (_, signature) = sent("signature");
    assert_eq!(signature.header("signature"), Some(CYANITE_SIGNATURE.replacen("13", "12", 1).as_str()));
    assert_eq!(signature.text(), CYANITE);

    let (_, missing) = sent("missing");
    assert_eq!((missing.header("signature"), missing.text()), (None, CYANITE));

    let (_, secret) = sent("secret");
    let given = secret.header("signature").unwrap();
    assert_eq!((given.len(), secret.text()), (128, CYANITE));
    assert_ne!(given, CYANITE_SIGNATURE);
}

#[test]
fn a_stale_or_future_delivery_is_genuine_at_another_time() {
    let dir = Dir::new();
    let verified = |tamper: &str, at: &str| -> (String, Value) {
        let pinned = ["--now", "1735732800", "--id", "msg_1", "--print", "http", "--tamper", tamper];
        let printed = dir.hookdev().args(["send", "aspect.task.failed"]).args(pinned).exits(0);
        let (_, finished) = dir.hookdev().args(["verify", "-", "--at", at, "--json"]).stdin(printed.stdout).ends();
        let line = finished.line();
        (text(&line, "/verdict").to_owned(), line["rejection"]["code"].clone())
    };
    let at = |verdict: &str, code: Option<&str>| (verdict.to_owned(), code.map_or(Value::Null, Value::from));
    assert_eq!(verified("stale", "1735732800"), at("rejected", Some("timestamp-too-old")));
    assert_eq!(verified("stale", "1735732200"), at("verified", None));
    assert_eq!(verified("future", "1735732800"), at("rejected", Some("timestamp-too-new")));
    assert_eq!(verified("future", "1735733400"), at("verified", None));
    assert_eq!(verified("secret", "1735732800"), at("rejected", Some("no-matching-signature")));
    assert_eq!(verified("missing", "1735732800"), at("rejected", Some("missing-header")));
}

#[test]
fn an_accepted_forgery_is_a_failure() {
    let dir = Dir::new();
    let reasons = [
        (200, "accepted", "accepted (200) although it has no signature"),
        (
            302,
            "refused",
            "redirected (302) instead of rejected, although it has no signature; Cyanite doesn't follow redirects",
        ),
        (500, "refused", "failed (500) instead of rejecting the request with a 4xx: it has no signature"),
    ];
    for (status, outcome, reason) in reasons {
        let endpoint = Endpoint::new([respond(status)]);
        let command = dir.send("cyanite.v2.finished", endpoint.url("/")).args(["--tamper", "missing", "--json"]);
        let attempt = command.exits(1).line();
        assert_eq!((text(&attempt, "/outcome"), text(&attempt, "/reason")), (outcome, reason));
        endpoint.next();
        endpoint.got_no_more();
    }
    let port = Port::reserve();
    let nobody = format!("http://127.0.0.1:{}/", port.number());
    let unreachable = dir.send("cyanite.v2.finished", nobody).args(["--tamper", "missing"]).exits(4);
    unreachable.prints("(connection refused)");
}

#[test]
fn quiet_prints_only_forgeries_that_were_not_refused() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(403), respond(204)]));
    let send = || dir.send("cyanite.v2.finished", endpoint.url("/")).args(["--tamper", "secret", "-q"]);
    send().exits(0).stdout("").stderr(PUBLIC_SECRET);
    send().exits(1).prints("accepted (204) although it is signed with a different secret");
}

#[test]
fn a_delivery_that_cannot_be_forged_is_a_usage_error() {
    let dir = Dir::new();
    let refused = |event: &str, tamper: &str, reason: &str| {
        let command = dir.hookdev().args(["send", event, "--tamper", tamper]);
        command.exits(2).stdout("").stderr(&format!("error: can't tamper with {reason}\n"));
    };
    let replayed = "does not sign a timestamp: a replayed delivery can't be distinguished from a new one";
    refused("cyanite.v2.finished", "stale", &format!("cyanite.v2.finished: Cyanite {replayed}"));
    refused("jewelmusic.release.live", "future", &format!("jewelmusic.release.live: JewelMusic {replayed}"));
    let unsigned = "Auphonic does not sign deliveries: a forged one can't be distinguished from a valid one";
    refused("auphonic.done", "signature", &format!("auphonic.done: {unsigned}"));
    refused("*.done", "body", &format!("auphonic.done: {unsigned}"));
    refused("cyanite.*", "body", "cyanite.v1.test: Cyanite sends this event without a signature");
    dir.hookdev()
        .args(["send", "cyanite.v2.finished", "--tamper", "body", "--retry"])
        .exits(2)
        .says("'--tamper <KIND>' cannot be used with '--retry'");
}

#[test]
fn a_captured_request_cannot_be_tampered_with() {
    let dir = Dir::new();
    dir.write("request.http", "POST /cyanite HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}");
    dir.hookdev()
        .args(["send", "request.http", "--tamper", "body"])
        .exits(2)
        .stderr("error: --tamper is for events; captured requests are sent unchanged\n");
}

#[test]
fn data_from_a_file_is_signed_and_then_changed() {
    let dir = Dir::new();
    dir.write("body", "{ \"mine\": 41 }\n");
    let args = ["send", "cyanite.v2.finished", "--data", "body", "--tamper", "body", "--print", "json"];
    let printed = dir.hookdev().args(args).exits(0).line();
    assert_eq!(text(&printed, "/body"), "{ \"mine\": 42 }\n");
    // HMAC-SHA512 of the bytes in the file, by Python's hmac.
    let signature = printed["headers"].as_array().unwrap().iter().find(|header| header[0] == "signature").unwrap();
    assert_eq!(signature[1], EXPECTED);
}

const EXPECTED: &str = "f585ec1eb9b09d6a63f9459fe64f1dfcd1f00432c3adb635111d4aa6ce1ac377187b37c0daf04f299f5845e13244c176848dbf241d4a2d3c23e64ff442ffc3cb";
