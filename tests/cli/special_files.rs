//! Files that configure hookdev are regular files of at most 1 MiB. Anything else is one clear error, and TAB stays
//! quiet. Captures that links lead to are regular files too.

use std::fs;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::harness::{AUPHONIC, Dir, TestCommand, capture, post};

/// Puts something that isn't a regular file of text in the place of a file, and returns why it can't be read.
const SPECIAL: [(&str, &str); 6] = [
    ("pipe", "it is a named pipe, not a regular file"),
    ("/dev/zero", "it is a device, not a regular file"),
    ("/dev/urandom", "it is a device, not a regular file"),
    ("directory", "it is a directory, not a regular file"),
    ("20 MB", "it is larger than 1 MiB"),
    ("Latin-1", "it is not UTF-8 text"),
];

fn put(dir: &Dir, name: &str, what: &str) {
    let path = dir.join(name);
    if path.is_dir() {
        fs::remove_dir(&path).unwrap();
    } else if path.symlink_metadata().is_ok() {
        fs::remove_file(&path).unwrap();
    }
    match what {
        "pipe" => mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap(),
        "directory" => fs::create_dir(&path).unwrap(),
        "20 MB" => fs::write(&path, vec![b'#'; 20_000_000]).unwrap(),
        "Latin-1" => fs::write(&path, b"# caf\xe9\n").unwrap(),
        device => std::os::unix::fs::symlink(device, &path).unwrap(),
    }
}

fn verify(dir: &Dir) -> TestCommand {
    dir.hookdev().args(["verify", "missing", "-q"])
}

#[track_caller]
fn refuses(command: TestCommand, message: &str, cause: &str) {
    command.exits(2).stdout("").stderr(&format!("error: {message}\ncaused by: {cause}\n"));
}

/// Asserts that a provider's directory only causes a warning, unless the provider is named.
fn refuses_provider(dir: &Dir, providers: &str, message: &str, cause: &str) {
    let warning = format!("warning: can't use the provider `acme`: {message}: {cause}\n");
    let events = |name: &str| dir.hookdev().args(["events", name, "-q", "--providers", providers]);
    events("cyanite.v2.finished").exits(0).stdout("cyanite.v2.finished\n").stderr(&warning);
    refuses(events("acme"), message, cause);
}

/// Asserts what TAB offers after `send cyanite.v2.fi`.
fn completes(dir: &Dir, more: &[&str]) {
    let words = [&["--", "hookdev"], more, &["send", "cyanite.v2.fi"]].concat();
    let index = (words.len() - 2).to_string();
    let command = dir.hookdev().args(&words).env("COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", index);
    command.exits(0).stdout("cyanite.v2.finished").stderr("");
}

#[test]
fn a_config_is_a_regular_file_of_text() {
    let dir = Dir::new();
    for (what, cause) in SPECIAL {
        put(&dir, "hookdev.toml", what);
        let path = dir.join("hookdev.toml");
        refuses(dir.hookdev().arg("events"), &format!("can't read the config {}", path.display()), cause);
        let named = ["events", "--config", "hookdev.toml"];
        refuses(dir.hookdev().args(named), "can't read the config hookdev.toml", cause);
        completes(&dir, &[]);
        completes(&dir, &["--config", "hookdev.toml"]);
    }
}

#[test]
fn an_env_file_is_a_regular_file_of_text() {
    let dir = Dir::new();
    dir.write("hookdev.toml", "env_file = \".env\"\n");
    for (what, cause) in SPECIAL {
        put(&dir, ".env", what);
        let named = verify(&dir).args(["--config", "hookdev.toml"]);
        refuses(named, "can't read the env file .env", cause);
        completes(&dir, &[]);
    }
}

#[test]
fn a_secret_file_is_a_regular_file_of_text() {
    let dir = Dir::new();
    dir.write("hookdev.toml", "[provider.cyanite]\nsecret = \"file:secret\"\n");
    for (what, cause) in SPECIAL {
        put(&dir, "secret", what);
        let message = "can't read the secret file secret";
        refuses(verify(&dir).args(["--no-config", "--secret", "cyanite=file:secret"]), message, cause);
        refuses(verify(&dir).args(["--config", "hookdev.toml"]), message, cause);
        completes(&dir, &[]);
    }
    dir.write("empty", "");
    verify(&dir).args(["--no-config", "--secret", "cyanite=file:empty"]).exits(2).stderr(
        "error: invalid Cyanite secret from file:empty: it is empty\n\
         hint: set it to the secret that the provider shows, or remove the setting\n",
    );
}

