//! PowerShell's words and values. Nothing is run.

use std::collections::HashMap;

use super::super::parts::{ParseError, expected, quoted};

/// A value in a script.
#[derive(Clone)]
pub(super) enum ScriptValue {
    Text(String),
    Table(Vec<(String, String)>),
}

impl ScriptValue {
    pub fn text(self, what: &str) -> Result<String, ParseError> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Table(_) => Err(expected(format!("text as the {what}, found a table"))),
        }
    }
}

/// `$variable = value`, or a member of a table: `$variable["key"] = "value"`, `$variable.Add("key", "value")`.
pub(super) struct Statement {
    pub variable: String,
    pub key: Option<String>,
    pub value: ScriptValue,
}

/// The rest of a script.
pub(super) struct ScriptCursor<'t, 'v> {
    pub rest: &'t str,
    /// The variables set before it.
    pub variables: &'v HashMap<String, ScriptValue>,
}

impl<'t> ScriptCursor<'t, '_> {
    /// Skips whitespace and continued lines within a command.
    fn skip(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\r']);
            let continued = self.rest.strip_prefix('`').map(|rest| rest.trim_start_matches([' ', '\r']));
            let Some(rest) = continued.and_then(|rest| rest.strip_prefix('\n')) else { return };
            self.rest = rest;
        }
    }

    pub fn word(&mut self) -> &'t str {
        let is_end = |c: char| c.is_whitespace() || ";,(){}|=\"'".contains(c);
        let (word, rest) = self.rest.split_at(self.rest.find(is_end).unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }

    /// The name of the next parameter; empty for a positional argument.
    pub fn parameter(&mut self) -> Option<&'t str> {
        self.skip();
        match self.rest.chars().next()? {
            '\n' | ';' | '|' | ')' | '}' => None,
            '-' => {
                self.rest = &self.rest[1..];
                let name = self.word();
                Some(name.trim_end_matches(':'))
            }
            _ => Some(""),
        }
    }

    /// Whether another parameter or the end of the command follows, so that the previous parameter is a switch.
    pub fn is_at_parameter(&mut self) -> bool {
        self.skip();
        let mut characters = self.rest.chars();
        match characters.next() {
            None | Some('\n' | ';' | '|' | ')' | '}') => true,
            Some('-') => characters.next().is_some_and(char::is_alphabetic),
            Some(_) => false,
        }
    }

    /// Reads a statement after its `$`; `None` if it is another kind of statement, or has more than a value.
    pub fn statement(&mut self) -> Option<Statement> {
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || "_.:".contains(c)))?;
        let (name, rest) = self.rest.split_at(end);
        let variable = name.to_ascii_lowercase();
        if let Some(inside) = rest.strip_prefix('[').or_else(|| rest.strip_prefix('(')) {
            self.rest = inside;
            let Ok(ScriptValue::Text(key)) = self.simple() else { return None };
            self.rest = self.rest.trim_start_matches([' ', ']', ',', '=']);
            let value = self.simple().ok()?;
            self.rest = self.rest.trim_start_matches(')');
            self.end()?;
            let variable = variable.strip_suffix(".add").unwrap_or(&variable).to_owned();
            return Some(Statement { variable, key: Some(key), value });
        }
        self.rest = rest.trim_start().strip_prefix('=')?;
        let value = self.value().ok()?;
        self.end()?;
        Some(Statement { variable, key: None, value })
    }

    /// The end of a statement; `None` if an operator, a method or a pipe changes the value before it.
    fn end(&mut self) -> Option<()> {
        self.skip();
        (self.rest.is_empty() || self.rest.starts_with(['\n', ';', '#', '}'])).then_some(())
    }

    pub fn value(&mut self) -> Result<ScriptValue, ParseError> {
        self.skip();
        for empty in ["New-Object ", "[ordered]"] {
            if let Some(rest) = self.rest.strip_prefix(empty) {
                self.rest = rest.trim_start();
                if !self.rest.starts_with("@{") {
                    self.rest = &self.rest[self.rest.find('\n').unwrap_or(self.rest.len())..];
                    return Ok(ScriptValue::Table(Vec::new()));
                }
            }
        }
        match self.rest.as_bytes() {
            [b'@', b'{', ..] => self.table(),
            // `([System.Text.Encoding]::UTF8.GetBytes("…"))`, which browsers write for text beyond ASCII.
            [b'(' | b'[', ..] => {
                let start = self.rest.find("UTF8.GetBytes(").ok_or_else(|| self.unreadable())?;
                self.rest = &self.rest[start + "UTF8.GetBytes(".len()..];
                let value = self.simple()?;
                self.rest = self.rest.trim_start().trim_start_matches(')');
                Ok(value)
            }
            _ => self.simple(),
        }
    }

    /// A value that contains no other.
    fn simple(&mut self) -> Result<ScriptValue, ParseError> {
        self.skip();
        match self.rest.as_bytes() {
            [b'@', quote @ (b'\'' | b'"'), ..] => self.here_string(char::from(*quote)),
            [b'\'', ..] => self.single_quoted().map(ScriptValue::Text),
            [b'"', ..] => self.double_quoted().map(ScriptValue::Text),
            [b'$', ..] => {
                let shown = self.unreadable();
                self.rest = &self.rest[1..];
                let name = self.word().to_ascii_lowercase();
                self.variables.get(&name).cloned().ok_or(shown)
            }
            [] => Err(expected("a value at the end of the command")),
            _ => {
                let word = self.word();
                if word.is_empty() { Err(self.unreadable()) } else { Ok(ScriptValue::Text(word.to_owned())) }
            }
        }
    }

    fn unreadable(&self) -> ParseError {
        // Only a variable's name: other text may be a secret.
        let name = self.rest.strip_prefix('$').map(|name| {
            let end = name.find(|c: char| !(c.is_alphanumeric() || "_.:".contains(c))).unwrap_or(name.len());
            quoted(&self.rest[..=end])
        });
        let found = name.as_deref().unwrap_or("an expression");
        expected(format!("text, a table or a variable set earlier, found {found}"))
    }

    /// `@{ "name" = "value"; name = 'value' }`.
    fn table(&mut self) -> Result<ScriptValue, ParseError> {
        let mut fields = Vec::new();
        self.rest = &self.rest[2..];
        loop {
            self.rest = self.rest.trim_start_matches(|c: char| c.is_whitespace() || c == ';');
            if let Some(rest) = self.rest.strip_prefix('}') {
                self.rest = rest;
                return Ok(ScriptValue::Table(fields));
            }
            let name = self.simple()?.text("name of a header")?;
            self.skip();
            self.rest = self.rest.strip_prefix('=').ok_or_else(|| expected("`=` after the name of a header"))?;
            fields.push((name, self.simple()?.text("value of a header")?));
        }
    }

    fn here_string(&mut self, quote: char) -> Result<ScriptValue, ParseError> {
        let end = format!("\n{quote}@");
        let found = self.rest.split_once('\n').and_then(|(_, rest)| rest.split_once(&end));
        let (text, rest) = found.ok_or_else(|| expected(format!("`{quote}@` at the start of a line")))?;
        self.rest = rest;
        let text = text.strip_suffix('\r').unwrap_or(text);
        let mut found = String::with_capacity(text.len());
        let mut left = text;
        while let Some(c) = left.chars().next().filter(|_| quote == '"') {
            let (c, after) = escaped(c, &left[c.len_utf8()..])?;
            found.push(c);
            left = after;
        }
        Ok(ScriptValue::Text(found + left))
    }

    fn single_quoted(&mut self) -> Result<String, ParseError> {
        let mut text = String::new();
        loop {
            let (part, rest) = self.rest[1..].split_once('\'').ok_or_else(|| expected("a closing `'`"))?;
            text.push_str(part);
            self.rest = rest;
            if !rest.starts_with('\'') {
                return Ok(text);
            }
            text.push('\'');
        }
    }

    fn double_quoted(&mut self) -> Result<String, ParseError> {
        let mut text = String::new();
        let mut rest = &self.rest[1..];
        loop {
            let c = rest.chars().next().ok_or_else(|| expected("a closing `\"`"))?;
            rest = &rest[c.len_utf8()..];
            match c {
                '"' if rest.starts_with('"') => {
                    text.push('"');
                    rest = &rest[1..];
                }
                '"' => {
                    self.rest = rest;
                    return Ok(text);
                }
                c => {
                    let (c, after) = escaped(c, rest)?;
                    text.push(c);
                    rest = after;
                }
            }
        }
    }
}

