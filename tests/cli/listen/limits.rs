//! The receiver's limits over real sockets, as in the table of docs/limits.md. Timeouts are tested in
//! `net/receiver/tests.rs`, where the clock is paused.

use serde_json::json;

#[cfg(target_os = "linux")]
use crate::harness::gzip;
use crate::harness::{CYANITE, CYANITE_HEADERS, Connection, Dir, Listener, Message, get, request, text};

/// Sends these bytes on a new connection and reads the response.
#[track_caller]
fn exchange(listener: &Listener, bytes: impl AsRef<[u8]>) -> Message {
    let mut connection = Connection::to(&listener.url(""));
    connection.write(bytes).unwrap();
    connection.response().unwrap()
}

#[track_caller]
fn status(listener: &Listener, bytes: impl AsRef<[u8]>) -> u16 {
    exchange(listener, bytes).status()
}

/// A request without a body, with this request line and these header lines.
fn with_head(start: &str, lines: &str) -> String {
    format!("{start}\r\nhost: x\r\n{lines}content-length: 0\r\n\r\n")
}

/// Checks that it still accepts deliveries, and that it printed none since.
#[track_caller]
fn assert_healthy(mut listener: Listener) {
    let (response, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!((response.status(), text(&delivery, "/verdict")), (200, "verified"));
}

#[test]
fn a_head_has_up_to_64_kibibytes() {
    let listener = Dir::new().listen().starts();
    let head = |bytes: usize| {
        let rest = with_head("POST / HTTP/1.1", "x: \r\n").len();
        with_head("POST / HTTP/1.1", &format!("x: {}\r\n", "a".repeat(bytes - rest)))
    };
    assert_eq!(status(&listener, head(64 << 10)), 200);
    assert_eq!(status(&listener, head((64 << 10) + 1)), 431);
}

#[test]
fn a_head_has_up_to_100_fields() {
    let listener = Dir::new().listen().starts();
    // `with_head` adds two.
    let head = |fields: usize| with_head("POST / HTTP/1.1", &"x: 1\r\n".repeat(fields - 2));
    assert_eq!(status(&listener, head(100)), 200);
    assert_eq!(status(&listener, head(101)), 431);
}

#[test]
fn a_target_has_up_to_8_kibibytes() {
    let mut listener = Dir::new().listen().starts();
    let head = |bytes: usize| with_head(&format!("POST /{} HTTP/1.1", "a".repeat(bytes - 1)), "");
    assert_eq!(status(&listener, head(8 << 10)), 200);
    assert_eq!(status(&listener, head((8 << 10) + 1)), 414);
    listener.says(&format!("warning: POST /{}…: the request target is too long; responded 414\n", "a".repeat(99)));
}

#[test]
fn a_method_has_up_to_32_bytes_and_is_not_connect() {
    let listener = Dir::new().listen().starts();
    for (method, expected) in [
        ("post", 200),
        ("BREW", 200),
        ("TRACE", 200),
        (&"A".repeat(32), 200),
        (&"A".repeat(33), 501),
        ("CONNECT", 405),
        ("PO(ST", 400),
        ("", 400),
    ] {
        let target = if method == "CONNECT" { "example.com:443" } else { "/" };
        assert_eq!(status(&listener, with_head(&format!("{method} {target} HTTP/1.1"), "")), expected, "{method}");
    }
}

#[test]
fn a_target_with_characters_that_need_escaping_is_named_without_its_query() {
    let mut listener = Dir::new().listen().starts();
    for (target, expected) in [
        ("/<id>?token=1", "(POST /<id>): invalid URI; `<` must be escaped as %3C\n"),
        ("/a>", "(POST /a>): invalid URI; `>` must be escaped as %3E\n"),
        ("/a`?token=1", "(POST /a`): invalid URI; `\u{60}` must be escaped as %60\n"),
        ("/a?token=\"1\"", "(POST /a): invalid URI; `\"` must be escaped as %22\n"),
        ("/a?token=<1", "(POST /a): invalid URI; `<` must be escaped as %3C\n"),
    ] {
        assert_eq!(status(&listener, with_head(&format!("POST {target} HTTP/1.1"), "")), 400, "{target:?}");
        listener.says(expected);
    }
    // Those that are accepted.
    for target in ["/\"{}|^\\[]", "/?`{}|^\\[]"] {
        assert_eq!(status(&listener, with_head(&format!("POST {target} HTTP/1.1"), "")), 200, "{target:?}");
        assert_eq!(text(&listener.next(), "/request/target"), target);
    }
    assert_eq!(status(&listener, "\u{16}\u{3}\u{1} /secret\r\n\r\n"), 400);
    listener.says(": invalid HTTP method parsed\n");
    assert_healthy(listener);
}

#[test]
fn an_absolute_target_is_reduced_to_path_and_query() {
    let mut listener = Dir::new().listen().starts();
    for (target, expected) in [("http://elsewhere.example/cyanite?x=1", "/cyanite?x=1"), ("http://x", "/")] {
        status(&listener, with_head(&format!("POST {target} HTTP/1.1"), ""));
        assert_eq!(text(&listener.next(), "/request/target"), expected);
    }
}

#[test]
fn a_target_that_is_neither_path_nor_url_gets_400() {
    let mut listener = Dir::new().listen().starts();
    for target in ["*", "cyanite", "example.com:443", "/\0", "/a b"] {
        assert_eq!(status(&listener, with_head(&format!("POST {target} HTTP/1.1"), "")), 400, "{target:?}");
    }
    assert_eq!(status(&listener, with_head("OPTIONS * HTTP/1.1", "")), 200);
    assert_eq!(text(&listener.next(), "/request/target"), "*");
}

#[test]
fn a_request_needs_exactly_one_host() {
    let listener = Dir::new().listen().starts();
    let none = "POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(status(&listener, none), 400);
    assert_eq!(status(&listener, with_head("POST / HTTP/1.1", "host: y\r\n")), 400);
    assert_eq!(status(&listener, none.replace("1.1", "1.0")), 200);
    assert_healthy_after(listener, 1);
}

/// Skips deliveries, then does the same as [`assert_healthy`].
#[track_caller]
fn assert_healthy_after(mut listener: Listener, deliveries: usize) {
    for _ in 0..deliveries {
        listener.next();
    }
    assert_healthy(listener);
}

#[test]
fn chunked_takes_precedence_over_content_length_and_nothing_is_smuggled() {
    for (first, second) in
        [("content-length: 5", "transfer-encoding: chunked"), ("transfer-encoding: chunked", "content-length: 5")]
    {
        let mut listener = Dir::new().listen().starts();
        let mut connection = Connection::to(&listener.url(""));
        let head = format!("POST /hooks HTTP/1.1\r\nhost: x\r\n{first}\r\n{second}\r\n\r\n");
        let smuggled = with_head("POST /smuggled HTTP/1.1", "");
        connection.write(format!("{head}2\r\n{{}}\r\n0\r\n\r\n{smuggled}")).unwrap();
        let answers = connection.rest().unwrap();
        assert!(answers.starts_with("HTTP/1.1 200 OK\r\nconnection: close\r\n"), "{answers}");
        assert_eq!(answers.matches("HTTP/1.1").count(), 1, "{answers}");
        assert_eq!(text(&listener.next(), "/request/body"), "{}");
        assert_healthy(listener);
    }
}

#[test]
fn invalid_and_conflicting_lengths_get_400() {
    let listener = Dir::new().listen().starts();
    for lengths in ["2\r\ncontent-length: 3", "2, 2", "+2", "-1", "0x2", "two", "99999999999999999999999"] {
        let sent = format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {lengths}\r\n\r\n{{}}x");
        assert_eq!(status(&listener, sent), 400, "{lengths}");
    }
    assert_healthy(listener);
}

#[test]
fn chunked_is_the_only_transfer_coding() {
    let listener = Dir::new().listen().starts();
    for (codings, expected) in [
        ("gzip, chunked", 501),
        ("identity\r\ntransfer-encoding: chunked", 501),
        ("chunked\r\ntransfer-encoding: chunked", 501),
        ("chunked, identity", 400),
        ("identity", 400),
        ("xchunked", 400),
        ("\x0bchunked", 400),
    ] {
        let head = format!("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: {codings}\r\n\r\n");
        assert_eq!(status(&listener, head + "2\r\n{}\r\n0\r\n\r\n"), expected, "{codings}");
    }
    assert_healthy(listener);
}

#[test]
fn chunk_extensions_and_trailers_are_accepted_and_malformed_chunks_get_400() {
    let mut listener = Dir::new().listen().starts();
    let chunked = |body: &str| format!("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: Chunked\r\n\r\n{body}");
    for body in ["2;a=b;c=\"d\"\r\n{}\r\n0\r\n\r\n", "2\r\n{}\r\n0\r\nsignature: x\r\n\r\n"] {
        assert_eq!(status(&listener, chunked(body)), 200);
        let delivery = listener.next();
        assert_eq!(text(&delivery, "/request/body"), "{}");
        assert_eq!(delivery["request"]["headers"], json!([["host", "x"], ["transfer-encoding", "Chunked"]]));
    }
    let long = format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "a".repeat(20 << 10));
    for body in [
        "zz\r\n{}\r\n0\r\n\r\n",
        "0x2\r\n{}\r\n0\r\n\r\n",
        "2\n{}\n0\n\n",
        "2\r\n{}XX0\r\n\r\n",
        "2;a\nb\r\n{}\r\n0\r\n\r\n",
        "fffffffffffffffff\r\n",
        &long,
    ] {
        assert_eq!(status(&listener, chunked(body)), 400, "{body}");
    }
    assert_healthy(listener);
}

