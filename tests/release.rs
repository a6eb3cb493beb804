//! The files from which releases are made agree: targets, names of archives, version, owner.

mod machine;

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use sha2::{Digest, Sha256};
use toml::Table;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The targets that users expect binaries for.
const TARGETS: [&str; 5] = [
    "aarch64-apple-darwin",
    "aarch64-unknown-linux-musl",
    "x86_64-apple-darwin",
    "x86_64-pc-windows-msvc",
    "x86_64-unknown-linux-musl",
];

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn manifest() -> Table {
    text("Cargo.toml").parse().expect("TOML")
}

/// The owner in the URL of the repository.
fn owner() -> String {
    let manifest = manifest();
    let url = manifest["package"]["repository"].as_str().expect("a URL");
    let path = url.strip_prefix("https://github.com/").expect("a repository on GitHub");
    path.strip_suffix("/hookdev").expect("the project's name").to_owned()
}

/// What follows each place where a text has this, up to the first character that is not part of a name.
fn names_after<'a>(text: &'a str, mark: &str) -> Vec<&'a str> {
    let end = |c: char| !(c.is_ascii_alphanumeric() || c == '-');
    text.split(mark).skip(1).map(|rest| rest.split(end).next().unwrap_or(rest)).collect()
}

/// The files of the project that people write, with their paths.
fn written() -> Vec<(String, String)> {
    let places = [
        ".ci",
        ".github",
        "action.yml",
        "build.rs",
        "docs",
        "packaging",
        "src",
        "CONTRIBUTING.md",
        "README.md",
        "SECURITY.md",
    ];
    let entries = places.iter().flat_map(|place| walkdir::WalkDir::new(Path::new(ROOT).join(place)));
    let files = entries.map(|entry| entry.expect("an entry")).filter(|entry| entry.file_type().is_file());
    let named = files.map(|file| {
        let path = file.path().strip_prefix(ROOT).expect("a file of the project").to_string_lossy().replace('\\', "/");
        (path, String::from_utf8_lossy(&fs::read(file.path()).expect("a file")).into_owned())
    });
    named.collect()
}

const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };

/// Whether packaging/package runs here.
fn packages() -> bool {
    machine::can(PYTHON, &["-c", "import tomllib"])
}

