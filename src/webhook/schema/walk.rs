//! The walk through a payload along the rules. It reports to a sink and allocates nothing itself.
//!
//! Of a failed `anyOf` the sink hears only what is wrong with the closest branch: the branches are first tallied, then
//! that one is walked again.

use std::cmp::{Ordering, Reverse};

use super::{
    constant::{compare, equals},
    location::Location,
    problem::Problem,
    rule::{Rule, RuleId},
};
use crate::webhook::json::{Kind, Member, Node};

/// Takes what a walk finds.
pub(super) trait Sink {
    /// Something that makes the payload invalid.
    fn error(&mut self, at: &Location<'_>, problem: &Problem<'_>);

    /// Something that is valid and not known.
    fn warning(&mut self, at: &Location<'_>, problem: &Problem<'_>);

    /// Takes a branch of `anyOf` by its tally alone. False when the sink wants the problems themselves.
    fn take(&mut self, _branch: &Tally) -> bool {
        false
    }
}

/// A walk under way.
pub(super) struct Walk<'s> {
    rules: &'s [Rule],
    /// How many more visits are allowed, so that no payload makes branches within branches multiply.
    visits: usize,
    /// How many more visits may stand inside one another, so that none exhausts the stack.
    nesting: usize,
    is_cut_short: bool,
}

impl<'s> Walk<'s> {
    /// A walk through a payload of so many bytes.
    pub(super) fn new(rules: &'s [Rule], length: usize) -> Self {
        Self { rules, visits: length.saturating_mul(64).saturating_add(10_000), nesting: 1_100, is_cut_short: false }
    }

    /// Whether a bound was reached, so that not everything has been seen.
    pub(super) fn is_cut_short(&self) -> bool {
        self.is_cut_short
    }

    /// Judges a node by a rule.
    pub(super) fn visit<S: Sink>(&mut self, rule: RuleId, node: &Node<'_>, at: &Location<'_>, sink: &mut S) {
        if self.visits == 0 || self.nesting == 0 {
            self.is_cut_short = true;
            return;
        }
        self.visits -= 1;
        self.nesting -= 1;
        let rule = &self.rules[rule];
        if let Some(target) = rule.reference {
            self.visit(target, node, at, sink);
        }
        match value_problem(rule, node) {
            Some(problem) => sink.error(at, &problem),
            None => self.parts(rule, node, at, sink),
        }
        self.nesting += 1;
    }

    fn parts<S: Sink>(&mut self, rule: &'s Rule, node: &Node<'_>, at: &Location<'_>, sink: &mut S) {
        if rule.known.as_ref().is_some_and(|known| !known.iter().any(|value| equals(node, value))) {
            sink.warning(at, &Problem::UnknownValue { found: node });
        }
        if !rule.any_of.is_empty() {
            self.any_of(&rule.any_of, node, at, sink);
        }
        match &node.kind {
            Kind::Object(members) => self.members(rule, node, members, at, sink),
            Kind::Array(items) => {
                if let Some(rule) = rule.items {
                    items.iter().enumerate().for_each(|(index, item)| self.visit(rule, item, &at.index(index), sink));
                }
            }
            _ => {}
        }
    }

