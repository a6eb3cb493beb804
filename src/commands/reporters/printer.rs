//! The thread that owns standard output while deliveries are received.
//!
//! It takes them from a bounded queue, which fills up while nobody reads the output. Then deliveries are missed, and
//! their number is printed; if the output is the only capture, responses wait instead.

use std::{
    io::{self, Write},
    panic::{self, AssertUnwindSafe},
    thread,
    time::Duration,
};

use tokio::{runtime::Handle, sync::watch, time::timeout_at};

use super::{pause::Pause, status::StatusLine, view::View};
use crate::{
    cli::FormatArg,
    commands::terminal::Terminal,
    engine::receive::{Confirmation, Deliveries, SHORT_GATHER_TIME, Update, WhenFull},
    render::json::{self, Ready},
    webhook::record::Delivery,
};

/// The thread that prints deliveries.
#[derive(Debug)]
pub struct DeliveryReporter {
    /// `None` while the thread runs, then whether everything was printed.
    result: watch::Receiver<Option<bool>>,
}

/// What to do when the disk that the output is written to is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenDiskFull {
    /// Wait until there is space: deliveries that have their responses would otherwise be lost.
    Wait,
    /// Fail, because running again prints the same.
    Fail,
}

/// How long a response waits for a reader of the output, if that is the only capture.
const READ_TIME: Duration = Duration::from_secs(10);

/// How much output is gathered before it is written, in bytes.
const BATCH_BYTES: usize = 64 << 10;

/// How long the thread pauses once everything is written, so that deliveries in quick succession are written together.
/// Waking it for each of them takes a seventh of all CPU time.
const GATHER_TIME: Duration = Duration::from_millis(1);

/// How long to wait before writing again to a full disk.
const RETRY: Duration = Duration::from_millis(500);

/// The capacity of the queue of deliveries to print, and what happens when it is full. Without another capture
/// (`is_captured`), JSON output is the capture, and responses wait until their lines are written.
pub const fn queue(format: FormatArg, is_captured: bool) -> (usize, WhenFull) {
    match format {
        FormatArg::Json if !is_captured => (256, WhenFull::Wait(READ_TIME)),
        _ => (4096, WhenFull::Skip),
    }
}

impl DeliveryReporter {
    /// Starts printing deliveries, except while paused, with the status line, if any, below them. JSON output begins
    /// with the ready line. Must be called within a runtime.
    pub fn start(
        deliveries: Deliveries,
        view: View,
        terminal: Terminal,
        ready: Ready<'_>,
        status: Option<StatusLine>,
        pause: Pause,
        when_disk_full: WhenDiskFull,
    ) -> Self {
        let (sender, result) = watch::channel(None);
        let mut buffer = Vec::new();
        if view.format == FormatArg::Json {
            json::ready(ready, &mut buffer);
        }
        let mut printer = Printer {
            deliveries,
            view,
            terminal,
            status,
            pause,
            when_disk_full,
            buffer,
            text: String::new(),
            written: Vec::new(),
        };
        let runtime = Handle::current();
        thread::spawn(move || {
            let complete = match runtime.block_on(printer.run()) {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    terminal.warn(format!("can't write the output: {error}"));
                    false
                }
                _ => true,
            };
            sender.send_replace(Some(complete));
        });
        Self { result }
    }

    /// Waits until the thread ends: after the last delivery, or when the output is closed. Returns whether
    /// the output could be written.
    pub async fn ended(&self) -> bool {
        let mut result = self.result.clone();
        // An error means that the thread panicked.
        result.wait_for(Option::is_some).await.is_ok_and(|result| *result == Some(true))
    }
}

struct Printer {
    deliveries: Deliveries,
    view: View,
    terminal: Terminal,
    status: Option<StatusLine>,
    pause: Pause,
    when_disk_full: WhenDiskFull,
    buffer: Vec<u8>,
    text: String,
    /// The confirmations of deliveries whose lines are in the buffer.
    written: Vec<Confirmation>,
}

impl Printer {
    async fn run(&mut self) -> io::Result<()> {
        let mut stdout = self.terminal.stdout();
        self.write(&mut stdout)?;
        while let Some(update) = self.next().await {
            self.pause.ended().await;
            self.print(update);
            while self.buffer.len() < BATCH_BYTES
                && !self.pause.is_set()
                && let Some(update) = self.deliveries.next_queued()
            {
                self.print(update);
            }
            let is_drained = self.buffer.len() < BATCH_BYTES;
            let count = self.written.len();
            self.write(&mut stdout)?;
            if let Some(status) = &mut self.status {
                status.refresh();
            }
            match (is_drained, self.deliveries.are_waited_for()) {
                (true, false) => thread::sleep(GATHER_TIME),
                (true, true) if count > 1 => thread::sleep(SHORT_GATHER_TIME),
                _ => {}
            }
        }
        Ok(())
    }

