//! A command's standard input, as far as the script contains it: a file, a here-document, or the output of an `echo`,
//! `printf` or `cat` before a pipe.

use std::path::Path;

use super::super::{
    beside,
    parts::{ParseError, expected},
};

/// The standard input of a command.
#[derive(Debug)]
pub(super) enum Stdin {
    Bytes(Vec<u8>),
    /// The file with this name.
    File(String),
}

impl Stdin {
    /// Its bytes. A file must be beside the script, which is in `directory`.
    pub fn bytes(&self, directory: Option<&Path>) -> Result<Vec<u8>, ParseError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.clone()),
            Self::File(name) => beside::read(directory, name),
        }
    }
}

/// The output of a command before a pipe; `None` if it is known only by running the command.
pub(super) fn written(words: &[String], stdin: Option<Stdin>) -> Option<Result<Stdin, ParseError>> {
    let words: Vec<&str> = words.iter().map(String::as_str).skip_while(|word| *word == "$").collect();
    let text = |text: String| Ok(Stdin::Bytes(text.into_bytes()));
    Some(match words[..] {
        ["printf", "%s", argument] => text(argument.to_owned()),
        ["printf", "%s\\n", argument] => text(format!("{argument}\n")),
        ["printf", format] => formatted(format).map(Stdin::Bytes),
        ["printf", ..] => Err(expected("the body in the command, found a `printf` with arguments")),
        ["echo", "-n", ref texts @ ..] => text(texts.join(" ")),
        ["echo", flag, ..] if flag.starts_with('-') => {
            Err(expected(format!("the body in the command, found an `echo {flag}`")))
        }
        ["echo", ref texts @ ..] => text(texts.join(" ") + "\n"),
        ["cat"] | ["cat", "-"] => stdin.map(Ok)?,
        ["cat", file] if !file.starts_with('-') => Ok(Stdin::File(file.to_owned())),
        _ => return None,
    })
}

/// The text of a here-document whose delimiter is not quoted, with backslash escapes resolved.
pub(super) fn unquoted(text: &str) -> Result<String, ParseError> {
    let mut unquoted = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match (c, characters.peek()) {
            ('\\', Some('\n')) => drop(characters.next()),
            ('\\', Some(&escaped @ ('$' | '`' | '\\'))) => {
                characters.next();
                unquoted.push(escaped);
            }
            ('$', Some(next)) if next.is_ascii_alphanumeric() || "{(_".contains(*next) => return Err(variable()),
            ('`', _) => return Err(variable()),
            _ => unquoted.push(c),
        }
    }
    Ok(unquoted)
}

fn variable() -> ParseError {
    expected("a here-document without variables or substitutions, or with a quoted delimiter: `<<'EOF'`")
}

/// The bytes of a `printf` format without arguments: text, octal escapes and C escapes.
pub(super) fn formatted(format: &str) -> Result<Vec<u8>, ParseError> {
    let mut pieces = format.split('\\');
    let text = |piece: &str| {
        if piece.replace("%%", "").contains('%') {
            return Err(expected("the body in the command, found a `printf` with `%`"));
        }
        Ok(piece.replace("%%", "%").into_bytes())
    };
    let mut bytes = text(pieces.next().unwrap_or_default())?;
    while let Some(piece) = pieces.next() {
        let digits = piece.bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
        if digits > 0 {
            let byte = u8::from_str_radix(&piece[..digits], 8);
            bytes.push(byte.map_err(|_| expected("an octal number of up to 377 after a `\\` of `printf`"))?);
            bytes.extend(text(&piece[digits..])?);
            continue;
        }
        let mut rest = piece.chars();
        match rest.next() {
            Some('n') => bytes.push(b'\n'),
            Some('r') => bytes.push(b'\r'),
            Some('t') => bytes.push(b'\t'),
            Some(quote @ ('"' | '\'')) => bytes.push(quote as u8),
            None => {
                // Two backslashes, and what follows them.
                bytes.push(b'\\');
                bytes.extend(text(pieces.next().unwrap_or_default())?);
                continue;
            }
            Some(other) => return Err(expected(format!("an escape that printf has, found `\\{other}`"))),
        }
        bytes.extend(text(rest.as_str())?);
    }
    Ok(bytes)
}
