//! Whether a payload is exactly what a schema lists: it has no member that the schema doesn't describe, and no two
//! members whose keys are equal or differ only in case.
//!
//! A valid payload may have more than that, and parsers disagree about it: Go's `encoding/json` ignores the case of
//! keys, and parsers differ in which of several equal keys they use. So a payload without any other proof must be
//! exact. Whatever can't be decided counts as not exact: `$dynamicRef` lists nothing here, and neither does a schema
//! that allows any object.

use std::{borrow::Cow, collections::HashMap};

use super::{
    SchemaViolation,
    location::Location,
    rule::{Applicator, Contains, Items, Properties, Reference, RuleId, Unevaluated},
    walk::SchemaWalk,
};
use crate::webhook::json::{Kind, Member, Node};

/// The first member that makes a valid value inexact; `rules` are the schemas that apply to the value.
pub(super) fn first_violation(
    walk: &mut SchemaWalk<'_>,
    rules: &[RuleId],
    node: &Node<'_>,
    at: &Location<'_>,
) -> Option<SchemaViolation> {
    match &node.kind {
        Kind::Object(members) => {
            if let Some(violation) = similar_keys(members, at) {
                return Some(violation);
            }
            let rules = applying(walk, rules, node);
            members.iter().find_map(|member| {
                let at = at.key(&member.key);
                match member_rules(walk, &rules, &member.key) {
                    Some(rules) => first_violation(walk, &rules, &member.value, &at),
                    None => Some(violation(&at, "is not in the schema")),
                }
            })
        }
        Kind::Array(items) => {
            let rules = applying(walk, rules, node);
            items.iter().enumerate().find_map(|(index, item)| {
                let rules = item_rules(walk, &rules, index, item);
                first_violation(walk, &rules, item, &at.index(index))
            })
        }
        _ => None,
    }
}

fn violation(at: &Location<'_>, message: impl Into<String>) -> SchemaViolation {
    SchemaViolation { pointer: at.to_string(), message: message.into() }
}

/// Two members that a parser may treat as one.
fn similar_keys(members: &[Member<'_>], at: &Location<'_>) -> Option<SchemaViolation> {
    let mut seen: HashMap<Cow<'_, str>, &str> = HashMap::with_capacity(members.len());
    members.iter().find_map(|member| {
        let earlier = seen.insert(folded(&member.key), &member.key)?;
        let message = if earlier == member.key {
            "is repeated".to_owned()
        } else {
            format!("differs from `{earlier}` only in case")
        };
        Some(violation(&at.key(&member.key), message))
    })
}

/// A key folded to one case. The two mappings together fold `ſ` to `s` and the Kelvin sign to `k`, as Go does.
fn folded(key: &str) -> Cow<'_, str> {
    if key.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return key.into();
    }
    key.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// The schemas that apply to a valid value: those given, and those that they lead to without going deeper.
fn applying(walk: &mut SchemaWalk<'_>, rules: &[RuleId], node: &Node<'_>) -> Vec<RuleId> {
    let mut all = Vec::new();
    let mut open = rules.to_vec();
    while let Some(id) = open.pop() {
        if all.contains(&id) {
            continue;
        }
        all.push(id);
        let rule = walk.rule(id);
        open.extend(rule.references.iter().filter_map(|reference| match reference {
            Reference::To(rule) => Some(*rule),
            Reference::Dynamic { .. } => None,
        }));
        for applicator in &rule.applicators {
            match applicator {
                Applicator::AllOf(schemas) => open.extend(schemas),
                Applicator::AnyOf(schemas) | Applicator::OneOf(schemas) => {
                    open.extend(schemas.iter().filter(|schema| walk.matches(**schema, node)));
                }
                Applicator::If(condition) => {
                    let is_met = walk.matches(condition.test, node);
                    open.extend(is_met.then_some(condition.test));
                    open.extend(if is_met { condition.then } else { condition.otherwise });
                }
                Applicator::DependentSchemas(schemas) => {
                    let present = schemas.iter().filter(|(key, _)| node.member(key).is_some());
                    open.extend(present.map(|(_, schema)| *schema));
                }
                _ => {}
            }
        }
    }
    all
}

