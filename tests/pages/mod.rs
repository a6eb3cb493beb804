//! The pages for users: the README, the changelog, the security policy, and what is in `docs/`.
#![allow(dead_code)] // no test crate uses all of it

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The pages outside of `docs/`.
const AT_THE_ROOT: [&str; 3] = ["README.md", "CHANGELOG.md", "SECURITY.md"];

/// The directory of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pages in `docs/`, by name.
pub fn of_docs() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("docs")).expect("docs/").map(|entry| entry.expect("an entry").path());
    let mut pages: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|ext| ext == "md")).collect();
    pages.sort();
    pages
}

/// All pages.
pub fn all() -> Vec<PathBuf> {
    AT_THE_ROOT.iter().map(|name| root().join(name)).chain(of_docs()).collect()
}

/// The page's path in the repository.
pub fn name(page: &Path) -> String {
    page.strip_prefix(root()).expect("a page of the repository").to_string_lossy().replace('\\', "/")
}
