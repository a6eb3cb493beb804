//! The server's side of TLS, with a self-signed certificate.

use std::{net::TcpStream, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{ServerConfig, ServerConnection, StreamOwned, crypto::ring, pki_types::PrivateKeyDer};

pub type TlsStream = StreamOwned<ServerConnection, TcpStream>;

pub struct Identity {
    config: Arc<ServerConfig>,
    /// In the format of a file of trusted certificates.
    pub certificate: String,
}

impl Identity {
    pub fn new() -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["127.0.0.1".to_owned(), "remote.example".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let base64 = BASE64_STANDARD.encode(cert.der());
        let certificate = format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");
        Self { config: Arc::new(config), certificate }
    }

    pub fn accept(&self, stream: TcpStream) -> TlsStream {
        StreamOwned::new(ServerConnection::new(Arc::clone(&self.config)).unwrap(), stream)
    }
}
