//! The `.http` files of the `JetBrains` HTTP client and VS Code's REST client: requests between lines that start with
//! `###`, with comments, variables and scripts around them.
//!
//! Line endings after a body belong to the file rather than the body, unless a content-length includes them.

use std::path::Path;

use bytes::Bytes;

use super::{
    Collected, Entry, EntryFault, EntryReader, Format, GzipBudget, Input, beside, http, near_miss,
    parts::{self, ParseError, expected},
    position::Start,
    variables::FileVariables,
    whole,
};
use crate::webhook::request::{Headers, Method, Request};

/// `.http` files.
pub(super) struct HttpFile;

impl Format for HttpFile {
    fn name(&self) -> &'static str {
        "an .http file"
    }

    /// Strict, because many texts start with `#`: the first line that isn't a comment must be a request, and one
    /// request must have a header.
    fn recognises(&self, head: &[u8]) -> bool {
        let requests: Vec<BlockLines<'_>> = Block::split(head).filter_map(|block| block.request()).collect();
        let Some(first) = requests.first().and_then(BlockLines::first) else { return false };
        // A single message without separators is a raw HTTP/1.x request.
        let is_message = http::starts_message(head)
            && (requests.iter().filter(|lines| lines.is_request()).count() < 2
                || declared_end(head)
                    .zip(Block::split(head).next())
                    .is_some_and(|(end, first)| first.text.len() < end));
        let is_delivery = |lines: &BlockLines<'_>| lines.is_request() && lines.has_field();
        !is_message
            && !near_miss::is_hurl(head)
            && (is_url(first) || requests[0].is_request())
            && requests.iter().any(is_delivery)
    }

    fn read<'a>(&self, input: Input<'a>, _: &mut GzipBudget) -> Result<Box<dyn EntryReader + 'a>, EntryFault> {
        let directory = input.directory.clone();
        Ok(Box::new(read(&whole(input)?, directory.as_deref())))
    }
}

/// Where a message ends according to its `content-length`: a separator before that is part of its body.
fn declared_end(message: &[u8]) -> Option<usize> {
    let (mut at, mut length) = (0, None);
    for line in message.split_inclusive(|&byte| byte == b'\n') {
        at += line.len();
        let line = line.trim_ascii();
        if line.is_empty() {
            return length.map(|length| at.saturating_add(length));
        }
        let field = std::str::from_utf8(line).ok().and_then(|line| line.split_once(':'));
        if let Some((_, value)) = field.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
            length = value.trim().parse::<usize>().ok();
        }
    }
    None
}

fn read(input: &[u8], directory: Option<&Path>) -> Collected {
    let mut variables = FileVariables::of_file(input.len());
    for (name, value) in Block::split(input).flat_map(|block| block.variables()) {
        variables.set(name, value);
    }
    let mut collected = Collected::default();
    for lines in Block::split(input).filter_map(|block| block.request()) {
        variables.start_entry();
        match lines.entry(&mut variables, directory) {
            Ok(Some(entry)) => collected.push(Ok(entry)),
            Ok(None) => collected.count_skipped(),
            Err((line, error)) => collected.push(Err(EntryFault::at(Start::of_line(line), error))),
        }
    }
    collected
}

/// The text between two separators.
struct Block<'a> {
    text: &'a [u8],
    /// The number of its first line, from 1.
    line: u64,
}

impl<'a> Block<'a> {
    /// Lazy, because a block may be as short as four bytes.
    fn split(input: &'a [u8]) -> impl Iterator<Item = Self> {
        let (mut rest, mut line) = (Some(input), 1);
        std::iter::from_fn(move || {
            let text = rest?;
            let (mut end, first) = (0, line);
            for content in text.split_inclusive(|&byte| byte == b'\n') {
                line += 1;
                if content.starts_with(b"###") {
                    rest = Some(&text[end + content.len()..]);
                    return Some(Self { text: &text[..end], line: first });
                }
                end += content.len();
            }
            rest = None;
            Some(Self { text, line: first })
        })
    }

