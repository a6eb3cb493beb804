//! Why a request was refused: a table of small hypotheses, each of which changes one thing.
//!
//! A hypothesis is believed when [`Scheme::verify`](crate::webhook::signature::Scheme::verify) then takes the request, and never otherwise. So
//! a finding is a proof; where there is none, [`Code::Unexplained`] says so. What is tried comes in
//! four kinds: the `body`, the key (`secret`), the way it is signed (`signing`) and the
//! `time`; each alone first, then the pairs that occur in life. All of it is bounded.

mod body;
mod code;
mod form;
mod libraries;
mod numbers;
mod secret;
mod serialise;
mod signing;
mod time;

use std::{ops::ControlFlow, slice};

use bytes::Bytes;

pub use code::{Code, codes};
use secret::Key;
use signing::Reading;
pub use time::{Clock, clock};

use crate::webhook::{
    keyring::Keyring,
    provider::{Provider, catalog::Catalog},
    remedy::Remedy,
    request::Request,
    signature::{Reason, Receipt, Rejection, SigningSecret},
};

/// A cause of a refusal. Neither text ever holds a secret or an expected signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub code: Code,
    /// What was seen and what it means.
    pub message: String,
    /// What to do about it.
    pub remedy: Remedy,
}

impl Finding {
    fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), remedy: code.remedy() }
    }
}

/// A request that was refused, and everything that may explain why.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// Whose it was taken for.
    pub provider: &'a Provider,
    /// The request.
    pub request: &'a Request,
    /// Why it was refused.
    pub rejection: &'a Rejection,
    /// When it was received.
    pub receipt: Receipt,
    /// All providers that are known.
    pub catalog: &'a Catalog,
    /// All secrets in force.
    pub keyring: &'a Keyring,
}

impl Case<'_> {
    fn secrets(&self) -> &[SigningSecret] {
        self.keyring.secrets(&self.provider.name)
    }
}

/// The longest body of which other versions are made; of a longer one only ends and bytes are tried.
const LONGEST_REWRITTEN: usize = 1 << 20;

/// The bytes that may be hashed and written for one request: some tenths of a second.
const BUDGET: usize = 256 << 20;

/// What one attempt costs beside the body's bytes.
const OVERHEAD: usize = 512;

/// The findings for a refused request: the cause first, then what came with it. None where the
/// rejection says all that there is to say.
#[must_use]
pub fn diagnose(case: &Case<'_>) -> Vec<Finding> {
    let reason = &case.rejection.reason;
    if let Reason::TimestampTooOld { .. } | Reason::TimestampTooNew { .. } = reason {
        return time::unit(case).into_iter().collect();
    }
    let mut bench = Bench { left: BUDGET, attempts: 0 };
    let exhausted = match bench.search(case) {
        ControlFlow::Break(Outcome::Found(findings)) => return together(findings),
        ControlFlow::Break(Outcome::Exhausted) => true,
        ControlFlow::Continue(()) => false,
    };
    match reason {
        Reason::NoMatchingSignature { .. } => vec![bench.unexplained(case, exhausted)],
        _ => Vec::new(),
    }
}

/// Says of findings that stand side by side that none of them alone is enough.
fn together(mut findings: Vec<Finding>) -> Vec<Finding> {
    let codes: Vec<Code> = findings.iter().map(|finding| finding.code).collect();
    for (place, finding) in findings.iter_mut().enumerate() {
        let others = codes.iter().enumerate().filter(|(other, _)| *other != place);
        let others: Vec<&str> = others.map(|(_, code)| code.as_str()).collect();
        if !others.is_empty() {
            finding.message = format!("{} (only together with {})", finding.message, others.join(" and "));
        }
    }
    findings
}

/// How a search ends before everything was tried.
enum Outcome {
    Found(Vec<Finding>),
    Exhausted,
}

/// A step of the search; it breaks off when a cause is found or the budget is spent.
type Step = ControlFlow<Outcome>;

