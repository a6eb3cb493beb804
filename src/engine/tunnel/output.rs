//! The output of a tunnel's program. It is always read, because a program that can't print would block. The last lines
//! are kept for errors, and every line is searched for the public URL.

use std::{
    collections::VecDeque,
    sync::{Arc, LazyLock},
    time::Duration,
};

use parking_lot::Mutex;
use regex_lite::Regex;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::watch,
    task::JoinSet,
};

use crate::{store::recipes::UrlRule, webhook::called_url::PublicUrl};

/// How many lines are kept.
const KEPT_LINES: usize = 10;

/// How much of a line is read, in bytes.
const LONGEST_LINE: usize = 16 << 10;

/// How much of a line is kept, in characters.
const KEPT_CHARS: usize = 300;

/// How long to wait for the last output of a program that has ended.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The output of a program.
#[derive(Debug)]
pub(super) struct Output {
    lines: Arc<Mutex<VecDeque<String>>>,
    /// The last URL that it printed.
    pub url: watch::Receiver<Option<PublicUrl>>,
    reading: JoinSet<()>,
}

impl Output {
    /// Starts reading these streams.
    pub fn read(streams: Vec<Box<dyn AsyncRead + Send + Unpin>>, rule: &UrlRule) -> Self {
        let (sender, url) = watch::channel(None);
        let (lines, sender, rule) =
            (Arc::<Mutex<VecDeque<String>>>::default(), Arc::new(sender), Arc::new(rule.clone()));
        let mut reading = JoinSet::new();
        for stream in streams {
            let (lines, sender, rule) = (Arc::clone(&lines), Arc::clone(&sender), Arc::clone(&rule));
            reading.spawn(each_line(stream, move |line| {
                if let Some(found) = rule.in_line(line) {
                    sender.send_if_modified(|url| url.replace(found.clone()).as_ref() != Some(&found));
                }
                let mut lines = lines.lock();
                if lines.len() == KEPT_LINES {
                    lines.pop_front();
                }
                lines.push_back(line.chars().take(KEPT_CHARS).collect());
            }));
        }
        Self { lines, url, reading }
    }

    /// The last lines of a running program.
    pub fn so_far(&self) -> Vec<String> {
        self.lines.lock().iter().cloned().collect()
    }

    /// The last lines of a program that has exited.
    pub async fn last_lines(&mut self) -> Vec<String> {
        // Processes that it started may still have the streams open.
        let _ = tokio::time::timeout(LAST_WORDS, async { while self.reading.join_next().await.is_some() {} }).await;
        self.so_far()
    }
}

/// Calls `take` with each line that is not empty, without its end and its colours.
async fn each_line(mut stream: impl AsyncRead + Unpin, take: impl Fn(&str)) {
    let (mut buffer, mut line, mut is_cut) = (vec![0; 4 << 10], Vec::new(), false);
    let finish = |line: &mut Vec<u8>, is_cut: &mut bool| {
        if !std::mem::take(is_cut) {
            let text = String::from_utf8_lossy(line);
            let text = COLOUR.replace_all(&text, "");
            if !text.trim().is_empty() {
                take(text.trim_end());
            }
        }
        line.clear();
    };
    // An error also means that the program has ended.
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        for &byte in &buffer[..count] {
            match byte {
                b'\n' | b'\r' => finish(&mut line, &mut is_cut),
                _ if is_cut => {}
                _ => {
                    line.push(byte);
                    if line.len() == LONGEST_LINE {
                        finish(&mut line, &mut is_cut);
                        is_cut = true;
                    }
                }
            }
        }
    }
    finish(&mut line, &mut is_cut);
}

/// An escape sequence that sets a colour or moves the cursor.
static COLOUR: LazyLock<Regex> = LazyLock::new(|| {
    #[allow(clippy::unwrap_used)] // a constant, which every test of this file compiles
    Regex::new(r"\x1b\[[0-9;?]*[A-Za-z]").unwrap()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::recipes::built_in;

    async fn lines(text: impl Into<Vec<u8>>) -> Vec<String> {
        let lines = Mutex::new(Vec::new());
        each_line(text.into().as_slice(), |line| lines.lock().push(line.to_owned())).await;
        lines.into_inner()
    }

    #[tokio::test]
    async fn lines_have_no_end_and_no_colours() {
        assert_eq!(lines("a\r\n\n  b \x1b[1;32mc\x1b[0m\nd").await, ["a", "  b c", "d"]);
        assert_eq!(lines(b"\xff\n".to_vec()).await, ["\u{fffd}"]);
    }

    #[tokio::test]
    async fn a_line_without_an_end_takes_no_memory() {
        let long = [vec![b'x'; LONGEST_LINE + 5], b"\nnext\n".to_vec()].concat();
        assert_eq!(lines(long).await.iter().map(String::len).collect::<Vec<_>>(), [LONGEST_LINE, 4]);
    }

    #[tokio::test]
    async fn the_last_lines_and_the_last_url_are_kept() {
        let tunneled = |name: &str| format!("{name}.lhr.life tunneled with tls termination, https://{name}.lhr.life\n");
        let text = [
            tunneled("a"),
            (1..=12).map(|number| format!("line {number}")).collect::<Vec<_>>().join("\n"),
            "\n".to_owned(),
            tunneled("b"),
        ]
        .concat();
        let stream: Box<dyn AsyncRead + Send + Unpin> = Box::new(std::io::Cursor::new(text));
        let mut output = Output::read(vec![stream], &built_in()["ssh"].url);
        let last = output.last_lines().await;
        assert_eq!((last.len(), last[0].as_str()), (KEPT_LINES, "line 4"));
        assert_eq!(output.url.borrow().as_ref().map(ToString::to_string), Some("https://b.lhr.life".to_owned()));
    }
}