    /// The lines before the request, and the rest.
    fn parts(&self) -> (BlockLines<'a>, BlockLines<'a>) {
        let mut rest = BlockLines { text: self.text, line: self.line };
        let mut in_script = false;
        while let Some(line) = rest.first() {
            in_script |= line.starts_with(b"< {%");
            let is_aside = line.is_empty() || is_comment(line) || line.starts_with(b"@") || line.starts_with(b"< ");
            if !in_script && !is_aside {
                break;
            }
            in_script &= !line.ends_with(b"%}");
            rest.advance();
        }
        let before = &self.text[..self.text.len() - rest.text.len()];
        (BlockLines { text: before, line: self.line }, rest)
    }

    /// The lines of the request; `None` for a block of comments.
    fn request(&self) -> Option<BlockLines<'a>> {
        let (_, request) = self.parts();
        request.first().map(|_| request)
    }

    fn variables(&self) -> Vec<(&'a str, &'a str)> {
        let mut variables = Vec::new();
        for line in self.parts().0 {
            let pair = str::from_utf8(line).ok().and_then(|line| line.strip_prefix('@')?.split_once('='));
            variables.extend(pair.map(|(name, value)| (name.trim(), value.trim())));
        }
        variables
    }
}

fn is_comment(line: &[u8]) -> bool {
    line.starts_with(b"#") || line.starts_with(b"//")
}

/// Whether a line is only a URL, which means a `GET`.
fn is_url(line: &[u8]) -> bool {
    [&b"http://"[..], b"https://", b"{{", b"localhost:", b"localhost/"].iter().any(|start| line.starts_with(start))
}

/// The remaining lines of a block.
#[derive(Clone)]
struct BlockLines<'a> {
    text: &'a [u8],
    line: u64,
}

impl<'a> Iterator for BlockLines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let line = self.first()?;
        self.advance();
        Some(line)
    }
}

impl<'a> BlockLines<'a> {
    /// The next line, without trailing whitespace.
    fn first(&self) -> Option<&'a [u8]> {
        self.text.split_inclusive(|&byte| byte == b'\n').next().map(<[u8]>::trim_ascii_end)
    }

    fn advance(&mut self) {
        let end = self.text.iter().position(|&byte| byte == b'\n').map_or(self.text.len(), |feed| feed + 1);
        self.text = &self.text[end..];
        self.line += 1;
    }

    fn is_request(&self) -> bool {
        self.first().and_then(request_line).is_some_and(|line| is_url(line.url.as_bytes()) || line.has_version)
    }

    fn has_field(&self) -> bool {
        let mut lines = self.clone();
        lines.next();
        lines.take_while(|line| !line.is_empty()).any(|line| field(line).is_some())
    }

    fn entry(
        mut self,
        variables: &mut FileVariables,
        directory: Option<&Path>,
    ) -> Result<Option<Entry>, (u64, ParseError)> {
        let start = self.line;
        let at_start = |error| (start, error);
        let first = self.next().unwrap_or_default();
        let Some(RequestLine { method, url, .. }) = request_line(first) else {
            return if is_url(first) { Ok(None) } else { Err(at_start(expected("`METHOD URL`"))) };
        };
        if !parts::delivers(&method) {
            return Ok(None);
        }
        let mut url = url.to_owned();
        while let Some(line) = self.first().filter(|line| continues_url(line)) {
            url.push_str(without_version(&String::from_utf8_lossy(line.trim_ascii())).0);
            self.advance();
        }
        let url = variables.fill(&url).map_err(at_start)?.into_owned();
        let target = parts::written_target("the request line", &url).map_err(at_start)?;
        let headers = self.headers(variables)?;
        let line = self.line;
        let body = self.body(&headers, variables, directory).map_err(|error| (line, error))?;
        if body.is_empty() {
            return Ok(None);
        }
        let mut request = Request { method, target, headers, body };
        let mut notes = parts::body_notes(&mut request);
        notes.extend(variables.note());
        Ok(Some(Entry { notes, ..Entry::called(&url, request) }))
    }

    /// Reads headers up to an empty line or the end.
    fn headers(&mut self, variables: &mut FileVariables) -> Result<Headers, (u64, ParseError)> {
        let mut headers = Headers::new();
        loop {
            let line = self.line;
            let text = match self.next() {
                None | Some(b"") => return Ok(headers),
                Some(text) if is_comment(text) => continue,
                Some(text) => text,
            };
            let at_line = |error| (line, error);
            let (name, value) = field(text).ok_or_else(|| at_line(expected("`Name: value`")))?;
            let (name, value) = (variables.fill(name).map_err(at_line)?, variables.fill(value).map_err(at_line)?);
            let (name, value) = parts::foreign_field(&name, &value).map_err(at_line)?;
            headers.push(name, value);
        }
    }

    fn body(
        &self,
        headers: &Headers,
        variables: &mut FileVariables,
        directory: Option<&Path>,
    ) -> Result<Bytes, ParseError> {
        let text = self.without_handlers();
        let bare = trim_line_ends(text);
        let is_reference = |file: &&[u8]| file.starts_with(b" ") || file.starts_with(b"\t") || file.starts_with(b"@");
        if let Some(file) = bare.strip_prefix(b"<").filter(is_reference) {
            let line = String::from_utf8_lossy(file.split(|&byte| byte == b'\n').next().unwrap_or_default());
            // `<@ file` fills in variables, and `<@latin1 file` names an encoding.
            let is_template = line.starts_with('@');
            let name = line.trim_start_matches('@').trim();
            let bytes = beside::read(directory, &variables.fill(name)?)?;
            return match (is_template, str::from_utf8(&bytes)) {
                (true, Ok(text)) => Ok(variables.fill(text)?.into_owned().into()),
                _ => Ok(bytes.into()),
            };
        }
        let length = headers.text("content-length").and_then(|length| length.parse::<usize>().ok());
        let counted = length.filter(|length| (bare.len()..=text.len()).contains(length));
        let body = &text[..counted.unwrap_or(bare.len())];
        let Ok(text) = str::from_utf8(body) else { return Ok(Bytes::copy_from_slice(body)) };
        let is_form =
            headers.text("content-type").is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
        let filled = variables.fill(text)?;
        Ok(if is_form { filled.lines().map(str::trim).collect::<String>().into() } else { filled.into_owned().into() })
    }

    /// The text up to the response handlers.
    fn without_handlers(&self) -> &'a [u8] {
        let mut rest = self.clone();
        while let Some(line) = rest.first() {
            let is_script = line.starts_with(b"> ") && (line.starts_with(b"> {%") || line.ends_with(b".js"));
            if is_script || line.starts_with(b">>") || line.starts_with(b"<> ") {
                break;
            }
            rest.advance();
        }
        &self.text[..self.text.len() - rest.text.len()]
    }
}

