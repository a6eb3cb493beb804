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
    sync::{
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        oneshot,
    },
    time::timeout,
};

use crate::{
    store::captures::{CaptureName, CaptureStore},
    webhook::{capture, record::Delivery, redact, remedy::Wording, time::Timestamp},
};

/// How long a delivery waits until it is saved. A full pipe whose reader has stopped, or a disk that has, would hold up
/// every sender.
const SAVE_TIME: Duration = Duration::from_secs(10);

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
    captures: UnboundedSender<PendingCapture>,
    reporter: Arc<SaveReporter>,
    redact: bool,
    wording: Wording,
}

/// A change in whether captures can be saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaveChange {
    /// A capture can't be saved, for this reason. Later ones with the same reason are not reported.
    Failing(String),
    /// Captures can be saved again, after this many could not be.
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

    /// Counts a result, and reports the change, if any.
    fn add(&self, result: &Result<String, String>) {
        let mut failures = self.failures.lock();
        if let Some(change) = failures.add(result) {
            (self.on_change)(change);
        }
    }
}

/// The captures that could not be saved since the last success.
#[derive(Debug, Default)]
struct Failures {
    count: u64,
    reason: String,
}

impl Failures {
    /// Counts a result. Returns the change to report, if any.
    fn add(&mut self, result: &Result<String, String>) -> Option<SaveChange> {
        match result {
            Ok(_) if self.count == 0 => None,
            Ok(_) => Some(SaveChange::Recovered(mem::take(self).count)),
            Err(reason) => {
                self.count += 1;
                let is_new = self.reason != *reason;
                self.reason.clone_from(reason);
                is_new.then(|| SaveChange::Failing(reason.clone()))
            }
        }
    }
}

/// A capture that has not been written yet.
#[derive(Debug)]
struct PendingCapture {
    received_at: Timestamp,
    seq: u64,
    label: Option<String>,
    /// The capture: one JSON object. Empty once it is no longer waited for, because its sender was asked to send it
    /// again.
    object: Arc<Mutex<Vec<u8>>>,
    saved: oneshot::Sender<Result<String, String>>,
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
        let (captures, pending) = unbounded_channel();
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
    pub async fn save(&self, delivery: &Delivery) -> Result<String, String> {
        let mut object = Vec::with_capacity(delivery.request.body.len() / 3 * 4 + OVERHEAD_BYTES);
        if self.redact {
            capture::write_delivery(&redact::delivery(delivery), self.wording, &mut object);
        } else {
            capture::write_delivery(delivery, self.wording, &mut object);
        }
        let assessment = &delivery.assessment;
        let label = assessment.event.clone().or_else(|| assessment.provider_name().map(str::to_owned));
        let (saved, result) = oneshot::channel();
        let object = Arc::new(Mutex::new(object));
        let unwritten = Arc::clone(&object);
        let capture = PendingCapture { received_at: delivery.received_at, seq: delivery.seq, label, object, saved };
        // If the thread has ended, `saved` is dropped and the result is an error.
        let _ = self.captures.send(capture);
        if let Ok(result) = timeout(SAVE_TIME, result).await {
            return result.unwrap_or_else(|_| Err(PANICKED.to_owned()));
        }
        drop(mem::take(&mut *unwritten.lock()));
        let late = Err(format!("nothing could be written for {} s", SAVE_TIME.as_secs()));
        self.reporter.add(&late);
        late
    }
}

/// A capture with its name, as a [`CaptureStore`] takes it.
type Named<'a> = (CaptureName<'a>, &'a [u8]);

