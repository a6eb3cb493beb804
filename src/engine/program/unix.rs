//! A program's processes on Unix.
//!
//! A program that does not share the terminal gets its own process group, which contains everything that it starts. One
//! that does must stay in the foreground group, or reading from the terminal would stop it. Its processes are found
//! through their parents instead.

use std::{
    ffi::OsStr,
    fs,
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Command, ExitStatus},
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};

use super::EndRequest;

/// The processes of a program.
#[derive(Debug)]
pub enum ProcessTree {
    /// A process group.
    Group(Pid),
    /// Processes that descend from the program and may still be running.
    Descendants(Vec<ProcessId>),
}

/// A process, identified by its number and start time, because numbers are reused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessId {
    id: i32,
    started: String,
}

/// The command that runs a program.
pub fn command(name: &OsStr) -> Command {
    Command::new(name)
}

/// Makes a program that has not been started yet the leader of a process group.
pub fn separate(command: &mut Command) {
    command.process_group(0);
}

/// The number of the signal that ended a process.
pub fn signal_of(status: ExitStatus) -> Option<i32> {
    status.signal()
}

impl ProcessTree {
    /// The tree of a process that was just started.
    pub fn new(id: u32, shares_terminal: bool) -> Self {
        let id = i32::try_from(id).unwrap_or_default();
        match Pid::from_raw(id) {
            Some(group) if !shares_terminal => Self::Group(group),
            _ => Self::Descendants(processes().into_iter().map(|(it, _)| it).filter(|it| it.id == id).collect()),
        }
    }

    /// Sends every process a signal.
    pub fn ask(&mut self, request: EndRequest) {
        let signal = match request {
            EndRequest::Interrupt => Signal::INT,
            EndRequest::Terminate => Signal::TERM,
            EndRequest::Kill => Signal::KILL,
        };
        self.refresh();
        // This fails for processes that have just ended.
        match self {
            Self::Group(group) => drop(kill_process_group(*group, signal)),
            Self::Descendants(known) => {
                for id in known.iter().filter_map(|process| Pid::from_raw(process.id)) {
                    let _ = kill_process(id, signal);
                }
            }
        }
    }

    /// Whether a process still runs.
    pub fn is_running(&mut self) -> bool {
        self.refresh();
        match self {
            Self::Group(group) => test_kill_process_group(*group).is_ok(),
            Self::Descendants(known) => !known.is_empty(),
        }
    }

    /// Adds new descendants, and removes ended processes.
    fn refresh(&mut self) {
        let Self::Descendants(known) = self else { return };
        let all = processes();
        known.retain(|process| all.iter().any(|(other, _)| other == process));
        let mut index = 0;
        while let Some(parent) = known.get(index).map(|process| process.id) {
            let children = all.iter().filter(|(_, of)| *of == parent).map(|(process, _)| process);
            let new: Vec<ProcessId> = children.filter(|process| !known.contains(process)).cloned().collect();
            known.extend(new);
            index += 1;
        }
    }
}

/// All running processes of this machine, each with its parent's number.
fn processes() -> Vec<(ProcessId, i32)> {
    match fs::read_dir("/proc") {
        Ok(entries) if fs::exists("/proc/self/stat").unwrap_or(false) => {
            let stat = |entry: fs::DirEntry| fs::read_to_string(entry.path().join("stat")).ok();
            entries.filter_map(|entry| of_stat(&stat(entry.ok()?)?)).collect()
        }
        _ => {
            let listed = Command::new("ps").args(["-A", "-o", "pid=,ppid=,stat=,lstart="]).output();
            let text = listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
            text.lines().filter_map(of_ps).collect()
        }
    }
}

/// Reads a `stat` of Linux: number, name in parentheses, state, parent, and the start as the 22nd value.
fn of_stat(stat: &str) -> Option<(ProcessId, i32)> {
    let (id, _) = stat.split_once(' ')?;
    // The name may contain anything.
    let values: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    if matches!(values.first(), Some(&("Z" | "X"))) {
        return None;
    }
    let started = (*values.get(19)?).to_owned();
    Some((ProcessId { id: id.parse().ok()?, started }, values.get(1)?.parse().ok()?))
}

/// Reads a line of `ps`: number, parent, state, and the start in words.
fn of_ps(line: &str) -> Option<(ProcessId, i32)> {
    let (id, rest) = line.trim_start().split_once(' ')?;
    let (parent, rest) = rest.trim_start().split_once(' ')?;
    let (state, started) = rest.trim_start().split_once(' ')?;
    if state.starts_with('Z') {
        return None;
    }
    Some((ProcessId { id: id.parse().ok()?, started: started.trim().to_owned() }, parent.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(id: i32, started: &str) -> ProcessId {
        ProcessId { id, started: started.to_owned() }
    }

    #[test]
    fn a_process_is_read_from_linux_and_from_ps() {
        let stat = "42 (a) b (c)) S 7 42 1 34816 42 4194304 100 0 0 0 1 2 0 0 20 0 1 0 98765 1000 10";
        assert_eq!(of_stat(stat), Some((process(42, "98765"), 7)));
        assert_eq!(of_stat(&stat.replace(" S ", " Z ")), None);
        let line = "   42     7 Ss+  Sat Nov 28 17:42:12 2026\n";
        assert_eq!(of_ps(line), Some((process(42, "Sat Nov 28 17:42:12 2026"), 7)));
        // Its parent has not waited for it yet.
        assert_eq!(of_ps(&line.replace("Ss+", "Z+ ")), None);
    }
}
