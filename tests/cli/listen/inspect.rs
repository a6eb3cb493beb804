//! The inspector: its address and token, and its API as the page uses it.

use std::{io, time::Instant};

use serde_json::{Value, json};

#[cfg(unix)]
use crate::harness::NO_SECRETS;
use crate::{
    harness::{
        AUPHONIC, CYANITE, CYANITE_HEADERS, CYANITE_SIGNATURE, Connection, Dir, Endpoint, Listener, Message, PATIENCE,
        TestCommand, break_off, gzip, hang, hex, keys, post, request, respond, text,
    },
    machine::Port,
};

/// What the page knows: where the API is, and its token.
struct Page {
    base: String,
    token: String,
}

impl Page {
    fn of(listener: &Listener) -> Self {
        let (base, token) = text(listener.ready(), "/inspector").split_once("/#token=").expect("a token");
        Self { base: base.to_owned(), token: token.to_owned() }
    }

    fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Message {
        let bearer = format!("Bearer {}", self.token);
        let headers = [&[("authorization", bearer.as_str())], headers].concat();
        let url = format!("{}/api/{path}", self.base);
        let mut connection = Connection::to(&url);
        connection.write(request(method, &url, &headers, body)).unwrap();
        connection.response().unwrap()
    }

    fn get(&self, path: &str) -> Message {
        self.call("GET", path, &[], "")
    }

    /// The object of a successful response.
    #[track_caller]
    fn object(&self, path: &str) -> Value {
        let response = self.get(path);
        assert_eq!(response.status(), 200, "{}", response.text());
        serde_json::from_str(response.text()).unwrap()
    }

    fn resend(&self, seq: u64, call: &Value) -> (u16, Value) {
        let headers = [("origin", self.base.as_str()), ("content-type", "application/json")];
        let response = self.call("POST", &format!("deliveries/{seq}/resend"), &headers, &call.to_string());
        (response.status(), serde_json::from_str(response.text()).unwrap())
    }

    /// The lines of a poll, without the ready line.
    fn poll(&self, after: u64) -> Vec<Value> {
        let response = self.get(&format!("deliveries?after={after}"));
        response.text().lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Waits until it has this many deliveries: they are published soon after their responses, not before.
    fn has(&self, count: usize) {
        let mut stream = self.stream(0);
        let mut left = count;
        while left > 0 {
            if stream.next().unwrap()["kind"] == "delivery" {
                left -= 1;
            }
        }
    }

    /// The stream, whose lines follow the head.
    fn stream(&self, after: u64) -> Stream {
        let mut connection = Connection::to(&self.base);
        let host = self.base.strip_prefix("http://").unwrap();
        let head = format!(
            "GET /api/stream?after={after} HTTP/1.0\r\nhost: {host}\r\nauthorization: Bearer {}\r\n\r\n",
            self.token
        );
        connection.write(head).unwrap();
        Stream { connection, is_after_head: false }
    }
}

struct Stream {
    connection: Connection,
    is_after_head: bool,
}

impl Stream {
    /// The next line other than a keep-alive.
    fn next(&mut self) -> io::Result<Value> {
        while !self.is_after_head {
            self.is_after_head = self.connection.line()?.is_empty();
        }
        loop {
            let line: Value = serde_json::from_str(&self.connection.line()?).unwrap();
            if line["kind"] != "alive" {
                return Ok(line);
            }
        }
    }

