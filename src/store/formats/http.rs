//! Raw HTTP/1.x request messages, as sent over the wire or as people paste them: lines may end with a bare line feed,
//! and a body may end with the file. Several messages may follow each other.

mod framing;

use bytes::Bytes;
use httparse::{EMPTY_HEADER, Error, Status};
use serde::de::IgnoredAny;

use self::framing::{FramedBody, Framing};
use super::{
    Collected, Entry, EntryFault, EntryPiece, EntryReader, Format, GzipBudget, Input, MAX_FIELDS, Position, whole,
};
use crate::webhook::request::{FieldName, HeaderValue, Headers, Method, Request, target};

/// Raw HTTP/1.x request messages.
pub(super) struct Http;

impl Format for Http {
    fn name(&self) -> &'static str {
        "a raw HTTP/1.x request"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        starts_message(head)
    }

    fn read<'a>(&self, input: Input<'a>, _: &mut GzipBudget) -> Result<Box<dyn EntryReader + 'a>, EntryFault> {
        Ok(Box::new(Messages { input: whole(input)?, at: 0 }))
    }
}

/// The single message embedded in another format.
pub(super) fn single(input: Bytes) -> Result<Entry, EntryFault> {
    Messages { input, at: 0 }.message(0)
}

/// The single message embedded in another format that has its own bytes after the body.
pub(super) fn single_before_others(input: Bytes) -> Result<Entry, EntryFault> {
    let mut entry = single(input)?;
    entry.notes.retain(|note| !note.contains(AFTER_BODY));
    Ok(entry)
}

/// How the note about bytes after the body describes their position.
const AFTER_BODY: &str = "after the end of the body";

/// The messages embedded in another format.
pub(super) fn collected(input: Bytes) -> Collected {
    let mut collected = Collected::default();
    Messages { input, at: 0 }.filter_map(EntryPiece::read).for_each(|entry| collected.push(entry));
    collected
}

/// Whether the first non-blank line is a request line. One with HTTP/2, which tools write in the same way, must be
/// followed by header fields.
pub(super) fn starts_message(bytes: &[u8]) -> bool {
    let mut lines = bytes[blank_len(bytes)..].split(|&byte| byte == b'\n');
    let line = lines.next().unwrap_or_default();
    let words: Vec<&[u8]> = line.trim_ascii_end().splitn(4, |&byte| byte == b' ').collect();
    let [method, _, version] = words[..] else { return false };
    Method::from_bytes(method).is_ok()
        && (version.starts_with(b"HTTP/1.") || LATER_VERSIONS.contains(&version) && lines.next().is_some_and(is_field))
}

/// The later versions whose messages tools write like HTTP/1.1.
const LATER_VERSIONS: [&[u8]; 3] = [b"HTTP/2", b"HTTP/2.0", b"HTTP/3"];

/// Whether a line is a header field; a row of a hex dump starts with a number.
pub(super) fn is_field(line: &[u8]) -> bool {
    let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
    name.len() < line.len()
        && name.first().is_some_and(u8::is_ascii_alphabetic)
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
}

/// Whether a line starts like the request line of a delivery.
pub(super) fn starts_delivery(line: &[u8]) -> bool {
    ["POST ", "PUT ", "PATCH "].iter().any(|method| line.starts_with(method.as_bytes()))
}

/// The offsets at which request lines of deliveries may start.
pub(super) fn delivery_starts(text: &[u8]) -> impl DoubleEndedIterator<Item = usize> {
    memchr::memchr_iter(b'P', text).filter(|at| starts_delivery(&text[*at..]))
}

/// The offset of the next request: a delivery's request line, followed by header fields.
fn next_start(text: &[u8]) -> Option<usize> {
    let starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', text).map(|feed| feed + 1));
    let is_start = |start: &usize| {
        let rest = &text[*start..];
        starts_delivery(rest) && starts_message(rest) && rest.split(|&byte| byte == b'\n').nth(1).is_some_and(is_field)
    };
    starts.into_iter().find(is_start)
}

