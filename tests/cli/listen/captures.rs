//! `listen --capture`.

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

#[cfg(target_os = "linux")]
use crate::harness::Signed;
use crate::harness::{CYANITE, CYANITE_HEADERS, Dir, Endpoint, development_warning, gzip, keys, post, respond, text};

const NOON: [&str; 2] = ["--now", "2025-01-01T12:00:00.25Z"];

#[test]
fn a_directory_gets_a_file_per_delivery_named_by_time_and_event() {
    let dir = Dir::new();
    let mut listener = dir.listen().args(["--capture", "a/captures"]).args(NOON).starts();
    let (_, first) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    post(&listener.url("/cyanite"), &[], "{}");
    post(&listener.url("/hooks"), &[], "hello");
    let names = [
        "20250101T120000.250Z-000001-cyanite.v2.finished.json",
        "20250101T120000.250Z-000002-cyanite.json",
        "20250101T120000.250Z-000003-unrecognised.json",
    ];
    assert_eq!(dir.names("a/captures"), names);
    let printed = std::path::Path::new(text(&first, "/capture"));
    assert_eq!(printed, std::path::Path::new("a/captures").join(names[0]));
    let content = dir.read(&format!("a/captures/{}", names[0]));
    // People can read it, and its changes in git.
    let body = serde_json::to_string(CYANITE).unwrap();
    assert!(content.starts_with("{\n  \"kind\": \"delivery\",\n  \"hookdev\": 1,\n"), "{content}");
    assert!(content.contains("\n      [\"content-type\", \"application/json\"],\n"), "{content}");
    assert!(content.contains(&format!("\n    \"body\": {body}\n  }},\n")) && content.ends_with("\n}\n"), "{content}");
    assert_eq!(without_path_and_findings(serde_json::from_str(&content).unwrap()), without_path_and_findings(first));
}

#[test]
fn a_log_gets_a_line_per_delivery() {
    let dir = Dir::new();
    let mut printed = Vec::new();
    for _ in 0..2 {
        let mut listener = dir.listen().args(["--capture", "a/log.ndjson"]).starts();
        for body in [CYANITE, "{}", "hello\nthere"] {
            printed.push(without_path_and_findings(listener.receives("/cyanite", &CYANITE_HEADERS, body).1));
        }
    }
    let log = dir.read("a/log.ndjson");
    let saved: Vec<Value> =
        log.lines().map(|line| without_path_and_findings(serde_json::from_str(line).unwrap())).collect();
    assert_eq!(saved, printed);
    assert!(log.ends_with('\n'));
}

#[test]
fn a_capture_holds_the_public_url_that_a_scheme_signs() {
    let dir = Dir::new();
    let secret = ["--secret", "twilio=12345"];
    let called = "https://dev.example/hooks/twilio";
    let signed = dir.send("twilio.message.received", called).args(secret).args(["--print", "json"]).exits(0).line();
    let headers: Vec<(String, String)> = serde_json::from_value(signed["headers"].clone()).unwrap();
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    let listen = dir.listen().args(secret).args(["--public-url", "https://dev.example/hooks"]);
    let mut listener = listen.args(["--capture", "log.ndjson"]).starts();
    let (_, delivery) = listener.receives("/twilio", &headers, text(&signed, "/body"));
    assert_eq!((text(&delivery, "/verdict"), text(&delivery, "/request/url")), ("verified", called));
    let verified = dir.hookdev().args(["verify", "log.ndjson", "--json"]).args(secret).exits(0).lines();
    assert_eq!(text(&verified[0], "/verdict"), "verified");
}

/// A delivery without its capture's path and its findings: both become known only after the capture is written.
fn without_path_and_findings(mut delivery: Value) -> Value {
    delivery["capture"] = Value::Null;
    delivery["findings"] = Value::Null;
    delivery
}

