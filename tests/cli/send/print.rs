//! `send --print`: the same request in the formats of other tools.

#[cfg(unix)]
mod curl;
mod repeat;
mod script;
mod vegeta;

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::harness::{CYANITE, CYANITE_SIGNATURE, Dir, Endpoint, TestCommand, keys, respond, text};

/// `send --print` of something at a fixed time.
fn printed(dir: &Dir, what: &str, form: &str) -> TestCommand {
    dir.hookdev().args(["send", what, "--print", form, "--now", "2025-01-01T12:00:00Z"])
}

#[test]
fn print_sends_nothing() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    for form in ["curl", "http", "json", "vegeta"] {
        printed(&dir, "cyanite.v2.finished", form).args(["--to", &endpoint.url("/")]).exits(0);
    }
    endpoint.got_no_more();
}

#[test]
fn curl_commands_are_readable() {
    let expected = format!(
        "curl -sS -i --request POST --url http://127.0.0.1:4400/cyanite \\\n  --header 'content-type: application/json' \\\n  \
         --header 'user-agent: hookdev/{}' \\\n  --header 'signature: {CYANITE_SIGNATURE}' \\\n  --header 'accept:' \\\n  --data-binary '{CYANITE}'\n",
        env!("CARGO_PKG_VERSION")
    );
    printed(&Dir::new(), "cyanite.v2.finished", "curl").exits(0).stdout(&expected);
}

#[test]
fn http_prints_the_message_itself() {
    let expected = format!(
        "POST /cyanite?a=b HTTP/1.1\r\nhost: localhost:3000\r\ncontent-type: application/json\r\nuser-agent: hookdev/{}\r\n\
         signature: {CYANITE_SIGNATURE}\r\ncontent-length: 116\r\n\r\n{CYANITE}",
        env!("CARGO_PKG_VERSION")
    );
    let to = ["--to", "http://localhost:3000/cyanite?a=b"];
    printed(&Dir::new(), "cyanite.v2.finished", "http").args(to).exits(0).stdout(&expected);
}

#[test]
fn a_given_host_is_printed_in_every_format() {
    let dir = Dir::new();
    dir.write("one.http", "POST / HTTP/1.1\r\nhost: example.com\r\ncontent-length: 2\r\n\r\n{}");
    for what in ["cyanite.v2.finished", "one.http"] {
        let print = |form: &str| printed(&dir, what, form).args(["--header", "Host: hooks.example.com"]).exits(0);
        print("curl").prints(" \\\n  --header 'Host: hooks.example.com' \\\n");
        let http = print("http");
        let (head, _) = http.text().split_once("\r\n\r\n").unwrap();
        let hosts: Vec<&str> =
            head.split("\r\n").filter(|line| line.to_ascii_lowercase().starts_with("host: ")).collect();
        assert_eq!(hosts, ["Host: hooks.example.com"]);
        let json = print("json").line();
        let hosts = json["headers"].as_array().unwrap().iter().filter(|header| header[0] == "Host");
        assert_eq!(hosts.collect::<Vec<_>>(), [&serde_json::json!(["Host", "hooks.example.com"])]);
    }
}

#[test]
fn json_prints_one_object_with_the_documented_keys() {
    let dir = Dir::new();
    let line = printed(&dir, "cyanite.v2.finished", "json").exits(0).line();
    assert_eq!(keys(&line), ["body", "headers", "kind", "method", "url"]);
    assert_eq!(
        (text(&line, "/kind"), text(&line, "/method"), text(&line, "/url"), text(&line, "/body")),
        ("request", "POST", "http://127.0.0.1:4400/cyanite", CYANITE)
    );
    dir.write("body", b"\xff\x00");
    let line = printed(&dir, "cyanite.v2.finished", "json").args(["--data", "body"]).exits(0).line();
    assert_eq!(keys(&line), ["body_base64", "headers", "kind", "method", "url"]);
    assert_eq!(text(&line, "/body_base64"), BASE64_STANDARD.encode(b"\xff\x00"));
}

