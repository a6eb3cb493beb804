//! Finds the signature scheme by recomputing: each way to sign is tried on the capture with the smallest body, and what
//! matches there must match everywhere.

use std::{borrow::Cow, time::Duration};

use super::{
    Read,
    content::{Parts, templates},
    form::{Form, forms},
    places::{Candidate, Located, candidates, ids, own_headers, times},
    readings::{Reading, algorithms, parsed, readings},
    value::time_unit,
};
use crate::webhook::{
    encoding,
    place::{Lookup, Source},
    request::{self, Request},
    signature::{
        Algorithm, Receipt, Scheme, SecretFormat, SecretText, SigningSecret,
        content::{ContentValues, SecretParts, SignedContent},
        grammar::{Grammar, GrammarText},
        key::Key,
        timestamp::{TimeUnit, TimestampRule},
    },
    time::Tolerance,
    words::bytes,
};

/// The bytes that may be hashed in one search, which takes about a second.
const BUDGET: usize = 192 << 20;

/// The cost of one attempt in bytes, apart from the body.
const OVERHEAD: usize = 512;

/// A scheme that holds for all captures.
pub(super) struct FoundScheme {
    pub scheme: Scheme,
    /// The form of the signature's value as a manifest writes it.
    pub text: GrammarText,
    /// How the secret is written.
    pub format: SecretFormat,
    /// The secrets.
    pub secrets: Vec<SigningSecret>,
    /// Whether the URL is signed, and with `https`.
    pub is_https: Option<bool>,
    /// The URLs of the captures, in their order, if they are signed.
    urls: Vec<(String, String)>,
}

impl FoundScheme {
    /// The URL that was signed, if one was.
    pub(super) fn url_of(&self, request: &Request) -> Option<&str> {
        let key = url(request, false);
        self.urls.iter().find(|(plain, _)| *plain == key).map(|(_, signed)| signed.as_str())
    }
}

/// The result of a search.
pub(super) struct Search {
    pub found: Option<FoundScheme>,
    /// Whether there was a secret to try.
    pub has_secret: bool,
    /// Whether the budget ended the search.
    pub is_exhausted: bool,
    /// The most captures for which a scheme holds that doesn't hold for all.
    pub most: usize,
    /// What looks like a signature, in words.
    pub seen: Vec<String>,
    /// Whether one of these may be made with a private key.
    pub is_asymmetric: bool,
}

impl Search {
    pub(super) fn run(samples: &[Read<'_>], secrets: &[SecretText]) -> Self {
        let (seen, is_asymmetric) = seen(samples);
        let has_secret = !secrets.is_empty();
        let mut search = Self { found: None, has_secret, is_exhausted: false, most: 0, seen, is_asymmetric };
        // The smallest bodies are the fastest to try; an empty one would say too little. There are two, because one capture
        // may be damaged.
        let mut probes: Vec<&Read<'_>> = samples.iter().collect();
        probes.sort_by_key(|read| (read.request().body.is_empty(), read.request().body.len()));
        for probe in probes.into_iter().take(2).filter(|_| !secrets.is_empty()) {
            search.found = search.token(probe, samples, secrets).or_else(|| search.scheme(probe, samples, secrets));
            if search.found.is_some() || search.most > 0 {
                break;
            }
        }
        search
    }

    /// What is proven about the signature.
    pub(super) fn proven(&self, captures: usize) -> Option<String> {
        let found = self.found.as_ref()?;
        let plural = if captures == 1 { "the capture is".to_owned() } else { format!("all {captures} captures are") };
        let Scheme { algorithm, content, signature, .. } = &found.scheme;
        Some(match algorithm {
            Algorithm::Token => format!("{plural} sent with the secret itself in {signature}"),
            _ => format!("{plural} signed with {algorithm} of `{}` in {signature}", content.as_str().escape_debug()),
        })
    }

    /// A static token: a header that has the secret itself.
    fn token(&mut self, probe: &Read<'_>, samples: &[Read<'_>], texts: &[SecretText]) -> Option<FoundScheme> {
        for (name, value) in probe.request().headers.iter().map(|(name, value)| (name.name(), request::text(value))) {
            for secret in texts {
                let Some(before) = value.strip_suffix(secret.expose()).filter(|_| !secret.expose().is_empty()) else {
                    continue;
                };
                if before.contains(['{', '}']) {
                    continue;
                }
                let text = GrammarText { value: format!("{before}{{token}}"), separator: None };
                let Ok(grammar) = Grammar::parse(&text) else { continue };
                let form = Form { text, grammar, signature: Vec::new(), time: None, tag: before.to_owned() };
                let candidate = Candidate { source: Source::Headers(vec![name.clone()]), form };
                let scheme = scheme(&candidate, Algorithm::Token, SignedContent::body(), None, None);
                let reading =
                    Reading { format: SecretFormat::default(), secrets: parsed(texts, &SecretFormat::default()) };
                if let Some(found) = self.proof(&scheme, &candidate, &reading, samples, None) {
                    return Some(found);
                }
            }
        }
        None
    }

