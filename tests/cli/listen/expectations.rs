//! `listen` as a step of a test: it ends once what was expected has come, or its time has run out.

use crate::harness::{CYANITE, CYANITE_HEADERS, Dir, Signed, post, text};

const TEST: &str = r#"{"type":"TEST","data":null}"#;

#[test]
fn it_ends_once_the_expected_events_have_come() {
    let dir = Dir::new();
    let expectations = ["--expect", "cyanite.v2.finished=2", "--expect", "cyanite.v1.*", "--timeout", "60s"];
    let mut listener = dir.listen().args(expectations).starts();
    listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    listener.receives("/cyanite", &[], TEST);
    listener.receives("/cyanite", &[], TEST);
    // Answered and told before it ends.
    let (answer, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!((answer.status(), text(&delivery, "/event")), (200, "cyanite.v2.finished"));
    listener.exits(0);
}

#[test]
fn it_ends_after_a_number_of_deliveries() {
    let mut listener = Dir::new().listen().args(["--count", "3"]).starts();
    for _ in 0..3 {
        listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    }
    listener.exits(0);
}

#[test]
fn only_what_is_verified_or_unsigned_by_design_counts() {
    let dir = Dir::new();
    let expectations = ["--count", "2", "--expect", "cyanite.v2.finished", "--timeout", "5s"];
    let wrong = Signed::new(&dir, "cyanite.v2.finished", &["--secret", "another"]);
    let mut listener = dir.listen().args(expectations).starts();
    listener.receives("/cyanite", &wrong.headers(), &wrong.body);
    listener.receives("/hooks", &[], "hello");
    listener.receives("/cyanite", &[], TEST);
    let finished = listener.exits(1);
    finished.says("error: time ran out; still expected: cyanite.v2.finished (0 of 1 came), 2 deliveries (1 came)\n");
}

#[test]
fn it_ends_with_1_when_the_time_runs_out_and_says_what_is_missing() {
    let dir = Dir::new();
    let mut listener = dir.listen().args(["--expect", "cyanite.*=3", "--timeout", "5s"]).starts();
    listener.receives("/cyanite", &[], TEST);
    listener.exits(1).says("error: time ran out; still expected: cyanite.* (1 of 3 came)\n");
}

#[test]
fn without_an_expectation_it_ends_with_0_when_the_time_runs_out() {
    Dir::new().listen().args(["--timeout", "50ms"]).exits(0);
}

#[test]
fn what_is_filtered_out_counts_all_the_same() {
    let listener = Dir::new().listen().args(["--expect", "cyanite.v1.test", "--filter", "aspect.*"]).starts();
    post(&listener.url("/cyanite"), &[], TEST);
    listener.exits(0);
}

#[test]
fn an_event_of_a_known_provider_that_is_not_listed_is_warned_about_and_waited_for() {
    let dir = Dir::new();
    let finished = dir.listen().args(["--expect", "cyanite.v2.finish", "--timeout", "50ms"]).exits(1);
    finished.says(
        "warning: `cyanite.v2.finish` is not in the list of events; \
         did you mean cyanite.v2.finished, cyanite.v2.failed, cyanite.v1.test?\n",
    );
}

#[test]
fn an_expectation_that_is_none_is_a_mistake() {
    let dir = Dir::new();
    for (wrong, message) in [
        ("cyanite.v2.finished=0", "error: --expect cyanite.v2.finished=0: `0` is no number of deliveries\n"),
        ("cyanite.v2.finished=x", "error: --expect cyanite.v2.finished=x: `x` is no number of deliveries\n"),
        ("finished", "error: unknown event `finished`\nhint: did you mean "),
        ("cyanit.v2.finished", "error: unknown event `cyanit.v2.finished`\nhint: did you mean cyanite.v2.finished"),
        ("a[", "error: `a[` is no glob: "),
    ] {
        dir.listen().args(["--expect", wrong]).exits(2).stdout("").says(message);
    }
    dir.listen().args(["--count", "0"]).exits(2).says("--count");
}