/// Writes captures with `save` until their senders are gone, up to `batch_bytes` together unless a single one is
/// larger.
fn write(
    save: impl Fn(&[Named<'_>]) -> Vec<io::Result<PathBuf>>,
    mut pending: UnboundedReceiver<PendingCapture>,
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
            reporter.add(&result);
            // This fails if the request was cancelled, or was waiting for too long.
            let _ = capture.saved.send(result);
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

    use super::*;
    use crate::engine::receive::tests::delivery;

    #[tokio::test]
    async fn deliveries_are_saved_in_the_order_in_which_they_arrive() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.ndjson");
        let writer = CaptureWriter::start(CaptureStore::open(&path).unwrap().into(), false, |_| String::new(), |_| ());
        let deliveries: Vec<Delivery> = (0..100).map(delivery).collect();
        let saved = join_all(deliveries.iter().map(|delivery| writer.save(delivery))).await;
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
        let (sender, changes) = std::sync::mpsc::channel();
        let (captures, pending) = unbounded_channel();
        let is_first = std::sync::atomic::AtomicBool::new(true);
        let save = move |batch: &[Named<'_>]| {
            assert!(!is_first.swap(false, std::sync::atomic::Ordering::Relaxed), "a panic of this test");
            batch.iter().map(|_| Ok("saved".into())).collect()
        };
        let reporter = Arc::new(SaveReporter::new(move |change| sender.send(change).unwrap()));
        let writer =
            CaptureWriter { captures, reporter: Arc::clone(&reporter), redact: false, wording: |_| String::new() };
        thread::spawn(move || write(save, pending, BATCH_BYTES, &reporter));
        assert_eq!(writer.save(&delivery(1)).await, Err(PANICKED.to_owned()));
        assert_eq!(writer.save(&delivery(2)).await, Ok("saved".to_owned()));
        assert_eq!(
            changes.try_iter().collect::<Vec<_>>(),
            [SaveChange::Failing(PANICKED.to_owned()), SaveChange::Recovered(1)]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_delivery_that_is_not_written_in_time_fails_and_is_not_written_later() {
        let (sender, changes) = std::sync::mpsc::channel();
        let (captures, pending) = unbounded_channel();
        let (read, reader) = std::sync::mpsc::channel::<()>();
        let (begun, begins) = std::sync::mpsc::channel();
        let (written, batches) = std::sync::mpsc::channel();
        let save = move |batch: &[Named<'_>]| {
            begun.send(()).unwrap();
            // The reader of a full pipe.
            reader.recv().unwrap();
            written.send(batch.iter().map(|(name, _)| name.seq).collect::<Vec<_>>()).unwrap();
            batch.iter().map(|_| Ok("saved".into())).collect()
        };
        let reporter = Arc::new(SaveReporter::new(move |change| sender.send(change).unwrap()));
        let writer =
            CaptureWriter { captures, reporter: Arc::clone(&reporter), redact: false, wording: |_| String::new() };
        let thread = thread::spawn(move || write(save, pending, 1, &reporter));
        let reason = "nothing could be written for 10 s".to_owned();
        let deliveries: Vec<Delivery> = (1..=3).map(delivery).collect();
        let mut saved = join_all(deliveries.iter().map(|delivery| writer.save(delivery)));
        assert!((&mut saved).now_or_never().is_none());
        begins.recv().unwrap();
        assert_eq!(saved.await, vec![Err(reason.clone()); 3]);
        assert_eq!(changes.try_iter().collect::<Vec<_>>(), [SaveChange::Failing(reason)]);
        // The reader goes on. The first delivery had been passed to the system, so it is completed.
        read.send(()).unwrap();
        assert_eq!(batches.recv().unwrap(), [1]);
        read.send(()).unwrap();
        let last = delivery(4);
        tokio::time::resume();
        assert_eq!(writer.save(&last).await, Ok("saved".to_owned()));
        drop(writer);
        thread.join().unwrap();
        assert_eq!(batches.try_iter().collect::<Vec<_>>(), [[4]]);
        assert_eq!(changes.try_iter().collect::<Vec<_>>(), [SaveChange::Recovered(3)]);
    }

    #[test]
    fn a_failure_is_reported_once_for_each_reason_and_its_end_with_the_count() {
        let mut failures = Failures::default();
        let (saved, full, gone) = (Ok(String::new()), Err("full".to_owned()), Err("gone".to_owned()));
        let results = [&saved, &full, &full, &gone, &saved, &saved, &full];
        let changes: Vec<_> = results.into_iter().filter_map(|result| failures.add(result)).collect();
        let failing = |reason: &str| SaveChange::Failing(reason.to_owned());
        assert_eq!(changes, [failing("full"), failing("gone"), SaveChange::Recovered(3), failing("full")]);
    }
}
