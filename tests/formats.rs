//! `hookdev verify` reads the captures of other tools in `tests/formats/`: each sample holds genuine deliveries, and a
//! broken one doesn't hide the others.

#![allow(clippy::unwrap_used)]

mod machine;

use std::{fs, path::Path};

use serde_json::Value;

/// Each sample, and the replacement that breaks its first delivery.
const SAMPLES: &[(&str, &str, &str)] = &[
    ("aws-function-url.json", r#""body": ""#, r#""body": "?"#),
    ("aws-http-api.ndjson", r#""body":""#, r#""body":"?"#),
    ("aws-load-balancer.json", r#""path": "/"#, r#""path": " /"#),
    ("aws-rest-api.ndjson", r#""httpMethod":"POST""#, r#""httpMethod" "POST""#),
    ("chrome-curl.bat", "signature: ", "sig nature: "),
    ("chrome-curl.sh", "'signature: ", "'sig nature: "),
    ("chrome.har", r#""name": "signature""#, r#""name": "sig nature""#),
    ("curl-trace-ascii.log", "0040: ent", "0040: "),
    ("curl-trace.log", "=> Send data, 116 bytes", "=> Send data, 117 bytes"),
    ("deliveries.http", "Signature: ", "Signature "),
    ("express-winston.ndjson", r#""rawBody":""#, r#""rawBody" ""#),
    ("mitmproxy-curl.sh", "'Signature: ", "'Sig nature: "),
    ("mitmproxy.har", "2026-11-21T22:11:43.82", "noon"),
    ("ngrok.json", r#""raw": ""#, r#""raw": "?"#),
    ("pino-http.ndjson", r#""body":"#, r#""body""#),
    ("pino.ndjson", r#""body":"#, r#""body""#),
    ("postman.json", r#""key": "Host""#, r#""key": "Ho st""#),
    ("python-json-logger.ndjson", r#""body": ""#, r#""body" ""#),
    ("sqs-eventbridge.json", r#""Body": "{"#, r#""Body": "["#),
    ("sqs-sns.json", r#""Body": "{"#, r#""Body": "["#),
    ("svix.ndjson", r#""type":"event","#, r#""type":"event""#),
    ("webhook-site.csv", "application/json", "application/json,"),
    ("webhook-site.json", "2026-03-02 09:18:45", "noon"),
    ("winston.ndjson", r#""rawBody":""#, r#""rawBody" ""#),
    ("wiremock.json", r#""bodyAsBase64" : ""#, r#""bodyAsBase64" : "?"#),
];

/// The output of `hookdev verify` for a file.
#[derive(Debug, PartialEq)]
struct Report {
    /// Provider, verdict and payload of each entry.
    verdicts: Vec<String>,
    /// The lines on standard error that start with `error`.
    errors: Vec<String>,
    exit: Option<i32>,
}

fn verify(file: &Path) -> Report {
    let output = machine::hookdev().args(["--no-config", "verify", "--json"]).arg(file).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let verdict = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        [&line["provider"], &line["verdict"], &line["payload"]["status"]].map(|value| value.as_str().unwrap()).join(" ")
    };
    Report {
        verdicts: stdout.lines().map(verdict).collect(),
        errors: stderr.lines().filter(|line| line.starts_with("error")).map(str::to_owned).collect(),
        exit: output.status.code(),
    }
}

fn sample(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats").join(name)
}

const CYANITE: &str = "cyanite verified valid";
const ASPECT: &str = "aspect verified valid";

fn report(verdicts: &[&str], exit: i32) -> Report {
    Report { verdicts: verdicts.iter().map(|&verdict| verdict.to_owned()).collect(), errors: vec![], exit: Some(exit) }
}

#[test]
fn genuine_deliveries_verify_in_every_format() {
    for (name, ..) in SAMPLES {
        assert_eq!(verify(&sample(name)), report(&[CYANITE, ASPECT], 0), "{name}");
    }
    assert_eq!(verify(&sample("ngrok-single.json")), report(&[ASPECT], 0));
    assert_eq!(verify(&sample("httpie.http")), report(&[CYANITE], 0));
}

#[test]
fn a_broken_delivery_hides_no_other_in_any_format() {
    let dir = tempfile::tempdir().unwrap();
    for (name, whole, broken) in SAMPLES {
        let text = fs::read_to_string(sample(name)).unwrap();
        assert!(text.contains(whole), "{name} has no {whole:?}");
        let file = dir.path().join(name);
        fs::write(&file, text.replacen(whole, broken, 1)).unwrap();

        let Report { verdicts, errors, exit } = verify(&file);
        assert_eq!((verdicts, exit), (vec![ASPECT.to_owned()], Some(3)), "{name}");
        let place = format!("error: {}: line ", file.display());
        assert!(errors.len() == 1 && errors[0].starts_with(&place), "{name}: {errors:?}");
    }
}

#[test]
fn a_github_delivery_is_rejected_with_the_reason() {
    let file = sample("github.json");
    let reason = "line 1: expected the signed bytes, but GitHub stores the parsed payload, which can't be verified; \
                  redeliver it to `hookdev listen`";
    let errors = vec![format!("error: {}: {reason}", file.display())];
    assert_eq!(verify(&file), Report { verdicts: vec![], errors, exit: Some(3) });
}

#[test]
fn captures_in_a_directory_are_found_by_content_and_other_files_skipped() {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(sample("chrome.har"), dir.path().join("a.txt")).unwrap();
    for (name, text) in [
        ("README.md", "# Read me\n"),
        ("package.json", r#"{"name":"a","version":"1.0.0","scripts":{}}"#),
        ("tsconfig.json", r#"{"compilerOptions":{"target":"es2022"}}"#),
        ("table.csv", "id,name\n1,a\n"),
    ] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    assert_eq!(verify(dir.path()), report(&[CYANITE, ASPECT], 0));
}
