//! The keys of `listen`, in a terminal, and the state in which the terminal is left.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::{
    harness::{CYANITE, CYANITE_HEADERS, Dir, Endpoint, post, respond},
    screen::Screen,
};

/// Shows the state of the terminal in one word.
const STATE: &str =
    r#"state() { case $(stty -a) in *-icanon*|*" -echo "*) echo "$1: keys";; *) echo "$1: lines";; esac; }; "#;

#[track_caller]
fn deliver(url: &str) {
    assert_eq!(post(&format!("{url}/cyanite"), &CYANITE_HEADERS, CYANITE).status(), 200);
}

#[test]
fn a_delivery_is_sent_to_its_target_again() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200), respond(200), respond(500).body("no such track")]));
    let mut screen = Screen::run(&dir, &format!("--forward {}", endpoint.url("/")), "$LISTEN");
    let url = screen.url();
    deliver(&url);
    screen.shows("POST /cyanite");
    let first = endpoint.next();
    screen.types("r");
    screen.shows("#1 resent  200  ");
    let again = endpoint.next();
    assert_eq!((again.text(), again.header("signature")), (first.text(), first.header("signature")));
    screen.types("1");
    screen.types("r");
    screen.shows("#1 resent  500  ");
    screen.shows("response: no such track\n");
    screen.types("7r");
    screen.shows("there is no delivery #7\n");
    screen.types("q");
    screen.shows("1 delivery: 1 verified (development)\n");
}

#[test]
fn the_results_of_a_resend_to_several_targets_name_them() {
    let (dir, one) = (Dir::new(), Endpoint::new([respond(200), respond(500), respond(200)]));
    let other = Endpoint::new([respond(200), respond(204), respond(204)]);
    let [first, second] = [one.url("/hooks"), other.url("/")];
    let options = format!("--forward {first} --forward {second}");
    let mut screen = Screen::run(&dir, &options, r#"export EDITOR="sed -i s/999/1000/"; $LISTEN"#);
    let url = screen.url();
    deliver(&url);
    screen.shows("POST /cyanite");
    screen.types("r");
    screen.shows(&format!("#1 resent to {first}  500  "));
    screen.shows(&format!("#1 resent to {second}  204  "));
    screen.types("e");
    screen.shows(&format!("#1 resent, edited and signed again, to {first}  200  "));
    screen.shows(&format!("#1 resent, edited and signed again, to {second}  204  "));
}

#[test]
fn a_delivery_that_is_no_longer_in_memory_is_read_from_its_capture() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200), respond(200), respond(200)]));
    let options = format!("--forward {} --history 0 --capture captures --redact", endpoint.url("/"));
    let mut screen = Screen::run(&dir, &options, "$LISTEN");
    let url = screen.url();
    deliver(&url);
    deliver(&url);
    screen.shows("#2");
    screen.types("1r");
    screen.shows("#1 resent  200  ");
    endpoint.next();
    endpoint.next();
    assert_eq!(endpoint.next().text(), CYANITE);
    for (number, name) in dir.names("captures").iter().enumerate() {
        match number {
            0 => dir.write(&format!("captures/{name}"), "{"),
            _ => std::fs::remove_file(dir.join(&format!("captures/{name}"))).unwrap(),
        }
    }
    screen.types("1r");
    screen.shows("#1 is no longer in memory, and can't be read from captures: EOF while parsing");
    screen.types("2r");
    screen.shows("#2 is no longer in memory, and was not found in captures; --history N keeps more\n");
    screen.types("3r");
    screen.shows("there is no delivery #3\n");
    dir.write(
        &format!("captures/{}", dir.names("captures")[0]),
        r#"{"request":{"method":"POST","target":"/cyanite","headers":[["x-token","[redacted]"]],"body":"{}"}}"#,
    );
    screen.types("1c");
    screen.shows("#1 was saved without its credentials (--redact)\n");
    screen.types("q");
}

#[test]
fn a_number_is_that_of_this_process_and_not_of_another_with_the_same_captures() {
    for captures in ["log.ndjson", "captures"] {
        let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200), respond(200), respond(200)]));
        let options = format!("--forward {} --history 1 --capture {captures}", endpoint.url("/"));
        let mut screen = Screen::run(&dir, &options, "$LISTEN");
        let url = screen.url();
        deliver(&url);
        post(&format!("{url}/second"), &[], "second");
        screen.shows("#2");
        let mut other = Screen::run(&dir, &format!("--capture {captures}"), "$LISTEN");
        post(&format!("{}/other", other.url()), &[], "other");
        other.shows("#1");
        screen.types("1r");
        screen.shows("#1 resent  200  ");
        let forwarded = [(); 3].map(|()| endpoint.next().text().to_owned());
        assert_eq!(forwarded, [CYANITE, "second", CYANITE], "{captures}");
    }
}

