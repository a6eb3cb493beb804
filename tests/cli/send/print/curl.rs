//! What `--print curl` prints, run by `sh`, sends what `send` itself sends.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use crate::harness::{Dir, Endpoint, respond};

/// Runs a script with `sh` and checks that it succeeds.
#[track_caller]
fn sh(script: &[u8]) {
    let mut sh = Command::new("sh").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    sh.stdin.take().unwrap().write_all(script).unwrap();
    let output = sh.wait_with_output().unwrap();
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
}

/// Checks that the printed command sends the same request, byte for byte, as the send itself.
#[track_caller]
fn same(event: &str, path: &str, options: &[&str], data: Option<&[u8]>) {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let command = || {
        let pinned = ["--now", "2025-01-01T12:00:00Z", "--id", "an-id"];
        let send = dir.send(event, endpoint.url(path)).args(pinned).args(options);
        match data {
            Some(bytes) => send.args(["--data", "-"]).stdin(bytes),
            None => send,
        }
    };
    command().exits(0);
    let sent = endpoint.next();
    sh(&command().args(["--print", "curl"]).exits(0).stdout);
    let curled = endpoint.next();
    assert_eq!(curled.start, sent.start);
    assert_eq!(curled.headers_but(&[]), sent.headers_but(&[]));
    assert_eq!(curled.body, sent.body);
    if let Some(bytes) = data {
        assert_eq!(sent.body, bytes);
    }
}

#[test]
fn events_of_every_provider() {
    for event in
        ["cyanite.v2.finished", "cyanite.v1.test", "auphonic.done", "aspect.task.failed", "jewelmusic.release.live"]
    {
        same(event, "/hooks", &[], None);
    }
}

#[test]
fn a_url_with_shell_syntax() {
    same("cyanite.v2.finished", "/a%20b/$HOME/;&?x=1&y='2'#", &[], None);
}

#[test]
fn a_url_that_curl_would_take_for_several() {
    for path in ["/hooks?q=[1-5]", "/hooks?q={a,b}", "/hooks/[a-z]?q={1}&r=[", "/?q=]", "/?q=}"] {
        same("cyanite.v2.finished", path, &[], None);
    }
    let dir = Dir::new();
    let printed = |url: &str| dir.send("cyanite.v2.finished", url).args(["--print", "curl"]).exits(0);
    printed("http://127.0.0.1:1/?q=[1-5]")
        .prints("curl -sS -i --globoff --request POST --url 'http://127.0.0.1:1/?q=[1-5]' ");
    printed("http://127.0.0.1:1/?q=1").prints("curl -sS -i --request POST --url 'http://127.0.0.1:1/?q=1' ");
}

#[test]
fn bodies_with_shell_syntax() {
    for body in [
        "it's \"quoted\" `id` $HOME $(id) \\ \\n !! ~ * ? [a] {b,c} # | & ; < >",
        "'",
        "''''",
        "line one\nline two\n\n",
        "\r\n\ttab\r\n",
        "%s %d %% \\101",
        "-n -e --data x",
        "ü 漢字 \u{202e} \u{1b}[31m",
    ] {
        same("cyanite.v2.finished", "/", &[], Some(body.as_bytes()));
    }
}

#[test]
fn bodies_with_curl_syntax() {
    for body in ["@/etc/passwd", "@", "@-", "<file", "a=b&c=d"] {
        same("cyanite.v2.finished", "/", &[], Some(body.as_bytes()));
    }
}

#[test]
fn binary_bodies() {
    let every_byte: Vec<u8> = (0..=255).collect();
    let bodies: [&[u8]; 4] = [b"\0", b"a\0b\0\0", b"\xff\xfe\x80 ends in a line feed\n", &every_byte];
    for body in bodies {
        same("cyanite.v2.finished", "/", &[], Some(body));
    }
}

#[test]
fn an_empty_body() {
    same("cyanite.v2.finished", "/", &[], Some(b""));
}

#[test]
fn a_body_longer_than_an_argument_can_be() {
    for length in [65_536, 65_537, 131_072, 1_200_000] {
        let body: Vec<u8> = b"it's long; ".iter().copied().cycle().take(length).collect();
        same("cyanite.v2.finished", "/", &[], Some(&body));
    }
}

#[test]
fn headers_with_shell_or_curl_syntax() {
    for header in
        ["X-Quote: it's $HOME `id`", "X-Empty:", "X-At: @file", "X-Semicolon: a;", "X-Colon: a: b", "X-Latin: Zoë"]
    {
        same("cyanite.v2.finished", "/", &["--header", header], None);
    }
}
