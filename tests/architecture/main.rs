//! The project's rules that the compiler does not check: which room may use which, that `webhook` is pure, that no code
//! names a provider, that text passes one gate, and that every file starts with a doc comment.

mod circles;
mod doors;
mod flags;
mod source;

use std::{collections::BTreeSet, fs, path::Path};

use source::{CodeItem, Reference, Target, Tree};

/// Which room may use which others. The arrows point down only.
const ARROWS: &[(&str, &[&str])] = &[
    ("main", &["lib"]),
    ("lib", &["cli", "commands"]),
    ("cli", &["webhook"]),
    ("commands", &["cli", "engine", "render", "net", "store", "webhook"]),
    ("engine", &["render", "net", "store", "webhook"]),
    ("render", &["webhook"]),
    ("net", &["webhook"]),
    ("store", &["webhook"]),
    ("webhook", &[]),
];

/// Everything that `webhook` may use from outside. Nothing on the list touches a file, socket, environment, process,
/// clock, thread or terminal: of `std::io` it has reading from memory, of `std::net` the parsing of addresses, of
/// `std::time` durations.
const PURE: &[&str] = &[
    "std::borrow",
    "std::cmp",
    "std::collections",
    "std::error",
    "std::fmt",
    "std::hash",
    "std::io::Cursor",
    "std::io::Error",
    "std::io::ErrorKind",
    "std::io::Read",
    "std::io::Result",
    "std::io::Write",
    "std::iter",
    "std::mem",
    "std::net::Ipv4Addr",
    "std::net::Ipv6Addr",
    "std::num",
    "std::ops",
    "std::ptr::from_ref",
    "std::slice",
    "std::str",
    "std::string",
    "std::sync::Arc",
    "std::sync::LazyLock",
    "std::sync::OnceLock",
    "std::time::Duration",
    "std::vec",
    // Crates that only compute.
    "base64",
    "bytes",
    "flate2",
    "form_urlencoded",
    "futures_util",
    "glob::Pattern",
    "hmac",
    "http",
    "icu_normalizer",
    "jiff::Timestamp",
    "jiff::civil",
    "jiff::fmt::rfc2822",
    "md5",
    "memchr",
    "multer",
    "p256",
    "percent_encoding",
    "regex_lite",
    // Randomness blinds an RSA key while it signs; the signature doesn't depend on it.
    "ring::rand::SystemRandom",
    "ring::signature",
    "rustls_pki_types",
    "serde",
    "serde_json",
    "sha1",
    "sha2",
    "strsim",
    "thiserror",
    "toml",
    "url",
    "webpki",
    "zeroize",
];

/// Names that need no import: primitive types, and lints in attributes.
const PRELUDE: &[&str] = &[
    "bool", "char", "clippy", "f32", "f64", "i128", "i16", "i32", "i64", "i8", "isize", "str", "u128", "u16", "u32",
    "u64", "u8", "usize",
];

#[test]
fn the_arrows_between_the_rooms_point_down() {
    assert_eq!(arrows(&Tree::read(&files())), [""; 0]);
}

#[test]
fn webhook_is_pure() {
    assert_eq!(impurities(&Tree::read(&files())), [""; 0]);
}

#[test]
fn no_code_names_a_provider() {
    assert_eq!(named_providers(&Tree::read(&files()), &providers()), [""; 0]);
}

#[test]
fn webhook_and_net_name_no_flag() {
    assert_eq!(flags::named(&Tree::read(&files()), &flags::of_the_program()), [""; 0]);
}

#[test]
fn modules_side_by_side_use_each_other_in_one_direction() {
    assert_eq!(circles::circles(&Tree::read(&files())), [""; 0]);
}

#[test]
fn only_the_writers_use_the_standard_streams() {
    assert_eq!(doors::other_ways(&Tree::read(&files())), [""; 0]);
}

#[test]
fn only_one_file_opens_the_configuration() {
    assert_eq!(doors::other_readers(&Tree::read(&files())), [""; 0]);
}

