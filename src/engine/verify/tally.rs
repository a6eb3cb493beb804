//! Counts the results of a run.

use std::{collections::BTreeMap, sync::Arc};

use super::VerifyStep;
use crate::webhook::{assessment::PayloadCheck, provider::Provider, signature::Verdict, trust::Trust};

/// The counts of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyTally {
    /// Requests verified with the user's own secret.
    pub verified: usize,
    /// Requests verified with the public development secret, by the provider's name.
    pub development: BTreeMap<String, usize>,
    /// Requests that were rejected.
    pub rejected: usize,
    /// Requests that the provider sends unsigned.
    pub unsigned: usize,
    /// Requests from no known provider.
    pub unrecognised: usize,
    /// Requests, with any verdict, whose payload violates its schema.
    pub invalid: usize,
    /// Requests that fail the run, for whatever reason.
    pub failed: usize,
    /// Inputs, and requests in them, that could not be read.
    pub unreadable: usize,
    /// Files that are not captures.
    pub skipped: usize,
}

impl VerifyTally {
    /// Counts one step.
    pub fn add(&mut self, progress: &VerifyStep) {
        match progress {
            VerifyStep::Unreadable(_) => self.unreadable += 1,
            VerifyStep::Skipped(_) => self.skipped += 1,
            VerifyStep::Note(_) => {}
            VerifyStep::Passed { trust, provider } => self.add_genuine(*trust, provider.as_ref()),
            VerifyStep::Verified { verification, .. } => {
                let assessment = &verification.assessment;
                match (assessment.trust(), &assessment.verdict) {
                    (Some(trust), _) => self.add_genuine(trust, assessment.provider.as_ref()),
                    (None, Verdict::Unrecognised) => self.unrecognised += 1,
                    (None, _) => self.rejected += 1,
                }
                self.invalid += usize::from(matches!(assessment.payload, PayloadCheck::Invalid(_)));
                self.failed += usize::from(!verification.passed());
            }
        }
    }

    fn add_genuine(&mut self, trust: Trust, provider: Option<&Arc<Provider>>) {
        match trust {
            Trust::Verified => self.verified += 1,
            Trust::UnsignedByDesign => self.unsigned += 1,
            Trust::Development => {
                let name = provider.map_or("", |provider| &provider.name);
                match self.development.get_mut(name) {
                    Some(count) => *count += 1,
                    None => drop(self.development.insert(name.to_owned(), 1)),
                }
            }
        }
    }

    /// The number of requests verified with a public development secret.
    #[must_use]
    pub fn development(&self) -> usize {
        self.development.values().sum()
    }

    /// The number of requests that were verified, whatever their verdict.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.verified + self.development() + self.rejected + self.unsigned + self.unrecognised
    }

    /// The number of requests and of unreadable inputs.
    #[must_use]
    pub fn total(&self) -> usize {
        self.requests() + self.unreadable
    }
}
