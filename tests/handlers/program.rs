//! The program against a handler: what `check` finds, and whether `send` is content.

use std::{
    collections::BTreeSet,
    process::{Command, Output},
};

use serde_json::Value;

use super::{SECRETS, handler::Handler, machine};

/// What `check` said of a handler.
pub struct Checked {
    cases: Vec<Value>,
    said: String,
}

/// Runs `check` for this provider against the handler; its exit code says whether a case failed.
#[track_caller]
pub fn check(handler: &Handler, provider: &str) -> Checked {
    let output = hookdev(&["check", "--provider", provider, "--to", &handler.url()]).output().expect("a process");
    let said = said(&output, handler);
    let mut lines = lines(&output);
    let summary = lines.pop().unwrap_or_else(|| panic!("it said nothing on standard output\n{said}"));
    assert_eq!(summary["kind"], "summary", "{said}");
    for (outcome, count) in ["passed", "failed", "skipped"].map(|outcome| (outcome, &summary[outcome])) {
        assert_eq!(*count, lines.iter().filter(|case| case["outcome"] == outcome).count(), "{outcome}\n{said}");
    }
    for case in &lines {
        assert_eq!((&case["kind"], &case["provider"]), (&Value::from("case"), &Value::from(provider)), "{said}");
    }
    assert!(!lines.is_empty(), "it tried nothing\n{said}");
    assert_eq!(output.status.code(), Some(i32::from(summary["failed"] != 0)), "the exit code\n{said}");
    Checked { cases: lines, said }
}

impl Checked {
    /// Checks that every case passed but these, which were not tried.
    #[track_caller]
    pub fn passes(&self, skipped: &[&str]) {
        assert_eq!(self.names("failed"), BTreeSet::new(), "{}", self.said);
        assert_eq!(self.names("skipped"), skipped.iter().copied().collect(), "{}", self.said);
    }

    /// Checks that these cases failed and no others, and that each was told with its likely cause.
    #[track_caller]
    pub fn fails(&self, cases: &[&str]) {
        assert_eq!(self.names("failed"), cases.iter().copied().collect(), "{}", self.said);
        for case in self.of("failed") {
            let tells = |key: &str| case[key].as_str().is_some_and(|text| !text.is_empty());
            assert!(tells("message") && tells("hint"), "{case}\n{}", self.said);
        }
    }

    /// Checks that it stopped at the first good delivery, which was not accepted: the rest was not tried.
    #[track_caller]
    pub fn stops_at_the_first_delivery(&self) {
        self.fails(&["event-accepted"]);
        assert_eq!(self.names("passed"), BTreeSet::new(), "{}", self.said);
    }

    /// Checks that a failed case says this of its cause.
    #[track_caller]
    pub fn blames(&self, cause: &str) -> &Self {
        let text = |case: &Value, key: &str| case[key].as_str().unwrap_or_default().to_lowercase();
        let told = |case: &&Value| ["message", "hint"].iter().any(|key| text(case, key).contains(cause));
        assert!(self.of("failed").any(|case| told(&case)), "nothing blames: {cause}\n{}", self.said);
        self
    }

    fn of(&self, outcome: &str) -> impl Iterator<Item = &Value> {
        self.cases.iter().filter(move |case| case["outcome"] == outcome)
    }

    fn names(&self, outcome: &str) -> BTreeSet<&str> {
        self.of(outcome).map(|case| case["case"].as_str().expect("a name")).collect()
    }
}

/// Sends each event of a provider and wants each to be accepted at once.
#[track_caller]
pub fn send_all(handler: &Handler, provider: &str) {
    let output = hookdev(&["send", &format!("{provider}.*"), "--to", &handler.url()]).output().expect("a process");
    let said = said(&output, handler);
    assert_eq!(output.status.code(), Some(0), "the exit code\n{said}");
    let attempts = lines(&output);
    assert!(!attempts.is_empty(), "it sent nothing\n{said}");
    for attempt in attempts {
        assert_eq!((&attempt["outcome"], &attempt["attempt"]), (&"accepted".into(), &1.into()), "{said}");
    }
}

/// The program with the secrets that the handlers have, and no config.
pub fn hookdev(arguments: &[&str]) -> Command {
    let mut command = machine::hookdev();
    command.args(arguments).args(["--format", "json", "--no-config"]).envs(SECRETS);
    command
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// All that was said, for whoever reads why a test failed.
fn said(output: &Output, handler: &Handler) -> String {
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("hookdev:\n{stdout}{stderr}\nthe handler:\n{}", handler.errors())
}
