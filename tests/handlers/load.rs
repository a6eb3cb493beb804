//! Many deliveries to a real handler that is killed, is stopped for a while, or resets connections meanwhile: each is
//! counted once, nothing hangs, and the exit code says what became of them.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
};

use serde_json::Value;

use super::{
    PATIENCE,
    handler::{Handler, node},
    program::hookdev,
};

/// The connections of a run, so that this many deliveries are in progress at a time.
const CONNECTIONS: u64 = 8;

/// The number of deliveries with this outcome.
type Outcomes = BTreeMap<String, u64>;

/// A running `send`; killed when dropped.
struct Run {
    child: Child,
    lines: Receiver<Value>,
    outcomes: Outcomes,
    summary: Option<Value>,
}

impl Run {
    /// Sends this many deliveries over [`CONNECTIONS`], each of which may take this long.
    fn begin(handler: &Handler, deliveries: u64, timeout: &str) -> Self {
        let (deliveries, connections) = (deliveries.to_string(), CONNECTIONS.to_string());
        let mut command = hookdev(&["send", "cyanite.v2.finished", "--to", &handler.url()]);
        command.args(["--repeat", &deliveries, "--concurrency", &connections, "--timeout", timeout]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn();
        let mut child = child.expect("a process");
        let stdout = BufReader::new(child.stdout.take().expect("its standard output"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
                // The test may have given up.
                let _ = sender.send(line);
            }
        });
        Self { child, lines, outcomes: Outcomes::new(), summary: None }
    }

    /// Reads a line; `None` at the end.
    fn read(&mut self) -> Option<()> {
        let line = match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(mpsc::RecvTimeoutError::Disconnected) => return None,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs: {:?}", self.outcomes),
        };
        if line["kind"] == "attempt" {
            let outcome = line["outcome"].as_str().expect("an outcome").to_owned();
            *self.outcomes.entry(outcome).or_default() += 1;
        } else {
            assert_eq!(self.summary.replace(line), None, "one summary is enough");
        }
        Some(())
    }

    /// Waits until this many have this outcome.
    #[track_caller]
    fn until(&mut self, outcome: &str, count: u64) {
        while self.outcomes.get(outcome).is_none_or(|so_far| *so_far < count) {
            self.read().unwrap_or_else(|| panic!("it ended before {count} were {outcome}: {:?}", self.outcomes));
        }
    }

    /// Reads to the end, where the summary must have the counts of the lines, and checks the exit code.
    #[track_caller]
    fn end(mut self, code: i32) -> Outcomes {
        while self.read().is_some() {}
        let status = self.child.wait().expect("its end");
        let summary = self.summary.take().unwrap_or_else(|| panic!("no summary: {:?}", self.outcomes));
        for outcome in ["accepted", "refused", "timed-out", "unreachable"] {
            let lines = self.outcomes.get(outcome).copied().unwrap_or_default();
            assert_eq!(summary["outcomes"][outcome].as_u64().unwrap_or_default(), lines, "{outcome}: {summary}");
        }
        assert_eq!(summary["requests"], self.outcomes.values().sum::<u64>(), "{summary}");
        assert_eq!(status.code(), Some(code), "{summary}");
        std::mem::take(&mut self.outcomes)
    }
}

/// The counts in this order: accepted, refused, timed-out, unreachable.
fn counts(outcomes: &Outcomes) -> [u64; 4] {
    ["accepted", "refused", "timed-out", "unreachable"].map(|name| outcomes.get(name).copied().unwrap_or_default())
}

#[test]
fn a_killed_handler_becomes_unreachable() {
    let Some(handler) = node("correct/cyanite.js") else { return };
    let mut run = Run::begin(&handler, 300, "1m");
    run.until("accepted", 100);
    drop(handler);
    let [accepted, refused, timed_out, unreachable] = counts(&run.end(4));
    assert_eq!((accepted + refused + unreachable, timed_out), (300, 0));
    // How many are reset depends on the system: even a new connection can be, if it waits at the socket of a dying
    // process.
    assert!(accepted >= 100 && unreachable > 0, "{accepted} accepted, {unreachable} unreachable");
}

#[cfg(unix)]
#[test]
fn a_paused_handler_gets_its_deliveries_when_it_continues() {
    let Some(handler) = node("correct/cyanite.js") else { return };
    let mut run = Run::begin(&handler, 300, "1s");
    run.until("accepted", 100);
    handler.signal("STOP");
    run.until("timed-out", 2 * CONNECTIONS);
    handler.signal("CONT");
    let before = run.outcomes["accepted"];
    run.until("accepted", before + 1);
    let [accepted, refused, timed_out, unreachable] = counts(&run.end(1));
    assert_eq!((accepted + timed_out, refused, unreachable), (300, 0, 0));
    assert!(timed_out >= 2 * CONNECTIONS, "{timed_out} timed out");
}

#[test]
fn a_request_that_a_handler_loses_on_a_kept_connection_is_sent_once_more() {
    let Some(handler) = node("faulty/cyanite-resets-connections.js") else { return };
    let outcomes = Run::begin(&handler, 300, "1m").end(0);
    assert_eq!(counts(&outcomes), [300, 0, 0, 0]);
}

impl Drop for Run {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
