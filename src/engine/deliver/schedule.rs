//! Makes the attempts of all deliveries when they are due, one at a time.

use std::{cmp::Reverse, collections::BinaryHeap, io, time::Duration};

use tokio::time::{Instant, sleep_until};

use super::{Batch, DeliverError, Dispatcher, Job, OngoingDelivery};
use crate::{
    net::client::Transport,
    webhook::record::{Attempt, Outcome},
};

/// Whether and how fast to follow the provider's retry schedule.
#[derive(Clone, Copy, Debug)]
pub enum Retries {
    /// Failed deliveries are not retried.
    None,
    /// The provider's waits are divided by this factor.
    AtSpeed(f64),
}

/// Receives what happens during a run.
pub trait DeliveryObserver {
    /// An attempt was made; `last` if it is the last one of its delivery.
    ///
    /// # Errors
    ///
    /// If the report can't be written. This ends the run.
    fn attempt(&mut self, attempt: &Attempt, last: bool) -> io::Result<()>;

    /// Nothing is due until the end of this wait.
    fn waiting(&mut self, wait: &Wait<'_>);

    /// The wait is over.
    fn resumed(&mut self);

    /// The endpoint of a job can't be reached, so this many other deliveries are skipped.
    fn gave_up(&mut self, job: &Job, skipped: usize);
}

/// The wait before an attempt.
#[derive(Clone, Copy, Debug)]
pub struct Wait<'a> {
    /// The event, if known.
    pub event: Option<&'a str>,
    /// The number of the attempt.
    pub number: u32,
    /// The maximum number of attempts of the delivery.
    pub of: u32,
    /// When the attempt is due.
    pub due: Instant,
    /// The length of the wait.
    pub length: Duration,
    /// How long the provider itself would wait.
    pub at_provider: Duration,
    /// The number of other deliveries that wait.
    pub others: usize,
}

/// The result of a run, which is that of its least successful delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunOutcome {
    /// Every delivery was accepted or, if it is a forgery, refused.
    Good,
    /// A delivery failed.
    Failed,
    /// An endpoint could not be reached.
    Unreachable,
}

impl RunOutcome {
    /// The result of the delivery whose last attempt this is.
    const fn of(attempt: &Attempt) -> Self {
        match attempt.outcome {
            _ if attempt.good => Self::Good,
            Outcome::Accepted | Outcome::Refused | Outcome::TimedOut => Self::Failed,
            Outcome::Unreachable => Self::Unreachable,
        }
    }
}

/// A delivery in the queue. The earliest comes first; of those due at the same time, the first job.
struct QueuedDelivery<'a> {
    due: Instant,
    index: usize,
    wait: Duration,
    at_provider: Duration,
    delivery: OngoingDelivery<'a>,
}

impl QueuedDelivery<'_> {
    fn key(&self) -> Reverse<(Instant, usize)> {
        Reverse((self.due, self.index))
    }
}

impl PartialEq for QueuedDelivery<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for QueuedDelivery<'_> {}

impl PartialOrd for QueuedDelivery<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for QueuedDelivery<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// Makes all deliveries. Without retries, as soon as an endpoint can't be reached, its remaining deliveries are
/// skipped.
///
/// # Errors
///
/// If a request can't be made, saved or sent, whatever the endpoint does, or the observer fails.
pub async fn run<T: Transport>(
    batch: &Batch,
    dispatcher: &Dispatcher<T>,
    retries: Retries,
    observer: &mut impl DeliveryObserver,
) -> Result<RunOutcome, DeliverError> {
    let (due, wait) = (Instant::now(), Duration::ZERO);
    let queued = |(index, job)| {
        let delivery = OngoingDelivery::new(job, batch.secrets_of(job), retries.are_wanted());
        QueuedDelivery { due, index, wait, at_provider: wait, delivery }
    };
    let mut queue: BinaryHeap<QueuedDelivery<'_>> = batch.jobs.iter().enumerate().map(queued).collect();
    let mut outcome = RunOutcome::Good;
    while let Some(mut next) = queue.pop() {
        wait_for(&next, queue.len(), observer).await;
        let result = next.delivery.attempt(dispatcher).await?;
        observer.attempt(&result.attempt, result.next.is_none()).map_err(DeliverError::Report)?;
        if let Some(wait) = result.next {
            if !wait.is_zero() {
                (next.wait, next.at_provider) = (retries.compressed(wait), wait);
                let now = Instant::now();
                next.due = now.checked_add(next.wait).unwrap_or(now);
            }
            queue.push(next);
            continue;
        }
        let last = RunOutcome::of(&result.attempt);
        outcome = outcome.max(last);
        if last == RunOutcome::Unreachable && !retries.are_wanted() {
            let endpoint = next.delivery.job.url.origin();
            let before = queue.len();
            queue.retain(|queued| queued.delivery.job.url.origin() != endpoint);
            observer.gave_up(next.delivery.job, before - queue.len());
        }
    }
    Ok(outcome)
}

async fn wait_for(next: &QueuedDelivery<'_>, others: usize, observer: &mut impl DeliveryObserver) {
    if next.due <= Instant::now() {
        return;
    }
    let (number, of) = next.delivery.next();
    observer.waiting(&Wait {
        event: next.delivery.job.event.as_deref(),
        number,
        of,
        due: next.due,
        length: next.wait,
        at_provider: next.at_provider,
        others,
    });
    sleep_until(next.due).await;
    observer.resumed();
}

impl Retries {
    fn compressed(self, wait: Duration) -> Duration {
        match self {
            // The next encoding follows immediately; it is not a retry.
            Self::None => wait,
            Self::AtSpeed(speed) => Duration::try_from_secs_f64(wait.as_secs_f64() / speed).unwrap_or(Duration::MAX),
        }
    }

    /// Whether the provider's retry schedule is followed.
    #[must_use]
    pub const fn are_wanted(self) -> bool {
        matches!(self, Self::AtSpeed(_))
    }
}
