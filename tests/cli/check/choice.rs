//! Which providers, handlers and cases are selected.

use super::{Handler, Reply, Report, check, handler::aspect};
use crate::harness::{Dir, Endpoint, respond, text};

/// The providers of the listed cases in order, without repetition.
#[track_caller]
fn providers(dir: &Dir, args: &[&str]) -> Vec<String> {
    let lines = dir.hookdev().args(["check", "--list", "--json"]).args(args).exits(0).lines();
    let mut names: Vec<String> = lines.iter().map(|line| text(line, "/provider").to_owned()).collect();
    names.dedup();
    names
}

/// Some providers, in order.
const SOME: [&str; 4] = ["aspect", "auphonic", "cyanite", "jewelmusic"];

#[test]
fn the_provider_comes_from_the_flag_the_url_or_the_config_else_all_are_checked() {
    let dir = Dir::new();
    let known = dir.hookdev().args(["events", "--json"]).exits(0).lines();
    let mut all: Vec<&str> = known.iter().map(|event| text(event, "/provider")).collect();
    all.dedup();
    assert_eq!(providers(&dir, &[]), all);
    assert_eq!(providers(&dir, &["--provider", "cyanite", "--provider", "aspect"]), ["cyanite", "aspect"]);
    assert_eq!(providers(&dir, &["--to", "http://127.0.0.1:1/webhooks/cyanite?a=b"]), ["cyanite"]);
    assert_eq!(providers(&dir, &["--to", "http://127.0.0.1:1/hooks", "--provider", "auphonic"]), ["auphonic"]);
    dir.write("hookdev.toml", "[provider.jewelmusic]\nendpoint = \"http://127.0.0.1:1/hooks\"\n");
    assert_eq!(providers(&dir, &[]), ["jewelmusic"]);
    assert_eq!(providers(&dir, &["--to", "http://127.0.0.1:1/aspect"]), ["aspect"]);
    assert_eq!(providers(&dir, &["--to", "http://127.0.0.1:1/other"]), ["jewelmusic"]);
}

#[test]
fn a_url_that_names_no_provider_is_an_error() {
    let dir = Dir::new();
    check(&dir, "http://127.0.0.1:1/hooks").exits(2).stdout("").stderr(
        "error: can't tell the provider; add --provider\n\
         hint: the providers are agora, anthropic, asana, aspect, assemblyai, auphonic, circleci, clerk and 45 more\n",
    );
}

#[test]
fn an_unknown_case_is_an_error_that_lists_the_cases() {
    let dir = Dir::new();
    let finished = dir.hookdev().args(["check", "--case", "signature-mising"]).exits(2);
    finished.says("error: no case matches `signature-mising`\nhint: the cases are event-accepted, ");
}

#[test]
fn only_the_selected_cases_run_after_a_first_valid_delivery() {
    let dir = Dir::new();
    let handler = Handler::new(|message| Reply::Status(aspect(message)));
    let command = check(&dir, &handler.url("/aspect")).args(["--case", "signature-[em]*", "--case", "timestamp-stale"]);
    let report = Report::of(&command.exits(0));
    let names: Vec<&str> = report.cases.iter().map(|case| text(case, "/case")).collect();
    assert_eq!(names, ["signature-missing", "signature-empty", "timestamp-stale"]);
    assert_eq!(handler.seen(), 1 + 1 + 2 + 1);
}

#[test]
fn a_glob_after_an_exclamation_mark_leaves_cases_out() {
    let dir = Dir::new();
    let list = |globs: &[&str]| {
        let globs = globs.iter().flat_map(|glob| ["--case", glob]);
        let lines =
            dir.hookdev().args(["check", "--list", "--json", "--provider", "aspect"]).args(globs).exits(0).lines();
        lines.iter().map(|line| text(line, "/case").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list(&["signature-*", "!signature-[eg]*", "!*-rotated"]), ["signature-missing", "signature-truncated"]);
    let all_but = list(&["!body-*"]);
    assert_eq!(all_but.len(), list(&[]).len() - list(&["body-*"]).len());
    assert!(all_but.iter().all(|name| !name.starts_with("body-")), "{all_but:?}");
    dir.hookdev()
        .args(["check", "--list", "--case", "!signature-mising"])
        .exits(2)
        .says("no case matches `signature-mising`");
}

#[test]
fn a_run_whose_cases_are_all_skipped_fails() {
    let dir = Dir::new();
    let handler = Handler::new(|_| Reply::Status(200));
    let args = ["check", "--to", &handler.url("/auphonic"), "--case", "secret-wrong"];
    dir.hookdev().args(args).exits(1).says("warning: no case ran: the handler was not tested\n");
}

#[test]
fn a_list_sends_nothing_and_marks_valid_deliveries() {
    let dir = Dir::new();
    let endpoint = Endpoint::new([respond(200)]);
    let to = ["--to", &endpoint.url("/aspect")];
    let lines = dir.hookdev().args(["check", "--list", "--json"]).args(to).exits(0).lines();
    let valid: Vec<&str> =
        lines.iter().filter(|line| line["genuine"] == true).map(|line| text(line, "/case")).collect();
    let expected = [
        "event-accepted",
        "event-accepted",
        "event-accepted",
        "body-reserialised",
        "body-unicode",
        "body-large",
        "body-empty-values",
        "signature-rotated",
        "version-unknown",
        "delivery-duplicated",
        "event-unknown",
        "burst",
        "body-chunked",
        "header-case",
    ];
    assert_eq!(valid, expected);
    dir.hookdev()
        .args(["check", "--list"])
        .args(to)
        .exits(0)
        .prints("* burst                task.progress, 20 deliveries at once             2xx within 15 s\n")
        .says("* valid: your handler will process it\n");
    dir.hookdev()
        .args(["check", "--list", "--format", "junit"])
        .exits(2)
        .says("error: --list can't be combined with a report format\nhint: use --format pretty or --format json\n");
    endpoint.got_no_more();
}

#[test]
fn own_headers_are_sent_with_every_request() {
    let dir = Dir::new();
    let handler = Handler::new(|message| {
        let allowed = message.header("x-pass") == Some("open") && message.header("host") == Some("hooks.example.com");
        Reply::Status(if allowed { aspect(message) } else { 403 })
    });
    let own = ["--header", "X-Pass: open", "--header", "Host: hooks.example.com"];
    check(&dir, &handler.url("/aspect")).args(own).exits(0);
    check(&dir, &handler.url("/aspect")).exits(1).prints("\"status\":403,");
}

#[test]
fn hookdev_listen_meets_every_contract() {
    let dir = Dir::new();
    let listener = dir.listen().arg("--quiet").starts();
    for provider in SOME {
        let report = Report::of(&check(&dir, &listener.url(&format!("/{provider}"))).exits(0));
        assert_eq!(report.failed(), [""; 0], "{provider}");
    }
}

#[test]
fn several_handlers_are_checked_in_one_run() {
    let dir = Dir::new();
    let listener = dir.listen().arg("--quiet").starts();
    let endpoints =
        SOME.map(|name| format!("[provider.{name}]\nendpoint = \"{}\"\n", listener.url(&format!("/{name}"))));
    dir.write("hookdev.toml", endpoints.concat());
    let report = Report::of(&dir.hookdev().args(["check", "--json"]).exits(0));
    assert_eq!((report.failed(), report.passed()), (vec![], 102));
    let mut seen: Vec<&str> = report.cases.iter().map(|case| text(case, "/provider")).collect();
    seen.dedup();
    assert_eq!(seen, SOME);
}
