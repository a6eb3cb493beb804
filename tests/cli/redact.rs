//! Credentials are hidden from people, and with `--redact` in everything that is saved or printed; never in requests
//! that are sent or forwarded.

#[cfg(unix)]
use std::cell::{Cell, RefCell};

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::Value;

#[cfg(unix)]
use crate::harness::Listener;
use crate::{
    harness::{CYANITE, CYANITE_SIGNATURE, Dir, Endpoint, Finished, hang_up, not_http, post, respond, text},
    providers::{SECRET, TOKEN, manifest, write},
};

/// Headers of a genuine delivery, with credentials beside the signature.
const HEADERS: [(&str, &str); 5] = [
    ("content-type", "application/json"),
    ("signature", CYANITE_SIGNATURE),
    ("authorization", "Bearer HIDDEN-1"),
    ("cookie", "sid=HIDDEN-2"),
    ("x-api-key", "HIDDEN-3"),
];

#[track_caller]
fn hides(what: &str, shown: &str) {
    assert!(!shown.contains("HIDDEN"), "{what} shows a credential:\n{shown}");
    assert!(shown.contains("[redacted]"), "{what} does not say that something is hidden:\n{shown}");
}

fn both(finished: &Finished) -> String {
    format!("{}{}", finished.text(), finished.stderr)
}

#[test]
fn pretty_output_hides_tokens_in_urls() {
    let dir = Dir::new();
    let endpoint = Endpoint::new([respond(200)]);
    let forward = endpoint.url("/in?token=HIDDEN-0").replace("http://", "http://me:HIDDEN-9@");
    let listen = dir.hookdev().args(["listen", "--addr", "127.0.0.1:0", "--count", "1", "--forward", &forward]);
    let listener = listen.starts_for_people();
    post(&listener.url("/cyanite?page=2&access_token=HIDDEN-4"), &HEADERS, CYANITE);
    let shown = both(&listener.exits(0));
    hides("listen", &shown);
    assert!(shown.contains("POST /cyanite?page=2&access_token=[redacted]\n"), "{shown}");
    // The handler gets everything.
    let forwarded = endpoint.next();
    assert_eq!(forwarded.target(), "/in?token=HIDDEN-0&page=2&access_token=HIDDEN-4");
    assert_eq!(forwarded.header("cookie"), Some("sid=HIDDEN-2"));

    let to = format!("{}?key=HIDDEN-5", endpoint.url("/"));
    hides("send", &both(&dir.send("cyanite.v2.finished", &to).exits(0)));
    assert_eq!(endpoint.next().target(), "/?key=HIDDEN-5");
    hides("check", &both(&dir.hookdev().args(["check", "--provider", "cyanite", "--to", &to]).ends().1));
    let none = "http://me:HIDDEN-6@127.0.0.1:1/?token=HIDDEN-7";
    hides("an endpoint that is not there", &both(&dir.send("cyanite.*", none).exits(4)));
    hides("a URL that is none", &both(&dir.send("cyanite.v2.finished", "ftp://me:HIDDEN-8@x/?sig=HIDDEN-9").exits(2)));
}

#[test]
fn json_and_captures_are_complete_unless_redacted() {
    for (options, is_exact) in [(&[][..], true), (&["--redact"][..], false)] {
        let dir = Dir::new();
        let endpoint = Endpoint::new([respond(200).header("set-cookie", "sid=HIDDEN-5")]);
        let forward = endpoint.url("/?token=HIDDEN-0");
        let listen = dir.listen().args(["--capture", "captures", "--forward", &forward, "--count", "1"]);
        let mut listener = listen.args(options).starts();
        let (response, line) = listener.receives("/cyanite?id=HIDDEN-4", &HEADERS, CYANITE);
        listener.exits(0);
        // The sender and the handler get everything.
        assert_eq!(response.header("set-cookie"), Some("sid=HIDDEN-5"));
        assert_eq!(endpoint.next().header("authorization"), Some("Bearer HIDDEN-1"));
        let capture = dir.read(&format!("captures/{}", dir.names("captures")[0]));
        for shown in [line.to_string(), capture] {
            assert_eq!(shown.matches("HIDDEN").count(), if is_exact { 6 } else { 0 }, "{shown}");
            assert_eq!(shown.matches("[redacted]").count(), if is_exact { 0 } else { 6 }, "{shown}");
        }
        // The signature doesn't cover the hidden values.
        let verified = dir.hookdev().args(["verify", "captures", "--json"]).exits(0).line();
        assert_eq!((text(&verified, "/verdict"), text(&line, "/verdict")), ("verified", "verified"));
        assert_eq!(text(&line, "/request/body"), CYANITE);
    }
}

