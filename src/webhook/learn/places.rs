//! Where a capture may have its signature, its time and its id.

use std::borrow::Cow;

use http::HeaderName;

use super::{
    ParsedSample,
    form::{ValueForm, forms},
    value::{signatures, time_unit},
};
use crate::webhook::{
    json::{Kind, Node, Path},
    payload::PayloadKind,
    place::{Place, ValueSource},
    request::{self, Request},
    signature::grammar,
};

/// How many values of each kind are tried.
const MOST: usize = 8;

/// Headers that HTTP, proxies and tools add.
const STANDARD: [&str; 20] = [
    "host",
    "user-agent",
    "connection",
    "date",
    "via",
    "forwarded",
    "x-real-ip",
    "transfer-encoding",
    "cache-control",
    "pragma",
    "te",
    "upgrade",
    "cookie",
    "origin",
    "referer",
    "baggage",
    "true-client-ip",
    "keep-alive",
    "expect",
    "from",
];

/// The beginnings of the names of other such headers.
const STANDARD_BEGINNINGS: [&str; 10] =
    ["content-", "accept", "x-forwarded", "cf-", "trace", "cdn-", "x-amz", "sec-", "x-envoy-", "x-b3-"];

/// Whether a header is the sender's own rather than one of HTTP or of a proxy.
pub(super) fn is_own(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.contains("signature")
        || !STANDARD.contains(&name) && !STANDARD_BEGINNINGS.iter().any(|start| name.starts_with(start))
}

/// The headers of a request's sender, with their values.
pub(super) fn own_headers(request: &Request) -> impl Iterator<Item = (&HeaderName, String)> {
    let fields = request.headers.iter().map(|(name, value)| (name.name(), value));
    fields.filter(|(name, _)| is_own(name)).map(|(name, value)| (name, request::text(value).into_owned()))
}

/// Where a value is, and its text.
pub(super) struct Located {
    pub source: ValueSource,
    pub text: String,
}

/// A place where the signature may be, and the format of its value there.
pub(super) struct Candidate {
    pub source: ValueSource,
    pub form: ValueForm,
}

/// The places where the signature may be. Headers named like one come first. What only one of three or more captures
/// has is left out as a coincidence.
pub(super) fn candidates(probe: &ParsedSample<'_>, samples: &[ParsedSample<'_>]) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    for (name, value) in own_headers(probe.request()) {
        let source = ValueSource::Headers(vec![name.clone()].into());
        found.extend(forms(&value).into_iter().map(|form| Candidate { source: source.clone(), form }));
    }
    for (name, value) in form_urlencoded::parse(probe.request().query().as_bytes()) {
        let source = ValueSource::At(Place::Query(name.into_owned()));
        found.extend(forms(&value).into_iter().map(|form| Candidate { source: source.clone(), form }));
    }
    if probe.payload.kind == PayloadKind::Json
        && let Some(root) = probe.payload.root()
    {
        for (path, value) in scalars(root) {
            let source = ValueSource::At(Place::Body(path));
            found.extend(forms(&value).into_iter().map(|form| Candidate { source: source.clone(), form }));
        }
    }
    found.retain(|Candidate { source, form }| {
        let is_read = |read: &&ParsedSample<'_>| {
            let place = source.place();
            let value = place.and_then(|place| read.lookup().text(&place).map(Cow::into_owned));
            value.is_some_and(|value| {
                form.grammar
                    .read(&value)
                    .signatures
                    .iter()
                    .any(|candidate| matches!(candidate, grammar::ParsedSignature::Decoded(_)))
            })
        };
        let count = samples.iter().filter(is_read).count();
        count >= 2 || 2 * count >= samples.len()
    });
    let is_named = |candidate: &Candidate| {
        let names = candidate.source.to_string();
        ["sig", "hmac", "hash", "digest"].iter().any(|word| names.contains(word))
    };
    // The sort is stable, so that simple forms stay first.
    found.sort_by_key(|candidate| !is_named(candidate));
    found.truncate(4 * MOST);
    found
}

/// The values that may be the signed time.
pub(super) fn times(probe: &ParsedSample<'_>) -> Vec<Located> {
    let mut found = Vec::new();
    let mut add = |source: ValueSource, text: &str| {
        if time_unit(text).is_some() {
            found.push(Located { source, text: text.to_owned() });
        }
    };
    for (name, value) in own_headers(probe.request()) {
        add(ValueSource::Headers(vec![name.clone()].into()), &value);
    }
    // HTTP's own `Date` header, which some senders sign.
    if let Some(value) = probe.request().headers.text("date") {
        add(ValueSource::Headers(vec![http::header::DATE].into()), &value);
    }
    for (name, value) in form_urlencoded::parse(probe.request().query().as_bytes()) {
        add(ValueSource::At(Place::Query(name.into_owned())), &value);
    }
    if let Some(root) = probe.payload.root() {
        for (path, text) in scalars(root) {
            add(ValueSource::At(Place::Body(path)), &text);
        }
    }
    found.truncate(MOST);
    found
}

/// The values beside body and time that may be signed, such as the delivery's id.
pub(super) fn ids(probe: &ParsedSample<'_>, signature: &ValueSource, times: &[Located]) -> Vec<Located> {
    let is_other = |source: &ValueSource| source != signature && !times.iter().any(|time| time.source == *source);
    let mut found = Vec::new();
    for (name, value) in own_headers(probe.request()) {
        let source = ValueSource::Headers(vec![name.clone()].into());
        if is_other(&source) && value.len() <= 200 && signatures(&value).is_empty() {
            found.push(Located { source, text: value });
        }
    }
    found.sort_by_key(|located| !located.source.to_string().contains("id"));
    if let Some(root) = probe.payload.root() {
        for (path, text) in scalars(root) {
            let key = path.keys().last().map(|key| key.to_ascii_lowercase()).unwrap_or_default();
            let source = ValueSource::At(Place::Body(path));
            let is_named = key == "id" || key.ends_with("_id") || key == "token" || key == "nonce";
            // A signature in the payload covers values beside it, or beside an object that it is in.
            let depth = if is_in_payload(signature) { DEPTH } else { 1 };
            if is_named && source != *signature && path_depth(&source) <= depth {
                found.push(Located { source, text });
            }
        }
    }
    found.truncate(MOST);
    found
}

/// Whether a value is part of the payload.
pub(super) const fn is_in_payload(source: &ValueSource) -> bool {
    matches!(source, ValueSource::At(Place::Body(_)))
}

fn path_depth(source: &ValueSource) -> usize {
    match source {
        ValueSource::At(Place::Body(path)) => path.keys().len(),
        _ => 0,
    }
}

/// How deep in a payload values are looked for.
const DEPTH: usize = 3;

/// The scalars of a payload down to the third level, with their paths. Of a list, only the first item counts.
pub(super) fn scalars(root: &Node<'_>) -> Vec<(Path, String)> {
    let mut found = Vec::new();
    match &root.kind {
        Kind::Array(items) => items.iter().take(1).for_each(|item| add_scalars(item, &["0"], &mut found)),
        _ => add_scalars(root, &[], &mut found),
    }
    found
}

fn add_scalars(node: &Node<'_>, keys: &[&str], found: &mut Vec<(Path, String)>) {
    let Kind::Object(members) = &node.kind else { return };
    for member in members {
        let path: Vec<&str> = keys.iter().copied().chain([member.key.as_ref()]).collect();
        if let Some(text) = member.value.text() {
            found.push((path.iter().map(|key| (*key).to_owned()).collect(), text.into_owned()));
        } else if path.len() < DEPTH {
            add_scalars(&member.value, &path, found);
        }
    }
}
