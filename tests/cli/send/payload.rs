//! The request that is sent: the fixture with the user's changes, or the user's own bytes and headers.

use crate::harness::{CYANITE, CYANITE_SIGNATURE, Dir, Endpoint, TestCommand, respond, text};

/// The body that is sent with these options.
#[track_caller]
fn body(event: &str, options: &[&str]) -> String {
    let printed = Dir::new().hookdev().args(["send", event, "--print", "json"]).args(options).exits(0).line();
    text(&printed, "/body").to_owned()
}

/// A send with these options, which must send nothing.
fn send(dir: &Dir, event: &str, options: &[&str]) -> TestCommand {
    dir.send(event, "http://127.0.0.1:1/").args(options)
}

#[test]
fn a_payload_is_as_documented() {
    assert_eq!(body("cyanite.v2.finished", &[]), CYANITE);
}

#[test]
fn set_changes_a_field_and_keeps_its_type() {
    assert_eq!(
        body("cyanite.v2.finished", &["--set", "event.type=InDepthAnalysis", "--set", "resource.id=42"]),
        r#"{"version":"2","resource":{"type":"LibraryTrack","id":"42"},"event":{"type":"InDepthAnalysis","status":"finished"}}"#
    );
    let live = body("jewelmusic.release.live", &["--set", "data.platforms.0.name=deezer", "--set", "created=7"]);
    assert!(live.contains(r#""platforms":[{"name":"deezer","#), "{live}");
    assert!(live.contains(r#""created":7,"#), "{live}");
}

#[test]
fn set_accepts_any_json() {
    let body = body("cyanite.v2.finished", &["--set", "resource.id:=[1.0,1e400,\"\\u00e9\",null]"]);
    assert!(body.contains(r#""resource":{"type":"LibraryTrack","id":[1.0,1e400,"\u00e9",null]}"#), "{body}");
}

#[test]
fn fields_can_be_added_and_removed() {
    assert_eq!(
        body("cyanite.v2.finished", &["--add", "event.note=new", "--add", "list.0=1", "--remove", "resource.id"]),
        r#"{"version":"2","resource":{"type":"LibraryTrack"},"event":{"type":"AudioAnalysisV6","status":"finished","note":"new"},"list":[1]}"#
    );
}

#[test]
fn form_fields_can_be_set() {
    let body = body("auphonic.done", &["--id", "zeigtvDv8jH6NaK52Z5eXH", "--set", "status_string=Done & dusted"]);
    assert_eq!(body, "status=3&status_string=Done+%26+dusted&uuid=zeigtvDv8jH6NaK52Z5eXH");
}

#[test]
fn an_unknown_path_gets_a_suggestion() {
    let dir = Dir::new();
    for (options, message) in [
        (["--set", "event.typ=x"], "there is no `event.typ` in the payload; the nearest is `event.type`"),
        (["--set", "status=x"], "there is no `status` in the payload; the nearest is `event.status`"),
        (["--remove", "resource.idd"], "there is no `resource.idd` in the payload; the nearest is `resource.id`"),
        (["--add", "event.type=x"], "`event.type` is in the payload already: set it instead of adding it"),
    ] {
        let expected = format!("error: cyanite.v2.finished: {message}\n");
        send(&dir, "cyanite.v2.finished", &options).exits(2).stdout("").stderr(&expected);
    }
    let expected = "error: jewelmusic.release.live: there is no `data.platforms.7.name` in the payload; \
                    the nearest is `data.platforms.0.name`\n";
    send(&dir, "jewelmusic.release.live", &["--set", "data.platforms.7.name=x"]).exits(2).stderr(expected);
}

#[test]
fn an_invalid_change_is_a_usage_error() {
    let dir = Dir::new();
    let event = "cyanite.v2.finished";
    send(&dir, event, &["--set", "event.type"])
        .exits(2)
        .stderr("error: `event.type` gives no value: write PATH=VALUE, or PATH:=JSON\n");
    send(&dir, event, &["--set", "event.type:={"]).exits(2).says("error: the value after `:=` is not JSON: ");
}

#[test]
fn a_changed_payload_is_signed_as_sent() {
    let dir = Dir::new();
    let mut listener = dir.listen().starts();
    dir.send("cyanite.v2.finished", listener.url("/cyanite")).args(["--set", "event.type=AudioAnalysisV7"]).exits(0);
    let delivery = listener.next();
    assert_eq!(text(&delivery, "/verdict"), "verified");
    // An unknown type is a warning and not an error.
    assert_eq!(delivery["payload"]["status"], "valid");
    assert_eq!(delivery["warnings"].as_array().unwrap().len(), 1, "{delivery}");
}

#[test]
fn a_payload_that_violates_the_schema_is_sent() {
    let dir = Dir::new();
    let mut listener = dir.listen().starts();
    dir.send("cyanite.v2.finished", listener.url("/cyanite")).args(["--remove", "resource"]).exits(0);
    let delivery = listener.next();
    assert_eq!((text(&delivery, "/verdict"), text(&delivery, "/payload/status")), ("verified", "invalid"));
    assert_eq!(text(&delivery, "/payload/errors/0/pointer"), "/resource");
}

#[test]
fn data_from_a_file_is_signed_and_sent_unchanged() {
    let dir = Dir::new();
    let mut listener = dir.listen().starts();
    let bodies: [&[u8]; 7] = [
        b"{\"a\": 1.0, \"b\":\t1e2, \"\\u00e9\": 12345678901234567890}\r\n",
        b"\xef\xbb\xbf{}\n\n",
        b"\xff\xfe\x00binary\x00\x80",
        b"not json at all",
        b"@leading",
        b" ",
        b"",
    ];
    for (event, path) in [
        ("cyanite.v2.finished", "/cyanite"),
        ("aspect.task.completed", "/aspect"),
        ("jewelmusic.release.live", "/jewelmusic"),
    ] {
        for body in bodies {
            dir.write("body", body);
            let endpoint = Endpoint::new([respond(200)]);
            dir.send(event, endpoint.url("/")).args(["--data", "body"]).exits(0);
            assert_eq!(endpoint.next().body, body);
            dir.send(event, listener.url(path)).args(["--data", "-"]).stdin(body).exits(0);
            let delivery = listener.next();
            assert_eq!(text(&delivery, "/verdict"), "verified", "{delivery}");
        }
    }
}

#[test]
fn data_needs_exactly_one_event() {
    let dir = Dir::new();
    dir.write("body", "{}");
    send(&dir, "aspect.*", &["--data", "body"])
        .exits(2)
        .stderr("error: --data is the body of one event, but the arguments name 3\n");
    send(&dir, "cyanite.v2.finished", &["--data", "body", "--set", "a=b"]).exits(2).says("cannot be used with");
}

#[test]
fn unreadable_data_is_an_unreadable_input() {
    let finished = send(&Dir::new(), "cyanite.v2.finished", &["--data", "missing.json"]).exits(3);
    finished.says("error: can't read missing.json\ncaused by: ");
}

#[test]
fn given_headers_are_added_and_override_the_providers() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let headers = ["X-Token: a: b", "user-agent: mine/1", "Content-Type: application/problem+json", "X-Empty:"];
    let flags = headers.iter().flat_map(|header| ["--header", header]);
    dir.send("cyanite.v2.finished", endpoint.url("/")).args(flags).exits(0);
    let request = endpoint.next();
    assert_eq!(
        request.headers_but(&["host", "accept"]),
        [
            ("content-length", "116"),
            ("content-type", "application/problem+json"),
            ("signature", CYANITE_SIGNATURE),
            ("user-agent", "mine/1"),
            ("x-empty", ""),
            ("x-token", "a: b"),
        ]
    );
}

#[test]
fn a_given_host_is_sent_unchanged() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let host = ["--header", "Host: hooks.example.com:8443"];
    dir.send("cyanite.v2.finished", endpoint.url("/")).args(host).exits(0);
    assert_eq!(endpoint.next().all("host"), ["hooks.example.com:8443"]);
    // A captured host names the receiver of the capture, not the endpoint.
    dir.write("one.http", "POST / HTTP/1.1\r\nhost: example.com\r\ncontent-length: 2\r\n\r\n{}");
    dir.send("one.http", endpoint.url("/")).args(host).exits(0);
    assert_eq!(endpoint.next().all("host"), ["hooks.example.com:8443"]);
    dir.send("one.http", endpoint.url("/")).exits(0);
    let url = endpoint.url("/");
    assert_eq!(endpoint.next().all("host"), [url.trim_start_matches("http://").trim_end_matches('/')]);
}

#[test]
fn headers_of_the_connection_are_usage_errors() {
    let dir = Dir::new();
    for name in ["Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "TE", "Upgrade"] {
        let expected = format!(
            "error: --header: `{}` is set by the connection\n\
             hint: hookdev sends the whole body with its actual length\n",
            name.to_lowercase()
        );
        send(&dir, "cyanite.v2.finished", &["--header", &format!("{name}: 5")]).exits(2).stderr(&expected);
    }
    let two = ["--header", "Host: a", "--header", "host: b"];
    send(&dir, "cyanite.v2.finished", &two).exits(2).stderr("error: --header: a request has at most one `host`\n");
}

#[test]
fn a_header_that_is_given_twice_is_sent_twice() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let headers = ["--header", "X-Tag: a", "--header", "X-Tag: b"];
    dir.send("cyanite.v2.finished", endpoint.url("/")).args(headers).exits(0);
    assert_eq!(endpoint.next().all("x-tag"), ["a", "b"]);
}

#[test]
fn a_given_signature_replaces_the_computed_one() {
    let dir = Dir::new();
    let mut listener = dir.listen().starts();
    dir.send("cyanite.v2.finished", listener.url("/cyanite")).args(["--header", "Signature: 00ff"]).exits(1);
    let delivery = listener.next();
    assert_eq!(text(&delivery, "/rejection/code"), "no-matching-signature");
}

#[test]
fn an_invalid_header_is_a_usage_error() {
    let dir = Dir::new();
    for (wrong, reason) in [
        ("no colon", "expected `Name: value`"),
        (": nameless", "expected `Name: value`"),
        ("a b: c", "a header's name can't contain ` ` (U+0020)"),
        ("a: b\nc: d", "a header's value can't contain `\\n` (U+000A)"),
    ] {
        let expected = format!("error: invalid header `{}`: {reason}\n", wrong.replace('\n', "\\n"));
        send(&dir, "cyanite.v2.finished", &["--header", wrong]).exits(2).stderr(&expected);
    }
}

#[test]
fn headers_are_those_the_provider_sends() {
    let dir = Dir::new();
    let headers = |event: &str| -> Vec<String> {
        let pinned = ["--now", "2025-01-01T12:00:00Z", "--id", "an-id", "--data", "-", "--print", "json"];
        let printed = dir.hookdev().args(["send", event]).args(pinned).stdin("{}").exits(0).line();
        let headers = printed["headers"].as_array().unwrap().clone();
        headers.iter().map(|header| format!("{}: {}", text(header, "/0"), text(header, "/1"))).collect()
    };
    let agent = concat!("user-agent: hookdev/", env!("CARGO_PKG_VERSION"));
    // The signatures of `{}` under the development secrets, computed with Python's `hmac`.
    assert_eq!(
        headers("aspect.task.failed"),
        [
            "content-type: application/json",
            "user-agent: Svix-Webhooks/1.24",
            "svix-id: an-id",
            "svix-timestamp: 1735732800",
            "svix-signature: v1,qJJFAtPBXsCPyrJAmq2QWYv0mq49vMB5ZvGo1dfvLLs=",
        ]
    );
    assert_eq!(
        headers("jewelmusic.release.live"),
        [
            "content-type: application/json",
            agent,
            "x-jewelmusic-event: release.live",
            "x-jewelmusic-timestamp: 1735732800",
            "x-jewelmusic-signature: sha256=36ad2b8f18b52bb24d1e03e77c4dd20a47fb009ee966243e858209b8e1dcfda4",
        ]
    );
    assert_eq!(
        headers("cyanite.v2.failed"),
        [
            "content-type: application/json",
            agent,
            "signature: f699fdc6fd9ef86539503facb39cd081728121b1945ee15acf002082575f7003137de26e9348caf5d0100b39709fff343e2b6787b9c3b64d139faaeba04e1692"
        ]
    );
    assert_eq!(headers("cyanite.v1.test"), ["content-type: application/json", agent]);
    assert_eq!(headers("auphonic.done"), ["content-type: application/x-www-form-urlencoded", agent]);
}
