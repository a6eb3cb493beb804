//! A tunnel: a program that gives a port of this machine a public URL. It is started as its recipe says, used once the
//! whole internet can use it, watched, started again when it is lost, and ended with hookdev.
//!
//! The URL is not looked up before the tunnel is ready. The DNS has the name of a new tunnel only after a while, and a
//! resolver that asks too early caches that there is none.

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

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Between two checks for the URL, and for whether the tunnel is ready.
    pub poll: Duration,
    /// From the start of the program until the tunnel is ready, at most.
    pub start: Duration,
    /// Between two checks of a tunnel that is ready.
    pub watch: Duration,
    /// How many checks in a row must fail before the program is started again.
    pub misses: u32,
    /// Before the program is started again for the first time; twice as long each time after that.
    pub backoff: Duration,
    /// The longest wait before the program is started again, and how long it must run until [`Self::backoff`] applies
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
        /// How it exited.
        status: String,
        /// What it printed last.
        lines: Vec<String>,
    },
    /// It took too long.
    #[error("{waiting_for} within {} s", after.as_secs())]
    NotReady {
        /// What did not happen.
        waiting_for: &'static str,
        /// The time limit.
        after: Duration,
        /// What the program printed last.
        lines: Vec<String>,
    },
}

impl TunnelError {
    /// What the program printed last. It is untrusted text.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        match self {
            Self::Missing(_) | Self::Refused(_) => &[],
            Self::Exited { lines, .. } | Self::NotReady { lines, .. } => lines,
        }
    }
}
