//! `hookdev check`, against handlers with one fault each.

mod along;
mod choice;
mod deviations;
mod ends;
mod faults;
mod handler;
mod output;
mod own;
mod proxies;
mod values;

use serde_json::Value;

use crate::harness::{Dir, Finished, TestCommand, text};
pub use handler::{Handler, Reply};

/// Cyanite's development secret.
pub const CYANITE_SECRET: &[u8] = b"hookdev-development-secret-cyanite";

/// Aspect's development secret.
pub const ASPECT_SECRET: &str = "whsec_aG9va2Rldi1kZXZlbG9wbWVudC1zZWNyZXQtYXNwY3Q=";

/// `check` of a handler, with JSON output.
pub fn check(dir: &Dir, url: &str) -> TestCommand {
    dir.hookdev().args(["check", "--to", url, "--json"])
}

/// The output of a run.
pub struct Report {
    cases: Vec<Value>,
    summary: Value,
}

impl Report {
    #[track_caller]
    pub fn of(finished: &Finished) -> Self {
        let mut cases = finished.lines();
        let summary = cases.pop().expect("a summary");
        assert_eq!(text(&summary, "/kind"), "summary", "{finished}");
        assert!(cases.iter().all(|case| case["kind"] == "case"), "{finished}");
        let count = |outcome| cases.iter().filter(|case| case["outcome"] == outcome).count();
        for outcome in ["passed", "failed", "warned", "skipped"] {
            assert_eq!(summary[outcome], count(outcome), "{outcome}: {finished}");
        }
        Self { cases, summary }
    }

    fn named(&self, outcome: &str) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.cases.iter().filter(|case| case["outcome"] == outcome).map(|case| text(case, "/case")).collect();
        names.dedup();
        names
    }

    /// The names of the failed cases in order, without repetition.
    pub fn failed(&self) -> Vec<&str> {
        self.named("failed")
    }

    /// The names of the skipped cases in order, without repetition.
    pub fn skipped(&self) -> Vec<&str> {
        self.named("skipped")
    }

    /// The names of the cases with a warning in order, without repetition.
    pub fn warned(&self) -> Vec<&str> {
        self.named("warned")
    }

    /// The number of cases that passed.
    pub fn passed(&self) -> u64 {
        self.summary["passed"].as_u64().unwrap()
    }

    /// The only line of a case with this name.
    #[track_caller]
    pub fn case(&self, name: &str) -> &Value {
        let mut found = self.cases.iter().filter(|case| case["case"] == name);
        let case = found.next().unwrap_or_else(|| panic!("no case {name}"));
        assert!(found.next().is_none(), "several cases {name}");
        case
    }

    /// The line of a plain event.
    #[track_caller]
    pub fn event(&self, event: &str) -> &Value {
        let is = |case: &&Value| case["case"] == "event-accepted" && case["event"] == event;
        self.cases.iter().find(is).unwrap_or_else(|| panic!("no event {event}"))
    }
}

/// Asserts that exactly these cases fail, each with this text in its hint.
#[track_caller]
pub fn fails(handler: &Handler, path: &str, expected: &[&str], hint: &str) -> Report {
    let dir = Dir::new();
    let finished = check(&dir, &handler.url(path)).exits(1);
    let report = Report::of(&finished);
    assert_eq!(report.failed(), expected, "{finished}");
    for case in report.cases.iter().filter(|case| case["outcome"] == "failed") {
        assert!(text(case, "/hint").contains(hint), "the hint of {case} lacks `{hint}`");
    }
    report
}
