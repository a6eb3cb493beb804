//! Notices that the program was stopped, or the machine was asleep: deliveries that waited meanwhile may be too old.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    commands::reporters::warnings::WarningSink,
    engine::clock::now,
    webhook::time::{Timestamp, words},
};

/// How often to look at the clock.
const TICK: Duration = Duration::from_secs(10);

/// How far the clock must jump to count as a standstill. A busy machine causes shorter delays, and most tolerances are
/// longer.
const STANDSTILL: Duration = Duration::from_secs(30);

/// Notes each standstill, for as long as the runtime runs.
pub fn report(warnings: WarningSink) {
    tokio::spawn(watch(now, move |time| {
        warnings.note(format!(
            "hookdev was stopped, or this machine was asleep, for at least {}; deliveries that waited may be rejected as too old",
            words(time)
        ));
    }));
}

async fn watch(clock: impl Fn() -> Timestamp, on_standstill: impl Fn(Duration)) {
    loop {
        let before = clock();
        sleep(TICK).await;
        let skew = clock().skew_from(before);
        let lost = skew.distance().saturating_sub(TICK);
        // A clock that was set back proves nothing.
        if !skew.is_past() && lost >= STANDSTILL {
            on_standstill(lost);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use tokio::time::{error::Elapsed, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_jumps_ahead_is_a_standstill_and_one_that_is_set_back_is_not() {
        let seconds = [0, 10, 10, 49, 49, 120, 120, 20, 20, 30];
        let (readings, found) = (Cell::new(0), RefCell::new(Vec::new()));
        let clock = || Timestamp::from_unix_seconds(seconds[readings.replace(readings.get() + 1)]);
        let watch = watch(clock, |time| found.borrow_mut().push(time));
        // Before the sixth look at the clock.
        assert!(matches!(timeout(TICK * 4 + Duration::from_secs(9), watch).await, Err(Elapsed { .. })));
        assert_eq!(found.into_inner(), [Duration::from_secs(61)]);
    }
}
