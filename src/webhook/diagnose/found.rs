//! Signatures found in a request, in any header and encoding, and the schemes under which each may be valid: the hash,
//! the signed content and the format of the header may differ from the provider's.

use http::{HeaderName, HeaderValue};

use super::{
    Code, Finding, RejectedRequest,
    hash::Keyed,
    reading::{Reading, SignatureComparison, id_header, timestamp_header},
    secret::forgiving_base64,
};
use crate::webhook::{
    place::ValueSource,
    remedy::Remedy,
    request::{self, Request},
    signature::{
        Algorithm, HashFunction, Scheme,
        content::SignedContent,
        grammar::{Grammar, GrammarText, MAX_SIGNATURES, TextEncoding},
        secret::decode_hex,
        timestamp::{TimeUnit, TimestampRule},
        verify::SHORTEST,
    },
    time::Tolerance,
    words::bytes,
};

/// A signature found somewhere in the request.
pub struct FoundSignature {
    header: HeaderName,
    /// Whether the header is not the provider's.
    is_foreign: bool,
    /// The full value of the header.
    value: String,
    /// The signature as text.
    text: String,
    bytes: Vec<u8>,
    encoding: SignatureEncoding,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SignatureEncoding {
    Hex,
    UppercaseHex,
    Base64,
    UrlBase64,
    /// Base64 of the text of hexadecimal digits.
    Base64OfHex,
}

impl SignatureEncoding {
    const fn words(self) -> &'static str {
        match self {
            Self::Hex => "lowercase hexadecimal",
            Self::UppercaseHex => "uppercase hexadecimal",
            Self::Base64 => "base64",
            Self::UrlBase64 => "URL-safe or unpadded base64",
            Self::Base64OfHex => {
                "base64 of its hexadecimal digits, as when digest('hex') in Node, or hash_hmac() without binary: true in PHP, is encoded again"
            }
        }
    }

    const fn is(self, encoding: TextEncoding) -> bool {
        matches!(
            (self, encoding),
            (Self::Hex | Self::UppercaseHex, TextEncoding::Hex | TextEncoding::UppercaseHex)
                | (Self::Base64, TextEncoding::Base64)
        )
    }
}

/// The maximum number of signatures taken from one request.
const MOST_SIGNATURES: usize = 6;

/// The maximum number of tags before a signature, as in `sha256=v1:`.
const MOST_TAGS: usize = 4;

/// Everything that looks like a signature in the scheme's header, or else in headers named like one.
pub fn signatures(case: &RejectedRequest<'_>, scheme: &Scheme) -> Vec<FoundSignature> {
    let headers = &case.request.headers;
    let own = scheme.headers().iter().find(|name| headers.contains(name.as_str()));
    let looks_like_one = |name: &HeaderName| ["signature", "hmac"].iter().any(|word| name.as_str().contains(word));
    let mut found = Vec::new();
    for (name, value) in headers {
        let name = name.name();
        let is_own = own == Some(name);
        if is_own || own.is_none() && looks_like_one(name) {
            let value = request::text(value);
            for (text, bytes, encoding) in candidates(&value) {
                let (header, value) = (name.clone(), value.clone().into_owned());
                found.push(FoundSignature { header, is_foreign: !is_own, value, text, bytes, encoding });
            }
        }
    }
    found.truncate(MOST_SIGNATURES);
    found
}

/// The parts of a header's value that may be a signature, in any encoding and after any tags.
fn candidates(value: &str) -> Vec<(String, Vec<u8>, SignatureEncoding)> {
    let mut found: Vec<(String, Vec<u8>, SignatureEncoding)> = Vec::new();
    let is_edge = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '[' | ']');
    for piece in value.split([',', ' ', ';']).take(MAX_SIGNATURES) {
        let mut rest = Some(piece);
        for _ in 0..=MOST_TAGS {
            let Some(text) = rest else { break };
            let text = text.trim_matches(is_edge);
            if found.len() == MOST_SIGNATURES {
                return found;
            }
            if let Some((bytes, written)) = decoded(text) {
                if !found.iter().any(|(_, known, _)| *known == bytes) {
                    found.push((text.to_owned(), bytes, written));
                }
                break;
            }
            rest = text.split_once(['=', ':']).map(|(_, rest)| rest);
        }
    }
    found
}

