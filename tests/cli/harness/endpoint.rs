//! A webhook endpoint that responds as scripted and records its requests.

use std::{
    collections::VecDeque,
    io::{BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Duration,
};

use super::{
    PATIENCE,
    gate::Gate,
    tls::{Identity, TlsStream},
    wire::Message,
};

/// What the endpoint does with a request.
#[derive(Clone, Debug)]
pub enum Turn {
    Respond {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
        after: Duration,
        gate: Option<Gate>,
    },
    /// A response, after which the connection is closed silently: no header, no TLS `close_notify`.
    RespondAndClose(Box<Turn>),
    Hang,
    HangUp,
    BreakOff,
    NotHttp,
}

/// A response with this status.
pub fn respond(status: u16) -> Turn {
    Turn::Respond { status, headers: Vec::new(), body: Vec::new(), after: Duration::ZERO, gate: None }
}

/// No response, while the connection stays open.
pub fn hang() -> Turn {
    Turn::Hang
}

/// No response: the connection is closed.
pub fn hang_up() -> Turn {
    Turn::HangUp
}

/// The first bytes of a response: then the connection is closed.
pub fn break_off() -> Turn {
    Turn::BreakOff
}

/// A greeting in another protocol: then the connection is closed.
pub fn not_http() -> Turn {
    Turn::NotHttp
}

impl Turn {
    /// The same response, after which the connection is closed silently.
    pub fn then_closes(self) -> Self {
        Self::RespondAndClose(Box::new(self))
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Self::Respond { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        if let Self::Respond { body, .. } = &mut self {
            *body = bytes.into();
        }
        self
    }

    /// Holds the response back until the test opens the gate.
    pub fn behind(mut self, wanted: &Gate) -> Self {
        if let Self::Respond { gate, .. } = &mut self {
            *gate = Some(wanted.clone());
        }
        self
    }

    /// Delays the response, for tests of time limits.
    pub fn after(mut self, time: Duration) -> Self {
        if let Self::Respond { after, .. } = &mut self {
            *after = time;
        }
        self
    }
}

/// An endpoint on a free port of its own.
pub struct Endpoint {
    port: u16,
    requests: Receiver<Message>,
    connections: Arc<AtomicUsize>,
    ended: Arc<AtomicBool>,
    identity: Option<Arc<Identity>>,
}

impl Endpoint {
    /// An endpoint that takes these turns in order, and repeats the last one.
    pub fn new(turns: impl IntoIterator<Item = Turn>) -> Self {
        Self::start(turns, None)
    }

    /// The same over TLS.
    pub fn over_tls(turns: impl IntoIterator<Item = Turn>) -> Self {
        Self::start(turns, Some(Arc::new(Identity::new())))
    }

    fn start(turns: impl IntoIterator<Item = Turn>, identity: Option<Arc<Identity>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let turns = Arc::new(Mutex::new(turns.into_iter().collect::<VecDeque<_>>()));
        let ended = Arc::new(AtomicBool::new(false));
        let (sender, requests) = mpsc::channel();
        let connections = Arc::new(AtomicUsize::new(0));
        let (over, count, accepting) = (Arc::clone(&ended), Arc::clone(&connections), identity.clone());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                count.fetch_add(1, Ordering::SeqCst);
                let (turns, sender, identity) = (Arc::clone(&turns), sender.clone(), accepting.clone());
                thread::spawn(move || match identity {
                    Some(identity) => serve(identity.accept(stream), &turns, &sender),
                    None => serve(stream, &turns, &sender),
                });
            }
        });
        Self { port, requests, connections, ended, identity }
    }

    /// Its URL with this path.
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.identity.is_some() { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}{path}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The certificate of an endpoint over TLS, in the format of a file of trusted certificates.
    pub fn certificate(&self) -> &str {
        &self.identity.as_ref().expect("an endpoint over TLS").certificate
    }

    /// The next request that it received.
    #[track_caller]
    pub fn next(&self) -> Message {
        self.requests.recv_timeout(PATIENCE).expect("a request")
    }

    /// How many connections were made to it so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Asserts that it received no further request.
    #[track_caller]
    pub fn got_no_more(&self) {
        if let Ok(request) = self.requests.try_recv() {
            panic!("an unexpected request: {request:?}");
        }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// A plain connection, or one over TLS.
trait Stream: Read + Write {
    fn socket(&self) -> &TcpStream;

    /// Announces the end of the stream, where the protocol has a way to.
    fn announce_end(&mut self) {}
}

impl Stream for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Stream for TlsStream {
    fn socket(&self) -> &TcpStream {
        &self.sock
    }

    fn announce_end(&mut self) {
        self.conn.send_close_notify();
        // The peer may have disconnected.
        let _ = self.flush();
    }
}

/// Responds to the requests of one connection until either side ends it.
fn serve<S: Stream>(stream: S, turns: &Mutex<VecDeque<Turn>>, sender: &Sender<Message>) {
    let mut stream = BufReader::new(stream);
    while let Ok(Some(request)) = Message::read(&mut stream) {
        let turn = {
            let mut turns = turns.lock().unwrap();
            if turns.len() > 1 { turns.pop_front() } else { turns.front().cloned() }
        };
        // The test may be over.
        let _ = sender.send(request);
        if !take_turn(&mut stream, turn.expect("at least one turn")) {
            return;
        }
    }
    stream.get_mut().announce_end();
}

/// Responds to a request. Returns `false` if the connection is over.
fn take_turn<S: Stream>(stream: &mut BufReader<S>, turn: Turn) -> bool {
    match turn {
        Turn::Respond { status, headers, body, after, gate } => {
            thread::sleep(after);
            gate.inspect(Gate::pass);
            stream.get_mut().write_all(&bytes(status, &headers, &body)).is_ok()
        }
        Turn::RespondAndClose(response) => {
            take_turn(stream, *response);
            shut(stream)
        }
        Turn::Hang => {
            let _ = stream.read(&mut [0]);
            false
        }
        Turn::HangUp => shut(stream),
        Turn::NotHttp => {
            // The other side may be gone.
            let _ = stream.get_mut().write_all(b"SSH-2.0-OpenSSH_9.6\r\n");
            shut(stream)
        }
        Turn::BreakOff => {
            // The peer may have disconnected.
            let _ = stream.get_mut().write_all(b"HTTP/1.1 2");
            shut(stream)
        }
    }
}

/// Closes a connection silently.
fn shut<S: Stream>(stream: &BufReader<S>) -> bool {
    // The peer may have disconnected.
    let _ = stream.get_ref().socket().shutdown(Shutdown::Both);
    false
}

fn bytes(status: u16, headers: &[(String, String)], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status} As scripted\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend(format!("{name}: {value}\r\n").bytes());
    }
    if status != 204 && status != 304 {
        bytes.extend(format!("content-length: {}\r\n", body.len()).bytes());
    }
    bytes.extend(b"\r\n");
    bytes.extend(body);
    bytes
}
