//! The gist of an answer's body: the one or two of its lines that tell a developer most, out of a
//! stack trace, a page of markup or JSON.

/// What is told of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gist {
    /// One or two lines of it, trimmed; `…` stands where something was left out.
    Text(Vec<String>),
    /// It is no text, and has so many bytes.
    Binary(usize),
}

/// How much of a body is looked at, in bytes.
const LOOKED_AT: usize = 1 << 20;

/// The longest line, in characters.
const LONGEST: usize = 240;

/// How Python begins a stack trace, whose last line names what was raised.
const PYTHONS_TRACE: &str = "Traceback (";

/// Markup that is no text, from its start to its end.
const UNSEEN: [(&str, &str); 3] = [("!--", "-->"), ("style", "</style>"), ("script", "</script>")];

impl Gist {
    /// The gist of a body; none when there is nothing in it to be read.
    #[must_use]
    pub fn of(body: &[u8]) -> Option<Self> {
        let Some(text) = text(&body[..body.len().min(LOOKED_AT)]) else { return Some(Self::Binary(body.len())) };
        match text.trim_start().chars().next()? {
            '{' | '[' => Some(Self::Text(vec![cut(&text.split_whitespace().collect::<Vec<_>>().join(" "), false)])),
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
            (None, _) => vec![cut(first, false)],
            (Some(_), Some(last)) if first.starts_with(PYTHONS_TRACE) => vec![cut(first, true), cut(last, false)],
            (Some(second), last) => vec![cut(first, false), cut(second, last.is_some())],
        };
        Some(Self::Text(lines))
    }
}

/// The bytes as text, if they are any; a character that is cut off at the end does not count.
fn text(bytes: &[u8]) -> Option<&str> {
    let text = match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => str::from_utf8(&bytes[..error.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    (!text.contains('\0')).then_some(text)
}

/// A line that is not too long; `more` says that something is left out behind it.
fn cut(line: &str, more: bool) -> String {
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None if more => format!("{line} …"),
        None => line.to_owned(),
    }
}

/// The text of a page.
fn without_markup(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some((before, markup)) = rest.split_once('<') {
        text.push_str(before);
        let unseen = UNSEEN.iter().find(|(start, _)| markup.starts_with(start)).map(|(_, end)| *end);
        let behind = unseen.and_then(|end| markup.split_once(end)).or_else(|| markup.split_once('>'));
        rest = behind.map_or("", |(_, behind)| behind);
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn says(body: &str, lines: &[&str]) {
        let lines = lines.iter().copied().map(str::to_owned).collect();
        assert_eq!(Gist::of(body.as_bytes()), Some(Gist::Text(lines)));
    }

    #[test]
    fn a_text_is_told_by_its_first_two_lines() {
        says("Unauthorized", &["Unauthorized"]);
        says("\n  one\r\n\n\ttwo\n", &["one", "two"]);
        says("TypeError: no id\n    at a (app.js:1:2)\n    at b\n", &["TypeError: no id", "at a (app.js:1:2) …"]);
    }

    #[test]
    fn pythons_stack_trace_is_told_by_what_was_raised() {
        let trace = "Traceback (most recent call last):\n  File \"app.py\", line 4, in f\n    g()\nKeyError: 'id'\n";
        says(trace, &["Traceback (most recent call last): …", "KeyError: 'id'"]);
    }

    #[test]
    fn json_is_told_in_one_line() {
        says("{\n  \"detail\": [\n    1\n  ]\n}\n", &["{ \"detail\": [ 1 ] }"]);
    }

    #[test]
    fn a_page_is_told_by_its_text() {
        // What Express answers, and the start of what Werkzeug's debugger does.
        let express = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Error</title>\n</head>\n<body>\n<pre>TypeError: no id<br> &nbsp; &nbsp;at app.js:1:2</pre>\n</body>\n</html>\n";
        says(express, &["Error", "TypeError: no id &nbsp; &nbsp;at app.js:1:2"]);
        let werkzeug = "<!doctype html>\n<title>KeyError: 'id'</title>\n<style>\n a > b {}\n</style><script>\n if (1<2) {}\n</script><!-- a\n > b -->\n<h1>KeyError</h1>\n<p>more</p>";
        says(werkzeug, &["KeyError: 'id'", "KeyError …"]);
        says("<unclosed", &["<unclosed"]);
    }

    #[test]
    fn what_is_long_is_cut() {
        let line = "é".repeat(300);
        says(&line, &[&format!("{}…", "é".repeat(240))]);
        // Within the last character that is looked at.
        says(&format!("a\n{}", "é".repeat(LOOKED_AT)), &["a", &format!("{}…", "é".repeat(240))]);
    }

    #[test]
    fn what_is_no_text_is_told_as_such() {
        assert_eq!(Gist::of(b"\x1f\x8b\x08\x00\xff"), Some(Gist::Binary(5)));
        assert_eq!(Gist::of(b"a\0b"), Some(Gist::Binary(3)));
        for blank in ["", " \r\n\t"] {
            assert_eq!(Gist::of(blank.as_bytes()), None);
        }
    }
}
