//! Keeps captures away from the threads that answer, so that a slow disk holds up nothing but the answers
//! that wait for it. What has gathered is written together, and each is told once it is kept.

use std::sync::Arc;

use tokio::{
    sync::{
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        oneshot,
    },
    task::{spawn_blocking, yield_now},
};

use crate::{
    store::captures::{CaptureName, CaptureStore},
    webhook::time::Timestamp,
};

/// So many bytes of captures are written together, and at least one capture.
const BATCH: usize = 64 << 10;

/// So often it lets others go first before it writes: they hand in more, and fewer writes are handed over. Where
/// there is nothing else to do, that takes some microseconds.
const YIELDS: usize = 8;

/// Where captures are handed in.
#[derive(Clone, Debug)]
pub struct Keeper(UnboundedSender<Waiting>);

/// A capture to be kept.
#[derive(Debug)]
pub struct Capture {
    /// When it was received.
    pub received_at: Timestamp,
    /// Its number in this run.
    pub seq: u64,
    /// What it is named after, if anything is known of it.
    pub label: Option<String>,
    /// What is kept: a JSON object.
    pub object: Vec<u8>,
}

#[derive(Debug)]
struct Waiting {
    capture: Capture,
    kept: oneshot::Sender<Result<String, String>>,
}

impl Keeper {
    /// Begins to keep what is handed in, within a runtime; it ends once nothing more can be.
    pub fn start(store: CaptureStore) -> Self {
        let (sender, captures) = unbounded_channel();
        tokio::spawn(keep(Arc::new(store), captures));
        Self(sender)
    }

    /// Keeps a capture. Returns the file that holds it, or why there is none.
    pub async fn keep(&self, capture: Capture) -> Result<String, String> {
        let (kept, told) = oneshot::channel();
        // Should the task have ended, nobody tells.
        let _ = self.0.send(Waiting { capture, kept });
        told.await.unwrap_or_else(|_| Err("what keeps captures has failed".to_owned()))
    }
}

async fn keep(store: Arc<CaptureStore>, mut captures: UnboundedReceiver<Waiting>) {
    while let Some(first) = captures.recv().await {
        // What has come in meanwhile is handled first, and written along.
        for _ in 0..YIELDS {
            yield_now().await;
        }
        let mut bytes = first.capture.object.len();
        let mut batch = vec![first];
        while bytes < BATCH
            && let Ok(next) = captures.try_recv()
        {
            bytes += next.capture.object.len();
            batch.push(next);
        }
        let store = Arc::clone(&store);
        let writing = spawn_blocking(move || {
            let written = store.write_all(&batch.iter().map(|waiting| waiting.capture.named()).collect::<Vec<_>>());
            (batch, written)
        });
        // A panic is told to those that wait by what it drops.
        let Ok((batch, written)) = writing.await else { continue };
        for (waiting, written) in batch.into_iter().zip(written) {
            let told = written.map(|path| path.display().to_string()).map_err(|error| error.to_string());
            // It is kept also when nobody waits for that any more.
            let _ = waiting.kept.send(told);
        }
    }
}

impl Capture {
    fn named(&self) -> (CaptureName<'_>, &[u8]) {
        let Self { received_at, seq, label, object } = self;
        let name = CaptureName { received_at: *received_at, seq: *seq, label: label.as_deref() };
        (name, object.trim_ascii_end())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use futures_util::future::join_all;

    use super::*;

    fn capture(seq: u64) -> Capture {
        let object = format!("{{\"seq\":{seq}}}\n").into_bytes();
        Capture { received_at: Timestamp::from_unix_seconds(0), seq, label: None, object }
    }

    #[tokio::test]
    async fn what_is_kept_is_in_the_file_in_the_order_in_which_it_came() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.ndjson");
        let keeper = Keeper::start(CaptureStore::open(&path).unwrap());
        let kept = join_all((0..100).map(|seq| keeper.keep(capture(seq)))).await;
        assert_eq!(kept, vec![Ok(path.display().to_string()); 100]);
        let lines: Vec<Vec<u8>> = (0..100).map(|seq| capture(seq).object).collect();
        assert_eq!(fs::read(&path).unwrap(), lines.concat());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn each_is_told_why_it_is_not_kept() {
        let keeper = Keeper::start(CaptureStore::open("/dev/full".as_ref()).unwrap());
        let kept = join_all((0..3).map(|seq| keeper.keep(capture(seq)))).await;
        assert_eq!(kept, vec![Err("No space left on device (os error 28)".to_owned()); 3]);
    }
}
