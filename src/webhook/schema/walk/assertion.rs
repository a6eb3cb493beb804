//! Assertions: keywords that judge a value by itself.

use super::COMPARISONS;
use crate::webhook::{
    json::{Kind, Node},
    schema::{
        decimal::{Decimal, compare, is_written_as_integer},
        rule::{Assertion, Bound, Rule},
    },
};

/// The first assertion that does not hold.
pub(super) fn broken<'r>(rule: &'r Rule, node: &Node<'_>) -> Option<&'r Assertion> {
    rule.assertions.iter().find(|assertion| !holds(assertion, node))
}

/// How many visits take as long as to judge a node by these assertions, if that takes much longer than one.
pub(super) fn effort(rule: &Rule, node: &Node<'_>) -> usize {
    let effort = |assertion: &Assertion| match (assertion, &node.kind) {
        (Assertion::OneOf(values), _) => values.len() / COMPARISONS,
        (Assertion::Pattern(_), Kind::String(text)) => matching(text),
        _ => 0,
    };
    rule.assertions.iter().map(effort).sum()
}

/// How many visits take as long as to match a text with a pattern.
pub(super) const fn matching(text: &str) -> usize {
    text.len() / 4
}

fn holds(assertion: &Assertion, node: &Node<'_>) -> bool {
    match (assertion, &node.kind) {
        (Assertion::Nothing, _) => false,
        (Assertion::Constant(value), _) => value.equals(node),
        (Assertion::OneOf(values), _) => values.iter().any(|value| value.equals(node)),
        (Assertion::TypeAsWritten(types), Kind::Number(text)) => types.contains(node) && is_written_as_integer(text),
        (Assertion::Type(types) | Assertion::TypeAsWritten(types), _) => types.contains(node),
        (Assertion::MinLength(least), Kind::String(text)) => text.len() as u64 >= *least && length(text) >= *least,
        (Assertion::MaxLength(most), Kind::String(text)) => text.len() as u64 <= *most || length(text) <= *most,
        (Assertion::Pattern(pattern), Kind::String(text)) => pattern.is_match(text).unwrap_or(true),
        (Assertion::Format(format), Kind::String(text)) => format.admits(text),
        (Assertion::Minimum(Bound { number, is_exclusive, .. }), Kind::Number(text)) => {
            let order = compare(text, number);
            order.is_gt() || order.is_eq() && !is_exclusive
        }
        (Assertion::Maximum(Bound { number, is_exclusive, .. }), Kind::Number(text)) => {
            let order = compare(text, number);
            order.is_lt() || order.is_eq() && !is_exclusive
        }
        (Assertion::MultipleOf(Bound { number, .. }), Kind::Number(text)) => {
            Decimal::parse(text).is_multiple_of(number)
        }
        _ => true,
    }
}

fn length(text: &str) -> u64 {
    text.chars().count() as u64
}

/// A pattern that can't be tried.
pub(super) fn unsupported(rule: &Rule) -> Option<&str> {
    rule.assertions.iter().find_map(|assertion| match assertion {
        Assertion::Pattern(pattern) if !pattern.is_supported() => Some(pattern.as_str()),
        _ => None,
    })
}
