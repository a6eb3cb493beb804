//! The codes of findings: one for each cause that can be proven, the observations, and one for no cause at all.

use std::{borrow::Cow, fmt};

use crate::webhook::remedy::{RAW_BODY, Remedy};

/// Defines each code in one place: its name in all output, whether it means that a cause was proven (`proof`) or only
/// suspected (`observation`), and what the documentation and the hints say about it.
macro_rules! codes {
    (@is_proof proof) => { true };
    (@is_proof observation) => { false };
    ($($code:ident = $name:literal, $kind:ident {
        meaning: $meaning:literal,
        example: $example:literal,
        remedy: $remedy:expr,
    })+) => {
        /// The kind of a finding. Scripts depend on the names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $meaning] $code,)+
        }

        /// Every code, in the documentation's order.
        pub const CODES: &[Code] = &[$(Code::$code),+];

        impl Code {
            /// The code's name in all output.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$code => $name,)+ }
            }

            /// Whether a cause was proven, rather than only suspected.
            #[must_use]
            pub const fn is_proof(self) -> bool {
                match self { $(Self::$code => codes!(@is_proof $kind),)+ }
            }

            /// What it means, for the documentation.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$code => $meaning,)+ }
            }

            /// An example of what causes it, for the documentation.
            #[must_use]
            pub const fn example(self) -> &'static str {
                match self { $(Self::$code => $example,)+ }
            }

            /// What to do about it, unless a finding has a more specific remedy.
            #[must_use]
            pub const fn remedy(self) -> Remedy {
                match self { $(Self::$code => $remedy,)+ }
            }
        }
    };
}

