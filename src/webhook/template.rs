//! Text with `{placeholders}`: the syntax of all templates in a manifest.

use serde_json::Value;

/// A piece of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplatePiece<'a> {
    /// Literal text.
    Literal(&'a str),
    /// The name between braces.
    Placeholder(&'a str),
}

/// Splits a template into literal text and placeholders.
///
/// # Errors
///
/// If a brace is not closed, was not opened, or is empty.
pub fn split(text: &str) -> Result<Vec<TemplatePiece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let at = |rest: &str| text[..text.len() - rest.len()].chars().count() + 1;
    while let Some(open) = rest.find(['{', '}']) {
        let (before, after) = rest.split_at(open);
        if !before.is_empty() {
            pieces.push(TemplatePiece::Literal(before));
        }
        let Some(inner) = after.strip_prefix('{') else {
            return Err(format!("`}}` at character {} has no opening brace", at(after)));
        };
        let close = inner.find(['{', '}']).filter(|&i| inner[i..].starts_with('}'));
        let Some(close) = close else {
            return Err(format!("`{{` at character {} is not closed", at(after)));
        };
        if close == 0 {
            return Err(format!("`{{}}` at character {} is empty", at(after)));
        }
        pieces.push(TemplatePiece::Placeholder(&inner[..close]));
        rest = &inner[close + 1..];
    }
    if !rest.is_empty() {
        pieces.push(TemplatePiece::Literal(rest));
    }
    Ok(pieces)
}

/// JSON whose strings are templates of the type `T`.
#[derive(Clone, Debug, PartialEq)]
pub enum JsonTemplate<T> {
    /// A string.
    Text(T),
    Array(Vec<Self>),
    /// An object's members, in order.
    Object(Vec<(String, Self)>),
    /// A number, a boolean or null.
    Constant(Value),
}

impl<T> JsonTemplate<T> {
    /// Parses each string of a value.
    ///
    /// # Errors
    ///
    /// What is wrong with the first string that `parse` refuses.
    pub fn parse(value: &Value, parse: fn(&str) -> Result<T, String>) -> Result<Self, String> {
        Ok(match value {
            Value::String(text) => Self::Text(parse(text)?),
            Value::Array(items) => {
                Self::Array(items.iter().map(|item| Self::parse(item, parse)).collect::<Result<_, _>>()?)
            }
            Value::Object(members) => {
                let member = |(name, value): (&String, _)| Ok((name.clone(), Self::parse(value, parse)?));
                Self::Object(members.iter().map(member).collect::<Result<_, String>>()?)
            }
            constant => Self::Constant(constant.clone()),
        })
    }

    /// The JSON with each string filled in.
    pub fn fill(&self, text: &dyn Fn(&T) -> String) -> Value {
        match self {
            Self::Text(template) => Value::String(text(template)),
            Self::Array(items) => items.iter().map(|item| item.fill(text)).collect(),
            Self::Object(members) => {
                Value::Object(members.iter().map(|(name, value)| (name.clone(), value.fill(text))).collect())
            }
            Self::Constant(value) => value.clone(),
        }
    }

    /// The strings.
    pub fn texts(&self) -> Vec<&T> {
        match self {
            Self::Text(template) => vec![template],
            Self::Array(items) => items.iter().flat_map(Self::texts).collect(),
            Self::Object(members) => members.iter().flat_map(|(_, value)| value.texts()).collect(),
            Self::Constant(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_literals_from_placeholders() {
        let pieces =
            [TemplatePiece::Literal("v1,"), TemplatePiece::Placeholder("base64"), TemplatePiece::Literal(" ü")];
        assert_eq!(split("v1,{base64} ü").as_deref(), Ok(&pieces[..]));
        assert_eq!(split(""), Ok(vec![]));
    }

    #[test]
    fn a_wrong_brace_is_reported_with_its_position() {
        assert_eq!(split("ü{a"), Err("`{` at character 2 is not closed".into()));
        assert_eq!(split("a}"), Err("`}` at character 2 has no opening brace".into()));
        assert_eq!(split("{a{b}"), Err("`{` at character 1 is not closed".into()));
        assert_eq!(split("a{}"), Err("`{}` at character 2 is empty".into()));
    }
}
