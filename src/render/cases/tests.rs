//! The table's columns, the lines below a failure, and grouped cases.

use jiff::tz::TimeZone;

use super::*;
use crate::{
    render::palette::Palette,
    webhook::{provider::catalog::Catalog, response::Excerpt},
};

fn plain(remedy: &Remedy) -> String {
    match remedy {
        Remedy::Advice(text) => text.clone().into_owned(),
        other => panic!("not advice: {other:?}"),
    }
}

fn table(width: Option<usize>) -> CaseTable {
    let page = Page {
        palette: Palette::new(false),
        width,
        zone: TimeZone::UTC,
        body: None,
        decoded_limit: 0,
        wording: plain,
        verbose: false,
    };
    CaseTable::new(page, false)
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
    CaseOutcome::Failed(problem(message, hint))
}

fn problem(message: &str, hint: &str) -> CaseProblem {
    CaseProblem { message: message.into(), remedy: Some(Remedy::Advice(hint.to_owned().into())), response: None }
}

/// The lines for these cases on a screen of this width.
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
fn columns_are_abbreviated_on_a_narrow_screen() {
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
        "✓ event-accepted  v1.analysis.finished InDepthAnalysis  200       200   0.4 ms",
        "✓ body-tampered   body changed after signing            200       200   0.4 ms",
    ];
    assert_eq!(at(Some(80)), without_limit);
    let cut = [
        "✓ event-accepted  v1.analysis.finished…  200       200   0.4 ms",
        "✓ body-tampered   body changed after s…  200       200   0.4 ms",
    ];
    assert_eq!(at(Some(64)), cut);
}

#[test]
fn failures_are_explained_below_and_a_hint_is_shown_once() {
    let says = ["oh no \u{7}", "on a line that is longer than the screen"];
    let with_response = CaseOutcome::Failed(CaseProblem {
        response: Some(Excerpt::Text(says.map(str::to_owned).into())),
        ..problem("accepted \u{1b}[31m", "verify it")
    });
    let records = [
        record(CaseName::SecretWrong, "made", "", with_response),
        record(CaseName::SignatureMissing, "made", "", failed("also accepted", "verify it")),
    ];
    let lines = shown(Some(40), &records);
    let explained: Vec<&String> = lines.iter().filter(|line| line.starts_with("  ")).skip(1).collect();
    let expected = [
        r"  accepted \u{1b}[31m",
        r"  response: oh no \u{7}",
        "    on a line that is longer than the s…",
        "  hint: verify it",
        "  also accepted",
        "  hint: same as above",
    ];
    assert_eq!(explained, expected);
}

#[test]
fn failures_of_one_case_with_the_same_cause_are_one_row() {
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

    let other = accepted("lost", "", failed("crashed", "fix it"));
    let part = [&whole[..], &[accepted("kept", "type=A", refused("type=A")), other]].concat();
    let rows = [
        "✓ event-accepted  kept          200 within 3 s  200   0.4 ms",
        "✗ event-accepted  ×3            200 within 3 s  200   40 ms",
        "  sent: made ×2, kept A",
        "  refused",
        "  hint: take it",
        "✗ event-accepted  lost          200 within 3 s  200   0.4 ms",
        "  crashed",
        "  hint: fix it",
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
        "  hint: same as above",
    ];
    assert_eq!(shown(None, &all)[1..], rows);
}

#[test]
fn cases_skipped_for_the_same_reason_are_grouped() {
    let skip = |name, why: &str| record(name, "made", "", CaseOutcome::Skipped(why.into()));
    let two = [skip(CaseName::TimestampStale, "no time"), skip(CaseName::TimestampFuture, "no time")];
    assert_eq!(shown(None, &two)[1..], ["- timestamp-stale, timestamp-future skipped  no time"]);
    let many = CaseName::ALL.map(|name| skip(name, "the handler stopped"));
    assert_eq!(shown(None, &many)[1..], ["- 28 cases skipped  the handler stopped"]);
}

#[test]
fn a_warning_has_its_own_mark() {
    let warned = record(CaseName::HeaderCase, "made", "", CaseOutcome::Warned(problem("rejected", "look it up")));
    let rows = ["! header-case  made  200 within 3 s  200   0.4 ms", "  rejected", "  hint: look it up"];
    assert_eq!(shown(None, &[warned])[1..], rows);
}
