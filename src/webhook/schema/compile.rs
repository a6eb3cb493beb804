//! Compiles a schema file into rules. A keyword with an invalid value is an error with its position in the file, and so
//! is a keyword that looks misspelt; any other unknown keyword is an annotation.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use super::{
    Schema,
    constant::Constant,
    decimal::Decimal,
    draft::{Draft, meant_by, slip_of},
    error::{Flaw, SchemaError},
    format::Format,
    index::{Index, Misplaced, RECURSIVE},
    pattern::Pattern,
    rule::{
        Applicator, Assertion, Bound, Condition, Contains, Counted, Items, Properties, Reference, Rule, RuleId,
        Unevaluated,
    },
    types::Types,
};
use crate::webhook::json::{Kind, Member, Node, PointerToken, parse, position};

/// How many schemas a rule may refer to in a chain without going deeper into the value.
const MAX_HOPS: usize = 64;

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
    let mut compiler = Compiler { text, index: Index::of(document)?, rules: Vec::new() };
    // References may add schemas that are not reached in any other way.
    while compiler.rules.len() < compiler.index.places.len() {
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
    Ok(Schema { rules: compiler.rules, names, definitions, dynamic_anchors: compiler.index.dynamic_anchors })
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
    /// The rules of the places so far, in their order.
    rules: Vec<Rule>,
}

type Compiled<T> = Result<T, Misplaced>;

/// A schema object that is being read.
#[derive(Clone, Copy)]
struct Source<'s, 'n> {
    id: RuleId,
    members: &'n [Member<'n>],
    pointer: &'s str,
    draft: Draft,
}

/// The value of a keyword, and its place.
struct Value<'n> {
    node: &'n Node<'n>,
    pointer: String,
}

impl<'n> Source<'_, 'n> {
    fn get(&self, keyword: &str) -> Option<Value<'n>> {
        let member = self.members.iter().find(|member| member.key == keyword)?;
        self.draft.has(keyword).then(|| Value { node: &member.value, pointer: format!("{}/{keyword}", self.pointer) })
    }
}

impl<'n> Value<'n> {
    fn flaw(&self, flaw: Flaw) -> Misplaced {
        (self.node.span.start, self.pointer.clone(), flaw)
    }

    fn expected(&self, what: &'static str) -> Misplaced {
        self.flaw(Flaw::Expected(what))
    }

    fn string(&self) -> Compiled<&'n str> {
        match &self.node.kind {
            Kind::String(text) => Ok(text),
            _ => Err(self.expected("a string")),
        }
    }

    fn items(&self) -> Compiled<impl Iterator<Item = Value<'n>> + use<'n>> {
        let Kind::Array(items) = &self.node.kind else { return Err(self.expected("an array")) };
        let pointer = self.pointer.clone();
        Ok(items.iter().enumerate().map(move |(at, node)| Value { node, pointer: format!("{pointer}/{at}") }))
    }

    /// The items of an array that is not empty.
    fn some_items(&self) -> Compiled<Vec<Value<'n>>> {
        let items: Vec<_> = self.items()?.collect();
        if items.is_empty() { Err(self.expected("at least one item")) } else { Ok(items) }
    }

    fn strings(&self) -> Compiled<Vec<String>> {
        self.items()?.map(|item| item.string().map(str::to_owned)).collect()
    }

    fn members(&self) -> Compiled<Vec<(&'n str, Value<'n>)>> {
        let Kind::Object(members) = &self.node.kind else { return Err(self.expected("an object")) };
        distinct(members, &self.pointer)?;
        let value = |member: &'n Member<'n>| {
            let pointer = format!("{}{}", self.pointer, PointerToken(&member.key));
            (member.key.as_ref(), Value { node: &member.value, pointer })
        };
        Ok(members.iter().map(value).collect())
    }

    fn is_true(&self) -> Compiled<bool> {
        match self.node.kind {
            Kind::Bool(truth) => Ok(truth),
            _ => Err(self.expected("true or false")),
        }
    }

    /// A count, which may be written `2.0`.
    fn count(&self) -> Compiled<u64> {
        let count = match &self.node.kind {
            Kind::Number(text) => text.parse().ok().or_else(|| text.strip_suffix(".0")?.parse().ok()),
            _ => None,
        };
        count.ok_or_else(|| self.expected("an integer of 0 or more"))
    }

    fn bound(&self, is_exclusive: bool) -> Compiled<Bound> {
        match self.node.kind {
            Kind::Number(text) => Ok(Bound { number: Decimal::parse(text), text: text.to_owned(), is_exclusive }),
            _ => Err(self.expected("a number")),
        }
    }

    fn pattern(&self, text: &str) -> Compiled<Pattern> {
        Pattern::new(text).map_err(|reason| self.flaw(Flaw::Pattern(reason)))
    }
}

