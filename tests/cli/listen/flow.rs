//! One sender never holds up another: floods of rejected deliveries, handlers that hang, senders that go, and responses
//! of any size.

use std::{
    io::{BufReader, ErrorKind, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::harness::{
    CYANITE, CYANITE_HEADERS, CYANITE_SIGNATURE, Connection, Dir, Endpoint, Listener, Message, hang, post, request,
    respond, text,
};

/// How long a response may take while others are held up. Without a load it takes a millisecond.
const SOON: Duration = Duration::from_secs(20);

/// Posts a genuine delivery to Cyanite's path, or an unrecognised one to another; it must get a response soon.
#[track_caller]
fn status_soon(listener: &Listener, path: &str) -> u16 {
    let begun = Instant::now();
    let (headers, body) = if path == "/cyanite" { (&CYANITE_HEADERS[..], CYANITE) } else { (&[][..], "hello") };
    let status = post(&listener.url(path), headers, body).status();
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    status
}

/// Sends a request whose response nobody waits for.
#[track_caller]
fn send(listener: &Listener, path: &str, headers: &[(&str, &str)], body: &str) -> Connection {
    let mut connection = Connection::to(&listener.url(""));
    connection.write(request("POST", &listener.url(path), headers, body)).unwrap();
    connection
}

#[test]
fn four_hundred_rejected_bodies_delay_no_other_delivery() {
    let dir = Dir::new();
    let body = format!("{{\"a\": [{}1.0]}}", "1.0, ".repeat((64 << 10) / 5));
    for headers in [&[("signature", CYANITE_SIGNATURE)][..], &[]] {
        let listener = dir.listen().args(["--capture", "log.ndjson"]).starts();
        for _ in 0..400 {
            drop(send(&listener, "/cyanite", headers, &body));
        }
        assert_eq!(status_soon(&listener, "/cyanite"), 200);
    }
}

#[test]
fn a_handler_that_hangs_holds_up_only_its_own_deliveries() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([hang()]));
    let forward = format!("cyanite.*={}", endpoint.url("/"));
    let mut listener = dir.listen().args(["--forward", &forward]).starts();
    let held: Vec<_> = (0..64).map(|_| send(&listener, "/cyanite", &CYANITE_HEADERS, CYANITE)).collect();
    for _ in &held {
        endpoint.next();
    }
    for number in 0..100 {
        let (response, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
        assert_eq!((response.status(), response.header("retry-after")), (503, Some("1")));
        assert_eq!(response.text(), "the handler is busy; send it again\n");
        // The hint is given once.
        let advice = ": they arrive faster than it responds; respond first, and do the work afterwards";
        let error = format!("busy with 64 deliveries{}", if number == 0 { advice } else { "" });
        assert_eq!(text(&delivery, "/forwards/0/error"), error);
        let warning = "the handler is busy, so the sender was asked to send this again";
        assert_eq!(text(&delivery, "/warnings/0"), warning);
    }
    assert_eq!(status_soon(&listener, "/hooks"), 200);
    endpoint.got_no_more();
}

#[test]
fn senders_that_have_gone_keep_neither_connections_nor_their_handler() {
    let dir = Dir::new();
    // The first 64 never get a response.
    let endpoint = Endpoint::new(vec![hang(); 64].into_iter().chain([respond(200)]));
    let forward = format!("cyanite.*={}", endpoint.url("/"));
    let listener = dir.listen().args(["--capture", "log.ndjson", "--forward", &forward]).starts();
    for _ in 0..640 {
        drop(send(&listener, "/cyanite", &CYANITE_HEADERS, CYANITE));
    }
    assert_eq!(status_soon(&listener, "/hooks"), 200);
    // Providers send again after a 503.
    let begun = Instant::now();
    while status_soon(&listener, "/cyanite") != 200 {
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    }
}

/// A handler whose every response has a body of this length, and `framing` in its head. It sends the first `sent`
/// bytes.
fn large(length: usize, framing: &'static str, sent: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || write_response(stream, length, framing, sent));
        }
    });
    url
}

