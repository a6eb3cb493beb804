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
    /// Chunk sizes, multipart boundaries or the message's head are in the body.
    BodyFraming,
    /// The body has the escapes of a log, or its text around it.
    BodyLogged,
    /// The signed text is a value within the body.
    BodyInside,
    /// Whitespace is part of the secret on one side.
    SecretWhitespace,
    /// Quotes are part of the secret on one side.
    SecretQuoted,
    /// One side decodes the secret, the other uses its text.
    SecretNotDecoded,
    /// One side strips the secret's prefix, the other keeps it.
    SecretPrefix,
    /// The secret is in other letter case on one side.
    SecretCase,
    /// The secret belongs to another provider.
    SecretOfOtherProvider,
    /// The secret is set but overridden, or was in use before.
    SecretSuperseded,
    /// A JWT is signed with another key of the JWKS than it names.
    WrongKeyId,
    /// The secret is hookdev's public development secret.
    SecretDevelopment,
    /// Another hash.
    WrongAlgorithm,
    /// The signature is right, but in another encoding or format.
    WrongEncoding,
    /// Something else was signed.
    WrongSignedContent,
    /// Another URL was signed.
    WrongUrl,
    /// The timestamp is in another unit.
    TimestampUnit,
    /// The timestamp is the same number in another spelling.
    TimestampSpelling,
    /// The request is genuine, but one of the two clocks is wrong.
    ClockSkew,
    /// The signature is truncated.
    SignatureTruncated,
    /// The signature is in uppercase.
    SignatureCase,
    /// A header's value was split at its commas.
    HeaderSplit,
    /// A header has another name.
    HeaderRenamed,
    /// The request is signed the way another provider signs.
    SchemeOfOtherProvider,
    /// The header that is judged was redacted.
    Redacted,
    /// Seen: the body is empty.
    SeenEmptyBody,
    /// Seen: the body is shorter than `Content-Length` says.
    SeenMissingBytes,
    /// Seen: the body begins with the size of a chunk.
    SeenChunkSizes,
    /// Seen: the body begins with a boundary of a multipart message.
    SeenBoundary,
    /// Seen: the body has escapes that only logs write.
    SeenLogEscapes,
    /// Seen: the body has U+FFFD, in the place of bytes that could not be decoded.
    SeenReplacementCharacter,
    /// Seen: a header's value ends where a comma was.
    SeenCutAtComma,
    /// Seen: a header has several values where one is due.
    SeenTwoValues,
    /// Seen: a header is missing, and another one is named like it.
    SeenRenamedHeader,
    /// Seen: the signature has another length than the algorithm's.
    SeenSignatureLength,
    /// Seen: the scheme signs the URL, and only one of this machine is known.
    SeenLocalUrl,
    /// Seen: a JWT names a key that the JWKS does not have.
    SeenUnknownKey,
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
            Self::BodyFraming => "body-framing",
            Self::BodyLogged => "body-logged",
            Self::BodyInside => "body-inside",
            Self::SecretWhitespace => "secret-whitespace",
            Self::SecretQuoted => "secret-quoted",
            Self::SecretNotDecoded => "secret-not-decoded",
            Self::SecretPrefix => "secret-prefix",
            Self::SecretCase => "secret-case",
            Self::SecretOfOtherProvider => "secret-of-other-provider",
            Self::SecretSuperseded => "secret-superseded",
            Self::WrongKeyId => "wrong-key-id",
            Self::SecretDevelopment => "secret-development",
            Self::WrongAlgorithm => "wrong-algorithm",
            Self::WrongEncoding => "wrong-encoding",
            Self::WrongSignedContent => "wrong-signed-content",
            Self::WrongUrl => "wrong-url",
            Self::TimestampUnit => "timestamp-unit",
            Self::TimestampSpelling => "timestamp-spelling",
            Self::ClockSkew => "clock-skew",
            Self::SignatureTruncated => "signature-truncated",
            Self::SignatureCase => "signature-case",
            Self::HeaderSplit => "header-split",
            Self::HeaderRenamed => "header-renamed",
            Self::SchemeOfOtherProvider => "scheme-of-other-provider",
            Self::Redacted => "redacted",
            Self::SeenEmptyBody => "seen-empty-body",
            Self::SeenMissingBytes => "seen-missing-bytes",
            Self::SeenChunkSizes => "seen-chunk-sizes",
            Self::SeenBoundary => "seen-boundary",
            Self::SeenLogEscapes => "seen-log-escapes",
            Self::SeenReplacementCharacter => "seen-replacement-character",
            Self::SeenCutAtComma => "seen-cut-at-comma",
            Self::SeenTwoValues => "seen-two-values",
            Self::SeenRenamedHeader => "seen-renamed-header",
            Self::SeenSignatureLength => "seen-signature-length",
            Self::SeenLocalUrl => "seen-local-url",
            Self::SeenUnknownKey => "seen-unknown-key",
            Self::Unexplained => "unexplained",
        }
    }

    /// Whether a cause was proven, not only seen or sought.
    #[must_use]
    pub const fn is_proof(self) -> bool {
        !matches!(
            self,
            Self::Unexplained
                | Self::Redacted
                | Self::SeenEmptyBody
                | Self::SeenMissingBytes
                | Self::SeenChunkSizes
                | Self::SeenBoundary
                | Self::SeenLogEscapes
                | Self::SeenReplacementCharacter
                | Self::SeenCutAtComma
                | Self::SeenTwoValues
                | Self::SeenRenamedHeader
                | Self::SeenSignatureLength
                | Self::SeenLocalUrl
                | Self::SeenUnknownKey
        )
    }

    /// What to do about it, where a finding knows nothing more exact.
    #[must_use]
    pub const fn remedy(self) -> Remedy {
        Remedy::Advice(Cow::Borrowed(match self {
            Self::BodyReserialised => RAW_BODY,
            Self::BodyReencoded => {
                "sign and verify the raw bytes, and encode text as UTF-8 only: Encoding.UTF8 in .NET, StandardCharsets.UTF_8 in Java; express.raw({ type: '*/*' }) in Express, await request.body() in FastAPI, request.raw_post in Rails, $request->getContent() in Laravel"
            }
            Self::BodyFraming | Self::SeenChunkSizes | Self::SeenBoundary => {
                "read the body with an HTTP library, which removes heads and chunk sizes, instead of from the connection; of a multipart form, verify what the provider signs: mostly the content of one part"
            }
            Self::BodyLogged | Self::SeenLogEscapes => {
                "verify the raw bytes instead of a copy from a log; to log them, use escape=none in nginx's log_format, body.decode() in Python, body.toString() in Node"
            }
            Self::BodyInside => {
                "verify the text of that value alone, as it is after decoding: JSON.parse(body).Message for SNS, URLSearchParams(body).get('payload') for a form; or turn the envelope off (raw message delivery in SNS)"
            }
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
            Self::SecretCase => {
                "copy the secret exactly as the provider shows it, without toUpperCase() or toLowerCase()"
            }
            Self::SecretOfOtherProvider => return Remedy::SetSecretOfEach,
            Self::SecretSuperseded => "set the same secret at the sender and here; while you rotate, configure both",
            Self::WrongKeyId => {
                "let the sender name the key that it signs with: the `kid` of the token's header is the `kid` of that key in the JWKS"
            }
            Self::SecretDevelopment => "set the provider's own secret on both sides, or on neither",
            Self::WrongAlgorithm => {
                "use the provider's hash, as an HMAC with the secret as its key: crypto.createHmac(NAME, secret) in Node, hmac.new(secret, body, hashlib.NAME) in Python"
            }
            Self::WrongEncoding => {
                "encode the signature as the provider does, including the prefix: digest('hex') or digest('base64') in Node, .hexdigest() or base64.b64encode(.digest()) in Python"
            }
            Self::WrongSignedContent => "sign exactly what the provider signs, including the separators",
            Self::WrongUrl | Self::SeenLocalUrl => {
                "use the URL exactly as the provider calls it, with its scheme, host, port, trailing slash and query: configure it as a constant, or build it from X-Forwarded-Proto and X-Forwarded-Host behind a proxy"
            }
            Self::TimestampSpelling => {
                "sign and verify the timestamp's text exactly as the header has it; don't parse it as a number first"
            }
            Self::HeaderSplit | Self::SeenTwoValues | Self::SeenCutAtComma => {
                "read the header's whole value, or join its parts with a comma again: API Gateway and Lambda adapters split it in multiValueHeaders, while headers has it whole"
            }
            Self::HeaderRenamed | Self::SeenRenamedHeader => {
                "read the header by its own name, through request.headers or getallheaders(): CGI, WSGI, Rack and PHP's $_SERVER name X-Name as HTTP_X_NAME"
            }
            Self::SeenUnknownKey => {
                "save the provider's JWKS again, or the key that its API returns for this id: providers replace their keys"
            }
            Self::Redacted => {
                "capture the request without redacting this header, in a file that stays private; a redacted signature or token can't be verified"
            }
            Self::SeenEmptyBody => {
                "look for what loses the body: a redirect that turns POST into GET (a missing trailing slash, http to https), a framework that does not read chunked bodies, or a stream that was read before"
            }
            Self::SeenMissingBytes => {
                "capture the request again, and look for what cuts it off: a size limit, or a Content-Length that counts characters"
            }
            Self::SeenReplacementCharacter => {
                "read the body as bytes, and decode it as UTF-8 only after verifying: the replaced bytes can't be restored"
            }
            Self::TimestampUnit => {
                "send whole seconds or milliseconds as the provider does: for seconds, Math.floor(Date.now() / 1000) in Node, int(time.time()) in Python, time() in PHP"
            }
            Self::ClockSkew => {
                "compare both clocks with `date -u` and set the wrong one; take the timestamp from the Unix time, not from a local time: Date.now() in Node, time.time() in Python, time() in PHP"
            }
            Self::SignatureTruncated | Self::SeenSignatureLength => {
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

static CODES: [(Code, &str, &str); 45] = [
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
    (
        Code::BodyFraming,
        "chunk sizes, multipart boundaries or an HTTP head are in the body",
        "the bytes of the connection were kept as the body",
    ),
    (
        Code::BodyLogged,
        "the body has a log's escapes, or text around it",
        "`{\\x22id\\x22:7}` from nginx's log, `b'{\"id\":7}'` from Python's",
    ),
    (
        Code::BodyInside,
        "the signed text is a value within the body",
        "the body is SNS's envelope, and `Message` was signed",
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
        Code::SecretCase,
        "the secret is in other letter case on one side",
        "a configuration tool writes every value in uppercase",
    ),
    (Code::SecretOfOtherProvider, "the secret belongs to another provider", "two variables were mixed up"),
    (
        Code::SecretSuperseded,
        "the secret is overridden by a flag or variable, or was replaced while `listen` runs",
        "a secret in the environment overrides the one in the config",
    ),
    (
        Code::WrongKeyId,
        "a JWT is signed with another key of the JWKS than its `kid` names",
        "the sender replaced its key, but not the id",
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
        Code::WrongUrl,
        "another URL was signed: its scheme, host, port, slash or query differs",
        "`http://` behind a proxy that ends TLS",
    ),
    (
        Code::TimestampUnit,
        "the timestamp is in milliseconds instead of seconds, or vice versa",
        "`Date.now()` without `/ 1000`",
    ),
    (
        Code::TimestampSpelling,
        "the timestamp is the same number in another spelling",
        "`1767225600123.0`, after parsing it as a float",
    ),
    (
        Code::ClockSkew,
        "it is genuine, but its timestamp is in the future or off by a time zone",
        "a local time was signed as UTC",
    ),
    (Code::SignatureTruncated, "the signature is right but truncated", "a database column of 64 characters"),
    (Code::SignatureCase, "the signature is right but in uppercase", "`%X` instead of `%x`"),
    (
        Code::HeaderSplit,
        "a header's value was split at its commas",
        "`v1,abc` became the two values `v1` and `abc` in an AWS adapter",
    ),
    (Code::HeaderRenamed, "a header has another name", "`HTTP_X_SIGNATURE` in PHP's `$_SERVER`, `x_signature`"),
    (
        Code::SchemeOfOtherProvider,
        "it is signed the way another provider signs",
        "a delivery from one provider sent to the path of another",
    ),
    (
        Code::Redacted,
        "the signature or token was redacted, so it can't be verified",
        "`[redacted]` in a capture for a repository",
    ),
    (Code::SeenEmptyBody, "seen, not proven: the body is empty", "a redirect turned POST into GET"),
    (
        Code::SeenMissingBytes,
        "seen, not proven: the body is shorter than Content-Length says, or its JSON ends in the middle",
        "a cut-off capture",
    ),
    (Code::SeenChunkSizes, "seen, not proven: chunk sizes are in the body", "the raw socket's bytes"),
    (Code::SeenBoundary, "seen, not proven: multipart boundaries are in the body", "a form read as raw bytes"),
    (Code::SeenLogEscapes, "seen, not proven: a log's escapes are in the body", "`{\\x22`, `{&quot;`"),
    (
        Code::SeenReplacementCharacter,
        "seen, not proven: U+FFFD in the body, where bytes were lost",
        "Latin-1 decoded as UTF-8",
    ),
    (Code::SeenCutAtComma, "seen, not proven: a value ends where a comma was", "`t=1767225600` without its `v1=`"),
    (Code::SeenTwoValues, "seen, not proven: several values where one is expected", "a proxy adds its own"),
    (
        Code::SeenRenamedHeader,
        "seen, not proven: a header is missing, and another is named like it",
        "`HTTP_SIGNATURE`",
    ),
    (
        Code::SeenSignatureLength,
        "seen, not proven: the signature is shorter or longer than those of the algorithm",
        "63 bytes of Ed25519's 64",
    ),
    (
        Code::SeenLocalUrl,
        "seen, not proven: the URL is signed, and only one of this machine is known",
        "a tunnel replaces `Host` by `localhost:4400`",
    ),
    (
        Code::SeenUnknownKey,
        "seen, not proven: a JWT names a key that the JWKS does not have",
        "the provider has replaced its keys",
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
            body-decompressed body-truncated body-framing body-logged body-inside secret-whitespace \
            secret-quoted secret-not-decoded secret-prefix secret-case secret-of-other-provider \
            secret-superseded wrong-key-id secret-development wrong-algorithm wrong-encoding wrong-signed-content wrong-url timestamp-unit \
            timestamp-spelling clock-skew signature-truncated signature-case header-split header-renamed \
            scheme-of-other-provider redacted seen-empty-body seen-missing-bytes seen-chunk-sizes \
            seen-boundary seen-log-escapes seen-replacement-character seen-cut-at-comma seen-two-values \
            seen-renamed-header seen-signature-length seen-local-url seen-unknown-key unexplained";
        assert_eq!(names, documented.split_whitespace().collect::<Vec<_>>());
    }
}
