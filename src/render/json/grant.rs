//! The line of `trust`.

use serde::Serialize;

use super::line;
use crate::render::grant::Grant;

#[derive(Serialize)]
struct TrustLine<'a> {
    kind: &'static str,
    #[serde(flatten)]
    grant: &'a Grant<'a>,
}

/// Appends what a config may do once it is trusted.
pub fn grant(grant: &Grant<'_>, out: &mut Vec<u8>) {
    line(&TrustLine { kind: "trust", grant }, out);
}
