//! Which provider a delivery comes from, whether it is genuine, and the response.

use serde_json::{Value, json};

use crate::harness::{AUPHONIC, CYANITE, CYANITE_HEADERS, CYANITE_SIGNATURE, Dir, Listener, Signed, get, text};

const NOON: &str = "2025-01-01T12:00:00Z";

/// Starts a listener whose clock is set to noon.
fn listener(dir: &Dir) -> Listener {
    dir.listen().args(["--now", NOON]).starts()
}

/// Aspect's `task.failed`, signed at this time.
fn aspect(dir: &Dir, time: &str) -> Signed {
    Signed::new(dir, "aspect.task.failed", &["--now", time])
}

/// Checks that a request is rejected for this reason, and that the sender learns only that.
#[track_caller]
fn rejected(listener: &mut Listener, path: &str, headers: &[(&str, &str)], body: &[u8], code: &str, message: &str) {
    let (response, delivery) = listener.receives(path, headers, body);
    assert_eq!((response.status(), response.text()), (401, "rejected\n"));
    assert_eq!(text(&delivery, "/verdict"), "rejected");
    assert_eq!(delivery["rejection"], json!({"code": code, "message": message}));
    assert_eq!(delivery["response"]["status"], 401);
    assert_eq!(delivery["secret"], Value::Null);
}

/// Checks that a request is accepted with this verdict.
#[track_caller]
fn accepted(listener: &mut Listener, path: &str, headers: &[(&str, &str)], body: &[u8], verdict: &str) -> Value {
    let (response, delivery) = listener.receives(path, headers, body);
    assert_eq!((response.status(), response.text()), (200, ""), "{delivery}");
    assert_eq!((text(&delivery, "/verdict"), &delivery["rejection"]), (verdict, &Value::Null), "{delivery}");
    delivery
}

#[test]
fn a_genuine_delivery_is_verified_and_gets_200() {
    let delivery = accepted(&mut listener(&Dir::new()), "/cyanite", &CYANITE_HEADERS, CYANITE.as_bytes(), "verified");
    assert_eq!(text(&delivery, "/secret"), "development");
    assert_eq!((text(&delivery, "/provider"), text(&delivery, "/event")), ("cyanite", "cyanite.v2.finished"));
}

#[test]
fn a_changed_body_is_rejected() {
    let dir = Dir::new();
    let mut listener = listener(&dir);
    let message = "the signature doesn't match this body with the configured secret";
    for changed in [CYANITE.replace("999", "998"), CYANITE.replace(':', ": "), format!("{CYANITE}\n"), String::new()] {
        let body = changed.as_bytes();
        rejected(&mut listener, "/cyanite", &CYANITE_HEADERS, body, "no-matching-signature", message);
    }
    let mut signed = aspect(&dir, NOON);
    signed.body.push(b' ');
    rejected(&mut listener, "/aspect", &signed.headers(), &signed.body, "no-matching-signature", message);
}

#[test]
fn a_changed_id_or_timestamp_is_rejected() {
    let dir = Dir::new();
    let mut listener = listener(&dir);
    let message = "the signature doesn't match this body with the configured secret";
    for (name, value) in [("svix-id", "msg_other"), ("svix-timestamp", "1735732801")] {
        let signed = aspect(&dir, NOON).with(name, value);
        rejected(&mut listener, "/aspect", &signed.headers(), &signed.body, "no-matching-signature", message);
    }
}

#[test]
fn a_delivery_without_signature_headers_is_rejected() {
    let dir = Dir::new();
    let mut listener = listener(&dir);
    let body = CYANITE.as_bytes();
    rejected(&mut listener, "/cyanite", &CYANITE_HEADERS[..1], body, "missing-header", "missing header `signature`");
    for (name, message) in [
        ("svix-signature", "missing header `svix-signature` (or `webhook-signature`)"),
        ("svix-id", "missing header `svix-id` (or `webhook-id`)"),
        ("svix-timestamp", "missing header `svix-timestamp` (or `webhook-timestamp`)"),
    ] {
        let signed = aspect(&dir, NOON).without(name);
        rejected(&mut listener, "/aspect", &signed.headers(), &signed.body, "missing-header", message);
    }
}

