//! `providers new`: a template, and directories learned from captured requests. The captures are in `tests/learn`,
//! signed by Python's `hmac` and its package `cryptography`.

use std::{fs, path::Path};

use crate::harness::{Dir, Finished, text};

/// The secrets of `tests/learn/make.py`.
const BOREALIS: &str = "bor_c3VwZXItc2VjcmV0LWJvcmVhbGlzLWtleQ==";
const CARTWHEEL: &str = "wheel-of-carts-7781";

/// A directory with a copy of the captures of a scheme in `captures`.
fn with_captures(scheme: &str) -> Dir {
    let dir = Dir::new();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/learn").join(scheme);
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        dir.write(&format!("captures/{}", entry.file_name().to_str().unwrap()), fs::read(entry.path()).unwrap());
    }
    dir
}

pub(super) fn learn(dir: &Dir, name: &str, secret: &str) -> Finished {
    learn_with_exit(dir, name, secret, 0)
}

fn learn_with_exit(dir: &Dir, name: &str, secret: &str, code: i32) -> Finished {
    dir.hookdev().args(["providers", "new", name, "--from", "captures", "--secret", secret]).exits(code)
}

/// All files of a written directory, in one text.
pub(super) fn written(dir: &Dir, name: &str) -> String {
    let files = walkdir::WalkDir::new(dir.join(name)).into_iter().map(Result::unwrap);
    files.filter(|entry| entry.file_type().is_file()).map(|entry| fs::read_to_string(entry.path()).unwrap()).collect()
}

/// Checks that the written directory passes its check, and that all captures verify with it.
pub(super) fn accepts_all(dir: &Dir, name: &str, secret: &str) {
    dir.hookdev().args(["providers", "check", name]).exits(0);
    let verify = ["--providers", name, "verify", "captures", "--provider", name, "--secret", secret, "--json"];
    let lines = dir.hookdev().args(verify).args(["--require", "signature,schema"]).exits(0).lines();
    assert_eq!(lines.len(), 6);
    for line in lines {
        assert_eq!((&line["verdict"], &line["payload"]["status"]), (&"verified".into(), &"valid".into()), "{line}");
    }
}

#[test]
fn a_list_with_the_time_and_an_id_is_learned_from_six_captures() {
    let dir = with_captures("borealis");
    learn(&dir, "borealis", BOREALIS)
        .prints(
            "proven  all 6 captures are signed with HMAC-SHA512 of `{id}:{timestamp}:{body}` in x-borealis-signature",
        )
        .prints("tells the events apart: artist.updated, track.mastered, track.rejected")
        .prints("proven  the written manifest verifies all 6 captures");
    let manifest = dir.read("borealis/provider.toml");
    for line in [
        "encoding    = \"base64\"",
        "prefix      = \"bor_\"",
        "algorithm = \"hmac-sha512\"",
        "signature = { header = \"x-borealis-signature\", value = \"ts={timestamp};sig={base64}\", separator = \";\" }",
        "id        = { header = \"x-borealis-delivery\" }",
        "timestamp = { unit = \"s\", tolerance = \"5m\" }",
        "event   = \"header:x-borealis-topic\"",
        "id      = \"{uuid}\"",
        "user_agent = \"Borealis/2.4\"",
        "\"id\" = \"{id}\"",
        // In each capture, it is some seconds before the signed time.
        "\"created_at\" = \"{now_ms}\"",
    ] {
        assert!(manifest.lines().any(|other| other == line), "{line}\n{manifest}");
    }
    accepts_all(&dir, "borealis", BOREALIS);
}

#[test]
fn a_hash_of_the_body_and_events_of_two_fields_are_learned_from_six_captures() {
    let dir = with_captures("cartwheel");
    learn(&dir, "cartwheel", CARTWHEEL)
        .prints("HMAC-SHA1 of `v2|{timestamp}|{sha256:body}` in cw-digest")
        .prints("order.placed, order.shipped, refund.issued");
    let manifest = dir.read("cartwheel/provider.toml");
    for line in [
        "signature = { header = \"cw-digest\", value = \"v2={hex}\" }",
        "timestamp = { header = \"cw-sent-at\", unit = \"ms\", tolerance = \"5m\" }",
        "match  = { \"kind\" = \"order\", \"action\" = \"shipped\" }",
        "\"sent\" = \"{unix_ms}\"",
    ] {
        assert!(manifest.lines().any(|other| other == line), "{line}\n{manifest}");
    }
    accepts_all(&dir, "cartwheel", CARTWHEEL);
}

