//! The codes of findings: one for each cause that can be proven, and the one that says that none could.

use std::{borrow::Cow, fmt};

use crate::webhook::remedy::{RAW_BODY, Remedy};

/// What a finding is about; its name stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// The JSON or the form was parsed and written anew.
    BodyReserialised,
    /// White space at the end came or went.
    BodyTrailingNewline,
    /// Line ends were changed.
    BodyLineEndings,
    /// A byte order mark came or went.
    BodyBom,
    /// The same characters stand there in other bytes: escapes or character set.
    BodyReencoded,
    /// What was signed is the body before its compression.
    BodyDecompressed,
    /// Bytes are missing at the end, or stand there too many.
    BodyTruncated,
    /// White space came into the secret.
    SecretWhitespace,
    /// Quotes stand around the secret.
    SecretQuoted,
    /// The key is the secret's text where its decoded bytes are meant, or the reverse.
    SecretNotDecoded,
    /// The secret's prefix was kept, or one was added.
    SecretPrefix,
    /// The secret is another provider's, or another one of this provider's that is not in force.
    SecretOfOtherProvider,
    /// The secret is the public one of hookdev.
    SecretDevelopment,
    /// Another hash.
    WrongAlgorithm,
    /// The signature is right and written another way.
    WrongEncoding,
    /// Other bytes were signed.
    WrongSignedContent,
    /// The timestamp counts something else.
    TimestampUnit,
    /// The signature is cut short.
    SignatureTruncated,
    /// The signature is in upper case.
    SignatureCase,
    /// The request is signed as another provider signs.
    SchemeOfOtherProvider,
    /// No cause could be proven.
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
                "send and keep exactly the bytes that are signed: curl --data-binary @FILE, printf '%s' for echo, and no final newline from an editor"
            }
            Self::BodyLineEndings => {
                "keep the bytes as they are: curl --data-binary (not -d), binary mode when files are read and written, `* -text` in .gitattributes for captures"
            }
            Self::BodyBom => "write the file as UTF-8 without a byte order mark, and read it as bytes",
            Self::BodyDecompressed => {
                "sign the bytes that go over the wire, after the compression; or, if the provider signs before it, verify the decompressed body (in Express: express.raw inflates it already)"
            }
            Self::BodyTruncated => {
                "let Content-Length count bytes: Buffer.byteLength(body) in Node, len(body.encode()) in Python, strlen in PHP, or leave it to the HTTP library"
            }
            Self::SecretWhitespace => {
                "trim the secret where it is read: printf '%s' for echo, .trim() or .strip() when it comes from a file"
            }
            Self::SecretQuoted => {
                "remove the quotes: docker --env-file and most dashboards keep them as part of the value"
            }
            Self::SecretNotDecoded => {
                "decode the secret as the provider's documents say, on both sides alike: Buffer.from(text, 'base64') in Node, base64.b64decode(text) in Python, base64_decode in PHP"
            }
            Self::SecretPrefix => {
                "treat the secret's prefix alike on both sides: strip it before decoding, or leave the text as the provider shows it"
            }
            Self::SecretOfOtherProvider => return Remedy::SetSecretOfEach,
            Self::SecretDevelopment => "set the provider's own secret on both sides, or on neither",
            Self::WrongAlgorithm => {
                "use the provider's hash, by name: crypto.createHmac(NAME, secret) in Node, hmac.new(secret, body, hashlib.NAME) in Python"
            }
            Self::WrongEncoding => {
                "write the signature as the provider does, prefix and all: digest('hex') or digest('base64') in Node, .hexdigest() or base64.b64encode(.digest()) in Python"
            }
            Self::WrongSignedContent => "put under the signature what the provider does, byte for byte, separators too",
            Self::TimestampUnit => {
                "send whole seconds or milliseconds as the provider does: Math.floor(Date.now() / 1000) in Node, int(time.time()) in Python, time() in PHP"
            }
            Self::SignatureTruncated => {
                "look for what cuts it: a database column that is too short, a log line, a substr of the prefix's length"
            }
            Self::SignatureCase => "write hexadecimal in lower case: .toLowerCase(), .lower(), strtolower",
            Self::SchemeOfOtherProvider => {
                "send and sign the delivery as this provider does, or send it to its own provider's path"
            }
            Self::Unexplained => {
                "compare the secret with the one in the provider's dashboard, and make sure that the body is the raw one, not parsed, re-indented or copied from a log"
            }
        }))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Every code with what it means and an example, for the documents; what to do is [`Code::remedy`].
