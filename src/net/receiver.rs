//! Receives requests: a hyper server with limits on everything that a sender controls. The caller
//! binds the socket, says when to end, and answers each request.

mod body;
mod head;
#[cfg(test)]
mod panics;
mod patient;
mod refusal;
#[cfg(test)]
mod tests;
mod whole;

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Request as HyperRequest, Response, StatusCode, body::Incoming, header::EXPECT, server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulConnection, GracefulShutdown},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::Semaphore,
    time::timeout,
};

use self::{
    body::Budget,
    patient::Patient,
    refusal::Refusal,
    whole::{Whole, told_by},
};
pub use self::{
    body::{FREE, Share},
    head::LONGEST_METHOD,
};
use crate::webhook::{
    record,
    request::{Headers, Request},
};

/// What a sender is allowed.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The bytes of a request's head.
    pub head_bytes: usize,
    /// The header fields of a request.
    pub headers: usize,
    /// The bytes of a target.
    pub target: usize,
    /// The bytes of a body.
    pub body: usize,
    /// The bytes of all bodies at one time, without the first [`FREE`] of each; the next one waits as
    /// long as [`Self::body_time`].
    pub bodies: usize,
    /// How long a head may take, and how long a connection may stay idle between requests.
    pub head_time: Duration,
    /// How long a body may take, beyond the time in which [`Self::body_rate`] would have brought it.
    pub body_time: Duration,
    /// The bytes of a body that come in a second at the least.
    pub body_rate: usize,
    /// How long a sender may take no byte of its answer.
    pub answer_time: Duration,
    /// The connections at one time; the next one waits.
    pub connections: usize,
    /// How long a sender of a too long body may pause before it is taken to wait for its answer.
    pub lull: Duration,
    /// How long connections may take to end once the server shall.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_bytes: 64 << 10,
            headers: 128,
            target: 8 << 10,
            body: 10 << 20,
            bodies: 64 << 20,
            head_time: Duration::from_secs(30),
            body_time: Duration::from_secs(30),
            body_rate: 64 << 10,
            answer_time: Duration::from_secs(30),
            connections: 512,
            lull: Duration::from_millis(500),
            drain: Duration::from_secs(5),
        }
    }
}

/// One request as it arrived.
#[derive(Debug)]
pub struct Received {
    /// The request, whole.
    pub request: Request,
    /// When its head had been read.
    pub started: Instant,
    /// Who sent it.
    pub peer: SocketAddr,
    /// What its body holds of the memory for all bodies: to be kept as long as the body is.
    pub share: Share,
}

/// What answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request. It runs to its end also when the sender goes away meanwhile.
    fn handle(&self, received: Received) -> impl Future<Output = record::Response> + Send;

    /// Is told what went wrong outside any request: a connection that could not be taken, a
    /// handler that panicked, a body that never came.
    fn trouble(&self, message: String);
}

/// Receives until `shutdown` ends; then lets the connections finish what they began, up to the
/// drain limit.
pub async fn serve<H: Handler>(
    listener: TcpListener,
    limits: Limits,
    handler: Arc<H>,
    shutdown: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let budget = Budget::new(&limits);
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut shutdown = pin!(shutdown);
    let mut is_told = false;
    loop {
        let accepted = async {
            // Never closed, so that a place always comes.
            let place = Arc::clone(&places).acquire_owned().await.ok();
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut shutdown => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                pause_after(&error, &*handler, &mut is_told).await;
                continue;
            }
        };
        is_told = false;
        // Without it answers only come later.
        let _ = stream.set_nodelay(true);
        let connection = graceful.watch(converse(stream, peer, limits, &budget, &handler));
        let handler = Arc::clone(&handler);
        tokio::spawn(async move {
            // Any other broken connection is the sender's business.
            if let Err(error) = connection.await
                && error.is_parse()
            {
                handler.trouble(format!("what {peer} sent could not be read and was refused: {error}"));
            }
            drop(place);
        });
    }
    drop(listener);
    // Whoever is not done by then is cut off.
    let _ = timeout(limits.drain, graceful.shutdown()).await;
}

/// One connection, from its first request to its end.
fn converse<S, H>(
    stream: S,
    peer: SocketAddr,
    limits: Limits,
    budget: &Budget,
    handler: &Arc<H>,
) -> impl GracefulConnection<Error = hyper::Error> + use<S, H>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    H: Handler,
{
    let (budget, handler) = (budget.clone(), Arc::clone(handler));
    let service = service_fn(move |request| answer(request, Arc::clone(&handler), limits, budget.clone(), peer));
    http1::Builder::new()
        .timer(TokioTimer::new())
        // Some close their side once they have asked, and wait for the answer.
        .half_close(true)
        .header_read_timeout(limits.head_time)
        .max_buf_size(limits.head_bytes)
        .max_header_size(limits.head_bytes)
        .max_headers(limits.headers)
        .serve_connection(TokioIo::new(Patient::new(stream, limits.answer_time)), service)
}

/// Out of descriptors, most likely: say so once and try again soon.
async fn pause_after(error: &io::Error, handler: &impl Handler, is_told: &mut bool) {
    let of_the_sender = matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset);
    if !of_the_sender {
        if !std::mem::replace(is_told, true) {
            handler.trouble(format!("a connection could not be taken: {error}; it is tried again until it can be"));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn answer<H: Handler>(
    request: HyperRequest<Incoming>,
    handler: Arc<H>,
    limits: Limits,
    budget: Budget,
    peer: SocketAddr,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let read = match head::refused(&parts, limits.target) {
        Some(refusal) => Err(refusal),
        None => body::read(body, parts.headers.contains_key(EXPECT), &limits, &budget).await,
    };
    let (body, share) = match read {
        Ok(read) => read,
        Err(refusal) => {
            let (method, path) = (start(parts.method.as_str()), start(parts.uri.path()));
            handler.trouble(format!("{method} {path}: {}", refusal.trouble));
            return Ok(refusal.response());
        }
    };
    let target = parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
    let headers: Headers = parts.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let request = Request { method: parts.method, target, headers, body };
    let received = Received { request, started, peer, share };
    let handling = {
        let handler = Arc::clone(&handler);
        Whole::new(async move { handler.handle(received).await })
    };
    Ok(match handling.await {
        Ok(answer) => response(answer),
        Err(panic) => {
            handler.trouble(format!("a request could not be handled: {}", told_by(&*panic)));
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error\n").response()
        }
    })
}

/// As much of a text as is told of what was refused.
fn start(text: &str) -> String {
    const MOST: usize = 100;
    if text.chars().nth(MOST).is_none() { text.to_owned() } else { text.chars().take(MOST).chain(['…']).collect() }
}

fn response(answer: record::Response) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    for (name, value) in &answer.headers {
        response.headers_mut().append(name.clone(), value.clone());
    }
    response
}