#[test]
fn a_malformed_header_gets_400_and_is_reported() {
    let mut listener = Dir::new().listen().starts();
    for field in ["x: a\r\n b", "x: a\0b", "x\0: a", "x: a\rb", ": a", "no colon", "a b: c", "content-length : 1"] {
        assert_eq!(status(&listener, with_head("POST / HTTP/1.1", &format!("{field}\r\n"))), 400, "{field:?}");
        listener.says("warning: rejected a malformed request from 127.0.0.1:");
        listener.says(" (POST /): invalid HTTP header parsed\n");
    }
    assert_healthy(listener);
}

#[test]
fn a_bare_line_feed_ends_a_header_line() {
    let listener = Dir::new().listen().starts();
    assert_eq!(status(&listener, with_head("POST / HTTP/1.1", "").replace("\r\n", "\n")), 200);
}

#[test]
fn pipelined_requests_get_their_responses_in_order() {
    let mut listener = Dir::new().listen().args(["--respond", "201,202,203"]).starts();
    let mut connection = Connection::to(&listener.url(""));
    let all: Vec<Vec<u8>> = ["1", "2", "3"].map(|body| request("POST", &listener.url("/hooks"), &[], body)).into();
    connection.write(all.concat()).unwrap();
    for (body, status) in [("1", 201), ("2", 202), ("3", 203)] {
        assert_eq!(connection.response().unwrap().status(), status);
        assert_eq!(text(&listener.next(), "/request/body"), body);
    }
}