    /// The next line, which must be of this kind.
    #[track_caller]
    fn expect(&mut self, kind: &str) -> Value {
        let line = self.next().unwrap();
        assert_eq!(line["kind"], kind, "{line}");
        line
    }
}

fn inspected(dir: &Dir) -> TestCommand {
    dir.listen().args(["--inspect", "127.0.0.1:0"])
}

#[track_caller]
fn deliver(listener: &Listener) {
    assert_eq!(post(&listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE).status(), 200);
}

#[test]
fn the_ready_line_has_the_url_with_its_token_and_the_page_needs_none() {
    let dir = Dir::new();
    let listener = inspected(&dir).starts();
    let page = Page::of(&listener);
    assert_eq!(page.token.len(), 64);
    assert!(page.token.bytes().all(|byte| byte.is_ascii_hexdigit()), "{}", page.token);
    assert!(page.base.starts_with("http://127.0.0.1:"), "{}", page.base);
    let shell = crate::harness::get(&page.base);
    assert_eq!((shell.status(), shell.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let refused = crate::harness::get(&format!("{}/api/stream", page.base));
    assert_eq!((refused.status(), refused.header("www-authenticate")), (401, Some("Bearer")));
    assert_eq!(
        refused.text(),
        "{\"error\":\"the token is missing or wrong; open the URL that `hookdev listen` printed\"}\n"
    );
}

#[test]
fn people_get_the_url_on_standard_error() {
    let dir = Dir::new();
    let mut listener =
        dir.hookdev().args(["listen", "--addr", "127.0.0.1:0", "--inspect", "127.0.0.1:0"]).starts_for_people();
    listener.says("Inspector: http://127.0.0.1:");
    listener.says("/#token=");
}

#[test]
fn without_the_flag_there_is_no_inspector() {
    let dir = Dir::new();
    assert_eq!(dir.listen().starts().ready()["inspector"], Value::Null);
}

#[test]
fn an_address_that_other_machines_reach_is_refused() {
    let dir = Dir::new();
    for addr in ["0.0.0.0:4401", "[::]:4401", "[::ffff:0.0.0.0]:4401", "0:4401"] {
        dir.listen().args(["--inspect", addr]).exits(2).stderr(&format!(
            "error: the inspector can't listen on {addr}: other machines could reach it\n\
             hint: use 127.0.0.1:4401, and `ssh -L 4401:127.0.0.1:4401 HOST` on the other machine\n"
        ));
    }
    dir.listen()
        .args(["--inspect", "127.0.0.1:0", "--history", "0"])
        .exits(2)
        .stderr("error: --inspect shows the deliveries in memory, and --history 0 keeps none\n");
}

#[test]
fn a_forward_to_the_inspector_is_refused() {
    let (dir, mut port) = (Dir::new(), Port::reserve());
    let addr = format!("127.0.0.1:{}", port.lend());
    let forward = format!("http://localhost:{}/", port.number());
    dir.listen().args(["--inspect", &addr, "--forward", &forward]).exits(2).stdout("").stderr(&format!(
        "error: can't forward to {forward}: hookdev itself listens there\n\
         hint: give the URL of your handler, or listen on another port with --addr or --inspect\n"
    ));
}

#[test]
fn an_address_that_is_taken_is_an_error_and_the_config_may_name_one() {
    let dir = Dir::new();
    let first = inspected(&dir).starts();
    let page = Page::of(&first);
    let addr = page.base.strip_prefix("http://").unwrap();
    dir.write("hookdev.toml", format!("[listen]\ninspect = \"{addr}\"\n"));
    let failed = dir.listen().exits(2);
    let error = format!("error: the inspector can't listen on {addr}\n");
    assert!(failed.stderr.contains(&error), "{}", failed.stderr);
    assert!(failed.stderr.ends_with("hint: choose another port with --inspect 127.0.0.1:PORT\n"), "{}", failed.stderr);
}

#[test]
fn a_stream_has_the_ready_line_and_then_each_delivery_without_its_body() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200).body("fine")]));
    let mut listener = inspected(&dir).args(["--forward", &endpoint.url("/")]).starts();
    let page = Page::of(&listener);
    deliver(&listener);
    let mut printed = listener.next();
    let mut stream = page.stream(0);
    let ready = stream.expect("ready");
    assert_eq!(
        keys(&ready),
        ["history", "inspector", "kind", "providers", "registered", "send", "targets", "tunnel", "url"]
    );
    assert_eq!(ready["targets"], json!([endpoint.url("/")]));
    assert_eq!(text(&ready, "/inspector"), format!("{}/", page.base));
    assert_eq!(text(&ready, "/send"), format!("hookdev send cyanite.v2.finished --to {}", listener.url("/cyanite")));
    let cyanite = json!({"name": "cyanite", "title": "Cyanite", "path": "/cyanite", "url": listener.url("/cyanite"), "limit_ms": 3000});
    assert_eq!((&ready["providers"][0], ready["providers"].as_array().unwrap().len()), (&cyanite, 4));
    let mut line = stream.expect("delivery");
    let forwards = line["forwards"].take();
    assert_eq!((&forwards[0]["status"], &forwards[0]["response"]["body_bytes"]), (&json!(200), &json!(4)));
    assert_eq!(line["resends"].take(), json!([]));
    let policy = line.as_object_mut().unwrap().remove("policy");
    assert_eq!(policy, Some(json!({"title": "Cyanite", "limit_ms": 3000.0, "accepted": true})));
    // Otherwise it is the printed line, but for the body.
    printed["forwards"] = Value::Null;
    printed["resends"] = Value::Null;
    let body = printed["request"].as_object_mut().unwrap().remove("body").unwrap();
    assert_eq!(body, json!(CYANITE));
    printed["request"]["body_bytes"] = json!(CYANITE.len());
    assert_eq!(line, printed);
    deliver(&listener);
    assert_eq!(stream.expect("delivery")["seq"], 2);
    // A tab that comes back asks for what it does not have.
    let mut second = page.stream(1);
    second.expect("ready");
    assert_eq!(second.expect("delivery")["seq"], 2);
    assert_eq!(page.poll(1).iter().map(|line| line["seq"].clone()).collect::<Vec<_>>(), [json!(2)]);
}

