//! `curl` commands, as the developer tools of browsers copy them ("Copy as cURL", for POSIX shells and for cmd.exe) and as
//! hookdev prints them.
//!
//! The words are read as the shell would read them, without running anything: a command that needs a variable or a
//! substitution is an error, except `printf` with octal escapes, which hookdev writes for bodies that no argument can hold.

use bytes::Bytes;

use super::{
    Collected, Entry, Fault, Format, Input, Reader, beside,
    parts::{self, ParseError, expected, quoted},
    position::Start,
    whole,
};
use crate::webhook::request::{Headers, Method, Request};

/// A `curl` command.
pub(super) struct CurlCommand;

impl Format for CurlCommand {
    fn name(&self) -> &'static str {
        "a curl command"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let mut lines = head.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
        let Some(first) = lines.find(|line| !line.is_empty() && !line.starts_with(b"#")) else { return false };
        let first = first.strip_prefix(b"$ ").unwrap_or(first);
        let starts =
            |command: &[u8]| first.strip_prefix(command).is_some_and(|rest| rest.is_empty() || rest.starts_with(b" "));
        starts(b"curl")
            || starts(b"curl.exe")
            || (first.starts_with(b"printf '\\") && first.windows(6).any(|part| part == b"| curl"))
    }

    fn read<'a>(&self, input: Input<'a>) -> Result<Box<dyn Reader + 'a>, Fault> {
        let directory = input.directory.clone();
        let bytes = whole(input)?;
        let Ok(text) = str::from_utf8(&bytes) else {
            return Err(Fault::at(Start::of_line(1), expected("a command in UTF-8")));
        };
        let mut collected = Collected::default();
        for (line, command) in split(text) {
            match entry(&command, directory.as_deref()) {
                Ok(Some(entry)) => collected.push(Ok(Entry { line: Some(line), ..entry })),
                Ok(None) => collected.count_skipped(),
                Err(error) => collected.push(Err(Fault::at(Start::of_line(line), error))),
            }
        }
        Ok(Box::new(collected))
    }
}

/// One command: its words, and what a `printf` before it writes to its standard input.
type Command = Result<(Vec<String>, Option<Vec<u8>>), ParseError>;

/// The commands of a script, each with its line.
fn split(text: &str) -> Vec<(u64, Command)> {
    let is_cmd = text.contains("^\"") || text.contains("^\r\n") || text.contains("^\n");
    let mut commands = Vec::new();
    let mut rest = text;
    let mut line = 1;
    loop {
        let trimmed = rest.trim_start();
        line += newlines(&rest[..rest.len() - trimmed.len()]);
        rest = trimmed;
        if rest.is_empty() {
            return commands;
        }
        if rest.starts_with('#') {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
            continue;
        }
        let mut words = Words { rest, is_cmd };
        let command = words.command();
        // What can't be read hides the rest: where the next command starts is unknown.
        let is_broken = command.is_err();
        let read = rest.len() - words.rest.len();
        commands.push((line, command));
        line += newlines(&rest[..read]);
        rest = if is_broken { "" } else { words.rest };
    }
}

fn newlines(text: &str) -> u64 {
    text.bytes().filter(|&byte| byte == b'\n').count() as u64
}

/// Reads the words of a script.
struct Words<'a> {
    rest: &'a str,
    is_cmd: bool,
}

