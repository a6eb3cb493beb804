//! A payload that a person has edited as text.

use super::{payload, request::Request};

/// Why a payload can't be edited.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotEditable {
    /// It can't be decoded, for this reason.
    #[error("{0}")]
    Encoded(String),
    /// It is not UTF-8.
    #[error("can't edit the payload: it is not text")]
    Binary,
}

/// The payload of a request as text, decoded to at most `limit` bytes.
///
/// # Errors
///
/// If it is not text.
pub fn text(request: &Request, limit: usize) -> Result<String, NotEditable> {
    let body = payload::decoded(request, limit).map_err(NotEditable::Encoded)?;
    String::from_utf8(body.into_owned()).map_err(|_| NotEditable::Binary)
}

/// A request with its payload, which was `before`, replaced by an edited text, but not re-signed. `None` if nothing was
/// changed.
#[must_use]
pub fn edited(request: &Request, before: &str, after: String) -> Option<Request> {
    let text = changed(before, after)?;
    let mut edited = Request { body: text.into(), ..request.clone() };
    edited.headers.remove("content-encoding");
    Some(edited)
}

/// The edited text, if it was changed. An added final newline is attributed to the editor, and so are changed line
/// endings, because a text field in a browser has only line feeds.
fn changed(before: &str, mut after: String) -> Option<String> {
    let breaks = before.matches("\r\n").count();
    if breaks > 0 && breaks == before.matches('\n').count() && !after.contains('\r') {
        after = after.replace('\n', "\r\n");
    }
    if !before.ends_with('\n')
        && let Some(text) = after.strip_suffix('\n')
    {
        after.truncate(text.strip_suffix('\r').unwrap_or(text).len());
    }
    (after != before).then_some(after)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, Method};

    use super::*;
    use crate::webhook::request::Headers;

    fn edit(before: &str, after: &str) -> Option<String> {
        changed(before, after.to_owned())
    }

    #[test]
    fn a_lone_newline_at_the_end_is_no_edit_and_not_part_of_one() {
        assert_eq!(edit("{}", "{}"), None);
        assert_eq!(edit("{}", "{}\n"), None);
        assert_eq!(edit("{}", "{}\r\n"), None);
        assert_eq!(edit("{}\n", "{}\n"), None);
        assert_eq!(edit("{}\n", "{}"), Some("{}".to_owned()));
        assert_eq!(edit("{}", "{\"a\":1}\n"), Some("{\"a\":1}".to_owned()));
    }

    #[test]
    fn line_breaks_keep_their_form() {
        assert_eq!(edit("a\r\nb", "a\nb"), None);
        assert_eq!(edit("a\r\nb\r\n", "a\nc\n"), Some("a\r\nc\r\n".to_owned()));
        assert_eq!(edit("a\r\nb\nc", "a\nb\nc"), Some("a\nb\nc".to_owned()));
    }

    #[test]
    fn an_edited_payload_is_not_compressed_any_more_and_a_binary_one_is_refused() {
        let mut headers = Headers::new();
        headers.push(HeaderName::from_static("content-encoding"), "gzip".parse().unwrap());
        let request = Request { method: Method::POST, target: "/".to_owned(), headers, body: "x".into() };
        let edited = edited(&request, "{}", "[]".to_owned()).unwrap();
        assert_eq!((edited.body.as_ref(), edited.headers.len()), (&b"[]"[..], 0));
        let binary = Request { headers: Headers::new(), body: b"\xff\x00"[..].into(), ..request };
        assert_eq!(text(&binary, 100), Err(NotEditable::Binary));
    }
}