#[test]
fn a_delivery_is_read_whole_as_bytes_and_as_a_command() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(500).body("no such track")]));
    let listener = inspected(&dir).args(["--forward", &endpoint.url("/")]).starts();
    let page = Page::of(&listener);
    let body = b"{\"n\":1.0,\"n\":12345678901234567890,\"s\":\"\\u00e9\xff\"}";
    post(&listener.url("/other"), &[("content-type", "application/json")], body);
    page.has(1);
    let whole = page.object("deliveries/1");
    assert_eq!(whole["request"]["body_base64"].as_str().unwrap().len(), body.len().div_ceil(3) * 4);
    assert_eq!(text(&whole, "/forwards/0/response/body"), "no such track");
    let download = page.get("deliveries/1/body");
    assert_eq!(hex(&download.body), hex(body));
    assert_eq!(
        (download.header("content-type"), download.header("content-disposition")),
        (Some("application/octet-stream"), Some("attachment; filename=\"delivery-1.json\""))
    );
    let curl = page.get("deliveries/1/curl");
    assert_eq!(curl.header("content-type"), Some("text/plain; charset=utf-8"));
    assert!(
        curl.text().contains(&format!("| curl -sS -i --request POST --url {}", listener.url("/other"))),
        "{}",
        curl.text()
    );
}

#[test]
fn invalid_calls_are_errors_with_a_reason() {
    let dir = Dir::new();
    let listener = inspected(&dir).starts();
    let page = Page::of(&listener);
    deliver(&listener);
    page.has(1);
    for (path, status, error) in [
        ("deliveries/9", 404, "delivery 9 is not in memory"),
        ("deliveries/9/tree", 404, "delivery 9 is not in memory"),
        ("deliveries/x", 404, "there is nothing at this path"),
        ("deliveries/1/x", 404, "there is nothing at this path"),
        ("nothing", 404, "there is nothing at this path"),
        ("deliveries/1/resend", 405, "this path does not allow this method"),
        ("deliveries?after=x", 400, "invalid `after`: write a number"),
        ("stream?after=-1", 400, "invalid `after`: write a number"),
        ("deliveries/1/tree?from=x", 400, "invalid `from`: write a number"),
        ("diff?left=1", 400, "invalid `left` or `right`: write a number"),
        ("diff?left=1&right=7", 404, "delivery 7 is not in memory"),
        ("search?word=", 400, "invalid `word`: write 1 to 1024 bytes in all"),
    ] {
        let response = page.get(path);
        let body: Value = serde_json::from_str(response.text()).unwrap();
        assert_eq!((response.status(), text(&body, "/error")), (status, error), "{path}");
    }
}

