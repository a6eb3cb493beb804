//! Signing secrets: how a provider writes them, and the bytes that the text encodes.
//!
//! A secret is wiped from memory when dropped, and can't be printed. `ring` doesn't wipe the Ed25519 and RSA keys that
//! are made of it.

use std::{
    borrow::Cow,
    collections::HashSet,
    fmt,
    sync::{Arc, OnceLock},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{
    algorithm::Algorithm,
    asymmetric::{AsymmetricKey, Family},
    certificate,
    content::SecretParts,
    key::Key,
    key_encoding::KeyEncoding,
    malformed::{MalformedSecret, check_edges, has_version_tag, is_key_document},
};
use crate::webhook::{
    encoding::{decode_base64url, decode_lenient_base64},
    time::Timestamp,
};

pub(in crate::webhook) use crate::webhook::encoding::decode_hex;

/// How one provider writes its secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretFormat {
    /// The encoding of the part after the prefix.
    pub encoding: KeyEncoding,
    /// An optional prefix, such as `whsec_`, that is not part of the key.
    pub prefix: Option<String>,
    /// The family of the keys, if they come in public and private pairs; `None` for shared secrets.
    pub family: Option<Family>,
    /// How the provider's other keys start, such as `sk_`, which are easily mistaken for the secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_keys: Vec<String>,
    /// Whether a secret is KEY:SECRET.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_two_parts: bool,
}

impl SecretFormat {
    /// A secret's text, and what follows its prefix.
    fn texts<'a>(&self, text: &'a str) -> [&'a str; 2] {
        [text, self.prefix.as_deref().and_then(|prefix| text.strip_prefix(prefix)).unwrap_or(text)]
    }

    /// The bytes of a public or private key: of a document such as PEM, of a seed, or of the text's encoding.
    fn key_bytes(&self, text: &str, family: Family) -> Result<Vec<u8>, MalformedSecret> {
        let text = text.trim();
        if is_document(text) {
            return Ok(text.as_bytes().to_vec());
        }
        if text.starts_with(SEED) {
            let seed = Sha256::digest(text.as_bytes()).into();
            return AsymmetricKey::from_seed(family, seed).ok_or(MalformedSecret::NoSeed);
        }
        let (encoding, rest) = self.encoded_key(text);
        encoding.decode_key(rest).ok_or_else(|| self.key_fault(text, family))
    }

    /// How a key's text is encoded, and the text without its prefix. What has a prefix is base64.
    fn encoded_key<'a>(&self, text: &'a str) -> (KeyEncoding, &'a str) {
        let known = [self.prefix.as_deref().unwrap_or("whpk_"), "whpk_", "whsk_"];
        match known.into_iter().find_map(|prefix| text.strip_prefix(prefix)) {
            Some(rest) => (KeyEncoding::Base64, rest),
            None => (self.encoding, text),
        }
    }

    /// Why a text is not a key of this family.
    fn key_fault(&self, text: &str, family: Family) -> MalformedSecret {
        let text = text.trim();
        if is_document(text) {
            return MalformedSecret::of_document(text, family);
        }
        let (encoding, rest) = self.encoded_key(text);
        MalformedSecret::of_key(rest, encoding, family)
    }
}

/// Whether a key is a PEM document or a JWKS.
fn is_document(text: &str) -> bool {
    text.starts_with("-----BEGIN") || text.starts_with('{')
}

/// The start of a text that is not a key but the seed of a pair: a development secret, which is public.
const SEED: &str = "hookdev-";

/// The format of secrets, and where to find one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretRule {
    /// The environment variable that may contain one.
    pub env: Option<String>,
    /// The format of its text.
    pub format: SecretFormat,
    /// The public development secret, used when no other is set. For key pairs, it is the private key.
    pub development: String,
    /// The public key of the development pair, which verifies what the development secret signs; `None` for a shared
    /// secret.
    pub public: Option<String>,
    /// The only scheme that uses it; `None` if all schemes without a rule of their own do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
}

