//! Handlers that accept valid deliveries and have one fault.

use std::{collections::HashSet, sync::Mutex};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Handler, Reply, Report, check, fails,
    handler::{aspect, aspect_entries, aspect_signature, aspect_signed, cyanite, cyanite_signed, is_cyanite_test},
};
use crate::harness::{Dir, Message, text};

#[test]
fn a_handler_that_meets_the_contract_passes() {
    let dir = Dir::new();
    let handler = Handler::new(|message| Reply::Status(aspect(message)));
    let report = Report::of(&check(&dir, &handler.url("/hooks/aspect")).exits(0));
    assert_eq!((report.failed(), report.skipped()), (vec![], vec![]));
    assert_eq!(report.passed(), 25);

    let handler = Handler::new(|message| Reply::Status(cyanite(message)));
    let report = Report::of(&check(&dir, &handler.url("/cyanite")).exits(0));
    assert_eq!(report.failed(), [""; 0]);
    let skipped = [
        "header-missing",
        "timestamp-garbage",
        "timestamp-stale",
        "timestamp-future",
        "signature-rotated",
        "version-unknown",
    ];
    assert_eq!(report.skipped(), skipped);
    assert_eq!(
        text(report.case("timestamp-stale"), "/message"),
        "Cyanite does not sign a timestamp: a replayed delivery can't be distinguished from a new one"
    );

    let handler = Handler::new(|_| Reply::Status(204));
    let report = Report::of(&check(&dir, &handler.url("/auphonic")).exits(0));
    assert_eq!((report.failed(), report.passed()), (vec![], 12));
}

/// The payload of Cyanite's version 2, with its members in the documented order.
#[derive(Deserialize, Serialize)]
struct Version2 {
    version: String,
    resource: Resource,
    event: State,
}

#[derive(Deserialize, Serialize)]
struct Resource {
    #[serde(rename = "type")]
    kind: String,
    id: String,
}

#[derive(Deserialize, Serialize)]
struct State {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}

/// The reply of a handler that verifies re-serialised JSON.
fn reserialising(message: &Message, serialise: impl Fn(&Version2) -> String) -> Reply {
    let written = serde_json::from_slice(&message.body).map(|payload| serialise(&payload).into_bytes());
    let body = written.unwrap_or_else(|_| message.body.clone());
    Reply::Status(if is_cyanite_test(message) || cyanite_signed(message, &body) { 200 } else { 401 })
}

#[test]
fn one_that_verifies_reserialised_json() {
    let handler = Handler::new(|message| reserialising(message, |payload| serde_json::to_string(payload).unwrap()));
    let bodies = ["body-reserialised", "body-unicode", "body-large", "body-empty-values"];
    let report = fails(&handler, "/cyanite", &bodies, "Express express.raw");
    let case = report.case("body-reserialised");
    assert_eq!((&case["status"], &case["expected"]), (&401.into(), &"200 within 3 s".into()));
    let message = "a space after each comma and colon: Cyanite counts 401 as failed; it expects exactly 200";
    assert_eq!(text(case, "/message"), message);
    assert!(text(case, "/hint").starts_with("the provider's own form passes"), "{case}");
}

#[test]
fn one_that_verifies_json_as_python_writes_it_accepts_nothing() {
    let handler = Handler::new(|message| {
        reserialising(message, |Version2 { version, resource, event }| {
            format!(
                r#"{{"version": "{version}", "resource": {{"type": "{}", "id": "{}"}}, "event": {{"type": "{}", "status": "{}"}}}}"#,
                resource.kind, resource.id, event.kind, event.status
            )
        })
    });
    fails(&handler, "/cyanite", &["event-accepted"], "as Python's json.dumps writes it");
}

/// The forgeries that only the signature reveals.
const FORGERIES: [&str; 6] = [
    "body-tampered",
    "secret-wrong",
    "signature-missing",
    "signature-truncated",
    "signature-empty",
    "signature-garbage",
];

#[test]
fn one_that_never_verifies() {
    let handler = Handler::new(|_| Reply::Status(200));
    let others = ["header-missing", "timestamp-garbage", "timestamp-stale", "timestamp-future", "body-malformed"];
    let report =
        fails(&handler, "/aspect", &[&FORGERIES[..], &others].concat(), "the handler never verifies the signature");
    let case = report.case("body-tampered");
    assert_eq!(text(case, "/message"), "accepted (200) although the body was changed after signing");
    assert_eq!((&case["status"], &case["expected"]), (&200.into(), &"4xx".into()));
    assert!(text(case, "/hint").contains("HMAC-SHA256 of {id}.{timestamp}.{body} in `svix-signature`"), "{case}");
    let malformed = ["body-malformed"];
    fails(&handler, "/cyanite", &[&FORGERIES[..], &malformed].concat(), "the handler never verifies the signature");
}

