//! Keys of public-key algorithms: Ed25519 and RSA with `ring`, which TLS needs anyway, and ECDSA with `p256`, whose
//! signatures are deterministic. A public key can only verify; a private key can also sign.
//!
//! A key is read from what providers and tools hand out: raw bytes, SPKI or PKCS#8 in DER or PEM, an X.509 certificate,
//! or a JWK or JWK set. Nothing is fetched.

use std::sync::Arc;

use p256::{
    ecdsa::{
        DerSignature, Signature, SigningKey, VerifyingKey,
        signature::{Signer, Verifier},
    },
    pkcs8::{
        DecodePrivateKey, DecodePublicKey,
        der::{Decode, ErrorKind, asn1::AnyRef},
        spki::SubjectPublicKeyInfoRef,
    },
};
use ring::{
    rand::SystemRandom,
    signature::{
        ED25519, Ed25519KeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
        RsaPublicKeyComponents, UnparsedPublicKey,
    },
};
use rustls_pki_types::{
    CertificateDer,
    pem::{PemObject, SectionKind},
};
use serde::{Deserialize, Serialize};
use webpki::EndEntityCert;

use crate::webhook::encoding::{decode_base64url, decode_lenient_base64};

/// A family of public-key algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Ed25519.
    Ed25519,
    /// ECDSA on P-256 with SHA-256.
    P256,
    /// RSA with PKCS #1 v1.5 padding and SHA-256.
    Rsa,
}

impl Family {
    /// All families.
    pub const ALL: [Self; 3] = [Self::Ed25519, Self::P256, Self::Rsa];

    /// A key of this family, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Ed25519 => "an Ed25519 key",
            Self::P256 => "an EC key on P-256",
            Self::Rsa => "an RSA key",
        }
    }
}

/// Other kinds of keys, by the object identifiers of their algorithms or curves.
const OTHERS: [(&str, &str); 6] = [
    ("1.3.132.0.34", "an EC key on P-384"),
    ("1.3.132.0.35", "an EC key on P-521"),
    ("1.3.132.0.10", "an EC key on secp256k1"),
    ("1.3.101.110", "an X25519 key, which can't sign"),
    ("1.3.101.113", "an Ed448 key"),
    ("1.2.840.10045.2.1", "an EC key on another curve"),
];

/// The kind of key in a document that doesn't hold the kind asked for, in words.
#[must_use]
pub(super) fn kind(bytes: &[u8]) -> Option<&'static str> {
    if let Some(family) = Family::ALL.into_iter().find(|family| AsymmetricKey::parse(*family, bytes).is_some()) {
        return Some(family.words());
    }
    let sections = <(SectionKind, Vec<u8>)>::pem_slice_iter(bytes.trim_ascii()).flatten();
    let spki = sections.filter_map(|(kind, der)| match kind {
        SectionKind::PublicKey => Some(der),
        SectionKind::Certificate => {
            let der = CertificateDer::from(der);
            Some(EndEntityCert::try_from(&der).ok()?.subject_public_key_info().to_vec())
        }
        _ => None,
    });
    let found = spki.filter_map(|der| {
        let info = SubjectPublicKeyInfoRef::from_der(&der).ok()?;
        let curve = info.algorithm.parameters_oid().map(|oid| oid.to_string()).unwrap_or_default();
        let algorithm = info.algorithm.oid.to_string();
        OTHERS.iter().find(|(oid, _)| *oid == curve || *oid == algorithm).map(|(_, words)| *words)
    });
    found.into_iter().next()
}

/// Whether bytes may be the beginning of a key of this family, in DER or without a header.
#[must_use]
pub(super) fn is_cut(family: Family, bytes: &[u8]) -> bool {
    /// Fewer bytes are not what is left of a key.
    const FEWEST: usize = 16;
    let whole = match (family, bytes) {
        (_, [0x30, ..]) => return is_cut_der(bytes),
        (Family::Ed25519, _) => 32,
        (Family::P256, [4, ..]) => 65,
        (Family::P256, [2 | 3, ..]) => 33,
        (Family::P256 | Family::Rsa, _) => return false,
    };
    (FEWEST..whole).contains(&bytes.len())
}