#[test]
fn a_capture_has_the_keys_of_a_delivery() {
    let dir = Dir::new();
    let mut listener = dir.listen().args(["--capture", "log.ndjson"]).starts();
    let (_, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    let capture: Value = serde_json::from_str(dir.read("log.ndjson").trim_end()).unwrap();
    assert_eq!(keys(&capture), keys(&delivery));
    assert_eq!((&capture["kind"], &capture["hookdev"]), (&json!("delivery"), &json!(1)));
}

#[test]
fn captures_verify() {
    let dir = Dir::new();
    dir.write("body.gz", gzip(CYANITE.as_bytes()));
    for place in ["captures", "log.ndjson"] {
        let listener = dir.listen().args(["--capture", place]).starts();
        dir.send("aspect.*", listener.url("/")).args(["auphonic.*", "cyanite.*", "jewelmusic.*"]).exits(0);
        dir.send("cyanite.v2.finished", listener.url("/cyanite"))
            .args(["--data", "body.gz", "--header", "Content-Encoding: gzip"])
            .exits(0);
        drop(listener);
        let finished = dir.hookdev().args(["verify", place, "--json"]).exits(0);
        let lines = finished
            .stderr(
                "warning: 28 requests were verified with the public development secrets of aspect, cyanite, \
                 jewelmusic, with which anyone can sign; pass yours with --secret PROVIDER=SOURCE\n\
                 31 requests: 28 verified (development), 3 unsigned by design\n",
            )
            .lines();
        assert!(lines.iter().all(|line| line["payload"]["status"] == "valid"), "{lines:?}");
        assert_eq!(text(lines.last().unwrap(), "/event"), "cyanite.v2.finished");
    }
}

#[test]
fn captures_of_rejected_deliveries_are_rejected_by_verify() {
    let dir = Dir::new();
    let listener = dir.listen().args(["--capture", "captures"]).starts();
    post(&listener.url("/cyanite"), &CYANITE_HEADERS, "{}");
    let line = dir.hookdev().args(["verify", "captures", "--json"]).exits(1).line();
    assert_eq!(text(&line, "/rejection/code"), "no-matching-signature");
}

#[test]
fn a_capture_never_replaces_another() {
    let dir = Dir::new();
    for _ in 0..3 {
        let mut listener = dir.listen().args(["--capture", "captures"]).args(NOON).starts();
        listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    }
    assert_eq!(
        dir.names("captures"),
        [
            "20250101T120000.250Z-000001-cyanite.v2.finished.json",
            "20250101T120000.250Z-000001-cyanite.v2.finished_2.json",
            "20250101T120000.250Z-000001-cyanite.v2.finished_3.json",
        ]
    );
}

#[test]
fn no_event_name_leads_out_of_the_directory() {
    let dir = Dir::new();
    let listener = dir.listen().args(["--capture", "a/captures"]).args(NOON).starts();
    for name in ["../../up", "/tmp/abs", "..", "a\\\\..\\\\b", "a\\u0000b", "nul\\nline", &"x".repeat(300)] {
        post(&listener.url("/jewelmusic"), &[], format!("{{\"id\":\"evt_1\",\"type\":\"{name}\",\"created\":1}}"));
    }
    // Dots and slashes may be part of a name, and are only text in a file's.
    let names = ["jewelmusic...-..-up", "jewelmusic.-tmp-abs"].into_iter().chain(std::iter::repeat_n("jewelmusic", 5));
    let expected: Vec<String> =
        names.zip(1..).map(|(name, number)| format!("20250101T120000.250Z-{number:06}-{name}.json")).collect();
    assert_eq!(dir.names("a/captures"), expected);
    assert_eq!((dir.names("a"), dir.names("")), (vec!["captures".to_owned()], vec!["a".to_owned()]));
}

#[test]
fn the_config_sets_the_directory() {
    let dir = Dir::new();
    dir.write("project/hookdev.toml", "[listen]\ncapture = \"saved\"\n");
    dir.write("project/deep/er/x", "");
    let listener = dir.listen().inside(&dir.join("project/deep/er")).starts();
    post(&listener.url("/hooks"), &[], "hello");
    assert_eq!(dir.names("project/saved").len(), 1);
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_captures() {
    let dir = Dir::new();
    for place in ["captures", "log.ndjson"] {
        let mut listener = dir.listen().args(["--capture", place]).starts();
        let (_, delivery) = listener.receives("/hooks", &[], "hello");
        let mode = fs::metadata(dir.join(text(&delivery, "/capture"))).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{place}");
    }
}

/// Replaces the capture directory with a file, so that it can't be created again.
fn block(dir: &Dir) {
    fs::remove_dir_all(dir.join("captures")).unwrap();
    fs::write(dir.join("captures"), "in the way").unwrap();
}

#[test]
fn a_delivery_that_cannot_be_saved_is_printed_and_gets_503() {
    let dir = Dir::new();
    let mut listener = dir.listen().args(["--capture", "captures"]).starts();
    block(&dir);
    let (returned, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!((returned.status(), returned.text()), (503, "the delivery could not be saved; send it again\n"));
    assert_eq!((text(&delivery, "/event"), text(&delivery, "/verdict")), ("cyanite.v2.finished", "verified"));
    assert_eq!((&delivery["response"]["status"], &delivery["capture"]), (&json!(503), &Value::Null));
    let warnings = delivery["warnings"].as_array().unwrap();
    assert!(
        warnings.iter().any(|w| w.as_str().unwrap().starts_with("not saved, so the response is 503: ")),
        "{delivery}"
    );

    fs::remove_file(dir.join("captures")).unwrap();
    let (returned, _) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!((returned.status(), dir.names("captures").len()), (200, 1));
}

#[test]
fn a_delivery_that_cannot_be_saved_gets_503_regardless_of_the_handler() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200).body("handled")]));
    let mut listener = dir.listen().args(["--capture", "captures", "--forward", &endpoint.url("/")]).starts();
    block(&dir);
    let (returned, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!(returned.status(), 503);
    assert_eq!(delivery["forwards"][0]["status"], 200);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_reported_and_gets_503() {
    let dir = Dir::new();
    let mut listener =
        dir.hookdev().args(["listen", "--addr", "127.0.0.1:0", "--capture", "/dev/full"]).starts_for_people();
    for _ in 0..2 {
        let signed = Signed::new(&dir, "aspect.task.failed", &[]);
        assert_eq!(post(&listener.url("/aspect"), &signed.headers(), &signed.body).status(), 503);
        listener.prints("verified (development)  aspect.task.failed  503  ");
        listener.prints("warning: not saved, so the response is 503: No space left on device");
    }
}

#[test]
fn an_unusable_capture_path_is_a_usage_error() {
    let dir = Dir::new();
    dir.write("file", "[package]\nname = \"x\"\n");
    for (place, named) in [("file/captures", "file/captures"), ("file/log.ndjson", "file/log.ndjson"), ("file", "file")]
    {
        let finished = dir.listen().args(["--capture", place]).exits(2).stdout("");
        finished.says(&format!("error: can't save captures in {named}\ncaused by: "));
    }
    assert_eq!(dir.read("file"), "[package]\nname = \"x\"\n");
}

#[test]
fn an_incomplete_line_of_an_earlier_run_is_removed_with_a_note() {
    let dir = Dir::new();
    let mut listener = dir.listen().args(["--capture", "log.ndjson"]).starts();
    listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    drop(listener);
    let whole = dir.read("log.ndjson");
    dir.write("log.ndjson", format!("{whole}{}", &whole[..40]));
    let mut listener = dir.listen().args(["--capture", "log.ndjson"]).starts();
    listener.says("note: removed an incomplete last line (40 bytes) from log.ndjson\n");
    listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    let finished = dir.hookdev().args(["verify", "log.ndjson", "--json"]).exits(0);
    finished.stderr(&format!("{}2 requests: 2 verified (development)\n", development_warning(2)));
}

#[test]
fn the_nuls_that_a_power_failure_left_are_removed_with_a_note() {
    let dir = Dir::new();
    let mut listener = dir.listen().args(["--capture", "log.ndjson"]).starts();
    listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    drop(listener);
    dir.write("log.ndjson", dir.read("log.ndjson") + &"\0".repeat(4096));
    dir.hookdev()
        .args(["verify", "log.ndjson"])
        .exits(0)
        .says("note: log.ndjson: skipped line 2, which is incomplete\n");
    let mut listener = dir.listen().args(["--capture", "log.ndjson"]).starts();
    listener.says("note: removed an incomplete last line (4096 bytes) from log.ndjson\n");
    listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    dir.hookdev()
        .args(["verify", "log.ndjson"])
        .exits(0)
        .stderr(&format!("{}2 requests: 2 verified (development)\n", development_warning(2)));
}

#[test]
fn a_file_that_is_not_a_log_is_refused_and_unchanged() {
    let dir = Dir::new();
    let log = "{\"kind\":\"delivery\",\"hookdev\":1}\n";
    for (content, reason) in [
        ("{\"auths\":{\"https://h\":{}}}\n".to_owned(), "its first line isn't one that hookdev writes"),
        ("{\n\t\"auths\": {".to_owned(), "its first line isn't one that hookdev writes"),
        (format!("{log}{{\"token\":\"abc"), "its last line is incomplete and isn't one that hookdev writes"),
    ] {
        dir.write("captures.ndjson", &content);
        #[cfg(unix)]
        fs::set_permissions(dir.join("captures.ndjson"), PermissionsExt::from_mode(0o644)).unwrap();
        let refused = dir.listen().args(["--capture", "captures.ndjson"]).exits(2).stdout("");
        refused.stderr(&format!(
            "error: can't save captures in captures.ndjson\ncaused by: it isn't a log of captures: {reason}\n"
        ));
        assert_eq!(dir.read("captures.ndjson"), content);
        #[cfg(unix)]
        assert_eq!(dir.join("captures.ndjson").metadata().unwrap().permissions().mode() & 0o777, 0o644);
    }
}

#[cfg(unix)]
#[test]
fn nothing_is_saved_through_a_link_to_another_directory() {
    use std::os::unix::fs::symlink;
    let dir = Dir::new();
    dir.write("elsewhere/log.ndjson", "");
    dir.write("clone/README", "");
    symlink("../elsewhere/log.ndjson", dir.join("clone/captures.ndjson")).unwrap();
    symlink("../elsewhere/new.ndjson", dir.join("clone/new.ndjson")).unwrap();
    symlink("../elsewhere", dir.join("clone/captures")).unwrap();
    for (place, target) in [
        ("captures.ndjson", "../elsewhere/log.ndjson"),
        ("new.ndjson", "../elsewhere/new.ndjson"),
        ("captures", "../elsewhere"),
    ] {
        let refused = dir.listen().inside(&dir.join("clone")).args(["--capture", place]).exits(2);
        refused.stderr(&format!(
            "error: can't save captures in {place}\n\
             caused by: it is a link to {target}, in another directory; name that instead\n"
        ));
    }
    let absolute = dir.join("clone/captures/sub").to_str().unwrap().to_owned();
    for place in ["captures/", "captures/.", "./captures//", "captures/sub", "captures/log.ndjson", &absolute] {
        let refused = dir.listen().inside(&dir.join("clone")).args(["--capture", place]).exits(2);
        let expected = "it is a link to ../elsewhere, in another directory; name that instead\n";
        assert!(refused.stderr.ends_with(expected), "{place}: {refused}");
    }
    assert_eq!(
        (dir.names("elsewhere"), dir.read("elsewhere/log.ndjson")),
        (vec!["log.ndjson".to_owned()], String::new())
    );

    symlink("today.ndjson", dir.join("clone/current.ndjson")).unwrap();
    let mut listener = dir.listen().inside(&dir.join("clone")).args(["--capture", "current.ndjson"]).starts();
    listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!(dir.read("clone/today.ndjson").lines().count(), 1);
}

#[cfg(unix)]
#[test]
fn a_link_that_is_changed_while_it_listens_is_checked_again() {
    use std::os::unix::fs::symlink;
    let dir = Dir::new();
    dir.write("elsewhere/log.ndjson", "");
    let mut listener = dir.listen().args(["--capture", "log.ndjson"]).starts();
    assert_eq!(listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE).0.status(), 200);
    fs::rename(dir.join("log.ndjson"), dir.join("old.ndjson")).unwrap();
    symlink("elsewhere/log.ndjson", dir.join("log.ndjson")).unwrap();
    assert_eq!(listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE).0.status(), 503);
    assert_eq!(dir.read("elsewhere/log.ndjson"), "");
    fs::remove_file(dir.join("log.ndjson")).unwrap();
    assert_eq!(listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE).0.status(), 200);
}

