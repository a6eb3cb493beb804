//! `listen --forward`: deliveries reach the user's own handlers, and their responses reach the sender.

use std::{
    io::{Read, Write},
    iter,
    net::TcpListener,
    sync::mpsc,
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    harness::{
        AUPHONIC, CYANITE, CYANITE_HEADERS, CYANITE_SIGNATURE, Connection, Dir, Endpoint, Gate, Listener, RawEndpoint,
        Signed, hang, hang_up, post, request, respond, text,
    },
    machine::Port,
};

const FORM: &[(&str, &str)] = &[("content-type", "application/x-www-form-urlencoded")];

/// Starts a listener that forwards every delivery to an endpoint.
fn forwarding(dir: &Dir, endpoint: &Endpoint, more: &[&str]) -> Listener {
    dir.listen().args(["--forward", &endpoint.url("/handler")]).args(more).starts()
}

#[test]
fn a_request_is_forwarded_unchanged() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let listener = forwarding(&dir, &endpoint, &[]);
    let headers = [
        ("accept", "application/json"),
        ("content-encoding", "identity"),
        ("content-type", "application/json; charset=utf-8"),
        ("forwarded", "for=192.0.2.1"),
        ("signature", CYANITE_SIGNATURE),
        ("user-agent", "theirs/1"),
        ("x-empty", ""),
        ("x-latin", "Zo\u{eb}"),
        ("x-tag", "b"),
        ("x-tag", "a"),
    ];
    let every_byte: Vec<u8> = (0..=255).collect();
    let bodies: [&[u8]; 5] =
        [CYANITE.as_bytes(), b" {\"a\" : 1.0,\"a\":1e400}\r\n", &every_byte, AUPHONIC.as_bytes(), b""];
    for body in bodies {
        post(&listener.url("/cyanite?token=1&x=%2F%20+&name=O'Brien"), &headers, body);
        let passed = endpoint.next();
        assert_eq!(passed.start, "POST /handler?token=1&x=%2F%20+&name=O'Brien HTTP/1.1");
        assert_eq!(passed.headers_but(&["host", "content-length"]), headers);
        assert_eq!(passed.header("host"), Some(endpoint.url("").trim_start_matches("http://")));
        assert_eq!(passed.header("content-length"), Some(body.len().to_string().as_str()));
        assert_eq!(passed.body, body);
    }
}

#[test]
fn a_handler_that_responds_before_it_reads_gets_the_whole_body() {
    // More than the system's buffers between two programs usually hold.
    const SIZE: usize = 10_000_000;
    let dir = Dir::new();
    let handler = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", handler.local_addr().unwrap());
    let listener = dir.listen().args(["--forward", &url, "--body", "none"]).starts();
    let (responded, response) = mpsc::channel();
    let handling = thread::spawn(move || {
        let (mut stream, _) = handler.accept().unwrap();
        let mut read = vec![0; 500];
        stream.read_exact(&mut read).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
        response.recv().unwrap();
        stream.read_to_end(&mut read).unwrap();
        read
    });
    let body: Vec<u8> = (0..SIZE).map(|at| b"abcdefghijk"[at % 11]).collect();
    let response = post(&listener.url("/"), &[], &body);
    assert_eq!((response.status(), response.text()), (200, "ok"));
    responded.send(()).unwrap();
    let read = handling.join().unwrap();
    assert!(read.ends_with(&body), "{} bytes", read.len());
}

#[test]
fn a_handler_that_two_forwards_name_gets_each_delivery_once() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let url = endpoint.url("/");
    let mut listener = dir.listen().args(["--forward", &format!("cyanite.*={url}"), "--forward", &url]).starts();
    let (_, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!(delivery["forwards"].as_array().unwrap().len(), 1, "{delivery}");
    endpoint.next();
    endpoint.got_no_more();
}

#[test]
fn the_method_is_forwarded() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let listener = forwarding(&dir, &endpoint, &[]);
    for method in ["PUT", "PATCH", "DELETE", "GET"] {
        let mut connection = Connection::to(&listener.url(""));
        connection.write(request(method, &listener.url("/x"), &[], "body")).unwrap();
        assert_eq!(connection.response().unwrap().status(), 200);
        let passed = endpoint.next();
        assert_eq!((passed.start, passed.body), (format!("{method} /handler HTTP/1.1"), b"body".to_vec()));
    }
}

