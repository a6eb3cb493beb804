//! The same work as hookdev's commands with nothing around it: plain programs on the same libraries, which
//! `benches/compare.py` runs next to hookdev. They have no options, limits or error messages worth the name.
//!
//! The library signs and verifies as Svix does, for all of them: HMAC-SHA256 over `{id}.{timestamp}.{body}`.

use std::{
    error::Error,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};

/// The decoded key of `whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=`.
const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";

/// An Aspect event of ordinary size.
pub const BODY: &str = include_str!("../body.json");

/// The signature header's value.
pub fn sign(id: &str, timestamp: &str, body: &str) -> String {
    format!("v1,{}", STANDARD.encode(mac(id, timestamp, body.as_bytes()).finalize().into_bytes()))
}

pub fn verify(id: &str, timestamp: &str, signature: &str, body: &[u8]) -> bool {
    let signature = signature.strip_prefix("v1,").and_then(|encoded| STANDARD.decode(encoded).ok());
    signature.is_some_and(|signature| mac(id, timestamp, body).verify_slice(&signature).is_ok())
}

fn mac(id: &str, timestamp: &str, body: &[u8]) -> Hmac<sha2::Sha256> {
    let mac = Hmac::<sha2::Sha256>::new_from_slice(KEY).expect("HMAC takes keys of any length");
    mac.chain_update(id).chain_update(".").chain_update(timestamp).chain_update(".").chain_update(body)
}

/// The current Unix time in seconds.
pub fn now() -> String {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs().to_string()
}

/// The command's arguments, or its usage if the number is wrong.
pub fn arguments<const N: usize>(usage: &str) -> Result<[String; N], Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    arguments.try_into().map_err(|_| format!("usage: {usage}").into())
}
