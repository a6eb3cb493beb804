//! The streams under HTTP connections: plain, encrypted, or through a proxy.

use std::fmt;

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

/// A bidirectional stream.
pub(super) trait Duplex: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin {
    /// Whether the other side is known to have reset the connection since the last read and write.
    fn was_reset(&self) -> bool {
        false
    }
}

impl Duplex for TcpStream {
    fn was_reset(&self) -> bool {
        self.take_error().is_ok_and(|error| error.is_some())
    }
}

impl<S: Duplex> Duplex for TlsStream<S> {
    fn was_reset(&self) -> bool {
        self.get_ref().0.was_reset()
    }
}

impl Duplex for reqwest::Upgraded {}

#[cfg(test)]
impl Duplex for tokio::io::DuplexStream {}
