//! `send --retry`: the provider's own schedule, compressed. The schedules themselves have unit tests with paused time.

use serde_json::json;

use crate::{
    harness::{Dir, Endpoint, respond},
    machine::Port,
};

/// So fast that ten hours are 36 ms.
const FAST: [&str; 3] = ["--retry", "--speed", "1000000"];

#[test]
fn a_failed_delivery_is_retried_with_the_same_id() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(500), respond(503), respond(204)]));
    let finished =
        dir.send("aspect.task.failed", endpoint.url("/")).args(["--retry", "--speed", "1000x", "--json"]).exits(0);
    let attempts: Vec<_> =
        finished.lines().iter().map(|line| json!([line["attempt"], line["of"], line["status"]])).collect();
    assert_eq!(attempts, [json!([1, 8, 500]), json!([2, 8, 503]), json!([3, 8, 204])]);
    let requests: Vec<_> = (0..3).map(|_| endpoint.next()).collect();
    let id = requests[0].header("svix-id").expect("an id");
    assert!(requests.iter().all(|request| request.header("svix-id") == Some(id)));
    assert!(requests.iter().all(|request| request.text() == requests[0].text()));
    endpoint.got_no_more();
    finished.says("note: aspect.task.failed: attempt 2 of 8 in 5 ms; 5 s at the provider\n");
}

#[test]
fn an_unreachable_endpoint_is_retried_to_the_end_and_exits_4() {
    let port = Port::reserve();
    let url = format!("http://127.0.0.1:{}/", port.number());
    let finished = Dir::new().send("jewelmusic.release.live", url).args(FAST).arg("--json").exits(4);
    let outcomes: Vec<_> = finished.lines().iter().map(|line| line["outcome"].clone()).collect();
    assert_eq!(outcomes, ["unreachable"; 5]);
}

#[test]
fn a_provider_without_a_schedule_is_retried_on_a_stated_assumption() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(204)]));
    let finished = dir.send("cyanite.v2.finished", endpoint.url("/")).args(FAST).arg("--json").exits(1);
    assert_eq!(finished.lines().len(), 4);
    finished.says("note: Cyanite doesn't publish its exact retry times; assuming retries after 1 min, 10 min, 1 h\n");
}

#[test]
fn a_captured_request_is_retried_unchanged() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(500), respond(200)]));
    dir.write(
        "once.http",
        "POST /jewelmusic HTTP/1.1\r\nx-jewelmusic-event: release.live\r\ncontent-length: 2\r\n\r\n{}",
    );
    dir.send("once.http", endpoint.url("/")).args(FAST).exits(0);
    let (first, second) = (endpoint.next(), endpoint.next());
    assert_eq!((first.text(), first.header("x-jewelmusic-event")), ("{}", Some("release.live")));
    assert_eq!((second.text(), second.header("x-jewelmusic-event")), ("{}", Some("release.live")));
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_a_wait_and_prints_the_attempts_so_far() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200), respond(500)]));
    let mut sending = dir.hookdev().args(["send", "aspect.task.failed", "jewelmusic.release.live", "--retry", "--to"]);
    sending = sending.arg(endpoint.url("/"));
    let mut sending = sending.in_background();
    sending.says("jewelmusic.release.live: attempt 2 of 5 in 1 min\n");
    sending.interrupt();
    sending.exits(130).says("note: stopped: 1 delivered, 0 failed, 1 not finished\n");
}

#[test]
fn a_speed_is_a_positive_number() {
    for wrong in ["0", "-1", "fast", "inf", "nan"] {
        let speed = format!("--speed={wrong}");
        let finished = Dir::new().send("aspect.task.failed", "http://127.0.0.1:1/").args(["--retry", &speed]).exits(2);
        finished.says("write how many times faster, such as `60`");
    }
    Dir::new().send("aspect.task.failed", "http://127.0.0.1:1/").args(["--speed", "2"]).exits(2).says("--retry");
}
