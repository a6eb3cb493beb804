//! Why a request was rejected: small hypotheses, each of which changes one thing.
//!
//! A hypothesis holds only if [`Scheme::verify`](crate::webhook::signature::Scheme::verify) then accepts the request,
//! so it is a proof; [`Code::Unexplained`] means that none was found. There are five kinds of hypotheses: about the
//! `headers`, the `body`, the key (`secret`), the way of signing (`signing`, `found`, `url`) and the `time`. Each is
//! tried alone first, then in the pairs that occur in practice. The work is bounded. What is only `seen` is reported if
//! nothing is proven.

mod body;
mod code;
mod found;
mod hash;
mod headers;
mod reading;
mod secret;
mod seen;
mod signing;
mod time;
mod unescape;
mod url;

use std::{ops::ControlFlow, slice};

use bytes::Bytes;

use body::ReceivedBody;
pub(in crate::webhook) use body::rewriting;
pub use body::{Layout, serialised};
pub use code::{CODES, Code};
pub(in crate::webhook) use found::CONTENTS;
use headers::Repaired;
use reading::Reading;
use secret::CandidateKey;
pub use time::{Clock, clock};

use crate::webhook::{
    keyring::Keyring,
    provider::{Provider, catalog::Catalog},
    remedy::Remedy,
    request::Request,
    signature::{Claim, Reason, Receipt, Rejection, Scheme, SigningSecret, Unmatched, jwt::Jwt},
    words::count,
};

/// A cause of a rejection. It never contains a secret or an expected signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The kind of cause.
    pub code: Code,
    /// What was observed, and what it means.
    pub message: String,
    /// What to do about it.
    pub remedy: Remedy,
    /// The details of the search, shown on request.
    pub detail: Option<String>,
}

impl Finding {
    fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), remedy: code.remedy(), detail: None }
    }
}

/// A rejected request, and everything that may explain the rejection.
#[derive(Clone, Copy, Debug)]
pub struct RejectedRequest<'a> {
    /// The provider that it was verified for.
    pub provider: &'a Provider,
    pub request: &'a Request,
    /// Why it was rejected.
    pub rejection: &'a Rejection,
    /// When it was received.
    pub receipt: Receipt<'a>,
    /// The meaning of the time of receipt.
    pub clock: Clock,
    /// All known providers.
    pub catalog: &'a Catalog,
    /// All configured secrets.
    pub keyring: &'a Keyring,
}

impl RejectedRequest<'_> {
    fn secrets(&self) -> &[SigningSecret] {
        self.keyring.secrets(&self.provider.name)
    }

    /// The id of the key that a JWT of the request names.
    fn named_key(&self) -> Option<String> {
        let jwts = self.provider.schemes.iter().filter(|scheme| scheme.algorithm.jwt_name().is_some());
        let mut values = jwts.flat_map(Scheme::headers).filter_map(|name| self.request.headers.text(name.as_str()));
        values.find_map(|value| Jwt::parse(value.rsplit(' ').next()?)?.key_id)
    }

    /// Whether the request has a header in which the provider sends its signature.
    fn has_signature_header(&self) -> bool {
        let mut names = self.provider.schemes.iter().flat_map(Scheme::headers);
        names.any(|name| self.request.headers.contains(name.as_str()))
    }
}

/// The largest body that is rewritten, in bytes. For a larger one, only its ends and bytes are tried.
const LONGEST_REWRITTEN: usize = 1 << 20;

/// The bytes that a whole search may hash and write, which takes a few tenths of a second.
pub const PER_SEARCH: usize = 256 << 20;

/// The cost of one attempt in bytes, apart from the body.
const OVERHEAD: usize = 512;

/// An attempt may use a search's bytes divided by this. With many secrets and a large body, only the first secrets are
/// tried, because an attempt with all of them would leave nothing for other causes.
const PART_OF_ATTEMPT: usize = 64;

/// Returns the findings for a rejected request: the cause first, then what else had to change. Empty if
/// the rejection says everything.
#[must_use]
pub fn diagnose(case: &RejectedRequest<'_>) -> Vec<Finding> {
    diagnose_within(case, &mut { PER_SEARCH }, &|| false)
}

