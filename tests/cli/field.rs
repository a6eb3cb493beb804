//! Situations that people have had, most of them reported in public, as `tests/field` has them: each directory holds
//! the files that a user would have, and `case.json` with the commands to run there and the expected results.

use std::{fs, path::Path};

use regex_lite::RegexBuilder;
use serde::Deserialize;

use crate::harness::Dir;

/// How many cases there are, so that none is lost unnoticed.
const CASES: usize = 42;

#[derive(Deserialize)]
struct Case {
    situation: String,
    expected: String,
    steps: Vec<Step>,
}

/// One run of `hookdev`.
#[derive(Deserialize)]
struct Step {
    args: Vec<String>,
    /// The expected exit codes.
    exit: Vec<i32>,
    /// Patterns that the output must contain.
    #[serde(default)]
    out: Vec<String>,
    /// Patterns that it must not contain.
    #[serde(default)]
    not: Vec<String>,
}

/// Copies the files of a case.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn matches(pattern: &str, output: &str) -> bool {
    RegexBuilder::new(pattern).multi_line(true).build().unwrap().is_match(output)
}

#[test]
fn every_situation_from_the_field_is_handled_as_expected() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/field");
    let mut cases: Vec<_> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert_eq!(cases.len(), CASES);
    let mut wrong = Vec::new();
    for path in cases {
        let case: Case = serde_json::from_slice(&fs::read(path.join("case.json")).unwrap()).unwrap();
        assert!(!case.steps.is_empty(), "{}", path.display());
        for step in &case.steps {
            let dir = Dir::new();
            copy(&path, &dir.join("."));
            let (code, finished) = dir.hookdev().args(&step.args).ends();
            let output = format!("{}{}", finished.text(), finished.stderr);
            let is_right = code.is_some_and(|code| step.exit.contains(&code))
                && step.out.iter().all(|pattern| matches(pattern, &output))
                && !step.not.iter().any(|pattern| matches(pattern, &output));
            if !is_right {
                let name = path.file_name().unwrap().to_string_lossy();
                wrong.push(format!(
                    "{name}: {}\nexpected: {}\nexit {code:?}\n{finished}",
                    case.situation, case.expected
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
