//! Validates payloads against a JSON Schema file of draft 4, 6, 7, 2019-09 or 2020-12 (the default without `$schema`),
//! formats included, with two keywords of hookdev's own that only warn: `x-known` lists the values known today,
//! `x-known-properties` the names of members. Annotations and unknown keywords are ignored, and only the file itself is
//! read.
//!
//! This is hand-written instead of the `jsonschema` crate (0.60) or `boon` (0.6), because both take too long to start
//! and `jsonschema` makes the binary larger than its goal. Measured on two cores, in a program with this JSON parser
//! and `serde_json` only, with the schema and a payload of 1 KB of a built-in provider:
//!
//! | | ours | `jsonschema` | `boon` | goal |
//! | --- | --- | --- | --- | --- |
//! | first validator of a process | 0.15 ms | 1.0 to 1.4 ms (2.8 ms with its own meta-schema) | 4.8 ms | 0.24 ms are left to `verify` of one capture |
//! | a later validator | 0.07 ms | 0.08 ms | 0.15 ms | |
//! | one payload | 1.0 µs | 0.6 µs | 3.7 µs, and 3 µs for a `serde_json::Value` | |
//! | binary | + 0.5 MiB, mostly of crates that are linked anyway | + 5.3 MiB (4.6 with `opt-level = "s"`) | + 2.1 MiB | 12 MiB for all, of which 8.3 were taken |
//! | cold release build, CPU | + 39 s, the same | + 197 s | + 66 s | about two minutes on two cores for all |
//!
//! `jsonschema` can validate custom representations, so it would not need a `serde_json::Value`. The tests use it:
//! `agreement` compares every verdict with its own. `suite` runs the official JSON-Schema-Test-Suite. Not supported:
//! patterns that need backtracking (see `pattern`), the formats `idn-hostname` and `uri-template`, and vocabularies of
//! other meta-schemas.

mod compile;
mod constant;
mod decimal;
mod draft;
mod error;
mod exact;
mod excerpt;
mod format;
mod index;
mod location;
mod pattern;
mod problem;
mod rule;
mod types;
mod walk;

use std::collections::HashMap;

pub use error::{Flaw, SchemaError};
pub(in crate::webhook) use format::is_uuid;
use location::Location;
use problem::SchemaProblem;
use rule::{Rule, RuleId};
use walk::{SchemaWalk, Sink};

use super::json::Node;

/// A compiled schema file.
#[derive(Clone, Debug)]
pub struct Schema {
    /// The root's rule first.
    rules: Vec<Rule>,
    /// The names in `$defs` and `definitions`, in order.
    names: Vec<String>,
    definitions: HashMap<String, RuleId>,
    /// By resource and name.
    dynamic_anchors: HashMap<(usize, String), RuleId>,
    unsupported: Vec<UnsupportedPattern>,
}

/// A pattern of a schema file that payloads can't be matched against.
#[derive(Clone, Debug)]
pub struct UnsupportedPattern {
    /// The message of the warnings about it.
    pub message: String,
    /// Its line, from 1.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
}

impl Schema {
    /// Reads the text of a schema file.
    ///
    /// # Errors
    ///
    /// If it is not JSON or of an unsupported draft, a keyword is misspelt or has an invalid value, a reference leads
    /// out of the file or in a circle, or a pattern is not a regular expression.
    pub fn parse(text: &str) -> Result<Self, SchemaError> {
        compile::compile(text)
    }

    /// The definition with this name in `$defs` or `definitions`.
    #[must_use]
    pub fn definition(&self, name: &str) -> Option<SchemaDefinition<'_>> {
        self.definitions.get(name).map(|rule| SchemaDefinition { schema: self, rule: *rule })
    }

    /// The names in `$defs` and `definitions`, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The patterns that payloads can't be matched against, in order.
    #[must_use]
    pub fn unsupported_patterns(&self) -> &[UnsupportedPattern] {
        &self.unsupported
    }

    /// The schema at the root of the file.
    #[must_use]
    pub fn root(&self) -> SchemaDefinition<'_> {
        SchemaDefinition { schema: self, rule: 0 }
    }
}

/// One schema of a file, to validate payloads against.
#[derive(Clone, Copy, Debug)]
pub struct SchemaDefinition<'s> {
    schema: &'s Schema,
    rule: RuleId,
}

impl SchemaDefinition<'_> {
    /// Validates a payload.
    ///
    /// The work is limited in proportion to the payload's length. If the schema would take more, the report says that
    /// the payload can't be checked.
    #[must_use]
    pub fn check(&self, payload: &Node<'_>) -> SchemaReport {
        let mut report = SchemaReport::default();
        let mut walk = SchemaWalk::new(self.schema, payload.span.len());
        walk.visit(self.rule, payload, &Location::ROOT, &mut report);
        if walk.is_cut_short() {
            report.error(&Location::ROOT, &SchemaProblem::Unchecked);
        }
        report
    }

    /// What makes a valid payload more than the schema lists: a member that no schema describes, a repeated key, or
    /// keys that differ only in case. `None` if it is exact. The work is limited as for [`Self::check`].
    #[must_use]
    pub fn inexact(&self, payload: &Node<'_>) -> Option<SchemaViolation> {
        let mut walk = SchemaWalk::new(self.schema, payload.span.len());
        let violation = exact::first_violation(&mut walk, &[self.rule], payload, &Location::ROOT);
        if walk.is_cut_short() {
            let message = "can't be compared with the schema".to_owned();
            return Some(SchemaViolation { pointer: String::new(), message });
        }
        violation
    }
}

/// What is wrong with a payload. At most [`SchemaReport::LIMIT`] violations of each kind are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaReport {
    /// The errors, which make the payload invalid.
    pub errors: Vec<SchemaViolation>,
    /// The warnings: what is valid but not known today, or could not be checked.
    pub warnings: Vec<SchemaViolation>,
}

/// One thing that is wrong, and its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaViolation {
    /// The RFC 6901 pointer of the value in the payload, or of where a missing value belongs.
    pub pointer: String,
    /// What was expected and what was found, worded to follow the name of the value.
    pub message: String,
}

impl SchemaReport {
    /// How many errors, and how many warnings, are kept.
    pub const LIMIT: usize = 100;

    /// Whether the payload satisfies the schema, perhaps with warnings.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }
}

impl Sink for SchemaReport {
    fn error(&mut self, at: &Location<'_>, problem: &SchemaProblem<'_>) {
        push(&mut self.errors, at, problem);
    }

    fn warning(&mut self, at: &Location<'_>, problem: &SchemaProblem<'_>) {
        push(&mut self.warnings, at, problem);
    }
}

fn push(violations: &mut Vec<SchemaViolation>, at: &Location<'_>, problem: &SchemaProblem<'_>) {
    if violations.len() < SchemaReport::LIMIT {
        let violation = SchemaViolation { pointer: at.to_string(), message: problem.to_string() };
        // Two schemas for one value may report the same.
        if !violations.contains(&violation) {
            violations.push(violation);
        }
    }
}

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod tests;