/// Fails when the other side has gone.
fn write_response(stream: TcpStream, length: usize, framing: &str, sent: usize) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    Message::read(&mut stream)?;
    let length = if framing.is_empty() { format!("content-length: {length}\r\n") } else { framing.to_owned() };
    write!(stream.get_mut(), "HTTP/1.1 200 OK\r\nconnection: close\r\n{length}\r\n")?;
    let piece = vec![b'x'; 64 << 10];
    let mut left = sent;
    while left > 0 {
        let size = left.min(piece.len());
        if framing.is_empty() {
            stream.get_mut().write_all(&piece[..size])?;
        } else {
            write!(stream.get_mut(), "{size:x}\r\n")?;
            stream.get_mut().write_all(&piece[..size])?;
            stream.get_mut().write_all(b"\r\n")?;
        }
        left -= size;
    }
    if !framing.is_empty() {
        stream.get_mut().write_all(b"0\r\n\r\n")?;
    }
    Ok(())
}

const CHUNKED: &str = "transfer-encoding: chunked\r\n";

#[cfg(target_os = "linux")]
#[test]
fn responses_of_30_mebibytes_are_passed_on_in_pieces() {
    const LENGTH: usize = 30 << 20;
    let listener = Dir::new().listen().args(["--forward", &large(LENGTH, "", LENGTH)]).starts();
    let mut senders: Vec<_> = (0..24).map(|_| send(&listener, "/cyanite", &CYANITE_HEADERS, CYANITE)).collect();
    // All responses have begun before one is read.
    for sender in &mut senders {
        assert_eq!(sender.line().unwrap(), "HTTP/1.1 200 OK");
    }
    for sender in &mut senders {
        let mut headers = Vec::new();
        while let Some(line) = Some(sender.line().unwrap()).filter(|line| !line.is_empty()) {
            headers.push(line);
        }
        assert!(headers.contains(&format!("content-length: {LENGTH}")), "{headers:?}");
        assert_eq!(sender.skip(LENGTH).unwrap(), LENGTH);
    }
    let process = std::fs::read_to_string(format!("/proc/{}/status", listener.id())).unwrap();
    let most = process.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    let most: u64 = most.expect("the peak memory use");
    assert!(most < 128 << 10, "{most} kB");
}

#[test]
fn a_long_response_of_unknown_length_is_passed_on_whole() {
    const LENGTH: usize = 200_000;
    let mut listener = Dir::new().listen().args(["--forward", &large(LENGTH, CHUNKED, LENGTH)]).starts();
    let (response, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!((response.status(), response.header("transfer-encoding")), (200, Some("chunked")));
    assert_eq!(response.body, vec![b'x'; LENGTH]);
    assert_eq!((&delivery["forwards"][0]["status"], &delivery["forwards"][0]["error"]), (&json!(200), &json!(null)));
}

#[test]
fn a_long_response_that_is_cut_off_is_cut_off_for_the_sender_too_and_reported() {
    const LENGTH: usize = 200_000;
    let mut listener = Dir::new().listen().args(["--forward", &large(LENGTH, "", LENGTH - 1)]).starts();
    let mut sender = send(&listener, "/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!(sender.response().unwrap_err().kind(), ErrorKind::UnexpectedEof);
    assert_eq!(listener.next()["forwards"][0]["status"], 200);
    let mut later = listener.line();
    later["forwards"][0]["elapsed_ms"].take();
    let url = text(&later, "/forwards/0/url").to_owned();
    let error = "your handler responded 200, but its body was cut off; so was the response";
    let forward = json!({"url": url, "status": null, "elapsed_ms": null, "error": error});
    assert_eq!(later, json!({"kind": "forwards", "seq": 1, "forwards": [forward], "warnings": []}));
}

#[test]
fn a_response_does_not_wait_for_other_targets_which_are_reported_later() {
    let dir = Dir::new();
    let (first, second) = (Endpoint::new([respond(201)]), Endpoint::new([respond(202).after(Duration::from_secs(2))]));
    let targets = ["--forward", &first.url("/1"), "--forward", &second.url("/2")];
    let mut listener = dir.listen().args(targets).starts();
    let (response, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!((response.status(), &delivery["forwards"][0]["status"]), (201, &json!(201)));
    assert_eq!(text(&delivery, "/forwards/1/error"), "no response yet");
    let mut later = listener.line();
    later["forwards"][0]["elapsed_ms"].take();
    let forward = json!({"url": second.url("/2"), "status": 202, "elapsed_ms": null, "error": null});
    assert_eq!(later, json!({"kind": "forwards", "seq": 1, "forwards": [forward], "warnings": []}));
}
