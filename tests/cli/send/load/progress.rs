//! The progress bar, which is only for people.

use std::{io::Read, num::NonZeroU16};

use pty_process::{
    Size,
    blocking::{Command, open},
};

use crate::{
    harness::{Dir, Endpoint, respond},
    machine,
};

/// What a terminal shows if it is both streams of a run with these options.
fn seen(endpoint: &Endpoint, options: &[&str]) -> String {
    let (mut pty, pts) = open().unwrap();
    pty.resize(Size::new(24, 80)).unwrap();
    let command = Command::new(env!("CARGO_BIN_EXE_hookdev"));
    let command =
        command.args(["send", "cyanite.v2.finished", "--no-config", "--to", &endpoint.url("/")]).args(options);
    let mut child = command.env_clear().envs(machine::environment()).env("TERM", "xterm").spawn(pts).unwrap();
    let mut seen = Vec::new();
    let mut part = [0; 4096];
    // When the program ends, its terminal does, which on Linux reads as an error.
    while let Ok(length @ 1..) = pty.read(&mut part) {
        seen.extend_from_slice(&part[..length]);
    }
    assert!(child.wait().unwrap().success());
    String::from_utf8(seen).unwrap()
}

#[test]
fn a_terminal_shows_a_progress_bar() {
    let endpoint = Endpoint::new([respond(200)]);
    let run = ["--repeat", "20", "--rate", "40"];
    let bar = seen(&endpoint, &run);
    assert!(bar.contains(" of 20 requests, "), "{bar:?}");
    // It is gone when the table comes.
    let size = |length| NonZeroU16::new(length).unwrap();
    let mut screen = vt100::Parser::new(size(24), size(80), 0);
    screen.process(bar.as_bytes());
    let screen = screen.screen().contents();
    assert!(screen.contains("20 requests in ") && !screen.contains(" of 20 requests"), "{screen}");
    assert!(screen.lines().all(|line| line.chars().count() <= 80), "{screen}");
}

#[test]
fn there_is_no_progress_bar_with_json_or_quiet() {
    let endpoint = Endpoint::new([respond(200)]);
    for options in [["--repeat", "20", "--rate", "40", "--json"], ["--repeat", "20", "--rate", "40", "--quiet"]] {
        let seen = seen(&endpoint, &options);
        assert!(!seen.contains(" of 20 requests"), "{seen:?}");
    }
}

#[test]
fn a_pipe_shows_no_progress_bar() {
    let endpoint = Endpoint::new([respond(200)]);
    let finished =
        Dir::new().send("cyanite.v2.finished", endpoint.url("/")).args(["--repeat", "20", "--rate", "40"]).exits(0);
    finished
        .stderr("warning: using the public development secret for cyanite; set CYANITE_WEBHOOK_SECRET to use yours\n");
}
