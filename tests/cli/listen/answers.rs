//! How `listen` answers: by turn, late, and never with more than it may take.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{CYANITE, CYANITE_HEADERS, Connection, Dir, Endpoint, Signed, answer, post, request, text};

#[test]
fn answers_are_given_by_turn_whatever_the_verdict() {
    let mut listener = Dir::new().listen().args(["--respond", "503,204,200"]).starts();
    for status in [503, 204, 200, 503, 204] {
        let (answer, delivery) = listener.receives("/cyanite", &[], "not signed");
        assert_eq!(answer.status(), status);
        assert_eq!(delivery["response"]["status"], status);
        assert_eq!(text(&delivery, "/verdict"), "rejected");
    }
}

#[test]
fn an_answer_that_the_provider_would_count_as_failed_is_warned_about() {
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
fn an_answer_waits_as_long_as_it_is_told_to() {
    let mut listener = Dir::new().listen().args(["--delay", "500ms"]).starts();
    let start = Instant::now();
    let (answer, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert!(start.elapsed() >= Duration::from_millis(500));
    assert_eq!((answer.status(), &delivery["warnings"]), (200, &json!([])));
    assert!(delivery["response"]["elapsed_ms"].as_f64().unwrap() >= 500.0, "{delivery}");
}

#[test]
fn an_answer_past_cyanites_three_seconds_is_warned_about() {
    let mut listener = Dir::new().listen().args(["--delay", "3100ms"]).starts();
    let (answer, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!(answer.status(), 200);
    let warning = text(&delivery, "/warnings/0");
    assert!(
        warning.starts_with("the response took ") && warning.ends_with(" s; Cyanite times out after 3 s"),
        "{warning}"
    );
}

#[test]
fn a_body_up_to_the_limit_is_taken_and_a_longer_one_answered_413() {
    let mut listener = Dir::new().listen().args(["--max-body", "1KiB"]).starts();
    let (answer, delivery) = listener.receives("/", &[], [b'a'; 1024]);
    assert_eq!((answer.status(), text(&delivery, "/request/body").len()), (200, 1024));
    let answer = post(&listener.url("/hooks"), &[], [b'a'; 1025]);
    let told = "the body is too large\n";
    assert_eq!((answer.status(), answer.text()), (413, told));
    listener.says("warning: POST /hooks: the body is larger than the limit of 1024 bytes: answered 413\n");
    let (_, delivery) = listener.receives("/", &[], "next");
    assert_eq!((text(&delivery, "/request/body"), &delivery["seq"]), ("next", &json!(2)));
}

#[test]
fn a_chunked_body_longer_than_the_limit_is_answered_413() {
    let mut listener = Dir::new().listen().args(["--max-body", "1KiB"]).starts();
    let mut connection = Connection::to(&listener.url(""));
    connection.write("POST /hooks HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
    let chunk = format!("200\r\n{}\r\n", "a".repeat(512));
    connection.write(chunk.repeat(2)).unwrap();
    connection.write("1\r\na\r\n").unwrap();
    assert_eq!(connection.answer().unwrap().status(), 413);
    listener.says("answered 413\n");
}

#[test]
fn a_sender_that_writes_a_far_too_long_body_before_it_reads_learns_of_413() {
    let listener = Dir::new().listen().args(["--max-body", "64KiB"]).starts();
    for _ in 0..5 {
        assert_eq!(post(&listener.url("/"), &[], vec![b'a'; 8 << 20]).status(), 413);
    }
}

#[test]
fn a_sender_that_asks_before_it_writes_a_too_long_body_learns_of_413_at_once() {
    let mut listener = Dir::new().listen().args(["--max-body", "64KiB"]).starts();
    let mut connection = Connection::to(&listener.url(""));
    connection.write("POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 65537\r\n\r\n").unwrap();
    assert_eq!(connection.answer().unwrap().start, "HTTP/1.1 413 Payload Too Large");

    let mut connection = Connection::to(&listener.url(""));
    connection.write("POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 65536\r\n\r\n").unwrap();
    connection.write(vec![b'a'; 65536]).unwrap();
    assert_eq!(connection.answer().unwrap().status(), 200);
    assert_eq!(text(&listener.next(), "/request/body").len(), 65536);
}

#[test]
fn ten_mebibytes_are_taken_unless_told_otherwise() {
    let mut listener = Dir::new().listen().starts();
    let (answer, delivery) = listener.receives("/", &[], vec![b'a'; 10 << 20]);
    assert_eq!((answer.status(), text(&delivery, "/request/body").len()), (200, 10 << 20));
}

#[test]
fn only_what_the_filter_matches_is_shown_and_the_rest_is_answered_all_the_same() {
    let dir = Dir::new();
    let mut listener = dir.listen().args(["--filter", "cyanite.v2.*"]).starts();
    assert_eq!(post(&listener.url("/cyanite"), &[], r#"{"type":"TEST","data":null}"#).status(), 200);
    assert_eq!(post(&listener.url("/"), &[], "hello").status(), 200);
    assert_eq!(post(&listener.url("/aspect"), &[], "{}").status(), 401);
    let (_, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!((text(&delivery, "/event"), &delivery["seq"]), ("cyanite.v2.finished", &json!(4)));
}

#[test]
fn a_glob_that_matches_no_known_event_is_warned_about_and_works() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([answer(202)]));
    let forward = format!("jewelmusic.webhook.test={}", endpoint.url("/"));
    let mut listener = dir.listen().args(["--filter", "jewelmusic.web*", "--forward", &forward]).starts();
    listener.says("warning: --forward `jewelmusic.webhook.test` matches no known event");
    listener.says("warning: --filter `jewelmusic.web*` matches no known event");
    let body = r#"{"id":"evt_1","type":"webhook.test","created":1,"data":{}}"#;
    let (answer, delivery) = listener.receives("/jewelmusic", &[], body);
    assert_eq!((answer.status(), text(&delivery, "/event")), (202, "jewelmusic.webhook.test"));
}

#[test]
fn a_connection_is_kept_from_one_delivery_to_the_next() {
    let mut listener = Dir::new().listen().starts();
    let mut connection = Connection::to(&listener.url(""));
    for _ in 0..3 {
        connection.write(request("POST", &listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE)).unwrap();
        assert_eq!(connection.answer().unwrap().status(), 200);
        assert_eq!(text(&listener.next(), "/verdict"), "verified");
    }
}

#[test]
fn what_is_no_http_is_answered_400_and_ends_nothing_else() {
    let mut listener = Dir::new().listen().starts();
    for garbage in ["hello\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\x16\x03\x01\x02\x00\x01\r\n\r\n"] {
        let mut connection = Connection::to(&listener.url(""));
        connection.write(garbage).unwrap();
        if let Ok(answer) = connection.answer() {
            assert!([400, 505].contains(&answer.status()), "{answer:?}");
        }
    }
    assert_eq!(text(&listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE).1, "/verdict"), "verified");
}

#[test]
fn an_endless_head_is_answered_431() {
    let listener = Dir::new().listen().starts();
    let long = "a".repeat(70 << 10);
    assert_eq!(post(&listener.url("/"), &[("x-long", &long)], "").status(), 431);
    let many: Vec<(String, &str)> = (0..200).map(|number| (format!("x-{number}"), "1")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    assert_eq!(post(&listener.url("/"), &many, "").status(), 431);
}

#[test]
fn what_cannot_be_answered_so_is_a_mistake() {
    let dir = Dir::new();
    for wrong in ["100", "600", "ok", "200,,"] {
        dir.listen().args(["--respond", wrong]).exits(2).says("--respond");
    }
    for option in [["--delay", "5"], ["--max-body", "10MB"], ["--timeout", "soon"], ["--filter", "a["]] {
        let finished = dir.listen().args(option).exits(2);
        assert!(finished.stderr.contains(option[1]), "{}", finished.stderr);
    }
}
