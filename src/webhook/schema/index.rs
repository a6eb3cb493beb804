//! Where the schemas of a file are, and what references refer to: each schema's position, the resources that `$id`
//! defines, and their anchors. References are resolved only within the file.

use std::{
    collections::{HashMap, VecDeque},
    ptr,
};

use percent_encoding::percent_decode_str;
use url::Url;

use super::{
    draft::{Draft, Holds},
    error::Flaw,
    rule::RuleId,
};
use crate::webhook::json::{Kind, Member, Node, Path, PointerToken};

/// The base of a file that does not name itself.
const DEFAULT_BASE: &str = "json-schema:///";

/// A schema of the file.
#[derive(Clone, Debug)]
pub(super) struct Subschema<'n> {
    pub(super) node: &'n Node<'n>,
    /// Its RFC 6901 pointer.
    pub(super) pointer: String,
    /// The resource that it is part of.
    pub(super) resource: usize,
    pub(super) draft: Draft,
}

/// A schema with a URI, and everything inside it without one.
#[derive(Debug)]
pub(super) struct Resource {
    uri: Url,
    root: RuleId,
}

/// All schemas of a file.
#[derive(Debug)]
pub(super) struct Index<'n> {
    /// By the index of their rules.
    pub(super) subschemas: Vec<Subschema<'n>>,
    rules: HashMap<*const Node<'n>, RuleId>,
    resources: Vec<Resource>,
    /// The first resource of each URI.
    by_uri: HashMap<Url, usize>,
    /// The members of large objects that a reference has led through, such as `$defs`.
    members: HashMap<*const Node<'n>, HashMap<&'n str, &'n Node<'n>>>,
    anchors: HashMap<(usize, String), RuleId>,
    /// The anchors that `$dynamicRef` and `$recursiveRef` look for; that of the latter is empty.
    pub(super) dynamic_anchors: HashMap<(usize, String), RuleId>,
}

/// Up to this many members are searched one by one.
const FEW: usize = 16;

/// The name under which `$recursiveAnchor` is indexed.
pub(super) const RECURSIVE: &str = "";

impl<'n> Index<'n> {
    /// Finds the schemas within the root of a file.
    ///
    /// # Errors
    ///
    /// If a `$schema` names no known draft; with its position.
    pub(super) fn of(root: &'n Node<'n>) -> Result<Self, Misplaced> {
        let base = Url::parse(DEFAULT_BASE).expect("a URL");
        let mut index = Self {
            subschemas: Vec::new(),
            rules: HashMap::new(),
            by_uri: HashMap::from([(base.clone(), 0)]),
            resources: vec![Resource { uri: base, root: 0 }],
            members: HashMap::new(),
            anchors: HashMap::new(),
            dynamic_anchors: HashMap::new(),
        };
        index.add(Subschema { node: root, pointer: String::new(), resource: 0, draft: Draft::Y2020 })?;
        Ok(index)
    }

    /// The rule of a node.
    pub(super) fn rule(&self, node: &Node<'n>) -> Option<RuleId> {
        self.rules.get(&ptr::from_ref(node)).copied()
    }

    /// Adds a schema and its subschemas.
    fn add(&mut self, subschema: Subschema<'n>) -> Result<RuleId, Misplaced> {
        let added = self.subschemas.len();
        let mut found = VecDeque::from([subschema]);
        while let Some(mut subschema) = found.pop_front() {
            if self.rule(subschema.node).is_some() {
                continue;
            }
            let id = self.subschemas.len();
            self.rules.insert(ptr::from_ref(subschema.node), id);
            if let Kind::Object(members) = &subschema.node.kind {
                self.identify(id, members, &mut subschema)?;
                found.extend(subschemas(members, &subschema));
            }
            self.subschemas.push(subschema);
        }
        Ok(added)
    }

