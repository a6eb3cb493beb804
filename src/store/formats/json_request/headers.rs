//! The headers of a JSON request, in all forms in which programs log them.

use std::borrow::Cow;

use super::{
    super::{
        cgi,
        parts::{self, ParseError, expected},
        values,
    },
    HEADERS, first, text,
};
use crate::webhook::{
    json::{Kind, Member, Node},
    request::Headers,
};

/// The headers in any form.
pub(super) fn headers(found: &Node<'_>) -> Result<Headers, ParseError> {
    // API Gateway has repeated headers only in `multiValueHeaders`.
    let several = found
        .member("multiValueHeaders")
        .filter(|node| matches!(&node.kind, Kind::Object(members) if !members.is_empty()));
    let Some((key, node)) = several.map(|node| ("multiValueHeaders", node)).or_else(|| first(found, HEADERS)) else {
        return of_variables(found);
    };
    if cgi::has_headers(node) {
        return of_variables(node);
    }
    // Charles stores them beside the first line of the message.
    let inner = node.member("headers").filter(|inner| matches!(inner.kind, Kind::Array(_) | Kind::Object(_)));
    let node = inner.unwrap_or(node);
    let mut fields: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
    match &node.kind {
        Kind::Object(members) => {
            for member in members {
                for value in values(key, &member.value)? {
                    fields.push((member.key.clone(), value));
                }
            }
        }
        // Node's `rawHeaders` alternate names and values.
        Kind::Array(items) if is_alternating(items) => {
            fields.extend(items.chunks(2).filter_map(|pair| Some((pair[0].text()?, pair[1].text()?))));
        }
        Kind::Array(items) => {
            for item in items {
                fields.push(field(item).ok_or_else(|| unreadable(key))?);
            }
        }
        Kind::String(text) if values::headers(text).is_some() => {
            let printed = values::headers(text).unwrap_or_default();
            fields.extend(printed.into_iter().map(|(name, value)| (Cow::Owned(name), Cow::Owned(value))));
        }
        Kind::String(text) => {
            let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("HTTP/"));
            for line in lines {
                let (name, value) = split_field(line).ok_or_else(|| unreadable(key))?;
                fields.push((Cow::Owned(name.to_owned()), Cow::Owned(value.to_owned())));
            }
        }
        _ => return Err(unreadable(key)),
    }
    fields.iter().map(|(name, value)| parts::foreign_field(name, value)).collect()
}

/// The headers that an object contains as CGI variables.
fn of_variables(node: &Node<'_>) -> Result<Headers, ParseError> {
    let Kind::Object(members) = &node.kind else { return Ok(Headers::new()) };
    let field = |member: &Member<'_>| Some((cgi::header_name(&member.key)?, scalar(&member.value)?.into_owned()));
    let fields = members.iter().filter_map(field).filter(|(_, value)| !value.is_empty());
    fields.map(|(name, value)| parts::foreign_field(&name, &value)).collect()
}

fn unreadable(key: &str) -> ParseError {
    // The errors of verification libraries have the value of a single header there.
    if key == "header" {
        return expected(
            "header lines in `header`, with their names; save the raw body alone, and pass each header with `verify --body FILE --header 'NAME: VALUE'`",
        );
    }
    expected(format!("headers in `{key}`: an object, or a list of pairs or of objects with `name` and `value`"))
}

fn is_alternating(items: &[Node<'_>]) -> bool {
    let is_name = |node: &Node<'_>| node.text().is_some_and(|text| !text.is_empty() && !text.contains([':', ' ']));
    items.len().is_multiple_of(2)
        && items.iter().all(|item| item.text().is_some())
        && items.iter().step_by(2).all(is_name)
}

/// One header of a list: `[name, value]`, `{name, value}`, `{key, value}` or `"name: value"`.
fn field<'n>(item: &'n Node<'_>) -> Option<(Cow<'n, str>, Cow<'n, str>)> {
    match &item.kind {
        Kind::Array(pair) => match &pair[..] {
            [name, value] => Some((name.text()?, scalar(value)?)),
            _ => None,
        },
        Kind::Object(_) => {
            let (_, name) = text(item, &["name", "key", "header"])?;
            Some((name, scalar(item.member("value")?)?))
        }
        Kind::String(line) => {
            let (name, value) = split_field(line)?;
            Some((Cow::Borrowed(name), Cow::Borrowed(value)))
        }
        _ => None,
    }
}

fn split_field(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    Some((name.trim(), value.trim()))
}

fn scalar<'n>(node: &'n Node<'_>) -> Option<Cow<'n, str>> {
    match &node.kind {
        Kind::Number(number) => Some(Cow::Borrowed(*number)),
        Kind::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
        _ => node.text(),
    }
}

/// The values of one name: a scalar, a list of them, or a list of `{key, value}` as `CloudFront` has it.
fn values<'n>(key: &str, node: &'n Node<'_>) -> Result<Vec<Cow<'n, str>>, ParseError> {
    match &node.kind {
        Kind::Null => Ok(Vec::new()),
        Kind::Array(items) => items
            .iter()
            .map(|item| item.member("value").map_or_else(|| scalar(item), scalar).ok_or_else(|| unreadable(key)))
            .collect(),
        _ => Ok(vec![scalar(node).ok_or_else(|| unreadable(key))?]),
    }
}
