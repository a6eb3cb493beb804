//! The JSON Schema that all payloads of an event have in common: types, members, and which of these must be there.
//!
//! What a few payloads have by chance is not a rule. Members that tell the event apart are required; any other only if
//! all of [`ENOUGH`] payloads have it. With fewer payloads, a number may have a fraction, and what was always null may
//! be anything.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use super::personal::Replacements;
use crate::webhook::json::{Kind, Node, Path};

/// How many payloads show which members an event always has. A member that all of ten have is missing from at most
/// about a quarter of all deliveries, with 95 % confidence.
const ENOUGH: usize = 10;

/// What the schema file says about definitions of fewer payloads.
pub(super) const COMMENT: &str = "Inferred from captures. Where there were fewer than 10 of an event, only the members that tell it apart are required. To be stricter, add others to `required`, as the provider documents them, and change `number` to `integer` where the provider never sends a fraction.";

/// What several values have in common.
#[derive(Debug, Default)]
pub(super) struct Shape {
    types: BTreeSet<&'static str>,
    /// How many of them are objects.
    objects: usize,
    /// Each member's name, in how many of the objects it is, and its shape.
    members: Vec<(String, usize, Self)>,
    /// The positions of the members by their names.
    positions: HashMap<String, usize>,
    items: Option<Box<Self>>,
}

impl Shape {
    /// Adds a value. The names of members that are personal are left out.
    pub(super) fn add(&mut self, node: &Node<'_>, replacements: &Replacements) {
        self.types.insert(match &node.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "boolean",
            Kind::Number(text) if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') => "integer",
            Kind::Number(_) => "number",
            Kind::String(_) => "string",
            Kind::Array(_) => "array",
            Kind::Object(_) => "object",
        });
        match &node.kind {
            Kind::Array(items) => {
                let shape = self.items.get_or_insert_default();
                for item in items {
                    shape.add(item, replacements);
                }
            }
            Kind::Object(members) => {
                self.objects += 1;
                let mut seen: BTreeSet<&str> = BTreeSet::new();
                for member in members.iter().rev() {
                    if replacements.is_personal_key(&member.key) || !seen.insert(&member.key) {
                        continue;
                    }
                    let index = self.positions.get(member.key.as_ref()).copied().unwrap_or_else(|| {
                        self.members.push((member.key.to_string(), 0, Self::default()));
                        self.positions.insert(member.key.to_string(), self.members.len() - 1);
                        self.members.len() - 1
                    });
                    if let Some((_, count, shape)) = self.members.get_mut(index) {
                        *count += 1;
                        shape.add(&member.value, replacements);
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether there is any value.
    pub(super) fn is_known(&self) -> bool {
        !self.types.is_empty()
    }

    /// Whether there are enough payloads to tell what is always there.
    pub(super) const fn is_well_known(&self) -> bool {
        self.objects >= ENOUGH
    }

    /// The JSON Schema of payloads, in which the values at these paths tell the event apart.
    pub(super) fn schema(&self, telling: &[Path]) -> Value {
        let telling: Vec<&[String]> = telling.iter().map(Path::keys).collect();
        self.part(self.is_well_known(), &telling)
    }

    fn part(&self, is_well_known: bool, telling: &[&[String]]) -> Value {
        let mut types = self.types.clone();
        if types.contains("number") || !is_well_known && types.remove("integer") {
            types.remove("integer");
            types.insert("number");
        }
        let types: Vec<&str> = types.into_iter().collect();
        let mut schema = match types.as_slice() {
            [] => json!({}),
            ["null"] if !is_well_known => json!({}),
            [only] => json!({ "type": only }),
            several => json!({ "type": several }),
        };
        if !self.members.is_empty() {
            let is_telling = |key: &String| telling.iter().any(|path| path.first() == Some(key));
            let is_required =
                |(key, count, _): &&(String, usize, Self)| is_telling(key) || is_well_known && *count == self.objects;
            let mut required: Vec<&str> =
                self.members.iter().filter(is_required).map(|(key, ..)| key.as_str()).collect();
            required.sort_unstable();
            let part = |(key, _, shape): &(String, usize, Self)| {
                let below: Vec<&[String]> = telling
                    .iter()
                    .filter_map(|path| path.split_first())
                    .filter(|(first, rest)| *first == key && !rest.is_empty())
                    .map(|(_, rest)| rest)
                    .collect();
                (key.clone(), shape.part(is_well_known, &below))
            };
            let properties: Map<String, Value> = self.members.iter().map(part).collect();
            if !required.is_empty() {
                schema["required"] = required.into();
            }
            schema["properties"] = properties.into();
        }
        if let Some(items) = self.items.as_ref().filter(|items| items.is_known()) {
            let below: Vec<&[String]> = telling
                .iter()
                .filter_map(|path| path.split_first())
                .map(|(_, rest)| rest)
                .filter(|rest| !rest.is_empty())
                .collect();
            schema["items"] = items.part(is_well_known, &below);
        }
        schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::json;

    fn shape(texts: &[&str], times: usize) -> Shape {
        let mut shape = Shape::default();
        let replacements = Replacements::new(Vec::new());
        for text in texts.iter().cycle().take(texts.len() * times) {
            shape.add(&json::parse(text).unwrap(), &replacements);
        }
        shape
    }

    const TWO: [&str; 2] = [r#"{"id":1,"total":2,"tags":["a"]}"#, r#"{"id":2,"total":2.5,"note":null}"#];

    #[test]
    fn what_all_of_many_payloads_have_is_required_and_types_are_joined() {
        assert_eq!(
            shape(&TWO, 5).schema(&[]),
            json!({
                "type": "object",
                "required": ["id", "total"],
                "properties": {
                    "id": {"type": "integer"},
                    "total": {"type": "number"},
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "note": {"type": "null"},
                },
            })
        );
    }

    #[test]
    fn a_few_payloads_show_types_and_what_tells_the_event_apart() {
        let nested = r#"{"event":{"type":"made","at":1},"note":null}"#;
        let path: Path = ["event", "type"].iter().map(|key| (*key).to_owned()).collect();
        assert_eq!(
            shape(&[nested], 2).schema(&[path]),
            json!({
                "type": "object",
                "required": ["event"],
                "properties": {
                    "event": {
                        "type": "object",
                        "required": ["type"],
                        "properties": {"type": {"type": "string"}, "at": {"type": "number"}},
                    },
                    "note": {},
                },
            })
        );
        assert!(shape(&TWO, 1).schema(&[]).get("required").is_none());
    }
}
