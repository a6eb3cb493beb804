//! Verifies captured requests from files, directories and standard input, and reports them in order to a
//! [`VerifyObserver`].

mod budget;
mod judge;
mod pipeline;
mod tally;
#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    store::formats::{EntryError, SkippedFile},
    webhook::{provider::Provider, request::Headers, trust::Trust},
};

pub use self::{
    budget::SearchBudget,
    judge::{Criteria, Missing, ReceiptTime, Requirement, Verification},
    tally::VerifyTally,
};

/// The name of standard input, on the command line and in reports.
pub const STDIN: &str = "-";

/// A source of captured requests.
#[derive(Clone, Debug)]
pub enum InputSource {
    /// A file or a directory.
    Path(PathBuf),
    /// A file found in a directory, which may not be a capture.
    Found(PathBuf),
    /// Standard input.
    Stdin,
    /// A file that is the body of one request (`-` is standard input), or a directory of such files, and the headers of
    /// each request.
    Body(PathBuf, Headers),
}

impl InputSource {
    /// The name of the input in reports.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Path(path) | Self::Found(path) | Self::Body(path, _) => path,
            Self::Stdin => Path::new(STDIN),
        }
    }
}

/// One step of a run.
#[derive(Debug)]
pub enum VerifyStep {
    /// A request was verified, whatever its verdict.
    Verified {
        /// The file that holds the request.
        file: Arc<Path>,
        /// The index of the request in the file, counted from 0 with the unreadable ones.
        entry: usize,
        /// The line that the request starts on, if the format has lines.
        line: Option<u64>,
        /// The result.
        verification: Box<Verification>,
    },
    /// A request passed, and [`Criteria::quiet`] suppresses its details.
    Passed {
        /// How far it can be trusted to come from its provider.
        trust: Trust,
        provider: Option<Arc<Provider>>,
    },
    /// An input, or a request in it, can't be read.
    Unreadable(InputError),
    /// A note about an input, such as a torn last line.
    Note(String),
    /// A file or directory was skipped because it is no capture.
    Skipped(SkippedFile),
}

/// Why an input can't be verified.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// It can't be read or parsed.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// It contains no request. Verifying nothing must not pass.
    #[error("no captured request in {}", .0.display())]
    NoRequests(PathBuf),
}

impl InputError {
    /// The input, and the line in it, if known.
    #[must_use]
    pub fn place(&self) -> (&Path, Option<u64>) {
        match self {
            Self::Entry(error) => error.place(),
            Self::NoRequests(path) => (path, None),
        }
    }
}

/// Receives the results of a run, in the order of the inputs.
pub trait VerifyObserver {
    /// Why a report failed.
    type Error;

    /// Whether to stop; asked before each report.
    fn is_cancelled(&self) -> bool {
        false
    }

    /// Receives one step and the counts so far, this step included.
    ///
    /// # Errors
    ///
    /// If the report can't be written. This ends the run.
    fn report(&mut self, progress: VerifyStep, tally: &VerifyTally) -> Result<(), Self::Error>;
}

/// Why a run ends early.
enum EarlyStop<E> {
    Cancelled,
    Failed(E),
}

/// Verifies every request of the inputs and returns the counts. A cancelled run returns the counts so far.
///
/// # Errors
///
/// The first error of the observer.
pub fn run<O: VerifyObserver>(
    criteria: &Criteria,
    inputs: &[InputSource],
    observer: &mut O,
) -> Result<VerifyTally, O::Error> {
    criteria.search.renew();
    let mut tally = VerifyTally::default();
    let mut report = |progress: VerifyStep| {
        if observer.is_cancelled() {
            return Err(EarlyStop::Cancelled);
        }
        tally.add(&progress);
        observer.report(progress, &tally).map_err(EarlyStop::Failed)?;
        Ok(tally.total())
    };
    match run_all(criteria, inputs, &mut report) {
        Ok(()) | Err(EarlyStop::Cancelled) => Ok(tally),
        Err(EarlyStop::Failed(error)) => Err(error),
    }
}

/// Runs the pipeline over each input. `report` returns the number of requests and unreadable inputs so far.
fn run_all<E>(
    criteria: &Criteria,
    inputs: &[InputSource],
    report: &mut dyn FnMut(VerifyStep) -> Result<usize, EarlyStop<E>>,
) -> Result<(), EarlyStop<E>> {
    let mut total = 0;
    for input in inputs {
        let before = total;
        pipeline::run(criteria, input, &mut |progress| {
            total = report(progress)?;
            Ok(())
        })?;
        if total == before && !matches!(input, InputSource::Found(_)) {
            total = report(VerifyStep::Unreadable(InputError::NoRequests(input.path().to_owned())))?;
        }
    }
    Ok(())
}
