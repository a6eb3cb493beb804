//! Kept connections that end: servers may close idle ones at any time, so a request that a reused connection loses is
//! sent once more, and no other request is.

use serde_json::json;

use super::results;
use crate::harness::{Dir, Endpoint, Finished, Turn, break_off, hang_up, respond};

/// A plain endpoint, and one over TLS, with the same turns.
fn endpoints(turns: &[Turn]) -> [Endpoint; 2] {
    [Endpoint::new(turns.to_vec()), Endpoint::over_tls(turns.to_vec())]
}

/// Sends this many deliveries over one connection at a time.
#[track_caller]
fn repeats(endpoint: &Endpoint, count: &str, code: i32) -> Finished {
    let dir = Dir::new();
    let send = dir.send("aspect.task.completed", endpoint.url("/hooks"));
    send.args(["--repeat", count, "--insecure", "--json"]).exits(code)
}

/// Checks the numbers of accepted and refused deliveries.
#[track_caller]
fn counts(finished: &Finished, accepted: u64, refused: u64) {
    let expected = json!({"accepted": accepted, "refused": refused, "timed-out": 0, "unreachable": 0});
    assert_eq!(results(finished).1["outcomes"], expected, "{finished}");
}

#[test]
fn a_request_lost_on_a_reused_connection_is_sent_once_more() {
    for endpoint in endpoints(&[respond(200), hang_up(), respond(200)]) {
        counts(&repeats(&endpoint, "3", 0), 3, 0);
        let [_, lost, again, next] = [(); 4].map(|()| endpoint.next());
        assert_eq!((&again.start, &again.headers, &again.body), (&lost.start, &lost.headers, &lost.body));
        assert_ne!(next.header("svix-id"), again.header("svix-id"));
        endpoint.got_no_more();
    }
}

#[test]
fn a_request_lost_on_a_new_connection_is_refused() {
    for endpoint in endpoints(&[hang_up(), respond(200)]) {
        counts(&repeats(&endpoint, "2", 1), 1, 1);
        (0..2).for_each(|_| drop(endpoint.next()));
        endpoint.got_no_more();
    }
}

#[test]
fn no_request_is_sent_more_than_twice() {
    for endpoint in endpoints(&[respond(200), hang_up(), hang_up(), respond(200)]) {
        counts(&repeats(&endpoint, "3", 1), 2, 1);
        (0..4).for_each(|_| drop(endpoint.next()));
        endpoint.got_no_more();
    }
}

#[test]
fn a_request_whose_response_has_begun_is_not_sent_again() {
    for endpoint in endpoints(&[respond(200), break_off(), respond(200)]) {
        counts(&repeats(&endpoint, "3", 1), 2, 1);
        (0..3).for_each(|_| drop(endpoint.next()));
        endpoint.got_no_more();
    }
}

#[test]
fn an_endpoint_that_silently_closes_each_connection_loses_nothing() {
    for endpoint in endpoints(&[respond(200).then_closes()]) {
        counts(&repeats(&endpoint, "50", 0), 50, 0);
    }
}
