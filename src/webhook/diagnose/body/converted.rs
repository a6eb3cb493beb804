//! Hypotheses about bodies that were converted to another format: a form to JSON, JSON to a form, or JSON to Python's
//! printed form.

use std::ops::ControlFlow;

use super::{
    form::{MOST_FIELDS, is_form, written},
    hypothesis::{Emit, ReceivedBody},
};
use crate::webhook::{
    diagnose::{Code, LONGEST_REWRITTEN, SearchStep},
    json::{self, Kind, quote},
};

/// The body in each format that it may have been converted from.
pub fn formats(received: ReceivedBody<'_>, emit: &mut Emit<'_>) -> SearchStep {
    let Ok(text) = str::from_utf8(received.body) else { return ControlFlow::Continue(()) };
    if text.len() > LONGEST_REWRITTEN {
        return ControlFlow::Continue(());
    }
    if let Some(fields) = fields(text) {
        if fields[0].0.starts_with(['{', '[']) {
            let message = "the signature covers the JSON that is now the name of a member: JSON was parsed as a form, because its content-type said so, and serialised again";
            emit(of_names(&fields).into_bytes(), Code::BodyReserialised, message.into())?;
        }
        for (form, words) in written(&fields) {
            let message = format!(
                "the signature covers the same fields as a form, {words}: the form was converted to JSON after signing"
            );
            emit(form.into_bytes(), Code::BodyReserialised, message.into())?;
        }
    }
    if json::parse(text).is_ok() {
        in_field(text, emit)?;
    }
    if text.starts_with("{'") || text.starts_with("[{'") {
        let message = "the signature covers the same data as JSON: the body is what Python prints for a dict";
        emit(from_python(text).into_bytes(), Code::BodyLogged, message.into())?;
    }
    if is_form(received.body, received.request) { of_form(text, emit) } else { ControlFlow::Continue(()) }
}

/// A form with the JSON in the field that providers use for it. The sender's JSON may escape slashes.
fn in_field(json: &str, emit: &mut Emit<'_>) -> SearchStep {
    for value in [json.to_owned(), json.replace('/', "\\/")] {
        for (form, _) in written(&[("payload".to_owned(), value)]) {
            let message = "the signature covers a form whose field `payload` is this JSON: the field was taken out of the form before verifying";
            emit(form.into_bytes(), Code::BodyReserialised, message.into())?;
        }
    }
    ControlFlow::Continue(())
}

/// The text whose parts between `&` and `=` are names and values.
fn of_names(fields: &[(String, String)]) -> String {
    let joined =
        |(name, value): &(String, String)| if value.is_empty() { name.clone() } else { format!("{name}={value}") };
    fields.iter().map(joined).collect::<Vec<_>>().join("&")
}

/// The fields of a flat JSON object, as a form has them.
fn fields(text: &str) -> Option<Vec<(String, String)>> {
    let Ok(json::Node { kind: Kind::Object(members), .. }) = json::parse(text) else { return None };
    let mut fields = Vec::new();
    for member in members.iter().take(MOST_FIELDS) {
        let values = match &member.value.kind {
            Kind::Array(items) => items.as_slice(),
            _ => std::slice::from_ref(&member.value),
        };
        for value in values {
            let value = match &value.kind {
                Kind::String(text) => text.clone().into_owned(),
                Kind::Number(number) => (*number).to_owned(),
                Kind::Bool(value) => value.to_string(),
                Kind::Null => String::new(),
                Kind::Object(_) | Kind::Array(_) => return None,
            };
            fields.push((member.key.clone().into_owned(), value));
        }
    }
    (!fields.is_empty()).then_some(fields)
}

fn of_form(text: &str, emit: &mut Emit<'_>) -> SearchStep {
    let spaced = text.replace('+', " ");
    let decoded = percent_encoding::percent_decode_str(spaced.trim_end_matches('=')).decode_utf8_lossy();
    if decoded.starts_with(['{', '[']) {
        let message = "the signature covers the JSON that is now the name of a form field: JSON was parsed as a form after signing, and encoded again";
        emit(decoded.into_owned().into_bytes(), Code::BodyReserialised, message.into())?;
    }
    let fields: Vec<_> = form_urlencoded::parse(text.as_bytes()).take(MOST_FIELDS).collect();
    for (comma, colon) in [(",", ":"), (", ", ": ")] {
        for is_typed in [false, true] {
            let value = |value: &str| if is_typed && is_literal(value) { value.to_owned() } else { quote(value) };
            let members: Vec<String> =
                fields.iter().map(|(name, text)| format!("{}{colon}{}", quote(name), value(text))).collect();
            let json = format!("{{{}}}", members.join(comma));
            let message = "the signature covers the same fields as JSON: it was converted to a form after signing";
            emit(json.into_bytes(), Code::BodyReserialised, message.into())?;
        }
    }
    ControlFlow::Continue(())
}

/// Whether a text is a number or a word of JSON.
fn is_literal(text: &str) -> bool {
    matches!(text, "true" | "false" | "null") || serde_json::from_str::<serde_json::Number>(text).is_ok()
}

/// A dict as JSON with the same spaces. A quote within a text yields different JSON, which then proves nothing.
fn from_python(text: &str) -> String {
    let words = [(": True", ": true"), (": False", ": false"), (": None", ": null")];
    let quoted = text.replace('\'', "\"");
    words.into_iter().fold(quoted, |text, (python, json)| text.replace(python, json))
}
