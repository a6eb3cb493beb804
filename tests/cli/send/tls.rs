//! Endpoints behind TLS.

use std::{
    io::{BufReader, Write},
    net::TcpListener,
    sync::{Arc, mpsc},
    thread,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{ServerConfig, ServerConnection, StreamOwned, crypto::ring, pki_types::PrivateKeyDer};

use crate::harness::{CYANITE, Dir, Message, PATIENCE, text};

/// An endpoint that answers 200 behind a certificate of its own, which nobody vouches for.
struct TlsEndpoint {
    port: u16,
    /// As a file of trusted certificates holds it.
    certificate: String,
    requests: mpsc::Receiver<Message>,
}

impl TlsEndpoint {
    fn new() -> Self {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, requests) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = BufReader::new(StreamOwned::new(connection, stream));
                if let Ok(Some(request)) = Message::read(&mut stream) {
                    let answered = stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
                    if answered.is_err() || sender.send(request).is_err() {
                        return;
                    }
                }
            }
        });
        let base64 = BASE64_STANDARD.encode(cert.der());
        let certificate = format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");
        Self { port, certificate, requests }
    }

    fn url(&self) -> String {
        format!("https://127.0.0.1:{}/hooks", self.port)
    }
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused_and_the_endpoint_unreachable() {
    let endpoint = TlsEndpoint::new();
    let attempt = Dir::new().send("cyanite.v2.finished", endpoint.url()).arg("--json").exits(4).line();
    assert_eq!(attempt["outcome"], "unreachable");
    let reason = text(&attempt, "/reason");
    assert!(reason.starts_with(&format!("TLS with 127.0.0.1:{} failed: ", endpoint.port)), "{reason}");
    assert!(reason.ends_with("(--insecure accepts any certificate)"), "{reason}");
}

#[test]
fn any_certificate_is_taken_when_that_is_wanted() {
    let endpoint = TlsEndpoint::new();
    Dir::new().send("cyanite.v2.finished", endpoint.url()).arg("--insecure").exits(0);
    let request = endpoint.requests.recv_timeout(PATIENCE).unwrap();
    assert_eq!((request.start.as_str(), request.text()), ("POST /hooks HTTP/1.1", CYANITE));
}

#[test]
fn many_deliveries_go_over_tls_too() {
    let (dir, endpoint) = (Dir::new(), TlsEndpoint::new());
    let send = dir.send("cyanite.v2.finished", endpoint.url()).args(["--repeat", "3", "--insecure"]);
    send.exits(0).prints("\n  accepted               3  100.00 %\n");
    (0..3).for_each(|_| assert_eq!(endpoint.requests.recv_timeout(PATIENCE).unwrap().text(), CYANITE));
}

#[cfg(target_os = "linux")]
#[test]
fn a_certificate_that_the_system_trusts_is_taken() {
    let (dir, endpoint) = (Dir::new(), TlsEndpoint::new());
    dir.write("trusted.pem", &endpoint.certificate);
    let send = dir.send("cyanite.v2.finished", endpoint.url());
    send.env("SSL_CERT_FILE", dir.join("trusted.pem")).exits(0);
    assert_eq!(endpoint.requests.recv_timeout(PATIENCE).unwrap().text(), CYANITE);
}
