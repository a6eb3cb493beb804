//! The set of JSON types that a schema allows.

use std::{fmt, ops};

use super::decimal::is_integer;
use crate::webhook::json::{Kind, Node};

/// A set of JSON types; the default is all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Types(u8);

impl Types {
    pub(super) const NONE: Self = Self(0);
    pub(super) const NULL: Self = Self(1);
    pub(super) const BOOLEAN: Self = Self(1 << 1);
    pub(super) const INTEGER: Self = Self(1 << 2);
    pub(super) const FRACTION: Self = Self(1 << 3);
    pub(super) const NUMBER: Self = Self(Self::INTEGER.0 | Self::FRACTION.0);
    pub(super) const STRING: Self = Self(1 << 4);
    pub(super) const ARRAY: Self = Self(1 << 5);
    pub(super) const OBJECT: Self = Self(1 << 6);

    /// The names in a schema and the wording in messages, the wider of two types first.
    const NAMES: [(Self, &str, &str); 7] = [
        (Self::STRING, "string", "a string"),
        (Self::NUMBER, "number", "a number"),
        (Self::INTEGER, "integer", "an integer"),
        (Self::BOOLEAN, "boolean", "true or false"),
        (Self::ARRAY, "array", "an array"),
        (Self::OBJECT, "object", "an object"),
        (Self::NULL, "null", "null"),
    ];

    /// The type with this name in JSON Schema.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known, _)| *known == name).map(|(types, ..)| *types)
    }

    /// The names of types in JSON Schema.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().map(|(_, name, _)| *name)
    }

    /// Whether a value of the payload is of one of these types.
    pub(super) fn contains(self, node: &Node<'_>) -> bool {
        let of_node = match &node.kind {
            Kind::Null => Self::NULL,
            Kind::Bool(_) => Self::BOOLEAN,
            Kind::Number(text) if is_integer(text) => Self::INTEGER,
            Kind::Number(_) => Self::FRACTION,
            Kind::String(_) => Self::STRING,
            Kind::Array(_) => Self::ARRAY,
            Kind::Object(_) => Self::OBJECT,
        };
        self.0 & of_node.0 != 0
    }
}

impl Default for Types {
    fn default() -> Self {
        Self::NAMES.iter().map(|(types, ..)| *types).collect()
    }
}

/// The union.
impl FromIterator<Self> for Types {
    fn from_iter<T: IntoIterator<Item = Self>>(sets: T) -> Self {
        sets.into_iter().fold(Self::NONE, |union, types| Self(union.0 | types.0))
    }
}

/// The intersection.
impl ops::BitAnd for Types {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

/// The words, `a string, an integer or null`.
impl fmt::Display for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let holds = |types: Self| *self & types == types;
        // An integer is a number already.
        let is_said = |types: Self| holds(types) && (types != Self::INTEGER || !holds(Self::NUMBER));
        let words: Vec<_> =
            Self::NAMES.iter().filter(|(types, ..)| is_said(*types)).map(|(.., words)| *words).collect();
        match words.split_last() {
            None => f.write_str("no value"),
            Some((last, [])) => f.write_str(last),
            Some((last, others)) => write!(f, "{} or {last}", others.join(", ")),
        }
    }
}
