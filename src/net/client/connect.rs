//! Opens connections: directly or through a proxy, plain or encrypted.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};

use reqwest::Url;
use tokio::net::{TcpStream, lookup_host};

use super::{
    connection::Connection,
    error::{SendError, not_connected, not_resolved},
    is_localhost,
    message::Recipient,
    proxy::Proxy,
    stream::Duplex,
    tls::Tls,
    without_brackets,
};

/// Opens connections.
#[derive(Debug, Default)]
pub(super) struct Connector {
    tls: Tls,
}

impl Connector {
    /// A connector that, if `insecure`, accepts any TLS certificate.
    pub(super) fn new(insecure: bool) -> Self {
        Self { tls: Tls::new(insecure) }
    }

    /// Opens a connection to the host of a URL, or to its proxy.
    pub(super) async fn open(&self, url: &Url) -> Result<Connection, SendError> {
        let proxy = Proxy::of(url)?;
        let is_encrypted = url.scheme() == "https";
        let (host, port) = (url.host_str().unwrap_or_default(), port(url));
        match proxy {
            None if !is_encrypted => Connection::over(tcp(host, port).await?, Recipient::Endpoint).await,
            // Boxed, because it is much larger than the future of a plain connection.
            None => Box::pin(self.encrypt(tcp(host, port).await?, host, port)).await,
            Some(proxy) if is_encrypted => {
                Box::pin(async { self.encrypt(proxy.tunnel(host, port, &self.tls).await?, host, port).await }).await
            }
            Some(proxy) => Box::pin(self.open_to(&proxy)).await.map_err(|error| proxy.unreachable(&error.to_string())),
        }
    }

    /// Whether the host of a URL accepts a connection, without a proxy.
    pub(super) async fn connects(&self, url: &Url) -> bool {
        tcp(url.host_str().unwrap_or_default(), port(url)).await.is_ok()
    }

    /// Whether the host of a URL completes a TLS handshake, with any certificate and without a proxy.
    pub(super) async fn accepts_tls(&self, url: &Url) -> bool {
        let (host, port) = (url.host_str().unwrap_or_default(), port(url));
        let Ok(stream) = tcp(host, port).await else { return false };
        Tls::new(true).encrypt(stream, host, port).await.is_ok()
    }

    /// Opens a connection to an endpoint over TLS.
    async fn encrypt<S: Duplex + 'static>(&self, stream: S, host: &str, port: u16) -> Result<Connection, SendError> {
        Connection::over(self.tls.encrypt(stream, host, port).await?, Recipient::Endpoint).await
    }

    /// Opens a connection for requests that the proxy passes on.
    async fn open_to(&self, proxy: &Proxy) -> Result<Connection, SendError> {
        let recipient = Recipient::Proxy { authorization: proxy.authorization().cloned() };
        let stream = tcp(proxy.host(), proxy.port()).await?;
        if proxy.is_encrypted() {
            Connection::over(self.tls.encrypt(stream, proxy.host(), proxy.port()).await?, recipient).await
        } else {
            Connection::over(stream, recipient).await
        }
    }
}

/// Connects to a host.
async fn tcp(host: &str, port: u16) -> Result<TcpStream, SendError> {
    let failed = |error: io::Error| not_connected(Some(error.kind()), host, port, &error.to_string());
    let addresses = if let Some(addresses) = without_resolver(host, port) {
        addresses
    } else {
        let resolved = lookup_host((without_brackets(host), port)).await;
        connectable(resolved, host, port).map_err(|error| not_resolved(&error, host))?
    };
    let stream = TcpStream::connect(addresses.as_slice()).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    Ok(stream)
}

/// The addresses of a name below `localhost`. A resolver without a network would take seconds to not find it, and one
/// with a network must not be asked (RFC 6761, 6.3).
pub(in crate::net) fn without_resolver(host: &str, port: u16) -> Option<Vec<SocketAddr>> {
    host.ends_with(".localhost").then(|| loopback(Vec::new(), port))
}

/// The addresses to try for a host, given those that the resolver found.
pub(in crate::net) fn connectable(
    resolved: io::Result<impl Iterator<Item = SocketAddr>>,
    host: &str,
    port: u16,
) -> io::Result<Vec<SocketAddr>> {
    match resolved {
        Ok(addresses) if is_localhost(host) => Ok(loopback(addresses.collect(), port)),
        Err(_) if is_localhost(host) => Ok(loopback(Vec::new(), port)),
        addresses => Ok(addresses?.collect()),
    }
}

/// The addresses of a name of this machine, whatever the resolver found (RFC 6761, 6.3).
fn loopback(mut addresses: Vec<SocketAddr>, port: u16) -> Vec<SocketAddr> {
    addresses.retain(|address| address.ip().to_canonical().is_loopback());
    if addresses.is_empty() {
        addresses = vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()];
    }
    addresses
}

fn port(url: &Url) -> u16 {
    url.port_or_known_default().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_below_localhost_needs_no_resolver() {
        let here = ["127.0.0.1:80", "[::1]:80"].map(|text| text.parse().unwrap());
        assert_eq!(without_resolver("app.localhost", 80).as_deref(), Some(&here[..]));
        // The file of hosts may say which of the two comes first.
        for host in ["localhost", "localhost.example", "notlocalhost"] {
            assert_eq!(without_resolver(host, 80), None, "{host}");
        }
    }

    #[test]
    fn a_name_of_this_machine_leads_nowhere_else() {
        let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let here = addresses(&["[::1]:80", "127.0.0.1:80"]);
        assert_eq!(loopback(here.clone(), 80), here);
        assert_eq!(loopback(addresses(&["192.0.2.2:80", "127.0.0.2:80"]), 80), addresses(&["127.0.0.2:80"]));
        assert_eq!(loopback(addresses(&["192.0.2.2:80"]), 80), addresses(&["127.0.0.1:80", "[::1]:80"]));
    }
}
