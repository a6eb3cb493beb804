//! `--forward-wait`: deliveries wait for a handler that restarts.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    process::{Child, Stdio},
};

use serde_json::json;

#[cfg(unix)]
use crate::screen::Screen;
use crate::{
    harness::{CYANITE, CYANITE_HEADERS, Dir, Endpoint, Message, hang, post, respond, text},
    machine::{self, Port},
};

/// A handler in a process of its own, on this port. It ends when its standard input is closed.
fn handler(port: u16) -> Child {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/listen/handler.py");
    let mut command = machine::command("python3");
    command.args([script, &port.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    child
}

#[test]
fn a_handler_that_restarts_again_and_again_loses_no_delivery() {
    const ROUNDS: usize = 5;
    const DELIVERIES: usize = 16;
    if !machine::can("python3", &["--version"]) {
        return;
    }
    let (dir, mut port) = (Dir::new(), Port::reserve());
    let port = port.lend();
    let forward = format!("http://127.0.0.1:{port}/hooks");
    let listener = dir.listen().args(["--forward", &forward, "--forward-wait", "2m"]).starts();
    let mut running = handler(port);
    let mut statuses = Vec::new();
    for _ in 0..ROUNDS {
        let senders: Vec<_> = (0..DELIVERIES)
            .map(|_| {
                let url = listener.url("/cyanite");
                std::thread::spawn(move || post(&url, &CYANITE_HEADERS, CYANITE).status())
            })
            .collect();
        drop(running.stdin.take());
        assert!(running.wait().unwrap().success());
        running = handler(port);
        statuses.extend(senders.into_iter().map(|sender| sender.join().unwrap()));
    }
    assert_eq!(statuses, [200; ROUNDS * DELIVERIES]);
    drop(running.stdin.take());
    assert!(running.wait().unwrap().success());
}

#[test]
fn a_handler_that_starts_late_gets_the_delivery() {
    let (dir, mut port) = (Dir::new(), Port::reserve());
    let forward = format!("http://127.0.0.1:{}/cyanite", port.number());
    let mut listener = dir.listen().args(["--forward", &forward, "--forward-wait", "2m"]).starts();
    let url = listener.url("/cyanite");
    let sender = std::thread::spawn(move || post(&url, &CYANITE_HEADERS, CYANITE).status());
    let addr = format!("127.0.0.1:{}", port.lend());
    let mut handler = dir.hookdev().args(["listen", "--addr", &addr, "--format", "json"]).starts();
    assert_eq!((sender.join().unwrap(), text(&handler.next(), "/verdict")), (200, "verified"));
    assert_eq!(listener.next()["forwards"][0]["status"], json!(200));
}

#[test]
fn a_second_handler_that_restarts_gets_the_deliveries_in_their_order_before_it_responds() {
    const DELIVERIES: usize = 6;
    let (dir, first, mut port) = (Dir::new(), Endpoint::new([respond(200)]), Port::reserve());
    let second = format!("http://127.0.0.1:{}/second", port.number());
    let targets = ["--forward", &first.url("/first"), "--forward", &second, "--forward-wait", "2m"];
    let mut listener = dir.listen().args(targets).starts();
    let queries = (1..=DELIVERIES).map(|number| format!("?number={number}"));
    for query in queries.clone() {
        let (response, delivery) = listener.receives(&format!("/cyanite{query}"), &CYANITE_HEADERS, CYANITE);
        assert_eq!((response.status(), text(&delivery, "/forwards/1/error")), (200, "no response yet"));
    }
    let handler = TcpListener::bind(("127.0.0.1", port.lend())).unwrap();
    let waiting: Vec<_> = queries
        .map(|query| {
            let mut stream = BufReader::new(handler.accept().unwrap().0);
            let request = Message::read(&mut stream).unwrap().unwrap();
            assert_eq!(request.target(), format!("/second{query}"));
            stream
        })
        .collect();
    for mut stream in waiting {
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    }
}

#[test]
fn a_handler_that_serves_one_kept_connection_at_a_time_gets_all_deliveries() {
    const DELIVERIES: usize = 3;
    let handler = TcpListener::bind("127.0.0.1:0").unwrap();
    let (dir, forward) = (Dir::new(), format!("http://{}/hooks", handler.local_addr().unwrap()));
    std::thread::spawn(move || {
        for stream in handler.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            while let Ok(Some(_)) = Message::read(&mut stream) {
                stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
            }
        }
    });
    let listener = dir.listen().args(["--forward", &forward]).starts();
    let senders = [(); DELIVERIES].map(|()| {
        let url = listener.url("/cyanite");
        std::thread::spawn(move || post(&url, &CYANITE_HEADERS, CYANITE).status())
    });
    assert_eq!(senders.map(|sender| sender.join().unwrap()), [200; DELIVERIES]);
}

#[cfg(unix)]
#[test]
fn a_terminal_shows_a_delivery_that_waits_for_its_handler() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([hang()]));
    let options = format!("--forward {} --forward-timeout 3s", endpoint.url("/hooks?token=1"));
    let mut screen = Screen::run(&dir, &options, "$LISTEN");
    let url = screen.url();
    let sender = std::thread::spawn(move || post(&format!("{url}/cyanite"), &CYANITE_HEADERS, CYANITE));
    let target = endpoint.url("/hooks?token=[redacted]");
    screen.shows(&format!("\x1b[K#1  cyanite.v2.finished  waiting for {target}  1 s"));
    screen.shows(&format!("\x1b[K#1  cyanite.v2.finished  waiting for {target}  2 s"));
    assert_eq!(sender.join().unwrap().status(), 502);
    // The line is cleared before the delivery is printed.
    let shown = screen.shows("no response within 3.0 s (the forward timeout)");
    let (_, delivery) = shown.rsplit_once("\x1b[K").unwrap();
    assert!(!delivery.contains("waiting for"), "{shown:?}");
}

#[test]
fn only_a_terminal_shows_deliveries_that_wait() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([hang()]));
    let command = dir.hookdev().args(["listen", "--addr", "127.0.0.1:0", "--forward", &endpoint.url("/")]);
    let mut listener = command.args(["--forward-timeout", "1500ms", "--count", "1"]).starts_for_people();
    assert_eq!(post(&listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE).status(), 502);
    listener.prints("no response within 1.5 s");
    let finished = listener.exits(0).to_string();
    assert!(!finished.contains("  waiting for"), "{finished}");
}