    fn scheme(&mut self, probe: &Read<'_>, samples: &[Read<'_>], texts: &[SecretText]) -> Option<FoundScheme> {
        let candidates = candidates(probe, samples);
        let times = times(probe);
        let readings = readings(texts);
        let mut left = BUDGET / 2;
        for candidate in &candidates {
            let ids = ids(probe, &candidate.source, &times);
            // A time in the value is the signed one, if any is.
            let in_value = candidate.form.time.as_deref().and_then(|text| SignedTime::new(None, text));
            let times: Vec<Option<SignedTime<'_>>> = if in_value.is_some() {
                vec![in_value]
            } else {
                let others = times.iter().map(|time| SignedTime::new(Some(&time.source), &time.text));
                std::iter::once(None).chain(others).collect()
            };
            for reading in &readings {
                for algorithm in algorithms(candidate.form.signature.len(), reading.format.family) {
                    for time in &times {
                        for id in std::iter::once(None).chain(ids.iter().map(Some)) {
                            let hypothesis = Hypothesis { candidate, reading, algorithm, time: *time, id };
                            let found = hypothesis.search(self, probe, samples, &mut left);
                            if found.is_some() || left == 0 {
                                return found;
                            }
                        }
                    }
                }
            }
        }
        None
    }

    /// The scheme, if all captures verify with it.
    fn proof(
        &mut self,
        scheme: &Scheme,
        candidate: &Candidate,
        reading: &Reading,
        samples: &[Read<'_>],
        is_https: Option<bool>,
    ) -> Option<FoundScheme> {
        let url_of = |read: &Read<'_>| is_https.map(|is_https| called_url(read, is_https));
        let verifies = |read: &&Read<'_>| {
            let url = url_of(read);
            let receipt = Receipt { url: url.as_deref(), ..Receipt::default() };
            scheme.verify(&reading.secrets, read.request(), receipt).is_ok()
        };
        let holds = samples.iter().filter(verifies).count();
        if holds < samples.len() {
            self.most = self.most.max(holds);
            return None;
        }
        // The tolerance of most providers. Captures can't show it, but they can show that it is larger.
        let is_fresh = |read: &Read<'_>| {
            let url = url_of(read);
            let receipt = Receipt { at: read.sample.received_at, url: url.as_deref(), tolerance: None };
            scheme.verify(&reading.secrets, read.request(), receipt).is_ok()
        };
        let is_tolerant = !samples.iter().all(is_fresh);
        let urls = samples.iter().filter_map(|read| Some((url(read.request(), false), url_of(read)?))).collect();
        let mut scheme = settled(scheme.clone(), samples);
        if let Some(rule) = scheme.timestamp.as_mut().filter(|_| is_tolerant) {
            rule.tolerance = Tolerance::both(Tolerance::ANY);
        }
        Some(FoundScheme {
            scheme,
            text: candidate.form.text.clone(),
            format: reading.format.clone(),
            secrets: reading.secrets.clone(),
            is_https,
            urls,
        })
    }
}

/// The time that may be signed.
#[derive(Clone, Copy)]
struct SignedTime<'a> {
    /// Its place; `None` if it is in the signature's value.
    source: Option<&'a Source>,
    unit: TimeUnit,
    text: &'a str,
}

impl<'a> SignedTime<'a> {
    fn new(source: Option<&'a Source>, text: &'a str) -> Option<Self> {
        Some(Self { source, unit: time_unit(text)?, text })
    }
}

