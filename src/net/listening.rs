//! The ports on which the user's own programs listen, for hints. Linux lists them; elsewhere none are known.

use std::{collections::BTreeSet, fs, os::unix::fs::MetadataExt};

/// The state of a socket that listens, as `/proc/net/tcp` writes it.
const LISTENING: &str = "0A";

/// The TCP ports on which this user's programs listen, in order.
#[must_use]
pub fn own_ports() -> Vec<u16> {
    let Ok(user) = fs::metadata("/proc/self").map(|metadata| metadata.uid()) else { return Vec::new() };
    let lines = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let ports: BTreeSet<u16> = lines.iter().flat_map(|text| text.lines()).filter_map(|line| port(line, user)).collect();
    ports.into_iter().collect()
}

/// The port in a line about a listening socket of this user.
fn port(line: &str, user: u32) -> Option<u16> {
    let mut fields = line.split_whitespace().skip(1);
    let (local, _remote, state) = (fields.next()?, fields.next()?, fields.next()?);
    // Queues, timer, retransmissions.
    let owner = fields.nth(3)?;
    let is_listed = state == LISTENING && owner.parse() == Ok(user);
    is_listed.then(|| u16::from_str_radix(local.rsplit_once(':')?.1, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_gives_the_port_of_a_users_listening_socket() {
        // From proc(5) and a running system.
        let listening = "   0: 0100007F:1130 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 34612 1 0000000000000000 100 0 0 10 0";
        let connected = "   1: 0100007F:1130 0100007F:A3C2 01 00000000:00000000 00:00000000 00000000  1000        0 34613 1 0000000000000000 20 4 30 10 -1";
        let header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
        assert_eq!(port(listening, 1000), Some(4400));
        assert_eq!([port(listening, 0), port(connected, 1000), port(header, 0)], [None; 3]);
    }
}
