//! The settings of a receiver that can be replaced while it runs.

use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::forwards::Forward;
use crate::webhook::{
    assessment::{Assessment, Judge},
    called_url::PublicUrl,
    keyring::{Keyring, SecretSource},
    payload::MAX_DECODED_BYTES,
    provider::{Provider, catalog::Catalog},
    request::Request,
    signature::{Receipt, SigningSecret},
    time::Timestamp,
};

/// How many secrets handshakes may hand over in one run: each more is tried for every delivery.
const MAX_HANDED_OVER: usize = 64;

/// Why a secret that a handshake hands over is refused. Anyone who can reach the receiver can send a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedSecret {
    /// The user has set a secret of the provider.
    OwnSecret,
    /// Only deliveries that the user's own secrets verify are wanted.
    OwnSecretsOnly,
    /// Another one is in use, and the receiver accepts no secret that anyone could know.
    NotFirst,
    /// Too many are in use.
    TooMany,
}

/// How requests are verified, and where they are forwarded.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The known providers.
    pub catalog: Arc<Catalog>,
    /// Their signing secrets.
    pub keyring: Keyring,
    /// The provider of every request, instead of the one that the request looks like.
    pub provider: Option<Arc<Provider>>,
    /// The URL under which providers reach this receiver, if it was given.
    pub public_url: Option<PublicUrl>,
    /// Whether deliveries signed with the public development secret are accepted.
    pub accepts_development: bool,
    /// Where deliveries are forwarded. The first match provides the response.
    pub forwards: Vec<Forward>,
}

impl Settings {
    /// Judges a request that was just received. One that was sent here directly, and not to the public URL, is genuine too.
    #[must_use]
    pub fn assess(&self, request: &Request, received_at: Timestamp) -> Assessment {
        let receipt = Receipt::from(Some(received_at));
        let Some(url) = self.called_url(request) else { return self.judge().assess(request, receipt) };
        let assessment = self.judge().assess(request, Receipt { url: Some(&url), ..receipt });
        let assessment = Assessment { url: Some(url), ..assessment };
        let provider = assessment.provider.as_ref().filter(|_| assessment.verdict.rejection().is_some());
        if !provider.is_some_and(|provider| provider.schemes.iter().any(|scheme| scheme.content.signs_url())) {
            return assessment;
        }
        let direct = self.judge().assess(request, receipt);
        if direct.verdict.rejection().is_some() { assessment } else { direct }
    }

    /// The URL that the provider called, if the request does not name it itself.
    #[must_use]
    pub fn called_url(&self, request: &Request) -> Option<String> {
        self.public_url.as_ref().map(|public| public.of(request))
    }

    /// The judge of requests under these settings.
    #[must_use]
    pub fn judge(&self) -> Judge<'_> {
        Judge {
            catalog: &self.catalog,
            keyring: &self.keyring,
            provider: self.provider.as_ref(),
            accepts_development: self.accepts_development,
            decoded_limit: MAX_DECODED_BYTES,
        }
    }
}

/// The current settings, shared by the receiver and the task that reloads them.
#[derive(Debug)]
pub struct CurrentSettings {
    settings: RwLock<Arc<Settings>>,
    /// The secrets that providers gave in this run, each with its provider's name. A reload keeps them.
    handed_over: Mutex<Vec<(String, SigningSecret)>>,
}

impl CurrentSettings {
    /// The settings to start with.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings: RwLock::new(Arc::new(settings)), handed_over: Mutex::default() }
    }

    /// The settings for one request, which keeps them until it is done.
    #[must_use]
    pub fn get(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read())
    }

    /// Replaces the settings for later requests.
    pub fn replace(&self, mut settings: Settings) {
        let handed_over = self.handed_over.lock();
        for (provider, secret) in handed_over.iter() {
            settings.keyring.add(provider, secret.clone(), SecretSource::Registered);
        }
        let mut current = self.settings.write();
        settings.keyring.remember(&current.keyring);
        *current = Arc::new(settings);
    }

    /// Takes a secret into use that a handshake hands over. Returns whether it is new.
    ///
    /// # Errors
    ///
    /// Why it is refused.
    pub fn take_handed_over(&self, provider: &str, secret: SigningSecret) -> Result<bool, RefusedSecret> {
        let settings = self.get();
        let is_known = |(name, known): &(String, SigningSecret)| name == provider && *known == secret;
        {
            let handed_over = self.handed_over.lock();
            if settings.keyring.has_own(provider) {
                return Err(RefusedSecret::OwnSecret);
            }
            if handed_over.iter().any(is_known) {
                return Ok(false);
            }
            if handed_over.iter().any(|(name, _)| name == provider) && !settings.accepts_development {
                return Err(RefusedSecret::NotFirst);
            }
            if handed_over.len() >= MAX_HANDED_OVER {
                return Err(RefusedSecret::TooMany);
            }
        }
        self.add_registered(provider, secret);
        Ok(true)
    }

    /// Takes a secret into use that the provider gave in this run.
    pub fn add_registered(&self, provider: &str, secret: SigningSecret) {
        let mut handed_over = self.handed_over.lock();
        let mut current = self.settings.write();
        let mut settings = Settings::clone(&current);
        settings.keyring.add(provider, secret.clone(), SecretSource::Registered);
        *current = Arc::new(settings);
        handed_over.push((provider.to_owned(), secret));
    }
}