/// Rejects a repeated key: JSON parsers disagree about which of the two counts.
fn distinct(members: &[Member<'_>], pointer: &str) -> Compiled<()> {
    let mut seen = HashSet::with_capacity(members.len());
    match members.iter().find(|member| !seen.insert(member.key.as_ref())) {
        Some(Member { key, key_span, .. }) => {
            Err((key_span.start, format!("{pointer}{}", PointerToken(key)), Flaw::Repeated))
        }
        None => Ok(()),
    }
}

impl<'n> Compiler<'_, 'n> {
    /// The rule of a place.
    fn rule(&mut self, id: RuleId) -> Compiled<Rule> {
        let place = self.index.places[id].clone();
        let mut rule = Rule { resource: place.resource, ..Rule::default() };
        let members = match &place.node.kind {
            Kind::Bool(true) => return Ok(rule),
            Kind::Bool(false) => {
                rule.assertions.push(Assertion::Nothing);
                return Ok(rule);
            }
            Kind::Object(members) => members,
            _ => {
                let expected = Flaw::Expected("a schema: an object, `true` or `false`");
                return Err((place.node.span.start, place.pointer, expected));
            }
        };
        distinct(members, &place.pointer)?;
        for Member { key, key_span, .. } in members {
            if let Some(meant) = meant_by(key) {
                return Err(misspelt(
                    "keyword",
                    key,
                    meant,
                    key_span,
                    format!("{}{}", place.pointer, PointerToken(key)),
                ));
            }
        }
        let source = Source { id, members, pointer: &place.pointer, draft: place.draft };
        self.references(&source, &mut rule)?;
        if place.draft.hides_siblings_of_ref() && !rule.references.is_empty() {
            return Ok(rule);
        }
        self.assertions(&source, &mut rule.assertions)?;
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

    fn references(&mut self, source: &Source<'_, 'n>, rule: &mut Rule) -> Compiled<()> {
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
            let place = &self.index.places[otherwise];
            let is_recursive = self.index.dynamic_anchors.contains_key(&(place.resource, RECURSIVE.to_owned()));
            rule.references.push(if is_recursive {
                Reference::Dynamic { anchor: RECURSIVE.to_owned(), otherwise }
            } else {
                Reference::To(otherwise)
            });
        }
        Ok(())
    }

    fn resolve(&mut self, value: &Value<'n>, from: RuleId) -> Compiled<(RuleId, Option<String>)> {
        // The error belongs to the reference, regardless of its target.
        self.index.resolve(value.string()?, from).map_err(|(_, _, flaw)| value.flaw(flaw))
    }

    fn assertions(&mut self, source: &Source<'_, 'n>, assertions: &mut Vec<Assertion>) -> Compiled<()> {
        if let Some(value) = source.get("const") {
            assertions.push(Assertion::Constant(self.constant(&value)));
        }
        if let Some(value) = source.get("enum") {
            let values = value.items()?.map(|item| self.constant(&item)).collect();
            assertions.push(Assertion::OneOf(values));
        }
        if let Some(value) = source.get("type") {
            let types = types(&value)?;
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
            assertions.push(Assertion::Pattern(value.pattern(value.string()?)?));
        }
        if let Some(value) = source.get("format") {
            assertions.extend(format(&value)?.map(Assertion::Format));
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
    fn extensions(&mut self, source: &Source<'_, 'n>, applicators: &mut Vec<Applicator>) -> Compiled<()> {
        let get = |key: &str| {
            let member = source.members.iter().find(|member| member.key == key)?;
            Some(Value { node: &member.value, pointer: format!("{}/{key}", source.pointer) })
        };
        if let Some(value) = get("x-known") {
            applicators.push(Applicator::Known(value.items()?.map(|item| self.constant(&item)).collect()));
        }
        if let Some(value) = get("x-known-properties") {
            applicators.push(Applicator::KnownProperties(value.strings()?));
        }
        Ok(())
    }

    fn combinations(&mut self, source: &Source<'_, 'n>, applicators: &mut Vec<Applicator>) -> Compiled<()> {
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

    fn object(&mut self, source: &Source<'_, 'n>, applicators: &mut Vec<Applicator>) -> Compiled<()> {
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
            let is_list = |value: &Value<'_>| matches!(value.node.kind, Kind::Array(_));
            let (names, schemas): (Vec<_>, Vec<_>) =
                value.members()?.into_iter().partition(|(_, value)| is_list(value));
            let names = names.into_iter().map(|(key, names)| Ok((key.to_owned(), names.strings()?)));
            applicators.push(Applicator::DependentRequired(names.collect::<Compiled<_>>()?));
            let schemas = schemas.into_iter().map(|(key, value)| Ok((key.to_owned(), self.schema(&value)?)));
            applicators.push(Applicator::DependentSchemas(schemas.collect::<Compiled<_>>()?));
        }
        size(source, Counted::Members, ["minProperties", "maxProperties"], applicators)?;
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
                    properties.patterns.push((value.pattern(text)?, self.schema(&value)?));
                }
            }
            properties.others = others.map(|value| self.schema(&value)).transpose()?;
            applicators.push(Applicator::Properties(properties));
        }
        Ok(())
    }

    fn array(&mut self, source: &Source<'_, 'n>, applicators: &mut Vec<Applicator>) -> Compiled<()> {
        size(source, Counted::Items, ["minItems", "maxItems"], applicators)?;
        if let Some(value) = source.get("uniqueItems")
            && value.is_true()?
        {
            applicators.push(Applicator::UniqueItems);
        }
        let items = source.get("items");
        let is_list = |value: &Value<'_>| matches!(value.node.kind, Kind::Array(_));
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

    fn named(&mut self, value: &Value<'n>) -> Compiled<Vec<(String, RuleId)>> {
        value.members()?.into_iter().map(|(key, value)| Ok((key.to_owned(), self.schema(&value)?))).collect()
    }

    /// The rule of a schema that was found before.
    fn schema(&self, value: &Value<'n>) -> Compiled<RuleId> {
        self.index.rule(value.node).ok_or_else(|| value.expected("a schema"))
    }

    fn constant(&self, value: &Value<'n>) -> Constant {
        Constant::new(self.text, value.node)
    }

    /// Gives every rule the types that it accepts, which also proves that none leads back to itself.
    fn settle_types(&mut self) -> Compiled<()> {
        let mut settled = vec![None; self.rules.len()];
        for id in 0..self.rules.len() {
            self.rules[id].accepts = self.accepted(id, &mut settled, MAX_HOPS)?;
        }
        Ok(())
    }

    fn accepted(&self, id: RuleId, settled: &mut [Option<Types>], hops: usize) -> Compiled<Types> {
        if let Some(types) = settled[id] {
            return Ok(types);
        }
        let Some(hops) = hops.checked_sub(1) else {
            let place = &self.index.places[id];
            return Err((place.node.span.start, place.pointer.clone(), Flaw::Circular));
        };
        let rule = &self.rules[id];
        let mut types = Types::default();
        for reference in &rule.references {
            match reference {
                Reference::To(target) => types = types & self.accepted(*target, settled, hops)?,
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
                        types = types & self.accepted(*schema, settled, hops)?;
                    }
                }
                Applicator::AnyOf(schemas) | Applicator::OneOf(schemas) => {
                    let any = schemas.iter().map(|schema| self.accepted(*schema, settled, hops));
                    types = types & any.collect::<Compiled<_>>()?;
                }
                Applicator::Not(schema) => drop(self.accepted(*schema, settled, hops)?),
                Applicator::If(Condition { test, then, otherwise }) => {
                    for schema in [Some(*test), *then, *otherwise].into_iter().flatten() {
                        self.accepted(schema, settled, hops)?;
                    }
                }
                Applicator::DependentSchemas(schemas) => {
                    for (_, schema) in schemas {
                        self.accepted(*schema, settled, hops)?;
                    }
                }
                _ => {}
            }
        }
        settled[id] = Some(types);
        Ok(types)
    }
}

