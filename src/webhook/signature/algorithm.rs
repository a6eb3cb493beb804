//! The algorithms that providers sign with, by the names that manifests use.

use std::fmt;

use serde::Deserialize;

/// How a signature is made from a key and the signed content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// HMAC with SHA-1.
    HmacSha1,
    /// HMAC with SHA-256.
    HmacSha256,
    /// HMAC with SHA-384.
    HmacSha384,
    /// HMAC with SHA-512.
    HmacSha512,
    /// A static token: the secret itself is sent, regardless of the content.
    Token,
}

impl Algorithm {
    /// The length of a signature in bytes; `None` for a token, which may have any length.
    #[must_use]
    pub const fn signature_length(self) -> Option<usize> {
        match self {
            Self::HmacSha1 => Some(20),
            Self::HmacSha256 => Some(32),
            Self::HmacSha384 => Some(48),
            Self::HmacSha512 => Some(64),
            Self::Token => None,
        }
    }

    /// Whether a signature depends on the content, and so proves anything about it.
    #[must_use]
    pub const fn covers_content(self) -> bool {
        match self {
            Self::HmacSha1 | Self::HmacSha256 | Self::HmacSha384 | Self::HmacSha512 => true,
            Self::Token => false,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HmacSha1 => "HMAC-SHA1",
            Self::HmacSha256 => "HMAC-SHA256",
            Self::HmacSha384 => "HMAC-SHA384",
            Self::HmacSha512 => "HMAC-SHA512",
            Self::Token => "a static token",
        })
    }
}
