//! The entries of an input that is read whole. Faults are kept up to a limit, and counted beyond it.

use std::collections::VecDeque;

use super::{Entry, EntryFault, EntryPiece, EntryReader, parts::ParseError, position::Start};

/// How many faults are kept. A fault takes far more memory than the two bytes that a broken entry may have, so further
/// ones are only counted.
pub(super) const MAX_FAULTS: usize = 1000;

/// How many broken commands a script may have before the rest is skipped, because reading one may scan to the end of
/// the script.
pub(super) const MAX_BROKEN: usize = 64;

/// How much of a script must be left for an unreadable command to count as having scanned to the end, in bytes.
pub(super) const FAR: usize = 8 << 10;

/// The entries of an input that was read whole, and how many were skipped.
#[derive(Default)]
pub(super) struct Collected {
    pub(super) entries: VecDeque<Result<Entry, EntryFault>>,
    pub(super) faults: usize,
    skipped: usize,
    /// Complete after the last entry.
    notes: Vec<String>,
}

impl Collected {
    pub(super) fn single(entry: Entry) -> Self {
        Self { entries: [Ok(entry)].into(), ..Self::default() }
    }

    /// The result for an input with a single entry, if that delivers anything.
    pub(super) fn of(parsed: Result<Option<Entry>, ParseError>) -> Self {
        let mut collected = Self::default();
        match parsed {
            Ok(Some(entry)) => collected.push(Ok(entry)),
            Ok(None) => collected.count_skipped(),
            Err(error) => collected.push(Err(EntryFault::at(Start::of_line(1), error))),
        }
        collected
    }

    pub(super) fn push(&mut self, entry: Result<Entry, EntryFault>) {
        self.faults += usize::from(entry.is_err());
        if entry.is_ok() || self.faults <= MAX_FAULTS {
            self.entries.push_back(entry);
        }
    }

    /// Adds the requests of an entry that starts at this position.
    pub(super) fn extend(&mut self, start: Start, requests: Result<Vec<Result<Entry, ParseError>>, ParseError>) {
        match requests {
            Ok(requests) if requests.is_empty() => self.count_skipped(),
            Ok(requests) => {
                for entry in requests {
                    self.push(entry.map_err(|error| EntryFault::at(start, error)));
                }
            }
            Err(error) => self.push(Err(EntryFault::at(start, error))),
        }
    }

    /// Counts an entry that delivers nothing, such as the `GET`s that tools record with all other traffic.
    pub(super) fn count_skipped(&mut self) {
        self.skipped += 1;
    }

    fn write_notes(&mut self) {
        let counted = |count: usize| format!("{count} {}", if count == 1 { "entry" } else { "entries" });
        self.notes.clear();
        if self.skipped > 0 {
            let hold = if self.skipped == 1 { "holds" } else { "hold" };
            let counted = counted(self.skipped);
            self.notes.push(format!("skipped {counted} that {hold} no POST, PUT or PATCH request with a body"));
        }
        if let Some(more @ 1..) = self.faults.checked_sub(MAX_FAULTS) {
            self.notes.push(format!("{} can't be read either", counted(more)));
        }
    }
}

impl Iterator for Collected {
    type Item = EntryPiece;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.entries.pop_front();
        if next.is_none() {
            self.write_notes();
        }
        next.map(EntryPiece::Entry)
    }
}

impl EntryReader for Collected {
    fn notes(&self) -> &[String] {
        &self.notes
    }
}
