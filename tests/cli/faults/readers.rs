//! Readers of the output that stop reading or close their end.

use std::{
    io::{self, BufRead, BufReader, Read},
    sync::mpsc,
    thread,
};

use crate::harness::{CYANITE, CYANITE_HEADERS, Connection, Dir, PATIENCE, post, request};

/// Starts `listen` in its pretty form; the reading end of its standard output.
fn listening(dir: &Dir, args: &[&str]) -> (crate::harness::Listener, io::PipeReader) {
    let (reader, writer) = io::pipe().unwrap();
    let command = dir.hookdev().args(["listen", "--addr", "127.0.0.1:0", "--color", "never"]).args(args);
    (command.stdout_to(writer).starts_for_people(), reader)
}

/// Delivers a body repeatedly until the response is 200, as providers do after a 503. On a slow machine, a body may wait
/// for memory so long that it is refused.
fn deliver(url: &str, body: &[u8]) {
    let request = request("POST", url, &[], body);
    let attempt = || {
        let mut connection = Connection::open(url)?;
        connection.write(&request)?;
        connection.response()
    };
    while !attempt().is_ok_and(|response| response.status() == 200) {}
}

#[test]
fn a_reader_that_pauses_makes_senders_wait_and_loses_nothing() {
    const SENDERS: usize = 40;
    // Of the 64 MiB for bodies, each takes a little less than 4 MiB; one more is being written.
    const WAITING: usize = 15;
    let dir = Dir::new();
    let (listener, reader) = listening(&dir, &["--capture", "captures"]);
    let url = listener.url("/hooks");
    let (sender, responses) = mpsc::channel();
    for _ in 0..SENDERS {
        let (sender, url) = (sender.clone(), url.clone());
        thread::spawn(move || {
            deliver(&url, &vec![b'x'; 4 << 20]);
            // It fails once the test has ended.
            let _ = sender.send(());
        });
    }
    let mut responded = 0;
    while responded < WAITING {
        assert_eq!(responses.recv_timeout(PATIENCE), Ok(()));
        responded += 1;
    }
    // Nothing was read, so only these and the one being written can have a response.
    responded += responses.try_iter().count();
    assert!((WAITING..=WAITING + 2).contains(&responded), "{responded} got a response");
    let lines = thread::spawn(move || {
        let lines = BufReader::new(reader).lines().map(Result::unwrap);
        lines.filter(|line| line.contains("  POST /hooks")).count()
    });
    while responded < SENDERS {
        assert_eq!(responses.recv_timeout(PATIENCE), Ok(()));
        responded += 1;
    }
    listener.interrupt();
    listener.exits(0);
    assert_eq!((lines.join().unwrap(), dir.names("captures").len()), (SENDERS, SENDERS));
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
