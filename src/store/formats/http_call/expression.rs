//! The expressions of JavaScript and Python that are used to write requests: literals, names and calls. No code is run.

use super::super::{
    values::{
        scan::{next, take},
        text_literal::{LiteralEnd, QUOTES, SourceLanguage, TextLiteral},
    },
    written,
};
use crate::webhook::diagnose::Layout;

/// How deeply expressions may be nested.
pub(super) const MAX_DEPTH: usize = 32;

/// Methods of strings.
const METHODS: [&str; 4] = ["encode", "strip", "toString", "trim"];

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expression {
    Text(String),
    Bytes(Vec<u8>),
    /// A number as the language turns it into text; `None` in a notation that JSON doesn't have, such as `0x10`.
    Number(Option<String>),
    /// `true`, `false` or `null`, as JSON.
    Constant(&'static str),
    Name(String),
    List(Vec<Expression>),
    Object(Vec<(String, Expression)>),
    /// A call of a function by its dotted name, or of a method as `.name` with the object as its first argument.
    Call(String, Vec<Argument>),
    /// Concatenated texts, some of them in variables.
    Joined(Vec<Expression>),
    /// Anything else.
    Other,
}

/// An argument of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Argument {
    /// The keyword, in Python.
    pub name: Option<String>,
    pub value: Expression,
}

/// The expression at the start of a text, and the rest of the text; `None` if it doesn't end.
pub(super) fn expression(text: &str, language: SourceLanguage) -> Option<(Expression, &str)> {
    let mut parser = ExpressionParser { rest: text, language, open: 0 };
    let found = parser.expression(MAX_DEPTH)?;
    Some((found, parser.rest))
}

/// The arguments of a call, starting with a parenthesis, and the rest of the text.
pub(super) fn arguments(text: &str, language: SourceLanguage) -> Option<(Vec<Argument>, &str)> {
    let mut parser = ExpressionParser { rest: text, language, open: 0 };
    let found = parser.arguments(MAX_DEPTH)?;
    Some((found, parser.rest))
}

/// The name at the start of a text, which may have dots.
pub(super) fn name(text: &str) -> &str {
    let is_start = text.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '$');
    let end = text.find(|c: char| !(c.is_alphanumeric() || "_$.".contains(c))).unwrap_or(text.len());
    if is_start { text[..end].trim_end_matches('.') } else { "" }
}

struct ExpressionParser<'t> {
    rest: &'t str,
    language: SourceLanguage,
    /// The number of open brackets, within which Python's expressions continue on the next line.
    open: usize,
}

