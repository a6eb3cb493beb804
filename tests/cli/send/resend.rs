//! Captured requests, sent again byte for byte.

use serde_json::{Value, json};

use crate::harness::{AUPHONIC, CYANITE, CYANITE_HEADERS, Dir, Endpoint, capture, hang_up, post, respond, text};

/// Headers that belong to one connection.
const OF_A_CONNECTION: [&str; 4] = ["host", "content-length", "connection", "accept"];

#[test]
fn a_capture_is_sent_byte_for_byte() {
    let dir = Dir::new();
    let endpoint = Endpoint::new([respond(200)]);
    for (place, file) in [("captures", "captures"), ("log.ndjson", "log.ndjson")] {
        let listener = dir.listen().args(["--capture", place, "--respond", "200"]).starts();
        let every_byte: Vec<u8> = (0..=255).collect();
        let headers: [&[(&str, &str)]; 4] = [
            &CYANITE_HEADERS,
            &[("content-type", "application/json"), ("x-tag", "b"), ("X-TAG", "a"), ("x-latin", "Zo\u{eb}")],
            &[("content-type", "application/x-www-form-urlencoded"), ("user-agent", "theirs/1"), ("x-empty", "")],
            &[("content-type", "application/octet-stream"), ("signature", "wrong")],
        ];
        let bodies: [&[u8]; 4] = [CYANITE.as_bytes(), b" {\"a\" : 1.0}\r\n", AUPHONIC.as_bytes(), &every_byte];
        for (headers, body) in headers.iter().zip(bodies) {
            post(&listener.url("/hooks?token=1&x=%2F"), headers, body);
        }
        drop(listener);

        dir.send(file, endpoint.url("/again?own=0")).exits(0);
        for (headers, body) in headers.iter().zip(bodies) {
            let request = endpoint.next();
            assert_eq!(request.start, "POST /again?own=0&token=1&x=%2F HTTP/1.1");
            let mut expected: Vec<(String, &str)> =
                headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), *value)).collect();
            expected.sort_by(|a, b| a.0.cmp(&b.0));
            let expected: Vec<(&str, &str)> = expected.iter().map(|(name, value)| (name.as_str(), *value)).collect();
            assert_eq!(request.headers_but(&OF_A_CONNECTION), expected);
            assert_eq!(request.body, body);
        }
        endpoint.got_no_more();
    }
}

#[test]
fn output_of_listen_can_be_sent_like_a_capture() {
    let dir = Dir::new();
    let mut listener = dir.listen().starts();
    let (_, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    let log = format!("{}\n{delivery}\n", json!({"kind": "ready", "url": listener.url("")}));
    let again = dir.hookdev().args(["send", "-", "--json", "--to", &listener.url("/cyanite")]).stdin(log);
    let attempt = again.exits(0).line();
    assert_eq!((text(&attempt, "/event"), text(&attempt, "/provider")), ("cyanite.v2.finished", "cyanite"));
    let again = listener.next();
    assert_eq!((text(&again, "/verdict"), text(&again, "/request/body")), ("verified", CYANITE));
}

#[test]
fn a_capture_keeps_its_method() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    dir.write("one.http", "PUT /x HTTP/1.1\r\nhost: example.com\r\nx-a: 1\r\ncontent-length: 2\r\n\r\n{}");
    dir.send("one.http", endpoint.url("/y")).exits(0);
    let request = endpoint.next();
    assert_eq!((request.start.as_str(), request.text()), ("PUT /y HTTP/1.1", "{}"));
}

#[test]
fn a_capture_of_no_known_provider_succeeds_with_any_2xx() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(204), respond(302)]));
    dir.write("one.http", "POST / HTTP/1.1\r\nhost: example.com\r\n\r\nhello");
    let attempt = dir.send("one.http", endpoint.url("/")).arg("--json").exits(0).line();
    assert_eq!((&attempt["provider"], &attempt["event"]), (&Value::Null, &Value::Null));
    assert_eq!((text(&attempt, "/outcome"), text(&attempt, "/reason")), ("accepted", "any 2xx counts as delivered"));
    let attempt = dir.send("one.http", endpoint.url("/")).arg("--json").exits(1).line();
    assert_eq!((text(&attempt, "/outcome"), text(&attempt, "/reason")), ("refused", "302 is not a 2xx"));
}

#[test]
fn a_capture_succeeds_with_its_providers_success_statuses() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(204)]));
    dir.write("one.json", capture(&CYANITE_HEADERS, CYANITE.as_bytes()).to_string());
    dir.send("one.json", endpoint.url("/")).exits(1).prints("Cyanite counts 204 as failed; it expects exactly 200");
}

#[test]
fn headers_can_be_set_on_a_capture() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    dir.write("one.json", capture(&CYANITE_HEADERS, CYANITE.as_bytes()).to_string());
    dir.send("one.json", endpoint.url("/")).args(["--header", "Signature: other", "--header", "X-New: 1"]).exits(0);
    let request = endpoint.next();
    assert_eq!((request.all("signature"), request.all("x-new")), (vec!["other"], vec!["1"]));
}

