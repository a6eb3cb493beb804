//! Commands in the pages: those of hookdev are ones that its command line knows, whether a block of them is run or not,
//! and other programs are listed here.

use std::{collections::BTreeSet, fs, path::Path};

use clap::error::ErrorKind;
use hookdev::commands;
use regex_lite::Regex;

use crate::{
    pages,
    text::{self, Part},
};

/// The other programs in the pages.
const OTHERS: [&str; 11] =
    ["cargo", "curl", "echo", "export", "mkdir", "node", "python3", "sed", "ssh", "uvicorn", "vegeta"];

/// Options that the pages name, of other programs, and one for which hookdev has only a hint.
const OTHER_OPTIONS: [&str; 5] = ["--env-file", "--locked", "--port", "--trace", "--test"];

/// The simple commands of a line, or of several that end in a backslash, each as its words.
fn simple_commands(script: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let (mut word, mut quote): (Option<String>, Option<char>) = (None, None);
    let mut chars = script.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                word.get_or_insert_default();
                quote = Some(c);
            }
            (None, '\\') => match chars.next() {
                Some('\n') | None => {}
                Some(escaped) => word.get_or_insert_default().push(escaped),
            },
            (None, '#') if word.is_none() => while chars.next_if(|c| *c != '\n').is_some() {},
            (None, '<' | '>') => {
                // A redirection: its file is no argument.
                commands.last_mut().unwrap().extend(word.take());
                while chars.next_if(|c| *c == ' ').is_some() {}
                while chars.next_if(|c| !" ;|&\n".contains(*c)).is_some() {}
            }
            (None, ';' | '|' | '&' | '\n') => {
                commands.last_mut().unwrap().extend(word.take());
                if c != '\n' || !script_continues(&commands) {
                    commands.push(Vec::new());
                }
            }
            (None, c) if c.is_whitespace() => commands.last_mut().unwrap().extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    commands.last_mut().unwrap().extend(word);
    commands.retain(|command| !command.is_empty());
    commands
}

/// Whether a line ended after a pipe, so that its command follows on the next line.
fn script_continues(commands: &[Vec<String>]) -> bool {
    commands.last().is_some_and(Vec::is_empty)
}

/// The blocks of a page for a shell, without files, which are run as a whole, and the commands in those for CI.
fn scripts(page: &str) -> Vec<String> {
    let mut scripts = Vec::new();
    let mut last = "";
    for part in text::parts(page) {
        match part {
            Part::Line("") => {}
            Part::Line(line) => last = line,
            Part::Block("sh", lines) if !last.ends_with("`:") => scripts.push(lines.join("\n")),
            Part::Block(info, lines) if info.starts_with("console") => {
                scripts.extend(lines.iter().filter_map(|line| line.strip_prefix("$ ")).map(str::to_owned));
            }
            Part::Block("yaml", lines) => {
                let steps =
                    lines.iter().map(|line| line.trim_start().trim_start_matches("- ").trim_start_matches("run: "));
                let commands = steps
                    .filter(|step| OTHERS.iter().chain(&["hookdev"]).any(|name| step.starts_with(&format!("{name} "))));
                scripts.extend(commands.map(str::to_owned));
            }
            Part::Block(..) => {}
        }
    }
    scripts
}

/// The inline code of a page that starts with hookdev.
fn mentions(page: &str) -> Vec<String> {
    let prose = text::prose(page);
    let (code, _) = text::inline_code(&prose);
    code.into_iter().filter(|code| code.starts_with("hookdev ")).map(|code| code.replace('\n', " ")).collect()
}

/// What is wrong with the commands of a page.
fn unknown(name: &str, page: &str) -> Vec<String> {
    let scripts = scripts(page).into_iter().map(|script| (script, false));
    let mentions = mentions(page).into_iter().map(|mention| (mention, true));
    let commands = scripts
        .chain(mentions)
        .flat_map(|(script, is_mention)| simple_commands(&script).into_iter().map(move |words| (words, is_mention)));
    let problem = |(words, is_mention): (Vec<String>, bool)| {
        let command = words.join(" ");
        let mut words = words.into_iter().skip_while(|word| word.contains('=') && !word.starts_with('-')).peekable();
        match words.peek().map(String::as_str) {
            None => None,
            Some("hookdev") => match commands::command().try_get_matches_from(words) {
                // A mention of a command may lack its arguments.
                Err(error) if is_mention && error.kind() == ErrorKind::MissingRequiredArgument => None,
                Err(error) if error.kind() == ErrorKind::DisplayHelp => None,
                Err(error) => Some(format!("{name}: {command}: {error}")),
                Ok(_) => None,
            },
            Some(other) => (!OTHERS.contains(&other)).then(|| format!("{name}: {command}: an unknown program")),
        }
    };
    commands.filter_map(problem).collect()
}

/// The options in inline code that no command has.
fn unknown_options(name: &str, page: &str, known: &BTreeSet<String>) -> Vec<String> {
    let prose = text::prose(page);
    let (code, _) = text::inline_code(&prose);
    let option = Regex::new(r"(^|[\s\[])(--[a-z][a-z-]*)").unwrap();
    let named = code.iter().flat_map(|code| option.captures_iter(code).map(|found| found.get(2).unwrap().as_str()));
    named.filter(|option| !known.contains(*option)).map(|option| format!("{name}: {option}")).collect()
}

/// All options of all commands.
fn options(command: &clap::Command) -> BTreeSet<String> {
    let own = command.get_arguments().filter_map(|arg| Some(format!("--{}", arg.get_long()?)));
    own.chain(command.get_subcommands().flat_map(options)).collect()
}

fn each_page<T>(problems: impl Fn(&str, &str) -> Vec<T>) -> Vec<T> {
    let read = |page: &Path| fs::read_to_string(page).unwrap();
    pages::all().iter().flat_map(|page| problems(&pages::name(page), &read(page))).collect()
}

#[test]
fn every_command_is_one_that_the_program_knows() {
    assert_eq!(each_page(unknown), [""; 0]);
}

#[test]
fn every_option_is_one_that_the_program_knows() {
    let mut root = commands::command();
    root.build();
    let mut known = options(&root);
    known.extend(OTHER_OPTIONS.map(str::to_owned));
    assert_eq!(each_page(|name, page| unknown_options(name, page, &known)), [""; 0]);
}

#[test]
fn a_script_is_split_as_a_shell_does() {
    let words = |script| simple_commands(script).iter().map(|words| words.join("_")).collect::<Vec<_>>();
    assert_eq!(words("a 'b c' \"d\" | e > f; g  # h\ni \\\n  j"), ["a_b c_d", "e", "g", "i_j"]);
    assert_eq!(words("a |\n  b < c &\nd 'K: V'"), ["a", "b", "d_K: V"]);
}

#[test]
fn an_unknown_command_option_or_program_is_found() {
    let page = "`hookdev lisen`\n\n```sh\nhookdev send a.b --two http://x\n```\n\n```console\n$ rm x\nout\n```\n";
    let problems = unknown("page", page);
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert!(problems[0].contains("unexpected argument '--two'"), "{}", problems[0]);
    assert_eq!(problems[1], "page: rm x: an unknown program");
    assert!(problems[2].contains("unrecognized subcommand 'lisen'"), "{}", problems[2]);
    let known = BTreeSet::from(["--to".to_owned()]);
    assert_eq!(unknown_options("page", "`--to`, `a --two[=x]`", &known), ["page: --two"]);
}
