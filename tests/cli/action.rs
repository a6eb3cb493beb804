//! The GitHub Action: its scripts with the real program, on the files of a hostile pull request, and with a release.

use std::{
    collections::BTreeSet,
    env::consts,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Output,
};

use crate::{
    harness::{AUPHONIC, Dir, capture},
    machine,
};

const ACTION: &str = include_str!("../../action.yml");

/// The script of the action's first step that mentions this.
fn script(mention: &str) -> String {
    let steps = ACTION.split("      run: |\n").skip(1);
    let scripts =
        steps.map(|step| step.lines().map_while(|line| line.strip_prefix("        ")).collect::<Vec<_>>().join("\n"));
    scripts.into_iter().find(|script| script.contains(mention)).expect("a script that mentions it")
}

/// Runs a script as GitHub does, in a directory and with these variables. Returns what it printed, and its step's
/// outputs.
fn step(script: &str, directory: &Path, variables: &[(&str, &str)]) -> (Output, String) {
    let outputs = tempfile::NamedTempFile::new().unwrap();
    let mut bash = machine::command("bash");
    bash.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script]).current_dir(directory);
    bash.envs(variables.iter().copied()).env("GITHUB_OUTPUT", outputs.path());
    (bash.output().unwrap(), fs::read_to_string(outputs.path()).unwrap())
}

/// The default of an input.
fn default(input: &str) -> &str {
    let (_, rest) = ACTION.split_once(&format!("\n  {input}:\n")).expect("an input");
    let (_, rest) = rest.split_once("    default: ").expect("a default");
    rest.lines().next().unwrap().trim_matches('\'')
}

