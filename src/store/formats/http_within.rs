//! A raw HTTP request surrounded by other text: below the lines that `nc` prints, in a Markdown code block, or as a
//! provider's dashboard shows it, with `Request URL` and `Request method` in place of the request line.

use std::borrow::Cow;

use bytes::Bytes;

use super::{
    Collected, Entry, EntryFault, EntryReader, Format, GzipBudget, Input, http,
    values::literal::{self, Literal},
    whole,
};

/// A raw HTTP request within other text.
pub(super) struct HttpWithin;

impl Format for HttpWithin {
    fn name(&self) -> &'static str {
        "an HTTP request within other text"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        before_message(head).is_some()
            || quoted(head).is_some()
            || ShownRequest::of(&page(head)).is_some()
            || in_packet(head).is_some()
            || of_pseudo_fields(head).is_some()
    }

    fn searches(&self) -> bool {
        true
    }

    fn read<'a>(&self, input: Input<'a>, _: &mut GzipBudget) -> Result<Box<dyn EntryReader + 'a>, EntryFault> {
        let input = whole(input)?;
        if let Some(page) = ShownRequest::of(&page(&input)) {
            return Ok(Box::new(Collected::single(page.entry()?)));
        }
        if let Some(messages) = quoted(&input) {
            return Ok(Box::new(messages));
        }
        Ok(Box::new(below(&input)?))
    }
}

/// How many lines may come before the request.
const MAX_LINES: usize = 12;

/// The number of bytes before the first request line, if it doesn't start the input. It may be preceded by log text on
/// its line if header fields follow.
fn before_message(input: &[u8]) -> Option<usize> {
    let mut at = 0;
    for line in input.split_inclusive(|&byte| byte == b'\n').take(MAX_LINES) {
        if let Some(start) = http::delivery_starts(line).next().filter(|start| at + start > 0) {
            let is_word = start == 0 || matches!(line[start - 1], b' ' | b'\t' | b':' | b']' | b'|' | b'>');
            let next = input[at + line.len()..].split(|&byte| byte == b'\n').next().unwrap_or_default();
            if is_word && http::starts_message(&line[start..]) && (start == 0 || http::is_field(next)) {
                return Some(at + start);
            }
        }
        at += line.len();
    }
    None
}

/// The offset of the request line in the output of `tcpdump -A`: after the packet's headers, on the same line.
fn in_packet(input: &[u8]) -> Option<usize> {
    let is_tcpdump =
        input.split(|&byte| byte == b'\n').next()?.windows(4).any(|part| part == b" IP " || part == b" IP6");
    // With -X, it also prints the bytes.
    let is_tcpdump = is_tcpdump && !input.windows(9).any(|part| part == b"\t0x0000: ");
    let version = input.windows(8).position(|part| part == b" HTTP/1.").filter(|_| is_tcpdump)?;
    http::delivery_starts(&input[..version]).next_back()
}

/// The messages that are quoted texts, as Go prints them with `%q` and Python with `%r`.
fn quoted(input: &[u8]) -> Option<Collected> {
    let text = String::from_utf8_lossy(input);
    let mut collected = None;
    for line in text.split('\n').filter(|line| line.contains(r" HTTP/1.1\r\n")) {
        let mut quotes = http::delivery_starts(line.as_bytes()).filter_map(|start| start.checked_sub(1));
        let Some(start) = quotes.find(|quote| b"\"'".contains(&line.as_bytes()[*quote])) else { continue };
        let start = start - usize::from(line[..start].ends_with('b'));
        let message = match literal::value(&line[start..]) {
            Some((Literal::Text(text), _)) => text.into_bytes(),
            Some((Literal::Bytes(bytes), _)) => bytes,
            _ => continue,
        };
        let read = http::single(message.into());
        collected.get_or_insert_with(Collected::default).push(read);
    }
    collected
}

