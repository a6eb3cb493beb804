//! An event as a program in another language can make it: its headers and body, in parts that are either fixed or new
//! in each delivery.

mod signer;

use std::sync::Arc;

use self::signer::time_source;
pub use self::signer::{LiveSigner, SignaturePart, SignedPart, Spot};
use super::{
    Provider,
    compose::AttemptParams,
    prepared::{Marked, PreparedEvent},
};
use crate::webhook::{
    delivery::{HeaderPiece, Media},
    fresh::{Alphabet, Fresh, FreshPiece},
    json,
    place::{Place, ValueSource},
    request::{self, Headers},
    signature::{SigningSecret, timestamp::TimeUnit},
    time::Timestamp,
};

/// How to make the deliveries of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveEvent {
    /// The event's full name.
    pub name: String,
    pub method: String,
    /// The path and query.
    pub target: String,
    /// The headers, except those that sign.
    pub headers: Vec<(String, Vec<LivePart>)>,
    /// The body, as text.
    pub body: Vec<LivePart>,
    /// Whether the body is a URL-encoded form, so that values are encoded.
    pub is_form: bool,
    /// The delivery's id; empty if the provider has none.
    pub id: Vec<LivePart>,
    /// The scheme that signs it; `None` if it is sent unsigned.
    pub scheme: Option<Arc<str>>,
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LivePart {
    /// Text that is the same in each delivery.
    Text(String),
    /// The delivery's id.
    Id,
    /// The time of the delivery.
    Time(TimeUnit),
    /// A random UUID.
    Uuid,
    /// This many random lowercase hexadecimal digits.
    Hex(usize),
    /// This many random letters and digits.
    Base62(usize),
    /// This many random digits.
    Digits(usize),
    /// This many random digits, of which the first is not 0.
    Number(usize),
}

/// Why a program can't make or sign an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} {problem}")]
pub struct NotLive {
    /// The event or the provider.
    pub what: String,
    problem: String,
}

impl NotLive {
    fn new(what: &str, problem: impl Into<String>) -> Self {
        Self { what: what.to_owned(), problem: problem.into() }
    }
}

impl Provider {
    /// How a program makes the deliveries of an event, with the user's own headers, at this URL, and which scheme signs
    /// them with this secret.
    ///
    /// # Errors
    ///
    /// If it can't make them: the body is compressed or isn't text, or the event is a handshake.
    pub fn live(
        &self,
        prepared: &PreparedEvent,
        url: &str,
        own_headers: &Headers,
        secret: Option<&SigningSecret>,
    ) -> Result<LiveEvent, NotLive> {
        let Marked { draft, id, values } = prepared.marked();
        let name = format!("{}.{}", self.name, draft.event);
        let not = |problem: &str| NotLive::new(&name, problem);
        if self.event(&draft.event).is_some_and(|event| event.handshake.is_some()) {
            return Err(not("is a handshake, which sets up an endpoint, so it has no place in a load test"));
        }
        let attempts = self.delivery.attempts(false);
        let encoding = attempts.encoding();
        let now = Timestamp::from_unix_seconds(0);
        let request = self
            .request(&draft, &AttemptParams { encoding, target: url, now, secret: None, sent_along: &[], own_headers });
        if request.headers.contains("content-encoding") {
            return Err(not("has a compressed body"));
        }
        let Ok(body) = std::str::from_utf8(&request.body) else { return Err(not("has a body that isn't text")) };
        let is_form = encoding.media == Media::Urlencoded;
        let marks: Vec<(&str, Vec<LivePart>)> = std::iter::once((id.as_str(), vec![LivePart::Id]))
            .chain(values.iter().map(|(mark, _, fresh)| (mark.as_str(), parts(fresh))))
            .collect();
        let body = fill(body, &marks, |parts, before| in_body(encoding.media, parts, before));
        let by_secret = secret.and_then(|secret| self.signing_scheme(secret, &request));
        let scheme = by_secret.or(self.schemes.first()).filter(|_| !prepared.unsigned);
        for source in scheme.iter().flat_map(|scheme| [scheme.id.as_ref(), time_source(scheme)]).flatten() {
            if let ValueSource::At(at @ (Place::Body(_) | Place::Form(_))) = source {
                let path = at.to_string();
                let path = path.split_once(':').map_or("", |(_, path)| path);
                if !values.iter().any(|(_, label, _)| *label == path) {
                    return Err(not(&format!(
                        "has its id or timestamp in {}, where a script can't set it",
                        at.words()
                    )));
                }
            }
        }
        let headers = request.headers.iter().map(|(name, value)| {
            let template = self.delivery.headers.iter().find(|(added, _)| name.as_str() == added.as_str());
            let value = match template.filter(|_| !own_headers.contains(name.as_str())) {
                Some((_, template)) => template.pieces().iter().map(|piece| header_part(piece, &draft.event)).collect(),
                None => fill(&request::text(value), &marks, |parts, _| parts),
            };
            (name.spelling().to_owned(), value)
        });
        Ok(LiveEvent {
            headers: headers.collect(),
            method: request.method.to_string(),
            target: request.target.clone(),
            body,
            is_form,
            id: prepared.id().map(parts).unwrap_or_default(),
            scheme: scheme.map(|scheme| scheme.name.clone()),
            name,
        })
    }
}

