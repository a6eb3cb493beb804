//! A raw HTTP request whose lines a tool has decorated: with a prefix (`webhook -debug`), with a sign for each carriage
//! return (ngrep, `socat -v`), or in sections (`ModSecurity`'s audit log).

use super::{Collected, Entry, EntryFault, EntryReader, Format, GzipBudget, Input, http, whole};

/// A raw HTTP request with decorated lines.
pub(super) struct Decorated;

impl Format for Decorated {
    fn name(&self) -> &'static str {
        "an HTTP request with decorated lines"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        next(head).is_some()
    }

    fn searches(&self) -> bool {
        true
    }

    fn read<'a>(&self, input: Input<'a>, _: &mut GzipBudget) -> Result<Box<dyn EntryReader + 'a>, EntryFault> {
        let input = whole(input)?;
        let (mut collected, mut rest) = (Collected::default(), &input[..]);
        while let Some((message, after)) = next(rest) {
            collected.push(message.entry());
            rest = after;
        }
        Ok(Box::new(collected))
    }
}

/// A message without its tool's decoration.
struct StrippedMessage {
    bytes: Vec<u8>,
    /// Whether the tool prints a dot for bytes outside ASCII.
    is_lossy: bool,
}

impl StrippedMessage {
    fn entry(self) -> Result<Entry, EntryFault> {
        let mut entry = http::single_before_others(self.bytes.into())?;
        if !entry.request.headers.contains("content-length") {
            // The line ending after the body, and empty lines after that, are the tool's.
            let is_text = |byte: &u8| !matches!(byte, b'\r' | b'\n');
            let length = entry.request.body.iter().rposition(is_text).map_or(0, |last| last + 1);
            entry.request.body.truncate(length);
        }
        if self.is_lossy && entry.request.body.contains(&b'.') {
            entry.notes.push(
                "ngrep and socat -v print a dot for each byte outside ASCII; tcpdump -X keeps the bytes".to_owned(),
            );
        }
        Ok(entry)
    }
}

/// The next message, and the input after it.
fn next(input: &[u8]) -> Option<(StrippedMessage, &[u8])> {
    let mut at = 0;
    for line in input.split_inclusive(|&byte| byte == b'\n') {
        let (rest, after) = (&input[at..], &input[at + line.len()..]);
        let found = prefixed(line, after).or_else(|| suffixed(line, rest)).or_else(|| in_sections(line, after));
        if found.is_some() {
            return found;
        }
        at += line.len();
    }
    None
}

/// The message of the lines that share the request line's prefix, without that prefix.
fn prefixed<'i>(line: &[u8], after: &'i [u8]) -> Option<(StrippedMessage, &'i [u8])> {
    let start = http::delivery_starts(line).next().filter(|start| *start > 0)?;
    let (prefix, first) = line.split_at(start);
    let is_field = after
        .strip_prefix(prefix)
        .is_some_and(|next| http::is_field(next.split(|&byte| byte == b'\n').next().unwrap_or_default()));
    if !is_field || !http::starts_message(first) {
        return None;
    }
    let mut bytes = first.to_vec();
    let mut end = 0;
    for line in after.split_inclusive(|&byte| byte == b'\n') {
        // Editors remove the trailing space of an empty line.
        let is_empty = line.trim_ascii() == prefix.trim_ascii();
        let Some(own) = line.strip_prefix(prefix).or_else(|| is_empty.then_some(b"\n")) else { break };
        bytes.extend_from_slice(own);
        end += line.len();
    }
    Some((StrippedMessage { bytes, is_lossy: false }, &after[end..]))
}

