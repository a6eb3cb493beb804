//! The GitHub Action: its script with the real program, on the files of a hostile pull request.

use std::{collections::BTreeSet, fs, os::unix::fs::symlink};

use crate::{
    harness::{AUPHONIC, Dir, capture},
    machine,
};

const ACTION: &str = include_str!("../../action.yml");

/// The last step of the action.
fn script() -> String {
    let (_, script) = ACTION.rsplit_once("      run: |\n").expect("a script of several lines");
    let lines: Vec<&str> = script.lines().map(|line| line.strip_prefix("        ").unwrap_or(line)).collect();
    lines.join("\n")
}

/// The default of an input.
fn default(input: &str) -> &str {
    let (_, rest) = ACTION.split_once(&format!("\n  {input}:\n")).expect("an input");
    let (_, rest) = rest.split_once("    default: ").expect("a default");
    rest.lines().next().unwrap().trim_matches('\'')
}

/// Runs the script in a directory with these inputs instead of the defaults; the exit code and standard output.
#[track_caller]
fn verifies(dir: &Dir, inputs: &[(&str, &str)]) -> (i32, String) {
    let temporary = dir.join("runner");
    fs::create_dir_all(temporary.join("hookdev/bin")).unwrap();
    // A second run finds it there.
    let _ = symlink(machine::hookdev().get_program(), temporary.join("hookdev/bin/hookdev"));
    let mut bash = machine::command("bash");
    bash.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &script()]);
    bash.current_dir(dir.join("repository")).env("RUNNER_TEMP", temporary).env("CYANITE_WEBHOOK_SECRET", "mine");
    for input in ["files", "require", "config", "options"] {
        let given = inputs.iter().find(|(name, _)| *name == input).map(|(_, value)| *value);
        bash.env(input.to_uppercase(), given.unwrap_or(default(input)));
    }
    let output = bash.output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

/// A delivery that is signed with this secret.
#[track_caller]
fn signed(dir: &Dir, secret: &str) -> Vec<u8> {
    let secret = format!("cyanite={secret}");
    dir.hookdev().args(["send", "cyanite.v2.finished", "--print", "json", "--secret", &secret]).exits(0).stdout
}

/// The files that have annotations, as GitHub writes them.
fn annotated(output: &str) -> BTreeSet<&str> {
    output.lines().map(|line| line.split_once("file=").unwrap().1.split_once(',').unwrap().0).collect()
}

#[test]
fn no_name_of_a_file_is_an_option() {
    let dir = Dir::new();
    let names = [
        "--secret=cyanite=attacker",
        "--config=hookdev.toml",
        "-",
        "-q",
        "a b.json",
        "line\nfeed.json",
        "$(touch PWNED)",
        "'\";touch PWNED;#",
    ];
    for (secret, exit) in [("mine", 0), ("attacker", 1)] {
        for name in names {
            dir.write(&format!("repository/{name}"), signed(&dir, secret));
        }
        let (code, output) = verifies(&dir, &[("files", "*")]);
        assert_eq!(code, exit, "{output}");
        let expected = [
            "'\";touch PWNED;#",
            "$(touch PWNED)",
            "--config=hookdev.toml",
            "--secret=cyanite=attacker",
            "-q",
            "./-",
            "a b.json",
            "line%0Afeed.json",
        ];
        assert_eq!(annotated(&output), if exit == 0 { BTreeSet::new() } else { BTreeSet::from(expected) });
        assert!(!dir.names("repository").contains(&"PWNED".to_owned()));
    }
}

#[test]
fn the_config_of_a_pull_request_is_read_only_where_an_input_names_it() {
    let dir = Dir::new();
    dir.write("repository/captures/forged.json", signed(&dir, "attacker"));
    dir.write("repository/hookdev.toml", "providers = [\"attackers\"]\n");
    let manifest = include_str!("../../fixtures/cyanite/provider.toml");
    dir.write("repository/attackers/provider.toml", manifest.replace("CYANITE_WEBHOOK_SECRET", "NOT_SET"));
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/cyanite/events")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        dir.write(&format!("repository/attackers/events/{name}"), fs::read(entry.path()).unwrap());
    }
    dir.write("repository/attackers/schema.json", include_str!("../../fixtures/cyanite/schema.json"));
    let (code, output) = verifies(&dir, &[]);
    assert_eq!((code, annotated(&output)), (1, BTreeSet::from(["captures/forged.json"])));
    let trusted = [("config", "hookdev.toml"), ("options", "--secret cyanite=attacker")];
    assert_eq!(verifies(&dir, &trusted), (0, String::new()));
}

#[test]
fn a_signature_is_required_unless_an_input_says_otherwise() {
    let dir = Dir::new();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let mut unsigned = capture(&headers, AUPHONIC);
    unsigned["request"]["target"] = "/auphonic".into();
    dir.write("repository/captures/done.json", unsigned.to_string());
    let (code, output) = verifies(&dir, &[]);
    assert_eq!((code, annotated(&output)), (1, BTreeSet::from(["captures/done.json"])));
    assert_eq!(verifies(&dir, &[("require", "")]), (0, String::new()));
}

#[test]
fn actions_and_tools_of_others_are_pinned() {
    let mut files = vec![ACTION.to_owned()];
    // A package has no workflows.
    if let Ok(entries) = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.github/workflows")) {
        files.extend(entries.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()));
    }
    let mut uses = 0;
    for line in files.iter().flat_map(|file| file.lines()) {
        if let Some((_, action)) = line.split_once("uses: ") {
            uses += 1;
            let (_, version) = action.split_once('@').unwrap();
            let (hash, version) = version.split_once(" # v").unwrap_or_else(|| panic!("no version: {line}"));
            assert!(hash.len() == 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{line}");
            assert_eq!(version.split('.').count(), 3, "{line}");
        }
        if let Some((_, tool)) = line.split_once("cargo install ") {
            assert!(tool.contains("--locked") && (tool.contains('@') || tool.contains("--path .")), "{line}");
        }
    }
    assert!(uses >= 1);
}
