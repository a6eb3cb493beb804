//! The time of day, passed to whatever needs it so that tests and `--now` can pin it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::webhook::time::Timestamp;

/// The current time, with millisecond precision.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Timestamp::from_unix_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
