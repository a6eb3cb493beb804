//! The codes of findings: one for each cause that can be proven, and one for no proven cause.

use std::{borrow::Cow, fmt};

use crate::webhook::remedy::{RAW_BODY, Remedy};

/// The kind of a finding. Scripts depend on the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// JSON or a form was parsed and re-serialised.
    BodyReserialised,
    /// Whitespace at the end was added or removed.
    BodyTrailingNewline,
    /// Line endings were changed.
    BodyLineEndings,
    /// A byte order mark was added or removed.
    BodyBom,
    /// The same characters as other bytes: escapes or character set.
    BodyReencoded,
    /// The body was signed before it was compressed.
    BodyDecompressed,
    /// Bytes are missing at the end, or there are too many.
    BodyTruncated,
    /// Whitespace is part of the secret on one side.
    SecretWhitespace,
    /// Quotes are part of the secret on one side.
    SecretQuoted,
    /// One side decodes the secret, the other uses its text.
    SecretNotDecoded,
    /// One side strips the secret's prefix, the other keeps it.
    SecretPrefix,
    /// The secret belongs to another provider, or is a shadowed one.
    SecretOfOtherProvider,
    /// The secret is hookdev's public development secret.
    SecretDevelopment,
    /// Another hash.
    WrongAlgorithm,
    /// The signature is right, but in another encoding or format.
    WrongEncoding,
    /// Something else was signed.
    WrongSignedContent,
    /// The timestamp is in another unit.
    TimestampUnit,
    /// The signature is truncated.
    SignatureTruncated,
    /// The signature is in uppercase.
    SignatureCase,
    /// The request is signed the way another provider signs.
    SchemeOfOtherProvider,
    /// No cause was proven.
    Unexplained,
}

impl Code {
    /// The code's name in all output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BodyReserialised => "body-reserialised",
            Self::BodyTrailingNewline => "body-trailing-newline",
            Self::BodyLineEndings => "body-line-endings",
            Self::BodyBom => "body-bom",
            Self::BodyReencoded => "body-reencoded",
            Self::BodyDecompressed => "body-decompressed",
            Self::BodyTruncated => "body-truncated",
            Self::SecretWhitespace => "secret-whitespace",
            Self::SecretQuoted => "secret-quoted",
            Self::SecretNotDecoded => "secret-not-decoded",
            Self::SecretPrefix => "secret-prefix",
            Self::SecretOfOtherProvider => "secret-of-other-provider",
            Self::SecretDevelopment => "secret-development",
            Self::WrongAlgorithm => "wrong-algorithm",
            Self::WrongEncoding => "wrong-encoding",
            Self::WrongSignedContent => "wrong-signed-content",
            Self::TimestampUnit => "timestamp-unit",
            Self::SignatureTruncated => "signature-truncated",
            Self::SignatureCase => "signature-case",
            Self::SchemeOfOtherProvider => "scheme-of-other-provider",
            Self::Unexplained => "unexplained",
        }
    }

    /// What to do about it, where a finding knows nothing more exact.
    #[must_use]
    pub const fn remedy(self) -> Remedy {
        Remedy::Advice(Cow::Borrowed(match self {
            Self::BodyReserialised | Self::BodyReencoded => RAW_BODY,
            Self::BodyTrailingNewline => {
                "send and store exactly the bytes that are signed: curl --data-binary @FILE, printf '%s' instead of echo, and no final newline from an editor"
            }
            Self::BodyLineEndings => {
                "keep the bytes unchanged: curl --data-binary (not -d), binary mode for reading and writing files, `* -text` in .gitattributes for captures"
            }
            Self::BodyBom => "write the file as UTF-8 without a byte order mark, and read it as bytes",
            Self::BodyDecompressed => {
                "sign the compressed bytes; or, if the provider signs before compression, verify the decompressed body (express.raw in Express decompresses it already)"
            }
            Self::BodyTruncated => {
                "count bytes in Content-Length, not characters: Buffer.byteLength(body) in Node, len(body.encode()) in Python, strlen in PHP, or let the HTTP library set it"
            }
            Self::SecretWhitespace => {
                "trim the secret when you read it: .trim() or .strip() after reading a file, printf '%s' instead of echo when writing one"
            }
            Self::SecretQuoted => {
                "remove the quotes: docker --env-file and most dashboards treat them as part of the value"
            }
            Self::SecretNotDecoded => {
                "decode the secret as the provider documents, and the same way on both sides: Buffer.from(text, 'base64') in Node, base64.b64decode(text) in Python, base64_decode in PHP"
            }
            Self::SecretPrefix => {
                "treat the secret's prefix the same way on both sides: strip it before decoding, or keep the text as the provider shows it"
            }
            Self::SecretOfOtherProvider => return Remedy::SetSecretOfEach,
            Self::SecretDevelopment => "set the provider's own secret on both sides, or on neither",
            Self::WrongAlgorithm => {
                "use the provider's hash: crypto.createHmac(NAME, secret) in Node, hmac.new(secret, body, hashlib.NAME) in Python"
            }
            Self::WrongEncoding => {
                "encode the signature as the provider does, including the prefix: digest('hex') or digest('base64') in Node, .hexdigest() or base64.b64encode(.digest()) in Python"
            }
            Self::WrongSignedContent => "sign exactly what the provider signs, including the separators",
            Self::TimestampUnit => {
                "send whole seconds or milliseconds as the provider does: for seconds, Math.floor(Date.now() / 1000) in Node, int(time.time()) in Python, time() in PHP"
            }
            Self::SignatureTruncated => {
                "find what truncates it: a database column that is too short, a log line, a substr with the wrong length"
            }
            Self::SignatureCase => "send hexadecimal in lowercase: .toLowerCase(), .lower(), strtolower",
            Self::SchemeOfOtherProvider => {
                "send and sign the delivery as this provider does, or send it to its own provider's path"
            }
            Self::Unexplained => {
                "compare the secret with the one in the provider's dashboard, and make sure that the body is the raw one, not parsed, reformatted or copied from a log"
            }
        }))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Every code with its meaning and an example, for the documentation. [`Code::remedy`] says what to do.
#[must_use]
pub const fn codes() -> &'static [(Code, &'static str, &'static str)] {
    &CODES
}