#[test]
fn a_malformed_signature_is_rejected() {
    let dir = Dir::new();
    let mut listener = listener(&dir);
    for value in ["not hex", "", &CYANITE_SIGNATURE[1..]] {
        let message = "invalid `signature` header: the signature is not hexadecimal";
        rejected(&mut listener, "/cyanite", &[("signature", value)], CYANITE.as_bytes(), "malformed-header", message);
    }
    let signed = aspect(&dir, NOON).with("svix-timestamp", "noon");
    let message = "invalid `svix-timestamp` header: the timestamp is not a whole number";
    rejected(&mut listener, "/aspect", &signed.headers(), &signed.body, "malformed-header", message);
    let signed = aspect(&dir, NOON).with("svix-signature", "v1a,AAAA v2,AAAA");
    let message = "the `svix-signature` header has only unknown signature versions: v1a, v2";
    rejected(&mut listener, "/aspect", &signed.headers(), &signed.body, "unsupported-version", message);
}

#[test]
fn a_repeated_signature_header_is_rejected() {
    let headers = [("signature", CYANITE_SIGNATURE), ("Signature", CYANITE_SIGNATURE)];
    let message = "the `signature` header was sent 2 times; it must be sent once";
    let body = CYANITE.as_bytes();
    rejected(&mut listener(&Dir::new()), "/cyanite", &headers, body, "ambiguous-header", message);
}

#[test]
fn one_matching_signature_of_a_list_is_enough() {
    let dir = Dir::new();
    let mut listener = listener(&dir);
    let signed = aspect(&dir, NOON);
    let right = signed.headers().iter().find(|(name, _)| *name == "svix-signature").unwrap().1.to_owned();
    let wrong = format!("v1,{}=", "A".repeat(43));
    let signed = signed.with("svix-signature", &format!("v2,AAAA {wrong} {right} v1a,AAAA"));
    accepted(&mut listener, "/aspect", &signed.headers(), &signed.body, "verified");
    let message = "none of the 2 signatures matches this body with the configured secret";
    rejected(&mut listener, "/aspect", &signed.headers(), b"{}", "no-matching-signature", message);
}

#[test]
fn a_timestamp_is_accepted_for_five_minutes_in_both_directions() {
    let dir = Dir::new();
    let mut listener = listener(&dir);
    for time in ["2025-01-01T11:55:00Z", "2025-01-01T12:05:00Z"] {
        let signed = aspect(&dir, time);
        accepted(&mut listener, "/aspect", &signed.headers(), &signed.body, "verified");
    }
    let old = aspect(&dir, "2025-01-01T11:54:59Z");
    let message = "the signature matches, but is 5 min 1 s old; the tolerance is 5 min";
    rejected(&mut listener, "/aspect", &old.headers(), &old.body, "timestamp-too-old", message);
    let new = aspect(&dir, "2025-01-01T12:05:01Z");
    let message = "the signature matches, but its timestamp is 5 min 1 s in the future; the tolerance is 5 min";
    rejected(&mut listener, "/aspect", &new.headers(), &new.body, "timestamp-too-new", message);
}

#[test]
fn timestamps_are_checked_against_the_clock() {
    let dir = Dir::new();
    let mut listener = dir.listen().starts();
    let now = Signed::new(&dir, "aspect.task.failed", &[]);
    accepted(&mut listener, "/aspect", &now.headers(), &now.body, "verified");
    let old = aspect(&dir, NOON);
    let (_, delivery) = listener.receives("/aspect", &old.headers(), &old.body);
    assert_eq!(text(&delivery, "/rejection/code"), "timestamp-too-old");
}

