//! The client against real sockets on this machine.

mod early_responses;

use std::io::{Read, Write};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::*;
use crate::webhook::request::{HeaderName, HeaderValue, Headers, Method};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const TIMEOUT: Duration = Duration::from_secs(60);

/// What the server does with a request.
#[derive(Clone, Copy)]
enum ServerStep {
    /// Responds, and keeps the connection open.
    Respond(&'static [u8]),
    /// Responds, and closes the connection without saying so.
    RespondAndClose(&'static [u8]),
    /// Closes the connection before it has read the request.
    CloseUnread,
    /// Waits until the client closes the connection.
    Hang,
}

use ServerStep::{CloseUnread, Hang, Respond, RespondAndClose};

/// A server that takes one step for each request, and returns each request with the number of its connection.
async fn server(steps: &'static [ServerStep]) -> (Url, JoinHandle<Vec<(usize, String)>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/hooks?a=b", listener.local_addr().unwrap())).unwrap();
    let task = tokio::spawn(async move {
        let (mut requests, mut steps, mut connection) = (Vec::new(), steps.iter(), 0);
        while steps.len() > 0 {
            let (mut stream, _) = listener.accept().await.unwrap();
            connection += 1;
            if let Some(CloseUnread) = steps.as_slice().first() {
                stream.peek(&mut [0]).await.unwrap();
                requests.push((connection, String::new()));
                steps.next();
                continue;
            }
            while let Some(request) = read_request(&mut stream).await {
                requests.push((connection, request));
                match steps.next().expect("a step for each request") {
                    CloseUnread => panic!("it comes first on its connection"),
                    Respond(bytes) => stream.write_all(bytes).await.unwrap(),
                    RespondAndClose(bytes) => {
                        stream.write_all(bytes).await.unwrap();
                        break;
                    }
                    Hang => assert_eq!(stream.read(&mut [0]).await.unwrap(), 0),
                }
                if steps.len() == 0 {
                    break;
                }
            }
        }
        requests
    });
    (url, task)
}

/// Reads a request with the body `{}`, or the end of the connection.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n{}") {
        if stream.read_buf(&mut bytes).await.unwrap_or_default() == 0 {
            return None;
        }
    }
    Some(String::from_utf8(bytes).unwrap())
}

fn request(headers: &[(&'static str, &'static str)]) -> Request {
    let field = |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
    let headers: Headers = headers.iter().map(field).collect();
    Request { method: Method::POST, target: "/hooks?a='b'".to_owned(), headers, body: "{}".into() }
}

/// Sends requests one after the other, and returns each status or error.
async fn send(client: &Client, url: &Url, count: usize) -> Vec<Result<u16, String>> {
    let mut results = Vec::new();
    for _ in 0..count {
        let sent = client.send(url, &request(&[]), TIMEOUT).await;
        results.push(sent.response.map(|response| response.status).map_err(|error| error.to_string()));
    }
    results
}

/// The connection of each request.
async fn connections(server: JoinHandle<Vec<(usize, String)>>) -> Vec<usize> {
    server.await.unwrap().into_iter().map(|(connection, _)| connection).collect()
}

const RESET: &str = "the connection was reset before the response was complete";
const CLOSED: &str = "the connection was closed before the response was complete";

#[tokio::test]
async fn a_connection_is_reused() {
    let (url, server) = server(&[Respond(OK), Respond(OK), Respond(OK)]).await;
    assert_eq!(send(&Client::new(false), &url, 3).await, [Ok(200), Ok(200), Ok(200)]);
    assert_eq!(connections(server).await, [1, 1, 1]);
}

#[tokio::test]
async fn a_series_reuses_its_connection_and_gets_headers_only_if_it_wants_them() {
    const NAMED: &[u8] = b"HTTP/1.1 200 OK\r\nX-B: 1\r\nContent-Length: 2\r\nx-b: 2\r\n\r\nok";
    let (url, server) = server(&[Respond(NAMED), Respond(NAMED), Respond(NAMED)]).await;
    let client = Client::new(false);
    for (wanted, expected) in [
        (Wanted::AllButHeaders, &[][..]),
        (Wanted::All, &["X-B: 1", "Content-Length: 2", "x-b: 2"]),
        (Wanted::AllButHeaders, &[]),
    ] {
        let sent = client.send_in_series(&mut Series::new(wanted), &url, &request(&[]), TIMEOUT).await;
        let response = sent.response.unwrap();
        let headers = response.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
        assert_eq!(headers.collect::<Vec<_>>(), expected);
        assert_eq!((response.status, &*response.body), (200, &b"ok"[..]));
    }
    assert_eq!(connections(server).await, [1, 1, 1]);
}

