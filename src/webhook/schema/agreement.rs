//! Compares every verdict with that of the `jsonschema` crate, with formats asserted: for payloads with a change at
//! every position, and for random schemas and documents. Messages are tested elsewhere.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::Schema;
use crate::webhook::json::parse;

/// Our verdict and the crate's, by the definition of that name.
struct Judges {
    schema: Schema,
    name: &'static str,
    oracle: jsonschema::Validator,
}

impl Judges {
    fn new(schema: &Value, name: &'static str) -> Self {
        let mut root = schema.clone();
        root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
        root["$ref"] = json!(format!("#/$defs/{name}"));
        let oracle = jsonschema::options().should_validate_formats(true).build(&root).unwrap();
        Self { schema: Schema::parse(&root.to_string()).unwrap(), name, oracle }
    }

    /// Whether the document is valid, if both agree.
    #[track_caller]
    fn agree(&self, document: &Value) -> bool {
        let text = document.to_string();
        let node = parse(&text).unwrap();
        let expected = self.oracle.is_valid(document);
        let report = self.schema.definition(self.name).unwrap().check(&node);
        assert_eq!(report.is_valid(), expected, "{text} by `{}`: {report:?}", self.name);
        assert_eq!(self.schema.root().check(&node), report, "{text}");
        expected
    }
}

/// The values that replace each value in turn.
fn replacements() -> Vec<Value> {
    let texts =
        ["", "x", "2", "finished", "2025-01-01T12:00:00Z", "9f2c1e3a-4b5d-4c6e-8f70-1a2b3c4d5e6f", "https://a.b/c"];
    let others = json!([null, true, 0, -1, 1, 1.0, 1.5, 1e300, 18_446_744_073_709_551_615_u64, [], {}, [1], {"a": 1}]);
    texts.into_iter().map(Value::from).chain(others.as_array().unwrap().clone()).collect()
}

/// The document with each of its values replaced in turn, each member removed, and one added.
fn mutants(document: &Value) -> Vec<Value> {
    let mut mutants = replacements();
    match document {
        Value::Object(members) => {
            let with = |key: &str, value| {
                Value::Object(members.clone().into_iter().chain([(key.to_owned(), value)]).collect())
            };
            mutants.push(with("an unknown key", json!(1)));
            for (key, value) in members {
                mutants.extend(self::mutants(value).into_iter().map(|mutant| with(key, mutant)));
                mutants
                    .push(members.clone().into_iter().filter(|(other, _)| other != key).collect::<Map<_, _>>().into());
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let with = |mutant| {
                    let mut items = items.clone();
                    items[index] = mutant;
                    Value::Array(items)
                };
                mutants.extend(self::mutants(item).into_iter().map(with));
            }
        }
        _ => {}
    }
    mutants
}

#[test]
fn changed_payloads_get_the_verdict_of_the_jsonschema_crate() {
    let schema = json!({"$defs": {
        "analysis": {
            "type": "object",
            "required": ["version", "resource", "event"],
            "properties": {
                "version": {"const": "2"},
                "resource": {
                    "type": "object",
                    "required": ["type", "id"],
                    "properties": {"type": {"type": "string"}, "id": {"$ref": "#/$defs/id"}}
                },
                "event": {
                    "type": "object",
                    "required": ["type", "status"],
                    "properties": {
                        "type": {"type": "string", "minLength": 1, "x-known": ["AudioAnalysisV6"]},
                        "status": {"enum": ["finished", "failed"]}
                    },
                    "x-known-properties": ["type", "status"]
                }
            }
        },
        "id": {"anyOf": [{"type": "string", "pattern": "^[0-9]+$"}, {"type": "integer", "minimum": 1, "maximum": 1e300}]},
        "release": {
            "type": "object",
            "required": ["id", "at", "platforms"],
            "properties": {
                "id": {"format": "uuid"},
                "at": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "integer", "minimum": 0}]},
                "platforms": {"type": "array", "items": {
                    "type": "object",
                    "required": ["name", "url"],
                    "properties": {"name": {"type": "string", "minLength": 2}, "url": {"type": ["string", "null"], "format": "uri"}}
                }},
                "extra": {"enum": [null, 1, {"a": 1}, [1], true]},
                "parent": {"$ref": "#/$defs/release"}
            }
        }
    }});
    let analysis = json!({
        "version": "2",
        "resource": {"type": "LibraryTrack", "id": "999"},
        "event": {"type": "AudioAnalysisV6", "status": "finished"}
    });
    let release = json!({
        "id": "9f2c1e3a-4b5d-4c6e-8f70-1a2b3c4d5e6f",
        "at": 1_735_732_800,
        "platforms": [{"name": "deezer", "url": "https://deezer.com/album/1"}, {"name": "tidal", "url": null}],
        "extra": null,
    });
    let mut nested = release.clone();
    nested["parent"] = release.clone();

    let mut counts = (0, 0);
    for (name, document) in [("analysis", analysis), ("release", release), ("release", nested)] {
        let judges = Judges::new(&schema, name);
        assert!(judges.agree(&document), "{document}");
        for mutant in mutants(&document) {
            if judges.agree(&mutant) { counts.0 += 1 } else { counts.1 += 1 }
        }
    }
    assert_eq!(counts, (153, 711), "valid and invalid mutants");
}