#[test]
fn a_delivery_signed_with_another_secret_is_rejected() {
    let dir = Dir::new();
    let signed = Signed::new(&dir, "cyanite.v2.finished", &["--secret", "another"]);
    let mut development = listener(&dir);
    let message = "the signature doesn't match this body with the configured secret";
    rejected(&mut development, "/cyanite", &signed.headers(), &signed.body, "no-matching-signature", message);
    let mut rotating = dir.listen().args(["--secret", "cyanite=old", "--secret", "cyanite=new"]).starts();
    let message = "the signature doesn't match this body with any of the 2 configured secrets";
    rejected(&mut rotating, "/cyanite", &signed.headers(), &signed.body, "no-matching-signature", message);
}

#[test]
fn any_of_several_secrets_may_match() {
    let dir = Dir::new();
    let mut listener = dir.listen().args(["--secret", "cyanite=old", "--secret", "cyanite=new"]).starts();
    for secret in ["old", "new"] {
        let signed = Signed::new(&dir, "cyanite.v2.finished", &["--secret", secret]);
        let delivery = accepted(&mut listener, "/cyanite", &signed.headers(), &signed.body, "verified");
        assert_eq!(text(&delivery, "/secret"), "flag");
    }
}

#[test]
fn cyanites_test_event_is_unsigned_by_design_unless_it_has_a_signature() {
    let mut listener = listener(&Dir::new());
    for body in [r#"{"type":"TEST","data":null}"#, r#"{"type":"TEST","data":{}}"#] {
        let delivery = accepted(&mut listener, "/cyanite", &[], body.as_bytes(), "unsigned");
        assert_eq!((text(&delivery, "/event"), text(&delivery, "/payload/status")), ("cyanite.v1.test", "valid"));
        let (response, delivery) = listener.receives("/cyanite", &[("signature", CYANITE_SIGNATURE)], body);
        assert_eq!((response.status(), text(&delivery, "/rejection/code")), (401, "no-matching-signature"));
    }
}

#[test]
fn an_unrecognised_request_is_printed_and_gets_200() {
    let mut listener = listener(&Dir::new());
    for body in [&b"hello"[..], b"", b"{}", b"\xff\x00"] {
        let delivery = accepted(&mut listener, "/hooks", &[], body, "unrecognised");
        assert_eq!((&delivery["provider"], &delivery["event"]), (&Value::Null, &Value::Null));
        assert_eq!(text(&delivery, "/payload/status"), "unknown");
    }
    assert_eq!(get(&listener.url("/favicon.ico?x")).status(), 200);
    let delivery = listener.next();
    assert_eq!((text(&delivery, "/request/method"), text(&delivery, "/verdict")), ("GET", "unrecognised"));
    assert_eq!(text(&delivery, "/request/target"), "/favicon.ico?x");
}

#[test]
fn any_path_segment_names_the_provider() {
    let mut listener = listener(&Dir::new());
    for path in ["/webhooks/cyanite", "/api/v1/cyanite/", "/hooks/cyanite/aspect", "//cyanite?x=/aspect"] {
        let (_, delivery) = listener.receives(path, &[], "{}");
        assert_eq!(text(&delivery, "/provider"), "cyanite", "{path}");
    }
    let (_, delivery) = listener.receives("/webhooks/cyanit", &[], "{}");
    let warning = "not verified, because no provider is named `cyanit`; did you mean /cyanite?";
    assert_eq!(delivery["warnings"], serde_json::json!([warning]));
}

#[test]
fn the_first_path_segment_names_the_provider() {
    let mut listener = listener(&Dir::new());
    for path in ["/cyanite", "/cyanite/", "/cyanite/a/b?c", "/cyanite?aspect"] {
        let delivery = accepted(&mut listener, path, &CYANITE_HEADERS, CYANITE.as_bytes(), "verified");
        assert_eq!((text(&delivery, "/provider"), text(&delivery, "/request/target")), ("cyanite", path));
    }
    let (_, delivery) = listener.receives("/aspect", &CYANITE_HEADERS, CYANITE);
    assert_eq!((text(&delivery, "/provider"), text(&delivery, "/rejection/code")), ("aspect", "missing-header"));
}

