//! Invalid directories are rejected with the position of the error and a suggestion.

use super::{manifest, write};
use crate::harness::Dir;

const SECRET: &str = "development = \"acme-secret\"";

const SCHEME: &str = r#"[[scheme]]
name = "hex"
algorithm = "hmac-sha256"
content = "{body}"
signature = { header = "x-acme", value = "{hex}" }"#;

/// Asserts that a directory is accepted.
#[track_caller]
fn sound(dir: &Dir) {
    dir.hookdev().args(["events", "acme.*", "--providers", "acme"]).exits(0).prints("acme.made").stderr("");
}

/// Asserts that every command that names the provider of a directory rejects it with exactly this mistake and nothing
/// else, and that others work, with a warning.
#[track_caller]
fn rejected(dir: &Dir, mistake: &str) {
    let warning = format!("warning: can't use the provider `acme`: {mistake}");
    dir.write("forwards.toml", "[[forward]]\nevents = \"acme.*\"\nto = \"http://127.0.0.1:1/\"\n");
    let stripe = ["listen", "--addr", "127.0.0.1:0", "--provider", "stripe"];
    for command in [
        &["events", "acme"][..],
        &["events", "acme*"],
        &["events", "--provider", "acme"],
        &["verify", "missing", "--provider", "acme"],
        &["listen", "--addr", "127.0.0.1:0", "--provider", "acme"],
        &[&stripe[..], &["--expect", "acme.made"]].concat(),
        &[&stripe[..], &["--forward", "acme.*=http://127.0.0.1:1/"]].concat(),
        &[&stripe[..], &["--forward", "acme=http://127.0.0.1:1/"]].concat(),
        &[&stripe[..], &["--filter", "acme.*"]].concat(),
        &[&stripe[..], &["--config", "forwards.toml"]].concat(),
        &["send", "acme.made"],
        &["send", "acme.*"],
        &["send", "acme*"],
        &["send", "stripe.invoice.paid", "--print", "http", "--secret", "acme=x"],
        &["check", "--provider", "acme"],
        &["check", "--to", "http://127.0.0.1:1/acme"],
    ] {
        let finished = dir.hookdev().args(command).args(["--providers", "acme"]).exits(2).stdout("");
        finished.stderr(&format!("error: {mistake}"));
    }
    dir.hookdev().args(["events", "stripe", "-q", "--providers", "acme"]).exits(0).stderr(&warning);
    let all = dir.hookdev().args(["events", "-q", "--providers", "acme"]).exits(0).stderr(&warning);
    assert!(!all.text().contains("acme.made") && all.text().contains("github.push"), "{all}");
}

