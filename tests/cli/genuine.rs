//! How far a delivery is trusted: verified, verified with the public development secret, or unsigned by design.

use serde_json::{Value, json};

#[cfg(unix)]
use crate::harness::UNTIL_END;
use crate::harness::{
    AUPHONIC, CYANITE, CYANITE_HEADERS, Dir, Endpoint, Listener, NO_SECRETS, TestCommand, capture, development_warning,
    respond, text,
};

mod reports;

const TEST: &str = r#"{"type":"TEST","data":null}"#;

/// Go's `encoding/json` reads this as a different event from the one that Cyanite sends unsigned.
const AMBIGUOUS: &str = r#"{"type":"TEST","data":null,"Type":"IN_DEPTH_ANALYSIS_FINISHED"}"#;

const FORM: [(&str, &str); 1] = [("content-type", "application/x-www-form-urlencoded")];

/// The warning of `listen` if the development secrets are not accepted.
const REJECTED: &str = "warning: no secret of your own is set for any provider, so their signed deliveries are rejected; \
     pass yours with --secret PROVIDER=SOURCE, or accept the public development secret with --allow-development\n";

/// A listener that forwards to an endpoint.
fn forwarding(dir: &Dir, endpoint: &Endpoint, options: &[&str]) -> Listener {
    dir.listen().args(["--forward", &endpoint.url("/")]).args(options).starts()
}

/// Checks that a delivery signed with the development secret is rejected, and why.
#[track_caller]
fn rejects_development(listener: &mut Listener, url: &str) {
    let response = crate::harness::post(url, &CYANITE_HEADERS, CYANITE);
    let delivery = listener.next();
    assert_eq!((response.status(), response.text()), (401, "rejected\n"));
    assert_eq!((text(&delivery, "/verdict"), &delivery["secret"]), ("rejected", &Value::Null));
    assert_eq!(
        delivery["rejection"],
        json!({
            "code": "no-matching-signature",
            "message": "the signature matches only the public development secret, with which anyone can sign",
        })
    );
    assert_eq!(
        listener.findings(&delivery),
        json!([{
            "code": "secret-development",
            "message": "only the public development secret was tried",
            "hint": "set CYANITE_WEBHOOK_SECRET or add --secret cyanite=… to use Cyanite's own secret",
        }])
    );
    assert_eq!((&delivery["warnings"], &delivery["forwards"]), (&json!([]), &json!([])));
}

#[test]
fn only_verified_rejects_the_development_secret_and_says_so() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(202)]));
    for quiet in [&[][..], &["--quiet"]] {
        let mut listener = forwarding(&dir, &endpoint, &[&["--only-verified"], quiet].concat());
        let url = listener.url("/cyanite");
        rejects_development(&mut listener, &url);
        endpoint.got_no_more();
        assert_eq!(listener.killed().stderr, REJECTED);
    }
}

#[test]
fn a_receiver_that_other_machines_can_reach_rejects_the_development_secret() {
    let dir = Dir::new();
    let listen = |options: &[&str]| {
        let command = dir.hookdev().args(["listen", "--addr", "0.0.0.0:0", "--format", "json", "--quiet"]);
        command.args(options).starts()
    };
    let mut listener = listen(&[]);
    let url = listener.url("/cyanite").replace("0.0.0.0", "127.0.0.1");
    rejects_development(&mut listener, &url);
    listener.says(REJECTED);
    let mut listener = listen(&["--allow-development", "--expect", "cyanite.v2.finished"]);
    listener.says(NO_SECRETS);
    let url = listener.url("/cyanite").replace("0.0.0.0", "127.0.0.1");
    assert_eq!(crate::harness::post(&url, &CYANITE_HEADERS, CYANITE).status(), 200);
    listener.exits(0);
}

#[test]
fn allow_development_accepts_it_with_a_warning() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(202)]));
    let mut listener = forwarding(&dir, &endpoint, &["--only-verified", "--allow-development", "--quiet"]);
    assert_eq!(crate::harness::post(&listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE).status(), 202);
    assert_eq!(endpoint.next().text(), CYANITE);
    listener.says(NO_SECRETS);
}

#[test]
fn only_verified_forwards_no_unsigned_delivery() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(202)]));
    let mut listener = forwarding(&dir, &endpoint, &["--only-verified", "--secret", "cyanite=mine"]);
    for (path, headers, body) in [("/cyanite", &[][..], TEST), ("/auphonic", &FORM, AUPHONIC)] {
        let (response, delivery) = listener.receives(path, headers, body);
        assert_eq!((response.status(), text(&delivery, "/verdict")), (200, "unsigned"));
        assert_eq!(delivery["warnings"], json!(["not forwarded: it is unsigned; add --allow-unsigned to forward it"]));
    }
    endpoint.got_no_more();
}