#[test]
fn the_provider_flag_overrides_the_path() {
    let mut listener = Dir::new().listen().args(["--provider", "cyanite"]).starts();
    for path in ["/", "/aspect", "/hooks/aspect"] {
        let delivery = accepted(&mut listener, path, &CYANITE_HEADERS, CYANITE.as_bytes(), "verified");
        assert_eq!(text(&delivery, "/provider"), "cyanite");
    }
}

#[test]
fn other_paths_are_recognised_by_headers_and_body() {
    let dir = Dir::new();
    let mut listener = listener(&dir);
    for path in ["/", "/hooks", "/cyanit"] {
        let delivery = accepted(&mut listener, path, &CYANITE_HEADERS, CYANITE.as_bytes(), "verified");
        assert_eq!(text(&delivery, "/provider"), "cyanite");
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let delivery = accepted(&mut listener, path, &form, AUPHONIC.as_bytes(), "unsigned");
        assert_eq!(text(&delivery, "/event"), "auphonic.done");
        for event in ["aspect.task.progress", "jewelmusic.fraud.resolved"] {
            let signed = Signed::new(&dir, event, &["--now", NOON]);
            let delivery = accepted(&mut listener, path, &signed.headers(), &signed.body, "verified");
            assert_eq!(text(&delivery, "/event"), event);
        }
    }
}

#[test]
fn the_unbranded_header_names_of_aspect_work_too() {
    let dir = Dir::new();
    let mut listener = listener(&dir);
    let signed = aspect(&dir, NOON);
    let renamed: Vec<(String, &str)> =
        signed.headers().iter().map(|(name, value)| (name.replace("svix-", "webhook-"), *value)).collect();
    let renamed: Vec<(&str, &str)> = renamed.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let delivery = accepted(&mut listener, "/", &renamed, &signed.body, "verified");
    assert_eq!(text(&delivery, "/event"), "aspect.task.failed");
}

#[test]
fn an_undocumented_event_is_verified_and_gets_a_warning() {
    let dir = Dir::new();
    let mut listener = listener(&dir);
    let options = ["--set", "type=webhook.test", "--header", "X-JewelMusic-Event: webhook.test"];
    let signed = Signed::new(&dir, "jewelmusic.release.created", &options);
    let delivery = accepted(&mut listener, "/jewelmusic", &signed.headers(), &signed.body, "verified");
    assert_eq!(text(&delivery, "/event"), "jewelmusic.webhook.test");
    assert_eq!(text(&delivery, "/payload/status"), "unknown");
    let warning = "`jewelmusic.webhook.test` is not one of the JewelMusic events that hookdev knows";
    assert_eq!(delivery["warnings"], json!([warning]));
}

#[test]
fn an_invalid_payload_is_verified_and_its_errors_are_listed() {
    let dir = Dir::new();
    let mut listener = listener(&dir);
    let signed = Signed::new(&dir, "cyanite.v2.finished", &["--set", "resource.id:=999"]);
    let delivery = accepted(&mut listener, "/cyanite", &signed.headers(), &signed.body, "verified");
    assert_eq!(text(&delivery, "/payload/status"), "invalid");
    assert_eq!(delivery["payload"]["errors"].as_array().unwrap().len(), 1);
    assert_eq!(text(&delivery, "/payload/errors/0/pointer"), "/resource/id");
}

#[test]
fn an_unknown_provider_is_a_usage_error_with_a_suggestion() {
    let expected = "error: unknown provider `cyanit`; did you mean `cyanite`?\n";
    Dir::new().listen().args(["--provider", "cyanit"]).exits(2).stdout("").stderr(expected);
}
