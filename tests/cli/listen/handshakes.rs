//! Handshakes: `listen` gives the response that a provider prescribes, `send` and `check` expect it of a handler.

use std::{fs, io::ErrorKind};

use serde_json::json;

use crate::harness::{Dir, Endpoint, Listener, Message, get, post, respond, text};

/// Directories of three providers, with three kinds of handshakes.
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
    let captures = dir.names("c");
    assert_eq!(captures.len(), 2);
    for name in captures {
        assert!(!dir.read(&format!("c/{name}")).contains(SECRET), "{name}");
    }
}

/// Anyone who can reach `listen` can send a handshake, so its secret must not make a delivery genuine that wasn't.
#[test]
fn a_handshake_adds_no_secret_beside_the_users_own() {
    let dir = providers();
    let own = ["--providers", "providers", "--secret", "asana=own"];
    let mut listener = dir.listen().args(own).args(["--expect", "asana.thing", "--timeout", "60s"]).starts();
    let (response, _) = listener.receives("/asana", &[("X-Hook-Secret", "of an attacker")], "{}");
    assert_eq!((response.status(), response.header("x-hook-secret")), (200, Some("of an attacker")));
    listener.says("warning: a handshake from asana handed over a secret, which is not used: your own is set");
    let thing = "{\"kind\":\"thing\",\"id\":7}";
    // Python: hmac.new(key, thing, "sha256"), for the keys b"of an attacker" and b"own"
    let forged = "9cc04887fc4d005f092b0b132792fb4039edf9adc8028be42937c9873d93ab83";
    let genuine = "646a952ea291e526e94f8ffed2cbe2c33b6b27ccb2e46bf87b205beb44d518b8";
    let (response, delivery) = listener.receives("/asana", &[("X-Hook-Signature", forged)], thing);
    assert_eq!((response.status(), text(&delivery, "/verdict")), (401, "rejected"));
    listener.receives("/asana", &[("X-Hook-Signature", genuine)], thing);
    listener.exits(0);
}

#[cfg(unix)]
#[test]
fn a_handshake_may_bring_the_users_own_secret_again() {
    let dir = providers();
    let own = ["--providers", "providers", "--secret", "asana=own", "--only-verified"];
    let mut listener = dir.listen().args(own).starts();
    let (response, _) = listener.receives("/asana", &[("X-Hook-Secret", "own")], "{}");
    assert_eq!((response.status(), response.header("x-hook-secret")), (200, Some("own")));
    listener.interrupt();
    assert!(!listener.exits(0).stderr.contains("not used"));
}

#[test]
fn only_verified_takes_no_secret_from_a_handshake() {
    let dir = providers();
    let mut listener = dir.listen().args(["--providers", "providers", "--only-verified"]).starts();
    listener.receives("/asana", &[("X-Hook-Secret", "of an attacker")], "{}");
    listener.says("which is not used: with --only-verified, only your own secrets count");
}

#[test]
fn on_other_addresses_only_the_first_handshake_counts() {
    let dir = providers();
    let mut listener =
        dir.hookdev().args(["listen", "--addr", "0.0.0.0:0", "--json", "--providers", "providers"]).starts();
    for secret in ["the first", "the first", "another"] {
        listener.receives("/asana", &[("X-Hook-Secret", secret)], "{}");
    }
    listener.says("which is not used: another one is in use, and anyone who knows the URL can send a handshake");
    // Python: hmac.new(key, thing, "sha256"), for the keys b"the first" and b"another"
    let thing = "{\"kind\":\"thing\",\"id\":7}";
    for (signature, verdict) in [
        ("354ed2461f711a2e7eafcea817efeeb31307b689d1e348f6360018469a2a22b4", "verified"),
        ("66b825ca004c3e58e03224ccccf959331ea16be93aceb1edb989b8e19689d278", "rejected"),
    ] {
        let (_, delivery) = listener.receives("/asana", &[("X-Hook-Signature", signature)], thing);
        assert_eq!(text(&delivery, "/verdict"), verdict);
    }
}

