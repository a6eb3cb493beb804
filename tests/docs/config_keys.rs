//! The keys of the config: `docs/config.md` has a table for each section of `hookdev.toml`, with exactly the keys that
//! the program knows. The program lists them when a key is unknown.

use std::fs;

use crate::{
    machine, pages,
    text::{Part, parts},
};

/// The headings of the page, each with a config that has an unknown key there.
const SECTIONS: [(&str, &str); 6] = [
    ("Top level", "unknown = 1\n"),
    ("`[listen]`", "[listen]\nunknown = 1\n"),
    ("`[[forward]]`", "[[forward]]\nunknown = 1\n"),
    ("`[provider.NAME]`", "[provider.stripe]\nunknown = 1\n"),
    ("`[tunnel.NAME]`", "[tunnel.mine]\nunknown = 1\n"),
    ("`url` of a tunnel", "[tunnel.mine]\nurl = { unknown = 1 }\n"),
];

/// The tables below the top level, which have sections of their own.
const TABLES: [&str; 4] = ["listen", "forward", "provider", "tunnel"];

/// The keys in the table of a section, sorted.
fn documented(page: &str, heading: &str) -> Vec<String> {
    let (_, section) = page.split_once(&format!("# {heading}\n")).unwrap_or_else(|| panic!("no heading {heading}"));
    let section = section.split("\n#").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.map(|row| row.split(" |").next().unwrap());
    let mut keys: Vec<String> = cells
        .flat_map(|cell| cell.split(", ").map(|key| key.trim_matches('`').to_owned()).collect::<Vec<_>>())
        .collect();
    keys.sort();
    keys
}

/// The keys that the program knows there, sorted.
fn known(config: &str) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hookdev.toml");
    fs::write(&path, config).unwrap();
    let output = machine::hookdev().arg("--config").arg(&path).args(["events", "-q"]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    let (_, list) = error.split_once("(known: ").unwrap_or_else(|| panic!("it lists no keys: {error}"));
    let mut keys: Vec<String> = list.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    keys.sort();
    keys
}

#[test]
fn the_page_about_the_config_has_every_key() {
    let page = fs::read_to_string(pages::root().join("docs/config.md")).unwrap();
    for (heading, config) in SECTIONS {
        let mut keys = known(config);
        if heading == "Top level" {
            keys.retain(|key| !TABLES.contains(&key.as_str()));
        }
        assert_eq!(documented(&page, heading), keys, "{heading}");
    }
}

#[test]
fn every_config_in_the_pages_is_valid() {
    for name in ["config.md", "real-events.md"] {
        let page = fs::read_to_string(pages::root().join("docs").join(name)).unwrap();
        let blocks = parts(&page).into_iter().filter_map(|part| match part {
            Part::Block("toml", lines) => Some(lines.join("\n")),
            _ => None,
        });
        for config in blocks {
            let dir = tempfile::tempdir().unwrap();
            // What the config names.
            let (provider, built_in) = (dir.path().join("webhooks/providers/auphonic"), "fixtures/auphonic");
            for file in ["provider.toml", "schema.json", "events/done.json", "events/error.json"] {
                let to = provider.join(file);
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::copy(pages::root().join(built_in).join(file), to).unwrap();
            }
            fs::write(dir.path().join(".env"), "").unwrap();
            let path = dir.path().join("hookdev.toml");
            fs::write(&path, &config).unwrap();
            let output = machine::hookdev().arg("--config").arg(&path).args(["events", "-q"]).output().unwrap();
            assert!(output.status.success(), "{name}: {}\n{config}", String::from_utf8_lossy(&output.stderr));
        }
    }
}
