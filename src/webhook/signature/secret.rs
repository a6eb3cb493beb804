//! Signing secrets: how a provider writes them, and the key bytes behind the text.
//!
//! A secret is wiped when dropped and has no way to be printed.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{algorithm::Algorithm, key::Key};

/// How a key's bytes are written as text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyEncoding {
    /// The text's own bytes.
    #[default]
    Text,
    /// Standard base64 with padding.
    Base64,
    /// Two hexadecimal digits a byte.
    Hex,
}

/// How one provider writes its secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretFormat {
    /// How the key stands behind the prefix.
    pub encoding: KeyEncoding,
    /// A text such as `whsec_` that may stand before the key and is not part of it.
    pub prefix: Option<String>,
}

/// A text that is a secret, or may hold one: a `--secret` flag, a variable, a source in a config.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// The text. Never to be shown.
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

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// One signing secret: its text, and the bytes that the text encodes.
pub struct SigningSecret {
    text: Zeroizing<String>,
    bytes: Zeroizing<Vec<u8>>,
}

impl SigningSecret {
    /// Reads a secret as the provider writes it.
    ///
    /// # Errors
    ///
    /// When the text is not of that form; the error says how and never holds the secret.
    pub fn parse(text: &str, format: &SecretFormat) -> Result<Self, MalformedSecret> {
        check_edges(text)?;
        let behind = format.prefix.as_deref().and_then(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
        let bytes = match format.encoding {
            KeyEncoding::Text => behind.as_bytes().to_vec(),
            KeyEncoding::Base64 => STANDARD.decode(behind).map_err(|_| MalformedSecret::NotBase64)?,
            KeyEncoding::Hex => decode_hex(behind).ok_or(MalformedSecret::NotHex)?,
        };
        if bytes.is_empty() {
            return Err(MalformedSecret::Empty);
        }
        Ok(Self { text: Zeroizing::new(text.to_owned()), bytes: Zeroizing::new(bytes) })
    }

    /// A secret whose text is decoded another way than its provider does; `None` when nothing is left.
    pub(in crate::webhook) fn from_bytes(text: &str, bytes: Vec<u8>) -> Option<Self> {
        let bytes = Zeroizing::new(bytes);
        let text = Zeroizing::new(text.to_owned());
        (!bytes.is_empty()).then_some(Self { text, bytes })
    }

    /// The secret as a key; `None` when it is not one of this algorithm.
    #[must_use]
    pub fn key(&self, algorithm: Algorithm) -> Option<Key> {
        Key::new(algorithm, &self.bytes)
    }

    /// The text as it was given. Never to be shown: it is there to be looked for and to be hidden.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }
}

/// Secrets are equal when they encode the same bytes.
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

/// What is wrong with a secret's text. None of these holds any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedSecret {
    /// There is no key.
    #[error("it is empty")]
    Empty,
    /// The last character is a line feed, as `echo` and most editors write.
    #[error("it ends in a line break, which is not part of it")]
    TrailingNewline,
    /// White space stands before or behind it.
    #[error("white space stands before or behind it")]
    SurroundingSpace,
    /// It stands in quotes, as in a file that was not read by a shell.
    #[error("it stands in quotes, which are not part of it")]
    Quoted,
    /// The provider's secrets are base64 and this is not.
    #[error("it is not base64 (standard alphabet, padded)")]
    NotBase64,
    /// The provider's secrets are hexadecimal and this is not.
    #[error("it is not hexadecimal")]
    NotHex,
}

impl MalformedSecret {
    /// What to do about it.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Empty => "set it to the secret that the provider shows, or remove the setting",
            Self::TrailingNewline => "write the file without one: printf '%s' \"$SECRET\" > FILE",
            Self::SurroundingSpace => "copy it again, without the space around it",
            Self::Quoted => "remove the quotes around it",
            Self::NotBase64 | Self::NotHex => "copy the secret again, whole, as the provider shows it",
        }
    }
}

fn check_edges(text: &str) -> Result<(), MalformedSecret> {
    let quoted = |quote| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
    if text.ends_with('\n') {
        Err(MalformedSecret::TrailingNewline)
    } else if text.trim() != text {
        Err(MalformedSecret::SurroundingSpace)
    } else if quoted('"') || quoted('\'') {
        Err(MalformedSecret::Quoted)
    } else {
        Ok(())
    }
}

/// The bytes that pairs of hexadecimal digits of either case stand for.
pub(in crate::webhook) fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    if rest.is_empty() { bytes } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn svix() -> SecretFormat {
        SecretFormat { encoding: KeyEncoding::Base64, prefix: Some("whsec_".into()) }
    }

    #[test]
    fn the_prefix_may_be_left_out() {
        let with = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &svix());
        assert_eq!(with, SigningSecret::parse("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &svix()));
        assert_eq!(with.unwrap().bytes.len(), 24);
    }

    #[test]
    fn a_malformed_secret_is_named_as_what_it_is() {
        let text = SecretFormat::default();
        let hex = SecretFormat { encoding: KeyEncoding::Hex, prefix: None };
        let cases = [
            ("abc\n", &text, MalformedSecret::TrailingNewline),
            (" abc", &text, MalformedSecret::SurroundingSpace),
            ("abc\r", &text, MalformedSecret::SurroundingSpace),
            ("\"abc\"", &text, MalformedSecret::Quoted),
            ("'abc'", &text, MalformedSecret::Quoted),
            ("", &text, MalformedSecret::Empty),
            ("whsec_", &svix(), MalformedSecret::Empty),
            ("whsec_no base64", &svix(), MalformedSecret::NotBase64),
            ("abc", &hex, MalformedSecret::NotHex),
        ];
        for (secret, format, expected) in cases {
            assert_eq!(SigningSecret::parse(secret, format), Err(expected), "{secret:?}");
        }
    }

    #[test]
    fn a_secret_cannot_be_printed() {
        let secret = SigningSecret::parse("topsecret", &SecretFormat::default()).unwrap();
        assert_eq!(format!("{secret:?} {:?}", secret.key(Algorithm::Token)), "SigningSecret(…) Some(Key(…))");
        assert_eq!(format!("{:?}", SecretText::from("topsecret".to_owned())), "SecretText(…)");
    }

    #[test]
    fn a_secret_is_wiped_when_it_is_dropped() {
        const fn is_wiped<T: zeroize::ZeroizeOnDrop>(_: &T) {}
        let secret = SigningSecret::parse("topsecret", &SecretFormat::default()).unwrap();
        // All fields of both types. A `Key` is wiped too: `hmac` and the hashes have their feature `zeroize`.
        let SigningSecret { text, bytes } = &secret;
        is_wiped(text);
        is_wiped(bytes);
        is_wiped(&SecretText::default().0);
    }
}
