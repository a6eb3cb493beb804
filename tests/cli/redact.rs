//! Credentials are hidden from people, and with `--redact` in everything that is saved or printed; never in requests that
//! are sent or forwarded.

use crate::harness::{CYANITE, CYANITE_SIGNATURE, Dir, Endpoint, Finished, answer, post, text};

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
    let endpoint = Endpoint::new([answer(200)]);
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
        let endpoint = Endpoint::new([answer(200).header("set-cookie", "sid=HIDDEN-5")]);
        let forward = endpoint.url("/?token=HIDDEN-0");
        let listen = dir.listen().args(["--capture", "captures", "--forward", &forward, "--count", "1"]);
        let mut listener = listen.args(options).starts();
        let (answer, line) = listener.receives("/cyanite?id=HIDDEN-4", &HEADERS, CYANITE);
        listener.exits(0);
        // The sender and the handler get everything.
        assert_eq!(answer.header("set-cookie"), Some("sid=HIDDEN-5"));
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
fn a_redacted_capture_is_sent_unchanged_with_a_warning() {
    let dir = Dir::new();
    let endpoint = Endpoint::new([answer(200)]);
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
    for form in ["curl", "http", "json", "vegeta"] {
        let print = |options: &[&str]| {
            let to = "http://me:HIDDEN-1@127.0.0.1:1/hooks?id=HIDDEN-2";
            let send = dir.send("cyanite.v2.finished", to).args(["--header", "Authorization: Bearer HIDDEN-3"]);
            send.args(["--print", form]).args(options).exits(0).text().to_owned()
        };
        let exact = print(&[]);
        assert!(exact.contains("HIDDEN-2") && exact.contains("Bearer HIDDEN-3"), "{exact}");
        hides(form, &print(&["--redact"]));
    }
}

#[test]
fn a_repeated_send_prints_no_credential_with_redact() {
    let endpoint = Endpoint::new([answer(200).header("set-cookie", "HIDDEN-1")]);
    let dir = Dir::new();
    let send = dir.send("cyanite.v2.finished", endpoint.url("/?id=HIDDEN-2"));
    hides("send --repeat", send.args(["--repeat", "3", "--json", "--redact"]).exits(0).text());
}
