//! Handlers that are not tried further: those that take nothing, and those that end.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{
    Handler, Reply, Report, check, fails,
    handler::{aspect, aspect_entries, aspect_signed},
};
use crate::harness::{Dir, free_port, text};

/// Wants that a handler which gives this answer is shown no more than a few good deliveries.
#[track_caller]
fn stops(reply: Reply, message: &str, hint: &str) {
    let handler = Handler::new(move |_| reply);
    let report = fails(&handler, "/aspect", &["event-accepted"], hint);
    let failed = report.event("aspect.task.progress");
    assert_eq!(text(failed, "/message"), message);
    assert!(handler.seen() <= 3, "{} requests", handler.seen());
    assert_eq!(report.passed(), 0);
    let why = "not tried, as the handler takes no good delivery";
    assert_eq!(text(report.case("body-tampered"), "/message"), why);
}

#[test]
fn a_handler_that_refuses_all_may_have_another_secret() {
    for status in [400, 401, 403] {
        let message = format!("Aspect counts {status} as failed; it expects any 2xx");
        let hint = "the delivery was signed with the public development secret: does the handler use the same one? --secret aspect=SOURCE selects another. ";
        stops(Reply::Status(status), &message, hint);
    }
}

#[test]
fn the_secret_that_signed_is_named_and_not_shown() {
    let dir = Dir::new();
    let handler = Handler::new(|_| Reply::Status(401));
    dir.write("secret", "whsec_dG9wc2VjcmV0LXRvcHNlY3JldA==");
    let sources = [
        ("env:MY_SECRET", "the secret from env:MY_SECRET"),
        ("file:secret", "the secret from file:secret"),
        ("whsec_dG9wc2VjcmV0LXRvcHNlY3JldA==", "the secret from --secret"),
    ];
    for (source, words) in sources {
        let command = check(&dir, &handler.url("/aspect")).args(["--secret", source]);
        let finished = command.env("MY_SECRET", "whsec_dG9wc2VjcmV0LXRvcHNlY3JldA==").exits(1);
        assert!(!format!("{finished}").contains("dG9wc2VjcmV0"), "{finished}");
        let report = Report::of(&finished);
        let hint = text(report.event("aspect.task.progress"), "/hint");
        assert!(hint.starts_with(&format!("the delivery was signed with {words}: ")), "{hint}");
    }
}

#[test]
fn a_wrong_path_a_wrong_method_a_redirect_and_a_failure_are_told_apart() {
    let failed = |status| format!("Aspect counts {status} as failed; it expects any 2xx");
    stops(Reply::Status(404), &failed(404), "nothing is served at this path");
    stops(Reply::Status(405), &failed(405), "allow POST on this route");
    stops(Reply::Status(500), &failed(500), "the handler's log says what was thrown");
    let message = "302 is a redirect, which Aspect doesn't follow: the delivery counts as failed";
    stops(Reply::Redirect, message, "answer at the URL itself");
}

/// A provider that waits 300 ms.
const IMPATIENT: &str = r#"
name = "acme"
title = "Acme"
about = "A test"
[secret]
development = "acme-secret"
[[scheme]]
name = "only"
algorithm = "hmac-sha256"
content = "{body}"
signature = { header = "x-acme-signature", value = "{hex}" }
[delivery]
success = ["2xx"]
timeout = "300ms"
[[event]]
name = "made"
about = "Something was made"
match = { type = "made" }
"#;

#[test]
fn a_handler_that_answers_too_late_is_told_to_answer_first() {
    let dir = Dir::new();
    dir.write("acme/provider.toml", IMPATIENT);
    dir.write("acme/events/made.json", r#"{ "type": "made" }"#);
    let handler = Handler::new(|_| Reply::Hang);
    let finished = check(&dir, &handler.url("/acme")).args(["--providers", "acme"]).exits(1);
    let report = Report::of(&finished);
    assert_eq!(report.failed(), ["event-accepted"]);
    let case = report.event("acme.made");
    assert_eq!(text(case, "/message"), "no answer within 300 ms");
    assert_eq!((text(case, "/expected"), &case["status"]), ("2xx within 300 ms", &serde_json::Value::Null));
    assert!(text(case, "/hint").starts_with("answer first and do the work afterwards"), "{case}");
}

#[test]
fn nothing_that_listens_is_another_exit_code() {
    let dir = Dir::new();
    let url = format!("http://127.0.0.1:{}/aspect", free_port());
    let report = Report::of(&check(&dir, &url).exits(4));
    assert_eq!(report.failed(), ["event-accepted"]);
    let case = report.event("aspect.task.progress");
    assert!(text(case, "/message").ends_with("(connection refused)"), "{case}");
    assert_eq!(text(case, "/hint"), "start the handler, or give its URL with --to");
    assert_eq!(text(report.case("burst"), "/message"), "not tried, as the handler can't be reached");
    // For people all that is left out is one line.
    let people = dir.hookdev().args(["check", "--to", &url.replace("/aspect", "/cyanite")]).exits(4);
    people.prints("- 30 cases skipped  not tried, as the handler can't be reached\n");
}

#[test]
fn a_handler_that_dies_of_a_case_is_tried_no_further() {
    let handler = Handler::new(|message| {
        let short =
            aspect_entries(message).iter().any(|(version, signature)| *version == "v1" && signature.len() != 44);
        if short { Reply::Die } else { Reply::Status(aspect(message)) }
    });
    let report = fails(&handler, "/aspect", &["signature-truncated"], "before crypto.timingSafeEqual");
    let message = text(report.case("signature-truncated"), "/message");
    assert!(message.contains("before a whole answer came"), "{message}");
    let skipped = ["signature-empty", "signature-garbage", "timestamp-stale", "timestamp-future", "signature-rotated"];
    assert_eq!(report.skipped()[..5], skipped);
    let why = "not tried, as the handler is gone since `signature-truncated`";
    assert_eq!(text(report.case("burst"), "/message"), why);
}

#[test]
fn a_handler_that_ends_after_its_answer_is_told_by_the_case_that_it_answered() {
    let genuine = AtomicUsize::new(0);
    let handler = Handler::new(move |message| {
        let taken = aspect_signed(message);
        // The third event, whose work ends it.
        if taken && genuine.fetch_add(1, Ordering::SeqCst) == 2 {
            return Reply::LastWord(200);
        }
        Reply::Status(if taken { 200 } else { 401 })
    });
    let report = fails(&handler, "/aspect", &["body-reserialised"], "says why it ended");
    let message = text(report.case("body-reserialised"), "/message");
    assert!(message.ends_with("(connection refused): the handler ended after `event-accepted`"), "{message}");
    let why = "not tried, as the handler is gone since `event-accepted`";
    assert_eq!(text(report.case("body-tampered"), "/message"), why);
}

#[cfg(unix)]
#[test]
fn ctrl_c_tells_what_was_done_so_far() {
    let dir = Dir::new();
    let handler = Handler::new(|message| match message.header("svix-signature") {
        Some(_) => Reply::Status(aspect(message)),
        None => Reply::Hang,
    });
    let mut begun = check(&dir, &handler.url("/aspect")).begins();
    begun.prints("\"case\":\"body-reserialised\"");
    begun.interrupt();
    let report = Report::of(&begun.exits(130));
    assert_eq!(report.failed(), [""; 0]);
    assert!(report.passed() >= 4, "{}", report.passed());
}
