//! Hypotheses about the way of signing: the hash, the signed content, the header that carries the
//! signature and how it is written there, and the schemes of other providers.

use http::{HeaderName, HeaderValue};

use bytes::Bytes;

use super::{Case, Code, Finding, secret::forgiving_base64, time};
use crate::webhook::{
    provider::Provider,
    remedy::Remedy,
    request::{self, Request},
    signature::{
        Algorithm, Receipt, Scheme, SigningSecret,
        content::SignedContent,
        grammar::{Grammar, GrammarText, TextEncoding},
        scheme::{SHORTEST, TimeUnit, TimestampRule},
        secret::decode_hex,
    },
    time::Tolerance,
};

/// One way to read a request: by a scheme, its headers put right for that.
#[derive(Debug)]
pub struct Reading {
    scheme: Scheme,
    /// The request, with the headers that the scheme reads.
    pub request: Request,
    /// What differs from the request as it came and the scheme that the provider has.
    pub findings: Vec<Finding>,
    /// The secrets that it is tried with instead of the provider's.
    pub secrets: Option<Vec<SigningSecret>>,
    /// Whether the signature may be the beginning of the right one.
    is_cut: bool,
}

impl Reading {
    /// Reads a request by a scheme; what differs is in the findings.
    pub fn new(scheme: Scheme, request: &Request, findings: Vec<Finding>) -> Self {
        Self { scheme, request: request.clone(), findings, secrets: None, is_cut: false }
    }

    /// Whether the request, with this body, is signed by one of the secrets.
    pub fn verifies(&self, secrets: &[SigningSecret], body: &Bytes) -> bool {
        let request = Request { body: body.clone(), ..self.request.clone() };
        if self.is_cut {
            self.scheme.is_cut_short(secrets, &request)
        } else {
            self.scheme.verify(secrets, &request, Receipt::default()).is_ok()
        }
    }

    /// Whether the body is one that a signature of this kind can say anything of: that of the
    /// request, or any other one if it is signed.
    pub fn can_judge(&self, body: &Bytes) -> bool {
        let depends_on_it = self.scheme.algorithm != Algorithm::Token && self.scheme.content.signs_body();
        depends_on_it || *body == self.request.body
    }
}

/// The request as it is, by each of the provider's schemes.
pub fn plain(case: &Case<'_>) -> Vec<Reading> {
    case.provider.schemes.iter().map(|scheme| Reading::new(scheme.clone(), case.request, Vec::new())).collect()
}

/// No more readings than this are tried, however many headers look like signatures.
const MOST: usize = 256;

/// All other readings, those with the fewest changes first.
pub fn readings(case: &Case<'_>) -> Vec<Reading> {
    let mut all: Vec<Reading> = Vec::new();
    for scheme in &case.provider.schemes {
        all.extend(time::readings(case, scheme));
    }
    for scheme in case.provider.schemes.iter().filter(|scheme| scheme.algorithm != Algorithm::Token) {
        for found in signatures(case, scheme) {
            found.readings(case, scheme, &mut all);
        }
    }
    for other in case.catalog.providers().filter(|other| other.name != case.provider.name) {
        of_other(case, other, &mut all);
    }
    all.sort_by_key(|reading| reading.findings.len());
    all.truncate(MOST);
    all
}

