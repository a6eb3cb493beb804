//! `hookdev listen --tunnel`: with stand-ins for cloudflared and ngrok, which need the internet, and with the real ssh
//! and bore against servers on this machine.

mod programs;

use serde_json::{Value, json};

use self::programs::{Bore, SshServer, StandIn};
use crate::harness::{
    CYANITE, CYANITE_HEADERS, Connection, Dir, Endpoint, Listener, NO_SECRETS, Signed, get, post, respond, text,
};

const STARTING: &str = "note: starting the tunnel cloudflared; this can take a few seconds\n";
const NO_SECRETS_IN_TUNNEL: &str = "warning: using the public development secrets for all providers, but not through the \
    tunnel, where deliveries signed that way are rejected; pass yours with --secret PROVIDER=SOURCE, or accept them with \
    --allow-development\n";

/// The path that the ready line's public URL adds to its host.
fn prefix<'a>(listener: &'a Listener, host: &str) -> &'a str {
    let url = text(listener.ready(), "/tunnel");
    let prefix = url.strip_prefix(host).unwrap_or_else(|| panic!("{url} is not below {host}"));
    let random = prefix.strip_prefix("/t-").unwrap_or_else(|| panic!("no random path in {url}"));
    assert!(random.len() == 20 && random.bytes().all(|byte| byte.is_ascii_hexdigit()), "{url}");
    prefix
}

#[test]
fn an_unknown_tunnel_and_a_missing_program_are_errors_that_say_what_to_do() {
    let dir = Dir::new();
    dir.write("bin/empty", "");
    let listen = |name: &str| dir.listen().args(["--tunnel", name]).env("PATH", dir.join("bin"));
    listen("cloudfared").exits(2).stdout("").stderr(
        "error: unknown tunnel `cloudfared`; did you mean `cloudflared`? (known: `bore`, `cloudflared`, `ngrok`, `pinggy`, \
         `ssh`, `zrok`)\n\
         hint: to define another one, add a [tunnel.NAME] table to hookdev.toml\n",
    );
    listen("bore").exits(2).stdout("").stderr(
        "note: starting the tunnel bore; this can take a few seconds\n\
         error: the tunnel bore can't be started\n\
         caused by: the program `bore` was not found\n\
         hint: install it: `cargo install bore-cli`, or `brew install bore-cli`; --tunnel ssh needs only an SSH client\n",
    );
}

#[test]
fn a_program_that_exits_too_early_is_an_error_with_its_last_lines() {
    let stand_in = StandIn::of(
        "ngrok",
        &json!([{
            "prints": ["bad \u{1b}]0;title\u{7} news", "\u{1b}[31mERR\u{1b}[0m authentication failed: ERR_NGROK_4018"],
            "exit": 1,
        }]),
    );
    stand_in.listen("ngrok").exits(4).stdout("").stderr(
        "note: starting the tunnel ngrok; this can take a few seconds\n\
         error: the tunnel ngrok did not become ready\n\
         caused by: its program exited with code 1 before it was ready; its last lines:\n\
         \x20 bad \\u{1b}]0;title\\u{7} news\n\
         \x20 ERR authentication failed: ERR_NGROK_4018\n\
         hint: an account is needed: `ngrok config add-authtoken TOKEN`, or the variable NGROK_AUTHTOKEN; to see more, run it \
         yourself: ngrok http 127.0.0.1:4400 --log stdout --log-format json\n",
    );
}

#[cfg(target_os = "linux")]
#[test]
fn the_timeout_covers_the_start_of_the_tunnel() {
    let dir = Dir::new();
    dir.write("hookdev.toml", "[tunnel.mute]\ncommand = [\"sleep\", \"1000\"]\nurl = { line = 'https://[a-z.]+' }\n");
    let config = dir.join("hookdev.toml");
    let listen = dir.hookdev().arg("--config").arg(&config).args(["listen", "--addr", "127.0.0.1:0"]);
    listen.args(["--tunnel", "mute", "--timeout", "100ms"]).exits(1).stdout("").says(
        "error: timed out before the tunnel mute was ready\n\
         hint: it can take a few seconds: raise --timeout\n",
    );
}

