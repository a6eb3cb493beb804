//! The one way for text to reach a terminal: only `commands::streams` opens the standard streams, and it wraps them in
//! a gate. Exact bytes are written only in the two places that need them. And the one door of the files that configure
//! hookdev: `store::read` alone opens them, and takes only regular files that are small.

use crate::source::{CodeItem, Target, Tree};

/// The file that opens the streams.
const STREAMS: &str = "src/commands/streams.rs";

/// Everything that gives access to a standard stream or to the terminal itself.
const STREAM_PATHS: &[&str] = &[
    "std::io::stdout",
    "std::io::stderr",
    "std::io::Stdout",
    "std::io::StdoutLock",
    "std::io::Stderr",
    "std::io::StderrLock",
    "std::os::fd",
    "std::os::unix::io",
    "std::os::windows::io",
    "tokio::io::stdout",
    "tokio::io::stderr",
    "indicatif::ProgressDrawTarget",
    "indicatif::ProgressBar::new",
    "indicatif::ProgressBar::new_spinner",
    "indicatif::ProgressBar::no_length",
    "indicatif::MultiProgress",
];

/// Macros that print.
const PRINTING: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];

/// Devices that are another name of a stream.
const DEVICES: &[&str] = &["/dev/tty", "/dev/stdout", "/dev/stderr", "/dev/fd", "/proc/self/fd", "CONOUT$"];

/// The function that opens a stream without the gate, and the files that may call it: they print a built-in script, and
/// requests whose bytes must be exact.
const EXACT: (&str, &[&str]) =
    ("crate::commands::streams::data", &["src/commands/completions.rs", "src/commands/send/print.rs"]);

/// Every way for text to reach a stream without the gate.
pub fn other_ways(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for item in tree.items.iter().filter(|item| !item.test) {
        let mut object = |line: usize, what: &str| found.push(format!("{}:{line}: {what}", item.file));
        for (name, line) in item.macros() {
            if PRINTING.contains(&name.as_str()) {
                object(line, &format!("{name}! prints past the gate"));
            }
        }
        for (word, line) in item.words() {
            if DEVICES.iter().any(|device| word.contains(device)) {
                object(line, &format!("{word} is a stream by another name"));
            }
        }
        if item.file == STREAMS {
            continue;
        }
        for (path, line) in paths(tree, item) {
            if STREAM_PATHS.iter().any(|stream| path == *stream || path.starts_with(&format!("{stream}::"))) {
                object(line, &format!("only {STREAMS} may open a stream: {path}"));
            }
            let (exact, allowed) = EXACT;
            if path == exact && !allowed.contains(&item.file.as_str()) {
                object(line, "exact bytes go past the gate");
            }
        }
        for line in item.calls("print") {
            // clap's errors print themselves.
            object(line, "`.print()` prints past the gate");
        }
    }
    found
}

/// The file that opens what configures hookdev.
const READER: &str = "src/store/read.rs";

/// The files that read the config, secrets and providers.
const CONFIGURED: &[&str] = &[
    "src/store/config.rs",
    "src/store/env_file.rs",
    "src/store/providers.rs",
    "src/store/secrets/",
    "src/store/trust.rs",
];

/// All that opens a file to read it.
const OPENING: &[&str] = &["std::fs::File", "std::fs::OpenOptions", "std::fs::read", "std::fs::read_to_string"];

/// Every place that opens a file of the configuration but by its door.
pub fn other_readers(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    let is_configured = |file: &str| CONFIGURED.iter().any(|name| file.starts_with(name));
    for item in tree.items.iter().filter(|item| !item.test && is_configured(&item.file)) {
        for (path, line) in paths(tree, item) {
            if OPENING.iter().any(|opening| path == *opening || path.starts_with(&format!("{opening}::"))) {
                found.push(format!("{}:{line}: only {READER} may open a file here: {path}", item.file));
            }
        }
    }
    found
}

/// The full paths of everything that an item names.
fn paths(tree: &Tree, item: &CodeItem) -> Vec<(String, usize)> {
    let whole = |target| match target {
        Target::Inside(path) => format!("crate::{}", path.join("::")),
        Target::Outside(path) => path.join("::"),
    };
    let references = item.references().into_iter();
    references.filter_map(|it| Some((whole(tree.resolve(&item.module, &it.path)?), it.line))).collect()
}

