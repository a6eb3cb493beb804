//! Limits what a config that was found, rather than named with `--config`, may do before the user trusts it. Anything
//! on this machine is allowed. Sending secrets or received data elsewhere is not, nor is adding a provider that sends
//! its secret unhashed.

use std::{env, path::PathBuf, sync::Arc};

use reqwest::Url;

use super::exit::Failure;
use crate::{
    engine::receive::Forward,
    net::client::is_local,
    store::{
        config::Config,
        recipes::Recipe,
        trust::{Fingerprint, TrustStore},
    },
    webhook::{
        keyring::{Keyring, SecretSource},
        provider::{Provider, catalog::CatalogEntry, index::IndexEntry},
        redact,
    },
};

/// Decides what a found config may do.
#[derive(Debug)]
pub(super) struct Guard {
    config: String,
    /// The hash of the config itself.
    of_config: Fingerprint,
    /// All providers that it names.
    named: Vec<Arc<CatalogEntry>>,
    /// Those that no later one replaces.
    added: Vec<Arc<CatalogEntry>>,
}

impl Guard {
    pub fn new(config: &Config) -> Self {
        let path = config.path.display().to_string();
        Self { config: path, of_config: Fingerprint::of(config), named: Vec::new(), added: Vec::new() }
    }

    /// Adds a provider. Call it in the order in which they are read: a later one replaces an earlier one of the same
    /// name.
    pub fn add_provider(&mut self, entry: &Arc<CatalogEntry>, is_configured: bool) {
        self.added.retain(|added| added.name() != entry.name());
        if is_configured {
            self.named.push(Arc::clone(entry));
            self.added.push(Arc::clone(entry));
        }
    }

    /// The hash of everything that trust covers: the config itself, and the files of its providers. The files hashed
    /// here are the ones in use.
    ///
    /// # Errors
    ///
    /// If a provider can't be loaded.
    pub fn fingerprint(&self) -> Result<String, Failure> {
        let mut fingerprint = self.of_config.clone();
        for entry in &self.named {
            fingerprint.add_provider(entry.load()?.files());
        }
        Ok(fingerprint.finish())
    }

    /// Checks that the config may add its providers.
    ///
    /// # Errors
    ///
    /// If one of them sends its secret unhashed, and the config isn't trusted.
    pub fn allow_providers(&self) -> Result<(), Failure> {
        match self.added.iter().map(|entry| entry.index()).find(|index| index.sends_secret) {
            Some(IndexEntry { title, .. }) => self.require_trust(|| {
                format!("the config {} adds the provider {title}, which sends its secret unhashed", self.config)
            }),
            None => Ok(()),
        }
    }

    /// Whether one of the config's providers determines the variable that a secret is read from.
    pub fn decides_a_secret(&self, keyring: &Keyring) -> bool {
        self.added.iter().any(|entry| matches!(keyring.source(entry.name(), 0), Some(SecretSource::Env(_))))
    }

    /// The providers that the config adds.
    pub fn providers(&self) -> &[Arc<CatalogEntry>] {
        &self.added
    }

    fn require_trust(&self, refusal: impl FnOnce() -> String) -> Result<(), Failure> {
        let fingerprint = self.fingerprint()?;
        if TrustStore::of_user(|name| env::var_os(name)).is_some_and(|store| store.has(&fingerprint)) {
            return Ok(());
        }
        Err(Failure::usage(format!("{}; this needs your trust", refusal()))
            .hint("read the config, then run `hookdev trust` to allow this; --no-config ignores the config"))
    }

    /// The file that appears when the user trusts the config.
    pub fn record(&self) -> Option<PathBuf> {
        Some(TrustStore::of_user(|name| env::var_os(name))?.record(&self.fingerprint().ok()?))
    }
}

/// What a delivery carries that must not leak.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cargo<'a> {
    /// A signature by the provider's secret, or the secret itself.
    Signed(&'a Provider, &'a Keyring),
    /// A captured request, with the credentials of its sender.
    Captured,
    /// Nothing.
    Unsigned,
}

/// Checks that the config may send a delivery to this URL. Call it only if the config decides the URL.
///
/// # Errors
///
/// If the URL leads to another machine, the delivery carries something secret, and the config isn't trusted.
pub(super) fn allow_delivery(guard: Option<&Guard>, url: &Url, cargo: Cargo<'_>) -> Result<(), Failure> {
    let Some(guard) = guard.filter(|_| !is_local(url)) else { return Ok(()) };
    let what = match cargo {
        Cargo::Signed(provider, keyring) => match keyring.source(&provider.name, 0) {
            None | Some(SecretSource::Development) => return Ok(()),
            Some(source) => format!("{} deliveries, signed with {},", provider.title, in_words(source)),
        },
        Cargo::Captured => "captured requests".to_owned(),
        Cargo::Unsigned => return Ok(()),
    };
    guard.require_trust(|| format!("the config {} sends {what} to {}", guard.config, redact::query(url.as_str())))
}

/// Checks that the config may forward deliveries. Call it only if the forwards come from the config.
///
/// # Errors
///
/// If one leads to another machine, and the config isn't trusted.
pub(super) fn allow_forwards(guard: Option<&Guard>, forwards: &[Forward]) -> Result<(), Failure> {
    let Some(guard) = guard else { return Ok(()) };
    match forwards.iter().find(|forward| !is_local(&forward.url)) {
        Some(Forward { events, url, .. }) => guard.require_trust(|| {
            format!("the config {} forwards {events} to {}", guard.config, redact::query(url.as_str()))
        }),
        None => Ok(()),
    }
}

/// Checks that the config may start its own program for a tunnel.
///
/// # Errors
///
/// If the config isn't trusted.
pub(super) fn allow_tunnel(guard: Option<&Guard>, name: &str, recipe: &Recipe) -> Result<(), Failure> {
    let Some(guard) = guard else { return Ok(()) };
    guard.require_trust(|| {
        let program = recipe.command.words().next().unwrap_or_default();
        format!("the config {} starts the program `{program}` for the tunnel {name}", guard.config)
    })
}

/// Checks that the config may decide where a provider's API key is sent: through its own `api`, or through the manifest
/// of a provider that it adds.
///
/// # Errors
///
/// If the URL leads to another machine, and the config isn't trusted.
pub(super) fn allow_api(
    guard: Option<&Guard>,
    provider: &Provider,
    url: &Url,
    is_configured: bool,
) -> Result<(), Failure> {
    let Some(guard) = guard.filter(|_| !is_local(url)) else { return Ok(()) };
    if is_configured || guard.added.iter().any(|entry| entry.name() == provider.name) {
        let (config, title, url) = (&guard.config, &provider.title, redact::query(url.as_str()));
        return guard.require_trust(|| format!("the config {config} sends the {title} API key to {url}"));
    }
    Ok(())
}

/// Checks that a provider's API key may be read from the config's env file.
///
/// # Errors
///
/// If the key is sent to another machine, and the config isn't trusted.
pub(super) fn allow_key(guard: Option<&Guard>, name: &str, url: &Url) -> Result<(), Failure> {
    let Some(guard) = guard.filter(|_| !is_local(url)) else { return Ok(()) };
    let url = redact::query(url.as_str());
    guard.require_trust(|| format!("the config {} reads {name} from its env file, to send it to {url}", guard.config))
}

/// Where a secret comes from, in words.
pub(super) fn in_words(source: &SecretSource) -> String {
    match source {
        SecretSource::Development => "the public development secret".to_owned(),
        SecretSource::Config => "a literal in the config".to_owned(),
        SecretSource::Flag => "--secret".to_owned(),
        other => other.to_string(),
    }
}
