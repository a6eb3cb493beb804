//! PowerShell's `Invoke-WebRequest` and `Invoke-RestMethod`, as browsers copy them ("Copy as PowerShell") and as people write
//! them, with variables for headers and body.
//!
//! The words are read without running anything: what needs another variable or a command is an error.

use std::collections::HashMap;

use super::{
    Collected, Entry, Fault, Format, Input, Reader,
    parts::{self, ParseError, expected, quoted},
    whole,
};
use crate::webhook::request::{Headers, Request};

/// A request as a PowerShell command.
pub(super) struct PowerShell;

/// How many lines that set a variable are read.
const MAX_VARIABLES: usize = 64;

const COMMANDS: [&str; 4] = ["invoke-webrequest", "invoke-restmethod", "iwr", "irm"];

impl Format for PowerShell {
    fn name(&self) -> &'static str {
        "a PowerShell command"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        str::from_utf8(head).is_ok_and(|text| {
            let first = text.trim_start();
            let starts = first.starts_with('$') || COMMANDS.iter().any(|name| is_command(first, name));
            starts && command(text).is_some()
        })
    }

    fn read<'a>(&self, input: Input<'a>) -> Result<Box<dyn Reader + 'a>, Fault> {
        let input = whole(input)?;
        Ok(Box::new(Collected::of(entry(&String::from_utf8_lossy(&input)))))
    }
}

fn is_command(line: &str, name: &str) -> bool {
    let start = line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    start && line[name.len()..].starts_with(|c: char| c.is_whitespace())
}

/// Where the first command starts, which may follow `$response = `.
fn command(text: &str) -> Option<usize> {
    let starts = text.char_indices().filter(|(at, _)| *at == 0 || text[..*at].ends_with(|c: char| c.is_whitespace()));
    starts.map(|(at, _)| at).find(|at| COMMANDS.iter().any(|name| is_command(&text[*at..], name)))
}

/// A value in a script.
#[derive(Clone)]
enum Value {
    Text(String),
    Table(Vec<(String, String)>),
}

impl Value {
    fn text(self, what: &str) -> Result<String, ParseError> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Table(_) => Err(expected(format!("text as the {what}, found a table"))),
        }
    }
}

/// The request; `None` if it delivers nothing.
fn entry(text: &str) -> Result<Option<Entry>, ParseError> {
    let start = command(text).ok_or_else(|| expected("Invoke-WebRequest or Invoke-RestMethod"))?;
    let variables = variables(&text[..start]);
    let mut script = Script { rest: &text[start..], variables: &variables };
    script.word();
    let (mut url, mut method, mut body) = (None, "GET".to_owned(), None);
    let mut headers: Vec<(String, String)> = Vec::new();
    if let Some(Value::Text(agent)) = variables.get("session.useragent") {
        headers.push(("user-agent".to_owned(), agent.clone()));
    }
    while let Some(name) = script.parameter() {
        match name.to_ascii_lowercase().as_str() {
            "uri" | "url" | "" => url = Some(script.value()?.text("URL")?),
            "method" => method = script.value()?.text("method")?.to_ascii_uppercase(),
            "contenttype" => headers.push(("content-type".to_owned(), script.value()?.text("content type")?)),
            "useragent" => headers.push(("user-agent".to_owned(), script.value()?.text("user agent")?)),
            "headers" => match script.value()? {
                Value::Table(fields) => headers.extend(fields),
                Value::Text(text) => {
                    return Err(expected(format!("a table of headers, found {}", quoted(&text))));
                }
            },
            "body" => body = Some(script.value()?.text("body")?),
            "infile" => return Err(expected("the body in -Body, found -InFile")),
            "usebasicparsing" | "skipcertificatecheck" | "disablekeepalive" => {}
            _ => drop(script.value()),
        }
    }
    let url = url.ok_or_else(|| expected("-Uri"))?;
    let method = parts::method("-Method", &method)?;
    let Some(body) = body.filter(|body| !body.is_empty() && parts::delivers(&method)) else { return Ok(None) };
    let headers =
        headers.iter().map(|(name, value)| parts::foreign_field(name, value)).collect::<Result<Headers, _>>()?;
    let target = parts::written_target("-Uri", &url)?;
    let mut request = Request { method, target, headers, body: body.into() };
    let notes = parts::body_notes(&mut request);
    Ok(Some(Entry { notes, ..Entry::called(&url, request) }))
}

