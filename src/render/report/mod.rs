//! What a CI service reads: the outcome of each check in the form of JUnit, GitHub's annotations
//! or SARIF. One file a form, behind one trait, for every command that checks something.

mod github;
mod junit;
mod sarif;

use std::{fmt, time::Duration};

pub use self::{github::Github, junit::Junit, sarif::Sarif};
use super::text;

/// One thing that was checked, and how it came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What it belongs to: a file, a provider.
    pub suite: String,
    /// What was checked: an event, a case.
    pub name: String,
    /// Where it stands, if it stands in a file.
    pub place: Option<Place>,
    /// How it came out.
    pub outcome: Outcome,
    /// How long it took, if that was measured.
    pub elapsed: Option<Duration>,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1, if it is known.
    pub line: Option<u64>,
}

/// `FILE:LINE`, or the file alone.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        self.line.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}

/// How a check came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should.
    Passed,
    /// Not as it should, for at least one reason.
    Failed(Vec<Problem>),
    /// Not checked, and why not.
    Skipped(String),
}

/// One reason why a check failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind of reason it is, `no-matching-signature`.
    pub code: String,
    /// What was seen.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// Message and hint in one text.
    fn text(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}. {hint}", self.message),
            None => self.message.clone(),
        }
    }
}

/// One form of report. What it appends, from the first check to the end, is one document.
pub trait Report {
    /// Takes in a check and appends what can be said of it now.
    fn check(&mut self, check: &Check, out: &mut Vec<u8>);

    /// Appends what is left to say, once all checks are made.
    fn finish(&mut self, out: &mut Vec<u8>);
}

/// A text without what XML can't hold and a terminal shouldn't get; its lines stay.
fn clean(text: &str) -> String {
    let lines: Vec<_> = text::printable_lines(text.as_bytes()).collect();
    lines.join("\n")
}

#[cfg(test)]
mod samples {
    //! The same three checks for the tests of every form.

    use super::{Check, Duration, Outcome, Place, Problem};

    pub(super) fn checks() -> [Check; 3] {
        let check = |name: &str, outcome| Check {
            suite: "captures/a.ndjson".into(),
            name: name.into(),
            place: Some(Place { file: "captures/a.ndjson".into(), line: Some(3) }),
            outcome,
            elapsed: Some(Duration::from_millis(12)),
        };
        let problem = Problem {
            code: "no-matching-signature".into(),
            message: "it's \"wrong\" by 100%, <here>:\r\n\u{1b}[31m second, line".into(),
            hint: Some("Verify the raw body".into()),
        };
        [
            check("aspect.task.completed", Outcome::Passed),
            check("cyanite.v2.finished", Outcome::Failed(vec![problem])),
            check("auphonic.done", Outcome::Skipped("it has no signature".into())),
        ]
    }
}