#[test]
fn an_error_in_the_manifest_has_a_position_and_a_suggestion() {
    let good = manifest(SECRET, SCHEME);
    for (right, wrong, message) in [
        ("about = \"A test\"", "abut = \"A test\"", "3:1: unknown key `abut`; did you mean `about`?"),
        ("content =", "contents =", "11:1: unknown key `contents`; did you mean `content`?"),
        (
            "{body}",
            "{bdy}",
            "11:11: unknown placeholder `bdy`; did you mean `body`? (known: `body`, `id`, `timestamp`, `secret`, `url`, `method`, `path`, `form:sorted`, `header:NAME`, `query:NAME`, `body:PATH`, `sha256:PLACE`)",
        ),
        ("{body}", "{body", "11:11: `{` at character 1 is not closed"),
        (
            "{body}",
            "constant",
            "11:11: the signed content `constant` has no placeholder, so every signature would be the same; \
             add `{body}`",
        ),
        ("{body}", "{id}.{body}", "11:11: `{id}.{body}` signs the id, but the scheme has no `id`"),
        (
            "{body}",
            "{timestamp}.{body}",
            "11:11: `{timestamp}.{body}` signs the timestamp, but the scheme has no `timestamp`",
        ),
        ("{hex}", "{hx}", "12:42: unknown placeholder `hx`; did you mean `hex`?"),
        ("{hex}", "sha256=", "12:42: `sha256=` must be fixed text followed by one placeholder, such as `sha256={hex}`"),
        (
            "{hex}",
            "t={timestamp}",
            "12:42: `t={timestamp}` must have exactly one of {hex}, {HEX}, {base64}, {base64url}, {token}, {jwt}; it has 0",
        ),
        ("hmac-sha256", "hmac-sha265", "10:13: unknown value `hmac-sha265`; did you mean `hmac-sha256`?"),
        ("\"x-acme\"", "\"x acme\"", "12:24: invalid header name `x acme`"),
        ("\"2xx\"", "\"2x\"", "15:12: invalid status `2x`: use a code such as `200` or a class such as `2xx`"),
        ("[\"2xx\"]", "[]", "15:11: `success` needs at least one status"),
        (
            "match = { type = \"made\" }",
            "",
            "18:8: no rule recognises `made`: add a `match` or `present`, or set `event` in [recognise]",
        ),
        (
            "\"made\"\nabout",
            "\"maid\"\nabout",
            "18:8: missing fixture `events/maid.json`; did you mean `events/made.json`?",
        ),
        ("name = \"acme\"", "name = \"Acme Inc\"", "1:8: a provider's name may only have a-z, 0-9, `-` and `_`"),
        ("[secret]\ndevelopment = \"acme-secret\"", "", "1:8: [[scheme]] needs a [secret]"),
        ("development = \"acme-secret\"", "development = \"'x'\"", "6:15: invalid development secret: it is in quotes"),
        ("[\"2xx\"]", "\"2xx\"", "15:11: invalid type: string \"2xx\", expected a list in [ ]"),
        ("\"x-acme\"", "\"header:x-acme\"", "12:24: the key `header` takes only the header's name: write `x-acme`"),
        (
            "[delivery]",
            "[delivery]\nwaits = [\"1m\"]",
            "15:1: `waits` is not a key of this table, but of [delivery.retry]",
        ),
        (
            "algorithm =",
            "encoding = \"hex\"\nalgorithm =",
            "10:1: `encoding` is not a key of this table, but of [secret]",
        ),
        ("[[event]]", "[event]", "17:1: a single table, expected a list of them: write [[NAME]] instead of [NAME]"),
        ("[delivery]\nsuccess = [\"2xx\"]", "", "1:1: missing field `delivery`"),
        ("title = \"Acme\"", "title = \"Acme", "2:14: invalid basic string"),
    ] {
        let dir = Dir::new();
        assert!(good.contains(right), "{right}");
        write(&dir, &good.replacen(right, wrong, 1));
        let finished = dir.hookdev().args(["events", "acme", "--providers", "acme"]).exits(2).stdout("");
        finished.says(&format!("error: acme/provider.toml:{message}"));
    }
}

#[test]
fn a_broken_provider_stops_only_the_commands_that_name_it() {
    let dir = Dir::new();
    write(&dir, &manifest(SECRET, SCHEME));
    sound(&dir);
    write(&dir, &manifest(SECRET, SCHEME).replace("about = \"A test\"", "abut = \"A test\""));
    rejected(&dir, "acme/provider.toml:3:1: unknown key `abut`; did you mean `about`?\n");
}

#[test]
fn a_glob_that_matches_other_providers_too_needs_no_broken_one() {
    let dir = Dir::new();
    write(&dir, &manifest(SECRET, SCHEME).replace("title", "titel"));
    let mistake = "acme/provider.toml:2:1: unknown key `titel`; did you mean `title`?\n";
    let warning = format!("warning: can't use the provider `acme`: {mistake}");
    dir.write("forwards.toml", "[[forward]]\nevents = \"*.made\"\nto = \"http://127.0.0.1:1/\"\n");
    let stripe = ["listen", "--addr", "127.0.0.1:0", "--provider", "stripe", "--timeout", "0s"];
    for (option, glob) in
        [("--forward", "*.made=http://127.0.0.1:1/"), ("--filter", "*.made"), ("--config", "forwards.toml")]
    {
        let listened = dir.hookdev().args(stripe).args([option, glob, "--providers", "acme"]).exits(0);
        listened.says(&warning);
    }
    // Nothing arrives.
    dir.hookdev().args(stripe).args(["--expect", "*.made", "--providers", "acme"]).exits(1).says(&warning);
    let events = dir.hookdev().args(["events", "*.made", "--providers", "acme"]).exits(2);
    events.stderr(&format!("{warning}error: no event matches `*.made`\nhint: `hookdev events` lists all events\n"));
    let send = dir.hookdev().args(["send", "*.json", "--providers", "acme"]).exits(2);
    send.stderr(&format!("{warning}error: no such file: `*.json`\n"));
}

