//! The addresses around the deliveries: where they arrive, and where they can be resent.

use std::time::Duration;

use reqwest::Url;

use crate::{
    engine::receive::ReceiverSettings,
    render::json::{self, Inspected, InspectedProvider, Ready, RegisteredEndpoint},
    webhook::{
        provider::{Provider, catalog::CatalogEntry},
        redact,
    },
};

/// The addresses of a receiver. Only the tunnel's changes.
pub struct Surroundings {
    /// The receiver's URL.
    pub url: String,
    /// A URL at which this machine reaches it, without a path.
    pub local: String,
    /// The inspector's URL, without its token.
    pub inspector: String,
    /// The current public URL, if there is a tunnel.
    pub tunnel: Box<dyn Fn() -> Option<String> + Send + Sync>,
    /// What is registered with providers.
    pub registered: Vec<RegisteredEndpoint>,
    /// Whether `send` delivers there by default.
    pub is_default: bool,
    /// Makes the command that sends an event, to this URL if needed.
    pub send_command: fn(&str, Option<&str>) -> String,
}

/// A target for resending deliveries.
pub struct ResendTarget {
    /// Its name on the page: its URL without tokens, or without all query values.
    pub name: String,
    pub url: Url,
}

/// The targets of a receiver, each once. With `redact`, their names contain no query values.
pub fn targets(settings: &ReceiverSettings, redact: bool) -> Vec<ResendTarget> {
    let hidden = if redact { redact::query } else { redact::tokens };
    let mut targets: Vec<ResendTarget> = Vec::new();
    for forward in &settings.forwards {
        if targets.iter().any(|target| target.url == forward.url) {
            continue;
        }
        let shown = hidden(forward.url.as_str()).into_owned();
        // Number targets that differ only in what is hidden.
        let same = targets
            .iter()
            .filter(|target| target.name == shown || target.name.starts_with(&format!("{shown} (")))
            .count();
        let name = if same == 0 { shown } else { format!("{shown} ({})", same + 1) };
        targets.push(ResendTarget { name, url: forward.url.clone() });
    }
    targets
}

impl Surroundings {
    /// The ready line.
    pub fn line(&self, settings: &ReceiverSettings, history: usize, redact: bool) -> Vec<u8> {
        let tunnel = (self.tunnel)();
        let base = tunnel.as_deref().unwrap_or(&self.local);
        let listed = listed(settings);
        let send = listed.first().and_then(|provider| Some((provider, provider.events.first()?)));
        let send = send.map_or_else(String::new, |(provider, event)| {
            let to = (!self.is_default).then(|| format!("{}/{}", self.local, provider.name));
            (self.send_command)(&event.full_name, to.as_deref())
        });
        let providers = listed.iter().map(|provider| InspectedProvider {
            name: provider.name.clone(),
            title: provider.title.clone(),
            path: format!("/{}", provider.name),
            url: format!("{base}/{}", provider.name),
            limit_ms: provider.delivery.timeout.map(millis),
        });
        let inspected = Inspected {
            providers: providers.collect(),
            targets: targets(settings, redact).into_iter().map(|target| target.name).collect(),
            send,
            history,
        };
        let Self { url, inspector, registered, .. } = self;
        let mut line = Vec::new();
        let ready = Ready { url, inspector: Some(inspector), tunnel: tunnel.as_deref(), registered };
        json::inspected(ready, &inspected, &mut line);
        line
    }
}

/// The providers in use: the fixed one, else those with the user's own secret; else a few well-known ones.
fn listed(settings: &ReceiverSettings) -> Vec<&Provider> {
    if let Some(provider) = &settings.provider {
        return vec![provider];
    }
    let is_in_use = |entry: &&std::sync::Arc<CatalogEntry>| {
        let name = entry.name();
        !settings.keyring.secrets(name).is_empty() && !settings.keyring.has_only_development(name)
    };
    let in_use: Vec<_> = settings.catalog.entries().filter(is_in_use).collect();
    let listed = if in_use.is_empty() { settings.catalog.featured() } else { in_use };
    listed.into_iter().filter_map(|entry| entry.load().ok().map(std::convert::AsRef::as_ref)).collect()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
