//! Hypotheses about JSON: the same document with other escapes, as a library would write it, or with its keys in
//! another order.

use std::ops::ControlFlow;

use super::{
    escapes::{Escapes, quoted, spellings},
    forms::forms,
    hypothesis::{Emit, ReceivedBody},
    order::MemberOrder,
    serialise::with_document,
};
use crate::webhook::diagnose::{Code, SearchStep};

/// The same JSON with its strings in other escapes.
pub fn respelled(ReceivedBody { body, .. }: ReceivedBody<'_>, emit: &mut Emit<'_>) -> SearchStep {
    with_document(body, |document| {
        spellings(document.escapes()).into_iter().try_for_each(|(escapes, words)| {
            let message = format!(
                "the signature covers the same JSON {words}: its strings were decoded and re-encoded after signing"
            );
            emit(document.respelled(escapes).into_bytes(), Code::BodyReencoded, message.into())
        })
    })
}

/// The same JSON as a library writes it.
pub fn reserialised(body: ReceivedBody<'_>, emit: &mut Emit<'_>) -> SearchStep {
    in_order(body, MemberOrder::Received, emit)
}

/// The same JSON with its keys in another order.
pub fn reordered(body: ReceivedBody<'_>, emit: &mut Emit<'_>) -> SearchStep {
    for example in body.examples {
        in_order(body, MemberOrder::Example(example), emit)?;
    }
    [MemberOrder::Sorted, MemberOrder::Stored].into_iter().try_for_each(|order| in_order(body, order, emit))
}

fn in_order(ReceivedBody { body, .. }: ReceivedBody<'_>, order: MemberOrder<'_>, emit: &mut Emit<'_>) -> SearchStep {
    with_document(body, |document| {
        forms(document).into_iter().try_for_each(|form| {
            let Some(text) = document.written(form.writer, form.layout, order) else {
                return ControlFlow::Continue(());
            };
            let message = format!(
                "the signature covers the same JSON {}{}, as written by {}: the body was parsed and re-serialised after signing",
                form.layout.words(),
                order.words(),
                form.words()
            );
            emit(text.into_bytes(), Code::BodyReserialised, message.into())
        })
    })
}

/// JSON with unescaped control characters in strings, which no parser accepts: adds the escapes with which it was
/// signed.
pub fn control_characters(ReceivedBody { body, .. }: ReceivedBody<'_>, emit: &mut Emit<'_>) -> SearchStep {
    if !matches!(body.trim_ascii_start().first(), Some(b'{' | b'[')) || !body.iter().any(|&byte| byte < b' ') {
        return ControlFlow::Continue(());
    }
    for uppercase in [false, true] {
        let Some(escaped) = with_escaped_controls(body, uppercase) else { break };
        let message = "the signature covers the same JSON with control characters as escapes, such as \\n or \\u001b: its strings were decoded after signing, so it is no longer valid JSON";
        emit(escaped, Code::BodyReencoded, message.into())?;
    }
    ControlFlow::Continue(())
}

/// Escapes the control characters inside of strings; `None` if there are none.
fn with_escaped_controls(body: &[u8], uppercase: bool) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len() + 16);
    let (mut in_string, mut after_backslash, mut found) = (false, false, false);
    for &byte in body {
        match byte {
            b'"' if !after_backslash => in_string = !in_string,
            0..b' ' if in_string => {
                let escapes = if uppercase { Escapes::UPPERCASE } else { Escapes::NONE };
                let literal = quoted(&char::from(byte).to_string(), escapes);
                out.extend_from_slice(literal.trim_matches('"').as_bytes());
                (found, after_backslash) = (true, false);
                continue;
            }
            _ => {}
        }
        after_backslash = byte == b'\\' && !after_backslash && in_string;
        out.push(byte);
    }
    found.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_in_strings_alone() {
        let escaped = |text: &str, uppercase| {
            with_escaped_controls(text.as_bytes(), uppercase).map(|text| String::from_utf8(text).unwrap())
        };
        assert_eq!(
            escaped("{\n\"a\": \"\u{1b}[0m\\\"\n\"\n}", false).as_deref(),
            Some("{\n\"a\": \"\\u001b[0m\\\"\\n\"\n}")
        );
        assert_eq!(escaped("[\"\u{1b}\t\u{b}\"]", true).as_deref(), Some("[\"\\u001B\\t\\u000B\"]"));
        assert_eq!(escaped("{\n\"a\": \"b\"\n}", false), None);
    }
}
