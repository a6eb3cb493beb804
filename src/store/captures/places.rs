//! Where a process has written its last captures. A number alone doesn't tell: other processes that save in the same
//! place, and earlier runs, count from 1 too.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::CaptureName;
use crate::webhook::time::Timestamp;

/// How many captures are remembered, which takes 2 MiB.
const REMEMBERED: usize = 1 << 16;

/// Where a capture was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    seq: u64,
    pub received_at: Timestamp,
    /// In a log, the offset of the line; in a directory, [`name_hash`] of the file's name.
    pub key: u64,
}

/// The places of the last captures, each at its number modulo [`REMEMBERED`].
#[derive(Debug, Default)]
pub(super) struct Places(Vec<Option<Place>>);

impl Places {
    pub fn add(&mut self, name: &CaptureName<'_>, key: u64) {
        let index = index(name.seq);
        if self.0.len() <= index {
            self.0.resize(index + 1, None);
        }
        self.0[index] = Some(Place { seq: name.seq, received_at: name.received_at, key });
    }

    /// The place of the capture with this number, unless it is too old.
    pub fn get(&self, seq: u64) -> Option<Place> {
        self.0.get(index(seq)).copied().flatten().filter(|place| place.seq == seq)
    }
}

fn index(seq: u64) -> usize {
    // The remainder is smaller than a `usize`.
    usize::try_from(seq % REMEMBERED as u64).unwrap_or_default()
}

/// Tells the names of files apart in a few bytes.
pub(super) fn name_hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_places_are_remembered_and_no_others() {
        let mut places = Places::default();
        let received_at = Timestamp::from_unix_millis(0);
        let last = 3 * REMEMBERED as u64;
        for seq in 1..=last {
            places.add(&CaptureName { received_at, seq, label: None }, 7 * seq);
        }
        let first = last + 1 - REMEMBERED as u64;
        let keys = [0, 1, first - 1, first, last, last + 1].map(|seq| places.get(seq).map(|place| place.key));
        assert_eq!(keys, [None, None, None, Some(7 * first), Some(7 * last), None]);
        assert_eq!(places.0.len(), REMEMBERED);
    }
}