impl SecretRule {
    /// All bytes that anyone can sign with, because they are the development secret, in whole or in part, or its text.
    #[must_use]
    pub fn public_bytes(&self) -> Vec<Vec<u8>> {
        let parsed = SigningSecret::parse(&self.development, &self.format);
        let texts = self.format.texts(&self.development).into_iter().chain(self.public.as_deref());
        let texts = texts.map(|text| text.as_bytes().to_vec());
        parsed.iter().map(|secret| secret.parts(self.format.has_two_parts).secret.to_vec()).chain(texts).collect()
    }

    /// Whether a secret has a key of the development pair, in whatever form. Anyone can sign with it.
    #[must_use]
    pub fn is_development_key(&self, secret: &SigningSecret) -> bool {
        let key = |family| {
            let public = self.public.as_deref().unwrap_or(&self.development);
            let own = AsymmetricKey::parse(family, &self.format.key_bytes(public, family).ok()?)?;
            Some(own.shares_key(&AsymmetricKey::parse(family, &secret.bytes)?))
        };
        self.format.family.and_then(key).unwrap_or_default()
    }

    /// Parses a secret that may be for any of the schemes. One in the provider's form, that of the first rule, is for
    /// all of them. One in the form of a single scheme is for that scheme only, if it has its prefix or fits no other
    /// form.
    ///
    /// # Errors
    ///
    /// If it has none of these forms. The error refers to the provider's own form.
    pub(in crate::webhook) fn parse<'a, R>(text: &str, rules: R) -> Result<SigningSecret, MalformedSecret>
    where
        R: IntoIterator<Item = &'a Self, IntoIter: Clone>,
    {
        let mut rules = rules.into_iter();
        let own = rules.next().map(|rule| rule.format.clone()).unwrap_or_default();
        let has_prefix = |rule: &&Self| {
            rule.format.prefix != own.prefix && rule.format.prefix.as_deref().is_some_and(|it| text.starts_with(it))
        };
        if let Some(secret) = rules.clone().filter(has_prefix).find_map(|rule| rule.read(text).ok()) {
            return Ok(secret);
        }
        SigningSecret::parse(text, &own).or_else(|problem| rules.find_map(|rule| rule.read(text).ok()).ok_or(problem))
    }

    /// Parses a secret that is for the schemes with this rule, and for no others.
    ///
    /// # Errors
    ///
    /// If it isn't in this form.
    pub fn read(&self, text: &str) -> Result<SigningSecret, MalformedSecret> {
        let secret = SigningSecret::parse(text, &self.format)?;
        let owner = self.scheme.as_deref().map_or(Owner::Provider, |name| Owner::Scheme(name.into()));
        Ok(SigningSecret { owner, ..secret })
    }
}

/// Which of a provider's schemes use a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// All that can read it.
    Any,
    /// All, with these bytes, whatever the form of their secrets.
    AnyAsBytes,
    /// Those without a rule of their own.
    Provider,
    /// The one of this name.
    Scheme(Arc<str>),
}

