//! TLS: the settings of all connections, and the handshake.

use std::{
    io,
    sync::{Arc, OnceLock},
};

use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use rustls_platform_verifier::Verifier;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    error::{SendError, tls_failed},
    stream::Duplex,
    without_brackets,
};

/// The client's side of TLS.
#[derive(Debug, Default)]
pub(super) struct Tls {
    accepts_any_certificate: bool,
    /// Built on first use, because reading the system's certificates takes longer than sending a request.
    config: OnceLock<Arc<ClientConfig>>,
}

impl Tls {
    pub(super) fn new(accepts_any_certificate: bool) -> Self {
        Self { accepts_any_certificate, config: OnceLock::new() }
    }

    /// The settings.
    pub(super) fn config(&self) -> Result<Arc<ClientConfig>, SendError> {
        if let Some(config) = self.config.get() {
            return Ok(Arc::clone(config));
        }
        let config = self.build().map_err(|error| SendError::Unsendable(format!("can't set up TLS: {error}")))?;
        Ok(Arc::clone(self.config.get_or_init(|| Arc::new(config))))
    }

    fn build(&self) -> Result<ClientConfig, rustls::Error> {
        let provider = Arc::new(ring::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = if self.accepts_any_certificate {
            Arc::new(AnyCertificate(Arc::clone(&provider)))
        } else {
            Arc::new(Verifier::new(Arc::clone(&provider))?)
        };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    /// Encrypts a stream to a host.
    pub(super) async fn encrypt<S: Duplex>(&self, stream: S, host: &str, port: u16) -> Result<TlsStream<S>, SendError> {
        let failed = |error: &io::Error| tls_failed(error, host, port);
        let name = ServerName::try_from(without_brackets(host).to_owned())
            .map_err(|error| failed(&io::Error::other(error)))?;
        let connector = TlsConnector::from(self.config()?);
        connector.connect(name, stream).await.map_err(|error| failed(&error))
    }
}

/// Accepts every certificate, and every signature made with one.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
