//! What a config that was found, rather than named with `--config`, may do without the user's trust: everything on this
//! machine. It may not send a secret, or what senders sent, elsewhere; nor add a provider whose secret is sent as it is.

use std::{env, path::PathBuf};

use reqwest::Url;

use super::exit::Failure;
use crate::{
    engine::receive::Forward,
    net::client::is_loopback,
    store::{
        config::Config,
        trust::{Fingerprint, TrustStore},
    },
    webhook::{
        keyring::{Keyring, SecretSource},
        provider::Provider,
        redact,
    },
};

/// Decides what a found config may do.
#[derive(Debug)]
pub(super) struct Guard {
    config: String,
    /// The hash of what is trusted with it.
    pub fingerprint: String,
    /// The providers that it adds.
    providers: Vec<Added>,
}

/// A provider that a found config adds.
#[derive(Debug)]
struct Added {
    name: String,
    title: String,
    /// Whether its requests contain the secret itself.
    sends_secret: bool,
}

/// A [`Guard`] while the config's providers are read.
pub(super) struct GuardBuilder {
    config: String,
    fingerprint: Fingerprint,
    providers: Vec<Added>,
}

impl GuardBuilder {
    pub fn new(config: &Config) -> Self {
        let path = config.path.display().to_string();
        Self { config: path, fingerprint: Fingerprint::of(config), providers: Vec::new() }
    }

    /// Adds a provider in the order in which they are read; a later one replaces an earlier one of its name.
    pub fn add_provider(&mut self, provider: &Provider, is_configured: bool) {
        self.providers.retain(|added| added.name != provider.name);
        if is_configured {
            self.fingerprint.add_provider(provider.files());
            self.providers.push(Added {
                name: provider.name.clone(),
                title: provider.title.clone(),
                sends_secret: provider.sends_secret(),
            });
        }
    }

    pub fn finish(self) -> Guard {
        Guard { config: self.config, fingerprint: self.fingerprint.finish(), providers: self.providers }
    }
}

impl Guard {
    /// Checks that the config may add its providers.
    ///
    /// # Errors
    ///
    /// If one sends its secret as it is, and the config isn't trusted.
    pub fn allow_providers(&self) -> Result<(), Failure> {
        match self.providers.iter().find(|added| added.sends_secret) {
            Some(Added { title, .. }) => self.require_trust(|| {
                format!("the config {} adds the provider {title}, which sends its secret unhashed", self.config)
            }),
            None => Ok(()),
        }
    }

    /// Whether one of the config's providers decides which variable a secret is read from.
    pub fn decides_a_secret(&self, keyring: &Keyring) -> bool {
        self.providers.iter().any(|added| matches!(keyring.source(&added.name, 0), Some(SecretSource::Env(_))))
    }

    /// The names of the providers that the config adds.
    pub fn provider_names(&self) -> impl Iterator<Item = &str> {
        self.providers.iter().map(|added| added.name.as_str())
    }

    fn require_trust(&self, refusal: impl FnOnce() -> String) -> Result<(), Failure> {
        if TrustStore::of_user(|name| env::var_os(name)).is_some_and(|store| store.has(&self.fingerprint)) {
            return Ok(());
        }
        Err(Failure::usage(format!("{}; run `hookdev trust` to allow it", refusal()))
            .hint("read the config first, or ignore it with --no-config"))
    }

    /// The file that appears when the user trusts the config.
    pub fn record(&self) -> Option<PathBuf> {
        TrustStore::of_user(|name| env::var_os(name)).map(|store| store.record(&self.fingerprint))
    }
}

/// What a delivery carries that is worth stealing.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cargo<'a> {
    /// A signature by the provider's secret, or the secret itself.
    Signed(&'a Provider, &'a Keyring),
    /// A captured request, with the credentials of its sender.
    Captured,
    /// Nothing.
    Unsigned,
}

/// Checks that the config may have a delivery sent to this URL, if it is the config that decides where it goes.
///
/// # Errors
///
/// If the URL leads elsewhere, the delivery carries a secret, and the config isn't trusted.
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

/// Checks that the config may have deliveries forwarded, if the forwards are the config's.
///
/// # Errors
///
/// If one leads elsewhere, and the config isn't trusted.
pub(super) fn allow_forwards(guard: Option<&Guard>, forwards: &[Forward]) -> Result<(), Failure> {
    let Some(guard) = guard else { return Ok(()) };
    match forwards.iter().find(|forward| !is_local(&forward.url)) {
        Some(Forward { events, url, .. }) => guard.require_trust(|| {
            format!("the config {} forwards {events} to {}", guard.config, redact::query(url.as_str()))
        }),
        None => Ok(()),
    }
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

/// Whether a URL leads to this machine. `0.0.0.0` does, as an address to connect to.
fn is_local(url: &Url) -> bool {
    is_loopback(url) || matches!(url.host_str(), Some("0.0.0.0" | "[::]"))
}
