//! Tells of a run of `verify` in the form that was asked for.

use std::io::Write;

use super::pipeline::Told;
use crate::{
    commands::{context::Context, exit::Failure, form::Form, remedies, streams::Out},
    render::{
        json,
        pretty::Page,
        report::{Check, Outcome, Place, Problem},
    },
    store::formats,
    webhook::signature::Verdict,
};

use super::judging::Verified;

/// Writes what is told.
pub struct Teller<'a> {
    context: &'a Context,
    form: Form<Page>,
    out: Out,
    bytes: Vec<u8>,
    text: String,
}

impl<'a> Teller<'a> {
    /// A teller on standard output.
    pub fn new(context: &'a Context) -> Self {
        let form = Form::of(context.format(), || context.terminal.page(None));
        Self { context, form, out: context.terminal.stdout(), bytes: Vec::new(), text: String::new() }
    }

    /// Tells one thing.
    ///
    /// # Errors
    ///
    /// When the output can't be written.
    pub fn tell(&mut self, told: Told) -> Result<(), Failure> {
        match told {
            Told::Verified { file, entry, line, verified } => {
                self.verified(&file.to_string_lossy(), entry, line, &verified);
                self.out.write_all(&self.bytes)?;
                self.bytes.clear();
            }
            Told::Broken(failure) => {
                // What was told before stands before it.
                self.out.flush()?;
                self.context.terminal.fail(&failure);
                if let Form::Report(report) = &mut self.form {
                    report.check(&unreadable(&failure), &mut self.bytes);
                }
            }
            Told::Note(note) => self.context.terminal.note(&note),
            Told::PassedOver(_) | Told::Good { .. } => {}
        }
        Ok(())
    }

    fn verified(&mut self, file: &str, entry: usize, line: Option<u64>, verified: &Verified) {
        if let Form::Report(report) = &mut self.form {
            report.check(&check(file, line, verified), &mut self.bytes);
        }
        let place = formats::location(file, entry, line);
        if let Form::Pretty(page) = &self.form {
            page.verification(&place, &verified.assessment, &verified.notes, &verified.lacking, &mut self.text);
            self.bytes.extend_from_slice(self.text.as_bytes());
            self.text.clear();
            return;
        }
        if let Form::Json = self.form {
            json::verification(file, entry, &verified.assessment, remedies::words, &mut self.bytes);
        }
        // The keys of the other forms have no place for it.
        for note in &verified.notes {
            self.context.terminal.note(&format!("{place}: {note}"));
        }
    }

    /// Writes what is left.
    ///
    /// # Errors
    ///
    /// When the output can't be written.
    pub fn finish(&mut self) -> Result<(), Failure> {
        if let Form::Report(report) = &mut self.form {
            report.finish(&mut self.bytes);
        }
        self.out.write_all(&self.bytes)?;
        self.bytes.clear();
        Ok(self.out.flush()?)
    }
}

/// A request as CI is told of it.
fn check(file: &str, line: Option<u64>, verified: &Verified) -> Check {
    let Verified { assessment, lacking, .. } = verified;
    let mut problems = Vec::new();
    let mut add = |code: &str, message: String, hint: Option<&str>| {
        problems.push(Problem { code: code.to_owned(), message, hint: hint.map(str::to_owned) });
    };
    match &assessment.verdict {
        Verdict::Rejected(rejection) => add(rejection.reason.code(), rejection.reason.to_string(), None),
        Verdict::Unrecognised => add("unrecognised", "no provider is recognised in it".to_owned(), None),
        Verdict::Verified(_) | Verdict::Unsigned => {}
    }
    for finding in &assessment.findings {
        add(finding.code.as_str(), finding.message.clone(), Some(&remedies::words(&finding.remedy)));
    }
    for error in assessment.payload.errors() {
        add("payload-invalid", format!("{}: {}", error.pointer, error.message), None);
    }
    for lack in lacking {
        add("required", format!("it has not {lack}"), None);
    }
    Check {
        suite: file.to_owned(),
        name: assessment.title().to_owned(),
        place: Some(Place { file: file.to_owned(), line }),
        outcome: if problems.is_empty() { Outcome::Passed } else { Outcome::Failed(problems) },
        elapsed: None,
    }
}

/// An input that can't be read, as CI is told of it.
fn unreadable(failure: &Failure) -> Check {
    let message = failure.message.clone().unwrap_or_default();
    let causes = failure.causes.iter().map(String::as_str);
    let message = std::iter::once(message.as_str()).chain(causes).collect::<Vec<_>>().join(": ");
    let problem = Problem { code: "unreadable".to_owned(), message, hint: failure.hint.clone() };
    Check {
        suite: "inputs".to_owned(),
        name: "input".to_owned(),
        place: None,
        outcome: Outcome::Failed(vec![problem]),
        elapsed: None,
    }
}
