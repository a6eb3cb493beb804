//! `load HOST:PORT CONNECTIONS SECONDS` repeats one signed request on one thread, as cheaply as possible, and prints
//! `{"requests":N,"seconds":S}`. It fails unless all are accepted.
//!
//! It puts a receiver under load without taking more of the machine than it must: bytes made once, no HTTP client.

use std::{
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use httparse::{EMPTY_HEADER, Status};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

type BoxError = Box<dyn Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let [host, connections, seconds] = yardstick::arguments("load HOST:PORT CONNECTIONS SECONDS")?;
    let (host, request): (Arc<str>, Arc<str>) = (host.as_str().into(), request(&host).into());
    let start = Instant::now();
    let end = start + Duration::from_secs_f64(seconds.parse()?);
    let tasks: Vec<_> =
        (0..connections.parse()?).map(|_| tokio::spawn(repeat(Arc::clone(&host), Arc::clone(&request), end))).collect();
    let mut requests = 0;
    for task in tasks {
        requests += task.await?.map_err(|error| error.to_string())?;
    }
    println!("{{\"requests\":{requests},\"seconds\":{}}}", start.elapsed().as_secs_f64());
    Ok(())
}

fn request(host: &str) -> String {
    let (body, timestamp) = (yardstick::BODY, yardstick::now());
    let signature = yardstick::sign("msg_0", &timestamp, body);
    format!(
        "POST /aspect HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\nsvix-id: msg_0\r\n\
         svix-timestamp: {timestamp}\r\nsvix-signature: {signature}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Sends until `end` and returns how many requests that were.
async fn repeat(host: Arc<str>, request: Arc<str>, end: Instant) -> Result<usize, BoxError> {
    let mut stream = TcpStream::connect(&*host).await?;
    stream.set_nodelay(true)?;
    let (mut requests, mut buffer) = (0, vec![0; 16 << 10]);
    while Instant::now() < end {
        stream.write_all(request.as_bytes()).await?;
        let (mut filled, mut length) = (0, None);
        while length.is_none_or(|length| filled < length) {
            let read = stream.read(&mut buffer[filled..]).await?;
            if read == 0 {
                return Err("the connection ended within a response, or the response is too large".into());
            }
            filled += read;
            length = response_length(&buffer[..filled])?;
        }
        requests += 1;
    }
    Ok(requests)
}

/// The length of the response that `bytes` begin with, head and body, once the head is there.
fn response_length(bytes: &[u8]) -> Result<Option<usize>, BoxError> {
    let mut headers = [EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let Status::Complete(head) = response.parse(bytes)? else { return Ok(None) };
    let Some(200..300) = response.code else { return Err(format!("rejected with {:?}", response.code).into()) };
    let body = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .ok_or("the response has no content-length")?;
    Ok(Some(head + str::from_utf8(body.value)?.parse::<usize>()?))
}
