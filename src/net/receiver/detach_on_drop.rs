//! A future that runs to its end, whether or not it is awaited.

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_util::{FutureExt, future::CatchUnwind};
use tokio::runtime::Handle;

/// A future that is polled by the task that awaits it. If that task drops it before it ends, it continues in a task of
/// its own. Spawning a task for each request would take about a tenth more CPU time.
pub(super) struct DetachOnDrop<F: Future<Output: Send> + Send + 'static>(Option<BoxedFuture<F>>);

type BoxedFuture<F> = Pin<Box<CatchUnwind<AssertUnwindSafe<F>>>>;

impl<F: Future<Output: Send> + Send + 'static> DetachOnDrop<F> {
    /// Wraps a future. Nothing runs before the first poll.
    pub(super) fn new(future: F) -> Self {
        Self(Some(Box::pin(AssertUnwindSafe(future).catch_unwind())))
    }
}

impl<F: Future<Output: Send> + Send + 'static> Future for DetachOnDrop<F> {
    /// The output, or what the future panicked with.
    type Output = Result<F::Output, Box<dyn Any + Send>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(running) = &mut self.0 else { return Poll::Pending };
        let ended = ready!(running.as_mut().poll(context));
        self.0 = None;
        Poll::Ready(ended)
    }
}

impl<F: Future<Output: Send> + Send + 'static> Drop for DetachOnDrop<F> {
    fn drop(&mut self) {
        // Without a runtime, nothing can continue.
        if let (Some(running), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(running);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_future_that_is_dropped_runs_to_its_end() {
        let (resume, resumed) = oneshot::channel::<()>();
        let (end, ended) = oneshot::channel();
        let mut future = DetachOnDrop::new(async {
            resumed.await.unwrap();
            end.send("ended").unwrap();
        });
        assert!((&mut future).now_or_never().is_none());
        drop(future);
        resume.send(()).unwrap();
        assert_eq!(ended.await, Ok("ended"));
    }

    #[tokio::test]
    async fn a_panic_is_the_output() {
        let ended = DetachOnDrop::new(async {
            if true {
                std::panic::panic_any(7)
            }
        })
        .await;
        assert_eq!(ended.unwrap_err().downcast_ref(), Some(&7));
    }
}
