//! How the bytes of a secret or a key are written as text.

use serde::{Deserialize, Serialize};

use crate::webhook::encoding::{self, decode_base64url, decode_hex, decode_lenient_base64};

/// How a secret's bytes are encoded as text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyEncoding {
    /// The bytes of the text itself.
    #[default]
    Text,
    /// Standard base64, with or without padding.
    Base64,
    /// URL-safe base64, with or without padding.
    Base64Url,
    /// Two hexadecimal digits per byte.
    Hex,
}

impl KeyEncoding {
    /// The bytes of a public or private key's text, which is always encoded: with no encoding declared, it is
    /// hexadecimal or base64. Where base64 is expected, its URL-safe alphabet is accepted, too.
    pub(super) fn decode_key(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Hex => decode_hex(text),
            Self::Base64 => decode_lenient_base64(text).or_else(|| decode_base64url(text)),
            Self::Base64Url => decode_base64url(text),
            Self::Text => Self::Hex.decode_key(text).or_else(|| Self::Base64.decode_key(text)),
        }
    }

    /// A public key as text: in hexadecimal with no encoding declared.
    pub(super) fn encode_key(self, bytes: &[u8]) -> String {
        match self {
            Self::Base64 => encoding::base64(bytes),
            Self::Base64Url => encoding::base64url(bytes),
            Self::Text | Self::Hex => encoding::hex(bytes),
        }
    }

    /// How a key is encoded, in words.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Hex => "hexadecimal",
            Self::Base64 => "base64",
            Self::Base64Url => "URL-safe base64",
            Self::Text => "hexadecimal or base64",
        }
    }
}
