//! The proxies of the environment (`HTTPS_PROXY`, `NO_PROXY`, ...). Requests for `http://` are sent to the proxy
//! itself. For `https://` it opens a tunnel, so it sees neither request nor response. reqwest opens the tunnels,
//! because it supports every kind of proxy that users expect.

use std::sync::LazyLock;

use http::{HeaderValue, Method, Uri, header::PROXY_AUTHORIZATION, uri::Scheme};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use reqwest::{Url, redirect, retry};

use super::{
    error::{SendError, chain, io_kind, not_connected},
    host, is_local,
    tls::Tls,
};

/// A proxy.
pub(super) struct Proxy(Intercept);

impl Proxy {
    /// The proxy for requests to a URL. This machine is always reached directly.
    ///
    /// # Errors
    ///
    /// If hookdev can't use it.
    pub(super) fn of(url: &Url) -> Result<Option<Self>, SendError> {
        static PROXIES: LazyLock<Matcher> = LazyLock::new(Matcher::from_system);
        if is_local(url) {
            return Ok(None);
        }
        // Without the path, because not every path of a `Url` is valid in a `Uri`.
        let uri = Uri::builder().scheme(url.scheme()).authority(host(url)).path_and_query("/").build();
        let Some(proxy) = uri.ok().and_then(|uri| PROXIES.intercept(&uri)).map(Self) else { return Ok(None) };
        match proxy.0.uri().scheme() {
            Some(scheme) if *scheme != Scheme::HTTP && *scheme != Scheme::HTTPS => {
                Err(proxy.unreachable(&format!("{scheme}:// proxies are not supported")))
            }
            _ => Ok(Some(proxy)),
        }
    }

    pub(super) fn host(&self) -> &str {
        self.0.uri().host().unwrap_or_default()
    }

    pub(super) fn port(&self) -> u16 {
        self.0.uri().port_u16().unwrap_or(if self.is_encrypted() { 443 } else { 80 })
    }

    /// Whether requests to the proxy are encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.0.uri().scheme() == Some(&Scheme::HTTPS)
    }

    /// The `proxy-authorization` header for it.
    pub(super) fn authorization(&self) -> Option<&HeaderValue> {
        self.0.basic_auth()
    }

    /// Opens a tunnel to a host.
    pub(super) async fn tunnel(&self, host: &str, port: u16, tls: &Tls) -> Result<reqwest::Upgraded, SendError> {
        let proxy = self.0.uri().to_string();
        let failed = |error: reqwest::Error| {
            let error = error.without_url();
            let problem = chain(&error);
            self.unreachable(&if error.is_connect() {
                not_connected(io_kind(&error), self.host(), self.port(), &problem).to_string()
            } else {
                problem
            })
        };
        let client = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .http1_only()
            .tls_backend_preconfigured((*tls.config()?).clone())
            .proxy(reqwest::Proxy::custom(move |_| Some(proxy.clone())))
            .build()
            .map_err(failed)?;
        let target = format!("{host}:{port}");
        // Not `https`, because reqwest would then encrypt too. An `http` URL drops port 80, but no endpoint has TLS
        // there.
        let mut request = client.request(Method::CONNECT, format!("http://{target}/"));
        if let Some(value) = self.authorization() {
            request = request.header(PROXY_AUTHORIZATION, value);
        }
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        if !status.is_success() {
            return Err(self.unreachable(&format!("it responded {} to CONNECT {target}", status.as_u16())));
        }
        response.upgrade().await.map_err(failed)
    }

    /// An error that names the proxy, without its credentials.
    pub(super) fn unreachable(&self, problem: &str) -> SendError {
        SendError::Unreachable(format!("the proxy {}:{} can't be used: {problem}", self.host(), self.port()))
    }
}
