//! How a receiver ends: what is under way may finish for a while, then it is cut short, and a
//! reader that has stopped reading is not waited for for ever.

use std::time::Duration;
#[cfg(unix)]
use std::{fs, sync::LazyLock, task::Poll};

use tokio::sync::watch;

/// How long what is under way may go on.
const GRACE: Duration = Duration::from_secs(4);

/// How long the rest may take once everything is cut short.
const REST: Duration = Duration::from_secs(5);

/// Cuts short what waits for it.
#[derive(Debug)]
pub struct Ending(watch::Sender<bool>);

/// What is cut short when the receiver ends.
#[derive(Clone, Debug)]
pub struct Cut(watch::Receiver<bool>);

impl Ending {
    /// An ending that has not come yet.
    pub fn new() -> (Self, Cut) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Cut(receiver))
    }

    /// Waits until nothing more should be waited for, once the receiver ends: cuts everything short
    /// after a while or at the next interruption, and gives the rest its time.
    pub async fn run_out(&self, mut interruptions: Interruptions) {
        tokio::select! {
            () = interruptions.next() => {}
            () = tokio::time::sleep(GRACE) => {}
        }
        self.0.send_replace(true);
        tokio::select! {
            () = interruptions.next() => {}
            () = tokio::time::sleep(REST) => {}
        }
    }
}

impl Cut {
    /// A cut that never comes.
    pub fn never() -> Self {
        Ending::new().1
    }

    /// Waits until everything is cut short.
    pub async fn comes(mut self) {
        if self.0.wait_for(|cut| *cut).await.is_err() {
            // Whoever could cut is gone, so that nobody will.
            std::future::pending::<()>().await;
        }
    }
}

/// What asks the program to end, from the moment this is made: Ctrl-C, what a service manager sends,
/// and the end of its terminal. A signal that can't be heard keeps its own effect.
#[derive(Debug)]
pub struct Interruptions {
    #[cfg(unix)]
    signals: Vec<tokio::signal::unix::Signal>,
}

impl Interruptions {
    /// Listens from now on; it must be called within a runtime.
    #[cfg(unix)]
    pub fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let mut kinds = vec![SignalKind::interrupt(), SignalKind::terminate()];
        kinds.extend((!*IGNORES_HANG_UP).then(SignalKind::hangup));
        Self { signals: kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect() }
    }

    /// Listens from now on; it must be called within a runtime.
    #[cfg(not(unix))]
    pub fn new() -> Self {
        Self {}
    }

    /// Waits for the next one.
    #[cfg(unix)]
    pub async fn next(&mut self) {
        std::future::poll_fn(|context| {
            let came = self.signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
            if came { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Waits for the next one.
    #[cfg(not(unix))]
    pub async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Whether the program was started so that the end of its terminal does not end it, as `nohup` does.
/// Where that can't be known, the end of the terminal keeps its own effect.
#[cfg(unix)]
static IGNORES_HANG_UP: LazyLock<bool> = LazyLock::new(|| match fs::read_to_string("/proc/self/status") {
    Ok(status) => ignores_hang_up(&status),
    Err(_) => true,
});

/// What Linux says of a process: bit 0 of `SigIgn` is the first signal, SIGHUP.
#[cfg(unix)]
fn ignores_hang_up(status: &str) -> bool {
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_none_or(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_under_way_has_its_time_and_is_then_cut_short() {
        let (ending, cut) = Ending::new();
        let begun = tokio::time::Instant::now();
        let waiting = tokio::spawn(async move {
            cut.comes().await;
            begun.elapsed()
        });
        ending.run_out(Interruptions::new()).await;
        assert_eq!((waiting.await.unwrap(), begun.elapsed()), (GRACE, GRACE + REST));
    }

    #[cfg(unix)]
    #[test]
    fn the_end_of_the_terminal_is_ignored_where_nohup_has_said_so() {
        let status = |mask: &str| format!("Name:\thookdev\nSigBlk:\t0000000000000001\nSigIgn:\t{mask}\nSigCgt:\t0\n");
        assert!(ignores_hang_up(&status("0000000000001001")));
        assert!(!ignores_hang_up(&status("0000000000001000")));
        assert!(ignores_hang_up("of another system"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cut_that_nobody_makes_never_comes() {
        let waited = tokio::time::timeout(Duration::from_secs(3600), Cut::never().comes()).await;
        assert!(waited.is_err_and(|elapsed| elapsed.to_string() == "deadline has elapsed"));
    }
}
