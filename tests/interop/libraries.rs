//! The providers' own libraries, for JavaScript and for Python, accept what hookdev sends and refuse it tampered, and
//! hookdev verifies what they sign. They take some 650 MB, so they are installed only where `HOOKDEV_CI` is set.

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead, BufReader, Write, stderr},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use hookdev::webhook::provider::catalog::Catalog;
use serde_json::{Value, json};

use super::{
    machine,
    packages::{installed, python},
};

/// Where the deliveries go. Some providers sign it.
const URL: &str = "https://hooks.example.com/in?x=1";

/// The libraries for JavaScript.
const JAVASCRIPT: Language = Language {
    packages: "libraries",
    script: "libraries.mjs",
    verify: &[
        "anthropic",
        "clerk",
        "discord",
        "elevenlabs",
        "github",
        "hubspot",
        "linear",
        "livekit",
        "mux",
        "openai",
        "paddle",
        "polar",
        "replicate",
        "resend",
        "sendgrid",
        "shopify",
        "slack",
        "square",
        "standard-webhooks",
        "stripe",
        "svix",
        "twilio",
        "webflow",
    ],
    sign: &["github", "hubspot", "livekit", "standard-webhooks", "stripe", "svix", "twilio"],
};

/// The libraries for Python.
const PYTHON: Language = Language {
    packages: "python-libraries",
    script: "libraries.py",
    verify: &["slack", "standard-webhooks", "stripe", "svix", "twilio"],
    sign: &["slack", "standard-webhooks", "stripe", "svix", "twilio"],
};

/// The libraries for one language.
struct Language {
    /// The name of its packages.
    packages: &'static str,
    /// The program that calls the libraries.
    script: &'static str,
    /// The providers whose library verifies, each under the name of its folder.
    verify: &'static [&'static str],
    /// The providers whose library also signs.
    sign: &'static [&'static str],
}

/// A process in which the libraries do one task after another.
struct Libraries {
    process: Child,
    tasks: ChildStdin,
    results: BufReader<ChildStdout>,
}