/// Runs packaging/package.
fn package(dist: &Path, arguments: &[&str]) {
    let mut python = machine::command(PYTHON);
    python.arg(Path::new(ROOT).join("packaging/package")).arg("--dist").arg(dist).args(arguments);
    let output = python.output().expect("Python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The archives of a release, each with a program that says its target.
fn archives() -> tempfile::TempDir {
    let dist = tempfile::tempdir().expect("a directory");
    let program = dist.path().join("program");
    for target in TARGETS {
        fs::write(&program, target).expect("a file");
        package(dist.path(), &["archive", target, program.to_str().expect("UTF-8")]);
    }
    fs::remove_file(program).expect("a file");
    dist
}

/// The name of the archive for a target.
fn archive(target: &str) -> String {
    let suffix = if target.contains("windows") { "zip" } else { "tar.gz" };
    format!("hookdev-{VERSION}-{target}.{suffix}")
}

fn sha256(path: PathBuf) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(fs::read(path).expect("a file")) {
        write!(text, "{byte:02x}").expect("a string");
    }
    text
}

#[test]
fn no_other_file_repeats_the_version() {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '.';
    let repeats =
        |text: &str| text.split(|c| !part(c)).any(|word| word.trim_matches('.').trim_start_matches('v') == VERSION);
    let copies = written().into_iter().filter(|(_, text)| repeats(text)).map(|(path, _)| path);
    assert_eq!(copies.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn only_documents_repeat_the_owner_and_they_agree_with_the_manifest() {
    let owner = owner();
    for (path, text) in written() {
        let urls = ["github.com/", "ghcr.io/", "uses: ", "--repo "].map(|mark| {
            let names = names_after(&text, mark).into_iter();
            names.filter(|name| text.contains(&format!("{mark}{name}/hookdev"))).collect::<Vec<_>>()
        });
        let sites = text.split(".github.io/hookdev").map(|before| before.rsplit("//").next().unwrap_or(before));
        let sites = sites.take(text.matches(".github.io/hookdev").count());
        let owners: Vec<&str> = urls.concat().into_iter().chain(sites).collect();
        assert!(owners.iter().all(|name| *name == owner), "{path} names {owners:?}, and Cargo.toml {owner}");
        let is_document = Path::new(&path).extension().is_some_and(|extension| extension == "md");
        assert!(is_document || owners.is_empty(), "{path} names the owner; only Cargo.toml and documents do");
    }
}

#[test]
fn the_links_of_the_manifest_have_one_owner() {
    let (manifest, owner) = (manifest(), owner());
    let package = &manifest["package"];
    for key in ["homepage", "documentation"] {
        assert_eq!(package[key].as_str(), Some(format!("https://{owner}.github.io/hookdev").as_str()), "{key}");
    }
    let maintainer = package["metadata"]["deb"]["maintainer"].as_str();
    assert_eq!(maintainer, Some(format!("The hookdev authors <{owner}@users.noreply.github.com>").as_str()));
}

#[test]
fn the_workflow_the_action_and_the_package_script_have_the_same_targets() {
    let mut built = Vec::new();
    for line in text(".github/workflows/release.yml").lines() {
        let target = line.split_once("{ target: ").and_then(|(_, rest)| rest.split(',').next());
        built.extend(target.map(str::to_owned));
    }
    let mut downloaded = Vec::new();
    for line in text("action.yml").lines() {
        let target = line.split_once(") target=").and_then(|(_, rest)| rest.split(' ').next());
        downloaded.extend(target.map(str::to_owned));
    }
    built.sort();
    downloaded.sort();
    assert_eq!(built, TARGETS);
    assert_eq!(downloaded, TARGETS);
}

#[test]
fn binstall_finds_the_archives_and_the_program_in_them() {
    if !packages() {
        return;
    }
    let dist = archives();
    let manifest = manifest();
    let metadata = &manifest["package"]["metadata"]["binstall"];
    for target in TARGETS {
        let format = metadata["overrides"].get(target).unwrap_or(metadata)["pkg-fmt"].as_str();
        let (suffix, extension) = match format {
            Some("tgz") => (".tar.gz", ""),
            Some("zip") => (".zip", ".exe"),
            other => panic!("the format is {other:?}"),
        };
        let filled = |key: &str| {
            let values = [
                ("{ repo }", "REPO"),
                ("{ name }", "hookdev"),
                ("{ version }", VERSION),
                ("{ target }", target),
                ("{ archive-suffix }", suffix),
                ("{ bin }", "hookdev"),
                ("{ binary-ext }", extension),
            ];
            let template = metadata[key].as_str().expect("a template").to_owned();
            values.iter().fold(template, |text, (from, to)| text.replace(from, to))
        };
        assert_eq!(filled("pkg-url"), format!("REPO/releases/download/v{VERSION}/{}", archive(target)));
        let path = dist.path().join(archive(target));
        assert!(path.is_file(), "{}", path.display());
        if suffix == ".tar.gz" {
            let mut tar = machine::command("tar");
            let output = tar.arg("-xOzf").arg(path).arg(filled("bin-dir")).output().expect("tar");
            assert_eq!(String::from_utf8_lossy(&output.stdout), target);
        }
    }
}

#[test]
fn the_manifests_of_homebrew_and_scoop_have_the_checksums_of_the_archives() {
    if !packages() {
        return;
    }
    let dist = archives();
    package(dist.path(), &["manifests"]);
    let sum = |target: &str| sha256(dist.path().join(archive(target)));
    let url = |target: &str| {
        format!("https://github.com/{}/hookdev/releases/download/v{VERSION}/{}", owner(), archive(target))
    };

    let windows = "x86_64-pc-windows-msvc";
    let scoop = fs::read_to_string(dist.path().join("hookdev.json")).expect("a manifest");
    let scoop: Value = serde_json::from_str(&scoop).expect("JSON");
    assert_eq!(scoop["version"], VERSION);
    assert_eq!(scoop["architecture"]["64bit"]["hash"], sum(windows));
    assert_eq!(scoop["architecture"]["64bit"]["url"], url(windows));

    let formula = fs::read_to_string(dist.path().join("hookdev.rb")).expect("a formula");
    for target in TARGETS.into_iter().filter(|target| *target != windows) {
        let part = format!("url \"{}\"\n      sha256 \"{}\"\n", url(target), sum(target));
        assert!(formula.contains(&part), "{part} in\n{formula}");
    }
    assert!(!formula.contains("{{"), "{formula}");
}

#[test]
fn the_same_program_gives_the_same_archives() {
    if !packages() {
        return;
    }
    let (one, other) = (archives(), archives());
    for target in TARGETS {
        assert_eq!(sha256(one.path().join(archive(target))), sha256(other.path().join(archive(target))), "{target}");
    }
}