/// Another provider's schemes: in its own headers, and in this one's.
fn of_other(case: &Case<'_>, other: &Provider, all: &mut Vec<Reading>) {
    let Some(rule) = &other.secret else { return };
    let read = |secrets: &[SigningSecret]| -> Option<Vec<SigningSecret>> {
        Some(secrets.iter().filter_map(|secret| SigningSecret::parse(secret.expose(), &rule.format).ok()).collect())
    };
    let (title, name) = (&case.provider.title, &other.title);
    for scheme in &other.schemes {
        let mut add = |scheme: Scheme, secrets, message: String| {
            let remedy = Remedy::ChooseProvider { other: other.name.clone() };
            let finding = Finding { remedy, ..Finding::new(Code::SchemeOfOtherProvider, message) };
            all.push(Reading { secrets, ..Reading::new(scheme, case.request, vec![finding]) });
        };
        let wholly = format!("this is a delivery of {name}: its scheme and its secret verify it, and not {title}'s");
        add(scheme.clone(), read(case.keyring.secrets(&other.name)), wholly);
        let signed_so = format!("it is signed with {title}'s secret as {name} signs (scheme {})", scheme.name);
        add(scheme.clone(), None, signed_so.clone());
        add(scheme.clone(), read(case.secrets()), signed_so.clone());
        for own in &case.provider.schemes {
            add(Scheme { header: own.header.clone(), ..scheme.clone() }, None, signed_so.clone());
        }
    }
}

/// A signature that stands somewhere in the request, however it is written.
struct Found {
    header: HeaderName,
    /// Whether it stands in a header that is not the provider's.
    is_foreign: bool,
    /// The whole value of the header.
    value: String,
    /// The signature in it.
    text: String,
    bytes: Vec<u8>,
    encoding: Written,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    Hex,
    UpperHex,
    Base64,
    UrlBase64,
}

impl Written {
    const fn words(self) -> &'static str {
        match self {
            Self::Hex => "lower-case hexadecimal",
            Self::UpperHex => "upper-case hexadecimal",
            Self::Base64 => "base64",
            Self::UrlBase64 => "URL-safe or unpadded base64",
        }
    }

    const fn is(self, encoding: TextEncoding) -> bool {
        matches!(
            (self, encoding),
            (Self::Hex | Self::UpperHex, TextEncoding::Hex) | (Self::Base64, TextEncoding::Base64)
        )
    }
}

/// No more signatures than this are taken from one request.
const MOST_SIGNATURES: usize = 6;

/// All that looks like a signature: in the scheme's header, or else in one that is named so.
fn signatures(case: &Case<'_>, scheme: &Scheme) -> Vec<Found> {
    let headers = &case.request.headers;
    let own = scheme.header.iter().find(|name| headers.contains(name.as_str()));
    let looks_like_one = |name: &HeaderName| ["signature", "hmac"].iter().any(|word| name.as_str().contains(word));
    let mut found = Vec::new();
    for (name, value) in headers {
        let is_own = own == Some(name);
        if is_own || own.is_none() && looks_like_one(name) {
            let value = request::text(value);
            for (text, bytes, encoding) in candidates(&value) {
                let (header, value) = (name.clone(), value.clone().into_owned());
                found.push(Found { header, is_foreign: !is_own, value, text, bytes, encoding });
            }
        }
    }
    found.truncate(MOST_SIGNATURES);
    found
}

/// The parts of a header's value that can be a signature, in any encoding, behind any tags.
fn candidates(value: &str) -> Vec<(String, Vec<u8>, Written)> {
    let mut found: Vec<(String, Vec<u8>, Written)> = Vec::new();
    let is_edge = |c: char| c.is_whitespace() || matches!(c, '"' | '\'');
    for piece in value.split([',', ' ', ';']) {
        let mut rest = Some(piece);
        while let Some(text) = rest {
            let text = text.trim_matches(is_edge);
            if let Some((bytes, written)) = decoded(text) {
                if !found.iter().any(|(_, known, _)| *known == bytes) {
                    found.push((text.to_owned(), bytes, written));
                }
                break;
            }
            rest = text.split_once(['=', ':']).map(|(_, behind)| behind);
        }
    }
    found
}

