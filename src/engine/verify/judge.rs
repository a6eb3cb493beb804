//! Verifies one captured request and checks it against what the run requires.

use std::sync::Arc;

use crate::{
    engine::clock::now,
    store::formats::Entry,
    webhook::{
        assessment::{Assessment, Judge, MAX_DECODED_BYTES, PayloadCheck},
        diagnose::Clock,
        keyring::Keyring,
        provider::{Provider, catalog::Catalog},
        signature::{Freshness, Receipt, Verdict},
        time::{Timestamp, Tolerance},
    },
};

/// What captured requests are verified against; shared by all threads.
#[derive(Debug)]
pub struct Criteria {
    /// The known providers.
    pub catalog: Arc<Catalog>,
    /// The signing secrets.
    pub keyring: Keyring,
    /// The provider of every request. `None` detects it for each request.
    pub provider: Option<Arc<Provider>>,
    /// The time that timestamps are checked against.
    pub receipt_time: ReceiptTime,
    /// The time allowed between signing and receipt, in place of the provider's tolerance.
    pub tolerance: Option<Tolerance>,
    /// What a request needs beyond being genuine.
    pub required: Vec<Requirement>,
    /// Whether passing requests are suppressed (`--quiet`).
    pub quiet: bool,
}

/// The time that timestamps are checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptTime {
    /// The time of receipt that the capture records.
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

/// What a request is missing to meet a [`Requirement`].
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

/// The result for one captured request.
#[derive(Debug)]
pub struct Verification {
    /// The verdict, its explanation and the payload's check.
    pub assessment: Assessment,
    /// What the capture could not preserve of the request.
    pub notes: Vec<String>,
    /// What the request is missing although it is required.
    pub missing: Vec<Missing>,
}

impl Verification {
    /// Whether the request is genuine, its payload is not invalid, and nothing is missing.
    #[must_use]
    pub fn passed(&self) -> bool {
        let valid = !matches!(self.assessment.payload, PayloadCheck::Invalid(_));
        self.assessment.verdict.is_genuine() && valid && self.missing.is_empty()
    }
}

impl Criteria {
    /// Verifies one request and explains a rejection.
    #[must_use]
    pub fn verify(&self, entry: Entry) -> Verification {
        let judge = Judge {
            catalog: &self.catalog,
            keyring: &self.keyring,
            provider: self.provider.as_ref(),
            decoded_limit: MAX_DECODED_BYTES,
        };
        let (at, clock) = match self.receipt_time {
            ReceiptTime::Recorded => (entry.received_at, Clock::Recorded),
            ReceiptTime::Now => (Some(now()), Clock::Chosen),
            ReceiptTime::At(time) => (Some(time), Clock::Chosen),
        };
        let receipt = Receipt { at, tolerance: self.tolerance };
        let mut assessment = judge.assess(&entry.request, receipt);
        judge.explain(&entry.request, receipt, clock, &|| false, &mut assessment);
        let missing = self.required.iter().filter_map(|required| missing(*required, &assessment)).collect();
        Verification { assessment, notes: entry.notes, missing }
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
        Requirement::Schema => (assessment.payload == PayloadCheck::Unknown).then_some(Missing::Schema),
    }
}
