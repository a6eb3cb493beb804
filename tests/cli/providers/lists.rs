//! Deliveries that are lists of events, and signature headers that the user names.

use serde_json::{Value, json};

use crate::harness::{Dir, text};

/// A list of two emails' events, the second of them with this kind and this further member.
fn list(kind: &str, member: &str) -> String {
    let event = |kind: &str, id: u8, member: &str| {
        format!(
            r#"{{"email":"ada@example.org","timestamp":1772442920,"smtp-id":"<1@example.com>","event":"{kind}","sg_event_id":"{id}","sg_message_id":"m"{member}}}"#
        )
    };
    format!("[{},\r\n{}]\r\n", event("processed", 1, ""), event(kind, 2, member))
}

/// What `send --data` makes of such a body.
fn sent(dir: &Dir, body: &str) -> Value {
    dir.write("body.json", body);
    let arguments = ["send", "sendgrid.processed", "--data", "body.json", "--print", "json", "--no-config"];
    json!({"request": dir.hookdev().args(arguments).exits(0).line()})
}

#[test]
fn each_event_of_a_list_is_checked_and_summarised() {
    let dir = Dir::new();
    let verify = |kind: &str, member: &str, code: i32| {
        let mut capture = sent(&dir, &list(kind, member));
        capture["request"]["target"] = json!("/sendgrid");
        dir.write("capture.json", capture.to_string());
        dir.hookdev().args(["verify", "capture.json", "--json", "--no-config"]).exits(code).line()
    };
    let valid = verify("delivered", r#","response":"250 OK""#, 0);
    assert_eq!((text(&valid, "/event"), text(&valid, "/payload/status")), ("sendgrid.processed", "valid"));
    assert_eq!(valid["warnings"], json!([]));
    // Only a `delivered` needs a `response`.
    let invalid = verify("delivered", "", 1);
    assert_eq!(text(&invalid, "/payload/status"), "invalid");
    assert_eq!(text(&invalid, "/payload/errors/0/pointer"), "/1/response");
    let unknown = verify("levitated", "", 0);
    assert_eq!(text(&unknown, "/payload/status"), "unknown");
    let warnings = unknown["warnings"].to_string();
    assert!(
        warnings.contains("`sendgrid.levitated` is not one of the SendGrid events that hookdev knows"),
        "{warnings}"
    );
}

#[test]
fn a_list_is_found_by_any_of_its_events() {
    let dir = Dir::new();
    let expect = ["--expect", "sendgrid.delivered", "--filter", "sendgrid.delivered", "--timeout", "60s"];
    let listener =
        dir.hookdev().args(["listen", "--addr", "127.0.0.1:0", "--no-config"]).args(expect).starts_for_people();
    let url = listener.url("/sendgrid");
    dir.write("body.json", list("delivered", r#","response":"250 OK""#));
    dir.hookdev().args(["send", "sendgrid.processed", "--data", "body.json", "--to", &url, "--no-config"]).exits(0);
    let finished = listener.exits(0);
    finished
        .prints("  2 events: processed  ada@example.org  processed; delivered  ada@example.org  delivered  250 OK\n");
}

#[test]
fn the_events_of_lists_within_lists_are_each_checked_and_found() {
    let dir = Dir::new();
    let change = |list: &str| {
        format!(
            r#"{{"field":"messages","value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"1","phone_number_id":"2"}},{list}}}}}"#
        )
    };
    let message =
        |id: u8, member: &str| format!(r#"{{"from":"3","id":"wamid.{id}","timestamp":"1772442920",{member}}}"#);
    let hello = message(1, r#""type":"text","text":{"body":"Hello"}"#);
    let image = message(2, r#""type":"image","image":{"mime_type":"image/png","sha256":"c2hh","id":"9"}"#);
    let contacts = r#""contacts":[{"profile":{"name":"Ada"},"wa_id":"3"}]"#;
    let body = |status: &str| {
        let status = format!(r#"{{"id":"wamid.3","status":"delivered","recipient_id":"3"{status}}}"#);
        let messages = change(&format!(r#"{contacts},"messages":[{hello},{image}]"#));
        let statuses = change(&format!(r#""statuses":[{status}]"#));
        let again = change(&format!(r#"{contacts},"messages":[{hello}]"#));
        format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"4","changes":[{messages},{statuses}]}},{{"id":"5","changes":[{again}]}}]}}"#
        )
    };
    let verify = |body: &str, code: i32| {
        dir.write("body.json", body);
        let arguments = ["send", "whatsapp.messages.text", "--data", "body.json", "--print", "json", "--no-config"];
        let mut request = dir.hookdev().args(arguments).exits(0).line();
        request["target"] = json!("/whatsapp");
        dir.write("capture.json", json!({ "request": request }).to_string());
        dir.hookdev().args(["verify", "capture.json", "--json", "--no-config"]).exits(code).line()
    };
    let valid = verify(&body(r#","timestamp":"1772442990""#), 0);
    assert_eq!((text(&valid, "/event"), text(&valid, "/payload/status")), ("whatsapp.messages.text", "valid"));
    assert_eq!(valid["warnings"], json!([]));
    let invalid = verify(&body(""), 1);
    let pointer = "/entry/0/changes/1/value/statuses/0/timestamp";
    assert_eq!(text(&invalid, "/payload/errors/0/pointer"), pointer, "{invalid}");

    let expect = ["--expect", "whatsapp.statuses.delivered", "--expect", "whatsapp.messages.image", "--timeout", "60s"];
    let listener =
        dir.hookdev().args(["listen", "--addr", "127.0.0.1:0", "--no-config"]).args(expect).starts_for_people();
    let url = listener.url("/whatsapp");
    dir.write("body.json", body(r#","timestamp":"1772442990""#));
    dir.hookdev().args(["send", "whatsapp.messages.text", "--data", "body.json", "--to", &url, "--no-config"]).exits(0);
    listener.exits(0).prints(
        "  4 events: messages.text  from 3  Hello; messages.image  from 3  image/png; statuses.delivered  to 3  delivered; \
         messages.text  from 3  Hello\n",
    );
}

#[test]
fn every_event_of_a_fixture_gets_new_values() {
    let dir = Dir::new();
    let manifest = "name = 'acme'\ntitle = 'Acme'\nabout = 'A test'\n[delivery]\nsuccess = ['2xx']\n\
        [recognise]\nevent = 'events.0.type'\nlist = 'body:events'\n[fresh]\n'events.0.id' = '{hex:8}'\n\
        [[event]]\nname = 'ping'\nabout = 'A test'\n";
    dir.write("providers/acme/provider.toml", manifest);
    dir.write("providers/acme/events/ping.json", r#"{"events":[{"type":"ping","id":"a"},{"type":"pong","id":"b"}]}"#);
    let arguments = ["send", "acme.ping", "--print", "json", "--providers", "providers", "--no-config"];
    let request = dir.hookdev().args(arguments).exits(0).line();
    let body: Value = serde_json::from_str(text(&request, "/body")).unwrap();
    let ids = [text(&body, "/events/0/id"), text(&body, "/events/1/id")];
    assert!(ids[0] != ids[1] && ids.iter().all(|id| id.len() == 8), "{body}");
}

#[test]
fn a_signature_header_that_the_user_chose_is_sent_and_read() {
    let dir = Dir::new();
    dir.write("hookdev.toml", "[provider.assemblyai]\nsecret = \"env:MINE\"\nsignature_header = \"x-mine\"\n");
    let hookdev = || dir.hookdev().env("MINE", "s3cret");
    let request = hookdev().args(["send", "assemblyai.completed", "--print", "json"]).exits(0).line();
    let headers = request["headers"].as_array().unwrap();
    assert!(headers.contains(&json!(["x-mine", "s3cret"])), "{request}");
    assert!(!headers.iter().any(|field| field[0] == json!("x-webhook-secret")), "{request}");
    let verify = |header: &str, code: i32| {
        let mut capture = json!({"request": request});
        capture["request"]["target"] = json!("/");
        dir.write("capture.json", capture.to_string().replace("x-mine", header));
        let verification = hookdev().args(["verify", "capture.json", "--json", "--provider", "assemblyai"]);
        verification.exits(code).line()
    };
    assert_eq!(text(&verify("x-mine", 0), "/verdict"), "verified");
    let missing = verify("x-webhook-secret", 1);
    assert_eq!(text(&missing, "/rejection/code"), "missing-header");
    let hint = "you choose the name of the signature header at AssemblyAI; assuming `x-mine`; if you chose another header at AssemblyAI, \
         name it in hookdev.toml: signature_header = \"…\" under [provider.assemblyai]";
    assert!(missing["warnings"].as_array().unwrap().contains(&json!(hint)), "{missing}");
}

#[test]
fn a_changed_signature_header_is_used_without_a_restart() {
    let dir = Dir::new();
    let config = |header: &str| format!("[provider.assemblyai]\nsignature_header = \"{header}\"\n");
    dir.write("hookdev.toml", config("x-first"));
    let mut listener = dir.listen().starts();
    let url = listener.url("/assemblyai");
    dir.replace("hookdev.toml", config("x-second"));
    listener.says("note: config reloaded\n");
    // It is sent with the header of the config, too.
    dir.send("assemblyai.completed", &url).exits(0);
    let delivery = listener.next();
    assert_eq!(text(&delivery, "/verdict"), "verified");
    assert!(delivery["request"]["headers"].to_string().contains("x-second"), "{delivery}");
}
