//! Hypotheses about logs: the body was copied from a log or a program's output, which escapes some of its characters or
//! adds text around it.

use std::ops::ControlFlow;

use super::{
    hypothesis::{Emit, ReceivedBody},
    serialise::with_document,
};
use crate::webhook::{
    diagnose::{
        Code, LONGEST_REWRITTEN, SearchStep,
        unescape::{number, without_entities},
    },
    json::{Kind, Node},
    signature::secret::decode_hex,
    words::bytes,
};

/// The body as it was before it was logged.
pub fn unescaped(ReceivedBody { body, .. }: ReceivedBody<'_>, emit: &mut Emit<'_>) -> SearchStep {
    if body.len() > LONGEST_REWRITTEN {
        return ControlFlow::Continue(());
    }
    let trimmed = body.trim_ascii();
    // A text that a change leaves as it is doesn't have what that change undoes.
    let mut changed = |from: &[u8], to: Vec<u8>, message: &'static str| {
        if to == from { ControlFlow::Continue(()) } else { emit(to, Code::BodyLogged, message.into()) }
    };
    let (inner, quotes) = without_quotes(trimmed);
    changed(trimmed, inner.to_vec(), quotes.words())?;
    // In valid JSON, backslashes are JSON's own.
    if inner.contains(&b'\\') && !is_json(trimmed) {
        for text in [Some(inner), surrounded(trimmed)].into_iter().flatten() {
            changed(
                text,
                with_bytes(text),
                "the signature covers the body with the log's \\xHH escapes decoded: nginx and Apache write them",
            )?;
            changed(text, without_escapes(text), quotes.words())?;
            changed(
                text,
                replaced(text, b"\\\"", b"\""),
                "the signature covers the body without the backslash before each quote: it was copied from a string in a log or in code",
            )?;
        }
    }
    if quotes == Quotes::Double || trimmed.windows(2).any(|pair| pair == b"\"\"") {
        changed(
            inner,
            replaced(inner, b"\"\"", b"\""),
            "the signature covers the body with a single quote for each doubled one: it was copied from a CSV file",
        )?;
    }
    if trimmed.contains(&b'&') {
        let message = "the signature covers the body with its HTML entities decoded: it was copied from a web page, or escaped for one";
        let once = without_entities(trimmed);
        let twice = without_entities(&once);
        changed(trimmed, once.clone(), message)?;
        changed(&once, twice, message)?;
    }
    if trimmed.contains(&b'#') {
        changed(
            trimmed,
            without_octal(trimmed),
            "the signature covers the body with the log's #NNN escapes decoded: rsyslog writes them for control characters",
        )?;
    }
    if trimmed.contains(&b'%') {
        let message = "the signature covers the body with its percent escapes decoded: it was encoded for a URL";
        let decoded = |text: &[u8]| percent_encoding::percent_decode(text).collect::<Vec<u8>>();
        changed(trimmed, decoded(trimmed), message)?;
        let spaced = replaced(trimmed, b"+", b" ");
        changed(&spaced, decoded(&spaced), message)?;
    }
    if let Some(listed) = listed(trimmed) {
        changed(
            trimmed,
            listed,
            "the body lists bytes as numbers, and the signature covers these bytes: a buffer was printed or serialised",
        )?;
    }
    let Some(document) = surrounded(trimmed) else { return ControlFlow::Continue(()) };
    match trimmed.strip_prefix(document) {
        Some(rest) => {
            let message = format!(
                "the signature covers only the JSON at the start of the body, without the {} after it",
                bytes(rest.len())
            );
            emit(document.to_vec(), Code::BodyTruncated, message.into())
        }
        None => changed(
            trimmed,
            document.to_vec(),
            "the signature covers only the JSON in the body, without the text around it: the body was copied from a log or a page, or wrapped in other text",
        ),
    }
}

fn is_json(text: &[u8]) -> bool {
    let mut is_json = false;
    // A text that is not JSON is skipped.
    let _ = with_document(text, |_| {
        is_json = true;
        ControlFlow::Continue(())
    });
    is_json
}

/// Whether a body has escapes that only logs write.
pub fn has_escapes(body: &[u8]) -> bool {
    let inner = without_quotes(body.trim_ascii()).0;
    let starts = |text: &[u8]| matches!(text.first(), Some(b'{' | b'['));
    let escaped: [&[u8]; 5] = [b"{\\x22", b"{\\\"", b"{&quot;", b"{&#34;", b"%7B%22"];
    escaped.iter().any(|start| inner.starts_with(start)) || inner.len() < body.trim_ascii().len() && starts(inner)
}

/// The quotes around a body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    None,
    Single,
    Double,
    /// `b'...'`.
    Python,
}

impl Quotes {
    const fn words(self) -> &'static str {
        match self {
            Self::Python => {
                "the signature covers the bytes that Python's b'...' stands for: the body was printed, or written with str() or repr()"
            }
            Self::Single | Self::Double => {
                "the signature covers the body without the quotes around it, and its escapes decoded: it was copied from a string in a log or in code"
            }
            Self::None => {
                "the signature covers the body with its backslash escapes decoded: it was copied from a log or from code, or a program added the backslashes, as PHP's addslashes() and WordPress do"
            }
        }
    }
}

/// The text inside of quotes.
fn without_quotes(text: &[u8]) -> (&[u8], Quotes) {
    let inner = |prefix: &[u8], quote: u8| text.strip_prefix(prefix)?.strip_suffix(&[quote]);
    for (prefix, quote, quotes) in [
        (b"b'".as_slice(), b'\'', Quotes::Python),
        (b"b\"", b'"', Quotes::Python),
        (b"'", b'\'', Quotes::Single),
        (b"`", b'`', Quotes::Single),
        (b"\"", b'"', Quotes::Double),
    ] {
        if let Some(inner) = inner(prefix, quote) {
            return (inner, quotes);
        }
    }
    (text, Quotes::None)
}