impl Words<'_> {
    /// The words up to the end of a command.
    fn command(&mut self) -> Command {
        let mut words = Vec::new();
        let mut stdin = None;
        loop {
            self.skip_blanks();
            let Some(next) = self.rest.chars().next() else { break };
            match next {
                '\n' | ';' | '&' => {
                    self.rest = self.rest.trim_start_matches(['\n', '\r', ';', '&', ' ']);
                    break;
                }
                '|' if words.first().is_some_and(|word| word == "printf") => {
                    self.rest = &self.rest[1..];
                    stdin = Some(octal(words.get(1).map_or("", String::as_str))?);
                    words.clear();
                }
                // What happens to the output doesn't matter.
                '|' | '>' | '<' => {
                    self.rest = &self.rest[self.rest.find('\n').unwrap_or(self.rest.len())..];
                }
                _ => words.push(self.word()?),
            }
        }
        if words.first().is_some_and(|word| word == "$") {
            words.remove(0);
        }
        Ok((words, stdin))
    }

    /// Skips blanks, carriage returns and continued lines.
    fn skip_blanks(&mut self) {
        let continuation = if self.is_cmd { '^' } else { '\\' };
        loop {
            let trimmed = self.rest.trim_start_matches([' ', '\t', '\r']);
            let joined = trimmed
                .strip_prefix(continuation)
                .and_then(|rest| rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')));
            match joined {
                Some(rest) => self.rest = rest,
                None => {
                    self.rest = trimmed;
                    return;
                }
            }
        }
    }

    fn word(&mut self) -> Result<String, ParseError> {
        if self.is_cmd { self.cmd_word() } else { self.posix_word() }
    }

    fn posix_word(&mut self) -> Result<String, ParseError> {
        let mut word = String::new();
        while let Some(next) = self.rest.chars().next() {
            match next {
                ' ' | '\t' | '\r' | '\n' | ';' | '|' | '&' | '<' | '>' => break,
                '\'' => {
                    let (text, rest) = self.rest[1..].split_once('\'').ok_or_else(|| expected("a closing `'`"))?;
                    word.push_str(text);
                    self.rest = rest;
                }
                '"' => self.double_quoted(&mut word)?,
                '$' if self.rest.starts_with("$'") => self.ansi_quoted(&mut word)?,
                '$' if self.rest.starts_with("$ ") => {
                    word.push('$');
                    self.rest = &self.rest[1..];
                }
                '$' | '`' => return Err(substitution(self.rest)),
                '\\' => {
                    let escaped = self.rest[1..].chars().next();
                    word.extend(escaped.filter(|&c| c != '\n'));
                    self.rest = &self.rest[1 + escaped.map_or(0, char::len_utf8)..];
                }
                _ => {
                    word.push(next);
                    self.rest = &self.rest[next.len_utf8()..];
                }
            }
        }
        Ok(word)
    }

    fn double_quoted(&mut self, word: &mut String) -> Result<(), ParseError> {
        if let Some(rest) = self.rest.strip_prefix("\"$(printf '") {
            let (text, rest) = rest.split_once("')\"").ok_or_else(|| expected("a closing `')\"`"))?;
            let bytes = octal(text)?;
            // A header's bytes outside ASCII, as Latin-1.
            word.extend(bytes.iter().map(|&byte| char::from(byte)));
            self.rest = rest;
            return Ok(());
        }
        let mut characters = self.rest[1..].char_indices();
        while let Some((at, c)) = characters.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 2..];
                    return Ok(());
                }
                '$' | '`' => return Err(substitution(&self.rest[1 + at..])),
                '\\' => match characters.next() {
                    Some((_, '\n')) | None => {}
                    Some((_, escaped @ ('$' | '`' | '"' | '\\'))) => word.push(escaped),
                    Some((_, other)) => word.extend(['\\', other]),
                },
                _ => word.push(c),
            }
        }
        Err(expected("a closing `\"`"))
    }

    /// `$'…'`, which Chrome writes for text that has `'`, `!` or control characters.
    fn ansi_quoted(&mut self, word: &mut String) -> Result<(), ParseError> {
        let text = &self.rest[2..];
        let mut bytes = Vec::new();
        let mut at = 0;
        loop {
            let Some(c) = text[at..].chars().next() else { return Err(expected("a closing `'`")) };
            at += c.len_utf8();
            match c {
                '\'' => break,
                '\\' => {
                    let Some(escape) = text[at..].chars().next() else { return Err(expected("a closing `'`")) };
                    at += escape.len_utf8();
                    let simple = match escape {
                        'n' => Some(b'\n'),
                        'r' => Some(b'\r'),
                        't' => Some(b'\t'),
                        'a' => Some(7),
                        'b' => Some(8),
                        'e' | 'E' => Some(0x1b),
                        'f' => Some(12),
                        'v' => Some(11),
                        _ => None,
                    };
                    let (radix, most) = match escape {
                        'x' => (16, 2),
                        'u' => (16, 4),
                        'U' => (16, 8),
                        '0'..='7' => (8, 3),
                        _ => (0, 0),
                    };
                    if let Some(byte) = simple {
                        bytes.push(byte);
                    } else if radix > 0 {
                        at -= usize::from(radix == 8);
                        let digits = text[at..].chars().take(most).take_while(|c| c.is_digit(radix)).count();
                        let value = u32::from_str_radix(&text[at..at + digits], radix)
                            .map_err(|_| expected("digits after an escape"))?;
                        at += digits;
                        if matches!(escape, 'u' | 'U') {
                            let c = char::from_u32(value).ok_or_else(|| expected("a character in an escape"))?;
                            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                        } else {
                            bytes.push(u8::try_from(value & 0xff).unwrap_or_default());
                        }
                    } else {
                        if !matches!(escape, '\'' | '"' | '\\' | '?') {
                            bytes.push(b'\\');
                        }
                        bytes.extend_from_slice(escape.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                }
                _ => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        self.rest = &text[at..];
        word.push_str(str::from_utf8(&bytes).map_err(|_| expected("text in UTF-8 in `$'…'`"))?);
        Ok(())
    }

    /// cmd.exe: `^` escapes the next character, and `^"` opens and closes what C programs see as a quoted argument.
    fn cmd_word(&mut self) -> Result<String, ParseError> {
        let mut word = String::new();
        let mut in_quotes = false;
        let mut characters = self.rest.char_indices().peekable();
        let end = loop {
            let Some((at, c)) = characters.next() else {
                if in_quotes {
                    return Err(expected("a closing `\"`"));
                }
                break self.rest.len();
            };
            // After `^`, the shell passes on the next character as it is; `^` and a line break join two lines.
            let c = if c == '^' {
                match characters.next() {
                    Some((_, '\r')) => {
                        characters.next_if(|(_, next)| *next == '\n');
                        // An empty line after it is a line break.
                        if characters.next_if(|(_, next)| *next == '\r').is_some() {
                            characters.next_if(|(_, next)| *next == '\n');
                            word.push('\n');
                        }
                        continue;
                    }
                    Some((_, '\n')) => {
                        if characters.next_if(|(_, next)| *next == '\n').is_some() {
                            word.push('\n');
                        }
                        continue;
                    }
                    Some((_, escaped)) => escaped,
                    None => break self.rest.len(),
                }
            } else if !in_quotes && matches!(c, ' ' | '\t' | '\r' | '\n' | '&' | '|' | '>') {
                break at;
            } else {
                c
            };
            match c {
                '"' if in_quotes && characters.next_if(|(_, next)| *next == '"').is_some() => word.push('"'),
                '"' => in_quotes = !in_quotes,
                '\\' => {
                    let mut ahead = characters.clone();
                    let mut next = ahead.next();
                    if next.is_some_and(|(_, c)| c == '^') {
                        next = ahead.next();
                    }
                    match next {
                        Some((_, escaped @ ('"' | '\\'))) if escaped == '"' || in_quotes => {
                            word.push(escaped);
                            characters = ahead;
                        }
                        _ => word.push('\\'),
                    }
                }
                c => word.push(c),
            }
        };
        self.rest = &self.rest[end..];
        Ok(word)
    }
}

fn substitution(text: &str) -> ParseError {
    let start = text.split_whitespace().next().unwrap_or_default();
    expected(format!("a command without variables or substitutions, found {}", quoted(start)))
}

/// The bytes of a `printf` format of octal escapes.
fn octal(format: &str) -> Result<Vec<u8>, ParseError> {
    let parse = |digits: &str| {
        u8::from_str_radix(digits, 8).map_err(|_| expected("three octal digits after each `\\` of `printf`"))
    };
    format.split('\\').skip(1).map(parse).collect()
}

/// Options of curl with an argument that doesn't change the request.
const IGNORED: &[&str] = &[
    "--connect-timeout",
    "--max-time",
    "-m",
    "--output",
    "-o",
    "--retry",
    "--retry-delay",
    "--resolve",
    "--connect-to",
    "--cacert",
    "--cert",
    "-E",
    "--key",
    "--proxy",
    "-x",
    "--interface",
    "--write-out",
    "-w",
    "--limit-rate",
    "--max-redirs",
    "--user",
    "-u",
    "--cookie-jar",
    "-c",
    "--dump-header",
    "-D",
    "--ciphers",
    "--tls-max",
];

/// Reads a command; `None` if it delivers nothing.
fn entry(command: &Command, directory: Option<&std::path::Path>) -> Result<Option<Entry>, ParseError> {
    let (words, stdin) = match command {
        Ok((words, stdin)) => (words, stdin),
        Err(ParseError::Expected(what)) => return Err(expected(what.clone())),
        Err(_) => return Err(expected("a curl command")),
    };
    let mut words = words.iter().map(String::as_str);
    if !words.next().is_some_and(|program| program.ends_with("curl") || program.ends_with("curl.exe")) {
        return Ok(None);
    }
    let mut options = Options { stdin: stdin.as_deref(), directory, ..Options::default() };
    while let Some(word) = words.next() {
        options.read(word, &mut words)?;
    }
    options.entry()
}

#[derive(Default)]
struct Options<'a> {
    stdin: Option<&'a [u8]>,
    directory: Option<&'a std::path::Path>,
    method: Option<String>,
    url: Option<String>,
    headers: Headers,
    removed: Vec<String>,
    body: Option<Vec<u8>>,
    is_json: bool,
    is_get: bool,
    notes: Vec<String>,
}

impl Options<'_> {
    fn read<'w>(&mut self, word: &'w str, words: &mut impl Iterator<Item = &'w str>) -> Result<(), ParseError> {
        if !word.starts_with('-') || word == "-" {
            self.url = Some(word.to_owned());
            return Ok(());
        }
        // `-XPOST` and `-H'a: b'` have their argument in the same word, `--data=x` too.
        let (option, attached) = match word.split_once('=') {
            Some((option, value)) if word.starts_with("--") => (option, Some(value)),
            _ if !word.starts_with("--")
                && word.len() > 2
                && word.is_char_boundary(2)
                && TAKES_ARGUMENT.contains(&&word[..2]) =>
            {
                (&word[..2], Some(&word[2..]))
            }
            _ => (word, None),
        };
        if IGNORED.contains(&option) {
            if attached.is_none() {
                words.next();
            }
            return Ok(());
        }
        if !TAKES_ARGUMENT.contains(&option) {
            self.is_get |= matches!(option, "-G" | "--get");
            if matches!(option, "-I" | "--head") {
                self.method = Some("HEAD".to_owned());
            }
            return Ok(());
        }
        let argument =
            attached.or_else(|| words.next()).ok_or_else(|| expected(format!("an argument after `{option}`")))?;
        match option {
            "-X" | "--request" => self.method = Some(argument.to_owned()),
            "--url" => self.url = Some(argument.to_owned()),
            "-H" | "--header" => self.header(argument)?,
            "-A" | "--user-agent" => self.push("user-agent", argument)?,
            "-e" | "--referer" => self.push("referer", argument)?,
            "-b" | "--cookie" => self.push("cookie", argument)?,
            "--data-raw" => self.data(argument.as_bytes()),
            "--data-binary" => {
                let bytes = self.file(argument)?.unwrap_or_else(|| argument.as_bytes().to_vec());
                self.data(&bytes);
            }
            "--json" => {
                let bytes = self.file(argument)?.unwrap_or_else(|| argument.as_bytes().to_vec());
                self.is_json = true;
                let mut body = self.body.take().unwrap_or_default();
                body.extend_from_slice(&bytes);
                self.body = Some(body);
            }
            "-d" | "--data" | "--data-ascii" => match self.file(argument)? {
                Some(bytes) => {
                    let kept: Vec<u8> =
                        bytes.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n' | 0)).collect();
                    if kept.len() != bytes.len() {
                        self.notes.push(format!(
                            "`{option} @file` removes line breaks, as curl does; `--data-binary` keeps them"
                        ));
                    }
                    self.data(&kept);
                }
                None => self.data(argument.as_bytes()),
            },
            _ => {
                return Err(expected(format!(
                    "a body in `--data-raw` or `--data-binary`, found `{option}`: its exact bytes are not in the command"
                )));
            }
        }
        Ok(())
    }

    /// The bytes of the file that `@FILE` names, beside the command.
    fn file(&self, argument: &str) -> Result<Option<Vec<u8>>, ParseError> {
        match argument.strip_prefix('@') {
            None => Ok(None),
            Some("-") => match self.stdin {
                Some(bytes) => Ok(Some(bytes.to_vec())),
                None => Err(expected("the body in the command, found `@-`: it came from standard input")),
            },
            Some(file) => beside::read(self.directory, file).map(Some),
        }
    }

    fn data(&mut self, bytes: &[u8]) {
        match &mut self.body {
            Some(body) => {
                body.push(b'&');
                body.extend_from_slice(bytes);
            }
            None => self.body = Some(bytes.to_vec()),
        }
    }

    fn header(&mut self, text: &str) -> Result<(), ParseError> {
        if let Some((name, value)) = text.split_once(':') {
            let value = value.trim();
            // `Name:` removes a header that curl would send by itself.
            if value.is_empty() {
                self.removed.push(name.trim().to_ascii_lowercase());
                return Ok(());
            }
            return self.push(name.trim(), value);
        }
        match text.strip_suffix(';') {
            Some(name) => self.push(name.trim(), ""),
            None => Err(expected(format!("`Name: value` after -H, found {}", quoted(text)))),
        }
    }

    fn push(&mut self, name: &str, value: &str) -> Result<(), ParseError> {
        // HTTP/2 sends the request line as header fields, which browsers copy along.
        if !name.starts_with(':') {
            let (name, value) = parts::foreign_field(name, value)?;
            self.headers.push(name, value);
        }
        Ok(())
    }

    fn entry(mut self) -> Result<Option<Entry>, ParseError> {
        let url = self.url.take().ok_or_else(|| expected("a URL in the command"))?;
        let default = if self.body.is_some() && !self.is_get { "POST" } else { "GET" };
        let method = parts::method("-X", self.method.as_deref().unwrap_or(default))?;
        let Some(body) = self.body.take().filter(|body| !body.is_empty() && !self.is_get && delivers(&method)) else {
            return Ok(None);
        };
        let content_type = if self.is_json { "application/json" } else { "application/x-www-form-urlencoded" };
        if !self.headers.contains("content-type") && !self.removed.iter().any(|name| name == "content-type") {
            self.push("content-type", content_type)?;
        }
        let target = parts::written_target("the URL", &url)?;
        let mut request = Request { method, target, headers: self.headers, body: Bytes::from(body) };
        let mut notes = self.notes;
        notes.extend(parts::body_notes(&mut request));
        Ok(Some(Entry { notes, ..Entry::new(request) }))
    }
}

