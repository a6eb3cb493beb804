//! curl commands, as browsers' developer tools copy them ("Copy as cURL", for POSIX shells and for cmd.exe) and as
//! hookdev prints them; also commands of wget and `HTTPie`.
//!
//! Words are read as the shell would read them, but nothing is run: a command that needs a variable or a substitution
//! is an error. `echo`, `printf` and `cat` before a pipe are understood; hookdev itself writes `printf`, with octal
//! escapes, for bodies that can't be an argument.

mod curl;
mod httpie;
mod stdin;
mod variables;
mod words;

use std::path::Path;

use self::{
    curl::Curl,
    httpie::Httpie,
    stdin::Stdin,
    variables::{ShellVariables, assignment},
    words::Words,
};
use super::{
    Collected, Entry, EntryFault, EntryReader, FAR, Format, GzipBudget, Input, MAX_BROKEN, MAX_HEAD, newlines,
    parts::{ParseError, expected},
    position::Start,
    whole,
};

const PROGRAMS: [&str; 3] = ["curl", "curl.exe", "wget"];

/// A curl, wget or `HTTPie` command.
pub(super) struct ShellCommand;

impl Format for ShellCommand {
    fn name(&self) -> &'static str {
        "a curl or HTTPie command"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let is_cut = head.len() >= MAX_HEAD;
        // The head may end within a character.
        let head = String::from_utf8_lossy(head);
        if head.lines().next().is_some_and(|line| line.starts_with("#!") && line.trim_end().ends_with("sh")) {
            return true;
        }
        let mut is_code = true;
        let mut quote = None;
        for line in head.lines().map(str::trim).take(MAX_LINES) {
            let in_quotes = quote.is_some();
            quote = open_quote(line, quote);
            if in_quotes {
                continue;
            }
            if line.starts_with(FENCE) {
                is_code = true;
            } else if is_code && starts_command(without_prompt(line)) {
                return true;
            } else {
                is_code &= is_shell(line);
            }
        }
        // The pipe comes after a long body.
        is_cut && head.lines().next_back().is_some_and(writes)
    }

    fn read<'a>(&self, input: Input<'a>, _: &mut GzipBudget) -> Result<Box<dyn EntryReader + 'a>, EntryFault> {
        let directory = input.directory.clone();
        let bytes = whole(input)?;
        let Ok(text) = str::from_utf8(&bytes) else {
            return Err(EntryFault::at(Start::of_line(1), expected("a command in UTF-8")));
        };
        let mut collected = Collected::default();
        let code = fenced(text);
        for (line, command) in split(code.as_deref().unwrap_or(text)) {
            match command.and_then(|command| entry(&command, directory.as_deref())) {
                Ok(Some(entry)) => collected.push(Ok(Entry { line: Some(line), ..entry })),
                Ok(None) => collected.count_skipped(),
                Err(error) => collected.push(Err(EntryFault::at(Start::of_line(line), error))),
            }
        }
        Ok(Box::new(collected))
    }
}

/// One command.
struct SimpleCommand {
    words: Vec<String>,
    stdin: Option<Stdin>,
}

/// How many lines are searched for the first command.
const MAX_LINES: usize = 64;

/// The delimiter of a code block in Markdown.
const FENCE: &str = "```";

/// The text with the lines outside code blocks blanked; `None` if it has no code blocks.
fn fenced(text: &str) -> Option<String> {
    if !text.lines().any(|line| line.trim_start().starts_with(FENCE)) {
        return None;
    }
    let mut is_code = false;
    let mut code = String::with_capacity(text.len());
    for line in text.lines() {
        let is_fence = line.trim_start().starts_with(FENCE);
        is_code ^= is_fence;
        code.push_str(if is_code && !is_fence { line } else { "" });
        code.push('\n');
    }
    Some(code)
}

/// Whether a line without a readable command still looks like part of a script, because it sets or prints something.
fn is_shell(line: &str) -> bool {
    const STARTS: [&str; 8] = ["#", "set ", "export ", "cd ", "source ", "echo ", "printf ", "readonly "];
    let is_set = line.split(' ').next().is_some_and(|word| assignment(word).is_some());
    line.is_empty() || is_set || STARTS.iter().any(|start| line.starts_with(start))
}

/// The quote still open at the end of a line in a variable's value.
fn open_quote(line: &str, open: Option<char>) -> Option<char> {
    let (quote, text) = match (open, assignment(line)) {
        (Some(quote), _) => (quote, line),
        (None, Some((_, value))) => (value.chars().next().filter(|c| ['\'', '"'].contains(c))?, value),
        (None, None) => return None,
    };
    let escaped = text.matches(&format!("\\{quote}")).count();
    let is_odd = (text.matches(quote).count() - if quote == '"' { escaped } else { 0 }) % 2 == 1;
    (is_odd != open.is_some()).then_some(quote)
}

