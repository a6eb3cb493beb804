//! The one writer of everything that `listen` tells: deliveries come over a bounded channel from
//! all connections, so that their order is one, and a slow terminal slows the senders instead of
//! filling the memory.

use std::{
    io::{self, Write},
    panic::{self, AssertUnwindSafe},
    thread,
    time::Duration,
};

use glob::Pattern;
use tokio::sync::{mpsc, oneshot};

use super::{expectation::Expectations, explainer::Explanation};
use crate::{
    cli::Format,
    commands::{remedies, terminal::Terminal},
    net::receiver::Share,
    render::{json, pretty::Page},
    webhook::{assessment::PayloadCheck, record::Delivery, redact},
};

/// Something to be told.
#[derive(Debug)]
pub enum Output {
    /// Where the receiver listens.
    Ready(String),
    /// A delivery that was answered, its explanation if one is being worked out, and what its body
    /// holds of the memory for all bodies.
    Delivery(Box<Delivery>, Option<Explanation>, Share),
}

/// How and what is told.
#[derive(Clone, Debug)]
pub struct View {
    pub format: Format,
    pub page: Page,
    pub quiet: bool,
    /// Whether programs get no credentials.
    pub redact: bool,
    pub filter: Option<Pattern>,
}

/// The thread that writes.
#[derive(Debug)]
pub struct Writer {
    met: Option<oneshot::Receiver<()>>,
    done: oneshot::Receiver<Option<Expectations>>,
}

/// As much is gathered before it is written, in bytes.
const BATCH: usize = 64 << 10;

/// After this long a full disk is tried again.
const RETRY: Duration = Duration::from_millis(500);

impl Writer {
    /// Starts to write what comes over the channel.
    pub fn start(outputs: mpsc::Receiver<Output>, view: View, terminal: Terminal, expectations: Expectations) -> Self {
        let (met_sender, met) = oneshot::channel();
        let (done_sender, done) = oneshot::channel();
        let mut work = Work {
            outputs,
            view,
            terminal,
            expectations,
            met: Some(met_sender),
            buffer: Vec::new(),
            text: String::new(),
        };
        thread::spawn(move || {
            let told = match work.run() {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    terminal.warn(&format!("the output could not be written: {error}"));
                    false
                }
                _ => true,
            };
            // Whoever waited for it may be gone.
            let _ = done_sender.send(told.then_some(work.expectations));
        });
        Self { met: Some(met), done }
    }

    /// Waits until all expectations are met, or nobody reads the output any more.
    pub fn ended(&mut self) -> impl Future<Output = ()> + use<> {
        let met = self.met.take();
        async {
            if let Some(met) = met {
                // An error says that the thread has ended.
                let _ = met.await;
            }
        }
    }

    /// Waits until everything is written, once nothing more can come; none when something was not.
    pub async fn finish(self) -> Option<Expectations> {
        self.done.await.ok().flatten()
    }
}

struct Work {
    outputs: mpsc::Receiver<Output>,
    view: View,
    terminal: Terminal,
    expectations: Expectations,
    met: Option<oneshot::Sender<()>>,
    buffer: Vec<u8>,
    text: String,
}

impl Work {
    fn run(&mut self) -> io::Result<()> {
        let terminal = self.terminal;
        let mut stdout = terminal.stdout();
        while let Some(output) = self.outputs.blocking_recv() {
            self.take(output);
            while self.buffer.len() < BATCH
                && let Ok(output) = self.outputs.try_recv()
            {
                self.take(output);
            }
            let mut is_told = false;
            write_patiently(&mut stdout, &self.buffer, |full| {
                if !is_told {
                    terminal.warn(&format!("the output can't be written: {full}; deliveries wait until there is room"));
                }
                is_told = true;
                thread::sleep(RETRY);
            })?;
            if is_told {
                terminal.note("there is room again for the output, and nothing of it was lost");
            }
            self.buffer.clear();
            if self.expectations.met()
                && let Some(met) = self.met.take()
            {
                // The listener is ending already if it does not wait for this.
                let _ = met.send(());
            }
        }
        Ok(())
    }

    fn show(&mut self, delivery: &Delivery) {
        let Self { view, text, buffer, .. } = self;
        if !added(buffer, |buffer| view.write(delivery, text, buffer)) {
            let Delivery { seq, status, .. } = delivery;
            let told = format!("delivery {seq} was answered {status} and can't be shown: a mistake of hookdev's own");
            self.terminal.warn(&told);
        }
    }

