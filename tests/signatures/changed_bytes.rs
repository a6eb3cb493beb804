//! Every change of one byte: in the body, in the other signed content, and in the signature.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use hookdev::{
    store::providers,
    webhook::request::{HeaderName, HeaderValue},
};

use super::*;

/// The part of a request that a byte was changed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Body,
    Id,
    Timestamp,
    Signature,
}

/// The rejection codes for changes to each part.
type Codes = BTreeMap<Part, BTreeSet<&'static str>>;

/// A request that verifies, to be changed.
struct Genuine<'a> {
    name: String,
    provider: &'a Provider,
    secrets: Vec<SigningSecret>,
    at: Receipt<'static>,
    request: Request,
}

impl Genuine<'_> {
    /// Changes every signed byte and every byte of the signature, one at a time, and records the rejections.
    fn alter(&self, codes: &mut Codes) -> usize {
        let Verdict::Verified(verified) = self.verdict(&self.request) else { panic!("{} is not genuine", self.name) };
        let scheme = self.provider.schemes.iter().find(|scheme| scheme.name == verified.scheme).expect("its scheme");
        let timestamp = scheme.timestamp.as_ref().and_then(|rule| rule.source.as_ref());
        let mut tried = self.alter_body(codes);
        for (part, names) in
            [(Part::Id, scheme.id.as_ref()), (Part::Timestamp, timestamp), (Part::Signature, Some(&scheme.signature))]
        {
            let Some(names) = names else { continue };
            let name =
                names.headers().iter().find(|name| self.request.headers.contains(name.as_str())).expect("its header");
            tried += self.alter_header(part, name, codes);
        }
        tried
    }

    fn alter_body(&self, codes: &mut Codes) -> usize {
        let mut tried = 0;
        for place in 0..self.request.body.len() {
            for mask in [0x01, 0x20, 0x80, 0xff] {
                let mut body = self.request.body.to_vec();
                body[place] ^= mask;
                let altered = Request { body: body.into(), ..self.request.clone() };
                self.note(Part::Body, &altered, &format!("byte {place} of the body by {mask:#x}"), codes);
                tried += 1;
            }
        }
        tried
    }

    fn alter_header(&self, part: Part, name: &HeaderName, codes: &mut Codes) -> usize {
        let original = self.request.headers.get(name.as_str()).expect("its header").as_bytes();
        let places: Vec<usize> = match part {
            Part::Signature => self.needed(name, original),
            _ => (0..original.len()).collect(),
        };
        assert!(!places.is_empty(), "{}: nothing of `{name}` is needed", self.name);
        let mut tried = 0;
        for place in places {
            let byte = original[place];
            let masked = [0x01, 0x02, 0x20, 0x80].map(|mask| byte ^ mask);
            let others = *b" \t,=.-0Az\xa0\xff";
            let replacements: BTreeSet<u8> = masked.into_iter().chain(others).filter(|&other| other != byte).collect();
            for other in replacements {
                let mut value = original.to_vec();
                value[place] = other;
                // A value that is invalid in a header can't be received.
                let Ok(value) = HeaderValue::from_bytes(&value) else { continue };
                let mut altered = self.request.clone();
                altered.headers.set(name, value.clone());
                self.note(part, &altered, &format!("`{name}` as {value:?}"), codes);
                tried += 1;
            }
        }
        tried
    }

    /// The positions in a signature header that matter: in a list, those of the matching entry and the timestamp.
    /// Entries of other versions and secrets may be anything.
    fn needed(&self, name: &HeaderName, value: &[u8]) -> Vec<usize> {
        let separator = if value.starts_with(b"t=") { b',' } else { b' ' };
        let mut places = Vec::new();
        let mut start = 0;
        for entry in value.split(|&byte| byte == separator) {
            let end = start + entry.len();
            let without = [&value[..start], &value[end..]].concat();
            let mut altered = self.request.clone();
            altered.headers.set(name, HeaderValue::from_bytes(&without).expect("a header value"));
            if !matches!(self.verdict(&altered), Verdict::Verified(_)) {
                // The separator between two that are needed is needed too.
                let follows = start > 0 && places.last() == Some(&(start - 2));
                places.extend(start - usize::from(follows)..end);
            }
            start = end + 1;
        }
        places
    }

    fn verdict(&self, request: &Request) -> Verdict {
        judge(self.provider, &self.secrets, request, self.at)
    }

    fn note(&self, part: Part, altered: &Request, change: &str, codes: &mut Codes) {
        match self.verdict(altered) {
            Verdict::Rejected(rejection) => codes.entry(part).or_default().insert(rejection.reason.code()),
            other => panic!("{} with {change} is {other:?}", self.name),
        };
    }
}