codes! {
    BodyReserialised = "body-reserialised", proof {
        meaning: "the JSON or form was parsed and re-serialised, so the bytes changed",
        example: "`JSON.stringify(req.body)` is signed, and `{\"a\": 1.0}` is sent",
        remedy: advice(RAW_BODY),
    }
    BodyTrailingNewline = "body-trailing-newline", proof {
        meaning: "whitespace at the end of the body was added or removed",
        example: "an editor added a newline to a captured file",
        remedy: advice("send and store exactly the bytes that are signed: curl --data-binary @FILE, printf '%s' instead of echo, and no final newline from an editor"),
    }
    BodyLineEndings = "body-line-endings", proof {
        meaning: "line endings were changed between LF and CRLF",
        example: "Git converted the line endings of a captured file",
        remedy: advice("keep the bytes unchanged: curl --data-binary (not -d), binary mode for reading and writing files, `* -text` in .gitattributes for captures"),
    }
    BodyBom = "body-bom", proof {
        meaning: "a byte order mark was added or removed",
        example: "a Windows tool saved the body as \"UTF-8 with BOM\"",
        remedy: advice("write the file as UTF-8 without a byte order mark, and read it as bytes"),
    }
    BodyReencoded = "body-reencoded", proof {
        meaning: "the same characters were sent as different bytes: different escapes or a different character set",
        example: "`\\u00e9` became `é`, or UTF-8 was read as Latin-1",
        remedy: advice("sign and verify the raw bytes: express.raw({ type: '*/*' }) in Express, await request.body() in FastAPI, request.raw_post in Rails, $request->getContent() in Laravel, request.getInputStream() before any getParameter() in Java; decode event.body from base64 first where isBase64Encoded is true; encode text as UTF-8 only"),
    }
    BodyDecompressed = "body-decompressed", proof {
        meaning: "the body was signed before it was compressed",
        example: "a proxy compresses the body after it is signed",
        remedy: advice("sign the compressed bytes; or, if the provider signs before compression, verify the decompressed body (express.raw in Express decompresses it already)"),
    }
    BodyTruncated = "body-truncated", proof {
        meaning: "bytes are missing at the end, or there are too many",
        example: "Content-Length counts characters, not bytes",
        remedy: advice("count bytes in Content-Length, not characters: Buffer.byteLength(body) in Node, len(body.encode()) in Python, strlen in PHP, or let the HTTP library set it; send only the filled part of a buffer"),
    }
    BodyFraming = "body-framing", proof {
        meaning: "chunk sizes, multipart boundaries or an HTTP head are in the body",
        example: "the raw bytes of the connection were saved as the body",
        remedy: advice(UNFRAMED),
    }
    BodyLogged = "body-logged", proof {
        meaning: "the body has a log's escapes, or text around it",
        example: "`{\\x22id\\x22:7}` from nginx's log, `b'{\"id\":7}'` from Python's",
        remedy: advice(UNLOGGED),
    }
    BodyInside = "body-inside", proof {
        meaning: "the signed text is a value within the body",
        example: "the body is SNS's envelope, and `Message` was signed",
        remedy: advice("verify the text of that value alone, as it is after decoding: JSON.parse(body).Message for SNS, URLSearchParams(body).get('payload') for a form; or turn the envelope off (raw message delivery in SNS)"),
    }
    SecretWhitespace = "secret-whitespace", proof {
        meaning: "whitespace is part of the secret on one side",
        example: "`echo secret > file` adds a newline",
        remedy: advice("trim the secret when you read it: .trim() or .strip() after reading a file, printf '%s' instead of echo when writing one"),
    }
    SecretQuoted = "secret-quoted", proof {
        meaning: "quotes are part of the secret on one side",
        example: "`SECRET=\"…\"` in a file for docker --env-file",
        remedy: advice("remove the quotes: docker --env-file and most dashboards treat them as part of the value"),
    }
    SecretNotDecoded = "secret-not-decoded", proof {
        meaning: "one side decodes the secret, the other uses its text",
        example: "the text after `whsec_` is used as the key without decoding it from base64",
        remedy: advice("decode the secret as the provider documents, and the same way on both sides: Buffer.from(text, 'base64') in Node, base64.b64decode(text) in Python, base64_decode in PHP"),
    }
    SecretPrefix = "secret-prefix", proof {
        meaning: "one side strips the secret's prefix, the other keeps it",
        example: "`Buffer.from('whsec_…', 'base64')`, prefix included",
        remedy: advice("treat the secret's prefix the same way on both sides: strip it before decoding, or keep the text as the provider shows it"),
    }
    SecretCase = "secret-case", proof {
        meaning: "the secret has a different letter case on one side",
        example: "a configuration tool writes every value in uppercase",
        remedy: advice("copy the secret exactly as the provider shows it, without toUpperCase() or toLowerCase()"),
    }
    SecretOfOtherProvider = "secret-of-other-provider", proof {
        meaning: "the secret belongs to another provider",
        example: "two variables were mixed up",
        remedy: Remedy::SetSecretOfEach,
    }
    SecretOfOtherScheme = "secret-of-other-scheme", proof {
        meaning: "the secret is set for another of the provider's signatures",
        example: "the variables of two keys were mixed up",
        remedy: advice("set each of the provider's secrets in the variable that its scheme reads: hookdev events PROVIDER lists them"),
    }
    SecretSuperseded = "secret-superseded", proof {
        meaning: "the secret is overridden by a flag or variable, or was replaced while `listen` runs",
        example: "a secret in the environment overrides the one in the config",
        remedy: advice("set the same secret at the sender and here; while you rotate, configure both"),
    }
    WrongKeyId = "wrong-key-id", proof {
        meaning: "a JWT names one key of the JWKS (`kid`), but is signed with another",
        example: "the sender replaced its key, but not the id",
        remedy: advice("make the sender name the key that it signs with: the `kid` of the token's header must be the `kid` of that key in the JWKS"),
    }
    SecretDevelopment = "secret-development", proof {
        meaning: "it is signed with hookdev's public development secret",
        example: "`hookdev send` without a secret, to a handler with one",
        remedy: advice("set the provider's own secret on both sides, or on neither"),
    }
    WrongAlgorithm = "wrong-algorithm", proof {
        meaning: "the signature uses the wrong hash",
        example: "SHA-256 instead of the provider's SHA-512",
        remedy: advice("use the provider's hash, as an HMAC with the secret as its key: crypto.createHmac(NAME, secret) in Node, hmac.new(secret, body, hashlib.NAME) in Python"),
    }
    WrongEncoding = "wrong-encoding", proof {
        meaning: "the signature is right, but in another encoding or format",
        example: "base64 instead of hexadecimal, or without its `sha256=`",
        remedy: advice("encode the signature as the provider does, including the prefix: digest('hex') or digest('base64') in Node, .hexdigest() or base64.b64encode(.digest()) in Python"),
    }
    WrongSignedContent = "wrong-signed-content", proof {
        meaning: "something else was signed",
        example: "the body alone, where the provider signs id, timestamp and body",
        remedy: advice("sign exactly what the provider signs, including the separators"),
    }
    WrongUrl = "wrong-url", proof {
        meaning: "another URL was signed: its scheme, host, port, slash, query or escapes differ",
        example: "`http://` behind a proxy that terminates TLS",
        remedy: advice(EXACT_URL),
    }
    TimestampUnit = "timestamp-unit", proof {
        meaning: "the timestamp is in milliseconds instead of seconds, or vice versa",
        example: "`Date.now()` without `/ 1000`",
        remedy: advice("send whole seconds or milliseconds as the provider does: for seconds, Math.floor(Date.now() / 1000) in Node, int(time.time()) in Python, time() in PHP"),
    }
    TimestampSpelling = "timestamp-spelling", proof {
        meaning: "the timestamp is the same number, written differently",
        example: "`1767225600123.0`, after parsing it as a float",
        remedy: advice("sign and verify the timestamp's text exactly as the header has it; don't parse it as a number first"),
    }
    ClockSkew = "clock-skew", proof {
        meaning: "it is genuine, but its timestamp is in the future or off by a time zone",
        example: "a local time was signed as UTC",
        remedy: advice("compare both clocks with `date -u` and correct the wrong one; take the timestamp from the Unix time, not from a local time: Date.now() in Node, time.time() in Python, time() in PHP"),
    }
    SignatureTruncated = "signature-truncated", proof {
        meaning: "the signature is right but truncated",
        example: "a database column of 64 characters",
        remedy: advice(NOT_TRUNCATED),
    }
    SignatureCase = "signature-case", proof {
        meaning: "the signature is right but in the other letter case",
        example: "`%X` instead of `%x`",
        remedy: advice("send hexadecimal in lowercase: .toLowerCase(), .lower(), strtolower"),
    }
    HeaderSplit = "header-split", proof {
        meaning: "a header's value was split at its commas",
        example: "`v1,abc` became the two values `v1` and `abc` in an AWS adapter",
        remedy: advice(WHOLE_HEADER),
    }
    HeaderRepeated = "header-repeated", proof {
        meaning: "a header was sent several times, and one of its values matches",
        example: "a proxy adds its own signature header",
        remedy: advice("send the header once: find what adds another one between the sender and the handler, such as a proxy or middleware"),
    }
    HeaderRenamed = "header-renamed", proof {
        meaning: "a header has another name",
        example: "`HTTP_X_SIGNATURE` in PHP's `$_SERVER`, `x_signature`",
        remedy: advice(OWN_NAME),
    }
    SchemeOfOtherProvider = "scheme-of-other-provider", proof {
        meaning: "it is signed the way another provider signs",
        example: "a delivery from one provider sent to the path of another",
        remedy: advice("send and sign the delivery as this provider does, or send it to its own provider's path"),
    }
    Redacted = "redacted", observation {
        meaning: "the signature or token was redacted, so it can't be verified",
        example: "`[redacted]` in a capture for a repository",
        remedy: advice("capture the request without redacting this header, in a file that stays private; a redacted signature or token can't be verified"),
    }
    SeenEmptyBody = "seen-empty-body", observation {
        meaning: "seen, not proven: the body is empty",
        example: "a redirect turned POST into GET",
        remedy: advice("look for what loses the body: a redirect that turns POST into GET (a missing trailing slash, http to https), a framework that does not read chunked bodies, or a stream that was read before"),
    }
    SeenMissingBytes = "seen-missing-bytes", observation {
        meaning: "seen, not proven: the body is shorter than Content-Length says, or its JSON ends in the middle",
        example: "a cut-off capture",
        remedy: advice("capture the request again, and look for what cuts it off: a size limit, or a Content-Length that counts characters"),
    }
    SeenChunkSizes = "seen-chunk-sizes", observation {
        meaning: "seen, not proven: chunk sizes are in the body",
        example: "the raw socket's bytes",
        remedy: advice(UNFRAMED),
    }
    SeenBoundary = "seen-boundary", observation {
        meaning: "seen, not proven: multipart boundaries are in the body",
        example: "a form read as raw bytes",
        remedy: advice(UNFRAMED),
    }
    SeenLogEscapes = "seen-log-escapes", observation {
        meaning: "seen, not proven: a log's escapes are in the body",
        example: "`{\\x22`, `{&quot;`",
        remedy: advice(UNLOGGED),
    }
    SeenReplacementCharacter = "seen-replacement-character", observation {
        meaning: "seen, not proven: U+FFFD in the body, where bytes were lost",
        example: "Latin-1 decoded as UTF-8",
        remedy: advice("read the body as bytes, and decode it as UTF-8 only after verifying: the replaced bytes can't be restored"),
    }
    SeenInvalidJson = "seen-invalid-json", observation {
        meaning: "seen, not proven: the body should be JSON, but isn't valid",
        example: "`[object Object]`, or a shell's `read` that removed the backslashes",
        remedy: advice("forward, save and verify the text that arrived, not what a program makes of it: no print() or inspect of the parsed value, no stripslashes() in PHP, and in a shell `read -r` and printf '%s' \"$body\""),
    }
    SeenSortedKeys = "seen-sorted-keys", observation {
        meaning: "seen, not proven: the keys are sorted, by name or by length, unlike those of the provider's examples",
        example: "Go's `json.Marshal` of a map, PostgreSQL's jsonb",
        remedy: advice(RAW_BODY),
    }
    SeenCutAtComma = "seen-cut-at-comma", observation {
        meaning: "seen, not proven: a value ends where a comma was",
        example: "`t=1767225600` without its `v1=`",
        remedy: advice(WHOLE_HEADER),
    }
    SeenTwoValues = "seen-two-values", observation {
        meaning: "seen, not proven: several values where one is expected",
        example: "a proxy adds its own",
        remedy: advice(WHOLE_HEADER),
    }
    SeenRenamedHeader = "seen-renamed-header", observation {
        meaning: "seen, not proven: a header is missing, and another has a similar name",
        example: "`HTTP_SIGNATURE`",
        remedy: advice(OWN_NAME),
    }
    SeenSignatureLength = "seen-signature-length", observation {
        meaning: "seen, not proven: the signature is shorter or longer than those of the algorithm",
        example: "63 bytes of Ed25519's 64",
        remedy: advice(NOT_TRUNCATED),
    }
    SeenLocalUrl = "seen-local-url", observation {
        meaning: "seen, not proven: the URL is signed, and only a local URL is known",
        example: "a tunnel replaces `Host` with `localhost:4400`",
        remedy: advice(EXACT_URL),
    }
    SeenUnknownKey = "seen-unknown-key", observation {
        meaning: "seen, not proven: a JWT names a key that the JWKS does not have",
        example: "the provider has replaced its keys",
        remedy: advice("save the provider's JWKS again, or the key that its API returns for this id: providers replace their keys"),
    }
    Unexplained = "unexplained", observation {
        meaning: "the cause was not found: most likely a different secret, or the body was changed",
        example: "the secret was rotated at the provider",
        remedy: advice("compare the secret with the one in the provider's dashboard (each endpoint, test mode and the provider's own CLI may have another), and make sure that the body is the raw one, not parsed, reformatted or copied from a log"),
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const fn advice(text: &'static str) -> Remedy {
    Remedy::Advice(Cow::Borrowed(text))
}

const UNFRAMED: &str = "read the body with an HTTP library, which removes heads and chunk sizes, instead of from the connection; for a multipart form, verify what the provider signs, usually the content of one part";
const UNLOGGED: &str = "verify the raw bytes instead of a copy from a log; to log them, use escape=none in nginx's log_format, body.decode() in Python, body.toString() in Node; in PHP, read php://input, to which nothing adds slashes";
const EXACT_URL: &str = "use the URL exactly as the provider calls it, with its scheme, host, port, trailing slash and query: configure it as a constant, or build it from X-Forwarded-Proto and X-Forwarded-Host behind a proxy";
const NOT_TRUNCATED: &str =
    "find what truncates it: a database column that is too short, a log line, a substr with the wrong length";
const WHOLE_HEADER: &str = "read the header's whole value, or join its parts with a comma again: API Gateway and Lambda adapters split it in multiValueHeaders, while headers has it whole";
const OWN_NAME: &str = "read the header by its own name, through request.headers or getallheaders(): CGI, WSGI, Rack and PHP's $_SERVER name X-Name as HTTP_X_NAME";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_the_documented_ones() {
        let names: Vec<&str> = CODES.iter().map(|code| code.as_str()).collect();
        let documented = "body-reserialised body-trailing-newline body-line-endings body-bom body-reencoded \
            body-decompressed body-truncated body-framing body-logged body-inside secret-whitespace \
            secret-quoted secret-not-decoded secret-prefix secret-case secret-of-other-provider secret-of-other-scheme \
            secret-superseded wrong-key-id secret-development wrong-algorithm wrong-encoding wrong-signed-content wrong-url timestamp-unit \
            timestamp-spelling clock-skew signature-truncated signature-case header-split header-repeated \
            header-renamed scheme-of-other-provider redacted seen-empty-body seen-missing-bytes seen-chunk-sizes \
            seen-boundary seen-log-escapes seen-replacement-character seen-invalid-json seen-sorted-keys \
            seen-cut-at-comma seen-two-values \
            seen-renamed-header seen-signature-length seen-local-url seen-unknown-key unexplained";
        assert_eq!(names, documented.split_whitespace().collect::<Vec<_>>());
    }
}
