//! ASP.NET Core's HTTP log with `HttpLoggingFields.RequestBody`: the parts and headers of a request, one per line, and
//! its body in the same log entry or a later one.

use serde::de::IgnoredAny;

use super::{
    Collected, Entry, EntryFault, EntryReader, Format, GzipBudget, Input,
    parts::{self, ParseError, expected},
    position::Start,
    whole,
};
use crate::webhook::request::{Headers, Request};

/// A log of requests.
pub(super) struct AspNet;

impl Format for AspNet {
    fn name(&self) -> &'static str {
        "an ASP.NET Core HTTP log"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let text = String::from_utf8_lossy(head);
        let mut lines = text.lines().map(str::trim);
        lines.any(is_start) && lines.next().is_some_and(|line| line.starts_with("Protocol: "))
    }

    fn read<'a>(&self, input: Input<'a>, _: &mut GzipBudget) -> Result<Box<dyn EntryReader + 'a>, EntryFault> {
        let input = whole(input)?;
        Ok(Box::new(read(&String::from_utf8_lossy(&input))))
    }
}

/// Whether this line introduces a request.
fn is_start(line: &str) -> bool {
    matches!(line, "Request:" | "Request and Response:")
}

/// Whether a line starts a log entry, `info: Category[1]`.
fn is_entry(line: &str) -> bool {
    let number = line.trim_end().strip_suffix(']').and_then(|line| line.rsplit_once('['));
    number.is_some_and(|(category, number)| {
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        is_number && category.contains(": ") && category.ends_with(|c: char| c.is_alphanumeric())
    })
}

/// The lines that end the request's headers.
fn is_end(line: &str) -> bool {
    line == "Response:" || line.starts_with("StatusCode: ")
}

#[derive(Default)]
struct Logged {
    /// The line it starts on, from 1.
    line: u64,
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
    /// Whether the body is ended by a line that is not part of the log.
    is_cut: bool,
}

fn read(text: &str) -> Collected {
    let mut collected = Collected::default();
    let mut logged: Option<Logged> = None;
    let mut in_request = false;
    // The indentation of the body's lines, within a body.
    let mut indentation: Option<&str> = None;
    // Empty lines, which may be part of a body if trailing spaces were removed from the log.
    let mut empty = 0;
    for (number, line) in (1..).zip(text.lines()) {
        let trimmed = line.trim_start();
        if is_start(trimmed.trim_end()) {
            finish(logged.take(), &mut collected);
            logged = Some(Logged { line: number, ..Logged::default() });
            (in_request, indentation) = (true, None);
            continue;
        }
        let Some(request) = &mut logged else { continue };
        if let Some(body) = trimmed.strip_prefix("RequestBody: ").filter(|_| request.body.is_none()) {
            request.body = Some(body.to_owned());
            (indentation, empty) = (Some(&line[..line.len() - trimmed.len()]), 0);
            continue;
        }
        if line.is_empty() && indentation.is_some() {
            empty += 1;
            continue;
        }
        let is_next = !line.starts_with([' ', '\t']) || is_end(trimmed) || trimmed.starts_with("ResponseBody: ");
        if is_next || trimmed.starts_with("RequestBodyStatus: ") || trimmed.starts_with("Duration: ") {
            in_request &= !is_next;
            let in_body = indentation.take().is_some();
            request.is_cut |= in_body && !line.starts_with([' ', '\t']) && !is_entry(line);
        } else if let (Some(indentation), Some(body)) = (indentation, &mut request.body) {
            body.extend(std::iter::repeat_n('\n', 1 + std::mem::take(&mut empty)));
            body.push_str(line.strip_prefix(indentation).unwrap_or(trimmed));
        } else if in_request && let Some((name, value)) = trimmed.split_once(':') {
            request.field(name, value.trim());
        }
    }
    finish(logged, &mut collected);
    collected
}

fn finish(logged: Option<Logged>, collected: &mut Collected) {
    let Some(logged) = logged else { return };
    let line = logged.line;
    match logged.entry() {
        Ok(Some(entry)) => collected.push(Ok(Entry { line: Some(line), ..entry })),
        Ok(None) => collected.count_skipped(),
        Err(error) => collected.push(Err(EntryFault::at(Start::of_line(line), error))),
    }
}

impl Logged {
    fn field(&mut self, name: &str, value: &str) {
        match name {
            "Protocol" | "Scheme" => {}
            "Method" => value.clone_into(&mut self.method),
            "PathBase" => self.path = value.to_owned() + &self.path,
            "Path" => self.path += value,
            "QueryString" => value.clone_into(&mut self.query),
            _ => self.headers.push((name.to_owned(), value.to_owned())),
        }
    }

