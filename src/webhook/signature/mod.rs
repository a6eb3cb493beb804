//! Signature schemes: how a provider signs, and whether a request carries such a signature.
//!
//! A [`Scheme`] is parsed from a manifest. It combines an [`Algorithm`], the [`content`] that is signed, and the
//! [`grammar`] of the header that carries the signature. A [`secret`] provides the [`key`]. Verification returns a
//! [`Verdict`].

pub mod algorithm;
pub mod asymmetric;
mod certificate;
pub(super) mod claims;
pub mod content;
pub mod grammar;
mod hash_function;
pub mod jwt;
pub mod key;
mod key_encoding;
pub mod malformed;
pub mod scheme;
pub mod secret;
mod sole;
pub mod timestamp;
pub mod verdict;
pub mod verify;

pub use algorithm::Algorithm;
pub use hash_function::HashFunction;
pub use key_encoding::KeyEncoding;
pub use malformed::MalformedSecret;
pub use scheme::{Scheme, SigningInput};
pub use secret::{SecretFormat, SecretRule, SecretText, SigningSecret};
pub use verdict::{Claim, Freshness, Reason, Rejection, Unmatched, Verdict, Verified};
pub use verify::Receipt;
