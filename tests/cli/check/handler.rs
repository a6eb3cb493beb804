//! A webhook handler for tests. Signatures are verified by other libraries.

use std::{
    io::{BufReader, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha512};

use super::{ASPECT_SECRET, CYANITE_SECRET};
use crate::harness::{Message, hex};

/// What the handler does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    Status(u16),
    /// Responds with this status and body.
    Says(u16, &'static [u8]),
    /// Redirects elsewhere.
    Redirect,
    /// Does not respond, and keeps the connection open.
    Hang,
    /// Does not respond, and stops listening.
    Die,
    /// Responds and stops listening.
    LastWord(u16),
}

/// A handler on a free port.
pub struct Handler(Arc<Shared>);

struct Shared {
    port: u16,
    reply: Box<dyn Fn(&Message) -> Reply + Send + Sync>,
    seen: AtomicUsize,
    ended: AtomicBool,
    accepting: Mutex<Option<JoinHandle<()>>>,
    /// Every connection with the port of the peer.
    connections: Mutex<Vec<(u16, TcpStream)>>,
}

impl Handler {
    pub fn new(reply: impl Fn(&Message) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let shared = Arc::new(Shared {
            port: listener.local_addr().unwrap().port(),
            reply: Box::new(reply),
            seen: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
            accepting: Mutex::new(None),
            connections: Mutex::new(Vec::new()),
        });
        let accepting = Arc::clone(&shared);
        let accept = thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if accepting.ended.load(Ordering::SeqCst) {
                    return;
                }
                let peer = stream.peer_addr().unwrap().port();
                accepting.connections.lock().unwrap().push((peer, stream.try_clone().unwrap()));
                let shared = Arc::clone(&accepting);
                thread::spawn(move || shared.serve(stream, peer));
            }
        });
        *shared.accepting.lock().unwrap() = Some(accept);
        Self(shared)
    }

    /// The handler's URL with this path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.0.port)
    }

    /// The number of requests so far.
    pub fn seen(&self) -> usize {
        self.0.seen.load(Ordering::SeqCst)
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        self.0.end(None);
    }
}

impl Shared {
    /// Stops listening and closes all connections but this one before it returns.
    fn end(&self, but: Option<u16>) {
        self.ended.store(true, Ordering::SeqCst);
        if let Some(accepting) = self.accepting.lock().unwrap().take() {
            // Wakes the accepting thread.
            let _ = TcpStream::connect(("127.0.0.1", self.port));
            accepting.join().unwrap();
        }
        for (peer, stream) in self.connections.lock().unwrap().iter() {
            if Some(*peer) != but {
                // The connection may be closed already.
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }

    fn serve(&self, stream: TcpStream, peer: u16) {
        let mut stream = BufReader::new(stream);
        while let Ok(Some(request)) = Message::read(&mut stream) {
            self.seen.fetch_add(1, Ordering::SeqCst);
            let mut body: &[u8] = b"";
            let (status, more) = match (self.reply)(&request) {
                Reply::Status(status) => (status, ""),
                Reply::Says(status, says) => {
                    body = says;
                    (status, "")
                }
                Reply::Redirect => (302, "location: http://127.0.0.1:1/elsewhere\r\n"),
                Reply::LastWord(status) => (status, "connection: close\r\n"),
                Reply::Hang => {
                    let _ = Message::read(&mut stream);
                    return;
                }
                Reply::Die => {
                    self.end(None);
                    return;
                }
            };
            if !more.is_empty() && status != 302 {
                self.end(Some(peer));
            }
            let length = if status == 204 { String::new() } else { format!("content-length: {}\r\n", body.len()) };
            let head = format!("HTTP/1.1 {status} Status\r\n{more}{length}\r\n");
            if stream.get_mut().write_all(&[head.as_bytes(), body].concat()).is_err() || more.contains("close") {
                let _ = stream.get_ref().shutdown(Shutdown::Both);
                return;
            }
        }
    }
}

/// Whether the request has Cyanite's signature of these bytes.
pub fn cyanite_signed(message: &Message, bytes: &[u8]) -> bool {
    let mut mac = Hmac::<Sha512>::new_from_slice(CYANITE_SECRET).unwrap();
    mac.update(bytes);
    let expected = hex(mac.finalize().into_bytes());
    message.header("signature") == Some(expected.as_str())
}

/// Whether the request is Cyanite's test, which is not signed.
pub fn is_cyanite_test(message: &Message) -> bool {
    message.body == br#"{"type":"TEST","data":null}"#
}

/// The status of a correct Cyanite handler.
pub fn cyanite(message: &Message) -> u16 {
    if is_cyanite_test(message) || cyanite_signed(message, &message.body) { 200 } else { 401 }
}

/// Whether Svix's own library accepts the request.
pub fn aspect_signed(message: &Message) -> bool {
    let named = message.headers.iter().filter_map(|(name, value)| {
        let bytes: Vec<u8> = value.chars().map(|c| u8::try_from(c).unwrap()).collect();
        Some((
            http::HeaderName::try_from(name.replace("svix-", "webhook-")).ok()?,
            http::HeaderValue::from_bytes(&bytes).ok()?,
        ))
    });
    let headers: http::HeaderMap = named.collect();
    standardwebhooks::Webhook::new(ASPECT_SECRET).unwrap().verify(&message.body, &headers).is_ok()
}

/// The status of a correct Aspect handler.
pub fn aspect(message: &Message) -> u16 {
    if aspect_signed(message) { 200 } else { 401 }
}

/// Svix's signature of the request in base64, however old the request is.
pub fn aspect_signature(message: &Message) -> String {
    let key = BASE64_STANDARD.decode(&ASPECT_SECRET[6..]).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    let of = |name| message.header(name).unwrap_or_default();
    mac.update(format!("{}.{}.", of("svix-id"), of("svix-timestamp")).as_bytes());
    mac.update(&message.body);
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

/// The entries of Svix's signature header: version and signature.
pub fn aspect_entries(message: &Message) -> Vec<(&str, &str)> {
    let header = message.header("svix-signature").unwrap_or_default();
    header.split(' ').filter_map(|entry| entry.split_once(',')).collect()
}
