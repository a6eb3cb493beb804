//! What breaks around `listen` while it runs: signals, disks, descriptors, readers. No delivery that got 200 is lost,
//! problems are reported, and `listen` recovers when they are gone.

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

/// Sends `count` deliveries at once and returns their statuses.
fn statuses(url: &str, count: usize) -> Vec<u16> {
    let senders: Vec<_> = (0..count)
        .map(|_| {
            let url = url.to_owned();
            thread::spawn(move || post(&url, &CYANITE_HEADERS, CYANITE).status())
        })
        .collect();
    senders.into_iter().map(|sender| sender.join().unwrap()).collect()
}

/// Whether a program runs and succeeds here. If not, the caller skips its test, which this reports, or fails in CI.
fn can(program: &str, args: &[&str]) -> bool {
    let ran = Command::new(program).args(args).output();
    if ran.as_ref().is_ok_and(|output| output.status.success()) {
        return true;
    }
    assert!(env::var_os("HOOKDEV_CI").is_none(), "`{program} {args:?}` is required here: {ran:?}");
    // The test runner captures `eprintln!`.
    let _ = writeln!(io::stderr(), "SKIPPED: `{program} {args:?}` can't be run here: {ran:?}");
    false
}
