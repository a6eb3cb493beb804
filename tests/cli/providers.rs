//! Custom providers: directories of data with `--providers`.

mod broken;
mod claims;
mod dock;
mod documented;
mod lists;
mod new;
mod schema;
mod schemes;
mod together;

use serde_json::json;

use crate::harness::Dir;

/// A manifest with this `[secret]` and these `[[scheme]]`s.
pub fn manifest(secret: &str, schemes: &str) -> String {
    format!(
        r#"name = "acme"
title = "Acme"
about = "A test"

[secret]
{secret}

{schemes}

[delivery]
success = ["2xx"]

[[event]]
name = "made"
about = "Something was made"
match = {{ type = "made" }}
"#
    )
}

/// The `[secret]` of Acme.
pub const SECRET: &str = "development = \"acme-secret\"";

/// A scheme that sends the secret itself, in a header with a list of versions.
pub const TOKEN: &str = r#"[[scheme]]
name = "token"
algorithm = "token"
content = "{body}"
signature = { header = "X-Acme-Token", value = "v1={token}", separator = "," }"#;

/// Writes a directory `acme` with this manifest.
pub fn write(dir: &Dir, manifest: &str) {
    dir.write("acme/provider.toml", manifest);
    dir.write("acme/events/made.json", r#"{ "type": "made", "id": "evt_0" }"#);
}

#[test]
fn the_known_providers_are_listed_with_what_signs_them_and_where_they_come_from() {
    let dir = Dir::new();
    write(&dir, &manifest(SECRET, TOKEN));
    let lines = dir.hookdev().args(["--providers", "acme", "providers", "--json"]).exits(0).lines();
    let line = |name: &str| lines.iter().find(|line| line["name"] == name).unwrap();
    assert_eq!(
        *line("cyanite"),
        json!({"kind": "provider", "name": "cyanite", "title": "Cyanite", "signs": "HMAC-SHA512 of {body} in signature",
               "secret_env": "CYANITE_WEBHOOK_SECRET", "events": 9, "source": "built-in"})
    );
    assert_eq!(
        *line("acme"),
        json!({"kind": "provider", "name": "acme", "title": "Acme", "signs": "a static token in x-acme-token",
               "secret_env": null, "events": 1, "source": "acme"})
    );
    assert_eq!(line("auphonic")["signs"], json!(null));
    let table = dir.hookdev().args(["providers", "list"]).exits(0);
    let row = table.text().lines().find(|line| line.starts_with("auphonic ")).unwrap();
    assert_eq!(
        row.split_whitespace().collect::<Vec<_>>(),
        ["auphonic", "Auphonic", "2", "events", "-", "built-in", "unsigned"]
    );
    let names = dir.hookdev().args(["--providers", "acme", "providers", "-q"]).exits(0).text().to_owned();
    let names: Vec<&str> = names.lines().collect();
    assert!(names.is_sorted() && names.contains(&"acme") && names.contains(&"zoom"), "{names:?}");
}

#[test]
fn a_fixture_may_have_another_ending_than_json() {
    let dir = Dir::new();
    for (ending, payload) in [("form", "type=made"), ("xml", "<type>made</type>"), ("txt", "made")] {
        let event = format!("method = \"POST\" }}\nraw = true\nfixture = \"events/made.{ending}\"");
        write(&dir, &manifest(SECRET, TOKEN).replace("type = \"made\" }", &event));
        dir.write(&format!("acme/events/made.{ending}"), payload);
        let events = dir.hookdev().args(["--providers", "acme", "events", "acme", "--show"]).exits(0);
        assert!(events.text().ends_with(&format!("\n    {payload}\n")), "{events}");
    }
}

#[test]
fn a_fixture_that_is_not_text_is_sent_byte_for_byte() {
    let dir = Dir::new();
    for ending in ["bin", "txt"] {
        let event = format!(
            "method = \"POST\" }}\nraw = true\nfixture = \"events/made.{ending}\"\nheaders = {{ content-type = \"image/x-raw\" }}"
        );
        let scheme = SIGNED_BODY;
        write(&dir, &manifest(SECRET, scheme).replace("type = \"made\" }", &event));
        dir.write(&format!("acme/events/made.{ending}"), [0, 0xff, 0xfe]);
        dir.hookdev().args(["providers", "check", "acme"]).exits(0);
        let sent = dir.hookdev().args(["--providers", "acme", "send", "acme.made", "--print", "json"]).exits(0).line();
        assert_eq!(sent["body_base64"], json!("AP/+"), "{sent}");
        let headers = sent["headers"].as_array().unwrap();
        assert!(headers.contains(&json!(["content-type", "image/x-raw"])), "{sent}");
        // Python: hmac.new(b"acme-secret", b"\x00\xff\xfe", "sha256")
        assert!(headers.contains(&json!(["x-signature", RAW_SIGNATURE])), "{sent}");
    }
    write(
        &dir,
        &manifest(SECRET, SIGNED_BODY).replace("type = \"made\" }", "type = \"made\" }\nfixture = \"events/made.bin\""),
    );
    let problem = "acme/provider.toml:21:11: the fixture `events/made.bin` is not UTF-8 text; `raw = true` sends it byte for byte";
    let events = dir.hookdev().args(["--providers", "acme", "events", "acme"]).exits(2);
    events.says(&format!("error: {problem}"));
}

const SIGNED_BODY: &str = "[[scheme]]\nname = \"v1\"\nalgorithm = \"hmac-sha256\"\ncontent = \"{body}\"\n\
                           signature = { header = \"x-signature\", value = \"{hex}\" }";

const RAW_SIGNATURE: &str = "51eab0334e119cebeac74923c26a88283c35ad7a28d93263ae96ba060698b4ad";

#[test]
fn a_scheme_that_does_not_sign_the_body_is_noted_whenever_its_provider_is_used_or_checked() {
    let dir = Dir::new();
    let scheme = "[[scheme]]\nname = \"v1\"\nalgorithm = \"hmac-sha256\"\ncontent = \"{timestamp}\"\n\
                  signature = { header = \"X-Signature\", value = \"{hex}\" }\ntimestamp = { header = \"X-Time\", tolerance = \"5m\" }";
    write(&dir, &manifest(SECRET, scheme));
    let note = "the scheme `v1` of Acme doesn't sign the body, so a changed body still verifies; add `{body}` to its content, or \
                `signs_body = false` if that is what the provider does";
    dir.hookdev().args(["--providers", "acme", "events", "acme"]).exits(0).says(&format!("note: acme: {note}"));
    dir.hookdev()
        .args(["providers", "check", "acme"])
        .exits(0)
        .says(&format!("note: acme/provider.toml:11:11: {note}"));
    write(&dir, &manifest(SECRET, &format!("{scheme}\nsigns_body = false")));
    dir.hookdev().args(["providers", "check", "acme"]).exits(0).stderr("");
}

#[test]
fn a_payload_without_the_fields_that_are_signed_is_noted() {
    let dir = Dir::new();
    let scheme = "[[scheme]]\nname = \"v1\"\nalgorithm = \"hmac-sha256\"\ncontent = \"{body:token}\"\n\
                  signs_body = false\nsignature = { header = \"X-Signature\", value = \"{hex}\" }";
    write(&dir, &manifest(SECRET, scheme));
    dir.hookdev().args(["providers", "check", "acme"]).exits(0).says(
        "note: acme/provider.toml:18:1: the payload of acme.made lacks what is signed (the field `token` of the body), so deliveries made from it \
         don't verify; add it to the event's file",
    );
    dir.write("acme/events/made.json", r#"{ "type": "made", "token": "t" }"#);
    dir.hookdev().args(["providers", "check", "acme"]).exits(0).stderr("");
}

#[test]
fn a_header_that_is_signed_but_not_sent_is_noted() {
    let dir = Dir::new();
    let scheme = SIGNED_BODY.replace("{body}", "{header:x-made}{body}");
    write(&dir, &manifest(SECRET, &scheme));
    dir.hookdev().args(["providers", "check", "acme"]).exits(0).says(
        "note: acme/provider.toml:11:11: the scheme `v1` signs the header `x-made`, but acme.made is sent without it; add \
         it to the `headers` of [delivery] or of the event",
    );
    write(&dir, &manifest(SECRET, &scheme).replace("[[event]]", "headers = { x-made = \"{now}\" }\n\n[[event]]"));
    dir.hookdev().args(["providers", "check", "acme"]).exits(0).stderr("");
}

#[test]
fn a_list_of_events_that_no_payload_has_is_noted() {
    let dir = Dir::new();
    let listing = |list: &str| {
        manifest(SECRET, SIGNED_BODY).replace("[delivery]", &format!("[recognise]\nlist = {list}\n\n[delivery]"))
    };
    write(&dir, &listing("[\"body:ids\", \"body:ids.0.all\"]"));
    dir.hookdev().args(["providers", "check", "acme"]).exits(0).stderr(
        "note: acme/provider.toml:15:8: no payload of Acme has this list of events: there is no `ids` in the payload; the \
         nearest is `id`\n\
         note: acme/provider.toml:15:8: no payload of Acme has this list of events: there is no `ids.0.all` in the payload; \
         the nearest is `id`\n",
    );
    write(&dir, &listing("\"body:id\""));
    dir.hookdev().args(["providers", "check", "acme"]).exits(0).stderr("");
}

#[test]
fn a_check_points_at_what_is_wrong_in_each_directory() {
    let dir = Dir::new();
    write(&dir, &manifest(SECRET, TOKEN));
    dir.hookdev().args(["providers", "check", "acme"]).exits(0).stdout("passed  acme  acme, 1 event\n");
    dir.hookdev().args(["providers", "check", "acme", "-q"]).exits(0).stdout("");
    dir.write("all/broken/provider.toml", manifest(SECRET, TOKEN).replace("title", "titel"));
    dir.write("all/wrong/provider.toml", manifest(SECRET, TOKEN));
    dir.write("all/wrong/events/made.json", r#"{ "type": "lost" }"#);
    let checked = dir.hookdev().args(["providers", "check", "all", "acme"]).exits(1);
    let start = "failed  all/broken\n  provider.toml:2:1: unknown key `titel`; did you mean `title`?";
    assert!(checked.text().starts_with(start), "{checked}");
    checked.prints(concat!(
        "\nfailed  all/wrong\n",
        "  events/made.json:1:11: acme.made: it isn't recognised as this event, because `type` is `lost`, not `made`; \
         correct it here, or the event's `match`\n",
        "passed  acme  acme, 1 event\n",
    ));
    let lines = dir.hookdev().args(["providers", "check", "all", "--json"]).exits(1).lines();
    assert_eq!(lines[0]["problems"][0]["line"], 2);
    assert_eq!(
        lines[1],
        json!({"kind": "checked-provider", "directory": "all/wrong", "provider": null, "events": null,
               "problems": [{"file": "events/made.json", "line": 1, "column": 11,
                             "message": "acme.made: it isn't recognised as this event, because `type` is `lost`, not `made`; \
                                         correct it here, or the event's `match`"}]})
    );
    dir.hookdev().args(["providers", "check", "missing"]).exits(2).says("can't read the provider directory missing");
}
