//! Heads in every shape that a connection can carry, read in pieces of every size.

use std::ops::Range;

use parking_lot::Mutex;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::{
    super::{
        Budget, ConnectionPermits, Handler, Outgoing, ReceiveError, ReceivedRequest, ReceiverLimits, serve_connection,
        socket::SenderWatch,
    },
    *,
};
use crate::webhook::{record, request::Request};

/// Keeps each request, and responds 200.
#[derive(Default)]
struct Keep(Mutex<Vec<Request>>);

impl Handler for Keep {
    async fn handle(&self, received: ReceivedRequest) -> Outgoing {
        self.0.lock().push(received.request);
        record::Response { status: 200, headers: Headers::new(), body: bytes::Bytes::new() }.into()
    }

    fn on_error(&self, error: ReceiveError) {
        panic!("{error}");
    }
}

/// A request to send, and the parts that must be read from it.
#[derive(Clone, Debug)]
struct SentRequest {
    target: String,
    fields: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    /// The sizes of its chunks; `None` for a body with a length.
    chunks: Option<Vec<usize>>,
    trailers: Vec<(String, Vec<u8>)>,
    /// Whether an empty line precedes the request line, which RFC 9112, 2.2 allows.
    empty_line: bool,
}

impl SentRequest {
    fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if self.empty_line {
            out.extend(b"\r\n");
        }
        out.extend(format!("POST {} HTTP/1.1\r\n", self.target).bytes());
        for (name, value) in self.all_fields() {
            out.extend([name.as_bytes(), b":", &value, b"\r\n"].concat());
        }
        out.extend(b"\r\n");
        let Some(sizes) = &self.chunks else { return [out, self.body.clone()].concat() };
        let mut left = &self.body[..];
        for (place, &size) in sizes.iter().chain(std::iter::repeat(&usize::MAX)).enumerate() {
            let (chunk, rest) = left.split_at(size.min(left.len()));
            let line = match place % 4 {
                0 => format!("{:x}\r\n", chunk.len()),
                1 => format!("{:X};name=\"a b\"\r\n", chunk.len()),
                2 => format!("000{:x} \t\r\n", chunk.len()),
                _ => format!("{:x} ;\r\n", chunk.len()),
            };
            out.extend(line.bytes());
            if chunk.is_empty() {
                break;
            }
            out.extend([chunk, b"\r\n"].concat());
            left = rest;
        }
        for (name, value) in &self.trailers {
            out.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        [&out[..], b"\r\n"].concat()
    }

    /// The headers in order, with the framing among them.
    fn all_fields(&self) -> Vec<(String, Vec<u8>)> {
        let mut fields = self.fields.clone();
        let framing = match &self.chunks {
            None => ("Content-LENGTH".to_owned(), self.body.len().to_string().into_bytes()),
            Some(_) => ("tRansfer-Encoding".to_owned(), b"chunked".to_vec()),
        };
        fields.insert(fields.len() / 2, framing);
        fields.insert(fields.len() / 3, ("HOST".to_owned(), b"a".to_vec()));
        fields
    }
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    // Every byte that a value may have, except those that are trimmed.
    let byte = prop_oneof![0x21..=0x7eu8, 0x80..=0xffu8];
    prop::collection::vec(byte, 0..20)
}

fn field() -> impl Strategy<Value = (String, Vec<u8>)> {
    // Few names, so that many repeat, in many spellings.
    let name = prop_oneof!["[xX]-[aA]", "[aA]ccept", "[cC]ontent-[tT]ype", "[!#-'*+.^_`|~0-9A-Za-z]{1,30}"]
        .prop_filter("framing is added separately", |name| {
            !["host", "content-length", "transfer-encoding", "connection", "expect", "upgrade", "te"]
                .contains(&name.to_ascii_lowercase().as_str())
        });
    (name, value())
}

fn sent() -> impl Strategy<Value = SentRequest> {
    // Bodies that look like requests and like the ends of chunks.
    let body = prop_oneof![
        Just(Vec::new()),
        Just(b"POST / HTTP/1.1\r\nhost: b\r\nX-Other: 1\r\n\r\n".to_vec()),
        Just(b"0\r\n\r\nPOST / HTTP/1.1\r\nhost: b\r\n\r\n".to_vec()),
        prop::collection::vec(any::<u8>(), 0..300),
        (9_000..80_000usize).prop_map(|size| vec![b'\n'; size]),
    ];
    let chunks = prop::option::of(prop::collection::vec(1..100usize, 0..10));
    let fields = prop::collection::vec(field(), 0..12);
    ("/[a-z?=/]{0,20}", fields, body, chunks, prop::collection::vec(field(), 0..3), any::<bool>()).prop_map(
        |(target, fields, body, chunks, trailers, empty_line)| SentRequest {
            target,
            fields,
            body,
            chunks,
            trailers,
            empty_line,
        },
    )
}

