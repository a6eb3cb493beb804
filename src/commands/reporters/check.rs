//! Prints the cases of `check` as they run, or the list of them.

use std::io::{self, Write};

use super::format::OutputFormat;
use crate::{
    cli::FormatArg,
    commands::{context::Context, exit::Failure, remedies, secret_warnings::development_warning, streams::Out},
    engine::check::{CheckObserver, CheckTarget},
    render::{
        cases::CaseTable,
        json,
        report::{self, Check, FilePosition, Problem},
    },
    webhook::{
        contract::{Case, CaseOutcome, CaseProblem, CaseRecord, CaseTally, deviations::MAX_DEVIATIONS},
        diagnose::Code,
        keyring::Keyring,
        words::count,
    },
};

/// Prints cases to standard output.
pub struct CheckReporter<'a> {
    context: &'a Context,
    format: OutputFormat<CaseTable>,
    out: Out,
    bytes: Vec<u8>,
    keyring: &'a Keyring,
    /// The providers whose development secret the report has mentioned.
    warned: Vec<String>,
}

impl<'a> CheckReporter<'a> {
    /// A reporter of cases that run.
    pub fn new(context: &'a Context, keyring: &'a Keyring) -> Self {
        let table = || CaseTable::new(context.terminal.page(None), context.global.quiet);
        let format = OutputFormat::new(context.format(), table);
        let out = context.terminal.stdout();
        Self { context, format, out, bytes: Vec::new(), keyring, warned: Vec::new() }
    }

    /// A warning that a provider's cases are signed with its development secret, once per provider in a report.
    fn development_warning(&mut self, provider: &str) -> Option<Problem> {
        if self.warned.iter().any(|warned| warned == provider) {
            return None;
        }
        let message = development_warning(&self.context.catalog, self.keyring, &[provider])?;
        self.warned.push(provider.to_owned());
        Some(Problem { code: Code::SecretDevelopment.as_str().to_owned(), message, hint: None })
    }

    fn table(&mut self, append: impl FnOnce(&mut CaseTable, &mut String)) {
        if let OutputFormat::Pretty(table) = &mut self.format {
            table.set_width(self.context.terminal.width());
            let mut text = String::new();
            append(table, &mut text);
            self.bytes.extend_from_slice(self.context.terminal.readable(&text).as_bytes());
        }
    }

    /// Prints the cases still held back, and the number of cases by outcome.
    ///
    /// # Errors
    ///
    /// If the output can't be written.
    pub fn finish(&mut self, tally: CaseTally) -> io::Result<()> {
        self.table(CaseTable::end);
        match &mut self.format {
            OutputFormat::Json if !self.context.global.quiet => json::case_summary(tally, &mut self.bytes),
            OutputFormat::Report(report) => report.finish(&mut self.bytes),
            OutputFormat::Pretty(_) | OutputFormat::Json => {}
        }
        self.flush()?;
        if !matches!(self.format, OutputFormat::Json) {
            let CaseTally { passed, failed, warned, skipped } = tally;
            if tally.is_untried() {
                self.context.terminal.warn("no case ran: the handler was not tested");
            }
            let cases = count(passed + failed + warned + skipped, "case");
            let counts = format!("{cases}: {passed} passed, {failed} failed, {warned} warned, {skipped} skipped\n");
            self.context.terminal.say(&counts);
        }
        Ok(())
    }

    /// Flushes, so that each case is printed as soon as it is reported.
    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.bytes)?;
        self.bytes.clear();
        self.out.flush()
    }
}

impl CheckObserver for CheckReporter<'_> {
    fn target(&mut self, target: &CheckTarget, planned: &[CaseRecord]) -> io::Result<()> {
        self.table(|table, text| table.begin(&target.provider, target.url.as_str(), planned, text));
        self.flush()
    }

    fn case(&mut self, record: &CaseRecord) -> io::Result<()> {
        self.table(|table, text| table.case(record, text));
        let warning = self.development_warning(&record.provider);
        match &mut self.format {
            OutputFormat::Json => {
                let failed = matches!(record.outcome, CaseOutcome::Failed(_));
                if failed || !self.context.global.quiet {
                    json::case(record, remedies::words, &mut self.bytes);
                }
            }
            OutputFormat::Report(report) => {
                let config = self.context.config.as_ref().map(|config| config.path.display().to_string());
                let check = Check { warnings: warning.into_iter().collect(), ..check(record, config) };
                report.check(&check, &mut self.bytes);
            }
            OutputFormat::Pretty(_) => {}
        }
        self.flush()
    }
}

/// Lists the cases of handlers without running them.
///
/// # Errors
///
/// If the format is a report, or the output can't be written.
pub fn list<'t>(
    context: &Context,
    listed: impl IntoIterator<Item = (&'t CheckTarget, Vec<Case<'t>>)>,
) -> Result<(), Failure> {
    if context.format().is_report() {
        return Err(Failure::usage("--list can't be combined with a report format")
            .hint("use --format pretty or --format json"));
    }
    let json = context.format() == FormatArg::Json;
    let mut table = CaseTable::list(context.terminal.page(None));
    let (mut text, mut lines, mut any_valid) = (String::new(), Vec::new(), false);
    for (target, cases) in listed {
        let records: Vec<CaseRecord> = cases.iter().map(|case| case.record(&target.provider)).collect();
        table.begin(&target.provider, target.url.as_str(), &records, &mut text);
        for (case, record) in cases.iter().zip(&records) {
            table.listed(record, case.is_valid(), &mut text);
            json::listed_case(record, case.is_valid(), &mut lines);
            any_valid |= case.is_valid();
        }
    }
    table.end(&mut text);
    if json {
        context.terminal.print(&lines)?;
    } else {
        context.terminal.print_text(&text)?;
    }
    if any_valid && !json {
        context.terminal.say("* valid: your handler will process it\n");
        context.terminal.say(&format!(
            "if the handler rejects every delivery, up to {MAX_DEVIATIONS} more are sent to find out what it verifies\n"
        ));
    }
    Ok(())
}

/// A case as a check for CI. Code scanning requires a file; a handler has none, so the config takes its place.
fn check(record: &CaseRecord, config: Option<String>) -> Check {
    let problem = |problem: &CaseProblem| Problem {
        code: record.name.as_str().to_owned(),
        message: problem.message.clone(),
        hint: problem.remedy.as_ref().map(remedies::words),
    };
    let (outcome, warnings) = match &record.outcome {
        CaseOutcome::Passed => (report::CheckOutcome::Passed, Vec::new()),
        CaseOutcome::Warned(warning) => (report::CheckOutcome::Passed, vec![problem(warning)]),
        CaseOutcome::Skipped(reason) => (report::CheckOutcome::Skipped(reason.clone()), Vec::new()),
        CaseOutcome::Failed(failure) => (report::CheckOutcome::Failed(vec![problem(failure)]), Vec::new()),
    };
    let sends = if record.sends.is_empty() { String::new() } else { format!(", {}", record.sends) };
    Check {
        suite: record.provider.clone(),
        name: format!("{} ({}{sends})", record.name.as_str(), record.event),
        place: config.map(|file| FilePosition { file, line: None }),
        outcome,
        warnings,
        elapsed: record.elapsed,
    }
}
