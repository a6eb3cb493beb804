//! When each delivery starts: one as soon as another has ended, or, at a rate, each at its own time
//! whether others have ended or not.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use crate::webhook::load::Rate;

/// What ends a run, and what its starts are set by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plan {
    /// So many deliveries in all.
    pub total: Option<u64>,
    /// None starts after this time.
    pub duration: Option<Duration>,
    /// They start at this rate.
    pub rate: Option<Rate>,
}

/// A run's starts, which its connections take from by turns.
#[derive(Debug)]
pub struct Schedule {
    plan: Plan,
    begun: Instant,
    next: Next,
    stopped: AtomicBool,
    stop: Notify,
}

/// The number of the next delivery, in a cache line of its own: what all threads write, each must fetch from the others.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Next(AtomicU64);

/// One delivery to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Its number, from 0.
    pub number: u64,
    /// When it is to start; none when that is at once.
    pub due: Option<Instant>,
}

impl Schedule {
    /// A schedule that begins now.
    pub fn new(plan: Plan) -> Self {
        let (next, stopped) = Default::default();
        Self { plan, begun: Instant::now(), next, stopped, stop: Notify::new() }
    }

    /// The next delivery; none when the run is over.
    pub fn take(&self) -> Option<Turn> {
        if self.stopped.load(Ordering::Relaxed) || self.plan.duration.is_some_and(|time| self.elapsed() >= time) {
            return None;
        }
        let number = self.next.0.fetch_add(1, Ordering::Relaxed);
        let due = self.plan.rate.map(|rate| rate.start_of(number));
        let over = self.plan.total.is_some_and(|total| number >= total)
            || self.plan.duration.zip(due).is_some_and(|(time, due)| due >= time);
        (!over).then(|| Turn { number, due: due.and_then(|due| self.begun.checked_add(due)) })
    }

    /// When those were to start that the schedule had, and that were not among the `made` ones when the run's time was
    /// over.
    pub fn missed(&self, made: u64) -> impl Iterator<Item = Instant> + use<> {
        let planned = self.plan.rate.zip(self.plan.duration).map_or(0, |(rate, time)| rate.starts_before(time));
        let planned = planned.min(self.plan.total.unwrap_or(u64::MAX));
        let (rate, begun) = (self.plan.rate, self.begun);
        (made.min(planned)..planned).filter_map(move |number| begun.checked_add(rate?.start_of(number)))
    }

    /// How long it has been going on.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Ends the run before its time; true when nobody else did.
    pub fn stop(&self) -> bool {
        let first = !self.stopped.swap(true, Ordering::Relaxed);
        self.stop.notify_one();
        first
    }

    /// Waits until the run is ended before its time.
    pub async fn stopped(&self) {
        self.stop.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_ends_a_run() {
        let schedule = Schedule::new(Plan { total: Some(2), ..Plan::default() });
        let turn = |number| Some(Turn { number, due: None });
        assert_eq!([(); 3].map(|()| schedule.take()), [turn(0), turn(1), None]);
    }

    #[test]
    fn at_a_rate_each_has_its_own_time_however_long_the_others_take() {
        let plan = Plan { total: None, duration: Some(Duration::from_secs(3600)), rate: "2/h".parse().ok() };
        let schedule = Schedule::new(plan);
        let due =
            |number, minutes: u64| Some(Turn { number, due: Some(schedule.begun + Duration::from_secs(minutes * 60)) });
        assert_eq!([(); 3].map(|()| schedule.take()), [due(0, 0), due(1, 30), None]);
    }

    #[test]
    fn what_did_not_start_is_known_by_when_it_was_to_start() {
        let plan = Plan { total: None, duration: Some(Duration::from_millis(40)), rate: "100".parse().ok() };
        let schedule = Schedule::new(plan);
        let missed: Vec<Duration> = schedule.missed(1).map(|due| due - schedule.begun).collect();
        assert_eq!(missed, [10, 20, 30].map(Duration::from_millis));
    }

    #[test]
    fn a_stop_is_told_once() {
        let schedule = Schedule::new(Plan::default());
        assert!(schedule.stop() && !schedule.stop());
        assert_eq!(schedule.take(), None);
    }
}
