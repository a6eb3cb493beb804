//! Hypotheses about the body. The bytes that were signed are not those that came, so each of these
//! makes from what came what may have been signed.

use std::{
    borrow::Cow,
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    ops::ControlFlow,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;

use super::{
    Bench, Code, Finding, LONGEST_REWRITTEN, Step, form,
    libraries::{SPELLINGS, WRITERS},
    numbers,
    serialise::Document,
};
use crate::webhook::{
    json::{self, Kind},
    provider::payload,
    request::Request,
};

/// How far a search goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// One change of the ends or of all bytes alike, as a large body can have it too.
    Cheap,
    /// Any one change.
    Single,
    /// Two as well, where both occur together in life.
    Pairs,
}

/// What takes a body that may have been signed.
pub type Try<'t> = dyn FnMut(&mut Bench, &Bytes, &[Finding]) -> Step + 't;

/// What a hypothesis calls with each body that it makes.
pub type Make<'m> = dyn FnMut(Vec<u8>, Code, Cow<'static, str>) -> Step + 'm;

/// What came.
#[derive(Clone, Copy)]
pub struct Original<'a> {
    pub body: &'a [u8],
    pub request: &'a Request,
}

type Hypothesis = fn(Original<'_>, &mut Make<'_>) -> Step;

/// Those that look at the ends or pass once over the bytes.
const CHEAP: [Hypothesis; 7] = [ends, line_ends, byte_order_mark, charset, compression, length, wrapping];

/// Those that write the body anew. What its numbers may have been is beside them, as that is a
/// large number of bodies already.
const REWRITTEN: [Hypothesis; 3] = [respelled, reserialised, form::rewritten];

/// What is done to a text that was just written.
const ENDINGS: [Hypothesis; 3] = [ends, line_ends, byte_order_mark];

/// How much more it costs to write a body than to hash it.
const WRITING: usize = 4;

/// Tries every body that may have been signed, none of them twice.
pub fn search(request: &Request, depth: Depth, bench: &mut Bench, attempt: &mut Try<'_>) -> Step {
    let original = Original { body: &request.body, request };
    let mut search = Search { bench, attempt, seen: HashSet::from([hash(&request.body)]) };
    let rewritable = request.body.len() <= LONGEST_REWRITTEN;
    let mut changed = Vec::new();
    for hypothesis in CHEAP {
        hypothesis(original, &mut |body, code, message| {
            let finding = Finding::new(code, message);
            if rewritable && body.len() <= LONGEST_REWRITTEN {
                changed.push((body.clone(), finding.clone()));
            }
            search.body(body, 1, &[finding])
        })?;
    }
    if !rewritable || depth == Depth::Cheap {
        return ControlFlow::Continue(());
    }
    let mut alone = |body, code, message| search.body(body, WRITING, &[Finding::new(code, message)]);
    REWRITTEN.iter().try_for_each(|hypothesis| hypothesis(original, &mut alone))?;
    if depth == Depth::Single {
        return ControlFlow::Continue(());
    }
    numbers::rewritten(original, &mut alone)?;
    for hypothesis in REWRITTEN {
        hypothesis(original, &mut |body, code, message| {
            let first = Finding::new(code, message);
            search.second(&ENDINGS, Original { body: &body, request }, &first)
        })?;
    }
    for (body, finding) in &changed {
        let original = Original { body, request };
        search.second(&CHEAP, original, finding)?;
        search.second(&REWRITTEN, original, finding)?;
    }
    ControlFlow::Continue(())
}

struct Search<'s, 't> {
    bench: &'s mut Bench,
    attempt: &'s mut Try<'t>,
    seen: HashSet<u64>,
}

impl Search<'_, '_> {
    fn body(&mut self, body: Vec<u8>, cost: usize, findings: &[Finding]) -> Step {
        self.bench.spend(body.len() * cost)?;
        if !self.seen.insert(hash(&body)) {
            return ControlFlow::Continue(());
        }
        (self.attempt)(self.bench, &Bytes::from(body), findings)
    }

    /// A second change upon a first one of another kind; the one that writes anew is the cause,
    /// and the one that ends it never.
    fn second(&mut self, hypotheses: &[Hypothesis], original: Original<'_>, first: &Finding) -> Step {
        for hypothesis in hypotheses {
            hypothesis(original, &mut |body, code, message| {
                if code == first.code {
                    return ControlFlow::Continue(());
                }
                let second = Finding::new(code, message);
                let is_cause = second.code == Code::BodyReserialised || first.code == Code::BodyTrailingNewline;
                let findings = if is_cause { [second, first.clone()] } else { [first.clone(), second] };
                self.body(body, WRITING, &findings)
            })?;
        }
        ControlFlow::Continue(())
    }
}

fn hash(body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    hasher.finish()
}

