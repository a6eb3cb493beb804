//! Links within the repository: their files and their anchors exist.

use std::{collections::HashMap, fs, path::Path};

use regex_lite::Regex;
use url::Url;

use crate::{pages, text};

/// What is wrong with the links of a page.
fn broken(page: &Path) -> Vec<String> {
    let content = fs::read_to_string(page).unwrap();
    // Code in the text of a link is kept as an underscore, and code that looks like a link is removed.
    let (_, prose) = text::inline_code(&text::prose(&content));
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let targets = link.captures_iter(&prose).map(|found| found.get(1).unwrap().as_str().to_owned());
    targets.filter_map(|target| problem(page, &content, &target)).collect()
}

fn problem(page: &Path, content: &str, target: &str) -> Option<String> {
    let name = pages::name(page);
    if target.contains("://") {
        return Url::parse(target).err().map(|error| format!("{name}: {target}: {error}"));
    }
    let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
    let file = if path.is_empty() { page.to_owned() } else { page.parent().unwrap().join(path) };
    if !file.exists() {
        return Some(format!("{name}: {target}: there is no such file"));
    }
    let anchor = anchor?;
    let content = if path.is_empty() { content.to_owned() } else { fs::read_to_string(&file).unwrap() };
    (!anchors(&content).iter().any(|known| known == anchor))
        .then(|| format!("{name}: {target}: there is no such heading"))
}

/// The anchors of a page's headings, as GitHub and mdBook make them.
fn anchors(page: &str) -> Vec<String> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    let prose = text::prose(page);
    let headings = prose.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let slug = |heading: &str| {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    };
    headings
        .map(slug)
        .map(|slug| {
            let count = counts.entry(slug.clone()).or_default();
            *count += 1;
            if *count == 1 { slug } else { format!("{slug}-{}", *count - 1) }
        })
        .collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let broken: Vec<String> = pages::all().iter().flat_map(|page| broken(page)).collect();
    assert_eq!(broken, [""; 0]);
}

#[test]
fn a_link_without_a_file_or_a_heading_is_found() {
    let page = pages::root().join("README.md");
    let content = "# A `b.c` d\n\n## E\n\n## E\n";
    for fine in ["#a-bc-d", "#e-1", "LICENSE", "docs/providers.md#places", "https://example.com/x"] {
        assert_eq!(problem(&page, content, fine), None, "{fine}");
    }
    let wrong = |target: &str| problem(&page, content, target).unwrap();
    assert_eq!(wrong("docs/none.md"), "README.md: docs/none.md: there is no such file");
    assert_eq!(wrong("#f"), "README.md: #f: there is no such heading");
    assert_eq!(wrong("docs/providers.md#none"), "README.md: docs/providers.md#none: there is no such heading");
}
