//! What a webhook is: requests, signatures, providers, payloads and what a provider demands.
//!
//! Everything here is pure: values in, values out. No file, socket, environment variable, clock,
//! colour or task is touched; time, ids, randomness and secrets are arguments.

pub mod assessment;
pub mod contract;
pub mod delivery;
pub mod diagnose;
pub mod json;
pub mod keyring;
pub mod load;
pub mod nearest;
pub mod overrides;
pub mod provider;
pub mod record;
pub mod redact;
pub mod remedy;
pub mod request;
pub mod schema;
pub mod signature;
pub mod template;
pub mod time;
