//! The order of sources: flag, environment, config, env file, public development secret.

use crate::harness::{Dir, TestCommand, text};

/// A Cyanite capture signed with this secret.
fn signed_with(dir: &Dir, secret: &str) -> Vec<u8> {
    let flag = format!("cyanite={secret}");
    let command = ["send", "cyanite.v2.finished", "--print", "http", "--no-config", "--secret", &flag];
    dir.hookdev().args(command).exits(0).stdout
}

/// The source of the secret with which `verify` verifies a capture; `None` if it rejects the capture.
#[track_caller]
fn source(verify: TestCommand, capture: &[u8]) -> Option<String> {
    let (code, finished) = verify.args(["verify", "-", "--json"]).stdin(capture).ends();
    let found = finished.line()["secret"].as_str().map(str::to_owned);
    assert_eq!(code, Some(i32::from(found.is_none())), "{finished}");
    found
}

#[test]
fn only_the_nearest_source_is_used() {
    let dir = Dir::new();
    dir.write("hookdev.toml", "env_file = \".env\"\n[provider.cyanite]\nsecret = \"of-the-config\"\n");
    dir.write(".env", "CYANITE_WEBHOOK_SECRET=of-the-env-file\n");
    let secrets =
        ["of-the-flag", "of-the-environment", "of-the-config", "of-the-env-file", "hookdev-development-secret-cyanite"];
    let sources = ["flag", "env:CYANITE_WEBHOOK_SECRET", "config", "env:CYANITE_WEBHOOK_SECRET", "development"];
    for (nearest, (secret, origin)) in secrets.iter().zip(sources).enumerate() {
        if nearest == 3 {
            dir.write("hookdev.toml", "env_file = \".env\"\n");
        }
        if nearest == 4 {
            dir.write(".env", "# nothing\n");
        }
        let verify = || {
            let mut command = dir.hookdev();
            if nearest < 1 {
                command = command.args(["--secret", "cyanite=of-the-flag"]);
            }
            if nearest < 2 {
                command = command.env("CYANITE_WEBHOOK_SECRET", "of-the-environment");
            }
            command
        };
        assert_eq!(source(verify(), &signed_with(&dir, secret)).as_deref(), Some(origin), "{secret}");
        for other in secrets.iter().filter(|other| *other != secret) {
            assert_eq!(source(verify(), &signed_with(&dir, other)), None, "{other} beside {secret}");
        }
    }
}

#[test]
fn every_provider_that_signs_has_a_variable() {
    let dir = Dir::new();
    for (event, variable, secret) in [
        ("cyanite.v2.finished", "CYANITE_WEBHOOK_SECRET", "mine"),
        ("aspect.task.failed", "ASPECT_WEBHOOK_SECRET", "whsec_bWluZQ=="),
        ("jewelmusic.release.live", "JEWELMUSIC_WEBHOOK_SECRET", "mine"),
    ] {
        let print = || dir.hookdev().args(["send", event, "--print", "http"]).env(variable, secret);
        let capture = print().exits(0).stderr("").stdout;
        assert_eq!(source(dir.hookdev().env(variable, secret), &capture), Some(format!("env:{variable}")));
        assert_eq!(source(dir.hookdev(), &capture), None);
    }
}

#[test]
fn a_source_is_a_variable_a_file_or_the_secret_itself() {
    let dir = Dir::new();
    dir.write("deep/secret", "of-the-file");
    for (flag, secret, origin) in [
        ("cyanite=env:MINE", "of-the-environment", "env:MINE"),
        ("env:MINE", "of-the-environment", "env:MINE"),
        ("cyanite=file:deep/secret", "of-the-file", "file:deep/secret"),
        ("file:deep/secret", "of-the-file", "file:deep/secret"),
        ("cyanite=literal", "literal", "flag"),
        ("literal", "literal", "flag"),
        ("cyanite=with=equals=", "with=equals=", "flag"),
        ("not-a-provider=literal", "not-a-provider=literal", "flag"),
    ] {
        let verify = dir.hookdev().args(["--secret", flag]).env("MINE", "of-the-environment");
        assert_eq!(source(verify, &signed_with(&dir, secret)).as_deref(), Some(origin), "{flag}");
    }
}

#[test]
fn of_several_secrets_any_may_match_and_the_first_signs() {
    let dir = Dir::new();
    let flags = ["--secret", "cyanite=old", "--secret", "cyanite=env:NEW"];
    let with = || dir.hookdev().args(flags).env("NEW", "new");
    assert_eq!(source(with(), &signed_with(&dir, "old")).as_deref(), Some("flag"));
    assert_eq!(source(with(), &signed_with(&dir, "new")).as_deref(), Some("env:NEW"));
    assert_eq!(source(with(), &signed_with(&dir, "other")), None);
    let print = with().args(["send", "cyanite.v2.finished", "--print", "http"]).exits(0).stdout;
    assert_eq!(print, signed_with(&dir, "old"));

    dir.write("hookdev.toml", "[provider.cyanite]\nsecret = [\"env:NEW\", \"file:old\"]\n");
    dir.write("old", "old");
    let configured = || dir.hookdev().env("NEW", "new");
    assert_eq!(source(configured(), &signed_with(&dir, "old")).as_deref(), Some("file:old"));
    assert_eq!(source(configured(), &signed_with(&dir, "new")).as_deref(), Some("env:NEW"));
}

