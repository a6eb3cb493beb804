//! HAR 1.2, as browsers, mitmproxy and other proxies export their traffic.
//!
//! A HAR stores the body of a request as text, and can't represent arbitrary bytes. What tools do to other bytes is
//! undone if the body's size proves it: mitmproxy stores bytes as Latin-1, or those that are not UTF-8 as the lone
//! surrogates U+DC80 to U+DCFF. Otherwise the entry notes that bytes were lost.

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};

use super::{
    Entry,
    document::Documents,
    parts::{self, ParseError, Text, expected},
};
use crate::webhook::request::{Headers, Request};

/// HAR 1.2.
pub(super) static HAR: Documents = Documents {
    name: "a HAR",
    matches: |outline| {
        ["creator", "entries", "browser", "pages"].iter().any(|key| outline.has_all("log.", &["version", key]))
            || outline.has_all("log.entries[].", &["request"])
    },
    array: &["log", "entries"],
    parse,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an entry, an object with `request`")]
struct HarEntry<'a> {
    #[serde(borrow)]
    started_date_time: Option<Text<'a>>,
    #[serde(borrow)]
    request: HarRequest<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a request, an object with `method`, `url` and `headers`")]
struct HarRequest<'a> {
    #[serde(borrow)]
    method: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow, default)]
    headers: Vec<HarPair<'a>>,
    #[serde(borrow)]
    post_data: Option<PostData<'a>>,
    /// -1 if the tool doesn't know it.
    body_size: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object with `text` or `params`")]
struct PostData<'a> {
    #[serde(borrow)]
    mime_type: Option<Text<'a>>,
    #[serde(borrow)]
    text: Option<WideText<'a>>,
    /// Not part of HAR 1.2 in requests; some tools mark base64 with it, as HAR does in responses.
    #[serde(borrow, alias = "_encoding")]
    encoding: Option<Text<'a>>,
    #[serde(borrow)]
    params: Option<Vec<HarPair<'a>>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `name` and `value`")]
struct HarPair<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    value: Option<Text<'a>>,
}

impl HarPair<'_> {
    fn both(&self) -> (&str, &str) {
        (&self.name.0, self.value.as_ref().map_or("", |Text(value)| value))
    }
}

/// A string that may contain lone surrogates, in WTF-8, a superset of UTF-8.
struct WideText<'a>(std::borrow::Cow<'a, [u8]>);

impl<'de: 'a, 'a> Deserialize<'de> for WideText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(WideTextVisitor)
    }
}

struct WideTextVisitor;

impl<'de> Visitor<'de> for WideTextVisitor {
    type Value = WideText<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_bytes<E: de::Error>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
        Ok(WideText(bytes.into()))
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        Ok(WideText(bytes.to_vec().into()))
    }
}

fn parse(json: &str) -> Result<Option<Entry>, ParseError> {
    let HarEntry { started_date_time, request } = serde_json::from_str(json)?;
    let method = parts::method("method", &request.method.0)?;
    if !parts::delivers(&method) {
        return Ok(None);
    }
    let Some(RecordedBody { bytes, mut notes }) = body(request.post_data.as_ref(), request.body_size)? else {
        return Ok(None);
    };
    // HTTP/2 sends the request line as header fields.
    let fields = request.headers.iter().map(HarPair::both).filter(|(name, _)| !name.starts_with(':'));
    let headers =
        fields.map(|(name, value)| parts::foreign_field(name, value)).collect::<Result<Headers, ParseError>>()?;
    let url = request.url.0;
    let mut request = Request { method, target: parts::target("url", &url)?, headers, body: bytes };
    for note in parts::body_notes(&mut request) {
        // A note on `bodySize` would repeat one on the content-length.
        if notes.is_empty() || !note.contains("content-length") {
            notes.push(note);
        }
    }
    let received_at = started_date_time.map(|Text(time)| parts::time("startedDateTime", &time)).transpose()?;
    Ok(Some(Entry { received_at, notes, ..Entry::called(&url, request) }))
}

struct RecordedBody {
    bytes: Bytes,
    notes: Vec<String>,
}

