//! Hypotheses about any body's bytes: its ends, line endings, character set, compression, length, and
//! whether it is wrapped in other text.

use std::ops::ControlFlow;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;

use super::hypothesis::{Emit, ReceivedBody};
use crate::webhook::{
    diagnose::{Code, LONGEST_REWRITTEN, Step},
    json::{self, Kind},
    provider::payload,
    request::Request,
};

/// More or less whitespace at the end.
pub fn ends(ReceivedBody { body, .. }: ReceivedBody<'_>, emit: &mut Emit<'_>) -> Step {
    let mut changed =
        |body: &[u8], message: &'static str| emit(body.to_vec(), Code::BodyTrailingNewline, message.into());
    for end in [b"\r\n".as_slice(), b"\n"] {
        let Some(shorter) = body.strip_suffix(end) else { continue };
        changed(
            shorter,
            "the signature matches without the newline at the end of the body: it was added after signing",
        )?;
    }
    if body.trim_ascii_end() != body {
        changed(
            body.trim_ascii_end(),
            "the signature matches without the whitespace at the end of the body: it was added after signing",
        )?;
    }
    if body.trim_ascii() != body {
        changed(
            body.trim_ascii(),
            "the signature matches without the whitespace around the body: it was added after signing",
        )?;
    }
    let ends = [
        ("\n", "the signature matches with a newline at the end of the body: it was removed after signing"),
        ("\r\n", "the signature matches with a CRLF newline at the end of the body: it was removed after signing"),
    ];
    ends.into_iter().try_for_each(|(end, message)| changed(&[body, end.as_bytes()].concat(), message))
}

pub fn line_ends(ReceivedBody { body, .. }: ReceivedBody<'_>, emit: &mut Emit<'_>) -> Step {
    let mut changed = |body: Vec<u8>, message: &'static str| emit(body, Code::BodyLineEndings, message.into());
    if !body.contains(&b'\n') && !body.contains(&b'\r') {
        return ControlFlow::Continue(());
    }
    let line_feeds = with_line_feeds(body);
    if line_feeds == body {
        changed(with_crlf(body), "the signature matches with CRLF line endings: they were changed to LF after signing")
    } else {
        changed(
            with_crlf(&line_feeds),
            "the signature matches with CRLF at the end of every line: some were changed to LF after signing",
        )?;
        changed(
            line_feeds,
            "the signature matches with LF line endings: they were changed to CRLF (or CR) after signing",
        )
    }
}

/// Changes CRLF and lone CR to LF.
fn with_line_feeds(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut bytes = body.iter().peekable();
    while let Some(&byte) = bytes.next() {
        let is_return = byte == b'\r';
        if is_return && bytes.peek() == Some(&&b'\n') {
            bytes.next();
        }
        out.push(if is_return { b'\n' } else { byte });
    }
    out
}

fn with_crlf(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + body.len() / 16);
    for &byte in body {
        if byte == b'\n' {
            out.push(b'\r');
        }
        out.push(byte);
    }
    out
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

pub fn byte_order_mark(ReceivedBody { body, .. }: ReceivedBody<'_>, emit: &mut Emit<'_>) -> Step {
    let (changed, message) = if let Some(rest) = body.strip_prefix(BYTE_ORDER_MARK) {
        let message =
            "the signature matches without the byte order mark at the start of the body: it was added after signing";
        (rest.to_vec(), message)
    } else {
        let message =
            "the signature matches with a byte order mark at the start of the body: it was removed after signing";
        ([BYTE_ORDER_MARK, body].concat(), message)
    };
    emit(changed, Code::BodyBom, message.into())
}

