//! Verifies one captured request, and checks it against the requirements of the run.

use std::sync::Arc;

use super::{SearchBudget, budget::first_search};
use crate::{
    engine::clock::now,
    store::formats::Entry,
    webhook::{
        assessment::{Assessment, Judge, PayloadCheck},
        diagnose::Clock,
        keyring::Keyring,
        payload::MAX_DECODED_BYTES,
        provider::{Provider, catalog::Catalog},
        remedy::Warning,
        signature::{Freshness, Reason, Receipt, Verdict},
        time::{Timestamp, Tolerance},
    },
};

/// What captured requests are verified against, shared by all threads.
#[derive(Debug)]
pub struct Criteria {
    /// The known providers.
    pub catalog: Arc<Catalog>,
    /// The signing secrets.
    pub keyring: Keyring,
    /// The provider of every request. `None` detects it for each request.
    pub provider: Option<Arc<Provider>>,
    /// Whether requests signed with the public development secret are accepted.
    pub accepts_development: bool,
    /// The time that timestamps are checked against.
    pub receipt_time: ReceiptTime,
    /// The time allowed between signing and receipt, in place of the provider's tolerance.
    pub tolerance: Option<Tolerance>,
    /// The URL that the provider called, for schemes that sign it, in place of the capture's.
    pub url: Option<String>,
    /// What a request needs beyond being genuine.
    pub required: Vec<Requirement>,
    /// Whether passing requests are suppressed (`--quiet`).
    pub quiet: bool,
    /// The shared budget of the longer searches for causes.
    pub search: SearchBudget,
}

/// The time that timestamps are checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptTime {
    /// The time of receipt recorded in the capture.
    Recorded,
    /// The time of verification.
    Now,
    /// A given time.
    At(Timestamp),
}

/// Something that a request needs beyond being genuine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// A valid signature, even where the provider sends none.
    Signature,
    /// A signed timestamp that was checked.
    Freshness,
    /// A payload that was checked against a schema.
    Schema,
}

/// What a request lacks to meet a [`Requirement`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// A valid signature.
    Signature,
    /// A signed timestamp.
    Timestamp,
    /// A time of receipt to check the signed timestamp against.
    ReceiptTime,
    /// A schema for the payload.
    Schema,
}

impl Missing {
    /// Its name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Timestamp => "timestamp",
            Self::ReceiptTime => "receipt-time",
            Self::Schema => "schema",
        }
    }
}

/// The result for one captured request.
#[derive(Debug)]
pub struct Verification {
    /// The verdict, its explanation and the payload's check.
    pub assessment: Assessment,
    /// What the capture did not preserve of the request.
    pub notes: Vec<String>,
    /// What is required but missing.
    pub missing: Vec<Missing>,
}

impl Verification {
    /// Whether the request is genuine, its payload is not invalid, and nothing is missing.
    #[must_use]
    pub fn passed(&self) -> bool {
        let valid = !matches!(self.assessment.payload, PayloadCheck::Invalid(_));
        self.assessment.trust().is_some() && valid && self.missing.is_empty()
    }
}

impl Criteria {
    /// Verifies the request with this index in its run, and explains a rejection. `wait_for_earlier` waits until the
    /// results of all earlier requests are final; it is called before a search that draws on their shared budget.
    #[must_use]
    pub fn verify(&self, entry: Entry, index: usize, wait_for_earlier: &dyn Fn()) -> Verification {
        let judge = Judge {
            catalog: &self.catalog,
            keyring: &self.keyring,
            provider: self.provider.as_ref(),
            accepts_development: self.accepts_development,
            decoded_limit: MAX_DECODED_BYTES,
        };
        let (at, clock) = match self.receipt_time {
            ReceiptTime::Recorded => (entry.received_at, Clock::Recorded),
            ReceiptTime::Now => (Some(now()), Clock::Chosen),
            ReceiptTime::At(time) => (Some(time), Clock::Chosen),
        };
        let receipt = Receipt { at, tolerance: self.tolerance, url: self.url.as_deref().or(entry.url.as_deref()) };
        let mut assessment = judge.assess(&entry.request, receipt);
        let mut explain = |bytes| {
            let mut left = bytes;
            judge.explain(&entry.request, receipt, clock, &mut left, &|| false, &mut assessment);
            left
        };
        // Without this check, every thread would wait for earlier requests even once the budget is spent.
        if explain(first_search(index)) == 0 && self.search.longer_search().is_some() {
            wait_for_earlier();
            if let Some(share) = self.search.longer_search() {
                self.search.spend(share - explain(share));
            }
        }
        assessment.warnings.extend(self.changed(entry.verified_for.as_deref(), &assessment));
        let missing = self.required.iter().filter_map(|required| missing(*required, &assessment)).collect();
        Verification { assessment, notes: entry.notes, missing }
    }
}

impl Criteria {
    /// Warns that a request that was verified when it was captured, for this provider, no longer is.
    fn changed(&self, verified_for: Option<&str>, assessment: &Assessment) -> Option<Warning> {
        let verified_for = verified_for?;
        let reason = assessment.verdict.rejection().map(|rejection| &rejection.reason);
        let is_explained = match reason {
            // The time or the rules have changed, rather than the file or the secret.
            Some(
                Reason::TimestampTooOld { .. }
                | Reason::Expired { .. }
                | Reason::TimestampTooNew { .. }
                | Reason::DevelopmentSecret,
            ) => true,
            _ => self.provider.as_ref().is_some_and(|provider| provider.name != verified_for),
        };
        (!is_explained && !matches!(assessment.verdict, Verdict::Verified(_)))
            .then(|| "it was verified when it was captured: the file or the secret has changed since".to_owned().into())
    }
}

fn missing(required: Requirement, assessment: &Assessment) -> Option<Missing> {
    let verified = match &assessment.verdict {
        Verdict::Verified(verified) => Some(verified),
        _ => None,
    };
    match required {
        Requirement::Signature => verified.is_none().then_some(Missing::Signature),
        Requirement::Freshness => match verified.map(|verified| verified.freshness) {
            Some(Freshness::Fresh(_)) => None,
            Some(Freshness::NotChecked) => Some(Missing::ReceiptTime),
            Some(Freshness::NoTimestamp) | None => Some(Missing::Timestamp),
        },
        Requirement::Schema => {
            matches!(assessment.payload, PayloadCheck::Unreadable | PayloadCheck::Unknown).then_some(Missing::Schema)
        }
    }
}
