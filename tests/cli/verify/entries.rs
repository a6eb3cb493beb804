//! Files and directories of captures, the output for each, and the exit code.

use serde_json::{Value, json};

use super::{good, tampered};
use crate::harness::{CYANITE, CYANITE_HEADERS, Dir, Signed, capture, development_warning, keys, text};

#[test]
fn a_line_has_the_documented_keys() {
    let dir = Dir::new();
    dir.write("one.json", tampered());
    let line = dir.hookdev().args(["verify", "one.json", "--secret", "cyanite=mine", "--json"]).exits(1).line();
    let expected = [
        "entry",
        "event",
        "file",
        "findings",
        "freshness",
        "kind",
        "missing",
        "payload",
        "provider",
        "rejection",
        "secret",
        "verdict",
        "warnings",
    ];
    assert_eq!(keys(&line), expected);
    assert_eq!(keys(&line["rejection"]), ["code", "message"]);
    assert_eq!(keys(&line["payload"]), ["errors", "status"]);
}

#[test]
fn a_good_capture_is_verified_and_the_exit_code_is_0() {
    let dir = Dir::new();
    dir.write("one.json", good());
    let line = dir.hookdev().args(["verify", "one.json", "--json"]).exits(0).line();
    assert_eq!(
        line,
        json!({
            "kind": "verification", "file": "one.json", "entry": 0, "provider": "cyanite",
            "event": "cyanite.v2.finished", "verdict": "verified", "rejection": null, "secret": "development",
            "payload": {"status": "valid", "errors": []}, "findings": [], "warnings": [],
            "freshness": "not-checked", "missing": [],
        })
    );
    dir.hookdev()
        .args(["verify", "one.json"])
        .exits(0)
        .stdout("verified (development)  cyanite.v2.finished  one.json\n")
        .stderr(&format!("{}1 request: 1 verified (development)\n", development_warning(1)));
}

#[test]
fn a_rejected_capture_is_explained_and_the_exit_code_is_1() {
    let dir = Dir::new();
    dir.write("one.json", tampered());
    let finished = dir.hookdev().args(["verify", "one.json", "--secret", "cyanite=mine"]).exits(1);
    finished
        .prints(
            "rejected      cyanite.v2.finished  one.json\n  \
             no-matching-signature: the signature doesn't match this body with the configured secret\n  \
             unexplained: cause not found (",
        )
        .prints(" variants tried): most likely a different secret or a changed body\n")
        .stderr("1 request: 1 rejected\n");
}

#[cfg(unix)]
#[test]
fn a_directory_may_have_more_large_files_than_can_be_open_at_once() {
    let dir = Dir::new();
    let large = format!("{}{}", good(), "\n".repeat(256 << 10));
    for number in 0..40 {
        dir.write(&format!("captures/{number:02}.ndjson"), &large);
    }
    let limited = ["sh", "-c", "ulimit -n 32; exec \"$0\" \"$@\""];
    let finished = dir.hookdev().args(["verify", "captures", "-q"]).under(&limited).exits(0);
    finished.stdout("").stderr(&development_warning(40));
}

#[test]
fn a_request_of_no_known_provider_fails() {
    let dir = Dir::new();
    dir.write("one.http", "POST /hooks HTTP/1.1\r\nhost: x\r\n\r\nhello");
    let finished = dir.hookdev().args(["verify", "one.http", "--json"]).exits(1);
    let line = finished.line();
    assert_eq!(
        (text(&line, "/verdict"), &line["provider"], &line["event"]),
        ("unrecognised", &Value::Null, &Value::Null)
    );
    assert_eq!(text(&line, "/payload/status"), "unknown");
}

#[test]
fn a_request_that_is_unsigned_by_design_passes() {
    let dir = Dir::new();
    let test = "POST /cyanite HTTP/1.1\r\n\r\n{\"type\":\"TEST\",\"data\":null}";
    let form = "POST /auphonic HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\n\r\n";
    dir.write("test.http", test);
    dir.write("form.http", format!("{form}{}", crate::harness::AUPHONIC));
    let lines = dir.hookdev().args(["verify", "test.http", "form.http", "--json"]).exits(0).lines();
    let verdicts: Vec<&str> = lines.iter().map(|line| text(line, "/verdict")).collect();
    assert_eq!(verdicts, ["unsigned", "unsigned"]);
}

#[test]
fn a_genuine_payload_that_violates_the_schema_fails() {
    let dir = Dir::new();
    let printed = ["send", "cyanite.v2.finished", "--remove", "resource.id", "--print", "json"];
    dir.write("one.json", dir.hookdev().args(printed).exits(0).stdout);
    let finished = dir.hookdev().args(["verify", "one.json", "--json"]).exits(1);
    let line = finished
        .stderr(&format!("{}1 request: 1 verified (development), 1 with an invalid payload\n", development_warning(1)))
        .line();
    assert_eq!((text(&line, "/verdict"), text(&line, "/payload/status")), ("verified", "invalid"));
    assert_eq!(line["payload"]["errors"].as_array().unwrap().len(), 1);
}