/// Like [`diagnose`], with a budget of `bytes`, at most [`PER_SEARCH`]. It subtracts what it hashes and writes, or
/// everything if a larger budget could have found more. Ends the search early once `is_late` returns true, which is
/// called before each attempt.
#[must_use]
pub fn diagnose_within(case: &RejectedRequest<'_>, bytes: &mut usize, is_late: &dyn Fn() -> bool) -> Vec<Finding> {
    let reason = &case.rejection.reason;
    if let Reason::TimestampTooOld { .. } | Reason::Expired { .. } | Reason::TimestampTooNew { .. } = reason {
        return time::unit(case).or_else(|| time::skew(case)).into_iter().collect();
    }
    if let Reason::TooManySignatures { .. } | Reason::OtherAlgorithm { .. } = reason {
        return Vec::new();
    }
    if let Reason::DevelopmentSecret = reason {
        return vec![secret::only_development(case)];
    }
    if let Some(redacted) = seen::redacted(case) {
        return vec![redacted];
    }
    let share = *bytes;
    let mut trials = Trials::new(share, is_late);
    let outcome = trials.search(case);
    *bytes = trials.left;
    let is_found = matches!(outcome, ControlFlow::Break(SearchEnd::Found(_)));
    if matches!(outcome, ControlFlow::Break(SearchEnd::Exhausted)) || trials.skipped.is_some() && !is_found {
        *bytes = 0;
    }
    let limit = match outcome {
        ControlFlow::Break(SearchEnd::Found(findings)) => return combined(findings),
        ControlFlow::Break(SearchEnd::Exhausted) if share < PER_SEARCH => {
            ", the rest skipped because earlier requests used up the limit; verify this one alone to try them all"
        }
        ControlFlow::Break(SearchEnd::Exhausted) => ", the rest skipped because of the body's size",
        ControlFlow::Break(SearchEnd::Late) => ", the rest skipped for lack of time",
        ControlFlow::Continue(()) if case.request.body.len() > LONGEST_REWRITTEN => {
            ", the rest skipped because of the body's size"
        }
        ControlFlow::Continue(()) => "",
    };
    let mut findings = seen::observations(case);
    if let Some(text) = secret::unset_token(case) {
        let likely = format!("the sender's secret is not set: the token is the text `{text}`");
        let remedy = Remedy::advice(secret::SET_THE_SENDERS);
        findings.push(Finding { remedy, ..trials.unexplained(limit, &likely) });
    } else if let Some((likely, advice)) = likely(reason) {
        let finding = trials.unexplained(limit, likely);
        findings.push(match advice {
            Some(advice) => Finding { remedy: Remedy::advice(advice), ..finding },
            None => finding,
        });
    }
    findings
}

/// The likely cause of a rejection for which none was found, and what to do if it isn't what the code says; `None` if
/// the rejection says enough.
const fn likely(reason: &Reason) -> Option<(&'static str, Option<&'static str>)> {
    match reason {
        Reason::NoMatchingSignature { what: Unmatched::Signature, .. } => {
            Some(("a different secret or a changed body", None))
        }
        // Neither depends on the body.
        Reason::NoMatchingSignature { what: Unmatched::Jwt | Unmatched::Token, .. } => {
            Some(("a different secret", Some("compare the secret with the one in the provider's dashboard")))
        }
        Reason::ClaimMismatch { claim: Claim::Place(_) } => {
            Some(("a changed body", Some("compare the body with the one that was sent; the secret is the right one")))
        }
        _ => None,
    }
}

/// If there are several findings, notes on each that it is not enough alone.
fn combined(mut findings: Vec<Finding>) -> Vec<Finding> {
    let codes: Vec<Code> = findings.iter().map(|finding| finding.code).collect();
    for (index, finding) in findings.iter_mut().enumerate() {
        let others = codes.iter().enumerate().filter(|(other, _)| *other != index);
        let others: Vec<&str> = others.map(|(_, code)| code.as_str()).collect();
        if !others.is_empty() {
            finding.message = format!("{} (only in combination with {})", finding.message, others.join(" and "));
        }
    }
    findings
}

