//! Finds the end of a message's body.

use bytes::Bytes;
use serde::de::IgnoredAny;

use super::{EntryFault, Position, expected, next_start};
use crate::webhook::request::Headers;

/// How a message marks the end of its body.
#[derive(Clone, Copy)]
pub(super) enum Framing {
    Chunked,
    Length(u64),
    EndOfInput,
}

impl Framing {
    /// The framing that the headers state; `None` if the lengths contradict each other or aren't numbers.
    pub fn of(headers: &Headers) -> Option<Self> {
        let coding =
            headers.all("transfer-encoding").last().and_then(|value| value.as_bytes().rsplit(|&b| b == b',').next());
        if coding.is_some_and(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"chunked")) {
            return Some(Self::Chunked);
        }
        let mut lengths = headers.all("content-length").flat_map(|value| value.as_bytes().split(|&b| b == b','));
        let Some(first) = lengths.next().map(<[u8]>::trim_ascii) else { return Some(Self::EndOfInput) };
        let agreed = lengths.all(|length| length.trim_ascii() == first);
        number(first, 10).filter(|_| agreed).map(Self::Length)
    }
}

/// A number that consists only of digits, without the sign that `from_str_radix` would accept.
fn number(digits: &[u8], radix: u32) -> Option<u64> {
    let digits = str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
    u64::from_str_radix(digits, radix).ok()
}

/// A body cut out of the input.
pub(super) struct FramedBody {
    pub bytes: Bytes,
    /// The offset of its end.
    pub end: usize,
    pub note: Option<String>,
}

impl FramedBody {
    pub fn cut(input: &Bytes, start: usize, framing: Framing) -> Result<Self, EntryFault> {
        let present = input.len() - start;
        let to_the_end = |note| Self { bytes: input.slice(start..), end: input.len(), note };
        match framing {
            Framing::EndOfInput => Ok(match end_before_next(&input[start..]) {
                Some(NextMessage { body: Some(length), .. }) => {
                    let note = "without a content-length, the body ends where the next request starts".to_owned();
                    Self { bytes: input.slice(start..start + length), end: start + length, note: Some(note) }
                }
                Some(NextMessage { body: None, line }) => to_the_end(Some(format!(
                    "without a content-length, the body includes what may be another request (line {line} of the body); separate requests with a line `###`"
                ))),
                None => to_the_end(None),
            }),
            Framing::Length(length) => Ok(match usize::try_from(length).ok().filter(|&length| length <= present) {
                Some(length) => Self { bytes: input.slice(start..start + length), end: start + length, note: None },
                None => to_the_end(Some(format!("the body is truncated: {present} B of its content-length {length}"))),
            }),
            Framing::Chunked => match JoinedChunks::join(input, start) {
                Ok(JoinedChunks { bytes, end, complete, trailers }) => {
                    let note = match &trailers[..] {
                        _ if !complete => Some("the body is truncated: its last chunk is missing".to_owned()),
                        [] => None,
                        names => Some(format!("trailers after the last chunk are ignored: {}", names.join(", "))),
                    };
                    Ok(Self { bytes: bytes.into(), end, note })
                }
                Err(at) if at == start => Ok(to_the_end(Some(
                    "the body isn't chunked, although its transfer-encoding says so; used unchanged".to_owned(),
                ))),
                Err(at) => Err(expected(
                    Position::Byte(at as u64 + 1),
                    "a chunk: its size in hexadecimal, a line end, its bytes, a line end",
                )),
            },
        }
    }
}

/// The chunks of a body, joined.
struct JoinedChunks {
    bytes: Vec<u8>,
    /// The offset of the end of the last chunk and its trailers.
    end: usize,
    complete: bool,
    /// The names of the trailer fields.
    trailers: Vec<String>,
}

impl JoinedChunks {
    /// Joins the chunks. Fails with the offset of bytes that aren't a chunk.
    fn join(input: &[u8], start: usize) -> Result<Self, usize> {
        let mut chunks = Self { bytes: Vec::new(), end: start, complete: false, trailers: Vec::new() };
        while chunks.end < input.len() {
            let (line, next) = line_from(input, chunks.end);
            let size = line.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
            let size = number(size, 16).ok_or(chunks.end)?;
            if size == 0 {
                chunks.end = chunks.read_trailers(input, next);
                chunks.complete = true;
                break;
            }
            let end = usize::try_from(size).ok().and_then(|size| next.checked_add(size)).unwrap_or(usize::MAX);
            chunks.bytes.extend_from_slice(&input[next..end.min(input.len())]);
            chunks.end = match input.get(end..) {
                Some([b'\r', b'\n', ..]) => end + 2,
                Some([b'\n', ..]) => end + 1,
                Some([_, ..]) => return Err(end),
                Some([]) | None => input.len(),
            };
        }
        Ok(chunks)
    }

    /// Reads the trailers, and returns the offset of their end.
    fn read_trailers(&mut self, input: &[u8], mut at: usize) -> usize {
        while at < input.len() {
            let (line, next) = line_from(input, at);
            at = next;
            if line.is_empty() {
                break;
            }
            let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
            self.trailers.push(String::from_utf8_lossy(name).trim().to_owned());
        }
        at
    }
}

/// The apparent start of another message within a body of unknown length.
struct NextMessage {
    /// The length of the body before it, if certain because it is a complete JSON document.
    body: Option<usize>,
    /// The line of the body that it starts on, from 1.
    line: usize,
}

fn end_before_next(body: &[u8]) -> Option<NextMessage> {
    let start = next_start(body)?;
    let line = memchr::memchr_iter(b'\n', &body[..start]).count() + 1;
    let mut documents = serde_json::Deserializer::from_slice(&body[..start]).into_iter::<IgnoredAny>();
    let is_json = matches!(body.first(), Some(b'{' | b'[')) && matches!(documents.next(), Some(Ok(_)));
    let end = documents.byte_offset();
    let is_all = body[end..start].iter().all(u8::is_ascii_whitespace);
    Some(NextMessage { body: (is_json && is_all).then_some(end), line })
}

/// The line that starts at an offset, without its ending, and the offset of the next one.
fn line_from(input: &[u8], at: usize) -> (&[u8], usize) {
    let feed = input[at..].iter().position(|&byte| byte == b'\n').map(|feed| at + feed);
    let line = &input[at..feed.unwrap_or(input.len())];
    (line.strip_suffix(b"\r").unwrap_or(line), feed.map_or(input.len(), |feed| feed + 1))
}
