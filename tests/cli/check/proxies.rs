//! Handlers that fail on what only a proxy changes, which is a warning.

use super::{
    Handler, Reply, Report, check,
    handler::{aspect, cyanite},
};
use crate::harness::{Dir, Message, text};

/// Asserts that exactly this case has a warning, with this text in its hint, and that the run passes.
#[track_caller]
fn warns(handler: &Handler, path: &str, case: &str, hint: &str) -> Report {
    let finished = check(&Dir::new(), &handler.url(path)).exits(0);
    let report = Report::of(&finished);
    assert_eq!((report.failed(), report.warned()), (vec![], vec![case]), "{finished}");
    assert!(text(report.case(case), "/hint").contains(hint), "{finished}");
    report
}

#[test]
fn one_that_takes_a_body_without_a_length_for_an_empty_one_gets_a_warning() {
    let handler = Handler::new(|message| {
        let body = if message.header("content-length").is_some() { message.body.clone() } else { Vec::new() };
        Reply::Status(cyanite(&Message { body, ..message.clone() }))
    });
    let report = warns(&handler, "/cyanite", "body-chunked", "read the body to its end");
    let message = "Cyanite counts 401 as failed; it expects exactly 200";
    assert_eq!(text(report.case("body-chunked"), "/message"), message);
}

#[test]
fn one_that_finds_its_header_in_lower_case_only_gets_a_warning() {
    let handler = Handler::new(|message| {
        let lower = message.spelled.iter().any(|name| name == "svix-signature");
        Reply::Status(if lower { aspect(message) } else { 401 })
    });
    warns(&handler, "/aspect", "header-case", "look up headers case-insensitively");
}

#[test]
fn one_that_finds_its_header_capitalised_only_accepts_nothing() {
    let handler = Handler::new(|message| {
        let capitalised = message.spelled.iter().any(|name| name == "Svix-Signature");
        Reply::Status(if capitalised { aspect(message) } else { 401 })
    });
    let finished = check(&Dir::new(), &handler.url("/aspect")).exits(1);
    let report = Report::of(&finished);
    assert_eq!(report.failed(), ["event-accepted"]);
    let hint = text(report.event("aspect.task.progress"), "/hint");
    assert!(hint.starts_with("the handler accepts the same delivery with capitalised header names"), "{hint}");
}

#[test]
fn a_warning_is_shown_and_reported_without_failing() {
    let dir = Dir::new();
    let handler = Handler::new(|message| {
        Reply::Status(if message.header("content-length").is_some() { cyanite(message) } else { 400 })
    });
    let args = ["check", "--to", &handler.url("/cyanite"), "--case", "body-chunked"];
    let finished = dir.hookdev().args(args).exits(0);
    finished.prints("\n! body-chunked").says("1 case: 0 passed, 0 failed, 1 warned, 0 skipped\n");
    dir.hookdev().args(args).args(["--format", "github"]).exits(0).prints("::warning ");
}