#[test]
fn a_secret_that_only_begins_like_a_broken_provider_is_not_its_secret() {
    let dir = Dir::new();
    write(&dir, &manifest(SECRET, SCHEME).replace("title", "titel"));
    for secret in ["acme.x=tail", "acm*=tail"] {
        let send = ["send", "github.push", "--print", "http", "--secret", secret, "--providers", "acme"];
        dir.hookdev().args(send).exits(2).stdout("").stderr(
            "warning: can't use the provider `acme`: acme/provider.toml:2:1: unknown key `titel`; did you mean `title`?\n\
             error: the text before `=` in --secret isn't a provider; did you mean `acme=…`?\n\
             hint: if all of it is the secret, write the provider's name and `=` before it\n",
        );
    }
}

#[test]
fn an_error_that_may_be_due_to_a_broken_provider_comes_after_a_warning_about_it() {
    let dir = Dir::new();
    // Without a name, it has that of its directory.
    write(&dir, &manifest(SECRET, SCHEME).replacen("name = \"acme\"", "nam = \"shop\"", 1));
    let mistake = "acme/provider.toml:1:1: unknown key `nam`; did you mean `name`?";
    let warning = format!("warning: can't use the provider `acme`: {mistake}");
    for (command, error) in [
        (&["send", "shop.made"][..], "error: `shop.made` is neither an event nor a file\n"),
        (&["send", "acm.made"], "error: `acm.made` is neither an event nor a file\n"),
        (&["listen", "--provider", "acm"], "error: unknown provider `acm`; did you mean `acme`?\n"),
        (&["listen", "--expect", "acm.made"], "error: unknown event `acm.made`"),
        (&["verify", "missing", "--provider", "acm"], "error: unknown provider `acm`; did you mean `acme`?\n"),
        (&["check", "--provider", "acm"], "error: unknown provider `acm`; did you mean `acme`?\n"),
        (&["events", "acm"], "error: no event matches `acm`\n"),
    ] {
        let finished = dir.hookdev().args(command).args(["--providers", "acme"]).exits(2).stdout("");
        let finished = finished.says(&warning).says(error);
        assert_eq!(finished.stderr.matches(mistake).count(), 1, "{finished}");
    }
    let github = ["listen", "--addr", "127.0.0.1:0", "--provider", "github", "--public-url", "https://h.example"];
    let finished = dir.hookdev().args(github).args(["--register", "acme", "--providers", "acme"]).exits(2);
    let finished = finished.says(&format!("error: {mistake}"));
    assert_eq!(finished.stderr.matches(mistake).count(), 1, "{finished}");
}

