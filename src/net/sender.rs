//! Sends requests: the exact body, no redirects followed, nothing decoded. A request that ends with
//! a reused connection is sent once more on a new one, and no other is ever sent twice. What went
//! wrong is said in words that a developer can act on.

use std::{
    collections::HashSet,
    error::Error,
    io,
    net::SocketAddr,
    sync::{Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use http::{Extensions, HeaderName};
use hyper_util::client::legacy::{self, connect::HttpInfo};
use reqwest::{Client, Url, redirect};

use crate::webhook::{
    record::Response,
    redact,
    remedy::Remedy,
    request::{HeaderValue, Headers, Request},
};

/// The longest answer that is read, in bytes.
pub(super) const LARGEST_ANSWER: usize = 64 << 20;

/// Why an answer is not whole.
pub(super) const CUT: &str = "the connection was closed before all of the answer's body came";

/// Headers that belong to one connection and are not passed on.
const HOP_BY_HOP: [&str; 10] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// A client for one kind of endpoint after the other; TLS is set up at the first `https://`.
#[derive(Debug)]
pub struct Sender {
    insecure: bool,
    keeps_connections: bool,
    plain: OnceLock<Client>,
    tls: OnceLock<Client>,
    /// The local addresses of kept connections that have carried a response.
    used: Mutex<HashSet<SocketAddr>>,
    /// Sends what a reused connection lost; keeps no connections, so that each is a new one.
    fresh: OnceLock<Box<Self>>,
}

/// What came of one request.
#[derive(Debug)]
pub struct Sent {
    /// The answer, or why there is none.
    pub answer: Result<Response, SendError>,
    /// From the start to the end of the answer, or to the failure.
    pub elapsed: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The URL is none that can be sent to.
    #[error("`{url}` is no URL to deliver to: {problem}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The client could not be made, or the request not be put together.
    #[error("the request can't be sent: {0}")]
    Unsendable(String),
    /// The endpoint could not be reached.
    #[error("{0}")]
    Unreachable(String),
    /// The endpoint's TLS certificate is not trusted.
    #[error("{0}")]
    Untrusted(String),
    /// No answer came in time.
    #[error("no answer within {:.1} s", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The endpoint was reached, and gave no answer.
    #[error("{0}")]
    Broken(String),
    /// The head of an answer came, and not all of its body.
    #[error("{1}")]
    Cut(Response, String),
}

impl SendError {
    /// What to do about it, where the user can do something.
    #[must_use]
    pub const fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Untrusted(_) => Some(Remedy::AcceptAnyCertificate),
            _ => None,
        }
    }
}

/// Reads an `http://` or `https://` URL.
///
/// # Errors
///
/// When it is none, with the usual mistake named.
pub fn parse_url(text: &str) -> Result<Url, SendError> {
    let wrong = |problem: &str| SendError::Url { url: redact::tokens(text).into_owned(), problem: problem.to_owned() };
    let url = Url::parse(text).map_err(|error| wrong(&format!("{error}; write http://HOST:PORT/PATH")))?;
    match url.scheme() {
        "http" | "https" if url.host_str().is_some() => Ok(url),
        _ if text.contains("://") => Err(wrong("only http:// and https:// are known here")),
        _ => Err(wrong(&format!("write http://{text}"))),
    }
}

/// What takes a request to an endpoint.
pub trait Transport {
    /// Sends a request to a URL, with the `host` that the request names if it names one, and waits up
    /// to `patience` for the whole answer.
    fn send(&self, url: &Url, request: &Request, patience: Duration) -> impl Future<Output = Sent>;
}

impl Transport for Sender {
    async fn send(&self, url: &Url, request: &Request, patience: Duration) -> Sent {
        self.send_as(url, request, request.headers.get("host"), patience).await
    }
}

impl Sender {
    /// A sender that accepts any certificate if `insecure`, and makes a connection for each request.
    #[must_use]
    pub fn new(insecure: bool) -> Self {
        let (plain, tls, used, fresh) = Default::default();
        Self { insecure, keeps_connections: false, plain, tls, used, fresh }
    }

    /// The same with connections that are kept for the next request, as a load has them.
    #[must_use]
    pub fn keeping_connections(self) -> Self {
        Self { keeps_connections: true, ..self }
    }

    /// Sends a request to a URL, whose host, path and query count instead of the request's, and waits
    /// up to `patience` for the whole answer.
    pub async fn send(&self, url: &Url, request: &Request, patience: Duration) -> Sent {
        self.send_as(url, request, None, patience).await
    }

    async fn send_as(&self, url: &Url, request: &Request, host: Option<&HeaderValue>, patience: Duration) -> Sent {
        let started = Instant::now();
        let answer = match tokio::time::timeout(patience, self.exchange(url, request, host)).await {
            Ok(answer) => answer,
            Err(_) => Err(SendError::TimedOut(patience)),
        };
        Sent { answer, elapsed: started.elapsed() }
    }

