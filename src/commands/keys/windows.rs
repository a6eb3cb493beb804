//! `listen` reads no keys on Windows: the console has no mode that reads single keys and keeps the effect of Ctrl-C.

use std::convert::Infallible;

use super::Subject;
use crate::commands::terminal::Terminal;

/// Keys, which are never available.
#[derive(Debug)]
pub struct Keys(Infallible);

impl Keys {
    /// Always `None`.
    pub fn start(_: Subject, _: Terminal) -> Option<Self> {
        None
    }

    /// Never called.
    #[expect(clippy::unused_async, reason = "it awaits keys on Unix")]
    pub async fn handle_until<T>(&mut self, _: impl Future<Output = T>) -> Option<T> {
        match self.0 {}
    }
}
