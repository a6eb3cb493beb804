//! Learns a provider from captured requests: how it signs, how its events are told apart, and what its payloads look
//! like. Everything that is learned holds for every capture, apart from those whose signature disagrees with all
//! others, which are named; the rest becomes a question. No personal value of a capture is in the result.

mod content;
mod event;
mod form;
mod fresh;
mod manifest;
mod personal;
mod places;
mod readings;
mod scheme;
mod seen;
mod shape;
mod template;
mod token;
mod user_agent;
mod value;

use std::borrow::Cow;

use super::{
    diagnose::{Clock, Code, PER_SEARCH, RejectedRequest, diagnose_within},
    json,
    keyring::{Keyring, SecretSource},
    payload::{DecodedBody, MAX_DECODED_BYTES, Payload, PayloadKind},
    place::Lookup,
    provider::{Provider, catalog::Catalog, files::ProviderFiles, self_test::self_test},
    request::Request,
    signature::{Receipt, SecretText, Verdict},
    time::Timestamp,
};
use event::LearnedEvents;
use personal::Replacements;
use scheme::{FoundScheme, SchemeSearch};
use shape::Shape;

pub use template::template;

/// A captured request.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its name in messages: its file, with the line if the file has several.
    pub name: String,
    pub request: Request,
    /// When it was received, if recorded.
    pub received_at: Option<Timestamp>,
    /// The URL that the provider called, if known.
    pub url: Option<String>,
}

/// A provider directory to write, and what is known about it.
#[derive(Clone, Debug, Default)]
pub struct Learned {
    /// The files by their paths in the directory.
    pub files: Vec<(String, String)>,
    /// How many captures it was learned from: all but those that disagree.
    pub captures: usize,
    /// What holds for every one of them, each as a sentence.
    pub proven: Vec<String>,
    /// The names of the captures for which the scheme doesn't hold, each with what is wrong.
    pub disagreeing: Vec<(String, String)>,
    /// What the captures don't show.
    pub questions: Vec<String>,
    /// Whether a scheme was found.
    pub has_scheme: bool,
    /// Whether there was a secret to try, but no scheme could be proven with it. Then there are no files.
    pub is_unproven: bool,
    /// The URLs that the signatures cover, each once; empty if they are those that the captures name.
    pub unnamed_urls: Vec<String>,
    /// What looks like a signature, if no scheme is proven.
    pub seen: Vec<String>,
    /// Why the directory would not pass its check; empty if it does.
    pub problems: Vec<String>,
}

/// A request whose body is decoded.
struct Decoded<'a> {
    sample: &'a Sample,
    body: DecodedBody<'a>,
}

/// A request with its payload.
struct ParsedSample<'a> {
    sample: &'a Sample,
    body: &'a DecodedBody<'a>,
    payload: Payload<'a>,
}

impl<'a> ParsedSample<'a> {
    fn request(&self) -> &'a Request {
        &self.sample.request
    }

    fn lookup(&self) -> Lookup<'_> {
        Lookup::of(&self.sample.request, &self.payload)
    }
}

