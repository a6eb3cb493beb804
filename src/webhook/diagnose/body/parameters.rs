//! Hypotheses about JSON that a web framework turned into parameters, which were then serialised as JSON again: PHP
//! can't tell `{}` from `[]`, Laravel turns empty texts into null, and Rails adds members.

use std::ops::ControlFlow;

use super::{
    hypothesis::{Emit, ReceivedBody},
    json::{reserialised, respelled},
    serialise::{JsonDocument, with_document},
};
use crate::webhook::{
    diagnose::{Code, LONGEST_REWRITTEN, SearchStep},
    json::{Kind, Member, Node},
};

/// For up to this many values, every combination of restored values is tried; beyond that, all values of a kind are
/// restored.
const MOST_CHOICES: usize = 5;

/// The members that Rails adds.
const OF_RAILS: [&str; 3] = ["controller", "action", "format"];

/// The JSON as it was before a framework read it.
pub fn restored(received: ReceivedBody<'_>, emit: &mut Emit<'_>) -> SearchStep {
    if received.body.len() > LONGEST_REWRITTEN {
        return ControlFlow::Continue(());
    }
    with_document(received.body, |document| {
        let words = "the members that Rails adds to its parameters: they were serialised after signing";
        for text in without_added(document) {
            written(received, &text, &format!("the signature covers the same JSON without {words}"), emit)?;
        }
        for (text, words) in with_empty_values(document) {
            written(received, &text, &format!("the signature covers the same JSON with {words}"), emit)?;
        }
        ControlFlow::Continue(())
    })
}

/// Emits a text, and the forms in which libraries write it.
fn written(received: ReceivedBody<'_>, text: &str, message: &str, emit: &mut Emit<'_>) -> SearchStep {
    emit(text.as_bytes().to_vec(), Code::BodyReserialised, message.to_owned().into())?;
    let received = ReceivedBody { body: text.as_bytes(), ..received };
    let mut in_form = |body, _, _| emit(body, Code::BodyReserialised, message.to_owned().into());
    respelled(received, &mut in_form)?;
    reserialised(received, &mut in_form)
}

/// The document without the members that Rails adds; also without its last object, which may repeat the others under
/// the controller's name.
fn without_added(JsonDocument { text, root }: JsonDocument<'_>) -> Vec<String> {
    let Kind::Object(members) = &root.kind else { return Vec::new() };
    let is_added = |key: &str| OF_RAILS.contains(&key);
    if !["controller", "action"].iter().all(|key| members.iter().any(|member| member.key == *key)) {
        return Vec::new();
    }
    let kept: Vec<_> = members.iter().filter(|member| !is_added(&member.key)).collect();
    let separator = &text[members[0].value.span.end..members[1].key_span.start];
    let joined = |kept: &[&Member<'_>]| {
        let parts: Vec<&str> = kept.iter().map(|member| &text[member.key_span.start..member.value.span.end]).collect();
        let (first, last) = (members[0].key_span.start, members[members.len() - 1].value.span.end);
        format!("{}{}{}", &text[..first], parts.join(separator), &text[last..])
    };
    let mut found = vec![joined(&kept)];
    if let [others @ .., Member { value: Node { kind: Kind::Object(_), .. }, .. }] = &kept[..] {
        found.push(joined(others));
    }
    found
}

/// What an empty value may originally have been.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Empty {
    /// `{}`, which is `[]` now.
    Object,
    /// `""`, which is `null` now.
    Text,
}

/// The document with empty objects and texts where it has empty lists and null, and what that is in words.
fn with_empty_values(JsonDocument { text, root }: JsonDocument<'_>) -> Vec<(String, &'static str)> {
    let mut empty = Vec::new();
    collect(root, &mut empty);
    let all = |kind| empty.iter().map(|(found, _)| *found == kind).collect::<Vec<bool>>();
    let choices: Vec<Vec<bool>> = match empty.len() {
        0 => Vec::new(),
        count @ 1..=MOST_CHOICES => {
            (1_u32..1 << count).map(|choice| (0..count).map(|at| choice >> at & 1 == 1).collect()).collect()
        }
        count => vec![all(Empty::Text), all(Empty::Object), vec![true; count]],
    };
    choices.into_iter().map(|choice| replaced(text, &empty, &choice)).collect()
}

fn replaced(text: &str, empty: &[(Empty, usize)], choice: &[bool]) -> (String, &'static str) {
    let mut out = String::with_capacity(text.len());
    let (mut at, mut has_objects, mut has_texts) = (0, false, false);
    for ((kind, start), _) in empty.iter().zip(choice).filter(|(_, is_chosen)| **is_chosen) {
        out.push_str(&text[at..*start]);
        let (value, length) = match kind {
            Empty::Object => ("{}", text[*start..].find(']').map_or(0, |end| end + 1)),
            Empty::Text => ("\"\"", "null".len()),
        };
        has_objects |= *kind == Empty::Object;
        has_texts |= *kind == Empty::Text;
        out.push_str(value);
        at = start + length;
    }
    out.push_str(&text[at..]);
    let words = match (has_objects, has_texts) {
        (true, false) => "{} where it has [] now: PHP's json_decode can't tell them apart in arrays",
        (false, true) => "\"\" where it has null now: Laravel's ConvertEmptyStringsToNull changed the parsed input",
        _ => {
            "{} where it has [] now, and \"\" where it has null: the body was parsed to PHP's arrays, and changed by ConvertEmptyStringsToNull"
        }
    };
    (out, words)
}

/// The empty lists and nulls, each with the byte where it starts, in the order of the text.
fn collect(node: &Node<'_>, found: &mut Vec<(Empty, usize)>) {
    match &node.kind {
        Kind::Null => found.push((Empty::Text, node.span.start)),
        Kind::Array(items) if items.is_empty() => found.push((Empty::Object, node.span.start)),
        Kind::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Kind::Object(members) => members.iter().for_each(|member| collect(&member.value, found)),
        Kind::Bool(_) | Kind::Number(_) | Kind::String(_) => {}
    }
}