/// What Content-Length says of a body that is shorter; nothing can be proven of bytes that are gone.
pub fn missing_bytes(request: &Request) -> Option<String> {
    let stated: usize = request.headers.text("content-length")?.trim().parse().ok()?;
    let missing = stated.checked_sub(request.body.len()).filter(|missing| *missing > 0)?;
    Some(format!(
        "Content-Length says {stated} bytes and {} are here, so that {missing} are missing",
        request.body.len()
    ))
}

/// White space at the end, more or less of it.
fn ends(Original { body, .. }: Original<'_>, make: &mut Make<'_>) -> Step {
    let mut changed =
        |body: &[u8], message: &'static str| make(body.to_vec(), Code::BodyTrailingNewline, message.into());
    for end in [b"\r\n".as_slice(), b"\n"] {
        let Some(shorter) = body.strip_suffix(end) else { continue };
        changed(shorter, "the signature matches without the line break at the body's end: it was added after signing")?;
    }
    if body.trim_ascii_end() != body {
        changed(
            body.trim_ascii_end(),
            "the signature matches without the white space at the body's end: it was added after signing",
        )?;
    }
    if body.trim_ascii() != body {
        changed(
            body.trim_ascii(),
            "the signature matches without the white space around the body: it was added after signing",
        )?;
    }
    let ends = [
        ("\n", "the signature matches with a line break at the body's end: it was lost after signing"),
        ("\r\n", "the signature matches with a CRLF line break at the body's end: it was lost after signing"),
    ];
    ends.into_iter().try_for_each(|(end, message)| changed(&[body, end.as_bytes()].concat(), message))
}

fn line_ends(Original { body, .. }: Original<'_>, make: &mut Make<'_>) -> Step {
    let mut changed = |body: Vec<u8>, message: &'static str| make(body, Code::BodyLineEndings, message.into());
    if !body.contains(&b'\n') && !body.contains(&b'\r') {
        return ControlFlow::Continue(());
    }
    let line_feeds = with_line_feeds(body);
    if line_feeds == body {
        changed(with_crlf(body), "the signature matches with CRLF line ends: they were turned into LF after signing")
    } else {
        changed(
            with_crlf(&line_feeds),
            "the signature matches with CRLF at the end of every line: some of them were turned into LF after signing",
        )?;
        changed(line_feeds, "the signature matches with LF line ends: they were turned into CRLF (or CR) after signing")
    }
}

/// CRLF and lone CR as LF.
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

fn byte_order_mark(Original { body, .. }: Original<'_>, make: &mut Make<'_>) -> Step {
    let (changed, message) = if let Some(behind) = body.strip_prefix(BYTE_ORDER_MARK) {
        let message = "the signature matches without the byte order mark before the body: it was added after signing";
        (behind.to_vec(), message)
    } else {
        let message = "the signature matches with a byte order mark before the body: it was lost after signing";
        ([BYTE_ORDER_MARK, body].concat(), message)
    };
    make(changed, Code::BodyBom, message.into())
}

/// UTF-8 that was taken for Latin-1, and the reverse.
fn charset(Original { body, .. }: Original<'_>, make: &mut Make<'_>) -> Step {
    if body.is_ascii() {
        return ControlFlow::Continue(());
    }
    let mut changed = |body: Vec<u8>, message: &'static str| make(body, Code::BodyReencoded, message.into());
    let text = std::str::from_utf8(body).ok();
    if let Some(latin1) = text.and_then(|text| text.chars().map(|c| u8::try_from(c).ok()).collect::<Option<Vec<u8>>>())
    {
        let message = if std::str::from_utf8(&latin1).is_ok() {
            "the body is UTF-8 that was taken for Latin-1 and encoded once more: the signature matches with that undone"
        } else {
            "the signature matches with the body in Latin-1: it was turned into UTF-8 after signing"
        };
        changed(latin1, message)?;
    }
    let message = if text.is_some() {
        "the signature is over the body's UTF-8 taken for Latin-1 and encoded once more"
    } else {
        "the signature matches with the body in UTF-8: it was turned into Latin-1 after signing"
    };
    changed(body.iter().map(|&byte| char::from(byte)).collect::<String>().into_bytes(), message)
}

/// The body before its compression.
fn compression(Original { body, request }: Original<'_>, make: &mut Make<'_>) -> Step {
    let mut encoded = Request { body: Bytes::copy_from_slice(body), ..request.clone() };
    if body.starts_with(b"\x1f\x8b") {
        encoded.headers.set(&http::header::CONTENT_ENCODING, http::HeaderValue::from_static("gzip"));
    } else if !request.headers.contains("content-encoding") {
        return ControlFlow::Continue(());
    }
    match payload::decoded(&encoded, 4 * LONGEST_REWRITTEN) {
        Ok(decoded) if decoded != body => {
            let message = "the signature matches the decompressed body: it was made before the body was compressed";
            make(decoded.into_owned(), Code::BodyDecompressed, message.into())
        }
        _ => ControlFlow::Continue(()),
    }
}