fn trim_line_ends(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
    &text[..end]
}

struct RequestLine<'a> {
    method: Method,
    url: &'a str,
    has_version: bool,
}

fn request_line(line: &[u8]) -> Option<RequestLine<'_>> {
    let (method, rest) = str::from_utf8(line).ok()?.split_once(' ')?;
    let is_method = method.len() <= "CONNECT".len() && method.bytes().all(|byte| byte.is_ascii_uppercase());
    let method = Method::from_bytes(method.as_bytes()).ok().filter(|_| is_method)?;
    let (url, has_version) = without_version(rest.trim());
    (is_url(url.as_bytes()) || url.contains(['/', ':', '.'])).then_some(RequestLine { method, url, has_version })
}

/// A URL without the version after it, and whether there was one.
fn without_version(text: &str) -> (&str, bool) {
    match text.rsplit_once(' ') {
        Some((url, version)) if version.starts_with("HTTP/") => (url.trim_end(), true),
        _ => (text, false),
    }
}

/// Whether a line continues the URL of the previous line.
fn continues_url(line: &[u8]) -> bool {
    let starts_query = |line: &[u8]| matches!(line, [b'?' | b'&' | b'/', ..]) && !line.starts_with(b"//");
    line.first().is_some_and(u8::is_ascii_whitespace) || starts_query(line)
}