static CODES: [(Code, &str, &str); 21] = [
    (
        Code::BodyReserialised,
        "the JSON or form was parsed and re-serialised, so the bytes changed",
        "`JSON.stringify(req.body)` is signed, and `{\"a\": 1.0}` is sent",
    ),
    (
        Code::BodyTrailingNewline,
        "whitespace at the end of the body was added or removed",
        "an editor added a newline to a captured file",
    ),
    (
        Code::BodyLineEndings,
        "line endings were changed between LF and CRLF",
        "Git converted the line endings of a captured file",
    ),
    (Code::BodyBom, "a byte order mark was added or removed", "a Windows tool saved the body as \"UTF-8 with BOM\""),
    (
        Code::BodyReencoded,
        "the same characters as other bytes: escapes or character set",
        "`\\u00e9` became `é`, or UTF-8 was read as Latin-1",
    ),
    (
        Code::BodyDecompressed,
        "the body was signed before it was compressed",
        "a proxy compresses the body after it is signed",
    ),
    (
        Code::BodyTruncated,
        "bytes are missing at the end, or there are too many",
        "Content-Length counts characters, not bytes",
    ),
    (Code::SecretWhitespace, "whitespace is part of the secret on one side", "`echo secret > file` adds a newline"),
    (Code::SecretQuoted, "quotes are part of the secret on one side", "`SECRET=\"…\"` in a file for docker --env-file"),
    (
        Code::SecretNotDecoded,
        "one side decodes the secret, the other uses its text",
        "the text after `whsec_` is used as the key without decoding it from base64",
    ),
    (
        Code::SecretPrefix,
        "one side strips the secret's prefix, the other keeps it",
        "`Buffer.from('whsec_…', 'base64')`, prefix included",
    ),
    (
        Code::SecretOfOtherProvider,
        "the secret belongs to another provider, or is overridden by a flag or variable",
        "two variables were mixed up, or a secret in the environment overrides the one in the config",
    ),
    (
        Code::SecretDevelopment,
        "it is signed with hookdev's public development secret",
        "`hookdev send` without a secret, to a handler with one",
    ),
    (Code::WrongAlgorithm, "the signature uses another hash", "SHA-256 instead of the provider's SHA-512"),
    (
        Code::WrongEncoding,
        "the signature is right, but in another encoding or format",
        "base64 instead of hexadecimal, or without its `sha256=`",
    ),
    (
        Code::WrongSignedContent,
        "something else was signed",
        "the body alone, where the provider signs id, timestamp and body",
    ),
    (
        Code::TimestampUnit,
        "the timestamp is in milliseconds instead of seconds, or vice versa",
        "`Date.now()` without `/ 1000`",
    ),
    (Code::SignatureTruncated, "the signature is right but truncated", "a database column of 64 characters"),
    (Code::SignatureCase, "the signature is right but in uppercase", "`%X` instead of `%x`"),
    (
        Code::SchemeOfOtherProvider,
        "it is signed the way another provider signs",
        "a delivery from one provider sent to the path of another",
    ),
    (
        Code::Unexplained,
        "the cause was not found: most likely a different secret, or the body was changed",
        "the secret was rotated at the provider",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_the_documented_ones() {
        let names: Vec<&str> = codes().iter().map(|(code, ..)| code.as_str()).collect();
        let documented = "body-reserialised body-trailing-newline body-line-endings body-bom body-reencoded \
            body-decompressed body-truncated secret-whitespace secret-quoted secret-not-decoded secret-prefix \
            secret-of-other-provider secret-development wrong-algorithm wrong-encoding wrong-signed-content \
            timestamp-unit signature-truncated signature-case scheme-of-other-provider unexplained";
        assert_eq!(names, documented.split_whitespace().collect::<Vec<_>>());
    }
}
