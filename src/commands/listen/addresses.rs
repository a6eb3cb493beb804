//! The addresses of a running `listen`, for the ready line, the messages at the start and the program after `--`.

use std::net::SocketAddr;

use crate::{
    commands::{
        address::reachable,
        inspect,
        program::Urls,
        reporters,
        terminal::Terminal,
        tunnel::{PublicUrls, Served},
    },
    engine::receive::ReceiverSettings,
    render::json::{Ready, RegisteredEndpoint},
};

/// Where a receiver can be reached, and what is registered for it.
pub struct Addresses {
    url: String,
    /// A URL at which this machine reaches it.
    reachable: String,
    /// Whether `send` delivers here by default.
    is_default: bool,
    inspector: Option<String>,
    tunnel: Option<String>,
    pub registered: Vec<RegisteredEndpoint>,
}

impl Addresses {
    /// The current addresses of a receiver.
    pub fn new(
        address: SocketAddr,
        is_default: bool,
        inspector: Option<String>,
        tunnel: Option<PublicUrls>,
        registered: Vec<RegisteredEndpoint>,
    ) -> Self {
        let tunnel = tunnel.map(|urls| urls.current());
        Self {
            url: format!("http://{address}"),
            reachable: reachable(address),
            is_default,
            inspector,
            tunnel,
            registered,
        }
    }

    /// The content of the ready line.
    pub fn ready(&self) -> Ready<'_> {
        Ready {
            url: &self.url,
            inspector: self.inspector.as_deref(),
            tunnel: self.tunnel.as_deref(),
            registered: &self.registered,
        }
    }

    /// The URLs for the program after `--`.
    pub fn for_program(&self) -> Urls<'_> {
        Urls { local: &self.reachable, tunnel: self.tunnel.as_deref() }
    }

    /// Prints the addresses, for people.
    pub fn announce(
        &self,
        terminal: Terminal,
        settings: &ReceiverSettings,
        tunnel: &Served,
        redact: bool,
        has_keys: bool,
    ) {
        let send_to = (!self.is_default).then_some(self.reachable.as_str());
        reporters::listen::announce(terminal, settings, &self.url, send_to, redact, has_keys);
        tunnel.announce(terminal, settings);
        inspect::announce(terminal, self.inspector.as_deref());
    }
}
