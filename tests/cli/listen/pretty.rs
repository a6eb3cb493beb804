//! How a delivery looks in a terminal.

use crate::{
    difference::assert_text,
    harness::{AUPHONIC, CYANITE, CYANITE_HEADERS, Dir, Endpoint, NO_SECRETS, gzip, is_elapsed, post, respond, text},
};

/// A request: path, headers, body.
type Request<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [u8]);

/// A warning about the likely cause, which a proven one replaces.
const LIKELY: &str = "  warning: only the public development secret was tried; ";

/// Sends requests at a fixed time; what is printed, without response times.
#[track_caller]
fn shown(options: &[&str], requests: &[Request<'_>]) -> String {
    let fixed = ["--now", "2025-01-01T12:00:00.25Z", "--expect", "cyanite.v1.test"];
    let dir = Dir::new();
    let command = dir.hookdev().args(["listen", "--addr", "127.0.0.1:0"]).args(fixed).args(options);
    let mut listener = command.starts_for_people();
    for (path, headers, body) in requests {
        // It is printed after its response, with its explanation if it has a signature.
        if post(&listener.url(path), headers, body).status() == 401 {
            let is_signed = headers.iter().any(|(name, _)| *name == "signature");
            let is_proven = is_signed && !options.contains(&"mine");
            listener.prints(match is_signed {
                true if is_proven => "\n  hint: ",
                true => "  unexplained: ",
                false => "rejected      ",
            });
        }
    }
    // Cyanite's test event marks the end of the output.
    post(&listener.url("/cyanite"), &[], r#"{"type":"TEST","data":null}"#);
    let shown = listener.exits(0);
    let lines = shown.text().lines().take_while(|line| !line.contains("  cyanite.v1.test  "));
    // On a busy machine the explanation follows the delivery, which then has a warning about the likely cause.
    let is_late = shown.text().contains("#1 explained:\n");
    let is_of_late = |line: &str| line == "#1 explained:" || line.starts_with(LIKELY);
    lines.filter(|line| !(is_late && is_of_late(line))).map(without_elapsed).collect()
}

/// Removes durations from a line.
fn without_elapsed(line: &str) -> String {
    let words: Vec<&str> = line.split("  ").filter(|word| !is_elapsed(word)).collect();
    format!("{}\n", words.join("  "))
}

/// The headline of a request that no provider matches, why, and what to do.
const UNRECOGNISED: &str = "unrecognised  200  #1  12:00:00.250  POST /hooks\n  \
    warning: not verified, because no provider was recognised: the path doesn't name one, and neither the headers nor the body match one; \
    send it to a path that names the provider, such as /stripe, or add --provider; \
    `hookdev providers` lists the providers, and --providers DIR adds your own\n";

const CYANITE_SHOWN: &str = r#"  {
    "version": "2",
    "resource": {
      "type": "LibraryTrack",
      "id": "999"
    },
    "event": {
      "type": "AudioAnalysisV6",
      "status": "finished"
    }
  }
"#;

#[test]
fn a_verified_delivery_has_a_headline_a_summary_and_its_payload() {
    let headline = "verified (development)  cyanite.v2.finished  200  #1  12:00:00.250  POST /cyanite?a=b\n  \
                    LibraryTrack 999  AudioAnalysisV6 finished\n";
    let shown = shown(&[], &[("/cyanite?a=b", &CYANITE_HEADERS, CYANITE.as_bytes())]);
    assert_text(&shown, &format!("{headline}{CYANITE_SHOWN}"), "stdout");
}

#[test]
fn a_rejected_delivery_says_why() {
    let shown = shown(&["--body", "none", "--secret", "mine"], &[("/cyanite", &CYANITE_HEADERS, b"{}")]);
    let expected = "rejected      cyanite  401  #1  12:00:00.250  POST /cyanite\n  \
                    no-matching-signature: the signature doesn't match this body with the configured secret\n";
    let (before, unexplained) = shown.split_once("  unexplained: ").unwrap();
    assert_text(before, expected, "stdout");
    let (finding, hint) = unexplained.split_once('\n').unwrap();
    // The search of `listen` is limited by processor time, which a busy machine gives less of.
    let finding = finding.replace(" variants tried, the rest skipped for lack of time:", " variants tried:");
    assert!(finding.ends_with(" variants tried): most likely a different secret or a changed body"), "{shown}");
    assert!(hint.starts_with("  hint: compare the secret with the one in the provider's dashboard"), "{shown}");
}

#[test]
fn a_rejected_delivery_shows_its_proven_cause() {
    let spaced = CYANITE.replace(':', ": ");
    let shown = shown(&["--body", "none"], &[("/cyanite", &CYANITE_HEADERS, spaced.as_bytes())]);
    let finding = "  body-reserialised: the signature covers the same JSON without whitespace, as written by most JSON libraries, such as JavaScript's JSON.stringify: ";
    assert!(shown.contains(finding), "{shown}");
    assert!(shown.contains("\n  hint: sign, forward and verify the raw bytes, "), "{shown}");
    assert!(!shown.contains("warning"), "{shown}");
}

#[test]
fn an_unrecognised_request_says_so() {
    let shown = shown(&[], &[("/hooks", &[], b"hello\nthere\n")]);
    assert_text(&shown, &format!("{UNRECOGNISED}  hello\n  there\n"), "stdout");
}

#[test]
fn a_form_is_shown_as_its_fields() {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let shown = shown(&[], &[("/auphonic", &form, AUPHONIC.as_bytes())]);
    let expected = "unsigned      auphonic.done  200  #1  12:00:00.250  POST /auphonic\n  \
                    production zeigtvDv8jH6NaK52Z5eXH  Done\n  \
                    status         3\n  status_string  Done\n  uuid           zeigtvDv8jH6NaK52Z5eXH\n";
    assert_text(&shown, expected, "stdout");
}

#[test]
fn json_is_shown_with_its_own_text() {
    let body = r#"{"n":1.0,"e":1e400,"big":12345678901234567890,"n":2,"u":"\u00e9\/","p":0.1000000000000000055,"é":[],"o":{}}"#;
    let shown = shown(&[], &[("/hooks", &[], body.as_bytes())]);
    let expected = r#"  {
    "n": 1.0,
    "e": 1e400,
    "big": 12345678901234567890,
    "n": 2,
    "u": "\u00e9\/",
    "p": 0.1000000000000000055,
    "é": [],
    "o": {}
  }
"#;
    assert_text(&shown, &format!("{UNRECOGNISED}{expected}"), "stdout");
}

