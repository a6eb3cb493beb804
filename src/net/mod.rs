//! The network: a server that receives requests and a client that sends them. Neither knows what
//! a webhook means; both speak in [`crate::webhook::request::Request`].

pub mod receiver;
pub mod sender;
