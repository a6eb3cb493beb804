//! The command line of `HTTPie`: `http POST :3000/hook Name:value field=text field:=1 < body.json`; and of xh, which
//! has the same.
//!
//! The rules are those of its documentation, under "Request items" and "Localhost shorthand". Fields become JSON as
//! Python's `json.dumps` writes it or, for xh, as `serde_json` does.

use std::path::Path;

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    super::{
        Entry, beside,
        parts::{self, ParseError, expected, quoted},
        written,
    },
    stdin::Stdin,
};
use crate::webhook::{
    diagnose::Layout,
    json,
    request::{Headers, Request},
};

pub(super) const PROGRAMS: [&str; 4] = ["http", "https", "xh", "xhs"];

/// A command of `HTTPie`.
pub(super) struct Httpie<'a> {
    /// The directory of the file that contains the command.
    directory: Option<&'a Path>,
    method: Option<String>,
    url: String,
    query: form_urlencoded::Serializer<'static, String>,
    headers: Headers,
    removed: Vec<String>,
    /// The argument of `--auth`: a user and a password, or a token.
    credentials: Option<String>,
    is_bearer: bool,
    is_form: bool,
    is_xh: bool,
    /// The names and values of the fields. Values are JSON, unless the body is a form.
    fields: Vec<(String, String)>,
    raw: Option<Vec<u8>>,
}

/// Whether a line starts with a command, rather than other text that begins with "http ".
pub(super) fn starts_command(line: &str) -> bool {
    let mut words = line.split_whitespace();
    if !words.next().is_some_and(|program| PROGRAMS.contains(&program)) {
        return false;
    }
    let Some(first) = skip_options(&mut words) else { return line.trim_end().ends_with('\\') };
    let first = first.trim_matches(['"', '\'']);
    let is_url = |word: &str| {
        let word = word.trim_start_matches(['"', '\'']);
        is_shorthand(word) || word.contains("://") || word.starts_with("localhost") || word.contains(['.', '/', ':'])
    };
    is_method(first) && words.next().is_some_and(|next| next == "\\" || is_url(next))
        || is_shorthand(first)
        || first.contains("://")
        || first.starts_with("localhost")
        || first.contains('/') && first.contains(['.', ':'])
}

/// The first word that is neither an option nor an option's argument.
fn skip_options<'w>(words: &mut impl Iterator<Item = &'w str>) -> Option<&'w str> {
    while let Some(word) = words.next() {
        if !word.starts_with('-') {
            return Some(word);
        }
        let letters = word.strip_prefix('-').filter(|letters| !letters.starts_with('-')).unwrap_or_default();
        let first = letters.chars().position(|letter| takes_argument(&format!("-{letter}")));
        if takes_argument(word) || first.is_some_and(|first| first + 1 == letters.chars().count()) {
            words.next();
        }
    }
    None
}

fn takes_argument(option: &str) -> bool {
    TAKES_ARGUMENT.contains(&option)
}

fn is_method(word: &str) -> bool {
    ["POST", "PUT", "PATCH", "GET", "DELETE", "HEAD", "OPTIONS"].iter().any(|method| word.eq_ignore_ascii_case(method))
}

/// `:3000/hook`, or `:/hook`.
fn is_shorthand(word: &str) -> bool {
    word.strip_prefix(':').is_some_and(|rest| rest.starts_with(|c: char| c == '/' || c.is_ascii_digit()))
}