fn delivers(method: &Method) -> bool {
    parts::delivers(method)
}

/// The options whose argument is part of the request.
const TAKES_ARGUMENT: &[&str] = &[
    "-X",
    "--request",
    "--url",
    "-H",
    "--header",
    "-A",
    "--user-agent",
    "-e",
    "--referer",
    "-b",
    "--cookie",
    "-d",
    "--data",
    "--data-ascii",
    "--data-raw",
    "--data-binary",
    "--json",
    "--data-urlencode",
    "-F",
    "--form",
    "--form-string",
    "-T",
    "--upload-file",
];

#[cfg(test)]
mod tests {
    use super::super::tests::{collected, fields};

    /// Method and target, headers, and body of the one command.
    fn parsed(command: &str) -> (String, String, String) {
        let (entries, _) = collected(command);
        let [Ok(entry)] = &entries[..] else { panic!("{entries:?}") };
        let request = &entry.request;
        (
            format!("{} {}", request.method, request.target),
            fields(request),
            String::from_utf8_lossy(&request.body).into_owned(),
        )
    }

    fn error(command: &str) -> String {
        collected(command).0.remove(0).unwrap_err()
    }

    fn body(command: &str) -> String {
        parsed(command).2
    }

    #[test]
    fn chromes_command_for_bash_is_read() {
        let command = "curl 'https://h/a?b=1' \\\n  -H 'accept: */*' \\\n  -H 'x: it'\\''s' \\\n  --data-raw $'{\"a\":\"it\\'s \\u0021 \\u00e9\\n\"}' \\\n  --compressed ;\n";
        let (line, fields, body) = parsed(command);
        assert_eq!((line.as_str(), body.as_str()), ("POST /a?b=1", "{\"a\":\"it's ! \u{e9}\n\"}"));
        assert_eq!(fields, "accept: */*\nx: it's\ncontent-type: application/x-www-form-urlencoded\n");
    }