#[test]
fn one_that_verifies_only_if_there_is_a_signature() {
    let handler = Handler::new(|message| {
        let given = message.header("svix-signature").unwrap_or_default();
        Reply::Status(if given.is_empty() { 200 } else { aspect(message) })
    });
    let cases = ["signature-missing", "signature-empty", "body-malformed"];
    let report = fails(&handler, "/aspect", &cases, "`if (signature && !valid)`");
    let message = "an empty header: accepted (200) although the signature is empty";
    assert_eq!(text(report.case("signature-empty"), "/message"), message);
}

#[test]
fn one_that_compares_only_a_part_of_the_signature() {
    let handler = Handler::new(|message| {
        let expected = aspect_signature(message);
        // Half of the bytes; base64 pads the last.
        let begins = |(_, signature): &(&str, &str)| signature.len() > 8 && expected.starts_with(&signature[..16]);
        Reply::Status(if aspect_entries(message).iter().any(begins) && in_time(message) { 200 } else { 401 })
    });
    fails(&handler, "/aspect", &["signature-truncated"], "compares only a part of the signature");
}

fn in_time(message: &Message) -> bool {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    message.header("svix-timestamp").is_some_and(|then| then.parse::<u64>().is_ok_and(|then| then.abs_diff(now) <= 300))
}

#[test]
fn one_that_crashes_on_a_signature_of_another_length() {
    let handler = Handler::new(|message| {
        // Node's timingSafeEqual throws.
        let short =
            aspect_entries(message).iter().any(|(version, signature)| *version == "v1" && signature.len() != 44);
        Reply::Status(if short { 500 } else { aspect(message) })
    });
    let report = fails(
        &handler,
        "/aspect",
        &["signature-truncated", "signature-empty"],
        "crypto.timingSafeEqual throws if the lengths in bytes differ",
    );
    let message = "failed (500) instead of rejecting the request with a 4xx: the signature is cut to half its length";
    assert_eq!(text(report.case("signature-truncated"), "/message"), message);
}

#[test]
fn one_that_crashes_on_a_non_ascii_signature() {
    let handler = Handler::new(|message| {
        // Python's compare_digest raises for such strings.
        let raises = message.header("svix-signature").is_some_and(|value| !value.is_ascii());
        Reply::Status(if raises { 500 } else { aspect(message) })
    });
    let report = fails(&handler, "/aspect", &["signature-garbage"], "hmac.compare_digest");
    assert!(text(report.case("signature-garbage"), "/message").starts_with("non-ASCII bytes: failed (500)"));
}

#[test]
fn one_that_crashes_without_a_signature() {
    let handler = Handler::new(|message| {
        Reply::Status(if message.header("svix-signature").is_none() { 500 } else { aspect(message) })
    });
    let cases = ["signature-missing", "body-malformed"];
    fails(&handler, "/aspect", &cases, "check that the `svix-signature` header exists");
}

#[test]
fn one_that_does_not_catch_verification_errors() {
    let handler = Handler::new(|message| Reply::Status(if aspect_signed(message) { 200 } else { 500 }));
    let others = ["header-missing", "timestamp-garbage", "timestamp-stale", "timestamp-future", "body-malformed"];
    fails(&handler, "/aspect", &[&FORGERIES[..], &others].concat(), "libraries throw");
}

#[test]
fn one_that_ignores_the_timestamp() {
    let handler = Handler::new(|message| {
        let expected = aspect_signature(message);
        Reply::Status(if aspect_entries(message).contains(&("v1", &expected)) { 200 } else { 401 })
    });
    let report = fails(
        &handler,
        "/aspect",
        &["timestamp-garbage", "timestamp-stale", "timestamp-future"],
        "ignores the timestamp: once the signature is verified, compare the timestamp with the clock, and reject deliveries that are more than 5 min off",
    );
    let message = "accepted (200) although its timestamp is older than the provider allows";
    assert_eq!(text(report.case("timestamp-stale"), "/message"), message);
}

#[test]
fn one_that_responds_204_where_only_200_counts() {
    let handler = Handler::new(|message| Reply::Status(if cyanite(message) == 200 { 204 } else { 401 }));
    let bodies = ["body-reserialised", "body-unicode", "body-large", "body-empty-values"];
    let accepted = [&["event-accepted"], &bodies[..], &["delivery-duplicated", "burst"]].concat();
    let report = fails(&handler, "/cyanite", &accepted, "respond 200 instead of 204: res.sendStatus(200) in Express");
    let message = "Cyanite counts 204 as failed; it expects exactly 200";
    assert_eq!(text(report.event("cyanite.v2.failed"), "/message"), message);
    // Aspect accepts any 2xx.
    let handler = Handler::new(|message| Reply::Status(if aspect_signed(message) { 204 } else { 401 }));
    assert_eq!(Report::of(&check(&Dir::new(), &handler.url("/aspect")).exits(0)).failed(), [""; 0]);
}

