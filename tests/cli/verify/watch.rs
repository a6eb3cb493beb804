//! `verify --watch`: verifies the files that are saved and nothing else. The files are real and saved as editors do.

use std::fs;
#[cfg(unix)]
use std::io::{self, BufRead, BufReader};

use super::{good, tampered};
#[cfg(unix)]
use crate::harness::development_warning;
use crate::harness::{BackgroundRun, Dir, text};

const WATCHING: &str = "note: watching for changes (Ctrl-C to stop)\n";

/// Replaces a file with one written elsewhere.
fn moves_in(dir: &Dir, name: &str, content: &str) {
    dir.write("elsewhere", content);
    fs::rename(dir.join("elsewhere"), dir.join(name)).unwrap();
}

/// The file and verdict of the next line.
#[track_caller]
fn next(watching: &mut BackgroundRun) -> (String, String) {
    let line = watching.next();
    (text(&line, "/file").to_owned(), text(&line, "/verdict").to_owned())
}

/// An expected line.
fn line(file: &str, verdict: &str) -> (String, String) {
    (file.to_owned(), verdict.to_owned())
}

#[test]
fn a_named_file_is_verified_whole_at_each_save() {
    let dir = Dir::new();
    dir.write("log.ndjson", good());
    dir.write("other.ndjson", tampered());
    let mut watching = dir.hookdev().args(["verify", "log.ndjson", "other.ndjson", "--watch"]).in_background();
    watching.prints("verified (development)  cyanite.v2.finished  log.ndjson\n");
    watching.says("2 requests: 1 verified (development), 1 rejected\n");
    watching.says(WATCHING);
    dir.write("log.ndjson", [good(), tampered(), tampered()].concat());
    watching.says("note: log.ndjson changed\n");
    watching.prints("rejected      cyanite.v2.finished  log.ndjson:2\n");
    watching.prints("rejected      cyanite.v2.finished  log.ndjson:3\n");
    watching.says("3 requests: 1 verified (development), 2 rejected\n");
    moves_in(&dir, "log.ndjson", &good());
    watching.says("note: log.ndjson changed\n");
    watching.says("1 request: 1 verified (development)\n");
}

#[test]
fn only_the_saved_files_of_a_directory_are_verified() {
    let dir = Dir::new();
    for name in ["captures/a.json", "captures/b.json", "captures/c.json"] {
        dir.write(name, good());
    }
    let mut watching = dir.hookdev().args(["verify", "captures", "--watch", "--json"]).in_background();
    for name in ["captures/a.json", "captures/b.json", "captures/c.json"] {
        assert_eq!(next(&mut watching), line(name, "verified"));
    }
    watching.says(WATCHING);

    moves_in(&dir, "captures/a.json", &tampered());
    watching.says("note: captures/a.json changed\n");
    assert_eq!(next(&mut watching), line("captures/a.json", "rejected"));
    watching.says("1 request: 1 rejected\n");

    moves_in(&dir, "captures/b.json", &tampered());
    watching.says("note: captures/b.json changed\n");
    assert_eq!(next(&mut watching), line("captures/b.json", "rejected"));
    watching.says("1 request: 1 rejected\n");

    dir.write("captures/.b.json.swp", tampered());
    dir.write("captures/deep/er/d.json", good());
    watching.says("note: captures/deep/er/d.json added\n");
    assert_eq!(next(&mut watching), line("captures/deep/er/d.json", "verified"));
    watching.says("1 request: 1 verified (development)\n");

    dir.write("captures/notes.md", "# Notes\n");
    watching.says("note: captures/notes.md added\n");
    watching.says("0 requests; 1 file skipped\n");

    fs::remove_file(dir.join("captures/c.json")).unwrap();
    watching.says("note: captures/c.json removed\n");
    fs::rename(dir.join("captures/deep"), dir.join("deep")).unwrap();
    watching.says("note: captures/deep/er/d.json removed\n");
    fs::rename(dir.join("deep"), dir.join("captures/deep")).unwrap();
    watching.says("note: captures/deep/er/d.json added\n");
    assert_eq!(next(&mut watching), line("captures/deep/er/d.json", "verified"));
}