/// The length of the responses at the start, including blank lines around them, if each states its length.
fn responses_len(text: &Bytes) -> Option<usize> {
    let mut at = blank_len(text);
    while text[at..].starts_with(b"HTTP/1.") {
        at += response_len(&text.slice(at..))?;
        at += blank_len(&text[at..]);
    }
    Some(at)
}

fn response_len(text: &Bytes) -> Option<usize> {
    let mut fields = vec![EMPTY_HEADER; MAX_FIELDS];
    let mut parsed = httparse::Response::new(&mut fields);
    let Ok(Status::Complete(head)) = parsed.parse(text) else { return None };
    if matches!(parsed.code, Some(100..=199 | 204 | 304)) {
        return Some(head);
    }
    match Framing::of(&headers(parsed.headers).ok()?)? {
        Framing::EndOfInput => None,
        framing => Some(FramedBody::cut(text, head, framing).ok()?.end),
    }
}

/// The number of leading line-ending bytes.
fn blank_len(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count()
}

/// The messages of an input, one by one.
struct Messages {
    input: Bytes,
    /// The offset of the next message.
    at: usize,
}

impl EntryReader for Messages {}

impl Iterator for Messages {
    type Item = EntryPiece;

    fn next(&mut self) -> Option<Self::Item> {
        self.at += blank_len(&self.input[self.at..]);
        if self.at == self.input.len() {
            return None;
        }
        let start = self.at;
        // After a broken message, the start of the next one is unknown.
        self.at = self.input.len();
        Some(EntryPiece::Entry(self.message(start)))
    }
}

impl Messages {
    fn message(&mut self, start: usize) -> Result<Entry, EntryFault> {
        let Head { mut entry, end } = Head::parse(&self.input, start)?;
        let framing = Framing::of(&entry.request.headers).ok_or_else(|| {
            expected(Position::Line(line_at(&self.input, start)), "one number of bytes in `content-length`")
        })?;
        let FramedBody { bytes, end, note } = FramedBody::cut(&self.input, end, framing)?;
        let (bytes, end, note) = match reformatted(&self.input[end - bytes.len().min(end)..], &bytes, framing) {
            Some(whole) => {
                let start = end - bytes.len();
                let note = format!(
                    "the body is longer than its content-length: a tool such as HTTPie reformatted it ({} B instead of {}); use --pretty=none",
                    whole,
                    bytes.len()
                );
                (self.input.slice(start..start + whole), start + whole, Some(note))
            }
            None => (bytes, end, note),
        };
        entry.request.body = bytes;
        entry.notes.extend(note);

        let left = self.input.slice(end..);
        if starts_message(&left) {
            self.at = end;
        } else if !left.is_empty() {
            // In a traffic log, the response or other lines follow, and then the next request.
            let after_responses = responses_len(&left).filter(|length| starts_message(&left[*length..]));
            let ignored = after_responses.or_else(|| next_start(&left)).unwrap_or(left.len());
            self.at = end + ignored;
            if !left[..ignored].trim_ascii().is_empty() || self.at == self.input.len() {
                entry.notes.push(format!("ignored {ignored} B {AFTER_BODY}"));
            }
        }
        Ok(entry)
    }
}

/// The length of a JSON body that extends beyond its `content-length`, if that is the length before it was indented.
fn reformatted(from_body: &[u8], body: &[u8], framing: Framing) -> Option<usize> {
    let is_cut = matches!(framing, Framing::Length(_))
        && matches!(body.first(), Some(b'{' | b'['))
        && from_body.len() > body.len()
        && serde_json::from_slice::<IgnoredAny>(body).is_err_and(|error| error.is_eof());
    if !is_cut {
        return None;
    }
    let mut documents = serde_json::Deserializer::from_slice(from_body).into_iter::<IgnoredAny>();
    documents.next()?.ok()?;
    Some(documents.byte_offset())
}

fn expected(place: Position, what: &str) -> EntryFault {
    EntryFault::Malformed(place, format!("expected {what}"))
}

