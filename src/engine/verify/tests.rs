//! Runs over files on disk: what is reported, in which order, and what is counted.

use std::{cell::Cell, collections::BTreeMap, convert::Infallible, fs};

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::webhook::{
    assessment::{Assessment, PayloadCheck},
    keyring::{Keyring, SecretSource},
    provider::catalog::Catalog,
    request::FieldName,
    signature::{SecretFormat, SigningSecret, Verdict},
    time::{Timestamp, Tolerance},
};

/// Cyanite's public development secret.
const SECRET: &str = "hookdev-development-secret-cyanite";

/// Cyanite's `v2.finished`, from its documentation.
const BODY: &str = r#"{"version":"2","resource":{"type":"LibraryTrack","id":"999"},"event":{"type":"AudioAnalysisV6","status":"finished"}}"#;

/// The signature of [`BODY`] under [`SECRET`], computed with Python's `hmac`.
const SIGNATURE: &str = "13a7442bbf01174251ab1d2f5e8d2cc1a19c0063f4886076e48e169059b228671f052a708ba81b848b82380ee97f7a90333e0ac285c6174179d268578caaa276";

/// A line that is a capture of this body under the signature of [`BODY`].
fn capture(body: &str) -> String {
    let headers = [("content-type", "application/json"), ("signature", SIGNATURE)];
    let request = json!({"method": "POST", "target": "/cyanite", "headers": headers, "body": body});
    format!("{}\n", json!({"request": request}))
}

fn good() -> String {
    capture(BODY)
}

fn tampered() -> String {
    capture(&BODY.replace("999", "998"))
}

const UNSIGNED: &str = "POST /cyanite HTTP/1.1\r\n\r\n{\"type\":\"TEST\",\"data\":null}";

fn criteria() -> Criteria {
    let mut keyring = Keyring::default();
    let secret = SigningSecret::parse(SECRET, &SecretFormat::default()).unwrap();
    keyring.add("cyanite", secret, SecretSource::Development);
    Criteria {
        catalog: Arc::new(Catalog::builtin()),
        keyring,
        provider: None,
        accepts_development: true,
        receipt_time: ReceiptTime::Recorded,
        tolerance: None,
        url: None,
        required: Vec::new(),
        quiet: false,
        search: SearchBudget::default(),
    }
}

/// The count of requests that the development secret verified.
fn development(count: usize) -> BTreeMap<String, usize> {
    [("cyanite".to_owned(), count)].into()
}

/// A directory with these files.
fn dir(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (name, content) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    dir
}

/// Records each step as one line, with paths relative to a directory.
struct Recorder<'a> {
    dir: &'a TempDir,
    lines: Vec<String>,
    /// How many steps to record before the run is cancelled.
    limit: Cell<usize>,
}

impl VerifyObserver for Recorder<'_> {
    type Error = Infallible;

    fn is_cancelled(&self) -> bool {
        self.lines.len() == self.limit.get()
    }

    fn report(&mut self, progress: VerifyStep, _: &VerifyTally) -> Result<(), Infallible> {
        let prefix = format!("{}/", self.dir.path().display());
        let line = match progress {
            VerifyStep::Verified { file, entry, line, verification } => {
                let line = line.map(|line| format!(":{line}")).unwrap_or_default();
                let verdict = verification.assessment.verdict.name();
                format!("{}{line} [{entry}] {verdict} {:?}", file.display(), verification.missing)
            }
            VerifyStep::Passed { trust, .. } => format!("passed: {trust:?}"),
            VerifyStep::Unreadable(error) => format!("unreadable: {error}"),
            VerifyStep::Note(note) => format!("note: {note}"),
            VerifyStep::Skipped(skipped) => format!("skipped: {skipped}"),
        };
        self.lines.push(line.replace(&prefix, ""));
        Ok(())
    }
}

fn run_until(limit: usize, criteria: &Criteria, dir: &TempDir, inputs: &[&str]) -> (Vec<String>, VerifyTally) {
    let inputs: Vec<InputSource> = inputs.iter().map(|name| InputSource::Path(dir.path().join(name))).collect();
    let mut recorder = Recorder { dir, lines: Vec::new(), limit: Cell::new(limit) };
    let Ok(tally) = run(criteria, &inputs, &mut recorder);
    (recorder.lines, tally)
}

fn run_over(criteria: &Criteria, dir: &TempDir, inputs: &[&str]) -> (Vec<String>, VerifyTally) {
    run_until(usize::MAX, criteria, dir, inputs)
}

