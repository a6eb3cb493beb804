//! `send --watch`: saved files are sent again, and nothing else is. The files are real and saved as editors do.

use std::fs;

use crate::harness::{BackgroundRun, CYANITE, CYANITE_HEADERS, Dir, Endpoint, TestCommand, capture, respond};

const WATCHING: &str = "note: watching for changes (Ctrl-C to stop)\n";

/// A watching send to an endpoint.
fn watching(dir: &Dir, endpoint: &Endpoint, what: &[&str]) -> TestCommand {
    dir.hookdev().arg("send").args(what).args(["--watch", "--to", &endpoint.url("/")])
}

fn one(body: &str) -> String {
    capture(&CYANITE_HEADERS, body.as_bytes()).to_string()
}

/// Saves a file as editors do: writes another file and renames it.
fn saves(dir: &Dir, name: &str, content: &str) {
    dir.write("elsewhere", content);
    fs::rename(dir.join("elsewhere"), dir.join(name)).unwrap();
}

/// The body of the next request, once its response has arrived and the send is over.
#[track_caller]
fn sent(sending: &mut BackgroundRun, endpoint: &Endpoint) -> String {
    let request = endpoint.next();
    sending.prints("  accepted  200  ");
    request.text().to_owned()
}

#[cfg(unix)]
fn ends(sending: BackgroundRun) {
    sending.interrupt();
    assert!(sending.exits(130).stderr.ends_with("note: stopped watching\n"));
}

#[cfg(not(unix))]
fn ends(_: BackgroundRun) {}

#[test]
fn only_the_saved_capture_is_sent_again() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    dir.write("captures/a.json", one("a"));
    dir.write("captures/b.json", one("b"));
    let mut sending = watching(&dir, &endpoint, &["captures"]).in_background();
    sending.says(WATCHING);
    assert_eq!([sent(&mut sending, &endpoint), sent(&mut sending, &endpoint)], ["a", "b"]);
    saves(&dir, "captures/b.json", &one("changed"));
    assert_eq!(sent(&mut sending, &endpoint), "changed");
    saves(&dir, "captures/notes.txt", "no capture");
    saves(&dir, "captures/c.json", &one("new"));
    assert_eq!(sent(&mut sending, &endpoint), "new");
    ends(sending);
    endpoint.got_no_more();
}

#[test]
fn a_data_file_is_signed_and_sent_at_each_save() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(500), respond(200)]));
    dir.write("body.json", "{\"n\":1}");
    let mut sending = watching(&dir, &endpoint, &["aspect.task.failed", "--data", "body.json"]).in_background();
    sending.says(WATCHING);
    let first = endpoint.next();
    assert_eq!(first.text(), "{\"n\":1}");
    saves(&dir, "body.json", "{\"n\":2}");
    let second = endpoint.next();
    assert_eq!(second.text(), "{\"n\":2}");
    assert_ne!(first.header("svix-id"), second.header("svix-id"));
    sending.prints("accepted  200");
    ends(sending);
}

#[test]
fn a_saved_fixture_is_sent_and_a_broken_one_is_reported() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let manifest = "name = 'acme'\ntitle = 'Acme'\nabout = 'A test'\n[delivery]\nsuccess = ['2xx']\n\
                    [[event]]\nname = 'ping'\nabout = 'A test'\nmatch = { type = 'ping' }\n";
    dir.write("acme/provider.toml", manifest);
    dir.write("acme/events/ping.json", "{\"type\":\"ping\",\"n\":1}");
    let mut sending = watching(&dir, &endpoint, &["acme.ping", "--providers", "acme"]).in_background();
    sending.says(WATCHING);
    assert_eq!(sent(&mut sending, &endpoint), "{\"type\":\"ping\",\"n\":1}");
    saves(&dir, "acme/events/ping.json", "{\"type\":\"ping\",");
    sending.says("acme/events/ping.json:1:16: invalid JSON: ");
    saves(&dir, "acme/events/ping.json", "{\"type\":\"ping\",\"n\":2}");
    assert_eq!(sent(&mut sending, &endpoint), "{\"type\":\"ping\",\"n\":2}");
    ends(sending);
    endpoint.got_no_more();
}

#[test]
fn inputs_that_cannot_be_watched_are_usage_errors() {
    let dir = Dir::new();
    dir.write("captures/a.json", one(CYANITE));
    let refused = |what: &[&str], error: &str| {
        dir.hookdev().arg("send").args(what).args(["--watch", "--to", "http://127.0.0.1:1/"]).exits(2).stderr(error);
    };
    refused(
        &["cyanite.v2.finished"],
        "error: nothing to watch: none of the arguments comes from a file\n\
         hint: pass a captured request, --data FILE, or an event of your own provider directory\n",
    );
    refused(&["-"], "error: can't watch standard input\nhint: pass a file instead of `-`\n");
    refused(
        &["captures", "--capture", "captures"],
        "error: --capture would save into a watched path, and every capture would be sent again\nhint: save the captures somewhere else\n",
    );
}
