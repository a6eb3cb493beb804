//! The signals that stop `listen`, and SIGHUP under `nohup`, which does not.

use std::thread;

use crate::harness::{
    CYANITE, CYANITE_HEADERS, Connection, Dir, Endpoint, Gate, development_warning, hang, post, request, respond, text,
};

#[test]
fn sigterm_and_sighup_let_deliveries_in_progress_finish() {
    for signal in ["TERM", "HUP"] {
        let (dir, gate) = (Dir::new(), Gate::default());
        let endpoint = Endpoint::new([respond(200).body("late").behind(&gate)]);
        let mut listener = dir.listen().args(["--forward", &endpoint.url("/"), "--capture", "log.ndjson"]).starts();
        let url = listener.url("/cyanite");
        let sender = thread::spawn(move || post(&url, &CYANITE_HEADERS, CYANITE));
        endpoint.next();
        listener.signal(signal);
        listener.says("waiting for 1 delivery in progress; press Ctrl-C again to cancel it\n");
        gate.open();
        assert_eq!(sender.join().unwrap().status(), 200, "{signal}");
        assert_eq!(text(&listener.next(), "/event"), "cyanite.v2.finished");
        listener.exits(0);
        dir.hookdev()
            .args(["verify", "log.ndjson"])
            .exits(0)
            .stderr(&format!("{}1 request: 1 verified (development)\n", development_warning(1)));
    }
}

#[test]
fn a_signal_right_after_the_start_stops_it_with_success() {
    for _ in 0..10 {
        let listener = Dir::new().listen().starts();
        listener.signal("TERM");
        listener.exits(0);
    }
}

#[test]
fn under_nohup_sighup_is_ignored() {
    let dir = Dir::new();
    let mut listener = dir.listen().under(&["sh", "-c", "trap '' HUP; exec \"$0\" \"$@\""]).starts();
    listener.signal("HUP");
    listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    listener.signal("TERM");
    listener.exits(0);
}

#[test]
fn a_second_ctrl_c_cancels_deliveries_in_progress() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([hang()]));
    let mut listener = dir.listen().args(["--forward", &endpoint.url("/"), "--capture", "log.ndjson"]).starts();
    let mut connection = Connection::to(&listener.url(""));
    connection.write(request("POST", &listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE)).unwrap();
    endpoint.next();
    listener.interrupt();
    listener.says("note: waiting for 1 delivery in progress; press Ctrl-C again to cancel it\n");
    listener.interrupt();
    assert_eq!(connection.response().unwrap().status(), 502);
    assert_eq!(text(&listener.next(), "/forwards/0/error"), "hookdev was stopped before the handler responded");
    listener.exits(0);
    dir.hookdev()
        .args(["verify", "log.ndjson"])
        .exits(0)
        .stderr(&format!("{}1 request: 1 verified (development)\n", development_warning(1)));
}
