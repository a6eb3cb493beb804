//! What is left of a forward: the rest of a long response, passed on in pieces or read to its end, and the rest of a
//! request that the handler responded to first.

use std::time::Duration;

use bytes::Bytes;
use tokio::{
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::targets::InFlightPermit;
use crate::{
    net::{
        client::ResponseBody,
        receiver::{BodyPermit, Pieces, PiecesSender},
    },
    webhook::record::{ForwardFailure, ForwardFailureKind},
};

/// The rest of a long response.
#[derive(Debug)]
pub struct ResponseRest {
    pub(super) body: ResponseBody,
    pub(super) left: Option<u64>,
    pub(super) status: u16,
    pub(super) until: Instant,
    pub(super) exchange: Exchange,
    /// The memory for its pieces.
    pub(super) _memory: BodyPermit,
}

/// What both rests need to know of a forward, and what it holds: its place until the whole response is there, and its
/// memory until the request is written.
#[derive(Debug)]
pub struct Exchange {
    /// How long the handler may take for its response, and then for the rest of the request.
    pub(super) timeout: Duration,
    pub(super) cancel: CancellationToken,
    pub(super) place: InFlightPermit,
    /// The memory for the request.
    pub(super) memory: BodyPermit,
}

impl ResponseRest {
    /// A channel for the pieces of this body.
    pub fn pieces(&self) -> (PiecesSender, Pieces) {
        Pieces::new(self.left)
    }

    /// Passes it on in pieces, then waits until any rest of the request is written. A sender that disconnects is not an
    /// error, and ends both.
    ///
    /// # Errors
    ///
    /// If the body is incomplete.
    pub async fn pass_on(mut self, sender: PiecesSender) -> Result<(), ForwardFailure> {
        let status = self.status;
        let cancel = self.exchange.cancel.clone();
        let until = self.until;
        let passing = async {
            while let Some(piece) = self.next().await? {
                if !sender.send(piece).await {
                    return Ok(false);
                }
            }
            sender.end().await;
            Ok(true)
        };
        let is_whole = tokio::select! {
            passed = timeout_at(until, passing) => passed.unwrap_or(Err(())),
            () = cancel.cancelled() => Err(()),
        }
        .map_err(|()| cut_off(status, "; so was the response"))?;
        if is_whole && let Some(writing) = self.exchange.write_request(self.body) {
            // An error is a panic, which has been reported.
            let _ = writing.await;
        }
        Ok(())
    }

    /// Reads it to its end, and starts writing any rest of the request.
    pub(super) async fn discard(mut self) -> Result<(), ForwardFailure> {
        let status = self.status;
        let cancel = self.exchange.cancel.clone();
        let until = self.until;
        let reading = async {
            while self.next().await?.is_some() {}
            Ok(())
        };
        tokio::select! {
            read = timeout_at(until, reading) => read.unwrap_or(Err(())),
            () = cancel.cancelled() => Err(()),
        }
        .map_err(|()| cut_off(status, ""))?;
        self.exchange.write_request(self.body);
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<Bytes>, ()> {
        self.body.piece().await.map_err(drop)
    }
}

impl Exchange {
    /// Gives the place back at the end of a response, and starts writing the rest of the request if the handler has not
    /// read all of it. Stops if the handler closes the connection or takes too long.
    pub(super) fn write_request(self, response: ResponseBody) -> Option<JoinHandle<()>> {
        let Self { timeout: limit, cancel, place, memory } = self;
        drop(place);
        let request = response.into_unwritten()?;
        Some(tokio::spawn(async move {
            let _memory = memory;
            tokio::select! {
                _ = timeout(limit, request.write()) => {}
                () = cancel.cancelled() => {}
            }
        }))
    }
}

fn cut_off(status: u16, further: &str) -> ForwardFailure {
    let message = format!("your handler responded {status}, but its body was cut off{further}");
    ForwardFailure::new(ForwardFailureKind::Incomplete(status), message)
}

#[cfg(test)]
mod tests {
    use reqwest::Url;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpSocket, TcpStream},
    };

    use super::*;
    use crate::{
        engine::receive::{
            forwards::{Arrival, FinishedForward, Forwarder},
            tests::delivery_of,
        },
        net::receiver::UNMETERED_BYTES,
        webhook::record::Delivery,
    };

    const SIZE: usize = 20_000_000;
    const TIMEOUT: Duration = Duration::from_secs(60);

    /// The size of a response that is not passed on in one piece.
    const LONG: usize = UNMETERED_BYTES + 1;

    /// A delivery that no buffers hold, and a handler whose response comes before it has read the request: a head with
    /// this length, and as much of the body as is read with the head.
    fn responding_first(length: usize) -> (Delivery, Url, JoinHandle<TcpStream>) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(64 << 10).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let handler = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_exact(&mut [0]).await.unwrap();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(&vec![b'x'; length.min(LONG)]).await.unwrap();
            stream
        });
        (delivery_of(1, vec![b'x'; SIZE]), url, handler)
    }

    fn forwarder() -> Forwarder {
        Forwarder::new(TIMEOUT, Duration::ZERO, None, CancellationToken::new())
    }

    /// Forwards a delivery to the handler that provides the response.
    async fn forward(forwarder: &Forwarder, url: &Url, delivery: &Delivery) -> FinishedForward {
        let (closed, memory) = (CancellationToken::new(), BodyPermit::default());
        let arrival = Arrival { seq: 1, is_verified: false, closed: &closed, memory: &memory };
        let forwards = forwarder.forward(&[url], &delivery.assessment, &delivery.request, arrival).await.unwrap();
        forwards.first
    }

    /// How many bytes a handler reads until the connection ends, however that is.
    async fn read(mut handler: TcpStream) -> usize {
        let mut read = Vec::new();
        let _ = handler.read_to_end(&mut read).await;
        read.len()
    }

    #[tokio::test]
    async fn the_rest_of_a_request_takes_no_place() {
        for length in [2, LONG] {
            let (delivery, url, handler) = responding_first(length);
            let forwarder = forwarder();
            let results = forwarder.resend(&[&url], &delivery.request).await;
            assert_eq!(results[0].outcome.as_ref().map(|response| response.status), Ok(200));
            assert_eq!(forwarder.targets().in_flight(), 0);
            assert!(read(handler.await.unwrap()).await > SIZE);
        }
    }

    #[tokio::test]
    async fn the_rest_of_a_request_follows_a_long_response() {
        let (delivery, url, handler) = responding_first(LONG);
        let rest = forward(&forwarder(), &url, &delivery).await.rest.unwrap();
        let (sender, _pieces) = rest.pieces();
        let (passed, read) = tokio::join!(rest.pass_on(sender), async { read(handler.await.unwrap()).await });
        passed.unwrap();
        assert!(read > SIZE, "{read} bytes");
    }

    #[tokio::test]
    async fn nothing_more_of_a_request_is_written_if_its_sender_leaves_during_the_response() {
        let (delivery, url, handler) = responding_first(LONG + 1);
        let rest = forward(&forwarder(), &url, &delivery).await.rest.unwrap();
        let (sender, pieces) = rest.pieces();
        drop(pieces);
        let mut handler = handler.await.unwrap();
        handler.write_all(b"x").await.unwrap();
        let (passed, read) = tokio::join!(rest.pass_on(sender), read(handler));
        passed.unwrap();
        assert!(read < SIZE, "{read} bytes");
    }
}
