//! The types that each rule accepts, known before any payload is.

use crate::webhook::schema::{
    constant::Constant,
    error::Flaw,
    rule::{Applicator, Assertion, Condition, Reference, RuleId},
    types::Types,
};

use super::{Compiler, value::Compiled};

/// How many schemas a rule may refer to in a chain without going deeper into the value.
const MAX_HOPS: usize = 64;

impl Compiler<'_, '_> {
    /// Gives every rule the types that it accepts, which also proves that none leads back to itself.
    pub(super) fn settle_types(&mut self) -> Compiled<()> {
        let mut settled = vec![None; self.rules.len()];
        for id in 0..self.rules.len() {
            self.rules[id].accepts = self.accepted(id, &mut settled, &mut Vec::new())?;
        }
        Ok(())
    }

    /// The types that a rule accepts, and the rules that it refers to in place. `chain` are those that lead to it.
    fn accepted(&self, id: RuleId, settled: &mut [Option<Types>], chain: &mut Vec<RuleId>) -> Compiled<Types> {
        if let Some(types) = settled[id] {
            return Ok(types);
        }
        let flaw = if chain.contains(&id) {
            Some(Flaw::Circular)
        } else {
            (chain.len() == MAX_HOPS).then_some(Flaw::Chained(MAX_HOPS))
        };
        if let Some(flaw) = flaw {
            let subschema = &self.index.subschemas[id];
            return Err((subschema.node.span.start, subschema.pointer.clone(), flaw));
        }
        chain.push(id);
        let rule = &self.rules[id];
        let mut types = Types::default();
        for reference in &rule.references {
            match reference {
                Reference::To(target) => types = types & self.accepted(*target, settled, chain)?,
                // Its target is known only during validation.
                Reference::Dynamic { .. } => {}
            }
        }
        for assertion in &rule.assertions {
            types = types
                & match assertion {
                    Assertion::Nothing => Types::NONE,
                    Assertion::Constant(value) => value.types(),
                    Assertion::OneOf(values) => values.iter().map(Constant::types).collect(),
                    Assertion::Type(types) | Assertion::TypeAsWritten(types) => *types,
                    _ => Types::default(),
                };
        }
        for applicator in &rule.applicators {
            match applicator {
                Applicator::AllOf(schemas) => {
                    for schema in schemas {
                        types = types & self.accepted(*schema, settled, chain)?;
                    }
                }
                Applicator::AnyOf(schemas) | Applicator::OneOf(schemas) => {
                    let any = schemas.iter().map(|schema| self.accepted(*schema, settled, chain));
                    types = types & any.collect::<Compiled<_>>()?;
                }
                Applicator::Not(schema) => drop(self.accepted(*schema, settled, chain)?),
                Applicator::If(Condition { test, then, otherwise }) => {
                    for schema in [Some(*test), *then, *otherwise].into_iter().flatten() {
                        self.accepted(schema, settled, chain)?;
                    }
                }
                Applicator::DependentSchemas(schemas) => {
                    for (_, schema) in schemas {
                        self.accepted(*schema, settled, chain)?;
                    }
                }
                _ => {}
            }
        }
        chain.pop();
        settled[id] = Some(types);
        Ok(types)
    }
}
