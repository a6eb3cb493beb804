//! What `listen` says about the usual causes of a forward that fails.

use serde_json::{Value, json};

use crate::harness::{CYANITE, CYANITE_HEADERS, Dir, Endpoint, RawEndpoint, post, respond, text};

/// The error of a forward to this URL.
fn error(url: &str) -> String {
    let dir = Dir::new();
    let mut listener = dir.listen().args(["--forward", url]).starts();
    let (returned, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!((returned.status(), &delivery["forwards"][0]["status"]), (502, &Value::Null));
    text(&delivery, "/forwards/0/error").to_owned()
}

#[test]
fn a_handler_that_expects_tls_is_recognised() {
    let endpoint = Endpoint::over_tls([respond(200)]);
    let expected = "the endpoint expects TLS: use https:// in the URL";
    assert_eq!(error(&format!("http://127.0.0.1:{}/", endpoint.port())), expected);
}

#[test]
fn a_handler_that_speaks_only_http_2_is_recognised() {
    // The SETTINGS frame that each server sends first (RFC 9113, 3.4).
    let endpoint = RawEndpoint::new(b"\0\0\0\x04\0\0\0\0\0");
    let expected = "the endpoint speaks only HTTP/2: make it accept HTTP/1.1 too";
    assert_eq!(error(&endpoint.url("/")), expected);
}

#[test]
fn an_unknown_host_is_named() {
    // Longer than a DNS name may be, so that no server is asked.
    let host = format!("{}.invalid", "a".repeat(70));
    let expected = format!("unknown host `{host}` (DNS): is it spelled correctly?");
    assert_eq!(error(&format!("http://{host}:3000/")), expected);
}

#[test]
fn a_handler_without_the_route_gets_a_hint_on_the_terminal() {
    let dir = Dir::new();
    let endpoint = Endpoint::new([respond(404), respond(405).header("allow", "GET")]);
    let command = dir.hookdev().args(["listen", "--addr", "127.0.0.1:0", "--forward", &endpoint.url("/hooks")]);
    let mut listener = command.starts_for_people();
    post(&listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE);
    listener.prints("  404  ");
    listener
        .prints("  hint: your handler has no route for /hooks: check the path of the URL, and the handler's routes\n");
    post(&listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE);
    listener.prints("  405  ");
    listener.prints("  hint: your handler's route for /hooks does not take this method, only GET: check the path of");
}

/// Scripts read an error as "no response".
#[test]
fn the_json_of_a_forward_has_an_error_only_if_there_was_no_response() {
    let dir = Dir::new();
    let moved = respond(308).header("location", "/hooks/");
    let endpoint = Endpoint::new([moved, respond(404), respond(405), respond(413), respond(415)]);
    let mut listener = dir.listen().args(["--forward", &endpoint.url("/hooks")]).starts();
    for status in [308, 404, 405, 413, 415] {
        let (_, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
        let forward = &delivery["forwards"][0];
        assert_eq!((&forward["status"], &forward["error"]), (&json!(status), &Value::Null));
    }
}