#[test]
fn the_url_of_the_inspector_is_shown_where_no_browser_can_be_opened() {
    let dir = Dir::new();
    let mut screen = Screen::run(&dir, "--inspect 127.0.0.1:0", "$LISTEN");
    screen.url();
    screen.types("o");
    screen.shows("open this URL in a browser: http://127.0.0.1:");
    let mut screen = Screen::run(&dir, "", "$LISTEN");
    screen.url();
    screen.types("o");
    screen.shows("there is no inspector; start with --inspect\n");
}

#[cfg(target_os = "linux")]
#[test]
fn the_token_is_not_an_argument_of_the_program_that_opens_the_inspector() {
    let dir = Dir::new();
    dir.write(
        "bin/xdg-open",
        "#!/bin/sh\nfile=${1#file://}\ncp \"$file\" copy\nstat -c %a \"$file\" > mode\necho \"$*\" > arguments\n",
    );
    fs::set_permissions(dir.join("bin/xdg-open"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(dir.join("run")).unwrap();
    let script = "mkfifo arguments; DISPLAY=:0 XDG_RUNTIME_DIR=$PWD/run PATH=$PWD/bin:$PATH $LISTEN; ls -A run > left; echo ended";
    let mut screen = Screen::run(&dir, "--inspect 127.0.0.1:0", script);
    screen.url();
    screen.types("o");
    screen.shows("opening the inspector with xdg-open: ");
    let url = screen.shows("\n").trim_end().to_owned();
    // Blocks until the program has written it.
    let arguments = fs::read_to_string(dir.join("arguments")).unwrap();
    let name = arguments
        .strip_suffix(".html\n")
        .and_then(|name| name.strip_prefix(&format!("file://{}", dir.join("run/hookdev-").display())));
    assert!(name.is_some(), "{arguments}");
    let page = fs::read_to_string(dir.join("copy")).unwrap();
    assert!(page.contains(&format!("content=\"0;url={url}\"")), "{page}");
    assert_eq!(fs::read_to_string(dir.join("mode")).unwrap(), "600\n");
    screen.types("q");
    screen.shows("ended\n");
    assert_eq!(fs::read_to_string(dir.join("left")).unwrap(), "");
}

#[test]
fn a_delivery_without_a_target_is_not_sent() {
    let dir = Dir::new();
    let mut screen = Screen::run(&dir, "", "$LISTEN");
    let url = screen.url();
    screen.types("r");
    screen.shows("there is no delivery yet\n");
    deliver(&url);
    screen.shows("POST /cyanite");
    screen.types("r");
    screen.shows("#1 not sent: no --forward matches cyanite.v2.finished\n");
}

#[test]
fn an_edited_delivery_is_signed_again_and_shows_what_changed() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200), respond(200)]));
    let script = r#"export EDITOR="sed -i s/999/1000/"; $LISTEN"#;
    let mut screen = Screen::run(&dir, &format!("--forward {}", endpoint.url("/")), script);
    let url = screen.url();
    deliver(&url);
    screen.shows("POST /cyanite");
    endpoint.next();
    screen.types("e");
    screen.shows("body:/resource/id\n  - \"999\"\n  + \"1000\"\n");
    screen.shows("#1 resent, edited and signed again  200  ");
    let edited = endpoint.next();
    let body = CYANITE.replace("999", "1000");
    assert_eq!(edited.text(), body);
    // It is genuine.
    let signature = edited.header("signature").unwrap().to_owned();
    let receiver = dir.listen().starts();
    assert_eq!(post(&receiver.url("/cyanite"), &[("signature", &signature)], body).status(), 200);
}

#[test]
fn an_unchanged_delivery_is_not_sent() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let mut screen = Screen::run(&dir, &format!("--forward {}", endpoint.url("/")), "EDITOR=true $LISTEN");
    let url = screen.url();
    deliver(&url);
    screen.shows("POST /cyanite");
    screen.types("e");
    screen.shows("#1 not changed, so not sent\n");
}

#[test]
fn an_edit_that_reaches_no_handler_is_saved() {
    let dir = Dir::new();
    fs::create_dir(dir.join("tmp")).unwrap();
    let script = r#"export TMPDIR=$PWD/tmp EDITOR="sed -i s/999/1000/"; $LISTEN"#;
    // Nothing listens on this port.
    for options in ["", "--forward http://127.0.0.1:1/ --forward-wait 0s"] {
        let mut screen = Screen::run(&dir, options, script);
        let url = screen.url();
        post(&format!("{url}/cyanite"), &CYANITE_HEADERS, CYANITE);
        screen.shows("POST /cyanite");
        screen.types("e");
        screen.shows("#1: your edit is saved in ");
        let path = screen.shows("\n");
        assert_eq!(fs::read_to_string(path.trim_end()).unwrap(), CYANITE.replace("999", "1000"));
    }
}

