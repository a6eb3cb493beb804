//! The network: a server that receives requests and two clients that send them. Neither knows what
//! a webhook means; both speak in [`crate::webhook::request::Request`].

pub mod descriptors;
pub mod load;
pub mod receiver;
pub mod sender;
pub mod url;