#[test]
fn requests_are_reported_in_order_with_their_lines() {
    let dir = dir(&[("log.ndjson", &[good(), tampered()].concat()), ("test.http", UNSIGNED)]);
    let (lines, tally) = run_over(&criteria(), &dir, &["log.ndjson", "test.http"]);
    let expected = ["log.ndjson:1 [0] verified []", "log.ndjson:2 [1] rejected []", "test.http [0] unsigned []"];
    assert_eq!(lines, expected);
    assert_eq!(
        tally,
        VerifyTally { development: development(1), rejected: 1, unsigned: 1, failed: 1, ..VerifyTally::default() }
    );
}

#[test]
fn an_unreadable_request_keeps_its_number_and_does_not_hide_the_others() {
    let dir = dir(&[("log.ndjson", &[good(), "{\"request\": 7}\n".to_owned(), tampered()].concat())]);
    let (lines, tally) = run_over(&criteria(), &dir, &["log.ndjson", "missing.json"]);
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert_eq!([&lines[0], &lines[2]], ["log.ndjson:1 [0] verified []", "log.ndjson:3 [2] rejected []"]);
    assert!(lines[1].starts_with("unreadable: log.ndjson: line 2"), "{lines:?}");
    assert_eq!(lines[3], "unreadable: can't read missing.json");
    assert_eq!(
        tally,
        VerifyTally { development: development(1), rejected: 1, failed: 1, unreadable: 2, ..VerifyTally::default() }
    );
}

const NO_FORMAT: &str = "skipped: captures/README.md isn't a capture: its content is in no format that hookdev reads; \
                         `hookdev verify --help` lists them";

#[test]
fn a_directory_is_read_by_name_and_other_files_are_skipped() {
    let dir = dir(&[
        ("captures/b/2.json", &tampered()),
        ("captures/a.json", &good()),
        ("captures/b/10.json", &good()),
        ("captures/README.md", "# Captures\n"),
        ("captures/.hidden.json", &tampered()),
    ]);
    let (lines, tally) = run_over(&criteria(), &dir, &["captures"]);
    let expected = [
        "skipped: captures/.hidden.json is hidden",
        NO_FORMAT,
        "captures/a.json:1 [0] verified []",
        "captures/b/10.json:1 [0] verified []",
        "captures/b/2.json:1 [0] rejected []",
    ];
    assert_eq!(lines, expected);
    assert_eq!(
        tally,
        VerifyTally { development: development(2), rejected: 1, failed: 1, skipped: 2, ..VerifyTally::default() }
    );
}

#[test]
fn large_files_are_verified_in_parallel_and_reported_in_order() {
    // Each is several jobs long; the second is found in a directory, after a small one.
    const REQUESTS: usize = 3000;
    let log: String = (0..REQUESTS).map(|at| if at % 1000 == 999 { tampered() } else { good() }).collect();
    let dir = dir(&[("log.ndjson", &log), ("captures/a.json", &good()), ("captures/b.ndjson", &log)]);
    let (lines, tally) = run_over(&criteria(), &dir, &["log.ndjson", "captures"]);
    let of = |file: &str| -> Vec<String> {
        let verdict = |at: usize| if at % 1000 == 999 { "rejected" } else { "verified" };
        (0..REQUESTS).map(|at| format!("{file}:{} [{at}] {} []", at + 1, verdict(at))).collect()
    };
    let expected =
        [of("log.ndjson"), vec!["captures/a.json:1 [0] verified []".to_owned()], of("captures/b.ndjson")].concat();
    assert!(lines == expected, "{} lines", lines.len());
    assert_eq!(tally, VerifyTally { development: development(5995), rejected: 6, failed: 6, ..VerifyTally::default() });
}

#[test]
fn an_input_without_a_request_is_unreadable_unless_it_was_only_found() {
    let dir = dir(&[("captures/README.md", "# Captures\n")]);
    let (lines, tally) = run_over(&criteria(), &dir, &["captures"]);
    assert_eq!(lines, [NO_FORMAT, "unreadable: no captured request in captures"]);
    assert_eq!(tally, VerifyTally { unreadable: 1, skipped: 1, ..VerifyTally::default() });
    let mut recorder = Recorder { dir: &dir, lines: Vec::new(), limit: Cell::new(usize::MAX) };
    let Ok(tally) = run(&criteria(), &[InputSource::Found(dir.path().join("captures/README.md"))], &mut recorder);
    assert_eq!((recorder.lines, tally.total()), (vec![NO_FORMAT.to_owned()], 0));
}