/// Decodes a signature in any encoding; `None` if it is too short or too long to be one.
fn decoded(text: &str) -> Option<(Vec<u8>, SignatureEncoding)> {
    // Beyond 64 bytes, there are ECDSA in DER, and RSA.
    let long_enough = |bytes: &Vec<u8>| matches!(bytes.len(), SHORTEST..=72 | 256 | 384 | 512);
    if text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let is_upper = text.bytes().any(|byte| byte.is_ascii_uppercase());
        let written = if is_upper { SignatureEncoding::UppercaseHex } else { SignatureEncoding::Hex };
        // Drops half a byte of a truncated signature.
        let whole = &text[..text.len() - text.len() % 2];
        return decode_hex(whole).filter(long_enough).map(|bytes| (bytes, written));
    }
    let body = text.trim_end_matches('=');
    let is_standard = text.len().is_multiple_of(4) && !text.contains(['-', '_']);
    let is_base64 = body.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_'));
    let written = if is_standard { SignatureEncoding::Base64 } else { SignatureEncoding::UrlBase64 };
    let bytes = if is_base64 { forgiving_base64(body)? } else { return None };
    let digits = std::str::from_utf8(&bytes).ok().and_then(decode_hex);
    let (bytes, written) = digits.map_or((bytes, written), |digits| (digits, SignatureEncoding::Base64OfHex));
    long_enough(&bytes).then_some((bytes, written))
}

impl FoundSignature {
    /// The readings under which this signature may be valid: every hash of its length, with every signed content.
    pub fn readings(&self, case: &RejectedRequest<'_>, scheme: &Scheme, all: &mut Vec<Reading>) {
        let title = &case.provider.title;
        let (scheme, timestamp) = self.with_time(case.request, scheme);
        let value = scheme.grammar.write(&self.bytes, &timestamp);
        let mut common = Vec::new();
        common.extend(self.misplaced(title, &scheme, scheme.algorithm));
        common.extend(self.miswritten(title, &scheme, &value));
        self.hashes(case, &scheme, &common, all);
        for (algorithm, check, mut finding) in self.algorithms(title, &scheme) {
            if self.is_foreign && check == SignatureComparison::Whole {
                // Another header with another hash is one cause: a provider's older signature, or another provider's.
                common = self.misplaced(title, &scheme, algorithm).into_iter().collect();
                common.extend(self.miswritten(title, &scheme, &value));
                finding = None;
            }
            for (content, keeps_headers, content_finding) in contents(case, &scheme) {
                let findings: Vec<Finding> = finding.iter().chain(&common).chain(&content_finding).cloned().collect();
                let Ok(value) = HeaderValue::try_from(value.as_str()) else { continue };
                if findings.is_empty() {
                    continue;
                }
                let mut changed = Scheme { algorithm, content, ..scheme.clone() };
                if !keeps_headers {
                    changed.id = None;
                    changed.timestamp = changed.timestamp.filter(|rule| rule.source.is_none());
                }
                changed.signature = ValueSource::Headers(vec![self.header.clone()].into());
                let mut reading = Reading::new(changed, case, findings);
                reading.request.headers.set(&self.header, value);
                reading.check = check.clone();
                all.push(reading);
            }
        }
    }

    /// The readings under which this may be a plain hash.
    fn hashes(&self, case: &RejectedRequest<'_>, scheme: &Scheme, common: &[Finding], all: &mut Vec<Reading>) {
        let in_header = || timestamp_header(case.request, scheme).map(|(name, _)| format!("{{header:{name}}}"));
        let time = self.time().map(str::to_owned).or_else(in_header).unwrap_or_default();
        let id = id_header(case.request, scheme).map(|name| format!("{{header:{name}}}")).unwrap_or_default();
        let own = scheme.content.as_str().replace("{timestamp}", &time).replace("{id}", &id);
        let contents = [own.as_str(), "{body}"];
        let contents = if own == "{body}" { &contents[..1] } else { &contents[..] };
        for algorithm in self.of_length(HashFunction::plain) {
            for (content, keyed) in contents.iter().flat_map(|content| Keyed::ALL.map(|keyed| (content, keyed))) {
                let Ok(content) = SignedContent::try_from((*content).to_owned()) else { continue };
                let message = format!("the signature is a plain {algorithm} hash of {}", keyed.words());
                let mut findings = vec![Finding::new(Code::WrongAlgorithm, message)];
                findings.extend_from_slice(common);
                let changed = Scheme { algorithm, content, ..scheme.clone() };
                let check = SignatureComparison::Hash(keyed, self.bytes.clone());
                all.push(Reading { check, ..Reading::new(changed, case, findings) });
            }
        }
    }

