//! Work that comes to its end also when nobody waits for it any more: on the task of whoever waits,
//! which spares the way to another one and back, and on one of its own once that has given up.

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll, ready},
    thread,
};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::runtime::Handle;

/// Work with what comes of it, a panic included.
pub struct Whole<T: Send + 'static>(Option<BoxFuture<'static, thread::Result<T>>>);

impl<T: Send + 'static> Whole<T> {
    /// The work, which begins when it is waited for.
    pub fn new(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(Some(AssertUnwindSafe(work).catch_unwind().boxed()))
    }
}

impl<T: Send + 'static> Future for Whole<T> {
    type Output = thread::Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(work) = &mut self.0 else { return Poll::Pending };
        let done = ready!(work.as_mut().poll(context));
        self.0 = None;
        Poll::Ready(done)
    }
}

impl<T: Send + 'static> Drop for Whole<T> {
    fn drop(&mut self) {
        // Without a runtime the program is ending.
        if let (Some(work), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(work);
        }
    }
}

/// What a panic says.
pub fn told_by(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("it panicked")
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_comes_to_its_end() {
        let (begin, begins) = oneshot::channel::<()>();
        let (end, ends) = oneshot::channel();
        let mut work = Whole::new(async move {
            begins.await.unwrap();
            end.send("done").unwrap();
        });
        assert!((&mut work).now_or_never().is_none());
        drop(work);
        begin.send(()).unwrap();
        assert_eq!(ends.await, Ok("done"));
    }

    #[tokio::test]
    async fn a_panic_is_a_result_and_says_why() {
        let number = 7;
        for (work, expected) in [
            (Whole::new(async { panic!("plain") }), "plain"),
            (Whole::new(async move { panic!("number {number}") }), "number 7"),
            (Whole::new(async { std::panic::panic_any(7) }), "it panicked"),
        ] {
            let work: Whole<()> = work;
            assert_eq!(told_by(&*work.await.unwrap_err()), expected);
        }
    }
}
