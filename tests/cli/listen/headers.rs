//! Headers keep their spelling and order in captures, forwards, resends and prints, and nothing is added but what HTTP
//! needs. Handlers that look a name up by its spelling are a case from the field: sendgrid-nodejs 1307, easypost-node
//! 399, bolt-js 937.

use serde_json::json;

use crate::harness::{CYANITE, CYANITE_SIGNATURE, Connection, Dir, RawEndpoint, TunnelProxy, text};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// What a sender writes, with the `{host}` and how the body is delimited left open.
fn message(host: &str, framing: &str) -> String {
    format!(
        "POST /handler HTTP/1.1\r\nX-Request-ID: 1\r\nHost: {host}\r\nSignature: {CYANITE_SIGNATURE}\r\nx-tag: b\r\n\
         Content-Type: application/json\r\nX-Tag: a\r\n{framing}X-TAG: c\r\nACCEPT: */*\r\nx_Under.score: '\r\n\r\n{CYANITE}"
    )
}

fn with_length() -> String {
    format!("Content-LENGTH: {}\r\n", CYANITE.len())
}

#[test]
fn a_handler_gets_names_as_they_were_sent_and_no_other() {
    let (dir, handler) = (Dir::new(), RawEndpoint::new(OK));
    let listener =
        dir.listen().args(["--forward", &handler.url("/handler")]).args(["--capture", "log.ndjson"]).starts();
    let mut connection = Connection::to(&listener.url(""));
    for _ in 0..3 {
        connection.write(message("example.com", &with_length())).unwrap();
        assert_eq!(connection.response().unwrap().status(), 200);
        assert_eq!(handler.next(), message(handler.host(), &with_length()));
    }
    drop(listener);

    // The capture has them too, and is sent and printed with them.
    let captured: serde_json::Value = serde_json::from_str(dir.read("log.ndjson").lines().next().unwrap()).unwrap();
    let length = CYANITE.len().to_string();
    let expected = json!([
        ["X-Request-ID", "1"],
        ["Host", "example.com"],
        ["Signature", CYANITE_SIGNATURE],
        ["x-tag", "b"],
        ["Content-Type", "application/json"],
        ["X-Tag", "a"],
        ["Content-LENGTH", length],
        ["X-TAG", "c"],
        ["ACCEPT", "*/*"],
        ["x_Under.score", "'"],
    ]);
    assert_eq!(captured["request"]["headers"], expected);
    dir.send("log.ndjson", handler.url("/handler")).exits(0);
    assert_eq!(handler.next(), message(handler.host(), &with_length()));
    let print = |form| dir.send("log.ndjson", handler.url("/handler")).args(["--print", form]).exits(0);
    let messages = message(handler.host(), &with_length()).repeat(3);
    print("http").stdout(&messages);
    print("curl").prints(" \\\n  --header 'X-Request-ID: 1' \\\n");
}

#[test]
fn a_handler_over_tls_gets_the_same_bytes() {
    let (dir, handler) = (Dir::new(), RawEndpoint::over_tls(OK));
    dir.write("trusted.pem", handler.certificate());
    let trusted = dir.join("trusted.pem");
    let listener = dir.listen().args(["--forward", &handler.url("/handler")]).env("SSL_CERT_FILE", &trusted).starts();
    let mut connection = Connection::to(&listener.url(""));
    for _ in 0..2 {
        connection.write(message("example.com", &with_length())).unwrap();
        assert_eq!(connection.response().unwrap().status(), 200);
        assert_eq!(handler.next(), message(handler.host(), &with_length()));
    }
}

#[test]
fn a_handler_behind_a_proxy_gets_the_same_bytes() {
    let (dir, handler) = (Dir::new(), RawEndpoint::over_tls(OK));
    let proxy = TunnelProxy::to(&handler, "200 OK");
    dir.write("trusted.pem", handler.certificate());
    let trusted = dir.join("trusted.pem");
    let listener = dir
        .listen()
        .args(["--forward", "https://remote.example/handler"])
        .env("SSL_CERT_FILE", &trusted)
        .env("HTTPS_PROXY", format!("http://127.0.0.1:{}", proxy.port()))
        .starts();
    let mut connection = Connection::to(&listener.url(""));
    for _ in 0..2 {
        connection.write(message("example.com", &with_length())).unwrap();
        assert_eq!(connection.response().unwrap().status(), 200);
        assert_eq!(handler.next(), message("remote.example", &with_length()));
    }
    assert!(proxy.next().starts_with("CONNECT remote.example:443 HTTP/1.1\r\n"));
}