#[cfg(target_os = "linux")]
#[test]
fn an_interrupt_before_the_program_starts_exits_130() {
    let dir = Dir::new();
    dir.write("hookdev.toml", "[tunnel.mute]\ncommand = [\"sleep\", \"1000\"]\nurl = { line = 'https://[a-z.]+' }\n");
    let config = dir.join("hookdev.toml");
    let interrupted = |program: &[&str], code| {
        let listen = dir.hookdev().arg("--config").arg(&config).args(["listen", "--addr", "127.0.0.1:0"]);
        let mut listen = listen.args(["--tunnel", "mute"]).args(program).in_background();
        listen.says("note: starting the tunnel mute");
        listen.interrupt();
        listen.exits(code)
    };
    interrupted(&["--", "touch", "ran"], 130).says("warning: interrupted before touch was started\n");
    assert!(!dir.join("ran").exists());
    interrupted(&[], 0);
}

#[test]
fn cloudflared_is_used_once_it_is_ready_and_started_again_when_it_ends() {
    let stand_in = StandIn::of(
        "cloudflared",
        &json!([
            {
                "host": "first-one.trycloudflare.com",
                "late": 3,
                "prints": [
                    "2026-11-28T17:00:00Z INF Requesting new quick Tunnel on trycloudflare.com...",
                    "2026-11-28T17:00:01Z ERR failed to request quick Tunnel: Post \"https://api.trycloudflare.com/tunnel\": EOF",
                ],
            },
            { "host": "second-one.trycloudflare.com" },
        ]),
    );
    let mut listener = stand_in.listen("cloudflared").starts();
    let prefix = prefix(&listener, "https://first-one.trycloudflare.com").to_owned();
    // Its own config would take all requests.
    let start = stand_in.start(1);
    let args: Vec<&str> = start["args"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(args[..3], ["tunnel", "--no-autoupdate", "--config"]);
    assert_eq!(args[7], format!("http://127.0.0.1:{}", stand_in.port(1)));

    // The path is removed before anything looks at it.
    let url = stand_in.url(1);
    assert_eq!(post(&format!("{url}{prefix}/auphonic?x=1"), &[], "status=3").status(), 200);
    let delivery = listener.next();
    assert_eq!((text(&delivery, "/provider"), text(&delivery, "/request/target")), ("auphonic", "/auphonic?x=1"));

    stand_in.kill(1);
    listener.says(
        "warning: the tunnel cloudflared is lost: its program was ended by signal: 9 (SIGKILL); starting it again; its \
         last lines:\n\
         \x20 2026-11-28T17:00:00Z INF Requesting new quick Tunnel on trycloudflare.com...\n\
         \x20 2026-11-28T17:00:01Z ERR failed to request quick Tunnel: Post \"https://api.trycloudflare.com/tunnel\": EOF\n",
    );
    let moved = "warning: the tunnel cloudflared has a new public URL; enter it at the provider:";
    listener.says(&format!("{moved}\n  https://second-one.trycloudflare.com{prefix}/<provider>\n"));
    assert_eq!(stand_in.port(2), stand_in.port(1));

    let alive = stand_in.connection(2);
    listener.interrupt();
    listener.exits(0);
    StandIn::is_gone(alive);
}

#[test]
fn the_steps_of_a_registration_by_hand_have_the_tunnels_url() {
    let (first, second) = ("first-one.trycloudflare.com", "second-one.trycloudflare.com");
    let stand_in = StandIn::of("cloudflared", &json!([{ "host": first }, { "host": second }]));
    let mut listener = stand_in.listen("cloudflared").args(["--register", "cyanite"]).starts();
    let prefix = prefix(&listener, &format!("https://{first}")).to_owned();
    listener.says(&format!("of your integration in Cyanite's web app to https://{first}{prefix}/cyanite.\n"));
    stand_in.kill(1);
    let moved = "the tunnel cloudflared has a new public URL; enter it wherever hookdev doesn't register it:\n";
    listener.says(&format!("{moved}  https://{second}{prefix}/<provider>\n"));
}

#[test]
fn requests_through_a_tunnel_without_its_path_are_only_counted() {
    let stand_in = StandIn::of("cloudflared", &json!([{ "host": "a-b.trycloudflare.com" }]));
    let target = Endpoint::new([respond(200)]);
    let listener = stand_in.listen("fast").args(["--forward", &target.url("/"), "--capture", "captures"]).starts();
    let (prefix, url) = (prefix(&listener, "https://a-b.trycloudflare.com").to_owned(), stand_in.url(1));
    let browser = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
    for (path, headers) in [
        ("/", &[][..]),
        ("/cyanite", &CYANITE_HEADERS[..]),
        ("/.env", &[]),
        ("/", &browser),
        (&format!("{prefix}0/cyanite"), &CYANITE_HEADERS[..]),
    ] {
        let response = post(&format!("{url}{path}"), headers, CYANITE);
        assert_eq!((response.status(), response.text()), (404, ""), "{path}");
    }
    assert_eq!(get(&format!("{url}/")).status(), 404);
    assert_eq!(post(&format!("{url}{prefix}"), &[], "hello").status(), 200);
    listener.interrupt();
    let finished = listener.exits(0);
    let deliveries: Vec<_> = finished.lines().into_iter().filter(|line| line["kind"] == "delivery").collect();
    assert_eq!(deliveries.len(), 1);
    assert_eq!(text(&deliveries[0], "/request/target"), "/");
    assert_eq!(target.next().target(), "/");
    target.got_no_more();
    assert_eq!(stand_in.dir.names("captures").len(), 1);
    assert!(
        finished.stderr.ends_with("note: 6 requests came through the tunnel without its random path, and got a 404\n")
    );
}

#[test]
fn the_development_secret_is_not_accepted_through_a_tunnel_unless_allowed() {
    let stand_in = StandIn::of("cloudflared", &json!([{ "host": "a-b.trycloudflare.com" }]));
    let mut listener = stand_in.listen("fast").starts();
    let through = format!("{}{}/cyanite", stand_in.url(1), prefix(&listener, "https://a-b.trycloudflare.com"));
    assert_eq!(post(&through, &CYANITE_HEADERS, CYANITE).status(), 401);
    let rejection = "the signature matches only the public development secret, with which anyone can sign";
    assert_eq!(text(&listener.next(), "/rejection/message"), rejection);
    // On this machine it is.
    assert_eq!(listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE).0.status(), 200);
    listener.interrupt();
    let starting = STARTING.replace("cloudflared", "fast");
    listener.exits(0).stderr(&format!("{starting}{NO_SECRETS_IN_TUNNEL}"));

    let listener = stand_in.listen("fast").arg("--allow-development").starts();
    let through = format!("{}{}/cyanite", stand_in.url(2), prefix(&listener, "https://a-b.trycloudflare.com"));
    assert_eq!(post(&through, &CYANITE_HEADERS, CYANITE).status(), 200);
    listener.interrupt();
    listener.exits(0).stderr(&format!("{starting}{NO_SECRETS}"));
}