    async fn exchange(&self, url: &Url, request: &Request, host: Option<&HeaderValue>) -> Result<Response, SendError> {
        match self.respond(url, request, host).await? {
            Ok(response) => read(response).await,
            Err(error) if self.was_reused(&error) => {
                let fresh = self.fresh.get_or_init(|| Box::new(Self::new(self.insecure)));
                let response = fresh.respond(url, request, host).await?;
                read(response.map_err(|error| explain(&error, url))?).await
            }
            Err(error) => Err(explain(&error, url)),
        }
    }

    /// Sends a request and waits for the head of its response.
    async fn respond(
        &self,
        url: &Url,
        request: &Request,
        host: Option<&HeaderValue>,
    ) -> Result<reqwest::Result<reqwest::Response>, SendError> {
        let client = self.client(url)?;
        let mut builder = client.request(request.method.clone(), url.clone()).body(request.body.clone());
        if let Some(host) = host {
            builder = builder.header(reqwest::header::HOST, host);
        }
        for (name, value) in end_to_end(&request.headers) {
            builder = builder.header(name, value);
        }
        if request.body.is_empty() && !request.method.is_safe() {
            // Unasked, the client says no length at all, which some servers answer with 411.
            builder = builder.header(reqwest::header::CONTENT_LENGTH, 0);
        }
        let responded = builder.send().await;
        if self.keeps_connections
            && let Ok(response) = &responded
            && let Some(local) = local_address(response.extensions())
        {
            self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(local);
        }
        Ok(responded)
    }

    /// Whether a request ended with a connection that had carried a response before. A response that breaks off
    /// within its head counts too, as the client does not tell it from one that never began.
    fn was_reused(&self, error: &reqwest::Error) -> bool {
        let Some(lost) = sources(error).find_map(|source| source.downcast_ref::<legacy::Error>()) else { return false };
        let is_end = sources(lost).any(|source| match source.downcast_ref::<hyper::Error>() {
            Some(error) => error.is_incomplete_message() || error.is_closed() || error.is_canceled(),
            None => source.is::<io::Error>(),
        });
        let Some(connected) = lost.connect_info().filter(|_| is_end) else { return false };
        let mut extensions = Extensions::new();
        connected.get_extras(&mut extensions);
        // Gone, it is not to be taken for a later connection from the same address.
        local_address(&extensions)
            .is_some_and(|local| self.used.lock().unwrap_or_else(PoisonError::into_inner).remove(&local))
    }

    fn client(&self, url: &Url) -> Result<&Client, SendError> {
        let tls = url.scheme() == "https";
        let cell = if tls { &self.tls } else { &self.plain };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let made = self.build(tls, is_loopback(url)).map_err(|error| SendError::Unsendable(chain(&error)))?;
        Ok(cell.get_or_init(|| made))
    }

    fn build(&self, tls: bool, loopback: bool) -> reqwest::Result<Client> {
        // Already installed is as good; the answer says no more than that.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .http1_only()
            // Some servers close a connection after an error without saying so (uvicorn does), and the next request on it
            // would seem to fail as well.
            .pool_max_idle_per_host(if self.keeps_connections { usize::MAX } else { 0 })
            .tls_danger_accept_invalid_certs(self.insecure);
        // Reading the system's certificates takes longer than all the rest of a send.
        let builder = if tls { builder } else { builder.tls_certs_only([]) };
        let builder = if loopback { builder.no_proxy() } else { builder };
        builder.build()
    }
}

/// This end's address of the connection that carried a request.
fn local_address(extensions: &Extensions) -> Option<SocketAddr> {
    extensions.get::<HttpInfo>().map(HttpInfo::local_addr)
}

/// Reads a response to its end.
async fn read(mut response: reqwest::Response) -> Result<Response, SendError> {
    let status = response.status().as_u16();
    let headers = response.headers().iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let mut body = Vec::new();
    let problem = loop {
        match response.chunk().await {
            Ok(None) => return Ok(Response { status, headers, body: body.into() }),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Err(_) => break CUT.to_owned(),
        }
        if body.len() > LARGEST_ANSWER {
            break too_long();
        }
    };
    Err(SendError::Cut(Response { status, headers, body: body.into() }, problem))
}

/// Whether a header of this name (in lower case) belongs to a connection, whoever names it.
pub fn is_of_connection(name: &str) -> bool {
    name != "host" && HOP_BY_HOP.contains(&name)
}

/// The headers that are for the endpoint and not for one connection.
pub fn end_to_end(headers: &Headers) -> impl Iterator<Item = &(HeaderName, HeaderValue)> {
    let stays = stays(headers);
    headers.iter().filter(move |(name, _)| stays(name))
}

/// The same of headers that are not needed any more.
pub fn into_end_to_end(headers: Headers) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let stays = stays(&headers);
    headers.into_iter().filter(move |(name, _)| stays(name))
}

