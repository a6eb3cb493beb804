//! Prints the results of `verify` as they come in, and a counter while a long run prints nothing.

use std::{
    io::{self, Write},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use super::format::OutputFormat;
use crate::{
    commands::{
        context::Context,
        exit::Failure,
        interrupt::InterruptFlag,
        names::listed,
        remedies,
        secret_warnings::set_secrets,
        streams::{self, Out},
    },
    engine::verify::{Missing, Verification, VerifyObserver, VerifyStep, VerifyTally},
    render::{
        json,
        pretty::Page,
        report::{Check, CheckOutcome, FilePosition, Problem},
    },
    store::formats::location,
    webhook::{
        assessment::Assessment,
        diagnose::Code,
        keyring::Keyring,
        provider::catalog::Catalog,
        remedy::Warning,
        signature::{Verdict, Verified},
        trust::Trust,
        words::count,
    },
};

/// Prints results to standard output, until Ctrl-C.
pub struct VerifyReporter<'a> {
    context: &'a Context,
    interrupted: &'a InterruptFlag,
    format: OutputFormat<Page>,
    verbose: bool,
    out: Out,
    bytes: Vec<u8>,
    text: String,
    counter: RunningCount,
}

impl<'a> VerifyReporter<'a> {
    /// A reporter of one run. If `verbose`, it lists what was skipped, and what was tried when no cause was found.
    pub fn new(context: &'a Context, verbose: bool, interrupted: &'a InterruptFlag) -> Self {
        let page = || Page { verbose, ..context.terminal.page(None) };
        let format = OutputFormat::new(context.format(), page);
        let (out, counter) = (context.terminal.stdout(), RunningCount::new(context));
        Self { context, interrupted, format, verbose, out, bytes: Vec::new(), text: String::new(), counter }
    }

    fn verified(&mut self, file: &str, entry: usize, line: Option<u64>, verification: &Verification) {
        let Verification { assessment, notes, missing } = verification;
        let place = location(file, entry, line);
        match &mut self.format {
            OutputFormat::Pretty(page) => {
                page.width = self.context.terminal.width();
                let missing: Vec<&str> = missing.iter().copied().map(words).collect();
                page.verification(&place, assessment, notes, &missing, &mut self.text);
                self.bytes.extend_from_slice(self.context.terminal.readable(&self.text).as_bytes());
                self.text.clear();
                return;
            }
            OutputFormat::Json => {
                let missing: Vec<&str> = missing.iter().copied().map(Missing::as_str).collect();
                json::verification(file, entry, assessment, &missing, remedies::words, &mut self.bytes);
            }
            OutputFormat::Report(report) => report.check(&check(file, line, verification), &mut self.bytes),
        }
        // Neither JSON nor the reports have a place for notes.
        for note in notes {
            self.context.terminal.note(format!("{place}: {note}"));
        }
    }

    /// Writes what is still buffered, and ends a report.
    ///
    /// # Errors
    ///
    /// If the output can't be written.
    pub fn finish(mut self) -> io::Result<()> {
        self.counter.finish();
        if let OutputFormat::Report(report) = &mut self.format {
            report.finish(&mut self.bytes);
        }
        self.out.write_all(&self.bytes)?;
        self.out.flush()
    }
}

impl VerifyObserver for VerifyReporter<'_> {
    type Error = io::Error;

    fn is_cancelled(&self) -> bool {
        self.interrupted.is_set()
    }

    fn report(&mut self, progress: VerifyStep, tally: &VerifyTally) -> io::Result<()> {
        self.counter.set(tally.total());
        match progress {
            VerifyStep::Verified { file, entry, line, verification } => {
                self.verified(&file.to_string_lossy(), entry, line, &verification);
                self.out.write_all(&self.bytes)?;
                self.bytes.clear();
            }
            VerifyStep::Unreadable(error) => {
                let failure = Failure::unreadable_input(&error);
                // Flushed first, so that the error appears in its place among the results.
                self.out.flush()?;
                self.context.terminal.fail(&failure);
                if let OutputFormat::Report(report) = &mut self.format {
                    let (file, line) = error.place();
                    let place = FilePosition { file: file.to_string_lossy().into_owned(), line };
                    report.check(&unreadable(&failure, place), &mut self.bytes);
                }
            }
            VerifyStep::Note(note) => self.context.terminal.note(&note),
            VerifyStep::Skipped(skipped) if self.verbose => self.context.terminal.note(format!("skipped: {skipped}")),
            VerifyStep::Skipped(_) | VerifyStep::Passed { .. } => {}
        }
        Ok(())
    }
}

/// The counts of a run in one line.
pub fn summary(tally: &VerifyTally) -> String {
    let requests = tally.requests();
    let counts = [
        (tally.verified, "verified"),
        (tally.development(), "verified (development)"),
        (tally.unsigned, "unsigned by design"),
        (tally.rejected, "rejected"),
        (tally.unrecognised, "unrecognised"),
        (tally.invalid, "with an invalid payload"),
    ];
    let counts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}")).collect();
    let verdicts = if counts.is_empty() { String::new() } else { format!(": {}", counts.join(", ")) };
    let unreadable = match tally.unreadable {
        0 => String::new(),
        unreadable => format!("; {unreadable} unreadable"),
    };
    let skipped = match tally.skipped {
        0 => String::new(),
        files => format!("; {} skipped", count(files, "file")),
    };
    format!("{}{verdicts}{unreadable}{skipped}", count(requests, "request"))
}

