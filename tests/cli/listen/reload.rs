//! `listen` reloads its config, env file, secrets and provider directories when they change.

use crate::harness::{
    CYANITE, CYANITE_HEADERS, Dir, Endpoint, Gate, Listener, NO_SECRETS, Signed, post, respond, text,
};
use crate::providers::manifest;

const RELOADED: &str = "note: config reloaded\n";

/// Sends a delivery signed with this secret and returns its verdict.
#[track_caller]
fn verdict(dir: &Dir, listener: &mut Listener, secret: &str) -> String {
    let flag = format!("cyanite={secret}");
    let signed = Signed::new(dir, "cyanite.v2.finished", &["--no-config", "--secret", &flag]);
    let (_, delivery) = listener.receives("/cyanite", &signed.headers(), &signed.body);
    text(&delivery, "/verdict").to_owned()
}

#[test]
fn a_changed_env_file_applies_to_the_next_delivery() {
    let dir = Dir::new();
    dir.write("hookdev.toml", "env_file = \".env\"\n[provider.cyanite]\nsecret = \"env:MY_SECRET\"\n");
    dir.write(".env", "MY_SECRET=one\n");
    let mut listener = dir.listen().starts();
    assert_eq!(verdict(&dir, &mut listener, "one"), "verified");
    assert_eq!(verdict(&dir, &mut listener, "two"), "rejected");
    dir.write(".env", "MY_SECRET=two\n");
    listener.says(&format!("{RELOADED}note: the Cyanite secret from env:MY_SECRET changed\n"));
    assert_eq!(verdict(&dir, &mut listener, "two"), "verified");
    assert_eq!(verdict(&dir, &mut listener, "one"), "rejected");
    dir.replace(".env", "MY_SECRET=three\n");
    listener.says(RELOADED);
    assert_eq!(verdict(&dir, &mut listener, "three"), "verified");
}

#[test]
fn a_secret_that_is_gone_is_not_replaced_silently() {
    let dir = Dir::new();
    dir.write("hookdev.toml", "env_file = \".env\"\n");
    dir.write(".env", "CYANITE_WEBHOOK_SECRET=mine\n");
    let mut listener = dir.listen().starts();
    listener.says("warning: using the public development secrets for all providers except cyanite; ");
    dir.replace(".env", "# nothing\n");
    let change = "note: now uses the public development secret for Cyanite instead of env:CYANITE_WEBHOOK_SECRET\n";
    listener.says(&format!("{RELOADED}{change}{NO_SECRETS}"));
    // An empty variable is not mistaken for one that is not set.
    dir.replace(".env", "CYANITE_WEBHOOK_SECRET=\n");
    listener.says("error: the environment variable CYANITE_WEBHOOK_SECRET is empty\n");
}

#[test]
fn a_file_that_is_emptied_or_moved_away_stays_in_use_until_it_is_saved() {
    let dir = Dir::new();
    let config = "env_file = \".env\"\n";
    dir.write("hookdev.toml", config);
    dir.write(".env", "CYANITE_WEBHOOK_SECRET=one\n");
    let mut listener = dir.listen().starts();
    let mut fails = |file: &str, problem: &str| {
        listener.says(&format!("{file} is {problem}; to go on without it, restart\n"));
        listener.says("hint: still using the previous configuration; fix the error and save again\n");
        assert_eq!(verdict(&dir, &mut listener, "one"), "verified");
    };
    dir.write("hookdev.toml", "");
    fails("hookdev.toml", "empty");
    dir.write("hookdev.toml", config);
    dir.write(".env", "");
    fails(".env", "empty");
    std::fs::rename(dir.join(".env"), dir.join("moved")).unwrap();
    fails(".env", "gone");
    dir.write(".env", "CYANITE_WEBHOOK_SECRET=two\n");
    listener.says(RELOADED);
    assert_eq!(verdict(&dir, &mut listener, "two"), "verified");
}

