//! How `listen` responds: fixed status codes, delays, and limits on what it accepts.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{CYANITE, CYANITE_HEADERS, Connection, Dir, Endpoint, Signed, post, request, respond, text};

#[test]
fn fixed_statuses_rotate_regardless_of_the_verdict() {
    let mut listener = Dir::new().listen().args(["--respond", "503,204,200"]).starts();
    for status in [503, 204, 200, 503, 204] {
        let (response, delivery) = listener.receives("/cyanite", &[], "not signed");
        assert_eq!(response.status(), status);
        assert_eq!(delivery["response"]["status"], status);
        assert_eq!(text(&delivery, "/verdict"), "rejected");
    }
}

#[test]
fn a_response_that_the_provider_counts_as_failed_gets_a_warning() {
    let dir = Dir::new();
    let warnings = |event: &str, status: &str| {
        let mut listener = dir.listen().args(["--respond", status]).starts();
        let signed = Signed::new(&dir, event, &[]);
        listener.receives("/", &signed.headers(), &signed.body).1["warnings"].take()
    };
    assert_eq!(warnings("cyanite.v2.finished", "200"), json!([]));
    assert_eq!(warnings("cyanite.v2.finished", "204"), json!(["Cyanite counts 204 as failed; it expects exactly 200"]));
    assert_eq!(
        warnings("cyanite.v1.test", "302"),
        json!(["302 is a redirect, which Cyanite doesn't follow: the delivery counts as failed"])
    );
    assert_eq!(warnings("jewelmusic.release.live", "204"), json!([]));
    assert_eq!(
        warnings("jewelmusic.release.live", "307"),
        json!(["307 is a redirect, which JewelMusic doesn't follow: the delivery counts as failed"])
    );
    assert_eq!(warnings("aspect.task.failed", "500"), json!(["Aspect counts 500 as failed; it expects any 2xx"]));
}

