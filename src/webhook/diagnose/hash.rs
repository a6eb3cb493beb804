//! Plain hashes, which some senders compute instead of a MAC: of the content alone, or together with the secret.

use crate::webhook::signature::{Algorithm, SigningSecret};

/// What is hashed in addition to the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyed {
    /// Nothing.
    No,
    /// The secret before it.
    Before,
    /// The secret after it.
    After,
}

impl Keyed {
    /// Every way to hash.
    pub const ALL: [Self; 3] = [Self::No, Self::Before, Self::After];

    /// What the hash is of, as messages say it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::No => "the content alone, without the secret: anyone can make it (createHash instead of createHmac)",
            Self::Before => "the secret followed by the content, not an HMAC",
            Self::After => "the content followed by the secret, not an HMAC",
        }
    }
}

/// The hash of the content; `None` if the algorithm has none.
pub fn hash(algorithm: Algorithm, keyed: Keyed, secret: &SigningSecret, content: &[&[u8]]) -> Option<Vec<u8>> {
    // A token's signature is the secret itself.
    let secret = match keyed {
        Keyed::No => Vec::new(),
        Keyed::Before | Keyed::After => secret.key(Algorithm::Token)?.sign([])?,
    };
    let content = content.iter().copied();
    let pieces: Vec<&[u8]> = match keyed {
        Keyed::No => content.collect(),
        Keyed::Before => std::iter::once(secret.as_slice()).chain(content).collect(),
        Keyed::After => content.chain([secret.as_slice()]).collect(),
    };
    Some(algorithm.hash_function()?.hash(pieces))
}