#[test]
fn a_file_that_the_changed_config_no_longer_names_is_not_missed() {
    let dir = Dir::new();
    dir.write("hookdev.toml", "env_file = \".env\"\n");
    dir.write(".env", "CYANITE_WEBHOOK_SECRET=one\n");
    let mut listener = dir.listen().starts();
    std::fs::rename(dir.join(".env"), dir.join(".env.local")).unwrap();
    listener.says(".env is gone; to go on without it, restart\n");
    dir.replace("hookdev.toml", "env_file = \".env.local\"\n");
    listener.says(RELOADED);
    assert_eq!(verdict(&dir, &mut listener, "one"), "verified");
    std::fs::remove_file(dir.join(".env.local")).unwrap();
    listener.says(".env.local is gone; to go on without it, restart\n");
    dir.replace("hookdev.toml", "[provider.cyanite]\nsecret = \"two\"\n");
    listener.says(RELOADED);
    assert_eq!(verdict(&dir, &mut listener, "two"), "verified");
}

#[test]
fn a_changed_config_applies_to_the_next_delivery() {
    let dir = Dir::new();
    let (one, two) = (Endpoint::new([respond(201)]), Endpoint::new([respond(202)]));
    let config = |endpoint: &Endpoint| format!("[[forward]]\nto = \"{}\"\n", endpoint.url("/"));
    dir.write("hookdev.toml", config(&one));
    let mut listener = dir.listen().starts();
    assert_eq!(post(&listener.url("/"), &[], "x").status(), 201);
    dir.replace("hookdev.toml", config(&two));
    listener.says(RELOADED);
    assert_eq!(post(&listener.url("/"), &[], "x").status(), 202);
}

#[test]
fn a_change_that_needs_a_restart_says_so() {
    let dir = Dir::new();
    dir.write("hookdev.toml", "[listen]\naddr = \"127.0.0.1:0\"\n");
    let mut listener = dir.hookdev().args(["listen", "--format", "json"]).starts();
    dir.replace("hookdev.toml", "[listen]\naddr = \"127.0.0.1:1\"\n");
    listener.says(&format!("{RELOADED}note: restart to apply the new addr of [listen]\n"));
    dir.replace("hookdev.toml", "[listen]\naddr = \"127.0.0.1:1\"\ncapture = \"captures\"\n");
    listener.says(&format!("{RELOADED}note: restart to apply the new addr and capture of [listen]\n"));
    dir.replace("hookdev.toml", "[listen]\naddr = \"127.0.0.1:0\"\n");
    listener.says(RELOADED);
    dir.replace("hookdev.toml", "[listen]\naddr = \"127.0.0.1:0\"\ncapture = \"captures\"\n");
    listener.says(&format!("{RELOADED}note: restart to apply the new capture of [listen]\n"));
    let printed = listener.killed().stderr;
    assert_eq!(printed.matches("restart to apply").count(), 3, "{printed}");
}

#[test]
fn a_change_that_a_flag_overrides_needs_no_restart() {
    let dir = Dir::new();
    let mut listener = dir.listen().starts();
    dir.write("hookdev.toml", "[listen]\naddr = \"127.0.0.1:1\"\n");
    listener.says(RELOADED);
    dir.replace("hookdev.toml", "[[forward]]\nevents = \"cyanit.*\"\nto = \"http://127.0.0.1:1/\"\n");
    listener.says("warning: [[forward]] `cyanit.*` matches no known event; did you mean cyanite.v2.finished?\n");
    listener.says(RELOADED);
    let printed = listener.killed().stderr;
    assert!(!printed.contains("restart to apply"), "{printed}");
}

#[test]
fn a_new_config_is_loaded() {
    let dir = Dir::new();
    let mut listener = dir.listen().starts();
    assert_eq!(verdict(&dir, &mut listener, "one"), "rejected");
    dir.write("secret", "one");
    dir.write("hookdev.toml", "[provider.cyanite]\nsecret = \"file:secret\"\n");
    listener.says(&format!(
        "config: {}\n{RELOADED}note: now uses file:secret for Cyanite instead of the public development secret\n",
        dir.join("hookdev.toml").display()
    ));
    assert_eq!(verdict(&dir, &mut listener, "one"), "verified");
}