#[test]
fn a_sender_that_expects_100_continue_gets_it() {
    let mut listener = Dir::new().listen().starts();
    let mut connection = Connection::to(&listener.url(""));
    connection
        .write("POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-Continue\r\nconnection: close\r\ncontent-length: 2\r\n\r\n")
        .unwrap();
    assert_eq!(connection.line().unwrap(), "HTTP/1.1 100 Continue");
    connection.write("{}").unwrap();
    assert!(connection.rest().unwrap().starts_with("\r\nHTTP/1.1 200 OK\r\n"));
    assert_eq!(text(&listener.next(), "/request/body"), "{}");
    assert_eq!(status(&listener, with_head("POST / HTTP/1.1", "expect: a-miracle\r\n")), 417);
}

#[test]
fn http_1_0_is_supported_and_keeps_connections_only_on_request() {
    let listener = Dir::new().listen().starts();
    let mut connection = Connection::to(&listener.url(""));
    let keep_alive = "POST /hooks HTTP/1.0\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\n{}";
    connection.write(keep_alive).unwrap();
    assert_eq!(connection.response().unwrap().start, "HTTP/1.0 200 OK");
    connection.write(keep_alive.replace("connection: keep-alive\r\n", "")).unwrap();
    let answers = connection.rest().unwrap();
    assert!(answers.starts_with("HTTP/1.0 200 OK\r\n"), "{answers}");
    let chunked = "POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    assert_eq!(status(&listener, chunked), 400);
}