/// Schemas with all keywords, but few keys and values, so that documents match them often enough.
fn schema() -> impl Strategy<Value = Value> {
    let types = prop::sample::select(vec!["null", "boolean", "integer", "number", "string", "array", "object"]);
    let leaf = prop_oneof![
        types.clone().prop_map(|name| json!({"type": name})),
        prop::collection::hash_set(types, 1..4).prop_map(|names| json!({"type": names})),
        scalar().prop_map(|value| json!({"const": value})),
        prop::collection::vec(scalar(), 1..4).prop_map(|values| json!({"enum": values})),
        prop::sample::select(vec!["^a", "b$", "^[a-z]+$", r"^\d"]).prop_map(|pattern| json!({"pattern": pattern})),
        prop::sample::select(vec!["date-time", "uuid", "uri", "date", "email", "ipv4"])
            .prop_map(|format| json!({"format": format})),
        (0..3).prop_map(|length| json!({"minLength": length})),
        (0..3).prop_map(|length| json!({"maxLength": length})),
        (0..3).prop_map(|count| json!({"minItems": count, "maxProperties": count})),
        (0..3).prop_map(|count| json!({"maxItems": count, "minProperties": count})),
        Just(json!({"uniqueItems": true})),
        (-1..3).prop_map(|bound| json!({"minimum": bound})),
        (-1..3).prop_map(|bound| json!({"exclusiveMinimum": bound})),
        (-1..3).prop_map(|bound| json!({"exclusiveMaximum": bound})),
        prop::sample::select(vec![json!(2), json!(0.5)]).prop_map(|divisor| json!({"multipleOf": divisor})),
        (key(), key()).prop_map(|(key, other)| json!({"dependentRequired": {key: [other]}})),
        Just(json!(false)),
        prop::sample::select(vec![json!(0), json!(1.5), json!(1e2)]).prop_map(|bound| json!({"maximum": bound})),
        prop::collection::hash_set(key(), 0..3).prop_map(|keys| json!({"required": keys})),
        Just(json!({"$ref": "#/$defs/leaf"})),
        Just(json!({"x-known": [1], "x-known-properties": ["a"]})),
        Just(json!(true)),
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            prop::collection::btree_map(key(), inner.clone(), 1..4).prop_map(|schemas| json!({"properties": schemas})),
            inner.clone().prop_map(|schema| json!({"items": schema})),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|schemas| json!({"anyOf": schemas})),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|schemas| json!({"allOf": schemas})),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|schemas| json!({"oneOf": schemas})),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|schemas| json!({"prefixItems": schemas})),
            inner.clone().prop_map(|schema| json!({"not": schema})),
            [inner.clone(), inner.clone(), inner.clone()]
                .prop_map(|[condition, then, otherwise]| json!({"if": condition, "then": then, "else": otherwise})),
            inner.clone().prop_map(|schema| json!({"additionalProperties": schema})),
            inner.clone().prop_map(|schema| json!({"patternProperties": {"^[ab]$": schema}})),
            inner.clone().prop_map(|schema| json!({"propertyNames": schema})),
            inner.clone().prop_map(|schema| json!({"unevaluatedProperties": schema})),
            inner.clone().prop_map(|schema| json!({"unevaluatedItems": schema})),
            (inner.clone(), 0..3, 0..3).prop_map(
                |(schema, least, most)| json!({"contains": schema, "minContains": least, "maxContains": most})
            ),
            (key(), inner.clone()).prop_map(|(key, schema)| json!({"dependentSchemas": {key: schema}})),
            prop::collection::vec(inner, 1..4).prop_map(|schemas| {
                schemas
                    .into_iter()
                    .filter_map(|schema| schema.as_object().cloned())
                    .flatten()
                    .collect::<Map<_, _>>()
                    .into()
            }),
        ]
    })
}

fn document() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(key(), inner, 0..4).prop_map(|members| json!(members)),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c/d"]).prop_map(str::to_owned)
}

fn scalar() -> impl Strategy<Value = Value> {
    prop::sample::select(replacements())
}

proptest! {
    #[test]
    fn random_documents_are_judged_by_random_schemas_as_by_the_jsonschema_crate(
        root in schema(), leaf in schema(), documents in prop::collection::vec(document(), 30),
    ) {
        // A leaf that refers to itself is rejected; `tests` covers that.
        let leaf = if leaf.to_string().contains("$ref") { json!({}) } else { leaf };
        let judges = Judges::new(&json!({"$defs": {"root": root, "leaf": leaf}}), "root");
        for document in documents {
            judges.agree(&document);
        }
    }
}
