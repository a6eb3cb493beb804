//! Prints warnings and notes on standard error from a thread of its own, so that neither connections nor the shutdown
//! wait for a reader that has stopped reading.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};

use crate::{commands::terminal::Terminal, render::diagnostic};

/// The number of warnings that may wait for a slow reader. Those beyond it are only counted.
const QUEUE: usize = 256;

/// How long the shutdown waits for a reader.
const FLUSH_TIME: Duration = Duration::from_secs(1);

/// Takes warnings without blocking.
#[derive(Clone, Debug)]
pub struct WarningSink {
    messages: SyncSender<SinkMessage>,
    skipped: Arc<AtomicUsize>,
}

#[derive(Debug)]
enum SinkMessage {
    Warning(diagnostic::Message),
    Note(diagnostic::Message),
    /// Signals once every earlier message is printed.
    Flush(oneshot::Sender<()>),
}

impl WarningSink {
    /// Starts the thread.
    pub fn start(terminal: Terminal) -> Self {
        Self::printing_with(move |warning| terminal.warn(warning), move |note| terminal.note(note))
    }

    fn printing_with(
        warn: impl Fn(diagnostic::Message) + Send + 'static,
        note: impl Fn(diagnostic::Message) + Send + 'static,
    ) -> Self {
        let (messages, receiver) = sync_channel(QUEUE);
        let skipped = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&skipped);
        thread::spawn(move || print_all(&receiver, &count, warn, note));
        Self { messages, skipped }
    }

    /// Prints a warning soon, or counts it if the queue is full.
    pub fn warn(&self, warning: impl Into<diagnostic::Message>) {
        self.send(SinkMessage::Warning(warning.into()));
    }

    /// Prints a note soon, or counts it with the warnings if the queue is full.
    pub fn note(&self, note: impl Into<diagnostic::Message>) {
        self.send(SinkMessage::Note(note.into()));
    }

    fn send(&self, message: SinkMessage) {
        if self.messages.try_send(message).is_err() {
            self.skipped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until everything is printed, or the reader is too slow.
    pub async fn flush(&self) {
        let (sender, flushed) = oneshot::channel();
        if self.messages.try_send(SinkMessage::Flush(sender)).is_ok() {
            let _ = timeout(FLUSH_TIME, flushed).await;
        }
    }
}

fn print_all(
    messages: &Receiver<SinkMessage>,
    skipped: &AtomicUsize,
    warn: impl Fn(diagnostic::Message),
    note: impl Fn(diagnostic::Message),
) {
    while let Ok(message) = messages.recv() {
        match message {
            SinkMessage::Warning(warning) => warn(warning),
            SinkMessage::Note(text) => note(text),
            // This fails if the wait has timed out.
            SinkMessage::Flush(sender) => drop(sender.send(())),
        }
        match skipped.swap(0, Ordering::Relaxed) {
            0 => {}
            count => warn(format!("{count} more warnings arrived faster than they could be printed").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn warnings_that_arrive_too_fast_are_counted() {
        let (reader, read) = mpsc::sync_channel(0);
        // It fails once the reader has gone.
        let sink = WarningSink::printing_with(move |warning| drop(reader.send(warning.to_string())), |_| ());
        // The first blocks the thread until it is read.
        sink.warn("first".to_owned());
        while sink.skipped.load(Ordering::Relaxed) < 3 {
            sink.warn("one of many".to_owned());
        }
        let printed: Vec<String> = read.iter().take(QUEUE).collect();
        let counted = "3 more warnings arrived faster than they could be printed";
        assert_eq!((printed[0].as_str(), printed[1].as_str()), ("first", counted));
        assert!(printed[2..].iter().all(|warning| warning == "one of many"));
        drop(read);
        sink.flush().await;
    }
}
