//! The cases of `check` as a table: a line for each, and below a failed one what was seen and what to do about it.
//! Columns are as wide as what stands in them, and give way where the screen ends.

use std::fmt::Write;

use super::{
    palette::Role,
    pretty::{MARGIN, Page, status_role},
    size, text,
};
use crate::webhook::{
    contract::{CaseName, CaseRecord, Outcome},
    provider::Provider,
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
    /// Cases that are left out for one reason.
    skipped: Option<(String, Vec<CaseName>)>,
    hint: Option<String>,
    tables: usize,
}

/// How the columns are filled.
#[derive(Clone, Copy, Debug, Default)]
struct Columns {
    case: usize,
    sent: usize,
    wanted: usize,
    /// Whether the event and the time limit are left out.
    brief: (bool, bool),
}

/// The columns of the mark, the status, the time and the gaps between them.
const FIXED: usize = 2 + 2 + 2 + 2 + 4 + 2 + 7;

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
        self.push_skipped(out);
        self.columns = Columns::of(cases, self.page.width);
        self.hint = None;
        let palette = self.page.palette;
        self.heading = if self.tables > 0 { "\n".to_owned() } else { String::new() };
        self.tables += 1;
        let _ = write!(self.heading, "{}", palette.paint(Role::Title, text::printable(&provider.title)));
        palette.push(Role::Link, &text::printable(url), push_gap(&mut self.heading));
        let Columns { case, sent, wanted, .. } = self.columns;
        let titles = format!("  {:case$}  {:sent$}  {:wanted$}{}", "case", "sent", "wanted", self.titles);
        let _ = writeln!(self.heading, "\n{}", palette.paint(Role::Dim, titles.trim_end()));
        if !self.quiet {
            self.push_heading(out);
        }
    }

    /// Appends a case that was tried.
    pub fn case(&mut self, record: &CaseRecord, out: &mut String) {
        let palette = self.page.palette;
        let (role, mark) = match &record.outcome {
            Outcome::Skipped(why) => return self.skip(record.name, why, out),
            Outcome::Passed if self.quiet => return,
            Outcome::Passed => (Role::Good, "✓"),
            Outcome::Failed { .. } => (Role::Bad, "✗"),
        };
        self.push_skipped(out);
        self.push_heading(out);
        palette.push(role, mark, out);
        out.push(' ');
        self.push_cells(record, out);
        match record.status {
            Some(status) => {
                let role = if role == Role::Good { Role::Good } else { status_role(status) };
                let _ = write!(out, "  {}", palette.paint(role, format_args!("{status:<4}")));
            }
            None => {
                let _ = write!(out, "  {}", palette.paint(Role::Bad, "none"));
            }
        }
        if let Some(elapsed) = record.elapsed {
            let _ = write!(out, "  {}", size::elapsed(elapsed));
        }
        out.push('\n');
        if let Outcome::Failed { message, hint } = &record.outcome {
            out.push_str("  ");
            self.page.flow(message, MARGIN, out);
            self.push_hint(hint.as_deref(), out);
        }
    }

    /// Appends a case that could be tried.
    pub fn listed(&mut self, record: &CaseRecord, genuine: bool, out: &mut String) {
        if let Outcome::Skipped(why) = &record.outcome {
            return self.skip(record.name, why, out);
        }
        self.push_skipped(out);
        self.push_heading(out);
        out.push_str(if genuine { "* " } else { "  " });
        self.push_cells(record, out);
        out.truncate(out.trim_end().len());
        out.push('\n');
    }

    /// Appends what is left.
    pub fn end(&mut self, out: &mut String) {
        self.push_skipped(out);
    }

    fn push_heading(&mut self, out: &mut String) {
        out.push_str(&std::mem::take(&mut self.heading));
    }

    fn push_cells(&self, record: &CaseRecord, out: &mut String) {
        let Columns { case, sent, wanted, brief } = self.columns;
        let palette = self.page.palette;
        let _ = write!(out, "{:case$}  ", palette.paint(Role::Title, format_args!("{:case$}", record.name.as_str())));
        push_padded(&text::truncate(&sent_words(record, brief.0), sent), sent, out);
        out.push_str("  ");
        push_padded(wanted_words(record, brief.1), wanted, out);
    }

    /// Hints of several cases in a row are often one and the same.
    fn push_hint(&mut self, hint: Option<&str>, out: &mut String) {
        let Some(hint) = hint else { return };
        if self.hint.as_deref() == Some(hint) {
            self.page.labelled(Role::Key, "hint", "the same as above", out);
        } else {
            self.page.labelled(Role::Key, "hint", hint, out);
            self.hint = Some(hint.to_owned());
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
        let palette = self.page.palette;
        let _ = write!(out, "{}- ", palette.open(Role::Dim));
        self.page.flow(&format!("{names} skipped  {why}"), MARGIN, out);
        out.truncate(out.trim_end().len());
        let _ = writeln!(out, "{}", palette.close(Role::Dim));
    }
}

impl Columns {
    /// The fullest columns that the screen has room for.
    fn of(cases: &[CaseRecord], width: Option<usize>) -> Self {
        let most = |cell: &dyn Fn(&CaseRecord) -> usize, least| cases.iter().map(cell).max().unwrap_or(0).max(least);
        let case = most(&|record| text::width(record.name.as_str()), 4);
        let filled = |brief: (bool, bool)| Self {
            case,
            sent: most(&|record| text::width(&sent_words(record, brief.0)), 4),
            wanted: most(&|record| text::width(wanted_words(record, brief.1)), 6),
            brief,
        };
        let Some(width) = width else { return filled((false, false)) };
        let fits = |columns: &Self| columns.case + columns.sent + columns.wanted + FIXED <= width;
        let fitting = [(false, false), (true, false), (true, true)].into_iter().map(filled).find(fits);
        fitting.unwrap_or_else(|| {
            let columns = filled((true, true));
            let room = width.saturating_sub(case + columns.wanted + FIXED).max(8);
            Self { sent: columns.sent.min(room), ..columns }
        })
    }
}

/// What is sent: the event, and what is special about it.
fn sent_words(record: &CaseRecord, brief: bool) -> String {
    let event = record.event.strip_prefix(&format!("{}.", record.provider)).unwrap_or(&record.event);
    let words = match (record.sends.as_str(), brief) {
        ("", _) => event.to_owned(),
        (sends, true) if record.name == CaseName::EventAccepted => {
            let values = sends.split(", ").filter_map(|change| change.split_once('=')).map(|(_, value)| value);
            format!("{event} {}", values.collect::<Vec<_>>().join(" "))
        }
        (sends, true) => sends.to_owned(),
        (sends, false) => format!("{event}, {sends}"),
    };
    text::printable(&words).into_owned()
}

fn wanted_words(record: &CaseRecord, brief: bool) -> &str {
    if brief { &record.expected_status } else { &record.expected }
}

fn push_padded(cell: &str, width: usize, out: &mut String) {
    out.push_str(cell);
    out.extend(std::iter::repeat_n(' ', width.saturating_sub(text::width(cell))));
}

fn push_gap(out: &mut String) -> &mut String {
    out.push_str("  ");
    out
}
