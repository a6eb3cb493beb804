//! How many connections fit into the files that the system lets the process open: beyond that it
//! could neither keep nor forward what it has received.

/// What a connection may need: its own, one to the handler behind, one for the capture.
const EACH: u64 = 3;

/// What the rest needs: streams, the runtime, the watch, the log.
const REST: u64 = 32;

/// As many of the wanted connections as the limit on open files has room for, at least one. The limit
/// is raised first as far as that is needed and allowed.
#[must_use]
pub fn connections(wanted: usize) -> usize {
    let needed = EACH * u64::try_from(wanted).unwrap_or(u64::MAX / EACH) + REST;
    match limit(needed) {
        Some(limit) => room(limit, wanted),
        None => wanted,
    }
}

fn room(limit: u64, wanted: usize) -> usize {
    usize::try_from(limit.saturating_sub(REST) / EACH).unwrap_or(usize::MAX).clamp(1, wanted.max(1))
}

/// The limit on open files, raised to what is needed where the system lets it; none without a limit.
#[cfg(unix)]
fn limit(needed: u64) -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let current = current?;
    let allowed = maximum.map_or(needed, |maximum| maximum.min(needed));
    let is_raised =
        allowed > current && setrlimit(Resource::Nofile, Rlimit { current: Some(allowed), maximum }).is_ok();
    Some(if is_raised { allowed } else { current })
}

#[cfg(not(unix))]
fn limit(_needed: u64) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_has_room_for_what_it_needs() {
        assert_eq!(room(64, 512), 10);
        assert_eq!(room(1024, 512), 330);
        assert_eq!(room(1568, 512), 512);
        assert_eq!(room(1 << 20, 512), 512);
        assert_eq!(room(10, 512), 1);
    }
}
