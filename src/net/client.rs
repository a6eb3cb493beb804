//! The HTTP client of `send`, `check`, forwards and load: exact bytes, kept-alive connections, a time limit for the
//! whole response. It follows no redirect, decompresses nothing, and adds no header but `host` and `content-length`.
//!
//! A request that fails on a *reused* connection before any byte of the response is sent once more, on a new
//! connection: servers close idle connections whenever they like, and that says nothing about the request. No other
//! request is ever sent twice.
//!
//! Plain `http://` goes over hyper connections, which do twice the requests per second that reqwest does (95,000
//! against 48,000 at 32 connections). reqwest takes TLS, proxies and URLs with credentials; it adds `accept: */*` to
//! requests that have no `accept`.

mod connection;
mod error;
mod headers;
mod pool;
mod secure;
#[cfg(test)]
mod tests;

use std::{
    net::IpAddr,
    sync::LazyLock,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderValue, Uri, header};
use http_body_util::Full;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;
use url::Position;

use self::{connection::Connection, pool::Pool, secure::SecureClient};
use super::url::path_and_query;
use crate::webhook::{record::Response, request::Request};

pub use self::{
    error::SendError,
    headers::{end_to_end, is_hop_by_hop},
};

/// The maximum size of a response body in bytes.
const MAX_RESPONSE_BODY: usize = 64 << 20;

/// Sends requests to endpoints.
pub trait Transport: Sync {
    /// Sends a request to a URL, and waits up to `timeout` for the whole response. The URL's path and query replace the
    /// request's target; a `host` header of the request replaces the URL's host.
    fn send(&self, url: &Url, request: &Request, timeout: Duration) -> impl Future<Output = Sent> + Send;
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
    pool: Pool,
    secure: SecureClient,
}

impl Client {
    /// A client that accepts any TLS certificate if `insecure`.
    #[must_use]
    pub fn new(insecure: bool) -> Self {
        Self { pool: Pool::default(), secure: SecureClient::new(insecure) }
    }

    async fn exchange(&self, url: &Url, request: &Request) -> Result<Response, SendError> {
        let is_proxied = is_proxied(url);
        if url.scheme() == "http" && !has_credentials(url) && !is_proxied {
            self.exchange_plain(url, request).await
        } else {
            // In a box, because it is much larger than the future of a plain exchange.
            Box::pin(self.secure.exchange(url, request, is_proxied)).await
        }
    }

    async fn exchange_plain(&self, url: &Url, request: &Request) -> Result<Response, SendError> {
        let host = &url[Position::BeforeHost..Position::AfterPort];
        let mut lost = None;
        while let Some(mut reused) = self.pool.take(host) {
            if !reused.is_ready().await {
                continue;
            }
            match reused.send(message(url, request)?).await {
                Ok(response) => return self.finish(host, reused, response).await,
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
        let response = new.send(message(url, request)?).await.map_err(|error| error::no_response(&error))?;
        self.finish(host, new, response).await
    }

    async fn finish(
        &self,
        host: &str,
        mut connection: Connection,
        response: connection::Incoming,
    ) -> Result<Response, SendError> {
        let response = connection.read(response).await?;
        self.pool.put(host, connection);
        Ok(response)
    }
}

impl Transport for Client {
    async fn send(&self, url: &Url, request: &Request, timeout: Duration) -> Sent {
        let started = Instant::now();
        let response = match tokio::time::timeout(timeout, self.exchange(url, request)).await {
            Ok(response) => response,
            Err(_) => Err(SendError::TimedOut(timeout)),
        };
        Sent { response, elapsed: started.elapsed() }
    }
}

/// A request as hyper sends it.
fn message(url: &Url, request: &Request) -> Result<http::Request<Full<Bytes>>, SendError> {
    let unsendable = |error: &dyn std::error::Error| SendError::Unsendable(error.to_string());
    let host = match request.headers.get("host") {
        Some(host) => host.clone(),
        None => HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]).map_err(|e| unsendable(&e))?,
    };
    let mut message = http::Request::new(Full::new(request.body.clone()));
    *message.method_mut() = request.method.clone();
    *message.uri_mut() = Uri::try_from(path_and_query(url)).map_err(|error| unsendable(&error))?;
    let headers = message.headers_mut();
    headers.reserve(request.headers.len() + 2);
    headers.insert(header::HOST, host);
    for (name, value) in end_to_end(&request.headers) {
        headers.append(name.clone(), value.clone());
    }
    if needs_explicit_length(request) {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    Ok(message)
}

/// Whether a client library would send no `content-length`, to which some servers respond with 411.
fn needs_explicit_length(request: &Request) -> bool {
    request.body.is_empty() && !request.method.is_safe()
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
        Some("localhost") => true,
        Some(host) => host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
        None => false,
    }
}