/// One place, secret and algorithm, with the time and the id that may be signed.
struct Hypothesis<'a> {
    candidate: &'a Candidate,
    reading: &'a Reading,
    algorithm: Algorithm,
    time: Option<SignedTime<'a>>,
    id: Option<&'a Located>,
}

impl Hypothesis<'_> {
    fn search(
        &self,
        search: &mut Search,
        probe: &Read<'_>,
        samples: &[Read<'_>],
        left: &mut usize,
    ) -> Option<FoundScheme> {
        let keys: Vec<(&SigningSecret, Key)> =
            self.reading.secrets.iter().filter_map(|secret| Some((secret, secret.key(self.algorithm)?))).collect();
        for text in self.contents() {
            let Ok(content) = SignedContent::try_from(text) else { continue };
            let choices: &[Option<bool>] = if content.signs_url() { &[Some(true), Some(false)] } else { &[None] };
            for &is_https in choices {
                *left = left.saturating_sub(probe.request().body.len() + OVERHEAD);
                if *left == 0 {
                    search.is_exhausted = true;
                    return None;
                }
                if !self.matches(&content, &keys, probe, is_https) {
                    continue;
                }
                let time = self.time.map(|time| (time.source.cloned(), time.unit));
                let id = self.id.map(|id| id.source.clone());
                let scheme = scheme(self.candidate, self.algorithm, content.clone(), time, id);
                let found = search.proof(&scheme, self.candidate, self.reading, samples, is_https);
                if found.is_some() {
                    return found;
                }
            }
        }
        None
    }

    /// The templates of the signed content.
    fn contents(&self) -> Vec<String> {
        let tag = self.candidate.form.tag.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let parts = Parts {
            time: self.time.map(|_| "{timestamp}"),
            id: self.id.map(|_| "{id}"),
            tag: Some(tag).filter(|tag| !tag.is_empty()),
        };
        let mut contents = templates(&parts);
        if self.time.is_some_and(|time| time.source.is_none()) {
            // The value's own time may be there for the reader alone.
            contents.extend(templates(&Parts { time: None, ..parts }));
        }
        if !self.algorithm.is_plain_hash() {
            return contents;
        }
        let keyed = |text: &String| {
            let (before, after) = (format!("{{secret}}{text}"), format!("{text}{{secret}}"));
            [before, after, format!("{{secret}}.{text}"), format!("{text}.{{secret}}")]
        };
        contents.iter().flat_map(keyed).collect()
    }

    /// Whether the signature of the probe is one of this content.
    fn matches(
        &self,
        content: &SignedContent,
        keys: &[(&SigningSecret, Key)],
        probe: &Read<'_>,
        is_https: Option<bool>,
    ) -> bool {
        let url = is_https.map(|is_https| called_url(probe, is_https));
        let values = ContentValues {
            id: self.id.map_or(b"", |id| id.text.as_bytes()),
            timestamp: self.time.map_or(b"", |time| time.text.as_bytes()),
            lookup: Lookup { url: url.as_deref(), ..probe.lookup() },
        };
        let resolved = content.resolve(values);
        keys.iter().any(|(secret, key)| {
            let parts = SecretParts { key: b"", secret: secret.expose().as_bytes() };
            key.verify(resolved.pieces(parts), [self.candidate.form.signature.as_slice()])
        })
    }
}

fn scheme(
    candidate: &Candidate,
    algorithm: Algorithm,
    content: SignedContent,
    time: Option<(Option<Source>, TimeUnit)>,
    id: Option<Source>,
) -> Scheme {
    let signs_id = content.signs_id();
    let keeps_time = content.signs_timestamp() || candidate.form.grammar.carries_timestamp();
    let tolerance = Tolerance::both(Duration::from_secs(300));
    Scheme {
        name: "v1".into(),
        algorithm,
        content,
        signature: candidate.source.clone(),
        grammar: candidate.form.grammar.clone(),
        id: id.filter(|_| signs_id),
        timestamp: time.filter(|_| keeps_time).map(|(source, unit)| TimestampRule { source, unit, tolerance }),
        before_compression: false,
        claims: Vec::new(),
        secret: None,
        signs_payload_field: false,
        configurable_header: false,
        is_body_unsigned_by_design: false,
    }
}

