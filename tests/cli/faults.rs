//! What breaks around `listen` while it runs: signals, disks, descriptors, readers. Nothing that was
//! answered 200 is lost, what happened is said, and what can be had again is used again.

mod descriptors;
mod disk;
mod readers;
mod signals;

use std::{
    env,
    io::{self, Write},
    process::Command,
    thread,
};

use crate::harness::{CYANITE, CYANITE_HEADERS, post};

/// The statuses of so many deliveries that are sent at once.
fn statuses(url: &str, count: usize) -> Vec<u16> {
    let senders: Vec<_> = (0..count)
        .map(|_| {
            let url = url.to_owned();
            thread::spawn(move || post(&url, &CYANITE_HEADERS, CYANITE).status())
        })
        .collect();
    senders.into_iter().map(|sender| sender.join().unwrap()).collect()
}

/// Whether this runs and succeeds; where it does not the test is left out, loudly, and fails where all
/// of them are demanded.
fn can(program: &str, args: &[&str]) -> bool {
    let ran = Command::new(program).args(args).output();
    if ran.as_ref().is_ok_and(|output| output.status.success()) {
        return true;
    }
    assert!(env::var_os("HOOKDEV_CI").is_none(), "`{program} {args:?}` is required here: {ran:?}");
    // Not by `eprintln!`, which the test runner keeps to itself.
    let _ = writeln!(io::stderr(), "SKIPPED: `{program} {args:?}` can't be run here: {ran:?}");
    false
}