/// UTF-8 read as Latin-1, and vice versa.
pub fn charset(ReceivedBody { body, .. }: ReceivedBody<'_>, emit: &mut Emit<'_>) -> Step {
    if body.is_ascii() {
        return ControlFlow::Continue(());
    }
    let mut changed = |body: Vec<u8>, message: &'static str| emit(body, Code::BodyReencoded, message.into());
    let text = std::str::from_utf8(body).ok();
    if let Some(latin1) = text.and_then(|text| text.chars().map(|c| u8::try_from(c).ok()).collect::<Option<Vec<u8>>>())
    {
        let message = if std::str::from_utf8(&latin1).is_ok() {
            "the body is UTF-8 that was read as Latin-1 and encoded again: the signature matches with that undone"
        } else {
            "the signature matches with the body in Latin-1: it was converted to UTF-8 after signing"
        };
        changed(latin1, message)?;
    }
    let message = if text.is_some() {
        "the signature covers the body's UTF-8 read as Latin-1 and encoded again"
    } else {
        "the signature matches with the body in UTF-8: it was converted to Latin-1 after signing"
    };
    changed(body.iter().map(|&byte| char::from(byte)).collect::<String>().into_bytes(), message)
}

/// The body before compression.
pub fn compression(ReceivedBody { body, request }: ReceivedBody<'_>, emit: &mut Emit<'_>) -> Step {
    let mut encoded = Request { body: Bytes::copy_from_slice(body), ..request.clone() };
    if body.starts_with(b"\x1f\x8b") {
        encoded.headers.set(&http::header::CONTENT_ENCODING, http::HeaderValue::from_static("gzip"));
    } else if !request.headers.contains("content-encoding") {
        return ControlFlow::Continue(());
    }
    match payload::decoded(&encoded, 4 * LONGEST_REWRITTEN) {
        Ok(decoded) if decoded != body => {
            let message = "the signature matches the decompressed body: it was signed before compression";
            emit(decoded.into_owned(), Code::BodyDecompressed, message.into())
        }
        _ => ControlFlow::Continue(()),
    }
}

/// Bytes beyond Content-Length, or missing at the end.
pub fn length(ReceivedBody { body, request }: ReceivedBody<'_>, emit: &mut Emit<'_>) -> Step {
    let stated = request.headers.text("content-length").and_then(|text| text.trim().parse::<usize>().ok());
    // An empty body is signed by everyone who has lost theirs, so it explains no other.
    let is_cut = |whole: &&[u8]| !whole.is_empty() && whole.len() < body.len();
    if let Some(whole) = stated.and_then(|stated| body.get(..stated)).filter(is_cut) {
        let message = format!(
            "the signature matches the first {} bytes, as many as Content-Length says: {} more follow",
            whole.len(),
            body.len() - whole.len()
        );
        emit(whole.to_vec(), Code::BodyTruncated, message.into())?;
    }
    let Some(closing) = unclosed(body) else { return ControlFlow::Continue(()) };
    for end in [closing.clone(), format!("{closing}\n"), format!("\"{closing}")] {
        let message = format!(
            "the signature matches with the missing end of the JSON, {} bytes, restored: it was cut off, as happens when Content-Length counts characters instead of bytes",
            end.len()
        );
        emit([body, end.as_bytes()].concat(), Code::BodyTruncated, message.into())?;
    }
    ControlFlow::Continue(())
}

/// The characters that close the strings, arrays and objects still open at the end of JSON text.
fn unclosed(body: &[u8]) -> Option<String> {
    if !matches!(body.first(), Some(b'{' | b'[')) || body.len() > LONGEST_REWRITTEN {
        return None;
    }
    let mut unclosed = json::lexer::Unclosed::default();
    unclosed.read(body);
    unclosed.closing()
}

/// A body inside other text: base64, or a JSON string.
pub fn wrapping(ReceivedBody { body, .. }: ReceivedBody<'_>, emit: &mut Emit<'_>) -> Step {
    if body.len() > LONGEST_REWRITTEN {
        return ControlFlow::Continue(());
    }
    if let Ok(decoded) = STANDARD.decode(body.trim_ascii()) {
        let message = "the signature matches the body decoded from base64";
        emit(decoded, Code::BodyReencoded, message.into())?;
    }
    let Ok(text) = std::str::from_utf8(body) else { return ControlFlow::Continue(()) };
    if let Ok(json::Node { kind: Kind::String(inner), .. }) = json::parse(text) {
        let message = "the body is a JSON string, and the signature matches the text inside: it was serialised twice";
        emit(inner.into_owned().into_bytes(), Code::BodyReserialised, message.into())?;
    }
    let message =
        "the signature covers the body as a JSON string: the serialiser was given a string instead of an object";
    emit(json::quote(text).into_bytes(), Code::BodyReserialised, message.into())
}