#[test]
fn a_finding_shows_no_token_of_a_url_and_redacted_no_value_at_all() {
    let dir = Dir::new();
    let called = "https://h.example/twilio?token=HIDDEN-1&own=HIDDEN-2";
    let send = ["send", "twilio.message.received", "--to", called, "--print", "json", "--secret", "twilio=mine"];
    let request = dir.hookdev().args(send).exits(0).line();
    let header = |pair: &Value| (pair[0].as_str().unwrap().to_owned(), pair[1].as_str().unwrap().to_owned());
    let pairs: Vec<(String, String)> = request["headers"].as_array().unwrap().iter().map(header).collect();
    let mut headers: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (&**name, &**value)).collect();
    headers.retain(|(name, _)| !["host", "content-length"].contains(name));
    headers.push(("x-forwarded-host", "h.example"));
    for (options, own) in [(&[][..], "HIDDEN-2"), (&["--redact"][..], "[redacted]")] {
        let mut listener = dir.listen().args(["--secret", "twilio=mine"]).args(options).starts();
        let target = "/twilio?token=HIDDEN-1&own=HIDDEN-2";
        let (_, delivery) = listener.receives(target, &headers, text(&request, "/body"));
        let findings = listener.findings(&delivery);
        assert_eq!(text(&findings, "/0/code"), "wrong-url", "{findings}");
        let url = format!("https://h.example/twilio?token=[redacted]&own={own}");
        for place in ["/0/message", "/0/hint"] {
            let shown = text(&findings, place);
            assert!(shown.contains(&url), "{shown}");
            assert_eq!(shown.replace(own, "").find("HIDDEN"), None, "{shown}");
        }
    }
}

#[test]
fn a_redacted_redirect_is_explained_without_its_url() {
    let dir = Dir::new();
    let endpoint = Endpoint::new([respond(307).header("location", "/there?own=HIDDEN-1")]);
    let listen = ["listen", "--addr", "127.0.0.1:0", "--count", "1", "--forward", &endpoint.url("/?own=HIDDEN-2")];
    for (options, hint) in [
        (&[][..], format!("forward to {}\n", endpoint.url("/there?own=HIDDEN-1"))),
        (&["--redact"][..], "forward to the URL in its Location header\n".to_owned()),
    ] {
        let listener = dir.hookdev().args(listen).args(options).starts_for_people();
        post(&listener.url("/cyanite?own=HIDDEN-3"), &HEADERS, CYANITE);
        let shown = listener.exits(0).text().to_owned();
        assert!(shown.contains(&hint), "{shown}");
        assert_eq!(shown.contains("HIDDEN"), options.is_empty(), "{shown}");
    }
}

#[test]
fn a_redacted_capture_is_sent_unchanged_with_a_warning() {
    let dir = Dir::new();
    let endpoint = Endpoint::new([respond(200)]);
    let sending = dir.send("cyanite.v2.finished", endpoint.url("/?id=HIDDEN-1")).args(["--header", "cookie: HIDDEN-2"]);
    let sent = sending.args(["--redact", "--capture", "sent", "--json"]).exits(0);
    let went = endpoint.next();
    assert_eq!((went.target(), went.header("cookie")), ("/?id=HIDDEN-1", Some("HIDDEN-2")));
    hides("send --json", sent.text());
    hides("send --capture", &dir.read(&format!("sent/{}", dir.names("sent")[0])));
    let again = dir.send("sent", endpoint.url("/")).args(["--header", "cookie: HIDDEN-3"]).exits(0);
    again.says("warning: redacted captures are re-sent without credentials; --header 'K: V' adds them\n");
    assert_eq!(endpoint.next().header("cookie"), Some("HIDDEN-3"));
}

