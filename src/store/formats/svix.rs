//! The events of Svix's relay, one per line, as `svix listen` and Svix Play exchange them.

use serde::Deserialize;

use super::{
    Entry,
    document::Documents,
    parts::{self, Fields, ParseError, Text},
};
use crate::webhook::request::Request;

/// Svix's relay events.
pub(super) static SVIX: Documents = Documents {
    name: "a Svix relay event",
    matches: |outline| {
        outline.has_all("", &["type", "version", "data.id", "data.body", "data.headers"])
            || outline.has_all("", &["type", "version", "data.token"])
    },
    array: &[],
    parse,
};

#[derive(Deserialize)]
#[serde(expecting = "an event, an object with `type`")]
struct EventKind<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
}

#[derive(Deserialize)]
#[serde(expecting = "an event, an object with `data`")]
struct RelayEvent<'a> {
    #[serde(borrow)]
    data: RelayedRequest<'a>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `body`, `headers` and `method`")]
struct RelayedRequest<'a> {
    #[serde(borrow)]
    body: Text<'a>,
    #[serde(borrow)]
    headers: Fields<'a>,
    #[serde(borrow)]
    method: Text<'a>,
}

fn parse(json: &str) -> Result<Option<Entry>, ParseError> {
    let EventKind { kind: Text(kind) } = serde_json::from_str(json)?;
    if kind != "event" {
        return Ok(None);
    }
    let RelayEvent { data } = serde_json::from_str(json)?;
    let method = parts::method("method", &data.method.0)?;
    let body = parts::base64("body", &data.body.0)?;
    if !parts::delivers(&method) || body.is_empty() {
        return Ok(None);
    }
    Ok(Some(Entry::new(Request { method, target: "/".to_owned(), headers: data.headers.headers()?, body })))
}

#[cfg(test)]
mod tests {
    use crate::store::formats::tests::{collected, fields};

    const EVENT: &str = r#"{"type":"event","version":1,"data":{"id":"a","headers":{"svix-id":"msg_1","x":"y"},"body":"AP8=","method":"POST"}}"#;

    #[test]
    fn an_event_gives_its_bytes() {
        let start = r#"{"type":"start","version":1,"data":{"token":"t"}}"#;
        let (entries, notes) = collected(&format!("{start}\n{EVENT}\n"));
        let [Ok(entry)] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!(
            (fields(&entry.request), &entry.request.body[..]),
            ("svix-id: msg_1\nx: y\n".to_owned(), &b"\0\xff"[..])
        );
        assert_eq!(notes, ["skipped 1 entry that holds no POST, PUT or PATCH request with a body"]);
    }

    #[test]
    fn a_broken_line_does_not_hide_the_next() {
        let (entries, _) = collected(&format!("{EVENT}\n{}\n{{\"type\":\n{EVENT}", EVENT.replace("AP8=", "AP8")));
        let errors: Vec<_> = entries.into_iter().map(|entry| entry.err().unwrap_or_default()).collect();
        let torn = "line 4, column 114: EOF while parsing an object";
        assert_eq!(errors, ["", "line 2: expected standard base64 in `body`", torn, ""]);
    }
}