/// Text that is a secret or may contain one: an argument, a variable, a value in the config.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// The text. Never show it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<Zeroizing<String>> for SecretText {
    fn from(text: Zeroizing<String>) -> Self {
        Self(text)
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// One signing secret: its text, and the bytes that the text encodes.
#[derive(Clone)]
pub struct SigningSecret {
    text: Zeroizing<String>,
    bytes: Zeroizing<Vec<u8>>,
    pub(super) owner: Owner,
    key: OnceLock<Box<CachedKey>>,
}

/// The first key that was made of a secret, with what it depends on.
#[derive(Clone)]
struct CachedKey {
    algorithm: Algorithm,
    has_two_parts: bool,
    key: Key,
}

impl SigningSecret {
    /// Parses a secret as the provider writes it.
    ///
    /// # Errors
    ///
    /// If the text is not in the provider's format. The error never contains the secret.
    pub fn parse(text: &str, format: &SecretFormat) -> Result<Self, MalformedSecret> {
        if let Some(family) = format.family {
            let bytes = Zeroizing::new(format.key_bytes(text, family)?);
            // A seed is always valid, and its key takes long to derive.
            if !text.trim().starts_with(SEED) {
                AsymmetricKey::parse(family, &bytes).ok_or_else(|| format.key_fault(text, family))?;
            }
            return Ok(Self::new(text, bytes, Owner::Any));
        }
        if is_key_document(text) {
            return Err(MalformedSecret::KeyDocument);
        }
        check_edges(text)?;
        if format.other_keys.iter().any(|start| text.starts_with(start.as_str())) {
            return Err(MalformedSecret::OtherKey);
        }
        if has_version_tag(text, format.prefix.as_deref().unwrap_or("whsec_")) {
            return Err(MalformedSecret::VersionTag);
        }
        let [_, rest] = format.texts(text);
        let bytes = match format.encoding {
            KeyEncoding::Text => rest.as_bytes().to_vec(),
            KeyEncoding::Base64 if has_version_tag(rest, "") => return Err(MalformedSecret::VersionTag),
            KeyEncoding::Base64 => decode_lenient_base64(rest).ok_or(MalformedSecret::NotBase64)?,
            KeyEncoding::Base64Url => decode_base64url(rest).ok_or(MalformedSecret::NotBase64Url)?,
            KeyEncoding::Hex => decode_hex(rest).ok_or(MalformedSecret::NotHex)?,
        };
        if bytes.is_empty() {
            return Err(MalformedSecret::Empty);
        }
        // With an empty secret, anyone could sign.
        let has_both = || bytes.iter().position(|byte| *byte == b':').is_some_and(|at| at > 0 && at + 1 < bytes.len());
        if format.has_two_parts && !has_both() {
            return Err(MalformedSecret::NotTwoParts);
        }
        Ok(Self::new(text, Zeroizing::new(bytes), Owner::Any))
    }

    fn new(text: &str, bytes: Zeroizing<Vec<u8>>, owner: Owner) -> Self {
        Self { text: Zeroizing::new(text.to_owned()), bytes, owner, key: OnceLock::new() }
    }

    /// The same secret, which schemes with a rule of their own don't use.
    #[must_use]
    pub(in crate::webhook) fn of_provider(self) -> Self {
        let owner = if self.owner == Owner::Any { Owner::Provider } else { self.owner };
        Self { owner, ..self }
    }

    /// Whether it may be for any scheme.
    pub(in crate::webhook) fn is_for_any(&self) -> bool {
        self.owner == Owner::Any
    }

    /// The only scheme that it is for, if it is for a single one.
    #[must_use]
    pub fn scheme(&self) -> Option<&str> {
        match &self.owner {
            Owner::Scheme(name) => Some(name),
            Owner::Any | Owner::AnyAsBytes | Owner::Provider => None,
        }
    }

    /// A secret whose text is decoded differently from how its provider does it; `None` if no bytes are left.
    pub(in crate::webhook) fn from_bytes(text: &str, bytes: Vec<u8>) -> Option<Self> {
        (!bytes.is_empty()).then(|| Self::new(text, Zeroizing::new(bytes), Owner::AnyAsBytes))
    }

    /// The secret as a key; `None` if it is not a valid key of this algorithm.
    #[must_use]
    pub fn key(&self, algorithm: Algorithm) -> Option<Key> {
        Key::new(algorithm, &self.bytes)
    }

    /// The part of the secret that signs, as a key; `None` if it is not a valid key of this algorithm. The first key is
    /// kept, because making one takes 0.3 ms for ECDSA.
    pub(super) fn signing_key(&self, algorithm: Algorithm, has_two_parts: bool) -> Option<Cow<'_, Key>> {
        let make = || Key::new(algorithm, self.parts(has_two_parts).secret);
        let Some(cached) = self.key.get() else {
            let key = make()?;
            // Fails if another thread was first.
            let _ = self.key.set(Box::new(CachedKey { algorithm, has_two_parts, key: key.clone() }));
            return Some(Cow::Owned(key));
        };
        if (cached.algorithm, cached.has_two_parts) == (algorithm, has_two_parts) {
            Some(Cow::Borrowed(&cached.key))
        } else {
            make().map(Cow::Owned)
        }
    }

    /// The secret, split at its first colon if it has two parts. Never show it.
    pub(super) fn parts(&self, has_two: bool) -> SecretParts<'_> {
        let colon = self.bytes.iter().position(|byte| *byte == b':').filter(|_| has_two);
        match colon {
            Some(colon) => SecretParts { key: &self.bytes[..colon], secret: &self.bytes[colon + 1..] },
            None => SecretParts { key: &[], secret: &self.bytes },
        }
    }

    /// Whether its text, or the part of it that signs, is one of these public ones.
    #[must_use]
    pub fn is_among(&self, public: &HashSet<Vec<u8>>, format: &SecretFormat) -> bool {
        let [text, rest] = format.texts(&self.text).map(str::as_bytes);
        [text, rest, self.parts(format.has_two_parts).secret].into_iter().any(|bytes| public.contains(bytes))
    }

    /// Whether it has a private key of this family, or is a shared secret.
    #[must_use]
    pub fn can_sign_for(&self, family: Option<Family>) -> bool {
        family.is_none_or(|family| AsymmetricKey::parse(family, &self.bytes).is_some_and(|key| key.is_private()))
    }

    /// When the certificate that contains the key expires; `None` if it is not a certificate.
    #[must_use]
    pub fn valid_until(&self) -> Option<Timestamp> {
        certificate::valid_until(&self.bytes)
    }

    /// The public key of a pair as the provider writes it; `None` for a shared secret and for RSA.
    pub(in crate::webhook) fn public_text(&self, format: &SecretFormat) -> Option<String> {
        let bytes = AsymmetricKey::parse(format.family?, &self.bytes)?.public_bytes()?;
        let prefix = format.prefix.as_deref().unwrap_or_default();
        Some(format!("{prefix}{}", format.encoding.encode_key(&bytes)))
    }

    /// The text as it was given, to search for it and redact it. Never show it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }
}