#[test]
fn a_printed_request_is_exact_unless_redacted() {
    let dir = Dir::new();
    let given = "Bearer HIDDEN-3";
    // The message itself has the credentials of the URL instead: `me:HIDDEN-1`.
    for (form, authorization) in
        [("curl", given), ("http", "Basic bWU6SElEREVOLTE="), ("json", given), ("vegeta", given)]
    {
        let print = |options: &[&str]| {
            let to = "http://me:HIDDEN-1@127.0.0.1:1/hooks?id=HIDDEN-2";
            let send = dir.send("cyanite.v2.finished", to).args(["--header", "Authorization: Bearer HIDDEN-3"]);
            send.args(["--print", form]).args(options).exits(0).text().to_owned()
        };
        let exact = print(&[]);
        assert!(exact.contains("HIDDEN-2") && exact.contains(authorization), "{exact}");
        hides(form, &print(&["--redact"]));
    }
}

#[test]
fn a_repeated_send_prints_no_credential_with_redact() {
    let endpoint = Endpoint::new([respond(200).header("set-cookie", "HIDDEN-1")]);
    let dir = Dir::new();
    let send = dir.send("cyanite.v2.finished", endpoint.url("/?id=HIDDEN-2"));
    hides("send --repeat", send.args(["--repeat", "3", "--json", "--redact"]).exits(0).text());
}

#[track_caller]
fn without_tokens(what: &str, shown: &str) {
    assert!(!shown.contains("HIDDEN"), "{what} shows a token:\n{shown}");
}

#[test]
fn no_error_of_a_connection_shows_a_url() {
    let dir = Dir::new();
    let (endpoint, untrusted) = (Endpoint::new([not_http()]), Endpoint::over_tls([not_http()]));
    let query = "/in?own=HIDDEN-1&token=HIDDEN-2";
    let (plain, tls) = (endpoint.url(query), untrusted.url(query));
    let with_user = plain.replace("http://", "http://me:HIDDEN-3@");
    let nowhere = "http://me:HIDDEN-3@127.0.0.1:1/?own=HIDDEN-1".to_owned();
    let port = untrusted.port();
    let invalid = "the endpoint does not speak HTTP";
    for (url, exit, reason) in [
        (&with_user, 1, invalid.to_owned()),
        (&plain, 1, invalid.to_owned()),
        (
            &tls,
            4,
            format!(
                "TLS with 127.0.0.1:{port} failed: its certificate is self-signed, or from an authority that this machine does not trust"
            ),
        ),
        (&nowhere, 4, "nothing listens on 127.0.0.1:1 (connection refused)".to_owned()),
    ] {
        for redact in [&[][..], &["--redact"][..]] {
            let sent = dir.send("cyanite.v2.finished", url).args(redact).arg("--json").exits(exit).line();
            assert!(text(&sent, "/reason").starts_with(&reason), "{sent}");
            without_tokens("the reason", text(&sent, "/reason"));
            let mut listener = dir.listen().args(["--forward", url, "--count", "1"]).args(redact).starts();
            let (response, line) = listener.receives("/cyanite?sid=HIDDEN-4", &HEADERS, CYANITE);
            assert_eq!(response.status(), 502);
            let error = text(&line, "/forwards/0/error");
            assert!(error.starts_with(&reason), "{error}");
            without_tokens("the error", error);
            listener.exits(0);
        }
        let checked = dir.hookdev().args(["check", "--provider", "cyanite", "--to", url, "--json"]).ends().1;
        without_tokens("check", checked.text());
        let (_, shown) = dir.send("cyanite.v2.finished", url.replace("own", "key")).ends();
        without_tokens("send", &both(&shown));
        let checked = dir.hookdev().args(["check", "--provider", "cyanite", "--to", &url.replace("own", "key")]).ends();
        without_tokens("check", &both(&checked.1));
    }
}

