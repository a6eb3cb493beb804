//! Readers of the output that stop reading, or go.

use std::{
    io::{self, BufRead, BufReader, Read},
    sync::mpsc,
    thread,
};

use crate::harness::{CYANITE, CYANITE_HEADERS, Connection, Dir, PATIENCE, post, request};

/// `listen` for people with the reading end of its standard output.
fn listening(dir: &Dir, args: &[&str]) -> (crate::harness::Listener, io::PipeReader) {
    let (reader, writer) = io::pipe().unwrap();
    let command = dir.hookdev().args(["listen", "--addr", "127.0.0.1:0", "--color", "never"]).args(args);
    (command.stdout_to(writer).starts_for_people(), reader)
}

/// Delivers a body, again and again until it is answered 200, as providers do after a 503: where the machine is
/// slow, a body has waited for its turn so long that it is refused.
fn deliver(url: &str, body: &[u8]) {
    let request = request("POST", url, &[], body);
    let attempt = || {
        let mut connection = Connection::open(url)?;
        connection.write(&request)?;
        connection.answer()
    };
    while !attempt().is_ok_and(|answer| answer.status() == 200) {}
}

#[test]
fn a_reader_that_pauses_makes_senders_wait_and_loses_nothing() {
    const SENDERS: usize = 40;
    // Of 64 MiB that may wait, each takes 4 MiB and a little; beside them stands what is being written.
    const WAITING: usize = 15;
    let dir = Dir::new();
    let (listener, reader) = listening(&dir, &["--capture", "captures"]);
    let url = listener.url("/hooks");
    let (sender, answers) = mpsc::channel();
    for _ in 0..SENDERS {
        let (sender, url) = (sender.clone(), url.clone());
        thread::spawn(move || {
            deliver(&url, &vec![b'x'; 4 << 20]);
            // The test may be over.
            let _ = sender.send(());
        });
    }
    let mut answered = 0;
    while answered < WAITING {
        assert_eq!(answers.recv_timeout(PATIENCE), Ok(()));
        answered += 1;
    }
    // Nobody has read a byte, so that more than these and the one being written can't have been answered.
    answered += answers.try_iter().count();
    assert!((WAITING..=WAITING + 2).contains(&answered), "{answered} were answered");
    let lines = thread::spawn(move || {
        let lines = BufReader::new(reader).lines().map(Result::unwrap);
        lines.filter(|line| line.contains("  POST /hooks")).count()
    });
    while answered < SENDERS {
        assert_eq!(answers.recv_timeout(PATIENCE), Ok(()));
        answered += 1;
    }
    listener.interrupt();
    listener.exits(0);
    assert_eq!((lines.join().unwrap(), dir.names("captures").len()), (SENDERS, SENDERS));
}

#[test]
fn a_reader_that_has_gone_ends_it_well_and_what_was_answered_is_kept() {
    let dir = Dir::new();
    let (listener, mut reader) = listening(&dir, &["--capture", "log.ndjson"]);
    let url = listener.url("/cyanite");
    assert_eq!(post(&url, &CYANITE_HEADERS, CYANITE).status(), 200);
    reader.read_exact(&mut [0; 1]).unwrap();
    drop(reader);
    let mut answered = 1;
    while let Ok(mut connection) = Connection::open(&url) {
        let sent = connection.write(request("POST", &url, &CYANITE_HEADERS, CYANITE));
        if let Ok(answer) = sent.and_then(|()| connection.answer()) {
            assert_eq!(answer.status(), 200);
            answered += 1;
        }
    }
    listener.exits(0);
    let kept = dir.read("log.ndjson").lines().count();
    assert!(kept >= answered, "{kept} of {answered}");
    dir.hookdev().args(["verify", "log.ndjson"]).exits(0);
}

#[test]
fn a_reader_of_nothing_does_not_keep_ctrl_c_from_ending_it() {
    let dir = Dir::new();
    let (listener, reader) = listening(&dir, &["--body", "full"]);
    let body = format!("{{\"a\":\"{}\"}}", "x".repeat(512 << 10));
    assert_eq!(post(&listener.url("/hooks"), &[], body).status(), 200);
    listener.interrupt();
    listener.interrupt();
    listener.exits(130);
    drop(reader);
}
