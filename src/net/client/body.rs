//! The body of a response, read piece by piece.

use std::sync::Arc;

use bytes::Bytes;
use hyper::body::{self, Body};

use super::{connection::Connection, error::BODY_CUT, outbox::UnwrittenRequest, pool::Pool};

/// A body that arrives in pieces. Dropping it before its end closes the connection.
#[derive(Debug)]
pub struct ResponseBody {
    /// `None` after the end.
    source: Option<BodyStream>,
    length: Option<u64>,
    /// Set at the end.
    unwritten: Option<UnwrittenRequest>,
}

#[derive(Debug)]
struct BodyStream {
    connection: Connection,
    incoming: body::Incoming,
    origin: String,
    /// Takes the connection back at the end of the body.
    pool: Arc<Pool>,
}

impl ResponseBody {
    pub(super) fn new(connection: Connection, incoming: body::Incoming, origin: String, pool: Arc<Pool>) -> Self {
        let length = incoming.size_hint().exact();
        Self { source: Some(BodyStream { connection, incoming, origin, pool }), length, unwritten: None }
    }

    /// The length of the whole body in bytes, if the response states it.
    pub const fn length(&self) -> Option<u64> {
        self.length
    }

    /// The next piece; `None` at the end. Cancel safe.
    ///
    /// # Errors
    ///
    /// The reason, if the body is incomplete.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, String> {
        let Some(source) = &mut self.source else { return Ok(None) };
        let piece = source.connection.piece(&mut source.incoming).await.map_err(|_| BODY_CUT.to_owned())?;
        if piece.is_none()
            && let Some(source) = self.source.take()
        {
            self.unwritten = source.pool.put(&source.origin, source.connection);
        }
        Ok(piece)
    }

    /// What is left to write of the request, if the response came before all of it was written. Ends the body.
    #[must_use]
    pub fn into_unwritten(self) -> Option<UnwrittenRequest> {
        self.unwritten.or_else(|| self.source?.connection.into_unwritten())
    }
}
