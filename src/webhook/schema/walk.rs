//! The walk through a payload along the rules. It reports to a sink and allocates little itself.
//!
//! For a failed `anyOf`, only the problems of the closest branch are reported: the branches are tallied first, then the
//! closest one is walked again.

mod assertion;
mod evaluated;
mod sink;

use std::{borrow::Cow, collections::HashMap};

use super::{
    Schema, SchemaReport,
    constant::first_duplicate,
    location::Location,
    problem::SchemaProblem,
    rule::{Applicator, Condition, Contains, Items, Properties, Reference, Rule, RuleId, SizeUnit, Unevaluated},
};
use crate::webhook::json::{Kind, Member, Node};
use assertion::{broken, effort, matching, unsupported};
use evaluated::{evaluated_items, evaluated_members};
pub(super) use sink::{CountingSink, Sink};

/// How many comparisons of a value or a name take as long as a visit.
const COMPARISONS: usize = 16;

/// How many visits take as long as starting to match a pattern.
const PATTERN: usize = 4;

/// A walk in progress.
pub(super) struct SchemaWalk<'s> {
    schema: &'s Schema,
    /// How many more visits are allowed, because branches within branches multiply.
    visits: usize,
    /// How many more visits may be nested without exhausting the stack.
    nesting: usize,
    is_cut_short: bool,
    /// The resources that the current visits have entered, outermost first, if the schema has dynamic anchors.
    scope: Vec<usize>,
}

impl<'s> SchemaWalk<'s> {
    /// A walk through a payload of this many bytes.
    pub(super) fn new(schema: &'s Schema, length: usize) -> Self {
        let visits = length.saturating_mul(64).saturating_add(30_000);
        Self { schema, visits, nesting: 1_100, is_cut_short: false, scope: Vec::new() }
    }

    /// Whether a limit was reached, so that not everything was checked.
    pub(super) fn is_cut_short(&self) -> bool {
        self.is_cut_short
    }

