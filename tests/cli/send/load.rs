//! Many deliveries over kept connections: their requests, and the reports.

mod ends;
#[cfg(unix)]
mod progress;
mod reuse;
mod schedule;

use std::{
    collections::HashSet,
    io::{self, BufReader, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use serde_json::{Value, json};

use crate::harness::{
    CYANITE, CYANITE_SIGNATURE, Dir, Endpoint, Finished, Message, PUBLIC_SECRET, hang_up, keys, respond, text,
};

/// The lines of a run's attempts, and its summary.
#[track_caller]
fn results(finished: &Finished) -> (Vec<Value>, Value) {
    let mut lines = finished.lines();
    let summary = lines.pop().expect("a summary");
    assert_eq!(summary["kind"], "summary");
    assert!(lines.iter().all(|line| line["kind"] == "attempt"), "{finished}");
    (lines, summary)
}

#[test]
fn a_repeated_handshake_is_judged_as_one() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let send = dir.send("slack.url_verification", endpoint.url("/"));
    let (attempts, summary) = results(&send.args(["--repeat", "2", "--json"]).exits(1));
    assert_eq!(summary["outcomes"]["refused"], 2, "{summary}");
    for attempt in attempts {
        let reason = text(&attempt, "/reason");
        assert!(reason.contains("the response's body"), "{reason}");
    }
}

#[test]
fn a_repeated_handshake_finds_the_header_that_its_provider_prescribes() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200).header("X-Hook-Secret", "abc")]));
    let send = dir.send("asana.hook_secret", endpoint.url("/")).args(["--header", "X-Hook-Secret: abc"]);
    send.args(["--repeat", "2"]).exits(0);
}

#[test]
fn each_request_is_a_separate_delivery() {
    let dir = Dir::new();
    let mut listener = dir.listen().starts();
    let send = dir.send("aspect.task.completed", listener.url("/aspect"));
    let (attempts, summary) = results(&send.args(["--repeat", "60", "--concurrency", "8", "--json"]).exits(0));
    assert_eq!((attempts.len(), &summary["requests"]), (60, &json!(60)));
    let (mut ids, mut values, mut signatures) = (HashSet::new(), HashSet::new(), HashSet::new());
    for _ in 0..60 {
        let delivery = listener.next();
        assert_eq!(delivery["verdict"], "verified", "{delivery}");
        let headers = delivery["request"]["headers"].as_array().unwrap();
        let value = |wanted: &str| {
            let field = headers.iter().find(|field| field[0] == wanted).expect("a header");
            text(field, "/1").to_owned()
        };
        ids.insert(value("svix-id"));
        signatures.insert(value("svix-signature"));
        let body: Value = serde_json::from_str(text(&delivery, "/request/body")).unwrap();
        values.insert(text(&body, "/event_id").to_owned());
    }
    assert_eq!((ids.len(), values.len(), signatures.len()), (60, 60, 60));
}

#[test]
fn connections_are_reused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        // There is no response until all have arrived, so that every connection is used.
        let streams: Vec<_> = (0..32).map(|_| listener.accept().unwrap().0).collect();
        let serve = |stream: TcpStream| {
            thread::spawn(move || {
                let (mut stream, mut requests) = (BufReader::new(stream), 0);
                while let Ok(Some(_)) = Message::read(&mut stream) {
                    requests += 1;
                    stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
                }
                requests
            })
        };
        let served: Vec<_> = streams.into_iter().map(serve).collect();
        let requests: usize = served.into_iter().map(|thread| thread.join().unwrap()).sum();
        listener.set_nonblocking(true).unwrap();
        (requests, listener.accept().unwrap_err().kind())
    });
    let dir = Dir::new();
    let send = dir.send("cyanite.v2.finished", url).args(["--repeat", "640", "--concurrency", "32", "--json", "-q"]);
    assert_eq!(results(&send.exits(0)).1["outcomes"]["accepted"], 640);
    assert_eq!(server.join().unwrap(), (640, io::ErrorKind::WouldBlock));
}

#[test]
fn a_connection_that_the_response_closes_is_replaced() {
    let endpoint = Endpoint::new([respond(200).header("connection", "close").body("bye")]);
    let dir = Dir::new();
    let send = dir.send("cyanite.v2.finished", endpoint.url("/")).args(["--repeat", "10", "--json", "-q"]);
    assert_eq!(results(&send.exits(0)).1["outcomes"]["accepted"], 10);
    assert_eq!(endpoint.connections(), 10);
}

#[test]
fn the_default_is_one_connection() {
    let endpoint = Endpoint::new([respond(200)]);
    Dir::new().send("cyanite.v2.finished", endpoint.url("/")).args(["--repeat", "10"]).exits(0);
    assert_eq!(endpoint.connections(), 1);
    (0..10).for_each(|_| drop(endpoint.next()));
    endpoint.got_no_more();
}

#[test]
fn named_events_are_sent_in_rotation() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let send = dir.hookdev().args(["send", "cyanite.v2.finished", "auphonic.done", "--repeat", "5"]);
    send.args(["--to", &endpoint.url("/hooks?token=1")]).exits(0);
    let types: Vec<String> = (0..5).map(|_| endpoint.next().header("content-type").unwrap().to_owned()).collect();
    let (json, form) = ("application/json", "application/x-www-form-urlencoded");
    assert_eq!(types, [json, form, json, form, json]);
}