#[test]
fn no_request_is_judged_without_a_broken_provider_unless_another_is_named() {
    let dir = Dir::new();
    write(&dir, &manifest(SECRET, SCHEME).replace("title", "titel"));
    dir.write("capture.json", r#"{"version":2,"request":{"method":"POST","target":"/","headers":[],"body":"{}"}}"#);
    let mistake = "acme/provider.toml:2:1: unknown key `titel`; did you mean `title`?\n";
    let refusal =
        format!("error: {mistake}hint: correct this provider first: its requests could be mistaken for another's\n");
    for command in [&["verify", "capture.json"][..], &["send", "capture.json"], &["listen", "--addr", "127.0.0.1:0"]] {
        dir.hookdev().args(command).args(["--providers", "acme"]).exits(2).stdout("").stderr(&refusal);
    }
    let verify = dir.hookdev().args(["verify", "capture.json", "--provider", "github", "--providers", "acme"]);
    verify.exits(1).prints("missing-header");
}

#[test]
fn a_broken_provider_is_named_as_its_directory_if_its_manifest_has_no_name() {
    let dir = Dir::new();
    write(&dir, "name = acme");
    let mistake = "acme/provider.toml:1:8: string values must be quoted, expected literal string\n";
    dir.hookdev().args(["events", "acme", "--providers", "acme"]).exits(2).stderr(&format!("error: {mistake}"));
    // It replaces the built-in one of its name, which isn't meant.
    write(&dir, &manifest(SECRET, SCHEME).replace("name = \"acme\"", "name = \"stripe\"").replace("title", "titel"));
    dir.hookdev().args(["send", "stripe.invoice.paid", "--print", "http", "--providers", "acme"]).exits(2).says(
        "note: the provider `stripe` from acme replaces the other provider of that name\n\
         error: acme/provider.toml:2:1: unknown key `titel`; did you mean `title`?\n",
    );
}

#[test]
fn a_broken_provider_in_the_config_is_no_obstacle_for_others() {
    let dir = Dir::new();
    write(&dir, &manifest(SECRET, SCHEME).replace("title", "titel"));
    dir.write("hookdev.toml", "providers = [\"acme\"]\n[provider.acme]\nsecret = \"s\"\nsignature_header = \"x-a\"\n");
    let printed = dir.hookdev().args(["send", "github.push", "--print", "http"]).exits(0);
    printed.says("provider.toml:2:1: unknown key `titel`; did you mean `title`?");
    dir.hookdev().args(["send", "acme.made"]).exits(2).stdout("").says("provider.toml:2:1: unknown key `titel`");
}

#[test]
fn a_duplicate_event_is_reported_at_the_second_one() {
    let dir = Dir::new();
    let twice = format!(
        "{}\n[[event]]\nname = \"made\"\nabout = \"again\"\nmatch = {{ a = \"b\" }}\n",
        manifest(SECRET, SCHEME)
    );
    write(&dir, &twice);
    rejected(&dir, "acme/provider.toml:23:8: duplicate event `made`\n");
}

#[test]
fn an_invalid_fixture_is_reported_with_its_own_position() {
    let dir = Dir::new();
    write(&dir, &manifest(SECRET, SCHEME));
    dir.write("acme/events/made.json", "{\n  \"type\":");
    rejected(&dir, "acme/events/made.json:2:10: invalid JSON: the document ends too early\n");
}

#[test]
fn a_directory_that_contradicts_its_manifest_is_rejected() {
    let dir = Dir::new();
    write(&dir, &manifest(SECRET, SCHEME).replace("match =", "schema = \"made\"\nmatch ="));
    rejected(&dir, "acme/provider.toml:20:10: the schema `made` is not in the $defs of schema.json\n");
    dir.write("acme/schema.json", r#"{"$defs":{"made":{"typ":"object"}}}"#);
    let unknown = "unknown keyword `typ` (did you mean `type`?) (`/$defs/made/typ`)";
    rejected(&dir, &format!("acme/schema.json:1:19: {unknown}\n"));
    dir.write("acme/schema.json", r#"{"$defs":{"made":{"type":"object","required":["uuid"]}}}"#);
    rejected(
        &dir,
        "acme/events/made.json:1:1: acme.made: /uuid: is required but missing; correct it here, or `made` in \
         schema.json\n",
    );
    dir.write("acme/schema.json", r#"{"$defs":{"made":{"type":"object","required":["id"]}}}"#);
    sound(&dir);
    dir.write("acme/events/made.json", r#"{"type":"other","id":"x"}"#);
    rejected(
        &dir,
        "acme/events/made.json:1:9: acme.made: it isn't recognised as this event, because `type` is `other`, not \
         `made`; correct it here, or the event's `match`\n",
    );
}

#[test]
fn a_pattern_that_payloads_are_not_checked_against_is_reported_in_the_schema() {
    let dir = Dir::new();
    write(&dir, &manifest(SECRET, SCHEME).replace("match =", "schema = \"made\"\nmatch ="));
    let schema = r#"{"$defs":{"made":{
  "properties":{"type":{"pattern":"(?<=m)ade"}}}}}"#;
    dir.write("acme/schema.json", schema);
    let problem = "lookaround, backreferences and Unicode properties are not supported; rewrite the pattern";
    let mistake = |place: &str, at: &str, pattern: &str| {
        format!("{place}: acme.made: {at}: is not checked against the pattern `{pattern}`: {problem}\n")
    };
    rejected(&dir, &mistake("acme/schema.json:2:35", "/type", "(?<=m)ade"));
    dir.write("acme/schema.json", r#"{"$defs":{"made":{"patternProperties":{"^(?!x)i":{}}}}}"#);
    dir.write("acme/events/made.json", r#"{"type":"made"}"#);
    rejected(&dir, &mistake("acme/schema.json:1:50", "/type", "^(?!x)i"));
}

#[test]
fn a_vector_with_another_verdict_is_rejected() {
    let dir = Dir::new();
    write(&dir, &manifest(SECRET, SCHEME));
    let vector = |signature: &str, count: usize| {
        serde_json::json!({"count": count, "vectors": [{
            "id": "one", "note": "", "source": "computed with Python's hmac", "secrets": ["acme-secret"], "at": null,
            "request": {
                "method": "POST", "target": "/acme", "headers": [["x-acme", signature]],
                "body": r#"{"type":"made","id":"evt_1"}"#,
            },
            "verdict": "verified", "rejection": null, "scheme": "hex", "event": "made", "payload": "unknown",
        }]})
        .to_string()
    };
    dir.write("acme/vectors.json", vector("8aabee867f3e69075d3c5fcbb1619aed0c2f0d282fba46434b126ae69762eb0e", 1));
    sound(&dir);
    dir.write("acme/vectors.json", vector("00ff", 2));
    rejected(
        &dir,
        "2 mistakes in the provider directory acme:\n  \
         acme/vectors.json:1:10: `count` is 2, but the file has 1\n  \
         acme/vectors.json:1:29: vector one: expected verified (scheme hex, rejection -, event made, payload unknown), \
         got rejected (scheme -, rejection no-matching-signature, event made, payload unknown)\n",
    );
}

#[test]
fn a_directory_without_providers_is_an_error() {
    let dir = Dir::new();
    dir.hookdev()
        .args(["events", "--providers", "no-such-directory"])
        .exits(2)
        .stdout("")
        .says("error: can't read the provider directory no-such-directory\ncaused by: ");
    dir.write("empty/README.md", "");
    dir.hookdev()
        .args(["events", "--providers", "empty"])
        .exits(2)
        .stdout("")
        .stderr("error: no provider in empty: neither it nor a directory in it has a provider.toml\n");
}

#[test]
fn nested_directories_and_repeated_flags_are_read() {
    let dir = Dir::new();
    write(&dir, &manifest(SECRET, SCHEME));
    for (place, name) in [("many/one", "one"), ("many/two", "two"), ("many/no-provider", "")] {
        dir.write(&format!("{place}/events/made.json"), r#"{"type":"made"}"#);
        if !name.is_empty() {
            let manifest = manifest(SECRET, SCHEME)
                .replacen("acme", name, 1)
                .replace("made\" }", &format!("made\", n = \"{name}\" }}"));
            dir.write(&format!("{place}/provider.toml"), manifest);
            dir.write(&format!("{place}/events/made.json"), format!("{{\"type\":\"made\",\"n\":\"{name}\"}}"));
        }
    }
    let names = |finished: crate::harness::Finished| -> Vec<String> {
        finished.lines().iter().map(|line| crate::harness::text(line, "/name").to_owned()).collect()
    };
    let listed =
        dir.hookdev().args(["events", "*.made", "--json", "--providers", "many", "--providers", "acme"]).exits(0);
    let mut listed = names(listed);
    listed.sort();
    assert_eq!(listed, ["acme.made", "one.made", "two.made"]);
    dir.write("conf/hookdev.toml", "providers = [\"../many/one\", \"../acme\"]\n");
    let mut listed = names(dir.hookdev().inside(&dir.join("conf")).args(["events", "*.made", "--json"]).exits(0));
    listed.sort();
    assert_eq!(listed, ["acme.made", "one.made"]);
}

#[test]
fn replacing_a_built_in_provider_is_reported() {
    let dir = Dir::new();
    write(&dir, &manifest(SECRET, SCHEME).replacen("acme", "cyanite", 1));
    let finished = dir.hookdev().args(["events", "cyanite.*", "--providers", "acme", "--json"]).exits(0);
    let finished = finished.stderr("note: the provider `cyanite` from acme replaces the other provider of that name\n");
    assert_eq!(crate::harness::text(&finished.line(), "/name"), "cyanite.made");
    let mut listener = dir.listen().args(["--providers", "acme"]).starts();
    listener.says("note: the provider `cyanite` from acme replaces the other provider of that name\n");
    dir.send("cyanite.made", listener.url("/cyanite")).args(["--providers", "acme"]).exits(0);
    assert_eq!(listener.next()["event"], "cyanite.made");

    // Someone else may have written a config that is found.
    dir.write("hookdev.toml", "providers = [\"acme\"]\n");
    let origin = dir.join("acme").canonicalize().unwrap();
    let warning =
        format!("the provider `cyanite` from {} replaces the other provider of that name\n", origin.display());
    dir.hookdev().args(["events", "cyanite.*", "-q"]).exits(0).says(&warning);
}

#[test]
fn a_custom_provider_can_do_everything_a_built_in_one_can() {
    let dir = Dir::new();
    let own = manifest("env = \"ACME_SECRET\"\ndevelopment = \"acme-secret\"", SCHEME)
        .replace(
            "success = [\"2xx\"]",
            "success = [\"202\"]\ntimeout = \"1s\"\nuser_agent = \"Acme/1\"\nid = \"evt_{hex:8}\"",
        )
        .replace("[[event]]", "[fresh]\nid = \"{id}\"\n\n[[event]]");
    write(&dir, &own);
    let with = |command: crate::harness::TestCommand| command.args(["--providers", "acme"]).env("ACME_SECRET", "mine");
    let mut listener = with(dir.listen()).starts();
    let attempt = with(dir.send("acme.made", listener.url("/acme")).arg("--json")).exits(0).line();
    assert_eq!((&attempt["status"], &attempt["reason"]), (&202.into(), &"Acme expects exactly 202".into()));
    let delivery = listener.next();
    assert_eq!((&delivery["verdict"], &delivery["secret"]), (&"verified".into(), &"env:ACME_SECRET".into()));
    let body: serde_json::Value = serde_json::from_str(crate::harness::text(&delivery, "/request/body")).unwrap();
    let id = crate::harness::text(&body, "/id").strip_prefix("evt_").unwrap().to_owned();
    assert!(id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    let mut refusing = with(dir.listen()).args(["--respond", "200"]).starts();
    with(dir.send("acme.made", refusing.url("/acme")))
        .exits(1)
        .prints("Acme counts 200 as failed; it expects exactly 202");
    assert_eq!(refusing.next()["warnings"][0], "Acme counts 200 as failed; it expects exactly 202");
    // Its name is one of `--secret`, `--provider`, `--expect` and the config.
    dir.write("hookdev.toml", "[provider.acme]\nsecret = \"env:ACME_SECRET\"\n");
    with(dir.listen())
        .args(["--provider", "acme", "--expect", "acme.made", "--timeout", "10ms"])
        .exits(1)
        .says("error: timed out waiting for: acme.made (0 of 1 received)\n");
}

#[test]
fn a_path_of_a_summary_that_no_payload_has_is_noted() {
    let dir = Dir::new();
    let check = |manifest: String| {
        write(&dir, &manifest);
        dir.hookdev().args(["providers", "check", "acme"]).exits(0)
    };
    let of_event = manifest(SECRET, SCHEME).replace("[[event]]", "[[event]]\nsummary = \"order {typ}\"");
    check(of_event)
        .says("the summary of acme.made lacks a value: there is no `typ` in the payload; the nearest is `type`");
    let of_all = format!("summary = \"order {{typ}}\"\n{}", manifest(SECRET, SCHEME));
    check(of_all).says("the summary of Acme lacks a value: there is no `typ` in the payload; the nearest is `type`");
    let right = manifest(SECRET, SCHEME).replace("[[event]]", "[[event]]\nsummary = \"order {type}\"");
    assert_eq!(check(right).stderr, "");
}

#[test]
fn a_path_of_fresh_that_no_payload_has_is_noted() {
    let dir = Dir::new();
    write(&dir, &manifest(SECRET, SCHEME).replace("[delivery]", "[fresh]\ntyp = \"{uuid}\"\n\n[delivery]"));
    dir.hookdev()
        .args(["providers", "check", "acme"])
        .exits(0)
        .says("[fresh] of Acme renews nothing: there is no `typ` in the payload; the nearest is `type`");
}

#[test]
fn a_name_of_a_built_in_provider_is_noted() {
    let dir = Dir::new();
    write(&dir, &manifest(SECRET, SCHEME).replace("name = \"acme\"", "name = \"stripe\""));
    dir.hookdev()
        .args(["providers", "check", "acme"])
        .exits(0)
        .says("acme/provider.toml:1:8: it replaces the built-in provider of that name");
}
