//! A running `hookdev listen`.

use serde_json::Value;

use super::{
    command::{Finished, Running, TestCommand},
    schema, text,
    wire::{self, Message},
};

/// Runs a program beside `listen` until the file `end` exists in its directory, and so ends it without a timeout.
#[cfg(unix)]
pub const UNTIL_END: [&str; 4] = ["--", "sh", "-c", "until [ -e end ]; do sleep 0.01; done"];

/// A receiver that is ready. Killed when dropped.
pub struct Listener {
    running: Running,
    url: String,
    ready: Value,
}

impl TestCommand {
    /// Starts `listen` and waits until it is ready.
    #[track_caller]
    pub fn starts(self) -> Listener {
        let mut running = self.spawn();
        let Some(line) = running.stdout().line() else {
            let (code, finished) = running.end();
            panic!("it ended with {code:?} instead of listening\n{finished}");
        };
        let ready = schema::parse(&line);
        assert_eq!(text(&ready, "/kind"), "ready");
        Listener { running, url: text(&ready, "/url").to_owned(), ready }
    }

    /// Starts `listen` in its pretty format, and waits until it is ready.
    #[track_caller]
    pub fn starts_for_people(self) -> Listener {
        let mut running = self.spawn();
        running.stderr().wait_for(" (Ctrl-C to stop)\n");
        let url = running.stderr().between("Listening on ", " (Ctrl-C to stop)\n");
        Listener { running, url, ready: Value::Null }
    }
}

impl Listener {
    /// Its URL with this path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// The ready line; null in the pretty format.
    pub fn ready(&self) -> &Value {
        &self.ready
    }

    /// The next delivery's line. Lines with later findings or forwards of another delivery are skipped.
    #[track_caller]
    pub fn next(&mut self) -> Value {
        loop {
            let line = self.line();
            match text(&line, "/kind") {
                "delivery" => return line,
                "findings" | "forwards" => {}
                other => panic!("a delivery, not {other}"),
            }
        }
    }

    /// The next line, of any kind.
    #[track_caller]
    pub fn line(&mut self) -> Value {
        schema::parse(&self.running.stdout().line().expect("a line, not the end"))
    }

    /// Posts a request. Returns the response, and the delivery's line.
    #[track_caller]
    pub fn receives(&mut self, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> (Message, Value) {
        let response = wire::post(&self.url(path), headers, body);
        (response, self.next())
    }

    /// Posts a request that is rejected. Returns the response, the delivery's line, and its findings, which follow in a
    /// line of their own if they take longer than the delivery waits for them.
    #[track_caller]
    pub fn explains(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> (Message, Value, Value) {
        let (response, delivery) = self.receives(path, headers, body);
        let findings = self.findings(&delivery);
        (response, delivery, findings)
    }

    /// The findings of a rejected delivery that was printed last.
    #[track_caller]
    pub fn findings(&mut self, delivery: &Value) -> Value {
        if delivery["findings"] != Value::Array(Vec::new()) {
            return delivery["findings"].clone();
        }
        let later = self.line();
        assert_eq!((text(&later, "/kind"), &later["seq"]), ("findings", &delivery["seq"]));
        later["findings"].clone()
    }

    /// Waits until standard output contains this.
    #[track_caller]
    pub fn prints(&mut self, part: &str) {
        self.running.stdout().wait_for(part);
    }

    /// Waits until standard error contains this.
    #[track_caller]
    pub fn says(&mut self, part: &str) {
        self.running.stderr().wait_for(part);
    }

    /// Waits until it exits and checks the exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Finished {
        self.running.finish(code)
    }

    /// Kills it, and returns its output until then.
    #[track_caller]
    pub fn killed(mut self) -> Finished {
        self.running.kill();
        self.running.end().1
    }

    /// Its process id.
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

/// A command that runs in the background. Killed when dropped.
pub struct BackgroundRun(Running);

impl TestCommand {
    /// Starts the command without waiting for it.
    #[track_caller]
    pub fn in_background(self) -> BackgroundRun {
        BackgroundRun(self.spawn())
    }
}

impl BackgroundRun {
    /// Waits until standard output contains this.
    #[track_caller]
    pub fn prints(&mut self, part: &str) {
        self.0.stdout().wait_for(part);
    }

    /// Waits until standard error contains this.
    #[track_caller]
    pub fn says(&mut self, part: &str) {
        self.0.stderr().wait_for(part);
    }

    /// The next JSON object on standard output.
    #[track_caller]
    pub fn next(&mut self) -> Value {
        schema::parse(&self.0.stdout().line().expect("a line, not the end"))
    }

    /// Waits until it exits and checks the exit code.
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
