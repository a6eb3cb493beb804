//! One connection over memory, with the clock standing still: what takes too long is cut off, what is
//! too much is refused. What needs no waiting is tried over real sockets in `tests/cli/listen`.

use std::{error::Error, sync::Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::Notify,
    task::JoinHandle,
    time::Instant as SendContext,
};

use super::*;
use crate::webhook::request::Headers;

/// Small enough to be reached with few bytes.
const SMALL: Limits = Limits {
    head_bytes: 8 << 10,
    headers: 16,
    target: 1 << 10,
    body: 256 << 10,
    bodies: 256 << 10,
    head_time: Duration::from_secs(30),
    body_time: Duration::from_secs(20),
    body_rate: 1 << 10,
    answer_time: Duration::from_secs(10),
    connections: 2,
    lull: Duration::from_millis(500),
    drain: Duration::from_secs(5),
};

/// A handler that answers each request with its body, and may be held up.
#[derive(Default)]
struct Echo {
    troubles: Mutex<Vec<String>>,
    held: Option<Notify>,
    seen: Notify,
}

impl Handler for Echo {
    async fn handle(&self, received: Received) -> record::Response {
        self.seen.notify_one();
        if let Some(held) = &self.held {
            held.notified().await;
        }
        drop(received.share);
        record::Response { status: 200, headers: Headers::new(), body: received.request.body }
    }

    fn trouble(&self, message: String) {
        self.troubles.lock().unwrap().push(message);
    }
}

/// The other end of connections that share a handler and a budget.
struct Sender {
    limits: Limits,
    budget: Budget,
    handler: Arc<Echo>,
}

impl Sender {
    fn new(limits: Limits, handler: Echo) -> Self {
        Self { limits, budget: Budget::new(&limits), handler: Arc::new(handler) }
    }

    /// A connection, and the end of it as the receiver sees it.
    fn connect(&self) -> (DuplexStream, JoinHandle<Result<(), hyper::Error>>) {
        let (ours, theirs) = duplex(512 << 10);
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        (ours, tokio::spawn(converse(theirs, peer, self.limits, &self.budget, &self.handler)))
    }

    fn troubles(&self) -> Vec<String> {
        self.handler.troubles.lock().unwrap().clone()
    }
}

/// Everything that comes until the other side ends.
async fn rest(stream: &mut DuplexStream) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

/// The head of the next answer.
async fn head(stream: &mut DuplexStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).expect("a status line")
}