    fn entry(self) -> Result<Option<Entry>, ParseError> {
        let method = parts::method("Method", &self.method)?;
        if !parts::delivers(&method) {
            return Ok(None);
        }
        let body = self.body.ok_or_else(|| {
            expected("a RequestBody after the headers; log it with HttpLoggingFields.RequestBody and a MediaTypeOptions for its type")
        })?;
        if self.is_cut && serde_json::from_str::<IgnoredAny>(&body).is_err() {
            return Err(expected("a RequestBody whose lines are indented, up to the next entry of the log"));
        }
        for status in
            ["[Not consumed by app]", "[Only partially consumed by app]", "[Truncated by RequestBodyLogLimit]"]
        {
            if body.ends_with(status) {
                return Err(expected(format!("the whole body in RequestBody, found {status} at its end")));
            }
        }
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| parts::foreign_field(name, value))
            .collect::<Result<Headers, _>>()?;
        let target = parts::target("Path", &format!("{}{}", self.path, self.query))?;
        let mut request = Request { method, target, headers, body: body.into() };
        let notes = parts::body_notes(&mut request);
        Ok(Some(Entry { notes, ..Entry::new(request) }))
    }
}

#[cfg(test)]
mod tests {
    use crate::store::formats::tests::{collected, fields};

    const REQUEST: &str = "info: Microsoft.AspNetCore.HttpLogging.HttpLoggingMiddleware[1]\n      Request:\n      Protocol: HTTP/1.1\n      Method: POST\n      Scheme: http\n      PathBase: \n      Path: /hook\n      QueryString: ?a=b\n      Host: localhost:5000\n      X-A: b: c\n";

    #[test]
    fn a_request_is_read_with_its_body() {
        for log in [
            format!(
                "info: App[0]\n      Starting\n{REQUEST}info: Microsoft.AspNetCore.HttpLogging.HttpLoggingMiddleware[3]\n      RequestBody: {{\n        \"a\": 1\n      }}\ninfo: Microsoft.AspNetCore.HttpLogging.HttpLoggingMiddleware[2]\n      Response:\n      StatusCode: 200\n      X-R: r\n"
            ),
            format!(
                "{}      RequestBody: {{\n        \"a\": 1\n      }}\n      RequestBodyStatus: [Completed]\n      StatusCode: 200\n      X-R: r\n      ResponseBody: ok\n      Duration: 3.1\n",
                REQUEST.replace("Request:", "Request and Response:")
            ),
        ] {
            let (entries, _) = collected(&log);
            let [Ok(entry)] = &entries[..] else { panic!("{log}: {entries:?}") };
            assert_eq!(entry.request.target, "/hook?a=b");
            assert_eq!(fields(&entry.request), "Host: localhost:5000\nX-A: b: c\n");
            assert_eq!(&entry.request.body[..], b"{\n  \"a\": 1\n}");
        }
    }

    #[test]
    fn a_body_goes_on_after_an_empty_line_and_is_whole() {
        let log = |body: &str| {
            collected(&format!("{REQUEST}info: a[3]\n      RequestBody: {body}info: a[2]\n      Response:\n")).0
        };
        let body = |mut log: Vec<Result<super::Entry, String>>| log.remove(0).map(|entry| entry.request.body.to_vec());
        assert_eq!(body(log("{\n\n        \"a\": 1\n      }\n")), Ok(b"{\n\n  \"a\": 1\n}".to_vec()));
        assert_eq!(body(log("{}\nHello\n")), Ok(b"{}".to_vec()));
        let cut = "line 2: expected a RequestBody whose lines are indented, up to the next entry of the log";
        assert_eq!(body(log("{\n\"a\": [1]\n      }\n")), Err(cut.to_owned()));
    }

    #[test]
    fn a_body_that_was_not_logged_is_an_error() {
        let cut = format!("{REQUEST}info: a[3]\n      RequestBody: {{}}[Not consumed by app]\n");
        let (entries, _) = collected(&format!("{REQUEST}{cut}"));
        let errors: Vec<_> = entries.into_iter().map(|entry| entry.unwrap_err()).collect();
        assert!(errors[0].starts_with("line 2: expected a RequestBody after the headers"), "{errors:?}");
        assert_eq!(
            errors[1],
            "line 12: expected the whole body in RequestBody, found [Not consumed by app] at its end"
        );
    }
}
