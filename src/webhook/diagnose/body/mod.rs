//! Hypotheses about the body: it was changed after it was signed, so each hypothesis undoes one change.

mod charset;
mod converted;
mod dates;
mod escapes;
mod form;
mod forms;
mod framing;
mod hypothesis;
mod inside;
mod json;
pub(super) mod libraries;
mod lines;
mod logged;
mod number_style;
mod numbers;
pub(super) mod order;
mod parameters;
mod raw;
pub(super) mod serialise;

/// How libraries write a JSON document.
pub mod rewriting {
    pub use super::{
        libraries::{Layout, WRITERS},
        order::MemberOrder,
        serialise::JsonDocument,
    };
}

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    ops::ControlFlow,
};

use bytes::Bytes;

pub use self::{
    framing::{has_boundaries, has_chunk_sizes},
    hypothesis::ReceivedBody,
    libraries::Layout,
    logged::has_escapes,
    raw::is_blank,
    serialise::serialised,
};
use self::{hypothesis::Hypothesis, order::KeyOrder};
use super::{Code, Finding, LONGEST_REWRITTEN, RejectedRequest, SearchStep, Trials};
use crate::webhook::{
    json::parse,
    place::Lookup,
    provider::{event::Event, payload::Payload},
};

/// How many changes a search tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// One change to the ends, or to all bytes alike, which is cheap even for large bodies.
    Cheap,
    /// Any single change, which may occur together with another secret or way of signing.
    Single,
    /// Also two changes, if both occur together in practice.
    Pairs,
}

/// Tries a body that may have been signed.
pub type Try<'t> = dyn FnMut(&mut Trials<'_>, &Bytes, &[Finding]) -> SearchStep + 't;

/// Hypotheses that look only at the ends, or pass over the bytes once.
const CHEAP: [Hypothesis; 8] = [
    raw::ends,
    lines::endings,
    raw::byte_order_mark,
    charset::recoded,
    raw::compression,
    raw::length,
    framing::unframed,
    raw::wrapping,
];

/// Hypotheses that extract the body from other text, or rewrite all of it.
const UNWRAPPED: [Hypothesis; 7] = [
    charset::lossy,
    charset::normalized,
    charset::plain,
    lines::removed,
    logged::unescaped,
    json::control_characters,
    inside::values,
];

/// Hypotheses that are not combined with others: they make many bodies, or bodies of another kind.
const LONE: [Hypothesis; 2] = [converted::formats, raw::trimmed];

/// Hypotheses that rewrite the body. Those about the order of keys and about numbers are kept apart, because they make
/// many bodies.
const REWRITTEN: [Hypothesis; 3] = [json::respelled, json::reserialised, form::rewritten];

/// Changes to a body that was just rewritten.
const ENDINGS: [Hypothesis; 3] = [raw::ends, lines::endings, raw::byte_order_mark];

/// The cost of writing a byte, compared with hashing it.
const WRITING: usize = 12;

/// The maximum number of changed bodies that are changed once more.
const MOST_CHANGED: usize = 40;

/// The orders of keys in the provider's examples of the request's event, or in all of its examples if the event is
/// unknown.
pub fn examples(case: &RejectedRequest<'_>) -> Vec<KeyOrder> {
    /// The maximum number of examples.
    const MOST: usize = 8;
    if case.request.body.len() > LONGEST_REWRITTEN {
        return Vec::new();
    }
    let payload = Payload::parse(case.request, &case.request.body);
    let lookup = Lookup::of(case.request, &payload);
    let mut events = case.provider.events.iter().filter(|event| event.matches(&lookup)).peekable();
    let events: Vec<&Event> =
        if events.peek().is_some() { events.take(1).collect() } else { case.provider.events.iter().collect() };
    let mut orders: Vec<KeyOrder> = Vec::new();
    for order in events.iter().filter_map(|event| parse(&event.fixture).ok().map(|root| KeyOrder::of(&root))) {
        if orders.len() < MOST && !orders.contains(&order) {
            orders.push(order);
        }
    }
    orders
}