#[test]
fn no_personal_value_of_a_capture_is_written() {
    let dir = with_captures("borealis");
    learn(&dir, "borealis", BOREALIS);
    let text = written(&dir, "borealis");
    for personal in [
        "Ada",
        "Lovelace",
        "ada.",
        "lovelace",
        "analytical",
        "Grace",
        "Hopper",
        "grace",
        "hopper",
        "navy",
        "7946",
        "0958",
        "GBAYE",
        "Notes on",
        "187.25",
        "token",
        "5up3r",
        "203.0.113",
        "engine",
        "5d1c0f5e",
        "17829000",
        "2026-07",
        "clipping",
        "hooks.example.net",
        BOREALIS,
        "c3VwZXIt",
        "super-secret",
    ] {
        assert!(!text.contains(personal), "{personal} is in\n{text}");
    }
    let dir = with_captures("cartwheel");
    learn(&dir, "cartwheel", CARTWHEEL);
    let text = written(&dir, "cartwheel");
    for personal in [
        "Ann",
        "ztürk",
        "Muster",
        "90210",
        "95014",
        "4242424",
        "40000566",
        "Bob",
        "Infinite",
        "10017",
        "10018",
        "49.90",
        "1Z999",
        "ann@",
        "oeztuerk",
        "bob.ng",
        "mail.example",
        "17829000",
        "shop.example",
        CARTWHEEL,
    ] {
        assert!(!text.contains(personal), "{personal} is in\n{text}");
    }
    assert!(text.contains("\"currency\": \"EUR\"") && text.contains("\"surname\""), "{text}");
}

#[test]
fn with_a_wrong_secret_nothing_is_written() {
    let dir = with_captures("cartwheel");
    learn_with_exit(&dir, "cartwheel", "another-secret", 1)
        .prints("seen  `cw-digest` has 20 bytes as `v2={hex}`, as HMAC-SHA1 makes\n")
        .prints("open  how does it sign? No known scheme produces these signatures with this secret; is it the right one?\n")
        .says("error: no scheme is proven with this secret, so nothing was written\nhint: try again with the right secret");
    // So that the next try is not refused.
    learn(&dir, "cartwheel", CARTWHEEL).prints("wrote  cartwheel\n");
}

#[test]
fn without_a_secret_the_scheme_is_a_question() {
    let dir = with_captures("cartwheel");
    let new = ["providers", "new", "cartwheel", "--from", "captures", "--out", "without/it"];
    dir.hookdev()
        .args(new)
        .exits(0)
        .prints("open  how does it sign? Learn again with its secret to find out")
        .prints("  hookdev providers new cartwheel --from captures --secret SOURCE --out without/it-signed\n");
    let manifest = dir.read("without/it/provider.toml");
    assert!(manifest.contains("# `cw-digest` has 20 bytes as `v2={hex}`, as HMAC-SHA1 makes\n"), "{manifest}");
    assert!(manifest.contains("\n# [[scheme]]\n") && !manifest.contains("\n[[scheme]]"), "{manifest}");
    dir.hookdev().args(["providers", "check", "without"]).exits(0);
}

