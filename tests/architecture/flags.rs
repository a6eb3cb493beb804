//! `webhook` and `net` name no command-line flag, because each front end words remedies in its own way.

use std::collections::BTreeSet;

use clap::CommandFactory;

use super::source::Tree;

/// The rooms that other front ends use as well.
const ROOMS: [&str; 2] = ["webhook", "net"];

/// Every text outside of tests in these rooms that names a flag of the program.
pub fn named(tree: &Tree, flags: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    for item in tree.items.iter().filter(|item| !item.test) {
        let Some(room) = item.module.first().filter(|room| ROOMS.contains(&room.as_str())) else { continue };
        for (word, line) in item.words() {
            if let Some(flag) = flags_in(&word).find(|flag| flags.contains(*flag)) {
                found.push(format!("{}:{line}: {room} may not name --{flag}", item.file));
            }
        }
    }
    found
}

/// The long flags of the program and all its commands, without their dashes.
pub fn of_the_program() -> BTreeSet<String> {
    fn collect(command: &clap::Command, flags: &mut BTreeSet<String>) {
        flags.extend(command.get_arguments().filter_map(|argument| argument.get_long()).map(str::to_owned));
        command.get_subcommands().for_each(|command| collect(command, flags));
    }
    let mut flags = BTreeSet::new();
    collect(&hookdev::cli::Cli::command(), &mut flags);
    flags
}

/// The names of flags in a text: what follows two dashes. Flags of other programs, such as those of curl, are found
/// too.
fn flags_in(text: &str) -> impl Iterator<Item = &str> {
    text.split("--").skip(1).map(|rest| {
        let end = rest.find(|char: char| !char.is_ascii_lowercase() && char != '-').unwrap_or(rest.len());
        &rest[..end]
    })
}

#[test]
fn a_flag_is_found_and_other_dashes_are_not() {
    let tree = Tree::read(&[
        (
            "src/net/mod.rs",
            "const A: &str = \"add --secret acme=x\";\n\
             const B: &str = \"curl --data-binary\";\n\
             const C: &str = \"--{boundary}\";\n\
             /// Such as `--secret`.\n\
             fn d() { format!(\"{}: --secret\", 1); }\n\
             #[cfg(test)] mod tests { const E: &str = \"--secret\"; }",
        ),
        ("src/commands/mod.rs", "const A: &str = \"--secret\";"),
    ]);
    let flags = BTreeSet::from(["secret".to_owned(), "data".to_owned()]);
    assert_eq!(
        named(&tree, &flags),
        ["src/net/mod.rs:1: net may not name --secret", "src/net/mod.rs:5: net may not name --secret"]
    );
}
