//! Handlers with which a run ends early: those that accept nothing, and those that stop.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{
    Handler, Reply, Report, check, fails,
    handler::{aspect, aspect_entries, aspect_signed},
};
use crate::{
    harness::{Dir, text},
    machine::Port,
};

/// Asserts that a handler which always replies like this gets no more than a few deliveries.
#[track_caller]
fn stops(reply: Reply, message: &str, hint: &str) {
    let handler = Handler::new(move |_| reply);
    let report = fails(&handler, "/aspect", &["event-accepted"], hint);
    let failed = report.event("aspect.task.progress");
    assert_eq!(text(failed, "/message"), message);
    if matches!(reply, Reply::Status(400 | 401 | 403 | 422 | 500)) {
        // It gets each delivery that is signed as a handler with common mistakes expects.
        assert!((100..=202).contains(&handler.seen()), "{} requests", handler.seen());
    } else {
        assert!(handler.seen() <= 4, "{} requests", handler.seen());
    }
    assert_eq!(report.passed(), 0);
    let why = "not tried: the handler accepts no valid delivery";
    assert_eq!(text(report.case("body-tampered"), "/message"), why);
}

#[test]
fn a_handler_that_rejects_everything_may_use_another_secret() {
    for status in [400, 401, 403] {
        let message = format!("Aspect counts {status} as failed; it expects any 2xx");
        let hint = "the delivery was signed with the public development secret: does the handler use the same one? --secret aspect=SOURCE selects another. ";
        stops(Reply::Status(status), &message, hint);
    }
}

#[test]
fn the_secret_that_signed_is_named_but_not_shown() {
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
fn a_wrong_path_a_wrong_method_a_redirect_and_a_crash_have_different_hints() {
    let failed = |status| format!("Aspect counts {status} as failed; it expects any 2xx");
    stops(Reply::Status(404), &failed(404), "nothing is served at this path: give the handler's full URL with --to");
    stops(Reply::Status(405), &failed(405), "allow POST on this route, or give the handler's full URL with --to");
    stops(Reply::Status(422), &failed(422), "skip_before_action :verify_authenticity_token");
    stops(
        Reply::Status(502),
        &failed(502),
        "a proxy in front of the handler got no response from it: start the handler",
    );
    stops(
        Reply::Status(504),
        &failed(504),
        "a proxy in front of the handler stopped waiting for it: verify, respond, ",
    );
    stops(Reply::Status(500), &failed(500), "find the exception in the handler's log. Most often, ");
    let message = "302 is a redirect, which Aspect doesn\'t follow: the delivery counts as failed";
    stops(Reply::Redirect, message, "your handler redirects to http://127.0.0.1:1/elsewhere: ");
}

#[test]
fn a_handler_of_forms_that_fails_may_lack_its_secret_too() {
    let dir = Dir::new();
    let handler = Handler::new(|_| Reply::Status(500));
    let report = Report::of(&check(&dir, &handler.url("/twilio")).exits(1));
    let hint = text(report.event("twilio.message.received"), "/hint");
    for advice in ["Most often, the signing secret is not set", "the delivery is a urlencoded form"] {
        assert!(hint.contains(advice), "{hint}");
    }
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
fn a_handler_that_responds_too_late_gets_the_advice_to_respond_first() {
    let dir = Dir::new();
    dir.write("acme/provider.toml", IMPATIENT);
    dir.write("acme/events/made.json", r#"{ "type": "made" }"#);
    let handler = Handler::new(|_| Reply::Hang);
    let finished = check(&dir, &handler.url("/acme")).args(["--providers", "acme"]).exits(1);
    let report = Report::of(&finished);
    assert_eq!(report.failed(), ["event-accepted"]);
    let case = report.event("acme.made");
    assert_eq!(text(case, "/message"), "no response within 300 ms");
    assert_eq!((text(case, "/expected"), &case["status"]), ("2xx within 300 ms", &serde_json::Value::Null));
    assert!(text(case, "/hint").starts_with("verify, respond, then do slow work"), "{case}");
}

#[test]
fn an_unreachable_handler_has_its_own_exit_code() {
    let dir = Dir::new();
    let port = Port::reserve();
    let url = format!("http://127.0.0.1:{}/aspect", port.number());
    let report = Report::of(&check(&dir, &url).exits(4));
    assert_eq!(report.failed(), ["event-accepted"]);
    let case = report.event("aspect.task.progress");
    assert!(text(case, "/message").ends_with("(connection refused)"), "{case}");
    assert_eq!(text(case, "/hint"), "start the handler, or give its URL with --to");
    assert_eq!(text(report.case("burst"), "/message"), "not tried: the handler can't be reached");
    // In the table, all skipped cases are one line.
    let people = dir.hookdev().args(["check", "--to", &url.replace("/aspect", "/cyanite")]).exits(4);
    people.prints("- 38 cases skipped  not tried: the handler can't be reached\n");
}

#[test]
fn a_handler_that_dies_in_a_case_is_not_tried_further() {
    let handler = Handler::new(|message| {
        let short =
            aspect_entries(message).iter().any(|(version, signature)| *version == "v1" && signature.len() != 44);
        if short { Reply::Die } else { Reply::Status(aspect(message)) }
    });
    let report = fails(
        &handler,
        "/aspect",
        &["signature-truncated"],
        "crypto.timingSafeEqual throws if the lengths in bytes differ",
    );
    let message = text(report.case("signature-truncated"), "/message");
    assert!(message.contains("before the response was complete"), "{message}");
    let skipped = ["signature-empty", "signature-garbage", "header-missing", "timestamp-garbage", "timestamp-stale"];
    assert_eq!(report.skipped()[..5], skipped);
    let why = "not tried: the handler stopped after `signature-truncated`";
    assert_eq!(text(report.case("burst"), "/message"), why);
}

#[test]
fn a_handler_that_stops_after_its_response_is_explained_by_the_case_it_responded_to() {
    let valid = AtomicUsize::new(0);
    let handler = Handler::new(move |message| {
        let is_valid = aspect_signed(message);
        // The work on the third event stops the handler.
        if is_valid && valid.fetch_add(1, Ordering::SeqCst) == 2 {
            return Reply::LastWord(200);
        }
        Reply::Status(if is_valid { 200 } else { 401 })
    });
    let report = fails(&handler, "/aspect", &["body-reserialised"], "to see why it stopped");
    let message = text(report.case("body-reserialised"), "/message");
    assert!(message.ends_with("(connection refused): the handler stopped after `event-accepted`"), "{message}");
    let why = "not tried: the handler stopped after `event-accepted`";
    assert_eq!(text(report.case("body-tampered"), "/message"), why);
}

#[cfg(unix)]
#[test]
fn ctrl_c_prints_the_cases_so_far() {
    let dir = Dir::new();
    let handler = Handler::new(|message| match message.header("svix-signature") {
        Some(_) => Reply::Status(aspect(message)),
        None => Reply::Hang,
    });
    let mut begun = check(&dir, &handler.url("/aspect")).in_background();
    begun.prints("\"case\":\"body-reserialised\"");
    begun.interrupt();
    let report = Report::of(&begun.exits(130));
    assert_eq!(report.failed(), [""; 0]);
    assert!(report.passed() >= 4, "{}", report.passed());
}
