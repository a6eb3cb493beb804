//! Other serialisations of the same payload, which a provider may send tomorrow, and which a handler that verifies
//! re-serialised JSON rejects.

use std::{fmt::Write, ops::Range};

use crate::webhook::{
    json::{
        self, Kind, Member, Node,
        writer::{Escape, push_escape, push_string},
    },
    schema::SchemaDefinition,
};

/// One serialisation of a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Serialisation {
    /// What is different, in words.
    pub variation: &'static str,
    pub text: String,
}

/// The variation of a body with whitespace around it.
pub(super) const SURROUNDED: &str = "whitespace before and after the body";

/// Other serialisations of a JSON payload. A whole number gets a fraction only if the schema allows any number, because
/// a handler may rely on integers elsewhere.
pub(super) fn json(text: &str, definition: Option<SchemaDefinition<'_>>) -> Vec<Serialisation> {
    let indented = Style { colon: " : ", indented: true, reversed: true, ..Style::default() };
    let mut serialisations = vec![
        Style::default().apply(text, "no whitespace"),
        Style { comma: ", ", colon: ": ", ..Style::default() }.apply(text, "a space after each comma and colon"),
        indented.apply(text, "line breaks, tabs and another key order"),
        Style { reversed: true, ..Style::default() }.apply(text, "another key order"),
        Style { characters: CharacterStyle::Escaped, ..Style::default() }.apply(text, "\\u and \\/ escapes"),
    ];
    if !text.is_ascii() || text.contains("\\u") {
        serialisations.push(
            Style { characters: CharacterStyle::Plain, ..Style::default() }.apply(text, "all characters as UTF-8"),
        );
        serialisations.push(
            Style { characters: CharacterStyle::Ascii, ..Style::default() }
                .apply(text, "\\u escapes for all non-ASCII characters"),
        );
    }
    let mut serialisations: Vec<Serialisation> = serialisations.into_iter().flatten().collect();
    let fractions = definition.and_then(|definition| fractions(text, definition));
    serialisations.extend(fractions.map(|text| Serialisation { variation: "1.0 and 1e0 instead of 1", text }));
    // Must be last: if only this one fails, the handler removes that whitespace.
    serialisations.push(Serialisation { variation: SURROUNDED, text: format!(" {text}\n") });
    serialisations.retain(|serialisation| serialisation.text != text);
    serialisations
}

/// A urlencoded form with its letters and digits percent-encoded and its fields in reverse order.
pub(super) fn urlencoded(body: &str) -> Serialisation {
    let mut fields: Vec<String> = body.split('&').map(percent_encoded).collect();
    fields.reverse();
    Serialisation { variation: "percent-encoded letters and another field order", text: fields.join("&") }
}

fn percent_encoded(field: &str) -> String {
    let (name, value) = field.split_once('=').unwrap_or((field, ""));
    let mut out = format!("{name}=");
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            out.push('%');
            out.extend(rest.by_ref().take(2).map(char::from));
        } else if byte.is_ascii_alphanumeric() {
            let _ = write!(out, "%{byte:02X}");
        } else {
            out.push(char::from(byte));
        }
    }
    out
}

/// How JSON is written.
#[derive(Clone, Copy, Debug)]
struct Style {
    comma: &'static str,
    colon: &'static str,
    indented: bool,
    reversed: bool,
    characters: CharacterStyle,
}

/// How the characters of strings are written.
#[derive(Clone, Copy, Debug)]
enum CharacterStyle {
    /// As in the original.
    Kept,
    /// The first one, and each slash, as an escape.
    Escaped,
    /// As UTF-8 where JSON allows it.
    Plain,
    /// As escapes unless they are ASCII.
    Ascii,
}

impl Default for Style {
    fn default() -> Self {
        Self { comma: ",", colon: ":", indented: false, reversed: false, characters: CharacterStyle::Kept }
    }
}

impl Style {
    fn apply(self, text: &str, variation: &'static str) -> Option<Serialisation> {
        let root = json::parse(text).ok()?;
        let mut out = String::with_capacity(2 * text.len());
        self.push(text, &root, 1, &mut out);
        Some(Serialisation { variation, text: out })
    }

