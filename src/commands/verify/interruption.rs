//! Ctrl-C while captures are watched: what was seen so far is told, and the exit code says it. A run
//! that watches nothing leaves it to the system, as there is nothing to put in order.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

use futures_util::future::{Either, select};

/// Whether Ctrl-C was pressed.
#[derive(Clone, Debug, Default)]
pub struct Interruption(Arc<AtomicBool>);

impl Interruption {
    /// Calls `pressed` from a thread of its own once it comes, from now on.
    ///
    /// # Errors
    ///
    /// When it can't be heard.
    pub fn heard(pressed: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let interruption = Self::default();
        let (ready, is_ready) = mpsc::channel();
        let came = interruption.clone();
        thread::Builder::new().name("ctrl-c".into()).spawn(move || {
            runtime.block_on(async {
                let signal = Box::pin(tokio::signal::ctrl_c());
                // It is listened for from the first look at it.
                let result = match select(signal, std::future::ready(())).await {
                    Either::Left((result, _)) => result,
                    Either::Right(((), signal)) => {
                        let _ = ready.send(());
                        signal.await
                    }
                };
                if result.is_ok() {
                    came.0.store(true, Ordering::Relaxed);
                    pressed();
                }
            });
        })?;
        // An error says that it has come already, or never will.
        let _ = is_ready.recv();
        Ok(interruption)
    }

    /// Whether it came.
    pub fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
