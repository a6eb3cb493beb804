//! Hypotheses about the body: the signed bytes are not those that were received, so each makes from
//! what was received what may have been signed.

mod form;
mod hypothesis;
mod json;
pub(super) mod libraries;
mod numbers;
mod raw;
pub(super) mod serialise;

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    ops::ControlFlow,
};

use bytes::Bytes;

use self::hypothesis::{Hypothesis, ReceivedBody};
use super::{Code, Finding, LONGEST_REWRITTEN, Step, Trials};
use crate::webhook::request::Request;

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
pub type Try<'t> = dyn FnMut(&mut Trials, &Bytes, &[Finding]) -> Step + 't;

/// Those that look at the ends or pass once over the bytes.
const CHEAP: [Hypothesis; 7] =
    [raw::ends, raw::line_ends, raw::byte_order_mark, raw::charset, raw::compression, raw::length, raw::wrapping];

/// Those that write the body anew. What its numbers may have been is beside them, as that is a
/// large number of bodies already.
const REWRITTEN: [Hypothesis; 3] = [json::respelled, json::reserialised, form::rewritten];

/// What is done to a text that was just written.
const ENDINGS: [Hypothesis; 3] = [raw::ends, raw::line_ends, raw::byte_order_mark];

/// How much more it costs to write a body than to hash it.
const WRITING: usize = 4;

/// Tries every body that may have been signed, none of them twice.
pub fn search(request: &Request, depth: Depth, trials: &mut Trials, attempt: &mut Try<'_>) -> Step {
    let original = ReceivedBody { body: &request.body, request };
    let mut search = Search { trials, attempt, seen: HashSet::from([hash(&request.body)]) };
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
            search.second(&ENDINGS, ReceivedBody { body: &body, request }, &first)
        })?;
    }
    for (body, finding) in &changed {
        let original = ReceivedBody { body, request };
        search.second(&CHEAP, original, finding)?;
        search.second(&REWRITTEN, original, finding)?;
    }
    ControlFlow::Continue(())
}

struct Search<'s, 't> {
    trials: &'s mut Trials,
    attempt: &'s mut Try<'t>,
    seen: HashSet<u64>,
}

impl Search<'_, '_> {
    fn body(&mut self, body: Vec<u8>, cost: usize, findings: &[Finding]) -> Step {
        self.trials.spend(body.len() * cost)?;
        if !self.seen.insert(hash(&body)) {
            return ControlFlow::Continue(());
        }
        (self.attempt)(self.trials, &Bytes::from(body), findings)
    }

    /// A second change upon a first one of another kind; the one that writes anew is the cause,
    /// and the one that ends it never.
    fn second(&mut self, hypotheses: &[Hypothesis], original: ReceivedBody<'_>, first: &Finding) -> Step {
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
