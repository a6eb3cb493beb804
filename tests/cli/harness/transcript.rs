//! The output of a running program on one stream, as it is printed.

use std::{
    io::{BufRead, BufReader, Read},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Instant,
};

use super::PATIENCE;

/// What a running program has printed on one stream.
pub struct Transcript {
    lines: Receiver<Vec<u8>>,
    heard: Vec<u8>,
    /// How much of the text has been consumed.
    passed: usize,
}

impl Transcript {
    pub fn of(stream: impl Read + Send + 'static) -> Self {
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                if sender.send(std::mem::take(&mut line)).is_err() {
                    return;
                }
            }
        });
        Self { lines, heard: Vec::new(), passed: 0 }
    }

    /// The next line, without its end; `None` when there is no more.
    pub fn line(&mut self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => {
                self.heard.extend_from_slice(&line);
                self.passed = self.heard.len();
                Some(String::from_utf8(line).unwrap().trim_end_matches(['\r', '\n']).to_owned())
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("no line within {PATIENCE:?}; so far:\n{}", self.so_far()),
        }
    }

    /// Waits for text, anywhere after the text that was last waited for.
    #[track_caller]
    pub fn wait_for(&mut self, wanted: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let fresh = String::from_utf8_lossy(&self.heard[self.passed..]).into_owned();
            if let Some(at) = fresh.find(wanted) {
                self.passed += at + wanted.len();
                return;
            }
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.heard.extend(line),
                Err(ended) => panic!("`{wanted}` did not come ({ended}); so far:\n{}", self.so_far()),
            }
        }
    }

    /// The text between two strings that have already been printed.
    #[track_caller]
    pub fn between(&self, start: &str, end: &str) -> String {
        let heard = self.so_far();
        let found = heard.split_once(start).and_then(|(_, rest)| rest.split_once(end));
        found.unwrap_or_else(|| panic!("`{start}…{end}` in\n{heard}")).0.to_owned()
    }

    /// Everything, once the stream has ended.
    #[track_caller]
    pub fn all(mut self) -> Vec<u8> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.heard.extend(line),
                Err(RecvTimeoutError::Disconnected) => return self.heard,
                Err(RecvTimeoutError::Timeout) => panic!("still running after {PATIENCE:?}:\n{}", self.so_far()),
            }
        }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.heard).into_owned()
    }
}
