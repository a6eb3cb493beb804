//! A program's processes on Windows. The console sends them Ctrl-C; `taskkill` ends them all.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
};

use super::{EndRequest, search::executable};

/// The processes of a program.
#[derive(Debug)]
pub struct ProcessTree(u32);

/// The extensions of programs if `PATHEXT` is not set.
const EXTENSIONS: &str = ".COM;.EXE;.BAT;.CMD";

/// The command that runs a program, which may be a batch file.
pub fn command(name: &OsStr) -> Command {
    let extensions = env::var("PATHEXT").unwrap_or_else(|_| EXTENSIONS.to_owned());
    let found = executable(name, &env::var_os("PATH").unwrap_or_default(), &extensions, Path::is_file);
    Command::new(found.unwrap_or_else(|| PathBuf::from(name)))
}

/// Does nothing: the console sends Ctrl-C to all its programs.
pub fn separate(_: &mut Command) {}

/// `None`: Windows has no signals.
pub fn signal_of(_: ExitStatus) -> Option<i32> {
    None
}

impl ProcessTree {
    /// The tree of a process that was just started.
    pub fn new(id: u32, _: bool) -> Self {
        Self(id)
    }

    /// Ends every process, unless the console already asks them to end.
    pub fn ask(&mut self, request: EndRequest) {
        if request != EndRequest::Interrupt {
            let mut command = Command::new("taskkill");
            command.args(["/T", "/F", "/PID", &self.0.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
            // This fails for processes that have just ended.
            let _ = command.status();
        }
    }

    /// Always `false`: `taskkill` doesn't wait.
    #[expect(clippy::unused_self, reason = "it is asked elsewhere")]
    pub fn is_running(&mut self) -> bool {
        false
    }
}