    /// The timestamp in the header itself, as `t=` or `ts=`.
    fn time(&self) -> Option<&str> {
        let entries = self.value.split([',', ';', ' ']);
        entries
            .filter_map(|entry| entry.split_once('='))
            .find(|(tag, _)| matches!(*tag, "t" | "ts"))
            .map(|(_, time)| time)
    }

    /// The scheme with a grammar for the timestamp in the header, and that timestamp.
    fn with_time(&self, request: &Request, scheme: &Scheme) -> (Scheme, String) {
        let time = self.time().map(str::to_owned);
        if scheme.grammar.carries_timestamp() {
            let elsewhere = || timestamp_header(request, scheme).map(|(_, text)| text);
            return (scheme.clone(), time.or_else(elsewhere).unwrap_or_default());
        }
        let encoding = match scheme.grammar.encoding() {
            TextEncoding::Base64 => "{base64}",
            TextEncoding::UppercaseHex => "{HEX}",
            _ => "{hex}",
        };
        let text = GrammarText { value: format!("t={{timestamp}},v1={encoding}"), separator: Some(",".to_owned()) };
        match (time, Grammar::parse(&text)) {
            (Some(time), Ok(grammar)) => {
                let tolerance = Tolerance::both(std::time::Duration::MAX);
                let rule = TimestampRule { source: None, unit: TimeUnit::Seconds, tolerance };
                (Scheme { grammar, timestamp: Some(rule), ..scheme.clone() }, time)
            }
            _ => (scheme.clone(), String::new()),
        }
    }

    fn misplaced(&self, title: &str, scheme: &Scheme, algorithm: Algorithm) -> Option<Finding> {
        let usual = scheme.headers().first()?;
        let message = if algorithm == scheme.algorithm {
            format!("the signature is in the `{}` header; {title} sends it in `{usual}`", self.header)
        } else {
            let own = scheme.algorithm;
            format!(
                "the `{}` header has the right {algorithm}, but {title}'s deliveries are verified by the {own} in `{usual}`",
                self.header
            )
        };
        self.is_foreign.then(|| Finding::new(Code::SchemeOfOtherProvider, message))
    }

    /// What is wrong with the format of the header.
    fn miswritten(&self, title: &str, scheme: &Scheme, canonical: &str) -> Option<Finding> {
        let encoding = scheme.grammar.encoding();
        let encoded = encoding.encode(&self.bytes);
        let form = canonical.replacen(&encoded, "…", 1);
        let same_form = canonical.replacen(&encoded, &self.text, 1);
        let is_in_form = match scheme.grammar.separator() {
            _ if scheme
                .grammar
                .repetition()
                .is_some_and(|between| self.value.split(between).any(|it| it == same_form)) =>
            {
                true
            }
            Some(separator) => {
                same_form.split(separator).all(|entry| self.value.split(separator).any(|other| other.trim() == entry))
            }
            None => self.value == same_form,
        };
        if !self.encoding.is(encoding) {
            let right = match encoding {
                TextEncoding::Hex => "lowercase hexadecimal",
                TextEncoding::UppercaseHex => "uppercase hexadecimal",
                _ => "padded base64",
            };
            let form = if is_in_form { String::new() } else { format!(", as `{form}`") };
            let message =
                format!("the signature is right, but in {}; {title} sends {right}{form}", self.encoding.words());
            Some(Finding::new(Code::WrongEncoding, message))
        } else if let Some((wrong, right)) = self.case_instead_of(encoding) {
            let message =
                format!("the signature is right, but in {wrong}; {title} sends {right}, and handlers compare the text");
            Some(Finding::new(Code::SignatureCase, message))
        } else if is_in_form || self.is_foreign {
            None
        } else {
            let message =
                format!("the signature is right, but its header has the wrong format: {title} sends exactly `{form}`");
            Some(Finding::new(Code::WrongEncoding, message))
        }
    }

    /// The case of its hexadecimal digits and the right case, if they differ.
    fn case_instead_of(&self, encoding: TextEncoding) -> Option<(&'static str, &'static str)> {
        match (self.encoding, encoding) {
            (SignatureEncoding::UppercaseHex, TextEncoding::Hex) => Some(("uppercase", "lowercase")),
            (SignatureEncoding::Hex, TextEncoding::UppercaseHex) => Some(("lowercase", "uppercase")),
            _ => None,
        }
    }

    /// The algorithms with some hash function whose signatures are as long as this one.
    fn of_length(&self, of: impl Fn(HashFunction) -> Algorithm) -> impl Iterator<Item = Algorithm> {
        let length = self.bytes.len();
        HashFunction::ALL.into_iter().map(of).filter(move |algorithm| algorithm.signature_length() == Some(length))
    }

