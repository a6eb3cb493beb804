//! The address of `listen`: what it is by default, how it is written, and binding it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;

use super::{context::Context, exit::Failure};
use crate::{
    engine::receive::{Forward, ReceiverSettings},
    net::own_address::leads_to,
    webhook::redact,
};

/// The address that `listen` uses by default.
pub const DEFAULT_ADDR: &str = "127.0.0.1:4400";

/// Adds the default host to an address for `listen` that has none, such as `:4400` or `4400`.
pub fn full_addr(addr: &str) -> String {
    let port = addr.strip_prefix(':').unwrap_or(addr);
    if port.parse::<u16>().is_ok() { format!("127.0.0.1:{port}") } else { addr.to_owned() }
}

/// The config's address for `listen`, unless it leaves the port to the system.
pub fn configured_addr(context: &Context) -> Option<String> {
    let configured = context.config.as_ref()?.listen.addr.as_deref().map(full_addr);
    configured.filter(|addr| !addr.ends_with(":0"))
}

/// Whether `send` reaches this address of `listen` by default.
pub fn is_default(context: &Context, address: SocketAddr) -> bool {
    let expected = configured_addr(context).unwrap_or_else(|| DEFAULT_ADDR.to_owned());
    let Some((host, port)) = expected.rsplit_once(':') else { return false };
    let (ip, is_open) = (address.ip(), address.ip().is_unspecified());
    let is_host = match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(expected) => expected == ip || is_open && expected.is_loopback(),
        // A host name, most likely `localhost`.
        Err(_) => ip.is_loopback() || is_open,
    };
    is_host && port.parse() == Ok(address.port())
}

/// A URL at which this machine reaches an address, since `0.0.0.0` is not a host to connect to.
pub fn reachable(mut address: SocketAddr) -> String {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    format!("http://{address}")
}

/// Rejects settings that forward to an address on which this process listens.
///
/// # Errors
///
/// If one of the forwards leads there.
pub fn refuse_own_addresses(settings: &ReceiverSettings, addresses: &[SocketAddr]) -> Result<(), Failure> {
    let leads_here = |forward: &&Forward| addresses.iter().any(|address| leads_to(&forward.url, *address));
    let Some(forward) = settings.forwards.iter().find(leads_here) else { return Ok(()) };
    let url = redact::query(forward.url.as_str());
    Err(Failure::usage(format!("can't forward to {url}: hookdev itself listens there"))
        .hint("give the URL of your handler, or listen on another port with --addr or --inspect"))
}

/// Binds the address of the command line, else the config's, else the default. Warns about an address that other
/// machines can reach.
///
/// # Errors
///
/// If it can't be bound.
pub async fn bind(context: &Context, addr: Option<&str>) -> Result<(TcpListener, SocketAddr), Failure> {
    let configured = context.config.as_ref().and_then(|config| config.listen.addr.as_deref());
    let configured = configured.filter(|_| addr.is_none()).inspect(|_| context.name_config());
    let full = full_addr(addr.or(configured).unwrap_or(DEFAULT_ADDR));
    let failed = |error: std::io::Error| {
        let failure = Failure::usage(format!("can't listen on {full}")).because(&error);
        match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                failure.hint("stop the program that uses this port, or pick a free one with --addr 127.0.0.1:0; in that case, pass `hookdev send` the --to URL that `listen` prints, or it sends to the other program")
            }
            std::io::ErrorKind::PermissionDenied => failure.hint("ports below 1024 are reserved; choose a higher one"),
            std::io::ErrorKind::AddrNotAvailable => failure.hint(
                "this machine doesn't have that address; listen on 127.0.0.1, or on 0.0.0.0 for all of its addresses",
            ),
            _ => failure.hint("write the address as HOST:PORT, such as 127.0.0.1:4400"),
        }
    };
    let listener = TcpListener::bind(&full).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    if !address.ip().is_loopback() {
        context.terminal.warn(format!("other machines can reach {address} and send requests to it"));
    }
    Ok((listener, address))
}
