//! The options of curl and wget, and the request that they make.

use std::path::Path;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;

use super::{
    super::{
        Entry, beside,
        parts::{self, ParseError, expected, quoted},
        written,
    },
    stdin::Stdin,
};
use crate::webhook::request::{Headers, Request};

#[derive(Default)]
pub(super) struct Curl<'a> {
    stdin: Option<&'a Stdin>,
    /// The directory of the file that contains the command.
    directory: Option<&'a Path>,
    is_wget: bool,
    method: Option<String>,
    url: Option<String>,
    headers: Headers,
    removed: Vec<String>,
    /// The header that curl makes from a user or a token. An explicit header overrides it.
    authorization: Option<String>,
    /// The request target, if it is not the URL's path and query.
    target: Option<String>,
    body: Option<Vec<u8>>,
    is_json: bool,
    is_get: bool,
    notes: Vec<String>,
}

impl<'a> Curl<'a> {
    /// No options yet.
    pub fn new(stdin: Option<&'a Stdin>, directory: Option<&'a Path>, is_wget: bool) -> Self {
        Self { stdin, directory, is_wget, ..Self::default() }
    }

    /// Reads one word, and its argument from the words after it.
    pub fn read<'w>(&mut self, word: &'w str, words: &mut impl Iterator<Item = &'w str>) -> Result<(), ParseError> {
        if !word.starts_with('-') || word == "-" {
            return self.url(word);
        }
        if word.starts_with("--") {
            let (option, attached) =
                word.split_once('=').map_or((word, None), |(option, argument)| (option, Some(argument)));
            return self.option(option, attached, words);
        }
        // `-sX POST`, `-vH'a: b'`: several options, the last of which may take an argument from the same word or the
        // next.
        for (at, letter) in word.char_indices().skip(1) {
            let (option, rest) = (format!("-{letter}"), &word[at + letter.len_utf8()..]);
            let takes_argument = TAKES_ARGUMENT.contains(&&*option) || self.ignores_argument_of(&option);
            self.option(&option, Some(rest).filter(|rest| takes_argument && !rest.is_empty()), words)?;
            if takes_argument {
                break;
            }
        }
        Ok(())
    }

    /// Sets the URL. Several are an error, because curl would send to each.
    fn url(&mut self, url: &str) -> Result<(), ParseError> {
        match self.url.replace(url.to_owned()) {
            None => Ok(()),
            Some(first) => Err(expected(format!("one URL, found {} and {}", quoted(&first), quoted(url)))),
        }
    }

    fn ignores_argument_of(&self, option: &str) -> bool {
        IGNORED.contains(&option) || self.is_wget && IGNORED_BY_WGET.contains(&option)
    }

    fn option<'w>(
        &mut self,
        option: &str,
        attached: Option<&'w str>,
        words: &mut impl Iterator<Item = &'w str>,
    ) -> Result<(), ParseError> {
        if self.ignores_argument_of(option) {
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
            "--url" => self.url(argument)?,
            "-H" | "--header" => self.header(argument)?,
            "-A" | "--user-agent" => self.push("user-agent", argument)?,
            "-e" | "--referer" => self.push("referer", argument)?,
            "-b" | "--cookie" => self.push("cookie", argument)?,
            "-u" | "--user" => self.authorization = Some(format!("Basic {}", BASE64_STANDARD.encode(argument))),
            "--oauth2-bearer" => self.authorization = Some(format!("Bearer {argument}")),
            "--request-target" => self.target = Some(argument.to_owned()),
            "--url-query" => return Err(expected(format!("the query in the URL, found `{option}`"))),
            "-K" | "--config" => return Err(expected(format!("all options in the command, found `{option}`"))),
            _ => self.body_option(option, argument)?,
        }
        Ok(())
    }

    /// Reads an option whose argument is the body or a part of it.
    fn body_option(&mut self, option: &str, argument: &str) -> Result<(), ParseError> {
        match option {
            "--data-raw" | "--body-data" | "--post-data" => self.data(argument.as_bytes()),
            "--data-binary" => {
                let bytes = self.file(argument)?.unwrap_or_else(|| argument.as_bytes().to_vec());
                self.data(&bytes);
            }
            "--body-file" | "--post-file" => {
                let bytes = beside::read(self.directory, argument)?;
                self.data(&bytes);
            }
            "--data-urlencode" if !argument.split('=').next().is_some_and(|name| name.contains('@')) => {
                let (name, content) = argument.split_once('=').unwrap_or(("", argument));
                let name = if name.is_empty() { String::new() } else { format!("{name}=") };
                self.data(format!("{name}{}", written::python_quoted(content)).as_bytes());
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
                    if loses_text(&bytes) {
                        self.notes.push(format!(
                            "`{option} @file` removes carriage returns and NULs, as curl 8.7 does; an older curl also \
                             removes the text after them, up to the end of the line"
                        ));
                    } else if kept.len() != bytes.len() {
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

    /// The bytes of the file that `@FILE` names, which must be beside the command.
    fn file(&self, argument: &str) -> Result<Option<Vec<u8>>, ParseError> {
        match argument.strip_prefix('@') {
            None => Ok(None),
            Some("-") => match self.stdin {
                Some(stdin) => stdin.bytes(self.directory).map(Some),
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
        // HTTP/2 sends the request line as header fields, which browsers copy too.
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
        let has_authorization = self.headers.contains("authorization");
        if let Some(authorization) = self.authorization.take().filter(|_| !has_authorization) {
            self.push("authorization", &authorization)?;
        }
        let target = match &self.target {
            Some(target) => parts::written_target("--request-target", target)?,
            None => parts::written_target("the URL", &url)?,
        };
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
    "-u",
    "--user",
    "--oauth2-bearer",
    "--request-target",
    "--url-query",
    "-K",
    "--config",
    // For wget.
    "--method",
    "--body-data",
    "--post-data",
    "--body-file",
    "--post-file",
];

/// curl's other options with an argument, from `curl --help all`. They change nothing that is signed.
#[rustfmt::skip]
const IGNORED: &[&str] = &[
    "--abstract-unix-socket", "--alt-svc", "--aws-sigv4", "-C", "-c", "--cacert", "--capath", "--cert", "--cert-type",
    "--ciphers", "--connect-timeout", "--connect-to", "--continue-at", "--cookie-jar", "--create-file-mode",
    "--crlfile", "--curves", "-D", "--delegation", "--dns-interface", "--dns-ipv4-addr", "--dns-ipv6-addr",
    "--dns-servers", "--doh-url", "--dump-header", "-E", "--ech", "--egd-file", "--engine", "--etag-compare",
    "--etag-save", "--expect100-timeout", "--ftp-account", "--ftp-alternative-to-user", "--ftp-method", "--ftp-port",
    "--ftp-ssl-ccc-mode", "--happy-eyeballs-timeout-ms", "--haproxy-clientip", "--hostpubmd5", "--hostpubsha256",
    "--hsts", "--interface", "--ip-tos", "--ipfs-gateway", "--keepalive-cnt", "--keepalive-time", "--key",
    "--key-type", "--knownhosts", "--krb", "--libcurl", "--limit-rate", "--local-port", "--login-options", "-m",
    "--mail-auth", "--mail-from", "--mail-rcpt", "--max-filesize", "--max-redirs", "--max-time", "--netrc-file",
    "--noproxy", "-o", "--output", "--output-dir", "-P", "--parallel-max", "--pass", "--pinnedpubkey", "--preproxy",
    "--proto", "--proto-default", "--proto-redir", "--proxy", "--proxy-cacert", "--proxy-capath", "--proxy-cert",
    "--proxy-cert-type", "--proxy-ciphers", "--proxy-crlfile", "--proxy-header", "--proxy-key", "--proxy-key-type",
    "--proxy-pass", "--proxy-pinnedpubkey", "--proxy-service-name", "--proxy-tls13-ciphers", "--proxy-tlsauthtype",
    "--proxy-tlspassword", "--proxy-tlsuser", "--proxy-user", "--proxy1.0", "--pubkey", "-Q", "--quote", "-r",
    "--random-file", "--range", "--rate", "--resolve", "--retry", "--retry-delay", "--retry-max-time",
    "--sasl-authzid", "--service-name", "--socks4", "--socks4a", "--socks5", "--socks5-gssapi-service",
    "--socks5-hostname", "--speed-limit", "--speed-time", "--stderr", "-t", "--telnet-option", "--tftp-blksize",
    "--time-cond", "--tls-max", "--tls13-ciphers", "--tlsauthtype", "--tlspassword", "--tlsuser", "--trace",
    "--trace-ascii", "--trace-config", "-U", "--unix-socket", "--variable", "--vlan-priority", "-w", "--write-out",
    "-x", "-Y", "-y", "-z",
];

/// wget's other options with an argument.
const IGNORED_BY_WGET: &[&str] =
    &["-O", "--output-document", "-P", "--directory-prefix", "-t", "--tries", "-T", "--timeout"];

/// Whether curl before version 8.7 sends less of this file with `--data @file`: it reads each line only up to the first
/// carriage return or NUL.
fn loses_text(file: &[u8]) -> bool {
    let mut lines = file.split(|&byte| byte == b'\n');
    lines.any(|line| {
        let end = memchr::memchr2(b'\r', 0, line).unwrap_or(line.len());
        line[end..].iter().any(|byte| !matches!(byte, b'\r' | 0))
    })
}
