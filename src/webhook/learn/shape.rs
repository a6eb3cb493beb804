//! The JSON Schema that all payloads of an event have in common: types, members, and which of these are always there.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::personal::Replacements;
use crate::webhook::json::{Kind, Node};

/// What several values have in common.
#[derive(Debug, Default)]
pub(super) struct Shape {
    types: BTreeSet<&'static str>,
    /// How many of them are objects.
    objects: usize,
    members: Vec<(String, usize, Self)>,
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
                    let index = self.members.iter().position(|(key, ..)| *key == *member.key).unwrap_or_else(|| {
                        self.members.push((member.key.to_string(), 0, Self::default()));
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

    /// The JSON Schema.
    pub(super) fn schema(&self) -> Value {
        let mut types = self.types.clone();
        if types.contains("number") {
            types.remove("integer");
        }
        let types: Vec<&str> = types.into_iter().collect();
        let mut schema = match types.as_slice() {
            [] => json!({}),
            [only] => json!({ "type": only }),
            several => json!({ "type": several }),
        };
        if !self.members.is_empty() {
            let required = self.members.iter().filter(|(_, count, _)| *count == self.objects);
            let mut required: Vec<&str> = required.map(|(key, ..)| key.as_str()).collect();
            required.sort_unstable();
            let properties: Map<String, Value> =
                self.members.iter().map(|(key, _, shape)| (key.clone(), shape.schema())).collect();
            if !required.is_empty() {
                schema["required"] = required.into();
            }
            schema["properties"] = properties.into();
        }
        if let Some(items) = self.items.as_ref().filter(|items| items.is_known()) {
            schema["items"] = items.schema();
        }
        schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::json;

    #[test]
    fn what_all_payloads_have_is_required_and_types_are_joined() {
        let mut shape = Shape::default();
        let replacements = Replacements::new(Vec::new());
        for text in [r#"{"id":1,"total":2,"tags":["a"]}"#, r#"{"id":"x","total":2.5,"note":null}"#] {
            shape.add(&json::parse(text).unwrap(), &replacements);
        }
        assert_eq!(
            shape.schema(),
            json!({
                "type": "object",
                "required": ["id", "total"],
                "properties": {
                    "id": {"type": ["integer", "string"]},
                    "total": {"type": "number"},
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "note": {"type": "null"},
                },
            })
        );
    }
}
