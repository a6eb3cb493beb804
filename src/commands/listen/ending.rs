//! How a receiver ends: what is under way may finish for a while, then it is cut short, and a
//! reader that has stopped reading is not waited for for ever.

use std::time::Duration;

use tokio::sync::watch;

use crate::commands::interrupt::Interrupts;

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
    pub async fn run_out(&self, mut interruptions: Interrupts) {
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
        ending.run_out(Interrupts::all()).await;
        assert_eq!((waiting.await.unwrap(), begun.elapsed()), (GRACE, GRACE + REST));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cut_that_nobody_makes_never_comes() {
        let waited = tokio::time::timeout(Duration::from_secs(3600), Cut::never().comes()).await;
        assert!(waited.is_err_and(|elapsed| elapsed.to_string() == "deadline has elapsed"));
    }
}
