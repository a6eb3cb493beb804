//! The reports that CI systems read, and verification again at every change.

use serde_json::{Value, json};

use super::{good, tampered};
use crate::harness::{Dir, Finished};

/// The report on a good capture, a rejected one behind another good one, and one that is not there.
#[track_caller]
fn report(format: &str, exit: i32, files: &[&str]) -> Finished {
    let dir = Dir::new();
    dir.write("good.json", good());
    dir.write("log.ndjson", [good(), tampered()].concat());
    let options = ["--secret", "cyanite=hookdev-development-secret-cyanite", "--format", format];
    dir.hookdev().arg("verify").args(files).args(options).exits(exit)
}

#[test]
fn junit_has_a_test_case_for_each_request() {
    let finished = report("junit", 1, &["good.json", "log.ndjson"]).prints(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="hookdev" tests="3" failures="1" errors="0">
    <testsuite name="good.json" tests="1" skipped="0" errors="0" failures="0">
        <testcase name="cyanite.v2.finished" classname="good.json"/>
    </testsuite>
    <testsuite name="log.ndjson" tests="2" skipped="0" errors="0" failures="1">
        <testcase name="cyanite.v2.finished" classname="log.ndjson"/>
        <testcase name="cyanite.v2.finished" classname="log.ndjson">
            <failure message="the signature does not match the body under the one secret" type="no-matching-signature">log.ndjson:2
no-matching-signature: the signature does not match the body under the one secret
unexplained: "#,
    );
    finished.prints("</failure>\n        </testcase>\n    </testsuite>\n</testsuites>\n");
    let unread = report("junit", 3, &["good.json", "missing"]);
    unread.prints("tests=\"2\" failures=\"1\"").says("error: cannot read missing\n");
}

#[test]
fn github_has_an_annotation_for_each_failure() {
    report("github", 0, &["good.json"]).stdout("");
    let finished = report("github", 1, &["good.json", "log.ndjson"]).prints(
        "::error file=log.ndjson,line=2,title=cyanite.v2.finished%3A no-matching-signature::\
         the signature does not match the body under the one secret\n\
         ::error file=log.ndjson,line=2,title=cyanite.v2.finished%3A unexplained::",
    );
    assert_eq!(finished.text().lines().count(), 2);
    report("github", 3, &["missing"]).prints("::error title=").prints("cannot read missing");
}

#[test]
fn sarif_has_a_result_for_each_failure() {
    let run = |exit: i32, files: &[&str]| -> Value {
        let report = report("sarif", exit, files).line();
        assert_eq!((&report["version"], report["runs"].as_array().unwrap().len()), (&json!("2.1.0"), 1));
        assert_eq!(report["runs"][0]["tool"]["driver"]["name"], "hookdev");
        report["runs"][0]["results"].clone()
    };
    assert_eq!(run(0, &["good.json"]), json!([]));
    let results = run(1, &["good.json", "log.ndjson"]);
    assert_eq!(
        results[0],
        json!({
            "ruleId": "no-matching-signature",
            "level": "error",
            "message": {"text": "cyanite.v2.finished: the signature does not match the body under the one secret"},
            "locations": [{"physicalLocation": {
                "artifactLocation": {"uri": "log.ndjson"}, "region": {"startLine": 2},
            }}],
        })
    );
    assert_eq!(
        (results.as_array().unwrap().len(), &results[1]["ruleId"], &results[1]["locations"]),
        (2, &json!("unexplained"), &results[0]["locations"])
    );
    assert_eq!(run(3, &["good.json", "missing"]).as_array().unwrap().len(), 1);
}

#[test]
fn a_report_is_for_verify_alone() {
    let dir = Dir::new();
    for format in ["junit", "github", "sarif"] {
        for command in [&["events"][..], &["send", "cyanite.v2.finished"], &["listen", "--addr", "127.0.0.1:0"]] {
            let finished = dir.hookdev().args(command).args(["--format", format]).exits(2).stdout("");
            finished.says("error: this --format is for `hookdev verify`");
        }
    }
}

#[test]
fn a_change_is_verified_again() {
    let dir = Dir::new();
    dir.write("log.ndjson", good());
    let mut watching = dir.hookdev().args(["verify", "log.ndjson", "--watch"]).begins();
    watching.prints("verified      cyanite.v2.finished  log.ndjson");
    watching.says("note: watching for changes (Ctrl-C ends it)\n");
    dir.write("log.ndjson", [good(), tampered()].concat());
    watching.prints("rejected      cyanite.v2.finished  log.ndjson:2\n");
    watching.says("2 requests: 1 verified, 1 rejected\n");
    dir.replace("log.ndjson", good());
    watching.says("1 request: 1 verified\n");
}