/// The schemas of a member; `None` if no schema lists it.
fn member_rules(walk: &mut SchemaWalk<'_>, rules: &[RuleId], key: &str) -> Option<Vec<RuleId>> {
    let (mut found, mut is_listed) = (Vec::new(), false);
    for id in rules {
        let rule = walk.rule(*id);
        for applicator in &rule.applicators {
            match applicator {
                Applicator::Properties(properties) => {
                    let schemas = properties_of(walk, properties, key);
                    is_listed |= !schemas.is_empty();
                    found.extend(schemas);
                }
                Applicator::KnownProperties(known) => is_listed |= known.iter().any(|name| name == key),
                _ => {}
            }
        }
    }
    if !is_listed {
        let unevaluated = rules.iter().flat_map(|id| &walk.rule(*id).unevaluated);
        found.extend(unevaluated.filter_map(|unevaluated| match unevaluated {
            Unevaluated::Properties(schema) => Some(*schema),
            Unevaluated::Items(_) => None,
        }));
        is_listed = !found.is_empty();
    }
    is_listed.then_some(found)
}

fn properties_of<'s>(walk: &mut SchemaWalk<'s>, properties: &'s Properties, key: &str) -> Vec<RuleId> {
    let matches = walk.schemas_of_member(properties, key, &mut |_| {});
    let named = properties.named.iter().filter(|(name, _)| name == key).map(|(_, schema)| *schema);
    let others = properties.others.filter(|_| matches.is_other);
    named.chain(matches.patterns).chain(others).collect()
}

