//! Headers as variables of CGI, WSGI and nginx: `HTTP_X_SIGNATURE`, `http_x_signature`.

use crate::webhook::json::{Kind, Node};

/// Whether a key is a header's variable, which no program sets for other purposes.
pub(super) fn is_header(key: &str) -> bool {
    key.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("HTTP_X_"))
}

/// Whether an object has such variables.
pub(super) fn has_headers(node: &Node<'_>) -> bool {
    matches!(&node.kind, Kind::Object(members) if members.iter().any(|member| is_header(&member.key)))
}

/// The name of the header that a variable holds.
pub(super) fn header_name(variable: &str) -> Option<String> {
    let lower = variable.to_ascii_lowercase();
    let name = match lower.as_str() {
        "content_type" | "content_length" => lower.as_str(),
        _ => lower.strip_prefix("http_")?,
    };
    Some(name.replace('_', "-"))
}
