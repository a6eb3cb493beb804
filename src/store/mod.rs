//! The disk: captures, the formats that captured requests are read from, the config, provider
//! folders, secrets, and the watch over what changes.

pub mod captures;
pub mod config;
mod env_file;
pub mod formats;
pub mod providers;
pub mod secrets;
pub mod snapshot;
pub mod watch;
