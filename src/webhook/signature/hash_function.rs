//! The hash functions of signatures, alone or inside an HMAC.

use md5::Md5;
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha384, Sha512};

use super::Algorithm;

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashFunction {
    /// MD5.
    Md5,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl HashFunction {
    /// All of them, the most common for webhooks first.
    pub const ALL: [Self; 5] = [Self::Sha256, Self::Sha1, Self::Sha512, Self::Sha384, Self::Md5];

    /// The HMAC with this function.
    #[must_use]
    pub const fn hmac(self) -> Algorithm {
        match self {
            Self::Md5 => Algorithm::HmacMd5,
            Self::Sha1 => Algorithm::HmacSha1,
            Self::Sha256 => Algorithm::HmacSha256,
            Self::Sha384 => Algorithm::HmacSha384,
            Self::Sha512 => Algorithm::HmacSha512,
        }
    }

    /// The plain hash with this function, whose content must contain the secret.
    #[must_use]
    pub const fn plain(self) -> Algorithm {
        match self {
            Self::Md5 => Algorithm::Md5,
            Self::Sha1 => Algorithm::Sha1,
            Self::Sha256 => Algorithm::Sha256,
            Self::Sha384 => Algorithm::Sha384,
            Self::Sha512 => Algorithm::Sha512,
        }
    }

    /// The name in code and in prefixes of signatures: `sha256`. For people, see the `Display` of [`Self::plain`].
    #[must_use]
    pub const fn identifier(self) -> &'static str {
        self.plain().name()
    }

    /// The length of a hash in bytes.
    pub(super) const fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The hash of the content.
    pub fn hash<'a>(self, content: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
        fn digest<'a, D: Digest>(content: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
            let mut hash = D::new();
            content.into_iter().for_each(|piece| hash.update(piece));
            hash.finalize().to_vec()
        }
        match self {
            Self::Md5 => digest::<Md5>(content),
            Self::Sha1 => digest::<Sha1>(content),
            Self::Sha256 => digest::<Sha256>(content),
            Self::Sha384 => digest::<Sha384>(content),
            Self::Sha512 => digest::<Sha512>(content),
        }
    }
}
