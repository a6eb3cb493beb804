//! The table as it reads: its columns, what stands below a failure, and what is told together.

use jiff::tz::TimeZone;

use super::*;
use crate::{render::palette::Palette, webhook::provider::catalog::Catalog};

fn plain(remedy: &Remedy) -> String {
    match remedy {
        Remedy::Advice(text) => text.clone().into_owned(),
        other => panic!("no advice: {other:?}"),
    }
}

fn table(width: Option<usize>) -> Table {
    let page =
        Page { palette: Palette::new(false), width, zone: TimeZone::UTC, body: None, decoded_limit: 0, wording: plain };
    Table::new(page, false)
}

fn record(name: CaseName, event: &str, sends: &str, outcome: CaseOutcome) -> CaseRecord {
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

fn failed(message: &str, hint: &str) -> CaseOutcome {
    CaseOutcome::Failed {
        message: message.into(),
        remedy: Some(Remedy::Advice(hint.to_owned().into())),
        response: None,
    }
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
        record(CaseName::EventAccepted, "v1.analysis.finished", "event.type=InDepthAnalysis", CaseOutcome::Passed),
        record(CaseName::BodyTampered, "v1.analysis.finished", "body changed after signing", CaseOutcome::Passed),
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
    let answered = CaseOutcome::Failed {
        message: "taken \u{1b}[31m".into(),
        remedy: Some(Remedy::advice("verify it")),
        response: Some(Excerpt::Text(says.map(str::to_owned).into())),
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
fn failures_of_one_case_with_one_cause_are_one_row_that_says_which_they_are() {
    let accepted = |event, sends: &str, outcome| record(CaseName::EventAccepted, event, sends, outcome);
    let refused = |sends: &str| match sends {
        "" => failed("refused", "take it"),
        sends => failed(&format!("{sends}: refused"), "take it"),
    };
    let late = |millis, record| CaseRecord { elapsed: Some(Duration::from_millis(millis)), ..record };
    let whole = [
        late(2, accepted("made", "", refused(""))),
        accepted("kept", "", CaseOutcome::Passed),
        late(40, accepted("made", "type=A", refused("type=A"))),
    ];
    let rows = [
        "✓ event-accepted  kept          200 within 3 s  200   0.4 ms",
        "✗ event-accepted  ×2: made      200 within 3 s  200   40 ms",
        "  refused",
        "  hint: take it",
    ];
    assert_eq!(shown(None, &whole)[1..], rows);

    let other = accepted("lost", "", failed("crashed", "mend it"));
    let part = [&whole[..], &[accepted("kept", "type=A", refused("type=A")), other]].concat();
    let rows = [
        "✓ event-accepted  kept          200 within 3 s  200   0.4 ms",
        "✗ event-accepted  ×3            200 within 3 s  200   40 ms",
        "  sent: made ×2, kept A",
        "  refused",
        "  hint: take it",
        "✗ event-accepted  lost          200 within 3 s  200   0.4 ms",
        "  crashed",
        "  hint: mend it",
    ];
    assert_eq!(shown(None, &part)[1..], rows);

    let all = [whole[0].clone(), accepted("kept", "", refused("")), record(CaseName::Burst, "made", "", refused(""))];
    let rows = [
        "✗ event-accepted  ×2    200 within 3 s  200   2.0 ms",
        "  sent: all events",
        "  refused",
        "  hint: take it",
        "✗ burst           made  200 within 3 s  200   0.4 ms",
        "  refused",
        "  hint: the same as above",
    ];
    assert_eq!(shown(None, &all)[1..], rows);
}

#[test]
fn cases_that_are_left_out_for_one_reason_are_told_together() {
    let skip = |name, why: &str| record(name, "made", "", CaseOutcome::Skipped(why.into()));
    let two = [skip(CaseName::TimestampStale, "no time"), skip(CaseName::TimestampFuture, "no time")];
    assert_eq!(shown(None, &two)[1..], ["- timestamp-stale, timestamp-future skipped  no time"]);
    let many = CaseName::ALL.map(|name| skip(name, "it is gone"));
    assert_eq!(shown(None, &many)[1..], ["- 18 cases skipped  it is gone"]);
}
