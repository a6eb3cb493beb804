//! Finds tokens: a static token, which is the secret itself, or a JSON Web Token, whose claims may hash the body.

use super::{
    ParsedSample,
    form::ValueForm,
    places::{Candidate, own_headers, scalars},
    readings::{SecretReading, parsed, readings},
    scheme::{SchemeSearch, scheme},
};
use crate::webhook::{
    payload::PayloadKind,
    place::{Lookup, Place, ValueSource},
    signature::{
        Algorithm, SecretFormat, SecretText,
        content::{ContentValues, SecretParts, SignedContent},
        grammar::{Grammar, GrammarText},
        jwt::Jwt,
    },
};

/// The hashes of the body that claims may hold, as a manifest writes them.
const HASHES: [&str; 5] =
    ["{sha256:body}", "{sha256-base64:body}", "{sha256-base64url:body}", "{sha1:body}", "{sha512:body}"];

const JWTS: [Algorithm; 3] = [Algorithm::JwtHs256, Algorithm::JwtEs256, Algorithm::JwtRs256];

impl SchemeSearch {
    /// Tries the tokens of this capture. Returns whether one holds for all.
    pub(super) fn tokens(
        &mut self,
        probe: &ParsedSample<'_>,
        samples: &[ParsedSample<'_>],
        texts: &[SecretText],
    ) -> bool {
        let readings = readings(texts);
        values(probe).into_iter().any(|(source, value)| {
            let is_static = texts.iter().any(|text| {
                let Some(before) = value.strip_suffix(text.expose()).filter(|_| !text.expose().is_empty()) else {
                    return false;
                };
                let format = SecretFormat::default();
                let reading = SecretReading { secrets: parsed(texts, &format), format };
                let candidate = candidate(&source, before, "{token}");
                candidate.is_some_and(|candidate| {
                    let scheme = scheme(&candidate, Algorithm::Token, SignedContent::body(), None, None);
                    self.prove(&scheme, &candidate.form.text, &reading, samples, None)
                })
            });
            is_static || self.jwt(&source, &value, probe, samples, &readings)
        })
    }

    fn jwt(
        &mut self,
        source: &ValueSource,
        value: &str,
        probe: &ParsedSample<'_>,
        samples: &[ParsedSample<'_>],
        readings: &[SecretReading],
    ) -> bool {
        let start = value.rfind(' ').map_or(0, |at| at + 1);
        let (before, text) = value.split_at(start);
        let Some(token) = Jwt::parse(text) else { return false };
        let named = JWTS.into_iter().find(|algorithm| algorithm.jwt_name() == Some(token.algorithm.as_str()));
        let (Some(algorithm), Some(candidate)) = (named, candidate(source, before, "{jwt}")) else { return false };
        let hashes = hashes(&token, probe);
        readings.iter().filter(|reading| reading.format.family == algorithm.family()).any(|reading| {
            [None, key(&token, reading)].into_iter().any(|key| {
                let mut scheme = scheme(&candidate, algorithm, SignedContent::body(), None, None);
                scheme.claims = hashes.iter().cloned().chain(key).collect();
                self.prove(&scheme, &candidate.form.text, reading, samples, None)
            })
        })
    }
}

/// The values of the headers, of the query, and of the payload's first levels.
fn values(probe: &ParsedSample<'_>) -> Vec<(ValueSource, String)> {
    let headers =
        own_headers(probe.request()).map(|(name, value)| (ValueSource::Headers(vec![name.clone()].into()), value));
    let query = form_urlencoded::parse(probe.request().query().as_bytes());
    let query = query.map(|(name, value)| (ValueSource::At(Place::Query(name.into_owned())), value.into_owned()));
    let root = probe.payload.root().filter(|_| probe.payload.kind == PayloadKind::Json);
    let fields = root.map(scalars).unwrap_or_default();
    let fields = fields.into_iter().map(|(path, text)| (ValueSource::At(Place::Body(path)), text));
    headers.chain(query).chain(fields).collect()
}

/// A place whose value is this text and a token.
fn candidate(source: &ValueSource, before: &str, placeholder: &str) -> Option<Candidate> {
    let text = GrammarText { value: format!("{before}{placeholder}"), separator: None };
    let grammar = Grammar::parse(&text).ok().filter(|_| !before.contains(['{', '}']))?;
    let form = ValueForm { text, grammar, signature: Vec::new(), time: None, tag: before.to_owned() };
    Some(Candidate { source: source.clone(), form })
}

/// The claims that hash the body.
fn hashes(token: &Jwt<'_>, probe: &ParsedSample<'_>) -> Vec<(String, SignedContent)> {
    let values = ContentValues { id: b"", timestamp: b"", lookup: Lookup { url: None, ..probe.lookup() } };
    let contents: Vec<SignedContent> =
        HASHES.iter().filter_map(|text| SignedContent::try_from((*text).to_owned()).ok()).collect();
    let hash = |value: &str| {
        contents.iter().find(|content| content.resolve(values).text(SecretParts::default()) == value).cloned()
    };
    token.claims.iter().filter_map(|(name, value)| Some((name.clone(), hash(value.as_str()?)?))).collect()
}

/// The claim that names the first part of a secret `KEY:SECRET`.
fn key(token: &Jwt<'_>, reading: &SecretReading) -> Option<(String, SignedContent)> {
    let names: Vec<&str> =
        reading.secrets.iter().filter_map(|secret| Some(secret.expose().split_once(':')?.0)).collect();
    let (claim, _) =
        token.claims.iter().find(|(_, value)| value.as_str().is_some_and(|value| names.contains(&value)))?;
    Some((claim.clone(), SignedContent::try_from("{key}".to_owned()).ok()?))
}
