//! The signals that ask a command to stop, handled in one place for all commands.
//!
//! Also the signal for a file that has reached the size limit, which must not stop a command.
//!
//! `listen` handles Ctrl-C, SIGTERM and SIGHUP alike. The other commands handle Ctrl-C and leave the other signals
//! their default action.

#[cfg(unix)]
use std::{fs, sync::LazyLock};
use std::{
    future::poll_fn,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    thread,
};

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::CtrlC as Signal;

/// A stream of signals, for async code. Signals count from the moment it is created, whether or not anything awaits
/// them yet.
#[derive(Debug)]
pub struct Interrupts(Vec<(Interrupt, Signal)>);

/// What asked a command to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// Ctrl-C. A terminal sends it to every process that it runs in the foreground.
    CtrlC,
    /// SIGTERM or SIGHUP.
    Terminate,
}

impl Interrupts {
    /// Listens for Ctrl-C. Must be called within a runtime.
    ///
    /// # Errors
    ///
    /// If no handler for the signal can be installed.
    pub fn ctrl_c() -> io::Result<Self> {
        Ok(Self(vec![(Interrupt::CtrlC, sigint()?)]))
    }

    /// Listens for Ctrl-C, SIGTERM, and SIGHUP unless the program was started with SIGHUP ignored, as by `nohup`. A
    /// signal for which no handler can be installed keeps its default action. Must be called within a runtime.
    #[cfg(unix)]
    pub fn all() -> Self {
        let mut kinds =
            vec![(Interrupt::CtrlC, SignalKind::interrupt()), (Interrupt::Terminate, SignalKind::terminate())];
        kinds.extend((!*IGNORES_HANG_UP).then(|| (Interrupt::Terminate, SignalKind::hangup())));
        Self(kinds.into_iter().filter_map(|(interrupt, kind)| Some((interrupt, signal(kind).ok()?))).collect())
    }

    /// Listens for Ctrl-C. Must be called within a runtime.
    #[cfg(windows)]
    pub fn all() -> Self {
        Self(sigint().into_iter().map(|signal| (Interrupt::CtrlC, signal)).collect())
    }

    /// Waits for the next signal. Signals that arrive together count as one.
    pub async fn next(&mut self) {
        self.next_of_kind().await;
    }

    /// Waits for the next signal and returns it. If several arrive together, SIGTERM and SIGHUP take precedence over
    /// Ctrl-C.
    pub async fn next_of_kind(&mut self) -> Interrupt {
        poll_fn(|context| {
            let ready =
                |(kind, signal): &mut (Interrupt, Signal)| signal.poll_recv(context).is_ready().then_some(*kind);
            // Every stream must be polled.
            match self.0.iter_mut().filter_map(ready).last() {
                Some(kind) => Poll::Ready(kind),
                None => Poll::Pending,
            }
        })
        .await
    }
}

#[cfg(unix)]
fn sigint() -> io::Result<Signal> {
    signal(SignalKind::interrupt())
}

#[cfg(windows)]
fn sigint() -> io::Result<Signal> {
    tokio::signal::windows::ctrl_c()
}

/// Makes writing beyond the file size limit (`ulimit -f`) an error, as on a full disk. Otherwise the signal would end
/// the program. Programs that it starts are not affected.
pub fn survive_file_size_limit() {
    // This fails only for signals that can't be handled.
    #[cfg(unix)]
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
}

/// Whether Ctrl-C was pressed, for blocking code. The default value is never set.
#[derive(Clone, Debug, Default)]
pub struct InterruptFlag(Arc<AtomicBool>);

impl InterruptFlag {
    /// Listens for Ctrl-C from now on: the first press sets the flag, then calls `on_interrupt` from another thread.
    ///
    /// # Errors
    ///
    /// If no handler for the signal can be installed.
    pub fn watch(on_interrupt: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let mut interrupts = {
            let _entered = runtime.enter();
            Interrupts::ctrl_c()?
        };
        let flag = Self::default();
        let shared = flag.clone();
        thread::Builder::new().name("ctrl-c".into()).spawn(move || {
            runtime.block_on(interrupts.next());
            shared.0.store(true, Ordering::Relaxed);
            on_interrupt();
        })?;
        Ok(flag)
    }

    /// Whether Ctrl-C was pressed.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Whether the program was started with SIGHUP ignored. Where that is unknown, SIGHUP keeps its default action.
#[cfg(unix)]
static IGNORES_HANG_UP: LazyLock<bool> = LazyLock::new(|| match fs::read_to_string("/proc/self/status") {
    Ok(status) => ignores_hang_up(&status),
    Err(_) => true,
});

/// Reads `/proc/self/status` of Linux: bit 0 of `SigIgn` is signal 1, SIGHUP.
#[cfg(unix)]
fn ignores_hang_up(status: &str) -> bool {
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_none_or(|mask| mask & 1 == 1)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn sighup_is_ignored_if_the_process_status_says_so_or_cannot_be_read() {
        let status = |mask: &str| format!("Name:\thookdev\nSigBlk:\t0000000000000001\nSigIgn:\t{mask}\nSigCgt:\t0\n");
        assert!(ignores_hang_up(&status("0000000000001001")));
        assert!(!ignores_hang_up(&status("0000000000001000")));
        assert!(ignores_hang_up("some other format"));
    }
}
