//! The drafts of JSON Schema, and the keywords of each. `compile` implements the keywords.

/// A version of JSON Schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Draft {
    Four,
    Six,
    Seven,
    Y2019,
    Y2020,
}

impl Draft {
    /// The draft that a `$schema` names.
    pub(super) fn of_uri(uri: &str) -> Option<Self> {
        let uri = uri.strip_suffix('#').unwrap_or(uri);
        let path = uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://"))?;
        Some(match path.strip_prefix("json-schema.org/")? {
            "draft-04/schema" => Self::Four,
            "draft-06/schema" => Self::Six,
            "draft-07/schema" => Self::Seven,
            "draft/2019-09/schema" => Self::Y2019,
            "draft/2020-12/schema" | "schema" => Self::Y2020,
            _ => return None,
        })
    }

    /// The keyword that gives a schema its URI.
    pub(super) fn id_keyword(self) -> &'static str {
        if self == Self::Four { "id" } else { "$id" }
    }

    /// Whether a `$ref` disables the keywords next to it.
    pub(super) fn hides_siblings_of_ref(self) -> bool {
        self <= Self::Seven
    }

    /// Whether this draft has the keyword; a keyword that no draft has is an annotation.
    pub(super) fn has(self, name: &str) -> bool {
        KEYWORDS.iter().any(|keyword| keyword.name == name && keyword.is_in(self))
    }

    /// Where the schemas are in the value of a keyword.
    pub(super) fn schemas_of(self, name: &str) -> Holds {
        let keyword = KEYWORDS.iter().find(|keyword| keyword.name == name && keyword.is_in(self));
        keyword.map_or(Holds::None, |keyword| keyword.holds)
    }
}

/// Where the schemas are in a keyword's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// Nowhere.
    None,
    /// The value is a schema.
    Schema,
    /// The value is an array of schemas.
    List,
    /// The value is a schema, or an array of schemas.
    SchemaOrList,
    /// The value is an object of schemas.
    Map,
    /// The value is an object of schemas and of arrays of names.
    MapBesideNames,
}

/// One keyword, and the drafts that have it.
#[derive(Clone, Copy, Debug)]
struct Keyword {
    name: &'static str,
    holds: Holds,
    first: Draft,
    last: Draft,
}

impl Keyword {
    fn is_in(self, draft: Draft) -> bool {
        self.first <= draft && draft <= self.last
    }
}

/// The keyword or annotation, of any draft, that was probably meant by an unknown one.
///
/// Schemas may have keywords of their own, so only names that look mistyped count: one edit, or two in a long name.
pub(super) fn meant_by(unknown: &str) -> Option<&'static str> {
    let is_known = |name: &str| name == unknown;
    let names = || KEYWORDS.iter().map(|keyword| keyword.name).chain(ANNOTATIONS.iter().copied());
    if unknown.starts_with("x-") || names().chain(FOREIGN.iter().copied()).any(is_known) {
        return None;
    }
    slip_of(unknown, names())
}

/// The name that `wrong` looks like a typo of.
pub(super) fn slip_of(wrong: &str, names: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let most = if wrong.len() < 8 { 1 } else { 2 };
    let near = names.map(|name| (strsim::osa_distance(wrong, name), name));
    near.filter(|(edits, _)| (1..=most).contains(edits)).min_by_key(|(edits, _)| *edits).map(|(_, name)| name)
}

/// Annotations of JSON Schema, which never make a payload invalid.
const ANNOTATIONS: &[&str] = &[
    "$comment",
    "$vocabulary",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "default",
    "deprecated",
    "description",
    "examples",
    "readOnly",
    "title",
    "writeOnly",
];

/// Names that are one edit away from a keyword but are not typos.
const FOREIGN: &[&str] = &["example", "id", "note"];

const fn keyword(name: &'static str, holds: Holds, first: Draft, last: Draft) -> Keyword {
    Keyword { name, holds, first, last }
}

