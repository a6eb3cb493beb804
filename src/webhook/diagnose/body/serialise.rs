//! Rewrites JSON: a document as a library would write it, or with only its strings or numbers changed.

use std::{
    collections::HashMap,
    ops::{ControlFlow, Range},
};

use super::{
    escapes::{Escapes, push_quoted, quoted},
    libraries::{Layout, Members, WRITERS, Writer},
    order::MemberOrder,
};
use crate::webhook::{
    diagnose::SearchStep,
    json::{self, Kind, Node},
};

/// A JSON document.
#[derive(Clone, Copy, Debug)]
pub struct JsonDocument<'a> {
    /// The text that it was parsed from.
    pub text: &'a str,
    pub root: &'a Node<'a>,
}

impl JsonDocument<'_> {
    /// Writes the document as a library does; `None` if that library can't, or the text would grow out of
    /// proportion.
    pub fn written(&self, writer: &Writer, layout: Layout, order: MemberOrder<'_>) -> Option<String> {
        let limit = 4 * self.text.len() + (64 << 10);
        let mut writing =
            Writing { text: self.text, writer, layout, limit, out: String::with_capacity(self.text.len()) };
        writing.value(self.root, 0, order)?;
        Some(writing.out)
    }

    /// The sets of characters that occur in its strings.
    pub fn escapes(&self) -> Escapes {
        let mut present = Escapes::NONE;
        tokens(self.root, &mut |_, token| {
            if let ScalarToken::String(text) = token {
                present = present | Escapes::in_text(text);
            }
        });
        present
    }

    /// The same text with other escapes in its strings.
    pub fn respelled(&self, escapes: Escapes) -> String {
        self.replaced(|node| match node {
            ScalarToken::String(text) => Some(quoted(text, escapes)),
            ScalarToken::Number(_) => None,
        })
    }

    /// The same text with some numbers replaced, by their offsets.
    pub fn renumbered(&self, numbers: &HashMap<usize, String>) -> String {
        self.replaced(|node| match node {
            ScalarToken::Number(span) => numbers.get(&span.start).cloned(),
            ScalarToken::String(_) => None,
        })
    }

    /// The numbers in order.
    pub fn numbers(&self) -> Vec<PlacedNumber<'_>> {
        let mut found = Vec::new();
        numbers(self.root, "", &mut found);
        found
    }

    fn replaced(&self, replace: impl Fn(&ScalarToken<'_>) -> Option<String>) -> String {
        let mut out = String::with_capacity(self.text.len());
        let mut copied = 0;
        tokens(self.root, &mut |span, token| {
            if let Some(new) = replace(&token) {
                out.push_str(&self.text[copied..span.start]);
                out.push_str(&new);
                copied = span.end;
            }
        });
        out.push_str(&self.text[copied..]);
        out
    }
}

/// JSON as the library with this call writes it; `None` if it isn't JSON, or the library can't write it in this layout.
#[must_use]
pub fn serialised(json: &str, call: &str, layout: Layout) -> Option<String> {
    let root = json::parse(json).ok()?;
    let writer = WRITERS.iter().find(|writer| writer.call == call && writer.layouts.contains(&layout))?;
    JsonDocument { text: json, root: &root }.written(writer, layout, MemberOrder::Received)
}

/// A number in a document.
#[derive(Clone, Copy, Debug)]
pub struct PlacedNumber<'a> {
    /// Its offset in the text.
    pub at: usize,
    /// Its digits.
    pub text: &'a str,
    /// The key of the member that it belongs to, even if it is an item of an array there.
    pub key: &'a str,
}

fn numbers<'a>(node: &'a Node<'a>, key: &'a str, found: &mut Vec<PlacedNumber<'a>>) {
    match &node.kind {
        Kind::Number(text) => found.push(PlacedNumber { at: node.span.start, text, key }),
        Kind::Array(items) => items.iter().for_each(|item| numbers(item, key, found)),
        Kind::Object(members) => members.iter().for_each(|member| numbers(&member.value, &member.key, found)),
        Kind::Null | Kind::Bool(_) | Kind::String(_) => {}
    }
}