/// Decodes `\xHH` alone.
fn with_bytes(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let escaped = text[at..].strip_prefix(b"\\x").and_then(|rest| number(rest.get(..2)?, 16));
        if let Some(byte) = escaped.and_then(|number| u8::try_from(number).ok()) {
            out.push(byte);
            at += 4;
        } else {
            out.push(byte);
            at += 1;
        }
    }
    out
}

/// Decodes the escapes of C, which Python, JavaScript and most loggers use too.
fn without_escapes(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let Some((&letter, argument)) = after.split_first().filter(|_| byte == b'\\') else {
            out.push(byte);
            rest = after;
            continue;
        };
        let mut digits = 0;
        match letter {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'v' => out.push(11),
            b'a' => out.push(7),
            b'e' => out.push(27),
            b'x' => digits = push_byte(argument.get(..2), 16, &mut out),
            b'u' => digits = push_unicode(argument, &mut out),
            b'0'..=b'7' => {
                digits = push_byte(after.get(..3), 8, &mut out);
                if digits == 0 {
                    out.push(letter - b'0');
                } else {
                    digits -= 1;
                }
            }
            other => out.push(other),
        }
        if digits == 0 && matches!(letter, b'x' | b'u') {
            out.extend([byte, letter]);
        }
        rest = &argument[digits..];
    }
    out
}

/// Appends the byte that digits stand for, and returns their number; 0 if they are invalid.
fn push_byte(digits: Option<&[u8]>, radix: u32, out: &mut Vec<u8>) -> usize {
    let Some(digits) = digits else { return 0 };
    let Some(byte) = number(digits, radix).and_then(|number| u8::try_from(number).ok()) else { return 0 };
    out.push(byte);
    digits.len()
}

/// Appends the character of `\uXXXX`, or of a pair of them.
fn push_unicode(argument: &[u8], out: &mut Vec<u8>) -> usize {
    let Some(high) = argument.get(..4).and_then(|digits| number(digits, 16)) else { return 0 };
    let low = argument.get(4..).and_then(|rest| rest.strip_prefix(b"\\u")).and_then(|rest| number(rest.get(..4)?, 16));
    let units = [high, low.unwrap_or_default()].map(|unit| u16::try_from(unit).unwrap_or_default());
    let mut push = |character: char| out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    if let Some(character) = char::from_u32(high) {
        push(character);
        return 4;
    }
    match char::decode_utf16(units).next() {
        Some(Ok(character)) if low.is_some() => {
            push(character);
            10
        }
        _ => 0,
    }
}

/// Decodes `#012`, the octal escapes of rsyslog.
fn without_octal(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let digits = if byte == b'#' { push_byte(after.get(..3), 8, &mut out) } else { 0 };
        if digits == 0 {
            out.push(byte);
        }
        rest = &rest[digits..];
    }
    out
}

fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(from) {
            out.extend_from_slice(to);
            rest = after;
        } else {
            out.push(byte);
            rest = after;
        }
    }
    out
}

/// The bytes that a text lists: hexadecimal digits, Node's `<Buffer 7b 22>`, Go's `[123 34]`, or JSON of a buffer.
fn listed(text: &[u8]) -> Option<Vec<u8>> {
    let printed = text.strip_prefix(b"<Buffer ").and_then(|rest| rest.strip_suffix(b">"));
    let digits = printed.or_else(|| text.strip_prefix(b"\\x")).or_else(|| text.strip_prefix(b"0x")).unwrap_or(text);
    if let Ok(digits) = std::str::from_utf8(digits) {
        let digits: String = digits.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        if let Some(bytes) = decode_hex(&digits).filter(|bytes| bytes.len() > 1) {
            return Some(bytes);
        }
    }
    // Go prints bytes as `[123 34]`.
    if let Some(numbers) = text.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"))
        && let Ok(numbers) = std::str::from_utf8(numbers)
        && let Some(bytes) = numbers.split(' ').map(|number| number.parse::<u8>().ok()).collect::<Option<Vec<u8>>>()
        && bytes.len() > 1
    {
        return Some(bytes);
    }
    let mut bytes = None;
    // A text that is not JSON lists no bytes.
    let _ = with_document(text, |document| {
        bytes = buffer(document.root);
        ControlFlow::Continue(())
    });
    bytes.filter(|bytes| bytes.len() > 1)
}

/// The bytes of `[123,34]`, `{"type":"Buffer","data":[123,34]}` or `{"0":123,"1":34}`.
fn buffer(node: &Node<'_>) -> Option<Vec<u8>> {
    let byte = |node: &Node<'_>| match node.kind {
        Kind::Number(text) => text.parse::<u8>().ok(),
        _ => None,
    };
    match &node.kind {
        Kind::Array(items) => items.iter().map(byte).collect(),
        Kind::Object(members) => match node.member("data") {
            Some(data @ Node { kind: Kind::Array(_), .. }) => buffer(data),
            _ => members
                .iter()
                .enumerate()
                .map(|(index, member)| byte(&member.value).filter(|_| member.key == index.to_string()))
                .collect(),
        },
        _ => None,
    }
}

/// The JSON document, an object or array, within other text.
fn surrounded(text: &[u8]) -> Option<&[u8]> {
    [(b'{', b'}'), (b'[', b']')].into_iter().find_map(|(opening, closing)| {
        let start = text.iter().position(|&byte| byte == opening)?;
        let end = text.iter().rposition(|&byte| byte == closing)?;
        let document = text.get(start..=end)?;
        (document.len() < text.len() && document.len() > 2).then_some(document)
    })
}
