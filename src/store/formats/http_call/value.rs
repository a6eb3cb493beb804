//! Turns expressions, with their variables filled in, into parts of a request: text, fields, JSON, or a body.

use super::{
    super::{
        parts::{self, ParseError, expected, quoted},
        written,
    },
    expression::{Argument, Expression},
};
use crate::webhook::{diagnose::Layout, json as literal};

/// The content of a body.
pub(super) enum SentContent {
    Nothing,
    /// Exact bytes, and the content type that goes with them.
    Bytes(Vec<u8>, Option<&'static str>),
    /// Values for the library to serialise.
    Values(Expression),
}

/// The text of an expression. `what` names the part of the request in errors.
pub(super) fn text(what: &str, found: &Expression) -> Result<String, ParseError> {
    match found {
        Expression::Text(text) | Expression::Number(Some(text)) => Ok(text.clone()),
        // Numbers are added up, unless a text precedes them.
        Expression::Joined(parts) if !matches!(parts[..], [Expression::Number(_), Expression::Number(_), ..]) => {
            parts.iter().map(|part| text(what, part)).collect()
        }
        Expression::Call(function, arguments) => match (function.as_str(), &arguments[..]) {
            ("URL" | "str" | "String" | ".toString", [argument]) => text(what, &argument.value),
            (".strip" | ".trim", [argument]) => Ok(text(what, &argument.value)?.trim().to_owned()),
            _ => Err(unknown(what, found)),
        },
        Expression::Constant(word) => {
            Err(expected(format!("the {what} as text or a number, found {word}, which libraries send differently")))
        }
        other => Err(unknown(what, other)),
    }
}

/// The members of an object or the pairs of a list, with their texts.
pub(super) fn fields(what: &str, found: &Expression) -> Result<Vec<(String, String)>, ParseError> {
    let found = match found {
        Expression::Call(function, arguments)
            if matches!(function.as_str(), "Headers" | "URLSearchParams" | "dict") =>
        {
            arguments.first().map_or(&Expression::Constant("null"), |argument| &argument.value)
        }
        found => found,
    };
    match found {
        Expression::Constant("null") => Ok(Vec::new()),
        Expression::Object(members) => members
            .iter()
            .map(|(name, value)| Ok((name.clone(), text(&format!("value of {}", quoted(name)), value)?)))
            .collect(),
        Expression::List(pairs) => pairs
            .iter()
            .map(|pair| match pair {
                Expression::List(pair) if pair.len() == 2 => Ok((text(what, &pair[0])?, text(what, &pair[1])?)),
                other => Err(unknown(what, other)),
            })
            .collect(),
        other => Err(unknown(what, other)),
    }
}

/// An expression as JSON.
pub(super) fn json(found: &Expression) -> Result<String, ParseError> {
    Ok(match found {
        Expression::Text(_) | Expression::Joined(_) | Expression::Call(..) => {
            literal::quote(&text("value in the body", found)?)
        }
        Expression::Number(Some(number)) => number.clone(),
        Expression::Constant(word) => (*word).to_owned(),
        Expression::List(items) => {
            let items: Vec<String> = items.iter().map(json).collect::<Result<_, _>>()?;
            format!("[{}]", items.join(","))
        }
        Expression::Object(members) => {
            let member = |(name, value): &(String, _)| Ok(format!("{}:{}", literal::quote(name), json(value)?));
            let members: Vec<String> = members.iter().map(member).collect::<Result<_, ParseError>>()?;
            format!("{{{}}}", members.join(","))
        }
        other => return Err(unknown("value in the body", other)),
    })
}

/// An expression as a body.
pub(super) fn content(found: &Expression) -> Result<SentContent, ParseError> {
    let bytes = |text: String| Ok(SentContent::Bytes(text.into_bytes(), None));
    match found {
        Expression::Constant("null") => Ok(SentContent::Nothing),
        Expression::Text(text) => bytes(text.clone()),
        Expression::Joined(_) => bytes(text("body", found)?),
        Expression::Bytes(bytes) => Ok(SentContent::Bytes(bytes.clone(), None)),
        Expression::Object(_) | Expression::List(_) => Ok(SentContent::Values(found.clone())),
        Expression::Call(function, arguments) => {
            let values: Vec<&Expression> = arguments.iter().map(|argument| &argument.value).collect();
            match (function.as_str(), &values[..]) {
                ("JSON.stringify", [value]) => bytes(javascript(value, Layout::Compact)?),
                ("JSON.stringify", [value, Expression::Constant("null"), Expression::Number(Some(indent))]) => {
                    bytes(javascript(value, indented(indent).ok_or_else(|| unknown("body", found))?)?)
                }
                ("json.dumps", [value, ..]) => bytes(python(value, &arguments[1..])?),
                ("str" | "String", [_]) => bytes(text("body", found)?),
                (".encode" | "Buffer.from", [value]) => encoded(value),
                (".strip", [Expression::Bytes(bytes)]) => Ok(SentContent::Bytes(bytes.trim_ascii().to_vec(), None)),
                (".strip" | ".trim" | ".toString", [value]) => match encoded(value)? {
                    SentContent::Bytes(bytes, content_type) if function != ".toString" => {
                        let bytes = str::from_utf8(&bytes).map_err(|_| unknown("body", found))?.trim();
                        Ok(SentContent::Bytes(bytes.as_bytes().to_vec(), content_type))
                    }
                    content => Ok(content),
                },
                (".encode" | "bytes" | "Buffer.from", [value, Expression::Text(encoding)])
                    if matches!(encoding.to_ascii_lowercase().as_str(), "utf-8" | "utf8") =>
                {
                    encoded(value)
                }
                ("Buffer.from", [value, Expression::Text(encoding)]) if encoding == "base64" => {
                    let bytes = parts::base64("Buffer.from", &text("base64", value)?)?;
                    Ok(SentContent::Bytes(bytes.into(), None))
                }
                ("URLSearchParams", [_]) => {
                    let form = written::javascript_form(&fields("form", found)?);
                    Ok(SentContent::Bytes(form.into_bytes(), Some("application/x-www-form-urlencoded;charset=UTF-8")))
                }
                ("urlencode" | "urllib.parse.urlencode" | "parse.urlencode", [form]) => {
                    bytes(written::python_form(&fields("form", form)?))
                }
                _ => Err(unknown("body", found)),
            }
        }
        other => Err(unknown("body", other)),
    }
}

/// Text or bytes as a body. String methods don't turn other values into one.
fn encoded(found: &Expression) -> Result<SentContent, ParseError> {
    match content(found)? {
        bytes @ SentContent::Bytes(..) => Ok(bytes),
        SentContent::Nothing | SentContent::Values(_) => Err(unknown("body", found)),
    }
}

/// A value as `JSON.stringify` writes it.
pub(super) fn javascript(found: &Expression, layout: Layout) -> Result<String, ParseError> {
    written::javascript_json(&json(found)?, layout).ok_or_else(|| unknown("body", found))
}

/// A value as `json.dumps` writes it with these arguments.
pub(super) fn python(found: &Expression, arguments: &[Argument]) -> Result<String, ParseError> {
    let (mut layout, mut is_ascii) = (Layout::Spaced, true);
    for Argument { name, value } in arguments {
        match (name.as_deref(), value) {
            (Some("separators"), Expression::List(separators))
                if separators[..] == [Expression::Text(",".to_owned()), Expression::Text(":".to_owned())] =>
            {
                layout = Layout::Compact;
            }
            (Some("indent"), Expression::Number(Some(indent))) => {
                layout = indented(indent).ok_or_else(|| unknown("body", found))?;
            }
            (Some("ensure_ascii"), Expression::Constant("false")) => is_ascii = false,
            (Some("ensure_ascii"), Expression::Constant("true")) => {}
            (name, _) => {
                let name = name.unwrap_or("a second argument");
                return Err(expected(format!("the body as text, found json.dumps with {name}; print what it returns")));
            }
        }
    }
    written::python_json(&json(found)?, layout, is_ascii).ok_or_else(|| unknown("body", found))
}

fn indented(by: &str) -> Option<Layout> {
    match by {
        "2" => Some(Layout::Indented("  ")),
        "4" => Some(Layout::Indented("    ")),
        _ => None,
    }
}

/// The error for a part whose value isn't in the text. It shows no literals, which may be secrets.
pub(super) fn unknown(what: &str, found: &Expression) -> ParseError {
    let shown = match found {
        Expression::Name(name) => quoted(name),
        Expression::Call(function, _) => quoted(&format!("{function}(…)")),
        Expression::Number(Some(_)) => "a number".to_owned(),
        Expression::Number(None) => "a number that isn't written as in JSON".to_owned(),
        Expression::Text(_) => "text".to_owned(),
        Expression::Constant(word) => (*word).to_owned(),
        Expression::Bytes(_) => "bytes".to_owned(),
        Expression::Joined(_) => "joined text".to_owned(),
        Expression::List(_) => "a list".to_owned(),
        Expression::Object(_) => "an object".to_owned(),
        Expression::Other => "an expression".to_owned(),
    };
    expected(format!("the {what} as a literal, found {shown}: hookdev runs no code; save the request itself instead"))
}
