//! Where `listen` listens, and how it ends.

use std::net::TcpListener;

#[cfg(unix)]
use std::thread;

use crate::harness::Dir;
#[cfg(unix)]
use crate::harness::{CYANITE, CYANITE_HEADERS, Connection, Endpoint, Gate, answer, hang, post, request, text};

#[test]
fn a_port_that_is_taken_is_said_to_be() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let finished = Dir::new().hookdev().args(["listen", "--addr", &addr]).exits(2).stdout("");
    let finished = finished.says(&format!("error: can't listen on {addr}\ncaused by: "));
    finished.says(
        "hint: another program listens there; end it, or choose another port: --addr 127.0.0.1:0 takes a free one\n",
    );
}

#[test]
fn an_address_that_is_none_is_a_mistake() {
    let dir = Dir::new();
    for wrong in ["nonsense", "127.0.0.1", "127.0.0.1:99999"] {
        let finished = dir.hookdev().args(["listen", "--addr", wrong]).exits(2).stdout("");
        finished
            .says(&format!("error: can't listen on {wrong}\ncaused by: "))
            .says("hint: an address is HOST:PORT, such as 127.0.0.1:4400\n");
    }
}

#[test]
fn the_address_of_the_config_counts_and_the_flags_stands_above_it() {
    let dir = Dir::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    dir.write("hookdev.toml", format!("[listen]\naddr = \"{addr}\"\n"));
    dir.hookdev().arg("listen").exits(2).says(&format!("error: can't listen on {addr}\n"));
    dir.listen().args(["--timeout", "10ms"]).exits(0);
}

#[cfg(target_os = "linux")]
#[test]
fn an_address_beyond_this_machine_is_warned_about() {
    let finished = Dir::new().hookdev().args(["listen", "--addr", "0.0.0.0:0", "--timeout", "10ms"]).exits(0);
    let warning = finished.stderr.lines().find(|line| line.starts_with("warning: 0.0.0.0:")).unwrap();
    assert!(warning.ends_with(" can be reached from other machines: whoever can reach it can send to it"), "{warning}");
}

#[test]
fn people_are_told_where_to_send_what() {
    let dir = Dir::new();
    let arguments = ["listen", "--addr", "127.0.0.1:0", "--timeout", "10ms"];
    let said =
        dir.hookdev().args(arguments).args(["--forward", "aspect.*=http://localhost:3000/x"]).exits(0).stdout("");
    let url = said.stderr.split(' ').find(|word| word.starts_with("http://127.0.0.1:")).unwrap().to_owned();
    said.stderr(&format!(
        "hookdev listens on {url} (Ctrl-C ends it)\n  {url}/aspect\n  {url}/auphonic\n  {url}/cyanite\n  {url}/jewelmusic\n  \
         forwards aspect.* to http://localhost:3000/x\n\
         note: the public development secret is in use for aspect, cyanite, jewelmusic\n"
    ));
}

#[cfg(unix)]
#[test]
fn ctrl_c_lets_what_is_under_way_be_answered_and_told() {
    let (dir, gate) = (Dir::new(), Gate::default());
    let endpoint = Endpoint::new([answer(200).body("late").behind(&gate)]);
    let mut listener = dir.listen().args(["--forward", &endpoint.url("/"), "--capture", "log.ndjson"]).starts();
    let url = listener.url("/cyanite");
    let sender = thread::spawn(move || post(&url, &CYANITE_HEADERS, CYANITE));
    endpoint.next();
    listener.interrupt();
    listener.says("waiting for a delivery that is under way; Ctrl-C again cuts it short\n");
    gate.open();
    let answer = sender.join().unwrap();
    assert_eq!((answer.status(), answer.text()), (200, "late"));
    let delivery = listener.next();
    assert_eq!(text(&delivery, "/event"), "cyanite.v2.finished");
    listener.exits(0);
    dir.hookdev().args(["verify", "log.ndjson"]).exits(0).stderr("1 request: 1 verified\n");
}

#[cfg(unix)]
#[test]
fn ctrl_c_does_not_wait_for_a_handler_that_hangs_longer_than_it_drains() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([hang()]));
    let mut listener = dir.listen().args(["--forward", &endpoint.url("/"), "--capture", "log.ndjson"]).starts();
    let mut connection = Connection::to(&listener.url(""));
    connection.write(request("POST", &listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE)).unwrap();
    endpoint.next();
    listener.interrupt();
    // What was received is told and kept, though its handler never answered.
    assert_eq!(text(&listener.next(), "/event"), "cyanite.v2.finished");
    listener.exits(0);
    dir.hookdev().args(["verify", "log.ndjson"]).exits(0).stderr("1 request: 1 verified\n");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_at_once_when_nothing_is_under_way() {
    let mut listener = Dir::new().listen().starts();
    let mut idle = Connection::to(&listener.url(""));
    idle.write(request("POST", &listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE)).unwrap();
    assert_eq!(idle.answer().unwrap().status(), 200);
    listener.next();
    let _never_used = Connection::to(&listener.url(""));
    listener.interrupt();
    listener.exits(0);
}

#[cfg(unix)]
#[test]
fn after_ctrl_c_no_new_connection_is_taken() {
    let (dir, gate) = (Dir::new(), Gate::default());
    let endpoint = Endpoint::new([answer(200).behind(&gate)]);
    let mut listener = dir.listen().args(["--forward", &endpoint.url("/")]).starts();
    let url = listener.url("/cyanite");
    let late = url.clone();
    let sender = thread::spawn(move || post(&url, &CYANITE_HEADERS, CYANITE).status());
    endpoint.next();
    listener.interrupt();
    listener.says("waiting for a delivery that is under way; Ctrl-C again cuts it short\n");
    gate.open();
    assert_eq!(sender.join().unwrap(), 200);
    listener.exits(0);
    let refused = Connection::open(&late).map(drop).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
}
