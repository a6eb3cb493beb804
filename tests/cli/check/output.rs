//! The output of a run: the table, the JSON keys, the reports.

use serde_json::json;

use super::{
    Handler, Reply, check,
    handler::{aspect, cyanite},
};
use crate::{
    difference::assert_text,
    harness::{Dir, Finished, is_elapsed, keys},
};

/// Checks for these lines of a table, without the times.
#[track_caller]
fn assert_lines(actual: &[String], expected: &[&str]) {
    assert_text(&actual.join("\n"), &expected.join("\n"), "stdout without the times");
}

/// The lines of a table without the times.
fn timeless(finished: &Finished) -> Vec<String> {
    let cell =
        |line: &str| line.rsplit_once("  ").filter(|(_, time)| is_elapsed(time)).map(|(rest, _)| rest.to_owned());
    finished.text().lines().map(|line| cell(line).unwrap_or_else(|| line.to_owned())).collect()
}

#[test]
fn the_table_has_a_line_per_case_and_explains_failures_below_it() {
    let dir = Dir::new();
    let handler = Handler::new(|message| {
        Reply::Status(if message.header("svix-signature").is_none() { 500 } else { aspect(message) })
    });
    let url = handler.url("/aspect");
    let cases = ["--case", "event-accepted", "--case", "signature-missing", "--case", "timestamp-[sf]*"];
    let finished = dir.hookdev().args(["check", "--to", &url]).args(cases).exits(1);
    let expected = [
        &format!("Aspect  {url}"),
        "  case               sent                                        expected         got   time",
        "✓ event-accepted     task.progress                               2xx within 15 s  200 ",
        "✓ event-accepted     task.completed                              2xx within 15 s  200 ",
        "✓ event-accepted     task.failed                                 2xx within 15 s  200 ",
        "✗ signature-missing  task.progress, no signature                 4xx              500 ",
        "  failed (500) instead of rejecting the request with a 4xx: it has no signature",
        "  hint: check that the `svix-signature` header exists before you read it, and respond 401 if it does not",
        "✓ timestamp-stale    task.progress, signed 10 min ago            4xx              401 ",
        "✓ timestamp-future   task.progress, signed 10 min in the future  4xx              401 ",
    ];
    assert_lines(&timeless(&finished), &expected);
    finished.stderr(
        "warning: using the public development secret for aspect; set ASPECT_WEBHOOK_SECRET to use yours\n\
         note: sending 6 deliveries; 3 of these are valid: your handler will process them\n\
         6 cases: 5 passed, 1 failed, 0 warned, 0 skipped\n",
    );
    let quiet = dir.hookdev().args(["check", "-q", "--to", &url]).args(cases).exits(1);
    assert_lines(&timeless(&quiet), &[&expected[..2], &expected[5..8]].concat());
    quiet.stderr("warning: using the public development secret for aspect; set ASPECT_WEBHOOK_SECRET to use yours\n");
}

/// A Python stack trace with a terminal's colour code.
const TRACE: &[u8] = b"Traceback (most recent call last):\n  File \"/srv/app.py\", line 41, in hook\n    track = tracks[id]\nKeyError: '\x1b[31m999'\n";

#[test]
fn the_response_body_is_printed_below_a_failed_case() {
    let dir = Dir::new();
    let handler = Handler::new(|message| match aspect(message) {
        200 => Reply::Says(200, b"thanks"),
        _ if message.header("svix-signature").is_none() => Reply::Says(500, TRACE),
        _ if message.header("svix-signature") == Some("") => Reply::Says(500, b"\x1f\x8b\x08\0\xff"),
        _ => Reply::Says(401, b"{\"error\": \"no\"}"),
    });
    let cases = ["--case", "event-accepted", "--case", "signature-missing", "--case", "signature-empty"];
    let finished = dir.hookdev().args(["check", "-q", "--to", &handler.url("/aspect")]).args(cases).exits(1);
    let expected = [
        "✗ signature-missing  task.progress, no signature        4xx              500 ",
        "  failed (500) instead of rejecting the request with a 4xx: it has no signature",
        r"  response: KeyError: '\u{1b}[31m999'",
        r#"    File "/srv/app.py", line 41, in hook"#,
        "  hint: check that the `svix-signature` header exists before you read it, and respond 401 if it does not",
        "✗ signature-empty    task.progress, an empty signature  4xx              500 ",
        "  an empty header: failed (500) instead of rejecting the request with a 4xx: the signature is empty",
        "  response: 5 B of binary data",
        "  hint: the handler threw an exception while it read or compared the signature: respond 401 instead. In Node.js, crypto.timingSafeEqual throws if the lengths in bytes differ: compare those of the Buffers first, not those of the strings. In Ruby, OpenSSL.fixed_length_secure_compare raises an exception: use OpenSSL.secure_compare. If you split the header, check that each part is there",
    ];
    assert_lines(&timeless(&finished)[2..], &expected);
}