#[test]
fn a_delivery_is_copied_as_curl_or_printed_where_that_is_not_possible() {
    let dir = Dir::new();
    let mut screen = Screen::run(&dir, "", "$LISTEN");
    let url = screen.url();
    deliver(&url);
    screen.shows("POST /cyanite");
    screen.types("c");
    screen.shows(&format!("curl -sS -i --request POST --url {url}/cyanite"));
    screen.shows("--data-binary");
}

#[test]
fn a_command_that_is_too_long_for_the_terminal_is_saved() {
    let dir = Dir::new();
    fs::create_dir(dir.join("tmp")).unwrap();
    let mut screen = Screen::run(&dir, "", "TMPDIR=$PWD/tmp TERM=xterm $LISTEN");
    let url = screen.url();
    let body = "x".repeat(60_000);
    post(&format!("{url}/long"), &[], &body);
    screen.shows("#1");
    screen.types("c");
    screen.shows("#1 as curl is too long to copy or print here (");
    screen.shows(" bytes), so it is saved in ");
    let path = screen.shows("\n");
    let command = fs::read_to_string(path.trim_end()).unwrap();
    assert!(command.starts_with("curl ") && command.contains(&body), "{command}");
    let mode = fs::metadata(path.trim_end()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_terminal_copies_where_it_can() {
    let dir = Dir::new();
    let mut screen = Screen::run(&dir, "", "TERM=xterm $LISTEN");
    let url = screen.url();
    deliver(&url);
    screen.shows("POST /cyanite");
    screen.types("c");
    // `curl -sS` in base64.
    screen.shows("\x1b]52;c;Y3VybCAtc1Mg");
    screen.shows("#1 copied as curl, if your terminal allows it (OSC 52)\n");
}

#[test]
fn paused_output_counts_the_deliveries_that_wait() {
    let dir = Dir::new();
    let mut screen = Screen::run(&dir, "", "$LISTEN");
    let url = screen.url();
    screen.types("p");
    screen.shows("paused (p resumes) ");
    deliver(&url);
    screen.shows("paused, 1 delivery waiting (p resumes) ");
    deliver(&url);
    let held = screen.shows("paused, 2 deliveries waiting (p resumes) ");
    assert!(!held.contains("POST /cyanite"), "{held}");
    screen.types("p");
    screen.shows("#1");
    screen.shows("#2");
}

#[test]
fn the_keys_are_listed_and_a_number_is_shown_as_it_is_typed() {
    let dir = Dir::new();
    let mut screen = Screen::run(&dir, "", "$LISTEN");
    screen.url();
    screen.types("?");
    screen.shows("Keys, such as r for the last delivery, or 12r for number 12:\n");
    screen.shows("Esc clears a number\n");
    screen.types("1");
    screen.shows("\x1b[K1");
    screen.types("2");
    screen.shows("\x1b[K12");
    screen.types("\x1b");
    screen.shows("\x1b[K");
    screen.types("q");
    screen.shows("no deliveries\n");
}

#[test]
fn the_terminal_is_restored_after_the_end_and_an_editor() {
    let dir = Dir::new();
    let script = format!(
        "{STATE} export EDITOR='sh -c \"case \\$(stty -a) in *-icanon*) echo editor: keys;; *) echo editor: lines;; esac\"'; \
         $LISTEN; state end"
    );
    let mut screen = Screen::run(&dir, "", &script);
    let url = screen.url();
    deliver(&url);
    screen.shows("POST /cyanite");
    screen.types("e");
    screen.shows("editor: lines\n");
    screen.shows("not changed");
    screen.types("q");
    screen.shows("end: lines\n");
}

#[test]
fn the_terminal_is_restored_after_a_program_that_is_killed_in_raw_mode() {
    let dir = Dir::new();
    let script = format!("{STATE} $LISTEN -- sh -c 'stty raw -echo; kill -9 $$'; state \"end $?\"");
    Screen::run(&dir, "", &script).shows("end 137: lines\n");
    let script = format!("{STATE} export EDITOR=\"sh -c 'stty raw -echo; kill -9 \\$\\$'\"; $SEND; state \"end $?\"");
    let send = format!("SEND='{} send cyanite.v2.finished --edit'; ", env!("CARGO_BIN_EXE_hookdev"));
    Screen::run(&dir, "", &(send + &script)).shows("end 2: lines\n");
}

#[test]
fn the_terminal_is_restored_after_ctrl_c_and_sigterm() {
    let dir = Dir::new();
    let mut screen = Screen::run(&dir, "", &format!("{STATE} $LISTEN; state end"));
    screen.url();
    screen.types("\x03");
    screen.shows("end: lines\n");
    let script = format!("{STATE} sh -c 'echo id $$; exec $LISTEN'; state end");
    let mut screen = Screen::run(&dir, "", &script);
    screen.shows("id ");
    let id = screen.shows("\n");
    screen.url();
    let status = std::process::Command::new("kill").arg(id.trim()).status().unwrap();
    assert!(status.success());
    screen.shows("end: lines\n");
}

#[test]
fn a_suspended_program_gives_the_terminal_back_and_takes_it_again() {
    let dir = Dir::new();
    let script = format!("set -m; {STATE} $LISTEN; state stopped; fg > /dev/null; state end");
    let mut screen = Screen::run(&dir, "", &script);
    let url = screen.url();
    screen.types("\x1a");
    screen.shows("stopped: lines\n");
    deliver(&url);
    screen.shows("POST /cyanite");
    screen.types("c");
    screen.shows("--data-binary");
    screen.types("q");
    screen.shows("end: lines\n");
}

/// An editor that shows when it is open, and changes the payload after a line is typed.
const EDITOR: &str = "echo opened; read line; sed -i s/999/1000/ \"$1\"";

#[test]
fn ctrl_z_in_the_editor_gives_the_terminal_to_the_shell_until_fg() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200), respond(200)]));
    dir.write("edit", EDITOR);
    let script = format!("set -m; {STATE} export EDITOR='sh edit'; $LISTEN; state stopped; fg > /dev/null; state end");
    let mut screen = Screen::run(&dir, &format!("--forward {}", endpoint.url("/")), &script);
    let url = screen.url();
    deliver(&url);
    screen.shows("POST /cyanite");
    screen.types("e");
    screen.shows("opened\n");
    screen.types("\x1a");
    screen.shows("stopped: lines\n");
    screen.types("\n");
    screen.shows("#1 resent, edited and signed again  200  ");
    screen.types("q");
    screen.shows("end: lines\n");
}