fn parts(fresh: &Fresh) -> Vec<LivePart> {
    let part = |piece: &FreshPiece| match piece {
        FreshPiece::Literal(text) => LivePart::Text(text.clone()),
        FreshPiece::Now => LivePart::Time(TimeUnit::Rfc3339),
        FreshPiece::NowMillis => LivePart::Time(TimeUnit::Rfc3339Millis),
        FreshPiece::Unix => LivePart::Time(TimeUnit::Seconds),
        FreshPiece::UnixMillis => LivePart::Time(TimeUnit::Milliseconds),
        FreshPiece::Id => LivePart::Id,
        FreshPiece::Uuid => LivePart::Uuid,
        FreshPiece::Random(Alphabet::Hex, length) => LivePart::Hex(*length),
        FreshPiece::Random(Alphabet::Base62, length) => LivePart::Base62(*length),
        FreshPiece::Random(Alphabet::Digits, length) => LivePart::Digits(*length),
    };
    fresh.pieces().iter().map(part).collect()
}

fn header_part(piece: &HeaderPiece, event: &str) -> LivePart {
    match piece {
        HeaderPiece::Literal(text) => LivePart::Text(text.clone()),
        HeaderPiece::Event => LivePart::Text(event.to_owned()),
        HeaderPiece::Time(unit) => LivePart::Time(*unit),
        HeaderPiece::Id => LivePart::Id,
    }
}

/// A value's parts as a body has them, after the text `before`.
fn in_body(media: Media, parts: Vec<LivePart>, before: &str) -> Vec<LivePart> {
    match media {
        Media::Json if before.ends_with('"') => escaped(parts, |text| {
            let quoted = json::quote(text);
            quoted[1..quoted.len() - 1].to_owned()
        }),
        // The mark is a number, so its value is written as one if possible.
        Media::Json if is_number(&parts) => parts.into_iter().map(number).collect(),
        Media::Json => {
            let quote = || LivePart::Text("\"".to_owned());
            std::iter::once(quote()).chain(parts).chain([quote()]).collect()
        }
        Media::Urlencoded => escaped(parts, |text| form_urlencoded::byte_serialize(text.as_bytes()).collect()),
        Media::Multipart => parts,
    }
}

/// A text with its marks replaced by the parts that they represent; `write` encodes these for their place, given the
/// text before.
fn fill(
    text: &str,
    marks: &[(&str, Vec<LivePart>)],
    write: impl Fn(Vec<LivePart>, &str) -> Vec<LivePart>,
) -> Vec<LivePart> {
    let (mut filled, mut rest) = (Vec::new(), text);
    let next = |rest: &str| {
        let found = marks.iter().filter_map(|(mark, parts)| Some((rest.find(mark)?, mark.len(), parts)));
        found.min_by_key(|(at, ..)| *at)
    };
    while let Some((at, length, parts)) = next(rest) {
        let before = &rest[..at];
        filled.push(LivePart::Text(before.to_owned()));
        filled.extend(write(parts.clone(), before));
        rest = &rest[at + length..];
    }
    filled.push(LivePart::Text(rest.to_owned()));
    joined(filled)
}

/// The same parts, with neighbouring texts joined.
fn joined(parts: Vec<LivePart>) -> Vec<LivePart> {
    let mut joined: Vec<LivePart> = Vec::with_capacity(parts.len());
    for part in parts {
        match (joined.last_mut(), part) {
            (_, LivePart::Text(text)) if text.is_empty() => {}
            (Some(LivePart::Text(before)), LivePart::Text(text)) => before.push_str(&text),
            (_, part) => joined.push(part),
        }
    }
    joined
}

fn escaped(parts: Vec<LivePart>, escape: impl Fn(&str) -> String) -> Vec<LivePart> {
    let part = |part| match part {
        LivePart::Text(text) => LivePart::Text(escape(&text)),
        other => other,
    };
    parts.into_iter().map(part).collect()
}

/// Whether a value can be a JSON number.
fn is_number(parts: &[LivePart]) -> bool {
    match parts {
        [LivePart::Time(TimeUnit::Seconds | TimeUnit::Milliseconds) | LivePart::Digits(_)] => true,
        [LivePart::Text(text), rest @ ..] => {
            text.starts_with(|c: char| ('1'..='9').contains(&c))
                && text.bytes().all(|byte| byte.is_ascii_digit())
                && rest.iter().all(|part| matches!(part, LivePart::Digits(_)))
        }
        _ => false,
    }
}

/// A part of a number: digits that don't begin with a zero.
fn number(part: LivePart) -> LivePart {
    match part {
        LivePart::Digits(length) => LivePart::Number(length),
        other => other,
    }
}
