//! The items and members that `unevaluatedItems` and `unevaluatedProperties` skip: those that the other keywords of a
//! schema have evaluated, or schemas that apply to the same value and match it.

use std::collections::HashSet;

use super::SchemaWalk;
use crate::webhook::json::{Kind, Node};
use crate::webhook::schema::rule::{Applicator, Contains, Rule, RuleId, Unevaluated};

/// Whether a rule has evaluated each item of an array, apart from its own `unevaluatedItems`.
pub(super) fn evaluated_items<'s>(walk: &mut SchemaWalk<'s>, rule: &'s Rule, node: &Node<'_>) -> Vec<bool> {
    let length = match &node.kind {
        Kind::Array(items) => items.len(),
        _ => 0,
    };
    let mut evaluated = Evaluated { items: vec![false; length], members: HashSet::new() };
    evaluated.add_parts(walk, rule, node);
    evaluated.items
}

/// The keys of an object's members that a rule has evaluated, apart from its own `unevaluatedProperties`.
pub(super) fn evaluated_members<'s, 'n>(
    walk: &mut SchemaWalk<'s>,
    rule: &'s Rule,
    node: &'n Node<'_>,
) -> HashSet<&'n str> {
    let mut evaluated = Evaluated { items: Vec::new(), members: HashSet::new() };
    evaluated.add_parts(walk, rule, node);
    evaluated.members
}

struct Evaluated<'n> {
    items: Vec<bool>,
    members: HashSet<&'n str>,
}

impl<'n> Evaluated<'n> {
    /// Adds what a rule evaluates in a value that matches it.
    fn add(&mut self, walk: &mut SchemaWalk<'_>, rule: RuleId, node: &'n Node<'_>) {
        walk.within(rule, |walk, rule| {
            self.add_parts(walk, rule, node);
            for unevaluated in &rule.unevaluated {
                match (unevaluated, &node.kind) {
                    (Unevaluated::Items(_), _) => self.items.fill(true),
                    (Unevaluated::Properties(_), Kind::Object(members)) => {
                        self.members.extend(members.iter().map(|member| &*member.key));
                    }
                    _ => {}
                }
            }
        });
    }

    fn add_if_matching(&mut self, walk: &mut SchemaWalk<'_>, rule: RuleId, node: &'n Node<'_>) {
        if walk.matches(rule, node) {
            self.add(walk, rule, node);
        }
    }

    fn add_parts<'s>(&mut self, walk: &mut SchemaWalk<'s>, rule: &'s Rule, node: &'n Node<'_>) {
        for reference in &rule.references {
            let target = walk.target(reference);
            self.add_if_matching(walk, target, node);
        }
        for applicator in &rule.applicators {
            match (applicator, &node.kind) {
                (Applicator::AllOf(schemas) | Applicator::AnyOf(schemas) | Applicator::OneOf(schemas), _) => {
                    for schema in schemas {
                        self.add_if_matching(walk, *schema, node);
                    }
                }
                (Applicator::If(condition), _) => {
                    let is_met = walk.matches(condition.test, node);
                    if is_met {
                        self.add(walk, condition.test, node);
                    }
                    if let Some(branch) = if is_met { condition.then } else { condition.otherwise } {
                        self.add_if_matching(walk, branch, node);
                    }
                }
                (Applicator::DependentSchemas(schemas), _) => {
                    for (_, schema) in schemas.iter().filter(|(key, _)| node.member(key).is_some()) {
                        self.add_if_matching(walk, *schema, node);
                    }
                }
                (Applicator::Properties(properties), Kind::Object(members)) => {
                    let is_evaluated = |key: &&str| {
                        let matches = walk.schemas_of_member(properties, key, &mut |_| {});
                        !matches.is_other || properties.others.is_some()
                    };
                    self.members.extend(members.iter().map(|member| &*member.key).filter(is_evaluated));
                }
                (Applicator::Items(items), Kind::Array(_)) => {
                    let all = self.items.len();
                    let seen = if items.others.is_some() { all } else { items.first.len().min(all) };
                    self.items[..seen].fill(true);
                }
                (Applicator::Contains(Contains { rule, evaluates: true, .. }), Kind::Array(items)) => {
                    for (index, item) in items.iter().enumerate() {
                        self.items[index] |= walk.matches(*rule, item);
                    }
                }
                _ => {}
            }
        }
    }
}
