//! `hookdev events`.

use serde_json::{Value, json};

use crate::{
    harness::{Dir, text},
    providers::{manifest, write},
};

#[test]
fn a_contract_lists_each_term_and_marks_missing_protections() {
    let lines = Dir::new().hookdev().args(["events", "--provider", "cyanite", "--contract", "--json"]).exits(0).lines();
    let names: Vec<&str> = lines.iter().map(|line| text(line, "/term")).collect();
    let all = ["status", "time-limit", "redirects", "form", "retries", "signature", "replay", "duplicates"];
    assert_eq!(names, all);
    let gaps: Vec<&Value> = lines.iter().filter(|line| line["lacking"] == json!(true)).collect();
    assert_eq!(gaps.iter().map(|line| text(line, "/term")).collect::<Vec<_>>(), ["replay", "duplicates"]);
    assert_eq!(
        lines[0],
        json!({"kind": "term", "provider": "cyanite", "term": "status", "lacking": false,
               "text": "exactly 200 counts as delivered, anything else as failed"})
    );
}

#[test]
fn the_sources_of_a_secret_in_the_config_are_named_and_a_literal_is_not_shown() {
    let dir = Dir::new();
    dir.write("hookdev.toml", "[provider.cyanite]\nsecret = [\"env:CYANITE_SECRET\", \"file:old\", \"hush\"]\n");
    dir.hookdev().args(["events", "cyanite"]).exits(0).prints(
        "\n  secret from CYANITE_WEBHOOK_SECRET, else the config (env:CYANITE_SECRET, file:old, a literal), else the public \
         development secret: ",
    );
}

#[test]
fn each_contract_is_a_paragraph() {
    let printed =
        Dir::new().hookdev().args(["events", "--contract", "aspect", "auphonic", "cyanite", "jewelmusic"]).exits(0);
    let titles: Vec<String> =
        printed.text().split("\n\n").map(|part| part.split("  ").next().unwrap().to_owned()).collect();
    assert_eq!(titles, ["Aspect", "Auphonic", "Cyanite", "JewelMusic"]);
    printed.prints("\n  time-limit: 3 s to respond: verify, respond, then do slow work\n");
}

#[test]
fn the_events_of_one_provider_can_be_listed() {
    let listed = |args: [&str; 3]| Dir::new().hookdev().args(args).exits(0).text().to_owned();
    assert_eq!(listed(["events", "--provider", "auphonic"]), listed(["events", "auphonic.*", "--no-config"]));
    assert_eq!(listed(["events", "--provider", "auphonic"]), listed(["events", "auphonic", "--no-config"]));
    Dir::new().hookdev().args(["events", "--provider", "cyanit"]).exits(2).says("did you mean `cyanite`?");
}

#[test]
fn the_public_key_of_a_development_pair_is_shown_with_it() {
    let dir = Dir::new();
    let scheme = "[[scheme]]\nname = \"v1\"\nalgorithm = \"ed25519\"\ncontent = \"{body}\"\n\
                  signature = { header = \"x-signature\", value = \"{hex}\" }";
    let secret = "env = \"ACME_KEY\"\nencoding = \"hex\"\ndevelopment = \"hookdev-development-secret-acme\"";
    write(&dir, &manifest(secret, scheme));
    // Node.js: the Ed25519 key whose seed is the SHA-256 of the text, by crypto.createPublicKey
    let key = "affbddf1e4c962b24822de4faa40b35035daff70ca04b8eaca1cade4874a9071";
    dir.hookdev().args(["events", "acme", "--providers", "acme"]).exits(0).prints(&format!(
        "\n  secret from ACME_KEY, else the public development secret: hookdev-development-secret-acme; a handler verifies \
         with its public key: {key}\n"
    ));
    // For several providers, only the events are listed.
    let all = dir.hookdev().args(["events", "acme", "discord", "--providers", "acme"]).exits(0);
    assert!(!all.text().contains("public key"), "{all}");
}

#[test]
fn a_payload_on_several_lines_is_printed_as_one_line_of_json() {
    let fixture = include_str!("../../fixtures/stripe/events/invoice.paid.json");
    assert!(fixture.lines().count() > 1, "{fixture}");
    let payload: serde_json::Value = serde_json::from_str(fixture).unwrap();
    let all = Dir::new().hookdev().args(["events", "--show", "--json"]).exits(0).lines();
    let shown = all.iter().find(|line| text(line, "/name") == "stripe.invoice.paid").expect("the event");
    assert_eq!(shown["payload"]["data"]["object"]["amount_paid"], payload["data"]["object"]["amount_paid"]);
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&shown["payload"]), keys(&payload));
}

#[test]
fn several_globs_list_each_event_once() {
    let dir = Dir::new();
    let names = |globs: &[&str]| -> Vec<String> {
        let lines = dir.hookdev().args(["events", "--json"]).args(globs).exits(0).lines();
        lines.iter().map(|line| text(line, "/name").to_owned()).collect()
    };
    let both = ["auphonic.done", "auphonic.error", "cyanite.v2.finished", "cyanite.v2.failed"];
    assert_eq!(names(&["cyanite.v2.f*", "auphonic", "auphonic.done"]), both);
    assert_eq!(names(&["cyanite.v1"]), names(&["cyanite.v1.*"]));
    let finished = dir.hookdev().args(["events", "auphonic", "cyanit"]).exits(2).stdout("");
    finished.says("error: no event matches `cyanit`\nhint: did you mean cyanite.");
}