#[test]
fn hop_by_hop_headers_are_not_forwarded() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let listener = forwarding(&dir, &endpoint, &[]);
    let headers = [
        ("connection", "x-mine, keep-alive"),
        ("keep-alive", "timeout=5"),
        ("x-mine", "1"),
        ("te", "trailers"),
        ("trailer", "x-checksum"),
        ("proxy-authorization", "x"),
        ("expect", "100-continue"),
        ("accept", "*/*"),
        ("x-yours", "2"),
    ];
    post(&listener.url("/"), &headers, "{}");
    let passed = endpoint.next();
    assert_eq!(passed.headers_but(&["host", "content-length"]), [("accept", "*/*"), ("x-yours", "2")]);
}

#[test]
fn the_handlers_response_is_returned_unchanged() {
    let dir = Dir::new();
    let every_byte: Vec<u8> = (0..=255).collect();
    for (status, body) in [(200, &b"{\"ok\" : 1.0}\n"[..]), (418, &every_byte), (201, b""), (500, b"boom"), (204, b"")]
    {
        let scripted = respond(status)
            .header("content-type", "text/x-odd")
            .header("content-encoding", "gzip")
            .header("access-control-allow-origin", "*")
            .header("Access-Control-Allow-Headers", "signature")
            .header("set-cookie", "b=1")
            .header("set-cookie", "a=2")
            .header("date", "Wed, 01 Jan 2025 12:00:00 GMT")
            .body(body);
        let endpoint = Endpoint::new([scripted]);
        let mut listener = forwarding(&dir, &endpoint, &[]);
        let (returned, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
        assert_eq!((returned.status(), returned.body.as_slice()), (status, body));
        let expected = [
            ("content-encoding", "gzip"),
            ("content-type", "text/x-odd"),
            ("date", "Wed, 01 Jan 2025 12:00:00 GMT"),
            ("set-cookie", "b=1"),
            ("set-cookie", "a=2"),
        ];
        assert_eq!(returned.headers_but(&["content-length"]), expected);
        assert_eq!(delivery["response"]["status"], status);
        let forward = &delivery["forwards"][0];
        assert_eq!((&forward["status"], &forward["error"]), (&json!(status), &Value::Null));
        assert_eq!(text(forward, "/url"), endpoint.url("/handler"));
        assert!(forward["elapsed_ms"].as_f64().unwrap() >= 0.0);
    }
}

#[test]
fn the_length_of_a_body_that_is_not_sent_is_returned() {
    let dir = Dir::new();
    for (method, response) in [
        ("HEAD", &b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"[..]),
        ("HEAD", b"HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\n\r\n"),
        ("POST", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n"),
    ] {
        let handler = RawEndpoint::new(response);
        let listener = dir.listen().args(["--forward", &handler.url("/")]).starts();
        let mut connection = Connection::to(&listener.url(""));
        // The second response begins where the first one ends.
        for _ in 0..2 {
            connection.write(request(method, &listener.url("/"), &[], CYANITE)).unwrap();
            let head: Vec<String> =
                iter::from_fn(|| Some(connection.line().unwrap()).filter(|line| !line.is_empty())).collect();
            assert!(response.starts_with(head[0].as_bytes()), "{head:?}");
            assert!(head.contains(&"content-length: 5".to_owned()), "{head:?}");
        }
    }
}

#[test]
fn the_reason_phrase_is_the_standard_one_or_empty() {
    let dir = Dir::new();
    for (response, expected) in [
        (&b"HTTP/1.1 299 All good\r\ncontent-length: 0\r\n\r\n"[..], "HTTP/1.1 299"),
        (b"HTTP/1.1 200 All good\r\ncontent-length: 0\r\n\r\n", "HTTP/1.1 200 OK"),
    ] {
        let handler = RawEndpoint::new(response);
        let listener = dir.listen().args(["--forward", &handler.url("/")]).starts();
        let mut connection = Connection::to(&listener.url(""));
        connection.write(request("POST", &listener.url("/"), &[], CYANITE)).unwrap();
        assert_eq!(connection.line().unwrap(), expected);
    }
}

#[test]
fn the_targets_own_parameters_are_not_replaced() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let listener = dir.listen().args(["--forward", &endpoint.url("/handler?token=mine")]).starts();
    post(&listener.url("/cyanite?a=%20&token=theirs&%74oken=theirs&b"), &[], "{}");
    assert_eq!(endpoint.next().target(), "/handler?token=mine&a=%20&b");
}

#[test]
fn the_credentials_of_the_target_replace_the_senders() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let forward = endpoint.url("/").replace("http://", "http://user:pass@");
    let listener = dir.listen().args(["--forward", &forward]).starts();
    let headers = [("authorization", "Bearer theirs"), ("Authorization", "Bearer more")];
    assert_eq!(post(&listener.url("/cyanite"), &headers, "{}").status(), 200);
    assert_eq!(endpoint.next().all("authorization"), ["Basic dXNlcjpwYXNz"]);
}

#[test]
fn loopback_targets_are_reached_directly_and_others_through_the_proxy() {
    for first in ["/cyanite", "/auphonic"] {
        let (dir, proxy, local) = (Dir::new(), Endpoint::new([respond(202)]), Endpoint::new([respond(201)]));
        let (remote, direct) = ("cyanite.*=http://remote.example/hook", format!("auphonic.*={}", local.url("/local")));
        let listener =
            dir.listen().env("HTTP_PROXY", proxy.url("")).args(["--forward", remote, "--forward", &direct]).starts();
        let deliver = |path: &str| {
            let expected = if path == "/cyanite" { 202 } else { 201 };
            let (headers, body) = if path == "/cyanite" { (&CYANITE_HEADERS[..], CYANITE) } else { (FORM, AUPHONIC) };
            assert_eq!(post(&listener.url(path), headers, body).status(), expected, "{path} after {first}");
        };
        deliver(first);
        deliver("/cyanite");
        deliver("/auphonic");
        assert_eq!(
            (proxy.next().start.as_str(), local.next().target()),
            ("POST http://remote.example/hook HTTP/1.1", "/local")
        );
    }
}

#[test]
fn the_deliveries_of_one_connection_arrive_in_their_order() {
    // All but the first response close their connection without saying so.
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200), respond(200).then_closes()]));
    let listener = forwarding(&dir, &endpoint, &[]);
    let mut connection = Connection::to(&listener.url(""));
    let bodies: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    for body in &bodies {
        connection.write(request("POST", &listener.url("/x"), &[], body)).unwrap();
    }
    let statuses: Vec<u16> = bodies.iter().map(|_| connection.response().unwrap().status()).collect();
    assert_eq!(statuses, [200; 20]);
    let arrived: Vec<String> = bodies.iter().map(|_| endpoint.next().text().to_owned()).collect();
    assert_eq!(arrived, bodies);
}

