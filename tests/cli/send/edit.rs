//! Payloads that are edited before they are sent. The editor is a command that changes its file.

use serde_json::json;

use crate::harness::{
    CYANITE, CYANITE_HEADERS, CYANITE_SIGNATURE, Dir, Endpoint, Finished, TestCommand, post, respond, text,
};

/// A send that opens this editor and sends nothing unless the edit succeeds.
fn edit(dir: &Dir, what: &str, url: impl AsRef<str>, editor: &str) -> TestCommand {
    dir.send(what, url).arg("--edit").env("EDITOR", editor)
}

/// A capture of a genuine delivery in `one.json`.
fn capture(dir: &Dir) {
    dir.write("one.json", captured(CYANITE));
}

fn captured(body: &str) -> String {
    let headers = CYANITE_HEADERS;
    json!({"request": {"method": "POST", "target": "/cyanite", "headers": headers, "body": body}}).to_string()
}

/// Whether a receiver with the development secret accepts this body and signature.
fn is_genuine(dir: &Dir, signature: &str, body: &str) -> bool {
    let receiver = dir.listen().starts();
    post(&receiver.url("/cyanite"), &[("signature", signature)], body).status() == 200
}

#[test]
fn an_event_is_edited_and_then_signed() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    edit(&dir, "cyanite.v2.finished", endpoint.url("/"), "sed -i s/999/1000/")
        .exits(0)
        .says("body:/resource/id\n  - \"999\"\n  + \"1000\"\n");
    let request = endpoint.next();
    assert_eq!(request.text(), CYANITE.replace("999", "1000"));
    assert!(is_genuine(&dir, request.header("signature").unwrap(), request.text()));
}

#[test]
fn a_capture_is_edited_and_signed_again() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    capture(&dir);
    let finished = edit(&dir, "one.json", endpoint.url("/"), "sed -i s/999/1000/").arg("--json").exits(0);
    let reason = "Cyanite expects exactly 200; payload edited; renewed: signature";
    assert_eq!(text(&finished.line(), "/reason"), reason);
    finished.says("body:/resource/id\n  - \"999\"\n  + \"1000\"\n");
    let request = endpoint.next();
    assert_eq!(request.text(), CYANITE.replace("999", "1000"));
    assert!(is_genuine(&dir, request.header("signature").unwrap(), request.text()));
}

#[test]
fn the_editor_opens_the_payload_with_the_other_changes() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200), respond(200)]));
    capture(&dir);
    for what in ["cyanite.v2.finished", "one.json"] {
        edit(&dir, what, endpoint.url("/"), "sed -i s/1000/1001/").args(["--set", "resource.id=1000"]).exits(0);
        let request = endpoint.next();
        assert_eq!(request.text(), CYANITE.replace("999", "1001"));
        assert!(is_genuine(&dir, request.header("signature").unwrap(), request.text()));
    }
}

#[test]
fn an_event_that_is_not_changed_is_sent_as_it_is() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200), respond(200)]));
    // Many editors end a file with a newline.
    for editor in ["true", r"sed -i -e '$a\'"] {
        edit(&dir, "cyanite.v2.finished", endpoint.url("/"), editor).exits(0).says("note: nothing was changed\n");
        assert_eq!(endpoint.next().text(), CYANITE);
    }
}

#[test]
fn a_capture_that_is_not_changed_keeps_its_signature() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(401)]));
    let wrong = "0".repeat(128);
    dir.write("one.json", captured(CYANITE).replace(CYANITE_SIGNATURE, &wrong));
    let finished = edit(&dir, "one.json", endpoint.url("/"), "true").exits(1).says("note: nothing was changed\n");
    assert!(!finished.text().contains("edited"), "{finished}");
    let request = endpoint.next();
    assert_eq!((request.text(), request.header("signature")), (CYANITE, Some(wrong.as_str())));
}

#[test]
fn the_id_in_an_edited_payload_is_the_id_that_is_sent() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let editor = r#"sh -c 'cp "$0" seen.json && sed -i s/live/taken_down/ "$0"'"#;
    let finished = edit(&dir, "jewelmusic.release.live", endpoint.url("/"), editor).arg("--json").exits(0);
    let request = endpoint.next();
    let seen: serde_json::Value = serde_json::from_str(&dir.read("seen.json")).unwrap();
    assert_eq!(text(&finished.line(), "/id"), text(&seen, "/id"));
    assert_eq!(request.text(), dir.read("seen.json").replacen("live", "taken_down", 1));
}

#[test]
fn a_form_is_made_from_the_edited_payload() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let editor = "sed -i 's/\"Done\"/\"Done \\& dusted\"/'";
    let id = ["--id", "zeigtvDv8jH6NaK52Z5eXH"];
    edit(&dir, "auphonic.done", endpoint.url("/"), editor).args(id).exits(0);
    assert_eq!(endpoint.next().text(), "status=3&status_string=Done+%26+dusted&uuid=zeigtvDv8jH6NaK52Z5eXH");
}

#[test]
fn visual_comes_before_editor() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    edit(&dir, "cyanite.v2.finished", endpoint.url("/"), "false").env("VISUAL", "sed -i s/999/7/").exits(0);
    assert_eq!(endpoint.next().text(), CYANITE.replace("999", "7"));
}

#[test]
fn the_output_of_the_editor_is_not_data() {
    let dir = Dir::new();
    let editor = "sh -c 'echo opened'";
    let finished = edit(&dir, "cyanite.v2.finished", "http://127.0.0.1:1/", editor).args(["--print", "json"]).exits(0);
    assert_eq!(text(&finished.line(), "/body"), CYANITE);
    finished.says("opened\n");
}

