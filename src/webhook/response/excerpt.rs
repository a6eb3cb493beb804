//! An excerpt of a response's body: the one or two lines that help a developer most. In a stack trace, these are the
//! error and the line in the developer's own code.

use super::{decoded, readable};
use crate::webhook::http_response::Response;

/// An excerpt of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Excerpt {
    /// One or two lines, trimmed, with `…` where something was left out.
    Text(Vec<String>),
    /// The body is not text; its length in bytes.
    Binary(usize),
}

/// The longest line, in characters.
const MAX_LINE_CHARS: usize = 240;

/// The start of a Python stack trace, whose last line is the error.
const PYTHON_TRACE: &str = "Traceback (";

/// Parts of the paths of code that is not the developer's own: packages, runtimes and standard libraries.
const FOREIGN: [&str; 8] =
    ["node_modules", "node:", "(internal/", "<anonymous>", "site-packages", "dist-packages", "lib/python", "<frozen "];

impl Excerpt {
    /// An excerpt of a response's body; `None` if the body is blank.
    #[must_use]
    pub fn of(response: &Response) -> Option<Self> {
        let body = decoded(response);
        let Some(text) = readable(&body) else { return Some(Self::Binary(body.len())) };
        if text.trim_start().starts_with(['{', '[']) {
            return Some(Self::Text(vec![shorten(&one_line(&text), false)]));
        }
        let lines: Vec<String> = text.lines().map(one_line).filter(|line| !line.is_empty()).collect();
        let [first, others @ ..] = lines.as_slice() else { return None };
        if let Some(error) = error(&lines) {
            let own = own_line(&lines).filter(|own| own != error);
            return Some(Self::Text(
                [Some(error.clone()), own].into_iter().flatten().map(|l| shorten(&l, false)).collect(),
            ));
        }
        let mut shown = vec![shorten(first, false)];
        // Pages often have their title as a heading too.
        let mut others = others.iter().filter(|line| *line != first);
        shown.extend(others.next().map(|line| shorten(line, others.next().is_some())));
        Some(Self::Text(shown))
    }
}

/// A line with its whitespace collapsed.
fn one_line(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The line of a stack trace that says what went wrong; `None` if there is no trace.
fn error(lines: &[String]) -> Option<&String> {
    let is_traced = |line: &String| line.starts_with(PYTHON_TRACE) || is_frame(line);
    if !lines.iter().any(is_traced) {
        return None;
    }
    let is_plain_trace = lines.first().is_some_and(|line| line.starts_with(PYTHON_TRACE));
    let mut errors = lines.iter().filter(|line| names_error(line));
    let error = if is_plain_trace { errors.next_back() } else { errors.next() };
    // An exception without a message.
    error.or_else(|| lines.iter().rfind(|line| line.ends_with("Error") && !line.contains(' ')))
}

/// Whether a line begins with the name of an exception, as in `TypeError: …`, `TypeError [ERR_X]: …` and
/// `app.errors.NoTrack: …`.
fn names_error(line: &str) -> bool {
    let Some((name, _)) = line.split_once(": ") else { return false };
    let name = name.split_once(" [").map_or(name, |(name, _)| name);
    let is_name = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | ':'));
    is_name && name.starts_with(|c: char| c.is_alphabetic()) && name.chars().any(char::is_uppercase)
}

/// A line that names a place in a program: `at f (app.js:1:2)`, `File "app.py", line 4, in f`.
fn is_frame(line: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let in_javascript = || {
        let place = line.strip_prefix("at ")?.trim_end_matches(')');
        let (place, column) = place.rsplit_once(':')?;
        let (_, line) = place.rsplit_once(':')?;
        Some(is_number(line) && is_number(column))
    };
    line.starts_with("File \"") && line.contains("\", line ") || in_javascript().unwrap_or_default()
}

/// The innermost frame in the developer's own code. Python's traces end with it, those of JavaScript begin with it.
fn own_line(lines: &[String]) -> Option<String> {
    let own = |line: &&String| is_frame(line) && !FOREIGN.iter().any(|foreign| line.contains(foreign));
    let mut frames = lines.iter().filter(own);
    let first = frames.next()?;
    let innermost = if first.starts_with("File ") { frames.next_back().unwrap_or(first) } else { first };
    Some(innermost.clone())
}

