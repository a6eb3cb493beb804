//! What people type by habit: it works, or the error has the command line that does.

use crate::{
    harness::{CYANITE, Dir, Endpoint, respond},
    machine::Port,
};

#[test]
fn a_flag_of_another_tool_is_a_usage_error_that_names_the_right_one() {
    Dir::new()
        .hookdev()
        .args(["send", "cyanite.v2.finished", "--count", "5"])
        .exits(2)
        .stdout("")
        .stderr("error: unexpected argument `--count`\nhint: hookdev send cyanite.v2.finished --repeat 5\n");
    Dir::new().hookdev().args(["listen", "3000"]).exits(2).stdout("").stderr(
        "error: unexpected argument `3000`\n\
         hint: to listen on this port: hookdev listen --addr 3000\n\
         to forward to your handler on it: hookdev listen --forward 3000\n",
    );
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_not_utf_8_is_a_file_or_is_named() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let (dir, odd) = (Dir::new(), OsStr::from_bytes(b"caf\xe9.http"));
    dir.hookdev().arg("send").arg(odd).exits(2).stdout("").stderr("error: no such file: `caf\u{fffd}.http`\n");
    let named = dir.hookdev().args(["send", "cyanite.v2.finished", "--to"]).arg(odd);
    named.exits(2).stdout("").stderr("error: invalid UTF-8 in `caf\u{fffd}.http`\n");
    // Some systems have no such names.
    if std::fs::write(dir.join(".").join(odd), "POST /cyanite HTTP/1.1\r\nhost: h\r\n\r\n{}").is_ok() {
        dir.hookdev().arg("send").arg(odd).args(["--print", "http"]).exits(0).prints("POST /cyanite HTTP/1.1\r\n");
    }
}

#[test]
fn a_url_among_the_events_leads_to_the_flag_that_takes_it() {
    let dir = Dir::new();
    for (url, shown) in [
        ("http://localhost:3000/x", "http://localhost:3000/x"),
        ("https://x.example/?token=HIDDEN", "https://x.example/?token=[redacted]"),
        ("localhost:3000/x", "localhost:3000/x"),
        ("3000", "3000"),
    ] {
        let quoted = if shown.contains('?') { format!("'{shown}'") } else { shown.to_owned() };
        dir.hookdev().args(["send", "cyanite.v2.finished", url]).exits(2).stdout("").stderr(&format!(
            "error: `{shown}` is a URL, not an event or a file\nhint: hookdev send cyanite.v2.finished --to {quoted}\n"
        ));
    }
    let finished = dir.hookdev().args(["send", "http://localhost:1/", "--to", "http://localhost:1/"]).exits(2);
    finished.says("hint: --to names the URL already; remove one of the two\n");
}

#[test]
fn a_provider_alone_lists_its_events() {
    Dir::new().hookdev().args(["send", "auphonic"]).exits(2).stdout("").stderr(
        "error: `auphonic` is a provider; name one of its events: auphonic.done, auphonic.error\n\
         hint: hookdev send auphonic.done\n\
         or all of them: hookdev send 'auphonic.*'\n",
    );
}

#[test]
fn data_takes_the_file_name_in_curls_spelling_too() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    dir.write("body.json", CYANITE);
    let send = |data: &str| dir.send("cyanite.v2.finished", endpoint.url("/")).args(["--data", data]);
    send("@body.json").exits(0);
    assert_eq!(endpoint.next().text(), CYANITE);
    dir.write("@body.json", "{}");
    send("@body.json").exits(0);
    assert_eq!(endpoint.next().text(), "{}");
    send("@missing.json").exits(3).says("error: can't read missing.json\n");
    send("{\"a\":1}").exits(2).says(
        "error: --data takes the name of a file, not the body itself\n\
         hint: save the body to a file, or pipe it: printf %s '…' | hookdev send EVENT --data -\n",
    );
}

