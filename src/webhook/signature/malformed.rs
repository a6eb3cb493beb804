//! What is wrong with the text of a secret.

use serde::de::IgnoredAny;

use super::{
    asymmetric::{self, AsymmetricKey, Family},
    key_encoding::KeyEncoding,
};

/// What is wrong with a secret's text. No variant contains any part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedSecret {
    /// It is empty.
    #[error("it is empty")]
    Empty,
    /// It ends with a line feed, as `echo` and most editors write.
    #[error("it ends with a newline")]
    TrailingNewline,
    /// It has whitespace before or after it.
    #[error("it has whitespace before or after it")]
    SurroundingSpace,
    /// It starts with U+FEFF, which Windows tools write before UTF-8.
    #[error("it starts with a byte order mark")]
    ByteOrderMark,
    /// It starts with the version of a signature, `v1,`, before its own prefix.
    #[error("it starts with `v1,`, as a signature does")]
    VersionTag,
    /// It starts with a variable's name, `export NAME=`, or with `Bearer`, copied along.
    #[error("it starts with a variable's name or the word `Bearer`, which is not part of the secret")]
    Labelled,
    /// It is another of the provider's keys, such as one of its API.
    #[error("it is another of the provider's keys, such as an API key, and not the signing secret")]
    OtherKey,
    /// It is in quotes, as in a file that was not read by a shell.
    #[error("it is in quotes")]
    Quoted,
    /// The provider's secrets are base64, and this is not.
    #[error("it is not base64 (standard alphabet)")]
    NotBase64,
    /// The provider's secrets are URL-safe base64, and this is not.
    #[error("it is not base64 (URL-safe alphabet)")]
    NotBase64Url,
    /// The provider's secrets are hexadecimal, and this is not.
    #[error("it is not hexadecimal")]
    NotHex,
    /// The provider's secrets are a key and a secret, and one of them is missing.
    #[error("it is not a key and a secret with a colon between them")]
    NotTwoParts,
    /// The provider signs with a private key, and this is not a key of its kind.
    #[error("it is not the kind of key that the provider uses")]
    NotAKey,
    /// The lines of a PEM document are separated by the characters `\n`, as in files of variables.
    #[error("it is PEM, but with the characters `\\n` in place of its line breaks")]
    EscapedLines,
    /// The lines of a PEM document were joined.
    #[error("it is PEM, but without its line breaks")]
    JoinedLines,
    /// The end of the key is missing.
    #[error("it is incomplete: a part of the key is missing")]
    Incomplete,
    /// It has fewer bytes than a key.
    #[error("it is too short: a part of the key may be missing, or it is another kind of secret")]
    TooShort,
    /// The key has line breaks or spaces in it.
    #[error("it has line breaks or spaces in it")]
    Wrapped,
    /// The key is in another encoding than the provider's.
    #[error("it is {found}, but the provider's keys are {needed}")]
    OtherEncoding {
        /// The encoding of the key.
        found: &'static str,
        /// The encoding of the provider's keys.
        needed: &'static str,
    },
    /// It is a different kind of key from the provider's.
    #[error("it is {found}, but {needed} is needed")]
    OtherKind {
        /// What it is.
        found: &'static str,
        /// What the provider's keys are.
        needed: &'static str,
    },
    /// It is a public or private key, and the provider's secrets are shared.
    #[error("it is a public or private key, but the provider signs with a shared secret")]
    KeyDocument,
    /// It is a key in a format that hookdev doesn't read.
    #[error("it is {}, a format that hookdev does not read", .0.words())]
    OtherFormat(KeyFormat),
    /// It is a public key, and a private one is needed.
    #[error("it is a public key, which can't sign")]
    NotPrivate,
    /// A key of this kind can't be made from a text.
    #[error("a key of this kind can't be derived from text: add a `public` and a `private` key")]
    NoSeed,
    /// The provider sends its secret in a header, which can't carry this one.
    #[error("it has a character that the provider's header can't carry")]
    NotSendable,
}