#[test]
fn the_tree_keeps_the_payload_as_it_was_sent_and_shows_errors_at_their_place() {
    let dir = Dir::new();
    let listener = inspected(&dir).starts();
    let page = Page::of(&listener);
    let body = CYANITE.replace("\"999\"", "12345678901234567890.0");
    post(&listener.url("/cyanite"), &[("content-type", "application/json")], &body);
    post(&listener.url("/auphonic"), &[("content-type", "application/x-www-form-urlencoded")], AUPHONIC);
    post(&listener.url("/other"), &[], "hello");
    page.has(3);
    let tree = page.object("deliveries/1/tree");
    assert_eq!((&tree["total"], &tree["next"]), (&json!(11), &Value::Null));
    let id = &tree["rows"].as_array().unwrap().iter().find(|row| row["pointer"] == "/resource/id").unwrap();
    assert_eq!(
        (text(id, "/key"), text(id, "/value"), text(id, "/kind")),
        ("\"id\"", "12345678901234567890.0", "number")
    );
    assert_eq!(id["note"], "expected a string, found 12345678901234567890.0");
    let form = page.object("deliveries/2/tree");
    assert_eq!((text(&form, "/rows/1/key"), text(&form, "/rows/1/value")), ("\"status\"", "\"3\""));
    let raw = page.get("deliveries/3/tree");
    assert_eq!((raw.status(), raw.text()), (422, "{\"error\":\"the payload is neither JSON nor a form\"}\n"));
}

#[test]
fn a_delivery_is_resent_byte_for_byte_and_the_stream_says_so() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200), respond(503).body("later")]));
    let listener = inspected(&dir).args(["--forward", &format!("auphonic.*={}", endpoint.url("/"))]).starts();
    let page = Page::of(&listener);
    deliver(&listener);
    let mut stream = page.stream(0);
    stream.expect("ready");
    stream.expect("delivery");
    let (status, refused) = page.resend(1, &json!({"to": null, "body": null}));
    assert_eq!((status, text(&refused, "/error")), (409, "no target gets cyanite.v2.finished"));
    let (status, refused) = page.resend(1, &json!({"to": "http://evil.test/"}));
    assert_eq!((status, text(&refused, "/error")), (409, "there is no target `http://evil.test/`"));
    endpoint.got_no_more();
    let target = json!({"to": endpoint.url("/"), "body": null});
    let (status, resent) = page.resend(1, &target);
    assert_eq!(status, 200, "{resent}");
    let got = endpoint.next();
    assert_eq!((got.text(), got.header("signature")), (CYANITE, Some(CYANITE_SIGNATURE)));
    assert_eq!((&resent["changes"], &resent["resigned"]), (&json!([]), &json!(false)));
    assert_eq!(text(&resent, "/request/body"), CYANITE);
    let attempt = &resent["attempts"][0];
    assert_eq!(
        (text(attempt, "/kind"), text(attempt, "/outcome"), &attempt["status"]),
        ("attempt", "accepted", &json!(200))
    );
    let line = stream.expect("forwards");
    assert_eq!((&line["seq"], &line["resent"], &line["forwards"][0]["status"]), (&json!(1), &json!(true), &json!(200)));
    // A text field adds a line break at the end, which is no edit.
    let (_, resent) = page.resend(1, &json!({"to": endpoint.url("/"), "body": format!("{CYANITE}\n")}));
    assert_eq!((text(&resent, "/attempts/0/outcome"), &resent["resigned"]), ("refused", &json!(false)));
    assert_eq!(text(&resent, "/attempts/0/response/body"), "later");
    assert_eq!(endpoint.next().text(), CYANITE);
    let whole = page.object("deliveries/1");
    let statuses: Vec<_> = whole["resends"].as_array().unwrap().iter().map(|resend| resend["status"].clone()).collect();
    assert_eq!(statuses, [json!(200), json!(503)]);
}

