//! The HTTP client of `send`, `check`, forwards and load: exact bytes, kept-alive connections, a time limit for the
//! whole response. It follows no redirect, decompresses nothing, and adds no header but `host` and `content-length`.
//!
//! A request that fails on a *reused* connection before any byte of the response arrives is sent once more, on a new
//! connection: servers may close idle connections at any time, whatever the request. A request that may wait for a
//! restarting server is also sent again if a new connection ended before everything was written, and once if it was
//! reset after that: a server that ends before it has read everything resets the connection, but so may one that has
//! read it. So a request is written in full at most twice on new connections, and once before that on a reused one.
//!
//! Requests are written here, with header names as spelled, and hyper reads the responses. reqwest would lower the
//! names, add `accept: */*`, and make half as many requests per second (48,000 against 95,000 at 32 connections). It
//! opens only the tunnels through proxies.

mod body;
mod connect;
mod connection;
mod error;
mod headers;
mod incoming;
mod message;
mod outbox;
mod patience;
mod pool;
mod protocol;
mod proxy;
mod queue;
mod series;
mod stream;
#[cfg(test)]
mod tests;
mod tls;

use std::{
    net::IpAddr,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use reqwest::Url;
use url::Position;

use self::{
    connect::Connector,
    connection::{Connection, Ending, Incoming},
    error::{BODY_CUT, body_too_large, not_final},
    patience::Patience,
    pool::Pool,
    queue::Queues,
};
use crate::webhook::{
    record::Response,
    request::{Headers, Request},
    wire_form::WireForm,
};

pub(super) use self::connect::{connectable, without_resolver};
pub use self::{
    body::ResponseBody,
    error::SendError,
    headers::{end_to_end, for_other_clients, is_hop_by_hop, set_host},
    message::{sent_headers, write_message},
    outbox::UnwrittenRequest,
    protocol::Protocol,
    series::{Series, Wanted},
};

/// The maximum size of a response body in bytes.
const MAX_RESPONSE_BODY: usize = 64 << 20;

/// The time limit for finding out why there is no response.
const PROBE_TIME: Duration = Duration::from_secs(1);

/// The size of the largest piece of a response's body, in bytes.
pub const MAX_PIECE_BYTES: usize = connection::BUFFER_BYTES;

/// Sends requests to endpoints.
pub trait Transport: Sync {
    /// Sends a request to the host of a URL, and waits up to `timeout` for the whole response. If that comes before the
    /// request is written, the rest is written in the time that is left. The request's target goes onto the request
    /// line as it is; a `host` header of the request replaces the URL's host.
    fn send(&self, url: &Url, request: &Request, timeout: Duration) -> impl Future<Output = SendResult> + Send;

    /// Like [`Self::send`], in this form. By default, all forms are sent alike.
    fn send_in_form(
        &self,
        _form: WireForm,
        url: &Url,
        request: &Request,
        timeout: Duration,
    ) -> impl Future<Output = SendResult> + Send {
        self.send(url, request, timeout)
    }

    /// Like [`Self::send`], for the next request of a series. The response may lack what isn't wanted of it.
    fn send_in_series(
        &self,
        _series: &mut Series,
        url: &Url,
        request: &Request,
        timeout: Duration,
    ) -> impl Future<Output = SendResult> + Send {
        self.send(url, request, timeout)
    }
}

/// The result of one request.
#[derive(Debug)]
pub struct SendResult {
    /// The response, or why there is none.
    pub response: Result<Response, SendError>,
    /// From the start to the end of the response, or to the failure.
    pub elapsed: Duration,
}

impl SendResult {
    /// The response, even if its body is incomplete: providers look only at the status.
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
    connector: Connector,
    high: Queues,
    low: Queues,
}

/// The queue of a request while the endpoint accepts no connection. A request waits only for those of its own priority.
#[derive(Clone, Copy, Debug)]
pub enum Priority {
    /// For requests that must not be held up by requests that anyone could cause.
    High,
    /// For requests that anyone could have caused.
    Low,
}

/// A response whose body has not been read yet.
#[derive(Debug)]
pub struct StreamedResponse {
    /// The status. Below 200, the response is not final.
    pub status: u16,
    pub headers: Headers,
    pub body: ResponseBody,
}

impl Client {
    /// A client that accepts any TLS certificate if `insecure`.
    #[must_use]
    pub fn new(insecure: bool) -> Self {
        Self {
            pool: Arc::default(),
            connector: Connector::new(insecure),
            high: Queues::default(),
            low: Queues::default(),
        }
    }

    /// Sends a request and waits for the head of the response, without a time limit. While the endpoint accepts no
    /// connection, for example during a restart, retries for up to `wait`. Requests that wait are sent in the order in
    /// which they were begun, separately for each priority.
    ///
    /// # Errors
    ///
    /// If there is no response.
    pub async fn begin(
        &self,
        url: &Url,
        request: &Request,
        priority: Priority,
        wait: Duration,
    ) -> Result<StreamedResponse, SendError> {
        let queues = match priority {
            Priority::High => &self.high,
            Priority::Low => &self.low,
        };
        let patience = Patience::new(wait, queues.last(origin(url)));
        let (connection, response) = self.send_head(url, request, WireForm::Usual, patience).await?;
        let Incoming { head, body } = response;
        let headers = connection.take_headers(&head);
        let body = ResponseBody::new(connection, body, origin(url).to_owned(), Arc::clone(&self.pool));
        Ok(StreamedResponse { status: head.status.as_u16(), headers, body })
    }

    /// Whether the host of a URL accepts a connection now. Sends nothing.
    pub async fn connects(&self, url: &Url) -> bool {
        tokio::time::timeout(PROBE_TIME, self.connector.connects(url)).await.unwrap_or(false)
    }

    /// Whether the host of a URL accepts a TLS handshake now, with any certificate. Sends no request.
    pub async fn accepts_tls(&self, url: &Url) -> bool {
        tokio::time::timeout(PROBE_TIME, self.connector.accepts_tls(url)).await.unwrap_or(false)
    }

    async fn exchange(
        &self,
        url: &Url,
        request: &Request,
        form: WireForm,
        wanted: Wanted,
    ) -> Result<(Response, Option<UnwrittenRequest>), SendError> {
        let (mut connection, response) = self.send_head(url, request, form, Patience::default()).await?;
        let Incoming { head, body: mut incoming } = response;
        let headers = match wanted {
            Wanted::All => connection.take_headers(&head),
            Wanted::AllButHeaders => Headers::new(),
        };
        let mut body = BytesMut::new();
        let problem = loop {
            // Without this, tiny pieces that arrive faster than they are read would keep the timeout from being polled.
            tokio::task::coop::consume_budget().await;
            match connection.piece(&mut incoming).await {
                Ok(None) => break None,
                Ok(Some(piece)) => body.extend_from_slice(&piece),
                Err(_) => break Some(BODY_CUT.to_owned()),
            }
            if body.len() > MAX_RESPONSE_BODY {
                break Some(body_too_large());
            }
        };
        let response = Response { status: head.status.as_u16(), headers, body: body.freeze() };
        let unwritten = match problem {
            None => self.pool.put(origin(url), connection),
            Some(problem) => return Err(SendError::Incomplete(response, problem)),
        };
        if response.status < 200 {
            Err(SendError::Broken(not_final(response.status)))
        } else {
            Ok((response, unwritten))
        }
    }

    /// Sends a request, and waits for the head of the response.
    async fn send_head(
        &self,
        url: &Url,
        request: &Request,
        form: WireForm,
        mut patience: Patience<'_>,
    ) -> Result<(Connection, Incoming), SendError> {
        patience.wait_in_queue().await;
        let mut lost = None;
        // A server may read requests on the connections that it has before it accepts others, so requests that waited
        // keep their order only on new ones.
        while !patience.is_queued()
            && let Some(mut reused) = self.pool.take(origin(url))
        {
            if !reused.is_ready().await {
                continue;
            }
            let error = match reused.send(url, request, form).await {
                Ok(response) => return Ok((reused, response)),
                // It had been closed before any of the request was written.
                Err(error) if error.is_canceled() => continue,
                Err(error) => error,
            };
            if reused.ending(&error).has_received {
                return Err(error::no_response(&error));
            }
            lost = Some(error);
            break;
        }
        let mut may_be_read = false;
        loop {
            let mut new = match self.connector.open(url).await {
                Ok(new) => new,
                Err(SendError::NotListening(_)) if patience.wait_for_listener().await => continue,
                // The endpoint was reachable when the request was sent, but no longer is.
                Err(error) => return Err(lost.map_or(error, |lost| error::no_response(&lost))),
            };
            let outbox = new.outbox();
            let responded = {
                let response = pin!(new.send(url, request, form));
                let response = pin!(self.pool.while_waiting(origin(url), response));
                patience.while_first(response, || outbox.is_empty()).await
            };
            let error = match responded {
                Ok(response) => return Ok((new, response)),
                Err(error) => error,
            };
            let Ending { has_received, is_written, was_reset, protocol } = new.ending(&error);
            if let Some(protocol) = protocol {
                return Err(SendError::OtherProtocol(protocol));
            }
            let may_retry = !has_received && (!is_written || was_reset && !may_be_read);
            if !may_retry || !patience.wait_after_end().await {
                return Err(error::no_response(&error));
            }
            may_be_read |= is_written;
        }
    }
}

impl Transport for Client {
    async fn send(&self, url: &Url, request: &Request, timeout: Duration) -> SendResult {
        self.send_in_form(WireForm::Usual, url, request, timeout).await
    }

    async fn send_in_form(&self, form: WireForm, url: &Url, request: &Request, timeout: Duration) -> SendResult {
        let started = Instant::now();
        let exchanged = match tokio::time::timeout(timeout, self.exchange(url, request, form, Wanted::All)).await {
            Ok(exchanged) => exchanged,
            Err(_) => Err(SendError::TimedOut(timeout)),
        };
        written(exchanged, started.elapsed(), timeout).await
    }

    async fn send_in_series(&self, series: &mut Series, url: &Url, request: &Request, timeout: Duration) -> SendResult {
        let started = Instant::now();
        let exchange = pin!(self.exchange(url, request, WireForm::Usual, series.wanted));
        let exchanged = series.timeout(timeout, exchange).await.unwrap_or(Err(SendError::TimedOut(timeout)));
        written(exchanged, started.elapsed(), timeout).await
    }
}

/// The result of a request, once it is written: an endpoint may respond first, and read the request after that.
async fn written(
    exchanged: Result<(Response, Option<UnwrittenRequest>), SendError>,
    elapsed: Duration,
    timeout: Duration,
) -> SendResult {
    let response = match exchanged {
        Ok((response, unwritten)) => {
            if let Some(unwritten) = unwritten {
                let _ = tokio::time::timeout(timeout.saturating_sub(elapsed), unwritten.write()).await;
            }
            Ok(response)
        }
        Err(error) => Err(error),
    };
    SendResult { response, elapsed }
}

/// The `host` header of requests to a URL: its host, with the port if that is not the default.
#[must_use]
pub fn host(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::AfterPort]
}

/// A host without the brackets of an IPv6 address.
fn without_brackets(host: &str) -> &str {
    host.trim_matches(['[', ']'])
}

/// The part of a URL that decides whether a connection can be reused. It includes credentials, which does no harm.
fn origin(url: &Url) -> &str {
    &url[..Position::AfterPort]
}

/// Whether a host is a name of this machine, as every name below `localhost` is (RFC 6761, 6.3).
fn is_localhost(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

/// Whether a URL leads to this machine, as `0.0.0.0` does when connected to.
#[must_use]
pub fn is_local(url: &Url) -> bool {
    is_loopback(url) || matches!(url.host_str(), Some("0.0.0.0" | "[::]"))
}

/// Whether a URL's host is a loopback address or a name of this machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some(host) if is_localhost(host) => true,
        Some(host) => match without_brackets(host).parse::<IpAddr>() {
            Ok(address) => address.to_canonical().is_loopback(),
            Err(_) => false,
        },
        None => false,
    }
}