impl<'a> Httpie<'a> {
    /// Reads the words after the program.
    pub fn read<'w>(
        program: &str,
        mut words: impl Iterator<Item = &'w str>,
        directory: Option<&'a Path>,
    ) -> Result<Self, ParseError> {
        let mut command = Self {
            directory,
            method: None,
            url: String::new(),
            query: form_urlencoded::Serializer::new(String::new()),
            headers: Headers::new(),
            removed: Vec::new(),
            credentials: None,
            is_bearer: false,
            is_form: false,
            is_xh: program.starts_with("xh"),
            fields: Vec::new(),
            raw: None,
        };
        let mut scheme = if program.ends_with('s') { "https" } else { "http" }.to_owned();
        let mut positional = Vec::new();
        while let Some(word) = words.next() {
            if word == "--" {
                positional.extend(words);
                break;
            }
            if word.starts_with('-') && word.len() > 1 {
                command.option(word, &mut words, &mut scheme)?;
            } else {
                positional.push(word);
            }
        }
        let mut positional = positional.into_iter().peekable();
        command.method = positional
            .next_if(|word| word.bytes().all(|byte| byte.is_ascii_alphabetic()) && *word != "localhost")
            .map(str::to_ascii_uppercase);
        let url = positional.next().ok_or_else(|| expected("a URL in the command"))?;
        command.url = whole_url(url, &scheme);
        // Items are read last, because options before and after them say whether they are a form.
        positional.try_for_each(|word| command.item(word))?;
        Ok(command)
    }

    fn option<'w>(
        &mut self,
        word: &'w str,
        words: &mut impl Iterator<Item = &'w str>,
        scheme: &mut String,
    ) -> Result<(), ParseError> {
        if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.starts_with('-') && letters.len() > 1) {
            return self.short_options(letters, words, scheme);
        }
        let (option, attached) = match word.split_once('=') {
            Some((option, argument)) if word.starts_with("--") => (option, Some(argument)),
            _ => (word, None),
        };
        self.one_option(option, attached, words, scheme)
    }

    /// Several single-letter options, the last of which may have its argument attached: `-vf`, `-auser:password`.
    fn short_options<'w>(
        &mut self,
        letters: &'w str,
        words: &mut impl Iterator<Item = &'w str>,
        scheme: &mut String,
    ) -> Result<(), ParseError> {
        for (at, letter) in letters.char_indices() {
            let option = format!("-{letter}");
            let argument = &letters[at + letter.len_utf8()..];
            let is_last = takes_argument(&option);
            let attached = Some(argument).filter(|argument| is_last && !argument.is_empty());
            self.one_option(&option, attached, words, scheme)?;
            if is_last {
                break;
            }
        }
        Ok(())
    }

    fn one_option<'w>(
        &mut self,
        option: &str,
        attached: Option<&'w str>,
        words: &mut impl Iterator<Item = &'w str>,
        scheme: &mut String,
    ) -> Result<(), ParseError> {
        if matches!(option, "-f" | "--form") {
            self.is_form = true;
        }
        if matches!(option, "--multipart" | "-x" | "--compress") {
            return Err(expected(format!(
                "a body whose bytes are in the command, found `{option}`; add `--offline --print=HB` and save what HTTPie prints"
            )));
        }
        if !takes_argument(option) {
            return Ok(());
        }
        let argument =
            attached.or_else(|| words.next()).ok_or_else(|| expected(format!("an argument after `{option}`")))?;
        match option {
            "--raw" => self.raw = Some(argument.into()),
            "-a" | "--auth" => self.credentials = Some(argument.to_owned()),
            "-A" | "--auth-type" => match argument {
                "basic" | "bearer" => self.is_bearer = argument == "bearer",
                _ => return Err(expected(format!("`basic` or `bearer` after `{option}`"))),
            },
            "--default-scheme" => argument.clone_into(scheme),
            _ => {}
        }
        Ok(())
    }

    /// One request item: a header, a field, a part of the query, or a file.
    fn item(&mut self, word: &str) -> Result<(), ParseError> {
        let (name, separator, value) = split_item(word)
            .ok_or_else(|| expected(format!("`Name:value` or `field=value`, found {}", quoted(word))))?;
        let embedded = |directory| -> Result<String, ParseError> {
            let bytes = beside::read(directory, &value)?;
            String::from_utf8(bytes).map_err(|_| expected(format!("text in {}", quoted(&value))))
        };
        match separator {
            ":" if value.is_empty() => self.removed.push(name.to_ascii_lowercase()),
            ":" => self.push(&name, value.trim())?,
            ":@" => self.push(&name, embedded(self.directory)?.trim())?,
            ";" => self.push(&name, "")?,
            "==" => drop(self.query.append_pair(&name, &value)),
            "==@" => drop(self.query.append_pair(&name, embedded(self.directory)?.trim_end_matches('\n'))),
            "=" => self.field(name, value)?,
            "=@" => {
                let text = embedded(self.directory)?;
                self.field(name, text)?;
            }
            ":=" => self.json_field(name, &value)?,
            ":=@" => {
                let text = embedded(self.directory)?;
                self.json_field(name, &text)?;
            }
            _ if name.is_empty() => self.raw = Some(beside::read(self.directory, &value)?),
            _ => return Err(expected("a body whose bytes are in the command, found a multipart form")),
        }
        Ok(())
    }

    fn push(&mut self, name: &str, value: &str) -> Result<(), ParseError> {
        let (name, value) = parts::foreign_field(name, value)?;
        self.headers.push(name, value);
        Ok(())
    }

    fn field(&mut self, name: String, value: String) -> Result<(), ParseError> {
        if self.is_form {
            self.fields.push((name, value));
            return Ok(());
        }
        self.json_field(name, &json::quote(&value))
    }

    fn json_field(&mut self, name: String, value: &str) -> Result<(), ParseError> {
        if self.is_form {
            return Err(expected(format!("`{name}=…` in a form, found `{name}:=…`")));
        }
        if name.contains(['[', ']']) {
            return Err(expected(format!(
                "a field or a body, found the path {}; write the body with `--raw`",
                quoted(&name)
            )));
        }
        if json::parse(value).is_err() {
            return Err(expected(format!("JSON after `{name}:=`, found {}", quoted(value))));
        }
        self.fields.push((name, value.to_owned()));
        Ok(())
    }

    /// The request; `None` if the command delivers nothing.
    pub fn entry(mut self, stdin: Option<&Stdin>) -> Result<Option<Entry>, ParseError> {
        let raw = match (self.raw.take(), stdin) {
            (None, Some(stdin)) if self.fields.is_empty() => Some(stdin.bytes(self.directory)?),
            (raw, _) => raw,
        };
        let has_body = raw.is_some() || !self.fields.is_empty();
        let method = parts::method("method", self.method.as_deref().unwrap_or(if has_body { "POST" } else { "GET" }))?;
        let body = raw.map_or_else(|| self.body(), Ok)?;
        if body.is_empty() || !parts::delivers(&method) {
            return Ok(None);
        }
        let content_type = match (self.is_form, self.is_xh) {
            (true, false) => "application/x-www-form-urlencoded; charset=utf-8",
            (true, true) => "application/x-www-form-urlencoded",
            (false, _) => "application/json",
        };
        if !self.has("content-type") {
            self.push("content-type", content_type)?;
        }
        if let Some(credentials) = self.credentials.take().filter(|_| !self.headers.contains("authorization")) {
            let value = if self.is_bearer {
                format!("Bearer {credentials}")
            } else {
                format!("Basic {}", BASE64_STANDARD.encode(credentials))
            };
            self.push("authorization", &value)?;
        }
        let query = self.query.finish();
        if !query.is_empty() {
            let separator = if self.url.contains('?') { '&' } else { '?' };
            self.url = format!("{}{separator}{query}", self.url);
        }
        let target = parts::written_target("the URL", &self.url)?;
        let mut request = Request { method, target, headers: self.headers, body: body.into() };
        let notes = parts::body_notes(&mut request);
        Ok(Some(Entry { notes, ..Entry::called(&self.url, request) }))
    }

    fn has(&self, header: &str) -> bool {
        self.headers.contains(header) || self.removed.iter().any(|name| name == header)
    }

    /// The fields as `HTTPie` sends them.
    fn body(&self) -> Result<Vec<u8>, ParseError> {
        if self.fields.is_empty() {
            return Ok(Vec::new());
        }
        if self.is_form {
            let form = if self.is_xh { written::javascript_form } else { written::python_form };
            return Ok(form(&self.fields).into_bytes());
        }
        let members: Vec<String> =
            self.fields.iter().map(|(name, json)| format!("{}:{json}", json::quote(name))).collect();
        let json = format!("{{{}}}", members.join(","));
        if self.is_xh {
            let value: serde_json::Value = serde_json::from_str(&json)?;
            return Ok(serde_json::to_vec(&value)?);
        }
        let body = written::python_json(&json, Layout::Spaced, true);
        body.map(String::into_bytes).ok_or_else(|| expected("fields that Python can write as JSON"))
    }
}