#[test]
fn the_files_of_a_provider_are_regular_files_of_text() {
    let dir = Dir::new();
    let manifest = "name = \"acme\"\ntitle = \"Acme\"\nabout = \"A test\"\n[delivery]\nsuccess = [\"2xx\"]\n\
                    [[event]]\nname = \"made\"\nabout = \"A test\"\nmatch = { type = \"made\" }\n";
    for file in ["provider.toml", "schema.json", "events/made.json"] {
        for (what, cause) in SPECIAL.into_iter().filter(|(what, _)| *what != "directory" || file == "provider.toml") {
            dir.write("providers/acme/events/made.json", "{\"type\":\"made\"}");
            dir.write("providers/acme/provider.toml", manifest);
            put(&dir, &format!("providers/acme/{file}"), what);
            let cause = match what {
                "/dev/zero" | "/dev/urandom" => "it is a link; a provider's files are regular files",
                _ => cause,
            };
            refuses_provider(&dir, "providers", &format!("can't read providers/acme/{file}"), cause);
            completes(&dir, &["--providers", "providers"]);
            put(&dir, &format!("providers/acme/{file}"), "Latin-1");
            fs::remove_file(dir.join(&format!("providers/acme/{file}"))).unwrap();
        }
    }
}

#[test]
fn the_files_of_a_provider_are_bounded_together() {
    let dir = Dir::new();
    dir.write("acme/provider.toml", "");
    for number in 0..17 {
        dir.write(&format!("acme/{number}.json"), vec![b' '; 1 << 20]);
    }
    let refused = |cause| refuses_provider(&dir, "acme", "can't read the provider directory acme", cause);
    refused("its files are larger than 16 MiB");
    for number in 0..17 {
        fs::remove_file(dir.join(&format!("acme/{number}.json"))).unwrap();
    }
    for number in 0..10_000 {
        fs::create_dir(dir.join(&format!("acme/{number}"))).unwrap();
    }
    refused("it has more than 10,000 entries");
}

#[test]
fn a_time_zone_that_is_not_a_regular_file_is_utc() {
    let dir = Dir::new();
    for zone in ["/dev/zero", ":/dev/zero", ":../../../dev/zero", "directory"] {
        fs::create_dir_all(dir.join("directory")).unwrap();
        let options = ["listen", "--addr", "127.0.0.1:0", "--count", "1", "--color", "never", "--body", "none"];
        let now = ["--now", "2026-11-29T10:04:12Z"];
        let listener = dir.hookdev().args(options).args(now).env("TZ", zone).starts_for_people();
        post(&listener.url("/auphonic"), &[], "status=3");
        listener.exits(0).prints("  10:04:12.000  POST /auphonic\n");
    }
}

/// The links of a checkout, which a glob on the command line names.
#[test]
fn a_capture_behind_a_link_is_a_regular_file() {
    let dir = Dir::new();
    mknodat(CWD, dir.join("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    dir.write("capture.json", capture(&[], AUPHONIC).to_string());
    for (link, target) in
        [("to-pipe", "pipe"), ("to-zero", "/dev/zero"), ("to-devices", "/dev"), ("to-capture", "capture.json")]
    {
        std::os::unix::fs::symlink(target, dir.join(link)).unwrap();
    }
    for (path, cause) in [
        ("to-pipe", "it is a link to a named pipe, not to a regular file"),
        ("to-zero", "it is a link to a device, not to a regular file"),
        ("to-devices/zero", "it is a link to a device, not to a regular file"),
    ] {
        let expected = format!("error: can't read {path}\ncaused by: {cause}\n");
        for options in [&[][..], &["--header", "x: y"]] {
            let verify = dir.hookdev().args(["verify", path, "-q"]).args(options);
            verify.exits(3).stdout("").stderr(&expected);
        }
        dir.hookdev().args(["diff", path, "capture.json"]).exits(3).stdout("").stderr(&expected);
        dir.send(path, "http://127.0.0.1:9/").exits(3).stdout("").stderr(&expected);
    }
    dir.hookdev().args(["verify", "to-capture", "-q", "--provider", "auphonic"]).exits(0).stdout("").stderr("");
}

#[test]
fn the_data_behind_a_link_is_a_regular_file_and_has_a_limit() {
    let dir = Dir::new();
    put(&dir, "zero.json", "/dev/zero");
    mknodat(CWD, dir.join("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    std::os::unix::fs::symlink("pipe", dir.join("piped.json")).unwrap();
    fs::File::create(dir.join("large.json")).unwrap().set_len((64 << 20) + 1).unwrap();
    for (name, cause) in [
        ("zero.json", "it is a link to a device, not to a regular file"),
        ("piped.json", "it is a link to a named pipe, not to a regular file"),
        ("/dev/zero", "it is larger than 64 MiB"),
        ("large.json", "it is larger than 64 MiB"),
    ] {
        let send = dir.send("cyanite.v2.finished", "http://127.0.0.1:1/").args(["--data", name]);
        send.exits(3).stdout("").stderr(&format!("error: can't read {name}\ncaused by: {cause}\n"));
    }
}