    /// A rule of the schema.
    pub(super) fn rule(&self, id: RuleId) -> &'s Rule {
        &self.schema.rules[id]
    }

    /// Charges work other than a visit as this number of visits. Returns false if fewer are left, which ends the walk.
    fn spend(&mut self, visits: usize) -> bool {
        let left = self.visits.checked_sub(visits);
        self.is_cut_short |= left.is_none();
        self.visits = left.unwrap_or(0);
        left.is_some()
    }

    /// Judges a node by a rule.
    pub(super) fn visit<S: Sink>(&mut self, rule: RuleId, node: &Node<'_>, at: &Location<'_>, sink: &mut S) {
        self.within(rule, |walk, rule| {
            if rule.is_laborious && !walk.spend(effort(rule, node)) {
                return;
            }
            for reference in &rule.references {
                walk.visit(walk.target(reference), node, at, sink);
            }
            match broken(rule, node) {
                Some(expected) => sink.error(at, &SchemaProblem::Assertion { expected, found: node }),
                None => walk.parts(rule, node, at, sink),
            }
        });
    }

    /// Applies a rule within the limits of the walk.
    pub(super) fn within(&mut self, rule: RuleId, work: impl FnOnce(&mut Self, &'s Rule)) {
        if self.visits == 0 || self.nesting == 0 {
            self.is_cut_short = true;
            return;
        }
        self.visits -= 1;
        self.nesting -= 1;
        let schema = self.schema;
        let rule = &schema.rules[rule];
        let enters = !schema.dynamic_anchors.is_empty() && self.scope.last() != Some(&rule.resource);
        if enters {
            self.scope.push(rule.resource);
        }
        work(self, rule);
        if enters {
            self.scope.pop();
        }
        self.nesting += 1;
    }

    /// The target of a reference at this point of the walk.
    pub(super) fn target(&self, reference: &Reference) -> RuleId {
        match reference {
            Reference::To(rule) => *rule,
            Reference::Dynamic { anchor, otherwise } => {
                let anchors = &self.schema.dynamic_anchors;
                let outermost = self.scope.iter().find_map(|resource| anchors.get(&(*resource, anchor.clone())));
                outermost.copied().unwrap_or(*otherwise)
            }
        }
    }

    /// Whether a node matches a rule.
    pub(super) fn matches(&mut self, rule: RuleId, node: &Node<'_>) -> bool {
        let mut tally = CountingSink::default();
        self.visit(rule, node, &Location::ROOT, &mut tally);
        tally.errors == 0
    }

    /// The schemas for the member with this name; `unsupported` is called for each pattern that can't be tried. A
    /// member that such a pattern may match does not count as additional.
    pub(super) fn schemas_of_member(
        &mut self,
        properties: &'s Properties,
        key: &str,
        unsupported: &mut dyn FnMut(&'s str),
    ) -> Matches {
        let mut matches = Matches { patterns: Vec::new(), is_other: false };
        if !self.spend(properties.patterns.len().saturating_mul(PATTERN + matching(key))) {
            return matches;
        }
        matches.is_other = !properties.named.iter().any(|(name, _)| name == key);
        for (pattern, schema) in &properties.patterns {
            match pattern.is_match(key) {
                Some(false) => continue,
                Some(true) => matches.patterns.push(*schema),
                None => unsupported(pattern.as_str()),
            }
            matches.is_other = false;
        }
        matches
    }

    fn parts<S: Sink>(&mut self, rule: &'s Rule, node: &Node<'_>, at: &Location<'_>, sink: &mut S) {
        if rule.is_laborious
            && let Kind::String(text) = &node.kind
            && !text.is_empty()
            && let Some(pattern) = unsupported(rule)
        {
            sink.warning(at, &SchemaProblem::UnsupportedPattern(pattern));
        }
        for applicator in &rule.applicators {
            match applicator {
                Applicator::Known(values) => {
                    if self.spend(values.len() / COMPARISONS) && !values.iter().any(|value| value.equals(node)) {
                        sink.warning(at, &SchemaProblem::UnknownValue(node));
                    }
                }
                Applicator::AllOf(schemas) => schemas.iter().for_each(|schema| self.visit(*schema, node, at, sink)),
                Applicator::AnyOf(schemas) => self.any_of(schemas, node, at, sink),
                Applicator::OneOf(schemas) => self.one_of(schemas, node, at, sink),
                Applicator::Not(schema) => {
                    if self.matches(*schema, node) {
                        sink.error(at, &SchemaProblem::Excluded);
                    }
                }
                Applicator::If(condition) => self.condition(condition, node, at, sink),
                Applicator::Size { of, least, most } => size(*of, (*least, *most), node, at, sink),
                _ => match &node.kind {
                    Kind::Object(members) => self.members(applicator, node, members, at, sink),
                    Kind::Array(items) => self.items(applicator, items, at, sink),
                    _ => {}
                },
            }
        }
        for unevaluated in &rule.unevaluated {
            self.unevaluated(rule, *unevaluated, node, at, sink);
        }
    }

    fn members<S: Sink>(
        &mut self,
        applicator: &'s Applicator,
        node: &Node<'_>,
        members: &[Member<'_>],
        at: &Location<'_>,
        sink: &mut S,
    ) {
        if !self.spend(applicator.names().saturating_mul(members.len()) / COMPARISONS) {
            return;
        }
        match applicator {
            Applicator::KnownProperties(known) => {
                for member in members.iter().filter(|member| !known.iter().any(|name| *name == member.key)) {
                    sink.warning(&at.key(&member.key), &SchemaProblem::UnknownProperty);
                }
            }
            Applicator::Required(keys) => {
                for key in keys.iter().filter(|key| node.member(key).is_none()) {
                    sink.error(&at.key(key), &SchemaProblem::Missing);
                }
            }
            Applicator::DependentRequired(dependencies) => {
                for (present, keys) in dependencies.iter().filter(|(key, _)| node.member(key).is_some()) {
                    for key in keys.iter().filter(|key| node.member(key).is_none()) {
                        sink.error(&at.key(key), &SchemaProblem::MissingBeside(present));
                    }
                }
            }
            Applicator::DependentSchemas(dependencies) => {
                for (_, schema) in dependencies.iter().filter(|(key, _)| node.member(key).is_some()) {
                    self.visit(*schema, node, at, sink);
                }
            }
            Applicator::PropertyNames(schema) => {
                for member in members {
                    self.name(*schema, member, &at.key(&member.key), sink);
                }
            }
            Applicator::Properties(properties) => self.properties(properties, node, members, at, sink),
            _ => {}
        }
    }

    fn properties<S: Sink>(
        &mut self,
        properties: &'s Properties,
        node: &Node<'_>,
        members: &[Member<'_>],
        at: &Location<'_>,
        sink: &mut S,
    ) {
        for (key, schema) in &properties.named {
            if let Some(value) = node.member(key) {
                self.visit(*schema, value, &at.key(key), sink);
            }
        }
        if properties.patterns.is_empty() && properties.others.is_none() {
            return;
        }
        for member in effective(members) {
            let at = at.key(&member.key);
            let Matches { patterns, is_other } = self.schemas_of_member(properties, &member.key, &mut |pattern| {
                sink.warning(&at, &SchemaProblem::UnsupportedPattern(pattern));
            });
            let others = properties.others.filter(|_| is_other);
            patterns.into_iter().chain(others).for_each(|schema| self.visit(schema, &member.value, &at, sink));
        }
    }

    /// Checks a member's name.
    fn name<S: Sink>(&mut self, schema: RuleId, member: &Member<'_>, at: &Location<'_>, sink: &mut S) {
        let name = Node { span: member.key_span.clone(), kind: Kind::String(Cow::Borrowed(&member.key)) };
        if self.matches(schema, &name) {
            return;
        }
        let mut report = SchemaReport::default();
        self.visit(schema, &name, &Location::ROOT, &mut report);
        if let Some(violation) = report.errors.first() {
            sink.error(at, &SchemaProblem::Name(&violation.message));
        }
    }

    fn items<S: Sink>(&mut self, applicator: &'s Applicator, items: &[Node<'_>], at: &Location<'_>, sink: &mut S) {
        match applicator {
            Applicator::Items(Items { first, others }) => {
                let schemas = first.iter().copied().map(Some).chain(std::iter::repeat(*others));
                for ((index, item), schema) in items.iter().enumerate().zip(schemas) {
                    let Some(schema) = schema else { return };
                    self.visit(schema, item, &at.index(index), sink);
                }
            }
            Applicator::Contains(Contains { rule, least, most, .. }) => {
                let found = items.iter().filter(|item| self.matches(*rule, item)).count() as u64;
                if found < *least || found > *most {
                    sink.error(at, &SchemaProblem::Matching { least: *least, most: *most, found });
                }
            }
            Applicator::UniqueItems => {
                if let Some((first, second)) = first_duplicate(items) {
                    sink.error(at, &SchemaProblem::Duplicate(first, second));
                }
            }
            _ => {}
        }
    }

    fn condition<S: Sink>(&mut self, condition: &Condition, node: &Node<'_>, at: &Location<'_>, sink: &mut S) {
        let branch = if self.matches(condition.test, node) { condition.then } else { condition.otherwise };
        if let Some(branch) = branch {
            self.visit(branch, node, at, sink);
        }
    }

    fn unevaluated<S: Sink>(
        &mut self,
        rule: &'s Rule,
        unevaluated: Unevaluated,
        node: &Node<'_>,
        at: &Location<'_>,
        sink: &mut S,
    ) {
        match (unevaluated, &node.kind) {
            (Unevaluated::Items(schema), Kind::Array(items)) => {
                let evaluated = evaluated_items(self, rule, node);
                for (index, item) in items.iter().enumerate().filter(|(index, _)| !evaluated[*index]) {
                    self.visit(schema, item, &at.index(index), sink);
                }
            }
            (Unevaluated::Properties(schema), Kind::Object(members)) => {
                let evaluated = evaluated_members(self, rule, node);
                for member in effective(members).into_iter().filter(|member| !evaluated.contains(&*member.key)) {
                    self.visit(schema, &member.value, &at.key(&member.key), sink);
                }
            }
            _ => {}
        }
    }

    /// Follows the first branch that matches, or else the one that came closest.
    fn any_of<S: Sink>(&mut self, branches: &[RuleId], node: &Node<'_>, at: &Location<'_>, sink: &mut S) {
        self.closest(branches, node, at, sink, |closest| matches!(closest, Some((CountingSink { errors: 0, .. }, _))));
    }

    fn one_of<S: Sink>(&mut self, branches: &[RuleId], node: &Node<'_>, at: &Location<'_>, sink: &mut S) {
        let matching = branches.iter().filter(|branch| self.matches(**branch, node)).take(2).count();
        match matching {
            2 => sink.error(at, &SchemaProblem::Ambiguous),
            _ => self.closest(branches, node, at, sink, |_| false),
        }
    }

    fn closest<S: Sink>(
        &mut self,
        branches: &[RuleId],
        node: &Node<'_>,
        at: &Location<'_>,
        sink: &mut S,
        is_enough: impl Fn(&Option<(CountingSink, RuleId)>) -> bool,
    ) {
        let rules = &self.schema.rules;
        let mut closest: Option<(CountingSink, RuleId)> = None;
        for &branch in branches.iter().filter(|branch| rules[**branch].accepts.contains(node)) {
            let mut tally = CountingSink::default();
            self.visit(branch, node, at, &mut tally);
            if closest.as_ref().is_none_or(|(best, _)| tally.distance() < best.distance()) {
                closest = Some((tally, branch));
            }
            if is_enough(&closest) {
                break;
            }
        }
        let Some((tally, branch)) = closest else {
            let expected = branches.iter().map(|branch| rules[*branch].accepts).collect();
            return sink.error(at, &SchemaProblem::Type { expected, found: node });
        };
        let is_clean = tally.errors == 0 && tally.warnings == 0;
        if !is_clean && !sink.take(&tally) {
            self.visit(branch, node, at, sink);
        }
    }
}

/// Which schemas apply to a member in addition to those that name it.
pub(super) struct Matches {
    pub(super) patterns: Vec<RuleId>,
    /// Whether `additionalProperties` applies.
    pub(super) is_other: bool,
}

/// The members that count: if a key is repeated, the last one.
pub(super) fn effective<'m, 'a>(members: &'m [Member<'a>]) -> Vec<&'m Member<'a>> {
    const FEW: usize = 16;
    if members.len() <= FEW {
        let is_last = |(at, member): &(usize, &Member<'_>)| !members[at + 1..].iter().any(|m| m.key == member.key);
        return members.iter().enumerate().filter(is_last).map(|(_, member)| member).collect();
    }
    let last: HashMap<&str, usize> = members.iter().enumerate().map(|(at, member)| (&*member.key, at)).collect();
    members.iter().enumerate().filter(|(at, member)| last[&*member.key] == *at).map(|(_, member)| member).collect()
}

fn size<S: Sink>(of: SizeUnit, (least, most): (u64, u64), node: &Node<'_>, at: &Location<'_>, sink: &mut S) {
    let found = match (of, &node.kind) {
        (SizeUnit::Items, Kind::Array(items)) => items.len(),
        (SizeUnit::Members, Kind::Object(members)) => effective(members).len(),
        _ => return,
    };
    if (found as u64) < least || found as u64 > most {
        sink.error(at, &SchemaProblem::Size { of, least, most, found });
    }
}