/// The line of a byte, from 1.
fn line_at(input: &[u8], at: usize) -> u64 {
    input[..at].iter().map(|&byte| u64::from(byte == b'\n')).sum::<u64>() + 1
}

/// A message up to its body.
struct Head {
    entry: Entry,
    /// The offset of its body.
    end: usize,
}

impl Head {
    fn parse(input: &[u8], start: usize) -> Result<Self, EntryFault> {
        let message = &input[start..];
        let broken = |error| broken(message, error, line_at(input, start));
        if let Some((request, length)) = parse(message).map_err(broken)? {
            return Ok(Self { entry: Entry::new(request), end: start + length });
        }
        let ended = [message, b"\r\n\r\n"].concat();
        let (request, _) = parse(&ended).and_then(|parsed| parsed.ok_or(Error::Token)).map_err(broken)?;
        let note = "the empty line after the headers is missing".to_owned();
        Ok(Self { entry: Entry { notes: vec![note], ..Entry::new(request) }, end: input.len() })
    }
}

/// The request at the start, and the offset of its body; `None` if its headers don't end.
fn parse(message: &[u8]) -> Result<Option<(Request, usize)>, Error> {
    if let Some((head, added)) = as_version_1(message) {
        let parsed = parse(&head)?;
        return Ok(parsed.map(|(request, length)| (request, length - added)));
    }
    let mut fields = vec![EMPTY_HEADER; MAX_FIELDS];
    let mut parsed = httparse::Request::new(&mut fields);
    let Status::Complete(length) = parsed.parse(message)? else { return Ok(None) };
    let method = parsed.method.and_then(|method| method.parse::<Method>().ok()).ok_or(Error::Token)?;
    let target = parsed.path.and_then(target).ok_or(Error::Token)?;
    let headers = headers(parsed.headers)?;
    Ok(Some((Request { method, target, headers, body: Bytes::new() }, length)))
}

fn headers(fields: &[httparse::Header<'_>]) -> Result<Headers, Error> {
    let field = |field: &httparse::Header<'_>| {
        let name = FieldName::new(field.name).map_err(|_| Error::HeaderName)?;
        Ok((name, HeaderValue::from_bytes(field.value).map_err(|_| Error::HeaderValue)?))
    };
    fields.iter().map(field).collect()
}

/// The head of a later version's message, with `HTTP/1.1` in its first line, and how many bytes longer that makes it.
fn as_version_1(message: &[u8]) -> Option<(Vec<u8>, usize)> {
    let blank = blank_len(message);
    let end = memchr::memchr(b'\n', &message[blank..]).map_or(message.len(), |feed| blank + feed);
    let line = message[..end].trim_ascii_end();
    let version = LATER_VERSIONS.iter().find(|version| line.ends_with(version))?;
    let before = line.len() - version.len();
    let rest = &message[line.len()..];
    let ends = [&b"\n\n"[..], b"\n\r\n"];
    let empty_line = |feed: usize| ends.iter().find(|end| rest[feed..].starts_with(end)).map(|end| feed + end.len());
    let head = memchr::memchr_iter(b'\n', rest).find_map(empty_line).unwrap_or(rest.len());
    let text = [&message[..before], b"HTTP/1.1", &rest[..head]].concat();
    Some((text, "HTTP/1.1".len() - version.len()))
}