#[test]
fn every_test_named_in_a_document_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources: String = files().into_iter().chain(other_files()).map(|(_, text)| text).collect();
    for (page, fewest) in [("SECURITY.md", 16), ("fuzz/README.md", 5)] {
        let text = fs::read_to_string(root.join(page)).expect("it can be read");
        let quoted = text.split('`').skip(1).step_by(2);
        let names: Vec<&str> = quoted.filter(|name| name.matches('_').count() > 2 && !name.contains(' ')).collect();
        assert!(names.len() >= fewest, "{page}: {names:?}");
        let missing = names.into_iter().filter(|name| !sources.contains(&format!("fn {name}(")));
        assert_eq!(missing.collect::<Vec<_>>(), [""; 0], "{page}");
    }
}

#[test]
fn no_code_is_unsafe() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = files();
    sources.extend(other_files());
    sources.push(("build.rs".to_owned(), fs::read_to_string(root.join("build.rs")).expect("it can be read")));
    assert_eq!(doors::unsafe_code(&sources), [""; 0]);
    // The compiler checks this too, in every target, because the lint is set for the package.
    let manifest = fs::read_to_string(root.join("Cargo.toml")).expect("the manifest can be read");
    assert!(manifest.contains("\nunsafe_code = \"forbid\"\n"));
}

#[test]
fn every_file_opens_with_a_doc_comment() {
    let silent = files().into_iter().filter(|(_, text)| !text.starts_with("//! ")).map(|(file, _)| file);
    assert_eq!(silent.collect::<Vec<_>>(), [""; 0]);
}

/// rustfmt wraps code only.
#[test]
fn no_comment_is_wider_than_code() {
    const WIDTH: usize = 120;
    let mut wide = Vec::new();
    for (file, text) in files().into_iter().chain(other_files()) {
        let comments = text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with("//"));
        // A row of a table can't be wrapped.
        let is_wide = |line: &str| line.chars().count() > WIDTH && !line.contains("//! |");
        wide.extend(comments.filter(|(_, line)| is_wide(line)).map(|(at, _)| format!("{file}:{}", at + 1)));
    }
    assert_eq!(wide, [""; 0]);
}

/// Every use of a room that the room may not use.
fn arrows(tree: &Tree) -> Vec<String> {
    check(tree, |item, reference| {
        let from = room(item);
        let Some((_, allowed)) = ARROWS.iter().find(|(room, _)| *room == from) else {
            return Some(format!("`{from}` is not a room: ARROWS does not list it"));
        };
        let path = match tree.resolve(&item.module, &reference.path)? {
            Target::Inside(path) => path,
            Target::Outside(path) if path[0] == "hookdev" => path[1..].to_vec(),
            Target::Outside(_) => return None,
        };
        let known = path.first().filter(|first| ARROWS.iter().any(|(room, _)| room == first));
        let to = known.map_or("lib", String::as_str);
        let path = path.join("::");
        let fine = to == from || allowed.iter().any(|allowed| *allowed == to || within(&path, allowed));
        (!fine).then(|| format!("{from} may not use {to}: {}", reference.path.join("::")))
    })
}

/// Every use of the outside world in `webhook`.
fn impurities(tree: &Tree) -> Vec<String> {
    check(tree, |item, reference| {
        if room(item) != "webhook" || item.test {
            return None;
        }
        let Target::Outside(mut path) = tree.resolve(&item.module, &reference.path)? else { return None };
        if path[0] == "core" || path[0] == "alloc" {
            "std".clone_into(&mut path[0]);
        }
        if PRELUDE.contains(&path[0].as_str()) {
            return None;
        }
        let clock = path.last().is_some_and(|last| last == "now");
        let path = path.join("::");
        let allowed = |pure: &&str| within(&path, pure) || within(pure, &path);
        (clock || !PURE.iter().any(allowed)).then(|| format!("webhook is pure and may not use {path}"))
    })
}

/// The words of an identifier or a text, in lower case: `AcmeRow` and `acme-row` have two.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous = ' ';
    for character in text.chars() {
        let begins = !character.is_alphanumeric() || (character.is_uppercase() && previous.is_lowercase());
        if begins && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if character.is_alphanumeric() {
            words.last_mut().expect("a word").extend(character.to_lowercase());
        }
        previous = character;
    }
    words
}

