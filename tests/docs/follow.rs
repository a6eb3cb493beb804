//! The console blocks of the pages are run: each `$` line in a shell, and its output is compared with the lines below
//! it. A line `…` is any lines. Times, rates and the dates in the names of captures are not compared, and neither is
//! the width of columns.
//!
//! A block marked `background` is started and left running. A code block that follows a line
//! which is nothing but a file's name in code font and a colon is that file. The ports that the
//! text names are replaced by free ones.

use std::{
    collections::HashMap,
    env, fs,
    io::{Read, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

use regex_lite::Regex;
use snapbox::Assert;

use crate::{
    machine::{self, Port},
    pages,
    text::{Part, parts},
};

/// The ports in the pages.
const PORTS: [&str; 2] = ["4400", "3000"];

/// How long a background command may take to print its lines.
const PATIENCE: Duration = Duration::from_secs(240);

/// The blocks of a page, in order.
#[derive(Debug, PartialEq)]
enum Block {
    File { name: String, text: String },
    Console { commands: Vec<(String, String)>, background: bool },
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut file_name = None;
    for part in parts(text) {
        match part {
            Part::Line("") => {}
            Part::Line(line) => {
                file_name = line.strip_prefix('`').and_then(|rest| rest.strip_suffix("`:")).map(str::to_owned);
            }
            Part::Block(info, body) => match (info.strip_prefix("console"), file_name.take()) {
                (Some(flags), _) => {
                    blocks.push(Block::Console { commands: commands(&body), background: flags == " background" });
                }
                (None, Some(name)) => blocks.push(Block::File { name, text: format!("{}\n", body.join("\n")) }),
                (None, None) => {}
            },
        }
    }
    blocks
}

fn commands(body: &[&str]) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    for line in body {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command.to_owned(), String::new())),
            (None, Some((_, output))) => output.extend([line, "\n"]),
            (None, None) => panic!("output without a command: {line}"),
        }
    }
    commands
}

/// The ports of a page, each with the free one that is used instead, by a config that the page knows nothing of.
struct Ports {
    numbers: HashMap<&'static str, String>,
    /// The line by which hookdev says that it uses this config.
    notice: String,
    _reserved: Vec<Port>,
}

impl Ports {
    fn free(folder: &Path) -> Self {
        let mut reserved: Vec<Port> = PORTS.iter().map(|_| Port::reserve()).collect();
        let numbers = PORTS.into_iter().zip(reserved.iter_mut().map(|port| port.lend().to_string())).collect();
        let config = folder.join("hookdev.toml");
        let ports = Self { numbers, notice: format!("config: {}\n", config.display()), _reserved: reserved };
        let endpoint = |name: &str| format!("[provider.{name}]\nendpoint = \"http://127.0.0.1:4400/{name}\"\n");
        let endpoints = ["aspect", "auphonic", "cyanite", "github", "jewelmusic"].map(endpoint).concat();
        fs::write(config, ports.real(&format!("[listen]\naddr = \"127.0.0.1:4400\"\n{endpoints}"))).unwrap();
        ports
    }

    fn real(&self, text: &str) -> String {
        self.numbers.iter().fold(text.to_owned(), |text, (documented, real)| text.replace(documented, real))
    }

    fn documented(&self, text: &str) -> String {
        self.numbers
            .iter()
            .fold(text.replace(&self.notice, ""), |text, (documented, real)| text.replace(real, documented))
    }
}

fn shell(folder: &Path, command: &str) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_hookdev"));
    let path = env::join_paths(
        std::iter::once(program.parent().unwrap().to_owned()).chain(env::split_paths(&env::var_os("PATH").unwrap())),
    );
    let mut shell = machine::command("sh");
    shell.arg("-c").arg(command).current_dir(folder).stdin(Stdio::null());
    shell.env("PATH", path.unwrap()).env("HOME", folder);
    shell
}

/// The output of a command so far, and a signal for more.
#[derive(Default)]
struct Output {
    text: Mutex<String>,
    grown: Condvar,
}

/// A command that runs until the test ends.
struct Background {
    child: Child,
    output: Arc<Output>,
}

