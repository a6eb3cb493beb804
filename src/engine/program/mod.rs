//! Runs a program alongside an engine, and ends it with every process that it started.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod tree;

#[cfg(any(windows, test))]
mod search;

use std::{
    io,
    process::{Command, ExitStatus},
    time::Duration,
};

use tokio::{
    process::Child,
    time::{Instant, sleep, timeout_at},
};

use tree::ProcessTree;
pub use tree::command;

/// How long a program may take to end when asked to.
pub const GRACE_PERIOD: Duration = Duration::from_secs(5);

/// How often to check whether the last process has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// How a program is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndRequest {
    /// As by Ctrl-C.
    Interrupt,
    /// As by `kill`.
    Terminate,
    /// The program can't prevent this.
    Kill,
}

/// A running program. Dropping it kills its first process, but not those that it started.
#[derive(Debug)]
pub struct Program {
    child: Child,
    tree: ProcessTree,
}

impl Program {
    /// Starts a program. If it `shares_terminal`, it can read from the terminal, and gets Ctrl-C from there.
    ///
    /// # Errors
    ///
    /// If it can't be started.
    pub fn start(mut command: Command, shares_terminal: bool) -> io::Result<Self> {
        if !shares_terminal {
            tree::separate(&mut command);
        }
        let child = tokio::process::Command::from(command).kill_on_drop(true).spawn()?;
        // It has an id until it is waited for.
        let tree = ProcessTree::new(child.id().unwrap_or_default(), shares_terminal);
        Ok(Self { child, tree })
    }

    /// Waits until the program has ended, but not for processes that it left running. Cancel safe.
    ///
    /// # Errors
    ///
    /// If it can't be waited for.
    pub async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Asks the program and everything that it started to end.
    pub fn ask(&mut self, request: EndRequest) {
        self.tree.ask(request);
    }

    /// Asks the program and everything that it started to end, and kills what is left after the grace period, or when
    /// `hurry` resolves.
    ///
    /// # Errors
    ///
    /// If it can't be waited for.
    pub async fn end(&mut self, hurry: impl Future<Output = ()>) -> io::Result<ExitStatus> {
        self.ask(EndRequest::Terminate);
        let deadline = Instant::now() + GRACE_PERIOD;
        let all_ended = async {
            let status = self.child.wait().await;
            while self.tree.is_running() {
                sleep(POLL_INTERVAL).await;
            }
            status
        };
        tokio::select! {
            ended = timeout_at(deadline, all_ended) => {
                if let Ok(status) = ended {
                    return status;
                }
            }
            () = hurry => {}
        }
        self.ask(EndRequest::Kill);
        self.child.wait().await
    }
}

/// The exit code of a program: its own, or 128 plus the number of the signal that ended it.
#[must_use]
pub fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| tree::signal_of(status).map_or(1, |signal| 128 + signal));
    u8::try_from(code).unwrap_or(1)
}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, future::pending, path::Path, process::Stdio};

    use super::*;

    /// A shell that runs this script in a directory.
    fn shell(script: &str, dir: &Path, shares_terminal: bool) -> Program {
        let mut command = Command::new("sh");
        command.args(["-c", script]).current_dir(dir).stdin(Stdio::null());
        Program::start(command, shares_terminal).expect("a process")
    }

    /// Waits until a file has a line; its text.
    async fn line_of(path: &Path) -> String {
        let line = async {
            loop {
                match fs::read_to_string(path) {
                    Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
                    _ => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), line).await.expect("a line within a minute")
    }

    fn is_running(id: &str) -> bool {
        // A process that has ended stays known until its parent has asked for its exit code.
        let output = Command::new("ps").args(["-o", "stat=", "-p", id]).output().expect("a process");
        !matches!(output.stdout.trim_ascii().first(), None | Some(b'Z'))
    }

    #[tokio::test]
    async fn the_exit_code_is_the_programs_or_that_of_its_signal() {
        let dir = tempfile::tempdir().unwrap();
        for (script, code) in [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143), ("kill -KILL $$", 137)] {
            let status = shell(script, dir.path(), false).ended().await.unwrap();
            assert_eq!(exit_code(status), code, "{script}");
        }
    }

    #[tokio::test]
    async fn the_whole_tree_is_ended_whether_or_not_it_shares_the_terminal() {
        for shares_terminal in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let mut program =
                shell("sh -c 'sleep 600 & echo $! > grandchild; wait' & wait", dir.path(), shares_terminal);
            let grandchild = line_of(&dir.path().join("grandchild")).await;
            assert!(is_running(&grandchild));
            assert_eq!(exit_code(program.end(pending()).await.unwrap()), 143);
            assert!(!is_running(&grandchild));
        }
    }

    #[tokio::test]
    async fn what_ignores_the_request_is_killed_in_a_hurry() {
        let dir = tempfile::tempdir().unwrap();
        let mut program = shell("trap '' TERM; echo > ready; while :; do sleep 600; done", dir.path(), false);
        line_of(&dir.path().join("ready")).await;
        assert_eq!(exit_code(program.end(async {}).await.unwrap()), 137);
    }
}
