//! The options of a `curl` command, and the request that they make.

use std::path::Path;

use bytes::Bytes;

use super::super::{
    Entry, beside,
    parts::{self, ParseError, expected, quoted},
};
use crate::webhook::request::{Headers, Request};

#[derive(Default)]
pub(super) struct Options<'a> {
    /// What a `printf` before the command writes to its standard input.
    stdin: Option<&'a [u8]>,
    /// The directory of the file that holds the command.
    directory: Option<&'a Path>,
    method: Option<String>,
    url: Option<String>,
    headers: Headers,
    removed: Vec<String>,
    body: Option<Vec<u8>>,
    is_json: bool,
    is_get: bool,
    notes: Vec<String>,
}

impl<'a> Options<'a> {
    /// No options yet.
    pub fn new(stdin: Option<&'a [u8]>, directory: Option<&'a Path>) -> Self {
        Self { stdin, directory, ..Self::default() }
    }

    /// Reads one word, and its argument from the words after it.
    pub fn read<'w>(&mut self, word: &'w str, words: &mut impl Iterator<Item = &'w str>) -> Result<(), ParseError> {
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
            "-X" | "--request" | "--method" => self.method = Some(argument.to_owned()),
            "--url" => self.url = Some(argument.to_owned()),
            "-H" | "--header" => self.header(argument)?,
            "-A" | "--user-agent" => self.push("user-agent", argument)?,
            "-e" | "--referer" => self.push("referer", argument)?,
            "-b" | "--cookie" => self.push("cookie", argument)?,
            "--data-raw" | "--body-data" | "--post-data" => self.data(argument.as_bytes()),
            "--data-binary" => {
                let bytes = self.file(argument)?.unwrap_or_else(|| argument.as_bytes().to_vec());
                self.data(&bytes);
            }
            "--body-file" | "--post-file" => {
                let bytes = beside::read(self.directory, argument)?;
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

    /// The request; `None` if the command delivers nothing.
    pub fn entry(mut self) -> Result<Option<Entry>, ParseError> {
        let url = self.url.take().ok_or_else(|| expected("a URL in the command"))?;
        let default = if self.body.is_some() && !self.is_get { "POST" } else { "GET" };
        let method = parts::method("-X", self.method.as_deref().unwrap_or(default))?;
        let Some(body) = self.body.take().filter(|body| !body.is_empty() && !self.is_get && parts::delivers(&method))
        else {
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
        Ok(Some(Entry { notes, ..Entry::called(&url, request) }))
    }
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
    // wget's.
    "--method",
    "--body-data",
    "--post-data",
    "--body-file",
    "--post-file",
];

/// Options of curl with an argument that doesn't change the request.
const IGNORED: &[&str] = &[
    "--connect-timeout",
    "--max-time",
    "-m",
    "--output",
    "--output-document",
    "-O",
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