#[test]
fn a_compressed_payload_is_shown_decoded() {
    let encoded = [("content-encoding", "gzip")];
    let shown = shown(&[], &[("/cyanite", &encoded, &gzip(CYANITE.as_bytes()))]);
    assert!(shown.ends_with(CYANITE_SHOWN), "{shown}");
}

#[test]
fn body_chooses_how_much_of_a_payload_is_shown() {
    let items: Vec<String> = (0..500).map(|number| format!("\"item {number}\"")).collect();
    let long = format!("[{}]", items.join(","));
    let request: Request<'_> = ("/hooks", &[], long.as_bytes());
    assert_eq!(shown(&["--body", "none"], &[request]), UNRECOGNISED);
    let summary = shown(&["--body", "summary"], &[request]);
    assert!(summary.contains("\"item 0\",\n") && !summary.contains("\"item 499\""), "{summary}");
    assert!((30..=70).contains(&summary.lines().count()), "{summary}");
    assert_text(&shown(&[], &[request]), &summary, "stdout");
    let full = shown(&["--body", "full"], &[request]);
    assert_eq!(full.lines().count(), 504);
    assert!(full.ends_with("    \"item 499\"\n  ]\n"), "{full}");
}

/// The output after the first two lines of a verified delivery that is forwarded to this endpoint.
#[track_caller]
fn shown_of_forward(endpoint: &Endpoint) -> String {
    let options = ["--body", "none", "--forward", &format!("cyanite.v2.*={}", endpoint.url("/"))];
    let shown = shown(&options, &[("/cyanite", &CYANITE_HEADERS, CYANITE.as_bytes())]);
    shown.lines().skip(2).flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn a_forward_shows_its_status() {
    let endpoint = Endpoint::new([respond(200).body("not shown")]);
    assert_eq!(shown_of_forward(&endpoint), format!("  forwarded to {}  200\n", endpoint.url("/")));
}

#[test]
fn a_failed_forward_shows_the_start_of_its_response() {
    let endpoint = Endpoint::new([respond(500).body("Error: boom\n  at handler.js:3\n")]);
    let expected = format!(
        "  warning: Cyanite counts 500 as failed; it expects exactly 200\n  \
         forwarded to {}  500\n  response: Error: boom\n    at handler.js:3\n",
        endpoint.url("/")
    );
    assert_text(&shown_of_forward(&endpoint), &expected, "stdout");
}

#[test]
fn quiet_prints_a_delivery_that_the_provider_counts_as_failed() {
    let dir = Dir::new();
    // Cyanite counts no status but 200 as delivered.
    let endpoint = Endpoint::new([respond(204)]);
    let mut listener = dir.listen().args(["--quiet", "--forward", &endpoint.url("/")]).starts();
    let (response, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!((response.status(), &delivery["verdict"]), (204, &"verified".into()));
}

#[test]
fn quiet_prints_only_problems() {
    let dir = Dir::new();
    let mut listener = dir.listen().args(["--quiet", "--timeout", "60s", "--expect", "cyanite.v1.test"]).starts();
    post(&listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE);
    let (_, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, "{}");
    assert_eq!((&delivery["seq"], &delivery["verdict"]), (&2.into(), &"rejected".into()));
    post(&listener.url("/cyanite"), &[], r#"{"type":"TEST","data":null}"#);
    let finished = listener.exits(0);
    let lines = finished.lines();
    // On a busy machine the explanation is a line of its own.
    let kinds: Vec<&str> = lines.iter().map(|line| text(line, "/kind")).filter(|kind| *kind != "findings").collect();
    assert_eq!((kinds, finished.stderr.as_str()), (vec!["ready", "delivery"], NO_SECRETS));
}
