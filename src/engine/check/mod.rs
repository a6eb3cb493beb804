//! Checks webhook handlers against their providers' contracts: sends valid and deliberately invalid deliveries, and
//! reports each case to an [`CheckObserver`].

mod handler;
mod runner;
#[cfg(test)]
mod tests;

use std::{io, sync::Arc, time::Duration};

use glob::Pattern;
use reqwest::Url;

use super::{
    clock::now,
    entropy::{EntropyError, entropy},
};
use crate::{
    net::client::{SendError, Transport},
    webhook::{
        contract::{Case, CaseContext, CaseName, CaseRecord, CaseTally, cases, probes},
        keyring::Keyring,
        provider::{Provider, event::Event},
        request::Headers,
    },
};

pub use runner::Runner;

/// A handler, and the provider whose contract it is checked against.
#[derive(Clone, Debug)]
pub struct CheckTarget {
    pub provider: Arc<Provider>,
    /// The handler's URL.
    pub url: Url,
}

/// How requests are made and sent.
#[derive(Debug)]
pub struct CheckSettings<'a, T> {
    /// The client.
    pub transport: &'a T,
    /// How long to wait for a response, in place of the provider's own limit.
    pub timeout: Option<Duration>,
    /// The secrets; the first one of a provider signs.
    pub keyring: &'a Keyring,
    /// The user's own headers, added to every request.
    pub own_headers: &'a Headers,
}

// Derived impls would require `T: Clone` and `T: Copy`.
impl<T> Clone for CheckSettings<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for CheckSettings<'_, T> {}

impl<T> CheckSettings<'_, T> {
    fn context<'c>(&'c self, provider: &'c Provider, target: &'c str) -> Result<CaseContext<'c>, EntropyError> {
        Ok(CaseContext {
            provider,
            now: now(),
            entropy: entropy()?,
            target,
            keyring: self.keyring,
            own_headers: self.own_headers,
        })
    }
}

/// The cases to run: by default, all of them.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// If there are any, only these run.
    included: Vec<Pattern>,
    /// These never run.
    excluded: Vec<Pattern>,
}

/// A glob that matches the name of no case.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no case matches `{0}`")]
pub struct NoSuchCase(String);

impl Selection {
    /// The cases whose names match any of the `included` globs, or all cases if there are none, except those that match
    /// one of the `excluded` globs.
    ///
    /// # Errors
    ///
    /// If a glob matches no case.
    pub fn new(included: Vec<Pattern>, excluded: Vec<Pattern>) -> Result<Self, NoSuchCase> {
        let matches_none = |glob: &&Pattern| !CaseName::ALL.iter().any(|name| glob.matches(name.as_str()));
        match included.iter().chain(&excluded).find(matches_none) {
            Some(glob) => Err(NoSuchCase(glob.to_string())),
            None => Ok(Self { included, excluded }),
        }
    }

    /// The selected cases of a provider with this number of secrets. Cases that are not about a particular event send
    /// `exemplar`.
    #[must_use]
    pub fn cases<'a>(&self, provider: &'a Provider, exemplar: &'a Event, secrets: usize) -> Vec<Case<'a>> {
        let mut cases = cases(provider, exemplar, secrets);
        cases.retain(|case| self.selects(case.name));
        cases
    }

    fn selects(&self, name: CaseName) -> bool {
        let matches = |globs: &[Pattern]| globs.iter().any(|glob| glob.matches(name.as_str()));
        (self.included.is_empty() || matches(&self.included)) && !matches(&self.excluded)
    }
}

/// Receives results while the cases run. An error ends the run.
pub trait CheckObserver {
    /// A handler's cases are about to run. `planned` has their records so far.
    ///
    /// # Errors
    ///
    /// If the report can't be written.
    fn target(&mut self, target: &CheckTarget, planned: &[CaseRecord]) -> io::Result<()>;

    /// A case ran, or was skipped.
    ///
    /// # Errors
    ///
    /// If the report can't be written.
    fn case(&mut self, record: &CaseRecord) -> io::Result<()>;
}

/// The result of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckSummary {
    /// The cases by outcome.
    pub tally: CaseTally,
    /// Whether a handler could not be reached at all.
    pub unreachable: bool,
}

/// Why a run could not finish.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The operating system provides no randomness for ids.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The provider's fixture can't be sent, for this reason.
    #[error("{0}")]
    Fixture(String),
    /// A request can't be sent, whatever the handler does.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The observer failed.
    #[error("can't write the report")]
    Report(#[source] io::Error),
}

/// The number of deliveries that a run sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// All deliveries.
    pub deliveries: usize,
    /// The valid ones, which a handler processes.
    pub valid: usize,
    /// Those that no selected case sends: a valid one to a handler, to see whether it accepts any.
    pub probes: usize,
}

/// Counts the deliveries that a run sends if every handler responds.
///
/// # Errors
///
/// If the operating system provides no randomness.
pub fn plan<T: Transport>(
    settings: CheckSettings<'_, T>,
    targets: &[CheckTarget],
    selection: &Selection,
) -> Result<Plan, EntropyError> {
    let mut plan = Plan::default();
    for CheckTarget { provider, url } in targets {
        let Some(exemplar) = probes(provider).first().copied() else { continue };
        let target = url.to_string();
        let context = settings.context(provider, &target)?;
        let cases = selection.cases(
            provider,
            exemplar,
            provider.rotation_secrets(settings.keyring.secrets(&provider.name)).len(),
        );
        for case in cases.iter().filter(|case| case.skipped.is_none()) {
            let count = case.requests(&context).map_or(0, |requests| requests.len());
            plan.deliveries += count;
            plan.valid += if case.is_valid() { count } else { 0 };
        }
        // The first valid delivery is sent even if it is not selected.
        if !cases.iter().any(|case| case.is_plain(exemplar)) {
            plan.deliveries += 1;
            plan.valid += 1;
            plan.probes += 1;
        }
    }
    Ok(plan)
}
