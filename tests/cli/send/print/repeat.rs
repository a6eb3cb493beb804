//! `--print` with `--repeat`: a given number of requests, or without end.

use std::collections::HashSet;

use crate::harness::{Dir, text};

#[test]
fn repeat_prints_n_requests_each_with_its_own_id() {
    let dir = Dir::new();
    let printed = dir.hookdev().args(["send", "aspect.task.completed", "--print", "json", "--repeat", "4"]);
    let lines = printed.exits(0).lines();
    let id = |line: &serde_json::Value| {
        let headers = line["headers"].as_array().unwrap();
        text(headers.iter().find(|field| field[0] == "svix-id").unwrap(), "/1").to_owned()
    };
    assert_eq!((lines.len(), lines.iter().map(id).collect::<HashSet<_>>().len()), (4, 4));
}

#[test]
fn named_events_are_printed_in_rotation() {
    let dir = Dir::new();
    let send = dir.hookdev().args(["send", "cyanite.v2.finished", "auphonic.done", "--print", "json", "--repeat", "3"]);
    let urls: Vec<String> = send.exits(0).lines().iter().map(|line| text(line, "/url").to_owned()).collect();
    let [cyanite, auphonic] = ["http://127.0.0.1:4400/cyanite", "http://127.0.0.1:4400/auphonic"];
    assert_eq!(urls, [cyanite, auphonic, cyanite]);
}

#[test]
fn an_endless_print_stops_when_its_reader_does() {
    let dir = Dir::new();
    for form in ["vegeta", "http", "curl", "json"] {
        let send = dir.hookdev().args(["send", "cyanite.v2.finished", "--print", form, "--repeat", "0"]);
        send.unread().exits(0).stderr(
            "warning: using the public development secret for cyanite; set CYANITE_WEBHOOK_SECRET to use yours\n",
        );
    }
}

#[test]
fn single_requests_cannot_have_a_rate() {
    let dir = Dir::new();
    for option in [["--rate", "5"], ["--concurrency", "5"], ["--duration", "5s"]] {
        let send = dir.hookdev().args(["send", "cyanite.v2.finished", "--print", "vegeta"]).args(option);
        send.exits(2).stdout("").says(&format!("error: {} works with --print only for locust and k6\n", option[0]));
    }
}
