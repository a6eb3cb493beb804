//! The words of a script, split and unquoted as a POSIX shell or cmd.exe would. Nothing is run.

use std::{iter::Peekable, str::CharIndices};

use super::{
    super::parts::{ParseError, expected, quoted},
    SimpleCommand,
    stdin::{self, Stdin, formatted},
    variables::ShellVariables,
    writes_into_command,
};
use crate::store::env_file::is_name_part;

/// Reads the words of a script.
pub(super) struct Words<'a, 'v> {
    pub rest: &'a str,
    variables: &'v mut ShellVariables,
    /// Whether the script is for cmd.exe.
    pub is_cmd: bool,
    /// How much was left after the previous word, in bytes.
    before: Option<usize>,
}

/// The delimiter of a here-document.
struct Delimiter {
    text: String,
    /// Whether it is quoted, so that the text is literal.
    is_quoted: bool,
    /// Whether leading tabs are removed from lines.
    is_indented: bool,
}

impl<'a, 'v> Words<'a, 'v> {
    pub fn new(rest: &'a str, is_cmd: bool, variables: &'v mut ShellVariables) -> Self {
        Self { rest, variables, is_cmd, before: None }
    }

    /// The words up to the end of a command.
    pub fn command(&mut self) -> Result<SimpleCommand, ParseError> {
        let mut words = Vec::new();
        let (mut stdin, mut document) = (None, None);
        loop {
            self.skip_blanks();
            let Some(next) = self.rest.chars().next() else { break };
            match next {
                '\n' if let Some(delimiter) = document.take() => {
                    self.rest = &self.rest[1..];
                    stdin = Some(self.here_document(&delimiter)?);
                    break;
                }
                '\n' | ';' | '&' => {
                    self.rest = self.rest.trim_start_matches(['\n', '\r', ';', '&', ' ']);
                    break;
                }
                '#' if !self.is_cmd => self.rest = &self.rest[self.rest.find('\n').unwrap_or(self.rest.len())..],
                // `cat` passes a here-document on to the next command.
                '|' if document.is_some() && words == ["cat"] => {
                    self.rest = &self.rest[1..];
                    words.clear();
                }
                '|' => match stdin::written(&words, stdin.take()) {
                    Some(written) => {
                        self.rest = &self.rest[1..];
                        stdin = Some(written?);
                        words.clear();
                    }
                    None if writes_into_command(self.rest.lines().next().unwrap_or_default()) => {
                        let program = words.first().map_or("a command", |word| word);
                        return Err(expected(format!("the body in the script, found what {} writes", quoted(program))));
                    }
                    // The reader of the output doesn't matter.
                    None => self.rest = &self.rest[self.rest.find('\n').unwrap_or(self.rest.len())..],
                },
                '<' if self.rest.starts_with("<<<") => {
                    self.rest = self.rest[3..].trim_start_matches([' ', '\t']);
                    stdin = Some(Stdin::Bytes(format!("{}\n", self.word()?).into_bytes()));
                }
                '<' if self.rest.starts_with("<<") => document = Some(self.delimiter()?),
                '<' => {
                    self.rest = self.rest[1..].trim_start_matches([' ', '\t']);
                    stdin = Some(Stdin::File(self.word()?));
                }
                '>' => self.output(&mut words)?,
                _ => words.push(self.word()?),
            }
        }
        Ok(SimpleCommand { words, stdin })
    }

    /// Skips a redirection of the output, `> file` or `2>&1`. The number before it is not an argument.
    fn output(&mut self, words: &mut Vec<String>) -> Result<(), ParseError> {
        let before = self.before;
        words.pop_if(|word| before == Some(self.rest.len()) && word.bytes().all(|byte| byte.is_ascii_digit()));
        self.rest = self.rest.trim_start_matches(['>', '&', ' ', '\t']);
        self.word().map(drop)
    }

    /// The delimiter of a here-document.
    fn delimiter(&mut self) -> Result<Delimiter, ParseError> {
        self.rest = &self.rest[2..];
        let is_indented = self.rest.starts_with('-');
        self.rest = self.rest.trim_start_matches(['-', ' ', '\t']);
        let is_quoted = self.rest.starts_with(['\'', '"', '\\']);
        Ok(Delimiter { text: self.word()?, is_quoted, is_indented })
    }

