//! One of the workers of a run: takes slots from the schedule, makes and sends the request of each, and counts the
//! result. A worker has one request in flight at a time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::{
    LoadProgress, Pace, Unreachable,
    schedule::{Schedule, ScheduleSlot},
    tally::{LoadTally, RuleViolation},
};
use crate::{
    engine::deliver::{Batch, DeliverError, DeliveryState, Dispatcher, Job, OutcomeReason, explain, outcome, report},
    net::client::{SendResult, Series, Transport, Wanted},
    webhook::{
        record::{Attempt, Outcome},
        time::{Timestamp, words},
    },
};

/// How long a worker waits before it retries an unreachable endpoint.
const UNREACHABLE_PAUSE: Duration = Duration::from_millis(100);

/// What all workers of a run share.
pub(super) struct WorkerContext<T> {
    pub schedule: Schedule,
    batch: Batch,
    dispatcher: Dispatcher<T>,
    /// Makes the ids and values of this run unique.
    entropy: [u8; 32],
    attempts: Option<mpsc::Sender<Attempt>>,
    failures_only: bool,
    /// Whether the endpoint has ever been reached.
    reached: AtomicBool,
    /// Set if the endpoint could never be reached.
    pub unreachable: Mutex<Option<Unreachable>>,
    /// Why the run can't continue.
    pub error: Mutex<Option<DeliverError>>,
}

impl<T> WorkerContext<T> {
    pub(super) fn new(
        batch: Batch,
        dispatcher: Dispatcher<T>,
        pace: Pace,
        started: Instant,
        entropy: [u8; 32],
        attempts: Option<mpsc::Sender<Attempt>>,
        failures_only: bool,
    ) -> Self {
        let schedule = Schedule::new(pace, started);
        let (reached, unreachable, error) = Default::default();
        Self { schedule, batch, dispatcher, entropy, attempts, failures_only, reached, unreachable, error }
    }
}

/// Runs a worker until there are no slots left.
pub(super) async fn run<T: Transport + Send>(shared: Arc<WorkerContext<T>>, progress: Arc<LoadProgress>, index: usize) {
    let tally = &progress.tallies[index];
    let mut series = Series::new(shared.wanted());
    while let Some(slot) = shared.schedule.take() {
        if let Err(error) = shared.fill(slot, &mut series, tally).await {
            *shared.error.lock() = Some(error);
            shared.schedule.stop();
        }
    }
}

impl<T: Transport> WorkerContext<T> {
    /// Makes the delivery of a slot when it is due.
    async fn fill(
        &self,
        slot: ScheduleSlot,
        series: &mut Series,
        tally: &Mutex<LoadTally>,
    ) -> Result<(), DeliverError> {
        let wait_until = slot.due.filter(|due| *due > Instant::now());
        if let Some(due) = wait_until {
            tokio::time::sleep_until(due.into()).await;
        }
        let index = usize::try_from(slot.number % self.batch.jobs.len() as u64).unwrap_or_default();
        let job = &self.batch.jobs[index];
        let (secrets, now) = (self.batch.secrets_of(job), self.dispatcher.now());
        let state = self.begin(job, slot.number, now);
        let request = state.request(job, &job.attempts(false), now, secrets)?;
        self.dispatcher.save(&request, job)?;
        let started = Instant::now();
        let timeout = self.dispatcher.timeout(job);
        let sent = self.dispatcher.send_in_series(series, &job.url, &request, timeout).await?;
        // If a delivery had to wait for a free worker, the handler caused the delay, so it counts. A late timer does
        // not.
        let due = slot.due.filter(|_| wait_until.is_none()).unwrap_or(started);
        let latency = started.duration_since(due) + sent.elapsed;
        let (outcome, reason) = outcome(job, &request, secrets.first(), &sent);
        let is_accepted = outcome == Outcome::Accepted;
        let is_reported = self.attempts.is_some() && !(self.failures_only && is_accepted);
        let explanation = (is_reported || !is_accepted).then(|| {
            let explanation = explain(job, state.is_unsigned(), secrets.first(), now, &sent, outcome);
            OutcomeReason { reason: reason.unwrap_or(explanation.reason), ..explanation }
        });
        let ends = match &explanation {
            Some(explanation) if outcome == Outcome::Unreachable => {
                self.ends_the_run(Unreachable { remedy: explanation.remedy.clone() }).await
            }
            _ => {
                self.reached.store(true, Ordering::Relaxed);
                false
            }
        };
        count(job, &sent, outcome, explanation.as_ref().map(|it| it.reason.as_str()), latency, &mut tally.lock());
        if let (Some(attempts), Some(explanation), true) = (&self.attempts, explanation, is_reported) {
            let attempt = self.dispatcher.redacted(report(job, &request, (1, 1), sent, outcome, explanation));
            // The receiver is gone, and reports why.
            if attempts.send(attempt).await.is_err() {
                self.schedule.stop();
            }
        }
        if ends {
            self.schedule.stop();
        } else if outcome == Outcome::Unreachable {
            tokio::time::sleep(UNREACHABLE_PAUSE).await;
        }
        Ok(())
    }

    /// What the run needs of a response: its headers are reported, and some handshakes prescribe them.
    fn wanted(&self) -> Wanted {
        let needs_headers = self.attempts.is_some() || self.batch.jobs.iter().any(|job| job.handshake().is_some());
        if needs_headers { Wanted::All } else { Wanted::AllButHeaders }
    }

    fn begin(&self, job: &Job, number: u64, now: Timestamp) -> DeliveryState {
        let mut entropy = self.entropy;
        for (byte, mixed) in entropy.iter_mut().zip(number.to_le_bytes()) {
            *byte ^= mixed;
        }
        self.dispatcher.begin_with(job, now, entropy)
    }

    /// Whether an unreachable endpoint ends the run, which it does if it was never reached. The first worker to notice
    /// reports it; the others wait for the end.
    async fn ends_the_run(&self, unreachable: Unreachable) -> bool {
        if self.reached.load(Ordering::Relaxed) {
            return false;
        }
        let is_first = {
            let mut found = self.unreachable.lock();
            let is_first = found.is_none();
            found.get_or_insert(unreachable);
            is_first
        };
        if !is_first {
            std::future::pending::<()>().await;
        }
        true
    }
}

/// Counts the result of a delivery; `reason` says why it was not accepted.
fn count(
    job: &Job,
    sent: &SendResult,
    outcome: Outcome,
    reason: Option<&str>,
    latency: Duration,
    tally: &mut LoadTally,
) {
    let status = sent.received().map(|response| response.status);
    tally.outcome(outcome, status);
    if status.is_some() || outcome == Outcome::TimedOut {
        tally.latency(latency);
    }
    let Some(reason) = reason.filter(|_| outcome != Outcome::Accepted) else { return };
    let provider = job.provider.as_ref();
    let limit = provider.and_then(|provider| provider.delivery.timeout).filter(|limit| sent.elapsed >= *limit);
    let violation = match status {
        _ if limit.is_some() => Some(RuleViolation::Time),
        Some(300..400) if provider.is_some() => Some(RuleViolation::Redirect),
        Some(_) if provider.is_some() => Some(RuleViolation::Status),
        _ => None,
    };
    let reason = match (provider, limit, status) {
        // One reason for all late responses; the latencies show how late each was.
        (Some(provider), Some(limit), Some(_)) => {
            format!("the response took longer than {}, the timeout of {}", words(limit), provider.title)
        }
        _ => reason.to_owned(),
    };
    tally.reason(reason, violation);
}
