//! Hypotheses about line endings: changed between LF and CRLF, or removed.

use std::ops::ControlFlow;

use super::{
    hypothesis::{Emit, ReceivedBody},
    serialise::with_document,
};
use crate::webhook::{
    diagnose::{Code, LONGEST_REWRITTEN, SearchStep},
    json::{Kind, Node},
};

/// Other line endings.
pub fn endings(ReceivedBody { body, .. }: ReceivedBody<'_>, emit: &mut Emit<'_>) -> SearchStep {
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

/// Line breaks, which `curl -d @FILE` removes, from the signed body or from the received one.
pub fn removed(received: ReceivedBody<'_>, emit: &mut Emit<'_>) -> SearchStep {
    let body = received.body;
    if body.len() > LONGEST_REWRITTEN {
        return ControlFlow::Continue(());
    }
    let mut changed = |body: Vec<u8>, message: &'static str| emit(body, Code::BodyLineEndings, message.into());
    if body.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        let joined = body.iter().copied().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect();
        return changed(
            joined,
            "the signature covers the body without its line breaks: they were added after signing, or curl -d @FILE removed them before it",
        );
    }
    let message = "the signature matches with the line breaks of indented JSON restored: `curl -d @FILE` removes them when it sends a file";
    with_document(body, |document| {
        let gaps = gaps(document.text, document.root);
        if gaps.iter().all(|gap| gap.spaces == 0) && !document.text.contains(": ") {
            return ControlFlow::Continue(());
        }
        for gaps in [indented(&gaps), gaps] {
            let broken = |end: &str| {
                let mut out = Vec::with_capacity(body.len() + gaps.len() * end.len());
                let mut copied = 0;
                for gap in &gaps {
                    out.extend_from_slice(&body[copied..gap.at]);
                    out.extend_from_slice(end.as_bytes());
                    copied = gap.at;
                }
                out.extend_from_slice(&body[copied..]);
                out
            };
            for end in ["\n", "\r\n"] {
                let text = broken(end);
                changed([text.as_slice(), end.as_bytes()].concat(), message)?;
                changed(text, message)?;
            }
        }
        ControlFlow::Continue(())
    })
}

/// A position in JSON at which a line of indented text begins.
#[derive(Clone, Copy, Debug)]
struct Gap {
    /// The offset after the bracket or comma, or of the closing bracket's whitespace.
    at: usize,
    /// The length of the whitespace there, in bytes.
    spaces: usize,
    depth: usize,
}

/// All places where a line may begin, in order.
fn gaps(text: &str, root: &Node<'_>) -> Vec<Gap> {
    let mut found = Vec::new();
    add_gaps(text, root, 0, &mut found);
    found.sort_unstable_by_key(|gap| gap.at);
    found
}

fn add_gaps(text: &str, node: &Node<'_>, depth: usize, found: &mut Vec<Gap>) {
    let spans: Vec<(usize, &Node<'_>)> = match &node.kind {
        Kind::Array(items) => items.iter().map(|item| (item.span.start, item)).collect(),
        Kind::Object(members) => members.iter().map(|member| (member.key_span.start, &member.value)).collect(),
        _ => return,
    };
    let mut add = |start: usize, depth| {
        let spaces = start - text[..start].trim_end().len();
        found.push(Gap { at: start - spaces, spaces, depth });
    };
    if spans.is_empty() {
        return;
    }
    for (start, _) in &spans {
        add(*start, depth + 1);
    }
    add(node.span.end - 1, depth);
    for (_, value) in spans {
        add_gaps(text, value, depth + 1, found);
    }
}

/// The gaps that are line breaks in the indented text, in which some arrays may be on one line.
fn indented(gaps: &[Gap]) -> Vec<Gap> {
    let unit = gaps.first().map_or(0, |gap| gap.spaces);
    gaps.iter().copied().filter(|gap| gap.spaces == unit * gap.depth).collect()
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
