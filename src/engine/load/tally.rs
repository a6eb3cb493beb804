//! Counts the results of many deliveries. Each worker has its own tally; they are added up at the end.

use std::{collections::HashMap, time::Duration};

use hdrhistogram::Histogram;

use crate::webhook::{
    load::{Latency, LoadSummary, Violations},
    record::Outcome,
};

/// The maximum number of distinct reasons.
const MAX_REASONS: usize = 100;

/// The maximum number of bars of the histogram.
const MAX_BARS: usize = 12;

/// The counts of one worker, or of all.
#[derive(Debug)]
pub(super) struct LoadTally {
    outcomes: [u64; 4],
    statuses: Vec<(u16, u64)>,
    reasons: HashMap<String, u64>,
    violations: Violations,
    not_started: u64,
    /// In microseconds. `None` only if the histogram can't be created, which its constants rule out.
    latency: Option<Histogram<u64>>,
    longest: Duration,
}

/// Which of the provider's rules a response violates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RuleViolation {
    /// Its status does not count as delivered.
    Status,
    /// It is a redirect.
    Redirect,
    /// It is late, or never came.
    Time,
}

impl LoadTally {
    pub(super) fn new() -> Self {
        Self {
            outcomes: [0; 4],
            statuses: Vec::new(),
            reasons: HashMap::new(),
            violations: Violations::default(),
            not_started: 0,
            latency: Histogram::new(3).ok(),
            longest: Duration::ZERO,
        }
    }

    /// The number of counted requests.
    pub(super) fn requests(&self) -> u64 {
        self.outcomes.iter().sum()
    }

    /// Counts a delivery by its outcome and the status of its response.
    pub(super) fn outcome(&mut self, outcome: Outcome, status: Option<u16>) {
        self.outcomes[index(outcome)] += 1;
        if let Some(status) = status {
            self.status(status, 1);
        }
    }

    fn status(&mut self, status: u16, times: u64) {
        match self.statuses.iter_mut().find(|(known, _)| *known == status) {
            Some((_, count)) => *count += times,
            None => self.statuses.push((status, times)),
        }
    }

    /// Counts why a delivery was not accepted.
    pub(super) fn reason(&mut self, reason: String, violation: Option<RuleViolation>) {
        self.add_reason(reason, 1);
        match violation {
            Some(RuleViolation::Status) => self.violations.status += 1,
            Some(RuleViolation::Redirect) => self.violations.redirect += 1,
            Some(RuleViolation::Time) => self.violations.time += 1,
            None => {}
        }
    }

    fn add_reason(&mut self, reason: String, times: u64) {
        let full = self.reasons.len() >= MAX_REASONS && !self.reasons.contains_key(&reason);
        *self.reasons.entry(if full { "other reasons".to_owned() } else { reason }).or_default() += times;
    }

    /// Counts how long a delivery took.
    pub(super) fn latency(&mut self, time: Duration) {
        self.latencies(time, 1);
    }

    fn latencies(&mut self, time: Duration, count: u64) {
        self.longest = self.longest.max(time);
        if let Some(histogram) = &mut self.latency {
            // This fails only for values out of range, and the range grows.
            let _ = histogram.record_n(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), count);
        }
    }

    /// Counts deliveries that never started; `waited` is the time since they were due.
    pub(super) fn not_started(&mut self, waited: Duration, count: u64) {
        self.not_started += count;
        self.latencies(waited, count);
    }

    /// Adds the counts of another tally.
    pub(super) fn add(&mut self, other: Self) {
        for (count, more) in self.outcomes.iter_mut().zip(other.outcomes) {
            *count += more;
        }
        for (status, times) in other.statuses {
            self.status(status, times);
        }
        for (reason, times) in other.reasons {
            self.add_reason(reason, times);
        }
        self.violations.status += other.violations.status;
        self.violations.redirect += other.violations.redirect;
        self.violations.time += other.violations.time;
        self.not_started += other.not_started;
        self.longest = self.longest.max(other.longest);
        if let (Some(histogram), Some(more)) = (&mut self.latency, &other.latency) {
            let _ = histogram.add(more);
        }
    }

    /// The statistics of a run that took `elapsed`.
    pub(super) fn summary(mut self, elapsed: Duration) -> LoadSummary {
        self.statuses.sort_unstable();
        let mut reasons: Vec<(String, u64)> = self.reasons.drain().collect();
        reasons.sort_unstable_by(|(a, more), (b, less)| less.cmp(more).then_with(|| a.cmp(b)));
        LoadSummary {
            requests: self.requests(),
            elapsed,
            outcomes: self.outcomes,
            latency: self.distribution(),
            statuses: self.statuses,
            reasons,
            violations: self.violations,
            not_started: self.not_started,
        }
    }

    fn distribution(&self) -> Option<Latency> {
        let histogram = self.latency.as_ref().filter(|histogram| !histogram.is_empty())?;
        // The histogram rounds up to the largest value in a bucket.
        let at = |quantile| Duration::from_micros(histogram.value_at_quantile(quantile)).min(self.longest);
        Some(Latency {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p99_9: at(0.999),
            max: self.longest,
            bars: bars(histogram),
        })
    }
}

