//! Disks that are full, temporarily read-only, or lose a directory. Each is a small tmpfs in a user namespace, which
//! needs no privileges.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    harness::{CYANITE, CYANITE_HEADERS, Dir, Listener, TestCommand, development_warning, post, text},
    machine::can,
};

const UNSHARE: [&str; 4] = ["unshare", "--user", "--map-root-user", "--mount"];

/// The program with a disk of 256 KiB at `disk/`. `None` if user namespaces are not available.
fn on_a_small_disk(command: TestCommand, then: &str) -> Option<TestCommand> {
    let mount = "mount -t tmpfs -o size=256k,mode=777 none disk";
    if !can(UNSHARE[0], &[&UNSHARE[1..], &["sh", "-c", "mount -t tmpfs none /mnt"]].concat()) {
        return None;
    }
    let script = format!("mkdir -p disk && {mount} && exec {then}");
    Some(command.under(&[&UNSHARE[..], &["sh", "-c", &script]].concat()))
}

/// The disk as its own namespace sees it.
fn disk(dir: &Dir, listener: &Listener) -> PathBuf {
    let seen = dir.join("disk");
    PathBuf::from(format!("/proc/{}/root{}", listener.id(), seen.display()))
}

/// Fills the disk with a file, and returns its path.
fn fill(disk: &Path) -> PathBuf {
    let filler = disk.join("filler");
    let error = fs::write(&filler, vec![b'x'; 1 << 20]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    filler
}

const RUN: &str = "\"$0\" \"$@\"";

#[test]
fn a_full_disk_gets_complete_captures_or_none_and_is_used_again_later() {
    for place in ["disk/log.ndjson", "disk/captures"] {
        let dir = Dir::new();
        let Some(command) = on_a_small_disk(dir.listen().args(["--capture", place]), RUN) else { return };
        let mut listener = command.starts();
        let disk = disk(&dir, &listener);
        let mut delivers = || {
            let (response, line) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
            assert_eq!(response.status() == 503, line["capture"].is_null(), "{line}");
            (response.status(), line["warnings"].clone())
        };
        assert_eq!(delivers().0, 200);
        let filler = fill(&disk);
        // The rest of a page has space for a few more lines.
        let mut saved = 1;
        let refused = loop {
            match delivers() {
                (200, _) => saved += 1,
                refused => break refused,
            }
        };
        assert_eq!(refused.0, 503);
        let warning = "not saved, so the response is 503: No space left on device (os error 28)";
        assert_eq!(text(&refused.1, "/0"), warning);
        assert_eq!(delivers().0, 503);
        fs::remove_file(filler).unwrap();
        assert_eq!((delivers().0, delivers().0), (200, 200));
        saved += 2;
        // The disk disappears with its last process.
        let copy = Command::new("cp").arg("-r").arg(&disk).arg(dir.join("copy")).status().unwrap();
        assert!(copy.success());
        let place = place.replace("disk", "copy");
        let printed = dir.hookdev().args(["verify", &place]).exits(0);
        printed.stderr(&format!("{}{saved} requests: {saved} verified (development)\n", development_warning(saved)));
        listener.interrupt();
        let said = listener.exits(0).says("note: captures can be saved again; 2 deliveries were not saved\n");
        let warning =
            "No space left on device (os error 28); responding 503 until it works, so that senders try again\n";
        assert_eq!(said.stderr.matches("can't save captures").count(), 1, "{said}");
        let place = place.replace("copy", "disk");
        said.says(&format!("warning: can't save captures in {place}: {warning}"));
    }
}

#[test]
fn the_limit_on_a_files_size_is_reported_like_a_full_disk() {
    let dir = Dir::new();
    // In blocks of 512 or 1024 bytes.
    let limited = ["sh", "-c", "ulimit -f 8; exec \"$0\" \"$@\""];
    let mut listener = dir.listen().args(["--capture", "log.ndjson"]).under(&limited).starts();
    let mut statuses = Vec::new();
    while !statuses.ends_with(&[503, 503]) {
        statuses.push(listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE).0.status());
    }
    assert_eq!(dir.read("log.ndjson").lines().count(), statuses.len() - 2);
    fs::rename(dir.join("log.ndjson"), dir.join("full.ndjson")).unwrap();
    assert_eq!(listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE).0.status(), 200);
    listener.interrupt();
    listener.exits(0).says(
        "warning: can't save captures in log.ndjson: File too large (os error 27); responding 503 until it works, so that \
         senders try again\n\
         note: captures can be saved again; 2 deliveries were not saved\n",
    );
    dir.hookdev().args(["verify", "full.ndjson", "log.ndjson"]).exits(0);
}