/// What Content-Length cuts off, or lets run over.
fn length(Original { body, request }: Original<'_>, make: &mut Make<'_>) -> Step {
    let stated = request.headers.text("content-length").and_then(|text| text.trim().parse::<usize>().ok());
    // Nothing at all is signed alike by everybody who has lost their body: it explains no other one.
    let is_cut = |whole: &&[u8]| !whole.is_empty() && whole.len() < body.len();
    if let Some(whole) = stated.and_then(|stated| body.get(..stated)).filter(is_cut) {
        let message = format!(
            "the signature matches the first {} bytes, as Content-Length says: {} more stand behind them",
            whole.len(),
            body.len() - whole.len()
        );
        make(whole.to_vec(), Code::BodyTruncated, message.into())?;
    }
    let Some(closing) = unclosed(body) else { return ControlFlow::Continue(()) };
    for end in [closing.clone(), format!("{closing}\n"), format!("\"{closing}")] {
        let message = format!(
            "the signature matches once the end of the JSON, {} bytes, is put back: it was cut off, as by a Content-Length that counts characters where it must count bytes",
            end.len()
        );
        make([body, end.as_bytes()].concat(), Code::BodyTruncated, message.into())?;
    }
    ControlFlow::Continue(())
}

/// What closes the strings, arrays and objects that are open at the end of a JSON text.
fn unclosed(body: &[u8]) -> Option<String> {
    if !matches!(body.first(), Some(b'{' | b'[')) || body.len() > LONGEST_REWRITTEN {
        return None;
    }
    let mut open = Vec::new();
    let (mut in_string, mut escaped) = (false, false);
    for &byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' => open.push('}'),
            b'[' => open.push(']'),
            b'}' | b']' if open.pop() != Some(char::from(byte)) => return None,
            _ => {}
        }
        if open.len() > json::MAX_DEPTH {
            return None;
        }
    }
    let quote = if in_string { "\"" } else { "" };
    let closing: String = quote.chars().chain(open.into_iter().rev()).collect();
    (!closing.is_empty()).then_some(closing)
}

/// A body inside another text: base64, or a JSON string.
fn wrapping(Original { body, .. }: Original<'_>, make: &mut Make<'_>) -> Step {
    if body.len() > LONGEST_REWRITTEN {
        return ControlFlow::Continue(());
    }
    if let Ok(decoded) = STANDARD.decode(body.trim_ascii()) {
        let message = "the signature matches the body once it is decoded from base64";
        make(decoded, Code::BodyReencoded, message.into())?;
    }
    let Ok(text) = std::str::from_utf8(body) else { return ControlFlow::Continue(()) };
    if let Ok(json::Node { kind: Kind::String(inner), .. }) = json::parse(text) {
        let message = "the signature matches the text inside the JSON string that the body is: it was serialised twice";
        make(inner.into_owned().into_bytes(), Code::BodyReserialised, message.into())?;
    }
    let message = "the signature is over the body as a JSON string: a text, not an object, was given to the serialiser";
    make(json::quote(text).into_bytes(), Code::BodyReserialised, message.into())
}

/// Reads the body as JSON, if it is that.
pub fn with_document(body: &[u8], use_it: impl FnOnce(Document<'_>) -> Step) -> Step {
    if !matches!(body.trim_ascii_start().first(), Some(b'{' | b'[')) {
        return ControlFlow::Continue(());
    }
    let Ok(text) = std::str::from_utf8(body) else { return ControlFlow::Continue(()) };
    match json::parse(text) {
        Ok(root) => use_it(Document { text, root: &root }),
        Err(_) => ControlFlow::Continue(()),
    }
}

/// The same JSON with its strings in other escapes.
fn respelled(Original { body, .. }: Original<'_>, make: &mut Make<'_>) -> Step {
    with_document(body, |document| {
        SPELLINGS.iter().try_for_each(|(escapes, words)| {
            let message = format!(
                "the signature is over the same JSON {words}: its strings were decoded and written anew between signing and here"
            );
            make(document.respelled(escapes).into_bytes(), Code::BodyReencoded, message.into())
        })
    })
}

/// The same JSON as a library writes it.
fn reserialised(Original { body, .. }: Original<'_>, make: &mut Make<'_>) -> Step {
    with_document(body, |document| {
        for sorted in [false, true] {
            for writer in &WRITERS {
                for &layout in writer.layouts {
                    let Some(text) = document.written(writer, layout, sorted) else { continue };
                    let keys = if sorted { ", keys sorted" } else { "" };
                    let message = format!(
                        "the signature is over the same JSON {}{keys}, such as {} writes it: the body was parsed and written anew between signing and here",
                        layout.words(),
                        writer.call
                    );
                    make(text.into_bytes(), Code::BodyReserialised, message.into())?;
                }
            }
        }
        ControlFlow::Continue(())
    })
}
