//! A body that was changed after it was signed, such that nothing but the signature tells.

use bytes::Bytes;

use crate::webhook::{
    json::{Kind, Node},
    provider::{Provider, event::Event, payload::Payload},
    request::Request,
};

/// The places in a body that are tried for one that can be changed unseen.
const PLACES: usize = 512;

/// The longest body in which a good place is looked for, in bytes.
const LONGEST: usize = 256 << 10;

/// The body with one letter or digit changed, where it can be such that it means the same event and is as valid as it
/// was: only the signature tells.
pub(super) fn changed(provider: &Provider, event: Option<&Event>, request: &Request) -> Bytes {
    let body = &request.body;
    let changed = |at: usize| {
        let mut changed = body.to_vec();
        changed[at] = neighbour(body[at])?;
        Some(Bytes::from(changed))
    };
    let places = (0..body.len()).rev().filter(|at| neighbour(body[*at]).is_some());
    let view = View { provider, event, request };
    if let (Some(original), true) = (view.of(body), body.len() <= LONGEST) {
        let unseen = places.clone().take(PLACES).filter_map(changed).find(|changed| {
            view.of(changed).is_some_and(|seen| {
                seen.keys == original.keys && seen.event == original.event && seen.violations <= original.violations
            })
        });
        if let Some(unseen) = unseen {
            return unseen;
        }
    }
    places.clone().find_map(changed).unwrap_or_else(|| [body, &b" "[..]].concat().into())
}

/// What a handler sees of a body.
struct View<'a> {
    provider: &'a Provider,
    event: Option<&'a Event>,
    request: &'a Request,
}

struct Seen {
    keys: Vec<String>,
    event: Option<String>,
    violations: usize,
}

impl View<'_> {
    fn of(&self, body: &[u8]) -> Option<Seen> {
        let payload = Payload::parse(self.request, body);
        let root = payload.root()?;
        let mut keys = Vec::new();
        push_keys(root, &mut keys);
        let definition =
            self.provider.schema_of(self.event).and_then(|name| self.provider.schema().ok()?.definition(name));
        let report = definition.map(|definition| definition.check(root));
        let violations = report.map_or(0, |report| report.errors.len() + report.warnings.len());
        let event = self.provider.event_of(&payload).map(|event| event.full_name().to_owned());
        Some(Seen { keys, event, violations })
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

/// Another letter or digit of the same kind.
pub(super) fn neighbour(byte: u8) -> Option<u8> {
    Some(match byte {
        b'9' => b'0',
        b'z' => b'a',
        b'Z' => b'A',
        byte if byte.is_ascii_alphanumeric() => byte + 1,
        _ => return None,
    })
}