/// The scheme as a manifest writes it: a value that is the same in several captures is no id, but a header like any other.
fn settled(mut scheme: Scheme, samples: &[Read<'_>]) -> Scheme {
    let Some(place) = scheme.id.as_ref().and_then(Source::place) else { return scheme };
    let mut values: Vec<String> =
        samples.iter().filter_map(|read| read.lookup().text(&place).map(Cow::into_owned)).collect();
    values.sort_unstable();
    values.dedup();
    let text = scheme.content.as_str().replace("{id}", &format!("{{{place}}}"));
    if let Ok(content) = SignedContent::try_from(text)
        && values.len() < samples.len()
    {
        scheme.content = content;
        scheme.id = None;
    }
    scheme
}

/// The URL that a request was probably sent to.
fn url(request: &Request, is_https: bool) -> String {
    let host = request.headers.text("host").unwrap_or_default();
    format!("{}://{host}{}", if is_https { "https" } else { "http" }, request.target)
}

/// The URL that the provider called, as far as it is known.
fn called_url(read: &Read<'_>, is_https: bool) -> String {
    read.sample.url.clone().unwrap_or_else(|| url(read.request(), is_https))
}

/// What looks like a signature, without any proof, and whether one may be made with a private key.
fn seen(samples: &[Read<'_>]) -> (Vec<String>, bool) {
    let (mut seen, mut is_asymmetric) = (Vec::new(), false);
    let Some(first) = samples.first() else { return (seen, is_asymmetric) };
    for (name, value) in own_headers(first.request()) {
        let is_everywhere = samples.iter().all(|read| read.request().headers.contains(name.as_str()));
        if let Some(form) = forms(&value).first().filter(|_| is_everywhere) {
            let made = algorithms(form.signature.len(), None);
            let made = made.iter().filter(|made| !made.is_plain_hash()).map(ToString::to_string);
            let with_key = asymmetric(&form.signature);
            is_asymmetric |= with_key.is_some();
            let made: Vec<String> = made.chain(with_key).collect();
            let made = if made.is_empty() { String::new() } else { format!(", as {} makes", made.join(" or ")) };
            seen.push(format!("`{name}` has {} as `{}`{made}", bytes(form.signature.len()), form.text.value));
        } else if let Some(jwt) = value.rsplit(' ').next().and_then(jwt).filter(|_| is_everywhere) {
            is_asymmetric |= !jwt.starts_with("a JWT that is signed with HS256");
            seen.push(format!("`{name}` has {jwt}"));
        }
    }
    (seen, is_asymmetric)
}

/// The algorithms with a private key whose signatures look like this one, in words.
fn asymmetric(signature: &[u8]) -> Option<String> {
    match signature {
        [0x30, ..] if (68..=72).contains(&signature.len()) => Some("ECDSA P-256".to_owned()),
        _ if signature.len() == 64 => Some("Ed25519".to_owned()),
        _ if matches!(signature.len(), 256 | 384 | 512) => {
            Some(format!("RSA-SHA256 with a key of {} bits", signature.len() * 8))
        }
        _ => None,
    }
}

/// What a JWT's header says about it, in words; `None` if the text is no JWT: three parts, the first of which is a JSON
/// object in base64.
fn jwt(text: &str) -> Option<String> {
    let mut parts = text.split('.');
    let (header, _, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
    let header: serde_json::Value = serde_json::from_slice(&encoding::decode_base64url(header)?).ok()?;
    let member = |name: &str| header.as_object()?.get(name)?.as_str();
    let known = match member("alg") {
        Some(name @ ("HS256" | "ES256" | "RS256")) => {
            format!("a JWT that is signed with {name}: `algorithm = \"jwt-{}\"`", name.to_ascii_lowercase())
        }
        Some(other) if other.len() <= 16 && other.bytes().all(|byte| byte.is_ascii_alphanumeric()) => format!(
            "a JWT that is signed with {other}, for which a manifest has no algorithm: it has `jwt-hs256`, `jwt-es256` and `jwt-rs256`"
        ),
        _ => return Some("a JWT that does not name its algorithm".to_owned()),
    };
    Some(match member("kid") {
        Some(_) => format!("{known}; its header names a key (`kid`), so the provider publishes several, as a JWKS"),
        None => known,
    })
}