    #[test]
    fn chromes_command_for_cmd_is_read() {
        let old = "curl \"https://h/a\" ^\r\n  -H \"content-type: application/json\" ^\r\n  --data-raw \"{\\\"a\\\":\\\"b ^% c\\\"}\" ^\r\n  --compressed\r\n";
        assert_eq!(body(old), "{\"a\":\"b % c\"}");
        let new = "curl ^\"https://h/a?b=1^&c=2^\" ^\n  -H ^\"content-type: application/json^\" ^\n  --data-raw ^\"^{^\\^\"a^\\^\":^\\^\"b^\\^\"^}^\"\n";
        let (line, _, body) = parsed(new);
        assert_eq!((line.as_str(), body.as_str()), ("POST /a?b=1&c=2", "{\"a\":\"b\"}"));
    }

    #[test]
    fn commands_as_people_type_them_are_read() {
        assert_eq!(
            parsed("$ curl -s -XPOST -H'x:y' -H \"a: b\" -d a=1 -d b=2 localhost:4400/a | jq .\n"),
            (
                "POST /a".to_owned(),
                "x: y\na: b\ncontent-type: application/x-www-form-urlencoded\n".to_owned(),
                "a=1&b=2".to_owned()
            )
        );
        assert_eq!(parsed("curl --json '{\"a\":1}' http://h").1, "content-type: application/json\n");
        assert_eq!(body("curl -X PUT --data-binary \"{\\\"a\\\":\\\"\\\\n\\\"}\" http://h"), "{\"a\":\"\\n\"}");
        assert_eq!(collected("# two\ncurl -d a http://h\n\ncurl -d b http://h\ncurl http://h\n").0.len(), 2);
    }

    #[test]
    fn a_body_from_printf_is_read() {
        let command = "printf '\\173\\000\\175' | curl --request POST --url http://h/a \\\n  --header \"$(printf '\\170\\072\\040\\374')\" \\\n  --header 'accept:' \\\n  --header 'content-type:' \\\n  --data-binary @-\n";
        assert_eq!(parsed(command), ("POST /a".to_owned(), "x: \u{fc}\n".to_owned(), "{\0}".to_owned()));
    }

    #[test]
    fn what_only_a_shell_could_know_is_an_error() {
        assert_eq!(
            error("curl -H \"signature: $SIG\" -d a http://h"),
            "line 1: expected a command without variables or substitutions, found \"$SIG\\\"\""
        );
        assert_eq!(error("curl -d 'a http://h"), "line 1: expected a closing `'`");
        assert_eq!(
            error("curl --data-binary @- http://h"),
            "line 1: expected the body in the command, found `@-`: it came from standard input"
        );
    }
}
