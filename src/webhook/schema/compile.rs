//! Reads a schema file into rules, strictly: what the checker would not heed is an error here, with the place in the
//! file and the nearest name that is known. Annotations are passed over, and so are the `x-` keywords of others.

use std::ops::Range;

use regex_lite::Regex;
use serde_json::{Number, Value};

use super::{
    Schema,
    error::{Flaw, SchemaError},
    format::Format,
    location::Location,
    rule::{Rule, RuleId, Types},
};
use crate::webhook::{
    json::{Kind, Member, Node, parse, position},
    nearest::nearest,
};

/// Through how many `$ref` and `anyOf` a rule may lead without going deeper into the value.
const MAX_HOPS: usize = 32;

/// Every keyword that may stand in a file.
const KEYWORDS: &[&str] = &[
    "$comment",
    "$defs",
    "$id",
    "$ref",
    "$schema",
    "anyOf",
    "const",
    "description",
    "enum",
    "examples",
    "format",
    "items",
    "maximum",
    "minLength",
    "minimum",
    "pattern",
    "properties",
    "required",
    "title",
    "type",
    "x-known",
    "x-known-properties",
];

/// Reads the text of a schema file.
pub(super) fn compile(text: &str) -> Result<Schema, SchemaError> {
    let document = parse(text).map_err(|error| SchemaError {
        pointer: String::new(),
        line: error.line,
        column: error.column,
        flaw: Flaw::Syntax(error.message),
    })?;
    let definitions = match document.member("$defs").map(|node| &node.kind) {
        Some(Kind::Object(members)) => members.as_slice(),
        _ => &[],
    };
    let mut compiler = Compiler { text, definitions, rules: Vec::new(), places: Vec::new() };
    let at_definitions = Location::ROOT.key("$defs");
    for member in definitions {
        compiler.reserve(&member.value, &at_definitions.key(&member.key));
    }
    for (id, member) in definitions.iter().enumerate() {
        compiler.rules[id] = compiler.read(&member.value, &at_definitions.key(&member.key))?;
    }
    let root = compiler.rule(&document, &Location::ROOT)?;
    compiler.settle_types()?;
    let definitions = definitions.iter().enumerate().map(|(id, member)| (member.key.to_string(), id)).collect();
    Ok(Schema { rules: compiler.rules, definitions, root })
}

struct Compiler<'t> {
    text: &'t str,
    /// The members of `$defs`; each one's place among them is its rule's place.
    definitions: &'t [Member<'t>],
    rules: Vec<Rule>,
    /// Where each rule stands in the file.
    places: Vec<(usize, String)>,
}

type Compiled<T> = Result<T, SchemaError>;

