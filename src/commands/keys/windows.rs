//! On Windows, `listen` reads no keys: its console has no mode in which Ctrl-C keeps its meaning and keys are read one
//! by one.

use std::convert::Infallible;

use super::Subject;
use crate::commands::terminal::Terminal;

/// No keys.
#[derive(Debug)]
pub struct Keys(Infallible);

impl Keys {
    /// `None`.
    pub fn start(_: Subject, _: Terminal) -> Option<Self> {
        None
    }

    /// Never called.
    #[expect(clippy::unused_async, reason = "it waits elsewhere")]
    pub async fn quit(&mut self) {
        match self.0 {}
    }
}