/// As `send` judges them: a handler that was reached has refused, whatever it sent.
#[test]
fn a_resend_without_a_response_is_judged_by_how_it_failed() {
    let (dir, gone, crashed) = (Dir::new(), Port::reserve(), Endpoint::new([break_off()]));
    // A body whose first chunk has no length.
    let broken = |status| Endpoint::new([respond(status).header("transfer-encoding", "chunked").body("x")]);
    let (accepted, refused) = (broken(200), broken(503));
    let targets = [
        (format!("http://127.0.0.1:{}/", gone.number()), "unreachable", Value::Null),
        (crashed.url("/"), "refused", Value::Null),
        (accepted.url("/"), "accepted", json!(200)),
        (refused.url("/"), "refused", json!(503)),
    ];
    let forwards = targets.iter().flat_map(|(url, ..)| ["--forward".to_owned(), format!("auphonic.*={url}")]);
    let listener = inspected(&dir).args(forwards).args(["--forward-wait", "0ms"]).starts();
    let page = Page::of(&listener);
    deliver(&listener);
    page.has(1);
    for (url, outcome, response_status) in &targets {
        let (status, resent) = page.resend(1, &json!({"to": url}));
        let attempt = &resent["attempts"][0];
        assert_eq!(
            (status, text(attempt, "/outcome"), &attempt["status"]),
            (200, *outcome, response_status),
            "{resent}"
        );
    }
}

#[test]
fn the_headers_that_a_handler_got_are_shown() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let url = endpoint.url("/hooks").replace("://", "://me:pass@");
    let listener = inspected(&dir).args(["--forward", &url]).starts();
    let page = Page::of(&listener);
    let headers = [("signature", CYANITE_SIGNATURE), ("connection", "close, x-hop"), ("x-hop", "1"), ("X-Odd", "2")];
    post(&listener.url("/cyanite"), &headers, CYANITE);
    let got = |Message { spelled, headers, .. }: Message| {
        json!(spelled.into_iter().zip(headers).map(|(name, (_, value))| (name, value)).collect::<Vec<_>>())
    };
    let forwarded = got(endpoint.next());
    page.has(1);
    assert_eq!(page.object("deliveries/1")["forwards"][0]["sent_headers"], forwarded);
    let (_, resent) = page.resend(1, &json!({"body": CYANITE.replace("999", "1000")}));
    let edited = got(endpoint.next());
    assert_eq!(resent["attempts"][0]["sent_headers"], edited);
    assert_ne!(edited, forwarded);
}

#[test]
fn a_failed_resend_says_what_to_do_as_forwards_do() {
    let (dir, gone, endpoint) = (Dir::new(), Port::reserve(), Endpoint::new([respond(404)]));
    let targets = [format!("http://127.0.0.1:{}/", gone.number()), endpoint.url("/hooks")];
    let forwards = targets.iter().flat_map(|url| ["--forward", url]);
    let listener = inspected(&dir).args(forwards).args(["--forward-wait", "0ms"]).starts();
    let page = Page::of(&listener);
    post(&listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE);
    page.has(1);
    // Each time, although the forwards say what to check only once.
    for _ in 0..2 {
        let (_, resent) = page.resend(1, &json!({}));
        assert!(text(&resent, "/attempts/0/reason").contains(": is your handler running?"), "{resent}");
        assert_eq!(
            text(&resent, "/attempts/1/hint"),
            "your handler has no route for /hooks: check the path of the URL, and the handler's routes"
        );
    }
}

#[test]
fn a_resend_to_a_target_that_hangs_times_out() {
    let (dir, hung) = (Dir::new(), Endpoint::new([hang()]));
    let forward = format!("auphonic.*={}", hung.url("/"));
    let listener = inspected(&dir).args(["--forward", &forward, "--forward-timeout", "300ms"]).starts();
    let page = Page::of(&listener);
    deliver(&listener);
    page.has(1);
    let (status, resent) = page.resend(1, &json!({"to": hung.url("/")}));
    assert_eq!((status, text(&resent, "/attempts/0/outcome")), (200, "timed-out"), "{resent}");
}

#[test]
fn an_edited_delivery_is_signed_again_so_that_its_target_verifies_it() {
    let dir = Dir::new();
    let mut handler = dir.listen().starts();
    let listener = inspected(&dir).args(["--forward", &handler.url("/cyanite")]).starts();
    let page = Page::of(&listener);
    deliver(&listener);
    handler.next();
    let edited = CYANITE.replace("999", "1000");
    page.has(1);
    let (status, resent) = page.resend(1, &json!({"to": null, "body": edited}));
    assert_eq!((status, &resent["resigned"]), (200, &json!(true)), "{resent}");
    assert_eq!(text(&resent, "/renewal"), "renewed: signature");
    let places: Vec<_> = resent["changes"].as_array().unwrap().iter().map(|change| text(change, "/where")).collect();
    assert_eq!(places, ["header:signature", "header:content-length", "body:/resource/id"]);
    let got = handler.next();
    assert_eq!((text(&got, "/verdict"), text(&got, "/request/body")), ("verified", edited.as_str()));
}

