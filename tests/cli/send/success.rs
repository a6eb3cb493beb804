//! What counts as delivered for each provider, and how it is reported.

use std::time::Duration;

use serde_json::{Value, json};

use super::NOT_FOUND;
use crate::harness::{Dir, Endpoint, TestCommand, hang, keys, respond, text};

/// The only attempt of a delivery with this response, and the exit code.
#[track_caller]
fn attempt(event: &str, status: u16, exit: i32) -> Value {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(status)]));
    let attempt = dir.send(event, endpoint.url("/hooks")).arg("--json").exits(exit).line();
    assert_eq!(attempt["status"], status);
    attempt
}

#[track_caller]
fn accepted(event: &str, status: u16, reason: &str) {
    let attempt = attempt(event, status, 0);
    assert_eq!((text(&attempt, "/outcome"), text(&attempt, "/reason")), ("accepted", reason), "{event} {status}");
}

#[track_caller]
fn refused(event: &str, status: u16, reason: &str) {
    let attempt = attempt(event, status, 1);
    assert_eq!((text(&attempt, "/outcome"), text(&attempt, "/reason")), ("refused", reason), "{event} {status}");
}

#[test]
fn every_built_in_event_is_verified_or_unsigned_by_design() {
    let dir = Dir::new();
    let events = dir.hookdev().args(["events", "--json"]).exits(0).lines();
    assert_eq!(events.len(), 199);
    let mut listener = dir.listen().starts();
    let attempts = dir.send("*", listener.url("/")).arg("--json").exits(0).lines();
    assert_eq!(attempts.len(), events.len());
    for (event, attempt) in events.iter().zip(&attempts) {
        let delivery = listener.next();
        // A signature with the secret that the request itself hands over proves nothing.
        let is_proof = event["signed"] == true && event["name"] != "notion.verification";
        let verdict = if is_proof { "verified" } else { "unsigned" };
        assert_eq!(attempt["event"], event["name"]);
        assert_eq!(attempt["outcome"], "accepted", "{attempt}");
        assert_eq!(delivery["event"], event["name"]);
        assert_eq!(delivery["provider"], event["provider"]);
        assert_eq!(delivery["verdict"], verdict, "{delivery}");
        // No schema describes a handshake.
        let status = if delivery["handshake"] == true { "unknown" } else { "valid" };
        assert_eq!(delivery["payload"], json!({"status": status, "errors": []}), "{delivery}");
        assert_eq!(delivery["warnings"], json!([]), "{delivery}");
    }
}

#[test]
fn only_the_events_that_their_providers_do_not_sign_are_unsigned() {
    let events = Dir::new().hookdev().args(["events", "--json"]).exits(0).lines();
    let unsigned: Vec<&str> =
        events.iter().filter(|event| event["signed"] == false).map(|event| text(event, "/name")).collect();
    assert_eq!(
        unsigned,
        ["asana.hook_secret", "auphonic.done", "auphonic.error", "cyanite.v1.test", "whatsapp.subscribe"]
    );
}

#[test]
fn cyanite_accepts_only_200() {
    accepted("cyanite.v2.finished", 200, "Cyanite expects exactly 200");
    for status in [201, 202, 204, 400, 401, 404, 500, 503] {
        let hint = if status == 404 { NOT_FOUND } else { "" };
        let reason = format!("Cyanite counts {status} as failed; it expects exactly 200{hint}");
        refused("cyanite.v2.finished", status, &reason);
    }
}

#[test]
fn jewelmusic_and_aspect_accept_any_2xx() {
    for status in [200, 201, 202, 204, 299] {
        accepted("jewelmusic.release.live", status, "JewelMusic expects any 2xx");
        accepted("aspect.task.completed", status, "Aspect expects any 2xx");
    }
    refused("jewelmusic.release.live", 500, "JewelMusic counts 500 as failed; it expects any 2xx");
    refused("aspect.task.completed", 401, "Aspect counts 401 as failed; it expects any 2xx");
}