/// Every occurrence of `unsafe` in code.
pub fn unsafe_code(files: &[(String, String)]) -> Vec<String> {
    let tree = Tree::read(files);
    let words = tree.items.iter().flat_map(|item| item.words().into_iter().map(move |word| (item, word)));
    words
        .filter(|(_, (word, _))| word == "unsafe")
        .map(|(item, (_, line))| format!("{}:{line}: unsafe code", item.file))
        .collect()
}

/// Tests of the rules themselves, with sources that violate them.
mod planted {
    use super::*;

    #[test]
    fn every_path_to_a_stream_is_found() {
        let tree = Tree::read(&[
            ("src/lib.rs", "pub mod commands; pub mod net;"),
            ("src/commands/mod.rs", "pub mod streams; pub mod send; pub mod completions;"),
            (STREAMS, "use std::io; pub fn data() -> io::Stdout { io::stdout() }"),
            ("src/commands/completions.rs", "use super::streams; fn a() { streams::data() }"),
            (
                "src/commands/send.rs",
                "use std::io::{self, Write, stdout as out};\n\
                 use super::streams;\n\
                 fn a() { io::stderr().write_all(b) }\n\
                 fn b() { streams::data() }\n\
                 fn c() { vec![println!(\"{x}\")] }\n\
                 fn d(error: clap::Error) { error.print() }\n\
                 fn e() { streams::results(palette) }\n\
                 fn f() { a != (b) }\n\
                 #[test] fn g() { println!() }",
            ),
            (
                "src/net/mod.rs",
                "fn a() { tokio::io::stdout() }\n\
                 fn b() { indicatif::ProgressBar::new(7) }\n\
                 fn c() { std::fs::File::create(\"/dev/tty\") }\n\
                 fn d() { indicatif::ProgressBar::with_draw_target(None, target) }",
            ),
        ]);
        assert_eq!(
            other_ways(&tree),
            [
                "src/commands/send.rs:1: only src/commands/streams.rs may open a stream: std::io::stdout",
                "src/commands/send.rs:3: only src/commands/streams.rs may open a stream: std::io::stderr",
                "src/commands/send.rs:4: exact bytes go past the gate",
                "src/commands/send.rs:5: println! prints past the gate",
                "src/commands/send.rs:6: `.print()` prints past the gate",
                "src/net/mod.rs:1: only src/commands/streams.rs may open a stream: tokio::io::stdout",
                "src/net/mod.rs:2: only src/commands/streams.rs may open a stream: indicatif::ProgressBar::new",
                "src/net/mod.rs:3: \"/dev/tty\" is a stream by another name",
            ]
        );
    }

    #[test]
    fn every_other_reader_of_the_configuration_is_found() {
        let tree = Tree::read(&[
            ("src/lib.rs", "pub mod store;"),
            ("src/store/mod.rs", "pub mod config; pub mod read; pub mod secrets; fn a() { std::fs::read(b) }"),
            (READER, "fn a() { std::fs::File::open(b) }"),
            (
                "src/store/config.rs",
                "use std::fs::{self, read as take};\n\
                 fn a() { fs::read_to_string(b) }\n\
                 fn b() { fs::metadata(d); super::read::text(e) }\n\
                 #[test] fn c() { fs::read(b) }",
            ),
            ("src/store/secrets/mod.rs", "fn a() { std::fs::OpenOptions::new() }"),
        ]);
        assert_eq!(
            other_readers(&tree),
            [
                "src/store/config.rs:1: only src/store/read.rs may open a file here: std::fs::read",
                "src/store/config.rs:2: only src/store/read.rs may open a file here: std::fs::read_to_string",
                "src/store/secrets/mod.rs:1: only src/store/read.rs may open a file here: std::fs::OpenOptions::new",
            ]
        );
    }

    #[test]
    fn unsafe_code_is_found_but_not_the_word_in_a_text() {
        let files =
            [("src/a.rs".to_owned(), "/// unsafe\nfn a() { \"unsafe\"; }\nfn b() { unsafe { c() } }".to_owned())];
        assert_eq!(unsafe_code(&files), ["src/a.rs:3: unsafe code"]);
    }
}
