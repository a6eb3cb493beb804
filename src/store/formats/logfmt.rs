//! Lines of `key=value` with quoted values, as logrus, Go's `slog`, Heroku and Logback's encoders write them,
//! containing the headers and the raw body of a request.
//!
//! Headers are in a single value, as JSON or as Go prints a map, or in one value each: `headers.X-Name=…`, `x-name=…`.

use super::{
    Collected, Entry, EntryFault, EntryReader, Format, GzipBudget, Input,
    json_request::{self, HEADERS, is_named},
    position::Start,
    values, whole,
};
use crate::webhook::json::quote;

/// Lines of logfmt with headers and a body.
pub(super) struct Logfmt;

impl Format for Logfmt {
    fn name(&self) -> &'static str {
        "a log in logfmt with headers and a body"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let lines = head.split(|&byte| byte == b'\n').filter_map(|line| str::from_utf8(line).ok());
        lines.take(MAX_LINES).filter_map(pairs).any(|pairs| json_request::is_request(&json(&pairs)))
    }

    fn read<'a>(&self, input: Input<'a>, _: &mut GzipBudget) -> Result<Box<dyn EntryReader + 'a>, EntryFault> {
        let input = whole(input)?;
        let mut collected = Collected::default();
        for (line, text) in (1..).zip(input.split(|&byte| byte == b'\n')) {
            let Some(pairs) = str::from_utf8(text).ok().and_then(pairs) else { continue };
            let json = json(&pairs);
            if !json_request::is_request(&json) {
                continue;
            }
            match json_request::parse(&json) {
                Ok(Some(entry)) => collected.push(Ok(Entry { line: Some(line), ..entry })),
                Ok(None) => collected.count_skipped(),
                Err(error) => collected.push(Err(EntryFault::at(Start::of_line(line), error))),
            }
        }
        Ok(Box::new(collected))
    }
}

/// How many lines are searched for the first request.
const MAX_LINES: usize = 64;

/// The minimum number of pairs for a line to count as this format.
const FEWEST: usize = 3;

/// The pairs of a line; `None` if it is something else.
fn pairs(line: &str) -> Option<Vec<(&str, String)>> {
    let mut rest = line.trim();
    let mut pairs = Vec::new();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_.@/".contains(c));
        if !is_key {
            return None;
        }
        let (value, after) = if after.starts_with('"') {
            values::text(after)?
        } else {
            let (value, after) = after.split_at(after.find(' ').unwrap_or(after.len()));
            (value.to_owned(), after)
        };
        pairs.push((key, value));
        rest = after.trim_start();
    }
    (pairs.len() >= FEWEST).then_some(pairs)
}

/// The pairs as a JSON object, with the headers in an object of their own.
fn json(pairs: &[(&str, String)]) -> String {
    let has_headers = pairs.iter().any(|(key, _)| HEADERS.iter().any(|name| is_named(key, name)));
    let (mut members, mut headers) = (Vec::new(), Vec::new());
    for (key, value) in pairs {
        let (group, name) = key.rsplit_once('.').unwrap_or(("", key));
        let is_grouped = HEADERS.iter().any(|name| group.rsplit('.').next().is_some_and(|group| is_named(group, name)));
        let is_header = is_grouped || !has_headers && group.is_empty() && (key.contains('-') || is_named(key, "host"));
        let list = if is_header { &mut headers } else { &mut members };
        list.push(format!("{}:{}", quote(name), quote(value)));
    }
    if !headers.is_empty() {
        members.push(format!("\"headers\":{{{}}}", headers.join(",")));
    }
    format!("{{{}}}", members.join(","))
}

#[cfg(test)]
mod tests {
    use crate::store::formats::tests::{collected, fields};

    #[test]
    fn headers_and_a_body_are_read_as_loggers_write_them() {
        for line in [
            r#"time=2026-11-20T10:00:00Z level=INFO msg="a b" headers="map[Host:[h] X-A:[b]]" body="{\"n\":1.0}""#,
            r#"ts=1 level=info msg=hook headers="{\"Host\":\"h\",\"X-A\":\"b\"}" body="{\"n\":1.0}""#,
            r#"time=1 level=INFO req.headers.Host=h req.headers.X-A=b body="{\"n\":1.0}""#,
            r#"level=info host=h x-a=b raw_body="{\"n\":1.0}""#,
        ] {
            let (entries, _) = collected(line);
            let [Ok(entry)] = &entries[..] else { panic!("{line}: {entries:?}") };
            assert_eq!(fields(&entry.request).to_ascii_lowercase(), "host: h\nx-a: b\n", "{line}");
            assert_eq!(&entry.request.body[..], b"{\"n\":1.0}", "{line}");
        }
    }

    #[test]
    fn lines_without_a_request_are_passed_over() {
        let log = "level=info msg=start port=80\nplain text\nlevel=info headers=\"{\\\"Host\\\":\\\"h\\\",\\\"X-A\\\":\\\"b\\\"}\" body=x\n";
        let (entries, _) = collected(log);
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].as_ref().unwrap().line, Some(3));
    }
}