#[test]
fn data_cannot_replace_the_body_of_a_capture() {
    let dir = Dir::new();
    dir.write("one.json", capture(&CYANITE_HEADERS, b"{}").to_string());
    dir.write("body", "{}");
    dir.send("one.json", "http://127.0.0.1:1/")
        .args(["--data", "body"])
        .exits(2)
        .stderr("error: --data is the body of an event; captured requests have their own\n");
}

#[test]
fn a_broken_capture_does_not_stop_the_others() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let log =
        format!("{}\n{{\"request\":7}}\n{}\n", capture(&CYANITE_HEADERS, b"first"), capture(&CYANITE_HEADERS, b"last"));
    dir.write("log.ndjson", log);
    dir.send("log.ndjson", endpoint.url("/")).exits(3).says("error: log.ndjson: line 2");
    assert_eq!([endpoint.next().text().to_owned(), endpoint.next().text().to_owned()], ["first", "last"]);
    endpoint.got_no_more();
}

#[test]
fn each_capture_is_reported_with_its_file_and_line() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let one = capture(&CYANITE_HEADERS, CYANITE.as_bytes()).to_string();
    dir.write("log.ndjson", format!("{one}\n{one}\n"));
    dir.write("captures/deep/a.json", one.clone());
    let url = endpoint.url("/");
    let places = |dir: &Dir, what: &[&str], stdin: &str| -> Vec<String> {
        let finished = dir.hookdev().arg("send").args(what).args(["--to", &url]).stdin(stdin).exits(0);
        let place = |line: &str| line.rsplit_once("  ").unwrap().1.to_owned();
        finished.text().lines().map(place).collect()
    };
    let expected = ["log.ndjson", "log.ndjson:2", "captures/deep/a.json"].map(|place| format!("{place} → {url}"));
    assert_eq!(places(&dir, &["log.ndjson", "captures/"], ""), expected);
    assert_eq!(places(&dir, &["-"], &format!("{one}\n{one}\n")), ["-", "-:2"].map(|place| format!("{place} → {url}")));
    // An event does not come from a file.
    assert_eq!(places(&dir, &["cyanite.v2.finished"], ""), [url.as_str()]);
}

#[test]
fn sent_requests_are_saved_as_captures_that_verify() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    for place in ["sent", "sent.ndjson"] {
        dir.send("aspect.*", endpoint.url("/aspect")).args(["--capture", place]).exits(0);
        let lines = dir.hookdev().args(["verify", place, "--json"]).exits(0).lines();
        let verdicts: Vec<(&str, &str)> =
            lines.iter().map(|line| (text(line, "/event"), text(line, "/verdict"))).collect();
        let mut expected = ["completed", "failed", "progress"].map(|event| format!("aspect.task.{event}"));
        expected.sort();
        let mut found: Vec<&str> = verdicts.iter().map(|(event, _)| *event).collect();
        found.sort_unstable();
        assert_eq!(found, expected);
        assert!(verdicts.iter().all(|(_, verdict)| *verdict == "verified"), "{verdicts:?}");
    }
}

#[test]
fn an_argument_that_is_neither_event_nor_file_gets_suggestions() {
    let dir = Dir::new();
    dir.hookdev().args(["send", "cyanite.v2.finish"]).exits(2).stdout("").stderr(
        "error: `cyanite.v2.finish` is neither an event nor a file\n\
         hint: did you mean cyanite.v2.finished, cyanite.v2.failed, cyanite.v1.test?\n\
         to send your own payload: hookdev send cyanite.v2.finished --data FILE\n",
    );
    dir.hookdev()
        .args(["send", "zzzzzz"])
        .exits(2)
        .stderr("error: `zzzzzz` is neither an event nor a file\nhint: `hookdev events` lists all events\n");
}

/// Four captures whose handler responded 200, 500, not at all, and 500.
fn recorded(dir: &Dir) {
    let endpoint = Endpoint::new([respond(200), respond(500), hang_up(), hang_up(), respond(500)]);
    let listener = dir.listen().args(["--forward", &endpoint.url("/"), "--capture", "log.ndjson"]).starts();
    for id in ["1", "2", "3", "4"] {
        post(&listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE.replace("999", id));
    }
}

#[test]
fn the_result_is_compared_with_the_recorded_one() {
    let dir = Dir::new();
    recorded(&dir);
    let endpoint = Endpoint::new([respond(200), respond(200), respond(200), respond(500)]);
    let lines = dir.send("log.ndjson", endpoint.url("/")).arg("--json").exits(1).lines();
    let changes: Vec<_> = lines.iter().map(|line| (line["was"].clone(), line["change"].clone())).collect();
    let expected = [
        (json!({"status": 200}), json!("still-passing")),
        (json!({"status": 500}), json!("fixed")),
        (json!({"status": null}), json!("fixed")),
        (json!({"status": 500}), json!("still-failing")),
    ];
    assert_eq!(changes, expected);
    let endpoint = Endpoint::new([respond(500), respond(200), respond(200), respond(200)]);
    let printed = dir.send("log.ndjson", endpoint.url("/")).exits(1);
    printed.prints("regressed (was 200)").prints("fixed (was 500)").prints("fixed (was no response)");
}