/// A warning that some requests prove nothing, because anyone can sign with the secret that verified them.
pub fn development_warning(catalog: &Catalog, keyring: &Keyring, tally: &VerifyTally) -> Option<String> {
    let names: Vec<&str> = tally.development.keys().map(String::as_str).collect();
    let requests = match tally.development() {
        0 => return None,
        1 => "1 request was".to_owned(),
        many => format!("{many} requests were"),
    };
    let plural = if names.len() == 1 { "" } else { "s" };
    Some(format!(
        "{requests} verified with the public development secret{plural} of {}, with which anyone can sign; {}",
        listed(&names),
        set_secrets(catalog, keyring, &names)
    ))
}

/// What is missing, in words.
const fn words(missing: Missing) -> &'static str {
    match missing {
        Missing::Signature => "a valid signature",
        Missing::Timestamp => "a signed timestamp",
        Missing::ReceiptTime => "a time of receipt to check the timestamp against (--at sets one)",
        Missing::Schema => "a payload that can be checked against a schema",
    }
}

/// A verified request as a check for CI.
fn check(file: &str, line: Option<u64>, verification: &Verification) -> Check {
    let Verification { assessment, missing, .. } = verification;
    let mut problems = Vec::new();
    let mut add = |code: &str, message: String, hint: Option<&str>| {
        problems.push(Problem { code: code.to_owned(), message, hint: hint.map(str::to_owned) });
    };
    match &assessment.verdict {
        Verdict::Rejected(rejection) => add(rejection.reason.code(), rejection.reason.to_string(), None),
        Verdict::Unrecognised => add("unrecognised", "the request matches no known provider".to_owned(), None),
        Verdict::Verified(_) | Verdict::Unsigned => {}
    }
    for finding in &assessment.findings {
        add(finding.code.as_str(), finding.message.clone(), Some(&remedies::words(&finding.remedy)));
    }
    for error in assessment.payload.errors() {
        add("payload-invalid", format!("{}: {}", error.pointer, error.message), None);
    }
    for missing in missing {
        add("required", format!("missing: {}", words(*missing)), None);
    }
    Check {
        suite: file.to_owned(),
        name: assessment.title().to_owned(),
        place: Some(FilePosition { file: file.to_owned(), line }),
        outcome: if problems.is_empty() { CheckOutcome::Passed } else { CheckOutcome::Failed(problems) },
        warnings: warnings(assessment),
        elapsed: None,
    }
}

/// The warnings about a request, for reports. The other formats have another way to show the development secret.
fn warnings(assessment: &Assessment) -> Vec<Problem> {
    let problem = |code: &str, warning: &Warning| Problem {
        code: code.to_owned(),
        message: warning.text(remedies::words),
        hint: None,
    };
    let mut warnings = Vec::new();
    if let (Some(Trust::Development), Some(provider), Verdict::Verified(Verified { scheme, .. })) =
        (assessment.trust(), &assessment.provider, &assessment.verdict)
    {
        let message = "verified with the public development secret, with which anyone can sign";
        let warning = Warning::new(message, provider.set_secret(scheme, true));
        warnings.push(problem(Code::SecretDevelopment.as_str(), &warning));
    }
    warnings.extend(assessment.warnings.iter().map(|warning| problem("warning", warning)));
    warnings
}

/// An unreadable input as a check for CI.
fn unreadable(failure: &Failure, place: FilePosition) -> Check {
    let messages: Vec<String> = failure.message.iter().chain(&failure.causes).map(ToString::to_string).collect();
    let message = messages.join(": ");
    let problem =
        Problem { code: "unreadable".to_owned(), message, hint: failure.hint.as_ref().map(ToString::to_string) };
    Check {
        suite: "inputs".to_owned(),
        name: "input".to_owned(),
        place: Some(place),
        outcome: CheckOutcome::Failed(vec![problem]),
        warnings: Vec::new(),
        elapsed: None,
    }
}

/// A running count on standard error.
struct RunningCount(Option<ProgressBar>);

impl RunningCount {
    /// Draws only if standard error is a terminal and no results scroll past on the same screen.
    fn new(context: &Context) -> Self {
        let visible = streams::stderr_is_terminal() && (context.global.quiet || !streams::stdout_is_terminal());
        Self(visible.then(|| {
            let bar = ProgressBar::with_draw_target(None, streams::progress(true, 10));
            if let Ok(style) = ProgressStyle::with_template("{spinner} {human_pos} requests in {elapsed}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        }))
    }

    fn set(&self, count: usize) {
        if let Some(bar) = &self.0 {
            bar.set_position(count as u64);
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_names_what_occurred() {
        let tally = VerifyTally { verified: 2, rejected: 1, invalid: 1, failed: 2, ..VerifyTally::default() };
        assert_eq!(summary(&tally), "3 requests: 2 verified, 1 rejected, 1 with an invalid payload");
        let tally = VerifyTally { verified: 1, development: [("acme".to_owned(), 2)].into(), ..VerifyTally::default() };
        assert_eq!(summary(&tally), "3 requests: 1 verified, 2 verified (development)");
        let tally = VerifyTally { unsigned: 1, unreadable: 2, skipped: 1, ..VerifyTally::default() };
        assert_eq!(summary(&tally), "1 request: 1 unsigned by design; 2 unreadable; 1 file skipped");
        assert_eq!(summary(&VerifyTally::default()), "0 requests");
    }
}
