//! What `listen --capture` keeps.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{CYANITE, CYANITE_HEADERS, Dir, Endpoint, Signed, answer, gzip, keys, post, text};

const NOON: [&str; 2] = ["--now", "2025-01-01T12:00:00.25Z"];

#[test]
fn a_folder_gets_a_file_for_each_event_named_by_time_and_event() {
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
    let told = std::path::Path::new(text(&first, "/capture"));
    assert_eq!(told, std::path::Path::new("a/captures").join(names[0]));
    let content = dir.read(&format!("a/captures/{}", names[0]));
    assert_eq!(content.matches('\n').count(), 1, "one line: {content}");
    assert_eq!(same_but_for_place(serde_json::from_str(&content).unwrap()), same_but_for_place(first));
}

#[test]
fn a_file_gets_a_line_for_each_event() {
    let dir = Dir::new();
    let mut told = Vec::new();
    for _ in 0..2 {
        let mut listener = dir.listen().args(["--capture", "a/log.ndjson"]).starts();
        for body in [CYANITE, "{}", "hello\nthere"] {
            told.push(same_but_for_place(listener.receives("/cyanite", &CYANITE_HEADERS, body).1));
        }
    }
    let log = dir.read("a/log.ndjson");
    let kept: Vec<Value> = log.lines().map(|line| same_but_for_place(serde_json::from_str(line).unwrap())).collect();
    assert_eq!(kept, told);
    assert!(log.ends_with('\n'));
}

/// A delivery without the place where it is kept, and without its findings: a capture is written
/// before the answer, and both are known after it.
fn same_but_for_place(mut delivery: Value) -> Value {
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
        dir.send("*", listener.url("/")).exits(0);
        dir.send("cyanite.v2.finished", listener.url("/cyanite"))
            .args(["--data", "body.gz", "--header", "Content-Encoding: gzip"])
            .exits(0);
        drop(listener);
        let finished = dir.hookdev().args(["verify", place, "--json"]).exits(0);
        let lines = finished.stderr("31 requests: 28 verified, 3 unsigned by design\n").lines();
        assert!(lines.iter().all(|line| line["payload"]["status"] == "valid"), "{lines:?}");
        assert_eq!(text(lines.last().unwrap(), "/event"), "cyanite.v2.finished");
    }
}

#[test]
fn captures_of_rejected_deliveries_are_rejected_again() {
    let dir = Dir::new();
    let listener = dir.listen().args(["--capture", "captures"]).starts();
    post(&listener.url("/cyanite"), &CYANITE_HEADERS, "{}");
    let line = dir.hookdev().args(["verify", "captures", "--json"]).exits(1).line();
    assert_eq!(text(&line, "/rejection/code"), "no-matching-signature");
}

#[test]
fn a_file_is_never_replaced() {
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
fn no_name_of_an_event_leads_out_of_the_folder() {
    let dir = Dir::new();
    let listener = dir.listen().args(["--capture", "a/captures"]).args(NOON).starts();
    for name in ["../../up", "/tmp/abs", "..", "a\\\\..\\\\b", "a\\u0000b", "nul\\nline", &"x".repeat(300)] {
        post(&listener.url("/jewelmusic"), &[], format!("{{\"id\":\"evt_1\",\"type\":\"{name}\",\"created\":1}}"));
    }
    let expected: Vec<String> =
        (1..=7).map(|number| format!("20250101T120000.250Z-{number:06}-jewelmusic.json")).collect();
    assert_eq!(dir.names("a/captures"), expected);
    assert_eq!((dir.names("a"), dir.names("")), (vec!["captures".to_owned()], vec!["a".to_owned()]));
}

#[test]
fn the_config_names_the_place() {
    let dir = Dir::new();
    dir.write("project/hookdev.toml", "[listen]\ncapture = \"kept\"\n");
    dir.write("project/deep/er/x", "");
    let listener = dir.listen().inside(&dir.join("project/deep/er")).starts();
    post(&listener.url("/hooks"), &[], "hello");
    assert_eq!(dir.names("project/kept").len(), 1);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_captures() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Dir::new();
    for place in ["captures", "log.ndjson"] {
        let mut listener = dir.listen().args(["--capture", place]).starts();
        let (_, delivery) = listener.receives("/hooks", &[], "hello");
        let mode = fs::metadata(dir.join(text(&delivery, "/capture"))).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{place}");
    }
}

/// Takes the folder of captures away while they are kept, and lets nobody make it again.
fn take_away(dir: &Dir) {
    fs::remove_dir_all(dir.join("captures")).unwrap();
    fs::write(dir.join("captures"), "in the way").unwrap();
}

#[test]
fn what_cannot_be_kept_is_shown_and_answered_503() {
    let dir = Dir::new();
    let mut listener = dir.listen().args(["--capture", "captures"]).starts();
    take_away(&dir);
    let (returned, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!((returned.status(), returned.text()), (503, "the delivery could not be kept; send it again\n"));
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
fn what_cannot_be_kept_is_answered_503_whatever_the_handler_says() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([answer(200).body("handled")]));
    let mut listener = dir.listen().args(["--capture", "captures", "--forward", &endpoint.url("/")]).starts();
    take_away(&dir);
    let (returned, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!(returned.status(), 503);
    assert_eq!(delivery["forwards"][0]["status"], 200);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_answered_503() {
    let dir = Dir::new();
    let mut listener =
        dir.hookdev().args(["listen", "--addr", "127.0.0.1:0", "--capture", "/dev/full"]).starts_for_people();
    for _ in 0..2 {
        let signed = Signed::new(&dir, "aspect.task.failed", &[]);
        assert_eq!(post(&listener.url("/aspect"), &signed.headers(), &signed.body).status(), 503);
        listener.prints("aspect.task.failed  verified  503  ");
        listener.prints("warning: not saved, so the response is 503: No space left on device");
    }
}

#[test]
fn a_place_that_cannot_be_used_is_a_mistake_of_the_command_line() {
    let dir = Dir::new();
    dir.write("file", "[package]\nname = \"x\"\n");
    for (place, named) in [("file/captures", "file/captures"), ("file/log.ndjson", "file/log.ndjson"), ("file", "file")]
    {
        let finished = dir.listen().args(["--capture", place]).exits(2).stdout("");
        finished.says(&format!("error: cannot keep captures in {named}\ncaused by: "));
    }
    assert_eq!(dir.read("file"), "[package]\nname = \"x\"\n");
}

#[test]
fn a_torn_line_of_an_earlier_run_is_removed_and_said_to_be() {
    let dir = Dir::new();
    let mut listener = dir.listen().args(["--capture", "log.ndjson"]).starts();
    listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    drop(listener);
    let whole = dir.read("log.ndjson");
    dir.write("log.ndjson", format!("{whole}{}", &whole[..40]));
    let mut listener = dir.listen().args(["--capture", "log.ndjson"]).starts();
    listener.says("note: log.ndjson ended in a line that was never finished (40 bytes): it was removed\n");
    listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    let finished = dir.hookdev().args(["verify", "log.ndjson", "--json"]).exits(0);
    finished.stderr("2 requests: 2 verified\n");
}

#[test]
fn what_the_filter_hides_is_kept_all_the_same() {
    let dir = Dir::new();
    let mut listener = dir.listen().args(["--capture", "captures", "--filter", "cyanite.*"]).starts();
    post(&listener.url("/hooks"), &[], "hello");
    listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!(dir.names("captures").len(), 2);
}
