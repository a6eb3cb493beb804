//! Handshakes: `listen` gives the response that a provider prescribes, `send` and `check` expect it of a handler.

use std::fs;

use serde_json::json;

use crate::harness::{Dir, Endpoint, get, post, respond, text};

/// Folders of three providers, whose handshakes are of three kinds.
fn providers() -> Dir {
    let dir = Dir::new();
    let provider = |name: &str, header: &str, value: &str, content: &str, rest: &str, handshake: &str| {
        dir.write(
            &format!("providers/{name}/provider.toml"),
            format!(
                "name = '{name}'\ntitle = '{name}'\nabout = 'A test'\n[secret]\ndevelopment = 'hookdev-development-secret-{name}'\n\
                 [[scheme]]\nname = 'v1'\nalgorithm = 'hmac-sha256'\ncontent = '{content}'\n\
                 signature = {{ header = '{header}', value = '{value}' }}\n{rest}\n[delivery]\nsuccess = ['2xx']\n\
                 [[event]]\nname = 'thing'\nabout = 'A thing happened'\nmatch = {{ kind = 'thing' }}\n\
                 [[handshake]]\n{handshake}\n"
            ),
        );
        dir.write(&format!("providers/{name}/events/thing.json"), "{\"kind\":\"thing\",\"id\":7}\n");
    };
    provider(
        "meta",
        "x-hub-signature-256",
        "sha256={hex}",
        "{body}",
        "",
        "name = 'verification'\nabout = 'The URL is verified'\nmethod = 'GET'\nsigned = false\n\
         match = { 'query:hub.mode' = 'subscribe' }\nquery = { 'hub.mode' = 'subscribe', 'hub.challenge' = '{digits:10}' }\n\
         respond = { text = '{query:hub.challenge}' }",
    );
    provider(
        "asana",
        "x-hook-signature",
        "{hex}",
        "{body}",
        "",
        "name = 'secret'\nabout = 'The secret is handed over'\nheaders = { 'x-hook-secret' = '{hex:64}' }\nsigned = false\n\
         secret = 'header:x-hook-secret'\nrespond = { headers = { 'x-hook-secret' = '{header:x-hook-secret}' } }",
    );
    provider(
        "zoom",
        "x-zm-signature",
        "v0={hex}",
        "v0:{timestamp}:{body}",
        "timestamp = { header = 'x-zm-request-timestamp', tolerance = '5m' }",
        "name = 'url_validation'\nabout = 'The URL is verified'\nmatch = { event = 'endpoint.url_validation' }\n\
         fixture = 'handshakes/validation.json'\n\
         respond = { json = { plainToken = '{body:payload.plainToken}', encryptedToken = '{hmac-sha256:body:payload.plainToken}' } }",
    );
    dir.write("providers/zoom/handshakes/validation.json", VALIDATION);
    dir
}

const VALIDATION: &str = r#"{"event":"endpoint.url_validation","payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"}}"#;

#[test]
fn metas_challenge_is_echoed_and_not_shown_as_rejected() {
    let dir = providers();
    let mut listener = dir.listen().args(["--providers", "providers", "--secret", "meta=field-secret"]).starts();
    let response = get(&listener.url("/meta?hub.mode=subscribe&hub.verify_token=t&hub.challenge=1158201444"));
    assert_eq!((response.status(), response.text()), (200, "1158201444"));
    assert_eq!(response.header("content-type"), Some("text/plain"));
    let delivery = listener.next();
    assert_eq!((text(&delivery, "/event"), &delivery["handshake"]), ("meta.verification", &json!(true)));
    assert_eq!((text(&delivery, "/verdict"), &delivery["warnings"]), ("unsigned", &json!([])));
}

#[cfg(unix)]
#[test]
fn asanas_secret_is_echoed_and_used_from_then_on_and_never_shown() {
    const SECRET: &str = "b537207f20cbfa02357cf448134da559e8bd39d61597dcd5631b8012eae53e81";
    let dir = providers();
    let mut listener =
        dir.listen().args(["--providers", "providers", "--secret-to", "saved", "--capture", "c"]).starts();
    let (response, delivery) = listener.receives("/asana", &[("X-Hook-Secret", SECRET)], "{}");
    assert_eq!((response.status(), response.header("x-hook-secret")), (200, Some(SECRET)));
    assert_eq!((text(&delivery, "/verdict"), &delivery["handshake"]), ("unsigned", &json!(true)));
    listener.says("asana handed over its secret, which is used until hookdev exits; it is saved in saved");
    assert_eq!(dir.read("saved"), SECRET);

    // Python: hmac.new(SECRET, b'{"kind":"thing","id":7}', "sha256")
    let signature = "d6daf597fe5bc2a2d0f89fc72dcd0a929fddcddbef9cf005cc9e8f93181bec35";
    let (response, delivery) =
        listener.receives("/asana", &[("X-Hook-Signature", signature)], "{\"kind\":\"thing\",\"id\":7}");
    assert_eq!((response.status(), text(&delivery, "/verdict")), (200, "verified"));
    assert_eq!((text(&delivery, "/secret"), &delivery["handshake"]), ("registered", &json!(false)));

    listener.interrupt();
    let finished = listener.exits(0);
    assert!(!finished.text().contains(SECRET) && !finished.stderr.contains(SECRET), "{finished}");
    for name in dir.names("c") {
        assert!(!dir.read(&format!("c/{name}")).contains(SECRET), "{name}");
    }
}

