//! The page's files: vendored libraries are those of the npm registry, and the page's own code has no way to turn text
//! into markup or code.

use std::{
    collections::BTreeSet,
    env, fs,
    io::{Write, stderr},
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use sha2::{Digest, Sha256};

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/net/inspector/page")
}

/// The page's own files, each with its name and text.
fn own_files() -> Vec<(String, String)> {
    let files = fs::read_dir(page()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let mut files: Vec<_> = files
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .collect();
    files.sort();
    files
}

fn manifest() -> Value {
    serde_json::from_slice(&fs::read(page().join("vendor/manifest.json")).unwrap()).unwrap()
}

fn hash(bytes: &[u8]) -> String {
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap());
    Sha256::digest(bytes).iter().flat_map(digits).collect()
}

#[test]
fn nothing_turns_text_into_markup_or_code() {
    let forbidden = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "dangerouslySetInnerHTML",
        "document.write",
        "createContextualFragment",
        "DOMParser",
        "setAttribute",
        "srcdoc",
        "eval(",
        "new Function",
        "javascript:",
        "style=",
        "<style",
        "http://",
        "https://",
        "import(",
        "createPolicy",
        "document.cookie",
        "localStorage",
    ];
    for (name, text) in own_files() {
        for part in forbidden {
            // The only addresses that are named: the namespace of an SVG file, and an example for the reader.
            let text = text.replace("http://www.w3.org/2000/svg", "").replace("http://localhost:3000/", "");
            assert!(!text.contains(part), "{name} contains `{part}`");
        }
    }
}

#[test]
fn only_one_module_parses_json() {
    let parses = |text: &str| text.contains("JSON.parse") || text.contains(".json()");
    let names: Vec<_> = own_files().into_iter().filter(|(_, text)| parses(text)).map(|(name, _)| name).collect();
    assert_eq!(names, ["api.js"]);
}

#[test]
fn each_module_says_what_it_owns() {
    for (name, text) in
        own_files().iter().filter(|(name, _)| Path::new(name).extension().is_some_and(|ending| ending == "js"))
    {
        assert!(text.starts_with("// ") && text.lines().next().unwrap().len() > 30, "{name} has no head comment");
        assert!(text.lines().count() < 400, "{name} is too long");
    }
}

#[test]
fn the_vendored_files_are_those_of_the_manifest() {
    let mut names = BTreeSet::from(["manifest.json".to_owned()]);
    for file in files() {
        let bytes = fs::read(page().join("vendor").join(&file.name)).unwrap();
        let expected = file.rewritten.as_ref().map_or(&file.sha256, |(_, _, sha256)| sha256);
        assert_eq!(hash(&bytes), *expected, "{}", file.name);
        names.insert(file.name);
    }
    let present = fs::read_dir(page().join("vendor")).unwrap();
    let present: BTreeSet<_> = present.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(present, names);
}

#[test]
fn the_vendored_files_are_those_of_the_npm_registry() {
    for package in manifest()["packages"].as_array().unwrap() {
        let name = format!("{}@{}", package["name"].as_str().unwrap(), package["version"].as_str().unwrap());
        let directory = tempfile::tempdir().unwrap();
        let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
        let packed =
            Command::new(npm).args(["pack", "--silent", "--fetch-retries=1", &name]).current_dir(&directory).output();
        let packed = match packed {
            Ok(output) if output.status.success() => output,
            other => {
                assert!(env::var_os("HOOKDEV_CI").is_none(), "`npm pack {name}` is required here: {other:?}");
                // Not with `eprintln!`, whose output the test harness captures.
                writeln!(stderr(), "SKIPPED: `npm pack {name}` can't be run here: {other:?}").unwrap();
                return;
            }
        };
        let archive = String::from_utf8(packed.stdout).unwrap();
        let archive = directory.path().join(archive.trim());
        let unpacked = Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(directory.path()).status().unwrap();
        assert!(unpacked.success());
        let licence: Value =
            serde_json::from_slice(&fs::read(directory.path().join("package/package.json")).unwrap()).unwrap();
        assert_eq!(licence["license"], package["licence"], "{name}");
        for file in files_of(package) {
            let original = fs::read(directory.path().join("package").join(&file.in_package)).unwrap();
            assert_eq!(hash(&original), file.sha256, "{name}: {}", file.in_package);
            if let Some((from, to, _)) = &file.rewritten {
                let original = String::from_utf8(original).unwrap();
                assert_eq!(original.matches(from.as_str()).count(), 1, "{}", file.name);
                let served = fs::read_to_string(page().join("vendor").join(&file.name)).unwrap();
                assert_eq!(original.replace(from.as_str(), to), served, "{}", file.name);
            }
        }
    }
}

/// A vendored file.
struct Vendored {
    name: String,
    in_package: String,
    sha256: String,
    /// The text that was replaced, what it was replaced by, and the hash of the result.
    rewritten: Option<(String, String, String)>,
}

fn files() -> Vec<Vendored> {
    manifest()["packages"].as_array().unwrap().iter().flat_map(files_of).collect()
}

fn files_of(package: &Value) -> Vec<Vendored> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let file = |file: &Value| Vendored {
        name: text(&file["file"]),
        in_package: text(&file["in_package"]),
        sha256: text(&file["sha256"]),
        rewritten: file.get("rewritten").map(|to| (text(&to["from"]), text(&to["to"]), text(&to["sha256"]))),
    };
    package["files"].as_array().unwrap().iter().map(file).collect()
}