/// A line without a copied prompt: `$ `, `% ` or `me@host:~$ `.
fn without_prompt(line: &str) -> &str {
    let is_prompt = |prompt: &str| prompt.is_empty() || prompt.contains('@') && !prompt.contains(['"', '\'', '|', '=']);
    let cut = ["$ ", "% "].iter().filter_map(|end| line.split_once(end)).find(|(prompt, _)| is_prompt(prompt));
    cut.map_or(line, |(_, command)| command)
}

/// The words that may precede a command.
const BEFORE: [&str; 9] = ["then", "do", "else", "if", "while", "!", "{", "sudo", "time"];

/// Whether a line starts with a readable command, or with one that is piped into one.
fn starts_command(line: &str) -> bool {
    is_command(line) || writes(line) && writes_into_command(line)
}

/// Whether a line starts with a command that writes its arguments.
fn writes(line: &str) -> bool {
    ["printf ", "echo ", "cat "].iter().any(|program| line.starts_with(program))
}

fn is_command(line: &str) -> bool {
    let is_program = |line: &str, program: &str| {
        let rest = line.strip_prefix(program);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\\', '^']))
    };
    let before = |line, word: &&str| if is_program(line, word) { line[word.len()..].trim_start() } else { line };
    let line = BEFORE.iter().fold(line, before);
    PROGRAMS.iter().any(|program| is_program(line, program)) || httpie::starts_command(line)
}

/// Whether a line has a readable command after a pipe.
fn writes_into_command(line: &str) -> bool {
    line.match_indices('|').any(|(at, _)| is_command(line[at + 1..].trim_start()))
}

/// The readable commands of a script, each with its line.
fn split(text: &str) -> Vec<(u64, Result<SimpleCommand, ParseError>)> {
    let is_cmd = is_for_cmd(text);
    let mut variables = ShellVariables::of_script(text.len());
    let mut commands = Vec::new();
    let mut rest = text;
    let (mut line, mut errors) = (1, 0);
    loop {
        let trimmed = rest.trim_start();
        line += newlines(&rest[..rest.len() - trimmed.len()]);
        let end = trimmed.find('\n').unwrap_or(trimmed.len());
        let first = without_prompt(&trimmed[..end]);
        rest = &trimmed[end - first.len()..];
        if rest.is_empty() {
            return commands;
        }
        if rest.starts_with('#') {
            rest = &trimmed[end..];
            continue;
        }
        let is_read = starts_command(first) || writes_into_command(first);
        let mut words = Words::new(rest, is_cmd, &mut variables);
        let command = words.command();
        let mut next = words.rest;
        match command {
            Ok(command) => {
                let command = command.without_prefix();
                match command.words.first() {
                    Some(program) if is_program(program) => commands.push((line, Ok(command))),
                    _ => variables.run(&command.words),
                }
            }
            Err(error) => {
                errors += usize::from(is_read || rest.len() > FAR);
                variables.forget(first.split_whitespace());
                if is_read {
                    commands.push((line, Err(error)));
                }
                next = &trimmed[end..];
                if errors >= MAX_BROKEN {
                    commands.push((line, Err(expected("commands that can be read; the rest of the text was not"))));
                    return commands;
                }
            }
        }
        line += newlines(&rest[..rest.len() - next.len()]);
        rest = next;
    }
}

fn is_program(word: &str) -> bool {
    httpie::PROGRAMS.contains(&word) || PROGRAMS.iter().any(|name| word.ends_with(name))
}

impl SimpleCommand {
    /// The command without `sudo` and the like, and without variables set only for it.
    fn without_prefix(mut self) -> Self {
        let program = self.words.iter().position(|word| is_program(word)).unwrap_or_default();
        let is_prefix =
            |word: &String| BEFORE.contains(&word.as_str()) || word.ends_with("()") || assignment(word).is_some();
        if self.words[..program].iter().all(is_prefix) {
            self.words.drain(..program);
        }
        self
    }
}

/// Whether a script is for cmd.exe: it has `^"`, or a line that ends with `^`, outside quotes.
fn is_for_cmd(text: &str) -> bool {
    let mut quote = None;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match (c, quote) {
            // `$'…'`, in which `\'` is a quote.
            ('$', None) if characters.next_if_eq(&'\'').is_some() => {
                while let Some(c) = characters.next().filter(|c| *c != '\'') {
                    if c == '\\' {
                        characters.next();
                    }
                }
            }
            ('^', None) if characters.peek().is_some_and(|next| ['"', '\r', '\n'].contains(next)) => return true,
            ('\\', None | Some('"')) => drop(characters.next()),
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            _ => {}
        }
    }
    false
}

/// Reads a command; `None` if it delivers nothing.
fn entry(command: &SimpleCommand, directory: Option<&Path>) -> Result<Option<Entry>, ParseError> {
    let mut words = command.words.iter().map(String::as_str);
    let program = words.next().unwrap_or_default();
    let stdin = command.stdin.as_ref();
    if httpie::PROGRAMS.contains(&program) {
        return Httpie::read(program, words, directory)?.entry(stdin);
    }
    let mut curl = Curl::new(stdin, directory, program.ends_with("wget"));
    while let Some(word) = words.next() {
        curl.read(word, &mut words)?;
    }
    curl.entry()
}

#[cfg(test)]
mod tests;
