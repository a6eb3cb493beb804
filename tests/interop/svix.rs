//! Svix's own library for Node, against the program. It comes from npm. Without Node or npm, the tests are skipped with
//! a message, unless `HOOKDEV_CI` is set.

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

use super::{SECRET, machine, now, packages::installed};

/// The results of Svix's library for these tasks; `None` if it is not available and not required.
fn svix(tasks: &[Value]) -> Option<Vec<Value>> {
    let dir = installed("node")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/svix.mjs");
    let input = tasks.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let output = piped(machine::command("node").arg(script).arg(dir), input.as_bytes());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let results = String::from_utf8(output.stdout).expect("UTF-8");
    let results: Vec<Value> = results.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(results.len(), tasks.len());
    Some(results)
}

/// The program, with the one secret and no config.
fn hookdev(arguments: &[&str]) -> Command {
    let mut command = machine::hookdev();
    command.args(arguments).arg("--no-config").env("ASPECT_WEBHOOK_SECRET", SECRET);
    command
}

fn piped(command: &mut Command, input: &[u8]) -> Output {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().expect("a process");
    child.stdin.take().expect("its input").write_all(input).expect("to be read");
    child.wait_with_output().expect("its output")
}

/// Bodies that change when they are parsed and re-serialised.
const BODIES: [&str; 8] = [
    r#"{"n":1.0,"e":1e2,"s":"\u00e9","big":123456789012345678901234567890}"#,
    "{ \"spaced\" : [ 1 , 2 ] }\r\n",
    r#"{"twice":1,"twice":2}"#,
    r#"{"emoji":"🦀👨‍👩‍👧","separator":"\u2028 "}"#,
    r#"{"solidus":"\/","nul":"\u0000","half":"\ud83d"}"#,
    r#"{"small":1E-7,"minus":-0,"deep":[[[[{}]]]]}"#,
    "[]",
    "\"text\"",
];

/// The requests that `hookdev send … --print json` prints, with their headers as objects.
fn sent(arguments: &[&str], input: &str) -> Vec<Value> {
    let output = piped(&mut hookdev(&[&["send", "--print", "json"], arguments].concat()), input.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .expect("UTF-8")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// The task to verify a request as it was printed.
fn to_verify(request: &Value) -> Value {
    let headers = request["headers"]
        .as_array()
        .expect("headers")
        .iter()
        .map(|field| (field[0].as_str().expect("a name").to_owned(), field[1].clone()));
    let headers: serde_json::Map<_, _> = headers.collect();
    json!({"secret": SECRET, "verify": {"headers": headers, "body": request["body"]}})
}

#[test]
fn svix_verifies_every_sent_event() {
    let requests = sent(&["aspect.*"], "");
    assert_eq!(requests.len(), 3);
    let tasks: Vec<Value> = requests.iter().map(to_verify).collect();
    let Some(results) = svix(&tasks) else { return };
    for (request, result) in requests.iter().zip(results) {
        let json = |text: &Value| serde_json::from_str::<Value>(text.as_str().expect("a text")).expect("JSON");
        assert_eq!(json(&result["payload"]), json(&request["body"]));
    }
}

#[test]
fn svix_verifies_any_spelling_but_no_reserialised_body() {
    let requests: Vec<Value> =
        BODIES.iter().flat_map(|body| sent(&["aspect.task.failed", "--data", "-"], body)).collect();
    let bodies: Vec<&str> = requests.iter().map(|request| request["body"].as_str().expect("a text")).collect();
    assert_eq!(bodies, BODIES);
    let reserialised = |request: &Value| {
        let mut task = to_verify(request);
        task["verify"]["body"] = json!(format!("{} ", request["body"].as_str().expect("a text")));
        task
    };
    let tasks: Vec<Value> = requests.iter().map(to_verify).chain(requests.iter().map(reserialised)).collect();
    let Some(results) = svix(&tasks) else { return };
    let (as_sent, reserialised) = results.split_at(BODIES.len());
    for (result, body) in as_sent.iter().zip(BODIES) {
        assert!(result["payload"].is_string(), "{body}: {result}");
    }
    for (result, body) in reserialised.iter().zip(BODIES) {
        assert_eq!(result, &json!({"refused": "No matching signature found"}), "{body}");
    }
}

#[test]
fn hookdev_verifies_what_svix_signs_while_it_is_fresh() {
    // An installation takes too long for an earlier reading of the clock.
    let _ = installed("node");
    let now = now();
    let times = [
        (now, "verified", None),
        (now - 3600, "rejected", Some("timestamp-too-old")),
        (now + 3600, "rejected", Some("timestamp-too-new")),
    ];
    let mut cases = Vec::new();
    for body in BODIES.iter().chain(&[""]) {
        for (time, verdict, rejection) in times {
            cases.push((*body, time, verdict, rejection));
        }
    }
    let tasks: Vec<Value> = cases
        .iter()
        .map(|(body, time, ..)| json!({"secret": SECRET, "sign": {"id": "msg_1", "time": time, "body": body}}))
        .collect();
    let Some(results) = svix(&tasks) else { return };
    for ((body, time, verdict, rejection), result) in cases.into_iter().zip(results) {
        let signature = result["signature"].as_str().expect("a signature");
        let headers =
            ["svix-id: msg_1".to_owned(), format!("svix-timestamp: {time}"), format!("svix-signature: {signature}")];
        let mut command =
            hookdev(&["verify", "--provider", "aspect", "--at", "now", "--format", "json", "--body", "-"]);
        let output = piped(command.args(headers.iter().flat_map(|header| ["--header", header])), body.as_bytes());
        let line: Value = serde_json::from_slice(&output.stdout).expect("one line of JSON");
        let code = i32::from(rejection.is_some());
        assert_eq!((&line["verdict"], output.status.code()), (&json!(verdict), Some(code)), "{body}: {line}");
        assert_eq!(line["rejection"]["code"].as_str(), rejection, "{body}: {line}");
    }
}

#[test]
fn svix_rejects_what_hookdev_rejects() {
    let request = sent(&["aspect.task.failed"], "").remove(0);
    let verify = to_verify(&request);
    let signature = verify["verify"]["headers"]["svix-signature"].as_str().expect("a signature").to_owned();
    let with = |name: &str, value: Option<&str>| {
        let mut task = verify.clone();
        match value {
            Some(value) => task["verify"]["headers"][name] = json!(value),
            None => drop(task["verify"]["headers"].as_object_mut().expect("headers").remove(name)),
        }
        task
    };
    let cases = [
        (with("svix-id", Some("msg_other")), "No matching signature found"),
        (with("svix-id", None), "Missing required headers"),
        (with("svix-timestamp", None), "Missing required headers"),
        (with("svix-signature", None), "Missing required headers"),
        (with("svix-timestamp", Some("now")), "Invalid Signature Headers"),
        (with("svix-timestamp", Some("1614265330")), "Message timestamp too old"),
        (with("svix-timestamp", Some("9999999999")), "Message timestamp too new"),
        (with("svix-signature", Some(&signature.replace("v1,", "v2,"))), "No matching signature found"),
        (with("svix-signature", Some(&format!("\t{signature}"))), "No matching signature found"),
        (with("svix-signature", Some(&format!("{signature}\t"))), "No matching signature found"),
        (with("svix-signature", Some(signature.trim_end_matches('='))), "No matching signature found"),
    ];
    let Some(results) = svix(&cases.clone().map(|(task, _)| task)) else { return };
    for ((task, expected), result) in cases.into_iter().zip(results) {
        assert_eq!(result, json!({"refused": expected}), "{task}");
    }
}
