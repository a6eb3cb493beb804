//! The terminal as a keyboard: each key is read as it is pressed, and not echoed. Keys that send signals, and the
//! output, work as before. Dropping the [`Keyboard`] restores the previous mode.
//!
//! A thread reads only on request: while an editor has the terminal, nothing else may read from it.

use std::{
    io::{self, Stdin},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::AsFd,
    io::Errno,
    termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcsetattr},
};
use tokio::{sync::mpsc, time::sleep};

use crate::commands::{
    streams,
    terminal_mode::{SavedMode, is_foreground},
};

/// How much of the input is returned, in bytes. Longer than any key's sequence or number.
const MAX_INPUT: usize = 64;

/// How long to wait for the rest of a paste: over a network it arrives in pieces.
const PASTE_GAP: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// How often to check whether the program is in the foreground again. Nothing reports it: `fg` sends no signal to a
/// running job.
const BACKGROUND_INTERVAL: Duration = Duration::from_millis(100);

/// The terminal on standard input.
#[derive(Debug)]
pub struct Keyboard {
    stdin: Stdin,
    before: SavedMode,
    requests: Sender<()>,
    reads: mpsc::UnboundedReceiver<io::Result<Vec<u8>>>,
    /// Whether the thread is reading or about to.
    is_reading: bool,
    /// Whether single keys could not be enabled, because the program ran in the background.
    is_background: bool,
}

impl Keyboard {
    /// Takes the terminal over.
    ///
    /// # Errors
    ///
    /// If standard input is not a terminal.
    pub fn open() -> io::Result<Self> {
        let stdin = streams::keyboard();
        let before = SavedMode::save()?;
        let ((requests, requested), (reader, reads)) = (channel(), mpsc::unbounded_channel());
        let mut keyboard = Self { stdin, before, requests, reads, is_reading: false, is_background: false };
        keyboard.enable()?;
        thread::Builder::new().name("keys".into()).spawn(move || read_each(&requested, &reader))?;
        Ok(keyboard)
    }

    /// Switches to reading single keys, unless the program runs in the background: then the terminal belongs to another
    /// program until [`returned`](Self::returned).
    ///
    /// # Errors
    ///
    /// If the terminal is gone.
    pub fn enable(&mut self) -> io::Result<()> {
        let was_background = std::mem::replace(&mut self.is_background, !is_foreground());
        if self.is_background {
            return Ok(());
        }
        if was_background {
            // The mode read in the background may be that of a shell's line editor.
            self.before.update()?;
        }
        let mut mode = self.before.mode().clone();
        mode.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        // The key that quits with a core dump would leave the terminal in this mode.
        mode.special_codes[SpecialCodeIndex::VQUIT] = 0;
        mode.special_codes[SpecialCodeIndex::VMIN] = 1;
        mode.special_codes[SpecialCodeIndex::VTIME] = 0;
        Ok(tcsetattr(&self.stdin, OptionalActions::Now, &mode)?)
    }

    /// If the program was in the background when [`enable`](Self::enable) was called, waits until it is in the
    /// foreground again. Otherwise waits forever.
    pub fn returned(&self) -> impl Future<Output = ()> + use<> {
        let is_background = self.is_background;
        async move {
            if !is_background {
                return std::future::pending().await;
            }
            while !is_foreground() {
                sleep(BACKGROUND_INTERVAL).await;
            }
        }
    }

    /// Restores the previous mode.
    pub fn restore(&self) {
        self.before.restore();
    }

    /// Waits for keys, and returns the bytes of one read. Cancel safe.
    ///
    /// # Errors
    ///
    /// If the terminal is gone.
    pub async fn read(&mut self) -> io::Result<Vec<u8>> {
        if !self.is_reading {
            // The thread ends only when this is dropped.
            self.is_reading = self.requests.send(()).is_ok();
        }
        let read = self.reads.recv().await;
        self.is_reading = false;
        read.unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()))
    }
}

/// Reads once for each request.
fn read_each(requests: &Receiver<()>, reads: &mpsc::UnboundedSender<io::Result<Vec<u8>>>) {
    let stdin = streams::keyboard();
    while requests.recv().is_ok() {
        if reads.send(read_once(&stdin)).is_err() {
            return;
        }
    }
}

/// Reads pressed keys. Waits while in the background, where reading would stop the program.
fn read_once(stdin: &Stdin) -> io::Result<Vec<u8>> {
    loop {
        match poll(&mut [PollFd::new(stdin, PollFlags::IN)], None) {
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
            Ok(_) if is_foreground() => return read_available(stdin),
            Ok(_) => thread::sleep(BACKGROUND_INTERVAL),
        }
    }
}

/// Reads what is there: a key, or all of a paste, of which only the start is returned.
fn read_available(terminal: impl AsFd) -> io::Result<Vec<u8>> {
    let mut input = Vec::new();
    loop {
        let mut bytes = [0; 1024];
        let length = rustix::io::read(&terminal, &mut bytes)?;
        if length == 0 && input.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        input.extend(&bytes[..length]);
        input.truncate(MAX_INPUT);
        let is_paste = length > 0 && input.len() > 1;
        // After a signal, too, what was read counts.
        if !is_paste || poll(&mut [PollFd::new(&terminal, PollFlags::IN)], Some(&PASTE_GAP)).unwrap_or(0) == 0 {
            return Ok(input);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, os::unix::net::UnixStream};

    use rustix::termios::tcgetattr;

    use super::*;
    use crate::commands::keys::input::TypedNumber;

    /// Set in the process that panics.
    const PANICS: &str = "HOOKDEV_TEST_PANICS";

    #[test]
    fn a_paste_is_not_a_key_however_long_it_is() {
        for length in [64, 65, 1024, 1025, 5000] {
            let (terminal, mut keyboard) = UnixStream::pair().unwrap();
            keyboard.write_all(format!("{}q", "x".repeat(length)).as_bytes()).unwrap();
            let input = read_available(&terminal).unwrap();
            assert_eq!((input.len(), TypedNumber::default().take(&input)), (MAX_INPUT, None), "{length}");
            keyboard.write_all(b"q").unwrap();
            assert_eq!(read_available(&terminal).unwrap(), b"q");
        }
    }

    #[test]
    fn the_terminal_is_restored_after_a_panic() {
        if std::env::var_os(PANICS).is_some() {
            let keyboard = Keyboard::open();
            // Without the keyboard it would exit 0.
            assert!(keyboard.is_err(), "on purpose");
            return;
        }
        let (pty, pts) = pty_process::blocking::open().unwrap();
        let local_modes = || tcgetattr(pty.as_fd()).unwrap().local_modes;
        let before = local_modes();
        assert!(before.contains(LocalModes::ICANON | LocalModes::ECHO), "{before:?}");
        let (_, module) = module_path!().split_once("::").unwrap();
        let name = format!("{module}::the_terminal_is_restored_after_a_panic");
        let program = pty_process::blocking::Command::new(std::env::current_exe().unwrap());
        let mut child = program.args([name.as_str(), "--exact", "--nocapture"]).env(PANICS, "1").spawn(pts).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(101));
        assert_eq!(local_modes(), before);
    }
}
