//! Asks the program of a tunnel, over HTTP on this machine, for its URL and whether it works; or asks the public URL.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use reqwest::Url;
use serde_json::Value;

use super::CHECK_PATH;
use crate::{
    net::{
        client::{Client, Transport},
        url::path_and_query,
    },
    store::recipes::{Recipe, RecipeValues, UrlSource},
    webhook::{
        called_url::PublicUrl,
        record::Response,
        request::{Headers, Request},
    },
};

/// How long a response may take.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Asks one program.
#[derive(Debug)]
pub(super) struct TunnelProbe {
    client: Client,
    url: Option<(Url, String)>,
    ready: Option<Url>,
    /// The path to check below the public URL, if that is checked.
    check: Option<String>,
    /// The public URL under which a request has arrived here.
    arrived: Option<PublicUrl>,
}

impl TunnelProbe {
    /// A probe for a program whose recipe has these values. `prefix` is the path below the public URL that leads here.
    ///
    /// # Errors
    ///
    /// If a URL of the recipe is invalid; the message says which.
    pub fn new(recipe: &Recipe, values: RecipeValues<'_>, prefix: &str) -> Result<Self, String> {
        let parse =
            |text: String| Url::parse(&text).map_err(|error| format!("invalid URL `{text}` in the recipe: {error}"));
        let url = match &recipe.url.source {
            UrlSource::Http { url, pointer } => Some((parse(url.fill(values))?, pointer.clone())),
            UrlSource::Json(_) | UrlSource::Line(_) => None,
        };
        let ready = recipe.ready.as_ref().map(|ready| parse(ready.http.fill(values))).transpose()?;
        let check = recipe.check_url.then(|| format!("{prefix}{CHECK_PATH}"));
        Ok(Self { client: Client::new(false), url, ready, check, arrived: None })
    }

    /// Whether anything can be asked at all.
    pub const fn can_ask(&self) -> bool {
        self.url.is_some() || self.ready.is_some() || self.check.is_some()
    }

    /// Whether a tunnel that was ready still works.
    pub async fn is_alive(&mut self, recipe: &Recipe, url: &PublicUrl) -> bool {
        self.is_ready(recipe).await && self.arrives(url).await
    }

    /// Whether a request to the public URL arrives here. Until the first one has arrived, failures don't count, because
    /// some networks block such requests.
    async fn arrives(&mut self, url: &PublicUrl) -> bool {
        let Some(path) = &self.check else { return true };
        let Ok(check) = Url::parse(&format!("{url}{path}")) else { return true };
        if self.get(&check).await.is_some_and(|response| response.status == 204) {
            self.arrived = Some(url.clone());
            return true;
        }
        self.arrived.as_ref() != Some(url)
    }

    /// The public URL, if the program is asked for it and has one.
    pub async fn url(&self, recipe: &Recipe) -> Option<PublicUrl> {
        let (url, pointer) = self.url.as_ref()?;
        let response = self.get(url).await.filter(is_success)?;
        recipe.url.at(pointer, &serde_json::from_slice::<Value>(&response.body).ok()?)
    }

    /// Whether the tunnel works, as far as the program can be asked.
    pub async fn is_ready(&self, recipe: &Recipe) -> bool {
        match (&self.ready, &self.url) {
            (Some(ready), _) => self.get(ready).await.is_some_and(|response| is_success(&response)),
            (None, Some(_)) => self.url(recipe).await.is_some(),
            (None, None) => true,
        }
    }

    async fn get(&self, url: &Url) -> Option<Response> {
        let request =
            Request { method: Method::GET, target: path_and_query(url), headers: Headers::new(), body: Bytes::new() };
        self.client.send(url, &request, RESPONSE_TIMEOUT).await.response.ok()
    }
}

fn is_success(response: &Response) -> bool {
    (200..300).contains(&response.status)
}