/// The events whose requests hold everything that is signed. Other providers sign the URL, or none of the payload.
const CORE: [&str; 4] = ["aspect.*", "auphonic.*", "cyanite.*", "jewelmusic.*"];

#[test]
fn printed_requests_verify() {
    let dir = Dir::new();
    let events = dir.hookdev().args(["events", "--json"]).args(CORE).exits(0).lines();
    assert!(events.len() > CORE.len());
    for event in events {
        let name = text(&event, "/name");
        let verdict = if event["signed"] == true { "verified" } else { "unsigned" };
        for form in ["http", "json"] {
            let message = printed(&dir, name, form).exits(0).stdout;
            let verify = dir.hookdev().args(["verify", "-", "--at", "2025-01-01T12:00:00Z", "--json"]);
            let line = verify.stdin(message).exits(0).line();
            assert_eq!((text(&line, "/event"), text(&line, "/verdict")), (name, verdict), "{form}");
            assert_eq!(line["payload"]["status"], "valid", "{form} {name}");
        }
    }
}

#[test]
fn requests_printed_together_verify_individually() {
    let dir = Dir::new();
    for form in ["http", "json"] {
        let messages = printed(&dir, CORE[0], form).args(&CORE[1..]).exits(0).stdout;
        let verify = dir.hookdev().args(["verify", "-", "--at", "2025-01-01T12:00:00Z", "--json"]);
        let lines = verify.stdin(messages).exits(0).lines();
        let entries: Vec<u64> = lines.iter().map(|line| line["entry"].as_u64().unwrap()).collect();
        assert_eq!(entries, (0..30).collect::<Vec<u64>>(), "{form}");
    }
}

#[test]
fn printed_requests_with_given_data_verify() {
    let dir = Dir::new();
    let bodies: [&[u8]; 4] = [b"\xff\x00\r\n\r\nPOST / HTTP/1.1\r\n", b"", b"{\"a\":1}\n", "ü\u{2028}".as_bytes()];
    for body in bodies {
        for form in ["http", "json"] {
            let command = printed(&dir, "aspect.task.failed", form).args(["--data", "-"]).stdin(body);
            let message = command.exits(0).stdout;
            let verify = dir.hookdev().args(["verify", "-", "--at", "2025-01-01T12:00:00Z", "--provider", "aspect"]);
            verify.stdin(message).exits(0).prints("verified");
        }
    }
}

#[test]
fn with_a_pinned_time_and_id_every_run_prints_the_same_bytes() {
    let dir = Dir::new();
    for form in ["curl", "http", "json", "vegeta"] {
        let print = || printed(&dir, "*", form).args(["--id", "an-id"]).exits(0).stdout;
        let (once, again) = (print(), print());
        assert_eq!(String::from_utf8(once), String::from_utf8(again), "{form}");
    }
}

#[test]
fn every_time_format_is_accepted() {
    let dir = Dir::new();
    let print = |now: &str| {
        let pinned = ["send", "aspect.*", "--print", "http", "--id", "an-id", "--now", now];
        String::from_utf8(dir.hookdev().args(pinned).exits(0).stdout).unwrap()
    };
    assert_eq!(print("1735732800"), print("2025-01-01T12:00:00Z"));
    assert_eq!(print("2025-01-01T13:30:00+01:30"), print("2025-01-01T12:00:00Z"));
    dir.hookdev().args(["send", "aspect.*", "--print", "http", "--now", "noon"]).exits(2).says("invalid time `noon`");
}

#[test]
fn without_a_pinned_id_every_run_has_its_own_ids() {
    let dir = Dir::new();
    let print = || printed(&dir, "aspect.task.failed", "json").exits(0).line();
    let (one, other) = (print(), print());
    let id = |line: &serde_json::Value| {
        let headers = line["headers"].as_array().unwrap();
        text(headers.iter().find(|header| header[0] == "svix-id").unwrap(), "/1").to_owned()
    };
    assert_ne!(id(&one), id(&other));
    assert_ne!(one["body"], other["body"]);
    let fresh = id(&one);
    let random = fresh.strip_prefix("msg_").unwrap();
    assert_eq!(random.len(), 27);
    assert!(random.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{fresh}");
}
