//! The algorithms that providers sign with, by the names that manifests use.

use std::fmt;

use serde::Deserialize;

use super::asymmetric::{Family, Form};

/// How a signature is made from a key and the signed content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// HMAC with MD5.
    HmacMd5,
    /// HMAC with SHA-1.
    HmacSha1,
    /// HMAC with SHA-256.
    HmacSha256,
    /// HMAC with SHA-384.
    HmacSha384,
    /// HMAC with SHA-512.
    HmacSha512,
    /// A plain MD5 of content that contains the secret. Weaker than a MAC, like all plain hashes.
    Md5,
    /// A plain SHA-1 of content that contains the secret.
    Sha1,
    /// A plain SHA-256 of content that contains the secret.
    Sha256,
    /// A plain SHA-384 of content that contains the secret.
    Sha384,
    /// A plain SHA-512 of content that contains the secret.
    Sha512,
    /// A static token: the secret itself is sent, regardless of the content.
    Token,
    /// Ed25519.
    Ed25519,
    /// ECDSA on P-256 with SHA-256, in DER.
    EcdsaP256,
    /// The same as 64 bytes, both numbers one after the other.
    EcdsaP256Raw,
    /// RSA with PKCS #1 v1.5 padding and SHA-256.
    RsaSha256,
    /// A JWT signed with HMAC-SHA256.
    JwtHs256,
    /// A JWT signed with ECDSA on P-256.
    JwtEs256,
    /// A JWT signed with RSA.
    JwtRs256,
}

impl Algorithm {
    /// The length of a signature in bytes; `None` if signatures differ in length.
    #[must_use]
    pub const fn signature_length(self) -> Option<usize> {
        match self {
            Self::HmacMd5 | Self::Md5 => Some(16),
            Self::HmacSha1 | Self::Sha1 => Some(20),
            Self::HmacSha256 | Self::Sha256 => Some(32),
            Self::HmacSha384 | Self::Sha384 => Some(48),
            Self::HmacSha512 | Self::Sha512 | Self::Ed25519 | Self::EcdsaP256Raw => Some(64),
            Self::Token | Self::EcdsaP256 | Self::RsaSha256 | Self::JwtHs256 | Self::JwtEs256 | Self::JwtRs256 => None,
        }
    }

    /// Whether a signature depends on the content, and so proves anything about it.
    #[must_use]
    pub const fn covers_content(self) -> bool {
        !matches!(self, Self::Token)
    }

    /// Whether it is a plain hash, whose content must contain the secret.
    #[must_use]
    pub const fn is_plain_hash(self) -> bool {
        matches!(self, Self::Md5 | Self::Sha1 | Self::Sha256 | Self::Sha384 | Self::Sha512)
    }

    /// The name in the header of a JWT; `None` if the signature isn't one.
    #[must_use]
    pub const fn jwt_name(self) -> Option<&'static str> {
        match self {
            Self::JwtHs256 => Some("HS256"),
            Self::JwtEs256 => Some("ES256"),
            Self::JwtRs256 => Some("RS256"),
            _ => None,
        }
    }

    /// The family of its public keys; `None` if the secret is shared.
    #[must_use]
    pub const fn family(self) -> Option<Family> {
        match self {
            Self::Ed25519 => Some(Family::Ed25519),
            Self::EcdsaP256 | Self::EcdsaP256Raw | Self::JwtEs256 => Some(Family::P256),
            Self::RsaSha256 | Self::JwtRs256 => Some(Family::Rsa),
            _ => None,
        }
    }

    /// How its signatures are written.
    pub(super) const fn form(self) -> Form {
        match self {
            Self::EcdsaP256Raw | Self::JwtEs256 => Form::Fixed,
            _ => Form::Der,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HmacMd5 => "HMAC-MD5",
            Self::HmacSha1 => "HMAC-SHA1",
            Self::HmacSha256 => "HMAC-SHA256",
            Self::HmacSha384 => "HMAC-SHA384",
            Self::HmacSha512 => "HMAC-SHA512",
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
            Self::Token => "a static token",
            Self::Ed25519 => "Ed25519",
            Self::EcdsaP256 => "ECDSA-P256-SHA256",
            Self::EcdsaP256Raw => "ECDSA-P256-SHA256 in 64 bytes",
            Self::RsaSha256 => "RSA-SHA256",
            Self::JwtHs256 => "JWT-HS256",
            Self::JwtEs256 => "JWT-ES256",
            Self::JwtRs256 => "JWT-RS256",
        })
    }
}
