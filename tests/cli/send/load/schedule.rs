//! How many deliveries start and when, and the options for that.

use std::time::Duration;

use serde_json::json;

use super::results;
use crate::harness::{Dir, Endpoint, hang, respond};

/// A send with these options, which must send nothing.
#[track_caller]
fn refused(options: &[&str]) -> String {
    Dir::new().send("cyanite.v2.finished", "http://127.0.0.1:1/").args(options).exits(2).stdout("").stderr
}

#[test]
fn a_run_without_an_end_is_a_usage_error() {
    let lonely = |flag: &str| format!("error: {flag} needs an end: add --repeat N or --duration DUR\n");
    assert_eq!(refused(&["--rate", "5"]), lonely("--rate"));
    assert_eq!(refused(&["--concurrency", "5"]), lonely("--concurrency"));
    assert_eq!(
        refused(&["--repeat", "0"]),
        "error: --repeat 0 works only with --print, which then prints endlessly\n\
         hint: use --duration DUR to repeat for a given time\n"
    );
    assert!(refused(&["--repeat", "5", "--rate", "fast"]).contains("invalid rate `fast`: use deliveries per second"));
    assert!(refused(&["--duration", "0s"]).contains("it must be longer than 0"));
    assert!(refused(&["--repeat", "5", "--concurrency", "0"]).contains("0 is not in 1..=65535"));
    assert!(refused(&["--repeat", "5", "--retry"]).contains("cannot be used with"));
}

#[test]
fn with_a_rate_requests_start_on_schedule() {
    let endpoint = Endpoint::new([respond(200)]);
    let dir = Dir::new();
    let send = dir.send("cyanite.v2.finished", endpoint.url("/"));
    let (_, summary) = results(&send.args(["--repeat", "5", "--rate", "100", "--json"]).exits(0));
    // The fifth is due 40 ms after the first.
    assert!(summary["elapsed_ms"].as_f64().unwrap() >= 40.0, "{summary}");
    assert_eq!((&summary["requests"], &summary["not_started"]), (&json!(5), &json!(0)));
}

#[test]
fn a_run_stops_after_its_duration() {
    let endpoint = Endpoint::new([respond(200)]);
    let dir = Dir::new();
    let send = dir.send("cyanite.v2.finished", endpoint.url("/"));
    let (_, summary) = results(&send.args(["--duration", "300ms", "--rate", "1200/m", "--json", "-q"]).exits(0));
    // One every 50 ms, the first at once: none starts at 300 ms.
    let counted = summary["requests"].as_u64().unwrap() + summary["not_started"].as_u64().unwrap();
    assert_eq!(counted, 6, "{summary}");
    assert!(summary["elapsed_ms"].as_f64().unwrap() >= 250.0, "{summary}");
}

#[test]
fn a_stall_shows_up_in_the_latencies() {
    // The first request holds the only connection for 2 s; nine were due within the first 90 ms.
    let endpoint = Endpoint::new([hang(), respond(200)]);
    let dir = Dir::new();
    let send = dir.send("cyanite.v2.finished", endpoint.url("/"));
    let options = ["--repeat", "10", "--rate", "100", "--concurrency", "1", "--timeout", "2s", "--json"];
    let (attempts, summary) = results(&send.args(options).exits(1));
    assert_eq!(summary["outcomes"], json!({"accepted": 9, "refused": 0, "timed-out": 1, "unreachable": 0}));
    assert_eq!(summary["reasons"], json!({"no response within 2.0 s": 1}));
    // Each waited for at least 1910 ms, although its own response was immediate.
    assert!(summary["latency_ms"]["p50"].as_f64().unwrap() >= 1910.0, "{summary}");
    assert!(summary["latency_ms"]["max"].as_f64().unwrap() >= 2000.0, "{summary}");
    // That is within Cyanite's own limit.
    assert_eq!((attempts.len(), &summary["broke_limit"]), (10, &json!(0)));
}

#[test]
fn requests_without_a_free_connection_are_counted() {
    let endpoint = Endpoint::new([hang()]);
    let dir = Dir::new();
    let send = dir.send("cyanite.v2.finished", endpoint.url("/"));
    // One is due each 200 ms; the first two hold the connections until all others are too late.
    let options = ["--duration", "2s", "--rate", "5", "--concurrency", "2", "--timeout", "3s", "--json"];
    let (_, summary) = results(&send.args(options).exits(1));
    assert_eq!((&summary["outcomes"]["timed-out"], &summary["not_started"]), (&json!(2), &json!(8)));
    assert!(summary["latency_ms"]["max"].as_f64().unwrap() >= 3000.0, "{summary}");
}

#[test]
fn a_response_after_the_providers_time_limit_breaks_it() {
    // Cyanite gives up after 3 s; --timeout waits for responses that it would not see.
    let endpoint = Endpoint::new([respond(200).after(Duration::from_millis(3100)), respond(200)]);
    let dir = Dir::new();
    let send = dir.send("cyanite.v2.finished", endpoint.url("/"));
    let (_, summary) = results(&send.args(["--repeat", "2", "--timeout", "1m", "--json", "-q"]).exits(1));
    assert_eq!(summary["reasons"], json!({"the response took longer than 3 s, the timeout of Cyanite": 1}));
    assert_eq!(summary["broke_limit"], 1);
}

#[cfg(unix)]
#[test]
fn a_stopped_handler_times_out() {
    let dir = Dir::new();
    let listener = dir.listen().starts();
    let status = std::process::Command::new("kill").args(["-STOP", &listener.id().to_string()]).status().unwrap();
    assert!(status.success());
    let send = dir.send("cyanite.v2.finished", listener.url("/cyanite"));
    let options = ["--repeat", "3", "--concurrency", "3", "--timeout", "200ms", "--json", "-q"];
    let (attempts, summary) = results(&send.args(options).exits(1));
    assert_eq!((attempts.len(), &summary["outcomes"]["timed-out"]), (3, &json!(3)));
}

#[test]
fn there_are_no_more_connections_than_requests() {
    let endpoint = Endpoint::new([respond(200)]);
    let dir = Dir::new();
    let send = dir.send("cyanite.v2.finished", endpoint.url("/"));
    send.args(["--repeat", "3", "--concurrency", "1000"]).exits(0);
    assert!((1..=3).contains(&endpoint.connections()), "{}", endpoint.connections());
}