#[test]
fn no_error_about_a_url_shows_its_user_or_query() {
    let dir = Dir::new();
    for (url, shown) in [
        ("http://me:HIDDEN-1/HIDDEN-2@host/?own=HIDDEN-3", "http://[redacted]@host/?own=[redacted]"),
        ("me:HIDDEN-1@host/?own=HIDDEN-2", "[redacted]@host/?own=[redacted]"),
        ("host:99999/?own=HIDDEN-1", "host:99999/?own=[redacted]"),
        ("http://host:99999/?HIDDEN-1", "http://host:99999/?[redacted]"),
    ] {
        let expected = format!("error: invalid URL `{shown}`: ");
        let commands: [&[&str]; 3] = [
            &["send", "cyanite.v2.finished", "--to", url],
            &["check", "--provider", "cyanite", "--to", url],
            &["listen", "--addr", "127.0.0.1:0", "--forward", url],
        ];
        for command in commands {
            let finished = dir.hookdev().args(command).exits(2).stdout("").says(&expected);
            without_tokens("an error", &finished.stderr);
        }
        let public = dir.hookdev().args(["listen", "--addr", "127.0.0.1:0", "--public-url", url]).exits(2).stdout("");
        let public = public.says(&format!("error: invalid URL `{shown}` for --public-url: "));
        without_tokens("an error", &public.stderr);
        dir.write("hookdev.toml", format!("[[forward]]\nto = \"{url}\"\n[provider.cyanite]\nendpoint = \"{url}\"\n"));
        for command in [&["send", "cyanite.v2.finished"][..], &["listen", "--addr", "127.0.0.1:0"]] {
            let finished = dir.hookdev().args(command).exits(2).says(&expected);
            without_tokens("an error", &finished.stderr);
        }
        std::fs::remove_file(dir.join("hookdev.toml")).unwrap();
    }
}

#[test]
fn no_error_about_an_untrusted_config_shows_a_user_or_query() {
    let dir = Dir::new();
    let url = "https://me:HIDDEN-1@remote.example/?own=HIDDEN-2";
    dir.write(
        "hookdev.toml",
        format!(
            "[provider.cyanite]\nsecret = \"env:MINE\"\nendpoint = \"{url}\"\n\
             [[forward]]\nto = \"{url}\"\n"
        ),
    );
    for command in [&["send", "cyanite.v2.finished"][..], &["listen", "--addr", "127.0.0.1:0"]] {
        let finished = dir.hookdev().args(command).env("MINE", "mine").exits(2).stdout("");
        without_tokens("an error", &finished.stderr);
        finished.says(" to https://[redacted]@remote.example/?own=[redacted]");
    }
}

/// Headers that may carry a credential, and names that nobody has thought of.
fn secret_headers() -> impl Strategy<Value = Vec<(String, String)>> {
    let known = select(vec![
        "authorization",
        "authentication",
        "cookie",
        "dpop",
        "referer",
        "x-original-url",
        "x-forwarded-uri",
        "x-amzn-oidc-data",
        "x-basicauth",
        "x-creds",
        "x-otp",
        "x-phpsessid",
        "sec-websocket-protocol",
        "x-forwarded-client-cert",
        "x-acme-token",
        "traceparent",
    ]);
    let name = prop_oneof![known.prop_map(str::to_owned), "[a-z]{3,9}-[a-z]{1,9}q"];
    vec((name, "HIDDEN[ -~\u{a0}-\u{ff}]{0,20}x"), 0..6)
}

/// A query whose values, and names without a value, are tokens.
fn secret_query() -> impl Strategy<Value = String> {
    let pair = prop_oneof!["[a-z%_-]{1,8}=HIDDEN[A-Za-z0-9=?/@:;.-]{0,20}", "HIDDEN[A-Za-z0-9]{0,20}={0,2}"];
    vec(pair, 1..4).prop_map(|pairs| pairs.join("&"))
}