/// The character that `c`, possibly with what follows it, represents in double quotes, and the rest.
fn escaped(c: char, rest: &str) -> Result<(char, &str), ParseError> {
    match c {
        '`' => {
            let escaped = rest.chars().next().ok_or_else(|| expected("a closing `\"`"))?;
            let c = match escaped {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                '0' => '\0',
                other => other,
            };
            Ok((c, &rest[escaped.len_utf8()..]))
        }
        '$' if rest.starts_with("([char]") => character(rest),
        '$' if rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '(') => {
            Err(expected("a string without variables, or one in single quotes"))
        }
        _ => Ok((c, rest)),
    }
}

/// The character of `([char]233)`, or of two UTF-16 units, `([char]55357)$([char]56832)`, and the text after it.
fn character(text: &str) -> Result<(char, &str), ParseError> {
    let unit = |text: &str| -> Option<(u16, usize)> {
        let (number, _) = text.strip_prefix("([char]")?.split_once(')')?;
        Some((number.trim().parse().ok()?, "([char])".len() + number.len()))
    };
    let shown: String = text.lines().next().unwrap_or_default().chars().take(40).collect();
    let wrong = || expected(format!("a character, found {}", quoted(&format!("${shown}"))));
    let (first, length) = unit(text).ok_or_else(wrong)?;
    let after = &text[length..];
    if let Some(character) = char::from_u32(first.into()) {
        return Ok((character, after));
    }
    let (second, length) = after.strip_prefix('$').and_then(unit).ok_or_else(wrong)?;
    match char::decode_utf16([first, second]).next() {
        Some(Ok(character)) => Ok((character, &after[1 + length..])),
        _ => Err(wrong()),
    }
}