fn size(
    source: &Source<'_, '_>,
    of: Counted,
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

fn types(value: &Value<'_>) -> Compiled<Types> {
    match value.node.kind {
        Kind::Array(_) => value.some_items()?.iter().map(named_type).collect(),
        _ => named_type(value),
    }
}

fn named_type(value: &Value<'_>) -> Compiled<Types> {
    let name = value.string()?;
    Types::named(name).ok_or_else(|| {
        let nearest = slip_of(name, Types::names()).map(str::to_owned);
        value.flaw(Flaw::Unknown { what: "type", name: name.to_owned(), nearest })
    })
}

/// A format that is checked; any other is an annotation.
fn format(value: &Value<'_>) -> Compiled<Option<Format>> {
    let name = value.string()?;
    let format = Format::named(name);
    match slip_of(name, Format::names()) {
        Some(meant) if format.is_none() && !Format::is_unchecked(name) => {
            Err(misspelt("format", name, meant, &value.node.span, value.pointer.clone()))
        }
        _ => Ok(format),
    }
}

fn misspelt(what: &'static str, name: &str, meant: &str, span: &Range<usize>, pointer: String) -> Misplaced {
    (span.start, pointer, Flaw::Unknown { what, name: name.to_owned(), nearest: Some(meant.to_owned()) })
}
