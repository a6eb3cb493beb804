//! No secret, and no signature that a rejected delivery should have had, is printed, captured or put in a response:
//! every command runs with recognisable secrets, and all of its output is searched.

use std::fs;

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::harness::{Dir, Endpoint, Finished, Message, Signed, TestCommand, post, respond};

/// Each provider with an event and a recognisable secret.
const PROVIDERS: [(&str, &str, &str); 3] = [
    ("cyanite", "cyanite.v2.finished", "LEAKED-secret-of-cyanite"),
    ("aspect", "aspect.task.failed", "whsec_TEVBS0VELXNlY3JldC1vZi1hc3BlY3Q="),
    ("jewelmusic", "jewelmusic.release.live", "LEAKED-secret-of-jewelmusic"),
];

/// The key in Aspect's secret, which holds it in base64.
const ASPECT_KEY: &str = "LEAKED-secret-of-aspect";

/// How a run gets its secrets.
#[derive(Clone, Copy, Debug)]
enum SecretInput {
    Flag,
    FileOfAFlag,
    Environment,
    Config,
    EnvFile,
}

const WAYS: [SecretInput; 5] =
    [SecretInput::Flag, SecretInput::FileOfAFlag, SecretInput::Environment, SecretInput::Config, SecretInput::EnvFile];

impl SecretInput {
    /// Writes the files it needs.
    fn prepare(self, dir: &Dir) {
        let each = |line: fn(&str, &str) -> String| PROVIDERS.map(|(name, _, secret)| line(name, secret)).concat();
        match self {
            Self::Flag | Self::Environment => {}
            Self::FileOfAFlag => PROVIDERS.iter().for_each(|(name, _, secret)| dir.write(name, secret)),
            Self::Config => {
                dir.write("hookdev.toml", each(|name, secret| format!("[provider.{name}]\nsecret = \"{secret}\"\n")));
            }
            Self::EnvFile => {
                dir.write("hookdev.toml", "env_file = \".env\"\n");
                dir.write(".env", each(|name, secret| format!("{}={secret}\n", variable(name))));
            }
        }
    }

    fn apply(self, mut command: TestCommand) -> TestCommand {
        for (name, _, secret) in PROVIDERS {
            command = match self {
                Self::Flag => command.args(["--secret", &format!("{name}={secret}")]),
                Self::FileOfAFlag => command.args(["--secret", &format!("{name}=file:{name}")]),
                Self::Environment => command.env(&variable(name), secret),
                Self::Config | Self::EnvFile => command,
            };
        }
        command
    }
}

fn variable(provider: &str) -> String {
    format!("{}_WEBHOOK_SECRET", provider.to_uppercase())
}

/// All output in lower case, each part with a description.
#[derive(Default)]
struct Haystack(Vec<(String, String)>);

impl Haystack {
    fn add(&mut self, what: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.push((what.into(), String::from_utf8_lossy(&bytes.into()).to_ascii_lowercase()));
    }

    fn run(&mut self, what: impl Into<String>, finished: Finished) {
        let what = what.into();
        self.add(format!("stderr of {what}"), finished.stderr);
        self.add(format!("stdout of {what}"), finished.stdout);
    }

    fn response(&mut self, what: &str, response: &Message) {
        self.add(format!("response to {what}"), format!("{}\n{:?}", response.start, response.headers));
        self.add(format!("body of the response to {what}"), response.body.clone());
    }

    fn directory(&mut self, dir: &Dir, name: &str) {
        for file in dir.names(name) {
            self.add(format!("{name}/{file}"), fs::read(dir.join(name).join(&file)).unwrap());
            self.add("the name of a file", file);
        }
    }

    /// Asserts that a text occurs nowhere, in any usual encoding.
    #[track_caller]
    fn lacks(&self, needle: &str) {
        let hex = needle.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let base64 = BASE64_STANDARD.encode(needle);
        for written in [needle, &hex, base64.trim_end_matches('=')] {
            for (what, text) in &self.0 {
                let found = text.contains(&written.to_ascii_lowercase());
                assert!(!found, "{written} leaked into {what}:\n{text}");
            }
        }
    }

    #[track_caller]
    fn lacks_every_secret(&self) {
        for (_, _, secret) in PROVIDERS {
            self.lacks(secret.trim_start_matches("whsec_"));
        }
        self.lacks(ASPECT_KEY);
        self.lacks("LEAKED");
    }
}

#[test]
fn the_search_finds_a_leak() {
    let mut haystack = Haystack::default();
    haystack.add("a text", format!("…{}…", BASE64_STANDARD.encode("LEAKED")));
    let found = std::panic::catch_unwind(|| haystack.lacks("LEAKED")).unwrap_err();
    assert!(found.downcast_ref::<String>().unwrap().starts_with("TEVBS0VE leaked into a text:"));
}

