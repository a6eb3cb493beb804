//! An event as a program in another language can make it: the parts of its headers and body that are new in each
//! delivery, and the steps that sign it.
//!
//! The values of secrets have no place here: a program reads them when it runs.

use super::{
    Provider,
    compose::AttemptParams,
    recipe::{Marked, Recipe},
};
use crate::webhook::{
    delivery::{HeaderPiece, Media},
    fresh::{Alphabet, Fresh, FreshPiece},
    json,
    place::{self, Hash, Place},
    request::{self, Headers},
    signature::{Algorithm, Scheme, SigningSecret, content::Part, secret::KeyEncoding, timestamp::TimeUnit},
    template::{self, Piece},
    time::Timestamp,
};

/// How to make the deliveries of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveEvent {
    /// The event's full name.
    pub name: String,
    /// The method.
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
    /// Whether it is signed.
    pub is_signed: bool,
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

/// How one provider's deliveries are signed by one scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveSigner {
    /// The scheme's name.
    pub scheme: String,
    /// The environment variable that has the secret.
    pub env: String,
    /// How the secret's bytes are written.
    pub encoding: KeyEncoding,
    /// The optional prefix of the secret.
    pub prefix: Option<String>,
    /// The algorithm: an HMAC, a plain hash, or a static token.
    pub algorithm: Algorithm,
    /// The signed content.
    pub content: Vec<SignedPart>,
    /// Where the id goes, unless another signer writes it there.
    pub id: Option<Spot>,
    /// Where the timestamp goes, unless the signature has it or another signer writes it there.
    pub timestamp: Option<Spot>,
    /// How the timestamp is written; `None` if the scheme has none.
    pub unit: Option<TimeUnit>,
    /// Where the signature goes.
    pub signature: Spot,
    /// What is written there.
    pub value: Vec<SignaturePart>,
}

/// Where a program puts a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spot {
    /// A header.
    Header(String),
    /// A parameter of the query.
    Query(String),
}

/// A part of the signed content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedPart {
    /// Text.
    Text(String),
    /// The delivery's id.
    Id,
    /// The timestamp.
    Timestamp,
    /// The secret.
    Secret,
    /// The body.
    Body,
    /// A hash of the body in hexadecimal, or in base64.
    BodyHash(Algorithm, bool),
    /// A header.
    Header(String),
    /// The URL.
    Url,
    /// The method.
    Method,
    /// The path.
    Path,
    /// The query.
    Query,
}

/// A part of the value that carries the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignaturePart {
    /// Text.
    Text(String),
    /// The timestamp.
    Timestamp,
    /// The signature, in uppercase hexadecimal.
    UppercaseHex,
    /// The signature, in hexadecimal.
    Hex,
    /// The signature, in base64 with padding.
    Base64,
    /// The signature, in URL-safe base64 without padding.
    Base64Url,
    /// The secret itself.
    Token,
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
    /// How a program makes the deliveries of an event, with the user's own headers, at this URL.
    ///
    /// # Errors
    ///
    /// If it can't make them: the body is compressed or no text, or the event is a handshake.
    pub fn live(&self, recipe: &Recipe, url: &str, own_headers: &Headers) -> Result<LiveEvent, NotLive> {
        let Marked { draft, id, values } = recipe.marked();
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
        let body = fill(body, &marks, |parts, before| match encoding.media {
            Media::Json if before.ends_with('"') => escaped(parts, |text| {
                let quoted = json::quote(text);
                quoted[1..quoted.len() - 1].to_owned()
            }),
            // The mark is a number, and so is its value if that can be one.
            Media::Json if is_number(&parts) => parts.into_iter().map(number).collect(),
            Media::Json => {
                let quote = || LivePart::Text("\"".to_owned());
                std::iter::once(quote()).chain(parts).chain([quote()]).collect()
            }
            Media::Urlencoded => escaped(parts, |text| form_urlencoded::byte_serialize(text.as_bytes()).collect()),
            Media::Multipart => parts,
        });
        let is_signed = !recipe.unsigned && !self.schemes.is_empty();
        let scheme = self.schemes.first().filter(|_| is_signed);
        for source in scheme.iter().flat_map(|scheme| [scheme.id.as_ref(), time_source(scheme)]).flatten() {
            if let place::Source::At(at @ (Place::Body(_) | Place::Form(_))) = source {
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
            id: recipe.id().map(parts).unwrap_or_default(),
            is_signed,
            name,
        })
    }

    /// How a program signs this provider's deliveries, with the signatures that these secrets make; none if they are unsigned
    /// by design.
    ///
    /// # Errors
    ///
    /// If it can't: it needs a private key, or the signature covers or is a value within the body.
    pub fn live_signers(&self, secrets: &[SigningSecret]) -> Result<Vec<LiveSigner>, NotLive> {
        let secret = secrets.first();
        let by_secret = secret.and_then(|secret| self.schemes.iter().find(|scheme| scheme.reads(secret)));
        let Some(first) = by_secret.or(self.schemes.first()) else { return Ok(Vec::new()) };
        let mut signers = vec![self.live_signer(first)?];
        for (scheme, _) in self.sent_together(first, secrets.get(1..).unwrap_or_default()) {
            let mut signer = self.live_signer(scheme)?;
            signer.id = signer.id.filter(|id| !signers.iter().any(|other| other.id.as_ref() == Some(id)));
            signer.timestamp =
                signer.timestamp.filter(|time| !signers.iter().any(|other| other.timestamp.as_ref() == Some(time)));
            signers.push(signer);
        }
        Ok(signers)
    }

    fn live_signer(&self, scheme: &Scheme) -> Result<LiveSigner, NotLive> {
        let not = |problem: String| NotLive::new(&self.title, problem);
        let algorithm = scheme.algorithm;
        if algorithm.family().is_some() || algorithm.jwt_name().is_some() {
            return Err(not(format!("signs with {algorithm}, which the script can't do")));
        }
        let rule = scheme.secret.as_deref().or(self.secret.as_ref());
        let format = rule.map(|rule| rule.format.clone()).unwrap_or_default();
        let spot = |source: &place::Source, what: &str| match source.place() {
            Some(Place::Header(name)) => Ok(Spot::Header(name.to_string())),
            Some(Place::Query(name)) => Ok(Spot::Query(name)),
            Some(place) => Err(not(format!("sends its {what} in {}, where a script can't set it", place.words()))),
            None => Err(not(format!("has no place for its {what}"))),
        };
        // Ids and timestamps within the body are values of the event.
        let outside = |source: &&place::Source| !matches!(source, place::Source::At(Place::Body(_) | Place::Form(_)));
        let content = if algorithm == Algorithm::Token {
            Vec::new()
        } else {
            let parts = scheme.content.parts().iter().map(signed_part);
            parts.collect::<Result<_, _>>().map_err(&not)?
        };
        let uses_text = content.contains(&SignedPart::Secret) || algorithm == Algorithm::Token;
        if uses_text && format.encoding != KeyEncoding::Text {
            return Err(not("sends or hashes a secret that isn't text, which the script can't do".to_owned()));
        }
        let value = signature_parts(&scheme.grammar.to_string());
        Ok(LiveSigner {
            scheme: scheme.name.to_string(),
            env: rule.and_then(|rule| rule.env.clone()).unwrap_or_else(|| match &scheme.secret {
                Some(_) => format!("{}_{}_SECRET", upper(&self.name), upper(&scheme.name)),
                None => format!("{}_WEBHOOK_SECRET", upper(&self.name)),
            }),
            encoding: format.encoding,
            prefix: format.prefix,
            algorithm,
            content,
            id: scheme.id.as_ref().filter(outside).map(|source| spot(source, "id")).transpose()?,
            timestamp: time_source(scheme).filter(outside).map(|source| spot(source, "timestamp")).transpose()?,
            unit: scheme.timestamp.as_ref().map(|rule| rule.unit),
            signature: spot(&scheme.signature, "signature")?,
            value,
        })
    }
}

