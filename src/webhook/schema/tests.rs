//! The messages of reports and schema errors, and the limits of the work. `agreement` tests the verdicts.

use super::*;
use crate::webhook::json::{MAX_DEPTH, parse};

const SCHEMA: &str = r##"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "An example",
  "anyOf": [{ "$ref": "#/$defs/analysis" }, { "$ref": "#/$defs/test" }, { "$ref": "#/$defs/job" }],
  "$defs": {
    "analysis": {
      "type": "object",
      "required": ["version", "resource", "event"],
      "properties": {
        "version": { "const": "2" },
        "resource": {
          "type": "object",
          "required": ["id"],
          "properties": { "id": { "type": "string", "minLength": 1 } }
        },
        "event": {
          "type": "object",
          "required": ["type", "status"],
          "properties": {
            "type": { "type": "string", "x-known": ["AudioAnalysisV6", "InDepthAnalysis"] },
            "status": { "enum": ["finished", "failed"] }
          },
          "x-known-properties": ["type", "status"]
        }
      }
    },
    "test": {
      "type": "object",
      "required": ["type", "data"],
      "properties": {
        "type": { "const": "TEST" },
        "data": { "anyOf": [{ "type": "null" }, { "type": "object" }] }
      }
    },
    "job": {
      "type": "object",
      "required": ["type", "data"],
      "properties": {
        "type": { "enum": ["JOB_FINISHED", "JOB_FAILED"] },
        "data": { "type": "object", "required": ["id"] }
      }
    },
    "tree": {
      "type": "object",
      "properties": { "leaf": { "type": "boolean" }, "children": { "type": "array", "items": { "$ref": "#/$defs/tree" } } }
    }
  }
}"##;

const ANALYSIS: &str =
    r#"{"version":"2","resource":{"id":"999"},"event":{"type":"AudioAnalysisV6","status":"finished"}}"#;

/// The report on a payload for a definition of [`SCHEMA`].
fn report(definition: &str, payload: &str) -> SchemaReport {
    let schema = Schema::parse(SCHEMA).unwrap();
    schema.definition(definition).unwrap().check(&parse(payload).unwrap())
}

/// The report on a payload for a given schema.
fn report_by(schema: &str, payload: &str) -> SchemaReport {
    Schema::parse(schema).unwrap().root().check(&parse(payload).unwrap())
}

fn violation(pointer: &str, message: &str) -> SchemaViolation {
    SchemaViolation { pointer: pointer.into(), message: message.into() }
}

fn invalid(violations: &[(&str, &str)]) -> SchemaReport {
    SchemaReport {
        errors: violations.iter().map(|(at, message)| violation(at, message)).collect(),
        warnings: Vec::new(),
    }
}

fn with_warning(pointer: &str, message: &str) -> SchemaReport {
    SchemaReport { errors: Vec::new(), warnings: vec![violation(pointer, message)] }
}

#[test]
fn a_valid_payload_has_an_empty_report() {
    assert_eq!(report("analysis", ANALYSIS), SchemaReport::default());
    assert!(SchemaReport::default().is_valid());
}

#[test]
fn definitions_are_found_by_name() {
    let schema = Schema::parse(SCHEMA).unwrap();
    assert_eq!(schema.names().collect::<Vec<_>>(), ["analysis", "test", "job", "tree"]);
    assert!(schema.definition("analysi").is_none());
}

