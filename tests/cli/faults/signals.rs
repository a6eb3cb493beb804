//! The signals that end `listen`, and the one that does not.

use std::thread;

use crate::harness::{CYANITE, CYANITE_HEADERS, Connection, Dir, Endpoint, Gate, answer, hang, post, request, text};

#[test]
fn what_ends_a_service_or_a_terminal_lets_what_is_under_way_be_answered_and_kept() {
    for signal in ["TERM", "HUP"] {
        let (dir, gate) = (Dir::new(), Gate::default());
        let endpoint = Endpoint::new([answer(200).body("late").behind(&gate)]);
        let mut listener = dir.listen().args(["--forward", &endpoint.url("/"), "--capture", "log.ndjson"]).starts();
        let url = listener.url("/cyanite");
        let sender = thread::spawn(move || post(&url, &CYANITE_HEADERS, CYANITE));
        endpoint.next();
        listener.signal(signal);
        listener.says("waiting for a delivery that is under way; Ctrl-C again cuts it short\n");
        gate.open();
        assert_eq!(sender.join().unwrap().status(), 200, "{signal}");
        assert_eq!(text(&listener.next(), "/event"), "cyanite.v2.finished");
        listener.exits(0);
        dir.hookdev().args(["verify", "log.ndjson"]).exits(0).stderr("1 request: 1 verified\n");
    }
}

#[test]
fn a_signal_that_comes_as_soon_as_it_is_ready_ends_it_well() {
    for _ in 0..10 {
        let listener = Dir::new().listen().starts();
        listener.signal("TERM");
        listener.exits(0);
    }
}

#[test]
fn after_nohup_the_end_of_the_terminal_ends_nothing() {
    let dir = Dir::new();
    let mut listener = dir.listen().under(&["sh", "-c", "trap '' HUP; exec \"$0\" \"$@\""]).starts();
    listener.signal("HUP");
    listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    listener.signal("TERM");
    listener.exits(0);
}

#[test]
fn a_second_ctrl_c_cuts_short_what_is_under_way() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([hang()]));
    let mut listener = dir.listen().args(["--forward", &endpoint.url("/"), "--capture", "log.ndjson"]).starts();
    let mut connection = Connection::to(&listener.url(""));
    connection.write(request("POST", &listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE)).unwrap();
    endpoint.next();
    listener.interrupt();
    listener.says("waiting for a delivery that is under way; Ctrl-C again cuts it short\n");
    listener.interrupt();
    assert_eq!(connection.answer().unwrap().status(), 502);
    assert_eq!(text(&listener.next(), "/forwards/0/error"), "hookdev was ended before it answered; answered 502");
    listener.exits(0);
    dir.hookdev().args(["verify", "log.ndjson"]).exits(0).stderr("1 request: 1 verified\n");
}