/// Secrets are equal if they encode the same bytes.
impl PartialEq for SigningSecret {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn svix() -> SecretFormat {
        SecretFormat { encoding: KeyEncoding::Base64, prefix: Some("whsec_".into()), ..SecretFormat::default() }
    }

    #[test]
    fn the_prefix_is_optional() {
        let with = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &svix());
        assert_eq!(with, SigningSecret::parse("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &svix()));
        assert_eq!(with.unwrap().bytes.len(), 24);
    }

    #[test]
    fn padding_is_optional() {
        let padded = SigningSecret::parse("whsec_cGFkZGVkIQ==", &svix()).unwrap();
        assert_eq!(SigningSecret::parse("whsec_cGFkZGVkIQ", &svix()), Ok(padded));
    }

    #[test]
    fn each_malformed_secret_is_recognised() {
        let text = SecretFormat::default();
        let hex = SecretFormat { encoding: KeyEncoding::Hex, ..SecretFormat::default() };
        let keys = SecretFormat { other_keys: vec!["sk_".to_owned()], ..SecretFormat::default() };
        let two = SecretFormat { has_two_parts: true, ..SecretFormat::default() };
        assert!(SigningSecret::parse("key:s", &two).is_ok());
        let cases = [
            ("abc\n", &text, MalformedSecret::TrailingNewline),
            (" abc", &text, MalformedSecret::SurroundingSpace),
            ("abc\r", &text, MalformedSecret::SurroundingSpace),
            ("\u{feff}abc", &text, MalformedSecret::ByteOrderMark),
            ("v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &svix(), MalformedSecret::VersionTag),
            ("v1,MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &svix(), MalformedSecret::VersionTag),
            ("v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &text, MalformedSecret::VersionTag),
            ("\"abc\"", &text, MalformedSecret::Quoted),
            ("'abc'", &text, MalformedSecret::Quoted),
            ("GITHUB_WEBHOOK_SECRET=abc", &text, MalformedSecret::Labelled),
            ("export SECRET=abc", &text, MalformedSecret::Labelled),
            ("Bearer abc", &text, MalformedSecret::Labelled),
            ("sk_test_abc", &keys, MalformedSecret::OtherKey),
            ("-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n", &text, MalformedSecret::KeyDocument),
            ("", &text, MalformedSecret::Empty),
            ("whsec_", &svix(), MalformedSecret::Empty),
            ("whsec_no base64", &svix(), MalformedSecret::NotBase64),
            ("abc", &hex, MalformedSecret::NotHex),
            ("key:", &two, MalformedSecret::NotTwoParts),
            (":secret", &two, MalformedSecret::NotTwoParts),
            (":", &two, MalformedSecret::NotTwoParts),
            ("secret", &two, MalformedSecret::NotTwoParts),
        ];
        for (secret, format, expected) in cases {
            assert_eq!(SigningSecret::parse(secret, format), Err(expected), "{secret:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_key_is_recognised() {
        // Made with OpenSSL 3.0: `genpkey -algorithm ed25519`, as PEM, and its last 32 bytes.
        let pem = "-----BEGIN PUBLIC KEY-----\n\
                   MCowBQYDK2VwAyEAy2mIt68pA919QlW42sgF07JPE6lAfabDDVMM53WZDwo=\n\
                   -----END PUBLIC KEY-----";
        let (hex, base64) = (
            "cb6988b7af2903dd7d4255b8dac805d3b24f13a9407da6c30d530ce775990f0a",
            "y2mIt68pA919QlW42sgF07JPE6lAfabDDVMM53WZDwo=",
        );
        let of = |encoding, family| SecretFormat { encoding, family: Some(family), ..SecretFormat::default() };
        let in_hex = of(KeyEncoding::Hex, Family::Ed25519);
        let in_base64 = of(KeyEncoding::Base64, Family::Ed25519);
        let in_url_safe = of(KeyEncoding::Base64Url, Family::Ed25519);
        for (text, format) in [(pem, &in_hex), (hex, &in_hex), (pem, &in_base64), (base64, &in_base64)] {
            assert!(SigningSecret::parse(text, format).is_ok(), "{text}");
        }
        let other = |found, needed| MalformedSecret::OtherEncoding { found, needed };
        let half = &pem[..60];
        let cases = [
            (pem.replace('\n', "\\n"), &in_hex, MalformedSecret::EscapedLines),
            (pem.replace('\n', "\\r\\n"), &in_hex, MalformedSecret::EscapedLines),
            (pem.replace('\n', " "), &in_hex, MalformedSecret::JoinedLines),
            (format!("\"{pem}\""), &in_hex, MalformedSecret::Quoted),
            (format!("DISCORD_PUBLIC_KEY={hex}"), &in_hex, MalformedSecret::Labelled),
            (half.to_owned(), &in_hex, MalformedSecret::Incomplete),
            (format!("{half}\n-----END PUBLIC KEY-----"), &in_hex, MalformedSecret::Incomplete),
            ("{\"keys\":[{\"kty\":\"OKP\"".to_owned(), &in_hex, MalformedSecret::Incomplete),
            (hex[..62].to_owned(), &in_hex, MalformedSecret::TooShort),
            (hex[..61].to_owned(), &in_hex, MalformedSecret::TooShort),
            (base64[..41].to_owned(), &in_base64, MalformedSecret::TooShort),
            (format!("{}\n{}", &base64[..30], &base64[30..]), &in_base64, MalformedSecret::Wrapped),
            (format!("{} {}", &hex[..32], &hex[32..]), &in_hex, MalformedSecret::Wrapped),
            (base64.to_owned(), &in_hex, other("base64", "hexadecimal")),
            (hex.to_owned(), &in_base64, other("hexadecimal", "base64")),
            (hex.to_owned(), &in_url_safe, other("hexadecimal", "URL-safe base64")),
            (
                "FbbzHg+ptvnByZT4Y6xaHZXTnfhbycKFtVXodUY4jgw=".to_owned(),
                &in_url_safe,
                other("base64", "URL-safe base64"),
            ),
            ("a shared secret".to_owned(), &in_hex, MalformedSecret::NotAKey),
            ("topsecret".to_owned(), &in_base64, MalformedSecret::NotAKey),
            (
                "-----BEGIN PUBLIC KEY-----\nno key\n-----END PUBLIC KEY-----".to_owned(),
                &in_hex,
                MalformedSecret::NotAKey,
            ),
        ];
        for (text, format, expected) in cases {
            assert_eq!(SigningSecret::parse(&text, format), Err(expected), "{text:?}");
        }
        // The public key of `hookdev events sendgrid` without its end, and OpenSSL's for another algorithm.
        let p256 = of(KeyEncoding::Base64, Family::P256);
        let spki = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE6N8CCFPb0O+FNKIVxiCGzJoqZ15aDqa7Ab3AZ4Rcsb";
        assert_eq!(SigningSecret::parse(spki, &p256), Err(MalformedSecret::TooShort));
        // The start of the compressed point, and shared secrets: `openssl rand -base64` of 24 and of 16 bytes.
        for (text, expected) in [
            ("Ag7iyQuvFMzCnjYVuhSM5i0rWQs=", MalformedSecret::TooShort),
            ("rX8tEDXUW0pll+F7NsrG/uiYvW/Q1hmP", MalformedSecret::NotAKey),
            ("7LZW/MjHfVUqpFVnAz5DkA==", MalformedSecret::NotAKey),
        ] {
            assert_eq!(SigningSecret::parse(text, &p256), Err(expected), "{text}");
        }
        let other = MalformedSecret::OtherKind { found: "an Ed25519 key", needed: "an EC key on P-256" };
        assert_eq!(SigningSecret::parse(pem, &p256), Err(other));
    }

    #[test]
    fn a_text_that_only_looks_labelled_or_like_a_key_is_a_secret() {
        for secret in
            ["AB_C=", "AB_C==", "a_b=c", "ABC=d", "bearer", "x Bearer y", "sk_test", "{a!(a!#A0A(0A!AA##0a#!A0#a#a!aA#"]
        {
            assert!(SigningSecret::parse(secret, &SecretFormat::default()).is_ok(), "{secret}");
        }
    }

    #[test]
    fn a_secret_cannot_be_printed() {
        let secret = SigningSecret::parse("topsecret", &SecretFormat::default()).unwrap();
        assert_eq!(format!("{secret:?} {:?}", secret.key(Algorithm::Token)), "SigningSecret(…) Some(Key(…))");
        assert_eq!(format!("{:?}", SecretText::from("topsecret".to_owned())), "SecretText(…)");
    }

    #[test]
    fn a_secret_is_wiped_when_dropped() {
        const fn is_wiped<T: zeroize::ZeroizeOnDrop>(_: &T) {}
        let secret = SigningSecret::parse("topsecret", &SecretFormat::default()).unwrap();
        // All fields of both types. The `Key` of an HMAC is wiped too: the `zeroize` feature of `hmac` and the hash
        // crates is on.
        let SigningSecret { text, bytes, owner: _, key: _ } = &secret;
        is_wiped(text);
        is_wiped(bytes);
        is_wiped(&SecretText::default().0);
    }
}