/// Learns the provider of this name. There is at least one sample. The catalog has the known providers, which may have
/// sent what disagrees.
#[must_use]
pub fn learn(name: &str, samples: &[Sample], secrets: &[SecretText], catalog: &Catalog) -> Learned {
    let decoded: Vec<Decoded<'_>> = samples
        .iter()
        .map(|sample| {
            let body = DecodedBody::of(&sample.request, MAX_DECODED_BYTES).unwrap_or_else(|_| DecodedBody::empty());
            Decoded { sample, body }
        })
        .collect();
    let read: Vec<ParsedSample<'_>> = decoded
        .iter()
        .map(|Decoded { sample, body }| ParsedSample { sample, body, payload: body.payload(&sample.request) })
        .collect();
    let search = SchemeSearch::run(&read, secrets);
    if search.has_secret && search.found.is_none() {
        let (how, other) = manifest::scheme_questions(&search);
        let questions = std::iter::once(how).chain(other).map(str::to_owned).collect();
        let seen = search.seen.into_iter().map(|(_, words)| words).collect();
        return Learned { is_unproven: true, seen, questions, ..Learned::default() };
    }
    let is_disagreeing = |index: &usize| search.found.as_ref().is_some_and(|found| found.disagreeing.contains(index));
    let (bad, read): (Vec<_>, Vec<_>) = read.into_iter().enumerate().partition(|(index, _)| is_disagreeing(index));
    let read: Vec<ParsedSample<'_>> = read.into_iter().map(|(_, read)| read).collect();
    let events = LearnedEvents::find(&read, search.found.as_ref());
    let mut learned = Learned { captures: read.len(), has_scheme: search.found.is_some(), ..Learned::default() };
    learned.proven.extend(search.proven(samples.len()));
    learned.unnamed_urls = search.found.as_ref().map(|found| found.unnamed_urls(&read)).unwrap_or_default();
    learned.proven.extend(match learned.unnamed_urls.as_slice() {
        [] => None,
        [url] => Some(format!("the signed URL is `{url}`, which the captures don't name")),
        [url, ..] => Some(format!("the signed URLs are such as `{url}`, which the captures don't name")),
    });
    learned.proven.extend(events.proven());
    learned.proven.extend(is_indented(&read).then(|| "the JSON of every capture is indented".to_owned()));

    let payloads = Payloads::of(&read, &events);
    let (text, questions) = manifest::write(&manifest::Facts {
        name,
        samples: &read,
        search: &search,
        events: &events,
        defined: &|event| payloads.definitions.contains_key(event),
    });
    learned.questions = questions;
    if payloads.has_opaque {
        learned.questions.push("what do the payloads look like? Some are neither JSON nor a form".to_owned());
    }
    learned.files = vec![("provider.toml".to_owned(), text), ("schema.json".to_owned(), payloads.schema())];
    learned.files.extend(payloads.fixtures);
    let provider = match provider(name, &learned.files) {
        Ok(provider) => provider,
        Err(problems) => return Learned { problems, ..learned },
    };
    if let Some(found) = &search.found {
        learned.proven.extend(confirmed(&provider, &read, found));
        learned.disagreeing = disagreements(&provider, bad.iter().map(|(_, read)| read), found, catalog);
    }
    learned
}

/// What the payloads look like.
#[derive(Default)]
struct Payloads {
    /// An example of each event, by its path in the directory.
    fixtures: Vec<(String, String)>,
    /// The schema of each event.
    definitions: serde_json::Map<String, serde_json::Value>,
    /// Whether some schemas are learned from few captures.
    has_loose: bool,
    /// Whether some payloads can't be read.
    has_opaque: bool,
}

