//! Tells of a run of `check` in the form that was asked for.

use std::io::Write;

use super::targets::Target;
use crate::{
    commands::{context::Context, exit::Failure, form::Form, remedies, streams::Out},
    render::{
        cases::Table,
        json,
        report::{self, Check, Place, Problem},
    },
    webhook::contract::{Case, CaseRecord, Outcome, Tally},
};

/// Writes what is told.
pub struct Teller<'a> {
    context: &'a Context,
    form: Form<Table>,
    out: Out,
    bytes: Vec<u8>,
    /// Whether genuine cases were listed, whose mark is to be explained.
    listed: bool,
}

impl<'a> Teller<'a> {
    /// A teller on standard output of cases that are tried, or only listed.
    pub fn new(context: &'a Context, lists: bool) -> Self {
        let page = context.terminal.page(None);
        let table = || if lists { Table::list(page) } else { Table::new(page, context.global.quiet) };
        let form = Form::of(context.format(), table);
        Self { context, form, out: context.terminal.stdout(), bytes: Vec::new(), listed: false }
    }

    /// Begins with a handler, whose cases these are.
    ///
    /// # Errors
    ///
    /// When the output can't be written.
    pub fn begin(&mut self, target: &Target, cases: &[Case<'_>]) -> Result<(), Failure> {
        if let Form::Pretty(table) = &mut self.form {
            let records: Vec<CaseRecord> = cases.iter().map(|case| case.record(&target.provider)).collect();
            let mut text = String::new();
            table.begin(&target.provider, target.url.as_str(), &records, &mut text);
            self.bytes.extend_from_slice(text.as_bytes());
        }
        self.write()
    }

    /// Tells of one case.
    ///
    /// # Errors
    ///
    /// When the output can't be written.
    pub fn tell(&mut self, record: &CaseRecord) -> Result<(), Failure> {
        let wrong = matches!(record.outcome, Outcome::Failed { .. });
        match &mut self.form {
            Form::Pretty(table) => {
                let mut text = String::new();
                table.case(record, &mut text);
                self.bytes.extend_from_slice(text.as_bytes());
            }
            Form::Json if self.context.global.quiet && !wrong => {}
            Form::Json => json::case(record, remedies::words, &mut self.bytes),
            Form::Report(report) => {
                let config = self.context.config.as_ref().map(|config| config.path.display().to_string());
                report.check(&check(record, config), &mut self.bytes);
            }
        }
        self.write()
    }

    /// Writes what is left, and how many cases came out how.
    ///
    /// # Errors
    ///
    /// When the output can't be written.
    pub fn finish(&mut self, tally: Tally) -> Result<(), Failure> {
        match &mut self.form {
            Form::Pretty(table) => {
                let mut text = String::new();
                table.end(&mut text);
                self.bytes.extend_from_slice(text.as_bytes());
            }
            Form::Json if self.context.global.quiet => {}
            Form::Json => json::case_summary(tally, &mut self.bytes),
            Form::Report(report) => report.finish(&mut self.bytes),
        }
        self.write()?;
        if !matches!(self.form, Form::Json) {
            let Tally { passed, failed, skipped } = tally;
            if passed + failed == 0 {
                self.context.terminal.warn("no case was tried: nothing is known of the handler");
            }
            let total = passed + failed + skipped;
            let plural = if total == 1 { "" } else { "s" };
            self.context
                .terminal
                .say(&format!("{total} case{plural}: {passed} passed, {failed} failed, {skipped} skipped\n"));
        }
        Ok(())
    }

    /// Lists the cases of a handler.
    ///
    /// # Errors
    ///
    /// When the form is a report, or the output can't be written.
    pub fn list(&mut self, target: &Target, cases: &[Case<'_>]) -> Result<(), Failure> {
        self.begin(target, cases)?;
        for case in cases {
            let record = case.record(&target.provider);
            let genuine = case.is_genuine();
            match &mut self.form {
                Form::Pretty(table) => {
                    let mut text = String::new();
                    table.listed(&record, genuine, &mut text);
                    self.bytes.extend_from_slice(text.as_bytes());
                }
                Form::Json => json::listed_case(&record, genuine, &mut self.bytes),
                Form::Report(_) => {
                    return Err(Failure::usage("a list is no report: with --list, --format is pretty or json"));
                }
            }
            self.listed |= genuine;
        }
        self.write()
    }

    /// Ends the list.
    ///
    /// # Errors
    ///
    /// When the output can't be written.
    pub fn end_list(&mut self) -> Result<(), Failure> {
        if let Form::Pretty(table) = &mut self.form {
            let mut text = String::new();
            table.end(&mut text);
            self.bytes.extend_from_slice(text.as_bytes());
            if self.listed {
                self.context.terminal.say("* genuine: the handler does its work on it\n");
            }
        }
        self.write()
    }

    /// Each case is told when it was tried.
    fn write(&mut self) -> Result<(), Failure> {
        self.out.write_all(&self.bytes)?;
        self.bytes.clear();
        Ok(self.out.flush()?)
    }
}

/// A case as CI is told of it. It stands in no file, and code scanning wants one: the config that names the endpoint.
fn check(record: &CaseRecord, config: Option<String>) -> Check {
    let outcome = match &record.outcome {
        Outcome::Passed => report::Outcome::Passed,
        Outcome::Skipped(why) => report::Outcome::Skipped(why.clone()),
        Outcome::Failed { message, remedy, .. } => report::Outcome::Failed(vec![Problem {
            code: record.name.as_str().to_owned(),
            message: message.clone(),
            hint: remedy.as_ref().map(remedies::words),
        }]),
    };
    let sends = if record.sends.is_empty() { String::new() } else { format!(", {}", record.sends) };
    Check {
        suite: record.provider.clone(),
        name: format!("{} ({}{sends})", record.name.as_str(), record.event),
        place: config.map(|file| Place { file, line: None }),
        outcome,
        elapsed: record.elapsed,
    }
}
