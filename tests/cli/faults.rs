//! What breaks around `listen` while it runs: signals, disks, descriptors, readers. No delivery that got 200 is lost,
//! problems are reported, and `listen` recovers when they are gone.

mod descriptors;
mod disk;
mod readers;
mod signals;

use std::thread;

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