/// The fault of a message that starts on line `first`. The parser doesn't say where it failed, so this finds the first
/// line with which it rejects the message.
fn broken(message: &[u8], error: Error, first: u64) -> EntryFault {
    let ends: Vec<usize> = (0..message.len()).filter(|&at| message[at] == b'\n').take(MAX_FIELDS + 2).collect();
    let before = match error {
        Error::Token | Error::Version => 0,
        _ => ends.partition_point(|&end| parse(&message[..=end]).is_ok()),
    };
    let place = Position::Line(first + before as u64);
    match error {
        Error::TooManyHeaders => EntryFault::TooManyFields(place),
        Error::HeaderValue => expected(place, "a header value without control characters"),
        _ if before == 0 => expected(place, "`METHOD /target HTTP/1.1`"),
        _ => expected(place, "`Name: value`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::request::HeaderName;

    fn messages(input: &[u8]) -> Vec<Result<Entry, String>> {
        let messages = Messages { input: Bytes::copy_from_slice(input), at: 0 };
        messages.filter_map(EntryPiece::read).map(|read| read.map_err(|fault| fault.to_string())).collect()
    }

    /// The body and the notes of the one message.
    fn body(input: &str) -> (String, Vec<String>) {
        let mut messages = messages(input.as_bytes());
        assert_eq!(messages.len(), 1, "{messages:?}");
        let Entry { request, notes, .. } = messages.remove(0).unwrap();
        (String::from_utf8(request.body.to_vec()).unwrap(), notes)
    }

    fn rejected(input: &str) -> String {
        messages(input.as_bytes()).remove(0).unwrap_err()
    }

    fn noted(body: &str, note: &str) -> (String, Vec<String>) {
        (body.to_owned(), if note.is_empty() { vec![] } else { vec![note.to_owned()] })
    }

    #[test]
    fn a_json_body_that_was_indented_after_its_length_was_counted_is_whole() {
        let note = "the body is longer than its content-length: a tool such as HTTPie reformatted it (12 B instead of 7); use --pretty=none";
        let input = "POST / HTTP/1.1\r\nContent-Length: 7\r\n\r\n{\n  \"a\": 1\n}";
        assert_eq!(body(input), noted("{\n  \"a\": 1\n}", note));
        // A document that the length cuts off, and that has no end, stays cut.
        let (cut, _) = body("POST / HTTP/1.1\r\nContent-Length: 7\r\n\r\n{\n  \"a\": 1\n");
        assert_eq!(cut, "{\n  \"a\"");
    }

    #[test]
    fn a_message_gives_its_request() {
        let input =
            b"POST /aspect?x=1 HTTP/1.1\r\nHost: a\r\nX-Name: \xfc\r\nx-name:  2 \r\nContent-Length: 4\r\n\r\n{}\r\n";
        let fields = [("host", &b"a"[..]), ("x-name", b"\xfc"), ("x-name", b"2"), ("content-length", b"4")];
        let field = |(name, value)| (HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
        let request = Request {
            method: Method::POST,
            target: "/aspect?x=1".to_owned(),
            headers: fields.into_iter().map(field).collect(),
            body: Bytes::from_static(b"{}\r\n"),
        };
        assert_eq!(messages(input), [Ok(Entry::new(request))]);
    }

    #[test]
    fn an_absolute_url_is_read_as_its_path_and_query() {
        let input = b"POST http://a/b?c HTTP/1.0\n\n";
        assert_eq!(messages(input)[0].as_ref().unwrap().request.target, "/b?c");
    }

    #[test]
    fn pasted_lines_may_end_in_a_line_feed_and_the_body_is_unchanged() {
        assert_eq!(body("\n\nPOST / HTTP/1.1\na: b\nContent-Length: 6\n\n{}\r\n\r\n"), noted("{}\r\n\r\n", ""));
    }

    #[test]
    fn a_body_without_a_length_extends_to_the_end() {
        assert_eq!(
            body("POST / HTTP/1.1\r\n\r\n{}\n\nPOST / HTTP/1.1\r\n\r\n"),
            noted("{}\n\nPOST / HTTP/1.1\r\n\r\n", "")
        );
    }

    #[test]
    fn a_request_after_a_body_without_a_length_is_read_or_mentioned() {
        let next = "POST /b HTTP/1.1\nA: b\n\n[]";
        let read = messages(format!("POST /a HTTP/1.1\nA: b\n\n{{}}\n\n{next}").as_bytes());
        let [Ok(first), Ok(second)] = &read[..] else { panic!("{read:?}") };
        assert_eq!((&first.request.body[..], &second.request.body[..]), (&b"{}"[..], &b"[]"[..]));
        assert_eq!(first.notes, ["without a content-length, the body ends where the next request starts"]);
        let note = "without a content-length, the body includes what may be another request (line 2 of the body); separate requests with a line `###`";
        assert_eq!(body(&format!("POST /a HTTP/1.1\nA: b\n\na=b\n{next}")), noted(&format!("a=b\n{next}"), note));
    }

    #[test]
    fn the_responses_between_requests_are_passed_over() {
        let exchange =
            "POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}\n\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\n";
        let read = messages(format!("{exchange}{exchange}").as_bytes());
        let notes: Vec<_> = read.iter().map(|entry| entry.as_ref().map(|entry| &entry.notes[..])).collect();
        let note = ["ignored 43 B after the end of the body".to_owned()];
        assert_eq!(notes, [Ok(&note[..]), Ok(&note[..])]);
    }

    /// 40 MB of responses, each of which is read once.
    #[test]
    fn responses_take_linear_time() {
        let body = "x".repeat(4000);
        let request = format!("POST /a HTTP/1.1\r\nContent-Length: 4000\r\n\r\n{body}");
        let exchange = format!("{request}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        let input = exchange.repeat(10_000);
        let read = Messages { input: input.into(), at: 0 }.filter_map(EntryPiece::read);
        assert_eq!(read.filter(|entry| entry.as_ref().is_ok_and(|entry| entry.request.body == body)).count(), 10_000);
    }

    #[test]
    fn requests_that_follow_a_response_without_a_line_end_are_read() {
        let request = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}";
        for response in [
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
        ] {
            let read = messages(format!("{request}{response}{request}").as_bytes());
            let bodies: Vec<_> = read.iter().map(|entry| entry.as_ref().map(|entry| &entry.request.body[..])).collect();
            assert_eq!(bodies, [Ok(&b"{}"[..]); 2], "{response}");
        }
    }

    #[test]
    fn a_message_of_http_2_is_read_as_tools_write_it() {
        let input = b"POST /a HTTP/2\r\nhost: h\r\nx-a: b\r\n\r\n{\"a\":\n\n1}";
        let read = messages(input);
        let [Ok(entry)] = &read[..] else { panic!("{read:?}") };
        assert_eq!((entry.request.target.as_str(), &entry.request.body[..]), ("/a", &b"{\"a\":\n\n1}"[..]));
        assert_eq!(entry.request.headers.len(), 2);
    }

    #[test]
    fn a_body_shorter_than_its_length_is_noted() {
        let short = "the body is truncated: 2 B of its content-length 20";
        assert_eq!(body("POST / HTTP/1.1\r\nContent-Length: 20\r\n\r\n{}"), noted("{}", short));
    }

    #[test]
    fn bytes_after_the_body_are_ignored_and_noted() {
        let left = "ignored 1 B after the end of the body";
        assert_eq!(body("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}\n"), noted("{}", left));
    }

    #[test]
    fn messages_may_follow_each_other() {
        let one = "POST /1 HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}";
        let two = "\r\nPUT /2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n";
        let requests: Vec<_> = messages(format!("{one}{two}{one}").as_bytes())
            .into_iter()
            .map(|read| {
                let Entry { request, notes, .. } = read.unwrap();
                assert_eq!(notes, Vec::<String>::new());
                (request.target, request.body)
            })
            .collect();
        let expected =
            [("/1", "{}"), ("/2", "[]"), ("/1", "{}")].map(|(target, body)| (target.to_owned(), Bytes::from(body)));
        assert_eq!(requests, expected);
    }

    #[test]
    fn chunks_are_joined() {
        let chunked =
            |body: &str| format!("POST / HTTP/1.1\nTransfer-Encoding: gzip, Chunked\nContent-Length: 3\n\n{body}");
        assert_eq!(
            body(&chunked("3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nX-A: x\r\nX-B: y\r\n\r\n")),
            noted("abc0123456789", "trailers after the last chunk are ignored: X-A, X-B")
        );
        assert_eq!(body(&chunked("3\nabc\n0\n\n")), noted("abc", ""));
        assert_eq!(body(&chunked("0")), noted("", ""));
        let cut = "the body is truncated: its last chunk is missing";
        assert_eq!(body(&chunked("3\r\nabc\r\n5\r\n01")), noted("abc01", cut));
        assert_eq!(body(&chunked("3\r\nabc")), noted("abc", cut));
        assert_eq!(body(&chunked("")), noted("", cut));
        assert_eq!(body(&chunked("ffffffffffffffff\r\nab")), noted("ab", cut));
        let whole = "the body isn't chunked, although its transfer-encoding says so; used unchanged";
        assert_eq!(body(&chunked("{\"a\":1}")), noted("{\"a\":1}", whole));
        let broken = "byte 75: expected a chunk: its size in hexadecimal, a line end, its bytes, a line end";
        assert_eq!(rejected(&chunked("3\r\nabcd\r\n0\r\n\r\n")), broken);
    }

    #[test]
    fn heads_of_later_versions_end_at_the_first_empty_line() {
        for end in ["\n", "\r\n"] {
            let message = ["POST /a HTTP/2", "content-length: 2", "", "{}", ""].join(end);
            let messages = messages((message.repeat(2) + "\r\n\n").as_bytes());
            let bodies: Vec<_> =
                messages.iter().map(|message| message.as_ref().map(|entry| &entry.request.body[..])).collect();
            assert_eq!(bodies, [Ok(&b"{}"[..]), Ok(b"{}")]);
        }
    }

    #[test]
    fn a_head_that_ends_with_the_file_is_noted() {
        let note = "the empty line after the headers is missing";
        for input in ["GET /a HTTP/1.1", "GET /a HTTP/1.1\n", "GET /a HTTP/1.1\r\na: b", "GET /a HTTP/1.1\r\na: b\r\n"]
        {
            assert_eq!(body(input), noted("", note), "{input:?}");
        }
    }

    #[test]
    fn a_broken_head_is_located_at_its_line() {
        assert_eq!(rejected("POST / HTTP/1.1\r\na: b\r\nc d: e\r\nf: g\r\n\r\n"), "line 3: expected `Name: value`");
        assert_eq!(rejected("POST / HTTP/1.1\r\na: b\r\nc"), "line 3: expected `Name: value`");
        assert_eq!(
            rejected("POST / HTTP/1.1\na: b\0\n\n"),
            "line 2: expected a header value without control characters"
        );
        assert_eq!(rejected("POST /a b HTTP/1.1\n\n"), "line 1: expected `METHOD /target HTTP/1.1`");
        assert_eq!(rejected("CONNECT a:80 HTTP/1.1\na: b\n\n"), "line 1: expected `METHOD /target HTTP/1.1`");
        let many = format!("POST / HTTP/1.1\n{}\n", "a: b\n".repeat(1025));
        assert_eq!(rejected(&many), "line 1026: more than 1024 header fields");
        let second = "POST / HTTP/1.1\nContent-Length: 0\n\nPOST / HTTP/1.1\n:\n\n";
        assert_eq!(messages(second.as_bytes())[1], Err("line 5: expected `Name: value`".to_owned()));
    }

    #[test]
    fn contradictory_lengths_are_rejected() {
        let lengths = |lines: &str| format!("POST / HTTP/1.1\n{lines}\n\n{{}}");
        assert_eq!(body(&lengths("Content-Length: 2, 2\nContent-Length: 2")), noted("{}", ""));
        for wrong in [
            "Content-Length: 2\nContent-Length: 1",
            "Content-Length: +2",
            "Content-Length: ",
            "Content-Length: 99999999999999999999",
        ] {
            assert_eq!(
                rejected(&lengths(wrong)),
                "line 1: expected one number of bytes in `content-length`",
                "{wrong}"
            );
        }
    }
}