#[test]
fn a_handshake_says_why_it_was_not_forwarded() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let listener = inspected(&dir).args(["--forward", &endpoint.url("/")]).starts();
    let page = Page::of(&listener);
    dir.hookdev().args(["send", "slack.url_verification", "--to", &listener.url("/slack")]).exits(0);
    page.has(1);
    assert_eq!(page.object("deliveries/1")["not_forwarded"], "not forwarded: hookdev itself responds to handshakes");
    endpoint.got_no_more();
}

/// As `send --resign` says it.
#[test]
fn an_edited_delivery_names_what_signing_renewed() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let listener = inspected(&dir).args(["--forward", &endpoint.url("/")]).starts();
    let page = Page::of(&listener);
    let events = [
        ("github.push", json!("renewed: x-hub-signature-256")),
        ("stripe.checkout.session.completed", json!("renewed: stripe-signature")),
        ("gitlab.push", json!("signed again, with the same signature")),
        ("auphonic.done", Value::Null),
    ];
    for (index, (event, _)) in events.iter().enumerate() {
        let provider = event.split('.').next().unwrap();
        dir.hookdev().args(["send", event, "--to", &listener.url(&format!("/{provider}"))]).exits(0);
        endpoint.next();
        page.has(index + 1);
    }
    for (seq, (event, renewal)) in (1..).zip(&events) {
        let body = page.object(&format!("deliveries/{seq}"))["request"]["body"].as_str().unwrap().to_owned();
        let (status, resent) = page.resend(seq, &json!({"body": body.replacen('1', "2", 1)}));
        assert_eq!((status, &resent["renewal"]), (200, renewal), "{event}: {resent}");
    }
}

#[test]
fn a_binary_body_cannot_be_edited_and_a_compressed_one_can() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let listener = inspected(&dir).args(["--forward", &endpoint.url("/")]).starts();
    let page = Page::of(&listener);
    post(&listener.url("/other"), &[], b"\xff\x00");
    post(&listener.url("/other"), &[("content-encoding", "gzip")], gzip(b"{\"a\":1}"));
    endpoint.next();
    endpoint.next();
    page.has(2);
    let (status, refused) = page.resend(1, &json!({"body": "x"}));
    assert_eq!((status, text(&refused, "/error")), (422, "can't edit the payload: it is not text"));
    let (status, _) = page.resend(2, &json!({"body": "{\"a\":2}"}));
    let got = endpoint.next();
    assert_eq!((status, got.text(), got.header("content-encoding")), (200, "{\"a\":2}", None));
    let (status, refused) = page.resend(1, &json!({"url": "http://evil.test/"}));
    assert_eq!(status, 400, "{refused}");
}

#[test]
fn deliveries_are_compared_and_searched() {
    let dir = Dir::new();
    let listener = inspected(&dir).starts();
    let page = Page::of(&listener);
    deliver(&listener);
    post(
        &listener.url("/cyanite"),
        &[("content-type", "application/json"), ("x-note", "Needle")],
        CYANITE.replace("999", "7"),
    );
    page.has(2);
    let differences = page.object("diff?left=1&right=2");
    let places: Vec<_> =
        differences["differences"].as_array().unwrap().iter().map(|difference| text(difference, "/where")).collect();
    assert_eq!(places, ["header:signature", "header:content-length", "header:x-note", "body:/resource/id"]);
    let found = page.object("search?word=needle&word=LIBRARYtrack&word=nowhere&word=x-note:");
    assert_eq!(found, json!({"seqs": [[2], [2, 1], [], [2]]}));
}