fn post(length: usize) -> Vec<u8> {
    format!("POST /hooks HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n").into_bytes()
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_come_is_cut_off_in_time() {
    let sender = Sender::new(SMALL, Echo::default());
    for sent in ["", "POST / HT", "POST / HTTP/1.1\r\nhost: x\r\nx: "] {
        let (mut stream, ended) = sender.connect();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let begun = SendContext::now();
        assert!(ended.await.unwrap().unwrap_err().is_timeout(), "{sent}");
        assert_eq!(begun.elapsed(), SMALL.head_time);
    }
    assert_eq!(sender.troubles(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_drips_is_cut_off_all_the_same() {
    let sender = Sender::new(SMALL, Echo::default());
    let (mut stream, ended) = sender.connect();
    let begun = SendContext::now();
    stream.write_all(b"POST / HTTP/1.1\r\nx: ").await.unwrap();
    let dripping = async {
        loop {
            // Nobody reads it any more once the connection has ended.
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
async fn a_connection_that_is_idle_between_requests_ends_in_time() {
    let sender = Sender::new(SMALL, Echo::default());
    let (mut stream, ended) = sender.connect();
    stream.write_all(&post(0)).await.unwrap();
    assert_eq!(status(&head(&mut stream).await), "200");
    let begun = SendContext::now();
    let _ = ended.await.unwrap();
    assert_eq!(begun.elapsed(), SMALL.head_time);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_is_answered_408() {
    let sender = Sender::new(SMALL, Echo::default());
    let (mut stream, _ended) = sender.connect();
    let begun = SendContext::now();
    stream.write_all(&post(10)).await.unwrap();
    assert_eq!(status(&rest(&mut stream).await), "408");
    assert_eq!(begun.elapsed(), SMALL.body_time);
    assert_eq!(sender.troubles(), ["POST /hooks: the body did not come in time: answered 408"]);
}

#[tokio::test(start_paused = true)]
async fn a_body_may_take_as_long_as_the_slowest_pace_allows_and_no_longer() {
    let sender = Sender::new(SMALL, Echo::default());
    // Three times as long as a stalled one may, at twice the slowest pace.
    let (mut stream, _ended) = sender.connect();
    stream.write_all(&post(120 << 10)).await.unwrap();
    for _ in 0..60 {
        stream.write_all(&[b'a'; 2 << 10]).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(status(&head(&mut stream).await), "200");

    // At half that pace the time in hand is used up after twice as long.
    let (mut stream, _ended) = sender.connect();
    let begun = SendContext::now();
    stream.write_all(&post(100 << 10)).await.unwrap();
    let (mut reader, mut writer) = tokio::io::split(stream);
    let dripping = tokio::spawn(async move {
        while writer.write_all(&[b'a'; 512]).await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let mut answer = String::new();
    reader.read_to_string(&mut answer).await.unwrap();
    assert_eq!((status(&answer), begun.elapsed().as_secs()), ("408", 2 * SMALL.body_time.as_secs()));
    dripping.abort();
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_takes_no_answer_is_cut_off_in_time() {
    let sender = Sender::new(SMALL, Echo::default());
    let (ours, theirs) = duplex(1 << 10);
    let peer = SocketAddr::from(([127, 0, 0, 1], 1));
    let ended = tokio::spawn(converse(theirs, peer, SMALL, &sender.budget, &sender.handler));
    let (_reader, mut writer) = tokio::io::split(ours);
    let body = [b'a'; 4 << 10];
    writer.write_all(&[&post(body.len())[..], &body].concat()).await.unwrap();
    let begun = SendContext::now();
    let error = ended.await.unwrap().unwrap_err();
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    assert_eq!((cause, begun.elapsed()), (Some(io::ErrorKind::TimedOut), SMALL.answer_time));
}

#[tokio::test(start_paused = true)]
async fn large_bodies_wait_for_the_memory_that_others_hold_and_small_ones_do_not() {
    let sender = Sender::new(SMALL, Echo { held: Some(Notify::new()), ..Echo::default() });
    let large = vec![b'a'; SMALL.body];
    let (mut first, _first) = sender.connect();
    first.write_all(&[&post(large.len())[..], &large].concat()).await.unwrap();
    sender.handler.seen.notified().await;

    // There is room for a second one only once the first is done.
    let (mut second, _second) = sender.connect();
    second.write_all(&[&post(large.len())[..], &large].concat()).await.unwrap();
    let (mut small, _small) = sender.connect();
    small.write_all(&[&post(FREE)[..], &large[..FREE]].concat()).await.unwrap();
    sender.handler.seen.notified().await;
    let held = sender.handler.held.as_ref().unwrap();
    held.notify_one();
    assert_eq!(status(&head(&mut first).await), "200");
    sender.handler.seen.notified().await;
    held.notify_one();
    held.notify_one();
    assert_eq!(status(&head(&mut small).await), "200");
    held.notify_one();
    assert_eq!(status(&head(&mut second).await), "200");
}

#[tokio::test(start_paused = true)]
async fn a_large_body_that_finds_no_room_in_time_is_answered_503() {
    let sender = Sender::new(SMALL, Echo { held: Some(Notify::new()), ..Echo::default() });
    let large = vec![b'a'; SMALL.body];
    let (mut first, _first) = sender.connect();
    first.write_all(&[&post(large.len())[..], &large].concat()).await.unwrap();
    sender.handler.seen.notified().await;
    let (mut second, _second) = sender.connect();
    second.write_all(&[&post(large.len())[..], &large].concat()).await.unwrap();
    let answer = rest(&mut second).await;
    assert!(answer.ends_with("\r\n\r\ntoo many large bodies are under way; send it again\n"), "{answer}");
    assert_eq!(status(&answer), "503");
}

#[tokio::test(start_paused = true)]
async fn a_length_far_beyond_the_limit_is_answered_413_without_waiting_for_it() {
    let sender = Sender::new(SMALL, Echo::default());
    let (mut stream, _ended) = sender.connect();
    let begun = SendContext::now();
    stream.write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 18446744073709551613\r\n\r\n{}").await.unwrap();
    assert_eq!(status(&rest(&mut stream).await), "413");
    assert_eq!(begun.elapsed(), SMALL.lull);
}

#[tokio::test]
async fn a_body_of_many_pieces_comes_whole() {
    let sender = Sender::new(SMALL, Echo::default());
    let (stream, _ended) = sender.connect();
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
    let mut answer = Vec::new();
    reader.read_to_end(&mut answer).await.unwrap();
    assert_eq!(&answer[answer.len() - bytes.len()..], bytes);
}

#[tokio::test]
async fn a_connection_beyond_their_number_is_served_once_another_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (end, ends) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(serve(listener, SMALL, Arc::new(Echo::default()), async {
        let _ = ends.await;
    }));
    let mut open = Vec::new();
    for _ in 0..SMALL.connections {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        // Answered, so that it has its place for certain.
        stream.write_all(&post(0)).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        open.push(stream);
    }
    let mut waiting = tokio::net::TcpStream::connect(address).await.unwrap();
    waiting.write_all(&post(0)).await.unwrap();
    drop(open.pop());
    let mut answer = [0; 12];
    waiting.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    end.send(()).unwrap();
    drop((open, waiting));
    serving.await.unwrap();
}
