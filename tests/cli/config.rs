//! The config, and typing mistakes in it or on the command line.

use std::collections::BTreeMap;

use crate::harness::{Dir, text};

#[test]
fn a_mistake_in_the_config_is_located_and_gets_a_suggestion() {
    let dir = Dir::new();
    for (config, message) in [
        ("provider = []\n", "hookdev.toml:1:12: "),
        ("provders = []\n", "hookdev.toml:1:1: unknown key `provders`; did you mean `providers`? "),
        (
            "providers = []\n[listen]\nadr = \"127.0.0.1:1\"\n",
            "hookdev.toml:3:1: unknown key `adr`; did you mean `addr`? (known: `addr`, `capture`, `tunnel`, `inspect`)\n",
        ),
        (
            "[[forward]]\nevent = \"*\"\nto = \"http://localhost/\"\n",
            "hookdev.toml:2:1: unknown key `event`; did you mean `events`? (known: `events`, `to`)\n",
        ),
        ("[[forward]]\nevents = \"*\"\n", "hookdev.toml:1:1: missing field `to`\n"),
        (
            "[provider.cyanite]\nendpiont = \"http://localhost/\"\n",
            "hookdev.toml:2:1: unknown key `endpiont`; did you mean `endpoint`? (known: `secret`, `endpoint`, `signature_header`, `api`)\n",
        ),
        (
            "\n[provider.cyanit]\nsecret = \"env:A\"\n",
            "hookdev.toml:2:11: unknown provider `cyanit`; did you mean `cyanite`?\n",
        ),
        (
            "[provider.stripe]\nsignature_header = \"x-mine\"\n",
            "hookdev.toml:2:20: Stripe doesn't let you choose the header of its signature\n",
        ),
        ("[provider.assemblyai]\nsignature_header = \"x mine\"\n", "hookdev.toml:2:20: invalid header name `x mine`\n"),
        ("[listen\n", "hookdev.toml:1:8: unclosed table, expected `]`\n"),
        ("listen = 7\n", "hookdev.toml:1:10: invalid type: integer, expected a table such as "),
    ] {
        dir.write("hookdev.toml", config);
        for command in [&["events"][..], &["verify", "missing"], &["listen", "--addr", "127.0.0.1:0"]] {
            let named = dir.hookdev().args(command).args(["--config", "hookdev.toml"]).exits(2).stdout("");
            named.says(&format!("error: {message}"));
            dir.hookdev().args(command).exits(2).stdout("").says(message);
        }
    }
}

#[test]
fn the_nearest_config_is_used_unless_it_is_disabled() {
    let dir = Dir::new();
    let url = |inside: &str, more: &[&str]| {
        let command = dir.hookdev().inside(&dir.join(inside)).args(["send", "cyanite.v2.finished", "--print", "json"]);
        text(&command.args(more).exits(0).line(), "/url").to_owned()
    };
    dir.write("hookdev.toml", "[provider.cyanite]\nendpoint = \"http://localhost/above\"\n");
    dir.write("a/hookdev.toml", "[provider.cyanite]\nendpoint = \"http://localhost/a\"\n");
    dir.write("a/b/c/x", "");
    dir.write("other/x", "");
    assert_eq!(url("a/b/c", &[]), "http://localhost/a");
    assert_eq!(url("other", &[]), "http://localhost/above");
    assert_eq!(url("other", &["--config", "../a/hookdev.toml"]), "http://localhost/a");
    assert_eq!(url("a/b/c", &["--no-config"]), "http://127.0.0.1:4400/cyanite");
    let both = ["events", "--no-config", "--config", "a/hookdev.toml"];
    dir.hookdev().args(both).exits(2).says("cannot be used with");
}

#[test]
fn a_missing_config_is_named() {
    let finished = Dir::new().hookdev().args(["events", "--config", "no-such.toml"]).exits(2).stdout("");
    finished.says("error: can't read the config no-such.toml\ncaused by: ");
}

#[test]
fn a_forward_without_a_valid_url_is_an_error() {
    let dir = Dir::new();
    dir.write("hookdev.toml", "[[forward]]\nto = \"example.com:3000\"\n");
    dir.listen().exits(2).stdout("").says("error: invalid URL `example.com:3000`: use https://example.com:3000\n");
}

