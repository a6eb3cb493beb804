//! Secrets that can't be found or are invalid.

use crate::{
    harness::{Dir, TestCommand},
    providers::{SECRET, TOKEN, manifest, write},
};

/// A run that needs secrets.
fn run(dir: &Dir) -> TestCommand {
    dir.hookdev().args(["verify", "missing"])
}

#[test]
fn an_invalid_secret_is_named_with_its_source_and_a_hint() {
    let dir = Dir::new();
    dir.write("newlines", "topsecret\n\n");
    let newlines = "it ends with a newline\n\
                   hint: write the file without a newline: printf '%s' \"$SECRET\" > FILE\n";
    let newline = "it ends with a newline\n\
                   hint: pass it without the newline; the shell removes it in --secret \"$(cat FILE)\"\n";
    let space = "it has whitespace before or after it\nhint: copy it again, without the whitespace around it\n";
    let quoted = "it is in quotes\nhint: remove the quotes around it\n";
    let base64 = "it is not base64 (standard alphabet)\n\
                  hint: copy the whole secret again, as the provider shows it\n";
    let empty = "it is empty\nhint: set it to the secret that the provider shows, or remove the setting\n";
    let one_part = "it is not a key and a secret with a colon between them\n\
                    hint: write both, the API key first: KEY:SECRET\n";
    for (flag, provider, origin, problem) in [
        ("cyanite=file:newlines", "Cyanite", "file:newlines", newlines),
        ("cyanite=topsecret\r\n", "Cyanite", "--secret", newline),
        ("cyanite= topsecret", "Cyanite", "--secret", space),
        ("jewelmusic=\"topsecret\"", "JewelMusic", "--secret", quoted),
        ("jewelmusic='topsecret'", "JewelMusic", "--secret", quoted),
        ("aspect=whsec_top-secret", "Aspect", "--secret", base64),
        ("aspect=whsec_dG9wc2VjcmV0X", "Aspect", "--secret", base64),
        ("aspect=whsec_", "Aspect", "--secret", empty),
        ("cyanite=", "Cyanite", "--secret", empty),
        // Anyone could sign with an empty secret, as `"$KEY:$SECRET"` makes with SECRET unset.
        ("livekit=key:", "LiveKit", "--secret", one_part),
        ("livekit=:secret", "LiveKit", "--secret", one_part),
        ("livekit=secret", "LiveKit", "--secret", one_part),
    ] {
        let finished = run(&dir).args(["--secret", flag]).exits(2).stdout("");
        finished.stderr(&format!("error: invalid {provider} secret from {origin}: {problem}"));
    }
}

#[test]
fn a_file_that_ends_with_one_newline_has_the_secret_before_it() {
    let dir = Dir::new();
    for content in ["topsecret\n", "topsecret\r\n"] {
        dir.write("newline", content);
        let print = |secret: &str| {
            let command = ["send", "cyanite.v2.finished", "--print", "json", "--no-config", "--secret", secret];
            dir.hookdev().args(command).exits(0)
        };
        let from_file = print("file:newline");
        assert_eq!(from_file.line(), print("topsecret").line());
        from_file.stderr("note: the newline at the end of file:newline is not part of the secret\n");
    }
    // Read for every provider, noted once.
    dir.listen()
        .args(["--secret", "file:newline", "--timeout", "10ms"])
        .exits(0)
        .says("note: the newline at the end of file:newline is not part of the secret\n");
}

#[test]
fn a_variable_that_ends_with_a_newline_has_a_hint_about_variables() {
    let dir = Dir::new();
    let variable = "CYANITE_WEBHOOK_SECRET";
    run(&dir).env(variable, "topsecret\n").exits(2).stderr(
        "error: invalid Cyanite secret from env:CYANITE_WEBHOOK_SECRET: it ends with a newline\n\
         hint: set CYANITE_WEBHOOK_SECRET without the newline; \
         the shell removes it in CYANITE_WEBHOOK_SECRET=\"$(cat FILE)\"\n",
    );
    run(&dir)
        .env(variable, "\u{feff}topsecret")
        .exits(2)
        .says("hint: set CYANITE_WEBHOOK_SECRET without the byte order mark (U+FEFF) at its start\n");
}

#[test]
fn a_misspelt_provider_is_asked_about() {
    let dir = Dir::new();
    let send = |event, secret| dir.hookdev().args(["send", event, "--print", "json", "--secret", secret]).exits(2);
    send("aspect.task.failed", "aspekt=whsec_dG9wc2VjcmV0").stdout("").stderr(
        "error: the text before `=` in --secret isn't a provider; did you mean `aspect=…`?\n\
         hint: if all of it is the secret, write the provider's name and `=` before it\n",
    );
    for secret in ["aspekt=env:ASPECT", "aspekt=file:secret"] {
        let expected = "error: unknown provider `aspekt`; did you mean `aspect`?";
        send("cyanite.v2.finished", secret).stdout("").says(expected);
        dir.listen().args(["--secret", secret]).exits(2).stdout("").says(expected);
    }
}