/// Whether a PEM document has only the beginning of its DER.
#[must_use]
pub(super) fn is_cut_pem(text: &str) -> bool {
    let base64: String = text.lines().map(str::trim).filter(|line| !line.starts_with("-----")).collect();
    // What is left may end within a group of four.
    let whole = base64.get(..base64.len() - base64.len() % 4).and_then(decode_lenient_base64);
    whole.is_some_and(|der| is_cut_der(&der))
}

fn is_cut_der(bytes: &[u8]) -> bool {
    AnyRef::from_der(bytes).is_err_and(|error| matches!(error.kind(), ErrorKind::Incomplete { .. }))
}

/// How an ECDSA signature, which is two numbers, is written. Other algorithms ignore this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EcdsaEncoding {
    /// DER, as most libraries write ECDSA; 64 bytes are accepted, too.
    Der,
    /// Both numbers one after the other, as in JWTs.
    Fixed,
}

/// What precedes the seed of an Ed25519 key in PKCS #8 (RFC 8410, section 7).
const ED25519_PKCS8: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// A key pair, or one or several public keys.
#[derive(Clone)]
pub struct AsymmetricKey {
    /// The public keys, each with its id where a JWKS gives one.
    public: Vec<(Option<String>, PublicKey)>,
    private: Option<PrivateKey>,
}

#[derive(Clone, PartialEq, Eq)]
enum PublicKey {
    Ed25519(Vec<u8>),
    P256(Box<VerifyingKey>),
    /// `RSAPublicKey` in DER.
    Rsa(Vec<u8>),
    /// Modulus and exponent.
    RsaParts(Vec<u8>, Vec<u8>),
}

#[derive(Clone)]
enum PrivateKey {
    Ed25519(Arc<Ed25519KeyPair>),
    P256(Box<SigningKey>),
    Rsa(Arc<RsaKeyPair>),
}

impl AsymmetricKey {
    /// Reads a key of any of the accepted forms; `None` if there is no key of this family.
    #[must_use]
    pub fn parse(family: Family, bytes: &[u8]) -> Option<Self> {
        let text = bytes.trim_ascii();
        let mut key = Self { public: Vec::new(), private: None };
        if text.starts_with(b"-----BEGIN") {
            for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(text) {
                let (kind, der) = section.ok()?;
                match kind {
                    SectionKind::PublicKey => key.add_public(public_of_spki(family, &der)),
                    SectionKind::Certificate => key.add_public(public_of_certificate(family, &der)),
                    SectionKind::PrivateKey => key.add_private(PrivateKey::of_pkcs8(family, &der)?),
                    _ => {}
                }
            }
        } else if let Some(set) = JwkSet::parse(text) {
            key.public.extend(set.all().into_iter().filter_map(|jwk| Some((jwk.kid.clone(), jwk.public(family)?))));
        } else if let Some(private) = PrivateKey::of_raw(family, bytes) {
            key.add_private(private);
        } else {
            let public = public_of_raw(family, bytes).or_else(|| public_of_spki(family, bytes));
            key.add_public(public.or_else(|| public_of_certificate(family, bytes)));
            if let (true, Some(private)) = (key.public.is_empty(), PrivateKey::of_pkcs8(family, bytes)) {
                key.add_private(private);
            }
        }
        (!key.public.is_empty()).then_some(key)
    }

    /// A private key that these 32 bytes are the seed of, in one of the forms that [`Self::parse`] reads; `None` for
    /// RSA, whose keys can't be derived from a seed. Derives nothing yet, because that takes 0.1 ms or more.
    #[must_use]
    pub fn from_seed(family: Family, seed: [u8; 32]) -> Option<Vec<u8>> {
        match family {
            Family::Ed25519 => Some([&ED25519_PKCS8[..], &seed].concat()),
            // An invalid seed is as unlikely as a collision of the hash that made it.
            Family::P256 => Some(seed.to_vec()),
            Family::Rsa => None,
        }
    }