#[test]
fn a_status_below_200_is_not_a_response() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(101)]));
    let (returned, delivery) = forwarding(&dir, &endpoint, &[]).receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!((returned.status(), returned.text()), (502, "hookdev got no response from the handler\n"));
    let error = "your handler responded 101, which is not a final response";
    assert_eq!(text(&delivery, "/forwards/0/error"), error);
}

#[test]
fn a_redirect_from_the_handler_is_returned_and_not_followed() {
    let (dir, elsewhere) = (Dir::new(), Endpoint::new([respond(200)]));
    let endpoint = Endpoint::new([respond(302).header("location", &elsewhere.url("/"))]);
    let mut listener = forwarding(&dir, &endpoint, &[]);
    let (returned, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!((returned.status(), returned.header("location")), (302, Some(elsewhere.url("/").as_str())));
    let warning = "302 is a redirect, which Cyanite doesn't follow: the delivery counts as failed";
    assert_eq!(text(&delivery, "/warnings/0"), warning);
    elsewhere.got_no_more();
}

#[test]
fn a_handler_that_is_down_is_waited_for_and_then_reported_and_gives_502() {
    let dir = Dir::new();
    let port = Port::reserve();
    let url = format!("http://127.0.0.1:{}/", port.number());
    let mut listener = dir.listen().args(["--forward", &url, "--forward-wait", "300ms"]).starts();
    let (returned, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!((returned.status(), returned.text()), (502, "hookdev got no response from the handler\n"));
    assert_eq!((text(&delivery, "/verdict"), &delivery["response"]["status"]), ("verified", &json!(502)));
    let forward = &delivery["forwards"][0];
    assert!(forward["elapsed_ms"].as_f64().unwrap() >= 300.0, "{delivery}");
    assert_eq!((text(forward, "/url"), &forward["status"]), (url.as_str(), &Value::Null));
    // The ports on which other programs listen may follow.
    let error =
        format!("nothing listens on 127.0.0.1:{} (connection refused): is your handler running?", port.number());
    assert!(text(forward, "/error").starts_with(&error), "{forward}");
    // The hint is given once.
    let (_, second) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    let error = format!("nothing listens on 127.0.0.1:{} (connection refused)", port.number());
    assert_eq!(text(&second, "/forwards/0/error"), error);
}

#[test]
#[cfg(unix)]
fn deliveries_that_a_handler_missed_are_reported_at_the_end() {
    let (dir, first) = (Dir::new(), Endpoint::new([respond(200), hang_up(), hang_up(), respond(500)]));
    let second = Endpoint::new([respond(200), respond(200), respond(200)]);
    let command = dir.hookdev().args(["listen", "--addr", "127.0.0.1:0", "--forward", &first.url("/hooks")]);
    let listener = command.args(["--forward", &second.url("/")]).starts_for_people();
    let deliver = || post(&listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE).status();
    // A 500 is a response.
    assert_eq!([deliver(), deliver(), deliver()], [200, 502, 500]);
    listener.interrupt();
    let missed = format!("1 of 3 deliveries not delivered to {}", first.url("/hooks"));
    let finished = listener.exits(0);
    assert!(finished.stderr.ends_with(&format!("3 deliveries: 3 verified (development)\n{missed}\n")), "{finished}");
}

#[test]
fn a_handler_that_hangs_up_is_reported_as_crashed() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([hang_up()]));
    let (returned, delivery) = forwarding(&dir, &endpoint, &[]).receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!(returned.status(), 502);
    let error = "the connection was closed before the response was complete: did your handler crash?";
    assert_eq!(text(&delivery, "/forwards/0/error"), error);
}

