//! The HTTP client of `send`, `check`, forwards and load: exact bytes, kept-alive connections, a time limit for the
//! whole response. It follows no redirect, decompresses nothing, and adds no header but `host` and `content-length`.
//!
//! A request that fails on a *reused* connection before any byte of the response is sent once more, on a new
//! connection: servers may close idle connections at any time, and that says nothing about the request. No other
//! request is ever sent twice.
//!
//! Plain `http://` goes over hyper connections, which do twice the requests per second that reqwest does (95,000
//! against 48,000 at 32 connections); the requests are written here, with header names as they are spelled. reqwest
//! takes TLS and proxies; it writes names in lower case, and adds `accept: */*` to requests that have no `accept`.

mod body;
mod chunked;
mod connection;
mod error;
mod headers;
mod message;
mod outbox;
mod pool;
mod secure;
#[cfg(test)]
mod tests;

use std::{
    net::IpAddr,
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use bytes::BytesMut;
use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;
use url::Position;

use self::{
    connection::Connection,
    error::{BODY_CUT, body_too_large, not_final},
    pool::Pool,
    secure::SecureClient,
};
use crate::webhook::{
    record::Response,
    request::{Headers, Request},
    wire_form::WireForm,
};

pub use self::{
    body::ResponseBody,
    error::SendError,
    headers::{end_to_end, for_other_clients, is_hop_by_hop, set_host},
    message::write_message,
};

/// The maximum size of a response body in bytes.
const MAX_RESPONSE_BODY: usize = 64 << 20;

/// The size of the largest piece of a response's body, in bytes.
pub const MAX_PIECE_BYTES: usize = connection::BUFFER_BYTES;

/// Sends requests to endpoints.
pub trait Transport: Sync {
    /// Sends a request to a URL, and waits up to `timeout` for the whole response. The URL's path and query replace the
    /// request's target; a `host` header of the request replaces the URL's host.
    fn send(&self, url: &Url, request: &Request, timeout: Duration) -> impl Future<Output = Sent> + Send;

    /// Like [`Self::send`], in this form. A transport without connections has one form.
    fn send_in_form(
        &self,
        _form: WireForm,
        url: &Url,
        request: &Request,
        timeout: Duration,
    ) -> impl Future<Output = Sent> + Send {
        self.send(url, request, timeout)
    }
}

/// The result of one request.
#[derive(Debug)]
pub struct Sent {
    /// The response, or why there is none.
    pub response: Result<Response, SendError>,
    /// From the start to the end of the response, or to the failure.
    pub elapsed: Duration,
}

impl Sent {
    /// The response, even if its body is incomplete: providers look at the status alone.
    #[must_use]
    pub const fn received(&self) -> Option<&Response> {
        match &self.response {
            Ok(response) | Err(SendError::Incomplete(response, _)) => Some(response),
            Err(_) => None,
        }
    }

    /// Like [`Self::received`].
    #[must_use]
    pub fn into_received(self) -> Option<Response> {
        match self.response {
            Ok(response) | Err(SendError::Incomplete(response, _)) => Some(response),
            Err(_) => None,
        }
    }
}

/// The client. Idle connections belong to the async runtime that opened them.
#[derive(Debug)]
pub struct Client {
    pool: Arc<Pool>,
    secure: SecureClient,
}

/// A response whose body has not been read yet.
#[derive(Debug)]
pub struct StreamedResponse {
    /// The status. Below 200 it is not a final response.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: ResponseBody,
}

impl Client {
    /// A client that accepts any TLS certificate if `insecure`.
    #[must_use]
    pub fn new(insecure: bool) -> Self {
        Self { pool: Arc::default(), secure: SecureClient::new(insecure) }
    }

    /// Sends a request and waits for the head of the response, without a time limit.
    ///
    /// # Errors
    ///
    /// If there is no response.
    pub async fn begin(&self, url: &Url, request: &Request) -> Result<StreamedResponse, SendError> {
        let is_proxied = is_proxied(url);
        if !is_plain(url, is_proxied) {
            return Box::pin(self.secure.begin(url, request, is_proxied)).await;
        }
        let (connection, response) = self.begin_plain(url, request, WireForm::Usual).await?;
        let (head, incoming) = response.into_parts();
        let body = ResponseBody::plain(connection, incoming, host(url).to_owned(), Arc::clone(&self.pool));
        Ok(StreamedResponse { status: head.status.as_u16(), headers: fields(&head.headers), body })
    }

    async fn exchange(&self, url: &Url, request: &Request, form: WireForm) -> Result<Response, SendError> {
        let is_proxied = is_proxied(url);
        let response = if is_plain(url, is_proxied) {
            self.exchange_plain(url, request, form).await?
        } else {
            // In a box, because it is much larger than the future of a plain exchange.
            let begin = async {
                match form {
                    WireForm::Usual => self.secure.begin(url, request, is_proxied).await,
                    _ => self.secure.begin_in_form(form, url, request, is_proxied).await,
                }
            };
            Box::pin(async { begin.await?.read().await }).await?
        };
        if response.status < 200 { Err(SendError::Broken(not_final(response.status))) } else { Ok(response) }
    }

    async fn exchange_plain(&self, url: &Url, request: &Request, form: WireForm) -> Result<Response, SendError> {
        let (mut connection, response) = self.begin_plain(url, request, form).await?;
        let (head, mut incoming) = response.into_parts();
        let mut body = BytesMut::new();
        let problem = loop {
            match connection.piece(&mut incoming).await {
                Ok(None) => break None,
                Ok(Some(piece)) => body.extend_from_slice(&piece),
                Err(_) => break Some(BODY_CUT.to_owned()),
            }
            if body.len() > MAX_RESPONSE_BODY {
                break Some(body_too_large());
            }
        };
        let response = Response { status: head.status.as_u16(), headers: fields(&head.headers), body: body.freeze() };
        match problem {
            None => {
                self.pool.put(host(url), connection);
                Ok(response)
            }
            Some(problem) => Err(SendError::Incomplete(response, problem)),
        }
    }

    /// Sends a request over a plain connection, and waits for the head of the response.
    async fn begin_plain(
        &self,
        url: &Url,
        request: &Request,
        form: WireForm,
    ) -> Result<(Connection, connection::Incoming), SendError> {
        let mut lost = None;
        while let Some(mut reused) = self.pool.take(host(url)) {
            if !reused.is_ready().await {
                continue;
            }
            match reused.send(url, request, form).await {
                Ok(response) => return Ok((reused, response)),
                Err(error) if reused.has_received() => return Err(error::no_response(&error)),
                Err(error) => {
                    lost = Some(error);
                    break;
                }
            }
        }
        let mut new = match (Connection::open(url).await, lost) {
            (Ok(new), _) => new,
            // The endpoint was there when the request was sent, and is gone now.
            (Err(_), Some(lost)) => return Err(error::no_response(&lost)),
            (Err(error), None) => return Err(error),
        };
        let response = new.send(url, request, form).await.map_err(|error| error::no_response(&error))?;
        Ok((new, response))
    }
}

impl StreamedResponse {
    /// Reads the whole response.
    async fn read(mut self) -> Result<Response, SendError> {
        let mut body = BytesMut::new();
        let problem = loop {
            match self.body.piece().await {
                Ok(None) => break None,
                Ok(Some(piece)) => body.extend_from_slice(&piece),
                Err(problem) => break Some(problem),
            }
            if body.len() > MAX_RESPONSE_BODY {
                break Some(body_too_large());
            }
        };
        let response = Response { status: self.status, headers: self.headers, body: body.freeze() };
        match problem {
            None => Ok(response),
            Some(problem) => Err(SendError::Incomplete(response, problem)),
        }
    }
}

impl Transport for Client {
    async fn send(&self, url: &Url, request: &Request, timeout: Duration) -> Sent {
        self.send_in_form(WireForm::Usual, url, request, timeout).await
    }

    async fn send_in_form(&self, form: WireForm, url: &Url, request: &Request, timeout: Duration) -> Sent {
        let started = Instant::now();
        let response = match tokio::time::timeout(timeout, self.exchange(url, request, form)).await {
            Ok(response) => response,
            Err(_) => Err(SendError::TimedOut(timeout)),
        };
        Sent { response, elapsed: started.elapsed() }
    }
}

/// The `host` of requests to a URL: its host, with its port if that is not the usual one.
#[must_use]
pub fn host(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::AfterPort]
}

fn fields(headers: &http::HeaderMap) -> Headers {
    headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Whether requests to a URL go over the client's own connections.
fn is_plain(url: &Url, is_proxied: bool) -> bool {
    url.scheme() == "http" && !is_proxied
}

fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Whether a proxy of the environment takes requests to a URL. This machine is always reached directly.
fn is_proxied(url: &Url) -> bool {
    static PROXIES: LazyLock<Matcher> = LazyLock::new(Matcher::from_system);
    !is_loopback(url) && url.as_str().parse().is_ok_and(|uri: Uri| PROXIES.intercept(&uri).is_some())
}

/// Whether a URL leads to this machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        // RFC 6761, 6.3: every name below it is this machine too.
        Some(host) if host == "localhost" || host.ends_with(".localhost") => true,
        Some(host) => match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) => address.to_canonical().is_loopback(),
            Err(_) => false,
        },
        None => false,
    }
}