    /// The lines up to the delimiter.
    fn here_document(&mut self, delimiter: &Delimiter) -> Result<Stdin, ParseError> {
        let mut text = String::new();
        while !self.rest.is_empty() {
            let (line, rest) = self.rest.split_at(self.rest.find('\n').map_or(self.rest.len(), |feed| feed + 1));
            self.rest = rest;
            let line = if delimiter.is_indented { line.trim_start_matches('\t') } else { line };
            if line.trim_end() == delimiter.text {
                let text = if delimiter.is_quoted { text } else { stdin::unquoted(&text)? };
                return Ok(Stdin::Bytes(text.into_bytes()));
            }
            text.push_str(line);
        }
        Err(expected(format!("`{}` on a line of its own, as the end of the here-document", delimiter.text)))
    }

    /// Skips blanks, carriage returns and continued lines.
    fn skip_blanks(&mut self) {
        let continuation = if self.is_cmd { '^' } else { '\\' };
        loop {
            let trimmed = self.rest.trim_start_matches([' ', '\t', '\r']);
            let joined = trimmed
                .strip_prefix(continuation)
                .and_then(|rest| rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')));
            let Some(rest) = joined else {
                self.rest = trimmed;
                return;
            };
            self.rest = rest;
        }
    }

    fn word(&mut self) -> Result<String, ParseError> {
        let word = if self.is_cmd { self.cmd_word() } else { self.posix_word() };
        self.before = Some(self.rest.len());
        word
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
                '$' | '`' => {
                    let (value, rest) = self.variables.expand(self.rest).ok_or_else(|| substitution(self.rest))?;
                    word.push_str(value);
                    self.rest = rest;
                }
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
            let bytes = formatted(text)?;
            // A header's bytes outside ASCII, as Latin-1.
            word.extend(bytes.iter().map(|&byte| char::from(byte)));
            self.rest = rest;
            return Ok(());
        }
        self.rest = &self.rest[1..];
        while let Some(c) = self.rest.chars().next() {
            if matches!(c, '$' | '`') {
                let (value, rest) = self.variables.expand(self.rest).ok_or_else(|| substitution(self.rest))?;
                word.push_str(value);
                self.rest = rest;
                continue;
            }
            self.rest = &self.rest[c.len_utf8()..];
            match c {
                '"' => return Ok(()),
                '\\' => {
                    let escaped = self.rest.chars().next();
                    self.rest = &self.rest[escaped.map_or(0, char::len_utf8)..];
                    match escaped {
                        Some('\n') | None => {}
                        Some(escaped @ ('$' | '`' | '"' | '\\')) => word.push(escaped),
                        Some(other) => word.extend(['\\', other]),
                    }
                }
                _ => word.push(c),
            }
        }
        Err(expected("a closing `\"`"))
    }

    /// Reads `$'…'`, which Chrome writes for text with `'`, `!` or control characters.
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

    /// Reads a word for cmd.exe: `^` escapes the next character, and `^"` opens and closes what C programs see as a
    /// quoted argument.
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
                '\\' => word.push(after_backslash(&mut characters, in_quotes)),
                c => word.push(c),
            }
        };
        self.rest = &self.rest[end..];
        Ok(word)
    }
}

/// What a backslash stands for in C programs' arguments, as cmd.exe passes them on: the quote or backslash that it
/// escapes, which is then consumed, or itself.
fn after_backslash(characters: &mut Peekable<CharIndices<'_>>, in_quotes: bool) -> char {
    let mut ahead = characters.clone();
    let mut next = ahead.next();
    if next.is_some_and(|(_, c)| c == '^') {
        next = ahead.next();
    }
    match next {
        Some((_, escaped @ ('"' | '\\'))) if escaped == '"' || in_quotes => {
            *characters = ahead;
            escaped
        }
        _ => '\\',
    }
}

fn substitution(text: &str) -> ParseError {
    // Only the name, because what follows it may be a secret.
    let opening = text.find(|c| !"$`{(".contains(c)).unwrap_or(text.len());
    let end = text[opening..].find(|c| !is_name_part(c)).map_or(text.len(), |end| opening + end);
    expected(format!("a command without variables or substitutions, found {}", quoted(&text[..end])))
}
