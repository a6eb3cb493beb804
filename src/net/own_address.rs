//! Whether a URL leads to an address that this process listens on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};

use reqwest::Url;

use super::client::{connectable, without_resolver};

/// Whether requests to a URL arrive at this address, on which a receiver listens. Resolves the URL's host only if the
/// port is the same.
#[must_use]
pub fn leads_to(url: &Url, listening: SocketAddr) -> bool {
    let port = url.port_or_known_default();
    if port != Some(listening.port()) {
        return false;
    }
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let resolve = || connectable((host, listening.port()).to_socket_addrs(), host, listening.port()).ok();
    let Some(addresses) = without_resolver(host, listening.port()).or_else(resolve) else { return false };
    let own = listening.ip().to_canonical();
    // A socket of `[::]` usually takes IPv4 too.
    let is_taken = |ip: IpAddr| own.is_unspecified() && (own.is_ipv6() || ip.is_ipv4()) && is_local(ip);
    addresses.iter().map(|address| reached(address.ip())).any(|ip| ip == own || is_taken(ip))
}

/// The address that a connection reaches: `0.0.0.0` leads to this machine.
fn reached(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

/// Whether an address belongs to this machine, which is the case if a socket can be bound to it.
fn is_local(ip: IpAddr) -> bool {
    ip.is_loopback() || UdpSocket::bind((ip, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_leads_to_an_address_by_any_of_its_names() {
        let leads = |url: &str, listening: &str| leads_to(&Url::parse(url).unwrap(), listening.parse().unwrap());
        for (url, listening, expected) in [
            ("http://127.0.0.1:4400/a?b", "127.0.0.1:4400", true),
            ("http://localhost:4400/", "127.0.0.1:4400", true),
            ("http://app.localhost:4400/", "127.0.0.1:4400", true),
            ("http://0.0.0.0:4400/", "127.0.0.1:4400", true),
            ("http://[::ffff:127.0.0.1]:4400/", "127.0.0.1:4400", true),
            ("http://127.0.0.1:4400/", "0.0.0.0:4400", true),
            ("http://127.0.0.1:4400/", "[::]:4400", true),
            ("http://[::1]:4400/", "[::]:4400", true),
            ("http://[::1]:4400/", "0.0.0.0:4400", false),
            ("http://[::1]:4400/", "127.0.0.1:4400", false),
            ("https://127.0.0.1:4400/", "127.0.0.1:4400", true),
            ("http://127.0.0.1/", "127.0.0.1:80", true),
            ("http://127.0.0.1:4401/", "127.0.0.1:4400", false),
            ("http://127.0.0.2:4400/", "127.0.0.1:4400", false),
            // An address for documentation, which no machine has.
            ("http://192.0.2.1:4400/", "0.0.0.0:4400", false),
        ] {
            assert_eq!(leads(url, listening), expected, "{url} {listening}");
        }
    }
}