impl Compiler<'_> {
    fn reserve(&mut self, node: &Node<'_>, at: &Location<'_>) -> RuleId {
        self.rules.push(Rule::default());
        self.places.push((node.span.start, at.to_string()));
        self.rules.len() - 1
    }

    fn rule(&mut self, node: &Node<'_>, at: &Location<'_>) -> Compiled<RuleId> {
        let id = self.reserve(node, at);
        self.rules[id] = self.read(node, at)?;
        Ok(id)
    }

    fn read(&mut self, node: &Node<'_>, at: &Location<'_>) -> Compiled<Rule> {
        let mut rule = Rule::default();
        match &node.kind {
            Kind::Bool(true) => {}
            Kind::Object(members) => {
                for member in self.distinct(members, at)? {
                    self.keyword(&mut rule, member, &at.key(&member.key))?;
                }
            }
            _ => return Err(self.flaw(&node.span, at, Flaw::Expected("a schema: an object or `true`"))),
        }
        Ok(rule)
    }

    fn keyword(&mut self, rule: &mut Rule, member: &Member<'_>, at: &Location<'_>) -> Compiled<()> {
        let value = &member.value;
        match member.key.as_ref() {
            "$ref" => rule.reference = Some(self.reference(value, at)?),
            "anyOf" => rule.any_of = self.filled_list(value, at, Self::rule)?,
            "const" => rule.constant = Some(self.constant(value, at)?),
            "enum" => rule.one_of = Some(self.filled_list(value, at, Self::constant)?),
            "format" => rule.format = Some(self.format(value, at)?),
            "items" => rule.items = Some(self.rule(value, at)?),
            "maximum" => rule.maximum = Some(self.number(value, at)?),
            "minLength" => rule.min_length = self.count(value, at)?,
            "minimum" => rule.minimum = Some(self.number(value, at)?),
            "pattern" => rule.pattern = Some(self.pattern(value, at)?),
            "properties" => rule.properties = self.properties(value, at)?,
            "required" => rule.required = self.list(value, at, Self::string)?,
            "type" => rule.types = self.types(value, at)?,
            "x-known" => rule.known = Some(self.list(value, at, Self::constant)?),
            "x-known-properties" => rule.known_properties = Some(self.list(value, at, Self::string)?),
            "$defs" if at.depth == 1 => drop(self.members(value, at)?),
            "$id" | "$schema" if at.depth == 1 => drop(self.string(value, at)?),
            "$comment" | "description" | "title" => drop(self.string(value, at)?),
            "examples" => {}
            "$defs" | "$id" | "$schema" => return Err(self.flaw(&member.key_span, at, Flaw::RootOnly)),
            extension if extension.starts_with("x-") => {}
            unknown => return Err(self.unknown(&member.key_span, at, "keyword", unknown, KEYWORDS.iter().copied())),
        }
        Ok(())
    }

    fn reference(&mut self, node: &Node<'_>, at: &Location<'_>) -> Compiled<RuleId> {
        let reference = self.string(node, at)?;
        let Some(token) = reference.strip_prefix("#/$defs/") else {
            return Err(self.flaw(&node.span, at, Flaw::Expected("`#/$defs/NAME`")));
        };
        let name = token.replace("~1", "/").replace("~0", "~");
        let names = || self.definitions.iter().map(|member| member.key.as_ref());
        names()
            .position(|known| known == name)
            .ok_or_else(|| self.unknown(&node.span, at, "definition", &name, names()))
    }

    fn properties(&mut self, node: &Node<'_>, at: &Location<'_>) -> Compiled<Vec<(String, RuleId)>> {
        let members = self.members(node, at)?;
        members
            .iter()
            .map(|member| Ok((member.key.to_string(), self.rule(&member.value, &at.key(&member.key))?)))
            .collect()
    }

    fn types(&mut self, node: &Node<'_>, at: &Location<'_>) -> Compiled<Types> {
        let Kind::Array(_) = node.kind else { return self.named_type(node, at) };
        let types = self.filled_list(node, at, Self::named_type)?;
        Ok(types.into_iter().collect())
    }

    fn named_type(&mut self, node: &Node<'_>, at: &Location<'_>) -> Compiled<Types> {
        let name = self.string(node, at)?;
        Types::named(&name).ok_or_else(|| self.unknown(&node.span, at, "type", &name, Types::names()))
    }

    fn format(&mut self, node: &Node<'_>, at: &Location<'_>) -> Compiled<Format> {
        let name = self.string(node, at)?;
        Format::named(&name).ok_or_else(|| self.unknown(&node.span, at, "format", &name, Format::names()))
    }

    fn pattern(&mut self, node: &Node<'_>, at: &Location<'_>) -> Compiled<Regex> {
        let pattern = self.string(node, at)?;
        Regex::new(&pattern).map_err(|error| self.flaw(&node.span, at, Flaw::Pattern(error.to_string())))
    }

    /// A value that payloads are compared with.
    fn constant(&mut self, node: &Node<'_>, at: &Location<'_>) -> Compiled<Value> {
        let text = &self.text[node.span.clone()];
        serde_json::from_str(text)
            .map_err(|_| self.flaw(&node.span, at, Flaw::Expected("numbers within the range of a double")))
    }

    fn number(&mut self, node: &Node<'_>, at: &Location<'_>) -> Compiled<Number> {
        let text = &self.text[node.span.clone()];
        serde_json::from_str(text).map_err(|_| self.flaw(&node.span, at, Flaw::Expected("a number")))
    }

    fn count(&mut self, node: &Node<'_>, at: &Location<'_>) -> Compiled<usize> {
        let text = &self.text[node.span.clone()];
        text.parse().map_err(|_| self.flaw(&node.span, at, Flaw::Expected("a number of characters")))
    }

    fn string(&mut self, node: &Node<'_>, at: &Location<'_>) -> Compiled<String> {
        match &node.kind {
            Kind::String(text) => Ok(text.to_string()),
            _ => Err(self.flaw(&node.span, at, Flaw::Expected("a string"))),
        }
    }

    fn list<T>(
        &mut self,
        node: &Node<'_>,
        at: &Location<'_>,
        read: fn(&mut Self, &Node<'_>, &Location<'_>) -> Compiled<T>,
    ) -> Compiled<Vec<T>> {
        match &node.kind {
            Kind::Array(items) => {
                items.iter().enumerate().map(|(index, item)| read(self, item, &at.index(index))).collect()
            }
            _ => Err(self.flaw(&node.span, at, Flaw::Expected("an array"))),
        }
    }

    fn filled_list<T>(
        &mut self,
        node: &Node<'_>,
        at: &Location<'_>,
        read: fn(&mut Self, &Node<'_>, &Location<'_>) -> Compiled<T>,
    ) -> Compiled<Vec<T>> {
        let list = self.list(node, at, read)?;
        if list.is_empty() { Err(self.flaw(&node.span, at, Flaw::Expected("at least one item"))) } else { Ok(list) }
    }

    fn members<'n, 'a>(&mut self, node: &'n Node<'a>, at: &Location<'_>) -> Compiled<&'n [Member<'a>]> {
        match &node.kind {
            Kind::Object(members) => self.distinct(members, at),
            _ => Err(self.flaw(&node.span, at, Flaw::Expected("an object"))),
        }
    }

    /// The members, of which none may have the key of another: readers of JSON disagree on which of the two counts.
    fn distinct<'n, 'a>(&self, members: &'n [Member<'a>], at: &Location<'_>) -> Compiled<&'n [Member<'a>]> {
        let is_repeated =
            |(index, member): &(usize, &Member<'_>)| members[..*index].iter().any(|other| other.key == member.key);
        match members.iter().enumerate().find(is_repeated) {
            Some((_, member)) => Err(self.flaw(&member.key_span, &at.key(&member.key), Flaw::Repeated)),
            None => Ok(members),
        }
    }

    /// Gives every rule the types that it lets pass, which also proves that none leads back to itself.
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
            let (offset, pointer) = self.places[id].clone();
            return Err(self.flaw_at(offset, pointer, Flaw::Circular));
        };
        let rule = &self.rules[id];
        let mut types = rule.types;
        if let Some(constant) = &rule.constant {
            types = types & Types::of_value(constant);
        }
        if let Some(values) = &rule.one_of {
            types = types & values.iter().map(Types::of_value).collect();
        }
        if let Some(target) = rule.reference {
            types = types & self.accepted(target, settled, hops)?;
        }
        if !rule.any_of.is_empty() {
            types = types
                & rule.any_of.iter().map(|branch| self.accepted(*branch, settled, hops)).collect::<Compiled<_>>()?;
        }
        settled[id] = Some(types);
        Ok(types)
    }

    fn unknown<'n>(
        &self,
        span: &Range<usize>,
        at: &Location<'_>,
        what: &'static str,
        name: &str,
        known: impl Iterator<Item = &'n str>,
    ) -> SchemaError {
        let nearest = nearest(name, known).map(str::to_owned);
        self.flaw(span, at, Flaw::Unknown { what, name: name.to_owned(), nearest })
    }

    fn flaw(&self, span: &Range<usize>, at: &Location<'_>, flaw: Flaw) -> SchemaError {
        self.flaw_at(span.start, at.to_string(), flaw)
    }

    fn flaw_at(&self, offset: usize, pointer: String, flaw: Flaw) -> SchemaError {
        let (line, column) = position(self.text, offset);
        SchemaError { pointer, line, column, flaw }
    }
}
