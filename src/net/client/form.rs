//! Sends a request in one of the forms that only proxies use, over a connection of its own.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST};
use hyper::body::{Body, Frame, SizeHint};
use reqwest::Url;

use super::{
    connection::Connection,
    error::{self, SendError, not_final},
    host, read,
};
use crate::webhook::{
    record::Response,
    request::{FieldName, HeaderValue, Headers, Request},
    wire_form::WireForm,
};

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
    let request = if form == WireForm::Capitalised { capitalised(url, request) } else { request.clone() };
    let mut connection = Connection::open(url).await?;
    let chunk_bytes = (form == WireForm::Chunked).then_some(CHUNK_BYTES);
    let response = connection.send(url, &request, chunk_bytes).await.map_err(|error| error::no_response(&error))?;
    let response = read(&mut connection, response).await?;
    if response.status < 200 { Err(SendError::Broken(not_final(response.status))) } else { Ok(response) }
}

/// The same request with `Names-Like-This`, those that the client adds included.
fn capitalised(url: &Url, request: &Request) -> Request {
    let mut headers = Headers::with_capacity(request.headers.len() + 2);
    let length = HeaderValue::from(request.body.len());
    let host = HeaderValue::from_str(host(url)).ok().filter(|_| !request.headers.contains("host"));
    let added = host.map(|host| (FieldName::from(HOST), host)).into_iter().chain([(CONTENT_LENGTH.into(), length)]);
    for (name, value) in added.chain(request.headers.iter().cloned()) {
        headers.push(FieldName::spelled(name.name().clone(), &title_case(name.as_str())), value);
    }
    Request { headers, ..request.clone() }
}

fn title_case(name: &str) -> String {
    let mut starts_word = true;
    let cased = name.chars().map(|letter| {
        let cased = if starts_word { letter.to_ascii_uppercase() } else { letter };
        starts_word = letter == '-';
        cased
    });
    cased.collect()
}