/// Runs the script in a directory with these inputs instead of the defaults. Returns the exit code and standard output.
#[track_caller]
fn verifies(dir: &Dir, inputs: &[(&str, &str)]) -> (i32, String) {
    let output = runs(dir, inputs);
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

fn runs(dir: &Dir, inputs: &[(&str, &str)]) -> Output {
    let temporary = dir.join("runner");
    fs::create_dir_all(temporary.join("hookdev/bin")).unwrap();
    // A second run finds it there.
    let _ = symlink(machine::hookdev().get_program(), temporary.join("hookdev/bin/hookdev"));
    let mut bash = machine::command("bash");
    bash.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &script("verify --format github")]);
    bash.current_dir(dir.join("repository")).env("RUNNER_TEMP", temporary).env("CYANITE_WEBHOOK_SECRET", "mine");
    for input in ["files", "require", "config", "options"] {
        let given = inputs.iter().find(|(name, _)| *name == input).map(|(_, value)| *value);
        bash.env(input.to_uppercase(), given.unwrap_or(default(input)));
    }
    bash.output().unwrap()
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
fn no_file_name_is_taken_for_an_option() {
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

/// The commands that GitHub's runner finds in the output of a step, as its `TryParseV2` and `TryParse` do: `::` at the
/// start of a line after whitespace, else `##[` anywhere in it.
fn commands(output: &[u8]) -> Vec<String> {
    let lines = str::from_utf8(output).unwrap().split(['\n', '\r']);
    let is_command = |line: &&str| line.trim_start().starts_with("::") || line.contains("##[");
    lines.filter(is_command).map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

#[test]
fn no_file_name_is_taken_for_a_command_of_the_runner() {
    let dir = Dir::new();
    let broken = "POST http://127.0.0.1/cyanite\nContent-Type: x\n\n< ./nope";
    for name in ["##[stop-commands]pwn.http", "x\n::stop-commands::pwn\n.http", "::stop-commands::pwn.http"] {
        dir.write(&format!("repository/captures/{name}"), broken);
    }
    let output = runs(&dir, &[]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(commands(&output.stdout), ["::error", "::error", "::error"]);
    let expected = [r"captures/##\[stop-commands]pwn.http", r"captures/x\n::stop-commands::pwn\n.http"];
    let messages = String::from_utf8(output.stderr).unwrap();
    assert!(expected.iter().all(|name| messages.contains(name)), "{messages}");
    assert_eq!(commands(messages.as_bytes()), [""; 0]);
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

/// The directory of a release, made by the same script as a real one, and the hash of the source as the action computes
/// it.
struct Release {
    dir: Dir,
    hash: String,
    version: String,
}

/// The stand-in for the released program.
const PROGRAM: &str = "#!/bin/sh\necho released\n";

impl Release {
    /// `None` if there is no Python to make it with.
    fn new() -> Option<Self> {
        if !machine::can("python3", &["-c", "import tomllib"]) {
            return None;
        }
        let dir = Dir::new();
        dir.write("program", PROGRAM);
        let package = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/package");
        let dist = dir.join(&format!("v{}", env!("CARGO_PKG_VERSION")));
        for arguments in [&["archive", &target(), dir.join("program").to_str().unwrap()][..], &["sums"]] {
            let mut python = machine::command("python3");
            python.arg(package).arg("--dist").arg(&dist).args(arguments);
            let output = python.output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let (output, outputs) = step(&script("hash=$(find"), Path::new(env!("CARGO_MANIFEST_DIR")), &[]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let (hash, version) = outputs.trim_end().split_once("\nversion=").unwrap();
        Some(Self { dir, hash: hash.strip_prefix("hash=").unwrap().to_owned(), version: version.to_owned() })
    }

    /// A file of the release.
    fn file(&self, name: &str) -> PathBuf {
        self.dir.join(&format!("v{}/{name}", self.version))
    }

    /// The name of the archive for this machine.
    fn archive(&self) -> String {
        format!("hookdev-{}-{}.tar.gz", self.version, target())
    }

    /// Downloads the program with these variables in place of the usual ones. Either the note that it will be built
    /// instead, or `released` with what the program prints.
    fn download(&self, variables: &[(&str, &str)]) -> String {
        let runner = tempfile::tempdir().unwrap();
        let releases = format!("file://{}", self.dir.join("").display());
        let usual = [
            ("REPOSITORY", "OWNER/hookdev"),
            ("RELEASES", releases.trim_end_matches('/')),
            ("VERSION", &self.version),
            ("HASH", &self.hash),
            ("RUNNER_OS", if cfg!(target_os = "macos") { "macOS" } else { "Linux" }),
            ("RUNNER_ARCH", if consts::ARCH == "aarch64" { "ARM64" } else { "X64" }),
            ("RUNNER_TEMP", runner.path().to_str().unwrap()),
        ];
        let (output, outputs) = step(&script("get SHA256SUMS"), runner.path(), &[&usual[..], variables].concat());
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let program = runner.path().join("hookdev/bin/hookdev");
        if outputs == "downloaded=true\n" {
            assert_eq!(printed, "");
            return String::from_utf8(machine::command(program).output().unwrap().stdout).unwrap();
        }
        assert_eq!((outputs.as_str(), program.exists()), ("", false));
        printed.strip_prefix("::notice title=hookdev::building hookdev from source: ").unwrap().to_owned()
    }
}

/// The target triple of this machine's release.
fn target() -> String {
    let system = if cfg!(target_os = "macos") { "apple-darwin" } else { "unknown-linux-musl" };
    format!("{}-{system}", consts::ARCH)
}

#[test]
fn the_action_runs_the_released_program() {
    let Some(release) = Release::new() else { return };
    assert_eq!(release.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(release.download(&[]), "released\n");
}

#[test]
fn the_action_builds_the_program_if_the_release_is_from_another_commit() {
    let Some(release) = Release::new() else { return };
    let expected = format!("version {} was released from another commit\n", release.version);
    assert_eq!(release.download(&[("HASH", "0000")]), expected);
}

#[test]
fn the_action_builds_the_program_if_there_is_no_release() {
    let Some(release) = Release::new() else { return };
    assert_eq!(release.download(&[("VERSION", "9.9.9")]), "cannot download SHA256SUMS of version 9.9.9\n");
    assert_eq!(release.download(&[("RUNNER_OS", "Plan9")]).split(" on ").next(), Some("there is no release for Plan9"));
    assert_eq!(release.download(&[("REPOSITORY", "")]), "the action is not used from its own repository\n");
    fs::remove_file(release.file(&release.archive())).unwrap();
    let expected = format!("cannot download {} of version {}\n", release.archive(), release.version);
    assert_eq!(release.download(&[]), expected);
}

#[test]
fn the_action_runs_no_program_whose_checksum_is_wrong() {
    let Some(release) = Release::new() else { return };
    let archive = release.file(&release.archive());
    let mut bytes = fs::read(&archive).unwrap();
    bytes.push(0);
    fs::write(&archive, bytes).unwrap();
    assert_eq!(release.download(&[]), format!("the checksum of {} is wrong\n", release.archive()));
    fs::write(release.file("source-hash"), "0000\n").unwrap();
    assert_eq!(release.download(&[]), "the checksum of source-hash is wrong\n");
}

#[test]
fn third_party_actions_and_tools_are_pinned() {
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
