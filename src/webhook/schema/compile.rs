//! Compiles a schema file into rules. A keyword with an invalid value is an error with its position in the file, and so
//! is a keyword that looks misspelt; any other unknown keyword is an annotation.

mod types;
mod value;

use std::collections::HashMap;

use super::{
    Schema, UnsupportedPattern,
    constant::Constant,
    draft::{Draft, meant_by},
    error::{Flaw, SchemaError},
    index::{Index, RECURSIVE},
    pattern::SchemaPattern,
    problem::SchemaProblem,
    rule::{
        Applicator, Assertion, Bound, Condition, Contains, Items, Properties, Reference, Rule, RuleId, SizeUnit,
        Unevaluated,
    },
    types::Types,
};
use crate::webhook::json::{Kind, Member, Node, PointerToken, parse, position};
use value::{Compiled, KeywordValue, SchemaObject, distinct, misspelt};

/// Reads the text of a schema file.
pub(super) fn compile(text: &str) -> Result<Schema, SchemaError> {
    let document = parse(text).map_err(|error| SchemaError {
        pointer: String::new(),
        line: error.line,
        column: error.column,
        flaw: Flaw::Syntax(error.message),
    })?;
    read(text, &document).map_err(|(offset, pointer, flaw)| {
        let (line, column) = position(text, offset);
        SchemaError { pointer, line, column, flaw }
    })
}

fn read(text: &str, document: &Node<'_>) -> Compiled<Schema> {
    let mut compiler = Compiler { text, index: Index::of(document)?, rules: Vec::new(), unsupported: Vec::new() };
    // References may add schemas that are not reached in any other way.
    while compiler.rules.len() < compiler.index.subschemas.len() {
        let rule = compiler.rule(compiler.rules.len())?;
        compiler.rules.push(rule);
    }
    compiler.settle_types()?;
    let (mut names, mut definitions) = (Vec::new(), HashMap::new());
    for member in definitions_of(document) {
        if let Some(rule) = compiler.index.rule(&member.value) {
            names.push(member.key.to_string());
            definitions.entry(member.key.to_string()).or_insert(rule);
        }
    }
    Ok(Schema {
        rules: compiler.rules,
        names,
        definitions,
        dynamic_anchors: compiler.index.dynamic_anchors,
        unsupported: compiler.unsupported,
    })
}

/// The members of `$defs`, then those of `definitions`.
fn definitions_of<'n>(document: &'n Node<'n>) -> impl Iterator<Item = &'n Member<'n>> {
    let maps = ["$defs", "definitions"].into_iter().filter_map(|key| document.member(key));
    maps.flat_map(|node| match &node.kind {
        Kind::Object(members) => members.as_slice(),
        _ => &[],
    })
}

struct Compiler<'t, 'n> {
    text: &'t str,
    index: Index<'n>,
    /// The rules of the subschemas so far, in their order.
    rules: Vec<Rule>,
    unsupported: Vec<UnsupportedPattern>,
}

