//! What can be wrong with a value, and the wording of the messages. They follow the name of the value: `expected a
//! string, found 999`. Texts from the payload, and long ones from the schema, are quoted and shortened.

use std::fmt;

use super::{
    constant::Constant,
    excerpt::shortened,
    rule::{Assertion, SizeUnit},
    types::Types,
};
use crate::webhook::json::{Kind, Node, quote};

/// How many alternatives a message lists.
const MAX_LISTED: usize = 20;

/// One thing that is wrong with one value.
pub(super) enum SchemaProblem<'a> {
    Assertion {
        expected: &'a Assertion,
        found: &'a Node<'a>,
    },
    Type {
        expected: Types,
        found: &'a Node<'a>,
    },
    Missing,
    MissingBeside(&'a str),
    /// The rule that an invalid name violates.
    Name(&'a str),
    /// The value matches the schema of `not`.
    Excluded,
    /// The value matches several schemas of `oneOf`.
    Ambiguous,
    Size {
        of: SizeUnit,
        least: u64,
        most: u64,
        found: usize,
    },
    Matching {
        least: u64,
        most: u64,
        found: u64,
    },
    Duplicate(usize, usize),
    UnknownValue(&'a Node<'a>),
    UnknownProperty,
    /// The pattern needs a backtracking engine.
    UnsupportedPattern(&'a str),
    Unchecked,
}

impl fmt::Display for SchemaProblem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Assertion { expected, found } => assertion(f, expected, found),
            Self::Type { expected, found } => write!(f, "expected {expected}, found {}", ValueExcerpt(found)),
            Self::Missing => f.write_str("is required but missing"),
            Self::MissingBeside(key) => write!(f, "is required together with {}, but missing", quote(&shortened(key))),
            Self::Name(problem) => write!(f, "has an invalid name: {problem}"),
            Self::Excluded => f.write_str("matches a schema that is excluded by `not`"),
            Self::Ambiguous => f.write_str("matches more than one schema of `oneOf`"),
            Self::Size { of, least, most, found } => {
                let expected = if (found as u64) < least { least } else { most };
                let unit = match (of, expected) {
                    (SizeUnit::Items, 1) => "item",
                    (SizeUnit::Items, _) => "items",
                    (SizeUnit::Members, 1) => "member",
                    (SizeUnit::Members, _) => "members",
                };
                let direction = if expected == least { "more" } else { "fewer" };
                write!(f, "expected {expected} {unit} or {direction}, found {found}")
            }
            Self::Matching { least: 1, found: 0, .. } => {
                f.write_str("has no item that matches the schema of `contains`")
            }
            Self::Matching { least, most, found } => {
                let (expected, direction) = if found < least { (least, "more") } else { (most, "fewer") };
                write!(f, "expected {expected} or {direction} items that match the schema of `contains`, found {found}")
            }
            Self::Duplicate(first, second) => {
                write!(f, "expected items that differ, but items {first} and {second} are equal")
            }
            Self::UnknownValue(found) => write!(f, "{} is not among the values known today", ValueExcerpt(found)),
            Self::UnknownProperty => f.write_str("is not among the names known today"),
            Self::UnsupportedPattern(pattern) => write!(
                f,
                "is not checked against the pattern `{}`: lookaround, backreferences and Unicode properties are not supported",
                shortened(pattern)
            ),
            Self::Unchecked => f.write_str("takes too much work to be checked"),
        }
    }
}

fn assertion(f: &mut fmt::Formatter<'_>, expected: &Assertion, found: &Node<'_>) -> fmt::Result {
    match expected {
        Assertion::Nothing => return f.write_str("is not allowed"),
        Assertion::MinLength(1) => return f.write_str("must not be empty"),
        Assertion::Constant(value) => write!(f, "expected {value}")?,
        Assertion::OneOf(values) => alternatives(f, values)?,
        Assertion::Type(types) => write!(f, "expected {types}")?,
        Assertion::TypeAsWritten(types) => write!(f, "expected {types} without a fraction or an exponent")?,
        Assertion::MinLength(least) => write!(f, "expected {least} characters or more")?,
        Assertion::MaxLength(1) => f.write_str("expected 1 character or fewer")?,
        Assertion::MaxLength(most) => write!(f, "expected {most} characters or fewer")?,
        Assertion::Pattern(pattern) => write!(f, "expected a string that matches `{}`", shortened(pattern.as_str()))?,
        Assertion::Format(format) => write!(f, "expected {}", format.words())?,
        Assertion::Minimum(bound) if bound.is_exclusive => write!(f, "expected more than {}", shortened(&bound.text))?,
        Assertion::Minimum(bound) => write!(f, "expected {} or more", shortened(&bound.text))?,
        Assertion::Maximum(bound) if bound.is_exclusive => write!(f, "expected less than {}", shortened(&bound.text))?,
        Assertion::Maximum(bound) => write!(f, "expected {} or less", shortened(&bound.text))?,
        Assertion::MultipleOf(bound) => write!(f, "expected a multiple of {}", shortened(&bound.text))?,
    }
    write!(f, ", found {}", ValueExcerpt(found))
}

fn alternatives(f: &mut fmt::Formatter<'_>, values: &[Constant]) -> fmt::Result {
    f.write_str(if values.len() == 1 { "expected" } else { "expected one of" })?;
    for (index, value) in values.iter().take(MAX_LISTED).enumerate() {
        write!(f, "{} {value}", if index == 0 { "" } else { "," })?;
    }
    match values.len().saturating_sub(MAX_LISTED) {
        0 => Ok(()),
        more => write!(f, " or {more} more"),
    }
}

/// A value of the payload, shortened for a message.
struct ValueExcerpt<'a>(&'a Node<'a>);

impl fmt::Display for ValueExcerpt<'_> {
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
