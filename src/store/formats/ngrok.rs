//! The responses of ngrok's inspection API: `GET /api/requests/http` and `GET /api/requests/http/ID`.
//!
//! `raw` is the whole message as received, in base64. If ngrok truncated it, it is shorter than its content-length.

use serde::Deserialize;

use super::{
    Entry,
    document::Documents,
    http,
    parts::{self, ParseError, Text, expected},
};

/// ngrok's inspection API.
pub(super) static NGROK: Documents = Documents {
    name: "an ngrok inspection",
    matches: |outline| {
        let is_entry = |above| {
            outline.has_all(above, &["request"])
                && [["start", "remote_addr"], ["start", "tunnel_name"]].iter().any(|keys| outline.has_all(above, keys))
        };
        is_entry("requests[].") || is_entry("")
    },
    array: &["requests"],
    parse,
};

#[derive(Deserialize)]
#[serde(expecting = "an ngrok entry, an object with `request`")]
struct NgrokEntry<'a> {
    #[serde(borrow)]
    start: Option<Text<'a>>,
    #[serde(borrow)]
    request: NgrokRequest<'a>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `method` and `raw`")]
struct NgrokRequest<'a> {
    #[serde(borrow)]
    method: Option<Text<'a>>,
    #[serde(borrow)]
    raw: Option<Text<'a>>,
}

fn parse(json: &str) -> Result<Option<Entry>, ParseError> {
    let NgrokEntry { start, request } = serde_json::from_str(json)?;
    if let Some(Text(method)) = &request.method
        && !parts::delivers(&parts::method("method", method)?)
    {
        return Ok(None);
    }
    let Text(raw) = request.raw.ok_or_else(|| expected("the message in `raw`"))?;
    let message = http::single(parts::base64("raw", &raw)?);
    let entry = message.map_err(|fault| expected(format!("an HTTP message in `raw`: {fault}")))?;
    if !parts::delivers(&entry.request.method) || (entry.request.body.is_empty() && entry.notes.is_empty()) {
        return Ok(None);
    }
    let received_at = start.map(|Text(time)| parts::time("start", &time)).transpose()?;
    Ok(Some(Entry { received_at, ..entry }))
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};

    use crate::store::formats::tests::{collected, fields};

    /// An entry with this message.
    fn exchange(raw: &[u8]) -> String {
        let raw = BASE64_STANDARD.encode(raw);
        format!(
            r#"{{"uri":"/api/requests/http/548fb5c700000002","id":"548fb5c700000002","tunnel_name":"command_line (http)","remote_addr":"192.0.2.5","start":"2025-01-01T04:00:00-08:00","duration":3893202,"request":{{"method":"POST","proto":"HTTP/1.1","headers":{{"X-A":["1"]}},"uri":"/p","raw":"{raw}"}}}}"#
        )
    }

    fn list(exchanges: &[String]) -> String {
        format!(r#"{{"uri":"/api/requests/http","requests":[{}]}}"#, exchanges.join(","))
    }

    const MESSAGE: &[u8] = b"POST /p?q HTTP/1.1\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 3\r\n\r\n\0\xff\n";

    #[test]
    fn a_list_and_a_single_entry_give_the_message_as_received() {
        for input in [list(&[exchange(MESSAGE)]), exchange(MESSAGE)] {
            let (entries, notes) = collected(&input);
            let [Ok(entry)] = &entries[..] else { panic!("{entries:?}") };
            assert_eq!(entry.received_at.unwrap().unix_seconds(), 1_735_732_800);
            assert_eq!(fields(&entry.request), "X-A: 1\nX-A: 2\nContent-Length: 3\n");
            assert_eq!((entry.request.target.as_str(), &entry.request.body[..]), ("/p?q", &b"\0\xff\n"[..]));
            assert_eq!((&entry.notes, notes), (&vec![], vec![]));
        }
    }

    #[test]
    fn a_truncated_message_is_noted() {
        let (entries, _) = collected(&exchange(&MESSAGE[..MESSAGE.len() - 1]));
        let notes = &entries[0].as_ref().unwrap().notes;
        assert_eq!(notes, &["the body is truncated: 2 B of its content-length 3"]);
    }

    #[test]
    fn a_broken_message_does_not_hide_the_others_and_a_get_is_skipped() {
        let get = exchange(b"GET / HTTP/1.1\r\n\r\n");
        let broken = exchange(MESSAGE).replace(r#""raw":""#, r#""raw":"?"#);
        let (entries, notes) =
            collected(&list(&[exchange(MESSAGE), exchange(b"POST /\r\n\r\n"), broken, get, exchange(MESSAGE)]));
        let errors: Vec<_> = entries.into_iter().map(|entry| entry.err().unwrap_or_default()).collect();
        let expected = [
            "",
            "line 1: expected an HTTP message in `raw`: line 1: expected `METHOD /target HTTP/1.1`",
            "line 1: expected standard base64 in `raw`",
            "",
        ];
        assert_eq!(
            (errors, notes),
            (
                expected.map(str::to_owned).to_vec(),
                vec!["skipped 1 entry that holds no POST, PUT or PATCH request with a body".to_owned()]
            )
        );
    }
}