/// Sends requests over one connection in pieces of these sizes, and returns those that arrived.
async fn received(requests: &[SentRequest], pieces: &[usize]) -> Vec<Request> {
    let (mut ours, theirs) = duplex(256 << 10);
    let keep = Arc::new(Keep::default());
    let limits = ReceiverLimits::default();
    let permit = ConnectionPermits::new(1, tokio_util::sync::CancellationToken::new()).take().await;
    let serving = tokio::spawn(serve_connection(
        theirs,
        SenderWatch::default(),
        permit,
        limits,
        &Budget::new(&limits),
        &keep,
        Heads::default(),
    ));
    let bytes = requests.iter().flat_map(SentRequest::bytes).collect::<Vec<_>>();
    let mut sizes = pieces.iter().cycle();
    let mut left = &bytes[..];
    while let Some(size) = sizes.next().filter(|_| !left.is_empty()) {
        let (piece, rest) = left.split_at((*size).min(left.len()));
        ours.write_all(piece).await.unwrap();
        // Lets the receiver read this piece by itself.
        tokio::task::yield_now().await;
        left = rest;
    }
    ours.shutdown().await.unwrap();
    let mut responses = Vec::new();
    ours.read_to_end(&mut responses).await.unwrap();
    serving.await.unwrap().unwrap();
    std::mem::take(&mut keep.0.lock())
}

fn check(requests: &[SentRequest], pieces: &[usize]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let received = runtime.block_on(received(requests, pieces));
    let expected: Vec<_> =
        requests.iter().map(|sent| (sent.target.clone(), sent.all_fields(), &sent.body[..])).collect();
    let spelled = |request: &Request| -> Vec<_> {
        request.headers.iter().map(|(name, value)| (name.spelling().to_owned(), value.as_bytes().to_vec())).collect()
    };
    let received: Vec<_> =
        received.iter().map(|request| (request.target.clone(), spelled(request), &request.body[..])).collect();
    assert!(received == expected, "expected {expected:#?}, received {received:#?}");
}

/// Sends this many connections' worth of random requests.
fn check_random(connections: u32, pieces: Range<usize>) {
    let requests = prop::collection::vec(sent(), 1..20);
    let pieces = prop::collection::vec(pieces, 1..20);
    TestRunner::new(Config { cases: connections, failure_persistence: None, ..Config::default() })
        .run(&(requests, pieces), |(requests, pieces)| {
            check(&requests, &pieces);
            Ok(())
        })
        .unwrap();
}

#[test]
fn pipelined_requests_of_every_shape_keep_their_own_heads() {
    check_random(150, 1..200_000);
}

#[test]
fn heads_that_arrive_in_small_pieces_stay_whole() {
    check_random(100, 1..2_000);
}

#[test]
fn heads_that_arrive_byte_by_byte_stay_whole() {
    let plain = |fields: &[(&str, &str)], body: &str, chunks| SentRequest {
        target: "/a?b".to_owned(),
        fields: fields.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect(),
        body: body.as_bytes().to_vec(),
        chunks,
        trailers: vec![("X-Trailer".to_owned(), b"x".to_vec())],
        empty_line: true,
    };
    let fields = [("X-Hub-Signature-256", "a"), ("x-b", "1"), ("X-Hub-SIGNATURE-256", "b"), ("X-B", "\u{fc}")];
    let requests = [plain(&fields, "{}", None), plain(&fields, "0\r\n\r\n", Some(vec![1, 2])), plain(&[], "", None)];
    check(&requests, &[1]);
}

#[test]
fn a_head_that_is_not_the_parsed_one_is_not_taken() {
    let heads = Heads::default();
    heads.0.lock().pass(b"POST / HTTP/1.1\r\nHost: a\r\nX-Id: 1\r\n\r\n");
    let request = |id| {
        let request = hyper::Request::post("/").header("host", "a").header("x-id", id);
        request.body(http_body_util::Empty::<bytes::Bytes>::new()).unwrap()
    };
    assert_eq!(heads.take(&request("2")), None);
    assert_eq!(heads.take(&request("1")).map(|headers| headers.len()), Some(2));
}
