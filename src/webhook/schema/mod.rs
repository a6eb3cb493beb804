//! Judges payloads by a JSON Schema file, with the keywords that payload schemas use and two of our own that only
//! warn: `x-known` lists the values known today, `x-known-properties` the names of members.
//!
//! A small checker, and not the `jsonschema` crate, because that one takes 78 s of a clean build (a third of it), 3 ms
//! at start for each validator, and a `serde_json::Value` of every payload. Files stay standard JSON Schema 2020-12: a
//! test compares every verdict with that crate's. What this checker does not know is an error when the file is read.

mod compile;
mod constant;
mod error;
mod format;
mod location;
mod problem;
mod rule;
mod walk;

pub use error::{Flaw, SchemaError};
use location::Location;
use problem::Problem;
use rule::{Rule, RuleId};
use walk::{Sink, Walk};

use super::json::Node;

/// A schema file, checked and ready to judge.
#[derive(Clone, Debug)]
pub struct Schema {
    rules: Vec<Rule>,
    definitions: Vec<(String, RuleId)>,
    root: RuleId,
}

impl Schema {
    /// Reads the text of a schema file.
    ///
    /// # Errors
    ///
    /// When it is not JSON, holds a keyword that is not known or misused, a `$ref` that leads nowhere or in a circle, or
    /// a pattern that is no regular expression.
    pub fn parse(text: &str) -> Result<Self, SchemaError> {
        compile::compile(text)
    }

    /// The definition of that name in `$defs`.
    #[must_use]
    pub fn definition(&self, name: &str) -> Option<Definition<'_>> {
        let (_, rule) = self.definitions.iter().find(|(defined, _)| defined == name)?;
        Some(Definition { schema: self, rule: *rule })
    }

    /// The names in `$defs`, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.definitions.iter().map(|(name, _)| name.as_str())
    }

    /// The schema at the root of the file.
    #[must_use]
    pub fn root(&self) -> Definition<'_> {
        Definition { schema: self, rule: self.root }
    }
}

/// One schema of a file, by which a payload can be judged.
#[derive(Clone, Copy, Debug)]
pub struct Definition<'s> {
    schema: &'s Schema,
    rule: RuleId,
}

impl Definition<'_> {
    /// Judges a payload. Nothing is allocated when there is nothing to report.
    ///
    /// The work is bounded by the payload's length: a payload that is nested in ways for which the schema asks more is
    /// reported as one that cannot be checked.
    #[must_use]
    pub fn check(&self, payload: &Node<'_>) -> Report {
        let mut report = Report::default();
        let mut walk = Walk::new(&self.schema.rules, payload.span.len());
        walk.visit(self.rule, payload, &Location::ROOT, &mut report);
        if walk.is_cut_short() {
            report.error(&Location::ROOT, &Problem::Unchecked);
        }
        report
    }
}

/// What is wrong with a payload. At most [`Report::LIMIT`] violations of each kind are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What makes the payload invalid.
    pub errors: Vec<Violation>,
    /// What is valid and yet not known today.
    pub warnings: Vec<Violation>,
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The RFC 6901 pointer of the value in the payload; of a missing one, where it ought to be.
    pub pointer: String,
    /// What was expected, and what was found, as it reads behind the name of the value.
    pub message: String,
}

impl Report {
    /// How many errors, and how many warnings, are kept.
    pub const LIMIT: usize = 100;

    /// Whether the payload satisfies the schema, perhaps with warnings.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }
}

impl Sink for Report {
    fn error(&mut self, at: &Location<'_>, problem: &Problem<'_>) {
        push(&mut self.errors, at, problem);
    }

    fn warning(&mut self, at: &Location<'_>, problem: &Problem<'_>) {
        push(&mut self.warnings, at, problem);
    }
}

fn push(violations: &mut Vec<Violation>, at: &Location<'_>, problem: &Problem<'_>) {
    if violations.len() < Report::LIMIT {
        violations.push(Violation { pointer: at.to_string(), message: problem.to_string() });
    }
}

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod tests;
