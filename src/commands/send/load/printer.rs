//! The one writer of a run's lines: it takes what has gathered, and a reader that is slow slows the
//! connections instead of growing memory.

use std::{
    io::{self, Write},
    thread::{self, JoinHandle},
};

use tokio::sync::mpsc::{self, Receiver, Sender};

use crate::commands::{exit::Failure, terminal::Terminal};

/// How many lines may wait.
const WAITING: usize = 1024;

/// A thread that writes lines to standard output.
pub struct Printer {
    thread: JoinHandle<io::Result<()>>,
}

impl Printer {
    /// Starts it; it ends once no sender is left, or when nobody reads.
    pub fn start(terminal: Terminal) -> (Self, Sender<Vec<u8>>) {
        let (sender, lines) = mpsc::channel(WAITING);
        (Self { thread: thread::spawn(move || write(terminal, lines)) }, sender)
    }

    /// Waits until all is written.
    ///
    /// # Errors
    ///
    /// When it could not be.
    pub fn finish(self) -> Result<(), Failure> {
        match self.thread.join() {
            Ok(written) => Ok(written?),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

fn write(terminal: Terminal, mut lines: Receiver<Vec<u8>>) -> io::Result<()> {
    let mut out = terminal.stdout();
    while let Some(line) = lines.blocking_recv() {
        out.write_all(&line)?;
        while let Ok(line) = lines.try_recv() {
            out.write_all(&line)?;
        }
        out.flush()?;
    }
    Ok(())
}