#[test]
fn a_cancelled_run_counts_what_was_reported() {
    let dir = dir(&[("log.ndjson", &good().repeat(2000))]);
    let (lines, tally) = run_until(700, &criteria(), &dir, &["log.ndjson", "log.ndjson"]);
    assert_eq!((lines.len(), tally.development(), tally.total()), (700, 700, 700));
}

#[test]
fn a_quiet_run_reports_no_details_of_passing_requests() {
    let dir = dir(&[("log.ndjson", &[good(), tampered()].concat()), ("test.http", UNSIGNED)]);
    let quiet = Criteria { quiet: true, ..criteria() };
    let (lines, tally) = run_over(&quiet, &dir, &["log.ndjson", "test.http"]);
    assert_eq!(lines, ["passed: Development", "log.ndjson:2 [1] rejected []", "passed: UnsignedByDesign"]);
    assert_eq!(tally, run_over(&criteria(), &dir, &["log.ndjson", "test.http"]).1);
}

#[test]
fn what_is_required_and_missing_is_named() {
    let dir = dir(&[("good.json", &good()), ("test.http", UNSIGNED)]);
    let required = vec![Requirement::Signature, Requirement::Freshness, Requirement::Schema];
    let strict = Criteria { required, ..criteria() };
    let (lines, tally) = run_over(&strict, &dir, &["good.json", "test.http"]);
    let expected = ["good.json:1 [0] verified [Timestamp]", "test.http [0] unsigned [Signature, Timestamp]"];
    assert_eq!(lines, expected);
    assert_eq!(tally, VerifyTally { development: development(1), unsigned: 1, failed: 2, ..VerifyTally::default() });
}

#[test]
fn a_body_is_verified_with_the_given_headers() {
    let dir = dir(&[("body", BODY)]);
    let headers =
        || [("signature", SIGNATURE)].map(|(name, value)| (FieldName::new(name).unwrap(), value.parse().unwrap()));
    let catalog = Catalog::builtin();
    let provider = catalog.get("cyanite").cloned();
    let criteria = Criteria { provider, ..criteria() };
    let mut recorder = Recorder { dir: &dir, lines: Vec::new(), limit: Cell::new(usize::MAX) };
    let inputs = [InputSource::Body(dir.path().join("body"), headers().into_iter().collect())];
    let Ok(tally) = run(&criteria, &inputs, &mut recorder);
    assert_eq!(recorder.lines, ["body [0] verified []"]);
    assert_eq!(tally, VerifyTally { development: development(1), ..VerifyTally::default() });
}

/// The secret and the request of the example in Svix's documentation on manual verification.
const SVIX: (&str, &str) = (
    "whsec_plJ3nmyCDGBKInavdOK15jsl",
    r#"{"request":{"method":"POST","target":"/aspect","headers":[["svix-id","msg_loFOjxBNrRLzqYUf"],["svix-timestamp","1731705121"],["svix-signature","v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="]],"body":"{\"event_type\":\"ping\",\"data\":{\"success\":true}}"}}"#,
);

#[test]
fn timestamps_are_checked_at_the_given_time() {
    let dir = dir(&[("svix.json", SVIX.1)]);
    let format = Catalog::builtin().get("aspect").unwrap().secret.as_ref().unwrap().format.clone();
    let with = |receipt_time, tolerance: Option<u64>| {
        let mut keyring = Keyring::default();
        keyring.add("aspect", SigningSecret::parse(SVIX.0, &format).unwrap(), SecretSource::Flag);
        let tolerance = tolerance.map(|seconds| Tolerance::both(std::time::Duration::from_secs(seconds)));
        let required = vec![Requirement::Freshness];
        let criteria = Criteria { keyring, receipt_time, tolerance, required, ..criteria() };
        run_over(&criteria, &dir, &["svix.json"]).0.remove(0)
    };
    let at = |seconds: i64| ReceiptTime::At(Timestamp::from_unix_seconds(1_731_705_121 + seconds));
    assert_eq!(with(ReceiptTime::Recorded, None), "svix.json:1 [0] verified [ReceiptTime]");
    assert_eq!(with(at(300), None), "svix.json:1 [0] verified []");
    assert_eq!(with(at(301), None), "svix.json:1 [0] rejected [Timestamp]");
    assert_eq!(with(at(301), Some(600)), "svix.json:1 [0] verified []");
    assert_eq!(with(ReceiptTime::Now, None), "svix.json:1 [0] rejected [Timestamp]");
}