/// A key format that hookdev doesn't read, but that can be converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFormat {
    /// `EC PRIVATE KEY`.
    Sec1,
    /// `RSA PRIVATE KEY`.
    Pkcs1Private,
    /// `RSA PUBLIC KEY`.
    Pkcs1Public,
    /// `ENCRYPTED PRIVATE KEY`.
    Encrypted,
}

impl KeyFormat {
    /// The format of a PEM document, if it is one of these.
    fn of(text: &str) -> Option<Self> {
        let has = |label: &str| text.contains(&format!("-----BEGIN {label}-----"));
        Some(match () {
            () if has("EC PRIVATE KEY") => Self::Sec1,
            () if has("RSA PRIVATE KEY") => Self::Pkcs1Private,
            () if has("RSA PUBLIC KEY") => Self::Pkcs1Public,
            () if has("ENCRYPTED PRIVATE KEY") => Self::Encrypted,
            () => return None,
        })
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Sec1 => "an EC private key in SEC1",
            Self::Pkcs1Private => "an RSA private key in PKCS #1",
            Self::Pkcs1Public => "an RSA public key in PKCS #1",
            Self::Encrypted => "an encrypted private key",
        }
    }

    const fn hint(self) -> &'static str {
        match self {
            Self::Pkcs1Public => "convert it: openssl rsa -RSAPublicKey_in -in FILE -pubout",
            _ => "convert it to PKCS #8: openssl pkcs8 -topk8 -nocrypt -in FILE",
        }
    }
}

impl MalformedSecret {
    /// What is wrong with a PEM document or a JWKS that has no key of this family.
    pub(super) fn of_document(text: &str, family: Family) -> Self {
        let is_pem = text.starts_with("-----BEGIN");
        let is_ended = text.contains("-----END ");
        let is_cut_json = || serde_json::from_str::<IgnoredAny>(text).is_err_and(|error| error.is_eof());
        if is_pem && text.contains("\\n") {
            Self::EscapedLines
        } else if let Some(format) = KeyFormat::of(text) {
            Self::OtherFormat(format)
        } else if let Some(found) = asymmetric::kind(text.as_bytes()) {
            Self::OtherKind { found, needed: family.words() }
        } else if is_pem && is_ended && text.lines().count() == 1 {
            Self::JoinedLines
        } else if is_pem && (!is_ended || asymmetric::is_cut_pem(text)) || !is_pem && is_cut_json() {
            Self::Incomplete
        } else {
            Self::NotAKey
        }
    }

