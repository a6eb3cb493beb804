//! When each delivery starts: as soon as a worker is free or, at a rate, at a fixed time, however long the others take.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use crate::webhook::load::Rate;

/// The maximum number of distinct times at which missed deliveries count as due.
const MOST_TIMES: u64 = 100_000;

/// What ends a run, and how fast its deliveries start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    /// The number of deliveries.
    pub total: Option<u64>,
    /// The time after which no delivery starts.
    pub duration: Option<Duration>,
    /// The rate at which they start, whether or not earlier ones have ended.
    pub rate: Option<Rate>,
}

/// The deliveries still to start. Workers take them in turn.
#[derive(Debug)]
pub(super) struct Schedule {
    pace: Pace,
    started: Instant,
    next: AtomicU64,
    is_stopped: AtomicBool,
    stop: Notify,
}

/// One delivery to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ScheduleSlot {
    /// Its number, from 0.
    pub number: u64,
    /// When it is due; `None` means now.
    pub due: Option<Instant>,
}

impl Schedule {
    pub(super) fn new(pace: Pace, started: Instant) -> Self {
        let (next, is_stopped, stop) = Default::default();
        Self { pace, started, next, is_stopped, stop }
    }

    /// The next delivery; `None` at the end of the run.
    pub(super) fn take(&self) -> Option<ScheduleSlot> {
        let is_over = self.pace.duration.is_some_and(|time| self.started.elapsed() >= time);
        if is_over || self.is_stopped.load(Ordering::Relaxed) {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let due = self.pace.rate.map(|rate| rate.start_of(number));
        let is_beyond = self.pace.total.is_some_and(|total| number >= total)
            || self.pace.duration.zip(due).is_some_and(|(time, due)| due >= time);
        (!is_beyond).then(|| ScheduleSlot { number, due: due.and_then(|due| self.started.checked_add(due)) })
    }

    /// When missed deliveries were due, each with the number of deliveries: those that a run at a rate should have
    /// started in its time, after the first `made`. If there are very many, neighbouring ones count as due at the same
    /// time.
    pub(super) fn missed(&self, made: u64) -> impl Iterator<Item = (Instant, u64)> + use<> {
        let planned = self.pace.rate.zip(self.pace.duration).map_or(0, |(rate, time)| rate.starts_before(time));
        let planned = planned.min(self.pace.total.unwrap_or(u64::MAX));
        let (rate, started) = (self.pace.rate, self.started);
        let count = planned.saturating_sub(made).div_ceil(MOST_TIMES).max(1);
        let step = usize::try_from(count).unwrap_or(usize::MAX);
        (made.min(planned)..planned)
            .step_by(step)
            .filter_map(move |number| Some((started.checked_add(rate?.start_of(number))?, count.min(planned - number))))
    }

    /// Ends the run early. Returns whether it had already been ended.
    pub(super) fn stop(&self) -> bool {
        let was_stopped = self.is_stopped.swap(true, Ordering::Relaxed);
        self.stop.notify_one();
        was_stopped
    }

    /// Waits until [`Self::stop`] ends the run.
    pub(super) async fn stopped(&self) {
        self.stop.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_ends_a_run() {
        let schedule = Schedule::new(Pace { total: Some(2), ..Pace::default() }, Instant::now());
        let slot = |number| Some(ScheduleSlot { number, due: None });
        assert_eq!([(); 3].map(|()| schedule.take()), [slot(0), slot(1), None]);
    }

    #[test]
    fn at_a_rate_each_delivery_has_its_own_time() {
        let pace = Pace { total: None, duration: Some(Duration::from_secs(3600)), rate: "2/h".parse().ok() };
        let started = Instant::now();
        let schedule = Schedule::new(pace, started);
        let due = |number, minutes: u64| {
            Some(ScheduleSlot { number, due: Some(started + Duration::from_secs(minutes * 60)) })
        };
        assert_eq!([(); 3].map(|()| schedule.take()), [due(0, 0), due(1, 30), None]);
    }

    #[test]
    fn missed_deliveries_are_listed_by_when_they_were_due() {
        let pace = Pace { total: None, duration: Some(Duration::from_millis(40)), rate: "100".parse().ok() };
        let started = Instant::now();
        let missed: Vec<Duration> = Schedule::new(pace, started).missed(1).map(|(due, _)| due - started).collect();
        assert_eq!(missed, [10, 20, 30].map(Duration::from_millis));
    }

    #[test]
    fn very_many_missed_deliveries_are_counted_in_groups() {
        let pace = Pace { total: None, duration: Some(Duration::from_secs(2)), rate: "200000000".parse().ok() };
        let groups: Vec<u64> = Schedule::new(pace, Instant::now()).missed(1).map(|(_, count)| count).collect();
        assert_eq!(groups.iter().sum::<u64>(), 399_999_999);
        assert!(groups.len() <= 100_000, "{}", groups.len());
    }

    #[test]
    fn a_stopped_schedule_has_no_slots() {
        let schedule = Schedule::new(Pace::default(), Instant::now());
        assert_eq!([schedule.stop(), schedule.stop()], [false, true]);
        assert_eq!(schedule.take(), None);
    }
}
