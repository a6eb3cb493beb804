//! Learns a provider from captured requests: how it signs, how its events are told apart, and what its payloads look like.
//! Everything that is learned holds for every capture; the rest becomes a question. No personal value of a capture is in the
//! result.

mod content;
mod event;
mod form;
mod manifest;
mod personal;
mod places;
mod readings;
mod scheme;
mod shape;
mod template;
mod value;

use std::borrow::Cow;

use super::{
    payload::{DecodedBody, Payload, PayloadKind},
    place::Lookup,
    provider::{Provider, files::Files, self_test::self_test},
    request::Request,
    signature::{Receipt, SecretText, Verdict},
    time::Timestamp,
};
use event::Events;
use personal::Replacements;
use scheme::{FoundScheme, Search};
use shape::Shape;

pub use template::template;

/// The largest body that is decoded, in bytes.
const MAX_DECODED: usize = 16 << 20;

/// A captured request.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The request.
    pub request: Request,
    /// When it was received, if the capture says so.
    pub received_at: Option<Timestamp>,
    /// The URL that the provider called, if that is known.
    pub url: Option<String>,
}

/// A provider directory to write, and what is known about it.
#[derive(Clone, Debug, Default)]
pub struct Learned {
    /// The files by their paths in the directory.
    pub files: Vec<(String, String)>,
    /// What holds for every capture, each as a sentence.
    pub proven: Vec<String>,
    /// What the captures don't show.
    pub questions: Vec<String>,
    /// Whether there was a secret to try, and no scheme could be proven with it.
    pub is_unproven: bool,
    /// Why the directory would not pass its check; empty if it does.
    pub problems: Vec<String>,
}

/// A request whose body is decoded.
struct Decoded<'a> {
    sample: &'a Sample,
    body: DecodedBody<'a>,
}

/// A request with its payload.
struct Read<'a> {
    sample: &'a Sample,
    body: &'a DecodedBody<'a>,
    payload: Payload<'a>,
}

impl<'a> Read<'a> {
    fn request(&self) -> &'a Request {
        &self.sample.request
    }

    fn lookup(&self) -> Lookup<'_> {
        Lookup::of(&self.sample.request, &self.payload)
    }
}

/// Learns the provider of this name. There is at least one sample.
#[must_use]
pub fn learn(name: &str, samples: &[Sample], secrets: &[SecretText]) -> Learned {
    let decoded: Vec<Decoded<'_>> = samples
        .iter()
        .map(|sample| {
            let body = DecodedBody::of(&sample.request, MAX_DECODED).unwrap_or_else(|_| DecodedBody::empty());
            Decoded { sample, body }
        })
        .collect();
    let read: Vec<Read<'_>> = decoded
        .iter()
        .map(|Decoded { sample, body }| Read { sample, body, payload: body.payload(&sample.request) })
        .collect();
    let search = Search::run(&read, secrets);
    let events = Events::find(&read, search.found.as_ref());
    let mut learned = Learned { is_unproven: search.has_secret && search.found.is_none(), ..Learned::default() };
    learned.proven.extend(search.proven(samples.len()));
    learned.proven.extend(events.proven());

    let mut replacements = Replacements::new(events.protected());
    read.iter().filter_map(|read| read.payload.root()).for_each(|root| replacements.collect(root));
    let mut definitions = serde_json::Map::new();
    let mut is_opaque = false;
    for group in &events.groups {
        let mut shape = Shape::default();
        let mut fixture = None;
        for &index in &group.samples {
            if let Some(root) = read[index].payload.root() {
                shape.add(root, &replacements);
                fixture.get_or_insert_with(|| replacements.written(root));
            }
        }
        is_opaque |= fixture.is_none();
        let text = fixture.unwrap_or_else(|| "example\n".to_owned());
        learned.files.push((group.fixture(), text));
        if shape.is_known() {
            definitions.insert(group.name.clone(), shape.schema());
        }
    }
    let mut schema = Vec::new();
    super::json::writer::line(&serde_json::json!({ "$defs": definitions }), &mut schema);
    let schema = String::from_utf8_lossy(&super::json::writer::indented(&schema)).into_owned();
    learned.files.insert(0, ("schema.json".to_owned(), schema));

    let (text, questions) = manifest::write(&manifest::Facts {
        name,
        samples: &read,
        search: &search,
        events: &events,
        defined: &|event| definitions.contains_key(event),
    });
    learned.questions = questions;
    if is_opaque {
        learned.questions.push("what do the payloads look like? Some are neither JSON nor a form".to_owned());
    }
    learned.files.insert(0, ("provider.toml".to_owned(), text));
    let provider = match provider(name, &learned.files) {
        Ok(provider) => provider,
        Err(problems) => return Learned { problems, ..learned },
    };
    learned.proven.extend(confirmed(&provider, &read, search.found.as_ref()));
    learned
}

/// The provider of a directory with these files, or why it would not pass its check.
pub(super) fn provider(name: &str, files: &[(String, String)]) -> Result<Provider, Vec<String>> {
    let texts = files.iter().map(|(path, text)| (Cow::Owned(path.clone()), Cow::Owned(text.clone()))).collect();
    let provider = Provider::load(Files::new(name, texts)).map_err(|error| vec![error.to_string()])?;
    let problems = self_test(&provider);
    if problems.is_empty() { Ok(provider) } else { Err(problems) }
}

/// What the written manifest says about the captures that it was made of.
fn confirmed(provider: &Provider, samples: &[Read<'_>], found: Option<&FoundScheme>) -> Option<String> {
    let found = found?;
    let secrets: Vec<_> = found.secrets.clone();
    let holds = |read: &&Read<'_>| {
        let lookup = read.lookup();
        let event = provider.event_of(&lookup);
        let receipt = Receipt { at: read.sample.received_at, url: found.url_of(read.request()), tolerance: None };
        event.is_some() && matches!(provider.verify(&secrets, read.request(), None, receipt), Verdict::Verified(_))
    };
    let verified = samples.iter().filter(holds).count();
    (verified == samples.len()).then(|| format!("the written manifest verifies all {verified} captures"))
}

/// Whether a payload is a form.
fn is_form(kind: PayloadKind) -> bool {
    matches!(kind, PayloadKind::Urlencoded | PayloadKind::Multipart)
}
