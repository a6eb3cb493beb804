//! The disk: captures, the formats of captured requests, the config, provider directories, secrets, and watching for
//! changes.

pub mod captures;
pub mod config;
mod env_file;
pub mod formats;
mod home;
pub mod journal;
pub mod new_provider;
pub mod opened;
pub mod private;
mod provenance;
pub mod provider_cache;
pub mod providers;
pub mod read;
pub mod recipes;
pub mod secrets;
pub mod snapshot;
pub mod temporary;
pub mod trust;
pub mod watch;
