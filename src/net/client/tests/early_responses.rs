//! Endpoints that respond before they have read the whole request.

use bytes::Bytes;
use tokio::{
    io::{DuplexStream, duplex},
    net::TcpSocket,
    time::{Instant, sleep, timeout},
};

use super::{super::message::Recipient, *};

const SIZE: usize = 20_000_000;

/// A request that no buffers hold.
fn large() -> Request {
    Request { body: vec![b'x'; SIZE].into(), ..request(&[]) }
}

/// A listener whose connections hold less than [`SIZE`] unread.
fn narrow_listener() -> (TcpListener, Url) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 << 10).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let url = Url::parse(&format!("http://{}/hooks?a=b", listener.local_addr().unwrap())).unwrap();
    (listener, url)
}

/// Responds to the start of the next request.
async fn respond_first(listener: TcpListener, response: &[u8]) -> TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    stream.read_exact(&mut [0; 500]).await.unwrap();
    stream.write_all(response).await.unwrap();
    stream
}

/// A server that responds to the start of a request and then reads the rest. Returns how many bytes came.
fn responding_first(response: &'static [u8], is_half_closed: bool) -> (Url, JoinHandle<usize>) {
    let (listener, url) = narrow_listener();
    let server = tokio::spawn(async move {
        let mut stream = respond_first(listener, response).await;
        if is_half_closed {
            stream.shutdown().await.unwrap();
        }
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        500 + rest.len()
    });
    (url, server)
}

#[tokio::test]
async fn a_server_that_responds_first_gets_the_rest_of_the_request() {
    for (response, is_half_closed) in [
        (OK, false),
        (&b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"[..], false),
        (b"HTTP/1.1 200 OK\r\n\r\nok", true),
    ] {
        let (url, server) = responding_first(response, is_half_closed);
        let head = format!("POST /hooks?a='b' HTTP/1.1\r\nhost: {}\r\ncontent-length: {SIZE}\r\n\r\n", host(&url));
        let client = Client::new(false);
        let sent = client.send(&url, &large(), TIMEOUT).await;
        assert_eq!(sent.response.unwrap().status, 200);
        assert_eq!(server.await.unwrap(), head.len() + SIZE);

        let (url, server) = responding_first(response, is_half_closed);
        let mut response = client.begin(&url, &large(), Priority::High, TIMEOUT).await.unwrap();
        assert_eq!(response.body.piece().await.unwrap().as_deref(), Some(&b"ok"[..]));
        assert_eq!(response.body.piece().await.unwrap(), None);
        response.body.into_unwritten().expect("more than the buffers hold").write().await;
        assert_eq!(server.await.unwrap(), head.len() + SIZE);
    }
}

#[tokio::test]
async fn a_server_that_responds_and_closes_gets_no_more_of_the_request() {
    let (listener, url) = narrow_listener();
    let server = tokio::spawn(respond_first(listener, OK));
    let mut response = Client::new(false).begin(&url, &large(), Priority::High, TIMEOUT).await.unwrap();
    while response.body.piece().await.unwrap().is_some() {}
    let unwritten = response.body.into_unwritten().expect("more than the buffers hold");
    drop(server.await.unwrap());
    timeout(TIMEOUT, unwritten.write()).await.expect("it ends");
}

/// What is left of a request whose response has arrived, and the endpoint, which has not read any of that.
async fn unwritten() -> (UnwrittenRequest, DuplexStream) {
    let (here, mut endpoint) = duplex(1000);
    let mut connection = Connection::over(here, Recipient::Endpoint).await.unwrap();
    let (url, request) = (Url::parse("http://localhost/").unwrap(), large());
    let (response, ()) = tokio::join!(connection.send(&url, &request, WireForm::Usual), async {
        endpoint.read_exact(&mut [0; 500]).await.unwrap();
        endpoint.write_all(OK).await.unwrap();
    });
    let mut body = response.unwrap().body;
    while connection.piece(&mut body).await.unwrap().is_some() {}
    (connection.into_unwritten().expect("more than the pipe holds"), endpoint)
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_reads_nothing_for_ten_seconds_gets_no_more_of_the_request() {
    let (unwritten, mut endpoint) = unwritten().await;
    let started = Instant::now();
    let reading = async {
        for _ in 0..5 {
            sleep(Duration::from_secs(9)).await;
            endpoint.read_u8().await.unwrap();
        }
    };
    let (written, ()) = tokio::join!(timeout(TIMEOUT, unwritten.write()), reading);
    assert_eq!((written, started.elapsed().as_secs()), (Ok(()), 5 * 9 + 10));
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_a_request_is_written_within_its_timeout() {
    for (elapsed, expected) in [(0, 10), (50, 10), (57, 3), (60, 0), (61, 0)] {
        let (unwritten, _endpoint) = unwritten().await;
        let response = Response { status: 200, headers: Headers::new(), body: Bytes::new() };
        let started = Instant::now();
        let sent = written(Ok((response, Some(unwritten))), Duration::from_secs(elapsed), TIMEOUT).await;
        assert_eq!((sent.elapsed.as_secs(), started.elapsed().as_secs()), (elapsed, expected));
    }
}
