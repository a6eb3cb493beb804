//! Ctrl-C while `verify` watches files: the run reports what it has seen, and the exit code says that it was
//! interrupted. Without this, the system ends the process at once.

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
    /// Listens from now on, and calls `pressed` from another thread at the first Ctrl-C.
    ///
    /// # Errors
    ///
    /// If the signal can't be listened for.
    pub fn listen(pressed: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let interruption = Self::default();
        let (ready, is_ready) = mpsc::channel();
        let came = interruption.clone();
        thread::Builder::new().name("ctrl-c".into()).spawn(move || {
            runtime.block_on(async {
                let signal = Box::pin(tokio::signal::ctrl_c());
                // The first poll registers the handler.
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
        // An error means that the first poll already completed.
        let _ = is_ready.recv();
        Ok(interruption)
    }

    /// Whether Ctrl-C was pressed.
    pub fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