/// The message of lines with a sign in place of each carriage return, as ngrep and `socat -v` write them.
fn suffixed<'i>(line: &[u8], rest: &'i [u8]) -> Option<(StrippedMessage, &'i [u8])> {
    let is_socat = match line {
        [.., b'\\', b'r', b'\n'] => true,
        [.., b'.', b'\n'] => false,
        _ => return None,
    };
    let ends_alike = |next: &[u8]| next.ends_with(if is_socat { b"\\r" } else { b"." });
    let is_field =
        rest.split(|&byte| byte == b'\n').nth(1).is_some_and(|next| http::is_field(next) && ends_alike(next));
    if !is_field || !http::starts_delivery(line) || !http::starts_message(line) {
        return None;
    }
    let (bytes, after) = if is_socat { transfers(rest) } else { packets(rest) };
    let suffix: &[u8] = if is_socat { b"\r\n" } else { b".\n" };
    let body = memchr::memmem::find(&bytes, &[b"\n", suffix].concat()).map_or(bytes.len(), |at| at + 1 + suffix.len());
    let (head, body) = bytes.split_at(body);
    let lines = head.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(&suffix[..1]).unwrap_or(line));
    let message = [&lines.collect::<Vec<_>>().join(&b'\n'), body].concat();
    Some((StrippedMessage { bytes: message, is_lossy: true }, after))
}

/// The unescaped text of the transfers to the server, which `socat -v` writes after `> TIME length=N from=N to=N`, up
/// to the first in the other direction.
fn transfers(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut bytes = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let is_mark = |mark: &usize| matches!(line[*mark..], [b'<' | b'>', b' ', b'1'..=b'9', ..]);
        let counts =
            memchr::memmem::find(line, b"  length=").filter(|_| memchr::memmem::find(line, b" from=").is_some());
        let mark = counts.and_then(|counts| (0..counts).rev().find(is_mark));
        bytes.extend(unescaped(&line[..mark.unwrap_or(line.len())]));
        if mark.is_some_and(|mark| line[mark] == b'<') {
            return (bytes, &text[at..]);
        }
        at += line.len();
    }
    (bytes, &[])
}

/// Decodes the escapes that `socat -v` writes: C's single-letter escapes.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'a') => 7,
                Some(b'b') => 8,
                Some(b't') => b'\t',
                Some(b'v') => 11,
                Some(b'f') => 12,
                Some(b'r') => b'\r',
                Some(other) => other,
                None => b'\\',
            },
            other => other,
        });
    }
    out
}

/// The packets to the server, which ngrep writes after `T HOST:PORT -> HOST:PORT [FLAGS] #N`, up to the response.
fn packets(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let (mut bytes, mut rest) = (Vec::new(), text);
    while let Some(end) = memchr::memmem::find(rest, b"\n\nT ") {
        bytes.extend_from_slice(&rest[..end]);
        rest = &rest[end + 2..];
        let packet = rest.iter().position(|&byte| byte == b'\n').map_or(&[][..], |line| &rest[line + 1..]);
        if packet.is_empty() || packet.starts_with(b"HTTP/") || http::starts_message(packet) {
            return (bytes, rest);
        }
        rest = packet;
    }
    bytes.extend_from_slice(rest);
    (bytes, &[])
}

/// The head and the body in `ModSecurity`'s audit log, which follow the lines `--ID-B--` and `--ID-C--`.
fn in_sections<'i>(line: &[u8], after: &'i [u8]) -> Option<(StrippedMessage, &'i [u8])> {
    let boundary =
        line.trim_ascii_end().strip_suffix(b"B--").filter(|start| start.starts_with(b"--") && start.len() > 3)?;
    if !http::starts_delivery(after) || !http::starts_message(after) {
        return None;
    }
    let mark = [b"\n", boundary].concat();
    let end = |text: &[u8]| memchr::memmem::find(text, &mark).unwrap_or(text.len());
    let (head, rest) = after.split_at(end(after));
    let body = rest.strip_prefix(&[&mark[..], b"C--\n"].concat()[..]).unwrap_or_default();
    let (body, rest) = if body.is_empty() { (body, rest) } else { body.split_at(end(body)) };
    let bytes = [head.trim_ascii_end(), b"\n\n", body].concat();
    Some((StrippedMessage { bytes, is_lossy: false }, rest))
}

#[cfg(test)]
mod tests {
    use crate::store::formats::tests::{collected, fields};

    /// Headers, body and notes of each request.
    fn read(text: &str) -> Vec<(String, String, Vec<String>)> {
        let (entries, _) = collected(text);
        let parts = |entry: &crate::store::formats::Entry| {
            (fields(&entry.request), String::from_utf8_lossy(&entry.request.body).into_owned(), entry.notes.clone())
        };
        entries.iter().map(|entry| parts(entry.as_ref().unwrap())).collect()
    }