/// The keywords that decide whether a payload is valid, or where a reference leads.
const KEYWORDS: &[Keyword] = {
    use Draft::{Four, Seven, Six, Y2019, Y2020};
    &[
        keyword("$anchor", Holds::None, Y2019, Y2020),
        keyword("$defs", Holds::Map, Four, Y2020),
        keyword("$dynamicAnchor", Holds::None, Y2020, Y2020),
        keyword("$dynamicRef", Holds::None, Y2020, Y2020),
        keyword("$id", Holds::None, Six, Y2020),
        keyword("$recursiveAnchor", Holds::None, Y2019, Y2019),
        keyword("$recursiveRef", Holds::None, Y2019, Y2019),
        keyword("$ref", Holds::None, Four, Y2020),
        keyword("$schema", Holds::None, Four, Y2020),
        keyword("additionalItems", Holds::Schema, Four, Y2019),
        keyword("additionalProperties", Holds::Schema, Four, Y2020),
        keyword("allOf", Holds::List, Four, Y2020),
        keyword("anyOf", Holds::List, Four, Y2020),
        keyword("const", Holds::None, Six, Y2020),
        keyword("contains", Holds::Schema, Six, Y2020),
        keyword("definitions", Holds::Map, Four, Y2020),
        keyword("dependencies", Holds::MapBesideNames, Four, Y2020),
        keyword("dependentRequired", Holds::None, Y2019, Y2020),
        keyword("dependentSchemas", Holds::Map, Y2019, Y2020),
        keyword("else", Holds::Schema, Seven, Y2020),
        keyword("enum", Holds::None, Four, Y2020),
        keyword("exclusiveMaximum", Holds::None, Four, Y2020),
        keyword("exclusiveMinimum", Holds::None, Four, Y2020),
        keyword("format", Holds::None, Four, Y2020),
        keyword("id", Holds::None, Four, Four),
        keyword("if", Holds::Schema, Seven, Y2020),
        keyword("items", Holds::SchemaOrList, Four, Y2020),
        keyword("maxContains", Holds::None, Y2019, Y2020),
        keyword("maxItems", Holds::None, Four, Y2020),
        keyword("maxLength", Holds::None, Four, Y2020),
        keyword("maxProperties", Holds::None, Four, Y2020),
        keyword("maximum", Holds::None, Four, Y2020),
        keyword("minContains", Holds::None, Y2019, Y2020),
        keyword("minItems", Holds::None, Four, Y2020),
        keyword("minLength", Holds::None, Four, Y2020),
        keyword("minProperties", Holds::None, Four, Y2020),
        keyword("minimum", Holds::None, Four, Y2020),
        keyword("multipleOf", Holds::None, Four, Y2020),
        keyword("not", Holds::Schema, Four, Y2020),
        keyword("oneOf", Holds::List, Four, Y2020),
        keyword("pattern", Holds::None, Four, Y2020),
        keyword("patternProperties", Holds::Map, Four, Y2020),
        keyword("prefixItems", Holds::List, Y2020, Y2020),
        keyword("properties", Holds::Map, Four, Y2020),
        keyword("propertyNames", Holds::Schema, Six, Y2020),
        keyword("required", Holds::None, Four, Y2020),
        keyword("then", Holds::Schema, Seven, Y2020),
        keyword("type", Holds::None, Four, Y2020),
        keyword("unevaluatedItems", Holds::Schema, Y2019, Y2020),
        keyword("unevaluatedProperties", Holds::Schema, Y2019, Y2020),
        keyword("uniqueItems", Holds::None, Four, Y2020),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_identified_by_its_uri() {
        assert_eq!(Draft::of_uri("http://json-schema.org/draft-04/schema#"), Some(Draft::Four));
        assert_eq!(Draft::of_uri("http://json-schema.org/draft-07/schema"), Some(Draft::Seven));
        assert_eq!(Draft::of_uri("https://json-schema.org/draft/2019-09/schema"), Some(Draft::Y2019));
        assert_eq!(Draft::of_uri("http://json-schema.org/draft-03/schema#"), None);
        assert_eq!(Draft::of_uri("https://example.com/draft-07/schema"), None);
    }

    #[test]
    fn only_a_typo_is_taken_for_a_keyword() {
        for (slip, meant) in
            [("typ", "type"), ("requried", "required"), ("additionnalPropertes", "additionalProperties")]
        {
            assert_eq!(meant_by(slip), Some(meant));
        }
        for other in ["nullable", "example", "discriminator", "tsType", "markdownDescription", "x-typ", "const", "id"] {
            assert_eq!(meant_by(other), None, "{other}");
        }
    }
}