    fn take(&mut self, output: Output) {
        match output {
            Output::Ready(url) if self.view.format == Format::Json => json::ready(&url, &mut self.buffer),
            Output::Ready(_) => {}
            Output::Delivery(mut delivery, explanation, _share) => {
                // The others wait behind it, so that their order is that in which they came.
                if let Some(Ok(explained)) = explanation.map(Explanation::blocking_recv) {
                    delivery.assessment = explained;
                }
                self.expectations.count(&delivery);
                if self.view.wants(&delivery) {
                    self.show(&delivery);
                }
            }
        }
    }
}

/// Lets something be added to the buffer; whether it was. Of what panics nothing is added: what was sent by others
/// shall not end the program, should there be a mistake in how it is set out.
fn added(buffer: &mut Vec<u8>, add: impl FnOnce(&mut Vec<u8>)) -> bool {
    let before = buffer.len();
    let added = panic::catch_unwind(AssertUnwindSafe(|| add(buffer))).is_ok();
    if !added {
        buffer.truncate(before);
    }
    added
}

/// Writes all of it, each byte once. Where the disk is full it waits and goes on: what is written
/// here was answered already, and would be lost.
fn write_patiently(out: &mut impl Write, mut bytes: &[u8], mut wait: impl FnMut(&io::Error)) -> io::Result<()> {
    loop {
        let tried = if bytes.is_empty() { out.flush().map(|()| 0) } else { out.write(bytes) };
        match tried {
            Ok(0) if bytes.is_empty() => return Ok(()),
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => wait(&error),
                _ => return Err(error),
            },
        }
    }
}

impl View {
    fn wants(&self, delivery: &Delivery) -> bool {
        let filtered = self.filter.as_ref().is_none_or(|filter| filter.matches(delivery.assessment.title()));
        filtered && !(self.quiet && is_well(delivery))
    }

    fn write(&self, delivery: &Delivery, text: &mut String, buffer: &mut Vec<u8>) {
        if self.format == Format::Json {
            return if self.redact {
                json::delivery(&redact::delivery(delivery), remedies::words, buffer);
            } else {
                json::delivery(delivery, remedies::words, buffer);
            };
        }
        text.clear();
        if self.redact {
            self.page.delivery(&redact::delivery(delivery), text);
        } else {
            self.page.delivery(delivery, text);
        }
        buffer.extend_from_slice(text.as_bytes());
    }
}

/// Whether there is nothing about a delivery that somebody who wants it quiet must see.
fn is_well(delivery: &Delivery) -> bool {
    delivery.assessment.verdict.is_genuine()
        && !matches!(delivery.assessment.payload, PayloadCheck::Invalid(_))
        && delivery.capture_error.is_none()
        && delivery.forwards.iter().all(|forward| forward.outcome.as_ref().is_ok_and(|answer| answer.status < 300))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes three bytes at a time, and fails as it is told before each.
    struct Disk {
        failures: Vec<Option<io::ErrorKind>>,
        written: Vec<u8>,
    }

    impl Disk {
        fn step(&mut self) -> io::Result<()> {
            match self.failures.pop().flatten() {
                Some(kind) => Err(kind.into()),
                None => Ok(()),
            }
        }
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.step()?;
            let count = bytes.len().min(3);
            self.written.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            self.step()
        }
    }

    /// What was written, how often it was waited, and how it ended.
    fn written(failures: &[Option<io::ErrorKind>]) -> (String, usize, Result<(), io::ErrorKind>) {
        let failures = failures.iter().rev().copied().collect();
        let (mut disk, mut waits) = (Disk { failures, written: Vec::new() }, 0);
        let ended = write_patiently(&mut disk, b"abcdefgh", |_| waits += 1);
        (String::from_utf8(disk.written).unwrap(), waits, ended.map_err(|error| error.kind()))
    }

    #[test]
    fn a_full_disk_is_waited_for_and_takes_each_byte_once() {
        let full = Some(io::ErrorKind::StorageFull);
        assert_eq!(written(&[]), ("abcdefgh".to_owned(), 0, Ok(())));
        assert_eq!(written(&[full, None, full, full, None, None, full]), ("abcdefgh".to_owned(), 4, Ok(())));
        assert_eq!(written(&[None, Some(io::ErrorKind::Interrupted)]), ("abcdefgh".to_owned(), 0, Ok(())));
    }

    #[test]
    fn of_what_panics_nothing_is_added() {
        let mut buffer = b"one ".to_vec();
        assert!(!added(&mut buffer, |buffer| {
            buffer.extend_from_slice(b"tw");
            panic!("on purpose");
        }));
        assert!(added(&mut buffer, |buffer| buffer.extend_from_slice(b"three")));
        assert_eq!(buffer, b"one three");
    }

    #[test]
    fn what_no_waiting_mends_is_an_error() {
        let closed = io::ErrorKind::BrokenPipe;
        assert_eq!(written(&[None, Some(closed)]), ("abc".to_owned(), 0, Err(closed)));
    }
}