#[test]
fn the_exit_code_is_that_of_the_worst_result() {
    let dir = Dir::new();
    dir.write("log.ndjson", [good(), tampered(), good()].concat());
    dir.write("good.json", good());
    let finished = dir.hookdev().args(["verify", "good.json", "log.ndjson", "--json"]).exits(1);
    let lines = finished
        .stderr(&format!("{}4 requests: 3 verified (development), 1 rejected\n", development_warning(3)))
        .lines();
    let printed: Vec<(&str, u64, &str)> = lines
        .iter()
        .map(|line| (text(line, "/file"), line["entry"].as_u64().unwrap(), text(line, "/verdict")))
        .collect();
    assert_eq!(
        printed,
        [
            ("good.json", 0, "verified"),
            ("log.ndjson", 0, "verified"),
            ("log.ndjson", 1, "rejected"),
            ("log.ndjson", 2, "verified"),
        ]
    );
}

#[test]
fn a_broken_entry_does_not_hide_the_others_and_the_exit_code_is_3() {
    let dir = Dir::new();
    dir.write("log.ndjson", [good(), "{\"request\": 7}\n".into(), tampered(), "nonsense\n".into(), good()].concat());
    let finished = dir.hookdev().args(["verify", "log.ndjson", "--json"]).exits(3);
    let finished = finished.says("error: log.ndjson: line 2, column ").says("error: log.ndjson: line 4, column 2: ");
    let printed: Vec<(u64, String)> = finished
        .says("3 requests: 2 verified (development), 1 rejected; 2 unreadable\n")
        .lines()
        .iter()
        .map(|line| (line["entry"].as_u64().unwrap(), text(line, "/verdict").to_owned()))
        .collect();
    assert_eq!(printed, [(0, "verified".to_owned()), (2, "rejected".to_owned()), (4, "verified".to_owned())]);
}

#[test]
fn an_unreadable_file_is_named_and_does_not_hide_the_others() {
    let dir = Dir::new();
    dir.write("good.json", good());
    dir.write("empty.json", "");
    dir.write("notes.txt", "just notes\n");
    let files = ["missing.json", "empty.json", "notes.txt", "good.json"];
    let finished = dir.hookdev().arg("verify").args(files).args(["--json"]).exits(3);
    let finished = finished
        .says("error: can't read missing.json\ncaused by: ")
        .says("error: empty.json is empty\n")
        .says("error: notes.txt isn't a capture: ");
    assert_eq!(text(&finished.line(), "/file"), "good.json");
}

#[test]
fn a_directory_is_read_in_order_and_files_that_are_not_captures_are_skipped_and_counted() {
    let dir = Dir::new();
    for (name, content) in [
        ("captures/b/2.json", good()),
        ("captures/a.json", good()),
        ("captures/b/10.json", good()),
        ("captures/README.md", "# Captures\n".to_owned()),
        ("captures/.hidden.json", tampered()),
        ("captures/.git/x.json", tampered()),
        ("captures/package.json", "{\"name\":\"x\"}".to_owned()),
    ] {
        dir.write(name, content);
    }
    let finished = dir.hookdev().args(["verify", "captures", "--json"]).exits(0);
    let files: Vec<String> = finished.lines().iter().map(|line| text(line, "/file").replace('\\', "/")).collect();
    assert_eq!(files, ["captures/a.json", "captures/b/10.json", "captures/b/2.json"]);
    let summary = format!("{}3 requests: 3 verified (development); 4 files skipped\n", development_warning(3));
    finished.stderr(&summary);
    let listed = dir.hookdev().args(["verify", "captures", "--json", "-v"]).exits(0).stderr.replace('\\', "/");
    let skipped = "note: skipped: captures/.git is hidden\n\
                   note: skipped: captures/.hidden.json is hidden\n\
                   note: skipped: captures/README.md isn't a capture: ";
    assert!(listed.starts_with(skipped), "{listed}");
    let package = "note: skipped: captures/package.json isn't a capture: ";
    assert!(listed.contains(package) && listed.ends_with(&summary), "{listed}");
}

#[test]
fn a_directory_without_a_capture_is_an_error() {
    let dir = Dir::new();
    dir.write("captures/README.md", "# Captures\n");
    dir.hookdev().args(["verify", "captures"]).exits(3).stdout("").says("error: no captured request in captures\n");
}

/// As root every directory can be read, unless root gives that up.
#[cfg(unix)]
const UNPRIVILEGED: [&str; 3] = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"];