    /// The algorithms that may have made it, whole or truncated.
    fn algorithms(&self, title: &str, scheme: &Scheme) -> Vec<(Algorithm, SignatureComparison, Option<Finding>)> {
        let own = scheme.algorithm;
        let length = self.bytes.len();
        let mut all = Vec::new();
        for algorithm in self.of_length(HashFunction::hmac) {
            let message = format!("the signature matches with {algorithm}; {title} signs with {own}");
            let finding = (algorithm != own).then(|| Finding::new(Code::WrongAlgorithm, message));
            all.push((algorithm, SignatureComparison::Whole, finding));
            all.extend(self.in_other_case().map(|finding| (algorithm, SignatureComparison::AnyCase, Some(finding))));
        }
        let is_own_length = own.signature_length().is_none_or(|whole| whole == length);
        if own.family().is_some() && own.jwt_name().is_none() && is_own_length {
            all.push((own, SignatureComparison::Whole, None));
        }
        if let Some(whole) = own.signature_length().filter(|whole| length < *whole) {
            let message =
                format!("the signature is right but truncated: it has {length} of the {} of {own}", bytes(whole));
            all.push((own, SignatureComparison::Beginning, Some(Finding::new(Code::SignatureTruncated, message))));
        }
        all
    }
}

impl FoundSignature {
    /// What it proves if only the case of its letters is wrong.
    fn in_other_case(&self) -> Option<Finding> {
        let letters = || self.text.bytes().filter(u8::is_ascii_alphabetic);
        let case = match (letters().all(|c| c.is_ascii_lowercase()), letters().all(|c| c.is_ascii_uppercase())) {
            (true, false) => "lowercase",
            (false, true) => "uppercase",
            _ => return None,
        };
        let message = format!(
            "the signature is right, but its base64 is in {case}: the case of its letters was changed in transit, so it can't be verified"
        );
        let remedy = Remedy::advice(
            "find what changes the case of the header's value, such as toLowerCase(), strtolower() or a proxy rule: base64 is case-sensitive",
        );
        let is_base64 = matches!(self.encoding, SignatureEncoding::Base64 | SignatureEncoding::UrlBase64);
        is_base64.then(|| Finding { remedy, ..Finding::new(Code::SignatureCase, message) })
    }
}

/// Signed contents that occur in practice. `T` and `I` are placeholders for the timestamp and the id.
pub(in crate::webhook) const CONTENTS: [(&str, &str); 16] = [
    ("{body}", "{body}"),
    ("T.{body}", "{timestamp}.{body}"),
    ("I.T.{body}", "{id}.{timestamp}.{body}"),
    ("v0:T:{body}", "v0:{timestamp}:{body}"),
    ("T:{body}", "{timestamp}:{body}"),
    ("T{body}", "{timestamp}{body}"),
    ("{body}.T", "{body}.{timestamp}"),
    ("{body}T", "{body}{timestamp}"),
    ("{body}:T", "{body}:{timestamp}"),
    ("I.{body}", "{id}.{body}"),
    ("I{body}", "{id}{body}"),
    ("IT{body}", "{id}{timestamp}{body}"),
    ("I:T:{body}", "{id}:{timestamp}:{body}"),
    ("T.I.{body}", "{timestamp}.{id}.{body}"),
    ("v1:T:{body}", "v1:{timestamp}:{body}"),
    ("T|{body}", "{timestamp}|{body}"),
];

/// The scheme's own content, with its headers, and the other contents possible for this request.
fn contents(case: &RejectedRequest<'_>, scheme: &Scheme) -> Vec<(SignedContent, bool, Option<Finding>)> {
    let own = scheme.content.as_str();
    let mut all = vec![(scheme.content.clone(), true, None)];
    let time = if scheme.grammar.carries_timestamp() {
        Some("{timestamp}".to_owned())
    } else {
        timestamp_header(case.request, scheme).map(|(name, _)| format!("{{header:{name}}}"))
    };
    let id = id_header(case.request, scheme).map(|name| format!("{{header:{name}}}"));
    for (template, shown) in CONTENTS {
        if shown == own || template.contains('T') && time.is_none() || template.contains('I') && id.is_none() {
            continue;
        }
        let text =
            template.replace('T', time.as_deref().unwrap_or_default()).replace('I', id.as_deref().unwrap_or_default());
        let Ok(content) = SignedContent::try_from(text) else { continue };
        let message = format!("the signature covers `{shown}`; {} signs `{own}`", case.provider.title);
        all.push((content, false, Some(Finding::new(Code::WrongSignedContent, message))));
    }
    all
}
