//! A panic in the handler fails its own request and nothing else.

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
};

use super::{connection::panic_message, *};
use crate::webhook::{record, request::Headers};

/// Panics at `/panic` and responds to everything else.
#[derive(Default)]
struct Fragile(Mutex<Vec<String>>);

impl Handler for Fragile {
    async fn handle(&self, received: ReceivedRequest) -> Outgoing {
        assert!(received.request.target != "/panic", "injected");
        record::Response { status: 200, headers: Headers::new(), body: Bytes::from_static(b"fine") }.into()
    }

    fn on_error(&self, error: ReceiveError) {
        self.0.lock().push(error.to_string());
    }
}

async fn exchange(address: SocketAddr, target: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("POST {target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

#[tokio::test]
async fn a_panic_is_a_500_and_affects_no_other_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let handler = Arc::new(Fragile::default());
    // With a single permit, each connection needs the permit of the one before.
    let limits = ReceiverLimits { connections: 1, ..ReceiverLimits::default() };
    let (end, ended) = oneshot::channel::<()>();
    let shutdown = async { drop(ended.await) };
    let server = tokio::spawn(serve(listener, limits, Arc::clone(&handler), shutdown));
    for _ in 0..3 {
        let response = exchange(address, "/panic").await;
        assert!(response.starts_with("HTTP/1.1 500 Internal Server Error\r\n"), "{response}");
        assert!(response.ends_with("\r\n\r\ninternal error\n"), "{response}");
        let response = exchange(address, "/").await;
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n") && response.ends_with("fine"), "{response}");
    }
    end.send(()).unwrap();
    server.await.unwrap();
    let errors = handler.0.lock();
    let expected = "internal error while handling a request: injected; responded 500";
    assert_eq!(*errors, [expected; 3]);
}

#[tokio::test]
async fn a_panic_is_reported_with_its_message() {
    let number = 7;
    for (panicking, expected) in [
        (tokio::spawn(async { panic!("plain") }), "plain"),
        (tokio::spawn(async move { panic!("number {number}") }), "number 7"),
        (tokio::spawn(async { std::panic::panic_any(7) }), "it panicked"),
    ] {
        let panicking: tokio::task::JoinHandle<()> = panicking;
        assert_eq!(panic_message(&*panicking.await.unwrap_err().into_panic()), expected);
    }
}