    /// Whether any of the public keys is one of the other's, whatever forms the two were read from.
    #[must_use]
    pub fn shares_key(&self, other: &Self) -> bool {
        self.public.iter().any(|(_, key)| other.public.iter().any(|(_, other)| other == key))
    }

    /// Whether it can sign.
    #[must_use]
    pub const fn is_private(&self) -> bool {
        self.private.is_some()
    }

    fn add_private(&mut self, private: PrivateKey) {
        self.public.insert(0, (None, private.public()));
        self.private = Some(private);
    }

    fn add_public(&mut self, public: Option<PublicKey>) {
        self.public.extend(public.map(|public| (None, public)));
    }

    /// The raw public key; `None` for RSA.
    #[must_use]
    pub fn public_bytes(&self) -> Option<Vec<u8>> {
        match &self.public.first()?.1 {
            PublicKey::Ed25519(raw) => Some(raw.clone()),
            PublicKey::P256(key) => Some(key.to_sec1_point(false).as_bytes().to_vec()),
            PublicKey::Rsa(_) | PublicKey::RsaParts(..) => None,
        }
    }

    /// Signs a message; `None` without a private key.
    #[must_use]
    pub fn sign(&self, message: &[u8], form: EcdsaEncoding) -> Option<Vec<u8>> {
        match self.private.as_ref()? {
            PrivateKey::Ed25519(pair) => Some(pair.sign(message).as_ref().to_vec()),
            PrivateKey::P256(key) if form == EcdsaEncoding::Der => {
                let signature: DerSignature = key.sign(message);
                Some(signature.as_bytes().to_vec())
            }
            PrivateKey::P256(key) => {
                let signature: Signature = key.sign(message);
                Some(signature.to_bytes().to_vec())
            }
            PrivateKey::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                // Randomness only blinds the computation; the signature is always the same.
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).ok()?;
                Some(signature)
            }
        }
    }

    /// Whether a signature of the message verifies with any of the public keys. If an id is given and the keys have
    /// ids, only the key with that id counts.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8], form: EcdsaEncoding, id: Option<&str>) -> bool {
        let have_ids = self.public.iter().any(|(own, _)| own.is_some());
        let mut keys = self.public.iter().filter(|(own, _)| !have_ids || id.is_none() || own.as_deref() == id);
        keys.any(|(_, key)| key.verify(message, signature, form))
    }
}

impl PublicKey {
    fn verify(&self, message: &[u8], signature: &[u8], form: EcdsaEncoding) -> bool {
        match self {
            Self::Ed25519(raw) => UnparsedPublicKey::new(&ED25519, raw).verify(message, signature).is_ok(),
            Self::P256(key) => {
                let fixed = Signature::from_slice(signature).ok();
                let signature =
                    fixed.or_else(|| (form == EcdsaEncoding::Der).then(|| Signature::from_der(signature).ok())?);
                signature.is_some_and(|signature| key.verify(message, &signature).is_ok())
            }
            Self::Rsa(der) => {
                UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der).verify(message, signature).is_ok()
            }
            Self::RsaParts(n, e) => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
            }
        }
    }
}

fn public_of_raw(family: Family, raw: &[u8]) -> Option<PublicKey> {
    match family {
        Family::Ed25519 if raw.len() == 32 => Some(PublicKey::Ed25519(raw.to_vec())),
        Family::P256 => VerifyingKey::from_sec1_bytes(raw).ok().map(Box::new).map(PublicKey::P256),
        _ => None,
    }
}

fn public_of_spki(family: Family, der: &[u8]) -> Option<PublicKey> {
    let raw = SubjectPublicKeyInfoRef::from_der(der).ok()?;
    let bytes = raw.subject_public_key.as_bytes()?;
    match (family, raw.algorithm.oid.to_string().as_str()) {
        (Family::Ed25519, "1.3.101.112") => public_of_raw(family, bytes),
        (Family::P256, _) => VerifyingKey::from_public_key_der(der).ok().map(Box::new).map(PublicKey::P256),
        (Family::Rsa, "1.2.840.113549.1.1.1") => Some(PublicKey::Rsa(bytes.to_vec())),
        _ => None,
    }
}

