//! The cases of `check` as a table: one line each, with the failure and a hint below a failed one. Columns are as wide
//! as their texts, which are abbreviated if the screen is too narrow.

mod columns;
mod failures;

use std::{fmt::Write, time::Duration};

use self::{
    columns::{ColumnWidths, expected_label},
    failures::FailureGroup,
};
use super::{
    palette::Role,
    pretty::{MARGIN, Page, status_role},
    size, text,
};
use crate::webhook::{
    contract::{CaseName, CaseOutcome, CaseProblem, CaseRecord},
    provider::Provider,
    redact,
    remedy::Remedy,
};

/// A table of cases.
#[derive(Clone, Debug)]
pub struct CaseTable {
    page: Page,
    /// Whether only failures are shown.
    quiet: bool,
    /// The titles of the columns about the response.
    titles: &'static str,
    columns: ColumnWidths,
    /// The heading to print above the next row.
    heading: String,
    /// All cases of this provider's run.
    planned: Vec<CaseRecord>,
    /// The current case, and how many of its deliveries have been sent.
    tried: Option<(CaseName, usize)>,
    /// The failures of that case. They are printed after its last delivery, because many may have the same cause.
    failures: Vec<FailureGroup>,
    /// Consecutive cases skipped for the same reason.
    skipped: Option<(String, Vec<CaseName>)>,
    hint: Option<Remedy>,
    /// Whether a table has been printed, so that an empty line separates the next one.
    has_printed: bool,
}

/// The maximum number of skipped cases named in one line.
const MAX_NAMED: usize = 3;

impl CaseTable {
    /// A table; if `quiet`, it shows only failures.
    #[must_use]
    pub fn new(page: Page, quiet: bool) -> Self {
        let columns = ColumnWidths::default();
        Self {
            page,
            quiet,
            titles: "  got   time",
            columns,
            heading: String::new(),
            planned: Vec::new(),
            tried: None,
            failures: Vec::new(),
            skipped: None,
            hint: None,
            has_printed: false,
        }
    }

    /// A table of cases that are listed without being run.
    #[must_use]
    pub fn list(page: Page) -> Self {
        Self { titles: "", ..Self::new(page, false) }
    }

    /// Wraps text at another width from now on. The columns of the current section keep their widths.
    pub const fn set_width(&mut self, width: Option<usize>) {
        self.page.width = width;
    }

    /// Starts the section of a provider, whose cases follow.
    pub fn begin(&mut self, provider: &Provider, url: &str, cases: &[CaseRecord], out: &mut String) {
        self.end(out);
        self.planned = cases.to_vec();
        self.tried = None;
        self.columns = ColumnWidths::fit(cases, self.page.width);
        self.hint = None;
        let palette = self.page.palette;
        self.heading = if self.has_printed { "\n".to_owned() } else { String::new() };
        let _ = write!(self.heading, "{}", palette.paint(Role::Title, text::printable(&provider.title)));
        palette.push(Role::Link, &text::printable(&redact::tokens(url)), push_gap(&mut self.heading));
        let ColumnWidths { case, sent, expected, .. } = self.columns;
        let titles = format!("  {:case$}  {:sent$}  {:expected$}{}", "case", "sent", "expected", self.titles);
        let _ = writeln!(self.heading, "\n{}", palette.paint(Role::Dim, titles.trim_end()));
        if !self.quiet {
            self.push_heading(out);
        }
    }

    /// Appends a case that ran. A failure is held back until the rest of its case has run.
    pub fn case(&mut self, record: &CaseRecord, out: &mut String) {
        if self.tried.is_none_or(|(name, _)| name != record.name) {
            self.push_failures(out);
            self.tried = Some((record.name, 0));
        }
        match &record.outcome {
            CaseOutcome::Skipped(why) => {
                self.push_failures(out);
                return self.skip(record.name, why, out);
            }
            CaseOutcome::Passed | CaseOutcome::Warned(_) if self.quiet => {}
            CaseOutcome::Passed => {
                let sent = self.columns.sent_label(record);
                self.push_row(record, &sent, record.elapsed, out);
            }
            CaseOutcome::Failed(_) | CaseOutcome::Warned(_) => {
                if !self.failures.iter_mut().any(|group| group.add(record)) {
                    self.failures.push(FailureGroup::new(record.clone()));
                }
            }
        }
        let of_case = self.planned.iter().filter(|planned| planned.name == record.name).count();
        if let Some((_, tried)) = &mut self.tried {
            *tried += 1;
            if *tried >= of_case {
                self.push_failures(out);
            }
        }
    }

    fn push_failures(&mut self, out: &mut String) {
        for group in std::mem::take(&mut self.failures) {
            self.push_failure(&group, out);
        }
    }