/// Providers whose names are also those of capture formats, report formats and schemes, or a verb.
const OTHER_MEANINGS: [&str; 5] = ["github", "resend", "standard-webhooks", "svix", "vercel"];

/// Every name or text outside of tests that has a provider's name in it, as whole words.
fn named_providers(tree: &Tree, providers: &[String]) -> Vec<String> {
    let names: Vec<_> = providers.iter().filter(|name| !OTHER_MEANINGS.contains(&name.as_str())).collect();
    let mut found = Vec::new();
    for item in tree.items.iter().filter(|item| !item.test) {
        for (word, line) in item.words() {
            let words = words(&word);
            let is_in = |name: &&&String| {
                let name = self::words(name);
                words.windows(name.len()).any(|part| part == name)
            };
            if let Some(provider) = names.iter().find(is_in) {
                found.push(format!("{}:{line}: code may not name {provider}: {word}", item.file));
            }
        }
    }
    found
}

fn check(tree: &Tree, objection: impl Fn(&CodeItem, &Reference) -> Option<String>) -> Vec<String> {
    let mut found = Vec::new();
    for item in &tree.items {
        for reference in item.references() {
            if let Some(objection) = objection(item, &reference) {
                found.push(format!("{}:{}: {objection}", item.file, reference.line));
            }
        }
    }
    found
}

fn room(item: &CodeItem) -> &str {
    match item.file.as_str() {
        "src/main.rs" => "main",
        "src/lib.rs" => "lib",
        _ => item.module.first().map_or("lib", String::as_str),
    }
}

/// Whether a path is this one or below it.
fn within(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Every source file by its path from the root of the package, and its text.
fn files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(root.join("src")).sort_by_file_name() {
        let entry = entry.expect("src can be walked");
        if entry.path().extension().is_some_and(|extension| extension == "rs") {
            let path = entry.path().strip_prefix(root).expect("a path below the root");
            let path = path.to_str().expect("paths are Unicode").replace('\\', "/");
            files.push((path, fs::read_to_string(entry.path()).expect("sources can be read")));
        }
    }
    files
}

/// The sources of the tests.
fn other_files() -> Vec<(String, String)> {
    let all = walkdir::WalkDir::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")).into_iter();
    let entries = all.map(|entry| entry.expect("tests can be walked"));
    let rust = entries.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "rs"));
    let read = |entry: walkdir::DirEntry| {
        (entry.path().display().to_string(), fs::read_to_string(entry.path()).expect("sources can be read"))
    };
    rust.map(read).collect()
}

/// The names of the built-in providers, from their directories.
fn providers() -> Vec<String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let names = fs::read_dir(dir).expect("fixtures can be listed").map(|entry| {
        let name = entry.expect("fixtures can be listed").file_name();
        name.into_string().expect("names are Unicode")
    });
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Tests of the rules themselves, with sources that violate them.
mod planted {
    use super::*;

    #[test]
    fn a_room_that_uses_its_neighbour_is_found_however_the_path_is_written() {
        let tree = Tree::read(&[
            ("src/lib.rs", "pub mod net; pub mod store;"),
            ("src/store/mod.rs", "pub mod config;"),
            ("src/store/config.rs", "pub struct Config;"),
            (
                "src/net/mod.rs",
                "use crate::{webhook::time, store::config::Config};\n\
                 use super::render as out;\n\
                 fn a() { super::store::config::read() }\n\
                 fn b() { println!(\"{}\", [crate::cli::Cli::parse()]) }\n\
                 mod deep { fn c() { super::super::commands::run() } }\n\
                 fn d() { use super::{self as root}; }\n\
                 fn e() { out::json() }",
            ),
        ]);
        assert_eq!(
            arrows(&tree),
            [
                "src/net/mod.rs:1: net may not use store: crate::store::config::Config",
                "src/net/mod.rs:2: net may not use render: super::render",
                "src/net/mod.rs:3: net may not use store: super::store::config::read",
                "src/net/mod.rs:4: net may not use cli: crate::cli::Cli::parse",
                "src/net/mod.rs:5: net may not use commands: super::super::commands::run",
                "src/net/mod.rs:6: net may not use lib: super",
                "src/net/mod.rs:7: net may not use render: out::json",
            ]
        );
    }

