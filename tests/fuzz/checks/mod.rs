//! Properties that hold for every input: one function for each part of hookdev that reads untrusted data. `cargo test
//! --test fuzz` calls them with mutated samples, and the targets in `fuzz/` with the inputs of a coverage-guided
//! fuzzer. A check that fails panics.

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

use hookdev::webhook::{
    provider::Provider,
    signature::{Scheme, SigningSecret},
};
pub use input::Input;

/// A function that checks one input.
pub type Check = fn(&[u8]);

/// Every check by its name, which its fuzz target and its directory of seeds share.
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
/// If there is none.
pub fn named(name: &str) -> Check {
    CHECKS.iter().find(|(other, _)| *other == name).map(|(_, check)| *check).expect("a check of this name")
}

/// The files to mutate for a check: its own seeds, and similar files of the repository.
///
/// # Panics
///
/// If the directory can't be read.
pub fn seeds(root: &Path, name: &str) -> Vec<PathBuf> {
    let mut dirs = vec![root.join("tests/fuzz/seeds").join(name)];
    match name {
        "capture" => dirs.push(root.join("tests/formats")),
        "edit" | "json" => dirs.extend(provider_dirs(root).map(|dir| dir.join("events"))),
        "manifest" => dirs.extend(provider_dirs(root)),
        _ => {}
    }
    let mut files: Vec<PathBuf> = dirs.iter().flat_map(|dir| files_in(dir)).collect();
    // A diagnosis takes long, so one event of each provider has to do.
    if name == "diagnosis" {
        files.extend(provider_dirs(root).filter_map(|dir| files_in(&dir.join("events")).into_iter().min()));
    }
    files.sort();
    files
}

fn provider_dirs(root: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(root.join("fixtures"))
        .expect("fixtures")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
}

fn files_in(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file()).collect()
}

/// A provider directory with this manifest and one event.
fn provider(manifest: &str) -> Result<Provider, String> {
    use hookdev::webhook::provider::files::ProviderFiles;
    let files = [("provider.toml", manifest), ("events/ping.json", "{\n  \"type\": \"ping\"\n}\n")];
    let files = files.map(|(path, text)| (Cow::Owned(path.to_owned()), Cow::Owned(text.to_owned())));
    Provider::load(ProviderFiles::new("made-up", files.into())).map_err(|error| error.to_string())
}

/// A secret that a scheme of this provider can sign with, made from a label of letters.
fn secret(provider: &Provider, scheme: &Scheme, label: &str) -> SigningSecret {
    let rule = scheme.secret.as_deref().or(provider.secret.as_ref());
    let format = rule.map(|rule| rule.format.clone()).unwrap_or_default();
    // A pair of keys is derived from a text of this beginning; other formats may want base64, or two parts.
    let texts = [format!("hookdev-development-secret-{label}"), label.repeat(8), format!("key:{label}")];
    texts.iter().find_map(|text| SigningSecret::parse(text, &format).ok()).expect("a secret of the scheme's format")
}

/// Checks that a text can be printed: no control character but the line feed.
#[track_caller]
fn assert_printable(text: &str) {
    let control = text.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(control, None, "{text:?}");
}
