//! Saves deliveries on a thread of its own, so that a slow disk delays only the responses that wait for it. Captures
//! that arrive while one is written are written together.

use std::{
    fmt, io, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::Arc,
    thread,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::{
    store::captures::{CaptureName, CaptureStore},
    webhook::{capture, record::Delivery, redact, remedy::Wording, time::Timestamp},
};

/// How long a delivery waits until it is saved. A full pipe whose reader has stopped, or a disk that has, would hold up
/// every sender.
const SAVE_TIME: Duration = Duration::from_secs(10);

/// How many captures can wait to be written. More wait for a place, within [`SAVE_TIME`].
const QUEUE_LENGTH: usize = 1024;

/// How many bytes of captures are written together, unless a single one is larger.
const BATCH_BYTES: usize = 64 << 10;

/// How long a thread pauses after writing several lines at once that responses were waiting for, because more are
/// likely to follow. Two busy cores forward about a third more deliveries than if each line woke the thread. A single
/// sender that waits for each response is never delayed by this.
pub const SHORT_GATHER_TIME: Duration = Duration::from_micros(50);

/// The approximate size of a capture without its body, in bytes.
const OVERHEAD_BYTES: usize = 1 << 10;

/// Why captures are not saved after a panic, which has its own report.
const PANICKED: &str = "the capture writer failed";

/// Saves deliveries in a capture store.
#[derive(Clone, Debug)]
pub struct CaptureWriter {
    captures: mpsc::Sender<PendingCapture>,
    reporter: Arc<SaveReporter>,
    redact: bool,
    wording: Wording,
}

/// A change in whether captures can be saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaveChange {
    /// A capture can't be saved, for this reason. Later ones with the same reason are not reported.
    Failing(String),
    /// Captures can be saved again, after this many could not be. 0 if each was only completed too late.
    Recovered(u64),
}

/// Reports changes in whether captures can be saved.
struct SaveReporter {
    failures: Mutex<Failures>,
    on_change: Box<dyn Fn(SaveChange) + Send + Sync>,
}

impl fmt::Debug for SaveReporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaveReporter").field("failures", &self.failures).finish_non_exhaustive()
    }
}

impl SaveReporter {
    fn new(on_change: impl Fn(SaveChange) + Send + Sync + 'static) -> Self {
        Self { failures: Mutex::default(), on_change: Box::new(on_change) }
    }

    /// Reports the change, if any, and passes the result to the delivery that waits for it.
    fn finish(&self, result: SaveResult, saved: oneshot::Sender<SaveResult>) {
        let mut failures = self.failures.lock();
        self.report(match &result {
            Ok(_) => failures.end(),
            Err(reason) => failures.add(reason, 1),
        });
        // This fails if the request was cancelled, or has waited for too long.
        let _ = saved.send(result);
    }

    /// Takes back a capture that was not saved in time, and returns why; or its result, if it was saved at the last
    /// moment. One that is being written counts when it is finished.
    fn give_up(&self, object: &Mutex<Vec<u8>>, result: &mut oneshot::Receiver<SaveResult>) -> SaveResult {
        let mut failures = self.failures.lock();
        if let Ok(result) = result.try_recv() {
            return result;
        }
        let unwritten = mem::take(&mut *object.lock());
        let reason = format!("saving takes longer than {} s", SAVE_TIME.as_secs());
        self.report(failures.add(&reason, u64::from(!unwritten.is_empty())));
        Err(reason)
    }

    fn report(&self, change: Option<SaveChange>) {
        if let Some(change) = change {
            (self.on_change)(change);
        }
    }
}

/// The failures since the last success.
#[derive(Debug, Default)]
struct Failures {
    /// The reason that was reported last, if any.
    reason: Option<String>,
    /// How many captures could not be saved.
    unsaved: u64,
}