    fn push(self, text: &str, node: &Node<'_>, depth: usize, out: &mut String) {
        match &node.kind {
            Kind::Object(members) => {
                let order = self.order(members);
                self.list('{', '}', &order, depth, out, |member, out| {
                    self.push_string(&text[member.key_span.clone()], &member.key, out);
                    out.push_str(self.colon);
                    self.push(text, &member.value, depth + 1, out);
                });
            }
            Kind::Array(items) => {
                let items: Vec<&Node<'_>> = items.iter().collect();
                self.list('[', ']', &items, depth, out, |item, out| self.push(text, item, depth + 1, out));
            }
            Kind::String(content) => self.push_string(&text[node.span.clone()], content, out),
            _ => out.push_str(&text[node.span.clone()]),
        }
    }

    /// The members in the order to write. The order is kept if a key is repeated, because the last one counts.
    fn order<'n, 'a>(self, members: &'n [Member<'a>]) -> Vec<&'n Member<'a>> {
        let repeated = members.iter().enumerate().any(|(at, member)| members[..at].iter().any(|m| m.key == member.key));
        if self.reversed && !repeated { members.iter().rev().collect() } else { members.iter().collect() }
    }

    fn list<T>(
        self,
        open: char,
        close: char,
        entries: &[&T],
        depth: usize,
        out: &mut String,
        mut push: impl FnMut(&T, &mut String),
    ) {
        let line = |depth: usize, out: &mut String| {
            if self.indented && !entries.is_empty() {
                out.push('\n');
                out.extend(std::iter::repeat_n('\t', depth));
            }
        };
        out.push(open);
        for (index, entry) in entries.iter().enumerate() {
            out.push_str(if index > 0 { self.comma } else { "" });
            line(depth, out);
            push(entry, out);
        }
        line(depth - 1, out);
        out.push(close);
    }

    fn push_string(self, token: &str, content: &str, out: &mut String) {
        // A lone surrogate decodes to U+FFFD, so only its own escape can be written.
        if content.contains('\u{fffd}') || matches!(self.characters, CharacterStyle::Kept) {
            return out.push_str(token);
        }
        match self.characters {
            CharacterStyle::Kept | CharacterStyle::Plain => push_string(content, |_| None, out),
            CharacterStyle::Ascii => push_string(content, |c| (!c.is_ascii()).then_some(Escape::Unicode), out),
            CharacterStyle::Escaped => {
                let slash = |c| (c == '/').then_some(Escape::Backslash);
                let is_plain = |c: &char| !matches!(c, '"' | '\\' | '\0'..='\u{1f}');
                let Some(first) = content.chars().next().filter(is_plain) else {
                    return push_string(content, slash, out);
                };
                out.push('"');
                push_escape(first, Escape::Unicode, out);
                let mut rest = String::new();
                push_string(&content[first.len_utf8()..], slash, &mut rest);
                out.push_str(&rest[1..]);
            }
        }
    }
}

/// The text with its whole numbers written alternately as `1.0` and `1e0` where the schema allows any number.
fn fractions(text: &str, definition: SchemaDefinition<'_>) -> Option<String> {
    let root = json::parse(text).ok()?;
    let mut numbers = Vec::new();
    push_whole_numbers(&root, &mut numbers);
    let allows = |span: &Range<usize>, token: &str| {
        let changed = format!("{}{token}{}", &text[..span.start], &text[span.end..]);
        json::parse(&changed).is_ok_and(|root| definition.check(&root).is_valid())
    };
    // A value that may also be a string is not described by the schema.
    numbers.retain(|span| allows(span, &format!("{}.5", &text[span.clone()])) && !allows(span, "\"\""));
    let mut out = text.to_owned();
    for (index, span) in numbers.iter().enumerate().rev() {
        out.insert_str(span.end, if index % 2 == 0 { ".0" } else { "e0" });
    }
    (!numbers.is_empty()).then_some(out)
}

fn push_whole_numbers(node: &Node<'_>, numbers: &mut Vec<Range<usize>>) {
    match &node.kind {
        Kind::Number(text) if text.bytes().all(|b| b == b'-' || b.is_ascii_digit()) => numbers.push(node.span.clone()),
        Kind::Object(members) => members.iter().for_each(|member| push_whole_numbers(&member.value, numbers)),
        Kind::Array(items) => items.iter().for_each(|item| push_whole_numbers(item, numbers)),
        _ => {}
    }
}
