//! Hypotheses about forms: the same fields in another order or encoding.

use std::ops::ControlFlow;

use super::hypothesis::{Emit, ReceivedBody};
use crate::webhook::{
    diagnose::{Code, SearchStep},
    request::Request,
};

/// The maximum number of fields that are tried in every order.
const MOST_PERMUTED: usize = 5;

/// The maximum number of fields that are re-encoded.
pub const MOST_FIELDS: usize = 1000;

/// The maximum number of fields of a form in which a trimmed one is looked for.
const MOST_TRIMMED: usize = 40;

/// Whether a body is a form, judging by its type or, without one, by its content.
pub fn is_form(body: &[u8], request: &Request) -> bool {
    if request.media_type().as_deref() == Some("application/x-www-form-urlencoded") {
        return body.contains(&b'=');
    }
    let name = body.split(|&byte| byte == b'=').next().unwrap_or_default();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.%+[]*~".contains(byte);
    name.len() < body.len() && !name.is_empty() && name.iter().all(is_plain)
}

/// The form as other libraries encode it, then its fields in other orders.
pub fn rewritten(ReceivedBody { body, request, .. }: ReceivedBody<'_>, emit: &mut Emit<'_>) -> SearchStep {
    if !is_form(body, request) {
        return ControlFlow::Continue(());
    }
    let Ok(text) = std::str::from_utf8(body) else { return ControlFlow::Continue(()) };
    for (changed, words) in respelled(text) {
        let message =
            format!("the signature covers the same form {words}: it was decoded and re-encoded after signing");
        emit(changed.into_bytes(), Code::BodyReencoded, message.into())?;
    }
    reordered(text, emit)
}

/// The form with whitespace at the end or start of one value, which a framework trimmed.
pub fn restored(ReceivedBody { body, request, .. }: ReceivedBody<'_>, emit: &mut Emit<'_>) -> SearchStep {
    let Some(text) = std::str::from_utf8(body).ok().filter(|_| is_form(body, request)) else {
        return ControlFlow::Continue(());
    };
    let fields: Vec<&str> = text.split('&').collect();
    for (index, field) in fields.iter().enumerate().take(MOST_TRIMMED) {
        let Some((name, value)) = field.split_once('=').filter(|(_, value)| !value.is_empty()) else { continue };
        for space in ["+", "%20", "%0A", "%0D%0A"] {
            for restored in [format!("{name}={value}{space}"), format!("{name}={space}{value}")] {
                let mut fields = fields.clone();
                fields[index] = &restored;
                let message = format!(
                    "the signature covers the same form with whitespace at the end or start of `{name}`: its values were trimmed after signing, as by Laravel's TrimStrings"
                );
                emit(fields.join("&").into_bytes(), Code::BodyReserialised, message.into())?;
            }
        }
    }
    ControlFlow::Continue(())
}

fn respelled(text: &str) -> Vec<(String, &'static str)> {
    let fields: Vec<(String, String)> =
        form_urlencoded::parse(text.as_bytes()).into_owned().take(MOST_FIELDS).collect();
    let mut all = vec![
        (text.replace('+', "%20"), "with %20 instead of +"),
        (text.replace("%20", "+"), "with + instead of %20"),
        (text.replace('+', "%2B"), "with %2B instead of +"),
        (text.replace("=+", "=%2B"), "with %2B instead of + at the start of values"),
        (upper_case_escapes(text, false), "with lowercase escapes"),
        (upper_case_escapes(text, true), "with uppercase escapes"),
    ];
    all.extend(written(&fields));
    all
}

/// A form as libraries write it.
pub fn written(fields: &[(String, String)]) -> [(String, &'static str); 5] {
    let written = |space: &str, plain: &str| {
        let encoded = |part: &str| percent_encoded(part, space, plain);
        let fields = fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        fields.collect::<Vec<_>>().join("&")
    };
    [
        (written("+", "*-._"), "as URLSearchParams encodes it"),
        (written("+", "_.-~"), "as Python's urlencode encodes it"),
        (written("+", "-._"), "as PHP's http_build_query encodes it"),
        (written("%20", "-._~"), "as RFC 3986 encodes it, with %20 for spaces"),
        (written("%20", "-_.!~*'()"), "as encodeURIComponent encodes it"),
    ]
}

fn percent_encoded(part: &str, space: &str, plain: &str) -> String {
    let digit = |nibble: u8| char::from(b"0123456789ABCDEF"[usize::from(nibble)]);
    let mut out = String::with_capacity(part.len());
    for byte in part.bytes() {
        match byte {
            b' ' => out.push_str(space),
            _ if byte.is_ascii_alphanumeric() || plain.as_bytes().contains(&byte) => out.push(char::from(byte)),
            _ => out.extend(['%', digit(byte >> 4), digit(byte & 15)]),
        }
    }
    out
}

fn upper_case_escapes(text: &str, upper: bool) -> String {
    let mut left = 0;
    let case = |c: char| {
        let in_escape = left > 0;
        left = if c == '%' { 2 } else { i32::max(0, left - 1) };
        match in_escape {
            true if upper => c.to_ascii_uppercase(),
            true => c.to_ascii_lowercase(),
            false => c,
        }
    };
    text.chars().map(case).collect()
}

fn reordered(text: &str, emit: &mut Emit<'_>) -> SearchStep {
    let fields: Vec<&str> = text.split('&').collect();
    let mut changed = |fields: &[&str], words: &str| {
        let message =
            format!("the signature covers the same form with its fields {words}: they were reordered after signing");
        emit(fields.join("&").into_bytes(), Code::BodyReserialised, message.into())
    };
    let mut sorted = fields.clone();
    sorted.sort_unstable();
    changed(&sorted, "sorted by name")?;
    sorted.reverse();
    changed(&sorted, "sorted by name in descending order")?;
    if fields.len() > MOST_PERMUTED {
        return ControlFlow::Continue(());
    }
    let mut orders: Vec<Vec<&str>> = vec![Vec::new()];
    for field in &fields {
        orders = orders.iter().flat_map(|order| (0..=order.len()).map(|index| inserted(order, index, field))).collect();
    }
    orders.iter().try_for_each(|order| changed(order, "in another order"))
}

fn inserted<'a>(order: &[&'a str], index: usize, field: &'a str) -> Vec<&'a str> {
    let mut order = order.to_vec();
    order.insert(index, field);
    order
}
