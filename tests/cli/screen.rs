//! A terminal in which a shell runs `listen`: what it shows, and keys that are typed.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::OwnedFd,
    sync::mpsc,
    thread,
};

use pty_process::blocking::{Command, open};

use crate::{
    harness::{Dir, PATIENCE},
    machine,
};

/// A shell in a terminal of its own. Killed when dropped.
pub struct Screen {
    child: std::process::Child,
    keyboard: File,
    pieces: mpsc::Receiver<Vec<u8>>,
    seen: String,
    /// How much of what was seen has been waited for.
    position: usize,
}

impl Screen {
    /// Runs a script, in which `$LISTEN` is `listen` on a free port with these options.
    pub fn run(dir: &Dir, options: &str, script: &str) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(pty_process::Size::new(40, 120)).unwrap();
        let listen = format!("{} listen --addr 127.0.0.1:0 --body none {options}", env!("CARGO_BIN_EXE_hookdev"));
        let command = Command::new("bash").args(["--norc", "-c", script]).current_dir(dir.join("")).env_clear();
        let command = command.envs(machine::environment()).env("HOME", dir.join("")).env("TERM", "dumb");
        let child = command.env("LISTEN", listen).spawn(pts).unwrap();
        let keyboard = File::from(OwnedFd::from(pty));
        let mut screen = keyboard.try_clone().unwrap();
        let (sender, pieces) = mpsc::channel();
        thread::spawn(move || {
            let mut piece = [0; 4096];
            // The terminal closes with its last program, which on Linux is an error to the reader.
            while let Ok(length @ 1..) = screen.read(&mut piece) {
                if sender.send(piece[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, keyboard, pieces, seen: String::new(), position: 0 }
    }

    /// Waits until this appears after what was last waited for. Returns the text up to its end.
    #[track_caller]
    pub fn shows(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.seen[self.position..].find(text) {
                let end = self.position + at + text.len();
                let shown = self.seen[self.position..end].to_owned();
                self.position = end;
                return shown;
            }
            let Ok(piece) = self.pieces.recv_timeout(PATIENCE) else {
                panic!("`{text}` did not appear after\n{}", &self.seen[self.position..])
            };
            self.seen.push_str(&String::from_utf8_lossy(&piece).replace('\r', ""));
        }
    }

    pub fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until `listen` is ready, and returns its URL.
    #[track_caller]
    pub fn url(&mut self) -> String {
        self.shows("Listening on ");
        let url = self.shows(" (Ctrl-C to stop, ? for keys)\n");
        self.shows("--secret PROVIDER=SOURCE\n");
        url.split(' ').next().unwrap().to_owned()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
