//! How long a shutdown may take: deliveries in progress get time to finish, then their waits are cancelled, and a
//! reader or disk that has stopped can't block the shutdown forever.

use std::{future::Future, time::Duration};

use tokio_util::sync::CancellationToken;

/// How long deliveries in progress may take.
const GRACE_PERIOD: Duration = Duration::from_secs(4);

/// How long the rest may take after waits are cancelled.
const CANCEL_PERIOD: Duration = Duration::from_secs(5);

/// Runs `finish` for as long as a shutdown may take. Cancels `waits` after the grace period or when `hurry` resolves,
/// and gives up after another period or when `hurry` resolves again. `None` if `finish` did not complete.
pub async fn drain<T>(
    finish: impl Future<Output = T>,
    waits: &CancellationToken,
    mut hurry: impl AsyncFnMut(),
) -> Option<T> {
    let limit = async {
        let _ = tokio::time::timeout(GRACE_PERIOD, hurry()).await;
        waits.cancel();
        let _ = tokio::time::timeout(CANCEL_PERIOD, hurry()).await;
    };
    tokio::select! {
        finished = finish => Some(finished),
        () = limit => None,
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn deliveries_in_progress_have_a_grace_period_and_are_then_cancelled() {
        let (waits, started) = (CancellationToken::new(), Instant::now());
        let cancelled = tokio::spawn({
            let waits = waits.clone();
            async move {
                waits.cancelled().await;
                started.elapsed()
            }
        });
        assert_eq!(drain(pending::<()>(), &waits, pending).await, None);
        assert_eq!((cancelled.await.unwrap(), started.elapsed()), (GRACE_PERIOD, GRACE_PERIOD + CANCEL_PERIOD));
    }

    #[tokio::test(start_paused = true)]
    async fn hurry_cancels_at_once_and_gives_up_when_it_comes_again() {
        let (waits, started) = (CancellationToken::new(), Instant::now());
        let mut pressed = false;
        let once = async || {
            if std::mem::replace(&mut pressed, true) {
                pending::<()>().await;
            }
        };
        assert_eq!(drain(waits.cancelled(), &waits, once).await, Some(()));
        assert_eq!(drain(pending::<()>(), &waits, async || {}).await, None);
        assert_eq!(started.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn what_finishes_in_time_is_not_cancelled() {
        let waits = CancellationToken::new();
        let work = async {
            tokio::time::sleep(GRACE_PERIOD / 2).await;
            7
        };
        assert_eq!((drain(work, &waits, pending).await, waits.is_cancelled()), (Some(7), false));
    }
}