/// Tries every body that may have been signed, each once.
pub fn search(original: ReceivedBody<'_>, depth: Depth, trials: &mut Trials<'_>, attempt: &mut Try<'_>) -> SearchStep {
    let ReceivedBody { body, request, examples } = original;
    let mut search = BodySearch { trials, attempt, seen: HashSet::from([hash(body)]) };
    if !is_blank(body) {
        // Many changes leave nothing of some bodies, and none of them explains why an empty one was signed.
        search.seen.insert(hash(b""));
    }
    let rewritable = body.len() <= LONGEST_REWRITTEN;
    let mut changed = Vec::new();
    for (hypotheses, cost) in [(CHEAP.as_slice(), 1), (&UNWRAPPED, WRITING)] {
        for hypothesis in hypotheses {
            hypothesis(original, &mut |body, code, message| {
                let finding = Finding::new(code, message);
                let is_lost = body.is_empty() && !is_blank(original.body);
                if rewritable && !is_lost && body.len() <= LONGEST_REWRITTEN && changed.len() < MOST_CHANGED {
                    changed.push((body.clone(), finding.clone()));
                }
                search.body(body, cost, &[finding])
            })?;
        }
    }
    let mut alone = |body, code, message| search.body(body, WRITING, &[Finding::new(code, message)]);
    if depth != Depth::Single {
        LONE.iter().try_for_each(|hypothesis| hypothesis(original, &mut alone))?;
    }
    if !rewritable || depth == Depth::Cheap {
        return ControlFlow::Continue(());
    }
    REWRITTEN.iter().try_for_each(|hypothesis| hypothesis(original, &mut alone))?;
    if depth == Depth::Single {
        return ControlFlow::Continue(());
    }
    json::reordered(original, &mut alone)?;
    numbers::rewritten(original, &mut alone)?;
    parameters::restored(original, &mut alone)?;
    dates::rewritten(original, &mut alone)?;
    form::restored(original, &mut alone)?;
    for hypothesis in REWRITTEN {
        hypothesis(original, &mut |body, code, message| {
            let first = Finding::new(code, message);
            search.second(&ENDINGS, ReceivedBody { body: &body, request, examples }, &first)
        })?;
    }
    for (body, finding) in &changed {
        let original = ReceivedBody { body, request, examples };
        search.second(&CHEAP, original, finding)?;
        search.second(&REWRITTEN, original, finding)?;
    }
    for (body, finding) in &changed {
        search.second(&UNWRAPPED, ReceivedBody { body, request, examples }, finding)?;
    }
    ControlFlow::Continue(())
}

struct BodySearch<'s, 'l, 't> {
    trials: &'s mut Trials<'l>,
    attempt: &'s mut Try<'t>,
    seen: HashSet<u64>,
}

impl BodySearch<'_, '_, '_> {
    fn body(&mut self, body: Vec<u8>, cost: usize, findings: &[Finding]) -> SearchStep {
        self.trials.spend(body.len() * cost)?;
        if !self.seen.insert(hash(&body)) {
            return ControlFlow::Continue(());
        }
        (self.attempt)(self.trials, &Bytes::from(body), findings)
    }

    /// A second change of another kind on top of the first. Wrapping is reported as the cause in preference to
    /// re-serialising, and a change to the end never is.
    fn second(&mut self, hypotheses: &[Hypothesis], original: ReceivedBody<'_>, first: &Finding) -> SearchStep {
        for hypothesis in hypotheses {
            hypothesis(original, &mut |body, code, message| {
                if code == first.code {
                    return ControlFlow::Continue(());
                }
                let second = Finding::new(code, message);
                let is_wrapped = matches!(first.code, Code::BodyInside | Code::BodyFraming | Code::BodyLogged);
                let is_cause = second.code == Code::BodyReserialised || first.code == Code::BodyTrailingNewline;
                let is_cause = is_cause && !is_wrapped;
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
