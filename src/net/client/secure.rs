//! The part of the client that uses reqwest: TLS, proxies and URLs with credentials.

use std::{
    collections::HashSet,
    io,
    net::SocketAddr,
    sync::{Mutex, OnceLock, PoisonError},
};

use http::{Extensions, HeaderName, header};
use hyper_util::client::legacy::{self, connect::HttpInfo};
use reqwest::{ClientBuilder, Url, redirect, retry};

use super::{
    StreamedResponse,
    body::ResponseBody,
    chunked::ChunkedBody,
    error::{SendError, chain, explain, sources},
    fields, has_credentials,
    headers::end_to_end,
};
use crate::webhook::{request::Request, wire_form::WireForm};

/// The reqwest clients. Each is built on first use, because reading the system's certificates takes longer
/// than sending a request.
#[derive(Debug, Default)]
pub(super) struct SecureClient {
    insecure: bool,
    direct: Clients,
    proxied: Clients,
    /// The local addresses of connections that have carried a response, as reqwest does not say whether it reused one.
    used: Mutex<HashSet<SocketAddr>>,
}

#[derive(Debug, Default)]
struct Clients {
    pooled: OnceLock<reqwest::Client>,
    /// Sends again what a reused connection lost. It keeps no connections, so each of its requests opens one.
    unpooled: OnceLock<reqwest::Client>,
}

impl SecureClient {
    pub(super) fn new(insecure: bool) -> Self {
        Self { insecure, ..Self::default() }
    }

    /// Sends a request and waits for the head of the response.
    pub(super) async fn begin(
        &self,
        url: &Url,
        request: &Request,
        is_proxied: bool,
    ) -> Result<StreamedResponse, SendError> {
        let clients = if is_proxied { &self.proxied } else { &self.direct };
        let client = get_or_build(&clients.pooled, || self.builder(is_proxied))?;
        match send(client, url, request, request.body.clone().into()).await {
            Ok(response) => {
                if let Some(address) = local_address(response.extensions()) {
                    self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(address);
                }
                Ok(streamed(response))
            }
            Err(error) if self.was_reused(&error) => {
                let client = get_or_build(&clients.unpooled, || self.builder(is_proxied).pool_max_idle_per_host(0))?;
                send(client, url, request, request.body.clone().into())
                    .await
                    .map(streamed)
                    .map_err(|error| explain(error, url))
            }
            Err(error) => Err(explain(error, url)),
        }
    }

    /// Sends a request in one of the forms that only proxies use, over a new connection.
    pub(super) async fn begin_in_form(
        &self,
        form: WireForm,
        url: &Url,
        request: &Request,
        is_proxied: bool,
    ) -> Result<StreamedResponse, SendError> {
        let builder = self.builder(is_proxied).pool_max_idle_per_host(0);
        let builder = if form == WireForm::Capitalised { builder.http1_title_case_headers() } else { builder };
        let client = builder.build().map_err(|error| SendError::Unsendable(chain(&error.without_url())))?;
        let body = match form {
            WireForm::Chunked => reqwest::Body::wrap(ChunkedBody::new(request.body.clone())),
            WireForm::Usual | WireForm::Capitalised => request.body.clone().into(),
        };
        send(&client, url, request, body).await.map(streamed).map_err(|error| explain(error, url))
    }

    /// Whether a request failed because a connection ended that had carried a response before. That includes a
    /// response that ends within its head, because reqwest cannot distinguish it from one that never began.
    fn was_reused(&self, error: &reqwest::Error) -> bool {
        let Some(lost) = sources(error).find_map(|source| source.downcast_ref::<legacy::Error>()) else { return false };
        let has_ended = sources(lost).any(|source| match source.downcast_ref::<hyper::Error>() {
            Some(error) => error.is_incomplete_message() || error.is_closed() || error.is_canceled(),
            None => source.is::<io::Error>(),
        });
        let Some(connected) = lost.connect_info().filter(|_| has_ended) else { return false };
        let mut extensions = Extensions::new();
        connected.get_extras(&mut extensions);
        // Removed, so that a later connection from the same address does not count as reused.
        local_address(&extensions)
            .is_some_and(|address| self.used.lock().unwrap_or_else(PoisonError::into_inner).remove(&address))
    }

    fn builder(&self, is_proxied: bool) -> ClientBuilder {
        // Fails only if it is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .http1_only()
            .tls_danger_accept_invalid_certs(self.insecure);
        if is_proxied { builder } else { builder.no_proxy() }
    }
}

fn get_or_build(
    cell: &OnceLock<reqwest::Client>,
    builder: impl FnOnce() -> ClientBuilder,
) -> Result<&reqwest::Client, SendError> {
    if let Some(client) = cell.get() {
        return Ok(client);
    }
    let client = builder().build().map_err(|error| SendError::Unsendable(chain(&error.without_url())))?;
    Ok(cell.get_or_init(|| client))
}

/// Sends a request and waits for the head of the response.
async fn send(
    client: &reqwest::Client,
    url: &Url,
    request: &Request,
    body: reqwest::Body,
) -> reqwest::Result<reqwest::Response> {
    let mut builder = client.request(request.method.clone(), url.clone()).body(body);
    if let Some(host) = request.headers.get("host") {
        builder = builder.header(header::HOST, host);
    }
    // The credentials of the URL replace those of the request.
    let is_replaced = |name: &HeaderName| *name == header::AUTHORIZATION && has_credentials(url);
    for (name, value) in end_to_end(&request.headers).filter(|(name, _)| !is_replaced(name.name())) {
        builder = builder.header(name.name(), value);
    }
    if request.body.is_empty() && !request.method.is_safe() {
        builder = builder.header(header::CONTENT_LENGTH, 0);
    }
    builder.send().await
}

fn streamed(response: reqwest::Response) -> StreamedResponse {
    let (status, headers) = (response.status().as_u16(), fields(response.headers()));
    StreamedResponse { status, headers, body: ResponseBody::secure(response) }
}

/// The local address of the connection that carried a request.
fn local_address(extensions: &Extensions) -> Option<SocketAddr> {
    extensions.get::<HttpInfo>().map(HttpInfo::local_addr)
}
