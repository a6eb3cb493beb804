//! The network: a server that receives requests, a server for the inspector's page, and a client. None of them knows
//! what a webhook means; all use [`crate::webhook::request::Request`].

pub mod client;
pub mod descriptors;
mod fields;
pub mod inspector;
#[cfg(unix)]
pub mod listening;
pub mod own_address;
pub mod receiver;
pub mod url;
