//! `listen` as a test step: it exits when the expected deliveries have arrived, or at the timeout.

use crate::harness::{CYANITE, CYANITE_HEADERS, Dir, post, text};
#[cfg(unix)]
use crate::harness::{Signed, UNTIL_END};

const TEST: &str = r#"{"type":"TEST","data":null}"#;

#[test]
fn it_exits_0_once_the_expected_events_have_arrived() {
    let dir = Dir::new();
    let expectations = ["--expect", "cyanite.v2.finished=2", "--expect", "cyanite.v1.*", "--timeout", "60s"];
    let mut listener = dir.listen().args(expectations).starts();
    listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    listener.receives("/cyanite", &[], TEST);
    listener.receives("/cyanite", &[], TEST);
    // The last delivery gets its response and is printed before the exit.
    let (response, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!((response.status(), text(&delivery, "/event")), (200, "cyanite.v2.finished"));
    listener.exits(0);
}

#[test]
fn it_exits_0_after_a_number_of_deliveries() {
    let mut listener = Dir::new().listen().args(["--count", "3"]).starts();
    for _ in 0..3 {
        listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    }
    listener.exits(0);
}

#[cfg(unix)]
#[test]
fn only_verified_and_unsigned_by_design_deliveries_count() {
    let dir = Dir::new();
    let expectations = ["--count", "2", "--expect", "cyanite.v2.finished"];
    let wrong = Signed::new(&dir, "cyanite.v2.finished", &["--secret", "another"]);
    let mut listener = dir.listen().args(expectations).args(UNTIL_END).starts();
    listener.receives("/cyanite", &wrong.headers(), &wrong.body);
    listener.receives("/hooks", &[], "hello");
    listener.receives("/cyanite", &[], TEST);
    dir.write("end", "");
    let finished = listener.exits(1);
    finished.says("error: missing deliveries: cyanite.v2.finished (0 of 1 received), 2 deliveries (1 received)\n");
}

#[cfg(target_os = "linux")]
#[test]
fn deliveries_that_could_not_be_saved_are_listed_with_what_is_missing() {
    let dir = Dir::new();
    let expectations = ["--count", "1", "--expect", "cyanite.*=2", "--capture", "/dev/full"];
    let mut listener = dir.listen().args(expectations).args(UNTIL_END).starts();
    for _ in 0..2 {
        let (response, _) = listener.receives("/cyanite", &[], TEST);
        assert_eq!(response.status(), 503);
    }
    dir.write("end", "");
    listener.exits(1).says(
        "error: missing deliveries: cyanite.* (0 of 2 received, 2 could not be saved), \
         1 delivery (0 received, 2 could not be saved)\n  \
         received  event            verdict\n         \
         2  cyanite.v1.test  unsigned\n",
    );
}

#[test]
fn it_exits_1_at_the_timeout_and_lists_what_is_missing() {
    let finished = Dir::new().listen().args(["--expect", "cyanite.*=3", "--count", "1", "--timeout", "50ms"]).exits(1);
    finished.says(
        "error: timed out waiting for: cyanite.* (0 of 3 received), 1 delivery (0 received)\n  nothing was received\n",
    );
}

#[test]
fn without_an_expectation_it_exits_0_at_the_timeout() {
    Dir::new().listen().args(["--timeout", "50ms"]).exits(0);
}

#[test]
fn filtered_deliveries_count_too() {
    let listener = Dir::new().listen().args(["--expect", "cyanite.v1.test", "--filter", "aspect.*"]).starts();
    post(&listener.url("/cyanite"), &[], TEST);
    listener.exits(0);
}

#[test]
fn an_unknown_event_of_a_known_provider_gets_a_warning_and_is_waited_for() {
    let dir = Dir::new();
    let finished = dir.listen().args(["--expect", "cyanite.v2.finish", "--timeout", "50ms"]).exits(1);
    finished.says(
        "warning: `cyanite.v2.finish` is not a known event; \
         did you mean cyanite.v2.finished, cyanite.v2.failed, cyanite.v1.test?\n",
    );
}

#[test]
fn an_invalid_expectation_is_a_usage_error() {
    let dir = Dir::new();
    for (wrong, message) in [
        ("cyanite.v2.finished=0", "error: invalid --expect `cyanite.v2.finished=0`: `0` isn't a count\n"),
        ("cyanite.v2.finished=x", "error: invalid --expect `cyanite.v2.finished=x`: `x` isn't a count\n"),
        ("finished", "error: unknown event `finished`\nhint: did you mean "),
        ("cyanit.v2.finished", "error: unknown event `cyanit.v2.finished`\nhint: did you mean cyanite.v2.finished"),
        ("a[", "error: invalid glob `a[`: "),
    ] {
        dir.listen().args(["--expect", wrong]).exits(2).stdout("").says(message);
    }
    dir.listen().args(["--count", "0"]).exits(2).says("invalid value '0' for '--count ");
}
