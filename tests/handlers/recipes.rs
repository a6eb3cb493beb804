//! The recipes of `docs/testing.md`, run as they are printed: with Vitest, pytest, Playwright and bash, on a free port.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use super::{machine, packages};

const PAGE: &str = include_str!("../../docs/testing.md");

/// The port in the page.
const PORT: &str = "3000";

/// Runs the recipe under this heading, with these directories of programs first; checks that it prints `expected`.
#[track_caller]
fn recipe_prints(heading: &str, programs: &[PathBuf], prepare: impl FnOnce(&Path), expected: &str) {
    let dir = tempfile::tempdir().expect("a directory");
    let mut port = machine::Port::reserve();
    let page = PAGE.replace(PORT, &port.lend().to_string());
    // People try several recipes in one directory.
    save_files(&page, dir.path());
    let (_, section) = page.split_once(&format!("\n## {heading}\n")).expect("the heading");
    let section = section.split("\n## ").next().expect("a section");
    prepare(dir.path());
    let command = section.rsplit_once("```sh\n").and_then(|(_, rest)| rest.split_once("\n```")).expect("a command").0;
    let hookdev = Path::new(env!("CARGO_BIN_EXE_hookdev")).parent().expect("a directory").to_owned();
    let inherited = env::var_os("PATH").unwrap_or_default();
    let path = programs.iter().cloned().chain([hookdev]).chain(env::split_paths(&inherited));
    let path: OsString = env::join_paths(path).expect("a search path");
    let mut shell = machine::command("bash");
    shell.args(["-c", command]).current_dir(dir.path()).env("HOME", dir.path()).env("PATH", path).env("NO_COLOR", "1");
    let output = shell.output().expect("a process");
    let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
    assert_eq!(output.status.code(), Some(0), "{command}\n{text}");
    assert!(text.contains(expected), "{command}\n{text}");
    assert!(text.contains("cyanite.v2.finished"), "the delivery is printed\n{text}");
}

/// Saves the code blocks that follow a line with nothing but a file's name.
fn save_files(mut text: &str, dir: &Path) {
    while let Some((before, rest)) = text.split_once("`:\n\n```") {
        let (_, name) = before.rsplit_once("\n`").expect("a file's name on a line of its own");
        let (_, rest) = rest.split_once('\n').expect("a language");
        let (body, rest) = rest.split_once("\n```\n").expect("the end of the block");
        fs::write(dir.join(name), format!("{body}\n")).expect("a file");
        text = rest;
    }
}

/// The directory of the programs of `tests/packages/recipes`, and a function that lets tests import them.
fn of_node() -> Option<(PathBuf, impl FnOnce(&Path))> {
    let modules = packages::installed("recipes")?.join("node_modules");
    let linked = modules.clone();
    let link = move |dir: &Path| std::os::unix::fs::symlink(linked, dir.join("node_modules")).expect("a link");
    Some((modules.join(".bin"), link))
}

#[test]
fn the_recipe_for_bash_works() {
    recipe_prints("Bash", &[], |_| (), "the track is listed");
}

#[test]
fn the_recipe_for_vitest_works() {
    let Some((programs, link)) = of_node() else { return };
    recipe_prints("Vitest", &[programs], link, "Tests  1 passed");
}

#[test]
fn the_recipe_for_playwright_works() {
    let Some((programs, link)) = of_node() else { return };
    recipe_prints("Playwright", &[programs], link, "1 passed");
}

#[test]
fn the_recipe_for_pytest_works() {
    let Some(environment) = packages::installed("python-recipes") else { return };
    let programs = packages::python(&environment).parent().expect("a directory").to_owned();
    recipe_prints("pytest", &[programs], |_| (), "1 passed");
}
