//! A webhook endpoint that answers as it is told and keeps what it was sent.

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

use super::{PATIENCE, wire::Message};

/// How a request is answered.
#[derive(Clone, Debug)]
pub enum Turn {
    Answer { status: u16, headers: Vec<(String, String)>, body: Vec<u8>, after: Duration },
    Hang,
    HangUp,
}

/// An answer with this status.
pub fn answer(status: u16) -> Turn {
    Turn::Answer { status, headers: Vec::new(), body: Vec::new(), after: Duration::ZERO }
}

/// No answer, while the connection stays open.
pub fn hang() -> Turn {
    Turn::Hang
}

/// No answer: the connection is closed.
pub fn hang_up() -> Turn {
    Turn::HangUp
}

impl Turn {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        if let Self::Answer { body, .. } = &mut self {
            *body = bytes.into();
        }
        self
    }

    /// Lets this much time pass before the answer.
    pub fn after(mut self, time: Duration) -> Self {
        if let Self::Answer { after, .. } = &mut self {
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
}

impl Endpoint {
    /// An endpoint that answers by turns; the last one is for all requests that follow.
    pub fn new(turns: impl IntoIterator<Item = Turn>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let turns = Arc::new(Mutex::new(turns.into_iter().collect::<VecDeque<_>>()));
        let ended = Arc::new(AtomicBool::new(false));
        let (sender, requests) = mpsc::channel();
        let connections = Arc::new(AtomicUsize::new(0));
        let (over, count) = (Arc::clone(&ended), Arc::clone(&connections));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                count.fetch_add(1, Ordering::SeqCst);
                let (turns, sender) = (Arc::clone(&turns), sender.clone());
                thread::spawn(move || serve(stream, &turns, &sender));
            }
        });
        Self { port, requests, connections, ended }
    }

    /// Its URL with this path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The next request that it was sent.
    #[track_caller]
    pub fn next(&self) -> Message {
        self.requests.recv_timeout(PATIENCE).expect("a request")
    }

    /// How many connections were made to it so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Wants that it was sent no more than was asked for.
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

/// Answers the requests of one connection until either side ends it.
fn serve(stream: TcpStream, turns: &Mutex<VecDeque<Turn>>, sender: &Sender<Message>) {
    let mut stream = BufReader::new(stream);
    while let Ok(Some(request)) = Message::read(&mut stream) {
        let turn = {
            let mut turns = turns.lock().unwrap();
            if turns.len() > 1 { turns.pop_front() } else { turns.front().cloned() }
        };
        // The test may be over.
        let _ = sender.send(request);
        match turn.expect("at least one turn") {
            Turn::Answer { status, headers, body, after } => {
                thread::sleep(after);
                if stream.get_mut().write_all(&bytes(status, &headers, &body)).is_err() {
                    return;
                }
            }
            Turn::Hang => {
                let _ = stream.read(&mut [0]);
                return;
            }
            Turn::HangUp => {
                let _ = stream.get_ref().shutdown(Shutdown::Both);
                return;
            }
        }
    }
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
