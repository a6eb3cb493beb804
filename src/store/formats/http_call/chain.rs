//! Methods called on a request of superagent or supertest: `.set(…)`, `.type(…)`, `.send(…)`.

use super::{
    super::parts::{ParseError, expected, quoted},
    super::values::text_literal::SourceLanguage,
    expression::{Argument, Expression, arguments, name},
    value,
};

/// The method calls that follow a call, possibly on the next lines. Each is an argument with the method's name, whose
/// value is the list of its arguments.
pub(super) fn methods(text: &str) -> (Vec<Argument>, &str) {
    let (mut calls, mut rest) = (Vec::new(), text);
    while let Some(call) = rest.trim_start().strip_prefix('.') {
        let method = name(call);
        let after = &call[method.len()..];
        let Some((found, after)) =
            after.starts_with('(').then(|| arguments(after, SourceLanguage::JavaScript)).flatten()
        else {
            break;
        };
        let values = found.into_iter().map(|argument| argument.value).collect();
        calls.push(Argument { name: Some(method.to_owned()), value: Expression::List(values) });
        rest = after;
    }
    (calls, rest)
}

/// Whether the leading method calls, the last of which may be incomplete, set headers or a body.
pub(super) fn has_content(text: &str) -> bool {
    let (calls, rest) = methods(text);
    let names = calls.iter().filter_map(|call| call.name.as_deref());
    let last = name(rest.trim_start().strip_prefix('.').unwrap_or_default());
    names.chain([last]).any(|method| ["set", "send", "field", "attach"].contains(&method))
}

/// The methods that don't change the request.
const NEUTRAL: [&str; 13] = [
    "buffer",
    "catch",
    "end",
    "expect",
    "finally",
    "ok",
    "on",
    "parse",
    "redirects",
    "responseType",
    "retry",
    "then",
    "timeout",
];

/// The options that these calls set: `headers` and `body`. If there is no body, other methods are allowed, because the
/// request is not read.
pub(super) fn options(calls: &[Argument]) -> Result<Vec<(String, Expression)>, ParseError> {
    let (mut headers, mut options) = (Vec::new(), Vec::new());
    let has_body = calls.iter().any(|call| call.name.as_deref() == Some("send"));
    for Argument { name, value } in calls {
        let Expression::List(values) = value else { continue };
        match (name.as_deref(), &values[..]) {
            (Some("set"), [Expression::Text(name), value]) => headers.push((name.clone(), value.clone())),
            (Some("set"), [fields]) => {
                let fields = value::fields("headers", fields)?;
                headers.extend(fields.into_iter().map(|(name, value)| (name, Expression::Text(value))));
            }
            (Some("set"), [other, _]) => return Err(value::unknown("name of a header", other)),
            (Some("type"), [kind]) => headers.push(("content-type".to_owned(), media_type(kind)?)),
            (Some("accept"), [kind]) => headers.push(("accept".to_owned(), media_type(kind)?)),
            (Some("send"), [body]) if options.is_empty() => options.push(("body".to_owned(), body.clone())),
            (Some("send"), [_]) => return Err(expected("a body in one `.send(…)`, found several")),
            (Some("query"), _) => return Err(expected("the query in the URL, found `.query(…)`")),
            (Some("attach" | "field"), _) => {
                return Err(expected("a body whose bytes are in the text, found a multipart form"));
            }
            (Some(method), _) if has_body && !NEUTRAL.contains(&method) => {
                return Err(expected(format!("a request without `.{method}(…)`, which changes what is sent")));
            }
            _ => {}
        }
    }
    options.push(("headers".to_owned(), Expression::Object(headers)));
    Ok(options)
}

/// A media type, or superagent's short name for one.
fn media_type(kind: &Expression) -> Result<Expression, ParseError> {
    let Expression::Text(text) = kind else { return Err(value::unknown("media type", kind)) };
    let name = match text.as_str() {
        "json" => "application/json",
        "form" | "urlencoded" => "application/x-www-form-urlencoded",
        whole if whole.contains('/') => whole,
        short => return Err(expected(format!("a whole media type, found {}", quoted(short)))),
    };
    Ok(Expression::Text(name.to_owned()))
}
