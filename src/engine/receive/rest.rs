//! The rest of a handler's long response: passed on in pieces, or read to its end.

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};
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
    pub(super) cancel: CancellationToken,
    pub(super) _place: InFlightPermit,
    pub(super) _memory: BodyPermit,
}

impl ResponseRest {
    /// A channel for the pieces of this body.
    pub fn pieces(&self) -> (PiecesSender, Pieces) {
        Pieces::new(self.left)
    }

    /// Passes it on in pieces. A sender that disconnects is not an error.
    ///
    /// # Errors
    ///
    /// If the body is incomplete.
    pub async fn pass_on(mut self, sender: PiecesSender) -> Result<(), ForwardFailure> {
        let status = self.status;
        let cancel = self.cancel.clone();
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
        .map_err(|()| cut_off(status, "; so was the response"))
    }

    /// Reads it to its end.
    pub(super) async fn discard(mut self) -> Result<(), ForwardFailure> {
        let status = self.status;
        let cancel = self.cancel.clone();
        let until = self.until;
        let reading = async {
            while self.next().await?.is_some() {}
            Ok(())
        };
        tokio::select! {
            read = timeout_at(until, reading) => read.unwrap_or(Err(())),
            () = cancel.cancelled() => Err(()),
        }
        .map_err(|()| cut_off(status, ""))
    }

    async fn next(&mut self) -> Result<Option<Bytes>, ()> {
        self.body.piece().await.map_err(drop)
    }
}

fn cut_off(status: u16, further: &str) -> ForwardFailure {
    let message = format!("your handler responded {status}, but its body was cut off{further}");
    ForwardFailure::new(ForwardFailureKind::Incomplete(status), message)
}