/// A send that fails before anything is sent.
#[track_caller]
fn fails(dir: &Dir, what: &[&str], editor: &str) -> Finished {
    let command = dir.hookdev().arg("send").args(what).args(["--edit", "--to", "http://127.0.0.1:1/"]);
    std::fs::create_dir_all(dir.join("tmp")).unwrap();
    command.env("EDITOR", editor).env("TMPDIR", dir.join("tmp")).exits(2).stdout("")
}

#[test]
fn an_editor_that_fails_or_is_missing_sends_nothing() {
    let dir = Dir::new();
    let finished = fails(&dir, &["cyanite.v2.finished"], "false");
    finished.says("error: the editor `false` failed, so nothing is sent\n");
    assert_eq!(dir.names("tmp"), [""; 0]);
    fails(&dir, &["cyanite.v2.finished"], "no-such-editor").says(
        "error: can't find the editor `no-such-editor`, so nothing is sent\nhint: set VISUAL or EDITOR to your editor\n",
    );
}

#[test]
fn a_payload_that_is_not_text_is_refused() {
    let dir = Dir::new();
    let headers = [["content-type", "application/json"], ["signature", "00"]];
    let request = json!({"method": "POST", "target": "/cyanite", "headers": headers, "body_base64": "/wA="});
    dir.write("binary.json", json!({ "request": request }).to_string());
    fails(&dir, &["binary.json"], "true").says("error: can't edit the payload: it is not text\n");
}

#[test]
fn a_payload_that_is_no_longer_json_is_refused() {
    let dir = Dir::new();
    let finished = fails(&dir, &["cyanite.v2.finished"], "sed -i 's/}/broken/'")
        .says("error: can't send the edited payload\ncaused by: the payload is not JSON\n");
    let broken = saved_edit(&dir, &finished, "; --data FILE sends it, whatever it contains\n");
    assert_eq!(broken.matches("broken").count(), 1, "{broken}");
}

/// The edit that a hint or a note says is saved.
#[track_caller]
fn saved_edit(dir: &Dir, finished: &Finished, end: &str) -> String {
    let (_, hint) = finished.stderr.split_once(": your edit is saved in ").expect("a hint");
    let path = hint.split_once(end).expect("a path").0;
    let names = dir.names("tmp");
    assert_eq!(names, [path.rsplit('/').next().unwrap()], "{finished}");
    let text = std::fs::read_to_string(path).unwrap();
    std::fs::remove_file(path).unwrap();
    text
}

#[test]
fn an_edit_is_saved_if_the_editor_fails_or_it_is_not_text() {
    let dir = Dir::new();
    let finished = fails(&dir, &["cyanite.v2.finished"], "sh -c 'echo changed > \"$0\"; exit 1'");
    assert_eq!(saved_edit(&dir, &finished, "\n"), "changed\n");
    let finished = fails(&dir, &["cyanite.v2.finished"], r#"sh -c 'printf "\303" > "$0"'"#)
        .says("error: can't send the payload: it was saved as something other than UTF-8\n")
        .says("hint: your edit is saved in ");
    let path = finished.stderr.trim_end().rsplit(' ').next().unwrap();
    assert_eq!(std::fs::read(path).unwrap(), [0o303]);
}

#[test]
fn an_edit_is_saved_unless_it_is_accepted() {
    let dir = Dir::new();
    std::fs::create_dir_all(dir.join("tmp")).unwrap();
    capture(&dir);
    let endpoint = Endpoint::new([respond(500), respond(500), respond(200), respond(200)]);
    for (url, code) in [("http://127.0.0.1:1/", 4), (&endpoint.url("/"), 1), (&endpoint.url("/"), 0)] {
        for what in ["cyanite.v2.finished", "one.json"] {
            let command = edit(&dir, what, url, "sed -i s/999/1000/").arg("-q").env("TMPDIR", dir.join("tmp"));
            let finished = command.exits(code);
            if code != 0 {
                assert!(saved_edit(&dir, &finished, "\n").contains(r#""1000""#), "{finished}");
            }
            assert_eq!(dir.names("tmp"), [""; 0], "{what} to {url}");
        }
    }
}

#[test]
fn only_one_payload_is_edited() {
    let dir = Dir::new();
    dir.write("two.ndjson", format!("{0}\n{0}\n", captured(CYANITE)));
    for what in [&["cyanite.v2.*"][..], &["two.ndjson"], &["cyanite.v2.finished", "aspect.task.failed"]] {
        // It fails before the editor opens.
        fails(&dir, what, "no-such-editor")
            .says("error: --edit opens one payload, but the arguments name 2\n")
            .says("hint: name one event, or a file with one captured request\n");
    }
}

#[test]
fn a_capture_of_an_unknown_provider_fails_before_the_editor_opens() {
    let dir = Dir::new();
    dir.write("one.http", "POST /x HTTP/1.1\r\nhost: example.com\r\ncontent-length: 2\r\n\r\n{}");
    fails(&dir, &["one.http"], "no-such-editor")
        .says("error: can't sign the captured request: it matches no known provider\n");
    fails(&dir, &["-"], "no-such-editor").says("error: --edit needs standard input for the editor\n");
}

#[test]
fn an_edit_does_not_go_with_options_that_need_no_editor_or_many() {
    let dir = Dir::new();
    for options in [&["--data", "x"][..], &["--tamper", "body"], &["--watch"], &["--repeat", "2"], &["--rate", "2"]] {
        fails(&dir, &[&["cyanite.v2.finished"], options].concat(), "true").says("error: ").says("--edit");
    }
    for format in ["locust", "k6"] {
        fails(&dir, &["cyanite.v2.finished", "--print", format], "true")
            .says("error: --edit is for one delivery; a script makes new ones\n");
    }
}