#[test]
fn failures_with_one_cause_are_one_row_of_the_table_and_a_json_line_each() {
    let dir = Dir::new();
    let handler = Handler::new(|message| Reply::Status(if cyanite(message) == 200 { 204 } else { 401 }));
    let args = ["check", "--to", &handler.url("/cyanite"), "--case", "event-accepted"];
    let finished = dir.hookdev().args(args).exits(1);
    let expected = [
        "✗ event-accepted  ×17: all events                                                       200 within 3 s  204 ",
        "  Cyanite counts 204 as failed; it expects exactly 200",
        "  hint: respond 200 instead of 204: res.sendStatus(200) in Express, Response(status_code=200) in FastAPI, head 200 in Rails, response('', 200) in Laravel",
    ];
    assert_lines(&timeless(&finished)[2..], &expected);
    finished.says("17 cases: 0 passed, 17 failed, 0 warned, 0 skipped\n");
    assert_eq!(dir.hookdev().args(args).arg("--json").exits(1).lines().len(), 18);
    let github = dir.hookdev().args(args).args(["--format", "github"]).exits(1);
    assert_eq!(github.text().lines().count(), 17);
}

#[test]
fn skipped_cases_are_printed_with_the_reason() {
    let dir = Dir::new();
    let handler = Handler::new(|_| Reply::Status(200));
    let args = ["check", "--to", &handler.url("/auphonic"), "--case", "signature-*", "--case", "timestamp-*"];
    dir.hookdev().args(args).exits(1).prints(
        "- 7 cases skipped  Auphonic does not sign deliveries: a forged one can't be distinguished from a valid one\n\
         - signature-rotated skipped  Auphonic does not sign deliveries: there is no secret to rotate\n",
    );
}

#[test]
fn a_line_has_the_documented_keys() {
    let dir = Dir::new();
    let handler = Handler::new(|message| Reply::Status(aspect(message)));
    let lines = check(&dir, &handler.url("/aspect")).args(["--case", "signature-missing"]).exits(0).lines();
    let expected =
        ["case", "elapsed_ms", "event", "expected", "hint", "kind", "message", "outcome", "provider", "status"];
    assert_eq!(keys(&lines[0]), expected);
    let mut line = lines[0].clone();
    assert!(line["elapsed_ms"].take().as_f64().unwrap() > 0.0);
    assert_eq!(
        line,
        json!({"kind": "case", "provider": "aspect", "case": "signature-missing", "event": "aspect.task.progress",
            "outcome": "passed", "expected": "4xx", "status": 401, "elapsed_ms": null, "message": null, "hint": null})
    );
    assert_eq!(lines[1], json!({"kind": "summary", "passed": 1, "failed": 0, "warned": 0, "skipped": 0}));
}

#[test]
fn reports_name_the_failed_cases() {
    let dir = Dir::new();
    let handler = Handler::new(|message| {
        Reply::Status(if message.header("svix-signature").is_none() { 200 } else { aspect(message) })
    });
    let report = |format: &str| {
        let cases = ["--case", "signature-*", "--format", format];
        dir.hookdev().args(["check", "--to", &handler.url("/aspect")]).args(cases).exits(1)
    };
    report("github").stdout(
        "::error title=signature-missing (aspect.task.progress%2C no signature)%3A signature-missing::accepted (200) although it has no signature; \
         the handler verifies only if there is a signature, as `if (signature && !valid)` does: reject deliveries without `svix-signature`%0A\
         warning: using the public development secret for aspect; set ASPECT_WEBHOOK_SECRET to use yours\n",
    );
    report("junit")
        .prints("<testsuites name=\"hookdev\" tests=\"5\" failures=\"1\" errors=\"0\">")
        .prints(
            "<testcase name=\"signature-missing (aspect.task.progress, no signature)\" classname=\"aspect\" time=\"",
        )
        .prints("<failure message=\"accepted (200) although it has no signature\" type=\"signature-missing\">");
    let sarif = report("sarif").line();
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "signature-missing");
}

/// The page of Express 5.3 for a handler with a JSON parser above its raw one.
const PARSED: &[u8] = include_bytes!("../../responses/express-json-above-raw.http");

#[test]
fn check_send_and_listen_show_the_same_lines_of_a_response_and_the_same_hint() {
    let dir = Dir::new();
    let body = PARSED.windows(4).position(|four| four == b"\r\n\r\n").map(|end| &PARSED[end + 4..]).unwrap();
    let handler = Handler::new(move |_| Reply::Says(500, body));
    let shown = "  response: TypeError [ERR_INVALID_ARG_TYPE]: The \"data\" argument must be of type string or an instance of Buffer, TypedArray, or DataView. Received an instance of Object\n    at hmac (/srv/handlers/web/apps.js:";
    let hint =
        "\n  hint: the body is parsed before the handler sees it: app.use(express.json()) runs before express.raw(). ";
    let url = handler.url("/cyanite");
    dir.hookdev().args(["check", "--to", &url]).exits(1).prints(shown).prints(hint);
    dir.hookdev().args(["send", "cyanite.v2.finished", "--to", &url]).exits(1).prints(shown).prints(hint);
    let mut listener = dir.hookdev().args(["listen", "--addr", "127.0.0.1:0", "--forward", &url]).starts_for_people();
    dir.hookdev().args(["send", "cyanite.v2.finished", "--to", &listener.url("/cyanite")]).exits(1);
    listener.prints(shown);
    listener.prints(hint);
}