/// The bytes of a signature in whichever encoding it is; what is too short to be one is none.
fn decoded(text: &str) -> Option<(Vec<u8>, Written)> {
    let long_enough = |bytes: &Vec<u8>| (SHORTEST..=64).contains(&bytes.len());
    if text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let is_upper = text.bytes().any(|byte| byte.is_ascii_uppercase());
        let written = if is_upper { Written::UpperHex } else { Written::Hex };
        // Half a byte, when it was cut there.
        let whole = &text[..text.len() - text.len() % 2];
        return decode_hex(whole).filter(long_enough).map(|bytes| (bytes, written));
    }
    let body = text.trim_end_matches('=');
    let is_standard = text.len().is_multiple_of(4) && !text.contains(['-', '_']);
    let is_base64 = body.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_'));
    let written = if is_standard { Written::Base64 } else { Written::UrlBase64 };
    let bytes = if is_base64 { forgiving_base64(body) } else { None };
    bytes.filter(long_enough).map(|bytes| (bytes, written))
}

impl Found {
    /// The readings by which this signature may be the right one: every hash of its length, every
    /// signed content.
    fn readings(&self, case: &Case<'_>, scheme: &Scheme, all: &mut Vec<Reading>) {
        let title = &case.provider.title;
        let (scheme, timestamp) = self.with_time(case.request, scheme);
        let value = scheme.grammar.write(&self.bytes, &timestamp);
        let mut common = Vec::new();
        common.extend(self.misplaced(title, &scheme));
        common.extend(self.miswritten(title, &scheme, &value));
        for (algorithm, is_cut, finding) in self.algorithms(title, &scheme) {
            for (content, keeps_headers, content_finding) in contents(case, &scheme) {
                let findings: Vec<Finding> = finding.iter().chain(&common).chain(&content_finding).cloned().collect();
                let Ok(value) = HeaderValue::try_from(value.as_str()) else { continue };
                if findings.is_empty() {
                    continue;
                }
                let mut changed = Scheme { algorithm, content, ..scheme.clone() };
                if !keeps_headers {
                    changed.id = None;
                    changed.timestamp = changed.timestamp.filter(|rule| rule.header.is_none());
                }
                changed.header = vec![self.header.clone()];
                let mut reading = Reading::new(changed, case.request, findings);
                reading.request.headers.set(&self.header, value);
                reading.is_cut = is_cut;
                all.push(reading);
            }
        }
    }

    /// The scheme with the grammar in which the header's own time stands, and that time.
    fn with_time(&self, request: &Request, scheme: &Scheme) -> (Scheme, String) {
        let entries = self.value.split([',', ';', ' ']);
        let time = entries.filter_map(|entry| entry.split_once('=')).find(|(tag, _)| matches!(*tag, "t" | "ts"));
        let time = time.map(|(_, time)| time.to_owned());
        if scheme.grammar.carries_timestamp() {
            let elsewhere = || timestamp_header(request, scheme).map(|(_, text)| text);
            return (scheme.clone(), time.or_else(elsewhere).unwrap_or_default());
        }
        let encoding = if scheme.grammar.encoding() == TextEncoding::Base64 { "{base64}" } else { "{hex}" };
        let text = GrammarText { value: format!("t={{timestamp}},v1={encoding}"), separator: Some(',') };
        match (time, Grammar::parse(&text)) {
            (Some(time), Ok(grammar)) => {
                let tolerance = Tolerance::both(std::time::Duration::MAX);
                let rule = TimestampRule { header: None, unit: TimeUnit::Seconds, tolerance };
                (Scheme { grammar, timestamp: Some(rule), ..scheme.clone() }, time)
            }
            _ => (scheme.clone(), String::new()),
        }
    }

    fn misplaced(&self, title: &str, scheme: &Scheme) -> Option<Finding> {
        let usual = scheme.header.first()?;
        let message = format!("the signature stands in the `{}` header; {title} sends it in `{usual}`", self.header);
        self.is_foreign.then(|| Finding::new(Code::SchemeOfOtherProvider, message))
    }