    #[test]
    fn an_arrow_that_points_up_is_found() {
        let tree = Tree::read(&[
            ("src/main.rs", "fn main() { hookdev::commands::run(); hookdev::run() }"),
            ("src/lib.rs", "pub mod cli; fn run() { commands::run(); net::serve() }\npub mod commands;\npub mod net;"),
            ("src/cli.rs", "use crate::commands::completions::complete_what;\nuse crate::commands::listen;"),
            ("src/commands/mod.rs", "use crate::run;"),
            ("src/net/mod.rs", ""),
            ("src/webhook/mod.rs", "pub(crate) fn a() { crate::store::read(); self::time::b(); }"),
            (
                "src/webhook/time.rs",
                "pub(in crate::webhook) use super::a;\n#[cfg(test)] mod tests { use crate::net::*; }",
            ),
            ("src/util.rs", "use crate::webhook::a;"),
        ]);
        assert_eq!(
            arrows(&tree),
            [
                "src/main.rs:1: main may not use commands: hookdev::commands::run",
                "src/lib.rs:1: lib may not use net: net::serve",
                "src/cli.rs:1: cli may not use commands: crate::commands::completions::complete_what",
                "src/cli.rs:2: cli may not use commands: crate::commands::listen",
                "src/commands/mod.rs:1: commands may not use lib: crate::run",
                "src/webhook/mod.rs:1: webhook may not use store: crate::store::read",
                "src/webhook/time.rs:2: webhook may not use net: crate::net::*",
                "src/util.rs:1: `util` is not a room: ARROWS does not list it",
            ]
        );
    }

    #[test]
    fn an_impure_path_in_webhook_is_found() {
        let tree = Tree::read(&[
            (
                "src/webhook/mod.rs",
                "use std::{fs, io::{self, Read}, time};\n\
             use std::env::var as variable;\n\
             use tokio;\n\
             use core::net::{Ipv6Addr, TcpStream};\n\
             use std::sync::Arc;\n\
             fn a() { time::Instant::now(); }\n\
             fn b() { let _ = vec![std::thread::spawn(c), io::stdin()]; }\n\
             fn c() { variable(\"A\"); io::Error::other(\"b\"); jiff::Timestamp::now(); u32::from(1u8); }\n\
             #[cfg(test)] mod tests { use std::fs; }\n\
             #[cfg(test)] mod other;",
            ),
            ("src/webhook/other.rs", "use std::net::TcpStream;"),
        ]);
        assert_eq!(
            impurities(&tree),
            [
                "src/webhook/mod.rs:1: webhook is pure and may not use std::fs",
                "src/webhook/mod.rs:2: webhook is pure and may not use std::env::var",
                "src/webhook/mod.rs:3: webhook is pure and may not use tokio",
                "src/webhook/mod.rs:4: webhook is pure and may not use std::net::TcpStream",
                "src/webhook/mod.rs:6: webhook is pure and may not use std::time::Instant::now",
                "src/webhook/mod.rs:7: webhook is pure and may not use std::thread::spawn",
                "src/webhook/mod.rs:7: webhook is pure and may not use std::io::stdin",
                "src/webhook/mod.rs:8: webhook is pure and may not use jiff::Timestamp::now",
            ]
        );
    }

    #[test]
    fn a_provider_is_found_in_code_but_not_in_prose() {
        let tree = Tree::read(&[(
            "src/render/mod.rs",
            "/// Such as `acme.order`.\n\
             #[command(after_help = \"hookdev send acme.order\", name = \"acme\")]\n\
             struct AcmeRow;\n\
             fn a(name: &str) -> bool { matches!(name, \"x-acme-signature\") }\n\
             #[cfg(test)] mod tests { const NAME: &str = \"acme\"; }\n\
             #[test] fn b() { let acme = 1; }",
        )]);
        assert_eq!(
            named_providers(&tree, &["acme".to_owned()]),
            [
                "src/render/mod.rs:2: code may not name acme: \"acme\"",
                "src/render/mod.rs:3: code may not name acme: AcmeRow",
                "src/render/mod.rs:4: code may not name acme: \"x-acme-signature\"",
            ]
        );
    }
}