#[test]
fn requests_are_the_same_as_those_of_a_single_send() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let send = || dir.send("cyanite.v2.finished", endpoint.url("/hooks?a=%20b")).args(["--header", "X-Mine: 1"]);
    send().exits(0);
    send().args(["--repeat", "1"]).exits(0);
    let (one, repeated) = (endpoint.next(), endpoint.next());
    assert_eq!((&repeated.start, &repeated.body), (&one.start, &one.body));
    assert_eq!(repeated.headers_but(&[]), one.headers_but(&[]));
    assert_eq!((repeated.text(), repeated.header("signature")), (CYANITE, Some(CYANITE_SIGNATURE)));
}

#[test]
fn a_captured_request_is_sent_byte_for_byte_each_time() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let body = " {\"a\" : 1.0}\r\n";
    dir.write(
        "one.http",
        format!(
            "POST /x?t=1 HTTP/1.1\r\nhost: a\r\nX-Tag: b\r\nx-tag: a\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ),
    );
    dir.send("one.http", endpoint.url("/again")).args(["--repeat", "3"]).exits(0);
    for _ in 0..3 {
        let request = endpoint.next();
        assert_eq!((request.start.as_str(), request.text()), ("POST /again?t=1 HTTP/1.1", body));
        assert_eq!(request.all("x-tag"), ["b", "a"]);
    }
}

#[test]
fn a_pinned_id_is_the_id_of_every_request() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    dir.send("aspect.task.failed", endpoint.url("/")).args(["--repeat", "3", "--id", "msg_1"]).exits(0);
    (0..3).for_each(|_| assert_eq!(endpoint.next().header("svix-id"), Some("msg_1")));
}

#[test]
fn counts_follow_the_providers_rules() {
    // The first to hang up ends a reused connection, so that the delivery is sent once more.
    let turns =
        [respond(204), respond(302), respond(500).body("boom"), hang_up(), hang_up(), respond(204), respond(200)];
    let endpoint = Endpoint::new(turns);
    let dir = Dir::new();
    let send = dir.send("cyanite.v2.finished", endpoint.url("/")).args(["--repeat", "10", "--json"]);
    let (attempts, summary) = results(&send.exits(1));
    let outcomes: Vec<&str> = attempts.iter().map(|attempt| text(attempt, "/outcome")).collect();
    assert_eq!(outcomes[..6], ["refused", "refused", "refused", "refused", "refused", "accepted"]);
    assert_eq!(text(&attempts[2], "/response/body"), "boom");
    assert_eq!(summary["outcomes"], json!({"accepted": 5, "refused": 5, "timed-out": 0, "unreachable": 0}));
    assert_eq!(summary["statuses"], json!({"200": 5, "204": 2, "302": 1, "500": 1}));
    let reasons = json!({
        "Cyanite counts 204 as failed; it expects exactly 200": 2,
        "302 is a redirect, which Cyanite doesn't follow: the delivery counts as failed": 1,
        "Cyanite counts 500 as failed; it expects exactly 200": 1,
        "the connection was closed before the response was complete": 1,
    });
    assert_eq!((&summary["reasons"], &summary["broke_limit"]), (&reasons, &json!(4)));
}

#[test]
fn quiet_prints_only_requests_that_were_not_accepted() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200), respond(500), respond(200)]));
    let quiet = || dir.send("cyanite.v2.finished", endpoint.url("/")).args(["--repeat", "5", "-q"]);
    let (attempts, _) = results(&quiet().arg("--json").exits(1));
    assert_eq!(attempts.iter().map(|attempt| &attempt["status"]).collect::<Vec<_>>(), [500]);
    quiet().exits(0).stdout("").stderr(PUBLIC_SECRET);
}

#[test]
fn the_summary_has_the_documented_keys() {
    let endpoint = Endpoint::new([respond(200)]);
    let dir = Dir::new();
    let send = dir.send("cyanite.v2.finished", endpoint.url("/")).args(["--repeat", "2", "--json"]);
    let (attempts, summary) = results(&send.exits(0));
    let expected = ["broke_limit", "elapsed_ms", "kind", "latency_ms", "not_started", "outcomes", "rate", "reasons"];
    assert_eq!(keys(&summary), [&expected[..], &["requests", "statuses"]].concat());
    assert_eq!(keys(&summary["latency_ms"]), ["max", "p50", "p90", "p99", "p99_9"]);
    assert_eq!(keys(&summary["outcomes"]), ["accepted", "refused", "timed-out", "unreachable"]);
    assert_eq!((&attempts[0]["attempt"], &attempts[0]["of"]), (&json!(1), &json!(1)));
    assert_eq!(text(&attempts[0], "/reason"), "Cyanite expects exactly 200");
}

#[test]
fn the_pretty_summary_is_a_table() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200), respond(200), respond(401)]));
    let finished = dir.send("cyanite.v2.finished", endpoint.url("/")).args(["--repeat", "4"]).exits(1);
    assert!(finished.text().starts_with("4 requests in "), "{finished}");
    finished
        .prints("\n  accepted               2   50.00 %\n  refused                2   50.00 %\n")
        .prints("\n  status 200             2   50.00 %\n  status 401             2   50.00 %\n")
        .prints("\n  latency  p50 ")
        .prints("\n  not accepted:\n           2  Cyanite counts 401 as failed; it expects exactly 200\n")
        .prints("\n  2 violate the provider's rules: 2 wrong status\n");
}

#[test]
fn sent_requests_can_be_captured() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let send = dir.send("cyanite.v2.finished", endpoint.url("/"));
    send.args(["--repeat", "7", "--concurrency", "3", "--capture", "sent.ndjson"]).exits(0);
    assert_eq!(dir.read("sent.ndjson").lines().count(), 7);
    dir.hookdev().args(["verify", "sent.ndjson"]).exits(0);
}