/// The body; `None` if there is none.
fn body(data: Option<&PostData<'_>>, size: Option<i64>) -> Result<Option<RecordedBody>, ParseError> {
    let size = size.and_then(|size| usize::try_from(size).ok());
    let text = data.and_then(|data| data.text.as_ref()).filter(|text| !text.0.is_empty());
    let (Some(data), Some(WideText(text))) = (data, text) else { return rebuilt(data, size) };
    if data.encoding.as_ref().is_some_and(|Text(encoding)| encoding == "base64") {
        let text = str::from_utf8(text).map_err(|_| expected("standard base64 in `text`"))?;
        return Ok(Some(RecordedBody { bytes: parts::base64("text", text)?, notes: Vec::new() }));
    }
    let bytes = without_surrogates(text);
    let Some(size) = size.filter(|&size| size > 0 && size != bytes.len()) else {
        return Ok(Some(RecordedBody { bytes: bytes.into(), notes: Vec::new() }));
    };
    if let Some(latin_1) = latin_1(text).filter(|latin_1| latin_1.len() == size) {
        let note = "the body was stored as Latin-1, as its `bodySize` proves, and is read as such".to_owned();
        return Ok(Some(RecordedBody { bytes: latin_1.into(), notes: vec![note] }));
    }
    let note =
        format!("the body has {} B but its `bodySize` is {size}: a HAR stores text and loses other bytes", bytes.len());
    Ok(Some(RecordedBody { bytes: bytes.into(), notes: vec![note] }))
}

/// Rebuilds a body that the tool stored without its text.
fn rebuilt(data: Option<&PostData<'_>>, size: Option<usize>) -> Result<Option<RecordedBody>, ParseError> {
    let params = data.and_then(|data| data.params.as_deref()).unwrap_or_default();
    let is_form = data.and_then(|data| data.mime_type.as_ref()).is_some_and(|Text(mime)| {
        mime.trim_start().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded")
    });
    match size {
        _ if is_form && !params.is_empty() => {
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(params.iter().map(HarPair::both));
            let note = "the body was rebuilt from its parameters; its exact bytes were not stored".to_owned();
            Ok(Some(RecordedBody { bytes: form.finish().into(), notes: vec![note] }))
        }
        Some(1..) => Err(expected("`text` in `postData`: the tool didn't store the body")),
        _ if !params.is_empty() => Err(expected("`text` in `postData`: the tool stored only the parts of the body")),
        _ => Ok(None),
    }
}

