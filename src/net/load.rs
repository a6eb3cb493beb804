//! Connections that are kept from one request to the next, for many requests in a short time: hyper
//! itself, which does about twice as much as the client of [`super::sender`]. A connection is driven
//! by the task that uses it. Plain `http://` alone, never by way of a proxy; no redirects, nothing
//! decoded. A request that fails on a reused connection before any byte of the response is sent once
//! more on a new one: servers close idle connections whenever they like, and that says nothing about
//! the request. No other request is ever sent twice.

use std::{
    future::poll_fn,
    io, mem,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Body, Incoming},
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use reqwest::Url;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, lookup_host},
};

use super::sender::{
    CUT, LARGEST_ANSWER, SendError, into_end_to_end, no_answer, no_connection, too_long, unknown_host,
};
use crate::webhook::{
    record,
    request::{Headers, Request},
};

/// Where the requests of one URL go.
#[derive(Clone, Debug)]
pub struct Route {
    host: String,
    port: u16,
    authority: HeaderValue,
    target: Uri,
}

impl Route {
    /// The route to a URL; none when that is not plain HTTP, or names a user, which [`super::sender`] knows.
    #[must_use]
    pub fn to(url: &Url) -> Option<Self> {
        // A name and password in the URL are for `sender` to make a header of.
        let plain = url.scheme() == "http" && url.username().is_empty() && url.password().is_none();
        let host = url.host_str().filter(|_| plain)?;
        let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        Some(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port_or_known_default()?,
            authority: url.authority().parse().ok()?,
            target: target.parse().ok()?,
        })
    }

    /// Whether requests of both can go over one connection.
    #[must_use]
    pub fn shares_connection(&self, other: &Self) -> bool {
        (&self.host, self.port) == (&other.host, other.port)
    }
}

/// One connection to an endpoint: made at the first request, and anew whenever it was closed.
#[derive(Debug, Default)]
pub struct Line {
    open: Option<Box<Open>>,
    /// The table of the last answer's headers, emptied: the next request's need no new one.
    table: HeaderMap,
}

impl Line {
    /// Sends a request and reads the whole answer, whose headers and body are kept only if `keep`.
    /// When the caller gives up waiting, the connection is closed.
    ///
    /// # Errors
    ///
    /// When the endpoint can't be reached, or gives no whole answer.
    pub async fn exchange(
        &mut self,
        route: &Route,
        request: Request,
        keep: bool,
    ) -> Result<record::Response, SendError> {
        if let Some(mut open) = self.open.take()
            && open.is_ready().await
        {
            let sent = open.send(message(route, request.clone(), mem::take(&mut self.table))).await;
            if sent.is_ok() || open.has_received() {
                return self.finish(open, sent, keep).await;
            }
        }
        let mut open = Box::new(Open::connect(route).await?);
        let sent = open.send(message(route, request, mem::take(&mut self.table))).await;
        self.finish(open, sent, keep).await
    }

    async fn finish(
        &mut self,
        mut open: Box<Open>,
        sent: hyper::Result<Response>,
        keep: bool,
    ) -> Result<record::Response, SendError> {
        let response = sent.map_err(|error| no_answer(&error))?;
        let answer = open.read(response, keep, &mut self.table).await?;
        self.open = Some(open);
        Ok(answer)
    }
}

type Message = http::Request<Full<Bytes>>;
type Response = http::Response<Incoming>;

/// A connection that was made.
#[derive(Debug)]
struct Open {
    sender: SendRequest<Full<Bytes>>,
    /// Reads and writes whenever it is polled; none once it has ended.
    driver: Option<Driver>,
    /// Shared with the [`Watched`] stream.
    received: Arc<AtomicBool>,
}

type Driver = http1::Connection<TokioIo<Watched>, Full<Bytes>>;

