//! Keys, which make and verify signatures with the crates `hmac`, `md5`, `sha1` and `sha2`; see
//! [`asymmetric`](super::asymmetric) for public keys.
//!
//! A new algorithm takes one variant of [`Algorithm`], and one of `Inner` if it works differently from the others; the
//! compiler points out the rest. A key may be able to verify but not to sign, like a public key. Signatures are
//! compared by the libraries, in constant time.

use std::{fmt, iter};

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::{
    algorithm::Algorithm,
    asymmetric::{AsymmetricKey, EcdsaEncoding, Family},
    hash_function::HashFunction,
    jwt::{self, Jwt},
};

/// A key of one algorithm.
///
/// Signed content is passed in pieces, so that a body is never copied to be signed.
#[derive(Clone)]
pub struct Key(Inner);

#[derive(Clone)]
enum Inner {
    HmacMd5(Hmac<Md5>),
    HmacSha1(Hmac<Sha1>),
    HmacSha256(Hmac<Sha256>),
    HmacSha384(Hmac<Sha384>),
    HmacSha512(Hmac<Sha512>),
    /// A hash of content that contains the secret.
    Hash(HashFunction),
    Token(Zeroizing<Vec<u8>>),
    Asymmetric(Box<AsymmetricKey>, EcdsaEncoding),
    /// Another key, and the name of the algorithm in the token's header.
    Jwt(Box<Key>, &'static str),
}

impl Key {
    /// A key from its bytes; `None` if they are not a valid key of this algorithm. For an HMAC, any bytes are.
    #[must_use]
    pub fn new(algorithm: Algorithm, bytes: &[u8]) -> Option<Self> {
        let asymmetric =
            |family| Some(Inner::Asymmetric(Box::new(AsymmetricKey::parse(family, bytes)?), algorithm.form()));
        let jwt = |inner, name| Inner::Jwt(Box::new(Self(inner)), name);
        let inner = match algorithm {
            Algorithm::HmacMd5 => Inner::HmacMd5(Hmac::new_from_slice(bytes).ok()?),
            Algorithm::HmacSha1 => Inner::HmacSha1(Hmac::new_from_slice(bytes).ok()?),
            Algorithm::HmacSha256 => Inner::HmacSha256(Hmac::new_from_slice(bytes).ok()?),
            Algorithm::HmacSha384 => Inner::HmacSha384(Hmac::new_from_slice(bytes).ok()?),
            Algorithm::HmacSha512 => Inner::HmacSha512(Hmac::new_from_slice(bytes).ok()?),
            Algorithm::Md5 => Inner::Hash(HashFunction::Md5),
            Algorithm::Sha1 => Inner::Hash(HashFunction::Sha1),
            Algorithm::Sha256 => Inner::Hash(HashFunction::Sha256),
            Algorithm::Sha384 => Inner::Hash(HashFunction::Sha384),
            Algorithm::Sha512 => Inner::Hash(HashFunction::Sha512),
            Algorithm::Token => Inner::Token(Zeroizing::new(bytes.to_vec())),
            Algorithm::Ed25519 => asymmetric(Family::Ed25519)?,
            Algorithm::EcdsaP256 | Algorithm::EcdsaP256Raw => asymmetric(Family::P256)?,
            Algorithm::RsaSha256 => asymmetric(Family::Rsa)?,
            Algorithm::JwtHs256 => jwt(Self::new(Algorithm::HmacSha256, bytes)?.0, "HS256"),
            Algorithm::JwtEs256 => jwt(asymmetric(Family::P256)?, "ES256"),
            Algorithm::JwtRs256 => jwt(asymmetric(Family::Rsa)?, "RS256"),
        };
        Some(Self(inner))
    }

    /// The signature of the content: a MAC's bytes, or the token itself. The content of a JWT is its header and claims.
    /// `None` if this key can only verify.
    #[must_use]
    pub fn sign<'a>(&self, content: impl IntoIterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
        Some(match &self.0 {
            Inner::HmacMd5(mac) => fed(mac, content).finalize().into_bytes().to_vec(),
            Inner::Hash(function) => function.hash(content),
            Inner::Asymmetric(key, form) => return key.sign(&joined(content), *form),
            Inner::Jwt(key, _) => {
                let unsigned = String::from_utf8(joined(content)).ok()?;
                jwt::join(&unsigned, &key.sign([unsigned.as_bytes()])?).into_bytes()
            }
            Inner::HmacSha1(mac) => fed(mac, content).finalize().into_bytes().to_vec(),
            Inner::HmacSha256(mac) => fed(mac, content).finalize().into_bytes().to_vec(),
            Inner::HmacSha384(mac) => fed(mac, content).finalize().into_bytes().to_vec(),
            Inner::HmacSha512(mac) => fed(mac, content).finalize().into_bytes().to_vec(),
            Inner::Token(token) => token.to_vec(),
        })
    }