/// The counts between round times, with few enough bars to fit a screen.
fn bars(histogram: &Histogram<u64>) -> Vec<(Duration, u64)> {
    let fine = bars_of(histogram, &[1, 2, 5]);
    if fine.len() <= MAX_BARS { fine } else { bars_of(histogram, &[1]) }
}

/// The counts between these multiples of the powers of ten.
fn bars_of(histogram: &Histogram<u64>, steps: &[u64]) -> Vec<(Duration, u64)> {
    let powers = (1..).map_while(|power| 10_u64.checked_pow(power));
    let mut edges = powers.flat_map(|power| steps.iter().map(move |step| power.saturating_mul(*step)));
    let mut edge = edges.next().unwrap_or(u64::MAX);
    let mut bars: Vec<(Duration, u64)> = Vec::new();
    for value in histogram.iter_recorded() {
        while histogram.lowest_equivalent(value.value_iterated_to()) > edge {
            edge = edges.next().unwrap_or(u64::MAX);
            if !bars.is_empty() {
                // Empty bars between the first and the last are included.
                bars.push((Duration::from_micros(edge), 0));
            }
        }
        match bars.last_mut() {
            Some((_, count)) => *count += value.count_at_value(),
            None => bars.push((Duration::from_micros(edge), value.count_at_value())),
        }
    }
    bars
}

const fn index(outcome: Outcome) -> usize {
    match outcome {
        Outcome::Accepted => 0,
        Outcome::Refused => 1,
        Outcome::TimedOut => 2,
        Outcome::Unreachable => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn millis(time: u64) -> Duration {
        Duration::from_millis(time)
    }

    fn of(times: impl IntoIterator<Item = u64>) -> LoadTally {
        let mut tally = LoadTally::new();
        times.into_iter().for_each(|time| tally.latency(millis(time)));
        tally
    }

    #[test]
    fn tallies_are_added_up() {
        let mut one = of([1]);
        one.outcome(Outcome::Accepted, Some(200));
        let mut other = of([3000]);
        other.outcome(Outcome::Refused, Some(302));
        other.reason("a redirect".to_owned(), Some(RuleViolation::Redirect));
        other.outcome(Outcome::TimedOut, None);
        other.reason("no response".to_owned(), Some(RuleViolation::Time));
        other.reason("a redirect".to_owned(), None);
        other.not_started(millis(500), 1);
        one.add(other);
        let summary = one.summary(Duration::from_secs(2));
        assert_eq!((summary.requests, summary.outcomes), (3, [1, 1, 1, 0]));
        assert_eq!(summary.statuses, [(200, 1), (302, 1)]);
        assert_eq!(summary.reasons, [("a redirect".to_owned(), 2), ("no response".to_owned(), 1)]);
        assert_eq!(summary.violations, Violations { status: 0, redirect: 1, time: 1 });
        assert_eq!((summary.not_started, summary.latency.unwrap().max), (1, millis(3000)));
    }

    #[test]
    fn quantiles_cover_all_latencies() {
        let latency = of(1..=1000).summary(Duration::ZERO).latency.unwrap();
        // With three significant digits, a histogram is exact to a thousandth.
        for (quantile, expected) in [(latency.p50, 500), (latency.p90, 900), (latency.p99, 990), (latency.p99_9, 999)] {
            assert!(quantile >= millis(expected) && quantile <= millis(expected).mul_f64(1.001), "{quantile:?}");
        }
        assert_eq!(latency.max, millis(1000));
    }

    #[test]
    fn bars_end_at_round_times_and_may_be_empty() {
        let latency = of([3, 4, 5, 30]).summary(Duration::ZERO).latency.unwrap();
        assert_eq!(latency.bars, [(5, 3), (10, 0), (20, 0), (50, 1)].map(|(time, count)| (millis(time), count)));
    }

    #[test]
    fn reasons_beyond_the_maximum_are_counted_together() {
        let mut tally = LoadTally::new();
        (0..150).for_each(|number| tally.reason(format!("reason {number}"), None));
        assert_eq!(tally.summary(Duration::ZERO).reasons[0], ("other reasons".to_owned(), 50));
    }
}