    /// What is wrong with the way in which the signature stands in its header.
    fn miswritten(&self, title: &str, scheme: &Scheme, canonical: &str) -> Option<Finding> {
        let encoding = scheme.grammar.encoding();
        let encoded = encoding.encode(&self.bytes);
        let form = canonical.replacen(&encoded, "…", 1);
        let same_form = canonical.replacen(&encoded, &self.text, 1);
        let is_in_form = match scheme.grammar.separator() {
            Some(separator) => {
                same_form.split(separator).all(|entry| self.value.split(separator).any(|other| other.trim() == entry))
            }
            None => self.value == same_form,
        };
        if !self.encoding.is(encoding) {
            let right = if encoding == TextEncoding::Hex { "lower-case hexadecimal" } else { "padded base64" };
            let form = if is_in_form { String::new() } else { format!(", as `{form}`") };
            let message = format!(
                "the signature is right, and written in {}; {title} writes it in {right}{form}",
                self.encoding.words()
            );
            Some(Finding::new(Code::WrongEncoding, message))
        } else if self.encoding == Written::UpperHex {
            let message = format!(
                "the signature is right, and written in upper case; {title} writes lower case, and handlers compare the text"
            );
            Some(Finding::new(Code::SignatureCase, message))
        } else if is_in_form {
            None
        } else {
            let message = format!(
                "the signature is right, and its header has another form: {title} writes `{form}`, with exactly that around the signature"
            );
            Some(Finding::new(Code::WrongEncoding, message))
        }
    }

    /// The hashes that may have made it; also those of which it is but the beginning.
    fn algorithms(&self, title: &str, scheme: &Scheme) -> Vec<(Algorithm, bool, Option<Finding>)> {
        let own = scheme.algorithm;
        let length = self.bytes.len();
        let mut all = Vec::new();
        for algorithm in [Algorithm::HmacSha1, Algorithm::HmacSha256, Algorithm::HmacSha384, Algorithm::HmacSha512] {
            if algorithm.length() == Some(length) {
                let message = format!("the signature matches as {algorithm}; {title} signs with {own}");
                let finding = (algorithm != own).then(|| Finding::new(Code::WrongAlgorithm, message));
                all.push((algorithm, false, finding));
            }
        }
        if let Some(whole) = own.length().filter(|whole| length < *whole) {
            let message = format!(
                "the signature begins rightly and is cut short: {length} of the {whole} bytes of {own} are there"
            );
            all.push((own, true, Some(Finding::new(Code::SignatureTruncated, message))));
        }
        all
    }
}

/// The signed contents that occur in life. `T` and `I` stand for where the time and the id are.
const CONTENTS: [(&str, &str); 16] = [
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

/// The scheme's own content, which keeps its headers, and the others that this request can have.
fn contents(case: &Case<'_>, scheme: &Scheme) -> Vec<(SignedContent, bool, Option<Finding>)> {
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
        let message = format!("the signature is over `{shown}`; {} signs `{own}`", case.provider.title);
        all.push((content, false, Some(Finding::new(Code::WrongSignedContent, message))));
    }
    all
}

/// The header that holds the time, the scheme's own or one that is named so, and its text.
pub fn timestamp_header(request: &Request, scheme: &Scheme) -> Option<(HeaderName, String)> {
    let own = scheme.timestamp.as_ref().and_then(|rule| rule.header.as_deref());
    let name = named(request, own.unwrap_or_default(), "timestamp")?;
    let text = request.headers.text(name.as_str())?.into_owned();
    Some((name, text))
}

fn id_header(request: &Request, scheme: &Scheme) -> Option<HeaderName> {
    named(request, scheme.id.as_deref().unwrap_or_default(), "-id")
}

fn named(request: &Request, own: &[HeaderName], ending: &str) -> Option<HeaderName> {
    let own = own.iter().find(|name| request.headers.contains(name.as_str())).cloned();
    own.or_else(|| {
        let mut names = request.headers.iter().map(|(name, _)| name);
        names.find(|name| name.as_str().ends_with(ending)).cloned()
    })
}