impl Failures {
    /// Adds a failure. `unsaved` is 0 if the capture is still being written, otherwise 1. Returns the change to report,
    /// if any.
    fn add(&mut self, reason: &str, unsaved: u64) -> Option<SaveChange> {
        self.unsaved += unsaved;
        let is_new = self.reason.as_deref() != Some(reason);
        is_new.then(|| SaveChange::Failing(self.reason.insert(reason.to_owned()).clone()))
    }

    /// Ends them with a success. Returns the change to report, if any.
    fn end(&mut self) -> Option<SaveChange> {
        let Self { reason, unsaved } = mem::take(self);
        reason.map(|_| SaveChange::Recovered(unsaved))
    }
}

/// The path of the file with a capture, or the reason why it could not be saved.
type SaveResult = Result<String, String>;

/// A capture that has not been written yet.
#[derive(Debug)]
struct PendingCapture {
    received_at: Timestamp,
    seq: u64,
    label: Option<String>,
    /// The capture: one JSON object. Empty once it is no longer waited for, because its sender was asked to send it
    /// again.
    object: Arc<Mutex<Vec<u8>>>,
    saved: oneshot::Sender<SaveResult>,
}

impl CaptureWriter {
    /// Starts the thread for a store. With `redact`, captures contain no credentials; `wording` puts hints into words.
    /// `on_change` must not block.
    pub fn start(
        store: Arc<CaptureStore>,
        redact: bool,
        wording: Wording,
        on_change: impl Fn(SaveChange) + Send + Sync + 'static,
    ) -> Self {
        let (captures, pending) = mpsc::channel(QUEUE_LENGTH);
        let reporter = Arc::new(SaveReporter::new(on_change));
        // Each capture that is written to a pipe may be the one that nothing reads.
        let batch_bytes = if store.is_pipe() { 1 } else { BATCH_BYTES };
        thread::spawn({
            let reporter = Arc::clone(&reporter);
            move || write(|batch| store.write_all(batch), pending, batch_bytes, &reporter)
        });
        Self { captures, reporter, redact, wording }
    }

    /// Saves a delivery and returns the path of the file that contains it. Waits up to [`SAVE_TIME`].
    ///
    /// # Errors
    ///
    /// The reason, if it could not be saved.
    pub async fn save(&self, delivery: &Delivery) -> SaveResult {
        let mut object = Vec::with_capacity(delivery.request.body.len() / 3 * 4 + OVERHEAD_BYTES);
        if self.redact {
            capture::write_delivery(&redact::delivery(delivery), self.wording, &mut object);
        } else {
            capture::write_delivery(delivery, self.wording, &mut object);
        }
        let assessment = &delivery.assessment;
        let label = assessment.event.clone().or_else(|| assessment.provider_name().map(str::to_owned));
        let (saved, mut result) = oneshot::channel();
        let object = Arc::new(Mutex::new(object));
        let unwritten = Arc::clone(&object);
        let capture = PendingCapture { received_at: delivery.received_at, seq: delivery.seq, label, object, saved };
        let finished = timeout(SAVE_TIME, async {
            // If the thread has ended, `saved` is dropped and the result is an error.
            let _ = self.captures.send(capture).await;
            (&mut result).await
        });
        match finished.await {
            Ok(result) => result.unwrap_or_else(|_| Err(PANICKED.to_owned())),
            Err(_) => self.reporter.give_up(&unwritten, &mut result),
        }
    }
}

/// A capture with its name, as a [`CaptureStore`] takes it.
type Named<'a> = (CaptureName<'a>, &'a [u8]);