#[test]
fn an_env_file_that_is_not_loaded_gets_a_note() {
    let dir = Dir::new();
    dir.write(".env", "OTHER=1\nexport CYANITE_WEBHOOK_SECRET=mine\n");
    let note = |config: &str| {
        format!(
            "note: {}.env sets CYANITE_WEBHOOK_SECRET, but isn't loaded; to load it, add `env_file = \".env\"` to {config}\n",
            config.strip_suffix("hookdev.toml").unwrap()
        )
    };
    let send = || dir.hookdev().args(["send", "auphonic.done", "--print", "json"]);
    send().exits(0).stderr(&note("hookdev.toml"));
    send().arg("--no-config").exits(0).stderr("");
    send().env("CYANITE_WEBHOOK_SECRET", "other").exits(0).stderr("");
    send().args(["--secret", "cyanite=other"]).exits(0).stderr("");
    dir.write("hookdev.toml", "");
    send().exits(0).stderr(&note(&dir.join("hookdev.toml").display().to_string()));
    dir.write("hookdev.toml", "env_file = \".env\"\n");
    send().exits(0).stderr(&format!("config: {}\n", dir.join("hookdev.toml").display()));
}

#[test]
fn an_invalid_secret_is_named_in_every_source() {
    let dir = Dir::new();
    let problem = "it is in quotes\nhint: remove the quotes around it\n";
    let expected = |origin: &str| format!("error: invalid Cyanite secret from {origin}: {problem}");
    let variable = "CYANITE_WEBHOOK_SECRET";
    run(&dir).env(variable, "'topsecret'").exits(2).stderr(&expected("env:CYANITE_WEBHOOK_SECRET"));
    dir.write("hookdev.toml", "[provider.cyanite]\nsecret = \"'topsecret'\"\n");
    run(&dir).exits(2).stderr(&expected("the config"));
    dir.write("hookdev.toml", "env_file = \".env\"\n");
    dir.write(".env", "CYANITE_WEBHOOK_SECRET=\"'topsecret'\"\n");
    run(&dir).exits(2).stderr(&expected("env:CYANITE_WEBHOOK_SECRET"));
}

#[test]
fn every_command_that_needs_secrets_checks_them_at_its_start() {
    let dir = Dir::new();
    let flag = ["--secret", "aspect=whsec_top-secret"];
    let commands: [&[&str]; 4] = [
        &["listen", "--addr", "127.0.0.1:0"],
        &["send", "cyanite.v2.finished", "--print", "json"],
        &["send", "aspect.task.failed", "--to", "http://127.0.0.1:1/"],
        &["verify", "missing"],
    ];
    for command in commands {
        let finished = dir.hookdev().args(command).args(flag).exits(2).stdout("");
        finished.says("error: invalid Aspect secret from --secret: it is not base64");
    }
}

#[test]
fn a_missing_source_is_named() {
    let dir = Dir::new();
    run(&dir).args(["--secret", "env:NO_SUCH_VARIABLE"]).exits(2).stderr(
        "error: the environment variable NO_SUCH_VARIABLE is not set\n\
         hint: set it with `export NO_SUCH_VARIABLE=…`, or pass another source with --secret\n",
    );
    run(&dir)
        .args(["--secret", "cyanite=file:no-such-file"])
        .exits(2)
        .says("error: can't read the secret file no-such-file\ncaused by: ");
}

#[test]
fn a_missing_secret_of_the_config_matters_only_if_it_is_needed() {
    let dir = Dir::new();
    dir.write("hookdev.toml", "env_file = \"no-such.env\"\n[provider.cyanite]\nsecret = \"env:NO_SUCH_VARIABLE\"\n");
    let print = |event: &'static str| dir.hookdev().args(["send", event, "--print", "json"]);
    print("auphonic.done").exits(0).says("no-such.env not found\n").says(
        "note: skipped the config's secret env:NO_SUCH_VARIABLE for Cyanite: \
         the environment variable NO_SUCH_VARIABLE is not set\n",
    );
    print("cyanite.v2.finished").exits(2).stdout("").says("error: no secret to sign Cyanite deliveries with\n");
    dir.listen().exits(2).says("error: none of the secrets that the config lists for Cyanite could be found\n");
}

#[test]
fn a_missing_source_of_the_config_is_skipped_and_never_replaced_by_the_public_secret() {
    let dir = Dir::new();
    dir.write(
        "hookdev.toml",
        "env_file = \"no-such.env\"\n[provider.cyanite]\nsecret = [\"env:NO_SUCH\", \"file:no-such\", \"env:MINE\"]\n",
    );
    let signed = |secret: &str| {
        let command = ["send", "cyanite.v2.finished", "--print", "http", "--no-config", "--secret", secret];
        dir.hookdev().args(command).exits(0).stdout
    };
    let (mine, public) = (signed("cyanite=mine"), signed("cyanite=hookdev-development-secret-cyanite"));
    let verify = |capture: &[u8]| dir.hookdev().args(["verify", "-"]).stdin(capture);
    let finished = verify(&mine).env("MINE", "mine").exits(0).says("no-such.env not found\n");
    finished
        .says("note: skipped the config's secret env:NO_SUCH for Cyanite: ")
        .says("note: skipped the config's secret file:no-such for Cyanite: ");
    verify(&public).env("MINE", "mine").exits(1).prints("no-matching-signature");
    verify(&public).exits(1).prints("no secret is configured to verify the signature with");
    verify(&mine).exits(1).prints("no secret is configured to verify the signature with");
}

