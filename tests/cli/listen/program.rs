//! `listen -- CMD`: the program's environment and streams, the exit code, and its end.

use crate::harness::{CYANITE, CYANITE_HEADERS, Dir, Listener, NO_SECRETS, UNTIL_END};

/// `listen` as JSON with these options, and a shell that runs this script beside it.
#[track_caller]
fn starts(dir: &Dir, options: &[&str], script: &str) -> Listener {
    dir.listen().args(options).args(["--", "sh", "-c", script]).starts()
}

#[test]
fn the_program_gets_the_urls_and_its_exit_code_is_that_of_listen() {
    let script = "echo $HOOKDEV_URL $HOOKDEV_URL_STRIPE $HOOKDEV_URL_STANDARD_WEBHOOKS ${HOOKDEV_TUNNEL-none}; exit 7";
    let dir = Dir::new();
    let listener = starts(&dir, &[], script);
    let url = listener.url("");
    // With JSON on standard output, the program's goes to standard error.
    listener.exits(7).says(&format!("{url} {url}/stripe {url}/standard-webhooks none\n"));
}

#[test]
fn a_stale_tunnel_is_not_passed_on() {
    let dir = Dir::new();
    let listen = dir.listen().env("HOOKDEV_TUNNEL", "https://old.example").args(["--", "sh", "-c"]);
    listen.arg("echo ${HOOKDEV_TUNNEL-none}").starts().exits(0).says("none\n");
}

#[test]
fn without_json_the_programs_output_goes_to_standard_output() {
    let finished = Dir::new()
        .hookdev()
        .args(["listen", "--addr", "127.0.0.1:0", "--quiet", "--", "sh", "-c", "cat; echo done"])
        .stdin("typed\n")
        .exits(0);
    finished.stdout("typed\ndone\n").stderr(NO_SECRETS);
}

#[test]
fn a_delivery_that_is_missing_makes_a_success_a_failure() {
    let dir = Dir::new();
    let finished = starts(&dir, &["--expect", "cyanite.*"], "exit 0").exits(1);
    finished.says("error: missing deliveries: cyanite.* (0 of 1 received)\n");
    starts(&dir, &["--expect", "cyanite.*"], "exit 3").exits(3).says("error: missing deliveries: ");
}

#[test]
fn an_expectation_that_is_met_does_not_end_the_program() {
    let dir = Dir::new();
    let mut listener = dir.listen().args(["--expect", "cyanite.*"]).args(UNTIL_END).starts();
    // The second arrives after the expectation is met.
    listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    dir.write("end", "");
    listener.exits(0);
}

#[test]
fn the_timeout_ends_the_program_and_everything_it_started() {
    let dir = Dir::new();
    let script = format!("sleep 600 & echo $! > {}; wait", dir.join("id").display());
    let finished = starts(&dir, &["--timeout", "10s"], &script).exits(1);
    finished.says("error: `sh` was still running after 10 s\n");
    assert!(!is_running(dir.read("id").trim()));
}

#[test]
fn ctrl_c_reaches_the_program_which_decides() {
    let dir = Dir::new();
    let mut listener = starts(&dir, &[], "trap 'exit 5' INT; echo ready >&2; while :; do sleep 0.01; done");
    listener.says("ready\n");
    listener.interrupt();
    listener.exits(5);
}

#[test]
fn sigterm_ends_the_program_and_everything_it_started() {
    let dir = Dir::new();
    let script = format!(
        "trap 'exit 6' TERM; sh -c 'sleep 600 & echo $! > {}; echo ready >&2; wait' & wait",
        dir.join("id").display()
    );
    let mut listener = starts(&dir, &[], &script);
    listener.says("ready\n");
    listener.signal("TERM");
    listener.exits(6);
    assert!(!is_running(dir.read("id").trim()));
}

#[test]
fn a_signal_that_ends_the_program_is_in_the_exit_code() {
    let dir = Dir::new();
    starts(&dir, &[], "kill -KILL $$").exits(137);
}

#[test]
fn a_program_that_cannot_be_started_is_a_usage_error_with_a_hint() {
    let finished = Dir::new().listen().args(["--", "./no-such-program"]).exits(2);
    finished.says(
        "error: can't run `./no-such-program`\ncaused by: No such file or directory (os error 2)\n\
         hint: check its name and your PATH; for a shell command, write `-- sh -c 'COMMAND'`\n",
    );
}

#[test]
fn a_script_that_is_not_executable_is_a_usage_error_that_says_how_to_make_it_so() {
    let dir = Dir::new();
    dir.write("my app.mjs", "#!/bin/sh\n");
    dir.listen().args(["--", "./my app.mjs"]).exits(2).says(
        "error: can't run `./my app.mjs`\ncaused by: Permission denied (os error 13)\n\
         hint: make it executable: chmod +x './my app.mjs'\n",
    );
}

fn is_running(id: &str) -> bool {
    let mut kill = std::process::Command::new("kill");
    kill.args(["-0", id]).stderr(std::process::Stdio::null()).status().unwrap().success()
}
