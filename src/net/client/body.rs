//! The body of a response, read piece by piece.

use std::{mem, sync::Arc};

use bytes::Bytes;
use hyper::body::{self, Body};

use super::{connection::Connection, error::BODY_CUT, pool::Pool};

/// A body that arrives in pieces. Dropping it before its end closes the connection.
#[derive(Debug)]
pub struct ResponseBody {
    source: Source,
    length: Option<u64>,
}

#[derive(Debug)]
enum Source {
    Plain(Box<Plain>),
    Secure(Box<reqwest::Response>),
    Ended,
}

#[derive(Debug)]
struct Plain {
    connection: Connection,
    incoming: body::Incoming,
    host: String,
    /// Where the connection goes at the end of the body.
    pool: Arc<Pool>,
}

impl ResponseBody {
    pub(super) fn plain(connection: Connection, incoming: body::Incoming, host: String, pool: Arc<Pool>) -> Self {
        let length = incoming.size_hint().exact();
        Self { source: Source::Plain(Box::new(Plain { connection, incoming, host, pool })), length }
    }

    pub(super) fn secure(response: reqwest::Response) -> Self {
        let length = response.content_length();
        Self { source: Source::Secure(Box::new(response)), length }
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
        let piece = match &mut self.source {
            Source::Plain(plain) => plain.connection.piece(&mut plain.incoming).await.map_err(|_| ()),
            Source::Secure(response) => response.chunk().await.map_err(|_| ()),
            Source::Ended => Ok(None),
        };
        match piece {
            Ok(Some(piece)) => Ok(Some(piece)),
            Ok(None) => {
                if let Source::Plain(plain) = mem::replace(&mut self.source, Source::Ended) {
                    plain.pool.put(&plain.host, plain.connection);
                }
                Ok(None)
            }
            Err(()) => Err(BODY_CUT.to_owned()),
        }
    }
}
