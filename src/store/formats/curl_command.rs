//! `curl` commands, as the developer tools of browsers copy them ("Copy as cURL", for POSIX shells and for cmd.exe) and as
//! hookdev prints them.
//!
//! The words are read as the shell would read them, without running anything: a command that needs a variable or a
//! substitution is an error, except `printf` with octal escapes, which hookdev writes for bodies that no argument can hold.

mod options;
mod words;

use std::path::Path;

use self::{options::Options, words::Words};
use super::{
    Collected, Entry, Fault, Format, Input, Reader,
    parts::{ParseError, expected},
    position::Start,
    whole,
};

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
            || starts(b"wget")
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
        // After an error it is unknown where the next command starts.
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

/// Reads a command; `None` if it delivers nothing.
fn entry(command: &Command, directory: Option<&Path>) -> Result<Option<Entry>, ParseError> {
    let (words, stdin) = match command {
        Ok((words, stdin)) => (words, stdin),
        Err(ParseError::Expected(what)) => return Err(expected(what.clone())),
        Err(_) => return Err(expected("a curl command")),
    };
    let mut words = words.iter().map(String::as_str);
    let program = words.next().unwrap_or_default();
    if !["curl", "curl.exe", "wget"].iter().any(|name| program.ends_with(name)) {
        return Ok(None);
    }
    let mut options = Options::new(stdin.as_deref(), directory, program.ends_with("wget"));
    while let Some(word) = words.next() {
        options.read(word, &mut words)?;
    }
    options.entry()
}

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
        // The credentials of RFC 7617, section 2.
        assert_eq!(
            parsed("curl --unix-socket /run/a.sock -sSX PUT http://h/a --oauth2-bearer t -u 'Aladdin:open sesame' -vHx:y -da=1"),
            (
                "PUT /a".to_owned(),
                "x: y\ncontent-type: application/x-www-form-urlencoded\nauthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\n"
                    .to_owned(),
                "a=1".to_owned()
            )
        );
        assert_eq!(parsed("curl -O http://h/a -d a=1").0, "POST /a");
        assert_eq!(
            parsed("wget -O - --method PUT --header 'x: y' --body-data 'a=1' http://h/a"),
            (
                "PUT /a".to_owned(),
                "x: y\ncontent-type: application/x-www-form-urlencoded\n".to_owned(),
                "a=1".to_owned()
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
    fn variables_and_standard_input_are_an_error() {
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