#[test]
fn zooms_token_gets_its_mac_if_the_handshake_is_signed() {
    let dir = providers();
    let args = ["--providers", "providers", "--secret", "zoom=field-secret", "--now", "2026-01-01T00:00:10Z"];
    let mut listener = dir.listen().args(args).starts();
    // Python: hmac.new(b"field-secret", ..., "sha256") of `v0:1767225600:` and the body, and of the token.
    let signature = "v0=c8caeca46add964715125ce1239b49288155ae6ac14ea97aa74518fa68224fcf";
    let headers = [("X-Zm-Signature", signature), ("X-Zm-Request-Timestamp", "1767225600")];
    let (response, delivery) = listener.receives("/zoom", &headers, VALIDATION);
    let expected = r#"{"encryptedToken":"7ffcae2038a1267cf95861e3403fb4695d327627372090153e11d895d1240bdc","plainToken":"qgg8vlvZRS6UYooatFL8Aw"}"#;
    assert_eq!((response.status(), text(&delivery, "/verdict")), (200, "verified"));
    let body: serde_json::Value = serde_json::from_str(response.text()).unwrap();
    assert_eq!(body, serde_json::from_str::<serde_json::Value>(expected).unwrap());

    let forged = [("X-Zm-Signature", &*signature.replace('c', "d")), ("X-Zm-Request-Timestamp", "1767225600")];
    let (response, delivery) = listener.receives("/zoom", &forged, VALIDATION);
    assert_eq!((response.status(), text(&delivery, "/verdict")), (401, "rejected"));
}

#[test]
fn a_handshake_that_is_sent_succeeds_only_with_the_prescribed_response() {
    let dir = providers();
    let send = |url: &str, code| {
        dir.send("meta.verification", url).args(["--providers", "providers", "--json"]).exits(code).line()
    };
    let listener = dir.listen().args(["--providers", "providers"]).starts();
    assert_eq!(send(&listener.url("/meta"), 0)["outcome"], "accepted");

    let endpoint = Endpoint::new([respond(200).body("OK")]);
    let refused = send(&endpoint.url("/"), 1);
    assert_eq!(refused["outcome"], "refused");
    assert_eq!(text(&refused, "/reason"), "the response's body isn't the text that the handshake wants");
    let request = endpoint.next();
    assert!(request.target().starts_with("/?hub.challenge=") && request.target().ends_with("&hub.mode=subscribe"));
    assert_eq!((request.header("content-type"), request.text()), (None, ""));
}

#[test]
fn check_demands_handshakes_and_that_forged_ones_are_rejected() {
    let dir = providers();
    let listener = dir.listen().args(["--providers", "providers"]).starts();
    let check = |case: &str, url: &str, code| {
        let args = ["--providers", "providers", "check", "--provider", "zoom", "--json", "--case", case, "--to", url];
        dir.hookdev().args(args).exits(code).lines()
    };
    let lines = check("handshake*", &listener.url("/zoom"), 0);
    let outcomes: Vec<_> = lines.iter().map(|line| (&line["case"], &line["outcome"])).collect();
    assert_eq!(outcomes[0], (&json!("handshake"), &json!("passed")));
    assert_eq!(outcomes[1], (&json!("handshake-forged"), &json!("passed")));

    let silent = Endpoint::new((0..8).map(|_| respond(200)));
    let lines = check("handshake", &silent.url("/"), 1);
    assert_eq!(text(&lines[0], "/message"), "the response's body isn't the JSON that the handshake wants");
}

#[test]
fn the_cases_from_the_field_have_no_handshake_and_stay_ordinary_deliveries() {
    let dir = providers();
    let mut listener = dir.listen().args(["--providers", "providers"]).starts();
    let (response, delivery) = listener.receives("/meta", &[], "{\"kind\":\"thing\",\"id\":7}");
    assert_eq!((response.status(), &delivery["handshake"]), (401, &json!(false)));
    assert!(fs::metadata(dir.join("saved")).is_err());
    let _ = post(&listener.url("/zoom"), &[], VALIDATION);
    assert_eq!(text(&listener.next(), "/verdict"), "rejected");
}