/// A URL with its scheme and host.
fn whole_url(url: &str, scheme: &str) -> String {
    match url.strip_prefix(':') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => format!("{scheme}://localhost:{rest}"),
        Some(rest) => format!("{scheme}://localhost{rest}"),
        None if url.contains("://") => url.to_owned(),
        None => format!("{scheme}://{url}"),
    }
}

/// The separators of an item, longer ones before those that they start with.
const SEPARATORS: [&str; 10] = [":=@", "==@", ":=", ":@", "=@", "==", ":", ";", "=", "@"];

/// The name, separator and value of an item. A backslash before a separator makes it part of the name.
fn split_item(word: &str) -> Option<(String, &'static str, String)> {
    let mut name = String::new();
    let mut rest = word;
    while let Some(c) = rest.chars().next() {
        if let Some(escaped) =
            rest.strip_prefix('\\').and_then(|rest| rest.chars().next()).filter(|c| ":;=@\\".contains(*c))
        {
            name.push(escaped);
            rest = &rest[2..];
            continue;
        }
        // `Name;` is a header without a value; elsewhere, `;` is text.
        let separator = SEPARATORS.iter().find(|separator| rest.starts_with(**separator));
        if let Some(separator) = separator.filter(|separator| **separator != ";" || rest == ";") {
            return Some((name, separator, rest[separator.len()..].to_owned()));
        }
        name.push(c);
        rest = &rest[c.len_utf8()..];
    }
    None
}