#[test]
fn a_glob_that_matches_no_event_gets_a_suggestion() {
    let dir = Dir::new();
    let finished = dir.hookdev().args(["events", "cyanite.v3.*"]).exits(2).stdout("");
    finished.says("error: no event matches `cyanite.v3.*`\nhint: did you mean cyanite.");
    let finished = dir.hookdev().args(["events", "cyanit.*"]).exits(2).stdout("");
    finished.says("error: no event matches `cyanit.*`\nhint: did you mean cyanite.");
    dir.hookdev()
        .args(["events", "zzzzzz"])
        .exits(2)
        .stdout("")
        .stderr("error: no event matches `zzzzzz`\nhint: `hookdev events` lists all events\n");
    dir.hookdev().args(["events", "a["]).exits(2).says("error: invalid glob `a[`: ");
}

#[test]
fn a_mistyped_command_or_flag_gets_a_suggestion() {
    let dir = Dir::new();
    dir.hookdev().arg("lisen").exits(2).stdout("").says("'listen'");
    dir.hookdev().args(["listen", "--forwrd", "x"]).exits(2).stdout("").says("'--forward'");
    dir.hookdev().args(["events", "--format", "yaml"]).exits(2).stdout("").says("[possible values: pretty, json");
    dir.hookdev().args(["events", "--json", "--format", "pretty"]).exits(2).says("cannot be used with");
    dir.hookdev().exits(2).stdout("").says("Usage: hookdev");
}

#[test]
fn help_and_version_go_to_stdout() {
    let dir = Dir::new();
    dir.hookdev().arg("--version").exits(0).stdout(concat!("hookdev ", env!("CARGO_PKG_VERSION"), "\n")).stderr("");
    for command in ["listen", "send", "verify", "events", "demo", "completions"] {
        let help = dir.hookdev().args([command, "--help"]).exits(0).stderr("");
        help.prints(&format!("Usage: hookdev {command}"));
        dir.hookdev().arg("--help").exits(0).stderr("").prints(&format!("\n  {command} "));
    }
    dir.hookdev().arg("--help").exits(0).prints("\nExit codes:\n  0  ");
}

#[test]
fn examples_of_the_help_fit_a_terminal_of_80_columns() {
    let dir = Dir::new();
    let pages =
        ["listen", "send", "verify", "check", "diff", "events", "providers", "trust", "unregister", "completions"];
    for page in pages.map(|command| vec![command, "--help"]).into_iter().chain([vec!["providers", "new", "--help"]]) {
        let examples = |columns: &str| {
            let help = dir.hookdev().args(&page).env("COLUMNS", columns).exits(0);
            let (_, examples) = help.text().split_once("\nExamples:\n").unwrap();
            examples.split("\n\n").next().unwrap().trim_end().to_owned()
        };
        // Help is never wider than 100 columns.
        assert_eq!(examples("80"), examples("100"), "{page:?}");
    }
    let secrets = dir.hookdev().args(["help", "secrets"]).exits(0);
    assert_eq!(secrets.text().lines().find(|line| line.len() > 80), None);
}

#[test]
fn help_has_a_topic_about_secrets_and_one_for_each_command() {
    let dir = Dir::new();
    let help = |topic: &str| dir.hookdev().args(["help", topic]).exits(0).stderr("");
    help("secrets").prints("How hookdev finds the secret of a provider.").prints("\n  file:PATH  ");
    help("send").stdout(dir.hookdev().args(["send", "--help"]).exits(0).text());
    dir.hookdev().arg("help").exits(0).stdout(dir.hookdev().arg("--help").exits(0).text());
    dir.hookdev().arg("--help").exits(0).prints("See `hookdev help secrets`.\n");
    for name in ["list", "new", "check", "schema"] {
        let expected = dir.hookdev().args(["providers", name, "--help"]).exits(0);
        dir.hookdev().args(["help", "providers", name]).exits(0).stderr("").stdout(expected.text());
    }
    let hint = "hint: `hookdev help` lists the commands; `hookdev help secrets` is about secrets\n";
    for (topic, error) in [
        (&["secret"][..], &format!("error: unknown help topic `secret`; did you mean `secrets`?\n{hint}")),
        (&["zebra"], &format!("error: unknown help topic `zebra`\n{hint}")),
        (
            &["providers", "chek"],
            &"error: unknown subcommand of providers `chek`; did you mean `check`? (known: `list`, `new`, `check`, \
              `schema`)\nhint: `hookdev help providers` explains it\n"
                .to_owned(),
        ),
        (&["send", "new"], &"error: `send` has no subcommands\nhint: `hookdev help send` explains it\n".to_owned()),
    ] {
        dir.hookdev().arg("help").args(topic).exits(2).stdout("").says(error);
    }
}

