//! Reports for CI services: the outcome of each check as JUnit XML, GitHub annotations or SARIF. One file per format,
//! behind one trait, for every command that checks something.

mod github;
mod junit;
mod sarif;

use std::{fmt, iter, time::Duration};

pub use self::{github::Github, junit::Junit, sarif::Sarif};
use super::text;
use crate::webhook::remedy::with_hint;

/// One thing that was checked, and its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The group it belongs to: a file, a provider.
    pub suite: String,
    /// What was checked: an event, a case.
    pub name: String,
    /// Where it is, if it is in a file.
    pub place: Option<FilePosition>,
    pub outcome: CheckOutcome,
    /// Problems that don't make the check fail.
    pub warnings: Vec<Problem>,
    /// The time it took, if that was measured.
    pub elapsed: Option<Duration>,
}

/// A position in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePosition {
    /// The file, as given on the command line.
    pub file: String,
    /// The line, from 1, if known.
    pub line: Option<u64>,
}

/// `FILE:LINE`, or the file alone.
impl fmt::Display for FilePosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        self.line.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}

/// The outcome of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckOutcome {
    /// The check passed.
    Passed,
    /// The check failed, for at least one reason.
    Failed(Vec<Problem>),
    /// Not checked, with the reason.
    Skipped(String),
}

/// One reason why a check failed, or a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The kind of reason: `no-matching-signature`.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// Message and hint in one text.
    fn text(&self) -> String {
        match &self.hint {
            Some(hint) => with_hint(&self.message, hint),
            None => self.message.clone(),
        }
    }
}

/// A check that failed or has warnings, for formats that have one result for each check.
struct CheckResult {
    /// `error`, or `warning` if the check passed.
    level: &'static str,
    /// The code of the first problem, or of the first warning.
    code: String,
    /// All problems and warnings, one per line.
    text: String,
}

impl Check {
    /// The result to report; `None` if there is nothing to report.
    fn result(&self) -> Option<CheckResult> {
        let problems = match &self.outcome {
            CheckOutcome::Failed(problems) => problems.as_slice(),
            CheckOutcome::Passed | CheckOutcome::Skipped(_) => &[],
        };
        let first = problems.first().or(self.warnings.first())?;
        let level = if problems.is_empty() { "warning" } else { "error" };
        let problems = problems.iter().map(|problem| (problem.code.as_str(), problem));
        let warnings = self.warnings.iter().map(|warning| ("warning", warning));
        let others = problems.chain(warnings).skip(1).map(|(label, problem)| format!("{label}: {}", problem.text()));
        let text = iter::once(first.text()).chain(others).collect::<Vec<_>>().join("\n");
        Some(CheckResult { level, code: first.code.clone(), text })
    }
}

/// A report format. Everything that it appends, from the first check to the end, forms one document.
pub trait Report {
    /// Adds a check, and appends what can be written of the document so far.
    fn check(&mut self, check: &Check, out: &mut Vec<u8>);

    /// Appends the rest of the document after the last check.
    fn finish(&mut self, out: &mut Vec<u8>);
}

/// Text without characters that XML can't hold or a terminal shouldn't get; line feeds stay.
fn clean(text: &str) -> String {
    let lines: Vec<_> = text::printable_lines(text.as_bytes()).collect();
    lines.join("\n")
}

#[cfg(test)]
mod samples {
    //! The same three checks for the tests of every format.

    use super::{Check, CheckOutcome, Duration, FilePosition, Problem};

    pub(super) fn checks() -> [Check; 3] {
        let check = |name: &str, outcome| Check {
            suite: "captures/a.ndjson".into(),
            name: name.into(),
            place: Some(FilePosition { file: "captures/a.ndjson".into(), line: Some(3) }),
            outcome,
            warnings: Vec::new(),
            elapsed: Some(Duration::from_millis(12)),
        };
        let problem = Problem {
            code: "no-matching-signature".into(),
            message: "it's \"wrong\" by 100%, <here>:\r\n\u{1b}[31m second, line".into(),
            hint: Some("Verify the raw body".into()),
        };
        let warning = Problem {
            code: "secret-development".into(),
            message: "verified with the public development secret".into(),
            hint: Some("Set ASPECT_WEBHOOK_SECRET".into()),
        };
        [
            Check { warnings: vec![warning], ..check("aspect.task.completed", CheckOutcome::Passed) },
            check("cyanite.v2.finished", CheckOutcome::Failed(vec![problem])),
            check("auphonic.done", CheckOutcome::Skipped("it has no signature".into())),
        ]
    }
}