#[test]
fn one_that_rejects_the_unsigned_test() {
    let handler = Handler::new(|message| Reply::Status(if cyanite_signed(message, &message.body) { 200 } else { 401 }));
    let report = fails(&handler, "/cyanite", &["event-accepted"], "Cyanite sends this event without a signature");
    assert_eq!(report.event("cyanite.v1.test")["outcome"], "failed");
}

#[test]
fn one_that_rejects_events_that_it_does_not_handle() {
    let handler = Handler::new(|message| {
        let failed = message.body.windows(15).any(|part| part == b"\"FastMusicalAna");
        Reply::Status(if failed { 422 } else { cyanite(message) })
    });
    let report = fails(&handler, "/cyanite", &["event-accepted"], "respond 200 to events that you do not handle, too");
    let cases = report.cases.iter().filter(|case| case["outcome"] == "failed");
    let messages: Vec<&str> = cases.map(|case| text(case, "/message")).collect();
    let message = "event.type=FastMusicalAnalysis: Cyanite counts 422 as failed; it expects exactly 200";
    assert_eq!(messages, [message; 2]);
}

#[test]
fn one_that_parses_only_one_encoding() {
    let form = |message: &Message, known: &str| {
        Reply::Status(if message.header("content-type").unwrap().starts_with(known) { 200 } else { 415 })
    };
    let handler = Handler::new(move |message| form(message, "application/x-www-form-urlencoded"));
    fails(&handler, "/auphonic", &["encoding-multipart"], "express.urlencoded() and multer().none()");
    let handler = Handler::new(move |message| form(message, "multipart/form-data"));
    let failed = [
        "event-accepted",
        "encoding-urlencoded",
        "body-unicode",
        "body-large",
        "body-empty-values",
        "delivery-duplicated",
        "burst",
    ];
    fails(&handler, "/auphonic", &failed, "parse the body by its media type");
}

#[test]
fn one_that_checks_only_the_first_signature() {
    let handler = Handler::new(|message| {
        let expected = aspect_signature(message);
        let first = aspect_entries(message).into_iter().find(|(version, _)| *version == "v1");
        Reply::Status(if first == Some(("v1", &expected)) && in_time(message) { 200 } else { 401 })
    });
    let report = fails(&handler, "/aspect", &["signature-rotated"], "split it at each space");
    let case = report.case("signature-rotated");
    assert!(
        text(case, "/message").starts_with("the valid signature after an invalid one: Aspect counts 401"),
        "{case}"
    );
}

#[test]
fn one_that_rejects_unknown_versions() {
    let handler = Handler::new(|message| {
        let strange = aspect_entries(message).iter().any(|(version, _)| *version != "v1");
        Reply::Status(if strange { 400 } else { aspect(message) })
    });
    fails(&handler, "/aspect", &["version-unknown"], "ignore the entries of `svix-signature`");
}

#[test]
fn one_that_rejects_duplicates() {
    let had = Mutex::new(HashSet::new());
    let handler = Handler::new(move |message| {
        let id = message.header("svix-id").unwrap_or_default().to_owned();
        let status = aspect(message);
        Reply::Status(if status == 200 && !had.lock().unwrap().insert(id) { 409 } else { status })
    });
    let hint = "respond 200 to a delivery that you have already processed, and do nothing else";
    let report = fails(&handler, "/aspect", &["delivery-duplicated"], hint);
    let case = report.case("delivery-duplicated");
    assert!(text(case, "/message").starts_with("the second time: Aspect counts 409 as failed"), "{case}");
}

#[test]
fn one_that_rejects_a_delivery_that_is_5_s_old() {
    let newest = Mutex::new(0);
    let handler = Handler::new(move |message| {
        let status = aspect(message);
        let signed: i64 = message.header("svix-timestamp").and_then(|text| text.parse().ok()).unwrap_or_default();
        let mut newest = newest.lock().unwrap();
        let is_late = signed < *newest - 3;
        if status < 300 {
            *newest = signed.max(*newest);
        }
        Reply::Status(if is_late { 400 } else { status })
    });
    let hint = "this delivery was signed 5 s ago: a retry arrives late, and clocks differ. Accept deliveries that are up to 5 min old";
    fails(&handler, "/aspect", &["delivery-duplicated"], hint);
}

