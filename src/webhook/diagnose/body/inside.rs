//! Hypotheses about the inside of the body: a value in JSON or a form that was signed alone, because another service
//! wrapped it in its own message.

use std::ops::ControlFlow;

use super::{
    form::is_form,
    hypothesis::{Emit, ReceivedBody},
    serialise::with_document,
};
use crate::webhook::{
    diagnose::{Code, LONGEST_REWRITTEN, SearchStep, secret::forgiving_base64},
    json::{Kind, Node, PointerToken},
};

/// The maximum number of values that are tried.
const MOST_VALUES: usize = 48;

/// How deeply messages may be nested.
const MOST_NESTED: usize = 3;

/// The shortest text that is worth signing, in bytes.
const SHORTEST: usize = 2;

/// The shortest text that is decoded from base64, in bytes.
const SHORTEST_BASE64: usize = 8;

/// The longest path that messages show, in characters.
const LONGEST_PATH: usize = 80;

/// Each value inside the body, alone.
pub fn values(received: ReceivedBody<'_>, emit: &mut Emit<'_>) -> SearchStep {
    if received.body.len() > LONGEST_REWRITTEN {
        return ControlFlow::Continue(());
    }
    let mut found = Vec::new();
    collect(received, received.body, "", MOST_NESTED, &mut found);
    // What looks like a message comes first.
    found.sort_by_key(|value| !value.is_message);
    found.truncate(MOST_VALUES);
    found.into_iter().try_for_each(|EmbeddedValue { bytes, place, .. }| {
        let message = format!("the signature covers only {place}: it was wrapped in another message after signing");
        emit(bytes, Code::BodyInside, message.into())
    })
}

/// A value inside the body.
struct EmbeddedValue {
    bytes: Vec<u8>,
    /// Its place in words, to follow `the signature covers only`.
    place: String,
    /// Whether it looks like a message of its own.
    is_message: bool,
}

/// Collects the values in a text, and those in each of them.
fn collect(received: ReceivedBody<'_>, text: &[u8], within: &str, depth: usize, found: &mut Vec<EmbeddedValue>) {
    let start = found.len();
    // A text that is not JSON has no such values.
    let _ = with_document(text, |document| {
        of_node(document.text, document.root, within, "", found);
        ControlFlow::Continue(())
    });
    if found.len() == start && is_form(text, received.request) {
        for (name, value) in form_urlencoded::parse(text).take(MOST_VALUES) {
            add_text(value.as_bytes(), &format!("of the form field `{}`{within}", shortened(&name)), found);
        }
    }
    if depth == 1 {
        return;
    }
    let messages = found[start..].iter().filter(|value| value.is_message && !value.bytes.is_empty()).take(MOST_VALUES);
    let messages: Vec<(Vec<u8>, String)> =
        messages.map(|value| (value.bytes.clone(), format!(", inside {}", value.place))).collect();
    for (bytes, within) in messages {
        if found.len() >= 4 * MOST_VALUES {
            return;
        }
        collect(received, &bytes, &within, depth - 1, found);
    }
}

fn of_node(text: &str, node: &Node<'_>, within: &str, path: &str, found: &mut Vec<EmbeddedValue>) {
    if found.len() >= 4 * MOST_VALUES {
        return;
    }
    match &node.kind {
        Kind::String(value) => add_text(value.as_bytes(), &format!("of `{}`{within}", shortened(path)), found),
        Kind::Object(members) => {
            add_value(text, node, within, path, found);
            for member in members {
                of_node(text, &member.value, within, &format!("{path}{}", PointerToken(&member.key)), found);
            }
        }
        Kind::Array(items) => {
            add_value(text, node, within, path, found);
            for (index, item) in items.iter().enumerate() {
                of_node(text, item, within, &format!("{path}/{index}"), found);
            }
        }
        Kind::Null | Kind::Bool(_) | Kind::Number(_) => {}
    }
}

/// Adds a text, and what it decodes to from base64.
fn add_text(bytes: &[u8], place: &str, found: &mut Vec<EmbeddedValue>) {
    if bytes.len() < SHORTEST {
        return;
    }
    let is_message =
        matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'[' | b'<' | b'"')) || bytes.contains(&b'=');
    found.push(EmbeddedValue { bytes: bytes.to_vec(), place: format!("the text {place}"), is_message });
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_=\r\n".contains(byte);
    if bytes.len() < SHORTEST_BASE64 || !bytes.iter().all(is_base64) {
        return;
    }
    if let Some(bytes) = std::str::from_utf8(bytes).ok().and_then(forgiving_base64) {
        let is_message = std::str::from_utf8(&bytes).is_ok();
        found.push(EmbeddedValue { bytes, place: format!("the text {place}, decoded from base64"), is_message });
    }
}

/// Adds an object or array as it is in the text. The values in it are found separately.
fn add_value(text: &str, node: &Node<'_>, within: &str, path: &str, found: &mut Vec<EmbeddedValue>) {
    if !path.is_empty() && node.span.len() > SHORTEST {
        let place = format!("the value of `{}`{within}", shortened(path));
        found.push(EmbeddedValue { bytes: text[node.span.clone()].as_bytes().to_vec(), place, is_message: false });
    }
}

fn shortened(path: &str) -> String {
    if path.chars().count() <= LONGEST_PATH {
        return path.to_owned();
    }
    path.chars().take(LONGEST_PATH).chain(['…']).collect()
}
