//! What goes wrong outside any delivery, said on standard error from a thread of its own: where
//! nobody reads that stream, connections must not wait for it, and neither must the end.

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

use crate::commands::terminal::Terminal;

/// So many messages wait for a slow reader; those beyond are counted.
const WAITING: usize = 256;

/// How long the end waits for a reader.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where troubles are told.
#[derive(Clone, Debug)]
pub struct Troubles {
    messages: SyncSender<Message>,
    untold: Arc<AtomicUsize>,
}

#[derive(Debug)]
enum Message {
    Warning(String),
    /// Everything before it has been said.
    Said(oneshot::Sender<()>),
}

impl Troubles {
    /// Starts to tell them.
    pub fn start(terminal: Terminal) -> Self {
        Self::telling(move |message| terminal.warn(message))
    }

    fn telling(tell: impl Fn(&str) + Send + 'static) -> Self {
        let (messages, receiver) = sync_channel(WAITING);
        let untold = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&untold);
        thread::spawn(move || tell_all(&receiver, &count, tell));
        Self { messages, untold }
    }

    /// Tells one soon; one too many is only counted.
    pub fn tell(&self, message: String) {
        if self.messages.try_send(Message::Warning(message)).is_err() {
            self.untold.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until all is said, for a reader that reads.
    pub async fn finish(&self) {
        let (sender, said) = oneshot::channel();
        if self.messages.try_send(Message::Said(sender)).is_ok() {
            // Nobody reads, then.
            let _ = timeout(PATIENCE, said).await;
        }
    }
}

fn tell_all(messages: &Receiver<Message>, untold: &AtomicUsize, tell: impl Fn(&str)) {
    while let Ok(message) = messages.recv() {
        match message {
            Message::Warning(message) => tell(&message),
            // Whoever waited may have given up.
            Message::Said(sender) => drop(sender.send(())),
        }
        match untold.swap(0, Ordering::Relaxed) {
            0 => {}
            count => tell(&format!("{count} more warnings came faster than they were read")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn what_a_reader_has_no_time_for_is_counted() {
        let (reader, read) = mpsc::sync_channel(0);
        // It fails once the reader has gone.
        let troubles = Troubles::telling(move |message| drop(reader.send(message.to_owned())));
        // The first is being told, and waits for its reader.
        troubles.tell("first".to_owned());
        while troubles.untold.load(Ordering::Relaxed) < 3 {
            troubles.tell("one of many".to_owned());
        }
        let told: Vec<String> = read.iter().take(WAITING).collect();
        assert_eq!((told[0].as_str(), told[1].as_str()), ("first", "3 more warnings came faster than they were read"));
        assert!(told[2..].iter().all(|message| message == "one of many"));
        drop(read);
        troubles.finish().await;
    }
}