#[test]
fn one_that_ignores_a_handshake_is_told_the_response() {
    let (dir, handler) = (Dir::new(), Handler::new(|_| Reply::Status(200)));
    let report = Report::of(&check(&dir, &handler.url("/slack")).args(["--case", "handshake"]).exits(1));
    let hint = text(report.case("handshake"), "/hint");
    assert!(
        hint.starts_with(
            "respond 200 with the value of the field `challenge` of the body as text to this POST request: Slack sends it"
        ),
        "{hint}"
    );
    // As one does that reads a member of events that the handshake lacks.
    let crashing = Handler::new(|message| {
        let is_handshake = String::from_utf8_lossy(&message.body).contains("url_verification");
        Reply::Status(if is_handshake { 500 } else { 200 })
    });
    let report = Report::of(&check(&dir, &crashing.url("/slack")).args(["--case", "handshake"]).exits(1));
    assert_eq!(text(report.case("handshake"), "/hint"), hint);
    let handler = Handler::new(|message| Reply::Status(if message.start.starts_with("GET ") { 404 } else { 200 }));
    let report = Report::of(&check(&dir, &handler.url("/whatsapp")).args(["--case", "handshake"]).exits(1));
    let hint = text(report.case("handshake"), "/hint");
    let start = "respond 200 with the value of the query parameter `hub.challenge` as text to this GET request, which is not signed: ";
    assert!(hint.starts_with(start), "{hint}");
}

#[test]
fn one_that_crashes_on_an_unknown_event() {
    let handler = Handler::new(|message| {
        let payload: Value = serde_json::from_slice(&message.body).unwrap_or_default();
        let known = ["task.progress", "task.completed", "task.failed"].map(Value::from);
        Reply::Status(if !aspect_signed(message) || known.contains(&payload["event_type"]) {
            aspect(message)
        } else {
            500
        })
    });
    let report = fails(&handler, "/aspect", &["event-unknown"], "a default branch is enough");
    let message = "event_type=hookdev.unknown: 500: the handler failed on an unknown event type";
    assert_eq!(text(report.case("event-unknown"), "/message"), message);
}

#[test]
fn one_that_limits_the_rate() {
    let accepted = Mutex::new(0);
    let handler = Handler::new(move |message| {
        let status = aspect(message);
        let mut accepted = accepted.lock().unwrap();
        *accepted += usize::from(status == 200);
        // All valid deliveries before the burst, and a few of it.
        Reply::Status(if status == 200 && *accepted > 21 { 429 } else { status })
    });
    fails(&handler, "/aspect", &["burst"], "rate-limits requests");
}

#[test]
fn one_that_refuses_with_the_status_of_a_success() {
    // No word of a refusal: the response only differs from that to a valid delivery.
    let refusing = |body: &'static str| {
        Handler::new(move |message| match aspect(message) {
            200 => Reply::Says(200, b"{\"ok\":true}"),
            _ => Reply::Says(200, body.as_bytes()),
        })
    };
    let others = ["header-missing", "timestamp-garbage", "timestamp-stale", "timestamp-future", "body-malformed"];
    let failed = [&FORGERIES[..], &others].concat();
    for body in ["{\"status\":\"invalid\"}", ""] {
        let report = fails(&refusing(body), "/aspect", &failed, "the handler seems to refuse this one");
        let hint = "the response differs from those to valid deliveries, so the handler seems to refuse this one; but 200 means success, and the provider looks only at the status: respond 401";
        for name in &failed {
            assert_eq!(text(report.case(name), "/hint"), hint, "{name}");
        }
    }
}

#[test]
fn one_that_redirects_what_it_refuses() {
    let handler = Handler::new(|message| Reply::Status(if aspect(message) == 200 { 200 } else { 302 }));
    let others = ["header-missing", "timestamp-garbage", "timestamp-stale", "timestamp-future", "body-malformed"];
    let hint = "redirects what it refuses: respond 401 instead";
    fails(&handler, "/aspect", &[&FORGERIES[..], &others].concat(), hint);
}

#[test]
fn one_that_decodes_the_body_before_it_verifies() {
    // Python's bytes.decode() raises for such bytes.
    let handler = Handler::new(|message| {
        Reply::Status(if str::from_utf8(&message.body).is_err() { 500 } else { aspect(message) })
    });
    let report = fails(&handler, "/aspect", &["body-malformed"], "verify the bytes of the body before you decode them");
    let message = "bytes that are not UTF-8: failed (500) instead of rejecting the request with a 4xx: it is unsigned and not even JSON";
    assert_eq!(text(report.case("body-malformed"), "/message"), message);
}

#[test]
fn one_that_crashes_on_an_empty_body() {
    let handler = Handler::new(|message| Reply::Status(if message.body.is_empty() { 500 } else { aspect(message) }));
    let report = fails(&handler, "/aspect", &["body-malformed"], "before you parse the body");
    let message =
        "an empty body: failed (500) instead of rejecting the request with a 4xx: it is unsigned and not even JSON";
    assert_eq!(text(report.case("body-malformed"), "/message"), message);
}