fn field(line: &[u8]) -> Option<(&str, &str)> {
    let (name, value) = str::from_utf8(line).ok()?.split_once(':')?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.{}".contains(&byte));
    is_name.then(|| (name, value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::formats::tests::{collected, fields};

    const FILE: &str = "@host = http://localhost:4400\n# a comment\n\nGET {{host}}/health\n\n### deliver\n// @no-log\n< {%\n  request.variables.set('a', 1)\n%}\nPOST {{host}}/aspect\n    ?q=1\n    &r=2 HTTP/1.1\nX-A: 1\n# between\nX-A: 2\n\n{\r\n  \"a\": 1\n}\n\n> {% client.test() %}\n\n###\n";

    /// The body and notes of a `POST` of this block.
    fn body_of(rest: &str) -> Result<(String, Vec<String>), String> {
        let (mut entries, _) = collected(&format!("### a\nPOST http://h\nX-A: 1\n{rest}"));
        entries.remove(0).map(|entry| (String::from_utf8(entry.request.body.to_vec()).unwrap(), entry.notes))
    }

    fn stored(body: &str) -> (String, Vec<String>) {
        (body.to_owned(), vec![])
    }

    #[test]
    fn a_request_is_read_without_comments_and_scripts() {
        let (entries, notes) = collected(FILE);
        let [Ok(entry)] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!(
            (entry.request.target.as_str(), fields(&entry.request)),
            ("/aspect?q=1&r=2", "X-A: 1\nX-A: 2\n".to_owned())
        );
        assert_eq!((&entry.request.body[..], &entry.notes), (&b"{\r\n  \"a\": 1\n}"[..], &vec![]));
        assert_eq!(notes, ["skipped 1 entry that holds no POST, PUT or PATCH request with a body"]);
    }

    #[test]
    fn line_ends_after_a_body_count_if_its_content_length_counts_them() {
        assert_eq!(body_of("\n{}\n\n###\n"), Ok(stored("{}")));
        assert_eq!(body_of("Content-Length: 3\n\n{}\n\n###\n"), Ok(stored("{}\n")));
        let note = "the body has 2 B but its content-length is 9";
        assert_eq!(body_of("Content-Length: 9\n\n{}\n\n###\n"), Ok(("{}".to_owned(), vec![note.to_owned()])));
    }

    #[test]
    fn only_what_follows_a_space_or_an_at_sign_names_a_file() {
        let xml = "<?xml version=\"1.0\"?>\n<a>1</a>";
        assert_eq!(body_of(&format!("\n{xml}\n")), Ok(stored(xml)));
        for reference in ["< ./absent.xml", "<\t./absent.xml", "<@ ./absent.xml"] {
            assert!(body_of(&format!("\n{reference}\n")).unwrap_err().contains("absent.xml"));
        }
    }

    #[test]
    fn the_lines_of_a_form_are_joined() {
        assert_eq!(body_of("Content-Type: application/x-www-form-urlencoded\n\na=1\n&b=2\n"), Ok(stored("a=1&b=2")));
    }

    #[test]
    fn a_variable_without_a_value_is_noted() {
        let note = "the variable `{{id}}` has no value in the file and was not replaced";
        assert_eq!(body_of("\n{\"a\":\"{{id}}\"}"), Ok(("{\"a\":\"{{id}}\"}".to_owned(), vec![note.to_owned()])));
    }

    #[test]
    fn a_broken_request_is_located_and_hides_no_other() {
        let (entries, _) = collected(
            "### a\nPOST http://h/1\nX-A: 1\n\n{}\n### b\nPOST http://h/2\nX A\n\n{}\n### c\nhello\n### d\nPOST http://h/3\nA: b\n\n< ./body.json\n### e\nPOST http://h/4\n\n{}\n",
        );
        let errors: Vec<_> = entries.into_iter().map(|entry| entry.err().unwrap_or_default()).collect();
        let reference = r#"line 17: expected the body itself, found a reference to "./body.json""#;
        assert_eq!(errors, ["", "line 8: expected `Name: value`", "line 12: expected `METHOD URL`", reference, ""]);
    }

    #[test]
    fn other_text_is_not_an_http_file() {
        for text in [
            "# Read me\n\nPOST http://h/a creates one.\n",
            "# API\n\n### Create\n\nPOST https://h/a\n\nNote: it is slow\n",
            "# API\n\n    POST https://h/a\n    A: b\n",
            "### POST http://h\n\nSome text\n",
            "#!/bin/sh\ncurl http://h\n",
            "// code\nfn main() {}\n",
            "POST /a HTTP/1.1\nHost: h\n\n### a heading in the body\nand text\n",
        ] {
            assert!(!HttpFile.recognises(text.as_bytes()), "{text}");
        }
        for text in [FILE, "POST localhost:80/a\nA: b\n", "### a\nPOST /a HTTP/1.1\nHost: h\n\n{}\n"] {
            assert!(HttpFile.recognises(text.as_bytes()), "{text}");
        }
    }
}
