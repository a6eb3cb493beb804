//! What other users of the machine can see of a running hookdev and of its files.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::harness::{CYANITE, CYANITE_HEADERS, Dir, Endpoint, post, respond};
#[cfg(target_os = "linux")]
use crate::machine::{self, can};

#[cfg(target_os = "linux")]
const SECRET: &str = "LEAKED-secret-of-cyanite";

#[cfg(target_os = "linux")]
#[test]
fn the_list_of_processes_shows_a_secret_only_when_it_is_given_literally() {
    let dir = Dir::new();
    dir.write("secret", SECRET);
    dir.write(".env", format!("IN_A_FILE={SECRET}\n"));
    dir.write("hookdev.toml", "env_file = \".env\"\n");
    let literal = format!("cyanite={SECRET}");
    for (source, is_seen) in
        [("cyanite=env:IN_A_FILE", false), ("cyanite=env:SET", false), ("cyanite=file:secret", false), (&literal, true)]
    {
        let listener = dir.listen().env("SET", SECRET).args(["--secret", source]).starts();
        let line = fs::read_to_string(format!("/proc/{}/cmdline", listener.id())).unwrap();
        assert!(line.contains("--secret"), "{line:?}");
        assert_eq!(line.contains(SECRET), is_seen, "{line:?}");
    }
}

/// As another user than root, who may read everything.
#[cfg(target_os = "linux")]
#[test]
fn no_process_of_the_same_user_reads_the_memory_or_the_environment() {
    const NOBODY: [&str; 4] = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let dir = Dir::new();
    let is_root = rustix::process::geteuid().is_root();
    if is_root && !can(NOBODY[0], &[&NOBODY[1..], &["true"]].concat()) {
        return;
    }
    let mut listen = dir.listen().env("MINE", SECRET).args(["--secret", "cyanite=env:MINE"]);
    if is_root {
        // A copy, as nobody else may reach the original.
        fs::copy(machine::hookdev().get_program(), dir.join("copy")).unwrap();
        fs::set_permissions(dir.join(""), fs::Permissions::from_mode(0o755)).unwrap();
        listen = listen.under(&[&NOBODY[..], &["sh", "-c", "shift; exec ./copy \"$@\"", "sh"]].concat());
    }
    let listener = listen.starts();
    for file in ["environ", "mem", "maps"] {
        let path = format!("/proc/{}/{file}", listener.id());
        let command = if is_root { [&NOBODY[..], &["cat", &path]].concat() } else { vec!["cat", &path] };
        let output = machine::command(command[0]).args(&command[1..]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{file}");
        assert!(String::from_utf8_lossy(&output.stderr).ends_with(": Permission denied\n"), "{output:?}");
    }
}

#[test]
fn only_the_owner_reads_what_is_captured() {
    let dir = Dir::new();
    let endpoint = Endpoint::new([respond(200)]);
    for place in ["dir", "log.ndjson"] {
        let sent = format!("sent-{place}");
        dir.send("cyanite.v2.finished", endpoint.url("/")).args(["--capture", &sent]).exits(0);
        let listener = dir.listen().args(["--capture", place, "--count", "1"]).starts();
        post(&listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE);
        listener.exits(0);
        for place in [place, &sent] {
            let mut files = vec![place.to_owned()];
            if !place.ends_with(".ndjson") {
                files = dir.names(place).iter().map(|name| format!("{place}/{name}")).collect();
            }
            assert_eq!(files.len(), 1);
            let mode = fs::metadata(dir.join(&files[0])).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{place}");
        }
    }
}