    /// Waits for the next update, and refreshes the status line meanwhile.
    async fn next(&mut self) -> Option<Update> {
        let Self { deliveries, status, pause, .. } = self;
        let Some(status) = status else { return deliveries.next().await };
        loop {
            match timeout_at(status.next_refresh(), deliveries.next()).await {
                Ok(update) => return update,
                // An editor may have the screen.
                Err(_) if pause.is_set() => status.hide(),
                Err(_) => status.refresh(),
            }
        }
    }

    fn print(&mut self, update: Update) {
        let Self { view, text, buffer, terminal, .. } = self;
        view.fit(terminal.width(), terminal.height());
        let write = |buffer: &mut Vec<u8>| {
            view.write(&update, text, buffer);
            buffer.extend_from_slice(terminal.readable(text).as_bytes());
        };
        if !append(buffer, write) {
            terminal.warn(&match &update {
                Update::Delivery(published) => {
                    let Delivery { seq, status, .. } = published.delivery();
                    format!("internal error: can't print delivery {seq}; its response was {status}")
                }
                Update::Findings { seq, .. } => {
                    format!("internal error: can't print what became known about delivery {seq}")
                }
                Update::Forwards { delivery, .. } => {
                    let seq = delivery.delivery().seq;
                    format!("internal error: can't print what became known about delivery {seq}")
                }
                Update::Missed(count) => format!("internal error: can't print that {count} deliveries were missed"),
            });
        }
        if let Update::Delivery(published) = update {
            self.written.push(published.into_confirmation());
        }
    }

    /// Writes the buffer and clears it.
    fn write(&mut self, stdout: &mut impl Write) -> io::Result<()> {
        let terminal = self.terminal;
        let mut reported = false;
        // Without text there is nothing to make room for, and the line would flicker.
        let mut hidden = if self.buffer.is_empty() { None } else { terminal.hide_bottom_line() };
        write_patiently(stdout, &self.buffer, self.when_disk_full, |full| {
            // The warning hides the bottom line itself.
            hidden = None;
            if !reported {
                terminal.warn(format!("can't write the output: {full}; trying again until there is space"));
            }
            reported = true;
            thread::sleep(RETRY);
        })?;
        drop(hidden);
        if reported {
            terminal.note("the output can be written again");
        }
        self.buffer.clear();
        self.written.drain(..).for_each(Confirmation::confirm);
        Ok(())
    }
}

/// Appends to the buffer and returns true. If that panics, removes what was appended: a sender must not be able to end
/// the program through a bug in rendering.
fn append(buffer: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> bool {
    let before = buffer.len();
    let complete = panic::catch_unwind(AssertUnwindSafe(|| write(buffer))).is_ok();
    if !complete {
        buffer.truncate(before);
    }
    complete
}

/// Writes every byte once. On a full disk it may wait and then continue.
fn write_patiently(
    out: &mut impl Write,
    mut bytes: &[u8],
    when_disk_full: WhenDiskFull,
    mut wait: impl FnMut(&io::Error),
) -> io::Result<()> {
    loop {
        let result = if bytes.is_empty() { out.flush().map(|()| 0) } else { out.write(bytes) };
        match result {
            Ok(0) if bytes.is_empty() => return Ok(()),
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
                    if when_disk_full == WhenDiskFull::Wait =>
                {
                    wait(&error);
                }
                _ => return Err(error),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Accepts three bytes at a time; each call fails first if the script says so.
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

    /// What was written, how many times it waited, and the result.
    fn written(failures: &[Option<io::ErrorKind>]) -> (String, usize, Result<(), io::ErrorKind>) {
        let failures = failures.iter().rev().copied().collect();
        let (mut disk, mut waits) = (Disk { failures, written: Vec::new() }, 0);
        let result = write_patiently(&mut disk, b"abcdefgh", WhenDiskFull::Wait, |_| waits += 1);
        (String::from_utf8(disk.written).unwrap(), waits, result.map_err(|error| error.kind()))
    }

    #[test]
    fn a_full_disk_is_waited_for_and_gets_every_byte_once() {
        let full = Some(io::ErrorKind::StorageFull);
        assert_eq!(written(&[]), ("abcdefgh".to_owned(), 0, Ok(())));
        assert_eq!(written(&[full, None, full, full, None, None, full]), ("abcdefgh".to_owned(), 4, Ok(())));
        assert_eq!(written(&[None, Some(io::ErrorKind::Interrupted)]), ("abcdefgh".to_owned(), 0, Ok(())));
    }

    #[test]
    fn output_that_panics_is_removed() {
        let mut buffer = b"one ".to_vec();
        assert!(!append(&mut buffer, |buffer| {
            buffer.extend_from_slice(b"tw");
            panic!("on purpose");
        }));
        assert!(append(&mut buffer, |buffer| buffer.extend_from_slice(b"three")));
        assert_eq!(buffer, b"one three");
    }

    #[test]
    fn other_errors_are_returned() {
        let closed = io::ErrorKind::BrokenPipe;
        assert_eq!(written(&[None, Some(closed)]), ("abc".to_owned(), 0, Err(closed)));
    }
}