#[test]
fn allow_unsigned_forwards_only_what_is_exactly_as_documented() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let options = ["--only-verified", "--allow-unsigned", "--secret", "cyanite=mine"];
    let mut listener = forwarding(&dir, &endpoint, &options);
    for (path, headers, body) in [("/cyanite", &[][..], TEST), ("/auphonic", &FORM, AUPHONIC)] {
        let (response, delivery) = listener.receives(path, headers, body);
        assert_eq!((response.status(), &delivery["warnings"]), (200, &json!([])), "{delivery}");
        assert_eq!(endpoint.next().text(), body);
    }
    for (change, reason) in [
        ("&status=3", "/status is repeated"),
        ("&Status=2", "/Status differs from `status` only in case"),
        ("&admin=1", "/admin is not in the schema"),
    ] {
        let (response, delivery) = listener.receives("/auphonic", &FORM, format!("{AUPHONIC}{change}"));
        let warning = format!("not forwarded: it is unsigned, and not exactly as documented: {reason}");
        assert_eq!((response.status(), text(&delivery, "/verdict")), (200, "unsigned"));
        assert_eq!((&delivery["warnings"], &delivery["forwards"]), (&json!([warning]), &json!([])), "{change}");
    }
    let invalid = AUPHONIC.replace("Done", "Success");
    let (_, delivery) = listener.receives("/auphonic", &FORM, invalid);
    assert_eq!((text(&delivery, "/payload/status"), &delivery["forwards"]), ("invalid", &json!([])));
    endpoint.got_no_more();
}

#[test]
fn with_a_secret_set_an_unsigned_event_is_rejected_unless_it_is_exactly_as_documented() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(202)]));
    for options in [&["--only-verified", "--allow-unsigned"][..], &[]] {
        let options = [&["--secret", "cyanite=mine", "--expect", "cyanite.v1.test", "--timeout", "60s"], options];
        let mut listener = forwarding(&dir, &endpoint, &options.concat());
        let (_, delivery) = listener.receives("/cyanite", &[("content-type", "text/plain")], AMBIGUOUS);
        assert_eq!(text(&delivery, "/verdict"), "rejected");
        assert_eq!(delivery["rejection"], json!({"code": "missing-header", "message": "missing header `signature`"}));
        let warning =
            "Cyanite sends this event unsigned, but never with this payload: /Type differs from `type` only in case";
        let accepted = "your handler accepted a delivery that hookdev rejects: check that it verifies the signature";
        let warnings = if options[1].is_empty() { json!([warning, accepted]) } else { json!([warning]) };
        assert_eq!(delivery["warnings"], warnings);
        // It is not counted: the expectation is met by the next one.
        let (_, delivery) = listener.receives("/cyanite", &[], TEST);
        assert_eq!((&delivery["seq"], text(&delivery, "/verdict")), (&json!(2), "unsigned"));
        listener.exits(0);
    }
    assert_eq!(endpoint.next().text(), TEST);
    // Without --only-verified, everything is forwarded.
    assert_eq!((endpoint.next().text(), endpoint.next().text()), (AMBIGUOUS, TEST));
}

#[cfg(unix)]
#[test]
fn the_development_secret_counts_where_it_is_accepted() {
    let dir = Dir::new();
    let listen = || dir.listen().args(["--expect", "cyanite.v2.finished", "--count", "1"]);
    let mut local = listen().args(["--timeout", "60s"]).starts();
    local.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    local.exits(0);
    let mut strict = listen().arg("--only-verified").args(UNTIL_END).starts();
    strict.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    dir.write("end", "");
    strict.exits(1).says("error: missing deliveries: cyanite.v2.finished (0 of 1 received), 1 delivery (0 received)\n");
}