impl Libraries {
    /// `None`, with a message, where the libraries are not required.
    fn start(language: &Language) -> Option<Self> {
        if env::var_os("HOOKDEV_CI").is_none() {
            writeln!(stderr(), "SKIPPED: the comparison with the providers' own libraries, which downloads 650 MB; HOOKDEV_CI=1 runs it")
                .expect("standard error");
            return None;
        }
        let directory = installed(language.packages)?;
        let program = if Path::new(language.script).extension().is_some_and(|it| it == "py") {
            python(&directory)
        } else {
            "node".into()
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop").join(language.script);
        let mut process = machine::command(program)
            .arg(script)
            .arg(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a program that calls the libraries");
        let (tasks, results) = (process.stdin.take().expect("its input"), process.stdout.take().expect("its output"));
        let mut libraries = Self { process, tasks, results: BufReader::new(results) };
        assert_eq!(libraries.result(), json!({"ready": true}));
        Some(libraries)
    }

    fn perform(&mut self, task: &Value) -> Value {
        writeln!(self.tasks, "{task}").expect("a process that reads");
        self.result()
    }

    fn result(&mut self) -> Value {
        let mut line = String::new();
        self.results.read_line(&mut line).expect("a process that writes");
        serde_json::from_str(&line).expect("JSON")
    }
}

impl Drop for Libraries {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a user of the provider's library holds: the development secret, or the public key of its pair.
fn secret(provider: &str) -> String {
    let catalog = Catalog::builtin();
    let provider = catalog.get(provider).expect("a built-in provider");
    let rule = provider.secret.as_ref().expect("a provider that signs");
    rule.public.as_ref().unwrap_or(&rule.development).clone()
}

fn hookdev(arguments: &[&str]) -> Command {
    let mut command = machine::hookdev();
    command.args(arguments).arg("--no-config");
    command
}

/// The providers whose deliveries may also be JSON, which they sign in another way.
const ALSO_JSON: [&str; 1] = ["twilio"];

/// The tasks to verify one delivery of each event, signed now.
fn deliveries(provider: &str) -> Vec<(String, Value)> {
    let events = events(provider);
    let json = events.first().filter(|_| ALSO_JSON.contains(&provider)).map(|event| {
        let body = r#"{"number": 1, "text": "é"}"#;
        (format!("{event} as JSON"), delivery(provider, event, Some(body)))
    });
    let usual = events.iter().map(|event| (event.clone(), delivery(provider, event, None)));
    usual.chain(json).collect()
}

/// The task to verify a delivery with the event's payload, or with this JSON.
fn delivery(provider: &str, event: &str, json: Option<&str>) -> Value {
    let mut command = hookdev(&["send", event, "--to", URL, "--print", "json"]);
    if json.is_some() {
        command.args(["--data", "-", "--header", "content-type: application/json"]);
    }
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("hookdev");
    child
        .stdin
        .take()
        .expect("its input")
        .write_all(json.unwrap_or_default().as_bytes())
        .expect("a process that reads");
    let output = child.wait_with_output().expect("its output");
    assert_eq!(output.status.code(), Some(0), "{event}: {}", String::from_utf8_lossy(&output.stderr));
    let request: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let fields = request["headers"].as_array().expect("headers").iter();
    let headers: BTreeMap<String, &Value> =
        fields.map(|field| (field[0].as_str().expect("a name").to_ascii_lowercase(), &field[1])).collect();
    json!({"provider": provider, "secret": secret(provider), "url": request["url"], "method": request["method"], "headers": headers, "body": request["body"]})
}

/// The events of a provider. Handshakes are for handlers, not for libraries.
fn events(provider: &str) -> Vec<String> {
    let catalog = Catalog::builtin();
    let provider = catalog.get(provider).expect("a built-in provider");
    provider.events.iter().map(|event| event.full_name.clone()).collect()
}

#[test]
fn the_libraries_for_javascript_accept_every_event_and_refuse_it_tampered() {
    every_event_is_accepted_and_refused_tampered(&JAVASCRIPT);
}

#[test]
fn the_libraries_for_python_accept_every_event_and_refuse_it_tampered() {
    every_event_is_accepted_and_refused_tampered(&PYTHON);
}

fn every_event_is_accepted_and_refused_tampered(language: &Language) {
    let Some(mut libraries) = Libraries::start(language) else { return };
    for provider in language.verify {
        for (event, mut task) in deliveries(provider) {
            assert_eq!(libraries.perform(&task), json!({"accepted": true}), "{event}: {task}");
            // Still JSON or a form, so that nothing but the signature is wrong.
            let body = task["body"].as_str().expect("a text").replacen(|c: char| c.is_ascii_digit(), "77", 1);
            assert_ne!(task["body"], json!(body), "{event} has no digit to change");
            task["body"] = json!(body);
            assert_eq!(libraries.perform(&task)["accepted"], json!(false), "{event}: {task}");
        }
    }
}

#[test]
fn hookdev_verifies_what_the_libraries_for_javascript_sign() {
    what_the_libraries_sign_is_verified(&JAVASCRIPT);
}

#[test]
fn hookdev_verifies_what_the_libraries_for_python_sign() {
    what_the_libraries_sign_is_verified(&PYTHON);
}

fn what_the_libraries_sign_is_verified(language: &Language) {
    let Some(mut libraries) = Libraries::start(language) else { return };
    for provider in language.sign {
        for (event, mut task) in deliveries(provider) {
            task["sign"] = json!(true);
            let signed = libraries.perform(&task)["headers"].clone();
            let mut headers = task["headers"].as_object().expect("headers").clone();
            headers.extend(signed.as_object().expect("headers that the library signs").clone());
            let fields: Vec<Value> = headers.into_iter().map(|(name, value)| json!([name, value])).collect();
            let url = task["url"].as_str().expect("a URL");
            let target = url.strip_prefix("https://hooks.example.com").expect("its host");
            let request = json!({"method": task["method"], "target": target, "headers": fields, "body": task["body"]});
            let capture = json!({"kind": "delivery", "hookdev": 1, "received_at": null, "request": request});
            let mut child = hookdev(&["verify", "-", "--provider", provider, "--url", url, "--at", "now", "--json"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("hookdev");
            writeln!(child.stdin.take().expect("its input"), "{capture}").expect("a process that reads");
            let output = child.wait_with_output().expect("its output");
            let verification: Value = serde_json::from_slice(&output.stdout).expect("JSON");
            assert_eq!(verification["verdict"], json!("verified"), "{event}: {capture}\n{verification}");
        }
    }
}
