//! What one schema object demands, as data: the keywords of the file with every reference resolved. Rules name one
//! another by their place in the schema's list, so that a schema may be recursive.

use std::{fmt, ops};

use super::{
    constant::Constant,
    decimal::{Decimal, is_integer},
    format::Format,
    pattern::Pattern,
};
use crate::webhook::json::{Kind, Node};

/// The place of a rule in its schema's list.
pub(super) type RuleId = usize;

/// The demands of one schema object; the default demands nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Rule {
    /// What applies to the same value, before anything else.
    pub(super) references: Vec<Reference>,
    /// What the value itself must be; the first that does not hold is reported, and nothing after it.
    pub(super) assertions: Vec<Assertion>,
    /// What its size, its members and its items must be, and the schemas that apply to it.
    pub(super) applicators: Vec<Applicator>,
    /// `unevaluatedItems` and `unevaluatedProperties`, which go by what all others have seen.
    pub(super) unevaluated: Vec<Unevaluated>,
    /// The schema resource that the rule is part of.
    pub(super) resource: usize,
    /// The types that its references, `type`, `const`, `enum`, `allOf`, `anyOf` and `oneOf` together accept.
    pub(super) accepts: Types,
}

/// A reference to a rule.
#[derive(Clone, Debug)]
pub(super) enum Reference {
    /// `$ref`.
    To(RuleId),
    /// `$dynamicRef` or `$recursiveRef`: the rule of this anchor in the outermost resource that has it.
    Dynamic { anchor: String, otherwise: RuleId },
}

/// A demand on the value itself.
#[derive(Clone, Debug)]
pub(super) enum Assertion {
    /// The schema `false`.
    Nothing,
    Constant(Constant),
    OneOf(Vec<Constant>),
    Type(Types),
    /// `type` of draft 4, in which `1.0` is not an integer.
    TypeAsWritten(Types),
    MinLength(u64),
    MaxLength(u64),
    Pattern(Pattern),
    Format(Format),
    Minimum(Bound),
    Maximum(Bound),
    MultipleOf(Bound),
}

/// A number in a schema.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    pub(super) number: Decimal,
    /// As the file writes it.
    pub(super) text: String,
    /// Whether the number itself is out of bounds.
    pub(super) is_exclusive: bool,
}

/// A demand on what the value holds, or that other schemas make of it.
#[derive(Clone, Debug)]
pub(super) enum Applicator {
    Known(Vec<Constant>),
    KnownProperties(Vec<String>),
    AllOf(Vec<RuleId>),
    AnyOf(Vec<RuleId>),
    OneOf(Vec<RuleId>),
    Not(RuleId),
    If(Condition),
    Required(Vec<String>),
    DependentRequired(Vec<(String, Vec<String>)>),
    DependentSchemas(Vec<(String, RuleId)>),
    Size { of: Counted, least: u64, most: u64 },
    PropertyNames(RuleId),
    Properties(Properties),
    Items(Items),
    Contains(Contains),
    UniqueItems,
}

/// `if`, `then` and `else`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Condition {
    pub(super) test: RuleId,
    pub(super) then: Option<RuleId>,
    pub(super) otherwise: Option<RuleId>,
}

/// What a size counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    Items,
    Members,
}

/// `properties`, `patternProperties` and `additionalProperties`.
#[derive(Clone, Debug, Default)]
pub(super) struct Properties {
    pub(super) named: Vec<(String, RuleId)>,
    pub(super) patterns: Vec<(Pattern, RuleId)>,
    pub(super) others: Option<RuleId>,
}

/// `prefixItems` and `items`, or `items` and `additionalItems` of earlier drafts.
#[derive(Clone, Debug, Default)]
pub(super) struct Items {
    pub(super) first: Vec<RuleId>,
    pub(super) others: Option<RuleId>,
}

/// `contains`, `minContains` and `maxContains`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contains {
    pub(super) rule: RuleId,
    pub(super) least: u64,
    pub(super) most: u64,
    /// Whether the items that match count as evaluated.
    pub(super) evaluates: bool,
}

/// A demand on what no other keyword has looked at.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unevaluated {
    Items(RuleId),
    Properties(RuleId),
}

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

    /// The names in a schema and the words in a message, the wider of two types first.
    const NAMES: [(Self, &str, &str); 7] = [
        (Self::STRING, "string", "a string"),
        (Self::NUMBER, "number", "a number"),
        (Self::INTEGER, "integer", "an integer"),
        (Self::BOOLEAN, "boolean", "true or false"),
        (Self::ARRAY, "array", "an array"),
        (Self::OBJECT, "object", "an object"),
        (Self::NULL, "null", "null"),
    ];

    /// The type that JSON Schema calls by that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known, _)| *known == name).map(|(types, ..)| *types)
    }

    /// The names that JSON Schema has for types.
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
