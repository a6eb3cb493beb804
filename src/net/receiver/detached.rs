//! A future that runs to completion even if its owner drops it: it moves to a task of its own then. Until then it runs
//! in the owner's task, which saves a wake-up in each direction.

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll, ready},
    thread,
};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::runtime::Handle;

/// Resolves to the output of the work, or to its panic.
pub struct Detached<T: Send + 'static>(Option<BoxFuture<'static, thread::Result<T>>>);

impl<T: Send + 'static> Detached<T> {
    /// The work starts when it is first polled.
    pub fn new(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(Some(AssertUnwindSafe(work).catch_unwind().boxed()))
    }
}

impl<T: Send + 'static> Future for Detached<T> {
    type Output = thread::Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(work) = &mut self.0 else { return Poll::Pending };
        let output = ready!(work.as_mut().poll(context));
        self.0 = None;
        Poll::Ready(output)
    }
}

impl<T: Send + 'static> Drop for Detached<T> {
    fn drop(&mut self) {
        // Without a runtime, the program is exiting.
        if let (Some(work), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(work);
        }
    }
}

/// The message of a panic.
pub fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("it panicked")
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn dropped_work_runs_to_completion() {
        let (begin, begins) = oneshot::channel::<()>();
        let (end, ends) = oneshot::channel();
        let mut work = Detached::new(async move {
            begins.await.unwrap();
            end.send("done").unwrap();
        });
        assert!((&mut work).now_or_never().is_none());
        drop(work);
        begin.send(()).unwrap();
        assert_eq!(ends.await, Ok("done"));
    }

    #[tokio::test]
    async fn a_panic_is_a_result_with_its_message() {
        let number = 7;
        for (work, expected) in [
            (Detached::new(async { panic!("plain") }), "plain"),
            (Detached::new(async move { panic!("number {number}") }), "number 7"),
            (Detached::new(async { std::panic::panic_any(7) }), "it panicked"),
        ] {
            let work: Detached<()> = work;
            assert_eq!(panic_message(&*work.await.unwrap_err()), expected);
        }
    }
}
