//! Bodies that a command or program serialises from values, written as its library writes them.

use crate::webhook::diagnose::{Layout, serialised};

/// JSON as Python's `json.dumps` writes it, with non-ASCII characters escaped or not; `None` if it isn't JSON.
pub(super) fn python_json(json: &str, layout: Layout, is_ascii: bool) -> Option<String> {
    serialised(json, if is_ascii { "Python's json.dumps" } else { "Python's json.dumps(ensure_ascii=False)" }, layout)
}

/// JSON as `JSON.stringify` writes it; `None` if it isn't JSON.
pub(super) fn javascript_json(json: &str, layout: Layout) -> Option<String> {
    serialised(json, "JavaScript's JSON.stringify", layout)
}

/// A form as JavaScript's `URLSearchParams` writes it.
pub(super) fn javascript_form(fields: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// A form as Python's `urllib.parse.urlencode` writes it.
pub(super) fn python_form(fields: &[(String, String)]) -> String {
    let field = |(name, value): &(String, String)| format!("{}={}", python_quoted(name), python_quoted(value));
    fields.iter().map(field).collect::<Vec<_>>().join("&")
}

/// Text in a form as Python's `quote_plus` and curl's `--data-urlencode` write it, which differ from JavaScript in `~`
/// and `*`.
pub(super) fn python_quoted(text: &str) -> String {
    let quoted: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    quoted.replace("%7E", "~").replace('*', "%2A")
}