#[must_use]
pub const fn codes() -> &'static [(Code, &'static str, &'static str)] {
    &CODES
}

static CODES: [(Code, &str, &str); 21] = [
    (
        Code::BodyReserialised,
        "the JSON or form was parsed and written anew, so that its bytes are others",
        "`JSON.stringify(req.body)` is signed, and `{\"a\": 1.0}` is sent",
    ),
    (
        Code::BodyTrailingNewline,
        "white space at the end of the body came or went",
        "an editor ended the captured file with a line break",
    ),
    (Code::BodyLineEndings, "line ends were changed between LF and CRLF", "git or Windows rewrote a captured file"),
    (Code::BodyBom, "a byte order mark came or went", "a Windows tool saved the body as \"UTF-8 with BOM\""),
    (
        Code::BodyReencoded,
        "the same characters in other bytes: escapes or character set",
        "`\\u00e9` became `é`, or UTF-8 was taken for Latin-1",
    ),
    (
        Code::BodyDecompressed,
        "the signature is over the body before it was compressed",
        "gzip was switched on behind the code that signs",
    ),
    (
        Code::BodyTruncated,
        "bytes are missing at the end, or stand there too many",
        "Content-Length counts characters, not bytes",
    ),
    (Code::SecretWhitespace, "white space is part of the secret on one side", "`echo secret > file` adds a line break"),
    (Code::SecretQuoted, "quotes are part of the secret on one side", "`SECRET=\"…\"` in a file for docker --env-file"),
    (
        Code::SecretNotDecoded,
        "one side decodes the secret, the other takes its text",
        "the text behind `whsec_` keys the HMAC without being decoded from base64",
    ),
    (
        Code::SecretPrefix,
        "one side strips the secret's prefix, the other keeps it",
        "`Buffer.from('whsec_…', 'base64')`, prefix and all",
    ),
    (
        Code::SecretOfOtherProvider,
        "it is another secret that is set: another provider's, or one that a nearer one stands above",
        "two variables were mixed up, or a new secret in the environment hides an older one in the config",
    ),
    (
        Code::SecretDevelopment,
        "it is signed with the public development secret of hookdev",
        "`hookdev send` without a secret, to a receiver with one",
    ),
    (Code::WrongAlgorithm, "another hash makes the signature", "SHA-256 where the provider has SHA-512"),
    (
        Code::WrongEncoding,
        "the signature is right and written another way",
        "base64 for hexadecimal, or without its `sha256=`",
    ),
    (
        Code::WrongSignedContent,
        "other bytes stand under the signature",
        "the body alone, where the provider signs id, time and body",
    ),
    (
        Code::TimestampUnit,
        "the timestamp counts milliseconds for seconds, or the reverse",
        "`Date.now()` without `/ 1000`",
    ),
    (Code::SignatureTruncated, "the signature begins rightly and is cut short", "a column of 64 characters"),
    (Code::SignatureCase, "the signature is right, in upper case", "`%X` for `%x`"),
    (
        Code::SchemeOfOtherProvider,
        "it is signed as another provider signs",
        "a delivery of one provider at the path of another",
    ),
    (
        Code::Unexplained,
        "none of these could be proven: the secret or the body differs in a way that was not tried",
        "a secret that was renewed at the provider",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_the_documented_output() {
        let names: Vec<&str> = codes().iter().map(|(code, ..)| code.as_str()).collect();
        let documented = "body-reserialised body-trailing-newline body-line-endings body-bom body-reencoded \
            body-decompressed body-truncated secret-whitespace secret-quoted secret-not-decoded secret-prefix \
            secret-of-other-provider secret-development wrong-algorithm wrong-encoding wrong-signed-content \
            timestamp-unit signature-truncated signature-case scheme-of-other-provider unexplained";
        assert_eq!(names, documented.split_whitespace().collect::<Vec<_>>());
    }
}
