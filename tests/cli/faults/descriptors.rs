//! No file descriptors are left.

use std::process::Command;

use super::statuses;
use crate::{
    harness::{Connection, Dir, Endpoint, NO_SECRETS, answer},
    machine::can,
};

#[test]
fn with_64_descriptors_200_deliveries_are_forwarded_and_saved() {
    const DELIVERIES: usize = 200;
    let (dir, endpoint) = (Dir::new(), Endpoint::new([answer(200)]));
    let listener = dir
        .listen()
        .args(["--capture", "captures", "--forward", &endpoint.url("/")])
        .under(&["sh", "-c", "ulimit -n 64; exec \"$0\" \"$@\""])
        .starts();
    assert_eq!(statuses(&listener.url("/cyanite"), DELIVERIES), [200; DELIVERIES]);
    assert_eq!(dir.names("captures").len(), DELIVERIES);
    listener.interrupt();
    let said = listener.exits(0);
    let said = said
        .says("note: accepting only 10 connections at one time; raise the limit on open files for more (ulimit -n)\n");
    assert_eq!(said.stderr.replace(NO_SECRETS, "").matches("warning: ").count(), 0, "{said}");
}

#[test]
fn without_a_free_descriptor_it_warns_once_and_recovers_later() {
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
    listener.says("warning: can't accept connections: ");
    limit("256");
    drop(waiting);
    assert_eq!(statuses(&url, 20), [200; 20]);
    assert_eq!(dir.names("captures").len(), 20);
    listener.interrupt();
    let said = listener.exits(0);
    assert_eq!(said.stderr.matches("can't accept connections").count(), 1, "{said}");
}
