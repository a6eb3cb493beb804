//! The variables that a text sets, and what expressions are with them.

use std::{cell::Cell, collections::HashMap};

use super::{
    super::{
        parts::{self, ParseError, expected, quoted},
        written,
    },
    expression::{Argument, Expression, Language, arguments, expression, name},
};
use crate::webhook::{diagnose::Layout, json};

/// How many names may stand for each other.
const MAX_NAMES: usize = 8;

/// How many bytes the values that are used may have together: a text may use a large one many times.
const MAX_USED: usize = 64 << 20;

/// The variables that were set so far.
pub(super) struct Scope {
    variables: HashMap<String, Expression>,
    /// How many bytes of values may still be used.
    left: Cell<usize>,
}

/// What is sent as a body.
pub(super) enum Content {
    Nothing,
    /// Bytes as they are, and the content type that goes with them.
    Bytes(Vec<u8>, Option<&'static str>),
    /// Values, of which the library makes a body.
    Values(Expression),
}

impl Default for Scope {
    fn default() -> Self {
        Self { variables: HashMap::new(), left: Cell::new(MAX_USED) }
    }
}

impl Scope {
    /// Reads the statement that a text starts with, if it sets a variable. Returns what follows it, within its last line;
    /// `None` if it has no end.
    pub fn statement<'t>(&mut self, text: &'t str, language: Language) -> Option<&'t str> {
        let declared = text.trim_start_matches([' ', '\t']);
        let mut code = declared;
        for word in ["export ", "const ", "let ", "var "] {
            code = code.strip_prefix(word).unwrap_or(code);
        }
        let variable = name(code);
        let after = &code[variable.len()..];
        if variable.is_empty() {
            return Some(text);
        }
        // `headers.append("X-A", "b")` and `headers["X-A"] = "b"`
        if let Some(object) = [".append", ".set"].iter().find_map(|method| variable.strip_suffix(method))
            && after.starts_with('(')
        {
            let (found, rest) = arguments(after, language)?;
            if let [Argument { value: Expression::Text(key), .. }, Argument { value, .. }] = &found[..] {
                self.add(object, key, value.clone());
            }
            return Some(rest);
        }
        if let Some(key) = after.strip_prefix('[') {
            let (key, rest) = expression(key, language)?;
            let value = rest.strip_prefix(']').map(str::trim_start).and_then(|rest| rest.strip_prefix('='));
            let (Expression::Text(key), Some(value)) = (key, value) else { return Some(text) };
            let (value, rest) = expression(value, language)?;
            self.add(variable, &key, value);
            return Some(rest);
        }
        // A type may be named before the value.
        let may_have_type = language == Language::Python || code.len() < declared.len();
        let line = &after[..after.find('\n').unwrap_or(after.len())];
        let is_set = |at: usize| line[..at].trim().is_empty() || may_have_type && line.starts_with(':');
        let value = line.find('=').filter(|at| is_set(*at)).map(|at| &after[at + 1..]);
        let Some(value) = value.filter(|value| !value.starts_with(['=', '>'])) else { return Some(text) };
        let (value, rest) = expression(value, language)?;
        self.variables.insert(variable.to_owned(), value);
        Some(rest)
    }

    /// Adds a member to a variable, which may be `new Headers()`.
    fn add(&mut self, variable: &str, key: &str, value: Expression) {
        let Some(found) = self.variables.get_mut(variable) else { return };
        if let Expression::Call(_, arguments) = found {
            *found = arguments.pop().map_or(Expression::Object(Vec::new()), |argument| argument.value);
        }
        if let Expression::Object(members) = found {
            members.push((key.to_owned(), value));
        }
    }

    /// What a name stands for; the name itself if that isn't known, or the values become too large.
    pub fn resolve<'e>(&'e self, mut found: &'e Expression) -> &'e Expression {
        for _ in 0..MAX_NAMES {
            let Expression::Name(name) = found else { break };
            let Some(value) = self.variables.get(name) else { break };
            let Some(left) = self.left.get().checked_sub(value.size()) else { break };
            self.left.set(left);
            found = value;
        }
        found
    }

    /// The text of an expression, which is the `what` of a request.
    pub fn text(&self, what: &str, found: &Expression) -> Result<String, ParseError> {
        match self.resolve(found) {
            Expression::Text(text) | Expression::Number(text) => Ok(text.clone()),
            Expression::Joined(parts) => self.joined(what, parts),
            Expression::Call(function, arguments) => match (function.as_str(), &arguments[..]) {
                ("URL" | "str" | "String" | ".toString" | ".strip" | ".trim", [argument]) => {
                    self.text(what, &argument.value)
                }
                _ => Err(unknown(what, found)),
            },
            other => Err(unknown(what, other)),
        }
    }

    /// Texts that are joined, in variables or not.
    fn joined(&self, what: &str, parts: &[Expression]) -> Result<String, ParseError> {
        let text = |part: &Expression| match self.resolve(part) {
            Expression::Text(text) | Expression::Number(text) => Ok(text.clone()),
            other => Err(unknown(what, other)),
        };
        parts.iter().map(text).collect()
    }

    /// The members of an object or the pairs of a list, with their texts.
    pub fn fields(&self, what: &str, found: &Expression) -> Result<Vec<(String, String)>, ParseError> {
        let found = match self.resolve(found) {
            Expression::Call(function, arguments)
                if matches!(function.as_str(), "Headers" | "URLSearchParams" | "dict") =>
            {
                arguments.first().map_or(&Expression::Constant("null"), |argument| self.resolve(&argument.value))
            }
            found => found,
        };
        match found {
            Expression::Constant("null") => Ok(Vec::new()),
            Expression::Object(members) => members
                .iter()
                .map(|(name, value)| Ok((name.clone(), self.text(&format!("value of {}", quoted(name)), value)?)))
                .collect(),
            Expression::List(pairs) => pairs
                .iter()
                .map(|pair| match self.resolve(pair) {
                    Expression::List(pair) if pair.len() == 2 => {
                        Ok((self.text(what, &pair[0])?, self.text(what, &pair[1])?))
                    }
                    other => Err(unknown(what, other)),
                })
                .collect(),
            other => Err(unknown(what, other)),
        }
    }

    /// An expression as JSON.
    pub fn json(&self, found: &Expression) -> Result<String, ParseError> {
        Ok(match self.resolve(found) {
            Expression::Text(text) => json::quote(text),
            Expression::Joined(parts) => json::quote(&self.joined("value in the body", parts)?),
            Expression::Number(number) if serde_json::from_str::<serde_json::Number>(number).is_ok() => number.clone(),
            Expression::Constant(word) => (*word).to_owned(),
            Expression::List(items) => {
                let items: Vec<String> = items.iter().map(|item| self.json(item)).collect::<Result<_, _>>()?;
                format!("[{}]", items.join(","))
            }
            Expression::Object(members) => {
                let member = |(name, value): &(String, _)| Ok(format!("{}:{}", json::quote(name), self.json(value)?));
                let members: Vec<String> = members.iter().map(member).collect::<Result<_, ParseError>>()?;
                format!("{{{}}}", members.join(","))
            }
            other => return Err(unknown("value in the body", other)),
        })
    }

    /// What an expression is as a body.
    pub fn content(&self, found: &Expression) -> Result<Content, ParseError> {
        let found = self.resolve(found);
        let bytes = |text: String| Ok(Content::Bytes(text.into_bytes(), None));
        match found {
            Expression::Constant("null") => Ok(Content::Nothing),
            Expression::Text(text) => bytes(text.clone()),
            Expression::Joined(parts) => bytes(self.joined("body", parts)?),
            Expression::Bytes(bytes) => Ok(Content::Bytes(bytes.clone(), None)),
            Expression::Object(_) | Expression::List(_) => Ok(Content::Values(found.clone())),
            Expression::Call(function, arguments) => {
                let values: Vec<&Expression> = arguments.iter().map(|argument| &argument.value).collect();
                match (function.as_str(), &values[..]) {
                    ("JSON.stringify", [value]) => bytes(self.javascript(value, Layout::Compact)?),
                    ("JSON.stringify", [value, Expression::Constant("null"), Expression::Number(indent)]) => {
                        bytes(self.javascript(value, indented(indent).ok_or_else(|| unknown("body", found))?)?)
                    }
                    ("json.dumps", [value, ..]) => bytes(self.python(value, &arguments[1..])?),
                    (".encode" | ".strip" | ".trim" | ".toString" | "Buffer.from", [value]) => self.content(value),
                    (".encode" | "bytes" | "Buffer.from", [value, Expression::Text(encoding)])
                        if matches!(encoding.to_ascii_lowercase().as_str(), "utf-8" | "utf8") =>
                    {
                        self.content(value)
                    }
                    ("Buffer.from", [value, Expression::Text(encoding)]) if encoding == "base64" => {
                        let bytes = parts::base64("Buffer.from", &self.text("base64", value)?)?;
                        Ok(Content::Bytes(bytes.into(), None))
                    }
                    ("URLSearchParams", [_]) => {
                        let form = written::javascript_form(&self.fields("form", found)?);
                        Ok(Content::Bytes(form.into_bytes(), Some("application/x-www-form-urlencoded;charset=UTF-8")))
                    }
                    ("urlencode" | "urllib.parse.urlencode" | "parse.urlencode", [fields]) => {
                        bytes(written::python_form(&self.fields("form", fields)?))
                    }
                    _ => Err(unknown("body", found)),
                }
            }
            other => Err(unknown("body", other)),
        }
    }

    /// A value as `JSON.stringify` writes it.
    pub fn javascript(&self, found: &Expression, layout: Layout) -> Result<String, ParseError> {
        written::javascript_json(&self.json(found)?, layout).ok_or_else(|| unknown("body", found))
    }

    /// A value as `json.dumps` writes it with these arguments.
    pub fn python(&self, found: &Expression, arguments: &[Argument]) -> Result<String, ParseError> {
        let (mut layout, mut is_ascii) = (Layout::Spaced, true);
        for Argument { name, value } in arguments {
            match (name.as_deref(), value) {
                (Some("separators"), Expression::List(separators))
                    if separators[..] == [Expression::Text(",".to_owned()), Expression::Text(":".to_owned())] =>
                {
                    layout = Layout::Compact;
                }
                (Some("indent"), Expression::Number(indent)) => {
                    layout = indented(indent).ok_or_else(|| unknown("body", found))?;
                }
                (Some("ensure_ascii"), Expression::Constant("false")) => is_ascii = false,
                (Some("ensure_ascii"), Expression::Constant("true")) => {}
                (name, _) => {
                    let name = name.unwrap_or("a second argument");
                    return Err(expected(format!(
                        "the body as text, found json.dumps with {name}; print what it returns"
                    )));
                }
            }
        }
        written::python_json(&self.json(found)?, layout, is_ascii).ok_or_else(|| unknown("body", found))
    }
}

fn indented(by: &str) -> Option<Layout> {
    match by {
        "2" => Some(Layout::Indented("  ")),
        "4" => Some(Layout::Indented("    ")),
        _ => None,
    }
}

/// The error of a part whose value the text doesn't have.
fn unknown(what: &str, found: &Expression) -> ParseError {
    let shown = match found {
        Expression::Other(text) | Expression::Name(text) | Expression::Number(text) | Expression::Text(text) => {
            text.clone()
        }
        Expression::Call(function, _) => format!("{function}(…)"),
        Expression::Constant(word) => (*word).to_owned(),
        Expression::Bytes(_) => "bytes".to_owned(),
        Expression::Joined(_) => "a text that is joined".to_owned(),
        Expression::List(_) => "a list".to_owned(),
        Expression::Object(_) => "an object".to_owned(),
    };
    expected(format!("the {what} in the text, found {}: nothing is run; print the request instead", quoted(&shown)))
}
