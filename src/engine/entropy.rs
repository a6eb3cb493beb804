//! Randomness for fresh ids and payload values.

use crate::webhook::{encoding, provider::compose::SendContext, time::Timestamp};

/// The operating system provides no randomness.
#[derive(Debug, thiserror::Error)]
#[error("the operating system provides no randomness")]
pub struct EntropyError(#[source] getrandom::Error);

/// 32 random bytes.
///
/// # Errors
///
/// If the operating system provides none.
pub fn entropy() -> Result<[u8; 32], EntropyError> {
    random()
}

fn random<const BYTES: usize>() -> Result<[u8; BYTES], EntropyError> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(EntropyError)?;
    Ok(bytes)
}

/// Random bytes as lowercase hexadecimal digits.
///
/// # Errors
///
/// If the operating system provides no randomness.
pub fn random_hex<const BYTES: usize>() -> Result<String, EntropyError> {
    random::<BYTES>().map(|bytes| encoding::hex(&bytes))
}

/// The context of one delivery, with its own randomness.
///
/// # Errors
///
/// If the operating system provides no randomness.
pub fn send_context(now: Timestamp, id: Option<String>) -> Result<SendContext, EntropyError> {
    Ok(SendContext { now, id, entropy: entropy()? })
}