#[test]
fn a_file_that_cannot_be_written_is_an_error_before_a_secret_is_lost() {
    let dir = providers();
    let listen = dir.listen().args(["--providers", "providers", "--secret-to", "missing/saved"]);
    listen.exits(2).says("error: --secret-to can't write missing/saved");
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

/// A listener with the built-in providers and two of the user's, whose secrets are known.
fn listener(dir: &Dir) -> Listener {
    let provider = |name: &str, scheme: &str, handshake: &str| {
        let manifest = format!(
            "name = '{name}'\ntitle = '{name}'\nabout = 'A test'\n{scheme}[delivery]\nsuccess = ['2xx']\n\
             [[event]]\nname = 'thing'\nabout = 'A thing happened'\nmatch = {{ kind = 'thing' }}\n\
             [[handshake]]\nname = 'verification'\nabout = 'The URL is verified'\nsigned = false\n{handshake}\n"
        );
        dir.write(&format!("providers/{name}/provider.toml"), manifest);
        dir.write(&format!("providers/{name}/events/thing.json"), "{\"kind\":\"thing\"}\n");
    };
    provider(
        "dropbox",
        "[secret]\ndevelopment = 'hookdev-development-secret-dropbox'\n[[scheme]]\nname = 'v1'\nalgorithm = 'hmac-sha256'\n\
         content = '{body}'\nsignature = { header = 'x-dropbox-signature', value = '{hex}' }\n",
        "method = 'GET'\nquery = { challenge = '{base62:40}' }\n\
         respond = { text = '{query:challenge}', headers = { x-content-type-options = 'nosniff' } }",
    );
    let graph = "query = { validationToken = '{base62:40}' }\nrespond = { text = '{query:validationToken}' }";
    provider("graph", "", graph);
    let mut command = dir.listen().args(["--providers", "providers", "--now", "2026-01-01T00:00:10Z"]);
    for name in ["slack", "twitch", "zoom"] {
        command = command.args(["--secret", &format!("{name}=field-secret")]);
    }
    // The public key of the private key that is 32 bytes of 1.
    let key = "discord=8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c";
    command.args(["--secret", key]).starts()
}

/// Status, content type and body.
fn parts(response: &Message) -> (u16, Option<&str>, &str) {
    (response.status(), response.header("content-type"), response.text())
}

const REJECTED: (u16, Option<&str>, &str) = (401, Some("text/plain; charset=utf-8"), "rejected\n");

/// Posts a handshake, and the same with a digit of its signature changed, which must be rejected.
fn signed(listener: &Listener, path: &str, headers: &[(&str, &str)], signature: (&str, &str), body: &str) -> Message {
    let post = |value: &str| {
        let headers: Vec<(&str, &str)> = headers.iter().copied().chain([(signature.0, value)]).collect();
        post(&listener.url(path), &headers, body)
    };
    let (start, last) = signature.1.split_at(signature.1.len() - 1);
    let forged = format!("{start}{}", if last == "0" { "1" } else { "0" });
    assert_eq!(parts(&post(&forged)), REJECTED, "{path}");
    post(signature.1)
}

// The bodies are those of the providers' documentation; Python's hmac and cryptography signed them.
#[test]
fn a_signed_handshake_gets_what_its_provider_documents_and_a_forged_one_is_rejected() {
    let dir = Dir::new();
    let listener = listener(&dir);
    let body = r#"{"token":"Jhj5dZrVaK7ZwHHjRyZWjbDl","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}"#;
    let time = [("X-Slack-Request-Timestamp", "1767225600")];
    let signature = ("X-Slack-Signature", "v0=ca18408be443db859141e1b5d987a640fccc257996ef603b8faaa8a02e6f6b32");
    let response = signed(&listener, "/slack", &time, signature, body);
    let expected = (200, Some("text/plain"), "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P");
    assert_eq!(parts(&response), expected);

    let headers = [
        ("Twitch-Eventsub-Message-Id", "84c1e79a-2a4b-4c13-ba0b-4312293e9308"),
        ("Twitch-Eventsub-Message-Timestamp", "2026-01-01T00:00:00.634234626Z"),
        ("Twitch-Eventsub-Message-Type", "webhook_callback_verification"),
    ];
    let signature = (
        "Twitch-Eventsub-Message-Signature",
        "sha256=6fc372dc61b863db78cc7cda6b65edd85e0a46c0252c405cc5cb1810daf13871",
    );
    let body =
        r#"{"challenge":"pogchamp-kappa-360noscope-vohiyo","subscription":{"type":"channel.follow","version":"2"}}"#;
    let response = signed(&listener, "/twitch", &headers, signature, body);
    assert_eq!(parts(&response), (200, Some("text/plain"), "pogchamp-kappa-360noscope-vohiyo"));

    let time = [("X-Signature-Timestamp", "1767225600")];
    let signature = "2dfb9dc8242e8f6591e669954ef42ec97e384674ebbc81dcf53af02883ce5ec60efd10f784d1b9ac666d89b09b9e57f110d74091ff535e8df04723e8f3c12c05";
    let body = r#"{"version":1,"application_id":"1234560123453231555","type":0}"#;
    let response = signed(&listener, "/discord", &time, ("X-Signature-Ed25519", signature), body);
    assert_eq!(parts(&response), (204, Some("application/json"), ""));
    let signature = "37736a5134c576c347a744f057225e899ef29d22e9bb546d28e5354acbf4b32456c8c7f541e5d81555018711cee4d4fa76f1656e39a8805f721479f69312dd06";
    let body = r#"{"application_id":"845027738276462632","id":"787053080478613555","token":"t","type":1,"version":1}"#;
    let response = signed(&listener, "/discord", &time, ("X-Signature-Ed25519", signature), body);
    assert_eq!(parts(&response), (200, Some("application/json"), r#"{"type":1}"#));

    // Token and signature are those of Notion's documentation; the token is the key of the request that brings it.
    let body = r#"{"verification_token":"secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"}"#;
    let signature = ("X-Notion-Signature", "sha256=461e8cbcba8a75c3edd866f0e71280f5a85cbf21eff040ebd10fe266df38a735");
    let response = signed(&listener, "/notion", &[], signature, body);
    assert_eq!((response.status(), response.text()), (200, ""));
}

#[test]
fn a_handshake_that_brings_its_key_may_come_without_a_signature() {
    // Notion's documentation shows a signature, and programs that have seen the request say that it has none.
    let dir = Dir::new();
    let mut listener = listener(&dir);
    let body = r#"{"verification_token":"secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"}"#;
    let json = ("content-type", "application/json");
    let response = post(&listener.url("/notion"), &[json], body);
    assert_eq!((response.status(), response.text()), (200, ""));
    let delivery = listener.next();
    assert_eq!((text(&delivery, "/verdict"), &delivery["handshake"]), ("unsigned", &json!(true)));
    let wrong = ("X-Notion-Signature", "sha256=00");
    assert_eq!(post(&listener.url("/notion"), &[json, wrong], body).status(), 401);

    // An event is none, whatever else it has.
    let event = r#"{"verification_token":"secret_x","type":"page.created","id":"1"}"#;
    assert_eq!(post(&listener.url("/notion"), &[json], event).status(), 401);
    let contract = dir.hookdev().args(["events", "notion", "--contract"]).exits(0);
    contract.prints("handshakes: notion.verification (POST, signed or unsigned): ");
}

#[test]
fn an_unsigned_handshake_gets_what_its_provider_documents() {
    let dir = Dir::new();
    let listener = listener(&dir);
    let subscribe = "/whatsapp?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=meatyhamhock";
    assert_eq!(parts(&get(&listener.url(subscribe))), (200, Some("text/plain"), "1158201444"));
    let response = get(&listener.url("/dropbox?challenge=a%2Bb%26c+d"));
    assert_eq!(parts(&response), (200, Some("text/plain"), "a+b&c d"));
    assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
    let url = listener.url("/graph?validationToken=Validation%3A+Testing+client+application+reachability");
    let response = post(&url, &[("content-type", "text/plain; charset=utf-8")], "");
    let expected = (200, Some("text/plain"), "Validation: Testing client application reachability");
    assert_eq!(parts(&response), expected);
}

#[test]
fn a_request_that_lacks_what_the_response_repeats_is_no_handshake() {
    let dir = Dir::new();
    let mut listener = listener(&dir);
    assert_eq!(parts(&get(&listener.url("/whatsapp?hub.mode=subscribe&hub.verify_token=t"))), REJECTED);
    let lacks = |delivery: &serde_json::Value, what: &str| {
        assert_eq!((text(delivery, "/verdict"), &delivery["handshake"]), ("rejected", &json!(false)));
        assert_eq!(delivery["warnings"], json!([what]));
    };
    lacks(&listener.next(), "not the handshake `whatsapp.subscribe`: the query parameter `hub.challenge` is missing");
    assert_eq!(parts(&get(&listener.url("/whatsapp?hub.mode=unsubscribe"))), REJECTED);
    lacks(
        &listener.next(),
        "not the handshake `whatsapp.subscribe`: the query parameter `hub.mode` isn't `subscribe`, the query parameter `hub.challenge` is missing",
    );
    assert_eq!(parts(&get(&listener.url("/dropbox"))), REJECTED);
    lacks(&listener.next(), "not the handshake `dropbox.verification`: the query parameter `challenge` is missing");

    let signature = "v0=452e3f4a4933abead8fa79c67b4d7358d6f7422e3fd71942697472fe0cf42ceb";
    let headers = [("X-Zm-Signature", signature), ("X-Zm-Request-Timestamp", "1767225600")];
    let (response, delivery) = listener.receives("/zoom", &headers, VALIDATION.replace("plainToken", "token"));
    assert_eq!((response.status(), response.text(), text(&delivery, "/verdict")), (200, "", "verified"));
    assert_eq!(delivery["handshake"], json!(false));
    let warning = "`zoom.endpoint.url_validation` is not one of the Zoom events that hookdev knows";
    assert!(delivery["warnings"].to_string().contains(warning), "{delivery}");
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
    let mut listener = dir.listen().args(["--providers", "providers", "--secret-to", "saved"]).starts();
    let (response, delivery) = listener.receives("/meta", &[], "{\"kind\":\"thing\",\"id\":7}");
    assert_eq!((response.status(), &delivery["handshake"]), (401, &json!(false)));
    assert_eq!(fs::metadata(dir.join("saved")).unwrap_err().kind(), ErrorKind::NotFound);
    let _ = post(&listener.url("/zoom"), &[], VALIDATION);
    assert_eq!(text(&listener.next(), "/verdict"), "rejected");
}

#[test]
fn a_response_without_a_body_may_need_a_content_type() {
    let listener = Dir::new().listen().starts();
    let dir = Dir::new();
    dir.send("discord.ping", listener.url("/discord")).exits(0).prints("the handler completed the handshake");
    // A 204 of most frameworks has no content type, which Discord rejects.
    let endpoint = Endpoint::new([respond(204), respond(204).header("content-type", "text/html; charset=utf-8")]);
    let send = || dir.send("discord.ping", endpoint.url("/"));
    send().exits(1).prints("the response lacks the `content-type` header that the handshake wants");
    send().exits(0).prints("the handler completed the handshake");
    let contract = dir.hookdev().args(["events", "discord", "--contract"]);
    contract.exits(0).prints("204 with a content-type, such as application/json");
}
