//! The cases of `check` as a table: a line for each, and below a failed one what was seen and what to do about it.
//! Columns are as wide as what stands in them, and give way where the screen ends.

use std::fmt::Write;

use super::{
    palette::Role,
    pretty::{MARGIN, Page, status_role},
    size, text,
};
use crate::webhook::{
    contract::{CaseName, CaseRecord, Gist, Outcome},
    provider::Provider,
    redact,
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
        palette.push(Role::Link, &text::printable(&redact::seen(url)), push_gap(&mut self.heading));
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
        if let Outcome::Failed { message, hint, answered } = &record.outcome {
            let mut flow = self.page.flow(out);
            flow.gap(MARGIN).text(None, message);
            flow.end();
            if let Some(gist) = answered {
                self.push_answer(gist, out);
            }
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

    /// What the handler answered, each line cut where the screen ends.
    fn push_answer(&self, gist: &Gist, out: &mut String) {
        let told = match gist {
            Gist::Text(lines) => lines.iter().map(|line| text::printable(line)).collect::<Vec<_>>(),
            Gist::Binary(len) => vec![format!("{} that are no text", size::bytes(*len)).into()],
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
        let mut flow = self.page.flow(out);
        flow.text(Some(Role::Dim), &format!("- {names} skipped  {why}"));
        flow.end();
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::{render::palette::Palette, webhook::provider::catalog::Catalog};

    fn table(width: Option<usize>) -> Table {
        let page = Page { palette: Palette::new(false), width, zone: TimeZone::UTC, body: None, decoded_limit: 0 };
        Table::new(page, false)
    }

    fn record(name: CaseName, event: &str, sends: &str, outcome: Outcome) -> CaseRecord {
        CaseRecord {
            provider: "acme".into(),
            name,
            event: format!("acme.{event}"),
            sends: sends.into(),
            expected: "200 within 3 s".into(),
            expected_status: "200".into(),
            outcome,
            status: Some(200),
            elapsed: Some(Duration::from_micros(400)),
        }
    }

    fn failed(message: &str, hint: &str) -> Outcome {
        Outcome::Failed { message: message.into(), hint: Some(hint.into()), answered: None }
    }

    /// What is shown of these cases on a screen of this width.
    fn shown(width: Option<usize>, records: &[CaseRecord]) -> Vec<String> {
        let (mut table, mut out) = (table(width), String::new());
        let catalog = Catalog::builtin();
        table.begin(catalog.providers().next().unwrap(), "http://localhost/", records, &mut out);
        for record in records {
            table.case(record, &mut out);
        }
        table.end(&mut out);
        out.lines().skip(1).map(str::to_owned).collect()
    }

    #[test]
    fn columns_give_way_where_the_screen_ends() {
        let records = [
            record(CaseName::EventAccepted, "v1.analysis.finished", "event.type=InDepthAnalysis", Outcome::Passed),
            record(CaseName::BodyTampered, "v1.analysis.finished", "body changed after signing", Outcome::Passed),
        ];
        let at = |width| shown(width, &records)[1..].to_vec();
        let whole = [
            "✓ event-accepted  v1.analysis.finished, event.type=InDepthAnalysis  200 within 3 s  200   0.4 ms",
            "✓ body-tampered   v1.analysis.finished, body changed after signing  200 within 3 s  200   0.4 ms",
        ];
        for width in [None, Some(97)] {
            assert_eq!(at(width), whole);
        }
        let without_event = [
            "✓ event-accepted  v1.analysis.finished InDepthAnalysis  200 within 3 s  200   0.4 ms",
            "✓ body-tampered   body changed after signing            200 within 3 s  200   0.4 ms",
        ];
        assert_eq!(at(Some(96)), without_event);
        let without_limit = [
            "✓ event-accepted  v1.analysis.finished InDepthAnalysis  200     200   0.4 ms",
            "✓ body-tampered   body changed after signing            200     200   0.4 ms",
        ];
        assert_eq!(at(Some(80)), without_limit);
        let cut = [
            "✓ event-accepted  v1.analysis.finished I…  200     200   0.4 ms",
            "✓ body-tampered   body changed after sig…  200     200   0.4 ms",
        ];
        assert_eq!(at(Some(64)), cut);
    }

    #[test]
    fn what_went_wrong_stands_below_and_a_hint_once() {
        let says = ["oh no \u{7}", "on a line that is longer than the screen"];
        let answered = Outcome::Failed {
            message: "taken \u{1b}[31m".into(),
            hint: Some("verify it".into()),
            answered: Some(Gist::Text(says.map(str::to_owned).into())),
        };
        let records = [
            record(CaseName::SecretWrong, "made", "", answered),
            record(CaseName::SignatureMissing, "made", "", failed("taken too", "verify it")),
        ];
        let lines = shown(Some(40), &records);
        let told: Vec<&String> = lines.iter().filter(|line| line.starts_with("  ")).skip(1).collect();
        let expected = [
            r"  taken \u{1b}[31m",
            r"  answered: oh no \u{7}",
            "    on a line that is longer than the s…",
            "  hint: verify it",
            "  taken too",
            "  hint: the same as above",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn cases_that_are_left_out_for_one_reason_are_told_together() {
        let skip = |name, why: &str| record(name, "made", "", Outcome::Skipped(why.into()));
        let two = [skip(CaseName::TimestampStale, "no time"), skip(CaseName::TimestampFuture, "no time")];
        assert_eq!(shown(None, &two)[1..], ["- timestamp-stale, timestamp-future skipped  no time"]);
        let many = CaseName::ALL.map(|name| skip(name, "it is gone"));
        assert_eq!(shown(None, &many)[1..], ["- 18 cases skipped  it is gone"]);
    }
}
