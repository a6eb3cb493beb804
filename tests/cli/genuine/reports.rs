//! `verify` says in every format that a request was verified with the public development secret, that only that one was
//! tried, and that a capture was verified when it arrived.

use serde_json::{Value, json};

use super::{capture, development_warning};
use crate::harness::{CYANITE, CYANITE_HEADERS, Dir, Finished, Signed, text};

const DEVELOPMENT: &str = "verified with the public development secret, with which anyone can sign; \
     set CYANITE_WEBHOOK_SECRET or add --secret cyanite=… to use Cyanite's own secret";

const ONLY_DEVELOPMENT: &str = "only the public development secret was tried; set CYANITE_WEBHOOK_SECRET or add --secret cyanite=… to use Cyanite's own secret";

const CHANGED: &str = "it was verified when it was captured: the file or the secret has changed since";

const UNEXPLAINED: &str = "most likely a different secret or a changed body; compare the secret with the one in the provider's dashboard (each endpoint, test mode and the provider's own CLI may have another), and make sure that the body is the raw one, not parsed, reformatted or copied from a log";

/// Verifies one capture that the development secret signed.
fn signed_by_anyone(format: &str, exit: i32, options: &[&str]) -> Finished {
    let dir = Dir::new();
    dir.write("one.json", capture(&CYANITE_HEADERS, CYANITE).to_string());
    dir.hookdev().args(["verify", "one.json", "--format", format]).args(options).exits(exit)
}

/// Verifies a capture that `listen` verified and that was changed then.
fn changed(format: &str) -> Finished {
    let dir = Dir::new();
    let mut listener = dir.listen().args(["--capture", "log.ndjson"]).starts();
    listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    listener.killed();
    dir.write("log.ndjson", dir.read("log.ndjson").replace("999", "998"));
    dir.hookdev().args(["verify", "log.ndjson", "--format", format]).exits(1)
}

/// Text without the number of variants, which changes with each new explanation.
fn without_count(text: &str) -> String {
    let (before, rest) = text.split_once("cause not found (").expect("unexplained");
    let (count, after) = rest.split_once(" variants tried): ").expect("a count");
    assert!(count.parse::<u32>().is_ok_and(|count| count > 100), "{count}");
    format!("{before}cause not found: {after}")
}

#[test]
fn people_read_it_in_the_verdict() {
    let finished = signed_by_anyone("pretty", 0, &[]);
    let finished = finished.stdout("verified (development)  cyanite.v2.finished  one.json\n");
    finished.stderr(&format!("{}1 request: 1 verified (development)\n", development_warning(1)));
    signed_by_anyone("pretty", 0, &["--quiet"]).stdout("").stderr(&development_warning(1));
    // Colours differ, too.
    let coloured = signed_by_anyone("pretty", 0, &["--color", "always"]);
    coloured.prints("\u{1b}[1;33mverified (development)\u{1b}[0m");
    let dir = Dir::new();
    let mine = Signed::new(&dir, "cyanite.v2.finished", &["--secret", "mine"]);
    dir.write("mine.json", capture(&mine.headers(), &mine.body).to_string());
    let verify = ["verify", "mine.json", "--secret", "cyanite=mine", "--color", "always"];
    dir.hookdev().args(verify).exits(0).prints("\u{1b}[1;32mverified    \u{1b}[0m");
}

#[test]
fn programs_read_it_in_the_secret() {
    let finished = signed_by_anyone("json", 0, &[]);
    let line = finished.line();
    assert_eq!((text(&line, "/verdict"), text(&line, "/secret")), ("verified", "development"));
    finished.stderr(&format!("{}1 request: 1 verified (development)\n", development_warning(1)));
    signed_by_anyone("json", 0, &["--quiet"]).stdout("").stderr(&development_warning(1));
}

