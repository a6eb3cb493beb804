//! Plain hashes, which some senders make where a MAC is due: of the content alone, or together with the secret.

use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha384, Sha512};

use crate::webhook::signature::{Algorithm, SigningSecret};

/// What is hashed beside the content.
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

/// The name of a MAC's hash.
pub const fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::HmacSha1 | Algorithm::Sha1 => "SHA-1",
        Algorithm::HmacSha256 | Algorithm::Sha256 => "SHA-256",
        Algorithm::HmacSha384 | Algorithm::Sha384 => "SHA-384",
        Algorithm::HmacSha512 | Algorithm::Sha512 => "SHA-512",
        Algorithm::HmacMd5 | Algorithm::Md5 => "MD5",
        _ => "none",
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
    Some(match algorithm {
        Algorithm::HmacSha1 | Algorithm::Sha1 => digest::<Sha1>(&pieces),
        Algorithm::HmacSha256 | Algorithm::Sha256 => digest::<Sha256>(&pieces),
        Algorithm::HmacSha384 | Algorithm::Sha384 => digest::<Sha384>(&pieces),
        Algorithm::HmacSha512 | Algorithm::Sha512 => digest::<Sha512>(&pieces),
        // No sender makes an MD5 by mistake.
        _ => return None,
    })
}

fn digest<D: Digest>(pieces: &[&[u8]]) -> Vec<u8> {
    let mut hasher = D::new();
    for piece in pieces {
        hasher.update(piece);
    }
    hasher.finalize().to_vec()
}