#[test]
fn an_event_without_a_payload_leads_to_the_ways_to_send_it() {
    let dir = Dir::new();
    dir.hookdev().args(["send", "stripe.charge.succeeded"]).exits(2).stdout("").stderr(
        "error: `stripe.charge.succeeded` is neither an event nor a file\n\
         hint: did you mean stripe.checkout.session.completed, stripe.invoice.paid, \
         stripe.customer.subscription.created?\n\
         to send your own payload: hookdev send stripe.checkout.session.completed --data FILE\n\
         or that of a similar one: hookdev send stripe.checkout.session.completed --set type=charge.succeeded\n",
    );
    // Both suggestions work.
    dir.write("FILE", "{}");
    for line in [["--data", "FILE"], ["--set", "type=charge.succeeded"]] {
        dir.hookdev()
            .args(["send", "stripe.checkout.session.completed", "--print", "http"])
            .args(line)
            .exits(0)
            .prints("stripe-signature: t=");
    }
}

#[test]
fn a_provider_is_not_a_topic_of_the_help() {
    for line in [["help", "stripe"], ["providers", "stripe"]] {
        Dir::new().hookdev().args(line).exits(2).stdout("").stderr(
            "error: `stripe` is a provider, not a command\n\
             hint: to list its events: hookdev events stripe\n\
             and what it requires of a handler: hookdev events stripe --contract\n",
        );
    }
}

#[test]
fn the_users_own_providers_are_known() {
    let dir = Dir::new();
    dir.hookdev().args(["providers", "new", "acme", "--out", "mine"]).exits(0);
    let given = ["--providers", "mine"];
    dir.hookdev()
        .args(["listen", "acme"])
        .args(given)
        .exits(2)
        .stdout("")
        .stderr("error: unexpected argument `acme`\nhint: hookdev listen --provider acme --providers mine\n");
    dir.write("hookdev.toml", "providers = [\"mine\"]\n");
    dir.hookdev()
        .args(["check", "acme"])
        .exits(2)
        .stdout("")
        .stderr("error: unexpected argument `acme`\nhint: hookdev check --provider acme --to URL\n");
    dir.hookdev().args(["help", "acme"]).exits(2).says("error: `acme` is a provider, not a command\n");
}

#[test]
fn a_key_that_is_not_the_signing_secret_is_refused() {
    let dir = Dir::new();
    for (secret, what) in [
        (
            "stripe=sk_test_HIDDEN",
            "it is another of the provider's keys, such as an API key, and not the signing secret",
        ),
        (
            "stripe=STRIPE_WEBHOOK_SECRET=whsec_HIDDEN",
            "it starts with a variable's name or the word `Bearer`, which is not part of the secret",
        ),
    ] {
        let finished =
            dir.hookdev().args(["send", "stripe.invoice.paid", "--print", "http", "--secret", secret]).exits(2);
        let finished = finished.stdout("").says(&format!("error: invalid Stripe secret from --secret: {what}\n"));
        assert!(!finished.stderr.contains("HIDDEN"), "{finished}");
    }
}

#[test]
fn an_address_of_another_machine_is_named_as_such() {
    // An address for documentation, which no machine has.
    let listen = Dir::new().hookdev().args(["listen", "--addr", "192.0.2.1:4400"]).exits(2);
    listen.says(
        "hint: this machine doesn't have that address; listen on 127.0.0.1, or on 0.0.0.0 for all of its addresses\n",
    );
}

#[test]
fn a_forward_for_a_provider_is_for_all_of_its_events() {
    let endpoint = Endpoint::new([respond(200)]);
    let mut listener = Dir::new().listen().args(["--forward", &format!("cyanite={}", endpoint.url("/x"))]).starts();
    listener.receives("/cyanite", &[], CYANITE);
    assert_eq!(endpoint.next().target(), "/x");
}

#[test]
fn a_missing_path_gets_a_hint_and_an_unreachable_handler_is_not_compared() {
    let (dir, endpoint, port) = (Dir::new(), Endpoint::new([respond(404)]), Port::reserve());
    dir.send("cyanite.v2.finished", endpoint.url("/"))
        .exits(1)
        .prints("(nothing is served at this path: give the handler's full URL with --to)");
    let passed = r#"{"kind":"delivery","hookdev":1,"request":{"method":"POST","target":"/cyanite","headers":[],"body":"{}"},"forwards":[{"url":"http://h/","status":200,"elapsed_ms":1}]}"#;
    dir.write("capture.json", passed);
    let lines = dir.send("capture.json", format!("http://127.0.0.1:{}/", port.number())).arg("--json").exits(4).lines();
    assert_eq!((&lines[0]["outcome"], &lines[0]["change"]), (&"unreachable".into(), &serde_json::Value::Null));
}
