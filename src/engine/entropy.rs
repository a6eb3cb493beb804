//! Randomness for fresh ids and payload values.

use crate::webhook::{provider::compose::SendContext, time::Timestamp};

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
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(EntropyError)?;
    Ok(bytes)
}

/// The context of one delivery, with its own randomness.
///
/// # Errors
///
/// If the operating system provides no randomness.
pub fn moment(now: Timestamp, id: Option<String>) -> Result<SendContext, EntropyError> {
    Ok(SendContext { now, id, entropy: entropy()? })
}