/// The warnings about a request that was verified for this provider when it was captured.
fn warnings_of(criteria: &Criteria, verified_for: &str, body: &str) -> Vec<String> {
    let capture = format!("{{\"provider\":\"{verified_for}\",\"verdict\":\"verified\",{}", &capture(body)[1..]);
    let dir = dir(&[("log.ndjson", &capture)]);
    let mut seen = Warnings(Vec::new());
    let Ok(_) = run(criteria, &[InputSource::Path(dir.path().join("log.ndjson"))], &mut seen);
    seen.0
}

struct Warnings(Vec<String>);

impl VerifyObserver for Warnings {
    type Error = Infallible;

    fn report(&mut self, progress: VerifyStep, _: &VerifyTally) -> Result<(), Infallible> {
        let VerifyStep::Verified { verification, .. } = progress else { panic!("{progress:?}") };
        self.0.extend(verification.assessment.warnings.into_iter().map(|warning| warning.message));
        Ok(())
    }
}

#[test]
fn a_capture_that_was_verified_and_is_not_now_says_so() {
    let changed = "it was verified when it was captured: the file or the secret has changed since";
    let tampered = BODY.replace("999", "998");
    let mut keyring = Keyring::default();
    let other = SigningSecret::parse("another", &SecretFormat::default()).unwrap();
    keyring.add("cyanite", other, SecretSource::Flag);
    let rotated = Criteria { keyring, ..criteria() };
    assert_eq!(warnings_of(&criteria(), "cyanite", BODY), [""; 0]);
    assert_eq!(
        warnings_of(&criteria(), "cyanite", &tampered),
        ["only the public development secret was tried", changed]
    );
    assert_eq!(warnings_of(&rotated, "cyanite", &tampered), [changed]);
    assert_eq!(warnings_of(&rotated, "cyanite", "{\"type\":\"TEST\",\"data\":null}"), [changed]);
    // A request that is rejected for another reason may be unchanged.
    let strict = Criteria { accepts_development: false, ..criteria() };
    assert_eq!(warnings_of(&strict, "cyanite", BODY), [""; 0]);
    let misdirected = Criteria { provider: criteria().catalog.get("aspect").cloned(), ..criteria() };
    assert_eq!(warnings_of(&misdirected, "cyanite", BODY), [""; 0]);
}

#[test]
fn the_development_secret_fails_where_it_is_not_accepted() {
    let dir = dir(&[("good.json", &good())]);
    let (lines, tally) = run_over(&Criteria { accepts_development: false, ..criteria() }, &dir, &["good.json"]);
    assert_eq!(lines, ["good.json:1 [0] rejected []"]);
    assert_eq!(tally, VerifyTally { rejected: 1, failed: 1, ..VerifyTally::default() });
}

#[test]
fn an_invalid_payload_fails_although_the_request_is_genuine() {
    let assessment = Assessment {
        verdict: Verdict::Unsigned,
        payload: PayloadCheck::Invalid(Vec::new()),
        ..Assessment::unrecognised(Vec::new())
    };
    assert!(!Verification { assessment, notes: Vec::new(), missing: Vec::new() }.passed());
}

/// How many variants the search for the cause of each rejection has tried.
fn searches(criteria: &Criteria, dir: &TempDir, input: &str) -> Vec<usize> {
    struct Searches(Vec<usize>);
    impl VerifyObserver for Searches {
        type Error = Infallible;

        fn report(&mut self, progress: VerifyStep, _: &VerifyTally) -> Result<(), Infallible> {
            if let VerifyStep::Verified { verification, .. } = progress {
                let message = &verification.assessment.findings[0].message;
                let count = message.split([' ', '(']).find_map(|word| word.parse().ok());
                self.0.push(count.unwrap_or_else(|| panic!("no number in {message}")));
            }
            Ok(())
        }
    }
    let mut searches = Searches(Vec::new());
    let Ok(_) = run(criteria, &[InputSource::Path(dir.path().join(input))], &mut searches);
    searches.0
}

#[test]
fn the_first_rejections_of_a_run_are_searched_longer_however_the_threads_are_scheduled() {
    // About ten of them make a job.
    let large = format!(r#"{{"text":"{}"}}"#, "é".repeat(12 << 10));
    let dir = dir(&[("log.ndjson", &capture(&large).repeat(16))]);
    let criteria = Criteria { search: SearchBudget::new(4 << 20), ..criteria() };
    let counts = searches(&criteria, &dir, "log.ndjson");
    assert_eq!(counts.len(), 16);
    assert!(counts.is_sorted_by(|one, next| one >= next) && counts[0] > counts[15], "{counts:?}");
    assert_eq!(searches(&criteria, &dir, "log.ndjson"), counts);
}
