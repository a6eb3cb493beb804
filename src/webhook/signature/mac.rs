//! The message authentication codes that providers use, over `hmac`, `sha1` and `sha2`.
//!
//! Comparison is the library's own, in constant time.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

/// What makes a signature from a key and the signed content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// HMAC with SHA-1, 20 bytes.
    HmacSha1,
    /// HMAC with SHA-256, 32 bytes.
    HmacSha256,
    /// HMAC with SHA-384, 48 bytes.
    HmacSha384,
    /// HMAC with SHA-512, 64 bytes.
    HmacSha512,
    /// No MAC at all: the secret itself is sent.
    Token,
}

impl Algorithm {
    /// How many bytes a signature has; of a token nobody knows.
    #[must_use]
    pub const fn length(self) -> Option<usize> {
        match self {
            Self::HmacSha1 => Some(20),
            Self::HmacSha256 => Some(32),
            Self::HmacSha384 => Some(48),
            Self::HmacSha512 => Some(64),
            Self::Token => None,
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

/// A MAC with its key taken in; a clone is much cheaper than keying anew.
#[derive(Clone)]
pub struct KeyedMac(Keyed);

#[derive(Clone)]
enum Keyed {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
    Sha512(Hmac<Sha512>),
    Token(Hmac<Sha256>, Zeroizing<Vec<u8>>),
}

impl KeyedMac {
    /// Takes in a key of any length.
    #[must_use]
    pub fn new(algorithm: Algorithm, key: &[u8]) -> Self {
        Self(match algorithm {
            Algorithm::HmacSha1 => Keyed::Sha1(keyed(key)),
            Algorithm::HmacSha256 => Keyed::Sha256(keyed(key)),
            Algorithm::HmacSha384 => Keyed::Sha384(keyed(key)),
            Algorithm::HmacSha512 => Keyed::Sha512(keyed(key)),
            Algorithm::Token => Keyed::Token(keyed(key), Zeroizing::new(key.to_vec())),
        })
    }

    /// Adds signed content.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Keyed::Sha1(mac) => mac.update(bytes),
            Keyed::Sha256(mac) => mac.update(bytes),
            Keyed::Sha384(mac) => mac.update(bytes),
            Keyed::Sha512(mac) => mac.update(bytes),
            Keyed::Token(..) => {}
        }
    }

    /// The signature's bytes; of a token, the token.
    #[must_use]
    pub fn finalize(self) -> Vec<u8> {
        match self.0 {
            Keyed::Sha1(mac) => mac.finalize().into_bytes().to_vec(),
            Keyed::Sha256(mac) => mac.finalize().into_bytes().to_vec(),
            Keyed::Sha384(mac) => mac.finalize().into_bytes().to_vec(),
            Keyed::Sha512(mac) => mac.finalize().into_bytes().to_vec(),
            Keyed::Token(_, token) => token.to_vec(),
        }
    }

    /// Whether `signature` is that of the content so far, in constant time.
    #[must_use]
    pub fn verify(self, signature: &[u8]) -> bool {
        match self.0 {
            Keyed::Sha1(mac) => mac.verify_slice(signature),
            Keyed::Sha256(mac) => mac.verify_slice(signature),
            Keyed::Sha384(mac) => mac.verify_slice(signature),
            Keyed::Sha512(mac) => mac.verify_slice(signature),
            // Comparing the MACs of both texts takes a time that says nothing of either.
            Keyed::Token(mut mac, token) => {
                let expected = mac.clone().chain_update(&*token).finalize().into_bytes();
                mac.update(signature);
                mac.verify_slice(&expected)
            }
        }
        .is_ok()
    }
}

impl KeyedMac {
    /// Whether `signature` is the beginning of that of the content so far. It says where a
    /// signature was cut and is never a proof that a request is genuine.
    #[must_use]
    pub(in crate::webhook) fn begins_with(self, signature: &[u8]) -> bool {
        match self.0 {
            Keyed::Sha1(mac) => mac.verify_truncated_left(signature).is_ok(),
            Keyed::Sha256(mac) => mac.verify_truncated_left(signature).is_ok(),
            Keyed::Sha384(mac) => mac.verify_truncated_left(signature).is_ok(),
            Keyed::Sha512(mac) => mac.verify_truncated_left(signature).is_ok(),
            Keyed::Token(..) => false,
        }
    }
}

impl fmt::Debug for KeyedMac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedMac(…)")
    }
}

/// An HMAC takes a key of any length, which its constructor's type does not say.
fn keyed<M: KeyInit>(key: &[u8]) -> M {
    M::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    const RFC_4231: &str = include_str!("../../../tests/vectors/rfc4231.json");

    #[derive(Deserialize)]
    struct Vectors {
        count: usize,
        vectors: Vec<Vector>,
    }

    #[derive(Deserialize)]
    struct Vector {
        key_hex: String,
        data_hex: String,
        sha256: String,
        sha512: String,
    }

    fn unhex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
    }

    #[test]
    fn macs_are_those_of_rfc_4231() {
        let file: Vectors = serde_json::from_str(RFC_4231).unwrap();
        assert_eq!(file.vectors.len(), file.count);
        for vector in file.vectors {
            for (algorithm, expected) in
                [(Algorithm::HmacSha256, vector.sha256), (Algorithm::HmacSha512, vector.sha512)]
            {
                let mut mac = KeyedMac::new(algorithm, &unhex(&vector.key_hex));
                mac.update(&unhex(&vector.data_hex));
                assert_eq!(mac.clone().finalize(), unhex(&expected), "{algorithm} of {}", vector.data_hex);
                assert!(mac.verify(&unhex(&expected)));
            }
        }
    }

    #[test]
    fn sha1_and_sha384_are_those_of_their_rfcs() {
        // RFC 2202 and RFC 4231, both test case 2.
        let expected = [
            (Algorithm::HmacSha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (
                Algorithm::HmacSha384,
                "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
            ),
        ];
        for (algorithm, expected) in expected {
            let mut mac = KeyedMac::new(algorithm, b"Jefe");
            mac.update(b"what do ya want for nothing?");
            assert_eq!(mac.finalize(), unhex(expected));
        }
    }

    #[test]
    fn a_token_is_itself_whatever_the_content() {
        let mut mac = KeyedMac::new(Algorithm::Token, b"open sesame");
        mac.update(b"any body");
        assert!(mac.clone().verify(b"open sesame"));
        assert!(!mac.clone().verify(b"open sesam"));
        assert_eq!(mac.finalize(), b"open sesame");
    }
}
