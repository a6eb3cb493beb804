//! The network: a server that receives requests and a client that sends them. Neither knows what a webhook means; both
//! use [`crate::webhook::request::Request`].

pub mod client;
pub mod descriptors;
mod fields;
#[cfg(unix)]
pub mod listening;
pub mod own_address;
pub mod receiver;
pub mod url;
