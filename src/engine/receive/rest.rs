//! What is left of a forward: the rest of a long response, passed on in pieces or read to its end, and the rest of a
//! request that the handler responded to first.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::targets::InFlightPermit;
use crate::{
    net::{
        client::{ResponseBody, UnwrittenRequest},
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

/// What both rests need to know of a forward, and what it holds.
#[derive(Debug)]
pub struct Exchange {
    /// How long the handler may take for its response, and then for the rest of the request.
    pub(super) timeout: Duration,
    pub(super) cancel: CancellationToken,
    pub(super) _place: InFlightPermit,
    /// The memory for the request.
    pub(super) _memory: BodyPermit,
}

/// The rest of a request that the handler responded to before it had read all of it.
#[derive(Debug)]
pub struct RequestRest {
    request: UnwrittenRequest,
    exchange: Exchange,
}

impl ResponseRest {
    /// A channel for the pieces of this body.
    pub fn pieces(&self) -> (PiecesSender, Pieces) {
        Pieces::new(self.left)
    }

    /// Passes it on in pieces, then writes any rest of the request. A sender that disconnects is not an error.
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
                    return Ok(());
                }
            }
            sender.end().await;
            Ok(())
        };
        tokio::select! {
            passed = timeout_at(until, passing) => passed.unwrap_or(Err(())),
            () = cancel.cancelled() => Err(()),
        }
        .map_err(|()| cut_off(status, "; so was the response"))?;
        if let Some(rest) = self.exchange.request_rest(self.body) {
            rest.write().await;
        }
        Ok(())
    }

    /// Reads it to its end. Returns any rest of the request.
    pub(super) async fn discard(mut self) -> Result<Option<RequestRest>, ForwardFailure> {
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
        Ok(self.exchange.request_rest(self.body))
    }

    async fn next(&mut self) -> Result<Option<Bytes>, ()> {
        self.body.piece().await.map_err(drop)
    }
}

impl Exchange {
    /// The rest of the request at the end of a response, if the handler has not read all of it.
    pub(super) fn request_rest(self, response: ResponseBody) -> Option<RequestRest> {
        Some(RequestRest { request: response.into_unwritten()?, exchange: self })
    }
}

impl RequestRest {
    /// Writes it, unless the handler closes the connection or takes too long.
    pub async fn write(self) {
        let Self { request, exchange } = self;
        tokio::select! {
            _ = timeout(exchange.timeout, request.write()) => {}
            () = exchange.cancel.cancelled() => {}
        }
    }
}

fn cut_off(status: u16, further: &str) -> ForwardFailure {
    let message = format!("your handler responded {status}, but its body was cut off{further}");
    ForwardFailure::new(ForwardFailureKind::Incomplete(status), message)
}