#[test]
fn a_slow_handler_is_waited_for() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(201).after(Duration::from_millis(700))]));
    let (returned, delivery) = forwarding(&dir, &endpoint, &[]).receives("/aspect", &[], "{}");
    assert_eq!((returned.status(), &delivery["forwards"][0]["status"]), (201, &json!(201)));
    assert!(delivery["forwards"][0]["elapsed_ms"].as_f64().unwrap() >= 700.0, "{delivery}");
}

#[test]
fn a_handler_that_never_responds_times_out() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([hang()]));
    let mut listener = forwarding(&dir, &endpoint, &["--forward-timeout", "300ms"]);
    let (returned, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!(returned.status(), 502);
    let error = "no response within 0.3 s (the forward timeout): is your handler at a breakpoint, or does it wait for \
                 something?";
    assert_eq!(text(&delivery, "/forwards/0/error"), error);
}

#[test]
fn a_handler_that_refuses_a_verified_delivery_gets_a_warning() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(401).body("bad signature")]));
    let mut listener = forwarding(&dir, &endpoint, &[]);
    let (returned, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!((returned.status(), returned.text()), (401, "bad signature"));
    assert_eq!((text(&delivery, "/verdict"), &delivery["forwards"][0]["status"]), ("verified", &json!(401)));
    assert!(text(&delivery, "/warnings/1").starts_with("verified here, but rejected by your handler; "), "{delivery}");
}

