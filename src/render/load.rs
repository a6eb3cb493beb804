//! The summary of many deliveries: a table for people, an object for programs.

use std::fmt::Write;

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    json::{line, millis},
    palette::Role,
    pretty::{Page, status_role},
    size, text,
};
use crate::webhook::{
    load::{Latency, LoadSummary, OUTCOMES, Violations},
    record::Outcome,
};

/// The width in columns if the terminal's width is unknown.
const DEFAULT_WIDTH: usize = 80;

/// The width of the longest bar of the histogram, in columns.
const MAX_BAR: usize = 48;

/// The maximum number of reasons shown.
const MAX_REASONS: usize = 5;

/// Appends the table: counts and rate, outcomes, latencies, and why some requests were not accepted.
pub fn table(page: &Page, summary: &LoadSummary, out: &mut String) {
    let planned = summary.requests + summary.not_started;
    let requests = if planned == 1 { "request" } else { "requests" };
    let count = match summary.not_started {
        0 => size::count(planned),
        _ => format!("{} of {}", size::count(summary.requests), size::count(planned)),
    };
    page.palette.push(Role::Title, &format!("{count} {requests} in {}", size::elapsed(summary.elapsed)), out);
    let _ = writeln!(out, "  {}/s\n", rate(summary.rate()));
    outcomes(page, summary, out);
    if let Some(latency) = &summary.latency {
        times(page, latency, out);
    }
    reasons(page, summary, out);
    violations(page, summary.violations, out);
}

fn outcomes(page: &Page, summary: &LoadSummary, out: &mut String) {
    let planned = summary.requests + summary.not_started;
    for outcome in OUTCOMES {
        let count = summary.count(outcome);
        if count == 0 && outcome != Outcome::Accepted {
            continue;
        }
        let role = match (outcome, count) {
            (Outcome::Accepted, 1..) => Role::Good,
            (Outcome::Accepted, 0) => Role::Dim,
            _ => Role::Bad,
        };
        let _ = write!(out, "  {}", page.palette.paint(role, format_args!("{:<12}", outcome.name())));
        let _ = writeln!(out, "{:>12}  {:>8}", size::count(count), percent(count, planned));
    }
    if summary.not_started > 0 {
        let _ = write!(out, "  {}", page.palette.paint(Role::Warning, format_args!("{:<12}", "not started")));
        let _ = writeln!(out, "{:>12}  no connection was free in time", size::count(summary.not_started));
    }
    for (status, count) in &summary.statuses {
        let _ = write!(out, "  status {}", page.palette.paint(status_role(*status), format_args!("{status:<5}")));
        let _ = writeln!(out, "{:>12}  {:>8}", size::count(*count), percent(*count, planned));
    }
}

fn times(page: &Page, latency: &Latency, out: &mut String) {
    let Latency { p50, p90, p99, p99_9, max, bars } = latency;
    out.push_str("\n  latency");
    for (name, time) in [("p50", p50), ("p90", p90), ("p99", p99), ("p99.9", p99_9), ("max", max)] {
        let _ = write!(out, "  {} {}", page.palette.paint(Role::Dim, name), size::elapsed(*time));
    }
    out.push('\n');
    let most = bars.iter().map(|(_, count)| *count).max().unwrap_or_default();
    for (upto, count) in bars {
        let _ = write!(out, "  {:>12}  ", format!("≤ {}", size::elapsed(*upto)));
        page.palette.push(Role::Good, &bar(*count, most), out);
        let gap = if *count > 0 { " " } else { "" };
        let _ = writeln!(out, "{gap}{}", size::count(*count));
    }
}

/// A bar in eighths of a column. Any count above 0 is visible.
fn bar(count: u64, most: u64) -> String {
    let eighths = u128::from(count) * (MAX_BAR as u128 * 8);
    let eighths = usize::try_from(eighths.div_ceil(u128::from(most.max(1)))).unwrap_or_default();
    let last = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
    "█".repeat(eighths / 8) + last
}

fn reasons(page: &Page, summary: &LoadSummary, out: &mut String) {
    if summary.reasons.is_empty() {
        return;
    }
    out.push_str("\n  not accepted:\n");
    for (reason, count) in summary.reasons.iter().take(MAX_REASONS) {
        let start = format!("{:>12}  ", size::count(*count));
        let left = page.width.unwrap_or(DEFAULT_WIDTH).saturating_sub(start.len());
        let reason = text::printable(reason);
        let reason = if page.width.is_some() { text::truncate(&reason, left) } else { reason };
        let _ = writeln!(out, "{start}{reason}");
    }
    let others: u64 = summary.reasons.iter().skip(MAX_REASONS).map(|(_, count)| count).sum();
    if others > 0 {
        let _ = writeln!(out, "{:>12}  other reasons", size::count(others));
    }
}

fn violations(page: &Page, violations: Violations, out: &mut String) {
    if violations.total() == 0 {
        return;
    }
    let parts = [(violations.status, "wrong status"), (violations.redirect, "redirect"), (violations.time, "too late")];
    let parts =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{} {what}", size::count(*count)));
    out.push_str("\n  ");
    let verb = if violations.total() == 1 { "violates" } else { "violate" };
    page.palette.push(Role::Bad, &format!("{} {verb} the provider's rules", size::count(violations.total())), out);
    let _ = writeln!(out, ": {}", parts.collect::<Vec<_>>().join(", "));
}