#[test]
fn a_users_secret_that_is_public_counts_as_a_development_secret() {
    let dir = Dir::new();
    let listen =
        dir.listen().arg("--only-verified").env("CYANITE_WEBHOOK_SECRET", "hookdev-development-secret-cyanite");
    let mut listener = listen.starts();
    let url = listener.url("/cyanite");
    rejects_development(&mut listener, &url);
    // Another provider's public secret is just as public.
    let flag = "cyanite=hookdev-development-secret-jewelmusic";
    let printed = dir.hookdev().args(["send", "cyanite.v2.finished", "--print", "http", "--secret", flag]).exits(0);
    let verify = || dir.hookdev().args(["verify", "-", "--secret", flag]).stdin(printed.stdout.clone());
    verify().exits(0).stdout("verified (development)  cyanite.v2.finished  -\n");
    verify().args(["--require", "signature"]).exits(1).prints("\n  required: a valid signature\n");
    // Of KEY:SECRET, only the second part signs.
    for secret in ["mine:hookdev-development-secret-livekit", "mine:hookdev-development-secret-github"] {
        let flag = format!("livekit={secret}");
        let send = ["send", "livekit.room_started", "--print", "http", "--secret", &flag];
        let printed = dir.hookdev().args(send).exits(0);
        let verify = dir.hookdev().args(["verify", "-", "--secret", &flag]).stdin(printed.stdout.clone());
        verify.exits(0).stdout("verified (development)  livekit.room_started  -  (age not checked)\n");
    }
}

#[test]
fn a_secret_whose_signing_part_is_public_counts_as_a_development_secret() {
    let dir = Dir::new();
    for (event, flag) in [
        // The part that signs is public.
        ("livekit.room_started", "livekit=mine:hookdev-development-secret-livekit"),
        ("livekit.room_started", "livekit=mine:hookdev-development-secret-github"),
        // Aspect's, without its prefix.
        ("github.push", "github=aG9va2Rldi1kZXZlbG9wbWVudC1zZWNyZXQtYXNwY3Q="),
    ] {
        let printed = dir.hookdev().args(["send", event, "--print", "http", "--secret", flag]).exits(0);
        let verify = dir.hookdev().args(["verify", "-", "--secret", flag, "--at", "now"]).stdin(printed.stdout);
        verify.exits(0).stdout(&format!("verified (development)  {event}  -\n"));
    }
}

#[test]
fn a_built_in_public_secret_stays_public_when_its_provider_is_replaced() {
    let dir = Dir::new();
    dir.hookdev().args(["providers", "new", "github", "--out", "github"]).exits(0);
    let own = dir.read("github/provider.toml").replace("hookdev-development-secret-github", "another");
    dir.write("github/provider.toml", own);
    let flags = ["--providers", "github", "--secret", "github=hookdev-development-secret-github"];
    let printed = dir.hookdev().args(["send", "github.order.placed", "--print", "http"]).args(flags).exits(0);
    let verify = dir.hookdev().args(["verify", "-", "--at", "now"]).args(flags).stdin(printed.stdout);
    verify.exits(0).prints("verified (development)  github.order.placed  -\n");
}

#[test]
fn a_variable_that_is_empty_or_not_text_is_an_error() {
    let dir = Dir::new();
    dir.write("one.json", capture(&CYANITE_HEADERS, CYANITE).to_string());
    let hint = "hint: set CYANITE_WEBHOOK_SECRET to the secret that the provider shows, or unset it\n";
    let commands: [&[&str]; 4] = [
        &["verify", "one.json"],
        &["listen", "--addr", "127.0.0.1:0", "--timeout", "1ms"],
        &["send", "cyanite.v2.finished", "--print", "curl"],
        &["check", "--provider", "cyanite"],
    ];
    let fails = |command: TestCommand, error: &str| {
        command.exits(2).stdout("").stderr(&format!("error: the environment variable {error}\n{hint}"));
    };
    for command in commands {
        let set = || dir.hookdev().args(command);
        fails(set().env("CYANITE_WEBHOOK_SECRET", ""), "CYANITE_WEBHOOK_SECRET is empty");
        #[cfg(unix)]
        {
            use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
            let binary = OsStr::from_bytes(b"secret\xff");
            let error = "CYANITE_WEBHOOK_SECRET is not text: its value is not UTF-8";
            fails(set().env("CYANITE_WEBHOOK_SECRET", binary), error);
        }
        let named = set().args(["--secret", "cyanite=env:MINE"]).env("MINE", "").exits(2);
        named.says("error: the environment variable MINE is empty\n");
    }
    // A variable of a provider that gets its secret elsewhere is not read.
    let flag = ["verify", "one.json", "--secret", "cyanite=hookdev-development-secret-cyanite"];
    dir.hookdev().args(flag).env("CYANITE_WEBHOOK_SECRET", "").exits(0).says(&development_warning(1));
}

#[test]
fn allow_unsigned_requires_only_verified() {
    let finished = Dir::new().listen().arg("--allow-unsigned").exits(2).stdout("");
    finished.says("--only-verified");
}
