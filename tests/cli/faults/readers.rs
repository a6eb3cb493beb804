//! Readers of the output that stop reading or close their end.

use std::{
    io::{self, BufRead, BufReader, Read},
    sync::mpsc,
    thread,
};

use serde_json::{Value, json};

use crate::harness::{CYANITE, CYANITE_HEADERS, Connection, Dir, PATIENCE, post, request, text};

/// Starts `listen` in its pretty format. Returns the reading end of its standard output too.
fn listening(dir: &Dir, args: &[&str]) -> (crate::harness::Listener, io::PipeReader) {
    let (reader, writer) = io::pipe().unwrap();
    let command = dir.hookdev().args(["listen", "--addr", "127.0.0.1:0", "--color", "never"]).args(args);
    (command.stdout_to(writer).starts_for_people(), reader)
}

const SENDERS: usize = 16;

/// Posts more large bodies than the queue of the output holds.
fn post_large_bodies(url: &str) {
    let body = vec![b'x'; 4 << 20];
    for _ in 0..SENDERS {
        assert_eq!(post(url, &[], &body).status(), 200);
    }
}

/// The lines that can be read from now on.
fn lines(reader: impl BufRead + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in reader.lines().map_while(Result::ok) {
            // The test may be over.
            let _ = sender.send(line);
        }
    });
    lines
}

/// Counts the deliveries that are shown, and those that a line reports as missed, until none is left. There must be
/// some of each.
#[track_caller]
fn count_all(lines: &mpsc::Receiver<String>, is_shown: impl Fn(&str) -> bool, missed: impl Fn(&str) -> Option<usize>) {
    let (mut shown, mut not_shown) = (0, 0);
    while shown + not_shown < SENDERS {
        let line = lines.recv_timeout(PATIENCE).expect("a line about every delivery");
        shown += usize::from(is_shown(&line));
        not_shown += missed(&line).unwrap_or(0);
    }
    assert!(shown > 0 && not_shown > 0 && shown + not_shown == SENDERS, "{shown} shown, {not_shown} missed");
}

#[test]
fn no_response_waits_for_a_terminal_that_is_not_read_and_all_is_captured() {
    let dir = Dir::new();
    let (listener, reader) = listening(&dir, &["--capture", "captures", "--body", "full"]);
    post_large_bodies(&listener.url("/hooks"));
    assert_eq!(dir.names("captures").len(), SENDERS);
    let lines = lines(BufReader::new(reader));
    let missed = |line: &str| {
        let (count, rest) = line.split_once(' ')?;
        (rest == "deliveries are not shown: the output was not read in time").then(|| count.parse().unwrap())
    };
    count_all(&lines, |line| line.contains("  POST /hooks"), missed);
    listener.interrupt();
    listener.exits(0);
}

#[test]
fn with_a_capture_json_misses_lines_and_says_how_many() {
    let dir = Dir::new();
    let (reader, writer) = io::pipe().unwrap();
    let listener = dir.listen().args(["--capture", "log.ndjson"]).stdout_to(writer).in_background();
    let mut reader = BufReader::new(reader);
    post_large_bodies(&ready(&mut reader));
    assert_eq!(dir.read("log.ndjson").lines().count(), SENDERS);
    let lines = lines(reader);
    let missed = |line: &str| {
        let line = parse(line);
        let count = line["count"].as_u64()?;
        assert_eq!(line, json!({"kind": "missed", "count": count}));
        usize::try_from(count).ok()
    };
    count_all(&lines, |line| parse(line)["kind"] == "delivery", missed);
    listener.interrupt();
    listener.exits(0);
}

fn parse(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

/// The URL in the first line of JSON.
fn ready(reader: &mut impl BufRead) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    format!("{}/hooks", text(&parse(&line), "/url"))
}

#[test]
fn without_a_capture_json_is_the_capture_and_is_waited_for() {
    const LARGE: usize = 512 << 10;
    let dir = Dir::new();
    let (reader, writer) = io::pipe().unwrap();
    let listener = dir.listen().stdout_to(writer).in_background();
    let mut reader = BufReader::new(reader);
    let url = ready(&mut reader);
    // The first does not fit into the pipe, and the second comes after it.
    for body in ["x".repeat(LARGE).as_str(), "not read"] {
        let response = post(&url, &[], body);
        assert_eq!((response.status(), response.text()), (503, "the delivery could not be saved; send it again\n"));
    }
    let lines = thread::spawn(move || reader.lines().map(|line| parse(&line.unwrap())).collect::<Vec<_>>());
    assert_eq!(post(&url, &[], "read").status(), 200);
    listener.interrupt();
    listener.exits(0).stderr(
        "warning: using the public development secrets for all providers; pass yours with --secret PROVIDER=SOURCE\n\
         warning: nothing has read the output for 10 s; responding 503 until it is read, so that senders try again\n",
    );
    let lines = lines.join().unwrap();
    let summary = |line: &Value| (text(line, "/request/body").len(), line["response"]["status"].clone());
    // The line of the first was begun before its response was known.
    assert_eq!(lines.iter().map(summary).collect::<Vec<_>>(), [(LARGE, json!(200)), (8, json!(503)), (4, json!(200))]);
    let warning = "not saved, so the response is 503: the output was not read for 10 s";
    assert_eq!(lines[1]["warnings"].as_array().unwrap().last(), Some(&json!(warning)));
}

#[test]
fn expected_deliveries_count_even_if_nobody_reads_the_output() {
    let dir = Dir::new();
    let args = ["--capture", "captures", "--body", "full", "--count", "3", "--timeout", "4m"];
    let (listener, reader) = listening(&dir, &args);
    let body = format!("{{\"type\":\"TEST\",\"data\":\"{}\"}}", "x".repeat(512 << 10));
    for _ in 0..3 {
        assert_eq!(post(&listener.url("/cyanite"), &[], &body).status(), 200);
    }
    listener.exits(0);
    drop(reader);
}

#[test]
fn a_closed_reader_stops_it_with_success_and_every_response_is_backed_by_a_capture() {
    let dir = Dir::new();
    let (listener, mut reader) = listening(&dir, &["--capture", "log.ndjson"]);
    let url = listener.url("/cyanite");
    assert_eq!(post(&url, &CYANITE_HEADERS, CYANITE).status(), 200);
    reader.read_exact(&mut [0; 1]).unwrap();
    drop(reader);
    let mut responded = 1;
    while let Ok(mut connection) = Connection::open(&url) {
        let sent = connection.write(request("POST", &url, &CYANITE_HEADERS, CYANITE));
        if let Ok(response) = sent.and_then(|()| connection.response()) {
            assert_eq!(response.status(), 200);
            responded += 1;
        }
    }
    listener.exits(0);
    let saved = dir.read("log.ndjson").lines().count();
    assert!(saved >= responded, "{saved} of {responded}");
    dir.hookdev().args(["verify", "log.ndjson"]).exits(0);
}

#[test]
fn ctrl_c_works_while_nobody_reads_the_output() {
    let dir = Dir::new();
    let (listener, reader) = listening(&dir, &["--body", "full"]);
    let body = format!("{{\"a\":\"{}\"}}", "x".repeat(512 << 10));
    assert_eq!(post(&listener.url("/hooks"), &[], body).status(), 200);
    listener.interrupt();
    listener.interrupt();
    listener.exits(130);
    drop(reader);
}
