//! How `listen` starts and stops.

use std::net::TcpListener;

#[cfg(unix)]
use std::thread;

use crate::harness::Dir;
#[cfg(unix)]
use crate::harness::{
    CYANITE, CYANITE_HEADERS, Connection, Endpoint, Gate, development_warning, hang, post, request, respond, text,
};

#[test]
fn a_port_in_use_is_a_usage_error_with_a_hint() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let finished = Dir::new().hookdev().args(["listen", "--addr", &addr]).exits(2).stdout("");
    let finished = finished.says(&format!("error: can't listen on {addr}\ncaused by: "));
    finished.says("hint: stop the program that uses this port, or pick a free one with --addr 127.0.0.1:0; in that case, pass `hookdev send` the --to URL that `listen` prints, or it sends to the other program\n");
}

#[test]
fn an_invalid_address_is_a_usage_error() {
    let dir = Dir::new();
    for wrong in ["nonsense", "127.0.0.1", "127.0.0.1:99999"] {
        let finished = dir.hookdev().args(["listen", "--addr", wrong]).exits(2).stdout("");
        finished
            .says(&format!("error: can't listen on {wrong}\ncaused by: "))
            .says("hint: write the address as HOST:PORT, such as 127.0.0.1:4400\n");
    }
}

#[test]
fn the_config_sets_the_address_and_the_flag_overrides_it() {
    let dir = Dir::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    dir.write("hookdev.toml", format!("[listen]\naddr = \"{addr}\"\n"));
    dir.hookdev().arg("listen").exits(2).says(&format!("error: can't listen on {addr}\n"));
    dir.listen().args(["--timeout", "10ms"]).exits(0);
}

#[cfg(target_os = "linux")]
#[test]
fn an_address_that_other_machines_can_reach_gets_a_warning() {
    let finished = Dir::new().hookdev().args(["listen", "--addr", "0.0.0.0:0", "--timeout", "10ms"]).exits(0);
    let warning =
        finished.stderr.lines().find(|line| line.starts_with("warning: other machines can reach 0.0.0.0:")).unwrap();
    assert!(warning.ends_with(" and send requests to it"), "{warning}");
}

#[test]
fn the_start_lists_the_urls_and_forwards() {
    let dir = Dir::new();
    let arguments = ["listen", "--addr", "127.0.0.1:0", "--timeout", "10ms"];
    let printed =
        dir.hookdev().args(arguments).args(["--forward", "aspect.*=http://localhost:3000/x"]).exits(0).stdout("");
    let url = printed.stderr.split(' ').find(|word| word.starts_with("http://127.0.0.1:")).unwrap().to_owned();
    printed.stderr(&format!(
        "Listening on {url} (Ctrl-C to stop)\n  {url}/PROVIDER, such as {url}/stripe; `hookdev providers` lists the 53 providers\n  \
         forwards aspect.* to http://localhost:3000/x\n  \
         to send here: hookdev send stripe.checkout.session.completed --to {url}/stripe\n\
         warning: using the public development secrets for all providers; pass yours with --secret PROVIDER=SOURCE\n\
         no deliveries\n"
    ));
}

#[cfg(unix)]
#[test]
fn after_ctrl_c_deliveries_in_progress_are_finished() {
    let (dir, gate) = (Dir::new(), Gate::default());
    let endpoint = Endpoint::new([respond(200).body("late").behind(&gate)]);
    let mut listener = dir.listen().args(["--forward", &endpoint.url("/"), "--capture", "log.ndjson"]).starts();
    let url = listener.url("/cyanite");
    let sender = thread::spawn(move || post(&url, &CYANITE_HEADERS, CYANITE));
    endpoint.next();
    listener.interrupt();
    listener.says("waiting for 1 delivery in progress; press Ctrl-C again to cancel it\n");
    gate.open();
    let response = sender.join().unwrap();
    assert_eq!((response.status(), response.text()), (200, "late"));
    let delivery = listener.next();
    assert_eq!(text(&delivery, "/event"), "cyanite.v2.finished");
    listener.exits(0);
    dir.hookdev()
        .args(["verify", "log.ndjson"])
        .exits(0)
        .stderr(&format!("{}1 request: 1 verified (development)\n", development_warning(1)));
}

#[cfg(unix)]
#[test]
fn after_ctrl_c_a_handler_that_hangs_is_cancelled() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([hang()]));
    let mut listener = dir.listen().args(["--forward", &endpoint.url("/"), "--capture", "log.ndjson"]).starts();
    let mut connection = Connection::to(&listener.url(""));
    connection.write(request("POST", &listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE)).unwrap();
    endpoint.next();
    listener.interrupt();
    // The delivery is printed and saved although its handler never responded.
    assert_eq!(text(&listener.next(), "/event"), "cyanite.v2.finished");
    listener.exits(0);
    dir.hookdev()
        .args(["verify", "log.ndjson"])
        .exits(0)
        .stderr(&format!("{}1 request: 1 verified (development)\n", development_warning(1)));
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_at_once_if_nothing_is_in_progress() {
    let mut listener = Dir::new().listen().starts();
    let mut idle = Connection::to(&listener.url(""));
    idle.write(request("POST", &listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE)).unwrap();
    assert_eq!(idle.response().unwrap().status(), 200);
    listener.next();
    let _never_used = Connection::to(&listener.url(""));
    listener.interrupt();
    listener.exits(0);
}

#[cfg(unix)]
#[test]
fn on_ctrl_c_deliveries_are_counted_by_verdict() {
    let dir = Dir::new();
    let listen = dir.hookdev().args(["listen", "--addr", "127.0.0.1:0", "--body", "none"]);
    let mut listener = listen.starts_for_people();
    for (path, body) in [("/cyanite", CYANITE), ("/cyanite", "{}"), ("/auphonic", ""), ("/cyanite", CYANITE)] {
        post(&listener.url(path), &CYANITE_HEADERS, body);
    }
    post(&listener.url("/hooks"), &[], "hello");
    listener.prints("unrecognised  200  ");
    listener.interrupt();
    let counts = "5 deliveries: 2 verified (development), 1 rejected, 1 unsigned, 1 unrecognised\n";
    assert!(listener.exits(0).stderr.ends_with(counts));
}

#[cfg(unix)]
#[test]
fn after_ctrl_c_no_new_connection_is_accepted() {
    let (dir, gate) = (Dir::new(), Gate::default());
    let endpoint = Endpoint::new([respond(200).behind(&gate)]);
    let mut listener = dir.listen().args(["--forward", &endpoint.url("/")]).starts();
    let url = listener.url("/cyanite");
    let late = url.clone();
    let sender = thread::spawn(move || post(&url, &CYANITE_HEADERS, CYANITE).status());
    endpoint.next();
    listener.interrupt();
    listener.says("waiting for 1 delivery in progress; press Ctrl-C again to cancel it\n");
    gate.open();
    assert_eq!(sender.join().unwrap(), 200);
    listener.exits(0);
    let refused = Connection::open(&late).map(drop).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
}
