//! Connections in memory, with the clock paused: timeouts and limits. Tests that need no waiting use real sockets, in
//! `tests/cli/listen`.

use std::error::Error;

use futures_util::FutureExt;
use hyper_util::server::graceful::GracefulConnection;
use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::Notify,
    task::JoinHandle,
    time::Instant as Moment,
};

use super::{socket::SenderWatch, *};
use crate::webhook::{record, request::Headers};

/// Limits that a few bytes exceed.
const SMALL: ReceiverLimits = ReceiverLimits {
    head_bytes: 8 << 10,
    target: 1 << 10,
    body: 256 << 10,
    bodies: 256 << 10,
    head_time: Duration::from_secs(30),
    body_time: Duration::from_secs(20),
    body_rate: 1 << 10,
    response_time: Duration::from_secs(10),
    connections: 2,
    pause: Duration::from_millis(500),
    drain: Duration::from_secs(5),
    half_close: true,
};

/// Responds to each request with its body. If `held` is set, waits for it first.
#[derive(Default)]
struct EchoHandler {
    errors: Mutex<Vec<String>>,
    held: Option<Notify>,
    seen: Notify,
    done: Notify,
}

impl Handler for EchoHandler {
    async fn handle(&self, received: ReceivedRequest) -> Outgoing {
        self.seen.notify_one();
        if let Some(held) = &self.held {
            held.notified().await;
        }
        drop(received.permit);
        self.done.notify_one();
        record::Response { status: 200, headers: Headers::new(), body: received.request.body }.into()
    }

    fn on_error(&self, error: ReceiveError) {
        self.errors.lock().push(error.to_string());
    }
}

/// Opens connections that share a handler and a budget.
struct TestClient {
    limits: ReceiverLimits,
    budget: Budget,
    handler: Arc<EchoHandler>,
}

impl TestClient {
    fn new(limits: ReceiverLimits, handler: EchoHandler) -> Self {
        Self { limits, budget: Budget::new(&limits), handler: Arc::new(handler) }
    }

    /// A connection, and the result of serving it.
    fn connect(&self) -> (DuplexStream, JoinHandle<Result<(), hyper::Error>>) {
        let (ours, theirs) = duplex(512 << 10);
        (ours, tokio::spawn(self.serve(theirs)))
    }

    fn serve(&self, stream: DuplexStream) -> impl GracefulConnection<Error = hyper::Error> + use<> {
        let permit = ConnectionPermits::new(1, CancellationToken::new()).take().now_or_never().unwrap();
        serve_connection(
            stream,
            SenderWatch::default(),
            permit,
            self.limits,
            &self.budget,
            &self.handler,
            Heads::default(),
        )
    }

    fn errors(&self) -> Vec<String> {
        self.handler.errors.lock().clone()
    }
}

/// Reads until the receiver closes the connection.
async fn rest(stream: &mut DuplexStream) -> String {
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await.unwrap();
    String::from_utf8(response).unwrap()
}

