//! Hypotheses about framing: the body still contains HTTP framing, such as chunk sizes, the boundaries of a multipart
//! form, or the head of the message.

use std::ops::ControlFlow;

use memchr::memmem;

use super::hypothesis::{Emit, ReceivedBody};
use crate::webhook::diagnose::{Code, SearchStep, secret::forgiving_base64};

/// The maximum number of parts of a multipart body that are tried.
const MOST_PARTS: usize = 32;

/// The longest boundary line of a multipart message, in bytes: `--`, 70 characters and `--` (RFC 2046, section 5.1.1).
const LONGEST_BOUNDARY: usize = 74;

/// The longest head of a message, in bytes.
const LONGEST_HEAD: usize = 64 << 10;

/// The body without its framing.
pub fn unframed(ReceivedBody { body, .. }: ReceivedBody<'_>, emit: &mut Emit<'_>) -> SearchStep {
    for joined in [dechunked(body), between_sizes(body)].into_iter().flatten() {
        let message = "the signature covers the body without the chunk sizes in it: it was read from the connection before the chunks were joined";
        emit(joined, Code::BodyFraming, message.into())?;
    }
    for (content, name) in parts(body) {
        let name = name.map(|name| format!(" `{name}`")).unwrap_or_default();
        let message = format!(
            "the signature covers only the content of the part{name}: the body is a multipart message, with its boundaries and the headers of its parts"
        );
        let decoded = std::str::from_utf8(content).ok().and_then(forgiving_base64);
        emit(content.to_vec(), Code::BodyFraming, message.clone().into())?;
        if let Some(decoded) = decoded {
            emit(decoded, Code::BodyFraming, format!("{message}; it is in base64").into())?;
        }
    }
    let Some(content) = without_head(body) else { return ControlFlow::Continue(()) };
    let message =
        "the signature covers the body without the HTTP head at its start: the whole message was kept as its body";
    if let Some(joined) = dechunked(content) {
        emit(joined, Code::BodyFraming, format!("{message}, with its chunk sizes").into())?;
    }
    emit(content.to_vec(), Code::BodyFraming, message.into())
}

/// Whether a body begins with the size of a chunk.
pub fn has_chunk_sizes(body: &[u8]) -> bool {
    dechunked(body).or_else(|| between_sizes(body)).is_some()
}

/// Whether a body begins with a boundary of a multipart message.
pub fn has_boundaries(body: &[u8]) -> bool {
    !parts(body).is_empty()
}

/// The data of chunks, joined; `None` if the body is not in chunks. The lines may end in LF alone, and the last chunk
/// may be missing.
fn dechunked(body: &[u8]) -> Option<Vec<u8>> {
    let mut rest = body.trim_ascii_start();
    let mut joined = Vec::new();
    while !rest.trim_ascii_start().is_empty() {
        let (line, data) = split_line(rest)?;
        let size = chunk_size(line)?;
        if size == 0 {
            break;
        }
        let (data, after) = data.split_at_checked(size)?;
        joined.extend_from_slice(data);
        rest = after.strip_prefix(b"\r\n").or_else(|| after.strip_prefix(b"\n")).unwrap_or(after);
        if rest.len() == after.len() && !after.is_empty() {
            return None;
        }
    }
    (!joined.is_empty()).then_some(joined)
}

/// The size of a chunk, before any extension.
fn chunk_size(line: &[u8]) -> Option<usize> {
    let size = line.split(|&byte| byte == b';').next()?.trim_ascii();
    let is_size = (1..=8).contains(&size.len()) && size.iter().all(u8::is_ascii_hexdigit);
    usize::from_str_radix(std::str::from_utf8(size).ok().filter(|_| is_size)?, 16).ok()
}

/// The text between the first and the last line, if these are the size of the only chunk and 0. The size doesn't fit if
/// line endings were changed.
fn between_sizes(body: &[u8]) -> Option<Vec<u8>> {
    let (line, rest) = split_line(body.trim_ascii_start())?;
    chunk_size(line)?;
    let rest = rest.trim_ascii_end().strip_suffix(b"0")?;
    let data = rest.strip_suffix(b"\n")?;
    Some(data.strip_suffix(b"\r").unwrap_or(data).to_vec())
}

/// The contents of the parts of a multipart message, with their names.
fn parts(body: &[u8]) -> Vec<(&[u8], Option<String>)> {
    let start = body.trim_ascii_start();
    let is_boundary = |line: &[u8]| (5..=LONGEST_BOUNDARY).contains(&line.len()) && line.starts_with(b"--");
    let Some((boundary, _)) = split_line(start).filter(|(line, _)| is_boundary(line)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut rest = start;
    while let Some(at) = memmem::find(rest, boundary) {
        let content = &rest[..at];
        if let Some((head, content)) = split_head(content) {
            let content = content.strip_suffix(b"\n").unwrap_or(content);
            let content = content.strip_suffix(b"\r").unwrap_or(content);
            found.push((content, part_name(head)));
        }
        let Some((_, after)) = split_line(&rest[at..]) else { break };
        rest = after;
        if found.len() == MOST_PARTS {
            break;
        }
    }
    found
}

/// The `name` of a part's `content-disposition`.
fn part_name(head: &[u8]) -> Option<String> {
    let head = std::str::from_utf8(head).ok()?;
    let (_, after) = head.split_once(" name=\"")?;
    after.split_once('"').map(|(name, _)| name.chars().take(80).collect())
}

/// What comes after the head of an HTTP message, or after header lines alone.
fn without_head(body: &[u8]) -> Option<&[u8]> {
    let (head, content) = split_head(&body[..body.len().min(LONGEST_HEAD)])?;
    let head = std::str::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let first = lines.next()?;
    let is_field = |line: &str| {
        let name = line.split_once(':').map(|(name, _)| name).unwrap_or_default();
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let is_start = first.contains(" HTTP/") || first.starts_with("HTTP/") || is_field(first);
    let is_head = is_start && lines.all(is_field);
    is_head.then(|| &body[body.len().min(LONGEST_HEAD) - content.len()..]).filter(|content| !content.is_empty())
}

/// Splits at the first empty line.
fn split_head(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let crlf = memmem::find(text, b"\r\n\r\n").map(|at| (at, 4));
    let lf = memmem::find(text, b"\n\n").map(|at| (at, 2));
    let (at, length) = [crlf, lf].into_iter().flatten().min()?;
    Some((&text[..at], &text[at + length..]))
}

/// Splits after the first line; the line is without its ending.
fn split_line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|&byte| byte == b'\n')?;
    let line = &text[..at];
    Some((line.strip_suffix(b"\r").unwrap_or(line), &text[at + 1..]))
}
