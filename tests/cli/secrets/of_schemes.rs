//! Providers with a secret for each scheme: each one signs and verifies with its own, whichever of the variables are
//! set.

use std::fs;

use crate::harness::{Dir, TestCommand};

const BOX: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/documented/box");

const PRIMARY: (&str, &str) = ("BOX_PRIMARY_KEY", "one");
const SECONDARY: (&str, &str) = ("BOX_SECONDARY_KEY", "two");

/// The signatures of the delivery that `sent` prints, by Python's `hmac`.
const BY_ONE: &str = "box-signature-primary zWto4WWVsx8xlm1hex7CA7NXSGOpmxhft9XS78a+f/M=";
const BY_TWO: &str = "box-signature-secondary 1SLx4bN2ryI4pzfiyYsaW+SYlMKhGosA441BbIR10ys=";

fn with(command: TestCommand, variables: &[(&str, &str)]) -> TestCommand {
    variables.iter().fold(command, |command, (name, value)| command.env(name, value))
}

/// The signatures that are sent with these variables.
fn sent(variables: &[(&str, &str)], arguments: &[&str]) -> Vec<String> {
    let dir = Dir::new();
    let send = dir.hookdev().args(["--providers", BOX, "send", "box.COMMENT.CREATED", "--print", "json"]);
    let send = send.args(["--now", "2026-03-02T09:18:45Z", "--id", "0b0e5c1a-1111-4222-8333-444455556666"]);
    let line = with(send.args(arguments), variables).exits(0).line();
    let headers = line["headers"].as_array().unwrap().iter();
    let headers = headers.map(|header| format!("{} {}", header[0].as_str().unwrap(), header[1].as_str().unwrap()));
    headers.filter(|header| header.starts_with("box-signature-") && header.ends_with('=')).collect()
}

#[test]
fn each_scheme_is_signed_with_the_secret_of_its_own_variable_or_not_at_all() {
    assert_eq!(sent(&[PRIMARY], &[]), [BY_ONE]);
    assert_eq!(sent(&[SECONDARY], &[]), [BY_TWO]);
    assert_eq!(sent(&[PRIMARY, SECONDARY], &[]), [BY_ONE, BY_TWO]);
    let reversed = ["--secret", "env:BOX_SECONDARY_KEY", "--secret", "env:BOX_PRIMARY_KEY"];
    assert_eq!(sent(&[PRIMARY, SECONDARY], &reversed), [BY_ONE, BY_TWO]);
    assert_eq!(sent(&[], &["--secret", "one", "--secret", "two"]), [BY_ONE, BY_TWO]);
}

#[test]
fn a_script_signs_with_every_secret_that_is_set_and_no_other() {
    let dir = Dir::new();
    for (variables, calls) in [
        (&[PRIMARY][..], "sign_box({"),
        (&[SECONDARY], "sign_box({"),
        (&[PRIMARY, SECONDARY], "sign_box_secondary(sign_box({"),
        (&[], "sign_box_secondary(sign_box({"),
    ] {
        let send = ["--providers", BOX, "send", "box.COMMENT.CREATED", "--to", "http://127.0.0.1:9/", "--print"];
        let script = |format: &str| with(dir.hookdev().args(send).arg(format), variables).exits(0).text().to_owned();
        let (k6, locust) = (script("k6"), script("locust"));
        assert!(k6.contains(&format!("return {calls}")), "{k6}");
        assert!(locust.contains(&format!("return {}Request(", calls.trim_end_matches('{'))), "{locust}");
        for (name, _) in [PRIMARY, SECONDARY] {
            let is_read = variables.is_empty() || variables.iter().any(|(set, _)| *set == name);
            let call = format!("secret(\"{name}\")");
            assert_eq!((k6.contains(&call), locust.contains(&call)), (is_read, is_read), "{name}");
        }
    }
}

#[test]
fn a_scheme_is_verified_with_the_secret_of_its_own_variable() {
    let dir = Dir::new();
    // The capture has Box's own vector, signed with both keys.
    let capture = format!("{BOX}/capture.json");
    let verify = |variables: &[(&str, &str)], code| {
        let verify = dir.hookdev().args(["--providers", BOX, "verify", &capture, "--json"]);
        with(verify, variables).exits(code).line()
    };
    let (primary, secondary) = ("SamplePrimaryKey", "SampleSecondaryKey");
    for (variables, secret) in [
        (&[("BOX_PRIMARY_KEY", primary)][..], "env:BOX_PRIMARY_KEY"),
        (&[("BOX_SECONDARY_KEY", secondary)], "env:BOX_SECONDARY_KEY"),
        (&[("BOX_PRIMARY_KEY", "another"), ("BOX_SECONDARY_KEY", secondary)], "env:BOX_SECONDARY_KEY"),
    ] {
        assert_eq!(verify(variables, 0)["secret"], secret);
    }
    let mixed_up = verify(&[("BOX_PRIMARY_KEY", secondary), ("BOX_SECONDARY_KEY", primary)], 1);
    assert_eq!(mixed_up["findings"][0]["code"], "secret-of-other-scheme", "{mixed_up}");
    assert_eq!(verify(&[], 1)["rejection"]["code"], "no-matching-signature");
}

#[test]
fn the_variable_to_set_is_that_of_the_scheme_that_signed() {
    let dir = Dir::new();
    let capture = fs::read_to_string(format!("{BOX}/capture.json")).unwrap();
    assert!(capture.contains("\"box-signature-primary\""));
    let warning = |capture: String| {
        let verify = dir.hookdev().args(["--providers", BOX, "verify", "-", "--json"]).stdin(capture).exits(1).line();
        verify["warnings"][0].as_str().unwrap().to_owned()
    };
    let tried = "only the public development secret was tried; set";
    assert_eq!(
        warning(capture.clone()),
        format!("{tried} BOX_PRIMARY_KEY or BOX_SECONDARY_KEY or add --secret box=… to use Box's own secret")
    );
    assert_eq!(
        warning(capture.replace("\"box-signature-primary\"", "\"x-removed\"")),
        format!("{tried} BOX_SECONDARY_KEY or add --secret box=… to use Box's own secret")
    );
}

#[test]
fn listen_and_check_use_the_variable_that_is_set() {
    let dir = Dir::new();
    let mut listener = with(dir.listen().args(["--providers", BOX]), &[SECONDARY]).starts();
    let check = |variables: &[(&str, &str)], code| {
        let check = dir.hookdev().args(["--providers", BOX, "check", "--provider", "box", "--case", "event-accepted"]);
        with(check.args(["--to", &listener.url("/box")]), variables).exits(code)
    };
    check(&[SECONDARY], 0);
    check(&[PRIMARY], 1);
    assert_eq!(listener.next()["secret"], "env:BOX_SECONDARY_KEY");
}

#[test]
fn a_signing_key_is_never_sent_as_the_token_of_another_scheme() {
    let dir = Dir::new();
    let key = "whsec_c29tZS1vdGhlci1rZXktb2Ytb3Vycw==";
    for (source, variable) in [("env:GITLAB_WEBHOOK_SIGNING_TOKEN", key), (key, "")] {
        let send = dir.hookdev().args(["send", "gitlab.push", "--print", "json", "--secret"]);
        let send = send.arg(format!("gitlab={source}")).env("GITLAB_WEBHOOK_SIGNING_TOKEN", variable);
        let finished = send.exits(0);
        let printed = finished.text();
        assert!(printed.contains("webhook-signature") && !printed.contains("whsec_"), "{printed}");
    }
}