#[test]
fn a_redirect_is_not_followed_and_is_a_failure() {
    let dir = Dir::new();
    let elsewhere = Endpoint::new([respond(200)]);
    for (event, title) in [
        ("cyanite.v2.finished", "Cyanite"),
        ("jewelmusic.release.live", "JewelMusic"),
        ("aspect.task.failed", "Aspect"),
    ] {
        for status in [301, 302, 303, 307, 308] {
            let endpoint = Endpoint::new([respond(status).header("location", &elsewhere.url("/"))]);
            let attempt = dir.send(event, endpoint.url("/")).arg("--json").exits(1).line();
            assert_eq!(attempt["outcome"], "refused");
            assert_eq!(attempt["status"], status);
            let reason = format!("{status} is a redirect, which {title} doesn't follow: the delivery counts as failed");
            assert_eq!(text(&attempt, "/reason"), reason);
        }
    }
    elsewhere.got_no_more();
}

#[test]
fn a_response_after_cyanites_three_seconds_is_too_late_even_with_a_longer_timeout() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200).after(Duration::from_millis(3200))]));
    let attempt =
        dir.send("cyanite.v2.finished", endpoint.url("/")).args(["--timeout", "30s", "--json"]).exits(1).line();
    assert_eq!((&attempt["outcome"], &attempt["status"]), (&json!("refused"), &json!(200)));
    assert!(text(&attempt, "/reason").starts_with("the response took "), "{attempt}");
    assert!(text(&attempt, "/reason").ends_with(" s; Cyanite times out after 3 s"), "{attempt}");
    assert!(attempt["elapsed_ms"].as_f64().unwrap() >= 3200.0, "{attempt}");
}

#[test]
fn a_delivery_to_cyanite_times_out_after_three_seconds() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([hang()]));
    let attempt = dir.send("cyanite.v2.finished", endpoint.url("/")).arg("--json").exits(1).line();
    assert_eq!(attempt["outcome"], "timed-out");
    assert_eq!(attempt["reason"], "no response within 3.0 s");
    assert_eq!((&attempt["status"], &attempt["response"]), (&Value::Null, &Value::Null));
}

#[test]
fn a_response_within_cyanites_three_seconds_is_in_time() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200).after(Duration::from_millis(200))]));
    let attempt = dir.send("cyanite.v2.finished", endpoint.url("/")).arg("--json").exits(0).line();
    assert_eq!(attempt["outcome"], "accepted");
}

#[test]
fn an_attempt_has_the_documented_keys_and_the_whole_response() {
    let (dir, url) = (Dir::new(), "/hooks?token=1");
    let endpoint = Endpoint::new([respond(201).header("X-Answer", "a").header("x-answer", "b").body("created\n")]);
    let attempt = dir.send("aspect.task.completed", endpoint.url(url)).arg("--json").exits(0).line();
    let expected = [
        "attempt",
        "change",
        "elapsed_ms",
        "event",
        "file",
        "id",
        "kind",
        "of",
        "outcome",
        "provider",
        "reason",
        "response",
        "status",
        "url",
        "was",
    ];
    assert_eq!(keys(&attempt), expected);
    assert_eq!(attempt["kind"], "attempt");
    assert_eq!(attempt["provider"], "aspect");
    assert_eq!(attempt["event"], "aspect.task.completed");
    assert_eq!(text(&attempt, "/id"), endpoint.next().header("svix-id").unwrap());
    assert_eq!(attempt["file"], Value::Null);
    assert_eq!(attempt["url"], endpoint.url(url));
    assert_eq!((&attempt["attempt"], &attempt["of"]), (&json!(1), &json!(1)));
    assert_eq!(
        attempt["response"],
        json!({
            "headers": [["X-Answer", "a"], ["x-answer", "b"], ["content-length", "8"]],
            "body": "created\n",
        })
    );
}

#[test]
fn an_attempt_names_the_capture_and_the_id_in_it() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200), respond(200), respond(200), respond(200)]));
    dir.send("aspect.task.completed", endpoint.url("/")).args(["--id", "msg_1", "--capture", "log.ndjson"]).exits(0);
    dir.send("aspect.task.completed", endpoint.url("/")).args(["--id", "msg_2", "--capture", "log.ndjson"]).exits(0);
    let lines = dir.send("log.ndjson", endpoint.url("/")).arg("--json").exits(0).lines();
    let named: Vec<_> = lines.iter().map(|line| (text(line, "/file"), text(line, "/id"))).collect();
    assert_eq!(named, [("log.ndjson", "msg_1"), ("log.ndjson", "msg_2")]);
}

