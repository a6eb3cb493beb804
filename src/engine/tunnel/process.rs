//! The program of a tunnel: started without a shell, in a process group of its own, and ended with everything that it
//! started.
//!
//! **It ends with hookdev, whatever ends hookdev.** On Unix, the group is led by a watchdog: a shell that reads from a
//! pipe whose other end only hookdev has. When hookdev exits, panics or is killed (`kill -9`), the kernel closes the
//! pipe, and the watchdog ends its group: SIGTERM, and SIGKILL after two seconds. As it is a member of the group, and
//! hookdev is its parent, the number of the group can't come to mean other processes. Not covered: a program that
//! leaves its group (`setsid`), and a watchdog that is killed as well. Elsewhere the program is ended whenever hookdev
//! can still act, which excludes a kill. Linux's `PR_SET_PDEATHSIG` reaches only the program itself, needs `unsafe`,
//! and is sent when the *thread* that started the program ends.

use std::{
    env, io,
    net::Ipv4Addr,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tempfile::NamedTempFile;
use tokio::{
    net::TcpListener,
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
};

use crate::store::recipes::{Recipe, RecipeValues};

/// How long a program may take to end after SIGTERM.
const END_TIME: Duration = Duration::from_secs(2);

/// Variables that make a program in Rust, such as bore, print a backtrace after its error. Only its last lines are
/// kept.
const BACKTRACES: [&str; 2] = ["RUST_BACKTRACE", "RUST_LIB_BACKTRACE"];

/// A running program. Dropping it ends the program.
#[derive(Debug)]
pub(super) struct TunnelProcess {
    child: Child,
    #[cfg(unix)]
    group: unix::ProcessGroup,
    /// Kept open, so that a program that reads from it doesn't see its end.
    _stdin: Option<ChildStdin>,
    empty_file: NamedTempFile,
    /// The port that was chosen for it.
    pub free_port: u16,
}

/// Why a program can't be started.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    /// It isn't installed.
    #[error("the program `{0}` was not found")]
    Missing(String),
    /// The operating system can't start it.
    #[error("can't start `{0}`")]
    Refused(String, #[source] io::Error),
}

/// A program and what it prints.
pub(super) struct Started {
    pub process: TunnelProcess,
    pub stdout: Option<ChildStdout>,
    pub stderr: Option<ChildStderr>,
}

impl TunnelProcess {
    /// Starts the program of a recipe for a tunnel to this port, without the `hidden` variables.
    pub async fn start(recipe: &Recipe, port: u16, hidden: &[String]) -> Result<Started, StartError> {
        let name = recipe.command.words().next().unwrap_or_default().to_owned();
        let refused = |error: io::Error| StartError::Refused(name.clone(), error);
        let empty_file = NamedTempFile::new().map_err(refused)?;
        let free_port = free_port().await.map_err(refused)?;
        let values = RecipeValues { port, free_port, empty_file: empty_file.path() };
        let mut command = Command::new(recipe.command.program.fill(values));
        command.args(recipe.command.args.iter().map(|arg| arg.fill(values)));
        for name in hidden {
            command.env_remove(name);
        }
        for name in BACKTRACES {
            command.env_remove(name);
        }
        for (name, value) in &recipe.env {
            if hidden.contains(name) || env::var_os(name).is_none() {
                command.env(name, value.expose());
            }
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        #[cfg(unix)]
        let group = unix::ProcessGroup::start().map_err(refused)?;
        #[cfg(unix)]
        group.add(&mut command);
        let mut child = command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => StartError::Missing(name.clone()),
            _ => refused(error),
        })?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let process = Self {
            child,
            #[cfg(unix)]
            group,
            _stdin: stdin,
            empty_file,
            free_port,
        };
        Ok(Started { process, stdout, stderr })
    }

    /// The values of the placeholders of its recipe.
    pub fn values(&self, port: u16) -> RecipeValues<'_> {
        RecipeValues { port, free_port: self.free_port, empty_file: self.empty_file.path() }
    }

    /// Waits until the program has exited.
    pub async fn exited(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Ends the program and everything that it started, gently at first.
    pub async fn end(mut self) {
        #[cfg(unix)]
        self.group.terminate();
        #[cfg(not(unix))]
        let _ = self.child.start_kill();
        // Processes left after that end with the group.
        let _ = tokio::time::timeout(END_TIME, self.child.wait()).await;
    }
}

/// A port of this machine that nothing listens on.
async fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?.port())
}

#[cfg(unix)]
mod unix {
    use std::{io, process::Stdio};

    use rustix::process::{Pid, Signal, kill_process_group};
    use tokio::process::{Child, ChildStdin, Command};

    /// Ends its group once hookdev is gone. It survives the SIGTERM itself.
    const WATCHDOG: &str = "trap '' HUP INT QUIT TERM; read -r _; kill -TERM 0; sleep 2; kill -KILL 0";

    /// A process group that ends with hookdev.
    #[derive(Debug)]
    pub struct ProcessGroup {
        id: Pid,
        /// Its leader. Until it is waited for, no other process gets its number.
        _watchdog: Child,
        /// The end of the pipe whose closing tells the watchdog that hookdev is gone.
        _alive: Option<ChildStdin>,
    }

    impl ProcessGroup {
        /// Starts the watchdog.
        pub fn start() -> io::Result<Self> {
            let mut watchdog = Command::new("/bin/sh")
                .args(["-c", WATCHDOG])
                .env_clear()
                .env("PATH", "/usr/bin:/bin")
                .current_dir("/")
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .process_group(0)
                .spawn()?;
            let id = watchdog.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
            let id = id.ok_or_else(|| io::Error::other("the watchdog has no process id"))?;
            let alive = watchdog.stdin.take();
            Ok(Self { id, _watchdog: watchdog, _alive: alive })
        }

        /// Makes a program that has not been started yet a member.
        pub fn add(&self, command: &mut Command) {
            command.process_group(self.id.as_raw_nonzero().get());
        }

        /// Asks every member to end.
        pub fn terminate(&self) {
            // This fails if none is left.
            let _ = kill_process_group(self.id, Signal::TERM);
        }
    }

    impl Drop for ProcessGroup {
        fn drop(&mut self) {
            let _ = kill_process_group(self.id, Signal::KILL);
        }
    }
}
