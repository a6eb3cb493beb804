//! The ways to read a secret, and the algorithms that the length of its signatures allows.

use crate::webhook::signature::{
    Algorithm, HashFunction, KeyEncoding, SecretFormat, SecretText, SigningSecret, asymmetric::Family,
};

/// A reading of the secrets.
pub(super) struct SecretReading {
    pub format: SecretFormat,
    pub secrets: Vec<SigningSecret>,
}

/// Every way to read the secrets.
pub(super) fn readings(texts: &[SecretText]) -> Vec<SecretReading> {
    let mut formats = vec![SecretFormat::default()];
    let mut prefixes: Vec<Option<String>> = vec![None];
    for text in texts.iter().map(SecretText::expose) {
        // `whsec_`, but also `acme_live_`.
        for (at, _) in text.match_indices('_').take_while(|(at, _)| *at < 16) {
            let prefix = Some(text[..=at].to_owned());
            if !prefixes.contains(&prefix) {
                prefixes.push(prefix);
            }
        }
    }
    prefixes.reverse();
    for prefix in &prefixes {
        for encoding in [KeyEncoding::Base64, KeyEncoding::Hex, KeyEncoding::Base64Url, KeyEncoding::Text] {
            formats.push(SecretFormat { encoding, prefix: prefix.clone(), ..SecretFormat::default() });
        }
    }
    formats.extend(
        [Family::Ed25519, Family::P256, Family::Rsa]
            .map(|family| SecretFormat { family: Some(family), ..SecretFormat::default() }),
    );
    let mut readings: Vec<SecretReading> = Vec::new();
    for format in formats {
        let secrets = parsed(texts, &format);
        let is_new = !readings.iter().any(|other| other.format.family == format.family && other.secrets == secrets);
        if !secrets.is_empty() && is_new {
            readings.push(SecretReading { format, secrets });
        }
    }
    readings
}

/// The secrets that this format reads.
pub(super) fn parsed(texts: &[SecretText], format: &SecretFormat) -> Vec<SigningSecret> {
    texts.iter().filter_map(|text| SigningSecret::parse(text.expose(), format).ok()).collect()
}

/// The algorithms whose signatures have this length, for keys of this family.
pub(super) fn algorithms(length: usize, family: Option<Family>) -> Vec<Algorithm> {
    let all = match family {
        None => HashFunction::ALL
            .map(HashFunction::hmac)
            .into_iter()
            .chain(HashFunction::ALL.map(HashFunction::plain))
            .collect(),
        Some(Family::Ed25519) => vec![Algorithm::Ed25519],
        Some(Family::P256) if length == 64 => vec![Algorithm::EcdsaP256Raw],
        Some(Family::P256) if matches!(length, 68..=72) => return vec![Algorithm::EcdsaP256],
        Some(Family::Rsa) if matches!(length, 256 | 384 | 512) => return vec![Algorithm::RsaSha256],
        Some(_) => Vec::new(),
    };
    all.into_iter().filter(|algorithm: &Algorithm| algorithm.signature_length() == Some(length)).collect()
}
