//! The cases of `check` as a table: a line for each, and below a failed one what was seen and what to do about it.
//! Columns are as wide as what stands in them, and give way where the screen ends.

mod alike;
mod columns;

use std::{fmt::Write, time::Duration};

use self::{
    alike::Alike,
    columns::{Columns, wanted_words},
};
use super::{
    palette::Role,
    pretty::{MARGIN, Page, status_role},
    size, text,
};
use crate::webhook::{
    contract::{CaseName, CaseOutcome, CaseRecord, Excerpt},
    provider::Provider,
    redact,
    remedy::Remedy,
};

/// A table of cases.
#[derive(Clone, Debug)]
pub struct Table {
    page: Page,
    /// Whether only what failed is shown.
    quiet: bool,
    /// The titles of what came back.
    titles: &'static str,
    columns: Columns,
    /// What stands above the next line and was not shown yet.
    heading: String,
    /// The cases that were to be tried.
    planned: Vec<CaseRecord>,
    /// The case that was told of last, and how many of it were.
    tried: Option<(CaseName, usize)>,
    /// Failures of one case that are told of when all of it was tried, as many are alike.
    failures: Vec<Alike>,
    /// Cases that are left out for one reason.
    skipped: Option<(String, Vec<CaseName>)>,
    hint: Option<Remedy>,
    tables: usize,
}

/// The names of skipped cases that stand in one line.
const NAMED: usize = 3;

impl Table {
    /// A table on a page; a quiet one shows only what failed.
    #[must_use]
    pub fn new(page: Page, quiet: bool) -> Self {
        let columns = Columns::default();
        Self {
            page,
            quiet,
            titles: "  came  time",
            columns,
            heading: String::new(),
            planned: Vec::new(),
            tried: None,
            failures: Vec::new(),
            skipped: None,
            hint: None,
            tables: 0,
        }
    }

    /// A table of cases that are not tried.
    #[must_use]
    pub fn list(page: Page) -> Self {
        Self { titles: "", ..Self::new(page, false) }
    }

    /// Begins the part of one provider, whose cases are to come.
    pub fn begin(&mut self, provider: &Provider, url: &str, cases: &[CaseRecord], out: &mut String) {
        self.end(out);
        self.planned = cases.to_vec();
        self.tried = None;
        self.columns = Columns::of(cases, self.page.width);
        self.hint = None;
        let palette = self.page.palette;
        self.heading = if self.tables > 0 { "\n".to_owned() } else { String::new() };
        self.tables += 1;
        let _ = write!(self.heading, "{}", palette.paint(Role::Title, text::printable(&provider.title)));
        palette.push(Role::Link, &text::printable(&redact::seen(url)), push_gap(&mut self.heading));
        let Columns { case, sent, wanted, .. } = self.columns;
        let titles = format!("  {:case$}  {:sent$}  {:wanted$}{}", "case", "sent", "wanted", self.titles);
        let _ = writeln!(self.heading, "\n{}", palette.paint(Role::Dim, titles.trim_end()));
        if !self.quiet {
            self.push_heading(out);
        }
    }

    /// Appends a case that was tried. A failure waits for the rest of its case, as many may be alike.
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
            CaseOutcome::Passed if self.quiet => {}
            CaseOutcome::Passed => {
                let sent = self.columns.sent_words(record);
                self.push_row(record, &sent, record.elapsed, out);
            }
            CaseOutcome::Failed { .. } => {
                if !self.failures.iter_mut().any(|alike| alike.takes(record)) {
                    self.failures.push(Alike::new(record.clone()));
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
        for alike in std::mem::take(&mut self.failures) {
            self.push_failure(&alike, out);
        }
    }

    fn push_failure(&mut self, alike: &Alike, out: &mut String) {
        let record = alike.first();
        let names = if alike.count() > 1 { alike.names(&self.planned) } else { String::new() };
        let mut sent = match alike.count() {
            1 => self.columns.sent_words(record),
            count => format!("×{count}: {}", text::printable(&names)),
        };
        let fits = alike.count() == 1 || text::width(&sent) <= self.columns.sent;
        if !fits {
            sent = format!("×{}", alike.count());
        }
        self.push_row(record, &sent, alike.elapsed(), out);
        if !fits {
            self.page.labelled(Role::Key, "sent", &names, out);
        }
        let mut flow = self.page.flow(out);
        flow.gap(MARGIN).text(None, alike.message());
        flow.end();
        if let CaseOutcome::Failed { remedy, response, .. } = &record.outcome {
            if let Some(excerpt) = response {
                self.push_answer(excerpt, out);
            }
            self.push_hint(remedy.as_ref(), out);
        }
    }

    fn push_row(&mut self, record: &CaseRecord, sent: &str, elapsed: Option<Duration>, out: &mut String) {
        self.push_skipped(out);
        self.push_heading(out);
        let palette = self.page.palette;
        let passed = record.outcome == CaseOutcome::Passed;
        let (role, mark) = if passed { (Role::Good, "✓") } else { (Role::Bad, "✗") };
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

    /// Appends a case that could be tried.
    pub fn listed(&mut self, record: &CaseRecord, genuine: bool, out: &mut String) {
        if let CaseOutcome::Skipped(why) = &record.outcome {
            return self.skip(record.name, why, out);
        }
        self.push_skipped(out);
        self.push_heading(out);
        out.push_str(if genuine { "* " } else { "  " });
        let sent = self.columns.sent_words(record);
        self.push_cells(record, &sent, out);
        out.truncate(out.trim_end().len());
        out.push('\n');
    }

    /// Appends what is left.
    pub fn end(&mut self, out: &mut String) {
        self.push_failures(out);
        self.push_skipped(out);
    }

    fn push_heading(&mut self, out: &mut String) {
        out.push_str(&std::mem::take(&mut self.heading));
    }

    fn push_cells(&self, record: &CaseRecord, sent_words: &str, out: &mut String) {
        let Columns { case, sent, wanted, brief } = self.columns;
        let palette = self.page.palette;
        let _ = write!(out, "{:case$}  ", palette.paint(Role::Title, format_args!("{:case$}", record.name.as_str())));
        push_padded(&text::truncate(sent_words, sent), sent, out);
        out.push_str("  ");
        push_padded(wanted_words(record, brief.1), wanted, out);
    }

    /// What the handler answered, each line cut where the screen ends.
    fn push_answer(&self, excerpt: &Excerpt, out: &mut String) {
        let told = match excerpt {
            Excerpt::Text(lines) => lines.iter().map(|line| text::printable(line)).collect::<Vec<_>>(),
            Excerpt::Binary(len) => vec![format!("{} that are no text", size::bytes(*len)).into()],
        };
        let columns = |before: usize| self.page.width.map_or(usize::MAX, |width| width.saturating_sub(before));
        for (number, line) in told.iter().enumerate() {
            if number == 0 {
                let label = self.page.palette.paint(Role::Key, "answered");
                let _ = writeln!(out, "  {label}: {}", text::truncate(line, columns("  answered: ".len())));
            } else {
                let _ = writeln!(out, "    {}", text::truncate(line, columns(2 * MARGIN)));
            }
        }
    }

    /// Hints of several cases in a row are often one and the same.
    fn push_hint(&mut self, remedy: Option<&Remedy>, out: &mut String) {
        let Some(remedy) = remedy else { return };
        if self.hint.as_ref() == Some(remedy) {
            self.page.labelled(Role::Key, "hint", "the same as above", out);
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
        let names = if names.len() > NAMED {
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
