//! On a terminal, even output that goes byte for byte into a file or pipe is escaped.

use std::io::Read;

use pty_process::blocking::{Command, open};
use serde_json::json;

use super::{EVIL, assert_harmless_in_colour};
use crate::{
    harness::{CYANITE_HEADERS, Dir},
    machine,
};

/// The output of a command on a terminal that is both of its streams.
fn seen(dir: &Dir, arguments: &[&str]) -> Vec<u8> {
    let (mut pty, pts) = open().unwrap();
    let command = Command::new(env!("CARGO_BIN_EXE_hookdev"));
    let command =
        command.args(arguments).current_dir(dir.join("")).env_clear().envs(machine::environment()).env("TERM", "xterm");
    let mut child = command.spawn(pts).unwrap();
    let mut seen = Vec::new();
    let mut part = [0; 4096];
    // The terminal closes with the program, which on Linux is an error to the reader.
    while let Ok(length @ 1..) = pty.read(&mut part) {
        seen.extend_from_slice(&part[..length]);
    }
    child.wait().unwrap();
    // The terminal ends lines with CR LF.
    String::from_utf8(seen).unwrap().replace("\r\n", "\n").into_bytes()
}

#[test]
fn a_hostile_capture_is_printed_without_control_characters() {
    let dir = Dir::new();
    let headers = [&CYANITE_HEADERS[..], &[("x-c1", "\u{9b}31m"), ("x-tab", "a\tb")]].concat();
    let request = json!({"method": "POST", "target": "/cyanite", "headers": headers, "body": EVIL});
    dir.write("capture.json", json!({ "request": request }).to_string());
    for form in ["http", "curl", "json", "vegeta"] {
        let seen = seen(&dir, &["send", "capture.json", "--print", form]);
        // The body of a message is shown with its lines.
        let body_lines = if form == "http" { "\nFORGED\n::error::end" } else { "" };
        let seen = String::from_utf8(seen).unwrap().replacen(body_lines, "", 1).into_bytes();
        assert_harmless_in_colour(form, &seen);
        assert!(seen.ends_with(b"\n") && seen.len() + body_lines.len() > EVIL.len(), "{form}");
    }
    // In a pipe, the message is unchanged.
    let piped = dir.hookdev().args(["send", "capture.json", "--print", "http"]).exits(0);
    assert!(piped.stdout.ends_with(format!("\r\n\r\n{EVIL}").as_bytes()), "{piped}");
}
