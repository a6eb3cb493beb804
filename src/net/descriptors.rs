//! How many connections fit within the limit on open files. Beyond it, a request could be received but neither
//! forwarded nor saved.

/// The files per connection: the connection itself, another whose request waits for its handler, and the connection to
/// that handler.
const PER_CONNECTION: u64 = 3;

/// The files that everything else needs: standard streams, the runtime, the file watcher, the capture log.
const RESERVED: u64 = 32;

/// The limit on open files is too low for a single connection.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the limit on open files is {limit}, and receiving needs {needed}", needed = RESERVED + PER_CONNECTION)]
pub struct TooFewFiles {
    limit: u64,
}

/// Raises the limit on open files as far as needed and allowed, and returns how many of the `wanted` connections fit.
///
/// # Errors
///
/// If not even one fits.
pub fn connections(wanted: usize) -> Result<usize, TooFewFiles> {
    let needed = PER_CONNECTION * u64::try_from(wanted).unwrap_or(u64::MAX / PER_CONNECTION) + RESERVED;
    match raise_limit(needed) {
        Some(limit) => fitting(limit, wanted),
        None => Ok(wanted),
    }
}

fn fitting(limit: u64, wanted: usize) -> Result<usize, TooFewFiles> {
    match usize::try_from(limit.saturating_sub(RESERVED) / PER_CONNECTION).unwrap_or(usize::MAX) {
        0 => Err(TooFewFiles { limit }),
        fitting => Ok(fitting.min(wanted)),
    }
}

/// The limit on open files, raised to `needed` if the system allows it. `None` if there is no limit.
#[cfg(unix)]
fn raise_limit(needed: u64) -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let current = current?;
    let allowed = maximum.map_or(needed, |maximum| maximum.min(needed));
    let raised = allowed > current && setrlimit(Resource::Nofile, Rlimit { current: Some(allowed), maximum }).is_ok();
    Some(if raised { allowed } else { current })
}

#[cfg(not(unix))]
fn raise_limit(_needed: u64) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connection_has_the_files_it_needs() {
        assert_eq!(fitting(64, 512), Ok(10));
        assert_eq!(fitting(1024, 512), Ok(330));
        assert_eq!(fitting(1568, 512), Ok(512));
        assert_eq!(fitting(1 << 20, 512), Ok(512));
        assert_eq!(fitting(35, 512), Ok(1));
        for limit in [34, 10, 0] {
            assert_eq!(fitting(limit, 512), Err(TooFewFiles { limit }));
        }
    }
}