#[test]
fn a_handler_whose_refusal_gives_another_reason_than_the_signature_gets_no_warning_about_it() {
    // Django's page.
    let page =
        respond(403).body("<h1>Forbidden <span>(403)</span></h1><p>CSRF verification failed. Request aborted.</p>");
    let (dir, endpoint) = (Dir::new(), Endpoint::new([page]));
    let mut listener = forwarding(&dir, &endpoint, &[]);
    let (_, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!(delivery["warnings"], json!(["Cyanite counts 403 as failed; it expects exactly 200"]));
}

#[test]
fn a_handler_that_accepts_a_rejected_delivery_gets_a_warning() {
    const WARNING: &str = "your handler accepted a delivery that hookdev rejects: check that it verifies the signature";
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200), respond(302), respond(401)]));
    let mut listener = forwarding(&dir, &endpoint, &["--secret", "cyanite=mine"]);
    for (status, warns) in [(200, true), (302, false), (401, false)] {
        let (returned, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
        assert_eq!((returned.status(), text(&delivery, "/verdict")), (status, "rejected"));
        let warnings = delivery["warnings"].as_array().unwrap();
        assert_eq!(warnings.iter().any(|warning| warning == WARNING), warns, "{delivery}");
    }
}

#[test]
fn a_second_handler_that_accepts_a_rejected_delivery_later_gets_the_warning_too() {
    let (dir, gate) = (Dir::new(), Gate::default());
    let (first, second) = (Endpoint::new([respond(401)]), Endpoint::new([respond(200).behind(&gate)]));
    let targets = ["--forward", &first.url("/"), "--forward", &second.url("/"), "--secret", "cyanite=mine"];
    let mut listener = dir.listen().args(targets).starts();
    let (_, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!(text(&delivery, "/forwards/1/error"), "no response yet");
    gate.open();
    let later = loop {
        let line = listener.line();
        if line["kind"] == "forwards" {
            break line;
        }
    };
    assert_eq!(
        later["warnings"],
        json!(["your handler accepted a delivery that hookdev rejects: check that it verifies the signature"])
    );
}

#[test]
fn a_second_handler_that_responds_late_takes_one_line() {
    let (dir, gate) = (Dir::new(), Gate::default());
    let (first, second) = (Endpoint::new([respond(200)]), Endpoint::new([respond(204).behind(&gate)]));
    let (one, other) = (first.url("/one"), second.url("/other"));
    let listen = dir.hookdev().args(["listen", "--addr", "127.0.0.1:0", "--body", "none"]);
    let mut listener = listen.args(["--forward", &one, "--forward", &other]).starts_for_people();
    post(&listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE);
    listener.prints(&format!("\n  forwarded to {one}  200  "));
    gate.open();
    listener.prints(&format!("\n#1 cyanite.v2.finished forwarded to {other}  204  "));
    let printed = listener.killed();
    assert_eq!(printed.text().matches(&other).count(), 1, "{printed}");
}

#[test]
fn a_second_handler_that_has_not_responded_yet_is_no_reason_to_print_a_delivery_with_quiet() {
    let (dir, gate) = (Dir::new(), Gate::default());
    let (first, second) = (Endpoint::new([respond(200)]), Endpoint::new([respond(204).behind(&gate)]));
    let targets = ["--forward", &first.url("/"), "--forward", &second.url("/"), "--quiet"];
    let mut listener = dir.listen().args(targets).starts();
    post(&listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE);
    post(&listener.url("/cyanite"), &[("signature", "00")], CYANITE);
    assert_eq!(listener.next()["seq"], 2);
    gate.open();
}

#[test]
fn a_delivery_that_quiet_hides_is_printed_once_before_the_handlers_that_fail_late() {
    let (dir, gate) = (Dir::new(), Gate::default());
    let (first, second) = (Endpoint::new([respond(200)]), Endpoint::new([respond(500).behind(&gate)]));
    let third = Endpoint::new([respond(500).behind(&gate)]);
    let targets = ["--forward", &first.url("/"), "--forward", &second.url("/"), "--forward", &third.url("/")];
    let mut listener = dir.listen().args(targets).arg("--quiet").starts();
    // The response waits until the delivery would have been written.
    post(&listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE);
    gate.open();
    let lines = [listener.line(), listener.line(), listener.line()];
    assert_eq!(lines.each_ref().map(|line| text(line, "/kind")), ["delivery", "forwards", "forwards"]);
    assert_eq!(lines.each_ref().map(|line| &line["seq"]), [1, 1, 1]);
    assert_eq!(text(&lines[0], "/forwards/1/error"), "no response yet");
    assert_eq!([1, 2].map(|later| &lines[later]["forwards"][0]["status"]), [500, 500]);
}

#[test]
#[cfg(unix)]
fn a_forward_that_is_pending_at_the_end_is_waited_for_and_reported() {
    let (dir, gate) = (Dir::new(), Gate::default());
    let (first, second) = (Endpoint::new([respond(200)]), Endpoint::new([respond(200).behind(&gate)]));
    let command = dir.hookdev().args(["listen", "--addr", "127.0.0.1:0", "--forward", &first.url("/")]);
    let mut listener = command.args(["--forward", &second.url("/hooks")]).starts_for_people();
    assert_eq!(post(&listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE).status(), 200);
    second.next();
    listener.prints(&format!("forwarded to {}  200  ", first.url("/")));
    listener.interrupt();
    listener.says("waiting for 1 forward in progress; press Ctrl-C again to cancel it\n");
    listener.interrupt();
    let missed = format!("1 of 1 delivery not delivered to {}", second.url("/hooks"));
    let finished = listener.exits(0);
    assert!(finished.stderr.ends_with(&format!("1 delivery: 1 verified (development)\n{missed}\n")), "{finished}");
    gate.open();
}

#[test]
fn rejected_deliveries_are_forwarded_too_unless_only_verified_is_set() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(202)]));

    let mut everything = forwarding(&dir, &endpoint, &[]);
    let (returned, delivery) = everything.receives("/cyanite", &CYANITE_HEADERS, "{}");
    assert_eq!((returned.status(), text(&delivery, "/verdict")), (202, "rejected"));
    assert_eq!(endpoint.next().text(), "{}");

    let mine = Signed::new(&dir, "cyanite.v2.finished", &["--secret", "mine"]);
    let mut verified = forwarding(&dir, &endpoint, &["--only-verified", "--secret", "cyanite=mine"]);
    for (path, body) in [("/cyanite", "{}"), ("/hooks", "hello")] {
        let (_, delivery) = verified.receives(path, &[], body);
        assert_eq!(delivery["forwards"], json!([]), "{delivery}");
    }
    assert_eq!(post(&verified.url("/cyanite"), &CYANITE_HEADERS, "{}").status(), 401);
    endpoint.got_no_more();
    assert_eq!(post(&verified.url("/cyanite"), &mine.headers(), &mine.body).status(), 202);
    assert_eq!(endpoint.next().body, mine.body);
}