#[test]
fn a_path_is_relative_to_the_config_or_working_directory_that_names_it() {
    let dir = Dir::new();
    dir.write("project/hookdev.toml", "[provider.cyanite]\nsecret = \"file:secrets/one\"\n");
    dir.write("project/secrets/one", "of-the-config");
    dir.write("project/deep/secrets/one", "of-the-flag");
    let deep = dir.join("project/deep");
    let configured = dir.hookdev().inside(&deep);
    assert_eq!(source(configured, &signed_with(&dir, "of-the-config")).as_deref(), Some("file:secrets/one"));
    let flagged = dir.hookdev().inside(&deep).args(["--secret", "cyanite=file:secrets/one"]);
    assert_eq!(source(flagged, &signed_with(&dir, "of-the-flag")).as_deref(), Some("file:secrets/one"));
}

#[test]
fn the_env_file_is_read_as_by_a_shell_and_overridden_by_the_environment() {
    let dir = Dir::new();
    dir.write("hookdev.toml", "env_file = \"conf/.env\"\n[provider.cyanite]\nsecret = \"env:MINE\"\n");
    dir.write("conf/.env", "# mine\nOTHER=x\nexport MINE=\"of the file\" # comment\n");
    assert_eq!(source(dir.hookdev(), &signed_with(&dir, "of the file")).as_deref(), Some("env:MINE"));
    let above = dir.hookdev().env("MINE", "of the environment");
    assert_eq!(source(above, &signed_with(&dir, "of the environment")).as_deref(), Some("env:MINE"));
}

#[test]
fn a_flag_without_a_provider_is_for_the_sending_provider() {
    let dir = Dir::new();
    let print = ["send", "aspect.task.failed", "--print", "http", "--secret", "whsec_bWluZQ=="];
    dir.hookdev().args(print).exits(0).stderr("");
    let print = ["send", "aspect.task.failed", "--print", "http", "--secret", "no base64"];
    dir.hookdev().args(print).exits(2).says("invalid Aspect secret from --secret");
}

#[test]
fn a_flag_without_a_provider_is_for_each_it_is_valid_for() {
    let dir = Dir::new();
    let verify = || dir.hookdev().args(["--secret", "no base64"]);
    assert_eq!(source(verify(), &signed_with(&dir, "no base64")).as_deref(), Some("flag"));
    // A user who passes a secret doesn't want the public one to verify anything.
    let aspect = dir.hookdev().args(["send", "aspect.task.failed", "--print", "http"]).exits(0).stdout;
    let verified = verify().args(["verify", "-", "--json"]).stdin(aspect).exits(1);
    assert_eq!(verified.line()["rejection"]["code"], "no-matching-signature");
    verified
        .says("--secret isn't a valid secret for Anthropic, Aspect, Clerk")
        .says("so their deliveries will be rejected");
}

#[test]
fn the_development_secret_connects_send_and_listen_and_is_reported() {
    let dir = Dir::new();
    let note = "warning: using the public development secret for cyanite; set CYANITE_WEBHOOK_SECRET to use yours\n";
    let mut listener = dir.listen().starts();
    listener.says(
        "warning: using the public development secrets for all providers; pass yours with --secret PROVIDER=SOURCE\n",
    );
    dir.send("cyanite.v2.finished", listener.url("/cyanite")).exits(0).stderr(note);
    assert_eq!(text(&listener.next(), "/secret"), "development");
    // Unsigned events need no secret.
    dir.send("cyanite.v1.test", listener.url("/cyanite")).exits(0).stderr("");
    dir.send("auphonic.done", listener.url("/auphonic")).exits(0).stderr("");
    let capture = dir.hookdev().args(["send", "cyanite.v2.finished", "--print", "http"]).exits(0).stderr(note).stdout;
    dir.hookdev().args(["verify", "-"]).stdin(capture).exits(0).prints("verified (development)  ");
}

#[test]
fn a_literal_secret_in_the_config_gets_a_warning() {
    let dir = Dir::new();
    dir.write("hookdev.toml", "[provider.cyanite]\nsecret = \"of-the-config\"\n");
    let finished = dir.hookdev().args(["verify", "-"]).stdin(signed_with(&dir, "of-the-config")).exits(0);
    finished.says(
        "warning: the config contains the Cyanite secret itself; \
         use env:NAME or file:PATH, so that you can share the config\n",
    );
}
