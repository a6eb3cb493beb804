//! The process is killed while it receives: every delivery that got 200 is captured completely, and nothing is broken.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use crate::harness::{Connection, Dir, Signed, request, text};

const SENDERS: usize = 16;
/// The receiver is killed after this many responses.
const KILLED_AFTER: usize = 400;

/// Sends deliveries until there is no response, because the receiver is killed meanwhile. Returns the ids of those
/// whose response was 200.
fn deliver_and_kill(dir: &Dir, place: &str) -> HashSet<String> {
    let listener = dir.listen().args(["--capture", place]).starts();
    let url = listener.url("/aspect");
    let signed = Signed::new(dir, "aspect.task.completed", &["--id", "msg_0"]);
    let next = Arc::new(AtomicUsize::new(0));
    let (sender, accepted) = mpsc::channel();
    let senders: Vec<_> = (0..SENDERS)
        .map(|_| {
            let (next, sender, url) = (Arc::clone(&next), sender.clone(), url.clone());
            let request = request("POST", &url, &signed.headers(), &signed.body);
            thread::spawn(move || {
                let Ok(mut connection) = Connection::open(&url) else { return };
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let numbered = with_number(&request, number);
                    let Ok(response) = connection.write(numbered).and_then(|()| connection.response()) else { return };
                    assert_eq!(response.status(), 200);
                    if sender.send(number).is_err() {
                        return;
                    }
                }
            })
        })
        .collect();
    drop(sender);
    let mut ids = HashSet::new();
    let mut listener = Some(listener);
    for number in accepted {
        ids.insert(format!("{number:08}"));
        if ids.len() == KILLED_AFTER
            && let Some(listener) = listener.take()
        {
            listener.killed();
        }
    }
    for sender in senders {
        sender.join().unwrap();
    }
    assert!(ids.len() >= KILLED_AFTER, "{} got a response", ids.len());
    ids
}

/// The request with a number in an extra header, which the signature doesn't cover.
fn with_number(request: &[u8], number: usize) -> Vec<u8> {
    let end = request.windows(2).position(|pair| pair == b"\r\n").unwrap() + 2;
    [&request[..end], format!("x-number: {number:08}\r\n").as_bytes(), &request[end..]].concat()
}

/// The number of a capture.
fn number(capture: &str) -> String {
    let capture: serde_json::Value = serde_json::from_str(capture).unwrap();
    let headers = capture["request"]["headers"].as_array().unwrap();
    text(headers.iter().find(|header| header[0] == "x-number").unwrap(), "/1").to_owned()
}

/// Checks that every capture verifies, and returns their number.
#[track_caller]
fn all_verified(dir: &Dir, place: &str) -> usize {
    let lines = dir.hookdev().args(["verify", place, "--json"]).exits(0).lines();
    assert!(lines.iter().all(|line| line["verdict"] == "verified" && line["payload"]["status"] == "valid"));
    lines.len()
}

#[test]
fn a_directory_contains_every_delivery_that_got_200() {
    let dir = Dir::new();
    let accepted = deliver_and_kill(&dir, "captures");
    let names: Vec<String> = dir.names("captures").into_iter().filter(|name| !name.starts_with('.')).collect();
    let saved: HashSet<String> = names.iter().map(|name| number(&dir.read(&format!("captures/{name}")))).collect();
    let lost: Vec<&String> = accepted.difference(&saved).collect();
    assert_eq!(lost, [""; 0]);
    assert_eq!(all_verified(&dir, "captures"), names.len());
    assert_eq!(saved.len(), names.len());
}

#[test]
fn a_log_contains_every_delivery_that_got_200() {
    let dir = Dir::new();
    let accepted = deliver_and_kill(&dir, "log.ndjson");
    let log = dir.read("log.ndjson");
    let whole = log.rfind('\n').map_or(0, |end| end + 1);
    let saved: HashSet<String> = log[..whole].lines().map(number).collect();
    let lost: Vec<&String> = accepted.difference(&saved).collect();
    assert_eq!(lost, [""; 0]);
    assert_eq!(all_verified(&dir, "log.ndjson"), saved.len());
    // The next run continues after the last complete line.
    let mut listener = dir.listen().args(["--capture", "log.ndjson"]).starts();
    let signed = Signed::new(&dir, "aspect.task.completed", &[]);
    listener.receives("/aspect", &signed.headers(), &signed.body);
    assert_eq!(all_verified(&dir, "log.ndjson"), saved.len() + 1);
}
