//! Requests from webhook.site's API: a page of them, or a single one. Its times are UTC.
//!
//! webhook.site stores the fields and files of a multipart form, but not its body.

use bytes::Bytes;
use serde::Deserialize;

use super::{
    Entry,
    document::Documents,
    parts::{self, Fields, ParseError, Text, expected},
};
use crate::webhook::{
    request::{Headers, Request},
    time::Timestamp,
};

/// webhook.site's JSON.
pub(super) static WEBHOOK_SITE: Documents = Documents {
    name: "webhook.site JSON",
    matches: |outline| ["data[].", ""].iter().any(|above| outline.has_all(above, &["uuid", "token_id"])),
    array: &["data"],
    parse,
};

#[derive(Deserialize)]
#[serde(expecting = "a request, an object")]
struct RequestKind<'a> {
    /// `web`, `email` or `dns`; old exports have none.
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(expecting = "a request, an object with `method`, `url` and `content`")]
struct SiteRequest<'a> {
    #[serde(borrow)]
    method: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow, default)]
    headers: Fields<'a>,
    #[serde(borrow)]
    content: Option<Text<'a>>,
    size: Option<usize>,
    #[serde(borrow)]
    created_at: Option<Text<'a>>,
}

fn parse(json: &str) -> Result<Option<Entry>, ParseError> {
    let RequestKind { kind } = serde_json::from_str(json)?;
    if kind.is_some_and(|Text(kind)| kind != "web") {
        return Ok(None);
    }
    let SiteRequest { method, url, headers, content, size, created_at } = serde_json::from_str(json)?;
    ExportedRequest {
        method: &method.0,
        url: &url.0,
        headers: headers.headers()?,
        content: content.map_or_else(Bytes::new, |Text(content)| content.into_owned().into()),
        size,
        created_at: created_at.as_ref().map(|Text(time)| time.as_ref()),
    }
    .entry()
}

/// A request that webhook.site recorded, exported in any format.
pub(super) struct ExportedRequest<'a> {
    pub(super) method: &'a str,
    pub(super) url: &'a str,
    pub(super) headers: Headers,
    pub(super) content: Bytes,
    /// The size of the body in bytes.
    pub(super) size: Option<usize>,
    pub(super) created_at: Option<&'a str>,
}

impl ExportedRequest<'_> {
    /// The entry; `None` if it delivers nothing.
    pub(super) fn entry(self) -> Result<Option<Entry>, ParseError> {
        let method = parts::method("method", self.method)?;
        let length = self.headers.text("content-length").and_then(|length| length.parse().ok());
        let size = self.size.or(length).unwrap_or_default();
        if !parts::delivers(&method) || (self.content.is_empty() && size == 0) {
            return Ok(None);
        }
        if self.content.is_empty() {
            return Err(expected("the body in `content`, which webhook.site doesn't store for a multipart form"));
        }
        let received_at = self.created_at.map(received_at).transpose()?;
        let target = parts::target("url", self.url)?;
        let mut request = Request { method, target, headers: self.headers, body: self.content };
        let mut notes = parts::body_notes(&mut request);
        if notes.is_empty() && self.size.is_some_and(|size| size != request.body.len()) {
            notes.push(format!("the body has {} B but its `size` is {size}", request.body.len()));
        }
        Ok(Some(Entry { received_at, notes, ..Entry::called(self.url, request) }))
    }
}

/// `2019-10-03 19:06:35` in UTC, or a time with its offset.
fn received_at(text: &str) -> Result<Timestamp, ParseError> {
    parts::time("created_at", text).or_else(|error| format!("{text}Z").parse().map_err(|_| error))
}

#[cfg(test)]
mod tests {
    use crate::store::formats::tests::{collected, fields};

    /// The example of webhook.site's own documentation, shortened.
    const MESSAGE: &str = r#"{
      "uuid": "a2a6a4ae-4130-4063-953a-84fa29d81d43", "type": "web", "token_id": "a94a7294-c4aa-4074-ab77-c4cf86fd53b1",
      "ip": "127.0.0.1", "hostname": "webhook.site", "method": "POST", "content": "{\"first_name\":\"Arch\",\"last_name\":\"Weber\"}",
      "query": {"action": "create"}, "request": [], "files": [],
      "headers": {"content-length": ["41"], "x-a": ["1", "2"]},
      "url": "https:\/\/webhook.site\/a94a7294-c4aa-4074-ab77-c4cf86fd53b1\/201?action=create",
      "size": 41, "created_at": "2019-10-03 19:06:35"}"#;

    fn page(messages: &[&str]) -> String {
        format!(r#"{{"data":[{}],"total":1,"per_page":50,"current_page":1}}"#, messages.join(","))
    }

    #[test]
    fn a_page_and_a_single_request_are_read() {
        for input in [page(&[MESSAGE]), MESSAGE.to_owned()] {
            let (entries, notes) = collected(&input);
            let [Ok(entry)] = &entries[..] else { panic!("{entries:?}") };
            assert_eq!(entry.received_at.unwrap().to_string(), "2019-10-03T19:06:35.000Z");
            assert_eq!(entry.request.target, "/a94a7294-c4aa-4074-ab77-c4cf86fd53b1/201?action=create");
            assert_eq!(fields(&entry.request), "content-length: 41\nx-a: 1\nx-a: 2\n");
            assert_eq!(entry.request.body, r#"{"first_name":"Arch","last_name":"Weber"}"#);
            assert_eq!((&entry.notes, notes), (&vec![], vec![]));
        }
    }

    #[test]
    fn emails_and_requests_without_a_body_are_skipped() {
        let get = MESSAGE.replace("POST", "GET");
        let mail = MESSAGE.replace(r#""web""#, r#""email""#);
        let (entries, notes) = collected(&page(&[&get, &mail]));
        assert_eq!(
            (entries, notes),
            (vec![], vec!["skipped 2 entries that hold no POST, PUT or PATCH request with a body".to_owned()])
        );
    }

    #[test]
    fn a_missing_body_is_an_error_and_another_size_is_noted() {
        let none = MESSAGE.replace(r#""{\"first_name\":\"Arch\",\"last_name\":\"Weber\"}""#, "null");
        let other = MESSAGE.replace(r#""size": 41"#, r#""size": 40"#);
        let (entries, _) = collected(&page(&[&none, &other]));
        let wrong = "line 1: expected the body in `content`, which webhook.site doesn't store for a multipart form";
        assert_eq!(entries[0], Err(wrong.to_owned()));
        assert_eq!(entries[1].as_ref().unwrap().notes, ["the body has 41 B but its `size` is 40"]);
    }

    #[test]
    fn an_invalid_time_is_rejected() {
        let (entries, _) = collected(&MESSAGE.replace("2019-10-03 19:06:35", "noon"));
        assert_eq!(entries, [Err(r#"line 1: expected an RFC 3339 time in `created_at`, found "noon""#.to_owned())]);
    }
}