    fn members<S: Sink>(
        &mut self,
        rule: &'s Rule,
        node: &Node<'_>,
        members: &[Member<'_>],
        at: &Location<'_>,
        sink: &mut S,
    ) {
        for key in &rule.required {
            if node.member(key).is_none() {
                sink.error(&at.key(key), &Problem::Missing);
            }
        }
        for (key, rule) in &rule.properties {
            if let Some(value) = node.member(key) {
                self.visit(*rule, value, &at.key(key), sink);
            }
        }
        if let Some(known) = &rule.known_properties {
            for member in members.iter().filter(|member| !known.iter().any(|name| *name == member.key)) {
                sink.warning(&at.key(&member.key), &Problem::UnknownProperty);
            }
        }
    }

    /// Goes along the first branch that is met, or else the one that came closest.
    fn any_of<S: Sink>(&mut self, branches: &[RuleId], node: &Node<'_>, at: &Location<'_>, sink: &mut S) {
        let rules = self.rules;
        let mut closest: Option<(Tally, RuleId)> = None;
        for &branch in branches.iter().filter(|branch| rules[**branch].accepts.contains(node)) {
            let mut tally = Tally::default();
            self.visit(branch, node, at, &mut tally);
            if closest.as_ref().is_none_or(|(best, _)| tally.distance() < best.distance()) {
                closest = Some((tally, branch));
            }
            if matches!(closest, Some((Tally { errors: 0, .. }, _))) {
                break;
            }
        }
        let Some((tally, branch)) = closest else {
            let expected = branches.iter().map(|branch| rules[*branch].accepts).collect();
            return sink.error(at, &Problem::Type { expected, found: node });
        };
        let is_clean = tally.errors == 0 && tally.warnings == 0;
        if !is_clean && !sink.take(&tally) {
            self.visit(branch, node, at, sink);
        }
    }
}

/// What is wrong with the value as such, its members and items aside. One problem is enough for one value.
fn value_problem<'a>(rule: &'a Rule, node: &'a Node<'a>) -> Option<Problem<'a>> {
    if let Some(expected) = rule.constant.as_ref().filter(|value| !equals(node, value)) {
        return Some(Problem::Constant { expected, found: node });
    }
    if let Some(expected) = rule.one_of.as_ref().filter(|values| !values.iter().any(|value| equals(node, value))) {
        return Some(Problem::OneOf { expected, found: node });
    }
    if !rule.types.contains(node) {
        return Some(Problem::Type { expected: rule.types, found: node });
    }
    match &node.kind {
        Kind::String(text) => text_problem(rule, text, node),
        Kind::Number(text) => number_problem(rule, text, node),
        _ => None,
    }
}

fn text_problem<'a>(rule: &'a Rule, text: &str, found: &'a Node<'a>) -> Option<Problem<'a>> {
    if let Some(last) = rule.min_length.checked_sub(1)
        && text.chars().nth(last).is_none()
    {
        return Some(Problem::TooShort { least: rule.min_length, found });
    }
    if let Some(pattern) = rule.pattern.as_ref().filter(|pattern| !pattern.is_match(text)) {
        return Some(Problem::Pattern { expected: pattern.as_str(), found });
    }
    let expected = rule.format.filter(|format| !format.admits(text))?;
    Some(Problem::Format { expected, found })
}

fn number_problem<'a>(rule: &'a Rule, text: &str, found: &'a Node<'a>) -> Option<Problem<'a>> {
    if let Some(least) = rule.minimum.as_ref().filter(|least| compare(text, least) == Some(Ordering::Less)) {
        return Some(Problem::TooSmall { least, found });
    }
    let most = rule.maximum.as_ref().filter(|most| compare(text, most) == Some(Ordering::Greater))?;
    Some(Problem::TooLarge { most, found })
}

/// The sink that only counts.
pub(super) struct Tally {
    errors: usize,
    warnings: usize,
    /// The depth of the error that lies nearest to the root.
    shallowest: usize,
}

impl Tally {
    /// How far a branch is from being met. One that errs deep inside the value has got further than one that errs at
    /// its surface; after that, fewer errors are closer.
    fn distance(&self) -> (Reverse<usize>, usize) {
        (Reverse(self.shallowest), self.errors)
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self { errors: 0, warnings: 0, shallowest: usize::MAX }
    }
}

impl Sink for Tally {
    fn error(&mut self, at: &Location<'_>, _: &Problem<'_>) {
        self.errors += 1;
        self.shallowest = self.shallowest.min(at.depth);
    }

    fn warning(&mut self, _: &Location<'_>, _: &Problem<'_>) {
        self.warnings += 1;
    }

    fn take(&mut self, branch: &Tally) -> bool {
        self.errors += branch.errors;
        self.warnings += branch.warnings;
        self.shallowest = self.shallowest.min(branch.shallowest);
        true
    }
}