/// Reads the head of the next response.
async fn head(stream: &mut DuplexStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

fn status(response: &str) -> &str {
    response.split(' ').nth(1).expect("a status line")
}

fn post(length: usize) -> Vec<u8> {
    format!("POST /hooks HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n").into_bytes()
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_arrive_in_time_ends_the_connection() {
    let client = TestClient::new(SMALL, EchoHandler::default());
    for sent in ["", "POST / HT", "POST / HTTP/1.1\r\nhost: x\r\nx: "] {
        let (mut stream, ended) = client.connect();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let begun = Moment::now();
        assert!(ended.await.unwrap().unwrap_err().is_timeout(), "{sent}");
        assert_eq!(begun.elapsed(), SMALL.head_time);
    }
    assert_eq!(client.errors(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_trickles_in_ends_the_connection_too() {
    let client = TestClient::new(SMALL, EchoHandler::default());
    let (mut stream, ended) = client.connect();
    let begun = Moment::now();
    stream.write_all(b"POST / HTTP/1.1\r\nx: ").await.unwrap();
    let dripping = async {
        loop {
            // Fails once the connection has ended.
            let _ = stream.write_all(b"a").await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::select! {
        ended = ended => assert!(ended.unwrap().unwrap_err().is_timeout()),
        () = dripping => {}
    }
    assert_eq!(begun.elapsed(), SMALL.head_time);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_stays_idle_between_requests_is_closed() {
    let client = TestClient::new(SMALL, EchoHandler::default());
    let (mut stream, ended) = client.connect();
    stream.write_all(&post(0)).await.unwrap();
    assert_eq!(status(&head(&mut stream).await), "200");
    let begun = Moment::now();
    let _ = ended.await.unwrap();
    assert_eq!(begun.elapsed(), SMALL.head_time);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_gets_408() {
    let client = TestClient::new(SMALL, EchoHandler::default());
    let (mut stream, _ended) = client.connect();
    let begun = Moment::now();
    stream.write_all(&post(10)).await.unwrap();
    assert_eq!(status(&rest(&mut stream).await), "408");
    assert_eq!(begun.elapsed(), SMALL.body_time);
    assert_eq!(client.errors(), ["POST /hooks: the body took too long to arrive; responded 408"]);
}

#[tokio::test(start_paused = true)]
async fn a_body_may_take_as_long_as_the_minimum_rate_allows() {
    let client = TestClient::new(SMALL, EchoHandler::default());
    // Three times as long as a stalled body may take, at twice the minimum rate.
    let (mut stream, _ended) = client.connect();
    stream.write_all(&post(120 << 10)).await.unwrap();
    for _ in 0..60 {
        stream.write_all(&[b'a'; 2 << 10]).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(status(&head(&mut stream).await), "200");

    // At half the minimum rate, the allowance is used up after twice its time.
    let (mut stream, _ended) = client.connect();
    let begun = Moment::now();
    stream.write_all(&post(100 << 10)).await.unwrap();
    let (mut reader, mut writer) = tokio::io::split(stream);
    let dripping = tokio::spawn(async move {
        while writer.write_all(&[b'a'; 512]).await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let mut response = String::new();
    reader.read_to_string(&mut response).await.unwrap();
    assert_eq!((status(&response), begun.elapsed().as_secs()), ("408", 2 * SMALL.body_time.as_secs()));
    dripping.abort();
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_does_not_read_its_response_is_disconnected() {
    let client = TestClient::new(SMALL, EchoHandler::default());
    let (ours, theirs) = duplex(1 << 10);
    let ended = tokio::spawn(client.serve(theirs));
    let (_reader, mut writer) = tokio::io::split(ours);
    let body = [b'a'; 4 << 10];
    writer.write_all(&[&post(body.len())[..], &body].concat()).await.unwrap();
    let begun = Moment::now();
    let error = ended.await.unwrap().unwrap_err();
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    assert_eq!((cause, begun.elapsed()), (Some(io::ErrorKind::TimedOut), SMALL.response_time));
}

#[tokio::test]
async fn a_request_is_handled_to_the_end_even_if_its_sender_disconnects() {
    let client = TestClient::new(SMALL, EchoHandler { held: Some(Notify::new()), ..EchoHandler::default() });
    let (mut stream, ended) = client.connect();
    stream.write_all(&post(0)).await.unwrap();
    client.handler.seen.notified().await;
    // The connection's task ends with its future, as when the server drops it.
    ended.abort();
    assert!(ended.await.unwrap_err().is_cancelled());
    client.handler.held.as_ref().unwrap().notify_one();
    client.handler.done.notified().await;
}

#[tokio::test(start_paused = true)]
async fn large_bodies_wait_for_memory_and_small_ones_do_not() {
    let client = TestClient::new(SMALL, EchoHandler { held: Some(Notify::new()), ..EchoHandler::default() });
    let large = vec![b'a'; SMALL.body];
    let (mut first, _first) = client.connect();
    first.write_all(&[&post(large.len())[..], &large].concat()).await.unwrap();
    client.handler.seen.notified().await;

    // There is memory for a second large body only after the first is done.
    let (mut second, _second) = client.connect();
    second.write_all(&[&post(large.len())[..], &large].concat()).await.unwrap();
    let (mut small, _small) = client.connect();
    small.write_all(&[&post(UNMETERED_BYTES)[..], &large[..UNMETERED_BYTES]].concat()).await.unwrap();
    client.handler.seen.notified().await;
    let held = client.handler.held.as_ref().unwrap();
    held.notify_one();
    assert_eq!(status(&head(&mut first).await), "200");
    client.handler.seen.notified().await;
    held.notify_one();
    held.notify_one();
    assert_eq!(status(&head(&mut small).await), "200");
    held.notify_one();
    assert_eq!(status(&head(&mut second).await), "200");
}

#[tokio::test(start_paused = true)]
async fn a_body_without_a_length_keeps_only_the_memory_that_it_needs() {
    let client = TestClient::new(SMALL, EchoHandler { held: Some(Notify::new()), ..EchoHandler::default() });
    let body = "a".repeat(UNMETERED_BYTES + 1);
    let request = format!(
        "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    let (mut first, _first) = client.connect();
    first.write_all(request.as_bytes()).await.unwrap();
    client.handler.seen.notified().await;
    // The handler still holds the first.
    let (mut second, _second) = client.connect();
    second.write_all(request.as_bytes()).await.unwrap();
    client.handler.seen.notified().await;
    let held = client.handler.held.as_ref().unwrap();
    for stream in [&mut first, &mut second] {
        held.notify_one();
        assert_eq!(status(&head(stream).await), "200");
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_body_that_stalls_keeps_others_from_memory_for_a_second() {
    let client = TestClient::new(SMALL, EchoHandler::default());
    let large = vec![b'a'; SMALL.body];
    let begun = Moment::now();
    let (mut stalled, _stalled) = client.connect();
    stalled.write_all(&[&post(large.len())[..], &large[..UNMETERED_BYTES + 1000]].concat()).await.unwrap();
    let (mut slow, _slow) = client.connect();
    slow.write_all(&[&post(large.len())[..], &large[..UNMETERED_BYTES + 1000]].concat()).await.unwrap();
    let (mut whole, _whole) = client.connect();
    whole.write_all(&[&post(large.len())[..], &large].concat()).await.unwrap();
    assert_eq!(status(&head(&mut whole).await), "200");
    // A second for the first, and less for the other, whose time ran while it waited.
    assert_eq!(begun.elapsed().as_millis() / 10, 102);
    assert_eq!(status(&rest(&mut stalled).await), "503");
    assert_eq!(status(&rest(&mut slow).await), "503");
}

#[tokio::test(start_paused = true)]
async fn a_large_body_may_stall_while_nobody_else_needs_its_memory() {
    let client = TestClient::new(SMALL, EchoHandler::default());
    let large = vec![b'a'; SMALL.body];
    let (mut stream, _ended) = client.connect();
    stream.write_all(&[&post(large.len())[..], &large[..UNMETERED_BYTES + 1000]].concat()).await.unwrap();
    tokio::time::sleep(SMALL.body_time / 2).await;
    stream.write_all(&large[UNMETERED_BYTES + 1000..]).await.unwrap();
    assert_eq!(status(&head(&mut stream).await), "200");
}

#[tokio::test(start_paused = true)]
async fn a_large_body_that_gets_no_memory_in_time_gets_503() {
    let client = TestClient::new(SMALL, EchoHandler { held: Some(Notify::new()), ..EchoHandler::default() });
    let large = vec![b'a'; SMALL.body];
    let (mut first, _first) = client.connect();
    first.write_all(&[&post(large.len())[..], &large].concat()).await.unwrap();
    client.handler.seen.notified().await;
    let (mut second, _second) = client.connect();
    second.write_all(&[&post(large.len())[..], &large].concat()).await.unwrap();
    let response = rest(&mut second).await;
    assert!(response.ends_with("\r\n\r\ntoo many large bodies at once; send it again\n"), "{response}");
    assert_eq!(status(&response), "503");
}

#[tokio::test(start_paused = true)]
async fn a_content_length_over_the_limit_gets_413_before_the_body_arrives() {
    let client = TestClient::new(SMALL, EchoHandler::default());
    let (mut stream, _ended) = client.connect();
    let begun = Moment::now();
    stream.write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 18446744073709551613\r\n\r\n{}").await.unwrap();
    assert_eq!(status(&rest(&mut stream).await), "413");
    assert_eq!(begun.elapsed(), SMALL.pause);
}

#[tokio::test]
async fn a_body_in_many_chunks_is_joined() {
    let client = TestClient::new(SMALL, EchoHandler::default());
    let (stream, _ended) = client.connect();
    let (mut reader, mut writer) = tokio::io::split(stream);
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let mut sent = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n".to_vec();
    for chunk in bytes.chunks(7) {
        sent.extend(format!("{:x}\r\n", chunk.len()).bytes());
        sent.extend(chunk);
        sent.extend(b"\r\n");
    }
    sent.extend(b"0\r\n\r\n");
    tokio::spawn(async move { writer.write_all(&sent).await });
    let mut response = Vec::new();
    reader.read_to_end(&mut response).await.unwrap();
    assert_eq!(&response[response.len() - bytes.len()..], bytes);
}

#[tokio::test]
async fn a_connection_over_the_limit_is_served_when_another_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (end, ends) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(serve(listener, SMALL, Arc::new(EchoHandler::default()), async {
        let _ = ends.await;
    }));
    let mut open = Vec::new();
    for _ in 0..SMALL.connections {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        // A response proves that the connection has its permit.
        stream.write_all(&post(0)).await.unwrap();
        let mut response = [0; 12];
        stream.read_exact(&mut response).await.unwrap();
        assert_eq!(&response, b"HTTP/1.1 200");
        open.push(stream);
    }
    let mut waiting = tokio::net::TcpStream::connect(address).await.unwrap();
    waiting.write_all(&post(0)).await.unwrap();
    drop(open.pop());
    let mut response = [0; 12];
    waiting.read_exact(&mut response).await.unwrap();
    assert_eq!(&response, b"HTTP/1.1 200");
    end.send(()).unwrap();
    drop((open, waiting));
    serving.await.unwrap();
}

#[tokio::test]
async fn silent_senders_keep_nobody_from_connecting() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = ReceiverLimits { head_time: Duration::from_secs(3600), body_time: Duration::from_secs(3600), ..SMALL };
    let serving = tokio::spawn(serve(listener, limits, Arc::new(EchoHandler::default()), std::future::pending()));
    let mut silent = Vec::new();
    for start in [&b""[..], b"POST / HTTP/1.1\r\nX-", b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{}"] {
        for _ in 0..SMALL.connections {
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            stream.write_all(start).await.unwrap();
            silent.push(stream);
        }
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(&post(0)).await.unwrap();
        let mut response = [0; 12];
        stream.read_exact(&mut response).await.unwrap();
        assert_eq!(&response, b"HTTP/1.1 200");
    }
    // The first one has been closed.
    assert!(matches!(silent[0].read(&mut [0]).await, Ok(0) | Err(_)));
    serving.abort();
}

#[tokio::test]
async fn a_sender_that_stays_silent_within_a_head_does_not_outlive_the_receiver() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stream = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let handler = Arc::new(EchoHandler::default());
    // A whole request first, so that the connection is known to be served.
    stream.write_all(&[&post(0)[..], b"POST / HTTP/1.1\r\nX-"].concat()).await.unwrap();
    let limits = ReceiverLimits { drain: Duration::ZERO, ..SMALL };
    serve(listener, limits, Arc::clone(&handler), handler.done.notified()).await;
    // The connection ends, and with it its hold on the handler; the response may be lost.
    let _ = stream.read_to_end(&mut Vec::new()).await;
    while Arc::strong_count(&handler) > 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn requests_that_wait_for_the_handler_keep_nobody_from_connecting() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let handler = Arc::new(EchoHandler { held: Some(Notify::new()), ..EchoHandler::default() });
    let serving = tokio::spawn(serve(listener, SMALL, Arc::clone(&handler), std::future::pending()));
    let mut open = Vec::new();
    // As many may wait as may be connected in addition.
    for _ in 0..2 * SMALL.connections {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(&post(0)).await.unwrap();
        handler.seen.notified().await;
        open.push(stream);
    }
    for _ in &open {
        handler.held.as_ref().unwrap().notify_one();
        handler.done.notified().await;
    }
    for mut stream in open {
        let mut response = [0; 12];
        stream.read_exact(&mut response).await.unwrap();
        assert_eq!(&response, b"HTTP/1.1 200");
    }
    serving.abort();
}

/// Waits until the sender has closed its side, then responds.
struct Closed;

impl Handler for Closed {
    async fn handle(&self, received: ReceivedRequest) -> Outgoing {
        received.closed.cancelled().await;
        record::Response { status: 200, headers: Headers::new(), body: "closed".into() }.into()
    }

    fn on_error(&self, error: ReceiveError) {
        panic!("{error}");
    }
}

#[tokio::test]
async fn the_handler_learns_that_the_sender_has_closed_its_side_and_can_still_respond() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(serve(listener, SMALL, Arc::new(Closed), std::future::pending()));
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(&post(0)).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n") && response.ends_with("\r\n\r\nclosed"), "{response}");
    serving.abort();
}
