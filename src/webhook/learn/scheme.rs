//! Finds the signature scheme by recomputing signatures: each way to sign is tried on the capture with the smallest
//! body. The result is a scheme that matches all captures or, failing that, the one that matches most.

use std::{borrow::Cow, time::Duration};

use http::HeaderName;

use super::{
    ParsedSample,
    content::{ContentParts, Rarity, templates, templates_without_body},
    places::{Candidate, Located, candidates, ids, is_in_payload, times},
    readings::{SecretReading, algorithms, readings},
    seen::seen,
    value::time_unit,
};
use crate::webhook::{
    called_url,
    place::{Lookup, ValueSource},
    request::Request,
    signature::{
        Algorithm, Receipt, Scheme, SecretFormat, SecretText, SigningSecret,
        content::{ContentValues, SecretParts, SignedContent},
        grammar::GrammarText,
        key::Key,
        timestamp::{TimeUnit, TimestampRule},
    },
    time::Tolerance,
    url_redaction,
};

/// The bytes that may be hashed in one search for each rarity, which takes about a second.
const BUDGET: usize = 192 << 20;

/// The cost of one attempt in bytes, apart from the body.
const OVERHEAD: usize = 512;

/// A scheme that holds for all captures except those that disagree.
pub(super) struct FoundScheme {
    pub scheme: Scheme,
    /// The form of the signature's value as a manifest writes it.
    pub text: GrammarText,
    /// How the secret is written.
    pub format: SecretFormat,
    pub secrets: Vec<SigningSecret>,
    /// Whether the URL is signed, and with `https`.
    pub is_https: Option<bool>,
    /// The captures for which it doesn't hold, by their positions.
    pub disagreeing: Vec<usize>,
    /// The tags of the entries in the signature's value that the scheme doesn't have.
    pub other_entries: Vec<String>,
    /// The URLs of the captures, in their order, if they are signed.
    urls: Vec<(String, String)>,
}

impl FoundScheme {
    /// The URL that was signed, if one was.
    pub(super) fn url_of(&self, request: &Request) -> Option<&str> {
        let key = url(request, false);
        self.urls.iter().find(|(plain, _)| *plain == key).map(|(_, signed)| signed.as_str())
    }

    /// The URLs that the signatures of these captures cover, each once; empty if the captures name them.
    pub(super) fn unnamed_urls(&self, samples: &[ParsedSample<'_>]) -> Vec<String> {
        let Some(is_https) = self.is_https else { return Vec::new() };
        let is_named = |read: &ParsedSample<'_>| {
            read.sample.url.is_some() || called_url::of(read.request()) == called_url(read, is_https)
        };
        if samples.iter().all(is_named) {
            return Vec::new();
        }
        let mut urls: Vec<String> =
            samples.iter().map(|read| url_redaction::tokens(&called_url(read, is_https)).into_owned()).collect();
        urls.sort_unstable();
        urls.dedup();
        urls
    }
}

/// The result of a search.
pub(super) struct SchemeSearch {
    /// The scheme that holds for the most captures, if one holds for any.
    pub found: Option<FoundScheme>,
    /// Whether there was a secret to try.
    pub has_secret: bool,
    /// Whether the budget ended the search.
    pub is_exhausted: bool,
    /// What looks like a signature: its header, and a description.
    pub seen: Vec<(HeaderName, String)>,
    /// Whether one of these may be made with a private key, JWTs apart.
    pub is_asymmetric: bool,
}

/// How many captures are tried, because some may be damaged or from another sender.
const PROBES: usize = 3;

