//! Compares values in a schema with values in a payload: numbers by value, objects regardless of order, and the last of
//! repeated keys.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use super::{decimal::Decimal, excerpt::shortened, types::Types};
use crate::webhook::json::{self, Kind, Node};

/// A value of `const` or `enum`.
#[derive(Clone, Debug)]
pub(super) struct Constant {
    value: ComparableValue,
    /// Its text in the file, without whitespace.
    text: String,
}

/// A JSON value that can be compared with another, regardless of spelling.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum ComparableValue {
    Null,
    Bool(bool),
    Number(Decimal),
    String(String),
    Array(Vec<ComparableValue>),
    Object(BTreeMap<String, ComparableValue>),
}

impl Constant {
    /// The value of a node of `text`.
    pub(super) fn new(text: &str, node: &Node<'_>) -> Self {
        let mut compact = String::new();
        json::compact(text, node, &mut compact);
        Self { value: ComparableValue::of(node), text: compact }
    }

    /// Whether a payload's value is this one.
    pub(super) fn equals(&self, node: &Node<'_>) -> bool {
        self.value.equals(node)
    }

    /// The type of the value; a number may have either of two.
    pub(super) fn types(&self) -> Types {
        match self.value {
            ComparableValue::Null => Types::NULL,
            ComparableValue::Bool(_) => Types::BOOLEAN,
            ComparableValue::Number(_) => Types::NUMBER,
            ComparableValue::String(_) => Types::STRING,
            ComparableValue::Array(_) => Types::ARRAY,
            ComparableValue::Object(_) => Types::OBJECT,
        }
    }
}

impl fmt::Display for Constant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shortened(&self.text))
    }
}

impl ComparableValue {
    fn of(node: &Node<'_>) -> Self {
        match &node.kind {
            Kind::Null => Self::Null,
            Kind::Bool(truth) => Self::Bool(*truth),
            Kind::Number(text) => Self::Number(Decimal::parse(text)),
            Kind::String(text) => Self::String(text.to_string()),
            Kind::Array(items) => Self::Array(items.iter().map(Self::of).collect()),
            Kind::Object(members) => {
                Self::Object(members.iter().map(|member| (member.key.to_string(), Self::of(&member.value))).collect())
            }
        }
    }

    fn equals(&self, node: &Node<'_>) -> bool {
        match (self, &node.kind) {
            (Self::Null, Kind::Null) => true,
            (Self::Bool(wanted), Kind::Bool(found)) => found == wanted,
            (Self::Number(wanted), Kind::Number(found)) => Decimal::parse(found) == *wanted,
            (Self::String(wanted), Kind::String(found)) => found == wanted,
            (Self::Array(wanted), Kind::Array(found)) => {
                found.len() == wanted.len() && wanted.iter().zip(found).all(|(value, node)| value.equals(node))
            }
            (Self::Object(wanted), Kind::Object(found)) => {
                found.iter().all(|member| wanted.contains_key(member.key.as_ref()))
                    && wanted.iter().all(|(key, value)| node.member(key).is_some_and(|node| value.equals(node)))
            }
            _ => false,
        }
    }
}

/// The indexes of the first item that occurs twice, and of its second occurrence.
pub(super) fn first_duplicate(items: &[Node<'_>]) -> Option<(usize, usize)> {
    let mut seen = HashMap::with_capacity(items.len());
    items
        .iter()
        .enumerate()
        .find_map(|(place, item)| seen.insert(ComparableValue::of(item), place).map(|earlier| (earlier, place)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::json::parse;

    fn equal(payload: &str, constant: &str) -> bool {
        Constant::new(constant, &parse(constant).unwrap()).equals(&parse(payload).unwrap())
    }

    #[test]
    fn numbers_are_compared_by_value() {
        assert!(equal("1.0", "1"));
        assert!(equal("1e400", "10e399"));
        assert!(!equal("9007199254740993", "9007199254740992"));
        assert!(!equal("1", "\"1\""));
        assert!(!equal("1", "true"));
    }

    #[test]
    fn strings_are_compared_without_their_escapes() {
        assert!(equal(r#""\u0061\/""#, r#""a/""#));
        assert!(!equal(r#""a""#, r#""A""#));
    }

    #[test]
    fn objects_are_equal_in_any_order_and_by_their_last_keys() {
        let value = r#"{"a": [1, null], "b": {}}"#;
        assert!(equal(r#"{"b":{},"a":[1,null]}"#, value));
        assert!(equal(r#"{"b":1,"a":[1,null],"b":{}}"#, value));
        assert!(!equal(r#"{"b":{},"a":[1,null],"b":1}"#, value));
        assert!(!equal(r#"{"a":[1,null]}"#, value));
        assert!(!equal(r#"{"a":[1,null,2],"b":{}}"#, value));
        assert!(!equal(r#"{"a":[1,null],"b":{},"c":1}"#, value));
    }

    #[test]
    fn the_first_item_that_occurs_twice_is_found() {
        let duplicate = |text: &str| {
            let root = parse(text).unwrap();
            let Kind::Array(items) = &root.kind else { panic!("{text}") };
            first_duplicate(items)
        };
        assert_eq!(duplicate(r#"[1, "1", true, [1], {"a":1}]"#), None);
        assert_eq!(duplicate(r#"[{"a":1,"b":2}, 3, {"b":2.0,"a":1}]"#), Some((0, 2)));
    }
}
