//! `sender HOST:PORT CONNECTIONS COUNT` sends COUNT requests with hyper, on two threads, each freshly signed. It fails
//! unless all are accepted.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use http_body_util::{BodyExt, Full};
use hyper::{Request, body::Bytes, client::conn::http1::handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

type BoxError = Box<dyn Error + Send + Sync>;

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let [host, connections, count] = yardstick::arguments("sender HOST:PORT CONNECTIONS COUNT")?;
    let (host, count): (Arc<str>, usize) = (host.into(), count.parse()?);
    let next = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> =
        (0..connections.parse()?).map(|_| tokio::spawn(send(Arc::clone(&host), Arc::clone(&next), count))).collect();
    for task in tasks {
        task.await?.map_err(|error| error.to_string())?;
    }
    Ok(())
}

async fn send(host: Arc<str>, next: Arc<AtomicUsize>, count: usize) -> Result<(), BoxError> {
    let stream = TcpStream::connect(&*host).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= count {
            return Ok(());
        }
        sender.ready().await?;
        let response = sender.send_request(request(&host, number)?).await?;
        if !response.status().is_success() {
            return Err(format!("rejected with {}", response.status()).into());
        }
        response.into_body().collect().await?;
    }
}

fn request(host: &str, number: usize) -> Result<Request<Full<Bytes>>, BoxError> {
    let (id, timestamp) = (format!("msg_{number}"), yardstick::now());
    let signature = yardstick::sign(&id, &timestamp, yardstick::BODY);
    let request = Request::post("/aspect")
        .header("host", host)
        .header("content-type", "application/json")
        .header("svix-id", id)
        .header("svix-timestamp", timestamp)
        .header("svix-signature", signature)
        .body(Full::new(Bytes::from_static(yardstick::BODY.as_bytes())))?;
    Ok(request)
}