/// Where hypotheses are tried, and what may still be spent on it.
struct Bench {
    left: usize,
    attempts: usize,
}

impl Bench {
    fn spend(&mut self, bytes: usize) -> Step {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(Outcome::Exhausted),
        }
    }

    /// Whether a request that is read this way verifies under one of these secrets.
    fn attempt(
        &mut self,
        reading: &Reading,
        secrets: &[SigningSecret],
        body: &Bytes,
        findings: impl FnOnce() -> Vec<Finding>,
    ) -> Step {
        // A token is sent whatever the body is, so that another body proves nothing.
        if secrets.is_empty() || !reading.can_judge(body) {
            return ControlFlow::Continue(());
        }
        self.spend((body.len() + OVERHEAD) * secrets.len())?;
        self.attempts += 1;
        if reading.verifies(secrets, body) {
            return ControlFlow::Break(Outcome::Found(findings()));
        }
        ControlFlow::Continue(())
    }

    /// Tries everything, the simplest first.
    fn search(&mut self, case: &Case<'_>) -> Step {
        let body = &case.request.body;
        let plain = signing::plain(case);
        let keys = secret::keys(case);
        let mut readings = signing::readings(case);

        self.bodies(case, &plain, body::Depth::Cheap)?;
        for key in &keys {
            self.with_key(key, &plain, body, &[])?;
        }
        for reading in &readings {
            let secrets = reading.secrets.as_deref().unwrap_or(case.secrets());
            self.attempt(reading, secrets, body, || reading.findings.clone())?;
        }
        readings.retain(|reading| reading.secrets.is_none());
        self.bodies(case, &plain, body::Depth::Pairs)?;
        for key in &keys {
            for reading in &readings {
                let findings = || [key.findings.as_slice(), &reading.findings].concat();
                self.attempt(reading, slice::from_ref(&key.secret), body, findings)?;
            }
        }
        readings.retain(|reading| reading.findings.len() == 1);
        body::search(case.request, body::Depth::Single, self, &mut |bench, body, findings| {
            for key in keys.iter().filter(|key| key.findings.len() == 1) {
                bench.with_key(key, &plain, body, findings)?;
            }
            for reading in &readings {
                let findings = || [reading.findings.as_slice(), findings].concat();
                bench.attempt(reading, case.secrets(), body, findings)?;
            }
            ControlFlow::Continue(())
        })
    }

    /// Other bodies, under the secrets and by the schemes that there are.
    fn bodies(&mut self, case: &Case<'_>, plain: &[Reading], depth: body::Depth) -> Step {
        body::search(case.request, depth, self, &mut |bench, body, findings| {
            plain.iter().try_for_each(|reading| bench.attempt(reading, case.secrets(), body, || findings.to_vec()))
        })
    }

    fn with_key(&mut self, key: &Key, plain: &[Reading], body: &Bytes, others: &[Finding]) -> Step {
        plain.iter().try_for_each(|reading| {
            self.attempt(reading, slice::from_ref(&key.secret), body, || [key.findings.as_slice(), others].concat())
        })
    }

    fn unexplained(&self, case: &Case<'_>, exhausted: bool) -> Finding {
        let missing = body::missing_bytes(case.request);
        let missing = missing.map(|words| format!("{words}; ")).unwrap_or_default();
        let tried = if exhausted || case.request.body.len() > LONGEST_REWRITTEN {
            "there is too much of it to try everything, so that only the likeliest causes were tried"
        } else {
            "tried: other spellings of the body (JSON of five languages, line ends, character sets), of the secret (white space, quotes, encodings, other providers') and of the signature (hash, encoding, signed content)"
        };
        Finding::new(
            Code::Unexplained,
            format!(
                "{missing}the secret or the body differs in a way that was not tried; {tried}, {} combinations in all",
                self.attempts
            ),
        )
    }
}

#[cfg(test)]
mod tests;
