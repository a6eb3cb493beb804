//! Endpoints without a response: exit 4 if they can't be reached, 1 if they close the connection.

use std::{io::Write, net::TcpListener, thread};

use serde_json::{Value, json};

use crate::{
    harness::{Dir, Endpoint, hang, hang_up, respond, text},
    machine::Port,
};

/// A port that nothing listens on, and a URL there.
fn nowhere() -> (Port, String) {
    let port = Port::reserve();
    let url = format!("http://127.0.0.1:{}/", port.number());
    (port, url)
}

#[test]
fn an_endpoint_that_is_not_listening_is_unreachable() {
    let (port, url) = nowhere();
    let attempt = Dir::new().send("cyanite.v2.finished", &url).arg("--json").exits(4).line();
    assert_eq!(attempt["outcome"], "unreachable");
    assert_eq!(attempt["reason"], format!("nothing listens on 127.0.0.1:{} (connection refused)", port.number()));
    assert_eq!((&attempt["status"], &attempt["response"]), (&Value::Null, &Value::Null));
}

#[test]
fn an_unknown_host_is_unreachable() {
    // Longer than a DNS name may be, so that no server is asked.
    let host = "a".repeat(70);
    let url = format!("http://{host}/");
    let attempt = Dir::new().send("cyanite.v2.finished", &url).arg("--json").exits(4).line();
    assert_eq!(attempt["outcome"], "unreachable");
    assert_eq!(attempt["reason"], format!("unknown host `{host}` (DNS)"));
}

#[test]
fn an_endpoint_without_tls_is_unreachable_over_https() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    thread::spawn(move || server.accept().unwrap().0.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").is_ok());
    let url = format!("https://127.0.0.1:{port}/");
    let attempt = Dir::new().send("cyanite.v2.finished", &url).arg("--json").exits(4).line();
    assert_eq!(attempt["outcome"], "unreachable");
    assert!(text(&attempt, "/reason").contains(&format!("127.0.0.1:{port}")), "{attempt}");
}

#[test]
fn after_an_unreachable_endpoint_nothing_else_is_sent_to_it() {
    let (_port, url) = nowhere();
    let finished = Dir::new().send("aspect.*", &url).arg("--json").exits(4);
    assert_eq!(finished.lines().len(), 1);
    finished.says(&format!("warning: skipped 2 more: can't reach {url}\n"));
}

#[test]
fn what_goes_to_other_endpoints_is_still_sent() {
    let ((_port, url), endpoint, dir) = (nowhere(), Endpoint::new([respond(200)]), Dir::new());
    let other = endpoint.url("/");
    dir.write(
        "hookdev.toml",
        format!("[provider.cyanite]\nendpoint = \"{url}\"\n[provider.auphonic]\nendpoint = \"{other}\"\n"),
    );
    let send = ["send", "cyanite.v2.finished", "auphonic.done", "--json", "--config", "hookdev.toml"];
    let finished = dir.hookdev().args(send).exits(4);
    let outcomes = finished.lines().into_iter().map(|attempt| text(&attempt, "/outcome").to_owned());
    assert_eq!(outcomes.collect::<Vec<_>>(), ["unreachable", "accepted"]);
    // That listener isn't the default one.
    assert!(!finished.stderr.contains("start `hookdev listen`"), "{finished}");
}

#[test]
fn a_closed_connection_is_a_refusal() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([hang_up()]));
    let attempt = dir.send("cyanite.v2.finished", endpoint.url("/")).arg("--json").exits(1).line();
    assert_eq!(attempt["outcome"], "refused");
    assert_eq!(attempt["reason"], "the connection was closed before the response was complete");
    assert_eq!((&attempt["status"], &attempt["response"]), (&Value::Null, &Value::Null));
    endpoint.next();
    // A delivery is sent once: no library retries it.
    endpoint.got_no_more();
}

#[test]
fn a_reset_connection_is_a_refusal() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", server.local_addr().unwrap());
    // A connection that is closed with unread bytes is reset.
    let peeked = thread::spawn(move || server.accept().unwrap().0.peek(&mut [0]).unwrap());
    let attempt = Dir::new().send("cyanite.v2.finished", &url).arg("--json").exits(1).line();
    assert_eq!(peeked.join().unwrap(), 1);
    assert_eq!(attempt["outcome"], "refused");
    let reason = text(&attempt, "/reason");
    assert!(
        [
            "the connection was reset before the response was complete",
            "the connection was closed before the response was complete"
        ]
        .contains(&reason),
        "{reason}"
    );
}

#[test]
fn a_response_with_an_incomplete_body_counts_by_its_status() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", server.local_addr().unwrap());
    thread::spawn(move || {
        let mut stream = server.accept().unwrap().0;
        std::io::Read::read(&mut stream, &mut [0; 4096]).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort").is_ok()
    });
    let attempt = Dir::new().send("cyanite.v2.finished", &url).arg("--json").exits(0).line();
    assert_eq!((&attempt["outcome"], &attempt["status"]), (&json!("accepted"), &json!(200)), "{attempt}");
    assert_eq!(attempt["response"], json!({"headers": [["content-length", "10"]], "body": "short"}));
}

#[test]
fn an_endpoint_that_never_responds_times_out() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([hang()]));
    let attempt =
        dir.send("jewelmusic.release.live", endpoint.url("/")).args(["--timeout", "300ms", "--json"]).exits(1).line();
    assert_eq!((&attempt["outcome"], &attempt["reason"]), (&json!("timed-out"), &json!("no response within 0.3 s")));
}

#[test]
fn loopback_never_goes_through_a_proxy() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let (_port, proxy) = nowhere();
    for name in ["http_proxy", "HTTP_PROXY", "ALL_PROXY"] {
        for host in ["127.0.0.1", "0.0.0.0", "hooks.localhost"] {
            let url = format!("http://{host}:{}/", endpoint.port());
            dir.send("cyanite.v2.finished", url).env(name, &proxy).exits(0);
            assert_eq!(endpoint.next().target(), "/", "{host}");
        }
    }
}

#[test]
fn a_handler_on_this_machine_needs_no_scheme() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let port = endpoint.port();
    for (to, target) in [
        (format!("localhost:{port}/x?a=b"), "/x?a=b"),
        (format!("127.0.0.1:{port}"), "/"),
        (format!(":{port}/hooks"), "/hooks"),
        (port.to_string(), "/"),
    ] {
        dir.send("cyanite.v2.finished", &to).exits(0);
        assert_eq!(endpoint.next().target(), target, "{to}");
    }
}

#[test]
fn an_invalid_url_is_a_usage_error() {
    let dir = Dir::new();
    dir.send("cyanite.v2.finished", "example.com:3000")
        .exits(2)
        .stderr("error: invalid URL `example.com:3000`: use https://example.com:3000\n");
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_a_send_with_exit_code_130() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([hang()]));
    let sending = dir.send("jewelmusic.release.live", endpoint.url("/")).in_background();
    endpoint.next();
    sending.interrupt();
    sending.exits(130);
}