/// Every output of a whole record, errors included.
#[cfg(unix)]
#[test]
fn no_value_of_a_header_query_or_user_is_in_any_output_of_a_redacted_record() {
    let dir = Dir::new();
    write(&dir, &manifest(SECRET, TOKEN));
    let credentials = respond(200).header("set-cookie", "HIDDEN-1").header("location", "/?HIDDEN-2");
    let turns = [credentials, not_http(), hang_up()];
    let endpoint = Endpoint::new(turns.into_iter().cycle().take(1000));
    let forward = endpoint.url("/in?own=HIDDEN-3").replace("http://", "http://me:HIDDEN-4@");
    let options = ["--providers", "acme", "--redact", "--forward", &forward];
    let listener = dir.listen().args(options).args(["--capture", "log.ndjson"]).starts();
    let listener = RefCell::new(listener);
    let people = dir.hookdev().args(["listen", "--addr", "127.0.0.1:0", "--body", "full"]).args(options);
    let people = people.starts_for_people();
    let paths = vec!["/cyanite", "/aspect", "/jewelmusic", "/auphonic", "/acme", "/hooks"];
    let case = (select(paths), secret_query(), secret_headers());
    let config = ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() };
    let deliveries = Cell::new(0);
    let receives = |listener: &Listener, (path, query, headers): &(&str, String, Vec<(String, String)>)| {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        post(&listener.url(&format!("{path}?{query}")), &[&HEADERS[..2], &headers].concat(), CYANITE);
    };
    proptest::test_runner::TestRunner::new(config)
        .run(&case, |case| {
            receives(&listener.borrow(), &case);
            receives(&people, &case);
            deliveries.set(deliveries.get() + 1);
            let line = listener.borrow_mut().next().to_string();
            prop_assert!(!line.contains("HIDDEN"), "{line}");
            Ok(())
        })
        .unwrap();
    let listener = listener.into_inner();
    listener.interrupt();
    people.interrupt();
    without_tokens("the terminal of a redacted listener", &both(&people.exits(0)));
    without_tokens("a listener with captures", &listener.exits(0).stderr);
    let log = dir.read("log.ndjson");
    without_tokens("the log", &log);
    assert_eq!(log.lines().count(), deliveries.get());
}

#[test]
fn no_value_of_a_header_query_or_user_is_in_any_output_of_a_redacted_send() {
    let dir = Dir::new();
    write(&dir, &manifest(SECRET, TOKEN));
    let credentials = respond(500).header("set-cookie", "HIDDEN-1").header("location", "/?HIDDEN-2");
    let endpoint = Endpoint::new([credentials, not_http(), hang_up()].into_iter().cycle().take(1000));
    let config = ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() };
    let case =
        (select(vec!["acme.made", "cyanite.v2.finished", "aspect.task.failed"]), secret_query(), secret_headers());
    proptest::test_runner::TestRunner::new(config)
        .run(&case, |(event, query, headers)| {
            let to = endpoint.url(&format!("/in?{query}")).replace("http://", "http://me:HIDDEN-4@");
            let headers = headers.iter().flat_map(|(name, value)| ["--header".to_owned(), format!("{name}: {value}")]);
            let headers: Vec<String> = headers.collect();
            let forms: [&[&str]; 6] = [
                &["--json", "--capture", "sent"],
                &["--capture", "sent.ndjson"],
                &["--print", "json"],
                &["--print", "http"],
                &["--print", "curl"],
                &["--print", "vegeta"],
            ];
            for form in forms {
                let send = dir.send(event, &to).args(&headers).args(["--redact", "--providers", "acme"]);
                let shown = both(&send.args(["--secret", "acme=HIDDEN-5"]).args(form).ends().1);
                prop_assert!(shown.contains("[redacted]") && !shown.contains("HIDDEN"), "{form:?}: {shown}");
            }
            Ok(())
        })
        .unwrap();
    without_tokens("the log", &dir.read("sent.ndjson"));
    let captures = dir.names("sent");
    assert_eq!(captures.len(), 6);
    for capture in captures {
        without_tokens("a capture", &dir.read(&format!("sent/{capture}")));
    }
}

#[test]
fn a_redacted_token_is_not_kept_and_is_named_when_the_capture_is_verified() {
    let dir = Dir::new();
    write(&dir, &manifest(SECRET, TOKEN));
    let secret = ["--providers", ".", "--secret", "acme=field-token"];
    let mut listener = dir.listen().args(secret).args(["--capture", "log.ndjson", "--redact"]).starts();
    let (response, delivery) = listener.receives("/acme", &[("x-acme-token", "v1=field-token")], r#"{"type":"made"}"#);
    assert_eq!((response.status(), text(&delivery, "/verdict")), (200, "verified"));
    listener.killed();
    assert!(!dir.read("log.ndjson").contains("field-token"));
    let verify = dir.hookdev().args(["verify", "log.ndjson", "--provider", "acme"]).args(secret);
    verify.exits(1).prints("redacted: the `x-acme-token` header was redacted, so there is nothing to verify\n");
    let line = dir.hookdev().args(["verify", "log.ndjson", "--json"]).args(secret).exits(1).line();
    assert_eq!(line["findings"].as_array().map(Vec::len), Some(1), "{line}");
    assert_eq!(text(&line, "/findings/0/code"), "redacted");
}