#[tokio::test]
async fn a_connection_that_the_response_closes_is_not_reused() {
    const CLOSE: &[u8] = b"HTTP/1.1 500 Oops\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let (url, server) = server(&[RespondAndClose(CLOSE), Respond(OK)]).await;
    assert_eq!(send(&Client::new(false), &url, 2).await, [Ok(500), Ok(200)]);
    assert_eq!(connections(server).await, [1, 2]);
}

#[tokio::test]
async fn a_request_that_a_reused_connection_loses_is_sent_once_more() {
    let (url, server) = server(&[Respond(OK), RespondAndClose(b""), Respond(OK), Respond(OK)]).await;
    assert_eq!(send(&Client::new(false), &url, 3).await, [Ok(200), Ok(200), Ok(200)]);
    let requests = server.await.unwrap();
    assert_eq!(requests.iter().map(|(connection, _)| *connection).collect::<Vec<_>>(), [1, 1, 2, 2]);
    assert_eq!(requests[1].1, requests[2].1);
}

#[tokio::test]
async fn a_server_that_silently_closes_each_connection_loses_no_request() {
    let (url, server) = server(&[RespondAndClose(OK); 50]).await;
    assert_eq!(send(&Client::new(false), &url, 50).await, vec![Ok(200); 50]);
    assert_eq!(connections(server).await.len(), 50);
}

#[tokio::test]
async fn a_request_that_a_new_connection_loses_is_not_sent_again() {
    let (url, server) = server(&[RespondAndClose(b""), Respond(OK)]).await;
    assert_eq!(send(&Client::new(false), &url, 2).await, [Err(CLOSED.to_owned()), Ok(200)]);
    assert_eq!(connections(server).await, [1, 2]);
}

#[tokio::test]
async fn no_request_is_sent_three_times() {
    let (url, server) = server(&[Respond(OK), RespondAndClose(b""), RespondAndClose(b""), Respond(OK)]).await;
    assert_eq!(send(&Client::new(false), &url, 3).await, [Ok(200), Err(CLOSED.to_owned()), Ok(200)]);
    assert_eq!(connections(server).await, [1, 1, 2, 3]);
}

