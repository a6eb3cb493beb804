//! Hypotheses about any body's bytes: its ends, compression, length, and whether it is wrapped in other text.

use std::ops::ControlFlow;

use bytes::Bytes;

use super::hypothesis::{Emit, ReceivedBody};
use crate::webhook::{
    diagnose::{Code, LONGEST_REWRITTEN, SearchStep, secret::forgiving_base64},
    encoding,
    json::{self, Kind},
    provider::payload,
    request::Request,
    words::bytes,
};

/// More or less whitespace at the end.
pub fn ends(ReceivedBody { body, .. }: ReceivedBody<'_>, emit: &mut Emit<'_>) -> SearchStep {
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

/// Whitespace that was removed from both ends, or more of it from one end than a newline.
pub fn trimmed(ReceivedBody { body, .. }: ReceivedBody<'_>, emit: &mut Emit<'_>) -> SearchStep {
    if body.trim_ascii() != body {
        return ControlFlow::Continue(());
    }
    let ends = [
        ("", "a space", " "),
        ("", "two newlines", "\n\n"),
        ("", "two CRLF newlines", "\r\n\r\n"),
        ("a space", "", " "),
        ("a newline", "", "\n"),
        ("a CRLF newline", "", "\r\n"),
        ("a space", "a space", " "),
        ("a newline", "a newline", "\n"),
        ("a CRLF newline", "a CRLF newline", "\r\n"),
    ];
    ends.into_iter().try_for_each(|(start, end, space)| {
        let (what, place) = match (start, end) {
            ("", end) => (end, "at the end of the body"),
            (start, "") => (start, "at the start of the body"),
            (start, _) => (start, "at both ends of the body"),
        };
        let message = format!("the signature matches with {what} {place}: the body was trimmed after signing");
        let (before, after) = (if start.is_empty() { "" } else { space }, if end.is_empty() { "" } else { space });
        let changed = [before.as_bytes(), body, after.as_bytes()].concat();
        emit(changed, Code::BodyTrailingNewline, message.into())
    })
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Whether a body has nothing but whitespace, which tools add to an empty one.
pub fn is_blank(body: &[u8]) -> bool {
    body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body).trim_ascii().is_empty()
}

pub fn byte_order_mark(ReceivedBody { body, .. }: ReceivedBody<'_>, emit: &mut Emit<'_>) -> SearchStep {
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

/// The body before compression.
pub fn compression(ReceivedBody { body, request, .. }: ReceivedBody<'_>, emit: &mut Emit<'_>) -> SearchStep {
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

/// Bytes beyond Content-Length, NULs that pad a buffer, or bytes missing at the end.
pub fn length(ReceivedBody { body, request, .. }: ReceivedBody<'_>, emit: &mut Emit<'_>) -> SearchStep {
    let stated = request.headers.text("content-length").and_then(|text| text.trim().parse::<usize>().ok());
    if let Some(whole) = stated.and_then(|stated| body.get(..stated)).filter(|whole| whole.len() < body.len()) {
        let message = format!(
            "the signature matches the first {}, as many as Content-Length says: {} more",
            bytes(whole.len()),
            bytes(body.len() - whole.len())
        );
        emit(whole.to_vec(), Code::BodyTruncated, message.into())?;
    }
    let filled = body.len() - body.iter().rev().take_while(|&&byte| byte == 0).count();
    if filled < body.len() {
        let message = format!(
            "the signature matches without the NULs at the end of the body ({}): a whole buffer was sent, not only its filled part",
            bytes(body.len() - filled)
        );
        emit(body[..filled].to_vec(), Code::BodyTruncated, message.into())?;
    }
    let Some(closing) = unclosed(body) else { return ControlFlow::Continue(()) };
    for end in [closing.clone(), format!("{closing}\n"), format!("\"{closing}")] {
        let message = format!(
            "the signature matches with the missing end of the JSON, {}, restored: it was cut off, as happens when Content-Length counts characters instead of bytes",
            bytes(end.len())
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

/// A body inside other text: base64, or a JSON string; or the reverse.
pub fn wrapping(ReceivedBody { body, .. }: ReceivedBody<'_>, emit: &mut Emit<'_>) -> SearchStep {
    if body.len() > LONGEST_REWRITTEN {
        return ControlFlow::Continue(());
    }
    let mut decoded = body.to_vec();
    for times in ["", " twice", " three times"] {
        let Some(inner) = str::from_utf8(&decoded).ok().and_then(forgiving_base64) else { break };
        decoded = inner;
        let message = format!("the signature matches the body decoded from base64{times}");
        emit(decoded.clone(), Code::BodyReencoded, message.into())?;
    }
    let message = "the signature covers the body in base64: it was signed before it was decoded";
    emit(encoding::base64(body).into_bytes(), Code::BodyReencoded, message.into())?;
    let Ok(text) = str::from_utf8(body) else { return ControlFlow::Continue(()) };
    let mut inside = text.to_owned();
    for times in ["twice", "three times", "four times"] {
        let Ok(json::Node { kind: Kind::String(inner), .. }) = json::parse(&inside) else { break };
        let inner = inner.into_owned();
        let message =
            format!("the body is a JSON string, and the signature matches the text inside: it was serialised {times}");
        emit(inner.clone().into_bytes(), Code::BodyReserialised, message.into())?;
        inside = inner;
    }
    let mut outside = text.to_owned();
    for times in ["", ", twice"] {
        outside = json::quote(&outside);
        let message = format!(
            "the signature covers the body as a JSON string{times}: the serialiser was given a string instead of an object"
        );
        emit(outside.clone().into_bytes(), Code::BodyReserialised, message.into())?;
    }
    ControlFlow::Continue(())
}