    /// What is wrong with a text that is no key of this family in the provider's encoding, but may be one otherwise.
    pub(super) fn of_key(text: &str, needed: KeyEncoding, family: Family) -> Self {
        let compact: String = text.split_whitespace().collect();
        let is_key = |encoding: &KeyEncoding| {
            encoding.decode_key(&compact).is_some_and(|bytes| AsymmetricKey::parse(family, &bytes).is_some())
        };
        let found = [KeyEncoding::Hex, KeyEncoding::Base64].into_iter().find(is_key);
        if let Err(problem) = check_edges(text) {
            return problem;
        }
        match found {
            Some(_) if compact != text => return Self::Wrapped,
            Some(found) => return Self::OtherEncoding { found: found.words(), needed: needed.words() },
            None => {}
        }
        // What is left of a key that was cut off may end within a byte.
        let group = if needed == KeyEncoding::Hex { 2 } else { 4 };
        let whole = compact.get(..compact.len() - compact.len() % group).unwrap_or_default();
        let bytes = needed.decode_key(whole).unwrap_or_default();
        match asymmetric::kind(&bytes) {
            Some(found) => Self::OtherKind { found, needed: family.words() },
            None if asymmetric::is_cut(family, &bytes) => Self::TooShort,
            None => Self::NotAKey,
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Empty => "set it to the secret that the provider shows, or remove the setting",
            Self::TrailingNewline => "write the file without a newline: printf '%s' \"$SECRET\" > FILE",
            Self::SurroundingSpace => "copy it again, without the whitespace around it",
            Self::ByteOrderMark => "save the file without a byte order mark",
            Self::VersionTag => "use the signing secret, without `v1,`",
            Self::Labelled => "pass only the secret: what comes after `NAME=` or `Bearer `",
            Self::OtherKey => "copy the signing secret of the webhook endpoint, as the provider's dashboard shows it",
            Self::Quoted => "remove the quotes around it",
            Self::NotSendable => "a token is one line of printable ASCII; copy it again, as the provider shows it",
            Self::OtherFormat(format) => format.hint(),
            Self::OtherKind { .. } => {
                "copy the public key again from where this provider shows it; a key of another provider, or for another purpose, may be of a different kind"
            }
            Self::KeyDocument => "copy the signing secret, as the provider shows it",
            Self::NotAKey => {
                "use the provider's public key to verify (as the provider shows it, SPKI, PEM, a certificate or a JWKS file), or a private key to sign (PKCS#8 or PEM)"
            }
            Self::EscapedLines => {
                "write real line breaks: put the value in double quotes if the program that reads the file of variables decodes them, replace them, as in text.replace(/\\\\n/g, '\\n') in JavaScript, or save the key in a file of its own"
            }
            Self::JoinedLines => {
                "write each line of the PEM document on a line of its own, as in the file that you downloaded"
            }
            Self::Incomplete | Self::TooShort => "copy the whole key again, from its first character to its last",
            Self::Wrapped => "write the key on one line, without spaces",
            Self::OtherEncoding { .. } => {
                "copy the key again, as the provider shows it, or convert it to that encoding"
            }
            Self::NotTwoParts => "write both, the API key first: KEY:SECRET",
            Self::NotPrivate => {
                "use a private key (PKCS#8 or PEM) or, in a manifest, a text that begins with `hookdev-`"
            }
            Self::NoSeed => "write development = { public = \"...\", private = \"...\" }",
            Self::NotBase64 | Self::NotBase64Url | Self::NotHex => {
                "copy the whole secret again, as the provider shows it"
            }
        }
    }
}

/// Whether it is a PEM document or a JWKS, which no shared secret is.
pub(super) fn is_key_document(text: &str) -> bool {
    let text = text.trim_start();
    // A shared secret that begins with a brace has the bytes of a raw key if it is 32 bytes long.
    let is_object = || text.starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok();
    text.starts_with("-----BEGIN ") || is_object() && asymmetric::kind(text.as_bytes()).is_some()
}

pub(super) fn check_edges(text: &str) -> Result<(), MalformedSecret> {
    let quoted = |quote| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
    if text.starts_with('\u{feff}') {
        Err(MalformedSecret::ByteOrderMark)
    } else if text.ends_with('\n') {
        Err(MalformedSecret::TrailingNewline)
    } else if text.trim() != text {
        Err(MalformedSecret::SurroundingSpace)
    } else if quoted('"') || quoted('\'') {
        Err(MalformedSecret::Quoted)
    } else if is_labelled(text) {
        Err(MalformedSecret::Labelled)
    } else {
        Ok(())
    }
}

/// Whether a variable's assignment or the scheme of an `Authorization` header was copied along. The `=` at the end of
/// base64 assigns nothing.
fn is_labelled(text: &str) -> bool {
    if text.starts_with("export ") || text.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("bearer ")) {
        return true;
    }
    text.split_once('=').is_some_and(|(name, value)| {
        let is_name = name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.contains('_')
            && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        is_name && !value.trim_start_matches('=').is_empty()
    })
}

/// Whether a version and a comma precede the prefix: dashboards show signatures and secrets in similar forms.
pub(super) fn has_version_tag(text: &str, prefix: &str) -> bool {
    text.split_once(',').is_some_and(|(version, rest)| {
        let is_version = version.strip_prefix('v').is_some_and(|digits| digits.parse::<u8>().is_ok());
        is_version && rest.starts_with(prefix)
    })
}