#[test]
fn errors_say_what_was_expected_and_what_was_found() {
    let changed = |old, new| report("analysis", &ANALYSIS.replace(old, new));
    let status = r#"expected one of "finished", "failed", found "done""#;
    assert_eq!(changed("finished", "done"), invalid(&[("/event/status", status)]));
    assert_eq!(changed(r#""999""#, "999"), invalid(&[("/resource/id", "expected a string, found 999")]));
    assert_eq!(changed("999", ""), invalid(&[("/resource/id", "must not be empty")]));
    assert_eq!(changed(r#""2""#, "2.0"), invalid(&[("/version", r#"expected "2", found 2.0"#)]));
    assert_eq!(changed(r#"{"id":"999"}"#, "[]"), invalid(&[("/resource", "expected an object, found an array")]));
    let missing = [("/resource", "is required but missing"), ("/event", "is required but missing")];
    assert_eq!(report("analysis", r#"{"version":"2"}"#), invalid(&missing));
}

#[test]
fn each_keyword_has_its_message() {
    let message = |schema: &str, payload: &str| report_by(schema, payload).errors.remove(0).message;
    assert_eq!(message(r#"{"pattern":"^evt_"}"#, r#""e\n""#), r#"expected a string that matches `^evt_`, found "e\n""#);
    assert_eq!(message(r#"{"minLength":3}"#, r#""éé""#), r#"expected 3 characters or more, found "éé""#);
    assert_eq!(message(r#"{"minimum":0}"#, "-1"), "expected 0 or more, found -1");
    assert_eq!(message(r#"{"maximum":1.5}"#, "1e400"), "expected 1.5 or less, found 1e400");
    assert_eq!(message(r#"{"format":"uuid"}"#, r#""x""#), r#"expected a UUID, found "x""#);
    assert_eq!(message(r#"{"format":"uri"}"#, r#""x""#), r#"expected an absolute URI, found "x""#);
    let time = r#"expected a time as in RFC 3339 (`2025-01-01T12:00:00Z`), found "noon""#;
    assert_eq!(message(r#"{"format":"date-time"}"#, r#""noon""#), time);
    assert_eq!(message(r#"{"enum":[{"a":[1]}]}"#, "{}"), r#"expected {"a":[1]}, found an object"#);
    assert_eq!(
        message(r#"{"type":["null","integer","string"]}"#, "0.5"),
        "expected a string, an integer or null, found 0.5"
    );
    assert_eq!(message(r#"{"type":["integer","number"]}"#, "true"), "expected a number, found true");
}

#[test]
fn long_values_are_shortened_in_messages() {
    let payload = format!(r#"{{"type":"JOB_FAILED","data":"{}"}}"#, "é".repeat(1000));
    let message = format!("expected an object, found \"{}…\"", "é".repeat(60));
    assert_eq!(report("job", &payload), invalid(&[("/data", &message)]));
}

#[test]
fn pointers_escape_keys_and_count_items() {
    let schema = r#"{"properties":{"a/b":{"items":{"properties":{"~":{"type":"null"}}}}}}"#;
    let errors = [("/a~1b/1/~0", "expected null, found true")];
    assert_eq!(report_by(schema, r#"{"a/b":[{"~":null},{"~":true}]}"#), invalid(&errors));
}

#[test]
fn values_and_names_not_known_today_are_warnings() {
    let changed = |old, new| report("analysis", &ANALYSIS.replace(old, new));
    let value = r#""AudioAnalysisV7" is not among the values known today"#;
    assert_eq!(changed("AudioAnalysisV6", "AudioAnalysisV7"), with_warning("/event/type", value));
    let name = "is not among the names known today";
    assert_eq!(changed(r#""status""#, r#""n/a":1,"status""#), with_warning("/event/n~1a", name));
}

#[test]
fn a_warning_within_any_of_is_kept_once() {
    let payload = ANALYSIS.replace("AudioAnalysisV6", "AudioAnalysisV7");
    let report = report_by(SCHEMA, &payload);
    assert_eq!(report, with_warning("/event/type", r#""AudioAnalysisV7" is not among the values known today"#));
}

#[test]
fn the_last_of_repeated_keys_counts() {
    assert_eq!(report("analysis", &ANALYSIS.replacen('{', r#"{"version":1,"#, 1)), SchemaReport::default());
    let errors = [("/version", r#"expected "2", found 1"#)];
    assert_eq!(report("analysis", &ANALYSIS.replace("}}", r#"},"version":1}"#)), invalid(&errors));
}

#[test]
fn if_no_branch_accepts_the_type_the_types_of_all_are_listed() {
    let errors = [("/data", "expected an object or null, found 5")];
    assert_eq!(report("test", r#"{"type":"TEST","data":5}"#), invalid(&errors));
}

#[test]
fn the_errors_are_those_of_the_branch_that_came_closest() {
    let status = r#"expected one of "finished", "failed", found "done""#;
    assert_eq!(report_by(SCHEMA, &ANALYSIS.replace("finished", "done")), invalid(&[("/event/status", status)]));
    let missing = "is required but missing";
    assert_eq!(report_by(SCHEMA, r#"{"version":"2","resource":{"id":"1"}}"#), invalid(&[("/event", missing)]));
    assert_eq!(report_by(SCHEMA, r#"{"type":"JOB_FAILED","data":{}}"#), invalid(&[("/data/id", missing)]));
    assert_eq!(report_by(SCHEMA, r#"{"type":"TEST"}"#), invalid(&[("/data", missing)]));
    assert_eq!(report_by(SCHEMA, "[]"), invalid(&[("", "expected an object, found an array")]));
}

#[test]
fn a_flood_of_violations_is_cut_off() {
    let payload = format!("[{}0]", "0,".repeat(100_000));
    let report = report_by(r#"{"items":{"type":"null","x-known":[]}}"#, &payload);
    assert_eq!(report.errors.len(), SchemaReport::LIMIT);
    assert_eq!(report.errors[99], violation("/99", "expected null, found 0"));
}

#[test]
fn recursive_schemas_check_every_level_of_a_payload() {
    let nested = |leaf: &str| r#"{"children":["#.repeat(MAX_DEPTH / 2 - 1) + leaf + &"]}".repeat(MAX_DEPTH / 2 - 1);
    assert_eq!(report("tree", &nested(r#"{"leaf":true}"#)), SchemaReport::default());
    let pointer = "/children/0".repeat(MAX_DEPTH / 2 - 1) + "/leaf";
    assert_eq!(report("tree", &nested(r#"{"leaf":1}"#)), invalid(&[(&pointer, "expected true or false, found 1")]));
}

#[test]
fn branches_that_multiply_are_reported_and_do_not_hang() {
    let branch = r##"{"items":{"$ref":"#/$defs/a"}}"##;
    let leaf = r#"{"type":["array","null"]}"#;
    let schema = format!(
        r##"{{"$ref":"#/$defs/a","$defs":{{"a":{{"anyOf":[{branch},{branch}],"$ref":"#/$defs/b"}},"b":{leaf}}}}}"##
    );
    let nested = |depth: usize, leaf: &str| "[".repeat(depth) + leaf + &"]".repeat(depth);
    assert_eq!(report_by(&schema, &nested(60, "null")), SchemaReport::default());
    let report = report_by(&schema, &nested(60, "0"));
    assert_eq!(report.errors.last(), Some(&violation("", "takes too much work to be checked")));
}

#[test]
fn patterns_values_and_names_that_multiply_with_the_payload_are_reported() {
    let many = |count: usize, item: &dyn Fn(usize) -> String| (0..count).map(item).collect::<Vec<_>>().join(",");
    let members = |count| format!("{{{}}}", many(count, &|n| format!(r#""k{n}":0"#)));
    let values = |count| many(count, &|n| format!(r#""v{n}""#));
    let cases = [
        (format!(r#"{{"patternProperties":{{{}}}}}"#, many(500, &|n| format!(r#""^p{n}":true"#))), members(1000)),
        (
            format!(r#"{{"items":{{"enum":[{}]}}}}"#, values(20_000)),
            format!("[{}]", many(2000, &|_| "\"v0\"".to_owned())),
        ),
        (
            format!(r#"{{"allOf":[{}]}}"#, many(1000, &|_| r#"{"pattern":"a"}"#.to_owned())),
            format!("\"{}a\"", "b".repeat(2000)),
        ),
        (format!(r#"{{"required":[{}]}}"#, values(20_000)), members(500)),
    ];
    for (schema, payload) in cases {
        let report = report_by(&schema, &payload);
        let is_told = report.errors.contains(&violation("", "takes too much work to be checked"));
        // Of many errors, only the first are kept.
        assert!(is_told || report.errors.len() == SchemaReport::LIMIT, "{}", &schema[..60]);
    }
    let patterns = format!(r#"{{"patternProperties":{{{}}}}}"#, many(20, &|n| format!(r#""^k{n}":true"#)));
    assert_eq!(report_by(&patterns, &members(1000)), SchemaReport::default());
    let schema = format!(r#"{{"items":{{"enum":[{}]}}}}"#, values(1000));
    assert_eq!(report_by(&schema, &format!("[{}]", values(1000))), SchemaReport::default());
}

#[test]
fn long_chains_of_rules_are_reported_and_do_not_overflow_the_stack() {
    let hop = |from: u32, to: u32| format!(r##""{from}":{{"anyOf":[{{"$ref":"#/$defs/{to}"}}]}}"##);
    let hops: Vec<_> = (0..10).map(|from| hop(from, from + 1)).collect();
    let schema =
        format!(r##"{{"$ref":"#/$defs/0","$defs":{{{},"10":{{"items":{{"$ref":"#/$defs/0"}}}}}}}}"##, hops.join(","));
    assert_eq!(report_by(&schema, "[[[[]]]]"), SchemaReport::default());
    let deepest = "[".repeat(MAX_DEPTH) + &"]".repeat(MAX_DEPTH);
    assert_eq!(report_by(&schema, &deepest), invalid(&[("", "takes too much work to be checked")]));
}

#[test]
fn each_applicator_has_its_message() {
    let report = |schema: &str, payload: &str| report_by(schema, payload).errors;
    let one = |schema: &str, payload: &str, at: &str, message: &str| {
        assert_eq!(report(schema, payload), [violation(at, message)], "{schema} {payload}");
    };
    one("false", "1", "", "is not allowed");
    one(r#"{"properties":{"a":{}},"additionalProperties":false}"#, r#"{"a":1,"b":2}"#, "/b", "is not allowed");
    one(r#"{"patternProperties":{"^x":{"type":"null"}}}"#, r#"{"xy":1}"#, "/xy", "expected null, found 1");
    one(r#"{"prefixItems":[{}],"items":false}"#, "[1,2]", "/1", "is not allowed");
    one(r#"{"properties":{"a":{}},"unevaluatedProperties":false}"#, r#"{"b":2}"#, "/b", "is not allowed");
    one(r#"{"not":{"type":"null"}}"#, "null", "", "matches a schema that is excluded by `not`");
    one(r#"{"oneOf":[{"minimum":1},{"maximum":3}]}"#, "2", "", "matches more than one schema of `oneOf`");
    one(r#"{"oneOf":[{"type":"null"},{"maximum":3}]}"#, "4", "", "expected 3 or less, found 4");
    one(r#"{"if":{"minimum":9},"then":{"maximum":10}}"#, "11", "", "expected 10 or less, found 11");
    one(
        r#"{"propertyNames":{"maxLength":1}}"#,
        r#"{"ab":1}"#,
        "/ab",
        r#"has an invalid name: expected 1 character or fewer, found "ab""#,
    );
    one(
        r#"{"dependentRequired":{"card":["name"]}}"#,
        r#"{"card":1}"#,
        "/name",
        r#"is required together with "card", but missing"#,
    );
    one(r#"{"dependentSchemas":{"card":{"required":["name"]}}}"#, r#"{"card":1}"#, "/name", "is required but missing");
    one(r#"{"minItems":2}"#, "[1]", "", "expected 2 items or more, found 1");
    one(r#"{"maxItems":1}"#, "[1,2]", "", "expected 1 item or fewer, found 2");
    one(r#"{"minProperties":1}"#, "{}", "", "expected 1 member or more, found 0");
    one(r#"{"maxProperties":1}"#, r#"{"a":1,"b":1,"a":2}"#, "", "expected 1 member or fewer, found 2");
    one(r#"{"contains":{"type":"null"}}"#, "[1]", "", "has no item that matches the schema of `contains`");
    one(
        r#"{"contains":{"type":"null"},"maxContains":1}"#,
        "[null,null]",
        "",
        "expected 1 or fewer items that match the schema of `contains`, found 2",
    );
    one(r#"{"uniqueItems":true}"#, "[1,2,1.0]", "", "expected items that differ, but items 0 and 2 are equal");
    one(r#"{"exclusiveMinimum":0}"#, "0", "", "expected more than 0, found 0");
    one(r#"{"exclusiveMaximum":0}"#, "0", "", "expected less than 0, found 0");
    one(r#"{"multipleOf":0.01}"#, "0.005", "", "expected a multiple of 0.01, found 0.005");
    one(r#"{"format":"email"}"#, r#""a.b""#, "", r#"expected an email address, found "a.b""#);
    one(r#"{"maxLength":3}"#, r#""\u001b[2J""#, "", r#"expected 3 characters or fewer, found "\u001b[2J""#);
}

#[cfg(unix)]
#[test]
fn the_time_for_a_schema_grows_with_its_length() {
    use rustix::time::{ClockId, clock_gettime};

    const COUNT: usize = 60_000;
    let definitions: Vec<String> = (0..COUNT)
        .map(|n| format!(r##""d{n}":{{"properties":{{"next":{{"$ref":"#/$defs/d{}"}}}}}}"##, (n + 1) % COUNT))
        .collect();
    let named: Vec<String> =
        (0..COUNT).map(|n| format!(r#""d{n}":{{"$id":"/{n}","items":{{"$ref":"/{}"}}}}"#, (n + 1) % COUNT)).collect();
    for definitions in [definitions, named] {
        let begun = clock_gettime(ClockId::ThreadCPUTime).tv_sec;
        let schema = Schema::parse(&format!(r#"{{"$defs":{{{}}}}}"#, definitions.join(","))).unwrap();
        assert_eq!(schema.names().count(), COUNT);
        assert!(schema.definition("d59999").is_some());
        // Without optimisation it is two seconds; quadratic time is a minute and more. Other programs don't count.
        let seconds = clock_gettime(ClockId::ThreadCPUTime).tv_sec - begun;
        assert!(seconds < 15, "{seconds} s");
    }
}

#[test]
fn long_values_of_the_schema_are_shortened_too() {
    let values: Vec<String> = (0..200_000).map(|n| n.to_string()).collect();
    let message = "expected one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19 \
                   or 199980 more, found null";
    assert_eq!(report_by(&format!(r#"{{"enum":[{}]}}"#, values.join(",")), "null"), invalid(&[("", message)]));
    let constant = format!("[{}]", "1".repeat(100));
    let message = format!("expected [{}…, found null", "1".repeat(59));
    assert_eq!(report_by(&format!(r#"{{"const":{constant}}}"#), "null"), invalid(&[("", &message)]));
}

#[test]
fn numbers_beyond_doubles_are_compared_exactly() {
    let schema = r#"{"maximum":1e400,"multipleOf":1e-400}"#;
    assert_eq!(report_by(schema, "9e399"), SchemaReport::default());
    assert_eq!(report_by(schema, "1.1e400"), invalid(&[("", "expected 1e400 or less, found 1.1e400")]));
}

#[test]
fn a_pattern_that_needs_backtracking_is_a_warning_and_not_an_error() {
    let warning = "is not checked against the pattern `^(?!a)`: lookaround, backreferences and Unicode properties are not supported";
    assert_eq!(report_by(r#"{"pattern":"^(?!a)"}"#, r#""b""#), with_warning("", warning));
    let schema = r#"{"patternProperties":{"^(?!a)":{"type":"null"}},"additionalProperties":false}"#;
    assert_eq!(report_by(schema, r#"{"b":1}"#), with_warning("/b", warning));
}

#[test]
fn members_of_a_large_object_are_checked_in_linear_time() {
    let members: Vec<String> = (0..100_000).map(|n| format!(r#""{n}":{n}"#)).collect();
    let payload = format!(r#"{{{},"0":"last"}}"#, members.join(","));
    let errors = [("/0", r#"expected a number, found "last""#)];
    assert_eq!(report_by(r#"{"additionalProperties":{"type":"number"}}"#, &payload), invalid(&errors));
}

#[test]
fn schemas_that_chain_by_the_thousand_are_read_without_recursion() {
    let hop = |n: u32| format!(r##""{n}":{{"items":{{"$ref":"#/$defs/{}"}}}}"##, (n + 1) % 20_000);
    let chain: Vec<_> = (0..20_000).map(hop).collect();
    let schema = format!(r##"{{"$ref":"#/$defs/0","$defs":{{{}}}}}"##, chain.join(","));
    assert_eq!(report_by(&schema, "[[[]]]"), SchemaReport::default());
}

#[track_caller]
fn assert_refused(schema: &str, pointer: &str, column: usize, flaw: Flaw) {
    let error = SchemaError { pointer: pointer.into(), line: 1, column, flaw };
    assert_eq!(Schema::parse(schema).map(|_| ()), Err(error), "{schema}");
}

fn unknown(what: &'static str, name: &str, nearest: &str) -> Flaw {
    Flaw::Unknown { what, name: name.into(), nearest: Some(nearest.into()) }
}

#[test]
fn a_misspelt_name_is_rejected_with_a_suggestion() {
    assert_refused(r#"{"minLenght":1}"#, "/minLenght", 2, unknown("keyword", "minLenght", "minLength"));
    let pointer = "/properties/a/items/maxLenght";
    let schema = r#"{"properties":{"a":{"items":{"maxLenght":1}}}}"#;
    assert_refused(schema, pointer, 30, unknown("keyword", "maxLenght", "maxLength"));
    assert_refused(r#"{"type":"strnig"}"#, "/type", 9, unknown("type", "strnig", "string"));
    let flaw = Flaw::Unknown { what: "type", name: "int".into(), nearest: None };
    assert_refused(r#"{"type":["null","int"]}"#, "/type/1", 17, flaw);
    assert_refused(r#"{"format":"datetime"}"#, "/format", 11, unknown("format", "datetime", "date-time"));
}

#[test]
fn references_are_resolved_only_within_the_file() {
    for reference in ["#/$defs/tsk", "other.json", "https://example.com/schema.json#/a", "#anchor", "#/$defs/%zz"] {
        let schema = format!(r#"{{"$ref":"{reference}","$defs":{{"task":{{}}}}}}"#);
        assert_refused(&schema, "/$ref", 9, Flaw::Unresolved(reference.to_owned()));
    }
}

#[test]
fn a_draft_that_is_not_supported_is_named() {
    let draft = "http://json-schema.org/draft-03/schema#";
    assert_refused(&format!(r#"{{"$schema":"{draft}"}}"#), "/$schema", 12, Flaw::Draft(draft.into()));
}

#[test]
fn annotations_and_foreign_keywords_are_ignored() {
    let schema = r#"{"x-other":{"minLenght":1},"title":"t","description":"d","examples":[1],"$comment":"c","$id":"https://a.b/c",
        "default":2,"deprecated":true,"readOnly":true,"nullable":true,"example":3,"discriminator":{"propertyName":"a"},
        "markdownDescription":"d","tsType":"t","contentEncoding":"base64","format":"uri-template"}"#;
    assert_eq!(report_by(schema, "1"), SchemaReport::default());
    assert_eq!(report_by("true", "1"), SchemaReport::default());
}

#[test]
fn misused_keywords_are_rejected() {
    assert_refused("[]", "", 1, Flaw::Expected("a schema: an object, `true` or `false`"));
    assert_refused(r#"{"items":1}"#, "/items", 10, Flaw::Expected("a schema: an object, `true` or `false`"));
    assert_refused(r#"{"required":"a"}"#, "/required", 13, Flaw::Expected("an array"));
    assert_refused(r#"{"required":[1]}"#, "/required/0", 14, Flaw::Expected("a string"));
    assert_refused(r#"{"anyOf":[]}"#, "/anyOf", 10, Flaw::Expected("at least one item"));
    assert_refused(r#"{"minLength":-1}"#, "/minLength", 14, Flaw::Expected("an integer of 0 or more"));
    assert_refused(r#"{"minimum":"0"}"#, "/minimum", 12, Flaw::Expected("a number"));
    assert_refused(r#"{"multipleOf":0}"#, "/multipleOf", 15, Flaw::Expected("a number above 0"));
    assert_refused(r#"{"uniqueItems":1}"#, "/uniqueItems", 16, Flaw::Expected("true or false"));
    assert_refused(r#"{"properties":[]}"#, "/properties", 15, Flaw::Expected("an object"));
    assert_refused(r#"{"type":"null","type":"string"}"#, "/type", 16, Flaw::Repeated);
    assert_refused(r#"{"$defs":{"a":{"b":1,"b":2}}}"#, "/$defs/a/b", 22, Flaw::Repeated);
    let list = Flaw::Expected("a schema; this draft has lists of schemas in `prefixItems`");
    assert_refused(r#"{"items":[{}]}"#, "/items", 10, list);
}

#[test]
fn the_meaning_of_a_keyword_depends_on_the_draft() {
    let judge = |draft: &str, schema: &str, payload: &str| {
        let schema = format!(r#"{{"$schema":"http://json-schema.org/{draft}/schema#",{schema}}}"#);
        report_by(&schema, payload).is_valid()
    };
    let bound = r#""minimum":1,"exclusiveMinimum":true"#;
    assert_eq!([judge("draft-04", bound, "1"), judge("draft-04", bound, "2")], [false, true]);
    let reference = r##""$ref":"#/definitions/a","maxLength":1,"definitions":{"a":{"type":"string"}}"##;
    let long = r#""long""#;
    assert_eq!([judge("draft-07", reference, long), judge("draft/2020-12", reference, long)], [true, false]);
    let list = r#""items":[{"type":"null"}],"additionalItems":false"#;
    assert_eq!([judge("draft-07", list, "[null]"), judge("draft-07", list, "[null,1]")], [true, false]);
    let integer = r#""type":"integer""#;
    assert_eq!([judge("draft-04", integer, "1.0"), judge("draft-06", integer, "1.0")], [false, true]);
}

#[test]
fn definitions_of_earlier_drafts_are_found_by_name_too() {
    let schema = r#"{"$schema":"http://json-schema.org/draft-07/schema#","definitions":{"a":{"type":"null"}}}"#;
    let schema = Schema::parse(schema).unwrap();
    let report = schema.definition("a").unwrap().check(&parse("1").unwrap());
    assert_eq!(report, invalid(&[("", "expected null, found 1")]));
}

#[test]
fn a_pattern_that_does_not_compile_is_rejected() {
    let error = Schema::parse(r#"{"pattern":"["}"#).unwrap_err();
    assert_eq!((error.pointer.as_str(), error.column), ("/pattern", 12));
    let reason = regex_lite::Regex::new("[").unwrap_err().to_string();
    assert_eq!(error.flaw, Flaw::Pattern(reason));
}

#[test]
fn schemas_that_refer_to_themselves_in_place_are_rejected() {
    let schema = r##"{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"anyOf":[{"type":"null"},{"$ref":"#/$defs/a"}]}}}"##;
    assert_eq!(Schema::parse(schema).unwrap_err().flaw, Flaw::Circular);
    assert_eq!(Schema::parse(r##"{"$defs":{"a":{"$ref":"#/$defs/a"}}}"##).unwrap_err().flaw, Flaw::Circular);
}

#[test]
fn a_long_chain_of_references_is_not_called_circular() {
    let hop = |n: u32| format!(r##""{n}":{{"$ref":"#/$defs/{}"}}"##, n + 1);
    let chain: Vec<_> = (0..16_000).map(hop).collect();
    let schema = format!(r#"{{"$defs":{{{},"16000":{{}}}}}}"#, chain.join(","));
    let flaw = Schema::parse(&schema).unwrap_err().flaw;
    let message = "a chain of more than 64 schemas that refer to one another without going deeper into the value";
    assert_eq!((flaw.to_string().as_str(), flaw), (message, Flaw::Chained(64)));
}

#[test]
fn an_error_is_printed_with_its_position() {
    let text = "{\n  \"properties\": {\n    \"id\": { \"typ\": \"string\" }\n  }\n}";
    let message = "unknown keyword `typ` (did you mean `type`?) at line 3, column 13 (`/properties/id/typ`)";
    assert_eq!(Schema::parse(text).unwrap_err().to_string(), message);
    let message = "a trailing comma is not JSON at line 1, column 10";
    assert_eq!(Schema::parse(r#"{"type":1,}"#).unwrap_err().to_string(), message);
}
