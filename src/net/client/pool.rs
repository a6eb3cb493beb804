//! Idle connections, by the scheme, host and port of URLs.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::connection::Connection;

/// How long an idle connection is kept.
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);

/// The idle connections. Nothing reads from them until they are taken, so some may have been closed by then.
#[derive(Debug, Default)]
pub(super) struct Pool(Mutex<HashMap<String, Vec<Idle>>>);

#[derive(Debug)]
struct Idle {
    connection: Connection,
    since: Instant,
}

impl Pool {
    /// The most recently used idle connection to an origin.
    pub(super) fn take(&self, origin: &str) -> Option<Connection> {
        let idle = self.0.lock().get_mut(origin)?.pop()?;
        (idle.since.elapsed() < IDLE_TIMEOUT).then_some(idle.connection)
    }

    /// Keeps a connection, and drops those to the same origin that have been idle too long.
    pub(super) fn put(&self, origin: &str, connection: Connection) {
        if !connection.is_reusable() {
            return;
        }
        let idle = Idle { connection, since: Instant::now() };
        let mut origins = self.0.lock();
        let Some(connections) = origins.get_mut(origin) else {
            origins.insert(origin.to_owned(), vec![idle]);
            return;
        };
        let expired = connections.iter().take_while(|other| idle.since - other.since >= IDLE_TIMEOUT).count();
        connections.drain(..expired);
        connections.push(idle);
    }
}