/// The line, shortened if it is too long. `more` says that further lines are left out.
fn shorten(line: &str, more: bool) -> String {
    match line.char_indices().nth(MAX_LINE_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None if more => format!("{line} …"),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{super::MAX_READ_BYTES, *};
    use crate::webhook::request::{HeaderName, HeaderValue, Headers};

    fn response(body: &[u8]) -> Response {
        Response { status: 500, headers: Headers::new(), body: Bytes::copy_from_slice(body) }
    }

    #[track_caller]
    fn is_excerpted_as(body: &str, lines: &[&str]) {
        let lines = lines.iter().copied().map(str::to_owned).collect();
        assert_eq!(Excerpt::of(&response(body.as_bytes())), Some(Excerpt::Text(lines)));
    }

    #[test]
    fn a_compressed_body_is_shown_as_its_content() {
        // `printf '{}' | gzip -n`
        let gzip = [31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 171, 174, 5, 0, 67, 191, 166, 163, 2, 0, 0, 0];
        let mut response = response(&gzip);
        assert_eq!(Excerpt::of(&response), Some(Excerpt::Binary(gzip.len())));
        response.headers.push(HeaderName::from_static("content-encoding"), HeaderValue::from_static("gzip"));
        assert_eq!(Excerpt::of(&response), Some(Excerpt::Text(vec!["{}".to_owned()])));
    }

    #[test]
    fn text_is_shown_by_its_first_two_lines() {
        is_excerpted_as("Unauthorized", &["Unauthorized"]);
        is_excerpted_as("\n  one\r\n\n\ttwo\n", &["one", "two"]);
        is_excerpted_as("one\ntwo\nthree", &["one", "two …"]);
    }

    #[test]
    fn a_stack_trace_is_shown_by_its_error_and_the_line_of_own_code() {
        is_excerpted_as(
            "TypeError: no id\n    at Hmac.update (node:internal/crypto/hash:131:11)\n    at a (/srv/node_modules/b/c.js:1:2)\n    at d (/srv/app.js:3:4)\n    at e (/srv/app.js:9:9)\n",
            &["TypeError: no id", "at d (/srv/app.js:3:4)"],
        );
        let trace = "Traceback (most recent call last):\n  File \"/srv/app.py\", line 4, in f\n    g()\n  File \"/srv/lib/python3.11/json/decoder.py\", line 5, in h\n    raise JSONDecodeError(s)\njson.decoder.JSONDecodeError: Expecting value: line 1\n";
        is_excerpted_as(
            trace,
            &["json.decoder.JSONDecodeError: Expecting value: line 1", "File \"/srv/app.py\", line 4, in f"],
        );
    }

    #[test]
    fn json_is_shown_on_one_line() {
        is_excerpted_as("{\n  \"detail\": [\n    1\n  ]\n}\n", &["{ \"detail\": [ 1 ] }"]);
    }

    #[test]
    fn a_page_is_shown_by_its_text() {
        is_excerpted_as(
            "<!doctype html>\n<title>404 Not Found</title>\n<h1>404 Not Found</h1>\n<p>it&#39;s gone</p>",
            &["404 Not Found", "it's gone"],
        );
        is_excerpted_as("<unclosed", &["<unclosed"]);
    }

    #[test]
    fn a_long_line_is_shortened() {
        let line = "é".repeat(300);
        is_excerpted_as(&line, &[&format!("{}…", "é".repeat(240))]);
        // The limit falls within a character.
        is_excerpted_as(&format!("a\n{}", "é".repeat(MAX_READ_BYTES)), &["a", &format!("{}…", "é".repeat(240))]);
    }

    #[test]
    fn binary_data_is_shown_by_its_length() {
        assert_eq!(Excerpt::of(&response(b"\x1f\x8b\x08\x00\xff")), Some(Excerpt::Binary(5)));
        assert_eq!(Excerpt::of(&response(b"a\0b")), Some(Excerpt::Binary(3)));
        for blank in ["", " \r\n\t"] {
            assert_eq!(Excerpt::of(&response(blank.as_bytes())), None);
        }
    }
}
