//! Idle connections, by the scheme, host and port of URLs.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Weak},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until, timeout};

use super::{connection::Connection, outbox::UnwrittenRequest};

/// How long an idle connection is kept. Less than the 5 seconds after which Node.js closes it, so that few requests
/// meet that close.
const IDLE_TIME: Duration = Duration::from_secs(4);

/// How long a request on a new connection waits for its response before idle connections are closed.
const RESPONSE_TIME: Duration = Duration::from_secs(1);

/// The idle connections. Nothing reads from them until they are taken, so some may have been closed by then.
#[derive(Debug, Default)]
pub(super) struct Pool(Mutex<Connections>);

#[derive(Debug, Default)]
struct Connections {
    by_origin: HashMap<String, OriginState>,
    /// Whether a task closes the connections that have been idle too long.
    is_watched: bool,
}

#[derive(Debug, Default)]
struct OriginState {
    /// Those idle longest come first.
    idle: Vec<Idle>,
    /// How many requests on new connections have waited too long for their responses.
    overdue: usize,
}

#[derive(Debug)]
struct Idle {
    connection: Connection,
    since: Instant,
}

/// A request that has waited too long for its response, until this is dropped.
struct Overdue<'a> {
    pool: &'a Pool,
    origin: &'a str,
}

impl Pool {
    /// The most recently used idle connection to an origin.
    pub(super) fn take(&self, origin: &str) -> Option<Connection> {
        Some(self.0.lock().by_origin.get_mut(origin)?.idle.pop()?.connection)
    }

    /// Keeps a connection while it is idle, but not for long. If the response came before the whole request was
    /// written, returns what is left of that instead.
    pub(super) fn put(self: &Arc<Self>, origin: &str, connection: Connection) -> Option<UnwrittenRequest> {
        if !connection.is_reusable() {
            return connection.into_unwritten();
        }
        let mut connections = self.0.lock();
        if !connections.by_origin.contains_key(origin) {
            connections.by_origin.insert(origin.to_owned(), OriginState::default());
        }
        let state = connections.by_origin.get_mut(origin).filter(|state| state.overdue == 0)?;
        let since = Instant::now();
        state.idle.push(Idle { connection, since });
        if !std::mem::replace(&mut connections.is_watched, true) {
            tokio::spawn(close_expired(Arc::downgrade(self), since + IDLE_TIME));
        }
        None
    }

    /// Waits for a response on a new connection. If it takes long, no idle connections are kept until it arrives: a
    /// server with one thread may be waiting for a request on one of them.
    pub(super) async fn while_waiting<T>(&self, origin: &str, response: impl Future<Output = T>) -> T {
        let mut response = pin!(response);
        if let Ok(response) = timeout(RESPONSE_TIME, &mut response).await {
            return response;
        }
        let _overdue = Overdue::new(self, origin);
        response.await
    }

    /// Closes the connections that have been idle too long, and returns when the next one will have been.
    fn close_expired(&self) -> Option<Instant> {
        let mut connections = self.0.lock();
        let now = Instant::now();
        let mut next = None;
        for state in connections.by_origin.values_mut() {
            let expired = state.idle.iter().take_while(|idle| now - idle.since >= IDLE_TIME).count();
            state.idle.drain(..expired);
            next = state.idle.first().map(|idle| idle.since + IDLE_TIME).into_iter().chain(next).min();
        }
        connections.is_watched = next.is_some();
        next
    }
}

/// Closes connections that have been idle too long, until there are none.
async fn close_expired(pool: Weak<Pool>, first: Instant) {
    let mut next = Some(first);
    while let Some(at) = next {
        sleep_until(at).await;
        next = pool.upgrade().and_then(|pool| pool.close_expired());
    }
}

impl<'a> Overdue<'a> {
    fn new(pool: &'a Pool, origin: &'a str) -> Self {
        let mut connections = pool.0.lock();
        let state = connections.by_origin.entry(origin.to_owned()).or_default();
        state.overdue += 1;
        state.idle.clear();
        Self { pool, origin }
    }
}

impl Drop for Overdue<'_> {
    fn drop(&mut self) {
        if let Some(state) = self.pool.0.lock().by_origin.get_mut(self.origin) {
            state.overdue -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::{
        io::{AsyncReadExt, DuplexStream, duplex},
        time::error::Elapsed,
    };

    use super::{super::message::Recipient, *};

    /// A connection, and its other end.
    async fn connection() -> (Connection, DuplexStream) {
        let (here, there) = duplex(1);
        (Connection::over(here, Recipient::Endpoint).await.unwrap(), there)
    }

    #[tokio::test(start_paused = true)]
    async fn idle_connections_are_closed_after_four_seconds() {
        let (pool, started) = (Arc::new(Pool::default()), Instant::now());
        for pause in [0, 3] {
            let (idle, mut other_end) = connection().await;
            tokio::time::sleep(Duration::from_secs(pause)).await;
            pool.put("a", idle);
            let (later, mut other_end_of_later) = connection().await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            pool.put("b", later);
            let put = Instant::now();
            assert_eq!((other_end.read(&mut [0]).await.unwrap(), put.elapsed().as_secs()), (0, 3));
            assert_eq!((other_end_of_later.read(&mut [0]).await.unwrap(), put.elapsed().as_secs()), (0, 4));
        }
        assert!(pool.take("a").is_none() && started.elapsed().as_secs() == 13);
    }

    #[tokio::test(start_paused = true)]
    async fn no_idle_connection_is_kept_while_a_new_one_gets_no_response() {
        let pool = Arc::new(Pool::default());
        let [(first, mut other_end), (other, _kept), (second, mut other_end_of_second)] =
            [connection().await, connection().await, connection().await];
        pool.put("a", first);
        pool.put("b", other);
        let mut waiting = std::pin::pin!(pool.while_waiting("a", pending::<()>()));
        assert!(matches!(timeout(RESPONSE_TIME * 2, waiting.as_mut()).await, Err(Elapsed { .. })));
        assert_eq!(other_end.read(&mut [0]).await.unwrap(), 0);
        pool.put("a", second);
        assert_eq!(other_end_of_second.read(&mut [0]).await.unwrap(), 0);
        assert!(pool.take("a").is_none() && pool.take("b").is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn connections_are_kept_again_once_the_response_has_arrived() {
        let pool = Arc::new(Pool::default());
        pool.while_waiting("a", tokio::time::sleep(RESPONSE_TIME * 2)).await;
        pool.put("a", connection().await.0);
        assert!(pool.take("a").is_some());
    }
}