fn public_of_certificate(family: Family, der: &[u8]) -> Option<PublicKey> {
    let der = CertificateDer::from(der);
    let certificate = EndEntityCert::try_from(&der).ok()?;
    public_of_spki(family, &certificate.subject_public_key_info())
}

impl PrivateKey {
    /// A private key without a header: 64 bytes of Ed25519 (seed and public key), 32 of P-256.
    fn of_raw(family: Family, raw: &[u8]) -> Option<Self> {
        match (family, raw.len()) {
            (Family::Ed25519, 64) => {
                let (seed, public) = raw.split_at(32);
                Ed25519KeyPair::from_seed_and_public_key(seed, public).ok().map(Arc::new).map(Self::Ed25519)
            }
            (Family::P256, 32) => SigningKey::from_slice(raw).ok().map(Box::new).map(Self::P256),
            _ => None,
        }
    }

    fn of_pkcs8(family: Family, der: &[u8]) -> Option<Self> {
        match family {
            Family::Ed25519 => Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok().map(Arc::new).map(Self::Ed25519),
            Family::P256 => SigningKey::from_pkcs8_der(der).ok().map(Box::new).map(Self::P256),
            Family::Rsa => RsaKeyPair::from_pkcs8(der).ok().map(Arc::new).map(Self::Rsa),
        }
    }

    fn public(&self) -> PublicKey {
        match self {
            Self::Ed25519(pair) => PublicKey::Ed25519(pair.public_key().as_ref().to_vec()),
            Self::P256(key) => PublicKey::P256(Box::new(*key.verifying_key())),
            Self::Rsa(pair) => PublicKey::Rsa(pair.public_key().as_ref().to_vec()),
        }
    }
}

/// The keys with an id of a JWKS or JWK, each as a JWK without its id; empty if the text is neither.
pub(in crate::webhook) fn named_keys(text: &str) -> Vec<(String, Vec<u8>)> {
    let keys = JwkSet::parse(text.trim().as_bytes()).map(JwkSet::all).unwrap_or_default();
    let named = keys.into_iter().filter_map(|mut jwk| {
        let id = jwk.kid.take()?;
        Some((id, serde_json::to_vec(&jwk).ok()?))
    });
    named.collect()
}

/// A JWK set, one JWK, or one in the member `key`, as APIs return it when asked for a key by its id.
#[derive(Deserialize)]
struct JwkSet {
    #[serde(default)]
    keys: Vec<Jwk>,
    key: Option<Jwk>,
    #[serde(flatten)]
    alone: Jwk,
}

impl JwkSet {
    /// Reads JSON; `None` for other bytes, such as a raw key that happens to begin with a brace.
    fn parse(text: &[u8]) -> Option<Self> {
        text.starts_with(b"{").then(|| serde_json::from_slice(text).ok()).flatten()
    }

    fn all(self) -> Vec<Jwk> {
        if self.keys.is_empty() { vec![self.key.unwrap_or(self.alone)] } else { self.keys }
    }
}

/// The members of a JWK (RFC 7517) that public keys need, and its id.
#[derive(Default, Deserialize, Serialize)]
struct Jwk {
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(default)]
    kty: String,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    x: String,
    #[serde(default)]
    y: String,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
}

impl Jwk {
    fn public(&self, family: Family) -> Option<PublicKey> {
        match (family, self.kty.as_str(), self.crv.as_str()) {
            (Family::Ed25519, "OKP", "Ed25519") => public_of_raw(family, &decode_base64url(&self.x)?),
            (Family::P256, "EC", "P-256") => {
                let point = [&[4][..], &decode_base64url(&self.x)?, &decode_base64url(&self.y)?].concat();
                public_of_raw(family, &point)
            }
            (Family::Rsa, "RSA", _) => {
                Some(PublicKey::RsaParts(decode_base64url(&self.n)?, decode_base64url(&self.e)?))
            }
            _ => None,
        }
    }
}
