//! Output and its streams: closed pipes, quiet runs, colour.

use crate::{
    harness::{
        CYANITE, CYANITE_HEADERS, Dir, Endpoint, NO_SECRETS, PUBLIC_SECRET, TestCommand, capture, post, respond, text,
    },
    machine::Port,
};

/// A log with this many valid captures.
fn log(count: usize) -> String {
    format!("{}\n", capture(&CYANITE_HEADERS, CYANITE)).repeat(count)
}

#[test]
fn a_closed_pipe_ends_every_command_quietly_with_exit_code_0() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    dir.write("log.ndjson", log(5000));
    let url = endpoint.url("/");
    let commands: [&[&str]; 9] = [
        &["events"],
        &["events", "--show", "--json"],
        &["send", "*", "--print", "json"],
        &["send", "*", "--print", "http"],
        &["send", "*", "--to", &url],
        &["verify", "log.ndjson"],
        &["verify", "log.ndjson", "--json"],
        &["completions", "bash"],
        &["demo"],
    ];
    for command in commands {
        let printed = dir.hookdev().args(command).unread().exits(0).stderr.replace(NO_SECRETS, "");
        assert!(
            !printed.contains("error") && !printed.contains("warning") && !printed.contains("panicked"),
            "{command:?}: {printed}"
        );
    }
    dir.hookdev().arg("--help").unread().exits(0).stderr("");
    dir.hookdev().arg("--version").unread().exits(0).stderr("");
}

#[test]
fn a_closed_pipe_ends_listening() {
    let dir = Dir::new();
    dir.listen().unread().exits(0).stderr(NO_SECRETS);
    // Pretty output prints nothing before the first delivery.
    let mut port = Port::reserve();
    let addr = format!("127.0.0.1:{}", port.lend());
    let listener = dir.hookdev().args(["listen", "--addr", &addr]).unread().starts_for_people();
    assert_eq!(post(&listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE).status(), 200);
    let printed = listener.exits(0).stderr.replace(NO_SECRETS, "");
    assert!(!printed.contains("error") && !printed.contains("warning"), "{printed}");
}

#[test]
fn a_quiet_send_prints_only_failures() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200), respond(204)]));
    let send = || dir.send("cyanite.v2.finished", endpoint.url("/"));
    send().arg("--quiet").exits(0).stdout("").stderr(PUBLIC_SECRET);
    send().arg("-q").exits(1).prints("cyanite.v2.finished  refused  204  ").stderr(PUBLIC_SECRET);
    send().args(["-q", "--json"]).exits(1).stderr(PUBLIC_SECRET).line();
}

#[test]
fn quiet_hides_notes_but_not_errors_and_warnings() {
    let dir = Dir::new();
    dir.write("hookdev.toml", "[provider.cyanite]\nsecret = \"literal\"\n");
    let finished = dir.hookdev().args(["verify", "missing", "--quiet"]).exits(3).stdout("");
    finished.says("warning: the config contains the Cyanite secret itself; ").says("error: can't read missing\n");
    dir.hookdev().args(["send", "zzzzzz", "-q"]).exits(2).stdout("").says("error: `zzzzzz` is neither ");
    let print = dir.hookdev().args(["send", "cyanite.v2.finished", "--print", "json", "-q", "--no-config"]);
    print.exits(0).stderr(PUBLIC_SECRET).line();
}

#[test]
fn json_is_short_for_its_format() {
    let dir = Dir::new();
    dir.write("log.ndjson", log(1));
    for command in [&["events"][..], &["verify", "log.ndjson"]] {
        let short = dir.hookdev().args(command).arg("--json").exits(0).stdout;
        let long = dir.hookdev().args(command).args(["--format", "json"]).exits(0).stdout;
        assert_eq!(String::from_utf8(short), String::from_utf8(long));
    }
}

/// A command with colour on both streams: a rejected capture and a note.
fn colourful(dir: &Dir) -> TestCommand {
    dir.write("log.ndjson", format!("{}\n{{\"half", capture(&CYANITE_HEADERS, "{}")));
    dir.hookdev().args(["verify", "log.ndjson"])
}

/// Text without colour codes.
fn plain(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |plain, part| {
        let (code, rest) = part.split_once('m').expect("the end of a colour's code");
        assert!(code.bytes().all(|byte| byte.is_ascii_digit() || byte == b';'), "{code} isn't a colour");
        plain + rest
    })
}

#[test]
fn colour_changes_nothing_but_the_codes() {
    let dir = Dir::new();
    let never = colourful(&dir).args(["--color", "never"]).exits(1);
    let always = colourful(&dir).args(["--color", "always"]).exits(1);
    for (coloured, without) in [(always.text(), never.text()), (&always.stderr, &never.stderr)] {
        assert!(!without.contains('\u{1b}'), "{without}");
        assert!(coloured.contains('\u{1b}'), "{coloured}");
        assert_eq!(plain(coloured), without);
    }
}

#[test]
fn the_environment_decides_about_colour_unless_the_flag_is_given() {
    let dir = Dir::new();
    for (variables, flag, is_coloured) in [
        (&[][..], None, false),
        (&[("CLICOLOR_FORCE", "1")], None, true),
        (&[("CLICOLOR_FORCE", "0")], None, false),
        (&[("CLICOLOR", "1")], None, false),
        (&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], None, false),
        (&[("NO_COLOR", ""), ("CLICOLOR_FORCE", "1")], None, true),
        (&[("NO_COLOR", "1")], Some("always"), true),
        (&[("CLICOLOR_FORCE", "1")], Some("never"), false),
    ] {
        let mut command = colourful(&dir);
        for (name, value) in variables {
            command = command.env(name, value);
        }
        let command = flag.into_iter().fold(command, |command, flag| command.args(["--color", flag]));
        let finished = command.exits(1);
        assert_eq!(finished.text().contains('\u{1b}'), is_coloured, "{variables:?} {flag:?}");
        assert_eq!(finished.stderr.contains('\u{1b}'), is_coloured, "{variables:?} {flag:?}");
    }
}

#[test]
fn json_has_no_colour() {
    let finished = colourful(&Dir::new()).args(["--color", "always", "--json"]).exits(1);
    assert_eq!(text(&finished.line(), "/verdict"), "rejected");
    assert!(!finished.text().contains('\u{1b}'), "{finished}");
}
