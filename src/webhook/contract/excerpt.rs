//! An excerpt of a response's body: the one or two lines that help a developer most, from a stack trace, an HTML page
//! or JSON.

/// An excerpt of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Excerpt {
    /// One or two lines, trimmed, with `…` where something was left out.
    Text(Vec<String>),
    /// The body is not text; its length in bytes.
    Binary(usize),
}

/// How much of a body is read, in bytes.
const MAX_READ_BYTES: usize = 1 << 20;

/// The longest line, in characters.
const MAX_LINE_CHARS: usize = 240;

/// The start of a Python stack trace, whose last line names the exception.
const PYTHON_TRACE: &str = "Traceback (";

/// Elements of a page that are not text: the start of the tag, and the end of the element.
const HIDDEN_MARKUP: [(&str, &str); 3] = [("!--", "-->"), ("style", "</style>"), ("script", "</script>")];

impl Excerpt {
    /// An excerpt of a body; `None` if the body is blank.
    #[must_use]
    pub fn of(body: &[u8]) -> Option<Self> {
        let Some(text) = text(&body[..body.len().min(MAX_READ_BYTES)]) else { return Some(Self::Binary(body.len())) };
        match text.trim_start().chars().next()? {
            '{' | '[' => Some(Self::Text(vec![shorten(&text.split_whitespace().collect::<Vec<_>>().join(" "), false)])),
            '<' => Self::of_text(&without_markup(text)).or_else(|| Self::of_text(text)),
            _ => Self::of_text(text),
        }
    }

    fn of_text(text: &str) -> Option<Self> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let first = lines.next()?;
        let second = lines.next();
        let last = lines.next_back();
        let lines = match (second, last) {
            (None, _) => vec![shorten(first, false)],
            (Some(_), Some(last)) if first.starts_with(PYTHON_TRACE) => {
                vec![shorten(first, true), shorten(last, false)]
            }
            (Some(second), last) => vec![shorten(first, false), shorten(second, last.is_some())],
        };
        Some(Self::Text(lines))
    }
}

/// The bytes as text, if they are text. A character that is cut off at the end is ignored.
fn text(bytes: &[u8]) -> Option<&str> {
    let text = match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => str::from_utf8(&bytes[..error.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    (!text.contains('\0')).then_some(text)
}

/// The line, shortened if it is too long. `more` says that further lines are left out.
fn shorten(line: &str, more: bool) -> String {
    match line.char_indices().nth(MAX_LINE_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None if more => format!("{line} …"),
        None => line.to_owned(),
    }
}

/// The text of an HTML page.
fn without_markup(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some((before, markup)) = rest.split_once('<') {
        text.push_str(before);
        let hidden = HIDDEN_MARKUP.iter().find(|(start, _)| markup.starts_with(start)).map(|(_, end)| *end);
        let after = hidden.and_then(|end| markup.split_once(end)).or_else(|| markup.split_once('>'));
        rest = after.map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is_excerpted_as(body: &str, lines: &[&str]) {
        let lines = lines.iter().copied().map(str::to_owned).collect();
        assert_eq!(Excerpt::of(body.as_bytes()), Some(Excerpt::Text(lines)));
    }

    #[test]
    fn text_is_shown_by_its_first_two_lines() {
        is_excerpted_as("Unauthorized", &["Unauthorized"]);
        is_excerpted_as("\n  one\r\n\n\ttwo\n", &["one", "two"]);
        is_excerpted_as(
            "TypeError: no id\n    at a (app.js:1:2)\n    at b\n",
            &["TypeError: no id", "at a (app.js:1:2) …"],
        );
    }

    #[test]
    fn a_python_stack_trace_is_shown_by_its_exception() {
        let trace = "Traceback (most recent call last):\n  File \"app.py\", line 4, in f\n    g()\nKeyError: 'id'\n";
        is_excerpted_as(trace, &["Traceback (most recent call last): …", "KeyError: 'id'"]);
    }

    #[test]
    fn json_is_shown_on_one_line() {
        is_excerpted_as("{\n  \"detail\": [\n    1\n  ]\n}\n", &["{ \"detail\": [ 1 ] }"]);
    }

    #[test]
    fn a_page_is_shown_by_its_text() {
        // From Express, and the start of a page of Werkzeug's debugger.
        let express = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Error</title>\n</head>\n<body>\n<pre>TypeError: no id<br> &nbsp; &nbsp;at app.js:1:2</pre>\n</body>\n</html>\n";
        is_excerpted_as(express, &["Error", "TypeError: no id &nbsp; &nbsp;at app.js:1:2"]);
        let werkzeug = "<!doctype html>\n<title>KeyError: 'id'</title>\n<style>\n a > b {}\n</style><script>\n if (1<2) {}\n</script><!-- a\n > b -->\n<h1>KeyError</h1>\n<p>more</p>";
        is_excerpted_as(werkzeug, &["KeyError: 'id'", "KeyError …"]);
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
        assert_eq!(Excerpt::of(b"\x1f\x8b\x08\x00\xff"), Some(Excerpt::Binary(5)));
        assert_eq!(Excerpt::of(b"a\0b"), Some(Excerpt::Binary(3)));
        for blank in ["", " \r\n\t"] {
            assert_eq!(Excerpt::of(blank.as_bytes()), None);
        }
    }
}
