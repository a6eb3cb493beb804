//! The algorithms that providers sign with, by the names that manifests use.

use std::fmt;

use serde::Deserialize;

use super::{
    asymmetric::{EcdsaEncoding, Family},
    hash_function::HashFunction,
};

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
    /// The same, but as 64 bytes: both numbers, one after the other.
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
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 18] = [
        Self::HmacMd5,
        Self::HmacSha1,
        Self::HmacSha256,
        Self::HmacSha384,
        Self::HmacSha512,
        Self::Md5,
        Self::Sha1,
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
        Self::Token,
        Self::Ed25519,
        Self::EcdsaP256,
        Self::EcdsaP256Raw,
        Self::RsaSha256,
        Self::JwtHs256,
        Self::JwtEs256,
        Self::JwtRs256,
    ];

    /// The name that manifests use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HmacMd5 => "hmac-md5",
            Self::HmacSha1 => "hmac-sha1",
            Self::HmacSha256 => "hmac-sha256",
            Self::HmacSha384 => "hmac-sha384",
            Self::HmacSha512 => "hmac-sha512",
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
            Self::Token => "token",
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256 => "ecdsa-p256",
            Self::EcdsaP256Raw => "ecdsa-p256-raw",
            Self::RsaSha256 => "rsa-sha256",
            Self::JwtHs256 => "jwt-hs256",
            Self::JwtEs256 => "jwt-es256",
            Self::JwtRs256 => "jwt-rs256",
        }
    }

    /// The hash function of an HMAC or of a plain hash; `None` for the other algorithms.
    #[must_use]
    pub const fn hash_function(self) -> Option<HashFunction> {
        match self {
            Self::HmacMd5 | Self::Md5 => Some(HashFunction::Md5),
            Self::HmacSha1 | Self::Sha1 => Some(HashFunction::Sha1),
            Self::HmacSha256 | Self::Sha256 => Some(HashFunction::Sha256),
            Self::HmacSha384 | Self::Sha384 => Some(HashFunction::Sha384),
            Self::HmacSha512 | Self::Sha512 => Some(HashFunction::Sha512),
            Self::Token
            | Self::Ed25519
            | Self::EcdsaP256
            | Self::EcdsaP256Raw
            | Self::RsaSha256
            | Self::JwtHs256
            | Self::JwtEs256
            | Self::JwtRs256 => None,
        }
    }

    /// The length of a signature in bytes; `None` if signatures differ in length.
    #[must_use]
    pub const fn signature_length(self) -> Option<usize> {
        match (self, self.hash_function()) {
            (_, Some(hash)) => Some(hash.length()),
            (Self::Ed25519 | Self::EcdsaP256Raw, None) => Some(64),
            (_, None) => None,
        }
    }

    /// Whether a signature depends on the content, and thus proves something about it.
    #[must_use]
    pub const fn covers_content(self) -> bool {
        !matches!(self, Self::Token)
    }

    /// Whether it is a bare HMAC, not one inside a JWT.
    #[must_use]
    pub const fn is_hmac(self) -> bool {
        self.hash_function().is_some() && !self.is_plain_hash()
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
            Self::Token
            | Self::Ed25519
            | Self::EcdsaP256
            | Self::EcdsaP256Raw
            | Self::RsaSha256
            | Self::HmacMd5
            | Self::HmacSha1
            | Self::HmacSha256
            | Self::HmacSha384
            | Self::HmacSha512
            | Self::Md5
            | Self::Sha1
            | Self::Sha256
            | Self::Sha384
            | Self::Sha512 => None,
        }
    }

    /// The family of its public keys; `None` if the secret is shared.
    #[must_use]
    pub const fn family(self) -> Option<Family> {
        match self {
            Self::Ed25519 => Some(Family::Ed25519),
            Self::EcdsaP256 | Self::EcdsaP256Raw | Self::JwtEs256 => Some(Family::P256),
            Self::RsaSha256 | Self::JwtRs256 => Some(Family::Rsa),
            Self::Token
            | Self::JwtHs256
            | Self::HmacMd5
            | Self::HmacSha1
            | Self::HmacSha256
            | Self::HmacSha384
            | Self::HmacSha512
            | Self::Md5
            | Self::Sha1
            | Self::Sha256
            | Self::Sha384
            | Self::Sha512 => None,
        }
    }

    /// How its signatures are written.
    pub(super) const fn form(self) -> EcdsaEncoding {
        match self {
            Self::EcdsaP256Raw | Self::JwtEs256 => EcdsaEncoding::Fixed,
            _ => EcdsaEncoding::Der,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_algorithms_have_the_names_that_manifests_use() {
        let read = |name: &str| serde_json::from_value::<Algorithm>(name.into());
        for algorithm in Algorithm::ALL {
            assert_eq!(read(algorithm.name()).unwrap(), algorithm);
        }
        // serde knows every variant.
        let names = Algorithm::ALL.map(|algorithm| format!("`{}`", algorithm.name())).join(", ");
        assert_eq!(read("none").unwrap_err().to_string(), format!("unknown variant `none`, expected one of {names}"));
    }
}
