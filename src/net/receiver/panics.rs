//! A panic in what handles a request ends that request and nothing else.

use std::sync::Mutex;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
};

use super::*;
use crate::webhook::request::Headers;

/// Panics at `/panic` and answers everything else.
#[derive(Default)]
struct Fragile(Mutex<Vec<String>>);

impl Handler for Fragile {
    async fn handle(&self, received: Received) -> record::Response {
        assert!(received.request.target != "/panic", "injected");
        record::Response { status: 200, headers: Headers::new(), body: Bytes::from_static(b"fine") }
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
    assert!(told.iter().all(|told| told.starts_with("a request could not be handled: ") && told.contains("injected")));
}