#[test]
fn a_misspelt_provider_before_a_secret_gets_a_suggestion_without_the_secret() {
    let dir = Dir::new();
    let print = ["send", "cyanite.v2.finished", "--print", "json", "--secret", "cyanit=topsecret"];
    let finished = dir.hookdev().args(print).exits(2).stdout("").stderr(
        "error: the text before `=` in --secret isn't a provider; did you mean `cyanite=…`?\n\
         hint: if all of it is the secret, write the provider's name and `=` before it\n",
    );
    assert!(!finished.text().contains("topsecret") && !finished.stderr.contains("topsecret"), "{finished}");
}

#[test]
fn an_invalid_line_of_the_env_file_is_named_by_its_number() {
    let dir = Dir::new();
    dir.write("hookdev.toml", "env_file = \".env\"\n");
    dir.write(".env", "A=1\n\ntopsecret\n");
    let file = dir.join(".env");
    run(&dir)
        .exits(2)
        .says(&format!("error: can't read the env file {}\ncaused by: line 3: expected NAME=value\n", file.display()));
}

#[test]
fn a_secret_for_a_provider_that_signs_nothing_is_an_error() {
    run(&Dir::new())
        .args(["--secret", "auphonic=topsecret"])
        .exits(2)
        .stderr("error: Auphonic doesn't sign its deliveries and takes no secret\n");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_text_is_an_error() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let dir = Dir::new();
    let latin_1 = OsStr::from_bytes(b"topsecret-\xfc");
    let expected = |name: &str| {
        format!(
            "error: the environment variable {name} is not text: its value is not UTF-8\n\
             hint: set {name} to the secret that the provider shows, or unset it\n"
        )
    };
    for flag in ["cyanite=env:MINE", "env:MINE"] {
        run(&dir).args(["--secret", flag]).env("MINE", latin_1).exits(2).stdout("").stderr(&expected("MINE"));
    }
    run(&dir).env("CYANITE_WEBHOOK_SECRET", latin_1).exits(2).stdout("").stderr(&expected("CYANITE_WEBHOOK_SECRET"));
    dir.write("hookdev.toml", "[provider.cyanite]\nsecret = [\"env:MINE\", \"env:OTHER\"]\n");
    run(&dir).env("MINE", latin_1).env("OTHER", "other").exits(2).stdout("").says(&expected("MINE"));
}

#[test]
fn a_token_that_its_header_cannot_carry_is_an_error_before_anything_is_sent() {
    let dir = Dir::new();
    write(&dir, &manifest(SECRET, TOKEN));
    dir.write("two-lines", "first\nsecond");
    let problem = "it has a character that the provider's header can't carry\n\
                   hint: a token is one line of printable ASCII; copy it again, as the provider shows it\n";
    let commands: [&[&str]; 4] = [
        &["listen", "--addr", "127.0.0.1:0"],
        &["send", "acme.made", "--to", "http://127.0.0.1:1/"],
        &["check", "--provider", "acme", "--to", "http://127.0.0.1:1/"],
        &["verify", "missing"],
    ];
    for command in commands {
        for (source, origin) in [
            ("file:two-lines", "file:two-lines"),
            ("tab\there", "--secret"),
            ("escape\u{1b}[0m", "--secret"),
            ("m\u{fc}nchen", "--secret"),
            // It would be two entries of the header.
            ("a,v1=b", "--secret"),
        ] {
            let run = dir.hookdev().args(command).args(["--providers", "acme", "--secret", &format!("acme={source}")]);
            run.exits(2).stdout("").stderr(&format!("error: invalid Acme secret from {origin}: {problem}"));
        }
    }
    let printed = dir.hookdev().args(["send", "acme.made", "--print", "http", "--providers", "acme"]);
    printed.args(["--secret", "acme=one line"]).exits(0).prints("x-acme-token: v1=one line\r\n");
    write(&dir, &manifest("development = \"m\u{fc}nchen\"", TOKEN));
    dir.hookdev()
        .args(["events", "acme", "--providers", "acme"])
        .exits(2)
        .stdout("")
        .says("invalid development secret: it has a character that the provider's header can't carry\n");
}

#[test]
fn an_unknown_version_of_a_token_is_not_shown() {
    let dir = Dir::new();
    write(&dir, &manifest(SECRET, TOKEN));
    dir.write("body", "{}");
    let verify = ["verify", "--body", "body", "--provider", "acme", "--providers", "acme", "--json"];
    let line = dir.hookdev().args(verify).args(["--header", "x-acme-token: topsecret=="]).exits(1).line();
    assert_eq!(line["rejection"]["message"], "invalid `x-acme-token` header: it is not in the provider's format");
    assert!(!line.to_string().contains("topsecret"), "{line}");
}
