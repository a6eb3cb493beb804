//! The time of day, passed to whatever needs it so that tests and `--now` can pin it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::webhook::time::Timestamp;

/// The current time, with millisecond precision.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Timestamp::from_unix_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The processor time that this thread has used.
#[cfg(unix)]
#[must_use]
pub fn thread_time() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    // It counts from zero, so it is never negative.
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

/// The time since this was first called, as a substitute for processor time.
#[cfg(not(unix))]
#[must_use]
pub fn thread_time() -> Duration {
    use std::{sync::LazyLock, time::Instant};
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}