fn rate(per_second: f64) -> String {
    if per_second < 99.95 {
        return format!("{per_second:.1}");
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative; a cast saturates")]
    size::count(per_second.round() as u64)
}

/// A share in percent, rounded down: 100 means all.
fn percent(count: u64, of: u64) -> String {
    let hundredths = u128::from(count) * 10_000 / u128::from(of.max(1));
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

#[derive(Serialize)]
struct LoadSummaryLine<'a> {
    kind: &'static str,
    requests: u64,
    elapsed_ms: f64,
    rate: f64,
    outcomes: Counts<&'static str>,
    statuses: Counts<String>,
    reasons: Counts<&'a str>,
    latency_ms: Option<LatencyObject>,
    broke_limit: u64,
    not_started: u64,
}

#[derive(Serialize)]
struct LatencyObject {
    p50: f64,
    p90: f64,
    p99: f64,
    p99_9: f64,
    max: f64,
}

/// An object of counts, in order.
struct Counts<T>(Vec<(T, u64)>);

impl<T: AsRef<str>> Serialize for Counts<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, count) in &self.0 {
            map.serialize_entry(name.as_ref(), count)?;
        }
        map.end()
    }
}

/// Appends the summary as the last line of a run.
pub fn json(summary: &LoadSummary, out: &mut Vec<u8>) {
    line(
        &LoadSummaryLine {
            kind: "summary",
            requests: summary.requests,
            elapsed_ms: millis(summary.elapsed),
            rate: (summary.rate() * 10.0).round() / 10.0,
            outcomes: Counts(OUTCOMES.iter().map(|outcome| (outcome.name(), summary.count(*outcome))).collect()),
            statuses: Counts(summary.statuses.iter().map(|(status, count)| (status.to_string(), *count)).collect()),
            reasons: Counts(summary.reasons.iter().map(|(reason, count)| (reason.as_str(), *count)).collect()),
            latency_ms: summary.latency.as_ref().map(|latency| LatencyObject {
                p50: millis(latency.p50),
                p90: millis(latency.p90),
                p99: millis(latency.p99),
                p99_9: millis(latency.p99_9),
                max: millis(latency.max),
            }),
            broke_limit: summary.violations.total(),
            not_started: summary.not_started,
        },
        out,
    );
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::render::palette::Palette;

    fn summary() -> LoadSummary {
        LoadSummary {
            requests: 12_345,
            elapsed: Duration::from_millis(2500),
            outcomes: [12_340, 4, 1, 0],
            statuses: vec![(200, 12_340), (500, 4)],
            reasons: vec![("500 is not a 2xx\u{1b}[2J".to_owned(), 4), ("no response within 3.0 s".to_owned(), 1)],
            violations: Violations { status: 4, redirect: 0, time: 1 },
            not_started: 2,
            latency: Some(Latency {
                p50: Duration::from_micros(900),
                p90: Duration::from_millis(2),
                p99: Duration::from_millis(12),
                p99_9: Duration::from_millis(40),
                max: Duration::from_millis(3001),
                bars: vec![
                    (Duration::from_millis(1), 12_000),
                    (Duration::from_millis(2), 0),
                    (Duration::from_secs(5), 345),
                ],
            }),
        }
    }

    #[test]
    fn the_table_fits_a_screen() {
        let page = Page {
            palette: Palette::new(false),
            width: Some(80),
            zone: TimeZone::UTC,
            body: None,
            decoded_limit: 0,
            wording: |remedy| format!("{remedy:?}"),
            verbose: false,
        };
        let mut out = String::new();
        table(&page, &summary(), &mut out);
        let expected = "\
12,345 of 12,347 requests in 2.50 s  4,938/s

  accepted          12,340   99.94 %
  refused                4    0.03 %
  timed-out              1    0.00 %
  not started            2  no connection was free in time
  status 200        12,340   99.94 %
  status 500             4    0.03 %

  latency  p50 0.9 ms  p90 2.0 ms  p99 12 ms  p99.9 40 ms  max 3.00 s
      ≤ 1.0 ms  ████████████████████████████████████████████████ 12,000
      ≤ 2.0 ms  0
      ≤ 5.00 s  █▌ 345

  not accepted:
           4  500 is not a 2xx\\u{1b}[2J
           1  no response within 3.0 s

  5 violate the provider's rules: 4 wrong status, 1 too late
";
        assert_eq!(out, expected);
        assert!(out.lines().all(|line| text::width(line) <= 80), "{out}");
    }

    #[test]
    fn the_object_has_these_keys() {
        let mut out = Vec::new();
        json(&LoadSummary { reasons: Vec::new(), ..summary() }, &mut out);
        let expected = "{\"kind\":\"summary\",\"requests\":12345,\"elapsed_ms\":2500.0,\"rate\":4938.0,\
            \"outcomes\":{\"accepted\":12340,\"refused\":4,\"timed-out\":1,\"unreachable\":0},\
            \"statuses\":{\"200\":12340,\"500\":4},\"reasons\":{},\
            \"latency_ms\":{\"p50\":0.9,\"p90\":2.0,\"p99\":12.0,\"p99_9\":40.0,\"max\":3001.0},\
            \"broke_limit\":5,\"not_started\":2}\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn only_all_is_100_percent() {
        assert_eq!(percent(3, 3), "100.00 %");
        assert_eq!(percent(999_999, 1_000_000), "99.99 %");
        assert_eq!(percent(0, 0), "0.00 %");
    }
}
