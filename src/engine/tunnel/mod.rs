//! A tunnel: a program that gives a port of this machine a public URL. It is started by its recipe, used once it is
//! reachable from the internet, watched, restarted when lost, and ended with hookdev.
//!
//! The URL is not looked up before the tunnel is ready. The name of a new tunnel is in the DNS only after a while, and
//! a resolver that asks too early caches its absence.

mod entrance;
mod output;
mod probe;
mod process;
mod pulse;
mod supervisor;

use std::time::Duration;

pub use self::{
    entrance::{Entrance, new_prefix},
    supervisor::{Tunnel, TunnelEvent, TunnelSetup},
};

/// The path below the prefix that responds with 204, and by which a tunnel is checked.
const CHECK_PATH: &str = "/hookdev-check";

/// The timeouts and intervals of a tunnel.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Between two checks for the URL, and for whether the tunnel is ready.
    pub poll: Duration,
    /// From the start of the program until the tunnel is ready, at most.
    pub start: Duration,
    /// Between two checks of a tunnel that is ready.
    pub watch: Duration,
    /// How many checks in a row must fail before the program is restarted.
    pub misses: u32,
    /// Before the program is restarted for the first time. It doubles each time.
    pub backoff: Duration,
    /// The longest wait before the program is restarted, and how long it must run before [`Self::backoff`] applies
    /// again.
    pub longest_backoff: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            poll: Duration::from_millis(250),
            start: Duration::from_secs(60),
            watch: Duration::from_secs(10),
            misses: 3,
            backoff: Duration::from_secs(1),
            longest_backoff: Duration::from_secs(60),
        }
    }
}

/// Why there is no tunnel.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TunnelError {
    /// Its program isn't installed.
    #[error("the program `{0}` was not found")]
    Missing(String),
    /// Its program can't be started.
    #[error("{0}")]
    Refused(String),
    /// Its program exited too early.
    #[error("{status} before it was ready")]
    Exited {
        /// How it exited, in words.
        status: String,
        /// The last lines that it printed.
        lines: Vec<String>,
    },
    /// It did not become ready in time.
    #[error("{waiting_for} within {} s", after.as_secs())]
    NotReady {
        /// What did not happen.
        waiting_for: &'static str,
        /// The time limit.
        after: Duration,
        /// The last lines that the program printed.
        lines: Vec<String>,
    },
}

impl TunnelError {
    /// The last lines that the program printed, which are untrusted text.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        match self {
            Self::Missing(_) | Self::Refused(_) => &[],
            Self::Exited { lines, .. } | Self::NotReady { lines, .. } => lines,
        }
    }
}
