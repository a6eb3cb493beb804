//! The XML that Burp Suite saves ("Save items"): each request whole, in base64 or as text.

use super::{
    Collected, Entry, Fault, Format, Input, Reader, http,
    parts::{self, ParseError, expected},
    position::LineCounter,
    whole,
};

/// Items of Burp Suite.
pub(super) struct Burp;

impl Format for Burp {
    fn name(&self) -> &'static str {
        "Burp Suite items"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        head.trim_ascii_start().starts_with(b"<") && memchr::memmem::find(head, b"<items burpVersion=").is_some()
    }

    fn read<'a>(&self, input: Input<'a>) -> Result<Box<dyn Reader + 'a>, Fault> {
        let input = whole(input)?;
        let mut lines = LineCounter::new(&input);
        let mut collected = Collected::default();
        let starts: Vec<usize> = memchr::memmem::find_iter(&input, b"<item>").collect();
        for (number, &start) in starts.iter().enumerate() {
            let item = &input[start..starts.get(number + 1).copied().unwrap_or(input.len())];
            let place = lines.start(start);
            match entry(item) {
                Ok(Some(entry)) => collected.push(Ok(Entry { line: Some(place.line), ..entry })),
                Ok(None) => collected.count_skipped(),
                Err(error) => collected.push(Err(Fault::at(place, error))),
            }
        }
        Ok(Box::new(collected))
    }
}

/// The request of an item; `None` if it delivers nothing.
fn entry(item: &[u8]) -> Result<Option<Entry>, ParseError> {
    let (is_base64, content) = if let Some(content) = element(item, b"<request base64=\"true\">", b"</request>") {
        (true, content)
    } else if let Some(content) = element(item, b"<request base64=\"false\">", b"</request>") {
        (false, content)
    } else {
        return Err(expected("a `request`"));
    };
    let message = match str::from_utf8(content) {
        Ok(text) if is_base64 => parts::base64("request", text)?,
        _ => content.to_vec().into(),
    };
    let entry = http::single(message).map_err(|fault| expected(format!("an HTTP message: {fault}")))?;
    if entry.request.body.is_empty() || !parts::delivers(&entry.request.method) {
        return Ok(None);
    }
    let url = element(item, b"<url>", b"</url>").and_then(|url| str::from_utf8(url).ok()).unwrap_or_default();
    Ok(Some(Entry { notes: entry.notes, ..Entry::called(url, entry.request) }))
}

/// The content of an element, without the marks of CDATA.
fn element<'i>(item: &'i [u8], open: &[u8], close: &[u8]) -> Option<&'i [u8]> {
    let start = memchr::memmem::find(item, open)? + open.len();
    let content = &item[start..start + memchr::memmem::find(&item[start..], close)?];
    let inside = content.strip_prefix(b"<![CDATA[").and_then(|inside| inside.strip_suffix(b"]]>"));
    Some(inside.unwrap_or(content))
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};

    use crate::store::formats::tests::{collected, fields};

    fn item(request: &str, is_base64: bool) -> String {
        let content = if is_base64 { BASE64_STANDARD.encode(request) } else { request.to_owned() };
        format!(
            "  <item>\n    <url><![CDATA[https://h.example/a?b]]></url>\n    <request base64=\"{is_base64}\"><![CDATA[{content}]]></request>\n    <response base64=\"true\"><![CDATA[SFRU]]></response>\n  </item>\n"
        )
    }

    #[test]
    fn each_item_is_a_request() {
        let post = "POST /a?b HTTP/2\r\nHost: h.example\r\nX-A: b\r\n\r\n{\r\n\"n\": 1.0}";
        let items =
            [item(post, true), item(post, false), item("GET / HTTP/1.1\r\n\r\n", true), item("x", true)].concat();
        let (entries, notes) =
            collected(&format!("<?xml version=\"1.0\"?>\n<items burpVersion=\"2024.1\">\n{items}</items>\n"));
        for entry in &entries[..2] {
            let entry = entry.as_ref().unwrap();
            assert_eq!((entry.url.as_deref(), &*entry.request.target), (Some("https://h.example/a?b"), "/a?b"));
            assert_eq!(fields(&entry.request), "Host: h.example\nX-A: b\n");
            assert_eq!(&entry.request.body[..], b"{\r\n\"n\": 1.0}");
        }
        assert_eq!(
            entries[2].as_ref().unwrap_err(),
            "line 23: expected an HTTP message: line 1: expected `METHOD /target HTTP/1.1`"
        );
        assert_eq!(notes.len(), 1);
    }
}