/// Writes captures with `save` until their senders are gone, up to `batch_bytes` together unless a single one is
/// larger.
fn write(
    save: impl Fn(&[Named<'_>]) -> Vec<io::Result<PathBuf>>,
    mut pending: mpsc::Receiver<PendingCapture>,
    batch_bytes: usize,
    reporter: &SaveReporter,
) {
    while let Some(first) = pending.blocking_recv() {
        let (mut bytes, mut batch, mut next) = (0, Vec::new(), Some(first));
        while let Some(capture) = next {
            let object = mem::take(&mut *capture.object.lock());
            if !object.is_empty() {
                bytes += object.len();
                batch.push((capture, object));
            }
            next = if bytes < batch_bytes { pending.try_recv().ok() } else { None };
        }
        if batch.is_empty() {
            continue;
        }
        let named: Vec<_> = batch.iter().map(|(capture, object)| (capture.name(), object.trim_ascii_end())).collect();
        let results = catch_unwind(AssertUnwindSafe(|| save(&named)))
            .unwrap_or_else(|_| named.iter().map(|_| Err(io::Error::other(PANICKED))).collect());
        let has_several = batch.len() > 1;
        for ((capture, _), result) in batch.into_iter().zip(results) {
            let result = result.map(|path| path.display().to_string()).map_err(|error| error.to_string());
            reporter.finish(result, capture.saved);
        }
        if has_several {
            thread::sleep(SHORT_GATHER_TIME);
        }
    }
}

impl PendingCapture {
    fn name(&self) -> CaptureName<'_> {
        let Self { received_at, seq, label, .. } = self;
        CaptureName { received_at: *received_at, seq: *seq, label: label.as_deref() }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use futures_util::{FutureExt, future::join_all};
    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::engine::receive::tests::delivery;

    type Changes = std::sync::mpsc::Receiver<SaveChange>;

    /// A writer whose queue has this length, without its thread: the captures to write, and the changes it reports.
    fn writer(queue_length: usize) -> (CaptureWriter, mpsc::Receiver<PendingCapture>, Changes) {
        let (sender, changes) = std::sync::mpsc::channel();
        let (captures, pending) = mpsc::channel(queue_length);
        let reporter = Arc::new(SaveReporter::new(move |change| sender.send(change).unwrap()));
        (CaptureWriter { captures, reporter, redact: false, wording: |_| String::new() }, pending, changes)
    }

    fn too_long() -> String {
        "saving takes longer than 10 s".to_owned()
    }

    #[tokio::test]
    async fn deliveries_are_saved_in_the_order_in_which_they_arrive() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.ndjson");
        let writer = CaptureWriter::start(CaptureStore::open(&path).unwrap().into(), false, |_| String::new(), |_| ());
        // Each in a task of its own, as they are received.
        let saved = join_all((0..100).map(|seq| {
            let (writer, delivery) = (writer.clone(), delivery(seq));
            tokio::spawn(async move { writer.save(&delivery).await })
        }));
        let saved: Vec<SaveResult> = saved.await.into_iter().map(Result::unwrap).collect();
        assert_eq!(saved, vec![Ok(path.display().to_string()); 100]);
        let log = fs::read_to_string(&path).unwrap();
        let seqs: Vec<u64> = log
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["seq"].as_u64().unwrap())
            .collect();
        assert_eq!(seqs, (0..100).collect::<Vec<u64>>());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn every_delivery_that_is_not_saved_says_why() {
        let (sender, changes) = std::sync::mpsc::channel();
        let store = CaptureStore::open("/dev/full".as_ref()).unwrap().into();
        let writer = CaptureWriter::start(store, false, |_| String::new(), move |change| sender.send(change).unwrap());
        let deliveries: Vec<Delivery> = (0..3).map(delivery).collect();
        let saved = join_all(deliveries.iter().map(|delivery| writer.save(delivery))).await;
        let reason = "No space left on device (os error 28)";
        assert_eq!(saved, vec![Err(reason.to_owned()); 3]);
        assert_eq!(changes.try_iter().collect::<Vec<_>>(), [SaveChange::Failing(reason.to_owned())]);
    }

    #[tokio::test]
    async fn a_panic_is_reported_as_a_failure_and_the_next_captures_are_saved() {
        let (writer, pending, changes) = writer(1);
        let is_first = std::sync::atomic::AtomicBool::new(true);
        let save = move |batch: &[Named<'_>]| {
            assert!(!is_first.swap(false, std::sync::atomic::Ordering::Relaxed), "a panic of this test");
            batch.iter().map(|_| Ok("saved".into())).collect()
        };
        let reporter = Arc::clone(&writer.reporter);
        thread::spawn(move || write(save, pending, BATCH_BYTES, &reporter));
        assert_eq!(writer.save(&delivery(1)).await, Err(PANICKED.to_owned()));
        assert_eq!(writer.save(&delivery(2)).await, Ok("saved".to_owned()));
        assert_eq!(
            changes.try_iter().collect::<Vec<_>>(),
            [SaveChange::Failing(PANICKED.to_owned()), SaveChange::Recovered(1)]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_delivery_that_is_not_written_in_time_fails_and_only_one_that_was_begun_is_written_later() {
        // With one delivery, it is the one that was begun, and nothing is lost.
        for count in [1, 3] {
            let (writer, pending, changes) = writer(10);
            let (read, reader) = std::sync::mpsc::channel::<()>();
            let (begun, begins) = std::sync::mpsc::channel();
            let save = move |batch: &[Named<'_>]| {
                begun.send(batch.iter().map(|(name, _)| name.seq).collect::<Vec<_>>()).unwrap();
                // The reader of a full pipe.
                reader.recv().unwrap();
                batch.iter().map(|_| Ok("saved".into())).collect()
            };
            let reporter = Arc::clone(&writer.reporter);
            let thread = thread::spawn(move || write(save, pending, 1, &reporter));
            let deliveries: Vec<Delivery> = (1..=count).map(delivery).collect();
            let mut saved = join_all(deliveries.iter().map(|delivery| writer.save(delivery)));
            assert!((&mut saved).now_or_never().is_none());
            assert_eq!(begins.recv().unwrap(), [1]);
            assert_eq!(saved.await, vec![Err(too_long()); deliveries.len()]);
            assert_eq!(changes.try_iter().collect::<Vec<_>>(), [SaveChange::Failing(too_long())]);
            // The reader goes on.
            read.send(()).unwrap();
            assert_eq!(changes.recv().unwrap(), SaveChange::Recovered(count - 1));
            drop((writer, read));
            thread.join().unwrap();
            assert_eq!(begins.iter().next(), None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_in_the_queue_and_the_result_are_waited_for_together() {
        let (writer, mut pending, changes) = writer(1);
        let deliveries = [delivery(1), delivery(2)];
        let start = Instant::now();
        // The second gets the first's place, but no result.
        let first = async {
            sleep(SAVE_TIME / 2).await;
            pending.recv().await
        };
        let saved = join_all(deliveries.iter().map(|delivery| writer.save(delivery)));
        let (saved, first) = tokio::join!(saved, first);
        assert_eq!((saved, start.elapsed().as_secs()), (vec![Err(too_long()); 2], 10));
        assert_eq!((first.unwrap().seq, pending.recv().await.unwrap().seq), (1, 2));
        assert_eq!(changes.try_iter().collect::<Vec<_>>(), [SaveChange::Failing(too_long())]);
    }

    #[test]
    fn a_capture_that_was_saved_at_the_last_moment_is_not_given_up() {
        let (writer, _, changes) = writer(1);
        let (saved, mut result) = oneshot::channel();
        writer.reporter.finish(Ok("saved".to_owned()), saved);
        assert_eq!(writer.reporter.give_up(&Mutex::default(), &mut result), Ok("saved".to_owned()));
        assert_eq!(changes.try_iter().collect::<Vec<_>>(), []);
    }

    #[test]
    fn a_failure_is_reported_once_for_each_reason_and_its_end_with_the_count() {
        let mut failures = Failures::default();
        let failing = |reason: &str| Some(SaveChange::Failing(reason.to_owned()));
        assert_eq!(failures.end(), None);
        assert_eq!([failures.add("full", 1), failures.add("full", 1)], [failing("full"), None]);
        assert_eq!([failures.add("slow", 0), failures.add("full", 1)], [failing("slow"), failing("full")]);
        assert_eq!([failures.end(), failures.end()], [Some(SaveChange::Recovered(3)), None]);
        assert_eq!([failures.add("slow", 0), failures.end()], [failing("slow"), Some(SaveChange::Recovered(0))]);
    }
}
