//! The program against a handler: the findings of `check`, and the outcomes of `send`.

use std::{
    collections::BTreeSet,
    process::{Command, Output},
};

use serde_json::Value;

use super::{PATIENCE, SECRETS, handler::Handler, machine};

/// How often the program is run while a handler is late.
const MOST_RUNS: usize = 5;

/// The output of `check` for a handler.
pub struct Checked {
    cases: Vec<Value>,
    log: String,
}

/// Runs `check` for this provider against the handler; its exit code says whether a case failed.
#[track_caller]
pub fn check(handler: &Handler, provider: &str) -> Checked {
    let output = run_check(&handler.url(), provider);
    checked(&output, provider, log(&output, handler))
}

/// The same against the handler at this URL.
#[cfg(unix)]
#[track_caller]
pub fn check_at(url: &str, provider: &str) -> Checked {
    let output = run_check(url, provider);
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    checked(&output, provider, format!("hookdev:\n{stdout}{stderr}"))
}

/// Runs `check` against a correct handler, however late its responses are on a busy machine.
#[track_caller]
pub fn check_patiently(handler: &Handler, provider: &str) -> Checked {
    let timeout = format!("{}s", PATIENCE.as_secs());
    let arguments = ["check", "--provider", provider, "--to", &handler.url(), "--timeout", &timeout];
    let output = hookdev(&arguments).output().expect("a process");
    checked(&output, provider, log(&output, handler))
}

fn run_check(url: &str, provider: &str) -> Output {
    in_time(&["check", "--provider", provider, "--to", url])
}

/// Runs the program, again if a response came later than the provider waits: any handler may be late on a busy machine.
fn in_time(arguments: &[&str]) -> Output {
    let run = || hookdev(arguments).output().expect("a process");
    let is_late = |output: &Output| {
        let text = String::from_utf8_lossy(&output.stdout);
        [" times out after ", "no response within "].iter().any(|late| text.contains(late))
    };
    let mut output = run();
    for _ in 1..MOST_RUNS {
        if !is_late(&output) {
            break;
        }
        output = run();
    }
    output
}

#[track_caller]
fn checked(output: &Output, provider: &str, log: String) -> Checked {
    let mut lines = lines(output);
    let summary = lines.pop().unwrap_or_else(|| panic!("nothing on standard output\n{log}"));
    assert_eq!(summary["kind"], "summary", "{log}");
    for (outcome, count) in ["passed", "failed", "warned", "skipped"].map(|outcome| (outcome, &summary[outcome])) {
        assert_eq!(*count, lines.iter().filter(|case| case["outcome"] == outcome).count(), "{outcome}\n{log}");
    }
    for case in &lines {
        assert_eq!((&case["kind"], &case["provider"]), (&Value::from("case"), &Value::from(provider)), "{log}");
    }
    assert!(!lines.is_empty(), "no case ran\n{log}");
    assert_eq!(output.status.code(), Some(i32::from(summary["failed"] != 0)), "the exit code\n{log}");
    Checked { cases: lines, log }
}

impl Checked {
    /// Checks that every case passed except these, which were skipped.
    #[track_caller]
    pub fn passes(&self, skipped: &[&str]) {
        assert_eq!(self.names("failed"), BTreeSet::new(), "{}", self.log);
        assert_eq!(self.names("warned"), BTreeSet::new(), "{}", self.log);
        assert_eq!(self.names("skipped"), skipped.iter().copied().collect(), "{}", self.log);
    }

    /// Checks that exactly these cases failed, each with its likely cause.
    #[track_caller]
    pub fn fails(&self, cases: &[&str]) {
        assert_eq!(self.names("failed"), cases.iter().copied().collect(), "{}", self.log);
        for case in self.of("failed") {
            let has = |key: &str| case[key].as_str().is_some_and(|text| !text.is_empty());
            assert!(has("message") && has("hint"), "{case}\n{}", self.log);
        }
    }

    /// Checks that the first valid delivery was not accepted and the remaining cases were skipped.
    #[track_caller]
    pub fn stops_at_the_first_delivery(&self) {
        self.fails(&["event-accepted"]);
        assert_eq!(self.names("passed"), BTreeSet::new(), "{}", self.log);
    }

    /// Checks that a failed case reports this cause.
    #[track_caller]
    pub fn blames(&self, cause: &str) -> &Self {
        let text = |case: &Value, key: &str| case[key].as_str().unwrap_or_default().to_lowercase();
        let names_cause = |case: &&Value| ["message", "hint"].iter().any(|key| text(case, key).contains(cause));
        assert!(self.of("failed").any(|case| names_cause(&case)), "no case names the cause: {cause}\n{}", self.log);
        self
    }

    /// Checks that the hint of a failed case has these words.
    #[cfg(unix)]
    #[track_caller]
    pub fn advises(&self, case: &str, words: &str) {
        let failed = self.of("failed").find(|failed| failed["case"] == case).expect("a failed case");
        let hint = failed["hint"].as_str().unwrap_or_default();
        assert!(hint.contains(words), "the hint of {case} lacks `{words}`: {hint}\n{}", self.log);
    }

    fn of(&self, outcome: &str) -> impl Iterator<Item = &Value> {
        self.cases.iter().filter(move |case| case["outcome"] == outcome)
    }

    fn names(&self, outcome: &str) -> BTreeSet<&str> {
        self.of(outcome).map(|case| case["case"].as_str().expect("a name")).collect()
    }
}

/// Sends each event of a provider and checks that each is accepted at the first attempt.
#[track_caller]
pub fn send_all(handler: &Handler, provider: &str) {
    let output = in_time(&["send", &format!("{provider}.*"), "--to", &handler.url()]);
    let log = log(&output, handler);
    assert_eq!(output.status.code(), Some(0), "the exit code\n{log}");
    let attempts = lines(&output);
    assert!(!attempts.is_empty(), "it sent nothing\n{log}");
    for attempt in attempts {
        assert_eq!((&attempt["outcome"], &attempt["attempt"]), (&"accepted".into(), &1.into()), "{log}");
    }
}

/// The program with the handlers' secrets, and no config.
pub fn hookdev(arguments: &[&str]) -> Command {
    let mut command = machine::hookdev();
    command.args(arguments).args(["--format", "json", "--no-config"]).envs(SECRETS);
    command
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// The whole output, for the message of a failed test.
fn log(output: &Output, handler: &Handler) -> String {
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("hookdev:\n{stdout}{stderr}\nthe handler:\n{}", handler.errors())
}