/// Calls back with the body as a JSON document, if it is one.
pub fn with_document(body: &[u8], use_it: impl FnOnce(JsonDocument<'_>) -> SearchStep) -> SearchStep {
    if !matches!(body.trim_ascii_start().first(), Some(b'{' | b'[')) {
        return ControlFlow::Continue(());
    }
    let Ok(text) = std::str::from_utf8(body) else { return ControlFlow::Continue(()) };
    match json::parse(text) {
        Ok(root) => use_it(JsonDocument { text, root: &root }),
        Err(_) => ControlFlow::Continue(()),
    }
}

enum ScalarToken<'a> {
    String(&'a str),
    Number(Range<usize>),
}

/// Calls back for each string (keys too) and number in the order of the text.
fn tokens<'a>(node: &'a Node<'a>, visit: &mut impl FnMut(Range<usize>, ScalarToken<'a>)) {
    match &node.kind {
        Kind::String(text) => visit(node.span.clone(), ScalarToken::String(text)),
        Kind::Number(_) => visit(node.span.clone(), ScalarToken::Number(node.span.clone())),
        Kind::Array(items) => items.iter().for_each(|item| tokens(item, visit)),
        Kind::Object(members) => {
            for member in members {
                visit(member.key_span.clone(), ScalarToken::String(&member.key));
                tokens(&member.value, visit);
            }
        }
        Kind::Null | Kind::Bool(_) => {}
    }
}

struct Writing<'a> {
    text: &'a str,
    writer: &'a Writer,
    layout: Layout,
    limit: usize,
    out: String,
}

