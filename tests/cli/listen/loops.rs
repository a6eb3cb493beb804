//! Forwards that would never end: to the receiver itself, directly or through another one.

use serde_json::{Value, json};

use crate::{
    harness::{CYANITE, CYANITE_HEADERS, Dir, Endpoint, Gate, post, respond, text},
    machine::Port,
};

#[test]
fn a_forward_to_the_receivers_own_address_is_a_usage_error() {
    let (dir, mut port) = (Dir::new(), Port::reserve());
    let port = port.lend();
    for host in ["127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]", "127.1"] {
        let forward = format!("http://{host}:{port}/hooks");
        let shown = forward.replace("127.1:", "127.0.0.1:").replace("127.0.0.1]", "7f00:1]");
        dir.hookdev()
            .args(["listen", "--addr", &format!("127.0.0.1:{port}"), "--forward", &forward])
            .exits(2)
            .stdout("")
            .stderr(&format!(
                "error: can't forward to {shown}: hookdev itself listens there\n\
                 hint: give the URL of your handler, or listen on another port with --addr or --inspect\n"
            ));
    }
}

#[test]
fn a_saved_config_that_forwards_to_the_receiver_itself_is_not_used() {
    let (dir, mut port, endpoint) = (Dir::new(), Port::reserve(), Endpoint::new([respond(201)]));
    let addr = format!("127.0.0.1:{}", port.lend());
    let config = |to: &str| format!("[[forward]]\nevents = \"*\"\nto = \"{to}\"\n");
    dir.write("hookdev.toml", config(&endpoint.url("/")));
    let mut listener = dir.hookdev().args(["listen", "--addr", &addr, "--format", "json"]).starts();
    dir.write("hookdev.toml", config(&format!("http://localhost:{}/", port.number())));
    listener.says("hookdev itself listens there");
    listener.says("still using the previous configuration; fix the error and save again");
    assert_eq!(post(&listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE).status(), 201);
}

#[test]
fn a_forward_that_comes_back_through_another_listener_is_refused() {
    let (dir, mut port) = (Dir::new(), Port::reserve());
    let addr = format!("127.0.0.1:{}", port.lend());
    let there = dir.listen().args(["--forward", &format!("http://{addr}/cyanite")]).starts();
    let forward = there.url("/cyanite");
    let mut here = dir.hookdev().args(["listen", "--addr", &addr, "--format", "json", "--forward", &forward]).starts();
    for _ in 0..2 {
        assert_eq!(post(&here.url("/cyanite"), &CYANITE_HEADERS, CYANITE).status(), 508);
        let lines: Vec<Value> = (0..3).map(|_| here.next()).collect();
        // The innermost ends first.
        let error = "this URL leads back to hookdev: the delivery was forwarded there, and came back";
        assert_eq!((text(&lines[0], "/forwards/0/error"), text(&lines[0], "/forwards/0/url")), (error, &*forward));
        assert_eq!(lines[0]["response"]["status"], json!(508));
        for line in &lines[1..] {
            assert_eq!(line["forwards"][0]["status"], json!(508));
        }
    }
}

#[test]
fn equal_deliveries_at_the_same_time_are_all_forwarded() {
    const SENDERS: usize = 32;
    let (dir, gate) = (Dir::new(), Gate::default());
    let endpoint = Endpoint::new([respond(200).behind(&gate)]);
    let listener = dir.listen().args(["--forward", &endpoint.url("/")]).starts();
    let senders: Vec<_> = (0..SENDERS)
        .map(|_| {
            let url = listener.url("/cyanite");
            std::thread::spawn(move || post(&url, &CYANITE_HEADERS, CYANITE).status())
        })
        .collect();
    // All are in flight before the first gets its response.
    let mut marks: Vec<bool> = (0..SENDERS).map(|_| endpoint.next().header("via").is_some()).collect();
    gate.open();
    let statuses: Vec<u16> = senders.into_iter().map(|sender| sender.join().unwrap()).collect();
    assert_eq!(statuses, [200; SENDERS]);
    marks.sort_unstable();
    assert_eq!(marks, [&[false][..], &[true; SENDERS - 1]].concat());
    // Nothing is added to a delivery that is alone.
    assert_eq!(post(&listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE).status(), 200);
    assert_eq!(endpoint.next().header("via"), None);
}
