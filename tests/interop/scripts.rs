//! The scripts of `send --print locust` and `--print k6` sign what hookdev verifies: Locust's own master and workers
//! deliver to `listen`, and k6's script runs in Node with k6's modules replaced, because k6 is no package of a
//! registry.

use std::{
    collections::HashSet,
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
};

use hookdev::webhook::provider::catalog::Catalog;
use serde_json::{Value, json};

use super::{machine, packages};

/// The built-in providers that no script can sign for: the reasons are in the error messages.
const NOT_SIGNABLE: [&str; 8] = ["discord", "fal", "kie", "livekit", "mailgun", "sendgrid", "transloadit", "twilio"];

/// A process that is killed when dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The events that scripts deliver, except handshakes.
fn events() -> Vec<String> {
    let catalog = Catalog::builtin();
    let providers = catalog.names().filter(|name| !NOT_SIGNABLE.contains(name)).map(str::to_owned).collect::<Vec<_>>();
    let of = |name: &String| catalog.get(name).expect("a built-in provider").events.iter();
    let events = providers.iter().flat_map(of).filter(|event| event.handshake.is_none());
    events.map(|event| event.full_name.clone()).collect()
}

/// The development secrets, in the variables that the scripts read.
fn secrets() -> Vec<(String, String)> {
    let catalog = Catalog::builtin();
    let rules = catalog.names().filter_map(|name| catalog.get(name)).flat_map(|provider| provider.secret_rules());
    rules.filter_map(|rule| Some((rule.env.clone()?, rule.development.clone()))).collect()
}

fn script(arguments: &[&str], events: &[String], to: &Path) {
    let output =
        machine::hookdev().args(["send", "--no-config"]).args(arguments).args(events).output().expect("hookdev");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    for (_, secret) in secrets() {
        assert!(!String::from_utf8_lossy(&output.stdout).contains(&secret), "the script has the secret {secret}");
    }
    fs::write(to, output.stdout).expect("a file");
}

/// A process of Locust that writes to this file.
fn locust(environment: &Path, script: &Path, log: &Path) -> Command {
    let mut command = machine::command(packages::python(environment));
    command.args(["-m", "locust", "--headless", "-f"]).arg(script).envs(secrets());
    let log = fs::File::create(log).expect("a file");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    command
}

#[test]
fn locusts_master_and_two_workers_deliver_every_event_verified_and_distinct() {
    let Some(environment) = packages::installed("locust") else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let events = events();
    let expected = events.iter().flat_map(|event| ["--expect", event]);
    let mut listen = machine::hookdev()
        .args(["listen", "--addr", "127.0.0.1:0", "--json", "--no-config", "--timeout", "5m"])
        .args(expected)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map(Process)
        .expect("hookdev");
    let mut lines = BufReader::new(listen.0.stdout.take().expect("its output")).lines();
    let mut line = || Some(serde_json::from_str::<Value>(&lines.next()?.expect("a line")).expect("JSON"));
    let url = line().expect("a ready line")["url"].as_str().expect("a URL").to_owned();

    let script_file = dir.path().join("load.py");
    script(&["--print", "locust", "--rate", "200", "--concurrency", "50", "--duration", "10m"], &events, &script_file);
    let port = machine::Port::reserve().lend().to_string();
    let _master = locust(&environment, &script_file, &dir.path().join("master.log"))
        .args(["--host", &url, "--master", "--expect-workers", "2", "--master-bind-host", "127.0.0.1"])
        .args(["--master-bind-port", &port])
        .spawn()
        .map(Process)
        .expect("a master");
    let _workers = ["worker-1.log", "worker-2.log"].map(|log| {
        let mut worker = locust(&environment, &script_file, &dir.path().join(log));
        worker.args(["--worker", "--master-host", "127.0.0.1", "--master-port", &port]);
        worker.spawn().map(Process).expect("a worker")
    });

    let (mut count, mut requests) = (0, HashSet::new());
    while let Some(delivery) = line() {
        let verdict = delivery["verdict"].as_str().expect("a verdict");
        assert!(["verified", "unsigned"].contains(&verdict), "{delivery}");
        assert_eq!(delivery["payload"]["status"], json!("valid"), "{delivery}");
        // Without an id or a time, two deliveries of an event are the same bytes.
        let has_id = delivery["event"].as_str().is_some_and(|event| event.starts_with("aspect."));
        if has_id {
            count += 1;
            requests.insert(delivery["request"].to_string());
        }
    }
    let log = fs::read_to_string(dir.path().join("master.log")).expect("text");
    assert_eq!(listen.0.wait().expect("an exit code").code(), Some(0), "not every event was delivered\n{log}");
    assert!(count > 1);
    assert_eq!(requests.len(), count, "the same delivery twice");
}