/// Tells the headers that are for the endpoint by their names.
fn stays(headers: &Headers) -> impl Fn(&HeaderName) -> bool + use<> {
    let listed: Vec<String> = headers
        .all("connection")
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    move |name| {
        let name = name.as_str();
        !HOP_BY_HOP.contains(&name) && !listed.iter().any(|other| other == name)
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => {
            host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        None => false,
    }
}

/// What went wrong, in words.
fn explain(error: &reqwest::Error, url: &Url) -> SendError {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    let io = io_kind(error);
    let text = chain(error);
    if !error.is_connect() {
        return no_answer(error);
    }
    let tls = sources(error).find_map(|source| source.downcast_ref::<rustls::Error>());
    if let Some(tls @ rustls::Error::InvalidCertificate(_)) = tls {
        return SendError::Untrusted(format!("TLS with {host}:{port} failed: {tls}"));
    }
    SendError::Unreachable(if text.contains("dns error") {
        unknown_host(host)
    } else if let Some(tls) = tls {
        match tls {
            rustls::Error::InvalidMessage(_) => {
                format!("{host}:{port} does not speak TLS: it is probably plain http://")
            }
            _ => format!("TLS with {host}:{port} failed: {tls}"),
        }
    } else {
        no_connection(io, host, port, &text)
    })
}

/// That an answer is longer than is read.
pub(super) fn too_long() -> String {
    format!("the answer's body is longer than {} MiB", LARGEST_ANSWER >> 20)
}

/// Why a connection gave no whole answer.
pub(super) fn no_answer(error: &(dyn Error + 'static)) -> SendError {
    let text = chain(error);
    SendError::Broken(match io_kind(error) {
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => {
            "the connection was reset before a whole answer came".to_owned()
        }
        _ if text.contains("connection closed") || text.contains("IncompleteMessage") => {
            "the connection was closed before a whole answer came".to_owned()
        }
        _ => format!("no whole answer came: {text}"),
    })
}

/// That a name has no address.
pub(super) fn unknown_host(host: &str) -> String {
    format!("the host `{host}` is not known (DNS)")
}

/// Why there is no connection.
pub(super) fn no_connection(kind: Option<io::ErrorKind>, host: &str, port: u16, text: &str) -> String {
    match kind {
        Some(io::ErrorKind::ConnectionRefused) => format!("nothing listens on {host}:{port} (connection refused)"),
        Some(io::ErrorKind::TimedOut) => format!("{host}:{port} does not answer (connection timed out)"),
        Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => {
            format!("there is no way to {host}:{port}")
        }
        _ => format!("{host}:{port} can't be reached: {text}"),
    }
}

/// The kind of the operating system's error behind another.
fn io_kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    sources(error).find_map(|source| source.downcast_ref::<io::Error>()).map(io::Error::kind)
}

fn sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    // An io::Error that wraps another tells only the source of that one, so look inside too.
    std::iter::successors(Some(error), |&error| {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        match inner {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

/// An error and its causes in one line, without what repeats.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    for source in std::iter::successors(Some(error), |&error| error.source()) {
        let text = source.to_string();
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
    }
    parts.join(": ")
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::webhook::request::{HeaderName, Method};

    #[tokio::test]
    async fn each_request_has_a_connection_of_its_own() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = parse_url(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        // One request a connection is answered, and the connection is left open.
        let server = tokio::spawn(async move {
            let mut open = Vec::new();
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().await.unwrap();
                assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
                stream.write_all(b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                open.push(stream);
            }
            open.len()
        });
        let sender = Sender::new(false);
        let (method, target) = (Method::POST, "/".to_owned());
        let request = Request { method, target, headers: Headers::new(), body: "{}".into() };
        for _ in 0..2 {
            let sent = sender.send(&url, &request, Duration::from_secs(60)).await;
            assert_eq!(sent.answer.unwrap().status, 500);
        }
        assert_eq!(server.await.unwrap(), 2);
    }

    #[test]
    fn what_belongs_to_a_connection_is_not_passed_on() {
        let fields =
            [("host", "a"), ("connection", "close, X-Mine"), ("x-mine", "1"), ("x-yours", "2"), ("x-yours", "3")];
        let headers: Headers =
            fields.into_iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect();
        let passed: Vec<_> = end_to_end(&headers).map(|(n, v)| (n.as_str(), v.to_str().unwrap())).collect();
        assert_eq!(passed, [("x-yours", "2"), ("x-yours", "3")]);
    }

    #[test]
    fn a_url_without_a_scheme_is_explained() {
        assert_eq!(
            parse_url("localhost:3000").unwrap_err().to_string(),
            "`localhost:3000` is no URL to deliver to: write http://localhost:3000"
        );
        assert_eq!(
            parse_url("/hooks").unwrap_err().to_string(),
            "`/hooks` is no URL to deliver to: relative URL without a base; write http://HOST:PORT/PATH"
        );
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (url, expected) in [
            ("http://localhost:1/", true),
            ("http://127.0.0.9/", true),
            ("http://[::1]/", true),
            ("http://10.0.0.1/", false),
            ("http://example.com/", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }
}