/// The request as the fields of a browser's developer tools: `:method: POST`, `:path: /a`, `Name: value`.
fn of_pseudo_fields(input: &[u8]) -> Option<Bytes> {
    let text = str::from_utf8(input).ok()?.trim_start();
    let head = text.lines().take_while(|line| !line.trim().is_empty());
    let pseudo: Vec<(&str, &str)> =
        head.filter(|line| line.starts_with(':')).filter_map(|line| line[1..].split_once(':')).collect();
    let field = |name: &str| pseudo.iter().find(|(known, _)| *known == name).map(|(_, value)| value.trim());
    let (method, path) = (field("method")?, field("path")?);
    let rest: Vec<&str> = text.split_inclusive('\n').skip_while(|line| line.starts_with(':')).collect();
    let host = field("authority").map(|host| format!("Host: {host}\n")).unwrap_or_default();
    Some(format!("{method} {path} HTTP/1.1\n{host}{}", rest.concat()).into())
}

fn below(input: &Bytes) -> Result<Collected, EntryFault> {
    if let Some(message) = of_pseudo_fields(input) {
        return Ok(Collected::single(http::single(message)?));
    }
    if let Some(start) = in_packet(input) {
        let mut entry = http::single_before_others(input.slice(start..))?;
        if entry.request.body.contains(&b'.') {
            entry.notes.push("tcpdump -A prints a dot for each byte outside ASCII; -X keeps the bytes".to_owned());
        }
        return Ok(Collected::single(entry));
    }
    let start = before_message(input).unwrap_or_default();
    let mut message = input.slice(start..);
    let fence = input[..start].trim_ascii_end().rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
    if fence.starts_with(b"```")
        && let Some(end) = message.windows(4).position(|bytes| bytes == b"\n```")
    {
        message.truncate(end);
    }
    let lines = memchr::memchr_iter(b'\n', &input[..start]).count();
    let skipped = if lines == 1 { "1 line".to_owned() } else { format!("{lines} lines") };
    let mut collected = http::collected(message);
    if let Some(Ok(first)) = collected.entries.front_mut().filter(|_| lines > 0) {
        first.notes.push(format!("skipped {skipped} before the request"));
    }
    Ok(collected)
}

/// The text of a page without its headings, and without the indentation of the header lines.
fn page(input: &[u8]) -> Cow<'_, [u8]> {
    let is_heading = |line: &[u8], heading: &[u8]| {
        let line = line.trim_ascii();
        line.strip_suffix(b":").unwrap_or(line).eq_ignore_ascii_case(heading)
    };
    let mut at = 0;
    let mut text = Vec::new();
    for line in input.split_inclusive(|&byte| byte == b'\n') {
        if at == 0 && !is_heading(line, b"request headers") {
            return Cow::Borrowed(input);
        }
        at += line.len();
        if is_heading(line, b"request payload") || is_heading(line, b"payload") {
            text.push(b'\n');
            text.extend_from_slice(input[at..].trim_ascii());
            break;
        }
        if at > line.len() && !line.trim_ascii().is_empty() {
            text.extend_from_slice(line.trim_ascii_start());
        }
    }
    Cow::Owned(text)
}

/// A request as a page shows it.
struct ShownRequest<'i> {
    url: &'i str,
    method: &'i str,
    /// The header lines, and the body after an empty one.
    rest: &'i [u8],
}

impl<'i> ShownRequest<'i> {
    fn of(input: &'i [u8]) -> Option<Self> {
        let (url, rest) = field(input.trim_ascii_start(), "request url:")?;
        let (method, rest) = field(rest, "request method:")?;
        Some(Self { url, method, rest })
    }

    fn entry(&self) -> Result<Entry, EntryFault> {
        let target =
            self.url.split_once("://").map_or(self.url, |(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
        let line = format!("{} {target} HTTP/1.1\n", self.method);
        let entry = http::single([line.as_bytes(), self.rest].concat().into())?;
        let mut entry =
            Entry { line: None, ..Entry { url: Entry::called(self.url, entry.request.clone()).url, ..entry } };
        entry.notes.push("the page may show the body with different whitespace from what was sent".to_owned());
        Ok(entry)
    }
}

/// The value of a line with this name, in any letter case, and the input after the line.
fn field<'i>(input: &'i [u8], name: &str) -> Option<(&'i str, &'i [u8])> {
    let end = input.iter().position(|&byte| byte == b'\n')?;
    let line = str::from_utf8(&input[..end]).ok()?;
    let (start, value) = line.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then(|| (value.trim(), &input[end + 1..]))
}

#[cfg(test)]
mod tests {
    use crate::store::formats::tests::{collected, fields};