#[test]
fn a_tunnel_program_gets_no_providers_secret() {
    let stand_in = StandIn::of("cloudflared", &json!([{ "host": "a-b.trycloudflare.com" }]));
    let configured = "[provider.github]\nsecret = \"env:OF_CONFIG\"\n[provider.stripe]\nsecret = \"env:NOT_IN_USE\"\n";
    stand_in.dir.write("tunnels.toml", stand_in.dir.read("tunnels.toml") + configured);
    // Those of `[register]`, whether or not anything is registered.
    let keys = ["ASPECT_API_KEY", "AUPHONIC_API_KEY", "GITHUB_TOKEN", "JEWELMUSIC_API_KEY", "STRIPE_API_KEY"];
    let secrets = [&keys[..], &["CYANITE_WEBHOOK_SECRET", "OF_OPTION", "OF_CONFIG", "NOT_IN_USE", "OF_OWN"]].concat();
    // It reads its secret from another variable than the provider that it replaces.
    stand_in.dir.write(
        "own/provider.toml",
        "name = 'cyanite'\ntitle = 'Own'\nabout = 'x'\n[secret]\ndevelopment = 'own-secret'\nenv = 'OF_OWN'\n\
         [[scheme]]\nname = 'only'\nalgorithm = 'hmac-sha256'\ncontent = '{body}'\n\
         signature = { header = 'own-signature', value = '{hex}' }\n\
         [delivery]\nsuccess = ['202']\ntimeout = '20s'\nretry = { waits = ['1s'] }\n\
         [[event]]\nname = 'made'\nabout = 'x'\nmatch = { type = 'made' }\nschema = 'made'\n",
    );
    stand_in.dir.write("own/events/made.json", "{ \"type\": \"made\" }");
    stand_in
        .dir
        .write("own/schema.json", r#"{"$defs":{"made":{"type":"object","properties":{"type":{"const":"made"}}}}}"#);
    let listen = stand_in.listen("fast").args(["--secret", "stripe=env:OF_OPTION", "--providers", "own"]);
    let listen = listen.env("NGROK_AUTHTOKEN", "its own");
    let listen = secrets.iter().fold(listen, |listen, name| listen.env(name, "mine"));
    let listener = listen.starts();
    let start = stand_in.start(1);
    let names: Vec<&str> = start["env"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(names.contains(&"NGROK_AUTHTOKEN") && !secrets.iter().any(|name| names.contains(name)), "{names:?}");
    drop(listener);
}

/// With a backtrace, bore's own error would not be among its last lines.
#[test]
fn a_program_is_not_asked_for_backtraces() {
    let stand_in = StandIn::of("cloudflared", &json!([{ "host": "a-b.trycloudflare.com" }]));
    let listen =
        stand_in.listen("fast").env("RUST_BACKTRACE", "1").env("RUST_LIB_BACKTRACE", "1").env("RUST_LOG", "info");
    let listener = listen.starts();
    let start = stand_in.start(1);
    let names = start["env"].as_array().unwrap();
    let has = |name: &str| names.iter().any(|known| known == name);
    assert_eq!(["RUST_BACKTRACE", "RUST_LIB_BACKTRACE", "RUST_LOG"].map(has), [false, false, true]);
    drop(listener);
}

#[test]
fn a_url_that_is_signed_is_the_public_one() {
    let stand_in = StandIn::of("cloudflared", &json!([{ "host": "a-b.trycloudflare.com" }]));
    let mut listener = stand_in.listen("fast").arg("--allow-development").starts();
    let public = format!("{}/twilio", text(listener.ready(), "/tunnel"));
    let signed = Signed::new(&stand_in.dir, "twilio.message.received", &["--to", &public]);
    let through = format!("{}{}/twilio", stand_in.url(1), prefix(&listener, "https://a-b.trycloudflare.com"));
    assert_eq!(post(&through, &signed.headers(), &signed.body).status(), 200);
    assert_eq!(text(&listener.next(), "/verdict"), "verified");
}

#[test]
fn people_get_a_url_for_each_provider_in_use() {
    let stand_in = StandIn::of("cloudflared", &json!([{ "host": "a-b.trycloudflare.com" }]));
    for (options, paths) in [
        (&["--provider", "stripe"][..], &["/stripe"][..]),
        (&["--secret", "cyanite=mine", "--secret", "stripe=whsec_mine"], &["/cyanite", "/stripe"]),
        (&[], &["/<provider>"]),
    ] {
        let pretty = ["listen", "--addr", "127.0.0.1:0", "--tunnel", "fast", "--config", "tunnels.toml"];
        let mut listener = stand_in.hookdev().args(pretty).args(options).starts_for_people();
        listener.says("Public, through fast:\n");
        for path in paths {
            listener.says(&format!("{path}\n"));
        }
        listener.interrupt();
        let finished = listener.exits(0);
        let urls = finished.stderr.lines().filter(|line| line.starts_with("  https://a-b.trycloudflare.com/t-"));
        assert_eq!(urls.count(), paths.len(), "{finished}");
    }
}

#[test]
fn a_program_ends_with_hookdev_even_if_hookdev_is_killed() {
    let stand_in = StandIn::of("cloudflared", &json!([{ "host": "a-b.trycloudflare.com" }]));
    for (start, signal) in (1..).zip(["KILL", "TERM", "HUP"]) {
        let listener = stand_in.listen("fast").starts();
        let alive = stand_in.connection(start);
        listener.signal(signal);
        StandIn::is_gone(alive);
    }
}

#[test]
fn ctrl_c_ends_a_tunnel_that_is_not_ready() {
    let stand_in = StandIn::of("cloudflared", &json!([{ "host": "" }]));
    let mut listener = stand_in.listen("fast").in_background();
    listener.says("note: starting the tunnel fast; this can take a few seconds\n");
    let alive = stand_in.connection(1);
    listener.interrupt();
    listener.exits(0).stdout("");
    StandIn::is_gone(alive);
}

#[test]
fn the_url_of_ngrok_is_read_from_its_log_or_from_its_api() {
    let stand_in = StandIn::of("ngrok", &json!([{ "host": "ab12.ngrok-free.app" }]));
    let listener = stand_in.listen("ngrok").starts();
    let prefix = prefix(&listener, "https://ab12.ngrok-free.app").to_owned();
    let port = text(&stand_in.start(1), "/args/1").to_owned();
    assert_eq!(post(&format!("http://{port}{prefix}/auphonic"), &[], "status=3").status(), 200);

    let stand_in = StandIn::of("cloudflared", &json!([{ "host": "ab12.ngrok-free.app" }]));
    let listener = stand_in.listen("api").starts();
    self::prefix(&listener, "https://ab12.ngrok-free.app");
}

#[test]
fn the_config_names_the_tunnel_and_its_own_recipe_needs_trust() {
    let stand_in = StandIn::of("cloudflared", &json!([{ "host": "a-b.trycloudflare.com" }]));
    let config = stand_in.dir.read("tunnels.toml");
    stand_in.dir.write("hookdev.toml", format!("[listen]\ntunnel = \"fast\"\n\n{config}"));
    let path = stand_in.dir.join("hookdev.toml").display().to_string();
    let program = stand_in.program();
    let listen = || stand_in.hookdev().args(["listen", "--addr", "127.0.0.1:0", "--json"]);
    listen().exits(2).stdout("").stderr(&format!(
        "config: {path}\n\
         error: the config {path} starts the program `{program}` for the tunnel fast; this needs your trust\n\
         hint: read the config, then run `hookdev trust` to allow this; --no-config ignores the config\n"
    ));
    listen().args(["--config", "hookdev.toml"]).starts();
    stand_in.hookdev().arg("trust").exits(0).prints(&format!("  starts `{program} tunnel --metrics "));
    listen().starts();

    // A built-in recipe needs none.
    stand_in.dir.write("hookdev.toml", "[listen]\ntunnel = \"cloudflared\"\n");
    let listener = listen().starts();
    prefix(&listener, "https://a-b.trycloudflare.com");
}

#[test]
fn the_real_ssh_carries_requests_from_a_server() {
    let Some(server) = SshServer::start() else { return };
    let mut listener = server.listen().starts();
    let prefix = prefix(&listener, "https://8beaa541ba3dc2.lhr.life").to_owned();
    assert_eq!(post(&server.url(&format!("{prefix}/cyanite")), &CYANITE_HEADERS, CYANITE).status(), 401);
    assert_eq!(text(&listener.next(), "/event"), "cyanite.v2.finished");
    assert_eq!(post(&server.url("/cyanite"), &CYANITE_HEADERS, CYANITE).status(), 404);
    // The server's end of the tunnel closes with its client.
    let alive = Connection::to(&server.url("/"));
    listener.signal("KILL");
    StandIn::is_gone(alive);
}

#[test]
fn the_real_bore_carries_requests_from_a_server() {
    let Some(server) = Bore::start() else { return };
    let mut listener = server.listen().starts();
    let url = text(listener.ready(), "/tunnel").to_owned();
    assert!(url.starts_with(&format!("http://{}:", server.address)), "{url}");
    assert_eq!(post(&format!("{url}/cyanite"), &CYANITE_HEADERS, CYANITE).status(), 401);
    assert_eq!(text(&listener.next(), "/event"), "cyanite.v2.finished");
    listener.interrupt();
    listener.exits(0);
}