#[test]
fn a_delivery_that_matches_no_forward_says_so() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let globs = ["aspect.*", "stripe.*"].map(|glob| format!("{glob}={}", endpoint.url("/")));
    let mut listener = dir.listen().args(["--forward", &globs[0], "--forward", &globs[1]]).starts();
    let (returned, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!((returned.status(), &delivery["forwards"]), (200, &json!([])));
    let warning = "not forwarded: `cyanite.v2.finished` matches none of the forwards: `aspect.*`, `stripe.*`";
    assert!(delivery["warnings"].as_array().unwrap().contains(&json!(warning)), "{delivery}");
    endpoint.got_no_more();
}

#[test]
fn every_matching_target_gets_the_delivery_and_the_first_provides_the_response() {
    let dir = Dir::new();
    let gate = Gate::default();
    let slow = Endpoint::new([respond(200).body("first").behind(&gate)]);
    let (other, aspects) = (Endpoint::new([respond(500).body("second")]), Endpoint::new([respond(200)]));
    let globbed = format!("aspect.*={}", aspects.url("/?a=b"));
    let targets = ["--forward", &globbed, "--forward", &slow.url("/1"), "--forward", &other.url("/2")];
    let mut listener = dir.listen().args(targets).starts();
    let url = listener.url("/cyanite");
    let sender = thread::spawn(move || post(&url, &CYANITE_HEADERS, CYANITE));
    assert_eq!((slow.next().text(), other.next().text()), (CYANITE, CYANITE));
    gate.open();
    let (returned, delivery) = (sender.join().unwrap(), listener.next());
    assert_eq!((returned.status(), returned.text()), (200, "first"));
    let forwards = delivery["forwards"].as_array().unwrap();
    let printed: Vec<(&str, &Value)> =
        forwards.iter().map(|printed| (text(printed, "/url"), &printed["status"])).collect();
    assert_eq!(printed, [(slow.url("/1").as_str(), &json!(200)), (other.url("/2").as_str(), &json!(500))]);
    aspects.got_no_more();

    let (returned, delivery) = listener.receives("/aspect?c=d", &[("svix-id", "x")], r#"{"event_type":"task.new"}"#);
    assert_eq!((returned.status(), text(&delivery, "/event")), (200, "aspect.task.new"));
    assert_eq!(aspects.next().target(), "/?a=b&c=d");
    assert_eq!(delivery["forwards"].as_array().unwrap().len(), 3);
}

#[test]
fn a_delivery_without_a_matching_target_gets_the_default_response() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(500)]));
    let mut listener = dir.listen().args(["--forward", &format!("aspect.*={}", endpoint.url("/"))]).starts();
    let (returned, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!((returned.status(), &delivery["forwards"]), (200, &json!([])));
    endpoint.got_no_more();
}