/// The bytes of a text in which lone surrogates stand for bytes that weren't UTF-8, such as U+DC80 for 0x80.
fn without_surrogates(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        if let [0xed, high @ 0xb2..=0xb3, low, after @ ..] = rest {
            bytes.push((high & 1) << 6 | low & 0x3f | 0x80);
            rest = after;
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    bytes
}

fn latin_1(text: &[u8]) -> Option<Vec<u8>> {
    str::from_utf8(text).ok()?.chars().map(|c| u8::try_from(c).ok()).collect()
}

#[cfg(test)]
mod tests {
    use crate::store::formats::tests::{collected, fields};

    /// A `POST` with this `postData`.
    fn post(data: &str, size: i64) -> String {
        format!(r#"{{"method":"POST","url":"https://h/p?q=1","headers":[],"bodySize":{size},"postData":{data}}}"#)
    }

    /// The bytes of the body and the notes of the one entry.
    fn body_of(request: &str) -> Result<(Vec<u8>, Vec<String>), String> {
        let har = format!(r#"{{"log":{{"version":"1.2","entries":[{{"request":{request}}}]}}}}"#);
        let (mut entries, _) = collected(&har);
        entries.remove(0).map(|entry| (entry.request.body.to_vec(), entry.notes))
    }

    fn stored(bytes: &[u8], note: &str) -> (Vec<u8>, Vec<String>) {
        (bytes.to_vec(), if note.is_empty() { vec![] } else { vec![note.to_owned()] })
    }

    #[test]
    fn an_entry_gives_its_request_and_its_time() {
        let har = r#"{"log":{"version":"1.2","creator":{},"entries":[{"startedDateTime":"2025-01-01T12:00:00.1239+00:00","request":{
            "method":"POST","url":"https://h/p?q=1","httpVersion":"h2","headers":[{"name":":method","value":"POST"},{"name":"X-A","value":"1"},{"name":"x-a","value":"2"}],
            "bodySize":2,"postData":{"mimeType":"application/json","text":"{}"}}}]}}"#;
        let (entries, notes) = collected(har);
        let [Ok(entry)] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!(entry.received_at.unwrap().unix_millis(), 1_735_732_800_123);
        assert_eq!((entry.request.target.as_str(), fields(&entry.request)), ("/p?q=1", "X-A: 1\nx-a: 2\n".to_owned()));
        assert_eq!((&entry.request.body[..], &entry.notes, notes), (&b"{}"[..], &vec![], vec![]));
    }

    #[test]
    fn requests_that_deliver_nothing_are_skipped_and_counted() {
        let get = r#"{"request":{"method":"GET","url":"https://h/"}}"#;
        let empty = r#"{"request":{"method":"POST","url":"https://h/","bodySize":0,"postData":{"mimeType":"","text":null,"params":[]}}}"#;
        let har = format!(r#"{{"log":{{"version":"1.2","entries":[{get},{empty}]}}}}"#);
        let (entries, notes) = collected(&har);
        assert_eq!(entries, []);
        assert_eq!(notes, ["skipped 2 entries that hold no POST, PUT or PATCH request with a body"]);
    }

    #[test]
    fn bytes_that_are_not_text_are_restored_if_the_size_proves_them() {
        assert_eq!(body_of(&post(r#"{"text":"\"\udcff\u00e4\""}"#, 5)), Ok(stored(b"\"\xff\xc3\xa4\"", "")));
        let latin_1 = "the body was stored as Latin-1, as its `bodySize` proves, and is read as such";
        assert_eq!(body_of(&post(r#"{"text":"\u00c3\u00a4"}"#, 2)), Ok(stored(b"\xc3\xa4", latin_1)));
        assert_eq!(body_of(&post(r#"{"text":"\u00e4"}"#, -1)), Ok(stored(b"\xc3\xa4", "")));
        assert_eq!(body_of(&post(r#"{"text":"AP8=","encoding":"base64"}"#, 2)), Ok(stored(b"\0\xff", "")));
    }

    #[test]
    fn lost_bytes_are_noted() {
        let lost = "the body has 3 B but its `bodySize` is 1: a HAR stores text and loses other bytes";
        let replaced = "the body contains U+FFFD, the mark of lost bytes";
        let notes = vec![lost.to_owned(), replaced.to_owned()];
        assert_eq!(body_of(&post(r#"{"text":"\ufffd"}"#, 1)), Ok(("\u{fffd}".as_bytes().to_vec(), notes)));
    }

    #[test]
    fn a_form_without_its_text_is_rebuilt_and_noted() {
        let form =
            r#"{"mimeType":"application/x-www-form-urlencoded","params":[{"name":"a b","value":"c"},{"name":"d"}]}"#;
        let note = "the body was rebuilt from its parameters; its exact bytes were not stored";
        assert_eq!(body_of(&post(form, 9)), Ok(stored(b"a+b=c&d=", note)));
        let parts = r#"{"mimeType":"multipart/form-data","params":[{"name":"a","fileName":"b"}]}"#;
        let without_text = "line 1: expected `text` in `postData`: the tool stored only the parts of the body";
        assert_eq!(body_of(&post(parts, -1)), Err(without_text.to_owned()));
        assert_eq!(
            body_of(&post("null", 9)),
            Err("line 1: expected `text` in `postData`: the tool didn't store the body".to_owned())
        );
    }

    #[test]
    fn a_broken_entry_is_located_and_hides_no_other() {
        let whole = format!(r#"{{"request":{}}}"#, post(r#"{"text":"{}"}"#, 2));
        let har = format!(
            "{{\"log\":{{\"version\":\"1.2\",\"entries\":[\n{whole},\n {{\"request\":{{\"method\":5}}}},\n{whole}\n,{{\"req"
        );
        let (entries, _) = collected(&har);
        let errors: Vec<_> = entries.into_iter().map(|entry| entry.err().unwrap_or_default()).collect();
        let wrong = "line 3, column 23: invalid type: integer `5`, expected a string";
        assert_eq!(errors, ["", wrong, "", "line 5, column 6: EOF while parsing a string"]);
    }
}
