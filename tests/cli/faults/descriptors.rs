//! No file descriptors are left.

use std::process::Command;

use super::statuses;
use crate::{
    harness::{CYANITE, CYANITE_HEADERS, Connection, Dir, Endpoint, NO_SECRETS, respond},
    machine::can,
};

#[test]
fn with_64_descriptors_200_deliveries_are_forwarded_and_saved() {
    const DELIVERIES: usize = 200;
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let listener = dir
        .listen()
        .args(["--capture", "captures", "--forward", &endpoint.url("/")])
        .under(&["sh", "-c", "ulimit -n 64; exec \"$0\" \"$@\""])
        .starts();
    assert_eq!(statuses(&listener.url("/cyanite"), DELIVERIES), [200; DELIVERIES]);
    assert_eq!(dir.names("captures").len(), DELIVERIES);
    listener.interrupt();
    let printed = listener.exits(0);
    let printed = printed
        .says("note: accepting only 10 connections at a time; raise the limit on open files for more (ulimit -n)\n");
    assert_eq!(printed.stderr.replace(NO_SECRETS, "").matches("warning: ").count(), 0, "{printed}");
}

#[test]
fn with_too_few_descriptors_for_one_delivery_it_does_not_start() {
    let dir = Dir::new();
    for limit in [10, 20, 34] {
        let script = format!("ulimit -n {limit}; exec \"$0\" \"$@\"");
        let refused = dir.listen().under(&["sh", "-c", &script]).exits(2).stdout("");
        refused.stderr(&format!(
            "error: the limit on open files is {limit}, and receiving needs 35\n\
             hint: raise it, for example with `ulimit -n 1024`\n"
        ));
    }
    let endpoint = Endpoint::new([respond(200)]);
    let mut listener = dir
        .listen()
        .args(["--capture", "captures", "--forward", &endpoint.url("/")])
        .under(&["sh", "-c", "ulimit -n 35; exec \"$0\" \"$@\""])
        .starts();
    for _ in 0..3 {
        assert_eq!(listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE).0.status(), 200);
    }
    assert_eq!(dir.names("captures").len(), 3);
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
    let printed = listener.exits(0);
    assert_eq!(printed.stderr.matches("can't accept connections").count(), 1, "{printed}");
}
