//! `receiver MODE PORT` accepts webhooks with hyper, on two threads.
//!
//! - `bare` reads the body and responds with 200.
//! - `verify` also verifies the signature.
//! - `full` also parses the payload, prints it indented, and appends the request as a line of JSON to the file that the
//!   variable `CAPTURE` names. It responds before the line is written.

use std::{
    env,
    error::Error,
    fs::{File, OpenOptions},
    io::{BufWriter, Write},
    thread,
};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    http::request::Parts,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};

type BoxError = Box<dyn Error + Send + Sync>;

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Bare,
    Verify,
    Full,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let [mode, port] = yardstick::arguments("receiver bare|verify|full PORT")?;
    let mode = match mode.as_str() {
        "bare" => Mode::Bare,
        "verify" => Mode::Verify,
        "full" => Mode::Full,
        other => return Err(format!("unknown mode {other:?}").into()),
    };
    let (lines, received) = mpsc::channel(1024);
    if mode == Mode::Full {
        let path = env::var("CAPTURE")?;
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        thread::spawn(move || write_lines(file, received).expect("writing the capture"));
    }
    let listener = TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let lines = lines.clone();
        let service = service_fn(move |request| respond(mode, lines.clone(), request));
        tokio::spawn(http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service));
    }
}

async fn respond(
    mode: Mode,
    lines: mpsc::Sender<Vec<u8>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, BoxError> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, 1 << 20).collect().await?.to_bytes();
    let verified = mode == Mode::Bare || verify(&parts, &body);
    if mode == Mode::Full {
        print(&parts, verified, &body)?;
        lines.send(capture_line(&parts, &body)?).await?;
    }
    let mut response = Response::new(Full::new(Bytes::new()));
    if !verified {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
    }
    Ok(response)
}

fn verify(parts: &Parts, body: &[u8]) -> bool {
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    yardstick::verify(header("svix-id"), header("svix-timestamp"), header("svix-signature"), body)
}

fn print(parts: &Parts, verified: bool, body: &[u8]) -> Result<(), BoxError> {
    let payload: Value = serde_json::from_slice(body)?;
    let mut page = format!("{} {verified}\n", parts.uri).into_bytes();
    serde_json::to_writer_pretty(&mut page, &payload)?;
    page.push(b'\n');
    Ok(std::io::stdout().lock().write_all(&page)?)
}

fn capture_line(parts: &Parts, body: &[u8]) -> Result<Vec<u8>, BoxError> {
    let headers: Vec<_> =
        parts.headers.iter().map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes()))).collect();
    let request = json!({"method": parts.method.as_str(), "headers": headers, "body": String::from_utf8_lossy(body)});
    let mut line = serde_json::to_vec(&request)?;
    line.push(b'\n');
    Ok(line)
}

/// Writes lines that have gathered together.
fn write_lines(file: File, mut lines: mpsc::Receiver<Vec<u8>>) -> std::io::Result<()> {
    let mut file = BufWriter::new(file);
    while let Some(line) = lines.blocking_recv() {
        file.write_all(&line)?;
        while let Ok(line) = lines.try_recv() {
            file.write_all(&line)?;
        }
        file.flush()?;
    }
    Ok(())
}
