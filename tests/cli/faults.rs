//! What breaks around `listen` while it runs: signals, disks, descriptors, readers. Nothing that was
//! answered 200 is lost, what happened is said, and what can be had again is used again.

mod descriptors;
mod disk;
mod readers;
mod signals;

use std::thread;

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