#[test]
fn the_end_waits_until_the_editor_is_closed() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200), respond(200), respond(200)]));
    dir.write("edit", EDITOR);
    fs::create_dir(dir.join("tmp")).unwrap();
    let script = format!("{STATE} export EDITOR='sh edit' TMPDIR=$PWD/tmp; $LISTEN; state \"end $?\"");
    let mut screen = Screen::run(&dir, &format!("--forward {} --count 2", endpoint.url("/")), &script);
    let url = screen.url();
    deliver(&url);
    screen.shows("POST /cyanite");
    screen.types("e");
    screen.shows("opened\n");
    deliver(&url);
    screen.types("\n");
    screen.shows("note: exiting now that the editor is closed\n");
    screen.shows("#1 resent, edited and signed again  200  ");
    screen.shows("2 deliveries: 2 verified (development)\n");
    screen.shows("end 0: lines\n");
    assert_eq!(dir.names("tmp"), [""; 0]);
}

#[test]
fn keys_work_once_a_job_that_was_started_in_the_background_is_in_the_foreground() {
    let dir = Dir::new();
    // A shell's line editor may ignore Ctrl-Z.
    let script =
        format!("set -m; {STATE} stty susp undef; $LISTEN & read line; stty susp ^Z; fg; state stopped; fg; state end");
    let mut screen = Screen::run(&dir, "", &script);
    screen.url();
    // Until then, the shell has the terminal.
    screen.types("\n");
    screen.types("?");
    screen.shows("Keys, such as r for the last delivery");
    screen.types("\x1a");
    screen.shows("stopped: lines\n");
    screen.types("q");
    screen.shows("end: lines\n");
}

#[test]
fn keys_work_once_a_job_that_was_continued_in_the_background_is_in_the_foreground() {
    let dir = Dir::new();
    let mut screen =
        Screen::run(&dir, "", &format!("set -m; {STATE} $LISTEN; state stopped; bg; read line; fg; state end"));
    screen.url();
    screen.types("\x1a");
    screen.shows("stopped: lines\n");
    screen.types("\n");
    screen.types("?");
    screen.shows("Keys, such as r for the last delivery");
    screen.types("q");
    screen.shows("end: lines\n");
}

#[test]
fn without_a_terminal_there_are_no_keys() {
    let finished =
        Dir::new().hookdev().args(["listen", "--addr", "127.0.0.1:0", "--timeout", "10ms"]).stdin("q?").exits(0);
    assert!(!finished.stderr.contains("for keys"), "{finished}");
}
