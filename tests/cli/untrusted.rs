//! Text from outside is never printed with its control characters, bidirectional controls or invisible characters.

mod everywhere;
#[cfg(unix)]
mod terminal;

use serde_json::json;

use crate::harness::{CYANITE_SIGNATURE, Dir, Endpoint, Finished, post, respond, text};

/// A colour, a title, a cursor, a carriage return, a backspace, the C1 control that starts a command, bidi overrides
/// and isolates, invisible characters, a line separator, forged lines, commands of GitHub's runner.
const EVIL: &str = "\u{1b}[31m\u{1b}]0;title\u{7}\u{1b}[2J\rover\u{8}\u{7f}\u{9b}31m\u{85}\u{202e}gpj\u{2066}\u{200b}\u{2028}\u{feff}\u{0}\nFORGED\n::error::end ##[error";

/// The characters that no line may contain.
fn is_evil(c: char) -> bool {
    c.is_control() && c != '\n'
        || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[track_caller]
fn assert_harmless(what: &str, bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|error| panic!("{what} is no UTF-8: {error}"));
    if let Some(at) = text.find(is_evil) {
        let c = text[at..].chars().next().unwrap();
        panic!("{what} holds {c:?}:\n{}", text.escape_debug());
    }
    // In XML, text from outside is within an element.
    let is_xml = text.starts_with("<?xml");
    let forged = text.lines().find(|line| line.starts_with("FORGED") && !is_xml || line.starts_with("::error::end"));
    assert_eq!(forged, None, "{what} has a line of somebody else's:\n{text}");
}

/// The colours of hookdev.
const COLOURS: [&str; 9] = ["0", "1", "2", "4", "32", "33", "35", "36", "1;31"];

/// The same for coloured output, in which hookdev's own codes are allowed.
#[track_caller]
fn assert_harmless_in_colour(what: &str, bytes: &[u8]) {
    let plain = COLOURS
        .iter()
        .fold(String::from_utf8_lossy(bytes).into_owned(), |text, code| text.replace(&format!("\u{1b}[{code}m"), ""));
    assert_harmless(what, plain.as_bytes());
}

#[track_caller]
fn assert_all_harmless(finished: &Finished) {
    assert_harmless("stdout", &finished.stdout);
    assert_harmless("stderr", finished.stderr.as_bytes());
}

#[cfg(unix)]
#[test]
fn a_handlers_response_contains_no_ci_command_and_is_unchanged_in_json() {
    const COMMANDS: &str = "::error::a\n##vso[task.complete]b ##[error]c ##teamcity[d]";
    let dir = Dir::new();
    let endpoint = Endpoint::new([respond(500).body(COMMANDS)]);
    let listen = ["listen", "--addr", "127.0.0.1:0", "--forward", &endpoint.url("/")];
    let listener = dir.hookdev().args(listen).starts_for_people();
    post(&listener.url("/cyanite"), &[("signature", CYANITE_SIGNATURE)], "::error::e\n  ::error::f ##[group]g");
    listener.interrupt();
    let check = ["check", "--provider", "cyanite", "--case", "event-accepted", "--to", &endpoint.url("/")];
    for (what, finished) in [
        ("listen", listener.exits(0)),
        ("send", dir.send("cyanite.v2.finished", endpoint.url("/")).exits(1)),
        ("check", dir.hookdev().args(check).ends().1),
    ] {
        let shown = finished.text();
        assert!(shown.contains(r"##\vso[task.complete]b ##\[error]c ##\teamcity[d]"), "{what}: {shown}");
        assert!(!shown.contains("##["), "{what}: {shown}");
        let command = shown.lines().find(|line| line.trim_start().starts_with("::"));
        assert_eq!(command, None, "{what}: {shown}");
    }
    let sent = dir.send("cyanite.v2.finished", endpoint.url("/")).args(["--json"]).exits(1).line();
    assert_eq!(text(&sent, "/response/body"), COMMANDS);
}

#[test]
fn a_provider_directory_puts_no_ci_command_into_the_output() {
    let dir = Dir::new();
    let text = r#""::error::a ##[error]b""#;
    dir.write(
        "acme/provider.toml",
        format!(
            "name = 'acme'\ntitle = {text}\nabout = {text}\nnotes = [{text}]\n[secret]\ndevelopment = 'acme'\n\
             [[scheme]]\nname = {text}\nalgorithm = 'hmac-sha256'\ncontent = '{{body}}'\n\
             signature = {{ header = 'acme-signature', value = '{{hex}}' }}\n[delivery]\nsuccess = ['202']\n\
             [[event]]\nname = 'made'\nabout = {text}\nmatch = {{ type = 'made' }}\n"
        ),
    );
    dir.write("acme/events/made.json", format!("{{\"type\":\"made\",\"text\":{text}}}"));
    dir.write("one.http", "POST / HTTP/1.1\nhost: x\n\n::error::a");
    dir.write("two.http", "POST / HTTP/1.1\nhost: x\n\n##[error]b");
    let commands: [(i32, &[&str]); 7] = [
        (0, &["events", "acme.*"]),
        (0, &["events", "acme.*", "--show"]),
        (0, &["events", "acme.*", "--contract"]),
        (0, &["providers", "list"]),
        (0, &["check", "--provider", "acme", "--list"]),
        (0, &["providers", "check", "acme"]),
        (1, &["diff", "one.http", "two.http"]),
    ];
    for (code, command) in commands {
        let finished = dir.hookdev().args(["--providers", "acme"]).args(command).exits(code);
        let shown = finished.text();
        // Only `providers check` names nothing but the provider.
        assert!(shown.contains(r"##\[error]b") || command == ["providers", "check", "acme"], "{command:?}: {shown}");
        assert!(!shown.contains("##["), "{command:?}: {shown}");
        let line = shown.lines().find(|line| line.trim_start().starts_with("::"));
        assert_eq!(line, None, "{command:?}: {shown}");
    }
}

