//! The reports that CI systems read.

use serde_json::{Value, json};

use crate::harness::{CYANITE, CYANITE_HEADERS, Dir, Finished, Signed, capture};

/// A capture without its signature.
fn unsigned() -> String {
    let mut capture = capture(&CYANITE_HEADERS, CYANITE);
    capture["request"]["headers"].as_array_mut().unwrap().pop();
    format!("{capture}\n")
}

/// The report on a passing capture and on a log of a passing and a rejected one.
#[track_caller]
fn report(format: &str, exit: i32, files: &[&str]) -> Finished {
    let dir = Dir::new();
    let signed = Signed::new(&dir, "cyanite.v2.finished", &["--secret", "mine"]);
    let good = format!("{}\n", capture(&signed.headers(), &signed.body));
    dir.write("good.json", &good);
    dir.write("log.ndjson", [good, unsigned()].concat());
    dir.hookdev().arg("verify").args(files).args(["--format", format, "--secret", "cyanite=mine"]).exits(exit)
}

#[test]
fn junit_has_a_test_case_per_request() {
    report("junit", 1, &["good.json", "log.ndjson"]).stdout(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="hookdev" tests="3" failures="1" errors="0">
    <testsuite name="good.json" tests="1" skipped="0" errors="0" failures="0">
        <testcase name="cyanite.v2.finished" classname="good.json"/>
    </testsuite>
    <testsuite name="log.ndjson" tests="2" skipped="0" errors="0" failures="1">
        <testcase name="cyanite.v2.finished" classname="log.ndjson"/>
        <testcase name="cyanite.v2.finished" classname="log.ndjson">
            <failure message="missing header `signature`" type="missing-header">log.ndjson:2
missing-header: missing header `signature`</failure>
        </testcase>
    </testsuite>
</testsuites>
"#,
    );
    let unread = report("junit", 3, &["good.json", "missing"]);
    unread.prints("tests=\"2\" failures=\"1\"").says("error: can't read missing\n");
}

#[test]
fn github_has_an_annotation_per_failure() {
    report("github", 0, &["good.json"]).stdout("");
    report("github", 1, &["good.json", "log.ndjson"]).stdout(
        "::error file=log.ndjson,line=2,title=cyanite.v2.finished%3A missing-header::\
         missing header `signature`\n",
    );
    report("github", 3, &["missing"]).prints("::error file=missing,title=input%3A unreadable::can't read missing");
}

#[test]
fn sarif_has_a_result_per_failure() {
    let run = |exit: i32, files: &[&str]| -> Value {
        let report = report("sarif", exit, files).line();
        assert_eq!((&report["version"], report["runs"].as_array().unwrap().len()), (&json!("2.1.0"), 1));
        assert_eq!(report["runs"][0]["tool"]["driver"]["name"], "hookdev");
        report["runs"][0]["results"].clone()
    };
    assert_eq!(run(0, &["good.json"]), json!([]));
    assert_eq!(
        run(1, &["good.json", "log.ndjson"]),
        json!([{
            "ruleId": "missing-header",
            "level": "error",
            "message": {"text": "cyanite.v2.finished: missing header `signature`"},
            "locations": [{"physicalLocation": {
                "artifactLocation": {"uri": "log.ndjson"}, "region": {"startLine": 2},
            }}],
        }])
    );
    let unread = run(3, &["good.json", "missing"]);
    assert_eq!(unread.as_array().unwrap().len(), 1);
    assert_eq!(unread[0]["locations"], json!([{"physicalLocation": {"artifactLocation": {"uri": "missing"}}}]));
}

#[test]
fn an_unreadable_request_has_its_file_and_line() {
    let dir = Dir::new();
    dir.write("log.ndjson", format!("{}{{\"hookdev\":1,\"request\":7}}\n", unsigned()));
    let report = |format| dir.hookdev().args(["verify", "log.ndjson", "--format", format]).exits(3);
    report("github").prints("::error file=log.ndjson,line=2,title=input%3A unreadable::log.ndjson: line 2");
    let results = report("sarif").line()["runs"][0]["results"].clone();
    assert_eq!(
        results[1]["locations"],
        json!([{"physicalLocation": {"artifactLocation": {"uri": "log.ndjson"}, "region": {"startLine": 2}}}])
    );
}

#[test]
fn only_verify_and_check_have_reports() {
    let dir = Dir::new();
    for format in ["junit", "github", "sarif"] {
        for command in [&["events"][..], &["send", "cyanite.v2.finished"], &["listen", "--addr", "127.0.0.1:0"]] {
            let finished = dir.hookdev().args(command).args(["--format", format]).exits(2).stdout("");
            finished.says(&format!(
                "error: invalid value '{format}' for '--format <FORMAT>'\n  [possible values: pretty, json]\n"
            ));
        }
        dir.hookdev()
            .args(["--format", format, "events"])
            .exits(2)
            .stdout("")
            .stderr("error: only `hookdev verify` and `hookdev check` support this --format; use pretty or json\n");
    }
}
