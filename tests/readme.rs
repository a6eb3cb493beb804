//! People try the README first, so its console blocks are run, and those of the pages in `docs/`: each `$` line in a
//! shell, and its output is compared with the lines below it (`[..]` is any text, `...` any lines).
//!
//! A block marked `background` is started and left running. A code block that follows a line
//! which is nothing but a file's name in code font and a colon is that file. The ports that the
//! text names are replaced by free ones.
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // all of it is test code, outside of test functions too

mod machine;

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

use machine::Port;
use snapbox::Assert;

const README: &str = include_str!("../README.md");
const PROVIDERS: &str = include_str!("../docs/providers.md");

/// The ports in the pages.
const PORTS: [&str; 3] = ["4400", "3000", "3001"];

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
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(fence) = line.strip_prefix("```") else {
            let named = line.strip_prefix('`').and_then(|rest| rest.strip_suffix("`:"));
            file_name = if line.is_empty() { file_name } else { named.map(str::to_owned) };
            continue;
        };
        let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        match (fence.split(' ').collect::<Vec<_>>().as_slice(), file_name.take()) {
            (["console", flags @ ..], _) => {
                blocks.push(Block::Console { commands: commands(&body), background: flags == ["background"] });
            }
            (_, Some(name)) => blocks.push(Block::File { name, text: format!("{}\n", body.join("\n")) }),
            _ => {}
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
        let endpoints = ["aspect", "auphonic", "cyanite", "jewelmusic"].map(endpoint).concat();
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
        let lines = expected.lines().filter(|line| *line != "...").count();
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
fn every_console_block_of_the_readme_prints_what_it_shows() {
    follow(README);
}

#[test]
fn a_provider_is_described_as_its_page_says() {
    follow(PROVIDERS);
}

/// Does what a page says.
fn follow(page: &str) {
    let folder = tempfile::tempdir().unwrap();
    let ports = Ports::free(folder.path());
    let project = folder.path().join("project");
    fs::create_dir(&project).unwrap();

    let mut running = Vec::new();
    let mut count = 0;
    for block in blocks(page) {
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
                        run(&project, &command, &expected, &ports);
                    }
                }
            }
        }
    }
    assert_eq!(count, page.lines().filter(|line| line.starts_with("$ ")).count());
}

fn run(folder: &Path, command: &str, expected: &str, ports: &Ports) {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut shell = shell(folder, &ports.real(command));
    let mut child = shell.stdout(writer.try_clone().unwrap()).stderr(writer).spawn().unwrap();
    // The command holds the pipe's other end, which must be closed here for the reading to end.
    drop(shell);
    let mut output = Vec::new();
    reader.read_to_end(&mut output).unwrap();
    let output = ports.documented(&String::from_utf8(output).unwrap());
    assert!(child.wait().unwrap().success(), "{command} failed:\n{output}");
    compare(&format!("$ {command}\n{output}"), &format!("$ {command}\n{expected}"));
}

fn compare(actual: &str, expected: &str) {
    // A backslash is one: what is printed here is JSON rather than paths.
    Assert::new().normalize_paths(false).eq(actual.to_owned(), expected.to_owned());
}

#[test]
fn readme_blocks_are_files_or_commands() {
    let text = "`a/b.txt`:\n\n```text\nx\n```\n```console background\n$ c d\nout\n$ e\n```\n```sh\nnot run\n```\n";
    let commands = vec![("c d".to_owned(), "out\n".to_owned()), ("e".to_owned(), String::new())];
    let expected =
        [Block::File { name: "a/b.txt".into(), text: "x\n".into() }, Block::Console { commands, background: true }];
    assert_eq!(blocks(text), expected);
}
