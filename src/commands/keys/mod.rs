//! The keys of `listen` on a terminal: resend, edit, copy, pause, quit.

#[cfg(unix)]
mod input;
#[cfg(unix)]
mod keyboard;
#[cfg(unix)]
mod resends;
#[cfg_attr(windows, path = "windows.rs")]
mod unix;

use std::sync::Arc;

use super::reporters::pause::Pause;
use crate::{
    engine::receive::{CurrentSettings, History, Resender},
    store::captures::CaptureStore,
};
pub use unix::Keys;

/// What the keys act on.
#[derive(Clone, Debug)]
#[cfg_attr(windows, allow(dead_code))]
pub struct Subject {
    pub history: History,
    pub settings: Arc<CurrentSettings>,
    pub resender: Resender,
    pub pause: Pause,
    /// Where older deliveries are saved.
    pub captures: Option<Arc<CaptureStore>>,
    /// The receiver's URL without a path.
    pub url: String,
    /// Whether the output is the only capture, so that it can't be paused.
    pub output_is_capture: bool,
    pub redact: bool,
    /// The URL of the inspector with its token, if there is one.
    pub inspector: Option<String>,
}
