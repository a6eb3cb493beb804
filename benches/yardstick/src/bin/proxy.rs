//! `proxy PORT HOST:PORT` verifies each request and forwards it to HOST:PORT with hyper, on two threads.
//!
//! Each incoming connection has one upstream connection, which it keeps. Bodies are read whole in both directions.

use std::{error::Error, hint::black_box, sync::Arc};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    client::conn::http1::{SendRequest, handshake},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Mutex,
};

type BoxError = Box<dyn Error + Send + Sync>;
type Upstream = Arc<Mutex<Option<SendRequest<Full<Bytes>>>>>;

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let [port, target] = yardstick::arguments("proxy PORT HOST:PORT")?;
    let target: Arc<str> = target.into();
    let listener = TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (target, upstream) = (Arc::clone(&target), Upstream::default());
        let service = service_fn(move |request| forward(Arc::clone(&target), Arc::clone(&upstream), request));
        tokio::spawn(http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service));
    }
}

async fn forward(
    target: Arc<str>,
    upstream: Upstream,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, BoxError> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, 1 << 20).collect().await?.to_bytes();
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    black_box(yardstick::verify(header("svix-id"), header("svix-timestamp"), header("svix-signature"), &body));
    let mut upstream = upstream.lock().await;
    let mut sender = match upstream.take() {
        Some(sender) if sender.is_ready() => sender,
        _ => connect(&target).await?,
    };
    sender.ready().await?;
    let (parts, body) = sender.send_request(Request::from_parts(parts, Full::new(body))).await?.into_parts();
    let body = Limited::new(body, 1 << 20).collect().await?.to_bytes();
    *upstream = Some(sender);
    Ok(Response::from_parts(parts, Full::new(body)))
}

async fn connect(target: &str) -> Result<SendRequest<Full<Bytes>>, BoxError> {
    let stream = TcpStream::connect(target).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}
