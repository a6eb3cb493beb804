//! The JSON lines that the program prints, each validated against `docs/schemas/output.schema.json`. Here, an object
//! may have no keys other than those of the schema, so that none is undocumented.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex},
};

use jsonschema::Validator;
use serde_json::{Value, json};

const SCHEMA: &str = include_str!("../../../docs/schemas/output.schema.json");

/// The definitions of the schema, without other keys than those they name.
static DEFINITIONS: LazyLock<Value> = LazyLock::new(|| {
    let mut schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    close(&mut schema["$defs"]);
    schema["$defs"].take()
});

/// The validators compiled so far, by the name of their definition.
static VALIDATORS: LazyLock<Mutex<HashMap<&str, Validator>>> = LazyLock::new(Mutex::default);

/// Parses a JSON object of the output, and validates it against its schema if it has a `kind`.
#[track_caller]
pub fn parse(line: &str) -> Value {
    let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    if value["kind"].is_string() {
        let name = definition(&value);
        let mut validators = VALIDATORS.lock().expect("no panic while a schema is compiled");
        let validator = validators.entry(name).or_insert_with(|| validator(name));
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        drop(validators);
        assert!(errors.is_empty(), "{name} in docs/schemas/output.schema.json: {errors:#?}\n{line}");
    }
    value
}

/// The definition of an object: the one of its kind, or of its form where a kind has two.
#[track_caller]
pub fn definition(object: &Value) -> &'static str {
    let kind = object["kind"].as_str().expect("a kind");
    let has = |key: &str| object.get(key).is_some();
    let name = match kind {
        "delivery" if !has("seq") => "sent",
        "case" if has("sends") => "listed-case",
        "summary" => {
            if has("requests") {
                "load-summary"
            } else {
                "check-summary"
            }
        }
        kind => kind,
    };
    let names = DEFINITIONS.as_object().expect("definitions").keys();
    names.map(String::as_str).find(|known| *known == name).unwrap_or_else(|| panic!("{kind} has no schema: {object}"))
}

fn validator(name: &str) -> Validator {
    let schema = json!({ "$ref": format!("#/$defs/{name}"), "$defs": *DEFINITIONS });
    jsonschema::validator_for(&schema).expect("the schema is valid")
}

/// Forbids unnamed keys in every object whose keys are named.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(close);
            if members.contains_key("properties") && members.contains_key("type") {
                members.insert("additionalProperties".to_owned(), false.into());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}
