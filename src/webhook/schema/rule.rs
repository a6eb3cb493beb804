//! The requirements of one schema object, as data: the keywords of the file with every reference resolved. Rules refer
//! to one another by their index in the schema's list, so that a schema may be recursive.

use super::{constant::Constant, decimal::Decimal, format::FormatKeyword, pattern::SchemaPattern, types::Types};

/// The index of a rule in its schema's list.
pub(super) type RuleId = usize;

/// The requirements of one schema object; the default has none.
#[derive(Clone, Debug, Default)]
pub(super) struct Rule {
    /// References that apply to the same value, before anything else.
    pub(super) references: Vec<Reference>,
    /// What the value itself must be; only the first violation is reported.
    pub(super) assertions: Vec<Assertion>,
    /// Whether any of these may take much longer than a visit: a list of values, or a pattern.
    pub(super) is_laborious: bool,
    /// What its size, its members and its items must be, and the schemas that apply to it.
    pub(super) applicators: Vec<Applicator>,
    /// `unevaluatedItems` and `unevaluatedProperties`, which depend on all other keywords.
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

/// A requirement for the value itself.
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
    Pattern(SchemaPattern),
    Format(FormatKeyword),
    Minimum(Bound),
    Maximum(Bound),
    MultipleOf(Bound),
}

impl Assertion {
    /// Whether it may take much longer than a visit.
    pub(super) const fn is_laborious(&self) -> bool {
        matches!(self, Self::OneOf(_) | Self::Pattern(_))
    }
}

/// A number in a schema.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    pub(super) number: Decimal,
    /// Its text in the file.
    pub(super) text: String,
    /// Whether the number itself is out of bounds.
    pub(super) is_exclusive: bool,
}

/// A requirement for the contents of the value, or one of another schema.
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
    Size { of: SizeUnit, least: u64, most: u64 },
    PropertyNames(RuleId),
    Properties(Properties),
    Items(Items),
    Contains(Contains),
    UniqueItems,
}

impl Applicator {
    /// How many names it compares with those of an object's members.
    pub(super) fn names(&self) -> usize {
        match self {
            Self::KnownProperties(names) | Self::Required(names) => names.len(),
            Self::Properties(properties) => properties.named.len(),
            Self::DependentRequired(dependencies) => dependencies.len(),
            Self::DependentSchemas(dependencies) => dependencies.len(),
            _ => 0,
        }
    }
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
pub(super) enum SizeUnit {
    Items,
    Members,
}

/// `properties`, `patternProperties` and `additionalProperties`.
#[derive(Clone, Debug, Default)]
pub(super) struct Properties {
    pub(super) named: Vec<(String, RuleId)>,
    pub(super) patterns: Vec<(SchemaPattern, RuleId)>,
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

/// A requirement for items or members that no other keyword has evaluated.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unevaluated {
    Items(RuleId),
    Properties(RuleId),
}
