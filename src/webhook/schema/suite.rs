//! The official JSON-Schema-Test-Suite for each supported draft; `tests/vectors/json-schema` names the commit. Omitted
//! there: tests that need other documents or meta-schemas, tests that formats are not checked, and unsupported formats
//! (`idn-hostname`, `uri-template`, and ECMAScript's own rules for `regex`).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Schema;
use crate::webhook::json::parse;

#[derive(Deserialize)]
struct Suite<'a> {
    #[serde(borrow)]
    groups: Vec<SuiteGroup<'a>>,
}

#[derive(Deserialize)]
struct SuiteGroup<'a> {
    file: String,
    description: String,
    #[serde(borrow)]
    schema: &'a RawValue,
    #[serde(borrow)]
    tests: Vec<SuiteCase<'a>>,
}

#[derive(Deserialize)]
struct SuiteCase<'a> {
    description: String,
    #[serde(borrow)]
    data: &'a RawValue,
    valid: bool,
}

/// Known differences, by file, description of the group and, if only one of its cases differs, of that case.
const DEVIATIONS: &[(&str, &str, &str)] = &[
    // A pattern that is not supported is a warning.
    ("pattern.json", "pattern with Unicode property escape requires unicode mode", "Digits do not match"),
    // The decoded form of an encoded label is not checked.
    ("optional/format/hostname.json", "validation of A-label (punycode) host names", ""),
];

/// Runs a draft's groups; `expected` cases must have the right verdict.
#[track_caller]
fn run(draft: &str, uri: Option<&str>, suite: &str, expected: usize) {
    let suite: Suite<'_> = serde_json::from_str(suite).unwrap();
    let (mut agreed, mut failures) = (0, Vec::new());
    for group in &suite.groups {
        let is_deviation = |case: &str| {
            let is_this = |text: &str, wanted: &str| wanted.is_empty() || text == wanted;
            DEVIATIONS
                .iter()
                .any(|(file, name, one)| group.file == *file && group.description == *name && is_this(case, one))
        };
        // The files of early drafts name none, and a schema without `$schema` counts as the last draft here.
        let text = match uri {
            Some(uri) if group.schema.get().starts_with('{') && !group.schema.get().contains("\"$schema\"") => {
                format!("{{\"$schema\":\"{uri}\",{}", &group.schema.get()[1..]).replace(",}", "}")
            }
            _ => group.schema.get().to_owned(),
        };
        let schema = Schema::parse(&text);
        for case in &group.tests {
            let data = parse(case.data.get()).unwrap();
            let found = schema.as_ref().map(|schema| schema.root().check(&data).is_valid());
            match found {
                _ if is_deviation(&case.description) => {}
                Ok(valid) if valid == case.valid => agreed += 1,
                Ok(valid) => failures.push(format!(
                    "{}: {}: {}: {valid}\n  {text}\n  {}",
                    group.file, group.description, case.description, case.data
                )),
                Err(error) => failures.push(format!("{}: {}: {error}\n  {text}", group.file, group.description)),
            }
        }
    }
    failures.dedup();
    assert!(failures.is_empty(), "{draft}: {}\n{}", failures.len(), failures.join("\n"));
    assert_eq!(agreed, expected);
}

macro_rules! suite {
    ($name:ident, $draft:literal, $uri:expr, $expected:literal) => {
        #[test]
        fn $name() {
            let file = include_str!(concat!("../../../tests/vectors/json-schema/", $draft, ".json"));
            run($draft, $uri, file, $expected);
        }
    };
}

suite!(draft_4_passes_the_suite, "draft4", Some("http://json-schema.org/draft-04/schema#"), 587);
suite!(draft_6_passes_the_suite, "draft6", Some("http://json-schema.org/draft-06/schema#"), 790);
suite!(draft_7_passes_the_suite, "draft7", Some("http://json-schema.org/draft-07/schema#"), 830);
suite!(draft_2019_09_passes_the_suite, "draft2019-09", None, 1183);
suite!(draft_2020_12_passes_the_suite, "draft2020-12", None, 1778);