    fn read(text: &str) -> (String, String, String) {
        let (entries, _) = collected(text);
        let [Ok(entry)] = &entries[..] else { panic!("{entries:?}") };
        let request = &entry.request;
        let line = format!("{} {}", request.method, request.target);
        (line, fields(request), String::from_utf8_lossy(&request.body).into_owned())
    }

    #[test]
    fn a_request_is_found_below_other_lines() {
        let request = "POST /a HTTP/1.1\nHost: h\n\n{}";
        for text in [
            format!("Listening on 0.0.0.0 8080\nConnection received on localhost 52310\n{request}"),
            format!("DEBUG:hook:{request}"),
            format!("What we got:\n\n```http\n{request}\n```\n\nAnd then it failed.\n"),
        ] {
            assert_eq!(read(&text), ("POST /a".to_owned(), "Host: h\n".to_owned(), "{}".to_owned()), "{text}");
        }
    }

    #[test]
    fn a_request_in_quotes_is_read_as_go_and_python_print_it() {
        let expected = ("POST /a".to_owned(), "Host: h\n".to_owned(), "{\"a\":\"\u{e9}\"}".to_owned());
        for text in [
            r#"2026/11/29 10:00:00 "POST /a HTTP/1.1\r\nHost: h\r\n\r\n{\"a\":\"é\"}""#,
            r#"DEBUG got b'POST /a HTTP/1.1\r\nHost: h\r\n\r\n{"a":"\xc3\xa9"}' from client"#,
        ] {
            assert_eq!(read(text), expected, "{text}");
            assert_eq!(read(&format!("\u{e9}POST {text}")), expected, "{text}");
        }
    }

    #[test]
    fn every_request_between_other_lines_is_read() {
        let request = "POST /a HTTP/1.1\nContent-Length: 2\nHost: h\n\n{}";
        let (entries, _) = collected(&format!("Listening\n{request}\nConnection closed\n{request}\n"));
        let notes: Vec<_> = entries.iter().map(|entry| entry.as_ref().map(|entry| &entry.notes[..])).collect();
        let (between, before) = ("ignored 19 B after the end of the body", "skipped 1 line before the request");
        let after = "ignored 1 B after the end of the body";
        assert_eq!(notes, [Ok(&[between.to_owned(), before.to_owned()][..]), Ok(&[after.to_owned()][..])]);
    }

    #[test]
    fn a_delivery_is_read_as_a_page_shows_it() {
        let page = "Request URL: https://h.example/a?b\nRequest method: POST\nAccept: */*\nX-A: b\n\n{}";
        assert_eq!(read(page), ("POST /a?b".to_owned(), "Accept: */*\nX-A: b\n".to_owned(), "{}".to_owned()));
        let (entries, _) = collected(page);
        assert_eq!(entries[0].as_ref().unwrap().url.as_deref(), Some("https://h.example/a?b"));
    }

    #[test]
    fn a_delivery_is_read_as_a_page_with_headings_shows_it() {
        let page = "Request Headers:\n\n\tRequest URL: http://h/a\n\tRequest method: POST\n\tExpect: \n\tX-A: b\n\nRequest Payload\n\n{}\n";
        let expected = ("POST /a".to_owned(), "Expect: \nX-A: b\n".to_owned(), "{}".to_owned());
        assert_eq!(read(page), expected);
    }

    #[test]
    fn a_request_in_a_packet_is_read_as_tcpdump_prints_it() {
        let text = "10:00:00.000000 IP 127.0.0.1.52310 > 127.0.0.1.3000: Flags [P.], length 70\nE..4..@.@.......\n....POST /a HTTP/1.1\nHost: h\nContent-Length: 2\n\n{}\n10:00:00.000100 IP 127.0.0.1.3000 > 127.0.0.1.52310: Flags [.], length 0\nE..4\n";
        let expected = ("POST /a".to_owned(), "Host: h\nContent-Length: 2\n".to_owned(), "{}".to_owned());
        assert_eq!(read(text), expected);
    }

    #[test]
    fn the_fields_of_http_2_are_a_request_line() {
        let text = ":authority: h\n:method: POST\n:path: /a?b\n:scheme: https\nX-A: b\n\n{}";
        assert_eq!(read(text), ("POST /a?b".to_owned(), "Host: h\nX-A: b\n".to_owned(), "{}".to_owned()));
    }
}
