//! A config that was found rather than named: it is named on stderr, has the right owner, and reads secrets only below
//! its own directory.

use crate::harness::{Dir, Endpoint, PUBLIC_SECRET, respond};
#[cfg(unix)]
use crate::machine;

/// The line that names the config of a directory.
fn named(dir: &Dir) -> String {
    format!("config: {}\n", dir.join("hookdev.toml").display())
}

#[test]
fn a_found_config_that_decides_an_endpoint_is_named_even_when_quiet() {
    let dir = Dir::new();
    let endpoint = Endpoint::new([respond(200), respond(200), respond(200)]);
    dir.write("hookdev.toml", format!("[provider.cyanite]\nendpoint = \"{}\"\n", endpoint.url("/")));
    dir.write("deep/x", "");
    let warned = named(&dir) + PUBLIC_SECRET;
    let send = || dir.hookdev().args(["send", "cyanite.v2.finished", "-q"]);
    send().exits(0).stderr(&warned);
    send().inside(&dir.join("deep")).exits(0).stderr(&warned);
    send().args(["--config", "hookdev.toml"]).exits(0).stderr(PUBLIC_SECRET);
    let addr = format!("[listen]\naddr = \"127.0.0.1:{}\"\n", Endpoint::new([]).port());
    dir.write("hookdev.toml", addr);
    dir.hookdev().args(["send", "cyanite.v2.finished", "-q", "--print", "json"]).exits(0).stderr(&warned);
    dir.hookdev()
        .args(["send", "cyanite.v2.finished", "-q", "--to", &endpoint.url("/"), "--print", "json"])
        .exits(0)
        .stderr(PUBLIC_SECRET);
    dir.hookdev().arg("events").exits(0).stderr("");
}

#[test]
fn a_found_config_that_decides_a_secret_is_named_even_when_quiet() {
    let dir = Dir::new();
    dir.write("capture.http", "POST /cyanite HTTP/1.1\nsignature: 00\n\n{}");
    let verify = || dir.hookdev().args(["verify", "capture.http", "-q"]);
    let printed = |config: &str, files: &[(&str, &str)]| {
        dir.write("hookdev.toml", config);
        for (name, text) in files {
            dir.write(name, text);
        }
        verify().exits(1).stderr
    };
    assert_eq!(printed("", &[]), "");
    assert_eq!(printed("[provider.cyanite]\nsecret = \"file:secret\"\n", &[("secret", "mine")]), named(&dir));
    assert_eq!(printed("env_file = \".env\"\n", &[(".env", "OTHER=1\n")]), "");
    assert_eq!(printed("env_file = \".env\"\n", &[(".env", "CYANITE_WEBHOOK_SECRET=mine\n")]), named(&dir));
    let flag = verify().args(["--secret", "cyanite=env:MINE"]);
    dir.write(".env", "MINE=mine\n");
    flag.exits(1).stderr(&named(&dir));
    // The environment takes precedence.
    dir.write(".env", "CYANITE_WEBHOOK_SECRET=mine\n");
    verify().env("CYANITE_WEBHOOK_SECRET", "other").exits(1).stderr("");
}

#[test]
fn a_found_config_that_decides_a_forward_is_named_once() {
    let dir = Dir::new();
    let forward = "[[forward]]\nto = \"http://127.0.0.1:1/\"\n";
    dir.write("secret", "mine");
    dir.write("hookdev.toml", format!("{forward}[provider.cyanite]\nsecret = \"file:secret\"\n"));
    let printed = dir.listen().arg("-q").starts().killed().stderr;
    assert_eq!(printed.matches("config: ").count(), 1, "{printed}");
    assert!(printed.contains(&named(&dir)), "{printed}");
    let printed =
        dir.listen().args(["--forward", "http://127.0.0.1:2/", "--config", "hookdev.toml"]).starts().killed().stderr;
    assert_eq!(printed.matches("config: ").count(), 0, "{printed}");
}