#[test]
fn a_file_that_only_the_changed_config_names_is_watched_too() {
    let dir = Dir::new();
    dir.write("hookdev.toml", "");
    dir.write("deep/.env", "CYANITE_WEBHOOK_SECRET=one\n");
    let mut listener = dir.listen().starts();
    assert_eq!(verdict(&dir, &mut listener, "one"), "rejected");
    dir.write("hookdev.toml", "env_file = \"deep/.env\"\n");
    listener.says(RELOADED);
    assert_eq!(verdict(&dir, &mut listener, "one"), "verified");
    dir.write("deep/.env", "CYANITE_WEBHOOK_SECRET=two\n");
    listener.says(RELOADED);
    assert_eq!(verdict(&dir, &mut listener, "two"), "verified");
}

#[test]
fn a_changed_secret_file_is_reloaded() {
    let dir = Dir::new();
    dir.write("flag/secret", "one");
    dir.write("configured/secret", "whsec_b25l");
    dir.write("hookdev.toml", "[provider.aspect]\nsecret = \"file:configured/secret\"\n");
    let mut listener = dir.listen().args(["--secret", "cyanite=file:flag/secret"]).starts();
    assert_eq!(verdict(&dir, &mut listener, "one"), "verified");
    dir.replace("flag/secret", "two");
    listener.says(RELOADED);
    assert_eq!(verdict(&dir, &mut listener, "two"), "verified");
    dir.replace("configured/secret", "whsec_dHdv");
    listener.says(RELOADED);
    let signed = Signed::new(&dir, "aspect.task.failed", &["--no-config", "--secret", "aspect=whsec_dHdv"]);
    let (_, delivery) = listener.receives("/aspect", &signed.headers(), &signed.body);
    assert_eq!(text(&delivery, "/verdict"), "verified");
}

#[test]
fn a_broken_change_is_reported_and_the_previous_config_stays() {
    let dir = Dir::new();
    dir.write("hookdev.toml", "[provider.cyanite]\nsecret = \"file:secret\"\n");
    dir.write("secret", "one");
    let mut listener = dir.listen().starts();
    let hint = "hint: still using the previous configuration; fix the error and save again\n";

    dir.write("hookdev.toml", "[provider.cyanite]\nsecrets = \"file:secret\"\n");
    listener.says("hookdev.toml:2:1: unknown key `secrets`; did you mean `secret`? (known: `secret`, `endpoint`, `signature_header`, `api`)\n");
    listener.says(hint);
    assert_eq!(verdict(&dir, &mut listener, "one"), "verified");

    dir.write("hookdev.toml", "[provider.cyanit]\nsecret = \"file:secret\"\n");
    listener.says("hookdev.toml:1:11: unknown provider `cyanit`; did you mean `cyanite`?");
    listener.says(hint);
    assert_eq!(verdict(&dir, &mut listener, "one"), "verified");

    dir.write("hookdev.toml", "[provider.cyanite]\nsecret = \"file:missing\"\n");
    listener.says("error: none of the secrets that the config lists for Cyanite could be found\n");
    listener.says(hint);
    assert_eq!(verdict(&dir, &mut listener, "one"), "verified");

    dir.write("hookdev.toml", "[provider.cyanite]\nsecret = \"'quoted'\"\n");
    listener.says("error: invalid Cyanite secret from the config: it is in quotes");
    listener.says(hint);
    assert_eq!(verdict(&dir, &mut listener, "one"), "verified");

    dir.write("two", "two");
    dir.write("hookdev.toml", "[provider.cyanite]\nsecret = \"file:two\"\n");
    listener.says(RELOADED);
    assert_eq!(verdict(&dir, &mut listener, "two"), "verified");
}

#[cfg(target_os = "linux")]
#[test]
fn a_directory_in_place_of_the_config_is_reported_and_the_previous_config_stays() {
    let dir = Dir::new();
    let config = "[provider.cyanite]\nsecret = \"file:secret\"\n";
    dir.write("hookdev.toml", config);
    dir.write("secret", "one");
    let mut listener = dir.listen().starts();
    std::fs::remove_file(dir.join("hookdev.toml")).unwrap();
    std::fs::create_dir(dir.join("hookdev.toml")).unwrap();
    listener.says("caused by: it is a directory, not a regular file\n");
    listener.says("hint: still using the previous configuration; fix the error and save again\n");
    assert_eq!(verdict(&dir, &mut listener, "one"), "verified");
    dir.hookdev().arg("events").exits(2).stdout("").says("hookdev.toml");
    std::fs::remove_dir(dir.join("hookdev.toml")).unwrap();
    dir.write("two", "two");
    dir.write("hookdev.toml", config.replace("secret\"", "two\""));
    listener.says(RELOADED);
    assert_eq!(verdict(&dir, &mut listener, "two"), "verified");
}

