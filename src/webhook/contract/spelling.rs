//! The same payload in other bytes: what a provider may send tomorrow, and what a handler that verifies JSON which it
//! has written anew can't know.

use std::{fmt::Write, ops::Range};

use crate::webhook::{
    json::{
        self, Kind, Member, Node,
        writer::{Escape, push_escape, push_string},
    },
    schema::Definition,
};

/// One way to write a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spelling {
    /// What is other about it, in words.
    pub how: &'static str,
    /// The text.
    pub text: String,
}

/// With a space behind each comma and colon, as Python's `json.dumps` writes it.
pub(super) fn spaced(text: &str) -> Option<Spelling> {
    let style = Style { comma: ", ", colon: ": ", ..Style::default() };
    style.spelling(text, "a space behind each comma and colon")
}

/// The spellings of a JSON payload. Numbers are written another way only where the schema takes fractions, as a
/// handler may rely on whole ones elsewhere.
pub(super) fn json(text: &str, definition: Option<Definition<'_>>) -> Vec<Spelling> {
    let indented = Style { colon: " : ", indented: true, reversed: true, ..Style::default() };
    let mut spellings = vec![
        spaced(text),
        indented.spelling(text, "lines and tabs, and its keys in another order"),
        Style { reversed: true, ..Style::default() }.spelling(text, "its keys in another order"),
        Style { characters: Characters::Escaped, ..Style::default() }.spelling(text, "\\u and \\/ escapes"),
    ];
    if !text.is_ascii() || text.contains("\\u") {
        spellings.push(
            Style { characters: Characters::Plain, ..Style::default() }.spelling(text, "every character as UTF-8"),
        );
        spellings.push(
            Style { characters: Characters::Ascii, ..Style::default() }
                .spelling(text, "\\u escapes for all that is not ASCII"),
        );
    }
    let mut spellings: Vec<Spelling> = spellings.into_iter().flatten().collect();
    let fractions = definition.and_then(|definition| fractions(text, definition));
    spellings.extend(fractions.map(|text| Spelling { how: "1.0 and 1e0 for 1", text }));
    spellings.retain(|spelling| spelling.text != text);
    spellings
}

/// A urlencoded form with its letters and digits percent-encoded and its fields in another order.
pub(super) fn urlencoded(body: &str) -> Spelling {
    let mut fields: Vec<String> = body.split('&').map(percent_encoded).collect();
    fields.reverse();
    Spelling { how: "percent-encoded letters, and its fields in another order", text: fields.join("&") }
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

/// How a JSON text is written.
#[derive(Clone, Copy, Debug)]
struct Style {
    comma: &'static str,
    colon: &'static str,
    indented: bool,
    reversed: bool,
    characters: Characters,
}

/// How the characters of strings are written.
#[derive(Clone, Copy, Debug)]
enum Characters {
    /// As they stand there.
    Kept,
    /// The first one as an escape, and each slash.
    Escaped,
    /// As UTF-8 wherever that may be.
    Plain,
    /// As escapes where they are not ASCII.
    Ascii,
}

impl Default for Style {
    fn default() -> Self {
        Self { comma: ",", colon: ":", indented: false, reversed: false, characters: Characters::Kept }
    }
}

impl Style {
    fn spelling(self, text: &str, how: &'static str) -> Option<Spelling> {
        let root = json::parse(text).ok()?;
        let mut out = String::with_capacity(2 * text.len());
        self.push(text, &root, 1, &mut out);
        Some(Spelling { how, text: out })
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

    /// The members in their order; of a repeated key the last counts, so that the order then stays.
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
        for (place, entry) in entries.iter().enumerate() {
            out.push_str(if place > 0 { self.comma } else { "" });
            line(depth, out);
            push(entry, out);
        }
        line(depth - 1, out);
        out.push(close);
    }

    fn push_string(self, token: &str, content: &str, out: &mut String) {
        // A lone surrogate has no character, so that its token is all that can be written.
        if content.contains('\u{fffd}') || matches!(self.characters, Characters::Kept) {
            return out.push_str(token);
        }
        match self.characters {
            Characters::Kept | Characters::Plain => push_string(content, |_| None, out),
            Characters::Ascii => push_string(content, |c| (!c.is_ascii()).then_some(Escape::Unicode), out),
            Characters::Escaped => {
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

/// The text with `1.0` and `1e0` by turns for its whole numbers, where the schema says that any number may stand.
fn fractions(text: &str, definition: Definition<'_>) -> Option<String> {
    let root = json::parse(text).ok()?;
    let mut numbers = Vec::new();
    push_whole_numbers(&root, &mut numbers);
    let takes = |place: &Range<usize>, token: &str| {
        let changed = format!("{}{token}{}", &text[..place.start], &text[place.end..]);
        json::parse(&changed).is_ok_and(|root| definition.check(&root).is_valid())
    };
    // What takes a string too is not described at all.
    numbers.retain(|place| takes(place, &format!("{}.5", &text[place.clone()])) && !takes(place, "\"\""));
    let places = numbers;
    let mut out = text.to_owned();
    for (turn, place) in places.iter().enumerate().rev() {
        out.insert_str(place.end, if turn % 2 == 0 { ".0" } else { "e0" });
    }
    (!places.is_empty()).then_some(out)
}

fn push_whole_numbers(node: &Node<'_>, numbers: &mut Vec<Range<usize>>) {
    match &node.kind {
        Kind::Number(text) if text.bytes().all(|b| b == b'-' || b.is_ascii_digit()) => numbers.push(node.span.clone()),
        Kind::Object(members) => members.iter().for_each(|member| push_whole_numbers(&member.value, numbers)),
        Kind::Array(items) => items.iter().for_each(|item| push_whole_numbers(item, numbers)),
        _ => {}
    }
}
