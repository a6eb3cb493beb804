//! Handlers repaired by the hints of `check` alone: each file serves a faulty handler and the same one after its hints
//! were followed to the letter. The table says which cases find the fault, and the words of each hint that lead to the
//! repair.

use super::{
    FORGERIES, OF_SVIX_ALONE,
    handler::{Handler, go, node, python},
    of_signatures,
    program::check_at,
};

/// What a case says about the faulty handler: its name, and the words of its hint that matter.
type Said<'a> = (&'a str, &'a str);

/// Checks that exactly these cases find the fault, each with its hint, and that the repaired handler passes all but
/// those that don't apply to the provider.
#[track_caller]
fn is_repaired(handler: Option<Handler>, provider: &str, said: &[Said<'_>], senseless: &[&str]) {
    let Some(handler) = handler else { return };
    let faulty = check_at(&handler.at("/faulty"), provider);
    faulty.fails(&said.iter().map(|(case, _)| *case).collect::<Vec<_>>());
    for (case, words) in said {
        faulty.advises(case, words);
    }
    check_at(&handler.at("/repaired"), provider).passes(senseless);
}

/// The cases that don't apply to Slack, whose header has one signature.
const OF_LISTS: [&str; 2] = ["signature-rotated", "version-unknown"];

#[test]
fn a_handler_that_responds_before_it_verifies() {
    let words = "respond after verifying";
    let cases = [&FORGERIES[..], &["body-malformed"]].concat();
    let said: Vec<Said<'_>> = cases.iter().map(|case| (*case, words)).collect();
    is_repaired(node("repairs/cyanite-responds-before-it-verifies.js"), "cyanite", &said, &OF_SVIX_ALONE);
}

#[test]
fn a_handler_that_knows_no_handshake_and_ignores_the_timestamp() {
    let time = "reject deliveries that are more than 5 min off, or whose timestamp is not a number";
    let said = [
        ("handshake", "respond 200 with the value of the field `challenge` of the body as text"),
        ("timestamp-garbage", time),
        ("timestamp-stale", time),
        ("timestamp-future", time),
    ];
    is_repaired(node("repairs/slack-knows-no-handshake.js"), "slack", &said, &OF_LISTS);
}

#[test]
fn a_handler_that_compares_with_nan() {
    let said = [
        ("timestamp-garbage", "respond 401 unless the timestamp is a whole number"),
        ("timestamp-future", "compare the timestamp with the clock in both directions"),
    ];
    is_repaired(node("repairs/aspect-compares-with-nan.js"), "aspect", &said, &[]);
}

#[test]
fn a_handler_that_compares_a_buffer_with_a_text() {
    let said = [("event-accepted", "compare text with text, as hexdigest() and digest('hex') return it")];
    is_repaired(node("repairs/github-compares-a-buffer-with-a-text.js"), "github", &said, &OF_SVIX_ALONE);
}

#[test]
fn a_handler_behind_a_login() {
    let said = [("event-accepted", "exempt this route from authentication")];
    is_repaired(node("repairs/github-wants-a-login.js"), "github", &said, &OF_SVIX_ALONE);
    is_repaired(python("repairs/github_wants_a_token.py"), "github", &said, &OF_SVIX_ALONE);
}

#[test]
fn a_handler_that_checks_a_model_first() {
    let said = [("event-accepted", "take the raw request (request: Request in FastAPI), verify its bytes")];
    is_repaired(python("repairs/github_checks_a_model.py"), "github", &said, &OF_SVIX_ALONE);
}

#[test]
fn a_handler_that_verifies_a_dictionary() {
    let said = [("event-accepted", "it re-serialises the JSON, or it reads only a part of the body")];
    is_repaired(python("repairs/aspect_verifies_a_dictionary.py"), "aspect", &said, &[]);
}

#[test]
fn a_handler_that_refuses_with_the_status_of_a_success() {
    let words = "the provider looks only at the status: respond 401";
    let others = ["header-missing", "timestamp-garbage", "timestamp-stale", "timestamp-future", "body-malformed"];
    let cases = [&FORGERIES[..], &others].concat();
    let said: Vec<Said<'_>> = cases.iter().map(|case| (*case, words)).collect();
    is_repaired(python("repairs/aspect_refuses_with_200.py"), "aspect", &said, &[]);
}

#[test]
fn a_handler_that_reads_latin_1_and_expects_every_header() {
    let said = [
        ("body-unicode", "Verify the raw bytes, and decode them as UTF-8"),
        ("signature-missing", "check that the `x-slack-signature` header exists before you read it"),
        ("signature-garbage", "compare bytes, with .encode() on both sides"),
        ("header-missing", "check that each signed header exists before you read it"),
        ("timestamp-garbage", "respond 401 unless the timestamp is a whole number"),
        ("timestamp-future", "compare the timestamp with the clock in both directions"),
        ("body-malformed", "check that the `x-slack-signature` header exists before you read it"),
    ];
    is_repaired(python("repairs/slack_reads_latin_1.py"), "slack", &said, &OF_LISTS);
}

#[test]
fn a_handler_in_go_that_reads_one_piece_of_the_body() {
    let said = [("event-accepted", "io.ReadAll in Go, because r.Body.Read returns one piece")];
    is_repaired(go("github_reads_one_piece.go"), "github", &said, &OF_SVIX_ALONE);
}

#[test]
fn a_handler_of_forms_that_parses_json_only() {
    let said = [("event-accepted", "express.urlencoded() and multer().none() (npm install multer) in Express")];
    is_repaired(node("repairs/auphonic-parses-json-only.js"), "auphonic", &said, &of_signatures());
    let said = [("event-accepted", "await request.form() in FastAPI (pip install python-multipart)")];
    is_repaired(python("repairs/auphonic_parses_json_only.py"), "auphonic", &said, &of_signatures());
    let said = [("event-accepted", "the delivery is a urlencoded form, but the handler parses only JSON")];
    is_repaired(go("auphonic_parses_json_only.go"), "auphonic", &said, &of_signatures());
}

#[test]
fn a_handler_that_fails_on_a_signature_that_is_not_ascii() {
    let said = [("signature-garbage", "compare those of the Buffers first, not those of the strings")];
    is_repaired(node("repairs/github-compares-lengths-of-texts.js"), "github", &said, &OF_SVIX_ALONE);
    let said = [("signature-garbage", "compare bytes, with .encode() on both sides")];
    is_repaired(python("repairs/github_compares_texts.py"), "github", &said, &OF_SVIX_ALONE);
}

#[test]
fn a_handler_that_expects_another_encoding_of_the_signature() {
    let said = [("event-accepted", "encode the bytes of your own signature as base64, .digest('base64') in Node.js")];
    is_repaired(node("repairs/shopify-expects-hex.js"), "shopify", &said, &OF_SVIX_ALONE);
}

#[test]
fn a_handler_behind_a_proxy_that_removes_the_signature() {
    let said = [(
        "event-accepted",
        "check that it reads `x-hub-signature-256`, that nginx, which the responses pass through, forwards",
    )];
    is_repaired(node("repairs/github-is-behind-a-proxy.js"), "github", &said, &OF_SVIX_ALONE);
}