#[test]
fn a_fifth_tab_has_to_poll_until_another_is_closed() {
    let dir = Dir::new();
    let listener = inspected(&dir).starts();
    let page = Page::of(&listener);
    let mut streams: Vec<Stream> = (0..4).map(|_| page.stream(0)).collect();
    for stream in &mut streams {
        stream.expect("ready");
    }
    let refused = page.get("stream?after=0");
    assert_eq!(
        (refused.status(), refused.text()),
        (503, "{\"error\":\"4 tabs have a stream already\",\"poll\":true}\n")
    );
    assert_eq!(page.get("deliveries").status(), 200);
    streams.pop();
    // The server sees that it has gone without writing to it.
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut again = page.stream(0);
        match again.next() {
            Ok(line) if line["kind"] == "ready" => break,
            _ => assert!(Instant::now() < deadline, "the stream of a tab that has gone is still counted"),
        }
    }
}

#[test]
fn a_tab_that_does_not_read_misses_lines_and_holds_up_nothing() {
    const COUNT: u64 = 5000;
    let dir = Dir::new();
    let listener = inspected(&dir).args(["--capture", "log.ndjson", "--filter", "x.*", "--history", "100"]).starts();
    let page = Page::of(&listener);
    let mut stream = page.stream(0);
    stream.expect("ready");
    let url = listener.url("/other");
    let mut connection = Connection::to(&url);
    let padding = "x".repeat(8 << 10);
    let delivery = request("POST", &url, &[("x-padding", &padding)], "{}");
    for _ in 0..COUNT {
        connection.write(&delivery).unwrap();
        assert_eq!(connection.response().unwrap().status(), 200);
    }
    let (mut shown, mut missed) = (0, 0);
    while shown + missed < COUNT {
        let line = stream.next().unwrap();
        match text(&line, "/kind") {
            "delivery" => shown += 1,
            "missed" => missed += line["count"].as_u64().unwrap(),
            other => panic!("{other}"),
        }
    }
    assert_eq!(shown + missed, COUNT);
    assert!(missed > 0, "{shown}");
    // It goes on with what comes next.
    connection.write(&delivery).unwrap();
    assert_eq!(connection.response().unwrap().status(), 200);
    assert_eq!(stream.expect("delivery")["seq"], COUNT + 1);
}

#[cfg(unix)]
#[test]
fn a_tab_that_has_stopped_reading_does_not_hold_up_the_shutdown() {
    const COUNT: u64 = 3000;
    let dir = Dir::new();
    let listener = inspected(&dir).args(["--capture", "log.ndjson", "--filter", "x.*", "--history", "100"]).starts();
    let page = Page::of(&listener);
    let mut stream = page.stream(0);
    stream.expect("ready");
    let url = listener.url("/other");
    let mut connection = Connection::to(&url);
    // More lines than the buffers of the connection hold.
    let delivery = request("POST", &format!("{url}?{}", "x".repeat(4 << 10)), &[], "{}");
    for _ in 0..COUNT {
        connection.write(&delivery).unwrap();
        assert_eq!(connection.response().unwrap().status(), 200);
    }
    listener.interrupt();
    listener.exits(0).stderr(&format!("warning: --filter `x.*` matches no known event\n{NO_SECRETS}"));
    drop(stream);
}

#[cfg(unix)]
#[test]
fn open_streams_end_with_ctrl_c() {
    let dir = Dir::new();
    let listener = inspected(&dir).starts();
    let page = Page::of(&listener);
    let (mut stream, _unread) = (page.stream(0), page.stream(0));
    stream.expect("ready");
    listener.interrupt();
    assert_eq!(stream.next().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    listener.exits(0).stderr(NO_SECRETS);
}

#[test]
fn redacted_deliveries_show_no_credentials_in_the_page() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let listener = inspected(&dir).args(["--redact", "--forward", &endpoint.url("/?own=hush")]).starts();
    let page = Page::of(&listener);
    let ready = page.stream(0).expect("ready");
    assert_eq!(ready["targets"], json!([endpoint.url("/?own=[redacted]")]));
    for path in ["/one?token=hush", "/two?token=hush"] {
        post(&listener.url(path), &[("authorization", "Bearer hush")], "{}");
    }
    page.has(2);
    for path in ["deliveries", "deliveries/1", "deliveries/1/curl", "diff?left=1&right=2"] {
        let response = page.get(path);
        assert_eq!(response.status(), 200);
        let shown = response.text();
        assert!(shown.contains("[redacted]") && !shown.contains("hush"), "{path}: {shown}");
    }
}
