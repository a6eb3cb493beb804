//! Keeps captures on a thread of its own, so that a slow disk holds up nothing but the answers that wait for
//! it. What comes while it writes is written together next, and each is told once it is kept.

use std::{
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use tokio::sync::oneshot;

use crate::{
    store::captures::{CaptureName, CaptureStore},
    webhook::time::Timestamp,
};

/// So many bytes of captures are written together, and at least one capture.
const BATCH: usize = 64 << 10;

/// Where captures are handed in.
#[derive(Clone, Debug)]
pub struct Keeper(Sender<Waiting>);

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
    /// Begins to keep what is handed in; it ends once nothing more can be.
    pub fn start(store: CaptureStore) -> Self {
        let (sender, captures) = channel();
        thread::spawn(move || keep(&store, &captures));
        Self(sender)
    }

    /// Keeps a capture. Returns the file that holds it, or why there is none.
    pub async fn keep(&self, capture: Capture) -> Result<String, String> {
        let (kept, told) = oneshot::channel();
        // Should the thread have ended, nobody tells.
        let _ = self.0.send(Waiting { capture, kept });
        told.await.unwrap_or_else(|_| Err("what keeps captures has failed".to_owned()))
    }
}

fn keep(store: &CaptureStore, captures: &Receiver<Waiting>) {
    while let Ok(first) = captures.recv() {
        let mut bytes = first.capture.object.len();
        let mut batch = vec![first];
        while bytes < BATCH
            && let Ok(next) = captures.try_recv()
        {
            bytes += next.capture.object.len();
            batch.push(next);
        }
        let named: Vec<_> = batch.iter().map(|waiting| waiting.capture.named()).collect();
        let written = store.write_all(&named);
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
        let expected: String = (0..100).map(|seq| format!("{{\"seq\":{seq}}}\n")).collect();
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn each_is_told_why_it_is_not_kept() {
        let keeper = Keeper::start(CaptureStore::open("/dev/full".as_ref()).unwrap());
        let kept = join_all((0..3).map(|seq| keeper.keep(capture(seq)))).await;
        assert_eq!(kept, vec![Err("No space left on device (os error 28)".to_owned()); 3]);
    }
}
