//! What looks like a signature in captured requests, in words and without any proof.

use http::HeaderName;

use super::{ParsedSample, form::forms, places::own_headers, readings::algorithms};
use crate::webhook::{encoding, words::bytes};

/// What looks like a signature in most captures, each with its header and a description, and whether one may be made
/// with a private key.
pub(super) fn seen(samples: &[ParsedSample<'_>]) -> (Vec<(HeaderName, String)>, bool) {
    let (mut seen, mut is_asymmetric) = (Vec::new(), false);
    let mut headers: Vec<(&HeaderName, String)> = Vec::new();
    for (name, value) in samples.iter().flat_map(|read| own_headers(read.request())) {
        if !headers.iter().any(|(other, _)| *other == name) {
            headers.push((name, value));
        }
    }
    for (name, value) in headers {
        let count = samples.iter().filter(|read| read.request().headers.contains(name.as_str())).count();
        if 2 * count < samples.len() {
            continue;
        }
        if let Some(form) = forms(&value).first() {
            let made = algorithms(form.signature.len(), None);
            let made = made.iter().filter(|made| !made.is_plain_hash()).map(ToString::to_string);
            let with_key = asymmetric(&form.signature);
            is_asymmetric |= with_key.is_some();
            let made: Vec<String> = made.chain(with_key).collect();
            let made = if made.is_empty() { String::new() } else { format!(", as {} makes", made.join(" or ")) };
            let words = format!("`{name}` has {} as `{}`{made}", bytes(form.signature.len()), form.text.value);
            seen.push((name.clone(), words));
        } else if let Some(length) = base64_in_hex(&value) {
            let words =
                format!("`{name}` has {} as base64 in hexadecimal, which a manifest can't describe", bytes(length));
            seen.push((name.clone(), words));
        } else if let Some(jwt) = value.rsplit(' ').next().and_then(jwt) {
            is_asymmetric |= ["with ES256", "with RS256"].iter().any(|with| jwt.contains(with));
            seen.push((name.clone(), format!("`{name}` has {jwt}")));
        }
    }
    (seen, is_asymmetric)
}

/// The length of a hash that was encoded as base64, and the base64 as hexadecimal; `None` if the text is anything else.
fn base64_in_hex(text: &str) -> Option<usize> {
    let base64 = String::from_utf8(encoding::decode_hex(text)?).ok()?;
    let length = encoding::decode_base64(&base64)?.len();
    matches!(length, 16 | 20 | 32 | 48 | 64).then_some(length)
}

/// The algorithms with a private key whose signatures look like this one, in words.
fn asymmetric(signature: &[u8]) -> Option<String> {
    match signature {
        [0x30, ..] if (68..=72).contains(&signature.len()) => Some("ECDSA P-256".to_owned()),
        _ if signature.len() == 64 => Some("Ed25519".to_owned()),
        _ if matches!(signature.len(), 256 | 384 | 512) => {
            Some(format!("RSA-SHA256 with a key of {} bits", signature.len() * 8))
        }
        _ => None,
    }
}

/// What a JWT's header says about it, in words; `None` if the text isn't a JWT: three parts, the first of which is a
/// JSON object in base64.
fn jwt(text: &str) -> Option<String> {
    let mut parts = text.split('.');
    let (header, _, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
    let header: serde_json::Value = serde_json::from_slice(&encoding::decode_base64url(header)?).ok()?;
    let member = |name: &str| header.as_object()?.get(name)?.as_str();
    let known = match member("alg") {
        Some(name @ ("HS256" | "ES256" | "RS256")) => {
            format!("a JWT that is signed with {name}: `algorithm = \"jwt-{}\"`", name.to_ascii_lowercase())
        }
        Some(other) if other.len() <= 16 && other.bytes().all(|byte| byte.is_ascii_alphanumeric()) => format!(
            "a JWT that is signed with {other}, for which a manifest has no algorithm: it has `jwt-hs256`, `jwt-es256` and `jwt-rs256`"
        ),
        _ => return Some("a JWT that does not name its algorithm".to_owned()),
    };
    Some(match member("kid") {
        Some(_) => format!("{known}; its header names a key (`kid`), so the provider publishes several, as a JWKS"),
        None => known,
    })
}
