//! Receives requests: a hyper server with limits on everything that a sender controls. The caller
//! binds the socket, says when to end, and answers each request.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    Request as HyperRequest, Response, StatusCode,
    body::{Body, Incoming},
    header::EXPECT,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{net::TcpListener, sync::Semaphore, time::timeout};

use crate::webhook::{
    record::Answer,
    request::{Headers, Request},
};

/// What a sender is allowed.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The bytes of a request's head.
    pub head_bytes: usize,
    /// The header fields of a request.
    pub headers: usize,
    /// The bytes of a body.
    pub body: usize,
    /// How long a head may take, and how long a connection may stay idle between requests.
    pub head_time: Duration,
    /// How long a body may take.
    pub body_time: Duration,
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
            body: 10 << 20,
            head_time: Duration::from_secs(30),
            body_time: Duration::from_secs(60),
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
}

/// What answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request. It runs to its end also when the sender goes away meanwhile.
    fn handle(&self, received: Received) -> impl Future<Output = Answer> + Send;

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
        let service = {
            let handler = Arc::clone(&handler);
            service_fn(move |request| answer(request, Arc::clone(&handler), limits, peer))
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_time)
            .max_buf_size(limits.head_bytes)
            .max_header_size(limits.head_bytes)
            .max_headers(limits.headers)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // A broken connection is the sender's business.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    // Whoever is not done by then is cut off.
    let _ = timeout(limits.drain, graceful.shutdown()).await;
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
    peer: SocketAddr,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let is_asked = parts.headers.contains_key(EXPECT);
    let body = match read_body(body, is_asked, limits).await {
        Ok(body) => body,
        Err(NoBody { status, told, trouble }) => {
            handler.trouble(format!("{} {}: {trouble}", parts.method, parts.uri.path()));
            return Ok(refusal(status, told));
        }
    };
    let target = parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
    let headers: Headers = parts.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let request = Request { method: parts.method, target, headers, body };
    let received = Received { request, started, peer };
    // A task of its own, so that a sender who gives up does not end what was begun.
    let task = {
        let handler = Arc::clone(&handler);
        tokio::spawn(async move { handler.handle(received).await })
    };
    Ok(match task.await {
        Ok(answer) => response(answer),
        Err(error) => {
            handler.trouble(format!("a request could not be handled: {error}"));
            refusal(StatusCode::INTERNAL_SERVER_ERROR, "internal error\n")
        }
    })
}

/// Why a request has no body: the answer, and what is said of it.
struct NoBody {
    status: StatusCode,
    told: &'static str,
    trouble: String,
}

async fn read_body(mut body: Incoming, is_asked: bool, limits: Limits) -> Result<Bytes, NoBody> {
    let too_long = || NoBody {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        told: "the body is too large: `hookdev listen --max-body` allows more\n",
        trouble: format!("the body is larger than {} bytes: answered 413; --max-body allows more", limits.body),
    };
    // A sender that asks for leave has sent nothing of it yet.
    if is_asked && body.size_hint().lower() > limits.body as u64 {
        return Err(too_long());
    }
    match timeout(limits.body_time, Limited::new(&mut body, limits.body).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            // Most senders write all of it before they look for an answer: cut off, they would meet
            // a reset connection instead of the status.
            let rest = async { while let Ok(Some(Ok(_))) = timeout(limits.lull, body.frame()).await {} };
            let _ = timeout(limits.drain, rest).await;
            Err(too_long())
        }
        Ok(Err(error)) => Err(NoBody {
            status: StatusCode::BAD_REQUEST,
            told: "the body can't be read\n",
            trouble: format!("the body never came whole: {error}"),
        }),
        Err(_) => Err(NoBody {
            status: StatusCode::REQUEST_TIMEOUT,
            told: "the body did not come in time\n",
            trouble: "the body did not come in time: answered 408".to_owned(),
        }),
    }
}

/// An answer that ends the connection: what the sender still has to say is not wanted.
fn refusal(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(hyper::header::CONNECTION, hyper::header::HeaderValue::from_static("close"));
    response
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    for (name, value) in &answer.headers {
        response.headers_mut().append(name.clone(), value.clone());
    }
    response
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        sync::oneshot,
    };

    use super::*;

    /// Panics at `/panic` and answers everything else.
    #[derive(Default)]
    struct Fragile(Mutex<Vec<String>>);

    impl Handler for Fragile {
        async fn handle(&self, received: Received) -> Answer {
            assert!(received.request.target != "/panic", "injected");
            Answer { status: 200, headers: Headers::new(), body: Bytes::from_static(b"fine") }
        }

        fn trouble(&self, message: String) {
            self.0.lock().unwrap().push(message);
        }
    }

    async fn exchange(address: SocketAddr, target: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("POST {target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_500_and_ends_nothing_else() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let handler = Arc::new(Fragile::default());
        // One place: each connection needs that of the one before it.
        let limits = Limits { connections: 1, ..Limits::default() };
        let (end, ended) = oneshot::channel::<()>();
        let shutdown = async { drop(ended.await) };
        let server = tokio::spawn(serve(listener, limits, Arc::clone(&handler), shutdown));
        for _ in 0..3 {
            let answer = exchange(address, "/panic").await;
            assert!(answer.starts_with("HTTP/1.1 500 Internal Server Error\r\n"), "{answer}");
            assert!(answer.ends_with("\r\n\r\ninternal error\n"), "{answer}");
            let answer = exchange(address, "/").await;
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("fine"), "{answer}");
        }
        end.send(()).unwrap();
        server.await.unwrap();
        let told = handler.0.lock().unwrap();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(
            told.iter().all(|told| told.starts_with("a request could not be handled: ") && told.contains("injected"))
        );
    }
}
