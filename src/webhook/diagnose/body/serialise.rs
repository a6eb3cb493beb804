//! Rewrites JSON: a document as a library would write it, or with only its strings or numbers changed.

use std::{
    collections::HashMap,
    ops::{ControlFlow, Range},
};

use super::libraries::{Escape, Escapes, Layout, Members, Writer};
use crate::webhook::{
    diagnose::Step,
    json::{self, Kind, Node, writer},
};

/// A JSON document.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// The text that it was parsed from.
    pub text: &'a str,
    /// Its root.
    pub root: &'a Node<'a>,
}

impl Document<'_> {
    /// Writes the document as a library does; `None` if that library can't, or the text would grow out of
    /// proportion.
    pub fn written(&self, writer: &Writer, layout: Layout, sorted: bool) -> Option<String> {
        let limit = 4 * self.text.len() + (64 << 10);
        let mut writing =
            Writing { text: self.text, writer, layout, sorted, limit, out: String::with_capacity(self.text.len()) };
        writing.value(self.root, 0)?;
        Some(writing.out)
    }

    /// The same text with other escapes in its strings.
    pub fn respelled(&self, escapes: Escapes) -> String {
        self.replaced(|node| match node {
            Token::String(text) => Some(quoted(text, escapes)),
            Token::Number(_) => None,
        })
    }

    /// The same text with some numbers replaced, by their offsets.
    pub fn renumbered(&self, numbers: &HashMap<usize, String>) -> String {
        self.replaced(|node| match node {
            Token::Number(span) => numbers.get(&span.start).cloned(),
            Token::String(_) => None,
        })
    }

    /// The numbers in order, with their offsets.
    pub fn numbers(&self) -> Vec<(usize, &str)> {
        let mut found = Vec::new();
        tokens(self.root, &mut |span, token| {
            if let Token::Number(_) = token {
                found.push((span.start, &self.text[span]));
            }
        });
        found
    }

    fn replaced(&self, replace: impl Fn(&Token<'_>) -> Option<String>) -> String {
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

/// Calls back with the body as a JSON document, if it is one.
pub fn with_document(body: &[u8], use_it: impl FnOnce(Document<'_>) -> Step) -> Step {
    if !matches!(body.trim_ascii_start().first(), Some(b'{' | b'[')) {
        return ControlFlow::Continue(());
    }
    let Ok(text) = std::str::from_utf8(body) else { return ControlFlow::Continue(()) };
    match json::parse(text) {
        Ok(root) => use_it(Document { text, root: &root }),
        Err(_) => ControlFlow::Continue(()),
    }
}

enum Token<'a> {
    String(&'a str),
    Number(Range<usize>),
}

/// Calls back for each string (keys too) and number in the order of the text.
fn tokens<'a>(node: &'a Node<'a>, visit: &mut impl FnMut(Range<usize>, Token<'a>)) {
    match &node.kind {
        Kind::String(text) => visit(node.span.clone(), Token::String(text)),
        Kind::Number(_) => visit(node.span.clone(), Token::Number(node.span.clone())),
        Kind::Array(items) => items.iter().for_each(|item| tokens(item, visit)),
        Kind::Object(members) => {
            for member in members {
                visit(member.key_span.clone(), Token::String(&member.key));
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
    sorted: bool,
    limit: usize,
    out: String,
}

impl Writing<'_> {
    fn value(&mut self, node: &Node<'_>, depth: usize) -> Option<()> {
        if self.out.len() > self.limit {
            return None;
        }
        match &node.kind {
            Kind::Null | Kind::Bool(_) => self.out.push_str(&self.text[node.span.clone()]),
            Kind::Number(text) => self.out.push_str(&self.writer.numbers.write(text)?),
            Kind::String(text) => push_quoted(text, self.writer.escapes, &mut self.out),
            Kind::Array(items) => self.list('[', ']', items, depth, |this, item, depth| this.value(item, depth))?,
            Kind::Object(members) if members.is_empty() && self.writer.members == Members::Php => {
                self.out.push_str("[]");
            }
            Kind::Object(members) if members.is_empty() && self.writer.members == Members::Ruby => {
                self.out.push('{');
                self.new_line(depth);
                self.out.push('}');
            }
            Kind::Object(members) => {
                let members = self.writer.members.arrange(members, self.sorted);
                self.list('{', '}', &members, depth, |this, member, depth| {
                    push_quoted(&member.key, this.writer.escapes, &mut this.out);
                    this.out.push_str(if this.layout == Layout::Compact { ":" } else { ": " });
                    this.value(&member.value, depth)
                })?;
            }
        }
        Some(())
    }

    fn list<T>(
        &mut self,
        open: char,
        close: char,
        items: &[T],
        depth: usize,
        write: impl Fn(&mut Self, &T, usize) -> Option<()>,
    ) -> Option<()> {
        self.out.push(open);
        for (number, item) in items.iter().enumerate() {
            if number > 0 {
                self.out.push_str(if self.layout == Layout::Spaced { ", " } else { "," });
            }
            self.new_line(depth + 1);
            write(self, item, depth + 1)?;
        }
        if !items.is_empty() {
            self.new_line(depth);
        }
        self.out.push(close);
        Some(())
    }

    fn new_line(&mut self, depth: usize) {
        if let Layout::Indented(by) = self.layout {
            self.out.push('\n');
            for _ in 0..depth {
                self.out.push_str(by);
            }
        }
    }
}

fn quoted(text: &str, escapes: Escapes) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_quoted(text, escapes, &mut out);
    out
}

/// Appends a string literal.
fn push_quoted(text: &str, escapes: Escapes, out: &mut String) {
    let has = |escape| escapes.contains(&escape);
    let unicode = if has(Escape::Uppercase) { writer::Escape::UnicodeUppercase } else { writer::Escape::Unicode };
    let escape = |character: char| match character {
        '/' => has(Escape::Slash).then_some(writer::Escape::Backslash),
        _ => must_escape(character, escapes).then_some(unicode),
    };
    writer::push_string(text, escape, out);
}

fn must_escape(character: char, escapes: Escapes) -> bool {
    let has = |escape| escapes.contains(&escape);
    match character {
        '\0'..='\u{1f}' => true,
        '\u{7f}' => has(Escape::Delete),
        '<' | '>' | '&' => has(Escape::Html),
        '\u{2028}' | '\u{2029}' => has(Escape::LineSeparators) || has(Escape::NonAscii),
        other => has(Escape::NonAscii) && !other.is_ascii(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::{
        super::libraries::{SPELLINGS, WRITERS},
        *,
    };

    const RECORDED: &str = include_str!("../../../../tests/vectors/serialisers.json");

    #[derive(Deserialize)]
    struct Recorded {
        count: usize,
        inputs: HashMap<String, String>,
        vectors: Vec<Vector>,
    }

    #[derive(Deserialize)]
    struct Vector {
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
            other => panic!("unknown layout {other}"),
        }
    }

    #[test]
    fn documents_are_written_as_the_real_libraries_write_them() {
        let recorded: Recorded = serde_json::from_str(RECORDED).unwrap();
        assert_eq!(recorded.vectors.len(), recorded.count);
        for Vector { writer, layout: name, sorted, tool, command, input, output } in &recorded.vectors {
            let text = &recorded.inputs[input];
            let root = json::parse(text).unwrap();
            let writer = WRITERS.iter().find(|known| known.call == writer).unwrap();
            let layout = layout(name);
            assert!(writer.layouts.contains(&layout), "{} {layout:?}", writer.call);
            let made = Document { text, root: &root }.written(writer, layout, *sorted);
            assert_eq!(made.as_deref(), Some(output.as_str()), "{tool}: {command}");
        }
    }

    #[test]
    fn text_that_grows_out_of_proportion_is_not_written() {
        let text = format!("{}{}{}", "[".repeat(500), "1,".repeat(60_000) + "1", "]".repeat(500));
        let root = json::parse(&text).unwrap();
        let document = Document { text: &text, root: &root };
        assert_eq!(document.written(&WRITERS[0], Layout::Indented("    "), false), None);
        assert_eq!(document.written(&WRITERS[0], Layout::Compact, false).as_deref(), Some(&*text));
    }

    #[test]
    fn only_strings_are_respelled() {
        let text = "{ \"\\u00E9\": [1.0, \"a/\\u00fc<\"] }\n";
        let root = json::parse(text).unwrap();
        let document = Document { text, root: &root };
        let spelled: Vec<String> = SPELLINGS.iter().map(|(escapes, _)| document.respelled(escapes)).collect();
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
