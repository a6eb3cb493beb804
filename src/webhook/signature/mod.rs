//! Signature schemes: how a provider signs, and whether a request was signed so.
//!
//! A [`Scheme`] is parsed from a manifest and joins the parts below it: the [`mac`], the
//! [`content`] that is signed, the [`grammar`] of the header that carries the signature, and the
//! [`secret`]. What verification answers is a [`Verdict`].

pub mod content;
pub mod grammar;
pub mod mac;
pub mod scheme;
pub mod secret;
pub mod verdict;

pub use mac::Algorithm;
pub use scheme::{Message, Receipt, Scheme};
pub use secret::{MalformedSecret, SecretFormat, SecretText, SigningSecret};
pub use verdict::{Freshness, Reason, Rejection, Verdict, Verified};
