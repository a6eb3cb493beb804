//! A running `hookdev listen`.

use serde_json::Value;

use super::{
    command::{Finished, Running, TestCommand},
    text,
    wire::{self, Message},
};

/// A receiver that has said that it is ready; killed when dropped.
pub struct Listener {
    running: Running,
    url: String,
}

impl TestCommand {
    /// Starts `listen` and waits until it says that it is ready.
    #[track_caller]
    pub fn starts(self) -> Listener {
        let mut running = self.spawn();
        let Some(line) = running.stdout().line() else {
            let (code, finished) = running.end();
            panic!("it ended with {code:?} instead of listening\n{finished}");
        };
        let ready: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(text(&ready, "/kind"), "ready");
        Listener { running, url: text(&ready, "/url").to_owned() }
    }

    /// Starts `listen` in its pretty form, which says on standard error that it is ready.
    #[track_caller]
    pub fn starts_for_people(self) -> Listener {
        let mut running = self.spawn();
        running.stderr().wait_for(" (Ctrl-C ends it)\n");
        let url = running.stderr().between("hookdev listens on ", " (Ctrl-C ends it)\n");
        Listener { running, url }
    }
}

impl Listener {
    /// Where it listens, with this path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// The next delivery's line.
    #[track_caller]
    pub fn next(&mut self) -> Value {
        let line = self.running.stdout().line().expect("a delivery, not the end");
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(text(&value, "/kind"), "delivery");
        value
    }

    /// Posts a request and wants its line, beside the answer.
    #[track_caller]
    pub fn receives(&mut self, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> (Message, Value) {
        let answer = wire::post(&self.url(path), headers, body);
        (answer, self.next())
    }

    /// Waits until this is said on standard output.
    #[track_caller]
    pub fn prints(&mut self, part: &str) {
        self.running.stdout().wait_for(part);
    }

    /// Waits until this is said on standard error.
    #[track_caller]
    pub fn says(&mut self, part: &str) {
        self.running.stderr().wait_for(part);
    }

    /// Waits for its own end and wants this exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Finished {
        self.running.finish(code)
    }

    /// Kills it without a warning, and what it had said until then.
    #[track_caller]
    pub fn killed(mut self) -> Finished {
        self.running.kill();
        self.running.end().1
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.running.id()
    }

    /// Presses Ctrl-C.
    #[cfg(unix)]
    pub fn interrupt(&self) {
        interrupt(self.id());
    }

    /// Sends it a signal by its name, `TERM`.
    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        signal(name, self.id());
    }
}

/// Sends SIGINT to a process.
#[cfg(unix)]
pub fn interrupt(id: u32) {
    signal("INT", id);
}

#[cfg(unix)]
fn signal(name: &str, id: u32) {
    let status = std::process::Command::new("kill").args([&format!("-{name}"), &id.to_string()]).status().unwrap();
    assert!(status.success(), "kill -{name} {id}");
}

/// A command that runs while the test goes on; killed when dropped.
pub struct Begun(Running);

impl TestCommand {
    /// Starts the command and does not wait for its end.
    #[track_caller]
    pub fn begins(self) -> Begun {
        Begun(self.spawn())
    }
}

impl Begun {
    /// Waits until this is said on standard output.
    #[track_caller]
    pub fn prints(&mut self, part: &str) {
        self.0.stdout().wait_for(part);
    }

    /// Waits until this is said on standard error.
    #[track_caller]
    pub fn says(&mut self, part: &str) {
        self.0.stderr().wait_for(part);
    }

    /// The next JSON object on standard output.
    #[track_caller]
    pub fn next(&mut self) -> Value {
        serde_json::from_str(&self.0.stdout().line().expect("a line, not the end")).unwrap()
    }

    /// Waits for its end and wants this exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Finished {
        self.0.finish(code)
    }

    /// Presses Ctrl-C.
    #[cfg(unix)]
    pub fn interrupt(&self) {
        interrupt(self.0.id());
    }
}