#[test]
fn reports_have_a_warning_about_the_development_secret() {
    let summary = format!("{}1 request: 1 verified (development)\n", development_warning(1));
    let github =
        format!("::warning file=one.json,line=1,title=cyanite.v2.finished%3A secret-development::{DEVELOPMENT}\n");
    signed_by_anyone("github", 0, &[]).stdout(&github).stderr(&summary);
    signed_by_anyone("github", 0, &["--quiet"]).stdout(&github).stderr(&development_warning(1));

    let junit = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="hookdev" tests="1" failures="0" errors="0">
    <testsuite name="one.json" tests="1" skipped="0" errors="0" failures="0">
        <testcase name="cyanite.v2.finished" classname="one.json">
            <system-out>warning: {}</system-out>
        </testcase>
    </testsuite>
</testsuites>
"#,
        DEVELOPMENT.replace('\'', "&apos;")
    );
    signed_by_anyone("junit", 0, &[]).stdout(&junit).stderr(&summary);

    let finished = signed_by_anyone("sarif", 0, &[]);
    assert_eq!(finished.line()["runs"][0]["results"], json!([result("secret-development", "warning", DEVELOPMENT)]));
    finished.stderr(&summary);
}

#[test]
fn a_required_signature_is_one_that_only_the_provider_can_make() {
    let required = ["--require", "signature"];
    let pretty = "rejected      cyanite.v2.finished  one.json\n  \
        no-matching-signature: the signature matches only the public development secret, with which anyone can sign\n  \
        secret-development: only the public development secret was tried\n  \
        hint: set CYANITE_WEBHOOK_SECRET or add --secret cyanite=… to use Cyanite's own secret\n  \
        required: a valid signature\n";
    signed_by_anyone("pretty", 1, &required).stdout(pretty).stderr("1 request: 1 rejected\n");
    signed_by_anyone("github", 1, &["--require", "signature", "--quiet"])
        .stdout(
            "::error file=one.json,line=1,title=cyanite.v2.finished%3A no-matching-signature::\
             the signature matches only the public development secret, with which anyone can sign%0A\
             secret-development: only the public development secret was tried; \
             set CYANITE_WEBHOOK_SECRET or add --secret cyanite=… to use Cyanite's own secret%0A\
             required: missing: a valid signature\n",
        )
        .stderr("");
    let line = signed_by_anyone("json", 1, &required).line();
    assert_eq!((text(&line, "/verdict"), &line["secret"]), ("rejected", &Value::Null));
    let allowed = [&required[..], &["--allow-development"]].concat();
    signed_by_anyone("github", 0, &allowed).prints("%3A secret-development::").says(&development_warning(1));
}

#[test]
fn a_capture_that_was_verified_when_it_arrived_says_so() {
    let finished = changed("pretty");
    finished
        .prints(&format!("\n  warning: {ONLY_DEVELOPMENT}\n  warning: {CHANGED}\n"))
        .stderr("1 request: 1 rejected\n");
    assert_eq!(changed("json").line()["warnings"], json!([ONLY_DEVELOPMENT, CHANGED]));
    let joined = format!(
        "the signature doesn't match this body with the configured secret\n\
         unexplained: cause not found: {UNEXPLAINED}\n\
         warning: {ONLY_DEVELOPMENT}\n\
         warning: {CHANGED}"
    );
    let github = changed("github");
    assert_eq!(
        without_count(github.text()),
        format!(
            "::error file=log.ndjson,line=1,title=cyanite.v2.finished%3A no-matching-signature::{}\n",
            joined.replace('\n', "%0A")
        )
    );
    let junit = changed("junit");
    junit.prints(&format!(
        "            <system-out>warning: {}\nwarning: {CHANGED}</system-out>\n",
        ONLY_DEVELOPMENT.replace('\'', "&apos;")
    ));
    let sarif = changed("sarif").line();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 1);
    assert_eq!((text(&results[0], "/ruleId"), text(&results[0], "/level")), ("no-matching-signature", "error"));
    assert_eq!(without_count(text(&results[0], "/message/text")), format!("cyanite.v2.finished: {joined}"));
}

/// A result of SARIF about `one.json`.
fn result(rule: &str, level: &str, message: &str) -> Value {
    json!({
        "ruleId": rule,
        "level": level,
        "message": {"text": format!("cyanite.v2.finished: {message}")},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": "one.json"}, "region": {"startLine": 1}}}],
    })
}
