//! The programs beside the browser: `listen`, `send`, a target that records its requests, a page of somebody else's.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    process::{Child, ChildStdout, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver},
    },
    thread,
};

use serde_json::Value;

use super::{PATIENCE, machine};

/// Cyanite's documented `v2.finished`.
pub const CYANITE: &str = r#"{"version":"2","resource":{"type":"LibraryTrack","id":"999"},"event":{"type":"AudioAnalysisV6","status":"finished"}}"#;

/// The signature of [`CYANITE`] under the development secret, computed with Python's `hmac`.
pub const CYANITE_SIGNATURE: &str = "13a7442bbf01174251ab1d2f5e8d2cc1a19c0063f4886076e48e169059b228671f052a708ba81b848b82380ee97f7a90333e0ac285c6174179d268578caaa276";

/// A running `hookdev listen --json`. Ends when dropped.
pub struct Listener {
    process: Child,
    /// Its output, unless that is read in the background.
    lines: Option<BufReader<ChildStdout>>,
    ready: Value,
}

impl Listener {
    /// One with an inspector, and with these arguments.
    pub fn inspected(arguments: &[&str]) -> Self {
        Self::start(&[&["--inspect", "127.0.0.1:0"], arguments].concat())
    }

    /// One with these arguments.
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = machine::hookdev();
        command.args(["listen", "--json", "--no-config", "--addr", "127.0.0.1:0"]).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|_| panic!("`listen {arguments:?}` printed {line:?}"));
        Self { process, lines: Some(lines), ready }
    }

    /// The URL of its receiver with this path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.ready["url"].as_str().unwrap())
    }

    /// The URL of its inspector, with the token.
    pub fn inspector(&self) -> &str {
        self.ready["inspector"].as_str().expect("an inspector")
    }

    /// The URL of its inspector without the token and the last slash.
    pub fn origin(&self) -> &str {
        self.inspector().split("/#").next().unwrap()
    }

    /// The port of its inspector.
    pub fn port(&self) -> &str {
        self.origin().rsplit(':').next().unwrap()
    }

    pub fn token(&self) -> &str {
        self.inspector().split("#token=").nth(1).unwrap()
    }

    /// The next line about a delivery.
    pub fn next(&mut self) -> Value {
        loop {
            let mut line = String::new();
            let lines = self.lines.as_mut().expect("output that is not drained");
            assert_ne!(lines.read_line(&mut line).unwrap(), 0, "a line, not the end");
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["kind"] == "delivery" {
                return line;
            }
        }
    }

    /// Reads its output in the background, so that it is never held up.
    pub fn drain(&mut self) {
        let lines = self.lines.take();
        thread::spawn(move || lines.map(|mut lines| std::io::copy(&mut lines, &mut std::io::sink())));
    }

    /// Posts a request to its receiver; the status of the response.
    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> u16 {
        let address = self.ready["url"].as_str().unwrap().strip_prefix("http://").unwrap();
        post(address, path, headers, body.as_ref())
    }

    /// Posts Cyanite's genuine event.
    pub fn post_genuine(&self) -> u16 {
        let headers = [("content-type", "application/json"), ("signature", CYANITE_SIGNATURE)];
        self.post("/cyanite", &headers, CYANITE)
    }

    /// Posts it this many times to this path, over a few connections; each response is 200.
    pub fn post_genuine_again_and_again(&self, path: &str, count: usize) {
        const CONNECTIONS: usize = 8;
        let address = self.ready["url"].as_str().unwrap().strip_prefix("http://").unwrap();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\nsignature: {CYANITE_SIGNATURE}\r\ncontent-length: {}\r\n\r\n{CYANITE}",
            CYANITE.len()
        );
        thread::scope(|scope| {
            for _ in 0..CONNECTIONS {
                scope.spawn(|| {
                    let mut stream = TcpStream::connect(address).unwrap();
                    stream.set_read_timeout(Some(PATIENCE)).unwrap();
                    for _ in 0..count / CONNECTIONS {
                        stream.write_all(request.as_bytes()).unwrap();
                        assert!(read_message(&stream).is_some_and(|response| response.starts_with(b"HTTP/1.1 200 ")));
                    }
                });
            }
        });
    }

    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Posts a request; the status of the response.
pub fn post(address: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> u16 {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let fields = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect::<Vec<_>>().concat();
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{fields}content-length: {length}\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut response = String::new();
    BufReader::new(stream).read_line(&mut response).unwrap();
    response.split(' ').nth(1).expect("a status").parse().unwrap()
}

/// Runs `hookdev` to its end; what it printed.
pub fn hookdev(arguments: &[&str]) -> String {
    let output = machine::hookdev().args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// An HTTP server that gives every request the same response, and keeps the bytes of each.
pub struct Server {
    address: String,
    requests: Receiver<Vec<u8>>,
}

impl Server {
    /// A server whose response is 200, with this content type and body.
    pub fn new(content_type: &str, body: &str) -> Self {
        Self::with("200 OK", content_type, body)
    }

    /// A server whose response has this status, content type and body.
    pub fn with(status: &str, content_type: &str, body: &str) -> Self {
        Self::sending(format!(
            "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    /// A server that sends these bytes and closes the connection.
    pub fn sending(response: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (sender, requests) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (sender, response) = (sender.clone(), response.clone());
                thread::spawn(move || {
                    if let Some(request) = read_message(&stream) {
                        let _ = sender.send(request);
                        let _ = (&stream).write_all(response.as_bytes());
                    }
                });
            }
        });
        Self { address, requests }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The bytes of the next request.
    pub fn next(&self) -> Vec<u8> {
        self.requests.recv_timeout(PATIENCE).expect("a request")
    }

    /// Whether a request has arrived that nobody has looked at.
    pub fn has_request(&self) -> bool {
        self.requests.try_recv().is_ok()
    }
}

/// The bytes of a request or response with a `content-length`, or without a body.
fn read_message(mut stream: &TcpStream) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    let mut piece = [0; 8192];
    loop {
        if let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            if request.len() >= end + 4 + length.unwrap_or(0) {
                return Some(request);
            }
        }
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return None,
            Ok(read) => request.extend_from_slice(&piece[..read]),
        }
    }
}

/// Passes connections on to another address, until it is cut.
pub struct Relay {
    address: String,
    is_cut: Arc<AtomicBool>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
}

impl Relay {
    pub fn to(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (is_cut, connections) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Vec<TcpStream>>>::default());
        let (cut, kept) = (Arc::clone(&is_cut), Arc::clone(&connections));
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let Ok(far) = TcpStream::connect(&target) else { continue };
                let mut kept = kept.lock().unwrap();
                // Dropped, and so closed, if it comes while the relay is cut.
                if !cut.load(Ordering::SeqCst) {
                    copy_in_background(&near, &far);
                    copy_in_background(&far, &near);
                    kept.extend([near, far]);
                }
            }
        });
        Self { address, is_cut, connections }
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// Ends all connections, and closes new ones.
    pub fn cut(&self) {
        let mut connections = self.connections.lock().unwrap();
        self.is_cut.store(true, Ordering::SeqCst);
        connections.drain(..).for_each(|stream| drop(stream.shutdown(Shutdown::Both)));
    }

    /// Passes connections on again.
    pub fn restore(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
    }
}

fn copy_in_background(from: &TcpStream, to: &TcpStream) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
}