    /// Whether any of the signatures is valid for the content. The content is read once.
    #[must_use]
    pub fn verify<'a>(
        &self,
        content: impl IntoIterator<Item = &'a [u8]>,
        signatures: impl IntoIterator<Item = &'a [u8]>,
    ) -> bool {
        let mut signatures = signatures.into_iter();
        match &self.0 {
            Inner::HmacMd5(mac) => any_matches(&fed(mac, content), signatures),
            Inner::Hash(function) => {
                let hash = function.hash(content);
                signatures.any(|signature| same_token(&hash, signature))
            }
            Inner::Asymmetric(key, form) => {
                let message = joined(content);
                signatures.any(|signature| key.verify(&message, signature, *form, None))
            }
            // The token carries the content that it signs.
            Inner::Jwt(key, name) => signatures.any(|signature| {
                let token = std::str::from_utf8(signature).ok().and_then(Jwt::parse);
                token.is_some_and(|token| token.algorithm == *name && key.verify_token(&token))
            }),
            Inner::HmacSha1(mac) => any_matches(&fed(mac, content), signatures),
            Inner::HmacSha256(mac) => any_matches(&fed(mac, content), signatures),
            Inner::HmacSha384(mac) => any_matches(&fed(mac, content), signatures),
            Inner::HmacSha512(mac) => any_matches(&fed(mac, content), signatures),
            Inner::Token(token) => signatures.any(|signature| same_token(token, signature)),
        }
    }

    /// Whether a token was signed with this key, or, if the key is a set, with the one whose id the token names.
    fn verify_token(&self, token: &Jwt<'_>) -> bool {
        match &self.0 {
            Inner::Asymmetric(key, form) => {
                key.verify(token.signed.as_bytes(), &token.signature, *form, token.key_id.as_deref())
            }
            _ => self.verify([token.signed.as_bytes()], [&*token.signature]),
        }
    }

    /// Whether any of these is the beginning of a valid signature of the content. That explains a rejection; it never
    /// proves that a request is genuine. Works for MACs only.
    #[must_use]
    pub(in crate::webhook) fn verify_truncated<'a>(
        &self,
        content: impl IntoIterator<Item = &'a [u8]>,
        beginnings: impl IntoIterator<Item = &'a [u8]>,
    ) -> bool {
        match &self.0 {
            Inner::HmacMd5(mac) => any_begins(&fed(mac, content), beginnings),
            Inner::HmacSha1(mac) => any_begins(&fed(mac, content), beginnings),
            Inner::HmacSha256(mac) => any_begins(&fed(mac, content), beginnings),
            Inner::HmacSha384(mac) => any_begins(&fed(mac, content), beginnings),
            Inner::HmacSha512(mac) => any_begins(&fed(mac, content), beginnings),
            Inner::Hash(_) | Inner::Token(_) | Inner::Asymmetric(..) | Inner::Jwt(..) => false,
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

fn fed<'a, M: Mac + Clone>(mac: &M, content: impl IntoIterator<Item = &'a [u8]>) -> M {
    let mut mac = mac.clone();
    content.into_iter().for_each(|piece| mac.update(piece));
    mac
}

fn joined<'a>(content: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    content.into_iter().flatten().copied().collect()
}

fn any_matches<'a, M: Mac + Clone>(mac: &M, signatures: impl IntoIterator<Item = &'a [u8]>) -> bool {
    signatures.into_iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
}

fn any_begins<'a, M: Mac + Clone>(mac: &M, beginnings: impl IntoIterator<Item = &'a [u8]>) -> bool {
    beginnings.into_iter().any(|beginning| mac.clone().verify_truncated_left(beginning).is_ok())
}

/// Compares the MACs of both texts, so that the time taken reveals nothing about either.
fn same_token(token: &[u8], other: &[u8]) -> bool {
    let Some(key) = Key::new(Algorithm::HmacSha256, token) else { return false };
    key.sign(iter::once(token)).is_some_and(|expected| key.verify(iter::once(other), iter::once(&*expected)))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    const RFC_4231: &str = include_str!("../../../tests/vectors/rfc4231.json");

    #[derive(Deserialize)]
    struct Vectors {
        count: usize,
        vectors: Vec<HmacVector>,
    }

    #[derive(Deserialize)]
    struct HmacVector {
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
                let (data, expected) = (unhex(&vector.data_hex), unhex(&expected));
                let key = Key::new(algorithm, &unhex(&vector.key_hex)).unwrap();
                assert_eq!(key.sign([&*data]), Some(expected.clone()), "{algorithm} of {}", vector.data_hex);
                assert!(key.verify([&*data], [&b"another"[..], &expected]));
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
            let key = Key::new(algorithm, b"Jefe").unwrap();
            assert_eq!(key.sign([&b"what do ya want "[..], b"for nothing?"]), Some(unhex(expected)));
        }
    }

    #[test]
    fn a_token_is_its_own_signature_for_any_content() {
        let key = Key::new(Algorithm::Token, b"open sesame").unwrap();
        let verify = |signature: &'static [u8]| key.verify([&b"any body"[..]], [signature]);
        assert!(verify(b"open sesame"));
        assert!(!verify(b"open sesam") && !verify(b"open sesame!") && !verify(b""));
        assert_eq!(key.sign([&b"any body"[..]]).as_deref(), Some(&b"open sesame"[..]));
    }
}
