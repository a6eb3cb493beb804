//! JSON Web Tokens (RFC 7519) as signatures. A token's claims say which body it belongs to, and when it expires.

use serde_json::{Map, Value};

use crate::webhook::encoding::{base64url, decode_base64url};

/// The farthest that a time may be from 1970, in seconds.
const FARTHEST: i64 = 1_000_000_000_000;

/// A token, split but not verified.
#[derive(Debug)]
pub struct Jwt<'a> {
    /// The bytes under the signature: header and claims as they were sent.
    pub signed: &'a str,
    pub signature: Vec<u8>,
    /// The algorithm that the header names.
    pub algorithm: String,
    /// The id of the key, if the header names one.
    pub key_id: Option<String>,
    pub claims: Map<String, Value>,
}

impl<'a> Jwt<'a> {
    /// Splits a token; `None` if the text isn't one.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: Map<String, Value> = serde_json::from_slice(&decode_base64url(header)?).ok()?;
        Some(Self {
            signed,
            signature: decode_base64url(signature)?,
            algorithm: header.get("alg")?.as_str()?.to_owned(),
            key_id: header.get("kid").and_then(Value::as_str).map(str::to_owned),
            claims: serde_json::from_slice(&decode_base64url(claims)?).ok()?,
        })
    }

    /// A claim that is a time in whole Unix seconds; fractions are cut off. It is within 30,000 years of 1970, so that
    /// differences between times don't overflow.
    #[must_use]
    pub fn time(&self, claim: &str) -> Option<i64> {
        let value = self.claims.get(claim)?;
        let seconds = value.as_i64().or_else(|| {
            #[allow(clippy::cast_possible_truncation, reason = "the fraction is not wanted, and `as` saturates")]
            value.as_f64().map(|seconds| seconds as i64)
        });
        seconds.map(|seconds| seconds.clamp(-FARTHEST, FARTHEST))
    }
}

/// Header and claims of a token, to be signed. The claims are sorted by name.
#[must_use]
pub fn unsigned(algorithm: &str, mut claims: Map<String, Value>) -> String {
    let header = format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#);
    claims.sort_keys();
    let claims = Value::Object(claims).to_string();
    format!("{}.{}", base64url(header.as_bytes()), base64url(claims.as_bytes()))
}

/// The whole token.
#[must_use]
pub fn join(unsigned: &str, signature: &[u8]) -> String {
    format!("{unsigned}.{}", base64url(signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of RFC 7515, appendix A.1.
    const RFC_7515: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    #[test]
    fn a_token_is_split_into_its_parts() {
        let token = Jwt::parse(RFC_7515).unwrap();
        assert_eq!((token.algorithm.as_str(), token.time("exp")), ("HS256", Some(1_300_819_380)));
        assert_eq!((token.claims["iss"].as_str(), token.signature.len()), (Some("joe"), 32));
        for wrong in ["", "a.b", "a.b.c", "eyJhIjoxfQ.e30.AA"] {
            assert!(Jwt::parse(wrong).is_none(), "{wrong}");
        }
    }
}