/// The expected codes for each part: a changed body does not match; a changed id does not match or is not ASCII; a
/// changed timestamp does not match or is not a number; a changed signature does not match, is missing, or has
/// another version.
fn plausible(parts: &[Part]) -> Codes {
    let codes = |part: &Part| match part {
        Part::Body => BTreeSet::from(["no-matching-signature"]),
        Part::Id | Part::Timestamp => BTreeSet::from(["no-matching-signature", "malformed-header"]),
        Part::Signature => BTreeSet::from(["no-matching-signature", "malformed-header", "unsupported-version"]),
    };
    parts.iter().map(|part| (*part, codes(part))).collect()
}

#[test]
fn every_change_of_one_byte_of_a_published_request_is_rejected() {
    for (vector, provider) in published::vectors() {
        let genuine = Genuine {
            name: vector.id.clone(),
            secrets: secrets(&provider, &[&vector.secret]),
            provider: &provider,
            at: at(vector.at),
            request: vector.request(),
        };
        let mut codes = Codes::new();
        genuine.alter(&mut codes);
        let mut expected = match vector.id.as_str() {
            "github" => plausible(&[Part::Body, Part::Signature]),
            "slack" => plausible(&[Part::Body, Part::Timestamp, Part::Signature]),
            _ => plausible(&[Part::Body, Part::Id, Part::Timestamp, Part::Signature]),
        };
        if !vector.id.starts_with("svix") {
            // A single value has no entries of other versions.
            expected.entry(Part::Signature).or_default().remove("unsupported-version");
        }
        assert_eq!(codes, expected, "{}", vector.id);
    }
}

#[test]
fn every_change_of_one_byte_of_a_verified_vector_is_rejected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut altered: BTreeMap<String, Codes> = BTreeMap::new();
    // Between them, these have every part that a signature may cover. The published vectors of others are changed in
    // `more`.
    let names = ["aspect", "cyanite", "jewelmusic"];
    for provider in providers::read(&folder).expect("fixtures").into_iter().filter(|one| names.contains(&&*one.name)) {
        let genuine = vectors::of(&provider).into_iter().filter(|vector| vector.verdict == "verified");
        for vector in genuine {
            // An entry without a version is reported if no other one matches, regardless of the change.
            let alone = vector.id == "no-comma-beside";
            let kind = if alone { "with an entry without a version" } else { &provider.name };
            let codes = altered.entry(kind.to_owned()).or_default();
            let texts: Vec<&str> = vector.secrets.iter().map(String::as_str).collect();
            let genuine = Genuine {
                name: format!("{} {}", provider.name, vector.id),
                secrets: secrets(&provider, &texts),
                provider: &provider,
                at: at(vector.at),
                request: vector.request(),
            };
            let tried = genuine.alter(codes);
            assert!(tried > 400, "{}: {tried} changes", genuine.name);
        }
    }
    let every_part = [Part::Body, Part::Id, Part::Timestamp, Part::Signature];
    let mut cyanite = plausible(&[Part::Body, Part::Signature]);
    cyanite.entry(Part::Signature).or_default().remove("unsupported-version");
    let expected = BTreeMap::from([
        ("aspect".to_owned(), plausible(&every_part)),
        ("cyanite".to_owned(), cyanite),
        ("jewelmusic".to_owned(), plausible(&[Part::Body, Part::Signature])),
        (
            "with an entry without a version".to_owned(),
            every_part.map(|part| (part, BTreeSet::from(["malformed-header"]))).into(),
        ),
    ]);
    assert_eq!(altered, expected);
}
