//! Runs that end early: an unreachable or stopped handler, Ctrl-C, and a closed pipe.

use std::{
    io::{BufReader, Write},
    net::TcpListener,
    thread,
};

use serde_json::{Value, json};

use super::results;
use crate::{
    harness::{Dir, Endpoint, Message, respond},
    machine::Port,
};

#[test]
fn an_unreachable_endpoint_stops_the_run_at_once() {
    let port = Port::reserve();
    let (dir, url) = (Dir::new(), format!("http://127.0.0.1:{}/", port.number()));
    let send = || dir.send("cyanite.v2.finished", &url).args(["--repeat", "100000", "--concurrency", "8"]);
    let reason = format!("nothing listens on 127.0.0.1:{} (connection refused)", port.number());
    let note = "warning: using the public development secret for cyanite; set CYANITE_WEBHOOK_SECRET to use yours\n";
    send().exits(4).stdout("").stderr(&format!("{note}error: {reason}\n"));
    let (attempts, summary) = results(&send().arg("--json").exits(4));
    assert_eq!(attempts.iter().map(|attempt| &attempt["reason"]).collect::<Vec<_>>(), [&reason]);
    assert_eq!(summary["outcomes"], json!({"accepted": 0, "refused": 0, "timed-out": 0, "unreachable": 1}));
    assert_eq!(summary["latency_ms"], Value::Null);
}

#[test]
fn an_endpoint_that_stops_listening_becomes_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut stream = BufReader::new(listener.accept().unwrap().0);
        for _ in 0..4 {
            Message::read(&mut stream).unwrap();
            stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
        }
        Message::read(&mut stream).unwrap();
        drop(listener);
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").unwrap();
    });
    let dir = Dir::new();
    let send = dir.send("cyanite.v2.finished", url).args(["--repeat", "8", "--json"]);
    let (attempts, summary) = results(&send.exits(4));
    assert_eq!(attempts.len(), 8);
    assert_eq!(summary["outcomes"], json!({"accepted": 5, "refused": 0, "timed-out": 0, "unreachable": 3}));
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_a_run_but_a_killed_handler_does_not() {
    let dir = Dir::new();
    let mut listener = dir.listen().starts();
    let send = dir.send("aspect.task.completed", listener.url("/aspect"));
    let mut run = send.args(["--duration", "10m", "--rate", "100", "--concurrency", "4", "--json"]).in_background();
    (0..20).for_each(|_| drop(listener.next()));
    run.prints("\"outcome\":\"accepted\"");
    listener.killed();
    run.prints("\"outcome\":\"unreachable\"");
    run.interrupt();
    let (attempts, summary) = results(&run.exits(130));
    assert_eq!(summary["requests"], attempts.len());
    let counted: u64 = summary["outcomes"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(summary["requests"], counted);
    assert!(summary["outcomes"]["accepted"].as_u64().unwrap() >= 1, "{summary}");
    assert!(summary["outcomes"]["unreachable"].as_u64().unwrap() >= 1, "{summary}");
    assert_eq!(summary["not_started"], 0);
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_a_run_and_prints_the_results_so_far() {
    let endpoint = Endpoint::new([respond(200)]);
    let run = Dir::new()
        .send("cyanite.v2.finished", endpoint.url("/"))
        .args(["--duration", "10m", "--rate", "200"])
        .in_background();
    (0..5).for_each(|_| drop(endpoint.next()));
    run.interrupt();
    let finished = run.exits(130).prints(" requests in ").prints("\n  accepted  ").prints("\n  latency  p50 ");
    assert!(!finished.text().contains("refused"), "{finished}");
}

#[test]
fn a_closed_pipe_stops_a_run_quietly() {
    let endpoint = Endpoint::new([respond(200)]);
    let dir = Dir::new();
    let send = dir.send("cyanite.v2.finished", endpoint.url("/")).args(["--duration", "10m", "--json"]);
    send.unread()
        .exits(0)
        .stderr("warning: using the public development secret for cyanite; set CYANITE_WEBHOOK_SECRET to use yours\n");
}
