//! The program as a command: `dir.hookdev().args(["send", "x"]).exits(2).stderr("error: …")`.

use std::{
    ffi::OsStr,
    io::{self, Write},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use serde_json::Value;

use super::{schema, transcript::Transcript};
use crate::{difference::assert_text, machine};

/// The program with its arguments, not started yet.
pub struct TestCommand {
    command: Command,
    stdin: Vec<u8>,
    stdout: Option<Stdio>,
    command_line: String,
}

impl TestCommand {
    /// The program in a directory, which is also its home.
    pub(super) fn new(dir: &Path) -> Self {
        let mut command = machine::hookdev();
        command.current_dir(dir).env("HOME", dir);
        Self { command, stdin: Vec::new(), stdout: None, command_line: "hookdev".to_owned() }
    }

    pub fn arg(self, arg: impl AsRef<OsStr>) -> Self {
        self.args([arg])
    }

    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        for arg in args {
            self.command_line = format!("{} {}", self.command_line, arg.as_ref().to_string_lossy());
            self.command.arg(arg);
        }
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Runs it in this directory instead.
    pub fn inside(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Closes the reading end of its standard output before it starts.
    pub fn unread(self) -> Self {
        self.stdout_to(io::pipe().unwrap().1)
    }

    /// Redirects its standard output.
    pub fn stdout_to(mut self, stdout: impl Into<Stdio>) -> Self {
        self.stdout = Some(stdout.into());
        self
    }

    /// Runs it under another program, which gets it as its last arguments.
    #[cfg(unix)]
    pub fn under(mut self, wrapper: &[&str]) -> Self {
        let mut command = machine::command(wrapper[0]);
        command.args(&wrapper[1..]).arg(self.command.get_program()).args(self.command.get_args());
        command.current_dir(self.command.get_current_dir().unwrap());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        self.command = command;
        self
    }

    /// Runs to the end and checks its exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Finished {
        self.spawn().finish(code)
    }

    /// Runs to the end. The exit code is `None` if a signal ended the program.
    #[track_caller]
    pub fn ends(self) -> (Option<i32>, Finished) {
        self.spawn().end()
    }

    #[track_caller]
    pub(super) fn spawn(mut self) -> Running {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(stdout) = self.stdout.take() {
            self.command.stdout(stdout);
        }
        let mut child = self.command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let bytes = self.stdin;
        // The program may close its input early.
        thread::spawn(move || stdin.write_all(&bytes).is_ok());
        let stdout = child.stdout.take().map_or_else(|| Transcript::of(io::empty()), Transcript::of);
        let stderr = Transcript::of(child.stderr.take().unwrap());
        Running { child: Some(child), stdout: Some(stdout), stderr: Some(stderr), command_line: self.command_line }
    }
}

/// The program while it runs; killed by its own id when dropped.
pub(super) struct Running {
    child: Option<Child>,
    stdout: Option<Transcript>,
    stderr: Option<Transcript>,
    command_line: String,
}

impl Running {
    pub fn id(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    pub fn stdout(&mut self) -> &mut Transcript {
        self.stdout.as_mut().unwrap()
    }

    pub fn stderr(&mut self) -> &mut Transcript {
        self.stderr.as_mut().unwrap()
    }

    /// Kills it without warning, with SIGKILL on Unix.
    pub fn kill(&mut self) {
        self.child.as_mut().unwrap().kill().unwrap();
    }

    /// Waits for its end and checks its exit code.
    #[track_caller]
    pub fn finish(mut self, code: i32) -> Finished {
        let (status, finished) = self.end();
        assert_eq!(status, Some(code), "the exit code of `{}`\n{finished}", finished.command_line);
        finished
    }

    /// Waits for its end. The exit code is `None` if a signal ended it.
    #[track_caller]
    pub fn end(&mut self) -> (Option<i32>, Finished) {
        let stdout = self.stdout.take().unwrap().all();
        let stderr = self.stderr.take().unwrap().all();
        let status = self.child.take().unwrap().wait().unwrap();
        let command_line = std::mem::take(&mut self.command_line);
        (status.code(), Finished { stdout, stderr: String::from_utf8(stderr).unwrap(), command_line })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have exited already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The output and exit code of a run.
pub struct Finished {
    pub stdout: Vec<u8>,
    pub stderr: String,
    command_line: String,
}

impl std::fmt::Display for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "stdout:\n{}\nstderr:\n{}", String::from_utf8_lossy(&self.stdout), self.stderr)
    }
}

impl Finished {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    /// Checks that exactly this is on standard output.
    #[track_caller]
    pub fn stdout(self, expected: &str) -> Self {
        assert_text(self.text(), expected, &format!("stdout of `{}`; stderr:\n{}", self.command_line, self.stderr));
        self
    }

    /// Checks that exactly this is on standard error.
    #[track_caller]
    pub fn stderr(self, expected: &str) -> Self {
        let stdout = String::from_utf8_lossy(&self.stdout);
        assert_text(&self.stderr, expected, &format!("stderr of `{}`; stdout:\n{stdout}", self.command_line));
        self
    }

    /// Checks that this occurs on standard output.
    #[track_caller]
    pub fn prints(self, part: &str) -> Self {
        assert!(self.text().contains(part), "stdout of `{}` lacks `{part}`\n{self}", self.command_line);
        self
    }

    /// Checks that this occurs on standard error.
    #[track_caller]
    pub fn says(self, part: &str) -> Self {
        assert!(self.stderr.contains(part), "stderr of `{}` lacks `{part}`\n{self}", self.command_line);
        self
    }

    /// The JSON objects on standard output, one per line.
    #[track_caller]
    pub fn lines(&self) -> Vec<Value> {
        self.text().lines().map(schema::parse).collect()
    }

    /// The only JSON object on standard output.
    #[track_caller]
    pub fn line(&self) -> Value {
        let mut lines = self.lines();
        assert_eq!(lines.len(), 1, "lines of `{}`\n{self}", self.command_line);
        lines.remove(0)
    }
}