/// The schemas of an array's item. An item needs none: only members can be misread.
fn item_rules(walk: &mut SchemaWalk<'_>, rules: &[RuleId], index: usize, item: &Node<'_>) -> Vec<RuleId> {
    let mut found = Vec::new();
    for id in rules {
        let rule = walk.rule(*id);
        for applicator in &rule.applicators {
            match applicator {
                Applicator::Items(Items { first, others }) => found.extend(first.get(index).or(others.as_ref())),
                Applicator::Contains(Contains { rule, .. }) => {
                    found.extend(walk.matches(*rule, item).then_some(*rule));
                }
                _ => {}
            }
        }
        found.extend(rule.unevaluated.iter().filter_map(|unevaluated| match unevaluated {
            Unevaluated::Items(schema) => Some(*schema),
            Unevaluated::Properties(_) => None,
        }));
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::webhook::{json::parse, schema::Schema};

    /// What makes a payload inexact under the definition `x`, as `POINTER MESSAGE`.
    fn violation(definition: &Value, payload: &str) -> Option<String> {
        let schema = json!({"$defs": {"x": definition, "leaf": {"properties": {"deep": {"type": "string"}}}}});
        let schema = Schema::parse(&schema.to_string()).unwrap();
        let definition = schema.definition("x").unwrap();
        let payload = parse(payload).unwrap();
        assert!(definition.check(&payload).is_valid());
        definition.inexact(&payload).map(|violation| format!("{} {}", violation.pointer, violation.message))
    }

    fn test_event() -> Value {
        json!({
            "type": "object",
            "required": ["type", "data"],
            "properties": {
                "type": {"const": "TEST"},
                "data": {"anyOf": [{"type": "null"}, {"type": "object"}]}
            }
        })
    }

    #[test]
    fn a_payload_with_the_listed_members_alone_is_exact() {
        for payload in [r#"{"type":"TEST","data":null}"#, r#" { "data" : {}, "type":"\u0054EST" } "#] {
            assert_eq!(violation(&test_event(), payload), None);
        }
    }

    #[test]
    fn unlisted_members_are_found_at_any_depth() {
        let found = |payload| violation(&test_event(), payload).unwrap();
        assert_eq!(found(r#"{"type":"TEST","data":null,"a/b":1}"#), "/a~1b is not in the schema");
        assert_eq!(found(r#"{"type":"TEST","data":{"id":1}}"#), "/data/id is not in the schema");
    }

    #[test]
    fn keys_that_a_parser_may_take_for_one_are_found() {
        let found = |payload| violation(&test_event(), payload).unwrap();
        assert_eq!(found(r#"{"type":"x","type":"TEST","data":null}"#), "/type is repeated");
        assert_eq!(found(r#"{"type":"TEST","data":null,"Type":"DONE"}"#), "/Type differs from `type` only in case");
        let open = json!({"additionalProperties": true});
        // Go folds the long s and the Kelvin sign, too.
        assert_eq!(
            violation(&open, r#"{"status":1,"\u017ftatus":2}"#).unwrap(),
            "/\u{17f}tatus differs from `status` only in case"
        );
        assert_eq!(
            violation(&open, r#"{"key":1,"\u212aey":2}"#).unwrap(),
            "/\u{212a}ey differs from `key` only in case"
        );
        assert_eq!(violation(&open, r#"{"key":1,"kez":2}"#), None);
    }

    #[test]
    fn every_keyword_that_describes_members_lists_them() {
        for definition in [
            json!({"$ref": "#/$defs/leaf"}),
            json!({"allOf": [{"$ref": "#/$defs/leaf"}]}),
            json!({"anyOf": [false, {"properties": {"deep": true}}]}),
            json!({"oneOf": [false, {"properties": {"deep": true}}]}),
            json!({"if": {"required": ["deep"]}, "then": {"properties": {"deep": true}}}),
            json!({"if": {"properties": {"deep": true}}}),
            json!({"if": false, "else": {"properties": {"deep": true}}}),
            json!({"dependentSchemas": {"deep": {"properties": {"deep": true}}}}),
            json!({"patternProperties": {"^d": true}}),
            json!({"additionalProperties": {"type": "string"}}),
            json!({"unevaluatedProperties": {"type": "string"}}),
            json!({"x-known-properties": ["deep"]}),
        ] {
            assert_eq!(violation(&definition, r#"{"deep":"x"}"#), None, "{definition}");
        }
        for definition in [
            json!({}),
            json!({"type": "object"}),
            json!({"required": ["deep"]}),
            json!({"properties": {"other": true}}),
            json!({"anyOf": [true, {"properties": {"deep": {"type": "null"}}}]}),
            json!({"not": {"properties": {"deep": {"type": "null"}}, "required": ["deep"]}}),
            json!({"if": {"required": ["deep"]}, "else": {"properties": {"deep": true}}}),
            json!({"propertyNames": {"const": "deep"}}),
        ] {
            assert_eq!(
                violation(&definition, r#"{"deep":"x"}"#).as_deref(),
                Some("/deep is not in the schema"),
                "{definition}"
            );
        }
    }

    #[test]
    fn the_items_of_an_array_are_compared_with_their_own_schemas() {
        let leaf = json!({"$ref": "#/$defs/leaf"});
        for definition in [
            json!({"items": leaf}),
            json!({"prefixItems": [leaf, leaf]}),
            json!({"contains": leaf}),
            json!({"unevaluatedItems": leaf}),
        ] {
            assert_eq!(violation(&definition, r#"[{"deep":"x"},{}]"#), None, "{definition}");
            assert_eq!(
                violation(&definition, r#"[{},{"deep":"x","b":1}]"#).as_deref(),
                Some("/1/b is not in the schema"),
                "{definition}"
            );
        }
        assert_eq!(violation(&json!({}), r#"[1,"a",[null]]"#), None);
        assert_eq!(violation(&json!({}), r#"[[{"a":1}]]"#).as_deref(), Some("/0/0/a is not in the schema"));
    }

    #[test]
    fn a_payload_that_takes_too_long_to_compare_is_not_exact() {
        let wide = json!({"anyOf": vec![json!({"properties": {"a": {"type": "string"}}}); 64]});
        let mut definition = wide;
        for _ in 0..8 {
            definition = json!({"anyOf": [definition.clone(), {"properties": {"a": definition}}]});
        }
        let payload = format!("{}\"x\"{}", r#"{"a":"#.repeat(9), "}".repeat(9));
        let schema = Schema::parse(&json!({"$defs": {"x": definition}}).to_string()).unwrap();
        let inexact = schema.definition("x").unwrap().inexact(&parse(&payload).unwrap()).unwrap();
        assert_eq!((inexact.pointer.as_str(), inexact.message.as_str()), ("", "can't be compared with the schema"));
    }
}