#[cfg(unix)]
#[test]
fn secrets_of_a_found_config_are_below_its_directory() {
    use std::os::unix::fs::symlink;

    let dir = Dir::new();
    dir.write("outside", "topsecret");
    dir.write("repo/inside", "topsecret");
    symlink("../outside", dir.join("repo/link")).unwrap();
    symlink("inside", dir.join("repo/inner")).unwrap();
    let outside = dir.join("outside");
    let repo = dir.join("repo");
    let run = || dir.hookdev().args(["events", "cyanite.v2.finished"]).inside(&repo);
    let refused = |config: String, key: &str| {
        dir.write("repo/hookdev.toml", config);
        let path = repo.join("hookdev.toml");
        run().exits(2).stdout("").stderr(&format!(
            "error: {}: {key} is outside the directory of the config\n\
             hint: a config that hookdev finds by itself may read secrets only below its own directory; \
             name it with --config to lift that limit\n",
            path.display()
        ));
        run().args(["--config", "hookdev.toml"]).exits(0).stderr("");
        run().arg("--no-config").exits(0).stderr("");
    };
    for file in ["../outside", "link", "../no-such-file", outside.to_str().unwrap(), "/dev/zero"] {
        refused(format!("env_file = \"{file}\"\n"), &format!("env_file `{file}`"));
        let secret = format!("[provider.cyanite]\nsecret = [\"env:A\", \"file:{file}\"]\n");
        refused(secret, &format!("the secret file `{file}`"));
    }
    for file in ["inside", "inner", "../repo/inside"] {
        dir.write("repo/hookdev.toml", format!("[provider.cyanite]\nsecret = \"file:{file}\"\n"));
        run().exits(0).stderr("");
    }
}

#[cfg(unix)]
#[test]
fn another_users_config_is_refused() {
    use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};

    const OTHER: u32 = 54_321;
    const THIRD: u32 = 54_322;
    if !machine::is_root() {
        return;
    }
    let dir = Dir::new();
    // As /tmp: everyone may put a config there, above the directories of everyone else.
    dir.write("shared/project/x", "");
    let shared = dir.join("shared");
    std::fs::set_permissions(&shared, PermissionsExt::from_mode(0o1777)).unwrap();
    dir.write("shared/hookdev.toml", "[provider.cyanite]\nendpoint = \"http://127.0.0.1:1/evil\"\n");
    let path = shared.join("hookdev.toml");
    let work = shared.join("project");
    let send = || dir.hookdev().args(["send", "cyanite.v2.finished", "-q", "--print", "json"]).inside(&work);
    let refused = || {
        send().exits(2).stdout("").stderr(&format!(
            "error: the config {} belongs to another user (uid {OTHER})\n\
             hint: name it with --config to use it, or ignore it with --no-config\n",
            path.display()
        ));
    };
    send().exits(0).stderr(&format!("config: {}\n{PUBLIC_SECRET}", path.display()));
    chown(&path, Some(OTHER), None).unwrap();
    refused();
    send().args(["--config", "../hookdev.toml"]).exits(0).stderr(PUBLIC_SECRET);
    send().arg("--no-config").exits(0).stderr(PUBLIC_SECRET);
    // Trust doesn't change whose it is.
    dir.hookdev().arg("trust").inside(&work).exits(2).stdout("").says("belongs to another user");
    // A checkout that is mounted into a container belongs to its user, as do the directories in it.
    chown(&work, Some(OTHER), None).unwrap();
    send().exits(0).stderr(&format!("config: {}\n{PUBLIC_SECRET}", path.display()));
    chown(&work, Some(THIRD), None).unwrap();
    refused();
    // Another user's link to a file of root's, and root's link to another user's file.
    dir.write("roots.toml", "");
    std::fs::remove_file(&path).unwrap();
    symlink(dir.join("roots.toml"), &path).unwrap();
    send().exits(0).stderr(PUBLIC_SECRET);
    lchown(&path, Some(OTHER), None).unwrap();
    refused();
    lchown(&path, Some(0), None).unwrap();
    chown(dir.join("roots.toml"), Some(OTHER), None).unwrap();
    refused();
}