#[test]
fn a_delivery_is_shown_without_control_characters() {
    let dir = Dir::new();
    let endpoint = Endpoint::new([respond(500).body(EVIL)]);
    let options = ["--forward", &format!("jewelmusic.*={}", endpoint.url("/")), "--expect", "cyanite.v1.test"];
    let listener =
        dir.hookdev().args(["listen", "--addr", "127.0.0.1:0", "--body", "full"]).args(options).starts_for_people();
    let quoted = serde_json::to_string(EVIL).unwrap();
    let with_escapes = format!("{{\"type\":{quoted},{quoted}:[{quoted}],\"x\":\"\u{9b}\u{202e}\u{7f}\"}}");
    let raw_latin_1: Vec<u8> = EVIL.chars().filter_map(|c| u8::try_from(c).ok()).chain(0x80..=0xff).collect();
    let form: String =
        form_urlencoded::Serializer::new(String::new()).append_pair(EVIL, EVIL).append_pair("uuid", EVIL).finish();
    let urlencoded = [("content-type", "application/x-www-form-urlencoded")];
    let c1 = "v\u{9b}31m,\u{85}AAAA v\u{9d}2,x";
    for path in ["/hooks", "/cyanite", "/aspect", "/jewelmusic", "/auphonic?x=%1b[31m"] {
        let url = listener.url(path);
        post(&url, &[], EVIL);
        post(&url, &[], &with_escapes);
        post(&url, &[], format!("{{\"a\":\"{EVIL}\"}}"));
        post(&url, &[], &raw_latin_1);
        post(&url, &urlencoded, &form);
        post(&url, &[("content-encoding", "\u{9b}31m"), ("content-type", "\u{9b}/x")], "{}");
        post(&url, &[("signature", c1), ("svix-signature", c1), ("svix-id", c1), ("svix-timestamp", c1)], "{}");
        post(&url, &[("x-jewelmusic-signature", "t=\u{9b},v1=\u{85}"), ("x-jewelmusic-event", c1)], "{}");
    }
    post(&listener.url("/cyanite"), &[], r#"{"type":"TEST","data":null}"#);
    let finished = listener.exits(0);
    assert_all_harmless(&finished);
    // Hidden characters are shown as escapes.
    assert!(finished.text().contains(r"\u{1b}[31m") && finished.text().contains(r"\u{202e}gpj"), "{finished}");
}

#[test]
fn a_name_that_is_wider_than_its_parts_is_cut_and_does_not_stop_the_output() {
    let dir = Dir::new();
    let arguments = ["listen", "--addr", "127.0.0.1:0", "--expect", "cyanite.v1.test"];
    let listener = dir.hookdev().args(arguments).starts_for_people();
    let flags = format!("{}🇩\u{200d}🚟🇩🇩🇩\u{200d}🚀....", "n".repeat(33));
    let form = form_urlencoded::Serializer::new(String::new()).append_pair(&flags, "v").finish();
    post(&listener.url("/hooks"), &[("content-type", "application/x-www-form-urlencoded")], form);
    post(&listener.url("/cyanite"), &[], r#"{"type":"TEST","data":null}"#);
    let finished = listener.exits(0);
    assert!(finished.text().contains(&format!("{}🇩\u{200d}🚟🇩🇩🇩\u{200d}…  v\n", "n".repeat(33))), "{finished}");
}

#[test]
fn a_target_is_shown_without_control_characters() {
    let dir = Dir::new();
    let arguments = ["listen", "--addr", "127.0.0.1:0", "--expect", "cyanite.v1.test"];
    let listener = dir.hookdev().args(arguments).starts_for_people();
    for target in ["/\u{9b}31m", "/x?\u{85}\u{ff}", "/%1b%9b"] {
        let mut connection = crate::harness::Connection::to(&listener.url(""));
        let head: Vec<u8> = format!("POST {target} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")
            .chars()
            .map(|c| u8::try_from(c).unwrap())
            .collect();
        connection.write(head).unwrap();
        let status = connection.response().unwrap().status();
        assert!([200, 400].contains(&status), "{status}");
    }
    post(&listener.url("/cyanite"), &[], r#"{"type":"TEST","data":null}"#);
    assert_all_harmless(&listener.exits(0));
}

#[test]
fn json_has_control_characters_escaped() {
    let dir = Dir::new();
    let mut listener = dir.listen().starts();
    let (_, delivery) = listener.receives("/hooks", &[("x-c1", "\u{9b}31m\u{85}")], EVIL);
    assert_eq!(text(&delivery, "/request/body"), EVIL);
    let endpoint = Endpoint::new([respond(500).body(EVIL)]);
    let finished = dir.send("cyanite.v2.finished", endpoint.url("/")).arg("--json").exits(1);
    assert_eq!(text(&finished.line(), "/response/body"), EVIL);
    assert_harmless("listen", &listener.killed().stdout);
    assert_harmless("send", &finished.stdout);
}

#[test]
fn a_response_is_shown_without_control_characters() {
    let dir = Dir::new();
    for body in [EVIL.to_owned(), json!({ EVIL: EVIL }).to_string(), format!("[\"{EVIL}\"]")] {
        let endpoint = Endpoint::new([respond(500).header("x-c1", "\u{9b}").body(body)]);
        let finished = dir.send("cyanite.v2.finished", endpoint.url("/")).exits(1);
        assert_all_harmless(&finished);
        assert!(finished.text().contains("refused  500"), "{finished}");
    }
}

#[test]
fn a_capture_is_shown_without_control_characters() {
    let dir = Dir::new();
    let headers =
        json!([["signature", CYANITE_SIGNATURE], ["svix-signature", "v\u{9b}1,x"], ["content-encoding", "\u{9b}"]]);
    let request = json!({"method": "POST", "target": "/hooks", "headers": headers, "body": EVIL});
    let unread =
        json!({"request": {"method": "P\u{1b}", "target": "/\u{202e}", "headers": [["x\u{7}", "y"]], "body": ""}});
    let late = json!({"request": request, "received_at": EVIL});
    let newer = format!("{{\"request\":{{\"method\":\"POST\",\"target\":\"/\u{9b}\"}},{EVIL:?}:1}}");
    let log =
        format!("{}\n{unread}\n{late}\n{newer}\n\u{1b}[31m\n{{\"kind\":\"\u{9b}\"}}\n", json!({ "request": request }));
    dir.write("log.ndjson", log);
    for format in ["junit", "github", "sarif", "json"] {
        let (code, finished) = dir.hookdev().args(["verify", "log.ndjson", "--format", format]).ends();
        assert_eq!(code, Some(3), "{finished}");
        assert_all_harmless(&finished);
    }
    for command in [&["verify", "log.ndjson"][..], &["send", "log.ndjson", "--to", "http://127.0.0.1:1/"]] {
        let (code, finished) = dir.hookdev().args(command).ends();
        assert_eq!(code, Some(3), "{finished}");
        assert_all_harmless(&finished);
    }
}

#[test]
fn an_argument_is_shown_without_control_characters() {
    let dir = Dir::new();
    // An argument can't contain a NUL.
    let evil = EVIL.replace('\0', "");
    let set = format!("{evil}=1");
    let expect = format!("{evil}=x");
    let commands: [&[&str]; 9] = [
        &["send", &evil],
        &["send", "cyanite.v2.finished", "--set", &set],
        &["send", "cyanite.v2.finished", "--header", &evil],
        &["send", "cyanite.v2.finished", "--to", &evil],
        &["listen", "--provider", &evil],
        &["listen", "--forward", &evil],
        &["listen", "--expect", &expect],
        &["verify", "x", "--provider", &evil],
        &["events", &evil],
    ];
    for command in commands {
        let finished = dir.hookdev().args(command).exits(2);
        assert_all_harmless(&finished);
        assert!(finished.stderr.starts_with("error: "), "{finished}");
    }
    let finished = dir.hookdev().args(["verify", &evil]).exits(3);
    assert_all_harmless(&finished);
}

#[test]
fn a_config_is_quoted_without_control_characters() {
    let dir = Dir::new();
    for config in [
        "\"\\u001b[31m\\u009b\\u202e\" = 1\n",
        "[provider.\"\\u001b\\r\\u202e\"]\nsecret = \"x\"\n",
        "listen\u{202e} = 1\n",
    ] {
        dir.write("hookdev.toml", config);
        assert_all_harmless(&dir.hookdev().arg("events").exits(2).stdout(""));
    }
}

#[cfg(unix)]
#[test]
fn a_file_name_is_shown_without_control_characters() {
    let dir = Dir::new();
    let name = EVIL.replace(['\0', '/'], "");
    dir.write(&format!("captures/{name}.json"), "{\"request\":{\"method\":\"POST\",\"target\":\"/\",\"headers\":[]}}");
    dir.write(&format!("captures/{name}-broken.json"), "{\"kind\":\"delivery\",\"request\":7}");
    for command in [&["verify", "captures"][..], &["send", "captures", "--to", "http://127.0.0.1:1/"]] {
        let (code, finished) = dir.hookdev().args(command).ends();
        assert_eq!(code, Some(3), "{finished}");
        assert_all_harmless(&finished);
    }
}
