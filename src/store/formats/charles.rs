//! Sessions that Charles exports as JSON (`.chlsj`): an array of exchanges. A body is in `text` if Charles takes it for
//! text, and otherwise in `encoded`, in base64.

use serde::Deserialize;

use super::{
    Entry,
    document::Documents,
    parts::{self, ParseError, Text},
};
use crate::webhook::request::{Headers, Request};

/// A session of Charles.
pub(super) static CHARLES: Documents = Documents {
    name: "a Charles session",
    matches: |outline| {
        outline.has_all("", &["scheme", "host", "path", "request"])
            && ["actualPort", "request.header.firstLine"].iter().any(|key| outline.has_all("", &[key]))
    },
    array: &[],
    parse,
};

#[derive(Deserialize)]
struct CharlesExchange<'a> {
    #[serde(borrow)]
    method: Text<'a>,
    #[serde(borrow)]
    scheme: Text<'a>,
    #[serde(borrow)]
    host: Text<'a>,
    /// Present if it isn't the scheme's own.
    port: Option<u16>,
    #[serde(borrow)]
    path: Option<Text<'a>>,
    #[serde(borrow)]
    query: Option<Text<'a>>,
    #[serde(borrow)]
    times: Option<CharlesTimes<'a>>,
    #[serde(borrow)]
    request: CharlesRequest<'a>,
}

#[derive(Deserialize)]
struct CharlesTimes<'a> {
    #[serde(borrow)]
    start: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct CharlesRequest<'a> {
    #[serde(borrow)]
    header: Option<CharlesHeader<'a>>,
    #[serde(borrow)]
    body: Option<CharlesBody<'a>>,
}

#[derive(Deserialize)]
struct CharlesHeader<'a> {
    #[serde(borrow)]
    headers: Vec<CharlesField<'a>>,
}

#[derive(Deserialize)]
struct CharlesField<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    value: Text<'a>,
}

#[derive(Deserialize)]
struct CharlesBody<'a> {
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    encoded: Option<Text<'a>>,
}

fn parse(json: &str) -> Result<Option<Entry>, ParseError> {
    let exchange: CharlesExchange<'_> = serde_json::from_str(json)?;
    let method = parts::method("method", &exchange.method.0)?;
    let (Some(header), Some(body)) = (exchange.request.header, exchange.request.body) else { return Ok(None) };
    if !parts::delivers(&method) {
        return Ok(None);
    }
    let port = exchange.port.map(|port| format!(":{port}")).unwrap_or_default();
    let path = exchange.path.as_ref().map_or("/", |Text(path)| path);
    let query = exchange.query.map(|Text(query)| format!("?{query}")).unwrap_or_default();
    let (Text(scheme), Text(host)) = (exchange.scheme, exchange.host);
    let url = format!("{scheme}://{host}{port}{path}{query}");
    let fields = header.headers.iter().map(|field| parts::foreign_field(&field.name.0, &field.value.0));
    let headers: Headers = fields.collect::<Result<_, _>>()?;
    let is_text = body.text.is_some();
    let bytes = match (body.text, body.encoded) {
        (Some(Text(text)), _) => text.into_owned().into(),
        (None, Some(Text(encoded))) => parts::base64("encoded", &encoded)?,
        (None, None) => return Ok(None),
    };
    let mut request = Request { method, target: parts::written_target("path", &url)?, headers, body: bytes };
    let notes = if is_text { parts::body_notes(&mut request) } else { Vec::new() };
    let start = exchange.times.and_then(|times| times.start);
    let received_at = start.map(|Text(time)| parts::time("start", &time)).transpose()?;
    Ok(Some(Entry { received_at, notes, ..Entry::called(&url, request) }))
}

#[cfg(test)]
mod tests {
    use crate::{
        store::formats::tests::{collected, fields},
        webhook::time::Timestamp,
    };

    /// An exchange with this request.
    fn exchange(request: &str) -> String {
        format!(
            r#"{{"status":"COMPLETE","method":"POST","protocolVersion":"HTTP/1.1","scheme":"https","host":"h.example","port":null,"actualPort":443,"path":"/v1/hooks","query":"page=2","tunnel":false,"times":{{"start":"2026-01-01T07:00:00.250+07:00"}},"request":{request},"response":{{"status":404,"header":{{"firstLine":"HTTP/1.1 404 Not Found","headers":[]}},"body":{{"text":"{{}}"}}}}}}"#
        )
    }

    const HEADER: &str =
        r#""header":{"firstLine":"POST /v1/hooks?page=2 HTTP/1.1","headers":[{"name":"X-A","value":"b"}]}"#;

    #[test]
    fn the_requests_of_a_session_are_read_with_text_or_base64() {
        for body in [
            r#"{"text":"{\"a\":1.0}"}"#,
            r#"{"text":"{\"a\":1.0}","charset":"UTF-8"}"#,
            r#"{"encoded":"eyJhIjoxLjB9"}"#,
        ] {
            let request = format!(r#"{{"sizes":{{"body":9}},"mimeType":"application/json",{HEADER},"body":{body}}}"#);
            let tunnel = exchange("{}").replace("POST", "CONNECT");
            let (entries, _) = collected(&format!("[{},{tunnel}]", exchange(&request)));
            let [Ok(entry)] = &entries[..] else { panic!("{entries:?}") };
            assert_eq!(entry.url.as_deref(), Some("https://h.example/v1/hooks?page=2"));
            assert_eq!(
                (entry.request.target.as_str(), fields(&entry.request)),
                ("/v1/hooks?page=2", "X-A: b\n".into())
            );
            assert_eq!(entry.request.body, br#"{"a":1.0}"#[..], "{body}");
            assert_eq!(entry.received_at, Some(Timestamp::from_unix_millis(1_767_225_600_250)));
        }
    }

    #[test]
    fn a_port_is_in_the_url_and_a_request_without_a_body_is_skipped() {
        let request = format!(r#"{{{HEADER},"body":{{"text":"1"}}}}"#);
        let (entries, _) = collected(&exchange(&request).replace(r#""port":null"#, r#""port":8443"#));
        assert_eq!(entries[0].as_ref().unwrap().url.as_deref(), Some("https://h.example:8443/v1/hooks?page=2"));
        assert!(collected(&exchange(&format!("{{{HEADER}}}"))).0.is_empty());
    }
}