#[test]
fn captures_that_are_not_signed_like_the_others_are_named_and_left_out() {
    let dir = with_captures("borealis");
    let lines = dir.read("captures/captures.ndjson");
    let lines: Vec<&str> = lines.lines().collect();
    let hub = r#"{"request":{"method":"POST","target":"/in","headers":[["X-GitHub-Event","push"],["X-Hub-Signature-256","sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"]],"body":"{\"ref\":\"x\"}"}}"#;
    dir.write("captures/z/forged.json", lines[0].replace("Ada", "Eve"));
    dir.write("captures/z/other.json", hub);
    let mut empty: serde_json::Value = serde_json::from_str(lines[1]).unwrap();
    empty["request"]["body"] = "".into();
    let reserialised = lines[2].replace(r#"\":\""#, r#"\": \""#);
    dir.write("captures/z/two.ndjson", format!("{empty}\n{reserialised}\n"));
    learn_with_exit(&dir, "borealis", BOREALIS, 1)
        .prints("proven  6 of 10 captures are signed with HMAC-SHA512 of `{id}:{timestamp}:{body}` in x-borealis-signature\n")
        .prints("tells the events apart: artist.updated, track.mastered, track.rejected\n")
        .prints("left out  captures/z/forged.json: the signature doesn't match this body with the configured secret: most likely a different secret or a changed body\n")
        .prints("left out  captures/z/other.json: missing header `x-borealis-signature`: it looks like a delivery from GitHub\n")
        .prints("left out  captures/z/two.ndjson: the signature doesn't match this body with the configured secret: the body is empty\n")
        .prints("left out  captures/z/two.ndjson:2: the signature doesn't match this body with the configured secret: the signature covers the same JSON without whitespace")
        .says("warning: 4 captures are not signed like the others");
    dir.hookdev().args(["providers", "check", "borealis"]).exits(0);
    assert!(!written(&dir, "borealis").contains("push"));
    let args = ["providers", "new", "borealis", "--from", "captures", "--secret", BOREALIS, "--out", "again", "--json"];
    let line = dir.hookdev().args(args).exits(1).line();
    assert_eq!((&line["captures"], &line["disagreeing"][0]["capture"]), (&6.into(), &"captures/z/forged.json".into()));
}

#[test]
fn captures_of_another_secret_are_named() {
    // HMAC-SHA1 with the key `old-wheel`, by Python's hmac: hmac.new(b"old-wheel", b"v2|1782900082123|" + sha256(body),
    // sha1).
    let dir = with_captures("cartwheel");
    let retry = r#"{"request":{"method":"POST","target":"/in","headers":[["cw-sent-at","1782900082123"],["cw-digest","v2=2c929a93c0999952d8d7c1cbb401316dc4ec2480"]],"body":"{}"}}"#;
    dir.write("captures/a-retry.json", retry);
    learn_with_exit(&dir, "cartwheel", CARTWHEEL, 1)
        .prints("proven  6 of 7 captures are signed with HMAC-SHA1 of `v2|{timestamp}|{sha256:body}` in cw-digest\n")
        .prints("left out  captures/a-retry.json: the signature doesn't match");
}

#[test]
fn a_few_captures_require_only_what_distinguishes_their_events() {
    let dir = with_captures("cartwheel");
    learn(&dir, "cartwheel", CARTWHEEL);
    let schema: serde_json::Value = serde_json::from_str(&dir.read("cartwheel/schema.json")).unwrap();
    let order = &schema["$defs"]["order.shipped"];
    assert_eq!(order["required"], serde_json::json!(["action", "kind"]));
    assert_eq!(order["properties"]["number"], serde_json::json!({"type": "number"}));
    assert_eq!(order["properties"]["customer"].get("required"), None);
    assert!(schema["$comment"].as_str().unwrap().contains("add others to `required`"));
}

#[test]
fn a_provider_that_indents_its_json_is_learned_as_such() {
    let dir = with_captures("cartwheel");
    learn(&dir, "cartwheel", CARTWHEEL).prints("proven  the JSON of every capture is indented\n");
    let manifest = dir.read("cartwheel/provider.toml");
    assert!(manifest.contains("\nindented = true\n"), "{manifest}");
    let send = ["--providers", "cartwheel", "send", "cartwheel.order.placed", "--print", "json"];
    let request = dir.hookdev().args(send).exits(0).line();
    assert!(text(&request, "/body").starts_with("{\n  \"kind\": \"order\",\n"), "{request}");

    let dir = with_captures("borealis");
    learn(&dir, "borealis", BOREALIS);
    let manifest = dir.read("borealis/provider.toml");
    assert!(!manifest.contains("indented"), "{manifest}");
}

#[test]
fn a_template_passes_its_check_and_can_be_sent() {
    let dir = Dir::new();
    dir.hookdev().args(["providers", "new", "my-shop"]).exits(0).stdout(
        "wrote  my-shop\n  provider.toml\n  schema.json\n  events/order.placed.json\nnext\n  \
         hookdev providers check my-shop\n  hookdev --providers my-shop events my-shop\n  \
         hookdev --providers my-shop send 'my-shop.*'\n",
    );
    dir.hookdev().args(["providers", "check", "my-shop"]).exits(0).stdout("passed  my-shop  my-shop, 1 event\n");
    let send = ["--providers", "my-shop", "send", "my-shop.order.placed", "--print", "curl"];
    dir.hookdev().args(send).exits(0).prints("x-my-shop-signature");
    assert!(dir.read("my-shop/provider.toml").contains("env         = \"MY_SHOP_WEBHOOK_SECRET\"\n"));
}

#[test]
fn a_directory_that_exists_is_refused_and_kept() {
    let dir = Dir::new();
    dir.write("acme/mine.txt", "mine");
    dir.hookdev()
        .args(["providers", "new", "acme"])
        .exits(2)
        .stderr("error: acme already exists\nhint: choose another directory with --out DIR\n");
    assert_eq!(dir.names("acme"), ["mine.txt"]);
    dir.hookdev()
        .args(["providers", "new", "Acme!", "--out", "other"])
        .exits(2)
        .says("error: invalid provider name `Acme!`");
    dir.hookdev()
        .args(["providers", "new", "acme", "--from", "acme", "--out", "other"])
        .exits(3)
        .says("no captured request");
    assert!(!dir.join("other").exists());
}

#[test]
fn the_result_is_one_object_as_json() {
    let dir = with_captures("borealis");
    let args =
        ["providers", "new", "borealis", "--from", "captures", "--secret", BOREALIS, "--out", "out dir", "--json"];
    let line = dir.hookdev().args(args).exits(0).line();
    assert_eq!(
        (&line["kind"], &line["provider"], &line["captures"]),
        (&"new-provider".into(), &"borealis".into(), &6.into())
    );
    assert_eq!(line["directory"], "out dir");
    assert_eq!(line["files"][0], "provider.toml");
    assert_eq!(line["proven"].as_array().unwrap().len(), 3);
    assert_eq!(line["next"][0], "hookdev providers check 'out dir'");
    assert_eq!(line["next"][1], "hookdev --providers 'out dir' verify captures --provider borealis --secret SOURCE");
    assert!(!line.to_string().contains(BOREALIS));
}

#[test]
fn a_signature_over_a_url_that_the_captures_do_not_hold_is_learned_with_the_url() {
    // Signed with Python's hmac: HMAC-SHA1 of the body and the URL, in base64. A tunnel replaced the host and the path.
    let dir = with_captures("trellis");
    let new = ["providers", "new", "trellis", "--from", "captures", "--secret", "trellis-callback-secret"];
    dir.hookdev().args(new).exits(1).says("error: no scheme is proven with this secret, so nothing was written\n");
    let url = "https://hooks.example.com/boards?board=7";
    let learned = dir.hookdev().args(new).args(["--url", url]).exits(0);
    learned.prints("proven  all 3 captures are signed with HMAC-SHA1 of `{body}{url}` in x-trellis-webhook");
    assert!(dir.read("trellis/provider.toml").contains("content   = \"{body}{url}\""));
    let verify = ["--providers", "trellis", "verify", "captures", "--provider", "trellis", "--url", url];
    dir.hookdev().args(verify).args(["--secret", "trellis-callback-secret"]).exits(0);
    let invalid = dir.hookdev().args(new).args(["--out", "bad", "--url", "hooks.example.com/in"]).exits(2);
    invalid.says("error: invalid URL `hooks.example.com/in`: use https://hooks.example.com/in\n");
}

#[test]
fn a_signed_url_that_the_captures_do_not_name_is_shown_and_given_to_verify() {
    // Signed with Python's hmac: HMAC-SHA256 of the URL and the body, in hexadecimal.
    let dir = Dir::new();
    let capture = |n: u8, path: &str, signature: &str| {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: hooks.example\r\ncontent-type: application/json\r\n\
             x-shop-signature: {signature}\r\ncontent-length: 28\r\n\r\n{{\"type\":\"order.paid\",\"n\":{n}0}}"
        );
        dir.write(&format!("{path}/{n}.http", path = path.trim_start_matches('/')), request);
    };
    capture(1, "/shop-a", "0740738942ffa296fab6a142571a8493746193a7485bb5ef90ebbdfaa17cc181");
    capture(2, "/shop-a", "53e64fc41807c40c7a39404cbfe897ed179bdbecda77817c00ef15a8670946ca");
    capture(3, "/shop-a", "8a8ccf5e166a5ba7bbab38de959259b4d5fca53e54d0283b180f17494e5102b8");
    capture(4, "/shop-b", "0e805b8a7df6eebaf12f646e7871d453c8847bdf64230c1b9d2bc5e70971910d");
    let new = ["providers", "new", "shop", "--secret", "shop-secret", "--from"];
    let learned = dir.hookdev().args(new).args(["shop-a", "--out", "pv"]).exits(0);
    let learned =
        learned.prints("proven  the signed URL is `https://hooks.example/shop-a`, which the captures don't name");
    learned.prints(
        "hookdev --providers pv verify shop-a --provider shop --secret SOURCE --url https://hooks.example/shop-a",
    );
    let verify = ["--providers", "pv", "verify", "shop-a", "--provider", "shop", "--secret", "shop-secret"];
    dir.hookdev().args(verify).exits(1).prints("\n  wrong-url: ");
    dir.hookdev().args(verify).args(["--url", "https://hooks.example/shop-a"]).exits(0);
    let several = dir.hookdev().args(new).args(["shop-a", "shop-b", "--out", "both"]).exits(0);
    let several = several
        .prints("proven  the signed URLs are such as `https://hooks.example/shop-a`, which the captures don't name");
    several.prints("hookdev --providers both verify FILE --provider shop --secret SOURCE --url URL");
}

#[test]
fn signatures_of_private_keys_are_recognised() {
    let dir = with_captures("asymmetric");
    dir.hookdev().args(["providers", "new", "keyed", "--from", "captures"]).exits(0);
    let manifest = dir.read("keyed/provider.toml");
    for seen in [
        "# `acme-verification` has a JWT that is signed with ES256: `algorithm = \"jwt-es256\"`; its header names a key (`kid`), so the provider publishes several, as a JWKS\n",
        "# `acme-signature` has 256 bytes as `{base64}`, as RSA-SHA256 with a key of 2048 bits makes\n",
    ] {
        assert!(manifest.contains(seen), "{manifest}");
    }
}

/// Learns from captures with a public key, and checks that what is then sent verifies with the development key.
fn learned_with_key(scheme: &str, key: &str) -> (Dir, String) {
    let dir = with_captures(scheme);
    let secret = format!("file:{}/tests/learn/keys/{key}.pem", env!("CARGO_MANIFEST_DIR"));
    learn(&dir, "keyed", &secret).prints("proven  the written manifest verifies all ");
    dir.hookdev().args(["providers", "check", "keyed"]).exits(0);
    let sent = dir.hookdev().args(["--providers", "keyed", "send", "keyed.*", "--print", "http"]).exits(0);
    dir.write("sent.http", sent.text());
    let verify = ["--providers", "keyed", "verify", "sent.http", "--provider", "keyed", "--at", "now"];
    dir.hookdev().args(verify).exits(0);
    let manifest = dir.read("keyed/provider.toml");
    (dir, manifest)
}

#[test]
fn a_scheme_with_a_public_key_is_learned() {
    let (_dir, manifest) = learned_with_key("lantern", "ed25519");
    for line in [
        "algorithm = \"ed25519\"",
        "content   = \"{timestamp}{body}\"",
        "signature = { header = \"x-lantern-signature\", value = \"{hex}\" }",
        // Another one in each of four captures; the time is a second before the signed one.
        "id      = \"evt_{digits:8}\"",
        "\"event_id\" = \"{id}\"",
        "\"at\" = \"{unix}\"",
    ] {
        assert!(manifest.lines().any(|other| other == line), "{line}\n{manifest}");
    }
    let (_dir, manifest) = learned_with_key("asymmetric", "rsa");
    assert!(manifest.contains("algorithm = \"rsa-sha256\"\ncontent   = \"{body}\""), "{manifest}");
}

#[test]
fn a_jwt_with_a_claim_that_hashes_the_body_is_learned() {
    let (_dir, manifest) = learned_with_key("asymmetric", "p256");
    assert!(manifest.contains("algorithm = \"jwt-es256\"\n"), "{manifest}");
    assert!(manifest.contains("claims    = { \"request_body_sha256\" = \"{sha256:body}\" }\n"), "{manifest}");
    let dir = with_captures("marina");
    learn(&dir, "marina", "APIdock7:marina-signing-secret").prints(
        "proven  all 4 captures are signed with JWT-HS256 in authorization, whose claim `sha256` is `{sha256-base64:body}` and `iss` is `{key}`\n",
    );
    let manifest = dir.read("marina/provider.toml");
    assert!(manifest.contains("signature = { header = \"authorization\", value = \"Bearer {jwt}\" }\n"), "{manifest}");
    assert!(manifest.contains("development = \"hookdev:hookdev-development-secret-marina\"\n"), "{manifest}");
}

#[test]
fn captures_of_several_providers_are_noted() {
    let dir = Dir::new();
    for event in ["stripe.invoice.paid", "github.push", "github.ping"] {
        let printed = dir.hookdev().args(["send", event, "--print", "http"]).exits(0);
        dir.write(&format!("captures/{event}.http"), printed.text());
    }
    let learn =
        |name: &str, from: &[&str]| dir.hookdev().args(["providers", "new", name, "--from"]).args(from).ends().1;
    let note =
        "note: these look like deliveries of several providers (GitHub, Stripe); learn from one provider at a time\n";
    learn("mixed", &["captures"]).says(note);
    let one = learn("one", &["captures/github.push.http", "captures/github.ping.http"]);
    assert!(!format!("{one}").contains("several providers"), "{one}");
}