#[test]
fn a_recorded_response_that_was_only_too_late_is_shown_with_its_time() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200), respond(500)]));
    let mut recorded = capture(&CYANITE_HEADERS, CYANITE.as_bytes());
    recorded["forwards"] = json!([{"url": "http://127.0.0.1:1/", "status": 200, "elapsed_ms": 3500.0}]);
    dir.write("slow.json", recorded.to_string());
    dir.send("slow.json", endpoint.url("/")).exits(0).prints("fixed (was 200 after 3.50 s)");
    dir.send("slow.json", endpoint.url("/")).exits(1).prints("still failing (was 200 after 3.50 s)");
}

#[test]
fn without_a_file_those_that_had_failed_are_sent_from_the_captures_of_listen() {
    let dir = Dir::new();
    recorded(&dir);
    let endpoint = Endpoint::new([respond(200), respond(200), respond(200)]);
    let send = || dir.send("--failed", endpoint.url("/"));
    send().exits(2).stdout("").stderr(
        "error: --failed reads the capture path from the config, but no config sets one\n\
         hint: set `capture = \"captures\"` under [listen] in hookdev.toml, or name the file\n",
    );
    dir.write("hookdev.toml", "[listen]\ncapture = \"log.ndjson\"\n");
    let finished = send().exits(0);
    assert_eq!(finished.text().matches("  fixed (was ").count(), 3, "{finished}");
    for id in ["2", "3", "4"] {
        assert_eq!(endpoint.next().text(), CYANITE.replace("999", id));
    }
    endpoint.got_no_more();
}

#[test]
fn only_those_that_had_failed_are_sent() {
    let dir = Dir::new();
    recorded(&dir);
    let endpoint = Endpoint::new([respond(200), respond(200), respond(200)]);
    let finished = dir.send("log.ndjson", endpoint.url("/")).args(["--failed", "--json"]).exits(0);
    let finished = finished
        .says("note: skipped 1 without a recorded failure of your handler; leave out --failed to send everything\n");
    assert_eq!(finished.lines().iter().map(|line| line["change"].clone()).collect::<Vec<_>>(), ["fixed"; 3]);
    for id in ["2", "3", "4"] {
        assert_eq!(endpoint.next().text(), CYANITE.replace("999", id));
    }
    let failed = dir.send("cyanite.v2.finished", endpoint.url("/")).arg("--failed").exits(2);
    failed.says("error: --failed is for captured requests, which record what your handler responded\n");
    // Another tool's capture says nothing about it.
    dir.write("bare.json", capture(&CYANITE_HEADERS, CYANITE).to_string());
    dir.send("bare.json", endpoint.url("/")).args(["--failed", "--json"]).exits(0).stdout("");
    endpoint.got_no_more();
}

#[test]
fn the_newest_capture_of_listen_is_sent() {
    for place in ["captures", "log.ndjson"] {
        let dir = Dir::new();
        dir.write("hookdev.toml", format!("[listen]\ncapture = \"{place}\"\n"));
        let endpoint = Endpoint::new([respond(200)]);
        dir.send("--last", endpoint.url("/")).exits(3).says(&format!("/{place} yet\n"));
        let listener = dir.listen().starts();
        for id in ["1", "2"] {
            post(&listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE.replace("999", id));
        }
        drop(listener);
        dir.send("--last", endpoint.url("/")).exits(0).says("note: the newest capture is ");
        assert_eq!(endpoint.next().text(), CYANITE.replace("999", "2"));
        endpoint.got_no_more();
    }
    let failed = Dir::new().hookdev().args(["send", "--last"]).exits(2);
    failed.says("error: --last reads the capture path from the config, but no config sets one\n");
}

#[test]
fn an_input_without_a_request_is_an_error() {
    let dir = Dir::new();
    let endpoint = Endpoint::new([]);
    let get = r#"{"log":{"version":"1.2","entries":[{"request":{"method":"GET","url":"http://h/a","headers":[]}}]}}"#;
    dir.write("get.har", get);
    let finished = dir.send("get.har", endpoint.url("/")).exits(3);
    let expected = "note: get.har: skipped 1 entry that holds no POST, PUT or PATCH request with a body\n\
                    error: no request to send in get.har\n";
    assert_eq!((finished.text(), finished.stderr.as_str()), ("", expected));
    dir.write("empty/notes.txt", "nothing\n");
    dir.send("empty", endpoint.url("/")).exits(3).says("error: no request to send in empty\n");
}