#[test]
fn a_broken_provider_blocks_no_reload_if_another_is_named() {
    let dir = Dir::new();
    let scheme = "[[scheme]]\nname = \"v1\"\nalgorithm = \"hmac-sha256\"\ncontent = \"{body}\"\n\
                  signature = { header = \"x-a\", value = \"{hex}\" }";
    dir.write("acme/events/made.json", r#"{"type":"made"}"#);
    dir.write("acme/provider.toml", manifest("development = \"s\"", scheme).replace("title", "titel"));
    dir.write("hookdev.toml", "providers = [\"acme\"]\n");
    let mut listener = dir.listen().args(["--provider", "cyanite"]).starts();
    listener.says("provider.toml:2:1: unknown key `titel`; did you mean `title`?\n");
    dir.write("hookdev.toml", "providers = [\"acme\"]\n[provider.cyanite]\nsecret = \"another\"\n");
    listener.says(RELOADED);
    assert_eq!(post(&listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE).status(), 401);
}

#[test]
fn a_changed_provider_is_reloaded_and_a_broken_one_is_reported() {
    let dir = Dir::new();
    let manifest = |header: &str| {
        let scheme = "[[scheme]]\nname = \"hex\"\nalgorithm = \"hmac-sha256\"\ncontent = \"{body}\"\n";
        let signature = format!("signature = {{ header = \"{header}\", value = \"{{hex}}\" }}");
        manifest("development = \"acme-development\"", &format!("{scheme}{signature}"))
    };
    dir.write("providers/acme/events/made.json", r#"{"type":"made"}"#);
    dir.write("providers/acme/provider.toml", manifest("x-one"));
    let mut listener = dir.listen().args(["--providers", "providers"]).starts();
    let signed = |dir: &Dir| Signed::new(dir, "acme.made", &["--providers", "providers"]);
    let one = signed(&dir);
    assert_eq!(text(&listener.receives("/acme", &one.headers(), &one.body).1, "/verdict"), "verified");

    dir.write("providers/acme/provider.toml", manifest("x-two").replace("{body}", "{bdy}"));
    listener.says("provider.toml:11:11: unknown placeholder `bdy`; did you mean `body`?");
    assert_eq!(text(&listener.receives("/acme", &one.headers(), &one.body).1, "/verdict"), "verified");

    dir.write("providers/acme/provider.toml", manifest("x-two"));
    listener.says(&format!("{RELOADED}note: the provider acme from providers/acme changed\n"));
    let two = signed(&dir);
    assert_eq!(text(&listener.receives("/acme", &two.headers(), &two.body).1, "/verdict"), "verified");
    assert_eq!(text(&listener.receives("/acme", &one.headers(), &one.body).1, "/verdict"), "rejected");
}

#[test]
fn a_delivery_in_progress_keeps_its_settings() {
    let dir = Dir::new();
    let gate = Gate::default();
    let endpoint = Endpoint::new([respond(200).behind(&gate)]);
    dir.write("hookdev.toml", format!("[[forward]]\nto = \"{}\"\n", endpoint.url("/")));
    let mut listener = dir.listen().starts();
    let url = listener.url("/cyanite");
    let sender = std::thread::spawn(move || post(&url, &CYANITE_HEADERS, CYANITE).status());
    endpoint.next();
    dir.write("hookdev.toml", "[provider.cyanite]\nsecret = \"another\"\n");
    listener.says(RELOADED);
    gate.open();
    assert_eq!(sender.join().unwrap(), 200);
    assert_eq!(text(&listener.next(), "/verdict"), "verified");
    assert_eq!(post(&listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE).status(), 401);
}