impl Open {
    async fn connect(route: &Route) -> Result<Self, SendError> {
        let Route { host, port, .. } = route;
        let unreachable = |error: &io::Error| {
            SendError::Unreachable(no_connection(Some(error.kind()), host, *port, &error.to_string()))
        };
        let addresses = lookup_host((host.as_str(), *port)).await;
        let addresses: Vec<_> = addresses.map_err(|_| SendError::Unreachable(unknown_host(host)))?.collect();
        let stream = TcpStream::connect(addresses.as_slice()).await.map_err(|error| unreachable(&error))?;
        stream.set_nodelay(true).map_err(|error| unreachable(&error))?;
        let received = Arc::new(AtomicBool::new(false));
        let stream = Watched { stream, received: Arc::clone(&received) };
        // Head and body are put together, which for bodies of this kind takes less than a write of two parts.
        let handshake = http1::Builder::new().writev(false).handshake(TokioIo::new(stream)).await;
        let (sender, driver) = handshake.map_err(|error| no_answer(&error))?;
        Ok(Self { sender, driver: Some(driver), received })
    }

    /// Whether it takes another request: the endpoint has not closed it since the last one.
    async fn is_ready(&mut self) -> bool {
        let Self { sender, driver, .. } = self;
        // A close that has not arrived yet shows when the request is sent.
        sender.is_ready() || drive(driver, pin!(sender.ready())).await.is_ok()
    }

    /// Sends a request and waits for the head of its answer.
    async fn send(&mut self, message: Message) -> hyper::Result<Response> {
        let Self { sender, driver, received } = self;
        received.store(false, Ordering::Relaxed);
        drive(driver, pin!(sender.send_request(message))).await
    }

    /// Whether any byte has arrived since the last request was sent.
    fn has_received(&self) -> bool {
        self.received.load(Ordering::Relaxed)
    }

    /// Reads an answer to its end, and leaves the empty `table` of its headers.
    async fn read(
        &mut self,
        response: Response,
        keep: bool,
        table: &mut HeaderMap,
    ) -> Result<record::Response, SendError> {
        let (mut head, mut incoming) = response.into_parts();
        let (mut body, mut length) = (BytesMut::new(), 0);
        let mut problem = None;
        while problem.is_none() && !incoming.is_end_stream() {
            match drive(&mut self.driver, pin!(incoming.frame())).await {
                None => break,
                Some(Err(_)) => problem = Some(CUT.to_owned()),
                Some(Ok(frame)) => {
                    let data = frame.into_data().unwrap_or_default();
                    length += data.len();
                    problem = (length > LARGEST_ANSWER).then(too_long);
                    if keep {
                        body.extend_from_slice(&data);
                    }
                }
            }
        }
        let headers = if keep { fields(&head.headers) } else { Headers::new() };
        head.headers.clear();
        *table = head.headers;
        let answer = record::Response { status: head.status.as_u16(), headers, body: body.freeze() };
        match problem {
            None => Ok(answer),
            Some(problem) => Err(SendError::Cut(answer, problem)),
        }
    }
}

/// Waits for something that a connection brings about, and drives the connection meanwhile. One
/// task for both spares a wake-up from one to the other in each request.
async fn drive<F: Future>(driver: &mut Option<Driver>, mut wanted: Pin<&mut F>) -> F::Output {
    poll_fn(|cx| {
        // How it ended is told to those who wait for something of it.
        if driver.as_mut().is_some_and(|driver| Pin::new(driver).poll(cx).is_ready()) {
            *driver = None;
        }
        wanted.as_mut().poll(cx)
    })
    .await
}

/// A stream that notes when bytes arrive, as hyper does not say whether a response broke off or never began.
#[derive(Debug)]
struct Watched {
    stream: TcpStream,
    received: Arc<AtomicBool>,
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.received.store(true, Ordering::Relaxed);
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// The message for one connection, whose headers are put into an empty table.
fn message(route: &Route, request: Request, mut headers: HeaderMap) -> Message {
    let is_empty = request.body.is_empty() && !request.method.is_safe();
    headers.reserve(request.headers.len() + 3);
    headers.insert(header::HOST, route.authority.clone());
    for (name, value) in into_end_to_end(request.headers) {
        headers.append(name, value);
    }
    headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("*/*"));
    if is_empty {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    let mut message = Message::new(Full::new(request.body));
    *message.method_mut() = request.method;
    *message.uri_mut() = route.target.clone();
    *message.headers_mut() = headers;
    message
}

fn fields(headers: &HeaderMap) -> Headers {
    headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}
