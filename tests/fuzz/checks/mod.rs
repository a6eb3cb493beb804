//! What holds for every input, however strange: one function for each place where hookdev reads
//! what others wrote. `cargo test --test fuzz` calls them with mutated samples, and the targets in
//! `fuzz/` with whatever a coverage-guided fuzzer comes up with. A check that fails panics.

mod body;
mod capture;
mod diagnosis;
mod edit;
mod glob;
mod input;
mod json;
mod manifest;
mod signature;
mod text;

use std::{
    borrow::Cow,
    fs,
    path::{Path, PathBuf},
};

pub use input::Input;

/// A function that wants something of every input.
pub type Check = fn(&[u8]);

/// Every check by its name, which is that of its fuzz target and of its directory of seeds.
pub const CHECKS: [(&str, Check); 9] = [
    ("body", body::check),
    ("capture", capture::check),
    ("diagnosis", diagnosis::check),
    ("edit", edit::check),
    ("glob", glob::check),
    ("json", json::check),
    ("manifest", manifest::check),
    ("signature", signature::check),
    ("text", text::check),
];

/// The check of this name.
///
/// # Panics
///
/// When there is none.
pub fn named(name: &str) -> Check {
    CHECKS.iter().find(|(other, _)| *other == name).map(|(_, check)| *check).expect("a check of this name")
}

/// Files from which mutations of a check's inputs start: its own, and what the tree has of the kind.
///
/// # Panics
///
/// If the directory can't be read.
pub fn seeds(root: &Path, name: &str) -> Vec<PathBuf> {
    let mut folders = vec![root.join("tests/fuzz/seeds").join(name)];
    match name {
        "capture" => folders.push(root.join("tests/formats")),
        "diagnosis" | "edit" | "json" => folders.extend(provider_folders(root).map(|folder| folder.join("events"))),
        "manifest" => folders.extend(provider_folders(root)),
        _ => {}
    }
    let mut files: Vec<PathBuf> = folders.iter().flat_map(|folder| files_in(folder)).collect();
    files.sort();
    files
}

fn provider_folders(root: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(root.join("fixtures")).expect("fixtures").map(|entry| entry.expect("an entry").path())
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file()).collect()
}

/// A provider directory with this manifest and one event.
fn provider(manifest: &str) -> Result<hookdev::webhook::provider::Provider, String> {
    use hookdev::webhook::provider::{Provider, files::Files};
    let files = [("provider.toml", manifest), ("events/ping.json", "{\n  \"type\": \"ping\"\n}\n")];
    let files = files.map(|(path, text)| (Cow::Owned(path.to_owned()), Cow::Owned(text.to_owned())));
    Provider::load(Files::new("made-up", files.into())).map_err(|error| error.to_string())
}

/// Checks that a text can be printed: no control character but the line feed.
#[track_caller]
fn assert_printable(text: &str) {
    let control = text.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(control, None, "{text:?}");
}
