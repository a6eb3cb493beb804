//! What every captured request of a run is judged by.

use std::sync::Arc;

use crate::{
    cli::{At, Format, Require, Verify},
    commands::{context::Context, exit::Failure, resolve::provider},
    engine::clock::now,
    store::formats::Entry,
    webhook::{
        assessment::{Assessment, Judge, MAX_DECODED_BYTES, PayloadCheck},
        diagnose::Clock,
        keyring::Keyring,
        provider::{Provider, catalog::Catalog},
        signature::{Freshness, Receipt, Verdict},
        time::Tolerance,
    },
};

/// Judges captured requests; shared by all threads.
#[derive(Debug)]
pub struct Judging<'a> {
    catalog: Arc<Catalog>,
    keyring: Keyring,
    provider: Option<Arc<Provider>>,
    at: At,
    tolerance: Option<Tolerance>,
    require: &'a [Require],
    /// Whether nobody wants to hear of those that are good.
    pub quiet: bool,
}

/// One captured request and what is said of it.
#[derive(Debug)]
pub struct Verified {
    /// What is said of it.
    pub assessment: Assessment,
    /// What its file could not keep of it, for one.
    pub notes: Vec<String>,
    /// What `--require` demands and it does not have.
    pub lacking: Vec<&'static str>,
}

impl Verified {
    /// Whether it is as it should be.
    pub fn is_good(&self) -> bool {
        let valid = !matches!(self.assessment.payload, PayloadCheck::Invalid(_));
        self.assessment.verdict.is_genuine() && valid && self.lacking.is_empty()
    }
}

impl<'a> Judging<'a> {
    /// Looks up what the options name.
    ///
    /// # Errors
    ///
    /// When the provider is not known, or a secret is malformed.
    pub fn new(context: &Context, args: &'a Verify) -> Result<Self, Failure> {
        Ok(Self {
            catalog: Arc::clone(&context.catalog),
            keyring: context.keyring(args.provider.as_deref())?,
            provider: args.provider.as_deref().map(|name| provider(&context.catalog, name)).transpose()?,
            at: args.at,
            tolerance: args.tolerance.map(Tolerance::both),
            require: &args.require,
            // A report names them all the same.
            quiet: context.global.quiet && matches!(context.format(), Format::Pretty | Format::Json),
        })
    }

    /// Judges one.
    pub fn judge(&self, entry: Entry) -> Verified {
        let judge = Judge {
            catalog: &self.catalog,
            keyring: &self.keyring,
            provider: self.provider.as_ref(),
            decoded_limit: MAX_DECODED_BYTES,
        };
        let at = match self.at {
            At::Received => entry.received_at,
            At::Now => Some(now()),
            At::Time(time) => Some(time),
        };
        let receipt = Receipt { at, tolerance: self.tolerance };
        let clock = if self.at == At::Received { Clock::Recorded } else { Clock::Chosen };
        let mut assessment = judge.assess(&entry.request, receipt);
        judge.explain(&entry.request, receipt, clock, &mut assessment);
        let lacking = self.require.iter().filter_map(|require| lack(*require, &assessment)).collect();
        Verified { assessment, notes: entry.notes, lacking }
    }
}

/// What is demanded and not there, in words.
fn lack(require: Require, assessment: &Assessment) -> Option<&'static str> {
    let verified = match &assessment.verdict {
        Verdict::Verified(verified) => Some(verified),
        _ => None,
    };
    match require {
        Require::Signature => verified.is_none().then_some("a signature that verifies"),
        Require::Freshness => match verified.map(|verified| verified.freshness) {
            Some(Freshness::Fresh(_)) => None,
            Some(Freshness::NotChecked) => Some("a time of receipt to judge its age by (--at gives one)"),
            Some(Freshness::NoTimestamp) | None => Some("a signed time"),
        },
        Require::Schema => (assessment.payload == PayloadCheck::Unknown).then_some("a payload that a schema describes"),
    }
}