#[test]
fn a_directory_that_is_removed_and_created_again_is_still_watched() {
    let dir = Dir::new();
    dir.write("captures/a.json", good());
    let mut watching = dir.hookdev().args(["verify", "captures", "--watch", "--json"]).in_background();
    assert_eq!(next(&mut watching), line("captures/a.json", "verified"));
    watching.says(WATCHING);
    fs::remove_dir_all(dir.join("captures")).unwrap();
    watching.says("note: captures/a.json removed\n");
    dir.write("captures/b.json", good());
    assert_eq!(next(&mut watching), line("captures/b.json", "verified"));
    dir.write("captures/c.json", tampered());
    assert_eq!(next(&mut watching), line("captures/c.json", "rejected"));
}

#[test]
fn everything_is_verified_again_when_the_configuration_changes() {
    let dir = Dir::new();
    dir.write("captures/a.json", good());
    dir.write("captures/b.json", good());
    let mut watching = dir.hookdev().args(["verify", "captures", "--watch", "--json"]).in_background();
    let both = |watching: &mut BackgroundRun, verdict: &str| {
        assert_eq!(next(watching), line("captures/a.json", verdict));
        assert_eq!(next(watching), line("captures/b.json", verdict));
    };
    both(&mut watching, "verified");
    watching.says(WATCHING);

    dir.write("secrets/one", "another");
    moves_in(&dir, "hookdev.toml", "[provider.cyanite]\nsecret = \"file:secrets/one\"\n");
    watching.says("note: config reloaded: verifying everything again\n");
    both(&mut watching, "rejected");

    moves_in(&dir, "secrets/one", "hookdev-development-secret-cyanite");
    watching.says("note: config reloaded: verifying everything again\n");
    both(&mut watching, "verified");

    moves_in(&dir, "hookdev.toml", "[provider.cyanit]\n");
    watching.says("unknown provider `cyanit`; did you mean `cyanite`?");
    watching.says("hint: still using the previous configuration; fix the error and save again\n");
    moves_in(&dir, "captures/b.json", &tampered());
    assert_eq!(next(&mut watching), line("captures/b.json", "rejected"));

    moves_in(&dir, "hookdev.toml", "[provider.cyanite]\nsecret = \"file:secrets/one\"\n");
    watching.says("note: config reloaded: verifying everything again\n");
    assert_eq!(next(&mut watching), line("captures/a.json", "verified"));
    assert_eq!(next(&mut watching), line("captures/b.json", "rejected"));
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_it() {
    let dir = Dir::new();
    dir.write("log.ndjson", good());
    let mut watching = dir.hookdev().args(["verify", "log.ndjson", "--watch"]).in_background();
    watching.says(WATCHING);
    watching.interrupt();
    watching.exits(130).stderr(&format!(
        "{}1 request: 1 verified (development)\n{WATCHING}note: stopped watching\n",
        development_warning(1)
    ));
}

#[cfg(unix)]
#[test]
fn ctrl_c_during_a_run_prints_the_counts_so_far() {
    let dir = Dir::new();
    dir.write("log.ndjson", good().repeat(20_000));
    let (reader, writer) = io::pipe().unwrap();
    let watching = dir.hookdev().args(["verify", "log.ndjson", "--watch"]).stdout_to(writer).in_background();
    // Nothing is read until it is interrupted, and the pipe holds far less than the whole output.
    let mut lines = BufReader::new(reader).lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), "verified (development)  cyanite.v2.finished  log.ndjson");
    watching.interrupt();
    let printed = 1 + lines.count();
    assert!(printed < 20_000, "{printed}");
    watching.exits(130).stderr(&format!(
        "{}note: stopped: {printed} requests: {printed} verified (development)\n",
        development_warning(printed)
    ));
}

#[test]
fn standard_input_cannot_be_watched() {
    let dir = Dir::new();
    let finished = dir.hookdev().args(["verify", "-", "--watch"]).stdin(good()).exits(2).stdout("");
    finished.stderr("error: can't watch standard input\nhint: pass a file instead of `-`\n");
}