    const HEADERS: &str = "Host: h\nContent-Length: 9\n";

    /// As `webhook -debug` 2.8 logs two deliveries.
    const PREFIXED: &str = "\
[webhook] 2026/11/30 02:52:34 os signal watcher ready
> [91c0ec] POST /hooks/a HTTP/1.1
> [91c0ec] Host: h
> [91c0ec] Content-Length: 9
> [91c0ec]
> [91c0ec] {\"a\":1.0}
[webhook] 2026/11/30 02:52:39 [91c0ec] incoming HTTP POST request from 127.0.0.1:58194
< [91c0ec] 200 OK
> [0b2f11] POST /hooks/a HTTP/1.1
> [0b2f11] Host: h
> [0b2f11] Content-Length: 9
> [0b2f11]
> [0b2f11] {\"a\":2.0}
";

    #[test]
    fn the_text_before_each_line_is_removed() {
        let bodies = read(PREFIXED);
        let expected = |body: &str| (HEADERS.to_owned(), body.to_owned(), Vec::new());
        assert_eq!(bodies, [expected("{\"a\":1.0}"), expected("{\"a\":2.0}")]);
    }

    #[test]
    fn an_indented_request_is_read() {
        for (headers, indented) in [(HEADERS, "    Host: h\n    Content-Length: 9\n"), ("Host: h\n", "    Host: h\n")] {
            let text = format!("It failed:\n\n    POST /a HTTP/1.1\n{indented}\n    {{\"a\":1.0}}\n\nWhy?\n");
            assert_eq!(read(&text), [(headers.to_owned(), "{\"a\":1.0}".to_owned(), Vec::new())]);
        }
    }

    /// As ngrep 1.47 prints a request in two packets, and its response.
    const NGREP: &str = "\
interface: lo (127.0.0.0/255.0.0.0)

T 127.0.0.1:51304 -> 127.0.0.1:18302 [AP] #4
POST /a HTTP/1.1.
Host: h.
Content-Length: 9.
.


T 127.0.0.1:51304 -> 127.0.0.1:18302 [AP] #6
{\"a\":1.0}

T 127.0.0.1:18302 -> 127.0.0.1:51304 [AP] #8
HTTP/1.1 200 OK.
Content-Length: 0.
.

";

    /// As socat 1.7 writes a request in two transfers, and the response.
    const SOCAT: &str = "\
> 2026/11/30 02:58:14.000296001  length=40 from=0 to=39
POST /a HTTP/1.1\\r
Host: h\\r
Content-Le> 2026/11/30 02:58:14.000698698  length=31 from=40 to=70
ngth: 9\\r
\\r
{\"\\\\\":1.0}< 2026/11/30 02:58:15.000162993  length=19 from=0 to=18
HTTP/1.1 200 OK\\r
\\r
";

    #[test]
    fn signs_for_carriage_returns_are_removed() {
        let note = "ngrep and socat -v print a dot for each byte outside ASCII; tcpdump -X keeps the bytes".to_owned();
        assert_eq!(read(NGREP), [(HEADERS.to_owned(), "{\"a\":1.0}".to_owned(), vec![note.clone()])]);
        assert_eq!(read(SOCAT), [(HEADERS.to_owned(), "{\"\\\":1.0}".to_owned(), vec![note])]);
    }

    #[test]
    fn the_sections_of_an_audit_log_are_one_request() {
        let log = "--a1b2c3d4-A--\n[02/Mar/2026:09:14:00 +0000] Z 192.0.2.1 51304 192.0.2.2 443\n--a1b2c3d4-B--\nPOST /a HTTP/1.1\nHost: h\nContent-Length: 9\n\n--a1b2c3d4-C--\n{\"a\":1.0}\n--a1b2c3d4-F--\nHTTP/1.1 403 Forbidden\n\n--a1b2c3d4-Z--\n";
        assert_eq!(read(log), [(HEADERS.to_owned(), "{\"a\":1.0}".to_owned(), Vec::new())]);
    }
}
