//! SARIF 2.1.0, as code-scanning services read it: a result for each check that failed or has warnings, at its file
//! and line.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Check, Report, clean};

/// The document. Results are collected, because their rules come before them.
#[derive(Debug, Default)]
pub struct Sarif {
    results: Vec<SarifResult>,
}

impl Report for Sarif {
    fn check(&mut self, check: &Check, _: &mut Vec<u8>) {
        self.results.extend(check.result().map(|result| SarifResult {
            rule_id: result.code,
            level: result.level,
            message: SarifMessage { text: clean(&format!("{}: {}", check.name, result.text)) },
            locations: check.place.iter().map(SarifLocation::of).collect(),
        }));
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        let results = std::mem::take(&mut self.results);
        let ids: BTreeSet<&str> = results.iter().map(|result| result.rule_id.as_str()).collect();
        let rules = ids.into_iter().map(|id| SarifRule { id: id.to_owned() }).collect();
        let driver = SarifDriver { name: "hookdev", version: env!("CARGO_PKG_VERSION"), rules };
        let log = SarifLog {
            schema: "https://json.schemastore.org/sarif-2.1.0.json",
            version: "2.1.0",
            runs: [Run { tool: Tool { driver }, results }],
        };
        // Writing to memory fails only for maps whose keys are not strings, and there are none.
        if serde_json::to_writer(&mut *out, &log).is_ok() {
            out.push(b'\n');
        }
    }
}

#[derive(Serialize)]
struct SarifLog {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
struct Run {
    tool: Tool,
    results: Vec<SarifResult>,
}

#[derive(Serialize)]
struct Tool {
    driver: SarifDriver,
}

#[derive(Serialize)]
struct SarifDriver {
    name: &'static str,
    version: &'static str,
    rules: Vec<SarifRule>,
}

#[derive(Serialize)]
struct SarifRule {
    id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult {
    rule_id: String,
    level: &'static str,
    message: SarifMessage,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<SarifLocation>,
}

#[derive(Debug, Serialize)]
struct SarifMessage {
    text: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifLocation {
    physical_location: PhysicalLocation,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Debug, Serialize)]
struct ArtifactLocation {
    uri: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u64,
}

impl SarifLocation {
    fn of(place: &super::FilePosition) -> Self {
        let region = place.line.map(|start_line| Region { start_line });
        let artifact_location = ArtifactLocation { uri: uri(&place.file) };
        Self { physical_location: PhysicalLocation { artifact_location, region } }
    }
}

/// A file's name as a relative reference (RFC 3986).
fn uri(file: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let slashed = if std::path::MAIN_SEPARATOR == '\\' { file.replace('\\', "/") } else { file.to_owned() };
    slashed
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{super::samples::checks, *};

    #[test]
    fn a_failed_check_is_a_result_with_its_rule_and_place() {
        let mut report = Sarif::default();
        let mut out = Vec::new();
        for check in checks() {
            report.check(&check, &mut out);
        }
        report.finish(&mut out);
        let log: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(
            log["runs"][0]["tool"]["driver"]["rules"],
            json!([{"id": "no-matching-signature"}, {"id": "secret-development"}])
        );
        let location = json!({"artifactLocation": {"uri": "captures/a.ndjson"}, "region": {"startLine": 3}});
        let text =
            "cyanite.v2.finished: it's \"wrong\" by 100%, <here>:\\r\n\\u{1b}[31m second, line. Verify the raw body";
        let warning = "aspect.task.completed: verified with the public development secret. Set ASPECT_WEBHOOK_SECRET";
        assert_eq!(
            log["runs"][0]["results"],
            json!([{"ruleId": "secret-development", "level": "warning", "message": {"text": warning}, "locations": [{"physicalLocation": location}]}, {"ruleId": "no-matching-signature", "level": "error", "message": {"text": text}, "locations": [{"physicalLocation": location}]}])
        );
    }

    #[test]
    fn a_file_name_becomes_a_uri() {
        assert_eq!(uri("a b/ü%.json"), "a%20b/%C3%BC%25.json");
    }
}
