//! The lines of `check`: one for each case, and the summary.

use serde::Serialize;

use super::{line, millis};
use crate::webhook::{
    contract::{CaseOutcome, CaseRecord, CaseTally},
    remedy::Wording,
};

#[derive(Serialize)]
struct CaseLine<'a> {
    kind: &'static str,
    provider: &'a str,
    case: &'static str,
    event: &'a str,
    outcome: &'static str,
    expected: &'a str,
    status: Option<u16>,
    elapsed_ms: Option<f64>,
    message: Option<&'a str>,
    hint: Option<String>,
}

/// Appends the line of a case that ran or was skipped.
pub fn case(record: &CaseRecord, wording: Wording, out: &mut Vec<u8>) {
    let (message, hint) = match &record.outcome {
        CaseOutcome::Passed => (None, None),
        CaseOutcome::Failed(problem) | CaseOutcome::Warned(problem) => {
            (Some(problem.message.as_str()), problem.remedy.as_ref().map(wording))
        }
        CaseOutcome::Skipped(why) => (Some(why.as_str()), None),
    };
    line(
        &CaseLine {
            kind: "case",
            provider: &record.provider,
            case: record.name.as_str(),
            event: &record.event,
            outcome: record.outcome.name(),
            expected: &record.expected,
            status: record.status,
            elapsed_ms: record.elapsed.map(millis),
            message,
            hint,
        },
        out,
    );
}

#[derive(Serialize)]
struct CheckSummaryLine {
    kind: &'static str,
    passed: usize,
    failed: usize,
    warned: usize,
    skipped: usize,
}

/// Appends the line with the number of cases by outcome.
pub fn case_summary(tally: CaseTally, out: &mut Vec<u8>) {
    let CaseTally { passed, failed, warned, skipped } = tally;
    line(&CheckSummaryLine { kind: "summary", passed, failed, warned, skipped }, out);
}

#[derive(Serialize)]
struct ListedCaseLine<'a> {
    kind: &'static str,
    provider: &'a str,
    case: &'static str,
    event: &'a str,
    sends: &'a str,
    expected: &'a str,
    genuine: bool,
    skipped: Option<&'a str>,
}

/// Appends the line of a case that is only listed.
pub fn listed_case(record: &CaseRecord, genuine: bool, out: &mut Vec<u8>) {
    let skipped = match &record.outcome {
        CaseOutcome::Skipped(why) => Some(why.as_str()),
        _ => None,
    };
    line(
        &ListedCaseLine {
            kind: "case",
            provider: &record.provider,
            case: record.name.as_str(),
            event: &record.event,
            sends: &record.sends,
            expected: &record.expected,
            genuine,
            skipped,
        },
        out,
    );
}