#[cfg(unix)]
#[test]
fn a_log_that_others_could_read_becomes_private() {
    let dir = Dir::new();
    dir.write("log.ndjson", "");
    fs::set_permissions(dir.join("log.ndjson"), fs::Permissions::from_mode(0o644)).unwrap();
    let _listener = dir.listen().args(["--capture", "log.ndjson"]).starts();
    assert_eq!(fs::metadata(dir.join("log.ndjson")).unwrap().permissions().mode() & 0o777, 0o600);
}

#[cfg(unix)]
#[test]
fn a_log_of_another_user_is_refused_and_unchanged() {
    if !crate::machine::is_root() {
        return;
    }
    let dir = Dir::new();
    dir.write("log.ndjson", "");
    std::os::unix::fs::chown(dir.join("log.ndjson"), Some(65534), None).unwrap();
    dir.listen()
        .args(["--capture", "log.ndjson"])
        .exits(2)
        .stderr("error: can't save captures in log.ndjson\ncaused by: it belongs to another user (user id 65534)\n");
    assert_eq!(dir.read("log.ndjson"), "");
}

#[cfg(unix)]
#[test]
fn a_pipe_gets_captures_and_without_a_reader_is_an_error_at_once() {
    use std::{
        io::{BufRead, BufReader, Write},
        process::{Command, Stdio},
    };
    let dir = Dir::new();
    assert!(Command::new("mkfifo").arg(dir.join("pipe")).status().unwrap().success());
    dir.listen().args(["--capture", "pipe"]).exits(2).stderr(
        "error: can't save captures in pipe\ncaused by: it is a pipe that no program reads; start the reader first\n",
    );
    // The reader is another process: of a file that is open here, each program that another test starts has a copy for
    // a moment. The pipe is open for writing here until hookdev writes to it, so that `cat` doesn't end before.
    let mut pipe = fs::OpenOptions::new().read(true).write(true).open(dir.join("pipe")).unwrap();
    let mut reader = Command::new("cat").arg(dir.join("pipe")).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(reader.stdout.take().unwrap());
    let mut line = String::new();
    pipe.write_all(b"read\n").unwrap();
    output.read_line(&mut line).unwrap();
    assert_eq!(std::mem::take(&mut line), "read\n");
    let mut listener = dir.listen().args(["--capture", "pipe"]).starts();
    drop(pipe);
    let (response, _) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    output.read_line(&mut line).unwrap();
    assert_eq!((response.status(), line.starts_with("{\"kind\":\"delivery\"")), (200, true));
    reader.kill().unwrap();
    reader.wait().unwrap();
    let (response, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!(response.status(), 503);
    assert!(text(&delivery, "/warnings/0").starts_with("not saved, so the response is 503: "), "{delivery}");
}

#[test]
fn filtered_deliveries_are_saved_too() {
    let dir = Dir::new();
    let mut listener = dir.listen().args(["--capture", "captures", "--filter", "cyanite.*"]).starts();
    post(&listener.url("/hooks"), &[], "hello");
    listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!(dir.names("captures").len(), 2);
}