#[test]
fn the_demo_delivers_every_built_in_event_without_any_setup() {
    let dir = Dir::new();
    // The configuration here must not affect it.
    dir.write("hookdev.toml", "nonsense\n");
    let finished = dir.hookdev().arg("demo").env("CYANITE_WEBHOOK_SECRET", "mine").exits(0);
    let events = dir.hookdev().args(["events", "--json", "--no-config"]).exits(0).lines();
    let mut providers: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for event in &events {
        let counts = providers.entry(text(event, "/provider")).or_default();
        // A signature with the secret that the request itself hands over proves nothing.
        let is_unsigned = event["signed"] == false || event["name"] == "notion.verification";
        counts[usize::from(is_unsigned)] += 1;
    }
    // Two deliveries in full, then a line for each provider.
    let full = finished.text().lines().filter(|line| line.starts_with("verified (development)  ")).count();
    assert_eq!(full, 2, "{finished}");
    let table: Vec<Vec<&str>> =
        finished.text().rsplit("\n\n").next().unwrap().lines().map(|line| line.split_whitespace().collect()).collect();
    let expected: Vec<String> = providers
        .iter()
        .map(|(name, [signed, unsigned])| match (signed, unsigned) {
            (_, 0) => format!("{name} {signed} events all verified"),
            (0, _) => format!("{name} {unsigned} events all unsigned by design"),
            _ => format!("{name} {} events {signed} verified, {unsigned} unsigned by design", signed + unsigned),
        })
        .collect();
    assert_eq!(table.iter().map(|words| words.join(" ")).collect::<Vec<_>>(), expected);
    let finished = finished.says(
        ", all accepted\n2 deliveries are shown in full; `hookdev demo --all` shows every one.\n\n\
         Try next:\n  hookdev listen ",
    );
    let lines: Vec<&str> = finished.stderr.lines().collect();
    let check = "  hookdev check --to http://localhost:3000/stripe        # test your handler";
    assert_eq!(lines.last(), Some(&check), "{finished}");
    let all = dir.hookdev().args(["demo", "--all"]).exits(0);
    assert!(!all.stderr.contains("shown in full"), "{all}");
    for event in &events {
        let name = format!("  {}  20", text(event, "/name"));
        assert!(all.text().lines().any(|line| line.contains(&name)), "{name}\n{all}");
    }
    let lines = dir.hookdev().args(["demo", "--json"]).exits(0).lines();
    assert_eq!(text(&lines[0], "/kind"), "ready");
    for line in &lines[1..] {
        let expected = if line["handshake"] == true { "unknown" } else { "valid" };
        assert_eq!(line["payload"]["status"], expected, "{line}");
    }
    dir.hookdev().args(["demo", "--quiet"]).exits(0).stdout("").stderr("");
}

#[test]
fn events_are_listed_by_provider_and_those_of_one_with_what_it_expects() {
    let dir = Dir::new();
    let all = dir.hookdev().arg("events").exits(0).stderr("");
    for part in [
        "Auphonic  Audio productions, as unsigned forms\n  auphonic.done   A production is done\n",
        "\n\nCyanite  Music analysis results\n  cyanite.v2.finished                         An analysis",
        "(illustrative)\n",
        "(unsigned)\n",
    ] {
        assert!(all.text().contains(part), "{part}\n{all}");
    }
    let of = |glob: &str| dir.hookdev().args(["events", glob]).exits(0).stderr("").text().to_owned();
    for (glob, part) in [
        ("cyanite.*", "Cyanite  Music analysis results\n  expects exactly 200 within 3 s; follows no redirects\n"),
        (
            "cyanite.*",
            "\n  secret from CYANITE_WEBHOOK_SECRET, else the public development secret: hookdev-development-secret-cyanite\n",
        ),
        (
            "auphonic.done",
            "Auphonic  Audio productions, as unsigned forms\n  expects any 2xx; follows no redirects\n  does not sign deliveries\n",
        ),
        ("aspect.*", "\n  signs with HMAC-SHA256 of {id}.{timestamp}.{body} in svix-signature\n"),
    ] {
        assert!(of(glob).contains(part), "{part}\n{}", of(glob));
    }
    dir.hookdev().args(["events", "auphonic.*", "-q"]).exits(0).stdout("auphonic.done\nauphonic.error\n").stderr("");
    let shown = dir.hookdev().args(["events", "cyanite.v2.finished", "--show", "--json"]).exits(0).line();
    assert_eq!(shown["payload"]["event"]["status"], "finished");
    let plain = dir.hookdev().args(["events", "cyanite.v2.finished", "--json"]).exits(0).line();
    assert_eq!(plain["payload"], serde_json::Value::Null);
    dir.hookdev()
        .args(["events", "cyanite.v2.finished", "--show"])
        .exits(0)
        .prints("    --set event.type=FastMusicalAnalysis\n")
        .prints("      \"version\": \"2\",\n");
}
