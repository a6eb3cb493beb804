//! The steps by which a program in another language signs a provider's deliveries. It reads the secret when it runs.

use super::{
    super::{Provider, order},
    LiveEvent, NotLive,
};
use crate::webhook::{
    place::{Hash, Place, ValueSource},
    signature::{
        Algorithm, HashFunction, KeyEncoding, Scheme, SigningSecret, content::ContentPart, timestamp::TimeUnit,
    },
    template::{self, TemplatePiece},
};

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
    Header(String),
    /// A parameter of the query.
    Query(String),
}

/// A part of the signed content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedPart {
    Text(String),
    /// The delivery's id.
    Id,
    Timestamp,
    Secret,
    Body,
    /// A hash of the body in hexadecimal, or in base64.
    BodyHash(HashFunction, bool),
    Header(String),
    Url,
    /// The URL in which these characters are percent-decoded.
    DecodedUrl(String),
    Method,
    Path,
    Query,
}

/// A part of the value that carries the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignaturePart {
    Text(String),
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

impl Provider {
    /// How a program signs an event, with the signatures that these secrets make; nothing if it is sent unsigned.
    ///
    /// # Errors
    ///
    /// If it can't: it needs a private key, or the signature covers or is a value within the body.
    pub fn live_signers(&self, event: &LiveEvent, secrets: &[SigningSecret]) -> Result<Vec<LiveSigner>, NotLive> {
        let signing = self.schemes.iter().find(|scheme| Some(&scheme.name) == event.scheme.as_ref());
        let Some(first) = signing else { return Ok(Vec::new()) };
        let together = self.sent_together(first, secrets.get(1..).unwrap_or_default());
        let mut signing: Vec<_> = std::iter::once(first).chain(together.map(|(scheme, _)| scheme)).collect();
        signing.sort_by_key(|scheme| order::turn(scheme));
        let mut signers: Vec<LiveSigner> = Vec::new();
        for scheme in signing {
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
        if let Some((place, _)) = scheme.place_claims.first() {
            return Err(not(format!("signs a hash of the body in {}, which the script can't make", place.words())));
        }
        let rule = scheme.secret.as_deref().or(self.secret.as_ref());
        let format = rule.map(|rule| rule.format.clone()).unwrap_or_default();
        let spot = |source: &ValueSource, what: &str| match source.place() {
            Some(Place::Header(name)) => Ok(Spot::Header(name.to_string())),
            Some(Place::Query(name)) => Ok(Spot::Query(name)),
            Some(place) => Err(not(format!("sends its {what} in {}, where a script can't set it", place.words()))),
            None => Err(not(format!("has no place for its {what}"))),
        };
        // Ids and timestamps within the body are values of the event.
        let outside = |source: &&ValueSource| !matches!(source, ValueSource::At(Place::Body(_) | Place::Form(_)));
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

pub(super) fn time_source(scheme: &Scheme) -> Option<&ValueSource> {
    scheme.timestamp.as_ref()?.source.as_ref()
}

fn signed_part(part: &ContentPart) -> Result<SignedPart, String> {
    Ok(match part {
        ContentPart::Literal(text) => SignedPart::Text(text.clone()),
        ContentPart::Id => SignedPart::Id,
        ContentPart::Timestamp => SignedPart::Timestamp,
        ContentPart::Secret => SignedPart::Secret,
        ContentPart::Key => return Err("signs with a secret of two parts, which the script can't do".to_owned()),
        ContentPart::Place(Place::RawBody) => SignedPart::Body,
        ContentPart::Place(Place::Header(name)) => SignedPart::Header(name.to_string()),
        ContentPart::Place(Place::Url) => SignedPart::Url,
        ContentPart::Place(Place::DecodedUrl(characters)) => SignedPart::DecodedUrl(characters.clone()),
        ContentPart::Place(Place::Method) => SignedPart::Method,
        ContentPart::Place(Place::Path) => SignedPart::Path,
        ContentPart::Place(Place::QueryString) => SignedPart::Query,
        ContentPart::Place(Place::Hash(hash, inner)) if **inner == Place::RawBody => match hash {
            Hash::Sha1 => SignedPart::BodyHash(HashFunction::Sha1, false),
            Hash::Sha256 => SignedPart::BodyHash(HashFunction::Sha256, false),
            Hash::Sha512 => SignedPart::BodyHash(HashFunction::Sha512, false),
            Hash::Sha256Base64 => SignedPart::BodyHash(HashFunction::Sha256, true),
            Hash::Sha256Base64Url => {
                return Err("signs a hash in URL-safe base64, which the script can't write".to_owned());
            }
        },
        ContentPart::Place(Place::SortedForm) => {
            return Err("signs the sorted fields of the form, which the script can't do".to_owned());
        }
        ContentPart::Place(place) => return Err(format!("signs {}, which the script can't read", place.words())),
    })
}

fn signature_parts(grammar: &str) -> Vec<SignaturePart> {
    let pieces = template::split(grammar).unwrap_or_default();
    let part = |piece| match piece {
        TemplatePiece::Literal(text) => SignaturePart::Text(text.to_owned()),
        TemplatePiece::Placeholder("timestamp") => SignaturePart::Timestamp,
        TemplatePiece::Placeholder("hex") => SignaturePart::Hex,
        TemplatePiece::Placeholder("HEX") => SignaturePart::UppercaseHex,
        TemplatePiece::Placeholder("base64") => SignaturePart::Base64,
        TemplatePiece::Placeholder("base64url") => SignaturePart::Base64Url,
        TemplatePiece::Placeholder(_) => SignaturePart::Token,
    };
    pieces.into_iter().map(part).collect()
}