/// The options that take an argument, from `http --help`.
#[rustfmt::skip]
const TAKES_ARGUMENT: &[&str] = &[
    "--raw", "-a", "--auth", "-A", "--auth-type", "--default-scheme", "--boundary", "--pretty", "-s", "--style",
    "--format-options", "--response-charset", "--response-mime", "-p", "--print", "-P", "--history-print", "-o", "--output",
    "--session", "--session-read-only", "--proxy", "--max-redirects", "--max-headers", "--timeout", "--verify", "--ssl",
    "--ciphers", "--cert", "--cert-key", "--cert-key-pass",
];

#[cfg(test)]
mod tests {
    use super::super::super::tests::{collected, fields};

    fn read(command: &str) -> (String, String, String) {
        let (entries, _) = collected(command);
        let [Ok(entry)] = &entries[..] else { panic!("{command}: {entries:?}") };
        let request = &entry.request;
        let line = format!("{} {}", request.method, entry.url.as_deref().unwrap_or_default());
        (line, fields(request), String::from_utf8_lossy(&request.body).into_owned())
    }

    /// As `HTTPie` 3.2.4 sends them, seen with `--offline --print=HB`.
    #[test]
    fn fields_become_the_body_that_httpie_sends() {
        let (line, fields, body) = read(
            "http --ignore-stdin POST :3000/hook 'X-A: b ' a=1 n:=1.50 \\\n  o:='{\"a\": [1,2,\"é\"], \"b\": null, \"c\": 1e3}' q==x E: 'D;' 'k\\:e=v' -a u:p\n",
        );
        assert_eq!(line, "POST http://localhost:3000/hook?q=x");
        assert_eq!(fields, "X-A: b\nD: \ncontent-type: application/json\nauthorization: Basic dTpw\n");
        let sent = "{\"a\": \"1\", \"n\": 1.5, \"o\": {\"a\": [1, 2, \"\\u00e9\"], \"b\": null, \"c\": 1000.0}, \"k:e\": \"v\"}";
        assert_eq!(body, sent);
        let twice = "http POST :3000 z=1 a=2 z=3 'n:=-0' 'f:=1.0E2' 'g:=12345678901234567890123'";
        assert_eq!(
            read(twice).2,
            "{\"z\": \"3\", \"a\": \"2\", \"n\": 0, \"f\": 100.0, \"g\": 12345678901234567890123}"
        );
        let form = read("$ http --form POST localhost/hook a='x y~*' b=é");
        assert_eq!(form.1, "content-type: application/x-www-form-urlencoded; charset=utf-8\n");
        assert_eq!(form.2, "a=x+y~%2A&b=%C3%A9");
        let query = read("https 'h.example/x?b=2' c==3 'd==ö x' a=b");
        assert_eq!(query.0, "POST https://h.example/x?b=2&c=3&d=%C3%B6+x");
    }

