//! A handler in a process of its own, which is killed when dropped.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
};

use super::{PATIENCE, SECRETS, machine, packages};

/// A handler that listens; killed, by its own id, when dropped.
pub struct Handler {
    child: Child,
    port: u16,
    path: &'static str,
    errors: Arc<Mutex<String>>,
}

/// A file of `tests/handlers/node` in Node; `None` if Node is not available and not required.
#[track_caller]
pub fn node(file: &str) -> Option<Handler> {
    let packages = packages::installed("node")?;
    let mut command = machine::command("node");
    command.env("NODE_PATH", packages.join("node_modules"));
    Some(Handler::start(command, "node", file))
}

/// A file of `tests/handlers/python` in Python; `None` if Python is not available and not required.
#[track_caller]
pub fn python(file: &str) -> Option<Handler> {
    let environment = packages::installed("python")?;
    let mut command = machine::command(packages::python(&environment));
    // Nothing is left in the tree.
    command.env("PYTHONPATH", handlers("python")).env("PYTHONDONTWRITEBYTECODE", "1");
    Some(Handler::start(command, "python", file))
}

/// A file of `tests/handlers/go`, built with Go; `None` if Go is not available and not required.
#[cfg(unix)]
#[track_caller]
pub fn go(file: &str) -> Option<Handler> {
    if !machine::can("go", &["version"]) {
        return None;
    }
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let program = kept.join(file).with_extension("bin");
    let mut build = machine::command("go");
    build.arg("build").arg("-o").arg(&program).arg(handlers("go").join(file));
    build.env("GOCACHE", kept.join("go")).env("GOTOOLCHAIN", "local").env("HOME", kept);
    let output = build.output().expect("a process");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(Handler::start(machine::command(&program), "go", file))
}

/// The directory of the handlers in this language.
pub fn handlers(language: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/handlers").join(language)
}

impl Handler {
    #[track_caller]
    fn start(mut command: Command, language: &str, file: &str) -> Self {
        command.arg(handlers(language).join(file)).envs(SECRETS);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("a process");
        let errors = Arc::new(Mutex::new(String::new()));
        let mut stderr = BufReader::new(child.stderr.take().expect("its standard error"));
        let heard = Arc::clone(&errors);
        thread::spawn(move || {
            let mut line = Vec::new();
            while stderr.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                heard.lock().expect("no panic").push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
        });
        let mut stdout = BufReader::new(child.stdout.take().expect("its standard output"));
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            let _ = stdout.read_line(&mut line);
            // The test may have given up.
            let _ = sender.send(line);
            // The rest of its output is read too, so that it never blocks.
            let _ = stdout.read_to_end(&mut Vec::new());
        });
        let mut handler = Self { child, port: 0, path: "/webhook", errors };
        let line = receiver.recv_timeout(PATIENCE).expect("a line in time");
        handler.port = line.trim().parse().unwrap_or_else(|_| {
            // All that it says, which ends with it.
            let _ = handler.child.wait();
            panic!("{file} did not listen: {line}{}", handler.errors())
        });
        handler
    }

    /// A program that listens on this port once it prints a line with this text. Its webhook route has this path.
    #[cfg(unix)]
    #[track_caller]
    pub fn listening(mut command: Command, port: u16, path: &'static str, ready: &'static str) -> Self {
        let (output, writer) = std::io::pipe().expect("a pipe");
        let stderr = writer.try_clone().expect("the same pipe");
        let child = command.envs(SECRETS).stdin(Stdio::null()).stdout(writer).stderr(stderr).spawn();
        let child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        // It holds the other end of the pipe.
        drop(command);
        let errors = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&errors);
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                heard.lock().expect("no panic").extend([&line, "\n"]);
                if line.contains(ready) {
                    // The test may have given up.
                    let _ = sender.send(());
                }
            }
        });
        let handler = Self { child, port, path, errors };
        receiver.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("it never said `{ready}`: {}", handler.errors()));
        handler
    }

    /// The URL of its webhook route.
    pub fn url(&self) -> String {
        self.at(self.path)
    }

    /// The URL with this path.
    pub fn at(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Sends its process this signal.
    #[cfg(unix)]
    #[track_caller]
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(status.expect("a process").success(), "kill -{name}");
    }

    /// Its standard error so far.
    pub fn errors(&self) -> String {
        self.errors.lock().expect("no panic").clone()
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
