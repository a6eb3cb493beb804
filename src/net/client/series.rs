//! What the requests of a series, which are sent one after the other, have in common.

/// What is needed of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    Response,
    /// All but its headers. Restoring their order and spelling takes 7% of the instructions of `send --repeat`.
    Status,
}

/// Requests that are sent one after the other.
#[derive(Debug)]
pub struct Series {
    pub(super) wanted: Wanted,
}

impl Series {
    /// A series without requests yet, and what is needed of the responses.
    #[must_use]
    pub const fn new(wanted: Wanted) -> Self {
        Self { wanted }
    }
}
