//! Sends a request in one of the forms that only proxies use: over a connection of its own, because hyper chooses the
//! spelling of header names per connection.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::{
    body::{Body, Frame, SizeHint},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use reqwest::Url;

use super::{
    connection,
    error::{self, SendError, not_final},
    fields, message,
};
use crate::webhook::{record::Response, request::Request, wire_form::WireForm};

/// The size of a chunk in bytes, so that most bodies have several.
const CHUNK_BYTES: usize = 100;

/// A body that does not state its length, so that it is sent in chunks.
pub(super) struct ChunkedBody(Bytes);

impl ChunkedBody {
    pub(super) const fn new(body: Bytes) -> Self {
        Self(body)
    }
}

impl Body for ChunkedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let rest = &mut self.get_mut().0;
        if rest.is_empty() {
            return Poll::Ready(None);
        }
        let chunk = rest.split_to(rest.len().min(CHUNK_BYTES));
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// Sends a request over a new plain connection, and waits for the whole response.
pub(super) async fn exchange(form: WireForm, url: &Url, request: &Request) -> Result<Response, SendError> {
    let stream = connection::connect(url).await?;
    let mut builder = http1::Builder::new();
    builder.title_case_headers(form == WireForm::Capitalised);
    let (parts, body) = message(url, request)?.into_parts();
    let response = match form {
        WireForm::Chunked => {
            let body = ChunkedBody::new(request.body.clone());
            send(&builder, stream, http::Request::from_parts(parts, body)).await
        }
        WireForm::Usual | WireForm::Capitalised => send(&builder, stream, http::Request::from_parts(parts, body)).await,
    };
    response.map_err(|error| error::no_response(&error))?
}

async fn send<B>(
    builder: &http1::Builder,
    stream: tokio::net::TcpStream,
    message: http::Request<B>,
) -> hyper::Result<Result<Response, SendError>>
where
    B: Body<Data = Bytes, Error = Infallible> + 'static,
{
    let (mut sender, driver) = builder.handshake(TokioIo::new(stream)).await?;
    let exchange = async {
        let (head, body) = sender.send_request(message).await?.into_parts();
        let status = head.status.as_u16();
        if status < 200 {
            return Ok(Err(SendError::Broken(not_final(status))));
        }
        let body = body.collect().await?.to_bytes();
        Ok(Ok(Response { status, headers: fields(&head.headers), body }))
    };
    tokio::pin!(exchange);
    tokio::select! {
        response = &mut exchange => response,
        ended = driver => match ended {
            // What has arrived is still read.
            Ok(()) => exchange.await,
            Err(error) => Err(error),
        },
    }
}
