//! What can be wrong with a value, and how it is said to people. Messages follow the name of the value: `expected a
//! string, found 999`. What comes from the payload is quoted and shortened.

use std::fmt;

use serde_json::{Number, Value};

use super::{format::Format, rule::Types};
use crate::webhook::json::{Kind, Node, quote};

/// How much of a value from the payload a message shows, in characters.
const SHOWN: usize = 60;

/// One thing that is wrong with one value.
pub(super) enum Problem<'a> {
    Type { expected: Types, found: &'a Node<'a> },
    Constant { expected: &'a Value, found: &'a Node<'a> },
    OneOf { expected: &'a [Value], found: &'a Node<'a> },
    Missing,
    Pattern { expected: &'a str, found: &'a Node<'a> },
    Format { expected: Format, found: &'a Node<'a> },
    TooShort { least: usize, found: &'a Node<'a> },
    TooSmall { least: &'a Number, found: &'a Node<'a> },
    TooLarge { most: &'a Number, found: &'a Node<'a> },
    UnknownValue { found: &'a Node<'a> },
    UnknownProperty,
    Unchecked,
}

impl fmt::Display for Problem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type { expected, found } => write!(f, "expected {expected}, found {}", Found(found)),
            Self::Constant { expected, found } => write!(f, "expected {expected}, found {}", Found(found)),
            Self::OneOf { expected, found } => {
                f.write_str(if expected.len() == 1 { "expected" } else { "expected one of" })?;
                expected
                    .iter()
                    .enumerate()
                    .try_for_each(|(index, value)| write!(f, "{} {value}", if index == 0 { "" } else { "," }))?;
                write!(f, ", found {}", Found(found))
            }
            Self::Missing => f.write_str("is required but missing"),
            Self::Pattern { expected, found } => {
                write!(f, "expected a text that matches `{expected}`, found {}", Found(found))
            }
            Self::Format { expected, found } => write!(f, "expected {}, found {}", expected.words(), Found(found)),
            Self::TooShort { least: 1, .. } => f.write_str("must not be empty"),
            Self::TooShort { least, found } => write!(f, "expected {least} characters or more, found {}", Found(found)),
            Self::TooSmall { least, found } => write!(f, "expected {least} or more, found {}", Found(found)),
            Self::TooLarge { most, found } => write!(f, "expected {most} or less, found {}", Found(found)),
            Self::UnknownValue { found } => write!(f, "{} is not among the values known today", Found(found)),
            Self::UnknownProperty => f.write_str("is not among the names known today"),
            Self::Unchecked => f.write_str("is nested too deeply to be checked"),
        }
    }
}

/// A value of the payload as a message shows it.
struct Found<'a>(&'a Node<'a>);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.kind {
            Kind::Null => f.write_str("null"),
            Kind::Bool(truth) => truth.fmt(f),
            Kind::Number(text) => f.write_str(&shortened(text)),
            Kind::String(text) => f.write_str(&quote(&shortened(text))),
            Kind::Array(_) => f.write_str("an array"),
            Kind::Object(_) => f.write_str("an object"),
        }
    }
}

fn shortened(text: &str) -> std::borrow::Cow<'_, str> {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}