/// Why a search ended before everything was tried.
enum SearchEnd {
    Found(Vec<Finding>),
    Exhausted,
    Late,
}

/// A step of the search. It breaks when a cause is found, or the budget or the time is spent.
type SearchStep = ControlFlow<SearchEnd>;

/// Tries hypotheses within a budget.
struct Trials<'a> {
    left: usize,
    /// The bytes that one attempt may hash.
    per_attempt: usize,
    /// For the attempt that had to skip the most secrets: how many it tried, and how many there are.
    skipped: Option<(usize, usize)>,
    /// How many variants of each kind were tried.
    attempts: Vec<(&'static str, usize)>,
    is_late: &'a dyn Fn() -> bool,
    /// What was already found about the request that is searched.
    known: Vec<Finding>,
}

impl<'a> Trials<'a> {
    fn new(bytes: usize, is_late: &'a dyn Fn() -> bool) -> Self {
        let per_attempt = bytes / PART_OF_ATTEMPT;
        Self { left: bytes, per_attempt, skipped: None, attempts: Vec::new(), is_late, known: Vec::new() }
    }

    /// Counts what follows as variants of this kind.
    fn begin(&mut self, kind: &'static str) {
        if self.attempts.last().is_none_or(|(last, _)| *last != kind) {
            self.attempts.push((kind, 0));
        }
    }

    /// How many variants were tried.
    fn attempted(&self) -> usize {
        self.attempts.iter().map(|(_, attempts)| attempts).sum()
    }

