//! The XML that Burp Suite saves ("Save items"), with each complete request in base64 or as text.

use std::borrow::Cow;

use super::{
    Collected, Entry, EntryFault, EntryReader, Format, GzipBudget, Input, http,
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

    fn read<'a>(&self, input: Input<'a>, _: &mut GzipBudget) -> Result<Box<dyn EntryReader + 'a>, EntryFault> {
        let input = whole(input)?;
        let mut lines = LineCounter::new(&input);
        let mut collected = Collected::default();
        let starts = item_starts(&input);
        for (number, &start) in starts.iter().enumerate() {
            let item = &input[start..starts.get(number + 1).copied().unwrap_or(input.len())];
            let place = lines.start(start);
            match entry(item) {
                Ok(Some(entry)) => collected.push(Ok(Entry { line: Some(place.line), ..entry })),
                Ok(None) => collected.count_skipped(),
                Err(error) => collected.push(Err(EntryFault::at(place, error))),
            }
        }
        Ok(Box::new(collected))
    }
}

const CDATA: &[u8] = b"<![CDATA[";
const CDATA_END: &[u8] = b"]]>";

/// The offsets at which items start, outside CDATA.
fn item_starts(input: &[u8]) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'<', &input[at..]) {
        at += found;
        if input[at..].starts_with(CDATA) {
            at = memchr::memmem::find(&input[at..], CDATA_END).map_or(input.len(), |end| at + end);
        } else {
            starts.extend(input[at..].starts_with(b"<item>").then_some(at));
            at += 1;
        }
    }
    starts
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
    let message = match str::from_utf8(&content) {
        Ok(text) if is_base64 => parts::base64("request", text)?,
        _ => content.into_owned().into(),
    };
    let entry = http::single(message).map_err(|fault| expected(format!("an HTTP message: {fault}")))?;
    if entry.request.body.is_empty() || !parts::delivers(&entry.request.method) {
        return Ok(None);
    }
    let url = element(item, b"<url>", b"</url>").unwrap_or_default();
    let url = String::from_utf8_lossy(&url);
    Ok(Some(Entry { notes: entry.notes, ..Entry::called(&url, entry.request) }))
}

/// The content of an element. Burp writes `]]>` in text as `]]]]><![CDATA[>`, the end of one CDATA section and the
/// start of another.
fn element<'i>(item: &'i [u8], open: &[u8], close: &[u8]) -> Option<Cow<'i, [u8]>> {
    let mut rest = &item[memchr::memmem::find(item, open)? + open.len()..];
    if !rest.starts_with(CDATA) {
        return Some(Cow::Borrowed(&rest[..memchr::memmem::find(rest, close)?]));
    }
    let mut content = Vec::new();
    while let Some(inside) = rest.strip_prefix(CDATA) {
        let end = memchr::memmem::find(inside, CDATA_END)?;
        content.extend_from_slice(&inside[..end]);
        rest = &inside[end + CDATA_END.len()..];
    }
    Some(Cow::Owned(content))
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

    #[test]
    fn a_request_may_have_the_marks_of_xml() {
        let body = "{\"t\":\"<item></request>]]>\"}";
        let message = format!("POST /a HTTP/1.1\r\nHost: h\r\n\r\n{body}");
        let items = item(&message.replace("]]>", "]]]]><![CDATA[>"), false).repeat(2);
        let (entries, _) =
            collected(&format!("<?xml version=\"1.0\"?>\n<items burpVersion=\"2024.1\">\n{items}</items>\n"));
        let bodies: Vec<_> = entries.iter().map(|entry| entry.as_ref().map(|entry| &entry.request.body[..])).collect();
        assert_eq!(bodies, [Ok(body.as_bytes()), Ok(body.as_bytes())]);
    }
}
