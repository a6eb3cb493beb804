//! `docs/` as a book: the summary has every page once, and mdBook builds it.

use std::fs;

use regex_lite::Regex;

use crate::pages;

#[test]
fn the_summary_has_every_page_once() {
    let summary = fs::read_to_string(pages::root().join("docs/SUMMARY.md")).unwrap();
    let link = Regex::new(r"\]\(([^)]+)\)").unwrap();
    let mut listed: Vec<&str> = link.captures_iter(&summary).map(|found| found.get(1).unwrap().as_str()).collect();
    listed.sort_unstable();
    let pages = pages::of_docs();
    let names = pages.iter().map(|page| page.file_name().unwrap().to_str().unwrap());
    assert_eq!(listed, names.filter(|name| *name != "SUMMARY.md").collect::<Vec<_>>());
}

#[test]
fn the_index_of_docs_has_every_page_that_the_summary_has() {
    let root = pages::root().join("docs");
    let links = |name| {
        let page = fs::read_to_string(root.join(name)).unwrap();
        let link = Regex::new(r"- (\[[^\]]+\]\([a-z-]+\.md\))").unwrap();
        link.captures_iter(&page).map(|found| found.get(1).unwrap().as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(links("README.md"), links("SUMMARY.md"));
}

#[cfg(unix)] // the book needs `python3`
#[test]
fn the_pages_build_as_a_book() {
    use std::env;

    use crate::{machine, packages};

    let Some(environment) = packages::installed("book") else { return };
    let to = tempfile::tempdir().unwrap();
    let programs = packages::python(&environment).parent().unwrap().to_owned();
    let path = env::join_paths([programs.clone()].into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap())));
    let mut mdbook = machine::command(programs.join("mdbook"));
    mdbook.arg("build").arg(pages::root()).arg("--dest-dir").arg(to.path()).env("PATH", path.unwrap());
    let output = mdbook.output().unwrap();
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !messages.contains("WARN") && !messages.contains("ERROR"), "{messages}");
    let page = fs::read_to_string(to.path().join("built-in-providers.html")).unwrap();
    // A link out of docs/ leads to the repository.
    assert!(page.contains("/blob/HEAD/fixtures/stripe\""), "the link to a provider's directory");
    assert!(!page.contains("../fixtures"), "links out of the book");
    for page in pages::of_docs().iter().map(|page| page.file_stem().unwrap().to_str().unwrap()) {
        let html = match page {
            "README" => "index.html".to_owned(),
            "SUMMARY" => continue,
            name => format!("{name}.html"),
        };
        assert!(to.path().join(&html).exists(), "{html}");
    }
}
