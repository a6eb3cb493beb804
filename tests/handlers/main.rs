//! `check` and `send` against real handlers: in Node on Express and in Python on `FastAPI`, with Svix's own libraries.
//! Correct handlers pass, a handler with one fault fails exactly the cases for that fault, and each known fault of the
//! providers' own samples is found. The expected failures come from each handler's code, not from the output of
//! `check`. `load` sends many deliveries to handlers that fail during the run. `pages` checks the handlers of
//! `docs/handlers.md`, and `repairs` follows the hints.

mod handler;
mod load;
#[path = "../machine/mod.rs"]
mod machine;
#[path = "../packages/mod.rs"]
mod packages;
#[cfg(unix)]
mod pages;
mod program;
#[cfg(unix)]
mod recipes;
#[cfg(unix)]
mod repairs;

use std::{fs, path::Path, time::Duration};

use handler::{Handler, handlers, node, python};
use program::{check, check_patiently, send_all};

/// How long anything may take before a test fails: far longer than needed.
const PATIENCE: Duration = Duration::from_secs(240);

/// The secret that a handler and the program share.
const SECRETS: [(&str, &str); 6] = [
    ("ASPECT_WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ("CYANITE_WEBHOOK_SECRET", "what Cyanite and the handler share"),
    ("GITHUB_WEBHOOK_SECRET", "what GitHub and the handler share"),
    ("JEWELMUSIC_WEBHOOK_SECRET", "what JewelMusic and the handler share"),
    ("SHOPIFY_WEBHOOK_SECRET", "what Shopify and the handler share"),
    ("SLACK_SIGNING_SECRET", "what Slack and the handler share"),
];

/// The cases that fail for a handler that never verifies.
const FORGERIES: [&str; 6] = [
    "body-tampered",
    "secret-wrong",
    "signature-missing",
    "signature-truncated",
    "signature-empty",
    "signature-garbage",
];

/// The cases that do not apply to a provider without timestamps and with one signature per delivery.
const OF_SVIX_ALONE: [&str; 6] = [
    "header-missing",
    "timestamp-garbage",
    "timestamp-stale",
    "timestamp-future",
    "signature-rotated",
    "version-unknown",
];

/// The cases that do not apply to a provider that signs nothing.
fn of_signatures() -> Vec<&'static str> {
    [&FORGERIES[..], &OF_SVIX_ALONE, &["body-reserialised", "body-malformed"]].concat()
}

/// Checks that a handler passes every case that applies to the provider.
#[track_caller]
fn is_correct(handler: Option<Handler>, provider: &str, senseless: &[&str]) {
    let Some(handler) = handler else { return };
    send_all(&handler, provider);
    check_patiently(&handler, provider).passes(senseless);
}

/// Checks that exactly these cases find a handler's fault.
#[track_caller]
fn is_faulty(handler: Option<Handler>, provider: &str, cases: &[&str]) {
    let Some(handler) = handler else { return };
    check(&handler, provider).fails(cases);
}

/// Checks that a handler accepts nothing, and that this is reported as the cause.
#[track_caller]
fn accepts_nothing(handler: Option<Handler>, provider: &str, cause: &str) {
    let Some(handler) = handler else { return };
    check(&handler, provider).blames(cause).stops_at_the_first_delivery();
}

#[test]
fn correct_handlers_of_aspect_pass() {
    is_correct(node("correct/aspect.js"), "aspect", &[]);
    is_correct(python("correct/aspect.py"), "aspect", &[]);
}

#[test]
fn correct_handlers_of_auphonic_pass() {
    is_correct(node("correct/auphonic.js"), "auphonic", &of_signatures());
    is_correct(python("correct/auphonic.py"), "auphonic", &of_signatures());
}

#[test]
fn correct_handlers_of_cyanite_pass() {
    is_correct(node("correct/cyanite.js"), "cyanite", &OF_SVIX_ALONE);
    is_correct(python("correct/cyanite.py"), "cyanite", &OF_SVIX_ALONE);
}

#[test]
fn a_correct_handler_of_jewelmusic_passes() {
    is_correct(node("correct/jewelmusic.js"), "jewelmusic", &OF_SVIX_ALONE);
}

#[test]
fn a_handler_that_never_verifies_accepts_every_forgery() {
    // It accepts an empty body, too.
    let cases = [&FORGERIES[..], &["body-malformed"]].concat();
    is_faulty(node("faulty/cyanite-never-verifies.js"), "cyanite", &cases);
    let others = ["header-missing", "timestamp-garbage", "timestamp-stale", "timestamp-future", "body-malformed"];
    let cases = [&FORGERIES[..], &others].concat();
    is_faulty(python("faulty/aspect_never_verifies.py"), "aspect", &cases);
}

#[test]
fn a_handler_that_reserialises_the_body_is_found() {
    is_faulty(node("faulty/jewelmusic-reserialises.js"), "jewelmusic", &["body-reserialised"]);
    // Python escapes what is not ASCII, and raises an exception for what is not JSON.
    let cases = ["body-reserialised", "body-unicode", "body-malformed"];
    is_faulty(python("faulty/aspect_reserialises.py"), "aspect", &cases);
}

#[test]
fn a_handler_that_reserialises_with_spaces_accepts_nothing() {
    accepts_nothing(python("faulty/cyanite_reserialises_with_blanks.py"), "cyanite", "json.dumps");
}

#[test]
fn a_handler_that_compares_without_a_length_check_crashes() {
    let cases = ["signature-missing", "signature-truncated", "signature-empty", "signature-garbage", "body-malformed"];
    is_faulty(node("faulty/jewelmusic-crashes-on-another-length.js"), "jewelmusic", &cases);
}