impl<'n> Compiler<'_, 'n> {
    /// The rule of a subschema.
    fn rule(&mut self, id: RuleId) -> Compiled<Rule> {
        let subschema = self.index.subschemas[id].clone();
        let mut rule = Rule { resource: subschema.resource, ..Rule::default() };
        let members = match &subschema.node.kind {
            Kind::Bool(true) => return Ok(rule),
            Kind::Bool(false) => {
                rule.assertions.push(Assertion::Nothing);
                return Ok(rule);
            }
            Kind::Object(members) => members,
            _ => {
                let expected = Flaw::Expected("a schema: an object, `true` or `false`");
                return Err((subschema.node.span.start, subschema.pointer, expected));
            }
        };
        distinct(members, &subschema.pointer)?;
        for Member { key, key_span, .. } in members {
            if let Some(meant) = meant_by(key) {
                return Err(misspelt(
                    "keyword",
                    key,
                    meant,
                    key_span,
                    format!("{}{}", subschema.pointer, PointerToken(key)),
                ));
            }
        }
        let source = SchemaObject { id, members, pointer: &subschema.pointer, draft: subschema.draft };
        self.references(&source, &mut rule)?;
        if subschema.draft.hides_siblings_of_ref() && !rule.references.is_empty() {
            return Ok(rule);
        }
        self.assertions(&source, &mut rule.assertions)?;
        rule.is_laborious = rule.assertions.iter().any(Assertion::is_laborious);
        self.extensions(&source, &mut rule.applicators)?;
        self.combinations(&source, &mut rule.applicators)?;
        self.object(&source, &mut rule.applicators)?;
        self.array(&source, &mut rule.applicators)?;
        if let Some(value) = source.get("unevaluatedItems") {
            rule.unevaluated.push(Unevaluated::Items(self.schema(&value)?));
        }
        if let Some(value) = source.get("unevaluatedProperties") {
            rule.unevaluated.push(Unevaluated::Properties(self.schema(&value)?));
        }
        Ok(rule)
    }

    fn references(&mut self, source: &SchemaObject<'_, 'n>, rule: &mut Rule) -> Compiled<()> {
        if let Some(value) = source.get("$ref") {
            rule.references.push(Reference::To(self.resolve(&value, source.id)?.0));
        }
        if let Some(value) = source.get("$dynamicRef") {
            let (otherwise, anchor) = self.resolve(&value, source.id)?;
            rule.references.push(match anchor {
                Some(anchor) => Reference::Dynamic { anchor, otherwise },
                None => Reference::To(otherwise),
            });
        }
        if let Some(value) = source.get("$recursiveRef") {
            let (otherwise, _) = self.resolve(&value, source.id)?;
            let subschema = &self.index.subschemas[otherwise];
            let is_recursive = self.index.dynamic_anchors.contains_key(&(subschema.resource, RECURSIVE.to_owned()));
            rule.references.push(if is_recursive {
                Reference::Dynamic { anchor: RECURSIVE.to_owned(), otherwise }
            } else {
                Reference::To(otherwise)
            });
        }
        Ok(())
    }

    fn resolve(&mut self, value: &KeywordValue<'n>, from: RuleId) -> Compiled<(RuleId, Option<String>)> {
        // The error belongs to the reference, regardless of its target.
        self.index.resolve(value.string()?, from).map_err(|(_, _, flaw)| value.flaw(flaw))
    }

    /// The pattern in a value, or in the key before it. One that isn't supported is noted.
    fn pattern(&mut self, value: &KeywordValue<'n>, text: &str) -> Compiled<SchemaPattern> {
        let pattern = value.pattern(text)?;
        if !pattern.is_supported() {
            let (line, column) = position(self.text, value.node.span.start);
            let message = SchemaProblem::UnsupportedPattern(text).to_string();
            self.unsupported.push(UnsupportedPattern { message, line, column });
        }
        Ok(pattern)
    }

    fn assertions(&mut self, source: &SchemaObject<'_, 'n>, assertions: &mut Vec<Assertion>) -> Compiled<()> {
        if let Some(value) = source.get("const") {
            assertions.push(Assertion::Constant(self.constant(&value)));
        }
        if let Some(value) = source.get("enum") {
            let values = value.items()?.map(|item| self.constant(&item)).collect();
            assertions.push(Assertion::OneOf(values));
        }
        if let Some(value) = source.get("type") {
            let types = value.types()?;
            let may_be_fraction = types & Types::FRACTION != Types::NONE;
            assertions.push(if source.draft == Draft::Four && !may_be_fraction {
                Assertion::TypeAsWritten(types)
            } else {
                Assertion::Type(types)
            });
        }
        if let Some(value) = source.get("minLength") {
            assertions.extend(Some(value.count()?).filter(|least| *least > 0).map(Assertion::MinLength));
        }
        if let Some(value) = source.get("maxLength") {
            assertions.push(Assertion::MaxLength(value.count()?));
        }
        if let Some(value) = source.get("pattern") {
            assertions.push(Assertion::Pattern(self.pattern(&value, value.string()?)?));
        }
        if let Some(value) = source.get("format") {
            assertions.extend(value.format()?.map(Assertion::Format));
        }
        for (name, exclusive, assertion) in [
            ("minimum", "exclusiveMinimum", Assertion::Minimum as fn(Bound) -> Assertion),
            ("maximum", "exclusiveMaximum", Assertion::Maximum),
        ] {
            // Draft 4 has a boolean in place of a second bound.
            let is_switch = source.draft == Draft::Four;
            let exclusive = source.get(exclusive);
            let is_exclusive = match &exclusive {
                Some(switch) if is_switch => switch.is_true()?,
                _ => false,
            };
            if let Some(value) = source.get(name) {
                assertions.push(assertion(value.bound(is_exclusive)?));
            }
            if let Some(value) = exclusive.filter(|_| !is_switch) {
                assertions.push(assertion(value.bound(true)?));
            }
        }
        if let Some(value) = source.get("multipleOf") {
            let bound = value.bound(false)?;
            if !bound.number.is_positive() {
                return Err(value.expected("a number above 0"));
            }
            assertions.push(Assertion::MultipleOf(bound));
        }
        Ok(())
    }

    /// hookdev's own keywords, which only warn.
    fn extensions(&mut self, source: &SchemaObject<'_, 'n>, applicators: &mut Vec<Applicator>) -> Compiled<()> {
        let get = |key: &str| {
            let member = source.members.iter().find(|member| member.key == key)?;
            Some(KeywordValue { node: &member.value, pointer: format!("{}/{key}", source.pointer) })
        };
        if let Some(value) = get("x-known") {
            applicators.push(Applicator::Known(value.items()?.map(|item| self.constant(&item)).collect()));
        }
        if let Some(value) = get("x-known-properties") {
            applicators.push(Applicator::KnownProperties(value.strings()?));
        }
        Ok(())
    }

    fn combinations(&mut self, source: &SchemaObject<'_, 'n>, applicators: &mut Vec<Applicator>) -> Compiled<()> {
        for (keyword, applicator) in [
            ("allOf", Applicator::AllOf as fn(Vec<RuleId>) -> Applicator),
            ("anyOf", Applicator::AnyOf),
            ("oneOf", Applicator::OneOf),
        ] {
            if let Some(value) = source.get(keyword) {
                let schemas = value.some_items()?.iter().map(|item| self.schema(item)).collect::<Compiled<_>>()?;
                applicators.push(applicator(schemas));
            }
        }
        if let Some(value) = source.get("not") {
            applicators.push(Applicator::Not(self.schema(&value)?));
        }
        if let Some(value) = source.get("if") {
            let test = self.schema(&value)?;
            let [then, otherwise] = ["then", "else"].map(|keyword| source.get(keyword));
            applicators.push(Applicator::If(Condition {
                test,
                then: then.map(|value| self.schema(&value)).transpose()?,
                otherwise: otherwise.map(|value| self.schema(&value)).transpose()?,
            }));
        }
        Ok(())
    }

    fn object(&mut self, source: &SchemaObject<'_, 'n>, applicators: &mut Vec<Applicator>) -> Compiled<()> {
        if let Some(value) = source.get("required") {
            applicators.push(Applicator::Required(value.strings()?));
        }
        if let Some(value) = source.get("dependentRequired") {
            let named = value.members()?.into_iter().map(|(key, names)| Ok((key.to_owned(), names.strings()?)));
            applicators.push(Applicator::DependentRequired(named.collect::<Compiled<_>>()?));
        }
        if let Some(value) = source.get("dependentSchemas") {
            applicators.push(Applicator::DependentSchemas(self.named(&value)?));
        }
        if let Some(value) = source.get("dependencies") {
            let is_list = |value: &KeywordValue<'_>| matches!(value.node.kind, Kind::Array(_));
            let (names, schemas): (Vec<_>, Vec<_>) =
                value.members()?.into_iter().partition(|(_, value)| is_list(value));
            let names = names.into_iter().map(|(key, names)| Ok((key.to_owned(), names.strings()?)));
            applicators.push(Applicator::DependentRequired(names.collect::<Compiled<_>>()?));
            let schemas = schemas.into_iter().map(|(key, value)| Ok((key.to_owned(), self.schema(&value)?)));
            applicators.push(Applicator::DependentSchemas(schemas.collect::<Compiled<_>>()?));
        }
        size(source, SizeUnit::Members, ["minProperties", "maxProperties"], applicators)?;
        if let Some(value) = source.get("propertyNames") {
            applicators.push(Applicator::PropertyNames(self.schema(&value)?));
        }
        let [named, patterns, others] =
            ["properties", "patternProperties", "additionalProperties"].map(|keyword| source.get(keyword));
        if named.is_some() || patterns.is_some() || others.is_some() {
            let mut properties = Properties::default();
            if let Some(value) = named {
                properties.named = self.named(&value)?;
            }
            if let Some(value) = patterns {
                for (text, value) in value.members()? {
                    properties.patterns.push((self.pattern(&value, text)?, self.schema(&value)?));
                }
            }
            properties.others = others.map(|value| self.schema(&value)).transpose()?;
            applicators.push(Applicator::Properties(properties));
        }
        Ok(())
    }

    fn array(&mut self, source: &SchemaObject<'_, 'n>, applicators: &mut Vec<Applicator>) -> Compiled<()> {
        size(source, SizeUnit::Items, ["minItems", "maxItems"], applicators)?;
        if let Some(value) = source.get("uniqueItems")
            && value.is_true()?
        {
            applicators.push(Applicator::UniqueItems);
        }
        let items = source.get("items");
        let is_list = |value: &KeywordValue<'_>| matches!(value.node.kind, Kind::Array(_));
        let (first, others) = match items {
            Some(list) if is_list(&list) && source.draft == Draft::Y2020 => {
                return Err(list.expected("a schema; this draft has lists of schemas in `prefixItems`"));
            }
            Some(list) if is_list(&list) => (Some(list), source.get("additionalItems")),
            others => (source.get("prefixItems"), others),
        };
        if first.is_some() || others.is_some() {
            let first = match first {
                Some(list) => list.items()?.map(|item| self.schema(&item)).collect::<Compiled<_>>()?,
                None => Vec::new(),
            };
            let others = others.map(|value| self.schema(&value)).transpose()?;
            applicators.push(Applicator::Items(Items { first, others }));
        }
        if let Some(value) = source.get("contains") {
            let count = |keyword| source.get(keyword).map(|value| value.count()).transpose();
            applicators.push(Applicator::Contains(Contains {
                rule: self.schema(&value)?,
                least: count("minContains")?.unwrap_or(1),
                most: count("maxContains")?.unwrap_or(u64::MAX),
                evaluates: source.draft == Draft::Y2020,
            }));
        }
        Ok(())
    }

    fn named(&mut self, value: &KeywordValue<'n>) -> Compiled<Vec<(String, RuleId)>> {
        value.members()?.into_iter().map(|(key, value)| Ok((key.to_owned(), self.schema(&value)?))).collect()
    }

    /// The rule of a schema that was found before.
    fn schema(&self, value: &KeywordValue<'n>) -> Compiled<RuleId> {
        self.index.rule(value.node).ok_or_else(|| value.expected("a schema"))
    }

    fn constant(&self, value: &KeywordValue<'n>) -> Constant {
        Constant::new(self.text, value.node)
    }
}

fn size(
    source: &SchemaObject<'_, '_>,
    of: SizeUnit,
    [least, most]: [&str; 2],
    applicators: &mut Vec<Applicator>,
) -> Compiled<()> {
    let count = |keyword| source.get(keyword).map(|value| value.count()).transpose();
    let (least, most) = (count(least)?, count(most)?);
    if least.is_some() || most.is_some() {
        applicators.push(Applicator::Size { of, least: least.unwrap_or(0), most: most.unwrap_or(u64::MAX) });
    }
    Ok(())
}
