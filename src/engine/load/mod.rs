//! Load: many deliveries in a short time, each with fresh values and its own signature, and statistics of the results.

mod schedule;
mod tally;
#[cfg(test)]
mod tests;
mod worker;

use std::{
    iter,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::{
    sync::mpsc,
    task::{JoinError, JoinSet},
};

use super::{
    deliver::{Batch, DeliverError, Dispatcher},
    entropy::{EntropyError, entropy},
};
use crate::{
    net::client::Transport,
    webhook::{load::LoadSummary, record::Attempt, remedy::Remedy},
};

use self::{tally::LoadTally, worker::WorkerContext};

pub use self::schedule::Pace;

/// How a run is paced and reported.
#[derive(Debug)]
pub struct LoadSettings {
    /// How many deliveries start, and when.
    pub pace: Pace,
    /// The maximum number of requests in flight.
    pub concurrency: u16,
    /// Where attempts are reported, if anywhere. A slow receiver slows down the run.
    pub attempts: Option<mpsc::Sender<Attempt>>,
    /// Whether only failed attempts are reported.
    pub failures_only: bool,
}

/// A run that has not started.
pub struct LoadRun<T> {
    shared: Arc<WorkerContext<T>>,
    progress: Arc<LoadProgress>,
}

/// How far a run has got.
#[derive(Debug)]
pub struct LoadProgress {
    started: Instant,
    /// One for each worker, so that workers do not wait for each other.
    tallies: Vec<Mutex<LoadTally>>,
}

impl LoadProgress {
    /// The number of finished requests.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.tallies.iter().map(|tally| tally.lock().requests()).sum()
    }

    /// The time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

/// The result of a run.
#[derive(Debug)]
pub struct LoadReport {
    /// The statistics.
    pub summary: LoadSummary,
    /// Whether the run was cancelled.
    pub is_cancelled: bool,
    /// Set if the run ended because the endpoint could never be reached.
    pub unreachable: Option<Unreachable>,
}

/// An endpoint that could never be reached.
#[derive(Clone, Debug)]
pub struct Unreachable {
    /// What the user can do about it.
    pub remedy: Option<Remedy>,
}

impl<T: Transport + Send + 'static> LoadRun<T> {
    /// A run of these jobs in rotation. The clock starts now.
    ///
    /// # Errors
    ///
    /// If the operating system provides no randomness.
    pub fn new(batch: Batch, dispatcher: Dispatcher<T>, settings: LoadSettings) -> Result<Self, EntropyError> {
        let LoadSettings { pace, concurrency, attempts, failures_only } = settings;
        let started = Instant::now();
        let needed = pace.total.and_then(|total| usize::try_from(total).ok()).unwrap_or(usize::MAX);
        let workers = if batch.jobs.is_empty() { 0 } else { needed.min(concurrency.into()) };
        let tallies = iter::repeat_with(|| Mutex::new(LoadTally::new())).take(workers).collect();
        let shared = WorkerContext::new(batch, dispatcher, pace, started, entropy()?, attempts, failures_only);
        Ok(Self { shared: Arc::new(shared), progress: Arc::new(LoadProgress { started, tallies }) })
    }

    /// The progress of the run, which can be read while it runs.
    #[must_use]
    pub fn progress(&self) -> Arc<LoadProgress> {
        Arc::clone(&self.progress)
    }

    /// Makes the deliveries, until there are none left or `cancelled` completes. Requests in flight are then dropped
    /// and not counted.
    ///
    /// # Errors
    ///
    /// If a request can't be made, saved or sent, whatever the endpoint does.
    pub async fn run(self, cancelled: impl Future<Output = ()>) -> Result<LoadReport, DeliverError> {
        let Self { shared, progress } = self;
        let mut workers = JoinSet::new();
        let work = async {
            for index in 0..progress.tallies.len() {
                workers.spawn(worker::run(Arc::clone(&shared), Arc::clone(&progress), index));
            }
            join(&mut workers).await;
        };
        let is_cancelled = tokio::select! {
            // `cancelled` is polled first, so that a cancellation is noticed before anything is sent.
            biased;
            () = cancelled => true,
            () = shared.schedule.stopped() => false,
            () = work => false,
        };
        let was_stopped = shared.schedule.stop() || is_cancelled;
        workers.abort_all();
        join(&mut workers).await;
        let mut total = LoadTally::new();
        for tally in &progress.tallies {
            total.add(std::mem::replace(&mut *tally.lock(), LoadTally::new()));
        }
        let (elapsed, ended) = (progress.elapsed(), Instant::now());
        if !was_stopped {
            for (due, count) in shared.schedule.missed(total.requests()) {
                total.not_started(ended.saturating_duration_since(due), count);
            }
        }
        let summary = total.summary(elapsed);
        match shared.error.lock().take() {
            Some(error) => Err(error),
            None => Ok(LoadReport { summary, is_cancelled, unreachable: shared.unreachable.lock().take() }),
        }
    }
}

/// Waits for all workers to end.
async fn join(workers: &mut JoinSet<()>) {
    while let Some(ended) = workers.join_next().await {
        if let Err(Ok(panic)) = ended.map_err(JoinError::try_into_panic) {
            std::panic::resume_unwind(panic);
        }
    }
}
