//! Changes a signed body in such a way that only the signature reveals it.

use bytes::Bytes;

use crate::webhook::{
    json::{Kind, Node},
    place::Lookup,
    provider::{Provider, event::Event},
    request::Request,
};

/// How many positions are tried to find a change that only the signature reveals.
const MAX_ATTEMPTS: usize = 512;

/// The longest body that is searched for such a position, in bytes.
const MAX_SEARCHED_BYTES: usize = 256 << 10;

/// The maximum size of a decoded body here, in bytes, because one search decodes many bodies.
const MAX_DECODED_BYTES: usize = 4 << 20;

/// The body with one letter or digit changed. If possible, it is still the same event with the same keys, and as valid
/// as before.
pub(super) fn changed(provider: &Provider, event: Option<&Event>, request: &Request) -> Bytes {
    let body = &request.body;
    let changed = |at: usize| {
        let mut changed = body.to_vec();
        changed[at] = neighbour(body[at])?;
        Some(Bytes::from(changed))
    };
    let positions = (0..body.len()).rev().filter(|at| neighbour(body[*at]).is_some());
    let reader = BodyReader { provider, event, request };
    if let (Some(original), true) = (reader.traits_of(body), body.len() <= MAX_SEARCHED_BYTES) {
        let undetected = positions.clone().take(MAX_ATTEMPTS).filter_map(changed).find(|changed| {
            reader.traits_of(changed).is_some_and(|traits| {
                traits.keys == original.keys
                    && traits.event == original.event
                    && traits.violations <= original.violations
            })
        });
        if let Some(undetected) = undetected {
            return undetected;
        }
    }
    positions.clone().find_map(changed).unwrap_or_else(|| [body, &b" "[..]].concat().into())
}

/// Reads a body as a handler would.
struct BodyReader<'a> {
    provider: &'a Provider,
    event: Option<&'a Event>,
    request: &'a Request,
}

/// What a handler could notice about a body without checking its signature.
struct BodyTraits {
    keys: Vec<String>,
    event: Option<String>,
    violations: usize,
}

impl BodyReader<'_> {
    fn traits_of(&self, body: &[u8]) -> Option<BodyTraits> {
        let changed = Request { body: Bytes::copy_from_slice(body), ..self.request.clone() };
        let body = self.provider.decode(&changed, MAX_DECODED_BYTES).ok()?;
        let payload = body.payload(&changed);
        let root = payload.root()?;
        let mut keys = Vec::new();
        push_keys(root, &mut keys);
        let definition =
            self.provider.schema_of(self.event).and_then(|name| self.provider.schema().ok()?.definition(name));
        let report = definition.map(|definition| definition.check(root));
        let violations = report.map_or(0, |report| report.errors.len() + report.warnings.len());
        let event = self.provider.event_of(&Lookup::of(&changed, &payload)).map(|event| event.full_name().to_owned());
        Some(BodyTraits { keys, event, violations })
    }
}

fn push_keys(node: &Node<'_>, keys: &mut Vec<String>) {
    match &node.kind {
        Kind::Object(members) => {
            for member in members {
                keys.push(member.key.to_string());
                push_keys(&member.value, keys);
            }
        }
        Kind::Array(items) => items.iter().for_each(|item| push_keys(item, keys)),
        _ => {}
    }
}

/// Another letter of the same case, or another digit.
pub(super) fn neighbour(byte: u8) -> Option<u8> {
    Some(match byte {
        b'9' => b'0',
        b'z' => b'a',
        b'Z' => b'A',
        byte if byte.is_ascii_alphanumeric() => byte + 1,
        _ => return None,
    })
}