#[test]
fn an_attempt_of_a_provider_without_ids_has_none() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let attempt = dir.send("cyanite.v2.finished", endpoint.url("/")).arg("--json").exits(0).line();
    assert_eq!(attempt["id"], Value::Null);
}

#[test]
fn a_binary_response_is_printed_as_base64() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200).body(b"\xff\x00")]));
    let attempt = dir.send("aspect.task.completed", endpoint.url("/")).arg("--json").exits(0).line();
    assert_eq!(attempt["response"], json!({"headers": [["content-length", "2"]], "body_base64": "/wA="}));
}

#[test]
fn pretty_output_has_the_status_the_reason_and_the_handlers_message() {
    let dir = Dir::new();
    let endpoint = Endpoint::new([respond(200), respond(500).body("Error: boom\n  at handler.js:3\n")]);
    dir.send("cyanite.v2.finished", endpoint.url("/"))
        .exits(0)
        .prints("cyanite.v2.finished  accepted  200  ")
        .prints(&format!("  Cyanite expects exactly 200  {}\n", endpoint.url("/")));
    let finished = dir.send("cyanite.v2.finished", endpoint.url("/")).exits(1);
    let finished = finished.prints("cyanite.v2.finished  refused  500  ");
    let lines: Vec<&str> = finished.text().lines().collect();
    assert_eq!(lines[1..], ["  response: Error: boom", "    at handler.js:3"]);
}

#[test]
fn the_exit_code_is_that_of_the_worst_delivery() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200), respond(500), respond(200)]));
    let events = ["cyanite.v2.finished", "cyanite.v2.failed", "cyanite.v1.test"];
    let lines = dir.hookdev().arg("send").args(events).args(["--json", "--to", &endpoint.url("/")]).exits(1).lines();
    let outcomes: Vec<&str> = lines.iter().map(|line| text(line, "/outcome")).collect();
    assert_eq!(outcomes, ["accepted", "refused", "accepted"]);
}

#[test]
fn the_endpoint_comes_from_the_flag_the_config_or_listens_default() {
    let dir = Dir::new();
    let url = |dir: &Dir, more: &[&str]| {
        let printed = dir.hookdev().args(["send", "aspect.task.failed", "--print", "json"]).args(more).exits(0);
        text(&printed.line(), "/url").to_owned()
    };
    assert_eq!(url(&dir, &[]), "http://127.0.0.1:4400/aspect");
    dir.write("hookdev.toml", "[provider.aspect]\nendpoint = \"http://localhost:3000/hooks/aspect?a=b\"\n");
    assert_eq!(url(&dir, &[]), "http://localhost:3000/hooks/aspect?a=b");
    assert_eq!(url(&dir, &["--to", "http://127.0.0.1:9/x"]), "http://127.0.0.1:9/x");
    assert_eq!(url(&dir, &["--no-config"]), "http://127.0.0.1:4400/aspect");
}

#[test]
fn a_refused_event_that_anyone_can_sign_is_asked_about_once() {
    let endpoint = Endpoint::new([respond(401)]);
    let dir = Dir::new();
    let question = "note: the delivery was signed with the public development secret: does the handler use the same one? \
        --secret cyanite=SOURCE selects another\n";
    let asks = |send: TestCommand| send.exits(1).stderr.matches(question).count();
    assert_eq!(asks(dir.send("cyanite.v2.*", endpoint.url("/"))), 1);
    // It is sent unsigned.
    assert_eq!(asks(dir.send("cyanite.v1.test", endpoint.url("/"))), 0);
    let own_signature = ["--header", "signature: abc"];
    assert_eq!(asks(dir.send("cyanite.v2.finished", endpoint.url("/")).args(own_signature)), 0);
    let own_secret = ["--secret", "cyanite=mine"];
    assert_eq!(asks(dir.send("cyanite.v2.finished", endpoint.url("/")).args(own_secret)), 0);
}