impl ExpressionParser<'_> {
    fn skip_space(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            if !self.is_comment() {
                return;
            }
            self.rest = &self.rest[self.rest.find('\n').unwrap_or(self.rest.len())..];
        }
    }

    fn is_comment(&self) -> bool {
        self.rest.starts_with(if self.language == SourceLanguage::Python { "#" } else { "//" })
    }

    fn expression(&mut self, depth: usize) -> Option<Expression> {
        let depth = depth.checked_sub(1)?;
        self.skip_space();
        let (start, open) = (self.rest, self.open);
        let found = self.joined(depth);
        let is_whole = |parser: &mut Self| {
            parser.rest = parser.rest.trim_start_matches([' ', '\t', '\r']);
            parser.rest.is_empty() || parser.rest.starts_with([',', ')', '}', ']', ';', '\n']) || parser.is_comment()
        };
        if found.is_some() && is_whole(self) {
            return found;
        }
        (self.rest, self.open) = (start, open);
        self.skip_other()?;
        (self.rest.len() < start.len()).then_some(Expression::Other)
    }

    /// Texts joined by `+`, or adjacent ones, which Python joins.
    fn joined(&mut self, depth: usize) -> Option<Expression> {
        let mut found = self.called(depth)?;
        loop {
            let before = self.rest;
            self.skip_space();
            let is_beside = self.language == SourceLanguage::Python
                && self.is_text()
                && (self.open > 0 || !before[..before.len() - self.rest.len()].contains('\n'));
            if !is_beside && !take(&mut self.rest, "+") {
                self.rest = before;
                return Some(found);
            }
            self.skip_space();
            found = match (found, self.called(depth)?) {
                (Expression::Text(first), Expression::Text(second)) => Expression::Text(first + &second),
                (Expression::Bytes(first), Expression::Bytes(second)) => Expression::Bytes([first, second].concat()),
                (Expression::Joined(mut parts), second) => {
                    parts.push(second);
                    Expression::Joined(parts)
                }
                (first, second) => Expression::Joined(vec![first, second]),
            };
        }
    }

    /// Whether a string literal starts here.
    fn is_text(&self) -> bool {
        TextLiteral::open(&mut { self.rest }, Some(self.language)).is_some()
    }

    /// A primary expression and the method calls on it, each of which contains what precedes it.
    fn called(&mut self, mut depth: usize) -> Option<Expression> {
        let mut found = self.primary(depth)?;
        while self.rest.starts_with('.') {
            depth = depth.checked_sub(1)?;
            let method = name(&self.rest[1..]);
            self.rest = &self.rest[1 + method.len()..];
            if method.is_empty() || !self.rest.starts_with('(') {
                return None;
            }
            let mut arguments = vec![Argument { name: None, value: found }];
            arguments.extend(self.arguments(depth)?);
            found = Expression::Call(format!(".{method}"), arguments);
        }
        Some(found)
    }

    fn primary(&mut self, depth: usize) -> Option<Expression> {
        if self.is_text() {
            return self.text();
        }
        match self.rest.chars().next()? {
            '{' => self.object(depth),
            '[' => Some(Expression::List(self.list('[', ']', depth)?)),
            '(' => {
                let is_tuple = |items: &[Expression]| items.len() != 1;
                let mut items = self.list('(', ')', depth)?;
                if is_tuple(&items) { Some(Expression::List(items)) } else { items.pop() }
            }
            c if c.is_ascii_digit() || c == '-' => {
                let end = self.rest[1..].find(|c: char| !(c.is_ascii_alphanumeric() || "._+-".contains(c)));
                let (number, rest) = self.rest.split_at(1 + end.unwrap_or(self.rest.len() - 1));
                self.rest = rest;
                let text = match self.language {
                    SourceLanguage::Python => written::python_json(number, Layout::Compact, true),
                    SourceLanguage::JavaScript => written::javascript_json(number, Layout::Compact),
                };
                // JSON and text differ for a number that is infinite.
                Some(Expression::Number(text.filter(|text| text.ends_with(|c: char| c.is_ascii_digit()))))
            }
            _ => self.named(depth),
        }
    }

    fn named(&mut self, depth: usize) -> Option<Expression> {
        let found = name(self.rest);
        if found.is_empty() {
            return None;
        }
        self.rest = &self.rest[found.len()..];
        if matches!(found, "await" | "new") && self.rest.starts_with(' ') {
            self.skip_space();
            return self.called(depth.checked_sub(1)?);
        }
        if self.rest.starts_with('(') {
            let mut arguments = self.arguments(depth)?;
            // What a variable's method returns.
            if let Some((object, method)) = found.rsplit_once('.').filter(|(_, method)| METHODS.contains(method)) {
                arguments.insert(0, Argument { name: None, value: Expression::Name(object.to_owned()) });
                return Some(Expression::Call(format!(".{method}"), arguments));
            }
            return Some(Expression::Call(found.to_owned(), arguments));
        }
        Some(match found {
            "true" | "True" => Expression::Constant("true"),
            "false" | "False" => Expression::Constant("false"),
            "null" | "None" => Expression::Constant("null"),
            _ => Expression::Name(found.to_owned()),
        })
    }

    fn arguments(&mut self, depth: usize) -> Option<Vec<Argument>> {
        let mut arguments = Vec::new();
        take(&mut self.rest, "(");
        self.open += 1;
        loop {
            self.skip_separators();
            if take(&mut self.rest, ")") {
                self.open -= 1;
                return Some(arguments);
            }
            let keyword = name(self.rest);
            let value =
                self.rest[keyword.len()..].trim_start().strip_prefix('=').filter(|rest| !rest.starts_with(['=', '>']));
            let name = value.filter(|_| !keyword.is_empty()).map(|value| {
                self.rest = value;
                keyword.to_owned()
            });
            arguments.push(Argument { name, value: self.expression(depth)? });
        }
    }

    fn list(&mut self, open: char, close: char, depth: usize) -> Option<Vec<Expression>> {
        let mut items = Vec::new();
        self.rest = self.rest.strip_prefix(open)?;
        self.open += 1;
        loop {
            self.skip_separators();
            if let Some(rest) = self.rest.strip_prefix(close) {
                self.open -= 1;
                self.rest = rest;
                return Some(items);
            }
            items.push(self.expression(depth)?);
        }
    }

    fn object(&mut self, depth: usize) -> Option<Expression> {
        let mut members = Vec::new();
        take(&mut self.rest, "{");
        self.open += 1;
        loop {
            self.skip_separators();
            if take(&mut self.rest, "}") {
                self.open -= 1;
                return Some(Expression::Object(members));
            }
            let key = if self.is_text() {
                let Expression::Text(key) = self.text()? else { return None };
                key
            } else {
                let key = name(self.rest);
                self.rest = &self.rest[key.len()..];
                key.to_owned()
            };
            self.skip_space();
            if take(&mut self.rest, ":") {
                members.push((key, self.expression(depth)?));
            } else if !key.is_empty() && self.rest.starts_with([',', '}']) {
                // `{ headers, body }`
                members.push((key.clone(), Expression::Name(key)));
            } else {
                return None;
            }
        }
    }

    fn skip_separators(&mut self) {
        loop {
            self.skip_space();
            if !take(&mut self.rest, ",") {
                return;
            }
        }
    }

    /// A literal of text or bytes; `None` if it contains an expression other than a variable's name.
    fn text(&mut self) -> Option<Expression> {
        let literal = TextLiteral::open(&mut self.rest, Some(self.language))?;
        let mut parts = Vec::new();
        loop {
            let (bytes, stop) = literal.read(&mut self.rest)?;
            if literal.is_bytes() {
                return Some(Expression::Bytes(bytes));
            }
            parts.push(Expression::Text(String::from_utf8(bytes).ok()?));
            match stop {
                LiteralEnd::Expression => parts.push(self.variable()?),
                LiteralEnd::End if parts.len() == 1 => return parts.pop(),
                LiteralEnd::End => return Some(Expression::Joined(parts)),
            }
        }
    }

    /// The name of a variable within a text, up to the closing brace.
    fn variable(&mut self) -> Option<Expression> {
        let found = name(self.rest);
        self.rest = self.rest[found.len()..].strip_prefix('}').filter(|_| !found.is_empty())?;
        Some(Expression::Name(found.to_owned()))
    }

    /// Skips an expression that can't be read, up to the next separator.
    fn skip_other(&mut self) -> Option<()> {
        let mut open = 0_usize;
        loop {
            if self.is_comment() {
                self.rest = &self.rest[self.rest.find('\n').unwrap_or(self.rest.len())..];
            }
            if let Some(quotes) = QUOTES.iter().find(|quotes| take(&mut self.rest, quotes)) {
                while !take(&mut self.rest, quotes) {
                    if next(&mut self.rest)? == '\\' {
                        next(&mut self.rest)?;
                    }
                }
                continue;
            }
            let Some(c) = self.rest.chars().next() else { return (open == 0).then_some(()) };
            match c {
                ',' | ';' | '\n' | ')' | ']' | '}' if open == 0 => return Some(()),
                '(' | '[' | '{' => open += 1,
                ')' | ']' | '}' => open -= 1,
                _ => {}
            }
            self.rest = &self.rest[c.len_utf8()..];
        }
    }
}