    /// Records the names of a schema, which may start a resource of its own.
    fn identify(
        &mut self,
        id: RuleId,
        members: &'n [Member<'n>],
        subschema: &mut Subschema<'n>,
    ) -> Result<(), Misplaced> {
        let text = |key: &str| members.iter().rev().find(|member| member.key == key).and_then(text_of);
        let names_itself = |draft: Draft| {
            let is_hidden = draft.hides_siblings_of_ref() && text("$ref").is_some();
            text(draft.id_keyword()).filter(|_| !is_hidden)
        };
        if let Some((uri, member)) = text("$schema")
            && (subschema.pointer.is_empty() || text("$id").is_some() || text("id").is_some())
        {
            subschema.draft = Draft::of_uri(uri).ok_or_else(|| {
                let pointer = format!("{}/$schema", subschema.pointer);
                (member.value.span.start, pointer, Flaw::Draft(uri.to_owned()))
            })?;
        }
        let (draft, base) = (subschema.draft, &self.resources[subschema.resource].uri);
        if let Some((uri, _)) = names_itself(draft) {
            let (document, fragment) = uri.split_once('#').unwrap_or((uri, ""));
            let uri = base.join(document).or_else(|_| Url::parse(document));
            if let Ok(uri) = uri.map_err(drop).and_then(|uri| if document.is_empty() { Err(()) } else { Ok(uri) }) {
                if subschema.pointer.is_empty() {
                    self.by_uri = HashMap::from([(uri.clone(), 0)]);
                    self.resources[0].uri = uri;
                } else {
                    subschema.resource = self.resources.len();
                    self.by_uri.entry(uri.clone()).or_insert(subschema.resource);
                    self.resources.push(Resource { uri, root: id });
                }
            }
            if draft.hides_siblings_of_ref() && !fragment.is_empty() {
                self.anchors.insert((subschema.resource, fragment.to_owned()), id);
            }
        }
        if draft >= Draft::Y2019
            && let Some((name, _)) = text("$anchor")
        {
            self.anchors.insert((subschema.resource, name.to_owned()), id);
        }
        if draft == Draft::Y2020
            && let Some((name, _)) = text("$dynamicAnchor")
        {
            self.anchors.insert((subschema.resource, name.to_owned()), id);
            self.dynamic_anchors.insert((subschema.resource, name.to_owned()), id);
        }
        let is_recursive =
            |member: &Member<'_>| member.key == "$recursiveAnchor" && member.value.kind == Kind::Bool(true);
        if draft == Draft::Y2019 && self.resources[subschema.resource].root == id && members.iter().any(is_recursive) {
            self.dynamic_anchors.insert((subschema.resource, RECURSIVE.to_owned()), id);
        }
        Ok(())
    }

    /// The target rule of a reference in the schema `from`, added if schemas are not expected there, and the anchor
    /// that names it, if that is a dynamic one.
    pub(super) fn resolve(&mut self, reference: &str, from: RuleId) -> Result<(RuleId, Option<String>), Misplaced> {
        let subschema = &self.subschemas[from];
        let lost = || (subschema.node.span.start, subschema.pointer.clone(), Flaw::Unresolved(reference.to_owned()));
        let (document, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let resource = if document.is_empty() {
            subschema.resource
        } else {
            let base = &self.resources[subschema.resource].uri;
            let uri = base.join(document).or_else(|_| Url::parse(document)).map_err(|_| lost())?;
            *self.by_uri.get(&uri).ok_or_else(lost)?
        };
        let fragment = percent_decode_str(fragment).decode_utf8().map_err(|_| lost())?;
        let root = self.resources[resource].root;
        if fragment.is_empty() {
            return Ok((root, None));
        }
        if !fragment.starts_with('/') {
            let anchor = (resource, fragment.into_owned());
            let rule = *self.anchors.get(&anchor).ok_or_else(lost)?;
            let is_dynamic = self.dynamic_anchors.contains_key(&anchor);
            return Ok((rule, is_dynamic.then_some(anchor.1)));
        }
        let path: Path = fragment.parse().map_err(|_| lost())?;
        let mut target = self.subschemas[root].clone();
        for key in path.keys() {
            target.node = child(&mut self.members, target.node, key).ok_or_else(lost)?;
            target.pointer = format!("{}{}", target.pointer, PointerToken(key));
            if let Some(rule) = self.rule(target.node) {
                target = self.subschemas[rule].clone();
            }
        }
        match self.rule(target.node) {
            Some(rule) => Ok((rule, None)),
            None => self.add(target).map(|rule| (rule, None)),
        }
    }
}

/// The item or member of a node that a key names.
fn child<'n>(
    indexed: &mut HashMap<*const Node<'n>, HashMap<&'n str, &'n Node<'n>>>,
    node: &'n Node<'n>,
    key: &str,
) -> Option<&'n Node<'n>> {
    match &node.kind {
        Kind::Object(members) if members.len() > FEW => {
            let by_key = || members.iter().map(|member| (member.key.as_ref(), &member.value)).collect();
            indexed.entry(ptr::from_ref(node)).or_insert_with(by_key).get(key).copied()
        }
        _ => node.child(key),
    }
}

/// An error and its position: the byte offset and the pointer.
pub(super) type Misplaced = (usize, String, Flaw);

fn text_of<'m>(member: &'m Member<'m>) -> Option<(&'m str, &'m Member<'m>)> {
    match &member.value.kind {
        Kind::String(text) => Some((text.as_ref(), member)),
        _ => None,
    }
}

/// The direct subschemas of a schema.
fn subschemas<'n>(members: &'n [Member<'n>], subschema: &Subschema<'n>) -> Vec<Subschema<'n>> {
    let mut found = Vec::new();
    let mut push = |node: &'n Node<'n>, pointer: String| {
        found.push(Subschema { node, pointer, resource: subschema.resource, draft: subschema.draft });
    };
    for member in members {
        let holds = subschema.draft.schemas_of(&member.key);
        if holds == Holds::None {
            continue;
        }
        let pointer = format!("{}/{}", subschema.pointer, member.key);
        match (&member.value.kind, holds) {
            (Kind::Array(items), Holds::List | Holds::SchemaOrList) => {
                items.iter().enumerate().for_each(|(at, item)| push(item, format!("{pointer}/{at}")));
            }
            (Kind::Object(named), Holds::Map | Holds::MapBesideNames) => {
                let is_names = |value: &Node<'_>| matches!(value.kind, Kind::Array(_));
                for Member { key, value, .. } in named {
                    if holds == Holds::Map || !is_names(value) {
                        push(value, format!("{pointer}{}", PointerToken(key)));
                    }
                }
            }
            (_, Holds::Schema | Holds::SchemaOrList) => push(&member.value, pointer),
            _ => {}
        }
    }
    found
}
