//! The values of keywords, read with their position.

use std::{collections::HashSet, ops::Range};

use crate::webhook::{
    json::{Kind, Member, Node, PointerToken},
    schema::{
        decimal::Decimal,
        draft::{Draft, slip_of},
        error::Flaw,
        format::FormatKeyword,
        index::Misplaced,
        pattern::SchemaPattern,
        rule::{Bound, RuleId},
        types::Types,
    },
};

pub(super) type Compiled<T> = Result<T, Misplaced>;

/// A schema object that is being read.
#[derive(Clone, Copy)]
pub(super) struct SchemaObject<'s, 'n> {
    pub(super) id: RuleId,
    pub(super) members: &'n [Member<'n>],
    pub(super) pointer: &'s str,
    pub(super) draft: Draft,
}

/// The value of a keyword, and its place.
pub(super) struct KeywordValue<'n> {
    pub(super) node: &'n Node<'n>,
    pub(super) pointer: String,
}

impl<'n> SchemaObject<'_, 'n> {
    pub(super) fn get(&self, keyword: &str) -> Option<KeywordValue<'n>> {
        let member = self.members.iter().find(|member| member.key == keyword)?;
        self.draft
            .has(keyword)
            .then(|| KeywordValue { node: &member.value, pointer: format!("{}/{keyword}", self.pointer) })
    }
}

impl<'n> KeywordValue<'n> {
    pub(super) fn flaw(&self, flaw: Flaw) -> Misplaced {
        (self.node.span.start, self.pointer.clone(), flaw)
    }

    pub(super) fn expected(&self, what: &'static str) -> Misplaced {
        self.flaw(Flaw::Expected(what))
    }

    pub(super) fn string(&self) -> Compiled<&'n str> {
        match &self.node.kind {
            Kind::String(text) => Ok(text),
            _ => Err(self.expected("a string")),
        }
    }

    pub(super) fn items(&self) -> Compiled<impl Iterator<Item = KeywordValue<'n>> + use<'n>> {
        let Kind::Array(items) = &self.node.kind else { return Err(self.expected("an array")) };
        let pointer = self.pointer.clone();
        Ok(items.iter().enumerate().map(move |(at, node)| KeywordValue { node, pointer: format!("{pointer}/{at}") }))
    }

    /// The items of an array that is not empty.
    pub(super) fn some_items(&self) -> Compiled<Vec<KeywordValue<'n>>> {
        let items: Vec<_> = self.items()?.collect();
        if items.is_empty() { Err(self.expected("at least one item")) } else { Ok(items) }
    }

    pub(super) fn strings(&self) -> Compiled<Vec<String>> {
        self.items()?.map(|item| item.string().map(str::to_owned)).collect()
    }

    pub(super) fn members(&self) -> Compiled<Vec<(&'n str, KeywordValue<'n>)>> {
        let Kind::Object(members) = &self.node.kind else { return Err(self.expected("an object")) };
        distinct(members, &self.pointer)?;
        let value = |member: &'n Member<'n>| {
            let pointer = format!("{}{}", self.pointer, PointerToken(&member.key));
            (member.key.as_ref(), KeywordValue { node: &member.value, pointer })
        };
        Ok(members.iter().map(value).collect())
    }

    pub(super) fn is_true(&self) -> Compiled<bool> {
        match self.node.kind {
            Kind::Bool(truth) => Ok(truth),
            _ => Err(self.expected("true or false")),
        }
    }

    /// A count, which may be written `2.0`.
    pub(super) fn count(&self) -> Compiled<u64> {
        let count = match &self.node.kind {
            Kind::Number(text) => text.parse().ok().or_else(|| text.strip_suffix(".0")?.parse().ok()),
            _ => None,
        };
        count.ok_or_else(|| self.expected("an integer of 0 or more"))
    }

    pub(super) fn bound(&self, is_exclusive: bool) -> Compiled<Bound> {
        match self.node.kind {
            Kind::Number(text) => Ok(Bound { number: Decimal::parse(text), text: text.to_owned(), is_exclusive }),
            _ => Err(self.expected("a number")),
        }
    }

    pub(super) fn pattern(&self, text: &str) -> Compiled<SchemaPattern> {
        SchemaPattern::new(text).map_err(|reason| self.flaw(Flaw::Pattern(reason)))
    }

    /// The types that `type` names.
    pub(super) fn types(&self) -> Compiled<Types> {
        match self.node.kind {
            Kind::Array(_) => self.some_items()?.iter().map(KeywordValue::named_type).collect(),
            _ => self.named_type(),
        }
    }

    fn named_type(&self) -> Compiled<Types> {
        let name = self.string()?;
        Types::named(name).ok_or_else(|| {
            let nearest = slip_of(name, Types::names()).map(str::to_owned);
            self.flaw(Flaw::Unknown { what: "type", name: name.to_owned(), nearest })
        })
    }

    /// A format that is checked; any other is an annotation.
    pub(super) fn format(&self) -> Compiled<Option<FormatKeyword>> {
        let name = self.string()?;
        let format = FormatKeyword::named(name);
        if format.is_some() || FormatKeyword::is_unchecked(name) {
            return Ok(format);
        }
        match slip_of(name, FormatKeyword::names()) {
            Some(meant) => Err(misspelt("format", name, meant, &self.node.span, self.pointer.clone())),
            None => Ok(None),
        }
    }
}

/// Rejects a repeated key: JSON parsers disagree about which of the two counts.
pub(super) fn distinct(members: &[Member<'_>], pointer: &str) -> Compiled<()> {
    let mut seen = HashSet::with_capacity(members.len());
    match members.iter().find(|member| !seen.insert(member.key.as_ref())) {
        Some(Member { key, key_span, .. }) => {
            Err((key_span.start, format!("{pointer}{}", PointerToken(key)), Flaw::Repeated))
        }
        None => Ok(()),
    }
}

pub(super) fn misspelt(what: &'static str, name: &str, meant: &str, span: &Range<usize>, pointer: String) -> Misplaced {
    (span.start, pointer, Flaw::Unknown { what, name: name.to_owned(), nearest: Some(meant.to_owned()) })
}
