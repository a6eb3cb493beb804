//! Every command with the same text at each of its inputs: provider directories, configs, variables,
//! file names, URLs, responses; on both streams, in every form, with colour and without.

#[cfg(unix)]
use std::fs;

use super::{EVIL, assert_all_harmless, assert_harmless, assert_harmless_in_colour};
#[cfg(unix)]
use crate::harness::{CYANITE, CYANITE_HEADERS};
use crate::harness::{Dir, Endpoint, TestCommand, capture, hang_up, respond};

/// A string of TOML.
fn toml(text: &str) -> String {
    let escaped: Vec<String> = text.chars().map(|c| format!("\\U{:08x}", u32::from(c))).collect();
    format!("\"{}\"", escaped.concat())
}

/// A provider whose every free text is hostile.
fn provider(dir: &Dir) {
    let evil = toml(EVIL);
    let manifest = format!(
        "name = 'acme'\ntitle = {evil}\nabout = {evil}\nnotes = [{evil}]\n\
         [secret]\ndevelopment = 'acme-secret'\nenv = 'ACME_SECRET'\n\
         [[scheme]]\nname = 'only'\nalgorithm = 'hmac-sha256'\ncontent = '{{body}}'\n\
         signature = {{ header = 'acme-signature', value = '{{hex}}' }}\n\
         [delivery]\nsuccess = ['202']\ntimeout = '20s'\n\
         retry = {{ waits = ['1s', '2s'] }}\n\
         [[event]]\nname = 'made'\nabout = {evil}\nmatch = {{ type = 'made' }}\nschema = 'made'\nsummary = '{{name}}'\n"
    );
    let name = serde_json::to_string(EVIL).unwrap();
    dir.write("acme/provider.toml", manifest);
    dir.write("acme/events/made.json", format!("{{ \"type\": \"made\", \"name\": {name} }}"));
    dir.write("acme/schema.json", r#"{"$defs":{"made":{"type":"object","properties":{"type":{"const":"made"}}}}}"#);
}

/// Runs a command with colour and without, and checks its exit code and that nothing hostile comes out.
#[track_caller]
fn harmless(code: i32, command: impl Fn() -> TestCommand) {
    let finished = command().exits(code);
    assert!(!finished.stdout.is_empty() || !finished.stderr.is_empty());
    assert_all_harmless(&finished);
    let coloured = command().args(["--color", "always"]).exits(code);
    assert_harmless_in_colour("coloured stdout", &coloured.stdout);
    assert_harmless_in_colour("coloured stderr", coloured.stderr.as_bytes());
}

#[test]
fn a_provider_directory_is_reported_without_control_characters() {
    let dir = Dir::new();
    provider(&dir);
    let refusing = Endpoint::new([respond(500).header("x-c1", "\u{9b}").body(EVIL)]);
    let gone = Endpoint::new([hang_up()]);
    let (refuses, hangs_up) = (refusing.url("/?token=%1b"), gone.url("/"));
    let commands: [(i32, &[&str]); 16] = [
        (0, &["events", "acme.*"]),
        (0, &["events", "acme.*", "--show"]),
        (0, &["events", "acme.*", "--show", "--json"]),
        (0, &["events", "acme.*", "--contract"]),
        (0, &["events", "acme.*", "--contract", "--json"]),
        (1, &["send", "acme.made", "--to", &refuses]),
        (1, &["send", "acme.made", "--to", &hangs_up]),
        (1, &["send", "acme.made", "--to", &refuses, "--tamper", "body"]),
        (1, &["send", "acme.made", "--to", &refuses, "--repeat", "4"]),
        (1, &["send", "acme.made", "--to", &refuses, "--repeat", "4", "--json"]),
        (1, &["send", "acme.made", "--to", &refuses, "--retry", "--speed", "100000"]),
        (0, &["send", "acme.made", "--print", "curl"]),
        (0, &["send", "acme.made", "--print", "vegeta"]),
        (0, &["check", "--provider", "acme", "--list"]),
        (2, &["send", "acme.made", "--set", "nothing=1"]),
        (2, &["verify", "acme", "--provider", "acm"]),
    ];
    for (code, command) in commands {
        harmless(code, || dir.hookdev().args(["--providers", "acme"]).args(command));
    }
    for format in ["pretty", "json", "junit", "github", "sarif"] {
        let to = refuses.as_str();
        let check = ["check", "--provider", "acme", "--to", to, "--case", "event-*", "--format", format];
        harmless(1, || dir.hookdev().args(["--providers", "acme"]).args(check));
    }
}

#[test]
fn a_listener_for_a_hostile_provider_starts_without_control_characters() {
    let dir = Dir::new();
    provider(&dir);
    dir.write(
        "hookdev.toml",
        format!("[[forward]]\nevents = {}\nto = 'http://127.0.0.1:1/'\n", toml(&EVIL.replace('[', ""))),
    );
    for options in [&["--provider", "acme"][..], &[]] {
        let command = dir.hookdev().args(["--providers", "acme", "listen", "--addr", "127.0.0.1:0"]).args(options);
        let finished = command.starts_for_people().killed();
        assert_harmless("stderr", finished.stderr.as_bytes());
    }
}

#[test]
fn a_completion_offers_no_control_characters() {
    let dir = Dir::new();
    provider(&dir);
    for shell in ["bash", "fish", "zsh"] {
        let words = ["--", "hookdev", "--providers", "acme", "send", "acme"];
        let asked = dir.hookdev().env("COMPLETE", shell).env("_CLAP_COMPLETE_INDEX", "4").args(words).exits(0);
        // The separator between a name and its description is the shell's own.
        let offered: Vec<u8> = asked.stdout.iter().copied().filter(|byte| !b"\t\x0b".contains(byte)).collect();
        assert_harmless(shell, &offered);
        assert!(asked.text().contains("acme.made"), "{shell}: {asked}");
    }
}

#[test]
fn an_argument_that_is_refused_starts_no_line_of_its_own() {
    let dir = Dir::new();
    let evil = EVIL.replace('\0', "");
    let (flag, at) = (format!("--{evil}"), format!("--at={evil}"));
    let commands: [&[&str]; 8] = [
        &[&evil],
        &["verify", &flag],
        &["verify", &at, "x"],
        &["listen", "--respond", &evil],
        &["listen", "--delay", &evil],
        &["send", "x", "--id", &evil, &flag],
        &["completions", &evil],
        &["providers", &evil],
    ];
    for command in commands {
        let refused = dir.hookdev().args(command).exits(2).stdout("").says("error: ");
        assert_all_harmless(&refused);
        assert!(!refused.stderr.contains("##["), "{refused}");
    }
}

#[test]
fn a_source_of_a_secret_is_named_without_control_characters() {
    let dir = Dir::new();
    let evil = EVIL.replace('\0', "");
    let sources = [
        (2, format!("env:{evil}")),
        (2, format!("file:{evil}")),
        (4, format!("{evil}=x")),
        (2, format!("cyanite='{evil}'")),
    ];
    for (code, source) in sources {
        harmless(code, || dir.send("cyanite.v2.finished", "http://127.0.0.1:1/").args(["--secret", &source]));
    }
    for (key, value) in [("env_file", EVIL), ("providers", EVIL)] {
        let value = if key == "providers" { format!("[{}]", toml(value)) } else { toml(value) };
        dir.write("hookdev.toml", format!("{key} = {value}\n"));
        harmless(2, || dir.send("cyanite.v2.finished", "http://127.0.0.1:1/"));
    }
    for line in ["secret = [\"env:?\", \"file:?\"]", "endpoint = \"?\""] {
        let line = line.replace("\"?\"", &toml(EVIL)).replace('?', toml(EVIL).trim_matches('"'));
        dir.write("hookdev.toml", format!("[provider.cyanite]\n{line}\n"));
        harmless(2, || dir.hookdev().args(["send", "cyanite.v2.finished"]));
        harmless(2, || dir.hookdev().args(["check", "--provider", "cyanite"]));
    }
    for key in ["addr", "capture"] {
        dir.write(
            "hookdev.toml",
            format!("[listen]\naddr = '127.0.0.1:0'\n{key} = {}\n", toml(EVIL)).replacen(
                if key == "addr" { "addr = '127.0.0.1:0'\n" } else { "?" },
                "",
                1,
            ),
        );
        harmless(2, || dir.hookdev().args(["listen", "--timeout", "1ms"]));
    }
}

#[test]
fn an_invalid_option_is_quoted_without_control_characters() {
    let dir = Dir::new();
    // clap shows the lines of an argument, which is the user's own.
    let evil = EVIL.replace(['\0', '\n'], "");
    let flag = format!("--{evil}");
    let commands: [&[&str]; 12] = [
        &[&flag],
        &[&evil],
        &["listen", &flag],
        &["send", "cyanite.v2.finished", "--now", &evil],
        &["send", "cyanite.v2.finished", "--timeout", &evil],
        &["send", "cyanite.v2.finished", "--rate", &evil],
        &["send", "cyanite.v2.finished", "--print", &evil],
        &["listen", "--max-body", &evil],
        &["listen", "--filter", &format!("[{evil}")],
        &["check", "--case", &evil],
        &["--config", &evil, "events"],
        &["--providers", &evil, "events"],
    ];
    for command in commands {
        harmless(2, || dir.hookdev().args(command));
    }
}

#[cfg(unix)]
#[test]
fn watched_files_are_named_without_control_characters() {
    let dir = Dir::new();
    let endpoint = Endpoint::new([respond(500).body(EVIL)]);
    let name = format!("captures/{}.json", EVIL.replace(['\0', '/'], ""));
    dir.write("captures/a.json", capture(&CYANITE_HEADERS, CYANITE).to_string());
    let mut sending = dir.hookdev().args(["send", "captures", "--watch", "--to", &endpoint.url("/")]).in_background();
    sending.says("note: watching for changes (Ctrl-C to stop)\n");
    dir.write(&name, capture(&CYANITE_HEADERS, EVIL).to_string());
    sending.says("note: saved; sending ");
    fs::remove_file(dir.join(&name)).unwrap();
    sending.says(" was removed\n");
    sending.interrupt();
    assert_all_harmless(&sending.exits(130));

    dir.write(&name, capture(&CYANITE_HEADERS, EVIL).to_string());
    let mut verifying = dir.hookdev().args(["verify", "captures", "--watch"]).in_background();
    verifying.says("watching for changes");
    fs::remove_file(dir.join(&name)).unwrap();
    verifying.says(" removed\n");
    verifying.interrupt();
    assert_all_harmless(&verifying.exits(130));
}

#[test]
fn a_very_long_line_is_printed_whole() {
    let dir = Dir::new();
    let long = "漢\u{1b}[31m".repeat(20_000);
    let endpoint = Endpoint::new([respond(500).body(long.clone())]);
    let finished = dir.send("cyanite.v2.finished", endpoint.url("/")).exits(1);
    assert_all_harmless(&finished);
    assert!(finished.text().len() < 20_000 && finished.text().lines().count() < 20, "{finished}");
    dir.write("long.json", capture(&[("signature", "00"), ("content-type", "x/\u{9b}")], long).to_string());
    harmless(1, || dir.hookdev().args(["verify", "long.json"]));
}