impl SchemeSearch {
    pub(super) fn run(samples: &[ParsedSample<'_>], secrets: &[SecretText]) -> Self {
        let (seen, is_asymmetric) = seen(samples);
        let has_secret = !secrets.is_empty();
        let mut search = Self { found: None, has_secret, is_exhausted: false, seen, is_asymmetric };
        if !has_secret {
            return search;
        }
        // The smallest bodies are the fastest to try; an empty one would say too little.
        let mut probes: Vec<&ParsedSample<'_>> = samples.iter().collect();
        probes.sort_by_key(|read| (read.request().body.is_empty(), read.request().body.len()));
        for probe in probes.iter().copied().take(PROBES) {
            if search.tokens(probe, samples, secrets)
                || search.schemes(probe, samples, secrets, Rarity::Common)
                || search.holds_for_most(samples)
            {
                return search;
            }
        }
        for probe in probes.into_iter().take(PROBES) {
            if search.schemes(probe, samples, secrets, Rarity::Rare) || search.holds_for_most(samples) {
                break;
            }
        }
        search
    }

    fn holds_for_most(&self, samples: &[ParsedSample<'_>]) -> bool {
        self.found.as_ref().is_some_and(|found| 2 * found.disagreeing.len() < samples.len())
    }

    /// What is proven about the signature.
    pub(super) fn proven(&self, captures: usize) -> Option<String> {
        let found = self.found.as_ref()?;
        let good = captures - found.disagreeing.len();
        let subject = match (good, captures) {
            (1, 1) => "the capture is".to_owned(),
            _ if good == captures => format!("all {captures} captures are"),
            (1, _) => format!("1 of {captures} captures is"),
            _ => format!("{good} of {captures} captures are"),
        };
        let Scheme { algorithm, content, signature, claims, .. } = &found.scheme;
        Some(match algorithm {
            Algorithm::Token => format!("{subject} sent with the secret itself in {signature}"),
            _ if algorithm.jwt_name().is_some() => {
                let claims: Vec<String> =
                    claims.iter().map(|(name, content)| format!("`{name}` is `{}`", content.as_str())).collect();
                let claims =
                    if claims.is_empty() { String::new() } else { format!(", whose claim {}", claims.join(" and ")) };
                format!("{subject} signed with {algorithm} in {signature}{claims}")
            }
            _ => format!(
                "{subject} signed with {algorithm} of `{}` in {signature}",
                content.as_str().replace('\n', "\\n")
            ),
        })
    }

    /// Tries the ways to sign on this capture. Returns whether one holds for all.
    fn schemes(
        &mut self,
        probe: &ParsedSample<'_>,
        samples: &[ParsedSample<'_>],
        texts: &[SecretText],
        rarity: Rarity,
    ) -> bool {
        let candidates = candidates(probe, samples);
        let times = times(probe);
        let readings = readings(texts);
        let mut left = BUDGET / PROBES;
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
                            let hypothesis =
                                SchemeHypothesis { candidate, reading, algorithm, time: *time, id, rarity };
                            if hypothesis.search(self, probe, samples, &mut left) {
                                return true;
                            }
                            if left == 0 {
                                return false;
                            }
                        }
                    }
                }
            }
        }
        false
    }

    /// Keeps a scheme if it holds for more captures than the one before. Returns whether it holds for all.
    pub(super) fn prove(
        &mut self,
        scheme: &Scheme,
        text: &GrammarText,
        reading: &SecretReading,
        samples: &[ParsedSample<'_>],
        is_https: Option<bool>,
    ) -> bool {
        let url_of = |read: &ParsedSample<'_>| is_https.map(|is_https| called_url(read, is_https));
        let verifies = |read: &ParsedSample<'_>, at| {
            let url = url_of(read);
            let receipt = Receipt { url: url.as_deref(), at, tolerance: None };
            scheme.verify(&reading.secrets, read.request(), receipt).is_ok()
        };
        let (good, bad): (Vec<_>, Vec<_>) = samples.iter().enumerate().partition(|(_, read)| verifies(read, None));
        let most = self.found.as_ref().map_or(0, |found| samples.len() - found.disagreeing.len());
        if good.len() <= most {
            return false;
        }
        let good: Vec<&ParsedSample<'_>> = good.into_iter().map(|(_, read)| read).collect();
        // The tolerance of most providers. Captures can't show it, but they can show that it is larger.
        let is_tolerant = !good.iter().all(|read| verifies(read, read.sample.received_at));
        let urls = samples.iter().filter_map(|read| Some((url(read.request(), false), url_of(read)?))).collect();
        let mut scheme = settled(scheme.clone(), &good);
        if let Some(rule) = scheme.timestamp.as_mut().filter(|_| is_tolerant) {
            rule.tolerance = Tolerance::both(Tolerance::ANY);
        }
        let is_everywhere = bad.is_empty();
        let other_entries = good.first().map(|read| other_entries(&scheme, read)).unwrap_or_default();
        self.found = Some(FoundScheme {
            scheme,
            text: text.clone(),
            format: reading.format.clone(),
            secrets: reading.secrets.clone(),
            is_https,
            disagreeing: bad.into_iter().map(|(index, _)| index).collect(),
            other_entries,
            urls,
        });
        is_everywhere
    }
}