/// A name as a variable of the environment has it.
fn upper(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

fn time_source(scheme: &Scheme) -> Option<&place::Source> {
    scheme.timestamp.as_ref()?.source.as_ref()
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

/// A text with the parts that its marks stand for; `write` encodes them for where they are, given the text before.
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

/// A part of a number that begins with it.
fn number(part: LivePart) -> LivePart {
    match part {
        LivePart::Digits(length) => LivePart::Number(length),
        other => other,
    }
}

fn signed_part(part: &Part) -> Result<SignedPart, String> {
    Ok(match part {
        Part::Literal(text) => SignedPart::Text(text.clone()),
        Part::Id => SignedPart::Id,
        Part::Timestamp => SignedPart::Timestamp,
        Part::Secret => SignedPart::Secret,
        Part::Key => return Err("signs with a secret of two parts, which the script can't do".to_owned()),
        Part::Place(Place::RawBody) => SignedPart::Body,
        Part::Place(Place::Header(name)) => SignedPart::Header(name.to_string()),
        Part::Place(Place::Url) => SignedPart::Url,
        Part::Place(Place::Method) => SignedPart::Method,
        Part::Place(Place::Path) => SignedPart::Path,
        Part::Place(Place::QueryString) => SignedPart::Query,
        Part::Place(Place::Hash(hash, inner)) if **inner == Place::RawBody => match hash {
            Hash::Sha1 => SignedPart::BodyHash(Algorithm::Sha1, false),
            Hash::Sha256 => SignedPart::BodyHash(Algorithm::Sha256, false),
            Hash::Sha512 => SignedPart::BodyHash(Algorithm::Sha512, false),
            Hash::Sha256Base64 => SignedPart::BodyHash(Algorithm::Sha256, true),
            Hash::Sha256Base64Url => {
                return Err("signs a hash in URL-safe base64, which the script can't write".to_owned());
            }
        },
        Part::Place(Place::SortedForm) => {
            return Err("signs the sorted fields of the form, which the script can't do".to_owned());
        }
        Part::Place(place) => return Err(format!("signs {}, which the script can't read", place.words())),
    })
}

fn signature_parts(grammar: &str) -> Vec<SignaturePart> {
    let pieces = template::split(grammar).unwrap_or_default();
    let part = |piece| match piece {
        Piece::Literal(text) => SignaturePart::Text(text.to_owned()),
        Piece::Placeholder("timestamp") => SignaturePart::Timestamp,
        Piece::Placeholder("hex") => SignaturePart::Hex,
        Piece::Placeholder("HEX") => SignaturePart::UppercaseHex,
        Piece::Placeholder("base64") => SignaturePart::Base64,
        Piece::Placeholder("base64url") => SignaturePart::Base64Url,
        Piece::Placeholder(_) => SignaturePart::Token,
    };
    pieces.into_iter().map(part).collect()
}