impl Payloads {
    fn of(read: &[ParsedSample<'_>], events: &LearnedEvents) -> Self {
        let mut replacements = Replacements::new(events.protected());
        read.iter().filter_map(|read| read.payload.root()).for_each(|root| replacements.collect(root));
        let mut payloads = Self::default();
        for group in &events.groups {
            let mut shape = Shape::default();
            let mut fixture = None;
            for &index in &group.samples {
                if let Some(root) = read[index].payload.root() {
                    shape.add(root, &replacements);
                    fixture.get_or_insert_with(|| replacements.written(root));
                }
            }
            payloads.has_opaque |= fixture.is_none();
            payloads.fixtures.push((group.fixture(), fixture.unwrap_or_else(|| "example\n".to_owned())));
            if shape.is_known() {
                payloads.has_loose |= !shape.is_well_known();
                payloads.definitions.insert(group.name.clone(), shape.schema(&events.protected()));
            }
        }
        payloads
    }

    /// The schema of all events, as a file.
    fn schema(&self) -> String {
        let mut document = serde_json::Map::new();
        if self.has_loose {
            document.insert("$comment".to_owned(), shape::COMMENT.into());
        }
        document.insert("$defs".to_owned(), self.definitions.clone().into());
        let mut line = Vec::new();
        json::writer::line(&document, &mut line);
        String::from_utf8_lossy(&json::writer::indented(&line)).into_owned()
    }
}

/// The captures that the written manifest rejects, with what is wrong.
fn disagreements<'a>(
    provider: &Provider,
    bad: impl Iterator<Item = &'a ParsedSample<'a>>,
    found: &FoundScheme,
    catalog: &Catalog,
) -> Vec<(String, String)> {
    let mut keyring = Keyring::default();
    for secret in &found.secrets {
        keyring.add(&provider.name, secret.clone(), SecretSource::Flag);
    }
    let mut bytes = PER_SEARCH;
    bad.map(|read| {
        let (request, sample) = (read.request(), read.sample);
        let receipt = Receipt { at: sample.received_at, url: found.url_of(request), tolerance: None };
        let problem = match provider.verify(&found.secrets, request, None, receipt) {
            Verdict::Rejected(rejection) => {
                let clock = Clock::Recorded;
                let case = RejectedRequest {
                    provider,
                    request,
                    rejection: &rejection,
                    receipt,
                    clock,
                    catalog,
                    keyring: &keyring,
                };
                let findings = diagnose_within(&case, &mut bytes, &|| false);
                let finding = findings.into_iter().next().map(|finding| match finding.code {
                    Code::Unexplained => "most likely a different secret or a changed body".to_owned(),
                    _ => finding.message,
                });
                let other = catalog.by_content(&read.lookup());
                let other = other.map(|other| format!("it looks like a delivery from {}", other.title));
                let more = other.or(finding).map(|more| format!(": {more}")).unwrap_or_default();
                format!("{}{more}", rejection.reason)
            }
            _ => "it is not signed this way".to_owned(),
        };
        (sample.name.clone(), problem)
    })
    .collect()
}

/// The provider of a directory with these files, or why it would not pass its check.
pub(super) fn provider(name: &str, files: &[(String, String)]) -> Result<Provider, Vec<String>> {
    let texts = files.iter().map(|(path, text)| (Cow::Owned(path.clone()), Cow::Owned(text.clone()))).collect();
    let provider = Provider::load(ProviderFiles::new(name, texts)).map_err(|error| vec![error.to_string()])?;
    let problems: Vec<String> = self_test(&provider).iter().map(ToString::to_string).collect();
    if problems.is_empty() { Ok(provider) } else { Err(problems) }
}

/// What the written manifest says about the captures that it was learned from.
fn confirmed(provider: &Provider, samples: &[ParsedSample<'_>], found: &FoundScheme) -> Option<String> {
    let holds = |read: &ParsedSample<'_>| {
        let event = provider.event_of(&read.lookup());
        let receipt = Receipt { at: read.sample.received_at, url: found.url_of(read.request()), tolerance: None };
        event.is_some()
            && matches!(provider.verify(&found.secrets, read.request(), None, receipt), Verdict::Verified(_))
    };
    let which = match samples.len() {
        1 => "the capture".to_owned(),
        count if found.disagreeing.is_empty() => format!("all {count} captures"),
        count => format!("these {count} captures"),
    };
    samples.iter().all(holds).then(|| format!("the written manifest verifies {which}"))
}

/// Whether there are payloads in JSON, and all of them have line breaks.
fn is_indented(samples: &[ParsedSample<'_>]) -> bool {
    let json = samples.iter().filter(|read| read.payload.kind == PayloadKind::Json);
    let mut bodies = json.map(|read| read.body.bytes()).peekable();
    // A line feed in a string of JSON is escaped.
    bodies.peek().is_some() && bodies.all(|body| body.trim_ascii().contains(&b'\n'))
}

/// Whether a payload is a form.
fn is_form(kind: PayloadKind) -> bool {
    matches!(kind, PayloadKind::Urlencoded | PayloadKind::Multipart)
}