/// The tags of the entries of a signature's value that are not the scheme's.
fn other_entries(scheme: &Scheme, read: &ParsedSample<'_>) -> Vec<String> {
    let lookup = read.lookup();
    let value = scheme.signature.place().and_then(|place| lookup.text(&place).map(Cow::into_owned));
    value.map(|value| scheme.grammar.read(&value).unknown.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

/// The time that may be signed.
#[derive(Clone, Copy)]
struct SignedTime<'a> {
    /// Its place; `None` if it is in the signature's value.
    source: Option<&'a ValueSource>,
    unit: TimeUnit,
    text: &'a str,
}

impl<'a> SignedTime<'a> {
    fn new(source: Option<&'a ValueSource>, text: &'a str) -> Option<Self> {
        Some(Self { source, unit: time_unit(text)?, text })
    }
}

/// One place, secret and algorithm, with the time and the id that may be signed.
struct SchemeHypothesis<'a> {
    candidate: &'a Candidate,
    reading: &'a SecretReading,
    algorithm: Algorithm,
    time: Option<SignedTime<'a>>,
    id: Option<&'a Located>,
    rarity: Rarity,
}

impl SchemeHypothesis<'_> {
    /// Tries all contents. Returns whether one holds for all captures.
    fn search(
        &self,
        search: &mut SchemeSearch,
        probe: &ParsedSample<'_>,
        samples: &[ParsedSample<'_>],
        left: &mut usize,
    ) -> bool {
        let keys: Vec<(&SigningSecret, Key)> =
            self.reading.secrets.iter().filter_map(|secret| Some((secret, secret.key(self.algorithm)?))).collect();
        for text in self.contents(probe) {
            let Ok(content) = SignedContent::try_from(text) else { continue };
            let choices: &[Option<bool>] = if content.signs_url() { &[Some(true), Some(false)] } else { &[None] };
            for &is_https in choices {
                *left = left.saturating_sub(probe.request().body.len() + OVERHEAD);
                if *left == 0 {
                    search.is_exhausted = true;
                    return false;
                }
                if !self.matches(&content, &keys, probe, is_https) {
                    continue;
                }
                let time = self.time.map(|time| (time.source.cloned(), time.unit));
                let id = self.id.map(|id| id.source.clone());
                let scheme = scheme(self.candidate, self.algorithm, content.clone(), time, id);
                if search.prove(&scheme, &self.candidate.form.text, self.reading, samples, is_https) {
                    return true;
                }
            }
        }
        false
    }

    /// The templates of the signed content.
    fn contents(&self, probe: &ParsedSample<'_>) -> Vec<String> {
        let tag = self.candidate.form.tag.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let parts = ContentParts {
            time: self.time.map(|_| "{timestamp}"),
            id: self.id.map(|_| "{id}"),
            tag: Some(tag).filter(|tag| !tag.is_empty()),
            path: called_path(probe),
        };
        let is_in_payload = is_in_payload(&self.candidate.source);
        let mut contents = match (is_in_payload, self.rarity) {
            (true, Rarity::Common) => templates_without_body(&parts),
            (true, Rarity::Rare) => Vec::new(),
            (false, rarity) => templates(&parts, rarity),
        };
        if !is_in_payload && self.time.is_some_and(|time| time.source.is_none()) {
            // The time in the value may be there for information only, and not signed.
            contents.extend(templates(&ContentParts { time: None, ..parts }, self.rarity));
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

    /// Whether the signature of the probe is valid for this content.
    fn matches(
        &self,
        content: &SignedContent,
        keys: &[(&SigningSecret, Key)],
        probe: &ParsedSample<'_>,
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

pub(super) fn scheme(
    candidate: &Candidate,
    algorithm: Algorithm,
    content: SignedContent,
    time: Option<(Option<ValueSource>, TimeUnit)>,
    id: Option<ValueSource>,
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
        place_claims: Vec::new(),
        position: 0,
        secret: None,
        signs_payload_field: false,
        configurable_header: false,
        is_body_unsigned_by_design: false,
        is_sent_along: false,
    }
}

/// The scheme as a manifest writes it: a value that is the same in several captures is not an id, but a header like any
/// other.
fn settled(mut scheme: Scheme, samples: &[&ParsedSample<'_>]) -> Scheme {
    let Some(place) = scheme.id.as_ref().and_then(ValueSource::place) else { return scheme };
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
fn called_url(read: &ParsedSample<'_>, is_https: bool) -> String {
    read.sample.url.clone().unwrap_or_else(|| url(read.request(), is_https))
}

/// The path that the provider called, if it is known to differ from the request's. It is then a constant in the
/// content.
fn called_path<'a>(read: &'a ParsedSample<'_>) -> Option<&'a str> {
    let (_, rest) = read.sample.url.as_deref()?.split_once("://")?;
    let path = &rest[rest.find('/')?..];
    let path = &path[..path.find(['?', '#']).unwrap_or(path.len())];
    let is_constant = path != read.request().path() && !path.contains(['{', '}']);
    Some(path).filter(|_| is_constant)
}