#[test]
fn an_event_without_a_name_goes_where_all_of_its_providers_events_go() {
    let dir = Dir::new();
    for events in ["slack", "slack.*"] {
        let endpoint = Endpoint::new([respond(202)]);
        let mut listener = dir.listen().args(["--forward", &format!("{events}={}", endpoint.url("/"))]).starts();
        let (returned, delivery) =
            listener.receives("/slack", &[("content-type", "application/json")], r#"{"type":"new"}"#);
        assert_eq!((returned.status(), &delivery["event"]), (202, &json!(null)), "{events}");
        assert_eq!(endpoint.next().text(), r#"{"type":"new"}"#);
    }
}

#[test]
fn the_config_sets_targets_and_the_flag_overrides_it() {
    let dir = Dir::new();
    let (configured, flagged) = (Endpoint::new([respond(201)]), Endpoint::new([respond(202)]));
    dir.write(
        "hookdev.toml",
        format!(
            "[[forward]]\nevents = \"aspect.*\"\nto = \"http://127.0.0.1:1/\"\n[[forward]]\nto = \"{}\"\n",
            configured.url("/configured")
        ),
    );
    let listener = dir.listen().starts();
    assert_eq!(post(&listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE).status(), 201);
    assert_eq!(configured.next().target(), "/configured");
    let listener = dir.listen().args(["--forward", &flagged.url("/")]).starts();
    assert_eq!(post(&listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE).status(), 202);
    configured.got_no_more();
}

#[test]
fn deliveries_are_forwarded_concurrently() {
    let (dir, gate) = (Dir::new(), Gate::default());
    let endpoint = Endpoint::new([respond(200).behind(&gate)]);
    let mut listener = forwarding(&dir, &endpoint, &[]);
    let url = listener.url("/cyanite");
    let senders: Vec<_> = (0..20)
        .map(|_| {
            let url = url.clone();
            thread::spawn(move || post(&url, &CYANITE_HEADERS, CYANITE).status())
        })
        .collect();
    // All arrive before the first gets its response.
    (0..20).for_each(|_| drop(endpoint.next()));
    gate.open();
    let statuses: Vec<u16> = senders.into_iter().map(|sender| sender.join().unwrap()).collect();
    assert_eq!(statuses, [200; 20]);
    let mut seqs: Vec<u64> = (0..20).map(|_| listener.next()["seq"].as_u64().unwrap()).collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=20).collect::<Vec<u64>>());
}

#[test]
fn an_invalid_target_is_a_usage_error() {
    let dir = Dir::new();
    dir.listen()
        .args(["--forward", "example.com:3000"])
        .exits(2)
        .stdout("")
        .says("error: invalid URL `example.com:3000`: use https://example.com:3000\n");
    dir.listen().args(["--forward", "a[=http://localhost/"]).exits(2).says("error: invalid glob `a[`: ");
    dir.listen().args(["--forward", "http://localhost/", "--respond", "200"]).exits(2).says("cannot be used with");
}