#[test]
fn a_browser_gets_a_page() {
    let dir = Dir::new();
    let listener = dir.listen().starts();
    let page = get(&listener.url("/"));
    assert_eq!((page.status(), page.header("content-type")), (200, Some("text/plain; charset=utf-8")));
    assert!(page.text().starts_with("This is `hookdev listen`, a local webhook receiver. "), "{}", page.text());
    let mut connection = Connection::to(&listener.url(""));
    connection.write(with_head("HEAD / HTTP/1.1", "connection: close\r\n")).unwrap();
    let response = connection.rest().unwrap();
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n") && response.ends_with("\r\n\r\n"), "{response}");

    // Fixed status codes apply to visits too.
    let listener = dir.listen().args(["--respond", "204"]).starts();
    assert_eq!(get(&listener.url("/")).status(), 204);
}

#[test]
fn a_sender_that_closes_its_side_still_gets_a_response() {
    let listener = Dir::new().listen().starts();
    let mut connection = Connection::to(&listener.url(""));
    connection.write(request("POST", &listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE)).unwrap();
    connection.shut().unwrap();
    assert_eq!(connection.response().unwrap().status(), 200);

    let mut connection = Connection::to(&listener.url(""));
    connection.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{}").unwrap();
    connection.shut().unwrap();
    assert_eq!(connection.response().unwrap().status(), 400);
}

#[test]
fn five_hundred_stalled_connections_delay_nothing() {
    let listener = Dir::new().listen().starts();
    let mut stalled: Vec<Connection> = (0..500).map(|_| Connection::to(&listener.url(""))).collect();
    for (number, connection) in stalled.iter_mut().enumerate() {
        let sent = [
            "",
            "POST / HT",
            "POST / HTTP/1.1\r\nhost: x\r\nx: ",
            "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{",
        ];
        connection.write(sent[number % sent.len()]).unwrap();
    }
    assert_healthy(listener);
}

#[cfg(target_os = "linux")]
#[test]
fn hostile_bodies_do_not_fill_the_memory() {
    let listener = Dir::new().listen().starts();
    let url = listener.url("/cyanite");
    let many = "0,".repeat(1 << 20);
    // In several members, as one of them takes long to compress.
    let bomb = [gzip(b"["), gzip(many.as_bytes()).repeat(30), gzip(b"0]")].concat();
    let (zeros, form) = (format!("[{}0]", "0,".repeat(5_000_000)), "&a".repeat(5_000_000));
    let bodies = [
        ([("content-encoding", "gzip")], &bomb[..]),
        ([("content-type", "application/json")], zeros.as_bytes()),
        ([("content-type", "application/x-www-form-urlencoded")], form.as_bytes()),
    ];
    // Of four that come at once some may wait so long that they are refused before all of them was read.
    let is_answered = |(headers, body): ([(&str, &str); 1], &[u8])| {
        let mut connection = Connection::to(&url);
        connection.write(request("POST", &url, &headers, body)).and_then(|()| connection.response()).is_ok()
    };
    std::thread::scope(|scope| {
        let senders = bodies.map(|body| [(); 4].map(|()| scope.spawn(move || is_answered(body))));
        for senders in senders {
            assert!(senders.map(|sender| sender.join().unwrap()).contains(&true));
        }
    });
    let process = std::fs::read_to_string(format!("/proc/{}/status", listener.id())).unwrap();
    let most = process.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    let most: u64 = most.expect("the peak memory use");
    assert!(most < 1 << 20, "{most} kB");
}