#[test]
fn captures_that_are_not_saved_are_reported_once_on_stderr_in_every_format() {
    for format in ["json", "pretty"] {
        let dir = Dir::new();
        let command = dir.hookdev().args(["listen", "--addr", "127.0.0.1:0", "--capture", "captures"]);
        let command = command.args(["--format", format]);
        let mut listener = if format == "json" { command.starts() } else { command.starts_for_people() };
        fs::remove_dir_all(dir.join("captures")).unwrap();
        dir.write("captures", "in the way");
        let deliver = || post(&listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE).status();
        assert_eq!([deliver(), deliver()], [503, 503]);
        fs::remove_file(dir.join("captures")).unwrap();
        assert_eq!([deliver(), deliver()], [200, 200]);
        listener.says("note: captures can be saved again; 2 deliveries were not saved\n");
        listener.interrupt();
        let printed = listener.exits(0);
        assert_eq!(printed.stderr.matches("warning: can't save captures in captures: ").count(), 1, "{printed}");
    }
}

#[test]
fn a_delivery_that_is_not_saved_does_not_meet_an_expectation() {
    let dir = Dir::new();
    let command = dir.listen().args(["--capture", "captures", "--expect", "cyanite.v2.finished"]);
    let mut listener = command.starts();
    fs::remove_dir_all(dir.join("captures")).unwrap();
    dir.write("captures", "in the way");
    assert_eq!(listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE).0.status(), 503);
    fs::remove_file(dir.join("captures")).unwrap();
    // Only its retry is delivered.
    assert_eq!(listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE).0.status(), 200);
    listener.exits(0);
}

#[test]
fn a_directory_that_was_read_only_or_removed_is_used_again() {
    let dir = Dir::new();
    let Some(command) = on_a_small_disk(dir.listen().args(["--capture", "disk/captures"]), RUN) else { return };
    let mut listener = command.starts();
    let (disk, id) = (disk(&dir, &listener), listener.id().to_string());
    let remount = |how: &str| {
        let enter = ["--target", &id, "--user", "--mount", "--preserve-credentials", "mount", "-o"];
        let seen = dir.join("disk");
        // With a source given, the other options stay out of it: they name users that this namespace may not know.
        let status = Command::new("nsenter").args(enter).arg(format!("remount,{how}")).arg("none").arg(seen).status();
        assert!(status.unwrap().success(), "remount,{how}");
    };
    let mut delivers = || listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!(delivers().0.status(), 200);
    remount("ro");
    let (response, line) = delivers();
    assert_eq!(response.status(), 503);
    let warning = "not saved, so the response is 503: Read-only file system (os error 30)";
    assert!(text(&line, "/warnings/0").starts_with(warning), "{line}");
    remount("rw");
    assert_eq!(delivers().0.status(), 200);
    assert_eq!(fs::read_dir(disk.join("captures")).unwrap().count(), 2);
    fs::remove_dir_all(disk.join("captures")).unwrap();
    assert_eq!(delivers().0.status(), 200);
    assert_eq!(fs::read_dir(disk.join("captures")).unwrap().count(), 1);
}

#[test]
fn output_to_a_full_disk_waits_for_space_and_loses_nothing() {
    const DELIVERIES: usize = 40;
    let dir = Dir::new();
    let command = dir.hookdev().args(["listen", "--addr", "127.0.0.1:0", "--color", "never"]);
    let Some(command) = on_a_small_disk(command, "\"$0\" \"$@\" > disk/out") else { return };
    let mut listener = command.starts_for_people();
    let disk = disk(&dir, &listener);
    let filler = fill(&disk);
    for _ in 0..DELIVERIES {
        assert_eq!(post(&listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE).status(), 200);
    }
    listener.says(
        "warning: can't write the output: No space left on device (os error 28); trying again until there is space\n",
    );
    fs::remove_file(filler).unwrap();
    listener.says("note: the output can be written again\n");
    // The disk disappears with the process unless a file is open.
    let mut out = fs::File::open(disk.join("out")).unwrap();
    listener.signal("TERM");
    listener.exits(0);
    let written = std::io::read_to_string(&mut out).unwrap();
    assert_eq!(written.matches("verified (development)  cyanite.v2.finished  200  ").count(), DELIVERIES, "{written}");
    assert_eq!(written.matches("LibraryTrack 999").count(), DELIVERIES);
}

#[test]
fn output_that_never_gets_space_is_not_a_success() {
    let full: Stdio = fs::OpenOptions::new().write(true).open("/dev/full").unwrap().into();
    let mut listener =
        Dir::new().hookdev().args(["listen", "--addr", "127.0.0.1:0"]).stdout_to(full).starts_for_people();
    post(&listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE);
    listener.says("warning: can't write the output: No space left on device");
    listener.interrupt();
    listener.exits(130);
}

#[test]
fn a_demo_does_not_wait_for_space() {
    for arguments in [&["demo"][..], &["demo", "--json", "--all"]] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let finished = Dir::new().hookdev().args(arguments).stdout_to(full).exits(1);
        finished.says("warning: can't write the output: No space left on device (os error 28)\n");
    }
}

#[test]
fn help_or_a_version_that_cannot_be_written_is_an_error() {
    for arguments in
        [&["--help"][..], &["--version"], &["listen", "--help"], &["help"], &["help", "send"], &["help", "secrets"]]
    {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let finished = Dir::new().hookdev().args(arguments).stdout_to(full).exits(1);
        finished.stderr("error: can't write the output\ncaused by: No space left on device (os error 28)\n");
    }
}
