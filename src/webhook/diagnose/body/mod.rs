//! Hypotheses about the body: it was changed after it was signed, so each hypothesis undoes one change.

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

/// How many changes a search tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// One change to the ends or to all bytes alike. This is cheap for large bodies too.
    Cheap,
    /// Any one change.
    Single,
    /// Two changes as well, where both occur together in practice.
    Pairs,
}

/// Tries a body that may have been signed.
pub type Try<'t> = dyn FnMut(&mut Trials<'_>, &Bytes, &[Finding]) -> Step + 't;

/// Hypotheses that look at the ends, or pass over the bytes once.
const CHEAP: [Hypothesis; 7] =
    [raw::ends, raw::line_ends, raw::byte_order_mark, raw::charset, raw::compression, raw::length, raw::wrapping];

/// Hypotheses that rewrite the body. Those about numbers are kept apart, because they make many bodies.
const REWRITTEN: [Hypothesis; 3] = [json::respelled, json::reserialised, form::rewritten];

/// Changes to a body that was just rewritten.
const ENDINGS: [Hypothesis; 3] = [raw::ends, raw::line_ends, raw::byte_order_mark];

/// The cost of writing a byte, compared with hashing it.
const WRITING: usize = 4;

/// Tries every body that may have been signed, each once.
pub fn search(request: &Request, depth: Depth, trials: &mut Trials<'_>, attempt: &mut Try<'_>) -> Step {
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

struct Search<'s, 'l, 't> {
    trials: &'s mut Trials<'l>,
    attempt: &'s mut Try<'t>,
    seen: HashSet<u64>,
}

impl Search<'_, '_, '_> {
    fn body(&mut self, body: Vec<u8>, cost: usize, findings: &[Finding]) -> Step {
        self.trials.spend(body.len() * cost)?;
        if !self.seen.insert(hash(&body)) {
            return ControlFlow::Continue(());
        }
        (self.attempt)(self.trials, &Bytes::from(body), findings)
    }

    /// A second change of another kind on top of the first. Re-serialising is reported as the cause, a change to
    /// the end never is.
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

/// Says how many bytes are missing according to Content-Length. Nothing can be proven about missing bytes.
pub fn missing_bytes(request: &Request) -> Option<String> {
    let stated: usize = request.headers.text("content-length")?.trim().parse().ok()?;
    let missing = stated.checked_sub(request.body.len()).filter(|missing| *missing > 0)?;
    Some(format!("Content-Length says {stated} bytes, but the body has {}: {missing} are missing", request.body.len()))
}
