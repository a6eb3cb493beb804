//! When a tunnel is checked: at once when it is ready, at intervals after that, and at once after the machine or the
//! program was asleep.

use std::time::Duration;

/// Two ticks are this far apart only if the machine or the program was asleep.
const SLEPT: Duration = Duration::from_secs(5);

/// The schedule of checks. Times are counted from an arbitrary moment, by two clocks: one that stops while the machine
/// sleeps, as timers do on Linux, and one that doesn't.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pulse {
    every: Duration,
    /// `None` before the first check.
    checked: Option<Duration>,
    seen: Duration,
}

impl Pulse {
    /// A schedule that begins now.
    pub const fn new(every: Duration, wall: Duration) -> Self {
        Self { every, checked: None, seen: wall }
    }

    /// Whether a check is due. Call this about once a second.
    pub fn is_due(&mut self, timer: Duration, wall: Duration) -> bool {
        let has_slept = wall.abs_diff(self.seen) >= SLEPT;
        self.seen = wall;
        let is_due = has_slept || self.checked.is_none_or(|checked| timer.saturating_sub(checked) >= self.every);
        if is_due {
            self.checked = Some(timer);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn due(steps: impl IntoIterator<Item = (u64, u64)>) -> Vec<u64> {
        let mut pulse = Pulse::new(seconds(10), seconds(1000));
        let due = |&(timer, wall): &(u64, u64)| pulse.is_due(seconds(timer), seconds(wall));
        steps.into_iter().filter(due).map(|(timer, _)| timer).collect()
    }

    #[test]
    fn a_check_is_due_at_once_and_every_so_often() {
        assert_eq!(due((1..=31).map(|second| (second, 1000 + second))), [1, 11, 21, 31]);
    }

    #[test]
    fn a_check_is_due_after_sleep() {
        // The machine sleeps for an hour: timers stop.
        let after = (2..=13).map(|second| (second, 4600 + second));
        assert_eq!(due([(1, 1001)].into_iter().chain(after)), [1, 2, 12]);
        // The program is stopped for a minute: timers go on.
        assert_eq!(due([(1, 1001), (61, 1061), (62, 1062)]), [1, 61]);
        // Somebody sets the clock back.
        assert_eq!(due([(1, 1001), (2, 400), (3, 401)]), [1, 2]);
    }
}