    fn spend(&mut self, bytes: usize) -> SearchStep {
        if (self.is_late)() {
            return ControlFlow::Break(SearchEnd::Late);
        }
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(SearchEnd::Exhausted),
        }
    }

    /// Tries whether a request that is read this way verifies with one of these secrets.
    fn attempt(
        &mut self,
        reading: &Reading,
        secrets: &[SigningSecret],
        body: &Bytes,
        findings: impl FnOnce() -> Vec<Finding>,
    ) -> SearchStep {
        // A token does not depend on the body, so another body proves nothing.
        if secrets.is_empty() || !reading.can_judge(body) {
            return ControlFlow::Continue(());
        }
        let cost = body.len() + OVERHEAD;
        let tried = &secrets[..secrets.len().min((self.per_attempt / cost).max(1))];
        if tried.len() < secrets.len() && self.skipped.is_none_or(|(least, _)| tried.len() < least) {
            self.skipped = Some((tried.len(), secrets.len()));
        }
        self.spend(cost * tried.len())?;
        if let Some((_, attempts)) = self.attempts.last_mut() {
            *attempts += 1;
        }
        if reading.verifies(tried, body) {
            return ControlFlow::Break(SearchEnd::Found([self.known.as_slice(), &findings()].concat()));
        }
        ControlFlow::Continue(())
    }

    /// Tries the request with repaired headers, then as it is.
    fn search(&mut self, case: &RejectedRequest<'_>) -> SearchStep {
        let repaired = headers::repaired(case);
        self.begin("names and values of headers");
        for Repaired { request, finding } in &repaired {
            let case = RejectedRequest { request, ..*case };
            self.known = vec![finding.clone()];
            self.readings(&case, &signing::plain(&case))?;
        }
        if let Some(Repaired { request, finding }) = repaired.first() {
            self.known = vec![finding.clone()];
            self.search_in(&RejectedRequest { request, ..*case })?;
        }
        self.known.clear();
        self.search_in(case)
    }

    /// Tries everything about one request, simplest first.
    fn search_in(&mut self, case: &RejectedRequest<'_>) -> SearchStep {
        let body = &case.request.body;
        let plain = signing::plain(case);
        let mut readings = signing::readings(case);
        if !case.has_signature_header() {
            // Neither another body nor another key can make up for a missing signature.
            self.begin("ways of signing");
            return self.readings(case, &readings);
        }
        let keys = secret::keys(case);
        let examples = body::examples(case);
        let original = ReceivedBody { body, request: case.request, examples: &examples };

        self.begin("changes to the body");
        self.nothing(case, &plain)?;
        self.bodies(case, original, &plain, body::Depth::Cheap)?;
        self.begin("forms of the secret");
        for key in &keys {
            self.with_key(key, &plain, body, &[])?;
        }
        self.begin("ways of signing");
        self.readings(case, &readings)?;
        self.begin("URLs");
        self.readings(case, &signing::urls(case))?;
        readings.retain(|reading| reading.secrets.is_none());
        self.begin("rewritten bodies");
        self.bodies(case, original, &plain, body::Depth::Pairs)?;
        self.begin("combinations");
        for key in &keys {
            for reading in readings.iter().filter(|reading| key.suits(&reading.scheme)) {
                let findings = || [key.findings.as_slice(), &reading.findings].concat();
                self.attempt(reading, slice::from_ref(&key.secret), body, findings)?;
            }
        }
        readings.retain(|reading| reading.findings.len() == 1);
        body::search(original, body::Depth::Single, self, &mut |trials, body, findings| {
            for key in keys.iter().filter(|key| key.findings.len() == 1) {
                trials.with_key(key, &plain, body, findings)?;
            }
            for reading in &readings {
                let findings = || [reading.findings.as_slice(), findings].concat();
                trials.attempt(reading, case.secrets(), body, findings)?;
            }
            ControlFlow::Continue(())
        })
    }

    /// Tries other ways to read the request.
    fn readings(&mut self, case: &RejectedRequest<'_>, readings: &[Reading]) -> SearchStep {
        readings.iter().try_for_each(|reading| {
            let secrets = reading.secrets.as_deref().unwrap_or(case.secrets());
            self.attempt(reading, secrets, &case.request.body, || reading.findings.clone())
        })
    }

    /// Tries whether the sender signed an empty body, and sent another.
    fn nothing(&mut self, case: &RejectedRequest<'_>, plain: &[Reading]) -> SearchStep {
        let is_signed = matches!(case.rejection.reason, Reason::ClaimMismatch { .. });
        if is_signed || body::is_blank(&case.request.body) {
            return ControlFlow::Continue(());
        }
        let finding = || {
            let message = "the signature covers an empty body: the sender signs before it has the body, or after the body was read";
            let remedy = "sign the bytes that are sent: serialise the body once, then sign and send that text; a stream that was already read is empty, and so is a variable that is not set";
            Finding { remedy: Remedy::advice(remedy), ..Finding::new(Code::WrongSignedContent, message) }
        };
        plain.iter().try_for_each(|reading| self.attempt(reading, case.secrets(), &Bytes::new(), || vec![finding()]))
    }

    /// Tries other bodies with the configured secrets and schemes.
    fn bodies(
        &mut self,
        case: &RejectedRequest<'_>,
        original: ReceivedBody<'_>,
        plain: &[Reading],
        depth: body::Depth,
    ) -> SearchStep {
        body::search(original, depth, self, &mut |trials, body, findings| {
            plain.iter().try_for_each(|reading| trials.attempt(reading, case.secrets(), body, || findings.to_vec()))
        })
    }

    fn with_key(&mut self, key: &CandidateKey, plain: &[Reading], body: &Bytes, others: &[Finding]) -> SearchStep {
        plain.iter().filter(|reading| key.suits(&reading.scheme)).try_for_each(|reading| {
            self.attempt(reading, slice::from_ref(&key.secret), body, || [key.findings.as_slice(), others].concat())
        })
    }

    fn unexplained(&self, limit: &str, likely: &str) -> Finding {
        let tried = count(self.attempted(), "variant");
        let skipped = self.skipped.map(|(tried, all)| format!(", with {tried} of {all} secrets")).unwrap_or_default();
        let message = format!("cause not found ({tried} tried{skipped}{limit}): most likely {likely}");
        let kinds = self.attempts.iter().filter(|(_, attempts)| *attempts > 0);
        let kinds: Vec<String> = kinds.map(|(kind, attempts)| format!("{kind} {attempts}")).collect();
        let detail = (!kinds.is_empty()).then(|| format!("tried: {}", kinds.join(", ")));
        Finding { detail, ..Finding::new(Code::Unexplained, message) }
    }
}

#[cfg(test)]
mod tests;