#[test]
fn a_handler_that_assumes_the_header_crashes_without_it() {
    is_faulty(python("faulty/cyanite_wants_the_header.py"), "cyanite", &["signature-missing", "body-malformed"]);
}

#[test]
fn a_handler_that_catches_only_one_library_error_crashes_on_another() {
    // The library decodes the body, so that bytes that are not UTF-8 are another error.
    let cases = ["signature-garbage", "body-malformed"];
    is_faulty(python("faulty/aspect_catches_one_error.py"), "aspect", &cases);
}

#[test]
fn a_handler_that_ignores_the_timestamp_accepts_old_and_future_ones() {
    let cases = ["timestamp-garbage", "timestamp-stale", "timestamp-future"];
    is_faulty(node("faulty/aspect-ignores-the-timestamp.js"), "aspect", &cases);
}

#[test]
fn a_handler_that_responds_204_fails_for_cyanite() {
    let bodies = ["body-reserialised", "body-unicode", "body-large", "body-empty-values"];
    let cases = [&["event-accepted"], &bodies[..], &["delivery-duplicated", "burst"]].concat();
    is_faulty(node("faulty/cyanite-answers-204.js"), "cyanite", &cases);
}

#[test]
fn a_handler_that_redirects_fails() {
    accepts_nothing(node("faulty/cyanite-redirects.js"), "cyanite", "redirect");
    accepts_nothing(python("faulty/cyanite_redirects_to_a_slash.py"), "cyanite", "redirect");
}

#[test]
fn a_handler_that_takes_4_seconds_fails_for_cyanite() {
    accepts_nothing(node("faulty/cyanite-takes-4-seconds.js"), "cyanite", "3 s");
}

#[test]
fn a_handler_that_parses_one_encoding_fails_for_the_other() {
    is_faulty(node("faulty/auphonic-knows-urlencoded-only.js"), "auphonic", &["encoding-multipart"]);
    is_faulty(python("faulty/auphonic_compares_the_content_type.py"), "auphonic", &["encoding-multipart"]);
}

#[test]
fn a_handler_that_compares_only_the_first_signature_cannot_rotate() {
    let cases = ["signature-rotated", "version-unknown"];
    is_faulty(node("faulty/aspect-compares-the-first-signature.js"), "aspect", &cases);
}

#[test]
fn a_handler_that_crashes_on_unknown_events_is_found() {
    is_faulty(node("faulty/jewelmusic-fails-on-unknown-events.js"), "jewelmusic", &["event-unknown"]);
    is_faulty(python("faulty/aspect_fails_on_unknown_events.py"), "aspect", &["event-unknown"]);
}

#[test]
fn a_handler_that_refuses_duplicates_is_found() {
    is_faulty(node("faulty/jewelmusic-refuses-duplicates.js"), "jewelmusic", &["delivery-duplicated"]);
    is_faulty(python("faulty/aspect_refuses_duplicates.py"), "aspect", &["delivery-duplicated"]);
}

#[test]
fn a_handler_that_reads_another_charset_is_found() {
    is_faulty(node("faulty/cyanite-reads-latin-1.js"), "cyanite", &["body-unicode"]);
}

#[test]
fn a_handler_that_limits_the_body_is_found() {
    let Some(handler) = node("faulty/cyanite-limits-the-body.js") else { return };
    let checked = check(&handler, "cyanite");
    checked.blames("64 kib was accepted").blames("limit: '2mb'").fails(&["body-large"]);
}

#[test]
fn a_handler_that_parses_json_first_accepts_nothing() {
    let cause = "app.use(express.json()) runs before express.raw()";
    accepts_nothing(node("faulty/cyanite-parses-json-first.js"), "cyanite", cause);
}

#[test]
fn a_handler_that_parses_json_only_accepts_no_form() {
    accepts_nothing(node("faulty/auphonic-parses-json-only.js"), "auphonic", "parse the body by its media type");
}

#[test]
fn a_handler_that_reads_the_timestamp_first_crashes() {
    let cases = ["header-missing", "timestamp-garbage"];
    is_faulty(python("faulty/aspect_reads_the_timestamp_first.py"), "aspect", &cases);
}

#[test]
fn three_samples_reserialise_and_limit_the_body() {
    is_faulty(node("samples/aspect.js"), "aspect", &["body-reserialised", "body-large"]);
    is_faulty(node("samples/cyanite.js"), "cyanite", &["body-reserialised", "body-large"]);
    let crashes = ["signature-missing", "signature-truncated", "signature-empty", "signature-garbage"];
    let cases = [&["body-reserialised", "body-large", "body-malformed"], &crashes[..]].concat();
    is_faulty(node("samples/jewelmusic.js"), "jewelmusic", &cases);
}

#[test]
fn the_python_sample_crashes_on_an_unexpected_header() {
    is_faulty(python("samples/aspect.py"), "aspect", &["signature-garbage", "body-malformed"]);
}

#[test]
fn every_handler_has_a_test() {
    let tests = concat!(include_str!("load.rs"), include_str!("main.rs"), include_str!("repairs.rs"));
    for language in ["node", "python"] {
        for kind in ["correct", "faulty", "repairs", "samples"] {
            let dir = handlers(language).join(kind);
            for file in fs::read_dir(&dir).expect("handlers").map(|entry| entry.expect("a handler").path()) {
                let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
                let call = format!("{language}(\"{}\")", Path::new(kind).join(name).display());
                assert!(tests.contains(&call.replace('\\', "/")), "no test has {call}");
            }
        }
    }
}