#[test]
fn a_proxy_of_plain_requests_gets_them_with_their_own_headers() {
    let (dir, proxy) = (Dir::new(), RawEndpoint::new(OK));
    let listener = dir
        .listen()
        .args(["--forward", "http://remote.example/handler"])
        .env("HTTP_PROXY", proxy.url("").replace("://", "://user:p%40ss@"))
        .starts();
    let mut connection = Connection::to(&listener.url(""));
    connection.write(message("example.com", &with_length())).unwrap();
    assert_eq!(connection.response().unwrap().status(), 200);
    let line = "POST http://remote.example/handler HTTP/1.1\r\nproxy-authorization: Basic dXNlcjpwQHNz\r\n";
    let expected = message("remote.example", &with_length()).replacen("POST /handler HTTP/1.1\r\n", line, 1);
    assert_eq!(proxy.next(), expected);
}

#[test]
fn a_chunked_body_is_forwarded_with_a_length() {
    let (dir, handler) = (Dir::new(), RawEndpoint::new(OK));
    let listener = dir.listen().args(["--forward", &handler.url("/handler")]).starts();
    let mut connection = Connection::to(&listener.url(""));
    let head = message("example.com", "Transfer-Encoding: chunked\r\nConnection: keep-alive, X-Request-ID\r\n");
    let head = head.strip_suffix(CYANITE).unwrap();
    connection.write(format!("{head}{:x}\r\n{CYANITE}\r\n0\r\nX-Trailer: 1\r\n\r\n", CYANITE.len())).unwrap();
    assert_eq!(connection.response().unwrap().status(), 200);
    let expected = message(handler.host(), "").replace("X-Request-ID: 1\r\n", "");
    let length = format!("\r\ncontent-length: {}\r\n\r\n", CYANITE.len());
    assert_eq!(handler.next(), expected.replacen("\r\n\r\n", &length, 1));
}

#[test]
fn the_headers_of_a_response_are_returned() {
    let handler = RawEndpoint::new(
        b"HTTP/1.1 202 Fine\r\nSet-Cookie: a=1\r\nX-One: 1\r\nContent-Length: 2\r\nset-cookie: b=2\r\n\r\nok",
    );
    let mut listener = Dir::new().listen().args(["--forward", &handler.url("/handler")]).starts();
    let mut connection = Connection::to(&listener.url(""));
    connection.write(message("example.com", &with_length())).unwrap();
    let response = connection.response().unwrap();
    assert_eq!((response.status(), response.text()), (202, "ok"));
    assert_eq!(response.all("set-cookie"), ["a=1", "b=2"]);
    assert_eq!(response.headers_but(&["date"]).len(), 4);
    assert_eq!(text(&listener.next(), "/verdict"), "verified");
}

#[test]
fn folded_lines_are_refused() {
    let listener = Dir::new().listen().starts();
    let mut connection = Connection::to(&listener.url(""));
    connection.write("POST / HTTP/1.1\r\nHost: a\r\nX-Folded: a\r\n b\r\ncontent-length: 0\r\n\r\n").unwrap();
    assert_eq!(connection.response().unwrap().status(), 400);
}

#[test]
fn a_refused_target_is_named() {
    let mut listener = Dir::new().listen().starts();
    for (line, expected) in [
        (
            "POST hooks.example.com:80 HTTP/1.1",
            "POST hooks.example.com:80: the request target is neither a path nor a URL; responded 400",
        ),
        (
            "CONNECT hooks.example.com:443 HTTP/1.1",
            "CONNECT hooks.example.com:443: hookdev is not a proxy; responded 405",
        ),
    ] {
        let mut connection = Connection::to(&listener.url(""));
        connection.write(format!("{line}\r\nHost: a\r\n\r\n")).unwrap();
        connection.response().unwrap();
        listener.says(expected);
    }
}