impl Writing<'_> {
    fn value(&mut self, node: &Node<'_>, depth: usize, order: MemberOrder<'_>) -> Option<()> {
        if self.out.len() > self.limit {
            return None;
        }
        match &node.kind {
            Kind::Null | Kind::Bool(_) => self.out.push_str(&self.text[node.span.clone()]),
            Kind::Number(text) => self.out.push_str(&self.writer.numbers.write(text)?),
            Kind::String(text) => self.string(text, node.span.clone()),
            Kind::Array(items) if items.is_empty() => self.empty("[]"),
            Kind::Array(items) => self.array(items, depth, order.of_items())?,
            Kind::Object(members) if members.is_empty() => match self.writer.members {
                Members::Php => self.empty("[]"),
                Members::Ruby => {
                    self.out.push('{');
                    self.new_line(depth);
                    self.out.push('}');
                }
                _ => self.empty("{}"),
            },
            Kind::Object(members) => {
                self.out.push('{');
                for (number, member) in self.writer.members.arrange(members, order).into_iter().enumerate() {
                    if number > 0 {
                        self.comma();
                    }
                    self.new_line(depth + 1);
                    self.string(&member.key, member.key_span.clone());
                    self.out.push_str(match self.layout {
                        Layout::Compact | Layout::Items => ":",
                        Layout::Jackson => " : ",
                        Layout::Spaced | Layout::Indented(_) => ": ",
                    });
                    self.value(&member.value, depth + 1, order.of_member(&member.key))?;
                }
                self.new_line(depth);
                self.out.push('}');
            }
        }
        Some(())
    }

    fn array(&mut self, items: &[Node<'_>], depth: usize, order: MemberOrder<'_>) -> Option<()> {
        let is_on_one_line = self.layout == Layout::Jackson;
        let inner = if is_on_one_line { depth } else { depth + 1 };
        self.out.push('[');
        for (number, item) in items.iter().enumerate() {
            if number > 0 {
                self.comma();
            }
            if is_on_one_line {
                self.out.push(' ');
            } else if self.layout == Layout::Items && depth == 0 && number > 0 {
                self.out.push_str("\r\n");
            } else {
                self.new_line(inner);
            }
            self.value(item, inner, order)?;
        }
        if is_on_one_line {
            self.out.push(' ');
        } else {
            self.new_line(depth);
        }
        self.out.push(']');
        Some(())
    }

    fn string(&mut self, text: &str, span: Range<usize>) {
        if self.writer.escapes.has(Escapes::KEPT) {
            self.out.push_str(&self.text[span]);
        } else {
            push_quoted(text, self.writer.escapes, &mut self.out);
        }
    }

    fn empty(&mut self, brackets: &str) {
        let (open, close) = brackets.split_at(1);
        self.out.push_str(open);
        if self.layout == Layout::Jackson {
            self.out.push(' ');
        }
        self.out.push_str(close);
    }

    fn comma(&mut self) {
        self.out.push_str(if self.layout == Layout::Spaced { ", " } else { "," });
    }

    fn new_line(&mut self, depth: usize) {
        let by = match self.layout {
            Layout::Compact | Layout::Spaced | Layout::Items => return,
            Layout::Indented(by) => by,
            Layout::Jackson => "  ",
        };
        self.out.push('\n');
        for _ in 0..depth {
            self.out.push_str(by);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::{super::escapes::SPELLINGS, *};

    const RECORDED: &str = include_str!("../../../../tests/vectors/serialisers.json");

    #[derive(Deserialize)]
    struct RecordedVectors {
        count: usize,
        inputs: HashMap<String, String>,
        vectors: Vec<SerialisedVector>,
    }

    #[derive(Deserialize)]
    struct SerialisedVector {
        writer: String,
        layout: String,
        sorted: bool,
        tool: String,
        command: String,
        input: String,
        output: String,
    }

    fn layout(name: &str) -> Layout {
        match name {
            "compact" => Layout::Compact,
            "spaced" => Layout::Spaced,
            "2" => Layout::Indented("  "),
            "4" => Layout::Indented("    "),
            "tab" => Layout::Indented("\t"),
            "jackson" => Layout::Jackson,
            other => panic!("unknown layout {other}"),
        }
    }

    #[test]
    fn documents_are_written_as_the_real_libraries_write_them() {
        let recorded: RecordedVectors = serde_json::from_str(RECORDED).unwrap();
        assert_eq!(recorded.vectors.len(), recorded.count);
        for SerialisedVector { writer, layout: name, sorted, tool, command, input, output } in &recorded.vectors {
            let text = &recorded.inputs[input];
            let root = json::parse(text).unwrap();
            let writer = WRITERS.iter().find(|known| known.call == writer).expect(writer);
            let layout = layout(name);
            assert!(writer.layouts.contains(&layout), "{} {layout:?}", writer.call);
            let order = if *sorted { MemberOrder::Sorted } else { MemberOrder::Received };
            let made = JsonDocument { text, root: &root }.written(writer, layout, order);
            assert_eq!(made.as_deref(), Some(output.as_str()), "{tool}: {command}");
        }
    }

    #[test]
    fn text_that_grows_out_of_proportion_is_not_written() {
        let text = format!("{}{}{}", "[".repeat(500), "1,".repeat(60_000) + "1", "]".repeat(500));
        let root = json::parse(&text).unwrap();
        let document = JsonDocument { text: &text, root: &root };
        assert_eq!(document.written(&WRITERS[0], Layout::Indented("    "), MemberOrder::Received), None);
        assert_eq!(document.written(&WRITERS[0], Layout::Compact, MemberOrder::Received).as_deref(), Some(&*text));
    }

    #[test]
    fn only_strings_are_respelled() {
        let text = "{ \"\\u00E9\": [1.0, \"a/\\u00fc<\"] }\n";
        let root = json::parse(text).unwrap();
        let document = JsonDocument { text, root: &root };
        let spelled: Vec<String> = SPELLINGS[..7].iter().map(|&(escapes, _)| document.respelled(escapes)).collect();
        assert_eq!(
            spelled,
            [
                "{ \"é\": [1.0, \"a/ü<\"] }\n",
                "{ \"\\u00e9\": [1.0, \"a/\\u00fc<\"] }\n",
                "{ \"\\u00E9\": [1.0, \"a/\\u00FC<\"] }\n",
                "{ \"é\": [1.0, \"a\\/ü<\"] }\n",
                "{ \"\\u00e9\": [1.0, \"a\\/\\u00fc<\"] }\n",
                "{ \"é\": [1.0, \"a/ü\\u003c\"] }\n",
                "{ \"\\u00e9\": [1.0, \"a/\\u00fc\\u003c\"] }\n",
            ]
        );
    }
}
