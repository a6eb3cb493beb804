//! File descriptors run out.

use std::process::Command;

use super::statuses;
use crate::{
    harness::{Connection, Dir, Endpoint, answer},
    machine::can,
};

#[test]
fn with_64_descriptors_a_crowd_is_answered_forwarded_and_kept() {
    const CROWD: usize = 200;
    let (dir, endpoint) = (Dir::new(), Endpoint::new([answer(200)]));
    let listener = dir
        .listen()
        .args(["--capture", "captures", "--forward", &endpoint.url("/")])
        .under(&["sh", "-c", "ulimit -n 64; exec \"$0\" \"$@\""])
        .starts();
    assert_eq!(statuses(&listener.url("/cyanite"), CROWD), [200; CROWD]);
    assert_eq!(dir.names("captures").len(), CROWD);
    listener.interrupt();
    let said = listener.exits(0);
    let said = said
        .says("note: only 10 connections are taken at one time: the system allows no more open files (ulimit -n)\n");
    assert!(!said.stderr.contains("warning: "), "{said}");
}

#[test]
fn when_no_descriptor_is_left_it_says_so_once_and_goes_on_when_there_is_one_again() {
    if !can("prlimit", &["--version"]) {
        return;
    }
    let dir = Dir::new();
    let mut listener = dir.listen().args(["--capture", "captures"]).starts();
    let (id, url) = (listener.id().to_string(), listener.url("/cyanite"));
    let limit = |limit: &str| {
        let status = Command::new("prlimit").args(["--pid", &id, &format!("--nofile={limit}:")]).status();
        assert!(status.unwrap().success());
    };
    limit("1");
    let waiting = Connection::to(&url);
    listener.says("warning: a connection could not be taken: ");
    limit("256");
    drop(waiting);
    assert_eq!(statuses(&url, 20), [200; 20]);
    assert_eq!(dir.names("captures").len(), 20);
    listener.interrupt();
    let said = listener.exits(0);
    assert_eq!(said.stderr.matches("could not be taken").count(), 1, "{said}");
}