#[cfg(unix)]
#[test]
fn a_directory_that_cannot_be_read_is_an_error() {
    use std::{fs, os::unix::fs::PermissionsExt};
    let dir = Dir::new();
    dir.write("captures/locked/x.json", good());
    dir.write("captures/open.json", good());
    let locked = dir.join("captures/locked");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    let mut verify = dir.hookdev().args(["verify", "captures", "--json"]);
    if fs::read_dir(&locked).is_ok() {
        if !crate::machine::can(UNPRIVILEGED[0], &[UNPRIVILEGED[1], "true"]) {
            return;
        }
        verify = verify.under(&UNPRIVILEGED);
    }
    let finished = verify.exits(3);
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(text(&finished.line(), "/verdict"), "verified");
    finished.says("error: can't read captures/locked\ncaused by: ");
}

#[test]
fn a_torn_last_line_is_skipped_with_a_note() {
    let dir = Dir::new();
    let torn = good();
    dir.write("log.ndjson", format!("{}{}{}", good(), good(), &torn[..torn.len() / 2]));
    let finished = dir.hookdev().args(["verify", "log.ndjson", "--json"]).exits(0);
    assert_eq!(finished.lines().len(), 2);
    finished.stderr(&format!(
        "note: log.ndjson: skipped line 3, which is incomplete\n{}2 requests: 2 verified (development)\n",
        development_warning(2)
    ));
}

#[test]
fn lines_of_another_kind_are_skipped() {
    let dir = Dir::new();
    let lines =
        ["{\"kind\":\"ready\",\"url\":\"http://x\"}\n".to_owned(), good(), "{\"kind\":\"later\",\"x\":[1]}\n".into()];
    dir.write("log.ndjson", lines.concat());
    dir.hookdev()
        .args(["verify", "log.ndjson", "--json"])
        .exits(0)
        .stderr(&format!("{}1 request: 1 verified (development)\n", development_warning(1)));
}

#[test]
fn a_capture_of_a_later_version_is_an_error() {
    let dir = Dir::new();
    let mut later = capture(&CYANITE_HEADERS, CYANITE);
    later["hookdev"] = json!(2);
    dir.write("log.ndjson", format!("{later}\n{}", good()));
    let finished = dir.hookdev().args(["verify", "log.ndjson", "--json"]).exits(3);
    let finished = finished.says("error: log.ndjson: line 1: version 2 of the capture format is newer ");
    assert_eq!(finished.lines().len(), 1);
}

#[test]
fn a_quiet_run_prints_only_failures() {
    let dir = Dir::new();
    dir.write("log.ndjson", [good(), tampered(), good()].concat());
    for format in ["pretty", "json"] {
        let finished = dir.hookdev().args(["verify", "log.ndjson", "--quiet", "--format", format]).exits(1);
        let text = finished.text();
        assert_eq!(text.matches("no-matching-signature").count(), 1, "{finished}");
        // Each entry is shown with its event.
        assert_eq!(text.matches("cyanite.v2.finished").count(), 1, "{finished}");
        finished.stderr(&development_warning(2));
    }
    let signed = Signed::new(&dir, "cyanite.v2.finished", &["--secret", "mine"]);
    dir.write("good.json", capture(&signed.headers(), &signed.body).to_string());
    dir.hookdev().args(["verify", "good.json", "-q", "--secret", "cyanite=mine"]).exits(0).stdout("").stderr("");
}

#[test]
fn verifying_nothing_is_a_usage_error() {
    let dir = Dir::new();
    dir.hookdev().arg("verify").exits(2).stdout("");
    dir.hookdev().args(["verify", "x", "--body", "y"]).exits(2).says("cannot be used with");
    dir.hookdev().args(["verify", "--header", "a: b"]).exits(2).says("required");
}

#[test]
fn what_curl_removes_from_a_file_is_removed_with_a_note() {
    let dir = Dir::new();
    dir.write("c.sh", "curl -d @body http://h/cyanite");
    let removed = "warning: `-d @file` removes line breaks, as curl does; `--data-binary` keeps them\n";
    let lost = "warning: `-d @file` removes carriage returns and NULs, as curl 8.7 does; an older curl also removes the \
                text after them, up to the end of the line\n";
    // What curl 8.7 sends by its manual, and curl 7.88 if its note is the first one.
    for (file, sent, note) in [
        ("{\r\n \"a\":1\n}\n", "{ \"a\":1}", removed),
        ("a\r\r\nb\0\0\n", "ab", removed),
        ("a\0b", "ab", lost),
        ("a\rb\nc", "abc", lost),
        ("ab", "ab", ""),
    ] {
        dir.replace("body", file);
        let printed = dir.hookdev().args(["send", "c.sh", "--print", "http"]).exits(0);
        assert!(printed.text().ends_with(&format!("\r\n\r\n{sent}")), "{file:?}: {printed}");
        let verified = dir.hookdev().args(["verify", "c.sh", "--provider", "cyanite"]).exits(1);
        assert!(verified.text().contains(note), "{file:?}: {verified}");
        assert_eq!(verified.text().contains("-d @file"), !note.is_empty(), "{file:?}: {verified}");
    }
}
