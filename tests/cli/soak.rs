//! A long run of `listen` with a capture and a forward: no delivery is lost at either end, and neither memory nor
//! descriptors grow. `HOOKDEV_SOAK=1000000 cargo test --release --test cli soak -- --nocapture`
//! is the long form, with one line per round.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::Path,
};

use crate::harness::{Dir, Listener, PUBLIC_SECRET};

/// The number of deliveries by default.
const SHORT: usize = 3000;

const ROUNDS: usize = 10;

/// The number of rounds in which pools and caches fill.
const WARM: usize = 3;

/// How much memory may vary between rounds without counting as growth, in KiB.
const SLACK: usize = 8 << 10;

/// The memory of a process in KiB, and the size of its table of descriptors. The descriptors themselves are hidden from
/// all but root, because the process protects its memory.
fn use_of(listener: &Listener) -> (usize, usize) {
    let status = fs::read_to_string(format!("/proc/{}/status", listener.id())).unwrap();
    let number = |name: &str| {
        let value = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        value.trim().trim_end_matches(" kB").parse().unwrap()
    };
    (number("VmRSS:"), number("FDSize:"))
}

fn lines(path: &Path) -> usize {
    BufReader::new(fs::File::open(path).unwrap()).split(b'\n').map(Result::unwrap).count()
}

#[test]
fn a_long_run_loses_nothing_and_its_memory_stays_flat() {
    let asked = env::var("HOOKDEV_SOAK").map(|count| count.parse().expect("HOOKDEV_SOAK is a number"));
    let round = asked.unwrap_or(SHORT) / ROUNDS;
    let dir = Dir::new();
    let handler = dir.listen().args(["--quiet", "--capture", "handler.ndjson"]).starts();
    let forward = handler.url("/");
    let front = dir.listen().args(["--quiet", "--capture", "front.ndjson", "--forward", &forward]).starts();
    let mut uses = Vec::new();
    for number in 1..=ROUNDS {
        let count = round.to_string();
        let send = dir.send("cyanite.v2.finished", front.url("/cyanite"));
        let summary = send.args(["--repeat", &count, "--concurrency", "8", "--json", "--quiet"]).ends().1;
        assert_eq!(summary.stderr, PUBLIC_SECRET, "round {number}");
        let (saved, forwarded) = (lines(&dir.join("front.ndjson")), lines(&dir.join("handler.ndjson")));
        assert_eq!((saved, forwarded), (round, round), "round {number}\n{summary}");
        // The logs of all rounds would fill a small disk. A removed log is created again.
        for log in ["front.ndjson", "handler.ndjson"] {
            fs::remove_file(dir.join(log)).unwrap();
        }
        let ((memory, files), (memory_handler, files_handler)) = (use_of(&front), use_of(&handler));
        eprintln!(
            "{} deliveries: {memory} KiB and room for {files} descriptors; the handler has {memory_handler} KiB and {files_handler}",
            number * round
        );
        uses.push([(memory, files), (memory_handler, files_handler)]);
    }
    for listener in [0, 1] {
        let most = |rounds: &[[(usize, usize); 2]], part: fn(&(usize, usize)) -> usize| {
            rounds.iter().map(|uses| part(&uses[listener])).max().unwrap()
        };
        let (warm, rest) = uses.split_at(WARM);
        let (before, after) = (most(warm, |(memory, _)| *memory), most(rest, |(memory, _)| *memory));
        assert!(after <= before + SLACK, "memory grew: {uses:?}");
        let (before, after) = (most(warm, |(_, files)| *files), most(rest, |(_, files)| *files));
        // The table doubles when it is full.
        assert!(after <= 2 * before, "descriptors leak: {uses:?}");
    }
    for listener in [front, handler] {
        listener.interrupt();
        listener.exits(0);
    }
}
