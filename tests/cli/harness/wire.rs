//! HTTP/1.1 as bytes: messages read from a socket, and requests posted with exactly the headers
//! and body that a test names.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
};

use super::PATIENCE;

/// A whole request or response.
#[derive(Clone, Debug)]
pub struct Message {
    /// The request line or status line.
    pub start: String,
    /// The headers in order, names in lower case; bytes outside ASCII as Latin-1.
    pub headers: Vec<(String, String)>,
    /// The names of the headers in order, as spelled.
    pub spelled: Vec<String>,
    /// The body, without its chunked coding.
    pub body: Vec<u8>,
}

impl Message {
    /// Reads a message; `None` at the end of the stream. Responds to `Expect: 100-continue`.
    pub fn read<S: Read + Write>(stream: &mut BufReader<S>) -> io::Result<Option<Self>> {
        loop {
            let Some(start) = line(stream)? else { return Ok(None) };
            let mut message = Self { start, headers: Vec::new(), spelled: Vec::new(), body: Vec::new() };
            while let Some(line) = line(stream)?.filter(|line| !line.is_empty()) {
                let (name, value) = line.split_once(':').ok_or(io::ErrorKind::InvalidData)?;
                message.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
                message.spelled.push(name.to_owned());
            }
            if message.start.starts_with("HTTP/1.1 1") {
                continue;
            }
            if message.header("expect").is_some() {
                stream.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
            message.read_body(stream)?;
            return Ok(Some(message));
        }
    }

    fn read_body<S: Read>(&mut self, stream: &mut BufReader<S>) -> io::Result<()> {
        if self.header("transfer-encoding") == Some("chunked") {
            loop {
                let size = line(stream)?.and_then(|size| usize::from_str_radix(size.trim(), 16).ok());
                let size = size.ok_or(io::ErrorKind::InvalidData)?;
                let start = self.body.len();
                self.body.resize(start + size, 0);
                stream.read_exact(&mut self.body[start..])?;
                line(stream)?;
                if size == 0 {
                    return Ok(());
                }
            }
        }
        match self.header("content-length").map(str::parse) {
            Some(length) => {
                self.body.resize(length.map_err(|_| io::ErrorKind::InvalidData)?, 0);
                stream.read_exact(&mut self.body)
            }
            None if self.start.starts_with("HTTP/") && ![204, 304].contains(&self.status()) => {
                stream.read_to_end(&mut self.body).map(drop)
            }
            None => Ok(()),
        }
    }

    /// A response's status.
    pub fn status(&self) -> u16 {
        self.start.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status line")
    }

    /// A request's target.
    pub fn target(&self) -> &str {
        self.start.split(' ').nth(1).expect("a request line")
    }

    /// The first header of a name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Every header of a name, in order.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The headers other than those of these names, sorted by name. Headers of one name keep their order.
    pub fn headers_but(&self, names: &[&str]) -> Vec<(&str, &str)> {
        let mut headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        headers.retain(|(name, _)| !names.contains(name));
        headers.sort_by_key(|(name, _)| *name);
        headers
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body that is text")
    }
}

/// A line without its end; each byte a character, so that none is lost.
fn line(stream: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    if stream.read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    Ok(Some(bytes.trim_ascii_end().iter().map(|&byte| char::from(byte)).collect()))
}

/// A connection that is kept from one request to the next.
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    /// Connects to the host of a URL.
    pub fn to(url: &str) -> Self {
        Self::open(url).unwrap()
    }

    /// Connects to the host of a URL, which may be gone.
    pub fn open(url: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(split(url).0)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Writes these bytes.
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.0.get_mut().write_all(bytes.as_ref())
    }

    /// Closes the side that writes.
    pub fn shut(&mut self) -> io::Result<()> {
        self.0.get_ref().shutdown(Shutdown::Write)
    }

    /// Reads one line, without its end.
    pub fn line(&mut self) -> io::Result<String> {
        line(&mut self.0)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Everything up to the end of the connection; each byte a character.
    pub fn rest(&mut self) -> io::Result<String> {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes)?;
        Ok(bytes.into_iter().map(char::from).collect())
    }

    /// Reads and discards up to this many bytes. Returns how many arrived.
    pub fn skip(&mut self, length: usize) -> io::Result<usize> {
        let count = io::copy(&mut self.0.by_ref().take(length as u64), &mut io::sink())?;
        Ok(usize::try_from(count).expect("no more than was wanted"))
    }

    /// Reads a response, or fails when the other side goes away.
    pub fn response(&mut self) -> io::Result<Message> {
        Message::read(&mut self.0)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

/// The host with its port, and the target.
fn split(url: &str) -> (&str, &str) {
    let rest = url.strip_prefix("http://").expect("an http URL");
    rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash))
}

/// The bytes of a request with these headers, and with `host` and `content-length`.
pub fn request(method: &str, url: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Vec<u8> {
    let (host, target) = split(url);
    let body = body.as_ref();
    let mut bytes = format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend(name.bytes());
        bytes.extend(b": ");
        bytes.extend(value.chars().map(|c| u8::try_from(c).expect("Latin-1")));
        bytes.extend(b"\r\n");
    }
    bytes.extend(format!("content-length: {}\r\n\r\n", body.len()).bytes());
    bytes.extend(body);
    bytes
}

/// Posts a body and reads the response.
#[track_caller]
pub fn post(url: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Message {
    let mut connection = Connection::to(url);
    connection.write(request("POST", url, headers, body)).unwrap();
    connection.response().unwrap()
}

/// Gets a page.
#[track_caller]
pub fn get(url: &str) -> Message {
    let mut connection = Connection::to(url);
    connection.write(request("GET", url, &[], "")).unwrap();
    connection.response().unwrap()
}