impl Background {
    fn start(folder: &Path, command: &str) -> Self {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let child = shell(folder, &format!("exec {command}"))
            .stdout(writer.try_clone().unwrap())
            .stderr(writer)
            .spawn()
            .unwrap();
        let output = Arc::new(Output::default());
        let shared = Arc::clone(&output);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                shared.text.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..count]));
                shared.grown.notify_all();
            }
        });
        Self { child, output }
    }

    fn says(&self, expected: &str, ports: &Ports) {
        let lines = expected.lines().filter(|line| *line != "…").count();
        let text = self.output.text.lock().unwrap();
        let is_short = |text: &mut String| ports.documented(text).matches('\n').count() < lines;
        let (text, _) = self.output.grown.wait_timeout_while(text, PATIENCE, is_short).unwrap();
        compare(&ports.documented(&text), expected);
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn installed(command: &str) -> bool {
    let program = command.split(' ').next().unwrap();
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .stdout(Stdio::null())
        .status()
        .unwrap()
        .success();
    if !found && program != "hookdev" {
        assert!(env::var_os("HOOKDEV_CI").is_none(), "{program} is required here and is not installed");
        let _ = writeln!(std::io::stderr(), "SKIPPED from here on: {program} is not installed");
    }
    found || program == "hookdev"
}

#[test]
fn every_console_block_prints_what_it_shows() {
    for page in pages::all() {
        follow(&pages::name(&page), &fs::read_to_string(&page).unwrap());
    }
}

/// Does what a page says.
fn follow(name: &str, page: &str) {
    let blocks = blocks(page);
    if !blocks.iter().any(|block| matches!(block, Block::Console { .. })) {
        return;
    }
    assert!(!page.contains("[..]"), "{name} has a wildcard");
    let folder = tempfile::tempdir().unwrap();
    let ports = Ports::free(folder.path());
    let project = folder.path().join("project");
    fs::create_dir(&project).unwrap();

    let mut running = Vec::new();
    let mut count = 0;
    for block in blocks {
        match block {
            Block::File { name, text } => {
                let path = project.join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, ports.real(&text)).unwrap();
            }
            Block::Console { commands, background } => {
                for (command, expected) in commands {
                    if !installed(&command) {
                        return;
                    }
                    count += 1;
                    if background {
                        let started = Background::start(&project, &ports.real(&command));
                        started.says(&expected, &ports);
                        running.push(started);
                    } else {
                        run(name, &project, &command, &expected, &ports);
                    }
                }
            }
        }
    }
    assert_eq!(count, page.lines().filter(|line| line.starts_with("$ ")).count(), "{name}");
}

fn run(page: &str, folder: &Path, command: &str, expected: &str, ports: &Ports) {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut shell = shell(folder, &ports.real(command));
    let mut child = shell.stdout(writer.try_clone().unwrap()).stderr(writer).spawn().unwrap();
    // The command holds the pipe's other end, which must be closed here for the reading to end.
    drop(shell);
    let mut output = Vec::new();
    reader.read_to_end(&mut output).unwrap();
    let output = ports.documented(&String::from_utf8(output).unwrap());
    assert!(child.wait().unwrap().success(), "{page}: {command} failed:\n{output}");
    compare(&format!("{page}: {command}\n{output}"), &format!("{page}: {command}\n{expected}"));
}

fn compare(actual: &str, expected: &str) {
    let expected = stable(expected).replace("\n…\n", "\n...\n");
    // A backslash is one: what is printed here is JSON rather than paths.
    Assert::new().normalize_paths(false).eq(stable(actual), expected);
}

/// An output without what differs between two runs.
fn stable(output: &str) -> String {
    let volatile = [
        (r"\b\d+(\.\d+)? (µs|ms|s)\b", "TIME"),
        (r"\b[\d,.]+/s", "RATE"),
        (r"\b\d{8}T\d{6}\.\d{3}Z", "DATE"),
        (" +", " "),
    ];
    volatile.iter().fold(output.to_owned(), |text, (pattern, name)| {
        Regex::new(pattern).unwrap().replace_all(&text, *name).into_owned()
    })
}

#[test]
fn what_differs_between_two_runs_is_not_compared() {
    let output = "ok  200  1.4 ms  4,902/s  captures/20260302T091402.119Z-000001-a.json  within 3 s";
    assert_eq!(stable(output), "ok 200 TIME RATE captures/DATE-000001-a.json within TIME");
}

#[test]
fn readme_blocks_are_files_or_commands() {
    let text = "`a/b.txt`:\n\n```text\nx\n```\n```console background\n$ c d\nout\n$ e\n```\n```sh\nnot run\n```\n";
    let commands = vec![("c d".to_owned(), "out\n".to_owned()), ("e".to_owned(), String::new())];
    let expected =
        [Block::File { name: "a/b.txt".into(), text: "x\n".into() }, Block::Console { commands, background: true }];
    assert_eq!(blocks(text), expected);
}