    fn push_failure(&mut self, group: &FailureGroup, out: &mut String) {
        let record = group.first();
        let names = if group.count() > 1 { group.names(&self.planned) } else { String::new() };
        let mut sent = match group.count() {
            1 => self.columns.sent_label(record),
            count => format!("×{count}: {}", text::printable(&names)),
        };
        let fits = group.count() == 1 || text::width(&sent) <= self.columns.sent;
        if !fits {
            sent = format!("×{}", group.count());
        }
        self.push_row(record, &sent, group.elapsed(), out);
        if !fits {
            self.page.labelled(Role::Key, "sent", &names, out);
        }
        let mut flow = self.page.flow(out);
        flow.gap(MARGIN).text(None, group.message());
        flow.end();
        if let Some(CaseProblem { remedy, response, .. }) = record.outcome.problem() {
            if let Some(excerpt) = response {
                self.page.excerpt(excerpt, out);
            }
            self.push_hint(remedy.as_ref(), out);
        }
    }

    fn push_row(&mut self, record: &CaseRecord, sent: &str, elapsed: Option<Duration>, out: &mut String) {
        self.push_skipped(out);
        self.push_heading(out);
        let palette = self.page.palette;
        let passed = record.outcome == CaseOutcome::Passed;
        let (role, mark) = match record.outcome {
            CaseOutcome::Passed => (Role::Good, "✓"),
            CaseOutcome::Warned(_) => (Role::Warning, "!"),
            CaseOutcome::Failed(_) | CaseOutcome::Skipped(_) => (Role::Bad, "✗"),
        };
        palette.push(role, mark, out);
        out.push(' ');
        self.push_cells(record, sent, out);
        match record.status {
            Some(status) => {
                let role = if passed { Role::Good } else { status_role(status) };
                let _ = write!(out, "  {}", palette.paint(role, format_args!("{status:<4}")));
            }
            None => {
                let _ = write!(out, "  {}", palette.paint(Role::Bad, "none"));
            }
        }
        if let Some(elapsed) = elapsed {
            let _ = write!(out, "  {}", size::elapsed(elapsed));
        }
        out.push('\n');
    }

    /// Appends a case that is only listed.
    pub fn listed(&mut self, record: &CaseRecord, genuine: bool, out: &mut String) {
        if let CaseOutcome::Skipped(why) = &record.outcome {
            return self.skip(record.name, why, out);
        }
        self.push_skipped(out);
        self.push_heading(out);
        out.push_str(if genuine { "* " } else { "  " });
        let sent = self.columns.sent_label(record);
        self.push_cells(record, &sent, out);
        out.truncate(out.trim_end().len());
        out.push('\n');
    }

    /// Appends the cases held back so far.
    pub fn end(&mut self, out: &mut String) {
        self.push_failures(out);
        self.push_skipped(out);
    }

    fn push_heading(&mut self, out: &mut String) {
        self.has_printed = true;
        out.push_str(&std::mem::take(&mut self.heading));
    }

    fn push_cells(&self, record: &CaseRecord, sent_label: &str, out: &mut String) {
        let ColumnWidths { case, sent, expected, brief } = self.columns;
        let palette = self.page.palette;
        let _ = write!(out, "{:case$}  ", palette.paint(Role::Title, format_args!("{:case$}", record.name.as_str())));
        push_padded(&text::truncate(sent_label, sent), sent, out);
        out.push_str("  ");
        push_padded(expected_label(record, brief.1), expected, out);
    }

    /// Appends a hint, or a reference to the previous one if it is the same.
    fn push_hint(&mut self, remedy: Option<&Remedy>, out: &mut String) {
        let Some(remedy) = remedy else { return };
        if self.hint.as_ref() == Some(remedy) {
            self.page.labelled(Role::Key, "hint", "same as above", out);
        } else {
            self.page.labelled(Role::Key, "hint", &(self.page.wording)(remedy), out);
            self.hint = Some(remedy.clone());
        }
    }

    fn skip(&mut self, name: CaseName, why: &str, out: &mut String) {
        if self.quiet {
            return;
        }
        match &mut self.skipped {
            Some((reason, names)) if reason == why => names.push(name),
            _ => {
                self.push_skipped(out);
                self.skipped = Some((why.to_owned(), vec![name]));
            }
        }
    }

    fn push_skipped(&mut self, out: &mut String) {
        let Some((why, names)) = self.skipped.take() else { return };
        self.push_heading(out);
        let names = if names.len() > MAX_NAMED {
            format!("{} cases", names.len())
        } else {
            names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ")
        };
        let mut flow = self.page.flow(out);
        flow.text(Some(Role::Dim), &format!("- {names} skipped  {why}"));
        flow.end();
    }
}

fn push_padded(cell: &str, width: usize, out: &mut String) {
    out.push_str(cell);
    out.extend(std::iter::repeat_n(' ', width.saturating_sub(text::width(cell))));
}

fn push_gap(out: &mut String) -> &mut String {
    out.push_str("  ");
    out
}

#[cfg(test)]
mod tests;
