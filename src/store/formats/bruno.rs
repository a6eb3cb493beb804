//! Bruno's `.bru` files: blocks in braces, with lines indented by two spaces.

use super::{
    Collected, Entry, EntryFault, EntryReader, Format, GzipBudget, Input,
    parts::{self, ParseError, expected},
    whole,
};
use crate::webhook::request::{Headers, Request};

/// A Bruno request.
pub(super) struct Bruno;

impl Format for Bruno {
    fn name(&self) -> &'static str {
        "a Bruno request"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        head.starts_with(b"meta {") && head.windows(5).any(|part| part == b"\n  ur")
    }

    fn read<'a>(&self, input: Input<'a>, _: &mut GzipBudget) -> Result<Box<dyn EntryReader + 'a>, EntryFault> {
        let input = whole(input)?;
        Ok(Box::new(Collected::of(entry(&String::from_utf8_lossy(&input)))))
    }
}

/// The blocks that contain a body as it is sent.
const BODIES: [&str; 5] = ["body:json", "body:text", "body:xml", "body:sparql", "body"];

/// The request; `None` if it delivers nothing.
fn entry(text: &str) -> Result<Option<Entry>, ParseError> {
    let methods = ["post", "put", "patch"];
    let Some((method, called)) = methods.iter().find_map(|method| Some((method, block(text, method)?))) else {
        return Ok(None);
    };
    let url = pairs(&called).find(|(name, _)| *name == "url").map(|(_, url)| url).ok_or_else(|| expected("a URL"))?;
    let headers = block(text, "headers").unwrap_or_default();
    let headers: Headers = pairs(&headers)
        .filter(|(name, _)| !name.starts_with('~'))
        .map(|(name, value)| parts::foreign_field(name, value))
        .collect::<Result<_, _>>()?;
    let body = BODIES
        .iter()
        .find_map(|name| block(text, name))
        .ok_or_else(|| expected("a body of JSON, text or XML; of a form, Bruno has only the fields, not the bytes"))?;
    let method = parts::method("method", &method.to_ascii_uppercase())?;
    let target = parts::written_target("url", url)?;
    Ok(Some(Entry::called(url, Request { method, target, headers, body: body.into() })))
}

/// The lines of a block without their indentation.
fn block(text: &str, name: &str) -> Option<String> {
    let start = format!("{name} {{");
    let mut lines = text.lines().skip_while(|line| *line != start).skip(1);
    let mut inside = Vec::new();
    loop {
        match lines.next()? {
            "}" => return Some(inside.join("\n")),
            line => inside.push(line.strip_prefix("  ").unwrap_or(line)),
        }
    }
}

/// The `name: value` lines of a block.
fn pairs(block: &str) -> impl Iterator<Item = (&str, &str)> {
    block.lines().filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.trim(), value.trim()))
}

#[cfg(test)]
mod tests {
    use crate::store::formats::tests::{collected, fields};

    #[test]
    fn a_request_is_read_with_its_body_as_it_is_sent() {
        let text = "meta {\n  name: a\n  type: http\n}\n\npost {\n  url: https://h.example/a?b=1\n  body: json\n}\n\nheaders {\n  X-A: b: c\n  ~X-Off: d\n}\n\nbody:json {\n  {\n    \"n\": 1.0\n  }\n}\n";
        let (entries, _) = collected(text);
        let [Ok(entry)] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!(entry.request.target, "/a?b=1");
        assert_eq!(fields(&entry.request), "X-A: b: c\n");
        assert_eq!(&entry.request.body[..], b"{\n  \"n\": 1.0\n}");
        assert_eq!(entry.url.as_deref(), Some("https://h.example/a?b=1"));
    }

    #[test]
    fn a_form_is_an_error_and_a_get_delivers_nothing() {
        let form = "meta {\n  name: a\n}\n\npost {\n  url: http://h/a\n}\n\nbody:form-urlencoded {\n  a: b\n}\n";
        assert!(collected(form).0[0].as_ref().is_err_and(|error| error.contains("not the bytes")));
        assert!(collected("meta {\n  name: a\n}\n\nget {\n  url: http://h/a\n}\n").0.is_empty());
    }
}