/// The variables that are set before a command, and the properties of them.
fn variables(text: &str) -> HashMap<String, Value> {
    let mut variables = HashMap::new();
    let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
    let mut end = 0;
    for start in starts.filter(|start| text[*start..].starts_with('$')).take(MAX_VARIABLES) {
        let Some(line) = text[start..].strip_prefix('$').filter(|_| start >= end) else { continue };
        let Some((name, value)) = line.split_once('=') else { continue };
        let mut script = Script { rest: value, variables: &variables };
        if let Ok(value) = script.value() {
            end = text.len() - script.rest.len();
            variables.insert(name.trim().to_ascii_lowercase(), value);
        }
    }
    variables
}

struct Script<'t, 'v> {
    rest: &'t str,
    variables: &'v HashMap<String, Value>,
}

impl<'t> Script<'t, '_> {
    /// Skips whitespace and continued lines within a command.
    fn skip(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\r']);
            let continued = self.rest.strip_prefix('`').map(|rest| rest.trim_start_matches([' ', '\r']));
            let Some(rest) = continued.and_then(|rest| rest.strip_prefix('\n')) else { return };
            self.rest = rest;
        }
    }

    fn word(&mut self) -> &'t str {
        let is_end = |c: char| c.is_whitespace() || ";,(){}|=\"'".contains(c);
        let (word, rest) = self.rest.split_at(self.rest.find(is_end).unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }

    /// The name of the next parameter, which is empty for an argument without one.
    fn parameter(&mut self) -> Option<&'t str> {
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

    fn value(&mut self) -> Result<Value, ParseError> {
        self.skip();
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

    /// A value that holds no other.
    fn simple(&mut self) -> Result<Value, ParseError> {
        self.skip();
        match self.rest.as_bytes() {
            [b'@', quote @ (b'\'' | b'"'), ..] => self.here_string(char::from(*quote)),
            [b'\'', ..] => self.single_quoted().map(Value::Text),
            [b'"', ..] => self.double_quoted().map(Value::Text),
            [b'$', ..] => {
                let shown = self.unreadable();
                self.rest = &self.rest[1..];
                let name = self.word().to_ascii_lowercase();
                self.variables.get(&name).cloned().ok_or(shown)
            }
            [] => Err(expected("a value at the end of the command")),
            _ => {
                let word = self.word();
                if word.is_empty() { Err(self.unreadable()) } else { Ok(Value::Text(word.to_owned())) }
            }
        }
    }

    fn unreadable(&self) -> ParseError {
        let start: String = self.rest.lines().next().unwrap_or_default().chars().take(40).collect();
        expected(format!("text, a table or a variable that is set before, found {}", quoted(&start)))
    }

    /// `@{ "name" = "value"; name = 'value' }`.
    fn table(&mut self) -> Result<Value, ParseError> {
        let mut fields = Vec::new();
        self.rest = &self.rest[2..];
        loop {
            self.rest = self.rest.trim_start_matches(|c: char| c.is_whitespace() || c == ';');
            if let Some(rest) = self.rest.strip_prefix('}') {
                self.rest = rest;
                return Ok(Value::Table(fields));
            }
            let name = self.simple()?.text("name of a header")?;
            self.skip();
            self.rest = self.rest.strip_prefix('=').ok_or_else(|| expected("`=` after the name of a header"))?;
            fields.push((name, self.simple()?.text("value of a header")?));
        }
    }

    fn here_string(&mut self, quote: char) -> Result<Value, ParseError> {
        let end = format!("\n{quote}@");
        let found = self.rest.split_once('\n').and_then(|(_, rest)| rest.split_once(&end));
        let (text, rest) = found.ok_or_else(|| expected(format!("`{quote}@` at the start of a line")))?;
        self.rest = rest;
        Ok(Value::Text(text.strip_suffix('\r').unwrap_or(text).to_owned()))
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
                '`' => {
                    let escaped = rest.chars().next().ok_or_else(|| expected("a closing `\"`"))?;
                    rest = &rest[escaped.len_utf8()..];
                    text.push(match escaped {
                        'n' => '\n',
                        'r' => '\r',
                        't' => '\t',
                        '0' => '\0',
                        other => other,
                    });
                }
                '$' if rest.starts_with("([char]") => {
                    let (number, after) = rest[7..].split_once(')').ok_or_else(|| expected("`)` after `$([char]`"))?;
                    let unit = number.parse().ok().and_then(char::from_u32);
                    text.push(unit.ok_or_else(|| expected(format!("a character, found $([char]{number})")))?);
                    rest = after;
                }
                '$' if rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '(') => {
                    return Err(expected("a string without variables, or one in single quotes"));
                }
                _ => text.push(c),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::store::formats::tests::{collected, fields};

    fn read(text: &str) -> (String, String, String) {
        let (entries, _) = collected(text);
        let [Ok(entry)] = &entries[..] else { panic!("{text}: {entries:?}") };
        let request = &entry.request;
        let line = format!("{} {}", request.method, request.target);
        (line, fields(request), String::from_utf8_lossy(&request.body).into_owned())
    }

    #[test]
    fn values_within_values_are_an_error_however_deep() {
        for value in ["(UTF8.GetBytes(", "@{ ", "@{ a = "] {
            let text = format!("Invoke-WebRequest -Uri http://h/a -Method POST -Body {}\n", value.repeat(100_000));
            let (entries, _) = collected(&text);
            assert!(matches!(&entries[..], [Err(_)]), "{value}");
        }
    }

    #[test]
    fn a_command_is_read_as_browsers_copy_it() {
        let text = "$session = New-Object Microsoft.PowerShell.Commands.WebRequestSession\n$session.UserAgent = \"Mozilla/5.0\"\nInvoke-WebRequest -UseBasicParsing -Uri \"https://h.example/a?b=1\" `\n-Method \"POST\" `\n-WebSession $session `\n-Headers @{\n\"x-a\"=\"b\"\n  \"x-c\"=\"`\"d`\"\"\n} `\n-ContentType \"application/json\" `\n-Body ([System.Text.Encoding]::UTF8.GetBytes(\"{`\"n`\":`\"caf$([char]233)`\"}\"))\n";
        let (line, fields, body) = read(text);
        assert_eq!(line, "POST /a?b=1");
        assert_eq!(fields, "user-agent: Mozilla/5.0\nx-a: b\nx-c: \"d\"\ncontent-type: application/json\n");
        assert_eq!(body, "{\"n\":\"caf\u{e9}\"}");
    }

    #[test]
    fn a_command_is_read_as_people_write_it() {
        let expected = ("POST /a".to_owned(), "X-A: b\n".to_owned(), "{\"n\": \"it's\"}".to_owned());
        for text in [
            "Invoke-RestMethod -Uri http://h/a -Method Post -Headers @{ 'X-A' = 'b' } -Body '{\"n\": \"it''s\"}'\n",
            "$response = iwr http://h/a -Method POST -Headers @{ 'X-A' = 'b' } -Body '{\"n\": \"it''s\"}'\n",
            "$headers = @{\n  'X-A' = 'b'\n}\n$body = @'\n{\"n\": \"it's\"}\n'@\nirm -Method Post -Uri 'http://h/a' -Headers $headers -Body $body\n",
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_only_running_the_command_shows_is_an_error() {
        for body in ["($data | ConvertTo-Json)", "$unset", "\"{$x}\""] {
            let (entries, _) = collected(&format!("irm http://h/a -Method Post -Body {body}\n"));
            assert!(entries.is_empty() || entries[0].is_err(), "{body}: {entries:?}");
        }
    }
}