/// Sends a request that may wait this long for the server.
async fn send_waiting(url: &Url, wait: Duration) -> Result<u16, String> {
    let response = Client::new(false).begin(url, &request(&[]), Priority::High, wait).await;
    response.map(|response| response.status).map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_new_connection_that_is_closed_unread_is_tried_once_more_by_a_request_that_may_wait() {
    let (url, server) = server(&[CloseUnread, Respond(OK), CloseUnread, CloseUnread]).await;
    assert_eq!(send_waiting(&url, TIMEOUT).await, Ok(200));
    assert_eq!(send_waiting(&url, TIMEOUT).await, Err(RESET.to_owned()));
    assert_eq!(connections(server).await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_request_that_a_reused_connection_and_two_new_ones_lose_is_not_sent_again() {
    let (url, server) = server(&[Respond(OK), RespondAndClose(b""), CloseUnread, CloseUnread]).await;
    let (client, request) = (Client::new(false), request(&[]));
    assert_eq!(send(&client, &url, 1).await, [Ok(200)]);
    let error = client.begin(&url, &request, Priority::High, TIMEOUT).await.unwrap_err();
    assert_eq!((error.to_string().as_str(), connections(server).await), (RESET, vec![1, 1, 2, 3]));
}

#[tokio::test]
async fn a_request_waits_for_none_of_another_priority() {
    let (url, server) = server(&[Respond(OK), Respond(OK)]).await;
    let (client, request) = (Client::new(false), request(&[]));
    let mut earlier = client.low.last(origin(&url));
    earlier.enter();
    let mut other = pin!(client.begin(&url, &request, Priority::Low, TIMEOUT));
    tokio::select! {
        biased;
        response = other.as_mut() => panic!("it waits: {response:?}"),
        response = client.begin(&url, &request, Priority::High, TIMEOUT) => assert_eq!(response.unwrap().status, 200),
    }
    drop(earlier);
    assert_eq!(other.await.unwrap().status, 200);
    assert_eq!(connections(server).await, [1, 2]);
}

#[tokio::test]
async fn a_request_that_may_not_wait_is_not_sent_again_after_a_reset() {
    let (url, server) = server(&[CloseUnread, Respond(OK)]).await;
    assert_eq!(send(&Client::new(false), &url, 2).await, [Err(RESET.to_owned()), Ok(200)]);
    assert_eq!(connections(server).await, [1, 2]);
}

#[tokio::test]
async fn a_server_that_has_read_a_request_on_a_new_connection_does_not_get_it_again() {
    let (url, server) = server(&[RespondAndClose(b"")]).await;
    assert_eq!(send_waiting(&url, TIMEOUT).await, Err(CLOSED.to_owned()));
    assert_eq!(connections(server).await, [1]);
}

#[tokio::test]
async fn a_request_whose_response_has_begun_is_not_sent_again() {
    let (url, server) = server(&[Respond(OK), RespondAndClose(b"HTTP/1.1 2"), Respond(OK)]).await;
    assert_eq!(send(&Client::new(false), &url, 3).await, [Ok(200), Err(CLOSED.to_owned()), Ok(200)]);
    assert_eq!(connections(server).await, [1, 1, 2]);
}

#[tokio::test]
async fn an_incomplete_body_comes_with_the_error() {
    let (url, server) = server(&[RespondAndClose(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart")]).await;
    let sent = Client::new(false).send(&url, &request(&[]), TIMEOUT).await;
    let Err(SendError::Incomplete(response, problem)) = sent.response else { panic!("{sent:?}") };
    assert_eq!((response.status, &response.body[..]), (200, &b"part"[..]));
    assert_eq!(problem, "the connection was closed before the response body was complete");
    assert_eq!(connections(server).await, [1]);
}

#[tokio::test]
async fn a_timeout_closes_the_connection() {
    let (url, server) = server(&[Hang, Respond(OK)]).await;
    let client = Client::new(false);
    let sent = client.send(&url, &request(&[]), Duration::from_millis(50)).await;
    assert_eq!(sent.response.unwrap_err().to_string(), "no response within 0.1 s");
    assert_eq!(send(&client, &url, 1).await, [Ok(200)]);
    assert_eq!(connections(server).await, [1, 2]);
}

#[tokio::test]
async fn concurrent_requests_have_a_connection_each() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let server = tokio::spawn(async move {
        // Both connections are open before either gets its response.
        let mut open = [listener.accept().await.unwrap().0, listener.accept().await.unwrap().0];
        for stream in &mut open {
            read_request(stream).await.unwrap();
            stream.write_all(OK).await.unwrap();
        }
    });
    let client = Client::new(false);
    let request = request(&[]);
    let (one, other) = tokio::join!(client.send(&url, &request, TIMEOUT), client.send(&url, &request, TIMEOUT));
    assert_eq!((one.response.unwrap().status, other.response.unwrap().status), (200, 200));
    server.await.unwrap();
}

#[tokio::test]
async fn no_header_is_added_but_host_and_content_length() {
    let (url, server) = server(&[Respond(OK), Respond(OK)]).await;
    let client = Client::new(false);
    for request in [request(&[("x-a", "1"), ("x-a", "2")]), request(&[("host", "example.com"), ("te", "trailers")])] {
        assert_eq!(client.send(&url, &request, TIMEOUT).await.response.unwrap().status, 200);
    }
    let requests = server.await.unwrap();
    let host = &url[Position::BeforeHost..Position::AfterPort];
    let start = "POST /hooks?a='b' HTTP/1.1\r\n";
    assert_eq!(requests[0].1, format!("{start}host: {host}\r\nx-a: 1\r\nx-a: 2\r\ncontent-length: 2\r\n\r\n{{}}"));
    assert_eq!(requests[1].1, format!("{start}host: example.com\r\ncontent-length: 2\r\n\r\n{{}}"));
}

#[tokio::test]
async fn an_endpoint_where_nothing_listens_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = Url::parse(&format!("http://{address}/")).unwrap();
    let sent = Client::new(false).send(&url, &request(&[]), TIMEOUT).await;
    let Err(SendError::NotListening(reason)) = sent.response else { panic!("{sent:?}") };
    assert_eq!(reason, format!("nothing listens on {address} (connection refused)"));
}

#[test]
fn only_this_machine_is_loopback() {
    for (url, expected) in [
        ("http://localhost:1/", true),
        ("http://127.0.0.9/", true),
        ("http://[::1]/", true),
        ("http://10.0.0.1/", false),
        ("http://example.com/", false),
    ] {
        assert_eq!(is_loopback(&Url::parse(url).unwrap()), expected, "{url}");
    }
}

/// Gives the runtime time to learn that a connection has ended.
async fn notice_end() {
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_connection_that_ends_while_it_is_idle_fails_the_next_request_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/hooks", listener.local_addr().unwrap())).unwrap();
    let mut connection = Connector::default().open(&url).await.unwrap();
    let (mut stream, _) = listener.accept().await.unwrap();
    let request = request(&[]);
    let (response, ()) = tokio::join!(connection.send(&url, &request, WireForm::Usual), async {
        read_request(&mut stream).await;
        stream.write_all(OK).await.unwrap();
    });
    let mut body = response.unwrap().body;
    assert_eq!(connection.piece(&mut body).await.unwrap().as_deref(), Some(&b"ok"[..]));
    assert_eq!(connection.piece(&mut body).await.unwrap(), None);
    assert!(connection.is_ready().await);
    drop(stream);
    notice_end().await;
    let next = async {
        let error = connection.send(&url, &request, WireForm::Usual).await.unwrap_err();
        assert!(error.is_canceled(), "{error:?}");
        assert!(!connection.is_ready().await);
    };
    tokio::time::timeout(TIMEOUT, next).await.expect("nothing waits for a connection that has ended");
}

#[tokio::test]
async fn a_server_that_has_ended_is_unreachable_whether_or_not_a_connection_was_kept() {
    let (url, server) = server(&[RespondAndClose(OK)]).await;
    let client = Client::new(false);
    assert_eq!(send(&client, &url, 1).await, [Ok(200)]);
    server.await.unwrap();
    notice_end().await;
    let expected = format!("nothing listens on 127.0.0.1:{} (connection refused)", url.port().unwrap());
    assert_eq!(send(&client, &url, 1).await, [Err(expected)]);
}

/// A server that sends this again and again, until the client has gone.
async fn endless(bytes: &'static [u8]) -> (Url, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // A response before any of the request would be an error of its own.
        stream.read_u8().await.unwrap();
        while stream.write_all(bytes).await.is_ok() {}
    });
    (url, task)
}

#[tokio::test]
async fn interim_responses_without_end_are_an_error() {
    for interim in [&b"HTTP/1.1 100 Continue\r\n\r\n"[..], b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"] {
        let (url, server) = endless(interim).await;
        let error = "no complete response: connection error: too many interim responses (1xx) came first";
        assert_eq!(send(&Client::new(false), &url, 1).await, [Err(error.to_owned())]);
        server.await.unwrap();
    }
}

#[tokio::test]
async fn a_request_with_an_interim_response_is_not_sent_again() {
    const INTERIM: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
    let (url, server) = server(&[Respond(OK), RespondAndClose(INTERIM), Respond(OK)]).await;
    assert_eq!(send(&Client::new(false), &url, 3).await, [Ok(200), Err(CLOSED.to_owned()), Ok(200)]);
    assert_eq!(connections(server).await, [1, 1, 2]);
}

/// The time limit ends it, not the limit of the body, which comes after 64 MiB of pieces.
#[tokio::test]
async fn tiny_pieces_that_always_come_do_not_outlast_the_time_limit() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // A response before any of the request would be an error of its own.
        stream.read_exact(&mut [0]).unwrap();
        let mut written = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        let pieces = b"1\r\nx\r\n".repeat(5000);
        while written.is_ok() {
            written = stream.write_all(&pieces);
        }
    });
    let limit = Duration::from_millis(200);
    let sent = Client::new(false).send(&url, &request(&[]), limit).await;
    assert_eq!(sent.response.unwrap_err().to_string(), SendError::TimedOut(limit).to_string());
    server.join().unwrap();
}
