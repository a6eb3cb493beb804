//! Observations: what can be seen of a rejected request without recomputing anything. They prove nothing, and are said
//! only when no cause is proven.

use super::{Code, Finding, RejectedRequest, body, headers, url};
use crate::webhook::{
    request::Method,
    signature::Scheme,
    words::{REDACTED, bytes},
};

/// Everything that may explain a rejection at sight, the most telling first.
pub fn observations(case: &RejectedRequest<'_>) -> Vec<Finding> {
    let mut all = Vec::new();
    all.extend(redacted(case));
    all.extend(url::seen(case));
    if case.provider.schemes.iter().any(|scheme| scheme.algorithm.covers_content() && scheme.content.signs_body()) {
        of_body(case, &mut all);
    }
    all.extend(headers::seen(case));
    all
}

/// The header that is judged has no signature or token any more.
pub fn redacted(case: &RejectedRequest<'_>) -> Option<Finding> {
    let names = case.provider.schemes.iter().flat_map(Scheme::headers);
    let mut values = names.filter_map(|name| Some((name, case.request.headers.text(name.as_str())?)));
    let (name, _) = values.find(|(_, value)| is_redacted(value))?;
    let message = format!("the `{name}` header was redacted, so there is nothing to verify");
    Some(Finding::new(Code::Redacted, message))
}

/// Whether a value stands for one that is not shown.
fn is_redacted(value: &str) -> bool {
    let inner = value.trim().trim_matches(['[', ']', '<', '>', '(', ')', '{', '}', '"', '\'']).to_ascii_lowercase();
    let words = ["redacted", "filtered", "masked", "hidden", "removed", "sanitized", "omitted", "secret"];
    let is_mark = |c: char| matches!(c, '*' | '•' | '█' | 'x' | 'X' | '.');
    let is_masked = inner.chars().count() >= 3 && inner.chars().all(is_mark);
    value.contains(REDACTED) || is_masked || words.contains(&inner.as_str())
}

fn of_body(case: &RejectedRequest<'_>, all: &mut Vec<Finding>) {
    let request = case.request;
    let mut add = |code, message: String| all.push(Finding::new(code, message));
    if request.body.is_empty() {
        let how = if request.method == Method::GET { ", and the method is GET" } else { "" };
        add(Code::SeenEmptyBody, format!("the body is empty{how}"));
        return;
    }
    let stated = request.headers.text("content-length").and_then(|text| text.trim().parse::<usize>().ok());
    if let Some(missing) =
        stated.and_then(|stated| stated.checked_sub(request.body.len())).filter(|missing| *missing > 0)
    {
        let message = format!(
            "Content-Length says {}, but the body has {}: {missing} {} missing",
            bytes(missing + request.body.len()),
            request.body.len(),
            if missing == 1 { "is" } else { "are" }
        );
        add(Code::SeenMissingBytes, message);
    }
    if body::has_chunk_sizes(&request.body) {
        add(Code::SeenChunkSizes, "the body begins with the size of a chunk, as on the connection".to_owned());
    }
    if body::has_boundaries(&request.body) {
        add(Code::SeenBoundary, "the body begins with a boundary of a multipart message".to_owned());
    }
    if body::has_escapes(&request.body) {
        add(Code::SeenLogEscapes, "the body has escapes or quotes around it that a log or a page adds".to_owned());
    }
    if contains(&request.body, "\u{fffd}".as_bytes()) {
        let message =
            "the body has U+FFFD (\u{fffd}) where bytes could not be decoded: these bytes are lost".to_owned();
        add(Code::SeenReplacementCharacter, message);
    }
}

fn contains(text: &[u8], sought: &[u8]) -> bool {
    text.windows(sought.len()).any(|window| window == sought)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_in_the_place_of_a_value_are_recognised() {
        for value in
            ["[redacted]", "REDACTED", "<redacted>", "[FILTERED]", "***", "••••••••", "xxxxxxxx", "sha256=[redacted]"]
        {
            assert!(is_redacted(value), "{value}");
        }
        for value in ["sha256=0f9f", "xx", "", "v1,abc", "a token"] {
            assert!(!is_redacted(value), "{value}");
        }
    }
}