#[test]
fn the_k6_script_signs_every_event_when_it_runs_in_node() {
    if !machine::can("node", &["--version"]) {
        return;
    }
    let events = events();
    let (captures, end) = in_node(&["--rate", "90/m", "--duration", "30s"], &events, events.len() * 2);
    let scenario = json!({"executor": "constant-arrival-rate", "rate": 90, "timeUnit": "1m", "duration": "30s", "preAllocatedVUs": 32});
    assert_eq!(end["options"], json!({"scenarios": {"webhooks": scenario}}));
    assert_eq!(end["failures"], json!([]));
    let seen: HashSet<_> = verified(&captures).into_iter().collect();
    assert_eq!(seen, events.into_iter().collect());
}

#[test]
fn the_k6_script_decodes_what_a_provider_signs_decoded() {
    if !machine::can("node", &["--version"]) {
        return;
    }
    let events = ["hubspot.deal.creation".to_owned()];
    let to = ["--to", "http://127.0.0.1:9/hubspot?a=x%3Ay%3a%27%20%7B"];
    let (captures, _) = in_node(&to, &events, 1);
    assert_eq!(verified(&captures), events);
}

/// The captures that a script for k6 makes in Node, and its summary.
fn in_node(arguments: &[&str], events: &[String], count: usize) -> (String, Value) {
    let dir = tempfile::tempdir().expect("a directory");
    let interop = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop");
    let package = dir.path().join("node_modules/k6");
    fs::create_dir_all(&package).expect("a directory");
    for file in ["package.json", "http.mjs", "k6.mjs", "crypto.mjs", "encoding.mjs"] {
        fs::copy(interop.join("k6").join(file), package.join(file)).expect("a file");
    }
    let script_file = dir.path().join("load.mjs");
    script(&[&["--print", "k6"], arguments].concat(), events, &script_file);
    let output = machine::command("node")
        .arg(interop.join("k6.mjs"))
        .arg(&script_file)
        .arg(count.to_string())
        .envs(secrets())
        .output()
        .expect("node");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let (captures, end) = text.trim_end().rsplit_once('\n').expect("lines");
    (captures.to_owned(), serde_json::from_str(end).expect("JSON"))
}

/// The events of captures that all verify, or are sent unsigned.
fn verified(captures: &str) -> Vec<String> {
    let mut verify = machine::hookdev()
        .args(["verify", "-", "--at", "now", "--json", "--no-config"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("hookdev");
    verify.stdin.take().expect("its input").write_all(captures.as_bytes()).expect("a process that reads");
    let output = verify.wait_with_output().expect("its output");
    let mut events = Vec::new();
    for line in String::from_utf8(output.stdout).expect("text").lines() {
        let verification: Value = serde_json::from_str(line).expect("JSON");
        assert!(
            ["verified", "unsigned"].contains(&verification["verdict"].as_str().expect("a verdict")),
            "{verification}"
        );
        events.push(verification["event"].as_str().expect("an event").to_owned());
    }
    events
}

#[test]
fn a_script_without_its_secret_says_which_variable_to_set() {
    let Some(environment) = packages::installed("locust") else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let script_file = dir.path().join("load.py");
    script(&["--print", "locust"], &["aspect.task.failed".to_owned()], &script_file);
    let output = machine::command(packages::python(&environment))
        .args(["-m", "locust", "--headless", "-f"])
        .arg(&script_file)
        .output()
        .expect("locust");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("set ASPECT_WEBHOOK_SECRET to the signing secret"), "{text}");
}
