//! Secrets that can't be found, and such as are not of their provider's form.

use crate::harness::{Dir, TestCommand};

/// Any run that needs secrets.
fn run(dir: &Dir) -> TestCommand {
    dir.hookdev().args(["verify", "missing"])
}

#[test]
fn what_is_wrong_is_named_with_its_source_and_what_to_do() {
    let dir = Dir::new();
    dir.write("newline", "topsecret\n");
    let newline = "it ends with a newline\n\
                   hint: write the file without a newline: printf '%s' \"$SECRET\" > FILE\n";
    let space = "it has whitespace before or after it\nhint: copy it again, without the whitespace around it\n";
    let quoted = "it is in quotes\nhint: remove the quotes around it\n";
    let base64 = "it is not base64 (standard alphabet, padded)\n\
                  hint: copy the whole secret again, as the provider shows it\n";
    let empty = "it is empty\nhint: set it to the secret that the provider shows, or remove the setting\n";
    for (flag, provider, origin, problem) in [
        ("cyanite=file:newline", "Cyanite", "file:newline", newline),
        ("cyanite=topsecret\r\n", "Cyanite", "--secret", newline),
        ("cyanite= topsecret", "Cyanite", "--secret", space),
        ("jewelmusic=\"topsecret\"", "JewelMusic", "--secret", quoted),
        ("jewelmusic='topsecret'", "JewelMusic", "--secret", quoted),
        ("aspect=whsec_top-secret", "Aspect", "--secret", base64),
        ("aspect=whsec_dG9wc2VjcmV0X", "Aspect", "--secret", base64),
        ("aspect=whsec_", "Aspect", "--secret", empty),
        ("cyanite=", "Cyanite", "--secret", empty),
        ("cyanite=env:BLANK", "Cyanite", "env:BLANK", empty),
    ] {
        let finished = run(&dir).args(["--secret", flag]).env("BLANK", "").exits(2).stdout("");
        finished.stderr(&format!("error: the secret of {provider} from {origin} is malformed: {problem}"));
    }
}

#[test]
fn what_is_wrong_is_named_in_every_source() {
    let dir = Dir::new();
    let problem = "it is in quotes\nhint: remove the quotes around it\n";
    let expected = |origin: &str| format!("error: the secret of Cyanite from {origin} is malformed: {problem}");
    let variable = "CYANITE_WEBHOOK_SECRET";
    run(&dir).env(variable, "'topsecret'").exits(2).stderr(&expected("env:CYANITE_WEBHOOK_SECRET"));
    dir.write("hookdev.toml", "[provider.cyanite]\nsecret = \"'topsecret'\"\n");
    run(&dir).exits(2).stderr(&expected("the config"));
    dir.write("hookdev.toml", "env_file = \".env\"\n");
    dir.write(".env", "CYANITE_WEBHOOK_SECRET=\"'topsecret'\"\n");
    run(&dir).exits(2).stderr(&expected("env:CYANITE_WEBHOOK_SECRET"));
}

#[test]
fn every_command_that_needs_secrets_says_so_at_its_start() {
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
        finished.says("error: the secret of Aspect from --secret is malformed: it is not base64");
    }
}

#[test]
fn a_source_that_is_not_there_is_named() {
    let dir = Dir::new();
    run(&dir).args(["--secret", "env:NO_SUCH_VARIABLE"]).exits(2).stderr(
        "error: the environment variable NO_SUCH_VARIABLE is not set\n\
         hint: set it (export NO_SUCH_VARIABLE=…), or name another source with --secret\n",
    );
    run(&dir)
        .args(["--secret", "cyanite=file:no-such-file"])
        .exits(2)
        .says("error: the secret's file no-such-file can't be read\ncaused by: ");
}

#[test]
fn what_the_config_names_and_is_not_there_matters_only_where_it_is_needed() {
    let dir = Dir::new();
    dir.write("hookdev.toml", "env_file = \"no-such.env\"\n[provider.cyanite]\nsecret = \"env:NO_SUCH_VARIABLE\"\n");
    let print = |event: &'static str| dir.hookdev().args(["send", event, "--print", "json"]);
    print("auphonic.done").exits(0).says("note: there is no env file ").says(
        "note: the config's secret env:NO_SUCH_VARIABLE for Cyanite is passed over: \
         the environment variable NO_SUCH_VARIABLE is not set\n",
    );
    print("cyanite.v2.finished")
        .exits(2)
        .stdout("")
        .says("error: there is no secret to sign Cyanite's deliveries with\n");
    dir.listen().exits(2).says("error: none of the secrets that the config names for Cyanite is there\n");
}

#[test]
fn a_source_of_the_config_that_is_not_there_is_passed_over_and_never_replaced_by_the_public_secret() {
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
    let finished = verify(&mine).env("MINE", "mine").exits(0).says("note: there is no env file ");
    finished
        .says("note: the config's secret env:NO_SUCH for Cyanite is passed over: ")
        .says("note: the config's secret file:no-such for Cyanite is passed over: ");
    verify(&public).env("MINE", "mine").exits(1);
    verify(&public).exits(1).prints("no secret is configured to verify the signature with");
    verify(&mine).exits(1);
}

#[test]
fn a_provider_that_is_misspelt_before_a_secret_is_asked_about_and_the_secret_is_not_told() {
    let dir = Dir::new();
    let print = ["send", "cyanite.v2.finished", "--print", "json", "--secret", "cyanit=topsecret"];
    let finished = dir.hookdev().args(print).exits(0).says(
        "note: a --secret names no provider before its `=`, and is taken whole as a secret; did you mean `cyanite=…`?\n",
    );
    assert!(!finished.text().contains("topsecret") && !finished.stderr.contains("topsecret"), "{finished}");
}

#[test]
fn a_line_of_the_env_file_that_is_none_is_named_by_its_number() {
    let dir = Dir::new();
    dir.write("hookdev.toml", "env_file = \".env\"\n");
    dir.write(".env", "A=1\n\ntopsecret\n");
    run(&dir).exits(2).says(".env can't be read\ncaused by: line 3: expected NAME=value\n");
}

#[test]
fn a_secret_for_a_provider_that_signs_nothing_is_a_mistake() {
    run(&Dir::new())
        .args(["--secret", "auphonic=topsecret"])
        .exits(2)
        .stderr("error: Auphonic signs nothing, so that a secret is of no use to it\n");
}
