//! `listen --register` and `unregister`: the calls at a provider's API, the secret that it returns, and what a killed
//! process leaves. The steps between are tested in `engine::register`.

use serde_json::{Value, json};

use crate::harness::{Dir, TestCommand};
#[cfg(target_os = "linux")]
use crate::harness::{Endpoint, Gate, Turn, hang, hang_up, respond};

#[cfg(target_os = "linux")]
const SECRET: &str = "whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQh";

#[cfg(target_os = "linux")]
fn created() -> String {
    format!(r#"{{"id":"we_1","secret":"{SECRET}"}}"#)
}

/// A directory whose config has the API on this machine.
#[cfg(target_os = "linux")]
fn with_api(api: &Endpoint) -> Dir {
    let dir = Dir::new();
    let of = |provider: &str| format!("[provider.{provider}]\napi = \"{}\"\n", api.url(""));
    dir.write("hookdev.toml", of("stripe") + &of("auphonic"));
    dir
}

fn with_key(command: TestCommand, dir: &Dir) -> TestCommand {
    command
        .env("XDG_STATE_HOME", dir.join("state"))
        .env("STRIPE_API_KEY", "sk_test_never_shown")
        .env("AUPHONIC_API_KEY", "never_shown")
}

/// Registers a value.
#[cfg(target_os = "linux")]
fn auphonic(command: TestCommand, dir: &Dir) -> TestCommand {
    let command = command.args(["--register", "auphonic=production/abc", "--public-url", "https://dev.example"]);
    with_key(command, dir)
}

const REGISTER: [&str; 4] = ["--register", "stripe", "--public-url", "https://dev.example"];

#[cfg(target_os = "linux")]
#[test]
fn an_endpoint_is_created_its_secret_used_and_the_endpoint_deleted_at_the_end() {
    let api = Endpoint::new([respond(200).body(created()), respond(200).body("{}")]);
    let dir = with_api(&api);
    let listen = dir.listen().args(REGISTER).args(["--secret-to", "secret", "--count", "1"]);
    let mut listener = with_key(listen, &dir).starts();
    let create = api.next();
    assert_eq!(
        (create.start.as_str(), create.header("authorization")),
        ("POST /v1/webhook_endpoints HTTP/1.1", Some("Bearer sk_test_never_shown"))
    );
    assert!(create.text().contains("url=https%3A%2F%2Fdev.example%2Fstripe"), "{}", create.text());
    assert_eq!(dir.read("secret"), SECRET);

    let secret = format!("stripe={SECRET}");
    dir.send("stripe.invoice.paid", listener.url("/stripe")).args(["--secret", &secret]).exits(0);
    let delivery = listener.next();
    assert_eq!((&delivery["verdict"], &delivery["secret"]), (&"verified".into(), &"registered".into()));
    assert_eq!(api.next().start, "DELETE /v1/webhook_endpoints/we_1 HTTP/1.1");
    let finished = listener.exits(0);
    assert!(!format!("{finished}").contains("c2VjcmV0"), "{finished}");
    assert_eq!(dir.names("state/hookdev/registrations"), [""; 0]);
}

#[cfg(target_os = "linux")]
#[test]
fn an_endpoint_is_deleted_if_the_program_can_not_be_started() {
    let api = Endpoint::new([respond(200).body(created()), respond(200).body("{}")]);
    let dir = with_api(&api);
    let listen = dir.hookdev().args(["listen", "--addr", "127.0.0.1:0"]).args(REGISTER).args(["--", "./missing"]);
    with_key(listen, &dir).exits(2).says("error: can't run `./missing`\n");
    assert!(api.next().start.starts_with("POST "));
    assert_eq!(api.next().start, "DELETE /v1/webhook_endpoints/we_1 HTTP/1.1");
    assert_eq!(dir.names("state/hookdev/registrations"), [""; 0]);
}

#[cfg(target_os = "linux")]
#[test]
fn an_endpoint_whose_secret_is_not_returned_is_deleted() {
    let api = Endpoint::new([respond(200).body(r#"{"id":"we_1"}"#), respond(200).body("{}")]);
    let dir = Dir::new();
    let [base, shown] = ["user:hunter2@", "[redacted]@"].map(|user| api.url("").replace("//", &format!("//{user}")));
    dir.write("hookdev.toml", format!("[provider.stripe]\napi = \"{base}\"\n"));
    let finished = with_key(dir.hookdev().args(["listen", "--addr", "127.0.0.1:0"]).args(REGISTER), &dir).exits(1);
    let finished = finished.says(&format!("POST {shown}/v1/webhook_endpoints: the response has no usable secret\n"));
    assert!(!finished.stderr.contains("hunter2"), "{finished}");
    assert!(api.next().start.starts_with("POST "));
    assert_eq!(api.next().start, "DELETE /v1/webhook_endpoints/we_1 HTTP/1.1");
    assert_eq!(dir.names("state/hookdev/registrations"), [""; 0]);
    let planned = dir.listen().args(REGISTER).arg("--dry-run").exits(0);
    assert!(planned.text().contains("redacted") && !planned.text().contains("hunter2"), "{planned}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_lost_response_names_the_command_that_removes_the_endpoint() {
    let api = Endpoint::new([hang_up(), hang_up(), respond(200).body(r#"{"data":[]}"#)]);
    let dir = with_api(&api);
    let listen = dir.hookdev().args(["listen", "--addr", "127.0.0.1:0"]).args(REGISTER);
    let hint = "hint: if the provider registered the webhook nevertheless, `hookdev unregister` removes it\n";
    with_key(listen, &dir).exits(4).stdout("").says(hint);
    let finished = with_key(dir.hookdev().arg("unregister"), &dir).exits(0);
    finished.says("note: https://dev.example/stripe was already removed from stripe\n");
    let calls = [api.next(), api.next(), api.next()].map(|call| call.start);
    assert_eq!(calls[0], "POST /v1/webhook_endpoints HTTP/1.1");
    assert_eq!(calls[1..], ["GET /v1/webhook_endpoints?limit=100 HTTP/1.1"; 2]);
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_while_an_endpoint_is_created_lets_the_call_end_and_deletes_the_endpoint() {
    let gate = Gate::default();
    let api = Endpoint::new([respond(200).body(created()).behind(&gate), respond(200).body("{}")]);
    let dir = with_api(&api);
    let mut listener = with_key(dir.listen().args(REGISTER), &dir).in_background();
    assert!(api.next().start.starts_with("POST "));
    listener.interrupt();
    listener.says("note: waiting for the provider's API; press Ctrl-C again to stop at once\n");
    gate.open();
    assert_eq!(api.next().start, "DELETE /v1/webhook_endpoints/we_1 HTTP/1.1");
    listener.exits(0);
    assert_eq!(dir.names("state/hookdev/registrations"), [""; 0]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_second_ctrl_c_leaves_what_is_being_created_to_unregister() {
    let api = Endpoint::new([respond(200).body(created()).behind(&Gate::default())]);
    let dir = with_api(&api);
    let mut listener = with_key(dir.listen().args(REGISTER), &dir).in_background();
    api.next();
    listener.interrupt();
    listener.says("note: waiting for the provider's API; press Ctrl-C again to stop at once\n");
    listener.interrupt();
    listener
        .exits(130)
        .says("warning: stopped while registering; `hookdev unregister` removes anything that was registered\n");
    assert_eq!(dir.names("state/hookdev/registrations").len(), 2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_registration_that_hangs_beyond_the_timeout_is_left_to_unregister() {
    let api = Endpoint::new([hang()]);
    let dir = with_api(&api);
    let listen = dir.hookdev().args(["listen", "--addr", "127.0.0.1:0", "--timeout", "10ms"]).args(REGISTER);
    with_key(listen, &dir)
        .exits(1)
        .says("warning: stopped while registering; `hookdev unregister` removes anything that was registered\n")
        .says("error: timed out before everything was registered\n");
    assert_eq!(dir.names("state/hookdev/registrations").len(), 2);
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_killed_process_leaves_is_removed_by_unregister() {
    let api = Endpoint::new([respond(200).body(created()), respond(503), respond(200).body("{}")]);
    let dir = with_api(&api);
    let listener = with_key(dir.listen().args(REGISTER), &dir).starts();
    api.next();
    let busy = with_key(dir.hookdev().arg("unregister"), &dir).exits(0);
    busy.says("note: kept https://dev.example/stripe at stripe, because a running hookdev uses it\n");
    drop(listener.killed());
    assert_eq!(dir.names("state/hookdev/registrations").len(), 2);

    let curl = format!(
        "curl -X DELETE {} -H 'authorization: Bearer '\"$STRIPE_API_KEY\"",
        api.url("/v1/webhook_endpoints/we_1")
    );
    let dry = with_key(dir.hookdev().args(["unregister", "--dry-run"]), &dir).exits(0);
    dry.prints(&curl);
    let [call] = &with_key(dir.hookdev().args(["unregister", "--dry-run", "--json"]), &dir).exits(0).lines()[..] else {
        panic!("one call");
    };
    assert_eq!(
        call,
        &json!({
            "kind": "request",
            "method": "DELETE",
            "url": api.url("/v1/webhook_endpoints/we_1"),
            "headers": [["authorization", "Bearer $STRIPE_API_KEY"]],
            "body": "",
        })
    );
    let failed = with_key(dir.hookdev().arg("unregister"), &dir).exits(1);
    failed.says("can't remove the endpoint https://dev.example/stripe from stripe: ").says(&curl);
    with_key(dir.hookdev().arg("unregister"), &dir)
        .exits(0)
        .says("note: removed https://dev.example/stripe from stripe\n");
    assert_eq!(dir.names("state/hookdev/registrations"), [""; 0]);
    with_key(dir.hookdev().arg("unregister"), &dir).exits(0).says("note: nothing to remove\n");
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_error_keeps_the_entry_and_a_call_that_was_not_sent_does_not() {
    let api = Endpoint::new([respond(500), respond(503)]);
    let dir = with_api(&api);
    let listen = || with_key(dir.hookdev().args(["listen", "--addr", "127.0.0.1:0"]).args(REGISTER), &dir);
    let hint = "hint: if the provider registered the webhook nevertheless, `hookdev unregister` removes it\n";
    listen().exits(1).says("the API responded 500\n").says(hint);
    with_key(dir.hookdev().arg("unregister"), &dir)
        .exits(1)
        .says("can't remove the endpoint https://dev.example/stripe");
    assert_eq!(dir.names("state/hookdev/registrations").len(), 2);

    let dir = Dir::new();
    dir.write("hookdev.toml", "[provider.stripe]\napi = \"http://127.0.0.1:1\"\n");
    let finished = with_key(dir.hookdev().args(["listen", "--addr", "127.0.0.1:0"]).args(REGISTER), &dir).exits(4);
    let finished = finished.says("nothing listens on 127.0.0.1:1 (connection refused)\n");
    assert!(!finished.stderr.contains("hint:"), "{finished}");
    assert_eq!(dir.names("state/hookdev/registrations"), [""; 0]);
    with_key(dir.hookdev().arg("unregister"), &dir).exits(0).says("note: nothing to remove\n");
}

#[cfg(target_os = "linux")]
#[test]
fn a_response_that_is_no_list_is_reported_and_the_endpoint_stays_in_the_journal() {
    let page = || respond(200).body("<html>Maintenance");
    let api = Endpoint::new([hang_up(), hang_up(), page(), respond(200).body(r#"{"data":[]}"#)]);
    let dir = with_api(&api);
    with_key(dir.hookdev().args(["listen", "--addr", "127.0.0.1:0"]).args(REGISTER), &dir)
        .exits(4)
        .says("error: can't register the webhook with Stripe\n");
    let failed = with_key(dir.hookdev().arg("unregister"), &dir).exits(1);
    failed.says(
        "expected a list of endpoints with ids at /data in the response, but it is not JSON: <html>Maintenance\n",
    );
    assert_eq!(dir.names("state/hookdev/registrations").len(), 2);
    with_key(dir.hookdev().arg("unregister"), &dir).exits(0);
    assert_eq!(dir.names("state/hookdev/registrations"), [""; 0]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_value_that_can_not_be_restored_is_not_replaced() {
    let api = Endpoint::new([respond(200).body(r#"{"error":"maintenance"}"#)]);
    let dir = with_api(&api);
    let listen = auphonic(dir.hookdev().args(["listen", "--addr", "127.0.0.1:0"]), &dir);
    listen.exits(1).stdout("").stderr(&format!(
        "config: {}\n\
         error: can't register the webhook with Auphonic\n\
         caused by: GET {}: expected a string or null at /data/webhook in the response, but it is an object with `error`\n\
         hint: nothing was changed, because hookdev replaces only a value that it can restore\n",
        dir.join("hookdev.toml").display(),
        api.url("/production/abc.json"),
    ));
    assert_eq!(api.next().start, "GET /production/abc.json HTTP/1.1");
    api.got_no_more();
    assert_eq!(dir.names("state/hookdev/registrations"), [""; 0]);
}

#[cfg(target_os = "linux")]
fn value(url: &str) -> Turn {
    respond(200).body(format!(r#"{{"data":{{"webhook":"{url}"}}}}"#))
}

#[cfg(target_os = "linux")]
#[test]
fn a_value_that_was_changed_since_is_kept_and_one_that_can_not_be_restored_is_named() {
    let (old, own, new) = ("https://prod.example/old", "https://dev.example/auphonic", "https://prod.example/new");
    let api = Endpoint::new([value(old), respond(200), value(own), respond(503), value(new)]);
    let dir = with_api(&api);
    drop(auphonic(dir.listen(), &dir).starts().killed());
    let url = api.url("/production/abc.json");
    with_key(dir.hookdev().arg("unregister"), &dir).exits(1).says(&format!(
        "warning: can't restore the webhook of auphonic=production/abc: POST {url}: the API responded 503\n\
         run `hookdev unregister` later, or set it back to {old} at the provider:\n  curl -X POST {url} "
    ));
    with_key(dir.hookdev().arg("unregister"), &dir).exits(0).says(&format!(
        "note: kept the webhook of auphonic=production/abc, because it was changed after hookdev had set {own}\n"
    ));
    let calls: Vec<_> = (0..5).map(|_| api.next().start.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(calls, ["GET", "POST", "GET", "POST", "GET"]);
    api.got_no_more();
    assert_eq!(dir.names("state/hookdev/registrations"), [""; 0]);
}

#[test]
fn a_dry_run_prints_the_calls_without_a_key_and_makes_none() {
    let dir = Dir::new();
    let listen = dir.hookdev().args([
        "listen",
        "--register",
        "auphonic=preset/abc",
        "--dry-run",
        "--public-url",
        "https://dev.example",
    ]);
    let url = "https://auphonic.com/api/preset/abc.json";
    let key = r#"-H 'authorization: bearer '"$AUPHONIC_API_KEY""#;
    let json = "-H 'content-type: application/json' --data";
    listen.exits(0).stdout(&format!(
        "curl -X GET {url} {key}\n\
         curl -X POST {url} {key} {json} '{{\"webhook\":\"https://dev.example/auphonic\"}}'\n\
         curl -X POST {url} {key} {json} '{{\"webhook\":\"PREVIOUS\"}}'\n"
    ));
}

#[test]
fn a_dry_run_prints_json_for_programs() {
    let dir = Dir::new();
    let listen =
        dir.hookdev().args(["listen", "--register", "github=octo/hello", "--public-url", "https://dev.example"]);
    let calls = listen.args(["--dry-run", "--json"]).exits(0).lines();
    let url = "https://api.github.com/repos/octo/hello/hooks";
    let heads: Vec<_> = calls.iter().map(|call| (&call["kind"], &call["method"], &call["url"])).collect();
    assert_eq!(
        heads,
        [
            (&json!("request"), &json!("POST"), &json!(url)),
            (&json!("request"), &json!("DELETE"), &json!(format!("{url}/ID")))
        ]
    );
    assert!(calls[0]["headers"].as_array().unwrap().contains(&json!(["authorization", "Bearer $GITHUB_TOKEN"])));
    let body: Value = serde_json::from_str(calls[0]["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["config"]["secret"], "$SIGNING_SECRET");
    assert_eq!(calls[1]["body"], "");
}

#[test]
fn what_is_missing_for_a_registration_is_named_before_anything_is_called() {
    let dir = Dir::new();
    let refuses = |arguments: &[&str], message: &str| {
        dir.hookdev().arg("listen").args(arguments).exits(2).stdout("").says(message);
    };
    let url = ["--public-url", "https://dev.example"];
    refuses(&["--register", "stripe"], "error: --register stripe needs a URL that the provider can reach\n");
    refuses(
        &[&["--register", "nosuch"][..], &url].concat(),
        "error: unknown provider `nosuch`\n\
         hint: --register works for aspect, auphonic, cyanite, github, jewelmusic, stripe\n",
    );
    refuses(
        &[&["--register", "stripe"][..], &url].concat(),
        "error: the environment variable STRIPE_API_KEY is not set\n",
    );
    refuses(&[&["--register", "github"][..], &url].concat(), "error: --register github needs a resource: ");
    refuses(&[&["--register", "github=../x"][..], &url].concat(), "error: invalid resource `../x` of github\n");
    refuses(&[&["--register", "aspect"][..], &url].concat(), "error: no API URL is known for Aspect\n");
    refuses(
        &[&["--register", "slack"][..], &url].concat(),
        "error: hookdev knows no Slack API for registering webhooks\n",
    );
    refuses(&["--dry-run"], "error: --dry-run needs --register PROVIDER\n");
}

#[test]
fn a_found_config_needs_trust_to_send_a_key_elsewhere() {
    let dir = Dir::new();
    dir.write("hookdev.toml", "[provider.stripe]\napi = \"https://api.evil.example\"\n");
    let listen = with_key(dir.hookdev().arg("listen").args(REGISTER), &dir);
    listen
        .exits(2)
        .says("sends the Stripe API key to https://api.evil.example")
        .says("run `hookdev trust` to allow this");
}

#[cfg(target_os = "linux")]
#[test]
fn the_key_may_be_in_the_env_file_of_the_config() {
    let api = Endpoint::new([respond(200).body(created()), respond(200).body("{}")]);
    let dir = Dir::new();
    dir.write("hookdev.toml", format!("env_file = \".env\"\n[provider.stripe]\napi = \"{}\"\n", api.url("")));
    dir.write(".env", "STRIPE_API_KEY=sk_test_of_the_file\n");
    let listener = dir.listen().args(REGISTER).env("XDG_STATE_HOME", dir.join("state")).starts();
    assert_eq!(api.next().header("authorization"), Some("Bearer sk_test_of_the_file"));
    listener.interrupt();
    let finished = listener.exits(0);
    assert!(api.next().start.starts_with("DELETE "));
    assert!(!format!("{finished}").contains("sk_test"), "{finished}");
}

#[test]
fn a_found_config_needs_trust_to_take_a_key_from_its_env_file() {
    let dir = Dir::new();
    dir.write("hookdev.toml", "env_file = \".env\"\n");
    dir.write(".env", "STRIPE_API_KEY=sk_test_never_shown\n");
    let listen = dir.hookdev().arg("listen").args(REGISTER).env("XDG_STATE_HOME", dir.join("state"));
    let finished =
        listen.exits(2).says("reads STRIPE_API_KEY from its env file, to send it to https://api.stripe.com/");
    assert!(!format!("{finished}").contains("sk_test"), "{finished}");
}