    /// xh writes fields with `serde_json` and `form_urlencoded`, as reqwest's `json` and `form` do.
    #[test]
    fn the_fields_of_xh_become_compact_json() {
        let (line, fields, body) = read("xhs POST h.example/x X-A:b a=\u{e9} n:=1.50 'o:={\"b\": null}'");
        assert_eq!(line, "POST https://h.example/x");
        assert_eq!(fields, "X-A: b\ncontent-type: application/json\n");
        assert_eq!(body, "{\"a\":\"\u{e9}\",\"n\":1.5,\"o\":{\"b\":null}}");
        assert_eq!(read("xh -f :3000/hook a='x y~*'").2, "a=x+y%7E*");
        assert_eq!(read("xh :3000/hook X-A:b --raw '{\"a\": 1}'").2, "{\"a\": 1}");
    }

    #[test]
    fn a_body_from_elsewhere_is_sent_as_it_is() {
        for (command, body) in [
            ("http POST :3000/hook X-A:b --raw '{\"a\": 1}'", "{\"a\": 1}"),
            ("http :3000/hook X-A:b --raw='{\"a\": 1}'", "{\"a\": 1}"),
            ("echo '{\"a\": 1}' | http POST :3000/hook X-A:b", "{\"a\": 1}\n"),
            ("printf '%s' '{\"a\": 1}' | http --verbose :3000/hook X-A:b", "{\"a\": 1}"),
            ("http POST :3000/hook X-A:b <<< '{\"a\": 1}'", "{\"a\": 1}\n"),
            ("http POST :3000/hook X-A:b <<EOF\n{\"a\": \"\\n\"}\nEOF\n", "{\"a\": \"\\n\"}\n"),
            ("cat <<'EOF' | http POST :3000/hook X-A:b\n{\"a\": \"$x\"}\nEOF\n", "{\"a\": \"$x\"}\n"),
        ] {
            let (line, fields, found) = read(command);
            assert_eq!((line.as_str(), found.as_str()), ("POST http://localhost:3000/hook", body), "{command}");
            assert_eq!(fields, "X-A: b\ncontent-type: application/json\n", "{command}");
        }
    }

    #[test]
    fn what_the_command_does_not_hold_is_an_error() {
        for (command, what) in [
            ("http --multipart POST :3000 a=b", "found `--multipart`"),
            ("http -f POST :3000 file@a.png", "found a multipart form"),
            ("http POST :3000 a[b]=c", "found the path \"a[b]\""),
            ("http POST :3000 a:=x", "expected JSON after `a:=`, found \"x\""),
            ("http POST :3000 hello", "expected `Name:value` or `field=value`, found \"hello\""),
            ("http POST :3000 X-A:$SIG a=b", "without variables"),
            ("http -A digest -a u:p POST :3000 a=b", "expected `basic` or `bearer` after `-A`"),
            ("http POST :3000 < body.json", "found a reference to \"body.json\""),
        ] {
            let error = collected(command).0.remove(0).unwrap_err();
            assert!(error.contains(what), "{command}: {error}");
        }
        assert_eq!(collected("http :3000/hook X-A:b\nhttp :3000 a=b\n").0.len(), 1);
    }

    /// As `HTTPie` 3.2.4 sends them; the first is in its documentation, under "Bearer auth".
    #[test]
    fn options_count_in_any_order_and_together() {
        for (command, authorization) in [
            ("https -A bearer -a token pie.dev/bearer a=b", "Bearer token"),
            ("https -a token -A bearer pie.dev/bearer a=b", "Bearer token"),
            ("https -atoken --auth-type=bearer pie.dev/bearer a=b", "Bearer token"),
            ("https -va Aladdin:open pie.dev/bearer a=b", "Basic QWxhZGRpbjpvcGVu"),
        ] {
            let expected = format!("content-type: application/json\nauthorization: {authorization}\n");
            assert_eq!(read(command).1, expected, "{command}");
        }
        assert_eq!(read("http -vf :3000 a=b").2, "a=b");
    }

    #[test]
    fn a_sentence_about_http_is_no_command() {
        for text in ["http is a protocol", "https and http: what differs", "http", "http or tcp, example.com/a"] {
            assert!(!super::starts_command(text), "{text}");
        }
        for text in ["http :3000", "https POST h.example/a", "http -v --auth a:b POST localhost a=b", "http POST \\"] {
            assert!(super::starts_command(text), "{text}");
        }
    }
}
