//! `--print locust` and `--print k6`: what a script can't sign, and options without a meaning for one. That scripts
//! sign is tested in `tests/interop`.

use crate::harness::Dir;

#[track_caller]
fn refused(arguments: &[&str], message: &str) {
    let dir = Dir::new();
    let send = dir.hookdev().arg("send").args(arguments);
    send.exits(2).stdout("").says(&format!("error: {message}\n"));
}

#[test]
fn a_scheme_that_a_script_cannot_sign_is_an_error_that_says_so() {
    let unable = |event: &str, problem: &str| {
        for format in ["locust", "k6"] {
            refused(&[event, "--print", format], &format!("no script can send this: {problem}"));
        }
    };
    unable("discord.APPLICATION_AUTHORIZED", "Discord signs with Ed25519, which the script can't do");
    unable("livekit.room_started", "LiveKit signs with JWT-HS256, which the script can't do");
    unable("sendgrid.delivered", "SendGrid signs with ECDSA-P256-SHA256, which the script can't do");
    unable("mailgun.delivered", "Mailgun signs the field `signature.token` of the body, which the script can't read");
    unable("twilio.message.received", "Twilio signs the sorted fields of the form, which the script can't do");
    let handshake =
        "slack.url_verification is a handshake, which sets up an endpoint, so it has no place in a load test";
    unable("slack.url_verification", handshake);
}

#[test]
fn the_scheme_that_signs_this_body_is_the_one_that_a_script_cannot_sign() {
    let dir = Dir::new();
    dir.write("body.json", r#"{"a":1}"#);
    let json = ["--data", "body.json", "--header", "content-type: application/json"];
    for format in ["locust", "k6"] {
        let send = dir.hookdev().args(["send", "twilio.message.received", "--print", format]).args(json);
        send.exits(2).stdout("").says(
            "no script can send this: Twilio signs a hash of the body in the query parameter `bodySHA256`, which the script can't make\n",
        );
    }
}

#[test]
fn a_glob_leaves_handshakes_out_and_says_so() {
    let dir = Dir::new();
    let send = dir.hookdev().args(["send", "zoom.*", "--print", "k6"]);
    send.exits(0).stderr("note: left out handshakes: zoom.url_validation\n");
}

#[test]
fn options_that_a_script_cannot_honour_are_errors() {
    let event = "cyanite.v2.finished";
    let pinned = "--now doesn't apply to a script, which makes valid deliveries with new ids and times";
    refused(&[event, "--print", "locust", "--now", "1"], pinned);
    let endless = "Locust can't limit the number of requests, so --repeat doesn't apply";
    refused(&[event, "--print", "locust", "--repeat", "5"], endless);
    let at_a_rate = "k6 can't limit the number of requests at a fixed rate";
    refused(&[event, "--print", "k6", "--repeat", "5", "--rate", "5"], at_a_rate);
}

#[test]
fn nothing_in_a_manifest_becomes_code() {
    let dir = Dir::new();
    let manifest = |name: &str| {
        format!(
            "name = '{name}'\ntitle = 'x\"\"\"; import os #\\u0022 */ {{0}}'\nabout = 'A test'\n[secret]\ndevelopment = 'hookdev-development-secret-{name}'\n[[scheme]]\nname = 'v1'\n\
             algorithm = 'hmac-sha256'\ncontent = '{{body}}'\nsignature = {{ header = 'x-sig', value = '{{hex}}' }}\n\
             [delivery]\nsuccess = ['2xx']\n[[event]]\nname = 'made'\nabout = 'A thing'\nmatch = {{ type = 'made' }}\n"
        )
    };
    for name in ["ac-me", "ac_me"] {
        dir.write(&format!("providers/{name}/provider.toml"), manifest(name));
        dir.write(&format!("providers/{name}/events/made.json"), "{\"type\":\"made\"}");
    }
    let print = |format: &str| {
        let events = ["--providers", "providers", "send", "ac-me.made", "ac_me.made", "--to", "http://127.0.0.1:9/"];
        dir.hookdev().args(events).args(["--print", format]).exits(0).text().to_owned()
    };
    let locust = print("locust");
    assert!(locust.contains("\"\"\"Signs as x; import os #u0022 / 0 does.\"\"\"\n"), "{locust}");
    assert!(locust.contains("class AcMe2Webhooks(") && locust.contains("def sign_ac_me_2("), "{locust}");
    let k6 = print("k6");
    assert!(k6.contains("const AC_ME_KEY =") && k6.contains("const AC_ME_2_KEY ="), "{k6}");
}

#[test]
fn a_script_never_contains_the_secret() {
    let dir = Dir::new();
    for format in ["locust", "k6"] {
        let send = dir.hookdev().args(["send", "github.*", "--print", format, "--secret", "github=not-in-the-script"]);
        let finished = send.exits(0);
        let printed = finished.text();
        assert!(printed.contains("GITHUB_WEBHOOK_SECRET") && !printed.contains("not-in-the-script"), "{printed}");
    }
}

#[test]
fn a_script_decodes_what_a_provider_signs_decoded() {
    let dir = Dir::new();
    for (format, decoded) in [
        (
            "locust",
            "re.sub(\"(?i)%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)\", lambda code: chr(int(code[0][1:], 16)), request.url)",
        ),
        ("k6", "request.url.replace(/%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)/gi, (code) => decodeURIComponent(code))"),
    ] {
        let script =
            dir.hookdev().args(["send", "hubspot.deal.creation", "--print", format]).exits(0).text().to_owned();
        assert!(script.contains(decoded), "{script}");
        assert!(format == "k6" || script.contains("\nimport re\n"), "{script}");
    }
}

#[test]
fn a_script_sends_the_credentials_of_the_url() {
    let dir = Dir::new();
    for format in ["locust", "k6"] {
        let send = dir.hookdev().args(["send", "cyanite.v2.finished", "--to", "http://u:p%40w@127.0.0.1:9/a"]);
        let script = send.args(["--print", format]).exits(0).text().to_owned();
        // `printf 'u:p@w' | base64`
        assert!(script.contains("\"Basic dTpwQHc=\""), "{script}");
    }
}