#[test]
fn a_response_is_delayed_as_requested() {
    let mut listener = Dir::new().listen().args(["--delay", "500ms"]).starts();
    let start = Instant::now();
    let (response, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert!(start.elapsed() >= Duration::from_millis(500));
    assert_eq!((response.status(), &delivery["warnings"]), (200, &json!([])));
    assert!(delivery["response"]["elapsed_ms"].as_f64().unwrap() >= 500.0, "{delivery}");
}

#[test]
fn a_response_after_cyanites_three_seconds_gets_a_warning() {
    let mut listener = Dir::new().listen().args(["--delay", "3100ms"]).starts();
    let (response, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!(response.status(), 200);
    let warning = text(&delivery, "/warnings/0");
    assert!(
        warning.starts_with("the response took ") && warning.ends_with(" s; Cyanite times out after 3 s"),
        "{warning}"
    );
}

#[test]
fn a_body_up_to_the_limit_is_accepted_and_a_longer_one_gets_413() {
    let mut listener = Dir::new().listen().args(["--max-body", "1KiB"]).starts();
    let (response, delivery) = listener.receives("/", &[], [b'a'; 1024]);
    assert_eq!((response.status(), text(&delivery, "/request/body").len()), (200, 1024));
    let response = post(&listener.url("/hooks"), &[], [b'a'; 1025]);
    assert_eq!((response.status(), response.text()), (413, "the body is too large\n"));
    listener.says(
        "warning: POST /hooks: the body is larger than 1024 bytes; responded 413; raise the limit with --max-body\n",
    );
    let (_, delivery) = listener.receives("/", &[], "next");
    assert_eq!((text(&delivery, "/request/body"), &delivery["seq"]), ("next", &json!(2)));
}

#[test]
fn a_chunked_body_over_the_limit_gets_413() {
    let mut listener = Dir::new().listen().args(["--max-body", "1KiB"]).starts();
    let mut connection = Connection::to(&listener.url(""));
    connection.write("POST /hooks HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
    let chunk = format!("200\r\n{}\r\n", "a".repeat(512));
    connection.write(chunk.repeat(2)).unwrap();
    connection.write("1\r\na\r\n").unwrap();
    assert_eq!(connection.response().unwrap().status(), 413);
    listener.says("responded 413; raise the limit with --max-body\n");
}

#[test]
fn a_sender_that_writes_a_huge_body_before_it_reads_still_gets_413() {
    let listener = Dir::new().listen().args(["--max-body", "64KiB"]).starts();
    for _ in 0..5 {
        assert_eq!(post(&listener.url("/"), &[], vec![b'a'; 8 << 20]).status(), 413);
    }
}

#[test]
fn a_sender_that_expects_100_continue_gets_413_before_it_sends_the_body() {
    let mut listener = Dir::new().listen().args(["--max-body", "64KiB"]).starts();
    let mut connection = Connection::to(&listener.url(""));
    connection.write("POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 65537\r\n\r\n").unwrap();
    assert_eq!(connection.response().unwrap().start, "HTTP/1.1 413 Payload Too Large");

    let mut connection = Connection::to(&listener.url(""));
    connection.write("POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 65536\r\n\r\n").unwrap();
    connection.write(vec![b'a'; 65536]).unwrap();
    assert_eq!(connection.response().unwrap().status(), 200);
    assert_eq!(text(&listener.next(), "/request/body").len(), 65536);
}

#[test]
fn the_default_limit_is_ten_mebibytes() {
    let mut listener = Dir::new().listen().starts();
    let (response, delivery) = listener.receives("/", &[], vec![b'a'; 10 << 20]);
    assert_eq!((response.status(), text(&delivery, "/request/body").len()), (200, 10 << 20));
}

#[test]
fn only_matching_events_are_printed_and_the_rest_get_responses_too() {
    let dir = Dir::new();
    let mut listener = dir.listen().args(["--filter", "cyanite.v2.*"]).starts();
    assert_eq!(post(&listener.url("/cyanite"), &[], r#"{"type":"TEST","data":null}"#).status(), 200);
    assert_eq!(post(&listener.url("/"), &[], "hello").status(), 200);
    assert_eq!(post(&listener.url("/aspect"), &[], "{}").status(), 401);
    let (_, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!((text(&delivery, "/event"), &delivery["seq"]), ("cyanite.v2.finished", &json!(4)));
}

#[test]
fn a_glob_that_matches_no_known_event_gets_a_warning_and_works() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(202)]));
    let forward = format!("jewelmusic.webhook.test={}", endpoint.url("/"));
    let mut listener = dir.listen().args(["--filter", "jewelmusic.web*", "--forward", &forward]).starts();
    listener.says("warning: --filter `jewelmusic.web*` matches no known event");
    listener.says("warning: --forward `jewelmusic.webhook.test` matches no known event");
    let body = r#"{"id":"evt_1","type":"webhook.test","created":1,"data":{}}"#;
    let (response, delivery) = listener.receives("/jewelmusic", &[], body);
    assert_eq!((response.status(), text(&delivery, "/event")), (202, "jewelmusic.webhook.test"));
}

#[test]
fn a_connection_serves_several_deliveries() {
    let mut listener = Dir::new().listen().starts();
    let mut connection = Connection::to(&listener.url(""));
    for _ in 0..3 {
        connection.write(request("POST", &listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE)).unwrap();
        assert_eq!(connection.response().unwrap().status(), 200);
        assert_eq!(text(&listener.next(), "/verdict"), "verified");
    }
}

#[test]
fn malformed_http_gets_400_and_affects_no_other_request() {
    let mut listener = Dir::new().listen().starts();
    for garbage in ["hello\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\x16\x03\x01\x02\x00\x01\r\n\r\n"] {
        let mut connection = Connection::to(&listener.url(""));
        connection.write(garbage).unwrap();
        if let Ok(response) = connection.response() {
            assert!([400, 505].contains(&response.status()), "{response:?}");
        }
    }
    assert_eq!(text(&listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE).1, "/verdict"), "verified");
}

#[test]
fn an_endless_head_gets_431() {
    let listener = Dir::new().listen().starts();
    let long = "a".repeat(70 << 10);
    assert_eq!(post(&listener.url("/"), &[("x-long", &long)], "").status(), 431);
    let many: Vec<(String, &str)> = (0..200).map(|number| (format!("x-{number}"), "1")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    assert_eq!(post(&listener.url("/"), &many, "").status(), 431);
}

#[test]
fn invalid_response_options_are_usage_errors() {
    let dir = Dir::new();
    for wrong in ["100", "600", "ok", "200,,"] {
        dir.listen().args(["--respond", wrong]).exits(2).says("--respond");
    }
    for option in [["--delay", "5"], ["--max-body", "10MB"], ["--timeout", "soon"], ["--filter", "a["]] {
        let finished = dir.listen().args(option).exits(2);
        assert!(finished.stderr.contains(option[1]), "{}", finished.stderr);
    }
}

#[test]
fn fixed_status_codes_replace_the_forwards_of_the_config() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    dir.write("hookdev.toml", format!("[[forward]]\nevents = \"*\"\nto = \"{}\"\n", endpoint.url("/")));
    let mut listener = dir.listen().args(["--config", "hookdev.toml", "--respond", "503"]).starts();
    listener.says("note: --respond is set, so the forwards in the config are not used\n");
    let (response, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!((response.status(), &delivery["forwards"]), (503, &serde_json::json!([])));
}
