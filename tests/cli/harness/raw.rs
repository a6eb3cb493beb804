//! An endpoint that keeps the bytes of each request as they arrive, and a proxy that leads to it.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    thread,
};

use super::{CYANITE, PATIENCE, tls::Identity};

/// An endpoint that responds with the same bytes to each request, whose body is [`CYANITE`].
pub struct RawEndpoint {
    scheme: &'static str,
    host: String,
    certificate: Option<String>,
    requests: Receiver<Vec<u8>>,
}

impl RawEndpoint {
    pub fn new(response: &'static [u8]) -> Self {
        Self::start(response, None)
    }

    pub fn over_tls(response: &'static [u8]) -> Self {
        Self::start(response, Some(Identity::new()))
    }

    fn start(response: &'static [u8], identity: Option<Identity>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let (sender, requests) = mpsc::channel();
        let (scheme, certificate) = match &identity {
            Some(identity) => ("https", Some(identity.certificate.clone())),
            None => ("http", None),
        };
        let identity = identity.map(Arc::new);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (sender, identity) = (sender.clone(), identity.clone());
                thread::spawn(move || match identity {
                    Some(identity) => serve(identity.accept(stream), response, &sender),
                    None => serve(stream, response, &sender),
                });
            }
        });
        Self { scheme, host, certificate, requests }
    }

    /// Its host and port.
    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn url(&self, target: &str) -> String {
        format!("{}://{}{target}", self.scheme, self.host)
    }

    /// The certificate of an endpoint over TLS, in the format of a file of trusted certificates.
    pub fn certificate(&self) -> &str {
        self.certificate.as_deref().expect("an endpoint over TLS")
    }

    /// The next request that it received.
    #[track_caller]
    pub fn next(&self) -> String {
        String::from_utf8(self.requests.recv_timeout(PATIENCE).expect("a request")).unwrap()
    }
}

fn serve(mut stream: impl Read + Write, response: &[u8], sender: &Sender<Vec<u8>>) {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..count]);
        if bytes.ends_with(CYANITE.as_bytes()) {
            // The test may be over.
            let _ = stream.write_all(response).and_then(|()| stream.flush());
            let _ = sender.send(std::mem::take(&mut bytes));
        }
    }
}

/// A proxy that opens tunnels, all to one endpoint.
pub struct TunnelProxy {
    port: u16,
    heads: Receiver<String>,
}

impl TunnelProxy {
    /// A proxy that responds with this status line, and leads to an endpoint.
    pub fn to(endpoint: &RawEndpoint, status: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (host, (sender, heads)) = (endpoint.host.clone(), mpsc::channel());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (host, sender) = (host.clone(), sender.clone());
                thread::spawn(move || tunnel(stream, &host, status, &sender));
            }
        });
        Self { port, heads }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The next head that it received.
    #[track_caller]
    pub fn next(&self) -> String {
        self.heads.recv_timeout(PATIENCE).expect("a request")
    }
}

fn tunnel(mut stream: TcpStream, host: &str, status: &str, sender: &Sender<String>) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        if !matches!(stream.read(&mut byte), Ok(1)) {
            return;
        }
        head.push(byte[0]);
    }
    // The test may be over.
    let _ = sender.send(String::from_utf8(head).unwrap());
    let _ = stream.write_all(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes());
    if !status.starts_with("200") {
        return;
    }
    let onward = TcpStream::connect(host).unwrap();
    let (mut from, mut to) = (onward.try_clone().unwrap(), stream.try_clone().unwrap());
    thread::spawn(move || io::copy(&mut from, &mut to));
    let _ = io::copy(&mut stream, &mut &onward);
}