#[test]
fn no_way_to_give_a_secret_shows_it() {
    for way in WAYS {
        for format in ["pretty", "json"] {
            let dir = Dir::new();
            way.prepare(&dir);
            let mut haystack = Haystack::default();
            receive(&dir, way, format, &mut haystack);
            send(&dir, way, format, &mut haystack);
            verify(&dir, way, format, &mut haystack);
            describe(&dir, way, format, &mut haystack);
            haystack.directory(&dir, "captures");
            haystack.directory(&dir, "sent");
            assert!(haystack.0.len() > 60, "{}", haystack.0.len());
            haystack.lacks_every_secret();
        }
    }
}

/// Valid deliveries and all kinds of bad ones, to a listener that captures them.
fn receive(dir: &Dir, way: SecretInput, format: &str, haystack: &mut Haystack) {
    let options = ["--capture", "captures", "--expect", "cyanite.v1.test", "--body", "full"];
    let listen = dir.hookdev().args(["listen", "--addr", "127.0.0.1:0", "--format", format]).args(options);
    let listener = match format {
        "json" => way.apply(listen).starts(),
        _ => way.apply(listen).starts_for_people(),
    };
    let mut expected = Vec::new();
    for (provider, event, _) in PROVIDERS {
        let print = |options: &[&str]| {
            let printed =
                way.apply(dir.hookdev().args(["send", event, "--print", "json", "--id", "evt_1"]).args(options));
            Signed::of(&printed.exits(0).line())
        };
        let url = listener.url(&format!("/{provider}"));
        let good = print(&[]);
        haystack.response("a good delivery", &post(&url, &good.headers(), &good.body));
        haystack.response("none", &post(&url, &[], &good.body));
        // The signature that another body would need, and doesn't get.
        dir.write("tampered", b"{\"tampered\":true}");
        let right = print(&["--data", "tampered"]);
        let is_signature = |name: &str| name.ends_with("signature");
        let signature = right.headers().iter().find(|(name, _)| is_signature(name)).unwrap().1.to_owned();
        expected.push(signature.trim_start_matches("v1,").trim_start_matches("sha256=").to_owned());
        haystack.response("a tampered one", &post(&url, &good.headers(), b"{\"tampered\":true}"));
        let name = good.headers().iter().find(|(name, _)| is_signature(name)).unwrap().0.to_owned();
        for value in ["", "nonsense", "v1,AAAA", "sha256=00", "t=1,v1=00"] {
            haystack.response("a wrong one", &post(&url, &[(&name, value)], b"{\"tampered\":true}"));
        }
    }
    post(&listener.url("/cyanite"), &[], r#"{"type":"TEST","data":null}"#);
    haystack.run("listen", listener.exits(0));
    haystack.directory(dir, "captures");
    haystack.run(
        "verify of what was received",
        way.apply(dir.hookdev().args(["verify", "captures", "--format", format])).exits(1),
    );
    for signature in expected {
        haystack.lacks(&signature);
    }
}

/// Deliveries that are accepted, refused, unreachable, printed and mistyped.
fn send(dir: &Dir, way: SecretInput, format: &str, haystack: &mut Haystack) {
    let endpoint = Endpoint::new([respond(200)]);
    let refusing = Endpoint::new([respond(500).body("Error: boom")]);
    for (_, event, _) in PROVIDERS {
        let sends: [(&str, i32, &[&str]); 8] = [
            ("good", 0, &["--to", &endpoint.url("/"), "--capture", "sent"]),
            ("refused", 1, &["--to", &refusing.url("/")]),
            ("unreachable", 4, &["--to", "http://127.0.0.1:1/"]),
            ("curl", 0, &["--print", "curl"]),
            ("http", 0, &["--print", "http"]),
            ("json", 0, &["--print", "json"]),
            ("mistaken", 2, &["--set", "no.such=field"]),
            ("unread", 3, &["--data", "no-such-file"]),
        ];
        for (what, exit, options) in sends {
            let command = dir.hookdev().args(["send", event, "--format", format]).args(options);
            haystack.run(format!("send, {what}"), way.apply(command).exits(exit));
            if what == "good" {
                let request = endpoint.next();
                haystack.add("a request", format!("{}\n{:?}", request.start, request.headers));
                haystack.add("the body of a request", request.body);
            }
        }
    }
}

/// Captures that can't be read.
fn verify(dir: &Dir, way: SecretInput, format: &str, haystack: &mut Haystack) {
    dir.write("broken.ndjson", "{\"request\":{}}\nnonsense\n");
    for file in ["broken.ndjson", "no-such-file"] {
        haystack.run("verify", way.apply(dir.hookdev().args(["verify", file, "--format", format])).exits(3));
    }
    let mistaken = dir.hookdev().args(["verify", "sent", "--provider", "cyanit", "--format", format]);
    haystack.run("verify, mistaken", way.apply(mistaken).exits(2));
}

/// Commands that need no secrets.
fn describe(dir: &Dir, way: SecretInput, format: &str, haystack: &mut Haystack) {
    let commands: [&[&str]; 6] = [
        &["events", "--show"],
        &["demo"],
        &["completions", "bash"],
        &["--help"],
        &["listen", "--help"],
        &["--version"],
    ];
    for command in commands {
        let all = dir.hookdev().args(command);
        let all = if command[0].starts_with("--") { all } else { all.args(["--format", format]) };
        haystack.run(command.join(" "), way.apply(all).exits(0));
    }
    haystack.run("a mistaken flag", way.apply(dir.hookdev().args(["listen", "--no-such-flag"])).exits(2));
    haystack.run("a flag twice", way.apply(dir.hookdev().args(["events", "--quiet", "--quiet"])).exits(2));
}

#[test]
fn no_invalid_secret_is_shown() {
    let mut haystack = Haystack::default();
    for flag in [
        "aspect=whsec_LEAKED-no-base64",
        "cyanite='LEAKED'",
        "cyanite=LEAKED\n",
        "cyanite= LEAKED",
        "auphonic=LEAKED",
        "cyanite=\"LEAKED\"",
    ] {
        let dir = Dir::new();
        let arguments: [&[&str]; 2] = [&["verify", "missing"], &["listen", "--addr", "127.0.0.1:0"]];
        for command in arguments {
            haystack.run(flag.replace("LEAKED", "…"), dir.hookdev().args(command).args(["--secret", flag]).exits(2));
        }
    }
    haystack.lacks("LEAKED");
}

#[test]
fn no_mistake_in_a_config_or_env_file_shows_a_secret() {
    let mut haystack = Haystack::default();
    for config in [
        "[provider.cyanite]\nsecrets = \"LEAKED\"\n",
        "[provider.cyanite]\nsecret = \"LEAKED\"\nendpoit = \"x\"\n",
        "[provider.cyanite]\nsecret = \"LEAKED\n",
        "[provider.cyanite]\nsecret = LEAKED\n",
        "[provider.cyanite]\nsecret = 'LEAKED' trailing\n",
        "[provider.cyanite]\nsecret = { value = \"LEAKED\" }\n",
        "[provider.cyanite]\nsecret = [\"LEAKED\", 5]\n",
        "[provider.cyanite]\nsecret = \"\\qLEAKED\"\n",
        "[provider.cyanite]\nsecret = \"a\"\nsecret = \"LEAKED\"\n",
        "[provider]\ncyanite = \"LEAKED\"\n",
        "provider = \"LEAKED\"\n",
        "listen = \"LEAKED\"\n",
        "[provider.cyanite]\nsecret = \"'LEAKED'\"\n",
        "[provider.auphonic]\nsecret = \"LEAKED\"\nx = 1\n",
    ] {
        let dir = Dir::new();
        dir.write("hookdev.toml", config);
        for command in [&["verify", "missing"][..], &["events"], &["listen", "--addr", "127.0.0.1:0"]] {
            let (code, finished) = dir.hookdev().args(command).ends();
            let is_of_a_secret = config.contains("'LEAKED'\"") && command[0] == "events";
            assert_eq!(code, Some(if is_of_a_secret { 0 } else { 2 }), "{config}\n{finished}");
            haystack.run(config.replace("LEAKED", "…"), finished);
        }
    }
    for env_file in ["LEAKED\n", "1=LEAKED\n", "A B=LEAKED\n", "CYANITE_WEBHOOK_SECRET='LEAKED\n"] {
        let dir = Dir::new();
        dir.write("hookdev.toml", "env_file = \".env\"\n");
        dir.write(".env", env_file);
        haystack.run(env_file.replace("LEAKED", "…"), dir.hookdev().args(["verify", "missing"]).ends().1);
    }
    haystack.lacks("LEAKED");
}

#[test]
fn no_broken_change_of_the_config_shows_a_secret() {
    let dir = Dir::new();
    dir.write("hookdev.toml", "");
    let mut listener = dir.listen().starts();
    for config in ["[provider]\ncyanite = \"LEAKED\"\n", "[provider.cyanite]\nsecret = \"'LEAKED'\"\n"] {
        dir.write("hookdev.toml", config);
        listener.says("hint: still using the previous configuration; fix the error and save again\n");
    }
    let mut haystack = Haystack::default();
    haystack.run("listen", listener.killed());
    haystack.lacks("LEAKED");
}
