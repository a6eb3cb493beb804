//! A webhook handler that answers by what it was sent, with signatures verified by others' code.

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

/// How a request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    Status(u16),
    /// An answer with this body.
    Says(u16, &'static [u8]),
    /// A redirect to elsewhere.
    Redirect,
    /// None, while the connection stays open.
    Hang,
    /// None: the connection is closed, and nobody listens any more.
    Die,
    /// An answer, and nobody listens any more.
    LastWord(u16),
}

/// A handler on a free port of its own.
pub struct Handler(Arc<Shared>);

struct Shared {
    port: u16,
    answer: Box<dyn Fn(&Message) -> Reply + Send + Sync>,
    seen: AtomicUsize,
    ended: AtomicBool,
    accepting: Mutex<Option<JoinHandle<()>>>,
    /// Every connection, by the port of the other side.
    connections: Mutex<Vec<(u16, TcpStream)>>,
}

impl Handler {
    pub fn new(answer: impl Fn(&Message) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let shared = Arc::new(Shared {
            port: listener.local_addr().unwrap().port(),
            answer: Box::new(answer),
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

    /// Its URL with this path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.0.port)
    }

    /// How many requests it was sent.
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
    /// Listens no more, and has no connection but this one, which is true when this returns.
    fn end(&self, but: Option<u16>) {
        self.ended.store(true, Ordering::SeqCst);
        if let Some(accepting) = self.accepting.lock().unwrap().take() {
            // Wakes the thread that waits for a connection.
            let _ = TcpStream::connect(("127.0.0.1", self.port));
            accepting.join().unwrap();
        }
        for (peer, stream) in self.connections.lock().unwrap().iter() {
            if Some(*peer) != but {
                // It may be closed already.
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }

    fn serve(&self, stream: TcpStream, peer: u16) {
        let mut stream = BufReader::new(stream);
        while let Ok(Some(request)) = Message::read(&mut stream) {
            self.seen.fetch_add(1, Ordering::SeqCst);
            let mut body: &[u8] = b"";
            let (status, more) = match (self.answer)(&request) {
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
            let head = format!("HTTP/1.1 {status} As it is\r\n{more}{length}\r\n");
            if stream.get_mut().write_all(&[head.as_bytes(), body].concat()).is_err() || more.contains("close") {
                let _ = stream.get_ref().shutdown(Shutdown::Both);
                return;
            }
        }
    }
}

/// Whether Cyanite's signature is right over these bytes.
pub fn cyanite_signed(message: &Message, bytes: &[u8]) -> bool {
    let mut mac = Hmac::<Sha512>::new_from_slice(CYANITE_SECRET).unwrap();
    mac.update(bytes);
    let expected = hex(mac.finalize().into_bytes());
    message.header("signature") == Some(expected.as_str())
}

/// Whether a delivery is Cyanite's test, which is sent unsigned.
pub fn is_cyanite_test(message: &Message) -> bool {
    message.body == br#"{"type":"TEST","data":null}"#
}

/// 200 for what Cyanite sends, 401 for the rest.
pub fn cyanite(message: &Message) -> u16 {
    if is_cyanite_test(message) || cyanite_signed(message, &message.body) { 200 } else { 401 }
}

/// Whether Svix's own library takes a delivery.
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

/// 200 for what Aspect sends, 401 for the rest.
pub fn aspect(message: &Message) -> u16 {
    if aspect_signed(message) { 200 } else { 401 }
}

/// Svix's signature of a delivery, in base64, whenever it was made.
pub fn aspect_signature(message: &Message) -> String {
    let key = BASE64_STANDARD.decode(&ASPECT_SECRET[6..]).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    let of = |name| message.header(name).unwrap_or_default();
    mac.update(format!("{}.{}.", of("svix-id"), of("svix-timestamp")).as_bytes());
    mac.update(&message.body);
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

/// The entries of Svix's signature header, each a version and a signature.
pub fn aspect_entries(message: &Message) -> Vec<(&str, &str)> {
    let header = message.header("svix-signature").unwrap_or_default();
    header.split(' ').filter_map(|entry| entry.split_once(',')).collect()
}
